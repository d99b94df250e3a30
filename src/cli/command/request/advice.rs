//! What to do about an answer that asks for another token than the session has.

use keyfob::protocol::challenge::Demand;
use keyfob::session::index::Entry;

use crate::cli::shown;
use crate::cli::terminal::shorten;

/// Characters of what a server asks for that are shown.
const SHOWN: usize = 300;

/// What the server wants, and the login that would bring it.
#[derive(Debug, PartialEq, Eq)]
pub struct Advice {
    /// In a sentence.
    pub message: String,
    /// What to type.
    pub command: String,
}

/// The advice for a demand; none where a login with other options would change nothing. `host` is who asks, `configured`
/// are the scopes that a login of this provider asks for by itself.
pub fn of(demand: &Demand, host: &str, entry: &Entry, configured: impl FnOnce() -> Vec<String>) -> Option<Advice> {
    let login = shown::login_command(entry);
    match demand {
        Demand::Scope(needed) if needed.is_empty() => Some(Advice {
            message: format!("{host} wants more scope than {} has, and does not say which", entry.key),
            command: format!("{login} --scope +NAME"),
        }),
        Demand::Scope(needed) => {
            let missing: Vec<&String> = needed.iter().filter(|scope| !entry.scopes.contains(scope)).collect();
            let missing = if missing.is_empty() { needed.iter().collect() } else { missing };
            let words: Vec<&str> = missing.iter().map(|scope| scope.as_str()).collect();
            Some(Advice {
                message: format!(
                    "{host} wants scope that {} does not have: {}",
                    entry.key,
                    shorten(&words.join(" "), SHOWN)
                ),
                command: format!("{login} --scope {}", quoted(&added(&missing, entry, &configured()))),
            })
        }
        Demand::Authentication { acr_values, max_age } => {
            let acr = (!acr_values.is_empty()).then(|| format!("acr_values={}", acr_values.join(" ")));
            let age = max_age.map(|seconds| format!("max_age={seconds}"));
            let wanted: Vec<String> = acr.into_iter().chain(age).collect();
            let told = if wanted.is_empty() { "it does not say which".into() } else { wanted.join(", ") };
            let wanted = if wanted.is_empty() { vec!["prompt=login".into()] } else { wanted };
            let options: Vec<String> = wanted.iter().map(|option| format!(" --param {}", quoted(option))).collect();
            Some(Advice {
                message: format!("{host} wants another login than that of {}: {}", entry.key, shorten(&told, SHOWN)),
                command: format!("{login}{}", options.concat()),
            })
        }
        _ => None,
    }
}

/// The scopes that a login must add to the configured ones, so that the new session has all of the old one's too.
fn added(missing: &[&String], entry: &Entry, configured: &[String]) -> String {
    let mut words: Vec<String> = missing.iter().map(|scope| format!("+{scope}")).collect();
    let kept = entry.scopes.iter().filter(|scope| !configured.contains(scope) && !missing.contains(scope));
    words.extend(kept.map(|scope| format!("+{scope}")));
    words.join(" ")
}

/// For a shell, where a server's words would otherwise be commands.
fn quoted(text: &str) -> String {
    shell_words::quote(text).into_owned()
}
