//! Signals, closed streams and vanished parents.

use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Answer, Keyfob, Login, Redirect, Running, Server, Terminal, eventually, files};

/// How soon keyfob must end.
const AT_ONCE: Duration = Duration::from_millis(500);

fn listener(login: &Login) -> String {
    Redirect(login.parameter("redirect_uri").expect("a URI").parse().expect("a URI")).authority()
}

#[track_caller]
fn ends_at_once(running: Running, signal: i32, code: i32) {
    let start = Instant::now();
    running.signal(signal);
    let finished = running.finish().expect(code);
    assert!(start.elapsed() < AT_ONCE, "{:?}: {finished:#?}", start.elapsed());
    assert_eq!(finished.stdout, "", "{finished:#?}");
}

#[test]
fn a_signal_ends_the_wait_for_the_browser_at_once() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let stored = keyfob.stored();
    for (signal, code) in [(libc::SIGINT, 130), (libc::SIGTERM, 143)] {
        let login = keyfob.begin(&["login", "test"]);
        let address = listener(&login);
        assert!(TcpStream::connect(&address).is_ok(), "{address} is listened on");

        ends_at_once(login.running, signal, code);

        assert!(TcpStream::connect(&address).is_err(), "{address} is closed");
        assert_eq!(keyfob.stored(), stored);
    }
    assert!(files(&keyfob.folder().join("tmp")).is_empty());
}

#[test]
fn a_signal_ends_a_request_at_once_and_the_session_stays() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let stored = keyfob.stored();
    for (signal, code) in [(libc::SIGINT, 130), (libc::SIGTERM, 143)] {
        server.forget_requests();
        server.once("/token", Answer::silent());
        let refresh = keyfob.start(&["refresh", "test"]);
        eventually("the request", || (server.requests_to("/token").len() == 1).then_some(()));

        ends_at_once(refresh, signal, code);

        assert_eq!(keyfob.stored(), stored);
    }
    keyfob.run(&["refresh", "test"]).expect(0);
}

#[test]
fn a_terminal_is_left_as_it_was() {
    let server = Server::start();
    let mut keyfob = Keyfob::with(&server);
    keyfob.set("TERM", "xterm");
    // A shell that outlives keyfob, and says how the terminal is before and after.
    let program = env!("CARGO_BIN_EXE_keyfob");
    let mut command = keyfob.command(&[]);
    let script = format!("trap : INT; stty -g; '{program}' login test; stty -g");
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &script]).env_clear().current_dir(keyfob.home());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command = shell;
    let mut terminal = Terminal::start(&mut command);
    eventually("the browser", || keyfob.opened().first().cloned());

    // Ctrl-C, as the terminal's driver turns it into a signal.
    terminal.type_in("\u{3}");
    let finished = terminal.finish(command);

    let modes: Vec<_> = finished.stdout.lines().filter(|line| line.matches(':').count() > 10).collect();
    assert_eq!(modes.len(), 2, "{finished:#?}");
    assert_eq!(modes[0], modes[1]);
    let (hidden, shown) =
        (finished.stdout.matches("\u{1b}[?25l").count(), finished.stdout.matches("\u{1b}[?25h").count());
    assert!(shown >= hidden.min(1), "the cursor is back: {finished:#?}");
}

#[test]
fn closed_standard_input_neither_ends_nor_hangs_a_login() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let mut command = keyfob.command(&["login", "test"]);
    // SAFETY: close is async-signal-safe.
    unsafe {
        std::os::unix::process::CommandExt::pre_exec(&mut command, || {
            libc::close(0);
            Ok(())
        });
    }

    let login = keyfob.begin_command(&mut command);
    login.allow(&server);

    login.finish().expect(0);
}

#[test]
fn a_login_ends_with_the_terminal_it_was_started_from() {
    let server = Server::start();
    let mut keyfob = Keyfob::with(&server);
    keyfob.set("TERM", "xterm");
    let mut command = keyfob.command(&["login", "test"]);
    let terminal = Terminal::start(&mut command);
    drop(command);
    let url = eventually("the browser", || keyfob.opened().first().cloned());
    let address = server.allow(&url).authority();

    let mut running = terminal.close();

    assert!(running.ends_within(Duration::from_secs(3)), "it ends");
    assert!(TcpStream::connect(&address).is_err(), "{address} is closed");
}

#[test]
fn a_login_whose_parent_is_gone_ends_and_frees_the_port() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    // The shell starts keyfob and waits; then it is killed, and the pipes of both are closed with it.
    let program = env!("CARGO_BIN_EXE_keyfob");
    let inner = keyfob.command(&[]);
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &format!("'{program}' login test; true")]).env_clear().current_dir(keyfob.home());
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let parent = Running::spawn(&mut command);
    let url = eventually("the browser", || keyfob.opened().first().cloned());
    let address = server.allow(&url).authority();
    assert!(TcpStream::connect(&address).is_ok());

    parent.signal(libc::SIGKILL);
    parent.finish().expect(137);

    eventually("the port's end", || TcpStream::connect(&address).is_err().then_some(()));
}

#[test]
fn a_killed_login_frees_its_port_and_leaves_the_session() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let token = keyfob.token("test");
    let login = keyfob.begin(&["login", "test"]);
    let address = listener(&login);

    login.running.signal(libc::SIGKILL);
    login.finish().expect(137);

    assert!(TcpStream::connect(&address).is_err());
    assert_eq!(keyfob.token("test"), token);
    keyfob.login(&server);
}

#[test]
fn few_file_handles_and_little_memory_give_an_error_and_no_panic() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    for limit in [4, 6, 8, 12] {
        let mut command = keyfob.command(&["refresh", "test"]);
        // SAFETY: setrlimit is async-signal-safe.
        unsafe {
            std::os::unix::process::CommandExt::pre_exec(&mut command, move || {
                let limit = libc::rlimit { rlim_cur: limit, rlim_max: limit };
                libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
                Ok(())
            });
        }
        let finished = Running::start(&mut command).finish();
        assert!((0..126).contains(&finished.code), "{finished:#?}");
        assert!(finished.code == 0 || finished.stderr.contains("error"), "{finished:#?}");
    }
    assert_eq!(keyfob.sessions(), ["test/alice"]);
}

#[test]
#[cfg(target_os = "linux")]
fn no_memory_image_is_left_by_a_crash() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let login = keyfob.begin(&["login", "test"]);

    let limits = std::fs::read_to_string(format!("/proc/{}/limits", login.running.pid)).expect("limits");

    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("the limit");
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    login.allow(&server);
    login.finish().expect(0);
}
