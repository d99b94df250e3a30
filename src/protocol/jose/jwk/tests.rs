use serde_json::{Value, json};

use super::{JwkSet, MAX_BYTES, MAX_KEYS};
use crate::protocol::jose::testing::{SigningKey, key_set};
use crate::protocol::jose::{Algorithm, Error, Unfit};
use crate::protocol::json::Fault;

fn jwk(kid: &str) -> Value {
    SigningKey::of(Algorithm::ES256).jwk(kid)
}

fn found(set: &JwkSet, kid: &str) -> Option<Option<Unfit>> {
    set.find(kid).map(Result::err)
}

#[test]
fn keys_that_do_not_fit_never_fail_the_set() {
    let set = key_set(&[
        json!({"kty": "AKP", "kid": "future", "pub": "AAAA"}),
        json!({"kty": "oct", "kid": "secret", "k": "c2VjcmV0"}),
        json!("not an object"),
        json!({}),
        json!({"kty": "EC", "kid": 7}),
        jwk("good"),
    ]);

    assert_eq!(set.usable(), 1);
    assert_eq!(found(&set, "good"), Some(None));
    assert_eq!(found(&set, "future"), Some(Some(Unfit::UnknownType)));
    assert_eq!(found(&set, "secret"), Some(Some(Unfit::Symmetric)));
    assert_eq!(found(&set, "other"), None);
}

#[test]
fn a_kid_is_compared_byte_for_byte() {
    let set = key_set(&[jwk("Key"), jwk("")]);

    assert_eq!(found(&set, "Key"), Some(None));
    assert_eq!(found(&set, ""), Some(None));
    for other in ["key", "Key ", "Ke", "K%65y"] {
        assert_eq!(found(&set, other), None, "{other}");
    }
}

#[test]
fn keys_that_share_their_name_are_not_used() {
    let set = key_set(&[jwk("twice"), jwk("once"), jwk("twice")]);

    assert_eq!(found(&set, "twice"), Some(Some(Unfit::DuplicateId)));
    assert_eq!(found(&set, "once"), Some(None));
    assert_eq!(set.usable(), 1);
    assert_eq!(set.iter().count(), 1);
}

#[test]
fn an_unfit_key_of_the_same_name_does_not_spoil_the_fit_one() {
    let mut for_encryption = jwk("k");
    for_encryption["use"] = "enc".into();

    for entries in [[for_encryption.clone(), jwk("k")], [jwk("k"), for_encryption]] {
        assert_eq!(found(&key_set(&entries), "k"), Some(None));
    }
}

#[test]
fn keys_without_a_name_are_no_duplicates_of_each_other() {
    let entries = [jwk("k"), jwk("k")].map(|mut entry| {
        entry.as_object_mut().unwrap().remove("kid");
        entry
    });

    assert_eq!(key_set(&entries).usable(), 2);
}

#[test]
fn a_document_that_is_no_key_set_is_refused() {
    for document in ["{}", r#"{"keys":{}}"#, r#"{"keys":null}"#, r#"{"Keys":[]}"#] {
        assert_eq!(JwkSet::parse(document.as_bytes()).unwrap_err(), Error::NoKeys, "{document}");
    }
    for (document, fault) in [
        ("[]", Fault::NotAnObject),
        (r#"{"keys":[],"keys":[]}"#, Fault::DuplicateMember),
        (r#"{"keys":[{"kid":"a","kid":"b"}]}"#, Fault::DuplicateMember),
        ("<html>", Fault::Syntax),
        ("", Fault::End),
    ] {
        match JwkSet::parse(document.as_bytes()) {
            Err(Error::KeySetJson(error)) => assert_eq!(error.fault, fault, "{document}"),
            other => panic!("{document}: {other:?}"),
        }
    }
    assert_eq!(JwkSet::parse(br#"{"keys":[]}"#).unwrap().usable(), 0);
}

#[test]
fn a_set_larger_than_any_honest_one_is_refused_before_its_keys_are_judged() {
    let document = |count: usize| json!({ "keys": vec![json!({}); count] }).to_string();

    assert_eq!(JwkSet::parse(document(MAX_KEYS).as_bytes()).unwrap().usable(), 0);
    assert_eq!(
        JwkSet::parse(document(10_000).as_bytes()).unwrap_err(),
        Error::TooManyKeys { found: 10_000, limit: MAX_KEYS }
    );
    assert_eq!(
        JwkSet::parse(&vec![b' '; MAX_BYTES + 1]).unwrap_err(),
        Error::TooLarge { what: "the key set", found: MAX_BYTES + 1, limit: MAX_BYTES }
    );
}

#[test]
fn debug_counts_the_keys() {
    assert_eq!(format!("{:?}", key_set(&[jwk("k"), json!({})])), "JwkSet { keys: 2, usable: 1 }");
}
