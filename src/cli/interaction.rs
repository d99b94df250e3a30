//! How a login reaches the person: the browser, the terminal, and the line that is pasted.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keyfob::grant::{Error, Interaction, LocalFuture};
use keyfob::protocol::device::UserCode;
use keyfob::secret::Secret;
use keyfob::system::{Clock, Environment};
use serde_json::json;
use tokio::sync::{Mutex, mpsc};
use url::Url;

use super::browser::{self, Browser, Opening, Reason};
use super::machine;
use super::terminal::Terminal;
use super::time;

/// How often it is checked whether anybody still waits for the login.
#[cfg(unix)]
const CHECK: Duration = Duration::from_secs(1);

/// A person at a terminal, or a script that reads events.
pub struct AtTerminal {
    terminal: Terminal,
    provider: String,
    browser: Browser,
    usable: Result<(), Reason>,
    /// Variables that hold secrets, which the browser does not get.
    secret_variables: Vec<String>,
    qr: bool,
    /// Whether a script reads events on stdout.
    events: bool,
    /// Whether this process does not wait for the person.
    leaving: bool,
    /// Who started this process; when that one is gone, nobody waits for the login.
    parent: u32,
    opening: Mutex<Option<Opening>>,
    lines: Mutex<Option<mpsc::Receiver<Secret>>>,
    /// Whether the whole address has been shown.
    shown: AtomicBool,
    url: std::sync::Mutex<Option<Url>>,
}

impl AtTerminal {
    /// Opens addresses with `browser`, or shows them where it is not `usable`.
    pub fn new(terminal: Terminal, provider: String, browser: Browser, usable: Result<(), Reason>) -> Self {
        Self {
            terminal,
            provider,
            browser,
            usable,
            secret_variables: Vec::new(),
            qr: false,
            events: false,
            leaving: false,
            parent: parent(),
            opening: Mutex::new(None),
            lines: Mutex::new(None),
            shown: AtomicBool::new(false),
            url: std::sync::Mutex::new(None),
        }
    }

    /// Shows the address as a QR code too.
    pub fn with_qr(mut self, qr: bool) -> Self {
        self.qr = qr;
        self
    }

    /// Tells events on stdout.
    pub fn with_events(mut self, events: bool) -> Self {
        self.events = events;
        self
    }

    /// Says what to do and not that anybody waits for it.
    pub fn leaving(mut self) -> Self {
        self.leaving = true;
        self
    }

    /// Keeps these variables from the browser.
    pub fn without_variables(mut self, names: Vec<String>) -> Self {
        self.secret_variables = names;
        self
    }

    fn show(&self, url: &Url) {
        if !self.shown.swap(true, Ordering::Relaxed) {
            // The address is the one thing that must be seen even when messages are not wanted.
            self.terminal.narrate(&format!("  {url}"));
        }
    }

    fn show_qr(&self, url: &Url) {
        use qrcode::QrCode;
        use qrcode::render::unicode;

        let Ok(code) = QrCode::new(url.as_str().as_bytes()) else {
            return self.terminal.warning("the address is too long for a QR code");
        };
        let picture = code.render::<unicode::Dense1x2>().quiet_zone(true).build();
        picture.lines().for_each(|line| self.terminal.say(line));
    }

    /// What to do where no browser can be opened.
    fn guide(&self, reason: Reason, url: &Url, redirect_uri: &str) {
        let why =
            if reason == Reason::Unwanted { String::new() } else { format!("No browser here ({}). ", reason.phrase()) };
        let place = if reason == Reason::Unwanted { "" } else { " on your own machine" };
        self.terminal.say(&format!("{why}Open this address{place}:"));
        self.show(url);
        let authority = Url::parse(redirect_uri)
            .ok()
            .filter(|uri| uri.scheme() == "http")
            .and_then(|uri| Some((uri.host_str()?.to_owned(), uri.port()?)));
        let Some((host, port)) = authority else {
            if shows_code(redirect_uri) && self.can_paste() {
                self.terminal.say("Then paste the code that the page shows here.");
            }
            return;
        };
        match (reason, self.can_paste()) {
            (Reason::Unwanted, true) => {
                self.terminal.say("Then return here, or paste the address of the page you land on.")
            }
            (Reason::Unwanted, false) => {}
            (_, paste) => {
                self.terminal
                    .say(&format!("Your browser will end on a page at {host}:{port} that may not load. Either"));
                if paste {
                    self.terminal.say("  - paste that page's address here, or");
                }
                self.terminal.say(&format!("  - first {}", way_back(reason, &host, port)));
            }
        }
    }
}

impl Interaction for AtTerminal {
    fn visit<'a>(&'a self, url: &'a Url, redirect_uri: &'a str) -> LocalFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            keyfob::system::http::check_url(url)?;
            if self.events {
                self.terminal.json_line(&json!({
                    "schema": "keyfob.login/1", "event": "browser", "url": url.as_str(), "redirect_uri": redirect_uri
                }));
            }
            self.terminal.detail(1, &format!("redirect URI: {redirect_uri}"));
            if self.qr {
                self.show_qr(url);
            }
            if self.leaving {
                self.terminal.say("Open this address in a browser:");
                self.show(url);
                return Ok(());
            }
            if let Err(reason) = self.usable {
                self.guide(reason, url, redirect_uri);
                return Ok(());
            }
            *self.url.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(url.clone());
            self.terminal.say(&format!("Opening {url} in your browser."));
            self.shown.store(true, Ordering::Relaxed);
            if self.can_paste() && shows_code(redirect_uri) {
                self.terminal.say("Agree there, then paste the code that the page shows here.");
            } else if self.can_paste() {
                self.terminal.say(
                    "Not opening? Open the address yourself, then paste the address of the page you land on here.",
                );
            }
            match browser::open(&self.browser, url, &self.secret_variables) {
                Ok(opening) => *self.opening.lock().await = Some(opening),
                Err(browser::Error::Refused(error)) => return Err(error.into()),
                Err(error) => {
                    self.terminal.warning(&error.to_string());
                    self.show(url);
                }
            }
            Ok(())
        })
    }

    fn show_code<'a>(&'a self, code: &'a UserCode, ends_in: Duration) -> LocalFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            if self.events {
                self.terminal.json_line(&device_event(code, ends_in));
            }
            match self.usable {
                Err(reason) if reason != Reason::Unwanted => {
                    self.terminal.say(&format!("No browser here ({}); using the device code grant.", reason.phrase()));
                }
                _ => self.terminal.say("Enter this code in a browser, on any machine:"),
            }
            // The two things that must be seen even when messages are not wanted.
            self.terminal.narrate(&format!("  open   {}", code.verification_uri));
            self.terminal.narrate(&format!("  code   {}", code.user_code));
            if self.qr {
                self.show_qr(code.address());
            }
            let limit = time::duration(ends_in.as_secs());
            if self.leaving {
                self.terminal.say(&format!(
                    "Enter the code only if you started this login to {} yourself. It lives for {limit}.",
                    self.provider
                ));
                return Ok(());
            }
            self.terminal.say(&format!(
                "Enter the code only if you started this login yourself. Waiting for {} ({limit}, Ctrl-C to stop) …",
                self.provider
            ));
            // Only where somebody sees the code first.
            if self.usable.is_err() || !self.can_paste() {
                return Ok(());
            }
            *self.url.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(code.address().clone());
            self.terminal.say("Opening that page in your browser; go on there only if it shows the same code.");
            match browser::open(&self.browser, code.address(), &self.secret_variables) {
                Ok(opening) => *self.opening.lock().await = Some(opening),
                Err(browser::Error::Refused(error)) => return Err(error.into()),
                Err(error) => self.terminal.warning(&error.to_string()),
            }
            Ok(())
        })
    }

    fn waiting(&self, how_long: Duration) {
        let limit = time::duration(how_long.as_secs());
        self.terminal.say(&format!("Waiting for {} ({limit}, Ctrl-C to stop) …", self.provider));
    }

    fn refused(&self) {
        self.terminal.warning("a redirect without this login's `state` was refused; still waiting");
    }

    fn remark(&self, text: &str) {
        self.terminal.warning(text);
    }

    fn pasted(&self) -> LocalFuture<'_, Secret> {
        Box::pin(async move {
            if !self.can_paste() {
                return std::future::pending().await;
            }
            let mut lines = self.lines.lock().await;
            let receiver = lines.get_or_insert_with(|| read_lines(self.terminal.clone()));
            loop {
                match receiver.recv().await {
                    Some(line) if !line.expose().trim().is_empty() => return line,
                    Some(_) => {}
                    None => std::future::pending().await,
                }
            }
        })
    }

    fn can_paste(&self) -> bool {
        self.terminal.is_interactive() && !self.terminal.appearance().json
    }

    fn abandoned(&self) -> LocalFuture<'_, ()> {
        Box::pin(async move {
            let failing = async {
                let mut opening = self.opening.lock().await;
                if let Some(opening) = opening.as_mut() {
                    let reason = opening.failed().await;
                    self.terminal.warning(&format!("no browser opened: {reason}. Open this address yourself:"));
                    let url = self.url.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
                    if let Some(url) = url {
                        self.shown.store(false, Ordering::Relaxed);
                        self.show(&url);
                    }
                }
                *opening = None;
                std::future::pending::<()>().await;
            };
            tokio::select! {
                () = orphaned(self.parent) => {}
                () = failing => {}
            }
        })
    }
}

/// What a script is told instead of a person.
fn device_event(code: &UserCode, ends_in: Duration) -> serde_json::Value {
    let ends_in = i64::try_from(ends_in.as_secs()).unwrap_or(i64::MAX);
    let mut event = json!({
        "schema": "keyfob.login/1", "event": "device", "verification_uri": code.verification_uri.as_str(),
    });
    if let Some(complete) = &code.verification_uri_complete {
        event["verification_uri_complete"] = complete.as_str().into();
    }
    event["user_code"] = code.user_code.as_str().into();
    event["expires_at"] = time::rfc3339(Clock.seconds().saturating_add(ends_in)).into();
    event
}

/// What makes the browser's redirect find its way to this machine.
fn way_back(reason: Reason, host: &str, port: u16) -> String {
    match reason {
        Reason::WebEditor | Reason::RemoteEditor => {
            format!("have your editor forward port {port} to the same port of your own machine")
        }
        Reason::Container => format!("make port {port} of this container reachable on your machine as {host}:{port}"),
        Reason::Unwanted | Reason::RemoteShell | Reason::NoDisplay => {
            let environment = Environment::process();
            let machine = machine::name(&environment);
            format!("run on your machine:  {}", browser::forward(&environment, machine.as_deref(), host, port))
        }
    }
}

/// Whether the browser ends on the server's own page, which shows a code to copy: such redirects are no address.
fn shows_code(redirect_uri: &str) -> bool {
    !redirect_uri.contains("://")
}

/// Reads lines of standard input on a thread of its own, because a read cannot be given up.
fn read_lines(terminal: Terminal) -> mpsc::Receiver<Secret> {
    let (sender, receiver) = mpsc::channel(1);
    // Without a thread nothing can be pasted; the browser's answer still comes.
    let _ = std::thread::Builder::new().name("paste".into()).spawn(move || {
        while let Ok(line) = terminal.prompt_line("paste> ") {
            if sender.blocking_send(Secret::new(line)).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Ends when the process that started this one is gone.
#[cfg(unix)]
async fn orphaned(parent_before: u32) {
    let mut ticks = tokio::time::interval(CHECK);
    loop {
        ticks.tick().await;
        if parent() != parent_before {
            return;
        }
    }
}

/// Who started this process, or took its place.
#[cfg(unix)]
pub fn parent() -> u32 {
    std::os::unix::process::parent_id()
}

/// Windows ends a console's programs with the console.
#[cfg(not(unix))]
async fn orphaned(_: u32) {
    std::future::pending().await
}

/// Windows gives orphans no new parent.
#[cfg(not(unix))]
pub fn parent() -> u32 {
    0
}
