//! The newcomer's first minute.

use crate::support::{Keyfob, Keyring, Storage, eventually, needs, processes_with};

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
