//! How the client proves who it is, and how it gets to be one.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keyfob::registry::words::{BasicEncoding, ClientAuth, DeviceProfile, Method, RequestFormat};
use serde_json::{Value, json};
use url::Url;
use url::form_urlencoded::byte_serialize;

use super::answers;
use super::person::put;
use super::play::{Expected, Play, in_form};
use crate::support::{Answer, Request};

impl Play {
    /// What a request to the token endpoint says, with the client's credentials added to what it must say.
    /// `method`: where it is not the one of the entry's token requests.
    pub fn token_request(
        &mut self,
        request: &Request,
        key: &'static str,
        method: Option<Method>,
        expected: &mut Expected,
    ) -> Vec<(String, String)> {
        let mut rules = self.provider().token_request.clone();
        if key.starts_with("device_") && self.provider().device.profile == DeviceProfile::Trakt {
            rules.format = RequestFormat::Json;
        }
        let asked = method.unwrap_or(rules.method);
        let endpoint = self.address(key).expect("an address that was reached");
        let query = self.beyond(&endpoint, &request.query);
        let kind = request.header("content-type").unwrap_or_default().to_owned();
        let (method, media, mut got) = match (asked, rules.format) {
            (Method::Get, _) => ("GET", "", query),
            (_, RequestFormat::Json) => ("POST", "application/json", in_json(&request.body)),
            _ => ("POST", "application/x-www-form-urlencoded", in_form(&request.body)),
        };
        if request.method != method || kind != media {
            self.differs(format!("{key}: {} with `{kind}`, not {method} with `{media}`", request.method));
        }
        if method == "POST" {
            got.extend(self.beyond(&endpoint, &request.query));
        }
        for (name, value) in &rules.headers {
            let value = self.filled(value);
            self.header(key, request, name, Some(&value));
        }
        self.authenticate(request, key, &endpoint, expected, &got);
        got
    }

    /// Checks the client's authentication (RFC 6749 §2.3) or adds it to what the parameters must be.
    fn authenticate(
        &mut self,
        request: &Request,
        key: &'static str,
        endpoint: &Url,
        expected: &mut Expected,
        got: &[(String, String)],
    ) {
        let (id, secret) = (self.client_id.clone(), self.entry.secret());
        let written = |text: &str| match self.provider().basic_encoding {
            BasicEncoding::Raw => text.to_owned(),
            _ => byte_serialize(text.as_bytes()).collect(),
        };
        let basic =
            |secret: &str| format!("Basic {}", STANDARD.encode(format!("{}:{}", written(&id), written(secret))));
        let method = match self.provider().client_auth {
            ClientAuth::Auto if !self.entry.has_secret() => ClientAuth::None,
            ClientAuth::Auto => ClientAuth::ClientSecretBasic,
            _ if key == "device_token_endpoint" && self.provider().device.profile == DeviceProfile::Webex => {
                // Beside its header Webex wants the identifier in the body.
                expected.insert("client_id".to_owned(), id.clone());
                ClientAuth::ClientSecretBasic
            }
            method => method,
        };
        let find = |name: &str| got.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let mut header = None;
        let mut forms: Vec<(&str, String)> = Vec::new();
        match method {
            ClientAuth::None => forms.push(("client_id", id)),
            ClientAuth::ClientSecretBasic => header = Some(basic(&secret)),
            ClientAuth::BasicEmpty => header = Some(basic("")),
            ClientAuth::ClientSecretPost | ClientAuth::Query => {
                forms.extend([("client_id", id), ("client_secret", secret)]);
            }
            ClientAuth::Assertion => {
                forms.extend([("client_assertion_type", answers::JWT_BEARER.to_owned()), ("client_assertion", secret)])
            }
            ClientAuth::AppleJwt => {
                let jwt = find(&self.name("client_secret")).unwrap_or_default();
                let team = self.entry.given("team_id");
                let issuer = self.issuer();
                if let Err(wrong) = answers::signed_by_client(&jwt, &team, &id, &Vec::from_iter(issuer)) {
                    self.differs(format!("{key}: the client secret {wrong}"));
                }
                forms.extend([("client_id", id), ("client_secret", jwt)]);
            }
            ClientAuth::PrivateKeyJwt => {
                let jwt = find(&self.name("client_assertion")).unwrap_or_default();
                let token_endpoint = self.address("token_endpoint").map(String::from);
                let audiences: Vec<String> = token_endpoint.into_iter().chain(self.issuer()).collect();
                if let Err(wrong) = answers::signed_by_client(&jwt, &id, &id, &audiences) {
                    self.differs(format!("{key}: the client assertion {wrong}"));
                }
                forms.extend([("client_assertion_type", answers::JWT_BEARER.to_owned()), ("client_assertion", jwt)]);
                // RFC 7521 §4.2: beside the assertion it may be left out.
                if let Some(given) = find("client_id") {
                    forms.push(("client_id", if given == id { given } else { id }));
                }
            }
            other => self.differs(format!("nobody plays client_auth = {:?} yet", other.word())),
        }
        expected.extend(self.renamed(&forms));
        if method == ClientAuth::Query && self.beyond(endpoint, &request.query).is_empty() {
            self.differs(format!("{key}: the client is not in the query"));
        }
        self.header(key, request, "authorization", header.as_deref());
    }

    /// The request of `app_token`: authenticated and formed as a token request; its answer is what `{app.x}` means.
    pub fn app_token(&mut self, request: &Request) -> Answer {
        let rule = self.provider().app_token.clone().expect("it has an address");
        let mut expected: Expected = rule.params.into_iter().collect();
        let got = self.token_request(request, "app_token.endpoint", None, &mut expected);
        self.compare("app token request", &expected, &got);
        let path = rule.path.unwrap_or_default();
        let mut answer = json!({});
        for (name, value) in &self.values {
            let Some(name) = name.strip_prefix("app.") else { continue };
            // One value bears the last name on the way to it; several are members of what is there.
            let at = match path.rsplit('.').next() {
                Some("") | None => name.to_owned(),
                Some(last) if last == name => path.clone(),
                Some(_) => format!("{path}.{name}"),
            };
            put(&mut answer, &at, value.as_str().into());
        }
        Answer::json(200, &answer)
    }

    /// RFC 7009 §2.1.
    pub fn revoke(&mut self, request: &Request) -> Answer {
        let kind = request.header("content-type").unwrap_or_default();
        if request.method != "POST" || kind != "application/x-www-form-urlencoded" {
            self.differs(format!("revocation: {} with `{kind}`", request.method));
        }
        let endpoint = self.address("revocation_endpoint").expect("an address that was reached");
        let mut got = in_form(&request.body);
        got.extend(self.beyond(&endpoint, &request.query));
        let find = |name: &str| got.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let token = find("token").unwrap_or_default();
        let hint = if self.refresh_tokens.contains(&token) { "refresh_token" } else { "access_token" };
        let mut expected = self.renamed(&[("token", token.clone()), ("token_type_hint", hint.to_owned())]);
        self.authenticate(request, "revocation_endpoint", &endpoint, &mut expected, &got);
        self.compare("revocation request", &expected, &got);
        self.revoked.push(token);
        Answer::new(200, "text/plain", "")
    }

    /// Mastodon's `POST /api/v1/apps`.
    pub fn register(&mut self, request: &Request) -> Answer {
        let got = match request.header("content-type") {
            Some("application/json") => in_json(&request.body),
            _ => in_form(&request.body),
        };
        let find = |name: &str| got.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let scopes = self.scopes().join(" ");
        if request.method != "POST" || find("client_name").is_none_or(|name| name.is_empty()) {
            self.differs("the registration is no POST that names the client");
        }
        if find("redirect_uris").is_none_or(|uris| uris.is_empty()) || find("scopes") != Some(scopes) {
            self.differs("the registration is not for the redirect and the scopes of the login");
        }
        self.client_id = format!("registered-{}", self.provider().id);
        let secret = self.entry.secret();
        let client = json!({ "id": "1", "name": "keyfob", "client_id": self.client_id, "client_secret": secret });
        Answer::json(200, &client)
    }
}

fn in_json(text: &[u8]) -> Vec<(String, String)> {
    let members: BTreeMap<String, Value> = serde_json::from_slice(text).unwrap_or_default();
    members.into_iter().map(|(name, value)| (name, value.as_str().unwrap_or("no text").to_owned())).collect()
}
