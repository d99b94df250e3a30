//! From a name in the AT Protocol to whoever issues tokens for it, and whether an issuer may speak for an account.

use serde_json::{Map, Value};
use url::Url;

use super::{Error, resource};
use crate::protocol;
use crate::protocol::atproto::{self, DOCUMENT, Description, Did, Handle, Identifier, RESOLVER};
use crate::protocol::http::{self, check_status, members};
use crate::protocol::indieauth;
use crate::protocol::metadata::is_private;
use crate::registry::Provider;
use crate::system::System;
use crate::system::dns::Resolver;
use crate::system::http::{Response, check_url};

/// What errors call a handle's own host.
const HOST: &str = "handle's own host";

/// Redirects that a handle's host may answer with ("Handle": "a reasonable number").
const REDIRECTS: usize = 3;

/// Whom handles and DIDs are asked of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directories {
    /// The directory of `did:plc`.
    pub plc: Url,
    /// A server that knows the DIDs of handles; without one, the domain name system and the handle's host are asked.
    pub handles: Option<Url>,
}

/// An account, as far as its own documents tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Who it is.
    pub did: Did,
    /// Its name, where name and account point to each other.
    pub handle: Option<Handle>,
    /// Its personal data server.
    pub pds: Url,
}

impl Directories {
    /// Those that the entry names.
    ///
    /// # Errors
    /// [`Error::Lacks`] without a directory.
    pub fn of(provider: &Provider) -> Result<Self, Error> {
        let lacks = || Error::Lacks { provider: provider.id.clone(), what: "plc_directory" };
        let plc = provider.plc_directory.clone().ok_or_else(lacks)?;
        Ok(Self { plc, handles: provider.handle_resolver.clone() })
    }

    /// The account that `identifier` names.
    ///
    /// # Errors
    /// [`Error::NoAccount`] when there is none; [`protocol::Error::AccountMismatch`] when a handle's account does not
    /// claim it; why it cannot be known.
    ///
    /// # Specification
    /// AT Protocol "OAuth", Identity Authentication; "Handle", Handle Resolution.
    pub async fn account(&self, system: &System, identifier: &Identifier) -> Result<Account, Error> {
        match identifier {
            Identifier::Did(did) => self.of_did(system, did).await,
            Identifier::Handle(handle) => {
                let did = self.did(system, handle).await?;
                let Description { handle: claimed, pds } = self.description(system, &did).await?;
                if claimed.as_ref() != Some(handle) {
                    let found = claimed.map_or_else(|| "no handle".into(), |claimed| claimed.to_string());
                    return Err(protocol::Error::AccountMismatch { expected: handle.to_string(), found }.into());
                }
                Ok(Account { did, handle: claimed, pds })
            }
        }
    }

    /// Makes sure that `issuer` is who issues tokens for the account that it calls `sub`.
    ///
    /// # Errors
    /// [`protocol::Error::Unauthoritative`] when it is not; why it cannot be known.
    ///
    /// # Specification
    /// AT Protocol "OAuth", Identity Authentication.
    pub async fn confirm(&self, system: &System, sub: &str, issuer: &str) -> Result<Account, Error> {
        let account = self.of_did(system, &Did::parse(sub)?).await?;
        let found = issuer_of(system, &account.pds).await?;
        if found != issuer {
            let (account, issuer) = (account.did.to_string(), issuer.to_owned());
            return Err(protocol::Error::Unauthoritative { account, issuer, found }.into());
        }
        Ok(account)
    }

    async fn of_did(&self, system: &System, did: &Did) -> Result<Account, Error> {
        let Description { handle, pds } = self.description(system, did).await?;
        // A name that is broken, or cannot be asked for now, takes nothing from the account.
        let handle = match handle {
            Some(handle) => self.did(system, &handle).await.is_ok_and(|of_handle| of_handle == *did).then_some(handle),
            None => None,
        };
        Ok(Account { did: did.clone(), handle, pds })
    }

    async fn description(&self, system: &System, did: &Did) -> Result<Description, Error> {
        let place = did.place(&self.plc)?;
        check_url(&place)?;
        if is_private(&place) && !is_private(&self.plc) {
            // Whoever names it could have programs of this machine asked.
            let reason = "its document would be on this machine, which is for development";
            return Err(protocol::Error::Account { name: did.to_string(), reason }.into());
        }
        let response = system.http.send_persistently(http::get(&place)?, true).await?;
        if matches!(response.status().as_u16(), 404 | 410) {
            return Err(Error::NoAccount { name: did.to_string(), reason: "it has no document".into() });
        }
        Ok(Description::read(&document(system, DOCUMENT, &response)?, did, &place)?)
    }

    async fn did(&self, system: &System, handle: &Handle) -> Result<Did, Error> {
        match &self.handles {
            Some(resolver) => asked(system, resolver, handle).await,
            None => resolved(system, handle).await,
        }
    }
}

/// The issuer of tokens for a personal data server.
///
/// # Errors
/// Why there is none, or none that may be used.
///
/// # Specification
/// AT Protocol "OAuth", Server Metadata; RFC 9728 §3.
pub async fn issuer_of(system: &System, pds: &Url) -> Result<String, Error> {
    let metadata = resource::published(system, pds).await?;
    let none = || Error::NoResourceMetadata { resource: crate::system::http::endpoint(pds) };
    Ok(atproto::issuer(&metadata.ok_or_else(none)?, pds)?)
}

/// Asks a server that knows handles.
async fn asked(system: &System, resolver: &Url, handle: &Handle) -> Result<Did, Error> {
    let response = system.http.send_persistently(http::get(&handle.asked_at(resolver)?)?, true).await?;
    let nobody = |reason: &str| Error::NoAccount { name: handle.to_string(), reason: reason.to_owned() };
    // "Unable to resolve handle" is a 400 (com.atproto.identity.resolveHandle).
    if matches!(response.status().as_u16(), 400 | 404) {
        return Err(nobody("the handle resolver does not know it"));
    }
    let answer = document(system, RESOLVER, &response)?;
    let did = answer.get("did").and_then(Value::as_str).ok_or_else(|| nobody("the handle resolver names no DID"))?;
    Ok(Did::parse(did)?)
}

/// Asks the domain name system, then the handle's own host.
async fn resolved(system: &System, handle: &Handle) -> Result<Did, Error> {
    let texts = async { Resolver::of_system()?.texts(&handle.record_name()).await };
    let untold = match texts.await {
        Ok(texts) => match atproto::did_in_records(handle, &texts)? {
            Some(did) => return Ok(did),
            None => None,
        },
        // A name that is too long for a record can still have a host.
        Err(error) => Some(error),
    };
    let nobody = || Error::NoAccount {
        name: handle.to_string(),
        reason: format!("neither {} nor its own host names a DID", handle.record_name()),
    };
    let place = handle.well_known().ok_or_else(nobody)?;
    let response = match of_host(system, place).await {
        Ok(response) => response,
        // Whoever cannot be asked has not said no.
        Err(error) => return Err(untold.map_or(error, Error::from)),
    };
    check_status(HOST, &response, system.clock.seconds())?;
    match (response.status().is_success(), untold) {
        (true, _) => Ok(atproto::did_in_text(&response)?),
        (false, None) => Err(nobody()),
        (false, Some(error)) => Err(error.into()),
    }
}

/// What a handle's host answers, behind its redirects.
async fn of_host(system: &System, mut place: Url) -> Result<Response, Error> {
    let url = crate::system::http::endpoint(&place);
    for _ in 0..=REDIRECTS {
        let response = system.http.send_persistently(http::get(&place)?, true).await?;
        match indieauth::redirect(&response, &place)? {
            Some(next) => place = next,
            None => return Ok(response),
        }
    }
    Err(Error::Redirects { url, limit: REDIRECTS })
}

fn document(system: &System, endpoint: &'static str, response: &Response) -> Result<Map<String, Value>, Error> {
    check_status(endpoint, response, system.clock.seconds())?;
    if !response.status().is_success() {
        let (status, content) = (response.status().as_u16(), http::content(response));
        return Err(protocol::Error::Status { endpoint, status, content }.into());
    }
    Ok(members(endpoint, response)?)
}
