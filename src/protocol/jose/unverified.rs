//! What a signed token says, without asking whether it is true.

use serde_json::{Map, Value};

use super::base64url;
use super::jws::MAX_BYTES;
use crate::protocol::json;

/// The claims of a token that is a JWT in its signed form; `None` for any other, which only its server can read.
///
/// # Security
/// Nothing is verified: anybody can have written them. They may be shown to the person whose token it is, decide when to ask
/// for a new one, or lead to a refusal. They must not say who somebody is, open anything, or stand in for
/// [`Jws::verify`](super::Jws::verify).
///
/// # Specification
/// RFC 7519 §7.2 (1–10), less the signature; RFC 7515 §3.1.
pub fn unverified_claims(token: &str) -> Option<Map<String, Value>> {
    let object = |segment: &str| json::parse_object(&base64url(segment)?).ok();
    let mut segments = token.split('.');
    match (segments.next(), segments.next(), segments.next(), segments.next()) {
        (Some(header), Some(payload), Some(_), None) if token.len() <= MAX_BYTES => {
            object(header)?;
            object(payload)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::unverified_claims;
    use crate::protocol::jose::encoded;

    #[test]
    fn the_claims_of_the_example_are_read() {
        // RFC 7519 §3.1.
        let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9\
            .eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ\
            .dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

        let claims = unverified_claims(token).map(Value::Object);

        let expected = json!({ "iss": "joe", "exp": 1_300_819_380, "http://example.com/is_root": true });
        assert_eq!(claims, Some(expected));
    }

    #[test]
    fn what_is_no_signed_jwt_has_no_claims() {
        let (object, list) = (encoded(b"{}"), encoded(b"[]"));
        let twice = encoded(br#"{"exp":1,"exp":2}"#);
        assert!(unverified_claims(&format!("{object}.{object}.")).is_some(), "the signature is not looked at");

        for token in [
            "opaque".to_owned(),
            String::new(),
            "..".to_owned(),
            object.clone(),
            format!("{object}.{object}"),
            format!("{object}.{object}.s.s"),
            format!("{object}.{object}.s.s.s"),
            format!("{list}.{object}.s"),
            format!("{object}.{list}.s"),
            format!("{object}.{twice}.s"),
            format!("{object}.{object}=.s"),
            format!("{object}.{object}.{}", "s".repeat(256 << 10)),
        ] {
            assert_eq!(unverified_claims(&token), None, "{:.40}", token);
        }
    }
}
