use serde_json::{Value, json};
use url::Url;

use super::{ClientInformation, ClientMetadata, Error, Management, Response, read_deletion};

const REDIRECT: &str = "http://127.0.0.1:28400/callback";

fn asked() -> ClientMetadata {
    ClientMetadata {
        client_name: "keyfob".into(),
        redirect_uris: vec![REDIRECT.into()],
        grant_types: vec!["authorization_code".into(), "refresh_token".into()],
        token_endpoint_auth_method: "none".into(),
        token_endpoint_auth_signing_alg: None,
        key: None,
        software_statement: None,
    }
}

fn endpoint() -> Url {
    Url::parse("https://server.example.com/register").unwrap()
}

fn answer(status: u16, body: &Value) -> Response {
    http::Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(body.to_string().into_bytes())
        .unwrap()
}

fn read(body: &Value) -> Result<ClientInformation, Error> {
    asked().read(&endpoint(), &answer(201, body), 1_000)
}

#[test]
fn a_request_describes_a_native_client_without_a_secret() {
    let request = asked().request(&endpoint(), Some(&"iat".into())).unwrap();

    let body: Value = serde_json::from_slice(request.body()).unwrap();
    assert_eq!(
        body,
        json!({
            "client_name": "keyfob", "application_type": "native", "redirect_uris": [REDIRECT],
            "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
            "token_endpoint_auth_method": "none"
        })
    );
    assert_eq!(request.headers()["authorization"], "Bearer iat");
    assert_eq!(request.headers()["content-type"], "application/json");
}

#[test]
fn a_client_without_a_browser_has_neither_redirect_uri_nor_response_type() {
    let metadata = ClientMetadata { redirect_uris: Vec::new(), software_statement: Some("j.w.t".into()), ..asked() };

    let body: Value = serde_json::from_slice(metadata.request(&endpoint(), None).unwrap().body()).unwrap();

    assert_eq!((&body["redirect_uris"], &body["response_types"]), (&Value::Null, &json!([])));
    assert_eq!(body["software_statement"], "j.w.t");
}

#[test]
fn a_client_with_a_key_registers_it_and_needs_no_secret() {
    let metadata = ClientMetadata {
        token_endpoint_auth_method: "private_key_jwt".into(),
        token_endpoint_auth_signing_alg: Some("ES256".into()),
        key: Some(json!({ "kty": "EC" })),
        ..asked()
    };

    let body: Value = serde_json::from_slice(metadata.request(&endpoint(), None).unwrap().body()).unwrap();
    let registered = answer(201, &json!({ "client_id": "a", "client_secret": "s" }));
    let information = metadata.read(&endpoint(), &registered, 0).unwrap();

    assert_eq!(body["jwks"], json!({ "keys": [{ "kty": "EC" }] }));
    assert_eq!(body["token_endpoint_auth_signing_alg"], "ES256");
    assert_eq!((information.client_secret, information.token_endpoint_auth_method.as_str()), (None, "private_key_jwt"));
}

/// The answer of RFC 7591 §3.2.1 and RFC 7592 §3, with our redirect URI.
#[test]
fn what_the_server_says_overrides_what_was_asked_for() {
    let information = read(&json!({
        "client_id": "s6BhdRkqt3",
        "client_secret": "cf136dc3c1fc93f31185e5885805d",
        "client_id_issued_at": 2893256800_i64,
        "client_secret_expires_at": 2893276800_i64,
        "redirect_uris": [REDIRECT],
        "grant_types": ["authorization_code", "refresh_token"],
        "client_name": "My Example Client",
        "token_endpoint_auth_method": "client_secret_basic",
        "registration_access_token": "reg-23410913-abewfq.123483",
        "registration_client_uri": "https://server.example.com/register/s6BhdRkqt3",
        "example_extension_parameter": "example_value"
    }))
    .unwrap();

    assert_eq!(
        information,
        ClientInformation {
            client_id: "s6BhdRkqt3".into(),
            client_secret: Some("cf136dc3c1fc93f31185e5885805d".into()),
            client_secret_expires_at: Some(2_893_276_800),
            token_endpoint_auth_method: "client_secret_basic".into(),
            management: Some(Management {
                uri: Url::parse("https://server.example.com/register/s6BhdRkqt3").unwrap(),
                token: "reg-23410913-abewfq.123483".into(),
            }),
        }
    );
}

#[test]
fn a_secret_that_no_method_sends_is_not_kept() {
    let information =
        read(&json!({ "client_id": "a", "client_secret": "s", "token_endpoint_auth_method": "none" })).unwrap();

    assert_eq!((information.client_secret, information.token_endpoint_auth_method.as_str()), (None, "none"));
}

#[test]
fn a_secret_without_a_method_is_for_basic() {
    let information = read(&json!({ "client_id": "a", "client_secret": "s" })).unwrap();

    assert_eq!(information.token_endpoint_auth_method, "client_secret_basic");
}

#[test]
fn an_empty_text_is_none_and_a_time_may_be_written_with_a_fraction() {
    let empty = json!({
        "client_id": "a",
        "client_secret": "",
        "token_endpoint_auth_method": "none",
        "registration_client_uri": "",
        "registration_access_token": "",
    });
    let information = read(&empty).unwrap();
    let ends = json!({ "client_id": "a", "client_secret": "s", "client_secret_expires_at": 2_893_276_800.0 });

    assert_eq!((information.client_secret, information.management), (None, None));
    assert_eq!(read(&ends).unwrap().client_secret_expires_at, Some(2_893_276_800));
}

#[test]
fn malformed_answers_are_refused() {
    for (body, wrong) in [
        (json!({}), "client_id"),
        (json!({ "client_id": "" }), "client_id"),
        (json!({ "client_id": 1 }), "client_id"),
        (json!({ "client_id": "a\nb" }), "client_id"),
        (json!({ "client_id": "a\u{202e}b" }), "client_id"),
        (json!({ "client_id": "a".repeat(9000) }), "client_id"),
        (json!({ "client_id": "a", "client_secret": "s".repeat(9000) }), "client_secret"),
        (json!({ "client_id": "a", "token_endpoint_auth_method": "client_secret_post" }), "client_secret"),
        (json!({ "client_id": "a", "token_endpoint_auth_method": "private_key_jwt" }), "token_endpoint_auth_method"),
        (json!({ "client_id": "a", "grant_types": ["implicit"] }), "grant_types"),
        (json!({ "client_id": "a", "response_types": ["token"] }), "response_types"),
        (
            json!({ "client_id": "a", "client_secret": "s", "client_secret_expires_at": 999 }),
            "client_secret_expires_at",
        ),
        (
            json!({ "client_id": "a", "client_secret": "s", "client_secret_expires_at": "x" }),
            "client_secret_expires_at",
        ),
    ] {
        assert!(matches!(read(&body), Err(Error::Field { field, .. }) if field == wrong), "{body}");
    }
}

#[test]
fn another_client_than_was_asked_for_is_refused() {
    for body in [
        json!({ "client_id": "a", "redirect_uris": ["https://evil.example/"] }),
        json!({ "client_id": "a", "redirect_uris": [REDIRECT, "https://evil.example/"] }),
        json!({ "client_id": "a", "redirect_uris": [] }),
        json!({ "client_id": "a", "registration_access_token": "t", "registration_client_uri": "https://evil.example/a" }),
    ] {
        assert!(matches!(read(&body), Err(Error::Registered(_))), "{body}");
    }
}

#[test]
fn a_status_that_is_no_success_is_a_refusal_or_malformed() {
    let told = json!({ "error": "invalid_redirect_uri" });
    let read = |status: u16, body: &Value| asked().read(&endpoint(), &answer(status, body), 0);

    assert!(matches!(read(400, &told), Err(Error::Server(error)) if error.error == "invalid_redirect_uri"));
    assert!(matches!(read(401, &json!({})), Err(Error::Server(error)) if error.error == "401"));
    assert!(matches!(read(202, &json!({ "client_id": "a" })), Err(Error::Status { status: 202, .. })));
    assert!(matches!(read(307, &json!({ "client_id": "a" })), Err(Error::Redirected { .. })));
    assert!(matches!(read(503, &json!({})), Err(Error::Unavailable { .. })));
    assert!(read(200, &json!({ "client_id": "a" })).is_ok());
}

#[test]
fn a_deletion_succeeds_with_any_success() {
    assert!(read_deletion(&answer(204, &Value::Null), 0).is_ok());
    assert!(matches!(read_deletion(&answer(401, &json!({})), 0), Err(Error::Server(_))));
    assert!(matches!(read_deletion(&answer(405, &json!({})), 0), Err(Error::Status { status: 405, .. })));
}

/// A client with a secret that ends, as it was registered.
fn registered() -> ClientInformation {
    read(&json!({
        "client_id": "s6BhdRkqt3", "client_secret": "first", "client_secret_expires_at": 2_893_276_800_i64,
        "token_endpoint_auth_method": "client_secret_basic",
        "registration_access_token": "reg-1", "registration_client_uri": "https://server.example.com/register/s6BhdRkqt3"
    }))
    .unwrap()
}

#[test]
fn a_look_up_replaces_secret_and_management_and_what_it_leaves_out_stays() {
    let looked_up = |body: Value| registered().looked_up(&answer(200, &body)).unwrap();
    let management = |token: &str, path: &str| {
        let uri = Url::parse("https://server.example.com").unwrap().join(path).unwrap();
        Some(Management { uri, token: token.into() })
    };

    let all = looked_up(json!({
        "client_id": "s6BhdRkqt3", "client_secret": "second", "client_secret_expires_at": 2_993_276_800_i64,
        "registration_access_token": "reg-2", "registration_client_uri": "https://server.example.com/moved"
    }));
    let same_secret = looked_up(json!({ "client_secret": "first", "registration_access_token": "reg-2" }));
    let endless = looked_up(json!({ "client_secret": "second" }));
    let later = looked_up(json!({ "client_secret_expires_at": 0 }));

    assert_eq!(
        all,
        ClientInformation {
            client_secret: Some("second".into()),
            client_secret_expires_at: Some(2_993_276_800),
            management: management("reg-2", "moved"),
            ..registered()
        }
    );
    let rotated = ClientInformation { management: management("reg-2", "register/s6BhdRkqt3"), ..registered() };
    assert_eq!(same_secret, rotated);
    assert_eq!((endless.client_secret, endless.client_secret_expires_at), (Some("second".into()), None));
    assert_eq!(later, ClientInformation { client_secret_expires_at: None, ..registered() });
    assert_eq!(looked_up(json!({})), registered());
}

#[test]
fn a_look_up_gives_no_secret_to_a_client_that_shows_none() {
    let public = read(&json!({ "client_id": "a", "token_endpoint_auth_method": "none" })).unwrap();

    let looked_up = public.looked_up(&answer(200, &json!({ "client_secret": "s", "client_secret_expires_at": 5 })));

    assert_eq!(looked_up.unwrap(), public);
}

#[test]
fn a_look_up_of_another_client_or_at_another_server_is_refused() {
    for body in [
        json!({ "client_id": "other", "client_secret": "second" }),
        json!({ "client_secret": "second", "registration_client_uri": "https://evil.example/register/s6BhdRkqt3" }),
    ] {
        assert!(matches!(registered().looked_up(&answer(200, &body)), Err(Error::Registered(_))), "{body}");
    }
    let malformed = registered().looked_up(&answer(200, &json!({ "client_secret": 1 })));
    assert!(matches!(malformed, Err(Error::Field { field, .. }) if field == "client_secret"));
}
