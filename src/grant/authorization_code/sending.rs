//! How the request reaches the server: in the browser's address, signed by this client, or pushed before.

use std::time::Instant;

use url::Url;

use crate::client::{self, Client, Repetition};
use crate::grant::Error;
use crate::protocol;
use crate::protocol::authorization::AuthorizationRequest;
use crate::protocol::http::EndpointRequest;
use crate::protocol::metadata::AuthorizationServer;
use crate::protocol::par::{self, PushedRequest};
use crate::protocol::parameters::Parameters;
use crate::registry::Provider;
use crate::system::trace::{Event, Party, Step};

/// Where the browser is sent. The request is pushed to a server that is known to take that, unless the entry forbids it,
/// and signed where the entry or the server demands it. A push that fails ends the login: whoever could make it fail could
/// otherwise have the request go through the browser.
///
/// # Errors
/// [`Error::NotPushed`]; why the request cannot be signed or is no address.
pub(super) async fn address(
    client: &Client,
    authorization: &AuthorizationRequest,
    server: &AuthorizationServer,
) -> Result<Url, Error> {
    let provider = client.provider();
    if let Some(endpoint) = endpoint(provider, server)? {
        return push(client, authorization, server, endpoint).await;
    }
    if is_signed(provider, server) {
        let object = client.request_object(authorization.parameters()).await?;
        return Ok(authorization.url_of_signed(&object)?);
    }
    match authorization.url() {
        // A server that has not been asked yet may take it another way.
        Err(protocol::Error::TooLong(length)) => match endpoint(provider, client.server().await?)? {
            Some(endpoint) => push(client, authorization, client.server().await?, endpoint).await,
            None => Err(protocol::Error::TooLong(length).into()),
        },
        outcome => Ok(outcome?),
    }
}

/// Checks what the server says of itself once it has been asked, where the request went out on what was known before.
///
/// # Errors
/// [`protocol::Error::Downgrade`]: the server takes pushed or signed requests only, and this was neither.
pub(super) fn check(provider: &Provider, known: &AuthorizationServer, told: &AuthorizationServer) -> Result<(), Error> {
    let was_pushed = provider.require_pushed_authorization_requests != Some(false)
        && known.pushed_authorization_request_endpoint.is_some();
    let demands =
        provider.require_pushed_authorization_requests.is_none() && told.require_pushed_authorization_requests;
    if demands && !was_pushed {
        return Err(protocol::Error::Downgrade("require_pushed_authorization_requests").into());
    }
    let demands = provider.require_signed_request_object.is_none() && told.require_signed_request_object;
    if demands && !is_signed(provider, known) {
        return Err(protocol::Error::Downgrade("require_signed_request_object").into());
    }
    Ok(())
}

/// Where the request is pushed, if it is.
fn endpoint(provider: &Provider, server: &AuthorizationServer) -> Result<Option<Url>, Error> {
    let wanted = provider.require_pushed_authorization_requests;
    let endpoint = server.pushed_authorization_request_endpoint.clone();
    match (wanted, endpoint) {
        (Some(false), _) => Ok(None),
        (None, None) if !server.require_pushed_authorization_requests => Ok(None),
        (_, Some(endpoint)) => Ok(Some(endpoint)),
        (_, None) => Err(client::Error::ServerLacks {
            provider: provider.id.clone(),
            what: "pushed_authorization_request_endpoint",
            demand: "require_pushed_authorization_requests".into(),
        }
        .into()),
    }
}

fn is_signed(provider: &Provider, server: &AuthorizationServer) -> bool {
    let own = provider.require_signed_request_object.or(provider.request_object_encryption_alg.as_ref().map(|_| true));
    own.unwrap_or(server.require_signed_request_object)
}

async fn push(
    client: &Client,
    authorization: &AuthorizationRequest,
    server: &AuthorizationServer,
    endpoint: Url,
) -> Result<Url, Error> {
    let provider = client.provider();
    let is_required = provider.require_pushed_authorization_requests == Some(true)
        || provider.profile.is_some()
        || server.require_pushed_authorization_requests;
    let failed = |error: Error| Error::NotPushed { error: Box::new(error), is_required };
    let parameters = if is_signed(provider, server) {
        let mut parameters = Parameters::new();
        parameters.set("client_id", client.client_id());
        parameters.set("request", client.request_object(authorization.parameters()).await?);
        parameters
    } else {
        authorization.parameters().clone()
    };
    tell(client);
    let sent = Instant::now();
    let answer = client.send(EndpointRequest::new(endpoint, parameters), Repetition::Never).await;
    let answer = answer.map_err(|error| failed(error.into()))?;
    client.check_nonce(&answer).map_err(|error| failed(error.into()))?;
    let read = PushedRequest::read(&answer, client.system().clock.seconds());
    let secrets = [Some(authorization.state()), authorization.nonce(), client.secret()];
    let pushed = read.map_err(|error| failed(error.without(secrets.into_iter().flatten()).into()))?;
    if sent.elapsed() >= pushed.expires_in {
        let (field, reason) = ("expires_in".to_owned(), "is over before the browser could be opened");
        return Err(failed(protocol::Error::Field { endpoint: par::ENDPOINT, field, reason }.into()));
    }
    Ok(authorization.url_of_pushed(&pushed.request_uri)?)
}

fn tell(client: &Client) {
    client.system().trace.tell(|| {
        Event::Step(Step {
            number: 1,
            between: (Party::Client, Party::AuthorizationServer),
            title: "push the authorization request".into(),
            why:
                "nobody at the browser can read or change it, and the server knows whose it is before a person consents"
                    .into(),
            specification: "RFC 9126 section 2.1",
        })
    });
}
