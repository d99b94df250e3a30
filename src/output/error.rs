//! Why a token cannot be handed out in a form.

/// A token that does not fit the form asked for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value could break out of the form.
    #[error("the {what} cannot be handed out: {reason}")]
    Unpresentable {
        /// Which value: `access token`, `ID token`, `user name`, `host`.
        what: &'static str,
        /// What is wrong with it, without its text.
        reason: &'static str,
    },
    /// The form names an account, and the session knows none.
    #[error("the format `{format}` needs a user name, and the session has none")]
    NoUser {
        /// The form.
        format: &'static str,
    },
    /// What was issued is no access token, or nobody says how it is presented (RFC 8693 §2.2.1, `N_A`).
    #[error(
        "the server does not say how this token is presented (`token_type` is N_A), so that the format `{format}` cannot hold it"
    )]
    NotApplicable {
        /// The form.
        format: String,
    },
    /// Every request with the token must be signed, and the form is none of a request's headers, or no request was named.
    #[error("every request with this token is signed for itself, so that the format `{format}` cannot hold it")]
    Signed {
        /// The form.
        format: String,
    },
}
