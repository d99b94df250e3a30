//! The client of a login where nobody brought one: described by a document, kept from an earlier registration, or
//! registered now. The order is that of the manual; each session carries the client that it was made with.

use keyfob::client::registration::dynamic::{self, DynamicClient, Kept, Presence, Purpose, check_document};
use keyfob::client::{self, Client, Freshness, registration};
use keyfob::grant::{GrantRequest, authorization_code};
use keyfob::protocol::metadata::AuthorizationServer;
use keyfob::protocol::{atproto, indieauth};
use keyfob::registry::words::{ClientAuth, Discovery, Loopback, Protocol, RegistrationProfile};
use keyfob::registry::{Definition, Listed, Origin, Provider, SecretSource};
use keyfob::secret::Secret;
use keyfob::session::Override;

use super::instance;
use crate::cli::context::Context;
use crate::cli::exit_code::ExitCode;
use crate::cli::overrides;
use crate::cli::report::Failure;
use crate::cli::signals;

/// Stands for a client that is not there yet. It is never sent: metadata is fetched without one.
const NOBODY: &str = "none-yet";

/// Marks, among what a login sets, that its client was registered by this program and may be replaced by another.
const MARK: (&str, &str) = ("registration.profile", "rfc7591");

/// The client of a login.
#[derive(Default)]
pub struct Chosen {
    /// What it sets above the registry.
    pub overrides: Vec<Override>,
    /// The port that its redirect URI was registered with.
    pub port: Option<u16>,
    /// Whether the server has said just now who it is.
    pub is_fresh: bool,
    /// The registration from an earlier login that is used, which the server may have forgotten.
    earlier: Option<Purpose>,
}

impl Chosen {
    /// Whether another registration may help when the server does not know the client.
    pub fn is_renewable(&self) -> bool {
        self.earlier.is_some()
    }

    /// How much of what is kept of the server a login uses: what was asked a moment ago is not asked again.
    pub fn freshness(&self) -> Freshness {
        if self.is_fresh { Freshness::Kept } else { Freshness::Anew }
    }
}

/// Chooses the client of a login to `definition` by `grant`. The server is asked what it takes, unless it has `told`.
///
/// # Errors
/// Why there is none, where one was promised; a login without any is told by whoever needs it.
pub fn choose(
    context: &Context,
    definition: &Definition,
    request: &GrantRequest,
    grant: &str,
    told: Option<AuthorizationServer>,
) -> Result<Chosen, Failure> {
    let Ok(provider) = definition.provider() else { return Ok(Chosen::default()) };
    let profile = provider.registration.profile;
    if registration::endpoint(&provider).is_some() {
        let overrides = instance::client(context, definition, request)?;
        return Ok(Chosen { overrides, ..Chosen::default() });
    }
    if let Some(discovery) = provider.discovery {
        return described(context, &provider, request, discovery);
    }
    let document = document(context, &provider)?;
    let given = provider.client_id.is_some();
    let registers = profile != Some(RegistrationProfile::None);
    let is_demanded = profile == Some(RegistrationProfile::Rfc7591);
    let grant_type = grant_type(grant);
    let has_server = provider.issuer.is_some() || provider.registration_endpoint.is_some();
    if (given && document.is_none()) || provider.protocol == Protocol::OAuth1 || grant_type.is_none() || !has_server {
        return Ok(Chosen::default());
    }
    if document.is_none() && !registers {
        return Ok(Chosen::default());
    }
    if document.is_none() {
        // Before anything is sent: what cannot be registered is not asked for.
        dynamic::method(&provider, None)?;
    }
    let server = match told.map_or_else(|| ask(context, definition), Ok) {
        Ok(server) => server,
        // Without an answer nothing is known but that there is no client.
        Err(failure)
            if !is_demanded && document.is_none() && matches!(failure.code(), ExitCode::Network | ExitCode::Config) =>
        {
            return Ok(Chosen::default());
        }
        Err(failure) => return Err(failure),
    };
    if let Some(document) = document.filter(|_| server.client_id_metadata_document_supported) {
        return Ok(Chosen {
            overrides: vec![overrides::plain("client_id", &document)],
            is_fresh: true,
            ..Chosen::default()
        });
    }
    match &server.registration_endpoint {
        Some(endpoint) if registers => {
            let redirect = rule(&provider, request, grant);
            let purpose = Purpose {
                issuer: provider.issuer.clone(),
                endpoint: endpoint.clone(),
                redirect,
                grant_type: grant_type.unwrap_or_default().to_owned(),
            };
            client(context, &provider, request, &server, purpose)
        }
        _ if given => {
            let message = format!(
                "{} does not announce `client_id_metadata_document_supported`, without which the address of a document \
                 is no client there",
                provider.name
            );
            Err(Failure::new(ExitCode::Config, message)
                .hint(format!("register a client:  keyfob setup {}", provider.id)))
        }
        _ if is_demanded => {
            Err(client::Error::Lacks { provider: provider.id.clone(), what: "registration_endpoint" }.into())
        }
        _ => Ok(Chosen { is_fresh: true, ..Chosen::default() }),
    }
}

/// The client where identifiers are addresses: the document of somebody who has one, else one that says by itself that it is a
/// program on this machine.
fn described(
    context: &Context,
    provider: &Provider,
    request: &GrantRequest,
    discovery: Discovery,
) -> Result<Chosen, Failure> {
    if provider.client_id.is_some() {
        return Ok(Chosen::default());
    }
    let of = |client_id: &str| vec![overrides::plain("client_id", client_id)];
    if let Some(document) = document(context, provider)? {
        return Ok(Chosen { overrides: of(&document), ..Chosen::default() });
    }
    let redirect_uri = |port| {
        let uris = authorization_code::registrable(provider, port, request.redirect_uri.as_deref());
        uris.into_iter().next().and_then(|uri| url::Url::parse(&uri).ok())
    };
    match discovery {
        Discovery::IndieAuth => {
            // The redirect must be below the identifier, port included (IndieAuth §5.2).
            let port = request.port.or_else(free_port);
            let id = redirect_uri(port).map(|uri| indieauth::client_id(&uri));
            Ok(Chosen { overrides: id.iter().flat_map(|id| of(id.as_str())).collect(), port, ..Chosen::default() })
        }
        Discovery::Atproto => {
            if !request.scopes.iter().any(|scope| scope == atproto::SCOPE) {
                return Err(Failure::usage("a login to the AT Protocol asks for the scope `atproto`, beside others")
                    .hint(format!("keyfob login {} --scope +NAME  adds to the usual ones", provider.id)));
            }
            let id = redirect_uri(request.port).map(|mut uri| {
                // Ports are not compared (AT Protocol "OAuth", Localhost Client Development).
                let _ = uri.set_port(None);
                atproto::client_id(uri.as_str(), &request.scopes)
            });
            Ok(Chosen { overrides: id.iter().flat_map(|id| of(id)).collect(), ..Chosen::default() })
        }
        _ => Ok(Chosen::default()),
    }
}

/// `chosen`, with a client that the person is asked for where there is none: the last way to one at an address of which
/// nothing else is known.
///
/// # Errors
/// When nobody can be asked.
pub fn or_asked(context: &Context, definition: &Definition, mut chosen: Chosen) -> Result<Chosen, Failure> {
    let has_client = chosen.overrides.iter().any(|set| set.key == "client_id");
    if has_client || definition.value("client_id").is_some() {
        return Ok(chosen);
    }
    let issuer = definition.value("issuer").map(ToString::to_string).unwrap_or_default();
    if !context.terminal.is_interactive() || context.common.json {
        let message = format!("{issuer} registers no clients by itself, and none was named");
        return Err(
            Failure::new(ExitCode::Config, message).hint("register one with its operator and pass  --client-id ID")
        );
    }
    signals::watch(&context.terminal);
    context.terminal.say(&format!("{issuer} registers no clients by itself."));
    let client_id = context.terminal.prompt_line("Client ID: ")?;
    chosen.overrides.push(overrides::plain("client_id", client_id.trim()));
    Ok(chosen)
}

/// What takes the place of the client secret among what a login set: the one that its registration has now. The server may
/// have replaced the other when a later login looked it up (RFC 7592 §2.1).
pub fn renewed(
    context: &Context,
    definition: &Definition,
    overrides: &[Override],
) -> Result<Option<Override>, Failure> {
    let set = |key: &str| overrides.iter().find(|set| set.key == key).map(|set| &set.value);
    let (Some(client_id), Some(_)) = (set("client_id"), set("client_secret")) else { return Ok(None) };
    let Ok(provider) = definition.provider() else { return Ok(None) };
    if !overrides.iter().any(is_mark) {
        return Ok(None);
    }
    let kept = kept(context, &provider)?;
    let of_client = |client: &&DynamicClient| client.information.client_id == client_id.expose();
    let secret =
        kept.clients().iter().rev().find(of_client).and_then(|client| client.information.client_secret.clone());
    Ok(secret.map(|secret| overrides::secret("client_secret", secret)))
}

fn is_mark(set: &Override) -> bool {
    set.key == MARK.0 && set.value == Secret::from(MARK.1)
}

/// What a login set, less the client that it registered: the next login chooses anew.
pub fn without_registered(mut overrides: Vec<Override>) -> Vec<Override> {
    if overrides.iter().any(is_mark) {
        overrides
            .retain(|set| !matches!(set.key.as_str(), "client_id" | "client_secret" | "client_auth") && !is_mark(set));
    }
    overrides
}

/// Forgets the registration that `chosen` came from.
pub fn forget(context: &Context, definition: &Definition, chosen: &Chosen) -> Result<(), Failure> {
    if let (Some(purpose), Ok(provider)) = (&chosen.earlier, definition.provider()) {
        change(context, &provider, |kept| kept.forget(purpose))?;
    }
    Ok(())
}

/// What the server says of itself, asked without a client.
pub fn ask(context: &Context, definition: &Definition) -> Result<AuthorizationServer, Failure> {
    let mut definition = definition.clone();
    let origin = || Origin::Flag("registration".into());
    definition.set("client_id", NOBODY, origin())?;
    definition.set_secret("client_secret", SecretSource::Literal(Secret::new(NOBODY)), origin())?;
    let client: Client = context.client(&definition, Freshness::Anew)?;
    let name = client.provider().name.clone();
    let _progress = context.terminal.progress(&format!("Asking {name}"));
    let server = context.block_on(client.server())?;
    Ok(server.map_err(|error| Failure::from(error).at(&name))?.clone())
}

/// The clients that are kept for `provider`.
pub fn kept(context: &Context, provider: &Provider) -> Result<Kept, Failure> {
    let text = context.keeper()?.store().load_secret(&name(provider))?;
    Ok(text.as_ref().map(Kept::of_secret).unwrap_or_default())
}

/// Forgets the clients that are kept for `provider`.
pub fn forget_all(context: &Context, provider: &Provider) -> Result<(), Failure> {
    context.keeper()?.store().remove_secret(&name(provider))?;
    Ok(())
}

/// The address of the document that describes the client: the entry's own, else the configuration's.
fn document(context: &Context, provider: &Provider) -> Result<Option<String>, Failure> {
    let is_public = matches!(provider.client_auth, ClientAuth::Auto | ClientAuth::None);
    let document = match &provider.client_id {
        // One with a secret was registered, whatever it looks like.
        Some(client_id) if client_id.contains("://") && provider.client_secret.is_none() && is_public => {
            Some(client_id.clone())
        }
        Some(_) => None,
        None => context.settings()?.client_id_metadata_document.clone().filter(|_| is_public),
    };
    document.iter().try_for_each(|document| check_document(document))?;
    Ok(document)
}

/// The registered name of a grant for which clients are registered.
fn grant_type(grant: &str) -> Option<&'static str> {
    match grant {
        "authorization_code" => Some("authorization_code"),
        "device_code" => Some("urn:ietf:params:oauth:grant-type:device_code"),
        _ => None,
    }
}

/// The rule that the login's redirect URI follows: the URI itself, with port 0 where any port will do.
fn rule(provider: &Provider, request: &GrantRequest, grant: &str) -> String {
    if grant != "authorization_code" {
        return String::new();
    }
    let port = request.port.or((provider.redirect.loopback == Loopback::AnyPort).then_some(0));
    let uris = authorization_code::registrable(provider, port, request.redirect_uri.as_deref());
    uris.into_iter().next().unwrap_or_default()
}

/// The client for `purpose`: the kept one if it can still be used, else a new one.
fn client(
    context: &Context,
    provider: &Provider,
    request: &GrantRequest,
    server: &AuthorizationServer,
    purpose: Purpose,
) -> Result<Chosen, Failure> {
    let earlier = kept(context, provider)?.find(&purpose).cloned();
    if let Some(client) = earlier.filter(|client| port_of(client).is_none_or(is_free))
        && let Some(client) = present(context, provider, client)?
    {
        return Ok(chosen(client, Some(purpose)));
    }
    let any_port = request.port.is_none() && purpose.redirect.contains(":0/");
    let port = if any_port { free_port() } else { request.port };
    let redirect_uri = match (purpose.redirect.is_empty(), any_port) {
        (true, _) => None,
        (false, false) => Some(purpose.redirect.clone()),
        (false, true) => authorization_code::registrable(provider, port, None).into_iter().next(),
    };
    // Before anything is registered: what cannot be kept would be registered again and again.
    context.keeper()?.probe()?;
    let host = purpose.endpoint.host_str().unwrap_or_default().to_owned();
    context.terminal.say(&format!("Registering keyfob at {host}"));
    let offered = (server.grant_types_supported.as_deref(), server.token_endpoint_auth_methods_supported.as_deref());
    let secrets = context.client_secrets()?;
    let registering = dynamic::register(context.system()?, &secrets, provider, purpose, redirect_uri, offered);
    let client = context.block_on(registering)?.map_err(|error| refused(error, provider))?;
    check_foreign(context, provider, &client)?;
    change(context, provider, |kept| kept.put(client.clone()))?;
    Ok(chosen(client, None))
}

fn refused(error: client::Error, provider: &Provider) -> Failure {
    let failure = Failure::from(error).at(&provider.name);
    if failure.code() != ExitCode::Refused {
        return failure;
    }
    let token = match provider.registration.initial_access_token {
        Some(_) => "check  registration.initial_access_token,  or register",
        None => "the server takes no registration like this: set  registration.initial_access_token,  or register",
    };
    failure.instead(format!("{token} a client yourself:  keyfob setup {}", provider.id))
}

fn chosen(client: DynamicClient, earlier: Option<Purpose>) -> Chosen {
    let port = port_of(&client);
    let information = client.information;
    let mut overrides = vec![
        overrides::plain(MARK.0, MARK.1),
        overrides::plain("client_id", &information.client_id),
        overrides::plain("client_auth", &information.token_endpoint_auth_method),
    ];
    overrides.extend(information.client_secret.map(|secret| overrides::secret("client_secret", secret)));
    Chosen { overrides, port, is_fresh: true, earlier }
}

/// `client` as the server knows it now, which is kept; `None` where it does not know it any more.
fn present(context: &Context, provider: &Provider, client: DynamicClient) -> Result<Option<DynamicClient>, Failure> {
    match context.block_on(client.presence(context.system()?))? {
        Presence::Assumed => Ok(Some(client)),
        Presence::Gone => Ok(None),
        Presence::Changed(information) => {
            let client = DynamicClient { information: *information, ..client };
            change(context, provider, |kept| kept.put(client.clone()))?;
            Ok(Some(client))
        }
    }
}

/// The port of this machine that `client` must be answered on, where any would have done.
fn port_of(client: &DynamicClient) -> Option<u16> {
    let any_port = client.purpose.redirect.contains(":0/");
    let uri = client.redirect_uri.as_deref().filter(|_| any_port)?;
    url::Url::parse(uri).ok()?.port()
}

/// Servers exist that compare redirect URIs with their port (against RFC 8252 §7.3), so that a client keeps its own.
fn is_free(port: u16) -> bool {
    std::net::TcpListener::bind(("127.0.0.1", port)).is_ok()
}

fn free_port() -> Option<u16> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).ok()?;
    Some(listener.local_addr().ok()?.port())
}

/// Refuses a client that is another server's, which a hostile one may hand out to have a login there confused with its own.
fn check_foreign(context: &Context, provider: &Provider, client: &DynamicClient) -> Result<(), Failure> {
    let client_id = client.information.client_id.as_str();
    let is_foreign = |one: &Listed| {
        one.definition.as_ref().ok().and_then(|definition| definition.provider().ok()).is_some_and(|other| {
            other.id != provider.id && other.issuer != provider.issuer && other.client_id.as_deref() == Some(client_id)
        })
    };
    match context.registry()?.ids()?.iter().find(|one| is_foreign(one)) {
        None => Ok(()),
        Some(other) => {
            let message = format!("{} registered the client that {} has already", provider.name, other.id);
            Err(Failure::new(ExitCode::Security, message))
        }
    }
}

/// Changes what is kept for `provider`, while no other login does.
fn change(context: &Context, provider: &Provider, change: impl FnOnce(&mut Kept)) -> Result<(), Failure> {
    let label = format!("keyfob: registered clients of {}", provider.name);
    Ok(context.keeper()?.change_secret(&name(provider), &label, |text| {
        let mut kept = text.as_ref().map(Kept::of_secret).unwrap_or_default();
        change(&mut kept);
        (!kept.clients().is_empty()).then(|| kept.to_secret())
    })?)
}

/// The name of the record in the store: an entry that names another issuer finds nothing.
fn name(provider: &Provider) -> String {
    let server = provider.issuer.clone().or_else(|| provider.registration_endpoint.as_ref().map(ToString::to_string));
    format!("clients/{} {}", provider.id, server.unwrap_or_default())
}
