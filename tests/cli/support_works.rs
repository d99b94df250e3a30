//! The server and the user agent of these tests, tried with a client made by hand.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use crate::support::{Answer, Gate, Key, Redirect, Server, base64url, fetch, sha256};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const REDIRECT: &str = "http://127.0.0.1:9/callback";

fn authorization(server: &Server, more: &[(&str, &str)]) -> String {
    let mut url = Url::parse(&format!("{}/authorize", server.url())).expect("an address");
    let challenge = base64url(&sha256(VERIFIER.as_bytes()));
    url.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", "public"),
        ("redirect_uri", REDIRECT),
        ("scope", "openid email"),
        ("state", "0123456789012345678901"),
        ("nonce", "abcdefghijklmnopqrstuv"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    url.query_pairs_mut().extend_pairs(more);
    url.into()
}

fn post(server: &Server, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
    let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let mut stream = TcpStream::connect(server.address()).expect("the server accepts");
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("the server reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the server answers");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

fn redeem(server: &Server, code: &str, verifier: &str) -> (u16, Value) {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("client_id", "public"),
        ("code_verifier", verifier),
    ];
    post(server, "/token", &form)
}

fn refresh(server: &Server, token: &str) -> (u16, Value) {
    post(server, "/token", &[("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", "public")])
}

#[test]
fn a_client_without_fault_gets_tokens_renews_them_and_breaks_no_rule() {
    let server = Server::start();
    let code = server.allow(&authorization(&server, &[])).parameter("code");

    let (status, tokens) = redeem(&server, &code, VERIFIER);
    let (renewed, more) = refresh(&server, tokens["refresh_token"].as_str().expect("a refresh token"));

    assert_eq!((status, renewed), (200, 200));
    assert_eq!((&tokens["token_type"], &tokens["scope"]), (&json!("Bearer"), &json!("openid email")));
    assert_eq!(tokens["id_token"].as_str().expect("an ID token").split('.').count(), 3);
    assert_ne!(tokens["refresh_token"], more["refresh_token"]);
    assert!(server.secrets().contains(tokens["access_token"].as_str().expect("an access token")));
    assert_eq!(server.grants("refresh_token").len(), 1);
    assert_eq!(server.violations(), [] as [&str; 0]);
}

#[test]
fn a_code_is_good_for_one_redemption_with_its_verifier() {
    let server = Server::start();
    let code = server.allow(&authorization(&server, &[])).parameter("code");

    let wrong = redeem(&server, &code, &VERIFIER.replace('d', "e"));
    let again = redeem(&server, &code, VERIFIER);

    assert_eq!((wrong.0, again.0), (400, 400));
    assert_eq!(server.violations().len(), 2);
}

#[test]
fn a_refresh_token_used_twice_ends_the_family() {
    let server = Server::start();
    let (_, tokens) = redeem(&server, &server.allow(&authorization(&server, &[])).parameter("code"), VERIFIER);
    let old = tokens["refresh_token"].as_str().expect("a refresh token");
    let (_, renewed) = refresh(&server, old);

    let reused = refresh(&server, old);
    let new = refresh(&server, renewed["refresh_token"].as_str().expect("a refresh token"));

    assert_eq!((reused.0, new.0), (400, 400));
    assert_eq!(server.violations().len(), 1);
}

#[test]
fn a_parameter_sent_twice_and_a_secret_of_a_public_client_are_noted() {
    let server = Server::start();
    server.allow(&authorization(&server, &[("state", "0123456789012345678901")]));
    assert_eq!(server.violations(), ["`state` twice at /authorize"]);

    let (status, error) = post(&server, "/revoke", &[("token", "x"), ("client_id", "public"), ("client_secret", "y")]);

    assert_eq!((status, &error["error"]), (401, &json!("invalid_client")));
    assert_eq!(server.violations().len(), 1);
}

#[test]
fn a_rule_applies_as_often_as_it_says_and_then_the_server_is_strict_again() {
    let server = Server::start();
    server.once("/jwks", Answer::error(503, "busy"));
    server.after("/jwks", 1, |_, answer| Answer::json(200, &json!({ "count": answer.value()["keys"] })));
    let authority = server.address().to_string();

    let pages = [(); 3].map(|()| fetch(&authority, "GET", "/jwks", &[]));

    assert_eq!(pages.each_ref().map(|page| page.status), [503, 200, 200]);
    assert!(pages[1].body.starts_with("{\"count\":[{") && pages[2].body.starts_with("{\"keys\":[{"), "{pages:#?}");
}

#[test]
fn answers_can_be_cut_dropped_trickled_and_held_back() {
    let server = Server::start();
    let gate = Gate::default();
    server.once("/jwks", Answer::new(200, "text/plain", "1234").cut(3));
    server.once("/jwks", Answer::new(200, "text/plain", "1234").trickled(2, Duration::from_millis(1)));
    server.once("/jwks", Answer::raw("HTTP/1.1 299 Odd\r\n\r\nraw"));
    server.once("/jwks", Answer::new(200, "text/plain", "held").behind(&gate));
    let authority = server.address().to_string();
    let get = || fetch(&authority, "GET", "/jwks", &[]);

    let (cut, trickled, raw) = (get(), get(), get());
    let held = thread::spawn({
        let authority = authority.clone();
        move || fetch(&authority, "GET", "/jwks", &[])
    });
    gate.open();

    assert_eq!((cut.header("content-length"), &*cut.body), (Some("7"), "1234"));
    assert_eq!((&*trickled.body, raw.status, &*raw.body), ("1234", 299, "raw"));
    assert_eq!(held.join().expect("an answer").body, "held");
}

#[test]
fn the_user_agent_follows_the_redirect_to_the_page() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let listening = thread::spawn(move || {
        for answer in ["HTTP/1.1 303 See Other\r\nLocation: /done\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n\r\nfine"] {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut head = [0; 1024];
            let count = stream.read(&mut head).expect("a request");
            assert!(head[..count].starts_with(b"GET /"));
            stream.write_all(answer.as_bytes()).expect("an answer");
        }
    });

    let page = Redirect(Url::parse(&format!("http://{address}/callback?code=x")).expect("an address")).get();

    listening.join().expect("no panic");
    assert_eq!((page.status, page.header("a"), &*page.body), (200, Some("b"), "fine"));
    assert_eq!(page.url, format!("http://{address}/done"));
}

#[test]
fn tokens_are_signed_as_their_header_says() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    let key = Key::new("k");
    let token = key.sign(&json!({ "sub": "x" }));
    let (message, signature) = token.rsplit_once('.').expect("three parts");
    let coordinate = |name: &str| BASE64.decode(key.jwk()[name].as_str().expect("text")).expect("base64url");

    let point = [&[4][..], &coordinate("x"), &coordinate("y")].concat();
    let signature = BASE64.decode(signature).expect("base64url");
    let verified = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message.as_bytes(), &signature);
    assert!(verified.is_ok());
}
