//! Ctrl-C and termination while a person is waited for.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use url::Url;

use crate::support::{Answer, Keyfob, Storage, TestServer, eventually, needs, processes_with};

/// The request in the address, where the redirect URI can be read.
const IN_THE_ADDRESS: &str = "require_pushed_authorization_requests=false";

/// How soon keyfob must end.
const AT_ONCE: Duration = Duration::from_millis(500);

/// The port that the callback is expected on, out of the address that was opened.
fn callback(opened: &str) -> String {
    let opened = Url::parse(opened).expect("an address");
    let (_, redirect) = opened.query_pairs().find(|(name, _)| name == "redirect_uri").expect("a redirect URI");
    let redirect = Url::parse(&redirect).expect("a redirect URI");
    format!("{}:{}", redirect.host_str().expect("a host"), redirect.port().expect("a port"))
}

fn interrupted(signal: i32, code: i32) {
    let server = TestServer::start();
    let mut keyfob = Keyfob::with_client(&Storage::File, &server, "cli-public");
    keyfob.login("test");
    let before = keyfob.token("test");
    keyfob.person(Answer::Leave);
    let login = keyfob.start(&["login", "test", "--set", IN_THE_ADDRESS]);
    let opened = eventually("the browser", || keyfob.opened().get(1).cloned());
    let callback = callback(&opened);
    assert!(TcpStream::connect(&callback).is_ok(), "{callback} is listened on");

    let start = Instant::now();
    login.signal(signal);
    let finished = login.finish(Duration::from_secs(10)).expect(code);
    let took = start.elapsed();

    assert!(took < AT_ONCE, "ended after {took:?}: {finished:#?}");
    assert!(TcpStream::connect(&callback).is_err(), "{callback} is closed");
    assert_eq!(keyfob.token("test"), before, "the session is as it was");
    eventually("the end of every child", || processes_with(&keyfob.mark()).is_empty().then_some(()));
}

#[test]
fn an_interrupt_ends_the_wait_for_the_browser_at_once() {
    needs!(Server);
    interrupted(libc::SIGINT, 130);
}

#[test]
fn a_termination_ends_the_wait_for_the_browser_at_once() {
    needs!(Server);
    interrupted(libc::SIGTERM, 143);
}

#[test]
fn a_killed_login_frees_its_port() {
    needs!(Server);
    let server = TestServer::start();
    let mut keyfob = Keyfob::with_client(&Storage::File, &server, "cli-public");
    keyfob.person(Answer::Leave);
    let login = keyfob.start(&["login", "test", "--set", IN_THE_ADDRESS]);
    let callback = callback(&eventually("the browser", || keyfob.opened().first().cloned()));

    login.signal(libc::SIGKILL);
    login.finish(Duration::from_secs(10)).expect(128 + libc::SIGKILL);

    assert!(TcpStream::connect(&callback).is_err(), "{callback} is closed");
}
