//! The entries of the registry, and the one thing the test changes in them: where their addresses lead.

use std::collections::BTreeMap;
use std::fmt::Write;

use keyfob::registry::provider::Endpoint;
use keyfob::registry::words::{ClientAuth, IssuerMatch, RegistrationProfile};
use keyfob::registry::{Origin, Provider, Registry};
use keyfob::system::Environment;
use url::Url;

/// An entry whose variables are filled with their own examples.
#[derive(Clone)]
pub struct Entry {
    pub provider: Provider,
    /// What a person would have to write for it: name and value.
    pub given: Vec<(String, String)>,
    /// Every setting by its dotted key, as it is written: also keys that are read here before they have a type.
    pub settings: BTreeMap<String, String>,
    /// `callback.x`, `token.x` and `app.x` wherever the entry mentions them.
    pub placeholders: Vec<String>,
}

/// Every entry that is built in; one that is not complete once its variables are given is an error.
pub fn all() -> Vec<(String, Result<Entry, String>)> {
    let nowhere = Environment::given([("XDG_CONFIG_DIRS", "/nonexistent"), ("KEYFOB_CONFIG_DIR", "/nonexistent")]);
    let registry = Registry::open(&nowhere).expect("a registry without files");
    let listed = registry.ids().expect("no file is read");
    listed.into_iter().map(|listed| (listed.id.clone(), entry(&registry, &listed.id))).collect()
}

fn entry(registry: &Registry, id: &str) -> Result<Entry, String> {
    let mut definition = registry.find(id).map_err(|error| error.to_string())?;
    let mut given = Vec::new();
    let client = format!("client-of-{id}");
    definition.set("client_id", &client, Origin::Default).map_err(|error| error.to_string())?;
    // Twice at most: addresses are asked for once there is no variable left.
    for _ in 0..2 {
        for variable in definition.missing_variables() {
            let example = variable.example.ok_or_else(|| format!("`{}` has no example", variable.name))?;
            let value = example.replace('…', &format!("-{}", variable.name.replace('_', "-")));
            definition.set(&variable.name, &value, Origin::Default).map_err(|error| error.to_string())?;
            given.push((variable.name, value));
        }
    }
    let settings: BTreeMap<_, _> = definition.settings().map(|(key, text, _)| (key.to_owned(), text)).collect();
    let placeholders = settings.values().flat_map(|text| placeholders(text)).collect();
    let provider = definition.provider().map_err(|error| error.to_string())?;
    Ok(Entry { provider, given, settings, placeholders })
}

/// The names of run-time placeholders in `text`.
fn placeholders(text: &str) -> Vec<String> {
    let known = |name: &str| ["callback.", "token.", "app."].iter().any(|prefix| name.starts_with(prefix));
    let names = text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name);
    names.filter(|name| known(name)).map(str::to_owned).collect()
}

impl Entry {
    /// The text of a setting, by its dotted key.
    pub fn setting(&self, key: &str) -> Option<String> {
        self.settings.get(key).cloned()
    }

    /// Every address of the entry as it is written, by key.
    pub fn addresses(&self) -> BTreeMap<&'static str, String> {
        let it = &self.provider;
        let fixed = |url: &Option<Url>| url.as_ref().map(Url::to_string);
        let later = |endpoint: &Option<Endpoint>| match endpoint {
            Some(Endpoint::Fixed(url)) => Some(url.to_string()),
            Some(Endpoint::RunTime(template)) => Some(template.clone()),
            Some(other) => panic!("a new kind of endpoint: {other:?}"),
            None => None,
        };
        let all = [
            ("issuer", it.issuer.clone()),
            ("discovery_url", fixed(&it.discovery_url)),
            ("authorization_endpoint", fixed(&it.authorization_endpoint)),
            ("token_endpoint", later(&it.token_endpoint)),
            ("userinfo_endpoint", later(&it.userinfo_endpoint)),
            ("device_authorization_endpoint", fixed(&it.device_authorization_endpoint)),
            ("revocation_endpoint", later(&it.revocation_endpoint)),
            ("introspection_endpoint", later(&it.introspection_endpoint)),
            ("end_session_endpoint", fixed(&it.end_session_endpoint)),
            ("registration_endpoint", fixed(&it.registration_endpoint)),
            ("jwks_uri", fixed(&it.jwks_uri)),
            ("refresh_endpoint", later(&it.refresh_endpoint)),
            ("device_token_endpoint", fixed(&it.device_token_endpoint)),
            ("request_token_endpoint", fixed(&it.request_token_endpoint)),
            ("app_token.endpoint", it.app_token.as_ref().map(|app| app.endpoint.to_string())),
            ("refresh.exchange_endpoint", self.setting("refresh.exchange_endpoint")),
            ("userinfo.email_endpoint", later(&it.userinfo.email_endpoint)),
        ];
        all.into_iter().filter_map(|(key, address)| Some((key, address?))).collect()
    }

    /// The same at `origin`: another host, and the key before the path, so that no two addresses meet there.
    pub fn rewritten(&self, origin: &str) -> BTreeMap<&'static str, String> {
        self.addresses().into_iter().map(|(key, address)| (key, rewritten(key, &address, origin))).collect()
    }

    /// Whether a value that is known at run time is the beginning of an address.
    pub fn is_base(&self, placeholder: &str) -> bool {
        self.addresses().values().any(|address| address.starts_with(&format!("{{{placeholder}}}")))
    }

    /// What a person adds to `providers.toml`: the new addresses, the values of variables and the client.
    pub fn lines(&self, origin: &str) -> String {
        let it = &self.provider;
        let mut lines = format!("[providers.{}]\n", it.id);
        let mut line = |key: &str, value: &str| writeln!(lines, "{key} = {value}").expect("text grows");
        let addresses = self.rewritten(origin);
        for (key, address) in &addresses {
            line(key, &format!("{address:?}"));
        }
        for (key, value) in self.given.iter().filter(|(key, _)| !addresses.contains_key(key.as_str())) {
            line(key, &format!("{value:?}"));
        }
        // Another issuer takes this waiver away from an entry.
        if it.issuer_match != IssuerMatch::Exact {
            line("issuer_match", &format!("{:?}", it.issuer_match.word()));
        }
        if !self.registers() {
            line("client_id", &format!("{:?}", self.client_id()));
        }
        if self.has_secret() && !self.registers() {
            line("client_secret", "{ env = \"WALK_SECRET\" }");
        }
        if self.has_key() {
            line("private_key", "{ env = \"WALK_KEY\" }");
        }
        lines
    }

    /// What is given for a variable.
    pub fn given(&self, name: &str) -> String {
        let given = self.given.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        given
            .or_else(|| self.setting(name))
            .or_else(|| self.setting(&format!("variables.{name}.default")))
            .unwrap_or_default()
    }

    /// Whether the client comes from the instance's own registration, so that nobody gives one.
    pub fn registers(&self) -> bool {
        self.provider.registration.profile == Some(RegistrationProfile::Mastodon)
    }

    pub fn client_id(&self) -> String {
        format!("client-of-{}", self.provider.id)
    }

    /// With characters that tell one encoding from another.
    pub fn secret(&self) -> String {
        format!("s3+cret:%41/that-an-hmac-can-use-of-{}", self.provider.id)
    }

    /// Whether the client has a secret: where the entry leaves it open, public clients have none.
    pub fn has_secret(&self) -> bool {
        match self.provider.client_auth {
            ClientAuth::None | ClientAuth::BasicEmpty => false,
            ClientAuth::Auto => self.provider.public_client != Some(true) || self.registers(),
            _ => !self.has_key(),
        }
    }

    /// Whether the client has a key that it signs with.
    pub fn has_key(&self) -> bool {
        matches!(self.provider.client_auth, ClientAuth::PrivateKeyJwt | ClientAuth::AppleJwt)
    }
}

fn rewritten(key: &str, address: &str, origin: &str) -> String {
    // What begins with a value of the callback or the answer is rewritten by that value.
    if address.starts_with('{') {
        return address.to_owned();
    }
    let (_, rest) = address.split_once("://").expect("an address with a scheme");
    let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    match key {
        "issuer" => format!("{origin}{path}"),
        // A host that is made at run time becomes a part of the path, and is made there.
        _ if host.contains('{') => format!("{origin}/{key}/{host}{path}"),
        _ => format!("{origin}/{key}{path}"),
    }
}
