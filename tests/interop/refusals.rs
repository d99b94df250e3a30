//! What a login does not accept, and what a person does not finish.

use std::time::Duration;

use serde_json::Value;

use crate::support::{Answer, Finished, Keyfob, Storage, TestServer, needs};

/// A login that must fail with `code` and the error `name`, without redeeming a code and without touching the session
/// that was there before.
fn refused(answer: Answer, options: &[&str], code: i32, name: &str) -> Finished {
    let server = TestServer::start();
    let mut keyfob = Keyfob::with_client(&Storage::File, &server, "cli-public");
    keyfob.login("test");
    let before = keyfob.token("test");
    server.forget_requests();
    keyfob.person(answer);

    let arguments = [&["login", "test", "--json", "--grant", "authorization_code"], options].concat();
    let login = keyfob.run(&arguments).expect(code);

    assert_eq!(login.error()["error"], name);
    assert_eq!(server.requests_to("/token").len(), 0, "no code is redeemed");
    assert_eq!(keyfob.sessions(), ["test/alice"]);
    assert_eq!(keyfob.token("test"), before, "the session is as it was");
    login
}

#[test]
fn an_answer_with_another_state_is_not_taken_and_does_not_end_the_wait() {
    needs!(Server);

    let login = refused(Answer::TamperState, &["--timeout", "2"], 11, "security");

    assert!(login.took >= Duration::from_secs(2), "the wait went on: {login:#?}");
    assert!(login.stderr.contains("state"), "{login:#?}");
}

#[test]
fn an_answer_of_another_issuer_ends_the_login() {
    needs!(Server);

    let login = refused(Answer::AddIss, &[], 11, "security");

    assert!(!login.stderr.contains("code="), "{login:#?}");
}

#[test]
fn an_answer_without_a_code_ends_the_login() {
    needs!(Server);
    let server = TestServer::start();
    let mut keyfob = Keyfob::with_client(&Storage::File, &server, "cli-public");
    keyfob.person(Answer::DropCode);

    let login = keyfob.run(&["login", "test", "--json", "--grant", "authorization_code", "--timeout", "20"]);

    assert!([11, 12].contains(&login.code), "{login:#?}");
    assert_eq!(server.requests_to("/token").len(), 0);
}

#[test]
fn a_denial_ends_the_login_with_the_servers_word_for_it() {
    needs!(Server);

    let login = refused(Answer::Deny, &[], 5, "refused");

    let oauth: Value = login.error()["oauth"].clone();
    assert_eq!(oauth["error"], "access_denied");
    assert_eq!(oauth["error_description"], "the user said no");
}

#[test]
fn a_person_who_goes_away_is_waited_for_as_long_as_was_asked() {
    needs!(Server);

    let login = refused(Answer::Leave, &["--timeout", "2"], 8, "timeout");

    assert!((2.0..4.0).contains(&login.took.as_secs_f64()), "{login:#?}");
}

#[test]
fn a_failing_token_endpoint_is_asked_once_and_the_page_claims_no_success() {
    needs!(Server);
    let server = TestServer::start();
    let keyfob = Keyfob::with_client(&Storage::File, &server, "cli-public");
    server.fault(&serde_json::json!({ "path": "/token", "times": 5, "status": 500, "body": "<h1>oops</h1>" }));

    keyfob.run(&["login", "test", "--grant", "authorization_code"]).expect(6);

    assert_eq!(server.requests_to("/token").len(), 1, "a code is redeemed once");
    let (_, text) = keyfob.last_page();
    assert!(!text.contains("Logged in"), "{text}");
    assert_eq!(keyfob.sessions(), [] as [&str; 0]);
}
