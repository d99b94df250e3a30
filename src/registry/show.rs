//! A definition as an entry that a colleague can use.

use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, Value as Toml};

use super::definition::Definition;
use super::schema::{self, Kind};
use super::value::{Origin, SecretSource, Value};

impl Definition {
    /// The provider as an entry for `providers.toml`.
    ///
    /// What the built-in registry says anyway is left out, unless there is nothing else. Secrets are left out, and where
    /// they are found on this machine; names of environment variables stay.
    pub fn to_toml(&self) -> String {
        let own = |origin: &Origin| !matches!(origin, Origin::Bundled);
        let differs = self.settings.iter().any(|(key, setting)| key != "extends" && own(&setting.place.origin));
        let mut entry = Table::new();
        if differs && let Some(base) = self.base.as_deref().filter(|base| *base != self.id) {
            entry.insert("extends", base.into());
        }
        for (key, setting) in &self.settings {
            if key == "extends" || (differs && !own(&setting.place.origin)) {
                continue;
            }
            if let Some(value) = toml(&setting.value) {
                insert(&mut entry, &segments(key), value);
            }
        }
        let mut providers = Table::new();
        providers.set_implicit(true);
        providers.insert(&self.id, Item::Table(entry));
        let mut document = DocumentMut::new();
        document.insert("schema", toml_edit::value(1));
        document.insert("providers", Item::Table(providers));
        document.to_string()
    }
}

fn toml(value: &Value) -> Option<Toml> {
    match value {
        Value::Secret(SecretSource::Env(_) | SecretSource::Store | SecretSource::Runner { .. })
        | Value::Text(_)
        | Value::Int(_)
        | Value::Bool(_)
        | Value::List(_) => Some(written(value)),
        Value::Secret(_) => None,
    }
}

/// A value as TOML.
pub(super) fn written(value: &Value) -> Toml {
    let table = |key: &str, value: Toml| Toml::InlineTable(InlineTable::from_iter([(key, value)]));
    match value {
        Value::Text(text) => text.as_ref().into(),
        Value::Int(number) => (*number).into(),
        Value::Bool(flag) => (*flag).into(),
        Value::List(items) => items.iter().map(|item| item.as_ref()).collect::<Array>().into(),
        Value::Secret(SecretSource::Literal(secret)) => secret.expose().into(),
        Value::Secret(SecretSource::Env(name)) => table("env", name.as_str().into()),
        Value::Secret(SecretSource::File(path)) => table("file", path.to_string_lossy().into_owned().into()),
        Value::Secret(SecretSource::Command(command)) => {
            table("command", command.iter().map(String::as_str).collect::<Array>().into())
        }
        Value::Secret(SecretSource::Store) => table("store", true.into()),
        Value::Secret(SecretSource::Runner { platform, audience }) => {
            let audience = audience.as_deref().map(|audience| ("audience", audience));
            let pairs = [("runner", platform.word())].into_iter().chain(audience);
            Toml::InlineTable(pairs.map(|(key, value)| (key, Toml::from(value))).collect())
        }
    }
}

/// The names along a dotted key. Names of parameters and headers may hold dots themselves.
pub(super) fn segments(key: &str) -> Vec<&str> {
    let Some((first, rest)) = key.split_once('.') else { return vec![key] };
    let nested = match schema::field(first) {
        Some(Kind::Table(fields)) => !fields.iter().any(|(name, _)| *name == rest),
        Some(Kind::Variables) => true,
        _ => false,
    };
    match rest.split_once('.') {
        Some((second, third)) if nested => vec![first, second, third],
        _ => vec![first, rest],
    }
}

/// Sets the value, in inline tables where the key has several segments; tables of another form stay as they are.
pub(super) fn insert(table: &mut dyn toml_edit::TableLike, segments: &[&str], value: Toml) {
    match segments {
        [] => {}
        [name] => {
            // A comment behind the old value stays.
            let decor = table.get(name).and_then(Item::as_value).map(|old| old.decor().clone());
            let mut value = value;
            if let Some(decor) = decor {
                *value.decor_mut() = decor;
            }
            table.insert(name, Item::Value(value));
        }
        [name, rest @ ..] => {
            if table.get(name).is_none_or(|item| !item.is_table_like()) {
                table.insert(name, Item::Value(Toml::InlineTable(InlineTable::new())));
            }
            if let Some(inner) = table.get_mut(name).and_then(Item::as_table_like_mut) {
                insert(inner, rest, value);
            }
        }
    }
}
