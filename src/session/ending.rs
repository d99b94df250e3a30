//! The end of a session: its tokens revoked at the server.

use std::time::Duration;

use url::Url;

use super::{Error, Session};
use crate::client::{Client, Place, Repetition};
use crate::grant;
use crate::protocol;
use crate::protocol::revocation::{self, TokenTypeHint};
use crate::protocol::token::TokenType;
use crate::secret::Secret;

/// Longest wait that a server may ask for before the one repetition.
const PATIENCE: u64 = 30;

/// Revokes the refresh token, then the access token, at the server they came from.
///
/// `false` when the server has no revocation endpoint.
///
/// # Errors
/// [`Error::Moved`] when the endpoint is another one than at the login, with nothing sent; otherwise why the first token
/// that could not be revoked was not.
///
/// # Specification
/// RFC 7009 §2.1: revoking a refresh token also ends access tokens where the server can do that.
pub async fn revoke(session: &Session, client: &Client) -> Result<bool, Error> {
    // OAuth 1.0 has no such endpoint; some servers have one of their own, each in another way.
    if session.tokens.token_type == TokenType::OAuth1 {
        return Ok(false);
    }
    // Before anything else: a server in another's place is not even asked where it revokes.
    super::binding::check(session, client).await?;
    client.adopt_key(&session.tokens).map_err(grant::Error::from)?;
    let endpoint = client.endpoint(Place::Revocation, &session.tokens.kept).await.map_err(grant::Error::from)?;
    let Some(endpoint) = endpoint else { return Ok(false) };
    let tokens = &session.tokens;
    // Where access tokens are exchanged for newer ones, the two are one.
    let refresh_token = tokens.refresh_token.as_ref().filter(|token| **token != tokens.access_token);
    let refresh_token = refresh_token.map(|token| (token, TokenTypeHint::RefreshToken));
    let mut failure = None;
    for (token, hint) in refresh_token.into_iter().chain([(&tokens.access_token, TokenTypeHint::AccessToken)]) {
        if let Err(error) = one(client, &endpoint, token, hint).await {
            failure.get_or_insert(error);
        }
    }
    failure.map_or(Ok(true), Err)
}

async fn one(client: &Client, endpoint: &Url, token: &Secret, hint: TokenTypeHint) -> Result<(), Error> {
    let mut outcome = attempt(client, endpoint, token, hint).await;
    if let Err(grant::Error::Protocol(protocol::Error::Unavailable { retry_after: Some(seconds), .. })) = &outcome
        && *seconds <= PATIENCE
    {
        tokio::time::sleep(Duration::from_secs(*seconds)).await;
        outcome = attempt(client, endpoint, token, hint).await;
    }
    match outcome {
        // Some servers revoke refresh tokens only; the access token then ends by itself.
        Err(grant::Error::Protocol(protocol::Error::Server(told)))
            if told.error == "unsupported_token_type" && hint == TokenTypeHint::AccessToken =>
        {
            Ok(())
        }
        outcome => Ok(outcome?),
    }
}

async fn attempt(client: &Client, endpoint: &Url, token: &Secret, hint: TokenTypeHint) -> Result<(), grant::Error> {
    let request = revocation::request(endpoint.clone(), token, hint);
    let response = client.send(request, Repetition::OnceMore).await?;
    let read = revocation::read(&response, client.system().clock.seconds());
    Ok(read.map_err(|error| error.without([Some(token), client.secret()].into_iter().flatten()))?)
}
