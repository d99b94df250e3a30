//! `apple_jwt`: a client secret that the client makes itself, with a key of its team.

use std::sync::Arc;

use serde_json::json;

use super::{ClientAuthentication, EndpointRequest, Error, Moment};
use crate::protocol::jose::{Algorithm, KeyHeader, Signer};

/// Seconds for which a secret is good. Apple allows six months; each request gets its own.
const LIFE: i64 = 300;

/// A token of the team that owns the client, in the place of the client secret.
///
/// # Specification
/// RFC 7515 (the form). No OAuth document has this use: Apple, "Creating a client secret" (ES256; `iss` the team, `sub`
/// the client, `aud` the issuer).
#[derive(Debug)]
pub struct AppleJwt {
    /// The client identifier (services ID).
    pub client_id: String,
    /// The team.
    pub team_id: String,
    /// The key's name.
    pub key_id: String,
    /// The issuer.
    pub audience: String,
    /// The key.
    pub signer: Arc<Signer>,
}

impl ClientAuthentication for AppleJwt {
    fn method(&self) -> &'static str {
        "apple_jwt"
    }

    fn authenticate(&self, request: &mut EndpointRequest, at: &Moment) -> Result<(), Error> {
        let claims = json!({
            "iss": self.team_id,
            "iat": at.now,
            "exp": at.now.saturating_add(LIFE),
            "aud": self.audience,
            "sub": self.client_id,
        });
        let secret =
            self.signer.sign(Algorithm::ES256, KeyHeader { kid: Some(&self.key_id), certificate: None }, &claims)?;
        request.parameters.set("client_id", self.client_id.as_str());
        request.parameters.set("client_secret", secret);
        Ok(())
    }
}
