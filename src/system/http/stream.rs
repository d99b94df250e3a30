//! Exchanges whose bodies flow: of any size, never held as a whole.
//!
//! The policy is that of the module above. Only the limits differ: there is none on size, and none on the time of a body
//! that keeps moving. Whoever does not move is given up: a server that takes no more of the request or sends no more of
//! the answer after the `idle` limit, one that has all of the request and no answer after the `request` limit. A slow
//! source of the request's body is nobody's fault and is waited for.

use std::future::Future;
use std::io::{self, Read};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::Method;
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HeaderValue};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use url::Url;

use super::{BODY_LIMIT, Error, HttpClient, Pace, check_url, endpoint};
use crate::system::Trace;
use crate::system::http::tls::Identity;
use crate::system::trace::{self, Event};

/// Bytes that are read from a source at once: enough for the speed of a disk, little enough to be moving visibly.
const PIECE: usize = 64 * 1024;

/// Pieces that lie ready for the network.
const AHEAD: usize = 4;

/// The body of a request.
pub enum Upload {
    /// All of it.
    Bytes(Vec<u8>),
    /// Whatever a source yields until its end.
    Source {
        /// Read on a thread of its own.
        reader: Box<dyn Read + Send>,
        /// What to call it in errors.
        name: String,
        /// Its length in bytes, where that is known; it is cut or found short there.
        length: Option<u64>,
    },
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Source { length, .. } => write!(f, "Source({length:?})"),
        }
    }
}

/// An answer whose body is still to come.
pub struct Download {
    answer: reqwest::Response,
    url: Url,
    idle: Duration,
    received: u64,
    trace: Trace,
}

impl HttpClient {
    /// Sends `request` once and returns its answer as soon as that begins.
    ///
    /// The body comes as the server means it: without content coding is asked for, and `gzip` that comes nevertheless is
    /// undone, as the headers of the answer then say. Must be called within a runtime.
    ///
    /// # Errors
    /// [`Error::ForbiddenUrl`] before anything is sent; [`Error::Read`] when the source of the body fails; otherwise why no
    /// answer began.
    pub async fn send_flowing(&self, request: http::Request<Upload>) -> Result<Download, Error> {
        let url = Url::parse(&request.uri().to_string())
            .map_err(|_| Error::ForbiddenUrl { url: String::new(), reason: "it is no address" })?;
        check_url(&url)?;
        let identity = Identity::of(&request);
        let client = self.client(&url, Pace::Flowing, identity.as_deref())?;
        self.trace.tell(|| Event::Request {
            method: request.method().to_string(),
            url: trace::shown_url(&url),
            headers: trace::shown_headers(request.headers()),
            parameters: match request.body() {
                Upload::Bytes(bytes) if bytes.len() <= BODY_LIMIT => trace::shown_body(request.headers(), bytes),
                Upload::Bytes(_) | Upload::Source { .. } => Vec::new(),
            },
        });
        let flow = Arc::new(Flow::default());
        let request = prepared(request, &flow)
            .map_err(|error| Error::BadAnswer { endpoint: endpoint(&url), reason: error.to_string() })?;
        let answer = self.begun(client.execute(request), &flow, &url).await?;
        let idle = self.options.idle;
        Ok(Download { answer, url, idle, received: 0, trace: self.trace.clone() })
    }

    /// Waits for the beginning of an answer for as long as the request moves.
    async fn begun(
        &self,
        exchange: impl Future<Output = reqwest::Result<reqwest::Response>>,
        flow: &Flow,
        url: &Url,
    ) -> Result<reqwest::Response, Error> {
        let mut exchange = pin!(exchange);
        let mut moved = 0;
        loop {
            let turn = flow.turn();
            let (limit, after) = match turn {
                Turn::Server => ("request", self.options.request),
                Turn::Network | Turn::Source => ("idle", self.options.idle),
            };
            match tokio::time::timeout(after, &mut exchange).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => return Err(flow.take_failure().unwrap_or_else(|| self.unanswered(&error, url))),
                Err(_) if turn == Turn::Source || flow.turn() != turn || flow.moved() != moved => moved = flow.moved(),
                Err(_) => return Err(Error::TooSlow { endpoint: endpoint(url), limit, after, unsent: false }),
            }
        }
    }
}

/// The request for the network, its body attached.
fn prepared(request: http::Request<Upload>, flow: &Arc<Flow>) -> reqwest::Result<reqwest::Request> {
    let (mut parts, body) = request.into_parts();
    parts.headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("identity"));
    let body = match body {
        Upload::Bytes(bytes) => {
            // RFC 9110 §8.6: where a method has a meaning for content, its absence is told too.
            if bytes.is_empty() && [Method::POST, Method::PUT, Method::PATCH].contains(&parts.method) {
                parts.headers.insert(CONTENT_LENGTH, 0.into());
            }
            reqwest::Body::from(bytes)
        }
        Upload::Source { reader, name, length } => {
            if let Some(length) = length {
                parts.headers.insert(CONTENT_LENGTH, length.into());
            }
            flow.pass_to(Turn::Network);
            reqwest::Body::wrap_stream(Pieces { pieces: pieces(reader), name, left: length, flow: Arc::clone(flow) })
        }
    };
    reqwest::Request::try_from(http::Request::from_parts(parts, body))
}

impl Download {
    /// The status code.
    pub fn status(&self) -> http::StatusCode {
        self.answer.status()
    }

    /// The protocol's version.
    pub fn version(&self) -> http::Version {
        self.answer.version()
    }

    /// The headers.
    pub fn headers(&self) -> &http::HeaderMap {
        self.answer.headers()
    }

    /// Bytes of the body, where the server says so.
    pub fn length(&self) -> Option<u64> {
        self.answer.content_length()
    }

    /// The next piece of the body; `None` after the last.
    ///
    /// # Errors
    /// [`Error::TooSlow`] when none comes within the `idle` limit; [`Error::Unreachable`] when the body is cut off;
    /// [`Error::BadAnswer`] when it cannot be decoded.
    pub async fn piece(&mut self, http: &HttpClient) -> Result<Option<impl AsRef<[u8]> + use<>>, Error> {
        let Ok(piece) = tokio::time::timeout(self.idle, self.answer.chunk()).await else {
            let endpoint = endpoint(&self.url);
            return Err(Error::TooSlow { endpoint, limit: "idle", after: self.idle, unsent: false });
        };
        let piece = piece.map_err(|error| http.unfinished(&error, &self.url))?;
        self.received += piece.as_ref().map_or(0, |piece| piece.len() as u64);
        Ok(piece)
    }
}

impl Drop for Download {
    /// Told at the end, when it is known how much came.
    fn drop(&mut self) {
        self.trace.tell(|| Event::Response {
            url: trace::shown_url(&self.url),
            status: self.answer.status().as_u16(),
            headers: trace::shown_headers(self.answer.headers()),
            members: Vec::new(),
            length: usize::try_from(self.received).unwrap_or(usize::MAX),
        });
    }
}

/// Who is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Turn {
    /// The server has all of the request.
    Server = 0,
    /// A piece of the request is on its way.
    Network = 1,
    /// The next piece of the request is not there yet.
    Source = 2,
}

/// How far a request has come, seen from outside of the connection.
#[derive(Debug, Default)]
struct Flow {
    turn: AtomicU8,
    moved: AtomicU64,
    failure: Mutex<Option<Error>>,
}

impl Flow {
    fn turn(&self) -> Turn {
        match self.turn.load(Ordering::Relaxed) {
            0 => Turn::Server,
            1 => Turn::Network,
            _ => Turn::Source,
        }
    }

    fn pass_to(&self, turn: Turn) {
        self.turn.store(turn as u8, Ordering::Relaxed);
        self.moved.fetch_add(1, Ordering::Relaxed);
    }

    fn moved(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }

    fn fail(&self, error: Error) {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    fn take_failure(&self) -> Option<Error> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The body of a request as the connection asks for it.
struct Pieces {
    pieces: Receiver<io::Result<Vec<u8>>>,
    name: String,
    /// Bytes still to come, where that is known: the end is not asked for then.
    left: Option<u64>,
    flow: Arc<Flow>,
}

impl futures_core::Stream for Pieces {
    type Item = io::Result<Vec<u8>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.pieces.poll_recv(context);
        match &polled {
            Poll::Pending => self.flow.pass_to(Turn::Source),
            Poll::Ready(None) => self.flow.pass_to(Turn::Server),
            Poll::Ready(Some(Ok(piece))) => {
                let left = self.left.map(|left| left.saturating_sub(piece.len() as u64));
                self.left = left;
                self.flow.pass_to(if left == Some(0) { Turn::Server } else { Turn::Network });
            }
            Poll::Ready(Some(Err(error))) => {
                let source = io::Error::new(error.kind(), error.to_string());
                self.flow.fail(Error::Read { path: self.name.clone().into(), source });
            }
        }
        polled
    }
}

/// Reads `reader` on a thread of the runtime's own, as fast as the pieces are taken.
fn pieces(reader: Box<dyn Read + Send>) -> Receiver<io::Result<Vec<u8>>> {
    let (sender, receiver) = channel(AHEAD);
    tokio::task::spawn_blocking(move || read(reader, &sender));
    receiver
}

fn read(mut reader: Box<dyn Read + Send>, sender: &Sender<io::Result<Vec<u8>>>) {
    loop {
        let mut piece = vec![0; PIECE];
        let outcome = match reader.read(&mut piece) {
            Ok(0) => return,
            Ok(length) => {
                piece.truncate(length);
                Ok(piece)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let failed = outcome.is_err();
        // Nobody takes them any more once the exchange has ended.
        if sender.blocking_send(outcome).is_err() || failed {
            return;
        }
    }
}
