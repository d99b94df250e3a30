//! Which grant a login uses when none is given.

use serde_json::json;

use super::{Play, USER_CODE};
use crate::support::{Keyfob, Server, eventually};

/// A machine without a screen; `variables` say what kind.
fn away(mut keyfob: Keyfob, variables: &[(&str, &str)]) -> Keyfob {
    keyfob.unset("KEYFOB_BROWSER");
    for (name, value) in variables {
        keyfob.set(*name, *value);
    }
    keyfob
}

#[test]
fn where_no_browser_can_be_used_the_code_is_chosen_and_the_reason_told() {
    let play = Play::agreeing(&json!({}));
    for (variables, reason) in [
        (&[("SSH_CONNECTION", "203.0.113.9 50000 198.51.100.7 22")][..], "remote shell"),
        (&[("CODESPACES", "true")], "web editor"),
        (&[("REMOTE_CONTAINERS", "true")], "remote editor"),
        (&[("container", "podman")], "container"),
    ] {
        for endpoint in ["", "device_authorization_endpoint = \"URL/device\"\n"] {
            let keyfob = away(Keyfob::new(), variables);
            let endpoint = endpoint.replace("URL", &play.server.url());
            let grants = "grants = [\"authorization_code\", \"device_code\"]";
            keyfob.provider("test", &play.server, &format!("{endpoint}{grants}"));

            let login = keyfob.run(&["login", "test"]).expect(0);

            let expected = format!("No browser here ({reason}); using the device code grant.");
            assert!(login.stderr.contains(&expected) && login.stderr.contains(USER_CODE), "{login:#?}");
        }
    }
}

#[test]
fn where_a_browser_can_be_used_it_is() {
    let play = Play::agreeing(&json!({}));
    let keyfob = Keyfob::new();
    keyfob.provider("test", &play.server, "grants = [\"device_code\", \"authorization_code\"]");

    let login = keyfob.begin(&["login", "test"]);

    assert!(login.url.contains("/authorize?"), "{}", login.url);
    assert_eq!(play.server.requests_to("/device").len(), 0);
}

#[test]
fn a_single_grant_is_taken_as_it_is() {
    let play = Play::agreeing(&json!({}));
    let keyfob = Keyfob::new();
    keyfob.provider("test", &play.server, "grants = [\"device_code\"]");

    keyfob.run(&["login", "test"]).expect(0);

    assert_eq!(play.polls().len(), 1);
}

#[test]
fn without_a_device_endpoint_the_address_is_printed_with_the_way_back() {
    let server = Server::start();
    let ssh = [("SSH_CONNECTION", "203.0.113.9 50000 198.51.100.7 2222"), ("USER", "ada")];
    let keyfob = away(Keyfob::new(), &ssh);
    keyfob.provider("test", &server, "grants = [\"authorization_code\", \"device_code\"]");
    let login = keyfob.start(&["login", "test", "--port", "0"]);
    drop(login.finish().expect(2));
    let login = keyfob.start(&["login", "test"]);

    let address = eventually("the address", || {
        let text = login.stderr_so_far();
        let address = text.lines().find_map(|line| line.trim().strip_prefix("http"))?.to_owned();
        text.contains("ssh -L").then_some(format!("http{address}"))
    });

    let redirect = server.allow(&address);
    let port = redirect.authority().rsplit(':').next().expect("a port").to_owned();
    let line = format!("ssh -L {port}:127.0.0.1:{port} -p 2222 ada@198.51.100.7");
    assert!(login.stderr_so_far().contains(&line), "{}", login.stderr_so_far());
    redirect.get();
    login.finish().expect(0);
}

#[test]
fn whoever_names_the_way_back_gets_the_browsers_way() {
    let play = Play::agreeing(&json!({}));
    let keyfob = away(Keyfob::new(), &[("SSH_CONNECTION", "a 1 b 22")]);
    keyfob.provider("test", &play.server, "grants = [\"authorization_code\", \"device_code\"]");

    let login = keyfob.start(&["login", "test", "--redirect-uri", "http://127.0.0.1/x"]);

    eventually("the address", || login.stderr_so_far().contains("/authorize?").then_some(()));
    assert_eq!(play.server.requests_to("/device").len(), 0);
}

#[test]
fn a_client_without_its_secret_is_a_public_one_from_login_to_refresh() {
    let play = Play::agreeing(&json!({}));
    let keyfob = Keyfob::new();
    keyfob.provider("test", &play.server, "client_auth = \"client_secret_post\"");

    keyfob.run(&["login", "test", "--device"]).expect(0);
    keyfob.run(&["refresh", "test"]).expect(0);

    let refresh = play.server.grants("refresh_token");
    assert_eq!((refresh.len(), refresh[0].expect("client_id")), (1, "public".to_owned()));
    keyfob.run(&["login", "test", "--json"]).error(9, "config");
}

#[test]
fn another_flag_for_the_grant_is_a_contradiction() {
    let keyfob = Keyfob::with(&Server::start());

    for more in [["--grant", "authorization_code"], ["--port", "1234"], ["--redirect-uri", "http://127.0.0.1/x"]] {
        keyfob.run(&["login", "test", "--device", more[0], more[1]]).fails(2);
    }
}
