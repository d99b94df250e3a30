//! `client_credentials`: the client acts for itself (RFC 6749 §4.4).

use super::direct::{self, Presented, Reading};
use super::{Error, Grant, GrantRequest, Interaction, LocalFuture, Obtained};
use crate::client::{self, Client};
use crate::protocol::parameters::Parameters;
use crate::registry::words::ClientAuth;

/// The client's own authentication is all that is presented.
#[derive(Debug)]
pub struct ClientCredentials;

impl Grant for ClientCredentials {
    fn name(&self) -> &'static str {
        "client_credentials"
    }

    fn summary(&self) -> &'static str {
        "the client acts for itself, without a person"
    }

    fn specification(&self) -> &'static str {
        "RFC 6749 section 4.4"
    }

    fn needs_person(&self) -> bool {
        false
    }

    fn obtain<'a>(
        &'a self,
        client: &'a Client,
        request: &'a GrantRequest,
        _: &'a dyn Interaction,
    ) -> LocalFuture<'a, Result<Obtained, Error>> {
        Box::pin(async move {
            check(client).await?;
            let mut parameters = Parameters::new();
            parameters.set("grant_type", self.name());
            let presented = Presented {
                parameters,
                secrets: Vec::new(),
                title: "ask for a token of the client's own",
                why: "the client is the resource owner: its authentication is the grant",
                specification: "RFC 6749 section 4.4.2",
                reading: Reading { access_token_only: true, is_exchange: false },
                endpoint: None,
            };
            direct::obtain(client, request, presented).await
        })
    }
}

/// Refuses a client without a secret or a key: anybody could name it. An entry that says `client_auth = "none"` is believed.
///
/// # Specification
/// RFC 6749 §4.4 (confidential clients only).
async fn check(client: &Client) -> Result<(), Error> {
    let provider = client.provider();
    if provider.client_auth == ClientAuth::Auto && client.authentication().await?.method() == "none" {
        let reason =
            "`client_credentials` is for clients that prove who they are, and the entry names neither secret nor key";
        return Err(client::Error::NoSecret { provider: provider.id.clone(), reason: reason.into() }.into());
    }
    Ok(())
}
