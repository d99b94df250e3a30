//! The answers of the two endpoints that issue credentials.

use serde_json::{Map, Value};

use super::encoding::decode;
use super::{Credentials, Error, Signing, problem};
use crate::protocol;
use crate::protocol::http::{check_status, content};
use crate::secret::Secret;
use crate::system::http::Response;

/// What errors call the endpoint of temporary credentials.
pub const REQUEST_ENDPOINT: &str = "request token endpoint";

/// What errors call the endpoint of token credentials.
pub const TOKEN_ENDPOINT: &str = "token endpoint";

/// How many further parameters of an answer are kept, and how long each may be, in bytes.
const KEPT: (usize, usize) = (32, 1000);

/// Whether the server must confirm the callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmation {
    /// OAuth 1.0a and RFC 5849.
    Required,
    /// OAuth Core 1.0, which does not know it.
    Unknown,
}

/// What the token endpoint issued.
#[derive(Debug)]
pub struct Issued {
    /// The token credentials.
    pub credentials: Credentials,
    /// Seconds for which they are good, where the server says so (OAuth Session extension: `oauth_expires_in`).
    pub expires_in: Option<i64>,
    /// Further parameters, such as `user_id` and `screen_name`.
    pub extra: Map<String, Value>,
}

/// Reads temporary credentials.
///
/// # Errors
/// In this order: the status, a reported problem, [`protocol::Error::Field`] for what is missing or malformed,
/// [`Error::NotConfirmed`].
///
/// # Specification
/// RFC 5849 §2.1.
pub fn temporary(
    response: &Response,
    signing: &Signing,
    confirmation: Confirmation,
    now: i64,
) -> Result<Credentials, protocol::Error> {
    let form = Form::read(REQUEST_ENDPOINT, response, now)?;
    let credentials = form.credentials(signing)?;
    match (confirmation, form.one("oauth_callback_confirmed")?) {
        (Confirmation::Unknown, _) => Ok(credentials),
        // In any case: servers in Python write `True` (Authlib 1.9, 2026).
        (Confirmation::Required, Some(word)) if word.eq_ignore_ascii_case("true") => Ok(credentials),
        (Confirmation::Required, _) => Err(Error::NotConfirmed.into()),
    }
}

/// Reads token credentials.
///
/// # Errors
/// As [`temporary`], without the confirmation.
///
/// # Specification
/// RFC 5849 §2.3.
pub fn issued(response: &Response, signing: &Signing, now: i64) -> Result<Issued, protocol::Error> {
    let form = Form::read(TOKEN_ENDPOINT, response, now)?;
    let credentials = form.credentials(signing)?;
    let expires_in = form.one("oauth_expires_in")?.and_then(|text| text.parse().ok()).filter(|life| *life > 0);
    let own = ["oauth_token", "oauth_token_secret", "oauth_callback_confirmed"];
    let extra = form.pairs.iter().filter(|(name, value)| !own.contains(&name.as_str()) && value.len() <= KEPT.1);
    let extra = extra.take(KEPT.0).map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect();
    Ok(Issued { credentials, expires_in, extra })
}

/// An answer's parameters. A form whatever its media type: servers call it text or HTML.
struct Form {
    endpoint: &'static str,
    pairs: Vec<(String, String)>,
}

impl Form {
    fn read(endpoint: &'static str, response: &Response, now: i64) -> Result<Self, protocol::Error> {
        if let Some(problem) = problem::reported(response) {
            return Err(protocol::Error::Server(problem));
        }
        check_status(endpoint, response, now)?;
        if problem::is_refusal(response) {
            return Err(protocol::Error::Server(problem::refusal(response)));
        }
        if !response.status().is_success() {
            let status = response.status().as_u16();
            return Err(protocol::Error::Status { endpoint, status, content: content(response) });
        }
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).ok();
        let pairs = decode(response.body().trim_ascii());
        let pairs: Option<Vec<_>> = pairs.into_iter().map(|(name, value)| Some((text(name)?, text(value)?))).collect();
        let no_text =
            || protocol::Error::Field { endpoint, field: "oauth_token".into(), reason: "is missing: it is no form" };
        Ok(Self { endpoint, pairs: pairs.ok_or_else(no_text)? })
    }

    fn credentials(&self, signing: &Signing) -> Result<Credentials, protocol::Error> {
        let token = self.one("oauth_token")?.filter(|token| !token.is_empty());
        let token = self.visible("oauth_token", token)?;
        // Servers that verify by the client's key have no use for it, and some leave it empty.
        let secret =
            self.one("oauth_token_secret")?.filter(|secret| !secret.is_empty() || !signing.uses_token_secret());
        let secret = self.visible("oauth_token_secret", secret)?;
        Ok(Credentials { token, secret })
    }

    fn visible(&self, name: &'static str, value: Option<&str>) -> Result<Secret, protocol::Error> {
        let value = value.ok_or_else(|| self.fault(name, "is missing or empty"))?;
        if value.trim() != value || !value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(self.fault(name, "has characters that no token may have"));
        }
        Ok(value.into())
    }

    /// The value of a parameter that must not come twice.
    fn one(&self, name: &'static str) -> Result<Option<&str>, protocol::Error> {
        let mut found = self.pairs.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        match (found.next(), found.next()) {
            (_, Some(_)) => Err(self.fault(name, "comes more than once")),
            (value, None) => Ok(value),
        }
    }

    fn fault(&self, name: &str, reason: &'static str) -> protocol::Error {
        protocol::Error::Field { endpoint: self.endpoint, field: name.to_owned(), reason }
    }
}
