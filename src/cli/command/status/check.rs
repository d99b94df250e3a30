//! `status --check`: what the server says of the tokens, in words and in JSON.

use keyfob::client::Freshness;
use keyfob::protocol::introspection::Introspection;
use keyfob::protocol::revocation::TokenTypeHint;
use keyfob::session::index::Entry;
use keyfob::session::inquiry::{self, Finding};
use serde_json::{Map, Value, json};

use crate::cli::context::Context;
use crate::cli::report::Failure;
use crate::cli::terminal::shorten;
use crate::cli::time::{Wording, rfc3339};

/// Characters of a server's words that are shown.
const WORDS: usize = 200;

/// Audiences that are shown.
const AUDIENCES: usize = 20;

/// Asks the server. The session stays as it is, whatever the answer.
pub fn ask(context: &Context, entry: &Entry) -> Result<Vec<Finding>, Failure> {
    let session = context.keeper_of(entry)?.load(&entry.key)?;
    let definition = context.definition_of(&session)?;
    let client = context.client(&definition, Freshness::Kept)?;
    let tolerance = context.clock_tolerance()?;
    let progress = context.terminal.progress(&format!("Asking {} about {}", entry.key.provider(), entry.key));
    let findings = context.block_on(inquiry::ask(&session, &client, tolerance))?;
    drop(progress);
    findings.map_err(|error| Failure::from(error).at(entry.key.provider()).session(&entry.key))
}

/// What was learned, in the order in which it was.
pub fn json(findings: &[Finding]) -> Value {
    findings.iter().map(one).collect()
}

fn one(finding: &Finding) -> Value {
    let mut object = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            object.insert(name.to_owned(), value);
        }
    };
    let asked = match finding {
        Finding::Introspected(..) => Some("introspection"),
        Finding::Userinfo(_) | Finding::InsufficientScope | Finding::Refused(_) => Some("userinfo"),
        _ => None,
    };
    put("asked", asked.map(Into::into));
    put("active", finding.is_accepted().map(Into::into));
    match finding {
        Finding::Introspected(hint, told) => {
            put("token", Some(hint.name().into()));
            for (name, value) in members(told) {
                put(name, Some(value));
            }
        }
        Finding::Userinfo(claims) => {
            put("token", Some("access_token".into()));
            put("sub", claims.get("sub").and_then(Value::as_str).map(|sub| shorten(sub, WORDS).into()));
        }
        Finding::InsufficientScope => {
            put("token", Some("access_token".into()));
            put("error", Some("insufficient_scope".into()));
        }
        Finding::Refused(error) => {
            put("token", Some("access_token".into()));
            put("error", error.as_deref().map(|error| shorten(error, WORDS).into()));
        }
        _ => {}
    }
    Value::Object(object)
}

/// The members of an introspection that were told, under their names of RFC 7662, times as everywhere else.
fn members(told: &Introspection) -> Vec<(&'static str, Value)> {
    let text = |value: &Option<String>| value.as_deref().map(|text| Value::from(shorten(text, WORDS)));
    let time = |value: Option<i64>| value.map(|at| Value::from(rfc3339(at)));
    let audience: Vec<String> = told.audience.iter().take(AUDIENCES).map(|one| shorten(one, WORDS)).collect();
    [
        ("scope", text(&told.scope)),
        ("client_id", text(&told.client_id)),
        ("username", text(&told.username)),
        ("token_type", text(&told.token_type)),
        ("expires_at", time(told.expires_at)),
        ("issued_at", time(told.issued_at)),
        ("sub", text(&told.subject)),
        ("aud", (!audience.is_empty()).then(|| json!(audience))),
        ("iss", text(&told.issuer)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}

/// The same for people.
pub fn tell(context: &Context, entry: &Entry, findings: &[Finding]) {
    let terminal = &context.terminal;
    let line = |text: &str| terminal.line(&format!("  {:<10}{text}", "checked"));
    let name = |hint: TokenTypeHint| match hint {
        TokenTypeHint::AccessToken => "access token",
        TokenTypeHint::RefreshToken => "refresh token",
    };
    for finding in findings {
        match finding {
            Finding::Introspected(hint, told) if told.active => {
                let until = told.expires_at.map(|at| Wording::new(context.now()).expiry(Some(at)));
                let until = until.map(|until| format!(", expires {until}")).unwrap_or_default();
                let scope = told.scope.as_deref().map(|scope| format!(", scope {}", shorten(scope, WORDS)));
                line(&format!(
                    "the server accepts the {} (introspection){until}{}",
                    name(*hint),
                    scope.unwrap_or_default()
                ));
            }
            Finding::Introspected(hint, _) => {
                line(&format!("the server no longer accepts the {} (introspection: not active)", name(*hint)));
            }
            Finding::Userinfo(_) => line("the server accepts the access token (userinfo)"),
            Finding::InsufficientScope => {
                line("the server accepts the access token, though not for userinfo (insufficient_scope)");
            }
            Finding::Refused(error) => {
                let error = shorten(error.as_deref().unwrap_or("status 401"), WORDS);
                line(&format!("the server no longer accepts the access token (userinfo: {error})"));
            }
            _ => line("not asked: the access token has ended, and only a renewal tells about the refresh token"),
        }
    }
    let refused = |finding: &Finding| finding.is_accepted() == Some(false);
    let renewable = match findings {
        [first, last] => refused(first) && last.is_accepted() == Some(true),
        [only] => matches!(only, Finding::Refused(_)) && entry.refreshable,
        _ => false,
    };
    if renewable {
        terminal.hint(&format!("a new one may be had with  keyfob refresh {}", entry.key));
    }
}
