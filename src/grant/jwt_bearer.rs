//! `jwt_bearer`: a JWT that somebody trusted has signed is the grant (RFC 7523 §2.1).

use super::direct::{self, Presented, Reading};
use super::{Error, Grant, GrantRequest, Input, Interaction, LocalFuture, Obtained, google};
use crate::client::Client;
use crate::protocol::parameters::Parameters;

/// The assertion says for whom; the server trusts whoever signed it.
#[derive(Debug)]
pub struct JwtBearer;

impl Grant for JwtBearer {
    fn name(&self) -> &'static str {
        "jwt_bearer"
    }

    fn summary(&self) -> &'static str {
        "a signed JWT is exchanged for a token, without a person"
    }

    fn specification(&self) -> &'static str {
        "RFC 7523 section 2.1"
    }

    fn needs_person(&self) -> bool {
        false
    }

    fn inputs(&self) -> &'static [Input] {
        &[
            Input { key: "assertion", summary: "the JWT", is_secret: true, is_required: true },
            Input {
                key: google::KEY,
                summary: "a credential file of Google, instead",
                is_secret: true,
                is_required: false,
            },
        ]
    }

    fn obtain<'a>(
        &'a self,
        client: &'a Client,
        request: &'a GrantRequest,
        _: &'a dyn Interaction,
    ) -> LocalFuture<'a, Result<Obtained, Error>> {
        Box::pin(async move {
            if let Some(obtained) = google::obtain(client, request).await? {
                return Ok(obtained);
            }
            let assertion = direct::required(client, "assertion").await?;
            let mut parameters = Parameters::new();
            parameters.set("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
            parameters.set("assertion", assertion.expose());
            let presented = Presented {
                parameters,
                secrets: vec![assertion],
                title: "present a JWT",
                why: "the server trusts whoever signed it, for the subject that it names",
                specification: "RFC 7523 section 2.1",
                reading: Reading::default(),
                endpoint: None,
            };
            direct::obtain(client, request, presented).await
        })
    }
}
