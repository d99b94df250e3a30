//! Logins that commands start by themselves: one for all that want the same.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::json;

use crate::support::{Finished, Keyfob, Server, Terminal, eventually};

/// The number.
const PROCESSES: usize = 50;

const WAITING: &str = "Another keyfob is logging in";

/// Starts `arguments` so many times, each at a terminal of its own, and waits until all but the first wait for it.
fn start(keyfob: &Keyfob, arguments: &[&str], count: usize) -> Vec<(Terminal, Command)> {
    let started: Vec<_> = (0..count)
        .map(|_| {
            let mut command = keyfob.command(arguments);
            (Terminal::start(&mut command), command)
        })
        .collect();
    eventually("all processes", || {
        let waiting = started.iter().filter(|(terminal, _)| terminal.screen().contains(WAITING)).count();
        (waiting == count - 1 && keyfob.opened().len() == 1).then_some(())
    });
    started
}

fn finish(started: Vec<(Terminal, Command)>) -> Vec<Finished> {
    started.into_iter().map(|(terminal, command)| terminal.finish(command)).collect()
}

/// The last line of the screen: what was on standard output.
fn answer(finished: &Finished) -> &str {
    finished.stdout.trim_end().lines().last().unwrap_or_default()
}

#[test]
fn fifty_processes_open_one_window_and_get_fifty_tokens() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let started = start(&keyfob, &["token", "test", "--login"], PROCESSES);

    server.allow(&keyfob.opened()[0]).get();
    let finished = finish(started);

    assert!(finished.iter().all(|finished| finished.code == 0), "{finished:#?}");
    let tokens: BTreeSet<&str> = finished.iter().map(answer).collect();
    assert_eq!(tokens, BTreeSet::from([&*keyfob.token("test")]));
    assert_eq!(keyfob.opened().len(), 1);
    assert_eq!(server.requests_to("/token").len(), 1);
    assert_eq!(keyfob.leaks(&server), []);
}

#[test]
fn every_command_that_logs_in_takes_part() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    keyfob.settings("auto_login = true\n");
    let api = format!("{}/api", server.url());
    let commands: [&[&str]; 4] = [
        &["token", "test", "--login"],
        &["token", "test"],
        &["exec", "test", "--login", "--", "true"],
        &["request", "test", &api, "--login"],
    ];
    let mut started = Vec::new();
    for arguments in commands {
        let mut command = keyfob.command(arguments);
        started.push((Terminal::start(&mut command), command));
        // The first has the turn before there is a second.
        eventually("the browser", || keyfob.opened().first().cloned());
    }
    started[1..].iter().for_each(|(terminal, _)| terminal.wait_for(WAITING));

    server.allow(&keyfob.opened()[0]).get();
    for finished in finish(started) {
        finished.expect(0);
    }

    assert_eq!(keyfob.opened().len(), 1);
}

#[test]
fn a_session_that_needs_a_login_again_gets_one_for_all() {
    let server = Server::start();
    server.change(|settings| {
        settings.expires_in = json!(1);
        settings.token.insert("refresh_token".into(), json!(null));
    });
    let keyfob = Keyfob::logged_in(&server);
    eventually("the token's end", || (keyfob.status("test")["state"] == "login_required").then_some(()));
    server.recover();
    server.change(|settings| settings.expires_in = json!(3600));
    let login = keyfob.opened().len();
    let mut started = Vec::new();
    for _ in 0..4 {
        let mut command = keyfob.command(&["token", "test", "--login"]);
        started.push((Terminal::start(&mut command), command));
        eventually("the browser", || keyfob.opened().get(login).cloned());
    }
    started[1..].iter().for_each(|(terminal, _)| terminal.wait_for(WAITING));

    server.allow(&keyfob.opened()[login]).get();
    let finished = finish(started);

    let tokens: BTreeSet<&str> = finished.iter().map(answer).collect();
    assert_eq!(tokens, BTreeSet::from([&*keyfob.token("test")]));
    assert_eq!(keyfob.opened().len(), login + 1);
}

#[test]
fn when_the_first_is_killed_another_takes_over() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let started = start(&keyfob, &["token", "test", "--login"], 4);
    let (first, waiting): (Vec<_>, Vec<_>) =
        started.into_iter().partition(|(terminal, _)| !terminal.screen().contains(WAITING));

    first.iter().for_each(|(terminal, _)| terminal.signal(libc::SIGKILL));
    let url = eventually("another window", || keyfob.opened().get(1).cloned());
    server.allow(&url).get();

    for finished in finish(waiting) {
        finished.expect(0);
    }
    assert_eq!(keyfob.opened().len(), 2);
}

#[test]
fn a_denial_is_told_to_all_and_asked_of_the_person_once() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let started = start(&keyfob, &["token", "test", "--login"], 8);

    server.deny(&keyfob.opened()[0], "access_denied").get();

    for finished in finish(started) {
        let finished = finished.expect(5);
        assert!(finished.stdout.contains("access_denied"), "{finished:#?}");
    }
    assert_eq!(keyfob.opened().len(), 1);
    // What comes later asks again.
    let mut command = keyfob.command(&["token", "test", "--login"]);
    let later = Terminal::start(&mut command);
    let url = eventually("another window", || keyfob.opened().get(1).cloned());
    server.allow(&url).get();
    later.finish(command).expect(0);
}

#[test]
fn waiting_ends_with_the_time_and_with_ctrl_c() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let mut command = keyfob.command(&["token", "test", "--login"]);
    let first = Terminal::start(&mut command);
    let url = eventually("the browser", || keyfob.opened().first().cloned());

    let mut impatient = keyfob.command(&["token", "test", "--login", "--timeout", "1"]);
    let waiting = Terminal::start(&mut impatient);
    waiting.finish(impatient).expect(8);
    let mut interrupted = keyfob.command(&["token", "test", "--login"]);
    let mut waiting = Terminal::start(&mut interrupted);
    waiting.wait_for(WAITING);
    waiting.type_in("\u{3}");
    waiting.finish(interrupted).expect(130);

    server.allow(&url).get();
    first.finish(command).expect(0);
    assert_eq!(keyfob.opened().len(), 1);
}

#[test]
fn a_login_for_something_else_and_one_that_was_typed_do_not_wait() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    keyfob.provider("other", &server, "");
    let mut command = keyfob.command(&["token", "test", "--login"]);
    let first = Terminal::start(&mut command);
    eventually("the browser", || keyfob.opened().first().cloned());

    for arguments in [&["token", "other", "--login"][..], &["token", "test/bob", "--login"], &["login", "test"]] {
        let before = keyfob.opened().len();
        let mut command = keyfob.command(arguments);
        let second = Terminal::start(&mut command);
        let url = eventually("a window of its own", || keyfob.opened().get(before).cloned());
        server.allow(&url).get();
        second.finish(command).expect(0);
    }

    server.allow(&keyfob.opened()[0]).get();
    first.finish(command).expect(0);
}

#[test]
fn sessions_in_memory_are_nobody_elses() {
    let server = Server::start();
    let mut keyfob = Keyfob::with(&server);
    keyfob.set("KEYFOB_STORAGE", "memory");
    let mut started = Vec::new();
    for count in 0..2 {
        let mut command = keyfob.command(&["token", "test", "--login"]);
        started.push((Terminal::start(&mut command), command));
        eventually("a window of its own", || keyfob.opened().get(count).cloned());
    }

    for url in keyfob.opened() {
        server.allow(&url).get();
    }

    let finished = finish(started);
    assert!(finished.iter().all(|finished| finished.code == 0), "{finished:#?}");
    assert_ne!(answer(&finished[0]), answer(&finished[1]));
}
