//! Which redirect URI is used, and who listens there.

use url::Url;

use crate::callback::{self, Host, Loopback, Mode, Tls};
use crate::client::{self, Client};
use crate::grant::{Error, GrantRequest, Interaction};
use crate::protocol;
use crate::registry::Provider;
use crate::registry::provider::Redirect;
use crate::registry::words::{Loopback as LoopbackRule, ResponseMode};

/// The redirect URI, and the listener behind it where it is an address of this machine.
///
/// An `https` address is one where the user has named a certificate for it; otherwise the person pastes.
pub(in crate::grant) async fn redirect(
    client: &Client,
    request: &GrantRequest,
    user: &dyn Interaction,
) -> Result<(String, Option<Loopback>), Error> {
    let provider = client.provider();
    let rule = &provider.redirect;
    let mode = match client::response_mode(provider) {
        Some(ResponseMode::FormPost | ResponseMode::FormPostJwt) => Mode::FormPost,
        None | Some(ResponseMode::Jwt | ResponseMode::QueryJwt) => Mode::Query,
    };
    let tls = certificate(client)?;
    // An alias that the provider gave out, such as eBay's, is no address.
    let alias = rule.uri.as_deref().filter(|uri| request.redirect_uri.is_none() && Url::parse(uri).is_err());
    if let Some(alias) = alias {
        return by_hand(alias, user);
    }
    if let Some(uri) = request.redirect_uri.as_deref().or(rule.uri.as_deref()) {
        return match listening_options(uri, mode, tls)? {
            Some(options) => bound(options).await,
            None => by_hand(uri, user),
        };
    }
    if let Some(uri) = rule.oob.as_deref().filter(|_| rule.loopback == LoopbackRule::None) {
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
    if rule.https && tls.is_none() {
        // Nothing answers there, and the browser shows the address all the same.
        return by_hand(&own(rule, Some(port.unwrap_or(rule.port))), user);
    }
    let tls = tls.filter(|_| rule.https);
    bound(callback::Options { host: host(&rule.host), port, path: rule.path.clone(), mode, tls, name: None }).await
}

/// The redirect URI of a login that nobody listens for: as it is registered, so that without a fixed port there is none in
/// it, and what may come there is port 80, which no ordinary program can take.
pub(in crate::grant) fn unheard(provider: &Provider, request: &GrantRequest) -> Result<String, Error> {
    let rule = &provider.redirect;
    let given = request.redirect_uri.clone().or(rule.uri.clone());
    match (given, request.port, registered(provider)) {
        (Some(uri), ..) => Ok(uri),
        (None, Some(port), Registered::AnyPort(_) | Registered::FixedPort(_)) => Ok(own(rule, Some(port))),
        (None, _, registered) => registered.redirect_uri().map(str::to_owned).ok_or_else(|| Error::RedirectUri {
            redirect_uri: "http://127.0.0.1".into(),
            reason: "the provider takes none on this machine; name the one that is registered",
        }),
    }
}

/// The redirect URIs that a login of `provider` may use and that can be registered before it: the one that these options
/// lead to first.
pub fn registrable(provider: &Provider, port: Option<u16>, redirect_uri: Option<&str>) -> Vec<String> {
    let rule = &provider.redirect;
    let own = (rule.loopback != LoopbackRule::None).then(|| own(rule, Some(port.unwrap_or(rule.port))));
    let first = redirect_uri.or(rule.uri.as_deref()).map(str::to_owned);
    let mut uris: Vec<String> = first.into_iter().chain(own).collect();
    uris.extend(rule.oob.clone());
    uris.dedup();
    uris
}

/// What is entered as redirect URI when a client is registered by hand, and what a login does with it then.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Registered {
    /// An address of this machine whose port may differ (RFC 8252 §7.3), so that it is registered without one.
    AnyPort(String),
    /// An address of this machine, port included.
    FixedPort(String),
    /// A value at which the provider's own page shows the code, which is then pasted.
    OutOfBand(String),
    /// The entry's own value, on which nobody listens: the address of the page that the browser ends on is pasted.
    Pasted(String),
    /// The provider takes no address of this machine and the entry names no other: the person needs one of their own.
    Own,
}

impl Registered {
    /// The value to enter, where there is one.
    pub fn redirect_uri(&self) -> Option<&str> {
        match self {
            Self::AnyPort(uri) | Self::FixedPort(uri) | Self::OutOfBand(uri) | Self::Pasted(uri) => Some(uri),
            Self::Own => None,
        }
    }
}

/// The redirect URI that a client of this provider is registered with, such that what a login uses fits it.
pub fn registered(provider: &Provider) -> Registered {
    let rule = &provider.redirect;
    match (rule.loopback, &rule.uri, &rule.oob) {
        (LoopbackRule::AnyPort, ..) => Registered::AnyPort(own(rule, None)),
        (LoopbackRule::FixedPort, ..) => Registered::FixedPort(own(rule, Some(rule.port))),
        (LoopbackRule::None, Some(uri), _) => Registered::Pasted(uri.clone()),
        (LoopbackRule::None, None, Some(uri)) => Registered::OutOfBand(uri.clone()),
        (LoopbackRule::None, None, None) => Registered::Own,
    }
}

/// The rule's address of this machine.
fn own(rule: &Redirect, port: Option<u16>) -> String {
    let scheme = if rule.https { "https" } else { "http" };
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("{scheme}://{}{port}{}", text(host(&rule.host)), rule.path)
}

/// The rule's host.
fn host(rule: &str) -> Host {
    match rule {
        "localhost" => Host::Localhost,
        "[::1]" | "::1" => Host::Ipv6Literal,
        _ => Host::Ipv4Literal,
    }
}

/// A host as it stands in a redirect URI.
fn text(host: Host) -> &'static str {
    match host {
        Host::Localhost => "localhost",
        Host::Ipv6Literal => "[::1]",
        Host::Ipv4Literal => "127.0.0.1",
    }
}

/// The certificate that the user named, if he did.
fn certificate(client: &Client) -> Result<Option<Tls>, Error> {
    match client.redirect_certificate()? {
        Some((certificate, key)) => Ok(Some(Tls::new(certificate.expose().as_bytes(), key.expose().as_bytes())?)),
        None => Ok(None),
    }
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
fn listening_options(uri: &str, mode: Mode, tls: Option<Tls>) -> Result<Option<callback::Options>, Error> {
    let refuse = |reason| Error::RedirectUri { redirect_uri: protocol::jose::excerpt(uri), reason };
    let url = Url::parse(uri).map_err(|_| refuse("it is no absolute address"))?;
    if url.fragment().is_some() {
        return Err(refuse("it has a fragment"));
    }
    let own = |name: &str| matches!(name, "localhost" | "127.0.0.1" | "[::1]");
    let path = url.path().to_owned();
    match (url.scheme(), url.host_str(), tls) {
        ("http", Some(name), _) if own(name) => {
            let port = url.port().filter(|port| *port != 0);
            Ok(Some(callback::Options { host: host(name), port, path, mode, tls: None, name: None }))
        }
        ("http", _, _) => Err(refuse("plain http is for 127.0.0.1, [::1] and localhost")),
        ("https", Some(_), Some(_)) if url.query().is_some() => Err(refuse("it has a query")),
        // Whatever the name is, only loopback addresses are listened on.
        ("https", Some(name), Some(tls)) => {
            let port = Some(url.port_or_known_default().unwrap_or(443));
            let (host, name) = if own(name) { (host(name), None) } else { (Host::Localhost, Some(name.to_owned())) };
            Ok(Some(callback::Options { host, port, path, mode, tls: Some(tls), name }))
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::{Registered, registered};
    use crate::registry::words::Loopback as LoopbackRule;
    use crate::registry::{Definition, Origin, Provider, Registry};
    use crate::system::Environment;

    /// A bundled entry with the examples of its variables filled in.
    fn filled(mut definition: Definition) -> Provider {
        for variable in definition.missing_variables() {
            let example = variable.example.unwrap_or_default().replace('…', "x");
            definition.set(&variable.name, &example, Origin::Default).expect("an example that will do");
        }
        definition.provider().expect("a complete entry")
    }

    fn registry() -> Registry {
        let environment =
            Environment::given([("XDG_CONFIG_DIRS", "/nonexistent"), ("KEYFOB_CONFIG_DIR", "/nonexistent")]);
        Registry::open(&environment).expect("a registry")
    }

    /// The entry of any server with these settings.
    fn with(settings: &[(&str, &str)]) -> Registered {
        let mut definition = registry().find("oauth2").expect("a bundled entry");
        for (key, value) in settings {
            definition.set(key, value, Origin::Default).expect("a key and its value");
        }
        registered(&filled(definition))
    }

    #[test]
    fn every_rule_has_its_redirect_uri_or_says_that_there_is_none() {
        let uri = |uri: &str| uri.to_owned();

        assert_eq!(with(&[]), Registered::AnyPort(uri("http://127.0.0.1/callback")));
        assert_eq!(with(&[("redirect.host", "localhost")]), Registered::AnyPort(uri("http://localhost/callback")));
        assert_eq!(
            with(&[("redirect.loopback", "fixed-port"), ("redirect.path", "/a/b")]),
            Registered::FixedPort(uri("http://127.0.0.1:28400/a/b"))
        );
        assert_eq!(
            with(&[("redirect.loopback", "fixed-port"), ("redirect.port", "1234"), ("redirect.https", "true")]),
            Registered::FixedPort(uri("https://127.0.0.1:1234/callback"))
        );
        let none = ("redirect.loopback", "none");
        let oob = ("redirect.oob", "urn:ietf:wg:oauth:2.0:oob");
        assert_eq!(with(&[none, oob]), Registered::OutOfBand(uri(oob.1)));
        assert_eq!(
            with(&[none, oob, ("redirect.uri", "https://a.example/x")]),
            Registered::Pasted(uri("https://a.example/x"))
        );
        assert_eq!(with(&[none]), Registered::Own);
    }

    #[test]
    fn every_bundled_entry_has_a_redirect_uri_or_its_person_needs_one() {
        let listed = registry().ids().expect("the bundled entries");
        assert!(listed.len() > 10);
        for one in listed {
            let provider = filled(one.definition.expect("a sound entry"));

            match registered(&provider) {
                Registered::AnyPort(uri) | Registered::FixedPort(uri) => {
                    let parsed = Url::parse(&uri).unwrap_or_else(|error| panic!("{}: {uri}: {error}", one.id));
                    assert!(
                        matches!(parsed.host_str(), Some("127.0.0.1" | "localhost" | "[::1]")),
                        "{}: {uri}",
                        one.id
                    );
                    assert_eq!(parsed.path(), provider.redirect.path, "{}", one.id);
                    assert_eq!(
                        parsed.port().is_some(),
                        provider.redirect.loopback == LoopbackRule::FixedPort,
                        "{}",
                        one.id
                    );
                }
                Registered::OutOfBand(uri) | Registered::Pasted(uri) => assert!(!uri.is_empty(), "{}", one.id),
                Registered::Own => assert_eq!(provider.redirect.loopback, LoopbackRule::None, "{}", one.id),
            }
        }
    }
}
