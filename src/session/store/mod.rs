//! Where sessions are kept.
//!
//! A store holds whole sessions and the secrets that belong to clients, under their names. It blocks,
//! while nothing else waits; each call to a keyring ends within its deadline. A write has happened durably when it returns without error,
//! and needs the session's lock. *Not there* is an answer, *cannot tell* is an error: nothing is ever mistaken for an
//! empty store. What the names and expiry of sessions are is answered by the index, not here.

mod file;
mod keyring;
mod memory;
pub mod recovery;
#[cfg(all(unix, not(target_os = "macos")))]
pub mod secret_service;

use std::path::PathBuf;
use std::time::Duration;

pub use file::{Ask, FileStore, PassphraseSource, Wanted};
pub use keyring::KeyringStore;
pub use memory::MemoryStore;

use super::{Error, Session, SessionKey, SessionLock};
use crate::secret::Secret;

/// The stores' names and what they are, in one line each.
pub const STORES: &[(&str, &str)] = &[
    ("keyring", "the system's keyring: Secret Service, macOS Keychain or Windows Credential Manager"),
    ("file", "encrypted files; the key comes from a passphrase, a key file or the keyring"),
    ("memory", "nowhere: sessions end with the program"),
];

/// A place for sessions and secrets.
pub trait Store: Send + Sync {
    /// The store's name in [`STORES`].
    fn name(&self) -> &'static str;

    /// Makes sure that something could be stored now; asks for a passphrase if that takes one.
    ///
    /// # Errors
    /// What a [`save`](Self::save) would fail with.
    fn probe(&self) -> Result<(), Error>;

    /// The session called `key`; `None` only when it certainly is not there. One that was
    /// [rescued](Self::rescue) and is newer is preferred.
    ///
    /// # Errors
    /// [`Error::NotAvailable`], [`Error::Locked`], [`Error::TimedOut`], [`Error::Failed`] of the store;
    /// [`Error::Corrupt`], [`Error::NewerVersion`], [`Error::WrongKey`] of the session; those of the store's key.
    fn load(&self, key: &SessionKey) -> Result<Option<Session>, Error>;

    /// Keeps `session`, durably, in place of the one before. What was there and could not be read is kept aside.
    ///
    /// # Errors
    /// As [`load`](Self::load); [`Error::NotHeld`] with the lock of another session. A session of a newer version is not
    /// replaced. After an error the one before is still there.
    fn save(&self, session: &Session, held: &SessionLock) -> Result<(), Error>;

    /// Removes a session and all that was kept aside of it; `false` when there was none.
    ///
    /// # Errors
    /// As [`save`](Self::save).
    fn remove(&self, key: &SessionKey, held: &SessionLock) -> Result<bool, Error>;

    /// The names of the sessions that the store knows of. The keyring's come from the index, because asking a keyring for
    /// all it holds is slow or impossible.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    fn list(&self) -> Result<Vec<SessionKey>, Error>;

    /// Puts a session that could not be saved into a private [recovery] file, and answers where. The next
    /// successful save removes it.
    ///
    /// # Errors
    /// [`Error::NotHeld`]; [`Error::System`] when there can be no file either.
    fn rescue(&self, session: &Session, held: &SessionLock) -> Result<PathBuf, Error>;

    /// A secret other than a session, such as `client_secret/github`.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    fn load_secret(&self, name: &str) -> Result<Option<Secret>, Error>;

    /// Keeps a secret; keyring managers show `label`.
    ///
    /// # Errors
    /// As [`save`](Self::save).
    fn save_secret(&self, name: &str, label: &str, value: &Secret) -> Result<(), Error>;

    /// Removes a secret; `false` when there was none.
    ///
    /// # Errors
    /// As [`save`](Self::save).
    fn remove_secret(&self, name: &str) -> Result<bool, Error>;
}

/// Which store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The system's keyring.
    Keyring,
    /// Encrypted files.
    File,
    /// The process's memory.
    Memory,
}

impl Kind {
    /// The store called `name` in [`STORES`].
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "keyring" => Some(Self::Keyring),
            "file" => Some(Self::File),
            "memory" => Some(Self::Memory),
            _ => None,
        }
    }
}

/// Where the key of the file store comes from.
#[derive(Debug)]
pub enum FileKey {
    /// Derived from a passphrase.
    Passphrase(PassphraseSource),
    /// Random, in the system's keyring; made at the first save.
    Keyring,
    /// Random, in a private file; made at the first save.
    File(PathBuf),
}

/// What it takes to open a store.
#[derive(Debug)]
pub struct StoreOptions {
    /// The directory of the index, the file store, the locks and the recovery files.
    pub state_dir: PathBuf,
    /// Which store.
    pub kind: Kind,
    /// The file store's key.
    pub file_key: FileKey,
    /// How long one operation of the keyring may take, dialogs included.
    pub deadline: Duration,
    /// Whether the keyring may show dialogs.
    pub interactive: bool,
    /// `DBUS_SESSION_BUS_ADDRESS`; used where the keyring is a Secret Service.
    pub bus_address: Option<String>,
    /// `XDG_RUNTIME_DIR`; used where the keyring is a Secret Service.
    pub runtime_dir: Option<PathBuf>,
}

/// Opens a store. Nothing is read, written, connected to or asked yet.
///
/// # Errors
/// [`Error::NotAvailable`] when the system has no such store at all.
pub fn open(options: StoreOptions) -> Result<Box<dyn Store>, Error> {
    match options.kind {
        Kind::Keyring => Ok(Box::new(KeyringStore::system(&options)?)),
        Kind::File => Ok(Box::new(FileStore::new(options)?)),
        Kind::Memory => Ok(Box::new(MemoryStore::default())),
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, STORES};

    #[test]
    fn every_store_of_the_table_has_its_kind_and_a_summary_of_one_line() {
        for (name, summary) in STORES {
            assert!(Kind::parse(name).is_some());
            assert!(summary.len() <= 100 && !summary.contains('\n'));
        }
        assert_eq!(Kind::parse("auto"), None);
    }
}
