use std::time::Duration;

use super::{FileKey, Settings, Storage};
use crate::registry::{Error, Problem};
use crate::system::Environment;

fn load(text: &str) -> Result<Settings, Error> {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("config.toml");
    std::fs::write(&path, text).unwrap();
    Settings::load(Some(&path), &Environment::given([]))
}

#[test]
fn every_key_is_read() {
    let settings = load(
        r#"
        default = "github/octocat"
        storage = { command = ["docker-credential-pass"] }
        file_key = { file = "/k" }
        browser = "firefox %u"
        timeout = "5m"
        min_validity = 90
        token_cache = false
        auto_login = true
        revoke_on_logout = false
        hooks = { login_required = ["notify-send", "keyfob"], refresh_failed = [] }
        limits = { connect = "1s", idle = "2s", request = "3s", store = "4s", lock = "5s", clock_tolerance = "6s" }
        [sessions."google/ada@example.com"]
        browser = "none"
        scopes = ["openid"]
        authorize_params = { login_hint = "ada@example.com" }
        "#,
    )
    .unwrap();

    assert_eq!(settings.default.as_deref(), Some("github/octocat"));
    assert_eq!(settings.storage, Storage::Command(vec!["docker-credential-pass".into()]));
    // On Windows a root belongs to a drive, here to that of temporary files.
    let root = std::env::temp_dir().ancestors().last().expect("a root").to_owned();
    assert_eq!(settings.file_key, FileKey::File(root.join("k")));
    assert_eq!(settings.browser.as_deref(), Some("firefox %u"));
    assert_eq!(settings.timeout, Some(Duration::from_secs(300)));
    assert_eq!(settings.min_validity, Duration::from_secs(90));
    assert_eq!((settings.token_cache, settings.auto_login, settings.revoke_on_logout), (false, true, false));
    assert_eq!(settings.hooks.login_required, ["notify-send", "keyfob"]);
    let limits = &settings.limits;
    let seconds =
        [limits.connect, limits.idle, limits.request, limits.store.unwrap(), limits.lock, limits.clock_tolerance];
    assert_eq!(seconds.map(|limit| limit.as_secs()), [1, 2, 3, 4, 5, 6]);
    let session = &settings.sessions["google/ada@example.com"];
    assert_eq!(session.browser.as_deref(), Some("none"));
    assert_eq!(session.scopes.as_deref(), Some(&["openid".to_owned()][..]));
    assert_eq!(session.authorize_params["login_hint"], "ada@example.com");
}

#[test]
fn wrong_keys_are_told_with_place_and_nearest() {
    let unknown = |nearest: &str| Some(Problem::UnknownKey { nearest: Some(nearest.into()) });
    for (text, key, position, problem) in [
        ("\nstorge = \"file\"", "storge", (2, 1), unknown("storage")),
        ("limits = { conect = 1 }", "limits.conect", (1, 12), unknown("limits.connect")),
        ("storage = \"disk\"", "storage", (1, 11), None),
        ("file_key = { file = \"\" }", "file_key", (1, 12), None),
        ("timeout = \"5 minutes\"", "timeout", (1, 11), None),
        ("token_cache = \"no\"", "token_cache", (1, 15), None),
        (
            "sessions = { \"a/b\" = { authorize_params = { state = \"x\" } } }",
            "sessions.\"a/b\".authorize_params.state",
            (1, 53),
            Some(Problem::Reserved),
        ),
    ] {
        let Err(Error::Invalid(invalid)) = load(text) else { panic!("{text}") };

        assert_eq!((invalid.key.as_str(), invalid.place.position), (key, Some(position)));
        assert!(problem.is_none_or(|problem| problem == invalid.problem), "{text}");
    }
}

#[test]
fn without_a_file_the_defaults_hold_but_a_file_asked_for_must_exist() {
    let nonexistent = std::env::temp_dir().join("nonexistent");
    let nowhere = Environment::given([("KEYFOB_CONFIG_DIR", nonexistent.to_str().expect("UTF-8"))]);

    assert_eq!(Settings::load(None, &nowhere).unwrap(), Settings::default());
    assert_eq!(Settings::load(None, &Environment::given([])).unwrap(), Settings::default());
    assert!(matches!(Settings::load(Some(&nonexistent), &nowhere), Err(Error::NoFile(_))));
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_write_to_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("config.toml");
    std::fs::write(&path, "auto_login = true").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();

    assert!(matches!(Settings::load(Some(&path), &Environment::given([])), Err(Error::UnsafeFile { .. })));
}
