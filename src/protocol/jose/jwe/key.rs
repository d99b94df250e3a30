//! The key that opens a token, and how it yields the key of the content (RFC 7518 §4).

use std::fmt;

use aes_kw::{KeyInit, KwAes128, KwAes192, KwAes256};
use ring::digest;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use serde_json::{Map, Value};
use sha1::Sha1;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{Jwe, KeyManagement};
use crate::protocol::jose::private_key::Form;
use crate::protocol::jose::{BadKey, PrivateKeyDer, base64url};
use crate::protocol::json;
use crate::secret::Secret;

/// Smallest RSA modulus in bytes (RFC 7518 §4.3).
const MIN_RSA_BYTES: usize = 256;

/// A private or shared key with which tokens for this client are opened.
///
/// # Security
/// `Debug` says nothing of it.
pub struct Decrypter(Key);

enum Key {
    Rsa(Box<rsa::PrivateKey>),
    P256(p256::SecretKey),
    P384(p384::SecretKey),
    P521(p521::SecretKey),
    Shared(Zeroizing<Vec<u8>>),
    /// A secret from which keys of the length that is needed are made.
    ClientSecret(Secret),
}

impl Decrypter {
    /// Reads a PEM file (PKCS #8, PKCS #1 for RSA, SEC 1 for elliptic curves), which `passphrase` opens, or a JWK.
    ///
    /// # Errors
    /// [`BadKey`].
    ///
    /// # Specification
    /// RFC 7468 §10, §11; RFC 8017 appendix A.1.2; RFC 5915 §3; RFC 7517 §4; RFC 7518 §6.
    pub fn parse(text: &str, passphrase: Option<&Secret>) -> Result<Self, BadKey> {
        let text = text.trim();
        if text.starts_with('{') {
            let members = json::parse_object(text.as_bytes()).map_err(|_| BadKey::Format)?;
            return of_jwk(&members).map(Self).ok_or(BadKey::Undecrypting);
        }
        let PrivateKeyDer { form, bytes } = PrivateKeyDer::of_pem(text, passphrase)?;
        let rsa = |key| Some(Key::Rsa(Box::new(key)));
        let key = match form {
            Form::Pkcs8 => None
                .or_else(|| rsa::PrivateKey::from_pkcs8_der(&bytes).ok().and_then(rsa))
                .or_else(|| p256::SecretKey::from_pkcs8_der(&bytes).ok().map(Key::P256))
                .or_else(|| p384::SecretKey::from_pkcs8_der(&bytes).ok().map(Key::P384))
                .or_else(|| p521::SecretKey::from_pkcs8_der(&bytes).ok().map(Key::P521)),
            Form::Pkcs1 => rsa::PrivateKey::from_pkcs1_der(&bytes).ok().and_then(rsa),
            Form::Sec1 => None
                .or_else(|| p256::SecretKey::from_sec1_der(&bytes).ok().map(Key::P256))
                .or_else(|| p384::SecretKey::from_sec1_der(&bytes).ok().map(Key::P384))
                .or_else(|| p521::SecretKey::from_sec1_der(&bytes).ok().map(Key::P521)),
        };
        key.filter(is_strong).map(Self).ok_or(BadKey::Undecrypting)
    }

    /// The key that the client secret stands for, where tokens are encrypted with what both sides know.
    ///
    /// # Specification
    /// OpenID Connect Core §10.2.
    pub fn of_client_secret(secret: &Secret) -> Self {
        Self(Key::ClientSecret(secret.clone()))
    }

    /// Whether it can open what is encrypted so.
    pub fn suits(&self, algorithm: KeyManagement) -> bool {
        match (&self.0, algorithm) {
            (Key::Rsa(_), KeyManagement::RsaOaep | KeyManagement::RsaOaep256) => true,
            (Key::P256(_) | Key::P384(_) | Key::P521(_), KeyManagement::EcdhEs(_)) => true,
            (Key::Shared(key), KeyManagement::AesKw(bits)) => key.len() * 8 == bits,
            (Key::Shared(_) | Key::ClientSecret(_), algorithm) => algorithm.is_symmetric(),
            _ => false,
        }
    }

    /// The key of the content.
    pub(super) fn content_key(&self, jwe: &Jwe) -> Option<Zeroizing<Vec<u8>>> {
        let needed = jwe.encryption.key_length();
        match (&self.0, jwe.algorithm) {
            (Key::Rsa(key), KeyManagement::RsaOaep) => {
                key.oaep_decrypt::<Sha1>(&jwe.encrypted_key).ok().map(Zeroizing::new)
            }
            (Key::Rsa(key), KeyManagement::RsaOaep256) => {
                key.oaep_decrypt::<Sha256>(&jwe.encrypted_key).ok().map(Zeroizing::new)
            }
            (_, KeyManagement::EcdhEs(None)) if jwe.encrypted_key.is_empty() => {
                self.agreed(&jwe.header, jwe.encryption.name(), needed)
            }
            (_, KeyManagement::EcdhEs(Some(bits))) => {
                let key = self.agreed(&jwe.header, jwe.algorithm.name(), bits / 8)?;
                unwrapped(&key, &jwe.encrypted_key)
            }
            (_, KeyManagement::AesKw(bits)) => unwrapped(&self.shared(bits / 8)?, &jwe.encrypted_key),
            (_, KeyManagement::Direct) if jwe.encrypted_key.is_empty() => self.shared(needed),
            _ => None,
        }
    }

    /// A key of `length` bytes that both sides know.
    fn shared(&self, length: usize) -> Option<Zeroizing<Vec<u8>>> {
        match &self.0 {
            Key::Shared(key) => (key.len() == length).then(|| key.clone()),
            Key::ClientSecret(secret) => {
                let hash = match length {
                    ..=32 => &digest::SHA256,
                    33..=48 => &digest::SHA384,
                    _ => &digest::SHA512,
                };
                let digest = digest::digest(hash, secret.expose().as_bytes());
                digest.as_ref().get(..length).map(|key| Zeroizing::new(key.to_vec()))
            }
            _ => None,
        }
    }

    /// A key agreed on with the sender's ephemeral one, for `algorithm`.
    ///
    /// # Specification
    /// RFC 7518 §4.6.
    fn agreed(&self, header: &Map<String, Value>, algorithm: &str, length: usize) -> Option<Zeroizing<Vec<u8>>> {
        let epk = header.get("epk")?.as_object()?;
        let coordinate = |name: &str| base64url(epk.get(name)?.as_str()?);
        let curve = epk.get("crv")?.as_str()?;
        // A point that is not on the curve would tell of our key; each `from_sec1_bytes` refuses it.
        let point = [vec![4], coordinate("x")?, coordinate("y")?].concat();
        let secret: Zeroizing<Vec<u8>> = match (&self.0, curve) {
            (Key::P256(key), "P-256") => {
                let other = p256::PublicKey::from_sec1_bytes(&point).ok()?;
                let shared = p256::ecdh::diffie_hellman(key.to_nonzero_scalar(), other.as_affine());
                Zeroizing::new(shared.raw_secret_bytes().to_vec())
            }
            (Key::P384(key), "P-384") => {
                let other = p384::PublicKey::from_sec1_bytes(&point).ok()?;
                let shared = p384::ecdh::diffie_hellman(key.to_nonzero_scalar(), other.as_affine());
                Zeroizing::new(shared.raw_secret_bytes().to_vec())
            }
            (Key::P521(key), "P-521") => {
                let other = p521::PublicKey::from_sec1_bytes(&point).ok()?;
                let shared = p521::ecdh::diffie_hellman(key.to_nonzero_scalar(), other.as_affine());
                Zeroizing::new(shared.raw_secret_bytes().to_vec())
            }
            _ => return None,
        };
        let party = |name: &str| match header.get(name) {
            None => Some(Vec::new()),
            Some(value) => base64url(value.as_str()?),
        };
        derived(&secret, &[algorithm.as_bytes(), &party("apu")?, &party("apv")?], length)
    }
}

impl fmt::Debug for Decrypter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decrypter(…)")
    }
}

/// The Concat KDF with SHA-256 (NIST SP 800-56A §5.8.1): `parts` go in with their lengths, and the length that is wanted.
pub(super) fn derived(secret: &[u8], parts: &[&[u8]], length: usize) -> Option<Zeroizing<Vec<u8>>> {
    let mut key = Zeroizing::new(Vec::new());
    for round in 1_u32.. {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(&round.to_be_bytes());
        hash.update(secret);
        for part in parts {
            hash.update(&u32::try_from(part.len()).ok()?.to_be_bytes());
            hash.update(part);
        }
        hash.update(&u32::try_from(length * 8).ok()?.to_be_bytes());
        key.extend_from_slice(hash.finish().as_ref());
        if key.len() >= length {
            break;
        }
    }
    key.truncate(length);
    Some(key)
}

/// RFC 3394 §2.2.2.
fn unwrapped(key: &[u8], wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; wrapped.len()]);
    let length = match key.len() {
        16 => KwAes128::new_from_slice(key).ok()?.unwrap_key(wrapped, &mut bytes).ok()?.len(),
        24 => KwAes192::new_from_slice(key).ok()?.unwrap_key(wrapped, &mut bytes).ok()?.len(),
        32 => KwAes256::new_from_slice(key).ok()?.unwrap_key(wrapped, &mut bytes).ok()?.len(),
        _ => return None,
    };
    bytes.truncate(length);
    Some(bytes)
}

/// RFC 3394 §2.2.1.
pub(super) fn wrapped(key: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
    let mut wrapped = vec![0; bytes.len() + 8];
    let length = match key.len() {
        16 => KwAes128::new_from_slice(key).ok()?.wrap_key(bytes, &mut wrapped).ok()?.len(),
        24 => KwAes192::new_from_slice(key).ok()?.wrap_key(bytes, &mut wrapped).ok()?.len(),
        32 => KwAes256::new_from_slice(key).ok()?.wrap_key(bytes, &mut wrapped).ok()?.len(),
        _ => return None,
    };
    wrapped.truncate(length);
    Some(wrapped)
}

fn of_jwk(members: &Map<String, Value>) -> Option<Key> {
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    let bytes = |name: &str| text(name).and_then(base64url).map(Zeroizing::new);
    let key = match (text("kty")?, text("crv")) {
        ("oct", _) => Key::Shared(bytes("k")?),
        ("RSA", _) => {
            let number = |name: &str| Some(rsa::BoxedUint::from_be_slice_vartime(&bytes(name)?));
            let primes = vec![number("p")?, number("q")?];
            let key = rsa::PrivateKey::from_components(number("n")?, number("e")?, number("d")?, primes);
            Key::Rsa(Box::new(key.ok()?))
        }
        ("EC", Some("P-256")) => Key::P256(p256::SecretKey::from_slice(&bytes("d")?).ok()?),
        ("EC", Some("P-384")) => Key::P384(p384::SecretKey::from_slice(&bytes("d")?).ok()?),
        ("EC", Some("P-521")) => Key::P521(p521::SecretKey::from_slice(&bytes("d")?).ok()?),
        _ => return None,
    };
    Some(key).filter(is_strong)
}

fn is_strong(key: &Key) -> bool {
    use rsa::traits::PublicKeyParts;
    match key {
        Key::Rsa(key) => key.size() >= MIN_RSA_BYTES,
        _ => true,
    }
}
