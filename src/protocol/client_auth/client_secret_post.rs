//! `client_secret_post`: identifier and secret in the body.

use super::{ClientAuthentication, EndpointRequest, Error, Moment};
use crate::secret::Secret;

/// Identifier and secret as parameters of the body.
///
/// # Specification
/// RFC 6749 §2.3.1.
#[derive(Debug)]
pub struct ClientSecretPost {
    /// The client identifier.
    pub client_id: String,
    /// The client secret.
    pub secret: Secret,
}

impl ClientAuthentication for ClientSecretPost {
    fn method(&self) -> &'static str {
        "client_secret_post"
    }

    fn authenticate(&self, request: &mut EndpointRequest, _: &Moment) -> Result<(), Error> {
        request.parameters.set("client_id", self.client_id.as_str());
        request.parameters.set("client_secret", self.secret.expose());
        Ok(())
    }

    fn secret(&self) -> Option<&Secret> {
        Some(&self.secret)
    }
}
