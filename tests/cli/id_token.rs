//! ID tokens through the whole program: one wrong thing each, and nothing of it is stored or shown.

use ring::hmac;
use serde_json::{Value, json};

use crate::support::{Answer, Key, Keyfob, Server, base64url, now};

const SECURITY: &[(i32, &str)] = &[(11, "security")];
const MALFORMED: &[(i32, &str)] = &[(11, "security"), (12, "protocol")];

/// Makes an ID token out of the key and the claims that would be right.
type Maker = fn(&Key, Value) -> Value;

/// A login whose ID token is what `make` makes: refused, nothing stored, nothing of its claims shown.
#[track_caller]
fn refused(server: &Server, keyfob: &Keyfob, what: &str, make: Maker, choices: &[(i32, &str)], words: &[&str]) {
    let stored = keyfob.stored();
    server.id_tokens(move |key, mut claims| {
        claims["name"] = "Planted-Name".into();
        make(key, claims)
    });

    let login = keyfob.begin(&["login", "test", "--json", "-v"]);
    let page = login.allow(server);
    let finished = login.finish();

    assert!(choices.iter().any(|(code, _)| *code == finished.code), "{what}: {finished:#?}");
    finished.error_of(choices, words);
    assert_eq!(keyfob.stored(), stored, "{what}: {finished:#?}");
    assert!(
        !finished.output().contains("Planted-Name") && !page.body.contains("Planted-Name"),
        "{what}: {finished:#?}"
    );
    assert!(!page.body.contains("Logged in"), "{what}: {page:#?}");
}

/// A login whose ID token is what `make` makes: accepted.
#[track_caller]
fn accepted(server: &Server, keyfob: &Keyfob, make: Maker) {
    server.id_tokens(make);
    keyfob.login(server);
}

fn with(key: &Key, mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    key.sign(&claims).into()
}

fn without(key: &Key, mut claims: Value, name: &str) -> Value {
    claims.as_object_mut().expect("an object").remove(name);
    key.sign(&claims).into()
}

fn with_header(key: &Key, claims: &Value, name: &str, value: Value) -> Value {
    let mut header = key.header();
    header[name] = value;
    key.sign_text(&header.to_string(), &claims.to_string()).into()
}

#[test]
fn each_claim_is_checked_and_the_wrong_one_is_named() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let cases: &[(&str, Maker, &[&str])] = &[
        ("other iss", |k, c| with(k, c, "iss", json!("https://other.example")), &["iss"]),
        ("no iss", |k, c| without(k, c, "iss"), &["iss"]),
        (
            "iss with slash",
            |k, c| {
                let iss = format!("{}/", c["iss"].as_str().unwrap());
                with(k, c, "iss", iss.into())
            },
            &["iss"],
        ),
        (
            "iss in capitals",
            |k, c| {
                let iss = c["iss"].as_str().unwrap().replace("http", "HTTP");
                with(k, c, "iss", iss.into())
            },
            &["iss"],
        ),
        (
            "iss list",
            |k, c| {
                let iss = json!([c["iss"]]);
                with(k, c, "iss", iss)
            },
            &["iss"],
        ),
        ("other aud", |k, c| with(k, c, "aud", json!("other")), &["aud"]),
        ("no aud", |k, c| without(k, c, "aud"), &["aud"]),
        ("empty aud", |k, c| with(k, c, "aud", json!([])), &["aud"]),
        ("aud with more", |k, c| with(k, c, "aud", json!("public2")), &["aud"]),
        ("aud in capitals", |k, c| with(k, c, "aud", json!("PUBLIC")), &["aud"]),
        ("aud of numbers", |k, c| with(k, c, "aud", json!([1, "public"])), &["aud"]),
        ("two aud without azp", |k, c| with(k, c, "aud", json!(["public", "other"])), &["azp"]),
        ("azp of another", |k, c| with(k, c, "azp", json!("other")), &["azp"]),
        ("no exp", |k, c| without(k, c, "exp"), &["exp"]),
        ("expired", |k, c| with(k, c, "exp", json!(now() - 300)), &["exp", "clock"]),
        ("exp text", |k, c| with(k, c, "exp", json!("2100-01-01")), &["exp"]),
        ("exp null", |k, c| with(k, c, "exp", Value::Null), &["exp"]),
        ("exp negative", |k, c| with(k, c, "exp", json!(-1)), &["exp"]),
        ("no iat", |k, c| without(k, c, "iat"), &["iat"]),
        ("iat to come", |k, c| with(k, c, "iat", json!(now() + 3600)), &["iat", "clock"]),
        ("iat text", |k, c| with(k, c, "iat", json!("x")), &["iat"]),
        ("nbf to come", |k, c| with(k, c, "nbf", json!(now() + 3600)), &["nbf", "clock"]),
        ("other nonce", |k, c| with(k, c, "nonce", json!("other")), &["nonce"]),
        ("no nonce", |k, c| without(k, c, "nonce"), &["nonce"]),
        ("no sub", |k, c| without(k, c, "sub"), &["sub"]),
        ("sub number", |k, c| with(k, c, "sub", json!(42)), &["sub"]),
        ("sub empty", |k, c| with(k, c, "sub", json!("")), &["sub"]),
        ("sub long", |k, c| with(k, c, "sub", json!("s".repeat(300))), &["sub"]),
        ("sub not ASCII", |k, c| with(k, c, "sub", json!("ü")), &["sub"]),
        ("other at_hash", |k, c| with(k, c, "at_hash", json!("77QmUPtjPfzWtF2AnpK9RQ")), &["at_hash"]),
        ("at_hash number", |k, c| with(k, c, "at_hash", json!(1)), &["at_hash"]),
    ];
    for (what, make, words) in cases {
        refused(&server, &keyfob, what, *make, SECURITY, words);
    }
    assert_eq!(keyfob.status("test")["state"], "valid");
}

#[test]
fn what_the_specification_allows_is_accepted() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);

    accepted(&server, &keyfob, |k, c| with(k, c, "aud", json!(["public"])));
    accepted(&server, &keyfob, |k, mut c| {
        c["azp"] = json!("public");
        with(k, c, "aud", json!(["public", "other"]))
    });
    accepted(&server, &keyfob, |k, c| with(k, c, "exp", json!(now() - 10)));
    accepted(&server, &keyfob, |k, c| with(k, c, "iat", json!(now() + 10)));
    accepted(&server, &keyfob, |k, c| without(k, c, "at_hash"));
    accepted(&server, &keyfob, |k, c| k.sign_text(r#"{"alg":"ES256"}"#, &c.to_string()).into());
}

#[test]
fn the_clock_tolerance_is_what_the_settings_say() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    keyfob.settings("limits = { clock_tolerance = \"1s\" }\n");

    refused(
        &server,
        &keyfob,
        "expired by ten seconds",
        |k, c| with(k, c, "exp", json!(now() - 10)),
        SECURITY,
        &["exp"],
    );
}

#[test]
fn a_signature_is_verified_before_anything_is_believed() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let cases: &[(&str, Maker, &[&str])] = &[
        (
            "payload changed",
            |k, c| {
                let (token, mut other) = (k.sign(&c), c);
                other["sub"] = "user-2".into();
                let parts: Vec<&str> = token.split('.').collect();
                format!("{}.{}.{}", parts[0], base64url(other.to_string().as_bytes()), parts[2]).into()
            },
            &["signature"],
        ),
        ("another key of the same name", |k, c| Key::new(&k.kid).sign(&c).into(), &["signature"]),
        (
            "signature of zeros",
            |k, c| {
                let token = k.sign(&c);
                format!("{}.{}", token.rsplit_once('.').unwrap().0, base64url(&[0; 64])).into()
            },
            &["signature"],
        ),
        (
            "signature cut",
            |k, c| {
                let token = k.sign(&c);
                token[..token.len() - 4].into()
            },
            &["signature"],
        ),
        ("alg none", |_, c| unsigned("none", &c).into(), &["alg"]),
        ("alg nOnE", |_, c| unsigned("nOnE", &c).into(), &["alg"]),
        ("alg none but signed", |k, c| with_header(k, &c, "alg", json!("none")), &["alg"]),
        ("alg empty", |k, c| with_header(k, &c, "alg", json!("")), &["alg"]),
        ("alg list", |k, c| with_header(k, &c, "alg", json!(["ES256"])), &["alg"]),
        ("alg that is not announced", |k, c| with_header(k, &c, "alg", json!("RS256")), &["alg"]),
        (
            "HS256 with the public key",
            |k, c| {
                let head = base64url(br#"{"alg":"HS256"}"#);
                let message = format!("{head}.{}", base64url(c.to_string().as_bytes()));
                let secret = hmac::Key::new(hmac::HMAC_SHA256, k.jwk().to_string().as_bytes());
                format!("{message}.{}", base64url(hmac::sign(&secret, message.as_bytes()).as_ref())).into()
            },
            &["alg"],
        ),
        (
            "a key of its own",
            |_, c| {
                let own = Key::new("own");
                let mut header = own.header();
                header["jwk"] = own.jwk();
                own.sign_text(&header.to_string(), &c.to_string()).into()
            },
            &[],
        ),
        ("crit", |k, c| with_header(k, &c, "crit", json!(["exp"])), &["crit"]),
        ("b64", |k, c| with_header(k, &c, "b64", json!(false)), &[]),
    ];
    for (what, make, words) in cases {
        refused(&server, &keyfob, what, *make, MALFORMED, words);
    }
}

fn unsigned(alg: &str, claims: &Value) -> String {
    let header = json!({ "alg": alg }).to_string();
    format!("{}.{}.", base64url(header.as_bytes()), base64url(claims.to_string().as_bytes()))
}

#[test]
fn what_is_no_compact_jws_is_malformed() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let cases: &[(&str, Maker)] = &[
        ("text", |_, _| json!("not-a-token")),
        ("empty", |_, _| json!("")),
        ("number", |_, _| json!(7)),
        ("object", |_, _| json!({ "payload": "x" })),
        ("two parts", |k, c| k.sign(&c).rsplit_once('.').unwrap().0.into()),
        ("four parts", |k, c| format!("{}.x", k.sign(&c)).into()),
        ("padded", |k, c| format!("{}==", k.sign(&c)).into()),
        ("blank", |k, c| format!(" {}", k.sign(&c)).into()),
        ("line break", |k, c| k.sign(&c).replacen('.', ".\n", 1).into()),
        ("payload list", |k, _| k.sign_text(&k.header().to_string(), "[]").into()),
        ("payload text", |k, _| k.sign_text(&k.header().to_string(), "hello").into()),
        ("duplicate claim", |k, c| {
            let payload = c.to_string();
            k.sign_text(&k.header().to_string(), &format!("{{\"sub\":\"x\",{}", &payload[1..])).into()
        }),
        ("duplicate in the header", |k, c| {
            k.sign_text(r#"{"alg":"none","alg":"ES256","kid":"key-1"}"#, &c.to_string()).into()
        }),
        ("header list", |k, c| k.sign_text("[]", &c.to_string()).into()),
        ("deep", |k, _| k.sign_text(&k.header().to_string(), &format!("{{\"x\":{}", "[".repeat(50_000))).into()),
    ];
    for (what, make) in cases {
        refused(&server, &keyfob, what, *make, MALFORMED, &[]);
    }
}

#[test]
fn an_encrypted_token_is_named_as_such() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let make: Maker = |_, _| {
        let header = base64url(br#"{"alg":"RSA-OAEP-256","enc":"A256GCM"}"#);
        format!("{header}.AAAA.AAAA.AAAA.AAAA").into()
    };

    refused(&server, &keyfob, "a JWE", make, &[(12, "protocol")], &["encrypt"]);
}

#[test]
fn an_unknown_key_is_looked_for_once_more() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let next = Key::new("key-2");
    server.after("/jwks", 1, |_, answer| answer);
    let jwk = next.jwk();
    server.instead("/jwks", 1, move |_| Answer::json(200, &json!({ "keys": [jwk] })));
    server.id_tokens(move |_, claims| next.sign(&claims).into());

    keyfob.login(&server);
    assert_eq!(server.requests_to("/jwks").len(), 2);

    server.forget_requests();
    refused(&server, &keyfob, "unknown for ever", |_, c| Key::new("key-9").sign(&c).into(), SECURITY, &["key-9"]);
    assert!(server.requests_to("/jwks").len() <= 2);
}

#[test]
fn keys_that_do_not_fit_are_passed_over() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let odd = |change: fn(&mut Value)| {
        let mut jwk = server.change(|settings| settings.key.jwk());
        change(&mut jwk);
        server.change(|settings| settings.jwks = json!({ "keys": [jwk] }));
    };
    let changes: [fn(&mut Value); 7] = [
        |jwk| jwk["use"] = json!("enc"),
        |jwk| jwk["key_ops"] = json!(["sign"]),
        |jwk| jwk["kty"] = json!("oct"),
        |jwk| jwk["crv"] = json!("P-384"),
        |jwk| jwk["alg"] = json!("ES384"),
        |jwk| jwk["x"] = json!("AAAA"),
        |jwk| jwk["kid"] = json!(7),
    ];
    for change in changes {
        odd(change);
        refused(&server, &keyfob, "an unfit key", |k, c| k.sign(&c).into(), MALFORMED, &[]);
        assert_eq!(keyfob.stored().len(), 0);
    }
    let good = server.change(|settings| settings.key.jwk());
    let unknown = json!({ "kty": "NEW", "kid": "n", "x": { "y": 1 } });
    server.change(|settings| settings.jwks = json!({ "keys": [unknown, Key::new("key-0").jwk(), good, 42] }));

    accepted(&server, &keyfob, |k, c| k.sign(&c).into());
}

#[test]
fn without_a_key_name_every_fitting_key_is_tried() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    server.change(|settings| {
        settings.jwks = json!({ "keys": [Key::new("a").jwk(), settings.key.jwk(), Key::new("b").jwk()] });
    });

    accepted(&server, &keyfob, |k, c| k.sign_text(r#"{"alg":"ES256"}"#, &c.to_string()).into());
}

#[test]
fn userinfo_about_somebody_else_is_not_shown() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    keyfob.provider("test", &server, "account = \"extra\"");
    for userinfo in [
        json!({ "sub": "user-2", "extra": "Planted" }),
        json!({ "extra": "Planted" }),
        json!({ "sub": 1, "extra": "Planted" }),
    ] {
        server.change(|settings| settings.userinfo = userinfo);

        let finished = keyfob.log_in(&server, &["login", "test", "--json"]);

        if server.requests_to("/userinfo").is_empty() {
            // Nothing was asked that the ID token did not already say.
            finished.expect(0);
            continue;
        }
        finished.error_of(MALFORMED, &["sub"]);
        assert!(!finished.output().contains("Planted"), "{finished:#?}");
        assert_eq!(keyfob.stored().len(), 0);
    }
}

#[test]
fn a_refreshed_id_token_of_somebody_else_is_refused_but_its_refresh_token_is_kept() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let cases: [Maker; 3] = [
        |k, c| with(k, c, "sub", json!("user-2")),
        |k, c| with(k, c, "iss", json!("https://other.example")),
        |k, c| with(k, c, "aud", json!("other")),
    ];
    for make in cases {
        server.id_tokens(make);
        let finished = keyfob.run(&["refresh", "test", "--json"]);
        finished.error(11, "security");
        // The old one is spent; the strict server would end the family at its second use.
        server.recover();
        // The session is marked as suspicious; whether it may still be renewed is its own affair.
        if keyfob.run(&["refresh", "test"]).code != 0 {
            keyfob.login(&server);
        }
    }
    assert_eq!(server.violations(), [] as [&str; 0]);
}

#[test]
fn claims_are_shown_without_their_control_characters() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let name = "\u{1b}]0;pwn\u{7}Bob\u{9b}31m\u{202e}";
    server.change(|settings| {
        settings.claims.insert("name".into(), name.into());
        settings.userinfo["name"] = name.into();
    });

    let login = keyfob.log_in(&server, &["login", "test"]).expect(0);
    let status = keyfob.run(&["status", "test", "--claims"]).expect(0);
    let json = keyfob.run(&["status", "test", "--claims", "--json"]).expect(0);

    for text in [login.output(), status.output()] {
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}']), "{text:?}");
    }
    json.json();
    assert!(!json.stdout.contains('\u{1b}'), "{json:#?}");
}

#[test]
fn an_account_name_out_of_a_claim_stays_one_harmless_word() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    for (claim, expected) in [
        ("../../x", Some("test/..%2F..%2Fx")),
        ("a/b", Some("test/a%2Fb")),
        ("with blank", Some("test/with%20blank")),
        ("--help", None),
        ("Alice", Some("test/Alice")),
        ("alice", Some("test/alice")),
        ("CON", None),
        ("dot.", None),
        ("\u{1f511}", None),
        ("\u{1b}[2J", None),
        ("..", None),
    ] {
        server.change(|settings| {
            settings.claims.insert("preferred_username".into(), claim.into());
            settings.userinfo["preferred_username"] = claim.into();
        });
        let before = keyfob.sessions();

        keyfob.log_in(&server, &["login", "test"]).expect(0);

        let sessions = keyfob.sessions();
        let new: Vec<_> = sessions.iter().filter(|session| !before.contains(session)).collect();
        assert_eq!(new.len(), 1, "{claim:?}: {sessions:?}");
        assert!(expected.is_none_or(|expected| new[0] == expected), "{claim:?} became {}", new[0]);
        assert!(!new[0].contains(char::is_control) && !new[0].contains(' '), "{claim:?} became {}", new[0]);
        keyfob.token(new[0]);
    }
    let outside = crate::support::files(keyfob.folder()).into_iter().filter(|file| {
        !file.starts_with(keyfob.state())
            && !file.starts_with(keyfob.aside())
            && !file.starts_with(keyfob.home().join(".cache"))
    });
    assert_eq!(outside.collect::<Vec<_>>(), [keyfob.registry_file()]);
}

#[test]
fn an_access_token_is_not_read() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let expired = Key::new("x").sign(&json!({ "exp": 1, "iss": "https://other.example", "aud": "other" }));
    server.change(|settings| settings.token.insert("access_token".into(), expired.clone().into()));
    server.id_tokens(|k, c| without(k, c, "at_hash"));

    keyfob.login(&server);

    assert_eq!(keyfob.token("test"), expired);
    assert_eq!(keyfob.status("test")["state"], "valid");
}

#[test]
fn a_maximum_age_in_the_entry_is_held_against_the_time_of_the_login() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    keyfob.provider("test", &server, "authorize_params = { max_age = \"60\" }");
    for (auth_time, code) in [(json!(now() - 10), 0), (json!(now() - 3600), 11), (Value::Null, 11)] {
        server.change(|settings| settings.claims.insert("auth_time".into(), auth_time.clone()));

        let login = keyfob.begin(&["login", "test", "--json"]);
        assert_eq!(login.parameter("max_age").as_deref(), Some("60"));
        login.allow(&server);
        let finished = login.finish();

        assert_eq!(finished.code, code, "{auth_time}: {finished:#?}");
        assert!(code == 0 || finished.stderr.contains("auth_time"), "{finished:#?}");
    }
}

#[test]
fn an_id_token_that_nothing_can_check_is_neither_an_obstacle_nor_kept() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    keyfob.plain_provider("plain", &server, "scopes = [\"openid\", \"email\"]");

    keyfob.log_in(&server, &["login", "plain"]).expect(0);

    assert_eq!(keyfob.status("plain")["profile"], serde_json::Value::Null);
    keyfob.run(&["token", "plain", "--id-token"]).fails(4);
}
