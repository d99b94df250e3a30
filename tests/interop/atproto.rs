//! The AT Protocol's own server: from a handle to a record of the account, and what is left after a logout.

use std::fs;

use serde_json::Value;

use crate::support::{Answer, AtprotoServer, Browser, Keyfob, Storage, needs};

/// keyfob with a server's directory and handles, and a person in Chromium who is Alice.
fn alice(server: &AtprotoServer, storage: &Storage<'_>, answer: Answer) -> Keyfob {
    let mut keyfob = Keyfob::new(storage);
    let entry = format!(
        "schema = 1\n[providers.atproto]\nplc_directory = \"{}\"\nhandle_resolver = \"{}\"\n",
        server.plc(),
        server.pds()
    );
    fs::write(keyfob.home().join("config/providers.toml"), entry).expect("the registry can be written");
    keyfob.browser(Browser::atproto(&keyfob.aside(), answer));
    keyfob
}

/// What the data server says of whoever asks.
fn session(keyfob: &Keyfob, server: &AtprotoServer, code: i32) -> Value {
    let url = format!("{}/xrpc/com.atproto.server.getSession", server.pds());
    let answer = keyfob.run(&["request", "@alice.test", &url, "--fail"]).expect(code);
    serde_json::from_str(&answer.stdout).unwrap_or_default()
}

#[test]
fn a_handle_is_enough_for_a_session_that_is_renewed_used_and_revoked() {
    needs!(Server, AtprotoServer, Chromium);
    let server = AtprotoServer::start();
    let keyfob = alice(&server, &Storage::File, Answer::Allow);

    keyfob.run(&["login", "@alice.test"]).expect(0);

    assert_eq!(keyfob.sessions(), ["atproto/alice.test"]);
    let status = keyfob.status("at://alice.test");
    assert_eq!(status["profile"]["id"], server.did("alice.test"));
    assert_eq!((&status["token_type"], &status["issuer"]), (&"DPoP".into(), &server.pds().into()));
    assert_eq!(session(&keyfob, &server, 0)["handle"], "alice.test");
    // The refresh token is used up each time, and an old one would end the session.
    for _ in 0..3 {
        keyfob.run(&["refresh", "@alice.test"]).expect(0);
    }
    assert_eq!(session(&keyfob, &server, 0)["did"], server.did("alice.test"));

    // A copy of the session from before the logout shows that the server has ended it.
    keyfob.shell("cp -a \"$HOME/.local/state/keyfob\" \"$HOME/copy\"").expect(0);
    keyfob.run(&["logout", "@alice.test"]).expect(0);
    assert_eq!(keyfob.sessions(), [] as [&str; 0]);
    keyfob.shell("KEYFOB_STATE_DIR=\"$HOME/copy\" keyfob refresh @alice.test").expect(4);
}

#[test]
fn a_server_alone_is_enough_too_and_the_account_that_comes_out_is_checked() {
    needs!(Server, AtprotoServer, Chromium);
    let server = AtprotoServer::start();
    let keyfob = alice(&server, &Storage::File, Answer::Allow);

    keyfob.run(&["login", server.pds()]).expect(0);

    assert_eq!(keyfob.sessions(), ["atproto/alice.test"]);
    assert_eq!(session(&keyfob, &server, 0)["handle"], "alice.test");
}

#[test]
fn a_person_who_says_no_is_believed() {
    needs!(Server, AtprotoServer, Chromium);
    let server = AtprotoServer::start();
    let keyfob = alice(&server, &Storage::File, Answer::Deny);

    let refused = keyfob.run(&["login", "@alice.test"]).expect(5);

    assert!(refused.stderr.contains("access_denied"), "{}", refused.stderr);
    assert_eq!(keyfob.sessions(), [] as [&str; 0]);
}
