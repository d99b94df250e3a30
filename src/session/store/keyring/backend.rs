//! The system's keyring, behind the keyring library's traits.
//!
//! Linux and its relatives: our own Secret Service client, which keeps its deadline itself. macOS and Windows: the
//! library's stores, whose calls may hang behind a dialog and therefore run in a thread that is waited for no longer than
//! the deadline.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use ::keyring::{CredentialStore, Entry, Error as KeyringError};
#[cfg(target_os = "macos")]
use security_framework::os::macos::keychain::{KeychainUserInteractionLock, SecKeychain};
use zeroize::Zeroizing;

use super::super::StoreOptions;
use super::{Error, NAME};
use crate::system::random;

/// The service under which all items are filed.
const SERVICE: &str = "keyfob";

/// What a system's keyring is like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Traits {
    /// Largest item in bytes, where there is a limit.
    pub limit: Option<usize>,
    /// How long a call may take, where the store does not see to that itself.
    pub deadline: Option<Duration>,
    /// The modifier by which an item gets a name for people, where there is one.
    pub label: Option<&'static str>,
}

type Probe = Box<dyn Fn() -> ::keyring::Result<()> + Send + Sync>;

/// A keyring.
pub(super) struct Backend {
    store: Arc<CredentialStore>,
    traits: Traits,
    /// How long is waited at most, for messages.
    deadline: Duration,
    /// How the store itself says whether it can be written; else an item is written and removed.
    probe: Option<Probe>,
    /// The system shows none of its dialogs to this process as long as it exists.
    #[cfg(target_os = "macos")]
    _silence: Option<KeychainUserInteractionLock>,
}

impl Backend {
    /// The keyring of this system.
    #[cfg(all(unix, not(target_os = "macos")))]
    pub(super) fn system(options: &StoreOptions) -> Result<Self, Error> {
        use super::super::secret_service::{Options, Prompting, SecretServiceStore};
        let prompting = if options.interactive { Prompting::Allowed } else { Prompting::Never };
        let store = SecretServiceStore::new(Options {
            address: options.bus_address.clone(),
            runtime_dir: options.runtime_dir.clone(),
            deadline: options.deadline,
            prompting,
        })
        .map_err(|error| understood(error, options.deadline))?;
        let traits = Traits { limit: None, deadline: None, label: Some("label") };
        let mut backend = Self::new(store.clone(), traits, options.deadline);
        backend.probe = Some(Box::new(move || store.probe()));
        Ok(backend)
    }

    /// The login keychain.
    #[cfg(target_os = "macos")]
    pub(super) fn system(options: &StoreOptions) -> Result<Self, Error> {
        let store =
            apple_native_keyring_store::keychain::Store::new().map_err(|error| understood(error, options.deadline))?;
        let traits = Traits { limit: None, deadline: Some(options.deadline), label: None };
        let mut backend = Self::new(store, traits, options.deadline);
        if !options.interactive {
            backend._silence = SecKeychain::disable_user_interaction().ok();
        }
        Ok(backend)
    }

    /// The Credential Manager: blobs of at most 2,560 bytes (`CRED_MAX_CREDENTIAL_BLOB_SIZE`), and names without regard
    /// to case, which is why the name of an item with capitals is told apart by a digest.
    #[cfg(windows)]
    pub(super) fn system(options: &StoreOptions) -> Result<Self, Error> {
        let store = windows_native_keyring_store::Store::new().map_err(|error| understood(error, options.deadline))?;
        let traits = Traits { limit: Some(2560), deadline: Some(options.deadline), label: Some("target") };
        Ok(Self::new(store, traits, options.deadline))
    }

    #[cfg(not(any(unix, windows)))]
    pub(super) fn system(_: &StoreOptions) -> Result<Self, Error> {
        Err(Error::NotAvailable { store: NAME, source: "this system has none that is known".into() })
    }

    pub(super) fn new(store: Arc<CredentialStore>, traits: Traits, deadline: Duration) -> Self {
        Self {
            store,
            traits,
            deadline,
            probe: None,
            #[cfg(target_os = "macos")]
            _silence: None,
        }
    }

    /// Largest item in bytes, where there is a limit.
    pub(super) fn limit(&self) -> Option<usize> {
        self.traits.limit
    }

    /// The item called `name`; `None` when there is none.
    pub(super) fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        self.run(name, "", |entry| entry.get_secret().map(Zeroizing::new))
    }

    /// Keeps `text` under `name`, shown as `label` where the system shows one.
    pub(super) fn set(&self, name: &str, label: &str, text: &str) -> Result<(), Error> {
        let text = Zeroizing::new(text.to_owned());
        let done = self.run(name, label, move |entry| entry.set_secret(text.as_bytes()))?;
        done.ok_or_else(|| understood(KeyringError::NoEntry, self.deadline))
    }

    /// Removes the item called `name`; `false` when there was none.
    pub(super) fn delete(&self, name: &str) -> Result<bool, Error> {
        Ok(self.run(name, "", |entry| entry.delete_credential())?.is_some())
    }

    /// Makes sure that something could be stored.
    pub(super) fn probe(&self) -> Result<(), Error> {
        if let Some(probe) = &self.probe {
            return probe().map_err(|error| understood(error, self.deadline));
        }
        let name = format!("probe:{}", random::text::<9>()?);
        self.set(&name, "keyfob: test of the keyring", "test")?;
        self.delete(&name).map(drop)
    }

    fn run<T: Send + 'static>(
        &self,
        name: &str,
        label: &str,
        operation: impl FnOnce(Entry) -> ::keyring::Result<T> + Send + 'static,
    ) -> Result<Option<T>, Error> {
        let modifiers = match self.traits.label {
            // The session's index and locks stay on this machine, so the item does not roam either.
            Some("target") => vec![("target", target(name)), ("persistence", "Local".into())],
            Some(modifier) if !label.is_empty() => vec![(modifier, label.to_owned())],
            _ => Vec::new(),
        };
        let (store, name) = (Arc::clone(&self.store), name.to_owned());
        let work = move || {
            let modifiers: HashMap<_, _> = modifiers.iter().map(|(key, value)| (*key, value.as_str())).collect();
            let modifiers = Some(&modifiers).filter(|modifiers| !modifiers.is_empty());
            store.build(SERVICE, &name, modifiers).and_then(operation)
        };
        match self.traits.deadline {
            None => answered(work(), self.deadline),
            Some(deadline) => bounded(deadline, work),
        }
    }
}

/// Where an item is the one called so, whatever the case: a name with capitals bears a digest of itself.
fn target(name: &str) -> String {
    let shown = format!("keyfob: {name}");
    if name.to_lowercase() == name {
        return shown;
    }
    let digest = ring::digest::digest(&ring::digest::SHA256, name.as_bytes());
    format!("{shown} [{}]", &crate::session::key::hex(digest.as_ref())[..16])
}

/// Runs `work` in a thread of its own and waits for it up to `deadline`. A thread that hangs in the system's dialog is
/// left behind; it ends with the dialog or the program.
fn bounded<T: Send + 'static>(
    deadline: Duration,
    work: impl FnOnce() -> ::keyring::Result<T> + Send + 'static,
) -> Result<Option<T>, Error> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name("keyring".into())
        .spawn(move || drop(sender.send(work())))
        .map_err(|error| Error::Failed { store: NAME, source: Box::new(error) })?;
    match receiver.recv_timeout(deadline) {
        Ok(result) => answered(result, deadline),
        Err(mpsc::RecvTimeoutError::Timeout) => Err(Error::TimedOut { store: NAME, after: deadline }),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            Err(Error::Failed { store: NAME, source: "it gave up without an answer".into() })
        }
    }
}

/// The value; `None` when the keyring says that there is no such item.
fn answered<T>(result: ::keyring::Result<T>, deadline: Duration) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(KeyringError::NoEntry) => Ok(None),
        Err(error) => Err(understood(error, deadline)),
    }
}

/// What the library's error means. Its texts and values may quote what was stored; those variants are not passed on.
fn understood(error: KeyringError, deadline: Duration) -> Error {
    let failed = |text: &str| Error::Failed { store: NAME, source: text.into() };
    match error {
        KeyringError::NoEntry => failed("an item vanished"),
        KeyringError::NoStorageAccess(source) | KeyringError::PlatformFailure(source) if is_native(&source) => {
            of_native(source, deadline)
        }
        KeyringError::NoStorageAccess(source) => Error::Locked { store: NAME, source },
        KeyringError::PlatformFailure(source) => Error::Failed { store: NAME, source },
        KeyringError::BadEncoding(_) | KeyringError::BadDataFormat(..) => failed("an item has an unknown form"),
        KeyringError::BadStoreFormat(_) => failed("it is damaged"),
        KeyringError::TooLong(what, limit) => failed(&format!("`{what}` is longer than {limit}")),
        KeyringError::Invalid(what, reason) => failed(&format!("`{what}` {reason}")),
        KeyringError::Ambiguous(items) => failed(&format!("{} items bear the same name", items.len())),
        KeyringError::NoDefaultStore | KeyringError::NotSupportedByStore(_) => failed("it cannot do that"),
        _ => failed("it answered with an error that is not known"),
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
fn is_native(source: &crate::session::Cause) -> bool {
    source.is::<super::super::secret_service::Error>()
}

#[cfg(all(unix, not(target_os = "macos")))]
fn of_native(source: crate::session::Cause, after: Duration) -> Error {
    use super::super::secret_service::Error as Service;
    match source.downcast_ref::<Service>() {
        Some(Service::NoBus | Service::NoService | Service::NoCollection) => {
            Error::NotAvailable { store: NAME, source }
        }
        Some(Service::Locked | Service::PromptNeeded | Service::PromptDismissed) => {
            Error::Locked { store: NAME, source }
        }
        Some(Service::TimedOut) => Error::TimedOut { store: NAME, after },
        _ => Error::Failed { store: NAME, source },
    }
}

#[cfg(target_os = "macos")]
fn is_native(source: &crate::session::Cause) -> bool {
    source.is::<security_framework::base::Error>()
}

/// By the number: the text is in the user's language.
#[cfg(target_os = "macos")]
fn of_native(source: crate::session::Cause, _: Duration) -> Error {
    // Values of Security/SecBase.h and MacErrors.h.
    const NOT_AVAILABLE: i32 = -25291;
    const NO_SUCH_KEYCHAIN: i32 = -25294;
    const NO_DEFAULT_KEYCHAIN: i32 = -25307;
    const INTERACTION_NOT_ALLOWED: i32 = -25308;
    const AUTHENTICATION_FAILED: i32 = -25293;
    const USER_CANCELED: i32 = -128;
    match source.downcast_ref::<security_framework::base::Error>().map(|error| error.code()) {
        Some(NOT_AVAILABLE | NO_SUCH_KEYCHAIN | NO_DEFAULT_KEYCHAIN) => Error::NotAvailable { store: NAME, source },
        Some(INTERACTION_NOT_ALLOWED | AUTHENTICATION_FAILED | USER_CANCELED) => Error::Locked { store: NAME, source },
        _ => Error::Failed { store: NAME, source },
    }
}

#[cfg(not(unix))]
fn is_native(_: &crate::session::Cause) -> bool {
    false
}

#[cfg(not(unix))]
fn of_native(source: crate::session::Cause, _: Duration) -> Error {
    Error::Failed { store: NAME, source }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").field("store", &self.store).field("traits", &self.traits).finish_non_exhaustive()
    }
}

#[cfg(all(test, unix, not(target_os = "macos")))]
mod tests {
    use std::time::Duration;

    use super::super::super::secret_service;
    use super::{Error, KeyringError, bounded, target, understood};

    const DEADLINE: Duration = Duration::from_secs(1);

    fn service(error: secret_service::Error) -> Error {
        understood(error.into(), DEADLINE)
    }

    #[test]
    fn absent_closed_and_silent_services_are_told_apart() {
        use secret_service::Error as Service;
        for absent in [Service::NoBus, Service::NoService, Service::NoCollection] {
            assert!(matches!(service(absent), Error::NotAvailable { .. }));
        }
        for closed in [Service::Locked, Service::PromptNeeded, Service::PromptDismissed] {
            assert!(matches!(service(closed), Error::Locked { .. }));
        }
        assert!(matches!(service(Service::TimedOut), Error::TimedOut { after: DEADLINE, .. }));
        assert!(matches!(service(Service::Protocol("x")), Error::Failed { .. }));
    }

    #[test]
    fn what_was_stored_is_never_part_of_an_error() {
        for error in [
            KeyringError::BadEncoding(b"CANARY".into()),
            KeyringError::BadDataFormat(b"CANARY".into(), "CANARY".into()),
            KeyringError::BadStoreFormat("CANARY".into()),
        ] {
            let text = format!("{:?}", understood(error, DEADLINE));

            assert!(!text.contains("CANARY") && !text.contains("67, 65"), "{text}");
        }
    }

    #[test]
    fn a_call_that_hangs_ends_at_the_deadline() {
        let (_open, never) = std::sync::mpsc::channel::<()>();

        let result = bounded(Duration::from_millis(10), move || Ok(never.recv().is_ok()));

        assert!(matches!(result, Err(Error::TimedOut { .. })));
    }

    #[test]
    fn names_that_differ_in_case_only_have_different_targets() {
        assert_eq!(target("acme/ada"), "keyfob: acme/ada");
        assert_ne!(target("acme/Ada").to_lowercase(), target("acme/ADA").to_lowercase());
        assert_ne!(target("acme/Ada").to_lowercase(), target("acme/ada"));
    }
}

#[cfg(all(test, target_os = "macos"))]
mod keychain_tests {
    use std::time::Duration;

    use super::{Error, KeyringError, understood};

    fn keychain(code: i32) -> Error {
        let error = security_framework::base::Error::from_code(code);
        understood(KeyringError::PlatformFailure(Box::new(error)), Duration::from_secs(1))
    }

    #[test]
    fn a_keychain_that_may_not_ask_is_locked_and_one_that_is_not_there_is_absent() {
        assert!(matches!(keychain(-25308), Error::Locked { .. }));
        assert!(matches!(keychain(-25307), Error::NotAvailable { .. }));
        assert!(matches!(keychain(-50), Error::Failed { .. }));
    }
}
