//! `query`: identifier and secret in the address, of some providers, against RFC 6749 §2.3.1.

use super::{ClientAuthentication, EndpointRequest, Error, Moment};
use crate::protocol::http::Format;
use crate::secret::Secret;

/// Identifier and secret as parameters of the query, whatever the body holds.
///
/// # Security
/// Addresses end up in logs. Only an entry that says so gets it, and shows it as a weakened check.
#[derive(Debug)]
pub struct ClientSecretQuery {
    /// The client identifier.
    pub client_id: String,
    /// The client secret.
    pub secret: Secret,
}

impl ClientAuthentication for ClientSecretQuery {
    fn method(&self) -> &'static str {
        "query"
    }

    fn authenticate(&self, request: &mut EndpointRequest, _: &Moment) -> Result<(), Error> {
        let parameters = match request.format {
            Format::Query => &mut request.parameters,
            Format::Form | Format::Json => &mut request.query,
        };
        parameters.set("client_id", self.client_id.as_str());
        parameters.set("client_secret", self.secret.expose());
        Ok(())
    }

    fn secret(&self) -> Option<&Secret> {
        Some(&self.secret)
    }
}
