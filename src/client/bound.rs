//! Tokens that are bound to a key of ours (DPoP): when, to which key, and how they are asked for and presented.

use std::sync::atomic::{AtomicBool, Ordering};

use url::Url;

use super::prover::{Prover, Sent};
use super::{Client, Error};
use crate::protocol;
use crate::protocol::dpop::{self, Downgrade, PROOF, ProofKey, Proven};
use crate::protocol::http::EndpointRequest;
use crate::protocol::token::TokenSet;
use crate::registry::words;
use crate::system::http::{Request, Response};

/// Whether tokens are to be bound.
#[derive(Debug)]
pub(super) struct Binding {
    pub(super) prover: Prover,
    /// Whether the server has said that it issues no others.
    demanded: AtomicBool,
}

impl Binding {
    pub(super) fn new(prover: Prover) -> Self {
        Self { prover, demanded: AtomicBool::new(false) }
    }
}

impl Client {
    /// What proves the possession of the key, once there is one.
    pub fn prover(&self) -> &Prover {
        &self.binding.prover
    }

    /// Has all tokens bound from now on, as a server or a profile demands, unless the entry forbids it.
    pub fn demand_binding(&self) {
        self.binding.demanded.store(true, Ordering::Relaxed);
    }

    /// Proves with the key of `tokens` from now on, if they have one.
    ///
    /// # Errors
    /// A key that cannot be read.
    pub fn adopt_key(&self, tokens: &TokenSet) -> Result<(), Error> {
        tokens.proof_key.as_ref().map_or(Ok(()), |key| self.prover().hold(key))
    }

    /// Whether tokens are bound: as the entry says, else as the server demands; those of a session with a key in any case.
    pub fn is_binding(&self) -> bool {
        let wanted =
            self.provider.dpop_bound_access_tokens.unwrap_or_else(|| self.binding.demanded.load(Ordering::Relaxed));
        wanted || self.prover().held().is_some()
    }

    /// The thumbprint of the key that tokens will be bound to, which is made if there is none; `None` where none is bound.
    ///
    /// # Errors
    /// [`protocol::Error::ProofAlgorithm`] inside; why the server cannot be asked what it takes.
    ///
    /// # Specification
    /// RFC 9449 §10 (`dpop_jkt`).
    pub async fn key_thumbprint(&self) -> Result<Option<String>, Error> {
        if !self.is_binding() {
            return Ok(None);
        }
        if self.prover().held().is_none() {
            let offered = self.server().await?.dpop_signing_alg_values_supported.as_deref();
            self.prover().hold(&ProofKey::make(offered)?)?;
        }
        Ok(self.prover().thumbprint())
    }

    /// Puts a proof on a request whose answer is bound to the key: for tokens, and for an authorization that is pushed.
    pub(super) async fn prove(&self, request: &mut EndpointRequest) -> Result<Option<Sent>, Error> {
        // About a token that is there already nothing is said by a key that is not.
        let is_about = request.parameters.contains(TOKEN) && self.prover().held().is_none();
        if is_about || !is_provable(request) || self.key_thumbprint().await?.is_none() {
            return Ok(None);
        }
        let Some((proof, sent)) = self.prover().proof(&request.method(), &request.url)? else { return Ok(None) };
        request.headers.insert(PROOF, proof);
        Ok(Some(sent))
    }

    /// Whether an answer asks for the same request with another proof, or with one at all. What the answer tells is noted.
    pub(super) fn is_worth_another(&self, url: &Url, sent: Option<&Sent>, answer: &Response) -> bool {
        let objection = dpop::objection(answer.status(), answer.headers(), answer.body());
        if sent.is_some() || objection.is_some() {
            self.prover().note(url, answer.headers());
        }
        match (sent, objection) {
            (Some(sent), objection) => self.prover().is_worth_another(url, sent, objection),
            (None, Some(_)) if self.provider.dpop_bound_access_tokens.is_none() => {
                self.demand_binding();
                true
            }
            (None, _) => false,
        }
    }

    /// Makes sure that a server of the AT Protocol has answered a proven request with a nonce: without one, proofs could be
    /// made ahead of their time.
    ///
    /// # Errors
    /// [`protocol::Error::NoNonce`].
    ///
    /// # Specification
    /// AT Protocol "OAuth", Demonstrating Proof of Possession.
    pub fn check_nonce(&self, answer: &Response) -> Result<(), Error> {
        let was_proven = answer.extensions().get::<Proven>().is_some();
        let must = self.provider.discovery == Some(words::Discovery::Atproto) && was_proven;
        // A refusal says more by itself.
        if must && answer.status().is_success() && dpop::nonce(answer.headers()).is_none() {
            return Err(protocol::Error::NoNonce.into());
        }
        Ok(())
    }

    /// Notes on the answer to a proven request which key its tokens are bound to.
    pub(super) fn mark(&self, answer: &mut Response, sent: Option<&Sent>) {
        if let (Some(_), Some(held)) = (sent, self.prover().held()) {
            let downgrade = match self.provider.dpop_downgrade {
                words::DpopDowngrade::Refuse => Downgrade::Refused,
                words::DpopDowngrade::Bearer => Downgrade::Accepted,
            };
            answer.extensions_mut().insert(Proven {
                key: held.text.clone(),
                jkt: held.key.thumbprint().to_owned(),
                downgrade,
            });
        }
    }

    /// Sends `request` to a resource server with tokens that are bound to a key, and returns whatever it answers. One more
    /// is sent with the nonce that it asks for.
    ///
    /// # Errors
    /// Why there is no answer.
    ///
    /// # Specification
    /// RFC 9449 §7.1, §9.
    pub async fn fetch_bound(&self, request: &Request, tokens: &TokenSet) -> Result<Response, Error> {
        self.adopt_key(tokens)?;
        let malformed =
            |error: url::ParseError| protocol::Error::Parameter { name: "request".into(), reason: error.to_string() };
        let url = Url::parse(&request.uri().to_string()).map_err(malformed)?;
        let mut may_repeat = true;
        loop {
            let mut proven = request.clone();
            let (headers, sent) = self.prover().headers(&tokens.access_token, request.method(), &url)?;
            for (name, value) in headers {
                proven.headers_mut().insert(name, value);
            }
            let response = self.system.http.send_persistently(proven, false).await?;
            self.prover().note(&url, response.headers());
            let objection = dpop::objection(response.status(), response.headers(), response.body());
            if may_repeat && self.prover().is_worth_another(&url, &sent, objection) {
                may_repeat = false;
                continue;
            }
            return Ok(response);
        }
    }
}

/// What a request about a token names it by (RFC 7009 §2.1, RFC 7662 §2.1).
const TOKEN: &str = "token";

/// Whether a proof belongs on the request.
///
/// # Specification
/// RFC 9449 §5 (token requests, which all have a `grant_type`), §10.1 (pushed authorization requests, which have a
/// `response_type` or are a request object). Whoever asks about a `token` (RFC 7009 §2.1, RFC 7662 §2.1) shows that it is
/// his: there are servers that answer a revocation without a proof with success, and revoke nothing.
pub(super) fn is_provable(request: &EndpointRequest) -> bool {
    ["grant_type", "response_type", "request", TOKEN].iter().any(|name| request.parameters.contains(name))
}
