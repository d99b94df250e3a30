//! A private key of the client's own: checked now, written down by its place, or kept in the store.

use std::path::{Path, PathBuf};

use keyfob::protocol::jose::{BadKey, Reading, Signer};
use keyfob::registry::{Provider, SecretSource};
use keyfob::secret::Secret;
use keyfob::system::files;

use super::Arguments;
use crate::cli::exit_code::ExitCode;
use crate::cli::inputs;
use crate::cli::report::Failure;

/// Bytes of a key: RSA of 16,384 bits in PEM has 13,000.
const LIMIT: usize = 64 * 1024;

/// A key that can be used.
pub enum Key {
    /// It stays in its file.
    InFile(PathBuf),
    /// It came through standard input, and goes to the store.
    Text(Secret),
}

impl Key {
    /// What the entry says of it.
    pub fn source(&self) -> SecretSource {
        match self {
            Self::InFile(path) => SecretSource::File(path.clone()),
            Self::Text(_) => SecretSource::Store,
        }
    }

    /// What the store is to keep.
    pub fn text(&self) -> Option<&Secret> {
        match self {
            Self::InFile(_) => None,
            Self::Text(text) => Some(text),
        }
    }
}

/// The key that the command line names, checked as far as it can be without its passphrase.
pub fn given(arguments: &Arguments, provider: &Provider) -> Result<Option<Key>, Failure> {
    let Some(path) = arguments.private_key_file.as_deref() else { return Ok(None) };
    let (key, text) = if path == Path::new("-") {
        let text = inputs::file_or_stdin(path)?;
        (Key::Text(text.clone()), text)
    } else {
        let unusable = |reason: String| Failure::usage(format!("{} cannot be read: {reason}", path.display()));
        let place = std::path::absolute(path).map_err(|error| unusable(error.to_string()))?;
        let bytes = files::read_private(&place, LIMIT)?.ok_or_else(|| unusable("there is no such file".into()))?;
        let text = String::from_utf8(bytes).map_err(|_| unusable("it is no text".into()))?;
        (Key::InFile(place), Secret::new(text))
    };
    let reading = Reading { passphrase: None, kid: provider.private_key_id.as_deref() };
    match Signer::parse(text.expose(), reading) {
        // The entry says where the passphrase is; the test of the client opens the key with it.
        Err(BadKey::Encrypted) if provider.private_key_passphrase.is_some() => Ok(Some(key)),
        Err(error) => {
            let failure = Failure::new(ExitCode::Config, format!("the private key cannot be used: {error}"));
            Err(match error {
                BadKey::Encrypted => failure.hint(format!(
                    "write  private_key_passphrase = {{ file = \"…\" }}  below  [providers.{}]  first",
                    provider.id
                )),
                _ => failure,
            })
        }
        Ok(_) => Ok(Some(key)),
    }
}
