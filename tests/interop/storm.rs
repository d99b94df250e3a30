//! Many processes want the same expired session at once.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use crate::support::{Keyfob, Keyring, Storage, TestServer, eventually, needs};

const PROCESSES: usize = 200;

/// The server's first token lives two seconds, its refresh tokens rotate, and one that is used twice ends the family:
/// a second request would be seen here as a failure of every process after it.
fn storm(storage: &Storage<'_>) {
    let server = TestServer::start();
    let keyfob = Keyfob::with_client(storage, &server, "cli-renewed");
    keyfob.login("test");
    eventually("the token's expiry", || (keyfob.status("test")["state"] == "expired").then_some(()));
    server.forget_requests();
    // Slow, so that the others have time to pile up.
    server.fault(&json!({ "path": "/token", "times": 1, "delay_ms": 500 }));

    let storm: Vec<_> = (0..PROCESSES).map(|_| keyfob.start(&["token", "test"])).collect();
    let finished: Vec<_> = storm.into_iter().map(|process| process.finish(Duration::from_secs(120))).collect();

    let failed: Vec<_> = finished.iter().filter(|process| process.code != 0).collect();
    assert!(failed.is_empty(), "{} of {PROCESSES} failed, the first one so: {:#?}", failed.len(), failed[0]);
    let tokens: BTreeSet<_> = finished.iter().map(|process| process.stdout.as_str()).collect();
    let refreshed = server.grants("refresh_token");
    assert_eq!(refreshed.len(), 1, "one refresh");
    let issued = format!("{}\n", refreshed[0].issued("access_token").expect("a token was issued"));
    assert_eq!(tokens, BTreeSet::from([issued.as_str()]), "all got the token of that one refresh");
    keyfob.run(&["refresh", "test"]).expect(0);
    assert_eq!(keyfob.leaks(&server).len(), 0, "{:#?}", keyfob.leaks(&server));
}

#[test]
fn two_hundred_processes_refresh_once_with_a_keyring() {
    needs!(Server, Keyring);
    let keyring = Keyring::unlocked();
    storm(&Storage::Keyring(&keyring));
}

#[test]
fn two_hundred_processes_refresh_once_with_encrypted_files() {
    needs!(Server);
    storm(&Storage::File);
}

#[test]
fn forced_refreshes_at_the_same_time_never_send_a_refresh_token_twice() {
    needs!(Server);
    let server = TestServer::start();
    let keyfob = Keyfob::with_client(&Storage::File, &server, "cli-public");
    keyfob.login("test");

    let refreshes: Vec<_> = (0..10).map(|_| keyfob.start(&["refresh", "test"])).collect();
    for refresh in refreshes {
        refresh.finish(Duration::from_secs(60)).expect(0);
    }

    let sent = server.grants("refresh_token");
    let tokens: BTreeSet<_> = sent.iter().filter_map(|request| request.parameter("refresh_token")).collect();
    assert_eq!(tokens.len(), sent.len(), "no refresh token was sent twice");
    keyfob.run(&["refresh", "test"]).expect(0);
}
