//! A person's own address, and what the page there declares: who may log them in.
//!
//! Pages are read for links only; microformats on them are not. The authorization request and the token endpoint's answer
//! are those of OAuth 2.0, and elsewhere.
//!
//! # Specification
//! IndieAuth, living standard of 11 July 2024: §3 (identifiers), §4.1 (discovery), §5.4 (whom a server may speak for).

mod page;
mod tags;

use http::HeaderValue;
use http::header::{ACCEPT, LOCATION};
use serde_json::{Map, Value};
use url::{Host, Url};

use super::http::media_type;
use super::link::{self, is_among};
use super::resource_metadata::{check_named, has_odd_characters};
use super::{Error, jose};
use crate::system;
use crate::system::http::{Beginning, Request, Response, check_url, endpoint, is_loopback};

/// What errors call a server's metadata.
pub const DOCUMENT: &str = "IndieAuth metadata";
/// What errors call the page at a profile URL.
pub const PAGE: &str = "profile page";

/// The relations that are looked for.
const RELATIONS: [&str; 4] = ["indieauth-metadata", "authorization_endpoint", "token_endpoint", "micropub"];

/// What a page declares.
///
/// # Specification
/// IndieAuth §4.1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    /// Where the server's metadata is.
    pub metadata: Option<Url>,
    /// Where the browser is sent; of older pages, not looked at beside `metadata`.
    pub authorization_endpoint: Option<Url>,
    /// Where tokens are obtained; as `authorization_endpoint`.
    pub token_endpoint: Option<Url>,
    /// Where posts are written with such a token.
    pub micropub: Option<Url>,
}

/// The address that a person is identified by, in canonical form; `https` where no scheme is given.
///
/// Loopback hosts serve development: with a port, as an IP address, and by `http`.
///
/// # Errors
/// [`Error::ProfileUrl`] for an address that is no such.
///
/// # Specification
/// IndieAuth §3.2 (what it may have), §3.4 (canonical form).
pub fn profile_url(text: &str) -> Result<Url, Error> {
    let refuse = |reason: &str| Error::ProfileUrl { url: shown(text), reason: reason.to_owned() };
    if has_odd_characters(text) {
        return Err(refuse("it has blanks, braces, control characters or backslashes"));
    }
    let text = if has_scheme(text) { text.to_owned() } else { format!("https://{text}") };
    let url = Url::parse(&text).map_err(|error| refuse(&error.to_string()))?;
    check_url(&url).map_err(|error| match error {
        system::Error::ForbiddenUrl { reason, .. } => refuse(reason),
        other => refuse(&other.to_string()),
    })?;
    if url.fragment().is_some() {
        return Err(refuse("it has a fragment"));
    }
    // As written: the address that was parsed shows neither the port of its scheme nor what went up and down in its path.
    let after_scheme = text.split_once("://").map_or("", |(_, rest)| rest);
    let (authority, rest) = after_scheme.split_at(after_scheme.find(['/', '?']).unwrap_or(after_scheme.len()));
    let path = rest.split('?').next().unwrap_or_default();
    if authority.is_empty() || authority.contains('@') {
        return Err(refuse("it names no host, or a user"));
    }
    if path.split('/').any(is_dots) {
        return Err(refuse("its path has the segment `.` or `..`"));
    }
    if !is_loopback(&url) {
        if matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_))) {
            return Err(refuse("its host is an IP address"));
        }
        if authority.contains(':') {
            return Err(refuse("it has a port"));
        }
    }
    Ok(url)
}

/// The address that a server says has logged in.
///
/// # Errors
/// [`Error::Unconfirmed`] for what [`profile_url`] refuses, or one without scheme.
///
/// # Specification
/// IndieAuth §3.2, §5.3.2, §5.3.3.
pub fn me(text: &str) -> Result<Url, Error> {
    let refuse = |reason: String| Error::Unconfirmed { me: shown(text), reason };
    if !has_scheme(text) {
        return Err(refuse("it is no address".into()));
    }
    profile_url(text).map_err(|error| match error {
        Error::ProfileUrl { reason, .. } => refuse(reason),
        other => other,
    })
}

/// Refuses to believe that `me` has logged in.
pub fn unconfirmed(me: &Url, reason: &str) -> Error {
    Error::Unconfirmed { me: shown(me.as_str()), reason: reason.to_owned() }
}

/// The name of a session for a profile: its address without scheme, and without the slash of a host alone. With and without
/// a slash at the end of a path are two people.
pub fn account(me: &Url) -> String {
    let whole = me.as_str();
    let whole = whole.split_once("://").map_or(whole, |(_, rest)| rest);
    match (me.path(), me.query()) {
        ("/", None) => whole.strip_suffix('/').unwrap_or(whole).to_owned(),
        _ => whole.to_owned(),
    }
}

/// The identifier of a client that has no document: the root of where its redirects go.
///
/// # Specification
/// IndieAuth §3.3 (form), §4.2.2 (redirects to the host of the client identifier need no document).
pub fn client_id(redirect_uri: &Url) -> Url {
    let mut url = redirect_uri.clone();
    url.set_path("/");
    url.set_query(None);
    url.set_fragment(None);
    url
}

/// A request for a page; of a large one the beginning will do.
///
/// # Errors
/// [`Error::Parameter`] when the address cannot be written.
pub fn request(page: &Url) -> Result<Request, Error> {
    let mut request = super::http::get(page)?;
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("text/html, */*;q=0.1"));
    request.extensions_mut().insert(Beginning);
    Ok(request)
}

/// Whether an answer is HTML, by its media type. The XML form is not: it would need another reader.
pub fn is_html(response: &Response) -> bool {
    media_type(response).as_deref() == Some("text/html")
}

/// Where `response`, which `asked` answered, leads on; `None` where it does not.
///
/// # Errors
/// [`Error::ProfileLink`] for an address that must not be asked: neither from the world into this network, nor out of TLS.
///
/// # Specification
/// IndieAuth §4.1 ("must follow HTTP redirects"); RFC 9110 §15.4, §10.2.2.
pub fn redirect(response: &Response, asked: &Url) -> Result<Option<Url>, Error> {
    let Some(location) = response.headers().get(LOCATION) else { return Ok(None) };
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = String::from_utf8_lossy(location.as_bytes());
    // A fragment is for whoever shows the page.
    let without_fragment = location.split('#').next().unwrap_or_default();
    let target = address("Location", without_fragment, asked, asked)?;
    if asked.scheme() == "https" && target.scheme() != "https" {
        return Err(Error::ProfileLink { rel: "Location", reason: "it leads from `https` to `http`".into() });
    }
    Ok(Some(target))
}

/// What the page `response` at `document` declares: the first link of each relation, those of the header before those of
/// the text. Only what is used is checked.
///
/// # Errors
/// [`Error::ProfileLink`] for an address that must not be asked.
///
/// # Specification
/// IndieAuth §4.1; RFC 8288 §3.2 (`anchor`); HTML §2.4.3 (what addresses in a page are relative to).
pub fn links(response: &Response, document: &Url) -> Result<Links, Error> {
    let in_header = link::links(response.headers());
    let of_page = |anchor: &str| document.join(anchor).is_ok_and(|context| context == *document);
    let declared = RELATIONS.map(|relation| {
        let is_meant = |link: &&link::Link| is_among(relation, &link.rel) && link.anchor.as_deref().is_none_or(of_page);
        in_header.iter().find(is_meant).map(|link| link.target.as_str())
    });
    let page = if is_html(response) { Some(page::read(response.body(), RELATIONS)) } else { None };
    let base = page.as_ref().and_then(|page| page.base.as_deref()).and_then(|base| joined(document, base));
    let base = base.as_ref().unwrap_or(document);
    let find = |at: usize| {
        if let Some(target) = declared[at] {
            return address(RELATIONS[at], target, document, document).map(Some);
        }
        let href = page.as_ref().and_then(|page| page.links[at].as_deref());
        href.map(|href| address(RELATIONS[at], href.trim_ascii(), base, document)).transpose()
    };
    let metadata = find(0)?;
    let (authorization_endpoint, token_endpoint) = if metadata.is_none() { (find(1)?, find(2)?) } else { (None, None) };
    Ok(Links { metadata, authorization_endpoint, token_endpoint, micropub: find(3)? })
}

/// The issuer of the metadata that was found at `place`, as it is written there.
///
/// # Errors
/// [`Error::Field`] where there is none; [`Error::IssuerPlace`] for one that is not above that address.
///
/// # Specification
/// IndieAuth §3.1; RFC 9207 §2 (form).
pub fn issuer(document: &Map<String, Value>, place: &Url) -> Result<String, Error> {
    let issuer = document.get("issuer").and_then(Value::as_str).ok_or_else(|| Error::Field {
        endpoint: DOCUMENT,
        field: "issuer".into(),
        reason: "is missing or no text",
    })?;
    // What ends before the whole host is no address.
    let is_above = Url::parse(issuer).is_ok_and(|url| {
        let rest = place.as_str().strip_prefix(issuer);
        // Neither half a host nor half a name in a path.
        let ends_well =
            rest.is_some_and(|rest| issuer.ends_with('/') || rest.is_empty() || rest.starts_with(['/', '?']));
        ends_well && url.query().is_none() && url.fragment().is_none()
    });
    if !is_above {
        return Err(Error::IssuerPlace { issuer: jose::excerpt(issuer), place: endpoint(place) });
    }
    Ok(issuer.to_owned())
}

/// What addresses in a page are relative to, if that is of use.
///
/// # Specification
/// HTML §4.2.3: what cannot be read, and schemes that name no place, do not count.
fn joined(document: &Url, base: &str) -> Option<Url> {
    document.join(base).ok().filter(|url| !matches!(url.scheme(), "data" | "javascript"))
}

/// An address on the page `document`: usable, without fragment, and inside the network of whoever names it.
fn address(rel: &'static str, text: &str, base: &Url, document: &Url) -> Result<Url, Error> {
    let url = match base.join(text) {
        Ok(url) => check_named(text, url, document),
        Err(error) => Err(error.to_string()),
    };
    url.map_err(|reason| Error::ProfileLink { rel, reason })
}

/// Whether a scheme and a host are written out (RFC 3986 §3.1).
fn has_scheme(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    })
}

/// The URL Standard takes escaped dots for dots.
fn is_dots(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

/// As errors quote it: without what may be secret.
fn shown(text: &str) -> String {
    let place = text.split(['?', '#']).next().unwrap_or_default();
    jose::excerpt(place.rsplit('@').next().unwrap_or_default())
}

#[cfg(test)]
mod tests;
