//! The client's RSA key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::RSA_PKCS1_SHA256;
use zeroize::Zeroizing;

use super::Error;

/// An RSA key of 2048 bits or more, read from PEM.
pub struct PrivateKey {
    pair: Box<KeyPair>,
    #[cfg(feature = "rsa-sha1")]
    legacy: Box<rsa::PrivateKey>,
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PrivateKey(…)")
    }
}

impl PrivateKey {
    /// Reads a key: `PRIVATE KEY` (PKCS #8) or `RSA PRIVATE KEY` (PKCS #1).
    ///
    /// # Errors
    /// [`Error::Key`] for another form, an encrypted key, one that is not RSA, or one below 2048 bits.
    ///
    /// # Specification
    /// RFC 7468 §10; RFC 8017 appendix A.1.2.
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        let unusable = |reason| Error::Key { reason };
        let wrong = "it is no RSA key of 2048 bits or more";
        if let Some(der) = block(text, "PRIVATE KEY")? {
            return Ok(Self {
                pair: Box::new(KeyPair::from_pkcs8(&der).map_err(|_| unusable(wrong))?),
                #[cfg(feature = "rsa-sha1")]
                legacy: Box::new(
                    rsa::pkcs8::DecodePrivateKey::from_pkcs8_der(&der).map_err(|_| unusable("it is no RSA key"))?,
                ),
            });
        }
        let der = block(text, "RSA PRIVATE KEY")?;
        let der = der.ok_or_else(|| unusable("it is no PEM block `PRIVATE KEY` or `RSA PRIVATE KEY`"))?;
        Ok(Self {
            pair: Box::new(KeyPair::from_der(&der).map_err(|_| unusable(wrong))?),
            #[cfg(feature = "rsa-sha1")]
            legacy: Box::new(
                rsa::pkcs1::DecodeRsaPrivateKey::from_pkcs1_der(&der).map_err(|_| unusable("it is no RSA key"))?,
            ),
        })
    }

    pub(super) fn sign_sha256(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let mut signature = vec![0; self.pair.public().modulus_len()];
        let signed = self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature);
        signed.map_err(|_| Error::Key { reason: "it does not sign" })?;
        Ok(signature)
    }

    /// As [`sign_sha256`](Self::sign_sha256), with the hash that ring verifies and does not sign.
    #[cfg(feature = "rsa-sha1")]
    pub(super) fn sign_sha1(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        /// The encoding of `DigestInfo` before a SHA-1 hash (RFC 8017 §9.2, note 1).
        const DIGEST_INFO: [u8; 15] =
            [0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14];
        let hash = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, message);
        let hash = [&DIGEST_INFO, hash.as_ref()].concat();
        // Blinded with the system's randomness, which the package's feature `getrandom` is for.
        let signed = self.legacy.sign(rsa::Pkcs1v15Sign::new_unprefixed(), &hash);
        signed.map_err(|_| Error::Key { reason: "it does not sign" })
    }
}

/// The bytes of the first PEM block of this label.
fn block(text: &str, label: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let Some((_, rest)) = text.split_once(&begin) else { return Ok(None) };
    let cut_off = Error::Key { reason: "its PEM block has no end" };
    let (body, _) = rest.split_once(&end).ok_or(cut_off)?;
    if body.contains(':') {
        return Err(Error::Key { reason: "it is encrypted" });
    }
    let body: Zeroizing<String> = Zeroizing::new(body.split_ascii_whitespace().collect());
    let bytes = STANDARD.decode(body.as_bytes()).map_err(|_| Error::Key { reason: "its PEM block is no base64" })?;
    Ok(Some(Zeroizing::new(bytes)))
}
