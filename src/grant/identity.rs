//! Who has logged in, and the parts of an entry that every token request reads.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use url::Url;

use super::{Error, GrantRequest, account};
use crate::client::{self, Client, Place};
use crate::protocol;
use crate::protocol::http::{self, EndpointRequest, Format};
use crate::protocol::id_token::{IdToken, IssuerMatch};
use crate::protocol::jose::Algorithm;
use crate::protocol::metadata::AuthorizationServer;
use crate::protocol::parameters::Parameters;
use crate::protocol::presentation;
use crate::protocol::profile::{self, Paths, Profile};
use crate::protocol::token::{self, TokenSet, TokenType};
use crate::protocol::userinfo::{self, Answer, Form, Rules, Subject};
use crate::registry::words::{
    self, Discovery, Method, Protocol, RequestFormat, ResponseFormat, TokenIn, UserinfoFormat,
};
use crate::registry::{Provider, RunTime};
use crate::system::http::Response;

/// Under which name a session keeps its redirect URI, for servers that want it with each renewal.
pub(super) const REDIRECT_URI: &str = "redirect_uri";

/// What is known of the person: the profile, and the name that the session gets.
#[derive(Debug, Default)]
pub struct Identity {
    /// As the entry's `user` paths find it.
    pub profile: Profile,
    /// The account's name, unless the server tells none.
    pub account: Option<String>,
    /// Where the account's tokens go, if only the login told.
    pub host: Option<String>,
    /// Why the profile may be incomplete.
    pub remark: Option<String>,
}

/// Asks the server who has logged in: the ID token first, userinfo for what it lacks.
///
/// # Errors
/// When the answers contradict each other, a signature is wrong or the server may not speak for the account. An endpoint
/// that cannot be reached is only remarked: the tokens are good without a name.
///
/// # Specification
/// OpenID Connect Core §5.3 (userinfo), §5.3.2 (`sub`).
pub async fn identify(
    client: &Client,
    tokens: &TokenSet,
    id_token: Option<&IdToken>,
    request: &GrantRequest,
) -> Result<Identity, Error> {
    let (provider, clock_tolerance) = (client.provider(), request.clock_tolerance);
    let paths = paths(provider);
    let confirmed = match provider.discovery {
        Some(discovery) => Some(account::confirm(client, discovery, tokens, request.whom.as_ref()).await?),
        None => None,
    };
    let claims = match tokens.token_type {
        _ if confirmed.is_some() => confirmed.as_ref().map(|confirmed| &confirmed.claims),
        // OAuth 1.0 servers tell whose it is beside the token: `user_id`, `screen_name`.
        TokenType::OAuth1 => Some(&tokens.kept),
        TokenType::Bearer | TokenType::DPoP | TokenType::NotApplicable => id_token.map(IdToken::claims),
    };
    let from_claims = profile::profile(&paths, None, claims);
    let mut identity = Identity {
        account: profile::account(provider.account.as_deref(), &from_claims, None, claims),
        ..Identity::default()
    };
    let complete = from_claims.name.is_some() && (from_claims.username.is_some() || from_claims.email.is_some());
    let about = id_token.map(|id_token| (id_token.issuer(), id_token.subject()));
    let endpoint = client.endpoint(Place::Userinfo, &tokens.kept).await?;
    let answer = match endpoint {
        Some(endpoint) if !complete => match ask(client, &endpoint, tokens, about, clock_tolerance).await {
            Ok(answer) => Some(answer),
            Err(error) if is_harmless(&error) => {
                identity.remark = Some(error.to_string());
                None
            }
            Err(error) => return Err(error),
        },
        _ => None,
    };
    identity.profile = profile::profile(&paths, answer.as_ref(), claims);
    if identity.profile.email.is_none() {
        identity.profile.email = email(client, tokens).await;
    }
    if answer.is_some() || identity.account.is_none() {
        identity.account = profile::account(provider.account.as_deref(), &identity.profile, answer.as_ref(), claims);
    }
    if let Some(confirmed) = confirmed {
        // Neither is for a server to choose.
        identity.account = confirmed.name.or_else(|| Some(confirmed.id.clone()));
        identity.profile.id = Some(confirmed.id);
        identity.host = confirmed.host;
    }
    Ok(identity)
}

/// Whether an answer is only missing, rather than wrong in a way that matters.
fn is_harmless(error: &Error) -> bool {
    match error {
        Error::Client(client::Error::System(_)) | Error::System(_) => true,
        Error::Protocol(protocol::Error::Userinfo(error)) => !error.is_security(),
        Error::Protocol(
            protocol::Error::Unavailable { .. }
            | protocol::Error::Status { .. }
            | protocol::Error::Redirected { .. }
            | protocol::Error::NotJson { .. }
            | protocol::Error::Server(_),
        ) => true,
        _ => false,
    }
}

/// What the userinfo endpoint says to the access token; `None` where there is no such endpoint. `about` are the issuer and
/// the subject of the session's ID token.
///
/// # Errors
/// The server's refusal; why there is no answer, or none that may be used.
///
/// # Specification
/// OpenID Connect Core §5.3.
pub async fn userinfo(
    client: &Client,
    tokens: &TokenSet,
    about: Option<(&str, &str)>,
    clock_tolerance: u64,
) -> Result<Option<Map<String, Value>>, Error> {
    match client.endpoint(Place::Userinfo, &tokens.kept).await? {
        Some(endpoint) => ask(client, &endpoint, tokens, about, clock_tolerance).await.map(Some),
        None => Ok(None),
    }
}

async fn ask(
    client: &Client,
    endpoint: &Url,
    tokens: &TokenSet,
    about: Option<(&str, &str)>,
    clock_tolerance: u64,
) -> Result<Map<String, Value>, Error> {
    let provider = client.provider();
    let response = client.decrypted_userinfo(fetch(client, endpoint, tokens).await?)?;
    let server = client.server().await?;
    let signed = provider.userinfo.format == UserinfoFormat::Jwt || provider.userinfo_signed_response_alg.is_some();
    let rules = Rules {
        subject: match (about, provider.protocol) {
            (Some((_, subject)), _) => Subject::Of(subject),
            (None, Protocol::Oidc) => Subject::Named,
            (None, _) => Subject::Unspecified,
        },
        form: if signed { Form::Signed } else { Form::Json },
        issuer: about.map(|(issuer, _)| issuer).or(server.issuer.as_deref()),
        client_id: client.client_id(),
        tolerance: clock_tolerance,
        now: client.system().clock.seconds(),
    };
    match userinfo::parse(&response, &rules).map_err(protocol::Error::from)? {
        Answer::Claims(claims) => Ok(claims),
        Answer::Signed(token) => {
            let configured =
                provider.userinfo_signed_response_alg.as_deref().or(provider.id_token_signed_response_alg.as_deref());
            let verified = client.verify_signed(&token, configured.and_then(Algorithm::parse)).await?;
            Ok(rules.accept(verified).map_err(protocol::Error::from)?)
        }
    }
}

/// Asks with the token, in whatever way its type wants it presented.
async fn fetch(client: &Client, endpoint: &Url, tokens: &TokenSet) -> Result<Response, Error> {
    let mut request = request(client, endpoint, tokens).await?;
    client.show_bound_certificate(&mut request);
    if tokens.token_type == TokenType::DPoP {
        return Ok(client.fetch_bound(&request, tokens).await?);
    }
    Ok(match client::credentials(tokens).filter(|_| tokens.token_type == TokenType::OAuth1) {
        // No patience here: what is sent again must be signed anew.
        Some(credentials) => client.send_signed(request, Some(&credentials), &[]).await?.response,
        None => client.fetch(&request).await?,
    })
}

/// The request for userinfo, in the shape of the entry.
async fn request(client: &Client, endpoint: &Url, tokens: &TokenSet) -> Result<crate::system::http::Request, Error> {
    let provider = client.provider();
    let rules = &provider.userinfo;
    let values = client.run_time(&tokens.kept).await?;
    let unfilled = |cause| client.unfilled("userinfo", cause);
    let mut url = endpoint.clone();
    let mut parameters = Parameters::new();
    for (name, value) in &rules.params {
        parameters.set(name, values.text(provider, value).map_err(unfilled)?);
    }
    // A token that is bound to a key goes nowhere without a proof.
    let in_query = rules.token_in == TokenIn::Query && tokens.token_type != TokenType::DPoP;
    if in_query {
        parameters.set(&rules.token_param, tokens.access_token.expose());
    }
    if parameters.iter().next().is_some() {
        let malformed =
            |error: url::ParseError| protocol::Error::Parameter { name: "userinfo".into(), reason: error.to_string() };
        url = parameters.appended_to(&url).map_err(malformed)?;
    }
    let mut request = http::get(&url)?;
    if rules.method == Method::Post {
        *request.method_mut() = ::http::Method::POST;
        if let Some(body) = &rules.body {
            *request.body_mut() = values.json(provider, body).map_err(unfilled)?.into_bytes();
            let (name, value) = http::header("content-type", "application/json")?;
            request.headers_mut().insert(name, value);
        }
    }
    if !in_query && tokens.token_type == TokenType::Bearer {
        let value = match rules.auth_scheme.as_str() {
            "Bearer" => presentation::authorization(tokens.token_type, &tokens.access_token)?,
            own => presentation::scheme(own, &tokens.access_token)?,
        };
        request.headers_mut().insert(::http::header::AUTHORIZATION, value);
    }
    for (name, value) in &rules.headers {
        let value = values.text(provider, value).map_err(unfilled)?;
        let (name, value) = http::header(name, &value)?;
        request.headers_mut().insert(name, value);
    }
    Ok(request)
}

/// The mail address from an endpoint of its own: the primary one of a list.
async fn email(client: &Client, tokens: &TokenSet) -> Option<String> {
    let endpoint = client.provider().userinfo.email_endpoint.as_ref()?;
    let endpoint = client.filled("userinfo.email_endpoint", endpoint, &tokens.kept).await.ok()?;
    let response = fetch(client, &endpoint, tokens).await.ok()?;
    let Value::Array(list) = protocol::json::parse(response.body()).ok()? else { return None };
    let verified: Vec<&Value> = list.iter().filter(|entry| entry["verified"] == true).collect();
    let primary = verified.iter().find(|entry| entry["primary"] == true).or(verified.first())?;
    primary["email"].as_str().map(str::to_owned)
}

/// The entry's paths; those of the standard claims where it has none.
fn paths(provider: &Provider) -> Paths {
    let user = &provider.user;
    let given = Paths {
        id: user.id.clone(),
        name: user.name.clone(),
        username: user.username.clone(),
        email: user.email.clone(),
        picture: user.picture.clone(),
    };
    match provider.protocol {
        Protocol::Oidc => given.or_openid(),
        Protocol::OAuth1 => given.or_oauth1(),
        _ => given,
    }
}

/// A table of the registry as ordered pairs.
pub(super) fn pairs(table: &BTreeMap<String, String>) -> Vec<(String, String)> {
    table.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The name of the scope parameter.
pub(super) fn scope_param(provider: &Provider) -> &str {
    &provider.scope_param
}

/// What separates scopes.
pub(super) fn scope_separator(provider: &Provider) -> &str {
    &provider.scope_separator
}

/// How the entry's server answers token requests.
pub(super) fn rules(provider: &Provider) -> token::Rules {
    let response = &provider.token_response;
    token::Rules {
        any_format: response.format == ResponseFormat::Any,
        token_type: response.token_type.as_deref().and_then(TokenType::parse),
        path: response.path.iter().flat_map(|path| path.split('.')).map(str::to_owned).collect(),
        names: pairs(&response.names),
        error_paths: response.error_paths.clone(),
        scope_separator: scope_separator(provider).to_owned(),
        // AT Protocol "OAuth", Authorization Scopes.
        says_scope: provider.discovery == Some(Discovery::Atproto),
        keep: provider.token_keep.clone(),
        is_exchange: false,
    }
}

/// A request to the token endpoint in the shape of the entry; the client is still to be authenticated.
pub(super) async fn token_request(
    client: &Client,
    endpoint: Url,
    parameters: Parameters,
    kept: &Map<String, Value>,
) -> Result<EndpointRequest, Error> {
    let provider = client.provider();
    let values = client.run_time(kept).await?;
    let mut request = EndpointRequest::new(endpoint, parameters);
    let rules = &provider.token_request;
    request.format = match (rules.method, rules.format) {
        (Method::Get, _) => Format::Query,
        (Method::Post, RequestFormat::Json) => Format::Json,
        (Method::Post, RequestFormat::Form) => Format::Form,
    };
    for (name, value) in &rules.headers {
        let value = values.text(provider, value).map_err(|cause| client.unfilled("token_request.headers", cause))?;
        let (name, value) = http::header(name, &value)?;
        request.headers.insert(name, value);
    }
    Ok(request)
}

/// Adds the entry's own parameters under `key` (`token_params` or `refresh_params`), their templates filled.
pub(super) fn extend(
    client: &Client,
    parameters: &mut Parameters,
    key: &'static str,
    values: RunTime<'_>,
) -> Result<(), Error> {
    let provider = client.provider();
    let table = if key == "token_params" { &provider.token_params } else { &provider.refresh_params };
    for (name, value) in table {
        let value = values.text(provider, value).map_err(|cause| client.unfilled(key, cause))?;
        parameters.set(name, value);
    }
    Ok(())
}

/// The algorithm that the entry demands of ID tokens.
pub(super) fn algorithm(provider: &Provider) -> Option<Algorithm> {
    provider.id_token_signed_response_alg.as_deref().and_then(Algorithm::parse)
}

/// Which issuer tokens must be of.
pub(super) fn issuer<'a>(provider: &'a Provider, server: &'a AuthorizationServer) -> IssuerMatch<'a> {
    let issuer = server.issuer.as_deref().or(provider.issuer.as_deref()).unwrap_or_default();
    match provider.issuer_match {
        words::IssuerMatch::Exact => IssuerMatch::Exact(provider.issuer.as_deref().unwrap_or(issuer)),
        words::IssuerMatch::Template => IssuerMatch::Template(issuer),
    }
}
