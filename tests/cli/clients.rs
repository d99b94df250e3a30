//! Whose client a session is: from the store, from options that are kept with it, under other names.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use crate::support::{Answer, Keyfob, Redirect, Server};

/// A file with this in it.
fn file(keyfob: &Keyfob, name: &str, text: &str) -> String {
    let path: PathBuf = keyfob.aside().join(name);
    fs::write(&path, format!("{text}\n")).expect("a file");
    path.display().to_string()
}

/// A provider `mine` whose client secret was given to the store.
fn with_stored_secret(server: &Server) -> Keyfob {
    let keyfob = Keyfob::new();
    let secret = file(&keyfob, "good", &server.client_secret("basic").expect("a secret"));
    let add =
        ["provider", "add", "mine", "--issuer", &server.url(), "--client-id", "basic", "--client-secret-file", &secret];
    keyfob.run(&add).expect(0);
    fs::remove_file(secret).expect("it is not needed any more");
    keyfob
}

#[test]
fn a_client_secret_in_the_store_serves_login_refresh_and_logout() {
    let server = Server::start();
    let keyfob = with_stored_secret(&server);

    let registry = fs::read_to_string(keyfob.registry_file()).expect("a registry");
    let parsed: toml::Table = registry.parse().expect("TOML");
    assert_eq!(parsed["providers"]["mine"]["client_secret"]["store"].as_bool(), Some(true), "{registry}");
    assert_eq!(keyfob.leaks(&server), []);
    keyfob.log_in(&server, &["login", "mine"]).expect(0);
    keyfob.run(&["refresh", "mine"]).expect(0);
    keyfob.run(&["logout", "mine"]).expect(0);
    keyfob.run(&["provider", "remove", "mine"]).expect(0);
    assert!(!keyfob.stored().keys().any(|file| file.to_string_lossy().contains("secrets")), "{:#?}", keyfob.stored());
}

#[test]
fn a_second_provider_of_the_name_is_refused_and_the_stored_secret_stays() {
    let server = Server::start();
    let keyfob = with_stored_secret(&server);
    let (stored, registry) = (keyfob.stored(), fs::read(keyfob.registry_file()).expect("a registry"));
    let other = file(&keyfob, "other", "another-secret");

    let add = ["provider", "add", "mine", "--issuer", &server.url(), "--client-secret-file", &other, "--json"];
    keyfob.run(&add).error_naming(2, "usage", &["mine"]);

    assert_eq!(keyfob.stored(), stored);
    assert_eq!(fs::read(keyfob.registry_file()).expect("a registry"), registry);
    keyfob.log_in(&server, &["login", "mine"]).expect(0);
}

#[test]
fn a_client_of_the_command_line_is_kept_with_the_session() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    keyfob.run(&["provider", "add", "bare", "--issuer", &server.url()]).expect(0);
    let secret = file(&keyfob, "secret", &server.client_secret("basic").expect("a secret"));
    keyfob.log_in(&server, &["login", "bare", "--client-id", "basic", "--client-secret-file", &secret]).expect(0);
    fs::remove_file(secret).expect("it is not needed any more");

    keyfob.run(&["refresh", "bare"]).expect(0);
    keyfob.log_in(&server, &["login", "bare"]).expect(0);
    keyfob.run(&["logout", "bare"]).expect(0);

    // With the session goes its client.
    keyfob.run(&["login", "bare", "--json"]).error_naming(9, "config", &["--client-id"]);
    assert_eq!(keyfob.leaks(&server), []);
}

#[test]
fn a_secret_set_from_a_variable_is_kept_with_the_session_and_from_the_browser() {
    let server = Server::start();
    let mut keyfob = Keyfob::new();
    keyfob.provider("test", &server, "client_id = \"basic\"\nclient_auth = \"client_secret_basic\"");
    let secret = server.client_secret("basic").expect("a secret");
    keyfob.set("A_SECRET_OF_MINE", &secret);
    let (opened, environment) = (keyfob.aside().join("opened"), keyfob.aside().join("environment"));
    let lines = format!("env >'{}'\nprintf '%s\\n' \"$1\" >>'{}'", environment.display(), opened.display());
    keyfob.set("KEYFOB_BROWSER", keyfob.script("spy", &lines));

    keyfob.log_in(&server, &["login", "test", "--set", "client_secret=env:A_SECRET_OF_MINE"]).expect(0);

    let seen = fs::read_to_string(environment).expect("an environment");
    assert!(!seen.contains(&secret) && !seen.contains("A_SECRET_OF_MINE") && seen.contains("HOME="), "{seen}");
    keyfob.unset("A_SECRET_OF_MINE");
    keyfob.run(&["refresh", "test"]).expect(0);
    assert_eq!(keyfob.leaks(&server), []);
}

#[test]
fn other_names_of_parameters_are_used_everywhere() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    keyfob.plain_provider("plain", &server, "param_names = { client_id = \"client_key\" }");
    let answer =
        json!({ "access_token": "an-access-token", "refresh_token": "a-refresh-token", "token_type": "Bearer" });
    server.always("/token", Answer::json(200, &answer));

    let login = keyfob.begin(&["login", "plain"]);
    assert_eq!((login.parameter("client_key").as_deref(), login.parameter("client_id")), (Some("public"), None));
    let address = login.parameter("redirect_uri").expect("a redirect URI").parse().expect("an address");
    Redirect(address).adding("code", "a-code").adding("state", &login.parameter("state").expect("a state")).get();
    login.finish().expect(0);
    keyfob.run(&["refresh", "plain"]).expect(0);

    let sent = server.requests_to("/token");
    assert_eq!(sent.len(), 2);
    for request in sent {
        assert_eq!((request.all("client_key"), request.all("client_id")), (vec!["public".to_owned()], vec![]));
    }
}

#[test]
fn a_bare_token_that_was_brought_along_can_be_logged_out() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    keyfob.plain_provider("plain", &server, "");
    // Without a client nothing can be revoked, and with nothing set nobody knows where.
    keyfob.run(&["provider", "add", "bare", "--issuer", &server.url()]).expect(0);
    for (name, revoked) in [("test", 1), ("plain", 0), ("bare", 0), ("keycloak", 0), ("github", 0)] {
        keyfob.run_with_input(&["login", name, "--with-token"], "only-a-token\n").expect(0);
        server.forget_requests();

        keyfob.run(&["logout", name]).expect(0);

        let sent = server.requests_to("/revoke");
        assert_eq!(sent.len(), revoked, "{name}");
        assert!(sent.iter().all(|request| request.expect("token") == "only-a-token"));
        let elsewhere = server.requests().into_iter().filter(|request| request.path != "/revoke");
        assert!(elsewhere.clone().all(|request| request.method == "GET" && request.header("authorization").is_none()));
    }
    assert_eq!(keyfob.sessions(), [] as [&str; 0]);
}

#[test]
fn a_token_that_was_brought_along_is_not_sent_to_another_server() {
    let (server, other) = (Server::start(), Server::start());
    let keyfob = Keyfob::with(&server);
    keyfob.run_with_input(&["login", "test", "--with-token"], "only-a-token\n").expect(0);
    keyfob.edit_registry(&server.url(), &other.url());

    let logout = keyfob.run(&["logout", "test"]);

    assert_ne!(logout.code, 0, "it is told that nothing was revoked: {logout:#?}");
    assert_eq!(keyfob.sessions(), [] as [&str; 0]);
    assert_eq!(other.requests_to("/revoke").len(), 0);
}

#[test]
fn a_token_bound_to_a_key_is_not_taken_for_a_bearer_token() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    keyfob.plain_provider("plain", &server, "");

    let bound = json!({ "access_token": "bound-to-a-key", "token_type": "DPoP" }).to_string();
    let finished = keyfob.run_with_input(&["login", "plain", "--with-token", "--json"], &bound);

    finished.error(2, "usage");
    assert_eq!(keyfob.sessions(), [] as [&str; 0]);
}
