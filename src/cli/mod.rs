//! The command line: what is asked for, which command answers it, and how the program ends.

mod browser;
mod command;
mod context;
mod demo;
mod exit_code;
mod explain;
mod inputs;
mod interaction;
mod log;
mod machine;
mod options;
mod overrides;
mod report;
mod shown;
mod signals;
mod table;
mod target;
mod terminal;
mod time;

use std::ffi::OsString;
use std::process::ExitCode as Status;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser, Subcommand};
use keyfob::system::{Environment, process};

use command::{
    completions, doctor, exec, list, login, logout, provider, refresh, request, setup, status, switch, token,
};
use context::Context;
use exit_code::ExitCode;
use options::Common;
use report::Failure;
use terminal::{Appearance, Streams, Terminal, Wishes};

/// What is printed when nothing is asked for: at most 25 lines.
const GREETING: &str = "\
keyfob logs in to OAuth and OpenID Connect services, keeps the tokens in the system keyring and hands them out.

  keyfob demo                    see a whole login, with nothing to register
  keyfob login github            log in with the browser
  keyfob token github            print a valid access token, renewed when needed
  keyfob list                    see the sessions there are

All commands: keyfob --help.  One of them: keyfob login --help.
";

/// Log in to OAuth and OpenID Connect services, keep the tokens in the system keyring, hand them to whatever needs them
#[derive(Debug, Parser)]
#[command(name = "keyfob", version, disable_help_subcommand = false, subcommand_required = false)]
#[command(
    before_help = "Examples:\n  keyfob demo\n  keyfob login github\n  curl -H \"$(keyfob token github --format header)\" https://api.github.com/user"
)]
#[command(
    after_help = "TARGET is a provider (github), a session (github/octocat) or an address that a session covers."
)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
enum Command {
    /// Obtain a session
    Login(login::Arguments),
    /// Print a valid access token, refreshing it when needed
    Token(token::Arguments),
    /// Run a program with a token in its environment or in a file
    Exec(exec::Arguments),
    /// Send one authorised HTTP request
    Request(request::Arguments),
    /// List sessions
    List(list::Arguments),
    /// Say whether a session is usable, until when, for what
    Status(status::Arguments),
    /// Renew a session now
    Refresh(refresh::Arguments),
    /// Make a session the default of its provider
    Switch(switch::Arguments),
    /// Revoke and forget a session
    Logout(logout::Arguments),
    /// Register your own client with a provider, step by step
    Setup(setup::Arguments),
    /// See and edit what one can log in to
    Provider(provider::Arguments),
    /// Check this machine and, with TARGET, the way to that provider
    Doctor(doctor::Arguments),
    /// Print a completion script
    Completions(completions::Arguments),
    /// A guided first run against a built-in authorization server, nothing to register
    Demo(command::demo::Arguments),
}

/// One command by itself. Scripts run `token` before every call, and `exec` stands before every start of a program;
/// building the tree of all commands costs more than everything else that a stored token takes.
#[derive(Debug, Parser)]
struct Alone<A: clap::Args> {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    arguments: A,
}

/// What `arguments` ask for.
fn parsed(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    if let Some(Alone { common, arguments }) = short_way(arguments, "token") {
        return Ok(Cli { common, command: Some(Command::Token(arguments)) });
    }
    if let Some(Alone { common, arguments }) = short_way(arguments, "exec") {
        return Ok(Cli { common, command: Some(Command::Exec(arguments)) });
    }
    Cli::try_parse_from(arguments)
}

/// The arguments of the command called `name` without the tree. Help and mistakes are left to the tree, which knows more
/// words.
fn short_way<A: clap::Args>(arguments: &[OsString], name: &str) -> Option<Alone<A>> {
    let (_, behind) = arguments.split_first()?;
    behind.first().filter(|word| *word == name)?;
    Alone::try_parse_from(behind).ok()
}

/// Runs what `arguments` ask for.
pub fn run(arguments: impl Iterator<Item = OsString>) -> Status {
    terminal::set_panic_hook();
    process::harden();
    let arguments: Vec<OsString> = arguments.collect();
    let environment = Environment::process();
    let cli = match parsed(&arguments) {
        Ok(cli) => cli,
        Err(error) => return misused(&error, &arguments, &environment),
    };
    let terminal = terminal(&cli.common, &environment);
    signals::prepare(cli.common.json);
    let outcome = checked(&cli.common).and_then(|()| match cli.command {
        None => Ok(terminal.answer(GREETING.as_bytes())?).map(|()| ExitCode::Done),
        Some(command) => dispatch(command, &Context::new(cli.common, terminal.clone(), environment)),
    });
    let outcome = match (outcome, terminal.take_failure()) {
        (Ok(_), Some(error)) => Err(error.into()),
        (outcome, _) => outcome,
    };
    match outcome {
        Ok(code) => code.into(),
        Err(failure) => {
            failure.report(&terminal);
            failure.code().into()
        }
    }
}

fn dispatch(command: Command, context: &Context) -> Result<ExitCode, Failure> {
    let outcome = match command {
        Command::Login(arguments) => login::run(context, &arguments),
        Command::Token(arguments) => token::run(context, &arguments),
        Command::Exec(arguments) => exec::run(context, &arguments),
        Command::Request(arguments) => request::run(context, &arguments),
        Command::List(arguments) => list::run(context, &arguments),
        Command::Status(arguments) => status::run(context, &arguments),
        Command::Refresh(arguments) => refresh::run(context, &arguments),
        Command::Switch(arguments) => switch::run(context, &arguments),
        Command::Logout(arguments) => logout::run(context, &arguments),
        Command::Setup(arguments) => setup::run(context, &arguments),
        Command::Provider(arguments) => provider::run(context, &arguments),
        Command::Doctor(arguments) => doctor::run(context, &arguments),
        Command::Completions(arguments) => completions::run(context, &arguments),
        Command::Demo(arguments) => command::demo::run(context, &arguments),
    };
    context.tell_repairs();
    outcome
}

/// Whoever runs with other rights than the caller's cannot trust the caller's environment.
fn checked(_: &Common) -> Result<(), Failure> {
    if process::is_elevated() {
        let message = "keyfob does not run set-user-ID: its directories would be another user's choice";
        return Err(Failure::new(ExitCode::Config, message));
    }
    Ok(())
}

fn terminal(common: &Common, environment: &Environment) -> Terminal {
    let wishes = Wishes {
        color: common.color.into(),
        plain: common.plain,
        quiet: common.quiet,
        verbose: common.verbose,
        json: common.json,
        no_input: common.no_input,
    };
    Terminal::new(Appearance::new(wishes, environment, Streams::of_process()))
}

/// Help and version, and what could not be understood.
fn misused(error: &clap::Error, arguments: &[OsString], environment: &Environment) -> Status {
    let asked = |name: &str| arguments.iter().take_while(|word| *word != "--").any(|word| word == name);
    let wishes = Wishes { json: asked("--json"), ..Wishes::default() };
    let terminal = Terminal::new(Appearance::new(wishes, environment, Streams::of_process()));
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let coloured = terminal.appearance().output_color;
        let rendered = error.render();
        let text = if coloured { rendered.ansi().to_string() } else { rendered.to_string() };
        return match terminal.answer(text.as_bytes()) {
            Ok(()) => Status::SUCCESS,
            Err(error) => {
                Failure::from(error).report(&terminal);
                ExitCode::Internal.into()
            }
        };
    }
    let mut failure = usage(error);
    if arguments.get(1).is_some_and(|word| word == "exec") && !arguments.iter().any(|word| word == "--") {
        failure = failure.instead("the program comes behind  -- :  keyfob exec TARGET -- PROGRAM");
    }
    failure.report(&terminal);
    failure.code().into()
}

/// clap's words in our form: what is wrong, and what to type.
fn usage(error: &clap::Error) -> Failure {
    let rendered = error.render().to_string();
    let first = rendered.lines().next().unwrap_or_default();
    let mut message = first.strip_prefix("error: ").unwrap_or(first).to_owned();
    if matches!(error.kind(), ErrorKind::MissingRequiredArgument | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand)
    {
        let missing: Vec<&str> =
            rendered.lines().skip(1).take_while(|line| line.starts_with("  ")).map(str::trim).collect();
        message = format!("{message} {}", missing.join(" ")).trim().to_owned();
    }
    let failure = Failure::usage(message);
    let nearest = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue]
        .into_iter()
        .find_map(|kind| error.get(kind));
    let nearest = match nearest {
        Some(ContextValue::String(word)) => Some(word.clone()),
        // The nearest comes last.
        Some(ContextValue::Strings(words)) => words.last().cloned(),
        _ => None,
    };
    if let Some(ContextValue::Strings(allowed)) = error.get(ContextKind::ValidValue)
        && !allowed.is_empty()
    {
        return failure.hint(format!("it takes one of  {}", allowed.join(", ")));
    }
    match nearest {
        Some(nearest) => failure.hint(format!("did you mean  {nearest} ?")),
        None => failure.hint("see  keyfob --help"),
    }
}

/// The command tree, for help and completion scripts.
pub fn tree() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use clap::Parser as _;

    use super::{Alone, Cli, Command, exec, short_way, token};

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn the_short_way_understands_what_the_tree_does() {
        for line in [
            "keyfob token",
            "keyfob token github",
            "keyfob token github/octocat --format=header -o f --json -vv --color never --explain --plain",
            "keyfob token --scope a --scope b --resource https://a.example --min-validity 5m --set a=b --set c=d -q",
            "keyfob token --explain=mermaid --id-token --no-refresh --login --timeout 3 --config c --no-input -- --x",
        ] {
            let Alone { common, arguments } = short_way::<token::Arguments>(&words(line), "token").expect(line);
            let tree = Cli::try_parse_from(words(line)).expect(line);

            assert_eq!(common, tree.common, "{line}");
            assert!(matches!(tree.command, Some(Command::Token(known)) if known == arguments), "{line}");
        }
        for line in [
            "keyfob exec -- env",
            "keyfob exec github --env A --env B=gitlab --file C=acme/ada --id-token --json -- sh -c x --json -h",
            "keyfob exec --min-validity 5m --scope a --scope b --login --set a=b -q -- keyfob exec -- env",
        ] {
            let Alone { common, arguments } = short_way::<exec::Arguments>(&words(line), "exec").expect(line);
            let tree = Cli::try_parse_from(words(line)).expect(line);

            assert_eq!(common, tree.common, "{line}");
            assert!(matches!(tree.command, Some(Command::Exec(known)) if known == arguments), "{line}");
        }
    }

    #[test]
    fn other_commands_help_and_mistakes_are_left_to_the_tree() {
        for line in [
            "keyfob",
            "keyfob list",
            "keyfob --json token",
            "keyfob token --help",
            "keyfob token -h",
            "keyfob token --version",
            "keyfob token --nope",
            "keyfob token a b",
            "keyfob token --format x",
            "keyfob token --json --json",
            "keyfob exec --help",
            "keyfob exec github env",
            "keyfob exec github --",
        ] {
            assert!(short_way::<token::Arguments>(&words(line), "token").is_none(), "{line}");
            assert!(short_way::<exec::Arguments>(&words(line), "exec").is_none(), "{line}");
        }
    }

    #[test]
    fn the_command_tree_is_consistent() {
        super::tree().debug_assert();
    }

    #[test]
    fn the_greeting_fits_a_small_screen() {
        assert!(super::GREETING.lines().count() <= 25);
    }
}
