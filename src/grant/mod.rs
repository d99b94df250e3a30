//! Ways to obtain tokens, one file each, named by `grant_type` where there is one.
//!
//! A [`Grant`] turns a client and a request into tokens that passed every check. What it needs of a person it asks of an
//! [`Interaction`]; without one, [`Unattended`] refuses. Keeping the tokens is left to `session`.

pub mod account;
mod asked;
pub mod authorization_code;
mod begun;
mod ciba;
mod client_credentials;
pub mod device_code;
mod direct;
mod error;
mod exchange;
pub mod extension;
pub mod google;
pub mod identity;
mod jwt_bearer;
pub mod oauth1;
mod password;
mod polling;
pub mod refresh_token;
mod saml2_bearer;
pub mod token_exchange;

use std::future::pending;
use std::ops::Deref;
use std::time::Duration;

use url::Url;

use crate::callback::{Loopback, Outcome};
use crate::client::Client;
use crate::protocol::device::UserCode;
use crate::protocol::id_token::IdToken;
use crate::protocol::token::{Remark, TokenSet};
use crate::secret::Secret;

// Whoever comes back from the browser does so in the same ways.
use authorization_code::redirect as redirection;

pub use account::Whom;
pub use begun::Begun;
pub use error::Error;

pub use crate::system::LocalFuture;

/// A way to obtain tokens.
pub trait Grant: Sync {
    /// The name of `--grant`: the registered grant type, the last part of its URI, or the URI of an extension.
    fn name(&self) -> &str;

    /// One line, for help and documentation.
    fn summary(&self) -> &'static str;

    /// Where it is specified.
    fn specification(&self) -> &'static str;

    /// What it needs beyond the client; keys of an entry.
    fn inputs(&self) -> &'static [Input] {
        &[]
    }

    /// Whether a person must take part. Tokens of the others are obtained when they are needed, and again when they end.
    fn needs_person(&self) -> bool {
        true
    }

    /// How long a person is waited for, unless something else is said.
    fn patience(&self) -> Duration {
        authorization_code::PATIENCE
    }

    /// Obtains tokens.
    ///
    /// # Errors
    /// Why there are none; nothing has been kept then.
    fn obtain<'a>(
        &'a self,
        client: &'a Client,
        request: &'a GrantRequest,
        user: &'a dyn Interaction,
    ) -> LocalFuture<'a, Result<Obtained, Error>>;

    /// Shows the person what to do and returns; [`complete`](Self::complete) does the rest, in another process as well.
    ///
    /// # Errors
    /// [`Error::OneCall`] where the grant cannot; why nothing could be begun.
    fn begin<'a>(
        &'a self,
        client: &'a Client,
        request: &'a GrantRequest,
        user: &'a dyn Interaction,
    ) -> LocalFuture<'a, Result<Begun, Error>> {
        let _ = (client, request, user);
        Box::pin(async { Err(Error::OneCall { grant: self.name().to_owned() }) })
    }

    /// Obtains tokens for what was begun with the same client and request. `answer` is what the person brings back, if
    /// the grant takes anything.
    ///
    /// # Errors
    /// As [`obtain`](Self::obtain).
    fn complete<'a>(
        &'a self,
        client: &'a Client,
        request: &'a GrantRequest,
        begun: &'a Begun,
        answer: Option<&'a Secret>,
        user: &'a dyn Interaction,
    ) -> LocalFuture<'a, Result<Obtained, Error>> {
        let _ = (client, request, begun, answer, user);
        Box::pin(async { Err(Error::OneCall { grant: self.name().to_owned() }) })
    }
}

/// Something that a grant needs beyond the client.
#[derive(Debug)]
pub struct Input {
    /// The entry's key.
    pub key: &'static str,
    /// One line.
    pub summary: &'static str,
    /// Whether it must not be seen.
    pub is_secret: bool,
    /// Whether the grant cannot begin without it.
    pub is_required: bool,
}

/// The grants there are; a server may know others by their URI.
pub static GRANTS: &[&dyn Grant] = &[
    &authorization_code::AuthorizationCode,
    &device_code::DeviceCode,
    &client_credentials::ClientCredentials,
    &jwt_bearer::JwtBearer,
    &saml2_bearer::Saml2Bearer,
    &token_exchange::TokenExchange,
    &ciba::Ciba,
    &password::Password,
    &oauth1::OAuth1,
];

/// A grant that was found by its name.
pub enum Found {
    /// One of [`GRANTS`].
    Known(&'static dyn Grant),
    /// One that only its URI is known of.
    Extension(extension::Extension),
}

impl Deref for Found {
    type Target = dyn Grant;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Known(grant) => *grant,
            Self::Extension(grant) => grant,
        }
    }
}

/// The grant called `name`.
pub fn find(name: &str) -> Option<Found> {
    let known = GRANTS.iter().copied().find(|grant| grant.name() == name);
    known.map(Found::Known).or_else(|| extension::Extension::new(name).map(Found::Extension))
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct GrantRequest {
    /// Scopes.
    pub scopes: Vec<String>,
    /// Whether the scopes were given for this one request, so that none is added to them.
    pub scopes_are_final: bool,
    /// Resource indicators (RFC 8707).
    pub resources: Vec<String>,
    /// The provider-specific audience.
    pub audience: Option<String>,
    /// Further authorization parameters.
    pub params: Vec<(String, String)>,
    /// A fixed port for the redirect.
    pub port: Option<u16>,
    /// The whole redirect URI.
    pub redirect_uri: Option<String>,
    /// Whom it is for, where the server was found from that.
    pub whom: Option<Whom>,
    /// How long a person is waited for.
    pub timeout: Duration,
    /// Seconds by which clocks may differ.
    pub clock_tolerance: u64,
}

/// Tokens that passed every check, and the page that still waits to tell the person so.
#[derive(Debug)]
pub struct Obtained {
    /// What was issued.
    pub tokens: TokenSet,
    /// The validated ID token, where one was asked for.
    pub id_token: Option<IdToken>,
    /// What a person should know.
    pub remarks: Vec<Remark>,
    /// The browser's last page.
    pub page: Page,
}

/// The page in the browser that tells the outcome once it is known, if there is one.
#[derive(Debug, Default)]
pub struct Page(Option<Loopback>);

impl Page {
    /// The page of a listener that took the redirect.
    pub(crate) fn of(loopback: Loopback) -> Self {
        Self(Some(loopback))
    }

    /// Shows the outcome and closes the listener.
    pub async fn finish(self, outcome: Outcome) {
        if let Some(loopback) = self.0 {
            loopback.finish(outcome).await;
        }
    }
}

/// How a grant reaches a person.
pub trait Interaction: Send + Sync {
    /// Shows the person an address and opens it; `redirect_uri` is where the browser comes back to.
    fn visit<'a>(&'a self, url: &'a Url, redirect_uri: &'a str) -> LocalFuture<'a, Result<(), Error>>;

    /// Shows the person a code to enter elsewhere, for which `ends_in` is left, and opens the page for it where that
    /// helps; never before the code can be seen.
    fn show_code<'a>(&'a self, code: &'a UserCode, ends_in: Duration) -> LocalFuture<'a, Result<(), Error>> {
        let _ = (code, ends_in);
        Box::pin(async { Err(Error::Unattended) })
    }

    /// Tells that the person is waited for.
    fn waiting(&self, how_long: Duration);

    /// Tells at once that a redirect without our `state` came and was refused.
    fn refused(&self);

    /// Tells what a person should know but cannot change.
    fn remark(&self, text: &str);

    /// What the person pastes: the address of the page the browser ended on, or a code where that is shown. Never ends
    /// where nobody can paste.
    fn pasted(&self) -> LocalFuture<'_, Secret>;

    /// Whether anybody can paste.
    fn can_paste(&self) -> bool;

    /// Ends when nobody waits for the login any more.
    fn abandoned(&self) -> LocalFuture<'_, ()> {
        Box::pin(pending())
    }
}

/// Nobody: every grant that needs a person fails at once.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unattended;

impl Interaction for Unattended {
    fn visit<'a>(&'a self, _: &'a Url, _: &'a str) -> LocalFuture<'a, Result<(), Error>> {
        Box::pin(async { Err(Error::Unattended) })
    }

    fn waiting(&self, _: Duration) {}

    fn refused(&self) {}

    fn remark(&self, _: &str) {}

    fn pasted(&self) -> LocalFuture<'_, Secret> {
        Box::pin(pending())
    }

    fn can_paste(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::GRANTS;

    #[test]
    fn grants_have_distinct_names_short_summaries_and_a_specification() {
        for (at, grant) in GRANTS.iter().enumerate() {
            assert!(GRANTS[..at].iter().all(|other| other.name() != grant.name()), "{}", grant.name());
            assert!(grant.summary().len() <= 80 && !grant.summary().is_empty(), "{}", grant.summary());
            assert!(grant.specification().contains("RFC") || grant.specification().contains("OpenID"));
        }
    }
}
