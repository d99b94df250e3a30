//! The strict authorization server: what it knows, and how it judges a request.
//!
//! Written from the server's side of the specifications. Whatever a client must not do is answered as an error and
//! noted as a violation, which ends the test even where the client recovers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Map, Value, json};
use url::Url;

use super::{Answer, Guard, Key, Redirect, Request, base64url, now, sha256};

/// Makes the value of `id_token` from the key and the claims that would be right.
pub type IdTokenMaker = Arc<dyn Fn(&Key, Value) -> Value + Send + Sync>;

/// What a test can change.
pub struct Settings {
    /// The metadata document.
    pub metadata: Value,
    /// The paths at which it lies.
    pub well_known: BTreeSet<String>,
    /// The published key set.
    pub jwks: Value,
    pub key: Key,
    /// `expires_in` of token answers; null leaves it out.
    pub expires_in: Value,
    /// Laid over every token answer; null removes a member.
    pub token: Map<String, Value>,
    /// Laid over the claims of ID tokens; null removes one.
    pub claims: Map<String, Value>,
    /// Replaces the ID token.
    pub id_token: Option<IdTokenMaker>,
    /// What userinfo answers.
    pub userinfo: Value,
    /// Whether a refresh gives a new refresh token, and the old one is then good for nothing.
    pub rotate: bool,
    /// Whether the redirect carries `iss` (RFC 9207).
    pub iss: bool,
    /// The point of the P-256 key that request objects are signed with.
    pub request_key: Option<Vec<u8>>,
    /// What checks that tokens are bound to keys (RFC 9449), if they are.
    pub guard: Option<Guard>,
    /// The clients: their method of authentication and their secret.
    pub clients: BTreeMap<String, (&'static str, String)>,
}

pub struct Provider {
    pub settings: Settings,
    pub log: Vec<Request>,
    pub violations: Vec<String>,
    /// Everything that must not be seen where no token was asked for.
    pub secrets: BTreeSet<String>,
    /// Requests that wait for a browser, by their names.
    pub pushed: BTreeMap<String, Vec<(String, String)>>,
    codes: BTreeMap<String, Code>,
    refresh_tokens: BTreeMap<String, RefreshToken>,
    access_tokens: BTreeSet<String>,
    dead_families: BTreeSet<usize>,
    families: usize,
}

struct Code {
    client_id: String,
    redirect_uri: String,
    challenge: String,
    grant: Granted,
    used: bool,
}

#[derive(Clone)]
struct RefreshToken {
    client_id: String,
    grant: Granted,
    used: bool,
}

#[derive(Clone)]
struct Granted {
    family: usize,
    scope: String,
    nonce: Option<String>,
}

impl Settings {
    fn new(issuer: &str) -> Self {
        let key = Key::new("key-1");
        let secret = |name: &str| format!("{name}-{}", random());
        Self {
            metadata: json!({
                "issuer": issuer,
                "authorization_endpoint": format!("{issuer}/authorize"),
                "token_endpoint": format!("{issuer}/token"),
                "userinfo_endpoint": format!("{issuer}/userinfo"),
                "revocation_endpoint": format!("{issuer}/revoke"),
                "jwks_uri": format!("{issuer}/jwks"),
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
                "scopes_supported": ["openid", "email"],
            }),
            well_known: BTreeSet::from(["/.well-known/openid-configuration".to_owned()]),
            jwks: json!({ "keys": [key.jwk()] }),
            key,
            expires_in: json!(3600),
            token: Map::new(),
            claims: Map::new(),
            id_token: None,
            userinfo: json!({ "sub": "user-1", "preferred_username": "alice", "name": "Alice", "email": "a@example.com" }),
            rotate: true,
            iss: false,
            request_key: None,
            guard: None,
            clients: BTreeMap::from([
                ("public".to_owned(), ("none", String::new())),
                ("basic".to_owned(), ("client_secret_basic", secret("basic-secret"))),
                ("post".to_owned(), ("client_secret_post", secret("post-secret"))),
            ]),
        }
    }
}

impl Provider {
    pub fn new(issuer: &str) -> Self {
        let settings = Settings::new(issuer);
        let secrets = settings.clients.values().map(|(_, secret)| secret.clone()).filter(|it| !it.is_empty()).collect();
        Self {
            settings,
            log: Vec::new(),
            violations: Vec::new(),
            secrets,
            pushed: BTreeMap::new(),
            codes: BTreeMap::new(),
            refresh_tokens: BTreeMap::new(),
            access_tokens: BTreeSet::new(),
            dead_families: BTreeSet::new(),
            families: 0,
        }
    }

    pub fn answer(&mut self, request: &Request) -> Answer {
        let Some(mut guard) = self.settings.guard.take() else { return self.unguarded(request) };
        let issuer = self.settings.metadata["issuer"].as_str().unwrap_or_default().to_owned();
        let answer = match guard.check(request, &issuer) {
            Ok(()) => self.unguarded(request),
            Err(refusal) => refusal,
        };
        self.violations.append(&mut guard.violations);
        let answer = guard.leave(request, answer);
        self.settings.guard = Some(guard);
        answer
    }

    fn unguarded(&mut self, request: &Request) -> Answer {
        match request.path.as_str() {
            path if self.settings.well_known.contains(path) => Answer::json(200, &self.settings.metadata),
            "/jwks" => Answer::json(200, &self.settings.jwks),
            "/token" => self.token(request),
            "/par" => self.push(request),
            "/revoke" => self.revoke(request),
            "/userinfo" => self.userinfo(request),
            path if path.starts_with("/api") => self.api(request),
            _ => Answer::html(404, "<h1>Not here</h1>"),
        }
    }

    fn violation(&mut self, what: impl Into<String>) {
        self.violations.push(what.into());
    }

    fn secret(&mut self, name: &str) -> String {
        let secret = format!("{name}-{}", random());
        self.secrets.insert(secret.clone());
        secret
    }

    /// What the authorization endpoint does once the person has agreed.
    pub fn authorize(&mut self, url: &Url) -> Redirect {
        let query = url.query().unwrap_or_default().to_owned();
        let (method, path) = ("GET".to_owned(), url.path().to_owned());
        let request = Request { method, path, query, headers: Vec::new(), body: Vec::new() };
        self.log.push(request.clone());
        let request = self.resolved(&request);
        self.check_authorization(&request, url);
        self.families += 1;
        let grant = Granted {
            family: self.families,
            scope: request.parameter("scope").unwrap_or_default(),
            nonce: request.parameter("nonce"),
        };
        let code = self.secret("code");
        let redirect_uri = request.expect("redirect_uri");
        let issued = Code {
            client_id: request.expect("client_id"),
            redirect_uri: redirect_uri.clone(),
            challenge: request.expect("code_challenge"),
            grant,
            used: false,
        };
        self.codes.insert(code.clone(), issued);
        if let Some(guard) = &mut self.settings.guard {
            guard.authorize(&code, request.parameter("dpop_jkt"));
        }
        self.redirect(&redirect_uri, &[("code", &code), ("state", &request.expect("state"))])
    }

    pub fn redirect(&self, redirect_uri: &str, parameters: &[(&str, &str)]) -> Redirect {
        let redirect = Redirect(Url::parse(redirect_uri).expect("a redirect URI"));
        let redirect = parameters.iter().fold(redirect, |redirect, (name, value)| redirect.adding(name, value));
        match self.settings.metadata["issuer"].as_str().filter(|_| self.settings.iss) {
            Some(issuer) => redirect.adding("iss", issuer),
            None => redirect,
        }
    }

    fn check_authorization(&mut self, request: &Request, url: &Url) {
        self.no_parameter_twice(request);
        if url.fragment().is_some() {
            self.violation("the authorization request has a fragment");
        }
        for name in ["client_secret", "code_verifier", "access_token", "refresh_token"] {
            if request.parameter(name).is_some() {
                self.violation(format!("`{name}` in the authorization request"));
            }
        }
        let scope = request.parameter("scope").unwrap_or_default();
        let openid = scope.split(' ').any(|scope| scope == "openid");
        let long = |name: &str| request.parameter(name).is_some_and(|value| value.len() >= 22);
        let mut wrong = Vec::new();
        if request.parameter("response_type").as_deref() != Some("code") {
            wrong.push("response_type is not code");
        }
        if !request.parameter("client_id").is_some_and(|id| self.settings.clients.contains_key(&id)) {
            wrong.push("the client is unknown");
        }
        if request.parameter("code_challenge_method").as_deref() != Some("S256") || !long("code_challenge") {
            wrong.push("there is no S256 challenge");
        }
        if !long("state") {
            wrong.push("state has less than 128 bits");
        }
        if openid != long("nonce") || openid != request.parameter("nonce").is_some() {
            wrong.push("a nonce goes with openid, and only with it");
        }
        let redirect = request.parameter("redirect_uri").and_then(|uri| Url::parse(&uri).ok());
        let host = redirect.as_ref().and_then(Url::host_str).unwrap_or_default();
        if !["127.0.0.1", "[::1]", "localhost"].contains(&host) {
            wrong.push("the redirect URI is not a loopback address");
        }
        for what in wrong {
            self.violation(format!("authorization request: {what}: {}", request.query));
        }
    }

    /// RFC 6749 §3.1, §3.2; `resource` may come more than once (RFC 8707 §2).
    fn no_parameter_twice(&mut self, request: &Request) {
        let mut seen = BTreeSet::new();
        for (name, _) in request.parameters() {
            if name != "resource" && !seen.insert(name.clone()) {
                self.violation(format!("`{name}` twice at {}", request.path));
            }
        }
    }

    /// RFC 6749 §2.3: exactly the registered method, and no secret beside it.
    fn authenticated(&mut self, request: &Request) -> Option<String> {
        let (basic, posted) = (request.basic(), request.parameter("client_secret"));
        let id = basic.as_ref().map(|(id, _)| id.clone()).or_else(|| request.parameter("client_id"))?;
        let (method, secret) = self.settings.clients.get(&id)?.clone();
        let right = match method {
            "client_secret_basic" => basic.is_some_and(|(_, given)| given == secret) && posted.is_none(),
            "client_secret_post" => basic.is_none() && posted.as_ref() == Some(&secret),
            _ => basic.is_none() && posted.is_none() && request.header("authorization").is_none(),
        };
        right.then_some(id)
    }

    pub fn form(&mut self, request: &Request) -> Option<String> {
        self.no_parameter_twice(request);
        let kind = request.header("content-type").unwrap_or_default();
        if request.method != "POST" || !kind.starts_with("application/x-www-form-urlencoded") {
            self.violation(format!("{} {} with `{kind}`", request.method, request.path));
        }
        if !request.query.is_empty() {
            self.violation(format!("parameters in the address of {}", request.path));
        }
        let client = self.authenticated(request);
        if client.is_none() {
            self.violation(format!("wrong client authentication at {}: {:?}", request.path, request.headers));
        }
        client
    }

    fn token(&mut self, request: &Request) -> Answer {
        let Some(client_id) = self.form(request) else { return Answer::error(401, "invalid_client") };
        match request.parameter("grant_type").as_deref() {
            Some("authorization_code") => self.redeem(request, &client_id),
            Some("refresh_token") => self.refresh(request, &client_id),
            other => {
                let other = other.map(str::to_owned);
                self.direct(request, &client_id).unwrap_or_else(|| {
                    self.violation(format!("grant_type is {other:?}"));
                    Answer::error(400, "unsupported_grant_type")
                })
            }
        }
    }

    /// Tokens for a grant without a redirect.
    pub fn issue_for(&mut self, client_id: &str, scope: &str, refreshable: bool) -> Answer {
        self.families += 1;
        let grant = Granted { family: self.families, scope: scope.to_owned(), nonce: None };
        self.issue(client_id, &grant, None, refreshable)
    }

    fn redeem(&mut self, request: &Request, client_id: &str) -> Answer {
        let verifier = request.parameter("code_verifier").unwrap_or_default();
        self.secrets.insert(verifier.clone());
        let Some(code) = self.codes.get_mut(&request.parameter("code").unwrap_or_default()) else {
            self.violation("a code that was never issued");
            return Answer::error(400, "invalid_grant");
        };
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let mut wrong = Vec::new();
        if std::mem::replace(&mut code.used, true) {
            wrong.push("a code is redeemed twice");
        }
        if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(unreserved) {
            wrong.push("the verifier has not the form of RFC 7636 §4.1");
        }
        if base64url(&sha256(verifier.as_bytes())) != code.challenge {
            wrong.push("the verifier is not that of the challenge");
        }
        if request.parameter("redirect_uri").as_ref() != Some(&code.redirect_uri) {
            wrong.push("the redirect URI is another one than before");
        }
        if client_id != code.client_id {
            wrong.push("the code is another client's");
        }
        let grant = code.grant.clone();
        if wrong.is_empty() {
            return self.issue(client_id, &grant, grant.nonce.as_deref(), true);
        }
        for what in wrong {
            self.violation(what);
        }
        Answer::error(400, "invalid_grant")
    }

    fn refresh(&mut self, request: &Request, client_id: &str) -> Answer {
        let rotate = self.settings.rotate;
        let token = request.parameter("refresh_token").unwrap_or_default();
        let Some(known) = self.refresh_tokens.get_mut(&token) else {
            return Answer::error(400, "invalid_grant");
        };
        let (reused, owner, mut grant) = (known.used, known.client_id.clone(), known.grant.clone());
        known.used = rotate;
        if reused || owner != client_id {
            self.dead_families.insert(grant.family);
            self.violation("a refresh token is used twice, or by another client");
        }
        if self.dead_families.contains(&grant.family) {
            return Answer::error(400, "invalid_grant");
        }
        if let Some(scope) = request.parameter("scope") {
            if scope.split(' ').any(|scope| !grant.scope.split(' ').any(|known| known == scope)) {
                return Answer::error(400, "invalid_scope");
            }
            let whole = std::mem::replace(&mut grant.scope, scope);
            let answer = self.issue(client_id, &grant, None, rotate);
            // A narrower token does not narrow what the refresh token is good for (RFC 6749 §6).
            if let Some(next) = answer.value()["refresh_token"].as_str() {
                self.refresh_tokens.get_mut(next).expect("just issued").grant.scope = whole;
            }
            return answer;
        }
        self.issue(client_id, &grant, None, rotate)
    }

    fn issue(&mut self, client_id: &str, grant: &Granted, nonce: Option<&str>, refreshable: bool) -> Answer {
        let access_token = self.secret("access");
        self.access_tokens.insert(access_token.clone());
        let mut answer = json!({ "access_token": access_token, "token_type": "Bearer" });
        if !self.settings.expires_in.is_null() {
            answer["expires_in"] = self.settings.expires_in.clone();
        }
        if !grant.scope.is_empty() {
            answer["scope"] = grant.scope.clone().into();
        }
        if refreshable {
            let refresh_token = self.secret("refresh");
            answer["refresh_token"] = refresh_token.clone().into();
            let known = RefreshToken { client_id: client_id.to_owned(), grant: grant.clone(), used: false };
            self.refresh_tokens.insert(refresh_token, known);
        }
        if grant.scope.split(' ').any(|scope| scope == "openid") {
            answer["id_token"] = self.id_token(client_id, nonce, &access_token);
        }
        merge(&mut answer, &self.settings.token);
        for name in ["access_token", "refresh_token", "id_token"] {
            self.secrets.extend(answer[name].as_str().filter(|secret| secret.len() >= 8).map(str::to_owned));
        }
        Answer::json(200, &answer)
    }

    fn id_token(&self, client_id: &str, nonce: Option<&str>, access_token: &str) -> Value {
        let mut claims = json!({
            "iss": self.settings.metadata["issuer"], "sub": "user-1", "aud": client_id, "iat": now(), "exp": now() + 600,
            // Half of the digest (OpenID Connect Core §3.1.3.6).
            "at_hash": base64url(&sha256(access_token.as_bytes())[..16]),
            "preferred_username": "alice", "name": "Alice", "email": "a@example.com",
        });
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        merge(&mut claims, &self.settings.claims);
        match &self.settings.id_token {
            Some(make) => make(&self.settings.key, claims),
            None => self.settings.key.sign(&claims).into(),
        }
    }

    /// RFC 7009 §2.1; an unknown token is no error.
    fn revoke(&mut self, request: &Request) -> Answer {
        if self.form(request).is_none() {
            return Answer::error(401, "invalid_client");
        }
        let token = request.parameter("token").unwrap_or_default();
        if let Some(known) = self.refresh_tokens.get(&token) {
            self.dead_families.insert(known.grant.family);
        }
        self.access_tokens.remove(&token);
        Answer::new(200, "text/plain", "")
    }

    /// A resource that tells what it was sent, to whoever has a token (RFC 6750 §2.1).
    fn api(&mut self, request: &Request) -> Answer {
        if request.query.contains("access_token") {
            self.violation("a token in the address of a resource");
        }
        if !self.is_authorised(request) {
            return Answer::json(401, &json!({})).with("WWW-Authenticate", "Bearer error=\"invalid_token\"");
        }
        let told = json!({
            "method": request.method,
            "query": request.query,
            "type": request.header("content-type"),
            "length": request.body.len(),
            "sha256": base64url(&sha256(&request.body)),
        });
        Answer::json(200, &told)
    }

    fn is_authorised(&self, request: &Request) -> bool {
        let tokens: Vec<_> = request.headers.iter().filter(|(name, _)| name == "authorization").collect();
        let [(_, value)] = &tokens[..] else { return false };
        // Whoever gets here with the other scheme has passed the guard.
        let scheme = if value.starts_with("DPoP ") { "DPoP " } else { "Bearer " };
        value.strip_prefix(scheme).is_some_and(|token| self.access_tokens.contains(token))
    }

    fn userinfo(&mut self, request: &Request) -> Answer {
        if self.is_authorised(request) && request.query.is_empty() {
            Answer::json(200, &self.settings.userinfo)
        } else {
            Answer::json(401, &json!({})).with("WWW-Authenticate", "Bearer error=\"invalid_token\"")
        }
    }
}

fn merge(object: &mut Value, patch: &Map<String, Value>) {
    let object = object.as_object_mut().expect("an object");
    for (name, value) in patch {
        if value.is_null() {
            object.remove(name);
        } else {
            object.insert(name.clone(), value.clone());
        }
    }
}

/// 128 bits in base64url.
fn random() -> String {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).expect("randomness");
    base64url(&bytes)
}
