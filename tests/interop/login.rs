//! The main journey: a person logs in with a real browser, the tokens lie in a real keyring, scripts get them out.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::{Answer, Browser, Finished, Keyfob, Keyring, Storage, TestServer, needs};

/// Where pictures are kept for a look afterwards: beside what cargo builds.
fn artifact(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("test-artifacts");
    fs::create_dir_all(&folder).expect("a folder for pictures");
    let file = folder.join(name);
    let _ = fs::remove_file(&file);
    file
}

fn is_picture(file: &Path) -> bool {
    fs::read(file).is_ok_and(|bytes| bytes.starts_with(b"\x89PNG"))
}

#[test]
fn a_session_is_obtained_with_a_real_browser_kept_in_a_real_keyring_used_renewed_and_revoked() {
    needs!(Server, Chromium, Keyring, SecretTool);
    let (server, keyring) = (TestServer::start(), Keyring::unlocked());
    let mut keyfob = Keyfob::with_client(&Storage::Keyring(&keyring), &server, "cli-public");
    let picture = artifact("login.png");
    keyfob.browser(Browser::chromium(&keyfob.aside(), Answer::Allow, &picture));

    let login = keyfob.run(&["login", "test", "--json", "--grant", "authorization_code"]).expect(0);
    check_login(&login, &keyfob, &picture);
    check_requests(&server);
    check_keyring(&keyring, &server);
    check_answers(&keyfob, &server);
    let first = keyfob.token("test");
    keyfob.run(&["refresh", "test"]).expect(0);
    let second = keyfob.token("test");
    assert_ne!(first, second, "a renewed session has another token");
    assert_eq!(keyfob.leaks(&server).len(), 0, "{:#?}", keyfob.leaks(&server));
    check_logout(&keyfob, &server, &keyring, &second);
}

fn check_login(login: &Finished, keyfob: &Keyfob, picture: &Path) {
    let events = login.json_lines();
    assert_eq!(events[0]["event"], "browser", "{login:#?}");
    let done = events.last().expect("an event");
    assert_eq!(done["event"], "done", "{login:#?}");
    assert_eq!(done["session"]["session"], "test/alice", "{login:#?}");
    assert_eq!(keyfob.opened().len(), 1, "one page was opened");
    assert_eq!(events[0]["url"].as_str(), keyfob.opened().first().map(String::as_str));
    let (status, text) = keyfob.last_page();
    assert!(status == 200 && text.contains("Test Server"), "the person ended on {status}: {text}");
    assert!(is_picture(picture), "a picture of the page is at {}", picture.display());
}

/// One authorization request with S256, pushed because the server takes that, one redemption of the code, and between the two
/// the same values.
fn check_requests(server: &TestServer) {
    let pushed = server.requests_to("/request");
    let [first] = &pushed[..] else { panic!("one pushed request: {pushed:#?}") };
    let sent = &server.requests_to("/auth")[0];
    assert!(sent.parameter("request_uri").is_some() && sent.parameter("state").is_none(), "{sent:#?}");
    assert_eq!(first.parameter("response_type"), Some("code"));
    assert_eq!(first.parameter("code_challenge_method"), Some("S256"));
    for name in ["code_challenge", "state", "nonce"] {
        assert!(first.parameter(name).is_some_and(|value| value.len() >= 22), "{name} in {first:?}");
    }
    let redeemed = server.grants("authorization_code");
    assert_eq!(redeemed.len(), 1, "one redemption: {redeemed:#?}");
    assert_eq!(redeemed[0].status(), 200);
    assert_eq!(redeemed[0].parameter("redirect_uri"), first.parameter("redirect_uri"));
    assert!(redeemed[0].parameter("code_verifier").is_some_and(|verifier| verifier.len() >= 43));
}

/// Another program, which shares no code with keyfob, sees the item, its label and what is in it.
fn check_keyring(keyring: &Keyring, server: &TestServer) {
    let item = keyring.search(&["application", "keyfob"]);
    let issued = server.grants("authorization_code");
    let refresh_token = issued[0].issued("refresh_token").expect("a refresh token was issued");
    assert!(item.contains("label = ") && item.contains("test/alice"), "{item}");
    assert!(item.contains(refresh_token), "the refresh token is in the keyring: {item}");
}

fn check_answers(keyfob: &Keyfob, server: &TestServer) {
    let before = server.requests().len();
    let token = keyfob.token("test");
    let issued = server.grants("authorization_code");
    assert_eq!(Some(token.as_str()), issued[0].issued("access_token"), "the token that the server issued");
    let json = keyfob.run(&["token", "test", "--json"]).expect(0).json();
    assert_eq!(json["schema"], "keyfob.token/1");
    assert_eq!(json["session"], "test/alice");
    assert_eq!(json["access_token"], token);
    assert!(json["token_type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")), "{json}");
    assert!(json["expires_in"].as_i64().is_some_and(|left| (3000..=3600).contains(&left)), "{json}");
    assert_eq!(keyfob.sessions(), ["test/alice"]);
    let status = keyfob.status("test");
    assert_eq!((&status["state"], &status["usable"]), (&"valid".into(), &true.into()), "{status}");
    assert_eq!((&status["store"], &status["refreshable"]), (&"keyring".into(), &true.into()), "{status}");
    assert_eq!((&status["issuer"], &status["client_id"]), (&server.issuer().into(), &"cli-public".into()), "{status}");
    assert_eq!(server.requests().len(), before, "none of this needed the network");
}

/// Two revocations, the refresh token's first, and nothing left anywhere.
fn check_logout(keyfob: &Keyfob, server: &TestServer, keyring: &Keyring, access_token: &str) {
    let renewed = server.grants("refresh_token");
    let refresh_token = renewed[0].issued("refresh_token").expect("refresh tokens rotate here").to_owned();

    keyfob.run(&["logout", "test"]).expect(0);

    let revoked = server.requests_to("/token/revocation");
    let tokens: Vec<_> = revoked.iter().filter_map(|request| request.parameter("token")).collect();
    assert_eq!(tokens, [refresh_token.as_str(), access_token], "the refresh token first, then the access token");
    assert_eq!(keyfob.sessions(), [] as [&str; 0]);
    assert!(!keyring.search(&["application", "keyfob"]).contains("test/alice"), "the item is gone");
    keyfob.run(&["token", "test"]).expect(4);
    keyfob.run(&["status", "test"]).expect(3);
    keyfob.run(&["logout", "test"]).expect(0);
}

#[test]
fn a_denial_in_a_real_browser_ends_the_login_and_the_page_says_so() {
    needs!(Server, Chromium, Keyring);
    let (server, keyring) = (TestServer::start(), Keyring::unlocked());
    let mut keyfob = Keyfob::with_client(&Storage::Keyring(&keyring), &server, "cli-public");
    let picture = artifact("denied.png");
    keyfob.browser(Browser::chromium(&keyfob.aside(), Answer::Deny, &picture));

    let login = keyfob.run(&["login", "test", "--json", "--grant", "authorization_code"]).expect(5);

    let error = login.error();
    assert_eq!((&error["error"], &error["oauth"]["error"]), (&"refused".into(), &"access_denied".into()), "{error}");
    let (_, text) = keyfob.last_page();
    assert!(text.contains("access_denied"), "the page says what happened: {text}");
    assert!(is_picture(&picture), "a picture of the page is at {}", picture.display());
    assert_eq!(server.grants("authorization_code").len(), 0, "no code was redeemed");
    assert_eq!(keyfob.sessions(), [] as [&str; 0]);
}

#[test]
fn two_people_whose_sessions_have_one_name_get_their_own_tokens() {
    needs!(Server);
    let server = TestServer::start();
    let people = [(); 2].map(|()| Keyfob::with_client(&Storage::File, &server, "cli-public"));

    for person in &people {
        person.login("test");
    }

    let issued: Vec<_> = server.grants("authorization_code");
    for (person, redeemed) in people.iter().zip(&issued) {
        assert_eq!(Some(person.token("test").as_str()), redeemed.issued("access_token"));
    }
}

#[test]
fn logins_at_the_same_time_do_not_disturb_each_other() {
    needs!(Server, Keyring);
    let (server, keyring) = (TestServer::start(), Keyring::unlocked());
    let mut keyfob = Keyfob::new(&Storage::Keyring(&keyring));
    keyfob.person(Answer::Allow);
    let names = ["one", "two", "three", "four", "five"];
    for name in names {
        keyfob.provider(name, &server, "cli-public", "");
    }

    let logins = names.map(|name| keyfob.start(&["login", name, "--grant", "authorization_code"]));
    for login in logins {
        login.finish(Duration::from_secs(60)).expect(0);
    }

    let mut sessions = keyfob.sessions();
    sessions.sort();
    assert_eq!(sessions, ["five/alice", "four/alice", "one/alice", "three/alice", "two/alice"]);
    for name in names {
        keyfob.token(name);
    }
}
