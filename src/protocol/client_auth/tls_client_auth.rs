//! `tls_client_auth` and `self_signed_tls_client_auth`: the connection proves who the client is.

use super::{ClientAuthentication, EndpointRequest, Error, Moment};

/// The identifier in the body, so that the server knows whose certificate to expect; the certificate itself is the
/// connection's affair.
///
/// # Specification
/// RFC 8705 §2.
#[derive(Debug)]
pub struct TlsClientAuth {
    /// The client identifier.
    pub client_id: String,
    /// How the server judges the certificate.
    pub trust: Trust,
}

/// How a server judges a client's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// By its issuer and its subject (RFC 8705 §2.1).
    Issuer,
    /// As one of those that are registered for the client (RFC 8705 §2.2).
    Registered,
}

impl ClientAuthentication for TlsClientAuth {
    fn method(&self) -> &'static str {
        match self.trust {
            Trust::Issuer => "tls_client_auth",
            Trust::Registered => "self_signed_tls_client_auth",
        }
    }

    fn authenticate(&self, request: &mut EndpointRequest, _: &Moment) -> Result<(), Error> {
        request.parameters.set("client_id", self.client_id.as_str());
        Ok(())
    }
}
