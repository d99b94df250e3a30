//! Sessions in the system's keyring: one item each, under the session's own name.
//!
//! Items are called `keyfob: github/octocat` where the system shows a name, and hold the session's record as text,
//! because one keyring keeps nothing else. How the system's keyring is reached is in `backend`; `items` splits what is
//! larger than an item may be.

mod backend;
mod items;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use zeroize::Zeroizing;

use self::backend::Backend;
use self::items::{Found, Items};
use super::{Error, Session, SessionKey, SessionLock, Store, StoreOptions, recovery};
use crate::secret::Secret;
use crate::session::{Index, record};

const NAME: &str = "keyring";

/// What stands for a file's path in messages.
const PLACE: &str = "the keyring";

/// Between a session's name and what else is kept of it. A name has one slash only, so that these are no sessions.
const ASIDE: &str = "/damaged";

/// The system's keyring.
#[derive(Debug)]
pub struct KeyringStore {
    items: Items,
    state_dir: PathBuf,
}

impl KeyringStore {
    /// The keyring of this system; nothing is connected to yet.
    ///
    /// # Errors
    /// [`Error::NotAvailable`] when the system has none that is known here.
    pub fn system(options: &StoreOptions) -> Result<Self, Error> {
        Ok(Self { items: Items::new(Backend::system(options)?), state_dir: options.state_dir.clone() })
    }

    /// What is stored under a session's name, before anybody tries to understand it.
    fn stored(&self, key: &SessionKey) -> Result<Option<Session>, Error> {
        match self.items.get(&key.to_string())? {
            Found::Nothing => Ok(None),
            Found::Text(text) => record::from_bytes(&text, key, PLACE).map(Some),
            Found::Damaged { reason, .. } => Err(corrupt(&key.to_string(), reason)),
        }
    }

    fn rescued(&self, key: &SessionKey) -> Result<Option<Session>, Error> {
        let Some(bytes) = recovery::read(&self.state_dir, key)? else { return Ok(None) };
        let path = recovery::path(&self.state_dir, key);
        record::from_bytes(&bytes, key, &path.display().to_string()).map(Some)
    }

    /// Copies what is stored under `name` and cannot be understood to an item beside it.
    fn set_aside(&self, name: &str) -> Result<(), Error> {
        let bytes = match self.items.get(name)? {
            Found::Nothing => return Ok(()),
            Found::Text(bytes) | Found::Damaged { bytes, .. } => bytes,
        };
        let text = match std::str::from_utf8(&bytes) {
            Ok(text) => Zeroizing::new(text.to_owned()),
            Err(_) => {
                use base64::Engine;
                Zeroizing::new(base64::engine::general_purpose::STANDARD.encode(&bytes))
            }
        };
        self.items.put(&format!("{name}{ASIDE}"), &label(&format!("{name} (damaged)")), &text)
    }
}

fn corrupt(name: &str, reason: &str) -> Error {
    Error::Corrupt { name: name.into(), place: PLACE.into(), reason: reason.into() }
}

/// What keyring managers show.
fn label(name: &str) -> String {
    format!("keyfob: {name}")
}

/// The item of a secret; no provider has a colon in its name.
fn secret_item(name: &str) -> String {
    format!("secret:{name}")
}

impl Store for KeyringStore {
    fn name(&self) -> &'static str {
        NAME
    }

    fn probe(&self) -> Result<(), Error> {
        self.items.backend.probe()
    }

    fn load(&self, key: &SessionKey) -> Result<Option<Session>, Error> {
        recovery::newer(self.stored(key), self.rescued(key))
    }

    fn save(&self, session: &Session, held: &SessionLock) -> Result<(), Error> {
        held.allows(&session.key)?;
        let name = session.key.to_string();
        match self.stored(&session.key) {
            Ok(_) => {}
            Err(error) if error.is_damage() => self.set_aside(&name)?,
            Err(error) => return Err(error),
        }
        let bytes = record::to_bytes(session);
        let text = std::str::from_utf8(&bytes).expect("JSON is UTF-8");
        self.items.put(&name, &label(&name), text)?;
        recovery::discard(&self.state_dir, &session.key)?;
        Ok(())
    }

    fn remove(&self, key: &SessionKey, held: &SessionLock) -> Result<bool, Error> {
        held.allows(key)?;
        if let Err(newer @ Error::NewerVersion { .. }) = self.stored(key) {
            return Err(newer);
        }
        // The rescued one first: if it stayed, it would bring the session back.
        let rescued = recovery::discard(&self.state_dir, key)?;
        let removed = self.items.delete(&key.to_string())?;
        self.items.delete(&format!("{key}{ASIDE}"))?;
        Ok(removed || rescued)
    }

    fn list(&self) -> Result<Vec<SessionKey>, Error> {
        let (entries, damaged) = Index::open(&self.state_dir).all()?;
        let known = entries.into_iter().filter(|entry| entry.store == NAME).map(|entry| entry.key);
        Ok(known.chain(damaged.into_iter().filter_map(|line| line.key)).collect())
    }

    fn rescue(&self, session: &Session, held: &SessionLock) -> Result<PathBuf, Error> {
        held.allows(&session.key)?;
        recovery::write(&self.state_dir, &session.key, &record::to_bytes(session))
    }

    fn load_secret(&self, name: &str) -> Result<Option<Secret>, Error> {
        let text = match self.items.get(&secret_item(name))? {
            Found::Nothing => return Ok(None),
            Found::Text(text) => text,
            Found::Damaged { reason, .. } => return Err(corrupt(name, reason)),
        };
        let text = std::str::from_utf8(&text).map_err(|_| corrupt(name, "it is not UTF-8"))?;
        Ok(Some(Secret::new(text)))
    }

    fn save_secret(&self, name: &str, label: &str, value: &Secret) -> Result<(), Error> {
        self.items.put(&secret_item(name), label, value.expose())
    }

    fn remove_secret(&self, name: &str) -> Result<bool, Error> {
        self.items.delete(&secret_item(name))
    }
}
