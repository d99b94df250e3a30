//! `keyfob exec`: runs a program with tokens in its environment or in files.
//!
//! Without a file the program takes this process's place, and nothing of keyfob is left. With one keyfob stays beside it:
//! it renews the file, passes signals on, and removes the file when the program has ended.

mod inherited;
mod place;
mod program;
mod supervisor;
mod supply;

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit_code::ExitCode;
use crate::cli::options::parse_duration;
use crate::cli::report::Failure;

use supply::Supply;

/// Which program, and where it finds which token.
#[derive(Debug, PartialEq, Args)]
#[command(
    before_help = "Examples:\n  keyfob exec github -- gh repo list\n  keyfob exec github --env GITHUB_TOKEN -- npm publish\n  keyfob exec --file AWS_WEB_IDENTITY_TOKEN_FILE=acme -- terraform plan\n  keyfob exec --env SRC=gitlab/ada --env DST=gitlab/bob -- ./mirror.sh"
)]
#[command(
    after_help = "A file is renewed in place while the program runs, and removed afterwards. The program's exit code is keyfob's; 126: it could not be run, 127: it was not found."
)]
pub struct Arguments {
    /// Provider, session or address
    target: Option<String>,

    /// Put the token into this variable; repeatable [default: the provider's own variables, else ACCESS_TOKEN]
    #[arg(long, value_name = "NAME[=TARGET]")]
    env: Vec<String>,

    /// Put the token into a private file, and its path into this variable; repeatable
    #[arg(long, value_name = "NAME[=TARGET]")]
    file: Vec<String>,

    /// The ID token instead of the access token
    #[arg(long)]
    id_token: bool,

    /// Refresh unless valid for at least this long [default: 60s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    min_validity: Option<Duration>,

    /// A token for these scopes only; the session keeps its own
    #[arg(long, value_name = "SCOPES")]
    scope: Vec<String>,

    /// Start a login when one is needed and a terminal is there
    #[arg(long)]
    login: bool,

    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Runs the program.
pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Some((program, rest)) = arguments.command.split_first() else {
        return Err(Failure::usage("exec needs a program").hint("keyfob exec TARGET -- PROGRAM"));
    };
    let places = place::read(&arguments.env, &arguments.file)?;
    let supplies = supply::obtain(context, arguments, &places)?;
    let command = program::command(context, (program, rest), &supplies)?;
    // The last words before the screen is the program's.
    context.tell_repairs();
    if supplies.iter().all(Supply::is_without_file) {
        return Err(program::replace(context, command));
    }
    let code = supply::run(context, command, supplies)?;
    // Every code of a program is keyfob's; there are more of them than keyfob has meanings.
    std::process::exit(code)
}
