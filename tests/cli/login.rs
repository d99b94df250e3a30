//! `keyfob login`, where everybody behaves.

use std::time::Duration;

use serde_json::json;

use crate::support::{Answer, Keyfob, Running, Server, eventually};

#[test]
fn a_login_tells_the_session_on_stderr_and_nothing_on_stdout() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);

    let login = keyfob.log_in(&server, &["login", "test"]).expect(0);

    assert_eq!(login.stdout, "");
    assert!(login.stderr.contains("test/alice") && login.stderr.contains("Test Server"), "{login:#?}");
    assert!(login.stderr.contains(&keyfob.opened()[0]), "the address is shown too: {login:#?}");
    assert_eq!(keyfob.sessions(), ["test/alice"]);
}

#[test]
fn a_login_with_json_writes_one_event_per_line() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);

    let login = keyfob.begin(&["login", "test", "--json"]);
    let (url, redirect_uri) = (login.url.clone(), login.parameter("redirect_uri"));
    login.allow(&server);
    let events = login.finish().expect(0).json_lines();

    let browser = json!({ "schema": "keyfob.login/1", "event": "browser", "url": url, "redirect_uri": redirect_uri });
    assert_eq!(events[0], browser);
    assert_eq!(events.len(), 2, "{events:#?}");
    assert_eq!((&events[1]["schema"], &events[1]["event"]), (&json!("keyfob.login/1"), &json!("done")));
    assert_eq!(events[1]["session"], keyfob.status("test"), "the session object of `status`");
}

#[test]
fn the_session_object_has_the_fields_and_values_of_the_contract() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);

    let status = keyfob.status("test");

    for (field, value) in [
        ("schema", json!("keyfob.session/1")),
        ("session", json!("test/alice")),
        ("provider", json!("test")),
        ("account", json!("alice")),
        ("default", json!(true)),
        ("state", json!("valid")),
        ("usable", json!(true)),
        ("grant", json!("authorization_code")),
        ("scopes", json!(["openid", "email"])),
        ("token_type", json!("Bearer")),
        ("refreshable", json!(true)),
        ("issuer", json!(server.url())),
        ("client_id", json!("public")),
        ("store", json!("file")),
    ] {
        assert_eq!(status[field], value, "{field} in {status:#}");
    }
    for field in ["expires_at", "created_at"] {
        let time = status[field].as_str().unwrap_or_default();
        assert!(time.len() == 20 && time.ends_with('Z') && time.as_bytes()[10] == b'T', "{field} in {status:#}");
    }
}

#[test]
fn the_page_says_who_has_been_logged_in_to_and_its_address_carries_no_code() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);

    let login = keyfob.begin(&["login", "test"]);
    let page = login.allow(&server);
    login.finish().expect(0);

    assert_eq!(page.status, 200);
    assert!(page.body.contains("Logged in to Test Server") && page.body.contains("lang=\"en\""), "{page:#?}");
    assert!(!page.url.contains('?'), "{page:#?}");
}

#[test]
fn an_account_in_the_target_forces_the_sessions_name() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);

    keyfob.log_in(&server, &["login", "test/work"]).expect(0);

    assert_eq!(keyfob.sessions(), ["test/work"]);
}

#[test]
fn another_account_of_the_same_provider_gets_a_session_of_its_own() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let alice = keyfob.token("test/alice");
    server.change(|settings| {
        settings.claims.insert("preferred_username".into(), "bob".into());
        settings.claims.insert("sub".into(), "user-2".into());
        settings.userinfo = json!({ "sub": "user-2", "preferred_username": "bob" });
    });

    keyfob.login(&server);

    assert_eq!(keyfob.sessions(), ["test/alice", "test/bob"]);
    assert_eq!(keyfob.token("test/alice"), alice);
    assert_ne!(keyfob.token("test/bob"), alice);
}

#[test]
fn a_provider_without_an_identity_answer_gives_the_account_default() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    keyfob.plain_provider("plain", &server, "");

    keyfob.log_in(&server, &["login", "plain"]).expect(0);

    assert_eq!(keyfob.sessions(), ["plain/default"]);
    assert_eq!(server.requests_to("/userinfo").len(), 0);
}

#[test]
fn without_a_browser_the_address_is_printed_and_the_login_goes_on() {
    let server = Server::start();
    let mut keyfob = Keyfob::with(&server);
    for (browser, options) in
        [("none", &[][..]), ("/bin/false", &[]), ("/nonexistent/browser", &[]), ("/bin/true", &["--no-browser"])]
    {
        keyfob.set("KEYFOB_BROWSER", browser);
        let arguments = [&["login", "test", "--grant", "authorization_code"], options].concat();
        let login = keyfob.start(&arguments);
        let url = printed_url(&login, &server);

        assert_eq!(server.allow(&url).get().status, 200);

        login.finish().expect(0);
    }
}

/// The authorization request as it stands on standard error.
fn printed_url(login: &Running, server: &Server) -> String {
    let start = format!("{}/authorize?", server.url());
    eventually("the address on stderr", || {
        let stderr = login.stderr_so_far();
        let found = stderr.split_inclusive(char::is_whitespace).find(|word| word.starts_with(&start))?;
        found.ends_with(char::is_whitespace).then(|| found.trim().to_owned())
    })
}

#[test]
fn a_browser_that_blocks_and_talks_disturbs_nothing() {
    let server = Server::start();
    let mut keyfob = Keyfob::with(&server);
    let opened = keyfob.aside().join("opened");
    let lines = format!(
        "printf '%s\\n' \"$1\" >>'{}'\nhead -c 300000 /dev/zero | tr '\\0' x\nhead -c 300000 /dev/zero >&2\nexec sleep 5",
        opened.display()
    );
    keyfob.set("KEYFOB_BROWSER", keyfob.script("loud", &lines));

    let login = keyfob.log_in(&server, &["login", "test", "--json"]).expect(0);

    assert_eq!(login.json_lines().len(), 2);
    assert!(!login.stderr.contains('\0') && login.took < Duration::from_secs(4), "{login:#?}");
}

#[test]
fn the_browser_option_puts_the_address_where_it_says() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let opened = keyfob.aside().join("opened");
    let script = keyfob.script(
        "other",
        &format!("[ $# = 2 ] && [ \"$1\" = 'a b' ] && printf '%s\\n' \"$2\" >>'{}'", opened.display()),
    );

    let command = format!("{} 'a b' %u", script.display());
    keyfob.log_in(&server, &["login", "test", "--browser", &command]).expect(0);

    assert_eq!(keyfob.opened().len(), 1);
}

#[test]
fn a_confidential_client_authenticates_as_registered() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    keyfob.provider(
        "a",
        &server,
        &format!("{}\nclient_auth = \"client_secret_basic\"", keyfob.client(&server, "basic")),
    );
    keyfob.provider("b", &server, &format!("{}\nclient_auth = \"client_secret_post\"", keyfob.client(&server, "post")));

    for name in ["a", "b"] {
        keyfob.log_in(&server, &["login", name]).expect(0);
        keyfob.run(&["refresh", name]).expect(0);
        keyfob.run(&["logout", name]).expect(0);
    }

    assert_eq!(server.requests_to("/revoke").len(), 4);
}

#[test]
fn identifier_and_secret_reach_the_server_exactly() {
    let (id, secret) = ("a:b c", "p%+é:/=&#\"");
    let server = Server::start();
    for method in ["client_secret_basic", "client_secret_post"] {
        server.change(|settings| settings.clients.insert(id.into(), (method, secret.into())));
        let keyfob = Keyfob::new();
        keyfob.provider("test", &server, &format!("{}\nclient_auth = \"{method}\"", keyfob.client(&server, id)));

        keyfob.login(&server);
    }
}

#[test]
fn the_method_is_chosen_from_the_servers_list() {
    let server = Server::start();
    server
        .change(|settings| settings.metadata["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]));
    let keyfob = Keyfob::new();
    keyfob.provider("test", &server, &keyfob.client(&server, "post"));

    keyfob.login(&server);
}

#[test]
fn a_list_without_a_usable_method_is_an_error_and_the_secret_is_not_tried() {
    let server = Server::start();
    server.change(|settings| settings.metadata["token_endpoint_auth_methods_supported"] = json!(["private_key_jwt"]));
    let keyfob = Keyfob::new();
    keyfob.provider("test", &server, &keyfob.client(&server, "basic"));

    keyfob.run(&["login", "test", "--json"]).error_naming(9, "config", &["private_key_jwt"]);

    assert_eq!((keyfob.opened().len(), server.requests_to("/token").len()), (0, 0));
}

#[test]
fn a_client_can_be_given_on_the_command_line_its_secret_only_by_a_file() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    keyfob.provider("test", &server, "client_id = \"nobody\"");
    let secret = server.client_secret("basic").expect("a secret");
    let file = keyfob.aside().join("secret");
    std::fs::write(&file, format!("{secret}\n")).expect("a file");
    let file = file.display().to_string();

    keyfob.log_in(&server, &["login", "test", "--client-id", "basic", "--client-secret-file", &file]).expect(0);
    let mut command = keyfob.command(&["login", "test", "--client-id", "basic", "--client-secret", &secret, "--json"]);
    let refused = Running::start(&mut command).finish();

    refused.expect(2);
    assert_eq!(keyfob.opened().len(), 1);
}

#[test]
fn scopes_of_the_command_line_replace_or_add() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    keyfob.plain_provider("plain", &server, "");
    for (options, asked) in [
        (&["--scope", "c"][..], "c"),
        (&["--scope", "c d", "--scope", "e"], "c d e"),
        (&["--scope", "+c"], "a b c"),
        (&[], "a b"),
    ] {
        let login = keyfob.begin(&[&["login", "plain"], options].concat());
        assert_eq!(login.parameter("scope").as_deref(), Some(asked));
        login.allow(&server);
        login.finish().expect(0);
    }
}

#[test]
fn a_token_can_be_brought_along() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    keyfob.plain_provider("plain", &server, "");

    let answer = json!({ "access_token": "brought-along", "token_type": "Bearer", "expires_in": 3600 }).to_string();
    keyfob.run_with_input(&["login", "plain", "--with-token"], &answer).expect(0);
    assert_eq!(keyfob.token("plain"), "brought-along");
    keyfob.run_with_input(&["login", "plain/raw", "--with-token"], "only-a-token\n").expect(0);

    assert_eq!(keyfob.token("plain/raw"), "only-a-token");
    assert_eq!((keyfob.opened().len(), server.requests().len()), (0, 0));
}

#[test]
fn a_login_that_nobody_finishes_ends_in_time_and_says_how_to_go_on() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);

    let login = keyfob.begin(&["login", "test", "--json", "--timeout", "1"]);
    let authority =
        crate::support::Redirect(login.parameter("redirect_uri").expect("a URI").parse().expect("a URI")).authority();
    let finished = login.finish();

    let error = finished.error(8, "timeout");
    assert!(error["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{error:#}");
    assert!((1.0..4.0).contains(&finished.took.as_secs_f64()), "{finished:#?}");
    assert!(std::net::TcpStream::connect(authority).is_err(), "nothing listens any more");
}

#[test]
fn what_a_login_lacks_is_said_before_anything_happens() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    keyfob.registry("[providers.bare]\nname = \"Bare\"\nprotocol = \"oauth2\"\nauthorization_endpoint = \"https://x.example/a\"\ntoken_endpoint = \"https://x.example/t\"\n");

    keyfob.run(&["login", "tst", "--json"]).error_naming(3, "not_found", &["tst", "test"]);
    keyfob.run(&["login", "bare", "--json"]).error_naming(9, "config", &["Bare", "--client-id"]);
    keyfob.run(&["login", "--json"]).error(2, "usage");

    assert_eq!((keyfob.opened().len(), server.requests().len()), (0, 0));
}

#[test]
fn several_logins_at_once_end_each_in_its_own_session() {
    let servers = [(); 5].map(|()| Server::start());
    let keyfob = Keyfob::new();
    for (server, name) in servers.iter().zip(["a", "b", "c", "d", "e"]) {
        keyfob.provider(name, server, "");
    }

    let started: Vec<_> = ["a", "b", "c", "d", "e"].map(|name| keyfob.start(&["login", name])).into_iter().collect();
    let opened = eventually("five browsers", || Some(keyfob.opened()).filter(|opened| opened.len() == 5));
    let redirects: Vec<_> = servers
        .iter()
        .map(|server| {
            let url = opened.iter().find(|url| url.starts_with(&format!("{}/", server.url()))).expect("its address");
            server.allow(url)
        })
        .collect();
    // Crossed over first: each is another login's answer, and refused.
    for (one, other) in redirects.iter().zip(redirects.iter().skip(1)) {
        let mut crossed = other.clone();
        crossed.0.set_port(one.0.port()).expect("a port");
        assert_eq!(crossed.get().status, 400);
    }
    for redirect in &redirects {
        assert_eq!(redirect.get().status, 200);
    }
    for login in started {
        login.finish().expect(0);
    }

    assert_eq!(keyfob.sessions(), ["a/alice", "b/alice", "c/alice", "d/alice", "e/alice"]);
    for server in &servers {
        assert_eq!(server.requests_to("/token").len(), 1);
    }
}

#[test]
fn a_login_that_fails_anywhere_leaves_the_earlier_session() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let (token, stored) = (keyfob.token("test"), keyfob.stored());

    let denied = keyfob.begin(&["login", "test", "--json"]);
    server.deny(&denied.url, "access_denied").get();
    denied.finish().error(5, "refused");
    assert_eq!(keyfob.stored(), stored, "after a denial");
    server.once("/token", Answer::error(400, "invalid_grant"));
    keyfob.log_in(&server, &["login", "test", "--json"]).error(5, "refused");
    assert_eq!(keyfob.stored(), stored, "after a refused code");
    server.once("/token", Answer::dropped());
    keyfob.log_in(&server, &["login", "test", "--json"]).error(6, "network");
    assert_eq!(keyfob.stored(), stored, "after a dropped connection");
    server.change(|settings| settings.claims.insert("aud".into(), "other".into()));
    keyfob.log_in(&server, &["login", "test", "--json"]).error(11, "security");
    assert_eq!(keyfob.stored(), stored, "after a bad ID token");
    server.recover();
    let interrupted = keyfob.begin(&["login", "test"]);
    interrupted.running.signal(libc::SIGINT);
    interrupted.finish().expect(130);
    assert_eq!(keyfob.stored(), stored, "after Ctrl-C");

    assert_eq!(keyfob.token("test"), token);
    keyfob.run(&["refresh", "test"]).expect(0);
}
