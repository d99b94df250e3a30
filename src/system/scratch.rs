//! Directories that go with the process that made them.
//!
//! Each has a lock file beside it, which the operating system unlocks however its process ends: what an unlocked one
//! belongs to is left over, and whoever makes a directory next removes it.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::{Error, files, random};

/// How the names begin. Only those are ever removed.
const PREFIX: &str = "exec-";

/// How often it is tried anew because another process was tidying up: it takes a lock file that is not locked yet for a
/// left-over one, or the empty directory around it for one that nobody needs.
const ATTEMPTS: usize = 50;

/// A private directory, gone when this value is dropped.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    /// Held as long as the directory is there.
    lock: Option<File>,
}

impl Scratch {
    /// Makes a directory for the user alone in `base`, which is made too, and removes those that dead processes left.
    ///
    /// # Errors
    /// [`Error::Write`], [`Error::UnsafeFile`] when there can be none.
    pub fn begin(base: &Path) -> Result<Self, Error> {
        let mut last = io::ErrorKind::Other.into();
        for _ in 0..ATTEMPTS {
            match files::private_dir(base) {
                Ok(()) => sweep(base),
                // Gone since: "already there" is what making it says when it was there, and is not a moment later.
                Err(Error::Write { source, .. })
                    if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists) =>
                {
                    last = source;
                    continue;
                }
                Err(error) => return Err(error),
            }
            let path = base.join(format!("{PREFIX}{}", random::text::<12>()?));
            match locked(&lock_of(&path)) {
                Ok(lock) => {
                    let scratch = Self { path, lock: Some(lock) };
                    files::private_dir(&scratch.path)?;
                    return Ok(scratch);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => last = error,
                Err(source) => return Err(Error::Write { path: lock_of(&path), source }),
            }
        }
        Err(Error::Write { path: base.into(), source: last })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now is left over, and found by its lock file.
        if self.lock.is_some() && remove(&self.path).is_ok() {
            let _ = fs::remove_file(lock_of(&self.path));
            // Fails while another one is in there.
            let _ = self.path.parent().map(fs::remove_dir);
        }
    }
}

fn lock_of(path: &Path) -> PathBuf {
    path.with_extension("lock")
}

/// A new lock file that nobody else holds or has removed; `NotFound` when somebody has.
fn locked(path: &Path) -> io::Result<File> {
    let file = files::new_private_file(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::NotFound.into()),
        // No locks here: nobody finds it unlocked, and nobody removes it.
        Err(TryLockError::Error(_)) => {}
    }
    // The name is used once only: if something is there, it is this file.
    fs::symlink_metadata(path).map(|_| file)
}

/// Removes what dead processes left in `base`. Whatever fails is tried by the next one.
fn sweep(base: &Path) {
    let Ok(entries) = fs::read_dir(base) else { return };
    let names = entries.flatten().map(|entry| entry.file_name());
    for name in names.filter(|name| name.to_string_lossy().starts_with(PREFIX)) {
        let path = base.join(&name);
        if path.extension() != Some(OsStr::new("lock")) {
            // It has a lock file from before its beginning until after its end.
            if fs::symlink_metadata(lock_of(&path)).is_err() {
                let _ = remove(&path);
            }
            continue;
        }
        let Ok(lock) = OpenOptions::new().read(true).write(true).open(&path) else { continue };
        if lock.try_lock().is_ok() && remove(&path.with_extension("")).is_ok() {
            let _ = fs::remove_file(&path);
        }
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Scratch, lock_of};

    #[test]
    fn a_directory_and_all_in_it_go_with_the_value() {
        let home = tempfile::tempdir().unwrap();
        let base = home.path().join("keyfob");

        let scratch = Scratch::begin(&base).unwrap();
        fs::write(scratch.path().join("token"), "x").unwrap();
        drop(scratch);

        assert!(!base.exists());
    }

    #[cfg(unix)]
    #[test]
    fn it_is_for_the_user_alone() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();

        let scratch = Scratch::begin(&home.path().join("keyfob")).unwrap();

        for path in [scratch.path(), scratch.path().parent().unwrap()] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o7777, 0o700);
        }
    }

    #[test]
    fn what_a_dead_process_left_is_removed_and_what_a_living_one_has_is_not() {
        let home = tempfile::tempdir().unwrap();
        let (living, mut dead) = (Scratch::begin(home.path()).unwrap(), Scratch::begin(home.path()).unwrap());
        // As the operating system does it.
        dead.lock = None;
        let (left, lock) = (dead.path().to_owned(), lock_of(dead.path()));
        fs::write(left.join("token"), "x").unwrap();
        let foreign = home.path().join("socket");
        fs::write(&foreign, "").unwrap();

        let _new = Scratch::begin(home.path()).unwrap();

        assert!(!left.exists() && !lock.exists());
        assert!(living.path().exists() && foreign.exists());
    }

    #[test]
    fn many_at_once_do_not_take_each_others_for_left_over() {
        let home = tempfile::tempdir().unwrap();
        let base = home.path().join("keyfob");

        let threads: Vec<_> = (0..8)
            .map(|_| {
                let base = base.clone();
                std::thread::spawn(move || {
                    for _ in 0..25 {
                        let scratch = Scratch::begin(&base).unwrap();
                        fs::write(scratch.path().join("token"), "x").unwrap();
                    }
                })
            })
            .collect();

        assert!(threads.into_iter().all(|thread| thread.join().is_ok()));
        assert!(!base.exists());
    }
}
