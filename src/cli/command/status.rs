//! `keyfob status`: whether a session is usable, until when, for what.

mod check;

use clap::Args;
use keyfob::protocol::jose::unverified_claims;
use keyfob::session::Trouble;
use keyfob::session::index::Entry;
use serde_json::Value;

use crate::cli::context::Context;
use crate::cli::exit_code::ExitCode;
use crate::cli::report::Failure;
use crate::cli::shown::{self, State};
use crate::cli::target::{self, Absence};
use crate::cli::terminal::shorten;
use crate::cli::time::Wording;

/// Which session, and how much of it.
#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  keyfob status github\n  keyfob status github --json\n  keyfob status github --check\n  keyfob status google --claims"
)]
pub struct Arguments {
    /// Provider, session or address
    target: Option<String>,

    /// Ask the server whether it still accepts the token: introspection, else userinfo
    #[arg(long)]
    check: bool,

    /// Show the claims of the ID token, as they were verified at login
    #[arg(long)]
    claims: bool,
}

/// Shows the session; exit 0 when a token can be had without a person, 4 when not. Only `--check` uses the network.
pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let entry = target::session(context, arguments.target.as_deref(), Absence::NotFound)?;
    let siblings = context.keeper()?.catalog().of_provider(entry.key.provider())?;
    let now = context.now();
    let claims = if arguments.claims { Some(claims(context, &entry)?) } else { None };
    let findings = if arguments.check { check::ask(context, &entry)? } else { Vec::new() };
    let refused = findings.last().is_some_and(|finding| finding.is_accepted() == Some(false));
    if context.common.json {
        let mut object = shown::session(&entry, shown::is_default(&entry, &siblings), now);
        if let Some(claims) = claims {
            object["claims"] = claims;
        }
        if !findings.is_empty() {
            object["checks"] = check::json(&findings);
        }
        if refused {
            object["state"] = State::LoginRequired.name().into();
            object["usable"] = false.into();
        }
        context.terminal.json_line(&object);
    } else if !context.common.quiet {
        tell(context, &entry, shown::is_default(&entry, &siblings), now);
        check::tell(context, &entry, &findings);
        if let Some(Value::Object(claims)) = claims {
            context.terminal.line("  claims");
            for (name, value) in &claims {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                context.terminal.line(&format!("    {name}  {}", shorten(&text, 500)));
            }
        }
    }
    if refused || State::of(&entry, now) == State::LoginRequired {
        if !context.common.json {
            context.terminal.hint(&shown::login_command(&entry));
        }
        return Ok(ExitCode::LoginRequired);
    }
    Ok(ExitCode::Done)
}

fn tell(context: &Context, entry: &Entry, is_default: bool, now: i64) {
    let wording = Wording::new(now);
    let terminal = &context.terminal;
    let line = |name: &str, value: &str| terminal.line(&format!("  {name:<10}{value}"));
    let state = match State::of(entry, now) {
        State::Valid => "valid",
        State::Expired => "expired, renewed on use",
        State::LoginRequired => "login required",
    };
    terminal.line(&format!("{}: {state}", entry.key));
    if let Some(trouble) = &entry.trouble {
        let since = wording.date_time(trouble.since);
        match trouble.error.as_str() {
            Trouble::LOGGED_OUT => {
                terminal.line(&format!("  A logout was interrupted {since}; log in again, or out again."))
            }
            Trouble::OTHER_IDENTITY => {
                terminal.line(&format!(
                    "  A refresh was answered for another person {since}; its tokens are not handed out."
                ));
            }
            error => {
                let what = shorten(error, 100);
                terminal.line(&format!("  The server no longer accepts the refresh token ({what}) since {since}."));
            }
        }
        if let Some(description) = &trouble.description {
            terminal.line(&format!("  It says: {}", shorten(description, 500)));
        }
    }
    let profile = &entry.profile;
    let who =
        [("id", &profile.id), ("name", &profile.name), ("user name", &profile.username), ("e-mail", &profile.email)];
    for (name, value) in who {
        if let Some(value) = value {
            line(name, &shorten(value, 200));
        }
    }
    line("scopes", &entry.scopes.join(" "));
    let renewed = if entry.refreshable { ", renewed automatically" } else { "" };
    line("expires", &format!("{}{renewed}", wording.expiry(entry.expires_at)));
    line("grant", &entry.grant);
    if let Some(issuer) = &entry.issuer {
        line("issuer", issuer);
    }
    line("hosts", &entry.hosts.join(" "));
    line("client", &entry.client_id);
    line("stored", shown::store_name(&entry.store));
    line("logged in", &wording.date_time(entry.created_at));
    if let Some(at) = entry.refreshed_at {
        line("renewed", &wording.date_time(at));
    }
    line("default", if is_default { "yes" } else { "no" });
    for waiver in &entry.waivers {
        line("waived", waiver);
    }
    if entry.store != "keyring" {
        terminal.warning(&format!(
            "this session is kept in {}, not in the system keyring",
            shown::store_name(&entry.store)
        ));
    }
}

/// The claims of the stored ID token. They were verified when it was stored; here they are only read.
fn claims(context: &Context, entry: &Entry) -> Result<Value, Failure> {
    let none =
        || Failure::new(ExitCode::NotFound, format!("the session {} has no ID token", entry.key)).session(&entry.key);
    let session = context.keeper_of(entry)?.load(&entry.key)?;
    let token = session.tokens.id_token.ok_or_else(none)?;
    unverified_claims(token.expose()).map(Value::Object).ok_or_else(none)
}
