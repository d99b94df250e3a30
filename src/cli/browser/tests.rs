use super::*;

const ADDRESS: &str = "https://id.example/authorize?a=1&b=$(touch%20x);`id`|'%22&c=-x%0A";

fn command(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).into()).collect()
}

fn chosen(flag: Option<&str>, variables: &[(&'static str, &'static str)], configured: Option<&str>) -> Browser {
    choose(flag, false, &Environment::given(variables.iter().copied()), configured).unwrap()
}

#[test]
fn the_nearest_choice_counts() {
    let variables = [("KEYFOB_BROWSER", "own"), ("BROWSER", "common")];
    let one = |word| Browser::Commands(vec![command(&[word])]);

    assert_eq!(choose(Some("x"), true, &Environment::given(variables), None).unwrap(), Browser::None);
    assert_eq!(chosen(Some("flag"), &variables, Some("file")), one("flag"));
    assert_eq!(chosen(None, &variables, Some("file")), one("own"));
    assert_eq!(chosen(None, &variables[1..], Some("file")), one("common"));
    assert_eq!(chosen(None, &[], Some("file")), one("file"));
    assert_eq!(chosen(None, &[], None), Browser::System);
}

#[test]
fn none_means_print_only_wherever_it_stands() {
    assert_eq!(chosen(Some("none"), &[], None), Browser::None);
    assert_eq!(chosen(None, &[("KEYFOB_BROWSER", "none")], None), Browser::None);
    assert_eq!(chosen(None, &[("BROWSER", "none")], None), Browser::None);
    assert_eq!(chosen(None, &[], Some("none")), Browser::None);
}

#[test]
fn commands_are_split_like_a_shell_would_without_running_one() {
    let browser = chosen(Some("'my browser' --url=%u \"$HOME\" ; x:y"), &[], None);

    assert_eq!(browser, Browser::Commands(vec![command(&["my browser", "--url=%u", "$HOME", ";", "x:y"])]));
}

#[cfg(unix)]
#[test]
fn the_common_variable_is_a_list() {
    let browser = chosen(None, &[("BROWSER", "first --new %s::second")], None);

    assert_eq!(browser, Browser::Commands(vec![command(&["first", "--new", "%u"]), command(&["second"])]));
    assert_eq!(chosen(None, &[("BROWSER", ":")], None), Browser::System);
}

#[test]
fn what_is_no_command_is_refused_with_its_origin() {
    for (value, reason) in
        [("'open", "missing closing quote"), (" ", "it names no program"), ("%u", "the address cannot be the program")]
    {
        let outcome = choose(Some(value), false, &Environment::given([]), None);
        assert_eq!(
            outcome.unwrap_err().to_string(),
            format!("the browser command in --browser cannot be used: {reason}")
        );
    }
}

#[test]
fn a_chosen_command_is_usable_anywhere_and_none_nowhere() {
    let remote = Environment::given([("SSH_TTY", "/dev/pts/1")]);

    assert_eq!(usable(&Browser::Commands(vec![command(&["x"])]), &remote), Ok(()));
    let hosted = Environment::given([("CODESPACES", "true")]);
    let helper = command(&["/vscode/bin/0/bin/helpers/browser.sh"]);
    assert_eq!(usable(&Browser::Commands(vec![helper.clone()]), &hosted), Err(Reason::WebEditor));
    assert_eq!(usable(&Browser::Commands(vec![helper, command(&["x"])]), &hosted), Ok(()));
    assert_eq!(usable(&Browser::None, &Environment::given([("DISPLAY", ":0")])), Err(Reason::Unwanted));
}

#[test]
fn the_system_gets_the_address_as_one_argument_or_not_at_all_in_arguments() {
    let url = Url::parse(ADDRESS).unwrap();

    for command in of_the_system(&url, &[]).unwrap() {
        let arguments: Vec<_> =
            command.get_args().filter(|word| word.to_string_lossy().contains("id.example")).collect();
        assert!(arguments.is_empty() || arguments == [url.as_str()], "{command:?}");
    }
}

#[cfg(unix)]
mod running {
    use super::*;

    /// A folder with a script and the words that run it. Scripts exit with a status, so that their end is noticed.
    fn script(text: &str) -> (tempfile::TempDir, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("script");
        std::fs::write(&path, format!("cd '{}'\n{text}\n", folder.path().display())).unwrap();
        let words = command(&["sh", path.to_str().unwrap()]);
        (folder, words)
    }

    async fn failure(commands: Vec<Vec<String>>, secret_variables: &[String]) -> String {
        let url = Url::parse(ADDRESS).unwrap();
        open(&Browser::Commands(commands), &url, secret_variables).unwrap().failed().await
    }

    #[tokio::test]
    async fn the_address_is_one_word_whatever_it_holds() {
        let (folder, words) = script("printf '<%s>' \"$@\" >arguments; exit 3");

        let reason = failure(vec![words], &[]).await;

        assert_eq!(reason, "`sh` failed (exit status: 3)");
        let arguments = std::fs::read_to_string(folder.path().join("arguments")).unwrap();
        assert_eq!(arguments, format!("<{}>", Url::parse(ADDRESS).unwrap()));
    }

    #[tokio::test]
    async fn a_placeholder_is_filled_where_it_stands() {
        let (folder, mut words) = script("printf '<%s>' \"$@\" >arguments; exit 3");
        words.extend(command(&["--url=%u", "-n"]));

        failure(vec![words], &[]).await;

        let arguments = std::fs::read_to_string(folder.path().join("arguments")).unwrap();
        assert_eq!(arguments, format!("<--url={}><-n>", Url::parse(ADDRESS).unwrap()));
    }

    #[tokio::test]
    async fn the_next_command_is_tried_when_one_fails_and_the_first_reason_is_given() {
        let (folder, words) = script("touch ran; exit 3");

        let reason = failure(vec![command(&["no-such-program-here"]), words], &[]).await;

        assert!(reason.starts_with("`no-such-program-here` cannot be run: "), "{reason}");
        assert!(folder.path().join("ran").exists());
    }

    #[tokio::test]
    async fn secret_variables_stay_here() {
        // Set by cargo for every test.
        let name = "CARGO_PKG_NAME";
        assert!(std::env::var_os(name).is_some());
        let (folder, words) = script("env >environment; exit 3");

        failure(vec![words], &[name.into()]).await;

        let environment = std::fs::read_to_string(folder.path().join("environment")).unwrap();
        assert!(!environment.contains("CARGO_PKG_NAME="));
        assert!(environment.contains("CARGO_PKG_VERSION="), "others are inherited");
    }

    #[tokio::test]
    async fn a_launcher_that_floods_and_reads_is_not_held_up_and_has_no_terminal() {
        let (_folder, words) = script(
            "head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2\n\
             read line && exit 4\n\
             (: </dev/tty) 2>/dev/null && exit 5\n\
             exit 3",
        );

        assert_eq!(failure(vec![words], &[]).await, "`sh` failed (exit status: 3)");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_launcher_has_a_session_of_its_own() {
        let (_folder, words) = script(
            "read pid name state parent group session rest </proc/$$/stat\n\
             [ \"$session\" = $$ ] && exit 3; exit 4",
        );

        assert_eq!(failure(vec![words], &[]).await, "`sh` failed (exit status: 3)");
    }

    #[tokio::test]
    async fn a_launcher_that_blocks_blocks_nothing() {
        let (folder, words) = script("read line <gate; exit 3");
        let gate = folder.path().join("gate");
        assert!(Command::new("mkfifo").arg(&gate).status().unwrap().success());

        let mut opening = open(&Browser::Commands(vec![words]), &Url::parse(ADDRESS).unwrap(), &[]).unwrap();
        std::fs::write(&gate, "go\n").unwrap();

        assert_eq!(opening.failed().await, "`sh` failed (exit status: 3)");
    }

    #[tokio::test]
    async fn success_is_no_failure_and_neither_is_a_late_exit() {
        use std::os::unix::process::ExitStatusExt;
        let (good, bad) = (ExitStatus::from_raw(0), ExitStatus::from_raw(1 << 8));

        assert!(is_good(good, Duration::ZERO) && is_good(bad, QUICK) && !is_good(bad, Duration::ZERO));
        let commands = vec![Command::new("true"), Command::new("no-such-program-here")].into_iter();
        let mut launch = Launch { commands, reason: None };
        let started = launch.next();
        assert_eq!(launch.watch(started), Ok(()));
    }

    #[tokio::test]
    async fn other_addresses_are_refused_with_nothing_run() {
        let (folder, words) = script("touch ran");
        let browser = Browser::Commands(vec![words]);

        for address in [
            "file:///etc/passwd",
            "javascript:alert(1)",
            "http://id.example/authorize",
            "https://user@id.example/",
            "data:text/html,x",
        ] {
            let outcome = open(&browser, &Url::parse(address).unwrap(), &[]);
            assert!(matches!(outcome, Err(Error::Refused(system::Error::ForbiddenUrl { .. }))), "{address}");
        }
        assert!(!folder.path().join("ran").exists());
    }

    #[tokio::test]
    async fn without_a_browser_nothing_is_run() {
        assert!(open(&Browser::None, &Url::parse(ADDRESS).unwrap(), &[]).unwrap().0.is_none());
    }
}
