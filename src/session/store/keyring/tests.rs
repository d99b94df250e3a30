//! The keyring's store over a keyring in memory that limits sizes and fails when told to.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::keyring::api::{CredentialApi, CredentialStoreApi};
use ::keyring::{Credential, Entry, Error as KeyringError, Result as KeyringResult};

use super::backend::Traits;
use super::*;
use crate::session::index::Entry as IndexEntry;
use crate::session::testing::{held, lock, session};

/// As on Windows.
const LIMIT: usize = 2560;

#[derive(Debug, Default)]
struct Content {
    items: BTreeMap<String, Vec<u8>>,
    labels: BTreeMap<String, String>,
    /// How many changes are still possible.
    changes_left: Option<usize>,
}

#[derive(Debug, Clone, Default)]
struct Fake(Arc<Mutex<Content>>);

#[derive(Debug)]
struct Item {
    fake: Fake,
    user: String,
    label: String,
}

impl Fake {
    fn change(&self) -> KeyringResult<std::sync::MutexGuard<'_, Content>> {
        let mut content = self.0.lock().unwrap();
        match &mut content.changes_left {
            Some(0) => return Err(KeyringError::PlatformFailure("killed".into())),
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(content)
    }

    fn names(&self) -> Vec<String> {
        self.0.lock().unwrap().items.keys().cloned().collect()
    }

    fn store(&self, limit: Option<usize>, state: &std::path::Path) -> KeyringStore {
        let traits = Traits { limit, deadline: None, label: Some("label") };
        let backend = Backend::new(Arc::new(self.clone()), traits, Duration::from_secs(1));
        KeyringStore { items: Items::new(backend), state_dir: state.into() }
    }
}

impl CredentialStoreApi for Fake {
    fn vendor(&self) -> String {
        "fake".into()
    }

    fn id(&self) -> String {
        "fake".into()
    }

    fn build(&self, service: &str, user: &str, modifiers: Option<&HashMap<&str, &str>>) -> KeyringResult<Entry> {
        assert_eq!(service, "keyfob");
        let label = modifiers.and_then(|modifiers| modifiers.get("label")).copied().unwrap_or_default().to_owned();
        Ok(Entry::new_with_credential(Arc::new(Item { fake: self.clone(), user: user.to_owned(), label })))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl CredentialApi for Item {
    fn set_secret(&self, secret: &[u8]) -> KeyringResult<()> {
        assert!(std::str::from_utf8(secret).is_ok(), "some keyrings keep text only");
        let mut content = self.fake.change()?;
        content.items.insert(self.user.clone(), secret.to_vec());
        content.labels.insert(self.user.clone(), self.label.clone());
        Ok(())
    }

    fn get_secret(&self) -> KeyringResult<Vec<u8>> {
        self.fake.0.lock().unwrap().items.get(&self.user).cloned().ok_or(KeyringError::NoEntry)
    }

    fn delete_credential(&self) -> KeyringResult<()> {
        if !self.fake.0.lock().unwrap().items.contains_key(&self.user) {
            return Err(KeyringError::NoEntry);
        }
        self.fake.change()?.items.remove(&self.user);
        Ok(())
    }

    fn get_credential(&self) -> KeyringResult<Option<Arc<Credential>>> {
        Ok(None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        None
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A session of many characters of several bytes, told from others by `mark`.
fn large(mark: &str, size: usize) -> Session {
    let mut session = session("acme/ada");
    session.tokens.access_token = Secret::new(format!("{mark}{}", "aé名🦊".repeat(size / 10)));
    session
}

#[test]
fn a_session_is_one_item_with_a_name_for_people() {
    let (fake, (state, lock)) = (Fake::default(), held("acme/ada"));
    let store = fake.store(None, state.path());

    store.save(&large("", 64 * 1024), &lock).unwrap();
    store.save_secret("client_secret/acme", "keyfob: client secret of acme", &Secret::new("s")).unwrap();

    assert_eq!(store.load(lock.key()).unwrap(), Some(large("", 64 * 1024)));
    assert_eq!(store.load_secret("client_secret/acme").unwrap(), Some(Secret::new("s")));
    assert_eq!(fake.names(), ["acme/ada", "secret:client_secret/acme"]);
    assert_eq!(fake.0.lock().unwrap().labels["acme/ada"], "keyfob: acme/ada");
    assert!(store.remove(lock.key(), &lock).unwrap() && store.remove_secret("client_secret/acme").unwrap());
    assert_eq!(store.load(lock.key()).unwrap(), None);
    assert!(fake.names().is_empty());
}

#[test]
fn a_session_larger_than_an_item_is_split_and_nothing_of_it_remains() {
    let (fake, (state, lock)) = (Fake::default(), held("acme/ada"));
    let store = fake.store(Some(LIMIT), state.path());

    for size in [20_000, 64 * 1024, 5_000, 100, 30_000] {
        store.save(&large("", size), &lock).unwrap();

        assert_eq!(store.load(lock.key()).unwrap(), Some(large("", size)));
        let content = fake.0.lock().unwrap();
        assert!(content.items.values().all(|item| item.len() <= LIMIT));
        let parts = content.items["acme/ada"]
            .strip_prefix(b"keyfob-parts 1 ")
            .map_or(0, |head| std::str::from_utf8(head).unwrap().split(' ').nth(1).unwrap().parse().unwrap());
        assert_eq!(content.items.len(), 1 + parts);
    }

    assert!(store.remove(lock.key(), &lock).unwrap());
    assert!(fake.names().is_empty());
}

#[test]
fn a_write_that_is_cut_off_anywhere_leaves_the_old_session_or_the_new_one() {
    for (old_size, new_size) in [(9_000, 20_000), (20_000, 9_000), (100, 9_000), (9_000, 100)] {
        for changes in 0.. {
            let (fake, (state, lock)) = (Fake::default(), held("acme/ada"));
            let store = fake.store(Some(LIMIT), state.path());
            store.save(&large("old", old_size), &lock).unwrap();
            fake.0.lock().unwrap().changes_left = Some(changes);

            let saved = store.save(&large("new", new_size), &lock);

            let left = fake.0.lock().unwrap().changes_left.take();
            let loaded = store.load(lock.key()).unwrap().unwrap();
            let is_new = loaded == large("new", new_size);
            assert!(is_new || (loaded == large("old", old_size) && saved.is_err()), "after {changes} changes");

            // The next write cleans up.
            store.save(&large("next", 6_000), &lock).unwrap();
            assert_eq!(store.load(lock.key()).unwrap(), Some(large("next", 6_000)));
            assert!(store.remove(lock.key(), &lock).unwrap());
            assert_eq!(fake.names(), Vec::<String>::new(), "after {changes} changes");
            if left != Some(0) {
                break;
            }
        }
    }
}

#[test]
fn parts_that_do_not_belong_together_are_damage_and_a_login_repairs_it() {
    for damage in 0..3 {
        let (fake, (state, lock)) = (Fake::default(), held("acme/ada"));
        let store = fake.store(Some(LIMIT), state.path());
        store.save(&large("old", 9_000), &lock).unwrap();
        {
            let items = &mut fake.0.lock().unwrap().items;
            match damage {
                0 => drop(items.remove("acme/ada/a/1")),
                1 => items.get_mut("acme/ada/a/1").unwrap()[0] ^= 1,
                _ => drop(items.insert("acme/ada".into(), b"keyfob-parts 1 c".into())),
            }
        }

        assert!(matches!(store.load(lock.key()), Err(Error::Corrupt { .. })));
        store.save(&large("new", 9_000), &lock).unwrap();
        assert_eq!(store.load(lock.key()).unwrap(), Some(large("new", 9_000)));
        assert!(fake.names().iter().any(|name| name.starts_with("acme/ada/damaged")));
        store.remove(lock.key(), &lock).unwrap();
        assert_eq!(fake.names().iter().filter(|name| name.contains("damaged")).count(), 0);
    }
}

#[test]
fn damage_concerns_its_own_session_and_is_kept_aside_by_the_login() {
    let (fake, (state, ada)) = (Fake::default(), held("acme/ada"));
    let store = fake.store(None, state.path());
    let eve = lock(state.path(), "acme/eve");
    store.save(&session("acme/ada"), &ada).unwrap();
    store.save(&session("acme/eve"), &eve).unwrap();
    fake.0.lock().unwrap().items.insert("acme/ada".into(), b"{\xff".into());

    assert!(matches!(store.load(ada.key()), Err(Error::Corrupt { .. })));
    assert_eq!(store.load(eve.key()).unwrap(), Some(session("acme/eve")));
    store.save(&session("acme/ada"), &ada).unwrap();
    assert_eq!(store.load(ada.key()).unwrap(), Some(session("acme/ada")));
    assert_eq!(fake.0.lock().unwrap().items["acme/ada/damaged"], b"e/8=");
}

#[test]
fn a_newer_version_is_left_as_it_is() {
    for newer in ["{\"version\":999}", "keyfob-parts 2 x"] {
        let (fake, (state, lock)) = (Fake::default(), held("acme/ada"));
        let store = fake.store(Some(LIMIT), state.path());
        fake.0.lock().unwrap().items.insert("acme/ada".into(), newer.into());

        assert!(matches!(store.load(lock.key()), Err(Error::NewerVersion { .. })));
        assert!(matches!(store.save(&session("acme/ada"), &lock), Err(Error::NewerVersion { .. })));
        assert!(matches!(store.remove(lock.key(), &lock), Err(Error::NewerVersion { .. })));
        assert_eq!(fake.0.lock().unwrap().items["acme/ada"], newer.as_bytes());
    }
}

#[test]
fn a_rescued_session_is_found_again_until_it_is_saved() {
    let (fake, (state, lock)) = (Fake::default(), held("acme/ada"));
    let store = fake.store(None, state.path());
    store.save(&session("acme/ada"), &lock).unwrap();
    let rotated = large("rotated", 10);
    fake.0.lock().unwrap().changes_left = Some(0);
    assert!(matches!(store.save(&rotated, &lock), Err(Error::Failed { .. })));

    let path = store.rescue(&rotated, &lock).unwrap();

    assert_eq!(store.load(lock.key()).unwrap(), Some(rotated.clone()));
    fake.0.lock().unwrap().changes_left = None;
    store.save(&rotated, &lock).unwrap();
    assert!(!path.exists());
    assert_eq!(store.load(lock.key()).unwrap(), Some(rotated));
}

#[test]
fn the_list_comes_from_the_index_and_names_the_keyrings_own() {
    let (fake, (state, lock)) = (Fake::default(), held("acme/ada"));
    let index = Index::open(state.path());
    index.put(IndexEntry::of(&session("acme/ada"), "keyring")).unwrap();
    index.put(IndexEntry::of(&session("acme/eve"), "file")).unwrap();

    assert_eq!(fake.store(None, state.path()).list().unwrap(), [lock.key().clone()]);
}

#[test]
fn probing_writes_and_removes_an_item_where_the_keyring_cannot_say() {
    let (fake, (state, _lock)) = (Fake::default(), held("acme/ada"));
    let store = fake.store(None, state.path());

    store.probe().unwrap();
    assert!(fake.names().is_empty());

    fake.0.lock().unwrap().changes_left = Some(0);
    assert!(matches!(store.probe(), Err(Error::Failed { .. })));
}

#[test]
fn the_lock_of_another_session_is_not_enough() {
    let (fake, (state, lock)) = (Fake::default(), held("acme/eve"));
    let (store, session) = (fake.store(None, state.path()), session("acme/ada"));

    assert!(matches!(store.save(&session, &lock), Err(Error::NotHeld { .. })));
    assert!(matches!(store.remove(&session.key, &lock), Err(Error::NotHeld { .. })));
    assert!(matches!(store.rescue(&session, &lock), Err(Error::NotHeld { .. })));
}

#[cfg(all(unix, not(target_os = "macos")))]
#[test]
fn without_a_service_nothing_is_mistaken_for_an_empty_keyring() {
    use crate::session::store::{FileKey, Kind, PassphraseSource, open};
    let (state, lock) = held("acme/ada");
    let store = open(StoreOptions {
        state_dir: state.path().into(),
        kind: Kind::Keyring,
        file_key: FileKey::Passphrase(PassphraseSource::None),
        deadline: Duration::from_secs(5),
        interactive: false,
        bus_address: None,
        runtime_dir: Some(state.path().into()),
    })
    .unwrap();

    assert!(matches!(store.probe(), Err(Error::NotAvailable { store: "keyring", .. })));
    assert!(matches!(store.load(lock.key()), Err(Error::NotAvailable { .. })));
    assert!(matches!(store.save(&session("acme/ada"), &lock), Err(Error::NotAvailable { .. })));
    assert!(matches!(store.remove(lock.key(), &lock), Err(Error::NotAvailable { .. })));
    assert_eq!(std::fs::read_dir(state.path()).unwrap().count(), 1, "the lock alone");
}
