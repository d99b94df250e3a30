//! Settings and the registry: whose word counts, and what a changed definition does to a session.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Keyfob, Running, Server, eventually};

#[track_caller]
fn run_in(keyfob: &Keyfob, folder: &std::path::Path, arguments: &[&str]) -> crate::support::Finished {
    Running::start(keyfob.command(arguments).current_dir(folder)).finish()
}

#[test]
fn nothing_is_read_from_the_working_directory_or_its_parents() {
    let (server, evil) = (Server::start(), Server::start());
    let mut keyfob = Keyfob::with(&server);
    let repository = keyfob.folder().join("repository");
    let inner = repository.join("inner");
    for folder in [&repository, &inner] {
        for below in ["", ".keyfob", "keyfob", ".config/keyfob", "config"] {
            let below = folder.join(below);
            fs::create_dir_all(&below).expect("a folder");
            let entry =
                format!("[providers.test]\nprotocol = \"oidc\"\nissuer = \"{}\"\nclient_id = \"public\"\n", evil.url());
            fs::write(below.join("providers.toml"), entry).expect("a file");
            fs::write(below.join("config.toml"), "default = \"evil/evil\"\nbrowser = \"/bin/false\"\n")
                .expect("a file");
        }
        fs::write(folder.join(".env"), "KEYFOB_SESSION=evil/evil\nKEYFOB_BROWSER=/bin/false\n").expect("a file");
    }
    // Relative values would lead there.
    for name in ["XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_DIRS"] {
        keyfob.set(name, ".");
    }

    let login = keyfob.begin_command(keyfob.command(&["login", "test"]).current_dir(&inner));
    login.allow(&server);
    login.finish().expect(0);
    run_in(&keyfob, &inner, &["token"]).expect(0);
    let shown = run_in(&keyfob, &inner, &["provider", "show", "test", "--json"]).expect(0).json();

    assert_eq!(shown["settings"]["issuer"]["value"], json!(server.url()));
    assert_eq!(evil.connections(), 0);
    // A directory that is demanded must not depend on where one stands.
    keyfob.set("KEYFOB_CONFIG_DIR", ".");
    let refused = run_in(&keyfob, &inner, &["provider", "show", "test", "--json"]);
    refused.error_naming(9, "config", &["KEYFOB_CONFIG_DIR"]);
}

/// Changes the definition of a session's provider; its refresh token must not be sent then, to nobody.
#[track_caller]
fn bound(
    prepare: impl Fn(&Keyfob, &Server),
    from: impl Fn(&Server) -> String,
    to: impl Fn(&Server, &Server) -> String,
) {
    let (server, other) = (Server::start(), Server::start());
    server.change(|settings| settings.expires_in = json!(1));
    let keyfob = Keyfob::new();
    prepare(&keyfob, &server);
    keyfob.log_in(&server, &["login", "test"]).expect(0);
    let name = keyfob.sessions().remove(0);
    keyfob.wait_until_expired("test");
    server.forget_requests();
    let stored = keyfob.stored();

    keyfob.edit_registry(&from(&server), &to(&server, &other));
    let token = keyfob.run(&["token", "test", "--json"]);
    let refresh = keyfob.run(&["refresh", "test", "--json"]);

    for finished in [token, refresh] {
        finished.error_of(&[(11, "security"), (4, "login_required")], &[&name]);
        assert_eq!(finished.stdout, "", "{finished:#?}");
    }
    assert!(server.requests().iter().all(|request| request.method == "GET"));
    assert!(
        other.requests().iter().all(|request| request.method == "GET" && request.header("authorization").is_none())
    );
    let now = keyfob.stored();
    assert!(stored.keys().all(|file| now.contains_key(file)), "the session is kept");
    // Back again, it is usable again.
    keyfob.edit_registry(&to(&server, &other), &from(&server));
    keyfob.run(&["token", "test"]).expect(0);
}

fn pinned(keyfob: &Keyfob, server: &Server) {
    let url = server.url();
    let lines = format!("userinfo_endpoint = \"{url}/userinfo\"\nrevocation_endpoint = \"{url}/revoke\"\n");
    keyfob.plain_provider("test", server, &lines);
}

#[test]
fn a_session_is_not_used_at_another_token_endpoint() {
    bound(pinned, |server| format!("{}/token", server.url()), |_, other| format!("{}/token", other.url()));
}

#[test]
fn a_session_is_not_used_at_another_path_of_the_same_server() {
    bound(pinned, |server| format!("{}/token\"", server.url()), |server, _| format!("{}/Token\"", server.url()));
}

#[test]
fn a_session_is_not_used_when_only_revocation_or_userinfo_moves() {
    bound(pinned, |server| format!("{}/revoke", server.url()), |_, other| format!("{}/revoke", other.url()));
    bound(pinned, |server| format!("{}/userinfo", server.url()), |_, other| format!("{}/userinfo", other.url()));
}

#[test]
fn a_session_is_not_used_as_another_client() {
    bound(pinned, |_| "client_id = \"public\"".into(), |_, _| "client_id = \"basic\"".into());
}

#[test]
fn a_session_is_not_used_at_another_issuer() {
    bound(
        |keyfob, server| keyfob.provider("test", server, ""),
        |server| format!("issuer = \"{}\"", server.url()),
        |_, other| format!("issuer = \"{}\"", other.url()),
    );
}

#[test]
fn a_session_is_not_used_when_discovery_moves_the_token_endpoint() {
    let (server, other) = (Server::start(), Server::start());
    server.change(|settings| settings.expires_in = json!(1));
    let keyfob = Keyfob::logged_in(&server);
    keyfob.wait_until_expired("test");
    for name in ["token_endpoint", "jwks_uri"] {
        let path = if name == "jwks_uri" { "jwks" } else { "token" };
        let old = server.change(|settings| settings.metadata[name].take());
        server.change(|settings| settings.metadata[name] = json!(format!("{}/{path}", other.url())));
        let _ = fs::remove_dir_all(keyfob.home().join(".cache"));
        server.forget_requests();

        keyfob.run(&["token", "test", "--json"]).error_of(&[(11, "security"), (4, "login_required")], &["test"]);

        assert_eq!(server.requests_to("/token").len() + other.requests_to("/token").len(), 0, "{name}");
        server.change(|settings| settings.metadata[name] = old);
    }
    let _ = fs::remove_dir_all(keyfob.home().join(".cache"));
    keyfob.token("test");
}

#[test]
fn a_set_option_cannot_send_a_session_elsewhere() {
    let (server, other) = (Server::start(), Server::start());
    server.change(|settings| settings.expires_in = json!(1));
    let keyfob = Keyfob::logged_in(&server);
    keyfob.wait_until_expired("test");

    let set = format!("token_endpoint={}/token", other.url());
    keyfob.run(&["token", "test", "--set", &set, "--json"]).error_of(&[(11, "security"), (4, "login_required")], &[]);

    assert_eq!(other.requests_to("/token").len(), 0);
}

#[test]
fn one_broken_entry_does_not_disable_the_others_and_is_told_with_file_line_and_key() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    keyfob.registry("[providers.typo]\nprotocol = \"oauth2\"\ntokn_endpoint = \"https://x.example/t\"\n[providers.kind]\nprotocol = \"oauth2\"\nscopes = 7\n[providers.value]\nprotocol = \"oauth3\"\n");

    keyfob.login(&server);
    for (name, words) in [
        ("typo", &["providers.toml", "tokn_endpoint", "token_endpoint"][..]),
        ("kind", &["providers.toml", "scopes"]),
        ("value", &["providers.toml", "protocol", "oidc"]),
    ] {
        let finished = keyfob.run(&["login", name, "--json"]);
        let error = finished.error_naming(9, "config", words);
        assert!(
            error["message"].as_str().is_some_and(|text| text.contains(|it: char| it.is_ascii_digit())),
            "{error:#}"
        );
    }
}

#[test]
fn a_file_that_is_no_toml_is_told_without_the_lines_that_hold_secrets() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let registry = fs::read_to_string(keyfob.registry_file()).expect("a registry");
    for line in [
        "client_secret = \"CANARY-5d1f",
        "client_secret = CANARY-5d1f",
        "client_secret = \"CANARY-5d1f\" garbage",
        "client_secret = { env = \"CANARY-5d1f\"",
    ] {
        fs::write(keyfob.registry_file(), format!("{registry}\n[providers.broken]\n{line}\n")).expect("a registry");

        let finished = keyfob.run(&["provider", "show", "broken", "-vv"]);

        assert_eq!(finished.code, 9, "{finished:#?}");
        assert!(finished.stderr.contains("providers.toml") && !finished.output().contains("CANARY"), "{finished:#?}");
    }
}

#[test]
fn strange_files_are_configuration_errors_in_bounded_time() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let good = fs::read(keyfob.registry_file()).expect("a registry");
    for bytes in [
        b"\xff\xfe\x00".to_vec(),
        vec![0; 4096],
        b"[".repeat(100_000),
        format!("x = {}", "[".repeat(100_000)).into_bytes(),
        b"a".repeat(20 << 20),
        [&good[..], &good[..]].concat(),
        b"schema = 999\n".to_vec(),
        b"providers = 7\n".to_vec(),
        b"[providers.test]\nextends = \"test\"\n".to_vec(),
    ] {
        fs::write(keyfob.registry_file(), bytes).expect("a registry");
        let finished = keyfob.run(&["login", "test", "--json", "--timeout", "1"]);
        assert!(finished.code == 9 || finished.code == 11, "{finished:#?}");
        assert!(finished.took.as_secs() < 5 && finished.output().len() < 4096, "{finished:#?}");
    }
    fs::remove_file(keyfob.registry_file()).expect("a registry");
    for special in ["fifo", "directory", "device"] {
        let file = keyfob.registry_file();
        match special {
            "fifo" => assert!(Command::new("mkfifo").arg(&file).status().is_ok_and(|status| status.success())),
            "directory" => fs::create_dir(&file).expect("a directory"),
            _ => std::os::unix::fs::symlink("/dev/zero", &file).expect("a link"),
        }
        let finished = keyfob.run(&["login", "test", "--json"]);
        assert!(finished.code == 9 || finished.code == 11, "{special}: {finished:#?}");
        let _ = fs::remove_file(&file).or_else(|_| fs::remove_dir(&file));
    }
    fs::write(keyfob.registry_file(), good).expect("a registry");
    keyfob.settings("timeout = \"never\"\n");
    keyfob.run(&["list", "--json"]).error_naming(9, "config", &["config.toml", "timeout"]);
    keyfob.settings("tmeout = \"5m\"\n");
    keyfob.run(&["list", "--json"]).error_naming(9, "config", &["config.toml", "tmeout", "timeout"]);
}

#[test]
fn files_that_others_may_write_are_not_trusted() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    keyfob.settings("browser = \"/bin/false\"\n");
    for file in [keyfob.registry_file(), keyfob.home().join("config/config.toml")] {
        fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).expect("permissions");

        let finished = keyfob.run(&["login", "test", "--json", "--timeout", "1"]);

        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        finished.error_of(&[(9, "config"), (11, "security")], &[&name]);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("permissions");
    }
    assert_eq!((keyfob.opened().len(), server.connections()), (0, 0));
}

#[test]
fn a_secret_written_into_a_readable_file_is_warned_about_without_it() {
    let server = Server::start();
    let secret = server.client_secret("basic").expect("a secret");
    let keyfob = Keyfob::new();
    keyfob.provider(
        "test",
        &server,
        &format!("client_id = \"basic\"\nclient_secret = \"{secret}\"\nclient_auth = \"client_secret_basic\""),
    );
    fs::set_permissions(keyfob.registry_file(), fs::Permissions::from_mode(0o644)).expect("permissions");

    let login = keyfob.log_in(&server, &["login", "test"]).expect(0);

    let warning = login.stderr.lines().find(|line| line.contains("warning:")).unwrap_or_default();
    assert!(warning.contains("client_secret"), "{login:#?}");
    assert!(!login.output().contains(&secret), "{login:#?}");
}

#[test]
fn a_secret_can_come_from_a_variable_or_a_command_without_a_shell() {
    let server = Server::start();
    let secret = server.client_secret("basic").expect("a secret");
    let mut keyfob = Keyfob::new();
    let script = keyfob.script("pass", &format!("[ \"$1\" = '$(x) y' ] && printf '%s\\n' '{secret}'"));
    keyfob.provider(
        "a",
        &server,
        "client_id = \"basic\"\nclient_auth = \"client_secret_basic\"\nclient_secret = { env = \"ACME_SECRET\" }",
    );
    let command = format!("client_secret = {{ command = [{:?}, '$(x) y'] }}", script.display().to_string());
    keyfob.provider("b", &server, &format!("client_id = \"basic\"\nclient_auth = \"client_secret_basic\"\n{command}"));
    keyfob.set("ACME_SECRET", secret);

    for name in ["a", "b"] {
        keyfob.log_in(&server, &["login", name]).expect(0);
    }
}

#[test]
fn a_secret_that_cannot_be_had_is_a_configuration_error_before_the_browser() {
    let server = Server::start();
    let mut keyfob = Keyfob::new();
    let script = keyfob.script("fails", "printf '\\033[2Jsorry\\007\\n' >&2\nexit 3");
    let sources = [
        "{ env = \"NOT_SET\" }".to_owned(),
        "{ file = \"/nonexistent/secret\" }".to_owned(),
        format!("{{ command = [{:?}] }}", script.display().to_string()),
        "{ command = [\"/nonexistent/program\"] }".to_owned(),
        "{ command = [] }".to_owned(),
    ];
    keyfob.set("LANG", "C");
    for (number, source) in sources.iter().enumerate() {
        let id = format!("p{number}");
        keyfob.provider(&id, &server, &format!("client_id = \"basic\"\nclient_secret = {source}"));
        let finished = keyfob.run(&["login", &id, "--json"]);
        finished.error_of(&[(9, "config"), (11, "security")], &[]);
        assert!(!finished.stderr.contains(['\u{1b}', '\u{7}']), "{finished:#?}");
    }
    assert_eq!(keyfob.opened().len(), 0);
}

#[test]
fn values_in_templates_cannot_change_where_an_address_leads() {
    let (server, evil) = (Server::start(), Server::start());
    let keyfob = Keyfob::new();
    let endpoint = format!(
        "authorization_endpoint = \"{}/{{tenant}}/authorize\"\nvariables = {{ tenant = {{ prompt = \"Tenant\" }} }}",
        server.url()
    );
    keyfob.plain_provider("test", &server, &endpoint);
    let evil = evil.address().to_string();
    for value in [
        "a/../..",
        "..",
        "a?b",
        "a#b",
        ".@evil.example",
        &format!("x@{evil}"),
        "a b",
        "a\\b",
        "a%2f..",
        "\u{1b}[2J",
        "",
    ] {
        let finished = keyfob.run(&["login", "test", "--json", "--timeout", "1", "--set", &format!("tenant={value}")]);
        match keyfob.opened().last() {
            Some(url) => panic!("{value:?} led to {url}"),
            None => drop(finished.error_of(&[(9, "config"), (2, "usage"), (11, "security")], &["tenant"])),
        }
    }
    keyfob.run(&["login", "test", "--json"]).error_of(&[(9, "config"), (2, "usage")], &["tenant"]);
    let login = keyfob.begin(&["login", "test", "--set", "tenant=t-1"]);
    assert!(login.url.starts_with(&format!("{}/t-1/authorize?", server.url())), "{}", login.url);
}

#[test]
fn nearer_sources_win_and_each_value_tells_where_it_comes_from() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    let system = keyfob.aside().join("etc/keyfob");
    fs::create_dir_all(&system).expect("a folder");
    let entry = "[providers.test]\nname = \"System\"\nprotocol = \"oidc\"\nissuer = \"https://system.example\"\nclient_id = \"system\"\n";
    fs::write(system.join("providers.toml"), format!("{entry}[providers.only]\nprotocol = \"oauth2\"\n"))
        .expect("a file");
    keyfob.registry(&format!("[providers.test]\nissuer = \"{}\"\n", server.url()));

    let show = |more: &[&str]| keyfob.run(&[&["provider", "show", "test", "--json"], more].concat()).expect(0).json();
    let shown = show(&[]);
    assert_eq!((&shown["schema"], &shown["name"]), (&json!("keyfob.provider/1"), &json!("System")));
    let setting =
        |shown: &Value, key: &str| (shown["settings"][key]["value"].clone(), shown["settings"][key]["source"].clone());
    let (issuer, source) = setting(&shown, "issuer");
    assert_eq!(issuer, json!(server.url()));
    assert!(source.as_str().is_some_and(|source| source.contains("user") || source.contains("home")), "{shown:#}");
    let (client, source) = setting(&shown, "client_id");
    assert_eq!(client, "system");
    assert!(source.as_str().is_some_and(|source| source.contains("system") || source.contains("etc")), "{shown:#}");
    let (client, _) = setting(&show(&["--set", "client_id=flag"]), "client_id");
    assert_eq!(client, "flag");
}

#[test]
fn an_entry_that_shadows_a_bundled_one_is_noted() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    keyfob.provider("oidc", &server, "");

    let login = keyfob.log_in(&server, &["login", "oidc"]).expect(0);

    assert!(login.stderr.contains("oidc") && login.stderr.contains("bundled"), "{login:#?}");
}

#[test]
fn the_default_session_is_what_the_nearest_source_says() {
    let server = Server::start();
    let mut keyfob = Keyfob::logged_in(&server);
    keyfob.log_in(&server, &["login", "test/work"]).expect(0);
    keyfob.provider("third", &server, "");
    keyfob.log_in(&server, &["login", "third"]).expect(0);
    let session = |keyfob: &Keyfob, more: &[&str]| {
        keyfob.run(&[&["token", "--json"], more].concat()).expect(0).json()["session"].clone()
    };

    keyfob.run(&["token", "--json"]).error(2, "usage");
    keyfob.settings("default = \"test/work\"\n");
    assert_eq!(session(&keyfob, &[]), "test/work");
    keyfob.set("KEYFOB_SESSION", "third");
    assert_eq!(session(&keyfob, &[]), "third/alice");
    assert_eq!(session(&keyfob, &["test/alice"]), "test/alice");
}

#[test]
fn another_settings_file_can_be_named() {
    let server = Server::start();
    let mut keyfob = Keyfob::with(&server);
    let opened = keyfob.aside().join("opened");
    let script = keyfob.script("named", &format!("printf '%s\\n' \"$1\" >>'{}'", opened.display()));
    keyfob.unset("KEYFOB_BROWSER");
    let file = keyfob.aside().join("other.toml");
    fs::write(&file, format!("browser = {:?}\n", script.display().to_string())).expect("a file");
    let file = file.display().to_string();

    let login = keyfob.start(&["login", "test", "--config", &file]);
    let url = eventually("the browser of that file", || keyfob.opened().first().cloned());
    server.allow(&url).get();
    login.finish().expect(0);

    keyfob
        .run(&["list", "--config", "/nonexistent/config.toml", "--json"])
        .error_of(&[(9, "config"), (2, "usage")], &["/nonexistent"]);
}
