//! A listener that speaks TLS, on a certificate that the user names: for providers that take `https` addresses only.

use std::fmt;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::Error;

/// A certificate with its key, ready to be served.
#[derive(Clone)]
pub struct Tls(Arc<ServerConfig>);

impl Tls {
    /// Reads a certificate chain and its key, both PEM.
    ///
    /// # Errors
    /// [`Error::Certificate`], which repeats nothing of the key.
    pub fn new(certificate: &[u8], key: &[u8]) -> Result<Self, Error> {
        let refuse = |reason: &str| Error::Certificate { reason: reason.to_owned() };
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
        let chain = chain.map_err(|_| refuse("the certificate is no PEM file"))?;
        if chain.is_empty() {
            return Err(refuse("the file holds no certificate"));
        }
        let key =
            PrivateKeyDer::from_pem_slice(key).map_err(|_| refuse("the key is no PEM file with a private key"))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| refuse("no version of TLS is there"))?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| Error::Certificate { reason: error.to_string() })?;
        Ok(Self(Arc::new(config)))
    }

    /// The handshake of one connection.
    pub(super) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> std::io::Result<TlsStream<S>> {
        TlsAcceptor::from(Arc::clone(&self.0)).accept(stream).await
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls(…)")
    }
}

impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Tls {}

#[cfg(test)]
mod tests;
