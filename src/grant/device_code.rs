//! `device_code`: a person enters a code on any other machine (RFC 8628).
//!
//! The wait is counted on a monotonic clock, from before the code was asked for, and each poll is timed from the answer to
//! the one before: after a sleep of the machine there is one poll, not all those that were missed. A server that is down
//! for a moment only slows the polls down.
//!
//! PKCE is not a part of the grant: a code is bound to nothing but the device code, which never leaves this process. It is
//! sent where the entry says `pkce = "required"`, because some servers want it of every public client.

use std::time::Duration;

use serde_json::Map;
use tokio::time::Instant;

use super::polling::{self, Answer, Wait};
use super::{Begun, Error, Grant, GrantRequest, Interaction, LocalFuture, Obtained, Page, asked, exchange, identity};
use crate::client::{self, Client, Place, Repetition};
use crate::protocol::authorization::is_reserved;
use crate::protocol::client_auth::{BasicEncoding, ClientAuthentication, ClientSecretBasic, Moment};
use crate::protocol::device::{DeviceAuthorization, LONGEST_LIFE, Shape, UserCode};
use crate::protocol::http::{EndpointRequest, Format};
use crate::protocol::id_token::{Expectations, IdToken};
use crate::protocol::parameters::Parameters;
use crate::protocol::pkce::{self, Method};
use crate::protocol::token::TokenResponse;
use crate::protocol::{self, scope};
use crate::registry::Provider;
use crate::registry::words::{self, DeviceProfile, Pkce, RefreshHow};
use crate::secret::Secret;
use crate::system::trace::{Event, Party, Step};
use crate::system::{self, random};

/// The device authorization grant.
#[derive(Debug)]
pub struct DeviceCode;

impl Grant for DeviceCode {
    fn name(&self) -> &'static str {
        "device_code"
    }

    fn summary(&self) -> &'static str {
        "a person enters a code in a browser on any machine"
    }

    fn specification(&self) -> &'static str {
        "RFC 8628"
    }

    fn patience(&self) -> Duration {
        LONGEST_LIFE
    }

    fn obtain<'a>(
        &'a self,
        client: &'a Client,
        request: &'a GrantRequest,
        user: &'a dyn Interaction,
    ) -> LocalFuture<'a, Result<Obtained, Error>> {
        Box::pin(async move {
            let (pending, code) = begin(client, request).await?;
            user.show_code(&code, pending.lifetime).await?;
            pending.finished(client, request, user).await
        })
    }

    fn begin<'a>(
        &'a self,
        client: &'a Client,
        request: &'a GrantRequest,
        user: &'a dyn Interaction,
    ) -> LocalFuture<'a, Result<Begun, Error>> {
        Box::pin(async move {
            let (pending, code) = begin(client, request).await?;
            user.show_code(&code, pending.lifetime).await?;
            Ok(pending.begun(client))
        })
    }

    fn complete<'a>(
        &'a self,
        client: &'a Client,
        request: &'a GrantRequest,
        begun: &'a Begun,
        _: Option<&'a Secret>,
        user: &'a dyn Interaction,
    ) -> LocalFuture<'a, Result<Obtained, Error>> {
        Box::pin(async move { Pending::of(begun, client, request)?.finished(client, request, user).await })
    }
}

/// A code that has been given out, and what its tokens are asked for with.
#[derive(Debug)]
struct Pending {
    device_code: Secret,
    /// The least time between polls.
    interval: Duration,
    scopes: Vec<String>,
    verifier: Option<Secret>,
    shape: Shape,
    /// When nobody waits any longer.
    deadline: Instant,
    /// From asking for the code until then.
    lifetime: Duration,
}

/// Asks for a code.
async fn begin(client: &Client, request: &GrantRequest) -> Result<(Pending, UserCode), Error> {
    let provider = client.provider();
    asked::check(request)?;
    let server = client.server().await?;
    client.check_authentication(server)?;
    let shape = shape(provider);
    let lacks = |what| client::Error::Lacks { provider: provider.id.clone(), what };
    let endpoint = server.device_authorization_endpoint.as_ref();
    let endpoint = endpoint.ok_or_else(|| lacks("device_authorization_endpoint"))?.clone();
    let scopes = asked::scopes(provider, request, server.scopes_supported.as_deref());
    scope::check(&scopes)?;
    let verifier = match provider.pkce {
        Pkce::Required => Some(Secret::from(random::text::<32>()?)),
        _ => None,
    };
    let parameters = first_parameters(provider, request, &shape, &scopes, verifier.as_ref())?;
    let asking = identity::token_request(client, endpoint, parameters, &Map::new()).await?;
    step(
        client,
        1,
        "ask for a code that the person enters elsewhere",
        "this machine needs no browser",
        "RFC 8628 section 3.1",
    );
    let started = Instant::now();
    let answer = client.send(formed(asking, &shape), Repetition::Never).await?;
    let names = identity::pairs(&provider.device.names);
    let now = client.system().clock.seconds();
    let read = DeviceAuthorization::read(&answer, &names, &provider.token_response.error_paths, now);
    let sent = [verifier.as_ref(), client.secret()];
    let DeviceAuthorization { device_code, code, lifetime, interval } =
        read.map_err(|error| error.without(sent.into_iter().flatten()))?;
    let lifetime = lifetime.min(request.timeout).min(LONGEST_LIFE);
    let why = "whoever sees the code may only consent with it; the device code beside it stays here";
    step(client, 2, "show the person the code", why, "RFC 8628 section 3.3");
    let deadline = started + lifetime;
    Ok((Pending { device_code, interval, scopes, verifier, shape, deadline, lifetime }, code))
}

/// What the first request says beside the client.
fn first_parameters(
    provider: &Provider,
    request: &GrantRequest,
    shape: &Shape,
    scopes: &[String],
    verifier: Option<&Secret>,
) -> Result<Parameters, Error> {
    let mut parameters = Parameters::new();
    if let Some(response_type) = shape.response_type {
        parameters.set("response_type", response_type);
    }
    if !scopes.is_empty() {
        parameters.set(scope_name(provider, shape), scopes.join(identity::scope_separator(provider)));
    }
    if let Some((challenge, method)) = verifier.and_then(|verifier| pkce::challenge(Method::S256, verifier)) {
        parameters.set("code_challenge", challenge);
        parameters.set("code_challenge_method", method);
    }
    for resource in &request.resources {
        parameters.add("resource", resource.as_str());
    }
    // Of the entry's parameters for the browser those that say what for, not those that say how to ask.
    let own = identity::pairs(&provider.authorize_params).into_iter().filter(|(name, _)| name == "audience");
    let audience = request.audience.iter().map(|audience| ("audience".to_owned(), audience.clone()));
    for (name, value) in own.chain(audience).chain(request.params.iter().cloned()) {
        if is_reserved(&name) || name == shape.code || provider.param_names.values().any(|own| *own == name) {
            return Err(protocol::Error::ReservedParameter(name).into());
        }
        parameters.set(&name, value);
    }
    Ok(parameters)
}

impl Pending {
    /// How long the code may still be used.
    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// What another call needs to go on.
    fn begun(&self, client: &Client) -> Begun {
        let left = i64::try_from(self.left().as_secs()).unwrap_or_default();
        let expires_at = client.system().clock.seconds().saturating_add(left);
        Begun::new(expires_at, self.scopes.clone())
            .with("device_code", Some(&self.device_code))
            .with("interval", Some(&self.interval.as_secs_f64().to_string().into()))
            .with("verifier", self.verifier.as_ref())
    }

    /// What an earlier call has begun. Between processes there is only the clock on the wall to go by.
    fn of(begun: &Begun, client: &Client, request: &GrantRequest) -> Result<Self, Error> {
        let left = begun.expires_at.saturating_sub(client.system().clock.seconds());
        let left = Duration::from_secs(u64::try_from(left).unwrap_or_default());
        let lifetime = left.min(request.timeout).min(LONGEST_LIFE);
        let seconds = begun.expect("interval")?.expose().parse().unwrap_or(f64::NAN);
        Ok(Self {
            device_code: begun.expect("device_code")?.clone(),
            interval: Duration::try_from_secs_f64(seconds).map_err(|_| Error::NotBegun { lacks: "interval" })?,
            scopes: begun.scopes.clone(),
            verifier: begun.value("verifier").cloned(),
            shape: shape(client.provider()),
            deadline: Instant::now() + lifetime,
            lifetime,
        })
    }

    /// Waits for the person as long as somebody waits for the login.
    async fn finished(
        &self,
        client: &Client,
        request: &GrantRequest,
        user: &dyn Interaction,
    ) -> Result<Obtained, Error> {
        tokio::select! {
            outcome = self.finish(client, request) => outcome,
            () = user.abandoned() => Err(Error::Abandoned),
        }
    }

    /// Waits for the person, and turns what is issued into checked tokens.
    async fn finish(&self, client: &Client, request: &GrantRequest) -> Result<Obtained, Error> {
        let TokenResponse { mut tokens, mut remarks } = self.issued(client, request).await?;
        let due = asked::openid(client.provider(), &self.scopes);
        let id_token = match (&tokens.id_token, due) {
            (Some(token), true) => Some(self.check(client, request, token, &tokens.access_token).await?),
            (None, true) if self.shape.id_token => return Err(protocol::Error::NoIdToken.into()),
            _ => {
                tokens.id_token = None;
                None
            }
        };
        if client.provider().refresh.how == RefreshHow::Exchange {
            tokens = exchange::lasting(client, tokens, &mut remarks).await?;
        }
        Ok(Obtained { tokens, id_token, remarks, page: Page::default() })
    }

    /// Polls until there are tokens.
    async fn issued(&self, client: &Client, request: &GrantRequest) -> Result<TokenResponse, Error> {
        step(
            client,
            3,
            "poll the token endpoint",
            "only the server knows when the person has agreed",
            "RFC 8628 section 3.4",
        );
        let wait = Wait { interval: self.interval, deadline: self.deadline };
        wait.issued(async || self.poll(client, request).await).await?.ok_or_else(|| self.expired())
    }

    fn expired(&self) -> Error {
        let left = self.left();
        Error::CodeExpired { after: self.lifetime.saturating_sub(left) }
    }

    async fn poll(&self, client: &Client, request: &GrantRequest) -> Result<Answer, Error> {
        let secrets = [Some(&self.device_code), self.verifier.as_ref()];
        let sent = self.ask(client, request).await;
        polling::answer(client, sent, &self.shape, &self.scopes, secrets.into_iter().flatten())
    }

    /// Sends one poll.
    async fn ask(&self, client: &Client, request: &GrantRequest) -> Result<system::http::Response, Error> {
        let (provider, brought) = (client.provider(), Map::new());
        let endpoint = match &provider.device_token_endpoint {
            Some(url) => url.clone(),
            None => client
                .endpoint(Place::Token, &brought)
                .await?
                .ok_or_else(|| client::Error::Lacks { provider: provider.id.clone(), what: "token_endpoint" })?,
        };
        let mut parameters = Parameters::new();
        if let Some(grant_type) = self.shape.grant_type {
            parameters.set("grant_type", grant_type);
        }
        parameters.set(self.shape.code, self.device_code.expose());
        if let Some(name) = self.shape.scope.filter(|_| !self.scopes.is_empty()) {
            parameters.set(name, self.scopes.join(identity::scope_separator(provider)));
        }
        if let Some(verifier) = &self.verifier {
            parameters.set("code_verifier", verifier.expose());
        }
        for resource in &request.resources {
            parameters.add("resource", resource.as_str());
        }
        identity::extend(client, &mut parameters, "token_params", client.run_time(&brought).await?)?;
        let asking = identity::token_request(client, endpoint, parameters, &brought).await?;
        let mut asking = formed(asking, &self.shape);
        let Some(secret) = client.secret().filter(|_| self.shape.basic) else {
            return Ok(client.send(asking, Repetition::Never).await?);
        };
        let (client_id, secret) = (client.client_id().to_owned(), secret.clone());
        let encoding = match provider.basic_encoding {
            words::BasicEncoding::Raw => BasicEncoding::Raw,
            words::BasicEncoding::Form => BasicEncoding::Form,
        };
        let at = Moment { now: client.system().clock.seconds(), unique: random::text::<16>()? };
        asking.parameters.set("client_id", client_id.as_str());
        ClientSecretBasic { client_id, secret, encoding }.authenticate(&mut asking, &at)?;
        Ok(client.send_as_is(asking, Repetition::Never).await?)
    }

    async fn check(
        &self,
        client: &Client,
        request: &GrantRequest,
        token: &Secret,
        access_token: &Secret,
    ) -> Result<IdToken, Error> {
        let provider = client.provider();
        let verified = client.verify(token.expose(), identity::algorithm(provider)).await?;
        let given = |name: &str| request.params.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value);
        let acr_values: Vec<String> =
            given("acr_values").into_iter().flat_map(|values| values.split_whitespace()).map(str::to_owned).collect();
        let expect = Expectations {
            issuer: identity::issuer(provider, client.server().await?),
            client_id: client.client_id(),
            // No browser is sent anywhere, so there is nothing that a nonce would tie the token to.
            nonce: None,
            access_token: Some(access_token.expose()),
            code: None,
            state: None,
            max_age: given("max_age").and_then(|value| value.parse().ok()),
            acr_values: &acr_values,
            tolerance: request.clock_tolerance,
            now: client.system().clock.seconds(),
        };
        let id_token = IdToken::check(verified, &expect).map_err(protocol::Error::from)?;
        let why = "signature, issuer, audience, times and at_hash of the ID token are right";
        step(client, 4, "receive the tokens", why, "RFC 8628 section 3.5, OpenID Connect Core section 3.1.3.7");
        Ok(id_token)
    }
}

/// The shape of the entry's device grant.
fn shape(provider: &Provider) -> Shape {
    match provider.device.profile {
        DeviceProfile::Rfc8628 => Shape::RFC8628,
        DeviceProfile::Trakt => Shape::TRAKT,
        DeviceProfile::Yandex => Shape::YANDEX,
        DeviceProfile::Salesforce => Shape::SALESFORCE,
        DeviceProfile::Twitch => Shape::TWITCH,
        DeviceProfile::Webex => Shape::WEBEX,
    }
}

fn scope_name<'a>(provider: &'a Provider, shape: &Shape) -> &'a str {
    shape.scope.unwrap_or(identity::scope_param(provider))
}

fn formed(mut request: EndpointRequest, shape: &Shape) -> EndpointRequest {
    if shape.json {
        request.format = Format::Json;
    }
    request
}

fn step(client: &Client, number: u8, title: &str, why: &str, specification: &'static str) {
    let between = match number {
        2 => (Party::Client, Party::ResourceOwner),
        4 => (Party::AuthorizationServer, Party::Client),
        _ => (Party::Client, Party::AuthorizationServer),
    };
    client
        .system()
        .trace
        .tell(|| Event::Step(Step { number, between, title: title.into(), why: why.into(), specification }));
}
