//! Death at any moment: what was kept is still there, nothing is locked, nothing secret lies about.

use std::env;
use std::time::{Duration, Instant};

use crate::support::{Answer, Finished, Keyfob, Keyring, Random, Storage, TestServer, needs};

/// A command after a kill that takes longer than this has met a lock that was left behind.
const PROMPT: Duration = Duration::from_secs(5);

/// `rotating` gives a new refresh token with each renewal, `static` always the same.
const PROVIDERS: [(&str, &str); 2] = [("rotating", "cli-public"), ("static", "cli-static-refresh")];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Login,
    Refresh,
    Logout,
}

struct Scene {
    server: TestServer,
    keyfob: Keyfob,
    random: Random,
}

/// How often each store's test kills; `tests/run` asks for more than a plain `cargo test`.
fn kills() -> u32 {
    env::var("KEYFOB_TEST_KILLS").ok().and_then(|count| count.parse().ok()).unwrap_or(12)
}

#[test]
fn a_kill_at_any_moment_loses_nothing_in_a_keyring() {
    needs!(Server, Keyring);
    let keyring = Keyring::unlocked();
    Scene::new(&Storage::Keyring(&keyring), 1).play();
}

#[test]
fn a_kill_at_any_moment_loses_nothing_in_encrypted_files() {
    needs!(Server);
    Scene::new(&Storage::File, 2).play();
}

impl Scene {
    fn new(storage: &Storage<'_>, stream: u64) -> Self {
        let server = TestServer::start();
        let mut keyfob = Keyfob::new(storage);
        keyfob.person(Answer::Allow);
        for (provider, client_id) in PROVIDERS {
            keyfob.provider(provider, &server, client_id, "");
        }
        Self { server, keyfob, random: Random::new(stream) }
    }

    fn play(mut self) {
        let durations = [Victim::Login, Victim::Refresh, Victim::Logout].map(|victim| {
            // The first one fills caches, and those that are killed find them full.
            let cold = self.duration(victim);
            (victim, self.duration(victim).min(cold))
        });
        let mut killed = 0;
        for round in 0..kills() {
            let (victim, duration) = durations[round as usize % durations.len()];
            let provider = PROVIDERS[self.random.below(2) as usize].0;
            let moment = self.random.moment(duration);
            println!("round {round}: {victim:?} of {provider}, killed after {moment:?} of {duration:?}");
            killed += u32::from(self.round(victim, provider, moment));
            self.nothing_secret_lies_about();
        }
        println!("{killed} of {} commands were killed before they ended", kills());
        assert!(killed * 2 > kills(), "too few were killed: {killed} of {}", kills());
        for (provider, _) in PROVIDERS {
            self.quick(&["logout", provider]).expect(0);
        }
        assert_eq!(self.keyfob.sessions(), [] as [&str; 0]);
        let left = self.keyfob.files();
        assert!(left.len() <= 25, "files pile up: {left:#?}");
    }

    /// How long the command takes when it is left alone, measured once.
    fn duration(&self, victim: Victim) -> Duration {
        self.keyfob.login("static");
        self.keyfob.run(&victim.arguments("static")).expect(0).took
    }

    /// Whether the command was still running when it was killed.
    fn round(&mut self, victim: Victim, provider: &str, moment: Duration) -> bool {
        if self.keyfob.run(&["status", provider]).code != 0 {
            self.keyfob.login(provider);
        }
        self.server.forget_requests();
        let mut process = self.keyfob.start(&victim.arguments(provider));
        let killed = process.ended_within(moment).is_none();
        if killed {
            process.signal(libc::SIGKILL);
            process.ended_within(Duration::from_secs(10)).expect("nothing survives this");
        }
        self.check(victim, provider);
        killed
    }

    fn check(&self, victim: Victim, provider: &str) {
        self.quick(&["list", "--json"]).expect(0).json();
        let token = self.quick(&["token", provider]);
        let refresh = self.quick(&["refresh", provider]);
        // A refresh whose answer came too late has used up a token that rotates; only a new login helps then, and it is
        // no fault of ours. Everywhere else the session must have survived. The server may have been busy with it still
        // when the process was dead, so it is asked last.
        let accepted = self.server.grants("refresh_token").iter().filter(|request| request.status() == 200).count();
        let in_flight = provider == "rotating" && accepted > usize::from(refresh.code == 0);
        let allowed: &[i32] = match victim {
            Victim::Login => &[0],
            Victim::Refresh if in_flight => &[0, 4],
            Victim::Refresh => &[0],
            Victim::Logout => &[0, 4],
        };
        for finished in [token, refresh] {
            assert!(allowed.contains(&finished.code), "{victim:?} of {provider} was killed, then: {finished:#?}");
            assert!(!finished.stderr.contains("panicked"), "{finished:#?}");
        }
    }

    /// Runs a command that must not have to wait for anything the killed one left behind.
    fn quick(&self, arguments: &[&str]) -> Finished {
        let start = Instant::now();
        let finished = self.keyfob.run(arguments);
        assert!(start.elapsed() < PROMPT, "waited for something: {finished:#?}");
        finished
    }

    fn nothing_secret_lies_about(&self) {
        let leaks = self.keyfob.leaks(&self.server);
        assert!(leaks.is_empty(), "{leaks:#?}");
    }
}

impl Victim {
    fn arguments(self, provider: &str) -> Vec<&str> {
        match self {
            Victim::Login => vec!["login", provider, "--grant", "authorization_code"],
            Victim::Refresh => vec!["refresh", provider],
            Victim::Logout => vec!["logout", provider],
        }
    }
}
