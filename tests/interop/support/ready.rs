//! A server that says in one line of JSON that it is ready, and ends when its standard input does.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::process::within;

/// A running server of a test's own; it ends with this value.
pub struct Ready {
    process: Child,
    /// What it said.
    pub line: Value,
}

impl Ready {
    pub fn start(mut command: Command) -> Self {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server can be started");
        let stdout = process.stdout.take().expect("piped");
        let (sender, line) = channel();
        thread::spawn(move || sender.send(BufReader::new(stdout).lines().next()));
        let line = line.recv_timeout(Duration::from_secs(60)).expect("the server gets ready in time");
        let line = line.expect("the server says when it is ready").expect("in a line of text");
        Self { process, line: serde_json::from_str(&line).expect("the server's line is JSON") }
    }

    /// A member of what it said.
    pub fn text(&self, name: &str) -> &str {
        self.line[name].as_str().unwrap_or_else(|| panic!("the server does not say {name}"))
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        if within(Duration::from_secs(5), || self.process.try_wait().ok().flatten()).is_none() {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}
