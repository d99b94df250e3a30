use serde_json::{Value, json};

use super::{BadKey, KeyHeader, Reading, Signer, sign_with_secret};
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
const P521: &str = include_str!("p521.pem");
const SEC1: &str = include_str!("sec1.pem");
/// The same as `P256`, under the passphrase `correct-horse`.
const ENCRYPTED: &str = include_str!("encrypted.pem");
const WEAK: &str = include_str!("weak.pem");

fn public(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[track_caller]
fn signs(key: &str, jwk: Value, algorithm: Algorithm) {
    let token = Signer::parse(key, Reading::default())
        .unwrap()
        .sign(algorithm, KeyHeader::default(), &json!({"sub": "x"}))
        .unwrap();

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
    signs(SEC1, public(include_str!("p256.json")), Algorithm::ES256);
    signs(P521, public(include_str!("p521.json")), Algorithm::ES512);
    signs(include_str!("p521-sec1.pem"), public(include_str!("p521.json")), Algorithm::ES512);
    signs(ED25519, public(include_str!("ed25519.json")), Algorithm::EdDSA);
}

#[test]
fn a_key_of_its_own_name_says_it_and_a_given_name_wins() {
    let mut jwk = public(P256_JWK);
    jwk["kid"] = "own".into();
    let signer = Signer::parse(&jwk.to_string(), Reading::default()).unwrap();
    let kid = |kid: Option<&str>| {
        let token = signer.sign(Algorithm::ES256, KeyHeader { kid, certificate: None }, &json!({})).unwrap();
        let header = crate::protocol::jose::base64url(token.split('.').next().unwrap()).unwrap();
        serde_json::from_slice::<Value>(&header).unwrap()["kid"].clone()
    };

    assert_eq!(kid(None), "own");
    assert_eq!(kid(Some("given")), "given");
}

#[test]
fn the_first_algorithm_that_both_sides_have_is_chosen() {
    let signer = Signer::parse(RSA, Reading::default()).unwrap();
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();

    assert_eq!(signer.choose(None, None), Ok(Algorithm::RS256));
    assert_eq!(signer.choose(None, Some(&list(&["ES256", "PS256", "none"]))), Ok(Algorithm::PS256));
    assert_eq!(
        signer.choose(None, Some(&list(&["ES256"]))),
        Err(BadKey::NotTaken { kind: "RSA", own: Algorithm::RS256 })
    );
    assert_eq!(signer.choose(Some(Algorithm::PS512), Some(&list(&["ES256"]))), Ok(Algorithm::PS512));
    let cannot = BadKey::Algorithm { kind: "RSA", wanted: Algorithm::ES256 };
    assert_eq!(signer.choose(Some(Algorithm::ES256), None), Err(cannot));
    assert_eq!(cannot.to_string(), "it is of the kind RSA, which cannot sign with ES256");
}

#[test]
fn a_key_signs_with_its_own_kind_only() {
    let signer = Signer::parse(P256, Reading::default()).unwrap();

    for algorithm in [Algorithm::ES384, Algorithm::RS256, Algorithm::HS256] {
        assert_eq!(
            signer.sign(algorithm, KeyHeader::default(), &json!({})),
            Err(BadKey::Algorithm { kind: "P-256", wanted: algorithm })
        );
    }
}

#[test]
fn an_algorithm_that_the_key_names_is_the_only_one() {
    let mut jwk = public(RSA_JWK);
    jwk["alg"] = "PS256".into();
    let signer = Signer::parse(&jwk.to_string(), Reading::default()).unwrap();

    assert_eq!(signer.choose(None, None), Ok(Algorithm::PS256));
    assert_eq!(
        signer.sign(Algorithm::RS256, KeyHeader::default(), &json!({})),
        Err(BadKey::Algorithm { kind: "RSA", wanted: Algorithm::RS256 })
    );
    jwk["alg"] = "ES256".into();
    assert!(matches!(
        Signer::parse(&jwk.to_string(), Reading::default()),
        Err(BadKey::Algorithm { kind: "RSA", wanted: Algorithm::ES256 })
    ));
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
        (ENCRYPTED, BadKey::Encrypted),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----",
            BadKey::OldEncryption,
        ),
        ("-----BEGIN PRIVATE KEY-----\ncanary!\n-----END PRIVATE KEY-----", BadKey::Unusable),
        (WEAK, BadKey::Unusable),
        (&broken, BadKey::Unusable),
    ] {
        let error = Signer::parse(text, Reading::default()).unwrap_err();
        assert_eq!(error, expected, "{text}");
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
    assert_eq!(format!("{:?}", Signer::parse(P256, Reading::default()).unwrap()), "Signer(ES256)");
}

#[test]
fn an_encrypted_key_opens_by_its_passphrase_only() {
    let opened = |text: &str, passphrase: &str| {
        Signer::parse(text, Reading { passphrase: Some(&passphrase.into()), kid: None }).map(|signer| signer.kind())
    };

    for text in [ENCRYPTED, include_str!("encrypted-scrypt.pem"), P256] {
        assert_eq!(opened(text, "correct-horse"), Ok("P-256"));
    }
    assert_eq!(opened(ENCRYPTED, "wrong-horse"), Err(BadKey::Passphrase));
    assert_eq!(opened(include_str!("encrypted-des3.pem"), "correct-horse"), Err(BadKey::UnknownEncryption));
}

#[test]
fn of_a_set_the_named_key_is_taken_else_the_only_one() {
    let named = |kid: &str| {
        let mut key = public(P256_JWK);
        key["kid"] = kid.into();
        key
    };
    let read = |set: Value, kid: Option<&str>| {
        let signer = Signer::parse(&set.to_string(), Reading { passphrase: None, kid });
        signer.map(|signer| signer.kid().unwrap_or_default().to_owned())
    };
    let two = json!({ "keys": [named("a"), named("b")] });

    assert_eq!(read(json!({ "keys": [named("a")] }), None).as_deref(), Ok("a"));
    assert_eq!(read(two.clone(), Some("b")).as_deref(), Ok("b"));
    assert_eq!(read(two.clone(), None), Err(BadKey::Several));
    assert_eq!(read(two, Some("c")), Err(BadKey::NoSuchKey));
    assert_eq!(read(json!({ "keys": [] }), None), Err(BadKey::Unusable));
}

// RFC 8037 appendix A.1, A.4.
#[test]
fn ed25519_signs_as_rfc_8037_shows() {
    let jwk = json!({
        "kty": "OKP", "crv": "Ed25519", "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    });
    let signer = Signer::parse(&jwk.to_string(), Reading::default()).unwrap();

    let signature =
        signer.signature(Algorithm::EdDSA, b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc").unwrap();

    assert_eq!(
        Some(signature),
        crate::protocol::jose::base64url(
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        )
    );
}

// RFC 7515 appendix A.4.
#[test]
fn the_key_of_rfc_7515_for_es512_signs_what_its_public_half_verifies() {
    let mut jwk = json!({
        "kty": "EC", "crv": "P-521",
        "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
        "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2",
        "d": "AY5pb7A0UFiB3RELSD64fTLOSV_jazdF7fLYyuTw8lOfRhWg6Y6rUrPAxerEzgdRhajnu0ferB0d53vM9mE15j2C",
    });
    let private = jwk.to_string();
    jwk.as_object_mut().unwrap().remove("d");
    signs(&private, jwk.clone(), Algorithm::ES512);

    let mut foreign: Value = serde_json::from_str(&private).unwrap();
    let other = public(include_str!("p521.json"));
    (foreign["x"], foreign["y"]) = (other["x"].clone(), other["y"].clone());
    assert_eq!(Signer::parse(&foreign.to_string(), Reading::default()).unwrap_err(), BadKey::Unusable);
}

#[test]
fn a_shared_secret_signs_what_it_verifies_and_an_empty_one_nothing() {
    let secret = "0123456789abcdef".repeat(4).into();

    for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        let token = sign_with_secret(algorithm, &secret, &json!({"sub": "x"})).unwrap();
        let verified = Jws::parse(&token).unwrap().verify(VerificationKeys::ClientSecret(&secret), &[algorithm]);
        assert_eq!(Value::Object(verified.unwrap().into_claims()), json!({"sub": "x"}));
        assert_eq!(sign_with_secret(algorithm, &"".into(), &json!({})), Err(BadKey::Failed));
    }
    assert_eq!(sign_with_secret(Algorithm::RS256, &secret, &json!({})), Err(BadKey::Failed));
}
