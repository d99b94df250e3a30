//! The Secret Service as an object on the bus: its session, and the calls that all others are made of.
//!
//! The session is a plain one: the service hands secrets over as they are, on a socket that no other user can read. An
//! encrypted one would hide them from nobody who could not ask for them himself, for several milliseconds a process.
//!
//! # Specification
//! Secret Service API 0.2, "Sessions" and "Transfer of Secrets".

use super::Prompting;
use super::connection::Connection;
use super::error::Result;
use super::message::{Call, Message};
use super::wire::{Reader, Writer};

/// Bus name of the service.
const NAME: &str = "org.freedesktop.secrets";
/// The service's own object.
const PATH: &str = "/org/freedesktop/secrets";
/// Its interface.
const INTERFACE: &str = "org.freedesktop.Secret.Service";

/// The object path which stands for none.
pub(super) const NO_OBJECT: &str = "/";

/// The service at the other end of a connection.
pub(super) struct Service {
    /// The connection.
    pub bus: Connection,
    /// Whether the service may show a dialog.
    pub prompting: Prompting,
    session: Option<String>,
}

/// A session that was asked for, or is there already.
#[must_use]
pub(super) struct Opening(Option<u32>);

impl Service {
    /// The service on `bus`, without a session.
    pub(super) fn new(bus: Connection, prompting: Prompting) -> Self {
        Self { bus, prompting, session: None }
    }

    /// Whether a session was opened before.
    pub(super) fn has_session(&self) -> bool {
        self.session.is_some()
    }

    /// Queues the opening of a session, unless there is one.
    pub(super) fn open_session(&mut self) -> Result<Opening> {
        if self.session.is_some() {
            return Ok(Opening(None));
        }
        let mut body = Writer::with_capacity(32);
        body.string("plain");
        body.signature("s");
        body.string("");
        Ok(Opening(Some(self.call_service("OpenSession", "sv", body)?)))
    }

    /// The session's path.
    pub(super) fn session(&mut self, opening: Opening) -> Result<String> {
        if let Opening(Some(serial)) = opening {
            let reply = self.bus.reply(serial)?;
            let mut body = reply.body("vo")?;
            body.skip_variant()?;
            self.session = Some(body.object_path()?.to_owned());
            body.end()?;
        }
        Ok(self.session.clone().unwrap_or_default())
    }

    /// Queues a call of the service's own object.
    pub(super) fn call_service(&mut self, member: &'static str, signature: &'static str, body: Writer) -> Result<u32> {
        self.call(PATH, INTERFACE, member, signature, body)
    }

    /// Queues a call of the object at `path`.
    pub(super) fn call(
        &mut self,
        path: &str,
        interface: &'static str,
        member: &'static str,
        signature: &'static str,
        body: Writer,
    ) -> Result<u32> {
        self.bus.call(&Call { destination: NAME, path, interface, member, signature, body })
    }

    /// Queues the question for a property; the answer is a `v`.
    pub(super) fn call_property(&mut self, path: &str, interface: &str, property: &str) -> Result<u32> {
        let mut body = Writer::with_capacity(128);
        body.string(interface);
        body.string(property);
        self.call(path, "org.freedesktop.DBus.Properties", "Get", "ss", body)
    }

    /// The answer to [`call_property`](Self::call_property), a value of the type `signature` that `read` takes.
    pub(super) fn property<T>(
        &mut self,
        serial: u32,
        signature: &str,
        read: impl FnOnce(&mut Reader<'_>) -> Result<T>,
    ) -> Result<T> {
        let reply = self.reply(serial)?;
        let mut body = reply.body("v")?;
        body.variant(signature)?;
        let value = read(&mut body)?;
        body.end()?;
        Ok(value)
    }

    /// The answer to the call with this serial.
    pub(super) fn reply(&mut self, serial: u32) -> Result<Message> {
        self.bus.reply(serial)
    }
}
