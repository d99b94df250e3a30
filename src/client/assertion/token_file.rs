//! Platforms that keep the statement fresh in a file.

use std::path::PathBuf;

use super::{Asked, Missing, Source};
use crate::registry::words::Runner;
use crate::secret::Secret;
use crate::system::{LocalFuture, files};

/// Bytes of such a file.
const LIMIT: usize = 64 * 1024;

/// A statement in the file that a variable names, or at the usual place.
pub(super) struct TokenFile {
    runner: Runner,
    variables: &'static [&'static str],
    usual: Option<&'static str>,
    /// What makes the platform write it.
    hint: &'static str,
    documentation: &'static str,
}

/// A projected token of the service account.
pub(super) static KUBERNETES: TokenFile = TokenFile {
    runner: Runner::Kubernetes,
    variables: &["KUBERNETES_TOKEN_FILE"],
    usual: Some("/var/run/secrets/tokens/keyfob"),
    hint: "a projected volume with a `serviceAccountToken` of the wanted audience; another place can be given as  { file = \"PATH\" }",
    documentation: "https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/",
};

/// The federated token of a workload at Azure.
pub(super) static AZURE: TokenFile = TokenFile {
    runner: Runner::Azure,
    variables: &["AZURE_FEDERATED_TOKEN_FILE"],
    usual: None,
    hint: "pods with the label `azure.workload.identity/use: \"true\"`",
    documentation: "https://azure.github.io/azure-workload-identity/docs/",
};

/// A JWT-SVID that the SPIFFE helper keeps.
pub(super) static SPIFFE: TokenFile = TokenFile {
    runner: Runner::Spiffe,
    variables: &["SPIFFE_JWT_SVID_FILE", "JWT_SVID_FILE"],
    usual: None,
    hint: "spiffe-helper with `jwt_svids`; another place can be given as  { file = \"PATH\" }",
    documentation: "https://github.com/spiffe/spiffe-helper",
};

impl Source for TokenFile {
    fn runner(&self) -> Runner {
        self.runner
    }

    fn documentation(&self) -> &'static str {
        self.documentation
    }

    fn statement<'a>(&'a self, asked: &'a Asked<'a>) -> LocalFuture<'a, Result<Secret, Missing>> {
        Box::pin(async move {
            let named = self.variables.iter().find_map(|name| asked.system.environment.raw(name));
            let path = named.or_else(|| self.usual.map(Into::into)).map(PathBuf::from);
            let path = path.ok_or_else(|| {
                let name = self.variables.first().copied().unwrap_or_default();
                Missing::Unset(format!("misses the variable `{name}`; the platform sets it for {}", self.hint))
            })?;
            let absent =
                || Missing::Unset(format!("has no file {}; the platform writes it for {}", path.display(), self.hint));
            let bytes = files::read_open(&path, LIMIT)?.ok_or_else(absent)?;
            let text =
                String::from_utf8(bytes).map_err(|_| Missing::Unset(format!("has no text in {}", path.display())))?;
            Ok(Secret::new(text.trim()))
        })
    }
}
