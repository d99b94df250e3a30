//! The way of one provider: log in, take the token, see who it is, refresh, log out; with the real program.

use std::net::TcpListener;

use keyfob::registry::words::{Loopback, Protocol, ResponseMode};
use serde_json::{Value, json};
use url::Url;

use super::entry::Entry;
use super::keys::client_key;
use super::oauth1::Call;
use super::stage::Stage;
use crate::support::{Keyfob, Terminal, eventually};

/// Where a redirect goes that the person's machine cannot receive, if the entry names no place.
const ELSEWHERE: &str = "https://client.example.org/callback";

/// How the person is asked.
#[derive(Clone, Copy)]
pub enum Way {
    Browser,
    /// By a code (RFC 8628).
    Device,
}

/// Walks one provider; panics where the walk cannot go on. What else was wrong is in the play's differences.
pub fn walk(entry: &Entry, stage: &Stage, way: Way) {
    let id = entry.provider.id.clone();
    let keyfob = home(entry, stage);
    match way {
        Way::Browser => log_in(entry, stage, &keyfob),
        Way::Device => {
            let finished = keyfob.run(&["login", &id, "--device"]);
            check("login --device", finished.code, 0, &finished.stderr);
        }
    }

    match entry.provider.protocol {
        Protocol::OAuth1 => signed_token(stage, &keyfob, &id),
        _ => assert_eq!(keyfob.token(&id), current(stage), "the token is the one that was issued"),
    }
    status(stage, &keyfob, &id);
    refresh(stage, &keyfob, &id);
    log_out(stage, &keyfob, &id);
}

fn home(entry: &Entry, stage: &Stage) -> Keyfob {
    let mut keyfob = Keyfob::new();
    let origin = stage.play().origin.clone();
    keyfob.registry(&entry.lines(&origin));
    if entry.has_secret() {
        keyfob.set("WALK_SECRET", entry.secret());
    }
    if entry.has_key() {
        keyfob.set("WALK_KEY", client_key().pem.clone());
    }
    keyfob.set("TERM", "xterm");
    keyfob
}

/// The access token that the play has issued last.
fn current(stage: &Stage) -> String {
    stage.play().access_tokens.last().cloned().expect("a token was issued")
}

fn log_in(entry: &Entry, stage: &Stage, keyfob: &Keyfob) {
    let rule = &entry.provider.redirect;
    let elsewhere = rule.uri.as_deref().or(rule.oob.as_deref());
    let id = entry.provider.id.as_str();
    match rule.loopback {
        Loopback::None => match elsewhere {
            Some(uri) => paste(stage, keyfob, &["login", id], uri, rule.uri.is_none()),
            None => paste(stage, keyfob, &["login", id, "--redirect-uri", ELSEWHERE], ELSEWHERE, false),
        },
        _ if rule.https => paste(stage, keyfob, &["login", id, "--redirect-uri", ELSEWHERE], ELSEWHERE, false),
        Loopback::FixedPort => loopback(entry, stage, keyfob, Some(free_port())),
        _ => loopback(entry, stage, keyfob, None),
    }
}

/// The redirect comes to a listener of keyfob's own; with a fixed port to the one that is asked for.
fn loopback(entry: &Entry, stage: &Stage, keyfob: &Keyfob, port: Option<u16>) {
    let id = entry.provider.id.as_str();
    let text = port.unwrap_or_default().to_string();
    let arguments = ["login", id, "--port", &text];
    let login = keyfob.begin(if port.is_some() { &arguments } else { &arguments[..2] });
    let (host, path) = (entry.provider.redirect.host.clone(), entry.provider.redirect.path.clone());
    let redirect = stage.play().authorize(&login.url, |uri| {
        let url = Url::parse(uri).map_err(|error| format!("the redirect URI {uri:?}: {error}"))?;
        let right = format!("http://{host}:{}{path}", port.or(url.port()).unwrap_or_default());
        if uri == right { Ok(()) } else { Err(format!("the redirect URI is {uri}, not {right}")) }
    });
    let status = match entry.provider.response_mode {
        Some(ResponseMode::FormPost) => redirect.post().status,
        _ => redirect.get().status,
    };
    let finished = login.finish();
    check("login", finished.code, 0, &finished.stderr);
    assert!([200, 303].contains(&status), "the browser was answered with {status}");
}

/// The person copies where the browser ended, or the code that the provider's own page shows.
fn paste(stage: &Stage, keyfob: &Keyfob, arguments: &[&str], redirect_uri: &str, code_alone: bool) {
    let mut command = keyfob.command(arguments);
    let mut terminal = Terminal::start(&mut command);
    let opened = eventually("the browser", || match keyfob.opened().first().cloned() {
        Some(url) => Some(Ok(url)),
        None => terminal.has_ended().then_some(Err(())),
    });
    let Ok(opened) = opened else {
        let finished = terminal.finish(command);
        panic!("login ended before the browser: {}", told(&finished.stdout));
    };
    let redirect = stage.play().authorize(&opened, |uri| {
        if uri == redirect_uri { Ok(()) } else { Err(format!("the redirect URI is {uri}, not {redirect_uri}")) }
    });
    let code = stage.play().pin.clone();
    terminal.type_in(&if code_alone { format!("{code}\n") } else { format!("{}\n", redirect.0) });
    let finished = terminal.finish(command);
    check("login", finished.code, 0, &finished.stdout);
}

/// A token that is worth nothing unsigned: not handed out alone, but as the header of one request.
fn signed_token(stage: &Stage, keyfob: &Keyfob, id: &str) {
    assert_ne!(keyfob.run(&["token", id]).code, 0, "an unsigned token is handed out");
    let url = format!("{}/resource?b=2+3&a=%C3%A9&a=1", stage.play().origin);
    let finished = keyfob.run(&["token", id, "--format", "header", "--for", &format!("GET {url}")]);
    check("token --for", finished.code, 0, &finished.stderr);
    let header = finished.stdout.trim().strip_prefix("Authorization: ").expect("a header").to_owned();
    let url = Url::parse(&url).expect("an address");
    let call = Call { method: "GET", url: &url, authorization: &header, form: b"" };
    stage.play().presented("token --for", &call);
}

fn status(stage: &Stage, keyfob: &Keyfob, id: &str) {
    let finished = keyfob.run(&["status", id, "--json"]);
    check("status", finished.code, 0, &finished.stderr);
    let status: Value = serde_json::from_str(&finished.stdout).expect("status is JSON");
    let mut play = stage.play();
    let profile = Value::Object(play.person.profile.clone());
    let profile = if profile == json!({}) { Value::Null } else { profile };
    if status["profile"] != profile {
        play.differs(format!("the profile is {}, not {profile}", status["profile"]));
    }
    if status["account"] != play.person.account.as_str() {
        let account = play.person.account.clone();
        play.differs(format!("the account is {}, not {account}", status["account"]));
    }
    let renewable = play.renewable();
    if status["refreshable"] != renewable {
        play.differs(format!("refreshable is {}, not {renewable}", status["refreshable"]));
    }
    if play.reached.contains_key("userinfo_endpoint") != play.person.asked {
        let asked = !play.person.asked;
        play.differs(format!("that userinfo is asked is {asked}"));
    }
}

/// New tokens where there is a way to them; otherwise it is said that a person must log in (exit code 4).
fn refresh(stage: &Stage, keyfob: &Keyfob, id: &str) {
    let before = current(stage);
    let finished = keyfob.run(&["refresh", id]);
    let renewable = stage.play().renewable();
    check("refresh", finished.code, if renewable { 0 } else { 4 }, &finished.stderr);
    let after = current(stage);
    assert_eq!(before != after, renewable, "a refresh brings another token");
    if stage.play().provider().protocol != Protocol::OAuth1 {
        assert_eq!(keyfob.token(id), after, "the token after the refresh");
    }
}

fn log_out(stage: &Stage, keyfob: &Keyfob, id: &str) {
    let finished = keyfob.run(&["logout", id]);
    check("logout", finished.code, 0, &finished.stderr);
    assert_eq!(keyfob.sessions(), Vec::<String>::new(), "nothing is left");
    let mut play = stage.play();
    let tokens = play.refresh_tokens.last().into_iter().chain(play.access_tokens.last()).cloned();
    let revokes = play.address("revocation_endpoint").is_some() && play.provider().protocol != Protocol::OAuth1;
    let tokens: Vec<String> = tokens.filter(|_| revokes).collect();
    if play.revoked != tokens {
        let revoked = play.revoked.clone();
        play.differs(format!("{revoked:?} were revoked, not {tokens:?}"));
    }
}

/// Panics with what was told as an error unless the exit code is right.
#[track_caller]
fn check(what: &str, code: i32, expected: i32, output: &str) {
    assert!(code == expected, "{what} ends with {code}, not {expected}: {}", told(output));
}

fn told(output: &str) -> String {
    output.rfind("error:").map_or(output, |at| &output[at..]).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A port that nobody has at this moment.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}
