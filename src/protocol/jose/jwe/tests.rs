use serde_json::{Value, json};

use super::{ContentEncryption, Decrypter, Jwe, KeyManagement, Recipient, key};
use crate::protocol::jose::{BadKey, Error, base64url};

/// RFC 7520 §5: what every example encrypts.
const FRODO: &str = "You can trust us to stick with you through thick and thin\u{2013}to the bitter end. And you can trust \
us to keep any secret of yours\u{2013}closer than you keep it yourself. But you cannot trust us to let you face trouble \
alone, and go off without a word. We are your friends, Frodo.";

/// RFC 7520 §5.2.3: RSA-OAEP and A256GCM.
const RSA_OAEP: &str = "eyJhbGciOiJSU0EtT0FFUCIsImtpZCI6InNhbXdpc2UuZ2FtZ2VlQGhvYmJpdG9uLmV4YW1wbGUiLCJlbmMiOiJBMjU2R0NNIn0.rT99rwrBTbTI7IJM8fU3Eli7226HEB7IchCxNuh7lCiud48LxeolRdtFF4nzQibeYOl5S_PJsAXZwSXtDePz9hk-BbtsTBqC2UsPOdwjC9NhNupNNu9uHIVftDyucvI6hvALeZ6OGnhNV4v1zx2k7O1D89mAzfw-_kT3tkuorpDU-CpBENfIHX1Q58-Aad3FzMuo3Fn9buEP2yXakLXYa15BUXQsupM4A1GD4_H4Bd7V3u9h8Gkg8BpxKdUV9ScfJQTcYm6eJEBz3aSwIaK4T3-dwWpuBOhROQXBosJzS1asnuHtVMt2pKIIfux5BC6huIvmY7kzV7W7aIUrpYm_3H4zYvyMeq5pGqFmW2k8zpO878TRlZx7pZfPYDSXZyS0CfKKkMozT_qiCwZTSz4duYnt8hS4Z9sGthXn9uDqd6wycMagnQfOTs_lycTWmY-aqWVDKhjYNRf03NiwRtb5BE-tOdFwCASQj3uuAgPGrO2AWBe38UjQb0lvXn1SpyvYZ3WFc7WOJYaTa7A8DRn6MC6T-xDmMuxC0G7S2rscw5lQQU06MvZTlFOt0UvfuKBa03cxA_nIBIhLMjY2kOTxQMmpDPTr6Cbo8aKaOnx6ASE5Jx9paBpnNmOOKH35j_QlrQhDWUN6A2Gg8iFayJ69xDEdHAVCGRzN3woEI2ozDRs.-nBoKLH0YkLZPSI9.o4k2cnGN8rSSw3IDo1YuySkqeS_t2m1GXklSgqBdpACm6UJuJowOHC5ytjqYgRL-I-soPlwqMUf4UgRWWeaOGNw6vGW-xyM01lTYxrXfVzIIaRdhYtEMRBvBWbEwP7ua1DRfvaOjgZv6Ifa3brcAM64d8p5lhhNcizPersuhw5f-pGYzseva-TUaL8iWnctc-sSwy7SQmRkfhDjwbz0fz6kFovEgj64X1I5s7E6GLp5fnbYGLa1QUiML7Cc2GxgvI7zqWo0YIEc7aCflLG1-8BboVWFdZKLK9vNoycrYHumwzKluLWEbSVmaPpOslY2n525DxDfWaVFUfKQxMF56vn4B9QMpWAbnypNimbM8zVOw.UCGiqJxhBI3IFVdPalHHvA";

/// RFC 7520 §5.4.3: ECDH-ES+A128KW on P-384, and A128GCM.
const AGREED_AND_WRAPPED: &str = "eyJhbGciOiJFQ0RILUVTK0ExMjhLVyIsImtpZCI6InBlcmVncmluLnRvb2tAdHVja2Jvcm91Z2guZXhhbXBsZSIsImVwayI6eyJrdHkiOiJFQyIsImNydiI6IlAtMzg0IiwieCI6InVCbzRrSFB3Nmtiang1bDB4b3dyZF9vWXpCbWF6LUdLRlp1NHhBRkZrYllpV2d1dEVLNml1RURzUTZ3TmROZzMiLCJ5Ijoic3AzcDVTR2haVkMyZmFYdW1JLWU5SlUyTW84S3BvWXJGRHI1eVBOVnRXNFBnRXdaT3lRVEEtSmRhWTh0YjdFMCJ9LCJlbmMiOiJBMTI4R0NNIn0.0DJjBXri_kBcC46IkU5_Jk9BqaQeHdv2.mH-G2zVqgztUtnW_.tkZuOO9h95OgHJmkkrfLBisku8rGf6nzVxhRM3sVOhXgz5NJ76oID7lpnAi_cPWJRCjSpAaUZ5dOR3Spy7QuEkmKx8-3RCMhSYMzsXaEwDdXta9Mn5B7cCBoJKB0IgEnj_qfo1hIi-uEkUpOZ8aLTZGHfpl05jMwbKkTe2yK3mjF6SBAsgicQDVCkcY9BLluzx1RmC3ORXaM0JaHPB93YcdSDGgpgBWMVrNU1ErkjcMqMoT_wtCex3w03XdLkjXIuEr2hWgeP-nkUZTPU9EoGSPj6fAS-bSz87RCPrxZdj_iVyC6QWcqAu07WNhjzJEPc4jVntRJ6K53NgPQ5p99l3Z408OUqj4ioYezbS6vTPlQ.WuGzxmcreYjpHGJoa17EBg";

/// RFC 7520 §5.5.3: ECDH-ES on P-256, and A128CBC-HS256.
const AGREED: &str = "eyJhbGciOiJFQ0RILUVTIiwia2lkIjoibWVyaWFkb2MuYnJhbmR5YnVja0BidWNrbGFuZC5leGFtcGxlIiwiZXBrIjp7Imt0eSI6IkVDIiwiY3J2IjoiUC0yNTYiLCJ4IjoibVBVS1RfYkFXR0hJaGcwVHBqanFWc1AxclhXUXVfdndWT0hIdE5rZFlvQSIsInkiOiI4QlFBc0ltR2VBUzQ2ZnlXdzVNaFlmR1RUMElqQnBGdzJTUzM0RHY0SXJzIn0sImVuYyI6IkExMjhDQkMtSFMyNTYifQ..yc9N8v5sYyv3iGQT926IUg.BoDlwPnTypYq-ivjmQvAYJLb5Q6l-F3LIgQomlz87yW4OPKbWE1zSTEFjDfhU9IPIOSA9Bml4m7iDFwA-1ZXvHteLDtw4R1XRGMEsDIqAYtskTTmzmzNa-_q4F_evAPUmwlO-ZG45Mnq4uhM1fm_D9rBtWolqZSF3xGNNkpOMQKF1Cl8i8wjzRli7-IXgyirlKQsbhhqRzkv8IcY6aHl24j03C-AR2le1r7URUhArM79BY8soZU0lzwI-sD5PZ3l4NDCCei9XkoIAfsXJWmySPoeRb2Ni5UZL4mYpvKDiwmyzGd65KqVw7MsFfI_K767G9C9Azp73gKZD0DyUn1mn0WW5LmyX_yJ-3AROq8p1WZBfG-ZyJ6195_JGG2m9Csg.WCCkNa-x4BeB9hIDIfFuhg";

/// RFC 7520 §5.6.2: dir and A128GCM.
const DIRECT: &str = "eyJhbGciOiJkaXIiLCJraWQiOiI3N2M3ZTJiOC02ZTEzLTQ1Y2YtODY3Mi02MTdiNWI0NTI0M2EiLCJlbmMiOiJBMTI4R0NNIn0..refa467QzzKx6QAB.JW_i_f52hww_ELQPGaYyeAB6HYGcR559l9TYnSovc23XJoBcW29rHP8yZOZG7YhLpT1bjFuvZPjQS-m0IFtVcXkZXdH_lr_FrdYt9HRUYkshtrMmIUAyGmUnd9zMDB2n0cRDIHAzFVeJUDxkUwVAE7_YGRPdcqMyiBoCO-FBdE-Nceb4h3-FtBP-c_BIwCPTjb9o0SbdcdREEMJMyZBH8ySWMVi1gPD9yxi-aQpGbSv_F9N4IZAxscj5g-NJsUPbjk29-s7LJAGb15wEBtXphVCgyy53CoIKLHHeJHXex45Uz9aKZSRSInZI-wjsY0yu3cT4_aQ3i1o-tiE-F8Ios61EKgyIQ4CWao8PFMj8TTnp.vbb32Xvllea2OtmHAdccRQ";

/// RFC 7520 §5.8.3: A128KW and A128GCM.
const WRAPPED: &str = "eyJhbGciOiJBMTI4S1ciLCJraWQiOiI4MWIyMDk2NS04MzMyLTQzZDktYTQ2OC04MjE2MGFkOTFhYzgiLCJlbmMiOiJBMTI4R0NNIn0.CBI6oDw8MydIx1IBntf_lQcw2MmJKIQx.Qx0pmsDa8KnJc9Jo.AwliP-KmWgsZ37BvzCefNen6VTbRK3QMA4TkvRkH0tP1bTdhtFJgJxeVmJkLD61A1hnWGetdg11c9ADsnWgL56NyxwSYjU1ZEHcGkd3EkU0vjHi9gTlb90qSYFfeF0LwkcTtjbYKCsiNJQkcIp1yeM03OmuiYSoYJVSpf7ej6zaYcMv3WwdxDFl8REwOhNImk2Xld2JXq6BR53TSFkyT7PwVLuq-1GwtGHlQeg7gDT6xW0JqHDPn_H-puQsmthc9Zg0ojmJfqqFvETUxLAF-KjcBTS5dNy6egwkYtOt8EIHK-oEsKYtZRaa8Z7MOZ7UGxGIMvEmxrGCPeJa14slv2-gaqK0kEThkaSqdYw0FkQZF.ER7MWJZ1FBI_NKvn7Zb1Lw";

fn samwise() -> Value {
    json!({
        "kty": "RSA", "use": "enc", "alg": "RSA-OAEP", "e": "AQAB",
        "n": "wbdxI55VaanZXPY29Lg5hdmv2XhvqAhoxUkanfzf2-5zVUxa6prHRrI4pP1AhoqJRlZfYtWWd5mmHRG2pAHIlh0ySJ9wi0BioZBl1XP2e-C-FyXJGcTy0HdKQWlrfhTm42EW7Vv04r4gfao6uxjLGwfpGrZLarohiWCPnkNrg71S2CuNZSQBIPGjXfkmIy2tl_VWgGnL22GplyXj5YlBLdxXp3XeStsqo571utNfoUTU8E4qdzJ3U1DItoVkPGsMwlmmnJiwA7sXRItBCivR4M5qnZtdw-7v4WuR4779ubDuJ5nalMv2S66-RPcnFAzWSKxtBDnFJJDGIUe7Tzizjg1nms0Xq_yPub_UOlWn0ec85FCft1hACpWG8schrOBeNqHBODFskYpUc2LC5JA2TaPF2dA67dg1TTsC_FupfQ2kNGcE1LgprxKHcVWYQb86B-HozjHZcqtauBzFNV5tbTuB-TpkcvJfNcFLlH3b8mb-H_ox35FjqBSAjLKyoeqfKTpVjvXhd09knwgJf6VKq6UC418_TOljMVfFTWXUxlnfhOOnzW6HSSzD1c9WrCuVzsUMv54szidQ9wf1cYWf3g5qFDxDQKis99gcDaiCAwM3yEBIzuNeeCa5dartHDb1xEB_HcHSeYbghbMjGfasvKn0aZRsnTyC0xhWBlsolZE",
        "d": "n7fzJc3_WG59VEOBTkayzuSMM780OJQuZjN_KbH8lOZG25ZoA7T4Bxcc0xQn5oZE5uSCIwg91oCt0JvxPcpmqzaJZg1nirjcWZ-oBtVk7gCAWq-B3qhfF3izlbkosrzjHajIcY33HBhsy4_WerrXg4MDNE4HYojy68TcxT2LYQRxUOCf5TtJXvM8olexlSGtVnQnDRutxEUCwiewfmmrfveEogLx9EA-KMgAjTiISXxqIXQhWUQX1G7v_mV_Hr2YuImYcNcHkRvp9E7ook0876DhkO8v4UOZLwA1OlUX98mkoqwc58A_Y2lBYbVx1_s5lpPsEqbbH-nqIjh1fL0gdNfihLxnclWtW7pCztLnImZAyeCWAG7ZIfv-Rn9fLIv9jZ6r7r-MSH9sqbuziHN2grGjD_jfRluMHa0l84fFKl6bcqN1JWxPVhzNZo01yDF-1LiQnqUYSepPf6X3a2SOdkqBRiquE6EvLuSYIDpJq3jDIsgoL8Mo1LoomgiJxUwL_GWEOGu28gplyzm-9Q0U0nyhEf1uhSR8aJAQWAiFImWH5W_IQT9I7-yrindr_2fWQ_i1UgMsGzA7aOGzZfPljRy6z-tY_KuBG00-28S_aWvjyUc-Alp8AUyKjBZ-7CWH32fGWK48j1t-zomrwjL_mnhsPbGs0c9WsWgRzI-K8gE",
        "p": "7_2v3OQZzlPFcHyYfLABQ3XP85Es4hCdwCkbDeltaUXgVy9l9etKghvM4hRkOvbb01kYVuLFmxIkCDtpi-zLCYAdXKrAK3PtSbtzld_XZ9nlsYa_QZWpXB_IrtFjVfdKUdMz94pHUhFGFj7nr6NNxfpiHSHWFE1zD_AC3mY46J961Y2LRnreVwAGNw53p07Db8yD_92pDa97vqcZOdgtybH9q6uma-RFNhO1AoiJhYZj69hjmMRXx-x56HO9cnXNbmzNSCFCKnQmn4GQLmRj9sfbZRqL94bbtE4_e0Zrpo8RNo8vxRLqQNwIy85fc6BRgBJomt8QdQvIgPgWCv5HoQ",
        "q": "zqOHk1P6WN_rHuM7ZF1cXH0x6RuOHq67WuHiSknqQeefGBA9PWs6ZyKQCO-O6mKXtcgE8_Q_hA2kMRcKOcvHil1hqMCNSXlflM7WPRPZu2qCDcqssd_uMbP-DqYthH_EzwL9KnYoH7JQFxxmcv5An8oXUtTwk4knKjkIYGRuUwfQTus0w1NfjFAyxOOiAQ37ussIcE6C6ZSsM3n41UlbJ7TCqewzVJaPJN5cxjySPZPD3Vp01a9YgAD6a3IIaKJdIxJS1ImnfPevSJQBE79-EXe2kSwVgOzvt-gsmM29QQ8veHy4uAqca5dZzMs7hkkHtw1z0jHV90epQJJlXXnH8Q",
    })
}

fn meriadoc() -> Value {
    json!({
        "kty": "EC", "use": "enc", "crv": "P-256", "d": "r_kHyZ-a06rmxM3yESK84r1otSg-aQcVStkRhA-iCM8",
        "x": "Ze2loSV3wrroKUN_4zhwGhCqo3Xhu1td4QjeQ5wIVR0", "y": "HlLtdXARY_f55A3fnzQbPcm6hgr34Mp8p-nuzQCE0Zw",
    })
}

fn peregrin() -> Value {
    json!({
        "kty": "EC", "crv": "P-384", "d": "iTx2pk7wW-GqJkHcEkFQb2EFyYcO7RugmaW3mRrQVAOUiPommT0IdnYK2xDlZh-j",
        "x": "YU4rRUzdmVqmRtWOs2OpDE_T5fsNIodcG8G5FWPrTPMyxpzsSOGaQLpe2FpxBmu2",
        "y": "A8-yxCHxkfBz3hKZfI1jUYMjUhsEveZ9THuwFjH2sCNdtksRJU7D5-SkgaFL1ETP",
    })
}

fn shared(key: &str) -> Value {
    json!({ "kty": "oct", "k": key })
}

fn examples() -> [(&'static str, &'static str, Value); 5] {
    [
        ("RSA-OAEP", RSA_OAEP, samwise()),
        ("ECDH-ES+A128KW", AGREED_AND_WRAPPED, peregrin()),
        ("ECDH-ES", AGREED, meriadoc()),
        ("dir", DIRECT, shared("XctOhJAkA-pD9Lh7ZgW_2A")),
        ("A128KW", WRAPPED, shared("GZy6sIZ6wl9NJOKB-jnmVQ")),
    ]
}

fn opened(token: &str, algorithm: &str, key: &Value) -> Result<String, Error> {
    let key = Decrypter::parse(&key.to_string(), None).expect("a key");
    let jwe = Jwe::parse(token, KeyManagement::parse(algorithm).expect("a name"))?;
    Ok(jwe.decrypt(&key)?.expose().to_owned())
}

#[test]
fn the_examples_of_rfc_7520_are_opened() {
    for (algorithm, token, key) in examples() {
        assert_eq!(opened(token, algorithm, &key).as_deref(), Ok(FRODO), "{algorithm}");
    }
}

#[test]
fn a_key_is_agreed_on_as_in_rfc_7518() {
    // Appendix C: Z, and the key that is derived from it for A128GCM.
    let secret = [
        158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132, 38, 156, 251, 49, 110, 163, 218, 128, 106,
        72, 246, 218, 167, 121, 140, 254, 144, 196,
    ];

    let key = key::derived(&secret, &[b"A128GCM", b"Alice", b"Bob"], 16).expect("a key");

    assert_eq!(base64url("VqqN6vgjbSBcIijNcacQGg").as_deref(), Some(&key[..]));
}

#[test]
fn whatever_is_changed_it_does_not_open() {
    for (algorithm, token, key) in examples() {
        let segments: Vec<&str> = token.split('.').collect();
        for at in 1..5 {
            let mut changed: Vec<String> = segments.iter().map(|segment| (*segment).to_owned()).collect();
            if changed[at].is_empty() {
                changed[at] = "AAAA".into();
            } else {
                let first = if changed[at].starts_with('A') { "B" } else { "A" };
                changed[at].replace_range(..1, first);
            }
            assert_eq!(opened(&changed.join("."), algorithm, &key), Err(Error::Undecryptable), "{algorithm} {at}");
            changed[at].clear();
            assert_eq!(
                opened(&changed.join("."), algorithm, &key).is_ok(),
                segments[at].is_empty(),
                "{algorithm} {at}"
            );
        }
        // The header is authenticated although nothing in it is missing.
        let header = String::from_utf8(base64url(segments[0]).expect("base64url")).expect("text");
        let header = header.replacen('{', "{\"x\":1,", 1);
        let other = token.replacen(segments[0], &crate::protocol::jose::encoded(header.as_bytes()), 1);
        assert_eq!(opened(&other, algorithm, &key), Err(Error::Undecryptable), "{algorithm}");
    }
}

#[test]
fn another_key_does_not_open_it() {
    let mut other = meriadoc();
    other["d"] = "AtH35vJsQ9SGjYfOsjUxYXQKrPH3FjZHmEtSKoSN8cM".into();

    assert_eq!(opened(AGREED, "ECDH-ES", &other), Err(Error::Undecryptable));
    assert_eq!(opened(AGREED, "ECDH-ES", &peregrin()), Err(Error::Undecryptable));
    assert_eq!(opened(AGREED, "ECDH-ES", &samwise()), Err(Error::Undecryptable));
}

#[test]
fn a_point_that_is_not_on_the_curve_is_refused() {
    let header = json!({
        "alg": "ECDH-ES", "enc": "A128CBC-HS256",
        // The other coordinate of another point.
        "epk": { "kty": "EC", "crv": "P-256", "x": meriadoc()["x"], "y": "8BQAsImGeAS46fyWw5MhYfGTT0IjBpFw2SS34Dv4Irs" },
    });
    let rest = AGREED.split_once('.').expect("segments").1;
    let token = format!("{}.{rest}", crate::protocol::jose::encoded(header.to_string().as_bytes()));

    assert_eq!(opened(&token, "ECDH-ES", &meriadoc()), Err(Error::Undecryptable));
}

#[test]
fn only_the_demanded_algorithm_is_taken() {
    let refused = Error::KeyManagement { found: "ECDH-ES".into(), expected: "RSA-OAEP" };
    assert_eq!(opened(AGREED, "RSA-OAEP", &samwise()), Err(refused));
    assert_eq!(opened("a.b.c", "RSA-OAEP", &samwise()), Err(Error::NotEncrypted("RSA-OAEP")));
    for name in ["RSA1_5", "PBES2-HS256+A128KW", "A128GCMKW", "none", ""] {
        assert_eq!(KeyManagement::parse(name), None, "{name}");
    }
}

#[test]
fn headers_that_ask_for_more_are_refused() {
    let with = |header: Value| {
        let token = format!("{}....", crate::protocol::jose::encoded(header.to_string().as_bytes()));
        opened(&token, "dir", &shared("XctOhJAkA-pD9Lh7ZgW_2A"))
    };

    assert_eq!(with(json!({ "alg": "dir", "enc": "A128GCM", "zip": "DEF" })), Err(Error::Extension("zip")));
    assert_eq!(with(json!({ "alg": "dir", "enc": "A128GCM", "crit": ["x"] })), Err(Error::Extension("crit")));
    let refused = Error::ContentEncryption { found: "A128CBC".into() };
    assert_eq!(with(json!({ "alg": "dir", "enc": "A128CBC" })), Err(refused));
    let long = format!("{}....", "A".repeat(super::MAX_BYTES));
    assert!(matches!(opened(&long, "dir", &shared("XctOhJAkA-pD9Lh7ZgW_2A")), Err(Error::TooLarge { .. })));
}

#[test]
fn a_text_that_is_no_key_is_told_without_repeating_it() {
    for text in ["", "x", "{}", r#"{"kty":"EC","crv":"P-256","d":"AA"}"#, r#"{"kty":"OKP","crv":"X25519","d":"AA"}"#] {
        assert!(Decrypter::parse(text, None).is_err(), "{text}");
    }
    assert_eq!(Decrypter::parse(r#"{"kty":"RSA","n":"AQ"}"#, None).err(), Some(BadKey::Undecrypting));
}

#[test]
fn a_client_secret_stands_for_keys_of_each_length() {
    // Half of the digest of "abc" (FIPS 180-2 appendix B.1).
    let key = Decrypter::of_client_secret(&"abc".into());
    let same = Decrypter::parse(&shared("ungWv48Bz-pBQUDeXa4iIw").to_string(), None).expect("a key");

    for name in ["dir", "A128KW", "A256KW"] {
        assert!(key.suits(KeyManagement::parse(name).expect("a name")), "{name}");
    }
    let header = crate::protocol::jose::encoded(br#"{"alg":"dir","enc":"A128GCM"}"#);
    let jwe = Jwe::parse(&format!("{header}...."), KeyManagement::Direct).expect("the form of a token");
    assert_eq!(key.content_key(&jwe), same.content_key(&jwe));
    assert!(key.content_key(&jwe).is_some());
}

/// A key of RFC 8037 appendix A.6, its public half.
fn bob() -> Value {
    json!({ "kty": "OKP", "crv": "X25519", "kid": "Bob", "x": "3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08" })
}

/// The public half of a key.
fn public(key: &Value) -> Value {
    let mut key = key.clone();
    let members = key.as_object_mut().unwrap();
    members.retain(|name, _| ["kty", "crv", "x", "y", "n", "e", "use", "alg", "kid"].contains(&name.as_str()));
    key
}

fn recipient(keys: &[Value], algorithm: &str) -> Option<Recipient> {
    let keys: Vec<_> = keys.iter().map(|key| key.as_object().unwrap().clone()).collect();
    Recipient::choose(keys.iter(), KeyManagement::parse(algorithm).unwrap())
}

#[test]
fn what_is_encrypted_for_a_key_is_opened_with_its_other_half() {
    let mut samwise = samwise();
    samwise.as_object_mut().unwrap().remove("alg");
    let encryptions = ["A128GCM", "A192GCM", "A256GCM", "A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512"];
    for (key, algorithms) in [
        (samwise, &["RSA-OAEP", "RSA-OAEP-256"][..]),
        (meriadoc(), &["ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW"]),
        (peregrin(), &["ECDH-ES", "ECDH-ES+A256KW"]),
    ] {
        let decrypter = Decrypter::parse(&key.to_string(), None).unwrap();
        for algorithm in algorithms {
            let recipient = recipient(&[public(&key)], algorithm).unwrap();
            for encryption in encryptions {
                // Contents that end before, at and after the end of a block.
                for content in ["", "0123456789abcdef", FRODO] {
                    let token = recipient.encrypt(content, ContentEncryption::parse(encryption).unwrap()).unwrap();
                    let other = recipient.encrypt(content, ContentEncryption::parse(encryption).unwrap()).unwrap();
                    assert_ne!(token, other, "each has a key and a nonce of its own");

                    let opened = Jwe::parse(&token, KeyManagement::parse(algorithm).unwrap()).unwrap();
                    assert_eq!(opened.decrypt(&decrypter).unwrap().expose(), content, "{algorithm} {encryption}");
                }
            }
        }
    }
}

#[test]
fn the_header_says_how_for_which_key_and_that_a_token_is_inside() {
    let token = recipient(&[bob()], "ECDH-ES").unwrap().encrypt("x", ContentEncryption::USUAL).unwrap();

    let header: Value = serde_json::from_slice(&base64url(token.split('.').next().unwrap()).unwrap()).unwrap();
    assert_eq!((&header["alg"], &header["enc"]), (&json!("ECDH-ES"), &json!("A128CBC-HS256")));
    assert_eq!((&header["cty"], &header["kid"]), (&json!("JWT"), &json!("Bob")));
    assert_eq!((&header["epk"]["kty"], &header["epk"]["crv"]), (&json!("OKP"), &json!("X25519")));
    assert_eq!(header["epk"].as_object().unwrap().len(), 3);
}

#[test]
fn a_key_is_chosen_by_what_it_says_it_is_for() {
    let with = |name: &str, value: Value| {
        let mut key = public(&meriadoc());
        key.as_object_mut().unwrap().remove("use");
        key[name] = value;
        key
    };
    for fine in [
        with("use", json!("enc")),
        with("key_ops", json!(["deriveKey"])),
        with("alg", json!("ECDH-ES")),
        with("kid", json!("x")),
    ] {
        assert!(recipient(std::slice::from_ref(&fine), "ECDH-ES").is_some(), "{fine}");
    }
    for unfit in [
        with("use", json!("sig")),
        with("key_ops", json!(["verify"])),
        with("alg", json!("ECDH-ES+A128KW")),
        with("alg", json!("ES256")),
        with("crv", json!("P-521")),
        with("x", json!("AA")),
        public(&samwise()),
        shared("XctOhJAkA-pD9Lh7ZgW_2A"),
    ] {
        assert!(recipient(std::slice::from_ref(&unfit), "ECDH-ES").is_none(), "{unfit}");
    }
    let named = |kid: &str, alg: Option<&str>| {
        let mut key = with("kid", json!(kid));
        alg.into_iter().for_each(|alg| key["alg"] = json!(alg));
        key
    };
    let chosen = recipient(&[named("silent", None), named("says", Some("ECDH-ES"))], "ECDH-ES").unwrap();
    assert!(format!("{chosen:?}").contains("says"), "{chosen:?}");
}

#[test]
fn nothing_is_encrypted_for_a_point_that_is_not_on_the_curve_or_a_weak_key() {
    let mut off = public(&meriadoc());
    off["y"] = off["x"].clone();
    assert!(matches!(
        recipient(&[off], "ECDH-ES").unwrap().encrypt("x", ContentEncryption::USUAL),
        Err(Error::Unencryptable)
    ));
    let mut weak = public(&samwise());
    weak["n"] = json!("wbdxI55VaanZXPY29Lg5hdmv2XhvqAhoxUkanfzf2-5zVUxa6prHRrI4pP1AhoqJRlZfYtWWd5mmHRG2pAHIlw");
    assert!(recipient(&[weak], "RSA-OAEP").is_none());
}
