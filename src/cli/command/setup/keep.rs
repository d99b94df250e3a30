//! Writing it down, so that a failure leaves what was there before.

use keyfob::registry::SecretSource;
use keyfob::registry::edit::Editor;
use keyfob::secret::Secret;
use keyfob::session::store::Kind;
use serde_json::json;

use super::{Change, Place, tell};
use crate::cli::context::{Context, client_secret_name};
use crate::cli::exit_code::ExitCode;
use crate::cli::report::Failure;
use crate::cli::{shown, signals};

/// Checks that a secret can be kept, before the server is asked about it.
pub fn check_store(context: &Context) -> Result<(), Failure> {
    if context.storage()? == Kind::Memory {
        let message = "the memory store ends with this command, and the client secret with it";
        return Err(Failure::new(ExitCode::Store, message).hint("choose another store:  KEYFOB_STORAGE=file"));
    }
    Ok(context.keeper()?.store().probe()?)
}

/// Puts the secret into the store, then the rest into the user's file. A first Ctrl-C waits until both are done.
pub fn save(
    context: &Context,
    editor: &Editor,
    place: &Place,
    change: &Change,
    secret: Option<&Secret>,
) -> Result<(), Failure> {
    signals::watch(&context.terminal);
    #[cfg(unix)]
    let mut signal = signals::take_next();
    let outcome = write(context, editor, place, change, secret);
    #[cfg(unix)]
    if outcome.is_ok() && signal.try_recv().is_ok() {
        return Err(Failure::new(ExitCode::Interrupted, "interrupted, after the client was saved"));
    }
    outcome
}

fn write(
    context: &Context,
    editor: &Editor,
    place: &Place,
    change: &Change,
    secret: Option<&Secret>,
) -> Result<(), Failure> {
    let name = client_secret_name(&place.id);
    let store = context.keeper()?.store();
    if let Some(secret) = secret {
        let before = store.load_secret(&name)?;
        let label = |id: &str| format!("keyfob: client secret of {id}");
        store.save_secret(&name, &label(&place.id), secret)?;
        if let Err(error) = editor.change(&place.id, &change.pairs(), &change.without) {
            let undone = match before {
                Some(before) => store.save_secret(&name, &label(&place.id), &before),
                None => store.remove_secret(&name).map(drop),
            };
            if let Err(error) = undone {
                context.terminal.warning(&format!("the new client secret stays in the store: {error}"));
            }
            return Err(error.into());
        }
    } else {
        editor.change(&place.id, &change.pairs(), &change.without)?;
        let kept = place.definition.provider().is_ok_and(|old| matches!(old.client_secret, Some(SecretSource::Store)));
        if place.parent.is_none()
            && kept
            && let Err(error) = store.remove_secret(&name)
        {
            context.terminal.warning(&format!("the old client secret stays in the store: {error}"));
        }
    }
    let path = editor.path().display().to_string();
    let kept = secret.map(|_| store.name());
    let with = kept.map(|store| format!(", its secret to: {}", shown::store_name(store))).unwrap_or_default();
    context.terminal.success(&format!("Saved the client to {path}{with}"));
    tell(context, "saved", json!({ "provider": place.id, "file": path, "client_secret_store": kept }));
    Ok(())
}
