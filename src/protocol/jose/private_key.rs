//! The forms in which private keys are written down, decrypted where they need a passphrase.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::der::Decode as _;
use zeroize::Zeroizing;

use super::BadKey;
use crate::secret::Secret;

/// A private key out of a PEM file, not looked into yet.
pub struct PrivateKeyDer {
    /// How its bytes are to be read.
    pub(super) form: Form,
    /// The bytes, never encrypted.
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

/// The structures that bear private keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Any kind of key (RFC 5958).
    Pkcs8,
    /// RSA alone (RFC 8017 appendix A.1.2).
    Pkcs1,
    /// Elliptic curves alone (RFC 5915).
    Sec1,
}

impl PrivateKeyDer {
    /// The first private key of a PEM file; parameters of a curve and certificates before it are passed over. An encrypted
    /// one (PBES2 with AES, keyed by PBKDF2 or scrypt) is opened by `passphrase`.
    ///
    /// # Errors
    /// [`BadKey`].
    ///
    /// # Specification
    /// RFC 7468 §10, §11; RFC 8018 §6.2.
    pub fn of_pem(text: &str, passphrase: Option<&Secret>) -> Result<Self, BadKey> {
        let mut rest = text;
        let mut others = false;
        loop {
            let Some((_, after)) = rest.split_once("-----BEGIN ") else {
                return Err(if others { BadKey::NotPrivate } else { BadKey::Format });
            };
            let (label, after) = after.split_once("-----").ok_or(BadKey::Format)?;
            let (body, after) = after.split_once("-----END ").ok_or(BadKey::Format)?;
            (rest, others) = (after, true);
            let form = match label {
                "PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" => Form::Pkcs8,
                "RSA PRIVATE KEY" => Form::Pkcs1,
                "EC PRIVATE KEY" => Form::Sec1,
                _ => continue,
            };
            // RFC 1421: encrypted as OpenSSL did before version 3, with a key from one round of MD5.
            if body.contains("Proc-Type:") {
                return Err(BadKey::OldEncryption);
            }
            let bytes = decoded(body)?;
            let bytes = if label.starts_with("ENCRYPTED") { decrypted(&bytes, passphrase)? } else { bytes };
            return Ok(Self { form, bytes });
        }
    }

    /// The same key as a PEM file of its own, as TLS takes it.
    pub fn to_pem(&self) -> Secret {
        let label = match self.form {
            Form::Pkcs8 => "PRIVATE KEY",
            Form::Pkcs1 => "RSA PRIVATE KEY",
            Form::Sec1 => "EC PRIVATE KEY",
        };
        let body = Zeroizing::new(STANDARD.encode(&*self.bytes));
        let lines: Vec<&str> = body.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
        let lines = Zeroizing::new(lines.join("\n"));
        Secret::new(format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", *lines))
    }
}

impl fmt::Debug for PrivateKeyDer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKeyDer({:?})", self.form)
    }
}

fn decoded(body: &str) -> Result<Zeroizing<Vec<u8>>, BadKey> {
    let body: Zeroizing<String> = Zeroizing::new(body.split_ascii_whitespace().collect());
    STANDARD.decode(body.as_bytes()).map(Zeroizing::new).map_err(|_| BadKey::Unusable)
}

fn decrypted(bytes: &[u8], passphrase: Option<&Secret>) -> Result<Zeroizing<Vec<u8>>, BadKey> {
    let passphrase = passphrase.ok_or(BadKey::Encrypted)?;
    let info = EncryptedPrivateKeyInfoRef::from_der(bytes).map_err(|_| BadKey::UnknownEncryption)?;
    let key = info.decrypt(passphrase.expose()).map_err(|error| match error {
        // The scheme, or a hash or cipher within it.
        pkcs8::Error::EncryptedPrivateKey(pkcs8::pkcs5::Error::UnsupportedAlgorithm { .. }) => {
            BadKey::UnknownEncryption
        }
        _ => BadKey::Passphrase,
    })?;
    Ok(Zeroizing::new(key.as_bytes().to_vec()))
}
