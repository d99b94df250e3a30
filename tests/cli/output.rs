//! What is written where, and what never is.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::{Answer, Finished, Keyfob, Server, Terminal, eventually, mode};

#[test]
fn each_format_is_exactly_what_its_reader_expects() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let token = keyfob.token("test");
    let format = |name: &str| keyfob.run(&["token", "test", "--format", name]).expect(0).stdout;

    assert_eq!(format("raw"), format!("{token}\n"));
    assert_eq!(format("header"), format!("Authorization: Bearer {token}\n"));
    assert_eq!(format("curl"), format!("header = \"Authorization: Bearer {token}\"\n"));
    let headers: Value = serde_json::from_str(&format("headers")).expect("JSON");
    assert_eq!(headers, json!({ "Authorization": format!("Bearer {token}") }));
    for (name, start) in [("xoauth2", "user=a"), ("oauthbearer", "n,a=a")] {
        let sasl = format(name);
        let decoded = String::from_utf8(STANDARD.decode(sasl.trim_end()).expect("base64")).expect("text");
        assert!(
            decoded.starts_with(start) && decoded.ends_with(&format!("\u{1}auth=Bearer {token}\u{1}\u{1}")),
            "{decoded:?}"
        );
    }
    keyfob.run(&["token", "test", "--format", "xml", "--json"]).error_naming(2, "usage", &["xml", "raw"]);
}

#[test]
fn the_token_object_has_the_fields_of_the_contract() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);

    let mut token = keyfob.run(&["token", "test", "--json"]).expect(0).json();
    let same = keyfob.run(&["token", "test", "--format", "json"]).expect(0).json();

    assert_eq!(token["access_token"], same["access_token"]);
    assert_eq!(token["expires_at"], same["expires_at"]);
    for (name, value) in [
        ("schema", json!("keyfob.token/1")),
        ("session", json!("test/alice")),
        ("access_token", json!(keyfob.token("test"))),
        ("token_type", json!("Bearer")),
        ("scope", json!("openid email")),
    ] {
        assert_eq!(token[name], value, "{name}");
    }
    let id_token = keyfob.run(&["token", "test", "--id-token"]).expect(0).stdout;
    assert_eq!(token["id_token"].take().as_str(), Some(id_token.trim_end()));
    assert!(token.get("refresh_token").is_none(), "{token:#}");
}

#[test]
fn a_file_is_written_as_a_whole_and_for_the_user_alone() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let file = keyfob.aside().join("token");
    fs::write(&file, "old").expect("a file");

    let path = file.display().to_string();
    let finished = keyfob.run(&["token", "test", "-o", &path]).expect(0);

    assert_eq!(finished.stdout, "");
    assert_eq!(fs::read_to_string(&file).expect("a file"), format!("{}\n", keyfob.token("test")));
    assert_eq!(mode(&file), 0o600);
    let refused = keyfob.run(&["token", "test", "-o", "/nonexistent/folder/token"]);
    assert!(refused.code != 0 && refused.stderr.contains("/nonexistent/folder"), "{refused:#?}");
}

#[test]
fn standard_output_is_the_token_alone_whatever_happens_on_the_way() {
    let server = Server::start();
    server.change(|settings| settings.expires_in = json!(30));
    let keyfob = Keyfob::logged_in(&server);
    server.after("/token", 1, |_, answer| answer);

    let finished = keyfob.run(&["token", "test", "-vv", "--explain"]).expect(0);

    assert_eq!(
        finished.stdout,
        format!("{}\n", keyfob.run(&["token", "test", "--min-validity", "1"]).expect(0).stdout.trim_end())
    );
    assert!(!finished.stderr.contains(['\u{1b}', '\r']), "{finished:#?}");
}

/// Fails if one of the server's secrets is on a stream where it was not asked for.
#[track_caller]
fn clean(server: &Server, finished: &Finished, asked: &str) {
    let stdout = if asked.is_empty() { finished.stdout.clone() } else { finished.stdout.replace(asked, "") };
    for secret in server.secrets() {
        assert!(!finished.stderr.contains(&secret), "`{secret}` is on stderr: {finished:#?}");
        assert!(!stdout.contains(&secret), "`{secret}` is on stdout: {finished:#?}");
    }
}

#[test]
fn no_secret_is_seen_at_the_highest_verbosity() {
    let server = Server::start();
    let mut keyfob = Keyfob::new();
    keyfob.provider(
        "test",
        &server,
        &format!("{}\nclient_auth = \"client_secret_basic\"", keyfob.client(&server, "basic")),
    );
    for (name, value) in
        [("KEYFOB_LOG", "trace"), ("RUST_LOG", "trace"), ("RUST_BACKTRACE", "full"), ("REQWEST_LOG", "trace")]
    {
        keyfob.set(name, value);
    }
    let keys = keyfob.aside().join("keys");
    keyfob.set("SSLKEYLOGFILE", &keys);
    let loud = ["-vv", "--explain"];

    for more in [&[][..], &["--json"]] {
        let login = keyfob.log_in(&server, &[&["login", "test"], &loud[..], more].concat()).expect(0);
        assert!(login.stderr.contains("[redacted "), "{login:#?}");
        clean(&server, &login, "");
        let commands: [&[&str]; 5] = [
            &["list"],
            &["status", "test", "--claims"],
            &["refresh", "test"],
            &["provider", "show", "test"],
            &["provider", "show", "test", "--toml"],
        ];
        for command in commands {
            clean(&server, &keyfob.run(&[command, &loud, more].concat()), "");
        }
        let token = keyfob.token("test");
        clean(&server, &keyfob.run(&[&["token", "test", "--format", "raw"], &loud[..]].concat()).expect(0), &token);
        server.once("/token", Answer::json(400, &json!({ "error": "invalid_grant", "error_description": token })));
        let failed = keyfob.run(&[&["refresh", "test"], &loud[..], more].concat()).expect(4);
        let secrets = server.secrets();
        let others = secrets.iter().filter(|secret| **secret != token);
        others.for_each(|secret| assert!(!failed.output().contains(secret), "{failed:#?}"));
        clean(&server, &keyfob.run(&[&["logout", "test"], &loud[..], more].concat()).expect(0), "");
    }
    assert!(!keys.exists());
    assert_eq!(keyfob.leaks(&server), []);
}

#[test]
fn a_narration_names_steps_and_specifications() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    for (option, words) in [
        ("--explain", &["RFC 6749", "RFC 7636"][..]),
        ("--explain=markdown", &["# ", "RFC 7636"]),
        ("--explain=mermaid", &["sequenceDiagram", "->>"]),
    ] {
        let login = keyfob.log_in(&server, &["login", "test", option]).expect(0);
        for word in words {
            assert!(login.stderr.contains(word), "{option} without {word}: {login:#?}");
        }
        clean(&server, &login, "");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_result_that_cannot_be_written_is_a_failure() {
    use std::fs::File;
    use std::os::unix::process::CommandExt;
    use std::process::Stdio;

    use crate::support::Running;

    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    for arguments in [
        &["token", "test"][..],
        &["token", "test", "--json"],
        &["list"],
        &["status", "test"],
        &["provider", "list"],
        &["--version"],
        &["completions", "bash"],
    ] {
        let full = File::options().write(true).open("/dev/full").expect("a full device");
        let mut command = keyfob.command(arguments);
        let finished = Running::spawn(command.stdin(Stdio::null()).stdout(full).stderr(Stdio::piped())).finish();
        assert_ne!(finished.code, 0, "{finished:#?}");

        let mut command = keyfob.command(arguments);
        // SAFETY: close is async-signal-safe.
        unsafe {
            command.pre_exec(|| {
                libc::close(1);
                Ok(())
            });
        }
        let closed = Running::spawn(command.stdin(Stdio::null()).stderr(Stdio::piped())).finish();
        assert_ne!(closed.code, 0, "{closed:#?}");

        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = keyfob.command(arguments);
        let broken = Running::spawn(command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped())).finish();
        assert_ne!(broken.code, 0, "{broken:#?}");
    }
}

#[test]
fn every_class_of_error_is_one_json_object_on_stderr() {
    let server = Server::start();
    let mut keyfob = Keyfob::with(&server);
    let json = |keyfob: &Keyfob, arguments: &[&str]| keyfob.run(&[arguments, &["--json"]].concat());

    json(&keyfob, &["login", "nobody-knows-this"]).error(3, "not_found");
    json(&keyfob, &["status", "test"]).error(3, "not_found");
    json(&keyfob, &["token", "test"]).error(4, "login_required");
    json(&keyfob, &["tokn"]).error(2, "usage");
    json(&keyfob, &["login", "test", "--timeout", "soon"]).error(2, "usage");
    json(&keyfob, &["login", "test", "--frobnicate"]).error(2, "usage");
    keyfob.set("KEYFOB_STORAGE", "cupboard");
    json(&keyfob, &["list"]).error(9, "config");
    keyfob.set("KEYFOB_STORAGE", "file");
    keyfob.set("KEYFOB_STATE_DIR", "/dev/null/x");
    let store = json(&keyfob, &["login", "test"]);
    store.error_of(&[(7, "store"), (9, "config")], &[]);
    keyfob.unset("KEYFOB_STATE_DIR");
    let interrupted = keyfob.begin(&["login", "test", "--json"]);
    interrupted.running.signal(libc::SIGINT);
    interrupted.finish().error(130, "interrupted");
}

#[test]
fn json_is_valid_whatever_is_in_it() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    keyfob.provider("test", &server, "account = \"id\"");
    keyfob.edit_registry("\"Test Server\"", "\"Te\\u00e9st \\\"Se\\\\rver\\\"\"");
    server.change(|settings| settings.token.insert("scope".into(), json!("openid a\\b q\"q")));

    let login = keyfob.log_in(&server, &["login", "test", "--json"]);
    login.json_lines();
    for arguments in [&["list"][..], &["status", "test"], &["provider", "show", "test"], &["provider", "list"]] {
        let finished = keyfob.run(&[arguments, &["--json"]].concat());
        if finished.code == 0 {
            finished.json();
            assert!(!finished.stdout.contains('\u{1b}'), "{finished:#?}");
        }
        let text = keyfob.run(arguments);
        assert!(!text.output().contains(['\u{1b}', '\u{7}']), "{text:#?}");
    }
}

#[test]
fn a_terminal_gets_colour_and_no_more_than_that() {
    let server = Server::start();
    let mut keyfob = Keyfob::with(&server);
    keyfob.set("TERM", "xterm-256color");
    let run = |keyfob: &Keyfob, more: &[&str]| {
        let before = keyfob.opened().len();
        let mut command = keyfob.command(&[&["login", "test"], more].concat());
        let terminal = Terminal::start(&mut command);
        let url = eventually("the browser", || keyfob.opened().get(before).cloned());
        server.allow(&url).get();
        terminal.finish(command).expect(0).stdout
    };

    let plain = [run(&keyfob, &["--color", "never", "--plain"]), {
        keyfob.set("NO_COLOR", "1");
        let screen = run(&keyfob, &["--plain"]);
        keyfob.unset("NO_COLOR");
        screen
    }];
    let coloured = run(&keyfob, &[]);

    for screen in &plain {
        assert!(!screen.contains('\u{1b}'), "{screen:?}");
        assert!(screen.is_ascii(), "{screen:?}");
    }
    // No title, no clipboard, no notification: OSC starts with ESC ].
    assert!(!coloured.contains("\u{1b}]") && !coloured.contains('\u{7}'), "{coloured:?}");
    clean(
        &server,
        &Finished {
            what: String::new(),
            code: 0,
            stdout: coloured,
            stderr: String::new(),
            took: std::time::Duration::ZERO,
            memory: 0,
        },
        "",
    );
}

#[test]
fn odd_terminals_crash_nothing() {
    let server = Server::start();
    let mut keyfob = Keyfob::logged_in(&server);
    for term in ["", "dumb", "unknown-terminal", "\u{1b}"] {
        keyfob.set("TERM", term);
        for size in ["1", "0", "-3", "99999999999999999999"] {
            keyfob.set("COLUMNS", size);
            keyfob.set("LINES", size);
            for arguments in [&["list"][..], &["--help"]] {
                let mut command = keyfob.command(arguments);
                let terminal = Terminal::start(&mut command);
                terminal.finish(command).expect(0);
            }
        }
    }
}

#[test]
fn quiet_is_quiet_but_for_errors() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);

    let login = keyfob.log_in(&server, &["login", "test", "--quiet"]).expect(0);
    let list = keyfob.run(&["list", "-q"]).expect(0);
    let failed = keyfob.run(&["token", "nobody-knows-this", "-q"]);

    assert_eq!(login.output().trim(), "");
    assert_eq!((&*list.stdout, &*list.stderr), ("test/alice\n", ""));
    assert!(failed.code != 0 && failed.stderr.contains("error:"), "{failed:#?}");
}

#[test]
fn programs_that_keyfob_starts_do_not_get_its_secrets() {
    let server = Server::start();
    let mut keyfob = Keyfob::new();
    keyfob.provider(
        "test",
        &server,
        "client_id = \"basic\"\nclient_auth = \"client_secret_basic\"\nclient_secret = { env = \"ACME_SECRET\" }",
    );
    let secret = server.client_secret("basic").expect("a secret");
    keyfob.set("ACME_SECRET", &secret);
    keyfob.set("KEYFOB_PASSPHRASE_FILE", "/nonexistent/passphrase");
    let (opened, environment) = (keyfob.aside().join("opened"), keyfob.aside().join("environment"));
    let lines = format!("env >'{}'\nprintf '%s\\n' \"$1\" >>'{}'", environment.display(), opened.display());
    keyfob.set("KEYFOB_BROWSER", keyfob.script("spy", &lines));

    keyfob.log_in(&server, &["login", "test"]).expect(0);

    let seen = fs::read_to_string(environment).expect("an environment");
    assert!(!seen.contains(&secret) && !seen.contains("KEYFOB_"), "{seen}");
    assert!(seen.contains("HOME="), "what a browser needs is there: {seen}");
}

#[test]
fn a_login_on_the_way_to_a_token_adds_nothing_to_standard_output() {
    let server = Server::start();
    let mut keyfob = Keyfob::with(&server);
    keyfob.set("TERM", "xterm");
    let answer = keyfob.aside().join("answer");
    let program = env!("CARGO_BIN_EXE_keyfob");
    let inner = keyfob.command(&[]);
    let mut command = std::process::Command::new("/bin/sh");
    let script = format!("'{program}' token test --login --json >'{}'", answer.display());
    command.args(["-c", &script]).env_clear().current_dir(keyfob.home());
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let terminal = Terminal::start(&mut command);
    let url = eventually("the browser", || keyfob.opened().first().cloned());

    server.allow(&url).get();
    terminal.finish(command).expect(0);

    let answer = fs::read_to_string(answer).expect("an answer");
    let document: Value = serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"));
    assert_eq!(document["schema"], "keyfob.token/1");
}
