//! `keyfob switch`: makes a session the default of its provider. No network, no store.

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit_code::ExitCode;
use crate::cli::report::Failure;
use crate::cli::shown;
use crate::cli::target::{self, Absence};

/// Which session.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  keyfob switch github/octocat")]
pub struct Arguments {
    /// The session to use when only its provider is named
    target: String,
}

/// Makes it the default.
pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut entry = target::session(context, Some(&arguments.target), Absence::NotFound)?;
    let catalog = context.keeper()?.catalog();
    if !catalog.set_default(&entry.key)? {
        let failure = Failure::new(ExitCode::NotFound, format!("there is no session {}", entry.key));
        return Err(failure.session(&entry.key));
    }
    entry.default = true;
    if context.common.json {
        context.terminal.json_line(&shown::session(&entry, true, context.now()));
    } else {
        context.terminal.success(&format!("{} is the default of {} now", entry.key, entry.key.provider()));
    }
    Ok(ExitCode::Done)
}
