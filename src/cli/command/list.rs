//! `keyfob list`: the sessions there are, without network and without the store.

use clap::Args;
use keyfob::session::index::{Damaged, Entry};
use serde::{Serialize, Serializer};

use crate::cli::context::Context;
use crate::cli::exit_code::ExitCode;
use crate::cli::report::Failure;
use crate::cli::shown::{self, Shown, State};
use crate::cli::table::Table;
use crate::cli::time::Wording;

/// No arguments of its own.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  keyfob list\n  keyfob list -q\n  keyfob list --json")]
pub struct Arguments {}

/// Lists sessions.
pub fn run(context: &Context, _: &Arguments) -> Result<ExitCode, Failure> {
    let catalog = context.keeper()?.catalog();
    let common = &context.common;
    if common.json {
        let (entries, damaged) = catalog.all()?;
        tell_damage(context, &damaged);
        let sessions = Sessions { entries: &entries, now: context.now() };
        context.terminal.json_line(&Document { schema: "keyfob.sessions/1", sessions });
        return Ok(ExitCode::Done);
    }
    if common.quiet {
        // No name holds a line end.
        let (names, damaged) = catalog.rows(String::new, |names, row| names.extend([&*row.name, "\n"]))?;
        tell_damage(context, &damaged);
        context.terminal.lines(names.lines());
        return Ok(ExitCode::Done);
    }
    let now = context.now();
    let wording = Wording::new(now);
    let begin = || (Table::new(["SESSION", "STATE", "EXPIRES", "SCOPES"]), false);
    let ((table, starred), damaged) = catalog.rows(begin, |(table, starred), row| {
        *starred |= row.default;
        let name = if row.default { format!("{} *", row.name).into() } else { row.name };
        let state = State::of(row.term, now).word();
        table.push([name, state.into(), shown::ends(row.term, now, &wording).into(), row.scope]);
    })?;
    tell_damage(context, &damaged);
    if table.is_empty() {
        context.terminal.say("There are no sessions. Log in with  keyfob login PROVIDER,  or try  keyfob demo");
        return Ok(ExitCode::Done);
    }
    context.terminal.lines(if common.plain { table.facts() } else { table.lines() });
    if starred {
        context.terminal.line("* default of its provider");
    }
    Ok(ExitCode::Done)
}

fn tell_damage(context: &Context, damaged: &[Damaged]) {
    for damage in damaged {
        context.terminal.warning(&damage.to_string());
        if let Some(key) = &damage.key {
            context.terminal.hint(&format!("log in again:  keyfob login {key}"));
        }
    }
}

/// `keyfob.sessions/1`.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    sessions: Sessions<'a>,
}

/// Written one by one: ten thousand documents are many.
struct Sessions<'a> {
    entries: &'a [Entry],
    now: i64,
}

impl Serialize for Sessions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // In the order of their names those of a provider are neighbours: nobody looks for them among all others.
        let of_provider = self.entries.chunk_by(|one, next| one.key.provider() == next.key.provider());
        let shown = |siblings| {
            let is_default = move |entry| shown::is_default(entry, siblings);
            siblings.iter().map(move |entry| Shown::new(entry, is_default(entry), self.now))
        };
        serializer.collect_seq(of_provider.flat_map(shown))
    }
}
