//! The authorization endpoint and the consent.

use std::collections::BTreeMap;

use super::{
    ASK, CHALLENGE, NOW, REDIRECT, ask, code, encode, field, post, redirected, request, server, transaction, with,
};

#[test]
fn an_allowed_request_returns_code_state_and_iss() {
    let server = server();
    let transaction = transaction(&ask(&server, ASK));

    let answer = post(&server, "/consent", &[("transaction", &transaction), ("decision", "allow")], NOW);

    let (uri, answer) = redirected(&answer);
    assert_eq!(uri, REDIRECT);
    assert_eq!(answer.keys().collect::<Vec<_>>(), ["code", "iss", "state"]);
    assert_eq!((&*answer["state"], &*answer["iss"]), ("af0ifjsldkj", "http://127.0.0.1:8080"));
    assert_eq!(answer["code"].len(), 43);
}

#[test]
fn a_denied_request_returns_the_error_with_state_and_iss_and_no_code() {
    let server = server();
    let transaction = transaction(&ask(&server, ASK));

    let answer = post(&server, "/consent", &[("transaction", &transaction), ("decision", "deny")], NOW);

    let expected = [
        ("error", "access_denied"),
        ("error_description", "the request was denied on the consent page"),
        ("iss", "http://127.0.0.1:8080"),
        ("state", "af0ifjsldkj"),
    ];
    let expected: BTreeMap<_, _> = expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    assert_eq!(redirected(&answer), (REDIRECT.to_owned(), expected));
}

#[test]
fn a_question_can_be_answered_once_and_in_time() {
    let server = server();
    let answer = |transaction: &str, decision: &str, now| {
        post(&server, "/consent", &[("transaction", transaction), ("decision", decision)], now).status
    };

    let (first, second) = (transaction(&ask(&server, ASK)), transaction(&ask(&server, ASK)));

    assert_eq!(answer(&first, "perhaps", NOW), 400);
    assert_eq!(answer(&first, "allow", NOW + 599), 303);
    assert_eq!(answer(&first, "allow", NOW + 599), 400);
    assert_eq!(answer(&second, "allow", NOW + 600), 400);
    assert_eq!(answer("", "allow", NOW), 400);
}

#[test]
fn questions_that_wait_are_limited_and_the_newest_stays() {
    let server = server();

    let asked: Vec<_> = (0..200).map(|_| transaction(&ask(&server, ASK))).collect();

    let open = |transaction: &&String| {
        post(&server, "/consent", &[("transaction", transaction), ("decision", "deny")], NOW).status == 303
    };
    assert!(open(&asked.last().unwrap()));
    assert_eq!(asked.iter().filter(open).count(), 63);
}

#[test]
fn nobody_is_redirected_before_client_and_redirect_uri_are_known() {
    let server = server();
    let cases = [
        ("client_id", ""),
        ("client_id", "other"),
        ("redirect_uri", ""),
        ("redirect_uri", "https://127.0.0.1:49152/callback"),
        ("redirect_uri", "http://localhost:49152/callback"),
        ("redirect_uri", "http://127.0.0.1/callback"),
        ("redirect_uri", "http://127.0.0.1:0/callback"),
        ("redirect_uri", "http://127.0.0.1:+80/callback"),
        ("redirect_uri", "http://127.0.0.1:080/callback"),
        ("redirect_uri", "http://127.0.0.1:65536/callback"),
        ("redirect_uri", "http://127.0.0.1:80@evil.example/callback"),
        ("redirect_uri", "http://127.0.0.1:49152/callback/"),
        ("redirect_uri", "http://127.0.0.1:49152/callback?a=b"),
        ("redirect_uri", "http://127.0.0.1:49152/callback#a"),
        ("redirect_uri", "http://127.0.0.1:49152/elsewhere"),
        ("redirect_uri", "http://127.0.0.1:49152\r\nX: y/callback"),
    ];
    for (name, value) in cases {
        let answer = ask(&server, &with(ASK, name, value));
        assert_eq!((answer.status, field(&answer, "Location")), (400, None), "{name}={value}");
    }
    for name in ["client_id", "redirect_uri"] {
        let pairs: Vec<_> = ASK.iter().chain(ASK.iter().filter(|(key, _)| *key == name)).copied().collect();
        assert_eq!(ask(&server, &pairs).status, 400, "{name} twice");
    }
}

#[test]
fn the_client_hears_what_is_wrong_with_its_request() {
    let long = "x".repeat(2049);
    let cases = [
        ("response_type", "", "invalid_request"),
        ("response_type", "token", "unsupported_response_type"),
        ("response_mode", "fragment", "invalid_request"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", &CHALLENGE[..42], "invalid_request"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM", "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge_method", "s256", "invalid_request"),
        ("scope", "", "invalid_scope"),
        ("scope", "openid admin", "invalid_scope"),
        ("scope", "openid  email", "invalid_scope"),
        ("nonce", "a\nb", "invalid_request"),
        ("nonce", &long, "invalid_request"),
        ("prompt", "none", "interaction_required"),
        ("prompt", "none login", "invalid_request"),
        ("prompt", "dance", "invalid_request"),
        ("request", "e30.e30.", "request_not_supported"),
        ("request_uri", "urn:example:1", "request_uri_not_supported"),
    ];
    let server = server();

    for (name, value, expected) in cases {
        let (uri, answer) = redirected(&ask(&server, &with(ASK, name, value)));

        assert_eq!((uri.as_str(), answer["error"].as_str()), (REDIRECT, expected), "{name}={value}");
        assert_eq!((&*answer["state"], &*answer["iss"]), ("af0ifjsldkj", "http://127.0.0.1:8080"));
    }
}

#[test]
fn state_is_required_and_returned_only_if_it_is_one() {
    let server = server();

    let missing = redirected(&ask(&server, &with(ASK, "state", ""))).1;
    let twice = redirected(&ask(&server, &[ASK, &[("state", "other")]].concat())).1;

    assert_eq!((&*missing["error"], missing.get("state")), ("invalid_request", None));
    assert_eq!((&*twice["error"], twice.get("state")), ("invalid_request", None));
}

#[test]
fn a_parameter_given_twice_is_refused_even_if_it_is_unknown_or_empty() {
    let server = server();

    for extra in [&[("scope", "")][..], &[("nonce", "n-0S6_WzA2Mj")], &[("x", "1"), ("x", "1")]] {
        let answer = redirected(&ask(&server, &[ASK, extra].concat())).1;
        assert_eq!(answer["error"], "invalid_request", "{extra:?}");
    }
    let form = [("transaction", &*transaction(&ask(&server, ASK))), ("decision", "allow"), ("decision", "allow")];
    assert_eq!(post(&server, "/consent", &form, NOW).status, 400);
}

#[test]
fn broken_escapes_and_bytes_that_are_not_text_are_refused() {
    let server = server();

    for broken in ["%", "%4", "%zz", "%ff"] {
        let path = format!("/authorize?{}&x={broken}", encode(ASK));
        assert_eq!(server.answer(&request("GET", &path, &[], ""), NOW).status, 400, "{broken}");
    }
}

#[test]
fn unknown_parameters_are_ignored_and_an_ipv6_listener_is_one() {
    let server = server();
    let pairs = with(ASK, "redirect_uri", "http://[::1]:49152/callback");

    code(&server, &with(&pairs, "login_hint", "ada"));
}

#[test]
fn the_consent_page_names_the_scopes_and_lets_nothing_be_embedded_or_run() {
    let server = server();

    let page = ask(&server, &with(ASK, "scope", "openid email"));

    assert!(page.body.contains("<code>email</code>") && !page.body.contains("<code>offline_access</code>"));
    assert!(!page.body.contains("<script") && !page.body.contains("{{"));
    let policy = field(&page, "Content-Security-Policy").unwrap();
    let (before, rest) = policy.split_once("'sha256-").unwrap();
    let (_, after) = rest.split_once("'").unwrap();
    assert_eq!(before, "default-src 'none'; style-src ");
    assert_eq!(after, "; form-action 'self' http://127.0.0.1:49152; base-uri 'none'; frame-ancestors 'none'");
}
