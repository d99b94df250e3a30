//! Extension grants: whatever URI a server knows (RFC 6749 §4.5).

use super::direct::{self, Presented, Reading};
use super::{Error, Grant, GrantRequest, Interaction, LocalFuture, Obtained};
use crate::client::Client;
use crate::protocol::parameters::Parameters;

/// Inputs that every request has a place of its own for.
const ELSEWHERE: [&str; 2] = ["audience", "resource"];

/// A grant that only its URI is known of: every input that the entry names is sent under its own name.
#[derive(Debug)]
pub struct Extension {
    uri: String,
}

impl Extension {
    /// The grant named `uri`, if that is an absolute URI.
    ///
    /// # Specification
    /// RFC 6749 §4.5 (the name is an absolute URI).
    pub fn new(uri: &str) -> Option<Self> {
        let fits = uri.contains(':') && uri.bytes().all(|byte| byte.is_ascii_graphic());
        (fits && url::Url::parse(uri).is_ok()).then(|| Self { uri: uri.to_owned() })
    }
}

impl Grant for Extension {
    fn name(&self) -> &str {
        &self.uri
    }

    fn summary(&self) -> &'static str {
        "an extension grant; the entry's inputs and `token_params` are sent with it"
    }

    fn specification(&self) -> &'static str {
        "RFC 6749 section 4.5"
    }

    fn needs_person(&self) -> bool {
        false
    }

    fn obtain<'a>(
        &'a self,
        client: &'a Client,
        request: &'a GrantRequest,
        _: &'a dyn Interaction,
    ) -> LocalFuture<'a, Result<Obtained, Error>> {
        Box::pin(async move {
            let mut parameters = Parameters::new();
            parameters.set("grant_type", self.uri.as_str());
            let mut secrets = Vec::new();
            let named = client.provider().inputs.keys().copied().filter(|key| !ELSEWHERE.contains(key));
            for key in named {
                if let Some(value) = client.input(key).await? {
                    parameters.set(key, value.expose());
                    secrets.push(value);
                }
            }
            let presented = Presented {
                parameters,
                secrets,
                title: "present an extension grant",
                why: "the server knows what it means",
                specification: "RFC 6749 section 4.5",
                reading: Reading::default(),
                endpoint: None,
            };
            direct::obtain(client, request, presented).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Extension;

    #[test]
    fn only_an_absolute_uri_names_an_extension_grant() {
        assert!(Extension::new("urn:example:grant").is_some());
        assert!(Extension::new("https://a.example/grant").is_some());
        for name in ["", "implicit", "urn:a b", "://x"] {
            assert!(Extension::new(name).is_none(), "{name}");
        }
    }
}
