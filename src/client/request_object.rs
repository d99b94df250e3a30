//! Authorization requests signed with the client's key.

use super::credentials::bad_key;
use super::{Client, Error};
use crate::protocol::client_auth::Moment;
use crate::protocol::jar;
use crate::protocol::jose::{Algorithm, KeyHeader};
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
        signer.sign_as(jar::TYPE, algorithm, header, &claims).map_err(bad)
    }
}
