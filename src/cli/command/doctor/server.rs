//! The way to a server, step by step, and what it says of itself.

use std::time::Duration;

use keyfob::client::resource::{self, Resource};
use keyfob::client::{self, Client, indieauth};
use keyfob::grant::authorization_code::probe::{Verdict as Known, probe};
use keyfob::protocol;
use keyfob::protocol::metadata::AuthorizationServer;
use keyfob::registry::words::Protocol;
use keyfob::system::HttpOptions;
use keyfob::system::http::{Request, endpoint, is_loopback};
use serde_json::{Map, Value};
use url::Url;

use super::way::Way;
use super::{Check, Verdict};
use crate::cli::context::Context;
use crate::cli::report::Failure;
use crate::cli::terminal::shorten;

/// Longest time for one step; a step that fetches documents may take several requests.
const STEP: Duration = Duration::from_secs(30);

/// Seconds by which the server's clock may differ before it is said: `Date` has whole seconds, and answers take a while.
const CLOCK: i64 = 5;

/// Characters of a server's words that are shown.
const WORDS: usize = 200;

/// The check of a protected resource's metadata.
const RESOURCE: &str = "server.resource";

/// What was found.
pub struct Seen {
    /// The steps.
    pub checks: Vec<Check>,
    /// What the server says of itself, or the entry of it.
    pub document: Option<Map<String, Value>>,
}

/// Goes the way as far as it leads.
pub fn look(context: &Context, mut way: Way) -> Result<Seen, Failure> {
    let mut seen = Seen { checks: Vec::new(), document: None };
    if let Some(failure) = way.astray.take() {
        seen.checks.push(Check::failed("server.account", failure));
        return Ok(seen);
    }
    let client = match context.looking_client(&way.definition) {
        Ok(client) => client,
        Err(failure) => {
            seen.checks.push(Check::failed("server.entry", failure));
            return Ok(seen);
        }
    };
    let _progress = context.terminal.progress(&format!("Asking {}", client.provider().name));
    let Some(url) = address(&client) else {
        seen.checks.push(Check::skip("server.dns", "the entry names no server that is known before a login"));
        return Ok(seen);
    };
    if !reach(context, &client, &url, &mut seen.checks)? {
        return Ok(seen);
    }
    if client.provider().protocol == Protocol::OAuth1 {
        seen.checks.push(Check::skip("server.metadata", "OAuth 1.0 servers publish none"));
        return Ok(seen);
    }
    let told = within(context, client.metadata())?;
    // An address need not be an issuer. Resource servers answer 401 to whatever they do not know.
    if let (Some(address), Ok(Err(client::Error::NoMetadata { .. } | client::Error::Metadata { .. }))) =
        (&way.address, &told)
    {
        match within(context, resource::discover(client.system(), address))? {
            Ok(Ok(Some(Resource { metadata, .. }))) => {
                // A login asks the first of those that the resource trusts.
                let issuer = metadata.authorization_servers.first().cloned().unwrap_or_default();
                let words = format!("a resource of the authorization server {}", shorten(&issuer, WORDS));
                return further(context, Check::ok(RESOURCE, words), way.at(&issuer)?, seen);
            }
            Ok(Err(error @ client::Error::Protocol(_))) => {
                seen.checks.push(Check::failed(RESOURCE, error));
                return Ok(seen);
            }
            _ => {}
        }
        match within(context, indieauth::discover(client.system(), address, None))? {
            Ok(Ok(Some(page))) => {
                let way = Way::of_page(context, address, page)?;
                let server = way.definition.value("name").map(ToString::to_string).unwrap_or_default();
                let words = format!("a page that declares the IndieAuth server {}", shorten(&server, WORDS));
                return further(context, Check::ok("server.page", words), way, seen);
            }
            Ok(Err(error @ client::Error::Protocol(_))) => {
                seen.checks.push(Check::failed("server.page", error));
                return Ok(seen);
            }
            _ => {}
        }
    }
    describe(&client, told, &mut seen);
    seen.checks.push(keys(context, &client)?);
    seen.checks.push(if way.has_client {
        known(context, &client)?
    } else {
        let is_address = way.definition.discovery().is_some();
        Check::skip("server.client", if is_address { "it needs no registration" } else { "there is no client yet" })
    });
    Ok(seen)
}

/// Where the first connection goes.
fn address(client: &Client) -> Option<Url> {
    let issuer = client.provider().issuer.as_deref().and_then(|issuer| Url::parse(issuer).ok());
    let at_hand = client.server_at_hand();
    issuer.or(at_hand.token_endpoint).or(at_hand.authorization_endpoint)
}

/// A step with its limit; the failure says which step took too long.
fn within<T>(context: &Context, step: impl Future<Output = T>) -> Result<Result<T, Failure>, Failure> {
    let limit = context.common.timeout.map_or(STEP, |timeout| timeout.min(STEP));
    context.block_on(async {
        let too_long = || {
            let message = format!("this step took longer than {} s", limit.as_secs_f32());
            Failure::new(crate::cli::exit_code::ExitCode::Network, message)
        };
        tokio::time::timeout(limit, step).await.map_err(|_| too_long())
    })
}

/// Name, connection, TLS and clock; `false` when there is no way on.
fn reach(context: &Context, client: &Client, url: &Url, checks: &mut Vec<Check>) -> Result<bool, Failure> {
    let options = HttpOptions::from_environment(&context.environment)?;
    if let Some(proxy) = options.proxy_for(url) {
        checks.push(Check::skip("server.dns", format!("the proxy {proxy} looks it up and connects")));
    } else if !connects(context, url, checks)? {
        return Ok(false);
    }
    let request = Request::new(Vec::new());
    let (mut parts, body) = request.into_parts();
    parts.uri = url.as_str().parse().map_err(|_| Failure::usage(format!("`{}` is no address", endpoint(url))))?;
    let answer = within(context, client.system().http.send(Request::from_parts(parts, body)))?;
    let answer = match answer.and_then(|answer| answer.map_err(Failure::from)) {
        Ok(answer) => answer,
        Err(failure) => {
            let id = if url.scheme() == "https" { "server.tls" } else { "server.http" };
            checks.push(Check::failed(id, failure));
            return Ok(false);
        }
    };
    checks.push(if url.scheme() == "https" {
        Check::ok("server.tls", "the certificate is trusted")
    } else {
        Check::skip("server.tls", "plain http, which is for loopback only")
    });
    let date = answer.headers().get(http::header::DATE).and_then(|value| value.to_str().ok());
    checks.push(clock(date, context.now()));
    Ok(true)
}

fn connects(context: &Context, url: &Url, checks: &mut Vec<Check>) -> Result<bool, Failure> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = url.port_or_known_default().unwrap_or(443);
    let looked = within(context, tokio::net::lookup_host((host.clone(), port)))?;
    let addresses: Vec<_> = match looked {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(error)) => {
            let check = Check::new("server.dns", Verdict::Fail, format!("{host} cannot be looked up: {error}"));
            checks.push(check.remedy("check the name, the network, and whether a proxy is needed"));
            return Ok(false);
        }
        Err(failure) => {
            checks.push(Check::failed("server.dns", failure));
            return Ok(false);
        }
    };
    let private = addresses.iter().all(|address| address.ip().is_loopback()) && !is_loopback(url);
    checks.push(if private {
        Check::new("server.dns", Verdict::Warn, format!("{host} leads to this very machine"))
    } else {
        Check::ok("server.dns", format!("{host} has {} addresses", addresses.len()))
    });
    let connected = within(context, tokio::net::TcpStream::connect(&addresses[..]))?;
    match connected {
        Ok(Ok(_)) => {
            checks.push(Check::ok("server.tcp", format!("port {port} answers")));
            Ok(true)
        }
        Ok(Err(error)) => {
            let check = Check::new("server.tcp", Verdict::Fail, format!("port {port} of {host}: {error}"));
            checks.push(check.remedy("check the network, a firewall, and whether the server runs"));
            Ok(false)
        }
        Err(failure) => {
            checks.push(Check::failed("server.tcp", failure));
            Ok(false)
        }
    }
}

/// This machine's clock beside the server's, which ID tokens and assertions are measured with.
fn clock(date: Option<&str>, now: i64) -> Check {
    const ID: &str = "server.clock";
    let told = date.and_then(|date| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok());
    let Some(told) = told else { return Check::skip(ID, "the server sends no time with its answers") };
    let apart = now.saturating_sub(told.as_second());
    if apart.abs() <= CLOCK {
        return Check::ok(ID, "the two clocks agree");
    }
    let (how, seconds) = (if apart > 0 { "ahead of" } else { "behind" }, apart.unsigned_abs());
    // The usual tolerance of ID token checks is a minute.
    let verdict = if seconds > 60 { Verdict::Fail } else { Verdict::Warn };
    Check::new(ID, verdict, format!("this clock is {seconds} s {how} the server's"))
        .remedy("set this machine's clock and time zone right")
}

/// What led on, and what is there.
fn further(context: &Context, check: Check, way: Way, mut seen: Seen) -> Result<Seen, Failure> {
    seen.checks.push(check);
    let further = look(context, way)?;
    seen.checks.extend(further.checks);
    Ok(Seen { document: further.document, ..seen })
}

/// The metadata: there, of the right issuer, with endpoints that may be used.
fn describe(client: &Client, told: Result<Result<Map<String, Value>, client::Error>, Failure>, seen: &mut Seen) {
    use protocol::Error as E;
    const METADATA: &str = "server.metadata";
    const ISSUER: &str = "server.issuer";
    const ENDPOINTS: &str = "server.endpoints";
    let checks = &mut seen.checks;
    let read = || Check::ok(METADATA, "the server describes itself");
    let agrees = || Check::ok(ISSUER, "the issuer is the one that was asked for");
    match told {
        Ok(Ok(document)) => {
            checks.extend([read(), agrees()]);
            checks.push(Check::ok(ENDPOINTS, "all of them may be used: https, or loopback"));
            let s256 = AuthorizationServer::read(&document, text(&document, "issuer"), Default::default());
            if let Ok(Err(error)) = s256.map(|server| server.check_s256()) {
                checks.push(Check::failed("server.pkce", error));
            }
            seen.document = Some(document);
        }
        Ok(Err(client::Error::Lacks { what: "issuer", .. })) => {
            checks.push(Check::skip(METADATA, "the entry names no issuer; its endpoints count"));
            seen.document = by_entry(client);
        }
        Ok(Err(error @ client::Error::NoMetadata { .. })) => match by_entry(client) {
            Some(document) => {
                checks.push(Check::new(METADATA, Verdict::Warn, format!("{error}; the entry's endpoints count")));
                seen.document = Some(document);
            }
            None => checks.push(Check::failed(METADATA, error)),
        },
        Ok(Err(client::Error::Protocol(error @ E::MetadataIssuer { .. }))) => {
            checks.extend([read(), Check::failed(ISSUER, error)]);
        }
        Ok(Err(client::Error::Protocol(error @ E::MetadataEndpoint { .. }))) => {
            checks.extend([read(), agrees(), Check::failed(ENDPOINTS, error)]);
        }
        Ok(Err(error)) => checks.push(Check::failed(METADATA, error)),
        Err(failure) => checks.push(Check::failed(METADATA, failure)),
    }
}

fn text<'a>(document: &'a Map<String, Value>, name: &str) -> &'a str {
    document.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// What the entry knows of a server that says nothing itself: endpoints, and none of its features.
fn by_entry(client: &Client) -> Option<Map<String, Value>> {
    let server = client.server_at_hand();
    let endpoints = [
        ("authorization_endpoint", server.authorization_endpoint),
        ("token_endpoint", server.token_endpoint),
        ("userinfo_endpoint", server.userinfo_endpoint),
        ("revocation_endpoint", server.revocation_endpoint),
        ("introspection_endpoint", server.introspection_endpoint),
        ("end_session_endpoint", server.end_session_endpoint),
        ("device_authorization_endpoint", server.device_authorization_endpoint),
        ("registration_endpoint", server.registration_endpoint),
        ("backchannel_authentication_endpoint", server.backchannel_authentication_endpoint),
    ];
    let known: Map<String, Value> =
        endpoints.into_iter().filter_map(|(name, url)| Some((name.to_owned(), url?.to_string().into()))).collect();
    (!known.is_empty()).then_some(known)
}

fn keys(context: &Context, client: &Client) -> Result<Check, Failure> {
    const ID: &str = "server.keys";
    let is_openid = client.provider().protocol == Protocol::Oidc;
    Ok(match within(context, client.keys())? {
        Ok(Ok(set)) if set.usable() > 0 => {
            Check::ok(ID, format!("{} keys that signatures are checked with", set.usable()))
        }
        Ok(Ok(_)) => Check::new(ID, if is_openid { Verdict::Fail } else { Verdict::Warn }, "no key that can be used"),
        Ok(Err(client::Error::Lacks { .. })) => {
            Check::skip(ID, "the server publishes none: nothing it issues is verified")
        }
        // Said already.
        Ok(Err(client::Error::Protocol(
            protocol::Error::MetadataIssuer { .. } | protocol::Error::MetadataEndpoint { .. },
        )))
        | Ok(Err(client::Error::NoMetadata { .. })) => Check::skip(ID, "not known without metadata"),
        Ok(Err(error)) => Check::failed(ID, error),
        Err(failure) => Check::failed(ID, failure),
    })
}

/// Whether the server knows the client, as far as a made-up code tells.
fn known(context: &Context, client: &Client) -> Result<Check, Failure> {
    const ID: &str = "server.client";
    let provider = client.provider();
    if !provider.grants.iter().any(|grant| grant == "authorization_code") {
        return Ok(Check::skip(ID, "only a token request of its own grant tells"));
    }
    Ok(match within(context, probe(client))? {
        Ok(Ok(Known::OnlyTheCode(error))) => {
            Check::ok(ID, format!("known: a made-up code was answered with {}", shorten(&error, WORDS)))
        }
        Ok(Ok(Known::Unclear(words))) => Check::new(ID, Verdict::Warn, format!("unclear: {}", shorten(&words, WORDS))),
        Ok(Ok(_)) => Check::skip(ID, "only a login tells"),
        Ok(Err(error)) => Check::failed(ID, error),
        Err(failure) => Check::failed(ID, failure),
    })
}

#[cfg(test)]
mod tests {
    use super::{Verdict, clock};

    #[test]
    fn a_clock_that_is_wrong_is_said_with_the_direction() {
        // Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110 §5.6.7.
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        let at = 784_111_777;
        for (now, verdict, word) in [
            (at + 5, Verdict::Ok, "agree"),
            (at + 6, Verdict::Warn, "6 s ahead of"),
            (at - 60, Verdict::Warn, "60 s behind"),
            (at - 61, Verdict::Fail, "61 s behind"),
        ] {
            let check = clock(date, now);
            assert_eq!(check.verdict, verdict, "{check:?}");
            assert!(check.message.contains(word), "{check:?}");
        }
        assert_eq!(clock(None, at).verdict, Verdict::Skip);
        assert_eq!(clock(Some("soon"), at).verdict, Verdict::Skip);
    }
}
