//! OAuth 1.0a with a server that nobody here wrote (Authlib on Flask), in every signature method that it allows.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::support::{Answer, Keyfob, Storage, needs, oauth1server, oauth1server_cache};

/// A running server of a test's own; it ends with this value.
struct OAuth1Server {
    process: Child,
    url: String,
}

fn key() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/protocol/oauth1/test-key.pem").display().to_string()
}

impl OAuth1Server {
    fn start() -> Self {
        let mut process = Command::new(oauth1server_cache().join("venv/bin/python"))
            .arg(oauth1server().join("server.py"))
            .arg(key())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server can be started");
        let mut url = String::new();
        let stdout = process.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut url).expect("the server says where it is");
        Self { process, url: url.trim().to_owned() }
    }

    fn provider(&self, keyfob: &Keyfob, method: &str) {
        let url = &self.url;
        let file = keyfob.home().join("config/providers.toml");
        let entry = format!(
            "schema = 1\n[providers.authlib]\nname = \"Authlib\"\nprotocol = \"oauth1\"\n\
             request_token_endpoint = \"{url}/initiate\"\nauthorization_endpoint = \"{url}/authorize\"\n\
             token_endpoint = \"{url}/token\"\nuserinfo_endpoint = \"{url}/me?x=1&x=a+b\"\n\
             user = {{ id = \"id\", username = \"login\" }}\nclient_id = \"cli\"\nclient_secret = \"s&cr et\"\n\
             private_key = {{ file = '{}' }}\nsignature_method = \"{method}\"\n",
            self.private_key(keyfob),
        );
        fs::write(&file, entry).expect("the registry can be written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("and made private");
    }

    /// The key in a file that only we can read.
    fn private_key(&self, keyfob: &Keyfob) -> String {
        let file = keyfob.home().join("key.pem");
        fs::copy(key(), &file).expect("the key can be copied");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("and made private");
        file.display().to_string()
    }
}

impl Drop for OAuth1Server {
    fn drop(&mut self) {
        // It ends with its standard input; this is for one that hangs.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the server allows; RSA-SHA1 only in builds that have it.
fn methods() -> Vec<&'static str> {
    let rsa = cfg!(feature = "rsa-sha1").then_some("RSA-SHA1");
    ["HMAC-SHA1", "PLAINTEXT"].into_iter().chain(rsa).collect()
}

#[test]
fn a_three_legged_login_and_signed_requests_succeed_in_every_method() {
    needs!(Server, OAuth1Server, Curl);
    for method in methods() {
        let server = OAuth1Server::start();
        let mut keyfob = Keyfob::new(&Storage::File);
        server.provider(&keyfob, method);
        keyfob.person(Answer::Allow);

        let login = keyfob.run(&["login", "authlib", "--json", "--grant", "oauth1"]).expect(0);

        let done = login.json_lines().pop().expect("an event");
        assert_eq!(done["session"]["session"], "authlib/alice", "{method}: {login:#?}");
        // No letters beyond ASCII: Flask hands the query decoded to Authlib 1.9, which then fails itself.
        for (verb, query) in [("GET", "?x=%25&x=a+b%2Fc&x="), ("DELETE", "")] {
            let url = format!("{}/me{query}", server.url);
            let wanted = format!("{verb} {url}");
            let header = keyfob.run(&["token", "authlib", "--format", "header", "--for", &wanted]).expect(0).stdout;
            let call = || Command::new("curl").args(["-s", "-X", verb, "-H", header.trim_end(), &url]).output();
            let answer: serde_json::Value =
                serde_json::from_slice(&call().expect("curl runs").stdout).expect("an answer in JSON");
            let seen = if query.is_empty() { json!([]) } else { json!(["%", "a b/c", ""]) };
            assert_eq!(answer, json!({ "id": "7", "login": "alice", "seen": seen }), "{method} {verb}");
            let again = String::from_utf8(call().expect("curl runs").stdout).expect("text");
            assert!(again.contains("invalid_nonce"), "the same header again is refused: {again}");
        }
    }
}

#[test]
fn a_wrong_secret_is_told_in_the_servers_words() {
    needs!(Server, OAuth1Server);
    let server = OAuth1Server::start();
    let mut keyfob = Keyfob::new(&Storage::File);
    server.provider(&keyfob, "HMAC-SHA1");
    keyfob.person(Answer::Allow);

    let refused = keyfob.run(&["login", "authlib", "--set", "client_id=other"]).expect(5);

    assert!(refused.stderr.contains("invalid_client"), "{refused:#?}");
    assert!(keyfob.opened().is_empty());
}
