//! `login --begin` and `--complete`.

use serde_json::{Value, json};

use super::{DEVICE_CODE, Play, Poll, USER_CODE};
use crate::support::{Keyfob, Server};

/// The address that a begun login shows to a script.
fn begun(keyfob: &Keyfob, more: &[&str]) -> Value {
    let begun = keyfob.run(&[&["login", "test", "--begin", "--json"], more].concat()).expect(0);
    let events = begun.json_lines();
    assert_eq!(events.len(), 1, "{begun:#?}");
    events[0].clone()
}

#[test]
fn a_login_is_begun_by_one_command_and_completed_by_another() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let event = begun(&keyfob, &[]);
    assert_eq!((&event["event"], &event["redirect_uri"]), (&json!("browser"), &json!("http://127.0.0.1/callback")));
    assert_eq!(keyfob.opened(), [] as [&str; 0]);
    let address = server.allow(event["url"].as_str().expect("an address")).0.to_string();

    let wrong = address.replace("state=", "state=x");
    keyfob.run_with_input(&["login", "test", "--complete", "-", "--json"], &wrong).error(11, "security");
    keyfob.run(&["login", "test", "--complete", "--json"]).error_naming(2, "usage", &["--complete -"]);
    assert_eq!(server.requests_to("/token").len(), 0, "nothing was redeemed");
    let login = keyfob.run_with_input(&["login", "test", "--complete", "-", "--json"], &address).expect(0);

    assert_eq!(login.json_lines()[0]["session"]["session"], "test/alice");
    assert_eq!(keyfob.leaks(&server), []);
    keyfob.token("test");
    keyfob.run_with_input(&["login", "test", "--complete", "-", "--json"], &address).error_naming(
        2,
        "usage",
        &["--begin"],
    );
    assert_eq!(server.requests_to("/token").len(), 1);
}

#[test]
fn a_second_begin_takes_the_place_of_the_first() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let first = server.allow(begun(&keyfob, &[])["url"].as_str().expect("an address")).0.to_string();
    let second = server.allow(begun(&keyfob, &[])["url"].as_str().expect("an address")).0.to_string();

    keyfob.run(&["login", "test", "--complete", &first, "--json"]).error(11, "security");
    keyfob.run(&["login", "test", "--complete", &second]).expect(0);
}

#[test]
fn a_code_is_shown_by_one_command_and_waited_for_by_another() {
    let play = Play::new(&json!({}), vec![Poll::Pending, Poll::Tokens(json!({}))]);
    let keyfob = play.keyfob();
    let event = begun(&keyfob, &["--device"]);
    assert_eq!((&event["event"], &event["user_code"]), (&json!("device"), &json!(USER_CODE)));
    assert_eq!(play.polls().len(), 0);
    assert!(!keyfob.stored().values().any(|bytes| crate::support::contains(bytes, DEVICE_CODE.as_bytes())));

    keyfob.run(&["login", "test", "--complete", "--timeout", "1", "--json"]).error(8, "timeout");
    let login = keyfob.run(&["login", "test", "--complete"]).expect(0);

    assert!(login.stderr.contains("as alice"), "{login:#?}");
    assert_eq!(play.gaps().iter().min(), Some(&1), "{:?}", play.gaps());
    assert_eq!(keyfob.token("test"), "access-canary-77");
    keyfob.run(&["login", "test", "--complete", "--json"]).error(2, "usage");
}

#[test]
fn a_begun_login_ends_with_its_life_or_a_refusal() {
    let play = Play::new(&json!({ "expires_in": 0 }), vec![Poll::Pending]);
    let keyfob = play.keyfob();
    begun(&keyfob, &["--device"]);
    keyfob.run(&["login", "test", "--complete", "--json"]).error_naming(8, "timeout", &["--begin"]);
    keyfob.run(&["login", "test", "--complete", "--json"]).error(2, "usage");

    let play = Play::new(&json!({}), vec![Poll::Error("access_denied")]);
    let keyfob = play.keyfob();
    begun(&keyfob, &["--device"]);
    keyfob.run(&["login", "test", "--complete", "--json"]).error(5, "refused");
    keyfob.run(&["login", "test", "--complete", "--json"]).error(2, "usage");
}

#[test]
fn what_was_begun_is_not_sent_to_another_server() {
    let (server, other) = (Server::start(), Server::start());
    let keyfob = Keyfob::with(&server);
    let address = server.allow(begun(&keyfob, &[])["url"].as_str().expect("an address")).0.to_string();
    keyfob.edit_registry(&server.url(), &other.url());

    keyfob.run(&["login", "test", "--complete", &address, "--json"]).error(11, "security");

    assert_eq!((server.requests_to("/token").len(), other.requests().len()), (0, 0));
}

#[test]
fn nothing_is_begun_where_nothing_is_kept() {
    let server = Server::start();
    let mut keyfob = Keyfob::with(&server);
    keyfob.set("KEYFOB_STORAGE", "memory");

    for option in ["--begin", "--complete"] {
        keyfob.run(&["login", "test", option, "--json"]).error_naming(2, "usage", &["memory"]);
    }
    assert_eq!(server.requests().len(), 0);
}
