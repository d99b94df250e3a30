//! `doctor`: this machine, and the way to a server that is healthy, hostile, dead, or no OpenID Connect server at all.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::support::{Answer, Finished, Keyfob, Server, mode};

fn looked(keyfob: &Keyfob, arguments: &[&str]) -> (Finished, Value) {
    let finished = keyfob.run(&[&["doctor", "--json"][..], arguments].concat());
    let json = finished.json();
    assert_eq!(json["schema"], "keyfob.doctor/1");
    assert_eq!(json["ok"], finished.code == 0, "{finished:#?}");
    (finished, json)
}

/// The results by their check.
fn results(told: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let checks = told["checks"].as_array().expect("checks");
    for check in checks {
        assert!(check["message"].is_string(), "{check}");
    }
    checks.iter().map(|check| (text(&check["id"]), text(&check["result"]))).collect()
}

fn check<'a>(told: &'a Value, id: &str) -> &'a Value {
    told["checks"].as_array().expect("checks").iter().find(|check| check["id"] == id).expect(id)
}

/// The states by their feature.
fn states(told: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let table = told["conformance"].as_array().expect("a table");
    table.iter().map(|line| (text(&line["id"]), text(&line["state"]))).collect()
}

#[test]
fn a_healthy_machine_and_server_are_so() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let before = keyfob.stored();
    server.always("/token", Answer::error(400, "invalid_grant"));

    let (finished, told) = looked(&keyfob, &["test"]);

    assert_eq!(finished.code, 0, "{finished:#?}");
    let results = results(&told);
    for id in [
        "config.settings",
        "config.registry",
        "directory.config",
        "directory.state",
        "directory.cache",
        "store.reachable",
        "store.roundtrip",
        "locks",
        "network.trust",
        "network.proxy",
        "browser",
        "callback.ipv4",
        "server.dns",
        "server.tcp",
        "server.metadata",
        "server.issuer",
        "server.endpoints",
        "server.keys",
        "server.client",
    ] {
        assert_eq!(results.get(id).map(String::as_str), Some("ok"), "{id}: {finished:#?}");
    }
    assert_eq!(keyfob.stored(), before, "nothing is changed");
    assert_eq!(keyfob.leaks(&server), []);
    for secret in server.secrets() {
        assert!(!finished.output().contains(&secret), "{finished:#?}");
    }
}

#[test]
fn text_and_report_say_the_same_as_the_json() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    server.always("/token", Answer::error(400, "invalid_grant"));

    let text = keyfob.run(&["doctor", "test"]).expect(0).stdout;
    let report = keyfob.run(&["doctor", "test", "--report"]).expect(0).stdout;
    let quiet = keyfob.run(&["doctor", "test", "-q"]).expect(0).stdout;

    for part in ["store.roundtrip", "server.issuer", "PKCE with S256", "RFC 7636", "SPECIFICATION"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(report.contains("| ok | store.roundtrip |") && report.contains("| PKCE with S256 | used |"), "{report}");
    assert!(!report.contains(keyfob.home().to_str().expect("text")), "{report}");
    assert_eq!(quiet, "");
}

#[test]
fn a_machine_without_a_store_fails_with_a_remedy() {
    let mut keyfob = Keyfob::new();
    keyfob.set("KEYFOB_STORAGE", "keyring");
    keyfob.set("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus");

    let (finished, told) = looked(&keyfob, &[]);

    assert_eq!(finished.code, 1);
    let reached = check(&told, "store.reachable");
    assert_eq!(reached["result"], "fail", "{reached}");
    assert!(reached["remedy"].as_str().is_some_and(|remedy| remedy.contains("KEYFOB_STORAGE")), "{reached}");
}

#[test]
fn a_look_at_a_new_machine_leaves_nothing_behind() {
    let keyfob = Keyfob::new();

    let (finished, told) = looked(&keyfob, &[]);

    assert_eq!((finished.code, results(&told)["store.reachable"].as_str()), (0, "skip"), "{finished:#?}");
    assert!(!keyfob.state().exists() && !keyfob.aside().join("key").exists(), "{finished:#?}");
}

#[test]
fn what_is_wrong_on_the_machine_is_named() {
    let server = Server::start();
    let mut keyfob = Keyfob::logged_in(&server);
    keyfob.set("KEYFOB_CA_BUNDLE", keyfob.aside().join("missing.pem"));
    keyfob.settings("storage = \"file\"\nnonsense\n");

    let (finished, told) = looked(&keyfob, &[]);

    assert_eq!(finished.code, 1);
    let results = results(&told);
    assert_eq!((results["network.trust"].as_str(), results["config.settings"].as_str()), ("fail", "fail"), "{told:#}");
}

#[test]
fn an_open_state_directory_is_told_and_left_as_it_is() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    fs::set_permissions(keyfob.state(), fs::Permissions::from_mode(0o755)).expect("an open directory");

    let (_, told) = looked(&keyfob, &[]);

    assert_eq!(results(&told)["directory.state"], "warn");
    assert_eq!(check(&told, "directory.state")["remedy"], format!("chmod 700 {}", keyfob.state().display()));
    let _ = mode(&keyfob.state());
}

#[test]
fn an_address_needs_no_entry() {
    let server = Server::start();
    let keyfob = Keyfob::new();

    let (finished, told) = looked(&keyfob, &[&server.url()]);

    assert_eq!(finished.code, 0, "{finished:#?}");
    let results = results(&told);
    assert_eq!((results["server.issuer"].as_str(), results["server.client"].as_str()), ("ok", "skip"));
    let states = states(&told);
    for (id, state) in [
        ("pkce_s256", "used"),
        ("iss", "missing"),
        ("par", "missing"),
        ("revocation", "used"),
        ("userinfo", "used"),
        ("introspection", "missing"),
        ("client_authentication", "used"),
        ("id_token_algorithms", "used"),
    ] {
        assert_eq!(states[id], state, "{id}");
    }
    assert_eq!(server.requests_to("/token").len(), 0, "there is no client to ask about");
}

#[test]
fn a_resource_leads_to_its_server() {
    let (resource, server) = (Server::start(), Server::start());
    let address = format!("{}/api", resource.url());
    resource.change(|settings| settings.well_known.clear());
    let metadata = json!({ "resource": address, "authorization_servers": [server.url()] });
    resource.always("/.well-known/oauth-protected-resource/api", Answer::json(200, &metadata));
    let keyfob = Keyfob::new();

    let (finished, told) = looked(&keyfob, &[&address]);

    assert_eq!(finished.code, 0, "{finished:#?}");
    assert_eq!(results(&told)["server.resource"], "ok");
    assert_eq!(states(&told)["pkce_s256"], "used");

    let foreign = json!({ "resource": "https://evil.example/api", "authorization_servers": [server.url()] });
    resource.recover();
    resource.always("/.well-known/oauth-protected-resource/api", Answer::json(200, &foreign));
    let (finished, told) = looked(&keyfob, &[&address]);
    assert_eq!((finished.code, results(&told)["server.resource"].as_str()), (1, "fail"));
}

#[test]
fn a_resource_is_found_where_a_login_finds_it() {
    let (resource, server) = (Server::start(), Server::start());
    resource.change(|settings| settings.well_known.clear());
    let metadata = json!({ "resource": resource.url(), "authorization_servers": [server.url()] });
    // That of the whole host, which is the last place of RFC 9728 §3.1 to look at.
    resource.always("/.well-known/oauth-protected-resource", Answer::json(200, &metadata));

    let (finished, told) = looked(&Keyfob::new(), &[&format!("{}/api", resource.url())]);

    assert_eq!((finished.code, results(&told)["server.resource"].as_str()), (0, "ok"), "{finished:#?}");
}

#[test]
fn a_dead_server_ends_at_the_step_that_fails() {
    let address = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let keyfob = Keyfob::new();

    let (finished, told) = looked(&keyfob, &[&format!("http://{address}")]);

    assert_eq!(finished.code, 1);
    let results = results(&told);
    assert_eq!((results["server.dns"].as_str(), results["server.tcp"].as_str()), ("ok", "fail"));
    assert!(!results.contains_key("server.metadata"), "{told:#}");
}

#[test]
fn a_server_that_is_silent_costs_no_more_than_the_limit() {
    let server = Server::start();
    let issuer = server.url();
    server.always("/", Answer::silent());
    let keyfob = Keyfob::new();

    let (finished, told) = looked(&keyfob, &[&issuer, "--timeout", "1"]);

    assert_eq!((finished.code, results(&told)["server.http"].as_str()), (1, "fail"), "{finished:#?}");
}

#[test]
fn another_issuer_is_a_failure_and_its_features_are_not_told() {
    let server = Server::start();
    server.change(|settings| settings.metadata["issuer"] = json!("https://evil.example"));
    let keyfob = Keyfob::new();

    let (finished, told) = looked(&keyfob, &[&server.url()]);

    assert_eq!(finished.code, 1);
    let results = results(&told);
    assert_eq!((results["server.metadata"].as_str(), results["server.issuer"].as_str()), ("ok", "fail"), "{told:#}");
    assert!(told.get("conformance").is_none(), "{told:#}");
}

#[test]
fn an_endpoint_without_tls_is_a_failure() {
    let server = Server::start();
    server.change(|settings| settings.metadata["token_endpoint"] = json!("http://id.example/token"));
    let keyfob = Keyfob::new();

    let (finished, told) = looked(&keyfob, &[&server.url()]);

    assert_eq!((finished.code, results(&told)["server.endpoints"].as_str()), (1, "fail"), "{told:#}");
}

#[test]
fn hostile_metadata_and_keys_are_failures_and_no_more() {
    for (path, answer) in [
        ("/.well-known/openid-configuration", Answer::html(200, "<h1>\u{1b}[2J</h1>")),
        ("/.well-known/openid-configuration", Answer::new(200, "application/json", "{\"issuer\":")),
        ("/.well-known/openid-configuration", Answer::new(200, "application/json", "x").endless()),
        ("/.well-known/openid-configuration", Answer::dropped()),
        ("/.well-known/openid-configuration", Answer::redirect(302, "https://evil.example/")),
        ("/jwks", Answer::html(200, "<h1>Keys</h1>")),
        ("/jwks", Answer::json(200, &json!({ "keys": [] }))),
    ] {
        let server = Server::start();
        server.always(path, answer);
        let keyfob = Keyfob::new();

        let (finished, told) = looked(&keyfob, &[&server.url()]);

        assert_eq!(finished.code, 1, "{path}: {told:#}");
        assert!(!finished.output().contains('\u{1b}') && !finished.output().contains("panicked"), "{finished:#?}");
    }
}

#[test]
fn a_plain_server_of_an_entry_has_the_features_of_the_entry() {
    let server = Server::start();
    server.change(|settings| settings.well_known.clear());
    let keyfob = Keyfob::new();
    keyfob.plain_provider("plain", &server, "");
    server.always("/token", Answer::error(400, "invalid_grant"));

    let (finished, told) = looked(&keyfob, &["plain"]);

    assert_eq!(finished.code, 0, "{finished:#?}");
    let results = results(&told);
    assert_eq!((results["server.metadata"].as_str(), results["server.client"].as_str()), ("skip", "ok"), "{told:#}");
    let announced: Vec<_> = states(&told).into_iter().filter(|(_, state)| state != "missing").collect();
    assert_eq!(announced, [("client_authentication".to_owned(), "used".to_owned())], "nothing but the default");
}

#[test]
fn a_server_that_does_not_know_the_client_is_a_failure() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    keyfob.provider("test", &server, "client_id = \"stranger\"");
    server.always("/token", Answer::error(401, "invalid_client"));

    let (finished, told) = looked(&keyfob, &["test"]);

    assert_eq!((finished.code, results(&told)["server.client"].as_str()), (1, "fail"), "{told:#}");
}

#[test]
fn what_a_server_lists_is_said_with_what_can_be_used_of_it() {
    let server = Server::start();
    server.change(|settings| {
        settings.metadata["pushed_authorization_request_endpoint"] =
            json!(format!("{}/par", settings.metadata["issuer"].as_str().expect("an issuer")));
        settings.metadata["id_token_signing_alg_values_supported"] = json!(["ES256", "none", "\u{1b}[31m"]);
    });
    let keyfob = Keyfob::new();

    let (_, told) = looked(&keyfob, &[&server.url()]);
    let text = keyfob.run(&["doctor", &server.url()]).stdout;

    let table = told["conformance"].as_array().expect("a table");
    let line = |id: &str| table.iter().find(|line| line["id"] == id).expect(id);
    assert_eq!((&line("par")["announced"], &line("dpop")["announced"]), (&json!(true), &json!(false)));
    assert_eq!((&line("par")["state"], &line("dpop")["state"]), (&json!("used"), &json!("missing")));
    assert_eq!(line("id_token_algorithms")["usable"], json!(["ES256"]));
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn a_target_that_means_nothing_is_said_as_everywhere() {
    let keyfob = Keyfob::new();

    keyfob.run(&["doctor", "nobody-of-that-name", "--json"]).error(3, "not_found");
    keyfob.run(&["doctor", "http://id.example", "--json"]).error(2, "usage");
    keyfob.run(&["doctor", "ftp://id.example", "--json"]).error(2, "usage");
}
