//! What the person is asked with, and how the tokens follow from it.

use keyfob::registry::words::{ClientAuth, Method, Pkce, Protocol, RefreshHow};
use serde_json::json;
use url::Url;

use super::answers;
use super::play::{Asked, Expected, Play, openid};
use crate::support::{Answer, Redirect, Request, base64url, now, sha256};

impl Play {
    /// The person agrees; where the browser goes.
    pub fn authorize(&mut self, opened: &str, redirect_uri: impl Fn(&str) -> Result<(), String>) -> Redirect {
        if self.provider().protocol == Protocol::OAuth1 {
            return self.consent(opened, redirect_uri);
        }
        let url = Url::parse(opened).expect("an address");
        let endpoint = self.address("authorization_endpoint").expect("every provider has one");
        if (url.origin(), url.path()) != (endpoint.origin(), endpoint.path()) {
            self.differs(format!("the browser was sent to {}", url.as_str().split('?').next().unwrap_or_default()));
        }
        let fragment = self.provider().authorize_fragment.clone();
        if url.fragment() != fragment.as_deref() {
            self.differs(format!("the fragment is {:?}, not {fragment:?}", url.fragment()));
        }
        let got = self.beyond(&endpoint, url.query().unwrap_or_default());
        let find = |name: String| got.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        let asked = Asked {
            redirect_uri: find(self.name("redirect_uri")).unwrap_or_default(),
            state: find(self.name("state")).unwrap_or_default(),
            nonce: find(self.name("nonce")),
            challenge: find(self.name("code_challenge")),
            code: format!("code/+of {}", self.provider().id).replace(' ', "-"),
            redeemed: false,
        };
        if asked.state.len() < 22 || asked.nonce.as_ref().is_some_and(|nonce| nonce.len() < 22) {
            self.differs("state or nonce has less than 128 bits");
        }
        if let Err(wrong) = redirect_uri(&asked.redirect_uri) {
            self.differs(wrong);
        }
        let expected = self.authorization_parameters(&asked);
        self.compare("authorization request", &expected, &got);
        let mut redirect = Redirect(Url::parse(&asked.redirect_uri).unwrap_or_else(|_| url.clone()));
        redirect = redirect.adding(&self.name("code"), &asked.code).adding(&self.name("state"), &asked.state);
        // What every redirect carries may be named among what is kept of it.
        for (name, value) in [("state", &asked.state), ("code", &asked.code)] {
            self.values.insert(format!("callback.{}", self.name(name)), value.clone());
        }
        let carried = [self.name("state"), self.name("code")];
        for (name, value) in &self.values {
            if let Some(name) = name.strip_prefix("callback.").filter(|name| !carried.iter().any(|known| known == name))
            {
                redirect = redirect.adding(name, value);
            }
        }
        self.pin.clone_from(&asked.code);
        self.asked = Some(asked);
        redirect
    }

    fn authorization_parameters(&self, asked: &Asked) -> Expected {
        let it = self.provider();
        let response_type = if it.client_auth == ClientAuth::Assertion { "Assertion" } else { "code" };
        let mut expected = self.renamed(&[
            ("response_type", response_type.to_owned()),
            ("client_id", self.client_id.clone()),
            ("redirect_uri", asked.redirect_uri.clone()),
            ("state", asked.state.clone()),
        ]);
        let scopes = self.scopes();
        if !scopes.is_empty() {
            expected.insert(self.name(&it.scope_param), scopes.join(&it.scope_separator));
        }
        if openid(it) {
            expected.insert(self.name("nonce"), asked.nonce.clone().unwrap_or_else(|| "at least 22 characters".into()));
        }
        let method = match it.pkce {
            Pkce::Off => None,
            Pkce::Plain => Some("plain"),
            _ => Some("S256"),
        };
        if let Some(method) = method {
            let challenge = asked.challenge.clone().unwrap_or_else(|| "a challenge".into());
            expected.extend(self.renamed(&[("code_challenge", challenge), ("code_challenge_method", method.into())]));
        }
        expected.extend(it.response_mode.map(|mode| (self.name("response_mode"), mode.word().to_owned())));
        expected.extend(it.authorize_params.clone());
        if it.refresh.how == RefreshHow::Param {
            let (name, value) = it.refresh.param.as_deref().and_then(|it| it.split_once('=')).expect("a parameter");
            expected.insert(name.to_owned(), value.to_owned());
        }
        expected
    }

    /// The scopes of the entry, with the one that asks for a refresh token.
    pub fn scopes(&self) -> Vec<String> {
        let it = self.provider();
        let mut scopes = it.scopes.clone();
        if it.refresh.how == RefreshHow::Scope {
            let wanted = it.refresh.scope.clone().unwrap_or_else(|| "offline_access".to_owned());
            if !scopes.contains(&wanted) {
                scopes.push(wanted);
            }
        }
        scopes
    }

    pub fn redeem(&mut self, request: &Request) -> Answer {
        let Some(mut asked) = self.asked.clone() else {
            self.differs("a token request before the person was asked");
            return Answer::error(400, "invalid_grant");
        };
        let it = self.provider().clone();
        let mut expected = if it.client_auth == ClientAuth::Assertion {
            self.renamed(&[
                ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer".into()),
                ("assertion", asked.code.clone()),
                ("redirect_uri", asked.redirect_uri.clone()),
            ])
        } else {
            self.renamed(&[
                ("grant_type", "authorization_code".into()),
                ("code", asked.code.clone()),
                ("redirect_uri", asked.redirect_uri.clone()),
            ])
        };
        let got = self.token_request(request, "token_endpoint", None, &mut expected);
        if it.pkce != Pkce::Off {
            let name = self.name("code_verifier");
            let verifier = got.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
            let verifier = verifier.unwrap_or_else(|| "the verifier".into());
            let digest = sha256(verifier.as_bytes());
            let challenge = match it.pkce {
                Pkce::Plain => verifier.clone(),
                Pkce::S256Hex => digest.iter().map(|byte| format!("{byte:02x}")).collect(),
                _ => base64url(&digest),
            };
            if asked.challenge.as_ref() != Some(&challenge) || verifier.len() < 43 {
                self.differs("the verifier is not that of the challenge");
            }
            expected.insert(name, verifier);
        }
        expected.extend(it.token_params.iter().map(|(name, value)| (name.clone(), self.filled(value))));
        self.compare("token request", &expected, &got);
        asked.redeemed = true;
        let nonce = asked.nonce.clone();
        self.asked = Some(asked);
        self.issue(nonce.as_deref(), true)
    }

    pub fn refresh(&mut self, request: &Request, key: &'static str) -> Answer {
        let it = self.provider().clone();
        if it.refresh.how == RefreshHow::Exchange {
            return self.exchange(request, key);
        }
        let token = self.refresh_tokens.last().cloned().unwrap_or_default();
        let grant_type = it.refresh.grant_type.clone().unwrap_or_else(|| "refresh_token".to_owned());
        let name = if it.client_auth == ClientAuth::Assertion { "assertion" } else { "refresh_token" };
        let mut expected = self.renamed(&[("grant_type", grant_type), (name, token)]);
        if it.client_auth == ClientAuth::Assertion {
            // Such a server wants the redirect URI again.
            let redirect_uri = self.asked.as_ref().map(|asked| asked.redirect_uri.clone()).unwrap_or_default();
            expected.extend(self.renamed(&[("redirect_uri", redirect_uri)]));
        }
        let got = self.token_request(request, key, self.refresh_method(), &mut expected);
        expected.extend(it.refresh_params.iter().map(|(name, value)| (name.clone(), self.filled(value))));
        self.compare("refresh request", &expected, &got);
        self.issue(None, false)
    }

    /// Another access token for the one in use, where there are no refresh tokens: what the code brought is exchanged at
    /// once for one that lasts, and that one whenever it is to be renewed.
    fn exchange(&mut self, request: &Request, key: &'static str) -> Answer {
        let it = self.provider().clone();
        let first = self.access_tokens.len() == 1;
        let places = ["refresh.exchange_endpoint", "refresh_endpoint", "token_endpoint"];
        let mut places = places.into_iter().skip(usize::from(!first));
        let right = places.find(|place| self.address(place).is_some()).unwrap_or_default();
        if key != right {
            self.differs(format!("an exchange at {key}, not at {right}"));
        }
        let own = self.entry.setting("refresh.exchange_grant_type").filter(|_| first);
        let grant_type = own.or(it.refresh.grant_type.clone()).unwrap_or_default();
        let token = self.access_tokens.last().cloned().unwrap_or_default();
        let name = it.refresh.param.as_deref().unwrap_or("access_token");
        let mut expected = self.renamed(&[("grant_type", grant_type), (name, token)]);
        let got = self.token_request(request, key, self.refresh_method(), &mut expected);
        if !first {
            expected.extend(it.refresh_params.iter().map(|(name, value)| (name.clone(), self.filled(value))));
        }
        self.compare("exchange request", &expected, &got);
        self.issue(None, false)
    }

    /// The method of refresh requests where it is another one.
    fn refresh_method(&self) -> Option<Method> {
        self.entry.setting("refresh.method").and_then(|word| Method::parse(&word))
    }

    pub fn issue(&mut self, nonce: Option<&str>, first: bool) -> Answer {
        let serial = self.access_tokens.len();
        let token = format!("access-{serial}-of-{}", self.provider().id);
        self.access_tokens.push(token.clone());
        if !matches!(self.provider().refresh.how, RefreshHow::None | RefreshHow::Exchange) {
            self.refresh_tokens.push(format!("refresh-{serial}-of-{}", self.provider().id));
        }
        self.values.insert("token.access_token".to_owned(), token.clone());
        let id_token = openid(self.provider()).then(|| self.id_token(nonce, &token));
        answers::token(self, id_token, first)
    }

    fn id_token(&self, nonce: Option<&str>, access_token: &str) -> String {
        let mut claims = json!({
            "iss": self.announced_issuer().replace("{tenantid}", "tenant-1"), "sub": self.subject(),
            "aud": self.client_id, "iat": now(), "exp": now() + 600, "tid": "tenant-1",
            "at_hash": base64url(&sha256(access_token.as_bytes())[..16]),
        });
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        // What was asked for must be so (OpenID Connect Core §5.5.1.1, §3.1.2.1).
        if let Some(values) = self.provider().authorize_params.get("acr_values") {
            claims["acr"] = values.split(' ').next().into();
        }
        if self.provider().authorize_params.contains_key("max_age") {
            claims["auth_time"] = now().into();
        }
        for (name, value) in &self.person.claims {
            claims[name] = value.clone();
        }
        match self.provider().id_token_signed_response_alg.as_deref() {
            Some("HS256") => answers::hs256(&self.entry.secret(), &claims),
            _ => self.key.sign(&claims),
        }
    }

    fn subject(&self) -> String {
        format!("subject-of-{}", self.provider().id)
    }
}
