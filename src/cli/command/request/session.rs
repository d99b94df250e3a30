//! The token of a request: the stored one while it is good, else a renewed one.

use keyfob::client::Freshness;
use keyfob::secret::Secret;
use keyfob::session::index::Entry;
use keyfob::session::{Renewal, Renewed, Taken};

use crate::cli::context::Context;
use crate::cli::report::Failure;
use crate::cli::shown::{self, State};

/// A token, and whether it was renewed for this very request.
pub struct Token {
    /// What is presented.
    pub taken: Taken,
    /// Whether another renewal would be one too many.
    pub is_new: bool,
}

/// A token that is good for as long as the settings demand.
///
/// # Errors
/// Why there is none.
pub fn take(context: &Context, entry: &Entry) -> Result<Token, Failure> {
    let keeper = context.keeper_of(entry)?;
    let min_validity = i64::try_from(context.settings()?.min_validity.as_secs()).unwrap_or(i64::MAX);
    if let Some(taken) = keeper.valid(entry, min_validity)? {
        return Ok(Token { taken, is_new: false });
    }
    let progress = context.terminal.progress(&format!("Renewing {}", entry.key));
    let Renewed { session, failure, by_us, .. } =
        context.block_on(renewed(context, entry, Renewal { min_validity, forced: false, clock_tolerance: 0 }))??;
    drop(progress);
    if let Some(failure) = failure {
        let failure = Failure::from(failure);
        context.terminal.warning(&format!(
            "{} could not be renewed, the old token is still good: {}",
            entry.key,
            failure.message()
        ));
    }
    Ok(Token { taken: session.into_taken(), is_new: by_us })
}

/// Another token than `rejected`, which is not accepted although it should be good: the one that another process has
/// stored meanwhile, else a renewed one.
///
/// # Errors
/// Why there is none.
pub async fn another(context: &Context, entry: &Entry, rejected: &Secret) -> Result<Taken, Failure> {
    let session = context.keeper_of(entry)?.load(&entry.key)?;
    let now = context.now();
    let is_good = session.trouble.is_none() && session.tokens.expires_at.is_none_or(|end| end > now);
    if is_good && session.tokens.access_token != *rejected {
        return Ok(session.into_taken());
    }
    let renewal = Renewal { min_validity: 0, forced: true, clock_tolerance: 0 };
    let Renewed { session, failure, .. } = renewed(context, entry, renewal).await?;
    match failure {
        // The old token is no use, however long it would live.
        Some(failure) => Err(Failure::from(failure).at(&entry.key.to_string()).session(&entry.key)),
        None => Ok(session.into_taken()),
    }
}

async fn renewed(context: &Context, entry: &Entry, renewal: Renewal) -> Result<Renewed, Failure> {
    if State::of(entry, context.now()) == State::LoginRequired || !entry.refreshable {
        return Err(Failure::login_required(&entry.key, entry.trouble.as_ref()));
    }
    let keeper = context.keeper()?;
    let definition = context.definition_of(&keeper.load(&entry.key)?)?;
    let client = context.client(&definition, Freshness::Kept)?;
    let renewal = Renewal { clock_tolerance: context.clock_tolerance()?, ..renewal };
    let outcome = keeper.renew(&entry.key, &client, renewal).await;
    let renewed = outcome.map_err(|error| Failure::from(error).at(&entry.key.to_string()).session(&entry.key))?;
    shown::remarks(&context.terminal, &renewed.remarks);
    Ok(renewed)
}
