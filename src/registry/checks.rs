//! What is wrong with a string, for each kind of string that a field may want.

use super::schema::GRANTS;

pub(super) fn printable(text: &str) -> Option<&'static str> {
    // Bidirectional controls and their like would let one text pass for another.
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    text.contains(hidden).then_some("it holds a control character")
}

pub(super) fn word(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("it is empty");
    }
    text.contains(|c: char| c.is_whitespace() || c.is_control()).then_some("it holds a blank or a control character")
}

/// Provider names: nothing that could look like something else or need quoting.
pub(super) fn id(text: &str) -> Option<&'static str> {
    let fine = !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    (!fine).then_some("a provider's name consists of a-z, 0-9 and `-`")
}

/// Names of template variables; lower case, so that they cannot be taken for something else.
pub(super) fn variable_name(text: &str) -> Option<&'static str> {
    let fine = text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    (!fine).then_some("a variable's name consists of a-z, 0-9 and `_`")
}

/// Names of environment variables (POSIX.1-2017 §8.1).
pub(super) fn variable(text: &str) -> Option<&'static str> {
    let fine = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    (!fine).then_some("a variable's name consists of letters, digits and `_`")
}

pub(super) fn grant(text: &str) -> Option<&'static str> {
    if GRANTS.contains(&text) || (text.contains(':') && word(text).is_none()) {
        return None;
    }
    Some(
        "a grant is `authorization_code`, `device_code`, `client_credentials`, `jwt_bearer`, `saml2_bearer`, \
         `token_exchange`, `ciba`, `password`, `oauth1` or the URI of an extension",
    )
}

/// A host, with a port if need be; placeholders are checked when they are filled.
pub(super) fn host(text: &str) -> Option<&'static str> {
    if text.contains('{') {
        return word(text);
    }
    let parsed = url::Url::parse(&format!("https://{text}/")).ok();
    let plain = !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']'));
    (!plain || parsed.is_none()).then_some("it is no host name (`api.example.org`, with `:PORT` if need be)")
}

pub(super) fn path(text: &str) -> Option<&'static str> {
    let fine = text.starts_with('/')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~'));
    (!fine).then_some("it must start with `/` and hold letters, digits, `-`, `_`, `.`, `~` and `/` only")
}
