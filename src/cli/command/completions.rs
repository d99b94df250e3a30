//! `keyfob completions`: scripts that teach a shell the command line.

use clap::{Args, ValueEnum};
use clap_complete::{Shell, generate};
use clap_complete_nushell::Nushell;

use crate::cli::context::Context;
use crate::cli::exit_code::ExitCode;
use crate::cli::report::Failure;
use crate::cli::tree;

/// Which shell.
#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  keyfob completions bash > ~/.local/share/bash-completion/completions/keyfob\n  keyfob completions zsh > ~/.zfunc/_keyfob"
)]
pub struct Arguments {
    /// The shell to print a script for
    shell: Name,
}

/// The shells there are scripts for.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Name {
    Bash,
    Zsh,
    Fish,
    Elvish,
    #[value(name = "powershell")]
    PowerShell,
    Nushell,
}

/// Prints the script.
pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let (mut tree, name, mut script) = (tree(), "keyfob", Vec::new());
    match arguments.shell {
        Name::Bash => generate(Shell::Bash, &mut tree, name, &mut script),
        Name::Zsh => generate(Shell::Zsh, &mut tree, name, &mut script),
        Name::Fish => generate(Shell::Fish, &mut tree, name, &mut script),
        Name::Elvish => generate(Shell::Elvish, &mut tree, name, &mut script),
        Name::PowerShell => generate(Shell::PowerShell, &mut tree, name, &mut script),
        Name::Nushell => generate(Nushell, &mut tree, name, &mut script),
    }
    context.terminal.answer(&script)?;
    Ok(ExitCode::Done)
}
