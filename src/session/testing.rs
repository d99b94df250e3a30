//! Sessions for the tests.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use serde_json::Map;

use super::{Binding, Identity, Override, Profile, Session, SessionKey, SessionLock, Trouble};
use crate::protocol::token::{TokenSet, TokenType};
use crate::secret::Secret;

/// A session with something in every field.
pub(super) fn session(name: &str) -> Session {
    let key = SessionKey::parse(name).expect("a name");
    Session {
        tokens: TokenSet {
            access_token: Secret::new("access-CANARY"),
            token_secret: None,
            proof_key: None,
            token_type: TokenType::Bearer,
            expires_at: Some(2_000_000_000),
            refresh_token: Some(Secret::new("refresh-CANARY")),
            refresh_expires_at: Some(2_100_000_000),
            scopes: vec!["read".into(), "write".into()],
            id_token: Some(Secret::new("id-CANARY")),
            kept: Map::new(),
        },
        binding: Binding {
            issuer: Some("https://id.acme.example".into()),
            token_endpoint: "https://id.acme.example/token".into(),
            revocation_endpoint: Some("https://revoke.acme.example:8443/".into()),
            client_id: "client".into(),
            client_auth: "none".into(),
            ..Binding::default()
        },
        grant: "authorization_code".into(),
        requested_scopes: vec!["read".into()],
        resources: vec!["https://api.acme.example".into()],
        audience: Some("api".into()),
        profile: Profile { id: Some("1".into()), username: Some(key.account().into()), ..Profile::default() },
        identity: Some(Identity {
            issuer: "https://id.acme.example".into(),
            subject: "1".into(),
            auth_time: Some(1),
            nonce: Some("n".into()),
        }),
        created_at: 1_900_000_000,
        refreshed_at: Some(1_900_000_100),
        trouble: Some(Trouble { since: 3, error: "invalid_grant".into(), description: Some("a\tb\nc".into()) }),
        waivers: vec!["issuer_match".into()],
        overrides: vec![Override { key: "client_id".into(), value: "c".into(), is_secret: false }],
        request: None,
        generation: "AAAAAAAAAAAAAAAAAAAAAA".into(),
        key,
    }
}

/// A state directory with the lock of one session.
pub(super) fn held(name: &str) -> (tempfile::TempDir, SessionLock) {
    let state = tempfile::tempdir().expect("a directory");
    let lock = lock(state.path(), name);
    (state, lock)
}

/// The lock of a session in `state`.
pub(super) fn lock(state: &Path, name: &str) -> SessionLock {
    let key = SessionKey::parse(name).expect("a name");
    SessionLock::acquire(state, &key, Duration::from_secs(20), &mut |_| ControlFlow::Continue(())).expect("a lock")
}
