//! The file store: keys from everywhere, damage of every kind, and what is seen from outside.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::session::testing::{held, lock, session};

/// Cheap, because a test guesses no passphrases.
const CHEAP: Cost = Cost { memory_kib: 64, passes: 1 };

fn with_key_file(state: &Path) -> FileStore {
    FileStore::with(state.into(), Source::File(state.join("keys").join("key")))
}

fn with_passphrase(state: &Path, passphrase: &'static str) -> FileStore {
    let from = PassphraseSource::Ask(Box::new(move |_| Some(Secret::new(passphrase))));
    FileStore::with(state.into(), Source::Passphrase { from, cost: CHEAP })
}

fn everything(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(everything(&path))
        } else {
            files.push((path.clone(), fs::read(&path).unwrap()))
        }
    }
    files
}

#[test]
fn what_was_saved_is_read_by_another_process_and_readable_to_nobody_else() {
    let (state, lock) = held("acme/ada");
    let mut large = session("acme/ada");
    large.tokens.access_token = Secret::new("CANARYé".repeat(8192));
    with_key_file(state.path()).save(&large, &lock).unwrap();
    with_key_file(state.path()).save_secret("client_secret/acme", "l", &Secret::new("CANARY")).unwrap();

    let store = with_key_file(state.path());

    assert_eq!(store.load(lock.key()).unwrap(), Some(large));
    assert_eq!(store.load_secret("client_secret/acme").unwrap(), Some(Secret::new("CANARY")));
    assert_eq!(store.list().unwrap(), [lock.key().clone()]);
    for (path, content) in everything(state.path()) {
        assert!(!content.windows(6).any(|window| window == b"CANARY"), "{path:?}");
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions()) & 0o077, 0);
    }
    assert!(store.remove(lock.key(), &lock).unwrap() && store.remove_secret("client_secret/acme").unwrap());
    assert!(!store.remove(lock.key(), &lock).unwrap());
    assert_eq!(store.load(lock.key()).unwrap(), None);
}

#[test]
fn what_is_not_there_needs_no_key() {
    let (state, lock) = held("acme/ada");
    let from = PassphraseSource::None;
    let store = FileStore::with(state.path().into(), Source::Passphrase { from, cost: CHEAP });

    assert_eq!(store.load(lock.key()).unwrap(), None);
    assert!(matches!(store.save(&session("acme/ada"), &lock), Err(Error::NoPassphrase { .. })));
    assert!(matches!(store.probe(), Err(Error::NoPassphrase { .. })));
}

#[test]
fn a_passphrase_is_asked_for_once_and_as_a_new_one_only_at_first() {
    let (state, lock) = held("acme/ada");
    let new = AtomicUsize::new(0);
    let counted: &'static AtomicUsize = Box::leak(Box::new(new));
    let store = || {
        let from = PassphraseSource::Ask(Box::new(move |wanted| {
            counted.fetch_add(if wanted == Wanted::New { 100 } else { 1 }, Ordering::SeqCst);
            Some(Secret::new("correct horse"))
        }));
        FileStore::with(state.path().into(), Source::Passphrase { from, cost: CHEAP })
    };

    let first = store();
    first.probe().unwrap();
    first.save(&session("acme/ada"), &lock).unwrap();
    assert_eq!(counted.load(Ordering::SeqCst), 100);
    let second = store();
    assert_eq!(second.load(lock.key()).unwrap(), Some(session("acme/ada")));
    assert_eq!(second.load(lock.key()).unwrap(), Some(session("acme/ada")));
    assert_eq!(counted.load(Ordering::SeqCst), 101);
}

#[test]
fn a_wrong_passphrase_is_told_and_changes_nothing() {
    let (state, lock) = held("acme/ada");
    with_passphrase(state.path(), "right").save(&session("acme/ada"), &lock).unwrap();
    let before = everything(state.path());
    let store = with_passphrase(state.path(), "wrong");

    assert!(matches!(store.load(lock.key()), Err(Error::WrongPassphrase)));
    assert!(matches!(store.save(&session("acme/ada"), &lock), Err(Error::WrongPassphrase)));
    assert!(matches!(store.probe(), Err(Error::WrongPassphrase)));

    assert_eq!(everything(state.path()), before);
}

#[test]
fn a_passphrase_comes_from_a_file_without_its_line_end() {
    let (state, lock) = held("acme/ada");
    with_passphrase(state.path(), "right ").save(&session("acme/ada"), &lock).unwrap();
    for content in ["right ", "right \n", "right \r\n"] {
        let path = state.path().join("passphrase");
        fs::write(&path, content).unwrap();
        let from = PassphraseSource::parse(path.to_str().unwrap()).unwrap();
        let store = FileStore::with(state.path().into(), Source::Passphrase { from, cost: CHEAP });

        assert_eq!(store.load(lock.key()).unwrap(), Some(session("acme/ada")));
    }
}

#[cfg(unix)]
#[test]
fn a_passphrase_comes_from_an_open_descriptor() {
    use std::os::fd::AsRawFd;
    let (state, lock) = held("acme/ada");
    with_passphrase(state.path(), "right").save(&session("acme/ada"), &lock).unwrap();
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(b"right\n").unwrap();
    drop(writer);
    let from = PassphraseSource::parse(&format!("fd:{}", reader.as_raw_fd())).unwrap();
    let store = FileStore::with(state.path().into(), Source::Passphrase { from, cost: CHEAP });

    assert_eq!(store.load(lock.key()).unwrap(), Some(session("acme/ada")));
    assert!(matches!(PassphraseSource::parse("fd:x"), Err(Error::NoPassphrase { .. })));
    assert!(matches!(PassphraseSource::parse("fd:-1"), Err(Error::NoPassphrase { .. })));
}

#[test]
fn another_key_and_no_key_are_told_from_damage() {
    let (state, lock) = held("acme/ada");
    with_key_file(state.path()).save(&session("acme/ada"), &lock).unwrap();
    let other = FileStore::with(state.path().into(), Source::File(state.path().join("other")));
    let path = with_key_file(state.path()).path(lock.key());
    let before = fs::read(&path).unwrap();

    assert!(matches!(other.load(lock.key()), Err(Error::BadKey { .. })));
    other.probe().unwrap();
    assert!(matches!(other.load(lock.key()), Err(Error::WrongKey { .. })));
    assert_eq!(fs::read(&path).unwrap(), before);
    fs::write(state.path().join("other"), "not a key").unwrap();
    let unusable = FileStore::with(state.path().into(), Source::File(state.path().join("other")));
    assert!(matches!(unusable.probe(), Err(Error::BadKey { .. })));
}

#[test]
fn processes_that_make_a_key_at_once_agree_on_it() {
    let (state, _lock) = held("acme/ada");
    let ids: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| with_key_file(state.path()).key_or_new().unwrap().id())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });

    assert!(ids.iter().all(|id| *id == ids[0]));
}

#[test]
fn any_changed_or_missing_byte_is_noticed_and_a_login_keeps_the_file_aside() {
    let (state, ada) = held("acme/ada");
    let eve = lock(state.path(), "acme/eve");
    let store = with_key_file(state.path());
    store.save(&session("acme/ada"), &ada).unwrap();
    store.save(&session("acme/eve"), &eve).unwrap();
    let path = store.path(ada.key());
    let whole = fs::read(&path).unwrap();
    let flipped = (0..whole.len()).step_by(7).map(|at| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        bytes
    });
    let torn = (0..whole.len()).step_by(7).map(|end| whole[..end].to_vec());
    let moved = fs::read(store.path(eve.key())).unwrap();

    for bytes in flipped.chain(torn).chain([b"{".to_vec(), moved]) {
        fs::write(&path, &bytes).unwrap();
        let error = store.load(ada.key()).unwrap_err();
        assert!(error.is_damage() || matches!(error, Error::NewerVersion { .. }), "{error:?}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
        assert_eq!(store.load(eve.key()).unwrap(), Some(session("acme/eve")));
    }
    fs::write(&path, b"{").unwrap();
    store.save(&session("acme/ada"), &ada).unwrap();
    assert_eq!(store.load(ada.key()).unwrap(), Some(session("acme/ada")));
    assert_eq!(fs::read(aside(&path)).unwrap(), b"{");
    store.remove(ada.key(), &ada).unwrap();
    assert!(!aside(&path).exists());
}

#[test]
fn a_newer_version_is_left_as_it_is() {
    let (state, lock) = held("acme/ada");
    let store = with_key_file(state.path());
    store.save(&session("acme/ada"), &lock).unwrap();
    let key = store.key().unwrap();
    let path = store.path(lock.key());
    let mut newer_file = fs::read(&path).unwrap();
    newer_file[7] = 99;
    let newer_record = sealed::seal(&key, "acme/ada", b"{\"version\":99}").unwrap();

    for bytes in [newer_file, newer_record] {
        fs::write(&path, &bytes).unwrap();
        assert!(matches!(store.load(lock.key()), Err(Error::NewerVersion { version: 99, .. })));
        assert!(matches!(store.save(&session("acme/ada"), &lock), Err(Error::NewerVersion { .. })));
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn a_rescued_session_is_encrypted_where_the_key_is_at_hand_and_found_again() {
    let (state, lock) = held("acme/ada");
    let store = with_key_file(state.path());
    store.save(&session("acme/ada"), &lock).unwrap();
    let mut rotated = session("acme/ada");
    rotated.tokens.refresh_token = Some(Secret::new("rotated-CANARY"));

    let path = store.rescue(&rotated, &lock).unwrap();

    assert!(sealed::is_sealed(&fs::read(&path).unwrap()));
    assert_eq!(with_key_file(state.path()).load(lock.key()).unwrap(), Some(rotated.clone()));
    store.save(&rotated, &lock).unwrap();
    assert!(!path.exists());

    let path = store.rescue(&rotated, &lock).unwrap();
    store.remove(lock.key(), &lock).unwrap();
    assert!(!path.exists());
    assert_eq!(store.load(lock.key()).unwrap(), None);
}

#[test]
fn a_rescue_does_not_depend_on_the_key() {
    let (state, lock) = held("acme/ada");
    let from = PassphraseSource::None;
    let store = FileStore::with(state.path().into(), Source::Passphrase { from, cost: CHEAP });

    store.rescue(&session("acme/ada"), &lock).unwrap();

    assert_eq!(store.load(lock.key()).unwrap(), Some(session("acme/ada")));
}

#[cfg(unix)]
#[test]
fn links_pipes_and_directories_are_refused_and_moved_aside_by_a_login() {
    use std::os::unix::fs::symlink;
    let artefacts: [fn(&Path); 3] = [
        |path| symlink("/etc/passwd", path).unwrap(),
        |path| fs::create_dir(path).unwrap(),
        |path| {
            let name = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
            // SAFETY: the name is a valid C string for the length of the call.
            assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        },
    ];
    for artefact in artefacts {
        let (state, lock) = held("acme/ada");
        let store = with_key_file(state.path());
        store.probe().unwrap();
        artefact(&store.path(lock.key()));

        assert!(matches!(store.load(lock.key()), Err(Error::System(system::Error::UnsafeFile { .. }))));
        store.save(&session("acme/ada"), &lock).unwrap();
        assert_eq!(store.load(lock.key()).unwrap(), Some(session("acme/ada")));
    }
}

#[cfg(unix)]
#[test]
fn a_directory_that_cannot_be_written_is_found_out_by_probing() {
    let (state, _lock) = held("acme/ada");
    fs::write(state.path().join("sessions"), b"").unwrap();

    assert!(matches!(with_key_file(state.path()).probe(), Err(Error::System(_))));
}

#[test]
fn an_extravagant_derivation_is_refused() {
    let (state, lock) = held("acme/ada");
    let store = with_passphrase(state.path(), "right");
    store.save(&session("acme/ada"), &lock).unwrap();
    let path = store.sessions().join("key.params");
    let text = fs::read_to_string(&path).unwrap();

    for (from, to) in [("\"memory_kib\":64", "\"memory_kib\":4000000000"), ("argon2id", "md5"), ("{", "")] {
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        assert!(matches!(with_passphrase(state.path(), "right").load(lock.key()), Err(Error::BadKey { .. })));
    }
    fs::write(&path, text.replace("\"version\":1", "\"version\":2")).unwrap();
    assert!(matches!(with_passphrase(state.path(), "right").load(lock.key()), Err(Error::NewerVersion { .. })));
}

#[test]
fn the_lock_of_another_session_is_not_enough() {
    let (state, lock) = held("acme/eve");
    let (store, session) = (with_key_file(state.path()), session("acme/ada"));

    assert!(matches!(store.save(&session, &lock), Err(Error::NotHeld { .. })));
    assert!(matches!(store.remove(&session.key, &lock), Err(Error::NotHeld { .. })));
    assert!(matches!(store.rescue(&session, &lock), Err(Error::NotHeld { .. })));
}
