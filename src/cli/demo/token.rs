//! The token endpoint.

use serde_json::{Map, Value, json};

use super::http::{Request, Response};
use super::keys::half_hash;
use super::parameters::Parameters;
use super::scope::Scope;
use super::server::{Refusal, Server};
use super::state::{ACCESS_LIFE, GrantId, Issued};
use super::{DemoServer, bearer};

/// `POST /token`: a code or a refresh token for tokens.
///
/// # Specification
/// RFC 6749 §4.1.3, §5, §6; OpenID Connect Core §3.1.3, §12.
pub(super) fn answer(server: &Server, request: &Request, now: i64) -> Response {
    let answer = client_form(request).and_then(|form| exchange(server, &form, now));
    let response = match answer {
        Ok(document) => Response::json(200, &document),
        Err(refusal) => refusal.response(),
    };
    // RFC 6749 §5.1 asks for it beside Cache-Control.
    response.with("Pragma", "no-cache")
}

/// The parameters of a request by the registered client, which is public: it names itself and proves nothing.
///
/// # Specification
/// RFC 6749 §2.3.1 (nothing in the address), §3.2 (POST, no parameter twice), §5.2 (`invalid_client`).
pub(super) fn client_form(request: &Request) -> Result<Parameters, Refusal> {
    if request.query.is_some() {
        return Err(Refusal::request("parameters belong into the body"));
    }
    let form = request.form().and_then(Parameters::parse);
    let form = form.ok_or(Refusal::request("the body is not application/x-www-form-urlencoded"))?;
    form.distinct()?;
    let attempts = ["client_secret", "client_assertion", "client_assertion_type"];
    let authenticated = attempts.iter().any(|name| form.one(name) != Ok(None));
    if authenticated || request.field("authorization").next().is_some() {
        return Err(Refusal::new("invalid_client", "the client is public and has nothing to authenticate with"));
    }
    match form.one("client_id")? {
        Some(DemoServer::CLIENT_ID) => Ok(form),
        Some(_) => Err(Refusal::new("invalid_client", "the client is unknown")),
        None => Err(Refusal::new("invalid_client", "client_id is missing")),
    }
}

fn exchange(server: &Server, form: &Parameters, now: i64) -> Result<Value, Refusal> {
    match form.one("grant_type")? {
        Some("authorization_code") => code(server, form, now),
        Some("refresh_token") => refresh(server, form, now),
        Some(_) => Err(Refusal::new("unsupported_grant_type", "grant_type is not supported")),
        None => Err(Refusal::request("grant_type is missing")),
    }
}

fn code(server: &Server, form: &Parameters, now: i64) -> Result<Value, Refusal> {
    let code = form.one("code")?.ok_or(Refusal::request("code is missing"))?;
    let redirect_uri = form.one("redirect_uri")?.ok_or(Refusal::request("redirect_uri is missing"))?;
    let verifier = form.one("code_verifier")?.ok_or(Refusal::request("code_verifier is missing"))?;
    // RFC 7636 §4.1.
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(unreserved) {
        return Err(Refusal::request("code_verifier is not 43 to 128 unreserved characters"));
    }
    let mut state = server.state();
    let grant = state.redeem(code, redirect_uri, verifier, now)?;
    let scope = state.grant(grant).scope.clone();
    let issued = state.issue(grant, scope, now)?;
    let nonce = state.grant(grant).nonce.clone();
    let auth_time = state.grant(grant).auth_time;
    document(server, &issued, auth_time, nonce, now)
}

fn refresh(server: &Server, form: &Parameters, now: i64) -> Result<Value, Refusal> {
    let token = form.one("refresh_token")?.ok_or(Refusal::request("refresh_token is missing"))?;
    let narrower = match form.one("scope")? {
        Some(text) => Some(Scope::parse(text).ok_or(Refusal::new("invalid_scope", "scope names one there is not"))?),
        None => None,
    };
    let mut state = server.state();
    let (grant, scope): (GrantId, Scope) = state.refresh(token, narrower.as_ref())?;
    let issued = state.issue(grant, scope, now)?;
    let auth_time = state.grant(grant).auth_time;
    // A nonce belongs to one authentication; OpenID Connect Core §12.2 advises against repeating it.
    document(server, &issued, auth_time, None, now)
}

/// The successful answer (RFC 6749 §5.1), with an ID token where `openid` was granted.
fn document(
    server: &Server,
    issued: &Issued,
    auth_time: i64,
    nonce: Option<String>,
    now: i64,
) -> Result<Value, Refusal> {
    let mut document = Map::new();
    document.insert("access_token".into(), issued.access_token.clone().into());
    document.insert("token_type".into(), "Bearer".into());
    document.insert("expires_in".into(), ACCESS_LIFE.into());
    document.insert("scope".into(), issued.scope.text().into());
    if let Some(token) = &issued.refresh_token {
        document.insert("refresh_token".into(), token.clone().into());
    }
    if issued.scope.has("openid") {
        let mut claims = json!({
            "iss": server.issuer(),
            "sub": bearer::SUBJECT,
            "aud": DemoServer::CLIENT_ID,
            "exp": now + ACCESS_LIFE,
            "iat": now,
            "auth_time": auth_time,
            "at_hash": half_hash(&issued.access_token),
        });
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        for (name, value) in bearer::claims(&issued.scope) {
            claims[name] = value;
        }
        document.insert("id_token".into(), server.key.sign(&claims)?.into());
    }
    Ok(Value::Object(document))
}
