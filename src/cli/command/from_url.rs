//! A provider from a bare address: who issues tokens for it, what they are asked for, and the entry that keeps it.
//!
//! No entry is written before the login has succeeded or, with `--begin`, was begun. Each resource has an entry, and so
//! sessions, of its own, also where several have one server: a token for one is never taken for another. Pages and
//! servers of the AT Protocol have theirs already.

use http::StatusCode;
use keyfob::client;
use keyfob::client::indieauth::{self, Discovered};
use keyfob::client::resource::{self, Resource};
use keyfob::protocol::metadata::AuthorizationServer;
use keyfob::protocol::{atproto, indieauth as addresses};
use keyfob::registry::edit::Editor;
use keyfob::registry::{Definition, Origin, SecretSource, Value as Setting};
use keyfob::system::System;
use url::Url;

use super::login::Located;
use super::registered;
use crate::cli::context::Context;
use crate::cli::exit_code::ExitCode;
use crate::cli::report::Failure;
use crate::cli::target::{ATPROTO, INDIEAUTH};

/// What was found at an address.
pub struct Found {
    /// The entry, not yet written.
    pub definition: Definition,
    /// What its server says of itself, if it was asked.
    pub server: Option<AuthorizationServer>,
    /// What is special to whoever logs in, where each person has a server of their own; nothing is written then.
    pub located: Option<Located>,
    /// What the entry extends; nothing where there is no entry to write.
    parent: Option<&'static str>,
}

/// The entry that is for `url` already: as a resource of its own, else as its issuer.
///
/// # Errors
/// When the registry cannot be read.
pub fn known(context: &Context, url: &Url) -> Result<Option<String>, Failure> {
    let mut issuer = None;
    for one in context.registry()?.ids()? {
        let Some(provider) = one.definition.ok().and_then(|definition| definition.provider().ok()) else { continue };
        let is = |text: &str| Url::parse(text).is_ok_and(|known| known == *url);
        match provider.inputs.get("resource") {
            Some(SecretSource::Literal(resource)) if is(resource.expose()) => return Ok(Some(one.id)),
            Some(_) => {}
            None if provider.issuer.as_deref().is_some_and(is) => issuer = issuer.or(Some(one.id)),
            None => {}
        }
    }
    Ok(issuer)
}

/// Finds out whose tokens `url` takes: its protected-resource metadata, else it is itself an issuer.
///
/// # Errors
/// Why it cannot be known, or must not be used.
///
/// # Specification
/// RFC 9728; RFC 8414; MCP "Authorization" (2025-06-18 and later).
pub fn discover(context: &Context, url: &Url) -> Result<Found, Failure> {
    let shown = keyfob::system::http::endpoint(url);
    if url.fragment().is_some() {
        return Err(Failure::usage(format!("`{shown}` has a fragment, which no resource and no issuer has")));
    }
    let host = url.host_str().unwrap_or_default().to_owned();
    let progress = context.terminal.progress(&format!("Asking {host}"));
    let found = context.block_on(declared(context.system()?, url))?;
    drop(progress);
    let found = match found.map_err(|error| Failure::from(error).at(&host))? {
        Declared::Resource(resource) => of_resource(context, url, &resource, &shown)?,
        Declared::Page(page) => of_page(context, url, *page)?,
        Declared::Nothing(page) => of_issuer(context, url, &shown).map_err(|failure| match (failure.code(), page) {
            // What was found at least.
            (ExitCode::Config, Some(error)) => Failure::from(error).at(&host),
            _ => failure,
        })?,
    };
    if found.parent.is_some() {
        // Before anything is registered or opened: a session without its entry is of no use.
        Editor::open(&context.environment)?.probe()?;
    }
    Ok(found)
}

/// What an address says of itself.
enum Declared {
    /// It takes tokens.
    Resource(Resource),
    /// It is a person's page.
    Page(Box<Discovered>),
    /// It may be an issuer; why it is no page, where it might have been one.
    Nothing(Option<client::Error>),
}

async fn declared(system: &System, url: &Url) -> Result<Declared, client::Error> {
    let response = resource::ask(system, url).await?;
    if let Some(resource) = resource::of_answer(system, url, &response).await? {
        return Ok(Declared::Resource(resource));
    }
    // Whoever asks for a token is no page.
    if response.status() == StatusCode::UNAUTHORIZED || addresses::profile_url(url.as_str()).is_err() {
        return Ok(Declared::Nothing(None));
    }
    Ok(match indieauth::discover(system, url, Some(response)).await {
        Ok(Some(page)) => Declared::Page(Box::new(page)),
        Ok(None) => Declared::Nothing(None),
        // An issuer is one whatever its home page does.
        Err(error) => Declared::Nothing(Some(error)),
    })
}

impl Found {
    /// Writes the entry, so that later commands know what the session is.
    ///
    /// # Errors
    /// Why it cannot be written.
    pub fn keep(&self, context: &Context) -> Result<(), Failure> {
        let Some(parent) = self.parent else { return Ok(()) };
        let editor = Editor::open(&context.environment)?;
        let own = self.definition.values().filter(|(_, _, origin)| **origin == address());
        let own: Vec<(String, Setting)> = own.map(|(key, value, _)| (key.to_owned(), value.clone())).collect();
        let mut pairs = vec![("extends", Setting::from(parent))];
        pairs.extend(own.iter().map(|(key, value)| (key.as_str(), value.clone())));
        editor.add(&self.definition.id, &pairs)?;
        context.terminal.say(&format!("  provider  {} in {}", self.definition.id, editor.path().display()));
        Ok(())
    }
}

fn of_resource(context: &Context, url: &Url, resource: &Resource, shown: &str) -> Result<Found, Failure> {
    let metadata = &resource.metadata;
    let Some(issuer) = metadata.authorization_servers.first() else {
        let message = format!("{shown} does not say in its metadata who issues tokens for it");
        return Err(Failure::new(ExitCode::Protocol, message));
    };
    let host = url.host_str().unwrap_or_default();
    let about = Url::parse(&metadata.resource).unwrap_or_else(|_| url.clone());
    let mut definition = context.provider("oauth2")?;
    definition.id = free_id(context, &about)?;
    set(&mut definition, &[("issuer", issuer), ("name", host), ("resource", &metadata.resource)])?;
    let server = registered::ask(context, &definition)?;
    if is_atproto(&server) {
        atproto::issuer(metadata, url).map_err(client::Error::from)?;
        return of_atproto(context, issuer, server);
    }
    // Without the server's word nobody knows whether it looks at the challenge (MCP "Authorization Code Protection").
    server.check_s256()?;
    if server.code_challenge_methods_supported.is_none() {
        let message = format!(
            "{issuer} does not announce `code_challenge_methods_supported`, so that PKCE may mean nothing there"
        );
        return Err(
            Failure::new(ExitCode::Security, message).hint("ask the server's operator to announce PKCE with S256")
        );
    }
    let mut scopes = resource.scopes.clone().unwrap_or_default();
    let offline = "offline_access".to_owned();
    let has_offline = server.scopes_supported.as_ref().is_some_and(|known| known.contains(&offline));
    if has_offline && !scopes.contains(&offline) {
        scopes.push(offline.clone());
    }
    if !scopes.is_empty() {
        set(&mut definition, &[("scopes", &scopes.join(" "))])?;
    }
    if scopes.contains(&offline) {
        // OpenID Connect Core §11: without it the scope is ignored.
        set(&mut definition, &[("authorize_params.prompt", "consent")])?;
    }
    if metadata.dpop_bound_access_tokens_required {
        set(&mut definition, &[("dpop_bound_access_tokens", "true")])?;
    }
    context.terminal.say(&format!("{shown} takes tokens of {issuer}"));
    Ok(Found { definition, server: Some(server), located: None, parent: Some("oauth2") })
}

/// Whether a server is one of the AT Protocol, which says more of its logins than the other specifications do.
fn is_atproto(server: &AuthorizationServer) -> bool {
    server.scopes_supported.as_ref().is_some_and(|scopes| scopes.iter().any(|scope| scope == atproto::SCOPE))
}

/// A server of the AT Protocol, where the account that logs in is known at the end only.
fn of_atproto(context: &Context, issuer: &str, server: AuthorizationServer) -> Result<Found, Failure> {
    let definition = context.provider(ATPROTO)?;
    let provider = definition.provider()?;
    context.terminal.say(&format!("{issuer} is a server of the {}", provider.name));
    let located = Located::at_server(issuer);
    Ok(Found { definition, server: Some(server), located: Some(located), parent: None })
}

/// The page of a person, which declares an IndieAuth server.
fn of_page(context: &Context, url: &Url, page: Discovered) -> Result<Found, Failure> {
    let definition = context.provider(INDIEAUTH)?;
    let located = Located::of_page(context, &definition.provider()?, url, page)?;
    Ok(Found { definition, server: None, located: Some(located), parent: None })
}

fn of_issuer(context: &Context, url: &Url, shown: &str) -> Result<Found, Failure> {
    // As it was written: an issuer is compared byte for byte, and without a path it has no slash.
    let text =
        if url.path() == "/" && url.query().is_none() { url.as_str().trim_end_matches('/') } else { url.as_str() };
    let host = url.host_str().unwrap_or_default();
    let (mut definition, mut parent) = (context.provider("oauth2")?, "oauth2");
    let id = free_id(context, url)?;
    definition.id.clone_from(&id);
    set(&mut definition, &[("issuer", text), ("name", host)])?;
    let mut server = registered::ask(context, &definition);
    let slashed = url.as_str();
    // An address of a host alone is no issuer yet: people leave out the slash that some issuers have.
    if url.path() == "/" && server.as_ref().is_err_and(|failure| failure.code() == ExitCode::Security) {
        definition.id.clone_from(&id);
        set(&mut definition, &[("issuer", slashed)])?;
        server = registered::ask(context, &definition).map_err(|_| server.unwrap_err());
    }
    let server = server.map_err(|failure| match failure.code() {
        ExitCode::Config => Failure::new(
            ExitCode::Config,
            format!("{shown} has neither protected-resource metadata nor authorization-server metadata"),
        )
        .hint("name a provider:  keyfob provider list,  or add one:  keyfob provider add"),
        _ => failure,
    })?;
    let text = server.issuer.as_deref().unwrap_or(text);
    if is_atproto(&server) {
        let text = text.to_owned();
        return of_atproto(context, &text, server);
    }
    if server.app_registration_endpoint.is_some() {
        (definition, parent) = (context.provider("mastodon")?, "mastodon");
        definition.id = id;
        set(&mut definition, &[("base_url", text.trim_end_matches('/')), ("name", host)])?;
        return Ok(Found { definition, server: Some(server), located: None, parent: Some(parent) });
    }
    // OpenID Connect Discovery §3: its servers publish keys. One without is of RFC 8414 alone.
    if server.jwks_uri.is_some() {
        (definition, parent) = (context.provider("oidc")?, "oidc");
        definition.id = id;
        set(&mut definition, &[("issuer", text), ("name", host)])?;
    }
    Ok(Found { definition, server: Some(server), located: None, parent: Some(parent) })
}

/// Where the values of such an entry come from; those that do are written.
fn address() -> Origin {
    Origin::Flag("the address".into())
}

fn set(definition: &mut Definition, pairs: &[(&str, &str)]) -> Result<(), Failure> {
    // What comes from a server and cannot be a value is the server's fault.
    let wrong = |error: keyfob::registry::Error| Failure::new(ExitCode::Protocol, error.to_string());
    pairs.iter().try_for_each(|(key, value)| definition.set(key, value, address()).map_err(wrong))
}

/// A name that no entry has: the host's, then with the path's last words, then with a number.
fn free_id(context: &Context, url: &Url) -> Result<String, Failure> {
    let registry = context.registry()?;
    let editor = Editor::open(&context.environment)?;
    let host = slug(&url.port().map_or_else(
        || url.host_str().unwrap_or_default().to_owned(),
        |port| format!("{}-{port}", url.host_str().unwrap_or_default()),
    ));
    let path = slug(url.path());
    let long = if path.is_empty() { host.clone() } else { format!("{host}-{path}") };
    let numbered = (2..).map(|number| format!("{long}-{number}"));
    for id in [host, long.clone()].into_iter().chain(numbered) {
        if registry.find(&id).is_err() && !editor.has(&id)? {
            return Ok(id);
        }
    }
    Ok(long)
}

/// Letters and digits in lower case, with single hyphens between.
fn slug(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit()).filter(|word| !word.is_empty()).collect();
    words.join("-")
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn a_name_consists_of_lower_case_letters_digits_and_hyphens() {
        for (text, expected) in
            [("mcp.Example.com-8080", "mcp-example-com-8080"), ("/a/b.c/", "a-b-c"), ("[::1]", "1"), ("/", "")]
        {
            assert_eq!(slug(text), expected);
        }
    }
}
