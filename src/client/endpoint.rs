//! The one place that sends: documents are fetched, endpoints are asked, each under its own rule of repetition.

use std::time::Duration;

use serde_json::{Map, Value};
use url::Url;

use super::bound::is_provable;
use super::{Client, Error};
use crate::protocol::client_auth::{ClientAuthentication as _, Moment};
use crate::protocol::http::{self, EndpointRequest};
use crate::system;
use crate::system::http::{Request, Response};
use crate::system::random;

/// Longest wait that a server may ask for with Retry-After before a document is fetched again.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a document is fetched again when the server asks for patience.
const REPETITIONS: u32 = 2;

/// Redirects that a document may go through within its origin.
const REDIRECTS: u32 = 3;

/// What may be done when no answer came although the request may have arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repetition {
    /// Nothing: the request takes effect once, as the redemption of a code does.
    Never,
    /// Once more, at once: a server that rotated the refresh token just now often still takes the old one.
    OnceMore,
}

/// A document, or its absence.
#[derive(Debug)]
pub(super) enum Fetched {
    /// A JSON object.
    Document(Map<String, Value>),
    /// The server has nothing there.
    Absent,
}

impl Client {
    /// Authenticates `request` as this client, sends it and returns whatever the server answers.
    ///
    /// A connection that could not be made is tried again; beyond that `repetition` decides. Where tokens are bound to a
    /// key, the request carries a proof, and one more is sent with the nonce that the server asks for.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn send(&self, request: EndpointRequest, mut repetition: Repetition) -> Result<Response, Error> {
        let (mut may_repeat, mut is_second) = (true, false);
        loop {
            let mut sending = request.clone();
            let sent = self.prove(&mut sending).await?;
            // A lost one that was proven is proven anew.
            let again = if sent.is_some() { Repetition::Never } else { repetition };
            let mut response = match self.send_once(sending, again).await {
                Err(Error::System(system::Error::Unreachable { unsent: false, .. })) if again != repetition => {
                    (repetition, is_second) = (Repetition::Never, true);
                    continue;
                }
                Err(Error::System(error)) if is_second => return Err(maybe_sent(error).into()),
                outcome => outcome?,
            };
            if is_provable(&request) && self.is_worth_another(&request.url, sent.as_ref(), &response) && may_repeat {
                // A first one without a proof has asked for nothing yet.
                may_repeat = sent.is_none();
                continue;
            }
            self.mark(&mut response, sent.as_ref());
            return Ok(response);
        }
    }

    async fn send_once(&self, mut request: EndpointRequest, repetition: Repetition) -> Result<Response, Error> {
        let authentication = self.authentication().await?;
        // After the server has been asked for its metadata, if it has: what is signed is dated by its clock.
        let at = Moment { now: self.time_there(), unique: random::text::<16>()? };
        match authentication.method() {
            "client_assertion" => self.client_assertion().await?.authenticate(&mut request, &at)?,
            _ => authentication.authenticate(&mut request, &at)?,
        }
        // Last, because the client's own parameters may bear other names too.
        let names: Vec<_> = self.provider.param_names.iter().map(|(name, own)| (name.clone(), own.clone())).collect();
        request.parameters.rename(&names);
        request.query.rename(&names);
        let mut request = request.into_http()?;
        self.show_certificate(&mut request).await?;
        self.deliver(request, repetition).await
    }

    /// As [`send`](Self::send), without authenticating the client.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn send_as_is(&self, request: EndpointRequest, repetition: Repetition) -> Result<Response, Error> {
        self.deliver(request.into_http()?, repetition).await
    }

    async fn deliver(&self, request: Request, repetition: Repetition) -> Result<Response, Error> {
        let http = &self.system.http;
        let response = match http.send_persistently(request.clone(), false).await {
            Err(system::Error::Unreachable { unsent: false, .. }) if repetition == Repetition::OnceMore => {
                http.send(request).await.map_err(maybe_sent)?
            }
            outcome => outcome?,
        };
        self.note_time(&response);
        Ok(response)
    }

    /// Sends a request that changes nothing, with the patience the server asks for.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn fetch(&self, request: &Request) -> Result<Response, Error> {
        let mut response = self.system.http.send_persistently(request.clone(), true).await?;
        self.note_time(&response);
        if let (true, Ok(url)) = (self.is_binding(), Url::parse(&request.uri().to_string())) {
            self.prover().note(&url, response.headers());
        }
        for _ in 0..REPETITIONS {
            let status = response.status().as_u16();
            let wait = http::retry_after(&response, self.system.clock.seconds()).map(Duration::from_secs);
            match wait.filter(|wait| matches!(status, 429 | 503) && *wait <= PATIENCE) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => break,
            }
            response = self.system.http.send_persistently(request.clone(), true).await?;
        }
        Ok(response)
    }

    /// Fetches a JSON document. Redirects are followed within its origin only.
    ///
    /// # Errors
    /// Why there is none; 404 and 410 are no error but an absence.
    pub(super) async fn document(&self, what: &'static str, url: &Url) -> Result<Fetched, Error> {
        let mut place = url.clone();
        for _ in 0..=REDIRECTS {
            let response = self.fetch(&http::get(&place)?).await?;
            let status = response.status();
            if status.is_redirection() {
                match within_origin(&response, &place) {
                    Some(next) => place = next,
                    None => http::check_status(what, &response, self.system.clock.seconds())?,
                }
                continue;
            }
            http::check_status(what, &response, self.system.clock.seconds())?;
            if matches!(status.as_u16(), 404 | 410) {
                return Ok(Fetched::Absent);
            }
            if status != ::http::StatusCode::OK {
                let (url, content) = (system::http::endpoint(&place), http::content(&response));
                return Err(Error::Metadata { url, status: status.as_u16(), content });
            }
            return Ok(Fetched::Document(http::members(what, &response)?));
        }
        let to = url.host_str().map(str::to_owned);
        Err(crate::protocol::Error::Redirected { endpoint: what, status: 302, to }.into())
    }
}

/// The first try may have arrived, whatever became of the second.
fn maybe_sent(error: system::Error) -> system::Error {
    match error {
        system::Error::Unreachable { endpoint, reason, .. } => {
            system::Error::Unreachable { endpoint, reason, unsent: false }
        }
        system::Error::TooSlow { endpoint, limit, after, .. } => {
            system::Error::TooSlow { endpoint, limit, after, unsent: false }
        }
        other => other,
    }
}

/// Where a redirect points, if that is the same origin.
fn within_origin(response: &Response, place: &Url) -> Option<Url> {
    let location = response.headers().get(::http::header::LOCATION)?.to_str().ok()?;
    let next = place.join(location).ok()?;
    (next.origin() == place.origin() && next.username().is_empty()).then_some(next)
}
