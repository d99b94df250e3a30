//! How a request travels and how its answer comes back, against a server that nobody here wrote.

use std::fs;
use std::process::Command;

use crate::support::{Answer, Browser, Keyfob, Storage, TestServer, needs};

/// A person at a browser, and the provider `test` with `more` in its entry.
fn with(server: &TestServer, client_id: &str, more: &str) -> Keyfob {
    let mut keyfob = Keyfob::new(&Storage::File);
    keyfob.person(Answer::Allow);
    keyfob.provider("test", server, client_id, more);
    keyfob
}

/// Logs in and renews the session; returns the server.
fn journey(client_id: &str, more: impl FnOnce(&TestServer) -> String) -> TestServer {
    let server = TestServer::start();
    let keyfob = with(&server, client_id, &more(&server));
    keyfob.login("test");
    keyfob.run(&["refresh", "test"]).expect(0);
    assert_eq!(keyfob.leaks(&server).len(), 0, "{:#?}", keyfob.leaks(&server));
    server
}

/// The line of an entry that names one of the clients' keys.
fn key(server: &TestServer, name: &str) -> String {
    format!("private_key = {{ file = '{}' }}", server.file(&format!("keys.{name}")))
}

#[test]
fn a_request_is_pushed_because_the_server_takes_that() {
    needs!(Server);

    let server = journey("cli-par", |_| String::new());

    assert_eq!(server.requests_to("/request").len(), 1);
    let opened = &server.requests_to("/auth")[0];
    assert_eq!((opened.parameter("state"), opened.parameter("scope")), (None, None));
    assert!(opened.parameter("request_uri").is_some_and(|name| name.starts_with("urn:")));
}

#[test]
fn a_request_is_signed_by_value_and_pushed() {
    needs!(Server);
    for (pushed, line) in [(1, ""), (0, "require_pushed_authorization_requests = false\n")] {
        let server = journey("cli-jar", |server| {
            format!("client_auth = \"none\"\nrequire_signed_request_object = true\n{line}{}", key(server, "ES256"))
        });

        assert_eq!(server.requests_to("/request").len(), pushed);
    }
}

#[test]
fn a_request_is_encrypted_with_the_key_that_the_server_publishes() {
    needs!(Server);
    for (pushed, line) in [(1, ""), (0, "require_pushed_authorization_requests = false\n")] {
        let server = journey("cli-jar-encrypted", |server| {
            let encryption =
                "request_object_encryption_alg = \"ECDH-ES\"\nrequest_object_encryption_enc = \"A256GCM\"\n";
            format!("client_auth = \"none\"\n{encryption}{line}{}", key(server, "ES256"))
        });

        // What is pushed is noted as the server has opened it.
        let opened = server.requests_to("/auth");
        let parts = opened[0].parameter("request").map(|request| request.split('.').count());
        assert_eq!(parts, (pushed == 0).then_some(5));
        assert_eq!(server.requests_to("/request").len(), pushed);
    }
}

#[test]
fn a_signed_answer_is_verified_in_each_mode_and_algorithm() {
    needs!(Server);
    for (client_id, mode, algorithm) in [
        ("cli-jarm", "jwt", "RS256"),
        ("cli-jarm", "query.jwt", "RS256"),
        ("cli-jarm", "form_post.jwt", "RS256"),
        ("cli-jarm-es256", "jwt", "ES256"),
    ] {
        journey(client_id, |_| {
            format!("response_mode = \"{mode}\"\nauthorization_signed_response_alg = \"{algorithm}\"")
        });
    }
}

#[test]
fn an_answer_signed_with_another_algorithm_than_the_entry_says_is_refused() {
    needs!(Server);
    let server = TestServer::start();
    let keyfob = with(&server, "cli-jarm", "response_mode = \"jwt\"\nauthorization_signed_response_alg = \"ES256\"");

    let login = keyfob.run(&["login", "test", "--json", "--timeout", "20"]).expect(11);

    assert_eq!(login.error()["error"], "security");
    assert_eq!(server.grants("authorization_code").len(), 0);
}

#[test]
fn authorization_details_are_asked_for_and_granted() {
    needs!(Server);
    let server = TestServer::start();
    let keyfob = with(&server, "cli-par", "");
    let details = r#"[{"type":"payment_initiation","instructedAmount":{"currency":"EUR","amount":"123.50"}}]"#;
    let resource = format!("{}/api", server.issuer());
    let param = format!("authorization_details={details}");

    let login = keyfob.run(&["login", "test", "--resource", &resource, "--param", &param]).expect(0);

    assert!(!login.stderr.contains("authorization_details"), "{login:#?}");
    assert_eq!(server.requests_to("/request")[0].parameter("authorization_details"), Some(details));
    assert_eq!(server.grants("authorization_code")[0].parameter("authorization_details"), Some(details));
}

#[test]
fn details_that_the_server_does_not_take_end_the_login_before_the_browser() {
    needs!(Server);
    let server = TestServer::start();
    let keyfob = with(&server, "cli-par", "");
    let param = r#"authorization_details=[{"type":"payment_initiation"}]"#;

    let login = keyfob.run(&["login", "test", "--json", "--param", param]).expect(5);

    assert!(login.stderr.contains("invalid_authorization_details"), "{login:#?}");
    assert_eq!(keyfob.opened(), [] as [&str; 0]);
}

#[test]
fn a_strict_profile_finds_everything_it_wants() {
    needs!(Server);
    journey("cli-public", |_| "profile = \"strict\"".to_owned());
}

#[test]
fn an_id_token_encrypted_for_the_client_is_opened_and_verified() {
    needs!(Server);
    journey("cli-idtoken-encrypted", |server| {
        format!(
            "id_token_encrypted_response_alg = \"ECDH-ES\"\ndecryption_key = {{ file = '{}' }}",
            server.file("keys.ENC")
        )
    });
}

/// An entry for `client_id` under FAPI 2.0, at the server over https, whose authority is trusted. Its key is one that the
/// client has registered; `more` says how tokens are bound.
fn fapi2(server: &TestServer, client_id: &str, more: impl FnOnce(&Keyfob) -> String) -> Keyfob {
    let mut keyfob = Keyfob::new(&Storage::File);
    let browser = Browser::http(&keyfob.aside(), Answer::Allow);
    let script = fs::read_to_string(&browser.command).expect("a script");
    let trusting = format!("#!/bin/sh\nexport BROWSER_CA='{}'\n", server.file("ca"));
    fs::write(&browser.command, script.replacen("#!/bin/sh\n", &trusting, 1)).expect("the script can be changed");
    keyfob.browser(browser);
    keyfob.set("KEYFOB_CA_BUNDLE", server.file("ca"));
    let entry = format!(
        "schema = 1\n[providers.test]\nprotocol = \"oidc\"\nissuer = \"{issuer}\"\nclient_id = \"{client_id}\"\n\
         scopes = [\"openid\", \"offline_access\", \"email\", \"profile\"]\nauthorize_params = {{ prompt = \"consent\" }}\n\
         profile = \"fapi2\"\nclient_auth = \"private_key_jwt\"\nprivate_key = {{ file = '{key}' }}\n{more}\n",
        issuer = server.tls_issuer(),
        key = server.file("keys.ES256"),
        more = more(&keyfob),
    );
    fs::write(keyfob.home().join("config/providers.toml"), entry).expect("the registry can be written");
    keyfob
}

/// Lines that bind tokens to a certificate of the client's key.
fn certificate(server: &TestServer, keyfob: &Keyfob) -> String {
    let file = keyfob.aside().join("certificate.pem");
    let made = Command::new("openssl")
        .args(["req", "-x509", "-new", "-days", "2", "-subj", "/CN=keyfob", "-key", server.file("keys.ES256"), "-out"])
        .arg(&file)
        .output()
        .expect("openssl can be run");
    assert!(made.status.success(), "{made:?}");
    format!("tls_client_certificate_bound_access_tokens = true\nclient_certificate = {{ file = '{}' }}", file.display())
}

#[test]
fn a_login_under_fapi2_with_tokens_bound_to_a_certificate_and_signed_messages() {
    needs!(Server);
    for (more, is_signed) in [("", false), ("\nrequire_signed_request_object = true\nresponse_mode = \"jwt\"", true)] {
        let server = TestServer::start();
        let keyfob = fapi2(&server, "cli-fapi2-mtls", |keyfob| certificate(&server, keyfob) + more);

        keyfob.run(&["login", "test"]).expect(0);
        keyfob.run(&["refresh", "test"]).expect(0);

        let pushed = &server.requests_to("/request");
        assert_eq!(pushed.len(), 1);
        assert_eq!(pushed[0].parameter("request").is_some(), is_signed, "{pushed:#?}");
        for request in pushed.iter().chain(&server.requests_to("/token")) {
            assert!(request.parameter("client_assertion").is_some(), "{request:#?}");
        }
        let opened = &server.requests_to("/auth")[0];
        assert_eq!((opened.parameter("state"), opened.parameter("redirect_uri")), (None, None));
        assert_eq!(keyfob.leaks(&server).len(), 0, "{:#?}", keyfob.leaks(&server));
    }
}

#[test]
fn a_login_under_fapi2_with_tokens_bound_by_proof_and_signed_messages() {
    needs!(Server);
    for (more, is_signed) in [("", false), ("require_signed_request_object = true\nresponse_mode = \"jwt\"", true)] {
        let server = TestServer::start();
        let keyfob = fapi2(&server, "cli-fapi2-dpop", |_| more.to_owned());

        keyfob.run(&["login", "test"]).expect(0);
        keyfob.run(&["refresh", "test"]).expect(0);

        let pushed = &server.requests_to("/request")[0];
        assert_eq!(pushed.parameter("request").is_some(), is_signed, "{pushed:#?}");
        for request in server.requests_to("/token") {
            assert!(
                request.parameter("client_assertion").is_some() && request.header("dpop").is_some(),
                "{request:#?}"
            );
        }
        assert_eq!(keyfob.leaks(&server).len(), 0, "{:#?}", keyfob.leaks(&server));
    }
}
