//! Taking a token back.

use url::Url;

use super::http::{EndpointRequest, check_status, error_response, is_json};
use super::parameters::Parameters;
use super::{Error, json};
use crate::secret::Secret;
use crate::system::http::Response;

/// What errors call it.
pub const ENDPOINT: &str = "revocation endpoint";

/// Which token it is, as a hint for the server's search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenTypeHint {
    /// `access_token`.
    AccessToken,
    /// `refresh_token`.
    RefreshToken,
}

impl TokenTypeHint {
    /// The registered name.
    pub fn name(self) -> &'static str {
        match self {
            Self::AccessToken => "access_token",
            Self::RefreshToken => "refresh_token",
        }
    }
}

/// The request to revoke `token`; the client is still to be authenticated.
///
/// # Specification
/// RFC 7009 §2.1.
pub fn request(endpoint: Url, token: &Secret, hint: TokenTypeHint) -> EndpointRequest {
    let mut parameters = Parameters::new();
    parameters.set("token", token.expose());
    parameters.set("token_type_hint", hint.name());
    EndpointRequest::new(endpoint, parameters)
}

/// Whether the token is revoked; one that the server does not know is.
///
/// # Errors
/// [`Error::Unavailable`], [`Error::Redirected`], [`Error::Server`], [`Error::Status`].
///
/// # Specification
/// RFC 7009 §2.2: 200 is all that counts, whatever the body.
pub fn read(response: &Response, now: i64) -> Result<(), Error> {
    check_status(ENDPOINT, response, now)?;
    if response.status().is_success() {
        return Ok(());
    }
    let told = is_json(response).then(|| json::parse_object(response.body()).ok()).flatten();
    match told.as_ref().and_then(error_response) {
        Some(error) => Err(Error::Server(error)),
        None => {
            let content = super::http::content(response);
            Err(Error::Status { endpoint: ENDPOINT, status: response.status().as_u16(), content })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, read, request};
    use crate::system::http::Response;

    fn answer(status: u16, body: &str) -> Response {
        let builder = http::Response::builder().status(status).header("content-type", "application/json");
        builder.body(body.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn the_request_of_the_specification_is_made() {
        let url = url::Url::parse("https://server.example.com/revoke").unwrap();

        let request = request(url, &"45ghiukldjahdnhzdauz".into(), super::TokenTypeHint::RefreshToken);

        assert_eq!(request.parameters.encoded(), "token=45ghiukldjahdnhzdauz&token_type_hint=refresh_token");
    }

    #[test]
    fn success_is_the_status_and_an_error_is_what_it_says() {
        assert!(read(&answer(200, ""), 0).is_ok());
        assert!(matches!(read(&answer(503, ""), 0), Err(Error::Unavailable { .. })));
        assert!(matches!(read(&answer(307, ""), 0), Err(Error::Redirected { .. })));
        assert!(matches!(read(&answer(404, ""), 0), Err(Error::Status { status: 404, .. })));
        let unsupported = answer(400, r#"{"error":"unsupported_token_type"}"#);
        assert!(matches!(read(&unsupported, 0), Err(Error::Server(error)) if error.error == "unsupported_token_type"));
    }
}
