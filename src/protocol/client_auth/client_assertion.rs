//! `client_assertion`: a statement about the client that somebody else has signed, such as the platform it runs on.

use super::{ClientAuthentication, EndpointRequest, Error, JWT_BEARER, Moment};
use crate::secret::Secret;

/// A JWT as it was given, by an issuer that the server trusts to speak for the client.
///
/// # Specification
/// RFC 7521 §4.2, §6.2; RFC 7523 §2.2.
#[derive(Debug)]
pub struct ClientAssertion {
    /// The client identifier; empty where the statement alone says who it is.
    pub client_id: String,
    /// The statement.
    pub assertion: Secret,
}

impl ClientAuthentication for ClientAssertion {
    fn method(&self) -> &'static str {
        "client_assertion"
    }

    fn authenticate(&self, request: &mut EndpointRequest, _: &Moment) -> Result<(), Error> {
        if !self.client_id.is_empty() {
            request.parameters.set("client_id", self.client_id.as_str());
        }
        request.parameters.set("client_assertion_type", JWT_BEARER);
        request.parameters.set("client_assertion", self.assertion.expose());
        Ok(())
    }
}
