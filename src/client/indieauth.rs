//! From a person's own address to the server that logs them in, and from what it says back to the address.
//!
//! Pages are asked for without a token or anything else that tells who asks. What the answers mean is in
//! `protocol::indieauth`.

use http::StatusCode;
use serde_json::{Map, Value};
use url::Url;

use super::Error;
use crate::protocol;
use crate::protocol::http::{self as messages, check_status, members};
use crate::protocol::indieauth::{self, DOCUMENT, Links, PAGE, is_html, issuer, links, redirect, request, unconfirmed};
use crate::protocol::metadata::{AuthorizationServer, IssuerMatch, is_private};
use crate::system::http::{BODY_LIMIT, Beginning, Response, endpoint};
use crate::system::{self, System};

/// Redirects that are followed: from a name without `www` and a short one to a long one there are two.
const REDIRECTS: usize = 5;

/// A server, as a page declares it.
#[derive(Debug, Clone, PartialEq)]
pub enum Server {
    /// By its metadata.
    Metadata {
        /// Where that is.
        place: Url,
        /// Who it is, as it is written there.
        issuer: String,
        /// Where the browser is sent.
        authorization_endpoint: Url,
        /// All that is there; it can be read as [`AuthorizationServer`] of that issuer.
        document: Map<String, Value>,
    },
    /// By its endpoints, as older pages do.
    Endpoints {
        /// Where the browser is sent.
        authorization_endpoint: Url,
        /// Where tokens are obtained.
        token_endpoint: Url,
    },
}

/// What a profile URL leads to.
#[derive(Debug, Clone, PartialEq)]
pub struct Discovered {
    /// All addresses on the way, as they were asked: the first was entered, the last is where the links were.
    pub visited: Vec<Url>,
    /// Who logs the person in.
    pub server: Server,
    /// Where posts are written with such a token.
    pub micropub: Option<Url>,
}

/// Asks the page at `entered` for the server that it declares. `None` where it declares none, or there is no such page.
///
/// `first` is what `entered` has answered already, which serves unless it is in another form than a page.
///
/// # Errors
/// [`protocol::Error::ProfileLink`], [`protocol::Error::IssuerPlace`] for what must not be followed; [`Error::Redirects`];
/// [`Error::NoTokenEndpoint`]; [`protocol::Error::Unavailable`] and others when the page, or the metadata that it names,
/// cannot be had.
///
/// # Specification
/// IndieAuth §4.1.
pub async fn discover(system: &System, entered: &Url, first: Option<Response>) -> Result<Option<Discovered>, Error> {
    let Some((visited, page, links)) = page(system, entered, first).await? else { return Ok(None) };
    let server = match (links.metadata, links.authorization_endpoint, links.token_endpoint) {
        (Some(place), _, _) => {
            let (issuer, authorization_endpoint, document) = metadata(system, &place).await?;
            Server::Metadata { place, issuer, authorization_endpoint, document }
        }
        (None, Some(authorization_endpoint), Some(token_endpoint)) => {
            Server::Endpoints { authorization_endpoint, token_endpoint }
        }
        (None, Some(_), None) => return Err(Error::NoTokenEndpoint { page: endpoint(&page) }),
        (None, None, _) => return Ok(None),
    };
    Ok(Some(Discovered { visited, server, micropub: links.micropub }))
}

/// The server of a login that is to be confirmed.
#[derive(Debug, Clone, Copy)]
pub struct Claimant<'a> {
    /// Where the browser was sent.
    pub authorization_endpoint: &'a Url,
    /// Who answered.
    pub token_endpoint: &'a Url,
    /// Who it is, where it has metadata.
    pub issuer: Option<&'a str>,
}

/// The address `me` that a server says has logged in, in canonical form, if that server may say so: it was on the way of
/// the discovery (`visited`), or it declares the same server itself.
///
/// # Errors
/// [`protocol::Error::Unconfirmed`] where it may not; as [`discover`] where the page at `me` cannot be asked.
///
/// # Security
/// Without this every server could speak for everybody, and every user of a shared host for all others there. The
/// specification compares authorization endpoints. That alone would let whoever names somebody else's, beside a token
/// endpoint of his own, answer in that one's place.
///
/// # Specification
/// IndieAuth §5.4.
pub async fn confirm(system: &System, me: &str, visited: &[Url], claimant: Claimant<'_>) -> Result<Url, Error> {
    let me = indieauth::me(me)?;
    if visited.contains(&me) {
        return Ok(me);
    }
    let refuse = |reason| Err(unconfirmed(&me, reason).into());
    if !is_private(claimant.token_endpoint) && is_private(&me) {
        return refuse("it is a private address, and the server is a public one");
    }
    let Some((_, _, links)) = page(system, &me, None).await? else {
        return refuse("that page declares no server");
    };
    let (authorization_endpoint, token_endpoint, issuer) = match &links.metadata {
        Some(place) => {
            let (issuer, endpoint, document) = metadata(system, place).await?;
            let server = AuthorizationServer::read(&document, &issuer, IssuerMatch::Exact)?;
            (Some(endpoint), server.token_endpoint, Some(issuer))
        }
        None => (links.authorization_endpoint, links.token_endpoint, None),
    };
    match authorization_endpoint {
        None => refuse("that page declares no server"),
        Some(endpoint) if endpoint != *claimant.authorization_endpoint => refuse("that page declares another server"),
        Some(_) if token_endpoint.as_ref() != Some(claimant.token_endpoint) => {
            refuse("that page declares another token endpoint")
        }
        // Servers of many may share their endpoints.
        Some(_) if claimant.issuer.zip(issuer.as_deref()).is_some_and(|(one, other)| one != other) => {
            refuse("that page declares another issuer")
        }
        Some(_) => Ok(me),
    }
}

/// Follows redirects to a page: the addresses that were asked, the last of them, and what the page there declares. `None`
/// where there is no page.
async fn page(
    system: &System,
    entered: &Url,
    first: Option<Response>,
) -> Result<Option<(Vec<Url>, Url, Links)>, Error> {
    let mut visited = Vec::new();
    let mut at = entered.clone();
    let mut known = first.filter(|response| !is_other_form(response));
    loop {
        let response = match known.take() {
            Some(response) => response,
            None => system.http.send_persistently(request(&at)?, true).await?,
        };
        visited.push(at.clone());
        if let Some(target) = redirect(&response, &at)? {
            if visited.len() > REDIRECTS {
                return Err(Error::Redirects { url: endpoint(entered), limit: REDIRECTS });
            }
            at = target;
            continue;
        }
        if !response.status().is_success() {
            if !response.status().is_redirection() {
                check_status(PAGE, &response, system.clock.seconds())?;
            }
            return Ok(None);
        }
        let links = links(&response, &at)?;
        // What comes first could be further down, and what counts less be taken for it.
        if links.metadata.is_none() && is_html(&response) && response.extensions().get::<Beginning>().is_some() {
            let reason = format!("is larger than {BODY_LIMIT} bytes, and the first of them name no metadata");
            return Err(system::Error::BadAnswer { endpoint: endpoint(&at), reason }.into());
        }
        return Ok(Some((visited, at, links)));
    }
}

/// Whether an answer is what the same address gives to those who want something else than a page.
fn is_other_form(response: &Response) -> bool {
    response.status() == StatusCode::NOT_ACCEPTABLE || response.status().is_success() && !is_html(response)
}

/// The issuer, the authorization endpoint and all else of the metadata at `place`, which a page has named: so it must be
/// there.
async fn metadata(system: &System, place: &Url) -> Result<(String, Url, Map<String, Value>), Error> {
    let response = system.http.send_persistently(messages::get(place)?, true).await?;
    check_status(DOCUMENT, &response, system.clock.seconds())?;
    if response.status() != StatusCode::OK {
        let (url, content) = (endpoint(place), messages::content(&response));
        return Err(Error::Metadata { url, status: response.status().as_u16(), content });
    }
    let document = members(DOCUMENT, &response)?;
    let issuer = issuer(&document, place)?;
    let server = AuthorizationServer::read(&document, &issuer, IssuerMatch::Exact)?;
    let authorization_endpoint = server.authorization_endpoint.ok_or_else(|| protocol::Error::Field {
        endpoint: DOCUMENT,
        field: "authorization_endpoint".into(),
        reason: "is missing",
    })?;
    Ok((issuer, authorization_endpoint, document))
}
