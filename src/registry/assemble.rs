//! From a definition to a [`Provider`]: types, defaults, filled templates, checked addresses.

use std::borrow::Cow;
use std::collections::BTreeMap;

use url::Url;

use super::definition::Definition;
use super::error::{Error, Invalid, Problem};
use super::provider::{
    AppToken, Device, Endpoint, Provider, Redirect, Refresh, Registration, TokenRequest, TokenResponse, User, Userinfo,
};
use super::schema::{self, INPUTS, Kind};
use super::template::{self, Fault};
use super::value::{Origin, SecretSource, Value};
use super::words::{
    AssertionAudience, BasicEncoding, ClientAuth, DeviceProfile, DpopDowngrade, IssuerMatch, Loopback, Method,
    OAuthVersion, Pkce, Profile, Protocol, RefreshHow, RegistrationProfile, RequestFormat, ResponseFormat,
    ResponseMode, SignatureMethod, TokenIn, UserinfoFormat,
};
use crate::system::http::check_url;

/// The port of entries that need a fixed one and name none: one for all, so that what was registered stays right.
const DEFAULT_PORT: u16 = 28400;

impl Definition {
    /// The typed provider, templates filled.
    ///
    /// # Errors
    /// [`Error::MissingVariable`] when only the user can give what is missing; [`Error::Invalid`] with place and key
    /// for everything that is wrong.
    pub fn provider(&self) -> Result<Provider, Error> {
        self.check()?;
        let protocol = self.protocol();
        self.check_protocol(protocol)?;
        let provider = self.with_profile(self.assemble(protocol)?);
        let complete = match protocol {
            Protocol::Oidc => provider.issuer.is_some(),
            Protocol::OAuth2 => {
                provider.issuer.is_some() || provider.discovery_url.is_some() || provider.token_endpoint.is_some()
            }
            Protocol::OAuth1 => provider.request_token_endpoint.is_some() && provider.token_endpoint.is_some(),
        };
        if complete {
            return Ok(provider);
        }
        match self.missing_variables().into_iter().next() {
            Some(missing) => Err(Error::MissingVariable {
                provider: self.id.clone(),
                variable: missing.name,
                prompt: missing.prompt,
                example: missing.example,
            }),
            None => Ok(provider),
        }
    }

    /// Whether every value is there that only the user can give; the client is not looked at.
    ///
    /// Built-in entries are not typed for it: that they can be is what their tests show.
    ///
    /// # Errors
    /// As [`provider`](Self::provider), but for missing variables.
    pub fn is_complete(&self) -> Result<bool, Error> {
        if self.settings.values().all(|setting| setting.place.origin == Origin::Bundled) {
            return Ok(self.missing_variables().is_empty());
        }
        match self.provider() {
            Ok(_) => Ok(self.variable_names().into_iter().all(|name| self.variable(name).is_some())),
            Err(Error::MissingVariable { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The protocol that it says, or that its keys imply.
    pub fn protocol(&self) -> Protocol {
        match self.text("protocol").and_then(Protocol::parse) {
            Some(protocol) => protocol,
            None if self.settings.contains_key("issuer") => Protocol::Oidc,
            None => Protocol::OAuth2,
        }
    }

    /// Refuses fields that mean nothing to the protocol: whoever wrote them expects an effect.
    fn check_protocol(&self, protocol: Protocol) -> Result<(), Error> {
        let oauth1: &[&str] = match self.variable_names().contains("realm") {
            true => &["request_token_endpoint", "signature_method", "oauth_version"],
            false => &["request_token_endpoint", "signature_method", "oauth_version", "realm"],
        };
        let (foreign, reason) = match protocol {
            Protocol::OAuth1 => (
                &["issuer", "discovery", "discovery_url", "device_authorization_endpoint", "jwks_uri"][..],
                "`protocol` is `oauth1`, which does not know it",
            ),
            Protocol::Oidc | Protocol::OAuth2 => (oauth1, "it belongs to `protocol = \"oauth1\"`"),
        };
        match foreign.iter().find(|key| self.settings.contains_key(**key)) {
            Some(key) => Err(self.refused(key, reason)),
            None => Ok(()),
        }
    }

    fn refused(&self, key: &str, reason: impl Into<String>) -> Error {
        let place = self.settings.get(key).map_or(Origin::Default.into(), |setting| setting.place.clone());
        let problem = Problem::Refused(reason.into());
        Box::new(Invalid { provider: Some(self.id.clone()), key: key.into(), place, problem }).into()
    }

    fn fault(&self, key: &str, fault: Fault) -> Error {
        match fault {
            Fault::Missing(name) => {
                let missing = self.describe(&name);
                Error::MissingVariable {
                    provider: self.id.clone(),
                    variable: missing.name,
                    prompt: missing.prompt,
                    example: missing.example,
                }
            }
            Fault::Undeclared(name) => self.refused(key, format!("`variables` does not declare `{name}`")),
            Fault::RunTime(name) => self.refused(key, format!("`{{{name}}}` is not known yet when this is used")),
            Fault::Value { variable, reason } if self.settings.contains_key(variable.as_str()) => {
                self.refused(&variable, reason)
            }
            Fault::Value { variable, reason } => self.refused(&format!("variables.{variable}.default"), reason),
        }
    }

    fn lookup(&self, name: &str) -> Option<Option<Cow<'_, str>>> {
        match self.variable(name) {
            Some(value) => Some(Some(value.into())),
            // A header or parameter may repeat the client's ID. Nothing is sent as long as there is none.
            None if name == "client_id" => Some(Some("".into())),
            None => self.variable_names().contains(name).then_some(None),
        }
    }

    fn owned(&self, key: &str) -> Option<String> {
        self.text(key).map(String::from)
    }

    fn word<T>(&self, key: &str, parse: fn(&str) -> Option<T>) -> Option<T> {
        self.text(key).and_then(parse)
    }

    fn flag(&self, key: &str) -> Option<bool> {
        match self.value(key) {
            Some(Value::Bool(flag)) => Some(*flag),
            _ => None,
        }
    }

    fn list(&self, key: &str) -> Vec<String> {
        match self.value(key) {
            Some(Value::List(items)) => items.iter().map(|item| item.clone().into_owned()).collect(),
            Some(Value::Text(text)) => vec![text.clone().into_owned()],
            _ => Vec::new(),
        }
    }

    fn secret(&self, key: &str) -> Option<SecretSource> {
        match self.value(key) {
            Some(Value::Secret(source)) => Some(source.clone()),
            _ => None,
        }
    }

    /// The filled address under `key`, as text.
    fn address(&self, key: &str) -> Result<Option<String>, Error> {
        let Some(text) = self.text(key) else { return Ok(None) };
        let run_time = matches!(schema::leaf(key), Some(Kind::Endpoint(true)));
        let filled = template::fill_address(text, run_time, &|name| self.lookup(name));
        filled.map(Some).map_err(|fault| self.fault(key, fault))
    }

    /// Scheme, host and port of the server, if they are known already.
    pub(super) fn server(&self) -> Option<url::Origin> {
        let url = |key| Url::parse(&self.address(key).ok()??).ok();
        ["token_endpoint", "issuer"].into_iter().find_map(url).map(|url| url.origin())
    }

    fn checked(&self, key: &str, text: &str) -> Result<Url, Error> {
        if text.bytes().any(|byte| matches!(byte, b'{' | b'}' | b'\\')) {
            return Err(self.refused(key, "it holds braces that are no placeholder, or a backslash"));
        }
        let url = Url::parse(text).map_err(|error| self.refused(key, format!("it is no address ({error})")))?;
        check_url(&url).map_err(|error| self.refused(key, error.to_string()))?;
        Ok(url)
    }

    fn url(&self, key: &str) -> Result<Option<Url>, Error> {
        let Some(text) = self.address(key)? else { return Ok(None) };
        let url = self.checked(key, &text)?;
        if url.fragment().is_some() {
            return Err(self.refused(key, "an endpoint has no fragment (RFC 6749 §3.1)"));
        }
        Ok(Some(url))
    }

    fn endpoint(&self, key: &str) -> Result<Option<Endpoint>, Error> {
        let Some(text) = self.address(key)? else { return Ok(None) };
        if template::pieces(&text).iter().any(|piece| matches!(piece, template::Piece::RunTime(_))) {
            // A scheme that is written out is checked now; the rest when it is known.
            let before = text.split('{').next().unwrap_or_default();
            // A server that is written out whole may be one on this machine.
            let is_local = before.starts_with("http://")
                && before.matches('/').count() >= 3
                && Url::parse(before).is_ok_and(|url| check_url(&url).is_ok());
            if text.contains('#') || !(text.starts_with("https://") || text.starts_with('{') || is_local) {
                return Err(self.refused(key, "it must start with `https://` or a placeholder and have no fragment"));
            }
            return Ok(Some(Endpoint::RunTime(text)));
        }
        Ok(self.url(key)?.map(Endpoint::Fixed))
    }

    /// The issuer stays as it was written: it is compared byte for byte.
    fn issuer(&self) -> Result<Option<String>, Error> {
        let Some(text) = self.address("issuer")? else { return Ok(None) };
        let url = self.checked("issuer", &text)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(self.refused("issuer", "an issuer has neither query nor fragment (RFC 8414 §2)"));
        }
        Ok(Some(text))
    }

    /// A page for people; without the variables' values it is left out.
    fn page(&self, key: &str) -> Result<Option<String>, Error> {
        match self.address(key) {
            Err(Error::MissingVariable { .. }) | Ok(None) => Ok(None),
            Err(error) => Err(error),
            Ok(Some(text)) => self.checked(key, &text).map(|_| Some(text)),
        }
    }

    fn filled(&self, key: &str) -> Result<Option<String>, Error> {
        let Some(text) = self.text(key) else { return Ok(None) };
        let run_time = matches!(schema::leaf(key), Some(Kind::Template(true)));
        let filled = template::fill_text(text, run_time, &|name| self.lookup(name));
        filled.map(Some).map_err(|fault| self.fault(key, fault))
    }

    /// The items of a map by name, filled where they are templates.
    fn map(&self, key: &str) -> Result<BTreeMap<String, String>, Error> {
        let prefix = format!("{key}.");
        let mut map = BTreeMap::new();
        for dotted in self.below(&prefix) {
            let name = &dotted[prefix.len()..];
            if key.ends_with("headers") && http::HeaderName::from_bytes(name.as_bytes()).is_err() {
                return Err(self.refused(dotted, "it is no name of a header"));
            }
            if let Some(text) = self.filled(dotted)? {
                map.insert(name.into(), text);
            }
        }
        Ok(map)
    }

    fn hosts(&self) -> Result<Vec<String>, Error> {
        let fill = |host: String| {
            let filled =
                template::fill_host(&host, &|name| self.lookup(name)).map_err(|fault| self.fault("hosts", fault))?;
            match super::checks::host(&filled) {
                Some(reason) => Err(self.refused("hosts", reason)),
                None => Ok(filled.to_ascii_lowercase()),
            }
        };
        self.list("hosts").into_iter().map(fill).collect()
    }

    /// The grants that it says, or that its protocol and endpoints imply.
    pub fn grants(&self) -> Vec<String> {
        let grants = self.list("grants");
        match self.protocol() {
            _ if !grants.is_empty() => grants,
            Protocol::OAuth1 => vec!["oauth1".into()],
            Protocol::Oidc | Protocol::OAuth2 if self.settings.contains_key("device_authorization_endpoint") => {
                vec!["authorization_code".into(), "device_code".into()]
            }
            Protocol::Oidc | Protocol::OAuth2 => vec!["authorization_code".into()],
        }
    }

    #[allow(clippy::too_many_lines, reason = "one line for each field, in the order of the type")]
    fn assemble(&self, protocol: Protocol) -> Result<Provider, Error> {
        Ok(Provider {
            id: self.id.clone(),
            name: self.owned("name").unwrap_or_else(|| self.id.clone()),
            protocol,
            client_id: self.owned("client_id"),
            client_secret: self.secret("client_secret"),
            grants: self.grants(),
            profile: self.word("profile", Profile::parse),
            discovery: self.discovery(),
            plc_directory: self.url("plc_directory")?,
            handle_resolver: self.url("handle_resolver")?,
            issuer: self.issuer()?,
            discovery_url: self.url("discovery_url")?,
            issuer_match: self.word("issuer_match", IssuerMatch::parse).unwrap_or(IssuerMatch::Exact),
            authorization_endpoint: self.url("authorization_endpoint")?,
            token_endpoint: self.endpoint("token_endpoint")?,
            userinfo_endpoint: self.endpoint("userinfo_endpoint")?,
            device_authorization_endpoint: self.url("device_authorization_endpoint")?,
            backchannel_authentication_endpoint: self.url("backchannel_authentication_endpoint")?,
            pushed_authorization_request_endpoint: self.url("pushed_authorization_request_endpoint")?,
            revocation_endpoint: self.endpoint("revocation_endpoint")?,
            introspection_endpoint: self.endpoint("introspection_endpoint")?,
            end_session_endpoint: self.url("end_session_endpoint")?,
            registration_endpoint: self.url("registration_endpoint")?,
            jwks_uri: self.url("jwks_uri")?,
            refresh_endpoint: self.endpoint("refresh_endpoint")?,
            device_token_endpoint: self.url("device_token_endpoint")?,
            request_token_endpoint: self.url("request_token_endpoint")?,
            signature_method: self
                .word("signature_method", SignatureMethod::parse)
                .unwrap_or(SignatureMethod::HmacSha1),
            realm: self.owned("realm").filter(|_| protocol == Protocol::OAuth1),
            oauth_version: self.word("oauth_version", OAuthVersion::parse).unwrap_or(OAuthVersion::V1a),
            scopes: self.scopes(protocol),
            scope_separator: self.owned("scope_separator").unwrap_or_else(|| " ".into()),
            scope_param: self.owned("scope_param").unwrap_or_else(|| "scope".into()),
            client_auth: self.word("client_auth", ClientAuth::parse).unwrap_or(ClientAuth::Auto),
            client_assertion_audience: self
                .word("client_assertion_audience", AssertionAudience::parse)
                .unwrap_or(AssertionAudience::TokenEndpoint),
            token_endpoint_auth_signing_alg: self.owned("token_endpoint_auth_signing_alg"),
            basic_encoding: self.word("basic_encoding", BasicEncoding::parse).unwrap_or(BasicEncoding::Form),
            pkce: self.word("pkce", Pkce::parse).unwrap_or(Pkce::S256),
            response_mode: self.word("response_mode", ResponseMode::parse),
            dpop_bound_access_tokens: self.flag("dpop_bound_access_tokens"),
            dpop_downgrade: self.word("dpop_downgrade", DpopDowngrade::parse).unwrap_or(DpopDowngrade::Refuse),
            require_pushed_authorization_requests: self.flag("require_pushed_authorization_requests"),
            require_signed_request_object: self.flag("require_signed_request_object"),
            request_object_signing_alg: self.owned("request_object_signing_alg"),
            request_object_encryption_alg: self.owned("request_object_encryption_alg"),
            request_object_encryption_enc: self.owned("request_object_encryption_enc"),
            tls_client_certificate_bound_access_tokens: self.flag("tls_client_certificate_bound_access_tokens"),
            authorization_signed_response_alg: self.owned("authorization_signed_response_alg"),
            authorization_encrypted_response_alg: self.owned("authorization_encrypted_response_alg"),
            id_token_signed_response_alg: self.owned("id_token_signed_response_alg"),
            id_token_encrypted_response_alg: self.owned("id_token_encrypted_response_alg"),
            userinfo_signed_response_alg: self.owned("userinfo_signed_response_alg"),
            userinfo_encrypted_response_alg: self.owned("userinfo_encrypted_response_alg"),
            client_assertion: self.secret("client_assertion"),
            introspection_signed_response_alg: self.owned("introspection_signed_response_alg"),
            private_key: self.secret("private_key"),
            private_key_id: self.owned("private_key_id"),
            private_key_passphrase: self.secret("private_key_passphrase"),
            decryption_key: self.secret("decryption_key"),
            client_certificate: self.secret("client_certificate"),
            inputs: INPUTS.iter().filter_map(|name| Some((*name, self.secret(name)?))).collect(),
            registration: self.registration(),
            authorize_params: self.map("authorize_params")?,
            token_params: self.map("token_params")?,
            refresh_params: self.map("refresh_params")?,
            param_names: self.map("param_names")?,
            authorize_fragment: self.owned("authorize_fragment"),
            token_request: self.token_request()?,
            token_response: self.token_response()?,
            app_token: self.app_token()?,
            callback_keep: self.list("callback_keep"),
            token_keep: self.list("token_keep"),
            refresh: self.refresh()?,
            userinfo: self.userinfo()?,
            user: self.user(protocol),
            account: self.owned("account"),
            hosts: self.hosts()?,
            env: self.list("env"),
            device: self.device()?,
            redirect: self.redirect()?,
            public_client: self.flag("public_client"),
            docs: self.page("docs")?,
            register: self.page("register")?,
            variables: self.variable_values(),
            status: self.owned("status"),
            notes: self.owned("notes"),
        })
    }

    fn registration(&self) -> Registration {
        Registration {
            profile: self.word("registration.profile", RegistrationProfile::parse),
            initial_access_token: self.secret("registration.initial_access_token"),
            software_statement: self.secret("registration.software_statement"),
        }
    }

    fn token_request(&self) -> Result<TokenRequest, Error> {
        Ok(TokenRequest {
            method: self.word("token_request.method", Method::parse).unwrap_or(Method::Post),
            format: self.word("token_request.format", RequestFormat::parse).unwrap_or(RequestFormat::Form),
            headers: self.map("token_request.headers")?,
        })
    }

    fn token_response(&self) -> Result<TokenResponse, Error> {
        Ok(TokenResponse {
            format: self.word("token_response.format", ResponseFormat::parse).unwrap_or(ResponseFormat::Json),
            token_type: self.owned("token_response.token_type"),
            path: self.owned("token_response.path"),
            names: self.map("token_response.names")?,
            error_paths: self.list("token_response.error_paths"),
        })
    }

    fn app_token(&self) -> Result<Option<AppToken>, Error> {
        let Some(endpoint) = self.url("app_token.endpoint")? else { return Ok(None) };
        Ok(Some(AppToken { endpoint, params: self.map("app_token.params")?, path: self.owned("app_token.path") }))
    }

    fn variable_values(&self) -> BTreeMap<String, String> {
        let names = self.variable_names().into_iter();
        names.filter_map(|name| Some((name.to_owned(), self.variable(name)?.to_owned()))).collect()
    }

    fn refresh(&self) -> Result<Refresh, Error> {
        Ok(Refresh {
            how: self.word("refresh.how", RefreshHow::parse).unwrap_or(RefreshHow::Auto),
            scope: self.owned("refresh.scope"),
            param: self.owned("refresh.param"),
            grant_type: self.owned("refresh.grant_type"),
            method: self.word("refresh.method", Method::parse),
            exchange_endpoint: self.endpoint("refresh.exchange_endpoint")?,
            exchange_grant_type: self.owned("refresh.exchange_grant_type"),
        })
    }

    fn userinfo(&self) -> Result<Userinfo, Error> {
        Ok(Userinfo {
            method: self.word("userinfo.method", Method::parse).unwrap_or(Method::Get),
            headers: self.map("userinfo.headers")?,
            params: self.map("userinfo.params")?,
            body: self.filled("userinfo.body")?,
            auth_scheme: self.owned("userinfo.auth_scheme").unwrap_or_else(|| "Bearer".into()),
            token_in: self.word("userinfo.token_in", TokenIn::parse).unwrap_or(TokenIn::Header),
            token_param: self.owned("userinfo.token_param").unwrap_or_else(|| "access_token".into()),
            format: self.word("userinfo.format", UserinfoFormat::parse).unwrap_or(UserinfoFormat::Json),
            email_endpoint: self.endpoint("userinfo.email_endpoint")?,
        })
    }

    /// Without `openid` it would not be OpenID Connect (Core §3.1.2.1); an empty list says that this is meant.
    fn scopes(&self, protocol: Protocol) -> Vec<String> {
        match self.settings.contains_key("scopes") {
            false if protocol == Protocol::Oidc => vec!["openid".into()],
            _ => self.list("scopes"),
        }
    }

    /// What the entry says, else the standard claims (OpenID Connect Core §5.1).
    fn user(&self, protocol: Protocol) -> User {
        if protocol == Protocol::Oidc && self.below("user.").next().is_none() {
            let claim = |name: &str| vec![name.to_owned()];
            return User {
                id: claim("sub"),
                name: claim("name"),
                username: claim("preferred_username"),
                email: claim("email"),
                picture: claim("picture"),
            };
        }
        User {
            id: self.list("user.id"),
            name: self.list("user.name"),
            username: self.list("user.username"),
            email: self.list("user.email"),
            picture: self.list("user.picture"),
        }
    }

    fn device(&self) -> Result<Device, Error> {
        Ok(Device {
            profile: self.word("device.profile", DeviceProfile::parse).unwrap_or(DeviceProfile::Rfc8628),
            names: self.map("device.names")?,
        })
    }

    fn redirect(&self) -> Result<Redirect, Error> {
        let uri = self.owned("redirect.uri");
        if uri.as_deref().is_some_and(|uri| uri.contains('#')) {
            return Err(self.refused("redirect.uri", "a redirect URI has no fragment (RFC 6749 §3.1.2)"));
        }
        Ok(Redirect {
            loopback: self.word("redirect.loopback", Loopback::parse).unwrap_or(Loopback::AnyPort),
            host: self.owned("redirect.host").unwrap_or_else(|| "127.0.0.1".into()),
            port: match self.value("redirect.port") {
                Some(Value::Int(port)) => u16::try_from(*port).unwrap_or(DEFAULT_PORT),
                _ => DEFAULT_PORT,
            },
            path: self.owned("redirect.path").unwrap_or_else(|| "/callback".into()),
            uri,
            https: self.flag("redirect.https").unwrap_or(false),
            certificate: self.secret("redirect.certificate"),
            key: self.secret("redirect.key"),
            oob: self.owned("redirect.oob"),
        })
    }
}
