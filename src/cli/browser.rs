//! Which browser to use, whether one can be used here, and opening an address in it.
//!
//! The address may come from a server. It is checked, written anew by the URL parser and passed as one argument to a program
//! that no shell has touched. The program gets neither keyfob's secrets nor its terminal, and is not waited for.

use std::io;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use keyfob::system::{self, Environment, http, process};
use tokio::sync::oneshot;
use url::Url;

mod surroundings;
#[cfg(test)]
mod tests;

use surroundings::WSL;
pub use surroundings::forward;

/// An exit later than this is the person closing the browser, whatever its status says.
const QUICK: Duration = Duration::from_secs(10);

/// How addresses are opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Browser {
    /// Not at all: they are printed.
    None,
    /// With the first of these commands that works; `%u` in a word stands for the address.
    Commands(Vec<Vec<String>>),
    /// With what the system opens web addresses with.
    System,
}

/// Why an address is not opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address may not be opened.
    #[error(transparent)]
    Refused(#[from] system::Error),
    /// The command cannot be split into words.
    #[error("the browser command in {origin} cannot be used: {reason}")]
    Malformed {
        /// The flag, variable or key that it stands in.
        origin: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The system gives no thread to look after the browser.
    #[error("the browser cannot be started")]
    NoThread(#[source] io::Error),
}

/// Why there is no browser here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Nobody wants one: `--no-browser`, or `none` for a command.
    Unwanted,
    /// A browser would open on another machine than the person's.
    RemoteShell,
    /// The terminal is in a web page, or in an editor that is one.
    WebEditor,
    /// The terminal is in an editor whose window is on another machine.
    RemoteEditor,
    /// A container, without a display.
    Container,
    /// No display.
    NoDisplay,
}

impl Reason {
    /// The reason in two words, to stand in brackets.
    pub fn phrase(self) -> &'static str {
        match self {
            Reason::Unwanted => "none wanted",
            Reason::RemoteShell => "remote shell",
            Reason::WebEditor => "web editor",
            Reason::RemoteEditor => "remote editor",
            Reason::Container => "container",
            Reason::NoDisplay => "no display",
        }
    }
}

/// The browser to use: what `--no-browser` or `--browser` says, else `KEYFOB_BROWSER`, `BROWSER`, the configuration, and at
/// last the system. `none` in any of them means that addresses are printed only.
///
/// # Errors
/// [`Error::Malformed`] when the one that counts is no command.
pub fn choose(
    flag: Option<&str>,
    no_browser: bool,
    environment: &Environment,
    configured: Option<&str>,
) -> Result<Browser, Error> {
    if no_browser {
        return Ok(Browser::None);
    }
    if let Some(value) = flag {
        return single("--browser", value);
    }
    if let Some(value) = environment.text("KEYFOB_BROWSER") {
        return single("KEYFOB_BROWSER", &value);
    }
    if let Some(value) = environment.text("BROWSER") {
        return list(&value);
    }
    configured.map_or(Ok(Browser::System), |value| single("browser", value))
}

/// Whether a browser can be opened here, as far as the surroundings tell. A command that somebody chose always can; one
/// that a terminal in a web page brings along opens addresses, but the redirect would not find back.
///
/// # Errors
/// Why not.
pub fn usable(browser: &Browser, environment: &Environment) -> Result<(), Reason> {
    match browser {
        Browser::None => Err(Reason::Unwanted),
        Browser::Commands(commands) => {
            let own = commands.iter().all(|words| surroundings::is_editors_own(words));
            if own && surroundings::is_hosted(environment) { Err(Reason::WebEditor) } else { Ok(()) }
        }
        Browser::System => {
            let container = || ["/.dockerenv", "/run/.containerenv"].iter().any(|sign| Path::new(sign).exists());
            surroundings::screen(environment, cfg!(any(windows, target_os = "macos")), container)
        }
    }
}

/// A browser that was asked to open an address.
#[derive(Debug)]
pub struct Opening(Option<oneshot::Receiver<String>>);

impl Opening {
    /// Waits until it is clear that no browser opened, and says why; never returns when one did.
    ///
    /// Nothing is lost when the future is dropped.
    pub async fn failed(&mut self) -> String {
        if let Some(receiver) = &mut self.0 {
            let reason = receiver.await;
            self.0 = None;
            if let Ok(reason) = reason {
                return reason;
            }
        }
        std::future::pending().await
    }
}

/// Opens `url`, without waiting for the browser. The programs run without those of `secret_variables` and keyfob's own.
///
/// # Errors
/// [`Error::Refused`], with nothing run, unless `url` is `https`, or `http` on a loopback host;
/// [`Error::NoThread`]. What fails later is told by the [`Opening`].
pub fn open(browser: &Browser, url: &Url, secret_variables: &[String]) -> Result<Opening, Error> {
    http::check_url(url)?;
    let commands = match browser {
        Browser::None => return Ok(Opening(None)),
        Browser::Commands(commands) => explicit(commands, url, secret_variables)?,
        Browser::System => of_the_system(url, secret_variables)?,
    };
    let (failed, receiver) = oneshot::channel();
    let mut launch = Launch { commands: commands.into_iter(), reason: None };
    // Here and not on the thread: keyfob may end right after.
    let child = launch.next();
    let watch = move || {
        if let Err(reason) = launch.watch(child) {
            // Nobody may be waiting for it any more.
            let _ = failed.send(reason);
        }
    };
    std::thread::Builder::new().name("browser".into()).spawn(watch).map_err(Error::NoThread)?;
    Ok(Opening(Some(receiver)))
}

/// Commands that are tried in turn.
struct Launch {
    commands: std::vec::IntoIter<Command>,
    /// Why the first one that failed did: it is the preferred one.
    reason: Option<String>,
}

/// A program that was started.
struct Started {
    program: String,
    child: Child,
    at: Instant,
}

impl Launch {
    /// Starts the next command that can be started.
    fn next(&mut self) -> Option<Started> {
        loop {
            let mut command = self.commands.next()?;
            let program = command.get_program().to_string_lossy().into_owned();
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            detach(&mut command);
            match command.spawn() {
                Ok(child) => return Some(Started { program, child, at: Instant::now() }),
                Err(error) => self.note(format!("`{program}` cannot be run: {error}")),
            }
        }
    }

    /// Waits for the started program, so that it is reaped, and starts others as long as they fail.
    fn watch(mut self, mut started: Option<Started>) -> Result<(), String> {
        while let Some(Started { program, mut child, at }) = started {
            match child.wait() {
                Ok(status) if is_good(status, at.elapsed()) => return Ok(()),
                Ok(status) => self.note(format!("`{program}` failed ({status})")),
                // It was started; that its end cannot be seen is no failure.
                Err(_) => return Ok(()),
            }
            started = self.next();
        }
        Err(self.reason.unwrap_or_else(|| "no program is known that opens web addresses".into()))
    }

    fn note(&mut self, reason: String) {
        self.reason.get_or_insert(reason);
    }
}

fn is_good(status: ExitStatus, after: Duration) -> bool {
    status.success() || after >= QUICK
}

/// Gives the command a session of its own, so that it can neither read from the terminal nor be ended by its Ctrl-C.
#[cfg(unix)]
fn detach(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    // SAFETY: setsid is async-signal-safe and touches nothing of the parent's memory.
    unsafe {
        command.pre_exec(|| if libc::setsid() == -1 { Err(io::Error::last_os_error()) } else { Ok(()) });
    }
}

/// Gives the command a process group of its own and no console.
#[cfg(windows)]
fn detach(command: &mut Command) {
    use std::os::windows::process::CommandExt;
    // Values of the Windows API, "Process Creation Flags".
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    command.creation_flags(CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW);
}

/// The chosen commands with the address in its place, or at the end.
fn explicit(commands: &[Vec<String>], url: &Url, secret_variables: &[String]) -> Result<Vec<Command>, Error> {
    let filled = commands.iter().map(|words| {
        let mut filled: Vec<String> = words.iter().map(|word| word.replace("%u", url.as_str())).collect();
        if !words.iter().any(|word| word.contains("%u")) {
            filled.push(url.as_str().to_owned());
        }
        process::command(&filled, secret_variables).map_err(Error::from)
    });
    filled.collect()
}

/// What the `open` crate knows, with a clean environment. On WSL `wslview` goes first where it is installed: it starts
/// faster than PowerShell.
fn of_the_system(url: &Url, secret_variables: &[String]) -> Result<Vec<Command>, Error> {
    let mut commands = Vec::new();
    if WSL.iter().any(|name| std::env::var_os(name).is_some()) {
        commands.push(process::command(&["wslview".into(), url.as_str().into()], secret_variables)?);
    }
    for known in open::commands(url.as_str()) {
        let words = std::iter::once(known.get_program()).chain(known.get_args());
        let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
        let mut command = process::command(&words, secret_variables)?;
        for (name, value) in known.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        commands.push(command);
    }
    Ok(commands)
}

/// One command.
fn single(origin: &'static str, value: &str) -> Result<Browser, Error> {
    Ok(if value == "none" { Browser::None } else { Browser::Commands(vec![words(origin, value)?]) })
}

/// `BROWSER` as xdg-open and others read it: on Unix commands separated by colons, in which `%s` stands for the address.
fn list(value: &str) -> Result<Browser, Error> {
    if value == "none" || cfg!(not(unix)) {
        return single("BROWSER", value);
    }
    let commands = value.split(':').filter(|command| !command.trim().is_empty());
    let commands: Vec<_> = commands.map(|command| words("BROWSER", command)).collect::<Result<_, _>>()?;
    if commands.is_empty() {
        return Ok(Browser::System);
    }
    let placed = commands.into_iter().map(|words| words.iter().map(|word| word.replace("%s", "%u")).collect());
    Ok(Browser::Commands(placed.collect()))
}

fn words(origin: &'static str, value: &str) -> Result<Vec<String>, Error> {
    // The path of a program may have blanks in it.
    if Path::new(value).is_absolute() && Path::new(value).is_file() {
        return Ok(vec![value.to_owned()]);
    }
    // On Windows a backslash separates folders and does not quote.
    let quoted = if cfg!(windows) { value.replace('\\', "\\\\") } else { value.to_owned() };
    let malformed = |reason: String| Error::Malformed { origin, reason };
    let words = shell_words::split(&quoted).map_err(|error| malformed(error.to_string()))?;
    match words.first() {
        Some(program) if !program.is_empty() && !program.contains("%u") => Ok(words),
        Some(program) if program.contains("%u") => Err(malformed("the address cannot be the program".into())),
        _ => Err(malformed("it names no program".into())),
    }
}
