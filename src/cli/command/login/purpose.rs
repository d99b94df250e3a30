//! What a token is to be good for.

use keyfob::grant::{GrantRequest, authorization_code};
use keyfob::registry::{Definition, SecretSource};

use super::patience;
use crate::cli::context::Context;
use crate::cli::report::Failure;

/// What a token is to be good for, where that is not what the entry says.
#[derive(Debug, Clone, Copy, Default)]
pub struct Purpose<'a> {
    /// `--scope`.
    pub scope: &'a [String],
    /// `--resource`.
    pub resource: &'a [String],
    /// `--audience`.
    pub audience: Option<&'a str>,
}

/// What is asked for: `purpose`, else what the configuration and the entry say.
pub fn request(
    context: &Context,
    definition: &Definition,
    account: Option<&str>,
    purpose: Purpose<'_>,
) -> Result<GrantRequest, Failure> {
    let settings = context.settings()?;
    let own = account.and_then(|account| settings.sessions.get(&format!("{}/{account}", definition.id)));
    let provider = definition.provider()?;
    let written = |key: &str| match provider.inputs.get(key) {
        Some(SecretSource::Literal(text)) => Some(text.expose().to_owned()),
        _ => None,
    };
    let configured = own.and_then(|own| own.scopes.clone()).unwrap_or_else(|| provider.scopes.clone());
    let (scopes, scopes_are_final) = scopes(purpose.scope, configured);
    let resources = match purpose.resource {
        [] => written("resource").into_iter().collect(),
        given => given.to_vec(),
    };
    Ok(GrantRequest {
        scopes,
        scopes_are_final,
        resources,
        audience: purpose.audience.map(str::to_owned).or_else(|| written("audience")),
        params: own.map(|own| own.authorize_params.clone().into_iter().collect()).unwrap_or_default(),
        port: None,
        redirect_uri: None,
        whom: None,
        timeout: patience(context, authorization_code::PATIENCE)?,
        clock_tolerance: context.clock_tolerance()?,
    })
}

/// The scopes to ask for, and whether that is the last word: `+name` adds to the configured ones, anything else replaces
/// them.
fn scopes(options: &[String], configured: Vec<String>) -> (Vec<String>, bool) {
    let words: Vec<&str> = options.iter().flat_map(|option| option.split_ascii_whitespace()).collect();
    let replacing: Vec<String> =
        words.iter().filter(|word| !word.starts_with('+')).map(|word| (*word).to_owned()).collect();
    let added = words.iter().filter_map(|word| word.strip_prefix('+')).map(str::to_owned);
    let is_final = !replacing.is_empty();
    let mut scopes = if is_final { replacing } else { configured };
    for scope in added {
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    // A blank or control character inside a quoted option is no separator but a mistake.
    let odd = options.iter().flat_map(|option| option.split(' ')).find(|word| word.chars().any(char::is_control));
    if let Some(odd) = odd {
        scopes.push(odd.to_owned());
    }
    (scopes, is_final)
}

#[cfg(test)]
mod tests {
    use super::scopes;

    fn list(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn scopes_replace_unless_they_begin_with_a_plus() {
        let configured = list(&["openid", "email"]);

        assert_eq!(scopes(&[], configured.clone()), (configured.clone(), false));
        assert_eq!(scopes(&list(&["a b", "c"]), configured.clone()), (list(&["a", "b", "c"]), true));
        assert_eq!(scopes(&list(&["+a", "+email"]), configured), (list(&["openid", "email", "a"]), false));
    }

    #[test]
    fn a_control_character_is_kept_to_be_refused() {
        assert!(scopes(&list(&["a\nb"]), Vec::new()).0.contains(&"a\nb".to_owned()));
    }
}
