//! One HTTP policy for every request.
//!
//! No redirect is followed, TLS is always verified, `http` reaches loopback hosts only and never through a proxy, and
//! every request has limits on time and on the size of its answer. Clients are built on first use: reading the system's
//! certificate authorities costs more than all else keyfob does, and most commands need no network.
//!
//! Documents and tokens come whole, with a limit on their size; what a resource server sends and takes may be of any size
//! and flows ([`stream`]).

mod machine;
pub mod stream;
pub mod tls;

use std::error::Error as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use url::{Host, Url};

use self::tls::Identity;
use super::trace::{self, Event};
use super::{Environment, Error, Trace, random};

/// A request with its whole body.
pub type Request = http::Request<Vec<u8>>;
/// An answer with its whole body, decompressed.
pub type Response = http::Response<Vec<u8>>;

/// Bytes of one answer, after decompression (1 MiB): token and metadata documents are a thousandth of it.
pub const BODY_LIMIT: usize = 1 << 20;

/// On a request: of an answer that is larger than [`BODY_LIMIT`], its beginning will do. On an answer: the body is no more
/// than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beginning;

/// How often a request that cannot have had an effect is sent again.
const RETRIES: u32 = 2;

/// Limits and trust of the network.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// Until a connection stands, TLS included.
    pub connect: Duration,
    /// Between two pieces of an answer.
    pub idle: Duration,
    /// A whole exchange.
    pub request: Duration,
    /// A PEM file of further certificate authorities (`KEYFOB_CA_BUNDLE`).
    pub ca_bundle: Option<PathBuf>,
    /// The proxy for `https`, with credentials if need be.
    pub proxy: Option<Proxy>,
}

/// A proxy and the hosts reached without it.
#[derive(Clone)]
pub struct Proxy {
    variable: &'static str,
    url: Url,
    except: Option<String>,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Proxy({})", self.url.host_str().unwrap_or_default())
    }
}

impl HttpOptions {
    /// The default limits, with trust and proxy as `environment` says.
    ///
    /// # Errors
    /// [`Error::Setting`] for a proxy variable that is no address.
    pub fn from_environment(environment: &Environment) -> Result<Self, Error> {
        Ok(Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(15),
            request: Duration::from_secs(30),
            ca_bundle: environment.raw("KEYFOB_CA_BUNDLE").map(PathBuf::from),
            proxy: Proxy::from_environment(environment)?,
        })
    }
}

impl Proxy {
    /// The first of the usual variables. `http` is spoken to loopback only, so that `HTTP_PROXY` never applies.
    fn from_environment(environment: &Environment) -> Result<Option<Self>, Error> {
        const NAMES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
        for variable in ["HTTP_PROXY", "http_proxy"] {
            if let Some(value) = environment.text(variable) {
                Self::parse(variable, &value)?;
            }
        }
        let Some((variable, value)) = NAMES.iter().find_map(|name| Some((*name, environment.text(name)?))) else {
            return Ok(None);
        };
        let url = Self::parse(variable, &value)?;
        Ok(Some(Self { variable, url, except: environment.first(&["NO_PROXY", "no_proxy"]) }))
    }

    /// Whether `NO_PROXY` names the host or a domain above it.
    fn excepts(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let is_named = |entry: &str| {
            let entry = entry.trim().trim_start_matches("*.").trim_start_matches('.');
            entry == "*" || (!entry.is_empty() && (host == entry || host.ends_with(&format!(".{entry}"))))
        };
        self.except.as_deref().is_some_and(|list| list.split(',').any(is_named))
    }

    fn parse(variable: &str, value: &str) -> Result<Url, Error> {
        let unusable = |reason: &str| Error::Setting { name: variable.into(), reason: reason.into() };
        let with_scheme = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
        let url = Url::parse(&with_scheme).map_err(|error| unusable(&format!("not an address ({error})")))?;
        match url.scheme() {
            "http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h" if url.has_host() => Ok(url),
            _ => Err(unusable("its scheme must be http, https, socks4, socks4a, socks5 or socks5h")),
        }
    }
}

impl HttpOptions {
    /// The host of the proxy that `url` is reached through, if there is one.
    pub fn proxy_for(&self, url: &Url) -> Option<&str> {
        let proxy = self.proxy.as_ref().filter(|proxy| !is_loopback(url) && !proxy.excepts(url))?;
        proxy.url.host_str()
    }

    /// The variable that names the proxy, and the proxy's host; never its password.
    pub fn proxy_variable(&self) -> Option<(&'static str, &str)> {
        let proxy = self.proxy.as_ref()?;
        Some((proxy.variable, proxy.url.host_str().unwrap_or_default()))
    }

    /// How many further certificate authorities `ca_bundle` holds; `None` without one.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn authorities(&self) -> Result<Option<usize>, Error> {
        self.ca_bundle.as_deref().map(|path| read_authorities(path).map(|list| list.len())).transpose()
    }
}

/// Sends requests under the policy of this module.
#[derive(Debug)]
pub struct HttpClient {
    options: HttpOptions,
    trace: Trace,
    connections: Connections,
}

/// The connections that are made as one, or as nobody in particular.
#[derive(Debug, Default)]
pub(super) struct Connections {
    whole: Clients,
    flowing: Clients,
}

/// The connections of one kind of exchange, made on first use.
#[derive(Debug, Default)]
struct Clients {
    loopback: OnceLock<reqwest::Client>,
    secure_loopback: OnceLock<reqwest::Client>,
    remote: OnceLock<reqwest::Client>,
}

/// How an exchange is limited in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// By the connection itself, and as a whole.
    Whole,
    /// By whoever moves the bodies, since only he knows which side is waited for.
    Flowing,
}

impl HttpClient {
    /// A client that builds its connections when they are needed.
    pub fn new(options: HttpOptions, trace: Trace) -> Self {
        Self { options, trace, connections: Connections::default() }
    }

    /// Sends `request` once and reads its answer.
    ///
    /// # Errors
    /// [`Error::ForbiddenUrl`] before anything is sent; otherwise why there is no complete answer.
    pub async fn send(&self, request: Request) -> Result<Response, Error> {
        let url = Url::parse(&request.uri().to_string())
            .map_err(|_| Error::ForbiddenUrl { url: String::new(), reason: "it is no address" })?;
        check_url(&url)?;
        let identity = Identity::of(&request);
        let client = self.client(&url, Pace::Whole, identity.as_deref())?;
        self.tell_request(&request, &url);
        let exchange = self.exchange(client, request, &url);
        let response = tokio::time::timeout(self.options.request, exchange).await.unwrap_or_else(|_| {
            Err(Error::TooSlow {
                endpoint: endpoint(&url),
                limit: "request",
                after: self.options.request,
                unsent: false,
            })
        })?;
        self.tell_response(&response, &url);
        Ok(response)
    }

    fn tell_request(&self, request: &Request, url: &Url) {
        self.trace.tell(|| Event::Request {
            method: request.method().to_string(),
            url: trace::shown_url(url),
            headers: trace::shown_headers(request.headers()),
            parameters: trace::shown_body(request.headers(), request.body()),
        });
    }

    fn tell_response(&self, response: &Response, url: &Url) {
        self.trace.tell(|| Event::Response {
            url: trace::shown_url(url),
            status: response.status().as_u16(),
            headers: trace::shown_headers(response.headers()),
            members: trace::shown_body(response.headers(), response.body()),
            length: response.body().len(),
        });
    }

    /// Sends `request`, and again (twice at most, after a growing and jittered delay) while the server cannot have acted
    /// on it: a connection was never made, or, when `safe`, none was kept until an answer came.
    ///
    /// # Errors
    /// As [`send`](Self::send), of the last attempt.
    pub async fn send_persistently(&self, request: Request, safe: bool) -> Result<Response, Error> {
        let mut delay = Duration::from_millis(150);
        for _ in 0..RETRIES {
            match self.send(request.clone()).await {
                Err(Error::Unreachable { unsent, .. }) if unsent || safe => {
                    tokio::time::sleep(delay + Duration::from_millis(random::below(100))).await;
                    delay *= 3;
                }
                outcome => return outcome,
            }
        }
        self.send(request).await
    }

    async fn exchange(&self, client: &reqwest::Client, request: Request, url: &Url) -> Result<Response, Error> {
        let beginning = request.extensions().get::<Beginning>().copied();
        let request = reqwest::Request::try_from(request)
            .map_err(|error| Error::BadAnswer { endpoint: endpoint(url), reason: error.to_string() })?;
        let mut answer = client.execute(request).await.map_err(|error| self.unanswered(&error, url))?;
        let bad = |reason: String| Error::BadAnswer { endpoint: endpoint(url), reason };
        if beginning.is_none() && answer.content_length().is_some_and(|length| length > BODY_LIMIT as u64) {
            return Err(bad(format!("is larger than {BODY_LIMIT} bytes")));
        }
        let encoding = answer.headers().get(CONTENT_ENCODING);
        if encoding.is_some_and(|name| name.as_bytes() != b"identity" && !name.is_empty()) {
            return Err(bad("has a content encoding that was not asked for".into()));
        }
        let mut body = Vec::new();
        let mut response = http::Response::builder().status(answer.status());
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.unfinished(&error, url))? {
            let room = BODY_LIMIT - body.len();
            if chunk.len() <= room {
                body.extend_from_slice(&chunk);
                continue;
            }
            let cut = beginning.ok_or_else(|| bad(format!("is larger than {BODY_LIMIT} bytes")))?;
            body.extend_from_slice(&chunk[..room]);
            response = response.extension(cut);
            break;
        }
        if let Some(headers) = response.headers_mut() {
            *headers = std::mem::take(answer.headers_mut());
            headers.remove(CONTENT_LENGTH);
        }
        response.body(body).map_err(|error| bad(error.to_string()))
    }

    /// Builds the client for `url` on first use. Loopback never passes a proxy; plain loopback needs no authorities. What one
    /// connection made known of the client must not serve a request that is to go without.
    fn client<'a>(
        &'a self,
        url: &Url,
        pace: Pace,
        identity: Option<&'a Identity>,
    ) -> Result<&'a reqwest::Client, Error> {
        let connections = identity.map_or(&self.connections, |identity| &identity.connections);
        let clients = match pace {
            Pace::Whole => &connections.whole,
            Pace::Flowing => &connections.flowing,
        };
        let cell = match (is_loopback(url), url.scheme()) {
            (true, "http") => &clients.loopback,
            (true, _) => &clients.secure_loopback,
            (false, _) => &clients.remote,
        };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let mut builder = self.builder(is_loopback(url), url.scheme() == "http", pace)?;
        if let Some(identity) = identity {
            builder = builder.identity(identity.inner.clone());
        }
        let client = builder.build();
        let client = client.map_err(|error| Error::Setting { name: "TLS".into(), reason: innermost(&error) })?;
        Ok(cell.get_or_init(|| client))
    }

    fn builder(&self, loopback: bool, plain: bool, pace: Pace) -> Result<reqwest::ClientBuilder, Error> {
        // Fails only when a provider is installed already, which is then the one to use.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let user_agent = concat!("keyfob/", env!("CARGO_PKG_VERSION"));
        let mut builder = reqwest::Client::builder()
            .user_agent(user_agent)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .dns_resolver(Arc::new(Lookup))
            .connect_timeout(self.options.connect)
            .pool_idle_timeout(Duration::from_secs(60));
        if pace == Pace::Whole {
            builder = builder.read_timeout(self.options.idle);
        }
        if loopback {
            let addresses = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
            let addresses = addresses.map(|address| SocketAddr::new(address, 0));
            builder = builder.no_proxy().resolve_to_addrs("localhost", &addresses);
        } else {
            builder = self.proxied(builder)?;
        }
        Ok(match (plain, &self.options.ca_bundle) {
            (true, _) => builder.tls_certs_only([]),
            (false, Some(path)) => builder.tls_certs_merge(read_authorities(path)?),
            (false, None) => builder,
        })
    }

    fn proxied(&self, builder: reqwest::ClientBuilder) -> Result<reqwest::ClientBuilder, Error> {
        let Some(chosen) = &self.options.proxy else {
            // Without variables, macOS and Windows may still name a proxy in the system's settings.
            return Ok(builder);
        };
        let unusable =
            |error: reqwest::Error| Error::Setting { name: chosen.variable.into(), reason: innermost(&error) };
        let proxy = reqwest::Proxy::all(chosen.url.as_str()).map_err(unusable)?;
        let except = chosen.except.as_deref().and_then(reqwest::NoProxy::from_string);
        Ok(builder.no_proxy().proxy(proxy.no_proxy(except)))
    }

    /// Why no answer began.
    fn unanswered(&self, error: &reqwest::Error, url: &Url) -> Error {
        let unsent = error.is_connect();
        if error.is_timeout() {
            let (limit, after) = if unsent { ("connect", self.options.connect) } else { ("idle", self.options.idle) };
            return Error::TooSlow { endpoint: endpoint(url), limit, after, unsent };
        }
        let reason = innermost(error);
        if let Some(reason) = certificate_problem(error) {
            return Error::Certificate { endpoint: endpoint(url), reason };
        }
        if ["invalid HTTP", "too large", "Content-Length", "HTTP version"].iter().any(|sign| reason.contains(sign)) {
            return Error::BadAnswer { endpoint: endpoint(url), reason: format!("is not valid HTTP ({reason})") };
        }
        Error::Unreachable { endpoint: endpoint(url), reason: self.through_proxy(url, reason), unsent }
    }

    /// Why an answer that began did not end.
    fn unfinished(&self, error: &reqwest::Error, url: &Url) -> Error {
        if error.is_timeout() {
            let after = self.options.idle;
            return Error::TooSlow { endpoint: endpoint(url), limit: "idle", after, unsent: false };
        }
        let reason = innermost(error);
        let cut_off = ["end of file", "EOF", "incomplete", "closed before"].iter().any(|sign| reason.contains(sign));
        if error.is_decode() && !cut_off {
            return Error::BadAnswer { endpoint: endpoint(url), reason: format!("cannot be decoded ({reason})") };
        }
        Error::Unreachable {
            endpoint: endpoint(url),
            reason: format!("the answer was cut off ({reason})"),
            unsent: false,
        }
    }

    /// Says so when there is a proxy between us and the server: it may be the one that refused.
    fn through_proxy(&self, url: &Url, reason: String) -> String {
        match &self.options.proxy {
            Some(proxy) if !is_loopback(url) && !proxy.excepts(url) => {
                format!(
                    "{reason}, through the proxy of {} ({})",
                    proxy.variable,
                    proxy.url.host_str().unwrap_or_default()
                )
            }
            _ => reason,
        }
    }
}

/// The system's look-up of names, on a thread of its own because it blocks. Where no thread can be started that is an
/// error like any other; the runtime's own pool would panic.
#[derive(Debug)]
struct Lookup;

impl reqwest::dns::Resolve for Lookup {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        Box::pin(async move {
            let (sender, found) = tokio::sync::oneshot::channel();
            let look = move || {
                // Nobody listens any more once the request has been given up.
                let _ = sender.send((name.as_str(), 0).to_socket_addrs());
            };
            std::thread::Builder::new().name("lookup".into()).spawn(look)?;
            let addresses: reqwest::dns::Addrs = Box::new(found.await??);
            Ok(addresses)
        })
    }
}

/// Refuses addresses that a request must not be sent to.
///
/// # Errors
/// [`Error::ForbiddenUrl`] unless `url` is `https`, or `http` on a loopback host, and carries no user name.
pub fn check_url(url: &Url) -> Result<(), Error> {
    let refuse = |reason| Err(Error::ForbiddenUrl { url: endpoint(url), reason });
    match url.scheme() {
        "https" | "http" if !url.has_host() => refuse("it names no host"),
        _ if !url.username().is_empty() || url.password().is_some() => refuse("it carries a user name or password"),
        "https" => Ok(()),
        "http" if is_loopback(url) => Ok(()),
        "http" => refuse("`http` is allowed for loopback hosts only"),
        _ => refuse("only `https` addresses, and `http` ones on loopback hosts, are used"),
    }
}

/// Whether the host is 127.0.0.0/8, `[::1]` or `localhost`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Host, and port where it is not the scheme's own.
pub fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// What may be shown of an address: scheme, host, port and path.
pub fn endpoint(url: &Url) -> String {
    format!("{}://{}{}", url.scheme(), authority(url), url.path())
}

fn read_authorities(path: &std::path::Path) -> Result<Vec<reqwest::Certificate>, Error> {
    let unusable = |reason: String| Error::Setting { name: "KEYFOB_CA_BUNDLE".into(), reason };
    let bytes = super::files::read_open(path, 8 * BODY_LIMIT)?
        .ok_or_else(|| unusable(format!("there is no file {}", path.display())))?;
    let certificates = reqwest::Certificate::from_pem_bundle(&bytes).map_err(|error| unusable(innermost(&error)))?;
    if certificates.is_empty() {
        return Err(unusable(format!("{} holds no certificate", path.display())));
    }
    Ok(certificates)
}

/// The last cause in the chain, which is the one that tells.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// What is wrong with the server's certificate, if that is the cause.
fn certificate_problem(error: &reqwest::Error) -> Option<String> {
    let mut cause = error.source();
    while let Some(error) = cause {
        let tls = error.downcast_ref::<rustls::Error>().or_else(|| wrapped(error.downcast_ref::<std::io::Error>()?));
        match tls {
            Some(rustls::Error::InvalidCertificate(problem)) => {
                return Some(format!("certificate not trusted ({problem})"));
            }
            Some(other) => return Some(format!("TLS failed ({other})")),
            None => cause = error.source(),
        }
    }
    None
}

/// The TLS error inside of I/O errors, which may be wrapped several times.
fn wrapped(error: &std::io::Error) -> Option<&rustls::Error> {
    let inner = error.get_ref()?;
    inner.downcast_ref::<rustls::Error>().or_else(|| wrapped(inner.downcast_ref::<std::io::Error>()?))
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::{Environment, Error, HttpOptions, check_url, endpoint};

    #[test]
    fn plain_http_is_for_loopback_hosts_only() {
        for good in
            ["https://a.example/x", "http://127.0.0.1:1/", "http://127.9.9.9/", "http://localhost/", "http://[::1]/"]
        {
            assert!(check_url(&Url::parse(good).unwrap()).is_ok(), "{good}");
        }
        for bad in [
            "http://a.example/",
            "http://localhost.evil.example/",
            "http://127.0.0.1.evil.example/",
            "http://0.0.0.0/",
            "http://[::]/",
            "ftp://a.example/",
            "file:///etc/passwd",
            "https://user@a.example/",
        ] {
            assert!(matches!(check_url(&Url::parse(bad).unwrap()), Err(Error::ForbiddenUrl { .. })), "{bad}");
        }
    }

    #[test]
    fn an_endpoint_is_named_without_its_query() {
        assert_eq!(endpoint(&Url::parse("https://a.example:8443/t?code=x#y").unwrap()), "https://a.example:8443/t");
    }

    #[test]
    fn a_malformed_proxy_variable_is_named() {
        let environment = Environment::given([("HTTPS_PROXY", "::::")]);

        assert!(
            matches!(HttpOptions::from_environment(&environment), Err(Error::Setting { name, .. }) if name == "HTTPS_PROXY")
        );
    }
}
