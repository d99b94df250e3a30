//! A signed token in its compact form.

use std::fmt;

use ring::hmac;
use serde_json::{Map, Value};

use super::key::PublicKey;
use super::{Algorithm, Error, JwkSet, base64url, excerpt};
use crate::protocol::json;
use crate::secret::Secret;

/// How many bytes of a token are read; tokens with hundreds of groups in their claims stay far below.
pub(super) const MAX_BYTES: usize = 256 << 10;

/// How many keys are tried when a token does not name its own; each trial costs a public-key operation.
const MAX_TRIALS: usize = 16;

/// A token taken apart, not yet believed.
///
/// Only its header can be asked, in order to find the right keys. The payload stays undecoded text until
/// [`verify`](Jws::verify) has found the signature right.
///
/// # Specification
/// RFC 7515 §3.1, §7.1 (compact serialization), §4.1 (header); RFC 8725 §3.
pub struct Jws {
    /// The text that is signed: header and payload as they came.
    signed: Secret,
    /// Where in it the payload begins.
    payload_start: usize,
    signature: Vec<u8>,
    algorithm: Algorithm,
    kid: Option<String>,
    typ: Option<String>,
}

/// What a signature is verified with.
///
/// # Security
/// One or the other, chosen by the caller from the configuration: a published key is never taken for an HMAC secret.
#[derive(Clone, Copy, Debug)]
pub enum VerificationKeys<'a> {
    /// The keys the issuer publishes, for every algorithm but HMAC.
    Published(&'a JwkSet),
    /// The client secret, for HMAC only.
    ClientSecret(&'a Secret),
}

/// A token whose signature is right.
///
/// That is all that is known of it: who issued it, for whom and until when is for the caller to check.
pub struct Verified {
    algorithm: Algorithm,
    typ: Option<String>,
    claims: Map<String, Value>,
}

impl Jws {
    /// Takes a compact token apart.
    ///
    /// # Errors
    /// [`Error::Encrypted`] for five segments; otherwise whatever departs from the form, including `alg` values that are
    /// no signature and header parameters that change what is signed.
    ///
    /// # Specification
    /// RFC 7515 §5.2 (1–5), §4.1.11 (`crit`); RFC 7797 §6 (`b64`).
    pub fn parse(token: &str) -> Result<Self, Error> {
        if token.len() > MAX_BYTES {
            return Err(Error::TooLarge { what: "the token", found: token.len(), limit: MAX_BYTES });
        }
        let segments: Vec<&str> = token.split('.').collect();
        let (header, signature) = match segments[..] {
            [header, _, signature] => (header, signature),
            [_, _, _, _, _] => return Err(Error::Encrypted),
            _ => return Err(Error::Segments(segments.len())),
        };
        let header = object("header", header)?;
        for name in ["crit", "b64"] {
            if header.contains_key(name) {
                return Err(Error::Extension(name));
            }
        }
        let name = parameter(&header, "alg")?.ok_or(Error::NoAlgorithm)?;
        let algorithm = Algorithm::parse(&name).ok_or_else(|| Error::UnknownAlgorithm { found: excerpt(&name) })?;

        Ok(Self {
            signed: Secret::new(&token[..token.len() - signature.len() - 1]),
            payload_start: segments[0].len() + 1,
            signature: base64url(signature).ok_or(Error::Encoding("signature"))?,
            algorithm,
            kid: parameter(&header, "kid")?,
            typ: parameter(&header, "typ")?,
        })
    }

    /// The algorithm the token claims to be signed with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key the token claims to be signed with.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// What kind of token it claims to be.
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// Checks the signature, and only then reads the payload.
    ///
    /// # Errors
    /// [`Error::AlgorithmNotAllowed`] before any key is looked at; with published keys [`Error::UnknownKey`] when the
    /// set lacks the key (see [`Error::key_set_may_be_stale`]); [`Error::Signature`] when the signature is wrong.
    ///
    /// # Specification
    /// RFC 7515 §5.2 (6–8); OpenID Connect Core §3.1.3.7 (6–8), §10.1; RFC 8725 §3.1, §3.2.
    pub fn verify(&self, keys: VerificationKeys<'_>, allowed: &[Algorithm]) -> Result<Verified, Error> {
        if !allowed.contains(&self.algorithm) {
            return Err(Error::AlgorithmNotAllowed { found: self.algorithm, expected: allowed.to_vec() });
        }
        let signed_by_us = match (keys, hmac_algorithm(self.algorithm)) {
            (VerificationKeys::Published(set), None) => self.verifies_with_set(set)?,
            (VerificationKeys::ClientSecret(secret), Some(hmac)) => self.verifies_with_secret(secret, hmac)?,
            _ => return Err(Error::WrongKindOfKey(self.algorithm)),
        };
        if !signed_by_us {
            return Err(Error::Signature { kid: self.kid().map(excerpt) });
        }
        let claims = object("payload", &self.signed.expose()[self.payload_start..])?;

        Ok(Verified { algorithm: self.algorithm, typ: self.typ.clone(), claims })
    }

    fn verifies_with_set(&self, set: &JwkSet) -> Result<bool, Error> {
        let verifies = |key: &PublicKey| key.verifies(self.algorithm, self.signed.expose().as_bytes(), &self.signature);
        let Some(kid) = self.kid() else {
            let mut suitable = set.iter().filter(|key| key.suits(self.algorithm)).take(MAX_TRIALS).peekable();
            suitable.peek().ok_or(Error::NoSuitableKey(self.algorithm))?;
            return Ok(suitable.any(verifies));
        };
        match set.find(kid) {
            None => Err(Error::UnknownKey { kid: excerpt(kid) }),
            Some(Err(reason)) => Err(Error::UnfitKey { kid: excerpt(kid), reason }),
            Some(Ok(key)) if !key.suits(self.algorithm) => {
                Err(Error::KeyNotForAlgorithm { kid: excerpt(kid), algorithm: self.algorithm })
            }
            Some(Ok(key)) => Ok(verifies(key)),
        }
    }

    /// The key is the secret's UTF-8, at least as long as the hash (OpenID Connect Core §10.1, RFC 7518 §3.2).
    fn verifies_with_secret(&self, secret: &Secret, hmac: hmac::Algorithm) -> Result<bool, Error> {
        let needed = self.algorithm.digest().output_len();
        let found = secret.expose().len();
        if found < needed {
            return Err(Error::ShortSecret { algorithm: self.algorithm, found, needed });
        }
        let key = hmac::Key::new(hmac, secret.expose().as_bytes());
        Ok(hmac::verify(&key, self.signed.expose().as_bytes(), &self.signature).is_ok())
    }
}

impl Verified {
    /// The algorithm the token is signed with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// What kind of token it says it is.
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// The members of the payload, none of them checked.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// The members of the payload, none of them checked.
    pub fn into_claims(self) -> Map<String, Value> {
        self.claims
    }
}

impl fmt::Debug for Jws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jws").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

pub(super) fn hmac_algorithm(algorithm: Algorithm) -> Option<hmac::Algorithm> {
    match algorithm {
        Algorithm::HS256 => Some(hmac::HMAC_SHA256),
        Algorithm::HS384 => Some(hmac::HMAC_SHA384),
        Algorithm::HS512 => Some(hmac::HMAC_SHA512),
        _ => None,
    }
}

fn object(part: &'static str, segment: &str) -> Result<Map<String, Value>, Error> {
    let bytes = base64url(segment).ok_or(Error::Encoding(part))?;
    json::parse_object(&bytes).map_err(|cause| Error::Json { part, cause })
}

/// A header parameter that must be a string if it is there.
fn parameter(header: &Map<String, Value>, name: &'static str) -> Result<Option<String>, Error> {
    match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Error::HeaderType(name)),
    }
}

#[cfg(test)]
mod tests;
