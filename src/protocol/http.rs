//! Requests to an endpoint of the authorization server, and what all answers have in common.

use http::header::{ACCEPT, CONTENT_TYPE, DATE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Map, Value};
use url::Url;

use super::parameters::Parameters;
use super::{Error, ErrorResponse, json};
use crate::system::http::{Request, Response};

/// How the parameters of a request travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// A form in the body of a POST (RFC 6749 §4.1.3).
    #[default]
    Form,
    /// A JSON object in the body of a POST; of some providers, in no specification.
    Json,
    /// The query of a GET; of some providers, against RFC 6749 §3.2.
    Query,
}

/// A request to an endpoint, before it is authenticated and sent.
#[derive(Debug, Clone)]
pub struct EndpointRequest {
    /// Where it goes.
    pub url: Url,
    /// What it says.
    pub parameters: Parameters,
    /// What the address says beside that; of some providers, against RFC 6749 §2.3.1.
    pub query: Parameters,
    /// Further headers.
    pub headers: HeaderMap,
    /// How the parameters travel.
    pub format: Format,
}

impl EndpointRequest {
    /// A form for `url`.
    pub fn new(url: Url, parameters: Parameters) -> Self {
        Self { url, parameters, query: Parameters::new(), headers: HeaderMap::new(), format: Format::Form }
    }

    /// Its method.
    pub fn method(&self) -> Method {
        match self.format {
            Format::Form | Format::Json => Method::POST,
            Format::Query => Method::GET,
        }
    }

    /// The message to send.
    ///
    /// # Errors
    /// [`Error::Parameter`] when a header or the address cannot be written.
    pub fn into_http(mut self) -> Result<Request, Error> {
        let failed = |reason: String| Error::Parameter { name: "request".into(), reason };
        if self.query.iter().next().is_some() {
            self.url = self.query.appended_to(&self.url).map_err(|error| failed(error.to_string()))?;
        }
        let (method, url, body, media_type) = match self.format {
            Format::Form => (
                Method::POST,
                self.url,
                self.parameters.encoded().into_bytes(),
                Some("application/x-www-form-urlencoded"),
            ),
            Format::Json => {
                let members: Map<String, Value> = self
                    .parameters
                    .iter()
                    .map(|(name, value)| (name.to_owned(), Value::String(value.expose().to_owned())))
                    .collect();
                (Method::POST, self.url, Value::Object(members).to_string().into_bytes(), Some("application/json"))
            }
            Format::Query => {
                let url = self.parameters.appended_to(&self.url).map_err(|error| failed(error.to_string()))?;
                (Method::GET, url, Vec::new(), None)
            }
        };
        let mut request = http::Request::builder()
            .method(method)
            .uri(url.as_str())
            .body(body)
            .map_err(|error| failed(error.to_string()))?;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(media_type) = media_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        }
        headers.extend(self.headers);
        Ok(request)
    }
}

/// A GET of a JSON document.
///
/// # Errors
/// [`Error::Parameter`] when the address cannot be written.
pub fn get(url: &Url) -> Result<Request, Error> {
    let mut request = http::Request::get(url.as_str())
        .body(Vec::new())
        .map_err(|error| Error::Parameter { name: "request".into(), reason: error.to_string() })?;
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
    Ok(request)
}

/// A header of an entry.
///
/// # Errors
/// [`Error::Parameter`] for a name or value that no header can have.
pub fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Error> {
    let failed = || Error::Parameter { name: super::jose::excerpt(name), reason: "it is no HTTP header".into() };
    Ok((name.parse().map_err(|_| failed())?, value.parse().map_err(|_| failed())?))
}

/// The media type without its parameters, in lower case; `None` without a header.
pub fn media_type(response: &Response) -> Option<String> {
    let value = response.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// Whether the media type is JSON: `application/json`, `text/json` or one that ends in `+json`.
pub fn is_json(response: &Response) -> bool {
    media_type(response).is_some_and(|media_type| {
        matches!(media_type.as_str(), "application/json" | "text/json")
            || (media_type.starts_with("application/") && media_type.ends_with("+json"))
    })
}

/// What the body is, in words.
pub fn content(response: &Response) -> String {
    match media_type(response) {
        _ if response.body().is_empty() => "an empty body".into(),
        Some(media_type) if !media_type.is_empty() => super::jose::excerpt(&media_type),
        _ => "a body of no media type".into(),
    }
}

/// Refuses redirects and temporary failures, which mean the same at every endpoint.
///
/// # Errors
/// [`Error::Redirected`], [`Error::Unavailable`].
pub fn check_status(endpoint: &'static str, response: &Response, now: i64) -> Result<(), Error> {
    let status = response.status();
    if status.is_redirection() {
        let to = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let to = to.and_then(|text| Url::parse(text).ok()).and_then(|url| authority(&url));
        return Err(Error::Redirected { endpoint, status: status.as_u16(), to });
    }
    if status.is_server_error() || status == http::StatusCode::TOO_MANY_REQUESTS {
        return Err(Error::Unavailable { endpoint, status: status.as_u16(), retry_after: retry_after(response, now) });
    }
    Ok(())
}

/// Host, and port where it is not the scheme's own.
fn authority(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

/// Seconds to wait before the next try, if the server says so in a way that makes sense.
///
/// # Specification
/// RFC 9110 §10.2.3: whole seconds or a date. Of several headers the first counts.
pub fn retry_after(response: &Response, now: i64) -> Option<u64> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text.parse().unwrap_or(u64::MAX));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(u64::try_from(date.as_second().saturating_sub(now)).unwrap_or(0))
}

/// Seconds since 1970 at which the server made its answer, by its own clock.
///
/// # Specification
/// RFC 9110 §6.6.1.
pub fn date(response: &Response) -> Option<i64> {
    date_in(response.headers())
}

/// As [`date`], of an answer's head alone.
pub fn date_in(headers: &HeaderMap) -> Option<i64> {
    let text = headers.get(DATE)?.to_str().ok()?;
    Some(jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()?.as_second())
}

/// The members of a JSON answer.
///
/// # Errors
/// [`Error::NotJson`], [`Error::Json`].
pub fn members(endpoint: &'static str, response: &Response) -> Result<Map<String, Value>, Error> {
    if !is_json(response) {
        return Err(Error::NotJson { endpoint, status: response.status().as_u16(), content: content(response) });
    }
    json::parse_object(response.body()).map_err(|cause| Error::Json { endpoint, cause })
}

/// The error that an answer reports in the members of the specification, if it does. An `error` that is no text counts
/// too, as itself.
///
/// # Specification
/// RFC 6749 §5.2.
pub fn error_response(members: &Map<String, Value>) -> Option<ErrorResponse> {
    let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
    let error = match members.get("error")? {
        Value::Null | Value::Bool(false) => return None,
        Value::String(error) => error.clone(),
        other => {
            other.get("code").or_else(|| other.get("type")).unwrap_or(other).to_string().trim_matches('"').to_owned()
        }
    };
    let nested = || members.get("error")?.get("message")?.as_str().map(str::to_owned);
    let description = text("error_description").or_else(|| text("message")).or_else(nested);
    Some(ErrorResponse { error, description, uri: text("error_uri") })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Error, Response, check_status, error_response, is_json, retry_after};

    fn answer(status: u16, name: &str, value: &str) -> Response {
        http::Response::builder().status(status).header(name, value).body(Vec::new()).unwrap()
    }

    #[test]
    fn json_is_known_by_its_media_type_whatever_the_parameters() {
        for good in ["application/json", "Application/JSON; charset=utf-8", "text/json", "application/problem+json"] {
            assert!(is_json(&answer(200, "content-type", good)), "{good}");
        }
        for bad in ["text/html", "text/plain", "application/jsonx", "application/x-www-form-urlencoded", ""] {
            assert!(!is_json(&answer(200, "content-type", bad)), "{bad}");
        }
    }

    #[test]
    fn a_redirect_names_the_host_it_points_to() {
        let answer = answer(307, "location", "https://evil.example/x?y");

        let Err(Error::Redirected { to, status: 307, .. }) = check_status("token endpoint", &answer, 0) else {
            panic!()
        };

        assert_eq!(to.as_deref(), Some("evil.example"));
    }

    #[test]
    fn retry_after_is_read_in_all_its_forms_and_nonsense_is_none() {
        let now = 784_111_777; // Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110 §5.6.7
        for (text, expected) in [
            ("120", Some(120)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
            ("Sun, 06 Nov 1994 08:49:07 GMT", Some(0)),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(&answer(503, "retry-after", text), now), expected, "{text}");
        }
    }

    #[test]
    fn an_error_is_read_as_text_and_in_the_shapes_that_occur() {
        let read = |value: serde_json::Value| error_response(value.as_object().unwrap()).map(|error| error.error);

        assert_eq!(read(json!({"error": "invalid_grant"})).as_deref(), Some("invalid_grant"));
        assert_eq!(read(json!({"error": {"code": 190, "message": "m"}})).as_deref(), Some("190"));
        assert_eq!(read(json!({"error": null})), None);
        assert_eq!(read(json!({"access_token": "x"})), None);
    }
}
