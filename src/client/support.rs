//! What an entry may ask for that this program does not do: said before anything is sent.

use super::Error;
use crate::registry::Provider;
use crate::registry::words::{IssuerMatch, Protocol, RequestFormat, ResponseMode, TokenIn};

/// Checks that nothing in the entry would be ignored silently.
///
/// # Errors
/// [`Error::Unsupported`] with the key.
pub(super) fn check(provider: &Provider) -> Result<(), Error> {
    let asked = [
        // One secret for every server that somebody's page or handle leads to.
        (provider.discovery.is_some() && provider.client_secret.is_some(), "client_secret beside discovery"),
        (
            provider.protocol == Protocol::OAuth1 && provider.token_request.format == RequestFormat::Json,
            "token_request.format = \"json\"",
        ),
        (
            provider.protocol == Protocol::OAuth1 && provider.userinfo.token_in == TokenIn::Query,
            "userinfo.token_in = \"query\"",
        ),
        (
            super::response_mode(provider).is_some_and(ResponseMode::is_signed)
                && provider.issuer_match == IssuerMatch::Template,
            "response_mode with a JWT beside issuer_match = \"template\"",
        ),
    ];
    match asked.into_iter().find(|(asked, _)| *asked) {
        Some((_, key)) => Err(Error::Unsupported { provider: provider.id.clone(), key: key.to_owned() }),
        None => Ok(()),
    }
}
