//! `keyfob token --for 'METHOD URL'`: the headers that present a token with one request.

use http::Method;
use keyfob::client::Freshness;
use keyfob::protocol::call::{Body, Call};
use keyfob::secret::Secret;
use keyfob::session::{Session, Taken, binding};
use keyfob::{grant, system};
use url::Url;

use crate::cli::context::Context;
use crate::cli::report::Failure;

/// The request that a token is to be presented with.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    method: Method,
    url: Url,
}

impl Wanted {
    /// Reads `METHOD URL`.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let malformed = |what: &str| {
            Failure::usage(format!("`--for` takes METHOD URL: {what}"))
                .hint("for example  --for 'GET https://api.example.com/me?fields=name'")
        };
        let (method, url) =
            text.trim().split_once(char::is_whitespace).ok_or_else(|| malformed("one of them is missing"))?;
        let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).map_err(|_| malformed("no method"))?;
        let mut url = Url::parse(url.trim()).map_err(|error| malformed(&format!("the address is none ({error})")))?;
        system::http::check_url(&url)?;
        url.set_fragment(None);
        Ok(Self { method, url })
    }
}

/// The signed header lines of `session`'s token for one request without a body. No network.
pub fn lines(context: &Context, session: &Session, wanted: &Wanted) -> Result<Vec<(String, Secret)>, Failure> {
    let definition = context.definition_of(session)?;
    let client = context.client(&definition, Freshness::Kept)?;
    context.block_on(binding::check(session, &client))??;
    let presentation = client.presentation(&session.tokens).map_err(grant::Error::from)?;
    let call = Call { method: &wanted.method, url: &wanted.url, body: Body::None };
    let headers = presentation.headers(&call, &client.fresh().map_err(grant::Error::from)?)?;
    Ok(headers.into_iter().map(|(name, value)| (canonical(name.as_str()), text(&value))).collect())
}

/// The header lines that present a token with one request and prove the key that it is bound to. No network: the nonce, if
/// the server wants one, is the one that it told last.
pub fn proven(context: &Context, taken: &Taken, wanted: &Wanted) -> Result<Vec<(String, Secret)>, Failure> {
    let (headers, _) = context.prover(taken)?.headers(&taken.access_token, &wanted.method, &wanted.url)?;
    Ok(headers.into_iter().map(|(name, value)| (canonical(name.as_str()), text(&value))).collect())
}

fn text(value: &http::HeaderValue) -> Secret {
    // What we made is ASCII.
    Secret::new(String::from_utf8_lossy(value.as_bytes()))
}

/// `authorization` as people write it.
fn canonical(name: &str) -> String {
    if name == "dpop" {
        return "DPoP".into();
    }
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
    };
    name.split('-').map(capital).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::Wanted;

    #[test]
    fn a_request_is_a_method_and_an_address() {
        let wanted = Wanted::parse("get  https://api.example/me?a=b#c").unwrap();

        assert_eq!((wanted.method.as_str(), wanted.url.as_str()), ("GET", "https://api.example/me?a=b"));
        for malformed in ["", "GET", "https://api.example/", "GET api.example", "G@T https://api.example"] {
            assert_eq!(Wanted::parse(malformed).unwrap_err().code().number(), 2, "{malformed}");
        }
    }

    #[test]
    fn a_request_that_would_travel_in_the_clear_is_refused() {
        for forbidden in ["GET http://api.example/", "GET https://u:p@api.example/"] {
            assert_eq!(Wanted::parse(forbidden).unwrap_err().code().number(), 11, "{forbidden}");
        }
    }
}
