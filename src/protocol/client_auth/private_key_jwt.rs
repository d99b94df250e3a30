//! `private_key_jwt`: a token that the client signs with its own key.

use std::sync::Arc;

use super::{ClientAuthentication, EndpointRequest, Error, Moment, assert, claims};
use crate::protocol::jose::{Algorithm, KeyHeader, Signer};

/// A fresh assertion with each request.
///
/// # Specification
/// RFC 7523 §2.2, §3; OpenID Connect Core §9.
#[derive(Debug)]
pub struct PrivateKeyJwt {
    /// The client identifier.
    pub client_id: String,
    /// The one audience: the token endpoint or the issuer.
    pub audience: String,
    /// The key.
    pub signer: Arc<Signer>,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// The key's name at the server, in place of its own.
    pub kid: Option<String>,
    /// The SHA-256 thumbprint of the key's certificate, in base64url, where the server knows the key by one.
    pub certificate: Option<String>,
}

impl ClientAuthentication for PrivateKeyJwt {
    fn method(&self) -> &'static str {
        "private_key_jwt"
    }

    fn authenticate(&self, request: &mut EndpointRequest, at: &Moment) -> Result<(), Error> {
        let header = KeyHeader { kid: self.kid.as_deref(), certificate: self.certificate.as_deref() };
        let claims = claims(&self.client_id, &self.audience, at);
        assert(request, &self.client_id, self.signer.sign(self.algorithm, header, &claims)?);
        Ok(())
    }
}
