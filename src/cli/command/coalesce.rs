//! A login within another command: one for all processes that want the same one.
//!
//! Somebody who types `keyfob login` wants a login and gets one. A login that a command starts because it lacks a token
//! serves every process that lacks the same: the first opens the browser, the others wait and use its session.

use std::ops::ControlFlow;
use std::time::Duration;

use keyfob::protocol::device::LONGEST_LIFE;
use keyfob::registry::Definition;
use keyfob::session;
use keyfob::session::index::Entry;
use keyfob::session::store::Kind;
use keyfob::session::turn::{Turn, Waited};
use serde_json::Value;

use crate::cli::context::Context;
use crate::cli::exit_code::ExitCode;
use crate::cli::report::Failure;
use crate::cli::shown::State;
use crate::cli::target::{self, Absence};
use crate::cli::{interaction, signals, time};

use super::login::{self, Purpose};

/// Logs in at `target`, unless another process does just that: then its session is waited for. `before` is the session
/// that was found and cannot be used.
///
/// # Errors
/// Why there is no session: of this login, or of the one that was waited for.
pub fn login(context: &Context, target: Option<&str>, before: Option<&Entry>) -> Result<Entry, Failure> {
    let log_in = || login::login(context, &login::Arguments::within(target));
    // Sessions that end with the process are of no use to others.
    if context.storage()? == Kind::Memory {
        return log_in();
    }
    let (definition, words) = match login::place(context, target)? {
        login::Place::Known(name, account) => {
            let definition = context.definition(&name)?;
            let words = identity(context, &definition, account.as_deref())?;
            (definition, words)
        }
        // Nothing is known yet but the address.
        login::Place::Unknown(url) => (context.provider("oauth2")?, vec![url.to_string()]),
    };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match wait(context, &definition, &words)? {
        Waited::Failed(words) => Err(of_another(&words)),
        Waited::Turn(turn) => {
            // Somebody may have been faster.
            if let Some(entry) = made_meanwhile(context, target, before) {
                turn.succeed();
                return Ok(entry);
            }
            turn.begin();
            let outcome = log_in();
            match &outcome {
                Ok(_) => turn.succeed(),
                // Nobody has said no: the next one may ask.
                Err(failure) if matches!(failure.code(), ExitCode::Interrupted | ExitCode::Terminated) => drop(turn),
                Err(failure) => turn.fail(failure.json().to_string()),
            }
            outcome
        }
    }
}

fn wait(context: &Context, definition: &Definition, words: &[&str]) -> Result<Waited, Failure> {
    signals::watch(&context.terminal);
    let (limit, parent) = (login::patience(context, LONGEST_LIFE)?, interaction::parent());
    let mut waiting = |waited: Duration| {
        if waited.is_zero() {
            let limit = time::duration(limit.as_secs());
            let name = definition.value("name").and_then(|name| name.as_text()).unwrap_or(&definition.id);
            context
                .terminal
                .say(&format!("Another keyfob is logging in to {name}; waiting ({limit}, Ctrl-C to stop) …"));
        }
        // Whoever started this process is gone, and nobody waits any more.
        if interaction::parent() == parent { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let name = format!("the login to {}", definition.id);
    Turn::take(&context.state_dir()?, words, &name, limit, &mut waiting).map_err(|error| match error {
        session::Error::Busy { .. } => Failure::new(ExitCode::Timeout, format!("{error}"))
            .hint("finish the login in the browser, or end the keyfob that began it"),
        error => error.into(),
    })
}

/// What tells logins apart: where, as whom, for what, and where the session is kept.
fn identity(context: &Context, definition: &Definition, account: Option<&str>) -> Result<Vec<String>, Failure> {
    const PLACES: [&str; 5] =
        ["issuer", "authorization_endpoint", "device_authorization_endpoint", "token_endpoint", "client_id"];
    let text = |key: &str| definition.value(key).map(ToString::to_string).unwrap_or_default();
    let list = |items: &[String]| serde_json::to_string(items).unwrap_or_default();
    let mut words = vec![definition.id.clone(), account.unwrap_or_default().to_owned()];
    words.extend(PLACES.map(text));
    // An entry that only an earlier login completes asks for what that one asked for.
    if let Ok(request) = login::request(context, definition, account, Purpose::default()) {
        let params: Vec<String> = request.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
        words.extend([list(&request.scopes), list(&request.resources), list(&params)]);
        words.extend(request.audience);
    }
    words.push(context.keeper()?.store().name().to_owned());
    Ok(words)
}

/// The session, if it is there now and is not the one that cannot be used.
fn made_meanwhile(context: &Context, target: Option<&str>, before: Option<&Entry>) -> Option<Entry> {
    let entry = target::session(context, target, Absence::NeedsLogin).ok()?;
    let is_new = before.is_none_or(|before| before.generation != entry.generation);
    (is_new && State::of(&entry, context.now()) != State::LoginRequired).then_some(entry)
}

/// The failure that another process has noted.
fn of_another(words: &str) -> Failure {
    let told: Value = serde_json::from_str(words).unwrap_or_default();
    let number = told["exit_code"].as_u64();
    let code = ExitCode::ALL.iter().copied().find(|code| Some(u64::from(code.number())) == number);
    let message = told["message"].as_str().unwrap_or("it did not say why");
    let failure = Failure::new(
        code.filter(|code| *code != ExitCode::Done).unwrap_or(ExitCode::LoginRequired),
        format!("the login that another keyfob began did not succeed: {message}"),
    );
    match told["hint"].as_str() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
