//! What the server remembers: open questions, codes, grants and tokens.
//!
//! Codes and tokens are kept as digests: looking one up takes no time that tells anything, and nothing that could be
//! used lies in memory. The time is handed in, in seconds since 1970.

use std::collections::HashMap;

use keyfob::system::{Error, random};
use ring::digest::{SHA256, digest};

use super::keys::sha256_text;
use super::scope::Scope;
use super::server::Refusal;

/// Seconds a consent page waits for its answer.
const QUESTION_LIFE: i64 = 600;
/// Pages that wait at once; the oldest makes room. Anybody on the machine can ask for one.
const QUESTION_LIMIT: usize = 64;
/// Seconds a code can be redeemed; RFC 6749 §4.1.2 recommends ten minutes at most.
const CODE_LIFE: i64 = 60;
/// Seconds an access token is good for.
pub(super) const ACCESS_LIFE: i64 = 300;

type Digest = [u8; 32];

/// An authorization request that was found right.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) redirect_uri: String,
    pub(super) challenge: String,
    pub(super) scope: Scope,
    pub(super) state: String,
    pub(super) nonce: Option<String>,
    pub(super) asked_at: i64,
}

/// What the person allowed; its tokens are a family that ends as one.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) scope: Scope,
    pub(super) nonce: Option<String>,
    pub(super) auth_time: i64,
    revoked: bool,
}

/// The place of a [`Grant`] in the state.
pub(super) type GrantId = usize;

/// Tokens newly issued, the only time they are in the clear.
pub(super) struct Issued {
    pub(super) access_token: String,
    pub(super) refresh_token: Option<String>,
    pub(super) scope: Scope,
}

struct Code {
    grant: GrantId,
    redirect_uri: String,
    challenge: String,
    issued_at: i64,
    redeemed: bool,
}

struct AccessToken {
    grant: GrantId,
    scope: Scope,
    expires_at: i64,
}

struct RefreshToken {
    grant: GrantId,
    used: bool,
}

/// All of it.
#[derive(Default)]
pub(super) struct State {
    questions: HashMap<String, Question>,
    codes: HashMap<Digest, Code>,
    grants: Vec<Grant>,
    access_tokens: HashMap<Digest, AccessToken>,
    refresh_tokens: HashMap<Digest, RefreshToken>,
}

impl State {
    /// Remembers `question` and names it for its page.
    pub(super) fn ask(&mut self, question: Question) -> Result<String, Error> {
        let now = question.asked_at;
        self.questions.retain(|_, open| now - open.asked_at < QUESTION_LIFE);
        if self.questions.len() >= QUESTION_LIMIT {
            let oldest = self.questions.iter().min_by_key(|(_, open)| open.asked_at).map(|(id, _)| id.clone());
            self.questions.remove(&oldest.unwrap_or_default());
        }
        let transaction = random::text::<32>()?;
        self.questions.insert(transaction.clone(), question);
        Ok(transaction)
    }

    /// Takes the question named `transaction`, which can be answered once.
    pub(super) fn take(&mut self, transaction: &str, now: i64) -> Option<Question> {
        self.questions.remove(transaction).filter(|open| now - open.asked_at < QUESTION_LIFE)
    }

    /// Grants what `question` asked for; returns the code.
    pub(super) fn allow(&mut self, question: Question, now: i64) -> Result<String, Error> {
        let code = random::text::<32>()?;
        let Question { redirect_uri, challenge, scope, nonce, .. } = question;
        let grant = self.grants.len();
        self.grants.push(Grant { scope, nonce, auth_time: now, revoked: false });
        self.codes.insert(key(&code), Code { grant, redirect_uri, challenge, issued_at: now, redeemed: false });
        Ok(code)
    }

    /// Redeems a code. Any attempt uses it up; a second one ends the tokens of the first.
    ///
    /// # Specification
    /// RFC 6749 §4.1.2 (used twice), §4.1.3 (`redirect_uri`); RFC 7636 §4.6 (verifier).
    pub(super) fn redeem(
        &mut self,
        code: &str,
        redirect_uri: &str,
        verifier: &str,
        now: i64,
    ) -> Result<GrantId, Refusal> {
        let Some(code) = self.codes.get_mut(&key(code)) else {
            return Err(Refusal::grant("the code is unknown"));
        };
        if code.redeemed {
            self.grants[code.grant].revoked = true;
            return Err(Refusal::grant("the code was used before; its tokens are revoked"));
        }
        code.redeemed = true;
        if now - code.issued_at >= CODE_LIFE {
            return Err(Refusal::grant("the code has expired"));
        }
        if code.redirect_uri != redirect_uri {
            return Err(Refusal::grant("redirect_uri is not the one of the authorization request"));
        }
        if code.challenge != sha256_text(verifier.as_bytes()) {
            return Err(Refusal::grant("code_verifier does not match the code_challenge"));
        }
        Ok(code.grant)
    }

    /// Uses a refresh token up; returns what it belongs to and the scope of the access token to come. A second use, by
    /// whomever, ends the family.
    ///
    /// # Specification
    /// RFC 6749 §6 (scope); RFC 9700 §4.14.2 (rotation).
    pub(super) fn refresh(&mut self, token: &str, scope: Option<&Scope>) -> Result<(GrantId, Scope), Refusal> {
        let Some(known) = self.refresh_tokens.get_mut(&key(token)) else {
            return Err(Refusal::grant("the refresh token is unknown"));
        };
        let grant = &mut self.grants[known.grant];
        if known.used {
            grant.revoked = true;
            return Err(Refusal::grant("the refresh token was used before; its family is revoked"));
        }
        if grant.revoked {
            return Err(Refusal::grant("the refresh token is revoked"));
        }
        let scope = scope.unwrap_or(&grant.scope);
        if !scope.within(&grant.scope) {
            return Err(Refusal::new("invalid_scope", "scope exceeds what was granted"));
        }
        known.used = true;
        Ok((known.grant, scope.clone()))
    }

    /// Issues an access token with `scope`, and a refresh token where the grant has `offline_access`.
    pub(super) fn issue(&mut self, grant: GrantId, scope: Scope, now: i64) -> Result<Issued, Error> {
        let access_token = random::text::<32>()?;
        let offline = self.grants[grant].scope.has("offline_access");
        let refresh_token = if offline { Some(random::text::<32>()?) } else { None };
        self.access_tokens.retain(|_, token| now < token.expires_at);
        let kept = AccessToken { grant, scope: scope.clone(), expires_at: now + ACCESS_LIFE };
        self.access_tokens.insert(key(&access_token), kept);
        if let Some(token) = &refresh_token {
            self.refresh_tokens.insert(key(token), RefreshToken { grant, used: false });
        }
        Ok(Issued { access_token, refresh_token, scope })
    }

    /// What the person allowed.
    pub(super) fn grant(&self, id: GrantId) -> &Grant {
        &self.grants[id]
    }

    /// The scope of an access token that is good at `now`.
    pub(super) fn access(&self, token: &str, now: i64) -> Option<&Scope> {
        let known = self.access_tokens.get(&key(token))?;
        (now < known.expires_at && !self.grants[known.grant].revoked).then_some(&known.scope)
    }

    /// Revokes an access token, or a refresh token with its whole family; an unknown one is none already (RFC 7009 §2.2).
    pub(super) fn revoke(&mut self, token: &str) {
        let key = key(token);
        self.access_tokens.remove(&key);
        if let Some(known) = self.refresh_tokens.get(&key) {
            self.grants[known.grant].revoked = true;
        }
    }
}

fn key(text: &str) -> Digest {
    let mut key = Digest::default();
    key.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    key
}
