//! Whether a server knows a client, found out without a person.
//!
//! A made-up code is redeemed. A server that authenticates the client first, as RFC 6749 §3.2.1 has it, answers
//! `invalid_client` to a wrong identifier or secret and `invalid_grant` to the code. Whether the redirect URI is
//! registered shows only at the authorization endpoint, which needs the person.

use serde_json::Map;

use super::{check_pkce, registered};
use crate::client::{self, Client, Place, Repetition};
use crate::grant::{Error, identity};
use crate::protocol;
use crate::protocol::parameters::Parameters;
use crate::protocol::token::{Asked, TokenResponse};
use crate::registry::words::Pkce;
use crate::secret::Secret;
use crate::system::random;

/// What is sent as redirect URI where the person has none yet.
const ANY_REDIRECT: &str = "http://127.0.0.1/callback";

/// What servers call a code that they did not issue: RFC 6749 §5.2, and GitHub's own word.
const BAD_CODE: [&str; 2] = ["invalid_grant", "bad_verification_code"];

/// What servers call a client that they do not know or that may not do this: RFC 6749 §5.2, and GitHub's own word.
const BAD_CLIENT: [&str; 3] = ["invalid_client", "unauthorized_client", "incorrect_client_credentials"];

/// What a server let know of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It found nothing wrong but the code, and said so with this error.
    OnlyTheCode(String),
    /// Neither the one nor the other; in its own words.
    Unclear(String),
}

/// Redeems a made-up code as `client`.
///
/// # Errors
/// [`protocol::Error::Server`] inside when the server does not accept the client; why there is no answer; what is wrong
/// with the server's metadata.
///
/// # Security
/// The client secret is sent, to the entry's token endpoint alone, as a login would send it.
pub async fn probe(client: &Client) -> Result<Verdict, Error> {
    match redeem(client).await {
        // What only a redirect could have said: there is nobody to ask yet.
        Err(Error::Client(error @ client::Error::RunTime { .. })) => Ok(Verdict::Unclear(error.to_string())),
        other => other,
    }
}

async fn redeem(client: &Client) -> Result<Verdict, Error> {
    let provider = client.provider();
    let server = client.server().await?;
    check_pkce(provider, server)?;
    client.check_authentication(server)?;
    let brought = Map::new();
    let Some(endpoint) = client.endpoint(Place::Token, &brought).await? else {
        return Err(client::Error::Lacks { provider: provider.id.clone(), what: "token_endpoint" }.into());
    };
    let code: Secret = random::text::<32>()?.into();
    let verifier: Secret = random::text::<32>()?.into();
    let mut parameters = Parameters::new();
    parameters.set("grant_type", "authorization_code");
    parameters.set("code", code.expose());
    parameters.set("redirect_uri", registered(provider).redirect_uri().unwrap_or(ANY_REDIRECT));
    if provider.pkce != Pkce::Off {
        parameters.set("code_verifier", verifier.expose());
    }
    identity::extend(client, &mut parameters, "token_params", client.run_time(&brought).await?)?;
    let request = identity::token_request(client, endpoint, parameters, &brought).await?;
    let answer = client.send(request, Repetition::Never).await?;
    let asked = Asked { at: client.system().clock.seconds(), scopes: &[] };
    let read = TokenResponse::read(&answer, &identity::rules(provider), asked);
    let Err(bad) = read else { return Ok(Verdict::Unclear("a token for a code that nobody issued".into())) };
    let sent = [Some(&code), Some(&verifier), client.secret()];
    match bad.error.without(sent.into_iter().flatten()) {
        protocol::Error::Server(told) if BAD_CODE.contains(&told.error.as_str()) => {
            Ok(Verdict::OnlyTheCode(told.error))
        }
        protocol::Error::Server(told) if !BAD_CLIENT.contains(&told.error.as_str()) => Ok(Verdict::Unclear(told.error)),
        error @ (protocol::Error::Status { .. } | protocol::Error::NotJson { .. } | protocol::Error::Field { .. }) => {
            Ok(Verdict::Unclear(error.to_string()))
        }
        error => Err(error.into()),
    }
}
