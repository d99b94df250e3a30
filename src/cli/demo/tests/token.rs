//! The token endpoint, what its tokens open, and their end.

use serde_json::json;

use super::super::keys::half_hash;
use super::{
    ASK, NOW, REDEEM, bearer, code, document, encode, error, field, login, post, refresh, request, server, verified,
    with,
};

fn refused(status: u16, error: &str) -> (u16, String) {
    (status, error.to_owned())
}

#[test]
fn the_id_token_is_signed_by_the_published_key_and_says_who_logged_in() {
    let server = server();

    let tokens = login(&server, ASK);

    let jwks = document(&server.answer(&request("GET", "/jwks", &[], ""), NOW));
    let (header, claims) = verified(tokens["id_token"].as_str().unwrap(), &jwks);
    assert_eq!(header, json!({"alg": "ES256", "typ": "JWT", "kid": jwks["keys"][0]["kid"]}));
    assert_eq!(
        claims,
        json!({
            "iss": "http://127.0.0.1:8080",
            "sub": "248289761001",
            "aud": "keyfob-demo",
            "exp": NOW + 300,
            "iat": NOW,
            "auth_time": NOW,
            "at_hash": half_hash(tokens["access_token"].as_str().unwrap()),
            "nonce": "n-0S6_WzA2Mj",
            "name": "Ada Demo",
            "preferred_username": "ada",
            "email": "ada@demo.example",
            "email_verified": true,
        })
    );
}

#[test]
fn at_hash_is_the_specifications() {
    // OpenID Connect Core appendix A.3.
    assert_eq!(half_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"), "77QmUPtjPfzWtF2AnpK9RQ");
}

#[test]
fn the_scope_decides_which_tokens_and_claims_there_are() {
    let server = server();

    let plain = login(&server, &with(ASK, "scope", "profile"));
    let openid = login(&server, &with(ASK, "scope", "openid"));

    let names = |tokens: &serde_json::Value| tokens.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&plain), ["access_token", "token_type", "expires_in", "scope"]);
    assert_eq!(names(&openid), ["access_token", "token_type", "expires_in", "scope", "id_token"]);
    let userinfo = bearer(&server, "/userinfo", openid["access_token"].as_str().unwrap(), NOW);
    assert_eq!(document(&userinfo), json!({"sub": "248289761001"}));
    let without = bearer(&server, "/userinfo", plain["access_token"].as_str().unwrap(), NOW);
    let challenge = r#"Bearer realm="keyfob demo", error="insufficient_scope", scope="openid""#;
    assert_eq!((without.status, field(&without, "WWW-Authenticate")), (403, Some(challenge)));
}

#[test]
fn an_access_token_opens_what_there_is_until_it_expires() {
    let server = server();
    let tokens = login(&server, ASK);
    let token = tokens["access_token"].as_str().unwrap();

    let hello = document(&bearer(&server, "/api/hello", token, NOW + 299));
    let userinfo = document(&bearer(&server, "/userinfo", token, NOW + 299));

    let scope = "openid profile email offline_access";
    assert_eq!(hello, json!({"greeting": "Hello, Ada Demo!", "user": "ada", "scope": scope}));
    assert_eq!(userinfo["preferred_username"], "ada");
    assert_eq!(userinfo["email"], "ada@demo.example");
    assert_eq!(bearer(&server, "/api/hello", token, NOW + 300).status, 401);
    let scheme = [("authorization", &*format!("bEARER {token}"))];
    assert_eq!(server.answer(&request("POST", "/userinfo", &scheme, ""), NOW).status, 200);
}

#[test]
fn what_is_no_good_token_is_answered_with_the_fitting_challenge() {
    let server = server();
    let token = login(&server, ASK)["access_token"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {token}");
    let plain = r#"Bearer realm="keyfob demo""#;
    let invalid = r#"Bearer realm="keyfob demo", error="invalid_token", error_description="the access token is unknown, expired or revoked""#;
    let malformed = r#"Bearer realm="keyfob demo", error="invalid_request""#;
    let cases = [
        (&[][..], 401, plain),
        (&[("authorization", "Basic YTpi")], 401, plain),
        (&[("authorization", "Bearer abc")], 401, invalid),
        (&[("authorization", "Bearer")], 400, malformed),
        (&[("authorization", "Bearer a b")], 400, malformed),
        (&[("authorization", &bearer), ("authorization", &bearer)], 400, malformed),
    ];
    for (fields, status, challenge) in cases {
        for path in ["/userinfo", "/api/hello", &format!("/api/hello?access_token={token}")] {
            let answer = server.answer(&request("GET", path, fields, ""), NOW);
            assert_eq!((answer.status, field(&answer, "WWW-Authenticate")), (status, Some(challenge)), "{fields:?}");
        }
    }
}

#[test]
fn a_code_used_twice_ends_the_tokens_of_its_first_use() {
    let server = server();
    let form = with(REDEEM, "code", "");
    let code = code(&server, ASK);
    let form = [form, vec![("code", code.as_str())]].concat();
    let tokens = document(&post(&server, "/token", &form, NOW));

    let again = post(&server, "/token", &form, NOW);

    assert_eq!(error(&again), refused(400, "invalid_grant"));
    assert_eq!(bearer(&server, "/api/hello", tokens["access_token"].as_str().unwrap(), NOW).status, 401);
    assert_eq!(error(&refresh(&server, tokens["refresh_token"].as_str().unwrap())), refused(400, "invalid_grant"));
}

#[test]
fn a_code_is_good_for_its_redirect_uri_verifier_and_minute_alone_and_for_one_attempt() {
    let server = server();
    let other = "x".repeat(43);
    let cases = [
        ("code_verifier", other.as_str(), NOW),
        ("redirect_uri", "http://127.0.0.1:49153/callback", NOW),
        ("code", "unknown", NOW),
        ("resource", "https://ignored.example", NOW + 60),
    ];
    for (name, value, now) in cases {
        let code = code(&server, ASK);
        let right = with(REDEEM, "code", &code);

        let wrong = post(&server, "/token", &with(&right, name, value), now);
        let then = post(&server, "/token", &right, NOW);

        assert_eq!(error(&wrong), refused(400, "invalid_grant"), "{name}");
        assert_eq!(then.status, if name == "code" { 200 } else { 400 }, "{name}");
    }
    let late = code(&server, ASK);
    assert_eq!(post(&server, "/token", &with(REDEEM, "code", &late), NOW + 59).status, 200);
}

#[test]
fn a_request_that_lacks_something_is_refused_and_uses_nothing_up() {
    let server = server();
    let code = code(&server, ASK);
    let right = with(REDEEM, "code", &code);
    let long = "x".repeat(129);
    let cases = [
        ("grant_type", "", 400, "invalid_request"),
        ("grant_type", "password", 400, "unsupported_grant_type"),
        ("code", "", 400, "invalid_request"),
        ("redirect_uri", "", 400, "invalid_request"),
        ("code_verifier", "", 400, "invalid_request"),
        ("code_verifier", &long[..42], 400, "invalid_request"),
        ("code_verifier", &long, 400, "invalid_request"),
        ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjX=", 400, "invalid_request"),
        ("client_id", "", 401, "invalid_client"),
        ("client_id", "other", 401, "invalid_client"),
        ("client_secret", "s", 401, "invalid_client"),
        ("client_assertion", "s", 401, "invalid_client"),
    ];
    for (name, value, status, expected) in cases {
        assert_eq!(
            error(&post(&server, "/token", &with(&right, name, value), NOW)),
            refused(status, expected),
            "{name}"
        );
    }
    for twice in [("code", code.as_str()), ("code_verifier", ""), ("client_id", "keyfob-demo")] {
        let form = [&right[..], &[twice]].concat();
        assert_eq!(error(&post(&server, "/token", &form, NOW)), refused(400, "invalid_request"), "{twice:?}");
    }
    assert_eq!(post(&server, "/token", &right, NOW).status, 200);
}

#[test]
fn a_token_request_is_a_form_in_the_body_of_a_post() {
    let server = server();
    let code = code(&server, ASK);
    let body = encode(&with(REDEEM, "code", &code));
    let form = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    let send = |method, path: &str, fields: &[_], body: &str| server.answer(&request(method, path, fields, body), NOW);

    let got = send("GET", &format!("/token?{body}"), &[], "");
    assert_eq!((got.status, field(&got, "Allow")), (405, Some("POST")));
    let wrong = refused(400, "invalid_request");
    assert_eq!(error(&send("POST", &format!("/token?{body}"), &[form], "")), wrong);
    assert_eq!(error(&send("POST", "/token?", &[form], &body)), wrong);
    assert_eq!(error(&send("POST", "/token", &[], &body)), wrong);
    assert_eq!(error(&send("POST", "/token", &[("content-type", "application/json")], &body)), wrong);
    assert_eq!(error(&send("POST", "/token", &[form, form], &body)), wrong);
    let basic = send("POST", "/token", &[form, ("authorization", "Basic YTpi")], &body);
    assert_eq!(error(&basic), refused(401, "invalid_client"));
    assert_eq!(field(&basic, "WWW-Authenticate"), Some("Basic realm=\"keyfob demo\""));
    assert_eq!(send("POST", "/token", &[form], &body).status, 200);
}

#[test]
fn a_refresh_token_is_replaced_and_its_second_use_ends_the_family() {
    let server = server();
    let first = login(&server, ASK);
    let old = first["refresh_token"].as_str().unwrap();

    let second = document(&refresh(&server, old));
    let third = document(&refresh(&server, second["refresh_token"].as_str().unwrap()));
    let stolen = refresh(&server, old);

    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_ne!(second["access_token"], first["access_token"]);
    assert_eq!(error(&stolen), refused(400, "invalid_grant"));
    assert_eq!(error(&refresh(&server, third["refresh_token"].as_str().unwrap())), refused(400, "invalid_grant"));
    for tokens in [&first, &second, &third] {
        assert_eq!(bearer(&server, "/api/hello", tokens["access_token"].as_str().unwrap(), NOW).status, 401);
    }
}

#[test]
fn a_refreshed_id_token_keeps_who_and_when_and_drops_the_nonce() {
    let server = server();
    let tokens = login(&server, ASK);
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "keyfob-demo"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
    ];

    let refreshed = document(&post(&server, "/token", &form, NOW + 100));

    let jwks = document(&server.answer(&request("GET", "/jwks", &[], ""), NOW));
    let (_, claims) = verified(refreshed["id_token"].as_str().unwrap(), &jwks);
    assert_eq!(
        [&claims["sub"], &claims["auth_time"], &claims["iat"], &claims["nonce"]],
        [&json!("248289761001"), &json!(NOW), &json!(NOW + 100), &json!(null)]
    );
    assert_eq!(claims["at_hash"], half_hash(refreshed["access_token"].as_str().unwrap()));
}

#[test]
fn a_refresh_may_narrow_the_scope_but_not_widen_it() {
    let server = server();
    let tokens = login(&server, &with(ASK, "scope", "openid offline_access"));
    let token = tokens["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("client_id", "keyfob-demo"), ("refresh_token", token)];
    let send = |scope| post(&server, "/token", &with(&form, "scope", scope), NOW);

    assert_eq!(error(&send("openid email")), refused(400, "invalid_scope"));
    assert_eq!(error(&send("admin")), refused(400, "invalid_scope"));
    let narrow = document(&send("openid"));
    assert_eq!(narrow["scope"], "openid");
    let whole = document(&refresh(&server, narrow["refresh_token"].as_str().unwrap()));
    assert_eq!(whole["scope"], "openid offline_access");
}

#[test]
fn revoking_a_refresh_token_ends_the_family_and_an_access_token_itself_alone() {
    let server = server();
    let tokens = login(&server, ASK);
    let (access, refresh_token) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    let revoke = |token| post(&server, "/revoke", &[("client_id", "keyfob-demo"), ("token", token)], NOW).status;

    assert_eq!(revoke("unknown"), 200);
    assert_eq!(bearer(&server, "/api/hello", access, NOW).status, 200);
    assert_eq!(revoke(access), 200);
    assert_eq!(bearer(&server, "/api/hello", access, NOW).status, 401);
    let next = document(&refresh(&server, refresh_token));
    assert_eq!(revoke(next["refresh_token"].as_str().unwrap()), 200);
    assert_eq!(bearer(&server, "/api/hello", next["access_token"].as_str().unwrap(), NOW).status, 401);
    assert_eq!(error(&refresh(&server, next["refresh_token"].as_str().unwrap())), refused(400, "invalid_grant"));
}

#[test]
fn a_revocation_needs_the_client_and_a_token() {
    let server = server();
    let send = |form: &[_]| error(&post(&server, "/revoke", form, NOW));

    assert_eq!(send(&[("client_id", "keyfob-demo")]), refused(400, "invalid_request"));
    assert_eq!(send(&[("token", "t")]), refused(401, "invalid_client"));
    let twice = [("client_id", "keyfob-demo"), ("token", "t"), ("token", "t")];
    assert_eq!(send(&twice), refused(400, "invalid_request"));
}
