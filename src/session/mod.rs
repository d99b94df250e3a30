//! What was obtained and is kept.
//!
//! A [`Session`] is a set of tokens with all that it is bound to. It lies as a whole in one secret store; beside the store
//! an index without secrets answers what needs no token. Whoever writes holds the session's lock.

pub mod binding;
mod bound;
pub mod cache;
mod catalog;
pub mod ending;
mod error;
pub mod index;
pub mod inquiry;
mod keeper;
mod key;
mod lock;
pub mod login;
pub mod pending;
pub mod record;
pub mod store;
mod taken;
#[cfg(test)]
mod testing;
pub mod turn;
pub mod unattended;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::grant;
use crate::protocol::token::TokenSet;
use crate::secret::Secret;

pub use cache::TokenCache;
pub use catalog::Catalog;
pub use error::{Cause, Error};
pub use index::Index;
pub use keeper::{Keeper, Renewal, Renewed, Waiting};
pub use lock::SessionLock;
pub use taken::Taken;

pub use crate::protocol::profile::Profile;

/// A session's name: `PROVIDER/ACCOUNT`.
///
/// The account holds no slash, blank or control character: such are percent-encoded (as UTF-8) when a name is made from
/// what a server said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey {
    provider: String,
    account: String,
}

impl SessionKey {
    /// The account's name where the server tells none.
    pub const DEFAULT_ACCOUNT: &'static str = "default";

    /// The provider's identifier.
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// The account's label.
    pub fn account(&self) -> &str {
        &self.account
    }
}

impl Session {
    /// Its access token, to be handed out.
    pub fn into_taken(self) -> Taken {
        self.tokens.into()
    }

    /// Whether new tokens can be had without a person and without a refresh token.
    pub fn is_unattended(&self) -> bool {
        grant::find(&self.grant).is_some_and(|grant| !grant.needs_person())
    }
}

impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.account)
    }
}

/// Tokens with what they are bound to.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Its name.
    pub key: SessionKey,
    /// What was obtained.
    pub tokens: TokenSet,
    /// Where from, and as which client; a definition that says otherwise now must not get the refresh token.
    pub binding: Binding,
    /// The grant's name, as in `--grant`.
    pub grant: String,
    /// The scope that was asked for.
    pub requested_scopes: Vec<String>,
    /// Resource indicators (RFC 8707) that were asked for.
    pub resources: Vec<String>,
    /// The provider-specific audience that was asked for.
    pub audience: Option<String>,
    /// Whom the server says has logged in.
    pub profile: Profile,
    /// What later ID tokens must agree with.
    pub identity: Option<Identity>,
    /// Seconds since 1970 of the login.
    pub created_at: i64,
    /// Seconds since 1970 of the last refresh.
    pub refreshed_at: Option<i64>,
    /// Why a person must log in again, if so.
    pub trouble: Option<Trouble>,
    /// Named switches of the entry that weakened a check at login.
    pub waivers: Vec<String>,
    /// What the login set above the registry, without which the session could not be renewed.
    pub overrides: Vec<Override>,
    /// What a grant without a person was asked for, as a digest: a session that was obtained unasked serves the same
    /// request again and no other.
    pub request: Option<String>,
    /// 22 random base64url characters, new at each save: tells cached copies of other states from this one.
    pub generation: String,
}

/// A key of the provider's entry that a login set by an option of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The dotted key.
    pub key: String,
    /// Its value.
    pub value: Secret,
    /// Whether the key holds a secret.
    pub is_secret: bool,
}

/// What a session's tokens may be sent to, and as whom.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Binding {
    /// The issuer, where the server has one.
    pub issuer: Option<String>,
    /// Where the tokens came from.
    pub token_endpoint: String,
    /// Where they are renewed, if elsewhere.
    pub refresh_endpoint: Option<String>,
    /// Where they are revoked.
    pub revocation_endpoint: Option<String>,
    /// Where the access token tells who it is for.
    pub userinfo_endpoint: Option<String>,
    /// Where the server's keys are.
    pub jwks_uri: Option<String>,
    /// To which key, by its thumbprint (RFC 9449 §6.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jkt: Option<String>,
    /// As which client.
    pub client_id: String,
    /// The client authentication's registered name; of OAuth 1.0, the signature method's.
    pub client_auth: String,
    /// The thumbprint (`x5t#S256`) of the client certificate that the access token is bound to, if it is bound to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
}

/// What an ID token returned by a refresh must agree with.
///
/// # Specification
/// OpenID Connect Core §12.2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// `iss`.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// `auth_time`, where it was told.
    pub auth_time: Option<i64>,
    /// The nonce that was sent.
    pub nonce: Option<String>,
}

/// Why a session cannot be renewed without a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Seconds since 1970 at which it was found out.
    pub since: i64,
    /// The server's error code, such as `invalid_grant`, or a word of ours.
    pub error: String,
    /// The server's description; foreign text.
    pub description: Option<String>,
}

impl Trouble {
    /// The word of ours for a logout that was interrupted.
    pub const LOGGED_OUT: &'static str = "logged_out";

    /// The word of ours for tokens whose key is gone or is another one.
    pub const NO_KEY: &'static str = "no_proof_key";

    /// The word of ours for a refresh that brought another person's ID token.
    pub const OTHER_IDENTITY: &'static str = "other_identity";
}
