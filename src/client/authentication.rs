//! How this client proves who it is: the entry's choice, with the secret or the key that it takes.

use super::{Client, Error, NoStore, read_key, read_secret};
use crate::protocol::client_auth::{
    AppleJwt, BasicEncoding, ClientAssertion, ClientAuthentication, ClientSecretBasic, ClientSecretPost,
    ClientSecretQuery, NoAuthentication, PrivateKeyJwt, SecretAssertion, choose,
};
use crate::protocol::jose::{Algorithm, BadKey, Signer};
use crate::protocol::metadata::AuthorizationServer;
use crate::registry::words::{self, ClientAuth};
use crate::secret::Secret;

impl Client {
    /// How this client proves who it is: the entry's choice, else what the server offers and the secret allows.
    ///
    /// # Errors
    /// When the server offers nothing that will do, or cannot be asked.
    pub async fn authentication(&self) -> Result<&dyn ClientAuthentication, Error> {
        let chosen = self.authentication.get_or_try_init(|| self.choose_authentication()).await?;
        Ok(chosen.as_ref())
    }

    /// Checks that the server, as it describes itself now, takes a client authentication that this client can do; costs no
    /// request.
    ///
    /// # Errors
    /// [`protocol::Error::ClientAuthentication`](crate::protocol::Error::ClientAuthentication) inside.
    pub fn check_authentication(&self, server: &AuthorizationServer) -> Result<(), Error> {
        if self.provider.client_auth == ClientAuth::Auto && self.provider.client_assertion.is_none() {
            choose(None, self.secret.is_some(), server.token_endpoint_auth_methods_supported.as_deref())?;
        }
        Ok(())
    }

    async fn choose_authentication(&self) -> Result<Box<dyn ClientAuthentication>, Error> {
        let client_id = self.client_id.clone();
        let encoding = match self.provider.basic_encoding {
            words::BasicEncoding::Raw => BasicEncoding::Raw,
            words::BasicEncoding::Form => BasicEncoding::Form,
        };
        let configured = match self.provider.client_auth {
            ClientAuth::Auto if self.provider.client_assertion.is_some() => Some(ClientAuth::ClientAssertion.word()),
            ClientAuth::Auto => None,
            method => Some(method.word()),
        };
        let offered = match (configured, &self.secret) {
            // The server's word matters only where there is something to choose.
            (None, Some(_)) => self.server().await?.token_endpoint_auth_methods_supported.as_deref(),
            _ => None,
        };
        Ok(match choose(configured, self.secret.is_some(), offered)? {
            "none" => Box::new(NoAuthentication { client_id }),
            method @ "client_secret_basic" => {
                Box::new(ClientSecretBasic { client_id, secret: self.secret_for(method)?, encoding })
            }
            "basic_empty" => Box::new(ClientSecretBasic { client_id, secret: Secret::default(), encoding }),
            method @ "query" => Box::new(ClientSecretQuery { client_id, secret: self.secret_for(method)? }),
            method @ "assertion" => Box::new(SecretAssertion { secret: self.secret_for(method)? }),
            "apple_jwt" => Box::new(self.apple_jwt()?),
            // The statement itself is fetched for each request.
            "client_assertion" => Box::new(ClientAssertion { client_id, assertion: Secret::default() }),
            "private_key_jwt" => Box::new(self.private_key_jwt().await?),
            method => Box::new(ClientSecretPost { client_id, secret: self.secret_for(method)? }),
        })
    }

    fn secret_for(&self, method: &str) -> Result<Secret, Error> {
        self.secret.clone().ok_or_else(|| Error::NoSecret {
            provider: self.provider.id.clone(),
            reason: format!("`{method}` needs one, and the entry names none"),
        })
    }

    /// The secret is for the issuer, by the team and with the key that the entry's variables name.
    fn apple_jwt(&self) -> Result<AppleJwt, Error> {
        let variable = |what: &'static str| {
            let found = self.provider.variables.get(what).cloned();
            found.ok_or_else(|| Error::Lacks { provider: self.provider.id.clone(), what })
        };
        let (team_id, key_id) = (variable("team_id")?, variable("key_id")?);
        let lacks = || Error::Lacks { provider: self.provider.id.clone(), what: "issuer" };
        let audience = self.provider.issuer.clone().ok_or_else(lacks)?;
        let signer = self.signer()?;
        if !signer.algorithms().contains(&Algorithm::ES256) {
            return Err(self.bad_key(BadKey::Algorithm(Algorithm::ES256)));
        }
        Ok(AppleJwt { client_id: self.client_id.clone(), team_id, key_id, audience, signer })
    }

    /// The client's statement as it is now.
    pub(super) async fn client_assertion(&self) -> Result<ClientAssertion, Error> {
        let lacks = || Error::Lacks { provider: self.provider.id.clone(), what: "client_assertion" };
        let source = self.provider.client_assertion.as_ref().ok_or_else(lacks)?;
        let assertion = self.fetched("client_assertion", source).await?;
        Ok(ClientAssertion { client_id: self.client_id.clone(), assertion })
    }

    async fn private_key_jwt(&self) -> Result<PrivateKeyJwt, Error> {
        let signer = self.signer()?;
        let server = self.server().await?;
        let audience = server.token_endpoint.as_ref().map(ToString::to_string).or_else(|| server.issuer.clone());
        let lacks = || Error::Lacks { provider: self.provider.id.clone(), what: "token_endpoint" };
        let offered = server.token_endpoint_auth_signing_alg_values_supported.as_deref();
        let algorithm = signer.choose(offered).map_err(|cause| self.bad_key(cause))?;
        Ok(PrivateKeyJwt {
            client_id: self.client_id.clone(),
            audience: audience.ok_or_else(lacks)?,
            signer,
            algorithm,
            kid: self.provider.variables.get("key_id").cloned(),
        })
    }

    fn signer(&self) -> Result<Signer, Error> {
        let source = self.provider.private_key.as_ref();
        let source = source.ok_or_else(|| Error::Lacks { provider: self.provider.id.clone(), what: "private_key" })?;
        let text = read_key(&self.provider, source, &self.system)?;
        Signer::parse(text.expose()).map_err(|cause| self.bad_key(cause))
    }

    /// The certificate chain and the key, both PEM, of a redirect listener that speaks TLS, if the user named them.
    ///
    /// # Errors
    /// [`Error::Lacks`] for one without the other; why they cannot be read.
    pub fn redirect_certificate(&self) -> Result<Option<(Secret, Secret)>, Error> {
        let rule = &self.provider.redirect;
        let lacks = |what| Err(Error::Lacks { provider: self.provider.id.clone(), what });
        match (&rule.certificate, &rule.key) {
            (None, None) => Ok(None),
            (Some(_), None) => lacks("redirect.key"),
            (None, Some(_)) => lacks("redirect.certificate"),
            (Some(certificate), Some(key)) => {
                // Its chain is public: a file that others may read stays as it is.
                let chain = read_secret(&self.provider, certificate, &self.system, &NoStore)?;
                Ok(Some((chain, read_key(&self.provider, key, &self.system)?)))
            }
        }
    }

    fn bad_key(&self, cause: BadKey) -> Error {
        Error::PrivateKey { provider: self.provider.id.clone(), reason: cause.to_string() }
    }
}
