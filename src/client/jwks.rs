//! The server's keys: kept between commands, fetched again once when a token names a key that is not there.

use std::sync::Arc;

use serde_json::Value;

use super::endpoint::Fetched;
use super::{Client, Error, Sealed};
use crate::protocol;
use crate::protocol::jose::{self, Algorithm, JwkSet, Jws, KeyManagement, Recipient, VerificationKeys, Verified};

/// What errors call it.
const DOCUMENT: &str = "key set";

/// The keys as far as they are known to this command.
#[derive(Debug, Default)]
pub(super) struct Keys {
    set: Option<Arc<JwkSet>>,
    /// Whether the set was kept from an earlier command.
    kept: bool,
    /// Whether the one forced fetch of this command has been made.
    renewed: bool,
}

impl Keys {
    /// Whether a key of a kept set may have been replaced under its name since.
    fn is_outdated(&self, error: &jose::Error) -> bool {
        use jose::Error::{KeyNotForAlgorithm, Signature, UnfitKey};
        self.kept && matches!(error, UnfitKey { .. } | KeyNotForAlgorithm { .. } | Signature { .. })
    }
}

impl Client {
    /// Verifies the signature of `token`, an ID token, which is decrypted first where the entry says that it is encrypted.
    ///
    /// `configured` is the algorithm of the entry; an HMAC is verified with the client secret, everything else with the
    /// server's keys. When the key set lacks the key it is fetched once more.
    ///
    /// # Errors
    /// [`protocol::Error::Signature`] inside; or why there are no keys.
    ///
    /// # Specification
    /// OpenID Connect Core §3.1.3.7 (6, 7), §10.1.1.
    pub async fn verify(&self, token: &str, configured: Option<Algorithm>) -> Result<Verified, Error> {
        let token = self.decrypted(token, Sealed::IdToken)?;
        self.verify_signed(&Jws::parse(&token).map_err(protocol::Error::from)?, configured).await
    }

    /// As [`verify`](Self::verify), for a token that has been taken apart.
    ///
    /// # Errors
    /// As there.
    pub async fn verify_signed(&self, jws: &Jws, configured: Option<Algorithm>) -> Result<Verified, Error> {
        let announced = self.server().await?.id_token_signing_alg_values_supported.clone();
        self.verify_with(jws, &self.accepted(Algorithm::acceptable(configured, announced.as_deref()))).await
    }

    /// Verifies the signature of an authorization response; `configured` as for ID tokens.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    ///
    /// # Specification
    /// JARM §2.4 (5), §3, §4.
    pub async fn verify_response(&self, jws: &Jws, configured: Option<Algorithm>) -> Result<Verified, Error> {
        let announced = self.server().await?.authorization_signing_alg_values_supported.clone();
        self.verify_with(jws, &self.accepted(Algorithm::acceptable(configured, announced.as_deref()))).await
    }

    async fn verify_with(&self, jws: &Jws, allowed: &[Algorithm]) -> Result<Verified, Error> {
        if !allowed.contains(&jws.algorithm()) {
            // Refused before any key is fetched.
            let refused =
                protocol::jose::Error::AlgorithmNotAllowed { found: jws.algorithm(), expected: allowed.to_vec() };
            return Err(protocol::Error::from(refused).into());
        }
        if jws.algorithm().is_symmetric() {
            let authentication = self.authentication().await?;
            let secret = authentication.secret().ok_or_else(|| Error::NoSecret {
                provider: self.provider.id.clone(),
                reason: format!("tokens signed with {} need one", jws.algorithm()),
            })?;
            return Ok(jws.verify(VerificationKeys::ClientSecret(secret), allowed).map_err(protocol::Error::from)?);
        }
        let set = self.keys().await?;
        match jws.verify(VerificationKeys::Published(&set), allowed) {
            Err(error) if error.key_set_may_be_stale() || self.keys.lock().await.is_outdated(&error) => {
                match self.renewed_keys().await? {
                    Some(set) => {
                        Ok(jws.verify(VerificationKeys::Published(&set), allowed).map_err(protocol::Error::from)?)
                    }
                    None => Err(protocol::Error::from(error).into()),
                }
            }
            outcome => Ok(outcome.map_err(protocol::Error::from)?),
        }
    }

    /// The server's keys, from the cache or fetched.
    ///
    /// # Errors
    /// Why there are none.
    pub async fn keys(&self) -> Result<Arc<JwkSet>, Error> {
        let mut keys = self.keys.lock().await;
        if let Some(set) = &keys.set {
            return Ok(Arc::clone(set));
        }
        let uri = self.jwks_uri().await?;
        let kept = self.keys_cache.read(&uri, self.system.clock.seconds()).filter(|kept| kept.is_fresh);
        let kept = kept.and_then(|kept| JwkSet::parse(Value::Object(kept.document).to_string().as_bytes()).ok());
        keys.kept = kept.is_some();
        let set = match kept {
            Some(set) => Arc::new(set),
            None => self.fetch_keys(&uri).await?,
        };
        keys.set = Some(Arc::clone(&set));
        Ok(set)
    }

    /// The server's key for what is encrypted for it; `None` where it publishes none for `algorithm`, also not by now.
    ///
    /// # Errors
    /// Why there are no keys.
    pub async fn recipient(&self, algorithm: KeyManagement) -> Result<Option<Recipient>, Error> {
        match self.keys().await?.recipient(algorithm) {
            Some(recipient) => Ok(Some(recipient)),
            None => Ok(self.renewed_keys().await?.and_then(|set| set.recipient(algorithm))),
        }
    }

    /// The keys fetched anew, once in a command; `None` after that.
    async fn renewed_keys(&self) -> Result<Option<Arc<JwkSet>>, Error> {
        let mut keys = self.keys.lock().await;
        if keys.renewed {
            return Ok(None);
        }
        (keys.renewed, keys.kept) = (true, false);
        let set = self.fetch_keys(&self.jwks_uri().await?).await?;
        keys.set = Some(Arc::clone(&set));
        Ok(Some(set))
    }

    async fn jwks_uri(&self) -> Result<String, Error> {
        let uri = self.server().await?.jwks_uri.as_ref();
        uri.map(ToString::to_string)
            .ok_or_else(|| Error::Lacks { provider: self.provider.id.clone(), what: "jwks_uri" })
    }

    async fn fetch_keys(&self, uri: &str) -> Result<Arc<JwkSet>, Error> {
        let malformed =
            |error: url::ParseError| protocol::Error::Parameter { name: "jwks_uri".into(), reason: error.to_string() };
        let url = url::Url::parse(uri).map_err(malformed)?;
        let Fetched::Document(document) = self.document(DOCUMENT, &url).await? else {
            let url = crate::system::http::endpoint(&url);
            return Err(Error::Metadata { url, status: 404, content: "no key set".into() });
        };
        let set = JwkSet::parse(Value::Object(document.clone()).to_string().as_bytes()).map_err(|error| {
            // Nothing was checked against these keys yet: a malformed answer, not an attack.
            let _ = error;
            protocol::Error::Field { endpoint: DOCUMENT, field: "keys".into(), reason: "is no usable list of keys" }
        })?;
        self.keys_cache.write(uri, &document, self.system.clock.seconds());
        Ok(Arc::new(set))
    }
}
