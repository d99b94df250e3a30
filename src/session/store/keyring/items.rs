//! Texts of any size in items of limited size.
//!
//! A text that fits is an item of its own. A larger one is cut into parts, and its item says how many there are, in which
//! of two places they lie, and what their digest is. A new text is written to the place that is not in use, and the item
//! switches over at last: whoever is killed in between leaves the old text whole, and what he wrote is overwritten by the
//! next. No keyring has to be listed for that.

use ring::digest::{SHA256, digest};
use zeroize::Zeroizing;

use super::backend::Backend;
use super::{Error, NAME, PLACE};
use crate::session::key::hex;

/// What an item that speaks of parts begins with; no JSON does.
const HEAD: &str = "keyfob-parts ";

const VERSION: u64 = 1;

/// Most parts of a text: 10 MB in items of 2,560 bytes. An item that says more is not ours.
const MAX_PARTS: usize = 4096;

/// How often a text is read again when it changed meanwhile.
const ATTEMPTS: usize = 3;

/// What is there under a name.
pub(super) enum Found {
    Nothing,
    Text(Zeroizing<Vec<u8>>),
    /// Parts that do not belong together, and those bytes of it that could be read.
    Damaged {
        reason: &'static str,
        bytes: Zeroizing<Vec<u8>>,
    },
}

/// The items of one keyring.
#[derive(Debug)]
pub(super) struct Items {
    pub(super) backend: Backend,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    A,
    B,
}

/// What an item says of its parts.
struct Head {
    place: Place,
    count: usize,
    digest: String,
}

impl Items {
    pub(super) fn new(backend: Backend) -> Self {
        Self { backend }
    }

    pub(super) fn get(&self, name: &str) -> Result<Found, Error> {
        let mut last = Found::Nothing;
        for _ in 0..ATTEMPTS {
            let Some(item) = self.backend.get(name)? else { return Ok(Found::Nothing) };
            let Some(head) = head(name, &item)? else { return Ok(Found::Text(item)) };
            last = match head {
                Some(head) => self.parts(name, &head)?,
                None => Found::Damaged { reason: "what it says of its parts is not readable", bytes: item },
            };
            // Parts that do not fit may have been replaced between two reads: then the item says otherwise now.
            if matches!(last, Found::Text(_)) {
                break;
            }
        }
        Ok(last)
    }

    pub(super) fn put(&self, name: &str, label: &str, text: &str) -> Result<(), Error> {
        let old = match self.backend.get(name)? {
            Some(item) => head(name, &item)?.flatten(),
            None => None,
        };
        let Some(limit) = self.backend.limit().filter(|limit| text.len() > *limit || text.starts_with(HEAD)) else {
            self.backend.set(name, label, text)?;
            return old.map_or(Ok(()), |old| self.clear(name, old.place, 0));
        };
        let place = if old.as_ref().is_some_and(|old| old.place == Place::A) { Place::B } else { Place::A };
        let parts = cut(text, limit);
        if parts.len() > MAX_PARTS {
            return Err(Error::Failed { store: NAME, source: "the session is too large for it".into() });
        }
        for (number, part) in parts.iter().enumerate() {
            let label = format!("{label} ({} of {})", number + 1, parts.len());
            self.backend.set(&part_name(name, place, number), &label, part)?;
        }
        self.backend.set(name, label, &head_text(place, parts.len(), text.as_bytes()))?;
        // The text is safe now; what cannot be removed is removed by the next.
        let _ = self.clear(name, place, parts.len());
        if let Some(old) = old {
            let _ = self.clear(name, old.place, 0);
        }
        Ok(())
    }

    pub(super) fn delete(&self, name: &str) -> Result<bool, Error> {
        // The item first: parts alone are nothing, an item without its parts would be damage.
        let removed = self.backend.delete(name)?;
        if self.backend.limit().is_some() {
            self.clear(name, Place::A, 0)?;
            self.clear(name, Place::B, 0)?;
        }
        Ok(removed)
    }

    fn parts(&self, name: &str, head: &Head) -> Result<Found, Error> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(head.count * self.backend.limit().unwrap_or(4096)));
        for number in 0..head.count {
            match self.backend.get(&part_name(name, head.place, number))? {
                Some(part) => bytes.extend_from_slice(&part),
                None => return Ok(Found::Damaged { reason: "a part is missing", bytes }),
            }
        }
        if hex(digest(&SHA256, &bytes).as_ref()) == head.digest {
            Ok(Found::Text(bytes))
        } else {
            Ok(Found::Damaged { reason: "its parts do not belong together", bytes })
        }
    }

    /// Removes the parts from `first` on, the last one first: whoever is killed leaves no gap behind which parts would be
    /// forgotten.
    fn clear(&self, name: &str, place: Place, first: usize) -> Result<(), Error> {
        let mut end = first;
        while end < MAX_PARTS && self.backend.get(&part_name(name, place, end))?.is_some() {
            end += 1;
        }
        for number in (first..end).rev() {
            self.backend.delete(&part_name(name, place, number))?;
        }
        Ok(())
    }
}

fn part_name(name: &str, place: Place, number: usize) -> String {
    let place = match place {
        Place::A => "a",
        Place::B => "b",
    };
    format!("{name}/{place}/{number}")
}

fn head_text(place: Place, count: usize, text: &[u8]) -> String {
    let place = if place == Place::A { "a" } else { "b" };
    format!("{HEAD}{VERSION} {place} {count} {}", hex(digest(&SHA256, text).as_ref()))
}

/// What an item says of its parts; the inner value is missing when that is not readable, the outer when it has none.
///
/// # Errors
/// [`Error::NewerVersion`].
#[expect(clippy::option_option, reason = "an item without parts and one that is damaged are different answers")]
fn head(name: &str, item: &[u8]) -> Result<Option<Option<Head>>, Error> {
    let Some(rest) = item.strip_prefix(HEAD.as_bytes()) else { return Ok(None) };
    let mut fields = std::str::from_utf8(rest).unwrap_or_default().split(' ');
    match fields.next().and_then(|version| version.parse().ok()) {
        Some(VERSION) => {}
        Some(version) if version > VERSION => {
            return Err(Error::NewerVersion { name: name.into(), place: PLACE.into(), version });
        }
        _ => return Ok(Some(None)),
    }
    let place = match fields.next() {
        Some("a") => Place::A,
        Some("b") => Place::B,
        _ => return Ok(Some(None)),
    };
    let count = fields.next().and_then(|count| count.parse().ok()).filter(|count| *count <= MAX_PARTS);
    let digest = fields.next().map(str::to_owned);
    Ok(Some(count.zip(digest).map(|(count, digest)| Head { place, count, digest })))
}

/// Pieces of at most `limit` bytes that tear no character.
fn cut(mut text: &str, limit: usize) -> Vec<&str> {
    let mut parts = Vec::with_capacity(text.len() / limit + 1);
    while !text.is_empty() {
        // No character has more than four bytes.
        let mut end = limit.max(4).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let (part, rest) = text.split_at(end);
        parts.push(part);
        text = rest;
    }
    parts
}
