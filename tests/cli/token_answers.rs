//! What the token endpoint answers, and what is made of it.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::support::{Answer, Finished, Keyfob, Server, now};

/// Logs in again while the token endpoint answers the code with `answer`, which must fail with `code` and leave the
/// session that was there; the code is redeemed once.
#[track_caller]
fn refused(server: &Server, keyfob: &Keyfob, answer: Answer, choices: &[(i32, &str)], words: &[&str]) -> Finished {
    let stored = keyfob.stored();
    server.forget_requests();
    server.once("/token", answer);

    let finished = keyfob.log_in(server, &["login", "plain", "--json"]);

    finished.error_of(choices, words);
    assert_eq!(server.requests_to("/token").len(), 1, "one token request: {finished:#?}");
    assert_eq!(keyfob.stored(), stored, "the session is as it was: {finished:#?}");
    assert!(finished.output().lines().count() < 15 && finished.output().len() < 4096, "{finished:#?}");
    finished
}

fn plain() -> (Server, Keyfob) {
    let server = Server::start();
    let keyfob = Keyfob::new();
    keyfob.plain_provider("plain", &server, "");
    keyfob.log_in(&server, &["login", "plain"]).expect(0);
    (server, keyfob)
}

const PROTOCOL: &[(i32, &str)] = &[(12, "protocol")];
const REFUSED: &[(i32, &str)] = &[(5, "refused")];
const NETWORK: &[(i32, &str)] = &[(6, "network")];

#[test]
fn an_answer_without_its_members_in_their_types_is_malformed_and_the_member_is_named() {
    let (server, keyfob) = plain();
    for (body, word) in [
        (json!({ "token_type": "Bearer" }), "access_token"),
        (json!({ "access_token": null, "token_type": "Bearer" }), "access_token"),
        (json!({ "access_token": 42, "token_type": "Bearer" }), "access_token"),
        (json!({ "access_token": "", "token_type": "Bearer" }), "access_token"),
        (json!({ "access_token": ["x"], "token_type": "Bearer" }), "access_token"),
        (json!({ "access_token": "good-enough" }), "token_type"),
        (json!({ "access_token": "good-enough", "token_type": null }), "token_type"),
        (json!({ "access_token": "good-enough", "token_type": 1 }), "token_type"),
        (json!({ "access_token": "good-enough", "token_type": "mac" }), "mac"),
        (json!({ "access_token": "good-enough", "token_type": "Bearer", "refresh_token": 7 }), "refresh_token"),
        (json!([]), "object"),
        (json!("text"), "object"),
        (json!(null), "object"),
    ] {
        refused(&server, &keyfob, Answer::json(200, &body), PROTOCOL, &[word]);
    }
}

#[test]
fn a_token_that_could_break_a_header_a_line_or_a_terminal_is_refused() {
    let (server, keyfob) = plain();
    for part in ["\r", "\n", "\u{1b}[2J", "ä", "\u{7f}", "\u{9b}"] {
        for name in ["access_token", "refresh_token"] {
            let mut body = json!({ "access_token": "fine", "token_type": "Bearer", "refresh_token": "fine" });
            body[name] = format!("before{part}after").into();
            let answer = Answer::json(200, &body);
            let finished = refused(&server, &keyfob, answer, &[(12, "protocol"), (11, "security")], &[name]);
            assert!(!finished.output().contains("before"), "{finished:#?}");
        }
    }
}

#[test]
fn an_error_in_a_good_answer_is_an_error() {
    let (server, keyfob) = plain();
    let body = json!({ "error": "bad_verification_code", "access_token": "x", "token_type": "Bearer" });

    let finished = refused(&server, &keyfob, Answer::json(200, &body), REFUSED, &["bad_verification_code"]);

    assert_eq!(finished.error(5, "refused")["oauth"]["error"], "bad_verification_code");
}

#[test]
fn the_errors_of_the_specification_are_told_with_code_description_and_advice() {
    let (server, keyfob) = plain();
    for status in [400, 401] {
        for error in [
            "invalid_request",
            "invalid_client",
            "invalid_grant",
            "unauthorized_client",
            "unsupported_grant_type",
            "invalid_scope",
        ] {
            let body =
                json!({ "error": error, "error_description": "the reason", "error_uri": "https://help.example/" });
            let finished = refused(&server, &keyfob, Answer::json(status, &body), REFUSED, &[error, "the reason"]);
            let told = finished.error(5, "refused");
            assert_eq!(told["oauth"], body);
            assert!(told["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{told:#}");
        }
    }
}

#[test]
fn a_description_is_bounded_and_without_control_characters() {
    let (server, keyfob) = plain();
    let description = format!("\u{1b}[31mred\u{1b}]52;c;eA==\u{7}\r\nfaked: line\u{9b}\u{202e}{}", "x".repeat(5000));
    let body = json!({ "error": "invalid_grant", "error_description": description });
    server.once("/token", Answer::json(400, &body));

    let finished = keyfob.log_in(&server, &["login", "plain"]).fails(5);

    for raw in ['\u{1b}', '\u{7}', '\r', '\u{9b}', '\u{202e}'] {
        assert!(!finished.stderr.contains(raw), "{finished:#?}");
    }
    assert!(!finished.stderr.lines().any(|line| line.starts_with("faked")), "{finished:#?}");
    assert!(!finished.stderr.contains(&"x".repeat(501)), "{finished:#?}");
}

#[test]
fn pages_instead_of_answers_are_told_by_status_and_type_alone() {
    let (server, keyfob) = plain();
    let page = format!("<html><h1>Sign in</h1>{}</html>", "<p>advert</p>".repeat(20_000));
    for (status, choices) in
        [(200, PROTOCOL), (502, NETWORK), (503, NETWORK), (500, NETWORK), (404, PROTOCOL), (403, PROTOCOL)]
    {
        let choices = if status == 403 || status == 404 { &[(12, "protocol"), (5, "refused")] } else { choices };
        let finished = refused(&server, &keyfob, Answer::html(status, &page), choices, &[&status.to_string()]);
        assert!(!finished.output().contains("<p>") && finished.output().len() < 2048, "{finished:#?}");
    }
    let text = Answer::new(200, "text/plain", "access_token=planted&token_type=bearer");
    let finished = refused(&server, &keyfob, text, PROTOCOL, &["text/plain"]);
    assert!(!finished.output().contains("planted"), "{finished:#?}");
}

#[test]
fn other_statuses_than_200_are_no_success_and_redirects_are_not_followed() {
    let (server, keyfob) = plain();
    let other = Server::start();
    let body = json!({ "access_token": "planted", "token_type": "Bearer" });
    for status in [201, 202, 204, 206, 299] {
        refused(&server, &keyfob, Answer::json(status, &body), PROTOCOL, &[&status.to_string()]);
    }
    for status in [301, 302, 303, 307, 308] {
        let answer = Answer::redirect(status, &format!("{}/token", other.url()));
        refused(&server, &keyfob, answer, PROTOCOL, &[&status.to_string()]);
    }
    assert_eq!(other.connections(), 0);
}

#[test]
fn broken_encodings_never_become_a_session() {
    let (server, keyfob) = plain();
    let good = r#"{"access_token":"good","token_type":"Bearer"}"#;
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for body in [
        b"{\"access_token\":\"a\xff\xfe\",\"token_type\":\"Bearer\"}".to_vec(),
        utf16,
        [good.as_bytes(), b"garbage"].concat(),
        [good.as_bytes(), good.as_bytes()].concat(),
        [good.as_bytes(), b"\0"].concat(),
        br#"{"access_token":"\ud800","token_type":"Bearer"}"#.to_vec(),
        br#"{"access_token":"a","access_token":"b","token_type":"Bearer"}"#.to_vec(),
        br#"{"access_token":"a","token_type":"Bearer""#.to_vec(),
        br"{'access_token':'a','token_type':'Bearer'}".to_vec(),
        format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000)).into_bytes(),
        format!("{{\"x\":{}1{},{}", "{\"a\":".repeat(50_000), "}".repeat(50_000), &good[1..]).into_bytes(),
        b"NaN".to_vec(),
        Vec::new(),
    ] {
        refused(&server, &keyfob, Answer::new(200, "application/json", body), PROTOCOL, &[]);
    }
}

#[test]
fn harmless_variants_of_a_good_answer_are_read() {
    let (server, keyfob) = plain();
    for (kind, token) in [
        ("application/json; charset=utf-8", json!({ "token_type": "bEaReR" })),
        ("Application/JSON;charset=UTF-8; x=y", json!({ "expires_in": "3600" })),
        ("application/vnd.example+json", json!({ "unknown": { "x": [1] } })),
        ("application/json", json!({ "scope": null, "expires_in": null, "id_token": null })),
    ] {
        let token: Map<String, Value> = serde_json::from_value(token).expect("an object");
        server.after("/token", 1, move |_, answer| {
            let mut body = answer.value();
            for (name, value) in &token {
                body[name] = value.clone();
            }
            Answer::new(200, kind, body.to_string())
        });

        keyfob.log_in(&server, &["login", "plain"]).expect(0);

        assert_eq!(keyfob.status("plain")["usable"], true, "{kind}");
    }
}

#[test]
fn odd_lifetimes_lose_no_good_answer() {
    let (server, keyfob) = plain();
    for lifetime in [
        json!(-1),
        json!(0),
        json!(1e300),
        json!(9_223_372_036_854_775_807_i64),
        json!(18_446_744_073_709_551_615_u64),
        json!("99999999999999999999999999"),
        json!("soon"),
        json!(""),
        json!(true),
        json!([3600]),
        json!(3600.5),
        json!(-0.0),
    ] {
        server.change(|settings| settings.expires_in = lifetime.clone());

        keyfob.log_in(&server, &["login", "plain"]).expect(0);

        server.forget_requests();
        keyfob.run(&["token", "plain"]).expect(0);
        assert!(server.requests_to("/token").len() <= 1, "{lifetime}");
    }
}

#[test]
fn an_unknown_lifetime_is_told_as_unknown() {
    let server = Server::start();
    server.change(|settings| settings.expires_in = Value::Null);
    let keyfob = Keyfob::logged_in(&server);
    server.forget_requests();

    let token = keyfob.run(&["token", "test", "--json"]).expect(0).json();

    assert!(token.get("expires_at").is_none() && token.get("expires_in").is_none(), "{token:#}");
    assert_eq!(keyfob.status("test")["state"], "valid");
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn the_end_of_a_token_is_counted_from_its_arrival_and_told_in_utc() {
    let server = Server::start();
    server.after("/token", 1, |_, answer| answer.delayed(Duration::from_millis(1500)));
    let mut keyfob = Keyfob::logged_in(&server);
    let here = keyfob.run(&["token", "test", "--json"]).expect(0).json();

    keyfob.set("TZ", "Pacific/Kiritimati");
    let there = keyfob.run(&["token", "test", "--json"]).expect(0).json();

    assert_eq!(here["expires_at"], there["expires_at"]);
    let left = here["expires_in"].as_i64().unwrap_or_default();
    assert!((3590..=3600).contains(&left), "{here:#} at {}", now());
}

#[test]
fn a_scope_that_was_not_granted_is_told_and_the_granted_one_is_kept() {
    let (server, keyfob) = plain();
    server.change(|settings| settings.token.insert("scope".into(), json!("a")));

    let login = keyfob.log_in(&server, &["login", "plain"]).expect(0);

    let warning = login.stderr.lines().find(|line| line.contains("warning:")).unwrap_or_default();
    assert!(warning.contains('b'), "{login:#?}");
    assert_eq!(keyfob.status("plain")["scopes"], json!(["a"]));
}

#[test]
fn an_absent_scope_means_the_one_that_was_asked_for() {
    let (server, keyfob) = plain();
    server.change(|settings| settings.token.insert("scope".into(), Value::Null));

    let login = keyfob.log_in(&server, &["login", "plain"]).expect(0);

    assert!(!login.stderr.contains("warning:"), "{login:#?}");
    assert_eq!(keyfob.status("plain")["scopes"], json!(["a", "b"]));
}

#[test]
fn large_tokens_come_back_byte_for_byte() {
    let (server, keyfob) = plain();
    let (access, refresh) = ("aB3._~+/-=".repeat(6554), "r".repeat(16 * 1024));
    server.change(|settings| {
        settings.token.insert("access_token".into(), json!(access));
        settings.token.insert("refresh_token".into(), json!(refresh));
    });
    keyfob.log_in(&server, &["login", "plain"]).expect(0);

    assert_eq!(keyfob.token("plain"), access);

    server.once("/token", Answer::error(400, "invalid_grant"));
    keyfob.run(&["refresh", "plain"]).expect(4);
    let sent = server.grants("refresh_token");
    assert_eq!(sent[0].expect("refresh_token"), refresh);
}

#[test]
fn an_id_token_is_demanded_where_openid_was_asked_for() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    server.id_tokens(|_, _| Value::Null);

    keyfob.log_in(&server, &["login", "test", "--json"]).error_naming(12, "protocol", &["id_token"]);

    assert_eq!(keyfob.sessions(), [] as [&str; 0]);
}

#[test]
fn a_failure_of_the_server_is_not_answered_by_a_second_redemption() {
    let (server, keyfob) = plain();
    for answer in
        [Answer::json(500, &json!({})), Answer::error(503, "temporarily_unavailable").with("Retry-After", "1")]
    {
        let finished = refused(&server, &keyfob, answer, NETWORK, &[]);
        assert!(finished.stderr.contains("log in"), "{finished:#?}");
    }
    refused(&server, &keyfob, Answer::json(200, &json!({})).cut(50), NETWORK, &[]);
}
