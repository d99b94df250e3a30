//! Where the answer goes: standard output, byte for byte; a screen, made harmless; a file, as a whole.

use std::path::Path;
use std::time::{Duration, Instant};

use keyfob::system::files::Replacement;

use crate::cli::context::Context;
use crate::cli::exit_code::ExitCode;
use crate::cli::report::Failure;
use crate::cli::signals;
use crate::cli::terminal::{Progress, Streams, Terminal, escape};

/// Time between two counts on the screen: more often than an eye can read.
const REFRESH: Duration = Duration::from_millis(200);

/// The place of an answer's body.
pub struct Output {
    terminal: Terminal,
    place: Place,
}

enum Place {
    /// As it is.
    Stdout,
    /// As somebody can look at it; holds what is not yet a whole character.
    Screen(Vec<u8>),
    /// A file, with its name and what is shown meanwhile.
    File { file: Replacement, name: String, counter: Counter },
}

/// How much has come, on the screen.
struct Counter {
    progress: Option<Progress>,
    received: u64,
    total: Option<u64>,
    shown: Instant,
}

impl Output {
    /// Opens the place: a file, or standard output without one and for `-`.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn begin(context: &Context, path: Option<&Path>) -> Result<Self, Failure> {
        let terminal = context.terminal.clone();
        let place = match path.filter(|path| path.as_os_str() != "-") {
            Some(path) => {
                let file = Replacement::begin(path).map_err(unwritable)?;
                if let Some(temporary) = file.temporary() {
                    signals::remove_at_end(temporary.to_owned());
                }
                let counter = Counter { progress: None, received: 0, total: None, shown: Instant::now() };
                Place::File { file, name: path.display().to_string(), counter }
            }
            None if Streams::of_process().output => Place::Screen(Vec::new()),
            None => Place::Stdout,
        };
        Ok(Self { terminal, place })
    }

    /// Writes the status line and the headers, to standard output in any case.
    ///
    /// # Errors
    /// Why they cannot be written.
    pub fn head(&self, head: &str) -> Result<(), Failure> {
        let is_screen = Streams::of_process().output;
        let shown = if is_screen { harmless(head) } else { head.to_owned() };
        Ok(self.terminal.answer(shown.as_bytes())?)
    }

    /// Says how much will come, where that is known.
    pub fn expect(&mut self, total: Option<u64>) {
        if let Place::File { name, counter, .. } = &mut self.place
            && self.terminal.appearance().animated
        {
            counter.total = total;
            counter.progress = Some(self.terminal.progress(&format!("Receiving {name}")));
        }
    }

    /// Writes a piece of the body.
    ///
    /// # Errors
    /// Why it cannot be written.
    pub fn write(&mut self, piece: &[u8]) -> Result<(), Failure> {
        match &mut self.place {
            Place::Stdout => Ok(self.terminal.answer(piece)?),
            Place::Screen(rest) => {
                rest.extend_from_slice(piece);
                let text = whole_characters(rest);
                Ok(self.terminal.answer(harmless(&text).as_bytes())?)
            }
            Place::File { file, name, counter } => {
                file.write(piece).map_err(unwritable)?;
                counter.add(piece.len(), name);
                Ok(())
            }
        }
    }

    /// Ends the body; a file is in its place now, unless the answer was a failure: what was there before stays then.
    ///
    /// # Errors
    /// Why it cannot be.
    pub fn finish(self, is_failure: bool) -> Result<(), Failure> {
        match self.place {
            Place::Stdout => Ok(()),
            Place::Screen(rest) => Ok(self.terminal.answer(harmless(&String::from_utf8_lossy(&rest)).as_bytes())?),
            Place::File { .. } if is_failure => Ok(()),
            Place::File { file, .. } => file.commit().map_err(unwritable),
        }
    }
}

impl Counter {
    fn add(&mut self, length: usize, name: &str) {
        self.received += length as u64;
        let Some(progress) = self.progress.as_ref().filter(|_| self.shown.elapsed() >= REFRESH) else { return };
        self.shown = Instant::now();
        let total = self.total.map(|total| format!(" of {}", size(total))).unwrap_or_default();
        progress.change(&format!("Receiving {name}: {}{total}", size(self.received)));
    }
}

/// A number of bytes for a person: one decimal is enough to see it grow.
fn size(bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    match bytes {
        0..MIB => format!("{} KiB", bytes / 1024),
        _ => format!("{}.{} MiB", bytes / MIB, bytes % MIB * 10 / MIB),
    }
}

fn unwritable(error: keyfob::system::Error) -> Failure {
    Failure::new(ExitCode::Internal, error.to_string())
}

/// Takes all whole characters out of `bytes`; what is none at all becomes U+FFFD.
fn whole_characters(bytes: &mut Vec<u8>) -> String {
    let end = match std::str::from_utf8(bytes) {
        Ok(_) => bytes.len(),
        // The last character is still coming.
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        // Something is wrong within; only what may be the beginning of a character stays.
        Err(_) => bytes.len() - incomplete(bytes),
    };
    let rest = bytes.split_off(end);
    let whole = std::mem::replace(bytes, rest);
    String::from_utf8_lossy(&whole).into_owned()
}

/// Bytes at the end that are the beginning of a character.
fn incomplete(bytes: &[u8]) -> usize {
    (1..=3.min(bytes.len()))
        .find(|length| {
            let tail = &bytes[bytes.len() - length..];
            std::str::from_utf8(tail).is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
        })
        .unwrap_or(0)
}

/// `text` for a screen: lines and tabs stay, what else a terminal would obey is shown as what it is.
fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for part in text.split_inclusive(['\n', '\t']) {
        let (body, end) = match part.chars().next_back() {
            Some(end @ ('\n' | '\t')) => (&part[..part.len() - 1], Some(end)),
            _ => (part, None),
        };
        let body = if end == Some('\n') { body.strip_suffix('\r').unwrap_or(body) } else { body };
        shown.push_str(&escape(body));
        shown.extend(end);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{harmless, size, whole_characters};

    #[test]
    fn lines_stay_and_what_a_terminal_obeys_does_not() {
        assert_eq!(harmless("a\tb\r\nc\n"), "a\tb\nc\n");
        assert_eq!(harmless("\u{1b}[2J\u{9b}31m\n"), "\\u{1b}[2J\\u{9b}31m\n");
    }

    #[test]
    fn a_character_in_two_pieces_is_shown_once_and_whole() {
        let text = "a€b\u{fffd}ü";
        for cut in 0..text.len() {
            let mut rest = text.as_bytes()[..cut].to_vec();
            let first = whole_characters(&mut rest);
            rest.extend_from_slice(&text.as_bytes()[cut..]);

            assert_eq!(first + &whole_characters(&mut rest), text, "{cut}");
        }
    }

    #[test]
    fn what_is_no_text_does_not_pile_up() {
        let mut bytes = vec![0xff; 1000];
        bytes.push(0xe2);

        assert_eq!(whole_characters(&mut bytes).chars().count(), 1000);
        assert_eq!(bytes, [0xe2]);
    }

    #[test]
    fn sizes_are_told_with_one_decimal_at_most() {
        assert_eq!([size(0), size(1023 * 1024), size(21 * (1 << 19))], ["0 KiB", "1023 KiB", "10.5 MiB"]);
    }
}
