//! Values of `--set`, and secrets that come from files, standard input or variables.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use keyfob::registry::{Definition, Origin, RUNNER, SecretSource};
use keyfob::secret::Secret;
use keyfob::system::Environment;

use super::report::Failure;

/// Bytes of a value; assertions and keys stay far below.
const LIMIT: usize = 1 << 20;

/// One `--set KEY=VALUE`, its value fetched from wherever it is.
pub struct Input {
    /// The dotted key.
    pub key: String,
    /// The value.
    pub value: Secret,
    /// Whether the key holds a secret.
    pub is_secret: bool,
}

/// Reads one `--set KEY=VALUE`.
///
/// # Errors
/// Wrong usage: no `=`, a secret written out, a value that cannot be fetched.
pub fn read(definition: &Definition, option: &str, environment: &Environment) -> Result<Input, Failure> {
    let Some((key, value)) = option.split_once('=') else {
        return Err(Failure::usage("`--set` takes KEY=VALUE")
            .hint("for example  --set token_endpoint=https://id.example/token"));
    };
    let is_secret = definition.holds_secret(key);
    if is_secret && (value.starts_with(RUNNER) || (key == "private_key" && value.starts_with("pkcs11:"))) {
        // It names no secret, and is fetched when it is needed.
        return Ok(Input { key: key.to_owned(), value: Secret::new(value), is_secret: false });
    }
    let value = match once(option, value, || indirect(value, environment))? {
        Some(value) => value,
        None if is_secret => {
            let message = format!("`{key}` holds a secret, which does not belong on a command line");
            return Err(Failure::usage(message)
                .hint(format!("give it as  --set {key}=@FILE,  --set {key}=-  or  --set {key}=env:NAME")));
        }
        None => Secret::new(value),
    };
    Ok(Input { key: key.to_owned(), value, is_secret })
}

/// Lays one `--set KEY=VALUE` over an entry.
///
/// # Errors
/// As [`read`], and for an unknown key or a value of the wrong type.
pub fn set(definition: &mut Definition, option: &str, environment: &Environment) -> Result<(), Failure> {
    let Input { key, value, is_secret } = read(definition, option, environment)?;
    let origin = Origin::Flag("--set".into());
    let outcome = match is_secret {
        true => definition.set_secret(&key, SecretSource::Literal(value), origin),
        false => definition.set(&key, value.expose(), origin),
    };
    // A wrong option is wrong usage, whatever a wrong file would be.
    outcome.map_err(|error| Failure::usage(error.to_string()))
}

/// Values of options that can be read only once, by the whole option.
static READ: Mutex<BTreeMap<String, Secret>> = Mutex::new(BTreeMap::new());

/// What `read` gives, or gave to this option before: a command looks at its options more than once, `exec` at each
/// renewal, and standard input and pipes are empty by then. A file is read again: it may hold something newer.
fn once(
    option: &str,
    value: &str,
    read: impl FnOnce() -> Result<Option<Secret>, Failure>,
) -> Result<Option<Secret>, Failure> {
    let is_file = |path: &str| std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
    if value != "-" && value.strip_prefix('@').is_none_or(is_file) {
        return read();
    }
    let mut known = READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(value) = known.get(option) {
        return Ok(Some(value.clone()));
    }
    let value = read()?;
    known.extend(value.clone().map(|value| (option.to_owned(), value)));
    Ok(value)
}

/// The value behind `@FILE`, `-` or `env:NAME`; `None` for a value that is written out.
fn indirect(value: &str, environment: &Environment) -> Result<Option<Secret>, Failure> {
    if let Some(path) = value.strip_prefix('@') {
        return file(Path::new(path)).map(Some);
    }
    if value == "-" {
        return stdin().map(Some);
    }
    match value.strip_prefix("env:") {
        Some(name) => match environment.text(name) {
            Some(value) => Ok(Some(Secret::new(value))),
            None => Err(Failure::usage(format!("the variable `{name}` is not set"))),
        },
        None => Ok(None),
    }
}

/// The variables that `--set` options take values from.
pub fn variables(options: &[String]) -> Vec<String> {
    let named = |option: &String| Some(option.split_once('=')?.1.strip_prefix("env:")?.to_owned());
    options.iter().filter_map(named).collect()
}

/// A secret from a file, or from standard input for `-`.
///
/// # Errors
/// When it cannot be read.
pub fn file_or_stdin(path: &Path) -> Result<Secret, Failure> {
    if path == Path::new("-") { stdin() } else { file(path) }
}

fn file(path: &Path) -> Result<Secret, Failure> {
    // Named on the command line: a pipe that a shell made is as good as a file.
    let failed = |error: std::io::Error| Failure::usage(format!("{} cannot be read: {error}", path.display()));
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(LIMIT as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    text(bytes, &path.display().to_string())
}

/// All of standard input, without the line break at its end.
///
/// # Errors
/// When it cannot be read, is empty or no text.
pub fn stdin() -> Result<Secret, Failure> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(LIMIT as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| Failure::usage(format!("standard input cannot be read: {error}")))?;
    text(bytes, "standard input")
}

fn text(bytes: Vec<u8>, place: &str) -> Result<Secret, Failure> {
    if bytes.len() > LIMIT {
        return Err(Failure::usage(format!("{place} is larger than {LIMIT} bytes")));
    }
    let text = String::from_utf8(bytes).map_err(|_| Failure::usage(format!("{place} is no text")))?;
    let text = Secret::new(text.trim_end_matches(['\r', '\n']));
    if text.is_empty() { Err(Failure::usage(format!("{place} is empty"))) } else { Ok(text) }
}
