//! How this client proves who it is: the entry's choice, with the secret or the key that it takes.

use super::credentials::bad_key;
use super::{Client, Error, NoStore, read_key, read_secret};
use crate::protocol::client_auth::{
    AppleJwt, BasicEncoding, ClientAssertion, ClientAuthentication, ClientSecretBasic, ClientSecretJwt,
    ClientSecretPost, ClientSecretQuery, Has, NoAuthentication, PrivateKeyJwt, SecretAssertion, TlsClientAuth, Trust,
    choose,
};
use crate::protocol::jose::{Algorithm, BadKey};
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
            choose(None, self.has(), server.token_endpoint_auth_methods_supported.as_deref())?;
        }
        Ok(())
    }

    async fn choose_authentication(&self) -> Result<Box<dyn ClientAuthentication>, Error> {
        let client_id = self.client_id.clone();
        let encoding = match self.provider.basic_encoding {
            words::BasicEncoding::Raw => BasicEncoding::Raw,
            words::BasicEncoding::Form => BasicEncoding::Form,
        };
        let has = self.has();
        let configured = self.configured();
        let offered = match configured {
            // The server's word matters only where there is something to choose.
            None if has != Has::default() => self.server().await?.token_endpoint_auth_methods_supported.as_deref(),
            _ => None,
        };
        Ok(match choose(configured, has, offered)? {
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
            "client_secret_jwt" => Box::new(self.client_secret_jwt().await?),
            "private_key_jwt" => Box::new(self.private_key_jwt().await?),
            "tls_client_auth" => Box::new(TlsClientAuth { client_id, trust: Trust::Issuer }),
            "self_signed_tls_client_auth" => Box::new(TlsClientAuth { client_id, trust: Trust::Registered }),
            method => Box::new(ClientSecretPost { client_id, secret: self.secret_for(method)? }),
        })
    }

    fn configured(&self) -> Option<&'static str> {
        match self.provider.client_auth {
            ClientAuth::Auto if self.provider.client_assertion.is_some() => Some(ClientAuth::ClientAssertion.word()),
            ClientAuth::Auto => None,
            method => Some(method.word()),
        }
    }

    fn has(&self) -> Has {
        self.credentials.has(self.secret.is_some())
    }

    /// The method that is used at a server that describes itself so, if there is one.
    pub(super) fn method_at(&self, server: &AuthorizationServer) -> Option<&'static str> {
        choose(self.configured(), self.has(), server.token_endpoint_auth_methods_supported.as_deref()).ok()
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
        let signer = self.credentials.signer(&self.provider)?;
        if !signer.algorithms().contains(&Algorithm::ES256) {
            return Err(bad_key(&self.provider, BadKey::Algorithm { kind: signer.kind(), wanted: Algorithm::ES256 }));
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
        let signer = self.credentials.signer(&self.provider)?;
        let offered = self.takes(self.server().await?.token_endpoint_auth_signing_alg_values_supported.as_deref());
        let algorithm =
            signer.choose(self.demanded(), offered.as_deref()).map_err(|cause| bad_key(&self.provider, cause))?;
        let own = self.provider.private_key_id.as_ref();
        Ok(PrivateKeyJwt {
            client_id: self.client_id.clone(),
            audience: self.assertion_audience().await?,
            signer,
            algorithm,
            kid: own.or_else(|| self.provider.variables.get("key_id")).cloned(),
            certificate: self.credentials.thumbprint.clone(),
        })
    }

    /// The HMAC that the entry demands, else the first that the server takes, else the one that all have.
    async fn client_secret_jwt(&self) -> Result<ClientSecretJwt, Error> {
        const HMACS: [Algorithm; 3] = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
        let method = "client_secret_jwt";
        let offered = self.server().await?.token_endpoint_auth_signing_alg_values_supported.as_deref();
        let algorithm = match (self.demanded(), offered) {
            (Some(demanded), _) => HMACS.contains(&demanded).then_some(demanded),
            (None, Some(offered)) => {
                HMACS.into_iter().find(|algorithm| offered.iter().any(|name| name == algorithm.name()))
            }
            (None, None) => Some(Algorithm::HS256),
        };
        let wanted = || match self.demanded() {
            Some(demanded) => vec![demanded.name().to_owned()],
            None => offered.unwrap_or_default().to_vec(),
        };
        let none = || Error::Assertion { provider: self.provider.id.clone(), method, offered: wanted() };
        Ok(ClientSecretJwt {
            client_id: self.client_id.clone(),
            secret: self.secret_for(method)?,
            audience: self.assertion_audience().await?,
            algorithm: algorithm.ok_or_else(none)?,
        })
    }

    /// What the entry wants assertions signed with.
    fn demanded(&self) -> Option<Algorithm> {
        self.provider.token_endpoint_auth_signing_alg.as_deref().and_then(Algorithm::parse)
    }

    /// Whom assertions are for: one of the two names of the server, and always that one.
    ///
    /// # Specification
    /// RFC 7523 §3 (3); OpenID Connect Core §9; FAPI 2.0 Security Profile §5.3.3.
    async fn assertion_audience(&self) -> Result<String, Error> {
        let server = self.server().await?;
        let token_endpoint = || server.token_endpoint.as_ref().map(ToString::to_string);
        let (audience, what) = match self.provider.client_assertion_audience {
            words::AssertionAudience::Issuer => (server.issuer.clone(), "issuer"),
            _ => (token_endpoint().or_else(|| server.issuer.clone()), "token_endpoint"),
        };
        audience.ok_or_else(|| Error::Lacks { provider: self.provider.id.clone(), what })
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
                Ok(Some((chain, read_key(&self.provider, key, &self.system, &NoStore)?)))
            }
        }
    }
}
