//! Tokens encrypted for a server, with a key that it publishes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::agreement::{self, ECDH_P256, ECDH_P384, EphemeralPrivateKey, UnparsedPublicKey, X25519};
use ring::rand::{SecureRandom, SystemRandom};
use rsa::traits::PublicKeyParts as _;
use serde_json::{Map, Value, json};
use sha1::Sha1;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{ContentEncryption, KeyManagement, content, key};
use crate::protocol::jose::{Error, base64url};

/// Smallest and largest RSA modulus in bytes (RFC 7518 §4.3; beyond it a key set could keep the processor busy).
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// A public key of a server, and how content is encrypted for it.
pub struct Recipient {
    algorithm: KeyManagement,
    kid: Option<String>,
    key: Key,
}

enum Key {
    Rsa(Box<rsa::PublicKey>),
    /// A point of a curve: how it is agreed on, its registered name, and its bytes.
    Point(&'static agreement::Algorithm, &'static str, Vec<u8>),
}

impl Recipient {
    /// The first key of a set, given by its members, that is for encryption with `algorithm`; those that say so come before
    /// those that do not say.
    ///
    /// # Specification
    /// RFC 7517 §4.2 (`use`), §4.3 (`key_ops`), §4.4 (`alg`); OpenID Connect Core §10.2.
    pub(crate) fn choose<'a>(
        keys: impl Iterator<Item = &'a Map<String, Value>> + Clone,
        algorithm: KeyManagement,
    ) -> Option<Self> {
        let says = |key: &&Map<String, Value>| key.get("alg").and_then(Value::as_str) == Some(algorithm.name());
        let silent = |key: &&Map<String, Value>| key.get("alg").is_none();
        let first = keys.clone().filter(says).find_map(|members| Self::read(members, algorithm));
        first.or_else(|| keys.filter(silent).find_map(|members| Self::read(members, algorithm)))
    }

    fn read(members: &Map<String, Value>, algorithm: KeyManagement) -> Option<Self> {
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let bytes = |name: &str| text(name).and_then(base64url);
        let is_meant = match (text("use"), members.get("key_ops")) {
            (Some(purpose), _) => purpose == "enc",
            (None, Some(operations)) => operations.as_array().is_some_and(|operations| {
                let wanted = ["wrapKey", "deriveKey", "deriveBits", "encrypt"];
                operations.iter().filter_map(Value::as_str).any(|operation| wanted.contains(&operation))
            }),
            // It may be for both.
            (None, None) => true,
        };
        let point =
            |length: usize| Some([vec![4], bytes("x")?, bytes("y")?].concat()).filter(|it| it.len() == 2 * length + 1);
        let key = match (algorithm, text("kty")?, text("crv")) {
            (KeyManagement::RsaOaep | KeyManagement::RsaOaep256, "RSA", _) => {
                let number = |name: &str| Some(rsa::BoxedUint::from_be_slice_vartime(&bytes(name)?));
                let key = rsa::PublicKey::new(number("n")?, number("e")?).ok();
                Key::Rsa(Box::new(key.filter(|key| RSA_BYTES.contains(&key.size()))?))
            }
            (KeyManagement::EcdhEs(_), "EC", Some("P-256")) => Key::Point(&ECDH_P256, "P-256", point(32)?),
            (KeyManagement::EcdhEs(_), "EC", Some("P-384")) => Key::Point(&ECDH_P384, "P-384", point(48)?),
            (KeyManagement::EcdhEs(_), "OKP", Some("X25519")) => {
                Key::Point(&X25519, "X25519", bytes("x").filter(|point| point.len() == 32)?)
            }
            _ => return None,
        };
        is_meant.then(|| Self { algorithm, kid: text("kid").map(str::to_owned), key })
    }

    /// A signed token, encrypted.
    ///
    /// # Errors
    /// [`Error::Unencryptable`] when the key is none after all, or there is no randomness.
    ///
    /// # Specification
    /// RFC 7516 §5.1; RFC 7519 §5.2 (`cty`), §11.2 (signed first, then encrypted); RFC 7518 §4.3, §4.6, §5.
    pub fn encrypt(&self, token: &str, encryption: ContentEncryption) -> Result<String, Error> {
        self.sealed(token, encryption).ok_or(Error::Unencryptable)
    }

    fn sealed(&self, token: &str, encryption: ContentEncryption) -> Option<String> {
        let mut header = Map::new();
        header.insert("alg".into(), self.algorithm.name().into());
        header.insert("enc".into(), encryption.name().into());
        header.insert("cty".into(), "JWT".into());
        if let Some(kid) = &self.kid {
            header.insert("kid".into(), kid.clone().into());
        }
        let (content_key, encrypted_key) = self.content_key(encryption, &mut header)?;
        let protected = URL_SAFE_NO_PAD.encode(Value::Object(header).to_string());
        let iv = random(if encryption.is_gcm() { 12 } else { 16 })?;
        let (ciphertext, tag) = content::seal(&content_key, protected.as_bytes(), &iv, token.as_bytes())?;
        let [encrypted_key, iv, ciphertext, tag] =
            [&encrypted_key, &*iv, &ciphertext, &tag].map(|part| URL_SAFE_NO_PAD.encode(part));
        Some(format!("{protected}.{encrypted_key}.{iv}.{ciphertext}.{tag}"))
    }

    /// The key of the content, and what tells it to the server.
    fn content_key(
        &self,
        encryption: ContentEncryption,
        header: &mut Map<String, Value>,
    ) -> Option<(Zeroizing<Vec<u8>>, Vec<u8>)> {
        let length = encryption.key_length();
        match (&self.key, self.algorithm) {
            (Key::Rsa(key), algorithm) => {
                let content_key = random(length)?;
                let encrypted = match algorithm {
                    KeyManagement::RsaOaep => key.oaep_encrypt::<Sha1>(&content_key),
                    _ => key.oaep_encrypt::<Sha256>(&content_key),
                };
                Some((content_key, encrypted.ok()?))
            }
            (Key::Point(..), KeyManagement::EcdhEs(None)) => {
                Some((self.agreed(encryption.name(), length, header)?, Vec::new()))
            }
            (Key::Point(..), KeyManagement::EcdhEs(Some(bits))) => {
                let content_key = random(length)?;
                let wrapping = self.agreed(self.algorithm.name(), bits / 8, header)?;
                let wrapped = key::wrapped(&wrapping, &content_key)?;
                Some((content_key, wrapped))
            }
            _ => None,
        }
    }

    /// A key of `length` bytes for `algorithm` that the server can make out too, with an ephemeral key in the header.
    fn agreed(&self, algorithm: &str, length: usize, header: &mut Map<String, Value>) -> Option<Zeroizing<Vec<u8>>> {
        let Key::Point(curve, name, point) = &self.key else { return None };
        let own = EphemeralPrivateKey::generate(curve, &SystemRandom::new()).ok()?;
        let public = own.compute_public_key().ok()?;
        let coordinate = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let epk = match public.as_ref() {
            [4, both @ ..] if *name != "X25519" => {
                let (x, y) = both.split_at(both.len() / 2);
                json!({ "kty": "EC", "crv": name, "x": coordinate(x), "y": coordinate(y) })
            }
            x => json!({ "kty": "OKP", "crv": name, "x": coordinate(x) }),
        };
        header.insert("epk".into(), epk);
        // A point that is not on the curve is refused here.
        agreement::agree_ephemeral(own, &UnparsedPublicKey::new(curve, point), |secret| {
            key::derived(secret, &[algorithm.as_bytes(), b"", b""], length)
        })
        .ok()?
    }
}

impl std::fmt::Debug for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recipient").field("algorithm", &self.algorithm).field("kid", &self.kid).finish_non_exhaustive()
    }
}

fn random(length: usize) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; length]);
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(bytes)
}
