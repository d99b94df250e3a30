//! `keyfob doctor`: what works on this machine and, with a target, on the way to that provider.
//!
//! Nothing is changed beyond a trial item that is written to the store and removed again, nobody is asked, no secret is
//! shown, and every step ends within its limit.

mod machine;
mod server;
mod shown;
mod way;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::cli::exit_code::ExitCode;
use crate::cli::report::Failure;

/// What to look at.
#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  keyfob doctor\n  keyfob doctor github\n  keyfob doctor https://id.example.com\n  keyfob doctor @alice.bsky.social\n  keyfob doctor github --report"
)]
pub struct Arguments {
    /// Provider, session, account (@HANDLE), or the address of a server, a resource or a page, which need no entry
    target: Option<String>,

    /// Print Markdown without secrets, to paste into an issue
    #[arg(long, conflicts_with = "json")]
    report: bool,
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Ok,
    /// It works, but not as it should.
    Warn,
    Fail,
    /// There was nothing to check, or no way to.
    Skip,
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Skip => "skip",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone)]
struct Check {
    id: &'static str,
    verdict: Verdict,
    message: String,
    remedy: Option<String>,
}

impl Check {
    fn new(id: &'static str, verdict: Verdict, message: impl Into<String>) -> Self {
        Self { id, verdict, message: message.into(), remedy: None }
    }

    fn ok(id: &'static str, message: impl Into<String>) -> Self {
        Self::new(id, Verdict::Ok, message)
    }

    fn skip(id: &'static str, message: impl Into<String>) -> Self {
        Self::new(id, Verdict::Skip, message)
    }

    fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// A command would fail so: its message, and its hint as the remedy.
    fn failed(id: &'static str, failure: impl Into<Failure>) -> Self {
        let told = failure.into().json();
        let text = |name: &str| told.get(name).and_then(Value::as_str).map(str::to_owned);
        let check = Self::new(id, Verdict::Fail, text("message").unwrap_or_default());
        Self { remedy: text("hint"), ..check }
    }

    fn json(&self) -> Value {
        let mut object = json!({ "id": self.id, "result": self.verdict.name(), "message": self.message });
        if let Some(remedy) = &self.remedy {
            object["remedy"] = remedy.clone().into();
        }
        object
    }
}

/// Looks; exit 1 when something failed. A target that means nothing ends it as it ends every command.
pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let target = arguments.target.as_deref().map(|target| way::find(context, target)).transpose()?;
    let mut checks = machine::checks(context);
    let mut table = None;
    if let Some(way) = target {
        let seen = server::look(context, way)?;
        checks.extend(seen.checks);
        table = seen.document.map(|document| keyfob::protocol::conformance::table(&document));
    }
    let failed = checks.iter().any(|check| check.verdict == Verdict::Fail);
    let target = arguments.target.as_deref();
    if context.common.json {
        context.terminal.json_line(&shown::json(target, !failed, &checks, table.as_deref()));
    } else if arguments.report {
        shown::report(context, target, &checks, table.as_deref());
    } else {
        shown::tell(context, &checks, table.as_deref());
    }
    Ok(if failed { ExitCode::Internal } else { ExitCode::Done })
}
