//! A token on a request to a resource server.

use http::HeaderValue;

use super::Error;
use super::token::TokenType;
use crate::secret::Secret;

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
