//! Sessions that need nobody: obtained when a token is wanted, kept for the next time.
//!
//! What was asked for decides whether a kept session serves: the same server, client, scope, resource and audience, and
//! the same inputs. The session of a provider bears the account's usual name; one that was asked for something else than
//! the entry says has a name of its own, so that the two do not replace each other.

use std::time::Duration;

use ring::digest::{Context, SHA256};

use super::bound::check_key;
use super::login::{self, Name};
use super::{Error, Keeper, Override, Renewal, Renewed, Session, SessionKey, key};
use crate::client::Client;
use crate::grant::{Grant, GrantRequest, Unattended};
use crate::registry::{Definition, Provider, SecretSource};
use crate::system::Environment;

/// How accounts of sessions begin that were asked for something else than their provider's entry says.
pub const VARIANT: char = '~';

/// Hexadecimal digits of a variant's name: 48 bits, against accidents.
const VARIANT_DIGITS: usize = 12;

/// A session that is wanted, whether or not it is there.
pub struct Wanted<'a> {
    /// Its name.
    pub key: &'a SessionKey,
    /// How it is obtained.
    pub grant: &'a dyn Grant,
    /// What is asked for.
    pub request: &'a GrantRequest,
    /// What is set above the registry.
    pub overrides: &'a [Override],
    /// The digest of all that was asked for, [`digest`].
    pub digest: &'a str,
}

impl Keeper {
    /// The session that is wanted: as it is kept, if it was obtained for the same and is still good, else obtained now.
    /// Processes that want the same at once obtain it once.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn obtain(&self, client: &Client, wanted: Wanted<'_>, renewal: Renewal) -> Result<Renewed, Error> {
        let held = self.lock(wanted.key)?;
        // The tokens of a logout that was interrupted may be revoked.
        let is_sound = self.catalog().find(wanted.key)?.is_none_or(|entry| entry.trouble.is_none());
        let until = client.system().clock.seconds().saturating_add(renewal.min_validity);
        let kept = match self.store().load(wanted.key) {
            // It can be had again, so that nobody has to mend anything.
            Err(error) if error.is_damage() => None,
            outcome => outcome?,
        };
        match kept {
            Some(session) if is_sound && serves(&session, wanted.digest, until) => {
                self.repair(&session)?;
                return Ok(Renewed { session, remarks: Vec::new(), failure: None, by_us: false });
            }
            _ => self.probe()?,
        }
        let obtained = wanted.grant.obtain(client, wanted.request, &Unattended).await?;
        let name = Name { account: Some(wanted.key.account()), overrides: wanted.overrides };
        let (mut session, remarks, _) = login::session(client, wanted.grant, wanted.request, obtained, name).await?;
        session.key = wanted.key.clone();
        session.request = Some(wanted.digest.to_owned());
        self.save(&mut session, &held)?;
        Ok(Renewed { session, remarks, failure: None, by_us: true })
    }
}

/// Whether a kept session is what was asked for, and its token good beyond `until`, in seconds since 1970, with the key
/// that it is bound to.
fn serves(session: &Session, digest: &str, until: i64) -> bool {
    session.request.as_deref() == Some(digest)
        && check_key(session).is_ok()
        && session.tokens.expires_at.is_none_or(|end| end > until)
}

/// The request that a session was obtained with.
pub(super) fn request_of(session: &Session, clock_tolerance: u64) -> GrantRequest {
    GrantRequest {
        scopes: session.requested_scopes.clone(),
        scopes_are_final: true,
        resources: session.resources.clone(),
        audience: session.audience.clone(),
        params: Vec::new(),
        port: None,
        redirect_uri: None,
        whom: None,
        timeout: Duration::ZERO,
        clock_tolerance,
    }
}

/// Whether a setting of a command line is good for that command alone: an assertion or a password is not kept.
pub(super) fn is_passing(set: &Override) -> bool {
    set.is_secret && Definition::is_input(&set.key)
}

/// The name of the session for `request` at `provider`: the usual one if that is what the entry alone, `base`, asks for.
///
/// # Errors
/// [`Error::InvalidName`] for a provider without a usable name.
pub fn name(base: Option<(&Provider, &GrantRequest)>, wanted: (&Provider, &GrantRequest)) -> Result<SessionKey, Error> {
    let place = |(provider, request)| place(provider, request);
    let id = &wanted.0.id;
    let wanted = place(wanted);
    if base.map(place).as_ref() == Some(&wanted) {
        return SessionKey::new(id, SessionKey::DEFAULT_ACCOUNT);
    }
    SessionKey::new(id, &format!("{VARIANT}{}", &wanted[..VARIANT_DIGITS]))
}

/// The digest of all that decides whether a kept session serves.
pub fn digest(provider: &Provider, request: &GrantRequest, environment: &Environment) -> String {
    let mut parts = vec![place(provider, request)];
    for (key, source) in &provider.inputs {
        let value = match source {
            // The same place may hold another identity's statement the next time.
            SecretSource::Literal(value) => value.expose().to_owned(),
            SecretSource::Env(name) => environment.text(name).unwrap_or_default(),
            source => source.to_string(),
        };
        parts.push(format!("{key}={value}"));
    }
    hashed(&parts)
}

/// Server, client, scope, resource and audience.
fn place(provider: &Provider, request: &GrantRequest) -> String {
    let mut scopes = request.scopes.clone();
    scopes.sort_unstable();
    let mut parts = vec![
        provider.grants.first().cloned().unwrap_or_default(),
        provider.issuer.clone().unwrap_or_default(),
        provider
            .token_endpoint
            .as_ref()
            .and_then(|endpoint| endpoint.url())
            .map(ToString::to_string)
            .unwrap_or_default(),
        provider.client_id.clone().unwrap_or_default(),
        scopes.join(" "),
        request.audience.clone().unwrap_or_default(),
    ];
    parts.extend(request.resources.iter().cloned());
    hashed(&parts)
}

fn hashed(parts: &[String]) -> String {
    let mut context = Context::new(&SHA256);
    for part in parts {
        // The length keeps neighbours apart.
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    key::hex(&context.finish().as_ref()[..16])
}

#[cfg(test)]
mod tests {
    use super::serves;
    use crate::protocol::token::TokenType;
    use crate::session::Session;
    use crate::session::testing::session;

    fn kept() -> Session {
        let mut session = Session { request: Some("digest".into()), ..session("acme/default") };
        session.tokens.expires_at = Some(100);
        session
    }

    #[test]
    fn a_session_that_is_good_for_what_is_asked_serves() {
        assert!(serves(&kept(), "digest", 99));
        assert!(!serves(&kept(), "digest", 100) && !serves(&kept(), "other", 99));
        assert!(!serves(&Session { request: None, ..kept() }, "digest", 99));
    }

    #[test]
    fn one_whose_key_is_gone_does_not() {
        let mut keyless = kept();
        keyless.tokens.token_type = TokenType::DPoP;

        assert!(!serves(&keyless, "digest", 99));
    }
}
