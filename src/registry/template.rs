//! Placeholders in endpoints and parameters, such as `{tenant}`.
//!
//! A placeholder is a name in braces and nothing else: no expressions. What is put in its place cannot change scheme, host or path structure:
//! where a template starts with the placeholder, the value is a whole base address and is checked as one; anywhere else it
//! is a piece of a host name or of one path segment. `{callback.x}`, `{token.x}` and `{app.x}` are known at run time only and stay as they are.

use std::borrow::Cow;
use std::fmt::Write;

use url::Url;

use super::checks::variable_name;
use crate::system::http::check_url;

/// Why a template cannot be filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// A declared variable has no value.
    Missing(String),
    /// No variable of this name is declared.
    Undeclared(String),
    /// The value cannot stand in this place.
    Value { variable: String, reason: String },
    /// A run-time placeholder stands where nothing is known yet.
    RunTime(String),
}

/// A piece of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Text(&'a str),
    Variable(&'a str),
    RunTime(&'a str),
}

/// Takes a template apart. Braces around anything but a name are text, as in a parameter that is JSON.
pub(super) fn pieces(template: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut text, mut at) = (0, 0);
    while let Some(open) = template[at..].find('{').map(|found| at + found) {
        at = open + 1;
        let Some(close) = template[at..].find('}').map(|found| at + found) else { break };
        let Some(piece) = placeholder(&template[at..close]) else { continue };
        if text < open {
            pieces.push(Piece::Text(&template[text..open]));
        }
        pieces.push(piece);
        (text, at) = (close + 1, close + 1);
    }
    if text < template.len() {
        pieces.push(Piece::Text(&template[text..]));
    }
    pieces
}

fn placeholder(name: &str) -> Option<Piece<'_>> {
    let known_later = ["callback.", "token.", "app."].iter().find_map(|prefix| name.strip_prefix(prefix));
    match known_later {
        Some(rest) => {
            let fine =
                !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
            fine.then_some(Piece::RunTime(name))
        }
        None => variable_name(name).is_none().then_some(Piece::Variable(name)),
    }
}

/// A variable's state: `None` undeclared, `Some(None)` without value.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<Option<Cow<'a, str>>>;

/// Fills the template of an address.
pub(super) fn fill_address(template: &str, run_time: bool, lookup: Lookup<'_>) -> Result<String, Fault> {
    fill(template, run_time, lookup, address_piece)
}

/// Fills what only a login knows into the template of an address, each value checked as a variable's would be.
pub(super) fn fill_run_time(template: &str, value: &dyn Fn(&str) -> Option<String>) -> Result<String, Fault> {
    let mut filled = String::with_capacity(template.len());
    for piece in pieces(template) {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Variable(name) => return Err(Fault::Undeclared(name.into())),
            Piece::RunTime(name) => {
                let value = value(name).ok_or_else(|| Fault::Missing(name.into()))?;
                let value = address_piece(&filled, name, &value)?;
                filled.push_str(&value);
            }
        }
    }
    Ok(filled)
}

/// A value as it may stand behind `before` in an address.
fn address_piece(before: &str, variable: &str, value: &str) -> Result<String, Fault> {
    let refused = |reason: String| Fault::Value { variable: variable.into(), reason };
    let Some((_, rest)) = before.split_once("://") else {
        return base_address(value).map_err(refused);
    };
    let piece = if rest.contains(['/', '?']) { path_piece(value) } else { host_piece(value) };
    match piece {
        Some(reason) => Err(refused(reason.into())),
        None => Ok(value.into()),
    }
}

/// Fills the template of a host.
pub(super) fn fill_host(template: &str, lookup: Lookup<'_>) -> Result<String, Fault> {
    fill(template, true, lookup, |_, variable, value| match host_piece(value) {
        Some(reason) => Err(Fault::Value { variable: variable.into(), reason: reason.into() }),
        None => Ok(value.into()),
    })
}

/// Fills the template of a parameter or header, whose value is encoded as a whole when it is sent.
pub(super) fn fill_text(template: &str, run_time: bool, lookup: Lookup<'_>) -> Result<String, Fault> {
    fill(template, run_time, lookup, |_, _, value| Ok(value.into()))
}

fn fill(
    template: &str,
    run_time: bool,
    lookup: Lookup<'_>,
    check: impl Fn(&str, &str, &str) -> Result<String, Fault>,
) -> Result<String, Fault> {
    let mut filled = String::with_capacity(template.len());
    for piece in pieces(template) {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::RunTime(name) if run_time => {
                let _ = write!(filled, "{{{name}}}");
            }
            Piece::RunTime(name) => return Err(Fault::RunTime(name.into())),
            Piece::Variable(name) => match lookup(name) {
                None => return Err(Fault::Undeclared(name.into())),
                Some(None) => return Err(Fault::Missing(name.into())),
                Some(Some(value)) => {
                    let value = check(&filled, name, &value)?;
                    filled.push_str(&value);
                }
            },
        }
    }
    Ok(filled)
}

/// A base address without what could swallow the path that follows it; without slashes at its end.
fn base_address(value: &str) -> Result<String, String> {
    let plain = |b: u8| {
        b.is_ascii_graphic()
            && !matches!(b, b'\\' | b'%' | b'?' | b'#' | b'@' | b'{' | b'}' | b'"' | b'<' | b'>' | b'^' | b'`' | b'|')
    };
    if !value.bytes().all(plain) {
        return Err(
            "it must be a plain address like `https://id.example.org`, without query, fragment or user name".into()
        );
    }
    let url = Url::parse(value).map_err(|error| format!("it is no address ({error})"))?;
    check_url(&url).map_err(|error| error.to_string())?;
    // `https:host` and `https:///host` would be repaired by the parser into something the reader does not see.
    let rest = value.split_once("://").map_or("", |(_, rest)| rest);
    if rest.is_empty() || rest.starts_with('/') {
        return Err("it must be a plain address like `https://id.example.org`".into());
    }
    if rest.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err("its path has a segment `.` or `..`".into());
    }
    Ok(value.trim_end_matches('/').into())
}

fn host_piece(value: &str) -> Option<&'static str> {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    (!value.split('.').all(label)).then_some("it must be a host name or a part of one: letters, digits, `-` and `.`")
}

fn path_piece(value: &str) -> Option<&'static str> {
    let fine = !value.is_empty()
        && !matches!(value, "." | "..")
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b'-'));
    (!fine).then_some("it must be one path segment: letters, digits, `.`, `_`, `~` and `-`")
}

/// Whether a value fits a pattern: `*` is any text, `?` one character, everything else itself.
pub(super) fn fits(pattern: &str, value: &str) -> bool {
    let (pattern, value): (Vec<char>, Vec<char>) = (pattern.chars().collect(), value.chars().collect());
    let (mut p, mut v) = (0, 0);
    // The last `*`, and how much of the value it has taken: the only point to which going back can help.
    let mut star = None;
    while v < value.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, v));
            p += 1;
        } else if pattern.get(p).is_some_and(|c| *c == '?' || *c == value[v]) {
            (p, v) = (p + 1, v + 1);
        } else if let Some((at, taken)) = star {
            star = Some((at, taken + 1));
            (p, v) = (at + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::{Fault, Piece, fill_address, fill_text, fits, pieces};

    fn with(template: &str, value: &str) -> Result<String, Fault> {
        fill_address(template, false, &|name| (name == "v").then(|| Some(value.to_owned().into())))
    }

    #[test]
    fn names_in_braces_are_placeholders_and_other_braces_text() {
        assert_eq!(
            pieces("a{b}c{token.id}{\"d\":{}}"),
            [
                Piece::Text("a"),
                Piece::Variable("b"),
                Piece::Text("c"),
                Piece::RunTime("token.id"),
                Piece::Text("{\"d\":{}}")
            ]
        );
    }

    #[test]
    fn a_base_address_loses_its_slashes_and_keeps_its_path() {
        assert_eq!(with("{v}/token", "https://a.example/auth//").unwrap(), "https://a.example/auth/token");
        assert_eq!(with("{v}/token", "http://127.0.0.1:8080").unwrap(), "http://127.0.0.1:8080/token");
    }

    #[test]
    fn a_base_address_cannot_be_anything_else() {
        for value in [
            "http://a.example",
            "a.example",
            "ftp://a.example",
            "https://a.example?x=",
            "https://a.example#",
            "https://good.example@evil.example",
            "https://a.example\\@b",
            "https://a.example/../x",
            "https:///a.example",
            "https:a.example",
            "https://",
            "https://a.exämple",
            "https://a.example /x",
            "https://a.example/%2e%2e",
            "",
        ] {
            assert!(matches!(with("{v}/token", value), Err(Fault::Value { .. })), "{value}");
        }
    }

    #[test]
    fn a_piece_of_a_host_cannot_leave_it() {
        assert_eq!(with("https://{v}.example/t", "a-1.b").unwrap(), "https://a-1.b.example/t");
        for value in
            ["evil.example/", "a@b", "a:1", "a#", "a?", "a b", "a..b", ".a", "-a", "", "ä", "a\\b", "a%2f", "a\n"]
        {
            assert!(matches!(with("https://{v}.example/t", value), Err(Fault::Value { .. })), "{value}");
        }
    }

    #[test]
    fn a_piece_of_a_path_cannot_leave_its_segment() {
        assert_eq!(with("https://a.example/{v}/t", "x.y_z~1-2").unwrap(), "https://a.example/x.y_z~1-2/t");
        for value in ["..", ".", "a/b", "a?b", "a#b", "a%2f", "a\\b", "", "a b", "@", "a:b", "ä", "{v}"] {
            assert!(matches!(with("https://a.example/{v}/t", value), Err(Fault::Value { .. })), "{value}");
        }
    }

    #[test]
    fn missing_and_undeclared_variables_are_told_apart() {
        assert_eq!(fill_text("{a}", false, &|_| Some(None)), Err(Fault::Missing("a".into())));
        assert_eq!(fill_text("{a}", false, &|_| None), Err(Fault::Undeclared("a".into())));
    }

    #[test]
    fn run_time_placeholders_stay_where_they_are_allowed() {
        assert_eq!(fill_text("{token.id}", true, &|_| None).unwrap(), "{token.id}");
        assert_eq!(fill_text("{token.id}", false, &|_| None), Err(Fault::RunTime("token.id".into())));
    }

    #[test]
    fn patterns_know_stars_and_question_marks() {
        for (pattern, value) in [("*.okta.com", "dev.okta.com"), ("a?c", "abc"), ("*", ""), ("a*b*c", "axxbyyc")] {
            assert!(fits(pattern, value), "{pattern} {value}");
        }
        for (pattern, value) in [("*.okta.com", "okta.com.evil"), ("a?c", "ac"), ("", "x"), ("a*b", "acbc")] {
            assert!(!fits(pattern, value), "{pattern} {value}");
        }
        assert!(!fits(&"*a".repeat(50), &"b".repeat(5000)));
    }
}
