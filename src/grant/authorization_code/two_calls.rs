//! A login that one process begins and another completes: nobody listens, the person brings the address.

use super::{Attempt, extra, sending};
use crate::client::{self, Client};
use crate::grant::{Begun, Error, GrantRequest, Interaction, identity};
use crate::protocol::authorization::{AuthorizationRequest, Remembered};
use crate::registry::words::ResponseMode;

impl<'a> Attempt<'a> {
    /// A request that another process has made.
    pub(super) async fn resume(
        client: &'a Client,
        request: &'a GrantRequest,
        begun: &Begun,
        user: &'a dyn Interaction,
    ) -> Result<Self, Error> {
        let provider = client.provider();
        let lacks = |what| client::Error::Lacks { provider: provider.id.clone(), what };
        let known = client.server().await?.clone();
        let endpoint = known.authorization_endpoint.clone();
        let remembered = Remembered {
            state: begun.expect("state")?.clone(),
            nonce: begun.value("nonce").cloned(),
            verifier: begun.value("verifier").cloned(),
            redirect_uri: begun.expect("redirect_uri")?.expose().to_owned(),
            signed_answer: client::response_mode(provider).is_some_and(ResponseMode::is_signed),
        };
        let endpoint = endpoint.ok_or_else(|| lacks("authorization_endpoint"))?;
        let authorization = AuthorizationRequest::resume(endpoint, remembered, &identity::pairs(&provider.param_names));
        // The code is bound to it.
        if let Some(key) = begun.value("proof_key") {
            client.prover().hold(key)?;
        }
        let (scopes, extra) = (begun.scopes.clone(), extra(provider, request)?);
        Ok(Self { client, request, user, authorization, known, scopes, extra, loopback: None })
    }

    /// Sends the browser and does not wait for it.
    pub(super) async fn leave(self) -> Result<Begun, Error> {
        let url = sending::address(self.client, &self.authorization, &self.known).await?;
        self.tell_start();
        self.user.visit(&url, self.authorization.redirect_uri()).await?;
        let life = i64::try_from(self.request.timeout.as_secs()).unwrap_or(i64::MAX);
        let expires_at = self.client.system().clock.seconds().saturating_add(life);
        Ok(Begun::new(expires_at, self.scopes.clone())
            .with("state", Some(self.authorization.state()))
            .with("nonce", self.authorization.nonce())
            .with("verifier", self.authorization.verifier())
            .with("proof_key", self.client.prover().key().as_ref())
            .with("redirect_uri", Some(&self.authorization.redirect_uri().into())))
    }
}
