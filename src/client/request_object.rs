//! Authorization requests signed with the client's key, and encrypted with the server's.

use super::credentials::bad_key;
use super::{Client, Error};
use crate::protocol::client_auth::Moment;
use crate::protocol::jar;
use crate::protocol::jose::{Algorithm, ContentEncryption, KeyHeader, KeyManagement};
use crate::protocol::parameters::Parameters;
use crate::system::random;

impl Client {
    /// A request object that holds `parameters`.
    ///
    /// # Errors
    /// [`Error::Lacks`] without an issuer, whom it is for, or without a key; [`Error::PrivateKey`] for one that cannot sign
    /// what the server takes.
    ///
    /// # Specification
    /// RFC 9101 §4, §6.1.
    pub async fn request_object(&self, parameters: &Parameters) -> Result<String, Error> {
        let signer = self.credentials.request_signer(&self.provider, &self.system)?;
        let server = self.server().await?;
        let lacks = || Error::Lacks { provider: self.provider.id.clone(), what: "issuer" };
        let issuer = server.issuer.as_deref().or(self.provider.issuer.as_deref()).ok_or_else(lacks)?;
        let demanded = self.provider.request_object_signing_alg.as_deref().and_then(Algorithm::parse);
        let offered = self.takes(server.request_object_signing_alg_values_supported.as_deref());
        let bad = |cause| bad_key(&self.provider, cause);
        let algorithm = signer.choose(demanded, offered.as_deref()).map_err(bad)?;
        let at = Moment { now: self.system.clock.seconds(), unique: random::text::<16>()? };
        let claims = jar::claims(parameters, &self.client_id, issuer, &at);
        let own = self.provider.private_key_id.as_ref();
        let kid = own.or_else(|| self.provider.variables.get("key_id")).map(String::as_str);
        let header = KeyHeader { kid, ..KeyHeader::default() };
        let signed = signer.sign_as(jar::TYPE, algorithm, header, &claims).map_err(bad)?;
        match self.provider.request_object_encryption_alg.as_deref().and_then(KeyManagement::parse) {
            Some(algorithm) => self.encrypted(&signed, algorithm).await,
            None => Ok(signed),
        }
    }

    /// `signed`, encrypted with a key that the server publishes, so that nobody reads it on its way through the browser.
    ///
    /// # Specification
    /// RFC 9101 §4, §6.1; OpenID Connect Core §6.1, §10.2; OpenID Connect Registration §2 (the usual encryption).
    async fn encrypted(&self, signed: &str, algorithm: KeyManagement) -> Result<String, Error> {
        let offered = &self.server().await?.request_object_encryption_enc_values_supported;
        let takes = |encryption: &ContentEncryption| {
            offered.as_ref().is_none_or(|offered| offered.iter().any(|name| name == encryption.name()))
        };
        let demanded = self.provider.request_object_encryption_enc.as_deref().and_then(ContentEncryption::parse);
        let usual = Some(ContentEncryption::USUAL).filter(takes);
        let known = || offered.iter().flatten().find_map(|name| ContentEncryption::parse(name));
        let lacks = |what, demand: &str| Error::ServerLacks {
            provider: self.provider.id.clone(),
            what,
            demand: demand.to_owned(),
        };
        let chosen = demanded.map_or_else(|| usual.or_else(known), |demanded| Some(demanded).filter(takes));
        let encryption = chosen.ok_or_else(|| {
            let name = demanded.map_or("", ContentEncryption::name);
            let demand = format!("request_object_encryption_enc = \"{name}\"");
            lacks("request_object_encryption_enc_values_supported", &demand)
        })?;
        let none = || {
            let demand = format!("request_object_encryption_alg = \"{}\"", algorithm.name());
            lacks("key for encryption at its `jwks_uri`", &demand)
        };
        let recipient = self.recipient(algorithm).await?.ok_or_else(none)?;
        Ok(recipient.encrypt(signed, encryption).map_err(crate::protocol::Error::from)?)
    }
}
