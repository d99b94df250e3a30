//! The authorization server of `keyfob demo`: an OpenID Provider in miniature, inside the process.
//!
//! It is written from the server's side of the specifications and shares no code with `protocol`, so that the two can
//! disagree. It knows one client, one person and one protected resource, lives on a loopback port until it is dropped,
//! keeps nothing anywhere, and refuses whatever a strict server refuses: a parameter given twice, a challenge that is not
//! `S256`, a code or a refresh token used again. What the person does in a browser, [`play`] does where there is none.
//!
//! Left out on purpose: client secrets, DPoP, request objects and pushed requests; the metadata says so. What is shown to
//! the newcomer meanwhile is left to the command.

mod authorize;
mod bearer;
mod error;
mod http;
mod keys;
mod metadata;
mod page;
mod parameters;
mod person;
mod revoke;
mod scope;
mod server;
mod state;
#[cfg(test)]
mod tests;
mod token;

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

pub use person::play;
pub use server::Seen;

use server::Server;

/// Connections served at once; further ones wait in the listener's queue. A browser opens six to one host.
const CONNECTIONS: usize = 32;

/// The running server; dropping it ends every connection and frees the port.
///
/// It runs on the runtime it was started on, and so only while that runtime runs: with a current-thread runtime a caller
/// that blocks its thread blocks the server.
pub struct DemoServer {
    server: Arc<Server>,
    listening: JoinHandle<()>,
}

impl DemoServer {
    /// The one client that is registered: public, with a loopback redirect on any port, path `/callback`.
    pub const CLIENT_ID: &str = "keyfob-demo";
    /// All scopes there are.
    pub const SCOPES: &[&str] = &["openid", "profile", "email", "offline_access"];
    /// The person's `preferred_username`.
    pub const USER: &str = "ada";

    /// Makes a signing key and listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// The operating system's, when there is no port or no randomness to be had.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let server = Arc::new(Server::new(listener.local_addr()?)?);
        let listening = tokio::spawn(listen(listener, Arc::clone(&server)));
        Ok(Self { server, listening })
    }

    /// The issuer identifier, `http://127.0.0.1:PORT`: what discovery starts from.
    pub fn issuer(&self) -> &str {
        self.server.issuer()
    }

    /// The requests answered so far, oldest first; the last thousand.
    pub fn log(&self) -> Vec<Seen> {
        self.server.seen()
    }
}

impl Drop for DemoServer {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Serves connections until the task is aborted, which ends them with it.
async fn listen(listener: TcpListener, server: Arc<Server>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.len() >= CONNECTIONS {
            connections.join_next().await;
        }
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                let server = Arc::clone(&server);
                connections.spawn(async move { http::serve(stream, &server).await });
            }
            // The process is out of descriptors: one may be free again soon, and asking at once would only spin.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}
