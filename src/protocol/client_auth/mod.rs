//! How a client proves to an endpoint who it is.

mod apple_jwt;
mod assertion;
mod client_assertion;
mod client_secret_basic;
mod client_secret_post;
mod client_secret_query;
mod none;
mod private_key_jwt;

use std::fmt::Debug;

use super::Error;
use super::http::EndpointRequest;
use crate::secret::Secret;

pub use apple_jwt::AppleJwt;
pub use assertion::SecretAssertion;
pub use client_assertion::ClientAssertion;
pub use client_secret_basic::{BasicEncoding, ClientSecretBasic};
pub use client_secret_post::ClientSecretPost;
pub use client_secret_query::ClientSecretQuery;
pub use none::NoAuthentication;
pub use private_key_jwt::PrivateKeyJwt;

/// The `client_assertion_type` of a JWT (RFC 7523 §2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

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
pub const METHODS: [Method; 9] = [
    Method { name: "none", summary: "a public client: the identifier alone (RFC 6749 §3.2.1)" },
    Method { name: "client_secret_basic", summary: "the secret in the Authorization header (RFC 6749 §2.3.1)" },
    Method { name: "client_secret_post", summary: "the secret in the body (RFC 6749 §2.3.1)" },
    Method { name: "private_key_jwt", summary: "a token signed with the client's own key (RFC 7523 §2.2)" },
    Method { name: "query", summary: "identifier and secret in the address, where a provider insists" },
    Method { name: "apple_jwt", summary: "a client secret that the client signs itself, as at Apple" },
    Method { name: "assertion", summary: "secret and code under the names of assertions, as at Azure DevOps" },
    Method {
        name: "client_assertion",
        summary: "a statement about the client that somebody else has signed (RFC 7521 §4.2)",
    },
    Method { name: "basic_empty", summary: "a public client with an empty secret in the Authorization header" },
];

/// Which of the methods that take a secret, or none, to use.
///
/// `configured` wins. Otherwise `none` without a secret, and with one the first of the two that the server lists, or
/// `client_secret_basic` where it lists nothing.
///
/// # Errors
/// [`Error::ClientAuthentication`] when the server lists methods and none of them will do. No method is ever tried to
/// see whether it works: a secret must not be sent where it is not expected.
///
/// # Specification
/// RFC 8414 §2 (`token_endpoint_auth_methods_supported`).
pub fn choose(configured: Option<&str>, has_secret: bool, offered: Option<&[String]>) -> Result<&'static str, Error> {
    if let Some(name) = configured {
        let known = METHODS.iter().find(|method| method.name == name);
        return known
            .map(|method| method.name)
            .ok_or(Error::ClientAuthentication { wanted: "none", offered: vec![name.to_owned()] });
    }
    if !has_secret {
        return Ok("none");
    }
    let usable = ["client_secret_basic", "client_secret_post"];
    let Some(offered) = offered else { return Ok(usable[0]) };
    let first = offered.iter().find_map(|name| usable.iter().find(|known| *known == name));
    first.copied().ok_or_else(|| Error::ClientAuthentication { wanted: usable[0], offered: offered.to_vec() })
}

#[cfg(test)]
mod tests;
