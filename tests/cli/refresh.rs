//! Renewal: once, whoever asks; nothing lost, whatever comes back.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use crate::support::{Answer, Gate, Keyfob, Server, eventually, files};

/// Logged in with a token that has 30 seconds left: below the margin, so that `token` renews it, and still good.
fn about_to_expire(server: &Server) -> Keyfob {
    server.change(|settings| settings.expires_in = json!(30));
    let keyfob = Keyfob::logged_in(server);
    server.change(|settings| settings.expires_in = json!(3600));
    server.forget_requests();
    keyfob
}

/// Logged in with a token whose time is over.
fn expired(server: &Server) -> Keyfob {
    server.change(|settings| settings.expires_in = json!(1));
    let keyfob = Keyfob::logged_in(server);
    server.change(|settings| settings.expires_in = json!(3600));
    keyfob.wait_until_expired("test");
    server.forget_requests();
    keyfob
}

fn refreshes(server: &Server) -> usize {
    server.grants("refresh_token").len()
}

#[test]
fn twenty_processes_renew_once_and_all_hand_out_the_new_token() {
    let server = Server::start();
    let keyfob = about_to_expire(&server);
    server.after("/token", 1, |_, answer| answer.delayed(Duration::from_millis(300)));

    let processes: Vec<_> = (0..20).map(|_| keyfob.start(&["token", "test"])).collect();
    let tokens: BTreeSet<_> = processes.into_iter().map(|process| process.finish().expect(0).stdout).collect();

    assert_eq!(tokens.len(), 1, "{tokens:?}");
    assert_eq!(refreshes(&server), 1);
    assert_eq!(tokens.first(), Some(&format!("{}\n", keyfob.token("test"))));
}

#[test]
fn a_mixture_of_commands_never_sends_a_refresh_token_twice() {
    let server = Server::start();
    let keyfob = about_to_expire(&server);
    server.once("/token", Answer::error(503, "temporarily_unavailable"));
    server.after("/token", 2, |_, answer| answer.delayed(Duration::from_millis(100)));

    let commands: [&[&str]; 5] =
        [&["token", "test"], &["refresh", "test"], &["status", "test"], &["list"], &["token", "test", "--json"]];
    let processes: Vec<_> = (0..3).flat_map(|_| commands).map(|command| (command[0], keyfob.start(command))).collect();
    for (command, process) in processes {
        let finished = process.finish();
        // Only the forced one that met the failure may tell it.
        assert!(finished.code == 0 || command == "refresh" && finished.code == 6, "{finished:#?}");
    }

    let sent: Vec<_> = server.grants("refresh_token").iter().map(|request| request.expect("refresh_token")).collect();
    assert!(sent.len() <= 7, "{} requests", sent.len());
    keyfob.run(&["refresh", "test"]).expect(0);
}

#[test]
fn what_the_answer_leaves_out_stays_as_it_was() {
    let server = Server::start();
    server.change(|settings| settings.rotate = false);
    let keyfob = Keyfob::logged_in(&server);
    for name in ["scope", "id_token"] {
        server.change(|settings| settings.token.insert(name.into(), Value::Null));
    }
    let id_token = keyfob.run(&["token", "test", "--id-token"]).expect(0).stdout;

    for _ in 0..2 {
        keyfob.run(&["refresh", "test"]).expect(0);
    }

    let sent: BTreeSet<_> =
        server.grants("refresh_token").iter().map(|request| request.expect("refresh_token")).collect();
    assert_eq!(sent.len(), 1, "the same one as long as there is no other");
    assert_eq!(keyfob.status("test")["scopes"], json!(["openid", "email"]));
    assert_eq!(keyfob.run(&["token", "test", "--id-token"]).expect(0).stdout, id_token);
}

/// Failures that say nothing about the session.
fn temporary() -> [(Answer, i32, &'static str); 9] {
    [
        (Answer::error(503, "temporarily_unavailable"), 6, "network"),
        (Answer::html(500, "<h1>oops</h1>"), 6, "network"),
        (Answer::html(502, "<h1>Bad gateway</h1>"), 6, "network"),
        (Answer::json(429, &json!({})).with("Retry-After", "3600"), 6, "network"),
        (Answer::dropped(), 6, "network"),
        (
            Answer::raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{\"access"),
            6,
            "network",
        ),
        (Answer::silent(), 6, "network"),
        (Answer::html(200, "<h1>Welcome to the hotel</h1>"), 12, "protocol"),
        (Answer::new(200, "application/json", "{\"access_token\":"), 12, "protocol"),
    ]
}

#[test]
fn a_temporary_failure_leaves_the_session_and_a_token_that_is_still_good_is_used() {
    let server = Server::start();
    let keyfob = about_to_expire(&server);
    keyfob.settings("limits = { idle = \"1s\", request = \"1s\" }\n");
    let (stored, token) = (keyfob.stored(), keyfob.run(&["token", "test", "--min-validity", "1"]).expect(0).stdout);
    for (answer, ..) in temporary() {
        server.always("/token", answer.clone());

        let finished = keyfob.run(&["token", "test"]).expect(0);

        assert_eq!(finished.stdout, token, "{answer:?}");
        assert!(finished.stderr.contains("warning:"), "{finished:#?}");
        assert_eq!(keyfob.stored(), stored, "{answer:?}");
        server.recover();
    }
    keyfob.run(&["refresh", "test"]).expect(0);
}

#[test]
fn a_temporary_failure_with_an_expired_token_is_told_as_one_and_the_session_stays() {
    let server = Server::start();
    let keyfob = expired(&server);
    keyfob.settings("limits = { idle = \"1s\", request = \"1s\" }\n");
    let stored = keyfob.stored();
    for (answer, code, name) in temporary() {
        server.always("/token", answer.clone());

        let finished = keyfob.run(&["token", "test", "--json"]);

        let error = finished.error(code, name);
        assert_eq!(error["retryable"], code == 6, "{error:#}");
        assert_eq!(finished.stdout, "", "{finished:#?}");
        assert_eq!(keyfob.stored(), stored, "{answer:?}");
        server.recover();
    }
    keyfob.run(&["token", "test"]).expect(0);
}

#[test]
fn an_unreachable_server_is_a_failure_of_the_network() {
    let server = Server::start();
    let keyfob = expired(&server);
    let address = server.address().to_string();
    drop(server);

    keyfob.run(&["token", "test", "--json"]).error_naming(6, "network", &[&address]);

    assert_eq!(keyfob.sessions(), ["test/alice"]);
}

#[test]
fn a_refused_refresh_token_asks_for_a_login_and_is_not_sent_again() {
    let server = Server::start();
    let keyfob = expired(&server);
    server.once("/token", Answer::json(400, &json!({ "error": "invalid_grant", "error_description": "gone" })));

    let error = keyfob.run(&["token", "test", "--json"]).error(4, "login_required");

    assert_eq!(error["session"], "test/alice");
    assert_eq!(error["hint"], "keyfob login test");
    assert_eq!(error["oauth"], json!({ "error": "invalid_grant", "error_description": "gone" }));
    let status = keyfob.run(&["status", "test", "--json"]).expect(4).json();
    assert_eq!((&status["state"], &status["usable"]), (&json!("login_required"), &json!(false)));
    assert_eq!(keyfob.sessions(), ["test/alice"], "kept for display");
    keyfob.run(&["token", "test"]).fails(4);
    keyfob.run(&["refresh", "test"]).fails(4);
    assert_eq!(server.requests_to("/token").len(), 1);

    keyfob.login(&server);
    keyfob.token("test");
}

#[test]
fn a_refusal_that_another_process_has_overtaken_is_none() {
    let server = Server::start();
    let keyfob = about_to_expire(&server);
    let before = keyfob.stored();
    keyfob.run(&["refresh", "test"]).expect(0);
    let (after, token) = (keyfob.stored(), keyfob.token("test"));
    // Back to the old state; the newer one comes while the request is under way.
    restore(&before);
    server.forget_requests();
    server.instead("/token", 1, move |_| {
        restore(&after);
        Answer::error(400, "invalid_grant")
    });

    let finished = keyfob.run(&["token", "test"]).expect(0);

    assert_eq!(finished.stdout.trim_end(), token);
    assert_eq!(refreshes(&server), 1);
}

fn restore(stored: &std::collections::BTreeMap<std::path::PathBuf, Vec<u8>>) {
    for (file, bytes) in stored {
        let draft = file.with_extension("restored");
        fs::write(&draft, bytes).expect("a file");
        fs::set_permissions(&draft, fs::Permissions::from_mode(0o600)).expect("a private file");
        fs::rename(&draft, file).expect("in its place");
    }
}

#[test]
fn a_killed_holder_blocks_nobody() {
    let server = Server::start();
    let keyfob = expired(&server);
    server.once("/token", Answer::silent());

    let holder = keyfob.start(&["token", "test"]);
    eventually("the request", || (refreshes(&server) == 1).then_some(()));
    holder.signal(libc::SIGKILL);
    holder.finish().expect(128 + libc::SIGKILL);
    let next = keyfob.run(&["token", "test"]).expect(0);

    assert!(next.took < Duration::from_secs(1), "{next:#?}");
}

#[test]
fn a_stopped_holder_is_waited_for_as_long_as_the_settings_say() {
    let server = Server::start();
    let keyfob = expired(&server);
    keyfob.settings("limits = { lock = \"1s\" }\n");
    let (stored, gate) = (keyfob.stored(), Gate::default());
    let held = gate.clone();
    server.after("/token", 1, move |_, answer| answer.behind(&held));

    let holder = keyfob.start(&["token", "test"]);
    eventually("the request", || (refreshes(&server) == 1).then_some(()));
    holder.signal(libc::SIGSTOP);
    let waiting = keyfob.run(&["token", "test", "--json"]);
    assert_eq!(keyfob.stored(), stored);
    assert_eq!(keyfob.sessions(), ["test/alice"], "a list waits for nobody");
    holder.signal(libc::SIGCONT);
    gate.open();
    holder.finish().expect(0);

    waiting.error_of(&[(8, "timeout"), (6, "network")], &["test/alice"]);
    assert!((0.9..3.0).contains(&waiting.took.as_secs_f64()), "{waiting:#?}");
    assert_eq!(refreshes(&server), 1);
}

#[test]
fn left_over_locks_of_any_shape_do_not_block() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    keyfob.run(&["refresh", "test"]).expect(0);
    let locks: Vec<_> =
        files(&keyfob.state()).into_iter().filter(|file| file.to_string_lossy().contains("lock")).collect();
    assert!(!locks.is_empty(), "there are locks beside the index: {:#?}", files(&keyfob.state()));
    let year = Duration::from_secs(365 * 24 * 3600);
    for lock in &locks {
        let prepare: [&dyn Fn(); 6] = [
            &|| fs::write(lock, "1\n").expect("a foreign process's number"),
            &|| fs::write(lock, [0xff; 4096]).expect("garbage"),
            &|| set_time(lock, SystemTime::now() + year),
            &|| set_time(lock, SystemTime::now() - year),
            &|| fs::set_permissions(lock, fs::Permissions::from_mode(0o400)).expect("read-only"),
            &|| fs::set_permissions(lock, fs::Permissions::from_mode(0o000)).expect("unreadable"),
        ];
        for prepare in prepare {
            prepare();
            let finished = keyfob.run(&["refresh", "test"]).expect(0);
            assert!(finished.took < Duration::from_secs(3), "{finished:#?}");
        }
    }
}

fn set_time(file: &std::path::Path, time: SystemTime) {
    fs::File::options().write(true).open(file).and_then(|file| file.set_modified(time)).expect("a time");
}

#[test]
fn a_valid_token_costs_no_network() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let token = keyfob.token("test");
    let connections = server.connections();

    for _ in 0..10 {
        assert_eq!(keyfob.token("test"), token);
    }

    assert_eq!(server.connections(), connections);
}

#[test]
fn the_margin_is_what_the_caller_or_the_settings_say() {
    let server = Server::start();
    server.change(|settings| settings.expires_in = json!(100));
    let keyfob = Keyfob::logged_in(&server);
    server.forget_requests();

    let first = keyfob.token("test");
    assert_eq!(refreshes(&server), 0, "100 s are more than the 60 s of the default");
    let second = keyfob.run(&["token", "test", "--min-validity", "2m"]).expect(0);
    assert_eq!(refreshes(&server), 1);
    // What comes back is as short-lived as before: handed out, with a word, and not asked for again.
    assert!(second.stdout.trim_end() != first && second.stderr.contains("warning:"), "{second:#?}");
    keyfob.settings("min_validity = \"2m\"\n");
    keyfob.run(&["token", "test"]).expect(0);
    assert_eq!(refreshes(&server), 2);
}

#[test]
fn a_token_that_is_expired_on_arrival_is_not_renewed_again() {
    let server = Server::start();
    for lifetime in [0, 1] {
        let keyfob = expired(&server);
        server.change(|settings| settings.expires_in = json!(lifetime));

        let finished = keyfob.run(&["token", "test"]).expect(0);

        assert_eq!(refreshes(&server), 1, "{finished:#?}");
        assert!(lifetime == 0 || finished.stderr.contains("warning:"), "{finished:#?}");
    }
}

#[test]
fn an_answer_that_gets_lost_is_asked_for_at_most_once_more() {
    let server = Server::start();
    server.change(|settings| settings.rotate = false);
    let keyfob = expired(&server);
    let stored = keyfob.stored();
    server.after("/token", 9, |_, _| Answer::dropped());

    keyfob.run(&["token", "test", "--json"]).error(6, "network");

    assert!((1..=2).contains(&refreshes(&server)));
    assert_eq!(keyfob.stored(), stored);
}

#[test]
fn a_new_refresh_token_in_a_bad_answer_is_saved() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    for (name, value) in [
        ("access_token", Value::Null),
        ("access_token", json!("line\nbreak")),
        ("token_type", json!("mac")),
        ("token_type", Value::Null),
        ("id_token", json!("nonsense")),
    ] {
        server.change(|settings| settings.token.insert(name.into(), value.clone()));
        let bad = keyfob.run(&["refresh", "test", "--json"]);
        assert!([11, 12].contains(&bad.code), "{name}: {bad:#?}");
        server.recover();

        // The server would end the family if the old one came again.
        keyfob.run(&["refresh", "test"]).expect(0);
    }
}

#[test]
fn a_provider_that_hangs_holds_up_nobody_elses_session() {
    let (hanging, server) = (Server::start(), Server::start());
    let keyfob = expired(&hanging);
    keyfob.provider("other", &server, "");
    keyfob.log_in(&server, &["login", "other"]).expect(0);
    hanging.always("/token", Answer::silent());

    let stuck = keyfob.start(&["token", "test"]);
    eventually("the request", || (refreshes(&hanging) == 1).then_some(()));
    let start = Instant::now();
    keyfob.run(&["refresh", "other"]).expect(0);
    keyfob.token("other");
    keyfob.run(&["list"]).expect(0);

    assert!(start.elapsed() < Duration::from_secs(3));
    stuck.signal(libc::SIGTERM);
    stuck.finish().expect(143);
}

#[test]
fn a_narrower_token_does_not_narrow_the_session() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let whole = keyfob.token("test");

    let narrow = keyfob.run(&["token", "test", "--scope", "openid", "--json"]).expect(0).json();

    assert_eq!(narrow["scope"], "openid");
    assert_ne!(narrow["access_token"], json!(whole));
    assert_eq!(server.grants("refresh_token")[0].expect("scope"), "openid");
    assert_eq!(keyfob.token("test"), whole);
    assert_eq!(keyfob.status("test")["scopes"], json!(["openid", "email"]));
    keyfob.run(&["refresh", "test"]).expect(0);
    assert_eq!(keyfob.status("test")["scopes"], json!(["openid", "email"]));
}

#[test]
fn without_refresh_only_a_stored_valid_token_is_handed_out() {
    let server = Server::start();
    let keyfob = expired(&server);
    let connections = server.connections();

    keyfob.run(&["token", "test", "--no-refresh"]).fails(4);
    assert_eq!(server.connections(), connections);

    let token = keyfob.token("test");
    assert_eq!(keyfob.run(&["token", "test", "--no-refresh"]).expect(0).stdout.trim_end(), token);
}

#[test]
fn a_session_without_refresh_token_needs_a_login() {
    let server = Server::start();
    server.change(|settings| settings.token.insert("refresh_token".into(), Value::Null));
    let keyfob = Keyfob::logged_in(&server);
    assert_eq!(keyfob.status("test")["refreshable"], false);
    server.forget_requests();

    let error = keyfob.run(&["refresh", "test", "--json"]).error(4, "login_required");

    assert_eq!((&error["session"], &error["hint"]), (&json!("test/alice"), &json!("keyfob login test")));
    assert_eq!(server.requests().len(), 0);
    keyfob.token("test");
}

#[test]
fn a_token_without_a_session_asks_for_a_login_and_never_opens_a_browser() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    for arguments in [&["token", "test"][..], &["token", "test/alice"], &["token", "test", "--login"]] {
        let error = keyfob.run(&[arguments, &["--json"]].concat()).error(4, "login_required");
        assert!(error["hint"].as_str().is_some_and(|hint| hint.starts_with("keyfob login test")), "{error:#}");
    }
    assert_eq!((keyfob.opened().len(), server.connections()), (0, 0));
}

#[test]
fn a_refusal_counts_even_where_the_token_has_time_left() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    server.forget_requests();
    server.once("/token", Answer::error(400, "invalid_grant"));

    keyfob.run(&["refresh", "test", "--json"]).error(4, "login_required");

    let status = keyfob.run(&["status", "test", "--json"]).expect(4).json();
    assert_eq!((&status["state"], &status["usable"]), (&json!("login_required"), &json!(false)));
    for arguments in [&["token", "test"][..], &["token", "test", "--no-refresh"], &["token", "test", "--id-token"]] {
        keyfob.run(arguments).fails(4);
    }
    assert_eq!(server.requests_to("/token").len(), 1);
    keyfob.login(&server);
    keyfob.token("test");
}

#[test]
fn a_server_that_cannot_say_who_it_is_does_not_withhold_a_token_that_is_still_good() {
    for answer in [Answer::error(503, "busy"), Answer::html(200, "<h1>Back soon</h1>"), Answer::dropped()] {
        let server = Server::start();
        let keyfob = about_to_expire(&server);
        let token = keyfob.run(&["token", "test", "--min-validity", "1"]).expect(0).stdout;
        fs::remove_dir_all(keyfob.home().join(".cache")).expect("a cache");
        server.always("/.well-known/openid-configuration", answer);

        let finished = keyfob.run(&["token", "test"]).expect(0);

        assert_eq!(finished.stdout, token);
        assert!(finished.stderr.contains("warning:"), "{finished:#?}");
        assert_eq!(refreshes(&server), 0);
    }
}
