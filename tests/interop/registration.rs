//! Clients that nobody brought, at a server that nobody here wrote.

use std::fs;

use crate::support::{Answer, Browser, Keyfob, Storage, TestServer, needs};

/// An entry without a client, and a person who allows.
fn without_client(issuer: &str, more: &str) -> Keyfob {
    let mut keyfob = Keyfob::new(&Storage::File);
    keyfob.person(Answer::Allow);
    let entry = format!(
        "schema = 1\n[providers.test]\nname = \"Test Server\"\nprotocol = \"oidc\"\nissuer = \"{issuer}\"\n\
         scopes = [\"openid\", \"offline_access\"]\nauthorize_params = {{ prompt = \"consent\" }}\naccount = \"id\"\n\
         user = {{ id = \"sub\" }}\n{more}\n"
    );
    fs::write(keyfob.home().join("config/providers.toml"), entry).expect("the registry can be written");
    keyfob
}

#[test]
fn a_client_is_registered_used_looked_up_and_deleted() {
    needs!(Server);
    let server = TestServer::start();
    let keyfob = without_client(server.issuer(), "");

    keyfob.login("test");
    let client = keyfob.status("test")["client_id"].as_str().expect("a client").to_owned();
    keyfob.run(&["refresh", "test"]).expect(0);
    keyfob.login("test");
    assert_eq!(keyfob.status("test")["client_id"], client.as_str(), "the kept client serves");
    keyfob.run(&["provider", "remove", "test", "--yes"]).expect(0);

    assert_eq!(server.requests_to("/reg").len(), 1);
    let managed = server.requests_to(&format!("/reg/{client}"));
    assert_eq!(managed.iter().map(|request| request.status()).collect::<Vec<_>>(), [200, 204]);
    assert_eq!(keyfob.leaks(&server).len(), 0, "{:#?}", keyfob.leaks(&server));
}

#[test]
fn a_server_that_registers_nobody_without_a_token_is_given_one() {
    needs!(Server);
    let server = TestServer::start_with(&["--initial-access-token", "a-token-for-registration"]);
    let refused = without_client(server.issuer(), "").run(&["login", "test"]).expect(5);
    assert!(refused.stderr.contains("initial_access_token"), "{refused:#?}");

    let mut keyfob = without_client(server.issuer(), "registration = { initial_access_token = { env = \"IAT\" } }");
    keyfob.set("IAT", "a-token-for-registration");
    keyfob.login("test");

    assert_eq!(keyfob.sessions().len(), 1);
}

#[test]
fn a_client_that_is_described_by_a_document_needs_no_registration() {
    needs!(Server);
    let server = TestServer::start();
    let document = format!("{}/_test/client.json", server.tls_issuer());
    let mut keyfob = without_client(server.tls_issuer(), "");
    keyfob.settings(&format!("client_id_metadata_document = \"{document}\""));
    keyfob.set("KEYFOB_CA_BUNDLE", server.file("ca"));
    keyfob.browser(Browser::trusting(&keyfob.aside(), Answer::Allow, server.file("ca")));

    keyfob.login("test");
    keyfob.run(&["refresh", "test"]).expect(0);

    assert_eq!(keyfob.status("test")["client_id"], document.as_str());
    assert_eq!(server.requests_to("/reg").len(), 0);
}

#[test]
fn a_resource_leads_to_its_server_and_takes_the_token_that_was_asked_for_it() {
    needs!(Server);
    let server = TestServer::start();
    let mut keyfob = Keyfob::new(&Storage::File);
    keyfob.person(Answer::Allow);
    let url = format!("{}/api", server.issuer());

    keyfob.run(&["login", &url]).expect(0);
    let answer = keyfob.run(&["request", &format!("{url}/things"), "--fail"]).expect(0);
    assert!(answer.stdout.contains("api:read"), "{answer:#?}");
    keyfob.run(&["refresh", &url]).expect(0);

    assert_eq!(server.grants("authorization_code")[0].parameter("resource"), Some(url.as_str()));
}
