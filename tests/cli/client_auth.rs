//! Clients that prove who they are with a secret that stays here, a key of their own, or a certificate.

mod front;
mod mutual_tls;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use keyfob::protocol::jose::{Algorithm, JwkSet, Jws, VerificationKeys};
use keyfob::secret::Secret;
use serde_json::{Value, json};

use crate::support::{Answer, Keyfob, Request, Server, now};

/// Keys that were made for tests; they guard nothing.
const RSA: &str = include_str!("../../src/protocol/jose/signer/rsa.pem");
const RSA_PUBLIC: &str = include_str!("../../src/protocol/jose/signer/rsa.json");
const P256: &str = include_str!("../../src/protocol/jose/signer/p256.pem");
const P256_SEC1: &str = include_str!("../../src/protocol/jose/signer/sec1.pem");
const P256_JWK: &str = include_str!("../../src/protocol/jose/signer/p256.jwk.json");
const P256_PUBLIC: &str = include_str!("../../src/protocol/jose/signer/p256.json");
const P521: &str = include_str!("../../src/protocol/jose/signer/p521.pem");
const P521_PUBLIC: &str = include_str!("../../src/protocol/jose/signer/p521.json");
const ED25519: &str = include_str!("../../src/protocol/jose/signer/ed25519.pem");
const ED25519_PUBLIC: &str = include_str!("../../src/protocol/jose/signer/ed25519.json");
/// `P256` under the passphrase `correct-horse`.
const ENCRYPTED: &str = include_str!("../../src/protocol/jose/signer/encrypted.pem");
/// The certificate of `CERTIFIED_KEY`.
const CERTIFICATE: &str = include_str!("../../src/system/http/tls/client.crt");
const CERTIFIED_KEY: &str = include_str!("../../src/system/http/tls/client.key");

const SECRET: &str = "a-secret-of-more-than-sixty-four-bytes-as-an-hmac-with-sha-512-wants-it";

/// A private file with this in it, as a secret source.
fn source(keyfob: &Keyfob, name: &str, text: &str) -> String {
    let path = keyfob.aside().join(name);
    fs::write(&path, text).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a private file");
    format!("{{ file = {:?} }}", path.display().to_string())
}

/// A server with the client `signed`, which proves itself with an assertion.
fn server() -> Server {
    let server = Server::start();
    server.change(|settings| {
        settings.clients.insert("signed".into(), ("private_key_jwt", String::new()));
    });
    server
}

/// A provider `test` of `server` whose client has the key `key`.
fn with_key(server: &Server, key: &str, more: &str) -> Keyfob {
    let keyfob = Keyfob::new();
    let key = source(&keyfob, "key.pem", key);
    let entry = format!("client_id = \"signed\"\nclient_auth = \"private_key_jwt\"\nprivate_key = {key}\n{more}");
    keyfob.provider("test", server, &entry);
    keyfob
}

/// What an assertion is verified with.
enum With<'a> {
    Key(&'a str),
    Secret(&'a str),
}

/// Judges the assertion of a request as RFC 7523 §3 has it; returns its header and its `jti`.
#[track_caller]
fn judged(request: &Request, with: &With<'_>, algorithm: Algorithm, audience: &str) -> (Value, String) {
    assert_eq!(request.expect("client_assertion_type"), "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    assert_eq!((request.header("authorization"), request.parameter("client_secret")), (None, None));
    let assertion = request.expect("client_assertion");
    let jws = Jws::parse(&assertion).expect("a JWT");
    let header = assertion.split('.').next().expect("a header");
    let header = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, header).expect("base64url");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    let claims = match with {
        With::Key(public) => {
            let mut key: Value = serde_json::from_str(public).expect("a JWK");
            key["kid"] = header["kid"].as_str().unwrap_or("any").into();
            let set = JwkSet::parse(json!({ "keys": [key] }).to_string().as_bytes()).expect("a key set");
            jws.verify(VerificationKeys::Published(&set), &[algorithm])
        }
        With::Secret(secret) => jws.verify(VerificationKeys::ClientSecret(&Secret::new(*secret)), &[algorithm]),
    };
    let claims = claims.expect("a right signature").into_claims();
    let (iat, exp) = (claims["iat"].as_i64().expect("a time"), claims["exp"].as_i64().expect("a time"));
    assert_eq!(
        (&claims["iss"], &claims["sub"], &claims["aud"]),
        (&json!("signed"), &json!("signed"), &json!(audience))
    );
    assert!((now() - iat).abs() < 60 && exp > now() && exp <= now() + 300, "{claims:?}");
    assert_eq!(header["typ"], "JWT");
    (header, claims["jti"].as_str().expect("an identifier").to_owned())
}

#[test]
fn each_kind_and_form_of_key_signs_at_login_refresh_and_logout() {
    let set = json!({ "keys": [serde_json::from_str::<Value>(P256_JWK).expect("a JWK")] }).to_string();
    let passphrase = "private_key_passphrase = \"correct-horse\"";
    for (key, more, public, algorithm) in [
        (RSA, "", RSA_PUBLIC, Algorithm::RS256),
        (RSA, "token_endpoint_auth_signing_alg = \"PS384\"", RSA_PUBLIC, Algorithm::PS384),
        (P256_SEC1, "", P256_PUBLIC, Algorithm::ES256),
        (P256_JWK, "", P256_PUBLIC, Algorithm::ES256),
        (&set, "", P256_PUBLIC, Algorithm::ES256),
        (ENCRYPTED, passphrase, P256_PUBLIC, Algorithm::ES256),
        (P521, "", P521_PUBLIC, Algorithm::ES512),
        (ED25519, "", ED25519_PUBLIC, Algorithm::EdDSA),
    ] {
        let server = server();
        let keyfob = with_key(&server, key, more);

        keyfob.log_in(&server, &["login", "test"]).expect(0);
        keyfob.run(&["refresh", "test"]).expect(0);
        keyfob.run(&["logout", "test"]).expect(0);

        let audience = format!("{}/token", server.url());
        let sent: Vec<Request> = ["/token", "/revoke"].iter().flat_map(|path| server.requests_to(path)).collect();
        assert_eq!(sent.len(), 4);
        let seen: BTreeSet<String> =
            sent.iter().map(|request| judged(request, &With::Key(public), algorithm, &audience).1).collect();
        assert_eq!(seen.len(), 4, "each has an identifier of its own");
    }
}

#[test]
fn fifty_assertions_have_fifty_identifiers() {
    let server = server();
    let keyfob = with_key(&server, P256, "");
    keyfob.log_in(&server, &["login", "test"]).expect(0);
    server.forget_requests();

    for _ in 0..50 {
        keyfob.run(&["refresh", "test"]).expect(0);
    }

    let audience = format!("{}/token", server.url());
    let sent = server.grants("refresh_token");
    let seen: BTreeSet<String> =
        sent.iter().map(|request| judged(request, &With::Key(P256_PUBLIC), Algorithm::ES256, &audience).1).collect();
    assert_eq!((sent.len(), seen.len()), (50, 50));
    assert!(seen.iter().all(|jti| jti.len() >= 22), "{seen:?}");
}

#[test]
fn the_audience_is_one_name_of_the_server_as_configured() {
    let server = server();
    let keyfob = with_key(&server, P256, "client_assertion_audience = \"issuer\"");

    keyfob.log_in(&server, &["login", "test"]).expect(0);

    judged(&server.requests_to("/token")[0], &With::Key(P256_PUBLIC), Algorithm::ES256, &server.url());
}

#[test]
fn the_header_names_the_key_and_its_certificate() {
    let server = server();
    let keyfob = Keyfob::new();
    let (key, certificate) =
        (source(&keyfob, "client.key", CERTIFIED_KEY), source(&keyfob, "certificate", CERTIFICATE));
    keyfob.provider(
        "test",
        &server,
        &format!(
            "client_id = \"signed\"\nclient_auth = \"private_key_jwt\"\nprivate_key = {key}\n\
             client_certificate = {certificate}\nprivate_key_id = \"the-key\""
        ),
    );

    keyfob.log_in(&server, &["login", "test"]).expect(0);

    let assertion = server.requests_to("/token")[0].expect("client_assertion");
    let header = assertion.split('.').next().expect("a header");
    let header = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, header).expect("base64url");
    assert_eq!(
        serde_json::from_slice::<Value>(&header).expect("JSON"),
        // Computed by OpenSSL, see the tests of `system::http::tls`.
        json!({ "alg": "ES256", "typ": "JWT", "kid": "the-key", "x5t#S256": front::THUMBPRINT })
    );
}

#[test]
fn a_secret_keys_the_assertion_with_the_hash_that_the_server_takes() {
    for (offered, more, algorithm) in [
        (Value::Null, "", Algorithm::HS256),
        (json!(["RS256", "HS512", "HS384"]), "", Algorithm::HS384),
        (json!(["RS256", "HS512"]), "", Algorithm::HS512),
        (json!(["HS256"]), "token_endpoint_auth_signing_alg = \"HS512\"", Algorithm::HS512),
    ] {
        let server = server();
        server.change(|settings| settings.metadata["token_endpoint_auth_signing_alg_values_supported"] = offered);
        let keyfob = Keyfob::new();
        let secret = source(&keyfob, "secret", SECRET);
        let entry =
            format!("client_id = \"signed\"\nclient_auth = \"client_secret_jwt\"\nclient_secret = {secret}\n{more}");
        keyfob.provider("test", &server, &entry);

        keyfob.log_in(&server, &["login", "test"]).expect(0);

        let sent = server.requests_to("/token");
        judged(&sent[0], &With::Secret(SECRET), algorithm, &format!("{}/token", server.url()));
        assert!(!String::from_utf8_lossy(&sent[0].body).contains(SECRET));
    }
}

#[test]
fn a_key_that_does_not_fit_is_told_with_its_kind_and_nothing_is_sent_with_it() {
    let server = server();
    server.change(|settings| {
        settings.metadata["token_endpoint_auth_signing_alg_values_supported"] = json!(["ES256", "HS256"]);
    });
    let broken = P256.replace("MIGH", "AAAA");
    let demanded = "token_endpoint_auth_signing_alg = \"ES256\"";
    for (key, more, words) in [
        (RSA, "", &["RSA", "RS256"][..]),
        (RSA, demanded, &["RSA", "ES256"]),
        (&broken, "", &["damaged"]),
        ("no key at all", "", &["neither a PEM file nor a JWK"]),
        (CERTIFICATE, "", &["holds no private key"]),
        (ENCRYPTED, "", &["encrypted", "private_key_passphrase"]),
        (ENCRYPTED, "private_key_passphrase = \"wrong\"", &["passphrase is wrong"]),
    ] {
        let keyfob = with_key(&server, key, more);

        let login = keyfob.run(&["login", "test", "--json"]);

        login.error_naming(9, "config", words);
        let body = key.lines().nth(1).filter(|line| line.len() > 20);
        assert!(body.is_none_or(|line| !login.stderr.contains(line)), "{}", login.stderr);
        assert_eq!((server.requests_to("/token").len(), keyfob.opened().len()), (0, 0), "{words:?}");
    }
    let keyfob = Keyfob::new();
    let secret = source(&keyfob, "secret", SECRET);
    server.change(|settings| settings.metadata["token_endpoint_auth_signing_alg_values_supported"] = json!(["RS256"]));
    let entry = format!("client_id = \"signed\"\nclient_auth = \"client_secret_jwt\"\nclient_secret = {secret}");
    keyfob.provider("test", &server, &entry);
    keyfob.run(&["login", "test", "--json"]).error_naming(9, "config", &["RS256", "client_secret_jwt"]);
    assert_eq!(keyfob.opened().len(), 0);
}

#[test]
fn a_key_without_a_secret_is_used_unasked_where_the_server_lists_it() {
    let server = server();
    let keyfob = Keyfob::new();
    let key = source(&keyfob, "client.key", P256);
    keyfob.provider("test", &server, &format!("client_id = \"signed\"\nprivate_key = {key}"));

    // Basic and post are listed, and nobody has a secret for them.
    keyfob.run(&["login", "test", "--json"]).error_naming(9, "config", &["private_key_jwt"]);
    assert_eq!(server.requests_to("/token").len(), 0);

    server.change(|settings| {
        settings.metadata["token_endpoint_auth_methods_supported"] = json!(["client_secret_post", "private_key_jwt"]);
    });
    keyfob.log_in(&server, &["login", "test"]).expect(0);
    let audience = format!("{}/token", server.url());
    judged(&server.requests_to("/token")[0], &With::Key(P256_PUBLIC), Algorithm::ES256, &audience);
}

#[test]
fn another_method_is_not_tried_when_the_server_refuses_one() {
    let server = server();
    let keyfob = with_key(&server, P256, "");
    server.always("/token", Answer::error(401, "invalid_client"));

    let refused = keyfob.log_in(&server, &["login", "test", "--json"]);

    refused.error_naming(5, "refused", &["invalid_client"]);
    assert_eq!(server.requests_to("/token").len(), 1);
}

#[test]
fn a_key_of_the_command_line_comes_from_a_file_a_variable_or_standard_input_and_never_as_it_is() {
    let server = server();
    let mut keyfob = Keyfob::new();
    keyfob.provider("test", &server, "client_id = \"signed\"\nclient_auth = \"private_key_jwt\"");
    keyfob.set("A_KEY_OF_MINE", P256);
    source(&keyfob, "client.key", P256);
    let file = format!("private_key=@{}", keyfob.aside().join("client.key").display());

    for set in [file.as_str(), "private_key=env:A_KEY_OF_MINE"] {
        keyfob.log_in(&server, &["login", "test", "--set", set]).expect(0);
        keyfob.run(&["refresh", "test"]).expect(0);
    }
    keyfob.run_with_input(&["refresh", "test", "--set", "private_key=-"], P256).expect(0);
    let written = keyfob.run(&["login", "test", "--set", &format!("private_key={P256}"), "--json"]);
    written.error(2, "usage");
    assert!(!written.stderr.contains("MIGH"));

    let audience = format!("{}/token", server.url());
    for request in server.requests_to("/token") {
        judged(&request, &With::Key(P256_PUBLIC), Algorithm::ES256, &audience);
    }
}

#[test]
fn a_key_file_that_others_can_read_is_closed_to_them_and_told() {
    let server = server();
    let keyfob = with_key(&server, P256, "");
    let key = keyfob.aside().join("key.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("its owner may");

    let login = keyfob.log_in(&server, &["login", "test"]).expect(0);

    assert!(login.stderr.contains("could be read by others"), "{}", login.stderr);
    assert_eq!(crate::support::mode(&key), 0o600);
}

#[test]
fn setup_writes_down_where_a_key_is_or_keeps_it_in_the_store() {
    let server = server();
    let answer = Answer::error(400, "invalid_grant");
    server.always("/token", answer);
    let keyfob = Keyfob::new();
    keyfob.provider("test", &server, "client_id = \"signed\"\nclient_auth = \"private_key_jwt\"");
    source(&keyfob, "client.key", P256);
    let key = keyfob.aside().join("client.key").display().to_string();
    let setup = ["setup", "test", "--client-id", "signed", "--yes", "--no-login"];
    let entry = || {
        let parsed: toml::Table = fs::read_to_string(keyfob.registry_file()).expect("a file").parse().expect("TOML");
        parsed["providers"]["test"]["private_key"].clone()
    };

    let bare = keyfob.run(&[&setup[..], &["--json"]].concat());
    bare.error_naming(9, "config", &["--private-key-file"]);

    keyfob.run(&[&setup[..], &["--private-key-file", &key]].concat()).expect(0);
    assert_eq!(entry()["file"].as_str(), Some(key.as_str()));

    keyfob.run_with_input(&[&setup[..], &["--private-key-file", "-"]].concat(), P256).expect(0);
    assert_eq!(entry()["store"].as_bool(), Some(true));
    fs::remove_file(&key).expect("it is not needed any more");
    server.recover();
    keyfob.log_in(&server, &["login", "test"]).expect(0);
    let line = P256.lines().nth(1).expect("a key");
    assert!(!keyfob.stored().values().any(|file| crate::support::contains(file, line.as_bytes())));

    let audience = format!("{}/token", server.url());
    let sent = server.requests_to("/token");
    assert_eq!(sent.len(), 3, "each setup asked once, then the login");
    for request in sent {
        judged(&request, &With::Key(P256_PUBLIC), Algorithm::ES256, &audience);
    }
    keyfob.run(&["provider", "remove", "test"]).expect(0);
    keyfob.provider(
        "test",
        &server,
        "client_id = \"signed\"\nclient_auth = \"private_key_jwt\"\nprivate_key = { store = true }",
    );
    keyfob.run(&["login", "test", "--json"]).error_naming(9, "config", &["the secret store has none"]);
}

#[test]
fn setup_refuses_a_key_that_is_none_before_anything_is_asked_or_written() {
    let server = server();
    let keyfob = Keyfob::new();
    keyfob.provider("test", &server, "client_id = \"signed\"\nclient_auth = \"private_key_jwt\"");
    let before = fs::read(keyfob.registry_file()).expect("a registry");

    for (text, words) in [("canary", "neither a PEM file"), (ENCRYPTED, "private_key_passphrase")] {
        source(&keyfob, "client.key", text);
        let key = keyfob.aside().join("client.key").display().to_string();
        let options = ["--client-id", "signed", "--yes", "--private-key-file", &key, "--json"];
        let refused = keyfob.run(&[&["setup", "test"], &options[..]].concat());

        refused.error_naming(9, "config", &[words]);
        assert!(!refused.stderr.contains("canary"));
    }
    assert_eq!(fs::read(keyfob.registry_file()).expect("a registry"), before);
    assert_eq!(server.requests_to("/token").len(), 0);
}
