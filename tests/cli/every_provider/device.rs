//! The device grant as an entry describes it: a code, and tokens at the first poll.

use keyfob::registry::words::{DeviceProfile, Pkce};
use serde_json::json;

use super::entry::Entry;
use super::play::{Expected, Play};
use crate::support::{Answer, Request, base64url, sha256};

/// RFC 8628 §3.4.
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub fn is_offered(entry: &Entry) -> bool {
    entry.provider.grants.iter().any(|grant| grant == "device_code")
}

impl Play {
    /// The device authorization request (RFC 8628 §3.1, §3.2).
    pub fn give_code(&mut self, request: &Request) -> Answer {
        let it = self.provider().clone();
        let mut expected = Expected::new();
        let scope = if it.device.profile == DeviceProfile::Twitch { "scopes" } else { &it.scope_param };
        if !self.scopes().is_empty() {
            expected.insert(scope.to_owned(), self.scopes().join(&it.scope_separator));
        }
        if it.device.profile == DeviceProfile::Salesforce {
            expected.insert("response_type".into(), "device_code".into());
        }
        expected.extend(it.authorize_params.get("audience").map(|audience| ("audience".to_owned(), audience.clone())));
        let got = self.token_request(request, "device_authorization_endpoint", None, &mut expected);
        let challenge = got.iter().find(|(name, _)| name == "code_challenge").map(|(_, value)| value.clone());
        if it.pkce == Pkce::Required {
            expected.insert("code_challenge".into(), challenge.clone().unwrap_or_else(|| "a challenge".into()));
            expected.insert("code_challenge_method".into(), "S256".into());
        }
        self.compare("device authorization request", &expected, &got);
        self.device = Some(challenge);
        let mut answer = json!({
            "device_code": self.device_code(), "user_code": "ABCD-EFGH", "expires_in": 60, "interval": 1,
            "verification_uri": format!("{}/enter", self.origin),
        });
        for (specified, own) in &it.device.names {
            answer[own] = answer[specified].take();
        }
        Answer::json(200, &answer)
    }

    /// A poll of a person who has agreed (RFC 8628 §3.4).
    pub fn poll(&mut self, request: &Request, key: &'static str) -> Answer {
        let it = self.provider().clone();
        let (grant_type, code) = match it.device.profile {
            DeviceProfile::Trakt => (None, "code"),
            DeviceProfile::Yandex => (Some("device_code"), "code"),
            DeviceProfile::Salesforce => (Some("device"), "code"),
            _ => (Some(GRANT_TYPE), "device_code"),
        };
        let mut expected = self.renamed(&[(code, self.device_code())]);
        expected.extend(grant_type.map(|grant_type| ("grant_type".to_owned(), grant_type.to_owned())));
        if it.device.profile == DeviceProfile::Twitch {
            expected.insert("scopes".into(), self.scopes().join(&it.scope_separator));
        }
        expected.extend(it.token_params.iter().map(|(name, value)| (name.clone(), self.filled(value))));
        let got = self.token_request(request, key, None, &mut expected);
        if let Some(Some(challenge)) = self.device.clone() {
            let verifier = got.iter().find(|(name, _)| name == "code_verifier").map(|(_, value)| value.clone());
            let verifier = verifier.unwrap_or_default();
            if base64url(&sha256(verifier.as_bytes())) != challenge {
                self.differs("the verifier is not that of the challenge");
            }
            expected.insert("code_verifier".into(), verifier);
        }
        self.compare("poll", &expected, &got);
        self.issue(None, true)
    }

    fn device_code(&self) -> String {
        format!("device/+code-of-{}", self.provider().id)
    }
}
