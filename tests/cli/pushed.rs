//! Authorization requests that are pushed (RFC 9126) or signed (RFC 9101), and what entries demand of servers.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use url::Url;

use crate::support::{Answer, Keyfob, Server};

const DEMANDED: &str = "require_pushed_authorization_requests = true";
const FORBIDDEN: &str = "require_pushed_authorization_requests = false";

/// A server that announces that requests may be pushed to it.
fn pushing() -> Server {
    let server = Server::start();
    let endpoint = format!("{}/par", server.url());
    server.change(|settings| settings.metadata["pushed_authorization_request_endpoint"] = json!(endpoint));
    server
}

fn with(server: &Server, more: &str) -> Keyfob {
    let keyfob = Keyfob::new();
    keyfob.provider("test", server, more);
    keyfob
}

/// A login that fails with this code before a browser is started and before a code could be redeemed.
#[track_caller]
fn refused(server: &Server, keyfob: &Keyfob, code: i32, name: &str, words: &[&str]) {
    let finished = keyfob.run(&["login", "test", "--json", "--timeout", "5"]);

    finished.error_naming(code, name, words);
    assert_eq!(keyfob.opened(), [] as [&str; 0]);
    assert_eq!(server.requests_to("/token").len(), 0);
}

fn names(url: &str) -> Vec<String> {
    Url::parse(url).expect("an address").query_pairs().map(|(name, _)| name.into_owned()).collect()
}

#[test]
fn an_announced_endpoint_is_used_without_being_asked_for_and_the_browser_gets_two_parameters() {
    let server = pushing();
    let keyfob = with(&server, "");

    // From the server's own word, then from the copy that is kept.
    for _ in 0..2 {
        let login = keyfob.begin(&["login", "test"]);
        assert_eq!(names(&login.url), ["client_id", "request_uri"]);
        assert_eq!(login.parameter("client_id").as_deref(), Some("public"));
        login.allow(&server);
        login.finish().expect(0);
    }

    let pushed = server.requests_to("/par");
    assert_eq!(pushed.len(), 2);
    for name in ["state", "nonce", "code_challenge", "redirect_uri", "scope", "response_type"] {
        assert_ne!(pushed[0].expect(name), "", "{name}");
    }
    assert_ne!(pushed[0].expect("state"), pushed[1].expect("state"));
    assert_eq!(pushed[0].parameter("code_verifier"), None);
}

#[test]
fn a_push_is_authenticated_as_the_token_request_is() {
    let server = pushing();
    for client_id in ["basic", "post"] {
        let keyfob = Keyfob::new();
        let client = keyfob.client(&server, client_id);
        keyfob.provider("test", &server, &format!("{client}\nclient_auth = \"client_secret_{client_id}\""));

        keyfob.login(&server);

        // The strict server refuses every other way.
        let (pushed, token) = (server.requests_to("/par"), server.requests_to("/token"));
        assert_eq!(pushed.last().expect("a push").basic(), token.last().expect("a redemption").basic());
    }
}

#[test]
fn an_entry_can_forbid_what_the_server_announces() {
    let server = pushing();
    let keyfob = with(&server, FORBIDDEN);

    let login = keyfob.begin(&["login", "test"]);
    assert!(login.parameter("state").is_some());
    login.allow(&server);
    login.finish().expect(0);

    assert_eq!(server.requests_to("/par").len(), 0);
}

#[test]
fn an_entry_can_demand_what_the_server_lacks() {
    let server = Server::start();

    refused(&server, &with(&server, DEMANDED), 11, "security", &["pushed_authorization_request_endpoint"]);
    server.change(|settings| settings.metadata["require_pushed_authorization_requests"] = json!(true));
    refused(&server, &with(&server, ""), 11, "security", &["pushed_authorization_request_endpoint"]);
}

#[test]
fn a_push_that_fails_ends_the_login_whether_it_is_demanded_or_not() {
    let server = pushing();
    let oauth = json!({ "error": "invalid_request", "error_description": "no such redirect_uri" });
    for (more, hint) in [(DEMANDED, ""), ("", "require_pushed_authorization_requests=false")] {
        let keyfob = with(&server, more);
        server.always("/par", Answer::html(503, "<h1>Later</h1>"));
        refused(&server, &keyfob, 6, "network", &["503"]);
        server.recover();
        server.always("/par", Answer::json(400, &oauth));
        refused(&server, &keyfob, 5, "refused", &["invalid_request", hint]);
        server.recover();
        server.always("/par", Answer::html(302, "").with("Location", "https://evil.example/"));
        refused(&server, &keyfob, 12, "protocol", &["302", hint]);
        server.recover();
    }
    server.change(|settings| settings.metadata["require_pushed_authorization_requests"] = json!(true));
    server.always("/par", Answer::html(503, "<h1>Later</h1>"));
    let keyfob = with(&server, "");
    let finished = keyfob.run(&["login", "test", "--json", "--timeout", "5"]);
    let error = finished.error_naming(6, "network", &["503"]);
    assert!(!error["hint"].to_string().contains("false"), "{error}");
    assert_eq!(keyfob.opened(), [] as [&str; 0]);
}

#[test]
fn a_hostile_answer_to_a_push_is_refused() {
    let server = pushing();
    let good = "urn:ietf:params:oauth:request_uri:x";
    for (uri, life, word) in [
        (json!("javascript:alert(1)"), json!(60), "request_uri"),
        (json!("urn:x&redirect_uri=https://evil.example"), json!(60), "request_uri"),
        (json!("urn:x#y"), json!(60), "request_uri"),
        (json!(""), json!(60), "request_uri"),
        (json!("urn:".to_owned() + &"x".repeat(10 << 10)), json!(60), "request_uri"),
        (json!(good), json!(0), "expires_in"),
        (json!(good), json!(-5), "expires_in"),
        (json!(good), Value::Null, "expires_in"),
        // Over before it could be used.
        (json!(good), json!(0.000_000_001), "expires_in"),
    ] {
        server.always("/par", Answer::json(201, &json!({ "request_uri": uri, "expires_in": life })));
        refused(&server, &with(&server, ""), 12, "protocol", &[word]);
        server.recover();
    }
}

#[test]
fn status_200_is_taken_for_201() {
    let server = pushing();
    server.after("/par", 1, |_, mut answer| {
        answer.status = 200;
        answer
    });

    with(&server, "").login(&server);
}

#[test]
fn a_request_too_long_for_an_address_is_pushed_where_that_is_known() {
    let server = pushing();
    let (keyfob, plain) = (with(&server, ""), with(&server, FORBIDDEN));
    let claims = format!("claims={{\"userinfo\":{{\"x\":{{\"value\":\"{}\"}}}}}}", "x".repeat(40 << 10));

    let finished = plain.run(&["login", "test", "--json", "--param", &claims]);
    finished.error_naming(2, "usage", &["characters"]);
    assert_eq!(plain.opened(), [] as [&str; 0]);
    keyfob.log_in(&server, &["login", "test", "--param", &claims]).expect(0);
}

#[test]
fn a_server_is_asked_how_it_takes_a_request_that_is_too_long() {
    let server = pushing();
    // Opened without a question, were it shorter.
    let keyfob = with(&server, &format!("authorization_endpoint = \"{}/authorize\"", server.url()));
    let claims = format!("claims={{\"userinfo\":{{\"x\":{{\"value\":\"{}\"}}}}}}", "x".repeat(40 << 10));

    keyfob.log_in(&server, &["login", "test", "--param", &claims]).expect(0);

    assert_eq!(server.requests_to("/par").len(), 1);
}

#[test]
fn a_plain_request_is_given_up_when_the_server_turns_out_to_take_pushed_ones_only() {
    let server = pushing();
    server.change(|settings| settings.metadata["require_pushed_authorization_requests"] = json!(true));
    let keyfob = with(&server, &format!("authorization_endpoint = \"{}/authorize\"", server.url()));

    let login = keyfob.begin(&["login", "test", "--json"]);

    login.finish().error_naming(11, "security", &["require_pushed_authorization_requests"]);
    assert_eq!(server.requests_to("/token").len(), 0);
}

#[test]
fn an_entry_can_name_the_endpoint_itself() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    let line = format!("pushed_authorization_request_endpoint = \"{}/par\"", server.url());
    keyfob.plain_provider("plain", &server, &line);

    let login = keyfob.begin(&["login", "plain"]);
    assert_eq!(names(&login.url), ["client_id", "request_uri"]);
    login.allow(&server);

    login.finish().expect(0);
}

#[test]
fn a_pushed_endpoint_that_must_not_be_used_is_not() {
    let server = pushing();
    server.change(|settings| {
        settings.metadata["pushed_authorization_request_endpoint"] = json!("http://op.example/par");
    });

    refused(&server, &with(&server, ""), 11, "security", &["pushed_authorization_request_endpoint"]);
}

#[test]
fn a_narration_tells_of_the_push() {
    let server = pushing();
    let keyfob = with(&server, "");

    let finished = keyfob.log_in(&server, &["login", "test", "--explain"]).expect(0);

    assert!(finished.stderr.contains("RFC 9126"), "{finished:#?}");
    let state = server.requests_to("/par")[0].expect("state");
    assert!(!finished.stderr.contains(&state), "{finished:#?}");
}

/// Lines for an entry whose client signs with a key of its own, which the server gets to know.
fn key(keyfob: &Keyfob, server: &Server) -> String {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).expect("it");
    server.change(|settings| settings.request_key = Some(pair.public_key().as_ref().to_vec()));
    let file = keyfob.aside().join("key.pem");
    let text = STANDARD.encode(document.as_ref());
    fs::write(&file, format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")).expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a private file");
    format!("client_auth = \"none\"\nprivate_key = {{ file = {:?} }}", file.display().to_string())
}

#[test]
fn a_signed_request_holds_everything_and_nothing_conflicts_outside() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    let line = key(&keyfob, &server);
    keyfob.provider("test", &server, &format!("{line}\nrequire_signed_request_object = true"));

    let login = keyfob.begin(&["login", "test"]);
    assert_eq!(names(&login.url), ["response_type", "scope", "client_id", "request"]);
    // The strict server checks what is inside.
    login.allow(&server);
    login.finish().expect(0);
}

#[test]
fn without_openid_only_the_client_stands_beside_a_signed_request() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    let line = key(&keyfob, &server);
    let more = format!("issuer = {:?}\nscopes = [\"a\"]\n{line}\nrequire_signed_request_object = true", server.url());
    keyfob.provider("test", &server, &more);

    let login = keyfob.begin(&["login", "test"]);

    assert_eq!(names(&login.url), ["client_id", "request"]);
    login.allow(&server);
    login.finish().expect(0);
}

#[test]
fn a_signed_request_is_pushed_where_both_are_wanted() {
    let server = pushing();
    server.change(|settings| settings.metadata["require_signed_request_object"] = json!(true));
    let keyfob = Keyfob::new();
    let line = key(&keyfob, &server);
    keyfob.provider("test", &server, &line);

    let login = keyfob.begin(&["login", "test"]);
    assert_eq!(names(&login.url), ["client_id", "request_uri"]);
    login.allow(&server);
    login.finish().expect(0);

    let pushed = &server.requests_to("/par")[0];
    let names: Vec<_> = pushed.parameters().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["client_id", "request"]);
}

/// What an entry says that wants its requests encrypted.
const ENCRYPTED: &str = "request_object_encryption_alg = \"ECDH-ES+A256KW\"";

/// A server that also publishes a key for encryption, of RFC 7520 §5.5.1.
fn encrypting() -> Server {
    let server = pushing();
    let key = json!({
        "kty": "EC", "kid": "enc-1", "use": "enc", "crv": "P-256",
        "x": "Ze2loSV3wrroKUN_4zhwGhCqo3Xhu1td4QjeQ5wIVR0", "y": "HlLtdXARY_f55A3fnzQbPcm6hgr34Mp8p-nuzQCE0Zw",
    });
    server.change(|settings| settings.jwks["keys"].as_array_mut().expect("keys").push(key));
    server
}

#[test]
fn a_request_is_encrypted_with_a_key_of_the_server_as_the_entry_and_the_server_say() {
    for (more, offered, enc) in [
        ("", Value::Null, "A128CBC-HS256"),
        ("", json!(["A128GCM", "A256GCM"]), "A128GCM"),
        ("\nrequest_object_encryption_enc = \"A256GCM\"", json!(["A128GCM", "A256GCM"]), "A256GCM"),
    ] {
        let (server, keyfob) = (encrypting(), Keyfob::new());
        server.change(|settings| settings.metadata["request_object_encryption_enc_values_supported"] = offered.clone());
        server.always("/par", Answer::json(201, &json!({ "request_uri": "urn:x:1", "expires_in": 60 })));
        let line = key(&keyfob, &server);
        keyfob.provider("test", &server, &format!("{line}\n{ENCRYPTED}{more}"));

        drop(keyfob.begin(&["login", "test"]));

        let pushed = &server.requests_to("/par")[0];
        let names: Vec<_> = pushed.parameters().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["client_id", "request"]);
        let request = pushed.expect("request");
        let parts: Vec<_> = request.split('.').collect();
        let head: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[0]).expect("base64url")).expect("JSON");
        assert_eq!((parts.len(), &head["alg"], &head["enc"]), (5, &json!("ECDH-ES+A256KW"), &json!(enc)));
        assert_eq!((&head["kid"], &head["cty"]), (&json!("enc-1"), &json!("JWT")));
    }
}

#[test]
fn a_request_that_cannot_be_encrypted_is_not_sent() {
    for (server, member, value, words) in [
        (pushing(), "request_object_encryption_alg_values_supported", Value::Null, "key for encryption"),
        (encrypting(), "request_object_encryption_alg_values_supported", json!(["RSA-OAEP"]), "_alg_values_supported"),
        (encrypting(), "request_object_encryption_enc_values_supported", json!(["A128GCM"]), "_enc_values_supported"),
    ] {
        let keyfob = Keyfob::new();
        server.change(|settings| settings.metadata[member] = value.clone());
        let line = key(&keyfob, &server);
        let more = "request_object_encryption_enc = \"A256GCM\"";
        keyfob.provider("test", &server, &format!("{line}\n{ENCRYPTED}\n{more}"));

        refused(&server, &keyfob, 11, "security", &[words]);
    }
    let (server, keyfob) = (encrypting(), Keyfob::new());
    keyfob.provider("test", &server, ENCRYPTED);
    refused(&server, &keyfob, 9, "config", &["private_key"]);
}

#[test]
fn a_request_that_cannot_be_signed_is_not_sent() {
    let server = Server::start();
    server.change(|settings| settings.metadata["require_signed_request_object"] = json!(true));
    refused(&server, &with(&server, ""), 9, "config", &["private_key"]);

    let keyfob = Keyfob::new();
    let line = key(&keyfob, &server);
    keyfob.provider("test", &server, &line);
    server.change(|settings| settings.metadata["request_object_signing_alg_values_supported"] = json!(["RS256"]));
    refused(&server, &keyfob, 9, "config", &["private key"]);
    server.change(|settings| settings.metadata["request_object_signing_alg_values_supported"] = Value::Null);
    keyfob.edit_registry(&line, &format!("{line}\nrequest_object_signing_alg = \"PS256\""));
    refused(&server, &keyfob, 9, "config", &["PS256"]);
}

#[test]
fn details_go_along_with_both_requests_and_others_than_asked_for_are_told() {
    let server = Server::start();
    let keyfob = with(&server, "");
    let asked = json!([{ "type": "payment", "amount": "10" }, { "type": "account" }]);
    let param = format!("authorization_details={asked}");
    let login = |granted: Value| {
        server.change(|settings| {
            settings.token.clear();
            settings.token.insert("authorization_details".into(), granted);
        });
        let finished = keyfob.log_in(&server, &["login", "test", "--param", &param]).expect(0);
        finished.stderr
    };

    let told = |stderr: String| stderr.lines().filter(|line| line.contains("granted")).collect::<String>();
    assert_eq!(told(login(asked.clone())), "");
    assert!(told(login(json!([{ "type": "account" }]))).contains(r#"[{"type":"account"}]"#));
    assert!(told(login(Value::Null)).contains("authorization_details"));
    for request in [&server.requests_to("/authorize")[0], &server.requests_to("/token")[0]] {
        assert_eq!(request.expect("authorization_details"), asked.to_string());
    }
}

/// A server with everything that the current best practice asks for.
fn strict_server() -> Server {
    let server = Server::start();
    server.change(|settings| {
        settings.iss = true;
        settings.metadata["authorization_response_iss_parameter_supported"] = json!(true);
    });
    server
}

#[test]
fn a_strict_profile_names_what_the_server_lacks() {
    let server = Server::start();
    let strict = "profile = \"strict\"";
    refused(&server, &with(&server, strict), 11, "security", &["authorization_response_iss_parameter_supported"]);

    let server = strict_server();
    with(&server, strict).login(&server);
    let server = strict_server();
    refused(&server, &with(&server, &format!("{strict}\npkce = \"plain\"")), 9, "config", &["pkce", "strict"]);
    for methods in [Value::Null, json!(["plain"])] {
        server.change(|settings| settings.metadata["code_challenge_methods_supported"] = methods);
        refused(&server, &with(&server, strict), 11, "security", &["PKCE", "S256"]);
    }
}

#[test]
fn a_strict_profile_asks_the_server_even_where_the_entry_knows_its_endpoints() {
    let server = Server::start();
    server.change(|settings| settings.metadata["code_challenge_methods_supported"] = Value::Null);
    let more = format!("profile = \"strict\"\nauthorization_endpoint = \"{}/authorize\"", server.url());

    refused(&server, &with(&server, &more), 11, "security", &["PKCE"]);
}

#[test]
fn an_essential_acr_that_is_not_met_ends_the_login() {
    let server = Server::start();
    let keyfob = with(&server, "");
    let claims = r#"claims={"id_token":{"acr":{"essential":true,"values":["phr"]}}}"#;
    let login = |acr: Value| {
        server.change(|settings| drop(settings.claims.insert("acr".into(), acr)));
        keyfob.log_in(&server, &["login", "test", "--json", "--param", claims])
    };

    login(json!("phr")).expect(0);
    login(json!("pwd")).error_naming(11, "security", &["acr", "phr", "pwd"]);
    login(Value::Null).error_naming(11, "security", &["acr"]);
}

#[test]
fn a_login_in_two_calls_is_pushed_and_signed_too() {
    let server = pushing();
    let keyfob = Keyfob::new();
    let line = key(&keyfob, &server);
    keyfob.provider("test", &server, &format!("{line}\nrequire_signed_request_object = true"));

    let begun = keyfob.run(&["login", "test", "--begin", "--json"]).expect(0).json_lines();
    let url = begun[0]["url"].as_str().expect("an address");
    assert_eq!(names(url), ["client_id", "request_uri"]);
    let address = server.allow(url).0.to_string();

    keyfob.run(&["login", "test", "--complete", &address]).expect(0);
}
