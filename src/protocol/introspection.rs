//! What the server says of a token: whether it still counts, and what it is good for.
//!
//! [`request`] asks, [`read`] understands the answer: members in JSON (RFC 7662), or a signed token whose signature the
//! caller verifies with the issuer's keys and hands to [`Rules::accept`] (RFC 9701). Sending is left to `client`, and what
//! an inactive token means for a session to `session`.

use http::header::{ACCEPT, HeaderValue};
use serde_json::{Map, Value};
use url::Url;

use super::http::{EndpointRequest, check_status, error_response, is_json, media_type};
use super::id_token;
use super::jose::{self, Jws, Verified, excerpt};
use super::parameters::Parameters;
use super::revocation::TokenTypeHint;
use super::{Error as ProtocolError, json};
use crate::secret::Secret;
use crate::system::http::Response;

/// What errors call it.
pub const ENDPOINT: &str = "introspection endpoint";

/// The media type of a signed answer (RFC 9701 §5, §10.2).
const SIGNED: &str = "application/token-introspection+jwt";

/// The `typ` of a signed answer (RFC 9701 §5).
const TYPE: &str = "token-introspection+jwt";

/// In which form the answer must come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// JSON; a signed answer is taken as well, once it is verified.
    Json,
    /// A signed token and nothing else: `introspection_signed_response_alg` is configured.
    Signed,
}

/// What a signed answer must agree with.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// Who must have signed it.
    pub issuer: &'a str,
    /// Whom it must be for.
    pub client_id: &'a str,
    /// Seconds by which the two clocks may differ.
    pub tolerance: u64,
    /// The time, in seconds since 1970.
    pub now: i64,
}

/// An answer, read.
#[derive(Debug)]
pub enum Answer {
    /// What the server says.
    Plain(Introspection),
    /// A token whose signature is to be verified, and which then must pass [`Rules::accept`].
    Signed(Jws),
}

/// What a server says of a token. Foreign text, to be escaped and cut by whoever shows it.
///
/// # Specification
/// RFC 7662 §2.2.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Introspection {
    /// Whether the token counts; of an inactive one nothing else is said.
    pub active: bool,
    /// The scope, separated by blanks.
    pub scope: Option<String>,
    /// For whom it was issued.
    pub client_id: Option<String>,
    /// Whose it is, for people.
    pub username: Option<String>,
    /// How it is presented.
    pub token_type: Option<String>,
    /// When it ends, in seconds since 1970.
    pub expires_at: Option<i64>,
    /// When it was issued, in seconds since 1970.
    pub issued_at: Option<i64>,
    /// Whose it is, for machines.
    pub subject: Option<String>,
    /// Who may be given it.
    pub audience: Vec<String>,
    /// Who issued it.
    pub issuer: Option<String>,
}

/// Why a signed answer is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A signed answer is configured, and a plain one came.
    #[error("the introspection answer is not signed, as it is configured to be")]
    NotSigned,
    /// The answer is no signed token.
    #[error("the signed introspection answer cannot be read")]
    Token(#[source] jose::Error),
    /// `typ` says that it is another kind of token, such as an access token that was sent back (RFC 9701 §8.1).
    #[error("the signed introspection answer's `typ` is {}, expected `{TYPE}`", found.as_ref().map_or_else(|| "missing".to_owned(), |found| format!("`{found}`")))]
    Kind {
        /// What the header says.
        found: Option<String>,
    },
    /// The answer of another server.
    #[error("the introspection answer's `iss` is `{found}`, expected `{expected}`")]
    Issuer {
        /// The issuer of the session.
        expected: String,
        /// What the answer says.
        found: String,
    },
    /// The answer is for somebody else.
    #[error("the introspection answer's `aud` is `{found}`, expected `{expected}`")]
    Audience {
        /// Our client identifier.
        expected: String,
        /// What the answer says.
        found: String,
    },
    /// An answer that was given long before it was asked for, or this clock is slow.
    #[error("the introspection answer was issued {} s from now by this computer's clock", at.saturating_sub(*now))]
    Future {
        /// When it says it was issued, in seconds since 1970.
        at: i64,
        /// The time here.
        now: i64,
    },
}

/// The question about `token`; the client is still to be authenticated.
///
/// # Specification
/// RFC 7662 §2.1; RFC 9701 §4 (`Accept` asks for a signed answer).
pub fn request(endpoint: Url, token: &Secret, hint: TokenTypeHint, form: Form) -> EndpointRequest {
    let mut parameters = Parameters::new();
    parameters.set("token", token.expose());
    parameters.set("token_type_hint", hint.name());
    let mut request = EndpointRequest::new(endpoint, parameters);
    if form == Form::Signed {
        request.headers.insert(ACCEPT, HeaderValue::from_static(SIGNED));
    }
    request
}

/// Reads an answer.
///
/// # Errors
/// [`ProtocolError::Redirected`], [`ProtocolError::Unavailable`], [`ProtocolError::Server`], [`ProtocolError::Status`];
/// [`Error::NotSigned`], [`Error::Token`] inside; whatever is wrong with the JSON.
///
/// # Specification
/// RFC 7662 §2.2, §2.3; RFC 9701 §5.
pub fn read(response: &Response, form: Form, now: i64) -> Result<Answer, ProtocolError> {
    check_status(ENDPOINT, response, now)?;
    if response.status() != http::StatusCode::OK {
        let told = is_json(response).then(|| json::parse_object(response.body()).ok()).flatten();
        return Err(match told.as_ref().and_then(error_response) {
            Some(error) => ProtocolError::Server(error),
            None => {
                let (status, content) = (response.status().as_u16(), super::http::content(response));
                ProtocolError::Status { endpoint: ENDPOINT, status, content }
            }
        });
    }
    if media_type(response).as_deref() == Some(SIGNED) {
        // Bytes that are not UTF-8 become characters that are not base64url, and so an error.
        let token = String::from_utf8_lossy(response.body());
        return Ok(Answer::Signed(Jws::parse(token.trim_end()).map_err(Error::Token)?));
    }
    if form == Form::Signed {
        return Err(Error::NotSigned.into());
    }
    Ok(Answer::Plain(Introspection::of(&super::http::members(ENDPOINT, response)?)?))
}

impl Rules<'_> {
    /// What a signed answer whose signature is right says.
    ///
    /// # Errors
    /// The first of `typ`, `iss`, `aud` and `iat` that does not agree; what is wrong with `token_introspection`.
    ///
    /// # Specification
    /// RFC 9701 §5, §8.1.
    pub fn accept(&self, verified: Verified) -> Result<Introspection, ProtocolError> {
        let typ = verified.typ();
        if !typ.is_some_and(|typ| typ.trim_start_matches("application/").eq_ignore_ascii_case(TYPE)) {
            return Err(Error::Kind { found: typ.map(excerpt) }.into());
        }
        let claims = verified.into_claims();
        let issuer = text(&claims, "iss")?.unwrap_or_default();
        if issuer != self.issuer {
            return Err(Error::Issuer { expected: excerpt(self.issuer), found: excerpt(&issuer) }.into());
        }
        let audience = audience(&claims)?;
        if !audience.iter().any(|one| one == self.client_id) {
            let found = excerpt(&audience.join(", "));
            return Err(Error::Audience { expected: excerpt(self.client_id), found }.into());
        }
        let at = moment(&claims, "iat")?.ok_or_else(|| field("iat", "is missing"))?;
        let tolerance = i64::try_from(self.tolerance).unwrap_or(i64::MAX);
        if at > self.now.saturating_add(tolerance) {
            return Err(Error::Future { at, now: self.now }.into());
        }
        match claims.get("token_introspection") {
            Some(Value::Object(members)) => Introspection::of(members),
            _ => Err(field("token_introspection", "is no object")),
        }
    }
}

impl Introspection {
    fn of(members: &Map<String, Value>) -> Result<Self, ProtocolError> {
        let active = match members.get("active") {
            Some(Value::Bool(active)) => *active,
            _ => return Err(field("active", "is neither true nor false")),
        };
        if !active {
            // More should not be there (RFC 7662 §2.2), and would mean nothing.
            return Ok(Self::default());
        }
        Ok(Self {
            active,
            scope: text(members, "scope")?,
            client_id: text(members, "client_id")?,
            username: text(members, "username")?,
            token_type: text(members, "token_type")?,
            expires_at: moment(members, "exp")?,
            issued_at: moment(members, "iat")?,
            subject: text(members, "sub")?,
            audience: audience(members)?,
            issuer: text(members, "iss")?,
        })
    }
}

fn field(name: &'static str, reason: &'static str) -> ProtocolError {
    ProtocolError::Field { endpoint: ENDPOINT, field: name.to_owned(), reason }
}

fn text(members: &Map<String, Value>, name: &'static str) -> Result<Option<String>, ProtocolError> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(field(name, "is no text")),
    }
}

fn moment(members: &Map<String, Value>, name: &'static str) -> Result<Option<i64>, ProtocolError> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => id_token::seconds(value).map(Some).ok_or_else(|| field(name, "is no time")),
    }
}

fn audience(members: &Map<String, Value>) -> Result<Vec<String>, ProtocolError> {
    let malformed = || field("aud", "is neither text nor a list of it");
    match members.get("aud") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(Value::Array(list)) => {
            list.iter().map(|one| one.as_str().map(str::to_owned)).collect::<Option<_>>().ok_or_else(malformed)
        }
        Some(_) => Err(malformed()),
    }
}

#[cfg(test)]
mod tests;
