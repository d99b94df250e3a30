//! Why a grant yielded no tokens.

use std::time::Duration;

use crate::{callback, client, protocol, system};

/// A failure on the way from a request to tokens.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The client is unusable or its server could not be asked.
    #[error(transparent)]
    Client(#[from] client::Error),
    /// The redirect cannot be received.
    #[error(transparent)]
    Callback(#[from] callback::Error),
    /// An answer is not acceptable.
    #[error(transparent)]
    Protocol(#[from] protocol::Error),
    /// The outside world failed.
    #[error(transparent)]
    System(#[from] system::Error),
    /// Nobody finished the login in time.
    #[error("nobody finished the login within {} s", .after.as_secs())]
    TimedOut {
        /// How long was waited.
        after: Duration,
    },
    /// Nobody consented on another device in time.
    #[error("nobody consented within {} s", .after.as_secs())]
    Expired {
        /// How long was waited.
        after: Duration,
    },
    /// Nobody entered the code in time.
    #[error("the code was not used within {} s", .after.as_secs())]
    CodeExpired {
        /// How long was waited.
        after: Duration,
    },
    /// Nobody finished the login in time, and somebody sent redirects that were not ours.
    #[error("no redirect carried the `state` that was sent; {refused} without it came within {} s", .after.as_secs())]
    ForeignRedirects {
        /// How many were refused.
        refused: usize,
        /// How long was waited.
        after: Duration,
    },
    /// Nobody finished an OAuth 1.0 login in time, and somebody sent callbacks that were not its own.
    #[error(
        "no callback carried the `oauth_token` that was sent with a verifier; {refused} others came within {} s",
        .after.as_secs()
    )]
    ForeignCallbacks {
        /// How many were refused.
        refused: usize,
        /// How long was waited.
        after: Duration,
    },
    /// The grant waits for its person in the call that begins it.
    #[error("the grant `{grant}` cannot be begun by one call and completed by another")]
    OneCall {
        /// Its name.
        grant: String,
    },
    /// What was kept of a login that was begun cannot be used.
    #[error("what was kept of the login that was begun is unusable: it has no `{lacks}`")]
    NotBegun {
        /// The missing part.
        lacks: &'static str,
    },
    /// What was pasted is the callback of another OAuth 1.0 login.
    #[error("the pasted address does not carry the `oauth_token` that was sent with a verifier")]
    PastedToken,
    /// What was pasted does not answer this request.
    #[error("the pasted address does not carry the `state` that was sent")]
    PastedState,
    /// No listener is possible and nobody can paste an address.
    #[error(
        "the redirect URI {redirect_uri} is none that keyfob can listen on, and nobody is there to paste the address"
    )]
    NobodyToPaste {
        /// The redirect URI.
        redirect_uri: String,
    },
    /// The redirect URI that was asked for is unusable.
    #[error("the redirect URI `{redirect_uri}` cannot be used: {reason}")]
    RedirectUri {
        /// As it was given.
        redirect_uri: String,
        /// Why not.
        reason: &'static str,
    },
    /// The grant cannot begin without an input that nobody gave.
    #[error("`{provider}` needs `{key}` for this grant, and nothing says where it is")]
    NoInput {
        /// The provider's identifier.
        provider: String,
        /// The entry's key.
        key: String,
    },
    /// The request could not be pushed, and is not sent in a weaker way.
    #[error("the authorization request was not taken: {error}")]
    NotPushed {
        /// Why not.
        #[source]
        error: Box<Error>,
        /// Whether entry or server leave no other way.
        is_required: bool,
    },
    /// The grant needs a person, and there is none.
    #[error("this login needs a person, and nobody is there")]
    Unattended,
    /// The login was stopped from outside.
    #[error("the login was given up: the program that started it is gone")]
    Abandoned,
    /// A refresh was answered badly, but with a new refresh token, which must not be lost.
    #[error("{error}")]
    Rotated {
        /// What is wrong.
        #[source]
        error: Box<Error>,
        /// The new refresh token.
        refresh_token: crate::secret::Secret,
    },
    /// It is not known whether a refresh took effect.
    #[error("it is not known whether the refresh took effect: {error}")]
    Unknown {
        /// Why there is no answer.
        #[source]
        error: Box<Error>,
    },
}
