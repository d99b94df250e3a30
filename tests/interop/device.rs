//! The device grant: keyfob shows a code on one machine, a real browser enters it as if on another.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use qrcode::QrCode;
use qrcode::render::unicode;

use crate::support::{Answer, Browser, Finished, Keyfob, Running, Storage, TestServer, eventually, needs};

/// A real browser takes its time.
const LIMIT: Duration = Duration::from_secs(90);

/// Where pictures are kept for a look afterwards: beside what cargo builds.
fn artifact(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("test-artifacts");
    fs::create_dir_all(&folder).expect("a folder for pictures");
    folder.join(name)
}

/// What the person reads off the terminal.
struct Shown {
    address: String,
    code: String,
}

fn shown(login: &Running) -> Shown {
    eventually("the code", || {
        let text = login.stderr_so_far();
        let after = |label: &str| text.lines().find_map(|line| line.trim().strip_prefix(label).map(str::trim));
        // The last line of the instructions: all others are there.
        text.contains("Waiting for").then_some(())?;
        Some(Shown { address: after("open")?.to_owned(), code: after("code")?.to_owned() })
    })
}

/// A person with a browser of her own, on another machine for all that keyfob knows.
fn visit(keyfob: &Keyfob, answer: Answer, address: &str, code: Option<&str>, picture: &str) -> Browser {
    let elsewhere = keyfob.aside().join("elsewhere");
    fs::create_dir_all(&elsewhere).expect("a folder");
    let browser = Browser::chromium(&elsewhere, answer, &artifact(picture));
    let mut command = Command::new(&browser.command);
    command.arg(address);
    if let Some(code) = code {
        command.env("BROWSER_USER_CODE", code);
    }
    let visited = command.output().expect("the browser can be started");
    assert!(visited.status.success(), "{visited:#?}");
    browser
}

fn begin(keyfob: &Keyfob, more: &[&str]) -> Running {
    keyfob.start(&[&["login", "test", "--device"], more].concat())
}

#[track_caller]
fn logged_in(login: Running, keyfob: &Keyfob, server: &TestServer) {
    let Finished { code, stderr, .. } = login.finish(LIMIT);
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("as alice"), "{stderr}");
    let polls = server.grants("urn:ietf:params:oauth:grant-type:device_code");
    let last = polls.last().expect("polls");
    assert_eq!(last.status(), 200);
    assert_eq!(Some(keyfob.token("test").as_str()), last.issued("access_token"));
    let status = keyfob.status("test");
    assert_eq!((&status["grant"], &status["session"]), (&"device_code".into(), &"test/alice".into()), "{status}");
    assert_eq!(keyfob.opened().len(), 0, "nothing is opened here");
    assert_eq!(keyfob.leaks(server).len(), 0, "{:#?}", keyfob.leaks(server));
}

#[test]
fn a_code_that_a_person_types_into_a_real_browser_ends_in_a_session() {
    needs!(Server, Chromium);
    let server = TestServer::start();
    let keyfob = Keyfob::with_client(&Storage::File, &server, "cli-public");
    let login = begin(&keyfob, &["--param", "prompt=consent"]);
    let Shown { address, code } = shown(&login);

    let browser = visit(&keyfob, Answer::Allow, &address, Some(&code), "device.png");

    assert!(browser.last_page().1.contains("Device signed in"), "{:?}", browser.last_page());
    logged_in(login, &keyfob, &server);
    let first = keyfob.token("test");
    keyfob.run(&["refresh", "test"]).expect(0);
    assert_ne!(first, keyfob.token("test"), "the session can be renewed");
}

#[test]
fn the_picture_beside_the_code_leads_a_real_browser_to_the_same_end() {
    needs!(Server, Chromium);
    let server = TestServer::start();
    let keyfob = Keyfob::with_client(&Storage::File, &server, "cli-public");
    let login = begin(&keyfob, &["--qr"]);
    let Shown { address, code } = shown(&login);
    // What a telephone reads off the picture.
    let complete = format!("{address}?user_code={code}");
    let picture = QrCode::new(complete.as_bytes()).expect("it is short").render::<unicode::Dense1x2>().build();
    assert!(login.stderr_so_far().contains(&picture), "{}", login.stderr_so_far());

    visit(&keyfob, Answer::Allow, &complete, None, "device-qr.png");

    logged_in(login, &keyfob, &server);
}

#[test]
fn a_denial_in_a_real_browser_ends_the_polls() {
    needs!(Server, Chromium);
    let server = TestServer::start();
    let keyfob = Keyfob::with_client(&Storage::File, &server, "cli-public");
    let login = begin(&keyfob, &["--json"]);
    let Shown { address, code } = eventually("the code", || {
        let text = login.stderr_so_far();
        let after = |label: &str| text.lines().find_map(|line| line.trim().strip_prefix(label).map(str::trim));
        Some(Shown { address: after("open")?.to_owned(), code: after("code")?.to_owned() })
    });

    visit(&keyfob, Answer::Deny, &format!("{address}?user_code={code}"), None, "device-denied.png");

    let finished = login.finish(LIMIT).expect(5);
    assert!(finished.stderr.contains("access_denied"), "{finished:#?}");
    assert_eq!(keyfob.sessions(), [] as [&str; 0]);
}
