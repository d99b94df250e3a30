//! What an entry may ask for that this program does not do: said before anything is sent.

use super::Error;
use crate::registry::Provider;
use crate::registry::words::{Protocol, RequestFormat, ResponseMode, TokenIn};

/// Checks that nothing in the entry would be ignored silently.
///
/// # Errors
/// [`Error::Unsupported`] with the key.
pub(super) fn check(provider: &Provider) -> Result<(), Error> {
    let demanded = |value: Option<bool>| value == Some(true);
    let asked = [
        (
            provider.protocol == Protocol::OAuth1 && provider.token_request.format == RequestFormat::Json,
            "token_request.format = \"json\"",
        ),
        (
            provider.protocol == Protocol::OAuth1 && provider.userinfo.token_in == TokenIn::Query,
            "userinfo.token_in = \"query\"",
        ),
        (provider.profile.is_some(), "profile"),
        (demanded(provider.dpop_bound_access_tokens), "dpop_bound_access_tokens"),
        (demanded(provider.require_pushed_authorization_requests), "require_pushed_authorization_requests"),
        (demanded(provider.require_signed_request_object), "require_signed_request_object"),
        (provider.authorization_signed_response_alg.is_some(), "authorization_signed_response_alg"),
        (provider.id_token_encrypted_response_alg.is_some(), "id_token_encrypted_response_alg"),
        (
            matches!(
                provider.response_mode,
                Some(ResponseMode::Jwt | ResponseMode::QueryJwt | ResponseMode::FormPostJwt)
            ),
            "response_mode with a JWT",
        ),
    ];
    match asked.into_iter().find(|(asked, _)| *asked) {
        Some((_, key)) => Err(Error::Unsupported { provider: provider.id.clone(), key: key.to_owned() }),
        None => Ok(()),
    }
}
