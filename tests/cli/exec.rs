//! `keyfob exec`: a program with a token in its environment or in a file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Answer, Gate, Keyfob, OAuth1Server, Running, Server, Terminal, eventually, files, mode};

/// A script that waits, without doing anything, for a signal that it has a trap for.
const WAIT: &str = "echo ready >&2; while :; do sleep 0.02; done";

/// A script that ends when the file is gone.
const WATCH: &str = "echo \"$T\"; echo ready >&2; while [ -e \"$T\" ]; do sleep 0.02; done";

fn ready(running: &Running) {
    eventually("the program", || running.stderr_so_far().contains("ready").then_some(()));
}

fn exec<'a>(options: &[&'a str], script: &'a str) -> Vec<&'a str> {
    [&["exec"], options, &["--", "sh", "-c", script]].concat()
}

/// Where the files of running programs are.
fn folder(keyfob: &Keyfob) -> PathBuf {
    keyfob.folder().join("run/keyfob")
}

#[track_caller]
fn variables(text: &str) -> BTreeMap<String, String> {
    let pair = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    text.lines().map(|line| pair(line).unwrap_or_else(|| panic!("no variable: {line}"))).collect()
}

#[test]
fn the_environment_is_that_of_keyfob_with_the_token_and_without_what_leads_to_secrets() {
    let server = Server::start();
    let mut keyfob = Keyfob::new();
    keyfob.provider("test", &server, "client_id = \"basic\"\nclient_secret = { env = \"ACME_SECRET\" }");
    keyfob.set("ACME_SECRET", server.client_secret("basic").expect("a secret"));
    keyfob.set("KEYFOB_SOMETHING_NEW", "a path to a secret");
    keyfob.set("KEYFOB_SESSION", "test");
    keyfob.login(&server);
    let token = keyfob.token("test");
    let command = keyfob.command(&[]);
    let given =
        command.get_envs().filter_map(|(name, value)| Some((name.to_str()?.to_owned(), value?.to_str()?.to_owned())));
    let mut expected: BTreeMap<String, String> = given.collect();
    for secret in ["ACME_SECRET", "KEYFOB_FILE_KEY", "KEYFOB_SOMETHING_NEW"] {
        assert!(expected.remove(secret).is_some(), "{secret}");
    }
    expected.insert("ACCESS_TOKEN".into(), token);

    let finished = keyfob.run(&["exec", "--", "env"]).expect(0);

    assert_eq!(finished.stderr, "");
    assert_eq!(variables(&finished.stdout), expected);
}

#[test]
fn without_a_file_the_program_takes_the_place_of_keyfob() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);

    let running = keyfob.start(&exec(&["test"], "echo $$; exit 7"));
    let pid = running.pid;
    let finished = running.finish().expect(7);

    assert_eq!(finished.stdout, format!("{pid}\n"));
}

#[test]
fn the_exit_code_is_the_programs() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    for options in [&["test"][..], &["test", "--file", "T"]] {
        for (script, code) in
            [("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("kill -TERM $$", 143), ("kill -KILL $$", 137)]
        {
            let finished = keyfob.run(&exec(options, script)).expect(code);
            assert_eq!((&*finished.stdout, &*finished.stderr), ("", ""), "{script}");
        }
    }
}

#[test]
fn what_cannot_be_run_is_told_from_what_is_not_there() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let plain = keyfob.aside().join("plain");
    fs::write(&plain, "no program").expect("a file");
    let orphan = keyfob.script("orphan", "");
    fs::write(&orphan, "#!/no/such/interpreter\n").expect("a script");
    let (plain, orphan) = (plain.to_str().expect("text"), orphan.to_str().expect("text"));
    for options in [&["exec", "test", "--json"][..], &["exec", "test", "--json", "--file", "T"]] {
        let run = |program| keyfob.run(&[options, &["--", program]].concat());

        run("no-such-program").error_naming(127, "exec", &["no-such-program"]);
        run("./no/such/program").error_naming(127, "exec", &["./no/such/program"]);
        run(plain).error_naming(126, "exec", &[plain]);
        run("/").error(126, "exec");
        run(orphan).error_naming(126, "exec", &["interpreter"]);
        assert!(!folder(&keyfob).exists());
    }
}

#[test]
fn a_wrong_command_line_is_told_before_anything_is_done() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let marker = keyfob.aside().join("ran");
    let touch = ["--", "touch", marker.to_str().expect("text")];
    for options in [
        &["--env", "1A"][..],
        &["--env", ""],
        &["--env", "=test"],
        &["--env", "A="],
        &["--file", "A-B"],
        &["--env", "A", "--env", "A=test"],
        &["--env", "A", "--file", "A"],
        &["--env", "A=test", "--env", "B=nope/"],
    ] {
        keyfob.run(&[&["exec", "test", "--json"], options, &touch].concat()).error(2, "usage");
    }
    keyfob.run(&["exec", "test", "--json", "--"]).error(2, "usage");
    for command in [&["exec", "test", "--json"][..], &["exec", "test", "env", "--json"]] {
        keyfob.run(command).error_naming(2, "usage", &["exec TARGET -- PROGRAM"]);
    }
    assert!(!marker.exists());
}

#[test]
fn a_missing_session_needs_a_login_and_starts_no_program() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let marker = keyfob.aside().join("ran");

    let finished = keyfob.run(&["exec", "test", "--login", "--json", "--", "touch", marker.to_str().expect("text")]);

    finished.error_naming(4, "login_required", &["keyfob login test"]);
    assert!(!marker.exists());
    assert_eq!(keyfob.opened(), [] as [&str; 0]);
}

#[test]
fn variables_are_those_of_the_options_else_of_the_provider() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    keyfob.provider("named", &server, "env = [\"ONE\", \"TWO\"]");
    keyfob.provider("other", &server, "");
    keyfob.log_in(&server, &["login", "named"]).expect(0);
    keyfob.log_in(&server, &["login", "other"]).expect(0);
    let (named, other) = (keyfob.token("named"), keyfob.token("other"));
    let shown = |options: &[&str]| {
        let script = "echo \"$ONE|$TWO|$ACCESS_TOKEN|$A|$B\"";
        keyfob.run(&exec(options, script)).expect(0).stdout
    };

    assert_eq!(shown(&["named"]), format!("{named}|{named}|||\n"));
    assert_eq!(shown(&["other"]), format!("||{other}||\n"));
    assert_eq!(shown(&["named", "--env", "A", "--env", "B=other/alice"]), format!("|||{named}|{other}\n"));
    assert_eq!(shown(&["--env", "B=other"]), format!("||||{other}\n"));
    // A variable that is there already is replaced.
    assert_eq!(keyfob.run(&exec(&["other", "--env", "HOME"], "echo $HOME")).expect(0).stdout, format!("{other}\n"));
}

#[test]
fn an_id_token_and_a_narrower_token_are_handed_out_like_by_token() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let id_token = keyfob.run(&["token", "test", "--id-token"]).expect(0).stdout;
    server.forget_requests();

    let by_variable = keyfob.run(&exec(&["test", "--id-token"], "echo $ACCESS_TOKEN")).expect(0).stdout;
    let by_file = keyfob.run(&exec(&["test", "--id-token", "--file", "T"], "cat $T; echo")).expect(0).stdout;
    let narrower = keyfob.run(&exec(&["test", "--scope", "email", "--env", "A"], "echo $A")).expect(0).stdout;

    assert_eq!((&by_variable, &by_file), (&id_token, &id_token));
    let requests = server.grants("refresh_token");
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].parameter("scope").as_deref(), Some("email"));
    assert_ne!(narrower.trim_end(), keyfob.token("test"));
}

#[test]
fn a_token_that_is_not_good_long_enough_is_renewed_first() {
    let server = Server::start();
    server.change(|settings| settings.expires_in = json!(300));
    let keyfob = Keyfob::logged_in(&server);
    let before = keyfob.token("test");

    let same = keyfob.run(&exec(&["test"], "echo $ACCESS_TOKEN")).expect(0).stdout;
    server.change(|settings| settings.expires_in = json!(3600));
    let newer = keyfob.run(&exec(&["test", "--min-validity", "10m"], "echo $ACCESS_TOKEN")).expect(0).stdout;

    assert_eq!(same, format!("{before}\n"));
    assert_ne!(newer, same);
}

#[test]
fn two_names_of_one_session_give_the_token_that_came_last() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let session = keyfob.sessions().remove(0);
    let other = format!("B={session}");

    let options = ["--env", "A=test", "--env", &other, "--min-validity", "2h"];
    let given = keyfob.run(&exec(&options, "echo $A $B")).expect(0).stdout;

    // The server's tokens never live so long, so that each name renews.
    let last = keyfob.run(&["token", "test", "--no-refresh"]).expect(0).stdout;
    assert_eq!(given, format!("{0} {0}\n", last.trim()));
}

#[test]
fn a_token_whose_requests_are_signed_is_not_handed_to_a_program() {
    let server = OAuth1Server::start();
    let keyfob = Keyfob::new();
    server.provider(&keyfob, "");
    let login = keyfob.begin(&["login", "one"]);
    server.allow(&login.url).get();
    login.finish().expect(0);

    let finished = keyfob.run(&["exec", "one", "--json", "--", "env"]);

    finished.error_naming(2, "usage", &["signed", "keyfob request"]);
}

#[test]
fn a_file_is_private_renewed_in_its_place_and_removed_afterwards() {
    let server = Server::start();
    server.change(|settings| settings.expires_in = json!(2));
    let keyfob = Keyfob::logged_in(&server);
    let seen = keyfob.aside().join("seen");
    let script = format!(
        "echo \"$T\" >&2; echo ready >&2; first=$(cat \"$T\"); \
         while [ \"$(cat \"$T\")\" = \"$first\" ]; do sleep 0.02; done; echo \"$first\"; cat \"$T\"; \
         while [ ! -e '{}' ]; do sleep 0.02; done",
        seen.display()
    );
    let running = keyfob.start(&exec(&["--file", "T=test"], &script));
    ready(&running);
    let told = running.stderr_so_far();
    let file = Path::new(told.lines().rev().nth(1).expect("the file's path"));

    let modes: Vec<u32> = file.ancestors().take(3).map(mode).collect();
    fs::write(&seen, "").expect("a file");
    let finished = running.finish().expect(0);

    assert_eq!(modes, [0o600, 0o700, 0o700]);
    assert!(file.starts_with(folder(&keyfob)) && file.ends_with("T"), "{}", file.display());
    let lines: Vec<&str> = finished.stdout.lines().collect();
    let issued = server.secrets();
    assert!(issued.contains(lines[0]) && issued.contains(lines[1]), "{finished:#?}");
    assert_ne!(lines[0], lines[1]);
    assert!(!folder(&keyfob).exists(), "{:?}", files(&keyfob.folder().join("run")));
    assert_eq!(keyfob.leaks(&server), []);
    // Nothing is said beside a program that has its tokens.
    assert!(finished.stderr.ends_with("ready\n"), "{finished:#?}");
}

#[test]
fn a_token_that_another_process_has_renewed_comes_into_the_file() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let script = "echo ready >&2; first=$(cat \"$T\"); while [ \"$(cat \"$T\")\" = \"$first\" ]; do sleep 0.02; done; cat \"$T\"";
    let running = keyfob.start(&exec(&["test", "--file", "T"], script));
    ready(&running);

    // Long before the old one's end.
    keyfob.run(&["refresh", "test"]).expect(0);

    assert_eq!(running.finish().expect(0).stdout, keyfob.token("test"));
    assert_eq!(server.grants("refresh_token").len(), 1);
}

#[test]
fn a_token_that_another_process_has_renewed_before_the_program_began_comes_into_the_file() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    keyfob.provider("other", &server, "");
    server.change(|settings| settings.expires_in = json!(300));
    keyfob.log_in(&server, &["login", "other"]).expect(0);
    let before = keyfob.token("test");
    let gate = Gate::default();
    let held = gate.clone();
    server.after("/token", 1, move |_, answer| answer.behind(&held));
    server.forget_requests();
    let script = format!("while [ \"$(cat \"$T\")\" = '{before}' ]; do sleep 0.02; done; cat \"$T\"");
    // The first token is taken; the second is not good for so long, and is waited for.
    let options = ["--file", "T=test", "--file", "U=other", "--min-validity", "10m"];
    let running = keyfob.start(&exec(&options, &script));
    eventually("the renewal of the other", || (server.requests_to("/token").len() == 1).then_some(()));

    keyfob.run(&["refresh", "test"]).expect(0);
    gate.open();

    assert_eq!(running.finish().expect(0).stdout, keyfob.token("test"));
}

#[test]
fn programs_of_one_session_do_not_renew_it_because_of_each_other() {
    let server = Server::start();
    // Less than what is asked for: whoever asks, renews.
    server.change(|settings| settings.expires_in = json!(50));
    let keyfob = Keyfob::logged_in(&server);
    let first = keyfob.start(&exec(&["test", "--file", "T"], WAIT));
    ready(&first);
    let script = "trap 'exit 7' TERM; echo ready >&2; first=$(cat \"$T\"); \
                  while [ \"$(cat \"$T\")\" = \"$first\" ]; do sleep 0.02; done; cat \"$T\"";
    let second = keyfob.start(&exec(&["test", "--file", "T"], script));
    ready(&second);
    let before = server.grants("refresh_token").len();

    keyfob.run(&["refresh", "test"]).expect(0);
    let renewed = second.finish().expect(0).stdout;

    assert_eq!(server.grants("refresh_token").len(), before + 1);
    assert_eq!(renewed, keyfob.run(&["token", "test", "--min-validity", "0"]).expect(0).stdout.trim_end());
    first.signal(libc::SIGTERM);
    first.finish().expect(143);
}

#[test]
fn a_client_that_acts_for_itself_needs_no_login_and_its_file_is_renewed_too() {
    let server = Server::start();
    server.change(|settings| settings.expires_in = json!(2));
    let mut keyfob = Keyfob::new();
    keyfob.provider("test", &server, "client_id = \"basic\"\ngrants = [\"client_credentials\"]\nscopes = [\"a\"]");
    keyfob.set("KEYFOB_STORAGE", "memory");
    let script = "first=$(cat \"$T\"); while [ \"$(cat \"$T\")\" = \"$first\" ]; do sleep 0.02; done; cat";
    let command = ["exec", "test", "--set", "client_secret=-", "--file", "T", "--", "sh", "-c", script];

    // The secret can be read once only, and is needed twice.
    let finished = keyfob.run_with_input(&command, &server.client_secret("basic").expect("a secret")).expect(0);

    assert_eq!(finished.stdout, "", "nothing is left on standard input: {finished:#?}");
    assert_eq!(server.grants("client_credentials").len(), 2);
    assert_eq!(files(&keyfob.folder().join("run")), [] as [&Path; 0]);
    assert_eq!(files(&keyfob.home()), [keyfob.registry_file()]);
}

#[test]
fn several_files_and_variables_of_several_sessions_go_together() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    keyfob.provider("other", &server, "");
    keyfob.log_in(&server, &["login", "other"]).expect(0);
    let (test, other) = (keyfob.token("test"), keyfob.token("other"));
    let options =
        ["test", "--env", "A", "--file", "B", "--file", "C=other", "--file", "b=test/alice", "--env", "D=other"];

    let finished = keyfob.run(&exec(&options, "echo $A $(cat $B) $(cat $C) $(cat $b) $D")).expect(0);

    assert_eq!(finished.stdout, format!("{test} {test} {other} {test} {other}\n"));
    assert!(!folder(&keyfob).exists());
}

#[test]
fn a_renewal_that_fails_is_told_and_tried_again_and_the_old_file_stays() {
    let server = Server::start();
    server.change(|settings| settings.expires_in = json!(8));
    let keyfob = Keyfob::logged_in(&server);
    let first = keyfob.token("test");
    let gone = Answer::error(503, "temporarily_unavailable");
    server.forget_requests();
    server.instead("/token", 2, move |_| gone.clone());
    let script = "first=$(cat \"$T\"); while [ \"$(cat \"$T\")\" = \"$first\" ]; do sleep 0.02; done; echo \"$first\"";

    let finished = keyfob.run(&exec(&["--file", "T=test", "--min-validity", "6s"], script)).expect(0);

    // The loop would have ended with another text, had the file been missing or empty for an instant.
    assert_eq!(finished.stdout, format!("{first}\n"));
    assert_eq!(server.grants("refresh_token").len(), 3, "{finished:#?}");
    assert!(finished.stderr.contains("warning:") && finished.stderr.contains("test/alice"), "{finished:#?}");
}

#[test]
fn signals_are_passed_on_and_the_file_is_gone_whatever_the_program_does_with_them() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    for (name, signal) in [
        ("TERM", libc::SIGTERM),
        ("INT", libc::SIGINT),
        ("HUP", libc::SIGHUP),
        ("QUIT", libc::SIGQUIT),
        ("USR1", libc::SIGUSR1),
        ("USR2", libc::SIGUSR2),
    ] {
        let trapped = format!("trap 'echo got; exit 7' {name}; {WAIT}");
        let running = keyfob.start(&exec(&["test", "--file", "T"], &trapped));
        ready(&running);
        running.signal(signal);
        assert_eq!(running.finish().expect(7).stdout, "got\n", "{name}");

        let running = keyfob.start(&exec(&["test", "--file", "T"], WAIT));
        ready(&running);
        assert!(folder(&keyfob).exists());
        running.signal(signal);
        running.finish().expect(128 + signal);
        assert!(!folder(&keyfob).exists(), "{name}");
    }
}

#[test]
fn a_program_that_goes_on_after_a_signal_keeps_its_file() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let script =
        "trap 'echo again >&2' TERM; trap 'test -s $T; exit $?' USR1; echo ready >&2; while :; do sleep 0.02; done";
    let running = keyfob.start(&exec(&["test", "--file", "T"], script));
    ready(&running);

    running.signal(libc::SIGTERM);
    eventually("the program's word", || running.stderr_so_far().contains("again").then_some(()));
    running.signal(libc::SIGUSR1);

    running.finish().expect(0);
}

#[test]
fn ctrl_c_at_a_terminal_reaches_the_program_once() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let script = format!("trap 'echo [int]' INT; trap 'echo [end]; exit 7' USR1; {WAIT}");
    let mut command = keyfob.command(&exec(&["test", "--file", "T"], &script));
    let mut terminal = Terminal::start(&mut command);
    terminal.wait_for("ready");

    terminal.type_in("\u{3}");
    terminal.wait_for("[int]");
    terminal.signal(libc::SIGUSR1);
    let finished = terminal.finish(command).expect(7);

    assert_eq!(finished.stdout.matches("[int]").count(), 1, "{finished:#?}");
    assert!(!folder(&keyfob).exists());
}

#[test]
#[cfg(target_os = "linux")]
fn ctrl_c_at_a_terminal_is_not_passed_on_besides() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    // A session of its own, which the terminal does not reach: only what is passed on would arrive.
    let script = format!("trap 'echo [int]' INT; trap 'echo [end]; exit 7' USR1; {WAIT}");
    let mut command = keyfob.command(&["exec", "test", "--file", "T", "--", "setsid", "sh", "-c", &script]);
    let mut terminal = Terminal::start(&mut command);
    terminal.wait_for("ready");

    terminal.type_in("\u{3}");
    // The echo comes after the signal, and what is passed on keeps its order.
    terminal.wait_for("^C");
    terminal.signal(libc::SIGUSR1);
    let finished = terminal.finish(command).expect(7);

    assert!(!finished.stdout.contains("[int]"), "{finished:#?}");
}

#[test]
fn a_stopped_program_stops_keyfob_and_a_shell_goes_on_with_both() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let (program, inner) = (env!("CARGO_BIN_EXE_keyfob"), keyfob.command(&[]));
    let mut command = Command::new("/bin/bash");
    let job = format!("'{program}' exec test --file T -- sh -c 'echo ready; read line; echo \"[$line]\"; exit 7'");
    command.args(["-c", &format!("set -m; {job}; echo stopped=$?; fg >/dev/null; echo code=$?")]).env_clear();
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(keyfob.home());
    let mut terminal = Terminal::start(&mut command);
    terminal.wait_for("ready");

    terminal.type_in("\u{1a}");
    terminal.wait_for("stopped=");
    terminal.type_in("more\n");
    terminal.wait_for("code=");
    let finished = terminal.finish(command).expect(0);

    assert!(finished.stdout.contains("[more]") && finished.stdout.contains("code=7"), "{finished:#?}");
    assert!(!folder(&keyfob).exists());
}

#[test]
fn a_terminal_that_goes_away_ends_the_program_and_the_file() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let mut command = keyfob.command(&exec(&["test", "--file", "T"], WAIT));
    let terminal = Terminal::start(&mut command);
    drop(command);
    terminal.wait_for("ready");

    let mut running = terminal.close();

    assert!(running.ends_within(Duration::from_secs(5)), "it ends");
    assert!(!folder(&keyfob).exists());
}

#[test]
fn a_terminal_that_hangs_up_is_told_to_the_program_by_keyfob_that_leads_the_session() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let marker = keyfob.aside().join("hung-up");
    let script = format!("trap 'echo yes >{}; exit 7' HUP; {WAIT}", marker.display());
    let mut command = keyfob.command(&exec(&["test", "--file", "T"], &script));
    let terminal = Terminal::start_beside(&mut command);
    eventually("the program", || terminal.stderr_so_far().contains("ready").then_some(()));

    let running = terminal.hang_up();

    running.finish().expect(7);
    assert!(marker.exists() && !folder(&keyfob).exists());
}

#[test]
fn a_renewal_that_is_under_way_when_the_program_ends_is_finished() {
    let server = Server::start();
    server.change(|settings| settings.expires_in = json!(2));
    let keyfob = Keyfob::logged_in(&server);
    let gate = Gate::default();
    let held = gate.clone();
    server.after("/token", 1, move |_, answer| answer.behind(&held));
    server.forget_requests();
    let end = keyfob.aside().join("end");
    let script = format!("while [ ! -e '{}' ]; do sleep 0.02; done; exit 7", end.display());
    let running = keyfob.start(&exec(&["--file", "T=test", "--min-validity", "0"], &script));
    eventually("the renewal", || (server.requests_to("/token").len() == 1).then_some(()));

    fs::write(&end, "").expect("a file");
    eventually("the file's end", || (!folder(&keyfob).exists()).then_some(()));
    gate.open();
    running.finish().expect(7);

    // The new refresh token was kept: the old one would end the family.
    keyfob.run(&["refresh", "test"]).expect(0);
}

#[test]
fn a_termination_does_not_wait_for_a_renewal_that_hangs() {
    let server = Server::start();
    server.change(|settings| settings.expires_in = json!(2));
    let keyfob = Keyfob::logged_in(&server);
    server.forget_requests();
    server.once("/token", Answer::silent());
    let running = keyfob.start(&exec(&["--file", "T=test", "--min-validity", "0"], WAIT));
    eventually("the renewal", || (server.requests_to("/token").len() == 1).then_some(()));

    let start = Instant::now();
    running.signal(libc::SIGTERM);
    running.finish().expect(143);

    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
    assert!(!folder(&keyfob).exists());
}

#[test]
fn what_a_killed_keyfob_left_is_removed_by_the_next_one_and_what_a_living_one_has_is_not() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let killed = keyfob.start(&exec(&["test", "--file", "T"], WATCH));
    let living = keyfob.start(&exec(&["test", "--file", "T"], WATCH));
    ready(&killed);
    ready(&living);
    killed.signal(libc::SIGKILL);
    let left = PathBuf::from(killed.finish().expect(137).stdout.trim_end());
    assert!(left.exists(), "nothing could remove {}", left.display());

    let new = keyfob.run(&exec(&["test", "--file", "T"], "ls \"${T%/*/*}\"; cat $T")).expect(0);

    assert!(!left.exists());
    assert!(new.stdout.ends_with(&keyfob.token("test")), "{new:#?}");
    // Two directories, each with its lock.
    assert_eq!(new.stdout.lines().filter(|line| line.starts_with("exec-")).count(), 4, "{new:#?}");
    living.signal(libc::SIGTERM);
    living.finish().expect(143);
    assert!(!folder(&keyfob).exists());
}

#[test]
fn files_lie_beside_the_index_where_there_is_no_run_time_directory() {
    let server = Server::start();
    let mut keyfob = Keyfob::logged_in(&server);
    keyfob.unset("XDG_RUNTIME_DIR");

    let finished = keyfob.run(&exec(&["test", "--file", "T"], "echo $T")).expect(0);

    let file = Path::new(finished.stdout.trim_end());
    assert!(file.starts_with(keyfob.state().join("run")), "{finished:#?}");
    assert!(!keyfob.state().join("run").exists());
}

#[test]
fn a_login_comes_first_where_it_may() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let mut command = keyfob.command(&exec(&["test", "--login"], "echo \"[$ACCESS_TOKEN]\""));
    let terminal = Terminal::start(&mut command);
    let url = eventually("the browser", || keyfob.opened().first().cloned());
    server.allow(&url).get();

    let finished = terminal.finish(command).expect(0);

    assert!(finished.stdout.contains(&format!("[{}]", keyfob.token("test"))), "{finished:#?}");
}

#[test]
#[cfg(target_os = "linux")]
fn streams_and_what_is_ignored_are_those_of_the_parent() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    // Ignored: HUP (1), PIPE (13), CHLD (17), XFSZ (25) on Linux; blocked: USR2 (12).
    let script = "grep -E '^Sig(Ign|Blk|Cgt)' /proc/self/status; ulimit -c; readlink /proc/self/fd/0 || echo closed";
    for closed in [false, true] {
        let outer = |command: &mut Command| {
            // SAFETY: these calls are async-signal-safe, and a zeroed set is valid.
            unsafe {
                std::os::unix::process::CommandExt::pre_exec(command, move || {
                    for signal in [libc::SIGHUP, libc::SIGPIPE, libc::SIGCHLD] {
                        libc::signal(signal, if closed { libc::SIG_IGN } else { libc::SIG_DFL });
                    }
                    let mut blocked: libc::sigset_t = std::mem::zeroed();
                    libc::sigaddset(&raw mut blocked, libc::SIGUSR2);
                    libc::sigprocmask(libc::SIG_SETMASK, &raw const blocked, std::ptr::null_mut());
                    let mut core: libc::rlimit = std::mem::zeroed();
                    libc::getrlimit(libc::RLIMIT_CORE, &raw mut core);
                    core.rlim_cur = core.rlim_max.min(512);
                    libc::setrlimit(libc::RLIMIT_CORE, &raw const core);
                    if closed {
                        libc::close(0);
                    }
                    Ok(())
                });
            }
        };
        let mut direct = Command::new("/bin/sh");
        direct.args(["-c", script]);
        outer(&mut direct);
        let expected = Running::start(&mut direct).finish().expect(0).stdout;
        for options in [&["test"][..], &["test", "--file", "T"]] {
            let mut command = keyfob.command(&exec(options, script));
            outer(&mut command);
            let finished = Running::start(&mut command).finish().expect(0);
            assert_eq!(finished.stdout, expected, "{options:?}");
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_token_is_in_no_argument_and_no_message() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let script = "tr '\\0' ' ' </proc/$PPID/cmdline; tr '\\0' ' ' </proc/$$/cmdline";

    let finished = keyfob.run(&exec(&["test", "--file", "T", "--env", "A", "-vv", "--explain"], script)).expect(0);

    for secret in server.secrets() {
        assert!(!finished.output().contains(&secret), "{finished:#?}");
    }
}

#[test]
fn standard_input_is_the_programs() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    for options in [&["exec", "test"][..], &["exec", "test", "--file", "T"]] {
        let finished = keyfob.run_with_input(&[options, &["--", "cat"]].concat(), "hello").expect(0);
        assert_eq!(finished.stdout, "hello");
    }
    let mut command = keyfob.command(&exec(&["test", "--file", "T"], "yes"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let running = Running::spawn(&mut command);
    running.signal(libc::SIGTERM);
    running.finish().expect(143);
}
