//! The strict server's token endpoint for grants without a redirect.

use super::provider::Provider;
use super::{Answer, Request};

/// What each grant must bring, and what it may bring.
const GRANTS: [(&str, &[&str], &[&str]); 6] = [
    ("client_credentials", &[], &[]),
    ("urn:ietf:params:oauth:grant-type:jwt-bearer", &["assertion"], &[]),
    ("urn:ietf:params:oauth:grant-type:saml2-bearer", &["assertion"], &[]),
    (
        "urn:ietf:params:oauth:grant-type:token-exchange",
        &["subject_token", "subject_token_type"],
        &["actor_token", "actor_token_type", "requested_token_type"],
    ),
    ("password", &["username", "password"], &[]),
    ("urn:openid:params:grant-type:ciba", &["auth_req_id"], &[]),
];

/// What every request may bring besides.
const EVERYWHERE: [&str; 6] = ["grant_type", "client_id", "client_secret", "scope", "resource", "audience"];

impl Provider {
    /// The answer to a grant without a redirect; `None` for any other.
    pub fn direct(&mut self, request: &Request, client_id: &str) -> Option<Answer> {
        let grant_type = request.parameter("grant_type")?;
        let (_, needed, allowed) = GRANTS.into_iter().find(|(name, ..)| *name == grant_type)?;
        for name in needed {
            match request.parameter(name) {
                Some(value) if !value.is_empty() => {
                    // What was brought is a secret on this side too.
                    self.secrets.extend((value.len() >= 16 && !name.ends_with("_type")).then_some(value));
                }
                _ => self.violations.push(format!("{grant_type} without {name}")),
            }
        }
        let known = |name: &str| EVERYWHERE.contains(&name) || needed.contains(&name) || allowed.contains(&name);
        for (name, _) in request.parameters().into_iter().filter(|(name, _)| !known(name)) {
            self.violations.push(format!("{grant_type} with {name}"));
        }
        if grant_type == "client_credentials"
            && self.settings.clients.get(client_id).is_none_or(|(how, _)| *how == "none")
        {
            return Some(Answer::error(401, "invalid_client"));
        }
        let of_person = grant_type.ends_with(":ciba");
        let scope =
            request.parameter("scope").unwrap_or_else(|| if of_person { "openid".into() } else { String::new() });
        let issued = self.issue_for(client_id, &scope, grant_type == "password" || of_person);
        Some(match grant_type.ends_with("token-exchange") {
            true => {
                let kind = request.parameter("requested_token_type");
                let kind = kind.unwrap_or_else(|| "urn:ietf:params:oauth:token-type:access_token".to_owned());
                issued.adding("issued_token_type", &kind.into())
            }
            false => issued,
        })
    }
}
