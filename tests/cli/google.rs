//! Google's credential files, at stand-ins for its endpoints.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::{Answer, Keyfob, Request, Server};

/// A key that protects nothing.
const KEY: &str = include_str!("../../src/protocol/jose/signer/rsa.pem");

fn keyfob(server: &Server, credentials: &Value) -> Keyfob {
    let keyfob = Keyfob::new();
    let file = keyfob.aside().join("credentials.json");
    fs::write(&file, credentials.to_string()).expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a private file");
    keyfob.registry(&format!(
        "[providers.google-cloud]\nprotocol = \"oauth2\"\ntoken_endpoint = \"{}/unused\"\n\
         scopes = [\"https://www.googleapis.com/auth/devstorage.read_only\"]\ngrants = [\"jwt_bearer\"]\n\
         google_credentials = {{ file = {:?} }}",
        server.url(),
        file.display().to_string()
    ));
    keyfob
}

fn claims(jwt: &str) -> (Value, Value) {
    let part = |at: usize| {
        let bytes = URL_SAFE_NO_PAD.decode(jwt.split('.').nth(at).expect("a part")).expect("base64url");
        serde_json::from_slice(&bytes).expect("JSON")
    };
    (part(0), part(1))
}

#[track_caller]
fn only(server: &Server, path: &str) -> Request {
    let mut requests = server.requests_to(path);
    assert_eq!(requests.len(), 1, "{requests:#?}");
    requests.remove(0)
}

#[test]
fn a_service_accounts_key_signs_for_it_as_the_file_says() {
    let server = Server::start();
    let credentials = json!({ "type": "service_account", "client_email": "robot@project.example", "private_key": KEY,
        "private_key_id": "key-7", "token_uri": format!("{}/google/token", server.url()), "project_id": "p" });
    let keyfob = keyfob(&server, &credentials);
    let body = json!({ "access_token": "ya29.access-of-robot", "token_type": "Bearer", "expires_in": 3599 });
    server.always("/google/token", Answer::json(200, &body));

    assert_eq!(keyfob.token("google-cloud"), "ya29.access-of-robot");
    assert_eq!(keyfob.token("google-cloud"), "ya29.access-of-robot");

    let request = only(&server, "/google/token");
    assert_eq!(request.expect("grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let names: Vec<_> = request.parameters().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["grant_type", "assertion"], "no client and no scope beside the assertion");
    let (header, claims) = claims(&request.expect("assertion"));
    assert_eq!(header, json!({ "alg": "RS256", "typ": "JWT", "kid": "key-7" }));
    assert_eq!(claims["iss"], "robot@project.example");
    assert_eq!(claims["aud"], credentials["token_uri"]);
    assert_eq!(claims["scope"], "https://www.googleapis.com/auth/devstorage.read_only");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    assert_eq!(claims.get("sub"), None);
    assert!(server.requests_to("/unused").is_empty());
}

fn external(server: &Server, source: &Value, more: &Value) -> Value {
    let mut credentials = json!({
        "type": "external_account", "universe_domain": "googleapis.com",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": format!("{}/sts", server.url()), "credential_source": source,
    });
    for (name, value) in more.as_object().expect("an object") {
        credentials[name] = value.clone();
    }
    credentials
}

/// The answer of the token service.
fn sts(server: &Server) {
    let body = json!({ "access_token": "federated-access-token", "token_type": "Bearer", "expires_in": 3600,
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token" });
    server.always("/sts", Answer::json(200, &body));
}

#[test]
fn a_federated_identity_is_exchanged_and_acts_as_the_service_account() {
    let server = Server::start();
    let subject = json!({ "url": format!("{}/subject", server.url()), "headers": { "X-Who": "me" },
        "format": { "type": "json", "subject_token_field_name": "access_token" } });
    let impersonation = json!({ "service_account_impersonation_url": format!("{}/impersonate", server.url()),
        "service_account_impersonation": { "token_lifetime_seconds": 600 } });
    let keyfob = keyfob(&server, &external(&server, &subject, &impersonation));
    sts(&server);
    server.always("/subject", Answer::json(200, &json!({ "access_token": "subject-of-the-other-cloud" })));
    let body = json!({ "accessToken": "ya29.impersonated-token", "expireTime": "2096-10-02T15:01:23Z" });
    server.always("/impersonate", Answer::json(200, &body));

    assert_eq!(keyfob.token("google-cloud"), "ya29.impersonated-token");

    assert_eq!(only(&server, "/subject").header("x-who"), Some("me"));
    let exchange = only(&server, "/sts");
    for (name, value) in [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", "subject-of-the-other-cloud"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("scope", "https://www.googleapis.com/auth/cloud-platform"),
        ("audience", "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q"),
    ] {
        assert_eq!(exchange.expect(name), value, "{name}");
    }
    assert_eq!((exchange.parameter("client_id"), exchange.header("authorization")), (None, None));
    let acted = only(&server, "/impersonate");
    assert_eq!(acted.header("authorization"), Some("Bearer federated-access-token"));
    let body: Value = serde_json::from_slice(&acted.body).expect("JSON");
    assert_eq!(body, json!({ "scope": ["https://www.googleapis.com/auth/devstorage.read_only"], "lifetime": "600s" }));
    assert_eq!(keyfob.status("google-cloud")["expires_at"], "2096-10-02T15:01:23Z");
    assert!(keyfob.leaks(&server).is_empty());
}

#[test]
fn a_subject_comes_from_a_file_or_from_a_program_that_was_allowed() {
    let server = Server::start();
    let file = Keyfob::new();
    let path = file.aside().join("subject");
    fs::write(&path, "subject-in-a-file\n").expect("a file");
    let script = file.script("subject-of-program", "echo '{ \"version\": 1, \"success\": true,'; echo '\"token_type\": \"urn:ietf:params:oauth:token-type:jwt\", \"id_token\": \"subject-of-program\" }'");
    sts(&server);
    let by_file = keyfob(&server, &external(&server, &json!({ "file": path }), &json!({})));
    let mut by_program =
        keyfob(&server, &external(&server, &json!({ "executable": { "command": script } }), &json!({})));

    by_file.token("google-cloud");
    let variable = "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES";
    by_program.run(&["token", "google-cloud", "--json"]).error_naming(9, "config", &[variable]);
    by_program.set(variable, "1");
    by_program.token("google-cloud");

    let subjects: Vec<_> = server.requests_to("/sts").iter().map(|request| request.expect("subject_token")).collect();
    assert_eq!(subjects, ["subject-in-a-file", "subject-of-program"]);
}

#[test]
fn a_file_that_leads_to_an_unprotected_address_is_refused() {
    let server = Server::start();
    let credentials = json!({ "type": "service_account", "client_email": "robot@project.example", "private_key": KEY,
        "token_uri": "http://oauth2.example/token" });

    keyfob(&server, &credentials).run(&["token", "google-cloud", "--json"]).error(11, "security");
}

#[test]
fn a_file_that_is_not_understood_is_refused_without_its_content() {
    let server = Server::start();
    let broken = json!({ "type": "service_account", "client_email": "robot@project.example",
        "private_key": "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5LWtleQ==\n-----END PRIVATE KEY-----\n", "token_uri": server.url() });
    for credentials in [broken, json!({ "type": "authorized_user", "refresh_token": "Y2FuYXJ5LWtleQ==" })] {
        let told = keyfob(&server, &credentials).run(&["token", "google-cloud", "--json"]).error(9, "config");

        assert!(!told.to_string().contains("Y2FuYXJ5"), "{told}");
    }
    assert!(server.requests().is_empty());
}

#[test]
fn a_refusal_to_impersonate_is_told_and_nothing_is_kept() {
    let server = Server::start();
    let path = Keyfob::new();
    let file = path.aside().join("subject");
    fs::write(&file, "subject-in-a-file").expect("a file");
    let impersonation = json!({ "service_account_impersonation_url": format!("{}/impersonate", server.url()) });
    let keyfob = keyfob(&server, &external(&server, &json!({ "file": file }), &impersonation));
    sts(&server);
    let body = json!({ "error": { "code": 403, "message": "Permission 'iam.serviceAccounts.getAccessToken' denied", "status": "PERMISSION_DENIED" } });
    server.always("/impersonate", Answer::json(403, &body));

    let told = keyfob.run(&["token", "google-cloud", "--json"]).error(5, "refused");

    assert!(told["message"].as_str().is_some_and(|message| message.contains("getAccessToken")), "{told}");
    assert_eq!(keyfob.sessions(), [""; 0]);
}

#[test]
fn a_program_is_told_audience_and_kind_and_its_answer_must_fit_and_last() {
    let server = Server::start();
    let home = Keyfob::new();
    let asked = home.aside().join("asked");
    let script = |answer: &str| {
        let lines =
            format!("env | grep ^GOOGLE_EXTERNAL_ACCOUNT_ | sort >'{}'; printf '%s' '{answer}'", asked.display());
        home.script("program", &lines)
    };
    let kind = "urn:ietf:params:oauth:token-type:jwt";
    let good = json!({ "version": 1, "success": true, "token_type": kind, "id_token": "subject-of-program", "expiration_time": 4_000_000_000_i64 });
    let with = |name: &str, value: Value| {
        let mut answer = good.clone();
        answer[name] = value;
        answer
    };
    sts(&server);
    let program = script("").display().to_string();
    let mut keyfob = keyfob(&server, &external(&server, &json!({ "executable": { "command": program } }), &json!({})));
    keyfob.set("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1");

    for (answer, word) in [
        (with("expiration_time", json!(1)), "ended"),
        (with("token_type", json!("urn:ietf:params:oauth:token-type:id_token")), "another type"),
        (with("version", json!(2)), "version 1"),
        (
            json!({ "version": 1, "success": false, "code": "401", "message": "Caller not authorized." }),
            "Caller not authorized",
        ),
    ] {
        script(&answer.to_string());
        keyfob.run(&["token", "google-cloud", "--json"]).error_naming(9, "config", &[word]);
    }
    script(&good.to_string());
    keyfob.token("google-cloud");

    let told = fs::read_to_string(&asked).expect("what the program was told");
    for line in [
        "GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE=//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
        "GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE=urn:ietf:params:oauth:token-type:jwt",
        "GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE=0",
    ] {
        assert!(told.lines().any(|told| told == line), "{line} is not in {told}");
    }
}
