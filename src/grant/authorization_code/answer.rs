//! The answer as it came, and as it is once its signature has been found right.

use std::borrow::Cow;

use crate::client::{self, Client, Sealed};
use crate::grant::Error;
use crate::protocol::authorization::{AuthorizationRequest, RESPONSE};
use crate::protocol::jose::{Algorithm, Jws};
use crate::protocol::{self, RedirectFault, jarm};

/// The parameters of a redirect, a signed answer taken out of its encryption. What cannot be opened stays as it is, and so
/// is nobody's answer.
///
/// # Specification
/// JARM §2.4 (1).
pub(super) fn decrypted(client: &Client, parameters: &[(String, String)]) -> Vec<(String, String)> {
    let opened = |name: &str, value: &str| {
        let opened = (name == RESPONSE).then(|| client.decrypted(value, Sealed::Response).ok()).flatten();
        opened.map_or_else(|| value.to_owned(), Cow::into_owned)
    };
    parameters.iter().map(|(name, value)| (name.clone(), opened(name, value))).collect()
}

/// The parameters of a redirect; where a signed answer was asked for, those inside of it.
///
/// # Errors
/// [`protocol::Error::Redirect`] for an answer that is not signed, or whose signature or claims are wrong; why there are no
/// keys.
///
/// # Specification
/// JARM §2.4.
pub(super) async fn opened(
    client: &Client,
    authorization: &AuthorizationRequest,
    parameters: Vec<(String, String)>,
    tolerance: u64,
) -> Result<Vec<(String, String)>, Error> {
    let Some(response) = authorization.signed_response(&parameters)? else { return Ok(parameters) };
    let refused = |fault| Error::from(protocol::Error::Redirect(fault));
    let jws = Jws::parse(response).map_err(|error| refused(RedirectFault::Signature(error)))?;
    let configured = client.provider().authorization_signed_response_alg.as_deref().and_then(Algorithm::parse);
    let verified = client.verify_response(&jws, configured).await.map_err(|error| match error {
        client::Error::Protocol(protocol::Error::Signature(error)) => refused(RedirectFault::Signature(error)),
        other => other.into(),
    })?;
    let server = client.server().await?;
    let lacks = || client::Error::Lacks { provider: client.provider().id.clone(), what: "issuer" };
    let issuer = client.provider().issuer.as_deref().or(server.issuer.as_deref()).ok_or_else(lacks)?;
    let now = client.system().clock.seconds();
    let expect = jarm::Expectations { issuer, client_id: client.client_id(), tolerance, now };
    let parameters = jarm::parameters(verified, &expect)?;
    if !authorization.has_state(&parameters) {
        return Err(refused(RedirectFault::Claim { claim: "state", reason: "is not the one that was sent".into() }));
    }
    Ok(parameters)
}
