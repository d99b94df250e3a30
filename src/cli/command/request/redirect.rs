//! Where an answer sends a request on to, and what of it goes along.

use http::header::LOCATION;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use crate::cli::exit_code::ExitCode;
use crate::cli::report::Failure;

/// Redirects of one request; browsers follow twenty, and no API needs more than a few.
pub const MOST: u32 = 10;

/// The next request.
#[derive(Debug, PartialEq, Eq)]
pub struct Next {
    /// Where it goes, without a fragment.
    pub url: Url,
    /// Its method.
    pub method: Method,
    /// Whether the body goes along.
    pub with_body: bool,
    /// Whether it goes to another scheme, host or port, where nothing secret may follow.
    pub elsewhere: bool,
}

/// What an answer to `method` at `place` leads to; `None` when the answer is the last one.
///
/// # Errors
/// An address that must not be followed.
///
/// # Specification
/// RFC 9110 §15.4: 301 and 302 turn POST into GET as every user agent does, 303 turns all but HEAD into GET, 307 and 308
/// change nothing.
pub fn next(status: StatusCode, headers: &HeaderMap, method: &Method, place: &Url) -> Result<Option<Next>, Failure> {
    let changed = match status.as_u16() {
        301 | 302 => *method == Method::POST,
        303 => *method != Method::HEAD && *method != Method::GET,
        307 | 308 => false,
        _ => return Ok(None),
    };
    let Some(location) = headers.get(LOCATION) else { return Ok(None) };
    let refused = |what: &str| {
        let from = keyfob::system::http::endpoint(place);
        Failure::new(ExitCode::Security, format!("{from} redirects to {what}, which is not followed"))
    };
    let joined = location.to_str().ok().and_then(|text| place.join(text).ok());
    let Some(mut url) = joined else { return Err(refused("what is no address")) };
    url.set_fragment(None);
    let shown = keyfob::system::http::endpoint(&url);
    keyfob::system::http::check_url(&url).map_err(|error| refused(&shown).hint(error.to_string()))?;
    if place.scheme() == "https" && url.scheme() != "https" {
        return Err(refused(&shown).hint("the connection would no longer be protected"));
    }
    let elsewhere = url.origin() != place.origin();
    let method = if changed { Method::GET } else { method.clone() };
    Ok(Some(Next { url, method, with_body: !changed, elsewhere }))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method, StatusCode};
    use url::Url;

    use super::{Next, next};
    use crate::cli::exit_code::ExitCode;

    fn led(status: u16, method: Method, location: &str) -> Result<Option<Next>, ExitCode> {
        let mut headers = HeaderMap::new();
        headers.insert("location", location.parse().unwrap());
        let place = Url::parse("https://a.example/x/y?z").unwrap();
        next(StatusCode::from_u16(status).unwrap(), &headers, &method, &place).map_err(|failure| failure.code())
    }

    #[test]
    fn method_and_body_follow_as_the_specification_says() {
        for (status, method, expected, with_body) in [
            (301, Method::GET, Method::GET, true),
            (301, Method::POST, Method::GET, false),
            (302, Method::POST, Method::GET, false),
            (302, Method::PUT, Method::PUT, true),
            (303, Method::PUT, Method::GET, false),
            (303, Method::HEAD, Method::HEAD, true),
            (307, Method::POST, Method::POST, true),
            (308, Method::DELETE, Method::DELETE, true),
        ] {
            let led = led(status, method.clone(), "/w").unwrap().unwrap();

            assert_eq!((led.method, led.with_body), (expected, with_body), "{status} {method}");
        }
    }

    #[test]
    fn another_scheme_host_or_port_is_elsewhere() {
        for (location, elsewhere) in [
            ("/w", false),
            ("w#f", false),
            ("https://a.example:443/w", false),
            ("https://a.example:444/w", true),
            ("//b.example/w", true),
            ("https://a.example.b.example/", true),
        ] {
            assert_eq!(led(302, Method::GET, location).unwrap().unwrap().elsewhere, elsewhere, "{location}");
        }
    }

    #[test]
    fn what_is_not_protected_is_not_followed() {
        for location in ["http://a.example/", "http://127.0.0.1/", "file:///x", "https://u:p@a.example/", "https://["] {
            assert_eq!(led(307, Method::GET, location), Err(ExitCode::Security), "{location}");
        }
    }

    #[test]
    fn other_answers_are_the_last() {
        for status in [200, 300, 304, 305, 404] {
            assert_eq!(led(status, Method::GET, "/w"), Ok(None), "{status}");
        }
    }
}
