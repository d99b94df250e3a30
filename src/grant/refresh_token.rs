//! `refresh_token`: new tokens for an old session (RFC 6749 §6).

use serde_json::{Map, Value};

use super::{Error, account, exchange, identity};
use crate::client::{self, Client, Place, Repetition};
use crate::protocol::http::EndpointRequest;
use crate::protocol::id_token::IdToken;
use crate::protocol::parameters::Parameters;
use crate::protocol::token::{Asked, BadAnswer, Remark, TokenResponse, TokenSet};
use crate::protocol::{self, id_token};
use crate::registry::words::ClientAuth;
use crate::secret::Secret;
use crate::system::trace::{Event, Party, Step};

/// What is renewed.
pub struct Refresh<'a> {
    /// The refresh token in use.
    pub refresh_token: &'a Secret,
    /// The access token in use; it is not sent, but a server might repeat it.
    pub access_token: &'a Secret,
    /// The session's granted scope; also what an answer without one means.
    pub scopes: &'a [String],
    /// What the session keeps of redirect and answers.
    pub kept: &'a Map<String, Value>,
    /// A narrower scope to ask for; otherwise none is sent, which means the same as before.
    pub narrower: Option<&'a [String]>,
    /// Resource indicators of the session.
    pub resources: &'a [String],
    /// What an ID token must agree with.
    pub earlier: Option<id_token::Earlier<'a>>,
    /// Seconds by which clocks may differ.
    pub clock_tolerance: u64,
}

/// New tokens; what the answer left out is for the caller to keep.
#[derive(Debug)]
pub struct Refreshed {
    /// As the server answered.
    pub tokens: TokenSet,
    /// The validated ID token, if one came.
    pub id_token: Option<IdToken>,
    /// What a person should know.
    pub remarks: Vec<Remark>,
}

/// Renews a session's tokens.
///
/// # Errors
/// [`Error::Rotated`] when the answer is bad but carries a new refresh token; [`Error::Unknown`] when the request may have
/// taken effect; otherwise why there are no tokens.
///
/// # Specification
/// RFC 6749 §6; OpenID Connect Core §12.2; RFC 8707 §2.2 (`resource`).
pub async fn refresh(client: &Client, refresh: &Refresh<'_>) -> Result<Refreshed, Error> {
    let request = request(client, refresh).await?;

    client.system().trace.tell(|| {
        Event::Step(Step {
            number: 3,
            between: (Party::Client, Party::AuthorizationServer),
            title: "present the refresh token".into(),
            why: "the access token is about to expire; nobody has to log in again".into(),
            specification: "RFC 6749 section 6",
        })
    });
    send(client, request, refresh).await
}

async fn request(client: &Client, refresh: &Refresh<'_>) -> Result<EndpointRequest, Error> {
    let provider = client.provider();
    let kept = refresh.kept;
    let endpoint = match client.endpoint(Place::Refresh, kept).await? {
        Some(endpoint) => Some(endpoint),
        None => client.endpoint(Place::Token, kept).await?,
    };
    let lacks = || client::Error::Lacks { provider: provider.id.clone(), what: "token_endpoint" };
    let endpoint = endpoint.ok_or_else(lacks)?;

    let mut parameters = Parameters::new();
    parameters.set("grant_type", provider.refresh.grant_type.as_deref().unwrap_or("refresh_token"));
    parameters.set(exchange::parameter(provider), refresh.refresh_token.expose());
    if let Some(scopes) = refresh.narrower {
        parameters.set(identity::scope_param(provider), scopes.join(identity::scope_separator(provider)));
    }
    for resource in refresh.resources {
        parameters.add("resource", resource.as_str());
    }
    if let (ClientAuth::Assertion, Some(Value::String(uri))) = (provider.client_auth, kept.get(identity::REDIRECT_URI))
    {
        parameters.set("redirect_uri", uri.as_str());
    }
    identity::extend(client, &mut parameters, "refresh_params", client.run_time(kept).await?)?;
    let mut request = identity::token_request(client, endpoint, parameters, kept).await?;
    exchange::shape(provider, &mut request);
    Ok(request)
}

async fn send(client: &Client, request: EndpointRequest, refresh: &Refresh<'_>) -> Result<Refreshed, Error> {
    let response = client.send(request, Repetition::OnceMore).await.map_err(|error| match error {
        client::Error::System(
            crate::system::Error::Unreachable { unsent: false, .. }
            | crate::system::Error::TooSlow { unsent: false, .. },
        ) => Error::Unknown { error: Box::new(error.into()) },
        error => error.into(),
    })?;
    let wanted = refresh.narrower.unwrap_or(refresh.scopes);
    let rules = identity::rules(client.provider());
    let asked = Asked { at: client.system().clock.seconds(), scopes: wanted };
    let sent = [Some(refresh.refresh_token), Some(refresh.access_token), client.secret()];
    let read = TokenResponse::read(&response, &rules, asked);
    let TokenResponse { tokens, remarks } = read.map_err(|bad| rotated(bad, &sent))?;
    let tokens = exchange::renewable(client.provider(), tokens);
    let same = || match client.provider().discovery {
        Some(discovery) => account::check_renewal(discovery, refresh.kept, &tokens).map_err(Error::from),
        None => Ok(()),
    };
    let bound = client.check_nonce(&response).and_then(|()| client.check_bound(&tokens));
    let bound = bound.map_err(Error::from).and_then(|()| same());
    let checked = match (bound, &tokens.id_token, &refresh.earlier) {
        (Err(error), ..) => Err(error),
        (Ok(()), Some(token), Some(earlier)) => {
            check(client, token, earlier, refresh.clock_tolerance, &tokens).await.map(Some)
        }
        (Ok(()), ..) => Ok(None),
    };
    match (checked, &tokens.refresh_token) {
        (Ok(id_token), _) => Ok(Refreshed { tokens: kept_by_id(tokens, id_token.is_some()), id_token, remarks }),
        (Err(error), Some(new)) => Err(Error::Rotated { error: Box::new(error), refresh_token: new.clone() }),
        (Err(error), None) => Err(error),
    }
}

/// An ID token that nothing was checked of is not kept.
fn kept_by_id(tokens: TokenSet, checked: bool) -> TokenSet {
    if checked { tokens } else { TokenSet { id_token: None, ..tokens } }
}

fn rotated(BadAnswer { error, refresh_token }: BadAnswer, sent: &[Option<&Secret>]) -> Error {
    let error = error.without(sent.iter().copied().flatten());
    match refresh_token {
        Some(refresh_token) => Error::Rotated { error: Box::new(error.into()), refresh_token },
        None => error.into(),
    }
}

/// Checks an ID token that came with a refresh.
async fn check(
    client: &Client,
    token: &Secret,
    earlier: &id_token::Earlier<'_>,
    tolerance: u64,
    tokens: &TokenSet,
) -> Result<IdToken, Error> {
    let verified = client.verify(token.expose(), identity::algorithm(client.provider())).await?;
    let server = client.server().await?;
    let expect = id_token::Expectations {
        issuer: identity::issuer(client.provider(), server),
        client_id: client.client_id(),
        // A nonce is compared with the first one's, if there is one, and need not be there.
        nonce: None,
        access_token: Some(tokens.access_token.expose()),
        code: None,
        state: None,
        max_age: None,
        acr_values: &[],
        tolerance,
        now: client.system().clock.seconds(),
    };
    let id_token = IdToken::check(verified, &expect).map_err(protocol::Error::from)?;
    id_token.agrees_with(earlier).map_err(protocol::Error::from)?;
    Ok(id_token)
}

/// `new` with everything that it does not say taken from `old`.
///
/// # Specification
/// RFC 6749 §6: without a new refresh token the old one stays; so do scope and ID token.
pub fn merged(old: &TokenSet, new: TokenSet) -> TokenSet {
    let mut kept = old.kept.clone();
    kept.extend(new.kept.clone().into_iter().collect::<Map<_, _>>());
    let rotated = new.refresh_token.is_some();
    TokenSet {
        refresh_token: new.refresh_token.clone().or_else(|| old.refresh_token.clone()),
        refresh_expires_at: if rotated {
            new.refresh_expires_at
        } else {
            new.refresh_expires_at.or(old.refresh_expires_at)
        },
        id_token: new.id_token.clone().or_else(|| old.id_token.clone()),
        kept,
        ..new
    }
}
