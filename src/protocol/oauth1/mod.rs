//! OAuth 1.0 and 1.0a: every request is signed, by the client's secret or key and the token's own secret.
//!
//! [`header`] puts the signature of [`signature`] on a request; [`credentials`] reads what the two endpoints answer and
//! [`problem`] what a server says when it refuses. Nonce and time are passed in. The dance with the person is left to
//! `grant`, sending to `client`.
//!
//! # Specification
//! RFC 5849; for the original protocol OAuth Core 1.0 (2007), whose flow has no verifier.

pub mod credentials;
mod encoding;
mod error;
pub mod header;
mod key;
pub mod problem;
pub mod signature;
#[cfg(test)]
mod tests;

use crate::secret::Secret;

pub use encoding::encode;
pub use error::Error;
pub use key::PrivateKey;
pub use signature::Signing;

/// Whether this build can make RSA-SHA1 signatures.
pub const HAS_RSA_SHA1: bool = cfg!(feature = "rsa-sha1");

/// The client, as one server knows it.
///
/// # Specification
/// RFC 5849 §1.1 (client credentials).
#[derive(Debug)]
pub struct Consumer {
    /// The consumer key.
    pub key: String,
    /// How it signs.
    pub signing: Signing,
    /// The protection realm, where the server wants one (RFC 5849 §3.5.1).
    pub realm: Option<String>,
}

/// Temporary or token credentials.
///
/// # Specification
/// RFC 5849 §1.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// `oauth_token`.
    pub token: Secret,
    /// `oauth_token_secret`; never sent.
    pub secret: Secret,
}

/// What must differ between any two requests, made by the caller.
///
/// # Specification
/// RFC 5849 §3.3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fresh {
    /// Seconds since 1970, positive.
    pub timestamp: i64,
    /// Random, of unreserved characters.
    pub nonce: String,
}
