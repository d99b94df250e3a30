//! A session as it is written down.
//!
//! JSON with a version: text, because one keyring stores nothing else, and readable by a later program that knows more.
//! Unknown members of the same version are ignored, so that two versions of the program can use one store. Where the
//! bytes lie and how they are protected is the store's affair.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::{Zeroize, Zeroizing};

use super::{Binding, Error, Identity, Override, Profile, Session, SessionKey, Trouble};
use crate::protocol::token::{TokenSet, TokenType};
use crate::secret::Secret;

/// The version that is written. A change that an older program would misunderstand raises it.
pub const VERSION: u64 = 1;

/// The members, in their order. It has no `Debug`: some of them are secrets.
#[derive(Serialize, Deserialize)]
struct Wire<'a> {
    version: u64,
    session: SessionKey,
    access_token: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token_secret: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proof_key: Option<Cow<'a, str>>,
    token_type: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_expires_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id_token: Option<Cow<'a, str>>,
    #[serde(default)]
    scopes: Cow<'a, [String]>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    kept: Map<String, Value>,
    binding: Cow<'a, Binding>,
    grant: Cow<'a, str>,
    #[serde(default)]
    requested_scopes: Cow<'a, [String]>,
    #[serde(default)]
    resources: Cow<'a, [String]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    audience: Option<Cow<'a, str>>,
    #[serde(default)]
    profile: Cow<'a, Profile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identity: Option<Cow<'a, Identity>>,
    created_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refreshed_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trouble: Option<Cow<'a, Trouble>>,
    #[serde(default)]
    waivers: Cow<'a, [String]>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    overrides: Vec<WireOverride<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<Cow<'a, str>>,
    #[serde(default)]
    generation: Cow<'a, str>,
}

/// One of the overrides.
#[derive(Serialize, Deserialize)]
pub(super) struct WireOverride<'a> {
    key: Cow<'a, str>,
    value: Cow<'a, str>,
    #[serde(default)]
    secret: bool,
}

/// What is understood of every version.
#[derive(Deserialize)]
struct Head {
    version: u64,
}

/// The bytes to be stored: UTF-8, wiped when dropped.
pub fn to_bytes(session: &Session) -> Zeroizing<Vec<u8>> {
    let Session { tokens, .. } = session;
    let wire = Wire {
        version: VERSION,
        session: session.key.clone(),
        access_token: tokens.access_token.expose().into(),
        token_secret: tokens.token_secret.as_ref().map(|secret| secret.expose().into()),
        proof_key: tokens.proof_key.as_ref().map(|key| key.expose().into()),
        token_type: tokens.token_type.name().into(),
        expires_at: tokens.expires_at,
        refresh_token: tokens.refresh_token.as_ref().map(|token| token.expose().into()),
        refresh_expires_at: tokens.refresh_expires_at,
        id_token: tokens.id_token.as_ref().map(|token| token.expose().into()),
        scopes: tokens.scopes.as_slice().into(),
        kept: tokens.kept.clone(),
        binding: Cow::Borrowed(&session.binding),
        grant: session.grant.as_str().into(),
        requested_scopes: session.requested_scopes.as_slice().into(),
        resources: session.resources.as_slice().into(),
        audience: session.audience.as_deref().map(Cow::from),
        profile: Cow::Borrowed(&session.profile),
        identity: session.identity.as_ref().map(Cow::Borrowed),
        created_at: session.created_at,
        refreshed_at: session.refreshed_at,
        trouble: session.trouble.as_ref().map(Cow::Borrowed),
        waivers: session.waivers.as_slice().into(),
        overrides: session.overrides.iter().map(written).collect(),
        request: session.request.as_deref().map(Cow::from),
        generation: session.generation.as_str().into(),
    };
    serialized(&wire)
}

/// The session in `bytes`, which were found at `place` under the name of `key`.
///
/// # Errors
/// [`Error::NewerVersion`]; [`Error::Corrupt`] for anything that is not a record of this very session.
pub fn from_bytes(bytes: &[u8], key: &SessionKey, place: &str) -> Result<Session, Error> {
    let corrupt = |reason: String| Error::Corrupt { name: key.to_string(), place: place.into(), reason };
    // The parser's own message may quote what it read.
    let unreadable =
        |error: serde_json::Error| corrupt(format!("it is no record of version {VERSION} (column {})", error.column()));
    // A token is handed out before every call of a script: records that begin as ours do are not read twice for it.
    if !bytes.starts_with(b"{\"version\":1,") {
        let Head { version } = serde_json::from_slice(bytes).map_err(unreadable)?;
        match version {
            VERSION => {}
            0 => return Err(corrupt("its version is 0".into())),
            version => return Err(Error::NewerVersion { name: key.to_string(), place: place.into(), version }),
        }
    }
    let wire: Wire<'_> = serde_json::from_slice(bytes).map_err(unreadable)?;
    if wire.session != *key {
        return Err(corrupt(format!("it is the record of `{}`", wire.session)));
    }
    let token_type =
        TokenType::of_record(&wire.token_type).ok_or_else(|| corrupt("its token type is unknown".into()))?;
    Ok(session(wire, token_type))
}

fn session(wire: Wire<'_>, token_type: TokenType) -> Session {
    let secret = |text: Cow<'_, str>| Secret::new(text.into_owned());
    Session {
        key: wire.session,
        tokens: TokenSet {
            access_token: secret(wire.access_token),
            token_secret: wire.token_secret.map(secret),
            proof_key: wire.proof_key.map(secret),
            token_type,
            expires_at: wire.expires_at,
            refresh_token: wire.refresh_token.map(secret),
            refresh_expires_at: wire.refresh_expires_at,
            scopes: wire.scopes.into_owned(),
            id_token: wire.id_token.map(secret),
            kept: wire.kept,
        },
        binding: wire.binding.into_owned(),
        grant: wire.grant.into_owned(),
        requested_scopes: wire.requested_scopes.into_owned(),
        resources: wire.resources.into_owned(),
        audience: wire.audience.map(Cow::into_owned),
        profile: wire.profile.into_owned(),
        identity: wire.identity.map(Cow::into_owned),
        created_at: wire.created_at,
        refreshed_at: wire.refreshed_at,
        trouble: wire.trouble.map(Cow::into_owned),
        waivers: wire.waivers.into_owned(),
        overrides: wire.overrides.into_iter().map(read).collect(),
        request: wire.request.map(Cow::into_owned),
        generation: wire.generation.into_owned(),
    }
}

pub(super) fn written(entry: &Override) -> WireOverride<'_> {
    WireOverride { key: entry.key.as_str().into(), value: entry.value.expose().into(), secret: entry.is_secret }
}

pub(super) fn read(entry: WireOverride<'_>) -> Override {
    let value = Secret::new(entry.value.into_owned());
    Override { key: entry.key.into_owned(), value, is_secret: entry.secret }
}

/// `value` as JSON that leaves no copy behind.
pub(super) fn serialized(value: &impl Serialize) -> Zeroizing<Vec<u8>> {
    let mut buffer = Wiped(Zeroizing::new(Vec::with_capacity(8 * 1024)));
    serde_json::to_writer(&mut buffer, value).expect("records hold only what JSON can say");
    buffer.0
}

/// A growing buffer that wipes what it grows out of.
struct Wiped(Zeroizing<Vec<u8>>);

impl Write for Wiped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.capacity() - self.0.len() < bytes.len() {
            let mut larger = Vec::with_capacity((self.0.len() + bytes.len()) * 2);
            larger.extend_from_slice(&self.0);
            self.0.zeroize();
            self.0 = Zeroizing::new(larger);
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::session;
    use super::{Error, from_bytes, to_bytes};
    use crate::secret::Secret;

    fn edited(change: impl FnOnce(&mut Value)) -> (super::SessionKey, Vec<u8>) {
        let session = session("acme/ada");
        let mut value: Value = serde_json::from_slice(&to_bytes(&session)).unwrap();
        change(&mut value);
        (session.key, serde_json::to_vec(&value).unwrap())
    }

    #[test]
    fn a_session_is_read_as_it_was_written() {
        let mut session = session("acme/ada");
        session.tokens.access_token = Secret::new("é\"\\\n\u{1}".repeat(16 * 1024));
        session.tokens.proof_key = Some(Secret::new("key-CANARY"));
        session.binding.jkt = Some("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I".into());
        session.tokens.kept.insert("team".into(), json!({"id": "T1"}));

        let read = from_bytes(&to_bytes(&session), &session.key, "a test").unwrap();

        assert_eq!(read, session);
    }

    #[test]
    fn members_that_are_not_known_are_ignored() {
        let (key, bytes) = edited(|value| value["later"] = json!([1, {}]));

        assert_eq!(from_bytes(&bytes, &key, "a test").unwrap(), session("acme/ada"));
    }

    #[test]
    fn a_newer_version_is_refused_whatever_else_it_holds() {
        let (key, bytes) = edited(|value| *value = json!({"version": 999, "access_token": {}}));

        assert!(matches!(from_bytes(&bytes, &key, "a test"), Err(Error::NewerVersion { version: 999, .. })));
    }

    #[test]
    fn the_record_of_another_session_is_refused() {
        let (key, bytes) = edited(|value| value["session"] = json!("acme/eve"));

        assert!(matches!(from_bytes(&bytes, &key, "a test"), Err(Error::Corrupt { .. })));
    }

    #[test]
    fn what_is_no_record_is_damage_and_is_not_quoted() {
        let key = session("acme/ada").key;
        let mistyped = edited(|value| value["created_at"] = json!("CANARY")).1;
        let unknown = edited(|value| value["token_type"] = json!("CANARY")).1;
        let whole = to_bytes(&session("acme/ada"));
        let torn = (0..whole.len()).map(|end| whole[..end].to_vec());

        for bytes in
            [b"{".to_vec(), b"\xff\0".to_vec(), b"{\"version\":0}".to_vec(), mistyped, unknown].into_iter().chain(torn)
        {
            let error = from_bytes(&bytes, &key, "a test").unwrap_err();

            assert!(matches!(error, Error::Corrupt { .. }));
            assert!(!format!("{error:?}").contains("CANARY"));
        }
    }
}
