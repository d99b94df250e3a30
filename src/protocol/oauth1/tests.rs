//! Signatures against the specifications' examples and another implementation; answers as servers give them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::json;
use url::Url;

use super::credentials::{Confirmation, issued, temporary};
use super::signature::{Signing, base_string};
use super::{Consumer, Credentials, Error, Fresh, PrivateKey, header, problem};
use crate::protocol;
use crate::protocol::call::{Body, Call};
use crate::secret::Secret;
use crate::system::http::Response;

const KEY: &str = include_str!("test-key.pem");
const KEY_PKCS1: &str = include_str!("test-key-pkcs1.pem");
const PUBLIC_KEY: &[u8] = include_bytes!("test-key-public.der");

/// The base string of a request.
fn base(method: &str, url: &str, body: Body<'_>, protocol: &[(&str, &str)]) -> String {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    base_string(&Call { method: &method, url: &Url::parse(url).unwrap(), body }, protocol)
}

fn hmac_sha1(secret: &str, token_secret: &str, base: &str) -> String {
    Signing::HmacSha1(secret.into()).sign(base, token_secret).unwrap().expose().to_owned()
}

/// The normalised parameters of a query.
fn normalised(query: &str) -> String {
    let base = base("GET", &format!("https://a.example/?{query}"), Body::None, &[]);
    let encoded = base.rsplit('&').next().unwrap();
    percent_encoding::percent_decode_str(encoded).decode_utf8().unwrap().into_owned()
}

/// RFC 5849 §3.4.1.1, §3.4.1.3; the signature printed there belongs to other secrets; this is what every implementation makes.
#[test]
fn the_base_string_is_that_of_the_specification() {
    let protocol = [
        ("oauth_consumer_key", "9djdj82h48djs9d2"),
        ("oauth_token", "kkk9d7dh3k39sjv7"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131201"),
        ("oauth_nonce", "7d8f3e4a"),
    ];

    let url = "http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b";
    let base = base("POST", url, Body::Form(b"c2&a3=2+q"), &protocol);

    assert_eq!(
        base,
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D\
         %26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1\
         %26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    );
    assert_eq!(hmac_sha1("j49sk3j29djd", "dh893hdasih9", &base), "r6/TJjbCOr97/+UU0NsvSne7s5g=");
}

/// The three requests of RFC 5849 §1.2.
#[test]
fn the_signatures_of_the_specifications_example_are_reproduced() {
    let common = [("oauth_consumer_key", "dpf43f3p2l4k3l03"), ("oauth_signature_method", "HMAC-SHA1")];
    for (method, url, own, token_secret, expected) in [
        (
            "POST",
            "https://photos.example.net/initiate",
            &[
                ("oauth_timestamp", "137131200"),
                ("oauth_nonce", "wIjqoS"),
                ("oauth_callback", "http://printer.example.com/ready"),
            ][..],
            "",
            "74KNZJeDHnMBp0EMJ9ZHt/XKycU=",
        ),
        (
            "POST",
            "https://photos.example.net/token",
            &[
                ("oauth_token", "hh5s93j4hdidpola"),
                ("oauth_timestamp", "137131201"),
                ("oauth_nonce", "walatlh"),
                ("oauth_verifier", "hfdp7dh39dks9884"),
            ],
            "hdhd0244k9j7ao03",
            "gKgrFCywp7rO0OXSjdot/IHF7IU=",
        ),
        (
            "GET",
            "http://photos.example.net/photos?file=vacation.jpg&size=original",
            &[("oauth_token", "nnch734d00sl2jdk"), ("oauth_timestamp", "137131202"), ("oauth_nonce", "chapoH")],
            "pfkkdhi9sl3r4s00",
            "MdpQcU8iPSUjWoN/UDMsK2sui9I=",
        ),
    ] {
        let base = base(method, url, Body::None, &[&common, own].concat());
        assert_eq!(hmac_sha1("kd94hf93k423kf44", token_secret, &base), expected, "{url}");
    }
}

/// OAuth Core 1.0a appendix A.5.
#[test]
fn the_signature_of_oauth_core_is_reproduced() {
    let protocol = [
        ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
        ("oauth_token", "nnch734d00sl2jdk"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "1191242096"),
        ("oauth_nonce", "kllo9940pd9333jh"),
        ("oauth_version", "1.0"),
    ];

    let base = base("GET", "http://photos.example.net/photos?file=vacation.jpg&size=original", Body::None, &protocol);

    assert_eq!(hmac_sha1("kd94hf93k423kf44", "pfkkdhi9sl3r4s00", &base), "tR3+Ty81lMeYAr/Fid0kMTYa/WM=");
}

/// The example of Twitter's page "Creating a signature"; its secrets were made for it.
#[test]
fn a_form_with_blanks_and_plus_signs_is_signed_as_twitter_does() {
    let protocol = [
        ("oauth_consumer_key", "xvz1evFS4wEEPTGEFPHBog"),
        ("oauth_nonce", "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "1318622958"),
        ("oauth_token", "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb"),
        ("oauth_version", "1.0"),
    ];
    let secrets = ("kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw", "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE");
    for form in [
        "status=Hello%20Ladies%20%2b%20Gentlemen%2c%20a%20signed%20OAuth%20request%21",
        "status=Hello+Ladies+%2B+Gentlemen,+a+signed+OAuth+request!",
    ] {
        let url = "https://api.twitter.com/1.1/statuses/update.json?include_entities=true";
        let base = base("POST", url, Body::Form(form.as_bytes()), &protocol);
        assert_eq!(hmac_sha1(secrets.0, secrets.1, &base), "hCtSmYh+iHYCEqBWrE7C7hYmtUk=", "{form}");
    }
}

/// The cases of the page "TestCases" of the OAuth wiki (2008).
#[test]
fn parameters_are_normalised() {
    for (query, expected) in [
        ("name", "name="),
        ("a=b", "a=b"),
        ("a=b&c=d", "a=b&c=d"),
        ("a=x%21y&a=x+y", "a=x%20y&a=x%21y"),
        ("x%21y=a&x=a", "x=a&x%21y=a"),
        ("a=1&c=hi%20there&f=25&f=50&f=a&z=p&z=t", "a=1&c=hi%20there&f=25&f=50&f=a&z=p&z=t"),
        ("a=2&a=1&A=3", "A=3&a=1&a=2"),
        ("%C3%A9=%e2%98%83", "%C3%A9=%E2%98%83"),
        ("b=&a=", "a=&b="),
    ] {
        assert_eq!(normalised(query), expected, "{query}");
    }
}

#[test]
fn the_address_is_without_default_port_and_in_small_letters() {
    for (url, expected) in [
        ("HTTP://Example.COM:80/Path", "http%3A%2F%2Fexample.com%2FPath"),
        ("https://example.com:443", "https%3A%2F%2Fexample.com%2F"),
        ("https://example.com:80/", "https%3A%2F%2Fexample.com%3A80%2F"),
        ("http://[::1]:8080/r%20v/X", "http%3A%2F%2F%5B%3A%3A1%5D%3A8080%2Fr%2520v%2FX"),
    ] {
        assert_eq!(base("get", url, Body::None, &[]), format!("GET&{expected}&"), "{url}");
    }
}

#[test]
fn only_forms_add_their_parameters() {
    let signed = |body| base("POST", "https://a.example/", body, &[]);

    assert!(signed(Body::Form(b"a=b")).ends_with("&a%3Db"));
    for body in [Body::Other(b"a=b"), Body::Streamed, Body::None] {
        assert!(signed(body).ends_with("a.example%2F&"), "{body:?}");
    }
}

/// What a signature covers, and the header with it.
fn authorized(signing: Signing, realm: Option<&str>, method: &Method, url: &str, body: Body<'_>) -> String {
    let consumer = Consumer { key: "key".into(), signing, realm: realm.map(str::to_owned) };
    let credentials = Credentials { token: "tok/en".into(), secret: "to ken%".into() };
    let url = Url::parse(url).unwrap();
    let fresh = Fresh { timestamp: 1_500_000_000, nonce: "abc".into() };
    let call = Call { method, url: &url, body };
    let value = header::authorization(&consumer, Some(&credentials), &[], &call, &fresh).unwrap();
    assert!(value.is_sensitive());
    value.to_str().unwrap().to_owned()
}

/// Expected values are those of oauthlib 3.2.2; of body hashes with SHA-256, which it does not make, of openssl.
#[test]
fn whole_headers_are_as_another_implementation_makes_them() {
    let secret = || Secret::new("sec&ret é");
    let json = Body::Other(br#"{"a":1}"#);
    for (signing, method, url, body, expected) in [
        (
            Signing::HmacSha256(secret()),
            Method::POST,
            "http://example.com/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b",
            Body::Form(b"c2=&a3=2+q"),
            "oauth_signature=\"zq37hMTi8%2FEJW3bgB2OfqpmaNueaAnuDDgWPNiwes5U%3D\"",
        ),
        (
            Signing::HmacSha1(secret()),
            Method::PUT,
            "https://[::1]:8443/a%20b/c?x=1",
            json,
            "oauth_body_hash=\"n4nHQM60bXQYySSnisV5QdXpZSA%3D\", oauth_signature=\"zQrb437GhfO3myVu3dR5iUpnQa4%3D\"",
        ),
        (
            Signing::HmacSha1(secret()),
            Method::DELETE,
            "https://example.com:443/x?a=1&a=1&a=&b",
            Body::None,
            "oauth_signature=\"OWsi4nfpOwEmcNHX5ueruz61GYA%3D\"",
        ),
        (
            Signing::HmacSha1(secret()),
            Method::PATCH,
            "https://example.com",
            Body::Form(b"a=%C3%A9&a=+"),
            "oauth_signature=\"MXsTPAADCSAIxsA6zU3RjY8NiGk%3D\"",
        ),
        (
            Signing::Plaintext(secret()),
            Method::GET,
            "https://example.com/",
            Body::None,
            "oauth_signature=\"sec%2526ret%2520%25C3%25A9%26to%2520ken%2525\"",
        ),
    ] {
        let name = signing.method();
        let value = authorized(signing, None, &method, url, body);
        let common = format!(
            "OAuth oauth_consumer_key=\"key\", oauth_token=\"tok%2Fen\", oauth_signature_method=\"{name}\", \
             oauth_timestamp=\"1500000000\", oauth_nonce=\"abc\", oauth_version=\"1.0\", "
        );
        assert_eq!(value, format!("{common}{expected}"), "{method} {url}");
    }
    let value = authorized(Signing::HmacSha256(secret()), None, &Method::PUT, "https://a.example/", json);
    // printf '{"a":1}' | openssl dgst -sha256 -binary | base64
    assert!(value.contains("oauth_body_hash=\"AVq9f1zFei3ZS3WQ8ErYCEJzkF7jPsXOvq5iJ2qX%2BGI%3D\""), "{value}");
}

/// RFC 5849 §2.1, §2.3: the examples of PLAINTEXT.
#[test]
fn plaintext_signatures_are_the_secrets() {
    let signing = Signing::Plaintext("ja893SD9".into());

    assert_eq!(signing.sign("", "").unwrap().expose(), "ja893SD9&");
    assert_eq!(signing.sign("", "xyz4992k83j47x0b").unwrap().expose(), "ja893SD9&xyz4992k83j47x0b");
    assert_eq!(signing.body_hash(Body::Other(b"x")), None);
}

#[test]
fn the_realm_is_quoted_and_changes_no_signature() {
    let with = |realm| authorized(Signing::HmacSha1("s".into()), realm, &Method::GET, "https://a.example/", Body::None);

    let (without, with) = (with(None), with(Some("a \"b\" \\")));

    assert_eq!(with, without.replacen("OAuth ", "OAuth realm=\"a \\\"b\\\" \\\\\", ", 1));
}

#[test]
fn secrets_travel_in_no_header_but_those_of_plaintext() {
    let value = authorized(Signing::HmacSha1("hunter2".into()), None, &Method::GET, "https://a.example/", Body::None);

    assert!(!value.contains("hunter2") && !value.contains("ken%25"), "{value}");
}

#[test]
fn what_must_not_be_sent_is_not_made() {
    let consumer = |signing, realm: Option<&str>| Consumer { key: "k".into(), signing, realm: realm.map(Into::into) };
    let made = |consumer: &Consumer, url: &str, timestamp| {
        let url = Url::parse(url).unwrap();
        let call = Call { method: &Method::GET, url: &url, body: Body::None };
        header::authorization(consumer, None, &[], &call, &Fresh { timestamp, nonce: "n".into() })
    };
    let plaintext = consumer(Signing::Plaintext("s".into()), None);

    let refused = made(&plaintext, "http://api.example/x?y", 1);
    assert!(
        matches!(refused, Err(protocol::Error::OAuth1(Error::Plaintext { url, .. })) if url == "http://api.example/x")
    );
    assert!(made(&plaintext, "http://127.0.0.1:1/", 1).is_ok());
    assert!(made(&plaintext, "https://api.example/", 1).is_ok());
    assert!(matches!(made(&plaintext, "https://a.example/", 0), Err(protocol::Error::OAuth1(Error::Clock))));
    for realm in ["a\nb", "é"] {
        let consumer = consumer(Signing::HmacSha1("s".into()), Some(realm));
        let outcome = made(&consumer, "https://a.example/", 1);
        assert!(matches!(outcome, Err(protocol::Error::Parameter { name, .. }) if name == "realm"), "{realm:?}");
    }
}

#[test]
fn a_key_signs_in_either_form() {
    let verifier = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, PUBLIC_KEY);
    for pem in [KEY, KEY_PKCS1] {
        let signing = Signing::RsaSha256(PrivateKey::from_pem(pem).unwrap());
        let signature = signing.sign("text", "is not used").unwrap();
        verifier.verify(b"text", &STANDARD.decode(signature.expose()).unwrap()).unwrap();
    }
}

#[cfg(feature = "rsa-sha1")]
#[test]
fn a_key_signs_with_sha1_where_the_build_can() {
    let legacy = &ring::signature::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY;
    let verifier = UnparsedPublicKey::new(legacy, PUBLIC_KEY);
    for pem in [KEY, KEY_PKCS1] {
        let signing = Signing::RsaSha1(PrivateKey::from_pem(pem).unwrap());
        let signature = signing.sign("text", "is not used").unwrap();
        verifier.verify(b"text", &STANDARD.decode(signature.expose()).unwrap()).unwrap();
    }
}

#[test]
fn what_is_no_usable_key_is_refused() {
    let encrypted = KEY_PKCS1.replacen('\n', "\nProc-Type: 4,ENCRYPTED\n", 1);
    let other = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for pem in ["", "hunter2", &encrypted, &KEY[..200], other, &KEY.replace('M', "*")] {
        assert!(matches!(PrivateKey::from_pem(pem), Err(Error::Key { .. })), "{pem}");
    }
    assert_eq!(format!("{:?}", PrivateKey::from_pem(KEY).unwrap()), "PrivateKey(…)");
}

fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Response {
    let mut response = Response::new(body.as_bytes().to_vec());
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
    for (name, value) in headers {
        response.headers_mut().append(*name, value.parse().unwrap());
    }
    response
}

fn hmac() -> Signing {
    Signing::HmacSha1("s".into())
}

/// RFC 5849 §2.1.
#[test]
fn temporary_credentials_are_read_whatever_the_media_type() {
    let body = "oauth_token=hdk48Djdsa&oauth_token_secret=xyz4992k83j47x0b&oauth_callback_confirmed=true\n";
    let python = answer(200, &[], &body.replace("true", "True"));
    assert!(temporary(&python, &hmac(), Confirmation::Required, 0).is_ok());
    for media_type in ["application/x-www-form-urlencoded", "text/plain", "text/html", "application/json", ""] {
        let response = answer(200, &[("content-type", media_type)], body);
        let read = temporary(&response, &hmac(), Confirmation::Required, 0).unwrap();
        let expected = Credentials { token: "hdk48Djdsa".into(), secret: "xyz4992k83j47x0b".into() };
        assert_eq!(read, expected, "{media_type}");
    }
}

#[test]
fn an_unconfirmed_callback_is_refused_unless_the_original_protocol_is_spoken() {
    for confirmed in
        ["", "&oauth_callback_confirmed=false", "&oauth_callback_confirmed=", "&oauth_callback_confirmed=1"]
    {
        let response = answer(200, &[], &format!("oauth_token=t&oauth_token_secret=s{confirmed}"));
        let read = |confirmation| temporary(&response, &hmac(), confirmation, 0);
        let refused = read(Confirmation::Required);
        assert!(matches!(refused, Err(protocol::Error::OAuth1(Error::NotConfirmed))), "{confirmed}");
        assert!(read(Confirmation::Unknown).is_ok());
    }
}

#[test]
fn malformed_credentials_are_refused_with_the_parameter() {
    for (body, field) in [
        ("", "oauth_token"),
        ("<html>", "oauth_token"),
        (r#"{"oauth_token":"t","oauth_token_secret":"s"}"#, "oauth_token"),
        ("oauth_token=&oauth_token_secret=s", "oauth_token"),
        ("oauth_token=t&oauth_token=u&oauth_token_secret=s", "oauth_token"),
        ("oauth_token=a%0Ab&oauth_token_secret=s", "oauth_token"),
        ("oauth_token=%FF&oauth_token_secret=s", "oauth_token"),
        ("oauth_token=t", "oauth_token_secret"),
        ("oauth_token=t&oauth_token_secret=", "oauth_token_secret"),
        ("oauth_token=t&oauth_token_secret=%1B", "oauth_token_secret"),
        ("oauth_token=t&oauth_token_secret=s&oauth_token_secret=s", "oauth_token_secret"),
    ] {
        let outcome = issued(&answer(200, &[], body), &hmac(), 0);
        assert!(matches!(outcome, Err(protocol::Error::Field { field: found, .. }) if found == field), "{body}");
    }
}

#[test]
fn a_token_without_a_secret_will_do_where_a_key_signs() {
    let signing = Signing::RsaSha256(PrivateKey::from_pem(KEY).unwrap());

    assert!(issued(&answer(200, &[], "oauth_token=t&oauth_token_secret="), &signing, 0).is_ok());
}

#[test]
fn further_parameters_are_kept() {
    let body =
        "user_id=38895958&oauth_token=t&screen_name=theSeanCook&oauth_token_secret=s&x=%C3%A9&oauth_expires_in=3600";

    let issued = issued(&answer(200, &[], body), &hmac(), 0).unwrap();

    let extra = json!({ "user_id": "38895958", "screen_name": "theSeanCook", "x": "é", "oauth_expires_in": "3600" });
    assert_eq!(serde_json::Value::Object(issued.extra), extra);
    assert_eq!(issued.expires_in, Some(3600));
}

#[test]
fn refusals_are_told_in_the_servers_words() {
    let challenge = "OAuth realm=\"x\", oauth_problem=\"token_rejected\", oauth_problem_advice=\"log%20in\"";
    for (response, error, description) in [
        (
            answer(401, &[], "oauth_problem=signature_invalid&oauth_problem_advice=a+b"),
            "signature_invalid",
            Some("a b"),
        ),
        (answer(200, &[], "oauth_problem=consumer_key_unknown"), "consumer_key_unknown", None),
        (answer(401, &[("www-authenticate", challenge)], ""), "token_rejected", Some("log in")),
        (answer(400, &[], "error=invalid_nonce&error_description=Used"), "invalid_nonce", Some("Used")),
        (answer(401, &[], "Invalid signature"), "401", Some("Invalid signature")),
        (answer(403, &[("content-type", "text/html")], "<h1>no</h1>"), "403", None),
    ] {
        let Err(protocol::Error::Server(told)) = issued(&response, &hmac(), 0) else { panic!("{error}") };
        assert_eq!((told.error.as_str(), told.description.as_deref()), (error, description));
    }
}

#[test]
fn a_redirect_and_a_failure_are_neither_refusals_nor_credentials() {
    let body = "oauth_token=t&oauth_token_secret=s";
    let read = |status, headers: &[(&'static str, &str)]| issued(&answer(status, headers, body), &hmac(), 0);

    assert!(matches!(read(302, &[("location", "https://b.example/")]), Err(protocol::Error::Redirected { .. })));
    assert!(matches!(read(503, &[]), Err(protocol::Error::Unavailable { .. })));
    assert!(matches!(read(404, &[]), Err(protocol::Error::Status { status: 404, .. })));
}

#[test]
fn the_servers_time_is_taken_from_what_it_refuses_with() {
    const DATE: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    let refused = "oauth_problem=timestamp_refused";
    for (response, expected) in [
        (answer(401, &[], &format!("{refused}&oauth_acceptable_timestamps=1000-1600")), Some(1300)),
        (answer(401, &[DATE], refused), Some(784_111_777)),
        (answer(401, &[DATE], "Timestamp out of bounds"), Some(784_111_777)),
        (
            answer(400, &[DATE], "error=invalid_request&error_description=Invalid+%22oauth_timestamp%22"),
            Some(784_111_777),
        ),
        (answer(401, &[], refused), None),
        (answer(200, &[DATE], refused), None),
        (answer(401, &[DATE], "oauth_problem=signature_invalid&x=timestamp"), None),
        (answer(401, &[DATE], "Expected GET&http%3A%2F%2Fx&oauth_timestamp%3D1"), None),
        (answer(401, &[], &format!("{refused}&oauth_acceptable_timestamps=9-1")), None),
        (answer(401, &[], &format!("{refused}&oauth_acceptable_timestamps=0-99999999999999999999")), None),
    ] {
        assert_eq!(problem::server_time(&response, 5), expected, "{response:?}");
    }
    assert_eq!(problem::server_time(&answer(401, &[DATE], "bad timestamp"), 784_111_800), None, "our clock is right");
}
