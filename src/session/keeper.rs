//! Sessions handed out fresh: renewed once, however many processes ask.
//!
//! A token that is still good needs neither lock nor network. One that is about to expire is renewed under the session's
//! lock: look again (another process may have renewed it), make sure that the store can be written, renew, write durably,
//! update the index, let go, hand out.

mod shared;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::bound::check_key;
use super::index::Entry;
use super::store::Store;
use super::taken::Taken;
use super::{Catalog, Error, Session, SessionKey, SessionLock, TokenCache, Trouble, binding, unattended};
use crate::client::{self, Client};
use crate::grant;
use crate::grant::refresh_token::{self, Refresh, Refreshed};
use crate::protocol::token::Remark;
use crate::protocol::{self, id_token};
use crate::secret::Secret;
use crate::system::{Clock, random};

/// Called while another process holds a session, with the time waited so far; may end the wait.
pub type Waiting = Arc<dyn Fn(&SessionKey, Duration) -> ControlFlow<()> + Send + Sync>;

/// Keeps the sessions of one state directory in one store.
pub struct Keeper {
    state_dir: PathBuf,
    store: Arc<dyn Store>,
    catalog: Catalog,
    cache: TokenCache,
    clock: Clock,
    lock_limit: Duration,
    waiting: Waiting,
    unprotected: AtomicBool,
}

/// How a session is renewed.
#[derive(Debug, Clone, Copy)]
pub struct Renewal {
    /// Seconds for which the token must still be good, so that it is not renewed.
    pub min_validity: i64,
    /// Whether it is renewed all the same.
    pub forced: bool,
    /// Seconds by which clocks may differ.
    pub clock_tolerance: u64,
}

/// A session after a renewal.
#[derive(Debug)]
pub struct Renewed {
    /// As it is kept now.
    pub session: Session,
    /// What a person should know.
    pub remarks: Vec<Remark>,
    /// Why it could not be renewed, where the old token is still good.
    pub failure: Option<Error>,
    /// Whether this very call renewed it.
    pub by_us: bool,
}

impl Keeper {
    /// Keeps sessions in `store`, with locks and index in `state_dir`. `waiting` is called while another process holds a
    /// session, with the time waited so far, and may end the wait.
    pub fn new(
        state_dir: PathBuf,
        store: Arc<dyn Store>,
        token_cache: bool,
        lock_limit: Duration,
        waiting: Waiting,
    ) -> Self {
        // What lives in this process only is neither found by others nor left behind.
        let private = store.name() == "memory";
        // A file is as near as the kernel's cache, and what it says (damage, a wrong passphrase) must be heard.
        let token_cache = token_cache && store.name() == "keyring";
        let catalog = if private { Catalog::private() } else { Catalog::shared(&state_dir) };
        let cache = TokenCache::new(&state_dir, token_cache);
        Self {
            state_dir,
            store,
            catalog,
            cache,
            clock: Clock,
            lock_limit,
            waiting,
            unprotected: AtomicBool::new(false),
        }
    }

    /// Which sessions there are.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The access token of the session that `entry` describes, if it is good for `min_validity` seconds more. No lock and
    /// no network; the kernel's cache before the store.
    ///
    /// # Errors
    /// Why the store cannot be asked.
    pub fn valid(&self, entry: &Entry, min_validity: i64) -> Result<Option<Taken>, Error> {
        let now = self.clock.seconds();
        let good = |expires_at: Option<i64>| expires_at.is_none_or(|end| end > now.saturating_add(min_validity));
        if entry.trouble.is_some() || !good(entry.expires_at) {
            return Ok(None);
        }
        let cached = self.cache.get(&entry.key, &entry.generation, now);
        if let Some(cached) = cached.filter(|cached| good(cached.expires_at)) {
            return Ok(Some(Taken {
                access_token: cached.access_token,
                token_type: cached.token_type,
                // Bound tokens are not cached.
                proof_key: None,
                expires_at: cached.expires_at,
                scopes: cached.scopes,
            }));
        }
        let Some(session) = self.store.load(&entry.key)? else { return Ok(None) };
        if !good(session.tokens.expires_at) || session.trouble.is_some() {
            return Ok(None);
        }
        check_key(&session)?;
        if session.generation == entry.generation {
            self.cache.put(&session, now);
        }
        Ok(Some(session.into_taken()))
    }

    /// The whole session.
    ///
    /// # Errors
    /// [`Error::NoSession`]; why the store cannot be asked.
    pub fn load(&self, key: &SessionKey) -> Result<Session, Error> {
        self.store.load(key)?.ok_or_else(|| Error::NoSession { key: key.clone() })
    }

    /// Keeps a session that a login obtained, in place of the one of that name.
    ///
    /// # Errors
    /// Why it cannot be kept; the old one is then as it was.
    pub fn keep(&self, session: &mut Session) -> Result<(), Error> {
        let held = self.lock(&session.key)?;
        // No rescue: a login that cannot be kept where it should be has failed, and the old session stays.
        self.save(session, &held)
    }

    /// Makes sure that a session could be kept now: in the store, and noted beside it.
    ///
    /// # Errors
    /// What keeping it would fail with.
    pub fn probe(&self) -> Result<(), Error> {
        self.store.probe()?;
        match &self.catalog {
            Catalog::Shared(index) => index.probe(),
            Catalog::Private(_) => Ok(()),
        }
    }

    /// Whether some lock of this process was none, because the file system has none.
    pub fn is_unprotected(&self) -> bool {
        self.unprotected.load(Ordering::Relaxed)
    }

    /// Forgets a session; `false` when there was none. The caller has revoked its tokens.
    ///
    /// # Errors
    /// Why it cannot be removed.
    pub fn forget(&self, key: &SessionKey, held: &SessionLock) -> Result<bool, Error> {
        self.cache.purge(key);
        // Death between the store and the index must not leave a session listed that is not there.
        if let Some(entry) = self.catalog.find(key)? {
            self.catalog.put(Entry { trouble: Some(self.trouble(Trouble::LOGGED_OUT, None)), ..entry })?;
        }
        let removed = self.store.remove(key, held)?;
        let listed = self.catalog.remove(key)?;
        Ok(removed || listed)
    }

    /// Waits for the session's lock.
    ///
    /// # Errors
    /// [`Error::Busy`] when another process holds it too long.
    pub fn lock(&self, key: &SessionKey) -> Result<SessionLock, Error> {
        if matches!(self.catalog, Catalog::Private(_)) {
            return Ok(SessionLock::within_process(key));
        }
        let mut waiting = |waited| (self.waiting)(key, waited);
        let held = SessionLock::acquire(&self.state_dir, key, self.lock_limit, &mut waiting)?;
        if !held.is_enforced() {
            self.unprotected.store(true, Ordering::Relaxed);
        }
        Ok(held)
    }

    /// The session, renewed if `renewal` says so and nobody else has done it meanwhile.
    ///
    /// # Errors
    /// [`Error::LoginRequired`] when a person must log in; [`Error::Moved`] when the entry now points elsewhere;
    /// [`Error::Rescued`] when the renewed session could not be kept where it should; otherwise why it could not be
    /// renewed. The session is then as it was.
    pub async fn renew(&self, key: &SessionKey, client: &Client, renewal: Renewal) -> Result<Renewed, Error> {
        let before = self.catalog.find(key)?.map(|entry| entry.generation);
        let held = self.lock(key)?;
        // Read again: whoever held the lock may have renewed it, or a login may have replaced it.
        let mut session = self.load_or_unlist(key)?;
        let by_another = before.is_some_and(|generation| generation != session.generation);
        let now = self.clock.seconds();
        let good = session.tokens.expires_at.is_none_or(|end| end > now.saturating_add(renewal.min_validity));
        if good && (!renewal.forced || by_another) && session.trouble.is_none() {
            self.repair(&session)?;
            return Ok(Renewed { session, remarks: Vec::new(), failure: None, by_us: false });
        }
        if session.is_unattended() {
            return self.obtain_again(session, client, &held, renewal).await;
        }
        let refresh_token = renewable(&session)?;
        client.adopt_key(&session.tokens).map_err(grant::Error::from)?;
        if let Err(error) = binding::check(&session, client).await {
            return match error {
                Error::Grant(error) => self.failed(session, &held, error),
                error => Err(error),
            };
        }
        self.probe()?;
        let request = request(&session, &refresh_token, renewal.clock_tolerance);
        match refresh_token::refresh(client, &request).await {
            Ok(Refreshed { tokens, id_token, remarks }) => {
                session.tokens = refresh_token::merged(&session.tokens, tokens);
                session.binding.jkt = client.prover().thumbprint();
                if let (Some(identity), Some(id_token)) = (&mut session.identity, &id_token) {
                    identity.auth_time = id_token.auth_time().or(identity.auth_time);
                }
                session.refreshed_at = Some(self.clock.seconds());
                // The new token is bound to the certificate that it was asked for with.
                session.binding.certificate = binding::certificate(client);
                self.save_or_rescue(&mut session, &held)?;
                Ok(Renewed { session, remarks, failure: None, by_us: true })
            }
            Err(error) => self.failed(session, &held, error),
        }
    }

    /// A token for less than the session is for, by a refresh that leaves the session's own scope as it is.
    ///
    /// # Errors
    /// As [`renew`](Self::renew).
    pub async fn narrowed(
        &self,
        key: &SessionKey,
        client: &Client,
        scopes: Option<&[String]>,
        resources: &[String],
        clock_tolerance: u64,
    ) -> Result<(Taken, Vec<Remark>), Error> {
        let held = self.lock(key)?;
        let mut session = self.load_or_unlist(key)?;
        let refresh_token = renewable(&session)?;
        client.adopt_key(&session.tokens).map_err(grant::Error::from)?;
        binding::check(&session, client).await?;
        self.probe()?;
        let mut refresh = request(&session, &refresh_token, clock_tolerance);
        refresh.narrower = scopes;
        if !resources.is_empty() {
            refresh.resources = resources;
        }
        match refresh_token::refresh(client, &refresh).await {
            Ok(refreshed) => {
                let Refreshed { tokens, remarks, .. } = refreshed;
                let narrower = Taken::from(tokens.clone());
                if let Some(rotated) = tokens.refresh_token {
                    session.tokens.refresh_token = Some(rotated);
                    session.tokens.refresh_expires_at = tokens.refresh_expires_at;
                    self.save_or_rescue(&mut session, &held)?;
                }
                Ok((narrower, remarks))
            }
            Err(error) => match self.failed(session, &held, error)?.failure {
                // The session's own token may be good; it is not the one that was asked for.
                Some(failure) => Err(failure),
                None => Err(Error::LoginRequired { key: key.clone(), trouble: None }),
            },
        }
    }

    /// What a failed refresh means for the session.
    fn failed(&self, mut session: Session, held: &SessionLock, error: grant::Error) -> Result<Renewed, Error> {
        let error = match error {
            grant::Error::Rotated { error, refresh_token } => {
                // The old one may be used up: whatever else is wrong with the answer, this one must not be lost.
                session.tokens.refresh_token = Some(refresh_token);
                if is_suspicious(&error) {
                    session.trouble = Some(self.trouble(Trouble::OTHER_IDENTITY, Some(error.to_string())));
                }
                self.save_or_rescue(&mut session, held)?;
                *error
            }
            error => {
                if is_suspicious(&error) {
                    session.trouble = Some(self.trouble(Trouble::OTHER_IDENTITY, Some(error.to_string())));
                    self.save(&mut session, held)?;
                }
                error
            }
        };
        if let Some(told) = refused(&error) {
            // Where locks do not reach, somebody else may have renewed it meanwhile.
            if let Ok(newer) = self.load(&session.key)
                && newer.tokens.refresh_token != session.tokens.refresh_token
            {
                return Ok(Renewed { session: newer, remarks: Vec::new(), failure: None, by_us: false });
            }
            let trouble = self.trouble(&told.error, told.description.clone());
            session.trouble = Some(trouble.clone());
            // Kept for display. A store that fails now will be told the same by the next refresh, and the token of a
            // session that the server has ended is not handed out meanwhile.
            if self.save(&mut session, held).is_err() {
                self.cache.purge(&session.key);
            }
            return Err(Error::LoginRequired { key: session.key, trouble: Some(trouble) });
        }
        let now = self.clock.seconds();
        let still_good = session.trouble.is_none() && session.tokens.expires_at.is_none_or(|end| end > now);
        if still_good && is_temporary(&error) {
            return Ok(Renewed { session, remarks: Vec::new(), failure: Some(Error::Grant(error)), by_us: false });
        }
        Err(Error::Grant(error))
    }

    /// Tokens that are to be had without a person are obtained as they were the first time.
    async fn obtain_again(
        &self,
        mut session: Session,
        client: &Client,
        held: &SessionLock,
        renewal: Renewal,
    ) -> Result<Renewed, Error> {
        self.probe()?;
        // A lost one is replaced: nothing else depends on it here.
        if check_key(&session).is_ok() {
            client.adopt_key(&session.tokens).map_err(grant::Error::from)?;
        }
        let request = unattended::request_of(&session, renewal.clock_tolerance);
        let obtained = match grant::find(&session.grant) {
            Some(grant) => grant.obtain(client, &request, &grant::Unattended).await,
            None => Err(grant::Error::Unattended),
        };
        match obtained {
            Ok(grant::Obtained { tokens, remarks, .. }) => {
                client.check_bound(&tokens).map_err(grant::Error::from)?;
                session.binding = binding::binding(client, &tokens.kept).await?;
                session.tokens = tokens;
                session.trouble = None;
                session.refreshed_at = Some(self.clock.seconds());
                self.save(&mut session, held)?;
                Ok(Renewed { session, remarks, failure: None, by_us: true })
            }
            Err(error) => {
                let is_good = session.tokens.expires_at.is_none_or(|end| end > self.clock.seconds());
                match is_good && is_temporary(&error) {
                    true => Ok(Renewed { session, remarks: Vec::new(), failure: Some(error.into()), by_us: false }),
                    false => Err(error.into()),
                }
            }
        }
    }

    fn trouble(&self, error: &str, description: Option<String>) -> Trouble {
        Trouble { since: self.clock.seconds(), error: error.to_owned(), description }
    }

    /// Writes the session durably, then what may be known of it without its secrets.
    pub(super) fn save(&self, session: &mut Session, held: &SessionLock) -> Result<(), Error> {
        session.generation = random::text::<16>()?;
        self.store.save(session, held)?;
        match self.catalog.put(Entry::of(session, self.store.name())) {
            // It is kept; what the index still says of the state before only costs the next command a look.
            Err(_) if matches!(self.catalog.find(&session.key), Ok(Some(_))) => {}
            outcome => outcome?,
        }
        self.cache.put(session, self.clock.seconds());
        Ok(())
    }

    /// As [`save`](Self::save), for tokens that cannot be had a second time: the server has used up the old ones.
    fn save_or_rescue(&self, session: &mut Session, held: &SessionLock) -> Result<(), Error> {
        self.save(session, held).map_err(|error| match self.store.rescue(session, held) {
            Ok(place) => Error::Rescued { key: session.key.clone(), place, source: Box::new(error) },
            Err(_) => error,
        })
    }

    /// The whole session; one that the store does not have is not listed any longer. The caller holds its lock.
    fn load_or_unlist(&self, key: &SessionKey) -> Result<Session, Error> {
        let session = self.load(key);
        if matches!(session, Err(Error::NoSession { .. })) {
            self.catalog.remove(key)?;
        }
        session
    }

    /// Brings the index up to what the store holds, after a process died between the two.
    pub(super) fn repair(&self, session: &Session) -> Result<(), Error> {
        let entry = Entry::of(session, self.store.name());
        match self.catalog.find(&session.key)? {
            Some(known) if known.generation == entry.generation => Ok(()),
            _ => self.catalog.put(entry),
        }
    }
}

/// The refresh token of a session that can be renewed without a person.
fn renewable(session: &Session) -> Result<Secret, Error> {
    check_key(session)?;
    let refresh_token = session.tokens.refresh_token.clone().filter(|_| session.trouble.is_none());
    refresh_token.ok_or_else(|| Error::LoginRequired { key: session.key.clone(), trouble: session.trouble.clone() })
}

/// The request that renews a session as a whole.
fn request<'a>(session: &'a Session, refresh_token: &'a Secret, clock_tolerance: u64) -> Refresh<'a> {
    Refresh {
        refresh_token,
        access_token: &session.tokens.access_token,
        scopes: &session.tokens.scopes,
        kept: &session.tokens.kept,
        narrower: None,
        resources: &session.resources,
        earlier: session.identity.as_ref().map(|identity| id_token::Earlier {
            issuer: &identity.issuer,
            subject: &identity.subject,
            auth_time: identity.auth_time,
            nonce: identity.nonce.as_deref(),
        }),
        clock_tolerance,
    }
}

/// What the server said, if it no longer accepts the refresh token.
///
/// # Specification
/// RFC 6749 §5.2 (`invalid_grant`); OpenID Connect Core §3.1.2.6 (the others).
fn refused(error: &grant::Error) -> Option<&protocol::ErrorResponse> {
    const FINAL: [&str; 5] =
        ["invalid_grant", "interaction_required", "login_required", "consent_required", "account_selection_required"];
    match error {
        grant::Error::Protocol(protocol::Error::Server(told)) if FINAL.contains(&told.error.as_str()) => Some(told),
        _ => None,
    }
}

/// Whether trying again later may help.
fn is_temporary(error: &grant::Error) -> bool {
    match error {
        grant::Error::Client(client::Error::System(_)) | grant::Error::System(_) | grant::Error::Unknown { .. } => true,
        grant::Error::Client(client::Error::Protocol(error)) | grant::Error::Protocol(error) => match error {
            protocol::Error::Unavailable { .. }
            | protocol::Error::Status { .. }
            | protocol::Error::NotJson { .. }
            | protocol::Error::Json { .. }
            | protocol::Error::Field { .. } => true,
            protocol::Error::Server(told) => told.error == "temporarily_unavailable" || told.error == "server_error",
            _ => false,
        },
        _ => false,
    }
}

/// Whether an ID token that came with a refresh is properly signed and another person's or another login's.
fn is_suspicious(error: &grant::Error) -> bool {
    let error = match error {
        grant::Error::Client(client::Error::Protocol(error)) | grant::Error::Protocol(error) => error,
        _ => return false,
    };
    matches!(
        error,
        protocol::Error::AccountMismatch { .. }
            | protocol::Error::Claims(id_token::Error::Changed { .. } | id_token::Error::ChangedNonce)
    )
}
