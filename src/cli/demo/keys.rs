//! The server's signing key: ES256, made at the start, never written anywhere.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keyfob::system::Error;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

/// A P-256 key pair and its name.
pub(super) struct SigningKey {
    pair: EcdsaKeyPair,
    random: SystemRandom,
    /// The thumbprint of the public key (RFC 7638).
    kid: String,
}

impl SigningKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// [`Error::Random`] when the operating system has no randomness to give.
    pub(super) fn generate() -> Result<Self, Error> {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|_| Error::Random)?;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).map_err(|_| Error::Random)?;
        let (x, y) = coordinates(&pair);
        // The members in this order and without blanks are what RFC 7638 §3.2 hashes.
        let kid = sha256_text(format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#).as_bytes());
        Ok(Self { pair, random, kid })
    }

    /// The JWK Set with the public key (RFC 7517 §5).
    pub(super) fn jwks(&self) -> Value {
        let (x, y) = coordinates(&self.pair);
        json!({"keys": [
            {"kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig", "alg": "ES256", "kid": self.kid}
        ]})
    }

    /// `claims` as a signed JWT in compact form (RFC 7515 §7.1, RFC 7518 §3.4).
    ///
    /// # Errors
    /// [`Error::Random`] when the operating system has no randomness to give.
    pub(super) fn sign(&self, claims: &Value) -> Result<String, Error> {
        let header = json!({"alg": "ES256", "typ": "JWT", "kid": self.kid});
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", encode(&header), encode(claims));
        let signature = self.pair.sign(&self.random, input.as_bytes()).map_err(|_| Error::Random)?;
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// The SHA-256 of `bytes` in base64url: a thumbprint, or a PKCE challenge (RFC 7636 §4.2).
pub(super) fn sha256_text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, bytes))
}

/// The left half of the SHA-256 of an access token in base64url: `at_hash` (OpenID Connect Core §3.1.3.6).
pub(super) fn half_hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(&digest(&SHA256, token.as_bytes()).as_ref()[..16])
}

/// The public point's two halves in base64url (RFC 7518 §6.2.1).
fn coordinates(pair: &EcdsaKeyPair) -> (String, String) {
    // An uncompressed point: 0x04, 32 bytes of x, 32 bytes of y.
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y))
}
