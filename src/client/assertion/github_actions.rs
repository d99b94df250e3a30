//! GitHub Actions, and Forgejo Actions, which speaks the same protocol.

use url::Url;

use super::{Asked, Missing, Source};
use crate::protocol::http;
use crate::registry::words::Runner;
use crate::secret::Secret;
use crate::system::LocalFuture;
use crate::system::http::endpoint;

/// The runner's own endpoint, which a job that may have an identity is told by two variables.
pub(super) struct GitHubActions {
    pub(super) runner: Runner,
}

impl Source for GitHubActions {
    fn runner(&self) -> Runner {
        self.runner
    }

    fn documentation(&self) -> &'static str {
        match self.runner {
            Runner::ForgejoActions => "https://forgejo.org/docs/latest/user/actions/security-openid-connect/",
            _ => "https://docs.github.com/en/actions/reference/security/oidc",
        }
    }

    fn statement<'a>(&'a self, asked: &'a Asked<'a>) -> LocalFuture<'a, Result<Secret, Missing>> {
        Box::pin(async move {
            let variable = |name: &str| {
                let hint = match self.runner {
                    Runner::ForgejoActions => "`enable-openid-connect: true` in the workflow",
                    _ => "`permissions: { id-token: write }` in the job",
                };
                let unset = || Missing::Unset(format!("misses the variable `{name}`; the runner sets it for {hint}"));
                asked.system.environment.text(name).ok_or_else(unset)
            };
            let (url, token) = (variable("ACTIONS_ID_TOKEN_REQUEST_URL")?, variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN")?);
            let malformed = |what: &str| Missing::Unset(format!("has an unusable `ACTIONS_ID_TOKEN_REQUEST_{what}`"));
            let mut url = Url::parse(&url).map_err(|_| malformed("URL"))?;
            if let Some(audience) = asked.audience {
                url.query_pairs_mut().append_pair("audience", audience);
            }
            let mut request = http::get(&url).map_err(|_| malformed("URL"))?;
            let bearer = format!("bearer {token}").parse().map_err(|_| malformed("TOKEN"))?;
            request.headers_mut().insert(::http::header::AUTHORIZATION, bearer);
            let response = asked.system.http.send_persistently(request, true).await?;
            let refused =
                |what: String| Missing::Answer(format!("was asked at {}, which answered with {what}", endpoint(&url)));
            if response.status() != ::http::StatusCode::OK {
                return Err(refused(format!("status {}", response.status().as_u16())));
            }
            let members =
                crate::protocol::json::parse_object(response.body()).map_err(|_| refused("no JSON".into()))?;
            match members.get("value").and_then(serde_json::Value::as_str) {
                Some(statement) if !statement.is_empty() => Ok(Secret::new(statement)),
                _ => Err(refused("no `value`".into())),
            }
        })
    }
}
