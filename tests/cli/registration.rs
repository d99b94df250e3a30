//! Clients that nobody brought: registered at the server, kept, renewed and deleted; or described by a document.

use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::{Answer, Finished, Keyfob, Request, Server, Terminal};

/// A server that registers `made-1`, `made-2`, … and a provider without a client that is it; `more` is laid over each answer.
fn registering(more: &str, answer: Value) -> (Server, Keyfob) {
    let server = Server::start();
    announce(&server, "registration_endpoint", &json!(format!("{}/register", server.url())));
    for at in 1..=4 {
        server.change(|settings| settings.clients.insert(format!("made-{at}"), ("none", String::new())));
    }
    let made = AtomicUsize::new(0);
    server.instead("/register", usize::MAX, move |request| {
        let id = format!("made-{}", made.fetch_add(1, Ordering::SeqCst) + 1);
        let mut body: Value = serde_json::from_slice(&request.body).expect("JSON");
        body["client_id"] = id.into();
        for (name, value) in answer.as_object().expect("an object") {
            body[name] = value.clone();
        }
        Answer::json(201, &body)
    });
    let keyfob = Keyfob::new();
    keyfob.registry(&provider("test", more).replace("{url}", &server.url()));
    (server, keyfob)
}

/// An entry without a client.
fn provider(id: &str, more: &str) -> String {
    format!(
        "[providers.{id}]\nname = \"Test Server\"\nprotocol = \"oidc\"\nissuer = \"{{url}}\"\nscopes = [\"openid\"]\n{more}\n"
    )
}

fn announce(server: &Server, name: &str, value: &Value) {
    server.change(|settings| settings.metadata[name] = value.clone());
}

fn registrations(server: &Server) -> Vec<Request> {
    server.requests_to("/register")
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).expect("JSON")
}

/// A login that must succeed, and as which client.
#[track_caller]
fn login(keyfob: &Keyfob, server: &Server, arguments: &[&str]) -> (String, String) {
    let login = keyfob.begin(arguments);
    login.allow(server);
    let seen = (login.parameter("client_id"), login.parameter("redirect_uri"));
    login.finish().expect(0);
    (seen.0.expect("a client"), seen.1.expect("a redirect URI"))
}

#[track_caller]
fn refused(keyfob: &Keyfob, code: i32) -> Finished {
    let finished = keyfob.run(&["login", "test"]).fails(code);
    assert!(keyfob.opened().is_empty(), "no browser opens");
    assert_eq!(keyfob.sessions(), [] as [&str; 0]);
    finished
}

#[test]
fn a_client_is_registered_unasked_once_and_serves_later_logins() {
    let (server, keyfob) = registering("", json!({}));

    let first = login(&keyfob, &server, &["login", "test"]);
    let second = login(&keyfob, &server, &["login", "test"]);
    keyfob.run(&["refresh", "test"]).expect(0);

    assert_eq!(first.0, "made-1");
    assert_eq!(second, first, "the registered redirect URI is used to the letter");
    let [request] = &registrations(&server)[..] else { panic!("one registration") };
    assert_eq!(
        body(request),
        json!({
            "client_name": "keyfob", "application_type": "native", "redirect_uris": [first.1],
            "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
            "token_endpoint_auth_method": "none"
        })
    );
    assert_eq!((request.method.as_str(), request.header("authorization")), ("POST", None));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(keyfob.status("test")["client_id"], "made-1");
}

#[test]
fn the_metadata_is_asked_for_once_in_a_login_that_registers() {
    let (server, keyfob) = registering("", json!({}));

    login(&keyfob, &server, &["login", "test"]);

    assert_eq!(server.requests_to("/.well-known/openid-configuration").len(), 1);
}

#[test]
fn a_port_that_somebody_holds_leads_to_another_registration() {
    let (server, keyfob) = registering("", json!({}));
    let (_, uri) = login(&keyfob, &server, &["login", "test"]);
    let port = url::Url::parse(&uri).expect("an address").port().expect("a port");

    let _held = TcpListener::bind(("127.0.0.1", port)).expect("the port is free after the login");
    let (client, other) = login(&keyfob, &server, &["login", "test"]);

    assert_eq!(client, "made-2");
    assert_ne!(other, uri);
}

#[test]
fn another_redirect_rule_and_another_issuer_lead_to_another_registration() {
    let (server, keyfob) = registering("", json!({}));
    let (other, _) = registering("", json!({ "client_id": "public" }));
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port().to_string();
    assert_eq!(login(&keyfob, &server, &["login", "test"]).0, "made-1");

    let fixed = login(&keyfob, &server, &["login", "test", "--port", &port]);
    assert_eq!(fixed, ("made-2".into(), format!("http://127.0.0.1:{port}/callback")));
    assert_eq!(login(&keyfob, &server, &["login", "test"]).0, "made-1", "the first one still serves its rule");
    keyfob.edit_registry(&server.url(), &other.url());
    assert_eq!(login(&keyfob, &other, &["login", "test"]).0, "public");

    assert_eq!((registrations(&server).len(), registrations(&other).len()), (2, 1));
    assert!(other.requests().iter().all(|request| !format!("{request:?}").contains("made-")));
}

#[test]
fn a_secret_and_a_method_of_the_answer_are_used_kept_and_not_shown() {
    let (server, keyfob) = registering("", json!({}));
    let secret = server.client_secret("basic").expect("a secret");
    server.recover();
    let answer = secret.clone();
    server.instead("/register", 1, move |request| {
        let mut body: Value = serde_json::from_slice(&request.body).expect("JSON");
        body["client_id"] = "basic".into();
        body["client_secret"] = answer.clone().into();
        body["token_endpoint_auth_method"] = "client_secret_basic".into();
        Answer::json(201, &body)
    });

    let begun = keyfob.begin(&["login", "test", "-vv", "--explain"]);
    begun.allow(&server);
    let finished = begun.finish().expect(0);
    keyfob.run(&["refresh", "test"]).expect(0);

    assert!(!finished.stderr.contains(&secret) && !finished.stdout.contains(&secret));
    assert_eq!(keyfob.leaks(&server), []);
    assert!(server.grants("authorization_code")[0].basic().is_some());
}

#[test]
fn a_client_that_signs_registers_its_public_key_and_signs_with_the_private_one() {
    let (server, keyfob) = registering("", json!({ "client_id": "signed" }));
    server.change(|settings| settings.clients.insert("signed".into(), ("private_key_jwt", String::new())));
    let key = keyfob.aside().join("key.pem");
    std::fs::write(&key, include_str!("../../src/protocol/jose/signer/p256.pem")).expect("a file");
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("a private file");
    let lines = format!(
        "client_auth = \"private_key_jwt\"\nprivate_key = {{ file = {key:?} }}\nprivate_key_id = \"mine\"\n\
         token_endpoint_auth_signing_alg = \"ES256\"\nscopes"
    );
    keyfob.edit_registry("scopes", &lines);

    login(&keyfob, &server, &["login", "test"]);
    keyfob.run(&["refresh", "test"]).expect(0);

    let asked = body(&registrations(&server)[0]);
    let mut public: Value =
        serde_json::from_str(include_str!("../../src/protocol/jose/signer/p256.json")).expect("JSON");
    (public["use"], public["kid"]) = ("sig".into(), "mine".into());
    assert_eq!(asked["jwks"], json!({ "keys": [public] }));
    assert_eq!(asked["token_endpoint_auth_method"], "private_key_jwt");
    assert_eq!(asked["token_endpoint_auth_signing_alg"], "ES256");
    assert!(server.grants("authorization_code")[0].parameter("client_assertion").is_some());
}

#[test]
fn a_client_whose_secret_keys_its_assertions_is_registered_as_such() {
    let secret = "canary-of-sixty-four-bytes-or-more-as-an-hmac-with-sha-512-wants-it";
    let (server, keyfob) =
        registering("client_auth = \"client_secret_jwt\"", json!({ "client_id": "signed", "client_secret": secret }));
    server.change(|settings| settings.clients.insert("signed".into(), ("client_secret_jwt", String::new())));

    login(&keyfob, &server, &["login", "test"]);

    assert_eq!(body(&registrations(&server)[0])["token_endpoint_auth_method"], "client_secret_jwt");
    assert!(server.grants("authorization_code")[0].parameter("client_assertion").is_some());
}

#[test]
fn a_client_that_cannot_be_registered_as_the_entry_wants_it_is_a_wrong_configuration_and_nothing_is_sent() {
    for method in
        ["tls_client_auth", "self_signed_tls_client_auth", "query", "basic_empty", "apple_jwt", "client_assertion"]
    {
        let (server, keyfob) = registering(&format!("client_auth = \"{method}\""), json!({}));

        let finished = refused(&keyfob, 9);

        assert!(
            finished.stderr.contains(method) && finished.stderr.contains("keyfob setup test"),
            "{}",
            finished.stderr
        );
        assert_eq!(server.requests().len(), 0);
    }
}

#[test]
fn a_secret_that_has_ended_leads_to_another_registration() {
    let server = Server::start();
    announce(&server, "registration_endpoint", &json!(format!("{}/register", server.url())));
    let keyfob = Keyfob::new();
    keyfob.registry(&provider("test", "").replace("{url}", &server.url()));
    let secret = server.client_secret("post").expect("a secret");
    // One second is enough for a registration, and over when the clock has moved on.
    let end = crate::support::now() + 2;
    let made = json!({
        "client_id": "post", "client_secret": secret, "client_secret_expires_at": end,
        "token_endpoint_auth_method": "client_secret_post"
    });
    server.once("/register", Answer::json(201, &made));
    login(&keyfob, &server, &["login", "test"]);
    server.once("/register", Answer::json(201, &json!({ "client_id": "public" })));

    crate::support::eventually("the end of the secret", || (crate::support::now() > end).then_some(()));
    assert_eq!(login(&keyfob, &server, &["login", "test"]).0, "public");
}

#[test]
fn initial_access_token_and_software_statement_are_sent_and_not_shown() {
    let (server, keyfob) = registering("", json!({}));
    keyfob.edit_registry(
        "scopes",
        "registration = { profile = \"rfc7591\", initial_access_token = { env = \"IAT\" }, software_statement = { env = \"STATEMENT\" } }\nscopes",
    );
    let mut keyfob = keyfob;
    keyfob.set("IAT", "initial-access-token-canary");
    keyfob.set("STATEMENT", "software-statement-canary");

    let begun = keyfob.begin(&["login", "test", "-vv", "--explain"]);
    begun.allow(&server);
    let finished = begun.finish().expect(0);

    let request = &registrations(&server)[0];
    assert_eq!(request.header("authorization"), Some("Bearer initial-access-token-canary"));
    assert_eq!(body(request)["software_statement"], "software-statement-canary");
    assert!(!finished.stderr.contains("canary") && !finished.stdout.contains("canary"), "{}", finished.stderr);
}

#[test]
fn a_registration_that_is_refused_or_malformed_ends_the_login_before_the_browser() {
    for (answer, code) in [
        (Answer::json(400, &json!({ "error": "invalid_redirect_uri" })), 5),
        (Answer::json(401, &json!({ "error": "invalid_token" })), 5),
        (Answer::html(403, "no"), 5),
        (Answer::html(503, "later"), 6),
        (Answer::json(201, &json!({})), 12),
        (Answer::json(201, &json!({ "client_id": "a\u{1b}[31mb" })), 12),
        (Answer::json(201, &json!({ "client_id": "a", "client_secret": "s".repeat(100_000) })), 12),
        (Answer::json(201, &json!({ "client_id": "a", "grant_types": ["implicit"] })), 12),
        (Answer::json(201, &json!({ "client_id": "a", "redirect_uris": ["https://evil.example/"] })), 11),
        (Answer::redirect(307, "https://evil.example/register"), 12),
        (Answer::html(201, "{}"), 12),
        (Answer::json(202, &json!({ "client_id": "a" })), 12),
    ] {
        let (server, keyfob) = registering("", json!({}));
        server.recover();
        server.once("/register", answer);

        refused(&keyfob, code);

        assert_eq!(registrations(&server).len(), 1);
    }
}

#[test]
fn a_client_of_another_provider_is_refused() {
    let (_server, keyfob) = registering("", json!({ "client_id": "the-other-ones" }));
    keyfob.registry("[providers.other]\nissuer = \"https://other.example\"\nclient_id = \"the-other-ones\"");

    let finished = refused(&keyfob, 11);

    assert!(finished.stderr.contains("other"), "{}", finished.stderr);
}

#[test]
fn a_client_that_the_server_has_forgotten_is_registered_again_once_and_the_login_goes_on() {
    let (server, keyfob) = registering("", json!({}));
    login(&keyfob, &server, &["login", "test"]);
    server.instead("/token", 1, |_| Answer::error(401, "invalid_client"));

    let begun = keyfob.begin(&["login", "test"]);
    begun.allow(&server);
    let again = crate::support::eventually("the second browser", || keyfob.opened().into_iter().nth(2));
    server.allow(&again).get();
    begun.finish().expect(0);

    assert_eq!(keyfob.status("test")["client_id"], "made-2");
    assert_eq!(registrations(&server).len(), 2);
}

#[test]
fn a_server_that_never_knows_its_clients_is_not_asked_for_ever() {
    let (server, keyfob) = registering("", json!({}));
    server.always("/token", Answer::error(401, "invalid_client"));

    let begun = keyfob.begin(&["login", "test"]);
    begun.allow(&server);
    begun.finish().fails(5);

    assert_eq!(registrations(&server).len(), 1, "a new client is not replaced by another new one");
}

#[test]
fn a_login_that_nobody_finishes_forgets_a_kept_registration() {
    let (server, keyfob) = registering("", json!({}));
    login(&keyfob, &server, &["login", "test"]);

    keyfob.run(&["login", "test", "--timeout", "1s"]).fails(8);

    assert_eq!(login(&keyfob, &server, &["login", "test"]).0, "made-2");
}

#[test]
fn a_registration_is_looked_up_before_it_is_used_again_where_the_server_manages_clients() {
    let (server, keyfob) = registering("", json!({}));
    server.recover();
    let url = server.url();
    let made = AtomicUsize::new(0);
    server.instead("/register", 2, move |_| {
        let id = made.fetch_add(1, Ordering::SeqCst) + 1;
        let uri = format!("{url}/register/{id}");
        let body = json!({
            "client_id": format!("made-{id}"), "registration_client_uri": uri, "registration_access_token": "rat-canary-1"
        });
        Answer::json(201, &body)
    });
    assert_eq!(login(&keyfob, &server, &["login", "test"]).0, "made-1");
    server.once(
        "/register/1",
        Answer::json(200, &json!({ "client_id": "made-1", "registration_access_token": "rat-canary-2" })),
    );
    assert_eq!(login(&keyfob, &server, &["login", "test"]).0, "made-1");
    server.once("/register/1", Answer::json(401, &json!({ "error": "invalid_token" })));
    assert_eq!(login(&keyfob, &server, &["login", "test"]).0, "made-2");

    let tokens: Vec<_> =
        server.requests_to("/register/1").iter().map(|it| it.header("authorization").map(str::to_owned)).collect();
    assert_eq!(tokens, [Some("Bearer rat-canary-1".to_owned()), Some("Bearer rat-canary-2".to_owned())]);
    let stored = keyfob.stored();
    assert!(!stored.values().any(|bytes| crate::support::contains(bytes, b"rat-canary")));
}

/// Registrations of `basic` with a secret, and a look-up that gives it another, for good.
fn rotating() -> (Server, Keyfob, [String; 2]) {
    let (server, keyfob) = registering("", json!({}));
    server.recover();
    let first = server.client_secret("basic").expect("a secret");
    let second = format!("{first}-rotated-canary");
    let uri = format!("{}/register/1", server.url());
    let made = json!({
        "client_id": "basic", "client_secret": first, "token_endpoint_auth_method": "client_secret_basic",
        "client_secret_expires_at": 0, "registration_client_uri": uri, "registration_access_token": "rat-canary-1"
    });
    server.once("/register", Answer::json(201, &made));
    (server, keyfob, [first, second])
}

/// The server gives `basic` the secret at its next look-up, and takes no other from now on.
fn rotate(server: &Server, secret: &str) {
    let uri = format!("{}/register/moved", server.url());
    let told = json!({
        "client_id": "basic", "client_secret": secret, "client_secret_expires_at": 0,
        "registration_client_uri": uri, "registration_access_token": "rat-canary-2"
    });
    server.once("/register/1", Answer::json(200, &told));
    server.change(|settings| settings.clients.insert("basic".into(), ("client_secret_basic", secret.to_owned())));
}

#[test]
fn a_secret_that_a_look_up_replaces_serves_this_login_and_the_sessions_made_before() {
    let (server, keyfob, [_, second]) = rotating();
    login(&keyfob, &server, &["login", "test/one"]);
    rotate(&server, &second);
    server.always("/register/moved", Answer::json(200, &json!({ "client_id": "basic" })));

    let begun = keyfob.begin(&["login", "test/two", "-vv", "--explain"]);
    begun.allow(&server);
    let finished = begun.finish().expect(0);

    keyfob.run(&["refresh", "test/two"]).expect(0);
    keyfob.run(&["refresh", "test/one"]).expect(0);
    login(&keyfob, &server, &["login", "test/three"]);
    let moved = &server.requests_to("/register/moved")[0];
    assert_eq!(moved.header("authorization"), Some("Bearer rat-canary-2"));
    assert!(!finished.stderr.contains("canary") && !finished.stdout.contains("canary"), "{}", finished.stderr);
    assert_eq!(keyfob.leaks(&server), []);
}

#[test]
fn a_login_in_two_calls_is_completed_with_the_secret_that_a_look_up_in_between_gave() {
    let (server, keyfob, [_, second]) = rotating();
    let begun = keyfob.run(&["login", "test", "--begin", "--json", "--no-browser"]).expect(0);
    let url = begun.json_lines()[0]["url"].as_str().expect("an address").to_owned();
    let answer = server.allow(&url).0.to_string();
    rotate(&server, &second);
    login(&keyfob, &server, &["login", "test/other"]);

    keyfob.run_with_input(&["login", "test", "--complete", "-"], &answer).expect(0);
}

#[test]
fn a_secret_that_has_ended_is_replaced_by_a_look_up_where_the_server_gives_another() {
    let (server, keyfob, [_, second]) = rotating();
    server.recover();
    announce(&server, "registration_endpoint", &json!(format!("{}/register", server.url())));
    // One second is enough for a registration, and over when the clock has moved on.
    let end = crate::support::now() + 2;
    let made = json!({
        "client_id": "basic", "client_secret": server.client_secret("basic"), "client_secret_expires_at": end,
        "registration_client_uri": format!("{}/register/1", server.url()), "registration_access_token": "rat-canary-1"
    });
    server.once("/register", Answer::json(201, &made));
    login(&keyfob, &server, &["login", "test/one"]);
    crate::support::eventually("the end of the secret", || (crate::support::now() > end).then_some(()));
    rotate(&server, &second);

    assert_eq!(login(&keyfob, &server, &["login", "test/two"]).0, "basic");

    keyfob.run(&["refresh", "test/one"]).expect(0);
    assert_eq!(registrations(&server).len(), 1);
}

#[test]
fn a_look_up_that_says_that_the_secret_has_ended_leads_to_another_registration() {
    let (server, keyfob, _) = rotating();
    login(&keyfob, &server, &["login", "test"]);
    server.once("/register/1", Answer::json(200, &json!({ "client_id": "basic", "client_secret_expires_at": 5 })));
    server.once("/register", Answer::json(201, &json!({ "client_id": "public" })));

    assert_eq!(login(&keyfob, &server, &["login", "test"]).0, "public");
}

#[test]
fn a_client_is_not_kept_while_another_login_keeps_one() {
    let (server, keyfob) = registering("", json!({}));
    login(&keyfob, &server, &["login", "test"]);
    keyfob.settings("limits = { lock = \"0s\" }");
    let locks = std::fs::read_dir(keyfob.state().join("locks")).expect("locks");
    let mut paths = locks.map(|entry| entry.expect("a file").path());
    let path = paths.find(|path| path.to_string_lossy().contains("secret-")).expect("a lock of the registered clients");
    let held = std::fs::File::open(path).expect("a lock file");
    held.lock().expect("nobody else holds it");
    let other = ["login", "test", "--set", "redirect.path=/other"];

    keyfob.run(&other).fails(8);
    drop(held);

    assert_eq!(login(&keyfob, &server, &other).0, "made-3");
    let removed = keyfob.run(&["provider", "remove", "test", "--yes"]).expect(0);
    assert!(["made-1", "made-3"].iter().all(|client| removed.stderr.contains(client)), "both are kept: {removed:?}");
}

#[test]
fn removing_a_provider_deletes_its_registered_client_and_succeeds_whatever_the_server_says() {
    for (answer, arguments, asked) in [
        (Answer::new(204, "text/plain", ""), &["--yes"][..], 1),
        (Answer::new(204, "text/plain", ""), &[], 1),
        (Answer::error(401, "invalid_token"), &[], 1),
        (Answer::html(503, "later"), &[], 1),
        (Answer::new(204, "text/plain", ""), &["--keep-client"], 0),
    ] {
        let (server, keyfob) = registering("", json!({}));
        server.recover();
        let made = json!({
            "client_id": "made-1", "registration_client_uri": format!("{}/register/1", server.url()),
            "registration_access_token": "rat-canary-1"
        });
        server.once("/register", Answer::json(201, &made));
        login(&keyfob, &server, &["login", "test"]);
        server.always("/register/1", answer.clone());

        let finished = keyfob.run(&[&["provider", "remove", "test"], arguments].concat()).expect(0);

        let sent = server.requests_to("/register/1");
        assert!(sent.iter().all(|request| request.method == "DELETE"));
        assert_eq!(sent.len(), asked, "{arguments:?}");
        assert!(finished.stderr.contains("made-1"), "{}", finished.stderr);
        assert!(!finished.stderr.contains("canary"), "{}", finished.stderr);
        assert!(!keyfob.stored().keys().any(|file| file.to_string_lossy().contains("secrets")));
    }
}

#[test]
fn a_removal_that_is_interrupted_at_its_question_has_changed_nothing() {
    let (server, keyfob) = registering("", json!({}));
    login(&keyfob, &server, &["login", "test"]);
    let before = keyfob.stored();
    let mut command = keyfob.command(&["provider", "remove", "test"]);
    let mut asked = Terminal::start(&mut command);
    asked.wait_for("Delete the client of");

    asked.type_in("\u{3}");

    asked.finish(command).expect(130);
    assert!(keyfob.stored() == before);
    keyfob.run(&["provider", "remove", "test"]).expect(0);
}

#[test]
fn a_management_address_at_another_server_is_refused() {
    let (_server, keyfob) = registering(
        "",
        json!({ "registration_client_uri": "https://evil.example/c", "registration_access_token": "t" }),
    );

    refused(&keyfob, 11);
}

#[test]
fn registration_can_be_forbidden_and_demanded() {
    let (server, keyfob) = registering("registration = { profile = \"none\" }", json!({}));
    refused(&keyfob, 9);
    assert_eq!(registrations(&server).len(), 0);

    keyfob.edit_registry("\"none\"", "\"rfc7591\"");
    announce(&server, "registration_endpoint", &Value::Null);
    let finished = refused(&keyfob, 9);
    assert!(finished.stderr.contains("registration_endpoint"), "{}", finished.stderr);
}

#[test]
fn a_client_of_the_person_is_never_replaced_by_a_registered_one() {
    let (server, keyfob) = registering("client_id = \"public\"", json!({}));

    assert_eq!(login(&keyfob, &server, &["login", "test"]).0, "public");

    assert_eq!(registrations(&server).len(), 0);
}

#[test]
fn a_client_id_document_is_used_only_where_the_server_says_that_it_takes_such() {
    let document = "https://client.example/keyfob.json";
    let (server, keyfob) = registering(&format!("client_id = \"{document}\""), json!({}));
    server.change(|settings| settings.clients.insert(document.to_owned(), ("none", String::new())));

    assert_eq!(login(&keyfob, &server, &["login", "test"]).0, "made-1", "not announced: the next way is taken");
    announce(&server, "client_id_metadata_document_supported", &json!(true));
    assert_eq!(login(&keyfob, &server, &["login", "test"]).0, document);

    announce(&server, "client_id_metadata_document_supported", &Value::Null);
    announce(&server, "registration_endpoint", &Value::Null);
    let finished = keyfob.run(&["login", "test"]).fails(9);
    assert!(finished.stderr.contains("client_id_metadata_document_supported"), "{}", finished.stderr);
}

#[test]
fn the_document_of_the_configuration_comes_before_a_registration() {
    let document = "https://client.example/keyfob.json";
    let (server, keyfob) = registering("", json!({}));
    keyfob.settings(&format!("client_id_metadata_document = \"{document}\""));
    server.change(|settings| settings.clients.insert(document.to_owned(), ("none", String::new())));
    announce(&server, "client_id_metadata_document_supported", &json!(true));

    assert_eq!(login(&keyfob, &server, &["login", "test"]).0, document);

    assert_eq!(registrations(&server).len(), 0);
}

#[test]
fn an_address_that_cannot_be_a_client_document_is_a_wrong_configuration() {
    for bad in [
        "http://client.example/keyfob.json",
        "https://client.example",
        "https://client.example/x#y",
        "https://user@client.example/x",
    ] {
        let (server, keyfob) = registering(&format!("client_id = \"{bad}\""), json!({}));
        announce(&server, "client_id_metadata_document_supported", &json!(true));

        refused(&keyfob, 9);
    }
}

#[test]
fn a_client_for_the_device_grant_is_registered_without_a_redirect() {
    let (server, keyfob) = registering("", json!({}));
    announce(&server, "device_authorization_endpoint", &json!(format!("{}/device", server.url())));
    server.once("/device", Answer::error(400, "invalid_scope"));

    keyfob.run(&["login", "test", "--device"]).fails(5);

    let asked = body(&registrations(&server)[0]);
    assert_eq!(asked["grant_types"], json!(["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"]));
    assert_eq!((&asked["response_types"], &asked["redirect_uris"]), (&json!([]), &Value::Null));
    assert_eq!(server.requests_to("/device")[0].expect("client_id"), "made-1");
    assert_eq!(server.requests_to("/.well-known/openid-configuration").len(), 1);
}

#[test]
fn a_login_in_two_calls_uses_the_client_that_the_first_one_registered() {
    let (server, keyfob) = registering("", json!({}));

    let begun = keyfob.run(&["login", "test", "--begin", "--json", "--no-browser"]).expect(0);
    let url = begun.json_lines()[0]["url"].as_str().expect("an address").to_owned();
    let answer = server.allow(&url).0.to_string();
    keyfob.run_with_input(&["login", "test", "--complete", "-"], &answer).expect(0);

    assert_eq!(keyfob.status("test")["client_id"], "made-1");
    keyfob.run(&["refresh", "test"]).expect(0);
}
