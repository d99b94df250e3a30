//! One line of the index.

use std::path::Path;

use serde::{Deserialize, Serialize};
use url::Url;

use super::{VERSION, lines};
use crate::session::{Error, Profile, Session, SessionKey, Trouble, unattended};
use crate::system::http::authority;

/// What is known of a session without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name.
    #[serde(rename = "session")]
    pub key: SessionKey,
    /// Whether it was made its provider's default; the only session of a provider is its default anyway.
    #[serde(default, skip_serializing_if = "is_false")]
    pub default: bool,
    /// The grant's name, as in `--grant`.
    pub grant: String,
    /// The granted scope.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// How the token is presented: its registered name.
    pub token_type: String,
    /// Seconds since 1970 at which the access token ends; unknown when the server did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// Whether it can be renewed without a person: by a refresh token, or because the grant needs none.
    #[serde(default, skip_serializing_if = "is_false")]
    pub refreshable: bool,
    /// Seconds since 1970 at which the refresh token ends, where the server said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_expires_at: Option<i64>,
    /// Whether there is an ID token.
    #[serde(default, skip_serializing_if = "is_false")]
    pub has_id_token: bool,
    /// The issuer, where the server has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Resource indicators (RFC 8707) that were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// Hosts of the server's endpoints, with the port where it is not the scheme's own; for finding a session by an address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// As which client.
    pub client_id: String,
    /// The thumbprint (`x5t#S256`) of the client certificate that the access token is bound to, if it is bound to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// The store's name.
    pub store: String,
    /// Seconds since 1970 of the login.
    pub created_at: i64,
    /// Seconds since 1970 of the last refresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refreshed_at: Option<i64>,
    /// Why a person must log in again, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// Whom the server says has logged in.
    #[serde(default)]
    pub profile: Profile,
    /// Named switches that weakened a check at login.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<String>,
    /// What a grant without a person was asked for, as a digest, where the session was obtained unasked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// Which state of the session this describes.
    pub generation: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// An entry with what only the line needs.
#[derive(Serialize)]
struct Written<'a> {
    #[serde(rename = "v")]
    version: u64,
    #[serde(flatten)]
    entry: &'a Entry,
}

/// What is understood of every version.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "v")]
    version: u64,
}

impl Entry {
    /// The entry of a session that lies in the store called `store`.
    pub fn of(session: &Session, store: &str) -> Self {
        let Session { tokens, binding, .. } = session;
        Self {
            key: session.key.clone(),
            default: false,
            grant: session.grant.clone(),
            scopes: tokens.scopes.clone(),
            token_type: tokens.token_type.name().into(),
            expires_at: tokens.expires_at,
            refreshable: tokens.refresh_token.is_some() || session.is_unattended(),
            refresh_expires_at: tokens.refresh_expires_at,
            has_id_token: tokens.id_token.is_some(),
            issuer: binding.issuer.clone(),
            resources: session.resources.clone(),
            hosts: hosts(session),
            client_id: binding.client_id.clone(),
            certificate: binding.certificate.clone(),
            store: store.into(),
            created_at: session.created_at,
            refreshed_at: session.refreshed_at,
            trouble: session.trouble.clone(),
            profile: session.profile.clone(),
            waivers: session.waivers.clone(),
            request: session.request.clone(),
            generation: session.generation.clone(),
        }
    }

    /// Whether it was obtained unasked for something else than what its provider's entry says: nobody chose it, so that
    /// it is never taken for the provider's session.
    pub fn is_variant(&self) -> bool {
        self.request.is_some() && self.key.account().starts_with(unattended::VARIANT)
    }

    /// The line without its end.
    pub(super) fn to_line(&self) -> Vec<u8> {
        let mut line = format!("{}\t", self.key).into_bytes();
        serde_json::to_writer(&mut line, &Written { version: VERSION, entry: self })
            .expect("an entry holds only what JSON can say");
        line
    }

    pub(super) fn from_line(line: &[u8], path: &Path) -> Result<Self, Error> {
        let name = || String::from_utf8_lossy(lines::name_of(line)).into_owned();
        let place = || path.display().to_string();
        let corrupt = |reason: &str| Error::Corrupt { name: name(), place: place(), reason: reason.into() };
        let named = || lines::key_of(line).ok_or_else(|| corrupt("its line bears no name"));
        let json = &line[(lines::name_of(line).len() + 1).min(line.len())..];
        // Ten thousand lines are listed at once: ours are recognised without being read twice.
        if !json.starts_with(b"{\"v\":1,") {
            named()?;
            let Head { version } = serde_json::from_slice(json).map_err(|_| corrupt("its line is not readable"))?;
            if version > VERSION {
                return Err(Error::NewerVersion { name: name(), place: place(), version });
            }
        }
        match serde_json::from_slice::<Self>(json) {
            Ok(entry) if entry.key.to_string().as_bytes() == lines::name_of(line) => Ok(entry),
            Ok(_) => named().and(Err(corrupt("its line bears two names"))),
            Err(_) => named().and(Err(corrupt("its line is not readable"))),
        }
    }
}

fn hosts(session: &Session) -> Vec<String> {
    let binding = &session.binding;
    let endpoints = [
        binding.issuer.as_deref(),
        Some(binding.token_endpoint.as_str()),
        binding.refresh_endpoint.as_deref(),
        binding.revocation_endpoint.as_deref(),
        binding.userinfo_endpoint.as_deref(),
    ];
    let mut hosts: Vec<String> = endpoints.into_iter().flatten().filter_map(host).collect();
    // Those that only the login knew, where the account's own document names them: a page may name anybody's.
    let of_account = session.profile.id.as_deref().is_some_and(|id| id.starts_with("did:"));
    let found = session.overrides.iter().filter(|set| of_account && set.key == "hosts");
    hosts.extend(found.flat_map(|set| set.value.expose().split_whitespace()).map(str::to_owned));
    hosts.sort();
    hosts.dedup();
    hosts
}

fn host(endpoint: &str) -> Option<String> {
    Url::parse(endpoint).ok().filter(Url::has_host).as_ref().map(authority)
}
