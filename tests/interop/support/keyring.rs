//! A message bus and a gnome-keyring of a test's own, in each of the states in which a person's can be.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::eventually;

const NO_SERVICES: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// A private message bus, with or without a keyring on it; both end with this value.
pub struct Keyring {
    folder: TempDir,
    address: String,
    bus: Child,
    daemon: Option<Child>,
}

impl Keyring {
    /// Unlocked, as on a desktop after signing in.
    pub fn unlocked() -> Self {
        let folder = folder();
        let (bus, address) = start_bus(folder.path(), None);
        let mut keyring = Self { folder, address, bus, daemon: None };
        let mut daemon = keyring
            .command("gnome-keyring-daemon")
            .args(["--foreground", "--unlock", "--components=secrets"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("gnome-keyring can be started");
        daemon.stdin.take().expect("piped").write_all(b"test").expect("it reads the password");
        keyring.daemon = Some(daemon);
        eventually("the unlocked keyring", || keyring.has_login_collection().then_some(()));
        keyring
    }

    /// Never set up: the service starts when it is called, and has no collection to put anything into.
    pub fn never_unlocked() -> Self {
        let folder = folder();
        let (bus, address) = start_bus(folder.path(), None);
        Self { folder, address, bus, daemon: None }
    }

    /// A bus that knows of no secret service.
    pub fn absent() -> Self {
        let folder = folder();
        let configuration = folder.path().join("bus.conf");
        fs::write(&configuration, NO_SERVICES).expect("a configuration can be written");
        let (bus, address) = start_bus(folder.path(), Some(&configuration));
        Self { folder, address, bus, daemon: None }
    }

    /// Locks it, as after a restart of the machine. There is no display on which a password could be asked for.
    pub fn lock(&mut self) {
        let mut daemon = self.daemon.take().expect("there is a keyring");
        daemon.kill().and_then(|()| daemon.wait()).expect("it can be ended");
        // The bus starts it again, without a password, at the next call.
        eventually("the keyring's end", || (!self.has_owner()).then_some(()));
    }

    /// Lets it take requests and never answer, until `resume`.
    pub fn hang(&self) {
        self.signal(libc::SIGSTOP);
    }

    pub fn resume(&self) {
        self.signal(libc::SIGCONT);
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// What libsecret finds under these attributes, with none of our code between.
    pub fn search(&self, attributes: &[&str]) -> String {
        let found = self
            .command("secret-tool")
            .args(["search", "--all"])
            .args(attributes)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .output();
        let found = found.expect("secret-tool runs");
        String::from_utf8_lossy(&found.stdout).into_owned() + &String::from_utf8_lossy(&found.stderr)
    }

    fn signal(&self, signal: i32) {
        let pid = i32::try_from(self.daemon.as_ref().expect("there is a keyring").id()).expect("a process id fits");
        // SAFETY: plain system call; the child has not been waited for, so the id is still its own.
        unsafe { libc::kill(pid, signal) };
    }

    fn has_owner(&self) -> bool {
        let arguments = ["/org/freedesktop/DBus", "org.freedesktop.DBus.NameHasOwner"];
        self.call("org.freedesktop.DBus", &arguments, "string:org.freedesktop.secrets").contains("boolean true")
    }

    fn has_login_collection(&self) -> bool {
        let arguments = ["/org/freedesktop/secrets", "org.freedesktop.Secret.Service.ReadAlias"];
        self.has_owner()
            && self.call("org.freedesktop.secrets", &arguments, "string:default").contains("/collection/login")
    }

    fn call(&self, destination: &str, arguments: &[&str], parameter: &str) -> String {
        let answer = self
            .command("dbus-send")
            .args(["--session", "--print-reply", "--reply-timeout=5000", &format!("--dest={destination}")])
            .args(arguments)
            .arg(parameter)
            .stdout(Stdio::piped())
            .output();
        String::from_utf8_lossy(&answer.expect("dbus-send runs").stdout).into_owned()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = command(program, self.folder.path());
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        command
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        for child in self.daemon.iter_mut().chain([&mut self.bus]) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn folder() -> TempDir {
    // Short: the path of a socket holds some hundred characters.
    let folder = tempfile::Builder::new().prefix("kr-").tempdir_in("/tmp").expect("a temporary folder");
    let run = folder.path().join("run");
    fs::create_dir(&run).expect("a folder in it");
    fs::set_permissions(run, fs::Permissions::from_mode(0o700)).expect("a private folder");
    folder
}

fn start_bus(folder: &Path, configuration: Option<&Path>) -> (Child, String) {
    let mut command = command("dbus-daemon", folder);
    match configuration {
        Some(file) => command.arg(format!("--config-file={}", file.display())),
        None => command.arg("--session"),
    };
    command.arg(format!("--address=unix:path={}", folder.join("bus").display()));
    let mut bus = command
        .args(["--nofork", "--nopidfile", "--print-address"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("a message bus can be started");
    let mut address = String::new();
    let stdout = bus.stdout.take().expect("piped");
    BufReader::new(stdout).read_line(&mut address).expect("the bus tells its address");
    (bus, address.trim().to_owned())
}

/// A program with nothing of the real desktop in its environment; the bus hands this on to what it starts.
fn command(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    for (name, below) in [
        ("HOME", ""),
        ("XDG_RUNTIME_DIR", "run"),
        ("XDG_DATA_HOME", "data"),
        ("XDG_CONFIG_HOME", "config"),
        ("XDG_CACHE_HOME", "cache"),
    ] {
        command.env(name, folder.join(below));
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}
