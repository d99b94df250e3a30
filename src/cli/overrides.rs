//! What a login sets above the registry: options such as `--client-id` and `--set`.
//!
//! A session that was made with them must be renewed with them, so they are part of it.

use keyfob::registry::{Definition, Origin, SecretSource};
use keyfob::secret::Secret;
use keyfob::session::Override;

use super::report::Failure;

/// A plain setting.
pub fn plain(key: &str, value: &str) -> Override {
    Override { key: key.to_owned(), value: value.into(), is_secret: false }
}

/// One whose value must not be seen.
pub fn secret(key: &str, value: Secret) -> Override {
    Override { key: key.to_owned(), value, is_secret: true }
}

/// Lays them over a definition.
pub fn apply(overrides: &[Override], definition: &mut Definition) -> Result<(), Failure> {
    for Override { key, value, is_secret } in overrides {
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
