//! Items: found by their attributes, read, written and deleted.
//!
//! An item is what matches all attributes asked for, in any open collection. New ones go to the default collection.
//!
//! # Specification
//! Secret Service API 0.2, "Lookup Attributes", "org.freedesktop.Secret.Item", "org.freedesktop.Secret.Collection".

use std::slice;

use zeroize::Zeroizing;

use super::error::{Error, Result};
use super::prompt::Outcome;
use super::service::Service;
use super::wire::Writer;
use super::{Attributes, Found};

const INTERFACE: &str = "org.freedesktop.Secret.Item";
const COLLECTION: &str = "org.freedesktop.Secret.Collection";

/// What the secret is, for programs that show it; a session is JSON text.
const CONTENT_TYPE: &str = "text/plain; charset=utf8";

/// Calls on their way at a time: enough to hide the exchange, few enough that no queue of the bus fills up.
const BATCH: usize = 32;

impl Service {
    /// The secret of the item with these attributes; of several, the one modified last.
    pub(super) fn get(&mut self, attributes: Attributes<'_>) -> Result<Option<Zeroizing<Vec<u8>>>> {
        match self.read(attributes) {
            // Another process has replaced the item between the search and the reading.
            Err(error) if error.is_no_such_object() => self.read(attributes),
            result => result,
        }
    }

    /// Keeps `secret` in the item with these attributes, which is changed if it is there and made if not.
    pub(super) fn set(&mut self, label: &str, attributes: Attributes<'_>, secret: &[u8]) -> Result<()> {
        let opening = self.open_session()?;
        let search = self.call_search(attributes)?;
        let asked = self.call_default_collection()?;
        let session = self.session(opening)?;
        let secret = Secret { session: &session, value: secret };
        // Some services ask a person before they make or replace an item, even an open one, but not before they change
        // its secret. A refresh, with nobody there, then still can be stored.
        let (items, _) = self.found(search)?;
        if let Some(item) = self.newest(items)? {
            match self.change(&item, &secret) {
                Err(error) if error.is_no_such_object() => {}
                result => return result,
            }
        }
        let collection = self.default_collection(asked)?;
        match self.create(&collection, label, attributes, &secret) {
            Err(Error::Locked) => {
                self.unlock(slice::from_ref(&collection))?;
                self.create(&collection, label, attributes, &secret)
            }
            result => result,
        }
    }

    /// Deletes every item with these attributes; answers whether there was one.
    pub(super) fn delete(&mut self, attributes: Attributes<'_>) -> Result<bool> {
        let search = self.call_search(attributes)?;
        let (mut items, locked) = self.found(search)?;
        if !locked.is_empty() {
            // Before anything is gone, so that a refusal leaves all as it was.
            items.extend(self.unlock(&locked)?);
        }
        if items.is_empty() {
            items = self.after_unlocking(attributes)?;
        }
        let mut deleted = false;
        for batch in items.chunks(BATCH) {
            let asked: Vec<u32> = batch.iter().map(|item| self.call_item(item, "Delete")).collect::<Result<_>>()?;
            for serial in asked {
                deleted |= self.deleted(serial)?;
            }
        }
        Ok(deleted)
    }

    /// Labels and attributes of the items with these attributes.
    pub(super) fn search(&mut self, attributes: Attributes<'_>) -> Result<Vec<Found>> {
        let search = self.call_search(attributes)?;
        let items = self.matches(search, attributes)?;
        let mut found = Vec::new();
        for batch in items.chunks(BATCH / 2) {
            let mut asked = Vec::new();
            for item in batch {
                let label = self.call_property(item, INTERFACE, "Label")?;
                asked.push((label, self.call_property(item, INTERFACE, "Attributes")?));
            }
            for (label, attributes) in asked {
                match self.described(label, attributes) {
                    Err(error) if error.is_no_such_object() => {}
                    result => found.push(result?),
                }
            }
        }
        Ok(found)
    }

    fn described(&mut self, label: u32, attributes: u32) -> Result<Found> {
        let label = self.property(label, "s", |value| value.string().map(str::to_owned))?;
        let attributes = self.property(attributes, "a{ss}", |value| value.text_map())?;
        Ok(Found { label, attributes: attributes.into_iter().collect() })
    }

    fn read(&mut self, attributes: Attributes<'_>) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let opening = self.open_session()?;
        let search = self.call_search(attributes)?;
        let session = self.session(opening)?;
        let items = self.matches(search, attributes)?;
        match self.newest(items)? {
            Some(item) => self.secret(&item, &session).map(Some),
            None => Ok(None),
        }
    }

    fn call_search(&mut self, attributes: Attributes<'_>) -> Result<u32> {
        let mut body = Writer::with_capacity(attributes_size(attributes));
        body.text_map(attributes);
        self.call_service("SearchItems", "a{ss}", body)
    }

    /// What a search found: open items and locked ones.
    fn found(&mut self, search: u32) -> Result<(Vec<String>, Vec<String>)> {
        let reply = self.reply(search)?;
        let mut body = reply.body("aoao")?;
        let found = (body.object_paths()?, body.object_paths()?);
        body.end()?;
        Ok(found)
    }

    /// The items that a search found, unlocked if all are locked; none only when there are none.
    fn matches(&mut self, search: u32, attributes: Attributes<'_>) -> Result<Vec<String>> {
        let (unlocked, locked) = self.found(search)?;
        match (unlocked.is_empty(), locked.is_empty()) {
            (false, _) => Ok(unlocked),
            (true, false) => self.unlock(&locked),
            (true, true) => self.after_unlocking(attributes),
        }
    }

    /// Nothing was found: makes sure that this is not because everything is closed, and looks again if it was.
    fn after_unlocking(&mut self, attributes: Attributes<'_>) -> Result<Vec<String>> {
        if !self.open_default_collection()? {
            return Ok(Vec::new());
        }
        let search = self.call_search(attributes)?;
        Ok(self.found(search)?.0)
    }

    fn newest(&mut self, mut items: Vec<String>) -> Result<Option<String>> {
        if items.len() < 2 {
            return Ok(items.pop());
        }
        let mut newest = None;
        for batch in items.chunks(BATCH) {
            let asked: Vec<u32> =
                batch.iter().map(|item| self.call_property(item, INTERFACE, "Modified")).collect::<Result<_>>()?;
            for (item, serial) in batch.iter().zip(asked) {
                let modified = match self.property(serial, "t", |value| value.u64()) {
                    Err(error) if error.is_no_such_object() => continue,
                    result => result?,
                };
                if newest.as_ref().is_none_or(|(latest, _)| *latest <= modified) {
                    newest = Some((modified, item));
                }
            }
        }
        Ok(newest.map(|(_, item)| item.clone()))
    }

    fn secret(&mut self, item: &str, session: &str) -> Result<Zeroizing<Vec<u8>>> {
        let mut body = Writer::with_capacity(session.len() + 8);
        body.string(session);
        let asked = self.call(item, INTERFACE, "GetSecret", "o", body)?;
        let reply = self.reply(asked)?;
        let mut body = reply.body("(oayays)")?;
        body.object_path()?;
        body.bytes()?;
        let secret = Zeroizing::new(body.bytes()?.to_vec());
        body.string()?;
        body.end()?;
        Ok(secret)
    }

    fn change(&mut self, item: &str, secret: &Secret<'_>) -> Result<()> {
        let mut body = Writer::with_capacity(secret.size());
        secret.write(&mut body);
        let asked = self.call(item, INTERFACE, "SetSecret", "(oayays)", body)?;
        self.reply(asked)?.body("")?.end()
    }

    fn create(&mut self, collection: &str, label: &str, attributes: Attributes<'_>, secret: &Secret<'_>) -> Result<()> {
        let capacity = 256 + label.len() + attributes_size(attributes) + secret.size();
        let mut body = Writer::with_capacity(capacity);
        body.array(8, |properties| {
            properties.align(8);
            properties.string("org.freedesktop.Secret.Item.Label");
            properties.signature("s");
            properties.string(label);
            properties.align(8);
            properties.string("org.freedesktop.Secret.Item.Attributes");
            properties.signature("a{ss}");
            properties.text_map(attributes);
        });
        secret.write(&mut body);
        body.boolean(true);
        let asked = self.call(collection, COLLECTION, "CreateItem", "a{sv}(oayays)b", body)?;
        let reply = self.reply(asked)?;
        let mut body = reply.body("oo")?;
        body.object_path()?;
        let prompt = body.object_path()?;
        body.end()?;
        self.prompt(prompt, reply.sender.clone(), Error::PromptNeeded).map(drop)
    }

    fn call_item(&mut self, item: &str, member: &'static str) -> Result<u32> {
        self.call(item, INTERFACE, member, "", Writer::with_capacity(0))
    }

    /// Whether the item was there and is gone now.
    fn deleted(&mut self, serial: u32) -> Result<bool> {
        let reply = match self.reply(serial) {
            Err(error) if error.is_no_such_object() => return Ok(false),
            result => result?,
        };
        let mut body = reply.body("o")?;
        let prompt = body.object_path()?;
        body.end()?;
        match self.prompt(prompt, reply.sender.clone(), Error::PromptNeeded)? {
            Outcome::Immediate | Outcome::Prompted(_) => Ok(true),
        }
    }
}

/// A secret on its way through a session.
struct Secret<'a> {
    session: &'a str,
    value: &'a [u8],
}

impl Secret<'_> {
    /// Writes the structure `(oayays)`; a plain session has no parameters.
    fn write(&self, body: &mut Writer) {
        body.align(8);
        body.string(self.session);
        body.bytes(&[]);
        body.bytes(self.value);
        body.string(CONTENT_TYPE);
    }

    /// An upper bound of what is written, in bytes.
    fn size(&self) -> usize {
        64 + self.session.len() + self.value.len() + CONTENT_TYPE.len()
    }
}

fn attributes_size(attributes: Attributes<'_>) -> usize {
    8 + attributes.iter().map(|(key, value)| key.len() + value.len() + 24).sum::<usize>()
}
