//! Where sessions lie: private, whole, and never lost to a fault.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::support::{Finished, Keyfob, Running, Server, files, mode};

/// Two sessions of one provider; the files that hold the second.
fn two_sessions(server: &Server) -> (Keyfob, Vec<PathBuf>) {
    let keyfob = Keyfob::logged_in(server);
    let second = keyfob.session_files(|| drop(keyfob.log_in(server, &["login", "test/bad"]).expect(0)));
    (keyfob, second)
}

#[test]
fn nothing_that_keyfob_writes_shows_a_secret() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    keyfob.run(&["refresh", "test"]).expect(0);
    keyfob.token("test");
    keyfob.run(&["list"]).expect(0);

    assert_eq!(keyfob.leaks(&server), []);
}

#[test]
fn all_files_are_private_whatever_the_umask() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let mut command = keyfob.command(&["login", "test"]);
    // SAFETY: umask is async-signal-safe.
    unsafe {
        command.pre_exec(|| {
            libc::umask(0);
            Ok(())
        });
    }
    let login = keyfob.begin_command(&mut command);
    login.allow(&server);
    login.finish().expect(0);

    let mut all = files(&keyfob.state());
    all.extend(files(&keyfob.home().join(".cache/keyfob")));
    all.push(keyfob.aside().join("key"));
    for file in all {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
        let folder = file.parent().expect("a folder");
        if folder != keyfob.aside() {
            assert_eq!(mode(folder), 0o700, "{}", folder.display());
        }
    }
}

#[test]
fn wider_permissions_are_repaired_or_refused() {
    let server = Server::start();
    let (keyfob, session) = two_sessions(&server);
    let folder = keyfob.state();
    for (path, wide) in session.iter().map(|file| (file, 0o644)).chain([(&folder, 0o777)]) {
        let before = mode(path);
        fs::set_permissions(path, fs::Permissions::from_mode(wide)).expect("permissions");

        let finished = keyfob.run(&["token", "test/bad"]);

        match finished.code {
            0 => assert_eq!(mode(path), before, "{}: {finished:#?}", path.display()),
            code => assert_eq!(code, 7, "{}: {finished:#?}", path.display()),
        }
        fs::set_permissions(path, fs::Permissions::from_mode(before)).expect("permissions");
    }
}

#[test]
fn links_pipes_and_directories_in_place_of_files_are_not_followed_and_not_waited_for() {
    let server = Server::start();
    let (keyfob, session) = two_sessions(&server);
    let planted = keyfob.aside().join("planted");
    for file in session.iter().cloned().chain(index(&keyfob)) {
        let bytes = fs::read(&file).expect("a file");
        fs::write(&planted, &bytes).expect("a file");
        let shapes: [&dyn Fn(); 4] = [
            &|| symlink(&planted, &file).expect("a link"),
            &|| symlink("/dev/zero", &file).expect("a link"),
            &|| assert!(Command::new("mkfifo").arg(&file).status().is_ok_and(|status| status.success())),
            &|| fs::create_dir(&file).expect("a directory"),
        ];
        for shape in shapes {
            fs::remove_file(&file).expect("a file");
            shape();

            let token = keyfob.run(&["token", "test/bad"]);
            let login = keyfob.run(&["list"]);

            for finished in [&token, &login] {
                assert!([0, 3, 4, 7].contains(&finished.code) && finished.took.as_secs() < 10, "{finished:#?}");
            }
            assert_eq!(fs::read(&planted).expect("a file"), bytes, "what was linked to is untouched");
            let _ = fs::remove_file(&file).or_else(|_| fs::remove_dir_all(&file));
            fs::write(&file, &bytes).expect("a file");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("permissions");
        }
    }
}

fn index(keyfob: &Keyfob) -> Vec<PathBuf> {
    let all = keyfob.stored().into_keys();
    all.filter(|file| file.file_name().is_some_and(|name| name.to_string_lossy().contains("index"))).collect()
}

#[test]
fn a_damaged_session_affects_itself_alone_and_a_login_repairs_it() {
    let server = Server::start();
    for damage in ["{", "", "\u{0}\u{1}random\u{2}", "{}", "null"] {
        let (keyfob, session) = two_sessions(&server);
        for file in &session {
            fs::write(file, damage).expect("a file");
        }

        let list = keyfob.run(&["list"]).expect(0);
        assert!(list.output().contains("test/alice") && list.output().contains("test/bad"), "{list:#?}");
        keyfob.run(&["token", "test/alice"]).expect(0);
        let bad = keyfob.run(&["token", "test/bad", "--json"]);
        let error = bad.error_of(&[(7, "store"), (4, "login_required")], &["test/bad"]);
        assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("keyfob login test/bad")), "{bad:#?}");
        if !damage.is_empty() {
            let kept =
                files(&keyfob.state()).into_iter().any(|file| fs::read(file).is_ok_and(|it| it == damage.as_bytes()));
            assert!(kept, "the bytes are kept: {damage:?}");
        }

        keyfob.log_in(&server, &["login", "test/bad"]).expect(0);
        keyfob.token("test/bad");
    }
}

#[test]
fn a_flipped_byte_is_noticed_and_nothing_is_rewritten() {
    let server = Server::start();
    let (keyfob, session) = two_sessions(&server);
    for file in &session {
        let mut bytes = fs::read(file).expect("a file");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(file, &bytes).expect("a file");
    }

    let finished = keyfob.run(&["token", "test/bad", "--json"]);

    finished.error_of(&[(7, "store"), (4, "login_required")], &["test/bad"]);
    keyfob.token("test/alice");
}

#[test]
fn sessions_cannot_be_exchanged_for_one_another() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let first = keyfob.session_files(|| drop(keyfob.log_in(&server, &["login", "test/one"]).expect(0)));
    let second = keyfob.session_files(|| drop(keyfob.log_in(&server, &["login", "test/two"]).expect(0)));
    let one = keyfob.token("test/one");
    for (from, to) in first.iter().zip(&second).filter(|(from, to)| from != to) {
        fs::copy(from, to).expect("a copy");
    }

    let two = keyfob.run(&["token", "test/two"]);

    assert!(two.code != 0 && !two.stdout.contains(&one), "{two:#?}");
}

#[test]
fn a_store_without_its_key_is_told_and_stays_as_it_is() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let key = keyfob.aside().join("key");
    let (bytes, stored) = (fs::read(&key).expect("a key"), keyfob.stored());
    for change in ["missing", "other", "empty", "short"] {
        match change {
            "missing" => fs::remove_file(&key).expect("a key"),
            "other" => fs::write(
                &key,
                bytes.iter().rev().copied().map(|byte| if byte == b'A' { b'B' } else { byte }).collect::<Vec<_>>(),
            )
            .expect("a key"),
            "empty" => fs::write(&key, "").expect("a key"),
            _ => fs::write(&key, &bytes[..bytes.len() / 2]).expect("a key"),
        }
        let finished = keyfob.run(&["token", "test", "--json"]);
        finished.error_of(&[(7, "store"), (9, "config"), (4, "login_required")], &[]);
        assert_eq!(keyfob.stored(), stored, "{change}");
        fs::write(&key, &bytes).expect("a key");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("permissions");
    }
    keyfob.token("test");
}

#[test]
fn a_key_that_others_may_read_is_not_used_silently() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let key = keyfob.aside().join("key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("permissions");

    let finished = keyfob.run(&["token", "test"]);

    let repaired = finished.code == 0 && mode(&key) == 0o600;
    assert!(repaired || [7, 9, 11].contains(&finished.code), "{finished:#?}");
}

#[test]
fn a_wrong_passphrase_does_no_damage() {
    let server = Server::start();
    let mut keyfob = Keyfob::with(&server);
    keyfob.unset("KEYFOB_FILE_KEY");
    let file = keyfob.aside().join("passphrase");
    let passphrase = |text: &str| {
        fs::write(&file, text).expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("permissions");
    };
    passphrase("correct horse CANARY-one\n");
    keyfob.set("KEYFOB_PASSPHRASE_FILE", &file);
    keyfob.login(&server);
    let (token, stored) = (keyfob.token("test"), keyfob.stored());

    passphrase("wrong CANARY-two\n");
    let wrong = keyfob.run(&["token", "test", "--json", "-vv"]);
    keyfob.unset("KEYFOB_PASSPHRASE_FILE");
    let none = keyfob.run(&["token", "test", "--json"]);

    wrong.error_naming(7, "store", &["passphrase"]);
    none.error_of(&[(7, "store"), (2, "usage")], &["KEYFOB_PASSPHRASE_FILE"]);
    assert!(!wrong.output().contains("CANARY"), "{wrong:#?}");
    assert_eq!(keyfob.stored(), stored);
    passphrase("correct horse CANARY-one\n");
    keyfob.set("KEYFOB_PASSPHRASE_FILE", &file);
    assert_eq!(keyfob.token("test"), token);
}

/// Runs keyfob where no file can grow beyond `bytes`, as on a full disk.
fn limited(keyfob: &Keyfob, bytes: u64, arguments: &[&str]) -> Finished {
    let mut command = keyfob.command(arguments);
    // SAFETY: setrlimit is async-signal-safe.
    unsafe {
        command.pre_exec(move || {
            let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
            if libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) == 0 {
                Ok(())
            } else {
                Err(std::io::Error::last_os_error())
            }
        });
    }
    Running::start(&mut command).finish()
}

#[test]
fn a_full_disk_is_noticed_before_the_browser() {
    let server = Server::start();
    let fresh = Keyfob::with(&server);
    let keyfob = Keyfob::logged_in(&server);
    let stored = keyfob.stored();
    for keyfob in [&fresh, &keyfob] {
        let opened = keyfob.opened().len();
        limited(keyfob, 0, &["login", "test", "--json", "--timeout", "2"]).error(7, "store");
        assert_eq!(keyfob.opened().len(), opened);
    }
    assert_eq!(keyfob.stored(), stored);
    keyfob.token("test");
}

#[test]
fn a_full_disk_is_noticed_before_a_refresh_token_is_spent() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let stored = keyfob.stored();
    server.forget_requests();
    for bytes in [0, 64] {
        limited(&keyfob, bytes, &["refresh", "test", "--json"]).error(7, "store");
        assert_eq!(server.requests_to("/token").len(), 0);
        assert_eq!(keyfob.stored(), stored);
    }
    keyfob.run(&["refresh", "test"]).expect(0);
}

#[test]
fn a_state_directory_that_cannot_be_one_is_told_before_the_browser() {
    let server = Server::start();
    let mut keyfob = Keyfob::with(&server);
    let file = keyfob.aside().join("file");
    fs::write(&file, "").expect("a file");
    let link = keyfob.aside().join("dangling");
    symlink(keyfob.aside().join("gone/below"), &link).expect("a link");
    for path in [file, link, Path::new("/proc/keyfob").into(), Path::new("/dev/null/x").into()] {
        keyfob.set("KEYFOB_STATE_DIR", &path);
        let finished = keyfob.run(&["login", "test", "--json", "--timeout", "1"]);
        finished.error_of(&[(7, "store"), (9, "config"), (11, "security")], &[]);
    }
    assert_eq!(keyfob.opened().len(), 0);
}

#[test]
fn odd_homes_are_told_or_made_do_with() {
    let server = Server::start();
    let mut keyfob = Keyfob::with(&server);
    for name in ["XDG_STATE_HOME", "XDG_CACHE_HOME"] {
        keyfob.unset(name);
    }
    keyfob.set("HOME", "relative");
    let finished = keyfob.run(&["login", "test", "--json", "--timeout", "1"]);
    finished.error_of(&[(7, "store"), (9, "config"), (8, "timeout")], &[]);
    keyfob.set("HOME", keyfob.aside().join("not/there"));
    keyfob.run(&["list"]).expect(0);
    let elsewhere = keyfob.aside().join("elsewhere");
    for name in ["XDG_STATE_HOME", "XDG_CACHE_HOME"] {
        keyfob.set(name, &elsewhere);
    }
    keyfob.set("XDG_DATA_HOME", "");
    keyfob.unset("HOME");

    keyfob.login(&server);

    assert_eq!(keyfob.sessions(), ["test/alice"]);
    assert!(elsewhere.join("keyfob").is_dir());
}

#[test]
fn what_a_newer_version_wrote_is_left_alone() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let mut newer = 0;
    for file in keyfob.stored().into_keys() {
        let bytes = fs::read(&file).expect("a file");
        let newer_bytes = match bytes.strip_prefix(b"KEYFOB\0\x01") {
            Some(rest) => [b"KEYFOB\0\x63", rest].concat(),
            None => match String::from_utf8(bytes.clone()) {
                Ok(text) if text.contains(r#"{"v":1,"#) => text.replace(r#"{"v":1,"#, r#"{"v":99,"#).into_bytes(),
                _ => continue,
            },
        };
        fs::write(&file, newer_bytes).expect("a file");
        let stored = keyfob.stored();
        newer += 1;

        for command in [
            &["token", "test", "--json"][..],
            &["refresh", "test", "--json"],
            &["login", "test", "--json", "--timeout", "1"],
        ] {
            let finished = keyfob.run(command);
            // What is in this file alone may not be needed for that command.
            assert!([0, 7, 8].contains(&finished.code), "{finished:#?}");
            assert!(finished.code != 7 || finished.output().contains("newer"), "{finished:#?}");
        }
        assert_eq!(keyfob.stored().get(&file), stored.get(&file), "{}", file.display());
        fs::write(&file, bytes).expect("a file");
    }
    assert!(newer == 2, "the index and the session say their version: {:#?}", keyfob.stored().keys());
}

#[test]
fn index_and_store_may_disagree() {
    let server = Server::start();
    let (keyfob, session) = two_sessions(&server);
    for file in index(&keyfob) {
        let bytes = fs::read(&file).expect("an index");
        for damage in [None, Some(&b"{"[..]), Some(b"[]")] {
            match damage {
                None => fs::remove_file(&file).expect("an index"),
                Some(damage) => fs::write(&file, damage).expect("an index"),
            }
            let list = keyfob.run(&["list", "--json"]);
            assert!([0, 7].contains(&list.code), "{list:#?}");
            let token = keyfob.run(&["token", "test/alice"]);
            assert!([0, 4, 7].contains(&token.code), "{token:#?}");
            fs::write(&file, &bytes).expect("an index");
        }
    }
    for file in &session {
        fs::remove_file(file).expect("a session");
    }
    keyfob.run(&["list"]).expect(0);
    let gone = keyfob.run(&["token", "test/bad", "--json"]);
    gone.error_of(&[(4, "login_required"), (7, "store")], &["test/bad"]);
    keyfob.token("test/alice");
    keyfob.run(&["logout", "test/bad"]).expect(0);
    assert_eq!(keyfob.sessions(), ["test/alice"]);
}

#[test]
fn commands_for_different_sessions_at_once_lose_nothing() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let names: Vec<String> = (0..8).map(|number| format!("test/s{number}")).collect();
    let token = json!({ "access_token": "brought-along", "token_type": "Bearer" }).to_string();
    let logins: Vec<_> = names
        .iter()
        .map(|name| {
            let mut login = Running::start_with_input(&mut keyfob.command(&["login", name, "--with-token"]));
            login.type_in(&token);
            login
        })
        .collect();
    for login in logins {
        login.finish().expect(0);
    }
    assert_eq!(keyfob.sessions().len(), 8);

    let logouts: Vec<_> = names[..4].iter().map(|name| keyfob.start(&["logout", name, "--no-revoke"])).collect();
    for logout in logouts {
        logout.finish().expect(0);
    }

    assert_eq!(keyfob.sessions(), names[4..]);
}

#[test]
fn without_a_keyring_and_without_a_choice_the_login_ends_before_the_browser() {
    let server = Server::start();
    let mut keyfob = Keyfob::with(&server);
    keyfob.unset("KEYFOB_STORAGE");
    keyfob.unset("KEYFOB_FILE_KEY");
    keyfob.set("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");

    let finished = keyfob.run(&["login", "test", "--json"]);

    finished.error_naming(7, "store", &["keyring", "KEYFOB_STORAGE=file"]);
    assert!(finished.took.as_secs() < 5, "{finished:#?}");
    assert_eq!((keyfob.opened().len(), server.requests_to("/token").len()), (0, 0));
    keyfob.set("KEYFOB_STORAGE", "cupboard");
    keyfob.run(&["login", "test", "--json"]).error_naming(9, "config", &["KEYFOB_STORAGE", "cupboard"]);
}

#[test]
fn a_session_in_memory_leaves_nothing_on_disk() {
    let server = Server::start();
    let mut keyfob = Keyfob::with(&server);
    keyfob.set("KEYFOB_STORAGE", "memory");

    let login = keyfob.log_in(&server, &["login", "test", "--json"]).expect(0);

    assert_eq!(login.json_lines().last().expect("an event")["session"]["store"], "memory");
    assert_eq!(keyfob.leaks(&server), []);
    assert_eq!(keyfob.sessions(), [] as [&str; 0]);
}
