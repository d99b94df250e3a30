//! Buildkite, whose agent is a program on the path of the job.

use std::time::Duration;

use super::{Asked, Missing, Source};
use crate::registry::words::Runner;
use crate::secret::Secret;
use crate::system::{LocalFuture, process};

/// How long the agent may take.
const LIMIT: Duration = Duration::from_secs(30);

/// `buildkite-agent oidc request-token`.
pub(super) struct Buildkite;

impl Source for Buildkite {
    fn runner(&self) -> Runner {
        Runner::Buildkite
    }

    fn documentation(&self) -> &'static str {
        "https://buildkite.com/docs/agent/v3/cli-oidc"
    }

    fn statement<'a>(&'a self, asked: &'a Asked<'a>) -> LocalFuture<'a, Result<Secret, Missing>> {
        Box::pin(async move {
            const TOKEN: &str = "BUILDKITE_AGENT_ACCESS_TOKEN";
            if asked.system.environment.raw(TOKEN).is_none() {
                let what = "misses the variable `BUILDKITE_AGENT_ACCESS_TOKEN`; the agent sets it for each job";
                return Err(Missing::Unset(what.into()));
            }
            let mut words = vec!["buildkite-agent".to_owned(), "oidc".into(), "request-token".into()];
            if let Some(audience) = asked.audience {
                words.extend(["--audience".to_owned(), audience.to_owned()]);
            }
            // The agent is the one program that is to have it.
            let withheld: Vec<String> = asked.secret_variables.iter().filter(|name| *name != TOKEN).cloned().collect();
            Ok(process::secret_of(&words, &withheld, LIMIT)?)
        })
    }
}
