//! Keys that cannot leave their holder: a card, a token, a module of the machine.

use std::fmt::Debug;

use super::{Algorithm, BadKey};

/// What kind of key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// RSA of 2048 bits or more.
    Rsa,
    /// The curve P-256.
    P256,
    /// The curve P-384.
    P384,
    /// The curve P-521.
    P521,
    /// Ed25519.
    Ed25519,
}

/// Signs with a key that is never seen.
pub trait Holder: Debug + Send + Sync {
    /// What kind of key it holds.
    fn kind(&self) -> Kind;

    /// The signature of `message` in the form of RFC 7518 §3.
    ///
    /// # Errors
    /// [`BadKey::Failed`].
    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, BadKey>;
}

impl Kind {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
            Self::Ed25519 => "Ed25519",
        }
    }

    /// What a key of this kind can sign with, the most usual first.
    pub fn algorithms(self) -> &'static [Algorithm] {
        use Algorithm::{ES256, ES384, ES512, Ed25519, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
        match self {
            Self::Rsa => &[RS256, PS256, RS384, RS512, PS384, PS512],
            Self::P256 => &[ES256],
            Self::P384 => &[ES384],
            Self::P521 => &[ES512],
            Self::Ed25519 => &[EdDSA, Ed25519],
        }
    }
}
