//! One request in, one answer out: what is where, and who may ask.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use keyfob::system::Error;
use serde_json::json;

use super::http::{Request, Response};
use super::keys::SigningKey;
use super::parameters::Repeated;
use super::state::State;
use super::{authorize, bearer, metadata, page, revoke, token};

/// Requests remembered for the narration; older ones are forgotten.
const LOG_LIMIT: usize = 1000;

type Handler = fn(&Server, &Request, i64) -> Response;

/// Paths, the methods each knows, and what answers.
const ROUTES: &[(&str, &[&str], Handler)] = &[
    (metadata::OPENID, &["GET"], metadata::answer),
    (metadata::OAUTH, &["GET"], metadata::answer),
    ("/jwks", &["GET"], metadata::jwks),
    ("/authorize", &["GET"], authorize::ask),
    ("/consent", &["POST"], authorize::decide),
    ("/token", &["POST"], token::answer),
    ("/revoke", &["POST"], revoke::answer),
    // OpenID Connect Core §5.3 wants both.
    ("/userinfo", &["GET", "POST"], bearer::userinfo),
    ("/api/hello", &["GET"], bearer::hello),
];

/// A request that was answered: no query, no field, no body, and so no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The HTTP method.
    pub method: String,
    /// The path without its query, as it was sent.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
}

/// Why a request is refused, in the words of RFC 6749 §4.1.2.1 and §5.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The registered error code.
    pub(super) error: &'static str,
    /// For the developer.
    pub(super) description: &'static str,
}

impl Refusal {
    /// A refusal with a registered code.
    pub(super) fn new(error: &'static str, description: &'static str) -> Self {
        Self { error, description }
    }

    /// `invalid_request`: a parameter is missing, malformed or repeated.
    pub(super) fn request(description: &'static str) -> Self {
        Self::new("invalid_request", description)
    }

    /// `invalid_grant`: the code or refresh token is not good.
    pub(super) fn grant(description: &'static str) -> Self {
        Self::new("invalid_grant", description)
    }

    /// The answer of an endpoint that speaks JSON.
    pub(super) fn response(self) -> Response {
        let status = match self.error {
            "invalid_client" => 401,
            "server_error" => 500,
            _ => 400,
        };
        let response = Response::json(status, &json!({"error": self.error, "error_description": self.description}));
        // RFC 6749 §5.2 asks for a challenge that fits the scheme tried, RFC 9110 §15.5.2 for one in any case.
        if status == 401 { response.with("WWW-Authenticate", "Basic realm=\"keyfob demo\"") } else { response }
    }
}

impl From<Repeated> for Refusal {
    fn from(_: Repeated) -> Self {
        Self::request("a parameter is given more than once")
    }
}

impl From<Error> for Refusal {
    fn from(_: Error) -> Self {
        Self::new("server_error", "the operating system has no randomness to give")
    }
}

/// Everything the tasks of the server share.
pub(super) struct Server {
    issuer: String,
    /// `127.0.0.1:PORT`.
    authority: String,
    pub(super) key: SigningKey,
    state: Mutex<State>,
    seen: Mutex<VecDeque<Seen>>,
}

impl Server {
    /// A server at `address` that knows nothing yet.
    ///
    /// # Errors
    /// When the operating system has no randomness for the key.
    pub(super) fn new(address: SocketAddr) -> std::io::Result<Self> {
        Ok(Self {
            issuer: format!("http://{address}"),
            authority: address.to_string(),
            key: SigningKey::generate().map_err(std::io::Error::other)?,
            state: Mutex::default(),
            seen: Mutex::default(),
        })
    }

    /// The issuer identifier.
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The state, for the length of one answer.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The requests answered, oldest first.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Answers `request` at the time `now`, in seconds since 1970.
    pub(super) fn answer(&self, request: &Request, now: i64) -> Response {
        let response = self.route(request, now);
        let seen = Seen { method: request.method.clone(), path: request.path.clone(), status: response.status };
        let mut log = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() >= LOG_LIMIT {
            log.pop_front();
        }
        log.push_back(seen);
        response
    }

    fn route(&self, request: &Request, now: i64) -> Response {
        // A page from elsewhere whose name was made to point here (DNS rebinding) still sends its own name.
        if request.sole_field("host") != Some(&self.authority) {
            return page::refused(421, "This server answers under its own address only.");
        }
        let Some((_, methods, handler)) = ROUTES.iter().find(|(path, ..)| *path == request.path) else {
            return page::refused(404, "There is nothing at this address.");
        };
        if !methods.contains(&request.method.as_str()) {
            return Response::empty(405).with("Allow", methods.join(", "));
        }
        handler(self, request, now)
    }
}
