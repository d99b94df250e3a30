//! The client's own key and certificate, read and checked before anything is sent.

use std::sync::Arc;

use super::{Error, NoStore, Sealed, SecretStore, read_key, read_secret};
use crate::protocol::client_auth::Has;
use crate::protocol::jose::{BadKey, Decrypter, KeyManagement, PrivateKeyDer, Reading, Signer};
use crate::registry::words::{ClientAuth, Protocol};
use crate::registry::{Provider, SecretSource};
use crate::secret::Secret;
use crate::system::System;
use crate::system::http::tls::{BadCertificate, Certificate, Identity};

/// How a key is written that a PKCS #11 module holds.
const HELD: &str = "pkcs11:";

/// What a client has besides, or in place of, a secret.
#[derive(Debug, Default)]
pub(super) struct Credentials {
    signer: Option<Arc<Signer>>,
    /// What authorization requests are signed with, where the entry demands that.
    request_signer: Option<Arc<Signer>>,
    /// What opens tokens that are encrypted for the client, where the entry says that some are.
    pub(super) decrypter: Option<Decrypter>,
    /// Its certificate's thumbprint.
    pub(super) thumbprint: Option<String>,
    /// What it is on TLS connections, where it is anybody there.
    pub(super) identity: Option<Arc<Identity>>,
}

impl Credentials {
    /// Reads what the entry's client authentication and its demand for bound tokens need; nothing else is touched.
    ///
    /// # Errors
    /// [`Error::Lacks`] for what is needed and not named; [`Error::PrivateKey`], [`Error::Passphrase`],
    /// [`Error::KeyStore`]; [`Error::Certificate`].
    pub(super) fn read(provider: &Provider, system: &System, secrets: &dyn SecretStore) -> Result<Self, Error> {
        if provider.protocol == Protocol::OAuth1 {
            return Ok(Self::default());
        }
        let binds = provider.tls_client_certificate_bound_access_tokens == Some(true);
        let unasked = provider.client_auth == ClientAuth::Auto && provider.client_secret.is_none();
        let signs = matches!(provider.client_auth, ClientAuth::PrivateKeyJwt | ClientAuth::AppleJwt);
        let is_tls = matches!(provider.client_auth, ClientAuth::TlsClientAuth | ClientAuth::SelfSignedTlsClientAuth);
        let connects = binds || is_tls || (unasked && provider.client_certificate.is_some());
        let may_sign = signs || (unasked && provider.private_key.is_some());
        if !(connects || may_sign) {
            return Ok(Self::default());
        }
        let lacks = |what| Error::Lacks { provider: provider.id.clone(), what };
        let source = provider.private_key.as_ref().ok_or_else(|| lacks("private_key"))?;
        let text = read_key(provider, source, system, secrets)?;
        let passphrase = opening(provider, system, secrets)?;
        let bad = |cause| bad_key(provider, cause);
        if text.expose().trim_start().starts_with(HELD) {
            if connects {
                return Err(bad_key(provider, BadKey::NotPem));
            }
            let signer = held(provider, text.expose(), passphrase.as_ref())?;
            return Ok(Self { signer: Some(Arc::new(signer)), ..Self::default() });
        }
        // Opened once: a passphrase is slow to try on purpose.
        let is_jwk = text.expose().trim_start().starts_with('{');
        let der = (!is_jwk).then(|| PrivateKeyDer::of_pem(text.expose(), passphrase.as_ref()).map_err(bad));
        let der = der.transpose()?;
        let reading = Reading { passphrase: None, kid: provider.private_key_id.as_deref() };
        let signer = may_sign.then(|| match &der {
            Some(der) => Signer::of_der(der),
            None => Signer::parse(text.expose(), reading),
        });
        let mut read = Self { signer: signer.transpose().map_err(bad)?.map(Arc::new), ..Self::default() };
        let wanted = connects || provider.client_auth == ClientAuth::PrivateKeyJwt;
        match provider.client_certificate.as_ref().filter(|_| wanted) {
            Some(source) => read.certify(provider, certificate(provider, source, system)?, der.as_ref(), connects)?,
            None if connects => return Err(lacks("client_certificate")),
            None => {}
        }
        Ok(read)
    }

    /// Reads, besides, what signed requests and encrypted tokens need.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(super) fn with_keys(
        mut self,
        provider: &Provider,
        secret: Option<&Secret>,
        system: &System,
        secrets: &dyn SecretStore,
    ) -> Result<Self, Error> {
        if provider.require_signed_request_object == Some(true) || provider.request_object_encryption_alg.is_some() {
            self.request_signer = Some(request_signer(provider, system, secrets)?);
        }
        let sealed: Vec<KeyManagement> = Sealed::algorithms(provider).collect();
        if !sealed.is_empty() {
            let decrypter = decrypter(provider, &sealed, secret, system, secrets)?;
            if let Some(other) = sealed.iter().find(|algorithm| !decrypter.suits(**algorithm)) {
                return Err(bad_key(provider, BadKey::NotForDecryption(other.name())));
            }
            self.decrypter = Some(decrypter);
        }
        Ok(self)
    }

    /// The key that authorization requests are signed with.
    ///
    /// # Errors
    /// As [`read`](Self::read): a server may demand what the entry does not.
    pub(super) fn request_signer(&self, provider: &Provider, system: &System) -> Result<Arc<Signer>, Error> {
        match self.request_signer.as_ref().or(self.signer.as_ref()) {
            Some(signer) => Ok(Arc::clone(signer)),
            None => request_signer(provider, system, &NoStore),
        }
    }

    /// Adds the certificate, which must be that of the key.
    fn certify(
        &mut self,
        provider: &Provider,
        certificate: Certificate,
        key: Option<&PrivateKeyDer>,
        connects: bool,
    ) -> Result<(), Error> {
        self.thumbprint = Some(certificate.thumbprint().to_owned());
        let Some(key) = key else {
            // Of a JWK nothing is wanted but a thumbprint in a header.
            return if connects { Err(bad_key(provider, BadKey::NotPem)) } else { Ok(()) };
        };
        let identity = Identity::new(certificate, &key.to_pem()).map_err(|cause| bad_certificate(provider, &cause))?;
        self.identity = Some(identity).filter(|_| connects);
        Ok(())
    }

    /// The key, as one that signs.
    ///
    /// # Errors
    /// [`Error::Lacks`] without one.
    pub(super) fn signer(&self, provider: &Provider) -> Result<Arc<Signer>, Error> {
        let lacks = || Error::Lacks { provider: provider.id.clone(), what: "private_key" };
        self.signer.clone().ok_or_else(lacks)
    }

    /// What a client that has these, and a secret or none, can prove itself with.
    pub(super) fn has(&self, secret: bool) -> Has {
        Has { secret, key: self.signer.is_some(), certificate: self.identity.is_some() }
    }
}

/// A key that a PKCS #11 module holds.
#[cfg(feature = "pkcs11")]
fn held(provider: &Provider, uri: &str, pin: Option<&Secret>) -> Result<Signer, Error> {
    use super::pkcs11::{Held, Unusable};

    let provider = provider.id.clone();
    match Held::open(uri, pin) {
        Ok(held) => Ok(Signer::held(Box::new(held))),
        Err(Unusable::Pin(reason)) => Err(Error::Passphrase { provider, reason }),
        Err(Unusable::Other(reason)) => Err(Error::PrivateKey { provider, reason }),
    }
}

/// This program was built without a way to such keys.
#[cfg(not(feature = "pkcs11"))]
fn held(provider: &Provider, _: &str, _: Option<&Secret>) -> Result<Signer, Error> {
    let reason = "it is in a PKCS #11 module, for which keyfob was built without the feature `pkcs11`".into();
    Err(Error::PrivateKey { provider: provider.id.clone(), reason })
}

fn request_signer(provider: &Provider, system: &System, secrets: &dyn SecretStore) -> Result<Arc<Signer>, Error> {
    let lacks = || Error::Lacks { provider: provider.id.clone(), what: "private_key" };
    let source = provider.private_key.as_ref().ok_or_else(lacks)?;
    let text = read_key(provider, source, system, secrets)?;
    let passphrase = opening(provider, system, secrets)?;
    if text.expose().trim_start().starts_with(HELD) {
        return held(provider, text.expose(), passphrase.as_ref()).map(Arc::new);
    }
    let reading = Reading { passphrase: passphrase.as_ref(), kid: provider.private_key_id.as_deref() };
    Signer::parse(text.expose(), reading).map(Arc::new).map_err(|cause| bad_key(provider, cause))
}

/// The key of the entry for that, else its only one; the client secret where tokens are encrypted with what both sides know.
fn decrypter(
    provider: &Provider,
    sealed: &[KeyManagement],
    secret: Option<&Secret>,
    system: &System,
    secrets: &dyn SecretStore,
) -> Result<Decrypter, Error> {
    let own = provider.decryption_key.as_ref();
    if let (None, Some(secret), true) = (own, secret, sealed.iter().all(|algorithm| algorithm.is_symmetric())) {
        return Ok(Decrypter::of_client_secret(secret));
    }
    let lacks = || Error::Lacks { provider: provider.id.clone(), what: "decryption_key" };
    let text = match (own, &provider.private_key) {
        // The store has one key for each provider.
        (Some(SecretSource::Store), _) => {
            return Err(Error::PrivateKey {
                provider: provider.id.clone(),
                reason: "the secret store holds the `private_key` alone".into(),
            });
        }
        (Some(own), _) => read_key(provider, own, system, secrets)?,
        (None, source) => read_key(provider, source.as_ref().ok_or_else(lacks)?, system, secrets)?,
    };
    let passphrase = opening(provider, system, secrets)?;
    Decrypter::parse(text.expose(), passphrase.as_ref()).map_err(|cause| bad_key(provider, cause))
}

/// The passphrase of the entry's keys.
fn opening(provider: &Provider, system: &System, secrets: &dyn SecretStore) -> Result<Option<Secret>, Error> {
    let passphrase = provider.private_key_passphrase.as_ref();
    passphrase.map(|source| passphrase_of(provider, source, system, secrets)).transpose()
}

fn certificate(provider: &Provider, source: &SecretSource, system: &System) -> Result<Certificate, Error> {
    // It is public: a file that others may read stays as it is.
    let pem = read_secret(provider, source, system, &NoStore).map_err(|error| match error {
        Error::NoSecret { provider, reason } => Error::Certificate { provider, reason },
        error => error,
    })?;
    Certificate::read(pem.expose(), system.clock.seconds()).map_err(|cause| bad_certificate(provider, &cause))
}

fn bad_certificate(provider: &Provider, cause: &BadCertificate) -> Error {
    Error::Certificate { provider: provider.id.clone(), reason: cause.to_string() }
}

/// `cause` as this client's.
pub(super) fn bad_key(provider: &Provider, cause: BadKey) -> Error {
    let provider = provider.id.clone();
    match cause {
        BadKey::Encrypted | BadKey::Passphrase => Error::Passphrase { provider, reason: cause.to_string() },
        _ => Error::PrivateKey { provider, reason: cause.to_string() },
    }
}

fn passphrase_of(
    provider: &Provider,
    source: &SecretSource,
    system: &System,
    secrets: &dyn SecretStore,
) -> Result<Secret, Error> {
    let reason = match source {
        SecretSource::Store => "the secret store holds keys and client secrets, and no passphrases".into(),
        source => match read_secret(provider, source, system, secrets) {
            Err(Error::NoSecret { reason, .. }) => reason,
            outcome => return outcome,
        },
    };
    Err(Error::Passphrase { provider: provider.id.clone(), reason: format!("its passphrase cannot be had: {reason}") })
}
