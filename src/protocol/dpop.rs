//! Proofs that whoever sends a request holds the key that a token is bound to (DPoP).
//!
//! A [`ProofKey`] belongs to one session. Each request gets a proof of its own, which names the method, the address and
//! the time, and whatever nonce the server wants to see. Which nonce that is, and whether a refusal is worth another try,
//! is read here from answers; remembering it is left to `client`.
//!
//! # Specification
//! RFC 9449; RFC 7638 (thumbprints).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, Method, StatusCode};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use serde_json::{Value, json};
use url::Url;
use zeroize::Zeroizing;

use super::challenge::challenges;
use super::jose::{Algorithm, BadKey, Reading, Signer};
use super::{Error, json};
use crate::secret::Secret;

/// The header that carries a proof.
pub const PROOF: HeaderName = HeaderName::from_static("dpop");

/// The header in which a server tells the nonce for the next proof.
pub const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// What keys are made for, the first choice first: every server takes ES256, and its key is made and used fastest.
const MADE: [Algorithm; 3] = [Algorithm::ES256, Algorithm::EdDSA, Algorithm::ES384];

/// Longest nonce in bytes; each proof carries it, and headers of more than 8 KiB are refused by many servers.
const LONGEST_NONCE: usize = 2048;

/// The key that the tokens of one session are bound to.
///
/// # Security
/// `Debug` tells the thumbprint only.
pub struct ProofKey {
    signer: Signer,
    algorithm: Algorithm,
    /// The header of every proof, encoded.
    header: String,
    thumbprint: String,
}

/// What one proof is about.
#[derive(Debug, Clone, Copy)]
pub struct Claims<'a> {
    /// `htm`.
    pub method: &'a Method,
    /// `htu`, which leaves out query and fragment.
    pub url: &'a Url,
    /// The access token that is presented with it; none at a token endpoint.
    pub token: Option<&'a Secret>,
    /// Seconds since 1970.
    pub iat: i64,
    /// Never used before.
    pub jti: &'a str,
    /// What the server wants to see.
    pub nonce: Option<&'a str>,
}

/// What a server has against a request, as far as its proof is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objection {
    /// It wants a nonce that it chose, or another one (`use_dpop_nonce`).
    Nonce,
    /// The proof is missing or wrong (`invalid_dpop_proof`).
    Proof,
}

/// Goes with the answer to a request that carried a proof: the tokens in it are bound to this key.
#[derive(Debug, Clone)]
pub struct Proven {
    /// The key, as [`ProofKey::parse`] reads it.
    pub key: Secret,
    /// Its thumbprint.
    pub jkt: String,
    /// What is done about a token that is not bound.
    pub downgrade: Downgrade,
}

/// What is done about a token that was to be bound to a key and is none such.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Downgrade {
    /// It is refused.
    Refused,
    /// It is taken, as a setting of its own says; whoever steals it can use it.
    Accepted,
}

impl ProofKey {
    /// Makes a key that suits one of the algorithms that the server `offered`, in the form that [`parse`](Self::parse)
    /// reads: PKCS #8 in PEM.
    ///
    /// # Errors
    /// [`Error::ProofAlgorithm`] when the server takes none of them; [`Error::PrivateKey`] without randomness.
    ///
    /// # Specification
    /// RFC 9449 §5.1 (`dpop_signing_alg_values_supported`).
    pub fn make(offered: Option<&[String]>) -> Result<Secret, Error> {
        let taken =
            |algorithm: &&Algorithm| offered.is_none_or(|list| list.iter().any(|name| name == algorithm.name()));
        let algorithm = MADE.iter().find(taken).copied();
        let refused = || Error::ProofAlgorithm { offered: offered.unwrap_or_default().to_vec() };
        let random = SystemRandom::new();
        let document = match algorithm.ok_or_else(refused)? {
            Algorithm::EdDSA => Ed25519KeyPair::generate_pkcs8(&random),
            Algorithm::ES384 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &random),
            _ => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random),
        };
        let document = document.map_err(|_| Error::PrivateKey(BadKey::Failed))?;
        let body = Zeroizing::new(STANDARD.encode(&document));
        let room = body.len() + 64;
        let mut text = String::with_capacity(room);
        for part in ["-----BEGIN PRIVATE KEY-----\n", &body, "\n-----END PRIVATE KEY-----\n"] {
            text.push_str(part);
        }
        Ok(Secret::new(text))
    }

    /// Reads a key.
    ///
    /// # Errors
    /// [`BadKey`] when the text is none.
    pub fn parse(text: &Secret) -> Result<Self, BadKey> {
        let signer = Signer::parse(text.expose(), Reading::default())?;
        let algorithm = signer.choose(None, None)?;
        let jwk = signer.public_jwk().ok_or(BadKey::Unusable)?;
        let thumbprint = thumbprint(&jwk);
        let header = json!({ "typ": "dpop+jwt", "alg": algorithm.name(), "jwk": jwk });
        let header = URL_SAFE_NO_PAD.encode(header.to_string());
        Ok(Self { signer, algorithm, header, thumbprint })
    }

    /// What tokens are bound by: the SHA-256 thumbprint of the public key (`jkt`).
    ///
    /// # Specification
    /// RFC 9449 §6.1, §10; RFC 7638 §3.
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// A proof for one request.
    ///
    /// # Errors
    /// [`BadKey::Failed`].
    ///
    /// # Specification
    /// RFC 9449 §4.2.
    pub fn proof(&self, about: &Claims<'_>) -> Result<String, BadKey> {
        let mut claims = json!({
            "jti": about.jti,
            "htm": about.method.as_str(),
            "htu": htu(about.url),
            "iat": about.iat,
        });
        if let Some(nonce) = about.nonce {
            claims["nonce"] = nonce.into();
        }
        if let Some(token) = about.token {
            claims["ath"] = ath(token).into();
        }
        let message = format!("{}.{}", self.header, URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self.signer.signature(self.algorithm, message.as_bytes())?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

impl fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProofKey({})", self.thumbprint)
    }
}

/// The thumbprint of a key whose members are those that count, in the order of their names.
///
/// # Specification
/// RFC 7638 §3.1, §3.2; RFC 8037 §2 (`OKP`).
fn thumbprint(jwk: &Value) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, jwk.to_string().as_bytes()))
}

/// The hash by which a proof names a token.
///
/// # Specification
/// RFC 9449 §4.2 (`ath`).
fn ath(token: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, token.expose().as_bytes()))
}

fn htu(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

/// The nonce that an answer tells, if it is one; whatever its status.
///
/// # Specification
/// RFC 9449 §8.1 (form), §8.2 (on answers that are no refusals).
pub fn nonce(headers: &HeaderMap) -> Option<&str> {
    let is_nonce = |text: &&str| {
        (1..=LONGEST_NONCE).contains(&text.len())
            && text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
    };
    headers.get_all(NONCE).iter().find_map(|value| value.to_str().ok().filter(is_nonce))
}

/// What the server has against the proof of the request that it answers so; `body` may be empty where it is not at hand.
///
/// # Specification
/// RFC 9449 §5 (`invalid_dpop_proof`), §8 (400 at the token endpoint), §9 (401 at a resource server, any of the
/// challenges). Some token endpoints answer with 401.
pub fn objection(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Objection> {
    if !matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED) {
        return None;
    }
    let told = json::parse_object(body).ok();
    let in_body = told.as_ref().and_then(|members| members.get("error")?.as_str());
    let challenges = challenges(headers);
    let in_head = challenges.iter().filter_map(|challenge| challenge.parameter("error"));
    let says = |word: &str| in_body.into_iter().chain(in_head.clone()).any(|error| error == word);
    match () {
        () if says("use_dpop_nonce") => Some(Objection::Nonce),
        () if says("invalid_dpop_proof") => Some(Objection::Proof),
        () => None,
    }
}

#[cfg(test)]
mod tests;
