use serde_json::{Value, json};

use super::super::Error as ProtocolError;
use super::{Answer, Error, Form, Introspection, Rules, read, request};
use crate::protocol::jose::Algorithm;
use crate::protocol::jose::testing::{SigningKey, verified_as};
use crate::protocol::revocation::TokenTypeHint;
use crate::system::http::Response;

const NOW: i64 = 1_514_797_892;

/// Those of the example in RFC 9701 §5.
const RULES: Rules<'static> =
    Rules { issuer: "https://as.example.com/", client_id: "https://rs.example.com/resource", tolerance: 60, now: NOW };

fn answer(status: u16, content_type: &str, body: &str) -> Response {
    http::Response::builder().status(status).header("content-type", content_type).body(body.into()).unwrap()
}

fn plain(body: &Value) -> Result<Introspection, ProtocolError> {
    match read(&answer(200, "application/json", &body.to_string()), Form::Json, NOW)? {
        Answer::Plain(told) => Ok(told),
        Answer::Signed(_) => panic!("taken for a signed answer"),
    }
}

/// The claims of RFC 9701 §5.
fn signed_claims() -> Value {
    json!({
        "iss": "https://as.example.com/", "aud": "https://rs.example.com/resource", "iat": NOW,
        "token_introspection": {
            "active": true, "iss": "https://as.example.com/", "aud": "https://rs.example.com/resource",
            "iat": 1_514_797_822, "exp": 1_514_797_942, "client_id": "paiB2goo0a", "scope": "read write dolphin",
            "sub": "Z5O3upPC88QrAjx00dis"
        }
    })
}

#[test]
fn the_request_of_the_specification_is_made() {
    let url = url::Url::parse("https://server.example.com/introspect").unwrap();

    let plain = request(url.clone(), &"mF_9.B5f-4.1JqM".into(), TokenTypeHint::AccessToken, Form::Json);
    let signed = request(url, &"mF_9.B5f-4.1JqM".into(), TokenTypeHint::AccessToken, Form::Signed);

    assert_eq!(plain.parameters.encoded(), "token=mF_9.B5f-4.1JqM&token_type_hint=access_token");
    let accepts = |request: super::EndpointRequest| request.into_http().unwrap().headers()["accept"].clone();
    assert_eq!(accepts(plain), "application/json");
    assert_eq!(accepts(signed), "application/token-introspection+jwt");
}

#[test]
fn the_answer_of_the_specification_is_read() {
    // RFC 7662 §2.2.
    let told = plain(&json!({
        "active": true, "client_id": "l238j323ds-23ij4", "username": "jdoe", "scope": "read write dolphin",
        "sub": "Z5O3upPC88QrAjx00dis", "aud": "https://protected.example.net/resource",
        "iss": "https://server.example.com/", "exp": 1_419_356_238, "iat": 1_419_350_238, "extension_field": "twenty-seven"
    }));

    let expected = Introspection {
        active: true,
        scope: Some("read write dolphin".into()),
        client_id: Some("l238j323ds-23ij4".into()),
        username: Some("jdoe".into()),
        token_type: None,
        expires_at: Some(1_419_356_238),
        issued_at: Some(1_419_350_238),
        subject: Some("Z5O3upPC88QrAjx00dis".into()),
        audience: vec!["https://protected.example.net/resource".into()],
        issuer: Some("https://server.example.com/".into()),
    };
    assert_eq!(told.unwrap(), expected);
}

#[test]
fn of_an_inactive_token_nothing_else_is_believed() {
    assert_eq!(plain(&json!({ "active": false, "scope": "admin", "exp": "x" })).unwrap(), Introspection::default());
}

#[test]
fn what_is_no_answer_is_none() {
    for body in [json!({}), json!({ "active": "true" }), json!({ "active": 1 }), json!({ "active": null })] {
        assert!(matches!(plain(&body), Err(ProtocolError::Field { field, .. }) if field == "active"), "{body}");
    }
    for (name, value) in [("scope", json!(1)), ("exp", json!("soon")), ("aud", json!([1])), ("aud", json!({}))] {
        let body = json!({ "active": true, name: value });
        assert!(matches!(plain(&body), Err(ProtocolError::Field { field, .. }) if field == name), "{body}");
    }
}

#[test]
fn errors_are_told_apart() {
    let read = |status, body| read(&answer(status, "application/json", body), Form::Json, NOW).unwrap_err();

    assert!(
        matches!(read(401, r#"{"error":"invalid_client"}"#), ProtocolError::Server(told) if told.error == "invalid_client")
    );
    assert!(matches!(read(403, ""), ProtocolError::Status { status: 403, .. }));
    assert!(matches!(read(503, ""), ProtocolError::Unavailable { .. }));
    assert!(matches!(read(302, ""), ProtocolError::Redirected { .. }));
    assert!(matches!(read(200, "active"), ProtocolError::Json { .. }));
}

#[test]
fn a_plain_answer_is_refused_where_a_signed_one_is_configured() {
    let response = answer(200, "application/json", r#"{"active":true}"#);

    let error = read(&response, Form::Signed, NOW).unwrap_err();

    assert!(matches!(error, ProtocolError::Introspection(Error::NotSigned)), "{error}");
}

#[test]
fn a_signed_answer_is_for_the_caller_to_verify() {
    let token = SigningKey::of(Algorithm::ES256).token(Algorithm::ES256, &signed_claims());
    let signed = |body: &str| read(&answer(200, "application/token-introspection+jwt", body), Form::Json, NOW);

    assert!(matches!(signed(&token), Ok(Answer::Signed(_))));
    assert!(matches!(signed("a.b"), Err(ProtocolError::Introspection(Error::Token(_)))));
}

#[test]
fn the_signed_answer_of_the_specification_is_accepted() {
    let told = RULES.accept(verified_as(Algorithm::RS256, Some("token-introspection+jwt"), &signed_claims())).unwrap();

    assert!(told.active);
    assert_eq!(told.scope.as_deref(), Some("read write dolphin"));
    assert_eq!(told.expires_at, Some(1_514_797_942));
}

#[test]
fn an_access_token_that_comes_back_is_no_signed_answer() {
    for typ in [None, Some("JWT"), Some("at+jwt")] {
        let error = RULES.accept(verified_as(Algorithm::RS256, typ, &signed_claims())).unwrap_err();

        let expected = Error::Kind { found: typ.map(str::to_owned) };
        assert!(matches!(&error, ProtocolError::Introspection(found) if *found == expected), "{error}");
    }
}

#[test]
fn a_signed_answer_of_or_for_somebody_else_is_refused() {
    let refused = |name: &str, value: Value| {
        let mut claims = signed_claims();
        claims[name] = value;
        match RULES.accept(verified_as(Algorithm::RS256, Some("token-introspection+jwt"), &claims)) {
            Err(ProtocolError::Introspection(error)) => error,
            other => panic!("{other:?}"),
        }
    };

    assert!(matches!(refused("iss", json!("https://evil.example/")), Error::Issuer { .. }));
    assert!(matches!(refused("iss", Value::Null), Error::Issuer { .. }));
    assert!(matches!(refused("aud", json!(["other"])), Error::Audience { .. }));
    assert!(matches!(refused("aud", Value::Null), Error::Audience { .. }));
    assert!(matches!(refused("iat", json!(NOW + 61)), Error::Future { .. }));
}

#[test]
fn a_signed_answer_must_carry_the_introspection_itself() {
    let mut claims = signed_claims();
    claims["token_introspection"] = json!("active");

    let error = RULES.accept(verified_as(Algorithm::RS256, Some("token-introspection+jwt"), &claims)).unwrap_err();

    assert!(matches!(error, ProtocolError::Field { field, .. } if field == "token_introspection"));
}
