//! Google Cloud, whose metadata server knows the instance's service account.

use url::Url;

use super::{Asked, Missing, Source};
use crate::protocol::http;
use crate::registry::words::Runner;
use crate::secret::Secret;
use crate::system::LocalFuture;

/// Where the metadata server is, unless a variable says otherwise.
const HOST: &str = "metadata.google.internal";

/// The header by which both sides say that the one means the other.
const FLAVOR: (&str, &str) = ("metadata-flavor", "Google");

/// The identity document of the default service account.
pub(super) struct Gcp;

impl Source for Gcp {
    fn runner(&self) -> Runner {
        Runner::Gcp
    }

    fn documentation(&self) -> &'static str {
        "https://cloud.google.com/compute/docs/instances/verifying-instance-identity"
    }

    fn statement<'a>(&'a self, asked: &'a Asked<'a>) -> LocalFuture<'a, Result<Secret, Missing>> {
        Box::pin(async move {
            let audience = asked.audience.ok_or_else(|| Missing::Unset("needs an `audience`".into()))?;
            let host = asked.system.environment.text("GCE_METADATA_HOST").unwrap_or_else(|| HOST.to_owned());
            let place = format!("http://{host}/computeMetadata/v1/instance/service-accounts/default/identity");
            let mut url =
                Url::parse(&place).map_err(|_| Missing::Unset("has an unusable `GCE_METADATA_HOST`".into()))?;
            url.query_pairs_mut().append_pair("audience", audience).append_pair("format", "full");
            let unusable = |_| Missing::Unset("has an unusable `GCE_METADATA_HOST`".into());
            let mut request = http::get(&url).map_err(unusable)?;
            request.headers_mut().insert(FLAVOR.0, FLAVOR.1.parse().expect("a word is a header's value"));
            let response = asked.system.http.ask_machine(request).await?;
            let status = response.status().as_u16();
            let is_theirs = response.headers().get(FLAVOR.0).is_some_and(|value| value == FLAVOR.1);
            if status != 200 || !is_theirs {
                let what = if is_theirs { format!("status {status}") } else { "no `Metadata-Flavor: Google`".into() };
                return Err(Missing::Answer(format!("has a metadata server that answered with {what}")));
            }
            let text = String::from_utf8(response.into_body())
                .map_err(|_| Missing::Answer("has a metadata server that answered with no text".into()))?;
            Ok(Secret::new(text.trim()))
        })
    }
}
