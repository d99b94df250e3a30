//! Where a session is kept and noted: nothing is asked of a server that could not be written down, and nothing is lost.

use std::fs;

use crate::support::{Keyfob, Server, files};

/// Runs `arguments` where permissions hold for root too.
#[cfg(target_os = "linux")]
fn run_as_everybody(keyfob: &Keyfob, arguments: &[&str]) -> crate::support::Finished {
    const CAP_DAC_OVERRIDE: libc::c_ulong = 1;
    let mut command = keyfob.command(arguments);
    // SAFETY: prctl is async-signal-safe; whoever is not root may not do this and need not.
    unsafe {
        std::os::unix::process::CommandExt::pre_exec(&mut command, || {
            libc::prctl(libc::PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0);
            Ok(())
        });
    }
    crate::support::Running::start(&mut command).finish()
}

#[test]
fn an_index_that_is_a_directory_is_told_before_anything_is_asked_of_a_server() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let (token, opened) = (keyfob.token("test"), keyfob.opened().len());
    let (index, away) = (keyfob.state().join("index"), keyfob.aside().join("index"));
    fs::rename(&index, &away).expect("an index");
    fs::create_dir(&index).expect("a directory");
    server.forget_requests();

    keyfob.run(&["login", "test", "--json", "--timeout", "2"]).error(7, "store");
    keyfob.run(&["refresh", "test/alice", "--json"]).error(7, "store");

    assert_eq!(keyfob.opened().len(), opened);
    assert_eq!(server.requests_to("/token").len(), 0);
    fs::remove_dir(&index).expect("still an empty directory");
    fs::rename(&away, &index).expect("the index again");
    assert_eq!(keyfob.token("test"), token);
    keyfob.run(&["refresh", "test"]).expect(0);
}

#[test]
#[cfg(target_os = "linux")]
fn an_index_that_cannot_be_replaced_is_told_though_sessions_could_be_written() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let (stored, opened) = (keyfob.stored(), keyfob.opened().len());
    server.forget_requests();
    let set_mode = |mode| {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
        fs::set_permissions(keyfob.state(), permissions).expect("permissions");
    };
    set_mode(0o500);

    let login = run_as_everybody(&keyfob, &["login", "test", "--json", "--timeout", "2"]);
    let refresh = run_as_everybody(&keyfob, &["refresh", "test", "--json"]);
    set_mode(0o700);

    login.error(7, "store");
    refresh.error(7, "store");
    assert_eq!(keyfob.opened().len(), opened);
    assert_eq!(server.requests_to("/token").len(), 0);
    assert_eq!(keyfob.stored(), stored);
    keyfob.run(&["refresh", "test"]).expect(0);
}

/// Has the sessions' folder taken away while the next token request is under way: after every look at what could be
/// written, and before anything is. What is returned puts it back.
fn lose_sessions_during_the_request(keyfob: &Keyfob, server: &Server) -> impl FnOnce() + use<> {
    let (sessions, away) = (keyfob.state().join("sessions"), keyfob.aside().join("sessions"));
    let (from, to) = (sessions.clone(), away.clone());
    server.after("/token", 1, move |_, answer| {
        fs::rename(&from, &to).expect("sessions");
        fs::write(&from, "").expect("a file");
        answer
    });
    move || {
        fs::remove_file(&sessions).expect("still a file");
        fs::rename(away, sessions).expect("the sessions again");
    }
}

#[test]
fn a_new_refresh_token_that_cannot_be_stored_is_rescued_and_used() {
    // However it comes: with a renewal, with a narrower token, and with an answer that is bad otherwise.
    for (command, token_type) in [
        (&["refresh", "test"][..], "Bearer"),
        (&["token", "test", "--scope", "openid"], "Bearer"),
        (&["refresh", "test"], "mac"),
    ] {
        let server = Server::start();
        let keyfob = Keyfob::logged_in(&server);
        let before = keyfob.token("test");
        let put_back = lose_sessions_during_the_request(&keyfob, &server);
        server.change(|settings| settings.token.insert("token_type".into(), token_type.into()));

        let lost = keyfob.run(&[command, &["--json"]].concat());

        let recovery = keyfob.state().join("recovery");
        lost.error_naming(7, "store", &[&recovery.display().to_string()]);
        assert_eq!(files(&recovery).len(), 1);
        assert_eq!(keyfob.leaks(&server), [], "what is rescued is as secret as what is stored");
        put_back();
        server.recover();
        let is_renewed = command[0] == "refresh" && token_type == "Bearer";
        assert_eq!(keyfob.token("test") != before, is_renewed);
        // The first one finds what was rescued, the next one renews; the old refresh token would end the family.
        keyfob.run(&["refresh", "test"]).expect(0);
        keyfob.run(&["refresh", "test"]).expect(0);
        assert_eq!(files(&recovery).len(), 0, "what is stored again needs no rescue");
    }
}

#[test]
fn a_login_that_cannot_be_stored_has_failed_and_is_not_rescued() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let token = keyfob.token("test");
    let put_back = lose_sessions_during_the_request(&keyfob, &server);

    let login = keyfob.begin(&["login", "test", "--json"]);
    let page = login.allow(&server);
    login.finish().error(7, "store");

    assert!(!page.body.contains("Logged in"), "{page:#?}");
    assert!(files(&keyfob.state().join("recovery")).is_empty());
    put_back();
    assert_eq!(keyfob.token("test"), token, "the old session stays");
    keyfob.run(&["refresh", "test"]).expect(0);
}

#[test]
fn a_session_of_another_store_is_listed_and_its_store_is_named() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let index = keyfob.state().join("index");
    let lines = fs::read_to_string(&index).expect("an index");
    let moved = lines.replace("\"store\":\"file\"", "\"store\":\"keyring\"");
    assert_ne!(moved, lines);
    fs::write(&index, &moved).expect("an index");
    server.forget_requests();

    for command in ["token", "refresh", "logout"] {
        let finished = keyfob.run(&[command, "test", "--json"]);
        finished.error_naming(7, "store", &["test/alice", "KEYFOB_STORAGE=keyring"]);
    }

    assert_eq!(keyfob.sessions(), ["test/alice"]);
    assert_eq!(fs::read_to_string(&index).expect("an index"), moved);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_logout_of_the_session_in_the_environment_can_be_repeated() {
    let server = Server::start();
    let mut keyfob = Keyfob::logged_in(&server);
    keyfob.set("KEYFOB_SESSION", "test/alice");

    for _ in 0..2 {
        keyfob.run(&["logout"]).expect(0);
        assert_eq!(keyfob.sessions(), [] as [&str; 0]);
    }

    assert_eq!(server.requests_to("/revoke").len(), 2, "two tokens, once");
}
