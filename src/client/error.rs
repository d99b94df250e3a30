//! Why there is no usable client, or why its server could not be asked.

use std::time::Duration;

use crate::{protocol, registry, system};

/// A failure on the way from an entry of the registry to an answer of its server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The entry is unusable.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// The network, a file or a program failed.
    #[error(transparent)]
    System(#[from] system::Error),
    /// An answer is not acceptable.
    #[error(transparent)]
    Protocol(#[from] protocol::Error),
    /// No client identifier is known.
    #[error("no client is registered for {name} yet")]
    NoClient {
        /// The provider's identifier.
        provider: String,
        /// Its name for people.
        name: String,
        /// Where one is registered.
        register: Option<String>,
    },
    /// No client identifier is known, and none can be had for such a client without a person.
    #[error("`{provider}` has no client, and one with `client_auth = \"{method}\"` is not registered by itself")]
    Unregistrable {
        /// The provider's identifier.
        provider: String,
        /// How the client is to prove who it is.
        method: &'static str,
    },
    /// The client secret's source yields none.
    #[error("the client secret of `{provider}` cannot be had: {reason}")]
    NoSecret {
        /// The provider's identifier.
        provider: String,
        /// Why; never a value.
        reason: String,
    },
    /// The secret store that holds the client secret could not be asked.
    #[error("the client secret of `{provider}` cannot be read from the store")]
    SecretStore {
        /// The provider's identifier.
        provider: String,
        /// What the store says.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The secret store that holds the private key could not be asked.
    #[error("the private key of `{provider}` cannot be read from the store")]
    KeyStore {
        /// The provider's identifier.
        provider: String,
        /// What the store says.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Something the grant needs is neither in the entry nor announced by the server.
    #[error("`{provider}` has no {what}")]
    Lacks {
        /// The provider's identifier.
        provider: String,
        /// The missing endpoint or setting, by its specified name.
        what: &'static str,
    },
    /// The client's private key cannot be read or used.
    #[error("the private key of `{provider}` cannot be used: {reason}")]
    PrivateKey {
        /// The provider's identifier.
        provider: String,
        /// Why; never a part of the key.
        reason: String,
    },
    /// An input of the grant cannot be read from where the entry says it is.
    #[error("the `{key}` of `{provider}` cannot be had: {reason}")]
    Input {
        /// The provider's identifier.
        provider: String,
        /// The entry's key.
        key: &'static str,
        /// Why; never a value.
        reason: String,
    },
    /// The machine's platform does not say who runs on it.
    #[error("the runner `{platform}` {reason}")]
    Runner {
        /// The platform's word.
        platform: &'static str,
        /// What is missing, and where it comes from.
        reason: String,
    },
    /// The entry does not allow what is asked for.
    #[error("the entry of `{provider}` does not say `{key}`, without which this is not done")]
    NotAllowed {
        /// The provider's identifier.
        provider: String,
        /// The missing line.
        key: String,
    },
    /// The client's private key is encrypted, and its passphrase is missing or wrong.
    #[error("the private key of `{provider}` cannot be opened: {reason}")]
    Passphrase {
        /// The provider's identifier.
        provider: String,
        /// Why; never a part of the key or the passphrase.
        reason: String,
    },
    /// The client's certificate cannot be read or used.
    #[error("the client certificate of `{provider}` cannot be used: {reason}")]
    Certificate {
        /// The provider's identifier.
        provider: String,
        /// Why.
        reason: String,
    },
    /// The server takes client assertions, but none that the entry's method can make.
    #[error("`{provider}` takes client assertions signed with {}, and `{method}` makes none of these", .offered.join(", "))]
    Assertion {
        /// The provider's identifier.
        provider: String,
        /// The method.
        method: &'static str,
        /// What the server, or the entry, wants.
        offered: Vec<String>,
    },
    /// A client that is known by its certificate cannot show it without TLS.
    #[error("the certificate of `{provider}` cannot be shown at {endpoint}, which is not https")]
    PlainEndpoint {
        /// The provider's identifier.
        provider: String,
        /// Where it was to be shown.
        endpoint: String,
    },
    /// Tokens bound to the client's certificate were demanded, and the server issued one that is not (RFC 8705 §3.1).
    #[error("the access token of `{provider}` is not bound to the client certificate: its `cnf` {found}")]
    Unbound {
        /// The provider's identifier.
        provider: String,
        /// What it says instead.
        found: &'static str,
    },
    /// A token that is bound to a key cannot be presented without it (RFC 9449 §7.1).
    #[error("the DPoP key that the token is bound to is gone")]
    NoKey,
    /// A template of the entry cannot be filled with what the login brought.
    #[error("the `{key}` of `{provider}` cannot be had")]
    RunTime {
        /// The provider's identifier.
        provider: String,
        /// The entry's key.
        key: String,
        /// Why.
        #[source]
        cause: registry::Unfilled,
    },
    /// The entry asks for something that this program does not do.
    #[error("`{provider}` asks for `{key}`, which keyfob does not support")]
    Unsupported {
        /// The provider's identifier.
        provider: String,
        /// The entry's key, with its value where that matters.
        key: String,
    },
    /// The server lacks what the entry demands of it.
    #[error("the server of `{provider}` announces no {what}, which `{demand}` demands")]
    ServerLacks {
        /// The provider's identifier.
        provider: String,
        /// What is missing, by the name of its metadata member.
        what: &'static str,
        /// The entry's key, with its value where that matters.
        demand: String,
    },
    /// The entry says one thing and demands another.
    #[error("the entry of `{provider}` says `{key}`, which `{demand}` excludes")]
    Contradiction {
        /// The provider's identifier.
        provider: String,
        /// What weakens.
        key: String,
        /// What excludes it.
        demand: String,
    },
    /// Nobody is known under a name.
    #[error("there is no account `{name}`: {reason}")]
    NoAccount {
        /// The handle, or the DID.
        name: String,
        /// Who does not know it.
        reason: String,
    },
    /// A resource does not say who issues tokens for it.
    #[error("{resource} publishes no protected-resource metadata (RFC 9728)")]
    NoResourceMetadata {
        /// Its address.
        resource: String,
    },
    /// No metadata was found at any of the well-known addresses.
    #[error("`{issuer}` publishes no metadata (404 at {})", .tried.join(", "))]
    NoMetadata {
        /// The issuer.
        issuer: String,
        /// The addresses.
        tried: Vec<String>,
    },
    /// A metadata address answered with something else than a document or 404.
    #[error("the metadata at {url} cannot be read: status {status} and {content}")]
    Metadata {
        /// The address.
        url: String,
        /// The status code.
        status: u16,
        /// The media type.
        content: String,
    },
    /// A profile page, or what a handle's host says, is behind more redirects than are followed.
    #[error("{url} leads through more than {limit} redirects")]
    Redirects {
        /// Where they begin.
        url: String,
        /// How many are followed.
        limit: usize,
    },
    /// A profile page names a server that authenticates and issues no tokens (IndieAuth §4.1).
    #[error("{page} names an `authorization_endpoint` and no `token_endpoint`, where tokens would be obtained")]
    NoTokenEndpoint {
        /// The page.
        page: String,
    },
    /// A whole step took longer than allowed.
    #[error("{what} took longer than {} s", .after.as_secs())]
    TooLong {
        /// The step.
        what: &'static str,
        /// How long was waited.
        after: Duration,
    },
}
