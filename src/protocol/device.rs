//! The device authorization grant's messages: a code for the person, and the polls that wait for what becomes of it.
//!
//! What a server says is shown to a person who will type it elsewhere, so that it must be short, visible and an address
//! that may be opened. Its numbers only ever slow the client down or end its wait. The departures of known servers are
//! [`Shape`]s. When to poll is left to `grant`.

use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::token::{self, Asked, Rules, TokenResponse};
use super::{Error, ErrorResponse, http, jose};
use crate::secret::Secret;
use crate::system;
use crate::system::http::{Response, check_url};

/// What errors call it.
pub const ENDPOINT: &str = "device authorization endpoint";

/// The registered grant type (RFC 8628 §3.4).
pub const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Between polls, where the server does not say (RFC 8628 §3.2).
pub const USUAL_INTERVAL: Duration = Duration::from_secs(5);

/// What `slow_down` adds to the interval (RFC 8628 §3.5).
pub const SLOW_DOWN: Duration = Duration::from_secs(5);

/// Nobody polls faster, whatever a server allows.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// No code is waited for longer, whatever a server promises; codes live for 10 or 15 minutes as a rule.
pub const LONGEST_LIFE: Duration = Duration::from_secs(30 * 60);

/// Characters of a code that a person types: several times the eight that RFC 8628 §6.1 advises.
const MAX_USER_CODE: usize = 64;

/// Characters of an address that is shown, and that fits into a QR code.
const MAX_ADDRESS: usize = 2048;

/// Bytes of a device code: far above any seen, and bounded.
const MAX_DEVICE_CODE: usize = 8 * 1024;

/// How a server's messages differ from the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// A `response_type` in the first request.
    pub response_type: Option<&'static str>,
    /// The parameter for scopes, where it is not the entry's; then it is repeated in each poll.
    pub scope: Option<&'static str>,
    /// The `grant_type` of a poll, if there is one.
    pub grant_type: Option<&'static str>,
    /// The parameter that holds the device code in a poll.
    pub code: &'static str,
    /// Whether requests are JSON.
    pub json: bool,
    /// Whether a poll is authenticated with HTTP Basic, whatever other requests are.
    pub basic: bool,
    /// What the status of an answer to a poll tells.
    pub status: StatusTells,
    /// Whether an ID token comes with the scope `openid`.
    pub id_token: bool,
}

/// What the status of an answer to a poll tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusTells {
    /// Nothing: the body's `error` does (RFC 8628 §3.5).
    Nothing,
    /// 428: not yet.
    Pending,
    /// 400: not yet; 404: unknown; 409: used; 410: over; 418: denied; 429: too fast.
    Everything,
}

impl Shape {
    /// As specified.
    pub const RFC8628: Self = Self {
        response_type: None,
        scope: None,
        grant_type: Some(GRANT_TYPE),
        code: "device_code",
        json: false,
        basic: false,
        status: StatusTells::Nothing,
        id_token: true,
    };

    /// Trakt: JSON, and the status is the answer to a poll.
    pub const TRAKT: Self = Self {
        grant_type: None,
        code: "code",
        json: true,
        status: StatusTells::Everything,
        id_token: false,
        ..Self::RFC8628
    };

    /// Yandex: a draft's names.
    pub const YANDEX: Self = Self { grant_type: Some("device_code"), code: "code", id_token: false, ..Self::RFC8628 };

    /// Salesforce: a draft's names, and the token endpoint for both requests.
    pub const SALESFORCE: Self = Self {
        response_type: Some("device_code"),
        grant_type: Some("device"),
        code: "code",
        id_token: false,
        ..Self::RFC8628
    };

    /// Twitch: scopes in the plural, also in polls.
    pub const TWITCH: Self = Self { scope: Some("scopes"), id_token: false, ..Self::RFC8628 };

    /// Webex: polls with HTTP Basic, and 428 until the person has agreed.
    pub const WEBEX: Self = Self { basic: true, status: StatusTells::Pending, id_token: false, ..Self::RFC8628 };
}

/// What a person enters, and where.
///
/// # Specification
/// RFC 8628 §3.2, §3.3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserCode {
    /// Printable ASCII, at most 64 characters.
    pub user_code: String,
    /// Where it is entered: `https`, or `http` on a loopback host.
    pub verification_uri: Url,
    /// The same with the code in it.
    pub verification_uri_complete: Option<Url>,
}

impl UserCode {
    /// The address that spares the person the typing, if there is one.
    pub fn address(&self) -> &Url {
        self.verification_uri_complete.as_ref().unwrap_or(&self.verification_uri)
    }
}

/// The device authorization endpoint's answer.
///
/// # Specification
/// RFC 8628 §3.2.
#[derive(Debug)]
pub struct DeviceAuthorization {
    /// What polls are made with.
    pub device_code: Secret,
    /// What the person gets.
    pub code: UserCode,
    /// How long both live: at most [`LONGEST_LIFE`], which is also what nonsense means; zero when they are over already.
    pub lifetime: Duration,
    /// The least time between polls, at least a second.
    pub interval: Duration,
}

impl DeviceAuthorization {
    /// Reads an answer that came at `now`, seconds since 1970; `names` are the server's own names of members, by the
    /// specified ones, and `error_paths` where errors are told beside `error`.
    ///
    /// # Errors
    /// What the server says, or what is wrong with how it says it; [`Error::VerificationUri`] for an address that must
    /// neither be opened nor shown.
    pub fn read(
        response: &Response,
        names: &[(String, String)],
        error_paths: &[String],
        now: i64,
    ) -> Result<Self, Error> {
        http::check_status(ENDPOINT, response, now)?;
        let is_success = response.status() == ::http::StatusCode::OK;
        let status = || Error::Status {
            endpoint: ENDPOINT,
            status: response.status().as_u16(),
            content: http::content(response),
        };
        let members = match http::members(ENDPOINT, response) {
            Err(_) if !is_success => return Err(status()),
            members => members?,
        };
        match token::error_in(&members, error_paths) {
            Some(told) => return Err(Error::Server(told)),
            None if !is_success => return Err(status()),
            None => {}
        }
        let own = |name: &'static str| {
            let other = names.iter().find(|(specified, _)| specified == name).and_then(|(_, own)| members.get(own));
            other.or_else(|| members.get(name))
        };
        let code = UserCode {
            user_code: user_code(own("user_code"))?,
            verification_uri: address("verification_uri", own("verification_uri"))?
                .ok_or_else(|| field("verification_uri", "is missing or empty"))?,
            verification_uri_complete: address("verification_uri_complete", own("verification_uri_complete"))?,
        };
        Ok(Self {
            device_code: device_code(own("device_code"))?,
            code,
            lifetime: lifetime(own("expires_in")),
            interval: interval(own("interval")).unwrap_or(USUAL_INTERVAL),
        })
    }
}

/// What an answer to a poll means.
///
/// # Specification
/// RFC 8628 §3.5.
#[derive(Debug)]
pub enum Poll {
    /// Tokens.
    Issued(Box<TokenResponse>),
    /// The person has not decided yet.
    Pending,
    /// The same, and polls come too fast; the interval that came along, if one did.
    SlowDown(Option<Duration>),
    /// The code is over.
    Expired,
}

impl Poll {
    /// Reads an answer.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where the server may answer better soon; otherwise what it says, or what is wrong with how
    /// it says it.
    pub fn read(response: &Response, shape: &Shape, rules: &Rules, asked: Asked<'_>) -> Result<Self, Error> {
        let status = response.status().as_u16();
        match (shape.status, status) {
            (StatusTells::Pending, 428) | (StatusTells::Everything, 400) => return Ok(Self::Pending),
            (StatusTells::Everything, 404 | 409) => return Err(refusal("invalid_grant")),
            (StatusTells::Everything, 410) => return Ok(Self::Expired),
            (StatusTells::Everything, 418) => return Err(refusal("access_denied")),
            (StatusTells::Everything, 429) => return Ok(Self::SlowDown(None)),
            _ => {}
        }
        // Some servers say `slow_down` with 429; what else that says is a temporary failure.
        let told = if response.status().is_server_error() { None } else { token::body(response, rules).ok() };
        let error = told.as_ref().and_then(|members| token::error_in(members, &rules.error_paths));
        match (error.as_ref().map(|told| told.error.as_str()), told) {
            (Some("authorization_pending"), _) => Ok(Self::Pending),
            (Some("slow_down"), members) => Ok(Self::SlowDown(members.and_then(|it| interval(it.get("interval"))))),
            (Some("expired_token"), _) => Ok(Self::Expired),
            _ => TokenResponse::read(response, rules, asked).map(Box::new).map(Self::Issued).map_err(|bad| bad.error),
        }
    }
}

fn refusal(error: &str) -> Error {
    Error::Server(ErrorResponse { error: error.to_owned(), description: None, uri: None })
}

fn field(name: &str, reason: &'static str) -> Error {
    Error::Field { endpoint: ENDPOINT, field: name.to_owned(), reason }
}

/// A member that must be text, if it is there; empty counts as absent.
fn text<'a>(name: &str, value: Option<&'a Value>) -> Result<Option<&'a str>, Error> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(field(name, "is no text")),
    }
}

fn device_code(value: Option<&Value>) -> Result<Secret, Error> {
    const NAME: &str = "device_code";
    match text(NAME, value)? {
        None => Err(field(NAME, "is missing or empty")),
        Some(code) if code.len() > MAX_DEVICE_CODE => Err(field(NAME, "is too long")),
        Some(code) => Ok(code.into()),
    }
}

/// Whoever types the code must see every character of it, in order, and nothing that only looks like one.
fn user_code(value: Option<&Value>) -> Result<String, Error> {
    const NAME: &str = "user_code";
    let code = text(NAME, value)?.map(str::trim).filter(|code| !code.is_empty());
    match code.ok_or_else(|| field(NAME, "is missing or empty"))? {
        code if code.len() > MAX_USER_CODE => Err(field(NAME, "is too long")),
        code if !code.bytes().all(|byte| matches!(byte, b' '..=b'~')) => {
            Err(field(NAME, "has characters that nobody can type"))
        }
        code => Ok(code.to_owned()),
    }
}

/// An address that may be shown and opened.
fn address(name: &'static str, value: Option<&Value>) -> Result<Option<Url>, Error> {
    let Some(text) = text(name, value)? else { return Ok(None) };
    if text.len() > MAX_ADDRESS {
        return Err(field(name, "is too long"));
    }
    // A parser of addresses drops or mends these silently; what is shown must be what was said.
    if text.chars().any(|character| character.is_control() || character.is_whitespace() || character == '\\') {
        return Err(field(name, "has characters that no address may have"));
    }
    let url = Url::parse(text).map_err(|_| field(name, "is no absolute address"))?;
    match check_url(&url) {
        Ok(()) => Ok(Some(url)),
        Err(system::Error::ForbiddenUrl { reason, .. }) => {
            Err(Error::VerificationUri { field: name, scheme: jose::excerpt(url.scheme()), reason })
        }
        Err(_) => Err(field(name, "is no address that can be used")),
    }
}

/// A number that makes sense, also where it is written as text.
fn number(value: Option<&Value>) -> Option<f64> {
    let number = match value? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

/// Seconds of life, between none and the longest.
pub(super) fn lifetime(value: Option<&Value>) -> Duration {
    number(value)
        .map_or(LONGEST_LIFE, |seconds| Duration::from_secs_f64(seconds.clamp(0.0, LONGEST_LIFE.as_secs_f64())))
}

/// Seconds between polls, within reason; none where it is no positive number.
pub(super) fn interval(value: Option<&Value>) -> Option<Duration> {
    let seconds = number(value).filter(|seconds| *seconds > 0.0)?;
    let (shortest, longest) = (SHORTEST_INTERVAL.as_secs_f64(), LONGEST_LIFE.as_secs_f64());
    Some(Duration::from_secs_f64(seconds.clamp(shortest, longest)))
}

#[cfg(test)]
mod tests;
