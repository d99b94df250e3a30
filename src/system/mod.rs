//! The outside world: network, clock, randomness, environment, files and processes.
//!
//! What several layers need of it is here once: the network module moves HTTP messages under one policy (no redirects,
//! limits on time and size, `http` on loopback only), the file module keeps private files, the process module runs
//! programs without a shell.

#[cfg(windows)]
pub(crate) mod access;
pub mod clock;
pub mod environment;
mod error;
pub mod files;
pub mod http;
pub mod process;
pub mod random;
pub mod trace;

pub use clock::Clock;
pub use environment::Environment;
pub use error::Error;
pub use http::{HttpClient, HttpOptions};
pub use trace::Trace;

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
