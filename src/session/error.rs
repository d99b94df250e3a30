//! What can go wrong with what is kept.

use std::path::PathBuf;
use std::time::Duration;

use super::{SessionKey, Trouble};
use crate::system;

/// A backend's own error, whose text is free of secrets.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A failure of a store, the index or a lock. That a session does not exist is none: it is an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name that no session can have.
    #[error("`{name}` is no session name: {reason}")]
    InvalidName {
        /// What was given.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The store does not exist here, or was never set up.
    #[error("the {store} store is not available")]
    NotAvailable {
        /// The store's name, as in [`STORES`](super::store::STORES).
        store: &'static str,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The store is there, but closed, and nobody could or would open it.
    #[error("the {store} store is locked")]
    Locked {
        /// The store's name.
        store: &'static str,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The store did not answer in time.
    #[error("the {store} store did not answer within {} s", .after.as_secs_f32())]
    TimedOut {
        /// The store's name.
        store: &'static str,
        /// How long was waited.
        after: Duration,
    },
    /// The store answered, but did not do what was asked.
    #[error("the {store} store failed")]
    Failed {
        /// The store's name.
        store: &'static str,
        /// Why.
        #[source]
        source: Cause,
    },
    /// What is stored under a name cannot be understood. It is left as it is; a login replaces it and keeps it aside.
    #[error("what is stored for `{name}` in {place} is damaged: {reason}")]
    Corrupt {
        /// The session or secret.
        name: String,
        /// The file, or what stands for it.
        place: String,
        /// What is wrong, without any content.
        reason: String,
    },
    /// What is stored was written by a newer version of this program. It is left as it is.
    #[error("what is stored for `{name}` in {place} has version {version}, which only a newer keyfob can read")]
    NewerVersion {
        /// The session or secret.
        name: String,
        /// The file, or what stands for it.
        place: String,
        /// The version found.
        version: u64,
    },
    /// The passphrase is not the one that the file store was made with.
    #[error("the passphrase of the file store is wrong")]
    WrongPassphrase,
    /// The file store needs a passphrase, and there is none.
    #[error("the file store needs a passphrase: {reason}")]
    NoPassphrase {
        /// Why there is none.
        reason: String,
    },
    /// A file was encrypted with another key than the one that is configured now.
    #[error("`{name}` in {} was encrypted with another key", .path.display())]
    WrongKey {
        /// The session or secret.
        name: String,
        /// The file.
        path: PathBuf,
    },
    /// The key of the file store is missing or unusable.
    #[error("the key of the file store in {place} is unusable: {reason}")]
    BadKey {
        /// The key file, or what stands for it.
        place: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Another process kept the lock for longer than was to be waited.
    #[error("another process is still working on `{name}` after {} s", .after.as_secs_f32())]
    Busy {
        /// The session, or `index`.
        name: String,
        /// How long was waited.
        after: Duration,
    },
    /// The wait for another process was given up by the caller.
    #[error("waiting for `{name}` was cancelled")]
    Cancelled {
        /// The session.
        name: String,
    },
    /// Something was to be written with the lock of another session.
    #[error("the lock of `{held}` does not allow to write `{key}`")]
    NotHeld {
        /// Whose lock was shown.
        held: SessionKey,
        /// What was to be written.
        key: SessionKey,
    },
    /// There is no such session.
    #[error("there is no session `{key}`")]
    NoSession {
        /// Its name.
        key: SessionKey,
    },
    /// A person must log in again.
    #[error("`{key}` needs a new login")]
    LoginRequired {
        /// Its name.
        key: SessionKey,
        /// What the server said, if it was asked.
        trouble: Option<Trouble>,
    },
    /// The provider's definition or metadata now points elsewhere than at the login; nothing was sent there.
    #[error("the session `{key}` is bound to another server or client: its {what} was `{then}` and now is `{now}`")]
    Moved {
        /// Its name.
        key: SessionKey,
        /// What has changed.
        what: &'static str,
        /// At the login.
        then: String,
        /// Now.
        now: String,
    },
    /// A renewed session could not be kept in its store, and lies in a recovery file.
    #[error("the renewed session `{key}` could not be stored; it is kept in {}", .place.display())]
    Rescued {
        /// Its name.
        key: SessionKey,
        /// Where it lies.
        place: PathBuf,
        /// Why the store did not take it.
        #[source]
        source: Box<Error>,
    },
    /// No tokens could be obtained.
    #[error(transparent)]
    Grant(#[from] crate::grant::Error),
    /// A file, or the operating system.
    #[error(transparent)]
    System(#[from] system::Error),
}

impl Error {
    /// Whether the disk or a quota is full.
    pub fn is_full(&self) -> bool {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        let Self::System(system::Error::Write { source, .. }) = self else { return false };
        matches!(source.kind(), StorageFull | QuotaExceeded | FileTooLarge)
    }

    /// Whether a login may replace what cannot be read.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Corrupt { .. } | Self::WrongKey { .. })
    }
}
