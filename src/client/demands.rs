//! What an entry demands of the server, beside what the server says of itself: told before a person is asked for anything.

use super::{Client, Error};
use crate::protocol::atproto;
use crate::protocol::jose::Algorithm;
use crate::protocol::metadata::AuthorizationServer;
use crate::registry::Provider;
use crate::registry::words::{AssertionAudience, ClientAuth, Discovery, Pkce, Profile, ResponseMode};

/// The signatures that FAPI 2.0 allows (FAPI 2.0 Security Profile §5.4.1).
const FAPI2: [Algorithm; 4] = [Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA, Algorithm::Ed25519];

/// The metadata member that a server without pushed requests lacks.
const PUSHED: &str = "pushed_authorization_request_endpoint";

impl Client {
    /// Whether the server must be asked before a login, because the entry demands something of it.
    pub fn is_demanding(&self) -> bool {
        let provider = &self.provider;
        provider.profile.is_some()
            || provider.discovery.is_some()
            || provider.require_pushed_authorization_requests == Some(true)
            || provider.require_signed_request_object == Some(true)
            || provider.request_object_encryption_alg.is_some()
            || response_mode(provider).is_some_and(ResponseMode::is_signed)
    }

    /// Which of the signatures that the server `offered` to take this client makes: under FAPI 2.0, those of that profile.
    pub(super) fn takes(&self, offered: Option<&[String]>) -> Option<Vec<String>> {
        match (self.provider.profile, offered) {
            (Some(Profile::Fapi2), None) => Some(FAPI2.iter().map(|algorithm| algorithm.name().to_owned()).collect()),
            (Some(Profile::Fapi2), Some(offered)) => {
                let of_profile = |name: &&String| FAPI2.iter().any(|algorithm| algorithm.name() == name.as_str());
                Some(offered.iter().filter(of_profile).cloned().collect())
            }
            (_, offered) => offered.map(<[String]>::to_vec),
        }
    }

    /// Which of the signatures of a server this client accepts: under FAPI 2.0, those of that profile.
    pub(super) fn accepted(&self, allowed: Vec<Algorithm>) -> Vec<Algorithm> {
        let is_fapi2 = self.provider.profile == Some(Profile::Fapi2);
        allowed.into_iter().filter(|algorithm| !is_fapi2 || FAPI2.contains(algorithm)).collect()
    }

    /// Checks that `server` has everything that the entry and its profile demand.
    ///
    /// # Errors
    /// [`Error::ServerLacks`] with the first thing that is not there; [`Error::Contradiction`] when the entry itself says
    /// otherwise.
    ///
    /// # Specification
    /// RFC 9126 §5; JARM §4; RFC 9700 §2.1, §2.5 for the profile `strict`, and FAPI 2.0 Security Profile §5.3.2, §5.3.3 for
    /// `fapi2`, which demands all of that too; AT Protocol "OAuth", Server Metadata.
    pub fn check_demands(&self, server: &AuthorizationServer) -> Result<(), Error> {
        let provider = &self.provider;
        let lacks = |what: &'static str, demand: &str| {
            Err(Error::ServerLacks { provider: provider.id.clone(), what, demand: demand.to_owned() })
        };
        if let Some(profile) = provider.profile {
            check_profile(provider, profile, server)?;
        }
        if let Some(what) =
            provider.discovery.filter(|it| *it == Discovery::Atproto).and_then(|_| atproto::lacking(server))
        {
            return lacks(what, "discovery = \"atproto\"");
        }
        if provider.require_pushed_authorization_requests == Some(true)
            && server.pushed_authorization_request_endpoint.is_none()
        {
            return lacks(PUSHED, "require_pushed_authorization_requests");
        }
        if let (Some(name), Some(offered)) =
            (&provider.request_object_encryption_alg, &server.request_object_encryption_alg_values_supported)
            && !offered.contains(name)
        {
            let demand = format!("request_object_encryption_alg = \"{name}\"");
            return lacks("request_object_encryption_alg_values_supported", &demand);
        }
        if let (Some(mode), Some(offered)) =
            (response_mode(provider).filter(|mode| mode.is_signed()), &server.response_modes_supported)
            && !offered.iter().any(|offered| offered == mode.word())
        {
            return lacks("response_modes_supported", &format!("response_mode = \"{}\"", mode.word()));
        }
        Ok(())
    }
}

/// How the answer is to travel: as the entry says, and signed where it names an algorithm for that.
pub fn response_mode(provider: &Provider) -> Option<ResponseMode> {
    match (provider.response_mode, &provider.authorization_signed_response_alg) {
        (None, Some(_)) => Some(ResponseMode::Jwt),
        (Some(ResponseMode::FormPost), Some(_)) => Some(ResponseMode::FormPostJwt),
        (mode, _) => mode,
    }
}

fn check_profile(provider: &Provider, profile: Profile, server: &AuthorizationServer) -> Result<(), Error> {
    let demand = format!("profile = \"{}\"", profile.word());
    let lacks =
        |what: &'static str| Err(Error::ServerLacks { provider: provider.id.clone(), what, demand: demand.clone() });
    let weak = provider.weakened().into_iter().next();
    let weak = weak.or_else(|| (provider.pkce == Pkce::S256Hex).then(|| "pkce = S256-hex".to_owned()));
    if let Some(key) = weak {
        return Err(Error::Contradiction { provider: provider.id.clone(), key, demand });
    }
    if server.issuer.is_none() {
        return lacks("issuer");
    }
    match &server.code_challenge_methods_supported {
        Some(methods) if methods.iter().any(|method| method == "S256") => {}
        _ => return lacks("code_challenge_methods_supported with S256 (PKCE)"),
    }
    let signed = response_mode(provider).is_some_and(ResponseMode::is_signed);
    if !server.authorization_response_iss_parameter_supported && !signed {
        return lacks("authorization_response_iss_parameter_supported");
    }
    if profile == Profile::Fapi2 { check_fapi2(provider, server, &demand) } else { Ok(()) }
}

/// What FAPI 2.0 demands above the rest: pushed requests, tokens bound to their holder, a client that proves itself with a
/// key, and signatures that the profile allows.
fn check_fapi2(provider: &Provider, server: &AuthorizationServer, demand: &str) -> Result<(), Error> {
    let id = || provider.id.clone();
    let lacks = |what: &'static str| Err(Error::ServerLacks { provider: id(), what, demand: demand.to_owned() });
    let excluded = |key: String| Err(Error::Contradiction { provider: id(), key, demand: demand.to_owned() });
    if provider.require_pushed_authorization_requests == Some(false) {
        return excluded("require_pushed_authorization_requests = false".into());
    }
    if server.pushed_authorization_request_endpoint.is_none() {
        return lacks("pushed_authorization_request_endpoint (PAR)");
    }
    if provider.client_assertion_audience != AssertionAudience::Issuer {
        return excluded("client_assertion_audience".into());
    }
    let by_certificate = provider.tls_client_certificate_bound_access_tokens == Some(true);
    match (by_certificate, provider.dpop_bound_access_tokens) {
        (true, _) if !server.tls_client_certificate_bound_access_tokens => {
            return lacks("tls_client_certificate_bound_access_tokens");
        }
        (false, Some(false)) => return excluded("dpop_bound_access_tokens = false".into()),
        (false, _) if server.dpop_signing_alg_values_supported.is_none() => {
            return lacks("dpop_signing_alg_values_supported (DPoP)");
        }
        _ => {}
    }
    let methods = match provider.client_auth {
        ClientAuth::Auto if provider.client_secret.is_some() => return excluded("client_secret".into()),
        ClientAuth::Auto => &["private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"][..],
        ClientAuth::PrivateKeyJwt => &["private_key_jwt"],
        ClientAuth::TlsClientAuth => &["tls_client_auth"],
        ClientAuth::SelfSignedTlsClientAuth => &["self_signed_tls_client_auth"],
        other => return excluded(format!("client_auth = {}", other.word())),
    };
    if provider.private_key.is_none() {
        return Err(Error::Lacks { provider: id(), what: "private_key" });
    }
    let offered = server.token_endpoint_auth_methods_supported.as_deref().unwrap_or_default();
    if !offered.iter().any(|offered| methods.contains(&offered.as_str())) {
        return lacks("token_endpoint_auth_methods_supported with a method by key or certificate");
    }
    let algorithms = [
        ("id_token_signed_response_alg", &provider.id_token_signed_response_alg),
        ("userinfo_signed_response_alg", &provider.userinfo_signed_response_alg),
        ("authorization_signed_response_alg", &provider.authorization_signed_response_alg),
        ("request_object_signing_alg", &provider.request_object_signing_alg),
        ("token_endpoint_auth_signing_alg", &provider.token_endpoint_auth_signing_alg),
    ];
    let weak = |name: &str| !FAPI2.iter().any(|algorithm| algorithm.name() == name);
    let weak = algorithms.iter().find_map(|(key, name)| Some((key, name.as_deref().filter(|name| weak(name))?)));
    match weak {
        Some((key, name)) => excluded(format!("{key} = {name}")),
        None => Ok(()),
    }
}
