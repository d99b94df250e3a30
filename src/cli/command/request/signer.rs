//! What signs a request where the token alone proves nothing (OAuth 1.0).

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use keyfob::client::{Client, Freshness};
use keyfob::grant;
use keyfob::protocol::call::Call;
use keyfob::session::index::Entry;
use keyfob::session::{Session, binding};

use crate::cli::context::Context;
use crate::cli::report::Failure;

/// A session whose requests are signed, and its client.
pub struct Signer {
    session: Session,
    client: Client,
    /// The timestamp of the last request.
    sent: i64,
}

impl Signer {
    /// The signer of a stored session, which must still be the one that its entry describes.
    ///
    /// # Errors
    /// A session that cannot be read; a client without its secret; an entry that leads elsewhere now.
    pub async fn of(context: &Context, entry: &Entry) -> Result<Self, Failure> {
        let session = context.keeper_of(entry)?.load(&entry.key)?;
        let definition = context.definition_of(&session)?;
        let client = context.client(&definition, Freshness::Kept)?;
        binding::check(&session, &client).await?;
        Ok(Self { session, client, sent: 0 })
    }

    /// The headers that present the token with this one request: each one, a repeated one too, has its own.
    ///
    /// # Errors
    /// A request that must not be signed.
    ///
    /// # Specification
    /// RFC 5849 §3.
    pub fn headers(&mut self, call: &Call<'_>) -> Result<Vec<(HeaderName, HeaderValue)>, Failure> {
        let presentation = self.client.presentation(&self.session.tokens).map_err(grant::Error::from)?;
        let fresh = self.client.fresh().map_err(grant::Error::from)?;
        self.sent = fresh.timestamp;
        Ok(presentation.headers(call, &fresh)?)
    }

    /// Whether an answer's head refuses the last timestamp and tells the server's time, which is used from then on: by how
    /// many seconds that is ahead.
    pub fn learn_time(&self, status: StatusCode, headers: &HeaderMap) -> Option<i64> {
        let mut head = keyfob::system::http::Response::new(Vec::new());
        (*head.status_mut(), *head.headers_mut()) = (status, headers.clone());
        self.client.learn_time(&head, self.sent)
    }
}
