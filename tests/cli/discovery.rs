//! What a server says of itself, and which of it is believed.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use crate::support::{Answer, Finished, Key, Keyfob, Server, files};

const OPENID: &str = "/.well-known/openid-configuration";
const OAUTH: &str = "/.well-known/oauth-authorization-server";
const PROTOCOL: &[(i32, &str)] = &[(12, "protocol")];
const SECURITY: &[(i32, &str)] = &[(11, "security")];

/// A first login that must fail before a browser is started, and leave nothing in the cache.
#[track_caller]
fn refused(server: &Server, choices: &[(i32, &str)], words: &[&str]) -> Finished {
    let keyfob = Keyfob::with(server);

    let finished = keyfob.run(&["login", "test", "--json", "--timeout", "3"]);

    finished.error_of(choices, words);
    assert_eq!(keyfob.opened(), [] as [&str; 0], "{finished:#?}");
    assert!(cached(&keyfob).is_empty(), "nothing of it is kept: {:#?}", cached(&keyfob));
    finished
}

fn cached(keyfob: &Keyfob) -> Vec<std::path::PathBuf> {
    let all = files(&keyfob.home().join(".cache"));
    all.into_iter().filter(|file| !file.to_string_lossy().contains("lock")).collect()
}

#[test]
fn metadata_of_another_issuer_are_refused_and_both_are_named() {
    let server = Server::start();
    let issuer = server.url();
    let near = format!("{issuer}/");
    for other in ["https://other.example", &near, &issuer.replace("http", "HTTP"), &format!("{issuer}/t1"), ""] {
        server.change(|settings| settings.metadata["issuer"] = json!(other));
        let finished = refused(&server, SECURITY, &[&issuer, "issuer"]);
        if other == near {
            // What to configure where only a slash is missing.
            assert!(
                finished.error(11, "security")["hint"].as_str().is_some_and(|hint| hint.contains(&near)),
                "{finished:#?}"
            );
        }
    }
    for other in [Value::Null, json!(7), json!([issuer])] {
        server.change(|settings| settings.metadata["issuer"] = other.clone());
        refused(&server, &[(11, "security"), (12, "protocol")], &["issuer"]);
    }
}

#[test]
fn the_well_known_addresses_are_tried_in_order_and_only_404_moves_on() {
    for (path, forms) in [
        ("", vec![OPENID.to_owned(), OAUTH.to_owned()]),
        ("/t1", vec![format!("/t1{OPENID}"), format!("{OAUTH}/t1"), format!("{OPENID}/t1")]),
    ] {
        let mut orders = BTreeSet::new();
        for form in forms {
            let server = Server::start();
            let issuer = format!("{}{path}", server.url());
            server.change(|settings| {
                settings.metadata["issuer"] = json!(issuer);
                settings.well_known = BTreeSet::from([form.clone()]);
            });
            let keyfob = Keyfob::new();
            keyfob.provider("test", &server, &format!("issuer = \"{issuer}\""));

            keyfob.login(&server);

            let asked: Vec<_> = server
                .requests()
                .into_iter()
                .map(|request| request.path)
                .filter(|path| path.contains("well-known"))
                .collect();
            assert_eq!(asked.last(), Some(&form));
            orders.insert(asked);
        }
        // Each is the beginning of the longest: one order, whatever is there.
        let longest = orders.iter().max_by_key(|order| order.len()).expect("an order").clone();
        assert!(orders.iter().all(|order| longest.starts_with(order)), "{orders:#?}");
    }
    let server = Server::start();
    server.always(OPENID, Answer::error(500, "oops"));
    refused(&server, &[(6, "network")], &["500"]);
    assert_eq!(server.requests_to(OAUTH).len(), 0);
}

#[test]
fn a_server_without_metadata_is_told_as_such() {
    let server = Server::start();
    server.change(|settings| settings.well_known.clear());

    refused(&server, &[(12, "protocol"), (9, "config")], &["404"]);
}

#[test]
fn an_endpoint_that_is_not_safe_is_named() {
    let server = Server::start();
    for name in ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "revocation_endpoint"] {
        for value in [
            "http://idp.example/x",
            "ftp://127.0.0.1/x",
            "http://127.0.0.1.evil.example/x",
            "http://user:pw@127.0.0.1/x",
        ] {
            let old = server.change(|settings| settings.metadata[name].take());
            server.change(|settings| settings.metadata[name] = json!(value));
            refused(&server, SECURITY, &[name]);
            server.change(|settings| settings.metadata[name] = old);
        }
    }
    assert_eq!(server.requests_to("/token").len(), 0);
}

#[test]
fn unknown_and_null_members_are_passed_over_and_a_wrong_type_is_named() {
    let server = Server::start();
    server.change(|settings| {
        for name in [
            "scopes_supported",
            "registration_endpoint",
            "end_session_endpoint",
            "require_pushed_authorization_requests",
        ] {
            settings.metadata[name] = Value::Null;
        }
        settings.metadata["x"] = json!({ "y": [1, { "z": null }] });
        settings.metadata["service_documentation"] = json!(7);
        settings.metadata["ui_locales_supported"] = json!("not-a-list");
    });
    Keyfob::logged_in(&server);
    for (name, value) in [
        ("token_endpoint", json!(42)),
        ("authorization_endpoint", json!(["https://x.example"])),
        ("jwks_uri", json!(42)),
        ("code_challenge_methods_supported", json!("S256")),
        ("id_token_signing_alg_values_supported", json!({ "ES256": true })),
        ("token_endpoint_auth_methods_supported", json!([1])),
        ("authorization_response_iss_parameter_supported", json!("true")),
    ] {
        let old = server.change(|settings| settings.metadata[name].take());
        server.change(|settings| settings.metadata[name] = value);
        refused(&server, PROTOCOL, &[name]);
        server.change(|settings| settings.metadata[name] = old);
    }
}

#[test]
fn a_missing_endpoint_is_named() {
    let server = Server::start();
    for name in ["authorization_endpoint", "token_endpoint"] {
        let old = server.change(|settings| settings.metadata[name].take());
        server.change(|settings| settings.metadata.as_object_mut().expect("an object").remove(name));
        let keyfob = Keyfob::with(&server);
        let arguments = ["login", "test", "--json", "--timeout", "3"];
        let finished = match name {
            "authorization_endpoint" => keyfob.run(&arguments),
            _ => keyfob.log_in(&server, &arguments),
        };
        finished.error_of(&[(9, "config"), (12, "protocol")], &[name]);
        server.change(|settings| settings.metadata[name] = old);
    }
    let keyfob = Keyfob::with(&server);
    let device = keyfob.run(&["login", "test", "--device", "--json"]);
    device.error_of(&[(9, "config"), (2, "usage")], &["device"]);
}

#[test]
fn documents_are_bounded_and_are_objects() {
    let server = Server::start();
    for answer in [
        Answer::html(200, "<h1>Welcome to the hotel</h1>"),
        Answer::json(200, &json!([])),
        Answer::new(200, "application/json", ""),
        Answer::new(200, "application/json", " ").endless(),
        Answer::new(200, "application/json", "[".repeat(500_000)),
        Answer::new(200, "application/json", b"\xff\xfe{}".to_vec()),
    ] {
        server.once(OPENID, answer);
        let finished = refused(&server, PROTOCOL, &[]);
        assert!(finished.took.as_secs() < 6 && finished.output().len() < 4096, "{finished:#?}");
    }
    for answer in [
        Answer::html(200, "<h1>Welcome to the hotel</h1>"),
        Answer::json(200, &json!({ "keys": 7 })),
        Answer::json(200, &json!([])),
        Answer::new(200, "application/json", " ").endless(),
    ] {
        let keyfob = Keyfob::with(&server);
        server.always("/jwks", answer);
        let finished = keyfob.log_in(&server, &["login", "test", "--json"]);
        finished.error_of(&[(12, "protocol"), (11, "security")], &[]);
        assert_eq!(keyfob.stored().len(), 0);
        server.recover();
    }
}

#[test]
fn metadata_are_kept_for_a_while_and_keys_are_fetched_only_when_needed() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    server.forget_requests();

    keyfob.run(&["refresh", "test"]).expect(0);
    assert_eq!(server.requests_to(OPENID).len(), 0, "they were asked for a moment ago");

    keyfob.login(&server);
    assert_eq!(server.requests_to(OPENID).len(), 1, "a login hears the server, beside the browser");
    assert_eq!(server.requests_to("/jwks").len(), 0);
}

#[test]
fn a_cache_serves_when_the_server_cannot_say_who_it_is() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    server.always(OPENID, Answer::error(503, "busy"));

    keyfob.run(&["refresh", "test"]).expect(0);
}

#[test]
fn a_damaged_or_planted_cache_is_not_believed() {
    let (server, evil) = (Server::start(), Server::start());
    let keyfob = Keyfob::logged_in(&server);
    let cache = cached(&keyfob);
    assert!(!cache.is_empty(), "there is a cache: {:#?}", files(&keyfob.home()));
    for file in &cache {
        let good = fs::read(file).expect("a file");
        let moved = String::from_utf8_lossy(&good).replace(&server.url(), &evil.url());
        for bytes in [&b""[..], b"{", b"\xff", b"null", moved.as_bytes()] {
            fs::write(file, bytes).expect("a file");
            keyfob.run(&["refresh", "test"]).expect(0);
            fs::write(file, bytes).expect("a file");
            keyfob.login(&server);
        }
        fs::remove_file(file).expect("a file");
        let aside = keyfob.aside().join("planted");
        fs::write(&aside, &moved).expect("a file");
        symlink(&aside, file).expect("a link");
        keyfob.login(&server);
        assert_eq!(fs::read_to_string(&aside).expect("a file"), moved);
    }
    assert_eq!(evil.connections(), 0);
}

#[test]
fn pinned_endpoints_of_another_issuer_do_not_mix() {
    let (server, other) = (Server::start(), Server::start());
    let keyfob = Keyfob::new();
    keyfob.provider("parent", &other, &format!("token_endpoint = \"{}/token\"", other.url()));
    keyfob.registry(&format!("[providers.test]\nextends = \"parent\"\nissuer = \"{}\"\n", server.url()));

    keyfob.login(&server);

    assert_eq!(other.connections(), 0);
}

#[test]
fn a_server_in_anothers_place_is_not_even_asked() {
    let (server, other) = (Server::start(), Server::start());
    server.change(|settings| settings.expires_in = json!(1));
    let keyfob = Keyfob::logged_in(&server);
    keyfob.wait_until_expired("test");
    keyfob.edit_registry(&server.url(), &other.url());

    for command in ["token", "refresh"] {
        keyfob.run(&[command, "test", "--json"]).error_naming(11, "security", &[&server.url(), &other.url()]);
    }
    keyfob.run(&["logout", "test", "--json"]);

    assert_eq!(other.connections(), 0);
    assert_eq!(keyfob.sessions(), [] as [&str; 0]);
}

#[test]
fn a_slow_key_set_is_fetched_once_and_once_more_for_an_unknown_key() {
    let slow = std::time::Duration::from_millis(300);
    for (is_known, fetched) in [(true, 1), (false, 2)] {
        let server = Server::start();
        server.after("/jwks", usize::MAX, move |_, answer| answer.delayed(slow));
        if !is_known {
            server.id_tokens(|_, claims| Key::new("nobody-knows").sign(&claims).into());
        }
        let mut keyfob = Keyfob::with(&server);
        // Which leaves no copies of documents either.
        keyfob.set("KEYFOB_STORAGE", "memory");

        let login = keyfob.log_in(&server, &["login", "test"]);

        login.expect(if is_known { 0 } else { 11 });
        assert_eq!(server.requests_to("/jwks").len(), fetched, "known: {is_known}");
    }
}
