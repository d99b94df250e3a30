//! What an authorization server says about itself.

use serde_json::{Map, Value};
use url::{Host, Url};

use super::{Error, jose};
use crate::system::http::{check_url, is_loopback};

/// What errors call it.
const DOCUMENT: &str = "metadata document";

/// Endpoint members that are read; each must be an address that may be used.
const ENDPOINTS: [&str; 12] = [
    "authorization_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
    "jwks_uri",
    "revocation_endpoint",
    "introspection_endpoint",
    "end_session_endpoint",
    "device_authorization_endpoint",
    "registration_endpoint",
    "backchannel_authentication_endpoint",
    "pushed_authorization_request_endpoint",
    "app_registration_endpoint",
];

/// Those that ask for a certificate.
const ALIASES: &str = "mtls_endpoint_aliases";

/// How the issuer in a document, and in tokens, is compared with the one that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IssuerMatch {
    /// Byte for byte.
    #[default]
    Exact,
    /// The document's issuer is a template with `{tenantid}`, as that of a server for many tenants; a named waiver of an
    /// entry, shown with the session.
    Template,
}

/// Endpoints that ask for the client's certificate, in place of those of the same name.
///
/// # Specification
/// RFC 8705 §5.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MtlsEndpointAliases {
    /// Where tokens are obtained.
    pub token_endpoint: Option<Url>,
    /// Where an access token tells who it is for.
    pub userinfo_endpoint: Option<Url>,
    /// Where tokens are revoked.
    pub revocation_endpoint: Option<Url>,
    /// Where tokens are inspected.
    pub introspection_endpoint: Option<Url>,
    /// Where authorization requests are pushed.
    pub pushed_authorization_request_endpoint: Option<Url>,
    /// Where device codes are obtained.
    pub device_authorization_endpoint: Option<Url>,
    /// Where a person is asked away from this machine.
    pub backchannel_authentication_endpoint: Option<Url>,
}

/// Authorization server metadata: the members that are used.
///
/// # Specification
/// RFC 8414 §2; OpenID Connect Discovery §3; RFC 9207 §3.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AuthorizationServer {
    /// Who it is.
    pub issuer: Option<String>,
    /// Where the browser is sent.
    pub authorization_endpoint: Option<Url>,
    /// Where tokens are obtained.
    pub token_endpoint: Option<Url>,
    /// Where an access token tells who it is for.
    pub userinfo_endpoint: Option<Url>,
    /// Where the server's keys are.
    pub jwks_uri: Option<Url>,
    /// Where tokens are revoked.
    pub revocation_endpoint: Option<Url>,
    /// Where tokens are inspected.
    pub introspection_endpoint: Option<Url>,
    /// Where a person is logged out.
    pub end_session_endpoint: Option<Url>,
    /// Where device codes are obtained.
    pub device_authorization_endpoint: Option<Url>,
    /// Where clients are registered.
    pub registration_endpoint: Option<Url>,
    /// Where a person is asked away from this machine (CIBA Core §4).
    pub backchannel_authentication_endpoint: Option<Url>,
    /// Where authorization requests are pushed (RFC 9126 §5).
    pub pushed_authorization_request_endpoint: Option<Url>,
    /// Where Mastodon registers applications (Mastodon, "OAuth 2.0 Authorization Server Metadata").
    pub app_registration_endpoint: Option<Url>,
    /// What authorization requests may ask for (RFC 8414 §2).
    pub response_types_supported: Option<Vec<String>>,
    /// Whether `request_uri` must be registered, where that is said (OpenID Connect Discovery §3).
    pub require_request_uri_registration: Option<bool>,
    /// Whether only pushed requests are taken (RFC 9126 §5).
    pub require_pushed_authorization_requests: bool,
    /// Whether access tokens can be bound to client certificates (RFC 8705 §3.3).
    pub tls_client_certificate_bound_access_tokens: bool,
    /// Whether only signed requests are taken (RFC 9101 §10.5).
    pub require_signed_request_object: bool,
    /// What request objects may be signed with (OpenID Connect Discovery §3).
    pub request_object_signing_alg_values_supported: Option<Vec<String>>,
    /// Which keys request objects may be encrypted with (OpenID Connect Discovery §3).
    pub request_object_encryption_alg_values_supported: Option<Vec<String>>,
    /// How their content may be encrypted (OpenID Connect Discovery §3).
    pub request_object_encryption_enc_values_supported: Option<Vec<String>>,
    /// How answers may travel (OAuth 2.0 Multiple Response Type Encoding Practices §2.1).
    pub response_modes_supported: Option<Vec<String>>,
    /// What authorization responses may be signed with (JARM §4).
    pub authorization_signing_alg_values_supported: Option<Vec<String>>,
    /// Scopes.
    pub scopes_supported: Option<Vec<String>>,
    /// PKCE methods.
    pub code_challenge_methods_supported: Option<Vec<String>>,
    /// Client authentication at the token endpoint.
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// What client assertions may be signed with.
    pub token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
    /// What proofs may be signed with (RFC 9449 §5.1).
    pub dpop_signing_alg_values_supported: Option<Vec<String>>,
    /// Algorithms of ID tokens.
    pub id_token_signing_alg_values_supported: Option<Vec<String>>,
    /// Where the server takes client certificates.
    pub mtls_endpoint_aliases: MtlsEndpointAliases,
    /// Whether `iss` comes with every redirect.
    pub authorization_response_iss_parameter_supported: bool,
    /// Grants.
    pub grant_types_supported: Option<Vec<String>>,
    /// Whether a client may be described by the document at its identifier (Client ID Metadata Document §5).
    pub client_id_metadata_document_supported: bool,
}

impl AuthorizationServer {
    /// Reads a document about `expected`.
    ///
    /// # Errors
    /// [`Error::MetadataIssuer`] when it is about another issuer; [`Error::Field`] for a wrong type in a member that is
    /// used; [`Error::MetadataEndpoint`] for an endpoint that must not be used.
    ///
    /// # Specification
    /// RFC 8414 §3.3; OpenID Connect Discovery §4.3.
    pub fn read(document: &Map<String, Value>, expected: &str, how: IssuerMatch) -> Result<Self, Error> {
        let issuer = text(document, "issuer")?.ok_or_else(|| field("issuer", "is missing"))?;
        let agrees = match how {
            IssuerMatch::Exact => issuer == expected,
            IssuerMatch::Template => same_host(issuer, expected),
        };
        if !agrees {
            return Err(Error::MetadataIssuer { expected: expected.to_owned(), found: jose::excerpt(issuer) });
        }
        let [
            authorization,
            token,
            userinfo,
            jwks,
            revocation,
            introspection,
            end_session,
            device,
            registration,
            backchannel,
            pushed,
            apps,
        ] = ENDPOINTS.map(|name| endpoint(document, name, expected));
        Ok(Self {
            issuer: Some(issuer.to_owned()),
            authorization_endpoint: authorization?,
            token_endpoint: token?,
            userinfo_endpoint: userinfo?,
            jwks_uri: jwks?,
            revocation_endpoint: revocation?,
            introspection_endpoint: introspection?,
            end_session_endpoint: end_session?,
            device_authorization_endpoint: device?,
            registration_endpoint: registration?,
            backchannel_authentication_endpoint: backchannel?,
            pushed_authorization_request_endpoint: pushed?,
            app_registration_endpoint: apps?,
            response_types_supported: list(document, "response_types_supported")?,
            require_request_uri_registration: document.get("require_request_uri_registration").and_then(Value::as_bool),
            require_pushed_authorization_requests: flag(document, "require_pushed_authorization_requests")?,
            tls_client_certificate_bound_access_tokens: flag(document, "tls_client_certificate_bound_access_tokens")?,
            require_signed_request_object: flag(document, "require_signed_request_object")?,
            request_object_signing_alg_values_supported: list(document, "request_object_signing_alg_values_supported")?,
            request_object_encryption_alg_values_supported: list(
                document,
                "request_object_encryption_alg_values_supported",
            )?,
            request_object_encryption_enc_values_supported: list(
                document,
                "request_object_encryption_enc_values_supported",
            )?,
            response_modes_supported: list(document, "response_modes_supported")?,
            authorization_signing_alg_values_supported: list(document, "authorization_signing_alg_values_supported")?,
            scopes_supported: list(document, "scopes_supported")?,
            code_challenge_methods_supported: list(document, "code_challenge_methods_supported")?,
            token_endpoint_auth_methods_supported: list(document, "token_endpoint_auth_methods_supported")?,
            token_endpoint_auth_signing_alg_values_supported: list(
                document,
                "token_endpoint_auth_signing_alg_values_supported",
            )?,
            dpop_signing_alg_values_supported: list(document, "dpop_signing_alg_values_supported")?,
            id_token_signing_alg_values_supported: list(document, "id_token_signing_alg_values_supported")?,
            mtls_endpoint_aliases: aliases(document, expected)?,
            authorization_response_iss_parameter_supported: flag(
                document,
                "authorization_response_iss_parameter_supported",
            )?,
            grant_types_supported: list(document, "grant_types_supported")?,
            client_id_metadata_document_supported: flag(document, "client_id_metadata_document_supported")?,
        })
    }

    /// Checks that PKCE with S256 is not known to be impossible.
    ///
    /// # Errors
    /// [`Error::NoS256`] when the server lists methods and S256 is not among them.
    ///
    /// # Specification
    /// RFC 9700 §2.1.1; RFC 8414 §2.
    pub fn check_s256(&self) -> Result<(), Error> {
        match &self.code_challenge_methods_supported {
            Some(methods) if !methods.iter().any(|method| method == "S256") => {
                Err(Error::NoS256 { found: methods.iter().take(8).map(|method| jose::excerpt(method)).collect() })
            }
            _ => Ok(()),
        }
    }
}

/// `primary` with the members that only `secondary` has.
///
/// Both documents are about one issuer; servers exist whose OpenID Connect document lacks endpoints of the other.
pub fn merged(primary: &Map<String, Value>, secondary: &Map<String, Value>) -> Map<String, Value> {
    let mut both = primary.clone();
    for (name, value) in secondary {
        if both.get(name).is_none_or(Value::is_null) {
            both.insert(name.clone(), value.clone());
        }
    }
    both
}

/// Whether a document lacks an endpoint that another one might have.
pub fn is_partial(document: &Map<String, Value>) -> bool {
    let wanted = ["authorization_endpoint", "token_endpoint", "revocation_endpoint", "jwks_uri"];
    wanted.iter().any(|name| document.get(*name).is_none_or(Value::is_null))
}

/// Where the documents of `issuer` may be: those of OpenID Connect, then those of OAuth 2.0; each family in the order in
/// which it is to be tried.
///
/// # Specification
/// OpenID Connect Discovery §4 (appended to the issuer); RFC 8414 §3.1, §5 (put in before the issuer's path).
pub fn well_known(issuer: &Url) -> [Vec<Url>; 2] {
    let path = issuer.path().trim_end_matches('/');
    let at = |path: String| {
        let mut url = issuer.clone();
        url.set_path(&path);
        url.set_query(None);
        url.set_fragment(None);
        url
    };
    let family = |name: &str, appended_first: bool| {
        let appended = at(format!("{path}/.well-known/{name}"));
        let inserted = at(format!("/.well-known/{name}{path}"));
        let mut both = if appended_first { vec![appended, inserted] } else { vec![inserted, appended] };
        both.dedup();
        both
    };
    [family("openid-configuration", true), family("oauth-authorization-server", false)]
}

fn field(name: &'static str, reason: &'static str) -> Error {
    Error::Field { endpoint: DOCUMENT, field: name.to_owned(), reason }
}

fn text<'a>(document: &'a Map<String, Value>, name: &'static str) -> Result<Option<&'a str>, Error> {
    match document.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(field(name, "is no text")),
    }
}

pub(super) fn list(document: &Map<String, Value>, name: &'static str) -> Result<Option<Vec<String>>, Error> {
    match document.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(items)) => {
            let words = items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<_>>();
            words.map(Some).ok_or_else(|| field(name, "is a list of other things than text"))
        }
        Some(_) => Err(field(name, "is no list")),
    }
}

fn flag(document: &Map<String, Value>, name: &'static str) -> Result<bool, Error> {
    match document.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(field(name, "is neither true nor false")),
    }
}

/// Each alias is as good an endpoint as the one that it stands for.
fn aliases(document: &Map<String, Value>, issuer: &str) -> Result<MtlsEndpointAliases, Error> {
    let aliases = match document.get(ALIASES) {
        None | Some(Value::Null) => return Ok(MtlsEndpointAliases::default()),
        Some(Value::Object(aliases)) => aliases,
        Some(_) => return Err(field(ALIASES, "is no object")),
    };
    let alias = |name| {
        endpoint(aliases, name, issuer).map_err(|error| match error {
            Error::MetadataEndpoint { field, reason } => {
                Error::MetadataEndpoint { field: ALIASES, reason: format!("of `{field}`, {reason}") }
            }
            _ => field(ALIASES, "has a member that is no text"),
        })
    };
    Ok(MtlsEndpointAliases {
        token_endpoint: alias("token_endpoint")?,
        userinfo_endpoint: alias("userinfo_endpoint")?,
        revocation_endpoint: alias("revocation_endpoint")?,
        introspection_endpoint: alias("introspection_endpoint")?,
        pushed_authorization_request_endpoint: alias("pushed_authorization_request_endpoint")?,
        device_authorization_endpoint: alias("device_authorization_endpoint")?,
        backchannel_authentication_endpoint: alias("backchannel_authentication_endpoint")?,
    })
}

/// An endpoint: `https` (or `http` on loopback), without fragment, and inside the network of its issuer.
fn endpoint(document: &Map<String, Value>, name: &'static str, issuer: &str) -> Result<Option<Url>, Error> {
    let Some(text) = text(document, name)? else { return Ok(None) };
    let refuse = |reason: String| Error::MetadataEndpoint { field: name, reason };
    // Readers of addresses disagree about these: what one shows, another might open elsewhere.
    if text.bytes().any(|byte| byte == b'\\' || byte < b' ' || byte == 0x7f) {
        return Err(refuse("it has control characters or backslashes".into()));
    }
    let url = Url::parse(text).map_err(|error| refuse(error.to_string()))?;
    check_url(&url).map_err(|error| refuse(error.to_string()))?;
    let authority = text.split_once("://").map(|(_, rest)| rest);
    if authority.is_none_or(|rest| rest.starts_with(['/', '?', '#']) || rest.is_empty()) {
        return Err(refuse("it names no host".into()));
    }
    if url.fragment().is_some() {
        return Err(refuse("it has a fragment".into()));
    }
    let issuer_is_public = Url::parse(issuer).is_ok_and(|issuer| !is_private(&issuer));
    if issuer_is_public && is_private(&url) {
        return Err(refuse(format!(
            "the public issuer points to the private address {}",
            url.host_str().unwrap_or_default()
        )));
    }
    Ok(Some(url))
}

/// Whether the host is an address that only means something on this machine or in this network.
pub(crate) fn is_private(url: &Url) -> bool {
    match url.host() {
        _ if is_loopback(url) => true,
        Some(Host::Ipv4(address)) => address.is_private() || address.is_link_local() || address.is_unspecified(),
        Some(Host::Ipv6(address)) => {
            let mapped = address.to_ipv4_mapped();
            mapped.is_some_and(|v4| v4.is_private() || v4.is_link_local() || v4.is_unspecified() || v4.is_loopback())
                || address.is_unspecified()
                || address.is_unique_local()
                || address.is_unicast_link_local()
        }
        Some(Host::Domain(name)) => name.ends_with(".localhost"),
        None => true,
    }
}

fn same_host(a: &str, b: &str) -> bool {
    match (Url::parse(a), Url::parse(b)) {
        (Ok(a), Ok(b)) => a.origin() == b.origin(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};
    use url::Url;

    use super::{AuthorizationServer, Error, IssuerMatch, is_partial, merged, well_known};

    const ISSUER: &str = "https://op.example";

    fn document(name: &str, value: Value) -> Map<String, Value> {
        let mut document = json!({
            "issuer": ISSUER, "authorization_endpoint": "https://op.example/a", "token_endpoint": "https://op.example/t",
            "jwks_uri": "https://op.example/j", "revocation_endpoint": "https://op.example/r"
        });
        document[name] = value;
        document.as_object().unwrap().clone()
    }

    fn read(document: &Map<String, Value>) -> Result<AuthorizationServer, Error> {
        AuthorizationServer::read(document, ISSUER, IssuerMatch::Exact)
    }

    #[test]
    fn the_issuer_is_compared_byte_for_byte() {
        for near in [
            "https://op.example/",
            "HTTPS://op.example",
            "https://op.example:443",
            "https://other",
            "https://OP.example",
        ] {
            assert!(matches!(read(&document("issuer", near.into())), Err(Error::MetadataIssuer { .. })), "{near}");
        }
        assert!(matches!(read(&document("issuer", json!([ISSUER]))), Err(Error::Field { .. })));
        assert!(matches!(read(&document("issuer", Value::Null)), Err(Error::Field { .. })));
    }

    #[test]
    fn a_template_agrees_with_its_origin_only() {
        let template = document("issuer", "https://login.example/{tenantid}/v2.0".into());
        let read = |expected| AuthorizationServer::read(&template, expected, IssuerMatch::Template);

        assert!(read("https://login.example/common/v2.0").is_ok());
        assert!(matches!(read("https://evil.example/common/v2.0"), Err(Error::MetadataIssuer { .. })));
    }

    #[test]
    fn endpoints_that_must_not_be_used_are_refused_by_name() {
        for bad in [
            "http://op.example/t",
            "ftp://op.example/t",
            "https://user@op.example/t",
            "https://op.example/t#f",
            "https://op.example\\@evil.example/t",
            "https://op.example/t\n",
            "https://127.0.0.1/t",
            "https://localhost/t",
            "https://10.0.0.1/t",
            "https://169.254.169.254/t",
            "https://[fd00::1]/t",
            "https://[::ffff:10.0.0.1]/t",
            "https://0.0.0.0/t",
            "/t",
            "https:///t",
            "https:t",
        ] {
            let outcome = read(&document("token_endpoint", bad.into()));
            assert!(matches!(outcome, Err(Error::MetadataEndpoint { field: "token_endpoint", .. })), "{bad}");
        }
        assert!(
            matches!(read(&document("jwks_uri", json!(42))), Err(Error::Field { field, .. }) if field == "jwks_uri")
        );
    }

    #[test]
    fn an_alias_for_certificates_is_checked_as_an_endpoint_is() {
        let with = |aliases| read(&document("mtls_endpoint_aliases", aliases));

        let read = with(json!({"token_endpoint": "https://mtls.op.example/t", "other_endpoint": 42})).unwrap();
        assert_eq!(read.mtls_endpoint_aliases.token_endpoint.unwrap().as_str(), "https://mtls.op.example/t");
        assert_eq!(read.mtls_endpoint_aliases.revocation_endpoint, None);
        assert!(with(Value::Null).is_ok());
        for bad in ["http://op.example/t", "https://10.0.0.1/t", "https://op.example/t#f", "/t"] {
            let outcome = with(json!({"revocation_endpoint": bad}));
            assert!(matches!(outcome, Err(Error::MetadataEndpoint { field: "mtls_endpoint_aliases", .. })), "{bad}");
        }
        for bad in [json!([]), json!("x"), json!({"token_endpoint": 1})] {
            assert!(matches!(with(bad), Err(Error::Field { field, .. }) if field == "mtls_endpoint_aliases"));
        }
    }

    #[test]
    fn a_loopback_issuer_may_have_loopback_endpoints() {
        let mut document = document("token_endpoint", "http://127.0.0.1:1/t".into());
        document["issuer"] = "http://127.0.0.1:1".into();

        assert!(AuthorizationServer::read(&document, "http://127.0.0.1:1", IssuerMatch::Exact).is_ok());
    }

    #[test]
    fn what_is_not_used_may_be_anything_and_null_is_absent() {
        let mut odd = document("scopes_supported", Value::Null);
        odd.insert("x".into(), json!({"y": 1}));
        odd.insert("service_documentation".into(), json!(42));

        assert_eq!(read(&odd).unwrap().scopes_supported, None);
    }

    #[test]
    fn only_a_list_without_s256_rules_it_out() {
        let with = |value| read(&document("code_challenge_methods_supported", value)).unwrap().check_s256();

        assert!(with(Value::Null).is_ok() && with(json!(["plain", "S256"])).is_ok());
        assert!(matches!(with(json!(["plain"])), Err(Error::NoS256 { .. })));
        assert!(matches!(with(json!([])), Err(Error::NoS256 { .. })));
    }

    #[test]
    fn documents_are_merged_where_the_first_lacks_a_member() {
        let first = document("revocation_endpoint", Value::Null);
        let second = document("token_endpoint", "https://op.example/other".into());

        let both = merged(&first, &second);

        assert!(is_partial(&first) && !is_partial(&both));
        assert_eq!(
            (&both["token_endpoint"], &both["revocation_endpoint"]),
            (&json!("https://op.example/t"), &json!("https://op.example/r"))
        );
    }

    #[test]
    fn well_known_addresses_are_appended_and_inserted() {
        let texts = |issuer: &str| {
            well_known(&Url::parse(issuer).unwrap()).map(|urls| urls.iter().map(Url::to_string).collect::<Vec<_>>())
        };

        assert_eq!(
            texts("https://op.example/t1"),
            [
                [
                    "https://op.example/t1/.well-known/openid-configuration",
                    "https://op.example/.well-known/openid-configuration/t1"
                ],
                [
                    "https://op.example/.well-known/oauth-authorization-server/t1",
                    "https://op.example/t1/.well-known/oauth-authorization-server"
                ],
            ]
        );
        assert_eq!(texts("https://op.example")[0], ["https://op.example/.well-known/openid-configuration"]);
    }
}
