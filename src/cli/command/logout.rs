//! `keyfob logout`: revokes and forgets sessions.

mod browser_session;

use clap::Args;
use keyfob::client::Freshness;
use keyfob::session::index::Entry;
use keyfob::session::{Session, ending};
use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::cli::exit_code::ExitCode;
use crate::cli::report::Failure;
use crate::cli::shown;
use crate::cli::target::{self, Absence, Target};

/// Which sessions, and how.
#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  keyfob logout github/octocat\n  keyfob logout github --no-revoke\n  keyfob logout acme --browser-session\n  keyfob logout --all --yes"
)]
pub struct Arguments {
    /// Provider, session or address
    #[arg(conflicts_with = "all")]
    target: Option<String>,

    /// Only forget it here; no network
    #[arg(long)]
    no_revoke: bool,

    /// Also open the provider's logout page, which ends the session that its own pages keep in the browser
    #[arg(long, conflicts_with = "all")]
    browser_session: bool,

    /// Every session
    #[arg(long)]
    all: bool,

    /// Do not ask before ending every session
    #[arg(long)]
    yes: bool,
}

/// Logs out. The local session goes even if the server cannot be told.
pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    if arguments.all {
        return all(context, arguments);
    }
    let entry = match target::session(context, arguments.target.as_deref(), Absence::NotFound) {
        Ok(entry) => entry,
        Err(failure) if failure.code() == ExitCode::NotFound => return absent(context, arguments, failure),
        Err(failure) => return Err(failure),
    };
    // Looked up while the session is still there, opened once it is not.
    let page = arguments.browser_session.then(|| browser_session::page(context, &entry));
    let mut outcome = Outcome::default();
    outcome.end(context, arguments, entry.clone());
    // Whoever ends a provider's session means what was obtained unasked beside it too.
    if entry.request.is_some() {
        match variants(context, &entry) {
            Ok(variants) => variants.into_iter().for_each(|variant| outcome.end(context, arguments, variant)),
            Err(failure) => outcome.note(context, &failure),
        }
    }
    if let Some(page) = page.filter(|_| !outcome.ended.is_empty())
        && let Err(failure) = page.and_then(|page| browser_session::open(context, &page))
    {
        outcome.note(context, &failure);
    }
    Ok(outcome.tell(context))
}

/// What came of ending sessions: each failure is told when it happens, and keeps none of the others from being ended.
#[derive(Default)]
struct Outcome {
    ended: Vec<Entry>,
    /// The exit code of the first failure.
    first: Option<ExitCode>,
}

impl Outcome {
    fn end(&mut self, context: &Context, arguments: &Arguments, entry: Entry) {
        match end(context, &entry, arguments) {
            Ok(told) => {
                self.ended.push(entry);
                told.iter().for_each(|failure| self.note(context, failure));
            }
            Err(failure) => self.note(context, &failure),
        }
    }

    fn note(&mut self, context: &Context, failure: &Failure) {
        failure.report(&context.terminal);
        self.first.get_or_insert(failure.code());
    }

    /// Prints which sessions are gone, whatever else happened.
    fn tell(self, context: &Context) -> ExitCode {
        if context.common.json {
            let now = context.now();
            let sessions = self.ended.iter().map(|entry| shown::session(entry, entry.default, now));
            let sessions: Vec<Value> = sessions.collect();
            context.terminal.json_line(&json!({ "schema": "keyfob.sessions/1", "sessions": sessions }));
        }
        self.first.unwrap_or(ExitCode::Done)
    }
}

/// What was obtained beside `entry` for other purposes than the provider's entry says.
fn variants(context: &Context, entry: &Entry) -> Result<Vec<Entry>, Failure> {
    let siblings = context.keeper()?.catalog().of_provider(entry.key.provider())?;
    Ok(siblings.into_iter().filter(|sibling| sibling.is_variant() && sibling.key != entry.key).collect())
}

/// No such session of a known provider: what was wanted is so already.
fn absent(context: &Context, arguments: &Arguments, failure: Failure) -> Result<ExitCode, Failure> {
    let (name, provider) = match target::named(context, arguments.target.as_deref())? {
        Some(Target::Provider(name)) => (name.clone(), name),
        Some(Target::Session(key)) => (key.to_string(), key.provider().to_owned()),
        Some(Target::Address(_)) | None => return Err(failure),
    };
    if context.registry()?.find(&provider).is_err() {
        return Err(failure);
    }
    context.terminal.say(&format!("There is no session {name}; nothing to do."));
    Ok(Outcome::default().tell(context))
}

fn all(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let (entries, _) = context.keeper()?.catalog().all()?;
    if !entries.is_empty() && !arguments.yes {
        let question = format!("End all {} sessions?", entries.len());
        if !context.terminal.is_interactive() || context.common.json {
            return Err(Failure::usage("ending every session needs a confirmation").hint("keyfob logout --all --yes"));
        }
        crate::cli::signals::watch(&context.terminal);
        if !context.terminal.confirm(&question, false)? {
            context.terminal.say("Nothing was changed.");
            return Ok(ExitCode::Done);
        }
    }
    let mut outcome = Outcome::default();
    entries.into_iter().for_each(|entry| outcome.end(context, arguments, entry));
    Ok(outcome.tell(context))
}

/// Ends one session. What is returned is why the server could not be told, although the session is gone here.
fn end(context: &Context, entry: &Entry, arguments: &Arguments) -> Result<Option<Failure>, Failure> {
    let keeper = context.keeper_of(entry)?;
    let held = keeper.lock(&entry.key)?;
    let wanted = !arguments.no_revoke && context.settings()?.revoke_on_logout;
    let session = match keeper.store().load(&entry.key) {
        Ok(session) => session,
        // What cannot be read cannot be revoked, and is to go all the same.
        Err(error) if error.is_damage() => None,
        Err(error) => return Err(error.into()),
    };
    // Revocation needs the client that the token was issued to (RFC 7009 section 2.1); one that was brought along may
    // have none here.
    let wanted = wanted && session.as_ref().is_none_or(|session| !session.binding.client_id.is_empty());
    let revoked = match (&session, wanted) {
        (Some(session), true) => revoke(context, session),
        _ => Ok(false),
    };
    keeper.forget(&entry.key, &held)?;
    let name = &entry.key;
    match revoked {
        Ok(true) => context.terminal.success(&format!("Revoked at {} and removed: {name}", name.provider())),
        Ok(false) if wanted && session.is_some() => {
            context.terminal.success(&format!("Removed: {name} ({} has no way to revoke tokens)", name.provider()));
        }
        Ok(false) => context.terminal.success(&format!("Removed: {name}")),
        Err(failure) => {
            let message = format!("{name} is removed here, but its tokens could not be revoked: {}", failure.message());
            return Ok(Some(
                Failure::new(ExitCode::Network, message).hint("revoke them on the provider's own page").session(name),
            ));
        }
    }
    Ok(None)
}

fn revoke(context: &Context, session: &Session) -> Result<bool, Failure> {
    let definition = context.definition_of(session)?;
    let client = context.client(&definition, Freshness::Kept)?;
    let progress = context.terminal.progress(&format!("Revoking {}", session.key));
    let revoked = context.block_on(ending::revoke(session, &client))?;
    drop(progress);
    Ok(revoked?)
}
