//! The server against a client written by hand, as the specifications have it.

mod authorize;
mod token;
mod wire;

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::http::{Request, Response};
use super::server::Server;

/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

const REDIRECT: &str = "http://127.0.0.1:49152/callback";
const NOW: i64 = 1_800_000_000;

/// A right authorization request.
const ASK: &[(&str, &str)] = &[
    ("client_id", "keyfob-demo"),
    ("redirect_uri", REDIRECT),
    ("response_type", "code"),
    ("code_challenge", CHALLENGE),
    ("code_challenge_method", "S256"),
    ("scope", "openid profile email offline_access"),
    ("state", "af0ifjsldkj"),
    ("nonce", "n-0S6_WzA2Mj"),
];

/// A right token request, but for the code.
const REDEEM: &[(&str, &str)] = &[
    ("grant_type", "authorization_code"),
    ("client_id", "keyfob-demo"),
    ("redirect_uri", REDIRECT),
    ("code_verifier", VERIFIER),
];

fn server() -> Server {
    Server::new("127.0.0.1:8080".parse().unwrap()).unwrap()
}

/// `pairs` with one value replaced, or left out where the new one is empty, or added.
fn with<'a>(pairs: &[(&'a str, &'a str)], name: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut changed: Vec<_> = pairs.iter().copied().filter(|(key, _)| *key != name).collect();
    if !value.is_empty() {
        changed.push((name, value));
    }
    changed
}

fn encode(pairs: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn request(method: &str, path: &str, fields: &[(&str, &str)], body: &str) -> Request {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let mut fields: Vec<_> = fields.iter().map(own).collect();
    fields.push(own(&("host", "127.0.0.1:8080")));
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query.to_owned())));
    Request { method: method.to_owned(), path: path.to_owned(), query, fields, body: body.into() }
}

fn ask(server: &Server, pairs: &[(&str, &str)]) -> Response {
    server.answer(&request("GET", &format!("/authorize?{}", encode(pairs)), &[], ""), NOW)
}

fn post(server: &Server, path: &str, pairs: &[(&str, &str)], now: i64) -> Response {
    let form = ("content-type", "application/x-www-form-urlencoded");
    server.answer(&request("POST", path, &[form], &encode(pairs)), now)
}

fn bearer(server: &Server, path: &str, token: &str, now: i64) -> Response {
    server.answer(&request("GET", path, &[("authorization", &format!("Bearer {token}"))], ""), now)
}

fn field<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.fields.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
}

fn document(response: &Response) -> Value {
    serde_json::from_str(&response.body).unwrap()
}

/// The status and error code of an answer in JSON.
fn error(response: &Response) -> (u16, String) {
    (response.status, document(response)["error"].as_str().unwrap().to_owned())
}

/// Where a redirect leads, and with what.
fn redirected(response: &Response) -> (String, BTreeMap<String, String>) {
    assert_eq!(response.status, 303, "{response:?}");
    let (uri, query) = field(response, "Location").unwrap().split_once('?').unwrap();
    (uri.to_owned(), url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
}

fn transaction(page: &Response) -> String {
    assert_eq!(page.status, 200, "{page:?}");
    page.body.split("name=\"transaction\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

/// The code for a request with `pairs`, allowed.
fn code(server: &Server, pairs: &[(&str, &str)]) -> String {
    let transaction = transaction(&ask(server, pairs));
    let answer = post(server, "/consent", &[("transaction", &transaction), ("decision", "allow")], NOW);
    redirected(&answer).1["code"].clone()
}

/// The token endpoint's answer to a login with `pairs`.
fn login(server: &Server, pairs: &[(&str, &str)]) -> Value {
    let answer = post(server, "/token", &with(REDEEM, "code", &code(server, pairs)), NOW);
    assert_eq!(answer.status, 200, "{answer:?}");
    document(&answer)
}

fn refresh(server: &Server, token: &str) -> Response {
    let form = [("grant_type", "refresh_token"), ("client_id", "keyfob-demo"), ("refresh_token", token)];
    post(server, "/token", &form, NOW)
}

/// Header and claims of an ID token whose signature is right under the only key of `jwks`.
fn verified(token: &str, jwks: &Value) -> (Value, Value) {
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let (input, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = input.split_once('.').unwrap();
    let coordinate = |name: &str| decode(jwks["keys"][0][name].as_str().unwrap());
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(input.as_bytes(), &decode(signature)).unwrap();
    let json = |text: &str| serde_json::from_slice(&decode(text)).unwrap();
    (json(header), json(claims))
}
