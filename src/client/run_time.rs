//! Addresses and values that only a login knows: what the entry's templates become.

use std::fmt;

use serde_json::{Map, Value};
use url::Url;

use super::{Client, Error, Repetition};
use crate::protocol;
use crate::protocol::http::{self, EndpointRequest, Format};
use crate::protocol::parameters::Parameters;
use crate::registry::provider::{AppToken, Endpoint};
use crate::registry::words::{Method, RequestFormat};
use crate::registry::{RunTime, Unfilled};

/// What errors call it.
const APP_TOKEN: &str = "app token endpoint";

/// An endpoint that the entry may know as a template only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// RFC 6749 §3.2.
    Token,
    /// Where tokens are renewed, if not at the token endpoint.
    Refresh,
    /// Where the first token is exchanged for one that lasts.
    Exchange,
    /// OpenID Connect Core §5.3.
    Userinfo,
    /// RFC 7009.
    Revocation,
    /// RFC 7662.
    Introspection,
}

/// What the application itself was given; `Debug` says nothing of it.
pub(super) struct App(Map<String, Value>);

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("App(…)")
    }
}

impl Place {
    fn key(self) -> &'static str {
        match self {
            Self::Token => "token_endpoint",
            Self::Refresh => "refresh_endpoint",
            Self::Exchange => "refresh.exchange_endpoint",
            Self::Userinfo => "userinfo_endpoint",
            Self::Revocation => "revocation_endpoint",
            Self::Introspection => "introspection_endpoint",
        }
    }
}

impl Client {
    /// The address of `place` for a session that keeps `kept`; `None` where neither entry nor server has one.
    ///
    /// # Errors
    /// [`Error::RunTime`] when a template cannot be filled or leads elsewhere than the entry allows; why the server cannot
    /// be asked.
    pub async fn endpoint(&self, place: Place, kept: &Map<String, Value>) -> Result<Option<Url>, Error> {
        let provider = &self.provider;
        let own = match place {
            Place::Token => provider.token_endpoint.as_ref().filter(|endpoint| endpoint.url().is_none()),
            Place::Userinfo => provider.userinfo_endpoint.as_ref().filter(|endpoint| endpoint.url().is_none()),
            Place::Revocation => provider.revocation_endpoint.as_ref().filter(|endpoint| endpoint.url().is_none()),
            Place::Introspection => {
                provider.introspection_endpoint.as_ref().filter(|endpoint| endpoint.url().is_none())
            }
            Place::Refresh => provider.refresh_endpoint.as_ref(),
            Place::Exchange => provider.refresh.exchange_endpoint.as_ref(),
        };
        if let Some(endpoint) = own {
            return self.filled(place.key(), endpoint, kept).await.map(Some);
        }
        let server = self.server().await?;
        Ok(match place {
            Place::Token => server.token_endpoint.clone(),
            Place::Userinfo => server.userinfo_endpoint.clone(),
            Place::Revocation => server.revocation_endpoint.clone(),
            Place::Introspection => server.introspection_endpoint.clone(),
            Place::Refresh | Place::Exchange => None,
        })
    }

    /// The address that `endpoint`, written under `key`, stands for.
    ///
    /// # Errors
    /// [`Error::RunTime`]; why the app token cannot be had.
    pub async fn filled(&self, key: &str, endpoint: &Endpoint, kept: &Map<String, Value>) -> Result<Url, Error> {
        let values = match endpoint {
            Endpoint::Fixed(url) => return Ok(url.clone()),
            Endpoint::RunTime(_) => self.run_time(kept).await?,
        };
        values.url(&self.provider, endpoint).map_err(|cause| self.unfilled(key, cause))
    }

    /// What fills the entry's templates, for a session that keeps `kept`.
    ///
    /// # Errors
    /// Why the app token cannot be had, where the entry has one.
    pub async fn run_time<'a>(&'a self, kept: &'a Map<String, Value>) -> Result<RunTime<'a>, Error> {
        let app = match &self.provider.app_token {
            Some(rule) => Some(&self.app.get_or_try_init(|| self.app_token(rule)).await?.0),
            None => None,
        };
        Ok(RunTime { kept: Some(kept), app })
    }

    /// `error` as one of this client.
    pub fn unfilled(&self, key: &str, cause: Unfilled) -> Error {
        Error::RunTime { provider: self.provider.id.clone(), key: key.to_owned(), cause }
    }

    /// Asks for the application's own token, in the shape of the token request and authenticated as it is.
    async fn app_token(&self, rule: &AppToken) -> Result<App, Error> {
        let mut parameters = Parameters::new();
        for (name, value) in &rule.params {
            parameters.set(name, value.as_str());
        }
        let mut request = EndpointRequest::new(rule.endpoint.clone(), parameters);
        request.format = match (self.provider.token_request.method, self.provider.token_request.format) {
            (Method::Get, _) => Format::Query,
            (Method::Post, RequestFormat::Json) => Format::Json,
            (Method::Post, RequestFormat::Form) => Format::Form,
        };
        let response = self.send(request, Repetition::OnceMore).await?;
        let now = self.system.clock.seconds();
        http::check_status(APP_TOKEN, &response, now)?;
        let answer = http::members(APP_TOKEN, &response)?;
        if let Some(told) = protocol::token::error_in(&answer, &self.provider.token_response.error_paths) {
            return Err(protocol::Error::Server(told.without(self.secret())).into());
        }
        let malformed = || protocol::Error::Field {
            endpoint: APP_TOKEN,
            field: rule.path.clone().unwrap_or_default(),
            reason: "is missing",
        };
        match &rule.path {
            None => Ok(App(answer)),
            Some(path) => match protocol::token::at_path(&answer, path).ok_or_else(malformed)? {
                Value::Object(members) => Ok(App(members.clone())),
                // One value bears the last name on the way to it.
                value => {
                    let name = path.rsplit('.').next().unwrap_or(path);
                    Ok(App(Map::from_iter([(name.to_owned(), value.clone())])))
                }
            },
        }
    }
}
