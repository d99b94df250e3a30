//! The authorization server of `tests/testserver`: started, watched, disturbed.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::parts;
use super::ready::Ready;

/// A running server of a test's own; it ends with this value.
pub struct TestServer(Ready);

/// One request that the server recorded.
#[derive(Clone, Debug)]
pub struct Request(Value);

impl TestServer {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// With further options of `tests/testserver/up`.
    pub fn start_with(options: &[&str]) -> Self {
        let mut command = Command::new(parts::testserver().join("up"));
        command.args(["0", "--exit-with-stdin"]).args(options);
        command.env("KEYFOB_TESTSERVER_CACHE", parts::testserver_cache());
        Self(Ready::start(command))
    }

    pub fn issuer(&self) -> &str {
        self.0.line["issuer"].as_str().expect("the issuer is told")
    }

    /// What it says of itself.
    pub fn metadata(&self) -> Value {
        serde_json::from_str(&self.call("GET", "/.well-known/openid-configuration", "")).expect("metadata in JSON")
    }

    /// The same server over https.
    pub fn tls_issuer(&self) -> &str {
        self.0.line["tls_issuer"].as_str().expect("the issuer over https is told")
    }

    /// The same over https that asks for a client certificate.
    pub fn mtls_base(&self) -> &str {
        self.0.line["mtls_base"].as_str().expect("the address for certificates is told")
    }

    /// Where one of the files is that belong to its clients; a dot leads into a group.
    pub fn file(&self, name: &str) -> &str {
        let file = name.split('.').fold(&self.0.line["files"], |files, name| &files[name]);
        file.as_str().unwrap_or_else(|| panic!("no file {name}"))
    }

    /// The secret of a confidential client.
    pub fn client_secret(&self, client_id: &str) -> Option<&str> {
        self.0.line["clients"][client_id]["secret"].as_str()
    }

    /// Everything recorded so far, in order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        let body = self.call("GET", "/_test/requests", "");
        let Value::Array(all) = serde_json::from_str(&body).expect("the record is JSON") else {
            panic!("the record is no list: {body}")
        };
        all.into_iter().map(Request).collect()
    }

    /// Those to one path.
    pub fn requests_to(&self, path: &str) -> Vec<Request> {
        self.requests().into_iter().filter(|request| request.path() == path).collect()
    }

    /// The token requests with this `grant_type`.
    pub fn grants(&self, grant_type: &str) -> Vec<Request> {
        let tokens = self.requests_to("/token").into_iter();
        tokens.filter(|request| request.parameter("grant_type") == Some(grant_type)).collect()
    }

    pub fn forget_requests(&self) {
        self.call("DELETE", "/_test/requests", "");
    }

    /// Has the next requests to a path fail, wait or be cut; see the server's README.
    pub fn fault(&self, fault: &Value) {
        self.call("POST", "/_test/fault", &fault.to_string());
    }

    /// Answers a CIBA request as the person does.
    pub fn decide(&self, answer: &Value) {
        self.call("POST", "/_test/ciba", &answer.to_string());
    }

    pub fn clear_faults(&self) {
        self.call("DELETE", "/_test/fault", "");
    }

    /// Every token, code and verifier that has passed through this server, and its clients' secrets.
    pub fn secrets(&self) -> BTreeSet<String> {
        let mut secrets = BTreeSet::new();
        for Request(request) in self.requests() {
            for name in ["access_token", "refresh_token", "id_token"] {
                secrets.extend(request["issued"][name].as_str().map(str::to_owned));
            }
            for name in ["code", "code_verifier", "refresh_token", "token", "auth_req_id", "subject_token"] {
                secrets.extend(request["params"][name].as_str().map(str::to_owned));
            }
        }
        let clients = self.0.line["clients"].as_object().expect("the clients are told");
        secrets.extend(clients.values().filter_map(|client| client["secret"].as_str().map(str::to_owned)));
        secrets.retain(|secret| secret.len() >= 8);
        secrets
    }

    /// One request of HTTP/1.0, whose answer ends with the connection.
    fn call(&self, method: &str, path: &str, body: &str) -> String {
        let authority = self.issuer().trim_start_matches("http://");
        let mut stream = TcpStream::connect(authority).expect("the test server accepts");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit can be set");
        let length = body.len();
        write!(stream, "{method} {path} HTTP/1.0\r\nHost: {authority}\r\nContent-Length: {length}\r\n\r\n{body}")
            .expect("the test server reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the test server answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.split(' ').nth(1) == Some("200"), "{method} {path}: {head}");
        body.to_owned()
    }
}

impl Request {
    pub fn path(&self) -> &str {
        self.0["path"].as_str().unwrap_or_default()
    }

    pub fn status(&self) -> i64 {
        self.0["status"].as_i64().unwrap_or_default()
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.0["params"][name].as_str()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.0["headers"][name].as_str()
    }

    /// One of the tokens that the answer carried.
    pub fn issued(&self, name: &str) -> Option<&str> {
        self.0["issued"][name].as_str()
    }
}
