//! `ciba`: the person consents on a device of their own, which the server reaches by itself.
//!
//! Poll mode: this machine has no address that a server could notify.

use std::time::Duration;

use tokio::time::Instant;

use super::direct;
use super::polling::{self, Answer, Wait};
use super::{Error, Grant, GrantRequest, Input, Interaction, LocalFuture, Obtained, Page, identity};
use crate::client::{self, Client, Place, Repetition};
use crate::protocol::authorization::check_resource;
use crate::protocol::ciba::Acknowledgement;
use crate::protocol::device::{LONGEST_LIFE, Shape};
use crate::protocol::http::EndpointRequest;
use crate::protocol::parameters::Parameters;
use crate::protocol::token::TokenResponse;
use crate::protocol::{self, scope};
use crate::secret::Secret;
use crate::system::trace::{Event, Party, Step};

/// `grant_type` (CIBA Core §10.1).
const GRANT_TYPE: &str = "urn:openid:params:grant-type:ciba";

/// Who is asked: exactly one of them is sent (CIBA Core §7.1).
const HINTS: [&str; 3] = ["login_hint", "id_token_hint", "login_hint_token"];

/// What else may be sent.
const FURTHER: [&str; 4] = ["acr_values", "binding_message", "user_code", "requested_expiry"];

/// Client-initiated backchannel authentication.
#[derive(Debug)]
pub struct Ciba;

impl Grant for Ciba {
    fn name(&self) -> &'static str {
        "ciba"
    }

    fn summary(&self) -> &'static str {
        "a person consents on a device of their own; poll mode"
    }

    fn specification(&self) -> &'static str {
        "OpenID Connect CIBA Core 1.0"
    }

    fn patience(&self) -> Duration {
        LONGEST_LIFE
    }

    fn inputs(&self) -> &'static [Input] {
        const fn input(key: &'static str, summary: &'static str, is_secret: bool) -> Input {
            Input { key, summary, is_secret, is_required: false }
        }
        static INPUTS: [Input; 7] = [
            input("login_hint", "who is asked, by name; or one of the next two", false),
            input("id_token_hint", "who is asked, by an earlier ID token", true),
            input("login_hint_token", "who is asked, by a token", true),
            input("binding_message", "what the person sees on both devices", false),
            input("user_code", "the person's code against unwanted requests", true),
            input("acr_values", "how the person is to be authenticated", false),
            input("requested_expiry", "seconds for which the person is waited for", false),
        ];
        &INPUTS
    }

    fn obtain<'a>(
        &'a self,
        client: &'a Client,
        request: &'a GrantRequest,
        user: &'a dyn Interaction,
    ) -> LocalFuture<'a, Result<Obtained, Error>> {
        Box::pin(async move {
            let scopes = scopes(request)?;
            let (parameters, secrets) = parameters(client, request, &scopes).await?;
            let lacks = |what| client::Error::Lacks { provider: client.provider().id.clone(), what };
            let endpoint = client.server().await?.backchannel_authentication_endpoint.clone();
            let endpoint = endpoint.ok_or_else(|| lacks("backchannel_authentication_endpoint"))?;
            tell(client, 1, "ask the server to ask the person", "nobody opens a browser here", "CIBA Core section 7.1");
            let start = Instant::now();
            let answer = client.send(EndpointRequest::new(endpoint, parameters), Repetition::Never).await?;
            let sent = || secrets.iter().chain(client.secret());
            let read = Acknowledgement::read(&answer, client.system().clock.seconds());
            let Acknowledgement { auth_req_id, interval, lifetime } = read.map_err(|error| error.without(sent()))?;
            let lifetime = lifetime.min(request.timeout);
            user.waiting(lifetime);
            let polls = "CIBA Core section 10.1";
            tell(client, 3, "poll the token endpoint", "the person decides on the other device", polls);
            let wait = Wait { interval, deadline: start + lifetime };
            let issued = wait.issued(async || poll(client, &auth_req_id, &scopes, &secrets).await);
            let issued = tokio::select! {
                issued = issued => issued?,
                () = user.abandoned() => return Err(Error::Abandoned),
            };
            let TokenResponse { mut tokens, remarks } = issued.ok_or(Error::Expired { after: lifetime })?;
            let id_token = direct::checked(client, &mut tokens, request.clock_tolerance).await?;
            if id_token.is_none() {
                return Err(protocol::Error::NoIdToken.into());
            }
            Ok(Obtained { tokens, id_token, remarks, page: Page::default() })
        })
    }
}

/// The scopes, `openid` among them (CIBA Core §7.1).
fn scopes(request: &GrantRequest) -> Result<Vec<String>, Error> {
    let mut scopes = request.scopes.clone();
    if !scopes.iter().any(|scope| scope == "openid") {
        scopes.insert(0, "openid".to_owned());
    }
    scope::check(&scopes)?;
    Ok(scopes)
}

/// The authentication request, and what of it is secret.
///
/// # Specification
/// CIBA Core §7.1.
async fn parameters(
    client: &Client,
    request: &GrantRequest,
    scopes: &[String],
) -> Result<(Parameters, Vec<Secret>), Error> {
    let provider = client.provider();
    let mut parameters = Parameters::new();
    parameters.set("scope", scopes.join(" "));
    let (mut hints, mut secrets) = (0, Vec::new());
    for key in HINTS.into_iter().chain(FURTHER) {
        if let Some(value) = client.input(key).await? {
            hints += usize::from(HINTS.contains(&key));
            parameters.set(key, value.expose());
            secrets.extend(matches!(key, "id_token_hint" | "login_hint_token" | "user_code").then_some(value));
        }
    }
    match hints {
        1 => {}
        0 => return Err(Error::NoInput { provider: provider.id.clone(), key: HINTS[0].to_owned() }),
        _ => {
            let reason = format!("only one of {} can say who is asked (CIBA Core section 7.1)", HINTS.join(", "));
            return Err(client::Error::Input { provider: provider.id.clone(), key: HINTS[0], reason }.into());
        }
    }
    for resource in &request.resources {
        check_resource(resource)?;
        parameters.add("resource", resource.as_str());
    }
    Ok((parameters, secrets))
}

/// One poll and what became of it.
async fn poll(client: &Client, auth_req_id: &Secret, scopes: &[String], secrets: &[Secret]) -> Result<Answer, Error> {
    let kept = serde_json::Map::new();
    let lacks = || client::Error::Lacks { provider: client.provider().id.clone(), what: "token_endpoint" };
    let endpoint = client.endpoint(Place::Token, &kept).await?.ok_or_else(lacks)?;
    let mut parameters = Parameters::new();
    parameters.set("grant_type", GRANT_TYPE);
    parameters.set("auth_req_id", auth_req_id.expose());
    identity::extend(client, &mut parameters, "token_params", client.run_time(&kept).await?)?;
    let request = identity::token_request(client, endpoint, parameters, &kept).await?;
    let sent = client.send(request, Repetition::Never).await.map_err(Error::from);
    polling::answer(client, sent, &Shape::RFC8628, scopes, secrets.iter().chain([auth_req_id]))
}

fn tell(client: &Client, number: u8, title: &str, why: &str, specification: &'static str) {
    let between = (Party::Client, Party::AuthorizationServer);
    client
        .system()
        .trace
        .tell(|| Event::Step(Step { number, between, title: title.into(), why: why.into(), specification }));
}
