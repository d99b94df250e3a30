//! Where it is noted which sessions there are: beside the store, or nowhere.
//!
//! Sessions that end with the process are noted in the process, so that nothing of them is left behind.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::index::{Damaged, Entry, Index, Row};
use super::{Error, SessionKey};

/// The sessions that are known, without their secrets.
pub enum Catalog {
    /// In the index beside the store, shared with other processes.
    Shared(Index),
    /// In this process.
    Private(Mutex<BTreeMap<SessionKey, Entry>>),
}

impl Catalog {
    /// The index in `state_dir`.
    pub fn shared(state_dir: &Path) -> Self {
        Self::Shared(Index::open(state_dir))
    }

    /// An empty one that ends with the process.
    pub fn private() -> Self {
        Self::Private(Mutex::default())
    }

    /// What is known of `key`.
    ///
    /// # Errors
    /// As [`Index::find`].
    pub fn find(&self, key: &SessionKey) -> Result<Option<Entry>, Error> {
        match self {
            Self::Shared(index) => index.find(key),
            Self::Private(entries) => Ok(open(entries).get(key).cloned()),
        }
    }

    /// The sessions of a provider.
    ///
    /// # Errors
    /// As [`Index::of_provider`].
    pub fn of_provider(&self, provider: &str) -> Result<Vec<Entry>, Error> {
        match self {
            Self::Shared(index) => index.of_provider(provider),
            Self::Private(entries) => {
                Ok(open(entries).values().filter(|entry| entry.key.provider() == provider).cloned().collect())
            }
        }
    }

    /// All sessions, and what is damaged.
    ///
    /// # Errors
    /// As [`Index::all`].
    pub fn all(&self) -> Result<(Vec<Entry>, Vec<Damaged>), Error> {
        match self {
            Self::Shared(index) => index.all(),
            Self::Private(entries) => Ok((open(entries).values().cloned().collect(), Vec::new())),
        }
    }

    /// At least those sessions that hold an address on `host`, a domain, or whose provider is `wanted`.
    ///
    /// # Errors
    /// As [`Index::around`].
    pub fn around(&self, host: &str, wanted: impl FnMut(&str) -> bool) -> Result<Vec<Entry>, Error> {
        match self {
            Self::Shared(index) => index.around(host, wanted),
            Self::Private(entries) => Ok(open(entries).values().cloned().collect()),
        }
    }

    /// Gathers what a list shows of each session, in the order of their names, and what is damaged; may begin anew.
    ///
    /// # Errors
    /// As [`Index::rows`].
    pub fn rows<T>(
        &self,
        begin: impl Fn() -> T,
        mut add: impl FnMut(&mut T, Row<'_>),
    ) -> Result<(T, Vec<Damaged>), Error> {
        match self {
            Self::Shared(index) => index.rows(begin, add),
            Self::Private(entries) => {
                let mut all = begin();
                open(entries).values().for_each(|entry| add(&mut all, entry.into()));
                Ok((all, Vec::new()))
            }
        }
    }

    /// Notes a session in place of what was known of it.
    ///
    /// # Errors
    /// As [`Index::put`].
    pub fn put(&self, entry: Entry) -> Result<(), Error> {
        match self {
            Self::Shared(index) => index.put(entry),
            Self::Private(entries) => {
                open(entries).insert(entry.key.clone(), entry);
                Ok(())
            }
        }
    }

    /// Forgets a session; `false` when it was not known.
    ///
    /// # Errors
    /// As [`Index::remove`].
    pub fn remove(&self, key: &SessionKey) -> Result<bool, Error> {
        match self {
            Self::Shared(index) => index.remove(key),
            Self::Private(entries) => Ok(open(entries).remove(key).is_some()),
        }
    }

    /// Makes a session its provider's default; `false` when it is not known.
    ///
    /// # Errors
    /// As [`Index::set_default`].
    pub fn set_default(&self, key: &SessionKey) -> Result<bool, Error> {
        match self {
            Self::Shared(index) => index.set_default(key),
            Self::Private(entries) => {
                let mut entries = open(entries);
                for entry in entries.values_mut().filter(|entry| entry.key.provider() == key.provider()) {
                    entry.default = entry.key == *key;
                }
                Ok(entries.contains_key(key))
            }
        }
    }
}

fn open(entries: &Mutex<BTreeMap<SessionKey, Entry>>) -> MutexGuard<'_, BTreeMap<SessionKey, Entry>> {
    entries.lock().unwrap_or_else(PoisonError::into_inner)
}
