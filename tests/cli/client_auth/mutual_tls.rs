//! RFC 8705: where the certificate is shown and where not, and tokens that are bound to it.

use serde_json::{Value, json};

use super::front::{AUTHORITY, Front, Shown, THUMBPRINT};
use super::{CERTIFICATE, CERTIFIED_KEY, P256, source};
use crate::support::{Answer, Keyfob, Server, base64url};

/// Valid from 2020-01-01 to 2020-02-01, of the same key as `CERTIFICATE`.
const EXPIRED: &str = include_str!("../../../src/system/http/tls/expired.crt");

/// A later one than `CERTIFICATE`, of the same key.
const RENEWED: &str = include_str!("renewed.crt");

/// A server with its usual endpoints, and those that are for certificates.
struct Stage {
    server: Server,
    usual: Front,
    mutual: Front,
    keyfob: Keyfob,
}

impl Stage {
    /// With a provider `test` whose client has a certificate, and `more` lines.
    fn new(more: &str) -> Self {
        let server = Server::start();
        let (usual, mutual) = (Front::of(&server), Front::of(&server));
        server.change(|settings| {
            let metadata = &mut settings.metadata;
            for name in ["issuer", "token_endpoint", "userinfo_endpoint", "revocation_endpoint", "jwks_uri"] {
                let moved = metadata[name].as_str().expect("an address").replace(&server_url(&server), &usual.url());
                metadata[name] = moved.into();
            }
            metadata["mtls_endpoint_aliases"] = json!({
                "token_endpoint": format!("{}/token", mutual.url()),
                "revocation_endpoint": format!("{}/revoke", mutual.url()),
                "userinfo_endpoint": format!("{}/userinfo", mutual.url()),
            });
            metadata["token_endpoint_auth_methods_supported"] = json!(["tls_client_auth", "none"]);
            // What the ID token does not say is asked for.
            for name in ["preferred_username", "name", "email"] {
                settings.claims.insert(name.into(), Value::Null);
            }
            settings.clients.insert("certified".into(), ("tls_client_auth", String::new()));
        });
        server.always("/userinfo", Answer::json(200, &json!({ "sub": "user-1", "preferred_username": "alice" })));
        let mut keyfob = Keyfob::new();
        keyfob.set("KEYFOB_CA_BUNDLE", AUTHORITY);
        let (key, certificate) =
            (source(&keyfob, "client.key", CERTIFIED_KEY), source(&keyfob, "client.crt", CERTIFICATE));
        let issuer = usual.url();
        let entry = format!(
            "issuer = {issuer:?}\nclient_id = \"certified\"\nprivate_key = {key}\nclient_certificate = {certificate}\n{more}"
        );
        keyfob.provider("test", &server, &entry);
        Self { server, usual, mutual, keyfob }
    }

    #[track_caller]
    fn login(&self) {
        self.keyfob.log_in(&self.server, &["login", "test"]).expect(0);
    }

    /// Has the next tokens be JWTs with this `cnf`.
    fn tokens_with(&self, cnf: Value) {
        let mut claims = json!({ "sub": "user-1" });
        if !cnf.is_null() {
            claims["cnf"] = cnf;
        }
        let part = |value: &Value| base64url(value.to_string().as_bytes());
        let token = format!("{}.{}.c2ln", part(&json!({"alg": "ES256", "typ": "at+jwt"})), part(&claims));
        self.server.change(|settings| {
            // The hash of another token would be wrong.
            settings.claims.insert("at_hash".into(), Value::Null);
            settings.token.insert("access_token".into(), token.into());
        });
    }
}

fn server_url(server: &Server) -> String {
    format!("http://{}", server.address())
}

fn paths(shown: &[Shown]) -> Vec<&str> {
    shown.iter().map(|(path, _)| path.as_str()).collect()
}

const TLS: &str = "client_auth = \"tls_client_auth\"";
const BOUND: &str = "client_auth = \"tls_client_auth\"\ntls_client_certificate_bound_access_tokens = true";

#[test]
fn the_certificate_is_shown_at_the_aliases_and_nowhere_else() {
    for more in [TLS, "client_auth = \"self_signed_tls_client_auth\"", ""] {
        let stage = Stage::new(more);

        stage.login();
        stage.keyfob.run(&["refresh", "test"]).expect(0);
        stage.keyfob.run(&["logout", "test"]).expect(0);

        let shown = stage.mutual.shown();
        assert_eq!(paths(&shown), ["/token", "/token", "/revoke", "/revoke"], "{more}");
        assert!(shown.iter().all(|(_, certificate)| certificate.as_deref() == Some(THUMBPRINT)), "{shown:?}");
        let usual = stage.usual.shown();
        assert!(usual.iter().all(|(_, certificate)| certificate.is_none()), "{usual:?}");
        for path in ["/.well-known/openid-configuration", "/jwks", "/userinfo"] {
            assert!(paths(&usual).contains(&path), "{path}: {usual:?}");
        }
        assert!(!paths(&usual).contains(&"/token") && !paths(&usual).contains(&"/revoke"));
        for request in stage.server.requests_to("/token") {
            let secrets = ["client_secret", "client_assertion"].map(|name| request.parameter(name));
            assert_eq!((request.expect("client_id"), secrets), ("certified".into(), [None, None]));
        }
    }
}

#[test]
fn without_aliases_the_usual_endpoints_see_the_certificate_and_documents_do_not() {
    let stage = Stage::new(TLS);
    stage.server.change(|settings| settings.metadata["mtls_endpoint_aliases"] = Value::Null);

    stage.login();

    for (path, certificate) in stage.usual.shown() {
        assert_eq!(certificate.is_some(), path == "/token", "{path}");
    }
}

#[test]
fn a_certificate_of_no_use_is_told_before_anything_is_sent() {
    for (certificate, key, words) in [
        (EXPIRED, CERTIFIED_KEY, &["expired", "2020-02-01"][..]),
        (CERTIFICATE, P256, &["not the certificate of the `private_key`"]),
        ("canary", CERTIFIED_KEY, &["no PEM file with a certificate"]),
        (CERTIFICATE, "canary", &["neither a PEM file nor a JWK"]),
        (CERTIFICATE, super::P256_JWK, &["TLS takes a PEM file"]),
        (CERTIFICATE, super::ENCRYPTED, &["private_key_passphrase"]),
    ] {
        let stage = Stage::new(TLS);
        source(&stage.keyfob, "client.crt", certificate);
        source(&stage.keyfob, "client.key", key);

        let login = stage.keyfob.run(&["login", "test", "--json"]);

        login.error_naming(9, "config", words);
        assert!(!login.stderr.contains("canary"), "{}", login.stderr);
        assert_eq!((stage.usual.shown(), stage.mutual.shown(), stage.server.requests().len()), (vec![], vec![], 0));
    }
    let stage = Stage::new(TLS);
    std::fs::remove_file(stage.keyfob.aside().join("client.crt")).expect("it is there");
    stage.keyfob.run(&["login", "test", "--json"]).error_naming(9, "config", &["client certificate", "no file"]);
    stage.keyfob.edit_registry("client_certificate", "#");
    stage.keyfob.run(&["login", "test", "--json"]).error_naming(9, "config", &["client_certificate"]);
    assert_eq!(stage.usual.shown(), []);
}

#[test]
fn a_certificate_is_not_taken_to_an_endpoint_without_tls() {
    let stage = Stage::new(TLS);
    let plain = format!("{}/token", server_url(&stage.server));
    stage.server.change(|settings| {
        settings.metadata["token_endpoint"] = plain.clone().into();
        settings.metadata["mtls_endpoint_aliases"] = Value::Null;
    });

    let login = stage.keyfob.log_in(&stage.server, &["login", "test", "--json"]);

    login.error_naming(9, "config", &["/token", "not https"]);
    assert_eq!(stage.server.requests_to("/token").len(), 0);
}

#[test]
fn bound_tokens_are_presented_with_the_certificate_and_only_where_they_go() {
    let stage = Stage::new(BOUND);
    stage.tokens_with(json!({ "x5t#S256": THUMBPRINT }));
    stage.server.always("/api", Answer::json(200, &json!({ "right": true })));
    let elsewhere = Front::of(&stage.server);
    stage.server.once("/moved", Answer::redirect(307, &format!("{}/api", elsewhere.url())));

    stage.login();
    assert!(
        stage.mutual.shown().contains(&("/userinfo".into(), Some(THUMBPRINT.into()))),
        "{:?}",
        stage.mutual.shown()
    );
    let get = |path: &str| stage.keyfob.run(&["request", "test", &format!("{}{path}", stage.mutual.url())]).expect(0);
    get("/api");
    stage.usual.forget();
    get("/moved");

    let shown = stage.mutual.shown();
    for path in ["/api", "/moved"] {
        assert!(shown.contains(&(path.into(), Some(THUMBPRINT.into()))), "{shown:?}");
    }
    assert_eq!(elsewhere.shown(), [("/api".to_owned(), None)]);
}

#[test]
fn another_certificate_cannot_use_a_bound_token_but_renew_it() {
    let stage = Stage::new(BOUND);
    stage.server.always("/api", Answer::json(200, &json!({})));
    stage.login();
    let api = format!("{}/api", stage.mutual.url());
    stage.mutual.forget();

    source(&stage.keyfob, "client.crt", RENEWED);
    let refused = stage.keyfob.run(&["request", "test", &api, "--json"]);
    refused.error_naming(11, "security", &["client_certificate", THUMBPRINT, "keyfob refresh"]);
    assert_eq!(stage.mutual.shown(), []);

    // A confidential client gets tokens for the certificate that it has now.
    stage.keyfob.run(&["refresh", "test"]).expect(0);
    stage.keyfob.run(&["request", "test", &api]).expect(0);
    let shown = stage.mutual.shown();
    assert_eq!(paths(&shown), ["/token", "/api"]);
    assert!(shown.iter().all(|(_, shown)| shown.as_deref().is_some_and(|it| it != THUMBPRINT)), "{shown:?}");
}

#[test]
fn what_a_public_client_was_given_is_for_one_certificate_alone() {
    let stage = Stage::new("client_auth = \"none\"\ntls_client_certificate_bound_access_tokens = true");
    stage.login();
    assert!(stage.mutual.shown().contains(&("/token".into(), Some(THUMBPRINT.into()))));
    stage.mutual.forget();

    source(&stage.keyfob, "client.crt", RENEWED);

    stage.keyfob.run(&["refresh", "test", "--json"]).error_naming(11, "security", &["client_certificate"]);
    assert_eq!(stage.mutual.shown(), []);
}

#[test]
fn a_token_that_is_bound_to_nothing_or_to_somebody_else_is_refused() {
    for cnf in [Value::Null, json!({}), json!({ "jkt": "x" }), json!({ "x5t#S256": "somebody-elses" })] {
        let stage = Stage::new(BOUND);
        stage.tokens_with(cnf);

        let login = stage.keyfob.log_in(&stage.server, &["login", "test", "--json"]);

        login.error_naming(11, "security", &["not bound", "cnf"]);
        assert_eq!(stage.keyfob.sessions(), [] as [&str; 0]);
    }
}

#[test]
fn a_renewal_that_brings_an_unbound_token_is_refused_and_the_rotated_refresh_token_is_kept() {
    let stage = Stage::new(BOUND);
    stage.login();
    let before = stage.keyfob.token("test");
    stage.tokens_with(Value::Null);

    stage.keyfob.run(&["refresh", "test", "--json"]).error_naming(11, "security", &["not bound", "cnf"]);

    assert_eq!(stage.keyfob.token("test"), before);
    stage.tokens_with(json!({ "x5t#S256": THUMBPRINT }));
    stage.keyfob.run(&["refresh", "test"]).expect(0);
    assert_ne!(stage.keyfob.token("test"), before);
}

#[test]
fn an_endpoint_that_a_person_set_is_not_replaced_by_an_alias() {
    let stage = Stage::new(TLS);
    let by_hand = format!("client_id = \"certified\"\ntoken_endpoint = \"{}/token\"", stage.usual.url());
    stage.keyfob.edit_registry("client_id = \"certified\"", &by_hand);

    stage.login();

    assert!(stage.usual.shown().contains(&("/token".into(), Some(THUMBPRINT.into()))), "{:?}", stage.usual.shown());
    assert_eq!(stage.mutual.shown(), []);
}
