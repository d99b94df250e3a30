//! The real parts and whether this machine has them.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;

/// Something real that a test runs against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// node with the packages of `tests/testserver`, and Python for its scripted person.
    Server,
    /// Python with the packages of `tests/oauth1server`.
    OAuth1Server,
    /// node with the packages of `tests/mcpserver`.
    McpServer,
    /// A headless Chromium.
    Chromium,
    /// A message bus and gnome-keyring.
    Keyring,
    /// libsecret's command, which reads the keyring without any of our code.
    SecretTool,
    /// curl.
    Curl,
    /// SoftHSM, a PKCS #11 module.
    SoftHsm,
    /// node with the packages of `tests/atprotoserver`.
    AtprotoServer,
    /// dnsmasq, and the right to make a network namespace for it.
    NameServer,
    /// A name server.
    Dnsmasq,
}

/// Whether all of `parts` are here. Where one is missing, says which test is skipped and why.
///
/// # Panics
/// Where one is missing and `KEYFOB_TEST_REQUIRE_PARTS` is `1`, as in `tests/run`.
pub fn all_present(parts: &[Part]) -> bool {
    let missing: Vec<_> = parts.iter().filter_map(|part| part.missing()).collect();
    if missing.is_empty() {
        return true;
    }
    let missing = missing.join("; ");
    assert!(env::var_os("KEYFOB_TEST_REQUIRE_PARTS").is_none_or(|value| value != "1"), "a part is missing: {missing}");
    let test = thread::current().name().unwrap_or("a test").to_owned();
    // Not `eprintln!`, which the harness keeps to itself when a test passes.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {test}: {missing}");
    false
}

/// The folder of the test server.
pub fn testserver() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testserver")
}

/// Where the test server's packages are; named explicitly because the children of a test have another home.
pub fn testserver_cache() -> PathBuf {
    cache("KEYFOB_TESTSERVER_CACHE", "keyfob-testserver")
}

/// The folder of the MCP server.
pub fn mcpserver() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mcpserver")
}

/// Where its packages are.
pub fn mcpserver_cache() -> PathBuf {
    cache("KEYFOB_MCPSERVER_CACHE", "keyfob-mcpserver")
}

/// The folder of the OAuth 1.0a server.
pub fn oauth1server() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oauth1server")
}

/// Where its packages are.
pub fn oauth1server_cache() -> PathBuf {
    cache("KEYFOB_OAUTH1SERVER_CACHE", "keyfob-oauth1server")
}

/// The folder of the AT Protocol server.
pub fn atprotoserver() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/atprotoserver")
}

/// Where its packages are.
pub fn atprotoserver_cache() -> PathBuf {
    cache("KEYFOB_ATPROTOSERVER_CACHE", "keyfob-atprotoserver")
}

/// The folder of the name server.
pub fn nameserver() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/nameserver")
}

fn cache(variable: &str, name: &str) -> PathBuf {
    let var = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    var(variable).unwrap_or_else(|| {
        let cache = var("XDG_CACHE_HOME").or_else(|| var("HOME").map(|home| home.join(".cache")));
        cache.unwrap_or_else(env::temp_dir).join(name)
    })
}

/// The Python interpreter itself: a version manager's stand-in finds it by way of the home directory.
pub fn python() -> Option<&'static str> {
    static PYTHON: OnceLock<Option<String>> = OnceLock::new();
    PYTHON.get_or_init(|| answer("python3", &["-c", "import sys; print(sys.executable)"])).as_deref()
}

impl Part {
    fn missing(self) -> Option<&'static str> {
        match self {
            Part::Server => {
                static SERVER: OnceLock<Option<&'static str>> = OnceLock::new();
                *SERVER.get_or_init(server_missing)
            }
            Part::OAuth1Server => {
                static SERVER: OnceLock<Option<&'static str>> = OnceLock::new();
                *SERVER.get_or_init(oauth1server_missing)
            }
            Part::McpServer => {
                static SERVER: OnceLock<Option<&'static str>> = OnceLock::new();
                *SERVER.get_or_init(mcpserver_missing)
            }
            Part::Chromium => lacks("chromium").then_some("chromium is not installed"),
            Part::Keyring => (lacks("gnome-keyring-daemon") || lacks("dbus-daemon") || lacks("dbus-send"))
                .then_some("gnome-keyring and dbus are not installed"),
            Part::SecretTool => lacks("secret-tool").then_some("secret-tool (libsecret-tools) is not installed"),
            Part::Curl => lacks("curl").then_some("curl is not installed"),
            Part::SoftHsm => {
                (lacks("softhsm2-util") || softhsm().is_none()).then_some("SoftHSM (softhsm2) is not installed")
            }
            Part::AtprotoServer => {
                static SERVER: OnceLock<Option<&'static str>> = OnceLock::new();
                *SERVER.get_or_init(atprotoserver_missing)
            }
            Part::NameServer => {
                static NAMES: OnceLock<Option<&'static str>> = OnceLock::new();
                *NAMES.get_or_init(nameserver_missing)
            }
            Part::Dnsmasq => lacks("dnsmasq").then_some("dnsmasq (dnsmasq-base) is not installed or not on PATH"),
        }
    }
}

/// The module of SoftHSM, where a distribution puts it.
pub fn softhsm() -> Option<&'static str> {
    let places = [
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib64/softhsm/libsofthsm2.so",
        "/usr/local/lib/softhsm/libsofthsm2.so",
    ];
    places.into_iter().find(|place| Path::new(place).is_file())
}

fn server_missing() -> Option<&'static str> {
    let new_enough = |version: String| {
        let mut numbers = version.trim_start_matches('v').split('.').map_while(|number| number.parse::<u32>().ok());
        (numbers.next(), numbers.next()) >= (Some(20), Some(19))
    };
    if !answer("node", &["--version"]).is_some_and(new_enough) || lacks("npm") {
        return Some("the test server needs node 20.19 or later with npm");
    }
    if lacks("openssl") || lacks("flock") || python().is_none() {
        return Some("the test server needs openssl, flock and python3");
    }
    let installed = Command::new(testserver().join("install")).arg(testserver_cache()).stdin(Stdio::null()).status();
    (!installed.is_ok_and(|status| status.success())).then_some("tests/testserver/install did not succeed")
}

/// Beside what the test server needs, which every test of this one needs too.
fn mcpserver_missing() -> Option<&'static str> {
    let installed = Command::new(mcpserver().join("install")).arg(mcpserver_cache()).stdin(Stdio::null()).status();
    (!installed.is_ok_and(|status| status.success())).then_some("tests/mcpserver/install did not succeed")
}

/// Beside what the test server needs, which every test of this one needs too.
fn atprotoserver_missing() -> Option<&'static str> {
    let installed =
        Command::new(atprotoserver().join("install")).arg(atprotoserver_cache()).stdin(Stdio::null()).status();
    (!installed.is_ok_and(|status| status.success())).then_some("tests/atprotoserver/install did not succeed")
}

fn nameserver_missing() -> Option<&'static str> {
    let system = format!("{}:/usr/sbin:/sbin", env::var("PATH").unwrap_or_default());
    let has = |program: &str| env::split_paths(&system).any(|folder| folder.join(program).is_file());
    if !["dnsmasq", "ip", "unshare", "openssl"].into_iter().all(has) || python().is_none() {
        return Some("the name server needs dnsmasq, iproute2, util-linux, openssl and python3");
    }
    let may = |map: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(map).args(["--net", "--mount", "true"]).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    (!may(&[]) && !may(&["--map-root-user"])).then_some("this user may not make a network namespace")
}

fn oauth1server_missing() -> Option<&'static str> {
    if lacks("flock") || python().is_none() {
        return Some("the OAuth 1.0a server needs flock and python3");
    }
    let installed =
        Command::new(oauth1server().join("install")).arg(oauth1server_cache()).stdin(Stdio::null()).status();
    (!installed.is_ok_and(|status| status.success())).then_some("tests/oauth1server/install did not succeed")
}

fn lacks(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    !env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn answer(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
