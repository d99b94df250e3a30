//! Two handles of one file exclude each other as two processes do; one test asks another process as well.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const LONG: Duration = Duration::from_secs(20);
const AT_ONCE: Duration = Duration::ZERO;

fn key(name: &str) -> SessionKey {
    SessionKey::parse(name).unwrap()
}

fn lock(state: &Path, name: &str, limit: Duration) -> Result<SessionLock, Error> {
    SessionLock::acquire(state, &key(name), limit, &mut |_| ControlFlow::Continue(()))
}

fn file(state: &Path, name: &str) -> PathBuf {
    state.join("locks").join(format!("{}.lock", key(name).file_name()))
}

#[test]
fn a_session_is_held_by_one_at_a_time() {
    let state = tempfile::tempdir().unwrap();
    let held = lock(state.path(), "acme/ada", LONG).unwrap();

    assert!(matches!(lock(state.path(), "acme/ada", AT_ONCE), Err(Error::Busy { .. })));

    drop(held);
    assert!(lock(state.path(), "acme/ada", AT_ONCE).unwrap().is_enforced());
}

#[test]
fn sessions_are_locked_separately() {
    let state = tempfile::tempdir().unwrap();
    let _held = lock(state.path(), "acme/ada", LONG).unwrap();

    assert!(lock(state.path(), "acme/Ada", AT_ONCE).is_ok());
}

#[test]
fn who_waits_gets_the_lock_as_soon_as_it_is_free() {
    let state = tempfile::tempdir().unwrap();
    let mut held = Some(lock(state.path(), "acme/ada", LONG).unwrap());
    let mut calls = 0;

    let got = SessionLock::acquire(state.path(), &key("acme/ada"), LONG, &mut |waited| {
        calls += 1;
        assert!(calls > 1 || waited.is_zero());
        held = None;
        ControlFlow::Continue(())
    });

    assert!(got.is_ok());
    assert!(calls >= 1);
}

#[test]
fn the_wait_can_be_cancelled_and_leaves_nothing_locked() {
    let state = tempfile::tempdir().unwrap();
    let held = lock(state.path(), "acme/ada", LONG).unwrap();
    let mut calls = 0;

    let refused = SessionLock::acquire(state.path(), &key("acme/ada"), LONG, &mut |_| {
        calls += 1;
        if calls == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });

    assert!(matches!(refused, Err(Error::Cancelled { .. })));
    drop(held);
    assert!(lock(state.path(), "acme/ada", LONG).is_ok());
}

#[test]
fn many_threads_never_meet() {
    let state = Arc::new(tempfile::tempdir().unwrap());
    let inside = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..16)
        .map(|_| {
            let (state, inside) = (Arc::clone(&state), Arc::clone(&inside));
            thread::spawn(move || {
                for _ in 0..20 {
                    let _held = lock(state.path(), "acme/ada", LONG).unwrap();
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    inside.fetch_sub(1, Ordering::SeqCst);
                }
            })
        })
        .collect();

    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn an_old_or_foreign_looking_content_is_no_lock() {
    let state = tempfile::tempdir().unwrap();
    fs::create_dir(state.path().join("locks")).unwrap();
    fs::write(file(state.path(), "acme/ada"), b"pid 1\n").unwrap();

    assert!(lock(state.path(), "acme/ada", AT_ONCE).is_ok());
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::{Command, Stdio};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    /// Makes `artefact` at the lock's place and claims that it does not matter.
    fn survives(artefact: impl FnOnce(&Path)) {
        let state = tempfile::tempdir().unwrap();
        fs::create_dir(state.path().join("locks")).unwrap();
        let path = file(state.path(), "acme/ada");
        artefact(&path);

        let held = lock(state.path(), "acme/ada", AT_ONCE).unwrap();

        assert!(fs::symlink_metadata(&path).unwrap().is_file());
        assert!(matches!(lock(state.path(), "acme/ada", AT_ONCE), Err(Error::Busy { .. })));
        drop(held);
    }

    #[test]
    fn lock_files_are_closed_to_others_and_empty() {
        let state = tempfile::tempdir().unwrap();
        lock(state.path(), "acme/ada", LONG).unwrap();

        assert_eq!(mode(&state.path().join("locks")), 0o700);
        assert_eq!(mode(&file(state.path(), "acme/ada")), 0o600);
        assert_eq!(fs::metadata(file(state.path(), "acme/ada")).unwrap().len(), 0);
    }

    #[test]
    fn a_directory_in_the_way_does_not_block() {
        survives(|path| fs::create_dir(path).unwrap());
        survives(|path| fs::create_dir_all(path.join("full")).unwrap());
    }

    #[test]
    fn a_link_in_the_way_is_replaced_and_not_followed() {
        let elsewhere = tempfile::tempdir().unwrap();
        let target = elsewhere.path().join("target");

        survives(|path| symlink(&target, path).unwrap());

        assert!(!target.exists());
    }

    #[test]
    fn a_pipe_in_the_way_is_replaced() {
        survives(|path| {
            let name = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
            // SAFETY: the name is a valid C string for the length of the call.
            assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        });
    }

    #[test]
    fn rights_that_were_taken_away_do_not_block() {
        for mode in [0o000, 0o200, 0o400, 0o444] {
            survives(|path| {
                fs::write(path, b"").unwrap();
                fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
            });
        }
    }

    #[test]
    fn a_lock_file_that_was_removed_during_the_wait_is_not_relied_on() {
        let state = tempfile::tempdir().unwrap();
        let path = file(state.path(), "acme/ada");
        let mut first = Some(lock(state.path(), "acme/ada", LONG).unwrap());

        let second = SessionLock::acquire(state.path(), &key("acme/ada"), LONG, &mut |_| {
            if first.take().is_some() {
                let _ = fs::remove_file(&path);
            }
            ControlFlow::Continue(())
        })
        .unwrap();

        assert!(matches!(lock(state.path(), "acme/ada", AT_ONCE), Err(Error::Busy { .. })));
        drop(second);
    }

    #[test]
    fn a_killed_process_leaves_no_lock() {
        let state = tempfile::tempdir().unwrap();
        drop(lock(state.path(), "acme/ada", LONG).unwrap());
        let mut child = Command::new("flock")
            .arg(file(state.path(), "acme/ada"))
            .args(["sh", "-c", "echo held; read nothing"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0; 4]).unwrap();
        assert!(matches!(lock(state.path(), "acme/ada", AT_ONCE), Err(Error::Busy { .. })));

        child.kill().unwrap();
        child.wait().unwrap();
        drop(child);

        assert!(lock(state.path(), "acme/ada", LONG).is_ok());
    }

    #[test]
    fn a_file_system_without_locks_is_recognised() {
        assert!(is_unsupported(&io::Error::from_raw_os_error(libc::EOPNOTSUPP)));
        assert!(is_unsupported(&io::Error::from_raw_os_error(libc::ENOLCK)));
        assert!(!is_unsupported(&io::Error::from_raw_os_error(libc::EIO)));
    }
}
