//! The conformance tables of two real servers: one with everything switched on, and a plain one of OAuth 2.0.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;

use serde_json::{Value, json};

use crate::support::{Finished, Keyfob, Storage, TestServer, needs};

fn announced(finished: &Finished) -> BTreeMap<String, bool> {
    let table = finished.json()["conformance"].as_array().cloned().expect("a table");
    let of = |line: &Value| (line["id"].as_str().expect("a name").to_owned(), line["announced"] == true);
    table.iter().map(of).collect()
}

/// Whether each feature is announced by one that publishes `document`: read from the document alone.
fn has(document: &Value, member: &str) -> bool {
    document.get(member).is_some_and(|value| !value.is_null() && *value != json!(false))
}

#[test]
fn the_table_of_a_server_with_everything_is_what_it_announces() {
    needs!(Server);
    let server = TestServer::start();
    let keyfob = Keyfob::new(&Storage::File);

    let finished = keyfob.run(&["doctor", server.issuer(), "--json"]).expect(0);

    let table = announced(&finished);
    let document = server.metadata();
    for (feature, member) in [
        ("iss", "authorization_response_iss_parameter_supported"),
        ("par", "pushed_authorization_request_endpoint"),
        ("jar_encrypted", "request_object_encryption_alg_values_supported"),
        ("jarm", "authorization_signing_alg_values_supported"),
        ("dpop", "dpop_signing_alg_values_supported"),
        ("mtls_bound", "tls_client_certificate_bound_access_tokens"),
        ("mtls_aliases", "mtls_endpoint_aliases"),
        ("rar", "authorization_details_types_supported"),
        ("device", "device_authorization_endpoint"),
        ("ciba", "backchannel_authentication_endpoint"),
        ("introspection", "introspection_endpoint"),
        ("introspection_signed", "introspection_signing_alg_values_supported"),
        ("revocation", "revocation_endpoint"),
        ("end_session", "end_session_endpoint"),
        ("userinfo", "userinfo_endpoint"),
        ("userinfo_signed", "userinfo_signing_alg_values_supported"),
        ("registration", "registration_endpoint"),
        ("client_id_metadata_document", "client_id_metadata_document_supported"),
    ] {
        assert_eq!(table[feature], has(&document, member), "{feature}");
    }
    for feature in ["pkce_s256", "iss", "par", "dpop", "device", "ciba", "introspection", "client_credentials"] {
        assert!(table[feature], "{feature}: this server has it");
    }
    assert_eq!(server.grants("authorization_code").len(), 0, "there is no client to ask about");
}

#[test]
fn a_healthy_client_of_it_is_known() {
    needs!(Server);
    let server = TestServer::start();
    let keyfob = Keyfob::with_client(&Storage::File, &server, "cli-basic");

    let finished = keyfob.run(&["doctor", "test", "--json"]).expect(0);

    let checks = finished.json()["checks"].as_array().cloned().expect("checks");
    let known = checks.iter().find(|check| check["id"] == "server.client").expect("a check of the client");
    assert_eq!(known["result"], "ok", "{known}");
    assert_eq!(keyfob.leaks(&server).len(), 0);
}

#[test]
fn a_token_is_introspected_by_its_client() {
    needs!(Server);
    let server = TestServer::start();
    let keyfob = Keyfob::with_client(&Storage::File, &server, "cli-basic");
    keyfob.login("test");

    let alive = keyfob.run(&["status", "test", "--check", "--json"]).expect(0).json();

    assert_eq!((&alive["checks"][0]["asked"], &alive["checks"][0]["active"]), (&json!("introspection"), &json!(true)));
    let asked = server.requests().into_iter().filter(|request| request.path().contains("introspect")).count();
    assert_eq!(asked, 1);
}

/// A server of RFC 8414 that has the authorization code and nothing more: the least that can be called OAuth 2.0.
fn plain() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let issuer = format!("http://{}", listener.local_addr().expect("an address"));
    let document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "response_types_supported": ["code"],
    })
    .to_string();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut line = String::new();
            let mut reader = BufReader::new(&stream);
            let _ = reader.read_line(&mut line);
            // The rest of the head, up to the empty line.
            loop {
                let mut header = String::new();
                if reader.read_line(&mut header).is_err() || header.trim().is_empty() {
                    break;
                }
            }
            let found = line.starts_with("GET /.well-known/oauth-authorization-server ");
            let (status, body) = if found { ("200 OK", document.as_str()) } else { ("404 Not Found", "{}") };
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    issuer
}

#[test]
fn the_table_of_a_plain_server_is_empty_but_for_the_default() {
    let keyfob = Keyfob::new(&Storage::File);

    let finished = keyfob.run(&["doctor", &plain(), "--json"]);

    let table: Vec<String> =
        announced(&finished).into_iter().filter(|(_, announced)| *announced).map(|(id, _)| id).collect();
    assert_eq!(table, ["client_authentication"], "RFC 8414 §2: client_secret_basic where nothing is said");
    assert_eq!(finished.json()["ok"], true, "{finished:#?}");
}
