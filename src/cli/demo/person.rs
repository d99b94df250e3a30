//! The person, where there is no browser: opens the authorization page, presses *Allow*, follows the redirect.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::{Host, Position, Url};

use super::error::PlayError;

/// Bytes of an answer, head and body; the pages have some three thousand.
const ANSWER_LIMIT: u64 = 256 * 1024;
/// How long one answer may take. The client's last page comes only when the login is through.
const PATIENCE: Duration = Duration::from_secs(30);
/// Redirects followed after the consent: to the client, and within it.
const REDIRECT_LIMIT: usize = 5;

/// Plays the person to the end of the login: the consent of the page at `authorize_url` is given, and the client's own
/// page waited for.
///
/// The client has to be able to run meanwhile; await both together. An answer that sends on without asking, as an
/// authorization error does, is followed as a browser would follow it.
///
/// # Errors
/// [`PlayError`]. Nothing is ever sent to an address that is not loopback.
pub async fn play(authorize_url: &Url) -> Result<(), PlayError> {
    let asked = exchange(authorize_url, None).await?;
    let (mut at, mut answer) = (authorize_url.clone(), asked);
    if answer.status == 200 {
        let Some(transaction) = transaction(&answer.body) else {
            return Err(PlayError::NotAsked { endpoint: endpoint(&at), status: answer.status });
        };
        let form = format!("transaction={transaction}&decision=allow");
        at.set_path("/consent");
        at.set_query(None);
        answer = exchange(&at, Some(&form)).await?;
    }
    if answer.location.is_none() {
        return Err(PlayError::NotAsked { endpoint: endpoint(&at), status: answer.status });
    }
    for _ in 0..REDIRECT_LIMIT {
        let Some(location) = answer.location else { return Ok(()) };
        let next = at.join(&location);
        at = next.map_err(|_| PlayError::BadAnswer { endpoint: endpoint(&at), reason: "redirects to no address" })?;
        answer = exchange(&at, None).await?;
    }
    match answer.location {
        None => Ok(()),
        Some(_) => Err(PlayError::BadAnswer { endpoint: endpoint(&at), reason: "redirects without end" }),
    }
}

/// What of an answer matters to a person.
struct Answer {
    status: u16,
    /// Where a redirect leads.
    location: Option<String>,
    body: String,
}

/// Sends a GET, or a form, and reads the answer.
async fn exchange(url: &Url, form: Option<&str>) -> Result<Answer, PlayError> {
    let address = loopback(url)?;
    let request = request(url, form);
    let sent = timeout(PATIENCE, async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(request.as_bytes()).await?;
        receive(stream).await
    });
    let bytes = match sent.await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(source)) => return Err(PlayError::Unreachable { endpoint: endpoint(url), source }),
        Err(_) => return Err(PlayError::TooSlow { endpoint: endpoint(url), after_secs: PATIENCE.as_secs() }),
    };
    answer(&bytes).map_err(|reason| PlayError::BadAnswer { endpoint: endpoint(url), reason })
}

/// The address of a URL that may be visited: `http`, and a numeric loopback host, so that no name has to be resolved.
fn loopback(url: &Url) -> Result<SocketAddr, PlayError> {
    let host = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::from(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::from(address)),
        Some(Host::Domain(_)) | None => None,
    };
    let host = host.filter(|host| host.is_loopback() && url.scheme() == "http");
    match (host, url.port_or_known_default()) {
        (Some(host), Some(port)) => Ok(SocketAddr::new(host, port)),
        _ => Err(PlayError::NotLoopback { endpoint: url.origin().ascii_serialization() }),
    }
}

fn request(url: &Url, form: Option<&str>) -> String {
    let host = &url[Position::BeforeHost..Position::AfterPort];
    let target = &url[Position::BeforePath..Position::AfterQuery];
    let (method, body) = form.map_or(("GET", ""), |form| ("POST", form));
    let entity = match form {
        Some(form) => {
            format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n", form.len())
        }
        None => String::new(),
    };
    format!(
        "{method} {target} HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\n{entity}Connection: close\r\n\r\n{body}"
    )
}

/// Reads to the end of the connection, or of the limit. A connection that is reset after its answer, as some systems do
/// to unread bytes, is at its end as well.
async fn receive(stream: TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match stream.take(ANSWER_LIMIT + 1).read_to_end(&mut bytes).await {
        Err(error) if bytes.is_empty() => Err(error),
        _ => Ok(bytes),
    }
}

fn answer(bytes: &[u8]) -> Result<Answer, &'static str> {
    if bytes.len() as u64 > ANSWER_LIMIT {
        return Err("is too large");
    }
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Response::new(&mut fields);
    let Ok(httparse::Status::Complete(start)) = parsed.parse(bytes) else { return Err("is not HTTP") };
    let status = parsed.code.ok_or("is not HTTP")?;
    let mut locations = parsed.headers.iter().filter(|field| field.name.eq_ignore_ascii_case("location"));
    let location = match locations.next() {
        Some(field) if matches!(status, 301..=303 | 307 | 308) => Some(field.value),
        _ => None,
    };
    let location = location.map(std::str::from_utf8).transpose().map_err(|_| "redirects to no address")?;
    let body = String::from_utf8_lossy(&bytes[start..]).into_owned();
    Ok(Answer { status, location: location.map(str::to_owned), body })
}

/// The consent form's transaction: base64url, and so in need of no escaping.
fn transaction(page: &str) -> Option<&str> {
    let (_, rest) = page.split_once("action=\"/consent\"")?;
    let (_, rest) = rest.split_once("name=\"transaction\" value=\"")?;
    let (transaction, _) = rest.split_once('"')?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    transaction.bytes().all(plain).then_some(transaction)
}

/// Scheme, host, port and path: what may be shown of an address.
fn endpoint(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}
