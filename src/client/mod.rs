//! One registered client at one authorization server: what every request needs, in one value.
//!
//! A [`Client`] is made from a complete entry of the registry. It knows where the server's endpoints are (pinned, kept or
//! discovered), proves who it is, sends, and verifies what the server signs. What to ask for is left to `grant`.

mod assertion;
pub mod atproto;
mod authentication;
mod bound;
mod cache;
mod certificate;
mod credentials;
mod decryption;
mod demands;
mod discovery;
mod endpoint;
mod error;
pub mod indieauth;
mod inputs;
mod jwks;
mod oauth1;
#[cfg(feature = "pkcs11")]
mod pkcs11;
mod prover;
pub mod registration;
mod request_object;
pub mod resource;
mod run_time;
mod support;
mod time;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OnceCell};

use crate::protocol::client_auth::ClientAuthentication;
use crate::protocol::metadata::AuthorizationServer;
use crate::registry::words::ClientAuth;
use crate::registry::{Definition, Origin, Provider, SecretSource};
use crate::secret::Secret;
use crate::system::{System, files, process};

pub use decryption::Sealed;
pub use demands::response_mode;
pub use discovery::remember;
pub use endpoint::Repetition;
pub use error::Error;
pub use oauth1::{Signed, credentials};
pub use prover::{Prover, Sent, objection_in_head};
pub use run_time::Place;

use bound::Binding;
use cache::Cache;
use credentials::Credentials;
use discovery::Pinned;
use jwks::Keys;
use oauth1::OAuth1;
use run_time::App;
use time::ServerTime;

/// Bytes of a file that holds a client secret.
const SECRET_LIMIT: usize = 64 * 1024;

/// How much of what is kept from earlier commands is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// The server is asked, as at a login.
    Anew,
    /// A kept copy serves as long as it is fresh.
    Kept,
}

/// Where client secrets and private keys lie that were given to the secret store.
pub trait SecretStore: Send + Sync {
    /// The client secret of `provider`; blocks.
    ///
    /// # Errors
    /// Why the store cannot be asked.
    fn client_secret(&self, provider: &str) -> Result<Option<Secret>, Box<dyn std::error::Error + Send + Sync>>;

    /// The private key of `provider`'s client; blocks.
    ///
    /// # Errors
    /// Why the store cannot be asked.
    fn private_key(&self, provider: &str) -> Result<Option<Secret>, Box<dyn std::error::Error + Send + Sync>>;
}

/// A registered client at one authorization server.
#[derive(Debug)]
pub struct Client {
    provider: Provider,
    client_id: String,
    secret: Option<Secret>,
    credentials: Credentials,
    oauth1: Option<OAuth1>,
    system: Arc<System>,
    pinned: Pinned,
    freshness: Freshness,
    server: OnceCell<AuthorizationServer>,
    authentication: OnceCell<Box<dyn ClientAuthentication>>,
    metadata_cache: Cache,
    keys_cache: Cache,
    keys: Mutex<Keys>,
    app: OnceCell<App>,
    server_time: ServerTime,
    binding: Binding,
}

impl Client {
    /// The client of `definition`, its secret read from wherever the entry says it is; documents of its server are kept in
    /// `cache_dir`, if there is one.
    ///
    /// # Errors
    /// [`Error::NoClient`] without a client identifier; [`Error::NoSecret`], [`Error::SecretStore`]; [`Error::Registry`] for
    /// an entry that is not complete; [`Error::PrivateKey`], [`Error::Passphrase`], [`Error::Certificate`] for a client
    /// whose key or certificate is of no use; [`Error::Unsupported`] for one that asks for what is not there.
    pub fn new(
        definition: &Definition,
        system: Arc<System>,
        cache_dir: Option<PathBuf>,
        secrets: &dyn SecretStore,
        freshness: Freshness,
    ) -> Result<Self, Error> {
        let provider = definition.provider()?;
        support::check(&provider)?;
        let no_client = || Error::NoClient {
            provider: provider.id.clone(),
            name: provider.name.clone(),
            register: provider.register.clone(),
        };
        let client_id = provider.client_id.clone().filter(|id| !id.is_empty());
        let client_id =
            if is_optional(&provider) { client_id.unwrap_or_default() } else { client_id.ok_or_else(no_client)? };
        let secret = match &provider.client_secret {
            Some(source)
                if !matches!(
                    provider.client_auth,
                    ClientAuth::None
                        | ClientAuth::BasicEmpty
                        | ClientAuth::AppleJwt
                        | ClientAuth::PrivateKeyJwt
                        | ClientAuth::TlsClientAuth
                        | ClientAuth::SelfSignedTlsClientAuth
                ) && provider.client_assertion.is_none() =>
            {
                Some(read_secret(&provider, source, &system, secrets)?)
            }
            _ => None,
        };
        let oauth1 = OAuth1::new(&provider, &client_id, secret.as_ref(), &system, secrets)?;
        let credentials = Credentials::read(&provider, &system, secrets)?;
        let credentials = credentials.with_keys(&provider, secret.as_ref(), &system, secrets)?;
        let by_hand = |key: &str| {
            matches!(
                definition.origin(key),
                Some(Origin::System(_) | Origin::User(_) | Origin::Environment(_) | Origin::Flag(_))
            )
        };
        let binding = Binding::new(Prover::new(cache_dir.clone()));
        Ok(Self {
            pinned: Pinned::new(&provider, by_hand),
            provider,
            client_id,
            secret,
            credentials,
            oauth1,
            system,
            freshness,
            server: OnceCell::new(),
            authentication: OnceCell::new(),
            metadata_cache: Cache::new(cache_dir.clone(), discovery::METADATA),
            keys_cache: Cache::new(cache_dir, "keys"),
            keys: Mutex::default(),
            app: OnceCell::new(),
            server_time: ServerTime::default(),
            binding,
        })
    }

    /// The entry.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// The client identifier; empty where the grant needs none and the entry has none.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The token endpoint that a person set, which nothing the server says changes.
    pub fn fixed_token_endpoint(&self) -> Option<String> {
        self.pinned
            .by_hand("token_endpoint")
            .then(|| self.server_at_hand().token_endpoint.map(|url| url.to_string()))
            .flatten()
    }

    /// The client secret, if there is one.
    pub fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref()
    }

    /// The outside world.
    pub fn system(&self) -> &System {
        &self.system
    }
}

/// Whether the entry's grant works without a client: what is presented says already who asks.
///
/// # Specification
/// RFC 7521 §4.1; RFC 8693 §2.1 (client authentication is optional in both).
fn is_optional(provider: &Provider) -> bool {
    let first = provider.grants.first().map(String::as_str).unwrap_or_default();
    matches!(first, "jwt_bearer" | "saml2_bearer" | "token_exchange") || first.contains(':')
}

/// Reads a secret from where it is kept.
fn read_secret(
    provider: &Provider,
    source: &SecretSource,
    system: &System,
    secrets: &dyn SecretStore,
) -> Result<Secret, Error> {
    let id = &provider.id;
    let none = |reason: String| Error::NoSecret { provider: id.clone(), reason };
    let secret = match source {
        SecretSource::Literal(secret) => secret.clone(),
        SecretSource::Env(name) => {
            let value = system.environment.text(name);
            value.map(Secret::new).ok_or_else(|| none(format!("the variable `{name}` is not set")))?
        }
        SecretSource::File(path) => {
            let bytes = files::read_open(path, SECRET_LIMIT).map_err(|error| none(error.to_string()))?;
            let bytes = bytes.ok_or_else(|| none(format!("there is no file {}", path.display())))?;
            let text = String::from_utf8(bytes).map_err(|_| none(format!("{} is no text", path.display())))?;
            Secret::new(text.trim_end_matches(['\r', '\n']))
        }
        SecretSource::Command(words) => {
            let limit: Duration = process::COMMAND_LIMIT;
            // Other secrets of the environment are not its affair.
            process::secret_of(words, &provider.secret_variables(), limit).map_err(|error| none(error.to_string()))?
        }
        SecretSource::Runner { .. } => return Err(none("it is what a runner says of itself".into())),
        SecretSource::Store => {
            let kept = secrets.client_secret(id);
            let kept = kept.map_err(|cause| Error::SecretStore { provider: id.clone(), cause })?;
            kept.ok_or_else(|| none("the secret store has none".into()))?
        }
    };
    if secret.is_empty() { Err(none("it is empty".into())) } else { Ok(secret) }
}

/// Reads a private key from where it is kept. A file that others could read is closed to them, which is told.
fn read_key(
    provider: &Provider,
    source: &SecretSource,
    system: &System,
    secrets: &dyn SecretStore,
) -> Result<Secret, Error> {
    let none = |reason: String| Error::PrivateKey { provider: provider.id.clone(), reason };
    match source {
        SecretSource::File(path) => {
            let bytes = files::read_private(path, SECRET_LIMIT).map_err(|error| none(error.to_string()))?;
            let bytes = bytes.ok_or_else(|| none(format!("there is no file {}", path.display())))?;
            String::from_utf8(bytes).map(Secret::new).map_err(|_| none(format!("{} is no text", path.display())))
        }
        SecretSource::Store => {
            let kept = secrets.private_key(&provider.id);
            let kept = kept.map_err(|cause| Error::KeyStore { provider: provider.id.clone(), cause })?;
            kept.ok_or_else(|| none("the secret store has none".into()))
        }
        other => read_secret(provider, other, system, &NoStore).map_err(|error| none(error.to_string())),
    }
}

/// Holds nothing: not everything is kept there.
struct NoStore;

impl SecretStore for NoStore {
    fn client_secret(&self, _: &str) -> Result<Option<Secret>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(None)
    }

    fn private_key(&self, _: &str) -> Result<Option<Secret>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(None)
    }
}
