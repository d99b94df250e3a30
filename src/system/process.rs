//! Child programs: no shell, nothing secret in their environment, bounded time and output.

use std::ffi::OsString;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::Error;
use crate::secret::Secret;

/// How long a command that yields a secret may take; some ask for a touch of a security key.
pub const COMMAND_LIMIT: Duration = Duration::from_secs(60);

/// Bytes of output that are read from a command; a client secret is far below it.
const OUTPUT_LIMIT: u64 = 64 * 1024;

/// Variables that concern keyfob alone and may lead to secrets.
const OWN_PREFIX: &str = "KEYFOB_";

/// Those of them that a program of the user's own keeps, so that a keyfob which it starts finds the same sessions. They
/// say where things are and how to talk; those that lead to the key of the file store are not among them.
const SHARED: [&str; 8] = [
    "KEYFOB_SESSION",
    "KEYFOB_CONFIG_DIR",
    "KEYFOB_STATE_DIR",
    "KEYFOB_STORAGE",
    "KEYFOB_BROWSER",
    "KEYFOB_NO_INPUT",
    "KEYFOB_LOG",
    "KEYFOB_CA_BUNDLE",
];

/// A command for `words[0]` with the other words as arguments, that inherits neither keyfob's variables nor those in
/// `secret_variables`.
///
/// # Errors
/// [`Error::Program`] when there is no word.
pub fn command(words: &[String], secret_variables: &[String]) -> Result<Command, Error> {
    let Some((program, arguments)) = words.split_first().filter(|(program, _)| !program.is_empty()) else {
        return Err(Error::Program { program: String::new(), reason: "is no program".into() });
    };
    let mut command = Command::new(program);
    command.args(arguments);
    clean(&mut command, secret_variables, |_| false);
    Ok(command)
}

/// A command that the user wants run: `program` with `arguments`, and with the environment of this process but for
/// `secret_variables` and those of keyfob's own that may lead to secrets.
pub fn program_of_the_user(program: &OsString, arguments: &[OsString], secret_variables: &[String]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    clean(&mut command, secret_variables, |own| SHARED.iter().any(|shared| is_same_variable(shared, own)));
    command
}

fn clean(command: &mut Command, secret_variables: &[String], shared: impl Fn(&str) -> bool) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let is_own = text.get(..OWN_PREFIX.len()).is_some_and(|start| is_same_variable(start, OWN_PREFIX));
        if (is_own && !shared(&text)) || secret_variables.iter().any(|secret| is_same_variable(secret, &text)) {
            command.env_remove(&name);
        }
    }
    restore_given(command);
}

/// Windows knows no case in names of variables.
fn is_same_variable(one: &str, other: &str) -> bool {
    if cfg!(windows) { one.eq_ignore_ascii_case(other) } else { one == other }
}

/// Runs `words` to its end and returns the first line of its output.
///
/// # Errors
/// As [`output_of`].
pub fn secret_of(words: &[String], secret_variables: &[String], limit: Duration) -> Result<Secret, Error> {
    let output = output_of(words, secret_variables, &[], limit)?;
    match output.expose().lines().next().unwrap_or_default() {
        "" => {
            let program = words.first().cloned().unwrap_or_default();
            Err(Error::Program { program, reason: "printed an empty line".into() })
        }
        line => Ok(Secret::new(line)),
    }
}

/// Runs `words` to its end, with `variables` set besides, and returns its output.
///
/// # Errors
/// [`Error::Program`] when it cannot be run, fails, prints nothing, too much or no text, or exceeds `limit`.
pub fn output_of(
    words: &[String],
    secret_variables: &[String],
    variables: &[(&str, String)],
    limit: Duration,
) -> Result<Secret, Error> {
    let program = words.first().cloned().unwrap_or_default();
    let failed = |reason: String| Error::Program { program: program.clone(), reason };
    let mut child = command(words, secret_variables)?
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(format!("cannot be run: {error}")))?;
    let deadline = Instant::now() + limit;
    let output = collect(child.stdout.take());
    let complaint = collect(child.stderr.take());
    let Ok(bytes) = output.recv_timeout(limit) else {
        end(&mut child);
        return Err(failed(format!("gave no answer within {} s", limit.as_secs())));
    };
    let status =
        wait_until(&mut child, deadline).ok_or_else(|| failed(format!("did not end within {} s", limit.as_secs())))?;
    if !status.success() {
        // Its words may help, but a program asked for a secret may also print one: only the first line, and bounded.
        let words = complaint.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
        let words: String =
            String::from_utf8_lossy(&words).lines().next().unwrap_or_default().chars().take(200).collect();
        return Err(failed(format!("failed ({status}): {words}")));
    }
    let text = String::from_utf8(bytes).map_err(|_| failed("printed something that is no text".into()))?;
    if text.trim().is_empty() { Err(failed("printed nothing".into())) } else { Ok(Secret::new(text)) }
}

/// Reads a pipe to its end or limit on a thread of its own, so that the caller can stop waiting.
fn collect(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    // Without a thread nothing is received, which reads as no answer.
    let _ = std::thread::Builder::new().spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            let _ = pipe.take(OUTPUT_LIMIT).read_to_end(&mut bytes);
        }
        let _ = sender.send(bytes);
    });
    receiver
}

/// Waits for the child's end, and ends it when the deadline passes.
fn wait_until(child: &mut Child, deadline: Instant) -> Option<std::process::ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(2)),
            Ok(None) | Err(_) => {
                end(child);
                return None;
            }
        }
    }
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// What the parent gave, before [`harden`] changed it.
#[cfg(unix)]
struct Given {
    core: libc::rlimit,
    file_size: libc::sighandler_t,
}

#[cfg(unix)]
static GIVEN: std::sync::OnceLock<Given> = std::sync::OnceLock::new();

/// Undoes in the child what [`harden`] did to this process.
#[cfg(unix)]
fn restore_given(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    let Some(Given { core, file_size }) = GIVEN.get() else { return };
    // SAFETY: signal and setrlimit are async-signal-safe and touch nothing of the parent's memory.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGXFSZ, *file_size);
            libc::setrlimit(libc::RLIMIT_CORE, core);
            Ok(())
        });
    }
}

#[cfg(not(unix))]
fn restore_given(_: &mut Command) {}

/// Prepares this process for handling secrets: a crash leaves no core file, and a file-size limit is an error that can be
/// reported instead of a signal that kills in the middle of a write.
#[cfg(unix)]
pub fn harden() {
    let mut core = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointers are valid for the calls, and ignoring a signal has no preconditions.
    unsafe {
        let file_size = libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        if libc::getrlimit(libc::RLIMIT_CORE, &raw mut core) == 0 {
            let none = libc::rlimit { rlim_cur: 0, ..core };
            libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
            let _ = GIVEN.set(Given { core, file_size });
        }
    }
}

/// Prepares this process for handling secrets; Windows dumps memory only where an administrator has asked for it, and has
/// no file-size signals.
#[cfg(not(unix))]
pub fn harden() {}

/// Whether the process runs with other rights than its caller's, so that paths from the environment cannot be trusted.
#[cfg(unix)]
pub fn is_elevated() -> bool {
    // SAFETY: these calls have no preconditions and cannot fail.
    unsafe { libc::geteuid() != libc::getuid() || libc::getegid() != libc::getgid() }
}

/// Whether the process runs with other rights than its caller's; Windows starts elevated processes with an environment of
/// their own.
#[cfg(not(unix))]
pub fn is_elevated() -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Duration;

    use super::{Error, secret_of};

    fn words(script: &str) -> Vec<String> {
        ["sh", "-c", script].map(String::from).to_vec()
    }

    #[test]
    fn the_first_line_is_the_secret() {
        let secret = secret_of(&words("printf 'hunter2\\nmore\\n'"), &[], Duration::from_secs(10)).unwrap();

        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn failure_silence_and_endless_output_are_errors() {
        for script in ["exit 3", "true", "sleep 60"] {
            let outcome = secret_of(&words(script), &[], Duration::from_millis(300));
            assert!(matches!(outcome, Err(Error::Program { .. })), "{script}");
        }
    }

    #[test]
    fn a_missing_program_is_named() {
        let outcome = secret_of(&["no-such-program-here".into()], &[], Duration::from_secs(1));

        assert!(matches!(outcome, Err(Error::Program { program, .. }) if program == "no-such-program-here"));
    }
}
