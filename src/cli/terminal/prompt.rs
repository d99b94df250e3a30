//! Questions to the person at the terminal.

use std::io::{self, BufRead as _, Read as _};

use keyfob::secret::Secret;

use super::{Terminal, modes};

/// Longest line that is read: a pasted redirect with a large token in it fits, an endless stream does not.
const MAX_LINE: u64 = 256 * 1024;

impl Terminal {
    /// Asks `question` and returns the line that is typed, without its end.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotConnected`] where nobody can be asked; [`io::ErrorKind::UnexpectedEof`] when the input ends.
    pub fn prompt_line(&self, question: &str) -> io::Result<String> {
        self.ask(question)?;
        line_of(&mut io::stdin().lock())
    }

    /// Asks `question` and returns what is typed without showing it.
    ///
    /// # Errors
    /// As [`prompt_line`](Self::prompt_line); [`io::ErrorKind::Interrupted`] after Ctrl-C.
    pub fn prompt_secret(&self, question: &str) -> io::Result<Secret> {
        self.ask(question)?;
        modes::remember();
        let secret = rpassword::read_password().map(Secret::new);
        modes::forget();
        secret
    }

    /// Asks a question that is answered by yes or no; a bare Enter takes `default`.
    ///
    /// # Errors
    /// As [`prompt_line`](Self::prompt_line).
    pub fn confirm(&self, question: &str, default: bool) -> io::Result<bool> {
        let choice = if default { "[Y/n]" } else { "[y/N]" };
        loop {
            let answer = self.prompt_line(&format!("{question} {choice} "))?;
            if let Some(yes) = decision(&answer, default) {
                return Ok(yes);
            }
        }
    }

    fn ask(&self, question: &str) -> io::Result<()> {
        if !self.is_interactive() {
            return Err(io::Error::new(io::ErrorKind::NotConnected, "there is no terminal to ask at"));
        }
        self.question(question);
        Ok(())
    }
}

/// A line without its end. What is not UTF-8 is replaced, since it cannot be an answer to anything we ask.
fn line_of(input: &mut dyn io::BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    input.take(MAX_LINE).read_until(b'\n', &mut line)?;
    match line.as_slice() {
        [] => Err(io::ErrorKind::UnexpectedEof.into()),
        line => Ok(String::from_utf8_lossy(line).trim_end_matches(['\r', '\n']).to_owned()),
    }
}

fn decision(answer: &str, default: bool) -> Option<bool> {
    match answer.trim().to_ascii_lowercase().as_str() {
        "" => Some(default),
        "y" | "yes" => Some(true),
        "n" | "no" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::{decision, line_of};

    #[test]
    fn a_line_is_read_without_its_end() {
        assert_eq!(line_of(&mut &b" a b \r\nrest"[..]).unwrap(), " a b ");
        assert_eq!(line_of(&mut &b"\n"[..]).unwrap(), "");
        assert_eq!(line_of(&mut &b"no end"[..]).unwrap(), "no end");
    }

    #[test]
    fn the_end_of_input_is_told_from_an_empty_line() {
        assert_eq!(line_of(&mut &b""[..]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn an_endless_line_is_cut() {
        assert_eq!(line_of(&mut io::BufReader::new(io::repeat(b'x'))).unwrap().len(), 256 * 1024);
    }

    #[test]
    fn yes_and_no_are_understood_and_enter_takes_the_default() {
        assert_eq!(decision("", true), Some(true));
        assert_eq!(decision(" ", false), Some(false));
        assert_eq!(decision("Y", false), Some(true));
        assert_eq!(decision("no", true), Some(false));
        assert_eq!(decision("perhaps", true), None);
    }
}
