//! Every command in the README, run as a stranger would run it: in order, with a shell, in an empty home.
//!
//! Where the README names a real service, a stand-in with the same settings answers: the system's `providers.toml` points
//! `github` and `keycloak` at the test server, and addresses and clients of the examples are replaced by its own.

#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::support::{Answer, Finished, Keyfob, Keyring, Storage, TestServer, needs, python, write_program};

/// Commands that are not run here, and why.
const NOT_RUN: [(&str, &str); 9] = [
    ("cargo install --locked --path .", "builds the program that is tested, for minutes"),
    ("cargo build --release --locked", "likewise"),
    ("keyfob setup github", "asks at a terminal; its steps are tested on their own"),
    (
        "keyfob token discogs --format curl --for 'GET https://api.discogs.com/oauth/identity' | curl -K - https://api.discogs.com/oauth/identity",
        "the server here speaks no OAuth 1.0a; oauth1.rs does the same at one that does",
    ),
    ("keyfob login acme --device --qr", "waits for a person at another machine; device.rs has a real browser be one"),
    ("keyfob login @alice.bsky.social", "a name of the real network; atproto.rs logs in at the protocol's own server"),
    ("keyfob login https://alice.example/", "a name of the real network; `tests/cli/indieauth.rs` logs in by a page"),
    ("keyfob login https://mastodon.social", "a name of the real network; `tests/cli/from_url.rs` plays an instance"),
    ("tests/run", "runs this test"),
];

/// The programs whose commands are run.
const RUN: [&str; 4] = ["keyfob", "curl", "install", "export"];

/// A fenced block, without its fences.
struct Block<'a> {
    language: &'a str,
    text: &'a str,
}

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("a README")
}

fn blocks(readme: &str) -> Vec<Block<'_>> {
    let mut parts = readme.split("\n```");
    parts.next();
    let mut found = Vec::new();
    while let Some(block) = parts.next() {
        let (language, text) = block.split_once('\n').expect("a block has a language and a text");
        found.push(Block { language, text });
        parts.next().expect("a block has an end");
    }
    found
}

fn commands<'a>(block: &Block<'a>) -> Vec<&'a str> {
    block.text.lines().filter_map(|line| line.strip_prefix("$ ")).collect()
}

/// The machine of the stranger.
struct Stranger<'a> {
    keyfob: Keyfob,
    server: &'a TestServer,
}

impl<'a> Stranger<'a> {
    fn new(server: &'a TestServer, keyring: &Keyring) -> Self {
        let mut keyfob = Keyfob::new(&Storage::Keyring(keyring));
        // Everything where it is by default.
        keyfob.unset("KEYFOB_CONFIG_DIR");
        fs::remove_dir(keyfob.home().join("config")).expect("an empty home");
        keyfob.person(Answer::Allow);
        let (system, bin) = (keyfob.aside().join("etc"), keyfob.aside().join("bin"));
        fs::create_dir_all(system.join("keyfob")).expect("a folder");
        fs::write(system.join("keyfob/providers.toml"), stand_ins(server.issuer())).expect("a registry");
        keyfob.set("XDG_CONFIG_DIRS", &system);
        // Behind everything else on the path: only where there is no real one.
        fs::create_dir_all(&bin).expect("a folder");
        write_program(&bin.join("jq"), &jq());
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::env::split_paths(&path).chain([bin])).expect("a path");
        keyfob.set("PATH", path);
        Self { keyfob, server }
    }

    /// The README's text with what is there on this machine.
    fn here(&self, text: &str) -> String {
        let issuer = self.server.issuer();
        [
            // All services are at one address here, so that the address alone does not name the session.
            ("keyfob request https://api.github.com/user", "keyfob request github https://api.github.com/user"),
            ("https://api.acme.example/files", &format!("{issuer}/me")),
            ("https://api.acme.example/export", &format!("{issuer}/me")),
            ("Ov23liEXAMPLE", "cli-post"),
            ("--client-id keyfob", "--client-id cli-public"),
            ("client_id = \"keyfob\"", "client_id = \"cli-public\""),
            ("https://api.github.com/user", &format!("{issuer}/api/user")),
            ("https://sso.acme.example", issuer),
            ("https://id.other.example", issuer),
            ("acme/ada", "acme/alice"),
        ]
        .iter()
        .fold(text.to_owned(), |text, (there, here)| text.replace(there, here))
    }

    /// Runs one command of a block, whose earlier exports hold.
    #[track_caller]
    fn run(&self, exports: &[&str], command: &str) -> Finished {
        // What the person types where a command reads it.
        let input = if command.starts_with("install ") { "printf 'post-secret\\n' |" } else { "" };
        // The demonstration's server has no page for the scripted person.
        let browser = if command == "keyfob demo" { "BROWSER=none" } else { "" };
        let line = self.here(command);
        let script = format!("{}\n{input} {browser} {line}", exports.join("\n"));
        let finished = self.keyfob.shell(&script).expect(0);
        assert!(!finished.stderr.contains("error:") && !finished.stderr.contains("panicked"), "{finished:#?}");
        finished
    }

    /// Appends an example's lines to a file of the configuration, as the README says to, unless a command has written
    /// them.
    #[track_caller]
    fn write(&self, file: &str, text: &str) {
        let folder = self.keyfob.home().join(".config/keyfob");
        fs::create_dir_all(&folder).expect("a folder");
        let before = fs::read_to_string(folder.join(file)).unwrap_or_default();
        let example = self.here(text);
        if example.lines().next().is_some_and(|header| before.lines().any(|line| line == header)) {
            assert!(example.lines().all(|line| before.lines().any(|written| written == line)), "{before}");
            return;
        }
        fs::write(folder.join(file), format!("{before}{example}\n")).expect("the example can be written");
    }
}

/// The services of the README, at the test server. What is not said here is as it is built in.
fn stand_ins(issuer: &str) -> String {
    format!(
        "schema = 1\n\
         [providers.github]\n\
         authorization_endpoint = \"{issuer}/auth\"\n\
         token_endpoint = \"{issuer}/token\"\n\
         userinfo_endpoint = \"{issuer}/api/user\"\n\
         scopes = [\"api:read\"]\n\
         authorize_params = {{ resource = \"{issuer}/api\" }}\n\
         userinfo = {{ email_endpoint = \"{issuer}/api/emails\" }}\n\
         user = {{ id = \"sub\", username = \"sub\" }}\n\
         [providers.keycloak]\n\
         issuer = \"{{base_url}}\"\n\
         authorization_endpoint = \"{{base_url}}/auth\"\n\
         token_endpoint = \"{{base_url}}/token\"\n\
         userinfo_endpoint = \"{{base_url}}/me\"\n\
         revocation_endpoint = \"{{base_url}}/token/revocation\"\n\
         scopes = [\"openid\", \"profile\", \"email\", \"offline_access\"]\n\
         authorize_params = {{ prompt = \"consent\" }}\n"
    )
}

/// A stand-in for `jq -r` that knows paths.
fn jq() -> String {
    let python = python().expect("the test server needs it too");
    format!(
        "#!{python}\n\
         import json, sys\n\
         values = [json.load(sys.stdin)]\n\
         for name in sys.argv[2].strip('.').replace('[]', '.[]').split('.'):\n    \
         values = [item for value in values for item in value] if name == '[]' else [value[name] for value in values]\n\
         print(*values, sep='\\n')\n"
    )
}

/// What the README promises of some of its commands.
#[track_caller]
fn as_promised(stranger: &Stranger<'_>, command: &str, finished: &Finished) {
    let keyfob = &stranger.keyfob;
    let (stdout, stderr) = (finished.stdout.trim_end(), &finished.stderr);
    match command {
        "keyfob completions bash" => assert!(stdout.contains("complete -F _keyfob"), "{finished:#?}"),
        "keyfob demo" => assert!(stderr.contains("Revoked at the server"), "{finished:#?}"),
        "install -m 600 /dev/stdin ~/github.secret" => {
            let file = keyfob.home().join("github.secret");
            assert_eq!(fs::metadata(file).expect("a file").permissions().mode() & 0o777, 0o600);
        }
        _ if command.starts_with("keyfob login github") => {
            assert!(stderr.contains("github/alice"), "{finished:#?}");
            assert_eq!(keyfob.status("github")["client_id"], "cli-post");
        }
        "keyfob provider show github" => {
            assert!(stdout.contains("cli-post") && stdout.contains(".config/keyfob/providers.toml"), "{finished:#?}");
            assert!(stdout.contains("built-in") || stdout.contains("bundled"), "{finished:#?}");
        }
        "keyfob login acme" => assert!(stderr.contains("Logged in to Acme"), "{finished:#?}"),
        _ if command.contains("curl") => {
            let answer: Value = finished.json();
            assert_eq!((&answer["ok"], &answer["sub"]), (&true.into(), &"alice".into()), "{finished:#?}");
        }
        "keyfob token github" | "keyfob token acme --no-refresh || keyfob login acme" => {
            assert!(stdout.len() > 20 && stdout.split_whitespace().count() == 1, "{finished:#?}");
        }
        "keyfob list" => {
            assert!(["github/alice", "acme/alice", "other/alice"].iter().all(|name| stdout.contains(name)), "{stdout}");
        }
        "keyfob refresh acme" => assert!(stderr.contains("renewed"), "{finished:#?}"),
        "keyfob logout acme" => assert!(!keyfob.sessions().contains(&"acme/alice".to_owned())),
        "keyfob token acme --json | jq -r .expires_at" => assert!(stdout.ends_with('Z'), "{finished:#?}"),
        "keyfob list --json | jq -r '.sessions[].session'" => assert!(stdout.contains("acme/alice"), "{finished:#?}"),
        _ => {}
    }
}

/// Runs a job of GitHub Actions as its runner does: the job's variables and little else, each script by `bash -e`.
///
/// Only the shape that the README uses is understood: `env` with plain values, and steps with a `run: |` each.
#[track_caller]
fn run_job(stranger: &Stranger<'_>, job: &str) {
    let keyfob = &stranger.keyfob;
    let workspace = keyfob.aside().join("workspace");
    fs::create_dir_all(&workspace).expect("a folder");
    let secret = stranger.server.client_secret("machine-basic").expect("a secret");
    let here = stranger.here(job).replace("client_id=reports", "client_id=machine-basic");
    let here = here.replace("resource=https://api.acme.example", &format!("resource={}/api", stranger.server.issuer()));
    let here = here.replace("https://api.acme.example/reports", &format!("{}/api/reports", stranger.server.issuer()));
    let here = here.replace("scopes=reports:read", "scopes=api:read");
    let (head, script) = here.split_once("- run: |\n").expect("a script");
    let before = keyfob.files();

    let mut command = std::process::Command::new("/bin/bash");
    command.args(["-e", "-c", script]).env_clear().current_dir(&workspace).env("CI", "true");
    let bin = Path::new(env!("CARGO_BIN_EXE_keyfob")).parent().expect("a folder");
    command.env("PATH", format!("{}:/usr/bin:/bin", bin.display())).env("HOME", keyfob.home());
    let variables = head.split_once("env:\n").expect("variables").1.lines().take_while(|line| line.starts_with("    "));
    for (name, value) in variables.map(|line| line.trim().split_once(": ").expect("a name and a value")) {
        command.env(name, if value.starts_with("${{ secrets.") { secret } else { value });
    }
    let output = command.output().expect("bash");

    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value =
        serde_json::from_slice(&fs::read(workspace.join("reports.json")).expect("a report")).expect("JSON");
    assert_eq!((&report["ok"], &report["client_id"]), (&true.into(), &"machine-basic".into()));
    assert_eq!(keyfob.files(), before, "the job leaves nothing behind");
}

#[test]
fn every_command_is_either_run_or_left_out_for_a_reason() {
    let readme = readme();
    let all: Vec<_> = blocks(&readme).iter().flat_map(commands).collect();

    for command in &all {
        let is_left_out = NOT_RUN.iter().any(|(left_out, _)| left_out == command);
        let program = command.split_whitespace().next().unwrap_or_default();
        assert!(is_left_out || RUN.contains(&program), "`{command}` is neither run nor left out for a reason");
    }
    for (left_out, _) in NOT_RUN {
        assert!(all.contains(&left_out), "`{left_out}` is not in the README any more");
    }
}

#[test]
fn every_command_and_every_example_of_a_file_does_what_it_says() {
    needs!(Server, Keyring, Curl);
    let (server, keyring) = (TestServer::start(), Keyring::unlocked());
    let readme = readme();
    let stranger = Stranger::new(&server, &keyring);
    fs::write(stranger.keyfob.home().join(".keyfob.passphrase"), "correct horse battery staple\n").expect("a file");
    fs::write(stranger.keyfob.home().join("photo.jpg"), "a photo").expect("a file");
    let mut settings = None;

    for block in blocks(&readme) {
        match block.language {
            "toml" if block.text.contains("[providers.") => stranger.write("providers.toml", block.text),
            "toml" => settings = Some(block.text),
            "console" => {
                let mut exports = Vec::new();
                for command in commands(&block) {
                    if NOT_RUN.iter().any(|(left_out, _)| *left_out == command) {
                        continue;
                    }
                    // A section on its own begins with a session.
                    if command.starts_with("keyfob token acme --json") {
                        stranger.run(&[], "keyfob login acme");
                    }
                    let finished = stranger.run(&exports, command);
                    as_promised(&stranger, command, &finished);
                    if command.starts_with("export ") {
                        exports.push(command);
                    }
                }
            }
            "yaml" => run_job(&stranger, block.text),
            other => panic!("a block in the language `{other}`"),
        }
    }

    // What the text says beside the blocks.
    stranger.keyfob.run(&["refresh", "github"]).expect(4);
    for command in [
        "keyfob provider list",
        "keyfob provider list acme",
        "keyfob provider grants",
        "keyfob provider show acme --toml >entry.toml",
        "keyfob provider remove acme",
        "keyfob provider add acme --from entry.toml",
    ] {
        stranger.run(&[], command);
    }
    stranger.write("config.toml", settings.expect("an example of the settings"));
    let token = stranger.run(&[], "keyfob token");
    assert_eq!(token.stderr, "", "each key is known");
    assert_eq!(
        token.stdout,
        stranger.run(&[], "keyfob token acme").stdout,
        "`default` is the session when none is named"
    );
    assert_eq!(stranger.keyfob.leaks(&server).iter().filter(|leak| !leak.file.ends_with("github.secret")).count(), 0);
}

#[test]
fn options_of_a_login_serve_its_renewals_and_a_client_can_be_added_with_its_secret_in_the_store() {
    needs!(Server, Keyring);
    let (server, keyring) = (TestServer::start(), Keyring::unlocked());
    let stranger = Stranger::new(&server, &keyring);
    let secret = stranger.keyfob.home().join("secret");
    let (issuer, scope) = (server.issuer(), "--scope 'openid offline_access' --param prompt=consent");
    fs::write(&secret, "basic-secret\n").expect("a file");

    stranger.run(&[], &format!("keyfob provider add one --issuer {issuer}"));
    stranger.run(&[], &format!("keyfob login one --client-id cli-basic --client-secret-file ~/secret {scope}"));
    let add = "--client-id cli-basic --client-secret-file ~/secret";
    stranger.run(
        &[],
        &format!("keyfob provider add two --extends keycloak --set base_url={issuer} --set realm=staff {add}"),
    );
    fs::remove_file(secret).expect("it is not needed any more");
    stranger.run(&[], "keyfob login two");

    for name in ["one", "two"] {
        stranger.run(&[], &format!("keyfob refresh {name}"));
        stranger.run(&[], &format!("keyfob logout {name}"));
    }
    let registry =
        fs::read_to_string(stranger.keyfob.home().join(".config/keyfob/providers.toml")).expect("a registry");
    assert!(registry.contains("client_secret = { store = true }"), "{registry}");
}
