//! Tokens that are encrypted for this client.

use std::borrow::Cow;

use super::{Client, Error};
use crate::protocol::jose::{Jwe, KeyManagement};
use crate::protocol::{self, http};
use crate::registry::Provider;
use crate::secret::Secret;
use crate::system::http::Response;

/// What may come encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sealed {
    /// ID tokens (OpenID Connect Core §2).
    IdToken,
    /// Userinfo answers (OpenID Connect Core §5.3.2).
    Userinfo,
    /// Authorization responses (JARM §2.2).
    Response,
}

impl Sealed {
    const ALL: [Self; 3] = [Self::IdToken, Self::Userinfo, Self::Response];

    /// All algorithms that the entry says something comes encrypted with.
    pub(super) fn algorithms(provider: &Provider) -> impl Iterator<Item = KeyManagement> {
        Self::ALL.into_iter().filter_map(|what| what.algorithm(provider))
    }

    /// The algorithm that the entry says the server encrypts with.
    fn algorithm(self, provider: &Provider) -> Option<KeyManagement> {
        let name = match self {
            Self::IdToken => &provider.id_token_encrypted_response_alg,
            Self::Userinfo => &provider.userinfo_encrypted_response_alg,
            Self::Response => &provider.authorization_encrypted_response_alg,
        };
        name.as_deref().and_then(KeyManagement::parse)
    }
}

impl Client {
    /// What is inside of a token where the entry says that it comes encrypted; otherwise the token as it is.
    ///
    /// # Errors
    /// [`protocol::Error::Signature`] inside for a token that is not encrypted as the entry says, or not for this client.
    ///
    /// # Specification
    /// OpenID Connect Core §3.1.3.7 (1), §10.2, §16.14 (signed, then encrypted).
    pub fn decrypted<'a>(&self, token: &'a str, what: Sealed) -> Result<Cow<'a, str>, Error> {
        let Some(algorithm) = what.algorithm(&self.provider) else { return Ok(token.into()) };
        let opened = Jwe::parse(token, algorithm).map_err(protocol::Error::from)?;
        let lacks = || Error::Lacks { provider: self.provider.id.clone(), what: "decryption_key" };
        let key = self.credentials.decrypter.as_ref().ok_or_else(lacks)?;
        let opened: Secret = opened.decrypt(key).map_err(protocol::Error::from)?;
        Ok(Cow::Owned(opened.expose().to_owned()))
    }

    /// As [`decrypted`](Self::decrypted), for a userinfo answer, whose media type then says what was inside.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Specification
    /// OpenID Connect Core §5.3.2: an encrypted answer holds a signed token, or the claims themselves.
    pub fn decrypted_userinfo(&self, mut answer: Response) -> Result<Response, Error> {
        if Sealed::Userinfo.algorithm(&self.provider).is_none() || answer.status() != ::http::StatusCode::OK {
            return Ok(answer);
        }
        let token = String::from_utf8_lossy(answer.body()).trim_end().to_owned();
        let opened = self.decrypted(&token, Sealed::Userinfo)?;
        let kind = if opened.trim_start().starts_with('{') { "application/json" } else { "application/jwt" };
        let (name, value) = http::header("content-type", kind)?;
        answer.headers_mut().insert(name, value);
        *answer.body_mut() = opened.into_owned().into_bytes();
        Ok(answer)
    }
}
