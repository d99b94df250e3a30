//! Parameters in `application/x-www-form-urlencoded`, read strictly.
//!
//! A lenient reader replaces what it cannot decode and takes the first or the last of two values; two readers that differ
//! in this are an attack. Here both are refused.

use percent_encoding::percent_decode_str;

/// Decoded parameters in their order.
#[derive(Debug, Default)]
pub(super) struct Parameters(Vec<(String, String)>);

/// A parameter was given more than once (RFC 6749 §3.1, §3.2).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Repeated;

impl Parameters {
    /// Decodes `text`; `None` for a broken escape or bytes that are not UTF-8.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                Some((decode(name)?, decode(value)?))
            })
            .collect::<Option<_>>()
            .map(Self)
    }

    /// The value of `name`; an empty value counts as none (RFC 6749 §3.1), but as an occurrence nonetheless.
    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, Repeated> {
        let mut values = self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let value = values.next();
        if values.next().is_some() {
            return Err(Repeated);
        }
        Ok(value.filter(|value| !value.is_empty()))
    }

    /// Refuses any name that occurs twice, known or not.
    pub(super) fn distinct(&self) -> Result<(), Repeated> {
        let mut names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) { Err(Repeated) } else { Ok(()) }
    }
}

fn decode(text: &str) -> Option<String> {
    let escapes = text.split('%').skip(1);
    let whole = |escape: &str| escape.len() >= 2 && escape.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if !text.is_ascii() || !escapes.into_iter().all(whole) {
        return None;
    }
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(|text| text.into_owned())
}
