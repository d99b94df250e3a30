//! What a login set above the registry: options such as `--client-id` and `--set`.
//!
//! A session that was made with them must be renewed with them. They may hold a secret and therefore lie in the store,
//! under the session's name.

use keyfob::registry::{Definition, Origin, SecretSource};
use keyfob::secret::Secret;
use keyfob::session::SessionKey;
use keyfob::session::store::Store;
use serde_json::{Map, Value, json};

use super::report::Failure;

/// Keys and values of one login, in their order.
#[derive(Default)]
pub struct Overrides(Vec<Override>);

struct Override {
    key: String,
    value: Secret,
    is_secret: bool,
}

impl Overrides {
    /// Remembers a plain setting.
    pub fn plain(&mut self, key: &str, value: &str) {
        self.0.push(Override { key: key.to_owned(), value: value.into(), is_secret: false });
    }

    /// Remembers a secret one.
    pub fn secret(&mut self, key: &str, value: &Secret) {
        self.0.push(Override { key: key.to_owned(), value: value.clone(), is_secret: true });
    }

    /// Lays them over a definition.
    pub fn apply(&self, definition: &mut Definition) -> Result<(), Failure> {
        for Override { key, value, is_secret } in &self.0 {
            let origin = Origin::Flag("the login's options".into());
            let outcome = match is_secret {
                true => definition.set_secret(key, SecretSource::Literal(value.clone()), origin),
                false => definition.set(key, value.expose(), origin),
            };
            // A wrong option is wrong usage, whatever a wrong file would be.
            outcome.map_err(|error| Failure::usage(error.to_string()))?;
        }
        Ok(())
    }

    /// Keeps them with a session, or forgets those of an earlier login when there are none now.
    pub fn save(&self, store: &dyn Store, key: &SessionKey) -> Result<(), Failure> {
        if self.0.is_empty() {
            store.remove_secret(&name(key))?;
            return Ok(());
        }
        let list = self.0.iter().map(
            |Override { key, value, is_secret }| json!({ "key": key, "value": value.expose(), "secret": is_secret }),
        );
        let text = Secret::new(Value::Array(list.collect()).to_string());
        Ok(store.save_secret(&name(key), &format!("keyfob: settings of {key}"), &text)?)
    }
}

/// Lays what the session's login set over its definition.
pub fn load(store: &dyn Store, key: &SessionKey, definition: &mut Definition) -> Result<(), Failure> {
    let Some(text) = store.load_secret(&name(key))? else { return Ok(()) };
    let list: Vec<Map<String, Value>> = serde_json::from_str(text.expose()).unwrap_or_default();
    let mut overrides = Overrides::default();
    for entry in &list {
        let text = |name: &str| entry.get(name).and_then(Value::as_str);
        if let (Some(key), Some(value)) = (text("key"), text("value")) {
            let is_secret = entry.get("secret").and_then(Value::as_bool).unwrap_or(true);
            overrides.0.push(Override { key: key.to_owned(), value: value.into(), is_secret });
        }
    }
    overrides.apply(definition)
}

/// Forgets them.
pub fn forget(store: &dyn Store, key: &SessionKey) -> Result<(), Failure> {
    store.remove_secret(&name(key))?;
    Ok(())
}

fn name(key: &SessionKey) -> String {
    format!("settings/{key}")
}
