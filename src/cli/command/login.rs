//! `keyfob login`: obtains a session.

mod attempt;
mod choice;
mod purpose;
mod two_calls;
mod whose;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use keyfob::client;
use keyfob::grant::{self, Found, GrantRequest, google};
use keyfob::protocol::metadata::AuthorizationServer;
use keyfob::registry::{Definition, Provider};
use keyfob::session::index::Entry;
use keyfob::session::login::LoggedIn;
use keyfob::session::{self, Override};
use serde_json::json;
use url::Url;

use crate::cli::browser::{self, Browser, Reason};
use crate::cli::context::Context;
use crate::cli::exit_code::ExitCode;
use crate::cli::inputs::{self, Input};
use crate::cli::interaction::AtTerminal;
use crate::cli::overrides;
use crate::cli::report::Failure;
use crate::cli::shown;
use crate::cli::signals;
use crate::cli::target::{self, Target};
use crate::cli::time::Wording;

use super::{from_url, registered, with_token};
use attempt::Attempt;
use choice::Choice;
pub use purpose::{Purpose, request};
pub use whose::{Located, locate};

/// The grant that an entry must allow by its name.
const PASSWORD: &str = "password";

/// Where to log in, and how.
#[derive(Debug, Default, Args)]
#[command(
    before_help = "Examples:\n  keyfob login github\n  keyfob login google/work --scope 'openid email'\n  keyfob login acme --no-browser\n  keyfob login github --device\n  keyfob login https://mcp.example.com/mcp\n  keyfob login @alice.bsky.social"
)]
pub struct Arguments {
    /// Provider, PROVIDER/ACCOUNT to force the session's name, the address of a resource, an issuer or a person's page, or
    /// an AT Protocol handle (@alice.bsky.social)
    target: Option<String>,

    /// How to obtain the tokens; see: keyfob provider grants
    #[arg(long, value_name = "NAME")]
    grant: Option<String>,

    /// Show a code to enter in a browser on any machine; short for --grant device_code
    #[arg(long, conflicts_with_all = ["grant", "port", "redirect_uri"])]
    device: bool,

    /// Ask for these scopes instead of the configured ones; +NAME adds one
    #[arg(long, value_name = "SCOPES", allow_hyphen_values = true)]
    scope: Vec<String>,

    /// Ask for a token for this resource; repeatable
    #[arg(long, value_name = "URI")]
    resource: Vec<String>,

    /// Ask for a token for this audience, where the provider knows audiences
    #[arg(long, value_name = "NAME")]
    audience: Option<String>,

    /// Send a further parameter with the authorization request; repeatable
    #[arg(long, value_name = "KEY=VALUE")]
    param: Vec<String>,

    /// Use this client
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,

    /// Read the client secret from this file; - is standard input
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,

    /// Open the address with this command; %u stands for the address
    #[arg(long, value_name = "COMMAND", conflicts_with = "no_browser")]
    browser: Option<String>,

    /// Print the address instead of opening it
    #[arg(long)]
    no_browser: bool,

    /// Listen for the redirect on this port
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,

    /// Use this redirect URI
    #[arg(long, value_name = "URI", conflicts_with = "port")]
    redirect_uri: Option<String>,

    /// Show the address as a QR code too
    #[arg(long)]
    qr: bool,

    /// Read a token, or a token response as JSON, from standard input instead of asking the provider
    #[arg(long, conflicts_with_all = ["grant", "device", "scope", "resource", "audience", "param", "browser", "no_browser", "port", "redirect_uri", "qr"])]
    with_token: bool,

    /// Make the new session the default of its provider
    #[arg(long)]
    default: bool,

    /// Show the address or the code and return; a second call with --complete finishes the login
    #[arg(long, conflicts_with_all = ["with_token", "browser", "complete"])]
    begin: bool,

    /// Finish a login that was begun; ANSWER is the address of the page that the browser ended on, better given on standard
    /// input with -; a device code needs none
    #[arg(long, value_name = "ANSWER", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["with_token", "grant", "device", "scope", "resource", "audience", "param", "client_id", "client_secret_file", "browser", "no_browser", "port", "redirect_uri", "qr"])]
    complete: Option<String>,

    /// Whether this login is part of another command, whose answer is the only one on stdout.
    #[arg(skip)]
    within: bool,
}

impl Arguments {
    /// The name of the grant that is asked for.
    fn asked(&self) -> Option<&str> {
        self.device.then_some("device_code").or(self.grant.as_deref())
    }

    /// A login as a part of another command, with nothing said but where.
    pub fn within(target: Option<&str>) -> Self {
        Self { target: target.map(str::to_owned), within: true, ..Self::default() }
    }

    /// The login that `setup` offers at its end.
    pub fn after_setup(provider: &str, browser: Option<String>, no_browser: bool) -> Self {
        Self { target: Some(provider.to_owned()), browser, no_browser, ..Self::default() }
    }
}

/// Logs in.
pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Some(entry) = attempt(context, arguments)? else { return Ok(ExitCode::Done) };
    let siblings = context.keeper()?.catalog().of_provider(entry.key.provider())?;
    let is_default = shown::is_default(&entry, &siblings);
    if context.common.json {
        let session = shown::session(&entry, is_default, context.now());
        context.terminal.json_line(&json!({ "schema": "keyfob.login/1", "event": "done", "session": session }));
    }
    Ok(ExitCode::Done)
}

/// Logs in, tells the person, and returns what is known of the session.
pub fn login(context: &Context, arguments: &Arguments) -> Result<Entry, Failure> {
    let entry = attempt(context, arguments)?;
    entry.ok_or_else(|| Failure::new(ExitCode::Internal, "the login was begun only"))
}

/// As [`login`]; nothing where the login is only begun.
fn attempt(context: &Context, arguments: &Arguments) -> Result<Option<Entry>, Failure> {
    context.waits_for_a_person();
    let (mut definition, mut account, mut found) = match place(context, arguments.target.as_deref())? {
        Place::Known(name, account) => {
            if let Some(answer) = &arguments.complete {
                return two_calls::complete(context, arguments, (&name, account.as_deref()), answer).map(Some);
            }
            (context.provider(&name)?, account, None)
        }
        Place::Unknown(url) if arguments.complete.is_some() => {
            let answer = arguments.complete.as_deref().unwrap_or_default();
            if let Some(id) = two_calls::begun_at(context, &url)? {
                return two_calls::complete(context, arguments, (&id, None), answer).map(Some);
            }
            let shown = keyfob::system::http::endpoint(&url);
            return Err(Failure::usage(format!("no login to {shown} was begun here"))
                .hint(format!("keyfob login {shown} --begin")));
        }
        Place::Unknown(url) => {
            let found = from_url::discover(context, &url)?;
            (found.definition.clone(), None, Some(found))
        }
    };
    if arguments.begin {
        two_calls::check(context)?;
    }
    if let Some(grant) = arguments.asked() {
        // A name that is wrong is told before a client that is missing.
        choice::named(grant)?;
    }
    let mut overrides = earlier(context, &definition, account.as_deref(), arguments)?;
    overrides::apply(&overrides, &mut definition)?;
    overrides.extend(given(context, arguments, &definition)?);
    overrides::apply(&overrides, &mut definition)?;
    if arguments.with_token {
        let forced = session::login::Name { account: account.as_deref(), overrides: &overrides };
        return finish(context, arguments, with_token::keep(context, &definition, forced)?).map(Some);
    }
    let located = match found.as_mut().and_then(|found| found.located.take()) {
        Some(located) => Some(located),
        None if found.is_none() => locate(context, &definition, account.as_deref())?,
        None => None,
    };
    let mut request = asked(context, arguments, &definition, account.as_deref())?;
    if let Some(located) = &located {
        overrides::apply(&located.overrides, &mut definition)?;
        overrides.extend(located.overrides.iter().cloned());
        located.shape(&mut request);
        account.clone_from(&located.account);
    }
    if let Some(grant) = arguments.asked() {
        // Whatever it is renewed with later is the same.
        let asked = vec![for_grant(&definition, grant)?];
        overrides::apply(&asked, &mut definition)?;
        overrides.extend(asked);
    }
    let (browser, usable) = browser(context, arguments, &definition, account.as_deref())?;
    let told = found.as_ref().and_then(|found| found.server.clone());
    let (grant, told) = grant(context, arguments, &definition, usable, told)?;
    let client = registered::choose(context, &definition, &request, grant.name(), told)?;
    let mut client = if found.is_some() { registered::or_asked(context, &definition, client)? } else { client };
    client.is_fresh |= located.is_some_and(|located| located.is_fresh);
    request.timeout = patience(context, grant.patience())?;
    let attempt =
        Attempt { context, arguments, definition, account, request, overrides, grant, browser, usable, found };
    attempt.run_with(client)
}

/// Tells the person of a login that succeeded, and returns what is known of the session.
fn concluded(context: &Context, arguments: &Arguments, logged_in: LoggedIn, name: &str) -> Result<Entry, Failure> {
    let LoggedIn { session, remarks, identity_remark } = logged_in;
    let keeper = context.keeper()?;
    shown::remarks(&context.terminal, &remarks);
    if let Some(remark) = identity_remark {
        context.terminal.warning(&format!("whose session it is could not be asked: {remark}"));
    }
    let known = keeper.catalog().find(&session.key)?.unwrap_or_else(|| Entry::of(&session, keeper.store().name()));
    let entry = finish(context, arguments, known)?;
    tell(context, &entry, name);
    Ok(entry)
}

/// The entry's `grants` for a login by `grant`.
fn for_grant(definition: &Definition, grant: &str) -> Result<Override, Failure> {
    let is_password = grant == PASSWORD;
    if is_password && !definition.grants().iter().any(|allowed| allowed == grant) {
        return Err(client::Error::NotAllowed {
            provider: definition.id.clone(),
            key: format!("grants = [\"{grant}\"]"),
        }
        .into());
    }
    Ok(overrides::plain("grants", grant))
}

/// What the grant needs and the entry does not say: asked of the person before anything is sent.
fn missing_inputs(context: &Context, definition: &Definition, grant: &Found) -> Result<Vec<Override>, Failure> {
    let provider = definition.provider()?;
    if grant.inputs().iter().any(|input| input.key == google::KEY) && provider.inputs.contains_key(google::KEY) {
        return Ok(Vec::new());
    }
    let missing = grant.inputs().iter().filter(|input| input.is_required && !provider.inputs.contains_key(input.key));
    let mut answers = Vec::new();
    for input in missing {
        if !context.terminal.is_interactive() || context.common.json {
            return Err(grant::Error::NoInput { provider: provider.id.clone(), key: input.key.to_owned() }.into());
        }
        signals::watch(&context.terminal);
        let question = format!("{} ({}): ", input.summary, provider.name);
        answers.push(match input.is_secret {
            true => overrides::secret(input.key, context.terminal.prompt_secret(&question)?),
            false => overrides::plain(input.key, context.terminal.prompt_line(&question)?.trim()),
        });
    }
    Ok(answers)
}

/// What the session's last login set above the registry, where the registry and this command line leave something open: a
/// session that was made with options can be made again without them.
fn earlier(
    context: &Context,
    definition: &Definition,
    account: Option<&str>,
    arguments: &Arguments,
) -> Result<Vec<Override>, Failure> {
    let complete = definition.provider().is_ok_and(|provider| provider.client_id.is_some());
    if complete || arguments.client_id.is_some() || !context.common.settings.is_empty() {
        return Ok(Vec::new());
    }
    let keeper = context.keeper()?;
    let entries = keeper.catalog().of_provider(&definition.id)?;
    let of_account = |entry: &&Entry| account.is_none_or(|account| entry.key.account() == account);
    let Some(entry) = entries.iter().filter(of_account).max_by_key(|entry| entry.default) else {
        return Ok(Vec::new());
    };
    let overrides = keeper.store().load(&entry.key)?.map(|session| session.overrides).unwrap_or_default();
    let overrides = registered::without_registered(overrides);
    Ok(if definition.discovery().is_some() { whose::lasting(overrides) } else { overrides })
}

/// A login that failed left nothing behind, and a code is redeemed only once.
fn unfinished(error: session::Error, name: &str, id: &str) -> Failure {
    let over = matches!(error, session::Error::Grant(grant::Error::CodeExpired { .. }));
    let failure = Failure::from(error).at(name);
    if over {
        return failure.instead(format!("log in again for a new code:  keyfob login {id} --device"));
    }
    if failure.code() == ExitCode::Network && failure.is_retryable() {
        return failure.instead(format!("nothing was stored; log in again:  keyfob login {id}"));
    }
    failure
}

/// Keeps the choice of a default.
fn finish(context: &Context, arguments: &Arguments, mut entry: Entry) -> Result<Entry, Failure> {
    if arguments.default {
        entry.default = context.keeper()?.catalog().set_default(&entry.key)?;
    }
    Ok(entry)
}

/// Where a login goes.
pub enum Place {
    /// To a provider; the account where one is forced.
    Known(String, Option<String>),
    /// To whoever issues tokens for an address.
    Unknown(Url),
}

/// The provider, and the account where one is forced; or an address of which nothing is known yet.
pub fn place(context: &Context, argument: Option<&str>) -> Result<Place, Failure> {
    match target::named(context, argument)? {
        Some(Target::Provider(name)) => Ok(Place::Known(name, None)),
        Some(Target::Session(key)) => Ok(Place::Known(key.provider().to_owned(), Some(key.account().to_owned()))),
        Some(Target::Address(url)) => match target::at_login(context, &url) {
            Ok(entry) => Ok(Place::Known(entry.key.provider().to_owned(), Some(entry.key.account().to_owned()))),
            Err(failure) if failure.code() == ExitCode::NotFound => match from_url::known(context, &url)? {
                Some(id) => Ok(Place::Known(id, None)),
                None => Ok(Place::Unknown(url)),
            },
            Err(failure) => Err(failure),
        },
        None => Ok(Place::Known(pick(context)?, None)),
    }
}

/// Lets a person choose a provider, ready ones first.
fn pick(context: &Context) -> Result<String, Failure> {
    let missing = || {
        Failure::usage("login needs a provider").hint("for example  keyfob login github;  names: keyfob provider list")
    };
    if !context.terminal.is_interactive() || context.common.json {
        return Err(missing());
    }
    let mut names: Vec<(bool, String)> = Vec::new();
    for listed in context.registry()?.ids()? {
        let Ok(definition) = &listed.definition else { continue };
        let needs_none = definition.discovery().is_some();
        let ready = listed.is_complete && (needs_none || definition.value("client_id").is_some());
        names.push((!ready, listed.id));
    }
    names.sort();
    let names: Vec<String> = names.into_iter().map(|(_, name)| name).collect();
    let at = target::choose(context, "Where do you want to log in", &names)?.ok_or_else(missing)?;
    Ok(names[at].clone())
}

/// What this command line sets above the registry.
fn given(context: &Context, arguments: &Arguments, definition: &Definition) -> Result<Vec<Override>, Failure> {
    let mut overrides = Vec::new();
    for option in &context.common.settings {
        let Input { key, value, is_secret } = inputs::read(definition, option, &context.environment)?;
        overrides.push(Override { key, value, is_secret });
    }
    if let Some(client_id) = &arguments.client_id {
        overrides.push(overrides::plain("client_id", client_id));
    }
    if let Some(path) = &arguments.client_secret_file {
        if path.as_os_str() == "-" && arguments.with_token {
            return Err(
                Failure::usage("standard input holds the token already").hint("give the client secret in a file")
            );
        }
        overrides.push(overrides::secret("client_secret", inputs::file_or_stdin(path)?));
    }
    Ok(overrides)
}

/// The grant: as asked for, else as entry and machine have it; and what the server has said of itself, if it was asked.
fn grant(
    context: &Context,
    arguments: &Arguments,
    definition: &Definition,
    usable: Result<(), Reason>,
    mut told: Option<AuthorizationServer>,
) -> Result<(Found, Option<AuthorizationServer>), Failure> {
    let redirects = arguments.port.is_some() || arguments.redirect_uri.is_some();
    let choice = Choice { asked: arguments.asked(), usable, redirects };
    // A server that cannot be asked fails the login soon enough.
    let announced = || {
        told = told.take().or_else(|| registered::ask(context, definition).ok());
        told.as_ref().is_some_and(|server| server.device_authorization_endpoint.is_some())
    };
    let grant = choice.grant(&definition.provider()?, announced)?;
    Ok((grant, told))
}

/// What this command line asks for.
fn asked(
    context: &Context,
    arguments: &Arguments,
    definition: &Definition,
    account: Option<&str>,
) -> Result<GrantRequest, Failure> {
    let Arguments { scope, resource, audience, .. } = arguments;
    let mut request =
        request(context, definition, account, Purpose { scope, resource, audience: audience.as_deref() })?;
    for option in &arguments.param {
        let Some((name, value)) = option.split_once('=') else {
            return Err(Failure::usage(format!("`--param {option}` is not KEY=VALUE"))
                .hint("for example  --param prompt=select_account"));
        };
        request.params.retain(|(known, _)| known != name);
        request.params.push((name.to_owned(), value.to_owned()));
    }
    (request.port, request.redirect_uri) = (arguments.port, arguments.redirect_uri.clone());
    Ok(request)
}

/// How long a person is waited for; `usual`: where neither command line nor settings say.
pub fn patience(context: &Context, usual: Duration) -> Result<Duration, Failure> {
    Ok(context.common.timeout.or(context.settings()?.timeout).unwrap_or(usual))
}

/// The browser, and whether it can be used here.
fn browser(
    context: &Context,
    arguments: &Arguments,
    definition: &Definition,
    account: Option<&str>,
) -> Result<(Browser, Result<(), Reason>), Failure> {
    let settings = context.settings()?;
    let own = account.and_then(|account| settings.sessions.get(&format!("{}/{account}", definition.id)));
    let configured = own.and_then(|own| own.browser.as_deref()).or(settings.browser.as_deref());
    let chosen = browser::choose(arguments.browser.as_deref(), arguments.no_browser, &context.environment, configured);
    let chosen = chosen.map_err(|error| Failure::new(ExitCode::Config, error.to_string()))?;
    let usable = browser::usable(&chosen, &context.environment);
    Ok((chosen, usable))
}

fn interaction(
    context: &Context,
    arguments: &Arguments,
    provider: &Provider,
    browser: Browser,
    usable: Result<(), Reason>,
) -> AtTerminal {
    let user = AtTerminal::new(context.terminal.clone(), provider.name.clone(), browser, usable);
    let mut secrets = provider.secret_variables();
    secrets.extend(inputs::variables(&context.common.settings));
    user.with_qr(arguments.qr).with_events(context.common.json && !arguments.within).without_variables(secrets)
}

/// Tells where the session will be kept, unless it is the usual place.
fn tell_store(context: &Context, store: &str) {
    if store != "keyring" {
        context.terminal.say(&format!("The session will be kept in: {}", shown::store_name(store)));
    }
}

fn tell(context: &Context, entry: &Entry, provider: &str) {
    let wording = Wording::new(context.now());
    let who = entry.profile.username.as_ref().or(entry.profile.email.as_ref()).or(entry.profile.name.as_ref());
    let who = who.map(|who| format!(" as {who}")).unwrap_or_default();
    context.terminal.success(&format!("Logged in to {provider}{who}: {}", entry.key));
    if !entry.scopes.is_empty() {
        context.terminal.say(&format!("  scopes    {}", entry.scopes.join(" ")));
    }
    let renewed = if entry.refreshable { ", renewed automatically" } else { "" };
    context.terminal.say(&format!("  expires   {}{renewed}", wording.expiry(entry.expires_at)));
    context.terminal.say(&format!("  stored    {}", shown::store_name(&entry.store)));
    for waiver in &entry.waivers {
        context.terminal.warning(&format!("this provider's entry weakens a check: {waiver}"));
    }
}
