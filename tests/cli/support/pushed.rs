//! The strict server's authorization requests that do not come through the browser's address: pushed (RFC 9126) or signed
//! (RFC 9101).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::provider::Provider;
use super::{Answer, Request, now};

impl Provider {
    /// RFC 9126 §2: authenticated as at the token endpoint.
    pub fn push(&mut self, request: &Request) -> Answer {
        let Some(client_id) = self.form(request) else { return Answer::error(401, "invalid_client") };
        for name in ["request_uri", "client_secret_expires_at"] {
            if request.parameter(name).is_some() {
                self.violations.push(format!("`{name}` is pushed"));
            }
        }
        if request.parameter("client_id").is_some_and(|id| id != client_id) {
            self.violations.push("another client's request is pushed".into());
        }
        let name = format!("urn:ietf:params:oauth:request_uri:{}", self.pushed.len() + 1);
        let mut parameters = request.parameters();
        parameters.retain(|(name, _)| name != "client_secret");
        if request.parameter("client_id").is_none() {
            parameters.push(("client_id".into(), client_id));
        }
        self.pushed.insert(name.clone(), parameters);
        Answer::json(201, &json!({ "request_uri": name, "expires_in": 60 }))
    }

    /// The request that the browser's address stands for.
    pub fn resolved(&mut self, request: &Request) -> Request {
        let mut parameters = request.parameters();
        if let Some(name) = request.parameter("request_uri") {
            let mut names: Vec<_> = parameters.iter().map(|(name, _)| name.as_str()).collect();
            names.sort_unstable();
            if names != ["client_id", "request_uri"] {
                self.violations.push(format!("beside a pushed request: {names:?}"));
            }
            let client_id = request.parameter("client_id");
            match self.pushed.remove(&name) {
                Some(pushed) => {
                    // Its place stays taken, so that no name comes twice.
                    self.pushed.insert(name, Vec::new());
                    parameters = pushed;
                }
                None => self.violations.push(format!("`{name}` was never pushed")),
            }
            if !parameters.iter().any(|(name, value)| name == "client_id" && Some(value) == client_id.as_ref()) {
                self.violations.push("a pushed request is used by another client, or twice".into());
            }
        }
        let object = parameters.iter().find(|(name, _)| name == "request").map(|(_, value)| value.clone());
        if let Some(object) = object {
            let claims = self.request_object(&object);
            for (name, value) in parameters.iter().filter(|(name, _)| !name.starts_with("client_assertion")) {
                let is_allowed = matches!(name.as_str(), "request" | "client_id" | "response_type" | "scope");
                if !is_allowed || name != "request" && claims.get(name).and_then(Value::as_str) != Some(value) {
                    self.violations.push(format!("`{name}` outside of the request object"));
                }
            }
            parameters = claims.iter().filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect();
            parameters.retain(|(name, _)| !["iss", "aud", "exp", "iat", "nbf", "jti"].contains(&name.as_str()));
        }
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        Request { method: "GET".into(), query, ..request.clone() }
    }

    /// The claims of a request object (RFC 9101 §4, §10.2, §10.8).
    fn request_object(&mut self, object: &str) -> Map<String, Value> {
        let segments: Vec<&str> = object.split('.').collect();
        let [header, payload, signature] = segments[..] else {
            self.violations.push("the request object is no JWS".into());
            return Map::new();
        };
        let decoded = |segment: &str| -> Value {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(segment).expect("base64url")).expect("JSON")
        };
        let (header, claims) = (decoded(header), decoded(payload));
        let key = self.settings.request_key.clone().unwrap_or_default();
        let signed = &object[..object.len() - signature.len() - 1];
        let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key);
        let mut wrong = Vec::new();
        if key.verify(signed.as_bytes(), &signature).is_err() {
            wrong.push("its signature");
        }
        if header["typ"] != "oauth-authz-req+jwt" || header["alg"] != "ES256" {
            wrong.push("its header");
        }
        if claims["iss"] != claims["client_id"] || claims["aud"] != self.settings.metadata["issuer"] {
            wrong.push("whose it is, or whom it is for");
        }
        let (issued, end) = (claims["iat"].as_i64().unwrap_or(0), claims["exp"].as_i64().unwrap_or(0));
        if (issued - now()).abs() > 5 || claims["nbf"] != claims["iat"] || !(1..=300).contains(&(end - now())) {
            wrong.push("its time");
        }
        if claims["jti"].as_str().is_none_or(|jti| jti.len() < 22) {
            wrong.push("its name");
        }
        if claims.get("sub").is_some() || claims.get("request").is_some() || claims.get("request_uri").is_some() {
            wrong.push("a claim that must not be there");
        }
        for what in wrong {
            self.violations.push(format!("request object: {what} is wrong: {header} {claims}"));
        }
        claims.as_object().cloned().unwrap_or_default()
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}
