//! The keyring is absent, locked or hangs: the command ends soon, says so, and puts nothing anywhere else.

use std::os::unix::net::UnixListener;
use std::time::Duration;

use crate::support::{Finished, Keyfob, Keyring, Storage, TestServer, needs};

/// Without a terminal a store is given five seconds.
const SOON: Duration = Duration::from_secs(6);

/// Logs in where no store can be used: the browser stays closed, the server is asked for no token, nothing is written.
fn login_without_a_store(keyfob: &Keyfob, server: &TestServer) -> Finished {
    let login = keyfob.run(&["login", "test", "--json", "--grant", "authorization_code"]).expect(7);

    assert!(login.took < SOON, "{login:#?}");
    assert_eq!(login.error()["error"], "store");
    assert_eq!(keyfob.opened(), [] as [&str; 0], "the browser was not opened");
    assert_eq!(server.requests_to("/token").len(), 0);
    assert_eq!(keyfob.sessions(), [] as [&str; 0]);
    login
}

/// Uses a session whose store does not answer any more: a token is not to be had, and that is not taken for a logout.
fn session_out_of_reach(keyfob: &Keyfob) {
    // Else a token that still lies in the kernel's key ring would be handed out, and rightly.
    keyfob.settings("token_cache = false");
    for command in ["token", "refresh"] {
        let finished = keyfob.run(&[command, "test"]).expect(7);
        assert!(finished.took < SOON, "{finished:#?}");
        assert_eq!(finished.stdout, "", "{finished:#?}");
    }
    assert_eq!(keyfob.sessions(), ["test/alice"], "list needs no store");
}

#[test]
fn no_bus_at_all_ends_a_login_before_the_browser_opens() {
    needs!(Server);
    let server = TestServer::start();
    let mut keyfob = Keyfob::with_client(&Storage::File, &server, "cli-public");
    keyfob.unset("KEYFOB_STORAGE");

    let login = login_without_a_store(&keyfob, &server);

    assert!(login.stderr.contains("KEYFOB_STORAGE"), "the way out is named: {login:#?}");
}

#[test]
fn a_bus_without_a_keyring_ends_a_login_before_the_browser_opens() {
    needs!(Server, Keyring);
    let (server, keyring) = (TestServer::start(), Keyring::absent());
    let keyfob = Keyfob::with_client(&Storage::Keyring(&keyring), &server, "cli-public");

    login_without_a_store(&keyfob, &server);
}

#[test]
fn a_keyring_that_was_never_set_up_ends_a_login_before_the_browser_opens() {
    needs!(Server, Keyring);
    let (server, keyring) = (TestServer::start(), Keyring::never_unlocked());
    let keyfob = Keyfob::with_client(&Storage::Keyring(&keyring), &server, "cli-public");

    login_without_a_store(&keyfob, &server);
}

#[test]
fn a_bus_that_never_answers_ends_a_login_before_the_browser_opens() {
    needs!(Server);
    let server = TestServer::start();
    let mut keyfob = Keyfob::with_client(&Storage::File, &server, "cli-public");
    let socket = keyfob.aside().join("bus");
    let _listener = UnixListener::bind(&socket).expect("a socket");
    keyfob.unset("KEYFOB_STORAGE");
    keyfob.set("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", socket.display()));

    login_without_a_store(&keyfob, &server);
}

#[test]
fn a_locked_keyring_is_not_taken_for_a_missing_session() {
    needs!(Server, Keyring);
    let (server, mut keyring) = (TestServer::start(), Keyring::unlocked());
    let keyfob = Keyfob::with_client(&Storage::Keyring(&keyring), &server, "cli-public");
    keyfob.login("test");
    keyring.lock();

    session_out_of_reach(&keyfob);
    keyfob.run(&["login", "test", "--grant", "authorization_code"]).expect(7);

    assert_eq!(keyfob.opened().len(), 1, "only the first login opened a browser");
}

#[test]
fn a_hanging_keyring_is_given_up_and_used_again_when_it_answers() {
    needs!(Server, Keyring);
    let (server, keyring) = (TestServer::start(), Keyring::unlocked());
    let keyfob = Keyfob::with_client(&Storage::Keyring(&keyring), &server, "cli-public");
    keyfob.login("test");
    keyring.hang();

    session_out_of_reach(&keyfob);

    keyring.resume();
    keyfob.run(&["refresh", "test"]).expect(0);
    keyfob.token("test");
}

#[test]
fn a_keyring_that_is_gone_is_not_taken_for_a_missing_session() {
    needs!(Server, Keyring);
    let (server, keyring) = (TestServer::start(), Keyring::unlocked());
    let keyfob = Keyfob::with_client(&Storage::Keyring(&keyring), &server, "cli-public");
    keyfob.login("test");
    drop(keyring);

    session_out_of_reach(&keyfob);
}
