//! The Secret Service of Linux and other Unix desktops, asked directly on the session bus.
//!
//! This is where a session is kept when nothing else is configured, and what the most frequent command, printing a
//! stored token, waits for: one connection, opened at the first use, two exchanges with the bus, no thread and no
//! runtime. Every operation is under a deadline, nothing is asked of a person unless that was allowed, and *not there* is
//! only said when the default collection was open. [`SecretServiceStore`] offers it through the keyring library's
//! traits. What the secrets mean, and when to write them, is left to the store above.
//!
//! # Specification
//! Secret Service API 0.2 (freedesktop.org); D-Bus specification 0.43.

mod address;
mod collection;
mod connection;
mod credential;
#[cfg(any(target_os = "freebsd", target_os = "dragonfly"))]
mod credentials;
mod error;
mod item;
mod message;
mod prompt;
mod service;
mod skip;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod transport;
mod wire;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

pub use self::credential::SecretServiceStore;
pub use self::error::Error;

use self::address::Address;
use self::connection::Connection;
use self::error::{NO_SESSION, Result};
use self::service::Service;

/// Names and values by which an item is found. They are no secrets: the service keeps them readable.
pub type Attributes<'a> = &'a [(&'a str, &'a str)];

/// A time limit that cannot be represented is as good as none; then a day serves.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Whether the service may ask a person to unlock or confirm something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompting {
    /// Nobody is there: what would need a dialog is an error, and no dialog is ever shown.
    Never,
    /// Somebody is there; a dialog may be shown and is waited for until the deadline.
    Allowed,
}

/// How to reach the service.
#[derive(Clone, Debug)]
pub struct Options {
    /// The session bus's address, as in `DBUS_SESSION_BUS_ADDRESS`.
    pub address: Option<String>,
    /// The user's runtime directory, as in `XDG_RUNTIME_DIR`: where the bus is without an address.
    pub runtime_dir: Option<PathBuf>,
    /// How long one operation may take, dialogs included.
    pub deadline: Duration,
    /// Whether dialogs may be shown.
    pub prompting: Prompting,
}

/// What a search tells about an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The name shown to people.
    pub label: String,
    /// All of its attributes.
    pub attributes: BTreeMap<String, String>,
}

/// A client of the Secret Service.
///
/// It connects at the first operation and keeps the connection. One that was closed in between is replaced; after an
/// error the next operation starts with a new one.
pub struct SecretService {
    options: Options,
    service: Option<Service>,
}

impl SecretService {
    /// A client that has not connected yet.
    pub fn new(options: Options) -> Self {
        Self { options, service: None }
    }

    /// The secret of the item with these attributes; of several, the one modified last.
    ///
    /// # Errors
    /// Everything of [`Error`]; `None` is answered only when the default collection is there and open.
    pub fn get(&mut self, attributes: Attributes<'_>) -> Result<Option<Zeroizing<Vec<u8>>>> {
        self.run(|service| service.get(attributes))
    }

    /// Keeps `secret`: in the item with these attributes that was modified last, or in a new one called `label` in the
    /// default collection.
    ///
    /// # Errors
    /// Everything of [`Error`]. After [`Error::TimedOut`] and [`Error::Io`] the secret may have been stored.
    pub fn set(&mut self, label: &str, attributes: Attributes<'_>, secret: &[u8]) -> Result<()> {
        self.run(|service| service.set(label, attributes, secret))
    }

    /// Deletes every item with these attributes; answers whether there was one.
    ///
    /// # Errors
    /// Everything of [`Error`].
    pub fn delete(&mut self, attributes: Attributes<'_>) -> Result<bool> {
        self.run(|service| service.delete(attributes))
    }

    /// Labels and attributes of all items with these attributes. Costs more than linearly with their number.
    ///
    /// # Errors
    /// Everything of [`Error`].
    pub fn search(&mut self, attributes: Attributes<'_>) -> Result<Vec<Found>> {
        self.run(|service| service.search(attributes))
    }

    /// Makes sure that something could be stored: the default collection exists and is open, or has been unlocked by
    /// the person who was asked.
    ///
    /// # Errors
    /// Everything of [`Error`].
    pub fn probe(&mut self) -> Result<()> {
        self.run(|service| service.open_default_collection().map(drop))
    }

    fn run<T>(&mut self, operation: impl Fn(&mut Service) -> Result<T>) -> Result<T> {
        let now = Instant::now();
        let deadline = now.checked_add(self.options.deadline).unwrap_or(now + LONGEST);
        self.service = self.service.take().and_then(|mut service| service.bus.resume(deadline).then_some(service));
        let had_session = self.service.as_ref().is_some_and(Service::has_session);
        let mut result = self.connected(deadline).and_then(&operation);
        if had_session && matches!(&result, Err(Error::Refused { name, .. }) if name == NO_SESSION) {
            // The bus lives on, but the service was started anew and knows none of the old sessions.
            self.service = None;
            result = self.connected(deadline).and_then(&operation);
        }
        if result.is_err() {
            self.service = None;
        }
        result
    }

    fn connected(&mut self, deadline: Instant) -> Result<&mut Service> {
        match &mut self.service {
            Some(service) => Ok(service),
            none => {
                let Options { address, runtime_dir, prompting, .. } = &self.options;
                let addresses = Address::candidates(address.as_deref(), runtime_dir.as_deref());
                Ok(none.insert(Service::new(Connection::open(&addresses, deadline)?, *prompting)))
            }
        }
    }
}

impl fmt::Debug for SecretService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretService").field("options", &self.options).finish_non_exhaustive()
    }
}
