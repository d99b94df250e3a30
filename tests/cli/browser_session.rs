//! `logout --browser-session`: the provider's logout page is opened, without anything secret in its address.

use serde_json::json;

use crate::support::{Keyfob, Server, eventually};

/// A server with a logout page, logged in to.
fn logged_in() -> (Server, Keyfob) {
    let server = Server::start();
    let endpoint = format!("{}/logout?from=cli", server.url());
    server.change(|settings| settings.metadata["end_session_endpoint"] = json!(endpoint));
    let keyfob = Keyfob::logged_in(&server);
    (server, keyfob)
}

#[test]
fn the_page_is_opened_with_the_client_and_no_token() {
    let (server, keyfob) = logged_in();
    let before = keyfob.opened().len();

    keyfob.run(&["logout", "test", "--browser-session"]).expect(0);

    let opened = eventually("the page is opened", || keyfob.opened().get(before).cloned());
    assert_eq!(opened, format!("{}/logout?from=cli&client_id=public", server.url()));
    assert_eq!((keyfob.sessions().len(), server.requests_to("/revoke").len()), (0, 2));
}

#[test]
fn without_a_browser_the_address_is_shown() {
    let (server, mut keyfob) = logged_in();
    keyfob.set("KEYFOB_BROWSER", "none");

    let finished = keyfob.run(&["logout", "test", "--browser-session"]).expect(0);

    assert!(finished.stderr.contains(&format!("{}/logout?from=cli&client_id=public", server.url())), "{finished:#?}");
}

#[test]
fn a_page_that_cannot_be_opened_does_not_hide_what_was_ended() {
    let (_server, mut keyfob) = logged_in();
    keyfob.set("KEYFOB_BROWSER", "'unbalanced");

    let finished = keyfob.run(&["logout", "test", "--browser-session", "--json"]).expect(2);

    assert!(finished.stdout.contains("\"schema\":\"keyfob.sessions/1\""), "{finished:#?}");
    assert_eq!(keyfob.sessions(), [""; 0]);
}

#[test]
fn a_logout_without_the_option_opens_nothing() {
    let (_server, keyfob) = logged_in();
    let before = keyfob.opened().len();

    keyfob.run(&["logout", "test"]).expect(0);

    assert_eq!(keyfob.opened().len(), before);
}

#[test]
fn a_provider_without_a_page_is_said_and_the_session_is_gone_all_the_same() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);

    keyfob.run(&["logout", "test", "--browser-session", "--json"]).error_naming(9, "config", &["end_session_endpoint"]);

    assert_eq!(keyfob.sessions().len(), 0);
}

#[test]
fn a_page_without_tls_is_never_opened() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let before = keyfob.opened().len();
    keyfob.edit_registry("client_id", "end_session_endpoint = \"http://id.example/logout\"\nclient_id");

    let finished = keyfob.run(&["logout", "test", "--browser-session"]);

    assert_ne!(finished.code, 0, "{finished:#?}");
    assert_eq!(keyfob.opened().len(), before);
}
