//! From the address of a protected resource to whoever issues tokens for it.

use ::http::HeaderValue;
use ::http::header::ACCEPT;
use serde_json::{Map, Value};
use url::Url;

use super::Error;
use crate::protocol::http::{self, check_status, members};
use crate::protocol::resource_metadata::{DOCUMENT, Hint, ProtectedResource, well_known};
use crate::system::System;
use crate::system::http::{Beginning, Response, check_url};

/// A resource, and what a token for it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// What it says of itself.
    pub metadata: ProtectedResource,
    /// The scope to ask for: that of the challenge, else all that it has; `None` where it says nothing.
    pub scopes: Option<Vec<String>>,
}

/// Asks `url` without a token where its metadata is, else looks at the well-known addresses. `None` where there is none.
///
/// Each address is asked once and no redirect is followed, so that nothing can lead round in circles.
///
/// # Errors
/// Why it cannot be asked, or why what it says is not acceptable.
///
/// # Specification
/// RFC 9728 §3, §5; MCP 2025-11-25 "Authorization Server Discovery" and "Scope Selection Strategy".
pub async fn discover(system: &System, url: &Url) -> Result<Option<Resource>, Error> {
    of_answer(system, url, &ask(system, url).await?).await
}

/// Asks `url` without a token. A page will do, or its beginning: nobody knows yet what is there.
///
/// # Errors
/// Why it cannot be asked.
pub async fn ask(system: &System, url: &Url) -> Result<Response, Error> {
    check_url(url)?;
    let mut request = http::get(url)?;
    let any = HeaderValue::from_static("application/json, text/html;q=0.9, */*;q=0.1");
    request.headers_mut().insert(ACCEPT, any);
    request.extensions_mut().insert(Beginning);
    Ok(system.http.send_persistently(request, true).await?)
}

/// As [`discover`], with the `response` of `url` at hand.
///
/// # Errors
/// As [`discover`].
pub async fn of_answer(system: &System, url: &Url, response: &Response) -> Result<Option<Resource>, Error> {
    let Hint { metadata, scopes } = Hint::of(response, url)?;
    let mut found = None;
    if let Some(place) = metadata {
        let document = document(system, &place, Strictness::Named).await?;
        found = document.map(|document| ProtectedResource::read(&document, url)).transpose()?;
    }
    if found.is_none() {
        found = published(system, url).await?;
    }
    Ok(found.map(|metadata| Resource { scopes: scopes.or_else(|| metadata.scopes_supported.clone()), metadata }))
}

/// What is said of `url` at the well-known addresses; `None` where nothing is.
///
/// # Errors
/// As [`discover`].
pub(super) async fn published(system: &System, url: &Url) -> Result<Option<ProtectedResource>, Error> {
    for (place, about) in well_known(url) {
        if let Some(document) = document(system, &place, Strictness::Guessed).await? {
            return Ok(Some(ProtectedResource::read(&document, &about)?));
        }
    }
    Ok(None)
}

/// How sure it is that a document must be at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strictness {
    /// The resource itself has named it.
    Named,
    /// It is one of those at which it might be.
    Guessed,
}

async fn document(system: &System, place: &Url, strictness: Strictness) -> Result<Option<Map<String, Value>>, Error> {
    let response = system.http.send_persistently(http::get(place)?, true).await?;
    // What is not known is answered with all kinds of status, and by some with a page for everything.
    let is_page = strictness == Strictness::Guessed && response.status().is_success() && !http::is_json(&response);
    if response.status().is_client_error() && response.status().as_u16() != 429 || is_page {
        return Ok(None);
    }
    check_status(DOCUMENT, &response, system.clock.seconds())?;
    if response.status() != ::http::StatusCode::OK {
        let (url, content) = (crate::system::http::endpoint(place), http::content(&response));
        return Err(Error::Metadata { url, status: response.status().as_u16(), content });
    }
    Ok(Some(members(DOCUMENT, &response)?))
}
