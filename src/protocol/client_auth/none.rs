//! `none`: a public client names itself.

use super::{ClientAuthentication, EndpointRequest, Error, Moment};

/// The identifier in the body, and nothing that would prove it.
///
/// # Specification
/// RFC 6749 §3.2.1.
#[derive(Debug)]
pub struct NoAuthentication {
    /// The client identifier.
    pub client_id: String,
}

impl ClientAuthentication for NoAuthentication {
    fn method(&self) -> &'static str {
        "none"
    }

    fn authenticate(&self, request: &mut EndpointRequest, _: &Moment) -> Result<(), Error> {
        // Some grants need no client (RFC 7521 §4.1).
        if !self.client_id.is_empty() {
            request.parameters.set("client_id", self.client_id.as_str());
        }
        Ok(())
    }
}
