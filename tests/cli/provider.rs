//! `keyfob provider`.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Keyfob, Server};

fn names(keyfob: &Keyfob, more: &[&str]) -> Vec<String> {
    let list = keyfob.run(&[&["provider", "list", "--json"], more].concat()).expect(0).json();
    assert_eq!(list["schema"], "keyfob.providers/1");
    let providers = list["providers"].as_array().expect("a list").iter();
    providers.map(|provider| provider["provider"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn the_list_tells_name_protocol_grants_and_readiness() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    keyfob.registry("[providers.bare]\nname = \"Bare\"\nprotocol = \"oauth2\"\nauthorization_endpoint = \"https://x.example/a\"\ntoken_endpoint = \"https://x.example/t\"\n");

    let list = keyfob.run(&["provider", "list", "--json"]).expect(0).json();
    let found = |name: &str| {
        let mut providers = list["providers"].as_array().expect("a list").iter();
        providers
            .find(|provider| provider["provider"] == name)
            .cloned()
            .unwrap_or_else(|| panic!("no {name} in {list:#}"))
    };

    let test = found("test");
    assert_eq!((&test["schema"], &test["name"]), (&json!("keyfob.provider/1"), &json!("Test Server")));
    assert_eq!((&test["protocol"], &test["ready"]), (&json!("oidc"), &json!(true)));
    assert!(test["grants"].as_array().is_some_and(|grants| grants.contains(&json!("authorization_code"))), "{test:#}");
    assert!(test.get("settings").is_none(), "{test:#}");
    assert_eq!(found("bare")["ready"], false);
    let text = keyfob.run(&["provider", "list", "bare"]).expect(0).stdout;
    assert!(text.contains("bare") && text.contains("needs setup"), "{text}");
    assert!(names(&keyfob, &["Test"]).contains(&"test".to_owned()));
    assert_eq!(server.connections(), 0);
}

#[test]
fn the_list_has_every_bundled_provider_and_says_which_of_its_variables_are_missing() {
    let keyfob = Keyfob::new();

    let list = keyfob.run(&["provider", "list", "--json"]).expect(0).json();

    let providers = list["providers"].as_array().expect("a list");
    assert!(providers.len() >= 440, "{}", providers.len());
    let found = |name: &str| providers.iter().find(|one| one["provider"] == name).expect(name);
    assert_eq!(found("bungie")["state"], "needs_variables");
    assert_eq!(found("bungie")["variables"], json!(["api_key"]));
    assert_eq!((&found("zoho")["state"], &found("zoho")["protocol"]), (&json!("needs_setup"), &json!("oauth2")));
    assert_eq!(found("trello")["protocol"], "oauth1");
    assert!(providers.iter().all(|one| one["state"] != "broken"), "{list:#}");
    let hydra = keyfob.run(&["provider", "show", "hydra", "--json"]).expect(0).json();
    assert_eq!(hydra["provider"], "ory-hydra");
}

#[test]
fn a_retired_provider_is_warned_of_at_login() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);

    let login = keyfob.log_in(&server, &["login", "test", "--set", "status=retired"]).expect(0);

    assert!(login.stderr.contains("Test Server: retired"), "{login:#?}");
}

#[test]
fn an_unknown_provider_is_answered_with_the_nearest_name() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    for arguments in [&["provider", "show", "tset"][..], &["provider", "remove", "tset"], &["login", "tset"]] {
        let finished = keyfob.run(&[arguments, &["--json"]].concat());
        finished.error_naming(3, "not_found", &["tset", "test"]);
    }
}

#[test]
fn a_definition_can_be_handed_to_colleagues_without_its_secrets() {
    let server = Server::start();
    let secret = server.client_secret("post").expect("a secret");
    let keyfob = Keyfob::new();
    keyfob.provider("test", &server, &format!("client_id = \"post\"\nclient_secret = \"{secret}\""));

    let shown = keyfob.run(&["provider", "show", "test", "--toml"]).expect(0);
    let json = keyfob.run(&["provider", "show", "test", "--json"]).expect(0);
    let text = keyfob.run(&["provider", "show", "test"]).expect(0);

    for finished in [&shown, &json, &text] {
        assert!(!finished.output().contains(&secret), "{finished:#?}");
    }
    let parsed: toml::Table = shown.stdout.parse().expect("TOML");
    assert_eq!(parsed["providers"]["test"]["issuer"].as_str(), Some(&*server.url()));
    let other = Keyfob::new();
    other.run_with_input(&["provider", "add", "test", "--from", "-"], &shown.stdout).expect(0);
    assert!(names(&other, &["test"]).contains(&"test".to_owned()));
}

#[test]
fn a_provider_can_be_added_by_its_issuer_used_and_removed() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    keyfob.registry("# kept by hand\n[providers.mine]\nprotocol = \"oauth2\" # and this\nclient_id = \"x\"\n");

    keyfob.run(&["provider", "add", "new", "--issuer", &server.url()]).expect(0);
    keyfob.log_in(&server, &["login", "new", "--client-id", "public", "--scope", "openid"]).expect(0);
    let again = keyfob.run(&["provider", "add", "new", "--issuer", "https://other.example", "--json"]);
    again.error_of(&[(2, "usage"), (9, "config")], &["new"]);
    keyfob.run(&["provider", "remove", "new"]).expect(0);

    assert!(!names(&keyfob, &["new"]).contains(&"new".to_owned()));
    let registry = fs::read_to_string(keyfob.registry_file()).expect("a registry");
    assert!(registry.contains("# kept by hand") && registry.contains("# and this"), "{registry}");
    assert!(!registry.contains("providers.new"), "{registry}");
}

#[test]
fn what_is_wrong_is_not_added() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let before = fs::read(keyfob.registry_file()).expect("a registry");
    for (arguments, input) in [
        (&["provider", "add", "../x", "--issuer", "https://x.example"][..], ""),
        (&["provider", "add", "UPPER", "--issuer", "https://x.example"], ""),
        (&["provider", "add", "a", "--issuer", "http://x.example"], ""),
        (&["provider", "add", "a", "--issuer", "file:///etc/passwd"], ""),
        (&["provider", "add", "a", "--issuer", "nonsense"], ""),
        (&["provider", "add", "a"], ""),
        (&["provider", "add", "a", "--from", "-"], "not [ toml"),
        (&["provider", "add", "a", "--from", "-"], "[providers.a]\nprotocol = \"oauth2\"\ntokn_endpoint = \"x\"\n"),
        (&["provider", "add", "a", "--from", "/nonexistent/file"], ""),
    ] {
        let finished = keyfob.run_with_input(&[arguments, &["--json"]].concat(), input);
        assert!([2, 9, 11].contains(&finished.code), "{finished:#?}");
        assert_eq!(fs::read(keyfob.registry_file()).expect("a registry"), before, "{arguments:?}");
    }
}

#[test]
fn bundled_providers_cannot_be_removed() {
    let keyfob = Keyfob::new();

    let finished = keyfob.run(&["provider", "remove", "oidc", "--json"]);

    finished.error_of(&[(2, "usage"), (9, "config"), (3, "not_found")], &["oidc"]);
    assert!(names(&keyfob, &[]).contains(&"oidc".to_owned()));
}

#[test]
fn bundled_definitions_use_https_pkce_and_hold_no_secret() {
    let keyfob = Keyfob::new();
    for name in names(&keyfob, &[]).into_iter().take(40) {
        let shown = keyfob.run(&["provider", "show", &name, "--json"]).expect(0).json();
        for (key, setting) in shown["settings"].as_object().expect("settings") {
            let value = &setting["value"];
            assert!(!key.contains("secret"), "{name}: {key}");
            assert!(!value.as_str().is_some_and(|value| value.starts_with("http:")), "{name}: {key} = {value}");
            assert_eq!(setting["source"], "bundled", "{name}: {key}");
        }
    }
}

#[test]
fn the_grants_are_listed_with_what_they_need() {
    let keyfob = Keyfob::new();

    let text = keyfob.run(&["provider", "grants"]).expect(0).stdout;
    let json: Value = keyfob.run(&["provider", "grants", "--json"]).expect(0).json();

    assert!(text.contains("authorization_code"), "{text}");
    assert!(json["schema"].is_string() && json.to_string().contains("authorization_code"), "{json:#}");
}
