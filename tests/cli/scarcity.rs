//! Few handles, few threads, little time: an error of a known kind, and no panic.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use crate::support::{Answer, Finished, Keyfob, Running, Server};

#[cfg(target_env = "gnu")]
type Resource = libc::__rlimit_resource_t;
#[cfg(not(target_env = "gnu"))]
type Resource = libc::c_int;

fn limit(command: &mut Command, resource: Resource, value: u64) {
    // SAFETY: setrlimit is async-signal-safe.
    unsafe {
        command.pre_exec(move || {
            let limit = libc::rlimit { rlim_cur: value, rlim_max: value };
            if libc::setrlimit(resource, &raw const limit) == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
        });
    }
}

/// It has not died, and where it did not do what it should, it says so.
#[track_caller]
fn told(finished: &Finished) {
    assert!((0..126).contains(&finished.code), "{finished:#?}");
    assert!(finished.code == 0 || finished.stderr.contains("error"), "{finished:#?}");
    // What a panic is told as.
    assert!(!finished.stderr.contains("fault"), "{finished:#?}");
}

#[test]
fn few_file_handles_are_told() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let token = keyfob.token("test");
    let commands: [&[&str]; 3] = [&["login", "test", "--timeout", "1"], &["refresh", "test"], &["token", "test"]];
    let mut kept_its_token = true;
    for command in commands {
        let all: Vec<_> = (8..=14)
            .map(|handles| {
                let mut command = keyfob.command(command);
                limit(&mut command, libc::RLIMIT_NOFILE, handles);
                Running::start(&mut command)
            })
            .collect();
        for finished in all.into_iter().map(Running::finish) {
            told(&finished);
            kept_its_token &= !(command[0] == "refresh" && finished.code == 0);
            match command[0] {
                // Nobody answers.
                "login" => assert_ne!(finished.code, 0, "{finished:#?}"),
                "token" if finished.code == 0 && kept_its_token => assert_eq!(finished.stdout.trim_end(), token),
                _ => {}
            }
        }
    }
    assert_eq!(keyfob.sessions(), ["test/alice"]);
    keyfob.run(&["refresh", "test"]).expect(0);
}

/// Runs commands with so many processes at most, threads included. Root's are not counted, so a root gives everything to
/// another user; whoever is not root has more than these already.
#[cfg(target_os = "linux")]
fn counted(keyfob: &Keyfob) -> impl Fn(u64, &[&str]) -> Finished {
    const USER: u32 = 61_234;
    // SAFETY: it only asks.
    let is_root = unsafe { libc::geteuid() } == 0;
    let program = keyfob.folder().join("program");
    std::fs::copy(env!("CARGO_BIN_EXE_keyfob"), &program).expect("a program");
    if is_root {
        let owner = Command::new("chown").args(["-R", &USER.to_string()]).arg(keyfob.folder()).status();
        assert!(owner.is_ok_and(|status| status.success()));
    }
    move |processes, arguments| {
        let before = keyfob.command(arguments);
        let mut command = Command::new(&program);
        command.args(arguments).env_clear().current_dir(keyfob.home());
        command.envs(before.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if is_root {
            command.uid(USER);
        }
        limit(&mut command, libc::RLIMIT_NPROC, processes);
        Running::start(&mut command).finish()
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_process_that_may_start_no_thread_tells_it() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    // A name has to be looked up, which takes a thread.
    keyfob.provider("named", &server, "issuer = \"https://id.invalid\"");
    let run = counted(&keyfob);

    let token = run(1, &["token", "test"]);
    told(&token);
    assert_eq!(token.code, 0, "what is stored needs no thread: {token:#?}");
    let named = run(1, &["login", "named", "--json"]);
    told(&named);
    named.error_naming(6, "network", &["id.invalid"]);
    for processes in 1..=3 {
        let login = run(processes, &["login", "test", "--timeout", "1"]);
        told(&login);
        assert_ne!(login.code, 0, "nobody answers: {login:#?}");
        told(&run(processes, &["refresh", "test"]));
    }
}

#[test]
fn a_long_wait_for_the_person_gives_the_server_no_more_time() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    keyfob.settings("limits = { idle = \"1s\", request = \"1s\" }\n");
    let metadata = server.change(|settings| settings.metadata.to_string());
    let trickling = Answer::new(200, "application/json", metadata).trickled(8, Duration::from_millis(100));
    server.always("/.well-known/openid-configuration", trickling);

    let finished = keyfob.run(&["login", "test", "--json", "--timeout", "10m"]);

    finished.error(6, "network");
    assert!(finished.took < Duration::from_secs(5), "{finished:#?}");
    assert_eq!(keyfob.opened(), [] as [&str; 0]);
}
