//! The program: its environment, how it takes keyfob's place, and why it could not be run.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::Command;

use keyfob::registry::{Definition, Value};
use keyfob::session::SessionKey;
use keyfob::system::process;

use crate::cli::context::Context;
use crate::cli::exit_code::ExitCode;
use crate::cli::inputs;
use crate::cli::report::Failure;

use super::inherited;
use super::supply::Supply;

/// The program with the environment of this process, without what leads to keyfob's own secrets, and with the tokens that
/// go into variables.
pub fn command(
    context: &Context,
    (program, arguments): (&OsString, &[OsString]),
    supplies: &[Supply],
) -> Result<Command, Failure> {
    let mut secrets = inputs::variables(&context.common.settings);
    for supply in supplies {
        if let Some(definition) = definition(context, &supply.key)? {
            secrets.extend(secret_variables(&definition));
        }
    }
    let mut command = process::program_of_the_user(program, arguments, &secrets);
    inherited::restore(&mut command);
    close_passphrase(context);
    for supply in supplies {
        for variable in &supply.variables {
            command.env(variable, supply.token.expose());
        }
    }
    Ok(command)
}

/// The variables that the session's provider names for its tokens.
pub fn usual_variables(context: &Context, key: &SessionKey) -> Result<Vec<String>, Failure> {
    let named = match definition(context, key)?.as_ref().and_then(|definition| definition.value("env")) {
        Some(Value::List(names)) => names.iter().map(|name| name.clone().into_owned()).collect(),
        _ => Vec::new(),
    };
    Ok(if named.is_empty() { vec!["ACCESS_TOKEN".to_owned()] } else { named })
}

/// The session's provider as the registry has it, if it still has it.
fn definition(context: &Context, key: &SessionKey) -> Result<Option<Definition>, Failure> {
    match context.provider(key.provider()) {
        Ok(definition) => Ok(Some(definition)),
        Err(failure) if failure.code() == ExitCode::NotFound => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Variables in which an entry, complete or not, finds its secrets.
fn secret_variables(definition: &Definition) -> Vec<String> {
    let named = |value: &Value| match value {
        Value::Secret(source) => source.variables(),
        _ => Vec::new(),
    };
    definition.values().flat_map(|(_, value, _)| named(value)).collect()
}

/// A passphrase that came through a descriptor is not for the program.
fn close_passphrase(context: &Context) {
    #[cfg(unix)]
    if let Some(text) = context.environment.text("KEYFOB_PASSPHRASE_FILE")
        && let Some(number) = text.strip_prefix("fd:").or_else(|| text.strip_prefix("/dev/fd/"))
        && let Ok(descriptor) = number.parse::<i32>()
        && descriptor > libc::STDERR_FILENO
    {
        // SAFETY: a plain system call on a number; it fails where the descriptor is none.
        unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    #[cfg(not(unix))]
    let _ = context;
}

/// Puts the program in this process's place; returns only why that did not work.
#[cfg(unix)]
pub fn replace(_: &Context, mut command: Command) -> Failure {
    let error = std::os::unix::process::CommandExt::exec(&mut command);
    failure(&command, &error)
}

/// Runs the program to its end, and ends with its exit code.
#[cfg(not(unix))]
pub fn replace(context: &Context, mut command: Command) -> Failure {
    crate::cli::signals::leave_to_program(&context.terminal);
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => failure(&command, &error),
    }
}

/// Why the program could not be run.
pub fn failure(command: &Command, error: &io::Error) -> Failure {
    let name = command.get_program();
    let shown = name.to_string_lossy();
    if error.kind() != io::ErrorKind::NotFound {
        return Failure::new(ExitCode::NotExecutable, format!("`{shown}` cannot be run: {error}"));
    }
    if exists(command, name) {
        // As shells count it: the file is there, what it names in its first line is not.
        let message = format!("`{shown}` cannot be run: its interpreter, or a library it is loaded with, is missing");
        return Failure::new(ExitCode::NotExecutable, message);
    }
    Failure::new(ExitCode::NotInstalled, format!("`{shown}` was not found")).hint("is it installed, and on the PATH?")
}

fn exists(command: &Command, name: &OsStr) -> bool {
    let path = Path::new(name);
    if path.components().count() != 1 {
        return path.exists();
    }
    let given =
        command.get_envs().find(|(variable, _)| *variable == "PATH").map(|(_, value)| value.map(OsStr::to_owned));
    let path = given.unwrap_or_else(|| std::env::var_os("PATH"));
    path.is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(name).is_file()))
}
