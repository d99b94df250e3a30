//! Where the client shows its certificate, and the tokens that are bound to it.
//!
//! Metadata, keys, and whatever else anybody may ask for is fetched without it.

use std::sync::Arc;

use url::Url;

use super::{Client, Error};
use crate::protocol::confirmation::check_certificate;
use crate::protocol::metadata::AuthorizationServer;
use crate::protocol::token::TokenSet;
use crate::system::http::tls::Identity;
use crate::system::http::{Request, endpoint};

impl Client {
    /// The certificate that access tokens are to be bound to, and whose holder alone can use them.
    ///
    /// # Specification
    /// RFC 8705 §3, §3.4.
    pub fn bound_certificate(&self) -> Option<&Arc<Identity>> {
        let binds = self.provider.tls_client_certificate_bound_access_tokens == Some(true);
        self.credentials.identity.as_ref().filter(|_| binds)
    }

    /// Whether requests in this client's name show its certificate: to prove who it is, or to have tokens bound to it.
    fn shows_certificate(&self, server: &AuthorizationServer) -> bool {
        let proves = || self.method_at(server).is_some_and(|method| method.ends_with("tls_client_auth"));
        self.credentials.identity.is_some() && (self.bound_certificate().is_some() || proves())
    }

    /// Lays the endpoints that ask for certificates over their namesakes, where this client shows one. What a person set
    /// stays; who the tokens' person is is asked with the certificate only where tokens are bound to it.
    ///
    /// # Specification
    /// RFC 8705 §5.
    pub(super) fn aliased(&self, mut server: AuthorizationServer) -> AuthorizationServer {
        if !self.shows_certificate(&server) {
            return server;
        }
        let aliases = server.mtls_endpoint_aliases.clone();
        let lay = |name: &str, place: &mut Option<Url>, alias: Option<Url>| {
            if alias.is_some() && !self.pinned.by_hand(name) {
                *place = alias;
            }
        };
        lay("token_endpoint", &mut server.token_endpoint, aliases.token_endpoint);
        lay("revocation_endpoint", &mut server.revocation_endpoint, aliases.revocation_endpoint);
        lay("introspection_endpoint", &mut server.introspection_endpoint, aliases.introspection_endpoint);
        lay(
            "device_authorization_endpoint",
            &mut server.device_authorization_endpoint,
            aliases.device_authorization_endpoint,
        );
        lay(
            "backchannel_authentication_endpoint",
            &mut server.backchannel_authentication_endpoint,
            aliases.backchannel_authentication_endpoint,
        );
        lay(
            "pushed_authorization_request_endpoint",
            &mut server.pushed_authorization_request_endpoint,
            aliases.pushed_authorization_request_endpoint,
        );
        if self.bound_certificate().is_some() {
            lay("userinfo_endpoint", &mut server.userinfo_endpoint, aliases.userinfo_endpoint);
        }
        server
    }

    /// Has a request in this client's name show the certificate, if such requests do.
    ///
    /// # Errors
    /// [`Error::PlainEndpoint`] where it cannot be shown; why the server cannot be known.
    pub(super) async fn show_certificate(&self, request: &mut Request) -> Result<(), Error> {
        let Some(identity) = &self.credentials.identity else { return Ok(()) };
        if !self.shows_certificate(self.server().await?) {
            return Ok(());
        }
        if request.uri().scheme_str() != Some("https") {
            let shown = Url::parse(&request.uri().to_string()).map(|url| endpoint(&url)).unwrap_or_default();
            return Err(Error::PlainEndpoint { provider: self.provider.id.clone(), endpoint: shown });
        }
        identity.present(request);
        Ok(())
    }

    /// Has a request that carries a bound token show the certificate that it is bound to.
    pub fn show_bound_certificate<T>(&self, request: &mut ::http::Request<T>) {
        if let Some(identity) = self.bound_certificate().filter(|_| request.uri().scheme_str() == Some("https")) {
            identity.present(request);
        }
    }

    /// Checks that an access token is bound to the certificate where that is demanded, as far as a client can tell: what
    /// only the server can read is taken as it is.
    ///
    /// # Errors
    /// [`Error::Unbound`].
    ///
    /// # Specification
    /// RFC 8705 §3.1.
    pub fn check_bound(&self, tokens: &TokenSet) -> Result<(), Error> {
        let Some(identity) = self.bound_certificate() else { return Ok(()) };
        check_certificate(&tokens.access_token, identity.thumbprint())
            .map_err(|found| Error::Unbound { provider: self.provider.id.clone(), found })
    }
}
