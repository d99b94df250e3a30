//! What can be found out without a person.

use keyfob::client::{Client, Freshness};
use keyfob::grant;
use keyfob::grant::authorization_code::probe::{Verdict, probe};
use keyfob::protocol::metadata::AuthorizationServer;
use keyfob::registry::edit::Editor;
use keyfob::registry::words::Protocol;
use keyfob::registry::{Definition, SecretSource};
use keyfob::secret::Secret;
use serde_json::json;

use super::{Change, Kept, Key, place, tell};
use crate::cli::context::Context;
use crate::cli::report::Failure;
use crate::cli::terminal::shorten;

/// Characters of a server's words that are shown.
const WORDS: usize = 200;

/// Stands for a client that is not there yet. It is never sent: metadata is fetched without one.
const NOBODY: &str = "none-yet";

/// Checks that this program does all that the entry asks for, before anybody registers anything.
pub fn supported(context: &Context, definition: &Definition, key: Option<&Key>) -> Result<(), Failure> {
    let mut definition = definition.clone();
    if let Some(key) = key {
        let source = key.text().map_or_else(|| key.source(), |text| SecretSource::Literal(text.clone()));
        definition.set_secret("private_key", source, place::from("setup"))?;
    }
    nobody(context, &definition).map(drop)
}

/// What the server says of itself.
pub fn discover(context: &Context, definition: &Definition) -> Result<AuthorizationServer, Failure> {
    let client = nobody(context, definition)?;
    let place = place_of(&client);
    let _progress = context.terminal.progress(&format!("Asking {place}"));
    let server = context.block_on(client.server())?;
    Ok(server.map_err(|error| Failure::from(error).at(&place))?.clone())
}

fn nobody(context: &Context, definition: &Definition) -> Result<Client, Failure> {
    let mut definition = definition.clone();
    definition.set("client_id", NOBODY, place::from("setup"))?;
    definition.set_secret("client_secret", SecretSource::Literal(Secret::new(NOBODY)), place::from("setup"))?;
    if definition.protocol() != Protocol::OAuth1 {
        // Nobody has no key either, and shows no certificate.
        definition.set("client_auth", "none", place::from("setup"))?;
        definition.set("tls_client_certificate_bound_access_tokens", "false", place::from("setup"))?;
    }
    context.client(&definition, Freshness::Anew)
}

/// Asks the server whether it knows the client, as far as it tells without a person.
pub fn test(context: &Context, editor: &Editor, id: &str, change: &Change, kept: Kept<'_>) -> Result<(), Failure> {
    // Exactly what will be written, with what will be in the store.
    let mut definition = editor.preview(id, &change.pairs(), &change.without)?;
    for (key, secret) in [("client_secret", kept.secret), ("private_key", kept.key)] {
        if let Some(secret) = secret {
            definition.set_secret(key, SecretSource::Literal(secret.clone()), place::from("setup"))?;
        }
    }
    let provider = definition.provider()?;
    let name = &provider.name;
    let code = provider.grants.iter().any(|grant| grant == "authorization_code" && grant::find(grant).is_some());
    if provider.protocol == Protocol::OAuth1 || !code {
        context.terminal.say("Not tested: only a login can tell whether this client works.");
        tell(context, "tested", json!({ "result": "not_tested", "reason": "only a login can tell" }));
        return Ok(());
    }
    let client = context.client(&definition, Freshness::Anew)?;
    let progress = context.terminal.progress(&format!("Asking {name} about the client"));
    let outcome = context.block_on(probe(&client))?;
    drop(progress);
    let verdict = outcome.map_err(|error| {
        let failure = Failure::from(error).at(name);
        let first = if failure.is_retryable() { "try again" } else { "check what you pasted and run it again" };
        failure.instead(format!("nothing was written; {first}, or write it untested with  --no-test"))
    })?;
    match verdict {
        Verdict::OnlyTheCode(error) => {
            context.terminal.success(&format!(
                "{name} knows this client: it answered {error} to a made-up code, not invalid_client"
            ));
            tell(context, "tested", json!({ "result": "accepted", "error": error }));
        }
        Verdict::Unclear(words) => {
            let words = shorten(&words, WORDS);
            let told =
                format!("{name} did not say whether it knows this client; it answered a made-up code with: {words}");
            context.terminal.warning(&told);
            tell(context, "tested", json!({ "result": "unclear", "error": words }));
        }
        _ => {}
    }
    Ok(())
}

/// Whom a client is about to ask.
fn place_of(client: &Client) -> String {
    client.provider().issuer.clone().unwrap_or_else(|| client.provider().name.clone())
}
