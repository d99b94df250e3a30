//! What happened, told while it happens, with nothing in it that must stay secret.
//!
//! Two readers exist: the HTTP log of `-vv` and the narration of `--explain`. Both get [`Event`]s; secrets are replaced
//! here, at the source, so that no reader can forget to.

use std::sync::{Arc, OnceLock};

use http::HeaderMap;
use ring::hmac;

use super::random;

/// Something worth telling.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// A request is about to be sent.
    Request {
        /// The method.
        method: String,
        /// The address, its query redacted.
        url: String,
        /// Headers, redacted.
        headers: Vec<(String, String)>,
        /// Form parameters, redacted.
        parameters: Vec<(String, String)>,
    },
    /// An answer has arrived.
    Response {
        /// The address of the request, its query redacted.
        url: String,
        /// The status code.
        status: u16,
        /// Headers, redacted.
        headers: Vec<(String, String)>,
        /// Members of a JSON object or form, redacted; empty when the body is neither.
        members: Vec<(String, String)>,
        /// Length of the body in bytes.
        length: usize,
    },
    /// One of the six steps of the flow begins, or something in it was checked.
    Step(Step),
}

/// One thing done in the flow of RFC 6749 §1.2.
#[derive(Debug, Clone)]
pub struct Step {
    /// 1 to 6, in the order of RFC 6749 figure 1.
    pub number: u8,
    /// Who sends to whom.
    pub between: (Party, Party),
    /// What happens, in one line.
    pub title: String,
    /// Why it happens or what was checked.
    pub why: String,
    /// Document and section.
    pub specification: &'static str,
}

/// A party of RFC 6749 §1.1, or the user agent between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// keyfob.
    Client,
    /// The person, through the browser.
    ResourceOwner,
    /// The server that issues tokens.
    AuthorizationServer,
    /// The server that takes them.
    ResourceServer,
    /// The secret store.
    Store,
}

/// Takes events as they happen.
pub trait Observer: Send + Sync {
    /// Called from whichever thread the event happens on; must not block for long.
    fn observe(&self, event: &Event);
}

/// Where events go; cheap to copy, and does nothing without an observer.
#[derive(Clone, Default)]
pub struct Trace(Option<Arc<dyn Observer>>);

impl Trace {
    /// Sends events to `observer`.
    pub fn to(observer: Arc<dyn Observer>) -> Self {
        Self(Some(observer))
    }

    /// Whether anybody listens; building an event may be left out when not.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Tells the event that `event` builds.
    pub fn tell(&self, event: impl FnOnce() -> Event) {
        if let Some(observer) = &self.0 {
            observer.observe(&event());
        }
    }
}

impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_on() { "Trace(on)" } else { "Trace(off)" })
    }
}

/// Parameters and JSON members that may be shown as they are; whatever is not listed is redacted.
///
/// An allow-list, because a server may send a secret under any name.
const PUBLIC: &[&str] = &[
    "acr_values",
    "active",
    "application_type",
    "audience",
    "authorization_endpoint",
    "authorization_response_iss_parameter_supported",
    "authorization_servers",
    "claim_types_supported",
    "claims_supported",
    "client_id",
    "client_id_metadata_document_supported",
    "client_name",
    "code_challenge_method",
    "code_challenge_methods_supported",
    "device_authorization_endpoint",
    "end_session_endpoint",
    "error",
    "error_uri",
    "expires_in",
    "grant_type",
    "grant_types",
    "grant_types_supported",
    "id_token_signing_alg_values_supported",
    "interval",
    "introspection_endpoint",
    "iss",
    "issuer",
    "jwks_uri",
    "max_age",
    "prompt",
    "pushed_authorization_request_endpoint",
    "redirect_uri",
    "redirect_uris",
    "refresh_expires_in",
    "registration_endpoint",
    "require_pushed_authorization_requests",
    "require_signed_request_object",
    "resource",
    "response_mode",
    "response_modes_supported",
    "response_type",
    "response_types",
    "response_types_supported",
    "revocation_endpoint",
    "revocation_endpoint_auth_methods_supported",
    "scope",
    "scopes_supported",
    "subject_types_supported",
    "token_endpoint",
    "token_endpoint_auth_method",
    "token_endpoint_auth_methods_supported",
    "token_type",
    "token_type_hint",
    "ui_locales",
    "userinfo_endpoint",
    "verification_uri",
];

/// Headers that may be shown as they are.
const PUBLIC_HEADERS: &[&str] = &[
    "accept",
    "cache-control",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "retry-after",
    "server",
    "user-agent",
    "x-request-id",
];

/// `[redacted 3f9a]`: tells equal values from unequal ones within one run, and nothing else.
pub fn fingerprint(secret: &str) -> String {
    static KEY: OnceLock<Option<hmac::Key>> = OnceLock::new();
    let key = KEY.get_or_init(|| random::bytes::<32>().ok().map(|bytes| hmac::Key::new(hmac::HMAC_SHA256, &bytes)));
    match key {
        Some(key) => {
            let tag = hmac::sign(key, secret.as_bytes());
            let [first, second, ..] = tag.as_ref() else { return "[redacted]".into() };
            format!("[redacted {first:02x}{second:02x}]")
        }
        None => "[redacted]".into(),
    }
}

/// `value`, or its fingerprint unless `name` is known to be harmless.
pub fn shown(name: &str, value: &str) -> String {
    if PUBLIC.contains(&name) { value.to_owned() } else { fingerprint(value) }
}

/// The address with each value of its query redacted that is not known to be harmless.
pub fn shown_url(url: &url::Url) -> String {
    let mut shown_url = url.clone();
    shown_url.set_fragment(None);
    // An address that cannot carry credentials has none to take away.
    let _ = shown_url.set_password(None);
    let _ = shown_url.set_username("");
    if url.query().is_none() {
        return shown_url.to_string();
    }
    shown_url.set_query(None);
    let pairs: Vec<String> =
        url.query_pairs().map(|(name, value)| format!("{name}={}", shown(&name, &value))).collect();
    format!("{shown_url}?{}", pairs.join("&"))
}

/// Headers, redacted.
pub(super) fn shown_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let shown = |name: &str, value: &str| {
        if PUBLIC_HEADERS.contains(&name) { value.to_owned() } else { fingerprint(value) }
    };
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), shown(name.as_str(), &String::from_utf8_lossy(value.as_bytes()))))
        .collect()
}

/// Members of a JSON object or a form, redacted.
pub(super) fn shown_body(headers: &HeaderMap, body: &[u8]) -> Vec<(String, String)> {
    let media_type = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    if media_type.contains("form-urlencoded") {
        return url::form_urlencoded::parse(body)
            .map(|(name, value)| (name.to_string(), shown(&name, &value)))
            .collect();
    }
    match serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body) {
        Ok(members) => members
            .iter()
            .map(|(name, value)| {
                (name.clone(), shown(name, &value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
            })
            .collect(),
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{fingerprint, shown, shown_url};

    #[test]
    fn equal_secrets_have_equal_fingerprints_and_are_not_shown() {
        assert_eq!(fingerprint("hunter2"), fingerprint("hunter2"));
        assert_ne!(fingerprint("hunter2"), fingerprint("hunter3"));
        assert!(!fingerprint("hunter2").contains("hunter2"));
    }

    #[test]
    fn only_names_known_to_be_harmless_are_shown() {
        assert_eq!(shown("scope", "a b"), "a b");
        assert!(shown("code", "abc").starts_with("[redacted"));
        assert!(shown("anything_new", "abc").starts_with("[redacted"));
    }

    #[test]
    fn credentials_in_an_address_are_not_shown() {
        let url = url::Url::parse("http://hunter2:hunter3@proxy.example:8080/").unwrap();

        assert_eq!(shown_url(&url), "http://proxy.example:8080/");
    }

    #[test]
    fn a_query_is_shown_without_its_secrets() {
        let url = url::Url::parse("https://a.example/x?scope=b&state=hunter2#f").unwrap();

        let shown = shown_url(&url);

        assert!(shown.starts_with("https://a.example/x?scope=b&state=[redacted "), "{shown}");
    }
}
