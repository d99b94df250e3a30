use serde_json::{Value, json};

use super::{Earlier, Error, Expectations, IdToken, IssuerMatch};
use crate::protocol::jose::testing::{verified, verified_as};
use crate::protocol::jose::{Algorithm, excerpt};

const NOW: i64 = 1_700_000_000;

/// What the sound token of these tests agrees with.
fn expectations() -> Expectations<'static> {
    Expectations {
        issuer: IssuerMatch::Exact("https://a.example"),
        client_id: "client",
        nonce: Some("nonce"),
        access_token: None,
        code: None,
        state: None,
        max_age: None,
        acr_values: &[],
        tolerance: 60,
        now: NOW,
    }
}

fn sound() -> Value {
    json!({"iss": "https://a.example", "aud": "client", "sub": "alice", "exp": NOW + 300, "iat": NOW, "nonce": "nonce"})
}

/// The sound claims, but for these; `null` takes a claim away.
fn claims(changes: Value) -> Value {
    let mut claims = sound();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().shift_remove(name)),
            _ => claims[name] = value.clone(),
        }
    }
    claims
}

fn check_against(changes: Value, expect: &Expectations<'_>) -> Result<IdToken, Error> {
    IdToken::check(verified(Algorithm::HS256, &claims(changes)), expect)
}

fn check(changes: Value) -> Result<IdToken, Error> {
    check_against(changes, &expectations())
}

fn malformed(claim: &'static str) -> Error {
    let expected = match claim {
        "aud" => "a string or a list of strings",
        "exp" | "iat" | "nbf" | "auth_time" => "a number of seconds since 1970",
        _ => "a string",
    };
    Error::Malformed { claim, expected }
}

#[test]
fn a_sound_token_tells_its_claims() {
    let changes = json!({"auth_time": NOW - 5, "acr": "loa2", "email": "alice@a.example"});

    let token = check(changes.clone()).unwrap();

    assert_eq!(token.issuer(), "https://a.example");
    assert_eq!(token.subject(), "alice");
    assert_eq!(token.auth_time(), Some(NOW - 5));
    assert_eq!(token.acr(), Some("loa2"));
    assert_eq!(token.nonce(), Some("nonce"));
    assert_eq!(token.algorithm(), Algorithm::HS256);
    assert_eq!(Value::Object(token.claims().clone()), claims(changes));
    assert_eq!(format!("{token:?}"), "IdToken { issuer: \"https://a.example\", .. }");
}

#[test]
fn other_kinds_of_tokens_are_refused() {
    let check = |typ: Option<&str>| {
        IdToken::check(verified_as(Algorithm::HS256, typ, &sound()), &expectations()).map(|token| token.algorithm())
    };

    for typ in [None, Some("JWT"), Some("jwt"), Some("application/jwt")] {
        assert_eq!(check(typ), Ok(Algorithm::HS256), "{typ:?}");
    }
    for typ in ["at+jwt", "logout+jwt", "oauth-authz-req+jwt", "dpop+jwt", "application/at+jwt", "secevent+jwt", ""] {
        assert_eq!(check(Some(typ)), Err(Error::Kind { found: typ.to_owned() }), "{typ}");
    }
}

#[test]
fn the_issuer_must_be_the_same_text() {
    for near_miss in [
        "https://a.example/",
        "https://A.example",
        "HTTPS://a.example",
        "http://a.example",
        "https://a.example:443",
        "https://a%2eexample",
        "https://a.example.evil.example",
        "https://a.exampl",
        "https://a.example ",
        "https://b.example",
        "",
    ] {
        let expected = Error::Issuer { expected: "https://a.example".to_owned(), found: near_miss.to_owned() };
        assert_eq!(check(json!({ "iss": near_miss })).unwrap_err(), expected, "{near_miss}");
    }
    for value in [json!(["https://a.example"]), json!(1), json!({}), json!(false)] {
        assert_eq!(check(json!({ "iss": value })).unwrap_err(), malformed("iss"), "{value}");
    }
    assert_eq!(check(json!({"iss": null})).unwrap_err(), Error::Missing("iss"));
}

#[test]
fn a_template_takes_the_tenant_of_the_token_and_nothing_else() {
    let expect = Expectations { issuer: IssuerMatch::Template("https://a.example/{tenantid}/v2.0"), ..expectations() };
    let check = |iss: &str, tid: Value| {
        check_against(json!({"iss": iss, "tid": tid}), &expect).map(|token| token.issuer().to_owned())
    };
    let issuer =
        |expected: &str, found: &str| Err(Error::Issuer { expected: expected.to_owned(), found: found.to_owned() });

    assert_eq!(check("https://a.example/t-1.x/v2.0", json!("t-1.x")), Ok("https://a.example/t-1.x/v2.0".to_owned()));
    assert_eq!(
        check("https://a.example/t1/v2.0", json!("t2")),
        issuer("https://a.example/t2/v2.0", "https://a.example/t1/v2.0")
    );
    assert_eq!(
        check("https://a.example/{tenantid}/v2.0", json!("t1")),
        issuer("https://a.example/t1/v2.0", "https://a.example/{tenantid}/v2.0")
    );
    assert_eq!(check("https://a.example/t1/v2.0", json!(null)), Err(Error::Missing("tid")));
    assert_eq!(check("https://a.example/t1/v2.0", json!(1)), Err(malformed("tid")));
    for tenant in ["", "t1/../t2", "t1?", "t1#", "t%31", "t 1", "t@1", "ť1", "{tenantid}"] {
        let iss = format!("https://a.example/{tenant}/v2.0");
        assert_eq!(check(&iss, json!(tenant)), Err(Error::Tenant { found: tenant.to_owned() }), "{tenant}");
    }
}

#[test]
fn a_template_without_a_place_for_the_tenant_is_the_issuer() {
    let expect = Expectations { issuer: IssuerMatch::Template("https://b.example"), ..expectations() };

    assert!(check_against(json!({"iss": "https://b.example"}), &expect).is_ok());
    assert!(matches!(check_against(json!({}), &expect), Err(Error::Issuer { .. })));
}

#[test]
fn the_audience_must_name_the_client() {
    for good in [json!("client"), json!(["client"]), json!(["client", "client"])] {
        assert!(check(json!({ "aud": good })).is_ok(), "{good}");
    }
    for (other, found) in [
        (json!("other"), "other"),
        (json!("Client"), "Client"),
        (json!("client "), "client "),
        (json!("clien"), "clien"),
        (json!("client,other"), "client,other"),
        (json!(["other", "another"]), "other, another"),
        (json!(""), ""),
    ] {
        let expected = Error::Audience { expected: "client".to_owned(), found: found.to_owned() };
        assert_eq!(check(json!({ "aud": other })).unwrap_err(), expected, "{other}");
    }
    for value in [json!([]), json!(["client", 1]), json!([["client"]]), json!({"client": 1}), json!(1), json!(true)] {
        assert_eq!(check(json!({"aud": value, "azp": "client"})).unwrap_err(), malformed("aud"), "{value}");
    }
    assert_eq!(check(json!({"aud": null})).unwrap_err(), Error::Missing("aud"));
}

#[test]
fn other_audiences_need_the_client_as_authorized_party() {
    let both = json!(["other", "client"]);

    assert!(check(json!({"aud": both, "azp": "client"})).is_ok());
    assert_eq!(check(json!({"aud": both})).unwrap_err(), Error::OtherAudiences { found: "other, client".to_owned() });
}

#[test]
fn an_authorized_party_elsewhere_is_refused() {
    for (azp, aud) in [("other", json!("client")), ("other", json!(["other", "client"])), ("Client", json!("client"))] {
        let expected = Error::AuthorizedParty { expected: "client".to_owned(), found: azp.to_owned() };
        assert_eq!(check(json!({"aud": aud, "azp": azp})).unwrap_err(), expected, "{azp} {aud}");
    }
    assert_eq!(check(json!({"azp": ["client"]})).unwrap_err(), malformed("azp"));
}

#[test]
fn an_expired_token_is_refused_when_the_tolerance_is_used_up() {
    assert!(check(json!({"exp": NOW - 59})).is_ok());
    assert_eq!(check(json!({"exp": NOW - 60})).unwrap_err(), Error::Expired { at: NOW - 60, now: NOW });
    assert_eq!(check(json!({"exp": null})).unwrap_err(), Error::Missing("exp"));

    let strict = Expectations { tolerance: 0, ..expectations() };
    assert!(check_against(json!({"exp": NOW + 1}), &strict).is_ok());
    assert_eq!(check_against(json!({"exp": NOW}), &strict).unwrap_err(), Error::Expired { at: NOW, now: NOW });
}

#[test]
fn a_token_from_the_future_is_refused_beyond_the_tolerance() {
    for claim in ["iat", "nbf", "auth_time"] {
        assert!(check(json!({ claim: NOW + 60 })).is_ok(), "{claim}");
        assert_eq!(
            check(json!({ claim: NOW + 61 })).unwrap_err(),
            Error::FromTheFuture { claim, at: NOW + 61, now: NOW }
        );
    }
    assert_eq!(check(json!({"iat": null})).unwrap_err(), Error::Missing("iat"));
    assert!(check(json!({"nbf": null, "auth_time": null})).is_ok());
}

#[test]
fn dates_are_numbers_within_reason() {
    for claim in ["exp", "iat", "nbf", "auth_time"] {
        for value in [
            json!(NOW.to_string()),
            json!("2030-01-01T00:00:00Z"),
            json!(-1),
            json!(-0.5),
            json!(i64::MIN),
            json!(i64::MAX),
            json!(u64::MAX),
            json!((1_i64 << 53) + 1),
            json!(1e300),
            json!([NOW]),
            json!({}),
            json!(true),
        ] {
            assert_eq!(check(json!({ claim: value })).unwrap_err(), malformed(claim), "{claim} {value}");
        }
    }
    assert!(check(json!({"exp": 1.8e9, "iat": NOW as f64 + 0.5, "nbf": 0, "auth_time": 0.25})).is_ok());
    assert!(check(json!({"exp": 1_i64 << 53})).is_ok());
    let mut with_null = sound();
    with_null["nbf"] = Value::Null;
    assert_eq!(IdToken::check(verified(Algorithm::HS256, &with_null), &expectations()).unwrap_err(), malformed("nbf"));
}

#[test]
fn clocks_far_off_do_not_overflow() {
    for now in [i64::MIN, i64::MAX] {
        for tolerance in [0, u64::MAX] {
            let expect = Expectations { now, tolerance, max_age: Some(u64::MAX), ..expectations() };
            if let Err(error) = check_against(json!({"auth_time": NOW}), &expect) {
                assert!(error.may_be_the_clock(), "{error}");
            }
        }
    }
}

#[test]
fn the_nonce_must_be_the_one_sent() {
    for other in ["", "Nonce", "nonce ", "nonc", "other"] {
        assert_eq!(check(json!({ "nonce": other })).unwrap_err(), Error::Nonce, "{other}");
    }
    assert_eq!(check(json!({"nonce": null})).unwrap_err(), Error::Missing("nonce"));
    assert_eq!(check(json!({"nonce": ["nonce"]})).unwrap_err(), malformed("nonce"));
}

#[test]
fn a_nonce_means_nothing_where_none_was_sent() {
    let expect = Expectations { nonce: None, ..expectations() };

    for nonce in [json!("any"), json!(1), json!(null)] {
        assert!(check_against(json!({ "nonce": nonce }), &expect).is_ok(), "{nonce}");
    }
}

#[test]
fn the_subject_is_1_to_255_ascii_characters() {
    assert!(check(json!({"sub": "x".repeat(255)})).is_ok());
    for (subject, length) in [("x".repeat(256), 256), (String::new(), 0), ("é".to_owned(), 1)] {
        assert_eq!(check(json!({ "sub": subject })).unwrap_err(), Error::Subject { length }, "{subject}");
    }
    assert_eq!(check(json!({"sub": null})).unwrap_err(), Error::Missing("sub"));
    assert_eq!(check(json!({"sub": 42})).unwrap_err(), malformed("sub"));
}

// Values from OpenID Connect Core appendix A and, for the other digests, `openssl dgst` (see `jose::algorithm`).
#[test]
fn hashes_must_be_those_of_what_came_with_the_token() {
    let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
    let expect = Expectations { access_token: Some(token), code: Some(token), state: Some(token), ..expectations() };
    for (algorithm, hash) in [
        (Algorithm::HS256, "77QmUPtjPfzWtF2AnpK9RQ"),
        (Algorithm::RS384, "jtAeDp945y1dDqU3nkIVGNZP1HjH_MFs"),
        (Algorithm::EdDSA, "q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM"),
    ] {
        for claim in ["at_hash", "c_hash", "s_hash"] {
            let check = |value: Value| IdToken::check(verified(algorithm, &claims(json!({ claim: value }))), &expect);

            assert!(check(json!(hash)).is_ok(), "{algorithm} {claim}");
            assert!(check(json!(null)).is_ok(), "{claim} may be left out");
            for other in ["", "77QmUPtjPfzWtF2AnpK9RQ==", "77QmUPtjPfzWtF2AnpK9Rg", "jHkWEdUXMU1BwAsC4vtUsQ"] {
                assert_eq!(check(json!(other)).unwrap_err(), Error::Hash { claim }, "{algorithm} {claim} {other}");
            }
            assert_eq!(check(json!([hash])).unwrap_err(), malformed(claim));
        }
    }
}

#[test]
fn each_hash_is_compared_with_its_own_value() {
    let expect =
        Expectations { access_token: Some("token"), code: Some("code"), state: Some("state"), ..expectations() };
    let hash = |value: &str| Algorithm::HS256.half_hash(value);

    let right = json!({"at_hash": hash("token"), "c_hash": hash("code"), "s_hash": hash("state")});
    assert!(check_against(right, &expect).is_ok());
    for (claim, value) in [("at_hash", "code"), ("c_hash", "state"), ("s_hash", "token")] {
        assert_eq!(check_against(json!({ claim: hash(value) }), &expect).unwrap_err(), Error::Hash { claim });
    }
    assert!(check(json!({"at_hash": hash("token")})).is_ok(), "there is nothing to compare with");
}

#[test]
fn a_login_older_than_max_age_is_refused() {
    let expect = Expectations { max_age: Some(600), ..expectations() };
    let old = |at| Error::OldLogin { at, max_age: 600, now: NOW };

    assert!(check_against(json!({"auth_time": NOW - 660}), &expect).is_ok());
    assert_eq!(check_against(json!({"auth_time": NOW - 661}), &expect).unwrap_err(), old(NOW - 661));
    assert_eq!(check_against(json!({}), &expect).unwrap_err(), Error::Missing("auth_time"));
    assert!(check(json!({"auth_time": NOW - 1_000_000})).is_ok(), "no max_age was sent");
}

#[test]
fn max_age_0_asks_for_a_login_of_this_moment() {
    let expect = Expectations { max_age: Some(0), tolerance: 0, ..expectations() };

    assert!(check_against(json!({"auth_time": NOW}), &expect).is_ok());
    assert!(matches!(check_against(json!({"auth_time": NOW - 1}), &expect), Err(Error::OldLogin { .. })));
}

#[test]
fn the_authentication_context_must_be_one_that_was_asked_for() {
    let requested = ["loa3".to_owned(), "loa2".to_owned()];
    let expect = Expectations { acr_values: &requested, ..expectations() };

    assert!(check_against(json!({"acr": "loa2"}), &expect).is_ok());
    assert_eq!(
        check_against(json!({"acr": "loa1"}), &expect).unwrap_err(),
        Error::Context { expected: requested.to_vec(), found: "loa1".to_owned() }
    );
    assert_eq!(check_against(json!({}), &expect).unwrap_err(), Error::Missing("acr"));
    assert_eq!(check_against(json!({"acr": 2}), &expect).unwrap_err(), malformed("acr"));
    assert!(check(json!({"acr": "loa1"})).is_ok(), "none was asked for");
}

#[test]
fn a_refreshed_token_must_be_about_the_same_login() {
    let earlier =
        Earlier { issuer: "https://a.example", subject: "alice", auth_time: Some(NOW - 5), nonce: Some("nonce") };
    let expect = Expectations { nonce: None, ..expectations() };
    let agrees = |changes: Value, earlier: &Earlier<'_>| check_against(changes, &expect).unwrap().agrees_with(earlier);
    let changed = |claim, before: &str, after: &str| {
        Err(Error::Changed { claim, before: before.to_owned(), after: after.to_owned() })
    };

    assert_eq!(agrees(json!({"auth_time": NOW - 5}), &earlier), Ok(()));
    assert_eq!(agrees(json!({"nonce": null}), &earlier), Ok(()));
    assert_eq!(
        agrees(json!({}), &Earlier { issuer: "https://b.example", ..earlier }),
        changed("iss", "https://b.example", "https://a.example")
    );
    assert_eq!(agrees(json!({"sub": "bob"}), &earlier), changed("sub", "alice", "bob"));
    assert_eq!(
        agrees(json!({"auth_time": NOW}), &earlier),
        changed("auth_time", &(NOW - 5).to_string(), &NOW.to_string())
    );
    assert_eq!(agrees(json!({"auth_time": NOW}), &Earlier { auth_time: None, ..earlier }), Ok(()));
    assert_eq!(agrees(json!({"nonce": "other"}), &earlier), Err(Error::ChangedNonce));
    assert_eq!(agrees(json!({"nonce": 1}), &earlier), Err(Error::ChangedNonce));
    assert_eq!(agrees(json!({}), &Earlier { nonce: None, ..earlier }), Err(Error::ChangedNonce));
}

#[test]
fn errors_quote_bounded_text_without_control_characters() {
    let hostile = format!("\u{1b}]0;pwn\u{7}{}", "x".repeat(10_000));
    let shown = excerpt(&hostile);

    for changes in [json!({ "iss": hostile }), json!({ "aud": hostile }), json!({ "azp": hostile })] {
        let error = check(changes).unwrap_err().to_string();
        assert!(error.contains(&shown) && error.len() < 250 && !error.contains('\u{1b}'), "{error}");
    }
}

#[test]
fn errors_name_the_claim_and_tell_a_clock_from_a_forgery() {
    let error = check(json!({"exp": NOW - 300})).unwrap_err();
    assert_eq!(error.to_string(), "the ID token's `exp` passed 300 s ago by this computer's clock");
    assert!(error.may_be_the_clock());

    let error = check(json!({"iat": NOW + 3600})).unwrap_err();
    assert_eq!(error.to_string(), "the ID token's `iat` lies 3600 s in the future by this computer's clock");
    assert!(error.may_be_the_clock());

    let error = check(json!({"nonce": "other"})).unwrap_err();
    assert_eq!(error.to_string(), "the ID token's `nonce` is not the one that was sent");
    assert!(!error.may_be_the_clock());
}
