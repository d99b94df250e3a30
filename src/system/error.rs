//! What can go wrong outside.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// A failure of the network, the file system, a program or the operating system.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No answer came: refused, reset, unresolvable, cut off.
    #[error("cannot reach {endpoint}: {reason}")]
    Unreachable {
        /// Scheme, host and path; never a query.
        endpoint: String,
        /// The innermost cause.
        reason: String,
        /// Whether the connection was never established, so that the server cannot have seen the request.
        unsent: bool,
    },
    /// The server's certificate was not accepted.
    #[error("cannot reach {endpoint}: {reason}")]
    Certificate {
        /// Scheme, host and path.
        endpoint: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A time limit ran out.
    #[error("no answer from {endpoint} within {} s ({limit} limit)", .after.as_secs_f32())]
    TooSlow {
        /// Scheme, host and path.
        endpoint: String,
        /// Which limit: `connect`, `idle` or `request`.
        limit: &'static str,
        /// How long was waited.
        after: Duration,
        /// Whether the server cannot have seen the request.
        unsent: bool,
    },
    /// The answer breaks HTTP or a limit on size.
    #[error("the answer of {endpoint} {reason}")]
    BadAnswer {
        /// Scheme, host and path.
        endpoint: String,
        /// What is wrong.
        reason: String,
    },
    /// The address may not be used: neither `https` nor `http` on a loopback host.
    #[error("`{url}` is refused: {reason}")]
    ForbiddenUrl {
        /// The address without its query.
        url: String,
        /// Why.
        reason: &'static str,
    },
    /// What should be asked of the domain name system is no name there.
    #[error("`{name}` is no domain name: {reason}")]
    DomainName {
        /// The name.
        name: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// No name server tells whether there are records, or which.
    #[error("cannot look up the TXT records of `{name}`: {}", .failures.join("; "))]
    Resolution {
        /// The name.
        name: String,
        /// For each name server, its address and what it did instead of answering.
        failures: Vec<String>,
    },
    /// The system does not tell which name servers it asks.
    #[error("the system does not tell its name servers: {reason}")]
    NameServers {
        /// In its own words.
        reason: String,
    },
    /// An environment variable or option of the network is unusable.
    #[error("{name} is unusable: {reason}")]
    Setting {
        /// The variable's name.
        name: String,
        /// Why, without its value.
        reason: String,
    },
    /// A file could not be read.
    #[error("cannot read {}: {source}", .path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {}: {source}", .path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file or directory is not as safe as its content demands.
    #[error("{} is refused: {reason}", .path.display())]
    UnsafeFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No home directory can be found.
    #[error("no directory for {what}: {reason}")]
    NoDirectory {
        /// What should have been kept there.
        what: &'static str,
        /// Why there is none.
        reason: String,
    },
    /// A program could not be run or failed.
    #[error("`{program}` {reason}")]
    Program {
        /// Its name, without arguments.
        program: String,
        /// What happened.
        reason: String,
    },
    /// The operating system gave no random bytes.
    #[error("the operating system gives no random numbers")]
    Random,
}
