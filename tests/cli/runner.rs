//! The identity of the machine that keyfob runs on, at stand-ins for what each platform documents.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{Answer, Keyfob, Request, Server, base64url, now};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// A statement as a platform signs it; nobody here checks the signature.
fn statement(number: usize, audience: &str) -> String {
    let claims = json!({ "iss": "https://platform.example", "sub": "job", "aud": audience, "exp": 4_000_000_000_i64, "n": number });
    format!("eyJhbGciOiJSUzI1NiJ9.{}.c2lnbmF0dXJl", base64url(claims.to_string().as_bytes()))
}

/// A provider whose subject is what `runner` says.
fn federated(server: &Server, runner: &str) -> Keyfob {
    let keyfob = Keyfob::new();
    let entry = format!("scopes = []\ngrants = [\"token_exchange\"]\nsubject_token = {{ {runner} }}");
    keyfob.provider("test", server, &entry);
    keyfob
}

/// The only exchange so far.
#[track_caller]
fn exchanged(server: &Server) -> Request {
    let mut requests = server.grants(EXCHANGE);
    assert_eq!(requests.len(), 1, "{requests:#?}");
    requests.remove(0)
}

#[track_caller]
fn is_exchanged(keyfob: &Keyfob, server: &Server, statement: &str) {
    assert!(keyfob.token("test").starts_with("access-"));
    let request = exchanged(server);
    assert_eq!(request.expect("subject_token"), statement);
    assert_eq!(request.expect("subject_token_type"), "urn:ietf:params:oauth:token-type:jwt");
    assert_eq!(keyfob.leaks(server), []);
    assert_eq!(server.violations(), [""; 0]);
}

/// The runner's endpoint as GitHub documents it: a bearer token, an audience, and a new statement for each request.
fn actions(server: &Server, keyfob: &mut Keyfob) {
    let mut number = 0;
    server.instead("/actions/idtoken", usize::MAX, move |request: &Request| {
        number += 1;
        let is_right = request.header("authorization") == Some("bearer request-token-of-the-job");
        match (is_right, request.parameter("audience")) {
            (true, Some(audience)) => Answer::json(200, &json!({ "count": 1, "value": statement(number, &audience) })),
            _ => Answer::json(401, &json!({ "message": "no" })),
        }
    });
    keyfob.set("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{}/actions/idtoken?api-version=2.0", server.url()));
    keyfob.set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-token-of-the-job");
}

#[test]
fn a_job_of_github_or_forgejo_is_its_own_credential() {
    for platform in ["github-actions", "forgejo-actions"] {
        let server = Server::start();
        let mut keyfob = federated(&server, &format!("runner = {platform:?}"));
        actions(&server, &mut keyfob);

        is_exchanged(&keyfob, &server, &statement(1, &server.url()));

        let asked = server.requests_to("/actions/idtoken").remove(0);
        assert_eq!(asked.all("audience"), [server.url()]);
        assert_eq!(asked.expect("api-version"), "2.0");
    }
}

#[test]
fn a_statement_is_fetched_anew_for_each_use_and_kept_nowhere() {
    let server = Server::start();
    let mut keyfob = federated(&server, "runner = \"github-actions\", audience = \"https://sts.example\"");
    actions(&server, &mut keyfob);

    keyfob.token("test");
    keyfob.run(&["refresh", "test"]).expect(0);

    let sent: Vec<_> = server.grants(EXCHANGE).iter().map(|request| request.expect("subject_token")).collect();
    assert_eq!(sent, [statement(1, "https://sts.example"), statement(2, "https://sts.example")]);
    let shown = keyfob.run(&["-vv", "refresh", "test"]).expect(0);
    for secret in ["request-token-of-the-job", &statement(3, "https://sts.example")] {
        assert!(!shown.output().contains(secret), "{shown:#?}");
    }
    assert_eq!(keyfob.leaks(&server), []);
}

#[test]
fn what_a_runner_lacks_is_named_with_where_it_comes_from() {
    for (platform, words) in [
        ("github-actions", &["ACTIONS_ID_TOKEN_REQUEST_URL", "id-token: write"][..]),
        ("forgejo-actions", &["ACTIONS_ID_TOKEN_REQUEST_URL", "enable-openid-connect"]),
        ("gitlab", &["KEYFOB_ID_TOKEN", "id_tokens"]),
        ("circleci", &["CIRCLE_OIDC_TOKEN_V2", "context"]),
        ("buildkite", &["BUILDKITE_AGENT_ACCESS_TOKEN"]),
        ("kubernetes", &["/var/run/secrets/tokens/keyfob", "serviceAccountToken"]),
        ("azure", &["AZURE_FEDERATED_TOKEN_FILE", "azure.workload.identity/use"]),
        ("spiffe", &["SPIFFE_JWT_SVID_FILE"]),
    ] {
        let server = Server::start();
        let keyfob = federated(&server, &format!("runner = {platform:?}"));

        keyfob.run(&["token", "test", "--json"]).error_naming(9, "config", words);

        assert!(server.requests_to("/token").is_empty());
    }
}

#[test]
fn an_unknown_platform_is_told_with_those_there_are() {
    let server = Server::start();
    let keyfob = federated(&server, "runner = \"travis\"");

    keyfob.run(&["token", "test", "--json"]).error_naming(9, "config", &["github-actions", "spiffe"]);
}

#[test]
fn a_runner_stands_only_where_a_statement_is_wanted() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    keyfob.provider("test", &server, "client_secret = { runner = \"gcp\" }");

    keyfob.run(&["token", "test", "--json"]).error_naming(9, "config", &["client_secret", "subject_token"]);
}

#[test]
fn a_command_line_can_name_the_runner_and_the_audience() {
    let server = Server::start();
    let mut keyfob = Keyfob::new();
    keyfob.provider("test", &server, "scopes = []\ngrants = [\"jwt_bearer\"]");
    actions(&server, &mut keyfob);

    keyfob.run(&["token", "test", "--set", "assertion=runner:github-actions,urn:aud"]).expect(0);
    keyfob.run(&["token", "test", "--set", "assertion=runner:nowhere"]).fails(2);

    let sent = server.grants("urn:ietf:params:oauth:grant-type:jwt-bearer").remove(0);
    assert_eq!(sent.expect("assertion"), statement(1, "urn:aud"));
}

#[test]
fn a_platform_that_refuses_is_told_as_such() {
    let server = Server::start();
    let mut keyfob = federated(&server, "runner = \"github-actions\"");
    actions(&server, &mut keyfob);
    keyfob.set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "another-token");

    let told = keyfob.run(&["token", "test", "--json"]).error_naming(9, "config", &["status 401", "docs.github.com"]);

    assert!(!told.to_string().contains("another-token"));
}

#[test]
fn variables_of_gitlab_and_circleci_are_taken_and_checked_for_audience_and_end() {
    for (platform, variable) in [("gitlab", "KEYFOB_ID_TOKEN"), ("circleci", "CIRCLE_OIDC_TOKEN_V2")] {
        let server = Server::start();
        let mut keyfob = federated(&server, &format!("runner = {platform:?}, audience = \"https://sts.example\""));

        for wrong in [statement(1, "https://elsewhere.example"), "opaque".to_owned(), ended("https://sts.example")] {
            keyfob.set(variable, &wrong);
            let told = keyfob.run(&["token", "test", "--json"]).error(9, "config");
            assert!(!told.to_string().contains(&wrong));
        }
        let right = statement(1, "https://sts.example");
        keyfob.set(variable, &right);
        is_exchanged(&keyfob, &server, &right);
    }
}

/// A statement of yesterday.
fn ended(audience: &str) -> String {
    let claims = json!({ "aud": audience, "exp": now() - 86_400 });
    format!("eyJhbGciOiJSUzI1NiJ9.{}.c2lnbmF0dXJl", base64url(claims.to_string().as_bytes()))
}

#[test]
fn files_of_kubernetes_azure_and_spiffe_are_read_at_each_use() {
    for (platform, variable) in [
        ("kubernetes", "KUBERNETES_TOKEN_FILE"),
        ("azure", "AZURE_FEDERATED_TOKEN_FILE"),
        ("spiffe", "SPIFFE_JWT_SVID_FILE"),
    ] {
        let server = Server::start();
        let mut keyfob = federated(&server, &format!("runner = {platform:?}"));
        let file: PathBuf = keyfob.aside().join("projected");
        keyfob.set(variable, &file);
        fs::write(&file, format!("{}\n", statement(1, "any"))).expect("a file");
        is_exchanged(&keyfob, &server, &statement(1, "any"));

        fs::write(&file, statement(2, "any")).expect("a rotated file");
        keyfob.run(&["refresh", "test"]).expect(0);

        assert_eq!(server.grants(EXCHANGE)[1].expect("subject_token"), statement(2, "any"));
    }
}

#[test]
fn the_agent_of_buildkite_is_asked_for_the_audience() {
    let server = Server::start();
    let mut keyfob = federated(&server, "runner = \"buildkite\", audience = \"https://sts.example\"");
    let wanted = statement(1, "https://sts.example");
    let script = format!("test \"$*\" = 'oidc request-token --audience https://sts.example' && echo '{wanted}'");
    let agent = keyfob.script("buildkite-agent", &script);
    let bin = agent.parent().expect("a folder").display().to_string();
    keyfob.set("PATH", format!("{bin}:/usr/bin:/bin"));
    keyfob.set("BUILDKITE_AGENT_ACCESS_TOKEN", "of-the-agent");

    is_exchanged(&keyfob, &server, &wanted);
}

#[test]
fn the_metadata_server_of_google_is_asked_and_recognised_by_its_header() {
    let server = Server::start();
    let mut keyfob = federated(&server, "runner = \"gcp\", audience = \"https://sts.example\"");
    let path = "/computeMetadata/v1/instance/service-accounts/default/identity";
    keyfob.set("GCE_METADATA_HOST", server.address().to_string());
    server.once(path, Answer::new(200, "text/html", "<h1>Some portal</h1>"));
    keyfob.run(&["token", "test", "--json"]).error_naming(9, "config", &["Metadata-Flavor"]);
    server.instead(path, usize::MAX, |request: &Request| {
        let is_right = request.header("metadata-flavor") == Some("Google") && request.expect("format") == "full";
        let body = statement(1, &request.expect("audience"));
        Answer::new(if is_right { 200 } else { 403 }, "text/html", body).with("Metadata-Flavor", "Google")
    });

    is_exchanged(&keyfob, &server, &statement(1, "https://sts.example"));
}

#[test]
fn the_metadata_server_is_asked_at_no_other_host() {
    let server = Server::start();
    let mut keyfob = federated(&server, "runner = \"gcp\", audience = \"a\"");
    for host in ["evil.example", "169.254.169.254.evil.example", "10.0.0.1"] {
        keyfob.set("GCE_METADATA_HOST", host);
        keyfob.run(&["token", "test", "--json"]).error_naming(11, "security", &["169.254.169.254"]);
    }
}

#[test]
fn a_statement_proves_who_the_client_is_for_each_request_anew() {
    let server = Server::start();
    let mut keyfob = Keyfob::new();
    let entry = "client_id = \"job\"\nclient_assertion = { runner = \"github-actions\" }\nscopes = []\ngrants = [\"client_credentials\"]";
    keyfob.provider("test", &server, entry);
    actions(&server, &mut keyfob);
    let body = json!({ "access_token": "access-of-the-job", "token_type": "Bearer", "expires_in": 3600 });
    server.always("/token", Answer::json(200, &body));

    assert_eq!(keyfob.token("test"), "access-of-the-job");
    keyfob.run(&["refresh", "test"]).expect(0);

    let requests = server.grants("client_credentials");
    for (number, request) in requests.iter().enumerate() {
        assert_eq!(request.expect("client_assertion"), statement(number + 1, &server.url()));
        assert_eq!(request.expect("client_assertion_type"), "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        assert_eq!(request.expect("client_id"), "job");
        assert_eq!(request.header("authorization"), None);
    }
    assert_eq!(requests.len(), 2);
    let told: Value = keyfob.status("test");
    assert_eq!(told["client_id"], "job");
    assert_eq!(keyfob.leaks(&server), []);
}

#[test]
fn programs_that_are_started_do_not_get_what_the_runner_was_given() {
    for (platform, variables) in [
        ("github-actions", &["ACTIONS_ID_TOKEN_REQUEST_TOKEN"][..]),
        ("gitlab", &["GITLAB_OIDC_TOKEN", "ID_TOKEN", "KEYFOB_ID_TOKEN"]),
        ("circleci", &["CIRCLE_OIDC_TOKEN_V2", "CIRCLE_OIDC_TOKEN"]),
    ] {
        let server = Server::start();
        let mut keyfob = federated(&server, &format!("runner = {platform:?}"));
        actions(&server, &mut keyfob);
        for variable in variables {
            keyfob.set(*variable, statement(1, &server.url()));
        }
        if platform == "github-actions" {
            keyfob.set(variables[0], "request-token-of-the-job");
        }

        let shown = keyfob.run(&["exec", "test", "--env", "ACCESS_TOKEN", "--", "env"]).expect(0).stdout;

        assert!(shown.contains("ACCESS_TOKEN=access-"), "{shown}");
        for variable in variables {
            assert!(!shown.lines().any(|line| line.starts_with(&format!("{variable}="))), "{variable} in {shown}");
        }
    }
}
