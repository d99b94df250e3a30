//! From a grant to a kept session.

use super::pending::Pending;
use super::{Error, Identity, Keeper, Override, Session, SessionKey, binding, unattended};
use crate::callback::Outcome;
use crate::client::Client;
use crate::grant::identity::{Identity as Identified, identify};
use crate::grant::{self, Grant, GrantRequest, Interaction, Obtained};
use crate::protocol;
use crate::protocol::id_token::IdToken;
use crate::protocol::token::Remark;
use crate::secret::Secret;
use crate::system::trace::{Event, Party, Step};

/// What the person says about the new session.
#[derive(Debug, Clone, Copy, Default)]
pub struct Name<'a> {
    /// The label that it gets, whatever the server calls the account.
    pub account: Option<&'a str>,
    /// What the login sets above the registry.
    pub overrides: &'a [Override],
}

/// A login that succeeded.
#[derive(Debug)]
pub struct LoggedIn {
    /// The session as it is kept.
    pub session: Session,
    /// What a person should know.
    pub remarks: Vec<Remark>,
    /// Why less is known of the person than there might be.
    pub identity_remark: Option<String>,
}

/// Logs in: makes sure that the session can be kept, obtains tokens, finds out whose they are, keeps them, and only then
/// tells the browser so.
///
/// # Errors
/// Why there is no new session; the old one is then as it was.
pub async fn login(
    keeper: &Keeper,
    client: &Client,
    grant: &dyn Grant,
    request: &GrantRequest,
    user: &dyn Interaction,
    name: Name<'_>,
) -> Result<LoggedIn, Error> {
    keeper.probe()?;
    let Obtained { tokens, id_token, remarks, page } = grant.obtain(client, request, user).await?;
    let obtained = Obtained { tokens, id_token, remarks, page: grant::Page::default() };
    let kept = keep(keeper, client, grant, request, obtained, name).await;
    page.finish(outcome(client, &kept)).await;
    kept
}

/// Begins a login that [`complete`] will finish: makes sure that the session can be kept, shows the person what to do,
/// and keeps what the second call must know, in place of an earlier login that was begun.
///
/// # Errors
/// Why nothing was begun; an earlier one is then still there.
pub async fn begin(
    keeper: &Keeper,
    client: &Client,
    grant: &dyn Grant,
    request: &GrantRequest,
    user: &dyn Interaction,
    name: Name<'_>,
) -> Result<(), Error> {
    keeper.probe()?;
    let begun = grant.begin(client, request, user).await?;
    let pending = Pending::new(client, grant.name(), request, begun, name.account, name.overrides);
    pending.save(keeper.store().as_ref(), &client.provider().id)
}

/// Completes a login that was begun: as [`login`], with what the person brings back as `answer`, where the grant wants it.
///
/// # Errors
/// As [`login`].
pub async fn complete(
    keeper: &Keeper,
    client: &Client,
    grant: &dyn Grant,
    request: &GrantRequest,
    user: &dyn Interaction,
    (pending, answer): (&Pending, Option<&Secret>),
) -> Result<LoggedIn, Error> {
    keeper.probe()?;
    let obtained = grant.complete(client, request, &pending.begun, answer, user).await?;
    let name = Name { account: pending.account.as_deref(), overrides: &pending.overrides };
    keep(keeper, client, grant, request, obtained, name).await
}

async fn keep(
    keeper: &Keeper,
    client: &Client,
    grant: &dyn Grant,
    request: &GrantRequest,
    obtained: Obtained,
    name: Name<'_>,
) -> Result<LoggedIn, Error> {
    let (mut session, remarks, identity_remark) = session(client, grant, request, obtained, name).await?;
    keeper.keep(&mut session)?;
    client.system().trace.tell(|| {
        Event::Step(Step {
            number: 4,
            between: (Party::Client, Party::Store),
            title: format!("keep the session in the {} store", keeper.store().name()),
            why: "whoever can read the store can use the session; nothing else holds its tokens".into(),
            specification: "RFC 6749 section 10.4, RFC 8252 section 8.12",
        })
    });
    Ok(LoggedIn { session, remarks, identity_remark })
}

/// What was obtained, with all that it is bound to; what to know about it, and why less is known of the person than there
/// might be.
pub(super) async fn session(
    client: &Client,
    grant: &dyn Grant,
    request: &GrantRequest,
    obtained: Obtained,
    name: Name<'_>,
) -> Result<(Session, Vec<Remark>, Option<String>), Error> {
    let Obtained { tokens, id_token, remarks, .. } = obtained;
    client.check_bound(&tokens).map_err(grant::Error::from)?;
    let identified = match grant.needs_person() {
        true => identify(client, &tokens, id_token.as_ref(), request).await?,
        // Nobody has logged in.
        false => Identified::default(),
    };
    let Identified { profile, account: told, host, remark } = identified;
    let account = name.account.or(told.as_deref()).unwrap_or(SessionKey::DEFAULT_ACCOUNT);
    let mut overrides: Vec<Override> =
        name.overrides.iter().filter(|set| !unattended::is_passing(set)).cloned().collect();
    if let Some(host) = host {
        let hosts = client.provider().hosts.iter().cloned().chain([host]).collect::<Vec<_>>().join(" ");
        overrides.push(Override { key: "hosts".into(), value: hosts.into(), is_secret: false });
    }
    let session = Session {
        key: SessionKey::new(&client.provider().id, account)?,
        binding: binding::binding(client, &tokens.kept).await?,
        grant: grant.name().to_owned(),
        requested_scopes: request.scopes.clone(),
        resources: request.resources.clone(),
        audience: request.audience.clone(),
        profile,
        identity: id_token.as_ref().map(identity),
        created_at: client.system().clock.seconds(),
        refreshed_at: None,
        trouble: None,
        waivers: client.provider().weakened(),
        overrides,
        request: None,
        generation: String::new(),
        tokens,
    };
    Ok((session, remarks, remark))
}

fn identity(id_token: &IdToken) -> Identity {
    Identity {
        issuer: id_token.issuer().to_owned(),
        subject: id_token.subject().to_owned(),
        auth_time: id_token.auth_time(),
        nonce: id_token.nonce().map(str::to_owned),
    }
}

/// The browser's last page.
fn outcome(client: &Client, kept: &Result<LoggedIn, Error>) -> Outcome {
    match kept {
        Ok(_) => Outcome::Success { heading: format!("Logged in to {}", client.provider().name), detail: None },
        Err(_) => Outcome::Failure { heading: "Login failed".into(), text: None },
    }
}

impl From<protocol::Error> for Error {
    fn from(error: protocol::Error) -> Self {
        Self::Grant(error.into())
    }
}
