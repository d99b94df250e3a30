//! As much of HTTP/1.1 as the server needs: one bounded request on a connection, one answer, and the end.

use std::io;
use std::time::Duration;

use keyfob::system::Clock;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::server::Server;

/// Bytes of the request line and the fields together.
const HEAD_LIMIT: usize = 64 * 1024;
/// Bytes of a request's body.
const BODY_LIMIT: usize = 64 * 1024;
/// Fields of a request; browsers send some twenty.
const FIELD_LIMIT: usize = 64;
/// How long a request may take to arrive, and an answer to leave.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long, and how much, is read and thrown away after the answer. Closing a socket with unread bytes resets the
/// connection, and the reset can overtake the answer.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_LIMIT: usize = 256 * 1024;

/// A request, complete and in the limits.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: String,
    /// The target up to the first `?`.
    pub(super) path: String,
    /// The rest of the target.
    pub(super) query: Option<String>,
    /// Names in lower case.
    pub(super) fields: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// The values of a field, in their order.
    pub(super) fn field<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The value of a field that may occur once; `None` when it is absent or repeated.
    pub(super) fn sole_field<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        let mut values = self.field(name);
        let value = values.next()?;
        if values.next().is_some() { None } else { Some(value) }
    }

    /// The body's text, if it is declared as a form (RFC 6749 appendix B).
    pub(super) fn form(&self) -> Option<&str> {
        let media_type = self.sole_field("content-type")?.split(';').next()?.trim();
        if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return None;
        }
        std::str::from_utf8(&self.body).ok()
    }
}

/// An answer.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) fields: Vec<(&'static str, String)>,
    pub(super) body: String,
}

impl Response {
    /// An answer without a body.
    pub(super) fn empty(status: u16) -> Self {
        Self { status, fields: Vec::new(), body: String::new() }
    }

    /// A JSON document.
    pub(super) fn json(status: u16, document: &Value) -> Self {
        Self { body: document.to_string(), ..Self::empty(status) }.with("Content-Type", "application/json")
    }

    /// Sends the user agent on with GET, whatever brought it here (RFC 9110 §15.4.4).
    pub(super) fn see_other(location: String) -> Self {
        Self::empty(303).with("Location", location)
    }

    /// Adds a field.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    /// The bytes that are sent. Nothing the server says may be stored, sniffed or passed on as a referrer.
    fn bytes(&self) -> Vec<u8> {
        let date = Clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT");
        let mut text = format!("HTTP/1.1 {} {}\r\nDate: {date}\r\n", self.status, reason(self.status));
        for (name, value) in &self.fields {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n");
        text.push_str(&format!("Content-Length: {}\r\nConnection: close\r\n\r\n{}", self.body.len(), self.body));
        text.into_bytes()
    }
}

/// Reads one request from `stream`, answers it and closes the connection.
pub(super) async fn serve(mut stream: TcpStream, server: &Server) {
    let response = match timeout(PATIENCE, read(&mut stream)).await {
        Ok(Ok(Ok(request))) => server.answer(&request, Clock.seconds()),
        Ok(Ok(Err(status))) => Response::empty(status),
        Ok(Err(_)) => return,
        Err(_) => Response::empty(408),
    };
    let bytes = response.bytes();
    let sent = timeout(PATIENCE, async {
        stream.write_all(&bytes).await?;
        stream.shutdown().await
    });
    if let Ok(Ok(())) = sent.await {
        let _ = timeout(LINGER, drain(&mut stream)).await;
    }
}

/// A request, or the status that says what is wrong with it; an error when the connection is gone.
async fn read(stream: &mut TcpStream) -> io::Result<Result<Request, u16>> {
    let mut bytes = Vec::new();
    let (mut request, start, length) = loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match head(&bytes) {
            Ok(Some(parts)) => break parts,
            Ok(None) if bytes.len() > HEAD_LIMIT => return Ok(Err(431)),
            Ok(None) => {}
            Err(status) => return Ok(Err(status)),
        }
    };
    if length > BODY_LIMIT {
        return Ok(Err(413));
    }
    while bytes.len() < start + length {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    request.body = bytes[start..start + length].to_vec();
    Ok(Ok(request))
}

/// The request without its body, where the body starts and how long it is; `None` while the head is incomplete.
fn head(bytes: &[u8]) -> Result<Option<(Request, usize, usize)>, u16> {
    let mut fields = [httparse::EMPTY_HEADER; FIELD_LIMIT];
    let mut parsed = httparse::Request::new(&mut fields);
    let start = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(start)) => start,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(431),
        Err(_) => return Err(400),
    };
    if start > HEAD_LIMIT {
        return Err(431);
    }
    let (Some(method), Some(target)) = (parsed.method, parsed.path) else { return Err(400) };
    let fields: Option<Vec<_>> = parsed.headers.iter().map(field).collect();
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (target, None),
    };
    let request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query,
        fields: fields.ok_or(400u16)?,
        body: Vec::new(),
    };
    let length = body_length(&request)?;
    Ok(Some((request, start, length)))
}

/// Name and value of a field; values are ASCII, as ours and every browser's are.
fn field(header: &httparse::Header<'_>) -> Option<(String, String)> {
    let value = std::str::from_utf8(header.value).ok().filter(|value| value.is_ascii())?;
    Some((header.name.to_ascii_lowercase(), value.trim().to_owned()))
}

/// The body's length: one decimal number, or none. A transfer coding is refused: no client of ours needs one, and two
/// ways to tell a length are one too many (RFC 9112 §6.3).
fn body_length(request: &Request) -> Result<usize, u16> {
    if request.field("transfer-encoding").next().is_some() {
        return Err(501);
    }
    if request.field("content-length").next().is_none() {
        return Ok(0);
    }
    let text = request.sole_field("content-length").ok_or(400u16)?;
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(400);
    }
    text.parse().map_err(|_| 413)
}

async fn drain(stream: &mut TcpStream) {
    let mut buffer = [0; 4096];
    let mut total = 0;
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        total += count;
        if total > LINGER_LIMIT {
            return;
        }
    }
}

/// The reason phrase of the statuses in use (RFC 9110 §15).
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        303 => "See Other",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        421 => "Misdirected Request",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        _ => "Internal Server Error",
    }
}
