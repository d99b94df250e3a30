//! What only the person knows.

use std::io;

use keyfob::grant::authorization_code::{Registered, registered};
use keyfob::registry::words::Protocol;
use keyfob::registry::{Definition, Provider, Variable};
use keyfob::secret::Secret;
use serde_json::{Value, json};

use super::place::{Place, from};
use super::values::{Need, has_redirect};
use super::{Given, tell};
use crate::cli::context::Context;
use crate::cli::exit_code::ExitCode;
use crate::cli::report::Failure;
use crate::cli::signals;

/// Bytes of a client identifier; real ones stay below 256.
const LONGEST_ID: usize = 2048;

/// The client, complete.
pub struct Asked {
    pub client_id: String,
    pub secret: Option<Secret>,
}

/// Whether somebody can be asked. A program that reads events answers with options.
pub fn possible(context: &Context) -> bool {
    context.terminal.is_interactive() && !context.common.json
}

/// Asks for each value that the entry lacks, as long as somebody can be asked; returns those that are still missing.
pub fn variables(context: &Context, definition: &mut Definition) -> Result<Vec<Variable>, Failure> {
    loop {
        let missing = wanting(definition)?;
        let Some(variable) = missing.first().filter(|_| possible(context)) else { return Ok(missing) };
        let mut question = variable.prompt.clone();
        if !variable.choices.is_empty() {
            question = format!("{question} ({})", variable.choices.join(", "));
        } else if let Some(example) = &variable.example {
            question = format!("{question}, e.g. {example}");
        }
        let answer = line(context, &format!("{question}: "), &format!("--set {}=VALUE", variable.name))?;
        let mut tried = definition.clone();
        let outcome = tried.set(&variable.name, &answer, from("the answer")).and_then(|()| match tried.provider() {
            Ok(_) | Err(keyfob::registry::Error::MissingVariable { .. }) => Ok(()),
            Err(error) => Err(error),
        });
        let allowed = variable.choices.is_empty() || variable.choices.contains(&answer);
        match outcome {
            Ok(()) if allowed => *definition = tried,
            Ok(()) => context.terminal.warning(&format!("it takes one of {}", variable.choices.join(", "))),
            Err(error) => context.terminal.warning(&error.to_string()),
        }
    }
}

/// What the entry lacks: its variables, then the redirect URI where the provider takes none on this machine.
fn wanting(definition: &Definition) -> Result<Vec<Variable>, Failure> {
    let missing = definition.missing_variables();
    if !missing.is_empty() {
        return Ok(missing);
    }
    let provider = definition.provider()?;
    if !has_redirect(&provider) || registered(&provider) != Registered::Own {
        return Ok(Vec::new());
    }
    Ok(vec![Variable {
        name: "redirect.uri".into(),
        prompt: format!(
            "{} takes no address of this machine. An https address of yours, at which logins end (the page need not exist)",
            provider.name
        ),
        example: Some("https://www.example.org/callback".into()),
        choices: Vec::new(),
    }])
}

/// Nobody can be asked, and this was not given.
pub fn missing(context: &Context, place: &Place, variables: &[Variable], needs_client: bool) -> Failure {
    let listed: Vec<Value> = variables
        .iter()
        .map(|variable| {
            let mut object = json!({ "name": variable.name, "prompt": variable.prompt });
            if let Some(example) = &variable.example {
                object["example"] = example.clone().into();
            }
            if !variable.choices.is_empty() {
                object["choices"] = variable.choices.clone().into();
            }
            object
        })
        .collect();
    let mut flags: Vec<String> = variables
        .iter()
        .map(|variable| {
            let value = variable.example.as_deref().or(variable.choices.first().map(String::as_str)).unwrap_or("VALUE");
            format!("--set {}={value}", variable.name)
        })
        .collect();
    if needs_client {
        flags.push("--client-id ID".into());
    }
    needs(context, place, &flags, listed)
}

fn needs(context: &Context, place: &Place, flags: &[String], variables: Vec<Value>) -> Failure {
    let variables = if variables.is_empty() { Value::Null } else { variables.into() };
    tell(context, "needs", json!({ "provider": place.id, "options": flags, "variables": variables }));
    Failure::usage(format!("setup needs  {}  where nobody can be asked", flags.join("  "))).hint(format!(
        "{} {}",
        place.command,
        flags.join(" ")
    ))
}

/// The client needs a key, which no person types in.
pub fn key(place: &Place, name: &str) -> Failure {
    let message = format!("{name} wants a key of the client's own, and the entry names none");
    Failure::new(ExitCode::Config, message).hint(format!(
        "{} --private-key-file FILE,  or write  private_key = {{ file = \"…\" }}  below  [providers.{}]  first",
        place.command, place.id
    ))
}

/// The client identifier and, where one is needed, the secret: as given, else asked for.
pub fn client(
    context: &Context,
    place: &Place,
    provider: &Provider,
    need: Need,
    given: Given,
) -> Result<Asked, Failure> {
    let wants_secret = given.secret.is_none() && need == Need::Secret;
    if !possible(context) && (given.client_id.is_none() || wants_secret) {
        let mut flags = Vec::new();
        flags.extend(given.client_id.is_none().then(|| "--client-id ID".to_owned()));
        flags.extend(wants_secret.then(|| "--client-secret-file FILE".to_owned()));
        return Err(needs(context, place, &flags, Vec::new()));
    }
    // Whoever gives the client as an option has given the whole of it, unless a secret must be there.
    let ask_optional = given.client_id.is_none() && need == Need::Optional;
    let client_id = match given.client_id {
        Some(client_id) => client_id,
        None => identifier(context, provider)?,
    };
    let secret = match given.secret {
        Some(secret) => Some(secret),
        None if need == Need::Secret => {
            let what = if provider.protocol == Protocol::OAuth1 { "consumer secret" } else { "client secret" };
            Some(secret(context, &format!("Paste the {what} (it is not shown): "))?)
        }
        None if ask_optional => {
            let secret = typed(context, "Paste the client secret (not shown; Enter if the client has none): ")?;
            Some(secret).filter(|secret| !secret.is_empty())
        }
        None => None,
    };
    Ok(Asked { client_id, secret })
}

fn identifier(context: &Context, provider: &Provider) -> Result<String, Failure> {
    // OAuth Core 1.0 §3: what OAuth 2.0 calls a client is a consumer.
    let what = if provider.protocol == Protocol::OAuth1 { "consumer key" } else { "client ID" };
    loop {
        let answer = line(context, &format!("Paste the {what}: "), "--client-id ID")?;
        match check_id(&answer) {
            Ok(()) => return Ok(answer),
            Err(reason) => context.terminal.warning(&reason),
        }
    }
}

/// Checks that a text can be a client identifier: visible ASCII characters and blanks (RFC 6749 appendix A.1).
pub fn check_id(text: &str) -> Result<(), String> {
    match text {
        "" => Err("the client ID is empty".into()),
        text if text.len() > LONGEST_ID => Err(format!("a client ID has at most {LONGEST_ID} characters")),
        text if text.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) => Ok(()),
        _ => Err("a client ID consists of visible ASCII characters (RFC 6749 appendix A.1)".into()),
    }
}

fn secret(context: &Context, question: &str) -> Result<Secret, Failure> {
    loop {
        let secret = typed(context, question)?;
        if !secret.is_empty() {
            return Ok(secret);
        }
        context.terminal.warning("the client secret is empty");
    }
}

/// Without echo, and without the blanks that come along when something is copied.
fn typed(context: &Context, question: &str) -> Result<Secret, Failure> {
    signals::watch(&context.terminal);
    let secret = context.terminal.prompt_secret(question);
    let secret = secret.map_err(|error| unanswered(&error, "--client-secret-file FILE"))?;
    Ok(Secret::new(secret.expose().trim()))
}

fn line(context: &Context, question: &str, flag: &str) -> Result<String, Failure> {
    signals::watch(&context.terminal);
    let answer = context.terminal.prompt_line(question).map_err(|error| unanswered(&error, flag))?;
    Ok(answer.trim().to_owned())
}

/// Asks for yes or no.
pub fn yes(context: &Context, question: &str, default: bool) -> Result<bool, Failure> {
    signals::watch(&context.terminal);
    context.terminal.confirm(question, default).map_err(|error| unanswered(&error, "--yes"))
}

fn unanswered(error: &io::Error, flag: &str) -> Failure {
    // Where the key itself is read, as with a secret, before the signal is told.
    if error.kind() == io::ErrorKind::Interrupted {
        return Failure::new(ExitCode::Interrupted, "interrupted");
    }
    Failure::usage(format!("the question was not answered: {error}")).hint(format!("the option for it is  {flag}"))
}

#[cfg(test)]
mod tests {
    use super::check_id;

    #[test]
    fn a_client_identifier_is_visible_ascii() {
        for good in ["Iv23liEXAMPLE", "a b", "123.apps.googleusercontent.com", "https://c.example/?a=b"] {
            assert_eq!(check_id(good), Ok(()));
        }
        for bad in ["", "a\nb", "\u{1b}[0m", "ä", &"x".repeat(2049)] {
            assert!(check_id(bad).is_err(), "{bad:?}");
        }
    }
}
