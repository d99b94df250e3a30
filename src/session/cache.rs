//! Access tokens in the kernel's key ring, so that a token asked for again and again costs no keyring access.
//!
//! The key lives as long as the token does, at most an hour, in the memory of the kernel and for the user alone. It never
//! holds a refresh token. Whatever goes wrong here only means that the store is asked; on systems other than Linux there
//! is no such cache.

use std::path::Path;

use super::{Session, SessionKey};
use crate::protocol::token::TokenType;
use crate::secret::Secret;

/// Longest life of a cached token in seconds: a logout elsewhere, which cannot purge this cache, ends it at last.
const LONGEST: i64 = 3600;

/// A token as it was cached.
#[derive(Debug, Clone, PartialEq)]
pub struct Cached {
    /// The access token, byte for byte.
    pub access_token: Secret,
    /// How it is presented.
    pub token_type: TokenType,
    /// Seconds since 1970 at which it ends; unknown when the server did not say.
    pub expires_at: Option<i64>,
    /// The granted scope.
    pub scopes: Vec<String>,
}

/// The cache of the sessions of one state directory.
#[derive(Debug, Clone)]
pub struct TokenCache {
    /// Beginning of each key's description; nothing is cached without.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    prefix: Option<String>,
}

impl TokenCache {
    /// The cache of the sessions in `state_dir`; switched off, it keeps and finds nothing.
    pub fn new(state_dir: &Path, enabled: bool) -> Self {
        let prefix = enabled.then(|| {
            let path = std::path::absolute(state_dir).unwrap_or_else(|_| state_dir.into());
            let digest = ring::digest::digest(&ring::digest::SHA256, path.as_os_str().as_encoded_bytes());
            format!("keyfob:{}:", super::key::hex(&digest.as_ref()[..8]))
        });
        Self { prefix }
    }

    /// The token of `key`'s state `generation`, unless it has ended at `now` (seconds since 1970).
    ///
    /// The generation comes from the index: a copy of another state, even of a container with the same paths, is none.
    pub fn get(&self, key: &SessionKey, generation: &str, now: i64) -> Option<Cached> {
        let cached = self.read(key, generation)?;
        cached.expires_at.is_none_or(|end| end > now).then_some(cached)
    }

    /// Keeps the session's access token while it is good, in place of the one before.
    pub fn put(&self, session: &Session, now: i64) {
        let left = session.tokens.expires_at.map_or(LONGEST, |end| end.saturating_sub(now));
        // One that is bound to a key would have to be cached with it.
        let is_whole = session.tokens.token_type == TokenType::Bearer && session.tokens.proof_key.is_none();
        if !is_whole || left <= 0 || !self.write(session, left.min(LONGEST)) {
            self.purge(&session.key);
        }
    }
}

/// Whether this process may use the kernel's key ring; containers often forbid it.
#[cfg(target_os = "linux")]
pub fn is_reachable() -> bool {
    kernel::ring().is_ok()
}

#[cfg(target_os = "linux")]
mod kernel {
    use std::borrow::Cow;

    use linux_keyutils::{Key, KeyPermissionsBuilder, KeyRing, KeyRingIdentifier, Permission};
    use serde::{Deserialize, Serialize};
    use zeroize::Zeroizing;

    use super::{Cached, Secret, Session, SessionKey, TokenCache, TokenType};
    use crate::session::record;

    /// Largest payload that the kernel takes, in bytes.
    const MAX_PAYLOAD: usize = 32_767;

    /// No `Debug`: it holds the token.
    #[derive(Serialize, Deserialize)]
    struct Payload<'a> {
        generation: Cow<'a, str>,
        access_token: Cow<'a, str>,
        token_type: Cow<'a, str>,
        expires_at: Option<i64>,
        scopes: Cow<'a, [String]>,
    }

    impl TokenCache {
        /// Forgets the token of `key`, whatever its state.
        pub fn purge(&self, key: &SessionKey) {
            if let Some(key) = self.find(key) {
                let _ = key.invalidate();
            }
        }

        pub(super) fn read(&self, key: &SessionKey, generation: &str) -> Option<Cached> {
            let key = self.find(key)?;
            // Without room the kernel tells how much is needed: wiping room for the largest payload takes longer than the
            // rest of a look-up. One that has grown meanwhile is not found.
            let length = key.read(&mut [0_u8; 0]).ok()?;
            let mut buffer = Zeroizing::new(vec![0; length]);
            let length = key.read(&mut buffer).ok()?;
            let payload: Payload<'_> = serde_json::from_slice(buffer.get(..length)?).ok()?;
            if generation.is_empty() || payload.generation != generation {
                return None;
            }
            Some(Cached {
                access_token: Secret::new(payload.access_token),
                token_type: TokenType::parse(&payload.token_type)?,
                expires_at: payload.expires_at,
                scopes: payload.scopes.into_owned(),
            })
        }

        /// Whether the token is in the key ring afterwards, and will leave it.
        pub(super) fn write(&self, session: &Session, seconds: i64) -> bool {
            let (Some(description), Ok(ring), Ok(seconds)) =
                (self.description(&session.key), ring(), usize::try_from(seconds))
            else {
                return false;
            };
            let payload = record::serialized(&Payload {
                generation: session.generation.as_str().into(),
                access_token: session.tokens.access_token.expose().into(),
                token_type: session.tokens.token_type.name().into(),
                expires_at: session.tokens.expires_at,
                scopes: session.tokens.scopes.as_slice().into(),
            });
            if payload.len() > MAX_PAYLOAD {
                return false;
            }
            let Ok(key) = ring.add_key(&description, &*payload) else { return false };
            // The owner may read it even where the login session's key ring does not lead to the user's.
            let permissions = KeyPermissionsBuilder::builder().posessor(Permission::ALL).user(Permission::ALL).build();
            key.set_perms(permissions).is_ok() && key.set_timeout(seconds).is_ok()
        }

        fn find(&self, key: &SessionKey) -> Option<Key> {
            ring().ok()?.search(&self.description(key)?).ok()
        }

        fn description(&self, key: &SessionKey) -> Option<String> {
            Some(format!("{}{}", self.prefix.as_ref()?, key.file_name()))
        }
    }

    pub(super) fn ring() -> Result<KeyRing, linux_keyutils::KeyError> {
        KeyRing::from_special_id(KeyRingIdentifier::User, false)
    }
}

#[cfg(not(target_os = "linux"))]
impl TokenCache {
    /// Forgets the token of `key`, whatever its state.
    pub fn purge(&self, _: &SessionKey) {}

    fn read(&self, _: &SessionKey, _: &str) -> Option<Cached> {
        None
    }

    fn write(&self, _: &Session, _: i64) -> bool {
        false
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::super::testing::session;
    use super::{Cached, Secret, TokenCache, TokenType};

    /// Long before the test sessions' tokens end.
    const NOW: i64 = 1_999_999_000;

    /// A cache of its own, where the kernel lets this process have one; with the session that is in it.
    fn filled() -> Option<(tempfile::TempDir, TokenCache, super::Session)> {
        let state = tempfile::tempdir().unwrap();
        let (cache, session) = (TokenCache::new(state.path(), true), session("acme/ada"));
        cache.put(&session, NOW);
        let usable = cache.get(&session.key, &session.generation, NOW).is_some();
        if !usable {
            eprintln!("no kernel key ring here: nothing to test");
        }
        usable.then_some((state, cache, session))
    }

    #[test]
    fn a_cached_token_is_the_one_that_was_put_and_no_refresh_token_is_with_it() {
        let Some((_state, cache, session)) = filled() else { return };

        let cached = cache.get(&session.key, &session.generation, NOW).unwrap();

        assert_eq!(
            cached,
            Cached {
                access_token: Secret::new("access-CANARY"),
                token_type: TokenType::Bearer,
                expires_at: Some(2_000_000_000),
                scopes: vec!["read".into(), "write".into()],
            }
        );
        cache.purge(&session.key);
    }

    #[test]
    fn another_state_of_the_session_is_not_found() {
        let Some((_state, cache, session)) = filled() else { return };

        assert_eq!(cache.get(&session.key, "BBBBBBBBBBBBBBBBBBBBBB", NOW), None);
        assert_eq!(cache.get(&session.key, "", NOW), None);
        cache.purge(&session.key);
    }

    #[test]
    fn an_ended_token_is_neither_found_nor_kept() {
        let Some((_state, cache, session)) = filled() else { return };

        assert_eq!(cache.get(&session.key, &session.generation, 2_000_000_000), None);
        cache.put(&session, 2_000_000_000);
        assert_eq!(cache.get(&session.key, &session.generation, NOW), None);
    }

    #[test]
    fn a_purged_token_is_gone() {
        let Some((_state, cache, session)) = filled() else { return };

        cache.purge(&session.key);

        assert_eq!(cache.get(&session.key, &session.generation, NOW), None);
    }

    #[test]
    fn a_token_too_large_for_the_kernel_is_not_mistaken_for_the_one_before() {
        let Some((_state, cache, mut session)) = filled() else { return };
        session.tokens.access_token = Secret::new("x".repeat(40_000));

        cache.put(&session, NOW);

        assert_eq!(cache.get(&session.key, &session.generation, NOW), None);
    }

    #[test]
    fn a_token_that_is_bound_to_a_key_is_not_cached_without_it() {
        for (token_type, proof_key) in [(TokenType::DPoP, None), (TokenType::Bearer, Some(Secret::new("key")))] {
            let Some((_state, cache, mut session)) = filled() else { return };
            (session.tokens.token_type, session.tokens.proof_key) = (token_type, proof_key);

            cache.put(&session, NOW);

            assert_eq!(cache.get(&session.key, &session.generation, NOW), None);
        }
    }

    #[test]
    fn switched_off_it_keeps_nothing() {
        let Some((state, cache, session)) = filled() else { return };

        assert_eq!(TokenCache::new(state.path(), false).get(&session.key, &session.generation, NOW), None);
        cache.purge(&session.key);
    }
}
