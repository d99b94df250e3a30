//! What a grant needs beyond the client: fetched from wherever the entry says, when it is needed.

use super::{Client, Error, NoStore, read_secret};
use crate::registry::SecretSource;
use crate::secret::Secret;

impl Client {
    /// The value of the grant input `key`, fetched anew; `None` where the entry names none.
    ///
    /// # Errors
    /// [`Error::Input`] when it is named and cannot be had; [`Error::Runner`].
    pub async fn input(&self, key: &str) -> Result<Option<Secret>, Error> {
        let Some((key, source)) = self.provider.inputs.get_key_value(key) else { return Ok(None) };
        self.fetched(key, source).await.map(Some)
    }

    /// The value at `source`, fetched anew.
    pub(super) async fn fetched(&self, key: &'static str, source: &SecretSource) -> Result<Secret, Error> {
        let failed = |reason: String| Error::Input { provider: self.provider.id.clone(), key, reason };
        match source {
            SecretSource::Runner { platform, audience } => self.statement(*platform, audience.as_deref()).await,
            SecretSource::Store => Err(failed("the secret store holds client secrets only".into())),
            source => read_secret(&self.provider, source, &self.system, &NoStore).map_err(|error| match error {
                Error::NoSecret { reason, .. } => failed(reason),
                other => other,
            }),
        }
    }

    /// Whether the input `key` is what the machine's own platform says of it.
    pub fn is_statement_of_runner(&self, key: &str) -> bool {
        matches!(self.provider.inputs.get(key), Some(SecretSource::Runner { .. }))
    }
}
