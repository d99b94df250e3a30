//! The headers that the user gives.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::cli::report::Failure;

/// What proves who asks: the session's business.
const OURS: [&str; 3] = ["authorization", "proxy-authorization", "dpop"];

/// What frames a message or says where it goes (RFC 9110 §7.2, §7.6.1; RFC 9112 §6): the connection's business.
const FRAMING: [&str; 11] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];

/// What may follow a redirect to another origin. Any other header may hold a credential, whatever its name.
const HARMLESS: [&str; 11] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "content-encoding",
    "content-language",
    "content-type",
    "if-modified-since",
    "if-none-match",
    "if-unmodified-since",
    "range",
    "user-agent",
];

/// Reads `Name: value` options.
///
/// # Errors
/// Wrong usage: what is no header, and headers that are not the user's to give.
pub fn parse(options: &[String]) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    for option in options {
        // The value may be secret, and is not repeated.
        let Some((name, value)) = option.split_once(':') else {
            return Err(Failure::usage("`-H` takes 'Name: value'").hint("for example  -H 'Accept: application/json'"));
        };
        let unusable = |reason: &str| Failure::usage(format!("the header `{}` {reason}", name.trim()));
        let parsed: HeaderName = name.trim().parse().map_err(|_| unusable("has a name that no header can have"))?;
        if OURS.contains(&parsed.as_str()) {
            return Err(unusable("is keyfob's own: it carries the session's token")
                .hint("choose the session with TARGET; other tools take a token from  keyfob token"));
        }
        if FRAMING.contains(&parsed.as_str()) {
            return Err(unusable("belongs to the connection and is set as the request needs it"));
        }
        let mut value: HeaderValue =
            value.trim().parse().map_err(|_| unusable("has a value that no header can have"))?;
        value.set_sensitive(!HARMLESS.contains(&parsed.as_str()));
        headers.append(parsed, value);
    }
    Ok(headers)
}

/// Takes out what must not follow to another origin.
pub fn leave_origin(headers: &mut HeaderMap) {
    let secret = |name: &&HeaderName| !HARMLESS.contains(&name.as_str());
    let names: Vec<HeaderName> = headers.keys().filter(secret).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

/// Takes out what describes a body that does not go along.
pub fn leave_body(headers: &mut HeaderMap) {
    for name in ["content-encoding", "content-language", "content-location", "content-type", "digest"] {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::{leave_origin, parse};
    use crate::cli::exit_code::ExitCode;

    fn given(options: &[&str]) -> Result<http::HeaderMap, ExitCode> {
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        parse(&options).map_err(|failure| failure.code())
    }

    #[test]
    fn headers_that_are_not_the_users_are_refused() {
        for option in [
            "Authorization: Basic x",
            "AUTHORIZATION : x",
            "proxy-authorization: x",
            "Host: a.example",
            "Content-Length: 1",
            "transfer-encoding: chunked",
            "X: a\r\nAuthorization: x",
            "X\u{0}: a",
            "nothing",
            ": x",
        ] {
            assert_eq!(given(&[option]), Err(ExitCode::Usage), "{option:?}");
        }
    }

    #[test]
    fn one_name_may_be_given_twice_and_with_an_empty_value() {
        let headers = given(&["X-A: 1", "x-a:2", "X-B:"]).unwrap();

        assert_eq!(headers.get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(headers["x-b"], "");
    }

    #[test]
    fn only_harmless_headers_leave_the_origin() {
        let mut headers = given(&["Cookie: a", "X-Api-Key: b", "Accept: c", "Range: bytes=0-1"]).unwrap();

        leave_origin(&mut headers);

        let left: std::collections::BTreeSet<_> = headers.keys().map(http::HeaderName::as_str).collect();
        assert_eq!(left, ["accept", "range"].into());
    }
}
