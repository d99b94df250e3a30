//! What the `claims` parameter demanded of the ID token.

use serde_json::{Map, Value};

use super::checks::check_context;
use super::{Error, IdToken};
use crate::protocol::json;

/// Checks what `claims`, the parameter as it was sent, calls essential and a server must not leave out.
///
/// # Errors
/// [`Error::Missing`], [`Error::Context`].
///
/// # Specification
/// OpenID Connect Core §5.5.1.1: an `acr` that is essential and not met is a failed login; §3.1.2.1: so is a missing
/// `auth_time`. Any other essential claim may be missing without that being an error (§5.5.1).
pub fn check_requested(id_token: &IdToken, claims: &str) -> Result<(), Error> {
    let Ok(requested) = json::parse_object(claims.as_bytes()) else { return Ok(()) };
    let Some(Value::Object(requested)) = requested.get("id_token") else { return Ok(()) };
    if essential(requested, "auth_time").is_some() && id_token.auth_time().is_none() {
        return Err(Error::Missing("auth_time"));
    }
    let Some(acr) = essential(requested, "acr") else { return Ok(()) };
    let one = acr.get("value").and_then(Value::as_str).into_iter();
    let several = acr.get("values").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let values: Vec<String> = one.chain(several).map(str::to_owned).collect();
    match id_token.acr() {
        None => Err(Error::Missing("acr")),
        Some(_) => check_context(id_token.claims(), &values),
    }
}

/// What is said of a claim that is essential.
fn essential<'a>(requested: &'a Map<String, Value>, claim: &str) -> Option<&'a Map<String, Value>> {
    let said = requested.get(claim)?.as_object()?;
    (said.get("essential") == Some(&Value::Bool(true))).then_some(said)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Error, check_requested};
    use crate::protocol::id_token::{Expectations, IdToken, IssuerMatch};
    use crate::protocol::jose::Algorithm;
    use crate::protocol::jose::testing::verified;

    fn token(more: Value) -> IdToken {
        let mut claims =
            json!({ "iss": "https://a.example", "aud": "client", "sub": "alice", "exp": 2000, "iat": 1000 });
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let expect = Expectations {
            issuer: IssuerMatch::Exact("https://a.example"),
            client_id: "client",
            nonce: None,
            access_token: None,
            code: None,
            state: None,
            max_age: None,
            acr_values: &[],
            tolerance: 60,
            now: 1000,
        };
        IdToken::check(verified(Algorithm::HS256, &claims), &expect).unwrap()
    }

    fn check(more: Value, requested: Value) -> Result<(), Error> {
        check_requested(&token(more), &json!({ "id_token": requested }).to_string())
    }

    #[test]
    fn an_essential_acr_is_one_of_those_asked_for() {
        // OpenID Connect Core §5.5.1.1.
        let values = json!({ "acr": { "essential": true, "values": ["loa2", "loa3"] } });
        let other = Error::Context { expected: vec!["loa2".into(), "loa3".into()], found: "loa1".into() };

        assert_eq!(check(json!({ "acr": "loa3" }), values.clone()), Ok(()));
        assert_eq!(check(json!({ "acr": "loa1" }), values.clone()), Err(other));
        assert_eq!(check(json!({}), values), Err(Error::Missing("acr")));
        let value = json!({ "acr": { "essential": true, "value": "loa2" } });
        assert!(check(json!({ "acr": "loa2" }), value.clone()).is_ok() && check(json!({ "acr": "x" }), value).is_err());
        let any = json!({ "acr": { "essential": true } });
        assert!(check(json!({ "acr": "x" }), any.clone()).is_ok() && check(json!({}), any).is_err());
    }

    #[test]
    fn an_essential_time_of_the_login_is_there() {
        let essential = json!({ "auth_time": { "essential": true } });

        assert_eq!(check(json!({}), essential.clone()), Err(Error::Missing("auth_time")));
        assert_eq!(check(json!({ "auth_time": 900 }), essential), Ok(()));
    }

    #[test]
    fn what_is_not_essential_may_be_missing_or_other() {
        for requested in [
            json!({ "acr": { "values": ["loa2"] } }),
            json!({ "acr": null, "auth_time": null }),
            json!({ "acr": { "essential": false, "value": "x" } }),
            json!({ "email": { "essential": true } }),
            json!(7),
        ] {
            assert_eq!(check(json!({ "acr": "loa1" }), requested.clone()), Ok(()), "{requested}");
        }
        assert_eq!(check_requested(&token(json!({})), "no JSON"), Ok(()));
    }
}
