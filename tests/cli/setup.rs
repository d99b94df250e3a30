//! `keyfob setup`: by options alone, at a terminal, and led by another program.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use crate::support::{Answer, Keyfob, Server, Terminal, contains, files};

/// What is known of a provider before somebody registers a client: like GitHub's entry.
fn hub(keyfob: &Keyfob, server: &Server) {
    let url = server.url();
    keyfob.registry(&format!(
        r#"[providers.hub]
name = "Hub"
protocol = "oauth2"
authorization_endpoint = "{url}/authorize"
token_endpoint = "{url}/token"
client_auth = "client_secret_post"
scopes = ["a", "b"]
grants = ["authorization_code"]
public_client = false
register = "{url}/new-client""#
    ));
}

/// As Keycloak's entry: an instance to be named, clients with and without a secret.
fn cloak(keyfob: &Keyfob) {
    keyfob.registry(
        r#"[providers.cloak]
name = "Cloak"
protocol = "oidc"
issuer = "{base_url}"
scopes = ["openid", "email"]
user = { id = "sub", username = "preferred_username" }
redirect = { loopback = "fixed-port", host = "localhost" }
variables.base_url = { prompt = "Address of the server", example = "https://sso.example.org" }"#,
    );
}

fn registry(keyfob: &Keyfob) -> String {
    fs::read_to_string(keyfob.registry_file()).unwrap_or_default()
}

/// The entry `id` as it stands in the user's file.
#[track_caller]
fn entry(keyfob: &Keyfob, id: &str) -> toml::Table {
    let parsed: toml::Table = registry(keyfob).parse().expect("TOML");
    parsed["providers"][id].as_table().unwrap_or_else(|| panic!("no {id} in {parsed:#?}")).clone()
}

fn secret_file(keyfob: &Keyfob, secret: &str) -> String {
    let file: PathBuf = keyfob.aside().join("pasted.secret");
    fs::write(&file, format!("{secret}\n")).expect("a file");
    file.display().to_string()
}

/// The server saw one token request whose only fault was the made-up code.
#[track_caller]
fn was_asked_once(server: &Server) {
    assert_eq!(server.violations(), ["a code that was never issued"]);
    assert_eq!(server.grants("authorization_code").len(), 1);
    server.forget_requests();
}

#[test]
fn options_alone_set_up_a_provider_whose_client_has_a_secret() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    hub(&keyfob, &server);
    let secret = secret_file(&keyfob, &server.client_secret("post").expect("a secret"));

    let arguments = ["setup", "hub", "--client-id", "post", "--client-secret-file", &secret];
    let finished = keyfob.run(&arguments).expect(0);

    assert_eq!(finished.stdout, "");
    for words in ["http://127.0.0.1/callback", "invalid_grant", "keyfob login hub", "Hub knows this client"] {
        assert!(finished.stderr.contains(words), "{words}: {finished:#?}");
    }
    let request = server.grants("authorization_code").remove(0);
    assert_eq!(request.expect("redirect_uri"), "http://127.0.0.1/callback");
    was_asked_once(&server);
    let entry = entry(&keyfob, "hub");
    assert_eq!(entry["client_id"].as_str(), Some("post"));
    assert_eq!(entry["client_secret"], toml::Value::Table([("store".to_owned(), true.into())].into_iter().collect()));
    assert!(keyfob.leaks(&server).is_empty(), "{:?}", keyfob.leaks(&server));
    assert!(keyfob.opened().is_empty(), "nothing was left to do in a browser");
    keyfob.log_in(&server, &["login", "hub"]).expect(0);
}

#[test]
fn options_alone_set_up_an_instance_under_a_name_of_its_own() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    cloak(&keyfob);
    let set = format!("base_url={}", server.url());

    let arguments = ["setup", "cloak", "--name", "work", "--set", &set, "--client-id", "public", "--no-login"];
    let finished = keyfob.run(&arguments).expect(0);

    was_asked_once(&server);
    assert!(finished.stderr.contains("http://localhost:28400/callback"), "{finished:#?}");
    let entry = entry(&keyfob, "work");
    assert_eq!((entry["extends"].as_str(), entry["client_id"].as_str()), (Some("cloak"), Some("public")));
    assert_eq!(entry["base_url"].as_str(), Some(&*server.url()));
    assert!(entry.get("client_secret").is_none() && entry.get("client_auth").is_none(), "{entry:#?}");
    let found = keyfob.run(&["provider", "list", "work", "--json"]).expect(0).json();
    let listed =
        found["providers"].as_array().and_then(|all| all.iter().find(|provider| provider["provider"] == "work"));
    assert_eq!(listed.expect("the new entry")["ready"], true, "{found}");
}

#[test]
fn a_public_client_does_not_inherit_a_method_that_needs_a_secret() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    hub(&keyfob, &server);
    keyfob.edit_registry("public_client = false", "public_client = true");

    keyfob.run(&["setup", "hub", "--client-id", "public", "--no-login"]).expect(0);

    was_asked_once(&server);
    assert_eq!(entry(&keyfob, "hub")["client_auth"].as_str(), Some("none"));
    keyfob.log_in(&server, &["login", "hub"]).expect(0);
}

#[test]
fn a_person_at_a_terminal_is_led_through_and_the_secret_is_not_shown() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    hub(&keyfob, &server);
    keyfob.edit_registry(
        "register = \"http",
        "variables.place = { prompt = \"Which\", choices = [\"eu\", \"us\"] }\nregister = \"http",
    );
    keyfob.edit_registry("/token\"", "/token\"\nauthorize_params = { place = \"{place}\" }");
    let secret = server.client_secret("post").expect("a secret");

    let mut command = keyfob.command(&["setup", "hub"]);
    let mut terminal = Terminal::start(&mut command);
    terminal.wait_for("Which (eu, us): ");
    terminal.type_in("asia\n");
    terminal.wait_for("eu");
    terminal.type_in("us\n");
    terminal.wait_for("Paste the client ID: ");
    terminal.type_in("\n");
    terminal.wait_for("is empty");
    terminal.type_in(" post \n");
    terminal.wait_for("not shown): ");
    terminal.type_in(&format!("{secret}\n"));
    terminal.wait_for("Log in now? [Y/n]");
    terminal.type_in("n\n");
    let finished = terminal.finish(command).expect(0);

    was_asked_once(&server);
    assert!(!finished.stdout.contains(&secret), "{finished:#?}");
    for words in ["Name", "keyfob on ", "http://127.0.0.1/callback", "a b", "Saved the client to"] {
        assert!(finished.stdout.contains(words), "{words}: {finished:#?}");
    }
    assert_eq!(keyfob.opened(), [format!("{}/new-client", server.url())]);
    let entry = entry(&keyfob, "hub");
    assert_eq!((entry["client_id"].as_str(), entry["place"].as_str()), (Some("post"), Some("us")));
}

#[test]
fn the_login_follows_when_it_is_wanted() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    cloak(&keyfob);
    keyfob.edit_registry("redirect = { loopback = \"fixed-port\", host = \"localhost\" }\n", "");
    let set = format!("base_url={}", server.url());

    let login = keyfob.begin(&["setup", "cloak", "--set", &set, "--client-id", "public", "--login", "--json"]);
    login.allow(&server);
    let events = login.finish().expect(0).json_lines();

    assert_eq!(server.violations(), ["a code that was never issued"]);
    assert_eq!(keyfob.sessions(), ["cloak/alice"]);
    let seen: Vec<_> = events.iter().map(|event| (event["schema"].as_str(), event["event"].as_str())).collect();
    let (setup, login) = (Some("keyfob.setup/1"), Some("keyfob.login/1"));
    let expected = [
        (setup, Some("register")),
        (setup, Some("tested")),
        (setup, Some("saved")),
        (login, Some("browser")),
        (login, Some("done")),
        (setup, Some("done")),
    ];
    assert_eq!(seen, expected, "{events:#?}");
}

#[test]
fn another_program_gets_each_step_as_an_event() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    hub(&keyfob, &server);
    let secret = server.client_secret("post").expect("a secret");
    let url = format!("{}/new-client", server.url());

    let first = keyfob.run(&["setup", "hub", "--json", "--no-browser"]);
    let arguments = ["setup", "hub", "--json", "--client-id", "post", "--client-secret-file", "-"];
    let second = keyfob.run_with_input(&arguments, &secret).expect(0);

    was_asked_once(&server);
    first.error_naming(2, "usage", &["--client-id", "--client-secret-file"]);
    let events = first.json_lines();
    assert_eq!((&events[0]["event"], &events[0]["url"]), (&json!("register"), &json!(url)));
    assert_eq!(events[0]["redirect_uri"], "http://127.0.0.1/callback");
    assert_eq!((&events[0]["client_secret"], &events[0]["device_flow"]), (&json!("required"), &json!(false)));
    assert_eq!(events[0]["scopes"], json!(["a", "b"]));
    assert!(events[0]["client_name"].as_str().is_some_and(|name| name.starts_with("keyfob on ")), "{events:#?}");
    assert_eq!(events[1]["options"], json!(["--client-id ID", "--client-secret-file FILE"]));
    assert!(!second.output().contains(&secret), "{second:#?}");
    let events = second.json_lines();
    let tested =
        json!({ "schema": "keyfob.setup/1", "event": "tested", "result": "accepted", "error": "invalid_grant" });
    assert_eq!(events[1], tested);
    assert_eq!((&events[2]["event"], &events[2]["client_secret_store"]), (&json!("saved"), &json!("file")));
    assert_eq!(events[2]["file"], json!(keyfob.registry_file()));
    let list = keyfob.run(&["provider", "list", "hub", "--json"]).expect(0).json();
    let mut providers = list["providers"].as_array().expect("a list").iter();
    let provider = providers.find(|provider| provider["provider"] == "hub").expect("the entry");
    assert_eq!(events[3], json!({ "schema": "keyfob.setup/1", "event": "done", "provider": provider }));
    assert_eq!((events.len(), &provider["ready"]), (4, &json!(true)));
    assert!(first.stderr.contains("keyfob setup hub --client-id ID"), "{first:#?}");
}

#[test]
fn the_browser_is_opened_for_a_program_that_still_needs_the_client() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    hub(&keyfob, &server);

    keyfob.run(&["setup", "hub", "--json", "--no-input"]).error(2, "usage");
    assert!(keyfob.opened().is_empty());
    let finished = keyfob.run(&["setup", "hub", "--json"]);

    assert_eq!(finished.json_lines()[1]["event"], "browser");
    crate::support::eventually("the page", || (keyfob.opened().len() == 1).then_some(()));
}

#[test]
fn a_wrong_secret_is_told_before_anything_is_written() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    hub(&keyfob, &server);
    let (before, file) = (registry(&keyfob), secret_file(&keyfob, "not-the-secret"));

    let finished = keyfob.run(&["setup", "hub", "--client-id", "post", "--client-secret-file", &file, "--json"]);

    let error = finished.error_naming(5, "refused", &["invalid_client", "nothing was written", "Hub"]);
    assert_eq!(error["oauth"]["error"], "invalid_client");
    assert_eq!(server.violations().len(), 1);
    assert_eq!(registry(&keyfob), before);
    assert!(files(&keyfob.state()).iter().all(|file| !file.to_string_lossy().contains("client_secret")));
    assert!(!finished.output().contains("not-the-secret"));
}

#[test]
fn a_server_that_repeats_the_secret_does_not_make_it_seen() {
    let server = Server::start();
    for error in ["invalid_client", "invalid_request", "my-own-secret-value"] {
        let mut keyfob = Keyfob::new();
        hub(&keyfob, &server);
        keyfob.set("THE_SECRET", "my-own-secret-value");
        let words = "no my-own-secret-value here";
        server.once("/token", Answer::json(400, &json!({ "error": error, "error_description": words })));

        let arguments = ["setup", "hub", "--set", "client_secret=env:THE_SECRET"];
        let finished = keyfob.run(&[&arguments[..], &["--client-id", "post", "--no-login"]].concat());

        assert_eq!(finished.code, if error == "invalid_client" { 5 } else { 0 }, "{finished:#?}");
        assert!(!finished.output().contains("my-own-secret-value"), "{finished:#?}");
        assert!(!registry(&keyfob).contains("my-own-secret-value"));
    }
}

#[test]
fn a_provider_that_takes_no_address_of_this_machine_gets_one_of_the_persons() {
    let keyfob = Keyfob::new();
    keyfob.registry("[providers.far]\nname = \"Far\"\nprotocol = \"oauth2\"\nauthorization_endpoint = \"https://far.example/a\"\ntoken_endpoint = \"https://far.example/t\"\nredirect = { loopback = \"none\" }\n");

    let mut command = keyfob.command(&["setup", "far", "--no-test", "--no-login"]);
    let mut terminal = Terminal::start(&mut command);
    terminal.wait_for("https://www.example.org/callback: ");
    terminal.type_in("https://ada.example/back\n");
    terminal.wait_for("Paste the client ID: ");
    terminal.type_in("ada\n");
    terminal.wait_for("Enter if the client has none): ");
    terminal.type_in("\n");
    let finished = terminal.finish(command).expect(0);

    assert!(finished.stdout.contains("Callback URL   https://ada.example/back"), "{finished:#?}");
    let entry = entry(&keyfob, "far");
    assert_eq!(entry["redirect"]["uri"].as_str(), Some("https://ada.example/back"));
    assert!(entry.get("client_secret").is_none(), "{entry:#?}");
}

#[test]
fn what_the_program_cannot_do_is_said_before_anybody_registers() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    hub(&keyfob, &server);
    keyfob.edit_registry("public_client = false", "response_mode = \"jwt\"\nissuer_match = \"template\"");

    let finished = keyfob.run(&["setup", "hub", "--json"]);

    finished.error_naming(9, "config", &["response_mode"]);
    assert_eq!((finished.stdout.as_str(), keyfob.opened().len()), ("", 0));
}

#[test]
fn an_unknown_client_is_told_before_anything_is_written() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    cloak(&keyfob);
    let (before, set) = (registry(&keyfob), format!("base_url={}", server.url()));

    let finished = keyfob.run(&["setup", "cloak", "--set", &set, "--client-id", "nobody", "--json"]);

    finished.error_naming(5, "refused", &["invalid_client"]);
    assert_eq!(server.violations().len(), 1);
    assert_eq!(registry(&keyfob), before);
}

#[test]
fn a_server_that_does_not_say_is_not_taken_for_one_that_agrees() {
    let server = Server::start();
    for answer in [
        Answer::error(400, "invalid_request"),
        Answer::html(404, "<h1>no</h1>"),
        Answer::json(200, &json!({ "access_token": "for-nothing", "token_type": "Bearer" })),
        Answer::json(400, &json!({ "error": "\u{1b}]0;x\u{7}odd" })),
    ] {
        let keyfob = Keyfob::new();
        hub(&keyfob, &server);
        keyfob.edit_registry("public_client = false", "public_client = true");
        server.once("/token", answer);

        let finished = keyfob.run(&["setup", "hub", "--client-id", "public", "--no-login"]).expect(0);

        assert!(finished.stderr.contains("warning: Hub did not say"), "{finished:#?}");
        assert!(!finished.stderr.contains(['\u{1b}', '\u{7}']) && !finished.stderr.contains("knows this client: "));
        assert!(!finished.output().contains("for-nothing"), "{finished:#?}");
        assert_eq!(entry(&keyfob, "hub")["client_id"].as_str(), Some("public"));
    }
}

#[test]
fn a_server_that_cannot_be_reached_leaves_everything_as_it_was() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    hub(&keyfob, &server);
    let file = secret_file(&keyfob, "a-secret-of-mine");
    let before = registry(&keyfob);
    let arguments = ["setup", "hub", "--client-id", "post", "--client-secret-file", &file, "--no-login"];

    for answer in [Answer::dropped(), Answer::error(503, "temporarily_unavailable")] {
        server.always("/token", answer);
        keyfob.run(&[&arguments[..], &["--json"]].concat()).error(6, "network");
        assert_eq!(registry(&keyfob), before);
        server.recover();
    }

    server.forget_requests();
    keyfob.run(&[&arguments[..], &["--no-test"]].concat()).expect(0);
    assert_eq!(server.requests().len(), 0);
    assert_eq!(entry(&keyfob, "hub")["client_id"].as_str(), Some("post"));
}

#[test]
fn what_is_missing_is_named_where_nobody_can_be_asked() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    hub(&keyfob, &server);
    cloak(&keyfob);
    keyfob.registry("[providers.far]\nname = \"Far\"\nprotocol = \"oauth2\"\nauthorization_endpoint = \"https://far.example/a\"\ntoken_endpoint = \"https://far.example/t\"\nredirect = { loopback = \"none\" }\n");
    let before = registry(&keyfob);

    for (arguments, words) in [
        (&["setup", "cloak"][..], &["--set base_url=https://sso.example.org", "--client-id ID"][..]),
        (&["setup", "cloak", "--client-id", "x"], &["--set base_url="]),
        (&["setup", "hub"], &["--client-id ID", "--client-secret-file FILE"]),
        (&["setup", "hub", "--client-id", "post"], &["--client-secret-file FILE"]),
        (&["setup", "far", "--client-id", "x"], &["--set redirect.uri="]),
        (&["setup", "hub", "--client-id", ""], &["client ID is empty"]),
        (&["setup", "hub", "--client-id", "a\u{1b}b"], &["client ID consists of"]),
        (&["setup", "hub", "--name", "UPPER", "--client-id", "x"], &["a-z"]),
        (&["setup", "hub", "--name", "oidc", "--client-id", "x"], &["--name"]),
        (&["setup", "hub", "--name", "cloak", "--client-id", "x"], &["--name"]),
        (&["setup", "hub", "--set", "nonsense=1"], &["nonsense"]),
        (&["setup", "http://far.example"], &["http"]),
    ] {
        let finished = keyfob.run(&[arguments, &["--json"]].concat());
        finished.error_of(&[(2, "usage"), (9, "config")], words);
        assert_eq!(registry(&keyfob), before, "{arguments:?}");
    }
    assert_eq!(server.connections(), 0);
    keyfob.run(&["setup", "hbu", "--json"]).error_naming(3, "not_found", &["hub"]);
}

#[test]
fn a_client_that_is_there_is_replaced_only_on_purpose_and_its_secret_goes_with_it() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    cloak(&keyfob);
    let set = format!("base_url={}", server.url());
    let secret = secret_file(&keyfob, &server.client_secret("basic").expect("a secret"));
    let arguments = ["setup", "cloak", "--set", &set, "--client-id", "basic", "--client-secret-file", &secret];
    let empty = keyfob.stored().len();
    keyfob.run(&[&arguments[..], &["--no-login"]].concat()).expect(0);
    was_asked_once(&server);
    let (before, stored) = (registry(&keyfob), keyfob.stored());
    assert!(stored.len() > empty);

    let other = ["setup", "cloak", "--client-id", "public", "--no-login"];
    let refused = keyfob.run(&[&other[..], &["--json"]].concat());
    refused.error_naming(2, "usage", &["--yes", "basic"]);
    assert_eq!((registry(&keyfob), keyfob.stored()), (before, stored));
    let mut command = keyfob.command(&other);
    let mut terminal = Terminal::start(&mut command);
    terminal.wait_for("Replace it? [y/N]");
    terminal.type_in("\n");
    assert!(terminal.finish(command).expect(0).stdout.contains("Nothing was changed"));
    keyfob.run(&[&other[..], &["--yes"]].concat()).expect(0);

    was_asked_once(&server);
    let entry = entry(&keyfob, "cloak");
    assert_eq!(entry["client_id"].as_str(), Some("public"));
    assert!(entry.get("client_secret").is_none(), "{entry:#?}");
    assert_eq!(keyfob.stored().len(), empty, "{:#?}", keyfob.stored().keys());
}

#[test]
fn a_store_that_fails_leaves_the_registry_as_it_was() {
    let server = Server::start();
    let mut keyfob = Keyfob::new();
    hub(&keyfob, &server);
    let (before, file) = (registry(&keyfob), secret_file(&keyfob, "a-secret-of-mine"));
    for storage in ["keyring", "memory"] {
        keyfob.set("KEYFOB_STORAGE", storage);
        keyfob.set("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");

        let finished = keyfob.run(&["setup", "hub", "--client-id", "post", "--client-secret-file", &file, "--json"]);

        finished.error(7, "store");
        assert_eq!(registry(&keyfob), before);
    }
    assert_eq!(server.connections(), 0, "the secret was not sent either");
}

#[test]
fn a_registry_that_cannot_be_changed_leaves_the_store_as_it_was() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    hub(&keyfob, &server);
    let secret = secret_file(&keyfob, &server.client_secret("post").expect("a secret"));
    let before = keyfob.stored();
    let path = keyfob.registry_file();
    // Somebody else's editor, between the test and the end.
    server.after("/token", 1, move |_, answer| {
        fs::write(&path, "not [ toml").expect("the registry can be written");
        answer
    });

    let arguments = ["setup", "hub", "--client-id", "post", "--client-secret-file", &secret, "--json"];
    keyfob.run(&arguments).error(9, "config");

    was_asked_once(&server);
    assert_eq!(registry(&keyfob), "not [ toml");
    assert_eq!(keyfob.stored().keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
}

#[test]
fn an_interrupted_setup_leaves_nothing() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    hub(&keyfob, &server);
    let before = registry(&keyfob);

    let mut command = keyfob.command(&["setup", "hub", "--no-browser"]);
    let mut terminal = Terminal::start(&mut command);
    terminal.wait_for("Paste the client ID: ");
    terminal.type_in("post\n");
    terminal.wait_for("not shown): ");
    terminal.type_in("half-a-secret\u{3}");
    let finished = terminal.finish(command);

    finished.expect(130);
    assert_eq!(registry(&keyfob), before);
    assert!(keyfob.opened().is_empty());
    let leaked = files(&keyfob.home())
        .into_iter()
        .find(|file| fs::read(file).is_ok_and(|content| contains(&content, b"half-a-secret")));
    assert_eq!(leaked, None);
}

#[test]
fn an_issuer_that_nobody_knows_becomes_an_entry() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    server.change(|settings| settings.metadata["registration_endpoint"] = json!("https://reg.example/clients"));

    let arguments = ["setup", &server.url(), "--client-id", "public", "--json"];
    let events = keyfob.run(&arguments).expect(0).json_lines();

    was_asked_once(&server);
    assert_eq!((&events[0]["event"], &events[0]["provider"]), (&json!("server"), &json!("127-0-0-1")));
    assert_eq!(events[0]["registration_endpoint"], "https://reg.example/clients");
    let entry = entry(&keyfob, "127-0-0-1");
    assert_eq!((entry["extends"].as_str(), entry["issuer"].as_str()), (Some("oidc"), Some(&*server.url())));
    assert_eq!(entry["name"].as_str(), Some("127.0.0.1"), "not that of what it starts from");
    keyfob.log_in(&server, &["login", "127-0-0-1"]).expect(0);
    // From now on it is known, and has a client.
    keyfob.run(&arguments).error_naming(2, "usage", &["127-0-0-1", "--yes"]);
}

#[test]
fn an_issuer_that_is_known_is_its_provider_and_not_one_that_starts_from_it() {
    let keyfob = Keyfob::new();

    let arguments = ["setup", "https://accounts.google.com", "--name", "mine", "--client-id", "x", "--no-test"];
    let finished = keyfob.run_with_input(&[&arguments[..], &["--client-secret-file", "-"]].concat(), "a-secret\n");

    assert!(finished.expect(0).stderr.contains("https://accounts.google.com is the provider google"));
    let entry = entry(&keyfob, "mine");
    assert_eq!((entry["extends"].as_str(), entry.get("issuer")), (Some("google"), None));
}

#[test]
fn a_server_without_openid_connect_becomes_an_entry_of_its_kind() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    server.change(|settings| {
        settings.well_known = ["/.well-known/oauth-authorization-server".to_owned()].into();
        settings.metadata.as_object_mut().expect("an object").remove("jwks_uri");
    });

    let finished = keyfob.run(&["setup", &server.url(), "--name", "acme", "--client-id", "public"]).expect(0);

    was_asked_once(&server);
    assert!(finished.stderr.contains("announces no registration endpoint"), "{finished:#?}");
    assert_eq!(entry(&keyfob, "acme")["extends"].as_str(), Some("oauth2"));
    keyfob.log_in(&server, &["login", "acme", "--scope", "email"]).expect(0);
}

#[test]
fn an_issuer_without_metadata_becomes_nothing() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    server.change(|settings| settings.well_known.clear());

    let finished = keyfob.run(&["setup", &server.url(), "--client-id", "public", "--json"]);

    let error = finished.error(9, "config");
    assert!(error["message"].as_str().is_some_and(|message| message.contains(&server.url())), "{error}");
    assert!(!keyfob.registry_file().exists());
}

#[test]
fn a_command_that_lacks_something_is_completed_and_not_replaced() {
    let keyfob = Keyfob::new();
    cloak(&keyfob);

    let lacks = keyfob.run(&["setup", "cloak", "--client-id", "mine", "--json"]).error(2, "usage");
    let hint = "keyfob setup cloak --client-id mine --set base_url=https://sso.example.org";
    assert_eq!(lacks["hint"], hint);
}

#[test]
fn a_client_with_a_key_is_not_set_up_before_the_entry_names_the_key() {
    let keyfob = Keyfob::new();
    let arguments = ["setup", "apple", "--set", "team_id=T", "--set", "key_id=K", "--client-id", "x", "--no-test"];
    let arguments = [&arguments[..], &["--set", "redirect.uri=https://www.example.org/callback"]].concat();
    let state = |keyfob: &Keyfob| {
        let listed = keyfob.run(&["provider", "list", "apple", "--json"]).expect(0).json();
        let found = listed["providers"].as_array().and_then(|all| all.iter().find(|one| one["provider"] == "apple"));
        found.expect("apple")["state"].clone()
    };

    keyfob.run(&[&arguments[..], &["--json"]].concat()).error_naming(9, "config", &["private_key", "providers.apple"]);
    assert!(!keyfob.registry_file().exists());
    keyfob.registry("[providers.apple]\nclient_id = \"x\"\nteam_id = \"T\"\nkey_id = \"K\"\n");
    assert_eq!(state(&keyfob), "needs_setup");

    keyfob.edit_registry("client_id = \"x\"", "private_key = { file = \"key.p8\" }");
    keyfob.run(&arguments).expect(0);
    assert_eq!(state(&keyfob), "ready");
}

#[test]
fn a_login_without_client_names_the_command() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    hub(&keyfob, &server);

    let login = keyfob.run(&["login", "hub", "--json"]);
    let list = keyfob.run(&["provider", "list", "hub"]).expect(0);

    login.error_naming(9, "config", &["no client is registered for Hub yet", "keyfob setup hub", "--client-id"]);
    assert!(list.stderr.contains("keyfob setup"), "{list:#?}");
}

#[test]
fn a_provider_that_needs_no_client_says_so() {
    let keyfob = Keyfob::new();

    let told = keyfob.run(&["setup", "bluesky"]).expect(0);
    assert!(told.stderr.contains("keyfob login atproto"), "{told:#?}");
    let events = keyfob.run(&["setup", "indieauth", "--json", "--no-input"]).expect(0).json_lines();

    assert_eq!(events.len(), 1);
    assert_eq!((&events[0]["event"], &events[0]["provider"]["provider"]), (&json!("done"), &json!("indieauth")));
    assert!(!keyfob.registry_file().exists(), "nothing is written");
}
