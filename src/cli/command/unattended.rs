//! Tokens of grants that need nobody: no login comes before them, a token is obtained when it is first wanted.

use keyfob::client::Freshness;
use keyfob::grant::{self, Found, GrantRequest};
use keyfob::registry::{Definition, Provider};
use keyfob::session::index::Entry;
use keyfob::session::unattended::{self, Wanted};
use keyfob::session::{self, Override, Renewal, Renewed, SessionKey, Taken};

use crate::cli::context::Context;
use crate::cli::exit_code::ExitCode;
use crate::cli::inputs::{self, Input};
use crate::cli::report::Failure;
use crate::cli::shown;
use crate::cli::target::{self, Target};

use super::login::{self, Purpose};

/// A token that is wanted of a provider whose grant needs nobody.
pub struct Asked<'a> {
    /// Where, as it was written.
    pub target: Option<&'a str>,
    /// For what.
    pub purpose: Purpose<'a>,
    /// Seconds for which it must still be good.
    pub min_validity: i64,
    /// Whether it may be fetched.
    pub may_fetch: bool,
}

/// A session that is there now, and its token.
pub struct Ensured {
    /// What is known of it.
    pub entry: Entry,
    /// The token.
    pub taken: Taken,
    /// Whether it was obtained by this very call.
    pub is_new: bool,
}

/// The session for what is asked, which is obtained if it is not there; `None` where the provider's grant needs a person,
/// or no provider is named.
///
/// # Errors
/// Why there is none.
pub fn ensure(context: &Context, asked: &Asked<'_>) -> Result<Option<Ensured>, Failure> {
    let (name, account) = match target::named(context, asked.target)? {
        Some(Target::Provider(name)) => (name, None),
        Some(Target::Session(key)) => (key.provider().to_owned(), Some(key.account().to_owned())),
        Some(Target::Address(_)) | None => return Ok(None),
    };
    let base = context.provider(&name)?;
    let mut definition = base.clone();
    let overrides = overrides(context, &mut definition)?;
    let provider = definition.provider()?;
    let Some(grant) = grant_of(&provider) else { return Ok(None) };
    let account = account.as_deref();
    let request = login::request(context, &definition, account.or(Some(SessionKey::DEFAULT_ACCOUNT)), asked.purpose)?;
    let digest = unattended::digest(&provider, &request, &context.environment);
    let key = match account {
        Some(account) => SessionKey::new(&provider.id, account)?,
        None => named(context, &base, (&provider, &request))?,
    };
    let keeper = context.keeper()?;
    let known = keeper.catalog().find(&key)?.filter(|entry| entry.request.as_deref() == Some(&*digest));
    if let Some(entry) = known {
        context.keeper_of(&entry)?;
        let valid = match keeper.valid(&entry, asked.min_validity) {
            // What is damaged is obtained again, and so is a token whose key is gone.
            Err(error) if error.is_damage() || matches!(error, session::Error::LoginRequired { .. }) => None,
            outcome => outcome?,
        };
        if let Some(taken) = valid {
            return Ok(Some(Ensured { entry, taken, is_new: false }));
        }
    }
    if !asked.may_fetch {
        let message = format!("{key}: no stored token is valid long enough, and none was to be fetched");
        return Err(Failure::new(ExitCode::LoginRequired, message).session(&key));
    }
    let wanted = Wanted { key: &key, grant: &*grant, request: &request, overrides: &overrides, digest: &digest };
    obtain(context, &definition, wanted, asked.min_validity).map(Some)
}

/// As [`ensure`] for what the entry says, where no session was found or one that was obtained in this way.
///
/// # Errors
/// As [`ensure`].
pub fn ensure_found(
    context: &Context,
    target: Option<&str>,
    found: Result<&Entry, &Failure>,
) -> Result<Option<Ensured>, Failure> {
    if !is_candidate(found) {
        return Ok(None);
    }
    let min_validity = i64::try_from(context.settings()?.min_validity.as_secs()).unwrap_or(i64::MAX);
    ensure(context, &Asked { target, purpose: Purpose::default(), min_validity, may_fetch: true })
}

/// Whether a session is missing, or is one that was obtained when it was first wanted.
pub fn is_candidate(found: Result<&Entry, &Failure>) -> bool {
    match found {
        Ok(entry) => entry.request.is_some(),
        Err(failure) => failure.code() == ExitCode::LoginRequired,
    }
}

fn obtain(
    context: &Context,
    definition: &Definition,
    wanted: Wanted<'_>,
    min_validity: i64,
) -> Result<Ensured, Failure> {
    let keeper = context.keeper()?;
    let client = context.client(definition, Freshness::Kept)?;
    let renewal = Renewal { min_validity, forced: false, clock_tolerance: context.clock_tolerance()? };
    let key = wanted.key.clone();
    let progress = context.terminal.progress(&format!("Obtaining a token of {}", client.provider().name));
    let outcome = context.block_on(keeper.obtain(&client, wanted, renewal))?;
    drop(progress);
    let failed =
        |error| Failure::from(error).at(&client.provider().name).with_clock(client.clock_difference()).session(&key);
    let Renewed { session, remarks, by_us, .. } = outcome.map_err(failed)?;
    shown::remarks(&context.terminal, &remarks);
    let entry = Entry::of(&session, keeper.store().name());
    Ok(Ensured { entry, taken: session.into_taken(), is_new: by_us })
}

/// The grant that the entry prefers of those that keyfob has, if it needs nobody.
pub fn grant_of(provider: &Provider) -> Option<Found> {
    provider.grants.iter().find_map(|name| grant::find(name)).filter(|grant| !grant.needs_person())
}

/// The session's name: the usual one for what the entry alone asks for.
fn named(context: &Context, base: &Definition, wanted: (&Provider, &GrantRequest)) -> Result<SessionKey, Failure> {
    let usual = match base.provider() {
        Ok(provider) => {
            let account = Some(SessionKey::DEFAULT_ACCOUNT);
            Some((provider, login::request(context, base, account, Purpose::default())?))
        }
        // Complete only with what this command line adds.
        Err(_) => None,
    };
    let usual = usual.as_ref().map(|(provider, request)| (provider, request));
    Ok(unattended::name(usual, wanted)?)
}

/// What `--set` says, laid over `definition`.
fn overrides(context: &Context, definition: &mut Definition) -> Result<Vec<Override>, Failure> {
    let mut overrides = Vec::new();
    for option in &context.common.settings {
        let Input { key, value, is_secret } = inputs::read(definition, option, &context.environment)?;
        overrides.push(Override { key, value, is_secret });
    }
    crate::cli::overrides::apply(&overrides, definition)?;
    Ok(overrides)
}
