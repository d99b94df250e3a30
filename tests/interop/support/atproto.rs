//! The AT Protocol server of `tests/atprotoserver`.

use serde_json::Value;

use super::parts::{atprotoserver, atprotoserver_cache};
use super::ready::Ready;

/// A running server with its directory, of a test's own; both end with this value.
pub struct AtprotoServer(Ready);

impl AtprotoServer {
    pub fn start() -> Self {
        let mut command = std::process::Command::new(atprotoserver().join("up"));
        command.env("KEYFOB_ATPROTOSERVER_CACHE", atprotoserver_cache());
        Self(Ready::start(command))
    }

    /// The data server, which is the authorization server too.
    pub fn pds(&self) -> &str {
        self.0.text("pds")
    }

    /// The directory of `did:plc`.
    pub fn plc(&self) -> &str {
        self.0.text("plc")
    }

    /// The DID of one of its accounts.
    pub fn did(&self, handle: &str) -> String {
        let accounts = self.0.line["accounts"].as_array().expect("accounts");
        let account = accounts.iter().find(|account| account["handle"] == handle).expect(handle);
        account["did"].as_str().map(str::to_owned).filter(|did| did.starts_with("did:plc:")).expect("a DID")
    }
}

/// For error messages.
impl std::fmt::Debug for AtprotoServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let line: &Value = &self.0.line;
        write!(f, "{line}")
    }
}
