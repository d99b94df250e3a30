//! `keyfob login --with-token`: a session from a token that somebody already has.

use keyfob::client::Freshness;
use keyfob::protocol::token::{Asked, Rules, TokenResponse, TokenSet, TokenType};
use keyfob::registry::Definition;
use keyfob::registry::provider::Endpoint;
use keyfob::registry::words::Protocol;
use keyfob::session::index::Entry;
use keyfob::session::login::Name;
use keyfob::session::{Binding, Profile, Session, SessionKey, binding};
use keyfob::system::http::Response;
use serde_json::Value;

use crate::cli::context::Context;
use crate::cli::exit_code::ExitCode;
use crate::cli::inputs;
use crate::cli::report::Failure;
use crate::cli::shown;

/// Reads a token, or a token response as JSON, from standard input and keeps it.
pub fn keep(context: &Context, definition: &Definition, name: Name<'_>) -> Result<Entry, Failure> {
    if definition.provider().is_ok_and(|provider| provider.protocol == Protocol::OAuth1) {
        let message = format!("{} speaks OAuth 1.0, whose token is worth nothing without its secret", definition.id);
        return Err(Failure::usage(message).hint(format!("log in:  keyfob login {}", definition.id)));
    }
    let keeper = context.keeper()?;
    keeper.probe()?;
    let tokens = read(context)?;
    let binding = binding(context, definition, tokens.refresh_token.is_some())?;
    let mut session = Session {
        key: SessionKey::new(&definition.id, name.account.unwrap_or(SessionKey::DEFAULT_ACCOUNT))?,
        binding,
        grant: "with_token".into(),
        requested_scopes: tokens.scopes.clone(),
        resources: Vec::new(),
        audience: None,
        profile: Profile::default(),
        identity: None,
        created_at: context.now(),
        refreshed_at: None,
        trouble: None,
        waivers: Vec::new(),
        overrides: name.overrides.to_vec(),
        request: None,
        generation: String::new(),
        tokens,
    };
    keeper.keep(&mut session)?;
    context.terminal.success(&format!("Kept the token as {}", session.key));
    context.terminal.say(&format!("  stored    {}", shown::store_name(keeper.store().name())));
    Ok(keeper.catalog().find(&session.key)?.unwrap_or_else(|| Entry::of(&session, keeper.store().name())))
}

/// The tokens. An ID token is left out: nothing ties it to a login of ours.
fn read(context: &Context) -> Result<TokenSet, Failure> {
    let text = inputs::stdin()?;
    let asked = Asked { at: context.now(), scopes: &[] };
    let body = match text.expose().trim_start().starts_with('{') {
        true => text.expose().as_bytes().to_vec(),
        false => serde_json::json!({ "access_token": text.expose().trim() }).to_string().into_bytes(),
    };
    // A missing type is what a bare token has; another one than Bearer is no token of this kind.
    let missing = !serde_json::from_slice::<Value>(&body).is_ok_and(|object| object.get("token_type").is_some());
    let rules = Rules { token_type: missing.then_some(TokenType::Bearer), ..Rules::default() };
    let mut response = Response::new(body);
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    let read = TokenResponse::read(&response, &rules, asked).map_err(|bad| {
        Failure::usage(format!("standard input holds no token: {}", bad.error))
            .hint("give the bare token, or the JSON of a token response")
    })?;
    shown::remarks(&context.terminal, &read.remarks);
    Ok(TokenSet { id_token: None, ..read.tokens })
}

/// What the tokens are bound to; only a refresh token needs a client and a server.
fn binding(context: &Context, definition: &Definition, is_refreshable: bool) -> Result<Binding, Failure> {
    if is_refreshable {
        let client = context.client(definition, Freshness::Kept)?;
        let bound = context.block_on(binding::binding(&client, &serde_json::Map::new()))?;
        return bound.map_err(|error| Failure::from(error).at(&definition.id));
    }
    let provider = match definition.provider() {
        Ok(provider) => provider,
        // A bare token needs nothing of the entry; what is incomplete is no obstacle.
        Err(keyfob::registry::Error::MissingVariable { .. }) => return Ok(Binding::default()),
        Err(error) => return Err(error.into()),
    };
    if provider.id.is_empty() {
        return Err(Failure::new(ExitCode::Internal, "the provider has no name"));
    }
    let text = |endpoint: &Option<Endpoint>| endpoint.as_ref().and_then(Endpoint::url).map(ToString::to_string);
    Ok(Binding {
        issuer: provider.issuer.clone(),
        token_endpoint: text(&provider.token_endpoint).unwrap_or_default(),
        revocation_endpoint: text(&provider.revocation_endpoint),
        client_id: provider.client_id.clone().unwrap_or_default(),
        ..Binding::default()
    })
}
