//! What of a session is handed out.

use crate::protocol::token::{TokenSet, TokenType};
use crate::secret::Secret;

/// A token that can be handed out.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The token.
    pub access_token: Secret,
    /// How it is presented.
    pub token_type: TokenType,
    /// The private key that it is bound to (RFC 9449).
    pub proof_key: Option<Secret>,
    /// Seconds since 1970 at which it ends, where that is known.
    pub expires_at: Option<i64>,
    /// The granted scope.
    pub scopes: Vec<String>,
}

impl From<TokenSet> for Taken {
    fn from(tokens: TokenSet) -> Self {
        let TokenSet { access_token, token_type, proof_key, expires_at, scopes, .. } = tokens;
        Self { access_token, token_type, proof_key, expires_at, scopes }
    }
}
