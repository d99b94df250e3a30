//! Pushed authorization requests: the answer that stands for a request.

use std::time::Duration;

use serde_json::Value;

use super::Error;
use super::http::{self, check_status};
use crate::system::http::Response;

/// What errors call it.
pub const ENDPOINT: &str = "pushed authorization request endpoint";

/// Characters of a `request_uri`. Real ones have about a hundred; this one goes into an address.
const LONGEST: usize = 2048;

/// A request that the server keeps, and the name by which the browser refers to it.
///
/// # Specification
/// RFC 9126 §2.2.
#[derive(Debug, PartialEq, Eq)]
pub struct PushedRequest {
    /// Its name, good for one use.
    pub request_uri: String,
    /// For how long it is kept.
    pub expires_in: Duration,
}

impl PushedRequest {
    /// Reads an answer that came at `at`, in seconds since 1970. Status 200 is taken for 201.
    ///
    /// # Errors
    /// What the server says ([`Error::Server`]), or what is wrong with how it says it. A name that could bring further
    /// parameters into the browser's address, or be no request of this server, is [`Error::Field`].
    ///
    /// # Specification
    /// RFC 9126 §2.2, §2.3; RFC 9101 §5.2 (an absolute URI).
    pub fn read(response: &Response, at: i64) -> Result<Self, Error> {
        check_status(ENDPOINT, response, at)?;
        let members = http::members(ENDPOINT, response)?;
        if let Some(told) = http::error_response(&members) {
            return Err(Error::Server(told));
        }
        if !matches!(response.status(), ::http::StatusCode::CREATED | ::http::StatusCode::OK) {
            let (status, content) = (response.status().as_u16(), http::content(response));
            return Err(Error::Status { endpoint: ENDPOINT, status, content });
        }
        let field = |field: &str, reason| Error::Field { endpoint: ENDPOINT, field: field.to_owned(), reason };
        let request_uri = match members.get("request_uri") {
            Some(Value::String(uri)) => uri.clone(),
            _ => return Err(field("request_uri", "is missing or no text")),
        };
        if let Some(reason) = unfit(&request_uri) {
            return Err(field("request_uri", reason));
        }
        let seconds = members.get("expires_in").and_then(Value::as_f64).filter(|seconds| *seconds > 0.0);
        let seconds = seconds.ok_or_else(|| field("expires_in", "is missing or no positive number"))?;
        let expires_in = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        Ok(Self { request_uri, expires_in })
    }
}

/// Why a text is no name of a request.
fn unfit(uri: &str) -> Option<&'static str> {
    let of_scheme = |scheme: &str| uri.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    match uri {
        "" => Some("is empty"),
        _ if uri.len() > LONGEST => Some("is too long"),
        _ if !of_scheme("urn:") && !of_scheme("https://") => Some("is neither a `urn:` nor an `https:` address"),
        _ if !uri.bytes().all(|byte| byte.is_ascii_graphic()) => Some("has characters that no address has"),
        _ if uri.contains(['&', '#', '"', '<', '>', '\\', '^', '`', '{', '|', '}']) => {
            Some("has characters that no name of a request has")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::{Error, PushedRequest, Response};

    const NAME: &str = "urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c";

    fn answer(status: u16, body: &Value) -> Response {
        let answer = http::Response::builder().status(status).header("content-type", "application/json");
        answer.body(body.to_string().into_bytes()).unwrap()
    }

    fn read(status: u16, body: &Value) -> Result<PushedRequest, Error> {
        PushedRequest::read(&answer(status, body), 0)
    }

    #[test]
    fn the_example_of_the_specification_is_read() {
        // RFC 9126 §2.2.
        let body = json!({ "request_uri": NAME, "expires_in": 60 });

        for status in [201, 200] {
            let read = read(status, &body).unwrap();
            assert_eq!(read, PushedRequest { request_uri: NAME.into(), expires_in: Duration::from_secs(60) });
        }
        assert!(matches!(read(202, &body), Err(Error::Status { status: 202, .. })));
    }

    #[test]
    fn an_error_is_the_servers_and_a_failure_of_the_moment_is_one() {
        let refused = read(400, &json!({ "error": "invalid_request", "error_description": "redirect_uri" }));

        assert!(matches!(refused, Err(Error::Server(told)) if told.error == "invalid_request"));
        assert!(matches!(read(503, &json!({ "error": "x" })), Err(Error::Unavailable { status: 503, .. })));
        assert!(matches!(read(400, &json!({})), Err(Error::Status { status: 400, .. })));
    }

    #[test]
    fn a_name_that_is_none_is_refused() {
        let long = format!("urn:{}", "x".repeat(10 << 10));
        let names = [
            json!(""),
            json!(null),
            json!(7),
            json!([NAME]),
            json!("javascript:alert(1)"),
            json!("http://op.example/r"),
            json!("file:///etc/passwd"),
            json!("data:text/plain,x"),
            json!("not-a-uri"),
            json!("urn:x&redirect_uri=https://evil.example"),
            json!("urn:x#fragment"),
            json!("urn:x y"),
            json!("urn:x\n"),
            json!("urn:é"),
            json!(long),
        ];
        for name in names {
            let outcome = read(201, &json!({ "request_uri": name, "expires_in": 60 }));
            assert!(matches!(outcome, Err(Error::Field { ref field, .. }) if field == "request_uri"), "{outcome:?}");
        }
    }

    #[test]
    fn a_life_that_is_none_is_refused() {
        for life in [json!(0), json!(-1), json!(null), json!("60"), json!(true), json!([60])] {
            let outcome = read(201, &json!({ "request_uri": NAME, "expires_in": life }));
            assert!(matches!(outcome, Err(Error::Field { ref field, .. }) if field == "expires_in"), "{outcome:?}");
        }
        let long = read(201, &json!({ "request_uri": NAME, "expires_in": 1e300 })).unwrap();
        assert_eq!(long.expires_in, Duration::MAX);
    }
}
