//! A provider as all layers together define it, before it is typed and its templates are filled.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Bound;

use super::entry::{Setting, Settings};
use super::error::{Error, Invalid, Problem};
use super::nearest::nearest;
use super::schema::{self, FIELDS, Kind};
use super::template;
use super::value::{Origin, Place, SecretSource, Value};
use super::words::Discovery;

/// One provider's keys with their values and where each came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// The provider's identifier.
    pub id: String,
    /// The built-in provider that it rests on, for `to_toml`.
    pub(super) base: Option<String>,
    pub(super) settings: Settings,
}

/// A key that only the user can give a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The key to set.
    pub name: String,
    /// What to ask a person.
    pub prompt: String,
    /// A value that would do.
    pub example: Option<String>,
    /// The only values that will do; empty where any may.
    pub choices: Vec<String>,
}

/// Whether a key belongs to one server, so that it must not survive the change to another one: its addresses, where its
/// tokens may go, and the waiver of its issuer.
fn bound_to_server(key: &str) -> bool {
    key.ends_with("_endpoint") && !key.starts_with("variables.")
        || matches!(
            key,
            "jwks_uri"
                | "discovery_url"
                | "hosts"
                | "issuer_match"
                | "app_token.endpoint"
                | "refresh.exchange_endpoint"
        )
}

/// Lays `over` on `below`, key by key. Another issuer drops what is pinned to the one below.
pub(super) fn overlay(below: &mut Settings, over: Settings) {
    if let Some(issuer) = over.get("issuer")
        && below.get("issuer").is_none_or(|below| below.value != issuer.value)
    {
        below.retain(|key, _| !bound_to_server(key));
    }
    below.extend(over);
}

impl Definition {
    /// The value of a dotted key.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.settings.get(key).map(|setting| &setting.value)
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.value(key)?.as_text()
    }

    /// Lays a child's own settings over what it inherits. Secrets were given to the parent's server: at another host the
    /// child needs its own.
    pub(super) fn inherit(&mut self, own: Settings) {
        if self.settings.is_empty() {
            self.settings = own;
            return;
        }
        let (before, kept): (_, BTreeSet<_>) = (self.server(), own.keys().cloned().collect());
        overlay(&mut self.settings, own);
        if before.is_some() && before != self.server() {
            self.settings.retain(|key, setting| kept.contains(key) || !matches!(setting.value, Value::Secret(_)));
        }
    }

    /// Sets one key as `--set` does: `key` is dotted, `text` is read as the key's type, lists are blank-separated.
    ///
    /// # Errors
    /// [`Error::Invalid`] for unknown and reserved keys and for values of another type.
    pub fn set(&mut self, key: &str, text: &str, origin: Origin) -> Result<(), Error> {
        let place = Place::from(origin);
        let fail = |problem| {
            let (provider, place) = (Some(self.id.clone()), place.clone());
            Err(Error::from(Box::new(Invalid { provider, key: key.into(), place, problem })))
        };
        if key == "response_type" {
            return fail(Problem::ResponseType);
        }
        if let Some((table, name)) = key.rsplit_once('.')
            && let Some(problem) = table_at(table).and_then(|kind| kind.reserves(name))
        {
            return fail(problem);
        }
        let kind = match schema::leaf(key) {
            Some(kind) => kind,
            None if self.variable_names().contains(key) => schema::PLAIN,
            None => return fail(Problem::UnknownKey { nearest: self.nearest(key) }),
        };
        let value = match kind.parse(text) {
            Ok(value) => value,
            Err(problem) => return fail(problem),
        };
        if key == "issuer" && self.value(key) != Some(&value) {
            // What this same command line pins is meant for the new issuer.
            self.settings
                .retain(|key, setting| !bound_to_server(key) || matches!(setting.place.origin, Origin::Flag(_)));
        }
        self.settings.insert(Cow::Owned(key.into()), Setting { value, place });
        Ok(())
    }

    /// Sets where a secret is found; for values that did not come through an argument.
    ///
    /// # Errors
    /// [`Error::Invalid`] when `key` holds no secret.
    pub fn set_secret(&mut self, key: &str, source: SecretSource, origin: Origin) -> Result<(), Error> {
        if !matches!(schema::leaf(key), Some(Kind::Secret | Kind::Statement | Kind::Input)) {
            let problem = Problem::Refused("it holds no secret".into());
            let invalid = Invalid { provider: Some(self.id.clone()), key: key.into(), place: origin.into(), problem };
            return Err(Box::new(invalid).into());
        }
        let is_statement = matches!(schema::leaf(key), Some(Kind::Statement));
        if matches!(source, SecretSource::Runner { .. }) && !is_statement {
            let problem = Problem::Refused("a runner's statement is of no use here".into());
            let invalid = Invalid { provider: Some(self.id.clone()), key: key.into(), place: origin.into(), problem };
            return Err(Box::new(invalid).into());
        }
        self.settings.insert(Cow::Owned(key.into()), Setting { value: source.into(), place: origin.into() });
        Ok(())
    }

    /// Whether `key` is one whose value must not be seen.
    pub fn holds_secret(&self, key: &str) -> bool {
        schema::leaf(key).is_some_and(Kind::is_secret)
    }

    /// Whether `key` is something that a grant needs beyond the client.
    pub fn is_input(key: &str) -> bool {
        schema::INPUTS.contains(&key)
    }

    /// Where the value of a dotted key came from; `None` when it is not set.
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.settings.get(key).map(|setting| &setting.place.origin)
    }

    /// All keys with their values, sorted by dotted key; a written-out secret shows itself to nobody.
    pub fn values(&self) -> impl Iterator<Item = (&str, &Value, &Origin)> {
        self.settings.iter().map(|(key, setting)| (key.as_ref(), &setting.value, &setting.place.origin))
    }

    /// All settings, sorted by dotted key, with values as they may be shown.
    pub fn settings(&self) -> impl Iterator<Item = (&str, String, &Origin)> {
        self.settings.iter().map(|(key, setting)| {
            let shown = match &setting.value {
                // Inputs are no secrets although they may come from where secrets do.
                Value::Secret(SecretSource::Literal(text)) if matches!(schema::leaf(key), Some(Kind::Input)) => {
                    text.expose().into()
                }
                value => value.to_string(),
            };
            (key.as_ref(), shown, &setting.place.origin)
        })
    }

    /// How the server is found, where it is each person's own.
    pub fn discovery(&self) -> Option<Discovery> {
        self.text("discovery").and_then(Discovery::parse)
    }

    /// Variables without a value, and addresses without which nothing can start.
    pub fn missing_variables(&self) -> Vec<Variable> {
        let mut missing: Vec<_> = self
            .variable_names()
            .into_iter()
            .filter(|name| self.variable(name).is_none())
            .map(|name| self.describe(name))
            .collect();
        if missing.is_empty() {
            missing.extend(self.missing_addresses());
        }
        missing
    }

    fn missing_addresses(&self) -> Vec<Variable> {
        let has = |key: &str| self.settings.contains_key(key);
        let variable = |name: &str, prompt: &str, example: &str| Variable {
            name: name.into(),
            prompt: prompt.into(),
            example: Some(example.into()),
            choices: Vec::new(),
        };
        let wanted = match self.text("protocol") {
            _ if has("issuer") => return Vec::new(),
            // Each person has a server of their own.
            _ if has("discovery") => return Vec::new(),
            Some("oidc") => return vec![variable("issuer", "Address of the issuer", "https://id.example.org")],
            // A server described by its metadata alone.
            _ if has("discovery_url") => return Vec::new(),
            Some("oauth1") => &["request_token_endpoint", "authorization_endpoint", "token_endpoint"][..],
            _ => &["authorization_endpoint", "token_endpoint"][..],
        };
        let interactive = match self.value("grants") {
            Some(Value::List(grants)) => {
                grants.iter().any(|grant| matches!(grant.as_ref(), "authorization_code" | "oauth1"))
            }
            _ => !has("device_authorization_endpoint"),
        };
        let wanted = wanted.iter().filter(|key| !has(key) && (interactive || **key != "authorization_endpoint"));
        wanted
            .map(|key| variable(key, &format!("Address of the {}", key.replace('_', " ")), "https://id.example.org/…"))
            .collect()
    }

    /// What is to be asked for a variable.
    pub(super) fn describe(&self, name: &str) -> Variable {
        let about = |what: &str| self.text(&format!("variables.{name}.{what}")).map(String::from);
        Variable {
            name: name.into(),
            prompt: about("prompt").unwrap_or_else(|| name.into()),
            example: about("example"),
            choices: match self.value(&format!("variables.{name}.choices")) {
                Some(Value::List(choices)) => choices.iter().map(|choice| choice.clone().into_owned()).collect(),
                _ => Vec::new(),
            },
        }
    }

    pub(super) fn variable_names(&self) -> BTreeSet<&str> {
        let keys = self.below("variables.");
        keys.filter_map(|key| key.strip_prefix("variables.")?.split_once('.')).map(|(name, _)| name).collect()
    }

    /// The keys that start with `prefix`.
    pub(super) fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        let from = (Bound::Included(prefix), Bound::Unbounded);
        self.settings.range::<str, _>(from).map(|(key, _)| key.as_ref()).take_while(move |key| key.starts_with(prefix))
    }

    /// A variable's value or default.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.text(name).or_else(|| self.text(&format!("variables.{name}.default")))
    }

    /// Checks what only all layers together can tell: keys that are neither fields nor variables, variables named like
    /// fields, and values that a variable does not allow.
    pub(super) fn check(&self) -> Result<(), Box<Invalid>> {
        let invalid = |key: &str, at: &str, problem| {
            let place = self.settings.get(at).map_or(Origin::Default.into(), |setting| setting.place.clone());
            Err(Box::new(Invalid { provider: Some(self.id.clone()), key: key.into(), place, problem }))
        };
        let variables = self.variable_names();
        for key in self.settings.keys().filter(|key| !key.contains('.')) {
            if schema::field(key).is_none() && !variables.contains(key.as_ref()) {
                return invalid(key, key, Problem::UnknownKey { nearest: self.nearest(key) });
            }
        }
        if let Some(key) = self.renamed_and_extra() {
            return invalid(key, key, Problem::Reserved);
        }
        for name in variables {
            // `realm` is a field of OAuth 1 only; elsewhere it is what Keycloak's variable is called.
            if schema::field(name).is_some() && (name != "realm" || self.text("protocol") == Some("oauth1")) {
                let at = format!("variables.{name}.prompt");
                return invalid(
                    &format!("variables.{name}"),
                    &at,
                    Problem::Refused("it has the name of a field".into()),
                );
            }
            let Some(value) = self.text(name) else { continue };
            if let Some(Value::List(choices)) = self.value(&format!("variables.{name}.choices"))
                && !choices.iter().any(|choice| choice == value)
            {
                let choices = choices.iter().map(|choice| choice.clone().into_owned()).collect();
                return invalid(name, name, Problem::NotOneOf(choices));
            }
            if let Some(pattern) = self.text(&format!("variables.{name}.pattern"))
                && !template::fits(pattern, value)
            {
                return invalid(name, name, Problem::Refused(format!("it does not fit `{pattern}`")));
            }
        }
        Ok(())
    }

    /// An extra parameter that has the name the provider gives to a standard one.
    fn renamed_and_extra(&self) -> Option<&str> {
        let renamed = self.below("param_names.").chain(["scope_param"]).filter_map(|key| self.text(key));
        let renamed: BTreeSet<&str> = renamed.collect();
        let tables = ["authorize_params.", "token_params.", "refresh_params."];
        tables
            .into_iter()
            .flat_map(|table| self.below(table))
            .find(|key| key.split_once('.').is_some_and(|(_, name)| renamed.contains(name)))
    }

    /// The known key nearest to `key`.
    fn nearest(&self, key: &str) -> Option<String> {
        let (table, name) = key.rsplit_once('.').map_or((None, key), |(table, name)| (Some(table), name));
        if let Some(table) = table {
            return match table_at(table)? {
                Kind::Table(fields) => nearest(name, fields.iter().map(|(field, _)| *field)),
                Kind::Names(names) => nearest(name, names.iter().copied()),
                _ => None,
            }
            .map(|name| format!("{table}.{name}"));
        }
        let fields = FIELDS.iter().map(|(field, _)| *field);
        nearest(key, fields.chain(self.variable_names())).map(String::from)
    }
}

/// The table field at a dotted key.
fn table_at(key: &str) -> Option<Kind> {
    match key.split_once('.') {
        None => schema::field(key),
        Some((first, rest)) => match schema::field(first)? {
            Kind::Table(fields) => fields.iter().find(|(name, _)| *name == rest).map(|(_, kind)| *kind),
            _ => None,
        },
    }
}
