use serde_json::{Map, Value, json};

use super::{PublicKey, Unfit};
use crate::protocol::jose::Algorithm;
use crate::protocol::jose::testing::{SMALL_RSA_MODULUS, SigningKey, encode};

fn jwk(algorithm: Algorithm) -> Value {
    SigningKey::of(algorithm).jwk("k")
}

fn members(jwk: Value) -> Map<String, Value> {
    match jwk {
        Value::Object(members) => members,
        _ => panic!("a JWK is an object"),
    }
}

/// Why the RSA key, sound but for these members, is never used.
fn unfit(changes: Value) -> Option<Unfit> {
    let mut key = members(jwk(Algorithm::RS256));
    key.extend(members(changes));
    PublicKey::parse(&key).err()
}

#[test]
fn a_key_suits_the_algorithms_of_its_kind_and_no_other() {
    use Algorithm::{ES256, ES384, ES512, Ed25519, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};

    for (made_for, suitable) in [
        (RS256, vec![RS256, RS384, RS512, PS256, PS384, PS512]),
        (ES256, vec![ES256]),
        (ES384, vec![ES384]),
        (ES512, vec![ES512]),
        (EdDSA, vec![EdDSA, Ed25519]),
    ] {
        let key = PublicKey::parse(&members(jwk(made_for))).unwrap();

        let found: Vec<_> = Algorithm::ALL.into_iter().filter(|algorithm| key.suits(*algorithm)).collect();

        assert_eq!(found, suitable);
    }
}

#[test]
fn a_key_that_names_its_algorithm_suits_no_other() {
    let mut jwk = members(jwk(Algorithm::RS256));
    jwk.insert("alg".to_owned(), "RS384".into());
    let key = PublicKey::parse(&jwk).unwrap();

    let found: Vec<_> = Algorithm::ALL.into_iter().filter(|algorithm| key.suits(*algorithm)).collect();

    assert_eq!(found, [Algorithm::RS384]);
}

#[test]
fn a_key_verifies_what_it_signed_and_nothing_else() {
    for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| !algorithm.is_symmetric()) {
        let signer = SigningKey::of(algorithm);
        let key = PublicKey::parse(&members(signer.jwk("k"))).unwrap();
        let signature = signer.signature(algorithm, b"message");
        let mut forged = signature.clone();
        forged[5] ^= 1;

        assert!(key.verifies(algorithm, b"message", &signature), "{algorithm}");
        assert!(!key.verifies(algorithm, b"massage", &signature), "{algorithm}: another message");
        assert!(!key.verifies(algorithm, b"message", &forged), "{algorithm}: another signature");
        assert!(!key.verifies(algorithm, b"message", &signature[1..]), "{algorithm}: a short signature");
        assert!(!key.verifies(algorithm, b"message", &[]), "{algorithm}: no signature");
        assert!(!key.verifies(algorithm, b"message", &vec![0; signature.len()]), "{algorithm}: a signature of zeros");
    }
}

#[test]
fn a_right_signature_counts_for_nothing_under_an_algorithm_that_does_not_suit_the_key() {
    let signer = SigningKey::of(Algorithm::RS256);
    let mut jwk = members(signer.jwk("k"));
    jwk.insert("alg".to_owned(), "RS384".into());
    let key = PublicKey::parse(&jwk).unwrap();

    let signature = signer.signature(Algorithm::RS256, b"message");

    assert!(!key.verifies(Algorithm::RS256, b"message", &signature));
}

#[test]
fn a_key_for_another_purpose_is_never_used() {
    assert_eq!(unfit(json!({"use": "sig", "key_ops": ["sign", "verify"], "alg": "RS256"})), None);
    assert_eq!(unfit(json!({"use": "enc"})), Some(Unfit::NotForSignatures));
    assert_eq!(unfit(json!({"use": "SIG"})), Some(Unfit::NotForSignatures));
    assert_eq!(unfit(json!({"use": ["sig"]})), Some(Unfit::Malformed));
    assert_eq!(unfit(json!({"key_ops": ["encrypt"]})), Some(Unfit::NotForVerification));
    assert_eq!(unfit(json!({"key_ops": []})), Some(Unfit::NotForVerification));
    assert_eq!(unfit(json!({"key_ops": "verify"})), Some(Unfit::Malformed));
    assert_eq!(unfit(json!({"alg": "RSA-OAEP"})), Some(Unfit::UnknownAlgorithm));
    assert_eq!(unfit(json!({"alg": "none"})), Some(Unfit::UnknownAlgorithm));
    assert_eq!(unfit(json!({"alg": 256})), Some(Unfit::Malformed));
}

#[test]
fn a_published_secret_is_never_used() {
    assert_eq!(PublicKey::parse(&members(jwk(Algorithm::HS256))).err(), Some(Unfit::Symmetric));
    assert_eq!(unfit(json!({"k": "c2VjcmV0"})), Some(Unfit::Symmetric));
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "priv"] {
        assert_eq!(unfit(json!({ name: "AQAB" })), Some(Unfit::Private), "{name}");
    }
}

#[test]
fn an_unknown_type_or_curve_is_told_from_a_malformed_key() {
    let ec = members(jwk(Algorithm::ES256));
    let okp = members(jwk(Algorithm::EdDSA));
    let with = |key: &Map<String, Value>, name: &str, value: Value| {
        let mut key = key.clone();
        key.insert(name.to_owned(), value);
        PublicKey::parse(&key).err()
    };

    for kty in ["AKP", "rsa", "ec", ""] {
        assert_eq!(unfit(json!({ "kty": kty })), Some(Unfit::UnknownType), "{kty}");
    }
    for crv in ["secp256k1", "p-256", "Ed25519"] {
        assert_eq!(with(&ec, "crv", crv.into()), Some(Unfit::UnknownType), "{crv}");
    }
    for crv in ["Ed448", "X25519", "P-256"] {
        assert_eq!(with(&okp, "crv", crv.into()), Some(Unfit::UnknownType), "{crv}");
    }
    assert_eq!(unfit(json!({"kty": null})), Some(Unfit::Malformed));
    assert_eq!(with(&ec, "crv", Value::Null), Some(Unfit::Malformed));
    assert_eq!(with(&ec, "crv", "P-384".into()), Some(Unfit::Malformed), "coordinates of another curve");
    assert_eq!(with(&ec, "x", encode([1; 31]).into()), Some(Unfit::Malformed), "a coordinate cut short");
    assert_eq!(with(&okp, "x", encode([1; 33]).into()), Some(Unfit::Malformed));
    assert_eq!(unfit(json!({"n": "not base64url!"})), Some(Unfit::Malformed));
    assert_eq!(unfit(json!({"e": null})), Some(Unfit::Malformed));
}

#[test]
fn a_point_that_is_not_on_its_curve_verifies_nothing() {
    for (algorithm, size) in [(Algorithm::ES256, 32), (Algorithm::ES384, 48), (Algorithm::ES512, 66)] {
        let signer = SigningKey::of(algorithm);
        let mut jwk = members(signer.jwk("k"));
        jwk.insert("y".to_owned(), encode(vec![1; size]).into());
        let key = PublicKey::parse(&jwk).unwrap();

        assert!(!key.verifies(algorithm, b"message", &signer.signature(algorithm, b"message")), "{algorithm}");
    }
}

#[test]
fn rsa_keys_of_unsafe_sizes_are_never_used() {
    let modulus = |bits: usize| {
        let mut bytes = vec![0xff; bits.div_ceil(8)];
        bytes[0] >>= (8 - bits % 8) % 8;
        json!({ "n": encode(bytes) })
    };

    assert_eq!(unfit(json!({ "n": SMALL_RSA_MODULUS })), Some(Unfit::RsaSize));
    assert_eq!(unfit(modulus(2047)), Some(Unfit::RsaSize));
    assert_eq!(unfit(modulus(2048)), None);
    assert_eq!(unfit(modulus(8192)), None);
    assert_eq!(unfit(modulus(8193)), Some(Unfit::RsaSize));
    assert_eq!(unfit(json!({"n": ""})), Some(Unfit::RsaSize));
    assert_eq!(unfit(json!({"n": encode(vec![0; 256])})), Some(Unfit::RsaSize), "zeros are no size");
}

#[test]
fn weak_rsa_exponents_are_never_used() {
    for exponent in ["", "AQ", "Aw", "AQAC", "AAAD", "AgAAAAE", "AQAAAAAAAAAAAQ"] {
        assert_eq!(unfit(json!({ "e": exponent })), Some(Unfit::RsaExponent), "{exponent}");
    }
    assert_eq!(unfit(json!({"e": "AQAB"})), None);
    assert_eq!(unfit(json!({"e": "AAEAAQ"})), None, "65537 with leading zeros");
}

#[test]
fn a_modulus_with_its_sign_byte_is_the_same_number() {
    let signer = SigningKey::of(Algorithm::RS256);
    let mut jwk = members(signer.jwk("k"));
    let modulus = super::base64url(jwk["n"].as_str().unwrap()).unwrap();
    jwk.insert("n".to_owned(), encode([vec![0], modulus].concat()).into());
    let key = PublicKey::parse(&jwk).unwrap();

    assert!(key.verifies(Algorithm::RS256, b"message", &signer.signature(Algorithm::RS256, b"message")));
}
