//! The certificate by which a client makes itself known on a TLS connection.
//!
//! What does not fit together is found here, before any connection: servers tell a client nothing but an alert. A request
//! that is to bear an [`Identity`] carries it in its extensions; every other request goes without, on connections of its
//! own.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pkcs8::der::asn1::{AnyRef, GeneralizedTime, UtcTime};
use pkcs8::der::{DateTime, Decode as _, SliceReader, Tag, Tagged as _};
use ring::digest::{SHA256, digest};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use zeroize::Zeroizing;

use super::Connections;
use crate::secret::Secret;

/// Why a certificate cannot be used. Nothing of the key is repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadCertificate {
    /// No PEM file, or none with a certificate.
    #[error("it is no PEM file with a certificate")]
    Format,
    /// The client's own certificate is no X.509, or one of an early version.
    #[error("it is damaged, or no X.509 of version 3")]
    Damaged,
    /// Its time is over.
    #[error("it expired at {0}")]
    Expired(String),
    /// Its time has not begun.
    #[error("it is not valid before {0}")]
    Early(String),
    /// TLS cannot sign with the key.
    #[error("TLS cannot sign with the `private_key`: RSA, P-256, P-384 and Ed25519 are possible")]
    Key,
    /// Certificate and key are of different pairs.
    #[error("it is not the certificate of the `private_key`")]
    Mismatch,
}

/// A certificate whose time it is, with the chain above it.
#[derive(Clone)]
pub struct Certificate {
    chain: Vec<CertificateDer<'static>>,
    thumbprint: String,
}

impl Certificate {
    /// Reads a PEM file: the client's own certificate, then those above it. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// [`BadCertificate`].
    pub fn read(pem: &str, now: i64) -> Result<Self, BadCertificate> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        let chain = chain.map_err(|_| BadCertificate::Format)?;
        let own = chain.first().ok_or(BadCertificate::Format)?;
        let (begin, end) = validity(own).ok_or(BadCertificate::Damaged)?;
        let seconds = |time: DateTime| i64::try_from(time.unix_duration().as_secs()).unwrap_or(i64::MAX);
        if seconds(end) < now {
            return Err(BadCertificate::Expired(end.to_string()));
        }
        if seconds(begin) > now {
            return Err(BadCertificate::Early(begin.to_string()));
        }
        let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, own));
        Ok(Self { chain, thumbprint })
    }

    /// The SHA-256 of the certificate in base64url: `x5t#S256`.
    ///
    /// # Specification
    /// RFC 7515 §4.1.8; RFC 8705 §3.1.
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.thumbprint)
    }
}

/// A certificate with its key, and the connections that are made with them.
#[derive(Debug)]
pub struct Identity {
    certificate: Certificate,
    pub(super) inner: reqwest::Identity,
    pub(super) connections: Connections,
}

impl Identity {
    /// Puts a certificate and its key (PEM, not encrypted) together.
    ///
    /// # Errors
    /// [`BadCertificate::Key`]; [`BadCertificate::Mismatch`].
    pub fn new(certificate: Certificate, key: &Secret) -> Result<Arc<Self>, BadCertificate> {
        let der = PrivateKeyDer::from_pem_slice(key.expose().as_bytes()).map_err(|_| BadCertificate::Key)?;
        let provider = rustls::crypto::ring::default_provider();
        CertifiedKey::from_der(certificate.chain.clone(), der, &provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => BadCertificate::Mismatch,
            rustls::Error::InvalidCertificate(_) => BadCertificate::Damaged,
            _ => BadCertificate::Key,
        })?;
        // The library that makes the connections takes both in one PEM text.
        let mut pem = Zeroizing::new(key.expose().to_owned());
        for certificate in &certificate.chain {
            let body = base64::engine::general_purpose::STANDARD.encode(certificate);
            pem.push_str(&format!("\n-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"));
        }
        let inner = reqwest::Identity::from_pem(pem.as_bytes()).map_err(|_| BadCertificate::Key)?;
        Ok(Arc::new(Self { certificate, inner, connections: Connections::default() }))
    }

    /// The certificate's thumbprint.
    pub fn thumbprint(&self) -> &str {
        self.certificate.thumbprint()
    }

    /// Has `request` sent with this certificate, if the server asks for one.
    pub fn present<T>(self: &Arc<Self>, request: &mut http::Request<T>) {
        request.extensions_mut().insert(Arc::clone(self));
    }

    /// What `request` is sent with.
    pub(super) fn of<T>(request: &http::Request<T>) -> Option<Arc<Self>> {
        request.extensions().get::<Arc<Self>>().cloned()
    }
}

/// When a certificate's time begins and ends.
///
/// # Specification
/// RFC 5280 §4.1.
fn validity(der: &[u8]) -> Option<(DateTime, DateTime)> {
    fn skip<'a>(reader: &mut SliceReader<'a>) -> Option<AnyRef<'a>> {
        AnyRef::decode(reader).ok()
    }
    fn inner<'a>(of: AnyRef<'a>) -> Option<SliceReader<'a>> {
        (of.tag() == Tag::Sequence).then(|| SliceReader::new(of.value()).ok()).flatten()
    }
    fn time(reader: &mut SliceReader<'_>) -> Option<DateTime> {
        match Tag::peek(reader).ok()? {
            Tag::UtcTime => Some(UtcTime::decode(reader).ok()?.to_date_time()),
            Tag::GeneralizedTime => Some(GeneralizedTime::decode(reader).ok()?.to_date_time()),
            _ => None,
        }
    }
    let mut certificate = inner(AnyRef::from_der(der).ok()?)?;
    let mut signed = inner(skip(&mut certificate)?)?;
    // The version is there in all but those of version 1.
    if matches!(Tag::peek(&signed).ok()?, Tag::ContextSpecific { .. }) {
        skip(&mut signed)?;
    }
    let (_serial, _algorithm, _issuer) = (skip(&mut signed)?, skip(&mut signed)?, skip(&mut signed)?);
    let mut validity = inner(skip(&mut signed)?)?;
    Some((time(&mut validity)?, time(&mut validity)?))
}

#[cfg(test)]
mod tests;
