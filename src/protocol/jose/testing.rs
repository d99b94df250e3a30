//! Keys and signed tokens for tests; whatever takes signed tokens is tested with these.

use std::sync::LazyLock;

use ::ring::rand::SystemRandom;
use ::ring::signature::{self as ring, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair};
use ::ring::{hmac, rsa};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use p521::ecdsa::signature::Signer as _;
use serde_json::{Value, json};

use super::{Algorithm, JwkSet, Jws, VerificationKeys, Verified};
use crate::secret::Secret;

/// A key that signs.
pub(crate) enum SigningKey {
    Rsa(Box<RsaKeyPair>),
    P256(Vec<u8>),
    P384(Vec<u8>),
    P521(Box<p521::ecdsa::SigningKey>),
    Ed25519(Box<Ed25519KeyPair>),
    Hmac(Secret),
}

/// A client secret long enough for every HMAC.
pub(crate) const CLIENT_SECRET: &str = "a client secret of sixty-four bytes, enough for HMAC with SHA-512";

/// The modulus of a key too small to be used, and a token it has signed (`openssl genrsa 1024`, `openssl dgst -sign`).
pub(crate) const SMALL_RSA_MODULUS: &str = "yi1yHq2xoMUha23etSWeUuP9_w_sEbAy0L2yVwnMzeau_wVrBpbRhuQMzPsVlMWjXYqqMAFWpwPvVuHNC8B5FKpvglVEZy-KKIDa\
     -A6oS6wr6rX_KthadVbE6wqD1nik6C6NzGnjX51le2akKttj9weFwOGZ9XlgqEOa5VoUQqM";

pub(crate) const SMALL_RSA_TOKEN: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6InNtYWxsIn0.eyJzdWIiOiJzbWFsbCJ9.tX-psBSevWyNRFkKdL4AMj179KNaAeBO_9VU9PW\
     oS4mt5fn0NLokkF1LQ2XsnUrx08s4fNeaXneq07amv4utt7qdBPN_iJqpB6x0uazsEKAI0YacWyfELrazw5QnJzzVpql1VwQh3A-\
     Bsdz7ox6ZvgBqRuzpIqmMnU2xzNkfFfc";

/// PKCS #8 of a key made for these tests with `openssl genrsa 2048`; it guards nothing.
const RSA_KEY: &str = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCg8LTKsztGrlEXl8EtdAUfTE34zIzRKb8xcdO+kelQYjEA1SmP\
     NdOw+6jugd1kXMqyTY00HvyJkfAUADeltFy7ulYIzWz0hkitzVRhKzne7Bne7oeWiEvkkyDMFnINISofBYsxhdYXBhy0o/FdJsCW\
     ToPSGlMqQJiE7jP6RP80g2CgCrxeMmxMldxZx0AhzRVG5cof5r7LfaFQ4vtry7THV0ORiQndRVIQdMFhWrVOVAvVTvpj/F52jEHn\
     uQ8Y1HpXuKp9ies8TYGJJ5AHn/eYH3/GfQp8whPet6GxNZt7QA+LYHueKy8pJ4EvzpCw1EPdhh17BEWSaiIQoNrtfAxvAgMBAAEC\
     ggEAFeV564QkIfMwhEG43irFUaNLjniiBgkkgqEmemyWrkGVwjO+QkZEBXXP35danD+FsmmbtwYqPLtWyxnWeFyIK2BoOS1d0Az/\
     EWp4uvmrF3nO8UZJu0DS9ofP9ARvwvqKpQrXi8bWQG6r9CXD/nT5ydln1OuQ+hQszBUujDPb9vRbqTKznd3T80lLG986bUWcu06A\
     3NwlEgAdDR7UWpWRpwSdrNTEImy3p37y8H6q11gh5UaF7vDo2U2KGASi1uc10UyzSNORj/UUrMLHtpDizHEj9kU1i2eIc3bvNBik\
     ASrp0wpHN+tS8O1pNvlx+7bmYmHPzc0TsdBVJEtvNNA+uQKBgQDSr4lqhqG9K9zjAo7eFDVwM85MKGpUqP/OyJYPeoG29EAF0OuR\
     MEsdYPH4KAbsj+GM7RhhPCpe+9kdPL990F8oVSlGYpaD3oYWNzS7YsM6XMVbAJANFQBWsKWyb1gJbR1ibmph59peRMhTex7debQL\
     YJieHnP78fApYnYz46y06QKBgQDDjikCst/Uqfe1yzPH3JT103noaoBV6wuuWZ6/izIRj44kOuG/J7/DPjcMewsUJw5NbTftZOSJ\
     bb10EOREpxog4rDLLSSwZ+joFmdTVbt+9oi3IQyItPjpNUPxqwmnMR83gCd9bvuBfC86NnC1sblyjCrj51OQeVQWuPlbIlg/lwKB\
     gQCE8kXJVbl8ENCq4zNaCfCKo/Y68onecGIzjzm5/LkbxNcdlG8ByDKuED3ANSnhXw2aCwcGXJv0IgIoQ+wmLTXO0qZgBtgp0GJW\
     ZHG/CRxemKnkud8skiMLkR6OEVrBX/xZ34j7zP1r3QV4QEoCwciOIV9M77SKuGmvA7XJGpMh+QKBgDQPWX2dbxcndImSIiPX5lQX\
     S4IDME0vOLneo/NsNBUWuYmNn2GLTHLG0lLhQs7Hovgb1mK9lFW9wEzw3kQklEEi+FvulbDcyNVYeYNm9HZVXYobI0IVo5o6Eu94\
     UCaRXjUhSeILtKsBC3Wc3p6QRMVo6VYo1EdG9YrjDYckeofbAoGASS00OTNmYjkIcK/igiUFPC4esBMdQdZwGMfh/pyoLe/l3voF\
     UfNj9HffTcxfK8KeSERx0eo4HMCcGe0oGiazEUN+cljwrBrQCmxoiZduNoRxIwtbzPFoGI8iiS+c1LRihgJfePvJP9RpuRofGt7d\
     zgTyLBus6yLmIIWsG2IGEVg=";

impl SigningKey {
    /// A key for `algorithm`: always the same for RSA, P-521 and HMAC, a new one for the others.
    pub(crate) fn of(algorithm: Algorithm) -> Self {
        let random = SystemRandom::new();
        match algorithm {
            Algorithm::RS256 | Algorithm::RS384 | Algorithm::RS512 => Self::rsa(),
            Algorithm::PS256 | Algorithm::PS384 | Algorithm::PS512 => Self::rsa(),
            Algorithm::ES256 => {
                let scheme = &ring::ECDSA_P256_SHA256_FIXED_SIGNING;
                Self::P256(EcdsaKeyPair::generate_pkcs8(scheme, &random).unwrap().as_ref().to_vec())
            }
            Algorithm::ES384 => {
                let scheme = &ring::ECDSA_P384_SHA384_FIXED_SIGNING;
                Self::P384(EcdsaKeyPair::generate_pkcs8(scheme, &random).unwrap().as_ref().to_vec())
            }
            Algorithm::ES512 => Self::P521(Box::new(p521::ecdsa::SigningKey::from_slice(&[1; 66]).unwrap())),
            Algorithm::EdDSA | Algorithm::Ed25519 => {
                let document = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
                Self::Ed25519(Box::new(Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap()))
            }
            Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => Self::Hmac(Secret::new(CLIENT_SECRET)),
        }
    }

    fn rsa() -> Self {
        static DOCUMENT: LazyLock<Vec<u8>> = LazyLock::new(|| STANDARD.decode(RSA_KEY).unwrap());
        Self::Rsa(Box::new(RsaKeyPair::from_pkcs8(&DOCUMENT).unwrap()))
    }

    /// The public part as a JWK named `kid`; an HMAC's key as `oct`, as no server should publish it.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        let mut jwk = match self {
            Self::Rsa(key) => {
                let public = rsa::PublicKeyComponents::<Vec<u8>>::from(key.public());
                json!({"kty": "RSA", "n": encode(public.n), "e": encode(public.e)})
            }
            Self::P256(_) | Self::P384(_) | Self::P521(_) => {
                let point = self.point();
                let (x, y) = point[1..].split_at(point.len() / 2);
                let crv = match x.len() {
                    32 => "P-256",
                    48 => "P-384",
                    _ => "P-521",
                };
                json!({"kty": "EC", "crv": crv, "x": encode(x), "y": encode(y)})
            }
            Self::Ed25519(key) => json!({"kty": "OKP", "crv": "Ed25519", "x": encode(key.public_key())}),
            Self::Hmac(secret) => json!({"kty": "oct", "k": encode(secret.expose())}),
        };
        jwk["kid"] = kid.into();
        jwk
    }

    /// The uncompressed point of an elliptic curve's public key.
    fn point(&self) -> Vec<u8> {
        match self {
            Self::P256(document) => {
                ecdsa(&ring::ECDSA_P256_SHA256_FIXED_SIGNING, document).public_key().as_ref().to_vec()
            }
            Self::P384(document) => {
                ecdsa(&ring::ECDSA_P384_SHA384_FIXED_SIGNING, document).public_key().as_ref().to_vec()
            }
            Self::P521(key) => key.verifying_key().to_sec1_point(false).as_bytes().to_vec(),
            Self::Rsa(_) | Self::Ed25519(_) | Self::Hmac(_) => panic!("no elliptic curve of RFC 7518"),
        }
    }

    /// The signature of `message`; the key must be of the kind of `algorithm`.
    pub(crate) fn signature(&self, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(rsa_encoding(algorithm), &random, message, &mut signature).unwrap();
                signature
            }
            Self::P256(document) => {
                let key = ecdsa(&ring::ECDSA_P256_SHA256_FIXED_SIGNING, document);
                key.sign(&random, message).unwrap().as_ref().to_vec()
            }
            Self::P384(document) => {
                let key = ecdsa(&ring::ECDSA_P384_SHA384_FIXED_SIGNING, document);
                key.sign(&random, message).unwrap().as_ref().to_vec()
            }
            Self::P521(key) => {
                let signature: p521::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
            Self::Ed25519(key) => key.sign(message).as_ref().to_vec(),
            Self::Hmac(secret) => hmac_signature(algorithm, secret.expose().as_bytes(), message),
        }
    }

    /// A token with exactly this header and payload.
    pub(crate) fn sign(&self, algorithm: Algorithm, header: &str, payload: &str) -> String {
        let message = format!("{}.{}", encode(header), encode(payload));
        let signature = self.signature(algorithm, message.as_bytes());
        format!("{message}.{}", encode(signature))
    }

    /// A token of these claims under the key name `k`.
    pub(crate) fn token(&self, algorithm: Algorithm, claims: &Value) -> String {
        let header = json!({"alg": algorithm.name(), "kid": "k", "typ": "JWT"});
        self.sign(algorithm, &header.to_string(), &claims.to_string())
    }
}

/// A key set of these entries.
pub(crate) fn key_set(entries: &[Value]) -> JwkSet {
    JwkSet::parse(json!({ "keys": entries }).to_string().as_bytes()).unwrap()
}

/// What is left of a token of `algorithm` with these claims when its signature was right.
pub(crate) fn verified(algorithm: Algorithm, claims: &Value) -> Verified {
    verified_as(algorithm, Some("JWT"), claims)
}

/// As [`verified`], with another `typ`.
pub(crate) fn verified_as(algorithm: Algorithm, typ: Option<&str>, claims: &Value) -> Verified {
    let key = SigningKey::of(algorithm);
    let mut header = json!({"alg": algorithm.name()});
    if let Some(typ) = typ {
        header["typ"] = typ.into();
    }
    let token = key.sign(algorithm, &header.to_string(), &claims.to_string());
    let jws = Jws::parse(&token).unwrap();
    let set = key_set(&[key.jwk("k")]);
    let keys = match &key {
        SigningKey::Hmac(secret) => VerificationKeys::ClientSecret(secret),
        _ => VerificationKeys::Published(&set),
    };
    jws.verify(keys, &[algorithm]).unwrap()
}

/// base64url without padding.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn hmac_signature(algorithm: Algorithm, key: &[u8], message: &[u8]) -> Vec<u8> {
    let hmac = match algorithm {
        Algorithm::HS256 => hmac::HMAC_SHA256,
        Algorithm::HS384 => hmac::HMAC_SHA384,
        Algorithm::HS512 => hmac::HMAC_SHA512,
        _ => panic!("{algorithm} is no HMAC"),
    };
    hmac::sign(&hmac::Key::new(hmac, key), message).as_ref().to_vec()
}

fn ecdsa(scheme: &'static ring::EcdsaSigningAlgorithm, document: &[u8]) -> EcdsaKeyPair {
    EcdsaKeyPair::from_pkcs8(scheme, document, &SystemRandom::new()).unwrap()
}

fn rsa_encoding(algorithm: Algorithm) -> &'static dyn ring::RsaEncoding {
    match algorithm {
        Algorithm::RS256 => &ring::RSA_PKCS1_SHA256,
        Algorithm::RS384 => &ring::RSA_PKCS1_SHA384,
        Algorithm::RS512 => &ring::RSA_PKCS1_SHA512,
        Algorithm::PS256 => &ring::RSA_PSS_SHA256,
        Algorithm::PS384 => &ring::RSA_PSS_SHA384,
        Algorithm::PS512 => &ring::RSA_PSS_SHA512,
        _ => panic!("{algorithm} is not RSA"),
    }
}
