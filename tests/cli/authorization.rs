//! What the browser is sent with, and what never reaches a browser.

use std::collections::BTreeSet;
use std::net::TcpStream;

use serde_json::{Value, json};
use url::Url;

use crate::support::{Keyfob, Server};

const SECURITY_OR_CONFIG: &[(i32, &str)] = &[(11, "security"), (9, "config")];

/// A login that must fail before a browser is started, naming `words`.
#[track_caller]
fn refused(keyfob: &Keyfob, arguments: &[&str], choices: &[(i32, &str)], words: &[&str]) {
    let finished = keyfob.run(&[arguments, &["--json", "--timeout", "3"]].concat());

    finished.error_of(choices, words);
    assert_eq!(keyfob.opened(), [] as [&str; 0], "{arguments:?}");
}

#[test]
fn state_nonce_and_challenge_are_fresh_for_every_login() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let mut seen: [BTreeSet<String>; 3] = Default::default();

    for _ in 0..6 {
        let login = keyfob.begin(&["login", "test"]);
        // The strict server judges their form, and the verifier's.
        for (seen, name) in seen.iter_mut().zip(["state", "nonce", "code_challenge"]) {
            seen.insert(login.parameter(name).expect(name));
        }
        login.allow(&server);
        login.finish().expect(0);
    }

    for values in seen {
        assert_eq!(values.len(), 6);
        let starts: BTreeSet<_> = values.iter().map(|value| &value[..3]).collect();
        assert!(starts.len() > 1, "no common start: {values:?}");
    }
}

#[test]
fn a_nonce_is_sent_only_with_openid() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    keyfob.plain_provider("plain", &server, "");

    for (name, expected) in [("test", true), ("plain", false)] {
        let login = keyfob.begin(&["login", name]);
        assert_eq!(login.parameter("nonce").is_some(), expected);
        login.allow(&server);
        login.finish().expect(0);
    }
}

#[test]
fn the_redirect_uri_is_the_address_that_is_listened_on() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);

    let login = keyfob.begin(&["login", "test"]);
    let uri = login.parameter("redirect_uri").expect("a redirect URI");
    let parsed = Url::parse(&uri).expect("an address");
    TcpStream::connect(("127.0.0.1", parsed.port().expect("a port"))).expect("it is listened on");
    login.allow(&server);
    login.finish().expect(0);

    assert_eq!((parsed.host_str(), parsed.path()), (Some("127.0.0.1"), "/callback"));
    assert_eq!(server.grants("authorization_code")[0].expect("redirect_uri"), uri);
}

#[test]
fn parameters_in_the_endpoint_stay_as_they_are_and_come_first() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    let endpoint = format!("{}/authorize?p=B2C_1_signin&x=a%2Bb", server.url());
    keyfob.plain_provider("plain", &server, &format!("authorization_endpoint = \"{endpoint}\""));

    let login = keyfob.begin(&["login", "plain"]);

    assert!(login.url.starts_with(&format!("{endpoint}&")), "{}", login.url);
    login.allow(&server);
    login.finish().expect(0);
}

#[test]
fn a_parameter_of_ours_in_the_endpoint_is_not_sent_twice() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    for name in ["state=x", "client_id=y", "redirect_uri=https%3A%2F%2Fevil.example"] {
        let endpoint = format!("{}/authorize?{name}", server.url());
        let _ = std::fs::remove_file(keyfob.registry_file());
        keyfob.plain_provider("plain", &server, &format!("authorization_endpoint = \"{endpoint}\""));

        let finished = keyfob.run(&["login", "plain", "--json", "--timeout", "1"]);

        let key = name.split('=').next().unwrap_or_default();
        match keyfob.opened().last() {
            // Kept and not repeated would be another's value: only a refusal is right.
            Some(url) => panic!("{url} was opened: {finished:#?}"),
            None => drop(finished.error_of(SECURITY_OR_CONFIG, &[key])),
        }
    }
}

#[test]
fn an_authorization_endpoint_that_is_no_web_address_is_not_opened() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let port = server.address().port();
    for (endpoint, word) in [
        ("file:///etc/passwd".to_owned(), "file"),
        ("javascript:alert(1)".to_owned(), "javascript"),
        ("ftp://127.0.0.1/authorize".to_owned(), "ftp"),
        ("data:text/html,hello".to_owned(), "data"),
        ("http://idp.example/authorize".to_owned(), "http"),
        ("http://127.0.0.1.evil.example/authorize".to_owned(), "authorization_endpoint"),
        ("http://localhost.evil.example/authorize".to_owned(), "authorization_endpoint"),
        ("http://0.0.0.0/authorize".to_owned(), "authorization_endpoint"),
        (format!("http://user:pw@127.0.0.1:{port}/authorize"), "authorization_endpoint"),
        (format!("http://127.0.0.1:{port}/authorize#frag"), "fragment"),
        ("https:///authorize".to_owned(), "authorization_endpoint"),
        ("https://idp.example\\@evil.example/".to_owned(), "authorization_endpoint"),
        ("java\tscript:alert(1)".to_owned(), "authorization_endpoint"),
        ("-version".to_owned(), "authorization_endpoint"),
        (String::new(), "authorization_endpoint"),
    ] {
        server.change(|settings| settings.metadata["authorization_endpoint"] = json!(endpoint));
        let _ = std::fs::remove_dir_all(keyfob.home().join(".cache"));
        refused(&keyfob, &["login", "test"], &[(11, "security"), (12, "protocol"), (9, "config")], &[word]);
    }
    keyfob.plain_provider("plain", &server, "authorization_endpoint = \"file:///etc/passwd\"");
    refused(&keyfob, &["login", "plain"], SECURITY_OR_CONFIG, &["authorization_endpoint"]);
    assert_eq!(server.requests_to("/token").len(), 0);
}

#[test]
fn nothing_in_an_address_becomes_a_command_or_an_option() {
    let server = Server::start();
    let mut keyfob = Keyfob::with(&server);
    let (opened, counted) = (keyfob.aside().join("opened"), keyfob.aside().join("counted"));
    let lines = format!("echo $# >>'{}'\nprintf '%s\\n' \"$1\" >>'{}'", counted.display(), opened.display());
    keyfob.set("KEYFOB_BROWSER", keyfob.script("counting", &lines));
    let touched = keyfob.aside().join("touched");
    let evil = format!("$(touch {0});`touch {0}`|touch {0} ' \" & %u --flag $IFS", touched.display());
    server.change(|settings| {
        settings.metadata["authorization_endpoint"] = json!(format!("{}/authorize?x={evil}", server.url()));
    });

    let login = keyfob.begin(&["login", "test"]);
    assert!(!login.url.contains([' ', '"', '\'', '\n']), "{}", login.url);
    login.allow(&server);
    login.finish().expect(0);

    assert_eq!(std::fs::read_to_string(counted).unwrap_or_default(), "1\n");
    assert!(!touched.exists());
}

#[test]
fn parameters_of_the_protocol_cannot_be_set_from_outside() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    for name in [
        "client_id",
        "redirect_uri",
        "response_type",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "scope",
        "request",
        "request_uri",
    ] {
        refused(&keyfob, &["login", "test", "--param", &format!("{name}=x")], &[(2, "usage")], &[name]);
        let id = format!("p-{}", name.replace('_', "-"));
        keyfob.provider(&id, &server, &format!("authorize_params = {{ {name} = \"x\" }}"));
        refused(&keyfob, &["login", &id], &[(9, "config")], &[name]);
    }
    for wrong in ["x", "=x", "client_secret=x", "access_token=x"] {
        refused(&keyfob, &["login", "test", "--param", wrong], &[(2, "usage")], &[]);
    }
    assert_eq!(server.requests_to("/token").len(), 0);
}

#[test]
fn other_response_types_and_no_pkce_are_not_to_be_had_by_accident() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    keyfob.provider("implicit", &server, "response_type = \"token\"");
    refused(&keyfob, &["login", "implicit"], &[(9, "config")], &["response_type", "implicit"]);
    keyfob.provider("test", &server, "");
    server.change(|settings| settings.metadata["code_challenge_methods_supported"] = json!(["plain"]));
    refused(&keyfob, &["login", "test"], SECURITY_OR_CONFIG, &["PKCE", "S256"]);
}

#[test]
fn resources_are_sent_in_every_request() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let (one, two) = ("https://api.example/a", "https://api.example/b");

    let arguments = ["login", "test", "--resource", one, "--resource", two];
    keyfob.log_in(&server, &arguments).expect(0);
    keyfob.run(&["refresh", "test"]).expect(0);

    for path in ["/authorize", "/token"] {
        for request in server.requests_to(path) {
            assert_eq!(request.all("resource"), [one, two], "{path}");
        }
    }
    assert_eq!(keyfob.status("test")["resource"], json!([one, two]));
}

#[test]
fn a_resource_is_an_absolute_uri_without_fragment() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    for wrong in ["https://api.example/#x", "api", "", "/a"] {
        refused(&keyfob, &["login", "test", "--resource", wrong], &[(2, "usage")], &["resource"]);
    }
}

#[test]
fn known_parameters_are_passed_on_and_claims_must_be_json() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    refused(&keyfob, &["login", "test", "--param", "claims={bad"], &[(2, "usage")], &["claims", "column"]);
    let claims = r#"{"id_token":{"email":{"essential":true}}}"#;
    let given = ["prompt=consent", "login_hint=a+b@example.com", &format!("claims={claims}")];

    let login = keyfob.begin(&["login", "test", "--param", given[0], "--param", given[1], "--param", given[2]]);

    assert_eq!(login.parameter("prompt").as_deref(), Some("consent"));
    assert_eq!(login.parameter("login_hint").as_deref(), Some("a+b@example.com"));
    let sent: Value = serde_json::from_str(&login.parameter("claims").expect("claims")).expect("JSON");
    assert_eq!(sent, serde_json::from_str::<Value>(claims).expect("JSON"));
    login.allow(&server);
    login.finish().expect(0);
}

#[test]
fn an_address_that_is_too_long_is_refused_rather_than_cut() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let claims = format!("claims={{\"x\":\"{}\"}}", "a".repeat(40 * 1024));

    refused(&keyfob, &["login", "test", "--param", &claims], &[(2, "usage")], &[]);
}

#[test]
fn scopes_have_the_characters_of_the_specification() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    for wrong in ["a\nb", "a\"b", "a\\b", "ä", "a\u{1b}[2J", "a\u{7f}"] {
        refused(&keyfob, &["login", "test", "--scope", wrong], &[(2, "usage")], &["scope"]);
    }
}

#[test]
fn the_scope_separator_of_the_entry_joins_them() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    keyfob.plain_provider("plain", &server, "scope_separator = \",\"");

    let login = keyfob.begin(&["login", "plain"]);

    assert_eq!(login.parameter("scope").as_deref(), Some("a,b"));
}
