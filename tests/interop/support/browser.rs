//! The scripted persons of `tests/testserver`, as a browser command.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{eventually, parts, write_program};

/// What the person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Allow,
    Deny,
    /// Goes away without an answer.
    Leave,
    /// Allows, but somebody changes `state` on the way back.
    TamperState,
    /// Allows, but the answer comes back without its code.
    DropCode,
    /// Allows, but the answer claims to be another server's.
    AddIss,
}

/// A command that opens an address and acts as the person would.
///
/// A script rather than variables in keyfob's environment: what keyfob hands on to a browser is its own affair.
#[derive(Debug)]
pub struct Browser {
    pub command: PathBuf,
    log: PathBuf,
}

impl Browser {
    /// The quick one, in Python.
    pub fn http(folder: &Path, answer: Answer) -> Self {
        let python = parts::python().expect("a test that needs Python asked for it");
        let program = format!("'{python}' '{}'", parts::testserver().join("browser-http").display());
        Self::write(folder, answer, &program, "")
    }

    /// The quick one, which also trusts the certificates of `ca`.
    pub fn trusting(folder: &Path, answer: Answer, ca: &str) -> Self {
        let python = parts::python().expect("a test that needs Python asked for it");
        let program = format!("'{python}' '{}'", parts::testserver().join("browser-http").display());
        Self::write(folder, answer, &program, &format!("BROWSER_CA='{ca}'"))
    }

    /// A real one, which leaves a picture of the last page.
    pub fn chromium(folder: &Path, answer: Answer, screenshot: &Path) -> Self {
        let program = format!("'{}'", parts::testserver().join("browser-chromium").display());
        Self::write(folder, answer, &program, &format!("BROWSER_SCREENSHOT='{}'", screenshot.display()))
    }

    /// A real one at the pages of the AT Protocol server.
    pub fn atproto(folder: &Path, answer: Answer) -> Self {
        let program = format!("'{}'", parts::atprotoserver().join("browser-chromium").display());
        Self::write(folder, answer, &program, "")
    }

    fn write(folder: &Path, answer: Answer, program: &str, more: &str) -> Self {
        let (command, log) = (folder.join("browser"), folder.join("browser.log"));
        let script = format!(
            "#!/bin/sh\n\
             echo \"$1\" >>'{opened}'\n\
             export HOME='{home}' BROWSER_ANSWER={answer} BROWSER_LOG='{log}' KEYFOB_TESTSERVER_CACHE='{cache}' {more}\n\
             exec {program} \"$1\"\n",
            opened = folder.join("browser.opened").display(),
            home = folder.display(),
            answer = answer.name(),
            log = log.display(),
            cache = parts::testserver_cache().display(),
        );
        write_program(&command, &script);
        Self { command, log }
    }

    /// The addresses that were opened.
    pub fn opened(&self) -> Vec<String> {
        let opened = fs::read_to_string(self.log.with_file_name("browser.opened")).unwrap_or_default();
        opened.lines().map(str::to_owned).collect()
    }

    /// The page the person ended on: its status and its text.
    pub fn last_page(&self) -> (i64, String) {
        let page = eventually("the browser's last page", || {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            let mut pages = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            pages.find(|page| page["final"].is_string())
        });
        (page["status"].as_i64().unwrap_or_default(), page["text"].as_str().unwrap_or_default().to_owned())
    }
}

impl Answer {
    fn name(self) -> &'static str {
        match self {
            Answer::Allow => "allow",
            Answer::Deny => "deny",
            Answer::Leave => "leave",
            Answer::TamperState => "tamper-state",
            Answer::DropCode => "drop-code",
            Answer::AddIss => "add-iss",
        }
    }
}
