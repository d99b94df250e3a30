//! The narration as a sequence diagram.

use keyfob::system::trace::{Event, Party, Step};

use super::{Narrator, STEPS, bounded, name};
use crate::cli::terminal::escape;

/// Every party a lifeline, every message an arrow.
///
/// Requests and answers are drawn between the parties of the step they belong to.
#[derive(Default)]
pub(super) struct Mermaid {
    begun: bool,
    between: Option<(Party, Party)>,
}

const PARTIES: [Party; 5] =
    [Party::Client, Party::ResourceOwner, Party::AuthorizationServer, Party::ResourceServer, Party::Store];

impl Narrator for Mermaid {
    fn narrate(&mut self, event: &Event) -> Vec<String> {
        let mut lines = Vec::new();
        if !std::mem::replace(&mut self.begun, true) {
            lines.push("sequenceDiagram".into());
            lines.extend(PARTIES.map(|party| format!("    participant {} as {}", letter(party), name(party))));
        }
        match event {
            Event::Step(Step { number, between: (from, to), title, why, specification }) => {
                self.between = Some((*from, *to));
                let (from, to) = (letter(*from), letter(*to));
                lines.push(format!("    {from}->>{to}: {number} of {STEPS}: {} ({specification})", message(title)));
                let over = if from == to { from.to_owned() } else { format!("{from},{to}") };
                lines.push(format!("    Note over {over}: {}", message(why)));
            }
            Event::Request { method, url, parameters, .. } => {
                let server = letter(self.server());
                lines.push(format!("    C->>{server}: {} {}{}", message(method), message(url), with(parameters)));
            }
            Event::Response { status, members, .. } => {
                lines.push(format!("    {}-->>C: {status}{}", letter(self.server()), with(members)));
            }
            _ => {}
        }
        lines
    }
}

impl Mermaid {
    /// Whom keyfob's requests go to in the present step: a server, whoever else the step is about.
    fn server(&self) -> Party {
        match self.between {
            Some((Party::ResourceServer, _) | (_, Party::ResourceServer)) => Party::ResourceServer,
            _ => Party::AuthorizationServer,
        }
    }
}

fn letter(party: Party) -> &'static str {
    match party {
        Party::Client => "C",
        Party::ResourceOwner => "O",
        Party::AuthorizationServer => "A",
        Party::ResourceServer => "R",
        Party::Store => "S",
    }
}

fn with(pairs: &[(String, String)]) -> String {
    let (shown, left_out) = bounded(pairs);
    let mut parts: Vec<String> =
        shown.iter().map(|(name, value)| format!("{}={}", message(name), message(value))).collect();
    if left_out > 0 {
        parts.push(format!("and {left_out} more"));
    }
    if parts.is_empty() { String::new() } else { format!(", with {}", parts.join(", ")) }
}

/// Text of an arrow or note in which nothing ends the statement, starts a comment or directive, or is HTML.
///
/// Mermaid writes such characters as their number between `#` and `;`.
fn message(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in escape(text).chars() {
        match character {
            '#' | ';' | '%' | '<' | '>' | '&' | '"' | '\'' | '`' | '{' | '}' | '\\' => {
                safe.push_str(&format!("#{};", u32::from(character)));
            }
            other => safe.push(other),
        }
    }
    safe
}
