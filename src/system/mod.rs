//! The outside world: network, clock, randomness, environment, files and processes.
//!
//! What several layers need of it is here once: the network module moves HTTP messages under one policy (no redirects,
//! limits on time and size, `http` on loopback only), the file module keeps private files, the process module runs
//! programs without a shell.

#[cfg(windows)]
pub(crate) mod access;
pub mod clock;
pub mod dns;
pub mod environment;
mod error;
pub mod files;
pub mod http;
pub mod process;
pub mod random;
pub mod scratch;
pub mod space;
pub mod trace;

use std::future::Future;
use std::pin::Pin;

pub use clock::Clock;
pub use environment::Environment;
pub use error::Error;
pub use http::{HttpClient, HttpOptions};
pub use scratch::Scratch;
pub use trace::Trace;

/// A future on the current thread.
pub type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// What a flow needs of the outside world, together.
#[derive(Debug)]
pub struct System {
    /// The network.
    pub http: HttpClient,
    /// The time of day.
    pub clock: Clock,
    /// Variables and directories.
    pub environment: Environment,
    /// Where what happens is told.
    pub trace: Trace,
}
