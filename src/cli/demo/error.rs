//! What can go wrong while the person is played.

use std::io;

/// Why the played person did not get through.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlayError {
    /// An address that is not `http` on a numeric loopback host; nothing was sent to it.
    #[error("`{endpoint}` is not a loopback address")]
    NotLoopback {
        /// Scheme, host and port.
        endpoint: String,
    },
    /// No connection, or it broke.
    #[error("cannot reach {endpoint}")]
    Unreachable {
        /// Scheme, host, port and path; never a query.
        endpoint: String,
        /// Why.
        source: io::Error,
    },
    /// No answer within the time limit.
    #[error("no answer from {endpoint} within {after_secs} s")]
    TooSlow {
        /// Scheme, host, port and path.
        endpoint: String,
        /// How long was waited.
        after_secs: u64,
    },
    /// An answer that is not HTTP, too large, or not what a browser could go on with.
    #[error("the answer of {endpoint} {reason}")]
    BadAnswer {
        /// Scheme, host, port and path.
        endpoint: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The server showed something else than its consent page.
    #[error("{endpoint} answered with status {status} instead of asking for consent")]
    NotAsked {
        /// Scheme, host, port and path.
        endpoint: String,
        /// The HTTP status.
        status: u16,
    },
}
