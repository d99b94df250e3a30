//! Google's credential files, accepted as they are: a service account's key, or somebody whom another system knows.
//!
//! Both are standard grants underneath: a signed assertion (RFC 7523 §2.1), or a token exchange (RFC 8693) after which the
//! wanted service account may be acted as. The file says where; scopes are the entry's.
//!
//! # Specification
//! Google, “Using OAuth 2.0 for server to server applications”; AIP-4117, “External account credentials”.

mod credentials;

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::direct::{self, Presented};
use super::{Error, GrantRequest, Obtained};
use crate::client::{self, Client};
use crate::protocol;
use crate::protocol::http::{self, check_status};
use crate::protocol::jose::{Algorithm, KeyHeader, Reading, Signer};
use crate::protocol::parameters::Parameters;
use crate::protocol::token::TokenSet;
use crate::secret::Secret;
use crate::system::http::Request;
use crate::system::{files, process};

use credentials::{Credentials, ExternalAccount, Format, Impersonation, ServiceAccount, Source};

/// The entry's key.
pub const KEY: &str = "google_credentials";

/// Seconds for which an assertion is good; the most that Google takes.
const LIFE: i64 = 3600;

/// The scope with which a federated identity may act as a service account.
const CLOUD_PLATFORM: &str = "https://www.googleapis.com/auth/cloud-platform";

/// The variable without which no program of a credential file is run.
const ALLOW_EXECUTABLES: &str = "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES";

/// Bytes of a file with a subject token.
const LIMIT: usize = 1 << 20;

/// What errors call the endpoint that lets act as a service account.
const IMPERSONATION: &str = "impersonation endpoint";

/// Tokens by the entry's credential file; `None` where it names none.
///
/// # Errors
/// Why there are no tokens.
pub(super) async fn obtain(client: &Client, request: &GrantRequest) -> Result<Option<Obtained>, Error> {
    let Some(file) = client.input(KEY).await? else { return Ok(None) };
    match Credentials::read(&file).map_err(|reason| unusable(client, reason))? {
        Credentials::ServiceAccount(account) => service_account(client, request, account).await,
        Credentials::ExternalAccount(account) => external_account(client, request, &account).await,
    }
    .map(Some)
}

fn unusable(client: &Client, reason: impl Into<String>) -> Error {
    let provider = client.provider().id.clone();
    client::Error::Input { provider, key: KEY, reason: reason.into() }.into()
}

async fn service_account(client: &Client, request: &GrantRequest, account: ServiceAccount) -> Result<Obtained, Error> {
    let bad_key = |error: protocol::jose::BadKey| unusable(client, format!("its `private_key`: {error}"));
    let signer = Signer::parse(account.private_key.expose(), Reading::default()).map_err(bad_key)?;
    let now = client.time_there();
    let mut claims = json!({
        "iss": account.client_email,
        "aud": account.token_uri.as_str(),
        "iat": now,
        "exp": now.saturating_add(LIFE),
        "scope": request.scopes.join(" "),
    });
    // Whom a service account with domain-wide authority acts for.
    if let Some(subject) = client.input("login_hint").await? {
        claims["sub"] = subject.expose().into();
    }
    let header = KeyHeader { kid: account.private_key_id.as_deref(), certificate: None };
    let assertion = signer.sign(Algorithm::RS256, header, &claims).map_err(bad_key)?;
    let assertion = Secret::new(assertion);
    let mut parameters = Parameters::new();
    parameters.set("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
    parameters.set("assertion", assertion.expose());
    let presented = Presented {
        parameters,
        secrets: vec![assertion],
        title: "present a JWT that the service account's key has signed",
        why: "Google knows the key as that of the service account",
        specification: "RFC 7523 section 2.1",
        reading: direct::Reading::default(),
        endpoint: Some(account.token_uri),
    };
    // The scopes are in the assertion.
    let request = GrantRequest { scopes: Vec::new(), ..request.clone() };
    direct::obtain(client, &request, presented).await
}

async fn external_account(
    client: &Client,
    request: &GrantRequest,
    account: &ExternalAccount,
) -> Result<Obtained, Error> {
    let subject = subject(client, account).await?;
    let mut parameters = Parameters::new();
    parameters.set("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
    parameters.set("requested_token_type", "urn:ietf:params:oauth:token-type:access_token");
    parameters.set("subject_token", subject.expose());
    parameters.set("subject_token_type", account.subject_token_type.as_str());
    let presented = Presented {
        parameters,
        secrets: vec![subject],
        title: "present what another system says of this machine",
        why: "Google trusts that system for the identities of the pool",
        specification: "RFC 8693 section 2.1",
        reading: direct::Reading { is_exchange: true, access_token_only: false },
        endpoint: Some(account.token_url.clone()),
    };
    let scopes = if account.impersonation.is_some() { vec![CLOUD_PLATFORM.to_owned()] } else { request.scopes.clone() };
    let exchange = GrantRequest { scopes, audience: Some(account.audience.clone()), ..request.clone() };
    let mut obtained = direct::obtain(client, &exchange, presented).await?;
    if let Some(impersonation) = &account.impersonation {
        obtained.tokens = impersonated(client, request, impersonation, obtained.tokens).await?;
    }
    Ok(obtained)
}

/// The subject token, fetched anew.
async fn subject(client: &Client, account: &ExternalAccount) -> Result<Secret, Error> {
    let system = client.system();
    match &account.source {
        Source::File { path, format } => {
            let bytes = files::read_open(path.as_ref(), LIMIT)?;
            let bytes = bytes.ok_or_else(|| unusable(client, format!("there is no file {path}")))?;
            token_in(&bytes, format).ok_or_else(|| unusable(client, format!("there is no subject token in {path}")))
        }
        Source::Url { url, headers, format } => {
            let mut request = http::get(url)?;
            for (name, value) in headers {
                let (name, value) = http::header(name, value.expose())?;
                request.headers_mut().insert(name, value);
            }
            let is_own = url.scheme() == "http" && !crate::system::http::is_loopback(url);
            let response = match is_own {
                true => system.http.ask_machine(request).await?,
                false => system.http.send_persistently(request, true).await?,
            };
            let token = token_in(response.body(), format).filter(|_| response.status().is_success());
            let (status, place) = (response.status().as_u16(), crate::system::http::endpoint(url));
            token.ok_or_else(|| unusable(client, format!("{place} answered with status {status} and no subject token")))
        }
        Source::Executable { command, timeout_millis } => {
            if system.environment.text(ALLOW_EXECUTABLES).as_deref() != Some("1") {
                let reason = format!("it wants a program run, which `{ALLOW_EXECUTABLES}=1` must allow");
                return Err(unusable(client, reason));
            }
            let words = shell_words::split(command).map_err(|error| unusable(client, error.to_string()))?;
            let limit = Duration::from_millis(*timeout_millis);
            let secret_variables = client.provider().secret_variables();
            let printed = process::output_of(&words, &secret_variables, &told(account), limit)?;
            let now = client.system().clock.seconds();
            answered(&printed, &account.subject_token_type, now).map_err(|reason| unusable(client, reason))
        }
    }
}

/// What a program of a credential file is told (AIP-4117, “Executable-sourced credentials”).
fn told(account: &ExternalAccount) -> Vec<(&'static str, String)> {
    let mut told = vec![
        ("GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE", account.audience.clone()),
        ("GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE", account.subject_token_type.clone()),
        ("GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE", "0".to_owned()),
    ];
    let path = account.impersonation.as_ref().map(|impersonation| impersonation.url.path().to_owned());
    let email = path.as_deref().and_then(|path| path.rsplit('/').next()?.strip_suffix(":generateAccessToken"));
    told.extend(email.map(|email| ("GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL", email.to_owned())));
    told
}

/// The token of a program's answer, which must be of the kind that the file says and not have ended.
fn answered(printed: &Secret, kind: &str, now: i64) -> Result<Secret, String> {
    let answer =
        protocol::json::parse_object(printed.expose().as_bytes()).map_err(|_| "its program printed no JSON")?;
    if answer.get("version") != Some(&1.into()) {
        return Err("its program printed no answer of version 1".into());
    }
    if answer.get("success") != Some(&true.into()) {
        let text = |name| answer.get(name).and_then(Value::as_str).map(protocol::jose::excerpt).unwrap_or_default();
        return Err(format!("its program failed: {} {}", text("code"), text("message")));
    }
    if answer.get("token_type").and_then(Value::as_str) != Some(kind) {
        return Err("its program printed a token of another type than `subject_token_type`".into());
    }
    match answer.get("expiration_time") {
        None | Some(Value::Null) => {}
        Some(end) if end.as_i64().is_some_and(|end| end > now) => {}
        Some(_) => return Err("its program printed a token that has ended".into()),
    }
    let member = if kind.ends_with("saml2") { "saml_response" } else { "id_token" };
    let token = answer.get(member).and_then(Value::as_str).filter(|token| !token.is_empty());
    token.map(Secret::new).ok_or_else(|| format!("its program printed no `{member}`"))
}

fn token_in(bytes: &[u8], format: &Format) -> Option<Secret> {
    let token = match format {
        Format::Text => std::str::from_utf8(bytes).ok()?.trim().to_owned(),
        Format::Json { field } => protocol::json::parse_object(bytes).ok()?.get(field)?.as_str()?.to_owned(),
    };
    (!token.is_empty()).then(|| Secret::new(token))
}

/// The token of the service account that `tokens` may act as.
async fn impersonated(
    client: &Client,
    request: &GrantRequest,
    impersonation: &Impersonation,
    tokens: TokenSet,
) -> Result<TokenSet, Error> {
    let response = client.system().http.send_persistently(asked(request, impersonation, &tokens)?, false).await?;
    check_status(IMPERSONATION, &response, client.system().clock.seconds())?;
    let answer = http::members(IMPERSONATION, &response)?;
    if let Some(told) = http::error_response(&answer) {
        return Err(protocol::Error::Server(told.without([&tokens.access_token])).into());
    }
    let text = |name: &str| answer.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let field =
        |field: &str, reason| protocol::Error::Field { endpoint: IMPERSONATION, field: field.to_owned(), reason };
    let token = text("accessToken").ok_or_else(|| field("accessToken", "is missing or no text"))?;
    if !token.bytes().all(|byte| matches!(byte, b'!'..=b'~')) {
        return Err(field("accessToken", "has characters that no token may have").into());
    }
    let end: Option<jiff::Timestamp> = text("expireTime").and_then(|time| time.parse().ok());
    let end = end.ok_or_else(|| field("expireTime", "is missing or no time"))?;
    Ok(TokenSet {
        access_token: token.into(),
        expires_at: Some(end.as_second()),
        scopes: request.scopes.clone(),
        ..tokens
    })
}

fn asked(request: &GrantRequest, impersonation: &Impersonation, tokens: &TokenSet) -> Result<Request, Error> {
    let scope = if request.scopes.is_empty() { vec![CLOUD_PLATFORM.to_owned()] } else { request.scopes.clone() };
    let body = json!({ "scope": scope, "lifetime": format!("{}s", impersonation.lifetime_secs) });
    let url: &Url = &impersonation.url;
    let mut sending = http::get(url)?;
    *sending.method_mut() = ::http::Method::POST;
    *sending.body_mut() = body.to_string().into_bytes();
    let (name, value) = http::header("content-type", "application/json")?;
    sending.headers_mut().insert(name, value);
    let bearer = protocol::presentation::authorization(tokens.token_type, &tokens.access_token)?;
    sending.headers_mut().insert(::http::header::AUTHORIZATION, bearer);
    Ok(sending)
}
