//! The build script: turns `providers.toml` into a sorted static table, so that no start of the program parses it.
//!
//! Only what the table itself depends on is checked here (names, aliases, parents); a test of `registry::bundled` checks
//! each entry as thoroughly as a user's own.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use toml::Value;

fn main() -> ExitCode {
    println!("cargo:rerun-if-changed=providers.toml");
    println!("cargo:rerun-if-changed=src/registry/build.rs");
    match compile() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("providers.toml: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn compile() -> Result<(), String> {
    let home = env::var_os("CARGO_MANIFEST_DIR").ok_or("CARGO_MANIFEST_DIR is not set")?;
    let out = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
    let text = fs::read_to_string(Path::new(&home).join("providers.toml")).map_err(|error| error.to_string())?;
    let file: toml::Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
    let providers = providers(&file)?;
    let aliases = aliases(providers)?;

    let mut table = Table::default();
    for (id, entry) in providers {
        let mut settings = BTreeMap::new();
        flatten(&mut settings, "", entry);
        table.provider(id, settings).map_err(|reason| format!("`{id}`: {reason}"))?;
    }
    for (alias, id) in aliases {
        let pair = (table.text(alias), table.text(id));
        table.aliases.push(format!("({}, {})", pair.0, pair.1));
    }
    let out = Path::new(&out);
    let written = fs::write(out.join("providers.txt"), &table.texts);
    written.and_then(|()| fs::write(out.join("providers.rs"), table.source())).map_err(|error| error.to_string())
}

/// The table as it is written; each entry of a list is an expression.
#[derive(Default)]
struct Table {
    texts: String,
    /// Where each text is already.
    places: BTreeMap<String, String>,
    providers: Vec<String>,
    settings: Vec<String>,
    items: Vec<String>,
    aliases: Vec<String>,
}

impl Table {
    /// A text as its place, each text once.
    fn text(&mut self, text: &str) -> String {
        if let Some(place) = self.places.get(text) {
            return place.clone();
        }
        let place = format!("({}, {})", self.texts.len(), text.len());
        self.texts.push_str(text);
        self.places.insert(text.into(), place.clone());
        place
    }

    fn provider(&mut self, id: &str, settings: BTreeMap<String, &Value>) -> Result<(), String> {
        let from = self.settings.len();
        for (key, value) in settings {
            let written = match value {
                Value::String(text) => format!("Static::Text({})", self.text(text)),
                Value::Integer(number) => format!("Static::Int({number})"),
                Value::Boolean(flag) => format!("Static::Bool({flag})"),
                Value::Array(items) if items.iter().all(Value::is_str) => {
                    let from = self.items.len();
                    for item in items.iter().filter_map(Value::as_str) {
                        let item = self.text(item);
                        self.items.push(item);
                    }
                    format!("Static::List({from}, {})", self.items.len())
                }
                Value::Array(_) => return Err(format!("`{key}` is a list of something else than strings")),
                _ => return Err(format!("`{key}`: no field takes a fraction or a date")),
            };
            let key = self.text(&key);
            self.settings.push(format!("({key}, {written})"));
        }
        let id = self.text(id);
        self.providers.push(format!("({id}, {from}, {})", self.settings.len()));
        Ok(())
    }

    fn source(&self) -> String {
        let mut source = String::new();
        for (name, of, rows) in [
            ("PROVIDERS", "(Text, u32, u32)", &self.providers),
            ("SETTINGS", "(Text, Static)", &self.settings),
            ("ITEMS", "Text", &self.items),
            ("ALIASES", "(Text, Text)", &self.aliases),
        ] {
            let _ = writeln!(source, "static {name}: [{of}; {}] = [\n{}\n];", rows.len(), rows.join(",\n"));
        }
        source
    }
}

/// The entries, sorted by name as the look-up needs them.
fn providers(file: &toml::Table) -> Result<&toml::Table, String> {
    if file.get("schema").and_then(Value::as_integer) != Some(1) {
        return Err("`schema = 1` is missing".into());
    }
    if let Some(key) = file.keys().find(|key| !matches!(key.as_str(), "schema" | "providers")) {
        return Err(format!("`{key}` is neither `schema` nor `providers`"));
    }
    let providers = file.get("providers").and_then(Value::as_table).ok_or("there is no table `providers`")?;
    for (id, entry) in providers {
        if id.is_empty() || !id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')) {
            return Err(format!("`{id}` has other characters than a-z, 0-9 and -"));
        }
        let entry = entry.as_table().ok_or_else(|| format!("`{id}` is no table"))?;
        match entry.get("extends").map(|parent| parent.as_str().unwrap_or_default()) {
            Some(parent) if !providers.contains_key(parent) => {
                return Err(format!("`{id}` extends `{parent}`, which does not exist"));
            }
            _ => {}
        }
    }
    Ok(providers)
}

fn aliases(providers: &toml::Table) -> Result<BTreeMap<&str, &str>, String> {
    let mut aliases = BTreeMap::new();
    for (id, entry) in providers {
        for alias in entry.get("aliases").and_then(Value::as_array).into_iter().flatten() {
            let alias = alias.as_str().ok_or_else(|| format!("an alias of `{id}` is no string"))?;
            if providers.contains_key(alias) {
                return Err(format!("alias `{alias}` of `{id}` is the name of another provider"));
            }
            if let Some(other) = aliases.insert(alias, id.as_str()) {
                return Err(format!("alias `{alias}` belongs to both `{other}` and `{id}`"));
            }
        }
    }
    Ok(aliases)
}

/// Puts each value under its dotted key, so that a look-up only copies references.
fn flatten<'a>(settings: &mut BTreeMap<String, &'a Value>, key: &str, value: &'a Value) {
    let Value::Table(table) = value else {
        settings.insert(key.into(), value);
        return;
    };
    for (name, item) in table {
        let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
        flatten(settings, &key, item);
    }
}
