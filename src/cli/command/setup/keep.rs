//! Writing it down, so that a failure leaves what was there before.

use keyfob::registry::edit::Editor;
use keyfob::registry::{Provider, SecretSource};
use keyfob::secret::Secret;
use keyfob::session::store::{Kind, Store};
use serde_json::json;

use super::{Change, Place, tell};
use crate::cli::context::{Context, client_secret_name, private_key_name};
use crate::cli::exit_code::ExitCode;
use crate::cli::report::Failure;
use crate::cli::{shown, signals};

/// What goes to the store.
#[derive(Clone, Copy)]
pub struct Kept<'a> {
    /// The client secret.
    pub secret: Option<&'a Secret>,
    /// The private key.
    pub key: Option<&'a Secret>,
}

/// Checks that a secret can be kept, before the server is asked about it.
pub fn check_store(context: &Context) -> Result<(), Failure> {
    if context.storage()? == Kind::Memory {
        let message = "the memory store ends with this command, and the client secret with it";
        return Err(Failure::new(ExitCode::Store, message).hint("choose another store:  KEYFOB_STORAGE=file"));
    }
    Ok(context.keeper()?.store().probe()?)
}

/// Puts the secrets into the store, then the rest into the user's file. A first Ctrl-C waits until all is done.
pub fn save(context: &Context, editor: &Editor, place: &Place, change: &Change, kept: Kept<'_>) -> Result<(), Failure> {
    signals::watch(&context.terminal);
    #[cfg(unix)]
    let mut signal = signals::take_next();
    let outcome = write(context, editor, place, change, kept);
    #[cfg(unix)]
    if outcome.is_ok() && signal.try_recv().is_ok() {
        return Err(Failure::new(ExitCode::Interrupted, "interrupted, after the client was saved"));
    }
    outcome
}

/// A secret of the store, as it is to be and as it was.
struct Item<'a> {
    name: String,
    what: &'static str,
    new: Option<&'a Secret>,
    old: Option<Secret>,
    /// Whether the entry took it from the store until now.
    was_named: bool,
}

fn write(context: &Context, editor: &Editor, place: &Place, change: &Change, kept: Kept<'_>) -> Result<(), Failure> {
    let store = context.keeper()?.store();
    let label = |item: &Item<'_>| format!("keyfob: {} of {}", item.what, place.id);
    let items = items(store.as_ref(), place, change, kept)?;
    let undo = |written: &[Item<'_>]| {
        for item in written.iter().filter(|item| item.new.is_some()) {
            let undone = match &item.old {
                Some(old) => store.save_secret(&item.name, &label(item), old),
                None => store.remove_secret(&item.name).map(drop),
            };
            if let Err(error) = undone {
                context.terminal.warning(&format!("the new {} stays in the store: {error}", item.what));
            }
        }
    };
    for (at, item) in items.iter().enumerate() {
        if let Some(new) = item.new
            && let Err(error) = store.save_secret(&item.name, &label(item), new)
        {
            undo(&items[..at]);
            return Err(error.into());
        }
    }
    if let Err(error) = editor.change(&place.id, &change.pairs(), &change.without) {
        undo(&items);
        return Err(error.into());
    }
    for item in items.iter().filter(|item| item.new.is_none() && item.was_named) {
        if let Err(error) = store.remove_secret(&item.name) {
            context.terminal.warning(&format!("the old {} stays in the store: {error}", item.what));
        }
    }
    tell_saved(context, editor, place, kept);
    Ok(())
}

/// Both secrets that the store may hold for this entry.
fn items<'a>(store: &dyn Store, place: &Place, change: &Change, kept: Kept<'a>) -> Result<[Item<'a>; 2], Failure> {
    let old = place.definition.provider().ok().filter(|_| place.parent.is_none());
    let from_store = |source: fn(&Provider) -> Option<&SecretSource>| {
        old.as_ref().and_then(source).is_some_and(|source| *source == SecretSource::Store)
    };
    let before = |name: &str, new: Option<&Secret>| match new {
        Some(_) => store.load_secret(name),
        None => Ok(None),
    };
    let (secret, key) = (client_secret_name(&place.id), private_key_name(&place.id));
    // A key that is not spoken of stays.
    let names_key = change.pairs.iter().any(|(name, _)| name == "private_key");
    Ok([
        Item {
            old: before(&secret, kept.secret)?,
            name: secret,
            what: "client secret",
            new: kept.secret,
            was_named: from_store(|provider| provider.client_secret.as_ref()),
        },
        Item {
            old: before(&key, kept.key)?,
            name: key,
            what: "private key",
            new: kept.key,
            was_named: names_key && from_store(|provider| provider.private_key.as_ref()),
        },
    ])
}

fn tell_saved(context: &Context, editor: &Editor, place: &Place, kept: Kept<'_>) {
    let path = editor.path().display().to_string();
    let store = context.keeper().ok().map(|keeper| keeper.store().name());
    let what = match (kept.secret, kept.key) {
        (Some(_), Some(_)) => Some("secret and key"),
        (Some(_), None) => Some("secret"),
        (None, Some(_)) => Some("key"),
        (None, None) => None,
    };
    let with = what.zip(store).map(|(what, store)| format!(", its {what} to: {}", shown::store_name(store)));
    context.terminal.success(&format!("Saved the client to {path}{}", with.unwrap_or_default()));
    let at = |kept: Option<&Secret>| kept.and(store);
    tell(
        context,
        "saved",
        json!({
            "provider": place.id,
            "file": path,
            "client_secret_store": at(kept.secret),
            "private_key_store": at(kept.key),
        }),
    );
}
