//! Accounts of the AT Protocol: handles, DIDs, and the documents that lead from one to the other and to a server.
//!
//! # Specification
//! AT Protocol, "Handle", "DID" and "OAuth" (<https://atproto.com/specs>).

use std::fmt;

use serde_json::{Map, Value};
use url::Url;

use super::metadata::AuthorizationServer;
use super::parameters::Parameters;
use super::resource_metadata::{ProtectedResource, address};
use super::{Error, jose};
use crate::system::http::{Response, is_loopback};

/// What errors call the document of a DID.
pub const DOCUMENT: &str = "DID document";

/// What errors call whoever knows the DIDs of handles.
pub const RESOLVER: &str = "handle resolver";

/// The scope without which a token is none of this protocol ("OAuth", Authorization Scopes).
pub const SCOPE: &str = "atproto";

/// Bytes of a DID ("DID", AT Protocol DID Identifier Syntax).
const LONGEST_DID: usize = 2048;

/// Domains that no handle may be below ("Handle", Additional Non-Syntax Restrictions). `test` is for development.
const RESERVED: [&str; 8] = ["alt", "arpa", "example", "internal", "invalid", "local", "localhost", "onion"];

/// Whom a person or a server names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identifier {
    /// By a name that may change hands.
    Handle(Handle),
    /// For good.
    Did(Did),
}

/// A name in the domain name system, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handle(String);

/// A decentralized identifier of a method that the protocol knows: `did:plc` or `did:web`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Did(String);

/// What a DID's document says, as far as it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The name that the account claims; nothing is proven by it alone.
    pub handle: Option<Handle>,
    /// The account's personal data server: scheme, host and port.
    pub pds: Url,
}

impl Identifier {
    /// Reads what a person types: a handle, with or without `@`, or a DID.
    ///
    /// # Errors
    /// [`Error::Account`] with what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text.starts_with("did:") {
            true => Did::parse(text).map(Self::Did),
            false => Handle::parse(text.strip_prefix('@').unwrap_or(text)).map(Self::Handle),
        }
    }

    /// As it is sent.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Handle(handle) => handle.as_str(),
            Self::Did(did) => did.as_str(),
        }
    }
}

impl Handle {
    /// Reads a handle; letters become small ones.
    ///
    /// # Errors
    /// [`Error::Account`] with what is wrong with it.
    ///
    /// # Specification
    /// "Handle", Handle Identifier Syntax and Additional Non-Syntax Restrictions.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refused = |reason| Err(Error::Account { name: jose::excerpt(text), reason });
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let Some((_, last)) = text.rsplit_once('.') else {
            return refused("a handle is a name like alice.bsky.social, with a dot in it");
        };
        if text.len() > 253 || !text.split('.').all(label) || last.starts_with(|first: char| first.is_ascii_digit()) {
            return refused("a handle is a domain name of letters, digits, hyphens and dots");
        }
        let handle = text.to_ascii_lowercase();
        if handle.rsplit('.').next().is_some_and(|last| RESERVED.contains(&last)) {
            return refused("no handle may be below a reserved domain");
        }
        Ok(Self(handle))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the records that hold its DID ("Handle", DNS TXT Method).
    pub fn record_name(&self) -> String {
        format!("_atproto.{}", self.0)
    }

    /// Where its own host says its DID ("Handle", HTTPS well-known Method).
    pub fn well_known(&self) -> Option<Url> {
        Url::parse(&format!("https://{}/.well-known/atproto-did", self.0)).ok()
    }

    /// Where `resolver` is asked for its DID (`com.atproto.identity.resolveHandle`).
    ///
    /// # Errors
    /// [`Error::Parameter`] for a resolver whose address cannot be extended.
    pub fn asked_at(&self, resolver: &Url) -> Result<Url, Error> {
        let failed =
            |error: url::ParseError| Error::Parameter { name: "handle_resolver".into(), reason: error.to_string() };
        let base = resolver.as_str().trim_end_matches('/');
        let method = Url::parse(&format!("{base}/xrpc/com.atproto.identity.resolveHandle")).map_err(failed)?;
        let mut parameters = Parameters::new();
        parameters.set("handle", self.as_str());
        parameters.appended_to(&method).map_err(failed)
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Did {
    /// Reads a DID.
    ///
    /// # Errors
    /// [`Error::Account`] with what is wrong with it; a method that is not known is told apart.
    ///
    /// # Specification
    /// "DID", Blessed DID Methods and AT Protocol DID Identifier Syntax; did:plc §Identifier Syntax.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refused = |reason| Err(Error::Account { name: jose::excerpt(text), reason });
        let parts = text.strip_prefix("did:").and_then(|rest| rest.split_once(':'));
        let Some((method, id)) = parts.filter(|(method, id)| is_did(method, id) && text.len() <= LONGEST_DID) else {
            return refused("a DID looks like did:plc:ewvi7nxzyoun6zhxrhs64oiz or did:web:alice.example.com");
        };
        let of_base32 = |byte: u8| byte.is_ascii_lowercase() || (b'2'..=b'7').contains(&byte);
        match method {
            "plc" if id.len() == 24 && id.bytes().all(of_base32) => Ok(Self(text.to_owned())),
            "plc" => refused("did:plc is followed by 24 of the characters a-z and 2-7"),
            "web" if is_host(id) => Ok(Self(text.to_owned())),
            "web" => refused("did:web is followed by a host name and nothing else"),
            _ => refused("the AT Protocol knows the methods did:plc and did:web only"),
        }
    }

    /// The DID.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where its document is; `directory` is that of `did:plc`.
    ///
    /// # Errors
    /// [`Error::Account`] when there is no such address.
    ///
    /// # Specification
    /// did:plc §Read; did:web §Read.
    pub fn place(&self, directory: &Url) -> Result<Url, Error> {
        let id = self.0.splitn(3, ':').nth(2).unwrap_or_default();
        let place = match self.0.starts_with("did:web:") {
            false => Url::parse(&format!("{}/{}", directory.as_str().trim_end_matches('/'), self.0)),
            // The colon before a port is encoded, and only development has one.
            true => match id.split_once("%3A") {
                Some((host, port)) => Url::parse(&format!("http://{host}:{port}/.well-known/did.json")),
                None if id == "localhost" => Url::parse("http://localhost/.well-known/did.json"),
                None => Url::parse(&format!("https://{id}/.well-known/did.json")),
            },
        };
        place.map_err(|_| Error::Account { name: jose::excerpt(&self.0), reason: "its document has no address" })
    }
}

impl fmt::Display for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The syntax that all DIDs share.
fn is_did(method: &str, id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'%' | b'-');
    !method.is_empty()
        && method.bytes().all(|byte| byte.is_ascii_lowercase())
        && !id.is_empty()
        && id.bytes().all(allowed)
        && !id.ends_with([':', '%'])
}

/// What may follow `did:web:`: a host name that could be a handle, or `localhost` with a port for development.
fn is_host(id: &str) -> bool {
    let of_machine = id.strip_prefix("localhost").is_some_and(|rest| {
        rest.is_empty() || rest.strip_prefix("%3A").is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
    });
    // Two spellings of a name would be two accounts.
    of_machine || Handle::parse(id).is_ok_and(|host| host.as_str() == id)
}

impl Description {
    /// Reads the document of `did`, found at `place`.
    ///
    /// # Errors
    /// [`Error::AccountMismatch`] when it is another one's; [`Error::Field`] without a personal data server;
    /// [`Error::MetadataEndpoint`] for one that must not be asked.
    ///
    /// # Specification
    /// "DID", DID Documents; DID Core §5.1.1 (`id`).
    pub fn read(document: &Map<String, Value>, did: &Did, place: &Url) -> Result<Self, Error> {
        if document.get("id").and_then(Value::as_str) != Some(did.as_str()) {
            let found = document.get("id").and_then(Value::as_str).unwrap_or_default();
            return Err(Error::AccountMismatch { expected: did.to_string(), found: jose::excerpt(found) });
        }
        let items = |name: &str| document.get(name).and_then(Value::as_array).into_iter().flatten();
        let handle = items("alsoKnownAs")
            .filter_map(Value::as_str)
            .find_map(|name| Handle::parse(name.strip_prefix("at://")?).ok());
        let of_pds = |service: &&Value| {
            let is = |name: &str, text: &str| service.get(name).and_then(Value::as_str) == Some(text);
            let id = service.get("id").and_then(Value::as_str).and_then(|id| id.strip_suffix("#atproto_pds"));
            id.is_some_and(|before| before.is_empty() || before == did.as_str())
                && is("type", "AtprotoPersonalDataServer")
        };
        let service = items("service").find(of_pds);
        let missing = |reason| Error::Field { endpoint: DOCUMENT, field: "service".into(), reason };
        let service = service.ok_or_else(|| missing("names no personal data server"))?;
        let endpoint = service.get("serviceEndpoint").and_then(Value::as_str);
        let endpoint = endpoint.ok_or_else(|| missing("has a personal data server without an address"))?;
        Ok(Self { handle, pds: origin("serviceEndpoint", endpoint, place)? })
    }
}

/// An address that is a scheme, a host and a port and nothing else, named by a document at `asked`.
fn origin(field: &'static str, text: &str, asked: &Url) -> Result<Url, Error> {
    let url = address(field, text, asked)?;
    let plain = url.path() == "/" && url.query().is_none() && !text.contains('@');
    match plain {
        true => Ok(url),
        false => Err(Error::MetadataEndpoint { field, reason: "it is more than scheme, host and port".into() }),
    }
}

/// The DID among the records of a handle; `None` without one.
///
/// # Errors
/// [`Error::Account`] for more than one, or one that is malformed.
///
/// # Specification
/// "Handle", DNS TXT Method.
pub fn did_in_records(handle: &Handle, texts: &[String]) -> Result<Option<Did>, Error> {
    let mut dids: Vec<&str> = texts.iter().filter_map(|text| text.strip_prefix("did=")).collect();
    dids.sort_unstable();
    dids.dedup();
    match dids.as_slice() {
        [] => Ok(None),
        [did] => Did::parse(did).map(Some),
        _ => Err(Error::Account { name: handle.to_string(), reason: "the domain name system has several DIDs for it" }),
    }
}

/// The DID that a handle's own host answers with.
///
/// # Errors
/// [`Error::Account`] when the body is none.
///
/// # Specification
/// "Handle", HTTPS well-known Method.
pub fn did_in_text(response: &Response) -> Result<Did, Error> {
    Did::parse(String::from_utf8_lossy(response.body()).trim())
}

/// The issuer of a personal data server's tokens.
///
/// # Errors
/// [`Error::Field`] unless there is exactly one; [`Error::MetadataEndpoint`] for one that is more than an origin.
///
/// # Specification
/// "OAuth", Server Metadata.
pub fn issuer(metadata: &ProtectedResource, pds: &Url) -> Result<String, Error> {
    const FIELD: &str = "authorization_servers";
    let [issuer] = metadata.authorization_servers.as_slice() else {
        let reason = "has other than the one element that the AT Protocol wants";
        return Err(Error::Field { endpoint: super::resource_metadata::DOCUMENT, field: FIELD.into(), reason });
    };
    origin(FIELD, issuer, pds)?;
    Ok(issuer.clone())
}

/// What a server must announce, and the first thing that `server` does not.
///
/// # Specification
/// "OAuth", Server Metadata.
pub fn lacking(server: &AuthorizationServer) -> Option<&'static str> {
    let has =
        |list: &Option<Vec<String>>, word: &str| list.as_ref().is_some_and(|list| list.iter().any(|it| it == word));
    let has_origin = server.issuer.as_deref().and_then(|issuer| Url::parse(issuer).ok()).is_some_and(|issuer| {
        issuer.path() == "/" && issuer.query().is_none() && (issuer.scheme() == "https" || is_loopback(&issuer))
    });
    let grants = ["authorization_code", "refresh_token"];
    [
        (has_origin, "issuer that is scheme, host and port"),
        (has(&server.scopes_supported, SCOPE), "scopes_supported with `atproto`"),
        (
            grants.iter().all(|grant| has(&server.grant_types_supported, grant)),
            "grant_types_supported with `refresh_token`",
        ),
        (has(&server.response_types_supported, "code"), "response_types_supported with `code`"),
        (server.require_request_uri_registration != Some(false), "require_request_uri_registration other than `false`"),
        (has(&server.code_challenge_methods_supported, "S256"), "code_challenge_methods_supported with S256 (PKCE)"),
        (
            has(&server.token_endpoint_auth_methods_supported, "none"),
            "token_endpoint_auth_methods_supported with `none`",
        ),
        (
            has(&server.dpop_signing_alg_values_supported, "ES256"),
            "dpop_signing_alg_values_supported with ES256 (DPoP)",
        ),
        (
            server.pushed_authorization_request_endpoint.is_some() && server.require_pushed_authorization_requests,
            "pushed_authorization_request_endpoint (PAR)",
        ),
        (server.authorization_response_iss_parameter_supported, "authorization_response_iss_parameter_supported"),
        (server.client_id_metadata_document_supported, "client_id_metadata_document_supported"),
    ]
    .into_iter()
    .find_map(|(there, what)| (!there).then_some(what))
}

/// The identifier of a client that has no document, for `redirect_uri` (without its port) and all `scopes` that it may ask for.
///
/// # Specification
/// "OAuth", Localhost Client Development.
pub fn client_id(redirect_uri: &str, scopes: &[String]) -> String {
    let mut parameters = Parameters::new();
    parameters.set("redirect_uri", redirect_uri);
    parameters.set("scope", scopes.join(" "));
    format!("http://localhost?{}", parameters.encoded())
}

#[cfg(test)]
mod tests;
