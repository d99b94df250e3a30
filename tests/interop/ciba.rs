//! A person who is asked on a device of their own, at a server that nobody of this project wrote.

use std::time::Duration;

use serde_json::json;

use crate::support::{Keyfob, Storage, TestServer, eventually, needs};

/// Starts a login for `alice` and answers it as she does on her own device.
fn journey(server: &TestServer, approve: bool) -> (Keyfob, crate::support::Finished) {
    let keyfob = Keyfob::new(&Storage::File);
    keyfob.provider("test", server, "cli-ciba", "grants = [\"ciba\"]");
    let running =
        keyfob.start(&["login", "test", "--set", "login_hint=alice", "--set", "binding_message=W4SCT", "--json"]);
    let polled = || server.grants("urn:openid:params:grant-type:ciba").into_iter().next();
    let poll = eventually("a poll", polled);
    let auth_req_id = poll.parameter("auth_req_id").expect("its request");
    server.decide(&json!({ "auth_req_id": auth_req_id, "approve": approve }));
    let finished = running.finish(Duration::from_secs(60));
    (keyfob, finished)
}

#[test]
fn a_person_consents_on_another_device_and_the_session_bears_their_name() {
    needs!(Server);
    let server = TestServer::start();

    let (keyfob, finished) = journey(&server, true);

    let done = finished.expect(0).json_lines();
    assert_eq!(done.last().expect("an event")["session"]["session"], "test/alice");
    let asked = server.requests_to("/backchannel");
    assert_eq!(asked.len(), 1);
    for (name, value) in [("login_hint", "alice"), ("binding_message", "W4SCT")] {
        assert_eq!(asked[0].parameter(name), Some(value));
    }
    assert!(asked[0].parameter("scope").is_some_and(|scope| scope.split(' ').any(|scope| scope == "openid")));
    let first = keyfob.token("test");
    keyfob.run(&["refresh", "test"]).expect(0);
    assert_ne!(keyfob.token("test"), first);
    assert_eq!(keyfob.leaks(&server).len(), 0, "{:#?}", keyfob.leaks(&server));
}

#[test]
fn a_person_who_says_no_ends_the_login() {
    needs!(Server);
    let server = TestServer::start();

    let (keyfob, finished) = journey(&server, false);

    assert!(finished.expect(5).stderr.contains("access_denied"));
    assert_eq!(keyfob.sessions(), [""; 0]);
}

#[test]
fn an_unknown_person_is_told_by_the_server_before_any_poll() {
    needs!(Server);
    let server = TestServer::start();
    let keyfob = Keyfob::new(&Storage::File);
    keyfob.provider("test", &server, "cli-ciba", "grants = [\"ciba\"]");

    let refused = keyfob.run(&["login", "test", "--set", "login_hint=nobody", "--json"]).expect(5);

    assert!(refused.stderr.contains("unknown_user_id"), "{refused:#?}");
    assert!(server.requests_to("/token").is_empty());
}
