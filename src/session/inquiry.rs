//! Whether the server still accepts a session's token: introspection where it is offered, else userinfo.
//!
//! Nothing is renewed and nothing kept: whoever asks learns, and the session stays as it is.

use serde_json::{Map, Value};
use url::Url;

use super::{Error, Session};
use crate::client::{self, Client, Place, Repetition};
use crate::grant::{self, identity};
use crate::protocol::introspection::{self, Answer, Form, Introspection, Rules};
use crate::protocol::jose::Algorithm;
use crate::protocol::revocation::TokenTypeHint;
use crate::protocol::token::TokenType;
use crate::protocol::{self, userinfo};
use crate::secret::Secret;

/// Who was asked, and what the answer says.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Finding {
    /// The introspection endpoint, about this token.
    Introspected(TokenTypeHint, Introspection),
    /// The userinfo endpoint took the access token and said this.
    Userinfo(Map<String, Value>),
    /// The userinfo endpoint took the access token, but it is not for asking there (RFC 6750 §3.1).
    InsufficientScope,
    /// The userinfo endpoint refused the access token, with this error code if with any.
    Refused(Option<String>),
    /// The access token has ended, and the server lets nobody ask about the refresh token.
    Ended,
}

impl Finding {
    /// Whether the server accepts the token that it was asked about; `None` when that is not known.
    pub fn is_accepted(&self) -> Option<bool> {
        match self {
            Self::Introspected(_, told) => Some(told.active),
            Self::Userinfo(_) | Self::InsufficientScope => Some(true),
            Self::Refused(_) => Some(false),
            Self::Ended => None,
        }
    }
}

/// Asks the server about the session's tokens: about the access token while it is good here, and about the refresh token
/// once it is not, or once the server does not accept it any more. The last answer is the one that counts, and comes last.
///
/// # Errors
/// [`Error::Moved`] when the server is another one than at the login, with nothing sent; [`client::Error::Lacks`] inside
/// where there is nobody to ask; why there is no answer, or none that may be used.
///
/// # Specification
/// RFC 7662 §2; OpenID Connect Core §5.3.
pub async fn ask(session: &Session, client: &Client, clock_tolerance: u64) -> Result<Vec<Finding>, Error> {
    let now = client.system().clock.seconds();
    let ended = session.tokens.expires_at.is_some_and(|end| end <= now);
    super::binding::check(session, client).await?;
    let Some(endpoint) = introspection_endpoint(session, client).await? else {
        return if ended { Ok(vec![Finding::Ended]) } else { by_userinfo(session, client, clock_tolerance).await };
    };
    let inquiry = Inquiry { session, client, endpoint, clock_tolerance };
    match inquiry.both(ended).await {
        // Who may introspect is the server's choice; a token may always be used for what it is for.
        Err(error) if is_refusal(&error) && !ended => match by_userinfo(session, client, clock_tolerance).await {
            Err(Error::Grant(grant::Error::Client(client::Error::Lacks { .. }))) => Err(error.into()),
            outcome => outcome,
        },
        outcome => Ok(outcome?),
    }
}

/// The endpoint, unless the server names one elsewhere than where the tokens came from: only the entry may do that.
async fn introspection_endpoint(session: &Session, client: &Client) -> Result<Option<Url>, Error> {
    if session.tokens.token_type == TokenType::OAuth1 || session.binding.client_id.is_empty() {
        return Ok(None);
    }
    let endpoint = client.endpoint(Place::Introspection, &session.tokens.kept).await.map_err(grant::Error::from)?;
    let by_entry = client.provider().introspection_endpoint.is_some();
    let known = [Some(&session.binding.token_endpoint), session.binding.issuer.as_ref()];
    let is_known = |url: &Url| {
        known.into_iter().flatten().filter_map(|text| Url::parse(text).ok()).any(|known| known.origin() == url.origin())
    };
    Ok(endpoint.filter(|url| by_entry || is_known(url)))
}

struct Inquiry<'a> {
    session: &'a Session,
    client: &'a Client,
    endpoint: Url,
    clock_tolerance: u64,
}

impl Inquiry<'_> {
    async fn both(&self, ended: bool) -> Result<Vec<Finding>, grant::Error> {
        let tokens = &self.session.tokens;
        let mut findings = Vec::new();
        if !ended || tokens.refresh_token.is_none() {
            findings.push(self.about(&tokens.access_token, TokenTypeHint::AccessToken).await?);
        }
        let is_dead = findings.last().is_none_or(|finding| finding.is_accepted() == Some(false));
        if let Some(refresh_token) =
            tokens.refresh_token.as_ref().filter(|token| is_dead && **token != tokens.access_token)
        {
            findings.push(self.about(refresh_token, TokenTypeHint::RefreshToken).await?);
        }
        Ok(findings)
    }

    async fn about(&self, token: &Secret, hint: TokenTypeHint) -> Result<Finding, grant::Error> {
        let client = self.client;
        let configured = client.provider().introspection_signed_response_alg.as_deref();
        let form = if configured.is_some() { Form::Signed } else { Form::Json };
        let request = introspection::request(self.endpoint.clone(), token, hint, form);
        let response = client.send(request, Repetition::OnceMore).await?;
        let now = client.system().clock.seconds();
        let secrets = || [Some(token), client.secret()].into_iter().flatten();
        let told = match introspection::read(&response, form, now).map_err(|error| error.without(secrets()))? {
            Answer::Plain(told) => told,
            Answer::Signed(jws) => {
                let verified = client.verify_signed(&jws, configured.and_then(Algorithm::parse)).await?;
                let server = client.server().await?;
                let lacks = || client::Error::Lacks { provider: client.provider().id.clone(), what: "issuer" };
                let issuer = server.issuer.as_deref().ok_or_else(lacks)?;
                let client_id = client.client_id();
                Rules { issuer, client_id, tolerance: self.clock_tolerance, now }.accept(verified)?
            }
        };
        Ok(Finding::Introspected(hint, told))
    }
}

/// Whether the server said that this client may not ask.
fn is_refusal(error: &grant::Error) -> bool {
    match error {
        grant::Error::Protocol(protocol::Error::Server(_)) => true,
        grant::Error::Protocol(protocol::Error::Status { status, .. }) => (400..500).contains(status),
        _ => false,
    }
}

async fn by_userinfo(session: &Session, client: &Client, clock_tolerance: u64) -> Result<Vec<Finding>, Error> {
    let about = session.identity.as_ref().map(|identity| (identity.issuer.as_str(), identity.subject.as_str()));
    let answer = identity::userinfo(client, &session.tokens, about, clock_tolerance).await;
    let finding = match answer {
        Ok(Some(claims)) => Finding::Userinfo(claims),
        Ok(None) => {
            let what = "introspection_endpoint and no userinfo_endpoint";
            return Err(
                grant::Error::from(client::Error::Lacks { provider: client.provider().id.clone(), what }).into()
            );
        }
        Err(grant::Error::Protocol(protocol::Error::Userinfo(userinfo::Error::Status { status: 401, error }))) => {
            Finding::Refused(error)
        }
        Err(grant::Error::Protocol(protocol::Error::Userinfo(userinfo::Error::Status { status: 403, error })))
            if error.as_deref() == Some("insufficient_scope") =>
        {
            Finding::InsufficientScope
        }
        // Down, and not a word about the token.
        Err(grant::Error::Protocol(protocol::Error::Userinfo(userinfo::Error::Status { status, .. })))
            if status == 429 || status >= 500 =>
        {
            let down = protocol::Error::Unavailable { endpoint: "userinfo endpoint", status, retry_after: None };
            return Err(grant::Error::from(down).into());
        }
        Err(error) => return Err(error.into()),
    };
    Ok(vec![finding])
}
