//! The token endpoint's answer, read tolerantly where tolerance is harmless and strictly where it is not.

use serde_json::{Map, Value};

use super::confirmation::jkt;
use super::dpop::{Downgrade, Proven};
use super::http::{self, check_status, content, is_json, members};
use super::{Error, ErrorResponse, jose, json, scope};
use crate::secret::Secret;
use crate::system::http::Response;

/// What errors call it.
pub const ENDPOINT: &str = "token endpoint";

/// The member that says what a token exchange issued (RFC 8693 §2.2.1).
pub const ISSUED_TOKEN_TYPE: &str = "issued_token_type";

/// What the token is good for in detail (RFC 9396 §7).
pub const AUTHORIZATION_DETAILS: &str = "authorization_details";

/// Lifetimes beyond this many seconds (100 years) are nonsense and count as unknown.
const LONGEST_LIFE: f64 = 100.0 * 365.0 * 86_400.0;

/// How a token is to be presented.
///
/// # Specification
/// RFC 6749 §7.1; names compared without case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenType {
    /// RFC 6750.
    Bearer,
    /// RFC 9449: every request proves that it comes from whoever holds a key.
    DPoP,
    /// RFC 5849: every request is signed with the token's own secret. No token endpoint names it.
    OAuth1,
    /// RFC 8693 §2.2.1: what was issued is no access token, or how it is used is not for the server to say.
    NotApplicable,
}

impl TokenType {
    /// The registered name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::DPoP => "DPoP",
            Self::OAuth1 => "OAuth1",
            Self::NotApplicable => "N_A",
        }
    }

    /// The type called `name` in a record of ours.
    pub fn of_record(name: &str) -> Option<Self> {
        [Self::Bearer, Self::DPoP, Self::OAuth1, Self::NotApplicable].into_iter().find(|kind| kind.name() == name)
    }

    /// The type that a token endpoint registers as `name`, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Bearer, Self::DPoP].into_iter().find(|kind| name.eq_ignore_ascii_case(kind.name()))
    }
}

/// Tokens as they were obtained, with times made absolute.
///
/// # Specification
/// RFC 6749 §5.1; OpenID Connect Core §3.1.3.3 (`id_token`).
#[derive(Debug, Clone, PartialEq)]
pub struct TokenSet {
    /// The access token, byte for byte.
    pub access_token: Secret,
    /// The secret that requests with the token are signed with (RFC 5849 §2.3).
    pub token_secret: Option<Secret>,
    /// The private key that the tokens are bound to (RFC 9449 §5), as [`ProofKey`](super::dpop::ProofKey) reads it.
    pub proof_key: Option<Secret>,
    /// How it is presented.
    pub token_type: TokenType,
    /// Seconds since 1970 at which the access token ends; unknown when the server did not say.
    pub expires_at: Option<i64>,
    /// The refresh token, if there is one.
    pub refresh_token: Option<Secret>,
    /// Seconds since 1970 at which the refresh token ends, where the server said so.
    pub refresh_expires_at: Option<i64>,
    /// The granted scope.
    pub scopes: Vec<String>,
    /// The ID token as it came.
    pub id_token: Option<Secret>,
    /// Fields of the answer that the provider's entry wants kept (`token_keep`), and of the callback (`callback_keep`).
    pub kept: Map<String, Value>,
}

/// How a server's answer differs from the specification, as its entry says.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Whether a form or text is read where JSON is specified.
    pub any_format: bool,
    /// What a missing or unknown `token_type` means.
    pub token_type: Option<TokenType>,
    /// Where the members are, from the answer's outermost object; empty for there.
    pub path: Vec<String>,
    /// Other names for members: specified name, the server's.
    pub names: Vec<(String, String)>,
    /// Where errors are told, beside `error`.
    pub error_paths: Vec<String>,
    /// What separates scopes.
    pub scope_separator: String,
    /// Whether the answer must say what was granted, even where that is what was asked for.
    pub says_scope: bool,
    /// Members to keep.
    pub keep: Vec<String>,
    /// Whether it answers a token exchange: it says what it issues, and the type may be `N_A` (RFC 8693 §2.2.1).
    pub is_exchange: bool,
}

/// What was asked for and when the answer came.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Seconds since 1970 at which the answer had arrived.
    pub at: i64,
    /// The scope that was asked for; what is granted when the answer names none.
    pub scopes: &'a [String],
}

/// Tokens, with what a person should know about the answer.
#[derive(Debug)]
pub struct TokenResponse {
    /// What was issued.
    pub tokens: TokenSet,
    /// Departures that were tolerated and matter.
    pub remarks: Vec<Remark>,
}

/// A departure that was tolerated and matters.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remark {
    /// The lifetime is nonsense and counts as unknown.
    LifetimeUnknown(String),
    /// The token is already over.
    ExpiredOnArrival,
    /// These scopes were asked for and not granted.
    NotGranted(Vec<String>),
    /// Other authorization details were granted than were asked for, as JSON; `None` where the server does not say which.
    OtherDetails(Option<String>),
}

/// An answer that is no success, with the one thing that must not be lost with it.
#[derive(Debug)]
pub struct BadAnswer {
    /// What is wrong.
    pub error: Error,
    /// A refresh token that came all the same; the old one may be used up.
    pub refresh_token: Option<Secret>,
}

impl From<Error> for BadAnswer {
    fn from(error: Error) -> Self {
        Self { error, refresh_token: None }
    }
}

impl TokenResponse {
    /// Reads an answer.
    ///
    /// # Errors
    /// [`BadAnswer`]: what the server says ([`Error::Server`]), or what is wrong with how it says it.
    ///
    /// # Specification
    /// RFC 6749 §5.1, §5.2.
    pub fn read(response: &Response, rules: &Rules, asked: Asked<'_>) -> Result<Self, BadAnswer> {
        check_status(ENDPOINT, response, asked.at)?;
        let outer = match body(response, rules) {
            Ok(outer) => outer,
            // A body that cannot be read says less than the status does.
            Err(_) if response.status() != ::http::StatusCode::OK => return Err(status(response).into()),
            Err(error) => return Err(error.into()),
        };
        if let Some(error) = error_in(&outer, &rules.error_paths) {
            return Err(Error::Server(error).into());
        }
        if response.status() != ::http::StatusCode::OK {
            return Err(status(response).into());
        }
        let members = inner(&outer, rules)?;
        read_members(&members, rules, asked)
            .and_then(|read| bound(read, response.extensions().get::<Proven>()))
            .map(|mut response| {
                if let Some(details @ Value::Array(_)) = members.get(AUTHORIZATION_DETAILS) {
                    response.tokens.kept.insert(AUTHORIZATION_DETAILS.to_owned(), details.clone());
                }
                // What is worth keeping may lie beside nested tokens; the nearer one counts.
                for name in &rules.keep {
                    if let Some(value) = members.get(name).or_else(|| at_path(&outer, name)) {
                        response.tokens.kept.insert(name.clone(), value.clone());
                    }
                }
                response
            })
            .map_err(|error| BadAnswer { error, refresh_token: text(&members, "refresh_token").ok().flatten() })
    }
}

/// Tokens with the key that they are bound to, where the request was `proven` with one.
///
/// # Errors
/// [`Error::NotBound`] for a token that everybody could use, [`Error::OtherKey`] for one that is another's;
/// [`Error::TokenType`] for one that is bound to no key of ours.
///
/// # Specification
/// RFC 9449 §5. A refresh token may be bound even where the access token is none such, so that the key is kept with both.
fn bound(mut read: TokenResponse, proven: Option<&Proven>) -> Result<TokenResponse, Error> {
    let found = read.tokens.token_type;
    match (found, proven) {
        (TokenType::Bearer, Some(proven)) if proven.downgrade == Downgrade::Refused => {
            return Err(Error::NotBound { found: found.name().to_owned() });
        }
        (TokenType::DPoP, Some(proven)) if jkt(&read.tokens.access_token).is_some_and(|jkt| jkt != proven.jkt) => {
            return Err(Error::OtherKey);
        }
        (TokenType::DPoP, None) => return Err(Error::TokenType { found: found.name().to_owned() }),
        _ => {}
    }
    read.tokens.proof_key = proven.map(|proven| proven.key.clone());
    Ok(read)
}

/// The members of an answer, in the format that the entry allows.
pub(super) fn body(response: &Response, rules: &Rules) -> Result<Map<String, Value>, Error> {
    if is_json(response) || !rules.any_format {
        return members(ENDPOINT, response);
    }
    let not_json =
        || Error::NotJson { endpoint: ENDPOINT, status: response.status().as_u16(), content: content(response) };
    if http::media_type(response).is_some_and(|media_type| media_type.contains("html")) {
        return Err(not_json());
    }
    let body = response.body().trim_ascii();
    let start = body.iter().position(|byte| *byte == b'{');
    match start {
        Some(0) => json::parse_object(body).map_err(|cause| Error::Json { endpoint: ENDPOINT, cause }),
        // JSONP: one call around the object.
        Some(at) if body[..at].trim_ascii().ends_with(b"(") => {
            let end = body.iter().rposition(|byte| *byte == b'}').ok_or_else(not_json)?;
            json::parse_object(body.get(at..=end).unwrap_or_default())
                .map_err(|cause| Error::Json { endpoint: ENDPOINT, cause })
        }
        _ => {
            let text = std::str::from_utf8(body).map_err(|_| not_json())?;
            let pairs = url::form_urlencoded::parse(text.as_bytes());
            let members: Map<String, Value> =
                pairs.map(|(name, value)| (name.into(), value.into_owned().into())).collect();
            if text.contains('=') { Ok(members) } else { Err(not_json()) }
        }
    }
}

/// What a status means that is neither a success nor a temporary failure, without an error in the body.
fn status(response: &Response) -> Error {
    Error::Status { endpoint: ENDPOINT, status: response.status().as_u16(), content: content(response) }
}

/// The error that an answer reports: in `error`, or at one of the places that its entry names.
pub fn error_in(outer: &Map<String, Value>, paths: &[String]) -> Option<ErrorResponse> {
    let told = http::error_response(outer).filter(|told| !is_no_error(&Value::String(told.error.clone())));
    told.or_else(|| {
        let found = paths.iter().find_map(|path| at_path(outer, path).filter(|value| !is_no_error(value)))?;
        let error = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
        let words = ["error_description", "message", "msg", "errmsg", "error_msg"];
        let description = words.iter().find_map(|name| outer.get(*name)?.as_str().map(str::to_owned));
        Some(ErrorResponse { error, description, uri: None })
    })
}

/// Codes by which servers with fields of their own say that there is no error.
fn is_no_error(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => matches!(text.as_str(), "" | "0" | "ok" | "success"),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

/// The value at a dotted path of an answer.
pub fn at_path<'a>(members: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let mut names = path.split('.');
    let mut value = members.get(names.next()?)?;
    for name in names {
        value = value.get(name)?;
    }
    Some(value)
}

/// The object that holds the tokens, its members under their specified names.
fn inner(outer: &Map<String, Value>, rules: &Rules) -> Result<Map<String, Value>, Error> {
    let mut members = outer;
    for name in &rules.path {
        members = members.get(name).and_then(Value::as_object).ok_or_else(|| field(name, "is missing or no object"))?;
    }
    let mut members = members.clone();
    for (specified, own) in &rules.names {
        if let Some(value) = members.remove(own) {
            members.insert(specified.clone(), value);
        }
    }
    Ok(members)
}

fn field(name: &str, reason: &'static str) -> Error {
    Error::Field { endpoint: ENDPOINT, field: jose::excerpt(name), reason }
}

fn read_members(members: &Map<String, Value>, rules: &Rules, asked: Asked<'_>) -> Result<TokenResponse, Error> {
    let access_token = text(members, "access_token")?.ok_or_else(|| field("access_token", "is missing or empty"))?;
    let issued = match members.get(ISSUED_TOKEN_TYPE) {
        Some(Value::String(kind)) if !kind.is_empty() => Some(kind),
        _ if rules.is_exchange => return Err(field(ISSUED_TOKEN_TYPE, "is missing or no text")),
        _ => None,
    };
    let token_type = token_type(members, rules)?;
    let refresh_token = text(members, "refresh_token")?;
    let id_token = text(members, "id_token")?;

    let mut remarks = Vec::new();
    let expires_at = expiry(members.get("expires_in"), asked.at, &mut remarks);
    let refresh_life = members.get("refresh_token_expires_in").or_else(|| members.get("refresh_expires_in"));
    // Zero is how some servers say that it does not end.
    let refresh_expires_at = expiry(refresh_life, asked.at, &mut Vec::new()).filter(|end| *end > asked.at);
    let scopes = granted(members.get("scope"), rules, asked.scopes)?;
    let missing = scope::missing(asked.scopes, &scopes);
    if !missing.is_empty() {
        remarks.push(Remark::NotGranted(missing.into_iter().map(str::to_owned).collect()));
    }
    let tokens = TokenSet {
        access_token,
        token_secret: None,
        proof_key: None,
        token_type,
        expires_at,
        refresh_token,
        refresh_expires_at,
        scopes,
        id_token,
        kept: issued
            .filter(|_| rules.is_exchange)
            .map(|kind| (ISSUED_TOKEN_TYPE.to_owned(), Value::String(kind.clone())))
            .into_iter()
            .collect(),
    };
    Ok(TokenResponse { tokens, remarks })
}

/// A member that must be text fit for a header, if it is there; empty counts as absent.
fn text(members: &Map<String, Value>, name: &str) -> Result<Option<Secret>, Error> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(value)) if value.is_empty() => Ok(None),
        // RFC 6749 appendix A.12, A.17: VSCHAR.
        // A blank at an end would be lost in a header.
        Some(Value::String(value))
            if value.trim() == value && value.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) =>
        {
            Ok(Some(value.as_str().into()))
        }
        Some(Value::String(_)) => Err(field(name, "has characters that no token may have")),
        Some(_) => Err(field(name, "is no text")),
    }
}

fn token_type(members: &Map<String, Value>, rules: &Rules) -> Result<TokenType, Error> {
    let found = match members.get("token_type") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(name.as_str()),
        Some(_) => return Err(field("token_type", "is no text")),
    };
    if rules.is_exchange && found.is_some_and(|name| name.eq_ignore_ascii_case(TokenType::NotApplicable.name())) {
        return Ok(TokenType::NotApplicable);
    }
    match (found.and_then(TokenType::parse), rules.token_type, found) {
        (Some(token_type), _, _) | (None, Some(token_type), _) => Ok(token_type),
        (None, None, Some(found)) => Err(Error::TokenType { found: jose::excerpt(found) }),
        (None, None, None) => Err(field("token_type", "is missing")),
    }
}

/// The absolute end of a lifetime; `None` where there is none or it makes no sense.
fn expiry(life: Option<&Value>, at: i64, remarks: &mut Vec<Remark>) -> Option<i64> {
    let seconds = match life? {
        Value::Null => return None,
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    match seconds {
        Some(seconds) if seconds.is_finite() && seconds <= LONGEST_LIFE => {
            if seconds <= 0.0 {
                remarks.push(Remark::ExpiredOnArrival);
            }
            // Bounded above, and the cast saturates below zero.
            Some(at.saturating_add(seconds.max(0.0) as i64))
        }
        _ => {
            remarks.push(Remark::LifetimeUnknown(jose::excerpt(&life?.to_string())));
            None
        }
    }
}

fn granted(scope: Option<&Value>, rules: &Rules, requested: &[String]) -> Result<Vec<String>, Error> {
    let separator = if rules.scope_separator.is_empty() { " " } else { &rules.scope_separator };
    match scope {
        None | Some(Value::Null) if rules.says_scope => Err(field("scope", "is missing")),
        None | Some(Value::Null) => Ok(requested.to_vec()),
        Some(Value::String(text)) => Ok(scope::split(text, separator, requested)),
        Some(Value::Array(items)) => {
            let words = items.iter().map(|item| item.as_str().map(str::to_owned));
            words.collect::<Option<_>>().ok_or_else(|| field("scope", "is a list of other things than text"))
        }
        Some(_) => Err(field("scope", "is neither text nor a list")),
    }
}

#[cfg(test)]
mod tests;
