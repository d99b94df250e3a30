//! The build script: turns `providers.toml` into a sorted static table, so that no start of the program parses it.
//!
//! Only what the table itself depends on is checked here (names, aliases, parents); a test of `registry::bundled` checks
//! each entry as thoroughly as a user's own.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use toml::{Table, Value};

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
    let file: Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
    let providers = providers(&file)?;
    let aliases = aliases(providers)?;

    let mut source = String::from("pub(super) static PROVIDERS: &[(&str, &[(&str, Static)])] = &[\n");
    for (id, entry) in providers {
        let mut settings = BTreeMap::new();
        flatten(&mut settings, "", entry).map_err(|reason| format!("`{id}`: {reason}"))?;
        let _ = write!(source, "({id:?}, &[");
        for (key, value) in settings {
            let _ = write!(source, "({key:?}, {value}), ");
        }
        source.push_str("]),\n");
    }
    source.push_str("];\n\npub(super) static ALIASES: &[(&str, &str)] = &[\n");
    for (alias, id) in aliases {
        let _ = writeln!(source, "({alias:?}, {id:?}),");
    }
    source.push_str("];\n");
    fs::write(Path::new(&out).join("providers.rs"), source).map_err(|error| error.to_string())
}

/// The entries, sorted by name as the look-up needs them.
fn providers(file: &Table) -> Result<&Table, String> {
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

fn aliases(providers: &Table) -> Result<BTreeMap<&str, &str>, String> {
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

/// Writes each value under its dotted key, so that a look-up only copies references.
fn flatten(settings: &mut BTreeMap<String, String>, key: &str, value: &Value) -> Result<(), String> {
    let written = match value {
        Value::Table(table) => {
            for (name, item) in table {
                let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                flatten(settings, &key, item)?;
            }
            return Ok(());
        }
        Value::String(text) => format!("Static::Text({text:?})"),
        Value::Integer(number) => format!("Static::Int({number})"),
        Value::Boolean(flag) => format!("Static::Bool({flag})"),
        Value::Array(items) if items.iter().all(Value::is_str) => {
            let items: Vec<_> = items.iter().filter_map(Value::as_str).collect();
            format!("Static::List(&{items:?})")
        }
        Value::Array(_) => return Err(format!("`{key}` is a list of something else than strings")),
        Value::Float(_) | Value::Datetime(_) => return Err(format!("`{key}`: no field takes a fraction or a date")),
    };
    settings.insert(key.into(), written);
    Ok(())
}
