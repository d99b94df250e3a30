//! The ways in which clients authenticate and servers answer.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::support::{Answer, Keyfob, Request, Storage, TestServer, needs};

/// Logs in as `client_id` with `more` in the provider's entry, uses and renews the session; returns the redemption.
fn journey(client_id: &str, more: &str) -> Request {
    let server = TestServer::start();
    let mut keyfob = Keyfob::new(&Storage::File);
    keyfob.person(Answer::Allow);
    keyfob.provider("test", &server, client_id, more);

    keyfob.login("test");
    assert_eq!(keyfob.sessions(), ["test/alice"]);
    let first = keyfob.token("test");
    let refresh = keyfob.run(&["refresh", "test"]).expect(0);
    assert!(!refresh.stderr.contains("panicked"), "{refresh:#?}");
    assert_ne!(keyfob.token("test"), first);
    assert_eq!(keyfob.leaks(&server).len(), 0, "{:#?}", keyfob.leaks(&server));

    let mut redeemed = server.grants("authorization_code");
    assert_eq!(redeemed.len(), 1, "{redeemed:#?}");
    redeemed.remove(0)
}

fn basic(request: &Request) -> Option<String> {
    let encoded = request.header("authorization")?.strip_prefix("Basic ")?;
    String::from_utf8(STANDARD.decode(encoded).ok()?).ok()
}

#[test]
fn a_public_client_sends_its_identifier_and_no_secret() {
    needs!(Server);

    let redeemed = journey("cli-public", "");

    assert_eq!(redeemed.parameter("client_id"), Some("cli-public"));
    assert_eq!((redeemed.parameter("client_secret"), basic(&redeemed)), (None, None));
}

#[test]
fn a_secret_with_odd_characters_is_form_encoded_in_the_basic_header() {
    needs!(Server);

    let redeemed = journey("cli-basic-odd", "client_auth = \"client_secret_basic\"");

    // Made by hand after RFC 6749 §2.3.1 and the form encoding; the tilde may stand as it is or be encoded.
    let sent = basic(&redeemed).map(|pair| pair.replace("%7E", "~"));
    assert_eq!(sent.as_deref(), Some("cli-basic-odd:a%3Ab%2Bc%2Fd%2520e%26f%3Dg+h~%22"));
    assert_eq!(redeemed.parameter("client_secret"), None);
}

#[test]
fn an_identifier_with_odd_characters_is_form_encoded_in_the_basic_header() {
    needs!(Server);

    let redeemed = journey("cli:odd id/+%41", "client_auth = \"client_secret_basic\"");

    assert_eq!(basic(&redeemed).as_deref(), Some("cli%3Aodd+id%2F%2B%2541:plain-secret"));
}

#[test]
fn a_secret_in_the_body_is_not_in_the_header_too() {
    needs!(Server);

    let redeemed = journey("cli-post", "client_auth = \"client_secret_post\"");

    assert_eq!(redeemed.parameter("client_secret"), Some("post-secret"));
    assert_eq!(redeemed.header("authorization"), None);
}

#[test]
fn a_secret_without_a_named_method_goes_the_way_the_server_lists_first() {
    needs!(Server);

    let redeemed = journey("cli-basic", "");

    assert_eq!(basic(&redeemed).as_deref(), Some("cli-basic:basic-secret"));
}

#[test]
fn an_answer_posted_as_a_form_is_taken() {
    needs!(Server);
    journey("cli-public", "response_mode = \"form_post\"");
}

#[test]
fn id_tokens_signed_with_es256_ps256_and_eddsa_are_verified() {
    needs!(Server);
    for (client_id, algorithm) in
        [("cli-idtoken-es256", "ES256"), ("cli-idtoken-ps256", "PS256"), ("cli-idtoken-eddsa", "EdDSA")]
    {
        journey(client_id, &format!("id_token_signed_response_alg = \"{algorithm}\""));
    }
}

#[test]
fn an_id_token_signed_with_hs256_is_verified_where_the_entry_says_so() {
    needs!(Server);
    journey("cli-idtoken-hs256", "id_token_signed_response_alg = \"HS256\"\nclient_auth = \"client_secret_basic\"");
}

#[test]
fn an_id_token_with_another_algorithm_than_the_entry_says_is_refused() {
    needs!(Server);
    let server = TestServer::start();
    let mut keyfob = Keyfob::new(&Storage::File);
    keyfob.person(Answer::Allow);
    keyfob.provider("test", &server, "cli-idtoken-es256", "id_token_signed_response_alg = \"PS256\"");

    let login = keyfob.run(&["login", "test", "--json", "--grant", "authorization_code"]).expect(11);

    assert_eq!(login.error()["error"], "security");
    assert_eq!(keyfob.sessions(), [] as [&str; 0]);
}

#[test]
fn userinfo_signed_as_a_jwt_names_the_account() {
    needs!(Server);
    journey(
        "cli-userinfo-signed",
        "userinfo = { format = \"jwt\" }\nuserinfo_signed_response_alg = \"RS256\"\naccount = \"username\"",
    );
}

#[test]
fn a_refresh_token_that_stays_the_same_is_kept() {
    needs!(Server);
    let server = TestServer::start();
    let keyfob = Keyfob::with_client(&Storage::File, &server, "cli-static-refresh");
    keyfob.login("test");

    for _ in 0..3 {
        keyfob.run(&["refresh", "test"]).expect(0);
    }

    let sent: Vec<_> = server.grants("refresh_token");
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|request| request.parameter("refresh_token") == sent[0].parameter("refresh_token")));
}

#[test]
fn a_session_without_a_refresh_token_is_used_but_not_renewed() {
    needs!(Server);
    let server = TestServer::start();
    let keyfob = Keyfob::with_client(&Storage::File, &server, "cli-norefresh");
    keyfob.login("test");

    keyfob.token("test");
    keyfob.run(&["refresh", "test"]).expect(4);

    assert_eq!(keyfob.status("test")["refreshable"], false);
    assert_eq!(server.grants("refresh_token").len(), 0);
}
