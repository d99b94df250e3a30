//! What an access token opens: the claims about the person, and a protected resource.

use serde_json::{Map, Value, json};

use super::DemoServer;
use super::http::{Request, Response};
use super::scope::Scope;
use super::server::Server;

/// The person's identifier; the example's of OpenID Connect Core §2.
pub(super) const SUBJECT: &str = "248289761001";

const NAME: &str = "Ada Demo";

/// `GET` or `POST /userinfo`: the claims the scope allows.
///
/// # Specification
/// OpenID Connect Core §5.3, §5.4.
pub(super) fn userinfo(server: &Server, request: &Request, now: i64) -> Response {
    let scope = match authorized(server, request, now) {
        Ok(scope) => scope,
        Err(response) => return response,
    };
    if !scope.has("openid") {
        return challenge(403, r#", error="insufficient_scope", scope="openid""#);
    }
    let mut document = json!({"sub": SUBJECT});
    for (name, value) in claims(&scope) {
        document[name] = value;
    }
    Response::json(200, &document)
}

/// `GET /api/hello`: a greeting.
pub(super) fn hello(server: &Server, request: &Request, now: i64) -> Response {
    match authorized(server, request, now) {
        Ok(scope) => Response::json(
            200,
            &json!({"greeting": format!("Hello, {NAME}!"), "user": DemoServer::USER, "scope": scope.text()}),
        ),
        Err(response) => response,
    }
}

/// The claims about the person that `scope` allows, `sub` apart (OpenID Connect Core §5.4).
pub(super) fn claims(scope: &Scope) -> Map<String, Value> {
    let mut claims = Map::new();
    if scope.has("profile") {
        claims.insert("name".into(), NAME.into());
        claims.insert("preferred_username".into(), DemoServer::USER.into());
    }
    if scope.has("email") {
        claims.insert("email".into(), "ada@demo.example".into());
        claims.insert("email_verified".into(), true.into());
    }
    claims
}

/// The scope of the token in `Authorization`, the only place where one is looked for.
///
/// # Specification
/// RFC 6750 §2.1 (place), §3 and §3.1 (what to answer otherwise).
fn authorized(server: &Server, request: &Request, now: i64) -> Result<Scope, Response> {
    let mut values = request.field("authorization");
    // Who says nothing of a token is told what is wanted, and no error.
    let Some(value) = values.next() else { return Err(challenge(401, "")) };
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(challenge(401, ""));
    }
    let token = token.trim_start_matches(' ');
    // The token68 of RFC 9110 §11.2.
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if values.next().is_some() || token.is_empty() || !token.bytes().all(allowed) {
        return Err(challenge(400, r#", error="invalid_request""#));
    }
    let scope = server.state().access(token, now).cloned();
    scope.ok_or_else(|| {
        challenge(
            401,
            r#", error="invalid_token", error_description="the access token is unknown, expired or revoked""#,
        )
    })
}

fn challenge(status: u16, error: &str) -> Response {
    Response::empty(status).with("WWW-Authenticate", format!(r#"Bearer realm="keyfob demo"{error}"#))
}
