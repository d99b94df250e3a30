//! A token on a request to a resource server.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method};
use url::Url;

use super::Error;
use super::token::TokenType;
use crate::secret::Secret;

/// What of a request to a resource server the proof beside a token may cover.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'a> {
    /// The method.
    pub method: &'a Method,
    /// The address, its query included.
    pub url: &'a Url,
    /// The body, if it is a form: its parameters are signed with the request (RFC 5849 §3.4.1.3.1).
    pub form: Option<&'a [u8]>,
}

/// Puts a token on a request, as its type demands. Called anew for each request, a repeated one too: a proof is for one
/// request only.
///
/// # Errors
/// [`Error::Parameter`] for a token that fits no header, or that cannot be presented without more than itself.
///
/// # Specification
/// RFC 6750 §2.1; RFC 5849 §3.
pub fn present(
    token_type: TokenType,
    token: &Secret,
    request: Presented<'_>,
    headers: &mut HeaderMap,
) -> Result<(), Error> {
    match token_type {
        TokenType::Bearer => {
            headers.insert(AUTHORIZATION, authorization(token_type, token)?);
            Ok(())
        }
        TokenType::OAuth1 => {
            let Presented { method, url, .. } = request;
            let reason = format!("`{method} {}` must be signed", url.path());
            Err(Error::Parameter { name: "access_token".into(), reason })
        }
    }
}

/// The value of the Authorization header.
///
/// # Errors
/// [`Error::Parameter`] for a token that fits no header; none that was accepted from a server does that.
///
/// # Specification
/// RFC 6750 §2.1. The URI query (§2.3) is not offered: addresses end up in logs and histories.
pub fn authorization(token_type: TokenType, token: &Secret) -> Result<HeaderValue, Error> {
    scheme(token_type.name(), token)
}

/// As [`authorization`], under a scheme of the server's own.
///
/// # Errors
/// [`Error::Parameter`] for a token or scheme that fits no header.
pub fn scheme(name: &str, token: &Secret) -> Result<HeaderValue, Error> {
    let text = zeroize::Zeroizing::new(format!("{name} {}", token.expose()));
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| Error::Parameter { name: "access_token".into(), reason: "it fits no header".into() })?;
    value.set_sensitive(true);
    Ok(value)
}
