//! Clients that act for themselves, at a server that nobody of this project wrote.

use crate::support::{Keyfob, Storage, TestServer, needs};

/// keyfob with a machine's client of `server`, whose tokens are for the server's own API.
fn machine(server: &TestServer, client_id: &str, client_auth: &str) -> Keyfob {
    let keyfob = Keyfob::new(&Storage::File);
    let (resource, scopes) = (format!("{}/api", server.issuer()), "scopes = [\"api:read\"]");
    let more =
        format!("grants = [\"client_credentials\"]\nclient_auth = \"{client_auth}\"\nresource = \"{resource}\"\n");
    keyfob.provider("test", server, client_id, &more);
    let file = keyfob.home().join("config/providers.toml");
    let entry = std::fs::read_to_string(&file).expect("a registry");
    let entry = entry.replace("scopes = [\"openid\", \"offline_access\", \"email\", \"profile\"]", scopes);
    std::fs::write(&file, entry).expect("the registry can be written");
    keyfob
}

#[test]
fn a_machine_gets_a_token_that_the_api_takes_by_two_requests_and_then_by_none() {
    needs!(Server);
    let server = TestServer::start();
    for (client_id, client_auth) in
        [("machine-basic", "client_secret_basic"), ("machine-post", "client_secret_post"), ("machine-basic", "auto")]
    {
        server.forget_requests();
        let keyfob = machine(&server, client_id, client_auth);

        let token = keyfob.token("test");
        let paths: Vec<_> = server.requests().iter().map(|request| request.path().to_owned()).collect();
        assert_eq!(paths, ["/.well-known/openid-configuration", "/token"], "{client_id}");
        assert_eq!(keyfob.token("test"), token);
        assert_eq!(server.requests().len(), 2);

        let answer = keyfob.run(&["request", "test", &format!("{}/api/x", server.issuer())]).expect(0).json();
        assert_eq!((&answer["ok"], &answer["client_id"]), (&true.into(), &client_id.into()), "{answer}");
        assert_eq!(keyfob.leaks(&server).len(), 0, "{:#?}", keyfob.leaks(&server));
    }
}

#[test]
fn a_secret_that_is_wrong_is_told_as_refused() {
    needs!(Server);
    let server = TestServer::start();
    let keyfob = machine(&server, "machine-basic", "client_secret_basic");
    std::fs::write(keyfob.aside().join("test.client-secret"), "another-secret").expect("a file");

    let refused = keyfob.run(&["token", "test"]).expect(5);

    assert!(refused.stderr.contains("invalid_client") && refused.stderr.contains("client_secret"), "{refused:#?}");
}

#[test]
fn a_sessions_token_is_exchanged_for_one_that_the_api_takes() {
    needs!(Server, Curl);
    let server = TestServer::start();
    let keyfob = Keyfob::with_client(&Storage::File, &server, "cli-exchange");
    keyfob.login("test");
    let own = keyfob.token("test");
    let api = format!("{}/api", server.issuer());
    let call =
        |token: &str| keyfob.shell(&format!("curl -s -H 'Authorization: Bearer {token}' {api}/x")).expect(0).json();
    assert_ne!(call(&own)["ok"], true, "the session's own token is for nobody in particular");

    let other = keyfob.run(&["token", "test", "--audience", &api]).expect(0).stdout;

    assert_eq!(call(other.trim_end())["sub"], "alice");
    let exchange = server.grants("urn:ietf:params:oauth:grant-type:token-exchange");
    assert_eq!(exchange[0].parameter("subject_token"), Some(own.as_str()));
    assert_eq!(keyfob.token("test"), own, "the session keeps its own");
    let refused = keyfob.run(&["token", "test", "--audience", "https://elsewhere.example", "--json"]).expect(5);
    assert!(refused.stderr.contains("invalid_target"), "{refused:#?}");
}
