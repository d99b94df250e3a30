//! `list`, `status`, `refresh --all`, `switch` and `logout`.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Answer, Gate, Keyfob, Server};

#[test]
fn an_empty_list_is_no_failure() {
    let keyfob = Keyfob::new();

    assert_eq!(keyfob.run(&["list", "-q"]).expect(0).stdout, "");
    keyfob.run(&["list"]).expect(0);
    let list = keyfob.run(&["list", "--json"]).expect(0).json();

    assert_eq!(list, json!({ "schema": "keyfob.sessions/1", "sessions": [] }));
}

#[test]
fn a_list_has_one_line_per_session_and_the_objects_of_status() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    keyfob.log_in(&server, &["login", "test/work"]).expect(0);
    keyfob.run(&["switch", "test/alice"]).expect(0);
    let connections = server.connections();

    let text = keyfob.run(&["list"]).expect(0).stdout;
    let json = keyfob.run(&["list", "--json"]).expect(0).json();

    assert!(text.starts_with("SESSION"), "{text}");
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("test/")).collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].starts_with("test/alice *") && lines[0].contains("valid"), "{text}");
    assert_eq!(keyfob.run(&["list", "-q"]).expect(0).stdout, "test/alice\ntest/work\n");
    assert_eq!(json["sessions"], json!([keyfob.status("test/alice"), keyfob.status("test/work")]));
    assert_eq!(server.connections(), connections);
}

#[test]
fn a_status_tells_by_its_code_whether_a_token_can_be_had() {
    let server = Server::start();
    server.change(|settings| settings.expires_in = json!(1));
    let keyfob = Keyfob::logged_in(&server);
    keyfob.wait_until_expired("test");

    let expired = keyfob.run(&["status", "test", "--json"]).expect(0).json();
    assert_eq!((&expired["state"], &expired["usable"]), (&json!("expired"), &json!(true)));
    server.once("/token", Answer::error(400, "invalid_grant"));
    keyfob.run(&["token", "test"]).expect(4);
    let refused = keyfob.run(&["status", "test"]).expect(4);
    assert!(refused.output().contains("invalid_grant") && refused.output().contains("hint:"), "{refused:#?}");
    keyfob.run(&["status", "test/nobody", "--json"]).error_naming(3, "not_found", &["test/nobody"]);
    keyfob.run(&["status", "tset", "--json"]).error(3, "not_found");
}

#[test]
fn a_status_shows_the_profile_the_claims_and_the_store() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);

    let text = keyfob.run(&["status", "test"]).expect(0);
    let claims = keyfob.run(&["status", "test", "--claims"]).expect(0);

    for word in ["test/alice", "user-1", "Alice", "a@example.com", "openid email"] {
        assert!(text.stdout.contains(word), "{word}: {text:#?}");
    }
    assert!(text.output().contains("warning:"), "not the system keyring: {text:#?}");
    assert!(claims.stdout.contains("preferred_username") && claims.stdout.contains("alice"), "{claims:#?}");
}

#[test]
fn all_sessions_are_renewed_each_is_told_and_the_first_failure_counts() {
    let (good, bad) = (Server::start(), Server::start());
    let keyfob = Keyfob::new();
    for (name, server) in [("a", &bad), ("b", &good), ("c", &good)] {
        keyfob.provider(name, server, "");
        keyfob.log_in(server, &["login", name]).expect(0);
    }
    for server in [&good, &bad] {
        server.forget_requests();
    }
    bad.always("/token", Answer::error(503, "busy"));

    let finished = keyfob.run(&["refresh", "--all"]);

    assert_eq!(finished.code, 6, "{finished:#?}");
    for name in ["a/alice", "b/alice", "c/alice"] {
        assert!(finished.output().contains(name), "{finished:#?}");
    }
    assert_eq!(good.grants("refresh_token").len(), 2);
    keyfob.run(&["refresh", "--all", "--expiring-within", "10m"]).expect(0);
    assert_eq!(good.grants("refresh_token").len(), 2, "none of them expires that soon");
}

#[test]
fn a_refresh_tells_the_new_expiry() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let before = keyfob.token("test");

    let text = keyfob.run(&["refresh", "test"]).expect(0);
    let json = keyfob.run(&["refresh", "test", "--json"]).expect(0).json();

    assert!(text.output().contains("test/alice") && text.output().contains("expires"), "{text:#?}");
    assert_eq!(json, keyfob.status("test"));
    assert!(json["refreshed_at"].is_string(), "{json:#}");
    assert_ne!(keyfob.token("test"), before);
}

#[test]
fn the_default_session_of_a_provider_can_be_switched() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    keyfob.log_in(&server, &["login", "test/work"]).expect(0);
    keyfob.run(&["switch", "test/alice"]).expect(0);
    let default = || keyfob.run(&["token", "test", "--json"]).expect(0).json()["session"].clone();
    assert_eq!(default(), "test/alice");
    let connections = server.connections();

    keyfob.run(&["switch", "test/work"]).expect(0);

    assert_eq!(default(), "test/work");
    assert_eq!(
        (&keyfob.status("test/work")["default"], &keyfob.status("test/alice")["default"]),
        (&json!(true), &json!(false))
    );
    keyfob.run(&["switch", "test/nobody", "--json"]).error(3, "not_found");
    assert_eq!((default(), server.connections()), (json!("test/work"), connections));
    keyfob.log_in(&server, &["login", "test/third", "--default"]).expect(0);
    assert_eq!(default(), "test/third");
}

#[test]
fn a_logout_revokes_the_refresh_token_then_the_access_token_and_forgets() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    keyfob.log_in(&server, &["login", "test/work"]).expect(0);
    let access = keyfob.token("test/alice");

    keyfob.run(&["logout", "test/alice"]).expect(0);

    let revoked = server.requests_to("/revoke");
    assert_eq!(revoked.len(), 2);
    assert!(revoked[0].expect("token").starts_with("refresh-"));
    assert_eq!(revoked[1].expect("token"), access);
    let hints: Vec<_> = revoked.iter().map(|request| request.parameter("token_type_hint")).collect();
    assert!(hints.iter().flatten().all(|hint| ["refresh_token", "access_token"].contains(&hint.as_str())), "{hints:?}");
    assert_eq!(keyfob.sessions(), ["test/work"]);
    keyfob.token("test/work");
    keyfob.run(&["status", "test/alice"]).expect(3);
    let again = keyfob.run(&["logout", "test/alice"]).expect(0);
    assert!(again.stderr.contains("test/alice"), "{again:#?}");
    assert_eq!(server.requests_to("/revoke").len(), 2);
}

#[test]
fn a_logout_forgets_even_where_the_revocation_fails() {
    let server = Server::start();
    for answer in
        [Answer::error(503, "busy"), Answer::dropped(), Answer::error(503, "busy").with("Retry-After", "3600")]
    {
        let keyfob = Keyfob::logged_in(&server);
        server.always("/revoke", answer);
        let finished = keyfob.run(&["logout", "test", "--json"]);
        finished.error(6, "network");
        assert!(finished.took < Duration::from_secs(5), "{finished:#?}");
        assert_eq!(keyfob.sessions(), [] as [&str; 0]);
        server.recover();
    }
    let keyfob = Keyfob::logged_in(&server);
    keyfob.settings("limits = { connect = \"1s\", request = \"1s\" }\n");
    drop(server);
    keyfob.run(&["logout", "test"]).expect(6);
    assert_eq!(keyfob.sessions(), [] as [&str; 0]);
}

#[test]
fn a_logout_can_leave_the_server_alone() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let connections = server.connections();

    keyfob.run(&["logout", "test", "--no-revoke"]).expect(0);
    keyfob.run(&["logout", "test"]).expect(0);
    keyfob.run(&["logout", "nobody-knows-this", "--json"]).error(3, "not_found");

    assert_eq!(server.connections(), connections);
    let keyfob = Keyfob::logged_in(&server);
    keyfob.settings("revoke_on_logout = false\n");
    keyfob.run(&["logout", "test"]).expect(0);
    assert_eq!(server.requests_to("/revoke").len(), 0);
}

#[test]
fn all_sessions_are_removed_only_when_that_is_confirmed() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    keyfob.log_in(&server, &["login", "test/work"]).expect(0);

    let asked = keyfob.run(&["logout", "--all", "--json"]);
    asked.error_naming(2, "usage", &["--yes"]);
    assert_eq!(keyfob.sessions().len(), 2);
    keyfob.run(&["logout", "--all", "--yes"]).expect(0);

    assert_eq!(keyfob.sessions(), [] as [&str; 0]);
    assert_eq!(server.requests_to("/revoke").len(), 4);
}

#[test]
fn a_logout_during_a_refresh_leaves_no_session_behind() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let gate = Gate::default();
    let held = gate.clone();
    server.after("/token", 1, move |_, answer| answer.behind(&held));
    server.forget_requests();

    let refresh = keyfob.start(&["refresh", "test"]);
    crate::support::eventually("the request", || (server.requests_to("/token").len() == 1).then_some(()));
    let logout = keyfob.start(&["logout", "test"]);
    gate.open();
    let refreshed = refresh.finish();
    logout.finish().expect(0);

    assert!([0, 3, 4].contains(&refreshed.code), "{refreshed:#?}");
    assert_eq!(keyfob.sessions(), [] as [&str; 0]);
    // Whatever was issued last is what was revoked.
    let revoked: BTreeSet<_> = server.requests_to("/revoke").iter().map(|request| request.expect("token")).collect();
    assert_eq!(revoked.len(), 2, "{revoked:?}");
}

#[test]
fn lists_never_wait_for_a_refresh_and_are_never_torn() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let refreshes: Vec<_> = (0..5).map(|_| keyfob.start(&["refresh", "test"])).collect();

    for _ in 0..10 {
        let list: Value = keyfob.run(&["list", "--json"]).expect(0).json();
        assert_eq!(list["sessions"][0]["session"], "test/alice");
        assert_eq!(list["sessions"][0]["state"], "valid");
    }
    for refresh in refreshes {
        refresh.finish().expect(0);
    }
}
