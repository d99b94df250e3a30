//! What a session's tokens are bound to, and whether that still holds.

use serde_json::{Map, Value};
use url::Url;

use super::{Binding, Error, Session};
use crate::client::{self, Client, Place};
use crate::grant;
use crate::registry::words::ClientAuth;

/// What tokens obtained by `client` are bound to, where a login brought what `kept` holds.
///
/// # Errors
/// When the server's endpoints or the client authentication cannot be known.
pub async fn binding(client: &Client, kept: &Map<String, Value>) -> Result<Binding, Error> {
    let provider = client.provider();
    let server = client.server().await.map_err(grant::Error::from)?;
    let text = |url: &Option<Url>| url.as_ref().map(ToString::to_string);
    let at = async |place| -> Result<Option<String>, Error> {
        Ok(text(&client.endpoint(place, kept).await.map_err(grant::Error::from)?))
    };
    let lacks = || client::Error::Lacks { provider: provider.id.clone(), what: "token_endpoint" };
    let token_endpoint = at(Place::Token).await?.ok_or_else(lacks).map_err(grant::Error::from)?;
    Ok(Binding {
        issuer: provider.issuer.clone(),
        token_endpoint,
        refresh_endpoint: at(Place::Refresh).await?,
        revocation_endpoint: at(Place::Revocation).await?,
        userinfo_endpoint: at(Place::Userinfo).await?,
        jwks_uri: text(&server.jwks_uri),
        jkt: client.prover().thumbprint(),
        client_id: client.client_id().to_owned(),
        client_auth: match client.consumer() {
            Some(consumer) => consumer.signing.method().to_owned(),
            None => client.authentication().await.map_err(grant::Error::from)?.method().to_owned(),
        },
        certificate: certificate(client),
    })
}

/// The thumbprint of the certificate that `client` has its access tokens bound to.
pub(super) fn certificate(client: &Client) -> Option<String> {
    client.bound_certificate().map(|identity| identity.thumbprint().to_owned())
}

/// Refuses a bound access token to a client that has another certificate now, or none.
///
/// # Errors
/// [`Error::Moved`].
///
/// # Specification
/// RFC 8705 §3: the resource server takes the token with the very certificate only.
pub fn check_certificate(session: &Session, client: &Client) -> Result<(), Error> {
    let shown = |thumbprint: Option<String>| thumbprint.unwrap_or_else(|| "none".into());
    let (then, now) = (session.binding.certificate.clone(), certificate(client));
    if then.is_none() || then == now {
        return Ok(());
    }
    let what = "client_certificate";
    Err(Error::Moved { key: session.key.clone(), what, then: shown(then), now: shown(now) })
}

/// Refuses to send the session's tokens anywhere but where they came from.
///
/// What can be told without the network is told first, so that a server that took another's place is not even asked. What
/// was not noted at the login (a token that was brought along) cannot have changed.
///
/// # Errors
/// [`Error::Moved`] with what has changed; why it cannot be known.
pub async fn check(session: &Session, client: &Client) -> Result<(), Error> {
    let then = &session.binding;
    let moved = |what: &'static str, then: &str, now: &str| {
        Err(Error::Moved { key: session.key.clone(), what, then: then.to_owned(), now: now.to_owned() })
    };
    let differs = |then: &str, now: &str| !then.is_empty() && then != now;
    let issuer = |issuer: &Option<String>| issuer.clone().unwrap_or_default();
    let at_hand = [
        ("issuer", issuer(&then.issuer), issuer(&client.provider().issuer)),
        ("client_id", then.client_id.clone(), client.client_id().to_owned()),
        (
            "token_endpoint",
            then.token_endpoint.clone(),
            client.fixed_token_endpoint().unwrap_or(then.token_endpoint.clone()),
        ),
    ];
    for (what, then, now) in &at_hand {
        if differs(then, now) {
            return moved(what, then, now);
        }
    }
    // A confidential client may renew its tokens with the certificate that took the place of an old one (RFC 8705 §6.3);
    // those of a public client are bound to the old one for good (§4).
    if matches!(client.provider().client_auth, ClientAuth::None | ClientAuth::BasicEmpty) {
        check_certificate(session, client)?;
    }
    let now = binding(client, &session.tokens.kept).await?;
    for (what, then, now) in [
        ("token_endpoint", &then.token_endpoint, &now.token_endpoint),
        ("client_auth", &then.client_auth, &now.client_auth),
    ] {
        if differs(then, now) {
            return moved(what, then, now);
        }
    }
    for (what, then, now) in [
        ("refresh_endpoint", &then.refresh_endpoint, &now.refresh_endpoint),
        ("revocation_endpoint", &then.revocation_endpoint, &now.revocation_endpoint),
        ("userinfo_endpoint", &then.userinfo_endpoint, &now.userinfo_endpoint),
        ("jwks_uri", &then.jwks_uri, &now.jwks_uri),
    ] {
        match (then, now) {
            (Some(then), Some(now)) if then != now => return moved(what, then, now),
            // New since then: harmless where the tokens came from, suspicious anywhere else.
            (None, Some(now)) if !is_same_server(session, client, now) => return moved(what, "none", now),
            _ => {}
        }
    }
    Ok(())
}

/// Whether an endpoint that was not noted is where the tokens came from. A token that was brought along came from the
/// issuer, if from anywhere that is known.
fn is_same_server(session: &Session, client: &Client, endpoint: &str) -> bool {
    let then = &session.binding;
    match then.token_endpoint.as_str() {
        "" => then.issuer.is_some() && then.issuer == client.provider().issuer,
        token_endpoint => same_origin(endpoint, token_endpoint),
    }
}

fn same_origin(a: &str, b: &str) -> bool {
    matches!((Url::parse(a), Url::parse(b)), (Ok(a), Ok(b)) if a.origin() == b.origin())
}
