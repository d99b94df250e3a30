//! The checks and the table, for people, for scripts, and for an issue.

use keyfob::protocol::conformance::{Line, Use};
use serde_json::{Value, json};

use super::{Check, Verdict};
use crate::cli::context::Context;
use crate::cli::table::Table;
use crate::cli::terminal::{escape, shorten};

/// Characters of a message that are shown.
const MESSAGE: usize = 1000;

/// `keyfob.doctor/1`.
pub fn json(target: Option<&str>, ok: bool, checks: &[Check], table: Option<&[Line]>) -> Value {
    let checks: Vec<Value> = checks.iter().map(Check::json).collect();
    let mut object = json!({ "schema": "keyfob.doctor/1", "ok": ok, "checks": checks });
    if let Some(target) = target {
        object["target"] = target.into();
    }
    if let Some(table) = table {
        object["conformance"] = table.iter().map(line).collect();
    }
    object
}

fn line(line: &Line) -> Value {
    let mut object = json!({
        "id": line.id,
        "name": line.name,
        "specification": line.specification,
        "announced": line.is_announced,
        "used": line.used.name(),
        "state": line.state(),
    });
    if !line.values.is_empty() {
        object["values"] = line.values.clone().into();
    }
    if let Some(usable) = &line.usable {
        object["usable"] = usable.clone().into();
    }
    object
}

/// What this program does with a feature, in words.
fn used(line: &Line) -> &'static str {
    match (line.used, &line.usable) {
        (Use::No, _) => "not used by this version",
        (Use::OnDemand, _) => "when asked for",
        (Use::Unasked, Some(usable)) if usable.is_empty() && line.is_announced => "none of them usable",
        (Use::Unasked, _) => "always",
    }
}

/// The server's word, with what it lists.
fn announced(line: &Line) -> String {
    match (line.is_announced, line.values.is_empty()) {
        (false, _) => "missing".into(),
        (true, true) => "announced".into(),
        (true, false) => line.values.join(" "),
    }
}

/// The answer for people.
pub fn tell(context: &Context, checks: &[Check], table: Option<&[Line]>) {
    if context.common.quiet {
        return;
    }
    let terminal = &context.terminal;
    for check in checks {
        terminal.line(&format!("{:<5} {:<20} {}", check.verdict.name(), check.id, shorten(&check.message, MESSAGE)));
        if let Some(remedy) = &check.remedy {
            terminal.line(&format!("{:<5} {:<20} remedy: {}", "", "", shorten(remedy, MESSAGE)));
        }
    }
    if let Some(lines) = table {
        let mut table = Table::new(["FEATURE", "STATE", "SERVER", "KEYFOB", "SPECIFICATION"]);
        for line in lines {
            table.push([line.name, line.state(), &announced(line), used(line), line.specification]);
        }
        terminal.line("");
        terminal.lines(if context.common.plain { table.facts() } else { table.lines() });
    }
    let count = |verdict| checks.iter().filter(|check| check.verdict == verdict).count();
    terminal.line("");
    terminal.line(&format!(
        "{} ok, {} to look at, {} failed, {} skipped",
        count(Verdict::Ok),
        count(Verdict::Warn),
        count(Verdict::Fail),
        count(Verdict::Skip)
    ));
}

/// Markdown for an issue: the home directory is not named.
pub fn report(context: &Context, target: Option<&str>, checks: &[Check], table: Option<&[Line]>) {
    let home = context.environment.text("HOME").filter(|home| home.len() > 1);
    let cell = |text: &str| {
        let text = match &home {
            Some(home) => text.replace(home.as_str(), "~"),
            None => text.to_owned(),
        };
        escape(&shorten(&text, MESSAGE))
            .replace('\\', "\\\\")
            .replace('|', "\\|")
            .replace('<', "&lt;")
            .replace('`', "\\`")
    };
    let mut lines = vec![
        format!("### keyfob doctor{}", target.map(|target| format!(" {}", cell(target))).unwrap_or_default()),
        String::new(),
        format!("keyfob {} on {} {}", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH),
        String::new(),
        "| result | check | message | remedy |".into(),
        "| --- | --- | --- | --- |".into(),
    ];
    for check in checks {
        let remedy = check.remedy.as_deref().map(cell).unwrap_or_default();
        lines.push(format!("| {} | {} | {} | {remedy} |", check.verdict.name(), check.id, cell(&check.message)));
    }
    if let Some(table) = table {
        lines.extend([
            String::new(),
            "| feature | state | server | keyfob | specification |".into(),
            "| --- | --- | --- | --- | --- |".into(),
        ]);
        for line in table {
            let told = cell(&announced(line));
            let row = [line.name, line.state(), &told, used(line), line.specification].join(" | ");
            lines.push(format!("| {row} |"));
        }
    }
    context.terminal.lines(lines);
}
