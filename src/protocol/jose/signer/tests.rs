use serde_json::{Value, json};

use super::{BadKey, Signer};
use crate::protocol::jose::testing::key_set;
use crate::protocol::jose::{Algorithm, Jws, VerificationKeys};

// Made for these tests with `openssl genpkey` and turned into JWKs with Python; they guard nothing.
const RSA: &str = include_str!("rsa.pem");
const RSA_PKCS1: &str = include_str!("rsa-pkcs1.pem");
const RSA_JWK: &str = include_str!("rsa.jwk.json");
const P256: &str = include_str!("p256.pem");
const P256_JWK: &str = include_str!("p256.jwk.json");
const P384: &str = include_str!("p384.pem");
const ED25519: &str = include_str!("ed25519.pem");
const SEC1: &str = include_str!("sec1.pem");
const WEAK: &str = include_str!("weak.pem");

fn public(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[track_caller]
fn signs(key: &str, jwk: Value, algorithm: Algorithm) {
    let token = Signer::parse(key).unwrap().sign(algorithm, None, &json!({"sub": "x"})).unwrap();

    let set = key_set(&[jwk]);
    let verified = Jws::parse(&token).unwrap().verify(VerificationKeys::Published(&set), &[algorithm]).unwrap();

    assert_eq!(Value::Object(verified.into_claims()), json!({"sub": "x"}));
}

#[test]
fn what_a_key_signs_its_public_half_verifies() {
    let rsa = public(include_str!("rsa.json"));
    for algorithm in
        [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384, Algorithm::PS512]
    {
        signs(RSA, rsa.clone(), algorithm);
    }
    signs(RSA_PKCS1, rsa.clone(), Algorithm::RS256);
    signs(RSA_JWK, rsa, Algorithm::PS256);
    signs(P256, public(include_str!("p256.json")), Algorithm::ES256);
    signs(P256_JWK, public(include_str!("p256.json")), Algorithm::ES256);
    signs(P384, public(include_str!("p384.json")), Algorithm::ES384);
    signs(ED25519, public(include_str!("ed25519.json")), Algorithm::EdDSA);
}

#[test]
fn a_key_of_its_own_name_says_it_and_a_given_name_wins() {
    let mut jwk = public(P256_JWK);
    jwk["kid"] = "own".into();
    let signer = Signer::parse(&jwk.to_string()).unwrap();
    let kid = |kid: Option<&str>| {
        let token = signer.sign(Algorithm::ES256, kid, &json!({})).unwrap();
        let header = crate::protocol::jose::base64url(token.split('.').next().unwrap()).unwrap();
        serde_json::from_slice::<Value>(&header).unwrap()["kid"].clone()
    };

    assert_eq!(kid(None), "own");
    assert_eq!(kid(Some("given")), "given");
}

#[test]
fn the_first_algorithm_that_both_sides_have_is_chosen() {
    let signer = Signer::parse(RSA).unwrap();
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();

    assert_eq!(signer.choose(None), Ok(Algorithm::RS256));
    assert_eq!(signer.choose(Some(&list(&["ES256", "PS256", "none"]))), Ok(Algorithm::PS256));
    assert_eq!(signer.choose(Some(&list(&["ES256"]))), Err(BadKey::Algorithm(Algorithm::RS256)));
}

#[test]
fn a_key_signs_with_its_own_kind_only() {
    let signer = Signer::parse(P256).unwrap();

    for algorithm in [Algorithm::ES384, Algorithm::RS256, Algorithm::HS256] {
        assert_eq!(signer.sign(algorithm, None, &json!({})), Err(BadKey::Algorithm(algorithm)));
    }
}

#[test]
fn an_algorithm_that_the_key_names_is_the_only_one() {
    let mut jwk = public(RSA_JWK);
    jwk["alg"] = "PS256".into();
    let signer = Signer::parse(&jwk.to_string()).unwrap();

    assert_eq!(signer.choose(None), Ok(Algorithm::PS256));
    assert_eq!(signer.sign(Algorithm::RS256, None, &json!({})), Err(BadKey::Algorithm(Algorithm::RS256)));
    jwk["alg"] = "ES256".into();
    assert!(matches!(Signer::parse(&jwk.to_string()), Err(BadKey::Algorithm(Algorithm::ES256))));
}

#[test]
fn what_is_no_usable_key_is_told_apart_and_not_repeated() {
    let broken = P256.replace("MIGH", "AAAA");
    for (text, expected) in [
        ("", BadKey::Format),
        ("no key", BadKey::Format),
        ("{}", BadKey::Unusable),
        ("{\"kty\":", BadKey::Format),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", BadKey::NotPrivate),
        ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----", BadKey::Encrypted),
        ("-----BEGIN PRIVATE KEY-----\ncanary!\n-----END PRIVATE KEY-----", BadKey::Unusable),
        (SEC1, BadKey::Sec1),
        (WEAK, BadKey::Unusable),
        (&broken, BadKey::Unusable),
    ] {
        let error = Signer::parse(text).unwrap_err();
        assert_eq!(error, expected, "{text}");
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
    assert_eq!(format!("{:?}", Signer::parse(P256).unwrap()), "Signer(ES256)");
}
