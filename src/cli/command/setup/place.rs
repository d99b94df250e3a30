//! Which entry of the user's file the client belongs into.

use keyfob::registry::edit::Editor;
use keyfob::registry::{Definition, Error, Origin, Value as Setting};
use serde_json::json;
use url::Url;

use super::{Arguments, check, tell};
use crate::cli::context::Context;
use crate::cli::report::Failure;

/// First labels of a host that say what the server does and not whose it is.
const SERVICES: [&str; 12] =
    ["id", "idp", "auth", "oauth", "oauth2", "oidc", "login", "signin", "sso", "account", "accounts", "www"];

/// An entry, there already or to be made.
pub struct Place {
    /// Its name.
    pub id: String,
    /// What it is, with what was set and answered so far.
    pub definition: Definition,
    /// What a new entry starts from; `None` for one that is there.
    pub parent: Option<String>,
    /// The command that leads here.
    pub command: String,
}

impl Place {
    fn new(definition: Definition, parent: Option<String>) -> Self {
        Self { id: definition.id.clone(), definition, parent, command: String::new() }
    }

    /// The client that it has already.
    pub fn client(&self) -> Option<String> {
        self.parent.is_none().then(|| text(&self.definition, "client_id")).flatten()
    }
}

/// Where values of this command come from; what does is written.
pub fn from(flag: &str) -> Origin {
    Origin::Flag(flag.into())
}

/// Finds the entry that the command line means.
pub fn find(context: &Context, editor: &Editor, arguments: &Arguments) -> Result<Place, Failure> {
    let mut place = if arguments.provider.contains("://") {
        of_address(context, editor, arguments)?
    } else {
        of_provider(context, editor, arguments, context.provider(&arguments.provider)?)?
    };
    let name = arguments.name.as_ref().map(|name| format!(" --name {name}")).unwrap_or_default();
    let set: String = context.common.settings.iter().map(|option| format!(" --set {option}")).collect();
    let client = arguments.client_id.as_ref().map(|id| format!(" --client-id {id}")).unwrap_or_default();
    let secret = arguments.client_secret_file.as_ref();
    let secret = secret.map(|path| format!(" --client-secret-file {}", path.display())).unwrap_or_default();
    let key = arguments.private_key_file.as_ref();
    let key = key.map(|path| format!(" --private-key-file {}", path.display())).unwrap_or_default();
    place.command = format!("keyfob setup {}{name}{set}{client}{secret}{key}", arguments.provider);
    Ok(place)
}

fn of_provider(
    context: &Context,
    editor: &Editor,
    arguments: &Arguments,
    definition: Definition,
) -> Result<Place, Failure> {
    match &arguments.name {
        Some(name) if *name != definition.id => {
            let parent = definition.id.clone();
            named(context, editor, name, definition, |existing| {
                text(existing, "extends").is_some_and(|it| it == parent)
            })
        }
        _ => Ok(Place::new(definition, None)),
    }
}

/// The user's entry `name` if it is `same`, else a new one that starts from `parent`.
fn named(
    context: &Context,
    editor: &Editor,
    name: &str,
    mut parent: Definition,
    same: impl Fn(&Definition) -> bool,
) -> Result<Place, Failure> {
    let in_use = || {
        let message = format!("there is a provider `{name}` already");
        Failure::usage(message).hint("choose another name:  --name NAME")
    };
    if editor.has(name)? {
        let existing = context.provider(name)?;
        if existing.id != name || !same(&existing) {
            return Err(in_use());
        }
        return Ok(Place::new(existing, None));
    }
    match context.registry()?.find(name) {
        Ok(_) => return Err(in_use()),
        Err(Error::UnknownProvider { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let base = std::mem::replace(&mut parent.id, name.to_owned());
    Ok(Place::new(parent, Some(base)))
}

/// An issuer: that of an entry, or one that is asked what it is.
fn of_address(context: &Context, editor: &Editor, arguments: &Arguments) -> Result<Place, Failure> {
    let issuer = arguments.provider.as_str();
    let url = Url::parse(issuer).map_err(|error| Failure::usage(format!("`{issuer}` is no address: {error}")))?;
    keyfob::system::http::check_url(&url).map_err(|error| Failure::usage(error.to_string()))?;
    if let Some(known) = known(context, issuer)? {
        context.terminal.say(&format!("{issuer} is the provider {known}."));
        return of_provider(context, editor, arguments, context.provider(&known)?);
    }
    let name = arguments.name.clone().unwrap_or_else(|| derived(&url));
    let mut definition = context.provider("oidc")?;
    let host = url.host_str().unwrap_or_default();
    let set = |definition: &mut Definition| {
        for (key, value) in [("issuer", issuer), ("name", host)] {
            let outcome = definition.set(key, value, from("the address"));
            outcome.map_err(|error| Failure::usage(error.to_string()))?;
        }
        Ok::<_, Failure>(())
    };
    set(&mut definition)?;
    let server = check::discover(context, &definition)?;
    // OpenID Connect Discovery §3: its servers publish keys. One without is of RFC 8414 alone.
    if server.jwks_uri.is_none() {
        definition = context.provider("oauth2")?;
        set(&mut definition)?;
    }
    let registration = server.registration_endpoint.as_ref().map(Url::as_str);
    tell(
        context,
        "server",
        json!({
            "issuer": issuer,
            "provider": name,
            "registration_needed": true,
            "registration_endpoint": registration,
            "scopes": server.scopes_supported,
        }),
    );
    context.terminal.say(&match registration {
        Some(endpoint) => format!(
            "{issuer} publishes its metadata. A client must be registered: by a person, or by a program at {endpoint} (RFC 7591)."
        ),
        None => format!(
            "{issuer} publishes its metadata. A client must be registered by a person: the server announces no registration endpoint."
        ),
    });
    named(context, editor, &name, definition, |existing| text(existing, "issuer").is_some_and(|known| known == issuer))
}

/// The provider whose issuer this is. One that others of the same issuer start from is meant before those.
fn known(context: &Context, issuer: &str) -> Result<Option<String>, Failure> {
    let same = |known: &str| known.trim_end_matches('/') == issuer.trim_end_matches('/');
    let mut found: Vec<(String, Option<String>)> = Vec::new();
    for one in context.registry()?.ids()? {
        let Ok(definition) = &one.definition else { continue };
        if definition.provider().ok().and_then(|provider| provider.issuer).is_some_and(|known| same(&known)) {
            found.push((one.id, text(definition, "extends")));
        }
    }
    let is_found = |id: &String| found.iter().any(|(known, _)| known == id);
    let first = found.iter().find(|(_, parent)| !parent.as_ref().is_some_and(is_found));
    Ok(first.map(|(id, _)| id.clone()))
}

/// A name from the host: `acme` of `https://id.acme.example/`.
fn derived(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let labels: Vec<&str> = host.split('.').collect();
    let is_name = matches!(url.host(), Some(url::Host::Domain(_)));
    let first = labels.iter().position(|label| !SERVICES.contains(label)).unwrap_or(0);
    let wanted = if is_name { labels[first] } else { host };
    let name: String =
        wanted.chars().map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' }).collect();
    name.trim_matches('-').to_owned()
}

fn text(definition: &Definition, key: &str) -> Option<String> {
    definition.values().find(|(known, ..)| *known == key).and_then(|(_, value, _)| match value {
        Setting::Text(text) => Some(text.clone().into_owned()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::derived;

    #[test]
    fn a_name_is_made_of_whose_server_it_is() {
        for (address, name) in [
            ("https://id.acme.example/realm", "acme"),
            ("https://acme.example", "acme"),
            ("https://login.sso.acme.example", "acme"),
            ("https://xn--bcher-kva.example", "xn--bcher-kva"),
            ("http://127.0.0.1:8080", "127-0-0-1"),
            ("http://[::1]:8080", "1"),
            ("http://localhost", "localhost"),
        ] {
            assert_eq!(derived(&Url::parse(address).expect("an address")), name);
        }
    }
}
