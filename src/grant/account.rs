//! Whose tokens they are at a server that each person chooses: whether it may speak for the account that it names.
//!
//! Everybody can run such a server. What it says of an account counts only where the account itself points back to it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Error;
use crate::client::Client;
use crate::client::atproto::Directories;
use crate::client::indieauth::{self, Claimant};
use crate::protocol;
use crate::protocol::atproto::SCOPE;
use crate::protocol::token::TokenSet;
use crate::protocol::{indieauth as addresses, jose};
use crate::registry::words::Discovery;
use crate::system::http::authority;

/// What errors call the answer.
const ENDPOINT: &str = "token endpoint";

/// Whom a login is for, where the server was found from that.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whom {
    /// The names under which the server is known to speak for the account.
    pub ids: Vec<String>,
    /// What people call it.
    pub name: Option<String>,
}

/// An account that points back to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmed {
    /// What never changes: a DID, or the address of a page.
    pub id: String,
    /// What people call it.
    pub name: Option<String>,
    /// What the server says beside that; nothing is decided by it.
    pub claims: Map<String, Value>,
    /// Where its tokens go, if that is known only now.
    pub host: Option<String>,
}

/// The member of the answer that names the account.
pub(super) fn member(discovery: Discovery) -> &'static str {
    match discovery {
        Discovery::Atproto => "sub",
        Discovery::IndieAuth => "me",
    }
}

/// Makes sure that the server may speak for the account of `tokens`; `whom` is what was known before.
///
/// # Errors
/// [`protocol::Error::AccountMismatch`], [`protocol::Error::Unauthoritative`] when it may not;
/// [`protocol::Error::Field`] when it names none; why it cannot be known.
///
/// # Specification
/// AT Protocol "OAuth", Identity Authentication; IndieAuth §5.4.
pub async fn confirm(
    client: &Client,
    discovery: Discovery,
    tokens: &TokenSet,
    whom: Option<&Whom>,
) -> Result<Confirmed, Error> {
    let name = member(discovery);
    let missing = || protocol::Error::Field { endpoint: ENDPOINT, field: name.into(), reason: "is missing or no text" };
    let id = tokens.kept.get(name).and_then(Value::as_str).ok_or_else(missing)?;
    match discovery {
        Discovery::Atproto => of_did(client, id, tokens, whom).await,
        Discovery::IndieAuth => of_page(client, id, tokens, whom).await,
    }
}

/// Makes sure that a renewal is of the account that the session is of; `kept` is what the session keeps.
///
/// # Errors
/// [`protocol::Error::AccountMismatch`] for another one; [`protocol::Error::Field`] when it does not say what it must.
///
/// # Specification
/// AT Protocol "OAuth", Identity Authentication and Authorization Scopes; IndieAuth §5.5.1, §5.3.3.
pub(super) fn check_renewal(
    discovery: Discovery,
    kept: &Map<String, Value>,
    tokens: &TokenSet,
) -> Result<(), protocol::Error> {
    let name = member(discovery);
    let expected = kept.get(name).and_then(Value::as_str).unwrap_or_default();
    match tokens.kept.get(name) {
        Some(Value::String(found)) if found == expected => {}
        // IndieAuth wants it of an answer with a code only.
        None if discovery == Discovery::IndieAuth => {}
        None => return Err(protocol::Error::Field { endpoint: ENDPOINT, field: name.into(), reason: "is missing" }),
        Some(found) => {
            let found = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
            let (expected, found) = (expected.to_owned(), jose::excerpt(&found));
            return Err(protocol::Error::AccountMismatch { expected, found });
        }
    }
    if discovery == Discovery::Atproto { check_scope(tokens) } else { Ok(()) }
}

fn check_scope(tokens: &TokenSet) -> Result<(), protocol::Error> {
    match tokens.scopes.iter().any(|scope| scope == SCOPE) {
        true => Ok(()),
        false => {
            let reason = "does not grant `atproto`, without which it is no token of the AT Protocol";
            Err(protocol::Error::Field { endpoint: ENDPOINT, field: "scope".into(), reason })
        }
    }
}

async fn of_did(client: &Client, did: &str, tokens: &TokenSet, whom: Option<&Whom>) -> Result<Confirmed, Error> {
    check_scope(tokens)?;
    let (id, name, host) = match whom {
        Some(whom) if whom.ids.iter().any(|id| id == did) => (did.to_owned(), whom.name.clone(), None),
        Some(whom) => {
            let (expected, found) = (whom.ids.join(" "), jose::excerpt(did));
            return Err(protocol::Error::AccountMismatch { expected, found }.into());
        }
        None => {
            let issuer = client.server().await?.issuer.clone().unwrap_or_default();
            let directories = Directories::of(client.provider())?;
            let account = directories.confirm(client.system(), did, &issuer).await?;
            let host = authority(&account.pds);
            (account.did.to_string(), account.handle.map(|handle| handle.to_string()), Some(host))
        }
    };
    let claims = name.iter().map(|name| ("handle".to_owned(), Value::String(name.clone()))).collect();
    Ok(Confirmed { id, name, claims, host })
}

async fn of_page(client: &Client, me: &str, tokens: &TokenSet, whom: Option<&Whom>) -> Result<Confirmed, Error> {
    let server = client.server().await?;
    let lacks = |what| crate::client::Error::Lacks { provider: client.provider().id.clone(), what };
    let claimant = Claimant {
        authorization_endpoint: server
            .authorization_endpoint
            .as_ref()
            .ok_or_else(|| lacks("authorization_endpoint"))?,
        token_endpoint: server.token_endpoint.as_ref().ok_or_else(|| lacks("token_endpoint"))?,
        issuer: server.issuer.as_deref(),
    };
    let seen: Vec<url::Url> = whom.iter().flat_map(|whom| &whom.ids).filter_map(|id| id.parse().ok()).collect();
    let me = indieauth::confirm(client.system(), me, &seen, claimant).await?;
    let claims = tokens.kept.get("profile").and_then(Value::as_object).cloned().unwrap_or_default();
    Ok(Confirmed { name: Some(addresses::account(&me)), id: me.into(), claims, host: None })
}
