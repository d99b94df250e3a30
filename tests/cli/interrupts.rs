//! Ctrl-C where nothing is awaited on the network: locks, standard input, the demonstration.

use std::fs;
use std::time::{Duration, Instant};

use crate::support::{Answer, Finished, Gate, Keyfob, Running, Server, eventually, files};

/// How soon keyfob must end.
const AT_ONCE: Duration = Duration::from_millis(500);

#[track_caller]
fn interrupted(running: Running) -> Finished {
    let start = Instant::now();
    running.signal(libc::SIGINT);
    let finished = running.finish();
    assert!(start.elapsed() < AT_ONCE, "{:?}: {finished:#?}", start.elapsed());
    finished
}

#[track_caller]
fn told(finished: &Finished, json: bool) {
    assert_eq!((finished.code, &*finished.stdout), (130, ""), "{finished:#?}");
    if json {
        finished.error(130, "interrupted");
    } else {
        assert!(finished.stderr.contains("error: interrupted"), "{finished:#?}");
    }
}

/// With `--json` and without.
fn forms<'a>(command: &[&'a str]) -> [(bool, Vec<&'a str>); 2] {
    [(false, command.to_vec()), (true, [command, &["--json"]].concat())]
}

#[test]
#[cfg(target_os = "linux")]
fn the_wait_for_another_process_can_be_interrupted() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let gate = Gate::default();
    let held = gate.clone();
    server.after("/token", 1, move |_, answer| answer.behind(&held));
    server.forget_requests();
    let holder = keyfob.start(&["refresh", "test"]);
    eventually("the request", || (server.requests_to("/token").len() == 1).then_some(()));

    for command in ["refresh", "logout"] {
        for (json, command) in forms(&[command, "test"]) {
            let waiting = keyfob.start(&command);
            let handles = format!("/proc/{}/fd", waiting.pid);
            let lock = keyfob.state().join("locks");
            eventually("the wait for the lock", || {
                let mut open =
                    fs::read_dir(&handles).ok()?.flatten().filter_map(|file| fs::read_link(file.path()).ok());
                open.any(|file| file.starts_with(&lock)).then_some(())
            });

            told(&interrupted(waiting), json);
        }
    }

    assert_eq!(server.requests_to("/token").len(), 1);
    assert_eq!(server.requests_to("/revoke").len(), 0);
    gate.open();
    holder.finish().expect(0);
    assert_eq!(keyfob.sessions(), ["test/alice"]);
}

#[test]
fn the_wait_for_standard_input_can_be_interrupted() {
    let server = Server::start();
    for (json, command) in forms(&["login", "test", "--with-token"]) {
        let keyfob = Keyfob::with(&server);
        let reading = Running::start_with_input(&mut keyfob.command(&command));
        // Whether a session could be kept is looked at just before.
        eventually("the look at the store", || keyfob.state().exists().then_some(()));

        told(&interrupted(reading), json);

        assert_eq!(keyfob.sessions(), [] as [&str; 0]);
    }
}

fn leaves_nothing(keyfob: &Keyfob) {
    for folder in [keyfob.home(), keyfob.folder().join("tmp"), keyfob.folder().join("run")] {
        assert_eq!(files(&folder), [] as [&std::path::Path; 0]);
    }
    assert_eq!(fs::read_dir(keyfob.folder().join("tmp")).expect("a folder").count(), 0);
}

#[test]
fn an_interrupt_is_how_a_kept_demonstration_ends() {
    let keyfob = Keyfob::new();
    let demo = keyfob.start(&["demo", "--keep", "--no-browser"]);
    eventually("the invitation", || demo.stderr_so_far().contains("Ctrl-C ends").then_some(()));

    // It logs out first.
    demo.signal(libc::SIGINT);
    let finished = demo.finish().expect(0);

    assert!(finished.stderr.contains("Revoked"), "{finished:#?}");
    leaves_nothing(&keyfob);
}

#[test]
fn an_interrupted_demonstration_leaves_nothing() {
    let keyfob = Keyfob::new();
    let demo = keyfob.begin(&["demo"]);

    interrupted(demo.running).expect(130);

    leaves_nothing(&keyfob);
}

#[test]
fn a_request_that_hangs_can_be_interrupted_with_json() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    server.once("/token", Answer::silent());
    server.forget_requests();
    let refresh = keyfob.start(&["refresh", "test", "--json"]);
    eventually("the request", || (server.requests_to("/token").len() == 1).then_some(()));

    told(&interrupted(refresh), true);
}
