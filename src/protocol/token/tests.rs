use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Asked, BadAnswer, Remark, Rules, TokenResponse, TokenType};
use crate::protocol::Error;
use crate::protocol::dpop::{Downgrade, Proven};
use crate::system::http::Response;

const NOW: i64 = 1_700_000_000;

fn answer(status: u16, media_type: &str, body: impl AsRef<[u8]>) -> Response {
    let body = body.as_ref().to_vec();
    http::Response::builder().status(status).header("content-type", media_type).body(body).unwrap()
}

fn read_with(response: &Response, rules: &Rules) -> Result<TokenResponse, BadAnswer> {
    let scopes = ["a".to_owned(), "b".to_owned()];
    TokenResponse::read(response, rules, Asked { at: NOW, scopes: &scopes })
}

fn read(value: &Value) -> Result<TokenResponse, BadAnswer> {
    read_with(&answer(200, "application/json", value.to_string()), &Rules::default())
}

/// The example with `name` set to `value`, or removed by null.
fn example(name: &str, value: Value) -> Value {
    let mut members = json!({"access_token": "2YotnFZFEjr1zCsicMWpAA", "token_type": "Bearer", "expires_in": 3600});
    match value {
        Value::Null => drop(members.as_object_mut().unwrap().remove(name)),
        value => members[name] = value,
    }
    members
}

fn error(value: &Value) -> Error {
    read(value).unwrap_err().error
}

#[test]
fn an_answer_of_the_specification_is_read() {
    let tokens = read(&example("refresh_token", "tGzv3JOkF0XG5Qx2TlKWIA".into())).unwrap().tokens;

    assert_eq!(tokens.access_token.expose(), "2YotnFZFEjr1zCsicMWpAA");
    assert_eq!(tokens.refresh_token.unwrap().expose(), "tGzv3JOkF0XG5Qx2TlKWIA");
    assert_eq!((tokens.token_type, tokens.expires_at), (TokenType::Bearer, Some(NOW + 3600)));
    assert_eq!(tokens.scopes, ["a", "b"]);
}

#[test]
fn an_access_token_is_needed_and_is_text() {
    for value in [Value::Null, json!(42), json!(""), json!(["x"]), json!({"a": 1})] {
        assert!(
            matches!(error(&example("access_token", value)), Error::Field { field, .. } if field == "access_token")
        );
    }
}

#[test]
fn a_token_that_could_break_out_is_refused() {
    for bad in ["a\r\nX: y", "a\u{1b}[2J", "é", "a\u{7f}", "a\u{9b}"] {
        for name in ["access_token", "refresh_token", "id_token"] {
            assert!(
                matches!(error(&example(name, bad.into())), Error::Field { field, .. } if field == name),
                "{bad:?}"
            );
        }
    }
}

#[test]
fn a_token_type_is_compared_without_case_and_an_unknown_one_is_no_bearer() {
    assert!(read(&example("token_type", "bEaReR".into())).is_ok());
    assert!(matches!(error(&example("token_type", "mac".into())), Error::TokenType { found } if found == "mac"));
    assert!(matches!(error(&example("token_type", Value::Null)), Error::Field { field, .. } if field == "token_type"));
    assert!(matches!(error(&example("token_type", json!(1))), Error::Field { field, .. } if field == "token_type"));
}

#[test]
fn an_entry_may_say_what_a_missing_type_means() {
    let rules = Rules { token_type: Some(TokenType::Bearer), ..Rules::default() };
    for value in [Value::Null, json!("user")] {
        let response = answer(200, "application/json", example("token_type", value).to_string());
        assert!(read_with(&response, &rules).is_ok());
    }
}

#[test]
fn lifetimes_are_read_in_all_forms_and_nonsense_is_unknown() {
    for (value, expected) in [
        (Value::Null, None),
        (json!("3600"), Some(NOW + 3600)),
        (json!(3600.9), Some(NOW + 3600)),
        (json!(0), Some(NOW)),
        (json!(-5), Some(NOW)),
        (json!(1e300), None),
        (json!(u64::MAX), None),
        (json!("soon"), None),
        (json!("NaN"), None),
        (json!("inf"), None),
        (json!(true), None),
        (json!([1]), None),
    ] {
        let response = read(&example("expires_in", value.clone())).unwrap();
        assert_eq!(response.tokens.expires_at, expected, "{value}");
        let remarked = !response.remarks.is_empty();
        let odd = !value.is_null() && expected.is_none_or(|end| end == NOW);
        assert_eq!(remarked, odd, "{value}: {:?}", response.remarks);
    }
}

#[test]
fn a_granted_scope_is_text_or_a_list_and_what_is_missing_is_told() {
    for value in [json!("a"), json!(["a"])] {
        let response = read(&example("scope", value)).unwrap();
        assert_eq!(response.tokens.scopes, ["a"]);
        assert_eq!(response.remarks, [Remark::NotGranted(vec!["b".into()])]);
    }
    assert!(matches!(error(&example("scope", json!(1))), Error::Field { field, .. } if field == "scope"));
}

#[test]
fn an_error_counts_whatever_the_status() {
    for status in [200, 400, 401, 403, 404, 418] {
        let response = answer(status, "application/json", r#"{"error":"bad_verification_code"}"#);
        let BadAnswer { error, .. } = read_with(&response, &Rules::default()).unwrap_err();
        assert!(matches!(error, Error::Server(error) if error.error == "bad_verification_code"), "{status}");
    }
    let both = example("error", "invalid_grant".into());
    assert!(matches!(error(&both), Error::Server(_)));
}

#[test]
fn temporary_failures_redirects_and_pages_are_told_apart() {
    let fault = |status, media_type, body: &str| {
        read_with(&answer(status, media_type, body), &Rules::default()).unwrap_err().error
    };

    assert!(matches!(fault(502, "text/html", "<h1>x"), Error::Unavailable { status: 502, .. }));
    assert!(matches!(fault(503, "application/json", r#"{"error":"x"}"#), Error::Unavailable { .. }));
    assert!(matches!(fault(429, "application/json", "{}"), Error::Unavailable { .. }));
    assert!(matches!(fault(307, "text/html", ""), Error::Redirected { .. }));
    assert!(matches!(fault(200, "text/html", "<h1>login"), Error::NotJson { content, .. } if content == "text/html"));
    assert!(matches!(fault(200, "application/json", ""), Error::NotJson { .. } | Error::Json { .. }));
    assert!(matches!(fault(401, "text/html", "<h1>x"), Error::Status { status: 401, .. }));
    assert!(matches!(
        fault(201, "application/json", &example("x", json!(1)).to_string()),
        Error::Status { status: 201, .. }
    ));
    assert!(matches!(fault(200, "text/plain", "access_token=x&token_type=bearer"), Error::NotJson { .. }));
    assert!(matches!(fault(200, "application/json", "[]"), Error::Json { .. }));
    assert!(matches!(fault(200, "application/json", r#"{"access_token":"a","access_token":"b"}"#), Error::Json { .. }));
}

#[test]
fn forms_and_jsonp_are_read_where_the_entry_says_so() {
    let rules = Rules { any_format: true, ..Rules::default() };
    for (media_type, body) in [
        ("application/x-www-form-urlencoded", "access_token=x%2Fy&token_type=bearer&expires_in=60"),
        ("text/plain", "access_token=x%2Fy&token_type=bearer"),
        ("text/plain", r#"{"access_token":"x/y","token_type":"bearer"}"#),
        ("text/javascript", r#"callback( {"access_token":"x/y","token_type":"bearer"} );"#),
    ] {
        let tokens = read_with(&answer(200, media_type, body), &rules).unwrap().tokens;
        assert_eq!(tokens.access_token.expose(), "x/y", "{body}");
    }
    let refused = answer(200, "application/x-www-form-urlencoded", "error=bad_verification_code");
    assert!(matches!(read_with(&refused, &rules).unwrap_err().error, Error::Server(_)));
    assert!(matches!(read_with(&answer(200, "text/html", "a=b"), &rules).unwrap_err().error, Error::NotJson { .. }));
}

#[test]
fn nested_and_renamed_members_and_own_error_fields_are_the_entrys() {
    let rules = Rules {
        path: vec!["data".into()],
        names: vec![("access_token".into(), "accessToken".into())],
        error_paths: vec!["code".into()],
        token_type: Some(TokenType::Bearer),
        keep: vec!["team".into()],
        ..Rules::default()
    };
    let good = answer(200, "application/json", r#"{"code":0,"data":{"accessToken":"x","team":{"id":7}}}"#);
    let bad = answer(200, "application/json", r#"{"code":99,"msg":"no","data":{"accessToken":"x"}}"#);

    let tokens = read_with(&good, &rules).unwrap().tokens;
    assert_eq!((tokens.access_token.expose(), &tokens.kept["team"]["id"]), ("x", &json!(7)));
    let Error::Server(told) = read_with(&bad, &rules).unwrap_err().error else { panic!() };
    assert_eq!((told.error.as_str(), told.description.as_deref()), ("99", Some("no")));
}

#[test]
fn a_refresh_token_in_a_bad_answer_is_not_lost() {
    let mut value = example("token_type", "mac".into());
    value["refresh_token"] = "new".into();

    assert_eq!(read(&value).unwrap_err().refresh_token.unwrap().expose(), "new");
}

/// What comes of an answer of this type to a request that was proven.
fn proven(token_type: &str, access_token: &str, downgrade: Downgrade) -> Result<TokenResponse, Error> {
    let value = json!({"access_token": access_token, "token_type": token_type, "refresh_token": "rotated"});
    let mut answer = answer(200, "application/json", value.to_string());
    answer.extensions_mut().insert(Proven { key: "key".into(), jkt: "ours".into(), downgrade });
    read_with(&answer, &Rules::default()).map_err(|bad| {
        assert_eq!(bad.refresh_token, Some("rotated".into()), "it is not lost");
        bad.error
    })
}

#[test]
fn tokens_of_a_proven_request_are_bound_and_come_with_the_key() {
    for (token_type, downgrade) in
        [("DPoP", Downgrade::Refused), ("dpop", Downgrade::Refused), ("bearer", Downgrade::Accepted)]
    {
        let tokens = proven(token_type, "opaque", downgrade).unwrap().tokens;

        assert_eq!(tokens.proof_key, Some("key".into()));
        assert!(tokens.token_type.name().eq_ignore_ascii_case(token_type));
    }
    assert!(
        matches!(proven("Bearer", "opaque", Downgrade::Refused), Err(Error::NotBound { found }) if found == "Bearer")
    );
}

#[test]
fn a_token_that_is_bound_to_no_key_of_ours_is_refused() {
    let jwt = |claims: Value| {
        let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.c2ln", encode(json!({"typ": "at+jwt"})), encode(claims))
    };

    let other = proven("DPoP", &jwt(json!({"cnf": {"jkt": "theirs"}})), Downgrade::Accepted);
    assert!(matches!(other, Err(Error::OtherKey)));
    for ours in [json!({"cnf": {"jkt": "ours"}}), json!({"cnf": {}}), json!({})] {
        assert!(proven("DPoP", &jwt(ours), Downgrade::Refused).is_ok());
    }
    assert!(matches!(error(&example("token_type", "DPoP".into())), Error::TokenType { found } if found == "DPoP"));
}
