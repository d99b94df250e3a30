use serde_json::{Map, Value, json};

use super::{Answer, Error, Form, Rules, Subject, parse};
use crate::protocol::jose;
use crate::protocol::jose::Algorithm;
use crate::protocol::jose::testing::{SigningKey, verified, verified_as};
use crate::protocol::json::Fault;
use crate::system::http::Response;

const NOW: i64 = 1_700_000_000;

const RULES: Rules<'static> = Rules {
    subject: Subject::Of("alice"),
    form: Form::Json,
    issuer: Some("https://a.example"),
    client_id: "client",
    tolerance: 60,
    now: NOW,
};

fn response(status: u16, content_type: &str, body: &str) -> Response {
    let mut builder = http::Response::builder().status(status);
    if !content_type.is_empty() {
        builder = builder.header("content-type", content_type);
    }
    builder.body(body.as_bytes().to_vec()).unwrap()
}

fn claims(response: &Response, rules: &Rules<'_>) -> Result<Map<String, Value>, Error> {
    match parse(response, rules)? {
        Answer::Claims(members) => Ok(members),
        Answer::Signed(_) => panic!("taken for a signed answer"),
    }
}

#[test]
fn claims_in_json_are_read() {
    let body = r#"{"sub":"alice","name":"Alice"}"#;
    for content_type in
        ["application/json", "Application/JSON; charset=utf-8", "application/scim+json", "text/plain", "text/html", ""]
    {
        let found = claims(&response(200, content_type, body), &RULES).unwrap();

        assert_eq!(Value::Object(found), json!({"sub": "alice", "name": "Alice"}), "{content_type}");
    }
}

#[test]
fn an_answer_about_another_person_is_refused() {
    for other in ["bob", "Alice", "alice ", "alic"] {
        let body = json!({ "sub": other }).to_string();
        let expected = Error::Subject { expected: "alice".to_owned(), found: other.to_owned() };

        assert_eq!(claims(&response(200, "application/json", &body), &RULES).unwrap_err(), expected);
        assert_eq!(RULES.accept(verified(Algorithm::HS256, &json!({ "sub": other }))).unwrap_err(), expected);
    }
}

#[test]
fn openid_connect_needs_a_subject_and_oauth_does_not() {
    let outcome = |body: &str, subject| {
        claims(&response(200, "application/json", body), &Rules { subject, ..RULES }).map(|members| members.len())
    };

    for subject in [Subject::Of("alice"), Subject::Named] {
        assert_eq!(outcome("{}", subject), Err(Error::NoSubject));
        assert_eq!(outcome(r#"{"sub":""}"#, subject), Err(Error::NoSubject));
        assert_eq!(outcome(r#"{"sub":["alice"]}"#, subject), Err(Error::Malformed("sub")));
    }
    assert_eq!(outcome(r#"{"sub":"bob"}"#, Subject::Named), Ok(1));
    assert_eq!(outcome(r#"{"id":7}"#, Subject::Unspecified), Ok(1));
}

#[test]
fn a_status_other_than_200_is_refused_with_the_servers_error() {
    let status = |status, error: Option<&str>| Error::Status { status, error: error.map(str::to_owned) };
    let mut challenge = response(401, "text/html", "<html>");
    let value = "Bearer realm=\"x\", error=\"invalid_token\", error_description=\"expired\"";
    challenge.headers_mut().insert("www-authenticate", value.parse().unwrap());

    assert_eq!(parse(&challenge, &RULES).unwrap_err(), status(401, Some("invalid_token")));
    let body = r#"{"error":"insufficient_scope"}"#;
    let answer = response(403, "application/json", body);
    assert_eq!(parse(&answer, &RULES).unwrap_err(), status(403, Some("insufficient_scope")));
    for code in [201, 204, 302, 404, 500] {
        let answer = response(code, "application/json", r#"{"sub":"alice"}"#);
        assert_eq!(parse(&answer, &RULES).unwrap_err(), status(code, None), "{code}");
    }
    assert_eq!(
        status(401, Some("invalid_token")).to_string(),
        "the userinfo endpoint answered with status 401 and the error `invalid_token`"
    );
}

#[test]
fn an_error_reported_with_success_is_an_error() {
    let rules = Rules { subject: Subject::Unspecified, ..RULES };
    let outcome = |body: &str| claims(&response(200, "application/json", body), &rules).map(|_| ());

    assert_eq!(outcome(r#"{"ok":false,"error":"invalid_auth"}"#), Err(Error::Reported("invalid_auth".to_owned())));
    assert_eq!(outcome(r#"{"data":{"id":1},"error":{"code":"ok"}}"#), Ok(()));
    assert_eq!(outcome(r#"{"id":1,"error":""}"#), Ok(()));
    assert_eq!(outcome(r#"{"id":1,"error":null}"#), Ok(()));
}

#[test]
fn a_page_is_named_as_what_it_is() {
    let not_json = |content_type: Option<&str>| Error::NotJson { content_type: content_type.map(str::to_owned) };

    let page = response(200, "text/html; charset=utf-8", "<html>Sign in</html>");
    assert_eq!(parse(&page, &RULES).unwrap_err(), not_json(Some("text/html")));
    assert_eq!(parse(&response(200, "", ""), &RULES).unwrap_err(), not_json(None));
    assert_eq!(not_json(None).to_string(), "the userinfo answer is not JSON but of no declared type");
}

#[test]
fn json_is_read_strictly() {
    for (body, fault) in [
        (r#"["alice"]"#, Fault::NotAnObject),
        (r#"{"sub":"alice","sub":"bob"}"#, Fault::DuplicateMember),
        (r#"{"sub":"alice""#, Fault::End),
        ("", Fault::End),
    ] {
        match parse(&response(200, "application/json", body), &RULES) {
            Err(Error::Json(error)) => assert_eq!(error.fault, fault, "{body}"),
            other => panic!("{body}: {other:?}"),
        }
    }
}

#[test]
fn a_signed_answer_is_taken_apart_but_not_believed() {
    let token = SigningKey::of(Algorithm::ES256).token(Algorithm::ES256, &json!({"sub": "alice"}));

    for (content_type, form) in [
        ("application/jwt", Form::Json),
        ("application/JWT; charset=utf-8", Form::Json),
        ("application/jwt", Form::Signed),
        ("text/plain", Form::Signed),
        ("", Form::Signed),
    ] {
        match parse(&response(200, content_type, &format!("{token}\n")), &Rules { form, ..RULES }) {
            Ok(Answer::Signed(jws)) => assert_eq!(jws.algorithm(), Algorithm::ES256),
            other => panic!("{content_type}: {other:?}"),
        }
    }
}

#[test]
fn a_token_whose_form_is_wrong_is_refused() {
    for (body, cause) in [
        ("a.b.c.d.e", jose::Error::Encrypted),
        ("{}", jose::Error::Segments(1)),
        ("eyJhbGciOiJub25lIn0.e30.", jose::Error::UnknownAlgorithm { found: "none".to_owned() }),
        ("é.é.é", jose::Error::Encoding("header")),
    ] {
        assert_eq!(parse(&response(200, "application/jwt", body), &RULES).unwrap_err(), Error::Token(cause), "{body}");
    }
}

#[test]
fn a_plain_answer_is_refused_where_a_signed_one_is_configured() {
    let rules = Rules { form: Form::Signed, ..RULES };

    let plain = response(200, "application/json", r#"{"sub":"alice"}"#);
    assert_eq!(parse(&plain, &rules).unwrap_err(), Error::NotSigned);
    let disguised = response(200, "text/plain", r#"{"sub":"alice"}"#);
    assert_eq!(parse(&disguised, &rules).unwrap_err(), Error::Token(jose::Error::Segments(1)));
}

/// What becomes of a signed answer with these claims beside the right `sub`.
fn accepted(changes: Value) -> Result<(), Error> {
    let mut claims = json!({"sub": "alice"});
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    RULES.accept(verified(Algorithm::HS256, &claims)).map(|found| assert_eq!(Value::Object(found), claims))
}

#[test]
fn issuer_and_audience_of_a_signed_answer_must_be_right_if_they_are_there() {
    let issuer = |found: &str| Err(Error::Issuer { expected: "https://a.example".to_owned(), found: found.to_owned() });
    let audience = |found: &str| Err(Error::Audience { expected: "client".to_owned(), found: found.to_owned() });

    assert_eq!(accepted(json!({})), Ok(()));
    assert_eq!(accepted(json!({"iss": "https://a.example", "aud": "client"})), Ok(()));
    assert_eq!(accepted(json!({"aud": ["other", "client"]})), Ok(()));
    assert_eq!(accepted(json!({"iss": "https://a.example/"})), issuer("https://a.example/"));
    assert_eq!(accepted(json!({"iss": ["https://a.example"]})), Err(Error::Malformed("iss")));
    assert_eq!(accepted(json!({"aud": "other"})), audience("other"));
    assert_eq!(accepted(json!({"aud": ["other", "another"]})), audience("other, another"));
    assert_eq!(accepted(json!({"aud": []})), audience(""));
    assert_eq!(accepted(json!({"aud": ["client", 1]})), Err(Error::Malformed("aud")));
    assert_eq!(accepted(json!({"aud": 1})), Err(Error::Malformed("aud")));
}

#[test]
fn a_signed_answer_that_has_ended_is_refused() {
    assert_eq!(accepted(json!({"exp": NOW - 59})), Ok(()));
    assert_eq!(accepted(json!({"exp": NOW - 60})), Err(Error::Expired { at: NOW - 60, now: NOW }));
    assert_eq!(accepted(json!({"exp": "never"})), Err(Error::Malformed("exp")));
}

#[test]
fn other_kinds_of_tokens_are_no_userinfo() {
    let accept = |typ: Option<&str>| {
        RULES.accept(verified_as(Algorithm::HS256, typ, &json!({"sub": "alice"}))).map(|claims| claims.len())
    };

    assert_eq!(accept(None), Ok(1));
    assert_eq!(accept(Some("JWT")), Ok(1));
    for typ in ["at+jwt", "logout+jwt"] {
        assert_eq!(accept(Some(typ)), Err(Error::Kind { found: typ.to_owned() }));
    }
}
