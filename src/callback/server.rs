//! Many connections at once, none of which can hold up another.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout_at};

use super::connection::{Idle, serve};
use super::site::Site;
use super::tls::Tls;

/// Connections at once. A browser opens six per host; the rest is for what else may come.
pub(super) const CONNECTION_LIMIT: usize = 64;

/// How long nothing is accepted after the system could not, for example for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Serves `site` until `close` says when to have ended; then the sockets are closed, and answers under way leave.
pub(super) async fn run(
    listeners: Vec<TcpListener>,
    site: Arc<Site>,
    tls: Option<Tls>,
    mut close: oneshot::Receiver<Instant>,
) {
    let mut connections = Connections::default();
    let deadline = loop {
        tokio::select! {
            deadline = &mut close => break deadline.unwrap_or_else(|_| Instant::now()),
            stream = accept(&listeners) => connections.admit(stream, &site, tls.as_ref()),
            Some(_) = connections.tasks.join_next() => {}
        }
    };
    drop(listeners);
    connections.end(deadline).await;
}

/// The next connection on any of the sockets.
async fn accept(listeners: &[TcpListener]) -> TcpStream {
    loop {
        let accepted = poll_fn(|context| {
            let mut each = listeners.iter().map(|listener| listener.poll_accept(context));
            each.find(Poll::is_ready).unwrap_or(Poll::Pending)
        });
        match accepted.await {
            Ok((stream, _)) => return stream,
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

#[derive(Default)]
struct Connections {
    tasks: JoinSet<()>,
    /// In the order they came in.
    open: Vec<(AbortHandle, Idle)>,
}

impl Connections {
    /// Serves one more. When there are too many, the one that has been idle longest makes room; when none is idle, the new
    /// one does.
    fn admit(&mut self, stream: TcpStream, site: &Arc<Site>, tls: Option<&Tls>) {
        self.open.retain(|(task, _)| !task.is_finished());
        if self.open.len() >= CONNECTION_LIMIT {
            let Some(oldest) = self.open.iter().position(|(_, idle)| idle.load(Ordering::Relaxed)) else {
                return;
            };
            self.open.remove(oldest).0.abort();
        }
        let idle = Idle::new(AtomicBool::new(true));
        let task = self.tasks.spawn(serve(Arc::clone(site), stream, tls.cloned(), Arc::clone(&idle)));
        self.open.push((task, idle));
    }

    async fn end(mut self, deadline: Instant) {
        for (task, idle) in &self.open {
            if idle.load(Ordering::Relaxed) {
                task.abort();
            }
        }
        let answered = async {
            while self.tasks.join_next().await.is_some() {
                // What has been answered lingers for bytes that nobody will read.
                self.open.iter().filter(|(_, idle)| idle.load(Ordering::Relaxed)).for_each(|(task, _)| task.abort());
            }
        };
        let _ = timeout_at(deadline, answered).await;
        self.tasks.shutdown().await;
    }
}
