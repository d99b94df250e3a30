//! The token endpoint: what is asked of it and what it answers.

use serde_json::{Map, Value};

use crate::secret::Secret;

/// How a token is to be presented.
///
/// # Specification
/// RFC 6749 §7.1; names compared without case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenType {
    /// RFC 6750.
    Bearer,
}

impl TokenType {
    /// The registered name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
        }
    }

    /// The type registered as `name`, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        name.eq_ignore_ascii_case("Bearer").then_some(Self::Bearer)
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
