//! A strict OAuth 1.0a server. It checks signatures from the specification, with code of its own.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use ring::{digest, hmac};
use serde_json::{Value, json};
use url::Url;

use super::{Answer, Keyfob, Redirect, Request, Server, now};

/// The public half of the key that entries name.
const PUBLIC_KEY: &[u8] = include_bytes!("../../../src/protocol/oauth1/test-key-public.der");
const PRIVATE_KEY: &str = include_str!("../../../src/protocol/oauth1/test-key.pem");

pub const CONSUMER_SECRET: &str = "consumer-secret-CANARY&%+";

/// What a test can change, and what the server knows.
pub struct Known {
    /// Whether it speaks the original 1.0: no callback, no verifier.
    pub original: bool,
    /// Seconds by which its clock is ahead.
    pub ahead: i64,
    /// Further parameters of the token answer.
    pub extra: &'static str,
    /// What the profile says.
    pub profile: Value,
    /// Answers by path that come first.
    pub instead: BTreeMap<&'static str, VecDeque<Answer>>,
    /// Rules that the client broke.
    pub violations: Vec<String>,
    /// All secrets that were issued.
    pub secrets: BTreeSet<String>,
    address: String,
    nonces: BTreeSet<String>,
    temporary: BTreeMap<String, Temporary>,
    tokens: BTreeMap<String, String>,
}

struct Temporary {
    secret: String,
    callback: String,
    verifier: String,
    agreed: bool,
}

/// The server; a broken rule ends the test with it.
pub struct OAuth1Server {
    pub http: Server,
    known: Arc<Mutex<Known>>,
}

impl OAuth1Server {
    pub fn start() -> Self {
        let http = Server::start();
        let known = Arc::new(Mutex::new(Known {
            original: false,
            ahead: 0,
            extra: "&user_id=42&screen_name=alice",
            profile: json!({ "id_str": "42", "name": "Alice" }),
            instead: BTreeMap::new(),
            violations: Vec::new(),
            secrets: BTreeSet::new(),
            address: http.url(),
            nonces: BTreeSet::new(),
            temporary: BTreeMap::new(),
            tokens: BTreeMap::new(),
        }));
        for path in ["/request_token", "/access_token", "/me"] {
            let known = Arc::clone(&known);
            http.instead(path, usize::MAX, move |request| known.lock().expect("no holder panics").answer(request));
        }
        Self { http, known }
    }

    pub fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().expect("no holder panics")
    }

    /// The next request to `path` is answered so.
    pub fn once(&self, path: &'static str, answer: Answer) {
        self.known().instead.entry(path).or_default().push_back(answer);
    }

    /// Adds the provider `one`.
    pub fn provider(&self, keyfob: &Keyfob, more: &str) {
        let url = self.http.url();
        let mut entry = "[providers.one]\nname = \"One Server\"\nprotocol = \"oauth1\"\n".to_owned();
        for (key, value) in [
            ("request_token_endpoint", format!("\"{url}/request_token\"")),
            ("authorization_endpoint", format!("\"{url}/authorize\"")),
            ("token_endpoint", format!("\"{url}/access_token\"")),
            ("userinfo_endpoint", format!("\"{url}/me\"")),
            ("user", "{ name = \"name\", username = \"screen_name\" }".to_owned()),
            ("client_id", "\"consumer key\"".to_owned()),
            ("client_secret", format!("\"{CONSUMER_SECRET}\"")),
            ("private_key", format!("'''{PRIVATE_KEY}'''")),
        ] {
            if !more.lines().any(|line| line.split('=').next().is_some_and(|name| name.trim() == key)) {
                entry.push_str(&format!("{key} = {value}\n"));
            }
        }
        keyfob.registry(&format!("{entry}{more}\n"));
        set_private(keyfob);
    }

    /// The person agrees to what `url` asks.
    #[track_caller]
    pub fn allow(&self, url: &str) -> Redirect {
        let (token, verifier, callback) = self.agree(url);
        let mut redirect = Redirect(Url::parse(&callback).expect("a callback")).adding("oauth_token", &token);
        if !self.known().original {
            redirect = redirect.adding("oauth_verifier", &verifier);
        }
        redirect
    }

    /// Token, verifier and callback, once the person has agreed.
    #[track_caller]
    pub fn agree(&self, url: &str) -> (String, String, String) {
        let url = Url::parse(url).expect("an address");
        assert_eq!(url.path(), "/authorize");
        let parameter = |name: &str| url.query_pairs().find(|(known, _)| known == name).map(|(_, it)| it.into_owned());
        let token = parameter("oauth_token").expect("a token");
        let mut known = self.known();
        let original = known.original;
        let temporary = known.temporary.get_mut(&token).expect("a token that was issued");
        temporary.agreed = true;
        if original {
            temporary.callback = parameter("oauth_callback").expect("a callback");
        }
        (token, temporary.verifier.clone(), temporary.callback.clone())
    }

    /// Whether `header` is right for this request with an issued token.
    pub fn accepts(&self, method: &str, url: &str, header: &str) -> Result<(), String> {
        let url = Url::parse(url).expect("an address");
        let request = Request {
            method: method.into(),
            path: url.path().into(),
            query: url.query().unwrap_or_default().into(),
            headers: vec![("authorization".into(), header.into())],
            body: Vec::new(),
        };
        let mut known = self.known();
        let address = std::mem::replace(&mut known.address, url.origin().ascii_serialization());
        let outcome = known.check(&request, Wanted::Token).map(|_| ());
        known.address = address;
        outcome
    }
}

/// The entry holds a secret, and a file with one must be private.
fn set_private(keyfob: &Keyfob) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(keyfob.registry_file(), std::fs::Permissions::from_mode(0o600)).expect("a private file");
}

impl Drop for OAuth1Server {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let violations = std::mem::take(&mut self.known().violations);
            assert!(violations.is_empty(), "the client broke rules: {violations:#?}");
        }
    }
}

/// Whose credentials a request needs.
#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    Nothing,
    Temporary,
    Token,
}

impl Known {
    fn answer(&mut self, request: &Request) -> Answer {
        let queued = self.instead.iter_mut().find(|(path, _)| **path == request.path);
        if let Some(answer) = queued.and_then(|(_, answers)| answers.pop_front()) {
            return answer;
        }
        let wanted = match request.path.as_str() {
            "/request_token" => Wanted::Nothing,
            "/access_token" => Wanted::Temporary,
            _ => Wanted::Token,
        };
        let parameters = match self.check(request, wanted) {
            Ok(parameters) => parameters,
            Err(problem) if problem == "timestamp_refused" => return self.timestamp_refused(),
            Err(problem) => {
                self.violations.push(format!("{} {}: {problem}", request.method, request.path));
                return Answer::new(401, "application/x-www-form-urlencoded", format!("oauth_problem={problem}"));
            }
        };
        match wanted {
            Wanted::Nothing => self.issue_temporary(&parameters),
            Wanted::Temporary => self.issue_token(&parameters),
            Wanted::Token => Answer::json(200, &self.profile),
        }
    }

    fn timestamp_refused(&self) -> Answer {
        let time = now() + self.ahead;
        let range = format!("oauth_acceptable_timestamps={}-{}", time - 300, time + 300);
        Answer::new(400, "text/plain", format!("oauth_problem=timestamp_refused&{range}"))
    }

    fn secret(&mut self, name: &str) -> String {
        let secret = format!("{name}-{}", random());
        self.secrets.insert(secret.clone());
        secret
    }

    fn issue_temporary(&mut self, parameters: &BTreeMap<String, String>) -> Answer {
        let callback = parameters.get("oauth_callback").cloned();
        if callback.is_none() != self.original {
            self.violations.push(format!("oauth_callback is {callback:?}"));
        }
        let (token, secret, verifier) = (random(), self.secret("temporary"), self.secret("verifier"));
        // The body is no form by its type, as with many servers.
        let confirmed = if self.original { "" } else { "&oauth_callback_confirmed=true" };
        let body = format!("oauth_token={token}&oauth_token_secret={secret}{confirmed}");
        let callback = callback.unwrap_or_default();
        self.temporary.insert(token, Temporary { secret, callback, verifier, agreed: false });
        Answer::new(200, "text/html", body)
    }

    fn issue_token(&mut self, parameters: &BTreeMap<String, String>) -> Answer {
        let temporary = self.temporary.remove(&parameters["oauth_token"]).expect("it was just checked");
        let verifier = parameters.get("oauth_verifier");
        if !temporary.agreed || (!self.original && verifier != Some(&temporary.verifier)) {
            self.violations.push(format!("the verifier is {verifier:?}"));
            return Answer::new(401, "text/plain", "oauth_problem=token_rejected");
        }
        let (token, secret) = (self.secret("token"), self.secret("token%2Fsecret"));
        self.tokens.insert(token.clone(), secret.replace("%2F", "/"));
        self.secrets.insert(secret.replace("%2F", "/"));
        Answer::new(200, "text/plain", format!("oauth_token={token}&oauth_token_secret={secret}{}", self.extra))
    }

    /// RFC 5849 §3.2; the protocol parameters of a request that is right.
    fn check(&mut self, request: &Request, wanted: Wanted) -> Result<BTreeMap<String, String>, String> {
        let header = request.header("authorization").ok_or("parameter_absent")?;
        let list = header.strip_prefix("OAuth ").ok_or("no OAuth scheme")?;
        let mut parameters = BTreeMap::new();
        for pair in list.split(", ") {
            let (name, value) = pair.split_once('=').ok_or("a parameter without a value")?;
            let value = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or("no quotes")?;
            let twice = parameters.insert(name.to_owned(), decoded(value)).is_some();
            if twice || encoded(decoded(value).as_bytes()) != value {
                return Err(format!("{name} is twice or not encoded strictly"));
            }
        }
        for (name, value) in parameters.iter().filter(|(name, _)| *name != "oauth_signature") {
            if value.contains("secret") || value.contains("CANARY") {
                return Err(format!("a secret in {name}"));
            }
        }
        let get = |name: &str| parameters.get(name).map(String::as_str).ok_or(format!("parameter_absent {name}"));
        if get("oauth_consumer_key")? != "consumer key" || get("oauth_version")? != "1.0" {
            return Err("consumer_key_unknown".into());
        }
        let token_secret = match wanted {
            Wanted::Nothing if parameters.contains_key("oauth_token") => return Err("a token too early".into()),
            Wanted::Nothing => String::new(),
            Wanted::Temporary => self.temporary.get(get("oauth_token")?).ok_or("token_rejected")?.secret.clone(),
            Wanted::Token => self.tokens.get(get("oauth_token")?).ok_or("token_rejected")?.clone(),
        };
        let timestamp: i64 = get("oauth_timestamp")?.parse().map_err(|_| "timestamp is no number")?;
        if !self.nonces.insert(get("oauth_nonce")?.to_owned()) {
            return Err("nonce_used".into());
        }
        // OAuth Request Body Hash 1.0 draft 4 §3.2: of any body but a form.
        let hashed = !request.body.is_empty() && !is_form(request);
        let hash = STANDARD.encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &request.body));
        if parameters.get("oauth_body_hash").map(String::as_str) != hashed.then_some(&*hash) {
            return Err("the hash of the body is missing, wrong or too much".into());
        }
        let base = self.base_string(request, &parameters);
        verify(&base, get("oauth_signature_method")?, get("oauth_signature")?, &token_secret)?;
        if (timestamp - now() - self.ahead).abs() > 300 {
            return Err("timestamp_refused".into());
        }
        Ok(parameters)
    }

    /// RFC 5849 §3.4.1.
    fn base_string(&self, request: &Request, protocol: &BTreeMap<String, String>) -> String {
        let form = if is_form(request) { &request.body[..] } else { &[] };
        let mut pairs: Vec<(String, String)> = url::form_urlencoded::parse(request.query.as_bytes())
            .chain(url::form_urlencoded::parse(form))
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        let signed = protocol.iter().filter(|(name, _)| !["oauth_signature", "realm"].contains(&name.as_str()));
        pairs.extend(signed.map(|(name, value)| (name.clone(), value.clone())));
        let mut pairs: Vec<_> =
            pairs.iter().map(|(name, value)| (encoded(name.as_bytes()), encoded(value.as_bytes()))).collect();
        pairs.sort();
        let joined = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
        let address = format!("{}{}", self.address, request.path);
        format!("{}&{}&{}", request.method, encoded(address.as_bytes()), encoded(joined.as_bytes()))
    }
}

fn is_form(request: &Request) -> bool {
    request.header("content-type").is_some_and(|kind| kind == "application/x-www-form-urlencoded")
}

fn verify(base: &str, method: &str, signature: &str, token_secret: &str) -> Result<(), String> {
    let key = format!("{}&{}", encoded(CONSUMER_SECRET.as_bytes()), encoded(token_secret.as_bytes()));
    let bytes = STANDARD.decode(signature).unwrap_or_default();
    let mac = |algorithm| hmac::verify(&hmac::Key::new(algorithm, key.as_bytes()), base.as_bytes(), &bytes).is_ok();
    let right = match method {
        "HMAC-SHA1" => mac(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        "HMAC-SHA256" => mac(hmac::HMAC_SHA256),
        "PLAINTEXT" => signature == key,
        "RSA-SHA256" => {
            UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, PUBLIC_KEY).verify(base.as_bytes(), &bytes).is_ok()
        }
        _ => return Err("signature_method_rejected".into()),
    };
    if right { Ok(()) } else { Err(format!("signature_invalid for {base}")) }
}

/// RFC 5849 §3.6.
fn encoded(bytes: &[u8]) -> String {
    let byte = |byte: &u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(*byte).to_string(),
        other => format!("%{other:02X}"),
    };
    bytes.iter().map(byte).collect()
}

fn decoded(text: &str) -> String {
    let form = text.replace('+', "%2B");
    url::form_urlencoded::parse(format!("x={form}").as_bytes())
        .next()
        .map(|(_, it)| it.into_owned())
        .unwrap_or_default()
}

fn random() -> String {
    let mut bytes = [0; 12];
    SystemRandom::new().fill(&mut bytes).expect("randomness");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
