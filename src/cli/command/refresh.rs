//! `keyfob refresh`: renews sessions now.

use std::time::Duration;

use clap::Args;
use keyfob::client::Freshness;
use keyfob::protocol::token::TokenType;
use keyfob::session::index::Entry;
use keyfob::session::{Renewal, Renewed};
use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::cli::exit_code::ExitCode;
use crate::cli::options::parse_duration;
use crate::cli::report::Failure;
use crate::cli::shown;
use crate::cli::target::{self, Absence};
use crate::cli::time::Wording;

/// Which sessions.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  keyfob refresh github\n  keyfob refresh --all --expiring-within 10m")]
pub struct Arguments {
    /// Provider, session or address
    #[arg(conflicts_with = "all")]
    target: Option<String>,

    /// Every session
    #[arg(long)]
    all: bool,

    /// Only what expires within this time
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    expiring_within: Option<Duration>,
}

/// Renews.
pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    if arguments.all {
        return all(context, arguments);
    }
    let entry = target::session(context, arguments.target.as_deref(), Absence::NeedsLogin)?;
    let entry = renew(context, &entry, arguments.expiring_within).map_err(|failure| failure.mended_by(&entry))?;
    if context.common.json {
        let siblings = context.keeper()?.catalog().of_provider(entry.key.provider())?;
        context.terminal.json_line(&shown::session(&entry, shown::is_default(&entry, &siblings), context.now()));
    }
    Ok(ExitCode::Done)
}

/// Every session is tried, each result is told, and the first failure decides the exit code.
fn all(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let (entries, _) = context.keeper()?.catalog().all()?;
    let mut first = None;
    let mut renewed: Vec<Entry> = Vec::new();
    for entry in &entries {
        match renew(context, entry, arguments.expiring_within) {
            Ok(entry) => renewed.push(entry),
            Err(failure) => {
                let failure = failure.mended_by(entry);
                failure.report(&context.terminal);
                first.get_or_insert(failure.code());
            }
        }
    }
    if context.common.json {
        let now = context.now();
        let sessions: Vec<Value> =
            renewed.iter().map(|entry| shown::session(entry, shown::is_default(entry, &entries), now)).collect();
        context.terminal.json_line(&json!({ "schema": "keyfob.sessions/1", "sessions": sessions }));
    }
    Ok(first.unwrap_or(ExitCode::Done))
}

/// Renews one session and says what came of it.
fn renew(context: &Context, entry: &Entry, within: Option<Duration>) -> Result<Entry, Failure> {
    let keeper = context.keeper_of(entry)?;
    let limit = within.map(|within| i64::try_from(within.as_secs()).unwrap_or(i64::MAX));
    let far = |limit: i64| entry.expires_at.is_none_or(|end| end > context.now().saturating_add(limit));
    if limit.is_some_and(far) && entry.trouble.is_none() {
        context.terminal.say(&format!("  {} does not expire that soon", entry.key));
        return Ok(entry.clone());
    }
    if entry.token_type == TokenType::OAuth1.name() && entry.trouble.is_none() {
        return Err(not_renewable(entry));
    }
    if entry.trouble.is_some() || !entry.refreshable {
        return Err(Failure::login_required(&entry.key, entry.trouble.as_ref()));
    }
    let definition = context.definition_of(&keeper.load(&entry.key)?)?;
    let client = context.client(&definition, Freshness::Kept)?;
    let renewal =
        Renewal { min_validity: limit.unwrap_or(0), forced: true, clock_tolerance: context.clock_tolerance()? };
    let progress = context.terminal.progress(&format!("Renewing {}", entry.key));
    let outcome = context.block_on(keeper.renew(&entry.key, &client, renewal))?;
    drop(progress);
    let Renewed { session, remarks, failure, .. } =
        outcome.map_err(|error| Failure::from(error).at(&entry.key.to_string()).session(&entry.key))?;
    shown::remarks(&context.terminal, &remarks);
    if let Some(failure) = failure {
        return Err(Failure::from(failure).session(&entry.key));
    }
    let renewed = Entry { default: entry.default, ..Entry::of(&session, keeper.store().name()) };
    let ends = Wording::new(context.now()).expiry_inline(renewed.expires_at);
    context.terminal.success(&format!("{} renewed, expires {ends}", renewed.key));
    Ok(renewed)
}

/// OAuth 1.0 has no refresh: its tokens are good until somebody takes them back (RFC 5849 §4.10).
fn not_renewable(entry: &Entry) -> Failure {
    let what = match entry.expires_at {
        None => "tokens of OAuth 1.0a do not expire, and there is no way to renew them",
        Some(_) => "this token of OAuth 1.0a ends, and there is no way to renew it",
    };
    Failure::new(ExitCode::LoginRequired, format!("{}: {what}; a new one takes a login", entry.key)).session(&entry.key)
}
