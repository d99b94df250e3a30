//! Sessions that end with the program, for demonstrations and tests.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Error, Session, SessionKey, SessionLock, Store};
use crate::secret::Secret;

/// A store that lives as long as its value.
#[derive(Debug, Default)]
pub struct MemoryStore {
    sessions: Mutex<BTreeMap<SessionKey, Session>>,
    secrets: Mutex<BTreeMap<String, Secret>>,
}

impl Store for MemoryStore {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn probe(&self) -> Result<(), Error> {
        Ok(())
    }

    fn load(&self, key: &SessionKey) -> Result<Option<Session>, Error> {
        Ok(locked(&self.sessions).get(key).cloned())
    }

    fn save(&self, session: &Session, held: &SessionLock) -> Result<(), Error> {
        held.allows(&session.key)?;
        locked(&self.sessions).insert(session.key.clone(), session.clone());
        Ok(())
    }

    fn remove(&self, key: &SessionKey, held: &SessionLock) -> Result<bool, Error> {
        held.allows(key)?;
        Ok(locked(&self.sessions).remove(key).is_some())
    }

    fn list(&self) -> Result<Vec<SessionKey>, Error> {
        Ok(locked(&self.sessions).keys().cloned().collect())
    }

    /// There is nothing to rescue: a save cannot fail, and what ends with the program is not put into files.
    fn rescue(&self, session: &Session, held: &SessionLock) -> Result<PathBuf, Error> {
        held.allows(&session.key)?;
        Err(Error::NotAvailable { store: self.name(), source: "it keeps nothing in files".into() })
    }

    fn load_secret(&self, name: &str) -> Result<Option<Secret>, Error> {
        Ok(locked(&self.secrets).get(name).cloned())
    }

    fn save_secret(&self, name: &str, _label: &str, value: &Secret) -> Result<(), Error> {
        locked(&self.secrets).insert(name.into(), value.clone());
        Ok(())
    }

    fn remove_secret(&self, name: &str) -> Result<bool, Error> {
        Ok(locked(&self.secrets).remove(name).is_some())
    }
}

/// The map; each change is one step, so that a panic elsewhere leaves it whole.
fn locked<T>(map: &Mutex<T>) -> MutexGuard<'_, T> {
    map.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{held, session};
    use super::{Error, MemoryStore, Secret, Store};

    #[test]
    fn what_was_saved_is_there_until_it_is_removed() {
        let (store, session) = (MemoryStore::default(), session("acme/ada"));
        let (_state, lock) = held("acme/ada");

        store.save(&session, &lock).unwrap();
        store.save_secret("client_secret/acme", "label", &Secret::new("s")).unwrap();

        assert_eq!(store.load(&session.key).unwrap(), Some(session.clone()));
        assert_eq!(store.list().unwrap(), std::slice::from_ref(&session.key));
        assert_eq!(store.load_secret("client_secret/acme").unwrap(), Some(Secret::new("s")));
        assert!(store.remove(&session.key, &lock).unwrap() && store.remove_secret("client_secret/acme").unwrap());
        assert_eq!(store.load(&session.key).unwrap(), None);
        assert_eq!(store.load_secret("client_secret/acme").unwrap(), None);
    }

    #[test]
    fn the_lock_of_another_session_is_not_enough() {
        let (store, session) = (MemoryStore::default(), session("acme/ada"));
        let (_state, lock) = held("acme/eve");

        assert!(matches!(store.save(&session, &lock), Err(Error::NotHeld { .. })));
        assert!(matches!(store.remove(&session.key, &lock), Err(Error::NotHeld { .. })));
    }
}
