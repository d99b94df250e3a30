//! A provider of OAuth 1.0a, or of 1.0 without a verifier: every request is signed, and every signature is made again here.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keyfob::registry::words::{OAuthVersion, SignatureMethod};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use ring::hmac;
use url::{Url, form_urlencoded};

use super::play::{Expected, Play};
use crate::support::{Answer, Redirect, Request, now};

/// RFC 5849 §3.6.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What the temporary credentials are; their secret has a character that must be encoded in the key.
const TEMPORARY: (&str, &str) = ("temporary-token", "temporary&secret");

/// What the person brings back.
const VERIFIER: &str = "verifier-4711";

/// A signed request, apart from who sent it.
pub struct Call<'a> {
    pub method: &'a str,
    pub url: &'a Url,
    pub authorization: &'a str,
    /// A form, which is signed too.
    pub form: &'a [u8],
}

impl Play {
    /// Temporary credentials (RFC 5849 §2.1).
    pub fn temporary(&mut self, request: &Request) -> Answer {
        let got = self.signed_request(request, "request_token_endpoint", "");
        let callback = got.get("oauth_callback").cloned().unwrap_or_default();
        let mut expected = Expected::new();
        if self.provider().oauth_version == OAuthVersion::V1a {
            expected.insert("oauth_callback".to_owned(), callback.clone());
            self.callback = Some(callback);
        }
        self.protocol_parameters("request_token_endpoint", expected, &got);
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("oauth_token", TEMPORARY.0).append_pair("oauth_token_secret", TEMPORARY.1);
        if self.provider().oauth_version == OAuthVersion::V1a {
            form.append_pair("oauth_callback_confirmed", "true");
        }
        Answer::new(200, "text/plain", form.finish())
    }

    /// The person agrees (RFC 5849 §2.2; OAuth Core 1.0 §6.2: the callback comes with the browser).
    pub fn consent(&mut self, opened: &str, redirect_uri: impl Fn(&str) -> Result<(), String>) -> Redirect {
        let url = Url::parse(opened).expect("an address");
        let endpoint = self.address("authorization_endpoint").expect("every provider has one");
        if (url.origin(), url.path()) != (endpoint.origin(), endpoint.path()) {
            self.differs(format!("the browser was sent to {}", url.path()));
        }
        let got = self.beyond(&endpoint, url.query().unwrap_or_default());
        let it = self.provider();
        let original = it.oauth_version == OAuthVersion::V1;
        let mut expected = it.authorize_params.clone();
        expected.insert("oauth_token".to_owned(), TEMPORARY.0.to_owned());
        if !it.scopes.is_empty() {
            expected.insert(it.scope_param.clone(), it.scopes.join(&it.scope_separator));
        }
        if original {
            let callback = got.iter().find(|(name, _)| name == "oauth_callback").map(|(_, value)| value.clone());
            expected.insert("oauth_callback".to_owned(), callback.clone().unwrap_or_default());
            self.callback = callback;
        }
        self.compare("authorization request", &expected, &got);
        let callback = self.callback.clone().unwrap_or_default();
        if let Err(wrong) = redirect_uri(&callback) {
            self.differs(wrong);
        }
        self.pin = VERIFIER.to_owned();
        let redirect = Redirect(Url::parse(&callback).unwrap_or(url)).adding("oauth_token", TEMPORARY.0);
        if original { redirect } else { redirect.adding("oauth_verifier", VERIFIER) }
    }

    /// Token credentials (RFC 5849 §2.3).
    pub fn credentials(&mut self, request: &Request) -> Answer {
        let got = self.signed_request(request, "token_endpoint", TEMPORARY.1);
        let mut expected = Expected::from([("oauth_token".to_owned(), TEMPORARY.0.to_owned())]);
        if self.provider().oauth_version == OAuthVersion::V1a {
            expected.insert("oauth_verifier".to_owned(), VERIFIER.to_owned());
        }
        self.protocol_parameters("token_endpoint", expected, &got);
        let token = format!("access/of-{}", self.provider().id);
        self.access_tokens.push(token.clone());
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("oauth_token", &token).append_pair("oauth_token_secret", &self.token_secret());
        for (name, value) in &self.person.claims {
            form.append_pair(name, value.as_str().unwrap_or_default());
        }
        for (name, value) in &self.values {
            if let Some(name) = name.strip_prefix("token.") {
                form.append_pair(name, value);
            }
        }
        Answer::new(200, "application/x-www-form-urlencoded", form.finish())
    }

    fn token_secret(&self) -> String {
        format!("token+secret%of-{}", self.provider().id)
    }

    /// A request with the token itself, as to userinfo or as a script sends it.
    pub fn presented(&mut self, what: &str, call: &Call<'_>) {
        let got = self.verified(what, call, &self.token_secret());
        let token = self.access_tokens.last().cloned().unwrap_or_default();
        self.protocol_parameters(what, Expected::from([("oauth_token".to_owned(), token)]), &got);
    }

    fn signed_request(&mut self, request: &Request, key: &'static str, secret: &str) -> BTreeMap<String, String> {
        let method = self.provider().token_request.method.word();
        let headers = self.provider().token_request.headers.clone();
        if request.method != method {
            self.differs(format!("{key}: {}, not {method}", request.method));
        }
        for (name, value) in &headers {
            self.header(key, request, name, Some(value));
        }
        let url = self.received(request);
        let authorization = request.header("authorization").unwrap_or_default();
        let call = Call { method: &request.method, url: &url, authorization, form: &request.body };
        self.verified(key, &call, secret)
    }

    /// The address that a request came to.
    pub fn received(&self, request: &Request) -> Url {
        let mut url = Url::parse(&self.origin).expect("an address").join(&request.path).expect("a path");
        url.set_query(Some(request.query.as_str()).filter(|query| !query.is_empty()));
        url
    }

    /// The parameters of a request whose signature is right.
    fn verified(&mut self, what: &str, call: &Call<'_>, token_secret: &str) -> BTreeMap<String, String> {
        let mut got = BTreeMap::new();
        for part in call.authorization.strip_prefix("OAuth ").unwrap_or_default().split(',') {
            let (name, value) = part.trim().split_once('=').unwrap_or((part, ""));
            let value = percent_decode_str(value.trim_matches('"')).decode_utf8_lossy().into_owned();
            if got.insert(name.to_owned(), value).is_some() {
                self.differs(format!("{what}: `{name}` twice"));
            }
        }
        let realm = got.remove("realm");
        if realm != self.provider().realm {
            self.differs(format!("{what}: the realm is {realm:?}"));
        }
        let signature = got.remove("oauth_signature").unwrap_or_default();
        let base = base_string(call, &got);
        let key = format!("{}&{}", encoded(&self.entry.secret()), encoded(token_secret));
        let mac = |algorithm| {
            STANDARD.encode(hmac::sign(&hmac::Key::new(algorithm, key.as_bytes()), base.as_bytes()).as_ref())
        };
        let right = match self.provider().signature_method {
            SignatureMethod::HmacSha1 => mac(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
            SignatureMethod::HmacSha256 => mac(hmac::HMAC_SHA256),
            SignatureMethod::Plaintext => key,
            other => panic!("nobody plays signatures by {}", other.word()),
        };
        if signature != right {
            self.differs(format!("{what}: the signature is not that of {base}"));
        }
        got
    }

    /// Exactly the parameters of RFC 5849 §3.1, with `more`; fresh nonce, right time.
    fn protocol_parameters(&mut self, what: &str, more: Expected, got: &BTreeMap<String, String>) {
        let find = |name: &str| got.get(name).cloned().unwrap_or_default();
        let mut expected = more;
        for (name, value) in [
            ("oauth_consumer_key", self.client_id.clone()),
            ("oauth_signature_method", self.provider().signature_method.word().to_owned()),
            ("oauth_timestamp", find("oauth_timestamp")),
            ("oauth_nonce", find("oauth_nonce")),
            ("oauth_version", "1.0".to_owned()),
        ] {
            expected.insert(name.to_owned(), value);
        }
        let time: i64 = find("oauth_timestamp").parse().unwrap_or_default();
        let nonce = find("oauth_nonce");
        if (time - now()).abs() > 60 || nonce.len() < 16 || !self.nonces.insert(nonce) {
            self.differs(format!("{what}: the time or the nonce is not fresh"));
        }
        let got: Vec<_> = got.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        self.compare(what, &expected, &got);
    }
}

/// RFC 5849 §3.4.1.
fn base_string(call: &Call<'_>, protocol: &BTreeMap<String, String>) -> String {
    let mut pairs: BTreeSet<(String, String)> =
        protocol.iter().map(|(name, value)| (encoded(name), encoded(value))).collect();
    let query = call.url.query().unwrap_or_default();
    for source in [query.as_bytes(), call.form] {
        pairs.extend(form_urlencoded::parse(source).map(|(name, value)| (encoded(&name), encoded(&value))));
    }
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut uri = call.url.clone();
    uri.set_query(None);
    format!("{}&{}&{}", call.method, encoded(uri.as_str()), encoded(&pairs.join("&")))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

#[test]
fn the_base_string_is_that_of_rfc_5849_section_3_4_1_1() {
    let url = Url::parse("http://example.com/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b").expect("an address");
    let call = Call { method: "POST", url: &url, authorization: "", form: b"c2&a3=2+q" };
    let protocol = [
        ("oauth_consumer_key", "9djdj82h48djs9d2"),
        ("oauth_token", "kkk9d7dh3k39sjv7"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131201"),
        ("oauth_nonce", "7d8f3e4a"),
    ];
    let protocol = protocol.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();

    let expected = "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540\
        %3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1\
        %26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7";
    assert_eq!(base_string(&call, &protocol), expected);
}
