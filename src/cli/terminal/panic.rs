//! What is said should keyfob itself be at fault.

use std::panic::{self, PanicHookInfo};
use std::path::Path;

use super::stream;
use crate::cli::exit_code::ExitCode;

/// Replaces the standard text of a panic, which could show a secret, by a generic one, and ends the process.
///
/// The system releases locks and the terminal's modes are put back; exit code 1.
pub fn set_hook() {
    panic::set_hook(Box::new(|panic| {
        super::modes::restore();
        let text = format!(
            "\nerror: {}\nhint: please report this, with the command and the output of  keyfob --version\n",
            place(panic)
        );
        let _ = stream::write_all(&mut *stream::error(), text.as_bytes());
        std::process::exit(ExitCode::Internal.number().into());
    }));
}

/// Where in the program; never the panic's message, which may quote any value, nor a path of the machine it was built on.
fn place(panic: &PanicHookInfo<'_>) -> String {
    match panic.location() {
        Some(at) if Path::new(at.file()).is_relative() => {
            format!("keyfob has a fault at {}:{} and had to stop", at.file(), at.line())
        }
        _ => "keyfob has a fault and had to stop".into(),
    }
}
