//! Signed tokens: which algorithms exist, which keys fit, and whether a signature is right.
//!
//! An ID token or a signed userinfo answer comes in as text. [`Jws::parse`] takes it apart, [`Jws::verify`] checks the
//! signature with the keys of the issuer's [`JwkSet`] or with the client secret, and only a [`Verified`] token gives out
//! its claims; [`unverified_claims`] is for what needs no proof. Nothing in a token chooses its own key: `jwk`, `jku`,
//! `x5u` and `x5c` in a header are not read. What the claims must say is left to [`id_token`](super::id_token), fetching
//! key sets to `client`.
//!
//! # Specification
//! RFC 7515 (JWS), RFC 7516 (JWE), RFC 7517 (JWK), RFC 7518 (algorithms), RFC 8037 (Ed25519), RFC 8725 (best practice).

mod algorithm;
mod error;
mod held;
mod jwe;
mod jwk;
mod jws;
mod key;
mod private_key;
mod signer;
#[cfg(test)]
pub(crate) mod testing;
mod unverified;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub use algorithm::Algorithm;
pub use error::{Error, excerpt};
pub use held::{Holder, Kind};
pub use jwe::{ContentEncryption, Decrypter, Jwe, KeyManagement, Recipient};
pub use jwk::JwkSet;
pub use jws::{Jws, VerificationKeys, Verified};
pub use key::Unfit;
pub use private_key::PrivateKeyDer;
pub use signer::{BadKey, KeyHeader, Reading, Signer, sign_with_secret};
pub use unverified::unverified_claims;

/// The bytes of a base64url text: no padding, no white space, no bits set beyond the last byte.
///
/// # Specification
/// RFC 7515 §2 (form); RFC 4648 §3.5 (canonical encoding).
pub(super) fn base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Bytes in base64url, for tests that make what a server would send.
#[cfg(test)]
pub(super) fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
