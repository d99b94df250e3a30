//! `token_exchange`: a token that one has becomes the token that one needs (RFC 8693).

use super::direct::{self, Presented, Reading};
use super::{Error, Grant, GrantRequest, Input, Interaction, LocalFuture, Obtained, google};
use crate::client::{self, Client};
use crate::protocol::parameters::Parameters;
use crate::secret::Secret;

/// The part of the type identifiers that they share (RFC 8693 §3).
const TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:";

/// The registered names behind it.
const TYPES: [&str; 6] = ["access_token", "refresh_token", "id_token", "saml1", "saml2", "jwt"];

/// A subject token, and with it perhaps whoever acts for the subject.
#[derive(Debug)]
pub struct TokenExchange;

impl Grant for TokenExchange {
    fn name(&self) -> &'static str {
        "token_exchange"
    }

    fn summary(&self) -> &'static str {
        "one token is exchanged for another, without a person"
    }

    fn specification(&self) -> &'static str {
        "RFC 8693"
    }

    fn needs_person(&self) -> bool {
        false
    }

    fn inputs(&self) -> &'static [Input] {
        &[
            Input { key: "subject_token", summary: "the token that is exchanged", is_secret: true, is_required: true },
            Input {
                key: "subject_token_type",
                summary: "its kind: access_token, refresh_token, id_token, saml1, saml2, jwt or a URI",
                is_secret: false,
                is_required: false,
            },
            Input { key: "actor_token", summary: "the token of who acts", is_secret: true, is_required: false },
            Input { key: "actor_token_type", summary: "its kind", is_secret: false, is_required: false },
            Input {
                key: "requested_token_type",
                summary: "the kind of the wanted token",
                is_secret: false,
                is_required: false,
            },
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
            let subject = direct::required(client, "subject_token").await?;
            let subject_type = match client.input("subject_token_type").await? {
                Some(given) => token_type(&given),
                None => default_type(client, "subject_token"),
            };
            exchange(client, request, subject, &subject_type).await
        })
    }
}

/// Exchanges `subject_token`, which is of the kind `subject_token_type`; the actor, if any, is the entry's.
///
/// # Errors
/// Why there is no other token.
///
/// # Specification
/// RFC 8693 §2.1.
pub async fn exchange(
    client: &Client,
    request: &GrantRequest,
    subject_token: Secret,
    subject_token_type: &str,
) -> Result<Obtained, Error> {
    let mut parameters = Parameters::new();
    parameters.set("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
    parameters.set("subject_token", subject_token.expose());
    parameters.set("subject_token_type", subject_token_type);
    let mut secrets = vec![subject_token];
    if let Some(requested) = client.input("requested_token_type").await? {
        parameters.set("requested_token_type", token_type(&requested));
    }
    // The kind of an actor goes with an actor and never alone.
    match (client.input("actor_token").await?, client.input("actor_token_type").await?) {
        (Some(actor), given) => {
            let kind = given.map_or_else(|| default_type(client, "actor_token"), |given| token_type(&given));
            parameters.set("actor_token", actor.expose());
            parameters.set("actor_token_type", kind);
            secrets.push(actor);
        }
        (None, Some(_)) => {
            return Err(client::Error::Lacks { provider: client.provider().id.clone(), what: "actor_token" }.into());
        }
        (None, None) => {}
    }
    let presented = Presented {
        parameters,
        secrets,
        title: "present a token to be exchanged",
        why: "the server knows whom it stands for, and issues one for the purpose at hand",
        specification: "RFC 8693 section 2.1",
        reading: Reading { is_exchange: true, access_token_only: false },
        endpoint: None,
    };
    direct::obtain(client, request, presented).await
}

/// The identifier of a kind of token that is written by its last part or as a whole.
///
/// # Specification
/// RFC 8693 §3.
pub fn token_type(given: &Secret) -> String {
    let given = given.expose();
    if TYPES.contains(&given) { format!("{TOKEN_TYPE}{given}") } else { given.to_owned() }
}

/// The kind of a token about which nothing is said: what a runner says of itself is a JWT, everything else most likely
/// an access token.
fn default_type(client: &Client, key: &str) -> String {
    let kind = if client.is_statement_of_runner(key) { "jwt" } else { "access_token" };
    format!("{TOKEN_TYPE}{kind}")
}

#[cfg(test)]
mod tests {
    use super::{Secret, token_type};

    #[test]
    fn a_kind_of_token_is_written_short_or_as_a_uri() {
        assert_eq!(token_type(&Secret::new("saml2")), "urn:ietf:params:oauth:token-type:saml2");
        assert_eq!(token_type(&Secret::new("urn:example:kind")), "urn:example:kind");
    }
}
