//! Logins by the address of a person's page: which server is taken, which client, and whose tokens come out.

use serde_json::{Value, json};
use url::Url;

use crate::support::{Answer, Finished, Keyfob, Request, Server};

const LINKS: &str = "<!doctype html><title>Alice</title><link rel=indieauth-metadata href=/metadata>\
    <link rel=micropub href=/api/micropub>";

/// A server at which every client of this machine is known, and which says that Alice has logged in.
fn server(me: &str) -> Server {
    let server = Server::start();
    let url = server.url();
    let me = format!("{url}{me}");
    server.change(|settings| {
        settings.metadata = json!({
            "issuer": format!("{url}/"),
            "authorization_endpoint": format!("{url}/authorize"),
            "token_endpoint": format!("{url}/token"),
            "revocation_endpoint": format!("{url}/revoke"),
            "revocation_endpoint_auth_methods_supported": ["none"],
            "userinfo_endpoint": format!("{url}/userinfo"),
            "scopes_supported": ["profile", "email", "create"],
            "code_challenge_methods_supported": ["S256"],
        });
        settings.well_known = ["/metadata".to_owned()].into();
        settings.iss = true;
        settings.token.insert("me".into(), me.clone().into());
        settings.token.insert("profile".into(), json!({ "name": "Alice", "url": "https://other.test/" }));
        settings.userinfo = json!({ "me": "https://mallory.test/", "name": "Alice", "email": "a@example.com" });
    });
    server
}

/// A page that declares the server.
fn page(server: &Server, path: &str) -> String {
    server.always(path, Answer::html(200, LINKS));
    format!("{}{path}", server.url())
}

/// A login whose client the server learns as the person's browser brings it, as such servers do.
#[track_caller]
fn log_in(keyfob: &Keyfob, server: &Server, arguments: &[&str]) -> (Url, Finished) {
    let login = keyfob.begin(arguments);
    let opened: Url = login.url.parse().expect("an address");
    know(server, &opened);
    login.allow(server);
    (opened, login.finish())
}

/// IndieAuth §4.2, §5.2: a client of this machine is known by its address, below which the redirect must be.
#[track_caller]
fn know(server: &Server, opened: &Url) {
    let (client, redirect) = (parameter(opened, "client_id"), parameter(opened, "redirect_uri"));
    let (client, redirect): (Url, Url) = (client.parse().expect("an address"), redirect.parse().expect("an address"));
    assert_eq!((client.path(), client.origin()), ("/", redirect.origin()));
    server.change(|settings| settings.clients.insert(client.to_string(), ("none", String::new())));
}

fn parameter(url: &Url, name: &str) -> String {
    let found = url.query_pairs().find(|(known, _)| known == name);
    found.unwrap_or_else(|| panic!("no {name} in {url}")).1.into_owned()
}

fn host(server: &Server) -> String {
    server.address().to_string()
}

/// The name of a session for a page of `server`.
fn session(server: &Server, path: &str) -> String {
    let path = path.trim_end_matches('/').replace('/', "%2F");
    format!("indieauth/{}{path}", host(server))
}

#[test]
fn a_page_leads_to_a_session_that_is_named_after_it() {
    let (server, keyfob) = (server("/"), Keyfob::new());
    let url = page(&server, "/");

    let (opened, finished) = log_in(&keyfob, &server, &["login", &url]);
    finished.expect(0);

    assert!(opened.as_str().starts_with(&format!("{}/authorize?", server.url())), "{opened}");
    assert_eq!(parameter(&opened, "scope"), "profile");
    assert_eq!(parameter(&opened, "me"), url);
    assert_eq!(parameter(&opened, "code_challenge_method"), "S256");
    assert_eq!(keyfob.sessions(), [session(&server, "/")]);
    let status = keyfob.status(&url);
    assert_eq!(status["profile"]["id"], url, "whatever userinfo says");
    assert_eq!((&status["profile"]["name"], &status["profile"]["email"]), (&json!("Alice"), &json!("a@example.com")));
    assert_eq!(status["issuer"], format!("{}/", server.url()));
    // Each was asked for once. A resource would have come before the page, an issuer after it.
    let asked: Vec<_> = server.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(asked, ["/", "/.well-known/oauth-protected-resource", "/metadata", "/authorize", "/token", "/userinfo"]);
    assert!(!keyfob.registry_file().exists(), "no entry is written");

    // The token goes where posts are written, is renewed as the same client, and revoked without a secret.
    server.always("/api/micropub", Answer::json(200, &json!({ "ok": true })));
    keyfob.run(&["request", &format!("{}/api/micropub", server.url())]).expect(0);
    keyfob.run(&["refresh", &url]).expect(0);
    assert_eq!(server.grants("refresh_token")[0].expect("client_id"), parameter(&opened, "client_id"));
    keyfob.run(&["logout", &url]).expect(0);
    assert_eq!(server.requests_to("/revoke").len(), 2);
    assert_eq!(keyfob.leaks(&server), []);
}

#[test]
fn the_page_may_be_named_by_its_session_and_logged_in_to_again() {
    let (server, keyfob) = (server("/users/alice"), Keyfob::new());
    page(&server, "/users/alice");
    let name = format!("indieauth/http://{}/users/alice", host(&server));

    log_in(&keyfob, &server, &["login", &name, "--scope", "profile create"]).1.expect(0);

    let known = session(&server, "/users/alice");
    assert_eq!(keyfob.status(&known)["scopes"], json!(["profile", "create"]));
    assert_eq!(keyfob.sessions(), [known]);
}

#[test]
fn an_older_page_names_its_endpoints_and_no_issuer() {
    let (server, keyfob) = (server("/"), Keyfob::new());
    let links = "<link rel=authorization_endpoint href=/authorize><link rel=token_endpoint href=/token>";
    server.always("/", Answer::html(200, links));
    server.change(|settings| settings.iss = false);

    log_in(&keyfob, &server, &["login", &server.url()]).1.expect(0);

    assert_eq!(keyfob.sessions(), [session(&server, "/")]);
    assert_eq!(keyfob.status(&server.url())["issuer"], Value::Null);
    assert_eq!(server.requests_to("/metadata").len(), 0);
}

#[test]
fn another_page_comes_out_only_if_it_declares_the_same_server() {
    for (body, code) in [(LINKS, 0), ("<title>Bob</title>", 11), ("<link rel=indieauth-metadata href=/other>", 11)] {
        let (server, keyfob) = (server("/bob"), Keyfob::new());
        let other = json!({
            "issuer": server.url(), "authorization_endpoint": format!("{}/else", server.url()),
            "token_endpoint": format!("{}/token", server.url()), "code_challenge_methods_supported": ["S256"],
        });
        server.always("/other", Answer::json(200, &other));
        server.always("/bob", Answer::html(200, body));
        let url = page(&server, "/");

        let (_, finished) = log_in(&keyfob, &server, &["login", &url, "--json"]);

        if code == 0 {
            finished.expect(0);
            assert_eq!(keyfob.sessions(), [session(&server, "/bob")]);
        } else {
            finished.error_naming(code, "security", &["/bob"]);
            assert_eq!(keyfob.sessions(), [] as [&str; 0]);
        }
    }
}

#[test]
fn an_answer_that_names_nobody_is_refused() {
    for me in [Value::Null, json!(7), json!("nobody"), json!("https://127.0.0.1.evil.test/")] {
        let (server, keyfob) = (server("/"), Keyfob::new());
        server.change(|settings| settings.token.insert("me".into(), me.clone()));
        let url = page(&server, "/");

        let (_, finished) = log_in(&keyfob, &server, &["login", &url]);

        assert!([6, 11, 12].contains(&finished.code), "{me}: {finished:?}");
        assert_eq!(keyfob.sessions(), [] as [&str; 0], "{me}");
    }
}

#[test]
fn an_answer_of_another_issuer_is_refused() {
    let (server, keyfob) = (server("/"), Keyfob::new());
    let url = page(&server, "/");
    let login = keyfob.begin(&["login", &url, "--json"]);
    know(&server, &login.url.parse().expect("an address"));
    // Without its slash it is another one.
    login.redirect(&server).with("iss", &server.url()).get();

    login.finish().error_naming(11, "security", &["iss"]);
}

#[test]
fn a_server_without_s256_or_with_an_issuer_elsewhere_is_refused_before_the_browser() {
    for (member, value) in [
        ("code_challenge_methods_supported", json!(["plain"])),
        ("issuer", json!("https://elsewhere.test/")),
        ("authorization_endpoint", json!("http://elsewhere.test/")),
    ] {
        let (server, keyfob) = (server("/"), Keyfob::new());
        let url = page(&server, "/");
        server.change(|settings| settings.metadata[member] = value.clone());

        keyfob.run(&["login", &url, "--json", "--timeout", "5"]).error_naming(11, "security", &[]);

        assert_eq!(keyfob.opened(), [] as [&str; 0]);
    }
}

#[test]
fn a_renewal_for_another_page_ends_the_session() {
    let (server, keyfob) = (server("/"), Keyfob::new());
    let url = page(&server, "/");
    log_in(&keyfob, &server, &["login", &url]).1.expect(0);
    server.change(|settings| settings.token.insert("me".into(), "https://mallory.test/".into()));

    keyfob.run(&["refresh", &url, "--json"]).error_naming(11, "security", &["mallory.test"]);

    assert_eq!(keyfob.status(&url)["state"], "login_required");
}

#[test]
fn a_page_that_declares_nothing_and_a_name_that_is_none_are_told() {
    let (server, keyfob) = (server("/"), Keyfob::new());
    server.change(|settings| settings.well_known.clear());
    server.always("/", Answer::html(200, "<title>Alice</title>"));

    keyfob.run(&["login", &format!("indieauth/http://{}", host(&server)), "--json"]).error_naming(
        9,
        "config",
        &["declares no IndieAuth server"],
    );
    for bad in ["indieauth/https://alice.test:8443/", "indieauth/https://10.0.0.1/", "indieauth/mailto:a@b.test"] {
        keyfob.run(&["login", bad, "--json"]).error_naming(2, "usage", &[]);
    }
    keyfob.run(&["login", "indieauth", "--json"]).error_naming(2, "usage", &["whose"]);
    assert_eq!(keyfob.opened(), [] as [&str; 0]);
}

#[test]
fn a_document_of_ones_own_is_the_client() {
    let (server, keyfob) = (server("/"), Keyfob::new());
    let url = page(&server, "/");
    let document = "https://tools.test/client.json";
    server.change(|settings| settings.clients.insert(document.into(), ("none", String::new())));
    keyfob.settings(&format!("client_id_metadata_document = \"{document}\"\n"));

    let login = keyfob.begin(&["login", &url]);
    assert_eq!(login.parameter("client_id").as_deref(), Some(document));
    login.allow(&server);
    login.finish().expect(0);
}

#[test]
fn a_client_that_is_named_is_the_client() {
    let (server, keyfob) = (server("/"), Keyfob::new());
    let url = page(&server, "/");
    server.change(|settings| settings.clients.insert("mine".into(), ("none", String::new())));

    let login = keyfob.begin(&["login", &url, "--client-id", "mine"]);
    assert_eq!(login.parameter("client_id").as_deref(), Some("mine"));
    login.allow(&server);
    login.finish().expect(0);
}

#[test]
fn a_resource_is_one_even_if_it_has_a_page() {
    let (server, keyfob) = (server("/"), Keyfob::new());
    let url = page(&server, "/");
    let metadata = json!({ "resource": url, "authorization_servers": [server.url()] });
    server.always("/.well-known/oauth-protected-resource", Answer::json(200, &metadata));

    let finished = keyfob.run(&["login", &url, "--client-id", "mine", "--json", "--timeout", "1"]);

    assert_eq!(server.requests_to("/metadata").len(), 0, "{finished:#?}");
    assert!(server.requests_to("/.well-known/oauth-authorization-server").len() == 1, "{finished:#?}");
}

#[test]
fn who_has_logged_in_is_not_what_the_profile_claims() {
    let (server, keyfob) = (server("/"), Keyfob::new());
    let url = page(&server, "/");
    server.change(|settings| {
        let claims =
            json!({ "name": "Alice", "me": "https://mallory.test/", "account": "mallory", "email": "m@x.test" });
        settings.token.insert("profile".into(), claims);
    });
    server
        .after("/userinfo", usize::MAX, |_: &Request, _| Answer::json(200, &json!({ "me": "https://mallory.test/" })));

    log_in(&keyfob, &server, &["login", &url]).1.expect(0);

    assert_eq!(keyfob.sessions(), [session(&server, "/")]);
    assert_eq!(keyfob.status(&url)["profile"]["id"], url);
}

/// Two servers and their pages; the first is logged in to.
fn logged_in(path: &str) -> (Server, Keyfob, String) {
    let (server, keyfob) = (server(path), Keyfob::new());
    let url = page(&server, path);
    log_in(&keyfob, &server, &["login", &url]).1.expect(0);
    (server, keyfob, url)
}

#[test]
fn a_client_is_shown_to_no_other_server_and_a_secret_to_none() {
    let (first, second, keyfob) = (server("/"), server("/"), Keyfob::new());
    let (one, other) = (page(&first, "/"), page(&second, "/"));
    first.change(|settings| settings.clients.insert("registered".into(), ("none", String::new())));
    let login = keyfob.begin(&["login", &one, "--client-id", "registered"]);
    login.allow(&first);
    login.finish().expect(0);

    let (opened, finished) = log_in(&keyfob, &second, &["login", &other]);
    finished.expect(0);

    assert_ne!(parameter(&opened, "client_id"), "registered");
    let secret = keyfob.aside().join("secret");
    std::fs::write(&secret, "a-secret").expect("a file");
    let secret = secret.display().to_string();
    keyfob.run(&["login", &one, "--client-id", "post", "--client-secret-file", &secret, "--json"]).error_naming(
        9,
        "config",
        &["client_secret"],
    );
}

/// A page may name somebody else's authorization endpoint beside a token endpoint of its own.
#[test]
fn a_token_endpoint_that_the_page_does_not_name_speaks_for_nobody() {
    let (alice, mallory) = (server("/"), server("/"));
    page(&alice, "/");
    let me = format!("{}/", alice.url());
    let links = format!(
        "<link rel=authorization_endpoint href={0}/authorize><link rel=token_endpoint href={1}/token>",
        alice.url(),
        mallory.url()
    );
    mallory.always("/", Answer::html(200, &links));
    let tokens = json!({ "access_token": "mallorys-token", "token_type": "Bearer", "scope": "profile", "me": me });
    mallory.always("/token", Answer::json(200, &tokens));
    let keyfob = Keyfob::new();

    let login = keyfob.begin(&["login", &mallory.url(), "--json"]);
    know(&alice, &login.url.parse().expect("an address"));
    login.allow(&alice);

    login.finish().error_naming(11, "security", &["token endpoint"]);
    assert_eq!(keyfob.sessions(), [] as [&str; 0]);
}

#[test]
fn another_persons_page_at_the_same_host_is_another_persons() {
    let (server, keyfob, alice) = logged_in("/users/alice");
    let bob = page(&server, "/users/bob");

    keyfob.run(&["status", &bob]).fails(3);
    keyfob.run(&["token", &bob]).fails(4);
    keyfob.run(&["logout", &bob]).fails(3);
    assert_eq!(server.requests_to("/revoke").len(), 0);
    assert_eq!(keyfob.token(&format!("{alice}/below")), keyfob.token(&alice));

    server.change(|settings| settings.token.insert("me".into(), bob.clone().into()));
    let (opened, finished) = log_in(&keyfob, &server, &["login", &bob]);
    finished.expect(0);
    assert_eq!(parameter(&opened, "me"), bob);
    assert_eq!(keyfob.sessions(), [session(&server, "/users/alice"), session(&server, "/users/bob")]);
}

#[test]
fn a_page_cannot_have_its_token_sent_to_whom_it_names() {
    let (server, keyfob) = (server("/"), Keyfob::new());
    let other = Server::start();
    let links = format!("<link rel=indieauth-metadata href=/metadata><link rel=micropub href={}/api>", other.url());
    server.always("/", Answer::html(200, &links));
    log_in(&keyfob, &server, &["login", &server.url()]).1.expect(0);
    other.always("/api", Answer::json(200, &json!({})));

    // Where somebody says which session it is, the page's word is good.
    keyfob.run(&["token", &format!("{}/api", other.url())]).fails(4);
    keyfob.run(&["request", &session(&server, "/"), &format!("{}/api", other.url())]).expect(0);
}

#[test]
fn a_slash_at_the_end_of_a_path_is_another_page() {
    let (server, keyfob, _) = logged_in("/u");
    page(&server, "/u/");
    server.change(|settings| settings.token.insert("me".into(), format!("{}/u/", server.url()).into()));

    log_in(&keyfob, &server, &["login", &format!("{}/u/", server.url())]).1.expect(0);

    assert_eq!(keyfob.sessions(), [session(&server, "/u"), format!("{}%2F", session(&server, "/u"))]);
}

#[test]
fn a_login_is_repeated_at_the_very_page_that_has_logged_in() {
    let (server, keyfob, url) = logged_in("/users/alice");
    for target in [url.as_str(), "indieauth", &session(&server, "/users/alice")] {
        let (opened, finished) = log_in(&keyfob, &server, &["login", target]);
        finished.expect(0);
        assert_eq!(parameter(&opened, "me"), url, "{target}");
    }
    assert_eq!(keyfob.sessions().len(), 1);
}

#[test]
fn an_answer_without_an_issuer_is_refused_where_there_is_metadata() {
    let (server, keyfob) = (server("/"), Keyfob::new());
    server.change(|settings| settings.iss = false);
    let url = page(&server, "/");

    let (_, finished) = log_in(&keyfob, &server, &["login", &url, "--json"]);

    finished.error_naming(11, "security", &["iss"]);
}

#[test]
fn a_login_in_two_calls_may_be_completed_by_the_page() {
    let (server, keyfob) = (server("/"), Keyfob::new());
    let url = page(&server, "/");
    let begun = keyfob.run(&["login", &url, "--begin", "--json"]).expect(0).json_lines();
    let opened = begun[0]["url"].as_str().expect("an address");
    know(&server, &opened.parse().expect("an address"));
    let address = server.allow(opened).0.to_string();

    keyfob.run_with_input(&["login", "https://other.test/", "--complete", "-"], &address).fails(2);
    keyfob.run_with_input(&["login", &url, "--complete", "-"], &address).expect(0);

    assert_eq!(keyfob.sessions(), [session(&server, "/")]);
}

#[test]
fn doctor_looks_at_the_server_that_a_page_declares() {
    let (server, keyfob, url) = logged_in("/alice");
    for target in [session(&server, "/alice"), url.clone()] {
        let told = keyfob.run(&["doctor", &target, "--json"]).expect(0).json();
        let checks = told["checks"].as_array().expect("checks");
        assert!(checks.iter().any(|check| check["id"] == "server.metadata" && check["result"] == "ok"), "{checks:?}");
    }
    // Nor need there be a session.
    let host = Server::start();
    host.change(|settings| settings.well_known.clear());
    let link = format!("<link rel=indieauth-metadata href={}/metadata>", server.url());
    host.always("/bob", Answer::html(200, &link));
    let told = Keyfob::new().run(&["doctor", &format!("{}/bob", host.url()), "--json"]).expect(0).json();
    let checks = told["checks"].as_array().expect("checks");
    for id in ["server.page", "server.metadata"] {
        assert!(checks.iter().any(|check| check["id"] == id && check["result"] == "ok"), "{checks:?}");
    }
}
