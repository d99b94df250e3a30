//! One connection: one request, one answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::StatusCode;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::page::{Page, see_other};
use super::request::{Head, Unreadable};
use super::site::{Answer, Route, Site};
use super::tls::Tls;

/// How long a request may take to arrive. Browsers open connections ahead of use and leave them silent.
const READ_LIMIT: Duration = Duration::from_secs(10);

/// How long an answer of a few kilobytes may take to leave.
const WRITE_LIMIT: Duration = Duration::from_secs(5);

/// How long, and for how many bytes, what is still coming in is read and dropped after an answer. Closing over unread bytes
/// would reset the connection, and the answer might be lost with it.
const LINGER_LIMIT: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 1024 * 1024;

/// Whether a connection may be ended without loss to anybody: it has not made its request, or has been answered.
pub(super) type Idle = Arc<AtomicBool>;

/// Answers the request of one connection, behind the handshake of `tls` if there is one.
pub(super) async fn serve(site: Arc<Site>, stream: TcpStream, tls: Option<Tls>, idle: Idle) {
    match tls {
        None => answer(site, stream, idle).await,
        Some(tls) => {
            if let Ok(Ok(stream)) = timeout(READ_LIMIT, tls.accept(stream)).await {
                answer(site, stream, idle).await;
            }
        }
    }
}

/// `idle` is set whenever ending the connection would lose nothing.
async fn answer(site: Arc<Site>, mut stream: impl AsyncRead + AsyncWrite + Unpin, idle: Idle) {
    let Ok(request) = timeout(READ_LIMIT, receive(&site, &mut stream)).await else {
        return;
    };
    idle.store(false, Ordering::Relaxed);
    let (answer, body) = match request {
        Ok(Request::Redirect(parameters)) => (site.judge(parameters).await, true),
        Ok(Request::Final) => (site.outcome().await, true),
        Err(Some((page, body))) => (Answer::Page(page), body),
        Err(None) => return,
    };
    let mut response = match &answer {
        Answer::Page(page) | Answer::Outcome(page) => page.response(),
        Answer::SeeOther => see_other(site.final_path()),
    };
    if !body {
        let end = response.windows(4).position(|window| window == b"\r\n\r\n").map_or(response.len(), |at| at + 4);
        response.truncate(end);
    }
    let sent = timeout(WRITE_LIMIT, async {
        stream.write_all(&response).await?;
        stream.shutdown().await
    });
    let _ = sent.await;
    if matches!(answer, Answer::Outcome(_)) {
        site.progress().delivered();
    }
    idle.store(true, Ordering::Relaxed);
    let _ = timeout(LINGER_LIMIT, drain(&mut stream)).await;
}

/// A request that got past the refusals.
enum Request {
    Redirect(super::Parameters),
    Final,
}

/// Reads a request; else the page that refuses it, and whether its body may be sent (it may not in answer to HEAD), or
/// nothing when nobody is there to read one.
async fn receive(site: &Site, stream: &mut (impl AsyncRead + Unpin)) -> Result<Request, Option<(Page, bool)>> {
    let mut head = Head::read(stream).await.map_err(|reason| unreadable(reason).map(|page| (page, true)))?;
    let body = head.method != "HEAD";
    let parameters = match site.route(&head).map_err(|page| Some((page, body)))? {
        Route::Final => return Ok(Request::Final),
        Route::Query(query) => super::request::parameters(&query).ok_or(Unreadable::Refused(StatusCode::BAD_REQUEST)),
        Route::Form => head.form(stream).await,
    };
    parameters.map(Request::Redirect).map_err(|reason| unreadable(reason).map(|page| (page, body)))
}

fn unreadable(reason: Unreadable) -> Option<Page> {
    match reason {
        Unreadable::Gone => None,
        Unreadable::Refused(status) => Some(Page::refusal(status, "The request cannot be read.")),
    }
}

async fn drain(stream: &mut (impl AsyncRead + Unpin)) {
    let mut left = LINGER_BYTES;
    let mut bytes = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut bytes).await {
        left = left.saturating_sub(length);
        if left == 0 {
            return;
        }
    }
}
