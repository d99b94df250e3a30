//! Help, mistakes, and what stands where no TARGET is given.

use std::fs;

use crate::support::{Keyfob, Server};

const COMMANDS: [&str; 10] =
    ["login", "token", "list", "status", "refresh", "switch", "logout", "provider", "completions", "demo"];

#[test]
fn the_program_alone_says_in_a_few_lines_where_to_start() {
    let keyfob = Keyfob::new();

    let finished = keyfob.run(&[]);

    assert!([0, 2].contains(&finished.code), "{finished:#?}");
    let lines = finished.output().trim().lines().count();
    assert!((4..=25).contains(&lines), "{finished:#?}");
}

#[test]
fn every_command_has_a_short_help_with_examples_and_a_complete_one() {
    let keyfob = Keyfob::new();
    for command in COMMANDS {
        let short = keyfob.run(&[command, "-h"]).expect(0);
        let long = keyfob.run(&[command, "--help"]).expect(0);
        let same = keyfob.run(&["help", command]).expect(0);

        assert_eq!(long.stdout, same.stdout, "{command}");
        assert!(short.stdout.contains(&format!("keyfob {command}")), "{short:#?}");
        assert!(long.stdout.len() >= short.stdout.len() && long.stderr.is_empty(), "{command}");
        let first = short.stdout.lines().find(|line| line.contains(&format!("keyfob {command}"))).unwrap_or_default();
        assert!(!first.contains("Usage"), "examples come first: {short:#?}");
    }
    let version = keyfob.run(&["--version"]).expect(0);
    assert_eq!(version.stdout, format!("keyfob {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_mistyped_command_is_answered_with_the_nearest_and_not_run() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    for (typed, meant) in [("logn", "login"), ("tokens", "token"), ("lsit", "list"), ("log-out", "logout")] {
        let finished = keyfob.run(&[typed, "test"]).fails(2);
        assert!(finished.stderr.contains(meant), "{finished:#?}");
    }
    // No abbreviations.
    keyfob.run(&["log", "test"]).fails(2);
    keyfob.run(&["stat", "test"]).fails(2);
    assert_eq!((keyfob.opened().len(), server.connections()), (0, 0));
}

#[test]
fn wrong_arguments_are_usage_errors() {
    let keyfob = Keyfob::new();
    for arguments in [
        &["token", "a", "b"][..],
        &["login", "--timeout"],
        &["login", "x", "--timeout", "-1"],
        &["login", "x", "--timeout", "1d"],
        &["login", "x", "--grant", "magic"],
        &["login", "x", "--color", "mauve"],
        &["login", "x", "--port", "65536"],
        &["list", "extra"],
        &["switch"],
        &["provider"],
        &["provider", "show"],
        &["completions", "tcsh"],
        &["token", "a/b/c"],
        &["token", ""],
        &["token", "/"],
        &["login", "../x"],
        &["login", "\u{1b}[2J"],
        &["--unknown"],
    ] {
        let finished = keyfob.run(arguments);
        assert!(finished.code == 2 || finished.code == 3, "{finished:#?}");
        assert!(finished.stderr.contains("error:") && !finished.stderr.contains('\u{1b}'), "{finished:#?}");
        assert_eq!(finished.stdout, "", "{finished:#?}");
    }
}

#[test]
fn a_key_can_be_set_for_one_call_in_each_form() {
    let server = Server::start();
    let mut keyfob = Keyfob::new();
    let secret = server.client_secret("post").expect("a secret");
    keyfob.provider("test", &server, "client_id = \"nobody\"");
    let file = keyfob.aside().join("secret");
    fs::write(&file, format!("{secret}\n")).expect("a file");
    keyfob.set("ACME_SECRET", &secret);
    let from_file = format!("client_secret=@{}", file.display());
    for set in [from_file.as_str(), "client_secret=env:ACME_SECRET"] {
        let arguments = [
            "login",
            "test",
            "--set",
            "client_id=post",
            "--set",
            "client_auth=client_secret_post",
            "--set",
            set,
            "--set",
            "scopes=openid email",
        ];
        keyfob.log_in(&server, &arguments).expect(0);
    }

    let literal = keyfob.run(&["login", "test", "--json", "--set", &format!("client_secret={secret}")]);
    literal.error_naming(2, "usage", &["client_secret"]);
    assert!(!literal.output().contains(&secret), "{literal:#?}");
    for wrong in ["tokn_endpoint=https://x.example", "nonsense", "=x", "redirect.prt=1", "scopes=@/nonexistent/file"] {
        let finished = keyfob.run(&["login", "test", "--json", "--set", wrong]);
        finished.error_of(&[(2, "usage"), (9, "config")], &[]);
    }
}

#[test]
fn a_nested_key_can_be_set() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);

    let login = keyfob.begin(&["login", "test", "--set", "redirect.path=/elsewhere"]);

    assert!(login.parameter("redirect_uri").is_some_and(|uri| uri.ends_with("/elsewhere")), "{}", login.url);
    login.allow(&server);
    login.finish().expect(0);
}

#[test]
fn without_a_target_there_must_be_one_session_or_a_choice() {
    let server = Server::start();
    let mut keyfob = Keyfob::with(&server);
    keyfob.run(&["token", "--json"]).error_of(&[(2, "usage"), (4, "login_required")], &[]);
    keyfob.login(&server);
    let only = keyfob.run(&["token", "--json"]).expect(0).json();
    assert_eq!(only["session"], "test/alice");
    keyfob.provider("other", &server, "");
    keyfob.log_in(&server, &["login", "other"]).expect(0);

    keyfob.run(&["token", "--json"]).error(2, "usage");
    keyfob.set("KEYFOB_SESSION", "other/alice");
    assert_eq!(keyfob.run(&["status", "--json"]).expect(0).json()["session"], "other/alice");
    keyfob.set("KEYFOB_SESSION", "nobody-knows-this");
    keyfob.run(&["status", "--json"]).error(3, "not_found");
}

#[test]
fn the_environment_that_forbids_prompts_is_obeyed() {
    let server = Server::start();
    let mut keyfob = Keyfob::with(&server);
    for name in ["KEYFOB_NO_INPUT", "CI"] {
        keyfob.set(name, "true");
        let mut command = keyfob.command(&["login", "--json"]);
        let terminal = crate::support::Terminal::start(&mut command);
        let finished = terminal.finish(command);
        assert_eq!(finished.code, 2, "{finished:#?}");
        keyfob.unset(name);
    }
}

#[test]
fn a_session_is_found_from_the_address_it_covers() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    keyfob.provider("test", &server, "hosts = [\"api.acme.example\"]");
    keyfob.login(&server);

    let found = keyfob.run(&["token", "https://api.acme.example/v1/things", "--json"]).expect(0).json();
    assert_eq!(found["session"], "test/alice");
    for other in [
        "https://acme.example/",
        "https://evil-api.acme.example.evil.example/",
        "https://api.acme.example.evil.example/",
    ] {
        let finished = keyfob.run(&["token", other, "--json"]);
        finished.error_of(&[(3, "not_found"), (4, "login_required")], &[]);
        assert_eq!(finished.stdout, "");
    }
}

#[test]
fn the_demo_needs_no_network_and_leaves_nothing() {
    let keyfob = Keyfob::new();
    let mut keyfob = keyfob;
    keyfob.set("KEYFOB_BROWSER", "none");

    let finished = keyfob.run(&["demo"]).expect(0);

    assert!(!finished.stderr.contains("error:"), "{finished:#?}");
    assert_eq!(keyfob.sessions(), [] as [&str; 0]);
}
