//! The newcomer's first minute.

use std::fs;
use std::time::Duration;

use crate::support::{Answer, Finished, Keyfob, Keyring, Running, Storage, eventually, needs, processes_with};

/// What every run of the demo shows, whatever the machine.
fn runs_and_leaves_nothing(keyfob: &Keyfob) {
    let demo = keyfob.run(&["demo"]).expect(0);

    assert!(!demo.stderr.contains("error:"), "{demo:#?}");
    let left = keyfob.files();
    assert!(left.is_empty(), "left behind: {left:#?}");
    assert_eq!(keyfob.sessions(), [] as [&str; 0]);
    // A port can only be held by a process; none is left that has our home in its environment.
    eventually("the end of every child", || processes_with(&keyfob.mark()).is_empty().then_some(()));
}

#[test]
fn the_demo_runs_on_a_machine_without_display_and_keyring_and_leaves_nothing_behind() {
    let mut keyfob = Keyfob::new(&Storage::File);
    keyfob.unset("KEYFOB_STORAGE");
    keyfob.unset("KEYFOB_FILE_KEY");

    runs_and_leaves_nothing(&keyfob);
}

#[test]
fn the_demo_runs_without_a_home() {
    let mut keyfob = Keyfob::new(&Storage::File);
    for name in ["KEYFOB_STORAGE", "KEYFOB_FILE_KEY", "KEYFOB_CONFIG_DIR", "HOME", "XDG_RUNTIME_DIR"] {
        keyfob.unset(name);
    }

    let demo = keyfob.run(&["demo"]).expect(0);

    assert!(!demo.stderr.contains("panicked"), "{demo:#?}");
}

#[test]
fn the_demo_leaves_nothing_in_a_keyring() {
    needs!(Keyring, SecretTool);
    let keyring = Keyring::unlocked();
    let mut keyfob = Keyfob::new(&Storage::Keyring(&keyring));
    keyfob.set("BROWSER", "none");

    runs_and_leaves_nothing(&keyfob);

    assert!(!keyring.search(&["application", "keyfob"]).contains("demo/"), "nothing of the demo is in the keyring");
}

/// Interrupts a demonstration whose session lies in a real keyring; nothing of it may be left.
fn interrupted_leaves_nothing(keyfob: &Keyfob, keyring: &Keyring, demo: Running) -> Finished {
    demo.signal(libc::SIGINT);
    let finished = demo.finish(Duration::from_secs(10));

    assert!(!finished.stderr.contains("panicked"), "{finished:#?}");
    let temporary = keyfob.home().with_file_name("tmp");
    assert_eq!(fs::read_dir(temporary).expect("a folder").count(), 0, "{finished:#?}");
    assert_eq!(keyfob.sessions(), [] as [&str; 0]);
    assert!(!keyring.search(&["application", "keyfob"]).contains("demo/"), "nothing of the demo is in the keyring");
    eventually("the end of every child", || processes_with(&keyfob.mark()).is_empty().then_some(()));
    finished
}

#[test]
fn a_kept_demo_is_used_from_elsewhere_and_ended_by_an_interrupt() {
    needs!(Keyring, SecretTool);
    let keyring = Keyring::unlocked();
    let keyfob = Keyfob::new(&Storage::Keyring(&keyring));
    let demo = keyfob.start(&["demo", "--keep", "--no-browser"]);
    eventually("the session", || keyfob.sessions().first().cloned());
    eventually("the invitation", || demo.stderr_so_far().contains("Ctrl-C ends").then_some(()));
    let before = keyfob.token("demo");
    keyfob.run(&["refresh", "demo"]).expect(0);
    assert_ne!(keyfob.token("demo"), before);

    let finished = interrupted_leaves_nothing(&keyfob, &keyring, demo).expect(0);

    assert!(finished.stderr.contains("Revoked"), "{finished:#?}");
}

#[test]
fn a_demo_that_is_interrupted_while_it_waits_leaves_nothing() {
    needs!(Server, Keyring, SecretTool);
    let keyring = Keyring::unlocked();
    let mut keyfob = Keyfob::new(&Storage::Keyring(&keyring));
    keyfob.person(Answer::Leave);
    let demo = keyfob.start(&["demo"]);
    eventually("the browser", || keyfob.opened().first().cloned());

    interrupted_leaves_nothing(&keyfob, &keyring, demo).expect(130);
}
