//! curl as the program that needs the token, written as UX shows it, against a resource server that checks it.

use serde_json::Value;

use crate::support::{Keyfob, Storage, TestServer, needs};

/// A session whose token is for the resource server `/api`.
fn session(server: &TestServer) -> Keyfob {
    let keyfob = Keyfob::with_client(&Storage::File, server, "cli-public");
    let resource = format!("{}/api", server.issuer());
    let login = ["login", "test", "--grant", "authorization_code", "--scope", "+api:read", "--resource", &resource];
    keyfob.run(&login).expect(0);
    keyfob
}

fn accepted(keyfob: &Keyfob, script: &str) {
    let curl = keyfob.shell(script).expect(0);
    let answer: Value = curl.json();
    assert_eq!((&answer["ok"], &answer["scheme"]), (&true.into(), &"Bearer".into()), "{curl:#?}");
    assert_eq!(answer["sub"], "alice", "{curl:#?}");
}

#[test]
fn curl_sends_the_header_that_keyfob_prints() {
    needs!(Server, Curl);
    let server = TestServer::start();
    let keyfob = session(&server);
    let api = format!("{}/api/things", server.issuer());

    accepted(&keyfob, &format!("curl -sS --fail -H \"$(keyfob token test --format header)\" {api}"));
}

#[test]
fn curl_reads_the_configuration_that_keyfob_prints() {
    needs!(Server, Curl);
    let server = TestServer::start();
    let keyfob = session(&server);
    let api = format!("{}/api/things", server.issuer());

    accepted(&keyfob, &format!("keyfob token test --format curl | curl -sS --fail -K - {api}"));
}

#[test]
fn a_renewed_token_is_for_the_same_resource() {
    needs!(Server, Curl);
    let server = TestServer::start();
    let keyfob = session(&server);
    let api = format!("{}/api/things", server.issuer());
    keyfob.run(&["refresh", "test"]).expect(0);

    accepted(&keyfob, &format!("keyfob token test --format curl | curl -sS --fail -K - {api}"));
    accepted(&keyfob, &format!("curl -sS --fail -H \"Authorization: Bearer $(keyfob token {api})\" {api}"));
}
