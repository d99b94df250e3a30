//! Platforms that put the statement into a variable of the job.

use super::{Asked, Missing, Source};
use crate::registry::words::Runner;
use crate::secret::Secret;
use crate::system::LocalFuture;

/// A statement in the first of these variables.
pub(super) struct Variable {
    runner: Runner,
    names: &'static [&'static str],
    /// What makes the platform set it.
    hint: &'static str,
    documentation: &'static str,
}

/// GitLab sets whatever variable the job names.
pub(super) static GITLAB: Variable = Variable {
    runner: Runner::GitLab,
    names: &["KEYFOB_ID_TOKEN", "GITLAB_OIDC_TOKEN", "ID_TOKEN"],
    hint: "`id_tokens: { KEYFOB_ID_TOKEN: { aud: … } }` in the job; another name can be given as  { env = \"NAME\" }",
    documentation: "https://docs.gitlab.com/ci/secrets/id_token_authentication/",
};

/// CircleCI sets both; the second version names the project too.
pub(super) static CIRCLECI: Variable = Variable {
    runner: Runner::CircleCi,
    names: &["CIRCLE_OIDC_TOKEN_V2", "CIRCLE_OIDC_TOKEN"],
    hint: "a job with a context; for an audience of your own use  { command = [\"circleci\", \"run\", \"oidc\", \"get\", …] }",
    documentation: "https://circleci.com/docs/openid-connect-tokens/",
};

impl Source for Variable {
    fn runner(&self) -> Runner {
        self.runner
    }

    fn documentation(&self) -> &'static str {
        self.documentation
    }

    fn statement<'a>(&'a self, asked: &'a Asked<'a>) -> LocalFuture<'a, Result<Secret, Missing>> {
        let found = asked.system.environment.first(self.names).map(Secret::new);
        let names = self.names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let unset = format!("finds none of the variables {names}; the platform sets one for {}", self.hint);
        Box::pin(async move { found.ok_or(Missing::Unset(unset)) })
    }
}
