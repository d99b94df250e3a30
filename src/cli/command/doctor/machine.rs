//! What works on this machine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use keyfob::callback::{self, Host, Loopback, Mode, Outcome};
use keyfob::registry::settings::Settings;
use keyfob::secret::Secret;
use keyfob::session::store::Kind;
use keyfob::session::{self, SessionKey, SessionLock};
use keyfob::system::{HttpOptions, files, random, space};

use super::{Check, Verdict};
use crate::cli::browser::{self, Browser};
use crate::cli::context::Context;

/// Bytes that must be free: many sessions, and a rewrite of the index beside the old one.
const ROOM: u64 = 16 << 20;

/// Characters of the trial secret: about what a session with three large signed tokens takes.
const TRIAL: usize = 8192;

/// What is written to the store and removed again.
const TRIAL_NAME: &str = "doctor/trial";

/// Longest wait for the trial lock, which nobody else takes but another doctor.
const LOCK_LIMIT: Duration = Duration::from_secs(2);

/// Everything that can be looked at without a server.
pub fn checks(context: &Context) -> Vec<Check> {
    let mut checks = Vec::new();
    checks.push(match context.settings() {
        Ok(_) => Check::ok("config.settings", "config.toml can be used, or is not there"),
        Err(failure) => Check::failed("config.settings", failure),
    });
    checks.push(registry(context));
    // Before anything that would put them in order.
    checks.extend(directories(context));
    checks.extend(store(context));
    checks.push(kernel(context));
    checks.push(lock(context));
    checks.extend(network(context));
    checks.push(browser(context));
    for (id, host, name) in
        [("callback.ipv4", Host::Ipv4Literal, "127.0.0.1"), ("callback.ipv6", Host::Ipv6Literal, "::1")]
    {
        checks.push(listener(context, id, host, name));
    }
    checks.push(terminal(context));
    checks
}

fn registry(context: &Context) -> Check {
    const ID: &str = "config.registry";
    let registry = match context.registry() {
        Ok(registry) => registry,
        Err(failure) => return Check::failed(ID, failure),
    };
    let listed = match registry.ids() {
        Ok(listed) => listed,
        Err(error) => return Check::failed(ID, error),
    };
    let bad: Vec<&str> = listed.iter().filter(|one| one.definition.is_err()).map(|one| one.id.as_str()).collect();
    let warnings: Vec<String> = registry.warnings().iter().map(ToString::to_string).collect();
    if !bad.is_empty() {
        return Check::new(ID, Verdict::Fail, format!("these entries are wrong: {}", bad.join(", ")))
            .remedy("see what with  keyfob provider show NAME");
    }
    if let Some(first) = warnings.first() {
        return Check::new(ID, Verdict::Warn, format!("{} entries, and a warning: {first}", listed.len()));
    }
    Check::ok(ID, format!("{} entries, all of them right", listed.len()))
}

fn directories(context: &Context) -> Vec<Check> {
    let environment = &context.environment;
    [
        ("directory.config", environment.config_dir()),
        ("directory.state", environment.state_dir()),
        ("directory.cache", environment.cache_dir()),
    ]
    .into_iter()
    .map(|(id, path)| match path {
        Ok(path) => directory(id, &path),
        Err(error) => Check::failed(id, error).remedy("set HOME, or KEYFOB_STATE_DIR and KEYFOB_CONFIG_DIR"),
    })
    .collect()
}

fn directory(id: &'static str, path: &Path) -> Check {
    let shown = path.display();
    let (there, exists) = match nearest(path) {
        Some(there) => (there.clone(), there == path),
        None => return Check::new(id, Verdict::Fail, format!("nothing of {shown} exists")),
    };
    let Ok(metadata) = std::fs::metadata(&there) else {
        return Check::new(id, Verdict::Fail, format!("{} cannot be looked at", there.display()));
    };
    if !metadata.is_dir() {
        return Check::new(id, Verdict::Fail, format!("{} is no directory", there.display()))
            .remedy("move it away, or choose others with KEYFOB_STATE_DIR and KEYFOB_CONFIG_DIR");
    }
    if metadata.permissions().readonly() {
        return Check::new(id, Verdict::Fail, format!("{} cannot be written", there.display()));
    }
    if let Some(free) = space::free(&there).filter(|free| *free < ROOM) {
        return Check::new(id, Verdict::Fail, format!("{shown} has {} KiB left", free / 1024))
            .remedy("make room on that file system");
    }
    match mode(&metadata) {
        // What the user's whole configuration lies in is often readable, which harms nothing.
        Some(mode) if exists && (mode & 0o022 != 0 || (id == "directory.state" && mode & 0o077 != 0)) => {
            Check::new(id, Verdict::Warn, format!("{shown} has mode {mode:o}, so that others may use it"))
                .remedy(format!("chmod 700 {shown}"))
        }
        Some(mode) if exists => Check::ok(id, format!("{shown}, mode {mode:o}")),
        _ if exists => Check::ok(id, shown.to_string()),
        _ => Check::ok(id, format!("{shown} is made when it is needed")),
    }
}

/// `path`, or what exists above it.
fn nearest(path: &Path) -> Option<PathBuf> {
    path.ancestors().find(|path| path.symlink_metadata().is_ok()).map(Path::to_path_buf)
}

#[cfg(unix)]
fn mode(metadata: &std::fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    Some(metadata.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn mode(_: &std::fs::Metadata) -> Option<u32> {
    None
}

/// Whether the store in use can be reached, and keeps what it is given.
fn store(context: &Context) -> Vec<Check> {
    const REACH: &str = "store.reachable";
    const TRIP: &str = "store.roundtrip";
    let kind = match context.storage() {
        Ok(kind) => kind,
        Err(failure) => return vec![Check::failed(REACH, failure)],
    };
    if kind == Kind::Memory {
        return vec![
            Check::new(REACH, Verdict::Warn, "sessions are kept in memory, and end with each command")
                .remedy("KEYFOB_STORAGE=keyring or KEYFOB_STORAGE=file"),
        ];
    }
    // Making the key or the directory is the first login's affair.
    if kind == Kind::File
        && let Some(missing) = missing_for_files(context)
    {
        return vec![Check::skip(REACH, format!("encrypted files: {} is made at the first login", missing.display()))];
    }
    let store = match context.open_store_unasked() {
        Ok(store) => store,
        Err(failure) => return vec![Check::failed(REACH, failure)],
    };
    match store.probe() {
        Ok(()) => {}
        Err(error @ session::Error::NoPassphrase { .. }) => {
            return vec![
                Check::skip(REACH, format!("encrypted files: {error}"))
                    .remedy("to have it checked without being asked, set KEYFOB_PASSPHRASE_FILE"),
            ];
        }
        Err(error) => return vec![Check::failed(REACH, error)],
    }
    let reached = Check::ok(REACH, format!("the {} store answers", store.name()));
    let Ok(text) = random::text::<32>() else { return vec![reached] };
    let secret = Secret::new(text.repeat(TRIAL / text.len()));
    let label = "keyfob doctor: a trial, may be deleted";
    let kept = store.save_secret(TRIAL_NAME, label, &secret).and_then(|()| store.load_secret(TRIAL_NAME));
    let removed = store.remove_secret(TRIAL_NAME);
    let trip = match (kept, removed) {
        (Ok(Some(read)), Ok(_)) if read == secret => {
            Check::ok(TRIP, format!("an item of {} KiB was written, read and removed", TRIAL / 1024))
        }
        (Ok(_), Ok(_)) => Check::new(TRIP, Verdict::Fail, "what was written did not come back as it was")
            .remedy("choose another store: KEYFOB_STORAGE=file"),
        (Err(error), _) | (Ok(_), Err(error)) => Check::failed(TRIP, error),
    };
    vec![reached, trip]
}

/// What the file store would have to make first.
fn missing_for_files(context: &Context) -> Option<PathBuf> {
    let key = context.environment.raw("KEYFOB_FILE_KEY").map(PathBuf::from);
    let state = context.state_dir().ok();
    key.into_iter().chain(state).find(|path| !path.exists())
}

fn kernel(context: &Context) -> Check {
    const ID: &str = "store.cache";
    if !context.settings().is_ok_and(|settings| settings.token_cache) {
        return Check::skip(ID, "token_cache is off in config.toml");
    }
    if context.storage().ok() != Some(Kind::Keyring) {
        return Check::skip(ID, "only the keyring's tokens are kept there for quick use");
    }
    #[cfg(target_os = "linux")]
    return if keyfob::session::cache::is_reachable() {
        Check::ok(ID, "the kernel's key ring can be used")
    } else {
        Check::new(ID, Verdict::Warn, "the kernel's key ring cannot be used; every token comes from the keyring itself")
            .remedy("containers often forbid keyctl; nothing else depends on it")
    };
    #[cfg(not(target_os = "linux"))]
    Check::skip(ID, "this system has none")
}

/// Whether locks keep other processes away where the sessions lie.
fn lock(context: &Context) -> Check {
    const ID: &str = "locks";
    let Ok(state) = context.state_dir() else { return Check::skip(ID, "there is no state directory") };
    if !state.is_dir() {
        return Check::skip(ID, "there is no session yet, and so no lock");
    }
    // A directory of its own on the same file system: no session's lock is touched, and nothing is left.
    let trial = state.join(format!("doctor-{}", std::process::id()));
    let outcome = files::private_dir(&trial).map_err(session::Error::from).and_then(|()| {
        let key = SessionKey::new("doctor", SessionKey::DEFAULT_ACCOUNT)?;
        let mut wait = |_| std::ops::ControlFlow::Continue(());
        SessionLock::acquire(&trial, &key, LOCK_LIMIT, &mut wait).map(|held| held.is_enforced())
    });
    let _ = std::fs::remove_dir_all(&trial);
    match outcome {
        Ok(true) => Check::ok(ID, "the file system of the state directory has locks"),
        Ok(false) => Check::new(ID, Verdict::Warn, "the file system of the state directory has no locks")
            .remedy("do not run several keyfobs at once, or move KEYFOB_STATE_DIR to a local file system"),
        Err(error) => Check::failed(ID, error),
    }
}

fn network(context: &Context) -> Vec<Check> {
    const TRUST: &str = "network.trust";
    const PROXY: &str = "network.proxy";
    let options = match HttpOptions::from_environment(&context.environment) {
        Ok(options) => options,
        Err(error) => return vec![Check::failed(PROXY, error)],
    };
    let trust = match options.authorities() {
        Ok(None) => Check::ok(TRUST, "the system's certificate authorities"),
        Ok(Some(count)) => {
            Check::ok(TRUST, format!("the system's certificate authorities and {count} of KEYFOB_CA_BUNDLE"))
        }
        Err(error) => Check::failed(TRUST, error).remedy("let KEYFOB_CA_BUNDLE name a file of certificates in PEM"),
    };
    let proxy = match options.proxy_variable() {
        None => Check::ok(PROXY, "no variable names a proxy"),
        Some((variable, host)) => {
            Check::ok(PROXY, format!("{host}, named by {variable}; loopback is reached without it"))
        }
    };
    vec![trust, proxy]
}

fn browser(context: &Context) -> Check {
    const ID: &str = "browser";
    let configured = context.settings().ok().and_then(|settings: &Settings| settings.browser.clone());
    let chosen = match browser::choose(None, false, &context.environment, configured.as_deref()) {
        Ok(chosen) => chosen,
        Err(error) => {
            return Check::new(ID, Verdict::Fail, error.to_string())
                .remedy("see KEYFOB_BROWSER, BROWSER and `browser`");
        }
    };
    match (browser::usable(&chosen, &context.environment), &chosen) {
        (Ok(()), Browser::System) => Check::ok(ID, "the system's own"),
        (Ok(()), _) => Check::ok(ID, "a command that was chosen"),
        (Err(reason), _) => Check::new(ID, Verdict::Warn, format!("none ({}): addresses are printed", reason.phrase()))
            .remedy("open the printed address elsewhere and paste the answer, or use  login --device"),
    }
}

fn listener(context: &Context, id: &'static str, host: Host, name: &str) -> Check {
    let options =
        callback::Options { host, port: None, path: "/callback".into(), mode: Mode::Query, tls: None, name: None };
    let outcome = context.block_on(async {
        let listener = Loopback::bind(options).await?;
        let uri = listener.redirect_uri().to_owned();
        listener.finish(Outcome::Failure { heading: "Nothing to see".into(), text: None }).await;
        Ok::<_, callback::Error>(uri)
    });
    match outcome {
        Ok(Ok(uri)) if !uri.contains(name) => Check::new(id, Verdict::Warn, format!("{name} cannot be listened on")),
        Ok(Ok(_)) => Check::ok(id, format!("a port of {name} can be listened on")),
        // Many containers have no IPv6, and a login does without.
        Ok(Err(error)) if host == Host::Ipv6Literal => Check::new(id, Verdict::Warn, error.to_string())
            .remedy("a redirect to localhost is then served on IPv4 alone"),
        Ok(Err(error)) => Check::failed(id, error),
        Err(failure) => Check::failed(id, failure),
    }
}

fn terminal(context: &Context) -> Check {
    const ID: &str = "terminal";
    if context.terminal.is_interactive() {
        return Check::ok(ID, format!("{} columns, and somebody may be asked", context.terminal.width()));
    }
    Check::skip(ID, "nobody can be asked here: no terminal, --no-input, or CI")
}
