//! `keyfob list`: the sessions there are, without network and without the store.

use clap::Args;
use keyfob::session::index::Entry;
use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::cli::exit_code::ExitCode;
use crate::cli::report::Failure;
use crate::cli::shown::{self, State};
use crate::cli::table::Table;
use crate::cli::time::Wording;

/// No arguments of its own.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  keyfob list\n  keyfob list -q\n  keyfob list --json")]
pub struct Arguments {}

/// Lists sessions.
pub fn run(context: &Context, _: &Arguments) -> Result<ExitCode, Failure> {
    let (entries, damaged) = context.keeper()?.catalog().all()?;
    for damage in &damaged {
        context.terminal.warning(&damage.to_string());
        if let Some(key) = &damage.key {
            context.terminal.hint(&format!("log in again:  keyfob login {key}"));
        }
    }
    let now = context.now();
    if context.common.json {
        // In the order of their names those of a provider are neighbours: nobody looks for them among all others.
        let of_provider = entries.chunk_by(|one, next| one.key.provider() == next.key.provider());
        let shown = |siblings: &[Entry]| -> Vec<Value> {
            siblings.iter().map(|entry| shown::session(entry, shown::is_default(entry, siblings), now)).collect()
        };
        let sessions: Vec<Value> = of_provider.flat_map(shown).collect();
        context.terminal.json_line(&json!({ "schema": "keyfob.sessions/1", "sessions": sessions }));
        return Ok(ExitCode::Done);
    }
    if context.common.quiet {
        context.terminal.lines(entries.iter().map(|entry| entry.key.to_string()));
        return Ok(ExitCode::Done);
    }
    if entries.is_empty() {
        context.terminal.say("There are no sessions. Log in with  keyfob login PROVIDER,  or try  keyfob demo");
        return Ok(ExitCode::Done);
    }
    let wording = Wording::new(now);
    let mut table = Table::new(["SESSION", "STATE", "EXPIRES", "SCOPES"]);
    let mut starred = false;
    for entry in &entries {
        let star = entry.default;
        starred |= star;
        let name = if star { format!("{} *", entry.key) } else { entry.key.to_string() };
        let state = State::of(entry, now).word();
        table.push([name, state.into(), shown::ends(entry, now, &wording), entry.scopes.join(" ")]);
    }
    context.terminal.lines(if context.common.plain { table.facts() } else { table.lines() });
    if starred {
        context.terminal.line("* default of its provider");
    }
    Ok(ExitCode::Done)
}
