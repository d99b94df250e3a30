//! The redirect typed in by hand, for machines without a browser.
//!
//! What comes out goes through the same checks as what a [`Loopback`](super::Loopback) receives.

use url::Url;

use super::request::parameters;
use super::{Error, Parameters};
use crate::secret::Secret;

/// Bytes of pasted text that are read: as much as a browser could have sent.
const TEXT_LIMIT: usize = super::request::HEAD_LIMIT;

/// Whether a code without anything around it will do.
///
/// # Security
/// A bare code carries no `state`, so that nothing proves that it belongs to this login (RFC 6749 §10.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BareCode {
    /// Only the whole address is taken.
    Refused,
    /// The provider's own page shows a code or PIN to copy.
    Accepted,
}

/// What was pasted.
#[derive(PartialEq, Eq)]
pub enum Pasted {
    /// The parameters of the redirect, as a listener would have received them.
    Redirect(Parameters),
    /// A code or PIN alone.
    Code(Secret),
}

impl std::fmt::Debug for Pasted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Pasted::Redirect(_) => "Redirect(…)",
            Pasted::Code(_) => "Code(…)",
        })
    }
}

/// Reads `text` as the address of the page at `redirect_uri`, or as a bare code where that will do.
///
/// The address must have the scheme, host, port and path of `redirect_uri`; the scheme may be missing, since some browsers
/// hide it.
///
/// # Errors
/// [`Error::NotTheRedirect`] for other addresses and texts, [`Error::Fragment`], [`Error::NoParameters`],
/// [`Error::NotText`] and [`Error::TooLong`].
pub fn read(text: &str, redirect_uri: &str, bare: BareCode) -> Result<Pasted, Error> {
    let text = text.trim();
    let other = || Error::NotTheRedirect { redirect_uri: redirect_uri.into() };
    if text.len() > TEXT_LIMIT {
        return Err(Error::TooLong { found: text.len(), limit: TEXT_LIMIT });
    }
    // The callback `oob` of OAuth 1.0 is no address, and nothing can be at it.
    let expected = Url::parse(redirect_uri).ok();
    match address(text, redirect_uri).filter(|url| expected.as_ref().is_some_and(|expected| is_at(url, expected))) {
        Some(url) => redirect(&url),
        None if bare == BareCode::Accepted && is_bare(text) => Ok(Pasted::Code(Secret::new(text))),
        None => Err(other()),
    }
}

fn address(text: &str, redirect_uri: &str) -> Option<Url> {
    let (scheme, place) = redirect_uri.split_once("://")?;
    if text.starts_with(place) { Url::parse(&format!("{scheme}://{text}")).ok() } else { Url::parse(text).ok() }
}

fn is_at(url: &Url, expected: &Url) -> bool {
    let place = |url: &Url| (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port_or_known_default());
    place(url) == place(expected)
        && url.path() == expected.path()
        && url.username().is_empty()
        && url.password().is_none()
}

fn redirect(url: &Url) -> Result<Pasted, Error> {
    // `#_=_` is what Facebook has appended to redirects since 2011; it says nothing.
    if url.fragment().is_some_and(|fragment| !matches!(fragment, "" | "_=_")) {
        return Err(Error::Fragment);
    }
    let parameters = parameters(url.query().unwrap_or_default().as_bytes()).ok_or(Error::NotText)?;
    if parameters.is_empty() { Err(Error::NoParameters) } else { Ok(Pasted::Redirect(parameters)) }
}

/// Whether a text may be a code: printable ASCII (RFC 6749 appendix A.11), and neither an address nor several words.
fn is_bare(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.contains("://") && !text.contains('?')
}

#[cfg(test)]
mod tests {
    use super::{BareCode, Error, Pasted, Secret, read};

    const HERE: &str = "http://127.0.0.1:51234/callback";

    fn redirect(pairs: &[(&str, &str)]) -> Pasted {
        Pasted::Redirect(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
    }

    #[test]
    fn the_whole_address_gives_its_parameters_decoded_once_and_in_order() {
        let pasted = read(&format!("  {HERE}?code=a%2Bb+c%2520%C3%A9&state=s&state=t\n"), HERE, BareCode::Refused);

        assert_eq!(pasted.unwrap(), redirect(&[("code", "a+b c%20é"), ("state", "s"), ("state", "t")]));
    }

    #[test]
    fn the_scheme_may_be_missing() {
        let pasted = read("127.0.0.1:51234/callback?code=c", HERE, BareCode::Refused);

        assert_eq!(pasted.unwrap(), redirect(&[("code", "c")]));
    }

    #[test]
    fn another_address_is_refused_whatever_it_carries() {
        for other in [
            "https://127.0.0.1:51234/callback?code=c",
            "http://127.0.0.1:51235/callback?code=c",
            "http://localhost:51234/callback?code=c",
            "http://127.0.0.1:51234/callback2?code=c",
            "http://127.0.0.1:51234/callback/?code=c",
            "http://127.0.0.1:51234@evil.example/callback?code=c",
            "http://u@127.0.0.1:51234/callback?code=c",
            "127.0.0.1:51234/callback2?code=c",
            "two words",
            "",
        ] {
            let outcome = read(other, HERE, BareCode::Accepted);
            assert!(matches!(outcome, Err(Error::NotTheRedirect { redirect_uri }) if redirect_uri == HERE), "{other}");
        }
    }

    #[test]
    fn a_bare_code_is_taken_only_where_it_will_do() {
        assert_eq!(read("4/0Ab_c-d\n", HERE, BareCode::Accepted).unwrap(), Pasted::Code(Secret::new("4/0Ab_c-d")));
        assert!(matches!(read("4/0Ab_c-d", HERE, BareCode::Refused), Err(Error::NotTheRedirect { .. })));
    }

    #[test]
    fn a_redirect_that_is_no_address_takes_nothing_but_a_code() {
        assert_eq!(read("1234567", "oob", BareCode::Accepted).unwrap(), Pasted::Code(Secret::new("1234567")));
        for other in ["http://127.0.0.1/?oauth_verifier=1", "oob", "two words"] {
            let outcome = read(other, "oob", BareCode::Refused);
            assert!(matches!(outcome, Err(Error::NotTheRedirect { .. })), "{other}");
        }
    }

    #[test]
    fn a_fragment_is_refused_unless_it_is_empty_or_the_known_one() {
        let pasted = |tail: &str| read(&format!("{HERE}{tail}"), HERE, BareCode::Refused);

        assert!(matches!(pasted("#code=c&state=s"), Err(Error::Fragment)));
        assert!(matches!(pasted("?code=c#access_token=t"), Err(Error::Fragment)));
        assert_eq!(pasted("?code=c#_=_").unwrap(), redirect(&[("code", "c")]));
        assert_eq!(pasted("?code=c#").unwrap(), redirect(&[("code", "c")]));
    }

    #[test]
    fn an_address_without_parameters_or_with_bytes_that_are_no_text_is_refused() {
        assert!(matches!(read(HERE, HERE, BareCode::Accepted), Err(Error::NoParameters)));
        assert!(matches!(read(&format!("{HERE}?code=%FF"), HERE, BareCode::Accepted), Err(Error::NotText)));
    }

    #[test]
    fn a_text_beyond_the_limit_is_not_read() {
        let outcome = read(&"a".repeat(super::TEXT_LIMIT + 1), HERE, BareCode::Accepted);

        assert!(matches!(outcome, Err(Error::TooLong { found: 65_537, limit: 65_536 })));
    }

    #[test]
    fn debug_does_not_tell_what_was_pasted() {
        let pasted = read("hunter2", HERE, BareCode::Accepted).unwrap();

        assert_eq!(format!("{pasted:?}"), "Code(…)");
    }
}
