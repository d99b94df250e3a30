//! A person who is asked on a device of their own.

use serde_json::{Value, json};

use crate::support::{Answer, Finished, Keyfob, Server};

const POLL: &str = "urn:openid:params:grant-type:ciba";

/// A provider that asks alice, whose answer comes at the next poll unless a test says otherwise.
fn ciba(server: &Server, acknowledgement: &Value) -> Keyfob {
    let url = server.url();
    server.change(|settings| {
        settings.metadata["backchannel_authentication_endpoint"] = json!(format!("{url}/backchannel"))
    });
    server.always("/backchannel", Answer::json(200, acknowledgement));
    let keyfob = Keyfob::new();
    let client = keyfob.client(server, "basic");
    keyfob.provider("test", server, &format!("{client}\ngrants = [\"ciba\"]\nlogin_hint = \"alice\""));
    keyfob
}

fn acknowledgement() -> Value {
    json!({ "auth_req_id": "auth-req-id-of-this-login", "expires_in": 60, "interval": 1 })
}

fn log_in(keyfob: &Keyfob) -> Finished {
    keyfob.run(&["login", "test", "--json"])
}

#[test]
fn polls_go_on_while_the_person_thinks_and_whatever_the_server_suffers() {
    let server = Server::start();
    let keyfob = ciba(&server, &acknowledgement());
    server.once("/token", Answer::error(400, "authorization_pending"));
    server.once("/token", Answer::error(503, "temporarily_unavailable"));
    server.once("/token", Answer::dropped());

    let done = log_in(&keyfob).expect(0);

    assert_eq!(done.json_lines().last().expect("an event")["session"]["session"], "test/alice");
    let polls = server.grants(POLL);
    assert_eq!(polls.len(), 4);
    assert!(polls.iter().all(|poll| poll.expect("auth_req_id") == "auth-req-id-of-this-login"));
    assert!(!done.output().contains("auth-req-id"), "{done:#?}");
    // Pauses of 1, 1, 2 and 4 seconds: a server that does not answer is asked less often.
    assert!(done.took.as_millis() >= 8000, "{done:#?}");
}

#[test]
fn what_the_person_or_the_server_decides_ends_the_polls() {
    let server = Server::start();
    let keyfob = ciba(&server, &acknowledgement());
    for (error, code, name) in
        [("access_denied", 5, "refused"), ("expired_token", 8, "timeout"), ("invalid_grant", 5, "refused")]
    {
        server.forget_requests();
        server.once("/token", Answer::error(400, error));

        log_in(&keyfob).error(code, name);

        assert_eq!(server.grants(POLL).len(), 1, "{error}");
    }
    assert_eq!(keyfob.sessions(), [""; 0]);
}

#[test]
fn a_request_that_ends_before_the_first_poll_is_not_polled() {
    let server = Server::start();
    let keyfob = ciba(&server, &json!({ "auth_req_id": "auth-req-id-of-this-login", "expires_in": 1, "interval": 1 }));

    log_in(&keyfob).error(8, "timeout");

    assert!(server.grants(POLL).is_empty());
}

#[test]
fn an_answer_without_its_identifier_is_refused() {
    let server = Server::start();
    for odd in [json!(null), json!(""), json!(7)] {
        let keyfob = ciba(&server, &json!({ "auth_req_id": odd, "expires_in": 60 }));

        log_in(&keyfob).error_naming(12, "protocol", &["auth_req_id"]);
        server.recover();
    }
}

#[test]
fn exactly_one_hint_says_who_is_asked() {
    let server = Server::start();
    let keyfob = ciba(&server, &acknowledgement());

    let two = keyfob.run(&["login", "test", "--json", "--set", "login_hint_token=env:HOME"]);
    two.error_naming(9, "config", &["only one of", "login_hint_token"]);
    keyfob.edit_registry("login_hint = \"alice\"", "");
    log_in(&keyfob).error_naming(2, "usage", &["login_hint"]);

    assert!(server.requests_to("/backchannel").is_empty());
}

#[test]
fn an_id_token_of_another_issuer_is_not_accepted() {
    let server = Server::start();
    let keyfob = ciba(&server, &acknowledgement());
    server.change(|settings| settings.claims.insert("iss".into(), json!("https://evil.example")));

    log_in(&keyfob).error(11, "security");

    assert_eq!(keyfob.sessions(), [""; 0]);
}

#[test]
fn a_login_that_brings_no_id_token_is_not_accepted() {
    let server = Server::start();
    let keyfob = ciba(&server, &acknowledgement());
    server.change(|settings| settings.token.insert("id_token".into(), Value::Null));

    log_in(&keyfob).error_naming(12, "protocol", &["id_token"]);
}
