//! What a server with DPoP checks (RFC 9449 §4.3), written from its side and without any of keyfob's code.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey};
use serde_json::{Value, json};

use super::{Answer, Request, base64url, now, sha256};

/// Seconds by which `iat` may differ from the server's clock.
const TOLERANCE: i64 = 60;

/// Which nonce the server wants to see.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wants {
    /// None.
    Nothing,
    /// The one that it told last.
    ToldLast,
    /// Always another one.
    Another,
}

/// Guards the token endpoint and the resources, where a test puts it there.
pub struct Guard {
    pub wants: Wants,
    /// Whether successful answers tell the next nonce, after which the one before is over.
    pub rotates: bool,
    /// Whether only resources want a nonce.
    pub resources_only: bool,
    /// Whether authorization requests that are pushed must be proven too.
    pub pushes: bool,
    /// Seconds by which the server's clock is ahead.
    pub clock: i64,
    /// WWW-Authenticate of refusals, with `{}` for the error.
    pub challenge: &'static str,
    /// Every proof that was right.
    pub proofs: Vec<Proof>,
    /// What no honest server accepts.
    pub violations: Vec<String>,
    nonces: usize,
    used: BTreeSet<String>,
    /// The thumbprints that codes, tokens and requests are bound to.
    bound: BTreeMap<String, String>,
}

#[derive(Clone, Debug)]
pub struct Proof {
    pub path: String,
    pub jkt: String,
    pub nonce: Option<String>,
    pub alg: String,
}

impl Guard {
    pub fn new() -> Self {
        Self {
            wants: Wants::Nothing,
            rotates: false,
            resources_only: false,
            pushes: false,
            clock: 0,
            challenge: r#"DPoP algs="ES256 EdDSA", error="{}""#,
            proofs: Vec::new(),
            violations: Vec::new(),
            nonces: 0,
            used: BTreeSet::new(),
            bound: BTreeMap::new(),
        }
    }

    pub fn demanding(wants: Wants) -> Self {
        Self { wants, ..Self::new() }
    }

    /// The same, changed.
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The nonce that is good now.
    pub fn nonce(&self) -> String {
        // With marks that a careless reader of headers would stumble over.
        format!("n-{}.=,;'", self.nonces)
    }

    /// No nonce that was told is good any longer.
    pub fn restart(&mut self) {
        self.nonces += 1;
    }

    fn guards(&self, path: &str) -> bool {
        path == "/token" || is_resource(path) || self.pushes && path == "/par"
    }

    /// Judges a request before the server acts on it.
    ///
    /// # Errors
    /// What it is answered with.
    pub fn check(&mut self, request: &Request, origin: &str) -> Result<(), Answer> {
        if self.guards(&request.path) {
            let proof = match self.proof(request, origin) {
                Ok(proof) => proof,
                Err(what) => {
                    if !what.is_empty() {
                        self.violations.push(format!("{what} at {}", request.path));
                    }
                    return Err(self.refusal(request, "invalid_dpop_proof"));
                }
            };
            let wants = if self.resources_only && request.path == "/token" { Wants::Nothing } else { self.wants };
            let good = self.nonce();
            if wants == Wants::Another || wants == Wants::ToldLast && proof.nonce.as_ref() != Some(&good) {
                return Err(self.refusal(request, "use_dpop_nonce"));
            }
            self.check_binding(request, &proof.jkt);
            self.proofs.push(proof);
        }
        Ok(())
    }

    /// The checks of RFC 9449 §4.3; an empty text for what an honest client may get wrong once.
    fn proof(&mut self, request: &Request, origin: &str) -> Result<Proof, String> {
        let headers: Vec<_> = request.headers.iter().filter(|(name, _)| name == "dpop").collect();
        let [(_, text)] = &headers[..] else {
            return Err(if headers.is_empty() { String::new() } else { "more than one proof".to_owned() });
        };
        let parts: Vec<_> = text.split('.').collect();
        let [head, body, signature] = parts[..] else { return Err("a proof of other than three parts".into()) };
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|error| error.to_string());
        let object = |part: &str| serde_json::from_slice::<Value>(&decode(part)?).map_err(|error| error.to_string());
        let (head, claims) = (object(head)?, object(body)?);
        let message = text.rsplit_once('.').expect("three parts").0.as_bytes();
        let jkt = verify(&head, message, &decode(signature)?)?;
        let member = |name: &str| claims[name].as_str().map(str::to_owned).ok_or(format!("no `{name}`"));
        let url = format!("{origin}{}", request.path);
        let token = request.header("authorization").and_then(|value| value.strip_prefix("DPoP "));
        let ath = token.map(|token| base64url(&sha256(token.as_bytes())));
        let wrong = [
            (head["typ"] != "dpop+jwt", "typ"),
            (head.as_object().is_none_or(|head| head.len() != 3), "further members of the header"),
            (member("htm")? != request.method, "htm"),
            (member("htu")? != url, "htu"),
            (claims["ath"].as_str().map(str::to_owned) != ath, "ath"),
            (is_resource(&request.path) && ath.is_none(), "no token of the scheme DPoP"),
            (member("jti")?.len() < 16, "jti"),
        ];
        if let Some((_, what)) = wrong.iter().find(|(wrong, _)| *wrong) {
            return Err(format!("{what}: {head} {claims}"));
        }
        if !self.used.insert(member("jti")?) {
            return Err("the same proof twice".into());
        }
        let age = now() + self.clock - claims["iat"].as_i64().ok_or("no `iat`")?;
        if age.abs() > TOLERANCE {
            return Err(String::new());
        }
        let (path, alg) = (request.path.clone(), head["alg"].as_str().unwrap_or_default().to_owned());
        Ok(Proof { path, jkt, nonce: claims["nonce"].as_str().map(str::to_owned), alg })
    }

    /// Codes, refresh tokens and access tokens are used with the key that they were issued to.
    fn check_binding(&mut self, request: &Request, jkt: &str) {
        let presented = [request.parameter("code"), request.parameter("refresh_token")];
        let token = request.header("authorization").and_then(|value| value.strip_prefix("DPoP ")).map(str::to_owned);
        for value in presented.into_iter().flatten().chain(token) {
            if self.bound.get(&value).is_some_and(|bound| bound != jkt) {
                self.violations.push(format!("another key than at its issue, at {}", request.path));
            }
        }
    }

    /// Notes that a code was issued to a request that names a key.
    pub fn authorize(&mut self, code: &str, jkt: Option<String>) {
        if let Some(jkt) = jkt {
            self.bound.insert(code.to_owned(), jkt);
        }
    }

    fn refusal(&mut self, request: &Request, error: &str) -> Answer {
        if self.wants == Wants::Another {
            self.nonces += 1;
        }
        match request.path.as_str() {
            "/token" | "/par" => Answer::error(400, error),
            _ => Answer::json(401, &json!({})).with("WWW-Authenticate", &self.challenge.replace("{}", error)),
        }
    }

    /// What an answer gets on its way.
    pub fn leave(&mut self, request: &Request, mut answer: Answer) -> Answer {
        let jkt = self.proofs.last().map(|proof| proof.jkt.clone());
        if let (200, "/token", Some(jkt)) = (answer.status, request.path.as_str(), jkt) {
            let mut issued = answer.value();
            for name in ["access_token", "refresh_token"] {
                if let Some(token) = issued[name].as_str() {
                    self.bound.insert(token.to_owned(), jkt.clone());
                }
            }
            if issued["token_type"] == "Bearer" {
                issued["token_type"] = "DPoP".into();
                answer = Answer::json(200, &issued);
            }
        }
        if self.guards(&request.path) && self.wants != Wants::Nothing {
            if answer.status < 300 && self.rotates {
                self.nonces += 1;
            }
            if answer.status >= 300 || self.rotates {
                answer = answer.with("DPoP-Nonce", &self.nonce());
            }
        }
        let time = Timestamp::from_second(now() + self.clock).expect("a time");
        answer.with("Date", &DateTimePrinter::new().timestamp_to_rfc9110_string(&time).expect("a date"))
    }
}

fn is_resource(path: &str) -> bool {
    path.starts_with("/api") || path == "/userinfo"
}

/// The thumbprint of the key in `head`, if it has signed `message`.
fn verify(head: &Value, message: &[u8], signature: &[u8]) -> Result<String, String> {
    let jwk = head["jwk"].as_object().ok_or("no key")?;
    let text = |name: &str| jwk.get(name).and_then(Value::as_str).unwrap_or_default();
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)).unwrap_or_default();
    let (members, verified) = match head["alg"].as_str() {
        Some("ES256") if (text("kty"), text("crv")) == ("EC", "P-256") => {
            let point = [vec![4], bytes("x"), bytes("y")].concat();
            (
                &["crv", "kty", "x", "y"][..],
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature),
            )
        }
        Some("EdDSA") if (text("kty"), text("crv")) == ("OKP", "Ed25519") => {
            (&["crv", "kty", "x"][..], UnparsedPublicKey::new(&ED25519, bytes("x")).verify(message, signature))
        }
        other => return Err(format!("alg is {other:?}")),
    };
    verified.map_err(|_| "a wrong signature".to_owned())?;
    if jwk.len() != members.len() {
        return Err(format!("the key has other members than {members:?}"));
    }
    let pairs: Vec<_> = members.iter().map(|name| format!("\"{name}\":\"{}\"", text(name))).collect();
    Ok(base64url(&sha256(format!("{{{}}}", pairs.join(",")).as_bytes())))
}
