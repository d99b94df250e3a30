//! The checks of single claims, each in a function of its own.

use serde_json::{Map, Value};

use super::{Error, IssuerMatch};
use crate::protocol::jose::{self, Algorithm};

/// The largest number of seconds that a JSON number tells exactly (RFC 7493 §2.2).
const MAX_DATE: i64 = 1 << 53;

/// How many characters a `sub` may have (OpenID Connect Core §2).
const MAX_SUBJECT: usize = 255;

/// What stands in a template for the tenant, as in the metadata of Microsoft Entra's `common` endpoint.
const TENANT: &str = "{tenantid}";

/// The time and how far it may be off, in seconds.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    pub(super) now: i64,
    pub(super) tolerance: i64,
}

impl Clock {
    fn is_past(self, date: i64) -> bool {
        date.saturating_add(self.tolerance) <= self.now
    }

    fn is_future(self, date: i64) -> bool {
        date > self.now.saturating_add(self.tolerance)
    }
}

/// An ID token says it is a JWT or nothing; access tokens, logout tokens and requests say what they are.
pub(super) fn check_kind(typ: Option<&str>) -> Result<(), Error> {
    match typ {
        Some(typ) if !is_plain_jwt(typ) => Err(Error::Kind { found: jose::excerpt(typ) }),
        Some(_) | None => Ok(()),
    }
}

/// Whether a `typ` says no more than that the token is a JWT: a media type, compared without case, whose `application/`
/// may be left out (RFC 7515 §4.1.9, RFC 7519 §5.1).
pub(in crate::protocol) fn is_plain_jwt(typ: &str) -> bool {
    typ.eq_ignore_ascii_case("JWT") || typ.eq_ignore_ascii_case("application/jwt")
}

pub(super) fn check_issuer<'c>(claims: &'c Map<String, Value>, expected: IssuerMatch<'_>) -> Result<&'c str, Error> {
    let found = required_text(claims, "iss")?;
    let expected = match expected {
        IssuerMatch::Exact(issuer) => issuer.to_owned(),
        IssuerMatch::Template(template) if template.contains(TENANT) => template.replace(TENANT, tenant(claims)?),
        IssuerMatch::Template(template) => template.to_owned(),
    };
    if found == expected {
        Ok(found)
    } else {
        Err(Error::Issuer { expected: jose::excerpt(&expected), found: jose::excerpt(found) })
    }
}

/// The `tid` claim, if nothing in it can change the structure of an address.
fn tenant(claims: &Map<String, Value>) -> Result<&str, Error> {
    let tenant = required_text(claims, "tid")?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
    if !tenant.is_empty() && tenant.bytes().all(is_plain) {
        Ok(tenant)
    } else {
        Err(Error::Tenant { found: jose::excerpt(tenant) })
    }
}

pub(super) fn check_audience(claims: &Map<String, Value>, client_id: &str) -> Result<(), Error> {
    let audiences = audiences(claims)?.ok_or(Error::Missing("aud"))?;
    if !audiences.contains(&client_id) {
        return Err(Error::Audience {
            expected: jose::excerpt(client_id),
            found: jose::excerpt(&audiences.join(", ")),
        });
    }
    match text(claims, "azp")? {
        Some(party) if party != client_id => {
            Err(Error::AuthorizedParty { expected: jose::excerpt(client_id), found: jose::excerpt(party) })
        }
        None if audiences.iter().any(|audience| *audience != client_id) => {
            Err(Error::OtherAudiences { found: jose::excerpt(&audiences.join(", ")) })
        }
        Some(_) | None => Ok(()),
    }
}

/// The audiences of a token: one, or a list that names at least one (RFC 7519 §4.1.3).
fn audiences(claims: &Map<String, Value>) -> Result<Option<Vec<&str>>, Error> {
    let malformed = Error::Malformed { claim: "aud", expected: "a string or a list of strings" };
    match claims.get("aud") {
        None => Ok(None),
        Some(Value::String(one)) => Ok(Some(vec![one])),
        Some(Value::Array(list)) if !list.is_empty() => {
            list.iter().map(Value::as_str).collect::<Option<_>>().map(Some).ok_or(malformed)
        }
        Some(_) => Err(malformed),
    }
}

pub(super) fn check_lifetime(claims: &Map<String, Value>, clock: Clock) -> Result<(), Error> {
    let expires = date(claims, "exp")?.ok_or(Error::Missing("exp"))?;
    if clock.is_past(expires) {
        return Err(Error::Expired { at: expires, now: clock.now });
    }
    let issued = date(claims, "iat")?.ok_or(Error::Missing("iat"))?;
    if clock.is_future(issued) {
        return Err(Error::FromTheFuture { claim: "iat", at: issued, now: clock.now });
    }
    match date(claims, "nbf")? {
        Some(begins) if clock.is_future(begins) => {
            Err(Error::FromTheFuture { claim: "nbf", at: begins, now: clock.now })
        }
        Some(_) | None => Ok(()),
    }
}

/// Neither nonce is shown: a person can do nothing with them, and the one sent should not be in a log.
pub(super) fn check_nonce(claims: &Map<String, Value>, sent: Option<&str>) -> Result<(), Error> {
    let Some(sent) = sent else { return Ok(()) };
    if required_text(claims, "nonce")? == sent { Ok(()) } else { Err(Error::Nonce) }
}

pub(super) fn check_subject(claims: &Map<String, Value>) -> Result<&str, Error> {
    let subject = required_text(claims, "sub")?;
    if subject.is_ascii() && (1..=MAX_SUBJECT).contains(&subject.len()) {
        Ok(subject)
    } else {
        Err(Error::Subject { length: subject.chars().count() })
    }
}

/// A hash may be left out; one that is there must be that of the value which came, if one came.
pub(super) fn check_hash(
    claims: &Map<String, Value>,
    claim: &'static str,
    value: Option<&str>,
    algorithm: Algorithm,
) -> Result<(), Error> {
    match (text(claims, claim)?, value) {
        (Some(hash), Some(value)) if hash != algorithm.half_hash(value) => Err(Error::Hash { claim }),
        _ => Ok(()),
    }
}

pub(super) fn check_login(auth_time: Option<i64>, max_age: Option<u64>, clock: Clock) -> Result<(), Error> {
    if let Some(at) = auth_time
        && clock.is_future(at)
    {
        return Err(Error::FromTheFuture { claim: "auth_time", at, now: clock.now });
    }
    let Some(max_age) = max_age else { return Ok(()) };
    let at = auth_time.ok_or(Error::Missing("auth_time"))?;
    let limit = i64::try_from(max_age).unwrap_or(i64::MAX).saturating_add(clock.tolerance);
    if clock.now.saturating_sub(at) > limit { Err(Error::OldLogin { at, max_age, now: clock.now }) } else { Ok(()) }
}

pub(super) fn check_context(claims: &Map<String, Value>, requested: &[String]) -> Result<(), Error> {
    if requested.is_empty() {
        return Ok(());
    }
    let found = required_text(claims, "acr")?;
    if requested.iter().any(|value| value == found) {
        Ok(())
    } else {
        let expected = requested.iter().map(|value| jose::excerpt(value)).collect();
        Err(Error::Context { expected, found: jose::excerpt(found) })
    }
}

/// A claim that must be a string if it is there.
fn text<'c>(claims: &'c Map<String, Value>, claim: &'static str) -> Result<Option<&'c str>, Error> {
    match claims.get(claim) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Error::Malformed { claim, expected: "a string" }),
    }
}

fn required_text<'c>(claims: &'c Map<String, Value>, claim: &'static str) -> Result<&'c str, Error> {
    text(claims, claim)?.ok_or(Error::Missing(claim))
}

/// A claim that must be a number of seconds since 1970 if it is there.
pub(super) fn date(claims: &Map<String, Value>, claim: &'static str) -> Result<Option<i64>, Error> {
    let malformed = Error::Malformed { claim, expected: "a number of seconds since 1970" };
    claims.get(claim).map(|value| seconds(value).ok_or(malformed)).transpose()
}

/// A date as JSON Web Tokens write it, in whole seconds since 1970: a number, of which a fraction is dropped.
///
/// # Specification
/// RFC 7519 §2 (`NumericDate`).
pub(in crate::protocol) fn seconds(value: &Value) -> Option<i64> {
    let whole = value.as_i64().or_else(|| {
        let number = value.as_f64().filter(|number| (0.0..=MAX_DATE as f64).contains(number))?;
        Some(number as i64)
    });
    whole.filter(|seconds| (0..=MAX_DATE).contains(seconds))
}
