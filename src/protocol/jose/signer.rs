//! The client's own key, and the tokens that it signs.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::rsa::{KeyPairComponents, PublicKeyComponents};
use ring::signature::{self, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::Algorithm;
use crate::protocol::json;

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
    /// A key that asks for a passphrase.
    #[error("it is encrypted; decrypt it with `openssl pkcs8`")]
    Encrypted,
    /// The older form of elliptic curve keys.
    #[error("it is in the SEC 1 form; convert it with `openssl pkcs8 -topk8 -nocrypt`")]
    Sec1,
    /// The content is damaged, or the key too weak.
    #[error(
        "it is damaged, too weak, or of a kind that keyfob cannot sign with (RSA of 2048 bits or more, P-256, P-384, Ed25519)"
    )]
    Unusable,
    /// The key cannot sign so.
    #[error("it cannot sign with {0}")]
    Algorithm(Algorithm),
    /// Signing failed.
    #[error("signing with it failed")]
    Failed,
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
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    /// Reads a PEM file (PKCS #8, or PKCS #1 for RSA) or a JWK.
    ///
    /// # Errors
    /// [`BadKey`].
    ///
    /// # Specification
    /// RFC 7468 §10; RFC 8017 appendix A.1.2; RFC 7517 §4.
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let text = text.trim();
        if text.starts_with('{') {
            let members = json::parse_object(text.as_bytes()).map_err(|_| BadKey::Format)?;
            return Self::of_jwk(&members);
        }
        let (label, der) = pem(text)?;
        let key = match label {
            "PRIVATE KEY" => of_pkcs8(&der),
            "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der).ok().map(Key::Rsa),
            "EC PRIVATE KEY" => return Err(BadKey::Sec1),
            "ENCRYPTED PRIVATE KEY" => return Err(BadKey::Encrypted),
            _ => return Err(BadKey::NotPrivate),
        };
        Ok(Self { key: key.ok_or(BadKey::Unusable)?, kid: None, only: None })
    }

    fn of_jwk(members: &Map<String, Value>) -> Result<Self, BadKey> {
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let bytes = |name: &str| text(name).and_then(super::base64url).map(Zeroizing::new).ok_or(BadKey::Unusable);
        let key = match (text("kty"), text("crv")) {
            (Some("RSA"), _) => Key::Rsa(of_components(bytes)?),
            (Some("EC"), Some("P-256")) => Key::P256(of_point(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, bytes)?),
            (Some("EC"), Some("P-384")) => Key::P384(of_point(&signature::ECDSA_P384_SHA384_FIXED_SIGNING, bytes)?),
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
            Some(algorithm) if !signer.algorithms().contains(&algorithm) => Err(BadKey::Algorithm(algorithm)),
            _ => Ok(signer),
        }
    }

    /// What it can sign with, the most usual first.
    pub fn algorithms(&self) -> &'static [Algorithm] {
        use Algorithm::{ES256, ES384, Ed25519, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
        match &self.key {
            Key::Rsa(_) => &[RS256, PS256, RS384, RS512, PS384, PS512],
            Key::P256(_) => &[ES256],
            Key::P384(_) => &[ES384],
            Key::Ed25519(_) => &[EdDSA, Ed25519],
        }
    }

    /// The algorithm to sign with: the key's own, else the first that it has in common with what the server `offered`.
    ///
    /// # Errors
    /// [`BadKey::Algorithm`] with the key's first one, when the server takes none of them.
    pub fn choose(&self, offered: Option<&[String]>) -> Result<Algorithm, BadKey> {
        let own = self.only.as_ref().map_or(self.algorithms(), std::slice::from_ref);
        let taken =
            |algorithm: &&Algorithm| offered.is_none_or(|list| list.iter().any(|name| name == algorithm.name()));
        own.iter().find(taken).copied().ok_or(BadKey::Algorithm(own[0]))
    }

    /// The name that the key gives itself.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// A signed token in the compact form. `kid` names the key where the key itself does not.
    ///
    /// # Errors
    /// [`BadKey::Algorithm`] when the key cannot sign so; [`BadKey::Failed`].
    ///
    /// # Specification
    /// RFC 7515 §5.1, §7.1.
    pub fn sign(&self, algorithm: Algorithm, kid: Option<&str>, claims: &Value) -> Result<String, BadKey> {
        let mut header = json!({ "alg": algorithm.name(), "typ": "JWT" });
        if let Some(kid) = kid.or(self.kid()) {
            header["kid"] = kid.into();
        }
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encode(&header), encode(claims));
        let signature = self.signature(algorithm, message.as_bytes())?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn signature(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, BadKey> {
        if !self.algorithms().contains(&algorithm) || self.only.is_some_and(|only| only != algorithm) {
            return Err(BadKey::Algorithm(algorithm));
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
                    _ => return Err(BadKey::Algorithm(algorithm)),
                };
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(padding, &random, message, &mut signature).map_err(|_| BadKey::Failed)?;
                Ok(signature)
            }
            Key::P256(pair) | Key::P384(pair) => {
                Ok(pair.sign(&random, message).map_err(|_| BadKey::Failed)?.as_ref().to_vec())
            }
            Key::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.algorithms()[0])
    }
}

/// The label and the bytes of the first block that is no parameters of a curve.
fn pem(text: &str) -> Result<(&str, Zeroizing<Vec<u8>>), BadKey> {
    let mut rest = text;
    loop {
        let (_, after) = rest.split_once("-----BEGIN ").ok_or(BadKey::Format)?;
        let (label, after) = after.split_once("-----").ok_or(BadKey::Format)?;
        let (body, after) = after.split_once("-----END ").ok_or(BadKey::Format)?;
        rest = after;
        if label == "EC PARAMETERS" {
            continue;
        }
        if body.contains("Proc-Type:") {
            return Err(BadKey::Encrypted);
        }
        let body: Zeroizing<String> = Zeroizing::new(body.split_ascii_whitespace().collect());
        let der = STANDARD.decode(body.as_bytes()).map_err(|_| BadKey::Unusable)?;
        return Ok((label, Zeroizing::new(der)));
    }
}

fn of_pkcs8(der: &[u8]) -> Option<Key> {
    let random = SystemRandom::new();
    let curve = |algorithm| EcdsaKeyPair::from_pkcs8(algorithm, der, &random).ok();
    RsaKeyPair::from_pkcs8(der)
        .ok()
        .map(Key::Rsa)
        .or_else(|| curve(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).map(Key::P256))
        .or_else(|| curve(&signature::ECDSA_P384_SHA384_FIXED_SIGNING).map(Key::P384))
        // Keys of OpenSSL carry no public half.
        .or_else(|| Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok().map(Key::Ed25519))
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

fn of_point(
    algorithm: &'static signature::EcdsaSigningAlgorithm,
    bytes: impl Fn(&str) -> Result<Zeroizing<Vec<u8>>, BadKey>,
) -> Result<EcdsaKeyPair, BadKey> {
    let point = [&[4], bytes("x")?.as_slice(), bytes("y")?.as_slice()].concat();
    let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &bytes("d")?, &point, &SystemRandom::new());
    pair.map_err(|_| BadKey::Unusable)
}

#[cfg(test)]
mod tests;
