//! Tokens of grants that need nobody.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::thread;

use serde_json::json;

use crate::support::{Answer, Keyfob, Request, Running, Server, files};

/// A provider whose client acts for itself, and further lines of its entry.
fn machine(server: &Server, more: &str) -> Keyfob {
    let keyfob = Keyfob::new();
    let client = keyfob.client(server, "basic");
    keyfob.provider(
        "test",
        server,
        &format!("{client}\nscopes = [\"a\", \"b\"]\ngrants = [\"client_credentials\"]\n{more}"),
    );
    keyfob
}

/// A provider with another grant and its public client.
fn with_grant(server: &Server, grant: &str, more: &str) -> Keyfob {
    let keyfob = Keyfob::new();
    keyfob.provider("test", server, &format!("scopes = [\"a\"]\ngrants = [{grant:?}]\n{more}"));
    keyfob
}

fn private(keyfob: &Keyfob, name: &str, text: &str) -> PathBuf {
    let file = keyfob.aside().join(name);
    fs::write(&file, text).expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a private file");
    file
}

#[track_caller]
fn only(server: &Server, grant_type: &str) -> Request {
    let mut requests = server.grants(grant_type);
    assert_eq!(requests.len(), 1, "{requests:#?}");
    requests.remove(0)
}

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const SAML2_BEARER: &str = "urn:ietf:params:oauth:grant-type:saml2-bearer";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

#[test]
fn a_client_gets_its_own_token_without_a_login_and_once() {
    let server = Server::start();
    let keyfob = machine(&server, "");

    let first = keyfob.token("test");
    let second = keyfob.token("test");

    assert_eq!(first, second);
    assert_eq!(only(&server, "client_credentials").parameter("scope").as_deref(), Some("a b"));
    assert_eq!(keyfob.opened(), [""; 0]);
    assert_eq!(keyfob.sessions(), ["test/default"]);
    let status = keyfob.status("test");
    assert_eq!((&status["grant"], &status["refreshable"]), (&json!("client_credentials"), &json!(true)));
    assert_eq!(server.requests_to("/userinfo").len(), 0, "nobody has logged in whose name could be asked");
    assert_eq!(server.violations(), [""; 0]);
}

#[test]
fn a_token_whose_logout_was_interrupted_is_not_handed_out_again() {
    let server = Server::start();
    let keyfob = machine(&server, "");
    let revoked = keyfob.token("test");
    // As it is when the process dies after the revocation and before the removal.
    let index = keyfob.state().join("index");
    let lines = fs::read_to_string(&index).expect("an index");
    let trouble = r#""trouble":{"since":1,"error":"logged_out","description":null},"generation":"#;
    fs::write(&index, lines.replace("\"generation\":", trouble)).expect("an index");

    let token = keyfob.token("test");

    assert_ne!(token, revoked);
    assert_eq!((keyfob.token("test"), server.grants("client_credentials").len()), (token, 2));
}

#[test]
fn a_logout_tells_of_each_session_whatever_becomes_of_the_others() {
    let server = Server::start();
    let keyfob = machine(&server, "");
    let locks = || -> std::collections::BTreeSet<_> {
        let locks = fs::read_dir(keyfob.state().join("locks")).into_iter().flatten();
        locks.map(|lock| lock.expect("a file").path()).collect()
    };
    let ended = |finished: &crate::support::Finished| finished.json_lines()[0]["sessions"].as_array().map(Vec::len);
    let told = |finished: &crate::support::Finished| finished.stderr.matches("keyfob.error/1").count();

    keyfob.token("test");
    let before = locks();
    keyfob.run(&["token", "test", "--scope", "b"]).expect(0);
    let of_variant = locks().difference(&before).next().cloned().expect("a lock of the variant");
    let held = fs::File::open(&of_variant).expect("a lock file");
    held.lock().expect("nobody else holds it");
    keyfob.settings("limits = { lock = \"0s\" }\n");
    let busy = keyfob.run(&["logout", "test", "--json"]).expect(8);
    assert_eq!((ended(&busy), told(&busy), keyfob.sessions().len()), (Some(1), 1, 1), "{busy:#?}");
    drop(held);

    keyfob.token("test");
    server.always("/revoke", Answer::error(503, "busy"));
    let unrevoked = keyfob.run(&["logout", "test", "--json"]).expect(6);
    assert_eq!((ended(&unrevoked), told(&unrevoked), keyfob.sessions().len()), (Some(2), 2, 0), "{unrevoked:#?}");
}

#[test]
fn a_cold_token_costs_two_requests_and_one_with_metadata_at_hand() {
    let server = Server::start();
    let keyfob = machine(&server, "");

    keyfob.token("test");
    assert_eq!(server.requests().len(), 2, "{:#?}", server.requests());
    server.forget_requests();
    keyfob.run(&["token", "test", "--scope", "b"]).expect(0);

    let warm: Vec<_> = server.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(warm, ["/token"]);
}

#[test]
fn the_requests_of_a_cold_token_share_a_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let issuer = format!("http://{}", listener.local_addr().expect("an address"));
    let metadata = json!({ "issuer": issuer, "token_endpoint": format!("{issuer}/token"),
        "authorization_endpoint": format!("{issuer}/authorize"), "revocation_endpoint": format!("{issuer}/revoke"),
        "jwks_uri": format!("{issuer}/jwks") });
    let keyfob = Keyfob::new();
    keyfob.registry(&format!(
        "[providers.test]\nissuer = {issuer:?}\nclient_id = \"a\"\nclient_auth = \"none\"\ngrants = [\"client_credentials\"]\n"
    ));
    // Serves one connection, as long as it lasts, and no other.
    let served = thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a connection");
        let mut served = Vec::new();
        while let Some(request) = Request::read(&stream) {
            let body = match request.path.as_str() {
                "/token" => json!({ "access_token": "of-one-connection", "token_type": "Bearer" }),
                _ => metadata.clone(),
            };
            let body = body.to_string();
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
            (&stream).write_all(format!("{head}{body}").as_bytes()).expect("the client listens");
            served.push(request.path);
        }
        served
    });

    assert_eq!(keyfob.token("test"), "of-one-connection");

    assert_eq!(served.join().expect("no panic"), ["/.well-known/openid-configuration", "/token"]);
}

#[test]
fn each_client_scope_resource_and_audience_has_a_token_of_its_own() {
    let server = Server::start();
    let keyfob = machine(&server, "");
    let post =
        keyfob.client(&server, "post").lines().last().expect("a secret").replace("client_secret = { file = ", "");
    let post = format!("client_secret=@{}", post.trim_end_matches(" }").trim_matches('"'));
    let purposes: [&[&str]; 6] = [
        &[],
        &["--scope", "a"],
        &["--resource", "https://api.example/one"],
        &["--audience", "two"],
        &["--scope", "a", "--audience", "two"],
        &["--set", "client_id=post", "--set", &post, "--set", "client_auth=client_secret_post"],
    ];
    let take = |purpose: &[&str]| keyfob.run(&[&["token", "test"], purpose].concat()).expect(0).stdout;

    let first: Vec<_> = purposes.iter().map(|purpose| take(purpose)).collect();
    let second: Vec<_> = purposes.iter().map(|purpose| take(purpose)).collect();

    assert_eq!(first, second);
    assert_eq!(server.grants("client_credentials").len(), purposes.len());
    let mut distinct = first.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), purposes.len());
    // What was asked for by the way is never taken for the provider's session.
    assert_eq!(take(&[]), first[0]);
    assert_eq!(keyfob.status("test")["session"], "test/default");
    assert_eq!(server.violations(), [""; 0]);

    keyfob.run(&["logout", "test"]).expect(0);
    assert_eq!(keyfob.sessions(), [""; 0]);
}

#[test]
fn a_client_that_proves_nothing_is_refused_before_anything_is_sent() {
    let server = Server::start();
    let keyfob = with_grant(&server, "client_credentials", "");

    keyfob.run(&["token", "test", "--json"]).error_naming(9, "config", &["client_credentials", "secret"]);

    assert!(server.requests_to("/token").is_empty());
}

#[test]
fn the_order_of_scopes_does_not_matter() {
    let server = Server::start();
    let keyfob = machine(&server, "");

    keyfob.run(&["token", "test", "--scope", "x y"]).expect(0);
    keyfob.run(&["token", "test", "--scope", "y", "--scope", "x"]).expect(0);

    only(&server, "client_credentials");
}

#[test]
fn a_changed_entry_is_not_served_with_the_token_of_before() {
    let server = Server::start();
    let keyfob = machine(&server, "");
    let before = keyfob.token("test");

    keyfob.edit_registry("scopes = [\"a\", \"b\"]", "scopes = [\"c\"]");

    assert_ne!(keyfob.token("test"), before);
    assert_eq!(keyfob.sessions(), ["test/default"]);
    assert_eq!(server.grants("client_credentials")[1].parameter("scope").as_deref(), Some("c"));
}

#[test]
fn an_ended_token_is_replaced_without_a_person() {
    let server = Server::start();
    let keyfob = machine(&server, "");
    server.change(|settings| settings.expires_in = json!(30));

    let first = keyfob.token("test");
    let second = keyfob.token("test");
    keyfob.run(&["refresh", "test"]).expect(0);
    let third = keyfob.run(&["token", "test", "--min-validity", "0"]).expect(0).stdout;

    assert!(first != second && second != third.trim_end());
    assert_eq!(server.grants("client_credentials").len(), 3);
    keyfob.run(&["status", "test"]).expect(0);
}

#[test]
fn a_damaged_record_is_replaced_by_a_new_token() {
    let server = Server::start();
    let keyfob = machine(&server, "");
    let files = keyfob.session_files(|| drop(keyfob.token("test")));
    for file in files {
        fs::write(file, "not what was written").expect("a damaged file");
    }

    let token = keyfob.token("test");

    assert_eq!(keyfob.token("test"), token);
    assert_eq!(server.grants("client_credentials").len(), 2);
}

#[test]
fn a_refresh_token_of_a_client_that_acts_for_itself_is_ignored() {
    let server = Server::start();
    let keyfob = machine(&server, "");
    server.change(|settings| {
        settings.token.insert("refresh_token".into(), json!("refresh-token-that-nobody-needs"));
        settings.expires_in = json!(1);
    });

    keyfob.token("test");
    keyfob.token("test");

    assert_eq!(server.grants("refresh_token").len(), 0);
    assert_eq!(server.grants("client_credentials").len(), 2);
}

#[test]
fn many_processes_that_want_the_same_obtain_it_once() {
    let server = Server::start();
    let keyfob = machine(&server, "");

    let running: Vec<_> = (0..16).map(|_| keyfob.start(&["token", "test"])).collect();
    let tokens: Vec<_> = running.into_iter().map(|running| running.finish().expect(0).stdout).collect();

    assert!(tokens.iter().all(|token| *token == tokens[0]), "{tokens:?}");
    only(&server, "client_credentials");
}

#[test]
fn in_memory_nothing_is_left_on_the_disk() {
    let server = Server::start();
    let mut keyfob = machine(&server, "");
    keyfob.set("KEYFOB_STORAGE", "memory");

    let first = keyfob.token("test");

    assert!(first.starts_with("access-"));
    assert!(!keyfob.state().exists());
    assert!(!keyfob.home().join(".cache").exists());
    assert_eq!(keyfob.leaks(&server), []);
}

#[test]
fn in_an_empty_environment_options_and_files_are_enough_and_nothing_is_left() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    let secret = private(&keyfob, "secret", &server.client_secret("basic").expect("a secret"));
    let before = files(keyfob.folder());
    let issuer = format!("issuer={}", server.url());
    let secret = format!("client_secret=@{}", secret.display());
    let sets = [issuer.as_str(), "client_id=basic", &secret, "grants=client_credentials"];
    let options: Vec<&str> = sets.into_iter().flat_map(|set| ["--set", set]).chain(["--scope", "a"]).collect();
    let mut command = keyfob.command(&[&["token", "oidc"], &options[..]].concat());
    command.env_clear().env("KEYFOB_STORAGE", "memory").current_dir(keyfob.folder());

    let finished = Running::start(&mut command).finish().expect(0);

    assert!(finished.stdout.starts_with("access-") && finished.stdout.ends_with('\n'), "{finished:#?}");
    assert_eq!(files(keyfob.folder()), before);
    assert_eq!(server.violations(), [""; 0]);
}

#[test]
fn nothing_is_fetched_where_that_was_forbidden() {
    let server = Server::start();
    let keyfob = machine(&server, "");

    keyfob.run(&["token", "test", "--no-refresh"]).fails(4);

    assert_eq!(server.requests().len(), 0);
    let token = keyfob.token("test");
    assert_eq!(keyfob.run(&["token", "test", "--no-refresh"]).expect(0).stdout.trim_end(), token);
}

#[test]
fn request_uses_a_token_that_it_obtains_itself() {
    let server = Server::start();
    let keyfob = machine(&server, "");
    let url = format!("{}/api/x", server.url());

    let answered = keyfob.run(&["request", "test", &url]).expect(0);

    assert!(answered.stdout.contains("\"method\":\"GET\""), "{answered:#?}");
    keyfob.run(&["request", "test", &url]).expect(0);
    only(&server, "client_credentials");
}

#[test]
fn what_the_server_says_no_to_is_told_with_its_code() {
    let server = Server::start();
    let keyfob = machine(&server, "");
    for (status, error, code, name) in [
        (401, "invalid_client", 5, "refused"),
        (400, "invalid_scope", 5, "refused"),
        (400, "invalid_target", 5, "refused"),
        (503, "temporarily_unavailable", 6, "network"),
    ] {
        server.once("/token", Answer::error(status, error));
        let told = keyfob.run(&["token", "test", "--json"]).error(code, name);
        assert!(status == 503 || told["oauth"]["error"] == error, "{told}");
    }
    assert_eq!(keyfob.sessions(), [""; 0]);
}

#[test]
fn a_jwt_is_presented_as_it_is_and_needs_no_client() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    let token_endpoint = format!("{}/token", server.url());
    keyfob.registry(&format!(
        "[providers.test]\nprotocol = \"oauth2\"\ntoken_endpoint = {token_endpoint:?}\ngrants = [\"jwt_bearer\"]\n"
    ));
    let assertion = format!("assertion=@{}", private(&keyfob, "jwt", "e30.e30.assertion-in-the-file\n").display());

    server.always("/token", Answer::json(200, &json!({ "access_token": "access-by-jwt", "token_type": "Bearer" })));
    let token = keyfob.run(&["token", "test", "--set", &assertion]).expect(0).stdout;

    assert_eq!(token, "access-by-jwt\n");
    let request = only(&server, JWT_BEARER);
    assert_eq!(request.expect("assertion"), "e30.e30.assertion-in-the-file");
    assert_eq!((request.parameter("client_id"), request.header("authorization")), (None, None));
}

#[test]
fn an_assertion_is_not_kept_and_another_one_gets_another_token() {
    let server = Server::start();
    let keyfob = with_grant(&server, "jwt_bearer", "");
    let one = format!("assertion=@{}", private(&keyfob, "one", "assertion-of-one-identity").display());
    let two = format!("assertion=@{}", private(&keyfob, "two", "assertion-of-two-identity").display());
    let take = |set: &str| keyfob.run(&["token", "test", "--set", set]).expect(0).stdout;

    let (first, again, other) = (take(&one), take(&one), take(&two));

    assert_eq!(first, again);
    assert_ne!(first, other);
    assert_eq!(keyfob.sessions(), ["test/default"]);
    assert_eq!(keyfob.leaks(&server), []);
    // Without an assertion the session can be used until it ends, and not be renewed.
    keyfob.run(&["refresh", "test", "--json"]).error_naming(2, "usage", &["assertion"]);
}

#[test]
fn an_assertion_that_is_missing_is_named() {
    let server = Server::start();
    let keyfob = with_grant(&server, "jwt_bearer", "");
    keyfob.run(&["token", "test", "--json"]).error_naming(2, "usage", &["assertion", "--set assertion=@FILE"]);
    keyfob.run(&["login", "test", "--json"]).error_naming(2, "usage", &["assertion"]);

    keyfob.edit_registry("grants = ", "assertion = { file = \"/nowhere/jwt\" }\ngrants = ");
    keyfob.run(&["token", "test", "--json"]).error_naming(9, "config", &["assertion", "/nowhere/jwt"]);

    assert!(server.requests_to("/token").is_empty());
}

#[test]
fn a_saml_assertion_travels_encoded() {
    let server = Server::start();
    let keyfob = with_grant(&server, "saml2_bearer", "");
    let assertion =
        format!("assertion=@{}", private(&keyfob, "saml", "<saml:Assertion>?~</saml:Assertion>\n").display());

    keyfob.run(&["token", "test", "--set", &assertion]).expect(0);

    let sent = only(&server, SAML2_BEARER).expect("assertion");
    assert_eq!(sent, "PHNhbWw6QXNzZXJ0aW9uPj9-PC9zYW1sOkFzc2VydGlvbj4");
    assert_eq!(server.violations(), [""; 0]);
}

#[test]
fn an_exchange_names_the_kinds_of_its_tokens() {
    let server = Server::start();
    let keyfob = with_grant(&server, "token_exchange", "");
    let file =
        |name: &str| format!("{name}=@{}", private(&keyfob, name, &format!("{name}-with-some-length")).display());
    let (subject, actor) = (file("subject_token"), file("actor_token"));

    keyfob.run(&["token", "test", "--set", &subject]).expect(0);
    let sets = ["subject_token_type=id_token", &actor, "actor_token_type=jwt", "requested_token_type=urn:example:x"];
    let sets: Vec<&str> = sets.into_iter().flat_map(|set| ["--set", set]).collect();
    keyfob.run(&[&["token", "test", "--audience", "b", "--set", &subject], &sets[..]].concat()).expect(0);

    let requests = server.grants(EXCHANGE);
    let kind = |name: &str| format!("urn:ietf:params:oauth:token-type:{name}");
    assert_eq!(requests[0].expect("subject_token_type"), kind("access_token"));
    assert_eq!(requests[0].parameter("actor_token_type"), None);
    let expected = [
        ("subject_token", "subject_token-with-some-length".to_owned()),
        ("subject_token_type", kind("id_token")),
        ("actor_token", "actor_token-with-some-length".to_owned()),
        ("actor_token_type", kind("jwt")),
        ("requested_token_type", "urn:example:x".to_owned()),
        ("audience", "b".to_owned()),
    ];
    for (name, value) in expected {
        assert_eq!(requests[1].expect(name), value, "{name}");
    }
    assert_eq!(keyfob.leaks(&server), []);
    assert_eq!(server.violations(), [""; 0]);
}

#[test]
fn an_exchange_that_does_not_say_what_it_issued_is_refused() {
    let server = Server::start();
    let keyfob = with_grant(&server, "token_exchange", "");
    let subject = format!("subject_token=@{}", private(&keyfob, "subject", "subject-of-the-exchange").display());
    for kind in [json!(null), json!(7), json!("")] {
        let body = json!({ "access_token": "access-by-exchange", "token_type": "Bearer", "issued_token_type": kind });
        server.once("/token", Answer::json(200, &body));

        let error = keyfob.run(&["token", "test", "--set", &subject, "--json"]);
        error.error_naming(12, "protocol", &["issued_token_type"]);
    }
    assert_eq!(keyfob.sessions(), [""; 0]);
}

#[test]
fn a_token_without_a_way_of_use_is_printed_and_put_on_no_request() {
    let server = Server::start();
    let keyfob = with_grant(&server, "token_exchange", "");
    let subject = format!("subject_token=@{}", private(&keyfob, "subject", "subject-of-the-exchange").display());
    let kind = "urn:ietf:params:oauth:token-type:jwt";
    let body = json!({ "access_token": "e30.e30.sig", "token_type": "N_A", "issued_token_type": kind });
    server.always("/token", Answer::json(200, &body));

    assert_eq!(keyfob.run(&["token", "test", "--set", &subject]).expect(0).stdout, "e30.e30.sig\n");
    let told = keyfob.run(&["token", "test", "--set", &subject, "--json"]).expect(0).json();
    assert_eq!(told["token_type"], "N_A");
    keyfob.run(&["token", "test", "--set", &subject, "--format", "header"]).fails(2);
    keyfob.run(&["request", "test", "--set", &subject, &server.url()]).fails(2);
    assert_eq!(server.requests_to("/").len(), 0);
}

#[test]
fn a_token_for_another_audience_leaves_the_session_as_it_is() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let own = keyfob.token("test");
    let stored = keyfob.stored();

    let other = keyfob.run(&["token", "test", "--audience", "backend", "--scope", "a"]).expect(0).stdout;

    assert_ne!(other.trim_end(), own);
    let request = only(&server, EXCHANGE);
    assert_eq!((request.expect("subject_token"), request.expect("audience")), (own.clone(), "backend".to_owned()));
    assert_eq!(request.expect("scope"), "a");
    assert_eq!(keyfob.stored(), stored);
    assert_eq!(keyfob.token("test"), own);
    keyfob.run(&["token", "test", "--audience", "backend", "--no-refresh"]).fails(2);
}

#[test]
fn a_password_is_used_where_the_entry_allows_it_and_not_kept() {
    let server = Server::start();
    let keyfob = with_grant(&server, "password", "");
    let password = format!("password=@{}", private(&keyfob, "password", "correct-horse-battery-staple").display());

    let options = ["login", "test", "--set", "username=alice", "--set", &password];
    let done = keyfob.run(&options).expect(0);

    assert!(!done.output().contains("battery"));
    let request = only(&server, "password");
    assert_eq!(
        (request.expect("username"), request.expect("password")),
        ("alice".to_owned(), "correct-horse-battery-staple".to_owned())
    );
    assert_eq!(keyfob.leaks(&server), []);
    keyfob.run(&["refresh", "test"]).expect(0);
    assert_eq!(server.grants("refresh_token").len(), 1);
    assert_eq!(server.grants("password").len(), 1);
}

#[test]
fn a_password_is_refused_where_the_entry_does_not_allow_it() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let password = format!("password=@{}", private(&keyfob, "password", "correct-horse-battery-staple").display());
    let login = ["login", "test", "--grant", "password", "--set", "username=alice", "--set", &password, "--json"];

    keyfob.run(&login).error_naming(9, "config", &["grants = ", "password"]);

    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_password_needs_a_login_and_is_not_taken_from_the_registry_by_the_way() {
    let server = Server::start();
    let keyfob = with_grant(&server, "password", "username = \"alice\"\npassword = { env = \"NOWHERE\" }");

    keyfob.run(&["token", "test"]).fails(4);

    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_password_in_the_command_line_is_refused() {
    let server = Server::start();
    let keyfob = with_grant(&server, "password", "");

    let refused = keyfob.run(&["login", "test", "--set", "username=alice", "--set", "password=hunter2"]).fails(2);

    assert!(refused.stderr.contains("password=@FILE"), "{refused:#?}");
}

#[test]
fn an_extension_grant_brings_the_inputs_and_the_parameters_of_its_entry() {
    let server = Server::start();
    let keyfob = with_grant(&server, "urn:example:grant", "username = \"alice\"\ntoken_params = { extra = \"1\" }");
    server
        .always("/token", Answer::json(200, &json!({ "access_token": "access-by-extension", "token_type": "Bearer" })));

    assert_eq!(keyfob.token("test"), "access-by-extension");

    let request = only(&server, "urn:example:grant");
    for (name, value) in [("username", "alice"), ("extra", "1"), ("scope", "a"), ("client_id", "public")] {
        assert_eq!(request.expect(name), value);
    }
}

#[test]
fn login_by_a_grant_that_needs_nobody_makes_the_session_of_that_name() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let client = keyfob.client(&server, "basic");
    keyfob.edit_registry("client_id = \"public\"", &client);

    keyfob.run(&["login", "test/robot", "--grant", "client_credentials", "--scope", "a"]).expect(0);

    assert_eq!(keyfob.sessions(), ["test/robot"]);
    let first = keyfob.token("test/robot");
    keyfob.run(&["refresh", "test/robot"]).expect(0);
    assert_ne!(keyfob.token("test/robot"), first);
    assert_eq!(server.grants("client_credentials").len(), 2);
    assert_eq!(server.grants("client_credentials")[1].parameter("scope").as_deref(), Some("a"));
    assert_eq!(keyfob.opened(), [""; 0]);
}

#[test]
fn a_grant_that_does_not_exist_is_named_with_those_that_do() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);

    let refused = keyfob.run(&["login", "test", "--grant", "implicit", "--json"]);

    refused.error_naming(2, "usage", &["implicit", "client_credentials", "token_exchange"]);
}
