//! The narration as a document.

use keyfob::system::trace::{Event, Step};

use super::{Narrator, STEPS, bounded, name};
use crate::cli::terminal::escape;

/// A heading per step, a list per message.
#[derive(Default)]
pub(super) struct Markdown {
    begun: bool,
}

impl Narrator for Markdown {
    fn narrate(&mut self, event: &Event) -> Vec<String> {
        let mut lines = Vec::new();
        if !std::mem::replace(&mut self.begun, true) {
            lines.extend(["# What keyfob does, step by step".into(), String::new()]);
        }
        match event {
            Event::Step(Step { number, between: (from, to), title, why, specification }) => lines.extend([
                format!("## {number} of {STEPS}. {}", inline(title)),
                String::new(),
                format!("*{} → {}* ({specification})", name(*from), name(*to)),
                String::new(),
                inline(why),
                String::new(),
            ]),
            Event::Request { method, url, parameters, .. } => {
                lines.extend([format!("Request: {}", code(&format!("{method} {url}"))), String::new()]);
                lines.extend(list(parameters));
            }
            Event::Response { status, members, length, .. } => {
                lines.extend([format!("Answer: `{status}` ({length} bytes)"), String::new()]);
                lines.extend(list(members));
            }
            _ => {}
        }
        lines
    }
}

fn list(pairs: &[(String, String)]) -> Vec<String> {
    let (shown, left_out) = bounded(pairs);
    let mut lines: Vec<String> =
        shown.iter().map(|(name, value)| format!("- {}: {}", code(name), code(value))).collect();
    if left_out > 0 {
        lines.push(format!("- and {left_out} more"));
    }
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

/// Text in which nothing is markup: neither emphasis, links and HTML, nor addresses that some renderers make links of.
///
/// A full stop is left alone at the end of a sentence, where it cannot be part of an address.
///
/// # Specification
/// CommonMark 0.31 §2.4 (backslash escapes); GFM 0.29 §6.9 (extended autolinks).
fn inline(text: &str) -> String {
    let text = escape(text.trim());
    let mut safe = String::with_capacity(text.len());
    let mut characters = text.chars().enumerate().peekable();
    while let Some((at, character)) = characters.next() {
        let is_inside = characters.peek().is_some_and(|(_, next)| !next.is_whitespace());
        let is_markup = match character {
            '.' | ':' => is_inside,
            // Elsewhere in a line these are punctuation.
            '-' | '+' => at == 0,
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '(' | ')' | '#' | '!' | '|' | '~' | '&'
            | '@' | '$' | '^' | '=' => true,
            _ => false,
        };
        if is_markup {
            safe.push('\\');
        }
        safe.push(character);
    }
    safe
}

/// A code span, its fence longer than any run of backticks within.
///
/// # Specification
/// CommonMark 0.31 §6.1.
fn code(text: &str) -> String {
    let text = escape(text);
    let mut longest = 0;
    let mut run = 0;
    for character in text.chars() {
        run = if character == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    // A backtick at either end would join the fence; an empty span would be none.
    let pad = if text.is_empty() || text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

#[cfg(test)]
mod tests {
    use super::{code, inline};

    #[test]
    fn a_code_span_cannot_be_left() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code(""), "`  `");
        assert_eq!(code("a\nb"), "`a b`");
    }

    #[test]
    fn a_line_does_not_start_a_block() {
        assert_eq!(inline("# a"), r"\# a");
        assert_eq!(inline("- a"), r"\- a");
        assert_eq!(inline("    a"), "a");
        assert_eq!(inline("a@b.example. See https://x"), r"a\@b\.example. See https\://x");
        assert_eq!(inline("a - b."), "a - b.");
    }
}
