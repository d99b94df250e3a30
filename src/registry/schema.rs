//! The fields of a provider's entry: their names, kinds and allowed values.
//!
//! One table serves files, `--set`, the built-in registry and the messages about all three.

use super::checks::{grant, host, id, path, printable, variable, variable_name, word};
use super::error::Problem;
use super::value::{SecretSource, Value};
use super::words::{
    AssertionAudience, BasicEncoding, ClientAuth, DeviceProfile, Discovery, DpopDowngrade, IssuerMatch, Loopback,
    Method, OAuthVersion, Pkce, Profile, Protocol, RefreshHow, RegistrationProfile, RequestFormat, ResponseFormat,
    ResponseMode, Runner, SignatureMethod, TokenIn, UserinfoFormat,
};

/// Says what is wrong with a string.
pub(super) type Check = fn(&str) -> Option<&'static str>;

/// What a field takes.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text(Check),
    /// A text with placeholders; `true`: also ones that are only known at run time.
    Template(bool),
    /// The address of an endpoint, with placeholders as in `Template`.
    Endpoint(bool),
    Issuer,
    /// A page for people.
    Page,
    OneOf(&'static [&'static str]),
    Bool,
    Port,
    List(Check),
    /// One dotted path, or several to be joined.
    Paths,
    Secret,
    /// Like `Secret`; what a runner says of itself will do too.
    Statement,
    /// Like `Secret`, but no secret.
    Input,
    /// Names that are free, except the listed ones.
    Map(&'static [&'static str], bool),
    /// Names that are given.
    Names(&'static [&'static str]),
    Table(&'static [(&'static str, Kind)]),
    Variables,
}

pub(super) const PLAIN: Kind = Kind::Text(|_| None);
const SAID: Kind = Kind::Text(|text| text.is_empty().then_some("it is empty"));
const WORD: Kind = Kind::Text(word);
const HEADERS: Kind = Kind::Map(&["Authorization", "Host", "Content-Length", "Content-Type"], true);
const FREE: Kind = Kind::Map(&[], true);

/// Extra parameters cannot replace these.
pub(super) use crate::protocol::authorization::RESERVED as AUTHORIZE_RESERVED;

/// The same at the token endpoint (RFC 6749 §4.1.3, §6; RFC 7521 §4.2).
pub(super) const TOKEN_RESERVED: &[&str] = &[
    "grant_type",
    "code",
    "code_verifier",
    "redirect_uri",
    "client_id",
    "client_secret",
    "refresh_token",
    "client_assertion",
    "client_assertion_type",
    "device_code",
];

pub(super) const GRANTS: &[&str] = &[
    "authorization_code",
    "device_code",
    "client_credentials",
    "jwt_bearer",
    "saml2_bearer",
    "token_exchange",
    "ciba",
    "password",
    "oauth1",
];
const SIGNING: &[&str] = &[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519", "HS256",
    "HS384", "HS512",
];
/// Those of [`KEY_WRAP`] that a key which the server publishes is good for.
const KEY_OF_SERVER: &[&str] =
    &["RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW"];
const CONTENT: &[&str] = &["A128GCM", "A192GCM", "A256GCM", "A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512"];
const KEY_WRAP: &[&str] = &[
    "RSA-OAEP",
    "RSA-OAEP-256",
    "ECDH-ES",
    "ECDH-ES+A128KW",
    "ECDH-ES+A192KW",
    "ECDH-ES+A256KW",
    "A128KW",
    "A192KW",
    "A256KW",
    "dir",
];

/// What grants need beyond the client, named as their parameters are; the library's `Provider::inputs` holds them.
pub(super) const INPUTS: &[&str] = &[
    "acr_values",
    "actor_token",
    "actor_token_type",
    "assertion",
    "audience",
    "binding_message",
    "google_credentials",
    "id_token_hint",
    "login_hint",
    "login_hint_token",
    "password",
    "requested_expiry",
    "requested_token_type",
    "resource",
    "subject_token",
    "subject_token_type",
    "user_code",
    "username",
];

/// How a value of `--set` begins that is what a runner says of itself: `runner:PLATFORM` or `runner:PLATFORM,AUDIENCE`.
pub const RUNNER: &str = "runner:";

/// The keys that what a runner says of itself will do for.
const STATEMENTS: [&str; 4] = ["assertion", "subject_token", "actor_token", "client_assertion"];

/// All fields, sorted by name.
pub(super) static FIELDS: &[(&str, Kind)] = &[
    ("account", WORD),
    ("acr_values", Kind::Input),
    ("actor_token", Kind::Statement),
    ("actor_token_type", Kind::Input),
    ("aliases", Kind::List(id)),
    (
        "app_token",
        Kind::Table(&[("endpoint", Kind::Endpoint(false)), ("params", Kind::Map(&[], false)), ("path", WORD)]),
    ),
    ("assertion", Kind::Statement),
    ("audience", Kind::Input),
    ("authorization_encrypted_response_alg", Kind::OneOf(KEY_WRAP)),
    ("authorization_endpoint", Kind::Endpoint(false)),
    ("authorization_signed_response_alg", Kind::OneOf(SIGNING)),
    ("authorize_fragment", WORD),
    ("authorize_params", Kind::Map(AUTHORIZE_RESERVED, false)),
    ("backchannel_authentication_endpoint", Kind::Endpoint(false)),
    ("basic_encoding", Kind::OneOf(BasicEncoding::WORDS)),
    ("binding_message", Kind::Input),
    ("callback_keep", Kind::List(word)),
    ("client_assertion", Kind::Statement),
    ("client_assertion_audience", Kind::OneOf(AssertionAudience::WORDS)),
    ("client_auth", Kind::OneOf(ClientAuth::WORDS)),
    ("client_certificate", Kind::Secret),
    ("client_id", SAID),
    ("client_secret", Kind::Secret),
    ("decryption_key", Kind::Secret),
    ("device", Kind::Table(&[("names", Kind::Map(&[], false)), ("profile", Kind::OneOf(DeviceProfile::WORDS))])),
    ("device_authorization_endpoint", Kind::Endpoint(false)),
    ("device_token_endpoint", Kind::Endpoint(false)),
    ("discovery", Kind::OneOf(Discovery::WORDS)),
    ("discovery_url", Kind::Endpoint(false)),
    ("docs", Kind::Page),
    ("dpop_bound_access_tokens", Kind::Bool),
    ("dpop_downgrade", Kind::OneOf(DpopDowngrade::WORDS)),
    ("end_session_endpoint", Kind::Endpoint(false)),
    ("env", Kind::List(variable)),
    ("extends", Kind::Text(id)),
    ("google_credentials", Kind::Secret),
    ("grants", Kind::List(grant)),
    ("handle_resolver", Kind::Endpoint(false)),
    ("hosts", Kind::List(host)),
    ("id_token_encrypted_response_alg", Kind::OneOf(KEY_WRAP)),
    ("id_token_hint", Kind::Secret),
    ("id_token_signed_response_alg", Kind::OneOf(SIGNING)),
    ("introspection_endpoint", Kind::Endpoint(true)),
    ("introspection_signed_response_alg", Kind::OneOf(SIGNING)),
    ("issuer", Kind::Issuer),
    ("issuer_match", Kind::OneOf(IssuerMatch::WORDS)),
    ("jwks_uri", Kind::Endpoint(false)),
    ("login_hint", Kind::Input),
    ("login_hint_token", Kind::Secret),
    ("name", SAID),
    ("notes", PLAIN),
    ("oauth_version", Kind::OneOf(OAuthVersion::WORDS)),
    (
        "param_names",
        Kind::Names(&["client_id", "client_secret", "redirect_uri", "state", "code", "refresh_token", "access_token"]),
    ),
    ("password", Kind::Secret),
    ("pkce", Kind::OneOf(Pkce::WORDS)),
    ("plc_directory", Kind::Endpoint(false)),
    ("private_key", Kind::Secret),
    ("private_key_id", WORD),
    ("private_key_passphrase", Kind::Secret),
    ("profile", Kind::OneOf(Profile::WORDS)),
    ("protocol", Kind::OneOf(Protocol::WORDS)),
    ("public_client", Kind::Bool),
    ("pushed_authorization_request_endpoint", Kind::Endpoint(false)),
    ("realm", PLAIN),
    (
        "redirect",
        Kind::Table(&[
            ("certificate", Kind::Input),
            ("host", Kind::OneOf(&["127.0.0.1", "localhost", "[::1]"])),
            ("https", Kind::Bool),
            ("key", Kind::Secret),
            ("loopback", Kind::OneOf(Loopback::WORDS)),
            ("oob", WORD),
            ("path", Kind::Text(path)),
            ("port", Kind::Port),
            ("uri", WORD),
        ]),
    ),
    (
        "refresh",
        Kind::Table(&[
            ("exchange_endpoint", Kind::Endpoint(true)),
            ("exchange_grant_type", WORD),
            ("grant_type", WORD),
            ("how", Kind::OneOf(RefreshHow::WORDS)),
            ("method", Kind::OneOf(Method::WORDS)),
            ("param", WORD),
            ("scope", WORD),
        ]),
    ),
    ("refresh_endpoint", Kind::Endpoint(true)),
    ("refresh_params", Kind::Map(TOKEN_RESERVED, true)),
    ("register", Kind::Page),
    (
        "registration",
        Kind::Table(&[
            ("initial_access_token", Kind::Secret),
            ("profile", Kind::OneOf(RegistrationProfile::WORDS)),
            ("software_statement", Kind::Secret),
        ]),
    ),
    ("registration_endpoint", Kind::Endpoint(false)),
    ("request_object_encryption_alg", Kind::OneOf(KEY_OF_SERVER)),
    ("request_object_encryption_enc", Kind::OneOf(CONTENT)),
    ("request_object_signing_alg", Kind::OneOf(SIGNING)),
    ("request_token_endpoint", Kind::Endpoint(false)),
    ("requested_expiry", Kind::Input),
    ("requested_token_type", Kind::Input),
    ("require_pushed_authorization_requests", Kind::Bool),
    ("require_signed_request_object", Kind::Bool),
    ("resource", Kind::Input),
    ("response_mode", Kind::OneOf(ResponseMode::WORDS)),
    ("revocation_endpoint", Kind::Endpoint(true)),
    ("scope_param", WORD),
    ("scope_separator", SAID),
    ("scopes", Kind::List(word)),
    ("signature_method", Kind::OneOf(SignatureMethod::WORDS)),
    ("status", PLAIN),
    ("subject_token", Kind::Statement),
    ("subject_token_type", Kind::Input),
    ("tls_client_certificate_bound_access_tokens", Kind::Bool),
    ("token_endpoint", Kind::Endpoint(true)),
    ("token_endpoint_auth_signing_alg", Kind::OneOf(SIGNING)),
    ("token_keep", Kind::List(word)),
    ("token_params", Kind::Map(TOKEN_RESERVED, true)),
    (
        "token_request",
        Kind::Table(&[
            ("format", Kind::OneOf(RequestFormat::WORDS)),
            ("headers", HEADERS),
            ("method", Kind::OneOf(Method::WORDS)),
        ]),
    ),
    (
        "token_response",
        Kind::Table(&[
            ("error_paths", Kind::List(word)),
            ("format", Kind::OneOf(ResponseFormat::WORDS)),
            ("names", Kind::Map(&[], false)),
            ("path", WORD),
            ("token_type", WORD),
        ]),
    ),
    (
        "user",
        Kind::Table(&[
            ("email", Kind::Paths),
            ("id", Kind::Paths),
            ("name", Kind::Paths),
            ("picture", Kind::Paths),
            ("username", Kind::Paths),
        ]),
    ),
    ("user_code", Kind::Secret),
    (
        "userinfo",
        Kind::Table(&[
            ("auth_scheme", WORD),
            ("body", Kind::Template(true)),
            ("email_endpoint", Kind::Endpoint(true)),
            ("format", Kind::OneOf(UserinfoFormat::WORDS)),
            ("headers", HEADERS),
            ("method", Kind::OneOf(Method::WORDS)),
            ("params", FREE),
            ("token_in", Kind::OneOf(TokenIn::WORDS)),
            ("token_param", WORD),
        ]),
    ),
    ("userinfo_encrypted_response_alg", Kind::OneOf(KEY_WRAP)),
    ("userinfo_endpoint", Kind::Endpoint(true)),
    ("userinfo_signed_response_alg", Kind::OneOf(SIGNING)),
    ("username", Kind::Input),
    ("variables", Kind::Variables),
];

/// What is said about a variable.
pub(super) const VARIABLE: &[(&str, Kind)] =
    &[("choices", Kind::List(|_| None)), ("default", PLAIN), ("example", PLAIN), ("pattern", PLAIN), ("prompt", PLAIN)];

/// The kind of the field at the top of an entry.
pub(super) fn field(name: &str) -> Option<Kind> {
    FIELDS.binary_search_by(|(field, _)| (*field).cmp(name)).ok().map(|at| FIELDS[at].1)
}

/// The kind of the field under a dotted key, if it holds a value and no table.
pub(super) fn leaf(key: &str) -> Option<Kind> {
    let Some((first, rest)) = key.split_once('.') else {
        return field(key).filter(|kind| !kind.is_table());
    };
    match field(first)? {
        Kind::Table(fields) => match (fields.iter().find(|(name, _)| *name == rest), rest.split_once('.')) {
            (Some((_, kind)), _) => Some(*kind).filter(|kind| !kind.is_table()),
            (None, Some((name, rest))) => {
                let (_, kind) = fields.iter().find(|(field, _)| *field == name)?;
                kind.item(rest)
            }
            (None, None) => None,
        },
        Kind::Variables => {
            let (name, rest) = rest.split_once('.')?;
            VARIABLE.iter().find(|(field, _)| *field == rest && variable_name(name).is_none()).map(|(_, kind)| *kind)
        }
        kind => kind.item(rest),
    }
}

impl Kind {
    /// Whether values are kept from being seen.
    pub(super) fn is_secret(self) -> bool {
        matches!(self, Self::Secret | Self::Statement)
    }

    fn is_table(self) -> bool {
        matches!(self, Self::Map(..) | Self::Names(_) | Self::Table(_) | Self::Variables)
    }

    /// The kind of an item of a map.
    pub(super) fn item(self, name: &str) -> Option<Kind> {
        match self {
            Self::Map(_, runtime) if !name.is_empty() => Some(Self::Template(runtime)),
            Self::Names(names) if names.contains(&name) => Some(WORD),
            _ => None,
        }
    }

    /// Why a map must not hold this name, which is compared without case.
    pub(super) fn reserves(self, name: &str) -> Option<Problem> {
        match self {
            Self::Map(reserved, _) if reserved.iter().any(|word| word.eq_ignore_ascii_case(name)) => {
                Some(if name.eq_ignore_ascii_case("response_type") { Problem::ResponseType } else { Problem::Reserved })
            }
            _ => None,
        }
    }

    /// What the field takes, for messages.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Self::Text(_) | Self::Template(_) => "a string",
            Self::Endpoint(_) | Self::Issuer | Self::Page => "an address, written as a string",
            Self::OneOf(_) => "one of a few words, written as a string",
            Self::Bool => "`true` or `false`",
            Self::Port => "a port, a whole number from 1 to 65535",
            Self::List(_) => "a list of strings",
            Self::Paths => "a string or a list of strings",
            Self::Statement => {
                "a string or one of `{ runner = \"PLATFORM\" }`, `{ env = \"NAME\" }`, `{ file = \"PATH\" }`, \
                 `{ command = [\"PROGRAM\"] }`"
            }
            Self::Secret | Self::Input => {
                "a string or one of `{ env = \"NAME\" }`, `{ file = \"PATH\" }`, `{ command = [\"PROGRAM\"] }`, \
                 `{ store = true }`"
            }
            Self::Map(..) | Self::Names(_) | Self::Table(_) | Self::Variables => "a table",
        }
    }

    /// Reads a value as it stands in `--set`: lists are blank-separated.
    pub(super) fn parse(self, text: &str) -> Result<Value, Problem> {
        let value = match self {
            Self::Bool => Value::Bool(text.parse().map_err(|_| Problem::Expected(self.expected()))?),
            Self::Port => Value::Int(text.parse().map_err(|_| Problem::Expected(self.expected()))?),
            Self::Statement if text.starts_with(RUNNER) => {
                let text = &text[RUNNER.len()..];
                let (platform, audience) = text.split_once(',').map_or((text, None), |(name, rest)| (name, Some(rest)));
                return Ok(Value::Secret(runner(platform, audience)?));
            }
            Self::List(_) => Value::from(text.split_whitespace().map(String::from).collect::<Vec<_>>()),
            _ => Value::from(text),
        };
        self.accept(value)
    }

    /// Checks a value and gives it its final form.
    pub(super) fn accept(self, value: Value) -> Result<Value, Problem> {
        let refused = |reason: Option<&'static str>| match reason {
            Some(reason) => Err(Problem::Refused(reason.into())),
            None => Ok(()),
        };
        match (self, &value) {
            (Self::Secret | Self::Input, Value::Text(text)) => {
                return Ok(Value::Secret(SecretSource::Literal(text.as_ref().into())));
            }
            (Self::Secret | Self::Input, Value::Secret(SecretSource::Runner { .. })) => {
                return Err(Problem::Refused(format!("`runner` is for {}", STATEMENTS.join(", "))));
            }
            (Self::Statement, Value::Text(text)) => {
                return Ok(Value::Secret(SecretSource::Literal(text.as_ref().into())));
            }
            (Self::Secret | Self::Statement | Self::Input, Value::Secret(_)) | (Self::Bool, Value::Bool(_)) => {}
            (Self::Text(check), Value::Text(text)) => refused(printable(text).or_else(|| check(text)))?,
            (Self::Template(_), Value::Text(text)) => refused(printable(text))?,
            (Self::Endpoint(_) | Self::Issuer | Self::Page, Value::Text(text)) => refused(word(text))?,
            (Self::OneOf(words), Value::Text(text)) if words.contains(&text.as_ref()) => {}
            (Self::OneOf(words), Value::Text(_)) => {
                return Err(Problem::NotOneOf(words.iter().map(|word| (*word).into()).collect()));
            }
            (Self::Port, Value::Int(1..=65535)) => {}
            (Self::List(check), Value::List(items)) => {
                items.iter().try_for_each(|item| refused(printable(item).or_else(|| check(item))))?;
            }
            (Self::Paths, Value::Text(path)) => refused(word(path))?,
            (Self::Paths, Value::List(paths)) => paths.iter().try_for_each(|path| refused(word(path)))?,
            _ => return Err(Problem::Expected(self.expected())),
        }
        Ok(value)
    }
}

/// What `{ runner = "PLATFORM", audience = "…" }` and `runner:PLATFORM,AUDIENCE` stand for.
pub(super) fn runner(platform: &str, audience: Option<&str>) -> Result<SecretSource, Problem> {
    let words = || Problem::NotOneOf(Runner::WORDS.iter().map(|word| (*word).into()).collect());
    let platform = Runner::parse(platform).ok_or_else(words)?;
    match audience.and_then(printable).or_else(|| audience.filter(|text| text.is_empty()).map(|_| "it is empty")) {
        Some(reason) => Err(Problem::Refused(format!("`audience`: {reason}"))),
        None => Ok(SecretSource::Runner { platform, audience: audience.map(str::to_owned) }),
    }
}

#[cfg(test)]
mod tests {
    use super::{FIELDS, INPUTS, Kind, leaf};

    #[test]
    fn the_table_is_sorted_as_its_look_up_needs_it() {
        assert!(FIELDS.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn every_input_is_a_field() {
        assert!(INPUTS.iter().all(|name| matches!(leaf(name), Some(Kind::Secret | Kind::Statement | Kind::Input))));
    }

    #[test]
    fn dotted_keys_lead_to_fields() {
        for key in
            ["issuer", "redirect.port", "authorize_params.a.b", "token_request.headers.Accept", "variables.x.default"]
        {
            assert!(leaf(key).is_some(), "{key}");
        }
        for key in
            ["redirect", "redirect.x", "issuer.x", "variables.x", "param_names.y", "token_request.headers", "", "."]
        {
            assert!(leaf(key).is_none(), "{key}");
        }
    }
}
