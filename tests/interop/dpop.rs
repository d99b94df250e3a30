//! Tokens that are bound to a key, at a server that nobody of this project wrote: its token endpoint, its userinfo and a
//! resource server check each proof.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::{Answer, Keyfob, Storage, TestServer, eventually, needs};

/// A session of `client` for the resource server.
fn logged_in(server: &TestServer, client: &str) -> Keyfob {
    let mut keyfob = Keyfob::new(&Storage::File);
    // A name is asked for at userinfo, which wants a proof too.
    let more = "dpop_bound_access_tokens = true\nuser = { id = \"sub\", name = \"name\" }";
    keyfob.provider("test", server, client, more);
    keyfob.person(Answer::Allow);
    let resource = format!("{}/api", server.issuer());
    let login = ["login", "test", "--grant", "authorization_code", "--scope", "+api:read", "--resource", &resource];
    keyfob.run(&login).expect(0);
    keyfob
}

/// The keys of all proofs that the server got, as they are written in them.
fn keys(server: &TestServer) -> BTreeSet<String> {
    let proofs = server.requests().into_iter().filter_map(|request| request.header("dpop").map(str::to_owned));
    let head = |proof: &str| -> Value {
        let head = URL_SAFE_NO_PAD.decode(proof.split('.').next().expect("a head")).expect("base64url");
        serde_json::from_slice(&head).expect("JSON")
    };
    proofs.map(|proof| head(&proof)["jwk"].to_string()).collect()
}

fn accepted(answer: &Value) {
    assert_eq!((&answer["ok"], &answer["scheme"]), (&true.into(), &"DPoP".into()), "{answer}");
    assert_eq!(answer["sub"], "alice", "{answer}");
}

#[test]
fn tokens_are_bound_renewed_and_presented_with_one_key() {
    needs!(Server, Curl);
    for client in ["cli-dpop", "cli-dpop-nonce"] {
        let server = TestServer::start();
        let keyfob = logged_in(&server, client);
        let api = format!("{}/api", server.issuer());
        assert_eq!(keyfob.status("test")["token_type"], "DPoP", "{client}");

        accepted(&keyfob.run(&["request", &format!("{api}/things?a=b#c")]).expect(0).json());
        keyfob.run(&["refresh", "test"]).expect(0);
        accepted(&keyfob.run(&["request", &format!("{api}/things")]).expect(0).json());
        accepted(&keyfob.run(&["request", &format!("{api}/rotate-nonce")]).expect(0).json());
        accepted(&keyfob.run(&["request", &format!("{api}/things"), "-d", "a=b"]).expect(0).json());
        for (format, option) in [("curl", "-K -"), ("header", "-H @-")] {
            let script = format!(
                "keyfob token test --format {format} --for 'GET {api}/things' | curl -sS --fail {option} {api}/things"
            );
            accepted(&keyfob.shell(&script).expect(0).json());
        }

        assert_eq!(keys(&server).len(), 1, "{client}");
        assert_eq!(keyfob.leaks(&server).len(), 0, "{:#?}", keyfob.leaks(&server));
        keyfob.run(&["logout", "test"]).expect(0);
        assert!(!server.requests_to("/token/revocation").is_empty(), "{client}");
    }
}

#[test]
fn userinfo_is_asked_with_a_proof() {
    needs!(Server);
    for client in ["cli-dpop", "cli-dpop-nonce"] {
        let server = TestServer::start();
        let mut keyfob = Keyfob::new(&Storage::File);
        keyfob.provider("test", &server, client, "dpop_bound_access_tokens = true");
        keyfob.person(Answer::Allow);

        keyfob.login("test");

        assert_eq!(keyfob.sessions(), ["test/alice"], "{client}");
        let asked = server.requests_to("/me");
        assert!(asked.last().is_some_and(|request| request.header("dpop").is_some()), "{client}: {asked:?}");
    }
}

#[test]
fn grants_without_a_redirect_are_bound_too() {
    needs!(Server);
    let server = TestServer::start();
    let keyfob = Keyfob::new(&Storage::File);
    let api = format!("{}/api", server.issuer());
    let machine = format!(
        "dpop_bound_access_tokens = true\ngrants = [\"client_credentials\"]\nclient_auth = \"client_secret_basic\"\n\
         resource = \"{api}\"\n"
    );
    keyfob.provider("machine", &server, "machine-basic", &machine);
    let file = keyfob.home().join("config/providers.toml");
    let entry = std::fs::read_to_string(&file).expect("a registry");
    let scopes = "scopes = [\"openid\", \"offline_access\", \"email\", \"profile\"]";
    std::fs::write(&file, entry.replace(scopes, "scopes = [\"api:read\"]")).expect("the registry can be written");
    keyfob.provider("person", &server, "cli-ciba", "dpop_bound_access_tokens = true\ngrants = [\"ciba\"]");

    let answer = keyfob.run(&["request", "machine", &format!("{api}/x")]).expect(0).json();
    let running = keyfob.start(&["login", "person", "--set", "login_hint=alice"]);
    let polled = || server.grants("urn:openid:params:grant-type:ciba").into_iter().next();
    let poll = eventually("a poll", polled);
    server.decide(&json!({ "auth_req_id": poll.parameter("auth_req_id").expect("its request"), "approve": true }));
    running.finish(Duration::from_secs(60)).expect(0);
    keyfob.run(&["refresh", "person/alice"]).expect(0);

    assert_eq!((&answer["ok"], &answer["scheme"]), (&true.into(), &"DPoP".into()), "{answer}");
    assert_eq!(keyfob.status("person")["token_type"], "DPoP");
    assert_eq!(keys(&server).len(), 2, "one for each session");
}
