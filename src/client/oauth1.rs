//! A client of an OAuth 1.0 server: what it signs by, and the one place that sends what is signed.

use std::sync::atomic::{AtomicI64, Ordering};

use url::Url;

use super::{Client, Error, SecretStore, read_key};
use crate::protocol;
use crate::protocol::call::{Body, Call};
use crate::protocol::oauth1::{Consumer, Credentials, Fresh, PrivateKey, Signing, header, problem};
use crate::protocol::presentation::Presentation;
use crate::protocol::token::{TokenSet, TokenType};
use crate::registry::Provider;
use crate::registry::words::{Protocol, SignatureMethod};
use crate::secret::Secret;
use crate::system;
use crate::system::http::{Request, Response};
use crate::system::{System, random};

/// How often a request is signed and sent again when no connection could be made.
const RETRIES: u32 = 2;

/// What is particular to OAuth 1.0.
#[derive(Debug)]
pub(super) struct OAuth1 {
    consumer: Consumer,
    /// Seconds by which the server's clock is ahead, as far as it has said so.
    ahead: AtomicI64,
}

/// An answer, and what was learned about the clock on the way.
#[derive(Debug)]
pub struct Signed {
    /// The answer.
    pub response: Response,
    /// Seconds by which the server's clock is ahead of this machine's, where this very request had to be repeated for it.
    pub skew: Option<i64>,
}

impl OAuth1 {
    /// What the entry signs by; `None` for other protocols. `secret` is the client's.
    pub(super) fn new(
        provider: &Provider,
        client_id: &str,
        secret: Option<&Secret>,
        system: &System,
        secrets: &dyn SecretStore,
    ) -> Result<Option<Self>, Error> {
        if provider.protocol != Protocol::OAuth1 {
            return Ok(None);
        }
        let method = provider.signature_method;
        let lacks = |what: &str| Error::NoSecret {
            provider: provider.id.clone(),
            reason: format!("`{}` needs {what}, and the entry names none", method.word()),
        };
        let shared = || secret.cloned().ok_or_else(|| lacks("a `client_secret`"));
        let key = || -> Result<PrivateKey, Error> {
            let source = provider.private_key.as_ref().ok_or_else(|| lacks("a `private_key`"))?;
            let pem = read_key(provider, source, system, secrets)?;
            Ok(PrivateKey::from_pem(pem.expose()).map_err(protocol::Error::from)?)
        };
        let signing = match method {
            SignatureMethod::HmacSha1 => Signing::HmacSha1(shared()?),
            SignatureMethod::HmacSha256 => Signing::HmacSha256(shared()?),
            SignatureMethod::Plaintext => Signing::Plaintext(shared()?),
            SignatureMethod::RsaSha256 => Signing::RsaSha256(key()?),
            #[cfg(feature = "rsa-sha1")]
            SignatureMethod::RsaSha1 => Signing::RsaSha1(key()?),
            #[cfg(not(feature = "rsa-sha1"))]
            SignatureMethod::RsaSha1 => {
                let key = format!("signature_method = \"{}\"", method.word());
                return Err(Error::Unsupported { provider: provider.id.clone(), key });
            }
        };
        let consumer = Consumer { key: client_id.to_owned(), signing, realm: provider.realm.clone() };
        Ok(Some(Self { consumer, ahead: AtomicI64::new(0) }))
    }
}

impl Client {
    /// What signs this client's requests, where its protocol is OAuth 1.0.
    pub fn consumer(&self) -> Option<&Consumer> {
        self.oauth1.as_ref().map(|oauth1| &oauth1.consumer)
    }

    /// A nonce and a timestamp for one request; the server's time where it has told that ours is wrong.
    ///
    /// # Errors
    /// Without randomness.
    ///
    /// # Specification
    /// RFC 5849 §3.3. Hexadecimal, because some servers take nothing but letters and digits.
    pub fn fresh(&self) -> Result<Fresh, Error> {
        let nonce = random::bytes::<16>()?.iter().map(|byte| format!("{byte:02x}")).collect();
        let ahead = self.oauth1.as_ref().map_or(0, |oauth1| oauth1.ahead.load(Ordering::Relaxed));
        Ok(Fresh { timestamp: self.system.clock.seconds().saturating_add(ahead), nonce })
    }

    /// How `tokens` are put on requests.
    ///
    /// # Errors
    /// [`Error::Lacks`] for tokens of OAuth 1.0 whose secret is missing, or whose entry has become another protocol's.
    pub fn presentation<'a>(&'a self, tokens: &'a TokenSet) -> Result<Presentation<'a>, Error> {
        let lacks = |what| Error::Lacks { provider: self.provider.id.clone(), what };
        match tokens.token_type {
            TokenType::Bearer | TokenType::NotApplicable => Ok(Presentation::Bearer(&tokens.access_token)),
            // Its proof is for one address and made with what that one's server wants to see: `Prover::headers`.
            TokenType::DPoP => Err(lacks("address to prove the key to")),
            TokenType::OAuth1 => Ok(Presentation::OAuth1 {
                consumer: self.consumer().ok_or_else(|| lacks("protocol = \"oauth1\""))?,
                credentials: credentials(tokens).ok_or_else(|| lacks("token secret"))?,
            }),
        }
    }

    /// Signs `request`, sends it and returns whatever the server answers. Each try is signed anew; one more is made with
    /// the server's time when it refuses ours.
    ///
    /// # Errors
    /// Why there is no answer; [`Error::Lacks`] for another protocol's client.
    pub async fn send_signed(
        &self,
        request: Request,
        credentials: Option<&Credentials>,
        extra: &[(&'static str, &str)],
    ) -> Result<Signed, Error> {
        let (response, sent) = self.sign_and_send(&request, credentials, extra).await?;
        let Some(ahead) = self.learn_time(&response, sent) else { return Ok(Signed { response, skew: None }) };
        let (response, _) = self.sign_and_send(&request, credentials, extra).await?;
        Ok(Signed { response, skew: Some(ahead) })
    }

    /// Takes the server's time for all that follows where `response` refuses the timestamp `sent` and tells a better one:
    /// by how many seconds it is ahead.
    pub fn learn_time(&self, response: &Response, sent: i64) -> Option<i64> {
        let ahead = problem::server_time(response, sent)?.saturating_sub(self.system.clock.seconds());
        if let Some(oauth1) = &self.oauth1 {
            oauth1.ahead.store(ahead, Ordering::Relaxed);
        }
        Some(ahead)
    }

    /// The answer, and the timestamp that was sent.
    async fn sign_and_send(
        &self,
        request: &Request,
        credentials: Option<&Credentials>,
        extra: &[(&'static str, &str)],
    ) -> Result<(Response, i64), Error> {
        let what = "protocol = \"oauth1\"";
        let consumer = self.consumer().ok_or_else(|| Error::Lacks { provider: self.provider.id.clone(), what })?;
        let mut left = RETRIES;
        loop {
            let fresh = self.fresh()?;
            let mut signed = request.clone();
            let value = {
                let url = Url::parse(&request.uri().to_string()).map_err(|error| protocol::Error::Parameter {
                    name: "request".into(),
                    reason: error.to_string(),
                })?;
                let call = Call { method: request.method(), url: &url, body: Body::of(request) };
                header::authorization(consumer, credentials, extra, &call, &fresh)?
            };
            signed.headers_mut().insert(http::header::AUTHORIZATION, value);
            match self.system.http.send(signed).await {
                Err(system::Error::Unreachable { unsent: true, .. }) if left > 0 => left -= 1,
                outcome => return Ok((outcome?, fresh.timestamp)),
            }
        }
    }
}

/// Token and secret of OAuth 1.0 tokens.
pub fn credentials(tokens: &TokenSet) -> Option<Credentials> {
    Some(Credentials { token: tokens.access_token.clone(), secret: tokens.token_secret.clone()? })
}
