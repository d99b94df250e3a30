//! What strangers send is read without a panic, whatever it is: good documents with bytes changed, cut, doubled and mixed.

use keyfob::protocol::authorization::check_extra;
use keyfob::protocol::http::retry_after;
use keyfob::protocol::indieauth::{self, profile_url};
use keyfob::protocol::jose::{JwkSet, Jws};
use keyfob::protocol::metadata::{AuthorizationServer, IssuerMatch};
use keyfob::protocol::oauth1::credentials::{self, Confirmation};
use keyfob::protocol::oauth1::{PrivateKey, Signing, problem};
use keyfob::protocol::token::{Asked, Rules, TokenResponse};
use keyfob::protocol::userinfo::{self, Form, Subject};
use keyfob::protocol::{json, scope};
use keyfob::secret::Secret;
use keyfob::session::{SessionKey, record};
use keyfob::system::http::Response;

/// Documents from which the others are made.
const SEEDS: [&str; 14] = [
    r#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"Bearer","expires_in":3600,"scope":"a b","refresh_token":"x"}"#,
    r#"{"error":"invalid_grant","error_description":"no","error_uri":"https://a.example"}"#,
    r#"{"issuer":"https://a.example","token_endpoint":"https://a.example/t","authorization_endpoint":"https://a.example/a","code_challenge_methods_supported":["S256"]}"#,
    r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"k","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},{"kty":"RSA","n":"AQAB","e":"AQAB"}]}"#,
    "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsifQ.eyJzdWIiOiJhIiwiZXhwIjoxfQ.AAAA",
    r#"{"version":1,"session":"a/b","access_token":"x","token_type":"Bearer","binding":{},"grant":"g","created_at":1}"#,
    "callback({\"access_token\":\"x\",\"token_type\":\"bearer\"});",
    "access_token=x%2Fy&token_type=bearer&expires_in=60",
    "Wed, 21 Oct 2015 07:28:00 GMT",
    "oauth_token=hdk48Djdsa&oauth_token_secret=xyz4992k83j47x0b&oauth_callback_confirmed=true&oauth_expires_in=1",
    "OAuth realm=\"x\", oauth_problem=\"timestamp_refused\", oauth_acceptable_timestamps=\"1000-2000\"",
    "<!doctype html><base href=/b/><!--x--><script><!--</script><LINK rel='me micropub' href='m?a=1&amp;b' rel=x /><template></template>",
    "<https://a.example/m>; rel=\"indieauth-metadata\"; anchor=\"#x\\\"\", </t>;rel=token_endpoint ;; title*=UTF-8''x",
    "https://Alice.example/users/../x?id=1#y",
];

/// xorshift64*, so that every run makes the same documents.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap_or(0) % bound.max(1)
    }

    fn document(&mut self) -> Vec<u8> {
        let mut bytes = SEEDS[self.below(SEEDS.len())].as_bytes().to_vec();
        for _ in 0..=self.below(6) {
            let at = self.below(bytes.len() + 1);
            match self.below(6) {
                0 if at < bytes.len() => bytes[at] = u8::try_from(self.below(256)).unwrap_or(0),
                1 => bytes.truncate(at),
                2 => bytes.insert(at, *b"\"{}[]\\,:.\0\n\xff".get(self.below(12)).unwrap_or(&0)),
                3 => {
                    let end = (at + self.below(20)).min(bytes.len());
                    let copy = bytes[at..end].to_vec();
                    bytes.splice(at..at, copy);
                }
                4 => {
                    let other = SEEDS[self.below(SEEDS.len())].as_bytes();
                    bytes.extend_from_slice(&other[self.below(other.len())..]);
                }
                _ => {
                    let end = (at + self.below(8)).min(bytes.len());
                    bytes.splice(at..end, [b'9'; 30]);
                }
            }
        }
        bytes
    }
}

#[test]
fn no_document_makes_a_reader_panic() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let key = SessionKey::parse("a/b").expect("a name");
    let scopes = ["a".to_owned(), "b".to_owned()];
    let lenient =
        Rules { any_format: true, path: vec!["x".into()], error_paths: vec!["a.b".into()], ..Rules::default() };
    let userinfo_rules = userinfo::Rules {
        subject: Subject::Named,
        form: Form::Json,
        issuer: Some("https://a.example"),
        client_id: "c",
        tolerance: 60,
        now: 0,
    };
    let page = "https://a.example/m".parse().expect("an address");
    let signing = Signing::HmacSha1(Secret::default());
    for _ in 0..20_000 {
        let bytes = random.document();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let media = ["application/json", "text/plain", "text/javascript", "application/jwt"][random.below(4)];
        let mut response = Response::new(bytes.clone());
        response.headers_mut().insert("content-type", http::HeaderValue::from_static(media));
        *response.status_mut() =
            http::StatusCode::from_u16([200, 201, 302, 400, 401, 503][random.below(6)]).expect("a status");
        if let Ok(value) = http::HeaderValue::from_bytes(&bytes) {
            response.headers_mut().insert("retry-after", value.clone());
            response.headers_mut().insert("www-authenticate", value.clone());
            response.headers_mut().insert("link", value.clone());
            response.headers_mut().insert("location", value.clone());
            response.headers_mut().insert("date", value);
        }

        for rules in [&Rules::default(), &lenient] {
            let _ = TokenResponse::read(&response, rules, Asked { at: i64::MAX - 5, scopes: &scopes });
        }
        let _ = retry_after(&response, i64::MIN);
        let _ = userinfo::parse(&response, &userinfo_rules);
        if let Ok(members) = json::parse_object(&bytes) {
            let _ = AuthorizationServer::read(&members, "https://a.example", IssuerMatch::Exact);
            let _ = AuthorizationServer::read(&members, "https://a.example", IssuerMatch::Template);
            let _ = indieauth::issuer(&members, &page);
        }
        let _ = credentials::temporary(&response, &signing, Confirmation::Required, 0);
        let _ = credentials::issued(&response, &signing, i64::MAX);
        let _ = problem::server_time(&response, i64::MIN);
        let _ = PrivateKey::from_pem(&text);
        let _ = JwkSet::parse(&bytes);
        let _ = Jws::parse(&text);
        let _ = record::from_bytes(&bytes, &key, "here");
        let _ = SessionKey::new("a", &text);
        let _ = SessionKey::parse(&text);
        let _ = check_extra("claims", &text);
        let _ = scope::split(&text, ",", &scopes);
        let _ = indieauth::redirect(&response, &page);
        let _ = indieauth::me(&text);
        let _ = profile_url(&text).map(|me| indieauth::account(&me));
        response.headers_mut().insert("content-type", http::HeaderValue::from_static("text/html"));
        let _ = indieauth::links(&response, &page);
    }
}
