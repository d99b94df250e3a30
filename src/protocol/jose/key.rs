//! A server's public key, usable or not, and what it says about a signature.

use ::ring::signature::{self as ring, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey};
use p521::ecdsa::signature::Verifier as _;
use serde_json::{Map, Value};

use super::{Algorithm, base64url};

/// Smallest RSA modulus in bits (RFC 7518 §3.3).
const MIN_RSA_BITS: usize = 2048;

/// Largest RSA modulus in bits: beyond it a forged key set could keep the processor busy.
const MAX_RSA_BITS: usize = 8192;

/// Smallest RSA exponent (NIST SP 800-56B §6.2); 3 has a history of forged PKCS #1 v1.5 signatures.
const MIN_RSA_EXPONENT: u64 = 65537;

/// Largest RSA exponent: 33 bits, what implementations agree on.
const MAX_RSA_EXPONENT: u64 = (1 << 33) - 1;

/// Members that only a private key has (RFC 7518 §6.2.2, §6.3.2).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "priv"];

/// Why a key of a published set is never used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// The entry is not an object, or a member has a wrong type or encoding.
    #[error("it is malformed")]
    Malformed,
    /// `kty` or `crv` names a kind of key that signs nothing we verify.
    #[error("its type is not known")]
    UnknownType,
    /// A symmetric key in a public set is no secret.
    #[error("it is symmetric, and published")]
    Symmetric,
    /// A private key in a public set is no secret either.
    #[error("its private part is published")]
    Private,
    /// `use` says other than `sig`.
    #[error("its `use` is not `sig`")]
    NotForSignatures,
    /// `key_ops` lacks `verify`.
    #[error("its `key_ops` lack `verify`")]
    NotForVerification,
    /// `alg` names no signature algorithm.
    #[error("its `alg` is not a known signature algorithm")]
    UnknownAlgorithm,
    /// The RSA modulus is shorter than 2048 or longer than 8192 bits.
    #[error("its RSA modulus is not of {MIN_RSA_BITS} to {MAX_RSA_BITS} bits")]
    RsaSize,
    /// The RSA exponent is even, below 65537 or above 33 bits.
    #[error("its RSA exponent is weak")]
    RsaExponent,
    /// Another usable key of the set has the same `kid`.
    #[error("the key set has several keys of that name")]
    DuplicateId,
}

/// A public key with which signatures can be verified.
pub(super) struct PublicKey {
    /// The one algorithm the key is for, if it says so.
    algorithm: Option<Algorithm>,
    material: Material,
}

enum Material {
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
    P256(Vec<u8>),
    P384(Vec<u8>),
    P521(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl PublicKey {
    /// Reads the members of a JWK.
    ///
    /// # Specification
    /// RFC 7517 §4; RFC 7518 §6; RFC 8037 §2.
    pub(super) fn parse(members: &Map<String, Value>) -> Result<Self, Unfit> {
        let kty = string(members, "kty")?.ok_or(Unfit::Malformed)?;
        if kty == "oct" || members.contains_key("k") {
            return Err(Unfit::Symmetric);
        }
        if PRIVATE_MEMBERS.iter().any(|name| members.contains_key(*name)) {
            return Err(Unfit::Private);
        }
        let algorithm = purpose(members)?;
        let material = match kty {
            "RSA" => Material::Rsa(rsa(members)?),
            "EC" => match string(members, "crv")?.ok_or(Unfit::Malformed)? {
                "P-256" => Material::P256(point(members, 32)?),
                "P-384" => Material::P384(point(members, 48)?),
                "P-521" => Material::P521(point(members, 66)?),
                _ => return Err(Unfit::UnknownType),
            },
            "OKP" => match string(members, "crv")?.ok_or(Unfit::Malformed)? {
                "Ed25519" => Material::Ed25519(octets(members, "x", 32)?),
                _ => return Err(Unfit::UnknownType),
            },
            _ => return Err(Unfit::UnknownType),
        };

        Ok(Self { algorithm, material })
    }

    /// Whether a signature of `algorithm` can come from this key.
    pub(super) fn suits(&self, algorithm: Algorithm) -> bool {
        use Algorithm::{ES256, ES384, ES512, Ed25519, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};

        let of_kind = match self.material {
            Material::Rsa(_) => matches!(algorithm, RS256 | RS384 | RS512 | PS256 | PS384 | PS512),
            Material::P256(_) => algorithm == ES256,
            Material::P384(_) => algorithm == ES384,
            Material::P521(_) => algorithm == ES512,
            Material::Ed25519(_) => matches!(algorithm, EdDSA | Ed25519),
        };
        of_kind && self.algorithm.is_none_or(|only| only == algorithm)
    }

    /// Whether `signature` is that of `message` by this key; never for an algorithm that does not suit it.
    pub(super) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        if !self.suits(algorithm) {
            return false;
        }
        match &self.material {
            Material::Rsa(key) => {
                rsa_parameters(algorithm).is_some_and(|parameters| key.verify(parameters, message, signature).is_ok())
            }
            Material::P256(point) => {
                UnparsedPublicKey::new(&ring::ECDSA_P256_SHA256_FIXED, point).verify(message, signature).is_ok()
            }
            Material::P384(point) => {
                UnparsedPublicKey::new(&ring::ECDSA_P384_SHA384_FIXED, point).verify(message, signature).is_ok()
            }
            Material::P521(point) => verifies_p521(point, message, signature),
            Material::Ed25519(key) => UnparsedPublicKey::new(&ring::ED25519, key).verify(message, signature).is_ok(),
        }
    }
}

fn rsa_parameters(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    match algorithm {
        Algorithm::RS256 => Some(&ring::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Some(&ring::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Some(&ring::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => Some(&ring::RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Some(&ring::RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Some(&ring::RSA_PSS_2048_8192_SHA512),
        _ => None,
    }
}

/// P-521 is the one curve of RFC 7518 that `ring` lacks.
fn verifies_p521(point: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let key = p521::ecdsa::VerifyingKey::from_sec1_bytes(point);
    let signature = p521::ecdsa::Signature::from_slice(signature);
    matches!((key, signature), (Ok(key), Ok(signature)) if key.verify(message, &signature).is_ok())
}

/// Checks what the key says it is for, and returns the one algorithm it names.
fn purpose(members: &Map<String, Value>) -> Result<Option<Algorithm>, Unfit> {
    if string(members, "use")?.is_some_and(|purpose| purpose != "sig") {
        return Err(Unfit::NotForSignatures);
    }
    match members.get("key_ops") {
        None => {}
        Some(Value::Array(operations)) if operations.iter().any(|operation| operation == "verify") => {}
        Some(Value::Array(_)) => return Err(Unfit::NotForVerification),
        Some(_) => return Err(Unfit::Malformed),
    }
    match string(members, "alg")? {
        None => Ok(None),
        Some(name) => Algorithm::parse(name).map(Some).ok_or(Unfit::UnknownAlgorithm),
    }
}

fn rsa(members: &Map<String, Value>) -> Result<RsaPublicKeyComponents<Vec<u8>>, Unfit> {
    // Some servers encode the sign byte of a big integer, against RFC 7518 §6.3.1.1; the number is the same.
    let n = integer(members, "n")?;
    let bits = n.len() * 8 - n.first().map_or(0, |first| first.leading_zeros() as usize);
    if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
        return Err(Unfit::RsaSize);
    }
    let e = integer(members, "e")?;
    let exponent = e.iter().try_fold(0u64, |value, byte| Some(value.checked_mul(256)? + u64::from(*byte)));
    if !exponent.is_some_and(|value| value % 2 == 1 && (MIN_RSA_EXPONENT..=MAX_RSA_EXPONENT).contains(&value)) {
        return Err(Unfit::RsaExponent);
    }
    Ok(RsaPublicKeyComponents { n, e })
}

/// An unsigned big-endian integer without its leading zero bytes.
fn integer(members: &Map<String, Value>, name: &str) -> Result<Vec<u8>, Unfit> {
    let text = string(members, name)?.ok_or(Unfit::Malformed)?;
    let bytes = base64url(text).ok_or(Unfit::Malformed)?;
    Ok(bytes.into_iter().skip_while(|byte| *byte == 0).collect())
}

/// The uncompressed point of `x` and `y`, each of its full size (SEC 1 §2.3.3).
fn point(members: &Map<String, Value>, size: usize) -> Result<Vec<u8>, Unfit> {
    Ok([vec![4], octets(members, "x", size)?, octets(members, "y", size)?].concat())
}

fn octets(members: &Map<String, Value>, name: &str, size: usize) -> Result<Vec<u8>, Unfit> {
    let text = string(members, name)?.ok_or(Unfit::Malformed)?;
    base64url(text).filter(|bytes| bytes.len() == size).ok_or(Unfit::Malformed)
}

/// A member that must be a string if it is there.
fn string<'a>(members: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Unfit> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Unfit::Malformed),
    }
}

#[cfg(test)]
mod tests;
