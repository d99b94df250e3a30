//! `status --check`: the server is asked whether it still accepts the token.

use serde_json::{Value, json};

use crate::support::{Answer, Keyfob, Server, base64url, now};

/// A server with an introspection endpoint that says `answer`.
fn server(answer: Answer) -> Server {
    let server = Server::start();
    let endpoint = format!("{}/introspect", server.url());
    server.change(|settings| settings.metadata["introspection_endpoint"] = json!(endpoint));
    server.always("/introspect", answer);
    server
}

fn active() -> Answer {
    Answer::json(
        200,
        &json!({
            "active": true, "scope": "openid email", "client_id": "public", "username": "alice", "sub": "user-1",
            "exp": 1_900_000_000, "aud": ["https://api.example"], "secret_extension": "x"
        }),
    )
}

#[test]
fn a_token_that_the_server_knows_is_accepted_and_what_it_says_is_told() {
    let server = server(active());
    let keyfob = Keyfob::logged_in(&server);
    let access = keyfob.token("test");

    let text = keyfob.run(&["status", "test", "--check"]).expect(0);
    let json = keyfob.run(&["status", "test", "--check", "--json"]).expect(0).json();

    assert!(text.stdout.contains("accepts the access token (introspection)"), "{text:#?}");
    let learned = json!([{
        "asked": "introspection", "token": "access_token", "active": true, "scope": "openid email",
        "client_id": "public", "username": "alice", "sub": "user-1", "expires_at": "2030-03-17T17:46:40Z",
        "aud": ["https://api.example"]
    }]);
    assert_eq!((&json["checks"], &json["state"], &json["usable"]), (&learned, &json!("valid"), &json!(true)));
    let asked = server.requests_to("/introspect");
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].expect("token"), access);
    assert_eq!(asked[0].expect("token_type_hint"), "access_token");
    assert_eq!(asked[0].expect("client_id"), "public");
    assert!(!text.output().contains(&access), "{text:#?}");
}

#[test]
fn the_client_authenticates_as_at_the_token_endpoint() {
    let server = server(active());
    let keyfob = Keyfob::new();
    keyfob.provider("test", &server, &keyfob.client(&server, "basic"));
    keyfob.login(&server);

    keyfob.run(&["status", "test", "--check"]).expect(0);

    let sent = server.requests_to("/introspect")[0].basic();
    assert_eq!(sent, Some(("basic".to_owned(), server.client_secret("basic").expect("a secret"))));
}

#[test]
fn a_token_that_is_no_longer_active_needs_a_login() {
    let server = server(Answer::json(200, &json!({ "active": false })));
    let keyfob = Keyfob::logged_in(&server);
    let before = keyfob.stored();

    let text = keyfob.run(&["status", "test", "--check"]).expect(4);
    let json = keyfob.run(&["status", "test", "--check", "--json"]).expect(4).json();

    assert!(text.stdout.contains("no longer accepts the access token"), "{text:#?}");
    assert!(text.stdout.contains("no longer accepts the refresh token"), "{text:#?}");
    assert!(text.output().contains("hint: keyfob login test"), "{text:#?}");
    assert_eq!((&json["usable"], &json["state"]), (&json!(false), &json!("login_required")));
    assert_eq!(keyfob.stored(), before, "looking changes nothing");
    assert_eq!(server.grants("refresh_token").len(), 0);
}

#[test]
fn a_dead_access_token_beside_a_live_refresh_token_is_renewable() {
    let server = server(active());
    let keyfob = Keyfob::logged_in(&server);
    server.recover();
    server.once("/introspect", Answer::json(200, &json!({ "active": false })));
    server.always("/introspect", active());

    let finished = keyfob.run(&["status", "test", "--check"]).expect(0);

    assert!(finished.stdout.contains("no longer accepts the access token"), "{finished:#?}");
    assert!(finished.stdout.contains("accepts the refresh token"), "{finished:#?}");
    assert!(finished.output().contains("keyfob refresh test/alice"), "{finished:#?}");
    let asked = server.requests_to("/introspect");
    assert!(asked[1].expect("token").starts_with("refresh-"), "{asked:#?}");
    assert_eq!(asked[1].expect("token_type_hint"), "refresh_token");
}

#[test]
fn without_introspection_userinfo_tells() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);

    let good = keyfob.run(&["status", "test", "--check", "--json"]).expect(0).json();
    let refusal = r#"Bearer error="invalid_token""#;
    server.always("/userinfo", Answer::json(401, &json!({})).with("www-authenticate", refusal));
    let dead = keyfob.run(&["status", "test", "--check", "--json"]).expect(4).json();
    server.recover();
    let narrow = r#"Bearer error="insufficient_scope""#;
    server.always("/userinfo", Answer::json(403, &json!({})).with("www-authenticate", narrow));
    let scoped = keyfob.run(&["status", "test", "--check", "--json"]).expect(0).json();

    let asked = |active: bool| json!({ "asked": "userinfo", "token": "access_token", "active": active });
    let with = |mut value: Value, name: &str, text: &str| {
        value[name] = text.into();
        json!([value])
    };
    assert_eq!(good["checks"], with(asked(true), "sub", "user-1"));
    assert_eq!(dead["checks"], with(asked(false), "error", "invalid_token"));
    assert_eq!(scoped["checks"], with(asked(true), "error", "insufficient_scope"));
}

#[test]
fn a_client_that_may_not_introspect_asks_userinfo() {
    let server = server(Answer::error(401, "invalid_client"));
    let keyfob = Keyfob::logged_in(&server);

    let told = keyfob.run(&["status", "test", "--check", "--json"]).expect(0).json();

    assert_eq!(told["checks"][0]["asked"], "userinfo");
}

#[test]
fn an_endpoint_elsewhere_gets_no_token_unless_the_entry_names_it() {
    let (home, elsewhere) = (Server::start(), Server::start());
    let endpoint = format!("{}/introspect", elsewhere.url());
    home.change(|settings| settings.metadata["introspection_endpoint"] = json!(endpoint));
    elsewhere.always("/introspect", active());
    let keyfob = Keyfob::logged_in(&home);

    let told = keyfob.run(&["status", "test", "--check", "--json"]).expect(0).json();
    assert_eq!((&told["checks"][0]["asked"], elsewhere.connections()), (&json!("userinfo"), 0));

    let set = format!("introspection_endpoint={endpoint}");
    let told = keyfob.run(&["status", "test", "--check", "--json", "--set", &set]).expect(0).json();
    assert_eq!(told["checks"][0]["asked"], "introspection");
}

#[test]
fn a_server_that_is_down_lies_or_sends_elsewhere_says_nothing_about_the_token() {
    for (answer, code, name) in [
        (Answer::error(503, "temporarily_unavailable"), 6, "network"),
        (Answer::json(200, &json!({ "active": "yes" })), 12, "protocol"),
        (Answer::json(200, &json!({})), 12, "protocol"),
        (Answer::html(200, "<h1>Welcome</h1>"), 12, "protocol"),
        (Answer::redirect(307, "https://evil.example/introspect"), 12, "protocol"),
    ] {
        let server = server(answer);
        let keyfob = Keyfob::logged_in(&server);

        keyfob.run(&["status", "test", "--check", "--json"]).error(code, name);

        assert_eq!(keyfob.status("test")["state"], "valid");
    }
}

#[test]
fn an_answer_about_another_person_is_a_security_failure() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    server.change(|settings| settings.userinfo["sub"] = json!("user-2"));

    keyfob.run(&["status", "test", "--check", "--json"]).error_naming(11, "security", &["user-2"]);
}

#[test]
fn where_nobody_can_be_asked_it_is_said() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    keyfob.plain_provider("plain", &server, "");
    keyfob.log_in(&server, &["login", "plain"]).expect(0);

    keyfob.run(&["status", "plain", "--check", "--json"]).error_naming(9, "config", &["introspection_endpoint"]);
}

#[test]
fn without_check_no_server_is_asked() {
    let server = server(active());
    let keyfob = Keyfob::logged_in(&server);
    let connections = server.connections();

    keyfob.run(&["status", "test"]).expect(0);

    assert_eq!(server.connections(), connections);
}

/// Answers with a token signed by the server's key: `header` and `claims` are laid over the right ones.
fn signs(server: &Server, header: Value, claims: Value) {
    let issuer = server.url();
    let key = server.change(|settings| {
        let (mut head, mut body) = (
            json!({ "alg": "ES256", "kid": settings.key.kid, "typ": "token-introspection+jwt" }),
            json!({ "iss": issuer, "aud": "public", "iat": now(), "token_introspection": { "active": true, "scope": "a" } }),
        );
        for (whole, over) in [(&mut head, &header), (&mut body, &claims)] {
            for (name, value) in over.as_object().expect("members") {
                whole[name] = value.clone();
            }
        }
        settings.key.sign_text(&head.to_string(), &body.to_string())
    });
    server.recover();
    server.always("/introspect", Answer::new(200, "application/token-introspection+jwt", key));
}

#[test]
fn a_signed_answer_is_asked_for_verified_and_read() {
    let server = server(active());
    signs(&server, json!({}), json!({}));
    let keyfob = Keyfob::with(&server);
    keyfob.login(&server);
    let set = ["--set", "introspection_signed_response_alg=ES256"];

    let told = keyfob.run(&[&["status", "test", "--check", "--json"][..], &set].concat()).expect(0).json();

    assert_eq!((&told["checks"][0]["active"], &told["checks"][0]["scope"]), (&json!(true), &json!("a")));
    let accepted = server.requests_to("/introspect")[0].header("accept").map(str::to_owned);
    assert_eq!(accepted.as_deref(), Some("application/token-introspection+jwt"));
    server.recover();
    server.always("/introspect", active());
    keyfob.run(&[&["status", "test", "--check", "--json"][..], &set].concat()).error(11, "security");
}

#[test]
fn a_signed_answer_that_is_not_the_servers_or_not_for_us_is_refused() {
    for (header, claims) in [
        (json!({ "typ": "at+jwt" }), json!({})),
        (json!({ "typ": "JWT" }), json!({})),
        (json!({}), json!({ "iss": "https://evil.example" })),
        (json!({}), json!({ "aud": "somebody" })),
        (json!({}), json!({ "iat": now() + 3600 })),
    ] {
        let server = server(active());
        signs(&server, header.clone(), claims.clone());
        let keyfob = Keyfob::logged_in(&server);

        let finished = keyfob.run(&["status", "test", "--check", "--json"]);

        assert_eq!(finished.code, 11, "{header} {claims}: {finished:#?}");
    }
}

#[test]
fn a_signed_answer_with_a_forged_signature_is_refused() {
    let server = server(active());
    let head = base64url(br#"{"alg":"ES256","kid":"key-1","typ":"token-introspection+jwt"}"#);
    let body = base64url(br#"{"iss":"x","token_introspection":{"active":true}}"#);
    let forged = format!("{head}.{body}.{}", base64url(&[1; 64]));
    server.recover();
    server.always("/introspect", Answer::new(200, "application/token-introspection+jwt", forged));
    let keyfob = Keyfob::logged_in(&server);

    keyfob.run(&["status", "test", "--check", "--json"]).error(11, "security");
}
