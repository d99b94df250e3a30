//! The forms a token is handed out in.
//!
//! A [`Format`] turns a [`Presented`] token into the bytes of standard output, and refuses what could break out of the
//! form: a token is checked when it is received, and here again. Each form is a file and a row of [`FORMATS`]. A token
//! whose every request must be signed is handed out as the headers for one request, which `protocol::presentation` makes;
//! forms without headers refuse it.

mod curl;
mod error;
mod header;
mod headers;
mod json;
mod raw;
mod sasl;
mod text;

use zeroize::Zeroizing;

use crate::protocol::token::TokenType;
use crate::secret::Secret;

pub use error::Error;
pub use text::{json_text, rfc3339};

/// A valid token and what may be told with it.
#[derive(Debug, Clone)]
pub struct Presented<'a> {
    /// The session's name.
    pub session: &'a str,
    /// The token that was asked for.
    pub token: &'a Secret,
    /// How it is presented.
    pub token_type: TokenType,
    /// Names and values of the headers that were made for one request, where the token is no header by itself.
    pub signed: &'a [(String, Secret)],
    /// Seconds since 1970 at which it ends, if known.
    pub expires_at: Option<i64>,
    /// Seconds since 1970 now.
    pub now: i64,
    /// What it is good for.
    pub scopes: &'a [String],
    /// The ID token that came with it.
    pub id_token: Option<&'a Secret>,
    /// The account's mail address or user name, for SASL.
    pub user: Option<&'a str>,
    /// The server's host, for SASL.
    pub host: Option<&'a str>,
    /// The server's port, for SASL.
    pub port: Option<u16>,
}

/// A form of output.
pub trait Format: Sync {
    /// Its name, as in `--format`.
    fn name(&self) -> &'static str;

    /// One line about it, for help and documentation.
    fn summary(&self) -> &'static str;

    /// The document that defines it.
    fn specification(&self) -> &'static str;

    /// The bytes for standard output, wiped when dropped.
    ///
    /// # Errors
    /// [`Error::Unpresentable`] for a token that could break out of the form; [`Error::NoUser`] where the form needs one;
    /// [`Error::Signed`] for a token that the form cannot hold.
    fn render(&self, presented: &Presented<'_>) -> Result<Zeroizing<Vec<u8>>, Error>;
}

/// Every form there is; the first is the default.
pub static FORMATS: &[&dyn Format] =
    &[&raw::Raw, &json::Json, &header::Header, &headers::Headers, &curl::Curl, &sasl::Xoauth2, &sasl::OauthBearer];

/// The form called `name`.
pub fn format(name: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.name() == name)
}

/// The token's characters, if there are any and all are visible ASCII or blanks inside: whatever form they are put in,
/// they cannot end a line, a header or a terminal's text.
///
/// # Specification
/// RFC 6749 appendix A.12 (`1*VSCHAR`).
fn presentable<'a>(what: &'static str, token: &'a Secret) -> Result<&'a str, Error> {
    let text = token.expose();
    let reason = if text.is_empty() {
        "it is empty"
    } else if text.starts_with(' ') || text.ends_with(' ') {
        "it begins or ends with a blank"
    } else if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        "it holds characters other than visible ASCII"
    } else {
        return Ok(text);
    };
    Err(Error::Unpresentable { what, reason })
}

/// The token for a form that holds it and nothing else.
///
/// # Errors
/// [`Error::Signed`] for one that is worth nothing by itself; as [`presentable`].
fn bare<'a>(format: &dyn Format, presented: &Presented<'a>) -> Result<&'a str, Error> {
    match presented.token_type {
        TokenType::Bearer | TokenType::NotApplicable => presentable("token", presented.token),
        TokenType::OAuth1 | TokenType::DPoP => Err(Error::Signed { format: format.name().to_owned() }),
    }
}

/// A header's name and value.
type Line<'a> = (&'a str, Zeroizing<Vec<u8>>);

/// Names and values of the headers that present the token.
///
/// # Errors
/// [`Error::Signed`] where the request is not known that they are for; [`Error::NotApplicable`]; as [`presentable`].
fn lines<'a>(format: &dyn Format, presented: &Presented<'a>) -> Result<Vec<Line<'a>>, Error> {
    if presented.signed.is_empty() {
        let token = bare(format, presented)?;
        if presented.token_type == TokenType::NotApplicable {
            return Err(Error::NotApplicable { format: format.name().to_owned() });
        }
        return Ok(vec![("Authorization", joined(&[presented.token_type.name(), " ", token]))]);
    }
    let signed = presented.signed.iter();
    signed.map(|(name, value)| Ok((name.as_str(), joined(&[presentable("header", value)?])))).collect()
}

/// A header's value, which is ASCII.
fn text_of(value: &[u8]) -> &str {
    std::str::from_utf8(value).expect("a presentable value is ASCII")
}

/// Joins `parts` without leaving copies behind: the room is taken at once.
fn joined(parts: &[&str]) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
    parts.iter().for_each(|part| bytes.extend_from_slice(part.as_bytes()));
    bytes
}

#[cfg(test)]
mod testing {
    use super::{Error, Format, Presented};
    use crate::protocol::token::TokenType;
    use crate::secret::Secret;

    /// `token` of a session with nothing else known.
    pub(super) fn presented(token: &Secret) -> Presented<'_> {
        Presented {
            session: "acme/ada",
            token,
            token_type: TokenType::Bearer,
            signed: &[],
            expires_at: None,
            now: 1_795_435_980,
            scopes: &[],
            id_token: None,
            user: Some("ada@example.com"),
            host: None,
            port: None,
        }
    }

    /// What `format` makes of it.
    pub(super) fn rendered(format: &dyn Format, presented: &Presented<'_>) -> Result<String, Error> {
        format.render(presented).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::testing::{presented, rendered};
    use super::{Error, FORMATS, format};
    use crate::protocol::token::TokenType;
    use crate::secret::Secret;

    #[test]
    fn names_are_those_of_the_manual_and_unique() {
        let names: Vec<_> = FORMATS.iter().map(|format| format.name()).collect();

        assert_eq!(names, ["raw", "json", "header", "headers", "curl", "xoauth2", "oauthbearer"]);
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        assert!(names.iter().all(|name| format(name).is_some_and(|found| found.name() == *name)));
        assert!(format("RAW").is_none());
    }

    #[test]
    fn every_format_is_summed_up_in_a_line_and_defined_somewhere() {
        for format in FORMATS {
            assert!((1..=70).contains(&format.summary().len()), "{}", format.name());
            assert!(!format.specification().is_empty(), "{}", format.name());
        }
    }

    #[test]
    fn no_format_hands_out_a_token_that_could_break_out() {
        for hostile in ["", "a\rb", "a\nb", "a\0b", "a\u{1b}b", "a\tb", "a\u{7f}b", "aéb", "a\u{9b}b", " a", "a "] {
            let token = Secret::new(hostile);
            for format in FORMATS {
                let result = format.render(&presented(&token));
                assert!(matches!(result, Err(Error::Unpresentable { .. })), "{} {hostile:?}", format.name());
            }
        }
    }

    #[test]
    fn a_token_that_must_be_signed_is_handed_out_as_the_headers_of_one_request_only() {
        let token = Secret::new("abc");
        let signed = [("Authorization".to_owned(), Secret::new("OAuth a=\"b\"")), ("Other".into(), Secret::new("c"))];
        let mut presented = presented(&token);
        presented.token_type = TokenType::OAuth1;

        for format in FORMATS {
            let refused = Err(Error::Signed { format: format.name().into() });
            assert_eq!(rendered(*format, &presented), refused);
        }
        presented.signed = &signed;
        for (name, expected) in [
            ("raw", None),
            ("json", None),
            ("header", Some("Authorization: OAuth a=\"b\"\nOther: c\n")),
            ("headers", Some("{\"Authorization\":\"OAuth a=\\\"b\\\"\",\"Other\":\"c\"}\n")),
            ("curl", Some("header = \"Authorization: OAuth a=\\\"b\\\"\"\nheader = \"Other: c\"\n")),
            ("xoauth2", None),
            ("oauthbearer", None),
        ] {
            assert_eq!(rendered(format(name).unwrap(), &presented).ok().as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn a_large_token_is_handed_out_byte_for_byte() {
        let token = Secret::new("aB9-._~+/=".repeat(6_554));

        assert_eq!(rendered(FORMATS[0], &presented(&token)).unwrap(), format!("{}\n", token.expose()));
    }
}
