//! A client that is registered without a person: at the instance of a service that many run, or ([`dynamic`]) at any server
//! that takes registrations.

pub mod dynamic;

use serde_json::{Value, json};
use url::Url;

use super::Error;
use crate::protocol;
use crate::protocol::http::{self, EndpointRequest};
use crate::protocol::json;
use crate::protocol::parameters::Parameters;
use crate::registry::Provider;
use crate::registry::words::RegistrationProfile;
use crate::secret::Secret;
use crate::system::System;

/// What errors call it.
const ENDPOINT: &str = "registration endpoint";

/// Where Mastodon registers applications, on each instance.
const APPS: &str = "/api/v1/apps";

/// What the person sees on the consent page and in the list of authorized applications.
const NAME: &str = "keyfob";

/// A client at one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The address that it was registered at, which it belongs to.
    pub at: String,
    /// The client identifier.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// The redirect URIs that it may use.
    pub redirect_uris: Vec<String>,
    /// The scopes that it may ask for.
    pub scopes: Vec<String>,
}

/// Where a client for `provider` is registered without a person; `None` when the entry knows no such place.
pub fn endpoint(provider: &Provider) -> Option<Url> {
    if provider.registration.profile != Some(RegistrationProfile::Mastodon) {
        return None;
    }
    let below = || provider.authorization_endpoint.as_ref()?.join(APPS).ok();
    provider.registration_endpoint.clone().or_else(below)
}

impl Registered {
    /// Whether it serves a login at `endpoint` with these scopes and this redirect URI.
    pub fn serves(&self, endpoint: &Url, scopes: &[String], redirect_uri: &str) -> bool {
        self.at == endpoint.as_str()
            && self.redirect_uris.iter().any(|known| known == redirect_uri)
            && scopes.iter().all(|scope| self.scopes.contains(scope))
    }

    /// The text to be kept in a secret store.
    pub fn to_secret(&self) -> Secret {
        let record = json!({
            "at": self.at,
            "client_id": self.client_id,
            "client_secret": self.client_secret.expose(),
            "redirect_uris": self.redirect_uris,
            "scopes": self.scopes,
        });
        Secret::new(record.to_string())
    }

    /// What [`to_secret`](Self::to_secret) wrote; `None` for anything else.
    pub fn of_secret(text: &Secret) -> Option<Self> {
        let record = json::parse_object(text.expose().as_bytes()).ok()?;
        let text = |name: &str| record.get(name)?.as_str().map(str::to_owned);
        let list = |name: &str| -> Option<Vec<String>> {
            record.get(name)?.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
        };
        Some(Self {
            at: text("at")?,
            client_id: text("client_id")?,
            client_secret: text("client_secret")?.into(),
            redirect_uris: list("redirect_uris")?,
            scopes: list("scopes")?,
        })
    }
}

/// Registers a client at `endpoint`. Nothing repeats it: each request makes another client.
///
/// # Errors
/// Why there is none.
///
/// # Specification
/// Mastodon, "apps API methods": `POST /api/v1/apps`; several redirect URIs are separated by line feeds.
pub async fn register(
    system: &System,
    endpoint: &Url,
    scopes: &[String],
    redirect_uris: &[String],
) -> Result<Registered, Error> {
    let mut parameters = Parameters::new();
    parameters.set("client_name", NAME);
    parameters.set("redirect_uris", redirect_uris.join("\n"));
    if !scopes.is_empty() {
        parameters.set("scopes", scopes.join(" "));
    }
    let request = EndpointRequest::new(endpoint.clone(), parameters).into_http()?;
    let response = system.http.send_persistently(request, false).await?;
    http::check_status(ENDPOINT, &response, system.clock.seconds())?;
    let status = response.status();
    let answer = http::members(ENDPOINT, &response)?;
    if let Some(told) = http::error_response(&answer) {
        return Err(protocol::Error::Server(told).into());
    }
    if !status.is_success() {
        let content = http::content(&response);
        return Err(protocol::Error::Status { endpoint: ENDPOINT, status: status.as_u16(), content }.into());
    }
    let text = |name: &str| {
        let found = answer.get(name).and_then(Value::as_str).filter(|text| is_plain(text));
        let malformed = || protocol::Error::Field {
            endpoint: ENDPOINT,
            field: name.to_owned(),
            reason: "is missing or no plain text",
        };
        found.map(str::to_owned).ok_or_else(malformed)
    };
    Ok(Registered {
        at: endpoint.to_string(),
        client_id: text("client_id")?,
        client_secret: text("client_secret")?.into(),
        redirect_uris: redirect_uris.to_vec(),
        scopes: scopes.to_vec(),
    })
}

/// RFC 6749 appendix A.1, A.2: VSCHAR.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.len() <= 4096 && text.bytes().all(|byte| byte.is_ascii_graphic())
}
