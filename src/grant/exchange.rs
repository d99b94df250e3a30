//! Tokens that last: where there is no refresh token, the access token itself is exchanged for a newer one.
//!
//! `refresh.how = "exchange"`: what the code was redeemed for is short-lived and exchanged at once; what comes of that is
//! exchanged again whenever it is to be renewed. The token in use takes the place of the refresh token in the session.

use super::{Error, identity};
use crate::client::{self, Client, Place, Repetition};
use crate::protocol::http::{EndpointRequest, Format};
use crate::protocol::parameters::Parameters;
use crate::protocol::token::{Asked, Remark, TokenResponse, TokenSet};
use crate::registry::Provider;
use crate::registry::words::{Method, RefreshHow};

/// The parameter that carries what is renewed.
pub(super) fn parameter(provider: &Provider) -> &str {
    match provider.refresh.how {
        RefreshHow::Exchange => provider.refresh.param.as_deref().unwrap_or("access_token"),
        _ => "refresh_token",
    }
}

/// Gives a request to renew or exchange tokens the method that the entry has for it.
pub(super) fn shape(provider: &Provider, request: &mut EndpointRequest) {
    request.format = match (provider.refresh.method, request.format) {
        (Some(Method::Get), _) => Format::Query,
        (Some(Method::Post), Format::Query) => Format::Form,
        (_, format) => format,
    };
}

/// `tokens` as they are kept: with the access token in the place of the refresh token, where that is how it is renewed.
pub(super) fn renewable(provider: &Provider, mut tokens: TokenSet) -> TokenSet {
    if provider.refresh.how == RefreshHow::Exchange && tokens.refresh_token.is_none() {
        tokens.refresh_token = Some(tokens.access_token.clone());
        tokens.refresh_expires_at = tokens.expires_at;
    }
    tokens
}

/// Exchanges what the code was redeemed for.
///
/// # Errors
/// Why there are no lasting tokens.
pub(super) async fn lasting(client: &Client, first: TokenSet, remarks: &mut Vec<Remark>) -> Result<TokenSet, Error> {
    let provider = client.provider();
    let kept = &first.kept;
    let mut endpoint = None;
    for place in [Place::Exchange, Place::Refresh, Place::Token] {
        if endpoint.is_none() {
            endpoint = client.endpoint(place, kept).await?;
        }
    }
    let lacks = |what| client::Error::Lacks { provider: provider.id.clone(), what };
    let endpoint = endpoint.ok_or_else(|| lacks("token_endpoint"))?;
    let rule = &provider.refresh;
    let grant_type = rule.exchange_grant_type.as_ref().or(rule.grant_type.as_ref());

    let mut parameters = Parameters::new();
    parameters.set("grant_type", grant_type.ok_or_else(|| lacks("refresh.grant_type"))?.as_str());
    parameters.set(parameter(provider), first.access_token.expose());
    let mut request = identity::token_request(client, endpoint, parameters, kept).await?;
    shape(provider, &mut request);
    // What is exchanged stays good: nothing is lost by asking again.
    let answer = client.send(request, Repetition::OnceMore).await?;
    let asked = Asked { at: client.system().clock.seconds(), scopes: &first.scopes };
    let read = TokenResponse::read(&answer, &identity::rules(provider), asked);
    let sent = [Some(&first.access_token), client.secret()];
    let response = read.map_err(|bad| bad.error.without(sent.into_iter().flatten()))?;
    remarks.extend(response.remarks);
    let mut tokens = renewable(provider, response.tokens);
    let mut kept = first.kept;
    kept.append(&mut tokens.kept);
    Ok(TokenSet { kept, id_token: tokens.id_token.or(first.id_token), ..tokens })
}
