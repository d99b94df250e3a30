//! `--explain`: the flow, told while it happens.
//!
//! Each of the six steps of RFC 6749 figure 1 is named with who talks to whom, why, and where the specification says so;
//! requests and answers follow with their parameters. Secrets are replaced at the source, by
//! [`trace`](keyfob::system::trace). Written line by line, so that a run that breaks off has told how far it came.

mod markdown;
mod mermaid;
mod text;

use std::sync::{Mutex, PoisonError};

use keyfob::system::trace::{Event, Observer, Party};

use super::log::{MAX_PAIRS, MAX_VALUE};
use super::terminal::{Terminal, shorten};

/// The value of `--explain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For the screen.
    #[default]
    Text,
    /// A document.
    Markdown,
    /// A sequence diagram.
    Mermaid,
}

/// Steps in RFC 6749 figure 1.
const STEPS: u8 = 6;

/// Turns events into lines.
trait Narrator: Send {
    fn narrate(&mut self, event: &Event) -> Vec<String>;
}

/// Writes the narration to standard error.
pub struct Explain {
    terminal: Terminal,
    narrator: Mutex<Box<dyn Narrator>>,
}

impl Explain {
    /// A narration in `format`.
    pub fn new(terminal: Terminal, format: Format) -> Self {
        let narrator: Box<dyn Narrator> = match format {
            Format::Text => Box::new(text::Text::new(terminal.appearance().plain)),
            Format::Markdown => Box::new(markdown::Markdown::default()),
            Format::Mermaid => Box::new(mermaid::Mermaid::default()),
        };
        Self { terminal, narrator: Mutex::new(narrator) }
    }
}

impl Observer for Explain {
    fn observe(&self, event: &Event) {
        // Held while writing too, so that lines of two events do not mix.
        let mut narrator = self.narrator.lock().unwrap_or_else(PoisonError::into_inner);
        narrator.narrate(event).iter().for_each(|line| self.terminal.narrate(line));
    }
}

/// What people call a party.
fn name(party: Party) -> &'static str {
    match party {
        Party::Client => "keyfob",
        Party::ResourceOwner => "you, in the browser",
        Party::AuthorizationServer => "authorization server",
        Party::ResourceServer => "resource server",
        Party::Store => "secret store",
    }
}

/// Harmless and bounded names and values of a message, with the number of those left out.
fn bounded(pairs: &[(String, String)]) -> (Vec<(String, String)>, usize) {
    let shown = pairs.iter().take(MAX_PAIRS);
    let shown = shown.map(|(name, value)| (shorten(name, MAX_VALUE), shorten(value, MAX_VALUE))).collect();
    (shown, pairs.len().saturating_sub(MAX_PAIRS))
}

#[cfg(test)]
mod tests {
    use keyfob::system::trace::{Event, Observer as _, Party, Step};

    use super::{Explain, Format};
    use crate::cli::terminal::{Appearance, testing::terminal};

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    fn events(title: &str, foreign: &str) -> [Event; 3] {
        [
            Event::Step(Step {
                number: 3,
                between: (Party::Client, Party::AuthorizationServer),
                title: title.into(),
                why: format!("Only {foreign} has the verifier"),
                specification: "RFC 6749 §4.1.3",
            }),
            Event::Request {
                method: "POST".into(),
                url: "https://a.example/token".into(),
                headers: vec![pair("accept", "application/json")],
                parameters: vec![pair("grant_type", "authorization_code"), pair("code", "[redacted 3f9a]")],
            },
            Event::Response {
                url: "https://a.example/token".into(),
                status: 200,
                headers: vec![],
                members: vec![pair("token_type", "Bearer"), pair("error", foreign)],
                length: 99,
            },
        ]
    }

    fn told(format: Format, appearance: Appearance, foreign: &str) -> String {
        let (terminal, _, error) = terminal(appearance);
        let explain = Explain::new(terminal, format);
        events("Redeem the code", foreign).iter().for_each(|event| explain.observe(event));
        error.text()
    }

    #[test]
    fn text_tells_step_reason_section_and_messages() {
        let expected = "\
step 3 of 6: Redeem the code
    keyfob → authorization server, RFC 6749 §4.1.3
    Only keyfob has the verifier
    → POST https://a.example/token
        grant_type  authorization_code
        code        [redacted 3f9a]
    ← 200 (99 bytes)
        token_type  Bearer
        error       keyfob
";
        assert_eq!(told(Format::Text, Appearance::default(), "keyfob"), expected);
    }

    #[test]
    fn plain_text_is_ascii() {
        let plain = told(Format::Text, Appearance { plain: true, ..Appearance::default() }, "keyfob");

        assert!(plain.replace('§', "").is_ascii(), "{plain}");
    }

    #[test]
    fn markdown_is_a_document() {
        let expected = "\
# What keyfob does, step by step

## 3 of 6. Redeem the code

*keyfob → authorization server* (RFC 6749 §4.1.3)

Only keyfob has the verifier

Request: `POST https://a.example/token`

- `grant_type`: `authorization_code`
- `code`: `[redacted 3f9a]`

Answer: `200` (99 bytes)

- `token_type`: `Bearer`
- `error`: `keyfob`

";
        assert_eq!(told(Format::Markdown, Appearance::default(), "keyfob"), expected);
    }

    #[test]
    fn mermaid_is_a_sequence_diagram() {
        let expected = "\
sequenceDiagram
    participant C as keyfob
    participant O as you, in the browser
    participant A as authorization server
    participant R as resource server
    participant S as secret store
    C->>A: 3 of 6: Redeem the code (RFC 6749 §4.1.3)
    Note over C,A: Only keyfob has the verifier
    C->>A: POST https://a.example/token, with grant_type=authorization_code, code=[redacted 3f9a]
    A-->>C: 200, with token_type=Bearer, error=keyfob
";
        assert_eq!(told(Format::Mermaid, Appearance::default(), "keyfob"), expected);
    }

    #[test]
    fn quiet_does_not_silence_what_was_asked_for() {
        assert!(!told(Format::Text, Appearance { quiet: true, ..Appearance::default() }, "x").is_empty());
    }

    #[test]
    fn foreign_text_adds_no_line_in_any_format() {
        let hostile = "a\n# b\r\n```\n    C->>A: fake\u{2028}\u{1b}[2J";
        for format in [Format::Text, Format::Markdown, Format::Mermaid] {
            let (plain, attacked) =
                (told(format, Appearance::default(), "x"), told(format, Appearance::default(), hostile));
            assert_eq!(attacked.lines().count(), plain.lines().count(), "{format:?}: {attacked}");
            assert!(!attacked.contains('\u{1b}'), "{format:?}");
        }
    }

    #[test]
    fn foreign_text_is_no_markdown() {
        let text =
            told(Format::Markdown, Appearance::default(), "<img src=x> [a](https://e.example) `b` *c* www.e.example");

        assert!(
            text.contains(r"Only \<img src\=x\> \[a\]\(https\://e\.example\) \`b\` \*c\* www\.e\.example has"),
            "{text}"
        );
        assert!(text.contains("- `error`: ``<img src=x> [a](https://e.example) `b` *c* www.e.example``\n"), "{text}");
    }

    #[test]
    fn foreign_text_is_no_mermaid() {
        let text = told(Format::Mermaid, Appearance::default(), "a;b#c<script>%%{init}");

        let safe = "a#59;b#35;c#60;script#62;#37;#37;#123;init#125;";
        assert!(text.contains(&format!("    Note over C,A: Only {safe} has the verifier\n")), "{text}");
        assert!(text.contains(&format!("error={safe}\n")), "{text}");
    }
}
