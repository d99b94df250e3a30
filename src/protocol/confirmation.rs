//! Whose a token is by its own words: the key or the certificate in its `cnf`.
//!
//! Only a token that is a JWT says so. What another one is bound to, its server knows, and a client takes it as it is.
//!
//! # Specification
//! RFC 7800 §3.1 (`cnf`); RFC 8705 §3.1 (`x5t#S256`); RFC 9449 §6.1 (`jkt`).

use serde_json::Value;

use super::jose::unverified_claims;
use crate::secret::Secret;

/// Checks that a token names the certificate of this `thumbprint`, as far as a client can tell.
///
/// # Errors
/// What its `cnf` is or does instead, to be put after that word.
///
/// # Specification
/// RFC 8705 §3.1.
pub fn check_certificate(token: &Secret, thumbprint: &str) -> Result<(), &'static str> {
    let Some(claims) = unverified_claims(token.expose()) else { return Ok(()) };
    match claims.get("cnf").map(|cnf| cnf.get("x5t#S256").and_then(Value::as_str)) {
        None => Err("is missing"),
        Some(None) => Err("names no certificate"),
        Some(Some(named)) if named == thumbprint => Ok(()),
        Some(Some(_)) => Err("names another certificate"),
    }
}

/// The thumbprint of the key that a token names; none for a token that names none or that only its server can read.
///
/// # Specification
/// RFC 9449 §6.1.
pub fn jkt(token: &Secret) -> Option<String> {
    let claims = unverified_claims(token.expose())?;
    claims.get("cnf")?.get("jkt")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Secret, check_certificate, jkt};
    use crate::protocol::jose::encoded;

    /// Of RFC 8705 §3.1 and RFC 9449 §6.1.
    const THUMBPRINT: &str = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2";
    const JKT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

    fn token(claims: &Value) -> Secret {
        Secret::new(format!("{}.{}.s", encoded(br#"{"alg":"ES256"}"#), encoded(claims.to_string().as_bytes())))
    }

    #[test]
    fn a_token_must_name_the_very_certificate_where_it_can_be_read() {
        let check = |claims: &Value| check_certificate(&token(claims), THUMBPRINT);

        assert_eq!(check(&json!({ "cnf": { "x5t#S256": THUMBPRINT } })), Ok(()));
        assert_eq!(check_certificate(&"opaque".into(), THUMBPRINT), Ok(()));
        assert_eq!(check(&json!({})), Err("is missing"));
        assert_eq!(check(&json!({ "cnf": {} })), Err("names no certificate"));
        assert_eq!(check(&json!({ "cnf": "x5t#S256" })), Err("names no certificate"));
        assert_eq!(check(&json!({ "cnf": { "jkt": JKT } })), Err("names no certificate"));
        assert_eq!(check(&json!({ "cnf": { "x5t#S256": JKT } })), Err("names another certificate"));
    }

    #[test]
    fn the_key_of_a_token_is_the_one_that_it_names() {
        assert_eq!(jkt(&token(&json!({ "cnf": { "jkt": JKT } }))).as_deref(), Some(JKT));
        for claims in [json!({}), json!({ "cnf": {} }), json!({ "cnf": { "jkt": 1 } }), json!({ "jkt": JKT })] {
            assert_eq!(jkt(&token(&claims)), None);
        }
        assert_eq!(jkt(&"opaque".into()), None);
    }
}
