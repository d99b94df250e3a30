//! The set of keys a server publishes.

use std::collections::HashMap;
use std::fmt;

use serde_json::{Map, Value};

use super::key::PublicKey;
use super::{Error, KeyManagement, Recipient, Unfit};
use crate::protocol::json;

/// How many bytes of a key set are read; 1,000 large keys with certificates would not fill it.
const MAX_BYTES: usize = 1 << 20;

/// How many keys a set may list; the largest servers publish about twenty.
const MAX_KEYS: usize = 1000;

/// The keys a server publishes, each judged once whether it may ever verify a signature.
///
/// Keys of unknown types, of private or symmetric material, too small, for encryption, or sharing their name with
/// another usable key stay in the set only to explain why a token that names them is refused.
///
/// # Specification
/// RFC 7517 §5; OpenID Connect Core §10.1.
pub struct JwkSet {
    keys: Vec<Jwk>,
    /// Those that are not for signatures alone, as they came.
    others: Vec<Map<String, Value>>,
}

/// One key with its name.
pub(super) struct Jwk {
    pub(super) kid: Option<String>,
    pub(super) key: Result<PublicKey, Unfit>,
}

impl JwkSet {
    /// Reads the document at a `jwks_uri`.
    ///
    /// # Errors
    /// When the document as a whole is not a key set or is larger than any honest one; single keys that do not fit never
    /// fail the set.
    pub fn parse(document: &[u8]) -> Result<Self, Error> {
        if document.len() > MAX_BYTES {
            return Err(Error::TooLarge { what: "the key set", found: document.len(), limit: MAX_BYTES });
        }
        let members = json::parse_object(document).map_err(Error::KeySetJson)?;
        let Some(Value::Array(entries)) = members.get("keys") else {
            return Err(Error::NoKeys);
        };
        if entries.len() > MAX_KEYS {
            return Err(Error::TooManyKeys { found: entries.len(), limit: MAX_KEYS });
        }
        let mut keys: Vec<Jwk> = entries.iter().map(Jwk::parse).collect();
        refuse_duplicates(&mut keys);

        let objects = entries.iter().filter_map(Value::as_object);
        let others = objects.filter(|entry| entry.get("use").is_none_or(|purpose| purpose != "sig"));
        let others = others.cloned().collect();

        Ok(Self { keys, others })
    }

    /// The key with which something is encrypted for the server.
    pub fn recipient(&self, algorithm: KeyManagement) -> Option<Recipient> {
        Recipient::choose(self.others.iter(), algorithm)
    }

    /// How many keys of the set can verify signatures.
    pub fn usable(&self) -> usize {
        self.keys.iter().filter(|jwk| jwk.key.is_ok()).count()
    }

    /// The key named `kid`; a usable one before others of that name.
    pub(super) fn find(&self, kid: &str) -> Option<Result<&PublicKey, Unfit>> {
        let mut named = self.keys.iter().filter(|jwk| jwk.kid.as_deref() == Some(kid));
        let first = named.clone().next()?;
        let best = named.find(|jwk| jwk.key.is_ok()).unwrap_or(first);
        Some(best.key.as_ref().map_err(|unfit| *unfit))
    }

    /// All usable keys, in the order of the set.
    pub(super) fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self.keys.iter().filter_map(|jwk| jwk.key.as_ref().ok())
    }
}

impl Jwk {
    fn parse(entry: &Value) -> Self {
        let Value::Object(members) = entry else {
            return Self { kid: None, key: Err(Unfit::Malformed) };
        };
        match members.get("kid") {
            None => Self { kid: None, key: PublicKey::parse(members) },
            Some(Value::String(kid)) => Self { kid: Some(kid.clone()), key: PublicKey::parse(members) },
            Some(_) => Self { kid: None, key: Err(Unfit::Malformed) },
        }
    }
}

/// Two usable keys of one name: whichever were taken, the server may have meant the other, so neither is.
fn refuse_duplicates(keys: &mut [Jwk]) {
    let mut count: HashMap<String, usize> = HashMap::new();
    for jwk in keys.iter().filter(|jwk| jwk.key.is_ok()) {
        if let Some(kid) = &jwk.kid {
            *count.entry(kid.clone()).or_default() += 1;
        }
    }
    for jwk in keys {
        if jwk.key.is_ok() && jwk.kid.as_ref().is_some_and(|kid| count[kid] > 1) {
            jwk.key = Err(Unfit::DuplicateId);
        }
    }
}

impl fmt::Debug for JwkSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwkSet").field("keys", &self.keys.len()).field("usable", &self.usable()).finish()
    }
}

#[cfg(test)]
mod tests;
