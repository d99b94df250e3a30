//! The default collection: which one it is, whether it is open, and how it is opened.
//!
//! A service that was never unlocked has no default collection, or a locked one, and finds no items: that must not be
//! taken for an item that is not there.
//!
//! # Specification
//! Secret Service API 0.2, "Collections and Items", "Locking and Unlocking", "Aliases".

use super::error::{Error, Result};
use super::prompt::Outcome;
use super::service::{NO_OBJECT, Service};
use super::wire::Writer;

const INTERFACE: &str = "org.freedesktop.Secret.Collection";

impl Service {
    /// Queues the question for the default collection.
    pub(super) fn call_default_collection(&mut self) -> Result<u32> {
        let mut alias = Writer::with_capacity(16);
        alias.string("default");
        self.call_service("ReadAlias", "s", alias)
    }

    /// The default collection's path.
    ///
    /// # Errors
    /// [`Error::NoCollection`].
    pub(super) fn default_collection(&mut self, serial: u32) -> Result<String> {
        let reply = self.reply(serial)?;
        let mut body = reply.body("o")?;
        let path = body.object_path()?;
        body.end()?;
        if path == NO_OBJECT { Err(Error::NoCollection) } else { Ok(path.to_owned()) }
    }

    /// Makes sure that the default collection exists and is open; answers whether it had to be opened.
    ///
    /// # Errors
    /// [`Error::NoCollection`], [`Error::Locked`], [`Error::PromptDismissed`].
    pub(super) fn open_default_collection(&mut self) -> Result<bool> {
        let asked = self.call_default_collection()?;
        let path = self.default_collection(asked)?;
        let asked = self.call_property(&path, INTERFACE, "Locked")?;
        let is_locked = self.property(asked, "b", |value| value.boolean())?;
        if is_locked {
            self.unlock(&[path])?;
        }
        Ok(is_locked)
    }

    /// Unlocks items or collections; answers with those that are open now, at least one.
    ///
    /// # Errors
    /// [`Error::Locked`] when it takes a prompt and none is allowed, [`Error::PromptDismissed`].
    pub(super) fn unlock(&mut self, objects: &[String]) -> Result<Vec<String>> {
        let mut body = Writer::with_capacity(objects.iter().map(|path| path.len() + 8).sum::<usize>() + 8);
        body.array(4, |array| objects.iter().for_each(|path| array.string(path)));
        let asked = self.call_service("Unlock", "ao", body)?;
        let reply = self.reply(asked)?;
        let mut body = reply.body("aoo")?;
        let mut unlocked = body.object_paths()?;
        let prompt = body.object_path()?;
        body.end()?;
        if let Outcome::Prompted(signal) = self.prompt(prompt, reply.sender.clone(), Error::Locked)? {
            let mut body = signal.body("bv")?;
            body.boolean()?;
            body.variant("ao")?;
            unlocked.extend(body.object_paths()?);
            body.end()?;
        }
        if unlocked.is_empty() { Err(Error::Locked) } else { Ok(unlocked) }
    }
}
