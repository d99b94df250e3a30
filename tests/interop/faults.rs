//! A server that fails while a session is renewed: nothing that is still needed gets lost.

use serde_json::{Value, json};

use crate::support::{Keyfob, Storage, TestServer, needs};

/// Renews a session while the token endpoint does `fault`, which must end with `code`; then checks that the session
/// can be renewed once the server is well again. Returns how often the server was asked.
fn renewal(fault: &Value, code: i32) -> usize {
    let server = TestServer::start();
    let keyfob = Keyfob::with_client(&Storage::File, &server, "cli-public");
    keyfob.login("test");
    let before = keyfob.token("test");
    server.forget_requests();
    server.fault(fault);

    keyfob.run(&["refresh", "test"]).expect(code);

    let asked = server.requests_to("/token").len();
    assert_eq!(keyfob.token("test"), before, "the session is as it was");
    server.clear_faults();
    keyfob.run(&["refresh", "test"]).expect(0);
    assert_ne!(keyfob.token("test"), before);
    asked
}

#[test]
fn a_server_that_is_busy_leaves_the_session_as_it_was() {
    needs!(Server);
    renewal(&json!({ "path": "/token", "times": 9, "status": 503, "headers": { "retry-after": "3600" } }), 6);
}

#[test]
fn a_page_instead_of_an_answer_leaves_the_session_as_it_was() {
    needs!(Server);
    renewal(&json!({ "path": "/token", "times": 9, "status": 200, "body": "<html>Welcome to the hotel</html>" }), 12);
}

#[test]
fn an_error_page_of_a_gateway_is_a_failure_of_the_network() {
    needs!(Server);
    renewal(&json!({ "path": "/token", "times": 9, "status": 502, "body": "<html>Bad gateway</html>" }), 6);
}

#[test]
fn a_cut_connection_is_tried_once_more_at_most() {
    needs!(Server);

    let asked = renewal(&json!({ "path": "/token", "times": 9, "drop": true }), 6);

    assert!((1..=2).contains(&asked), "asked {asked} times");
}

#[test]
fn a_token_that_is_still_valid_is_handed_out_when_it_cannot_be_renewed() {
    needs!(Server);
    let server = TestServer::start();
    let keyfob = Keyfob::with_client(&Storage::File, &server, "cli-public");
    keyfob.login("test");
    let token = keyfob.token("test");
    server.fault(&json!({ "path": "/token", "times": 9, "status": 503 }));

    let handed_out = keyfob.run(&["token", "test", "--min-validity", "2h"]).expect(0);

    assert_eq!(handed_out.stdout.trim_end(), token);
    assert!(handed_out.stderr.contains("warning:"), "{handed_out:#?}");
}

#[test]
fn a_refresh_token_that_is_no_longer_accepted_asks_for_a_login_and_is_not_sent_again() {
    needs!(Server);
    let server = TestServer::start();
    let keyfob = Keyfob::with_client(&Storage::File, &server, "cli-renewed");
    keyfob.login("test");
    server.forget_requests();
    let body = json!({ "error": "invalid_grant", "error_description": "grant request is invalid" });
    server.fault(&json!({ "path": "/token", "times": 1, "status": 400, "body": body }));

    let refused = keyfob.run(&["token", "test", "--json"]).expect(4);

    let error = refused.error();
    assert_eq!((&error["error"], &error["session"]), (&"login_required".into(), &"test/alice".into()), "{error}");
    assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("keyfob login test")), "{error}");
    let status = keyfob.run(&["status", "test", "--json"]).expect(4).json();
    assert_eq!((&status["state"], &status["usable"]), (&"login_required".into(), &false.into()), "{status}");
    assert_eq!(keyfob.sessions(), ["test/alice"], "it is kept for display");
    keyfob.run(&["token", "test"]).expect(4);
    assert_eq!(server.requests_to("/token").len(), 1, "the refused token is not sent again");

    keyfob.login("test");
    keyfob.token("test");
}

#[test]
fn a_valid_token_needs_no_server() {
    needs!(Server);
    let server = TestServer::start();
    let keyfob = Keyfob::with_client(&Storage::File, &server, "cli-public");
    keyfob.login("test");
    drop(server);

    for _ in 0..5 {
        keyfob.token("test");
    }
    keyfob.run(&["refresh", "test"]).expect(6);
    assert_eq!(keyfob.sessions(), ["test/alice"]);
    keyfob.run(&["logout", "test"]).expect(6);
    assert_eq!(keyfob.sessions(), [] as [&str; 0], "local deletion happens even if revocation fails");
}
