//! The MCP server of `tests/mcpserver`.

use std::process::Command;

use super::parts;
use super::ready::Ready;

/// A running server of a test's own; it ends with this value.
pub struct McpServer(Ready);

impl McpServer {
    pub fn start() -> Self {
        let mut command = Command::new(parts::mcpserver().join("up"));
        command.env("KEYFOB_MCPSERVER_CACHE", parts::mcpserver_cache());
        Self(Ready::start(command))
    }

    /// The address of its one endpoint.
    pub fn url(&self) -> &str {
        self.0.text("url")
    }

    /// Who issues tokens for it.
    pub fn issuer(&self) -> &str {
        self.0.text("issuer")
    }
}
