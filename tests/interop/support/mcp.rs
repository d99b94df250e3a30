//! The MCP server of `tests/mcpserver`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::{parts, process::within};

/// A running server of a test's own; it ends with this value.
pub struct McpServer {
    process: Child,
    ready: Value,
}

impl McpServer {
    pub fn start() -> Self {
        let mut process = Command::new(parts::mcpserver().join("up"))
            .env("KEYFOB_MCPSERVER_CACHE", parts::mcpserver_cache())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the MCP server can be started");
        let stdout = process.stdout.take().expect("piped");
        let (sender, line) = channel();
        thread::spawn(move || sender.send(BufReader::new(stdout).lines().next()));
        let line = line.recv_timeout(Duration::from_secs(60)).expect("the MCP server gets ready in time");
        let line = line.expect("the MCP server says when it is ready").expect("in a line of text");
        Self { process, ready: serde_json::from_str(&line).expect("the MCP server's line is JSON") }
    }

    /// The address of its one endpoint.
    pub fn url(&self) -> &str {
        self.ready["url"].as_str().expect("the address is told")
    }

    /// Who issues tokens for it.
    pub fn issuer(&self) -> &str {
        self.ready["issuer"].as_str().expect("the issuer is told")
    }
}

impl Drop for McpServer {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        if within(Duration::from_secs(5), || self.process.try_wait().ok().flatten()).is_none() {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}
