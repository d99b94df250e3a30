//! Clients that prove who they are with an assertion or a certificate, at a server nobody here wrote.

use std::fs;

use crate::support::{Answer, Browser, Keyfob, Request, Storage, TestServer, needs, softhsm};

/// Logs in, renews and logs out; returns each request in the client's name.
fn journey(server: &TestServer, keyfob: &Keyfob) -> Vec<Request> {
    keyfob.login("test");
    let first = keyfob.token("test");
    keyfob.run(&["refresh", "test"]).expect(0);
    assert_ne!(keyfob.token("test"), first);
    assert_eq!(keyfob.leaks(server).len(), 0, "{:#?}", keyfob.leaks(server));
    keyfob.run(&["logout", "test"]).expect(0);
    let sent: Vec<Request> = server
        .requests()
        .into_iter()
        .filter(|request| request.path() == "/token" || request.path() == "/token/revocation")
        .collect();
    assert!(sent.len() >= 3 && sent.iter().all(|request| request.status() == 200), "{sent:#?}");
    sent
}

fn with(server: &TestServer, client_id: &str, more: &str) -> Keyfob {
    let mut keyfob = Keyfob::new(&Storage::File);
    keyfob.person(Answer::Allow);
    keyfob.provider("test", server, client_id, more);
    keyfob
}

#[test]
fn an_assertion_keyed_with_the_secret_is_accepted_for_either_audience() {
    needs!(Server);

    for audience in ["token_endpoint", "issuer"] {
        let server = TestServer::start();
        let more = format!("client_auth = \"client_secret_jwt\"\nclient_assertion_audience = \"{audience}\"");
        let keyfob = with(&server, "cli-secret-jwt", &more);

        for request in journey(&server, &keyfob) {
            assert_eq!((request.parameter("client_secret"), request.header("authorization")), (None, None));
            assert!(request.parameter("client_assertion").is_some(), "{request:#?}");
        }
    }
}

#[test]
fn an_assertion_of_each_kind_of_key_is_accepted() {
    needs!(Server);

    // The RSA key signs either way; the JWK beside a PEM file names the key.
    for (key, algorithm) in [
        ("ES256", "ES256"),
        ("ES256.jwk", "ES256"),
        ("RS256", "RS256"),
        ("RS256", "PS256"),
        ("RS256.jwk", "PS256"),
        ("EdDSA", "EdDSA"),
    ] {
        let server = TestServer::start();
        let file = match key.strip_suffix(".jwk") {
            Some(name) => server.file(&format!("keys.{name}")).replace(".pem", ".jwk"),
            None => server.file(&format!("keys.{key}")).to_owned(),
        };
        let more = format!(
            "client_auth = \"private_key_jwt\"\nprivate_key = {{ file = '{file}' }}\n\
             token_endpoint_auth_signing_alg = \"{algorithm}\"\nclient_assertion_audience = \"issuer\""
        );
        let keyfob = with(&server, "cli-private-key-jwt", &more);

        journey(&server, &keyfob);
    }
}

/// A person `test` at the server over https, whose authority is trusted.
fn over_tls(server: &TestServer, client_id: &str, method: &str, certificate: &str) -> Keyfob {
    let mut keyfob = Keyfob::new(&Storage::File);
    let browser = Browser::http(&keyfob.aside(), Answer::Allow);
    let script = fs::read_to_string(&browser.command).expect("a script");
    let trusting = format!("#!/bin/sh\nexport BROWSER_CA='{}'\n", server.file("ca"));
    fs::write(&browser.command, script.replacen("#!/bin/sh\n", &trusting, 1)).expect("the script can be changed");
    keyfob.browser(browser);
    keyfob.set("KEYFOB_CA_BUNDLE", server.file("ca"));
    let entry = format!(
        "schema = 1\n[providers.test]\nprotocol = \"oidc\"\nissuer = \"{issuer}\"\nclient_id = \"{client_id}\"\n\
         scopes = [\"openid\", \"offline_access\", \"email\", \"api:read\"]\nresource = \"{issuer}/api\"\n\
         authorize_params = {{ prompt = \"consent\" }}\nclient_auth = \"{method}\"\n\
         tls_client_certificate_bound_access_tokens = true\n\
         private_key = {{ file = '{key}' }}\nclient_certificate = {{ file = '{chain}' }}\n",
        issuer = server.tls_issuer(),
        key = server.file(&format!("{certificate}_key")),
        chain = server.file(&format!("{certificate}_cert")),
    );
    fs::write(keyfob.home().join("config/providers.toml"), entry).expect("the registry can be written");
    keyfob
}

#[test]
fn a_certificate_proves_who_the_client_is_and_its_tokens_are_bound_to_it() {
    needs!(Server);

    for (client_id, method, certificate) in
        [("cli-mtls", "tls_client_auth", "client"), ("cli-mtls-self", "self_signed_tls_client_auth", "self")]
    {
        let server = TestServer::start();
        let keyfob = over_tls(&server, client_id, method, certificate);
        let resource = format!("{}/api", server.tls_issuer());

        keyfob.run(&["login", "test", "--resource", &resource, "--grant", "authorization_code"]).expect(0);
        keyfob.run(&["refresh", "test"]).expect(0);

        let api = format!("{}/api", server.mtls_base());
        let answer = keyfob.run(&["request", "test", &api, "--fail"]).expect(0);
        assert!(answer.stdout.contains("x5t#S256"), "{answer:#?}");
        // Without the certificate the very token is worth nothing.
        let token = keyfob.token("test");
        let bare = keyfob.run(&["request", "test", &format!("{}/api", server.tls_issuer()), "--fail"]);
        assert!(bare.code != 0 && !bare.stderr.contains(&token), "{bare:#?}");
        keyfob.run(&["logout", "test"]).expect(0);
        for request in server.requests_to("/token") {
            assert_eq!((request.status(), request.parameter("client_id")), (200, Some(client_id)), "{request:#?}");
        }
        // One that is a JWT cannot be revoked there, which is said to those only whom the server knows.
        assert!(server.requests_to("/token/revocation").iter().all(|request| request.status() != 401));
    }
}

/// A token of SoftHSM that holds the key of the file `key`, and keyfob with a client whose key is there.
fn with_module(server: &TestServer, key: &str, algorithm: &str, pin: &str) -> Keyfob {
    let mut keyfob = Keyfob::new(&Storage::File);
    let folder = keyfob.aside();
    fs::create_dir_all(folder.join("tokens")).expect("a folder");
    let settings = format!(
        "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
        folder.join("tokens").display()
    );
    fs::write(folder.join("softhsm2.conf"), settings).expect("settings");
    keyfob.set("SOFTHSM2_CONF", folder.join("softhsm2.conf"));
    keyfob.person(Answer::Allow);
    keyfob.shell("softhsm2-util --init-token --free --label 'test token' --pin 123456 --so-pin 654321").expect(0);
    keyfob
        .shell(&format!("softhsm2-util --import '{key}' --token 'test token' --label client --id 01 --pin 123456"))
        .expect(0);
    fs::write(folder.join("pin"), pin).expect("a PIN");
    let module = softhsm().expect("a module");
    let more = format!(
        "client_auth = \"private_key_jwt\"\nprivate_key = \"pkcs11:token=test%20token;object=client;type=private?module-path={module}\"\n\
         private_key_passphrase = {{ file = '{}' }}\ntoken_endpoint_auth_signing_alg = \"{algorithm}\"\n\
         client_assertion_audience = \"issuer\"",
        folder.join("pin").display()
    );
    keyfob.provider("test", server, "cli-private-key-jwt", &more);
    keyfob
}

#[test]
fn a_key_that_never_leaves_its_module_signs_for_the_client() {
    needs!(Server, SoftHsm);

    for (key, algorithm) in [("ES256", "ES256"), ("RS256", "RS256"), ("RS256", "PS256"), ("EdDSA", "EdDSA")] {
        let server = TestServer::start();
        let keyfob = with_module(&server, server.file(&format!("keys.{key}")), algorithm, "123456\n");

        for request in journey(&server, &keyfob) {
            assert!(request.parameter("client_assertion").is_some(), "{request:#?}");
        }
    }
}

#[test]
fn a_wrong_pin_is_told_before_anything_is_sent() {
    needs!(Server, SoftHsm);
    let server = TestServer::start();
    let keyfob = with_module(&server, server.file("keys.ES256"), "ES256", "000000");

    let refused = keyfob.run(&["login", "test"]).expect(9);

    assert!(refused.stderr.contains("PIN is wrong") && !refused.stderr.contains("000000"), "{refused:#?}");
    assert!(server.requests().is_empty());
}

#[test]
fn a_key_of_a_module_on_another_edwards_curve_is_refused_by_name() {
    /// Made for this test; it guards nothing.
    const ED448: &str = "-----BEGIN PRIVATE KEY-----\n\
        MEcCAQAwBQYDK2VxBDsEOXtjf2NiEyZjKS3foudUnBLOFr+NVh2RhxNAx0zd/+G1\n\
        qrQLBf3v5uZIx8yCdk/2FWN/Ne221XRi2Q==\n\
        -----END PRIVATE KEY-----\n";
    needs!(Server, SoftHsm);
    let server = TestServer::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ed448.pem");
    fs::write(&file, ED448).expect("a key");
    let keyfob = with_module(&server, &file.display().to_string(), "EdDSA", "123456\n");

    let refused = keyfob.run(&["login", "test"]).expect(9);

    assert!(refused.stderr.contains("Ed448"), "{refused:#?}");
    assert!(server.requests().is_empty());
}
