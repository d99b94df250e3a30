//! The signature: what is signed, and with what.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::{digest, hmac};
use url::Url;

use super::encoding::{Pair, decode, encode};
use super::{Error, PrivateKey};
use crate::protocol::call::{Body, Call};
use crate::secret::Secret;

/// A signature method with what the client signs by.
///
/// # Specification
/// RFC 5849 §3.4.2 to §3.4.4. The methods with SHA-256 are in no specification of their own; they are the old ones with
/// another hash, as most servers that have them say.
#[derive(Debug)]
#[non_exhaustive]
pub enum Signing {
    /// HMAC with SHA-1, the usual one.
    HmacSha1(Secret),
    /// HMAC with SHA-256.
    HmacSha256(Secret),
    /// RSASSA-PKCS1-v1_5 with SHA-1.
    #[cfg(feature = "rsa-sha1")]
    RsaSha1(PrivateKey),
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RsaSha256(PrivateKey),
    /// The secrets themselves, for encrypted connections only.
    Plaintext(Secret),
}

impl Signing {
    /// The value of `oauth_signature_method`.
    pub fn method(&self) -> &'static str {
        match self {
            Self::HmacSha1(_) => "HMAC-SHA1",
            Self::HmacSha256(_) => "HMAC-SHA256",
            #[cfg(feature = "rsa-sha1")]
            Self::RsaSha1(_) => "RSA-SHA1",
            Self::RsaSha256(_) => "RSA-SHA256",
            Self::Plaintext(_) => "PLAINTEXT",
        }
    }

    /// Whether signatures depend on the token's secret.
    pub fn uses_token_secret(&self) -> bool {
        match self {
            Self::HmacSha1(_) | Self::HmacSha256(_) | Self::Plaintext(_) => true,
            #[cfg(feature = "rsa-sha1")]
            Self::RsaSha1(_) => false,
            Self::RsaSha256(_) => false,
        }
    }

    /// The secret that both sides know, where there is one.
    pub fn secret(&self) -> Option<&Secret> {
        match self {
            Self::HmacSha1(secret) | Self::HmacSha256(secret) | Self::Plaintext(secret) => Some(secret),
            #[cfg(feature = "rsa-sha1")]
            Self::RsaSha1(_) => None,
            Self::RsaSha256(_) => None,
        }
    }

    /// The value of `oauth_signature` for a base string; `token_secret` is empty before there is a token.
    ///
    /// # Errors
    /// [`Error::Key`] when the key does not sign.
    ///
    /// # Specification
    /// RFC 5849 §3.4.2, §3.4.3, §3.4.4.
    pub fn sign(&self, base: &str, token_secret: &str) -> Result<Secret, Error> {
        let mac = |algorithm, secret: &Secret| {
            let key = hmac::Key::new(algorithm, shared(secret, token_secret).expose().as_bytes());
            STANDARD.encode(hmac::sign(&key, base.as_bytes()))
        };
        Ok(match self {
            Self::HmacSha1(secret) => mac(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret).into(),
            Self::HmacSha256(secret) => mac(hmac::HMAC_SHA256, secret).into(),
            #[cfg(feature = "rsa-sha1")]
            Self::RsaSha1(key) => STANDARD.encode(key.sign_sha1(base.as_bytes())?).into(),
            Self::RsaSha256(key) => STANDARD.encode(key.sign_sha256(base.as_bytes())?).into(),
            Self::Plaintext(secret) => shared(secret, token_secret),
        })
    }

    /// The value of `oauth_body_hash`, which covers what the signature itself does not.
    ///
    /// # Specification
    /// OAuth Request Body Hash 1.0 draft 4, §3.1 (not for forms), §3.2 (the signature method's own hash).
    pub fn body_hash(&self, body: Body<'_>) -> Option<String> {
        let Body::Other(bytes) = body else { return None };
        let algorithm = match self {
            Self::HmacSha1(_) => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            #[cfg(feature = "rsa-sha1")]
            Self::RsaSha1(_) => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::HmacSha256(_) | Self::RsaSha256(_) => &digest::SHA256,
            // Nothing would bind it to the request.
            Self::Plaintext(_) => return None,
        };
        Some(STANDARD.encode(digest::digest(algorithm, bytes)))
    }
}

/// Both secrets, as the key of an HMAC.
fn shared(secret: &Secret, token_secret: &str) -> Secret {
    let [ours, theirs] = [secret.expose(), token_secret].map(|text| zeroize::Zeroizing::new(encode(text.as_bytes())));
    let mut key = String::with_capacity(ours.len() + theirs.len() + 1);
    key.push_str(&ours);
    key.push('&');
    key.push_str(&theirs);
    key.into()
}

/// The text that is signed. `protocol` are the `oauth_` parameters but for the signature; `realm` is none of them.
///
/// # Specification
/// RFC 5849 §3.4.1.
pub fn base_string(call: &Call<'_>, protocol: &[(&str, &str)]) -> String {
    let mut pairs = decode(call.url.query().unwrap_or_default().as_bytes());
    pairs.extend(protocol.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())));
    if let Body::Form(form) = call.body {
        pairs.extend(decode(form));
    }
    let method = call.method.as_str().to_ascii_uppercase();
    let parts = [method, address(call.url), normalised(&pairs)];
    parts.map(|part| encode(part.as_bytes())).join("&")
}

/// Scheme, host, port unless it is the scheme's own, and path: in small letters what has no case, as [`Url`] keeps it.
///
/// # Specification
/// RFC 5849 §3.4.1.2.
fn address(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

/// The parameters encoded, then sorted by name and value, byte by byte.
///
/// # Specification
/// RFC 5849 §3.4.1.3.2.
fn normalised(pairs: &[Pair]) -> String {
    let mut encoded: Vec<(String, String)> = pairs.iter().map(|(name, value)| (encode(name), encode(value))).collect();
    encoded.sort();
    encoded.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}
