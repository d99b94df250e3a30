//! The metadata service of the machine itself: the one place outside of loopback that is asked without TLS.
//!
//! Clouds answer there by the network that the machine hangs on, at an address that leads nowhere else and has no name that a
//! certificate could be for. Nothing secret is sent to it.

use std::net::Ipv4Addr;
use std::time::Duration;

use url::{Host, Url};

use super::{Error, HttpClient, Pace, Request, Response, endpoint, is_loopback};

/// The link-local address that all clouds share.
const LINK_LOCAL: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

/// Names of that address.
const NAMES: [&str; 2] = ["metadata.google.internal", "metadata"];

/// How long the machine's own service may take; elsewhere than in a cloud nobody answers.
const LIMIT: Duration = Duration::from_secs(5);

impl HttpClient {
    /// Asks the metadata service, never through a proxy.
    ///
    /// # Errors
    /// [`Error::ForbiddenUrl`] for any other host; why there is no answer.
    pub async fn ask_machine(&self, request: Request) -> Result<Response, Error> {
        let refuse = |url: String, reason| Err(Error::ForbiddenUrl { url, reason });
        let Ok(url) = Url::parse(&request.uri().to_string()) else { return refuse(String::new(), "it is no address") };
        let is_own = match url.host() {
            Some(Host::Ipv4(address)) => address == LINK_LOCAL,
            Some(Host::Domain(name)) => NAMES.contains(&name),
            _ => false,
        };
        if url.scheme() != "http" || !(is_own || is_loopback(&url)) || !url.username().is_empty() {
            return refuse(endpoint(&url), "the metadata service of a machine is at 169.254.169.254");
        }
        let client = self.plain()?;
        self.tell_request(&request, &url);
        let limit = LIMIT.min(self.options.request);
        let response =
            tokio::time::timeout(limit, self.exchange(client, request, &url)).await.unwrap_or_else(|_| {
                Err(Error::TooSlow { endpoint: endpoint(&url), limit: "request", after: limit, unsent: false })
            })?;
        self.tell_response(&response, &url);
        Ok(response)
    }

    /// The client for loopback, which knows neither proxy nor certificates.
    fn plain(&self) -> Result<&reqwest::Client, Error> {
        let loopback = Url::parse("http://localhost/").expect("an address");
        self.client(&loopback, Pace::Whole, None)
    }
}
