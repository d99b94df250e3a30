use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use ring::signature::{self, UnparsedPublicKey};
use serde_json::{Value, json};
use url::Url;

use super::{Claims, Objection, ProofKey, ath, htu, nonce, objection, thumbprint};
use crate::protocol::Error;
use crate::protocol::jose::BadKey;
use crate::secret::Secret;

fn key(offered: &[&str]) -> ProofKey {
    let offered: Vec<String> = offered.iter().map(|name| (*name).to_owned()).collect();
    ProofKey::parse(&ProofKey::make(Some(&offered)).unwrap()).unwrap()
}

fn bytes(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// Header and claims of a proof.
fn parts(proof: &str) -> (Value, Value) {
    let mut parts = proof.split('.').map(|part| serde_json::from_slice::<Value>(&bytes(part)));
    (parts.next().unwrap().unwrap(), parts.next().unwrap().unwrap())
}

fn proof(key: &ProofKey, url: &str, token: Option<&Secret>, nonce: Option<&str>) -> String {
    let url = Url::parse(url).unwrap();
    key.proof(&Claims { method: &Method::POST, url: &url, token, iat: 1_562_262_616, jti: "-BwC3ESc6acc2lTc", nonce })
        .unwrap()
}

/// RFC 7638 §3.1.
#[test]
fn the_thumbprint_of_the_specification_comes_out() {
    let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n\
             3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0z\
             gdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-c\
             sFCur-kEgU8awapJzKnqDKgw";
    let jwk = json!({ "e": "AQAB", "kty": "RSA", "n": n });

    assert_eq!(thumbprint(&jwk), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

/// RFC 9449 §4.1 (the key), §6.1 (its thumbprint); RFC 8037 appendix A.3.
#[test]
fn the_thumbprints_of_keys_on_curves_come_out() {
    let p256 = json!({
        "crv": "P-256",
        "kty": "EC",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
    });
    let ed25519 = json!({ "crv": "Ed25519", "kty": "OKP", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });

    assert_eq!(thumbprint(&p256), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    assert_eq!(thumbprint(&ed25519), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

/// RFC 9449 §7.1.
#[test]
fn the_hash_of_the_specifications_token_comes_out() {
    let token = Secret::new("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU");

    assert_eq!(ath(&token), "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
}

#[test]
fn a_proof_has_all_that_is_specified_and_nothing_else() {
    let (key, token) = (key(&["ES256"]), Secret::new("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"));

    let proof = proof(&key, "https://resource.example.org/a%20b?q=1#f", Some(&token), Some("eyJ7S_zG.eyJH0-Z"));

    let (header, claims) = parts(&proof);
    let jwk = &header["jwk"];
    assert_eq!(header, json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk }));
    let public = json!({ "crv": "P-256", "kty": "EC", "x": jwk["x"], "y": jwk["y"] });
    assert_eq!(jwk, &public, "the public half and no name");
    assert_eq!(
        claims,
        json!({
            "jti": "-BwC3ESc6acc2lTc",
            "htm": "POST",
            "htu": "https://resource.example.org/a%20b",
            "iat": 1_562_262_616,
            "nonce": "eyJ7S_zG.eyJH0-Z",
            "ath": "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo",
        })
    );
    let (message, signature) = proof.rsplit_once('.').unwrap();
    let point = [vec![4], bytes(jwk["x"].as_str().unwrap()), bytes(jwk["y"].as_str().unwrap())].concat();
    let verifier = UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point);
    verifier.verify(message.as_bytes(), &bytes(signature)).unwrap();
    assert_eq!(key.thumbprint(), thumbprint(&public));
}

#[test]
fn without_token_and_nonce_a_proof_has_neither() {
    let (_, claims) = parts(&proof(&key(&["ES256"]), "https://server.example.com/token", None, None));

    let names: Vec<_> = claims.as_object().unwrap().keys().collect();
    assert_eq!(names, ["jti", "htm", "htu", "iat"]);
    assert_eq!(htu(&Url::parse("https://server.example.com").unwrap()), "https://server.example.com/");
}

#[test]
fn a_key_is_made_for_what_the_server_takes() {
    for (offered, name) in [
        (vec!["RS256", "EdDSA", "ES256"], "ES256"),
        (vec!["RS256", "ES384", "EdDSA"], "EdDSA"),
        (vec!["ES384", "ES512"], "ES384"),
    ] {
        assert_eq!(parts(&proof(&key(&offered), "https://a.example/", None, None)).0["alg"], name);
    }
    assert_eq!(ProofKey::parse(&ProofKey::make(None).unwrap()).unwrap().algorithm.name(), "ES256");
    let rsa = ["RS256".to_owned(), "none".to_owned()];
    let Err(Error::ProofAlgorithm { offered }) = ProofKey::make(Some(&rsa)) else { panic!() };
    assert_eq!(offered, rsa);
}

#[test]
fn an_ed25519_proof_is_verified_by_the_key_in_it() {
    let key = key(&["EdDSA"]);

    let proof = proof(&key, "https://a.example/", None, None);

    let (header, _) = parts(&proof);
    assert_eq!(header["jwk"].as_object().unwrap().keys().collect::<Vec<_>>(), ["crv", "kty", "x"]);
    let (message, signature) = proof.rsplit_once('.').unwrap();
    let verifier = UnparsedPublicKey::new(&signature::ED25519, bytes(header["jwk"]["x"].as_str().unwrap()));
    verifier.verify(message.as_bytes(), &bytes(signature)).unwrap();
}

#[test]
fn an_rsa_key_signs_too() {
    let key = ProofKey::parse(&Secret::new(include_str!("../oauth1/test-key.pem"))).unwrap();

    let proof = proof(&key, "https://a.example/", None, None);

    let (header, _) = parts(&proof);
    assert_eq!(header["alg"], "RS256");
    assert_eq!(header["jwk"].as_object().unwrap().keys().collect::<Vec<_>>(), ["e", "kty", "n"]);
    let (message, signature) = proof.rsplit_once('.').unwrap();
    let member = |name: &str| bytes(header["jwk"][name].as_str().unwrap());
    let public = signature::RsaPublicKeyComponents { n: member("n"), e: member("e") };
    public.verify(&signature::RSA_PKCS1_2048_8192_SHA256, message.as_bytes(), &bytes(signature)).unwrap();
}

#[test]
fn every_key_is_another_and_what_is_no_key_is_refused() {
    let [one, other] = [ProofKey::make(None).unwrap(), ProofKey::make(None).unwrap()];

    assert_ne!(one, other);
    assert_eq!(ProofKey::parse(&Secret::new("x")).unwrap_err(), BadKey::Format);
    let key = ProofKey::parse(&one).unwrap();
    assert_eq!(format!("{key:?}"), format!("ProofKey({})", key.thumbprint()));
}

#[test]
fn a_nonce_is_taken_from_any_answer_and_only_in_its_form() {
    let told = |values: &[&[u8]]| {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("DPoP-Nonce", HeaderValue::from_bytes(value).unwrap());
        }
        nonce(&headers).map(str::to_owned)
    };

    assert_eq!(told(&[b"eyJ7S_zG.eyJH0-Z.HX4w-7v"]).as_deref(), Some("eyJ7S_zG.eyJH0-Z.HX4w-7v"));
    assert_eq!(told(&[b"a,b='c'"]).as_deref(), Some("a,b='c'"));
    assert_eq!(told(&[b"", b"a\"b", b"good"]).as_deref(), Some("good"));
    for wrong in [&b"a b"[..], b"a\\b", b"a\tb", "é".as_bytes(), &[b'a'; 2049]] {
        assert_eq!(told(&[wrong]), None);
    }
}

#[test]
fn an_objection_is_read_from_body_and_challenges_however_they_are_written() {
    let read = |status: u16, challenge: &str, body: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("www-authenticate", HeaderValue::from_str(challenge).unwrap());
        objection(StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes())
    };

    // RFC 9449 §8, §9.
    assert_eq!(read(400, "", r#"{"error":"use_dpop_nonce","error_description":"x"}"#), Some(Objection::Nonce));
    let example = r#"DPoP error="use_dpop_nonce", error_description="Resource server requires nonce in DPoP proof""#;
    assert_eq!(read(401, example, ""), Some(Objection::Nonce));
    for challenge in [
        r#"dpop Error=use_dpop_nonce"#,
        r#"Bearer realm="a, DPoP error=x", DPoP algs="ES256 PS256", error="use_dpop_nonce""#,
        r#"Bearer error="invalid_token", DPoP error_description="say \"please\", twice", error="use_dpop_nonce""#,
    ] {
        assert_eq!(read(401, challenge, "<html>"), Some(Objection::Nonce), "{challenge}");
    }
    assert_eq!(read(401, r#"DPoP error="invalid_dpop_proof""#, ""), Some(Objection::Proof));
    assert_eq!(read(400, "", r#"{"error":"invalid_dpop_proof"}"#), Some(Objection::Proof));
    assert_eq!(read(401, r#"DPoP error="invalid_token""#, ""), None);
    assert_eq!(read(401, r#"DPoP realm="error=use_dpop_nonce""#, ""), None);
    assert_eq!(read(403, r#"DPoP error="use_dpop_nonce""#, ""), None);
    assert_eq!(read(200, "", r#"{"error":"use_dpop_nonce"}"#), None);
}

/// The limit is 0.3 ms for a release; without optimisation it is many times slower, and still far below this.
#[test]
fn a_proof_costs_little() {
    let key = key(&["ES256"]);
    let start = Instant::now();

    for _ in 0..100 {
        proof(&key, "https://a.example/", None, None);
    }

    let each = start.elapsed() / 100;
    eprintln!("a proof takes {each:?}");
    assert!(each.as_millis() < 20, "{each:?}");
}
