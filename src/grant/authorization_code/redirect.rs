//! Which redirect URI is used, and who listens there.

use url::Url;

use crate::callback::{self, Host, Loopback, Mode};
use crate::client;
use crate::grant::{Error, GrantRequest, Interaction};
use crate::protocol;
use crate::registry::Provider;
use crate::registry::words::{Loopback as LoopbackRule, ResponseMode};

/// The redirect URI, and the listener behind it where it is an address of this machine.
pub(super) async fn redirect(
    provider: &Provider,
    request: &GrantRequest,
    user: &dyn Interaction,
) -> Result<(String, Option<Loopback>), Error> {
    let rule = &provider.redirect;
    let mode = match provider.response_mode {
        Some(ResponseMode::FormPost) => Mode::FormPost,
        None => Mode::Query,
        Some(other) => {
            let key = format!("response_mode = \"{}\"", other.word());
            return Err(client::Error::Unsupported { provider: provider.id.clone(), key }.into());
        }
    };
    if let Some(uri) = &request.redirect_uri {
        return match listening_options(uri, mode)? {
            Some(options) => bound(options).await,
            None => by_hand(uri, user),
        };
    }
    if let Some(uri) = rule.uri.as_deref().or(rule.oob.as_deref()).filter(|_| rule.loopback == LoopbackRule::None) {
        return by_hand(uri, user);
    }
    let port = match rule.loopback {
        LoopbackRule::AnyPort => request.port,
        LoopbackRule::FixedPort => Some(request.port.unwrap_or(rule.port)),
        LoopbackRule::None => {
            let reason = "the provider takes none on this machine; name the one that is registered";
            return Err(Error::RedirectUri { redirect_uri: "http://127.0.0.1".into(), reason });
        }
    };
    let host = match rule.host.as_str() {
        "localhost" => Host::Localhost,
        "[::1]" | "::1" => Host::Ipv6Literal,
        _ => Host::Ipv4Literal,
    };
    bound(callback::Options { host, port, path: rule.path.clone(), mode }).await
}

async fn bound(options: callback::Options) -> Result<(String, Option<Loopback>), Error> {
    let loopback = Loopback::bind(options).await?;
    Ok((loopback.redirect_uri().to_owned(), Some(loopback)))
}

fn by_hand(uri: &str, user: &dyn Interaction) -> Result<(String, Option<Loopback>), Error> {
    if user.can_paste() {
        Ok((uri.to_owned(), None))
    } else {
        Err(Error::NobodyToPaste { redirect_uri: uri.to_owned() })
    }
}

/// How to listen for a redirect URI that was given as a whole; `None` when it is not on this machine.
fn listening_options(uri: &str, mode: Mode) -> Result<Option<callback::Options>, Error> {
    let refuse = |reason| Error::RedirectUri { redirect_uri: protocol::jose::excerpt(uri), reason };
    let url = Url::parse(uri).map_err(|_| refuse("it is no absolute address"))?;
    if url.fragment().is_some() {
        return Err(refuse("it has a fragment"));
    }
    let host = match (url.scheme(), url.host_str()) {
        ("http", Some("localhost")) => Host::Localhost,
        ("http", Some("127.0.0.1")) => Host::Ipv4Literal,
        ("http", Some("[::1]")) => Host::Ipv6Literal,
        ("http", _) => return Err(refuse("plain http is for 127.0.0.1, [::1] and localhost")),
        _ => return Ok(None),
    };
    let port = url.port().filter(|port| *port != 0);
    Ok(Some(callback::Options { host, port, path: url.path().to_owned(), mode }))
}
