//! `keyfob list`: the sessions there are, without network and without the store.

use clap::Args;
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
    }
    let now = context.now();
    if context.common.json {
        let sessions: Vec<Value> =
            entries.iter().map(|entry| shown::session(entry, shown::is_default(entry, &entries), now)).collect();
        context.terminal.json_line(&json!({ "schema": "keyfob.sessions/1", "sessions": sessions }));
        return Ok(ExitCode::Done);
    }
    if context.common.quiet {
        entries.iter().for_each(|entry| context.terminal.line(&entry.key.to_string()));
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
    let lines = if context.common.plain { table.facts() } else { table.lines() };
    lines.iter().for_each(|line| context.terminal.line(line));
    if starred {
        context.terminal.line("* default of its provider");
    }
    Ok(ExitCode::Done)
}
