//! `assertion`: the secret sent as a client assertion and the code as an assertion, as at Azure DevOps.

use super::{ClientAuthentication, EndpointRequest, Error, JWT_BEARER, Moment};
use crate::secret::Secret;

/// The names of RFC 7521 for values that are none: the secret is no JWT, and the code is one of RFC 6749.
///
/// # Specification
/// RFC 7521 §4.1, §4.2 (the names).
#[derive(Debug)]
pub struct SecretAssertion {
    /// The client secret.
    pub secret: Secret,
}

impl ClientAuthentication for SecretAssertion {
    fn method(&self) -> &'static str {
        "assertion"
    }

    fn authenticate(&self, request: &mut EndpointRequest, _: &Moment) -> Result<(), Error> {
        if request.parameters.contains("code") {
            request.parameters.set("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
        }
        let names = ["code", "refresh_token"].map(|name| (name.to_owned(), "assertion".to_owned()));
        request.parameters.rename(&names);
        request.parameters.set("client_assertion_type", JWT_BEARER);
        request.parameters.set("client_assertion", self.secret.expose());
        Ok(())
    }

    fn secret(&self) -> Option<&Secret> {
        Some(&self.secret)
    }
}
