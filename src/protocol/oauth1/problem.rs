//! What a server says when it refuses a signed request.
//!
//! RFC 5849 leaves that to the server. Some report problems in the way of an old extension, in a form or a challenge;
//! others say it in words.

use http::header::{DATE, WWW_AUTHENTICATE};

use super::encoding::decode;
use crate::protocol::ErrorResponse;
use crate::protocol::http::media_type;
use crate::system::http::Response;

/// Bytes of a body in words that are read.
const WORDS: usize = 2000;

/// Seconds by which a server's date must be away before a text about timestamps is taken to mean this machine's clock.
const CLOSE: i64 = 60;

/// The problem that an answer reports, if it does.
///
/// # Specification
/// OAuth Problem Reporting extension (2008): `oauth_problem`, `oauth_problem_advice`.
pub fn reported(response: &Response) -> Option<ErrorResponse> {
    let error = field(response, "oauth_problem").filter(|problem| !problem.is_empty())?;
    Some(ErrorResponse { error, description: field(response, "oauth_problem_advice"), uri: None })
}

/// What a refusal says, whatever its form: the reported problem, the members that OAuth 2.0 has for it (Authlib and others
/// use them here too), else the status with the server's words.
pub fn refusal(response: &Response) -> ErrorResponse {
    let named = || {
        let error = in_form(response, "error").filter(|error| !error.is_empty())?;
        Some(ErrorResponse { error, description: in_form(response, "error_description"), uri: None })
    };
    reported(response).or_else(named).unwrap_or_else(|| ErrorResponse {
        error: response.status().as_u16().to_string(),
        description: words(response),
        uri: None,
    })
}

/// Whether a status says that the request was understood and refused.
///
/// # Specification
/// RFC 5849 §3.2; 403 is what several servers answer instead.
pub fn is_refusal(response: &Response) -> bool {
    matches!(response.status().as_u16(), 400 | 401 | 403)
}

/// The server's time, where it refuses `timestamp` (which was sent) and tells another one.
///
/// # Specification
/// OAuth Problem Reporting extension: `timestamp_refused`, `oauth_acceptable_timestamps`; RFC 9110 §6.6.1 (`Date`).
pub fn server_time(response: &Response, timestamp: i64) -> Option<i64> {
    if !is_refusal(response) {
        return None;
    }
    match reported(response) {
        Some(problem) if problem.error == "timestamp_refused" => acceptable(response).or_else(|| date(response)),
        Some(_) => None,
        None if speaks_of_time(&words(response)?) => {
            date(response).filter(|date| date.saturating_sub(timestamp).abs() > CLOSE)
        }
        None => None,
    }
}

/// Whether a refusal in words means the timestamp. A base string that is repeated has it too, and says nothing.
fn speaks_of_time(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    let repeated = |words: String, sign: &str| words.replace(&format!("oauth_timestamp{sign}"), "");
    ["=", "%3d", "%253d"].into_iter().fold(words, repeated).contains("timestamp")
}

/// The middle of the range that the server accepts.
fn acceptable(response: &Response) -> Option<i64> {
    let range = field(response, "oauth_acceptable_timestamps")?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (i64, i64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first > 0 && first <= last).then(|| first + (last - first) / 2)
}

fn date(response: &Response) -> Option<i64> {
    let text = response.headers().get(DATE)?.to_str().ok()?;
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(date.as_second()).filter(|seconds| *seconds > 0)
}

/// A parameter of the form in the body, else of the challenge.
fn field(response: &Response, name: &str) -> Option<String> {
    in_form(response, name).or_else(|| challenged(response, name))
}

fn in_form(response: &Response, name: &str) -> Option<String> {
    let pair = decode(response.body().trim_ascii()).into_iter().find(|(known, _)| known == name.as_bytes());
    pair.and_then(|(_, value)| String::from_utf8(value).ok())
}

/// A parameter of an `OAuth` challenge; values are percent-encoded as in requests.
fn challenged(response: &Response, name: &str) -> Option<String> {
    response.headers().get_all(WWW_AUTHENTICATE).iter().find_map(|challenge| {
        let challenge = challenge.to_str().ok()?;
        let (scheme, parameters) = challenge.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("OAuth") {
            return None;
        }
        let (_, rest) = parameters.split_once(&format!("{name}=\""))?;
        let (value, _) = rest.split_once('"')?;
        percent_encoding::percent_decode_str(value).decode_utf8().ok().map(std::borrow::Cow::into_owned)
    })
}

/// The body, where it is words for a person: plain text, or the message of a JSON object.
fn words(response: &Response) -> Option<String> {
    let body = &response.body()[..response.body().len().min(WORDS)];
    let text = String::from_utf8_lossy(body).trim().to_owned();
    let is_markup = media_type(response)
        .is_some_and(|media_type| media_type.contains("html") || media_type.contains("xml"))
        || text.starts_with('<');
    (!text.is_empty() && !is_markup).then_some(text)
}
