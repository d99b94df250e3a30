//! The program under test, with a home, an environment and a browser of its own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::{Finished, Page, Redirect, Running, Server, contains, eventually, files, within, write_program};

/// keyfob as one person on one machine has it: encrypted files, their key in a file aside.
pub struct Keyfob {
    folder: TempDir,
    environment: BTreeMap<OsString, OsString>,
}

/// A login that waits for the browser.
pub struct Login {
    pub running: Running,
    /// The address that was opened.
    pub url: String,
}

impl Keyfob {
    /// Without any provider.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("keyfob-").tempdir().expect("a temporary folder");
        for name in ["home/config", "tmp", "run", "aside"] {
            fs::create_dir_all(folder.path().join(name)).expect("a folder in it");
        }
        fs::set_permissions(folder.path().join("run"), fs::Permissions::from_mode(0o700)).expect("a private folder");
        let mut keyfob = Self { folder, environment: BTreeMap::new() };
        keyfob.set("PATH", "/usr/bin:/bin");
        for (name, below) in [
            ("HOME", "home"),
            ("KEYFOB_CONFIG_DIR", "home/config"),
            ("XDG_STATE_HOME", "home/.local/state"),
            ("XDG_CACHE_HOME", "home/.cache"),
            ("TMPDIR", "tmp"),
            ("XDG_RUNTIME_DIR", "run"),
        ] {
            keyfob.set(name, keyfob.folder.path().join(below));
        }
        // An empty folder: nothing of the machine's own is a source of the test's results.
        keyfob.set("XDG_CONFIG_DIRS", keyfob.folder.path().join("aside/etc"));
        keyfob.set("KEYFOB_STORAGE", "file");
        keyfob.set("KEYFOB_FILE_KEY", keyfob.aside().join("key"));
        let opened = keyfob.aside().join("opened");
        let script = keyfob.script("browser", &format!("printf '%s\\n' \"$1\" >>'{}'", opened.display()));
        keyfob.set("KEYFOB_BROWSER", script);
        keyfob
    }

    /// With the provider `test`, which is `server` with its public client.
    pub fn with(server: &Server) -> Self {
        let keyfob = Self::new();
        keyfob.provider("test", server, "");
        keyfob
    }

    /// Logged in to that provider.
    #[track_caller]
    pub fn logged_in(server: &Server) -> Self {
        let keyfob = Self::with(server);
        keyfob.login(server);
        keyfob
    }

    /// Adds a provider that is `server` with its public client, unless `more` lines say otherwise.
    pub fn provider(&self, id: &str, server: &Server, more: &str) {
        let mut entry = format!("[providers.{id}]\nname = \"Test Server\"\nprotocol = \"oidc\"\n");
        let mut line = |key: &str, value: &str| {
            let given = more.lines().any(|line| line.split('=').next().is_some_and(|name| name.trim() == key));
            if !given {
                writeln!(entry, "{key} = {value}").expect("text grows");
            }
        };
        line("issuer", &format!("{:?}", server.url()));
        line("client_id", "\"public\"");
        line("scopes", "[\"openid\", \"email\"]");
        line("user", r#"{ id = "sub", name = "name", username = "preferred_username", email = "email" }"#);
        self.registry(&format!("{entry}{more}\n"));
    }

    /// A provider without OpenID Connect and without discovery.
    pub fn plain_provider(&self, id: &str, server: &Server, more: &str) {
        let url = server.url();
        let mut entry = format!("[providers.{id}]\nname = \"Plain Server\"\nprotocol = \"oauth2\"\n");
        for (key, value) in [
            ("authorization_endpoint", format!("\"{url}/authorize\"")),
            ("token_endpoint", format!("\"{url}/token\"")),
            ("client_id", "\"public\"".to_owned()),
            ("scopes", "[\"a\", \"b\"]".to_owned()),
        ] {
            if !more.lines().any(|line| line.split('=').next().is_some_and(|name| name.trim() == key)) {
                writeln!(entry, "{key} = {value}").expect("text grows");
            }
        }
        self.registry(&format!("{entry}{more}\n"));
    }

    /// A line for an entry that names `server`'s secret for `client_id` in a private file.
    pub fn client(&self, server: &Server, client_id: &str) -> String {
        let file = self.aside().join(format!("{}.secret", client_id.len()));
        fs::write(&file, server.client_secret(client_id).expect("a client with a secret")).expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a private file");
        format!("client_id = {client_id:?}\nclient_secret = {{ file = {:?} }}", file.display().to_string())
    }

    /// Appends to the user's `providers.toml`.
    pub fn registry(&self, lines: &str) {
        let before = fs::read_to_string(self.registry_file()).unwrap_or_else(|_| "schema = 1\n".to_owned());
        fs::write(self.registry_file(), format!("{before}\n{lines}")).expect("the registry can be written");
    }

    /// Replaces text in the user's `providers.toml`.
    #[track_caller]
    pub fn edit_registry(&self, from: &str, to: &str) {
        let before = fs::read_to_string(self.registry_file()).expect("a registry");
        assert!(before.contains(from), "{from} is not in {before}");
        fs::write(self.registry_file(), before.replace(from, to)).expect("the registry can be written");
    }

    pub fn registry_file(&self) -> PathBuf {
        self.home().join("config/providers.toml")
    }

    /// Makes these lines the `config.toml`.
    pub fn settings(&self, lines: &str) {
        fs::write(self.home().join("config/config.toml"), lines).expect("the settings can be written");
    }

    /// Sets a variable for every later command.
    pub fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        self.environment.insert(name.into(), value.into());
    }

    pub fn unset(&mut self, name: &str) {
        self.environment.remove(&OsString::from(name));
    }

    /// A program of a few lines of shell.
    pub fn script(&self, name: &str, lines: &str) -> PathBuf {
        let file = self.aside().join(name);
        write_program(&file, &format!("#!/bin/sh\n{lines}\n"));
        file
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyfob"));
        command.args(arguments).env_clear().envs(&self.environment).current_dir(self.home());
        command
    }

    pub fn start(&self, arguments: &[&str]) -> Running {
        Running::start(&mut self.command(arguments))
    }

    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Finished {
        self.start(arguments).finish()
    }

    /// Runs with this on standard input.
    #[track_caller]
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Finished {
        let mut running = Running::start_with_input(&mut self.command(arguments));
        running.type_in(input);
        running.finish()
    }

    /// The addresses that were opened so far.
    pub fn opened(&self) -> Vec<String> {
        let opened = fs::read_to_string(self.aside().join("opened")).unwrap_or_default();
        // A line counts when it is whole.
        opened.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).map(str::to_owned).collect()
    }

    /// Starts a login and waits for the browser.
    #[track_caller]
    pub fn begin(&self, arguments: &[&str]) -> Login {
        self.begin_command(&mut self.command(arguments))
    }

    #[track_caller]
    pub fn begin_command(&self, command: &mut Command) -> Login {
        let before = self.opened().len();
        let mut running = Running::start(command);
        let mut ended = false;
        let url = within(Duration::from_secs(15), || {
            ended = ended || running.ends_within(Duration::ZERO);
            self.opened().into_iter().nth(before).map(Some).or_else(|| ended.then_some(None))
        });
        match url.flatten() {
            Some(url) => Login { running, url },
            None if ended => panic!("the login ended before the browser: {:#?}", running.finish()),
            None => panic!("no browser was opened: {}", running.stderr_so_far()),
        }
    }

    /// A whole login whose person agrees.
    #[track_caller]
    pub fn log_in(&self, server: &Server, arguments: &[&str]) -> Finished {
        let login = self.begin(arguments);
        login.allow(server);
        login.finish()
    }

    /// A login to `test` that must succeed.
    #[track_caller]
    pub fn login(&self, server: &Server) {
        self.log_in(server, &["login", "test"]).expect(0);
    }

    #[track_caller]
    pub fn token(&self, target: &str) -> String {
        let token = self.run(&["token", target]).expect(0).stdout;
        token.strip_suffix('\n').expect("a token and a newline").to_owned()
    }

    #[track_caller]
    pub fn status(&self, target: &str) -> Value {
        self.run(&["status", target, "--json"]).json()
    }

    /// The names of the sessions there are.
    #[track_caller]
    pub fn sessions(&self) -> Vec<String> {
        let list = self.run(&["list", "--json"]).expect(0).json();
        let sessions = list["sessions"].as_array().expect("a list of sessions");
        sessions.iter().map(|session| session["session"].as_str().expect("a name").to_owned()).collect()
    }

    /// Waits until the access token of `target` is past its end.
    #[track_caller]
    pub fn wait_until_expired(&self, target: &str) {
        eventually("the token's expiry", || (self.status(target)["state"] == "expired").then_some(()));
    }

    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Where the index, the sessions and the locks are.
    pub fn state(&self) -> PathBuf {
        self.home().join(".local/state/keyfob")
    }

    /// What belongs to the test and not to keyfob.
    pub fn aside(&self) -> PathBuf {
        self.folder.path().join("aside")
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What is stored, to be compared byte by byte: all of the state but the locks.
    pub fn stored(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let files = files(&self.state()).into_iter().filter(|file| !file.to_string_lossy().contains("lock"));
        files.map(|file| (file.clone(), fs::read(&file).unwrap_or_default())).collect()
    }

    /// The files that `change` makes or rewrites and that hold sessions.
    #[track_caller]
    pub fn session_files(&self, change: impl FnOnce()) -> Vec<PathBuf> {
        let before = self.stored();
        change();
        let after = self.stored().into_iter().filter(|(file, bytes)| before.get(file) != Some(bytes));
        let named = after.map(|(file, _)| file).filter(|file| !file.to_string_lossy().contains("index"));
        let found: Vec<_> = named.collect();
        assert!(!found.is_empty(), "no file of a session in {:#?}", self.stored().keys());
        found
    }

    /// The files, and what is in them, that show one of `server`'s secrets in clear.
    pub fn leaks(&self, server: &Server) -> Vec<(PathBuf, String)> {
        let secrets = server.secrets();
        let folders = ["home", "run", "tmp"].iter().flat_map(|name| files(&self.folder.path().join(name)));
        let mut found = Vec::new();
        for file in folders {
            let mut content = fs::read(&file).unwrap_or_default();
            content.extend_from_slice(file.as_os_str().as_encoded_bytes());
            let seen = secrets.iter().filter(|secret| contains(&content, secret.as_bytes()));
            found.extend(seen.map(|secret| (file.clone(), secret.clone())));
        }
        found
    }
}

impl Login {
    /// The person agrees and ends on the page that is returned.
    #[track_caller]
    pub fn allow(&self, server: &Server) -> Page {
        server.allow(&self.url).get()
    }

    /// What the server would answer with.
    #[track_caller]
    pub fn redirect(&self, server: &Server) -> Redirect {
        server.allow(&self.url)
    }

    /// A parameter of the address that was opened.
    #[track_caller]
    pub fn parameter(&self, name: &str) -> Option<String> {
        let url = url::Url::parse(&self.url).expect("an address");
        url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    #[track_caller]
    pub fn finish(self) -> Finished {
        self.running.finish()
    }
}
