//! From a bare address to a session: what a resource says of itself, whose tokens it takes, and what is not believed.

use std::net::TcpListener;

use serde_json::{Value, json};

use crate::support::{Answer, Finished, Keyfob, Redirect, Server, Terminal, eventually};

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// An authorization server that registers everybody as `public`.
fn issuer() -> Server {
    let server = Server::start();
    server.change(|settings| {
        settings.metadata["registration_endpoint"] =
            json!(format!("{}/register", settings.metadata["issuer"].as_str().unwrap()));
        settings.well_known = ["/.well-known/oauth-authorization-server".to_owned()].into();
    });
    server.always("/register", Answer::json(201, &json!({ "client_id": "public" })));
    server
}

/// What the resource at `path` of `server` says of itself.
fn metadata(server: &Server, path: &str, issuer: &Server) -> Value {
    json!({
        "resource": format!("{}{path}", server.url()), "authorization_servers": [issuer.url()],
        "scopes_supported": ["tools:read", "tools:call"], "signed_metadata": "e30.e30.x"
    })
}

/// A resource whose challenge names its metadata, at an address that nobody would guess.
fn challenging(server: &Server, path: &str, document: &Value, more: &str) {
    let place = format!("/metadata{path}");
    let challenge = format!("Bearer {more}resource_metadata=\"{}{place}\"", server.url());
    server.always(path, Answer::json(401, &json!({})).with("WWW-Authenticate", &challenge));
    server.always(&place, Answer::json(200, document));
}

/// A login that must succeed; returns the address that was opened.
#[track_caller]
fn login(keyfob: &Keyfob, issuer: &Server, arguments: &[&str]) -> (url::Url, Finished) {
    let login = keyfob.begin(arguments);
    login.allow(issuer);
    let opened = login.url.parse().expect("an address");
    (opened, login.finish().expect(0))
}

fn parameter(url: &url::Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

#[track_caller]
fn refused(keyfob: &Keyfob, url: &str, code: i32) -> Finished {
    let finished = keyfob.run(&["login", url]).fails(code);
    assert!(keyfob.opened().is_empty(), "no browser opens");
    assert_eq!(keyfob.sessions(), [] as [&str; 0]);
    assert!(!keyfob.registry_file().exists(), "nothing is written");
    finished
}

#[test]
fn an_address_leads_to_a_session_for_it_and_nothing_else() {
    let (resource, issuer, keyfob) = (Server::start(), issuer(), Keyfob::new());
    let url = format!("{}/mcp", resource.url());
    challenging(&resource, "/mcp", &metadata(&resource, "/mcp", &issuer), "");

    let (opened, _) = login(&keyfob, &issuer, &["login", &url]);

    assert_eq!(parameter(&opened, "resource").as_deref(), Some(url.as_str()));
    assert_eq!(parameter(&opened, "scope").as_deref(), Some("tools:read tools:call"));
    assert_eq!(parameter(&opened, "code_challenge_method").as_deref(), Some("S256"));
    assert_eq!(issuer.grants("authorization_code")[0].all("resource"), std::slice::from_ref(&url));
    let name = format!("127-0-0-1-{}", resource.address().port());
    assert_eq!(keyfob.sessions(), [format!("{name}/default")]);
    let token = keyfob.token(&url);
    assert_eq!(keyfob.token(&format!("{url}/below")), token);
    assert_eq!(keyfob.token(&name), token);
    keyfob.run(&["token", &format!("{}/other", resource.url())]).fails(4);

    // Each document was fetched once.
    let asked: Vec<_> = resource.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(asked, ["/mcp", "/metadata/mcp"]);
    assert_eq!(issuer.requests_to("/.well-known/oauth-authorization-server").len(), 1);
    assert!(resource.requests().iter().all(|request| request.header("authorization").is_none()));
}

#[test]
fn the_session_is_renewed_found_and_made_again_by_the_address() {
    let (resource, issuer, keyfob) = (Server::start(), issuer(), Keyfob::new());
    let url = format!("{}/mcp", resource.url());
    challenging(&resource, "/mcp", &metadata(&resource, "/mcp", &issuer), "");
    login(&keyfob, &issuer, &["login", &url]);

    keyfob.run(&["refresh", &url]).expect(0);
    assert_eq!(issuer.grants("refresh_token")[0].all("resource"), std::slice::from_ref(&url));
    resource.recover();
    resource.always("/mcp", Answer::json(200, &json!({ "tools": [] })));
    assert_eq!(keyfob.run(&["request", &url]).expect(0).stdout, "{\"tools\":[]}");
    let sent = resource.requests_to("/mcp").pop().expect("a request");
    assert_eq!(sent.header("authorization"), Some(format!("Bearer {}", keyfob.token(&url)).as_str()));
    keyfob.run(&["logout", &url]).expect(0);
    login(&keyfob, &issuer, &["login", &url]);
    assert_eq!(keyfob.sessions().len(), 1);
    assert_eq!(issuer.requests_to("/register").len(), 1, "the client is kept");
}

#[test]
fn the_scope_of_the_challenge_comes_before_that_of_the_metadata() {
    let (resource, issuer, keyfob) = (Server::start(), issuer(), Keyfob::new());
    let url = format!("{}/mcp", resource.url());
    challenging(&resource, "/mcp", &metadata(&resource, "/mcp", &issuer), "scope=\"tools:list\", ");
    issuer.change(|settings| settings.metadata["scopes_supported"] = json!(["tools:list", "offline_access"]));

    let (opened, _) = login(&keyfob, &issuer, &["login", &url]);

    assert_eq!(parameter(&opened, "scope").as_deref(), Some("tools:list offline_access"));
    assert_eq!(parameter(&opened, "prompt").as_deref(), Some("consent"));
}

#[test]
fn without_a_challenge_the_well_known_addresses_are_tried_in_their_order() {
    let (resource, issuer) = (Server::start(), issuer());
    for (about, place) in [("/mcp", format!("{WELL_KNOWN}/mcp")), ("", WELL_KNOWN.to_owned())] {
        let keyfob = Keyfob::new();
        resource.recover();
        resource.forget_requests();
        resource.always(&place, Answer::json(200, &metadata(&resource, about, &issuer)));

        login(&keyfob, &issuer, &["login", &format!("{}/mcp", resource.url())]);

        assert_eq!(
            keyfob.status(&format!("{}/mcp", resource.url()))["resource"],
            json!([format!("{}{about}", resource.url())])
        );
        let asked: Vec<_> = resource.requests().into_iter().map(|request| request.path).collect();
        let all = ["/mcp".to_owned(), format!("{WELL_KNOWN}/mcp"), WELL_KNOWN.to_owned()];
        assert_eq!(asked, all[..if about.is_empty() { 3 } else { 2 }]);
    }
}

#[test]
fn an_issuer_is_an_address_too() {
    let (issuer, keyfob) = (issuer(), Keyfob::new());
    issuer.change(|settings| settings.well_known = ["/.well-known/openid-configuration".to_owned()].into());

    let (opened, _) = login(&keyfob, &issuer, &["login", &issuer.url(), "--scope", "openid"]);

    assert_eq!(parameter(&opened, "resource"), None);
    assert_eq!(keyfob.status(&issuer.url())["issuer"], issuer.url());
}

#[test]
fn an_entry_that_cannot_be_written_is_told_before_a_client_is_registered_or_a_browser_opens() {
    let (issuer, mut keyfob) = (issuer(), Keyfob::new());
    // What not even the superuser can write to.
    keyfob.set("KEYFOB_CONFIG_DIR", "/proc/keyfob");

    let finished = keyfob.run(&["login", &issuer.url(), "--json", "--timeout", "2"]);

    finished.error_naming(9, "config", &["/proc/keyfob"]);
    assert_eq!((keyfob.opened().len(), keyfob.sessions().len()), (0, 0));
    assert_eq!(issuer.requests_to("/register").len(), 0);
}

#[test]
fn several_resources_of_one_server_have_sessions_of_their_own() {
    let (resource, issuer, keyfob) = (issuer(), issuer(), Keyfob::new());
    let urls = ["/one", "/two"].map(|path| format!("{}{path}", resource.url()));
    for path in ["/one", "/two"] {
        // The resource's host is its authorization server's too.
        challenging(&resource, path, &metadata(&resource, path, &resource), "");
        login(&keyfob, &resource, &["login", &format!("{}{path}", resource.url())]);
    }

    assert_eq!(keyfob.sessions().len(), 2);
    let tokens = urls.clone().map(|url| keyfob.token(&url));
    assert_ne!(tokens[0], tokens[1]);
    keyfob.run(&["token", &format!("{}/three", resource.url())]).fails(4);
    for (url, token) in urls.iter().zip(&tokens) {
        assert_eq!(keyfob.status(url)["resource"], json!([url]));
        assert_eq!(&keyfob.token(url), token);
    }
    let asked: Vec<_> = resource.grants("authorization_code").iter().map(|request| request.all("resource")).collect();
    assert_eq!(asked, urls.map(|url| vec![url]));
    assert_eq!(issuer.requests().len(), 0);
}

#[test]
fn metadata_of_another_resource_is_refused() {
    for found in ["/other", "", "/mcp/", "/mcp?x"] {
        let (resource, issuer, keyfob) = (Server::start(), issuer(), Keyfob::new());
        challenging(&resource, "/mcp", &metadata(&resource, found, &issuer), "");

        refused(&keyfob, &format!("{}/mcp", resource.url()), 11);

        assert_eq!(issuer.requests().len(), 0);
    }
}

#[test]
fn metadata_that_leads_astray_is_refused() {
    for (name, value, code) in [
        ("resource", json!("https://evil.example/mcp"), 11),
        ("resource", Value::Null, 12),
        ("authorization_servers", json!(["http://as.example"]), 11),
        ("authorization_servers", json!(["file:///etc/passwd"]), 11),
        ("authorization_servers", json!(["https://user@as.example"]), 11),
        ("authorization_servers", json!([]), 12),
        ("authorization_servers", json!("https://as.example"), 12),
        ("scopes_supported", json!(["a\nb"]), 12),
        ("bearer_methods_supported", json!(["body"]), 12),
    ] {
        let (resource, issuer, keyfob) = (Server::start(), issuer(), Keyfob::new());
        let mut document = metadata(&resource, "/mcp", &issuer);
        document[name] = value.clone();
        challenging(&resource, "/mcp", &document, "");

        let finished = keyfob.run(&["login", &format!("{}/mcp", resource.url())]);

        assert_eq!(finished.code, code, "{name} {value}: {finished:#?}");
        assert!(keyfob.opened().is_empty() && !keyfob.registry_file().exists());
        assert_eq!(issuer.requests().len(), 0);
    }
}

#[test]
fn odd_answers_for_metadata_end_the_login() {
    for (answer, code) in [
        (Answer::redirect(302, "https://evil.example/"), 12),
        (Answer::html(200, "<p>"), 12),
        (Answer::html(503, "later"), 6),
        (Answer::new(200, "application/json", "{\"resource\":"), 12),
        (Answer::new(200, "application/json", "[1]"), 12),
    ] {
        let (resource, issuer, keyfob) = (Server::start(), issuer(), Keyfob::new());
        resource.always("/metadata/mcp", answer);
        challenging(&resource, "/mcp", &metadata(&resource, "/mcp", &issuer), "");

        refused(&keyfob, &format!("{}/mcp", resource.url()), code);
    }
}

#[test]
fn metadata_that_goes_round_in_circles_ends() {
    let (resource, keyfob) = (Server::start(), Keyfob::new());
    // The resource names itself, and its metadata, as its own authorization server.
    let url = format!("{}/mcp", resource.url());
    let document = json!({ "resource": url, "authorization_servers": [url] });
    challenging(&resource, "/mcp", &document, "");
    resource.always(WELL_KNOWN, Answer::redirect(302, WELL_KNOWN));

    refused(&keyfob, &url, 9);

    assert!(resource.requests().len() < 12);
}

#[test]
fn a_challenge_that_names_an_address_that_must_not_be_asked_is_refused() {
    for bad in ["http://metadata.example/x", "https://user@metadata.example/x", "file:///etc/passwd", "x y"] {
        let (resource, keyfob) = (Server::start(), Keyfob::new());
        let challenge = format!("Bearer resource_metadata=\"{bad}\"");
        resource.always("/mcp", Answer::json(401, &json!({})).with("WWW-Authenticate", &challenge));

        refused(&keyfob, &format!("{}/mcp", resource.url()), 11);
    }
}

#[test]
fn a_server_that_does_not_announce_pkce_is_refused() {
    for methods in [Value::Null, json!([]), json!(["plain"])] {
        let (resource, issuer, keyfob) = (Server::start(), issuer(), Keyfob::new());
        challenging(&resource, "/mcp", &metadata(&resource, "/mcp", &issuer), "");
        issuer.change(|settings| settings.metadata["code_challenge_methods_supported"] = methods.clone());

        refused(&keyfob, &format!("{}/mcp", resource.url()), 11);

        assert_eq!(issuer.requests_to("/register").len(), 0);
    }
}

#[test]
fn a_server_that_is_another_than_the_resource_says_is_refused() {
    let (resource, issuer, keyfob) = (Server::start(), issuer(), Keyfob::new());
    challenging(&resource, "/mcp", &metadata(&resource, "/mcp", &issuer), "");
    issuer.change(|settings| settings.metadata["issuer"] = json!("https://other.example"));

    refused(&keyfob, &format!("{}/mcp", resource.url()), 11);
}

#[test]
fn without_any_way_to_a_client_the_person_is_told_to_name_one() {
    let (resource, issuer, keyfob) = (Server::start(), issuer(), Keyfob::new());
    let url = format!("{}/mcp", resource.url());
    challenging(&resource, "/mcp", &metadata(&resource, "/mcp", &issuer), "");
    issuer.change(|settings| settings.metadata["registration_endpoint"] = Value::Null);

    let finished = refused(&keyfob, &url, 9);
    assert!(finished.stderr.contains("--client-id"), "{}", finished.stderr);

    let (opened, _) = login(&keyfob, &issuer, &["login", &url, "--client-id", "public"]);
    assert_eq!(parameter(&opened, "client_id").as_deref(), Some("public"));
    keyfob.run(&["refresh", &url]).expect(0);
}

#[test]
fn an_address_of_nothing_is_told() {
    let (server, keyfob) = (Server::start(), Keyfob::new());
    server.change(|settings| settings.well_known.clear());

    refused(&keyfob, &format!("{}/nothing", server.url()), 9);
    refused(&keyfob, "http://resource.example/mcp", 11);
    refused(&keyfob, "https://user:pass@resource.example/mcp", 11);
    refused(&keyfob, &format!("{}/mcp#x", server.url()), 2);
}

#[test]
fn a_login_that_fails_leaves_no_entry() {
    let (resource, issuer, keyfob) = (Server::start(), issuer(), Keyfob::new());
    challenging(&resource, "/mcp", &metadata(&resource, "/mcp", &issuer), "");

    let begun = keyfob.begin(&["login", &format!("{}/mcp", resource.url())]);
    issuer.deny(&begun.url, "access_denied").get();
    begun.finish().fails(5);

    assert!(!keyfob.registry_file().exists());
}

#[test]
fn a_request_that_logs_in_first_can_renew_what_it_got() {
    let (resource, issuer, keyfob) = (Server::start(), issuer(), Keyfob::new());
    let url = format!("{}/mcp", resource.url());
    challenging(&resource, "/mcp", &metadata(&resource, "/mcp", &issuer), "");

    // The resource goes on saying no: one renewal, one more try, and an end.
    let mut command = keyfob.command(&["request", &url, "--login"]);
    let terminal = Terminal::start(&mut command);
    let opened = eventually("the browser", || keyfob.opened().pop());
    issuer.allow(&opened).get();
    terminal.finish(command).expect(4);

    assert_eq!(issuer.grants("refresh_token").len(), 1);
}

/// Mastodon's own metadata: the issuer ends in a slash, and applications are registered at an address of its own.
#[test]
fn an_instance_of_mastodon_is_known_by_its_metadata_and_registers() {
    let (server, keyfob) = (Server::start(), Keyfob::new());
    let url = server.url();
    server.change(|settings| {
        settings.well_known = ["/.well-known/oauth-authorization-server".to_owned()].into();
        settings.metadata = json!({
            "issuer": format!("{url}/"),
            "authorization_endpoint": format!("{url}/oauth/authorize"),
            "token_endpoint": format!("{url}/oauth/token"),
            "revocation_endpoint": format!("{url}/oauth/revoke"),
            "scopes_supported": ["read", "write"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "app_registration_endpoint": format!("{url}/api/v1/apps"),
        });
    });
    let secret = server.client_secret("post").expect("a secret");
    server.always("/api/v1/apps", Answer::json(200, &json!({ "client_id": "post", "client_secret": secret })));
    server.always("/api/v1/accounts/verify_credentials", Answer::json(200, &json!({ "id": "7", "username": "ada" })));
    let tokens = json!({ "access_token": "access-token", "token_type": "Bearer", "scope": "read" });
    server.always("/oauth/token", Answer::json(200, &tokens));
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();

    let login = keyfob.begin(&["login", &url, "--port", &port.to_string()]);

    assert!(login.url.starts_with(&format!("{url}/oauth/authorize?")), "{}", login.url);
    assert_eq!(login.parameter("scope").as_deref(), Some("read"));
    let redirect = Redirect(login.parameter("redirect_uri").expect("a redirect URI").parse().expect("an address"));
    redirect.adding("code", "the-code").adding("state", &login.parameter("state").expect("a state")).get();
    login.finish().expect(0);
    assert_eq!(server.requests_to("/api/v1/apps").len(), 1);
    let name = format!("127-0-0-1-{}", server.address().port());
    assert_eq!(keyfob.sessions(), [format!("{name}/ada")]);
    // By its address, and by the name that it got.
    assert_eq!((keyfob.token(&url), keyfob.token(&name)), ("access-token".to_owned(), "access-token".to_owned()));
}

/// A slash more or less at the end of a host is no other server; in a path it is.
#[test]
fn an_issuer_with_a_slash_is_found_by_its_host() {
    for (path, code) in [("", 0), ("/tenant", 11)] {
        let (server, keyfob) = (issuer(), Keyfob::new());
        let named = format!("{}{path}/", server.url());
        server.change(|settings| {
            settings.metadata["issuer"] = named.clone().into();
            settings.well_known = [format!("/.well-known/oauth-authorization-server{path}")].into();
        });

        match code {
            0 => drop(login(&keyfob, &server, &["login", &server.url()])),
            _ => drop(refused(&keyfob, &format!("{}{path}", server.url()), code)),
        }
    }
}

/// Whatever stands at its root is not what the issuer says of itself.
#[test]
fn an_issuer_is_found_behind_a_page_that_is_broken_or_leads_away() {
    for answer in [
        Answer::html(500, "later"),
        Answer::html(429, "later"),
        Answer::new(302, "text/plain", "").with("Location", "http://elsewhere.test/"),
        Answer::new(302, "text/plain", "").with("Location", "https://127.0.0.1:9/"),
        Answer::html(200, "<link rel=authorization_endpoint href=/auth>"),
    ] {
        let (server, keyfob) = (issuer(), Keyfob::new());
        server.always("/", answer);

        login(&keyfob, &server, &["login", &server.url()]);

        assert_eq!(keyfob.sessions().len(), 1);
    }
}
