//! What the userinfo endpoint answers about the person who logged in.
//!
//! [`parse`] reads the answer: claims in JSON, or a signed token that the caller verifies with the issuer's keys
//! ([`Jws::verify`]) and hands to [`Rules::accept`]. OpenID Connect binds both to the ID token by `sub`; other servers
//! answer with whatever members they like. Which member means what is left to [`profile`](super::profile), sending the
//! request to `client`.
//!
//! # Specification
//! OpenID Connect Core §5.3.2–5.3.4.

use http::header::{CONTENT_TYPE, HeaderMap, WWW_AUTHENTICATE};
use serde_json::{Map, Value};

use super::id_token;
use super::jose::{self, Jws, Verified, excerpt};
use super::json::{self, JsonError};
use crate::system::http::Response;

/// What an answer must agree with.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// Whom it must be about.
    pub subject: Subject<'a>,
    /// In which form it must come.
    pub form: Form,
    /// The issuer, as the ID token names it; unknown where there is none.
    pub issuer: Option<&'a str>,
    /// Whom a signed answer must be for.
    pub client_id: &'a str,
    /// Seconds by which the two clocks may differ.
    pub tolerance: u64,
    /// The time, in seconds since 1970.
    pub now: i64,
}

/// Whom an answer must be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    /// The `sub` of the ID token. Without this check a token of another person could be slipped in (§5.3.2, §16.11).
    Of(&'a str),
    /// Anybody, but named by `sub`: OpenID Connect where no ID token came.
    Named,
    /// Whatever the server answers: OAuth 2.0 knows no `sub`.
    Unspecified,
}

/// In which form an answer must come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// JSON; a signed answer is taken as well, once it is verified.
    Json,
    /// A signed token and nothing else: `userinfo_signed_response_alg` or `format = "jwt"` is configured.
    Signed,
}

/// An answer, read.
#[derive(Debug)]
pub enum Answer {
    /// The claims; every check is done.
    Claims(Map<String, Value>),
    /// A token whose signature is to be verified, and which then must pass [`Rules::accept`].
    Signed(Jws),
}

/// Why an answer of the userinfo endpoint is not used.
///
/// Texts from the server are cut to 100 characters and hold no control characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server refused or failed (OpenID Connect Core §5.3.3, RFC 6750 §3).
    #[error("the userinfo endpoint answered with status {status}{}", reported(error.as_deref()))]
    Status {
        /// The status code.
        status: u16,
        /// The error code from the challenge or the body.
        error: Option<String>,
    },
    /// The status says success, the body reports an error.
    #[error("the userinfo endpoint answered with the error `{0}`")]
    Reported(String),
    /// A signed answer is configured, and a plain one came.
    #[error("the userinfo answer is not signed, as it is configured to be")]
    NotSigned,
    /// The answer is a page or something else that is not JSON.
    #[error("the userinfo answer is not JSON but {}", media(content_type.as_deref()))]
    NotJson {
        /// The media type it claims.
        content_type: Option<String>,
    },
    /// The answer says it is JSON, and is not a strict JSON object.
    #[error("the userinfo answer is not usable JSON")]
    Json(#[source] JsonError),
    /// The answer is no signed token.
    #[error("the signed userinfo answer cannot be read")]
    Token(#[source] jose::Error),
    /// `typ` says that the signed answer is another kind of token.
    #[error("the signed userinfo answer's `typ` is `{found}`, which is no userinfo")]
    Kind {
        /// What the header says.
        found: String,
    },
    /// A claim of a signed answer has the wrong type.
    #[error("the userinfo answer's `{0}` is malformed")]
    Malformed(&'static str),
    /// A signed answer of another issuer.
    #[error("the userinfo answer's `iss` is `{found}`, expected `{expected}`")]
    Issuer {
        /// The issuer of the ID token.
        expected: String,
        /// What the answer says.
        found: String,
    },
    /// A signed answer for another client.
    #[error("the userinfo answer's `aud` is `{found}`, expected `{expected}`")]
    Audience {
        /// Our client identifier.
        expected: String,
        /// What the answer says.
        found: String,
    },
    /// A signed answer that has ended, or this clock is fast.
    #[error("the userinfo answer's `exp` passed {} s ago by this computer's clock", now.saturating_sub(*at))]
    Expired {
        /// When it ended, in seconds since 1970.
        at: i64,
        /// The time here.
        now: i64,
    },
    /// There is no `sub`.
    #[error("the userinfo answer has no `sub`")]
    NoSubject,
    /// The answer is about another person than the ID token.
    #[error("the userinfo answer's `sub` is `{found}`, the ID token's is `{expected}`")]
    Subject {
        /// The `sub` of the ID token.
        expected: String,
        /// What the answer says.
        found: String,
    },
}

impl Error {
    /// Whether the answer is not only missing or malformed but another person's, or forged.
    pub fn is_security(&self) -> bool {
        match self {
            Self::Status { .. } | Self::Reported(_) | Self::NotJson { .. } | Self::Json(_) | Self::Malformed(_) => {
                false
            }
            Self::NotSigned
            | Self::Token(_)
            | Self::Kind { .. }
            | Self::Issuer { .. }
            | Self::Audience { .. }
            | Self::Expired { .. }
            | Self::NoSubject
            | Self::Subject { .. } => true,
        }
    }
}

/// Reads an answer.
///
/// # Errors
/// In this order: the status, the form, the JSON, an error reported with success, the subject. For a signed answer, only
/// its form; the rest is for [`Rules::accept`].
///
/// # Specification
/// OpenID Connect Core §5.3.2 (success), §5.3.3 (errors), §5.3.4 (validation).
pub fn parse(response: &Response, rules: &Rules<'_>) -> Result<Answer, Error> {
    let body = response.body();
    if response.status() != http::StatusCode::OK {
        let error = challenged(response.headers()).or_else(|| error_member(&json::parse_object(body).ok()?));
        return Err(Error::Status { status: response.status().as_u16(), error });
    }
    let media_type = media_type(response.headers());
    let says_json = media_type.as_deref().is_some_and(is_json);
    if media_type.as_deref() == Some("application/jwt") || (rules.form == Form::Signed && !says_json) {
        // Bytes that are not UTF-8 become characters that are not base64url, and so an error.
        let token = String::from_utf8_lossy(body);
        return Jws::parse(token.trim_end()).map(Answer::Signed).map_err(Error::Token);
    }
    if rules.form == Form::Signed {
        return Err(Error::NotSigned);
    }
    // Some servers label JSON as text; what is JSON may be called anything, what is not is named as it is called.
    let members = json::parse_object(body).map_err(|cause| {
        if says_json { Error::Json(cause) } else { Error::NotJson { content_type: media_type.as_deref().map(excerpt) } }
    })?;
    if let Some(error) = error_member(&members) {
        return Err(Error::Reported(error));
    }
    rules.check_subject(&members)?;
    Ok(Answer::Claims(members))
}

impl Rules<'_> {
    /// The claims of a signed answer whose signature is right.
    ///
    /// # Errors
    /// The first of `typ`, `iss`, `aud`, `exp` and `sub` that does not agree. `iss` and `aud` may be left out, as the
    /// specification only recommends them; `sub` binds the answer to the ID token all the same.
    ///
    /// # Specification
    /// OpenID Connect Core §5.3.2, §5.3.4; RFC 8725 §3.11.
    pub fn accept(&self, verified: Verified) -> Result<Map<String, Value>, Error> {
        if let Some(typ) = verified.typ().filter(|typ| !id_token::is_plain_jwt(typ)) {
            return Err(Error::Kind { found: excerpt(typ) });
        }
        let claims = verified.into_claims();
        self.check_issuer(&claims)?;
        self.check_audience(&claims)?;
        self.check_end(&claims)?;
        self.check_subject(&claims)?;
        Ok(claims)
    }

    fn check_issuer(&self, claims: &Map<String, Value>) -> Result<(), Error> {
        match (text(claims, "iss")?, self.issuer) {
            (Some(found), Some(expected)) if found != expected => {
                Err(Error::Issuer { expected: excerpt(expected), found: excerpt(found) })
            }
            _ => Ok(()),
        }
    }

    fn check_audience(&self, claims: &Map<String, Value>) -> Result<(), Error> {
        let audiences: Vec<&str> = match claims.get("aud") {
            None => return Ok(()),
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(list)) => {
                list.iter().map(Value::as_str).collect::<Option<_>>().ok_or(Error::Malformed("aud"))?
            }
            Some(_) => return Err(Error::Malformed("aud")),
        };
        if audiences.contains(&self.client_id) {
            return Ok(());
        }
        Err(Error::Audience { expected: excerpt(self.client_id), found: excerpt(&audiences.join(", ")) })
    }

    fn check_end(&self, claims: &Map<String, Value>) -> Result<(), Error> {
        let Some(value) = claims.get("exp") else { return Ok(()) };
        let at = id_token::seconds(value).ok_or(Error::Malformed("exp"))?;
        let tolerance = i64::try_from(self.tolerance).unwrap_or(i64::MAX);
        if at.saturating_add(tolerance) <= self.now { Err(Error::Expired { at, now: self.now }) } else { Ok(()) }
    }

    fn check_subject(&self, claims: &Map<String, Value>) -> Result<(), Error> {
        let expected = match self.subject {
            Subject::Unspecified => return Ok(()),
            Subject::Named => None,
            Subject::Of(subject) => Some(subject),
        };
        let found = text(claims, "sub")?.filter(|subject| !subject.is_empty()).ok_or(Error::NoSubject)?;
        match expected {
            Some(expected) if found != expected => {
                Err(Error::Subject { expected: excerpt(expected), found: excerpt(found) })
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// A claim that must be a string if it is there.
fn text<'c>(claims: &'c Map<String, Value>, claim: &'static str) -> Result<Option<&'c str>, Error> {
    match claims.get(claim) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Error::Malformed(claim)),
    }
}

/// The media type without its parameters, in small letters.
fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next()?.trim().to_ascii_lowercase())
}

fn is_json(media_type: &str) -> bool {
    matches!(media_type, "application/json" | "text/json") || media_type.ends_with("+json")
}

/// The `error` of a challenge (RFC 6750 §3), such as `insufficient_scope`.
fn challenged(headers: &HeaderMap) -> Option<String> {
    let challenge = headers.get(WWW_AUTHENTICATE)?.to_str().ok()?;
    let (_, after) = challenge.split_once("error=\"")?;
    let (error, _) = after.split_once('"')?;
    Some(excerpt(error)).filter(|error| !error.is_empty())
}

/// The `error` of a body, where it is a code. Objects of that name also tell of success, so they tell nothing.
fn error_member(members: &Map<String, Value>) -> Option<String> {
    members.get("error").and_then(Value::as_str).filter(|error| !error.is_empty()).map(excerpt)
}

fn reported(error: Option<&str>) -> String {
    error.map_or_else(String::new, |error| format!(" and the error `{error}`"))
}

fn media(content_type: Option<&str>) -> String {
    content_type.map_or_else(|| "of no declared type".to_owned(), |content_type| format!("`{content_type}`"))
}

#[cfg(test)]
mod tests;
