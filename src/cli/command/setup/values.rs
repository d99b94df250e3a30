//! What is to be entered on the registration page.

use keyfob::grant;
use keyfob::grant::authorization_code::{Registered, registered};
use keyfob::registry::words::{ClientAuth, Protocol, SignatureMethod};
use keyfob::registry::{Definition, Provider};
use serde_json::json;
use url::Url;

use super::{Arguments, tell};
use crate::cli::browser;
use crate::cli::context::Context;
use crate::cli::exit_code::ExitCode;
use crate::cli::inputs;
use crate::cli::machine;
use crate::cli::report::Failure;
use crate::cli::terminal::columns_of;

/// Whether the client needs a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// No login works without.
    Secret,
    /// There are clients with and without.
    Optional,
    /// A public client will do.
    Nothing,
    /// It proves who it is with a key of its own.
    Key,
}

impl Need {
    /// As the entry has it.
    pub fn of(provider: &Provider) -> Self {
        if provider.protocol == Protocol::OAuth1 {
            let signs = matches!(provider.signature_method, SignatureMethod::RsaSha1 | SignatureMethod::RsaSha256);
            return if signs { Self::Key } else { Self::Secret };
        }
        match (provider.client_auth, provider.public_client) {
            (ClientAuth::None | ClientAuth::BasicEmpty, _) => Self::Nothing,
            (method, _) if !matches!(method, ClientAuth::Auto | ClientAuth::Query) && !is_shared(method) => Self::Key,
            // The device grant takes the identifier alone (RFC 8628 §3.1).
            (_, Some(false)) if has_device_grant(provider) && grant::find(DEVICE).is_some() => Self::Optional,
            (_, Some(false)) => Self::Secret,
            (_, Some(true)) => Self::Nothing,
            (_, None) => Self::Optional,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Secret => "required",
            Self::Optional => "optional",
            Self::Nothing => "none",
            Self::Key => "key",
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Self::Secret => "needed: have the page make one",
            Self::Optional => "only if you register a confidential client",
            Self::Nothing => "none: register a public (native) client",
            Self::Key => "none: the client has a key, which the entry names",
        }
    }
}

/// Whether one of the provider's grants sends a browser back.
pub fn has_redirect(provider: &Provider) -> bool {
    provider.grants.iter().any(|grant| matches!(grant.as_str(), "authorization_code" | "oauth1"))
        || provider.protocol == Protocol::OAuth1
}

/// RFC 8628.
const DEVICE: &str = "device_code";

fn has_device_grant(provider: &Provider) -> bool {
    provider.grants.iter().any(|grant| grant == DEVICE)
}

/// Whether a method rests on a secret that both sides know.
fn is_shared(method: ClientAuth) -> bool {
    matches!(method, ClientAuth::ClientSecretBasic | ClientAuth::ClientSecretPost | ClientAuth::ClientSecretJwt)
}

/// Whether the entry's method cannot do without a secret.
pub fn sends_secret(provider: &Provider) -> bool {
    provider.protocol != Protocol::OAuth1
        && (is_shared(provider.client_auth) || provider.client_auth == ClientAuth::Query)
}

/// Whether the entry's method would not use a secret.
pub fn takes_no_secret(provider: &Provider) -> bool {
    provider.client_auth == ClientAuth::None
}

/// What the person should know about the redirect URI.
fn explanation(registered: &Registered) -> &'static str {
    match registered {
        Registered::AnyPort(_) => "any port of it is accepted at login",
        Registered::FixedPort(_) => "exactly so, port included",
        Registered::OutOfBand(_) => "a page of the provider shows a code at login, which you paste",
        Registered::Pasted(_) => "at login you paste the address of the page that the browser ends on",
        _ => "an https address of yours; at login you paste the address of the page that the browser ends on",
    }
}

/// Shows each value, and tells it to programs.
pub fn show(context: &Context, provider: &Provider, need: Need) {
    let redirect = registered(provider);
    let name = format!("keyfob on {}", host_name(context));
    tell(
        context,
        "register",
        json!({
            "provider": provider.id,
            "name": provider.name,
            "url": provider.register,
            "docs": provider.docs,
            "client_name": name,
            "redirect_uri": redirect.redirect_uri().filter(|_| has_redirect(provider)),
            "redirect_advice": has_redirect(provider).then(|| explanation(&redirect)),
            "scopes": provider.scopes,
            "client_secret": need.word(),
            "device_flow": has_device_grant(provider),
            "notes": provider.notes,
        }),
    );
    let terminal = &context.terminal;
    terminal.say(&format!("{} needs a client of your own, once.", provider.name));
    let line = |label: &str, value: &str| {
        let gap = " ".repeat(14_usize.saturating_sub(columns_of(label)));
        terminal.say(&format!("  {label}{gap} {value}"));
    };
    match (&provider.register, &provider.docs) {
        (Some(url), _) => line("Page", url),
        (None, Some(docs)) => line("How to", docs),
        (None, None) => line("Where", "the server's administration, or its operator"),
    }
    line("Name", &name);
    if has_redirect(provider) {
        line("Callback URL", redirect.redirect_uri().unwrap_or("your own"));
        line("", &format!("({})", explanation(&redirect)));
    }
    if !provider.scopes.is_empty() {
        line("Scopes", &provider.scopes.join(" "));
    }
    line("Secret", need.advice());
    if has_device_grant(provider) {
        line("Device flow", "switch it on, where the page offers it");
    }
    if let Some(notes) = &provider.notes {
        line("Note", notes);
    }
}

/// Opens the registration page, where there is one and a browser is to be used.
pub fn visit(
    context: &Context,
    arguments: &Arguments,
    definition: &Definition,
    provider: &Provider,
) -> Result<(), Failure> {
    let Some(url) = provider.register.as_deref().and_then(|page| Url::parse(page).ok()) else { return Ok(()) };
    let silenced = context.common.no_input || ["CI", "KEYFOB_NO_INPUT"].iter().any(|it| context.environment.flag(it));
    if silenced || !(context.terminal.is_interactive() || context.common.json) {
        return Ok(());
    }
    let configured = context.settings()?.browser.as_deref();
    let chosen = browser::choose(arguments.browser.as_deref(), arguments.no_browser, &context.environment, configured);
    let chosen = chosen.map_err(|error| Failure::new(ExitCode::Config, error.to_string()))?;
    if browser::usable(&chosen, &context.environment).is_err() {
        context.terminal.say("Open the page in your browser.");
        return Ok(());
    }
    let mut secrets = definition.provider()?.secret_variables();
    secrets.extend(inputs::variables(&context.common.settings));
    match browser::open(&chosen, &url, &secrets) {
        Ok(_) => {
            context.terminal.say("Opening the page in your browser; if it does not open, do it yourself.");
            tell(context, "browser", json!({ "url": url.as_str() }));
        }
        Err(error) => context.terminal.warning(&format!("the page is not opened: {error}")),
    }
    Ok(())
}

/// The machine's name up to the first dot. It is only shown: the person decides what the provider is told.
fn host_name(context: &Context) -> String {
    let name = machine::name(&context.environment).unwrap_or_default();
    let first = name.split('.').next().unwrap_or_default();
    let plain: String = first.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect();
    if plain.is_empty() { "this machine".into() } else { plain }
}
