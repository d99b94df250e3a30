//! `private_key_jwt`: a token that the client signs with its own key.

use serde_json::json;

use super::{ClientAuthentication, EndpointRequest, Error, JWT_BEARER, Moment};
use crate::protocol::jose::{Algorithm, Signer};

/// Seconds for which an assertion is good; enough for a clock that is a little off, and too short to be of use to a thief.
const LIFE: i64 = 60;

/// A fresh assertion with each request.
///
/// # Specification
/// RFC 7523 §2.2, §3; OpenID Connect Core §9.
#[derive(Debug)]
pub struct PrivateKeyJwt {
    /// The client identifier.
    pub client_id: String,
    /// The one audience: the token endpoint.
    pub audience: String,
    /// The key.
    pub signer: Signer,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// The key's name at the server, where the key itself has none.
    pub kid: Option<String>,
}

impl ClientAuthentication for PrivateKeyJwt {
    fn method(&self) -> &'static str {
        "private_key_jwt"
    }

    fn authenticate(&self, request: &mut EndpointRequest, at: &Moment) -> Result<(), Error> {
        let claims = json!({
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.audience,
            "jti": at.unique,
            "iat": at.now,
            "exp": at.now.saturating_add(LIFE),
        });
        let assertion = self.signer.sign(self.algorithm, self.kid.as_deref(), &claims)?;
        request.parameters.set("client_id", self.client_id.as_str());
        request.parameters.set("client_assertion_type", JWT_BEARER);
        request.parameters.set("client_assertion", assertion);
        Ok(())
    }
}
