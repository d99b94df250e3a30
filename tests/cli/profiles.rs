//! What the profile FAPI 2.0 demands of servers and entries, told before anybody is asked for anything.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::support::{Keyfob, Server};

const CERTIFICATE: &str = include_str!("../../src/system/http/tls/client.crt");
const KEY: &str = include_str!("../../src/system/http/tls/client.key");

/// A server that has everything.
fn server() -> Server {
    let server = Server::start();
    let pushed = format!("{}/par", server.url());
    server.change(|settings| {
        let more = json!({
            "pushed_authorization_request_endpoint": pushed,
            "authorization_response_iss_parameter_supported": true,
            "tls_client_certificate_bound_access_tokens": true,
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        });
        settings.metadata.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    });
    server
}

/// An entry that says everything, changed in one line.
fn with(server: &Server, key: &str, line: &str) -> Keyfob {
    let keyfob = Keyfob::new();
    let source = |name: &str, text: &str| {
        let path = keyfob.aside().join(name);
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a private file");
        format!("{{ file = {:?} }}", path.display().to_string())
    };
    let lines = [
        ("profile", "\"fapi2\"".to_owned()),
        ("client_auth", "\"private_key_jwt\"".to_owned()),
        ("tls_client_certificate_bound_access_tokens", "true".to_owned()),
        ("private_key", source("key.pem", KEY)),
        ("client_certificate", source("certificate.pem", CERTIFICATE)),
    ];
    let mut entry: Vec<String> =
        lines.iter().filter(|(name, _)| *name != key).map(|(name, value)| format!("{name} = {value}")).collect();
    entry.extend((!line.is_empty()).then(|| format!("{key} = {line}")));
    keyfob.provider("test", server, &entry.join("\n"));
    keyfob
}

#[track_caller]
fn refused(server: &Server, keyfob: &Keyfob, code: i32, name: &str, word: &str) {
    let finished = keyfob.run(&["login", "test", "--json", "--timeout", "3"]);

    finished.error_naming(code, name, &[word]);
    assert_eq!(keyfob.opened(), [] as [&str; 0]);
    for path in ["/par", "/token"] {
        assert_eq!(server.requests_to(path).len(), 0, "{path}");
    }
}

#[test]
fn whatever_the_server_lacks_is_named() {
    for (member, without, word) in [
        ("pushed_authorization_request_endpoint", Value::Null, "PAR"),
        ("code_challenge_methods_supported", Value::Null, "PKCE"),
        (
            "authorization_response_iss_parameter_supported",
            json!(false),
            "authorization_response_iss_parameter_supported",
        ),
        ("tls_client_certificate_bound_access_tokens", json!(false), "tls_client_certificate_bound_access_tokens"),
    ] {
        let server = server();
        server.change(|settings| settings.metadata[member] = without);

        refused(&server, &with(&server, "", ""), 11, "security", word);
    }
    let server = server();
    server
        .change(|settings| settings.metadata["token_endpoint_auth_methods_supported"] = json!(["client_secret_basic"]));
    let keyfob = with(&server, "", "");
    let finished = keyfob.run(&["login", "test", "--json", "--timeout", "3"]);
    finished.error_naming(11, "security", &["token_endpoint_auth_methods_supported"]);
    assert_eq!(keyfob.opened(), [] as [&str; 0]);
}

#[test]
fn whatever_the_entry_says_against_it_is_named() {
    let server = server();
    for (key, line, word) in [
        ("require_pushed_authorization_requests", "false", "require_pushed_authorization_requests"),
        ("pkce", "\"off\"", "pkce"),
        ("client_assertion_audience", "\"token_endpoint\"", "client_assertion_audience"),
        ("client_auth", "\"none\"", "client_auth"),
        ("id_token_signed_response_alg", "\"RS256\"", "RS256"),
        ("request_object_signing_alg", "\"ES384\"", "ES384"),
    ] {
        refused(&server, &with(&server, key, line), 9, "config", word);
    }
}

#[test]
fn an_entry_without_a_key_is_incomplete() {
    let server = server();

    refused(&server, &with(&server, "private_key", ""), 9, "config", "private_key");
}
