//! A provider as its entry describes it: what it demands of every request, and how it answers.

use std::collections::{BTreeMap, BTreeSet};

use keyfob::registry::provider::Provider;
use keyfob::registry::words::{IssuerMatch, Pkce, Protocol, RefreshHow};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::entry::Entry;
use super::person::Person;
use crate::support::{Answer, Key, Request};

/// Names and values of parameters, as they must be.
pub type Expected = BTreeMap<String, String>;

/// One provider, its state and what keyfob did wrong.
pub struct Play {
    pub entry: Entry,
    pub person: Person,
    pub differences: Vec<String>,
    /// How many requests reached each address.
    pub reached: BTreeMap<&'static str, usize>,
    pub access_tokens: Vec<String>,
    pub refresh_tokens: Vec<String>,
    /// What was revoked, in this order.
    pub revoked: Vec<String>,
    pub key: Key,
    pub client_id: String,
    pub origin: String,
    pub asked: Option<Asked>,
    /// The challenge that came with the request for a device code, once there was one.
    pub device: Option<Option<String>>,
    /// What the provider's own page shows to be copied.
    pub pin: String,
    /// The callback of OAuth 1.0, and the nonces seen.
    pub callback: Option<String>,
    pub nonces: BTreeSet<String>,
    /// Values of `callback.x`, `token.x` and `app.x`.
    pub values: BTreeMap<String, String>,
    addresses: BTreeMap<&'static str, String>,
}

/// What the person was asked with.
#[derive(Clone)]
pub struct Asked {
    pub redirect_uri: String,
    pub state: String,
    pub nonce: Option<String>,
    pub challenge: Option<String>,
    pub code: String,
    pub redeemed: bool,
}

impl Play {
    pub fn new(entry: Entry, origin: &str) -> Self {
        let it = &entry.provider;
        let kept = it.callback_keep.iter().map(|name| format!("callback.{name}"));
        let kept = kept.chain(it.token_keep.iter().map(|name| format!("token.{name}")));
        let value = |name: &str| {
            let plain = name.replace(['.', '_'], "-");
            if entry.is_base(name) { format!("{origin}/base-{plain}") } else { format!("v-{plain}") }
        };
        let names: BTreeSet<String> = kept.chain(entry.placeholders.iter().cloned()).collect();
        let mut addresses = entry.rewritten(origin);
        // An entry that pins nothing learns everything from the metadata.
        for (key, path) in
            [("authorization_endpoint", "/authorize"), ("token_endpoint", "/token"), ("jwks_uri", "/keys")]
        {
            addresses.entry(key).or_insert_with(|| format!("{origin}{path}"));
        }
        if super::device::is_offered(&entry) {
            addresses.entry("device_authorization_endpoint").or_insert_with(|| format!("{origin}/device"));
        }
        if entry.registers() {
            addresses.entry("registration_endpoint").or_insert_with(|| format!("{origin}/api/v1/apps"));
        }
        let person = Person::new(it, &format!("subject-of-{}", it.id), tells_claims(it));
        Self {
            person,
            differences: Vec::new(),
            reached: BTreeMap::new(),
            access_tokens: Vec::new(),
            refresh_tokens: Vec::new(),
            revoked: Vec::new(),
            key: Key::new("key-of-the-walk"),
            client_id: entry.client_id(),
            origin: origin.to_owned(),
            asked: None,
            device: None,
            pin: String::new(),
            callback: None,
            nonces: BTreeSet::new(),
            values: names.into_iter().map(|name| (name.clone(), value(&name))).collect(),
            addresses,
            entry,
        }
    }

    pub fn provider(&self) -> &Provider {
        &self.entry.provider
    }

    pub fn differs(&mut self, what: impl Into<String>) {
        self.differences.push(what.into());
    }

    /// A text of the entry with what is known by now.
    pub fn filled(&self, text: &str) -> String {
        self.values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }

    /// The address of this key with what is known by now.
    pub fn address(&self, key: &str) -> Option<Url> {
        let address = self.filled(self.addresses.get(key)?);
        Some(Url::parse(&address).unwrap_or_else(|error| panic!("{key}: {address}: {error}")))
    }

    /// The provider's name of a standard parameter.
    pub fn name(&self, standard: &str) -> String {
        self.provider().param_names.get(standard).cloned().unwrap_or_else(|| standard.to_owned())
    }

    pub fn renamed(&self, standard: &[(&str, String)]) -> Expected {
        standard.iter().map(|(name, value)| (self.name(name), value.clone())).collect()
    }

    /// Whether there is a way to a new token without the person.
    pub fn renewable(&self) -> bool {
        self.provider().protocol != Protocol::OAuth1 && self.provider().refresh.how != RefreshHow::None
    }

    pub fn answer(&mut self, request: &Request) -> Answer {
        if self.is_metadata(&request.path) {
            return Answer::json(200, &self.metadata());
        }
        let keys = ["token_endpoint", "refresh_endpoint", "userinfo_endpoint", "userinfo.email_endpoint"];
        let keys = keys.into_iter().chain(["revocation_endpoint", "jwks_uri", "registration_endpoint"]);
        let keys = keys.chain(["device_authorization_endpoint", "device_token_endpoint"]);
        let keys = keys.chain(["app_token.endpoint", "request_token_endpoint", "refresh.exchange_endpoint"]);
        let here = keys.filter(|key| self.address(key).is_some_and(|url| url.path() == request.path));
        let Some(key) = here.into_iter().next() else {
            self.differs(format!("{} {} is no address of this provider", request.method, request.path));
            return Answer::error(404, "not_here");
        };
        *self.reached.entry(key).or_default() += 1;
        let oauth1 = self.provider().protocol == Protocol::OAuth1;
        match key {
            "request_token_endpoint" if oauth1 => self.temporary(request),
            "token_endpoint" if oauth1 => self.credentials(request),
            "device_authorization_endpoint" => self.give_code(request),
            "device_token_endpoint" => self.poll(request, key),
            "token_endpoint" if self.device.is_some() && self.access_tokens.is_empty() => self.poll(request, key),
            "token_endpoint" if self.device.is_some() => self.refresh(request, key),
            "token_endpoint" if self.asked.as_ref().is_some_and(|asked| asked.redeemed) => self.refresh(request, key),
            "token_endpoint" => self.redeem(request),
            "refresh_endpoint" | "refresh.exchange_endpoint" => self.refresh(request, key),
            "userinfo_endpoint" | "userinfo.email_endpoint" => self.userinfo(request, key),
            "revocation_endpoint" => self.revoke(request),
            "jwks_uri" => Answer::json(200, &json!({ "keys": [self.key.jwk()] })),
            "app_token.endpoint" => self.app_token(request),
            "registration_endpoint" => self.register(request),
            _ => {
                self.differs(format!("a request to {key} was not expected"));
                Answer::error(404, "not_expected")
            }
        }
    }

    fn is_metadata(&self, path: &str) -> bool {
        let own = self.address("discovery_url").is_some_and(|url| url.path() == path);
        self.provider().issuer.is_some() && (own || path.contains("/.well-known/"))
    }

    fn metadata(&self) -> Value {
        let mut metadata = json!({
            "issuer": self.announced_issuer(),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "scopes_supported": self.provider().scopes,
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        });
        if !matches!(self.provider().pkce, Pkce::Off | Pkce::Plain) {
            metadata["code_challenge_methods_supported"] = json!(["S256"]);
        }
        let core = ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "revocation_endpoint", "jwks_uri"];
        for key in core.into_iter().chain(["device_authorization_endpoint"]) {
            if let Some(url) = self.addresses.get(key).filter(|address| !address.contains('{')) {
                metadata[key] = url.as_str().into();
            }
        }
        metadata
    }

    /// The issuer as the rewritten entry has it, byte for byte.
    pub fn issuer(&self) -> Option<String> {
        self.addresses.get("issuer").cloned()
    }

    /// The issuer as the metadata says it: with a place for the tenant where the entry waives the comparison.
    pub fn announced_issuer(&self) -> String {
        let issuer = self.issuer().unwrap_or_default();
        let segment = issuer.strip_prefix(&self.origin).and_then(|path| path.split('/').nth(1)).unwrap_or_default();
        if self.provider().issuer_match == IssuerMatch::Template && !segment.is_empty() {
            issuer.replacen(&format!("/{segment}"), "/{tenantid}", 1)
        } else {
            issuer
        }
    }

    /// The parameters of `query` behind those that the endpoint has itself, which must come first and unchanged.
    pub fn beyond(&mut self, endpoint: &Url, query: &str) -> Vec<(String, String)> {
        let own = endpoint.query().unwrap_or_default();
        let Some(rest) = query.strip_prefix(own) else {
            self.differs(format!("{}: the query does not begin with `{own}`", endpoint.path()));
            return in_form(query.as_bytes());
        };
        in_form(rest.trim_start_matches('&').as_bytes())
    }

    pub fn header(&mut self, at: &str, request: &Request, name: &str, expected: Option<&str>) {
        let found = request.header(&name.to_ascii_lowercase());
        if found != expected {
            self.differs(format!("{at}: the header {name} is {found:?}, not {expected:?}"));
        }
    }

    /// Exactly these parameters, each of them once.
    pub fn compare(&mut self, what: &str, expected: &Expected, got: &[(String, String)]) {
        let mut seen = BTreeSet::new();
        for (name, value) in got {
            match expected.get(name) {
                _ if !seen.insert(name) => self.differs(format!("{what}: `{name}` twice")),
                None => self.differs(format!("{what}: `{name}={value}` is not of this provider")),
                Some(right) if right != value => {
                    self.differs(format!("{what}: `{name}` is `{value}`, not `{right}`"));
                }
                Some(_) => {}
            }
        }
        for (name, value) in expected.iter().filter(|(name, _)| !seen.contains(name)) {
            self.differs(format!("{what}: `{name}={value}` is missing"));
        }
    }
}

/// Whether an ID token is asked for.
pub fn openid(provider: &Provider) -> bool {
    provider.protocol != Protocol::OAuth1 && provider.scopes.iter().any(|scope| scope == "openid")
}

/// Whether something of the person comes with the tokens: in an ID token that can be checked (an OAuth 2.0 entry without
/// issuer has nothing to hold one against), or beside the token of OAuth 1.0.
fn tells_claims(provider: &Provider) -> bool {
    let is_checkable = provider.protocol == Protocol::Oidc || provider.issuer.is_some();
    provider.protocol == Protocol::OAuth1 || openid(provider) && is_checkable
}

/// The pairs of a form or query.
pub fn in_form(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).into_owned().collect()
}

#[test]
fn a_parameter_too_many_too_few_twice_or_other_is_a_difference() {
    let entries = super::entry::all();
    let (_, entry) = entries.into_iter().find(|(id, _)| id == "github").expect("a well-known provider");
    let mut play = Play::new(entry.expect("complete"), "http://127.0.0.1:1");
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let expected: Expected = pairs(&[("a", "1"), ("b", "2")]).into_iter().collect();

    for (got, differences) in [
        (pairs(&[("b", "2"), ("a", "1")]), &[][..]),
        (pairs(&[("a", "1")]), &["it: `b=2` is missing"]),
        (pairs(&[("a", "1"), ("b", "3")]), &["it: `b` is `3`, not `2`"]),
        (pairs(&[("a", "1"), ("b", "2"), ("a", "1")]), &["it: `a` twice"]),
        (pairs(&[("a", "1"), ("b", "2"), ("c", "")]), &["it: `c=` is not of this provider"]),
    ] {
        play.compare("it", &expected, &got);
        assert_eq!(std::mem::take(&mut play.differences), differences);
    }
}
