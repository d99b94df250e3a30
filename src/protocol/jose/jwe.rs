//! Encrypted tokens in their compact form: those for us are opened, those for a server are made in `seal`.
//!
//! What is inside is a signed token, which is then verified like any other: whoever knows the public half of our key can
//! encrypt, so that decryption alone proves nothing about the sender.

mod content;
mod key;
mod seal;

use std::fmt;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{Error, base64url, excerpt};
use crate::protocol::json;
use crate::secret::Secret;

pub use key::Decrypter;
pub use seal::Recipient;

/// How many bytes of an encrypted token are read: those of a signed one, and what base64url adds.
const MAX_BYTES: usize = 400 << 10;

/// How the content's key reaches us.
///
/// `RSA1_5` is not among them: it tells of the key by its errors (RFC 7516 §11.5), and neither are passwords (`PBES2`).
///
/// # Specification
/// RFC 7518 §4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyManagement {
    /// `RSA-OAEP`, with SHA-1.
    RsaOaep,
    /// `RSA-OAEP-256`.
    RsaOaep256,
    /// `ECDH-ES`, alone or with a wrapped key of so many bits.
    EcdhEs(Option<usize>),
    /// `A128KW`, `A192KW`, `A256KW`.
    AesKw(usize),
    /// `dir`: the key is the shared one.
    Direct,
}

/// How the content is encrypted and authenticated.
///
/// # Specification
/// RFC 7518 §5.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentEncryption {
    /// `A128GCM` and its like.
    Gcm(usize),
    /// `A128CBC-HS256` and its like, by the bits of both keys together.
    CbcHmac(usize),
}

/// An encrypted token taken apart.
pub struct Jwe {
    /// The header as it came: it is authenticated with the content.
    protected: String,
    header: Map<String, Value>,
    algorithm: KeyManagement,
    encryption: ContentEncryption,
    encrypted_key: Vec<u8>,
    iv: Vec<u8>,
    ciphertext: Vec<u8>,
    tag: Vec<u8>,
}

impl KeyManagement {
    const NAMES: [(&'static str, Self); 10] = [
        ("RSA-OAEP", Self::RsaOaep),
        ("RSA-OAEP-256", Self::RsaOaep256),
        ("ECDH-ES", Self::EcdhEs(None)),
        ("ECDH-ES+A128KW", Self::EcdhEs(Some(128))),
        ("ECDH-ES+A192KW", Self::EcdhEs(Some(192))),
        ("ECDH-ES+A256KW", Self::EcdhEs(Some(256))),
        ("A128KW", Self::AesKw(128)),
        ("A192KW", Self::AesKw(192)),
        ("A256KW", Self::AesKw(256)),
        ("dir", Self::Direct),
    ];

    /// The algorithm registered as `name`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, algorithm)| *algorithm)
    }

    /// The registered name.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, algorithm)| *algorithm == self).map_or("", |(name, _)| name)
    }

    /// Whether the key is one that both sides know.
    pub fn is_symmetric(self) -> bool {
        matches!(self, Self::AesKw(_) | Self::Direct)
    }
}

impl ContentEncryption {
    const NAMES: [(&'static str, Self); 6] = [
        ("A128GCM", Self::Gcm(128)),
        ("A192GCM", Self::Gcm(192)),
        ("A256GCM", Self::Gcm(256)),
        ("A128CBC-HS256", Self::CbcHmac(256)),
        ("A192CBC-HS384", Self::CbcHmac(384)),
        ("A256CBC-HS512", Self::CbcHmac(512)),
    ];

    /// What is used where nothing else is said (OpenID Connect Registration §2).
    pub const USUAL: Self = Self::CbcHmac(256);

    /// The encryption registered as `name`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, encryption)| *encryption)
    }

    /// The registered name.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, encryption)| *encryption == self).map_or("", |(name, _)| name)
    }

    fn is_gcm(self) -> bool {
        matches!(self, Self::Gcm(_))
    }

    /// The length of its key in bytes.
    fn key_length(self) -> usize {
        let (Self::Gcm(bits) | Self::CbcHmac(bits)) = self;
        bits / 8
    }
}

impl Jwe {
    /// Takes a token apart that must be encrypted with `demanded`.
    ///
    /// # Errors
    /// [`Error::NotEncrypted`] for one that is not; [`Error::KeyManagement`], [`Error::ContentEncryption`] for other
    /// algorithms; otherwise whatever departs from the form. Compressed content is refused: a short token could become a
    /// huge one (RFC 8725 §3.6).
    ///
    /// # Specification
    /// RFC 7516 §3.1, §5.2 (1–5).
    pub fn parse(token: &str, demanded: KeyManagement) -> Result<Self, Error> {
        if token.len() > MAX_BYTES {
            return Err(Error::TooLarge { what: "the token", found: token.len(), limit: MAX_BYTES });
        }
        let segments: Vec<&str> = token.split('.').collect();
        let [protected, encrypted_key, iv, ciphertext, tag] = segments[..] else {
            return Err(Error::NotEncrypted(demanded.name()));
        };
        let decoded = |name, segment| base64url(segment).ok_or(Error::Encoding(name));
        let header = json::parse_object(&decoded("header", protected)?)
            .map_err(|cause| Error::Json { part: "header", cause })?;
        for name in ["crit", "zip"] {
            if header.contains_key(name) {
                return Err(Error::Extension(name));
            }
        }
        let text = |name| header.get(name).and_then(Value::as_str).unwrap_or_default();
        let algorithm = KeyManagement::parse(text("alg")).filter(|algorithm| *algorithm == demanded);
        let algorithm =
            algorithm.ok_or_else(|| Error::KeyManagement { found: excerpt(text("alg")), expected: demanded.name() })?;
        let encryption = ContentEncryption::parse(text("enc"));
        let encryption = encryption.ok_or_else(|| Error::ContentEncryption { found: excerpt(text("enc")) })?;
        Ok(Self {
            encrypted_key: decoded("encrypted key", encrypted_key)?,
            iv: decoded("initialization vector", iv)?,
            ciphertext: decoded("content", ciphertext)?,
            tag: decoded("tag", tag)?,
            protected: protected.to_owned(),
            header,
            algorithm,
            encryption,
        })
    }

    /// What is inside.
    ///
    /// # Errors
    /// [`Error::Undecryptable`], whatever is wrong: which step fails must not be told apart (RFC 7516 §11.5).
    ///
    /// # Specification
    /// RFC 7516 §5.2 (6–17).
    pub fn decrypt(&self, key: &Decrypter) -> Result<Secret, Error> {
        let content = key.content_key(self).and_then(|key| self.content(&key)).ok_or(Error::Undecryptable)?;
        let text = std::str::from_utf8(&content).map_err(|_| Error::Undecryptable)?;
        Ok(Secret::new(text))
    }

    fn content(&self, key: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let sealed = content::Sealed {
            header: self.protected.as_bytes(),
            iv: &self.iv,
            ciphertext: &self.ciphertext,
            tag: &self.tag,
        };
        if key.len() != self.encryption.key_length() {
            return None;
        }
        match self.encryption {
            ContentEncryption::Gcm(_) => content::gcm(key, &sealed),
            ContentEncryption::CbcHmac(_) => content::cbc_hmac(key, &sealed),
        }
    }
}

impl fmt::Debug for Jwe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwe")
            .field("algorithm", &self.algorithm)
            .field("encryption", &self.encryption)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
