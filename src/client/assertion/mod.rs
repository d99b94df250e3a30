//! Who the machine is, as its platform says: a signed statement about the job, pod or instance that keyfob runs in.
//!
//! A statement takes the place of a secret (workload identity federation): it is presented as an assertion, as the subject of
//! a token exchange, or as the client's own proof. It is fetched anew at each use and never kept.

mod buildkite;
mod gcp;
mod github_actions;
mod token_file;
mod variable;

use serde_json::Value;

use super::{Client, Error};
use crate::protocol;
use crate::registry::words::Runner;
use crate::secret::Secret;
use crate::system::{LocalFuture, System};

/// What is asked of a platform.
pub(super) struct Asked<'a> {
    pub(super) system: &'a System,
    /// Whom the statement is for, where that can be chosen.
    pub(super) audience: Option<&'a str>,
    /// Variables that programs do not get.
    pub(super) secret_variables: &'a [String],
}

/// Why there is no statement.
#[derive(Debug)]
pub(super) enum Missing {
    /// The machine is no such runner, or the job lacks something: what, and where it comes from.
    Unset(String),
    /// The platform's endpoint cannot be reached.
    System(crate::system::Error),
    /// It answered with something else.
    Answer(String),
}

impl From<crate::system::Error> for Missing {
    fn from(error: crate::system::Error) -> Self {
        Self::System(error)
    }
}

/// A platform that says who runs on it.
pub(super) trait Source: Sync {
    /// Its word in an entry.
    fn runner(&self) -> Runner;

    /// Where it documents this.
    fn documentation(&self) -> &'static str;

    /// The statement, a JWT.
    fn statement<'a>(&'a self, asked: &'a Asked<'a>) -> LocalFuture<'a, Result<Secret, Missing>>;
}

/// The platforms there are.
pub(super) static SOURCES: &[&dyn Source] = &[
    &github_actions::GitHubActions { runner: Runner::GitHubActions },
    &github_actions::GitHubActions { runner: Runner::ForgejoActions },
    &variable::GITLAB,
    &variable::CIRCLECI,
    &buildkite::Buildkite,
    &token_file::KUBERNETES,
    &token_file::AZURE,
    &token_file::SPIFFE,
    &gcp::Gcp,
];

impl Client {
    /// What the platform `runner` says of this machine, for `audience`, else for the server.
    ///
    /// # Errors
    /// [`Error::Runner`] with what is missing and where it comes from; why the platform cannot be asked.
    pub(super) async fn statement(&self, runner: Runner, audience: Option<&str>) -> Result<Secret, Error> {
        let failed = |reason: String| Error::Runner { platform: runner.word(), reason };
        let source =
            SOURCES.iter().find(|source| source.runner() == runner).ok_or_else(|| failed("is unknown".into()))?;
        let usual = self.usual_audience();
        let secret_variables = self.provider.secret_variables();
        let chosen = audience.or(usual.as_deref());
        let asked = Asked { system: &self.system, audience: chosen, secret_variables: &secret_variables };
        let statement = source.statement(&asked).await.map_err(|missing| match missing {
            Missing::Unset(reason) => failed(reason),
            Missing::Answer(reason) => failed(format!("{reason}; see {}", source.documentation())),
            Missing::System(error) => error.into(),
        })?;
        check(&statement, audience, self.time_there()).map_err(failed)?;
        Ok(statement)
    }

    /// Whom a statement is for unless something else is said: the server, by its issuer or its token endpoint.
    ///
    /// # Specification
    /// RFC 7523 §3 (3).
    fn usual_audience(&self) -> Option<String> {
        let endpoint = || self.server_at_hand().token_endpoint.map(|url| url.to_string());
        self.provider.issuer.clone().or_else(endpoint)
    }
}

/// Refuses a statement that no server would take: one that is no JWT, has ended, or is for somebody else than the entry says.
/// Whether its signature is right is for the server to tell.
fn check(statement: &Secret, audience: Option<&str>, now: i64) -> Result<(), String> {
    let claims = protocol::jose::unverified_claims(statement.expose()).ok_or("gave something that is no JWT")?;
    if claims.get("exp").and_then(Value::as_f64).is_some_and(|end| end <= now as f64) {
        return Err(
            "gave a statement that has already ended: it is not renewed any more, or this machine's clock is wrong"
                .into(),
        );
    }
    let named = |wanted: &str| match claims.get("aud") {
        Some(Value::String(name)) => name == wanted,
        Some(Value::Array(names)) => names.iter().any(|name| name == wanted),
        _ => false,
    };
    match audience {
        Some(wanted) if !named(wanted) => {
            let found = claims.get("aud").map(ToString::to_string).unwrap_or_default();
            Err(format!(
                "gave a statement for {}, and the entry wants one for `{wanted}`",
                protocol::jose::excerpt(&found)
            ))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::{Runner, SOURCES, Secret, check};

    fn jwt(claims: &str) -> Secret {
        Secret::new(format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims)))
    }

    #[test]
    fn every_platform_has_one_source_and_its_documentation() {
        for word in Runner::WORDS {
            let sources = SOURCES.iter().filter(|source| source.runner().word() == *word);
            assert_eq!(sources.count(), 1, "{word}");
        }
        assert!(SOURCES.iter().all(|source| !source.documentation().is_empty()));
    }

    #[test]
    fn a_statement_must_be_a_jwt_that_lasts_and_is_for_whom_the_entry_says() {
        assert_eq!(check(&jwt(r#"{"aud":"a","exp":101}"#), Some("a"), 100), Ok(()));
        assert_eq!(check(&jwt(r#"{"aud":["b","a"]}"#), Some("a"), 100), Ok(()));
        assert_eq!(check(&jwt(r#"{"aud":"b"}"#), None, 100), Ok(()));
        for bad in
            [jwt(r#"{"aud":"b"}"#), jwt(r#"{"aud":"a","exp":100}"#), jwt("[]"), "opaque".into(), "a.b.c.d".into()]
        {
            assert!(check(&bad, Some("a"), 100).is_err());
        }
    }
}
