//! The client's own key, and the tokens that it signs.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p521::ecdsa::signature::Signer as _;
use pkcs8::der::Decode as _;
use pkcs8::{ObjectIdentifier, PrivateKeyInfoRef};
use ring::rand::SystemRandom;
use ring::rsa::{KeyPairComponents, PublicKeyComponents};
use ring::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair};
use sec1::{EcParameters, EcPrivateKey};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::Algorithm;
use super::held::{Holder, Kind};
use super::private_key::{Form, PrivateKeyDer};
use crate::protocol::json;
use crate::secret::Secret;

/// Why a text is no usable private key. Nothing of the text is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadKey {
    /// Neither PEM nor JWK.
    #[error("it is neither a PEM file nor a JWK")]
    Format,
    /// PEM with something else inside.
    #[error("its PEM holds no private key")]
    NotPrivate,
    /// A key that asks for a passphrase, and none is known.
    #[error("it is encrypted, and the entry has no `private_key_passphrase`")]
    Encrypted,
    /// The passphrase does not open it.
    #[error("its passphrase is wrong, or it is damaged")]
    Passphrase,
    /// Encrypted by means that are not read.
    #[error("it is encrypted in an old or rare way; `openssl pkcs8 -topk8 -v2 aes-256-cbc` encrypts it anew")]
    UnknownEncryption,
    /// Encrypted as PEM files were before PKCS #8.
    #[error("it is encrypted in the old way of PEM; `openssl pkcs8 -topk8` turns it into PKCS #8")]
    OldEncryption,
    /// A set of keys in which nothing tells which one is meant.
    #[error("it is a set of several keys; `private_key_id` says which")]
    Several,
    /// A set of keys that lacks the one that is meant.
    #[error("it is a set of keys without the one that `private_key_id` names")]
    NoSuchKey,
    /// The content is damaged, or the key too weak.
    #[error(
        "it is damaged, too weak, or of a kind that keyfob cannot sign with (RSA of 2048 bits or more, P-256, P-384, P-521, Ed25519)"
    )]
    Unusable,
    /// Only a PEM file will do.
    #[error("it is a JWK, and TLS takes a PEM file")]
    NotPem,
    /// The content is damaged, or the key of a kind that opens nothing.
    #[error(
        "it is damaged, too weak, or of a kind that keyfob cannot decrypt with (RSA of 2048 bits or more, P-256, P-384, P-521, or `oct`)"
    )]
    Undecrypting,
    /// The key opens nothing that is encrypted so.
    #[error("it opens nothing that is encrypted with {0}")]
    NotForDecryption(&'static str),
    /// The key cannot sign so.
    #[error("it is of the kind {kind}, which cannot sign with {wanted}")]
    Algorithm {
        /// What kind of key it is.
        kind: &'static str,
        /// What it was to sign with.
        wanted: Algorithm,
    },
    /// The other side takes nothing that the key can sign with.
    #[error("it is of the kind {kind}, and the server takes no algorithm that goes with it, such as {own}")]
    NotTaken {
        /// What kind of key it is.
        kind: &'static str,
        /// The most usual of its algorithms.
        own: Algorithm,
    },
    /// Signing failed.
    #[error("signing with it failed")]
    Failed,
}

/// What is needed to read a key, besides its text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading<'a> {
    /// What an encrypted one is opened with.
    pub passphrase: Option<&'a Secret>,
    /// Which one of a set is meant.
    pub kid: Option<&'a str>,
}

/// A private key.
///
/// # Security
/// `Debug` says nothing of it.
pub struct Signer {
    key: Key,
    kid: Option<String>,
    /// The one algorithm that the key's own JWK names.
    only: Option<Algorithm>,
}

enum Key {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    P521(p521::ecdsa::SigningKey),
    Ed25519(Ed25519KeyPair),
    Held(Box<dyn Holder>),
}

impl Signer {
    /// Reads a PEM file (PKCS #8, PKCS #1 for RSA, SEC 1 for elliptic curves), a JWK, or one JWK of a set.
    ///
    /// # Errors
    /// [`BadKey`].
    ///
    /// # Specification
    /// RFC 7468 §10, §11; RFC 8017 appendix A.1.2; RFC 5915 §3; RFC 7517 §4, §5.
    pub fn parse(text: &str, reading: Reading<'_>) -> Result<Self, BadKey> {
        let text = text.trim();
        if text.starts_with('{') {
            let members = json::parse_object(text.as_bytes()).map_err(|_| BadKey::Format)?;
            return match members.get("keys") {
                Some(Value::Array(keys)) => Self::of_jwk(one_of(keys, reading.kid)?),
                _ => Self::of_jwk(&members),
            };
        }
        Self::of_der(&PrivateKeyDer::of_pem(text, reading.passphrase)?)
    }

    /// One whose key is somewhere else.
    pub fn held(holder: Box<dyn Holder>) -> Self {
        Self { key: Key::Held(holder), kid: None, only: None }
    }

    /// Reads a key out of a PEM file.
    ///
    /// # Errors
    /// [`BadKey::Unusable`].
    pub fn of_der(key: &PrivateKeyDer) -> Result<Self, BadKey> {
        let key = match key.form {
            Form::Pkcs8 => of_pkcs8(&key.bytes),
            Form::Pkcs1 => RsaKeyPair::from_der(&key.bytes).ok().map(Key::Rsa),
            Form::Sec1 => of_sec1(&key.bytes, None),
        };
        Ok(Self { key: key.ok_or(BadKey::Unusable)?, kid: None, only: None })
    }

    fn of_jwk(members: &Map<String, Value>) -> Result<Self, BadKey> {
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let bytes = |name: &str| text(name).and_then(super::base64url).map(Zeroizing::new).ok_or(BadKey::Unusable);
        let key = match (text("kty"), text("crv")) {
            (Some("RSA"), _) => Key::Rsa(of_components(bytes)?),
            (Some("EC"), Some(curve)) => {
                let curve = Curve::of_jwk(curve).ok_or(BadKey::Unusable)?;
                let point = Zeroizing::new([&[4], bytes("x")?.as_slice(), bytes("y")?.as_slice()].concat());
                of_curve(curve, &bytes("d")?, Some(&point)).ok_or(BadKey::Unusable)?
            }
            (Some("OKP"), Some("Ed25519")) => {
                let pair = Ed25519KeyPair::from_seed_and_public_key(&bytes("d")?, &bytes("x")?);
                Key::Ed25519(pair.map_err(|_| BadKey::Unusable)?)
            }
            _ => return Err(BadKey::Unusable),
        };
        let only = match text("alg") {
            None => None,
            Some(name) => Some(Algorithm::parse(name).ok_or(BadKey::Unusable)?),
        };
        let signer = Self { key, kid: text("kid").map(str::to_owned), only };
        match only {
            Some(algorithm) if !signer.algorithms().contains(&algorithm) => Err(signer.cannot(algorithm)),
            _ => Ok(signer),
        }
    }

    /// What kind of key it is, in words.
    pub fn kind(&self) -> &'static str {
        self.sort().name()
    }

    fn sort(&self) -> Kind {
        match &self.key {
            Key::Rsa(_) => Kind::Rsa,
            Key::P256(_) => Kind::P256,
            Key::P384(_) => Kind::P384,
            Key::P521(_) => Kind::P521,
            Key::Ed25519(_) => Kind::Ed25519,
            Key::Held(holder) => holder.kind(),
        }
    }

    fn cannot(&self, wanted: Algorithm) -> BadKey {
        BadKey::Algorithm { kind: self.kind(), wanted }
    }

    /// What it can sign with, the most usual first.
    pub fn algorithms(&self) -> &'static [Algorithm] {
        self.sort().algorithms()
    }

    /// The algorithm to sign with: the `demanded` one, else the key's own, else the first that it has in common with what
    /// the server `offered`.
    ///
    /// # Errors
    /// [`BadKey::Algorithm`] when the key cannot sign with the demanded one; [`BadKey::NotTaken`] when the server takes
    /// none of the key's.
    pub fn choose(&self, demanded: Option<Algorithm>, offered: Option<&[String]>) -> Result<Algorithm, BadKey> {
        let own = self.only.as_ref().map_or(self.algorithms(), std::slice::from_ref);
        if let Some(demanded) = demanded {
            return if own.contains(&demanded) { Ok(demanded) } else { Err(self.cannot(demanded)) };
        }
        let taken =
            |algorithm: &&Algorithm| offered.is_none_or(|list| list.iter().any(|name| name == algorithm.name()));
        own.iter().find(taken).copied().ok_or(BadKey::NotTaken { kind: self.kind(), own: own[0] })
    }

    /// The name that the key gives itself.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// A signed token in the compact form. `header` has what is said of the key besides the algorithm; the key's own name is
    /// added where it names none.
    ///
    /// # Errors
    /// [`BadKey::Algorithm`] when the key cannot sign so; [`BadKey::Failed`].
    ///
    /// # Specification
    /// RFC 7515 §5.1, §7.1.
    pub fn sign(&self, algorithm: Algorithm, header: KeyHeader<'_>, claims: &Value) -> Result<String, BadKey> {
        self.sign_as("JWT", algorithm, header, claims)
    }

    /// As [`sign`](Self::sign), a token that says what kind it is.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Specification
    /// RFC 8725 §3.11.
    pub fn sign_as(
        &self,
        typ: &str,
        algorithm: Algorithm,
        header: KeyHeader<'_>,
        claims: &Value,
    ) -> Result<String, BadKey> {
        let mut members = json!({ "alg": algorithm.name(), "typ": typ });
        if let Some(kid) = header.kid.or(self.kid()) {
            members["kid"] = kid.into();
        }
        if let Some(thumbprint) = header.certificate {
            members["x5t#S256"] = thumbprint.into();
        }
        let message = message(&members, claims);
        let signature = self.signature(algorithm, message.as_bytes())?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The public half as a JWK: the members that its thumbprint is made of, in their order, and no other; `None` for a key
    /// that a holder has, which does not show it.
    ///
    /// # Specification
    /// RFC 7638 §3.2; RFC 7518 §6; RFC 8037 §2.
    pub fn public_jwk(&self) -> Option<Value> {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let point = |curve: &str, point: &[u8]| {
            // Without the mark of the uncompressed form.
            let (x, y) = point[1..].split_at(point.len() / 2);
            json!({ "crv": curve, "kty": "EC", "x": encode(x), "y": encode(y) })
        };
        Some(match &self.key {
            Key::Held(_) => return None,
            Key::Rsa(pair) => {
                let PublicKeyComponents { n, e } = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({ "e": encode(&e), "kty": "RSA", "n": encode(&n) })
            }
            Key::P256(pair) => point("P-256", pair.public_key().as_ref()),
            Key::P384(pair) => point("P-384", pair.public_key().as_ref()),
            Key::P521(key) => point("P-521", key.verifying_key().to_sec1_point(false).as_bytes()),
            Key::Ed25519(pair) => {
                json!({ "crv": "Ed25519", "kty": "OKP", "x": encode(pair.public_key().as_ref()) })
            }
        })
    }

    pub(in crate::protocol) fn signature(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, BadKey> {
        if !self.algorithms().contains(&algorithm) || self.only.is_some_and(|only| only != algorithm) {
            return Err(self.cannot(algorithm));
        }
        let random = SystemRandom::new();
        match &self.key {
            Key::Rsa(pair) => {
                let padding: &dyn signature::RsaEncoding = match algorithm {
                    Algorithm::RS256 => &signature::RSA_PKCS1_SHA256,
                    Algorithm::RS384 => &signature::RSA_PKCS1_SHA384,
                    Algorithm::RS512 => &signature::RSA_PKCS1_SHA512,
                    Algorithm::PS256 => &signature::RSA_PSS_SHA256,
                    Algorithm::PS384 => &signature::RSA_PSS_SHA384,
                    Algorithm::PS512 => &signature::RSA_PSS_SHA512,
                    _ => return Err(self.cannot(algorithm)),
                };
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(padding, &random, message, &mut signature).map_err(|_| BadKey::Failed)?;
                Ok(signature)
            }
            Key::P256(pair) | Key::P384(pair) => {
                Ok(pair.sign(&random, message).map_err(|_| BadKey::Failed)?.as_ref().to_vec())
            }
            // Deterministic (RFC 6979): no randomness is needed, and none can fail.
            Key::P521(key) => {
                let signature: p521::ecdsa::Signature = key.try_sign(message).map_err(|_| BadKey::Failed)?;
                Ok(signature.to_bytes().to_vec())
            }
            Key::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Key::Held(holder) => holder.sign(algorithm, message),
        }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.algorithms()[0])
    }
}

/// What a header says of the key.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyHeader<'a> {
    /// The key's name at the other side, in place of its own (RFC 7515 §4.1.4).
    pub kid: Option<&'a str>,
    /// The thumbprint of a certificate of the key (RFC 7515 §4.1.8).
    pub certificate: Option<&'a str>,
}

/// A token keyed with a secret that both sides know.
///
/// # Errors
/// [`BadKey::Failed`] when `algorithm` is no HMAC, or the secret is empty.
///
/// # Specification
/// RFC 7515 §5.1; RFC 7518 §3.2.
pub fn sign_with_secret(algorithm: Algorithm, secret: &Secret, claims: &Value) -> Result<String, BadKey> {
    let hmac = super::jws::hmac_algorithm(algorithm).filter(|_| !secret.is_empty()).ok_or(BadKey::Failed)?;
    let message = message(&json!({ "alg": algorithm.name(), "typ": "JWT" }), claims);
    let key = ring::hmac::Key::new(hmac, secret.expose().as_bytes());
    let signature = ring::hmac::sign(&key, message.as_bytes());
    Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// What is signed: the header and the payload, encoded.
fn message(header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", encode(header), encode(claims))
}

/// The key that is meant: the one of that name, else the only one.
fn one_of<'a>(keys: &'a [Value], kid: Option<&str>) -> Result<&'a Map<String, Value>, BadKey> {
    let mut named = keys
        .iter()
        .filter_map(Value::as_object)
        .filter(|key| kid.is_none() || key.get("kid").and_then(Value::as_str) == kid);
    match (named.next(), named.next()) {
        (Some(key), None) => Ok(key),
        (Some(_), Some(_)) => Err(BadKey::Several),
        (None, _) if kid.is_some() => Err(BadKey::NoSuchKey),
        (None, _) => Err(BadKey::Unusable),
    }
}

/// The curves of RFC 7518 §3.4.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    fn of_jwk(name: &str) -> Option<Self> {
        match name {
            "P-256" => Some(Self::P256),
            "P-384" => Some(Self::P384),
            "P-521" => Some(Self::P521),
            _ => None,
        }
    }

    /// RFC 5480 §2.1.1.1.
    fn of_identifier(identifier: ObjectIdentifier) -> Option<Self> {
        const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
        const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
        const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
        match identifier {
            P256 => Some(Self::P256),
            P384 => Some(Self::P384),
            P521 => Some(Self::P521),
            _ => None,
        }
    }
}

fn of_pkcs8(der: &[u8]) -> Option<Key> {
    /// RFC 5480 §2.1.1.
    const ELLIPTIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
    let info = PrivateKeyInfoRef::from_der(der).ok()?;
    if info.algorithm.oid == ELLIPTIC {
        let curve = info.algorithm.parameters_oid().ok().and_then(Curve::of_identifier)?;
        return of_sec1(info.private_key.as_bytes(), Some(curve));
    }
    // Keys of OpenSSL carry no public half.
    let edwards = || Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok().map(Key::Ed25519);
    RsaKeyPair::from_pkcs8(der).ok().map(Key::Rsa).or_else(edwards)
}

/// A key of RFC 5915, whose curve may be said outside of it too.
fn of_sec1(der: &[u8], outer: Option<Curve>) -> Option<Key> {
    let key = EcPrivateKey::from_der(der).ok()?;
    let inner = key.parameters.and_then(EcParameters::named_curve).and_then(Curve::of_identifier);
    let curve = match (outer, inner) {
        (Some(outer), Some(inner)) if outer != inner => return None,
        (outer, inner) => outer.or(inner)?,
    };
    of_curve(curve, key.private_key, key.public_key)
}

/// A key of its scalar. ring makes no public half, so it must be there, but for the curve that ring does not have.
fn of_curve(curve: Curve, scalar: &[u8], point: Option<&[u8]>) -> Option<Key> {
    let pair =
        |algorithm| EcdsaKeyPair::from_private_key_and_public_key(algorithm, scalar, point?, &SystemRandom::new()).ok();
    match curve {
        Curve::P256 => pair(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).map(Key::P256),
        Curve::P384 => pair(&signature::ECDSA_P384_SHA384_FIXED_SIGNING).map(Key::P384),
        Curve::P521 => {
            let key = p521::ecdsa::SigningKey::from_slice(scalar).ok()?;
            let given = point.map(p521::ecdsa::VerifyingKey::from_sec1_bytes).transpose().ok()?;
            // The halves must belong together, which ring checks for the others.
            given.is_none_or(|given| given == *key.verifying_key()).then_some(Key::P521(key))
        }
    }
}

fn of_components(bytes: impl Fn(&str) -> Result<Zeroizing<Vec<u8>>, BadKey>) -> Result<RsaKeyPair, BadKey> {
    let [n, e, d, p, q, d_p, d_q, q_inv] = ["n", "e", "d", "p", "q", "dp", "dq", "qi"].map(bytes);
    let components = KeyPairComponents {
        public_key: PublicKeyComponents { n: &*n?, e: &*e? },
        d: &*d?,
        p: &*p?,
        q: &*q?,
        dP: &*d_p?,
        dQ: &*d_q?,
        qInv: &*q_inv?,
    };
    RsaKeyPair::from_components(&components).map_err(|_| BadKey::Unusable)
}

#[cfg(test)]
mod tests;
