//! How a client proves to an endpoint who it is.

mod apple_jwt;
mod assertion;
mod client_assertion;
mod client_secret_basic;
mod client_secret_jwt;
mod client_secret_post;
mod client_secret_query;
mod none;
mod private_key_jwt;
mod tls_client_auth;

use std::fmt::Debug;

use serde_json::{Value, json};

use super::Error;
use super::http::EndpointRequest;
use crate::secret::Secret;

pub use apple_jwt::AppleJwt;
pub use assertion::SecretAssertion;
pub use client_assertion::ClientAssertion;
pub use client_secret_basic::{BasicEncoding, ClientSecretBasic};
pub use client_secret_jwt::ClientSecretJwt;
pub use client_secret_post::ClientSecretPost;
pub use client_secret_query::ClientSecretQuery;
pub use none::NoAuthentication;
pub use private_key_jwt::PrivateKeyJwt;
pub use tls_client_auth::{TlsClientAuth, Trust};

/// The `client_assertion_type` of a JWT (RFC 7523 §2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Seconds for which an assertion is good; enough for a clock that is a little off, and too short to be of use to a thief.
const LIFE: i64 = 60;

/// The time, and a value that never comes again: what is signed needs both.
#[derive(Debug, Clone, Default)]
pub struct Moment {
    /// Seconds since 1970.
    pub now: i64,
    /// Random text of at least 128 bits.
    pub unique: String,
}

/// One way of authenticating a client.
///
/// # Specification
/// RFC 6749 §2.3; names of the registry that RFC 7591 §4.2 established.
pub trait ClientAuthentication: Debug + Send + Sync {
    /// The registered name.
    fn method(&self) -> &'static str;

    /// Puts the client's identifier, and what proves it, on `request`.
    ///
    /// # Errors
    /// When the identifier or the secret cannot be written, or nothing can be signed.
    fn authenticate(&self, request: &mut EndpointRequest, at: &Moment) -> Result<(), Error>;

    /// The secret that both sides know, where there is one; also the key of HMAC signatures.
    fn secret(&self) -> Option<&Secret> {
        None
    }
}

/// A method's name and what it is, for help and documentation.
#[derive(Debug)]
pub struct Method {
    /// The registered name, or the registry's where none is registered.
    pub name: &'static str,
    /// One line.
    pub summary: &'static str,
}

/// The methods this program has.
pub const METHODS: [Method; 12] = [
    Method { name: "none", summary: "a public client: the identifier alone (RFC 6749 §3.2.1)" },
    Method { name: "client_secret_basic", summary: "the secret in the Authorization header (RFC 6749 §2.3.1)" },
    Method { name: "client_secret_post", summary: "the secret in the body (RFC 6749 §2.3.1)" },
    Method { name: "client_secret_jwt", summary: "a token keyed with the secret (OpenID Connect Core §9)" },
    Method { name: "private_key_jwt", summary: "a token signed with the client's own key (RFC 7523 §2.2)" },
    Method { name: "tls_client_auth", summary: "a certificate that the server's authority issued (RFC 8705 §2.1)" },
    Method { name: "self_signed_tls_client_auth", summary: "a certificate that is registered (RFC 8705 §2.2)" },
    Method { name: "query", summary: "identifier and secret in the address, where a provider insists" },
    Method { name: "apple_jwt", summary: "a client secret that the client signs itself, as at Apple" },
    Method { name: "assertion", summary: "secret and code under the names of assertions, as at Azure DevOps" },
    Method {
        name: "client_assertion",
        summary: "a statement about the client that somebody else has signed (RFC 7521 §4.2)",
    },
    Method { name: "basic_empty", summary: "a public client with an empty secret in the Authorization header" },
];

/// What a client has to prove itself with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Has {
    /// A secret that both sides know.
    pub secret: bool,
    /// A key of its own.
    pub key: bool,
    /// A certificate of that key.
    pub certificate: bool,
}

impl Has {
    /// The methods that are chosen unasked; the first where a server lists none.
    fn usable(self) -> &'static [&'static str] {
        match self {
            Self { secret: true, .. } => &["client_secret_basic", "client_secret_post"],
            Self { certificate: true, .. } => &["tls_client_auth", "self_signed_tls_client_auth", "private_key_jwt"],
            Self { key: true, .. } => &["private_key_jwt"],
            _ => &[],
        }
    }
}

/// Which of the methods to use.
///
/// `configured` wins. Otherwise `none` for a client that has nothing to prove itself with; with a secret, the first of
/// `client_secret_basic` and `client_secret_post` that the server lists; with a certificate, that of TLS, else the key
/// alone; with a key, `private_key_jwt`. Where the server lists nothing, the first of each.
///
/// # Errors
/// [`Error::ClientAuthentication`] when the server lists methods and none of them will do. No method is ever tried to
/// see whether it works: a secret must not be sent where it is not expected.
///
/// # Specification
/// RFC 8414 §2 (`token_endpoint_auth_methods_supported`).
pub fn choose(configured: Option<&str>, has: Has, offered: Option<&[String]>) -> Result<&'static str, Error> {
    if let Some(name) = configured {
        let known = METHODS.iter().find(|method| method.name == name);
        return known
            .map(|method| method.name)
            .ok_or(Error::ClientAuthentication { wanted: "none", offered: vec![name.to_owned()] });
    }
    let usable = has.usable();
    let Some(first) = usable.first().copied() else { return Ok("none") };
    let Some(offered) = offered else { return Ok(first) };
    let is_offered = |name: &&&str| offered.iter().any(|known| known == **name);
    let chosen = if has.secret {
        // Both prove the same: the server's preference counts.
        offered.iter().find_map(|name| usable.iter().find(|known| *known == name))
    } else {
        usable.iter().find(is_offered)
    };
    chosen.copied().ok_or_else(|| Error::ClientAuthentication { wanted: first, offered: offered.to_vec() })
}

/// What an assertion says: who, to whom, once, now.
///
/// # Specification
/// RFC 7523 §3.
fn claims(client_id: &str, audience: &str, at: &Moment) -> Value {
    json!({
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": at.unique,
        "iat": at.now,
        "exp": at.now.saturating_add(LIFE),
    })
}

/// Puts an assertion on a request.
fn assert(request: &mut EndpointRequest, client_id: &str, assertion: String) {
    request.parameters.set("client_id", client_id);
    request.parameters.set("client_assertion_type", JWT_BEARER);
    request.parameters.set("client_assertion", assertion);
}

#[cfg(test)]
mod tests;
