//! Signed authorization responses: from a JWT to the parameters that it holds.
//!
//! # Specification
//! JWT Secured Authorization Response Mode for OAuth 2.0 (JARM), final.

use serde_json::Value;

use super::id_token::{is_plain_jwt, seconds};
use super::jose::{Verified, excerpt, unverified_claims};
use super::{Error, RedirectFault};
use crate::secret::Secret;

/// Claims that are about the JWT and no parameters of the answer.
const ABOUT: [&str; 5] = ["aud", "exp", "iat", "nbf", "jti"];

/// What a response must agree with.
#[derive(Debug, Clone, Copy)]
pub struct Expectations<'a> {
    /// Who must have issued it.
    pub issuer: &'a str,
    /// Whom it must be for.
    pub client_id: &'a str,
    /// Seconds by which the two clocks may differ.
    pub tolerance: u64,
    /// The time, in seconds since 1970.
    pub now: i64,
}

/// Whether a signed response says that it belongs to the login of this `state`. Nothing is verified by it: whoever knows
/// the state, which only the server was told, is heard and then [checked](parameters); anybody else is not even an answer.
pub fn is_about(response: &str, state: &Secret) -> bool {
    let claims = unverified_claims(response);
    matches!(claims.as_ref().and_then(|claims| claims.get("state")), Some(Value::String(found)) if Secret::new(found.as_str()) == *state)
}

/// The parameters of a response whose signature is right, `iss` among them.
///
/// # Errors
/// [`Error::Redirect`] with the claim that is missing or wrong.
///
/// # Specification
/// JARM §2.1 (claims), §2.4 (processing rules 3 to 5; whether the `state` is right is for the request to say).
pub fn parameters(verified: Verified, expect: &Expectations<'_>) -> Result<Vec<(String, String)>, Error> {
    let wrong = |claim: &'static str, reason: String| Error::Redirect(RedirectFault::Claim { claim, reason });
    if let Some(typ) = verified.typ().filter(|typ| !is_plain_jwt(typ)) {
        return Err(wrong("typ", format!("is `{}`", excerpt(typ))));
    }
    let claims = verified.into_claims();
    match claims.get("iss") {
        Some(Value::String(found)) if found == expect.issuer => {}
        Some(Value::String(found)) => {
            return Err(wrong("iss", format!("is `{}`, expected `{}`", excerpt(found), excerpt(expect.issuer))));
        }
        _ => return Err(wrong("iss", "is missing or no text".into())),
    }
    let is_for_us = match claims.get("aud") {
        Some(Value::String(found)) => found == expect.client_id,
        // Others among the audiences could have been sent it as well.
        Some(Value::Array(list)) => list.len() == 1 && list[0] == expect.client_id,
        _ => return Err(wrong("aud", "is missing or no text".into())),
    };
    if !is_for_us {
        return Err(wrong("aud", format!("is not `{}`", excerpt(expect.client_id))));
    }
    let end = claims.get("exp").and_then(seconds).ok_or_else(|| wrong("exp", "is missing or no time".into()))?;
    let tolerance = i64::try_from(expect.tolerance).unwrap_or(i64::MAX);
    if expect.now.saturating_sub(tolerance) >= end {
        return Err(wrong("exp", "is over".into()));
    }
    let told = claims.into_iter().filter(|(name, _)| !ABOUT.contains(&name.as_str()));
    Ok(told
        .filter_map(|(name, value)| match value {
            Value::String(text) => Some((name, text)),
            Value::Number(number) => Some((name, number.to_string())),
            Value::Bool(flag) => Some((name, flag.to_string())),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        })
        .collect())
}
