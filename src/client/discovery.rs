//! What is known of a server: pinned in its entry, kept from earlier, or asked now.
//!
//! Endpoints that a person set by hand win over the server's own word; those that came with the bundled registry only
//! serve until the server has spoken. A login opens the browser with what is known at once and hears the server beside it.

use std::path::PathBuf;

use serde_json::{Map, Value};
use url::Url;

use super::cache::Cache;
use super::endpoint::Fetched;
use super::{Client, Error, Freshness};
use crate::protocol::metadata::{self, AuthorizationServer};
use crate::registry::Provider;
use crate::registry::provider::Endpoint;
use crate::registry::words::{IssuerMatch, Protocol};

/// The kind of the documents that are kept.
pub(super) const METADATA: &str = "metadata";

/// What errors call it.
const DOCUMENT: &str = "metadata document";

/// What the entry says of the server.
#[derive(Debug, Default)]
pub(super) struct Pinned {
    server: AuthorizationServer,
    /// Members that a person set, which the server's own word does not change.
    by_hand: Vec<&'static str>,
}

impl Pinned {
    /// Reads the entry; `by_hand` tells whether a person set a key.
    pub(super) fn new(provider: &Provider, by_hand: impl Fn(&str) -> bool) -> Self {
        let server = AuthorizationServer {
            issuer: provider.issuer.clone(),
            authorization_endpoint: provider.authorization_endpoint.clone(),
            token_endpoint: fixed(&provider.token_endpoint),
            userinfo_endpoint: fixed(&provider.userinfo_endpoint),
            jwks_uri: provider.jwks_uri.clone(),
            revocation_endpoint: fixed(&provider.revocation_endpoint),
            introspection_endpoint: fixed(&provider.introspection_endpoint),
            end_session_endpoint: provider.end_session_endpoint.clone(),
            device_authorization_endpoint: provider.device_authorization_endpoint.clone(),
            registration_endpoint: provider.registration_endpoint.clone(),
            backchannel_authentication_endpoint: provider.backchannel_authentication_endpoint.clone(),
            pushed_authorization_request_endpoint: provider.pushed_authorization_request_endpoint.clone(),
            ..AuthorizationServer::default()
        };
        let names = [
            "authorization_endpoint",
            "token_endpoint",
            "userinfo_endpoint",
            "jwks_uri",
            "revocation_endpoint",
            "introspection_endpoint",
            "end_session_endpoint",
            "device_authorization_endpoint",
            "registration_endpoint",
            "backchannel_authentication_endpoint",
            "pushed_authorization_request_endpoint",
        ];
        Self { server, by_hand: names.into_iter().filter(|name| by_hand(name)).collect() }
    }

    /// Whether a person set this member.
    pub(super) fn by_hand(&self, name: &str) -> bool {
        self.by_hand.contains(&name)
    }

    /// Whether a flow could run on what a person set alone.
    fn is_complete_by_hand(&self, sends_browser: bool, needs_keys: bool) -> bool {
        let set = |name| self.by_hand.contains(&name);
        (set("authorization_endpoint") || !sends_browser) && set("token_endpoint") && (!needs_keys || set("jwks_uri"))
    }

    /// The server's own word with what a person set above it, and what came with the registry below.
    fn over(&self, told: Option<AuthorizationServer>) -> AuthorizationServer {
        let Some(mut server) = told else { return self.server.clone() };
        let pinned = &self.server;
        let lay = |name, own: &mut Option<Url>, pinned: &Option<Url>| {
            if self.by_hand.contains(&name) || own.is_none() {
                own.clone_from(pinned);
            }
        };
        lay("authorization_endpoint", &mut server.authorization_endpoint, &pinned.authorization_endpoint);
        lay("token_endpoint", &mut server.token_endpoint, &pinned.token_endpoint);
        lay("userinfo_endpoint", &mut server.userinfo_endpoint, &pinned.userinfo_endpoint);
        lay("jwks_uri", &mut server.jwks_uri, &pinned.jwks_uri);
        lay("revocation_endpoint", &mut server.revocation_endpoint, &pinned.revocation_endpoint);
        lay("introspection_endpoint", &mut server.introspection_endpoint, &pinned.introspection_endpoint);
        lay("end_session_endpoint", &mut server.end_session_endpoint, &pinned.end_session_endpoint);
        lay(
            "device_authorization_endpoint",
            &mut server.device_authorization_endpoint,
            &pinned.device_authorization_endpoint,
        );
        lay("registration_endpoint", &mut server.registration_endpoint, &pinned.registration_endpoint);
        lay(
            "backchannel_authentication_endpoint",
            &mut server.backchannel_authentication_endpoint,
            &pinned.backchannel_authentication_endpoint,
        );
        lay(
            "pushed_authorization_request_endpoint",
            &mut server.pushed_authorization_request_endpoint,
            &pinned.pushed_authorization_request_endpoint,
        );
        server
    }
}

/// Keeps the metadata of `issuer`, fetched from `place` at `now` and checked, for the clients that will ask for it.
pub fn remember(directory: Option<PathBuf>, (issuer, place): (&str, &Url), document: &Map<String, Value>, now: i64) {
    Cache::new(directory, METADATA).write(&format!("{issuer} {place}"), document, now);
}

impl Client {
    /// What is known of the server without asking it; complete enough for a browser if it has an authorization endpoint.
    pub fn server_at_hand(&self) -> AuthorizationServer {
        if let Some(server) = self.server.get() {
            return server.clone();
        }
        self.pinned.over(self.kept().filter(|(_, is_fresh)| *is_fresh).map(|(server, _)| server))
    }

    /// What the server says of itself, laid under what a person set. Asked once; of a kept copy as the client's freshness
    /// allows.
    ///
    /// # Errors
    /// Why it cannot be known.
    pub async fn server(&self) -> Result<&AuthorizationServer, Error> {
        self.server.get_or_try_init(async || Ok(self.aliased(self.learn().await?))).await
    }

    async fn learn(&self) -> Result<AuthorizationServer, Error> {
        let Some(issuer) = self.provider.issuer.as_deref() else {
            // Whose metadata it is could not be checked.
            let lacks = || Error::Lacks { provider: self.provider.id.clone(), what: "issuer" };
            return if self.provider.discovery_url.is_some() { Err(lacks()) } else { Ok(self.pinned.over(None)) };
        };
        let kept = self.kept();
        if let (Some((server, true)), Freshness::Kept) = (&kept, self.freshness) {
            return Ok(self.pinned.over(Some(server.clone())));
        }
        match self.ask(issuer).await.map(|(_, server)| server) {
            Ok(server) => Ok(self.pinned.over(Some(server))),
            // Down for a moment: what is kept serves, except for a login, which would send a code to it.
            Err(error) if kept.is_some() && self.freshness == Freshness::Kept && is_passing(&error) => {
                Ok(self.pinned.over(kept.map(|(server, _)| server)))
            }
            Err(error) if self.can_do_without(&error) => Ok(self.pinned.over(None)),
            Err(error) => Err(error),
        }
    }

    /// Whether the entry alone is enough when the server has no metadata, or (for what a person set) cannot be asked.
    fn can_do_without(&self, error: &Error) -> bool {
        let needs_keys = self.provider.protocol == Protocol::Oidc;
        match error {
            Error::NoMetadata { .. } => {
                let pinned = &self.pinned.server;
                (pinned.authorization_endpoint.is_some() || !self.sends_browser())
                    && pinned.token_endpoint.is_some()
                    && (!needs_keys || pinned.jwks_uri.is_some())
            }
            Error::System(_) | Error::Metadata { .. } => {
                self.pinned.is_complete_by_hand(self.sends_browser(), needs_keys)
            }
            _ => false,
        }
    }

    /// Whether the entry's grant begins in a browser.
    fn sends_browser(&self) -> bool {
        self.provider.grants.first().is_none_or(|grant| grant == "authorization_code")
    }

    /// What is kept from earlier, and whether it is fresh.
    fn kept(&self) -> Option<(AuthorizationServer, bool)> {
        let issuer = self.provider.issuer.as_deref()?;
        let kept = self.metadata_cache.read(&self.cache_key(issuer), self.system.clock.seconds())?;
        let server = AuthorizationServer::read(&kept.document, issuer, self.issuer_match()).ok()?;
        Some((server, kept.is_fresh))
    }

    /// All that the server says of itself, asked now, with the members that are not used; checked as for a login.
    ///
    /// # Errors
    /// [`Error::Lacks`] without an issuer; why there is no document, or none that may be used.
    pub async fn metadata(&self) -> Result<Map<String, Value>, Error> {
        let lacks = || Error::Lacks { provider: self.provider.id.clone(), what: "issuer" };
        let issuer = self.provider.issuer.as_deref().ok_or_else(lacks)?;
        let (document, server) = self.ask(issuer).await?;
        // Whatever else is asked for now need not be fetched again.
        let _ = self.server.set(self.pinned.over(Some(server)));
        Ok(document)
    }

    /// Fetches the documents of both families, the second only if the first lacks something.
    async fn ask(&self, issuer: &str) -> Result<(Map<String, Value>, AuthorizationServer), Error> {
        let [openid, oauth] = match &self.provider.discovery_url {
            Some(url) => [vec![url.clone()], Vec::new()],
            None => metadata::well_known(&issuer_url(issuer)?),
        };
        let (first, second) =
            if self.provider.protocol == Protocol::Oidc { (&openid, &oauth) } else { (&oauth, &openid) };
        let mut document = self.first_of(first).await?;
        if document.as_ref().is_none_or(metadata::is_partial) {
            let supplement = self.first_of(second).await;
            document = match (document, supplement) {
                (Some(primary), Ok(Some(secondary))) => {
                    AuthorizationServer::read(&secondary, issuer, self.issuer_match())?;
                    Some(metadata::merged(&primary, &secondary))
                }
                // The first document stands on its own feet.
                (Some(primary), Ok(None) | Err(_)) => Some(primary),
                (None, supplement) => supplement?,
            };
        }
        let document = document.ok_or_else(|| Error::NoMetadata {
            issuer: issuer.to_owned(),
            tried: first.iter().chain(second).map(crate::system::http::endpoint).collect(),
        })?;
        let server = AuthorizationServer::read(&document, issuer, self.issuer_match())?;
        self.metadata_cache.write(&self.cache_key(issuer), &document, self.system.clock.seconds());
        Ok((document, server))
    }

    async fn first_of(&self, places: &[Url]) -> Result<Option<Map<String, Value>>, Error> {
        for place in places {
            if let Fetched::Document(document) = self.document(DOCUMENT, place).await? {
                return Ok(Some(document));
            }
        }
        Ok(None)
    }

    /// How the metadata's issuer is compared.
    fn issuer_match(&self) -> metadata::IssuerMatch {
        match self.provider.issuer_match {
            IssuerMatch::Exact => metadata::IssuerMatch::Exact,
            IssuerMatch::Template => metadata::IssuerMatch::Template,
        }
    }

    /// A copy fetched from one address does not serve an entry that names another.
    fn cache_key(&self, issuer: &str) -> String {
        match &self.provider.discovery_url {
            Some(url) => format!("{issuer} {url}"),
            None if self.provider.issuer_match == IssuerMatch::Exact => issuer.to_owned(),
            None => format!("{issuer} template"),
        }
    }
}

/// Whether the server, or whatever stands before it, may answer better soon.
fn is_passing(error: &Error) -> bool {
    use crate::protocol::Error::{Json, NotJson, Redirected, Unavailable};
    match error {
        Error::System(_) | Error::Metadata { .. } | Error::NoMetadata { .. } => true,
        Error::Protocol(error) => {
            matches!(error, Unavailable { .. } | NotJson { .. } | Json { .. } | Redirected { .. })
        }
        _ => false,
    }
}

/// An address that is known before the flow.
fn fixed(endpoint: &Option<Endpoint>) -> Option<Url> {
    endpoint.as_ref().and_then(Endpoint::url).cloned()
}

fn issuer_url(issuer: &str) -> Result<Url, Error> {
    let malformed =
        |error: url::ParseError| crate::protocol::Error::Parameter { name: "issuer".into(), reason: error.to_string() };
    Ok(Url::parse(issuer).map_err(malformed)?)
}
