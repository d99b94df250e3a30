//! The program under test, with a home, an environment and a provider of its own.

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

use super::{Answer, Browser, Finished, Keyring, Leak, Running, TestServer, leaks, secrets};

/// No command of these tests works for long; this ends those that hang.
const LIMIT: Duration = Duration::from_secs(60);

/// Where sessions are kept.
pub enum Storage<'a> {
    Keyring(&'a Keyring),
    /// Encrypted files, their key in a file outside of the home.
    File,
}

/// keyfob as one person on one machine has it.
pub struct Keyfob {
    folder: TempDir,
    environment: BTreeMap<OsString, OsString>,
    browser: Option<Browser>,
}

impl Keyfob {
    pub fn new(storage: &Storage<'_>) -> Self {
        let folder = tempfile::Builder::new().prefix("keyfob-").tempdir().expect("a temporary folder");
        for name in ["home/config", "tmp", "run", "aside"] {
            fs::create_dir_all(folder.path().join(name)).expect("a folder in it");
        }
        fs::set_permissions(folder.path().join("run"), fs::Permissions::from_mode(0o700)).expect("a private folder");
        let mut keyfob = Self { folder, environment: BTreeMap::new(), browser: None };
        keyfob.set("PATH", std::env::var_os("PATH").unwrap_or_default());
        for (name, below) in
            [("HOME", "home"), ("KEYFOB_CONFIG_DIR", "home/config"), ("TMPDIR", "tmp"), ("XDG_RUNTIME_DIR", "run")]
        {
            keyfob.set(name, keyfob.folder.path().join(below));
        }
        match storage {
            Storage::Keyring(keyring) => keyfob.set("DBUS_SESSION_BUS_ADDRESS", keyring.address()),
            Storage::File => {
                keyfob.set("KEYFOB_STORAGE", "file");
                keyfob.set("KEYFOB_FILE_KEY", keyfob.aside().join("key"));
            }
        }
        keyfob
    }

    /// With the provider `test`, which is `server` with one of its clients, and a person who allows.
    pub fn with_client(storage: &Storage<'_>, server: &TestServer, client_id: &str) -> Self {
        let mut keyfob = Self::new(storage);
        keyfob.provider("test", server, client_id, "");
        keyfob.person(Answer::Allow);
        keyfob
    }

    /// Adds a provider that is `server` with one of its clients; `more` is what else its entry says.
    pub fn provider(&self, id: &str, server: &TestServer, client_id: &str, more: &str) {
        let mut entry = format!(
            "[providers.{id}]\nname = \"Test Server\"\nprotocol = \"oidc\"\nissuer = \"{issuer}\"\n\
             client_id = '{client_id}'\nscopes = [\"openid\", \"offline_access\", \"email\", \"profile\"]\n\
             authorize_params = {{ prompt = \"consent\" }}\n",
            issuer = server.issuer(),
        );
        if let Some(secret) = server.client_secret(client_id) {
            let file = self.aside().join(format!("{id}.client-secret"));
            fs::write(&file, secret).expect("a secret can be put aside");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("and made private");
            writeln!(entry, "client_secret = {{ file = '{}' }}", file.display()).expect("text grows");
        }
        if !more.contains("user =") {
            let user = r#"{ id = "sub", name = "name", username = "preferred_username", email = "email" }"#;
            writeln!(entry, "user = {user}").expect("text grows");
        }
        let file = self.home().join("config/providers.toml");
        let before = fs::read_to_string(&file).unwrap_or_else(|_| "schema = 1\n".to_owned());
        fs::write(file, format!("{before}\n{entry}{more}\n")).expect("the registry can be written");
    }

    /// Makes these lines the `config.toml`.
    pub fn settings(&self, lines: &str) {
        fs::write(self.home().join("config/config.toml"), lines).expect("the settings can be written");
    }

    /// Puts a scripted person in front of the browser.
    pub fn person(&mut self, answer: Answer) {
        self.browser(Browser::http(&self.aside(), answer));
    }

    pub fn browser(&mut self, browser: Browser) {
        self.set("BROWSER", &browser.command);
        self.browser = Some(browser);
    }

    /// The addresses that keyfob opened.
    pub fn opened(&self) -> Vec<String> {
        self.browser.as_ref().map(Browser::opened).unwrap_or_default()
    }

    /// The page on which the person ended.
    pub fn last_page(&self) -> (i64, String) {
        self.browser.as_ref().expect("there is a browser").last_page()
    }

    /// Sets a variable for every later command.
    pub fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        self.environment.insert(name.into(), value.into());
    }

    pub fn unset(&mut self, name: &str) {
        self.environment.remove(&OsString::from(name));
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyfob"));
        command.args(arguments).env_clear().envs(&self.environment).current_dir(self.home());
        command
    }

    pub fn start(&self, arguments: &[&str]) -> Running {
        Running::start(&mut self.command(arguments))
    }

    pub fn run(&self, arguments: &[&str]) -> Finished {
        self.start(arguments).finish(LIMIT)
    }

    /// Runs another program as this person; `keyfob` is on its path.
    pub fn shell(&self, script: &str) -> Finished {
        let bin = Path::new(env!("CARGO_BIN_EXE_keyfob")).parent().expect("a program is in a folder");
        let path = self.environment.get(&OsString::from("PATH")).cloned().unwrap_or_default();
        let path = std::env::join_paths([bin.to_owned()].into_iter().chain(std::env::split_paths(&path)));
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).env_clear().envs(&self.environment).current_dir(self.home());
        command.env("PATH", path.expect("a path"));
        Running::start(&mut command).finish(LIMIT)
    }

    /// Logs in to `provider` with the grant that needs a browser.
    #[track_caller]
    pub fn login(&self, provider: &str) {
        self.run(&["login", provider, "--grant", "authorization_code"]).expect(0);
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

    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// What belongs to the test and not to keyfob: client secrets, the key, the browser's script.
    pub fn aside(&self) -> PathBuf {
        self.folder.path().join("aside")
    }

    /// The files that keyfob has written: in the home, the run-time and the temporary directory.
    pub fn files(&self) -> Vec<PathBuf> {
        let config = self.home().join("config");
        let folders = ["home", "run", "tmp"].into_iter();
        let files = folders.flat_map(|name| secrets::files(&self.folder.path().join(name)));
        files.filter(|file| !file.starts_with(&config)).collect()
    }

    /// Where `server`'s secrets stand in clear in one of those files.
    pub fn leaks(&self, server: &TestServer) -> Vec<Leak> {
        let secrets = server.secrets();
        ["home", "run", "tmp"].iter().flat_map(|name| leaks(&self.folder.path().join(name), &secrets)).collect()
    }

    /// A text that is in the environment of every process that keyfob started, unless that has left it out.
    pub fn mark(&self) -> String {
        self.folder.path().to_string_lossy().into_owned()
    }
}
