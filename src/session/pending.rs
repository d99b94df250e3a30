//! A login that was begun by one command and waits for another to complete it.
//!
//! It lies in the secret store, one for each provider, until it is completed or over. What it holds is as good as a login:
//! the verifier, the state, the device code.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::record::{self, WireOverride};
use super::store::Store;
use super::{Error, Override};
use crate::client::Client;
use crate::grant::{self, Begun, GrantRequest, Whom};
use crate::secret::Secret;

/// The version that is written. A change that an older program would misunderstand raises it.
const VERSION: u64 = 1;

/// What completes a login that was begun.
#[derive(Debug)]
pub struct Pending {
    /// What the grant remembers.
    pub begun: Begun,
    /// The grant's name.
    pub grant: String,
    /// The label that the session gets, where one was forced.
    pub account: Option<String>,
    /// What the login set above the registry.
    pub overrides: Vec<Override>,
    /// What was asked for beside the scope.
    pub resources: Vec<String>,
    /// The provider-specific audience.
    pub audience: Option<String>,
    /// Further parameters.
    pub params: Vec<(String, String)>,
    /// Whom it is for, where the server was found from that.
    pub whom: Option<Whom>,
    /// As which client.
    pub client_id: String,
    /// At which server.
    pub issuer: Option<String>,
}

/// The members, in their order. It has no `Debug`: some of them are secrets.
#[derive(Serialize, Deserialize)]
struct Wire<'a> {
    version: u64,
    grant: Cow<'a, str>,
    #[serde(default)]
    account: Option<Cow<'a, str>>,
    #[serde(default)]
    overrides: Vec<WireOverride<'a>>,
    #[serde(default)]
    resources: Cow<'a, [String]>,
    #[serde(default)]
    audience: Option<Cow<'a, str>>,
    #[serde(default)]
    params: Cow<'a, [(String, String)]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    whom: Option<Cow<'a, Whom>>,
    client_id: Cow<'a, str>,
    #[serde(default)]
    issuer: Option<Cow<'a, str>>,
    begun: Map<String, Value>,
}

impl Pending {
    /// What `client` has begun with `request`.
    pub fn new(
        client: &Client,
        grant: &str,
        request: &GrantRequest,
        begun: Begun,
        account: Option<&str>,
        overrides: &[Override],
    ) -> Self {
        Self {
            begun,
            grant: grant.to_owned(),
            account: account.map(str::to_owned),
            overrides: overrides.to_vec(),
            resources: request.resources.clone(),
            audience: request.audience.clone(),
            params: request.params.clone(),
            whom: request.whom.clone(),
            client_id: client.client_id().to_owned(),
            issuer: client.provider().issuer.clone(),
        }
    }

    /// Whether it was begun as `client`: what came of it must not be sent elsewhere.
    pub fn is_of(&self, client: &Client) -> bool {
        self.client_id == client.client_id() && self.issuer == client.provider().issuer
    }

    /// Keeps it, in place of an earlier one of the provider.
    ///
    /// # Errors
    /// Those of the store.
    pub fn save(&self, store: &dyn Store, provider: &str) -> Result<(), Error> {
        let wire = Wire {
            version: VERSION,
            grant: self.grant.as_str().into(),
            account: self.account.as_deref().map(Cow::from),
            overrides: self.overrides.iter().map(record::written).collect(),
            resources: self.resources.as_slice().into(),
            audience: self.audience.as_deref().map(Cow::from),
            params: self.params.as_slice().into(),
            whom: self.whom.as_ref().map(Cow::Borrowed),
            client_id: self.client_id.as_str().into(),
            issuer: self.issuer.as_deref().map(Cow::from),
            begun: self.begun.to_json(),
        };
        let bytes = record::serialized(&wire);
        let text = std::str::from_utf8(&bytes).expect("JSON is text");
        store.save_secret(&name(provider), &format!("keyfob: login to {provider} under way"), &text.into())
    }

    /// The one of `provider`, if there is one.
    ///
    /// # Errors
    /// Those of the store; [`Error::Corrupt`] and [`Error::NewerVersion`] of what is there.
    pub fn load(store: &dyn Store, provider: &str) -> Result<Option<Self>, Error> {
        match store.load_secret(&name(provider))? {
            Some(text) => Self::read(&text, provider, store.name()).map(Some),
            None => Ok(None),
        }
    }

    /// Forgets it; `false` when there was none.
    ///
    /// # Errors
    /// Those of the store.
    pub fn remove(store: &dyn Store, provider: &str) -> Result<bool, Error> {
        store.remove_secret(&name(provider))
    }

    fn read(text: &Secret, provider: &str, store: &str) -> Result<Self, Error> {
        let place = format!("the {store} store");
        let corrupt = |reason: String| Error::Corrupt { name: name(provider), place: place.clone(), reason };
        let unreadable = |error: serde_json::Error| {
            corrupt(format!("it is no login of version {VERSION} (column {})", error.column()))
        };
        let wire: Wire<'_> = serde_json::from_str(text.expose()).map_err(unreadable)?;
        if wire.version > VERSION {
            return Err(Error::NewerVersion { name: name(provider), place: place.clone(), version: wire.version });
        }
        let unusable = |error: grant::Error| corrupt(error.to_string());
        Ok(Self {
            begun: Begun::from_json(&wire.begun).map_err(unusable)?,
            grant: wire.grant.into_owned(),
            account: wire.account.map(Cow::into_owned),
            overrides: wire.overrides.into_iter().map(record::read).collect(),
            resources: wire.resources.into_owned(),
            audience: wire.audience.map(Cow::into_owned),
            params: wire.params.into_owned(),
            whom: wire.whom.map(Cow::into_owned),
            client_id: wire.client_id.into_owned(),
            issuer: wire.issuer.map(Cow::into_owned),
        })
    }
}

/// The name under which it is kept.
fn name(provider: &str) -> String {
    format!("pending/{provider}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::session::store::MemoryStore;

    fn pending() -> Pending {
        let begun =
            json!({ "expires_at": 7, "scopes": ["a"], "state": "state-canary", "redirect_uri": "http://127.0.0.1/x" });
        Pending {
            begun: Begun::from_json(begun.as_object().unwrap()).unwrap(),
            grant: "authorization_code".into(),
            account: Some("work".into()),
            overrides: vec![Override { key: "client_id".into(), value: "c".into(), is_secret: false }],
            resources: vec!["https://r.example/".into()],
            audience: Some("api".into()),
            params: vec![("prompt".into(), "login".into())],
            whom: Some(Whom { ids: vec!["did:web:a.test".into()], name: None }),
            client_id: "c".into(),
            issuer: None,
        }
    }

    #[test]
    fn what_is_kept_comes_back_and_goes() {
        let store = MemoryStore::default();

        pending().save(&store, "acme").unwrap();

        let kept = Pending::load(&store, "acme").unwrap().unwrap();
        assert_eq!(kept.begun.to_json(), pending().begun.to_json());
        assert_eq!(
            (kept.overrides, kept.params, kept.audience),
            (pending().overrides, pending().params, pending().audience)
        );
        assert!(Pending::load(&store, "other").unwrap().is_none());
        assert!(Pending::remove(&store, "acme").unwrap() && Pending::load(&store, "acme").unwrap().is_none());
        assert!(!format!("{:?}", pending()).contains("state-canary"));
    }

    #[test]
    fn what_is_damaged_or_newer_is_told_apart() {
        let store = MemoryStore::default();

        store.save_secret("pending/acme", "", &"{\"version\":1".into()).unwrap();
        assert!(matches!(Pending::load(&store, "acme"), Err(Error::Corrupt { .. })));
        pending().save(&store, "acme").unwrap();
        let newer = store.load_secret("pending/acme").unwrap().unwrap().expose().replacen(":1", ":2", 1);
        store.save_secret("pending/acme", "", &newer.into()).unwrap();
        assert!(matches!(Pending::load(&store, "acme"), Err(Error::NewerVersion { version: 2, .. })));
    }
}
