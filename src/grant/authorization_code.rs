//! `authorization_code`: a person consents in the browser (RFC 6749 §4.1, RFC 7636, RFC 8252).
//!
//! The browser opens with what is known of the server at once; the server's own word and its keys are fetched while the
//! person consents. The first redirect that carries our `state`, received or pasted, decides.

mod answer;
mod narration;
pub mod probe;
pub(super) mod redirect;
mod sending;
mod two_calls;

pub use redirect::registrable;

use std::time::Duration;

use serde_json::{Map, Value};

use super::{Begun, Error, Grant, GrantRequest, Interaction, LocalFuture, Obtained, Page, asked, exchange, identity};
use crate::callback::pasted::{self, BareCode, Pasted};
use crate::callback::{Candidate, Loopback, Outcome};
use crate::client::{self, Client, Place, Repetition};
use crate::protocol::authorization::{AuthorizationRequest, AuthorizationResponse, Draft, Fresh, Issuer, is_reserved};
use crate::protocol::id_token::{Expectations, IdToken, check_requested};
use crate::protocol::metadata::AuthorizationServer;
use crate::protocol::parameters::Parameters;
use crate::protocol::pkce::Method;
use crate::protocol::token::{AUTHORIZATION_DETAILS, Asked, Remark, TokenResponse, TokenSet};
use crate::protocol::{self, scope};
use crate::registry::words::{ClientAuth, Discovery, IssuerMatch, Pkce, RefreshHow, ResponseMode};
use crate::registry::{Provider, RunTime};
use crate::secret::Secret;
use crate::system::random;

pub use redirect::{Registered, registered};

/// How many redirects without our `state` are told one by one; a web page could send thousands.
const TOLD: usize = 3;

/// The authorization code grant with PKCE on a loopback redirect.
#[derive(Debug)]
pub struct AuthorizationCode;

impl Grant for AuthorizationCode {
    fn name(&self) -> &'static str {
        "authorization_code"
    }

    fn summary(&self) -> &'static str {
        "a person consents in the browser; PKCE, redirect to this machine"
    }

    fn specification(&self) -> &'static str {
        "RFC 6749 section 4.1, RFC 7636, RFC 8252"
    }

    fn obtain<'a>(
        &'a self,
        client: &'a Client,
        request: &'a GrantRequest,
        user: &'a dyn Interaction,
    ) -> LocalFuture<'a, Result<Obtained, Error>> {
        Box::pin(async move { Attempt::begin(client, request, user, Ears::Open).await?.run().await })
    }

    fn begin<'a>(
        &'a self,
        client: &'a Client,
        request: &'a GrantRequest,
        user: &'a dyn Interaction,
    ) -> LocalFuture<'a, Result<Begun, Error>> {
        Box::pin(async move { Attempt::begin(client, request, user, Ears::Shut).await?.leave().await })
    }

    fn complete<'a>(
        &'a self,
        client: &'a Client,
        request: &'a GrantRequest,
        begun: &'a Begun,
        answer: Option<&'a Secret>,
        user: &'a dyn Interaction,
    ) -> LocalFuture<'a, Result<Obtained, Error>> {
        Box::pin(async move {
            let mut attempt = Attempt::resume(client, request, begun, user).await?;
            let answer = match answer {
                Some(answer) => answer.clone(),
                None => user.pasted().await,
            };
            let Answer { parameters, .. } = attempt.pasted(&answer)?;
            attempt.redeem(parameters).await
        })
    }
}

/// Whether somebody listens where the browser comes back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ears {
    /// This process does.
    Open,
    /// Nobody does; the person brings the address.
    Shut,
}

/// One login under way.
struct Attempt<'a> {
    client: &'a Client,
    request: &'a GrantRequest,
    user: &'a dyn Interaction,
    authorization: AuthorizationRequest,
    /// The server as it was known when the request was made.
    known: AuthorizationServer,
    scopes: Vec<String>,
    /// Parameters of the entry and the person.
    extra: Vec<(String, String)>,
    loopback: Option<Loopback>,
}

/// What answered the request, and the page that waits for the outcome.
struct Answer {
    parameters: Vec<(String, String)>,
    page: Page,
}

impl<'a> Attempt<'a> {
    /// Everything before the browser: checks, listener, address.
    async fn begin(
        client: &'a Client,
        request: &'a GrantRequest,
        user: &'a dyn Interaction,
        ears: Ears,
    ) -> Result<Self, Error> {
        let provider = client.provider();
        asked::check(request)?;
        let at_hand = client.server_at_hand();
        let usable = at_hand.authorization_endpoint.is_some()
            && client.check_authentication(&at_hand).is_ok()
            && !client.is_demanding();
        let server = if usable { at_hand } else { client.server().await?.clone() };
        client.check_authentication(&server)?;
        check_pkce(provider, &server)?;
        client.check_demands(&server)?;
        let lacks = |what| client::Error::Lacks { provider: provider.id.clone(), what };
        let endpoint = server.authorization_endpoint.as_ref().ok_or_else(|| lacks("authorization_endpoint"))?;
        let scopes = asked::scopes(provider, request, server.scopes_supported.as_deref());
        scope::check(&scopes)?;
        // Before the browser: a secret that cannot be had or a method the server lacks must not cost a login.
        if provider.client_auth != ClientAuth::Auto || provider.client_secret.is_none() {
            client.authentication().await?;
        }
        let (redirect_uri, loopback) = match ears {
            Ears::Open => redirect::redirect(client, request, user).await?,
            Ears::Shut => (redirect::unheard(provider, request)?, None),
        };
        let extra = extra(provider, request)?;
        let names = identity::pairs(&provider.param_names);
        let dpop_jkt = client.key_thumbprint().await?;
        let draft = Draft {
            endpoint,
            response_type: response_type(provider),
            client_id: client.client_id(),
            redirect_uri: &redirect_uri,
            scopes: &scopes,
            scope_separator: identity::scope_separator(provider),
            scope_param: identity::scope_param(provider),
            pkce: pkce(provider),
            response_mode: client::response_mode(provider).map(ResponseMode::word),
            dpop_jkt: dpop_jkt.as_deref(),
            resources: &request.resources,
            extra: &extra,
            names: &names,
            fragment: provider.authorize_fragment.as_deref(),
        };
        let authorization = AuthorizationRequest::new(&draft, fresh()?)?;
        Ok(Self { client, request, user, authorization, known: server, scopes, extra, loopback })
    }

    async fn run(mut self) -> Result<Obtained, Error> {
        let url = sending::address(self.client, &self.authorization, &self.known).await?;
        self.tell_start();
        let redirect_uri = self.authorization.redirect_uri().to_owned();
        self.user.visit(&url, &redirect_uri).await?;
        self.user.waiting(self.request.timeout);
        // What the server says of itself, and its keys, are fetched until they are needed or known to be wrong.
        let known = learn(self.client, self.known.clone(), self.needs_keys());
        tokio::pin!(known);
        let answer = tokio::select! {
            answer = self.answer() => answer?,
            error = &mut known => return Err(error),
        };
        let Answer { parameters, page } = answer;
        let outcome = tokio::select! {
            biased;
            outcome = self.redeem(parameters) => outcome,
            error = &mut known => Err(error),
        };
        match outcome {
            Ok(obtained) => Ok(Obtained { page, ..obtained }),
            Err(error) => {
                page.finish(failure(&error)).await;
                Err(error)
            }
        }
    }

    fn needs_keys(&self) -> bool {
        let algorithm = identity::algorithm(self.client.provider());
        let signed = client::response_mode(self.client.provider()).is_some_and(ResponseMode::is_signed);
        signed || self.openid() && algorithm.is_none_or(|algorithm| !algorithm.is_symmetric())
    }

    async fn answer(&mut self) -> Result<Answer, Error> {
        let deadline = tokio::time::sleep(self.request.timeout);
        tokio::pin!(deadline);
        let mut refused = 0;
        let after = self.request.timeout;
        loop {
            let candidate = next(&mut self.loopback);
            tokio::select! {
                candidate = candidate => {
                    let parameters = answer::decrypted(self.client, &candidate.parameters);
                    if self.authorization.is_answered_by(&parameters) {
                        candidate.accept();
                        let page = self.loopback.take().map(Page::of).unwrap_or_default();
                        return Ok(Answer { parameters, page });
                    }
                    candidate.refuse("It does not belong to the login that is under way.");
                    refused += 1;
                    if refused <= TOLD {
                        self.user.refused();
                    }
                }
                pasted = self.user.pasted() => match self.pasted(&pasted) {
                    // A slip of the hand, not another login's answer.
                    Err(Error::Callback(error)) => self.user.remark(&format!("{error}; still waiting")),
                    outcome => return outcome,
                },
                () = self.user.abandoned() => return Err(Error::Abandoned),
                () = &mut deadline => return Err(match refused {
                    0 => Error::TimedOut { after },
                    _ => Error::ForeignRedirects { refused, after },
                }),
            }
        }
    }

    /// What was pasted goes through the same checks as what was received.
    fn pasted(&mut self, text: &Secret) -> Result<Answer, Error> {
        let codes = match &self.client.provider().redirect.oob {
            Some(_) => BareCode::Accepted,
            None => BareCode::Refused,
        };
        let parameters = match pasted::read(text.expose(), self.authorization.redirect_uri(), codes)? {
            Pasted::Redirect(parameters) => answer::decrypted(self.client, &parameters),
            Pasted::Code(code) => return Ok(self.by_hand(vec![("code".to_owned(), code.expose().to_owned())])),
        };
        match self.authorization.is_answered_by(&parameters) {
            true => Ok(self.by_hand(parameters)),
            false => Err(Error::PastedState),
        }
    }

    fn by_hand(&mut self, parameters: Vec<(String, String)>) -> Answer {
        // Nobody's browser waits for a page.
        self.loopback = None;
        Answer { parameters, page: Page::default() }
    }

    async fn redeem(&self, parameters: Vec<(String, String)>) -> Result<Obtained, Error> {
        let (client, provider) = (self.client, self.client.provider());
        let server = client.server().await?;
        check_pkce(provider, server)?;
        sending::check(provider, &self.known, server)?;
        let issuer = Issuer {
            // A template names no one issuer that a redirect could be compared with.
            name: match provider.issuer_match {
                IssuerMatch::Exact => server.issuer.as_deref(),
                IssuerMatch::Template => None,
            },
            // IndieAuth §5.2.1 demands it whatever the metadata says.
            announced: server.authorization_response_iss_parameter_supported
                || provider.discovery == Some(Discovery::IndieAuth) && server.issuer.is_some(),
        };
        let tolerance = self.request.clock_tolerance;
        let parameters = answer::opened(client, &self.authorization, parameters, tolerance).await?;
        let response = self.authorization.accept(parameters, issuer)?;
        self.tell_grant();
        let mut brought = brought(provider, &response);
        let endpoint = client.endpoint(Place::Token, &brought).await?;
        let endpoint =
            endpoint.ok_or_else(|| client::Error::Lacks { provider: provider.id.clone(), what: "token_endpoint" })?;
        let parameters = self.token_parameters(&response, client.run_time(&brought).await?)?;
        let request = identity::token_request(client, endpoint, parameters, &brought).await?;
        self.tell_exchange();
        let answer = client.send(request, Repetition::Never).await?;
        client.check_nonce(&answer)?;
        let asked = Asked { at: client.system().clock.seconds(), scopes: &self.scopes };
        let read = TokenResponse::read(&answer, &identity::rules(provider), asked);
        let sent = [Some(&response.code), self.authorization.verifier(), client.secret()];
        let TokenResponse { mut tokens, mut remarks } =
            read.map_err(|bad| bad.error.without(sent.into_iter().flatten()))?;
        if provider.client_auth == ClientAuth::Assertion {
            // Such a server wants it again with each renewal.
            let redirect_uri = self.authorization.redirect_uri().to_owned();
            brought.insert(identity::REDIRECT_URI.to_owned(), Value::String(redirect_uri));
        }
        // What the server itself said weighs more than what a browser brought.
        brought.append(&mut tokens.kept);
        tokens.kept = brought;
        let id_token = match (&tokens.id_token, self.openid()) {
            (Some(token), true) => Some(self.check(token, &tokens.access_token, &response).await?),
            (None, true) => return Err(protocol::Error::NoIdToken.into()),
            // Nothing binds it to this login: no nonce was sent.
            (_, false) => {
                tokens.id_token = None;
                None
            }
        };
        remarks.extend(self.other_details(&tokens));
        if provider.refresh.how == RefreshHow::Exchange {
            tokens = exchange::lasting(client, tokens, &mut remarks).await?;
        }
        Ok(Obtained { tokens, id_token, remarks, page: Page::default() })
    }

    fn token_parameters(&self, response: &AuthorizationResponse, values: RunTime<'_>) -> Result<Parameters, Error> {
        let mut parameters = Parameters::new();
        parameters.set("grant_type", "authorization_code");
        parameters.set("code", response.code.expose());
        parameters.set("redirect_uri", self.authorization.redirect_uri());
        if let Some(verifier) = self.authorization.verifier() {
            parameters.set("code_verifier", verifier.expose());
        }
        for resource in &self.request.resources {
            parameters.add("resource", resource.as_str());
        }
        if let Some(details) = self.given(AUTHORIZATION_DETAILS) {
            parameters.set(AUTHORIZATION_DETAILS, details);
        }
        identity::extend(self.client, &mut parameters, "token_params", values)?;
        Ok(parameters)
    }

    /// An extra parameter of the request; the last one wins, as there.
    fn given(&self, name: &str) -> Option<&str> {
        self.extra.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// What to know where other authorization details were granted than were asked for (RFC 9396 §7).
    fn other_details(&self, tokens: &TokenSet) -> Option<Remark> {
        let asked = protocol::json::parse(self.given(AUTHORIZATION_DETAILS)?.as_bytes()).ok()?;
        let granted = tokens.kept.get(AUTHORIZATION_DETAILS);
        (granted != Some(&asked)).then(|| Remark::OtherDetails(granted.map(Value::to_string)))
    }

    async fn check(
        &self,
        token: &Secret,
        access_token: &Secret,
        response: &AuthorizationResponse,
    ) -> Result<IdToken, Error> {
        let provider = self.client.provider();
        let verified = self.client.verify(token.expose(), identity::algorithm(provider)).await?;
        let server = self.client.server().await?;
        let acr_values: Vec<String> =
            self.given("acr_values").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
        let expect = Expectations {
            issuer: identity::issuer(provider, server),
            client_id: self.client.client_id(),
            nonce: self.authorization.nonce().map(Secret::expose),
            access_token: Some(access_token.expose()),
            code: Some(response.code.expose()),
            state: None,
            max_age: self.given("max_age").and_then(|value| value.parse().ok()),
            acr_values: &acr_values,
            tolerance: self.request.clock_tolerance,
            now: self.client.system().clock.seconds(),
        };
        let id_token = IdToken::check(verified, &expect).map_err(protocol::Error::from)?;
        if let Some(claims) = self.given("claims") {
            check_requested(&id_token, claims).map_err(protocol::Error::from)?;
        }
        self.tell_id_token();
        Ok(id_token)
    }

    fn openid(&self) -> bool {
        asked::openid(self.client.provider(), &self.scopes)
    }
}

async fn next(loopback: &mut Option<Loopback>) -> Candidate {
    match loopback {
        Some(loopback) => loopback.next().await,
        None => std::future::pending().await,
    }
}

/// Asks the server who it is and fetches its keys. Ends only when the metadata is not just unavailable but wrong; what is
/// unavailable is told when it is needed.
async fn learn(client: &Client, known: AuthorizationServer, needs_keys: bool) -> Error {
    use protocol::Error::{MetadataEndpoint, MetadataIssuer};
    match client.server().await {
        Err(error @ client::Error::Protocol(MetadataEndpoint { .. } | MetadataIssuer { .. })) => return error.into(),
        Ok(server) => {
            let provider = client.provider();
            if let Err(error) = check_pkce(provider, server).and_then(|()| sending::check(provider, &known, server)) {
                return error;
            }
            if needs_keys {
                let _ = client.keys().await;
            }
        }
        Err(_) => {}
    }
    std::future::pending().await
}

/// Checks that the server takes the PKCE method of the entry.
fn check_pkce(provider: &Provider, server: &AuthorizationServer) -> Result<(), Error> {
    match pkce(provider) {
        Method::Off | Method::Plain => Ok(()),
        _ => Ok(server.check_s256()?),
    }
}

/// The browser's page for a login that failed.
fn failure(error: &Error) -> Outcome {
    match error {
        Error::Protocol(protocol::Error::Server(told)) => Outcome::Failure {
            heading: format!("Login failed: {}", protocol::jose::excerpt(&told.error)),
            text: told.description.clone(),
        },
        _ => Outcome::Failure { heading: "Login failed".into(), text: None },
    }
}

fn fresh() -> Result<Fresh, Error> {
    Ok(Fresh {
        state: random::text::<32>()?.into(),
        nonce: random::text::<32>()?.into(),
        verifier: random::text::<32>()?.into(),
    })
}

/// Parameters of the redirect that the entry wants kept.
fn brought(provider: &Provider, response: &AuthorizationResponse) -> Map<String, Value> {
    let named = response.parameters.iter().filter(|(name, _)| provider.callback_keep.contains(name));
    named.map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect()
}

/// Servers that take the code as an assertion call the whole answer one.
fn response_type(provider: &Provider) -> &'static str {
    if provider.client_auth == ClientAuth::Assertion { "Assertion" } else { "code" }
}

fn pkce(provider: &Provider) -> Method {
    match provider.pkce {
        Pkce::S256 | Pkce::Required => Method::S256,
        Pkce::S256Hex => Method::S256Hex,
        Pkce::Plain => Method::Plain,
        Pkce::Off => Method::Off,
    }
}

/// Parameters of the entry, then those of the user, which win.
fn extra(provider: &Provider, request: &GrantRequest) -> Result<Vec<(String, String)>, Error> {
    let mut extra = identity::pairs(&provider.authorize_params);
    if provider.refresh.how == RefreshHow::Param
        && let Some((name, value)) = provider.refresh.param.as_deref().and_then(|param| param.split_once('='))
    {
        extra.push((name.to_owned(), value.to_owned()));
    }
    extra.extend(request.audience.iter().map(|audience| ("audience".to_owned(), audience.clone())));
    extra.extend(request.params.iter().cloned());
    match extra.iter().find(|(name, _)| is_reserved(name)) {
        Some((name, _)) => Err(protocol::Error::ReservedParameter(name.clone()).into()),
        None => Ok(extra),
    }
}

/// How long a person is waited for unless something else is said.
pub const PATIENCE: Duration = Duration::from_secs(300);
