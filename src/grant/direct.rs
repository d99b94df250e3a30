//! Grants without a redirect: what is presented goes straight to the token endpoint, and its answer are the tokens.

use serde_json::Map;
use url::Url;

use super::{Error, GrantRequest, Obtained, Page, identity};
use crate::client::{self, Client, Place, Repetition};
use crate::protocol;
use crate::protocol::authorization::check_resource;
use crate::protocol::id_token::{Expectations, IdToken};
use crate::protocol::parameters::Parameters;
use crate::protocol::token::{Asked, TokenResponse, TokenSet};
use crate::protocol::{id_token, scope};
use crate::registry::words::Protocol;
use crate::secret::Secret;
use crate::system::trace::{Event, Party, Step};

/// What is presented to the token endpoint.
pub(super) struct Presented {
    /// `grant_type`, and what the grant adds to it.
    pub(super) parameters: Parameters,
    /// What of it must not come back in an error's text.
    pub(super) secrets: Vec<Secret>,
    /// What the step is called in a narration.
    pub(super) title: &'static str,
    /// Why it is enough.
    pub(super) why: &'static str,
    /// Where the grant is specified.
    pub(super) specification: &'static str,
    /// How the answer is read.
    pub(super) reading: Reading,
    /// Where it is presented, if that is not the token endpoint.
    pub(super) endpoint: Option<Url>,
}

/// What the grant says about its answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Reading {
    /// Whether the answer says what kind of token it issues, and may say that the kind of use does not matter (RFC 8693).
    pub(super) is_exchange: bool,
    /// Whether a refresh token and an ID token that come along are of no use: the client can ask again at any time, and
    /// there is nobody to identify (RFC 6749 §4.4.3).
    pub(super) access_token_only: bool,
}

/// Asks the token endpoint. Scopes, resources and audience of `request` go along.
///
/// # Errors
/// Why there are no tokens.
pub(super) async fn obtain(client: &Client, request: &GrantRequest, presented: Presented) -> Result<Obtained, Error> {
    let provider = client.provider();
    let Presented { mut parameters, secrets, reading, .. } = presented;
    scope::check(&request.scopes)?;
    if !request.scopes.is_empty() {
        let separator = identity::scope_separator(provider);
        parameters.set(identity::scope_param(provider), request.scopes.join(separator));
    }
    for resource in &request.resources {
        check_resource(resource)?;
        parameters.add("resource", resource.as_str());
    }
    if let Some(audience) = &request.audience {
        parameters.set("audience", audience.as_str());
    }
    let kept = Map::new();
    identity::extend(client, &mut parameters, "token_params", client.run_time(&kept).await?)?;
    let lacks = || client::Error::Lacks { provider: provider.id.clone(), what: "token_endpoint" };
    let endpoint = match presented.endpoint {
        Some(endpoint) => endpoint,
        None => client.endpoint(Place::Token, &kept).await?.ok_or_else(lacks)?,
    };
    let sending = identity::token_request(client, endpoint, parameters, &kept).await?;

    client.system().trace.tell(|| {
        Event::Step(Step {
            number: 3,
            between: (Party::Client, Party::AuthorizationServer),
            title: presented.title.into(),
            why: presented.why.into(),
            specification: presented.specification,
        })
    });
    let answer = client.send(sending, Repetition::Never).await?;
    let asked = Asked { at: client.system().clock.seconds(), scopes: &request.scopes };
    let rules = protocol::token::Rules { is_exchange: reading.is_exchange, ..identity::rules(provider) };
    let sent = secrets.iter().chain(client.secret());
    let TokenResponse { mut tokens, remarks } =
        TokenResponse::read(&answer, &rules, asked).map_err(|bad| bad.error.without(sent))?;
    if reading.access_token_only {
        (tokens.refresh_token, tokens.refresh_expires_at, tokens.id_token) = (None, None, None);
    }
    let id_token = checked(client, &mut tokens, request.clock_tolerance).await?;
    Ok(Obtained { tokens, id_token, remarks, page: Page::default() })
}

/// The validated ID token of an answer that no redirect and no nonce belongs to. One that nothing can be held against is
/// dropped.
///
/// # Errors
/// Why it must not be accepted.
///
/// # Specification
/// OpenID Connect Core §3.1.3.7, without its step 11.
pub(super) async fn checked(
    client: &Client,
    tokens: &mut TokenSet,
    clock_tolerance: u64,
) -> Result<Option<IdToken>, Error> {
    let provider = client.provider();
    if provider.protocol != Protocol::Oidc && provider.issuer.is_none() {
        tokens.id_token = None;
    }
    let Some(token) = &tokens.id_token else { return Ok(None) };
    let verified = client.verify(token.expose(), identity::algorithm(provider)).await?;
    let expect = Expectations {
        issuer: identity::issuer(provider, client.server().await?),
        client_id: client.client_id(),
        nonce: None,
        access_token: Some(tokens.access_token.expose()),
        code: None,
        state: None,
        max_age: None,
        acr_values: &[],
        tolerance: clock_tolerance,
        now: client.system().clock.seconds(),
    };
    let checked: Result<IdToken, id_token::Error> = IdToken::check(verified, &expect);
    Ok(Some(checked.map_err(protocol::Error::from)?))
}

/// The value of an input without which the grant cannot begin.
///
/// # Errors
/// [`Error::NoInput`]; why it cannot be fetched.
pub(super) async fn required(client: &Client, key: &'static str) -> Result<Secret, Error> {
    let missing = || Error::NoInput { provider: client.provider().id.clone(), key: key.to_owned() };
    client.input(key).await?.ok_or_else(missing)
}
