//! One registry file.

use std::collections::BTreeMap;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::document::Document;
use super::entry::{self, Settings};
use super::error::{Error, Invalid, Problem, Warning};
use super::nearest::nearest;
use super::schema::{self, Kind};
use super::value::{Origin, Place, SecretSource, Value};

/// What a user may say about a built-in provider without changing what it is.
const PERSONAL: &[&str] = &[
    "account",
    "authorize_params",
    "client_certificate",
    "client_id",
    "client_secret",
    "env",
    "grants",
    "name",
    "private_key",
    "redirect",
    "scopes",
];

/// The entries of one file.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) origin: Origin,
    readable: bool,
    entries: BTreeMap<String, Result<Settings, Broken>>,
}

/// Why an entry cannot be used; the others can.
#[derive(Debug, Clone)]
enum Broken {
    Invalid(Box<Invalid>),
    Name(Place),
    Syntax(Place, String),
}

impl From<Broken> for Error {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Invalid(invalid) => Self::Invalid(invalid),
            Broken::Name(place) => Self::ProviderName { place },
            Broken::Syntax(place, reason) => Self::Syntax { place, reason },
        }
    }
}

impl Layer {
    /// Reads a file; `None` when there is none.
    pub(super) fn read(path: &Path, origin: Origin) -> Result<Option<Self>, Error> {
        match Document::read(path, origin)? {
            Some(document) => Self::parse(&document).map(Some),
            None => Ok(None),
        }
    }

    /// Reads the entries. A name or key that is there twice spoils its own entry; any other syntax error spoils the
    /// file, because what follows it may mean anything.
    pub(super) fn parse(document: &Document) -> Result<Self, Error> {
        let (root, errors) = DeTable::parse_recoverable(&document.text);
        let mut twice = BTreeMap::new();
        for error in errors {
            match error.span().and_then(|span| table_at(&document.text, span.start)) {
                Some(id) if error.message() == "duplicate key" => {
                    let Error::Syntax { place, reason } = document.syntax(&error) else { continue };
                    twice.entry(id.to_owned()).or_insert(Broken::Syntax(place, reason));
                }
                _ => return Err(document.syntax(&error)),
            }
        }
        let mut layer = Self { origin: document.origin.clone(), readable: document.readable, entries: BTreeMap::new() };
        for (key, value) in root.get_ref() {
            let invalid = |problem| {
                let place = document.place(key.span());
                Error::from(Box::new(Invalid { provider: None, key: key.get_ref().to_string(), place, problem }))
            };
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("schema", DeValue::Integer(number)) if number.as_str() == "1" => {}
                ("schema", _) => return Err(Error::Schema { place: document.place(value.span()) }),
                ("providers", DeValue::Table(providers)) => layer.read_entries(document, providers, &mut twice),
                ("providers", _) => return Err(invalid(Problem::Expected("a table"))),
                (other, _) => {
                    let nearest = nearest(other, ["schema", "providers"]).map(String::from);
                    return Err(invalid(Problem::UnknownKey { nearest }));
                }
            }
        }
        match twice.into_values().next() {
            // It was attributed to no entry after all.
            Some(broken) => Err(broken.into()),
            None => Ok(layer),
        }
    }

    fn read_entries(&mut self, document: &Document, providers: &DeTable<'_>, twice: &mut BTreeMap<String, Broken>) {
        for (key, value) in providers {
            let id = key.get_ref().as_ref();
            let place = document.place(key.span());
            let entry = match value.get_ref() {
                _ if super::checks::id(id).is_some() => Err(Broken::Name(place)),
                _ if twice.contains_key(id) => twice.remove(id).map_or_else(|| Ok(Settings::new()), Err),
                DeValue::Table(table) => entry::read(document, id, table).map_err(Broken::Invalid),
                _ => {
                    let problem = Problem::Expected("a table");
                    Err(Broken::Invalid(Box::new(Invalid {
                        provider: Some(id.into()),
                        key: id.into(),
                        place,
                        problem,
                    })))
                }
            };
            self.entries.insert(id.into(), entry);
        }
    }

    /// Whether the file has an entry of this name, broken or not.
    pub(super) fn has(&self, id: &str) -> bool {
        self.entries.contains_key(id)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    pub(super) fn id(&self, name: &str) -> Option<&str> {
        self.entries.get_key_value(name).map(|(id, _)| id.as_str())
    }

    pub(super) fn alias(&self, name: &str) -> Option<&str> {
        let has = |settings: &Settings| match settings.get("aliases").map(|setting| &setting.value) {
            Some(Value::List(aliases)) => aliases.iter().any(|alias| alias == name),
            _ => false,
        };
        self.entries.iter().find(|(_, entry)| entry.as_ref().is_ok_and(has)).map(|(id, _)| id.as_str())
    }

    /// The file's own settings of a provider.
    pub(super) fn entry(&self, id: &str) -> Result<Option<&Settings>, Error> {
        match self.entries.get(id) {
            None => Ok(None),
            Some(Ok(settings)) => Ok(Some(settings)),
            Some(Err(broken)) => Err(broken.clone().into()),
        }
    }

    /// Says which keys change what a built-in provider is.
    pub(super) fn shadowed(&self, id: &str, own: &Settings) -> Option<Warning> {
        let first = |key: &str| key.split('.').next().unwrap_or_default().to_owned();
        let mut keys: Vec<_> = own.keys().map(|key| first(key)).collect();
        keys.retain(|key| schema::field(key).is_some() && !PERSONAL.contains(&key.as_str()));
        keys.retain(|key| !schema::INPUTS.contains(&key.as_str()));
        keys.dedup();
        let path = self.origin.path()?.into();
        (!keys.is_empty()).then(|| Warning::Shadowed { provider: id.into(), path, keys })
    }

    /// Secrets written into a file that others may read.
    pub(super) fn readable_secrets(&self) -> Vec<Warning> {
        let Some(path) = self.origin.path().filter(|_| self.readable) else { return Vec::new() };
        let literal = |key: &str, value: &Value| {
            matches!(value, Value::Secret(SecretSource::Literal(text)) if !text.expose().starts_with("pkcs11:"))
                && schema::leaf(key).is_some_and(Kind::is_secret)
        };
        let entries = self.entries.iter().filter_map(|(id, entry)| Some((id, entry.as_ref().ok()?)));
        entries
            .flat_map(|(id, settings)| settings.iter().map(move |(key, setting)| (id, key, setting)))
            .filter(|(_, key, setting)| literal(key, &setting.value))
            .map(|(id, key, _)| Warning::ReadableSecret {
                provider: id.clone(),
                key: key.to_string(),
                path: path.into(),
            })
            .collect()
    }
}

/// The provider whose table the offset lies in: the last header `[providers.ID` that starts a line up to there.
fn table_at(text: &str, offset: usize) -> Option<&str> {
    let end = text.get(offset..)?.find('\n').map_or(text.len(), |at| offset + at);
    let header = text[..end].lines().rev().map(str::trim_start).find(|line| line.starts_with('['))?;
    let name = header.trim_start_matches('[').trim_start().strip_prefix("providers.")?;
    name.split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')).next().filter(|id| !id.is_empty())
}
