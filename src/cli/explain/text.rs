//! The narration for the screen.

use keyfob::system::trace::{Event, Step};

use super::{Narrator, STEPS, bounded, name};

/// Indented lines, with arrows for the direction of a message.
pub(super) struct Text {
    there: &'static str,
    back: &'static str,
}

impl Text {
    /// With ASCII arrows if `plain`.
    pub(super) fn new(plain: bool) -> Self {
        if plain { Self { there: "->", back: "<-" } } else { Self { there: "→", back: "←" } }
    }
}

impl Narrator for Text {
    fn narrate(&mut self, event: &Event) -> Vec<String> {
        match event {
            Event::Step(Step { number, between: (from, to), title, why, specification }) => vec![
                format!("step {number} of {STEPS}: {title}"),
                format!("    {} {} {}, {specification}", name(*from), self.there, name(*to)),
                format!("    {why}"),
            ],
            Event::Request { method, url, parameters, .. } => {
                let mut lines = vec![format!("    {} {method} {url}", self.there)];
                lines.extend(aligned(parameters));
                lines
            }
            Event::Response { status, members, length, .. } => {
                let mut lines = vec![format!("    {} {status} ({length} bytes)", self.back)];
                lines.extend(aligned(members));
                lines
            }
            _ => Vec::new(),
        }
    }
}

/// Widest column of names; a longer name pushes its own value only.
const MAX_NAME: usize = 30;

fn aligned(pairs: &[(String, String)]) -> Vec<String> {
    let (shown, left_out) = bounded(pairs);
    let width = shown.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).min(MAX_NAME);
    let mut lines: Vec<String> = shown.iter().map(|(name, value)| format!("        {name:width$}  {value}")).collect();
    if left_out > 0 {
        lines.push(format!("        and {left_out} more"));
    }
    lines
}
