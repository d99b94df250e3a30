//! The Secret Service as a store of the keyring library, so that the program meets the same traits on every system.
//!
//! An item carries the attributes `service` and `username`, as those of the library's own Secret Service stores, and
//! `application`, by which ours are told from theirs.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keyring::api::{CredentialApi, CredentialStoreApi};
use keyring::{Credential, Entry, Error as KeyringError, Result};

use super::{Error, Found, Options, SecretService};

const SERVICE: &str = "service";
const USERNAME: &str = "username";
const APPLICATION: (&str, &str) = ("application", "keyfob");

/// What kind of item ours are, for programs that list them by kind.
const SCHEMA: (&str, &str) = ("xdg:schema", "com.keyfob.Session");

/// Modifier of an entry, and a pseudo-attribute of an item: the name shown to people.
const LABEL: &str = "label";

/// A store whose entries live in the Secret Service; they share one connection.
pub struct SecretServiceStore {
    client: Shared,
}

type Shared = Arc<Mutex<SecretService>>;

impl SecretServiceStore {
    /// A store that has not connected yet.
    ///
    /// # Errors
    /// None at present: whether the service can be reached shows at the first use.
    pub fn new(options: Options) -> Result<Arc<Self>> {
        Ok(Arc::new(Self { client: Arc::new(Mutex::new(SecretService::new(options))) }))
    }

    /// Makes sure that something could be stored; see [`SecretService::probe`].
    ///
    /// # Errors
    /// As the entries' operations.
    pub fn probe(&self) -> Result<()> {
        locked(&self.client).probe().map_err(KeyringError::from)
    }
}

impl CredentialStoreApi for SecretServiceStore {
    fn vendor(&self) -> String {
        "Secret Service, plain session, of keyfob".to_owned()
    }

    fn id(&self) -> String {
        format!("keyfob {}", env!("CARGO_PKG_VERSION"))
    }

    /// The only modifier is `label`; without it the label is `keyfob: USER`.
    fn build(&self, service: &str, user: &str, modifiers: Option<&HashMap<&str, &str>>) -> Result<Entry> {
        let mut label = None;
        for (&key, &value) in modifiers.into_iter().flatten() {
            match key {
                LABEL => label = Some(value.to_owned()),
                _ => return Err(KeyringError::Invalid(key.to_owned(), "unknown modifier".to_owned())),
            }
        }
        for (what, text) in [(SERVICE, service), ("user", user), (LABEL, label.as_deref().unwrap_or_default())] {
            if text.contains('\0') {
                return Err(KeyringError::Invalid(what.to_owned(), "holds a zero character".to_owned()));
            }
        }
        let label = label.unwrap_or_else(|| format!("keyfob: {user}"));
        Ok(Item { client: Arc::clone(&self.client), service: service.to_owned(), user: user.to_owned(), label }.into())
    }

    /// Entries of this program whose items have all attributes of `spec`; `user` is taken for `username`.
    fn search(&self, spec: &HashMap<&str, &str>) -> Result<Vec<Entry>> {
        let named = |key| if key == "user" { USERNAME } else { key };
        let mut attributes: Vec<(&str, &str)> = spec.iter().map(|(&key, &value)| (named(key), value)).collect();
        attributes.push(APPLICATION);
        let mut items: Vec<Item> = Vec::new();
        for Found { label, mut attributes } in locked(&self.client).search(&attributes)? {
            let (Some(service), Some(user)) = (attributes.remove(SERVICE), attributes.remove(USERNAME)) else {
                continue;
            };
            if !items.iter().any(|item| (&item.service, &item.user) == (&service, &user)) {
                items.push(Item { client: Arc::clone(&self.client), service, user, label });
            }
        }
        Ok(items.into_iter().map(Entry::from).collect())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn debug_fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl fmt::Debug for SecretServiceStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretServiceStore").field("client", &self.client).finish()
    }
}

/// An entry of the store, whether or not there is an item for it.
struct Item {
    client: Shared,
    service: String,
    user: String,
    label: String,
}

impl Item {
    fn attributes(&self) -> [(&str, &str); 3] {
        [(SERVICE, &self.service), (USERNAME, &self.user), APPLICATION]
    }

    fn found(&self) -> Result<Found> {
        locked(&self.client).search(&self.attributes())?.into_iter().next().ok_or(KeyringError::NoEntry)
    }
}

impl CredentialApi for Item {
    fn set_secret(&self, secret: &[u8]) -> Result<()> {
        let [service, user, application] = self.attributes();
        Ok(locked(&self.client).set(&self.label, &[service, user, application, SCHEMA], secret)?)
    }

    /// Of several items the one modified last.
    fn get_secret(&self) -> Result<Vec<u8>> {
        let mut secret = locked(&self.client).get(&self.attributes())?.ok_or(KeyringError::NoEntry)?;
        Ok(mem::take(&mut *secret))
    }

    /// The item's attributes, and its label as `label`.
    fn get_attributes(&self) -> Result<HashMap<String, String>> {
        let Found { label, attributes } = self.found()?;
        Ok(attributes.into_iter().chain([(LABEL.to_owned(), label)]).collect())
    }

    /// All items of the entry: one left behind would come back as its value.
    fn delete_credential(&self) -> Result<()> {
        if locked(&self.client).delete(&self.attributes())? { Ok(()) } else { Err(KeyringError::NoEntry) }
    }

    fn get_credential(&self) -> Result<Option<Arc<Credential>>> {
        self.found().map(|_| None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        Some((self.service.clone(), self.user.clone()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn debug_fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client: _, service, user, label } = self;
        f.debug_struct("Item").field("service", service).field("user", user).field("label", label).finish()
    }
}

impl From<Item> for Entry {
    fn from(item: Item) -> Self {
        Self::new_with_credential(Arc::new(item))
    }
}

impl From<Error> for KeyringError {
    /// The cause can be had back by downcasting the boxed error to [`Error`].
    fn from(error: Error) -> Self {
        match error {
            Error::Locked | Error::NoCollection | Error::PromptNeeded | Error::PromptDismissed => {
                Self::NoStorageAccess(Box::new(error))
            }
            Error::NoBus
            | Error::NoService
            | Error::TimedOut
            | Error::Refused { .. }
            | Error::Protocol(_)
            | Error::Io(_) => Self::PlatformFailure(Box::new(error)),
        }
    }
}

/// The client. A panic elsewhere leaves it usable: each operation starts by looking at the connection.
fn locked(client: &Shared) -> MutexGuard<'_, SecretService> {
    client.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Prompting;
    use super::super::testing::{FakeBus, Reply};
    use super::*;

    fn store(bus: Option<&FakeBus>) -> Arc<SecretServiceStore> {
        let runtime_dir = bus.map(|bus| bus.runtime_dir().to_owned());
        let deadline = Duration::from_secs(20);
        SecretServiceStore::new(Options { address: None, runtime_dir, deadline, prompting: Prompting::Never }).unwrap()
    }

    #[test]
    fn making_a_store_or_an_entry_connects_to_nothing() {
        let entry = store(None).build("keyfob", "github", None).unwrap();

        assert_eq!(entry.get_specifiers(), Some(("keyfob".to_owned(), "github".to_owned())));
        assert_eq!(
            format!("{:?}", entry),
            r#"Entry { inner: Item { service: "keyfob", user: "github", label: "keyfob: github" } }"#
        );
    }

    #[test]
    fn the_label_can_be_chosen_and_nothing_else() {
        let store = store(None);

        let entry = store.build("s", "u", Some(&HashMap::from([("label", "mine")]))).unwrap();
        let refused = store.build("s", "u", Some(&HashMap::from([("target", "x")])));

        assert!(format!("{entry:?}").contains(r#"label: "mine""#));
        assert!(matches!(refused, Err(KeyringError::Invalid(key, _)) if key == "target"));
        assert!(matches!(store.build("s", "u\0", None), Err(KeyringError::Invalid(key, _)) if key == "user"));
    }

    #[test]
    fn what_cannot_be_reached_is_a_platform_failure_with_our_error_in_it() {
        let Err(KeyringError::PlatformFailure(cause)) = store(None).build("s", "u", None).unwrap().get_secret() else {
            panic!("a platform failure");
        };

        assert!(matches!(cause.downcast_ref(), Some(Error::NoBus)));
    }

    #[test]
    fn a_locked_or_missing_collection_is_no_access_and_not_an_absent_entry() {
        for error in [Error::Locked, Error::NoCollection, Error::PromptNeeded, Error::PromptDismissed] {
            let text = error.to_string();
            let KeyringError::NoStorageAccess(cause) = error.into() else { panic!("{text}") };
            assert_eq!(cause.downcast_ref::<Error>().map(Error::to_string), Some(text));
        }
    }

    #[test]
    fn an_entry_is_looked_up_by_service_user_and_application() {
        let bus = FakeBus::answering(|call| {
            Some(vec![match call.member.as_str() {
                "OpenSession" => Reply::new("vo").text_variant("").text("/session"),
                "SearchItems" => {
                    let expected = [("service", "s"), ("username", "u"), ("application", "keyfob")];
                    assert_eq!(
                        call.arguments().text_map().unwrap(),
                        expected.map(|(k, v)| (k.to_owned(), v.to_owned()))
                    );
                    Reply::new("aoao").paths(&["/item"]).paths(&[])
                }
                _ => Reply::secret(b"value"),
            }])
        });

        assert_eq!(store(Some(&bus)).build("s", "u", None).unwrap().get_secret().unwrap(), b"value");

        bus.finish();
    }

    #[test]
    fn an_absent_item_is_no_entry() {
        let bus = FakeBus::answering(|call| {
            Some(vec![match call.member.as_str() {
                "OpenSession" => Reply::new("vo").text_variant("").text("/session"),
                "SearchItems" => Reply::new("aoao").paths(&[]).paths(&[]),
                "ReadAlias" => Reply::new("o").text("/collection"),
                _ => Reply::property("b", |value| value.boolean(false)),
            }])
        });
        let entry = store(Some(&bus)).build("s", "u", None).unwrap();

        assert!(matches!(entry.get_secret(), Err(KeyringError::NoEntry)));
        assert!(matches!(entry.get_attributes(), Err(KeyringError::NoEntry)));
        assert!(matches!(entry.get_credential(), Err(KeyringError::NoEntry)));
        assert!(matches!(entry.delete_credential(), Err(KeyringError::NoEntry)));
    }
}
