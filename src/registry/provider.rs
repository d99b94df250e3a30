//! A provider's entry, typed and with its templates filled.

use std::collections::BTreeMap;

use url::Url;

use super::value::SecretSource;
use super::words::{
    AssertionAudience, BasicEncoding, ClientAuth, DeviceProfile, Discovery, DpopDowngrade, IssuerMatch, Loopback,
    Method, OAuthVersion, Pkce, Profile, Protocol, RefreshHow, RegistrationProfile, RequestFormat, ResponseFormat,
    ResponseMode, SignatureMethod, TokenIn, UserinfoFormat,
};

/// An address that is known, or known as soon as the callback or the token response is there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endpoint {
    /// An address.
    Fixed(Url),
    /// A template with `{callback.x}`, `{token.x}` or `{app.x}`; what fills it is checked like any address.
    RunTime(String),
}

impl Endpoint {
    /// The address, if it is known already.
    pub fn url(&self) -> Option<&Url> {
        match self {
            Self::Fixed(url) => Some(url),
            Self::RunTime(_) => None,
        }
    }
}

/// A provider as the registry defines it: one field for each key of an entry, named the same.
///
/// Addresses are `https`, or `http` on loopback hosts, without fragment and user name. `None` means not said; discovery
/// may know.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Provider {
    /// The identifier, by which commands name it.
    pub id: String,
    /// The name shown to people.
    pub name: String,
    /// What it speaks; left out, `oidc` with an issuer and `oauth2` without.
    pub protocol: Protocol,
    /// The user's client.
    pub client_id: Option<String>,
    /// Where its secret is.
    pub client_secret: Option<SecretSource>,
    /// What the provider offers, in its order of preference.
    pub grants: Vec<String>,
    /// What must be present before a login starts.
    pub profile: Option<Profile>,
    /// How the server is found, where it is each person's own.
    pub discovery: Option<Discovery>,
    /// Who knows the documents of `did:plc` (AT Protocol, "DID").
    pub plc_directory: Option<Url>,
    /// Who knows the DIDs of handles (AT Protocol, `com.atproto.identity.resolveHandle`); unset: as "Handle" says.
    pub handle_resolver: Option<Url>,
    /// The issuer, byte for byte.
    pub issuer: Option<String>,
    /// Where metadata is, if not below the issuer.
    pub discovery_url: Option<Url>,
    /// How the issuer is compared.
    pub issuer_match: IssuerMatch,
    /// RFC 6749 §3.1.
    pub authorization_endpoint: Option<Url>,
    /// RFC 6749 §3.2.
    pub token_endpoint: Option<Endpoint>,
    /// OpenID Connect Core §5.3.
    pub userinfo_endpoint: Option<Endpoint>,
    /// RFC 8628 §3.1.
    pub device_authorization_endpoint: Option<Url>,
    /// CIBA Core §4.
    pub backchannel_authentication_endpoint: Option<Url>,
    /// RFC 9126 §5.
    pub pushed_authorization_request_endpoint: Option<Url>,
    /// RFC 7009.
    pub revocation_endpoint: Option<Endpoint>,
    /// RFC 7662.
    pub introspection_endpoint: Option<Endpoint>,
    /// OpenID Connect RP-Initiated Logout.
    pub end_session_endpoint: Option<Url>,
    /// RFC 7591.
    pub registration_endpoint: Option<Url>,
    /// RFC 7517 §5.
    pub jwks_uri: Option<Url>,
    /// Where to refresh, if not at the token endpoint.
    pub refresh_endpoint: Option<Endpoint>,
    /// Where to poll in a device grant, if not at the token endpoint.
    pub device_token_endpoint: Option<Url>,
    /// RFC 5849 §2.1.
    pub request_token_endpoint: Option<Url>,
    /// RFC 5849 §3.4.
    pub signature_method: SignatureMethod,
    /// RFC 5849 §3.5.1.
    pub realm: Option<String>,
    /// With or without a verifier.
    pub oauth_version: OAuthVersion,
    /// What is asked for when nothing else is said.
    pub scopes: Vec<String>,
    /// Between scopes in requests.
    pub scope_separator: String,
    /// The name of the scope parameter.
    pub scope_param: String,
    /// How the client proves who it is.
    pub client_auth: ClientAuth,
    /// Whom client assertions are for.
    pub client_assertion_audience: AssertionAudience,
    /// What client assertions are signed with (OpenID Connect Registration §2).
    pub token_endpoint_auth_signing_alg: Option<String>,
    /// How user name and password are encoded in Basic authentication.
    pub basic_encoding: BasicEncoding,
    /// Proof key for code exchange.
    pub pkce: Pkce,
    /// How the authorization response travels; unset: in the query.
    pub response_mode: Option<ResponseMode>,
    /// RFC 9449 §5.2.
    pub dpop_bound_access_tokens: Option<bool>,
    /// What is done about tokens that are not bound all the same (RFC 9449 §5).
    pub dpop_downgrade: DpopDowngrade,
    /// RFC 9126 §6.
    pub require_pushed_authorization_requests: Option<bool>,
    /// RFC 9101 §10.5.
    pub require_signed_request_object: Option<bool>,
    /// OpenID Connect Registration §2.
    pub request_object_signing_alg: Option<String>,
    /// OpenID Connect Registration §2.
    pub request_object_encryption_alg: Option<String>,
    /// OpenID Connect Registration §2.
    pub request_object_encryption_enc: Option<String>,
    /// RFC 8705 §3.4.
    pub tls_client_certificate_bound_access_tokens: Option<bool>,
    /// JARM §3.
    pub authorization_signed_response_alg: Option<String>,
    /// JARM §3.
    pub authorization_encrypted_response_alg: Option<String>,
    /// OpenID Connect Registration §2.
    pub id_token_signed_response_alg: Option<String>,
    /// OpenID Connect Registration §2.
    pub id_token_encrypted_response_alg: Option<String>,
    /// OpenID Connect Registration §2.
    pub userinfo_signed_response_alg: Option<String>,
    /// OpenID Connect Registration §2.
    pub userinfo_encrypted_response_alg: Option<String>,
    /// What proves who the client is, signed by somebody else (RFC 7521 §4.2).
    pub client_assertion: Option<SecretSource>,
    /// The one algorithm that introspection answers may be signed with (RFC 9701 §6); they then must be signed.
    pub introspection_signed_response_alg: Option<String>,
    /// The client's key.
    pub private_key: Option<SecretSource>,
    /// The key's name at the server, and in a set of keys.
    pub private_key_id: Option<String>,
    /// What an encrypted key is opened with.
    pub private_key_passphrase: Option<SecretSource>,
    /// The client's key for what is encrypted for it, where that is another one.
    pub decryption_key: Option<SecretSource>,
    /// The client's certificate, with the chain above it.
    pub client_certificate: Option<SecretSource>,
    /// What grants need beyond the client, by parameter name (`assertion`, `username`, …).
    pub inputs: BTreeMap<&'static str, SecretSource>,
    /// How a client is registered without a person.
    pub registration: Registration,
    /// Extra parameters of the authorization request.
    pub authorize_params: BTreeMap<String, String>,
    /// Extra parameters of the token request.
    pub token_params: BTreeMap<String, String>,
    /// Extra parameters of the refresh request.
    pub refresh_params: BTreeMap<String, String>,
    /// The provider's names of standard parameters, by standard name.
    pub param_names: BTreeMap<String, String>,
    /// Appended to the authorization request's address as a fragment.
    pub authorize_fragment: Option<String>,
    /// The form of the token request.
    pub token_request: TokenRequest,
    /// The form of the token response.
    pub token_response: TokenResponse,
    /// A request made first.
    pub app_token: Option<AppToken>,
    /// Callback parameters that are stored with the session.
    pub callback_keep: Vec<String>,
    /// Token response members that are stored with the session.
    pub token_keep: Vec<String>,
    /// How a refresh token is asked for.
    pub refresh: Refresh,
    /// The form of the userinfo request.
    pub userinfo: Userinfo,
    /// Where the userinfo response says what.
    pub user: User,
    /// What names the session: a key of `user` or a dotted path.
    pub account: Option<String>,
    /// Hosts that tokens may be sent to, with those of the addresses above.
    pub hosts: Vec<String>,
    /// Variables that `exec` fills when it is not told otherwise.
    pub env: Vec<String>,
    /// The shape of the device grant.
    pub device: Device,
    /// What redirects the provider accepts.
    pub redirect: Redirect,
    /// Whether clients without a secret work.
    pub public_client: Option<bool>,
    /// Where the provider documents all this.
    pub docs: Option<String>,
    /// Where a client is registered.
    pub register: Option<String>,
    /// The values of the entry's variables; those without one are left out.
    pub variables: BTreeMap<String, String>,
    /// A state worth a warning.
    pub status: Option<String>,
    /// What else to know.
    pub notes: Option<String>,
}

impl Provider {
    /// The settings that waive or weaken a check, as `key = value`; what shows a provider or a session shows them.
    pub fn weakened(&self) -> Vec<String> {
        let pkce = matches!(self.pkce, Pkce::Plain | Pkce::Off);
        let plaintext = self.signature_method == SignatureMethod::Plaintext && self.protocol == Protocol::OAuth1;
        [
            (self.issuer_match == IssuerMatch::Template, "issuer_match", self.issuer_match.word()),
            (pkce, "pkce", self.pkce.word()),
            (self.client_auth == ClientAuth::Query, "client_auth", self.client_auth.word()),
            (self.userinfo.token_in == TokenIn::Query, "userinfo.token_in", self.userinfo.token_in.word()),
            (self.oauth_version == OAuthVersion::V1, "oauth_version", self.oauth_version.word()),
            (self.dpop_downgrade == DpopDowngrade::Bearer, "dpop_downgrade", self.dpop_downgrade.word()),
            (plaintext, "signature_method", self.signature_method.word()),
        ]
        .into_iter()
        .filter(|(weak, ..)| *weak)
        .map(|(_, key, word)| format!("{key} = {word}"))
        .collect()
    }
}

impl Provider {
    /// Variables of the environment in which the entry finds secrets; programs that are started do not get them.
    pub fn secret_variables(&self) -> Vec<String> {
        let sources = [
            &self.client_secret,
            &self.client_assertion,
            &self.private_key,
            &self.private_key_passphrase,
            &self.decryption_key,
            &self.client_certificate,
            &self.redirect.key,
            &self.registration.initial_access_token,
            &self.registration.software_statement,
        ];
        sources.into_iter().flatten().chain(self.inputs.values()).flat_map(SecretSource::variables).collect()
    }
}

/// How a client is registered without a person.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Registration {
    /// The protocol; unset: whatever the server's metadata offers.
    pub profile: Option<RegistrationProfile>,
    /// RFC 7591 §3.
    pub initial_access_token: Option<SecretSource>,
    /// RFC 7591 §2.3.
    pub software_statement: Option<SecretSource>,
}

/// The form of the token request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenRequest {
    /// POST by default.
    pub method: Method,
    /// Form-encoded by default.
    pub format: RequestFormat,
    /// Extra headers.
    pub headers: BTreeMap<String, String>,
}

/// The form of the token response.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenResponse {
    /// JSON by default.
    pub format: ResponseFormat,
    /// What a missing or odd `token_type` means.
    pub token_type: Option<String>,
    /// The dotted path to nested tokens.
    pub path: Option<String>,
    /// The provider's names of standard members, by standard name.
    pub names: BTreeMap<String, String>,
    /// Dotted paths at which errors are told, besides `error`.
    pub error_paths: Vec<String>,
}

/// A request made before all others, whose answer fills `{app.x}`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppToken {
    /// Where it goes.
    pub endpoint: Url,
    /// What it holds.
    pub params: BTreeMap<String, String>,
    /// The dotted path to what `{app.x}` means.
    pub path: Option<String>,
}

/// How a refresh token is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refresh {
    /// In which way.
    pub how: RefreshHow,
    /// The scope that asks for it.
    pub scope: Option<String>,
    /// The parameter that asks for it, as `name=value`.
    pub param: Option<String>,
    /// The `grant_type` of the refresh request, if not `refresh_token`.
    pub grant_type: Option<String>,
    /// The method of the refresh request, if not that of the token request.
    pub method: Option<Method>,
    /// Where the first token is exchanged, if not where later ones are.
    pub exchange_endpoint: Option<Endpoint>,
    /// The `grant_type` of that first exchange, if not that of later ones.
    pub exchange_grant_type: Option<String>,
}

/// The form of the userinfo request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Userinfo {
    /// GET by default.
    pub method: Method,
    /// Extra headers.
    pub headers: BTreeMap<String, String>,
    /// Parameters of the query.
    pub params: BTreeMap<String, String>,
    /// The body of a POST.
    pub body: Option<String>,
    /// The scheme before the token; `Bearer` by default.
    pub auth_scheme: String,
    /// Where the token is.
    pub token_in: TokenIn,
    /// The name of its parameter in the query.
    pub token_param: String,
    /// JSON by default.
    pub format: UserinfoFormat,
    /// A second place that tells the e-mail address.
    pub email_endpoint: Option<Endpoint>,
}

/// Dotted paths in the userinfo response; several are joined with a blank; `id_token:` before one means a claim.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct User {
    /// What never changes.
    pub id: Vec<String>,
    /// The person's name.
    pub name: Vec<String>,
    /// The name of the account.
    pub username: Vec<String>,
    /// The e-mail address.
    pub email: Vec<String>,
    /// The address of a picture.
    pub picture: Vec<String>,
}

/// The shape of the device grant.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Device {
    /// RFC 8628 by default.
    pub profile: DeviceProfile,
    /// The provider's names of standard members, by standard name.
    pub names: BTreeMap<String, String>,
}

/// What redirects the provider accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Redirect {
    /// Which ports.
    pub loopback: Loopback,
    /// `127.0.0.1` by default.
    pub host: String,
    /// The port where it is fixed; 28400 by default.
    pub port: u16,
    /// `/callback` by default.
    pub path: String,
    /// The whole value, where it is no address of ours.
    pub uri: Option<String>,
    /// Whether the provider takes `https` addresses only.
    pub https: bool,
    /// The certificate chain (PEM) of a listener that speaks TLS; the user's own.
    pub certificate: Option<SecretSource>,
    /// Its key (PEM).
    pub key: Option<SecretSource>,
    /// The redirect at which the provider's own page shows the code.
    pub oob: Option<String>,
}

#[cfg(test)]
mod tests {
    use crate::registry::testing;

    #[test]
    fn every_variable_that_holds_a_secret_is_named() {
        let keys = [
            "client_secret",
            "client_assertion",
            "private_key",
            "private_key_passphrase",
            "decryption_key",
            "client_certificate",
            "redirect.key",
            "registration.initial_access_token",
            "registration.software_statement",
            "password",
        ];
        let variable = |key: &str| key.replace('.', "_").to_uppercase();
        let entry: Vec<String> = keys.iter().map(|key| format!("{key} = {{ env = \"{}\" }}", variable(key))).collect();

        let endpoints = "authorization_endpoint = \"https://a.example/\"\ntoken_endpoint = \"https://a.example/t\"";
        let mut named = testing::provider(&format!("{endpoints}\n{}", entry.join("\n"))).secret_variables();
        named.sort_unstable();

        let mut expected = keys.map(variable);
        expected.sort_unstable();
        assert_eq!(named, expected);
    }
}
