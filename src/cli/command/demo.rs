//! `keyfob demo`: a whole login against a server inside this process, with nothing to register.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use keyfob::client::{Client, Freshness, SecretStore};
use keyfob::grant::{Error, GrantRequest, Interaction, LocalFuture, authorization_code};
use keyfob::protocol::presentation;
use keyfob::registry::Definition;
use keyfob::secret::Secret;
use keyfob::session::store::{Kind, Store};
use keyfob::session::{Keeper, Override, Renewal, Session, ending, login};
use keyfob::system::trace::{Event, Party, Step};
use serde_json::json;
use url::Url;

use crate::cli::context::Context;
use crate::cli::demo::{DemoServer, play};
use crate::cli::exit_code::ExitCode;
use crate::cli::interaction::AtTerminal;
use crate::cli::options::Explain;
use crate::cli::report::Failure;
use crate::cli::shown;
use crate::cli::terminal::Terminal;
use crate::cli::time::Wording;
use crate::cli::{browser, options, overrides, signals};

/// The provider's name.
const PROVIDER: &str = "demo";

/// How it ends.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  keyfob demo\n  keyfob demo --no-browser\n  keyfob demo --keep")]
pub struct Arguments {
    /// Leave the session and the server running until Ctrl-C, to try the other commands on `demo`
    #[arg(long)]
    keep: bool,

    /// Play the person at the browser too
    #[arg(long)]
    no_browser: bool,
}

/// Runs the demonstration.
pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let narrated;
    let context = if context.common.explain.is_none() && !context.common.json {
        // The narration is what the demonstration is for.
        let common = options::Common { explain: Some(Explain::Text), ..context.common.clone() };
        narrated = Context::new(common, context.terminal.clone(), context.environment.clone());
        &narrated
    } else {
        context
    };
    let place = Place::choose(context, arguments.keep)?;
    context.block_on(show(context, arguments, &place))?
}

/// Where the demonstration's session lies.
struct Place {
    keeper: Keeper,
    /// State that goes with the demonstration; dropped last.
    _directory: Option<tempfile::TempDir>,
}

impl Place {
    /// The store in use where it works, else memory: the session is worth nothing.
    fn choose(context: &Context, keep: bool) -> Result<Self, Failure> {
        let settings = context.settings()?;
        let (store, kind) = usable_store(context)?;
        if keep || kind == Kind::Memory {
            let state_dir = context.state_dir().unwrap_or_default();
            let keeper = context.keeper_in(state_dir, store, settings.token_cache, settings.limits.lock);
            return Ok(Self { keeper, _directory: None });
        }
        let failed =
            |error: std::io::Error| Failure::new(ExitCode::Internal, format!("no temporary directory: {error}"));
        let directory = tempfile::Builder::new().prefix("keyfob-demo-").tempdir().map_err(failed)?;
        signals::remove_at_end(directory.path().to_owned());
        let keeper = context.keeper_in(directory.path().join("state"), store, false, settings.limits.lock);
        Ok(Self { keeper, _directory: Some(directory) })
    }
}

fn usable_store(context: &Context) -> Result<(Arc<dyn Store>, Kind), Failure> {
    let kind = context.storage()?;
    // A file store would ask for a passphrase for a session that is worth nothing.
    if kind == Kind::Keyring {
        let store = context.open_store_of(kind)?;
        match store.probe() {
            Ok(()) => return Ok((store, kind)),
            Err(error) => {
                let reason = Failure::from(error);
                context.terminal.say(&format!(
                    "No keyring is used here ({}); the demo's session stays in memory.",
                    reason.message()
                ));
            }
        }
    } else {
        context.terminal.say("The demo's session stays in memory.");
    }
    Ok((context.open_store_of(Kind::Memory)?, Kind::Memory))
}

async fn show(context: &Context, arguments: &Arguments, place: &Place) -> Result<ExitCode, Failure> {
    let keeper = &place.keeper;
    let failed = |error: std::io::Error| {
        Failure::new(ExitCode::Internal, format!("the demo's server cannot be started: {error}"))
    };
    let server = DemoServer::start().await.map_err(failed)?;
    context.terminal.say(&format!("An authorization server is running inside this process: {}", server.issuer()));
    let overrides = overrides(&server);
    let definition = definition(context, &overrides)?;
    let client = Client::new(&definition, Arc::clone(context.system()?), None, &NoSecrets, Freshness::Anew)?;
    let session = log_in(context, arguments, keeper, &client, &overrides).await?;
    tell_login(context, &session, keeper);
    call_resource(context, &server, &session).await?;
    let session = refresh(context, keeper, &client, &session).await?;
    list(context, keeper)?;
    if arguments.keep {
        return keep(context, keeper, &client, &session).await;
    }
    log_out(context, keeper, &client, &session).await?;
    context.terminal.success("That was all of it. Next:  keyfob provider list,  then  keyfob login PROVIDER");
    if context.common.json {
        let requests: Vec<_> = server
            .log()
            .iter()
            .map(|seen| json!({ "method": seen.method, "path": seen.path, "status": seen.status }))
            .collect();
        context.terminal.json_line(&json!({ "schema": "keyfob.demo/1", "requests": requests }));
    }
    Ok(ExitCode::Done)
}

/// The demonstration's provider, pointed at the server.
fn definition(context: &Context, overrides: &[Override]) -> Result<Definition, Failure> {
    let mut definition = context.provider(PROVIDER)?;
    overrides::apply(overrides, &mut definition)?;
    Ok(definition)
}

/// Where the server is; other terminals learn it from the session.
fn overrides(server: &DemoServer) -> Vec<Override> {
    vec![
        overrides::plain("issuer", server.issuer()),
        overrides::plain("client_id", DemoServer::CLIENT_ID),
        overrides::plain("scopes", &DemoServer::SCOPES.join(" ")),
    ]
}

async fn log_in(
    context: &Context,
    arguments: &Arguments,
    keeper: &Keeper,
    client: &Client,
    overrides: &[Override],
) -> Result<Session, Failure> {
    let settings = context.settings()?;
    let chosen = browser::choose(None, arguments.no_browser, &context.environment, settings.browser.as_deref());
    let chosen = chosen.map_err(|error| Failure::new(ExitCode::Config, error.to_string()))?;
    let usable = browser::usable(&chosen, &context.environment);
    let request = GrantRequest {
        scopes: client.provider().scopes.clone(),
        scopes_are_final: true,
        resources: Vec::new(),
        audience: None,
        params: Vec::new(),
        port: None,
        redirect_uri: None,
        whom: None,
        timeout: super::login::patience(context, authorization_code::PATIENCE)?,
        clock_tolerance: context.clock_tolerance()?,
    };
    let grant = &authorization_code::AuthorizationCode;
    let name = login::Name { account: None, overrides };
    let outcome = match usable {
        Ok(()) => {
            let user = AtTerminal::new(context.terminal.clone(), client.provider().name.clone(), chosen, usable);
            login::login(keeper, client, grant, &request, &user, name).await
        }
        Err(reason) => {
            let user = Played { terminal: context.terminal.clone(), reason: reason.phrase() };
            login::login(keeper, client, grant, &request, &user, name).await
        }
    };
    Ok(outcome?.session)
}

fn tell_login(context: &Context, session: &Session, keeper: &Keeper) {
    let wording = Wording::new(context.now());
    context.terminal.success(&format!("Logged in as {}: {}", session.key.account(), session.key));
    context.terminal.say(&format!("  scopes    {}", session.tokens.scopes.join(" ")));
    context.terminal.say(&format!("  expires   {}", wording.expiry(session.tokens.expires_at)));
    context.terminal.say(&format!("  stored    {}", shown::store_name(keeper.store().name())));
}

/// Steps 5 and 6: the token is presented to the resource server, which answers.
async fn call_resource(context: &Context, server: &DemoServer, session: &Session) -> Result<(), Failure> {
    let system = context.system()?;
    let address = format!("{}/api/hello", server.issuer());
    let step = |number, between, title: &str, why: &str, specification| {
        let (title, why) = (title.to_owned(), why.to_owned());
        system.trace.tell(|| Event::Step(Step { number, between, title, why, specification }));
    };
    step(
        5,
        (Party::Client, Party::ResourceServer),
        "present the access token to the resource server",
        "in the Authorization header and nowhere else: addresses end up in logs",
        "RFC 6750 section 2.1",
    );
    let mut request = http::Request::new(Vec::new());
    *request.uri_mut() =
        address.parse().map_err(|_| Failure::new(ExitCode::Internal, "the demo's address is malformed"))?;
    let header = presentation::authorization(session.tokens.token_type, &session.tokens.access_token)?;
    request.headers_mut().insert(http::header::AUTHORIZATION, header);
    let response = system.http.send(request).await?;
    if response.status() != http::StatusCode::OK {
        return Err(Failure::new(
            ExitCode::Refused,
            format!("the resource server answered with status {}", response.status()),
        ));
    }
    step(
        6,
        (Party::ResourceServer, Party::Client),
        "receive the protected resource",
        "the token is valid, unexpired and for this scope",
        "RFC 6749 section 7",
    );
    let text = String::from_utf8_lossy(response.body()).into_owned();
    context.terminal.say(&format!("  the resource server says: {}", text.trim()));
    Ok(())
}

async fn refresh(context: &Context, keeper: &Keeper, client: &Client, session: &Session) -> Result<Session, Failure> {
    context.terminal.say("A refresh, which needs nobody:");
    let renewal = Renewal { min_validity: 0, forced: true, clock_tolerance: context.clock_tolerance()? };
    let renewed = keeper.renew(&session.key, client, renewal).await?;
    let ends = Wording::new(context.now()).expiry_inline(renewed.session.tokens.expires_at);
    context.terminal.success(&format!("{} renewed, expires {ends}", session.key));
    Ok(renewed.session)
}

fn list(context: &Context, keeper: &Keeper) -> Result<(), Failure> {
    context.terminal.say("What  keyfob list  shows now:");
    let (entries, _) = keeper.catalog().all()?;
    let (now, wording) = (context.now(), Wording::new(context.now()));
    for entry in entries.iter().filter(|entry| entry.key.provider() == PROVIDER) {
        let state = shown::State::of(entry, now).word();
        context.terminal.say(&format!("  {}  {state}  {}", entry.key, shown::ends(entry, now, &wording)));
    }
    Ok(())
}

async fn log_out(context: &Context, keeper: &Keeper, client: &Client, session: &Session) -> Result<(), Failure> {
    context.terminal.say("A logout:");
    let held = keeper.lock(&session.key)?;
    let revoked = ending::revoke(session, client).await;
    keeper.forget(&session.key, &held)?;
    revoked?;
    context.terminal.success(&format!("Revoked at the server and removed: {}", session.key));
    Ok(())
}

/// Leaves everything running until Ctrl-C, and then takes the session away.
async fn keep(context: &Context, keeper: &Keeper, client: &Client, session: &Session) -> Result<ExitCode, Failure> {
    let terminal = &context.terminal;
    if keeper.store().name() == "memory" {
        terminal.say("The session is in this process's memory, so other terminals cannot see it.");
    } else {
        terminal.say("Try from another terminal:  keyfob token demo,  keyfob status demo,  keyfob refresh demo");
    }
    terminal.say("Ctrl-C ends the server and the session.");
    interrupted().await;
    log_out(context, keeper, client, session).await?;
    Ok(ExitCode::Done)
}

/// Takes the next Ctrl-C, which would end the process at once.
#[cfg(unix)]
async fn interrupted() {
    let _ = signals::take_next().await;
}

#[cfg(not(unix))]
async fn interrupted() {
    let _ = tokio::signal::ctrl_c().await;
}

/// A public client needs no secret.
struct NoSecrets;

impl SecretStore for NoSecrets {
    fn client_secret(&self, _: &str) -> Result<Option<Secret>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(None)
    }

    fn private_key(&self, _: &str) -> Result<Option<Secret>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(None)
    }
}

/// The person at the browser, played by this program.
struct Played {
    terminal: Terminal,
    reason: &'static str,
}

impl Interaction for Played {
    fn visit<'a>(&'a self, url: &'a Url, _: &'a str) -> LocalFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.terminal.say(&format!(
                "No browser here ({}): the demo plays the person who opens the address and presses Allow.",
                self.reason
            ));
            let url = url.clone();
            // Beside the wait for the redirect; what fails shows there.
            tokio::task::spawn(async move { play(&url).await });
            Ok(())
        })
    }

    fn waiting(&self, _: Duration) {}

    fn refused(&self) {}

    fn remark(&self, text: &str) {
        self.terminal.warning(text);
    }

    fn pasted(&self) -> LocalFuture<'_, Secret> {
        Box::pin(std::future::pending())
    }

    fn can_paste(&self) -> bool {
        false
    }
}
