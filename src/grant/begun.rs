//! A login in two calls: what the second must know of the first.

use std::fmt;

use serde_json::{Map, Value};

use super::Error;
use crate::secret::Secret;

/// A login that was begun and not waited for; `Debug` says nothing of it.
pub struct Begun {
    /// Seconds since 1970 after which nothing can be made of it.
    pub expires_at: i64,
    /// The scope that was asked for.
    pub scopes: Vec<String>,
    values: Vec<(&'static str, Secret)>,
}

/// What a grant may remember.
const NAMES: [&str; 7] = ["state", "nonce", "verifier", "redirect_uri", "device_code", "interval", "proof_key"];

impl Begun {
    pub(super) fn new(expires_at: i64, scopes: Vec<String>) -> Self {
        Self { expires_at, scopes, values: Vec::new() }
    }

    /// Remembers `value`, if there is one, as `name`.
    pub(super) fn with(mut self, name: &'static str, value: Option<&Secret>) -> Self {
        debug_assert!(NAMES.contains(&name), "{name}");
        self.values.extend(value.map(|value| (name, value.clone())));
        self
    }

    pub(super) fn value(&self, name: &str) -> Option<&Secret> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// As [`value`](Self::value), of what must be there.
    pub(super) fn expect(&self, name: &'static str) -> Result<&Secret, Error> {
        self.value(name).ok_or(Error::NotBegun { lacks: name })
    }

    /// All of it as JSON, to be kept in a secret store.
    pub fn to_json(&self) -> Map<String, Value> {
        let mut members = Map::new();
        members.insert("expires_at".into(), self.expires_at.into());
        members.insert("scopes".into(), self.scopes.clone().into());
        for (name, value) in &self.values {
            members.insert((*name).to_owned(), value.expose().into());
        }
        members
    }

    /// What [`to_json`](Self::to_json) has written.
    ///
    /// # Errors
    /// [`Error::NotBegun`] for anything else.
    pub fn from_json(members: &Map<String, Value>) -> Result<Self, Error> {
        let number = members.get("expires_at").and_then(Value::as_i64);
        let words = members.get("scopes").and_then(Value::as_array);
        let words = words.and_then(|words| words.iter().map(|word| word.as_str().map(str::to_owned)).collect());
        let text = |name: &'static str| members.get(name)?.as_str().map(|value| (name, Secret::new(value)));
        Ok(Self {
            expires_at: number.ok_or(Error::NotBegun { lacks: "expires_at" })?,
            scopes: words.ok_or(Error::NotBegun { lacks: "scopes" })?,
            values: NAMES.into_iter().filter_map(text).collect(),
        })
    }
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Begun(…)")
    }
}
