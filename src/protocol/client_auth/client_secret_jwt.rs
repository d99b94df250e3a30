//! `client_secret_jwt`: a token keyed with the client secret, which itself stays here.

use super::{ClientAuthentication, EndpointRequest, Error, Moment, assert, claims};
use crate::protocol::jose::{Algorithm, sign_with_secret};
use crate::secret::Secret;

/// A fresh assertion with each request.
///
/// # Specification
/// OpenID Connect Core §9; RFC 7523 §2.2, §3.
#[derive(Debug)]
pub struct ClientSecretJwt {
    /// The client identifier.
    pub client_id: String,
    /// The client secret; how long it must be (RFC 7518 §3.2) is for the server to judge, which issued it.
    pub secret: Secret,
    /// The one audience: the token endpoint or the issuer.
    pub audience: String,
    /// An HMAC.
    pub algorithm: Algorithm,
}

impl ClientAuthentication for ClientSecretJwt {
    fn method(&self) -> &'static str {
        "client_secret_jwt"
    }

    fn authenticate(&self, request: &mut EndpointRequest, at: &Moment) -> Result<(), Error> {
        let claims = claims(&self.client_id, &self.audience, at);
        assert(request, &self.client_id, sign_with_secret(self.algorithm, &self.secret, &claims)?);
        Ok(())
    }

    fn secret(&self) -> Option<&Secret> {
        Some(&self.secret)
    }
}
