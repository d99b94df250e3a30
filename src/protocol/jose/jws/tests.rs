use serde_json::{Value, json};

use super::{Jws, MAX_BYTES, MAX_TRIALS, VerificationKeys, Verified};
use crate::protocol::jose::testing::{
    CLIENT_SECRET, SMALL_RSA_MODULUS, SMALL_RSA_TOKEN, SigningKey, encode, hmac_signature, key_set,
};
use crate::protocol::jose::{Algorithm, Error, JwkSet, Unfit};
use crate::protocol::json::Fault;
use crate::secret::Secret;

const CLAIMS: &str = r#"{"sub":"alice"}"#;

fn verify(token: &str, set: &JwkSet, allowed: &[Algorithm]) -> Result<Verified, Error> {
    Jws::parse(token)?.verify(VerificationKeys::Published(set), allowed)
}

fn verify_with_secret(token: &str, secret: &str, allowed: &[Algorithm]) -> Result<Verified, Error> {
    Jws::parse(token)?.verify(VerificationKeys::ClientSecret(&Secret::new(secret)), allowed)
}

/// Why a token with this header is refused although its signature is right.
fn refused(header: &str) -> Error {
    let key = SigningKey::of(Algorithm::RS256);
    let token = key.sign(Algorithm::RS256, header, CLAIMS);
    verify(&token, &key_set(&[key.jwk("k")]), &Algorithm::ALL).unwrap_err()
}

fn fault(error: Error) -> (&'static str, Fault) {
    match error {
        Error::Json { part, cause } => (part, cause.fault),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_token_of_every_algorithm_is_verified() {
    for algorithm in Algorithm::ALL {
        let key = SigningKey::of(algorithm);
        let token = key.token(algorithm, &json!({"sub": "alice"}));

        let verified = match &key {
            SigningKey::Hmac(_) => verify_with_secret(&token, CLIENT_SECRET, &[algorithm]),
            _ => verify(&token, &key_set(&[key.jwk("k")]), &[algorithm]),
        };

        let verified = verified.unwrap();
        assert_eq!(verified.algorithm(), algorithm);
        assert_eq!(verified.typ(), Some("JWT"));
        assert_eq!(Value::Object(verified.into_claims()), json!({"sub": "alice"}));
    }
}

// RFC 7515 appendix A.2.
#[test]
fn the_rs256_example_is_verified() {
    let set = key_set(&[json!({
        "kty": "RSA",
        "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZ\
              S-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2Ca\
              pHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h\
              4FRWyuXpoQ",
        "e": "AQAB",
    })]);
    let token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290\
                 Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbd\
                 s9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN938\
                 3LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVm\
                 tVrBp0igcN_IoypGlUPQGe77Rw";

    let verified = verify(token, &set, &[Algorithm::RS256]).unwrap();

    let expected = json!({"iss": "joe", "exp": 1_300_819_380, "http://example.com/is_root": true});
    assert_eq!(Value::Object(verified.into_claims()), expected);
}

// RFC 7515 appendix A.3.
#[test]
fn the_es256_example_is_verified() {
    let set = key_set(&[json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    })]);
    let token = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290\
                 Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

    let verified = verify(token, &set, &[Algorithm::ES256]).unwrap();

    assert_eq!(verified.claims()["iss"], "joe");
}

// RFC 7515 appendix A.4 and RFC 8037 appendix A.4: their payloads are text, which is only looked at, and refused, after
// the signature was found right.
#[test]
fn the_es512_and_ed25519_examples_are_verified() {
    let p521 = json!({
        "kty": "EC",
        "crv": "P-521",
        "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
        "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2",
    });
    let ed25519 = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    for (jwk, token) in [
        (
            p521,
            "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB3\
             4XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn",
        ),
        (
            ed25519,
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR\
             4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        ),
    ] {
        let set = key_set(&[jwk]);
        let forged = token.replacen("J9.", "J9.A", 1);

        assert_eq!(fault(verify(token, &set, &Algorithm::ALL).unwrap_err()), ("payload", Fault::Syntax));
        assert_eq!(verify(&forged, &set, &Algorithm::ALL).unwrap_err(), Error::Signature { kid: None });
    }
}

// The signature is from `openssl dgst -sha256 -hmac`.
#[test]
fn an_hmac_is_verified_with_the_client_secret() {
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.1LyJX3n8HF4PKpKt6cAnOsvYK1JymjhYdwLb9Q6B8gQ";

    let verified = verify_with_secret(token, "0123456789abcdef0123456789abcdef", &[Algorithm::HS256]).unwrap();

    assert_eq!(verified.claims()["sub"], "alice");
}

#[test]
fn a_changed_token_is_refused() {
    let key = SigningKey::of(Algorithm::ES256);
    let set = key_set(&[key.jwk("k")]);
    let token = key.token(Algorithm::ES256, &json!({"sub": "alice"}));
    let [header, _, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!() };

    let with_payload = |payload: &str| format!("{header}.{}.{signature}", encode(payload));
    let wrong = Error::Signature { kid: Some("k".to_owned()) };

    assert!(verify(&with_payload(CLAIMS), &set, &[Algorithm::ES256]).is_ok());
    assert_eq!(verify(&with_payload(r#"{"sub":"alicf"}"#), &set, &[Algorithm::ES256]).unwrap_err(), wrong);
    assert_eq!(verify(&with_payload("not JSON"), &set, &[Algorithm::ES256]).unwrap_err(), wrong, "read unverified");
    assert_eq!(verify(&format!("{header}.{}.", encode(CLAIMS)), &set, &[Algorithm::ES256]).unwrap_err(), wrong);
}

#[test]
fn no_spelling_of_none_or_of_an_algorithm_is_accepted() {
    for name in
        ["none", "None", "NONE", "nOnE", "", " none", "rs256", "Rs256", "RS256 ", "RS1", "HS1", "ES256K", "A128KW"]
    {
        let header = json!({"alg": name, "kid": "k"}).to_string();

        assert_eq!(refused(&header), Error::UnknownAlgorithm { found: name.to_owned() }, "{name}");
    }
    let unsigned = format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(CLAIMS));
    let unknown = Error::UnknownAlgorithm { found: "none".to_owned() };
    assert_eq!(Jws::parse(&unsigned).unwrap_err(), unknown);
}

#[test]
fn alg_must_be_one_string() {
    assert_eq!(refused(r#"{"kid":"k"}"#), Error::NoAlgorithm);
    assert_eq!(refused(r#"{"ALG":"RS256","kid":"k"}"#), Error::NoAlgorithm);
    for alg in ["null", "[\"RS256\"]", "{}", "0", "true"] {
        assert_eq!(refused(&format!(r#"{{"alg":{alg},"kid":"k"}}"#)), Error::HeaderType("alg"), "{alg}");
    }
    assert_eq!(refused(r#"{"alg":"RS256","kid":7}"#), Error::HeaderType("kid"));
    assert_eq!(refused(r#"{"alg":"RS256","kid":"k","typ":[]}"#), Error::HeaderType("typ"));
}

#[test]
fn an_algorithm_that_is_not_allowed_is_refused_although_its_signature_is_right() {
    let key = SigningKey::of(Algorithm::RS384);
    let token = key.token(Algorithm::RS384, &json!({}));

    let error = verify(&token, &key_set(&[key.jwk("k")]), &[Algorithm::RS256]).unwrap_err();

    assert_eq!(error, Error::AlgorithmNotAllowed { found: Algorithm::RS384, expected: vec![Algorithm::RS256] });
    assert!(matches!(verify(&token, &key_set(&[]), &[]), Err(Error::AlgorithmNotAllowed { .. })));
}

#[test]
fn a_public_key_is_no_hmac_secret_in_any_form() {
    let rsa = SigningKey::of(Algorithm::RS256);
    let jwk = rsa.jwk("k");
    let message = format!("{}.{}", encode(r#"{"alg":"HS256","kid":"k"}"#), encode(CLAIMS));
    let modulus = jwk["n"].as_str().unwrap().to_owned();

    for secret in [jwk.to_string(), modulus] {
        let signature = hmac_signature(Algorithm::HS256, secret.as_bytes(), message.as_bytes());
        let token = format!("{message}.{}", encode(signature));

        let error = verify(&token, &key_set(std::slice::from_ref(&jwk)), &Algorithm::ALL).unwrap_err();

        assert_eq!(error, Error::WrongKindOfKey(Algorithm::HS256));
    }
}

#[test]
fn a_published_symmetric_key_verifies_nothing() {
    let key = SigningKey::of(Algorithm::HS256);
    let token = key.token(Algorithm::HS256, &json!({}));

    let error = verify(&token, &key_set(&[key.jwk("k")]), &Algorithm::ALL).unwrap_err();

    assert_eq!(error, Error::WrongKindOfKey(Algorithm::HS256));
}

#[test]
fn a_client_secret_verifies_no_public_key_signature() {
    let token = SigningKey::of(Algorithm::RS256).token(Algorithm::RS256, &json!({}));

    let error = verify_with_secret(&token, CLIENT_SECRET, &Algorithm::ALL).unwrap_err();

    assert_eq!(error, Error::WrongKindOfKey(Algorithm::RS256));
}

#[test]
fn a_client_secret_shorter_than_the_hash_is_refused() {
    for (algorithm, needed) in [(Algorithm::HS256, 32), (Algorithm::HS384, 48), (Algorithm::HS512, 64)] {
        let sign = |secret: &str| {
            let header = json!({"alg": algorithm.name()}).to_string();
            SigningKey::Hmac(Secret::new(secret)).sign(algorithm, &header, CLAIMS)
        };
        let (short, enough) = ("x".repeat(needed - 1), "x".repeat(needed));

        let error = verify_with_secret(&sign(&short), &short, &[algorithm]).unwrap_err();

        assert_eq!(error, Error::ShortSecret { algorithm, found: needed - 1, needed });
        assert!(verify_with_secret(&sign(&enough), &enough, &[algorithm]).is_ok());
        assert_eq!(
            verify_with_secret(&sign(&"y".repeat(needed)), &enough, &[algorithm]).unwrap_err(),
            Error::Signature { kid: None }
        );
    }
}

#[test]
fn a_key_that_the_token_brings_is_not_looked_at() {
    let ours = SigningKey::of(Algorithm::ES256);
    let theirs = SigningKey::of(Algorithm::ES256);
    let set = key_set(&[ours.jwk("k")]);
    let header = json!({
        "alg": "ES256",
        "kid": "k",
        "jwk": theirs.jwk("k"),
        "jku": "https://evil.example/keys",
        "x5u": "https://evil.example/certificate",
        "x5c": ["MIIB"],
    });

    let forged = theirs.sign(Algorithm::ES256, &header.to_string(), CLAIMS);
    let genuine = ours.sign(Algorithm::ES256, &header.to_string(), CLAIMS);

    assert_eq!(verify(&forged, &set, &[Algorithm::ES256]).unwrap_err(), Error::Signature { kid: Some("k".to_owned()) });
    assert!(verify(&genuine, &set, &[Algorithm::ES256]).is_ok());
}

#[test]
fn extensions_that_must_be_understood_are_refused() {
    for (extra, name) in [
        (r#""crit":["exp"],"exp":1"#, "crit"),
        (r#""crit":[]"#, "crit"),
        (r#""crit":null"#, "crit"),
        (r#""b64":false"#, "b64"),
        (r#""b64":true"#, "b64"),
    ] {
        assert_eq!(refused(&format!(r#"{{"alg":"RS256","kid":"k",{extra}}}"#)), Error::Extension(name), "{extra}");
    }
}

#[test]
fn header_and_payload_are_strict_json_objects() {
    let key = SigningKey::of(Algorithm::RS256);
    let set = key_set(&[key.jwk("k")]);
    for (document, expected) in [
        (r#"{"alg":"none","alg":"RS256"}"#, Fault::DuplicateMember),
        (r#"{"alg":"RS256","\u0061lg":"none"}"#, Fault::DuplicateMember),
        (r#"["RS256"]"#, Fault::NotAnObject),
        (r#""RS256""#, Fault::NotAnObject),
        (r#"{"alg":"RS256"} {}"#, Fault::Syntax),
        ("", Fault::End),
        ("\u{feff}{}", Fault::ByteOrderMark),
    ] {
        let header_refused = refused(document);
        let token = key.sign(Algorithm::RS256, r#"{"alg":"RS256","kid":"k"}"#, document);
        let payload_refused = verify(&token, &set, &[Algorithm::RS256]).unwrap_err();

        assert_eq!(fault(header_refused), ("header", expected), "{document}");
        assert_eq!(fault(payload_refused), ("payload", expected), "{document}");
    }
}

#[test]
fn a_token_has_three_segments() {
    let key = SigningKey::of(Algorithm::RS256);
    let token = key.token(Algorithm::RS256, &json!({}));
    let segments: Vec<&str> = token.split('.').collect();

    assert_eq!(Jws::parse("").unwrap_err(), Error::Segments(1));
    assert_eq!(Jws::parse(&segments[..2].join(".")).unwrap_err(), Error::Segments(2));
    assert_eq!(Jws::parse(&format!("{token}.")).unwrap_err(), Error::Segments(4));
    assert_eq!(Jws::parse(&format!("{token}..")).unwrap_err(), Error::Encrypted);
    assert_eq!(Jws::parse(&format!("{token}...")).unwrap_err(), Error::Segments(6));
    assert_eq!(Jws::parse("..").map(|_| ()).map_err(fault), Err(("header", Fault::End)));
}

#[test]
fn segments_are_canonical_base64url() {
    let key = SigningKey::of(Algorithm::RS256);
    let set = key_set(&[key.jwk("k")]);
    let header = encode(r#"{"alg":"RS256","kid":"k"}"#);
    let spoilt = |segment: &str| {
        let last = segment.chars().last().unwrap();
        let (before, after) = segment.split_at(4);
        [
            format!("{segment}="),
            format!("{segment}=="),
            format!("{segment}\n"),
            format!(" {segment}"),
            format!("{before} {after}"),
            format!("{before}+{after}"),
            format!("{before}/{after}"),
            format!("{before}é{after}"),
            format!("{}{}", &segment[..segment.len() - 1], char::from_u32(last as u32 + 1).unwrap()),
        ]
    };

    for header in spoilt(&encode(r#"{"alg":"RS256","kid":"k" }"#)) {
        assert_eq!(Jws::parse(&format!("{header}.e30.AAAA")).unwrap_err(), Error::Encoding("header"), "{header}");
    }
    for payload in spoilt(&encode(r#"{"sub":"alice!"}"#)) {
        let message = format!("{header}.{payload}");
        let signature = encode(key.signature(Algorithm::RS256, message.as_bytes()));
        let error = verify(&format!("{message}.{signature}"), &set, &[Algorithm::RS256]).unwrap_err();
        assert_eq!(error, Error::Encoding("payload"), "{payload}");
    }
    let signature = encode(key.signature(Algorithm::RS256, format!("{header}.e30").as_bytes()));
    assert!(verify(&format!("{header}.e30.{signature}"), &set, &[Algorithm::RS256]).is_ok());
    for signature in spoilt(&signature) {
        let error = Jws::parse(&format!("{header}.e30.{signature}")).unwrap_err();
        assert_eq!(error, Error::Encoding("signature"), "{signature}");
    }
}

#[test]
fn a_token_larger_than_any_honest_one_is_refused() {
    let error = Jws::parse(&"A".repeat(MAX_BYTES + 1)).unwrap_err();

    assert_eq!(error, Error::TooLarge { what: "the token", found: MAX_BYTES + 1, limit: MAX_BYTES });
    assert_eq!(Jws::parse(&".".repeat(MAX_BYTES)).unwrap_err(), Error::Segments(MAX_BYTES + 1));
}

#[test]
fn without_kid_every_suitable_key_is_tried_and_no_other() {
    let key = SigningKey::of(Algorithm::ES256);
    let token = key.sign(Algorithm::ES256, r#"{"alg":"ES256"}"#, CLAIMS);
    let other = |algorithm| SigningKey::of(algorithm).jwk("other");
    let mut for_encryption = key.jwk("enc");
    for_encryption["use"] = "enc".into();

    let alone = key_set(&[key.jwk("k")]);
    let among = key_set(&[other(Algorithm::RS256), SigningKey::of(Algorithm::ES256).jwk("x"), key.jwk("k")]);
    let wrong = key_set(&[other(Algorithm::ES256)]);
    let unsuitable = key_set(&[other(Algorithm::RS256), for_encryption]);

    assert!(verify(&token, &alone, &[Algorithm::ES256]).is_ok());
    assert!(verify(&token, &among, &[Algorithm::ES256]).is_ok());
    assert_eq!(verify(&token, &wrong, &[Algorithm::ES256]).unwrap_err(), Error::Signature { kid: None });
    assert_eq!(verify(&token, &unsuitable, &[Algorithm::ES256]).unwrap_err(), Error::NoSuitableKey(Algorithm::ES256));
}

#[test]
fn without_kid_the_number_of_trials_is_bounded() {
    let key = SigningKey::of(Algorithm::ES256);
    let token = key.sign(Algorithm::ES256, r#"{"alg":"ES256"}"#, CLAIMS);
    let set = |others: usize| {
        let other = |number: usize| SigningKey::of(Algorithm::ES256).jwk(&number.to_string());
        let mut entries: Vec<Value> = (0..others).map(other).collect();
        entries.push(key.jwk("k"));
        key_set(&entries)
    };

    assert!(verify(&token, &set(MAX_TRIALS - 1), &[Algorithm::ES256]).is_ok());
    assert!(verify(&token, &set(MAX_TRIALS), &[Algorithm::ES256]).is_err());
}

#[test]
fn the_key_that_the_token_names_is_the_only_one_tried() {
    let key = SigningKey::of(Algorithm::ES256);
    let other = SigningKey::of(Algorithm::ES256);
    let token = key.token(Algorithm::ES256, &json!({}));
    let kid = || "k".to_owned();

    let unknown = key_set(&[key.jwk("j")]);
    let swapped = key_set(&[other.jwk("k"), key.jwk("j")]);
    let duplicate = key_set(&[key.jwk("k"), other.jwk("k")]);
    let of_another_kind = key_set(&[SigningKey::of(Algorithm::RS256).jwk("k"), key.jwk("j")]);
    let outcome = |set: &JwkSet| verify(&token, set, &[Algorithm::ES256]).unwrap_err();

    assert_eq!(outcome(&unknown), Error::UnknownKey { kid: kid() });
    assert_eq!(outcome(&swapped), Error::Signature { kid: Some(kid()) });
    assert_eq!(outcome(&duplicate), Error::UnfitKey { kid: kid(), reason: Unfit::DuplicateId });
    assert_eq!(outcome(&of_another_kind), Error::KeyNotForAlgorithm { kid: kid(), algorithm: Algorithm::ES256 });
}

#[test]
fn a_right_signature_of_a_key_that_does_not_fit_is_refused() {
    let key = SigningKey::of(Algorithm::ES256);
    let token = key.token(Algorithm::ES256, &json!({}));
    for (change, reason) in [
        (json!({"use": "enc"}), Unfit::NotForSignatures),
        (json!({"key_ops": ["deriveKey"]}), Unfit::NotForVerification),
        (json!({"d": "AAAA"}), Unfit::Private),
    ] {
        let mut jwk = key.jwk("k");
        jwk.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());

        let error = verify(&token, &key_set(&[jwk]), &[Algorithm::ES256]).unwrap_err();

        assert_eq!(error, Error::UnfitKey { kid: "k".to_owned(), reason });
    }
}

#[test]
fn a_right_signature_of_a_small_rsa_key_is_refused() {
    let jwk = json!({"kty": "RSA", "kid": "small", "n": SMALL_RSA_MODULUS, "e": "AQAB"});

    let error = verify(SMALL_RSA_TOKEN, &key_set(&[jwk]), &[Algorithm::RS256]).unwrap_err();

    assert_eq!(error, Error::UnfitKey { kid: "small".to_owned(), reason: Unfit::RsaSize });
}

#[test]
fn texts_of_a_token_are_quoted_without_control_characters() {
    let header = json!({"alg": "\u{1b}]0;x\u{7}", "kid": "k"}).to_string();
    assert_eq!(refused(&header).to_string(), "the token's `alg` is `]0;x`, which is not accepted as a signature");

    let header = json!({"alg": "RS256", "kid": format!("\u{1b}[2J{}", "k".repeat(1000))}).to_string();
    let Error::UnknownKey { kid } = refused(&header) else { panic!() };
    assert_eq!(kid, format!("[2J{}…", "k".repeat(96)));
}

#[test]
fn debug_shows_no_part_of_a_token() {
    let key = SigningKey::of(Algorithm::ES256);
    let token = key.token(Algorithm::ES256, &json!({"sub": "alice"}));
    let jws = Jws::parse(&token).unwrap();
    let set = key_set(&[key.jwk("k")]);
    let verified = jws.verify(VerificationKeys::Published(&set), &[Algorithm::ES256]).unwrap();

    assert_eq!(format!("{jws:?}"), "Jws { algorithm: ES256, .. }");
    assert_eq!(format!("{verified:?}"), "Verified { algorithm: ES256, .. }");
}
