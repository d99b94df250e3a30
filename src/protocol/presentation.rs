//! A token on a request to a resource server.

use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};

use super::Error;
use super::call::Call;
use super::dpop::{Claims, PROOF, ProofKey};
use super::oauth1::{Consumer, Credentials, Fresh, header};
use super::token::TokenType;
use crate::secret::Secret;

/// How a token is put on requests.
#[derive(Debug)]
#[non_exhaustive]
pub enum Presentation<'a> {
    /// As it is, whatever the request (RFC 6750 §2.1).
    Bearer(&'a Secret),
    /// With a proof of each request (RFC 9449 §7.1).
    DPoP {
        /// The token, which is bound to the key.
        token: &'a Secret,
        /// The key.
        key: &'a ProofKey,
        /// What the server wants to see in the proof.
        nonce: Option<&'a str>,
    },
    /// By a signature of each request (RFC 5849 §3).
    OAuth1 {
        /// The client.
        consumer: &'a Consumer,
        /// The token and its secret.
        credentials: Credentials,
    },
}

impl Presentation<'_> {
    /// The headers that present the token with this one request. `fresh` is used up: each request, and each repetition of
    /// one, needs its own.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a token that fits no header; [`Error::OAuth1`] for a request that must not be signed.
    ///
    /// # Specification
    /// RFC 6750 §2.1; RFC 9449 §7.1; RFC 5849 §3.5.1.
    pub fn headers(&self, call: &Call<'_>, fresh: &Fresh) -> Result<Vec<(HeaderName, HeaderValue)>, Error> {
        let value = match self {
            Self::Bearer(token) => authorization(TokenType::Bearer, token)?,
            Self::DPoP { token, key, nonce } => {
                let about = Claims {
                    method: call.method,
                    url: call.url,
                    token: Some(*token),
                    iat: fresh.timestamp,
                    jti: &fresh.nonce,
                    nonce: *nonce,
                };
                let mut proof = HeaderValue::from_str(&key.proof(&about)?).expect("a proof is base64url and dots");
                proof.set_sensitive(true);
                return Ok(vec![(AUTHORIZATION, authorization(TokenType::DPoP, token)?), (PROOF, proof)]);
            }
            Self::OAuth1 { consumer, credentials } => {
                header::authorization(consumer, Some(credentials), &[], call, fresh)?
            }
        };
        Ok(vec![(AUTHORIZATION, value)])
    }
}

/// The value of the Authorization header.
///
/// # Errors
/// [`Error::Parameter`] for a token that fits no header; none that was accepted from a server does that.
///
/// # Specification
/// RFC 6750 §2.1. The URI query (§2.3) is not offered: addresses end up in logs and histories.
pub fn authorization(token_type: TokenType, token: &Secret) -> Result<HeaderValue, Error> {
    scheme(token_type.name(), token)
}

/// As [`authorization`], under a scheme of the server's own.
///
/// # Errors
/// [`Error::Parameter`] for a token or scheme that fits no header.
pub fn scheme(name: &str, token: &Secret) -> Result<HeaderValue, Error> {
    let text = zeroize::Zeroizing::new(format!("{name} {}", token.expose()));
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| Error::Parameter { name: "access_token".into(), reason: "it fits no header".into() })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use http::{Method, header::AUTHORIZATION};
    use url::Url;

    use super::{Call, Consumer, Credentials, Fresh, Presentation};
    use crate::protocol::call::Body;
    use crate::protocol::oauth1::Signing;
    use crate::secret::Secret;

    #[test]
    fn a_bearer_token_is_the_same_for_every_request_and_a_signature_is_not() {
        let token = Secret::new("mF_9.B5f-4.1JqM");
        let consumer = Consumer { key: "k".into(), signing: Signing::HmacSha1("s".into()), realm: None };
        let credentials = Credentials { token: "t".into(), secret: "u".into() };
        let urls = ["https://a.example/", "https://a.example/?b"].map(|url| Url::parse(url).unwrap());
        let values = |presentation: &Presentation<'_>| {
            urls.each_ref().map(|url| {
                let call = Call { method: &Method::GET, url, body: Body::None };
                let fresh = Fresh { timestamp: 1, nonce: "n".into() };
                let [(name, value)] = &presentation.headers(&call, &fresh).unwrap()[..] else { panic!() };
                assert_eq!((name, value.is_sensitive()), (&AUTHORIZATION, true));
                value.to_str().unwrap().to_owned()
            })
        };

        // The token of RFC 6750 §2.1.
        assert_eq!(values(&Presentation::Bearer(&token)), ["Bearer mF_9.B5f-4.1JqM"; 2]);
        let [one, other] = values(&Presentation::OAuth1 { consumer: &consumer, credentials });
        assert!(one.starts_with("OAuth ") && other.starts_with("OAuth ") && one != other);
    }
}
