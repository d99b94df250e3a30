//! The registry inside the program: a sorted table that the build script makes of `providers.toml`.
//!
//! It holds numbers and no references. References would have to be put right by the loader at every start of the program,
//! thousands of them, whatever it is started for.

use std::borrow::Cow;

use super::entry::{Setting, Settings};
use super::value::{Origin, Value};

include!(concat!(env!("OUT_DIR"), "/providers.rs"));

/// All texts of the table, one after the other.
const TEXTS: &str = include_str!(concat!(env!("OUT_DIR"), "/providers.txt"));

/// A piece of `TEXTS`: where it starts and how many bytes it has.
type Text = (u32, u32);

/// A value.
#[derive(Clone, Copy)]
enum Static {
    Text(Text),
    #[allow(dead_code, reason = "whether an entry has a number is for `providers.toml` to say")]
    Int(i64),
    Bool(bool),
    /// From the first to before the second of `ITEMS`.
    List(u32, u32),
}

/// The settings of one provider, sorted by dotted key.
#[derive(Clone, Copy)]
pub(super) struct Entry(&'static [(Text, Static)]);

fn text((at, length): Text) -> &'static str {
    &TEXTS[at as usize..(at + length) as usize]
}

fn position(name: &str) -> Option<usize> {
    PROVIDERS.binary_search_by(|(id, ..)| text(*id).cmp(name)).ok()
}

/// The entry of this provider.
pub(super) fn find(id: &str) -> Option<Entry> {
    let (_, from, to) = PROVIDERS[position(id)?];
    Some(Entry(&SETTINGS[from as usize..to as usize]))
}

/// The identifier itself, if there is such a provider.
pub(super) fn id(name: &str) -> Option<&'static str> {
    position(name).map(|at| text(PROVIDERS[at].0))
}

/// The identifier behind an alias.
pub(super) fn alias(name: &str) -> Option<&'static str> {
    ALIASES.binary_search_by(|(alias, _)| text(*alias).cmp(name)).ok().map(|at| text(ALIASES[at].1))
}

/// All identifiers, sorted.
pub(super) fn ids() -> impl Iterator<Item = &'static str> {
    PROVIDERS.iter().map(|(id, ..)| text(*id))
}

/// All aliases, sorted.
pub(super) fn aliases() -> impl Iterator<Item = &'static str> {
    ALIASES.iter().map(|(alias, _)| text(*alias))
}

/// The entry as settings; names and texts are not copied.
pub(super) fn settings(entry: Entry) -> Settings {
    let value = |value: Static| match value {
        Static::Text(piece) => Value::Text(Cow::Borrowed(text(piece))),
        Static::Int(number) => Value::Int(number),
        Static::Bool(flag) => Value::Bool(flag),
        Static::List(from, to) => {
            Value::List(ITEMS[from as usize..to as usize].iter().map(|item| Cow::Borrowed(text(*item))).collect())
        }
    };
    let setting = |found: Static| Setting { value: value(found), place: Origin::Bundled.into() };
    entry.0.iter().map(|(key, found)| (Cow::Borrowed(text(*key)), setting(*found))).collect()
}

#[cfg(test)]
mod provider_table;
#[cfg(test)]
mod tests;
