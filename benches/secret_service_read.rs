//! The floor under a token that comes out of the keyring: one item, read over a plain session, and nothing else.
//!
//! `secret_service_read store BYTES` puts a secret of that length into the keyring, `secret_service_read` reads it and
//! writes it to standard output, `secret_service_read remove` takes it out again. `benches/token.sh` runs it on a bus of
//! its own.

use std::process::ExitCode;

#[cfg(all(unix, not(target_os = "macos")))]
fn main() -> ExitCode {
    match floor::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn main() -> ExitCode {
    eprintln!("error: this system has no Secret Service");
    ExitCode::FAILURE
}

#[cfg(all(unix, not(target_os = "macos")))]
mod floor {
    use std::env;
    use std::error::Error;
    use std::io::{self, Write};
    use std::time::Duration;

    use keyfob::session::store::secret_service::{Attributes, Options, Prompting, SecretService};

    /// By these no program takes the item for a session.
    const ATTRIBUTES: Attributes<'_> = &[("application", "keyfob-benchmark")];

    pub fn run() -> Result<(), Box<dyn Error>> {
        let mut service = SecretService::new(Options {
            address: env::var("DBUS_SESSION_BUS_ADDRESS").ok(),
            runtime_dir: env::var_os("XDG_RUNTIME_DIR").map(Into::into),
            deadline: Duration::from_secs(5),
            prompting: Prompting::Never,
        });
        let mut arguments = env::args().skip(1);
        match arguments.next().as_deref() {
            None => {
                let secret = service.get(ATTRIBUTES)?.ok_or("nothing was stored")?;
                io::stdout().write_all(&secret)?;
            }
            Some("store") => {
                let length = arguments.next().ok_or("the length is missing")?.parse()?;
                service.set("keyfob: benchmark", ATTRIBUTES, &vec![b'x'; length])?;
            }
            Some("remove") => {
                service.delete(ATTRIBUTES)?;
            }
            Some(other) => return Err(format!("`{other}` is neither `store` nor `remove`").into()),
        }
        Ok(())
    }
}
