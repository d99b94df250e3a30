//! `password`: user name and password are sent to the token endpoint (RFC 6749 §4.3).
//!
//! The person's password goes through this program, which is what OAuth was made to avoid (RFC 9700 §2.4). It is for
//! servers that offer nothing else, and only where an entry lists it among its `grants`.

use super::direct::{self, Presented, Reading};
use super::{Error, Grant, GrantRequest, Input, Interaction, LocalFuture, Obtained};
use crate::client::{self, Client};
use crate::protocol::parameters::Parameters;

/// User name and password.
#[derive(Debug)]
pub struct Password;

impl Grant for Password {
    fn name(&self) -> &'static str {
        "password"
    }

    fn summary(&self) -> &'static str {
        "user name and password, where an entry allows it and nothing better exists"
    }

    fn specification(&self) -> &'static str {
        "RFC 6749 section 4.3"
    }

    fn inputs(&self) -> &'static [Input] {
        &[
            Input { key: "username", summary: "the user name", is_secret: false, is_required: true },
            Input { key: "password", summary: "the password", is_secret: true, is_required: true },
        ]
    }

    fn obtain<'a>(
        &'a self,
        client: &'a Client,
        request: &'a GrantRequest,
        _: &'a dyn Interaction,
    ) -> LocalFuture<'a, Result<Obtained, Error>> {
        Box::pin(async move {
            let provider = client.provider();
            if !provider.grants.iter().any(|grant| grant == self.name()) {
                let key = "grants = [\"password\"]".to_owned();
                return Err(client::Error::NotAllowed { provider: provider.id.clone(), key }.into());
            }
            let username = direct::required(client, "username").await?;
            let password = direct::required(client, "password").await?;
            let mut parameters = Parameters::new();
            parameters.set("grant_type", self.name());
            parameters.set("username", username.expose());
            parameters.set("password", password.expose());
            let presented = Presented {
                parameters,
                secrets: vec![password],
                title: "present user name and password",
                why: "this provider offers no better way; the password is not kept",
                specification: "RFC 6749 section 4.3.2",
                reading: Reading::default(),
                endpoint: None,
            };
            direct::obtain(client, request, presented).await
        })
    }
}
