//! A bounded reader for the one HTTP request of a connection (RFC 9112), and the decoder of its parameters.

use http::StatusCode;
use percent_encoding::percent_decode;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::Parameters;

/// Bytes of request line and headers together. A code may have 8 KiB and cookies of other programs on the same host come
/// along; browsers themselves stop far below this.
pub(super) const HEAD_LIMIT: usize = 64 * 1024;

/// Bytes of a posted form: the same, since it holds what a query would.
pub(super) const BODY_LIMIT: usize = 64 * 1024;

/// Header fields of a request; browsers send about twenty.
const FIELD_LIMIT: usize = 100;

/// Why a request is not read any further.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// The other side went away: there is nobody to answer.
    Gone,
    /// It broke the protocol or a limit.
    Refused(StatusCode),
}

/// Request line and headers.
#[derive(Debug)]
pub(super) struct Head {
    pub method: String,
    pub target: String,
    fields: Vec<(String, String)>,
    /// What came in behind the headers already.
    rest: Vec<u8>,
}

impl Head {
    /// Reads up to the empty line; parses once, so that a sender of single bytes costs no more than another.
    pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Self, Unreadable> {
        let mut bytes = Vec::new();
        loop {
            let searched = bytes.len();
            let mut chunk = [0; 4096];
            let length = stream.read(&mut chunk).await.map_err(|_| Unreadable::Gone)?;
            if length == 0 {
                return Err(Unreadable::Gone);
            }
            bytes.extend_from_slice(&chunk[..length]);
            if searched == 0 && !could_be_http(&bytes) {
                return Err(Unreadable::Refused(StatusCode::BAD_REQUEST));
            }
            let end = end_of_head(&bytes, searched);
            if end.unwrap_or(bytes.len()) > HEAD_LIMIT {
                let line_ended = bytes[..HEAD_LIMIT].contains(&b'\n');
                return Err(Unreadable::Refused(if line_ended {
                    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
                } else {
                    StatusCode::URI_TOO_LONG
                }));
            }
            if let Some(end) = end {
                let rest = bytes.split_off(end);
                return Self::parse(&bytes, rest).map_err(Unreadable::Refused);
            }
        }
    }

    fn parse(bytes: &[u8], rest: Vec<u8>) -> Result<Self, StatusCode> {
        let mut fields = [httparse::EMPTY_HEADER; FIELD_LIMIT];
        let mut request = httparse::Request::new(&mut fields);
        match request.parse(bytes) {
            Ok(httparse::Status::Complete(_)) => {}
            Err(httparse::Error::TooManyHeaders) => return Err(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE),
            Ok(httparse::Status::Partial) | Err(_) => return Err(StatusCode::BAD_REQUEST),
        }
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        Ok(Self {
            method: request.method.unwrap_or_default().to_owned(),
            target: request.path.unwrap_or_default().to_owned(),
            fields: request.headers.iter().map(|field| (field.name.to_ascii_lowercase(), text(field.value))).collect(),
            rest,
        })
    }

    /// The value of a field that may occur once; `Err` when it occurs more often.
    pub fn field(&self, name: &str) -> Result<Option<&str>, StatusCode> {
        let mut values = self.fields.iter().filter(|(field, _)| field == name).map(|(_, value)| value.trim());
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            (_, Some(_)) => Err(StatusCode::BAD_REQUEST),
        }
    }

    /// Reads the form that follows.
    pub async fn form(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> Result<Parameters, Unreadable> {
        let length = self.form_length().map_err(Unreadable::Refused)?;
        let mut body = std::mem::take(&mut self.rest);
        body.truncate(length);
        let received = body.len();
        body.resize(length, 0);
        stream.read_exact(&mut body[received..]).await.map_err(|_| Unreadable::Gone)?;
        parameters(&body).ok_or(Unreadable::Refused(StatusCode::BAD_REQUEST))
    }

    fn form_length(&self) -> Result<usize, StatusCode> {
        let media_type = self.field("content-type")?.and_then(|value| value.split(';').next()).unwrap_or_default();
        if !media_type.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
        if self.field("transfer-encoding")?.is_some() {
            return Err(StatusCode::LENGTH_REQUIRED);
        }
        let length = self.field("content-length")?.ok_or(StatusCode::LENGTH_REQUIRED)?;
        if length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(StatusCode::BAD_REQUEST);
        }
        // Digits that do not fit the type are a length above every limit.
        length.parse().ok().filter(|length| *length <= BODY_LIMIT).ok_or(StatusCode::PAYLOAD_TOO_LARGE)
    }
}

/// Whether a connection begins with a method; a TLS handshake does not, and need not be waited for.
fn could_be_http(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|byte| byte.is_ascii_uppercase() || matches!(byte, b'\r' | b'\n'))
}

/// The index behind the empty line, which can only have been completed by the bytes from `searched` on.
fn end_of_head(bytes: &[u8], searched: usize) -> Option<usize> {
    // RFC 9112 §2.2: empty lines before the request line are ignored.
    let start = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n'))?;
    let from = searched.saturating_sub(2).max(start);
    let tail = &bytes[from..];
    let end = (0..tail.len()).find_map(|at| match &tail[at..] {
        [b'\n', b'\r', b'\n', ..] => Some(at + 3),
        [b'\n', b'\n', ..] => Some(at + 2),
        _ => None,
    })?;
    Some(from + end)
}

/// Decodes `application/x-www-form-urlencoded` once, in order; `None` when the result is not UTF-8.
///
/// Nothing is replaced or dropped: a code is opaque, and one that changed on the way cannot be redeemed.
pub(super) fn parameters(encoded: &[u8]) -> Option<Parameters> {
    let decode = |part: &[u8]| {
        let spaced: Vec<u8> = part.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        String::from_utf8(percent_decode(&spaced).collect()).ok()
    };
    let pairs = encoded.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            Some((decode(halves.next().unwrap_or_default())?, decode(halves.next().unwrap_or_default())?))
        })
        .collect()
}
