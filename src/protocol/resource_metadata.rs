//! What a protected resource says about itself: who issues tokens for it, and for which scope.
//!
//! Signed metadata (RFC 9728 §2.2) is not read: whose signature would count is nowhere said.

use serde_json::{Map, Value};
use url::Url;

use super::metadata::{self, is_private};
use super::{Error, challenge, jose, scope};
use crate::system::http::{Response, check_url};

/// What errors call it.
pub const DOCUMENT: &str = "resource metadata";

/// Issuers that are looked at; a resource has one, seldom two.
const MOST: usize = 8;

/// Protected resource metadata: the members that are used.
///
/// # Specification
/// RFC 9728 §2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectedResource {
    /// Its identifier, byte for byte; what tokens are asked for with (RFC 8707).
    pub resource: String,
    /// The issuers of tokens for it.
    pub authorization_servers: Vec<String>,
    /// Scopes.
    pub scopes_supported: Option<Vec<String>>,
    /// Whether it takes nothing but tokens that are bound to a key.
    pub dpop_bound_access_tokens_required: bool,
}

/// What a resource answers to a request without a token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hint {
    /// Where its metadata is.
    pub metadata: Option<Url>,
    /// The scope that the request would have needed.
    pub scopes: Option<Vec<String>>,
}

impl Hint {
    /// Reads the challenges of `response`, which `asked` answered.
    ///
    /// # Errors
    /// [`Error::MetadataEndpoint`] for an address of metadata that must not be used.
    ///
    /// # Specification
    /// RFC 9728 §5.1; RFC 6750 §3 (`scope`).
    pub fn of(response: &Response, asked: &Url) -> Result<Self, Error> {
        if response.status() != http::StatusCode::UNAUTHORIZED {
            return Ok(Self::default());
        }
        let challenges = challenge::challenges(response.headers());
        let parameter = |name: &str| challenges.iter().find_map(|challenge| challenge.parameter(name));
        let metadata =
            parameter("resource_metadata").map(|text| address("resource_metadata", text, asked)).transpose()?;
        let scopes =
            parameter("scope").map(|text| text.split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>());
        // A scope that could not be asked for is none (RFC 6749 §3.3).
        Ok(Self { metadata, scopes: scopes.filter(|scopes| scope::check(scopes).is_ok()) })
    }
}

impl ProtectedResource {
    /// Reads a document about the resource `expected`.
    ///
    /// # Errors
    /// [`Error::ResourceMismatch`] when it is about another resource; [`Error::MetadataEndpoint`] for an issuer that must
    /// not be asked; [`Error::Field`] for a wrong type in a member that is used.
    ///
    /// # Specification
    /// RFC 9728 §3.3.
    pub fn read(document: &Map<String, Value>, expected: &Url) -> Result<Self, Error> {
        let resource = document.get("resource").and_then(Value::as_str);
        let resource = resource.ok_or_else(|| field("resource", "is missing or no text"))?;
        // An empty path and `/` are the same; nothing else is (RFC 3986 §6.2.3).
        if Url::parse(resource).ok().as_ref() != Some(expected) || resource.contains('#') {
            let (expected, found) = (expected.to_string(), jose::excerpt(resource));
            return Err(Error::ResourceMismatch { expected, found });
        }
        let servers = list(document, "authorization_servers")?.unwrap_or_default();
        for server in servers.iter().take(MOST) {
            let url = address("authorization_servers", server, expected)?;
            if url.query().is_some() {
                let reason = "an issuer has no query (RFC 8414 §2)".into();
                return Err(Error::MetadataEndpoint { field: "authorization_servers", reason });
            }
        }
        if list(document, "bearer_methods_supported")?.is_some_and(|methods| !methods.iter().any(|it| it == "header")) {
            return Err(field("bearer_methods_supported", "lacks `header`, the only one that keyfob has"));
        }
        let scopes = list(document, "scopes_supported")?;
        if let Some(scopes) = &scopes {
            scope::check(scopes).map_err(|_| field("scopes_supported", "has a word that is no scope"))?;
        }
        Ok(Self {
            resource: resource.to_owned(),
            authorization_servers: servers.into_iter().take(MOST).collect(),
            scopes_supported: scopes,
            dpop_bound_access_tokens_required: document.get("dpop_bound_access_tokens_required")
                == Some(&Value::Bool(true)),
        })
    }
}

/// Where the metadata of `url` may be, with the resource that each would be about: `url` itself, then all of its host.
///
/// # Specification
/// RFC 9728 §3.1.
pub fn well_known(url: &Url) -> Vec<(Url, Url)> {
    const NAME: &str = "/.well-known/oauth-protected-resource";
    let at = |path: &str, query: Option<&str>| {
        let mut url = url.clone();
        url.set_path(path);
        url.set_query(query);
        url
    };
    let path = if url.path() == "/" { "" } else { url.path() };
    let mut places = vec![(at(&format!("{NAME}{path}"), url.query()), url.clone())];
    if !path.is_empty() || url.query().is_some() {
        places.push((at(NAME, None), at("/", None)));
    }
    places
}

/// An address in a document of `asked`: usable, without fragment, and inside the network of whoever names it.
pub(super) fn address(field: &'static str, text: &str, asked: &Url) -> Result<Url, Error> {
    let url = match Url::parse(text) {
        Ok(url) => check_named(text, url, asked),
        Err(error) => Err(error.to_string()),
    };
    url.map_err(|reason| Error::MetadataEndpoint { field, reason })
}

/// `url`, which `asked` has written as `text`, if it can be used; else why not.
pub(super) fn check_named(text: &str, url: Url, asked: &Url) -> Result<Url, String> {
    if has_odd_characters(text) {
        return Err("it has blanks, braces, control characters or backslashes".into());
    }
    check_url(&url).map_err(|error| error.to_string())?;
    if url.fragment().is_some() {
        return Err("it has a fragment".into());
    }
    if !is_private(asked) && is_private(&url) {
        let host = url.host_str().unwrap_or_default();
        return Err(format!("a public address points to the private one {host}"));
    }
    Ok(url)
}

/// Readers of addresses disagree about these: what one shows, another might open elsewhere.
pub(super) fn has_odd_characters(text: &str) -> bool {
    text.bytes().any(|byte| matches!(byte, b'\\' | b'{' | b'}' | 0x7f) || byte <= b' ')
}

fn list(document: &Map<String, Value>, name: &'static str) -> Result<Option<Vec<String>>, Error> {
    metadata::list(document, name).map_err(|_| field(name, "is no list of text"))
}

fn field(name: &'static str, reason: &'static str) -> Error {
    Error::Field { endpoint: DOCUMENT, field: name.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use url::Url;

    use super::{Error, Hint, ProtectedResource, Response, well_known};

    const RESOURCE: &str = "https://resource.example.com/mcp";

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn read(change: impl FnOnce(&mut Value)) -> Result<ProtectedResource, Error> {
        let mut document = json!({
            "resource": RESOURCE, "authorization_servers": ["https://as1.example.com"], "scopes_supported": ["profile"]
        });
        change(&mut document);
        ProtectedResource::read(document.as_object().unwrap(), &url(RESOURCE))
    }

    fn challenged(status: u16, challenge: &str) -> Response {
        http::Response::builder().status(status).header("www-authenticate", challenge).body(Vec::new()).unwrap()
    }

    #[test]
    fn a_document_says_who_issues_tokens_and_for_what() {
        assert_eq!(
            read(|_| {}).unwrap(),
            ProtectedResource {
                resource: RESOURCE.into(),
                authorization_servers: vec!["https://as1.example.com".into()],
                scopes_supported: Some(vec!["profile".into()]),
                dpop_bound_access_tokens_required: false,
            }
        );
    }

    #[test]
    fn a_document_of_another_resource_is_refused() {
        for other in [
            "https://resource.example.com/mcp/",
            "https://resource.example.com",
            "http://resource.example.com/mcp",
            "https://evil.example/mcp",
            "https://resource.example.com/mcp?x",
            "https://resource.example.com/mcp#x",
            "mcp",
        ] {
            let refused = read(|document| document["resource"] = other.into());
            assert!(matches!(refused, Err(Error::ResourceMismatch { .. })), "{other}");
        }
    }

    #[test]
    fn issuers_that_must_not_be_asked_are_refused() {
        for bad in [
            "http://as.example",
            "https://127.0.0.1",
            "https://10.0.0.1",
            "https://[::1]",
            "https://localhost",
            "https://u@as.example",
            "https://as.example#x",
            "https://as.example?x",
            "https://as.example\\@evil.example",
            "file:///etc",
            "",
        ] {
            let refused = read(|document| document["authorization_servers"] = json!([bad]));
            assert!(matches!(refused, Err(Error::MetadataEndpoint { .. })), "{bad}");
        }
    }

    #[test]
    fn wrong_types_are_malformed() {
        for (name, value) in [
            ("resource", json!(1)),
            ("authorization_servers", json!("https://as.example")),
            ("authorization_servers", json!([1])),
            ("scopes_supported", json!(["a b"])),
            ("bearer_methods_supported", json!(["query"])),
        ] {
            assert!(matches!(read(|document| document[name] = value), Err(Error::Field { .. })), "{name}");
        }
    }

    /// The example of RFC 9728 §5.1.
    #[test]
    fn a_challenge_names_the_metadata() {
        let asked = url("https://resource.example.com/x");
        let text = "Bearer resource_metadata=\"https://resource.example.com/.well-known/oauth-protected-resource\"";

        let hint = Hint::of(&challenged(401, text), &asked).unwrap();

        let metadata = url("https://resource.example.com/.well-known/oauth-protected-resource");
        assert_eq!(hint, Hint { metadata: Some(metadata), scopes: None });
        assert_eq!(Hint::of(&challenged(200, text), &asked).unwrap(), Hint::default());
        let scoped = Hint::of(&challenged(401, "Bearer scope=\"a b\""), &asked).unwrap();
        assert_eq!(scoped.scopes, Some(vec!["a".into(), "b".into()]));
        for bad in ["http://a.example/x", "https://127.0.0.1/x", "file:///x", "x"] {
            let challenge = format!("Bearer resource_metadata=\"{bad}\"");
            assert!(Hint::of(&challenged(401, &challenge), &asked).is_err(), "{bad}");
        }
    }

    /// RFC 9728 §3.1: put in between host and path.
    #[test]
    fn the_well_known_address_is_put_in_before_the_path() {
        let places = |text: &str| -> Vec<(String, String)> {
            well_known(&url(text)).into_iter().map(|(at, about)| (at.to_string(), about.to_string())).collect()
        };
        let root = "https://h.example/.well-known/oauth-protected-resource";
        let of_root = (root.to_owned(), "https://h.example/".to_owned());

        assert_eq!(places("https://h.example"), std::slice::from_ref(&of_root));
        assert_eq!(
            places("https://h.example/resource1"),
            [(format!("{root}/resource1"), "https://h.example/resource1".to_owned()), of_root]
        );
    }
}
