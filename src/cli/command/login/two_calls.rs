//! `login --begin` and `--complete`: two calls instead of one that waits.
//!
//! For whoever cannot leave a program waiting: a chat, a job with a limit, a machine that is only reached now and then.

use std::time::Duration;

use keyfob::client::{Client, Freshness};
use keyfob::grant::authorization_code::AuthorizationCode;
use keyfob::grant::device_code::DeviceCode;
use keyfob::grant::{self, Found, Grant, GrantRequest};
use keyfob::registry::Definition;
use keyfob::secret::Secret;
use keyfob::session::index::Entry;
use keyfob::session::login::Name;
use keyfob::session::pending::Pending;
use keyfob::session::store::{Kind, Store};
use keyfob::session::{self, SessionKey, login};
use url::Url;

use super::{Arguments, choice, concluded, patience, unfinished};
use crate::cli::browser::{Browser, Reason};
use crate::cli::context::Context;
use crate::cli::exit_code::ExitCode;
use crate::cli::inputs;
use crate::cli::interaction::AtTerminal;
use crate::cli::report::Failure;
use crate::cli::target::{ATPROTO, INDIEAUTH};

/// How long the browser's answer may be brought, unless `--timeout` says otherwise. A device code has its own life.
const LIFE: Duration = Duration::from_secs(15 * 60);

/// Refuses where nothing can be kept between the calls.
pub fn check(context: &Context) -> Result<(), Failure> {
    match context.storage()? {
        Kind::Memory => {
            let message = "a login in two calls is kept in the secret store, and the memory store ends with each";
            Err(Failure::usage(message).hint("log in with one call, or use another store:  KEYFOB_STORAGE=file"))
        }
        Kind::Keyring | Kind::File => Ok(()),
    }
}

/// How long a login by `grant` may take from its begin.
pub fn life(context: &Context, grant: &dyn Grant) -> Result<Duration, Failure> {
    let usual = if grant.name() == DeviceCode.name() { grant.patience() } else { LIFE };
    patience(context, usual)
}

/// Shows what to do, keeps what the second call needs, and returns.
pub fn begin(
    context: &Context,
    arguments: &Arguments,
    client: &Client,
    grant: &dyn Grant,
    request: &GrantRequest,
    name: Name<'_>,
) -> Result<(), Failure> {
    let provider = client.provider();
    let user = person(context, &provider.name).with_qr(arguments.qr).with_events(context.common.json).leaving();
    let begun = context.block_on(login::begin(context.keeper()?, client, grant, request, &user, name))?;
    begun.map_err(|error| Failure::from(error).at(&provider.name))?;
    context.terminal.say(&match grant.name() == DeviceCode.name() {
        true => format!("Then, here:  keyfob login {} --complete", provider.id),
        false => format!(
            "It ends on a page that may not load. Give that page's address to:  keyfob login {} --complete -",
            provider.id
        ),
    });
    Ok(())
}

/// The entry with the login that was begun at a person's page or an AT Protocol server, which writes no entry of its own.
pub fn begun_at(context: &Context, url: &Url) -> Result<Option<String>, Failure> {
    check(context)?;
    let store = context.keeper()?.store();
    for id in [INDIEAUTH, ATPROTO] {
        let Some(pending) = Pending::load(store.as_ref(), id)? else { continue };
        let of_page = pending.whom.iter().flat_map(|whom| &whom.ids).any(|known| known == url.as_str());
        let of_server = || pending.issuer.as_deref().and_then(|issuer| Url::parse(issuer).ok()).as_ref() == Some(url);
        if of_page || of_server() {
            return Ok(Some(id.to_owned()));
        }
    }
    Ok(None)
}

/// Finishes what was begun at the provider `id`, for `account` where one is named.
pub fn complete(
    context: &Context,
    arguments: &Arguments,
    (id, account): (&str, Option<&str>),
    answer: &str,
) -> Result<Entry, Failure> {
    check(context)?;
    let named = context.provider(id)?.id;
    let id = named.as_str();
    let keeper = context.keeper()?;
    let store = keeper.store().as_ref();
    let again = format!("keyfob login {id} --begin");
    let Some(pending) = Pending::load(store, id)? else {
        return Err(Failure::usage(format!("no login to {id} was begun here")).hint(again));
    };
    if pending.begun.expires_at <= context.now() {
        Pending::remove(store, id)?;
        return Err(Failure::new(ExitCode::Timeout, format!("the login to {id} that was begun is over")).hint(again));
    }
    if let (Some(account), Some(begun)) = (account, pending.account.as_deref())
        && SessionKey::new(id, account)? != SessionKey::new(id, begun)?
    {
        let message = format!("the login to {id} that was begun is for {begun}, not for {account}");
        return Err(Failure::usage(message).hint(format!("keyfob login {id}/{begun} --complete -")));
    }
    let (definition, grant) = resumed(context, id, &pending)?;
    let answer = brought(context, &*grant, id, answer)?;
    let client = context.client(&definition, Freshness::Anew)?;
    if !pending.is_of(&client) {
        let message = format!("the entry of {id} has another server or client than when the login was begun");
        return Err(Failure::new(ExitCode::Security, message).hint(again));
    }
    let request = GrantRequest {
        scopes: pending.begun.scopes.clone(),
        scopes_are_final: true,
        resources: pending.resources.clone(),
        audience: pending.audience.clone(),
        params: pending.params.clone(),
        port: None,
        redirect_uri: None,
        whom: pending.whom.clone(),
        timeout: life(context, &*grant)?,
        clock_tolerance: context.clock_tolerance()?,
    };
    let name = client.provider().name.clone();
    let user = person(context, &name);
    if grant.name() == DeviceCode.name() {
        context.terminal.say(&format!("Waiting for {name} (Ctrl-C to stop) …"));
    }
    let finishing = login::complete(keeper, &client, &*grant, &request, &user, (&pending, answer.as_ref()));
    let outcome = context.block_on(finishing)?;
    if outcome.as_ref().map_or_else(|error| !can_be_repeated(error, context, &pending), |_| true) {
        forget(context, store, id);
    }
    let logged_in = outcome.map_err(|error| unfinished(error, &name, id))?;
    concluded(context, arguments, logged_in, &name)
}

/// The entry with what the first call set above it, and the grant.
fn resumed(context: &Context, id: &str, pending: &Pending) -> Result<(Definition, Found), Failure> {
    Ok((context.made_with(id, &pending.overrides)?, choice::named(&pending.grant)?))
}

/// What the person brings: as an argument, from standard input, or asked for.
fn brought(context: &Context, grant: &dyn Grant, id: &str, answer: &str) -> Result<Option<Secret>, Failure> {
    if grant.name() != AuthorizationCode.name() {
        return match answer {
            "" => Ok(None),
            _ => {
                Err(Failure::usage("a login by a code has no answer to give")
                    .hint(format!("keyfob login {id} --complete")))
            }
        };
    }
    match answer {
        "-" => inputs::stdin().map(Some),
        "" if context.terminal.is_interactive() => Ok(Some(context.terminal.prompt_line("paste> ")?.into())),
        "" => Err(Failure::usage("the address of the page that the browser ended on is missing")
            .hint(format!("on standard input:  keyfob login {id} --complete -"))),
        answer => Ok(Some(answer.into())),
    }
}

/// Whether the login that was begun is as good as before.
fn can_be_repeated(error: &session::Error, context: &Context, pending: &Pending) -> bool {
    let lives = pending.begun.expires_at > context.now();
    let by_code = pending.grant == DeviceCode.name();
    match error {
        session::Error::Grant(grant::Error::Callback(_) | grant::Error::PastedState) => true,
        session::Error::Grant(grant::Error::CodeExpired { .. } | grant::Error::Abandoned) => by_code && lives,
        _ => false,
    }
}

/// What is left would be of no use, and goes at its end at the latest.
fn forget(context: &Context, store: &dyn Store, id: &str) {
    if let Err(error) = Pending::remove(store, id) {
        context.terminal.warning(&format!("what was kept of the login's begin is still in the store: {error}"));
    }
}

/// Somebody who is told, and for whom nothing is opened.
fn person(context: &Context, name: &str) -> AtTerminal {
    AtTerminal::new(context.terminal.clone(), name.to_owned(), Browser::None, Err(Reason::Unwanted))
}
