//! The only writer to standard output and standard error.
//!
//! Standard output carries the answer and nothing else; the conversation goes to standard error. Every text for people is
//! one line: whatever in it a terminal would obey is escaped here, so that no caller can forget to, and a line break in
//! foreign text cannot fake a second line. Only [`Terminal::answer`] writes bytes as they are.
//!
//! No failure to write panics. What cannot be told on standard error is lost; an answer that cannot be written is an
//! error, at once from [`Terminal::answer`], at the end from [`Terminal::take_failure`] for the line-wise methods.

mod appearance;
mod escape;
mod modes;
mod panic;
mod progress;
mod prompt;
mod stream;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod width;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indicatif::ProgressBar;
use serde::Serialize;
use serde_json::Value;

pub use appearance::{Appearance, Color, Streams, Wishes};
pub use escape::{escape, push_shortened, shorten};
pub use panic::set_hook as set_panic_hook;
pub use progress::Progress;
use stream::Stream;
pub use width::columns_of;

/// Longest line of the conversation, in characters: long enough for an authorization URL with a signed request in it,
/// short enough that a hostile answer cannot flood the screen.
const MAX_LINE: usize = 16 * 1024;

/// The process's two streams for writing. Cheap to clone; may be used from several threads.
#[derive(Clone)]
pub struct Terminal(Arc<Shared>);

struct Shared {
    appearance: Appearance,
    open: Mutex<Open>,
    /// Whether the screen is another program's.
    given_away: AtomicBool,
}

struct Open {
    output: Stream,
    error: Stream,
    spinner: Option<ProgressBar>,
    failure: Option<io::Error>,
}

/// How a line of the conversation begins.
#[derive(Clone, Copy)]
struct Mark {
    word: &'static str,
    plain: &'static str,
    /// Select Graphic Rendition parameters (ECMA-48 §8.3.117).
    style: &'static str,
}

const SUCCESS: Mark = Mark { word: "✓", plain: "ok:", style: "32" };
const WARNING: Mark = Mark { word: "warning:", plain: "warning:", style: "1;33" };
const ERROR: Mark = Mark { word: "error:", plain: "error:", style: "1;31" };
const HINT: Mark = Mark { word: "hint:", plain: "hint:", style: "1;36" };

impl Terminal {
    /// The streams of this process.
    pub fn new(appearance: Appearance) -> Self {
        modes::understand_escapes();
        Self::with_streams(appearance, stream::output(), stream::error())
    }

    fn with_streams(appearance: Appearance, output: Stream, error: Stream) -> Self {
        let open = Mutex::new(Open { output, error, spinner: None, failure: None });
        Self(Arc::new(Shared { appearance, open, given_away: AtomicBool::new(false) }))
    }

    /// How it was decided to write.
    pub fn appearance(&self) -> Appearance {
        self.0.appearance
    }

    /// Whether a person is there and may be asked.
    pub fn is_interactive(&self) -> bool {
        self.0.appearance.interactive && !self.is_given_away()
    }

    /// Leaves the screen to a program from now on: nothing is asked and nothing moves, only warnings and errors are told.
    pub fn give_away(&self) {
        self.0.given_away.store(true, Ordering::Relaxed);
    }

    /// Whether the screen is a program's.
    pub fn is_given_away(&self) -> bool {
        self.0.given_away.load(Ordering::Relaxed)
    }

    /// Columns of the screen, between 20 and 400; 80 where there is none.
    pub fn width(&self) -> usize {
        width::of_terminal()
    }

    /// Writes the answer to standard output: exactly these bytes, unbuffered.
    ///
    /// # Errors
    /// If not all of them could be written: closed pipe, full device, closed stream. The run must not end well then.
    pub fn answer(&self, bytes: &[u8]) -> io::Result<()> {
        self.open().write_output(bytes)
    }

    /// Writes one line for people to standard output.
    pub fn line(&self, text: &str) {
        let line = format!("{}\n", escape(text));
        self.open().keep_failure(|open| open.write_output(line.as_bytes()));
    }

    /// Writes lines for people to standard output, all at once.
    pub fn lines(&self, texts: impl IntoIterator<Item = impl AsRef<str>>) {
        let mut lines = String::new();
        for text in texts {
            lines.push_str(&escape(text.as_ref()));
            lines.push('\n');
        }
        self.open().keep_failure(|open| open.write_output(lines.as_bytes()));
    }

    /// Writes a JSON document, on one line, to standard output.
    pub fn json_line(&self, document: &impl Serialize) {
        let line = json_line_of(document);
        self.open().keep_failure(|open| open.write_output(&line));
    }

    /// Writes a JSON document, on one line, to standard error, however quiet it should be.
    pub fn json_error(&self, document: &Value) {
        let line = json_line_of(document);
        self.open().write_error(&line);
    }

    /// Why a line did not get to standard output, if one did not; asked for once, before the run ends.
    pub fn take_failure(&self) -> Option<io::Error> {
        self.open().failure.take()
    }

    /// Says something on standard error.
    pub fn say(&self, text: &str) {
        if self.is_talkative() {
            self.tell(None, text);
        }
    }

    /// Says that something was done: `✓ …`.
    pub fn success(&self, text: &str) {
        if self.is_talkative() {
            self.tell(Some(SUCCESS), text);
        }
    }

    /// Cautions: `warning: …`.
    pub fn warning(&self, text: &str) {
        if !self.0.appearance.quiet {
            self.tell(Some(WARNING), text);
        }
    }

    /// Says what failed: `error: …`.
    pub fn error(&self, text: &str) {
        self.tell(Some(ERROR), text);
    }

    /// Advises: `hint: …`.
    pub fn hint(&self, text: &str) {
        if self.is_talkative() {
            self.tell(Some(HINT), text);
        }
    }

    /// Says what is done, to those who asked for `level` times `-v`.
    pub fn detail(&self, level: u8, text: &str) {
        if self.0.appearance.verbose >= level && !self.0.appearance.quiet {
            self.tell(None, text);
        }
    }

    /// Writes a line that was asked for by itself (`--explain`, a log) to standard error, however quiet it should be.
    pub fn narrate(&self, text: &str) {
        self.tell(None, text);
    }

    /// Says what is going on until the value is dropped: a spinner if it takes long and there is a screen, else a line.
    pub fn progress(&self, words: &str) -> Progress {
        if !self.is_talkative() {
            return Progress::none();
        }
        if !self.0.appearance.animated {
            let ellipsis = if self.0.appearance.plain { "..." } else { "…" };
            self.say(&format!("{words} {ellipsis}"));
            return Progress::none();
        }
        let progress = Progress::spinner(shorten(words, self.width().saturating_sub(4)));
        self.open().spinner = progress.bar();
        progress
    }

    /// Leaves the screen as it was found: no spinner, and what is typed is shown. For the way out after a signal.
    pub fn restore(&self) {
        modes::restore();
        self.clear_spinner();
    }

    /// Messages for people are neither unwanted nor in the way of JSON or a program.
    fn is_talkative(&self) -> bool {
        !self.0.appearance.quiet && !self.0.appearance.json && !self.is_given_away()
    }

    fn tell(&self, mark: Option<Mark>, text: &str) {
        let mut text = shorten(text, MAX_LINE);
        if self.0.appearance.plain {
            // What we say ourselves beyond ASCII; foreign text stays as it is.
            text = text.replace('…', "...").replace('→', "->").replace('←', "<-");
        }
        let line = match mark {
            None => format!("{text}\n"),
            Some(mark) if self.0.appearance.plain => format!("{} {text}\n", mark.plain),
            Some(mark) if self.0.appearance.color => format!("\x1b[{}m{}\x1b[0m {text}\n", mark.style, mark.word),
            Some(mark) => format!("{} {text}\n", mark.word),
        };
        self.open().write_error(line.as_bytes());
    }

    /// Writes a question, without a line end; the spinner would be in the way of the answer.
    fn question(&self, text: &str) {
        self.clear_spinner();
        self.open().write_error(shorten(text, MAX_LINE).as_bytes());
    }

    fn clear_spinner(&self) {
        if let Some(spinner) = self.open().spinner.take() {
            spinner.finish_and_clear();
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn write_output(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.beside_spinner(|open| stream::write_all(&mut *open.output, bytes))
    }

    /// Nobody is left to tell if this fails.
    fn write_error(&mut self, bytes: &[u8]) {
        let _ = self.beside_spinner(|open| stream::write_all(&mut *open.error, bytes));
    }

    /// Both streams may be the same screen, so the spinner makes way for either.
    fn beside_spinner<T>(&mut self, write: impl FnOnce(&mut Self) -> T) -> T {
        match self.spinner.clone() {
            Some(spinner) if !spinner.is_finished() => spinner.suspend(|| write(self)),
            _ => write(self),
        }
    }

    /// The first failure is the cause of those after it.
    fn keep_failure(&mut self, write: impl FnOnce(&mut Self) -> io::Result<()>) {
        if let Err(error) = write(self) {
            self.failure.get_or_insert(error);
        }
    }
}

fn json_line_of(document: &impl Serialize) -> Vec<u8> {
    let mut line = keyfob::output::json_text(document);
    line.push(b'\n');
    line
}
