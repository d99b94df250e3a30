//! Who has logged in, according to the issuer: an ID token whose claims were checked.
//!
//! A token comes here once [`jose`] has found its signature right; [`IdToken::check`] compares what it says
//! with what the request asked for, and an [`IdToken`] exists only if everything agrees. After a refresh
//! [`IdToken::agrees_with`] holds the new token against the first one. Which keys and algorithms are right is decided
//! before; what is done with the claims is left to [`profile`](super::profile).
//!
//! # Specification
//! OpenID Connect Core §2, §3.1.3.6–8, §12.2; RFC 7519 §4.1; RFC 8725 §3.8–3.12.

mod checks;
mod error;
mod requested;

use std::fmt;

use serde_json::{Map, Value};

use checks::{
    Clock, check_audience, check_context, check_hash, check_issuer, check_kind, check_lifetime, check_login,
    check_nonce, check_subject, date,
};
pub(super) use checks::{is_plain_jwt, seconds};
pub use error::Error;
pub use requested::check_requested;

use super::jose::{self, Algorithm};

/// How the `iss` of a token is compared with the provider's issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssuerMatch<'a> {
    /// Both are the same text, byte for byte.
    Exact(&'a str),
    /// The issuer is a template: with the token's own `tid` claim for `{tenantid}` it must be the token's `iss`.
    ///
    /// # Security
    /// Any tenant's users are let in. The entry of the provider must ask for it by name (`issuer_match`).
    Template(&'a str),
}

/// What a token must agree with: what was sent, what came beside it, and the time.
#[derive(Clone, Copy)]
pub struct Expectations<'a> {
    /// The provider's issuer.
    pub issuer: IssuerMatch<'a>,
    /// Whom the token must be for.
    pub client_id: &'a str,
    /// The nonce that was sent. Where none was, a nonce in the token means nothing and is not looked at.
    pub nonce: Option<&'a str>,
    /// The access token that came with it, for `at_hash`.
    pub access_token: Option<&'a str>,
    /// The authorization code it was obtained with, for `c_hash`.
    pub code: Option<&'a str>,
    /// The state that was sent, for `s_hash`.
    pub state: Option<&'a str>,
    /// The `max_age` that was sent: seconds the login may lie back.
    pub max_age: Option<u64>,
    /// The authentication contexts that were asked for, of which the token must name one; empty where none was.
    pub acr_values: &'a [String],
    /// Seconds by which the two clocks may differ; not more than 60 unless configured.
    pub tolerance: u64,
    /// The time, in seconds since 1970.
    pub now: i64,
}

/// What the first ID token of a session said, for comparison with those that refreshes bring.
///
/// # Specification
/// OpenID Connect Core §12.2.
#[derive(Clone, Copy)]
pub struct Earlier<'a> {
    /// Its `iss`.
    pub issuer: &'a str,
    /// Its `sub`.
    pub subject: &'a str,
    /// Its `auth_time`, if it had one.
    pub auth_time: Option<i64>,
    /// Its `nonce`, if it had one.
    pub nonce: Option<&'a str>,
}

/// The claims of an ID token that passed every check.
#[derive(Clone, PartialEq)]
pub struct IdToken {
    algorithm: Algorithm,
    issuer: String,
    subject: String,
    auth_time: Option<i64>,
    claims: Map<String, Value>,
}

impl IdToken {
    /// Compares what a token says with what is expected of it.
    ///
    /// # Errors
    /// The first claim that is missing, malformed or says something else, in the order of the specification's list.
    ///
    /// # Specification
    /// OpenID Connect Core §3.1.3.7 (2–5, 9–13), §3.1.3.8, §3.3.2.10; RFC 8725 §3.11 (`typ`).
    pub fn check(verified: jose::Verified, expect: &Expectations<'_>) -> Result<Self, Error> {
        check_kind(verified.typ())?;
        let algorithm = verified.algorithm();
        let claims = verified.into_claims();

        let issuer = check_issuer(&claims, expect.issuer)?.to_owned();
        check_audience(&claims, expect.client_id)?;
        let clock = Clock { now: expect.now, tolerance: i64::try_from(expect.tolerance).unwrap_or(i64::MAX) };
        check_lifetime(&claims, clock)?;
        check_nonce(&claims, expect.nonce)?;
        let subject = check_subject(&claims)?.to_owned();
        for (name, value) in [("at_hash", expect.access_token), ("c_hash", expect.code), ("s_hash", expect.state)] {
            check_hash(&claims, name, value, algorithm)?;
        }
        let auth_time = date(&claims, "auth_time")?;
        check_login(auth_time, expect.max_age, clock)?;
        check_context(&claims, expect.acr_values)?;

        Ok(Self { algorithm, issuer, subject, auth_time, claims })
    }

    /// Whether the token, which a refresh brought, is about the login that `earlier` was about.
    ///
    /// # Errors
    /// [`Error::Changed`] names the claim that says something else than before.
    ///
    /// # Specification
    /// OpenID Connect Core §12.2. An `auth_time` or nonce need not come again; a nonce that was not there the first time
    /// is not accepted either.
    pub fn agrees_with(&self, earlier: &Earlier<'_>) -> Result<(), Error> {
        let changed = |claim, before: &str, after: &str| Error::Changed {
            claim,
            before: jose::excerpt(before),
            after: jose::excerpt(after),
        };
        if self.issuer != earlier.issuer {
            return Err(changed("iss", earlier.issuer, &self.issuer));
        }
        if self.subject != earlier.subject {
            return Err(changed("sub", earlier.subject, &self.subject));
        }
        if let (Some(before), Some(after)) = (earlier.auth_time, self.auth_time)
            && before != after
        {
            return Err(changed("auth_time", &before.to_string(), &after.to_string()));
        }
        match self.claims.get("nonce") {
            None => Ok(()),
            Some(Value::String(after)) if Some(after.as_str()) == earlier.nonce => Ok(()),
            Some(_) => Err(Error::ChangedNonce),
        }
    }

    /// The `iss`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The `sub`: 1 to 255 ASCII characters, unique and never reassigned within the issuer.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// When the person logged in, in seconds since 1970.
    pub fn auth_time(&self) -> Option<i64> {
        self.auth_time
    }

    /// How the person logged in; foreign text.
    pub fn acr(&self) -> Option<&str> {
        self.claims.get("acr").and_then(Value::as_str)
    }

    /// The nonce, which is the one sent if one was.
    pub fn nonce(&self) -> Option<&str> {
        self.claims.get("nonce").and_then(Value::as_str)
    }

    /// The algorithm it was signed with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// All claims as they came; those without an accessor of their own are foreign text.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }
}

impl fmt::Debug for IdToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdToken").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
