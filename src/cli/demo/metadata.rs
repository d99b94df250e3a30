//! What the server says about itself.

use serde_json::json;

use super::DemoServer;
use super::http::{Request, Response};
use super::server::Server;

/// OpenID Connect Discovery §4.
pub(super) const OPENID: &str = "/.well-known/openid-configuration";
/// RFC 8414 §3.
pub(super) const OAUTH: &str = "/.well-known/oauth-authorization-server";

/// The server's metadata: every endpoint, every choice, and what is not supported wherever a default would say it is.
///
/// # Specification
/// OpenID Connect Discovery §3, RFC 8414 §2, RFC 9207 §3.
pub(super) fn answer(server: &Server, _: &Request, _: i64) -> Response {
    let issuer = server.issuer();
    let document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "revocation_endpoint": format!("{issuer}/revoke"),
        "scopes_supported": DemoServer::SCOPES,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claim_types_supported": ["normal"],
        "claims_supported": [
            "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash",
            "name", "preferred_username", "email", "email_verified"
        ],
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "ui_locales_supported": ["en"],
    });
    Response::json(200, &document)
}

/// The public half of the signing key (RFC 7517 §5).
pub(super) fn jwks(server: &Server, _: &Request, _: i64) -> Response {
    Response::json(200, &server.key.jwks())
}
