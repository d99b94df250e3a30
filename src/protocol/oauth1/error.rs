//! What is wrong with an OAuth 1.0 request or answer, beyond what all protocols share.

/// A request that must not be sent, or an answer that must not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// RFC 5849 §3.4.4: the secrets themselves would travel in the clear.
    #[error("`{method}` signatures are the secrets themselves, and {url} is not encrypted")]
    Plaintext {
        /// The signature method.
        method: &'static str,
        /// The address without its query.
        url: String,
    },
    /// RFC 5849 §2.1: without it, whoever started a login could end another's (session fixation, OAuth Core 1.0a).
    #[error("the request token endpoint does not answer `oauth_callback_confirmed=true`")]
    NotConfirmed,
    /// RFC 5849 §3.3 wants a positive number.
    #[error("this machine's clock is before 1970")]
    Clock,
    /// The client's key cannot sign.
    #[error("the private key is unusable: {reason}")]
    Key {
        /// What is wrong with it.
        reason: &'static str,
    },
}
