//! The listener behind a redirect URI on this machine.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::server::{self, CONNECTION_LIMIT};
use super::site::{Candidate, Progress, Site};
use super::{Error, Options, Outcome, socket};

/// How long the listener outlives the outcome, so that a browser that was sent to the final page can fetch it.
const GRACE: Duration = Duration::from_millis(400);

/// A redirect URI on this machine and whoever comes to it (RFC 8252 §7.3).
///
/// Requests are served from [`bind`](Self::bind) on, by a task of the current runtime; dropping the value ends it and closes
/// everything.
#[derive(Debug)]
pub struct Loopback {
    redirect_uri: String,
    port: u16,
    candidates: mpsc::Receiver<Candidate>,
    progress: Progress,
    close: oneshot::Sender<Instant>,
    server: JoinSet<()>,
}

impl Loopback {
    /// Listens on loopback addresses, and on nothing else. Runs within a tokio runtime with I/O and time.
    ///
    /// # Errors
    /// [`Error::PortBusy`] for a fixed port that somebody holds, also in the other address family of `localhost`;
    /// [`Error::Bind`] when the system forbids it; [`Error::NoLoopback`] when there is no loopback address;
    /// [`Error::Path`] when the path could not be compared byte by byte.
    ///
    /// # Specification
    /// RFC 8252 §7.3 (ports), §8.3 (loopback only).
    pub async fn bind(options: Options) -> Result<Self, Error> {
        // Asynchronous although nothing is awaited: sockets register with the runtime that they are made in.
        Self::bind_through(options, &socket::listen)
    }

    pub(super) fn bind_through(
        options: Options,
        listen: &dyn Fn(SocketAddr) -> io::Result<TcpListener>,
    ) -> Result<Self, Error> {
        let Options { host, port, path, mode, tls, name } = options;
        if !is_path(&path) {
            return Err(Error::Path { path });
        }
        let bound = socket::bind(host, port.filter(|port| *port != 0), listen)?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let authority = format!("{}:{}", name.as_deref().unwrap_or(bound.host), bound.port);
        // The port that is the scheme's own is not written, so that the address is the one that was given.
        let written = if tls.is_some() { authority.strip_suffix(":443").unwrap_or(&authority) } else { &authority };
        let redirect_uri = format!("{scheme}://{written}{path}");
        let (sender, candidates) = mpsc::channel(CONNECTION_LIMIT);
        let (close, closing) = oneshot::channel();
        let site = Site::new(scheme, authority, path, mode, sender);
        let progress = site.progress().clone();
        let mut server = JoinSet::new();
        server.spawn(server::run(bound.listeners, Arc::new(site), tls, closing));
        Ok(Self { redirect_uri, port: bound.port, candidates, progress, close, server })
    }

    /// The redirect URI, byte for byte as it is to be sent, with the port that is listened on.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// The port that is listened on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The next request at the redirect URI; all others have been answered already. Never returns once one was accepted.
    ///
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Candidate {
        loop {
            match self.candidates.recv().await {
                Some(candidate) if candidate.is_open() => return candidate,
                Some(_) => {}
                // The site holds a sender for as long as it is served.
                None => std::future::pending().await,
            }
        }
    }

    /// Shows the outcome to every browser that waits for it, and closes the listener.
    ///
    /// Returns as soon as the final page has left, after 400 ms at most, and at once when no candidate was accepted.
    pub async fn finish(mut self, outcome: Outcome) {
        let deadline = Instant::now() + GRACE;
        self.progress.finish(outcome);
        let _ = timeout_at(deadline, self.progress.settled()).await;
        // The task listens for this for as long as it runs, and it ends for nothing else.
        let _ = self.close.send(deadline);
        self.server.join_next().await;
    }
}

/// Whether `path` is one that a browser sends as it stands: absolute, of the characters of RFC 3986 §3.3, without dot
/// segments, which it would resolve.
fn is_path(path: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/%".contains(&byte);
    path.starts_with('/') && path.bytes().all(allowed) && !path.split('/').any(|segment| matches!(segment, "." | ".."))
}
