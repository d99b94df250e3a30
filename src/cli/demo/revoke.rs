//! The revocation endpoint.

use super::http::{Request, Response};
use super::server::{Refusal, Server};
use super::token::client_form;

/// `POST /revoke`: ends an access token, or a refresh token with all that came of the same consent.
///
/// # Specification
/// RFC 7009 §2. The hint is not needed: both kinds are looked up.
pub(super) fn answer(server: &Server, request: &Request, _: i64) -> Response {
    let revoked = client_form(request).and_then(|form| {
        let token = form.one("token")?.ok_or(Refusal::request("token is missing"))?;
        server.state().revoke(token);
        Ok(Response::empty(200))
    });
    revoked.unwrap_or_else(Refusal::response)
}
