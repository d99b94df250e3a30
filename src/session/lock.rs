//! Locks across processes.
//!
//! They are the operating system's own, so that a process that dies, however it dies, leaves none behind. The lock files
//! hold nothing and stay where they are; whatever else lies in their place, from an older program or an accident, is put
//! right or out of the way. Each session has its own: a provider that hangs delays nobody else.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::{Error, SessionKey};
use crate::system::{self, files, random};

/// How long passes between two questions whether to go on waiting: short enough for Ctrl-C to feel immediate.
const QUESTION: Duration = Duration::from_millis(50);

/// How often the file is opened anew because it was replaced in between or could not be opened.
const ATTEMPTS: usize = 8;

/// The right to write one session, until dropped.
#[derive(Debug)]
pub struct SessionLock {
    key: SessionKey,
    /// None where nobody else can know the session.
    lock: Option<FileLock>,
}

impl SessionLock {
    /// Waits up to `limit`, on a monotonic clock, until no other process holds the session.
    ///
    /// When it is not free at once, `waiting` is called with the time waited so far: first with zero, then about every
    /// 50 ms; its `Break` ends the wait.
    ///
    /// # Errors
    /// [`Error::Busy`] after `limit`, [`Error::Cancelled`], [`Error::System`] when there can be no lock file.
    pub fn acquire(
        state_dir: &Path,
        key: &SessionKey,
        limit: Duration,
        waiting: &mut dyn FnMut(Duration) -> ControlFlow<()>,
    ) -> Result<Self, Error> {
        let lock = FileLock::acquire(state_dir, &key.file_name(), &key.to_string(), limit, waiting)?;
        Ok(Self { key: key.clone(), lock: Some(lock) })
    }

    /// The right to write a session that only this process knows.
    pub fn within_process(key: &SessionKey) -> Self {
        Self { key: key.clone(), lock: None }
    }

    /// Whose lock it is.
    pub fn key(&self) -> &SessionKey {
        &self.key
    }

    /// Whether the file system has locks at all; without them nothing keeps other processes away, and the user should be
    /// told once.
    pub fn is_enforced(&self) -> bool {
        self.lock.as_ref().is_none_or(|lock| lock.enforced)
    }

    /// That it is the lock of `key`.
    ///
    /// # Errors
    /// [`Error::NotHeld`].
    pub(super) fn allows(&self, key: &SessionKey) -> Result<(), Error> {
        if self.key == *key { Ok(()) } else { Err(Error::NotHeld { held: self.key.clone(), key: key.clone() }) }
    }
}

/// A locked file, until dropped.
#[derive(Debug)]
pub(super) struct FileLock {
    _file: File,
    enforced: bool,
}

impl FileLock {
    /// Locks `locks/FILE.lock` in the state directory; `name` is what errors call it.
    pub(super) fn acquire(
        state_dir: &Path,
        file: &str,
        name: &str,
        limit: Duration,
        waiting: &mut dyn FnMut(Duration) -> ControlFlow<()>,
    ) -> Result<Self, Error> {
        files::private_dir(state_dir)?;
        let directory = state_dir.join("locks");
        files::private_dir(&directory)?;
        let path = directory.join(format!("{file}.lock"));
        let mut wait = Wait { name, began: Instant::now(), limit, waiting };
        for _ in 0..ATTEMPTS {
            let (file, enforced) = wait.lock(open(&directory, &path)?, &path)?;
            // Somebody may have cleaned up while we waited; then others lock another file.
            if is_at(&file, &path) {
                return Ok(Self { _file: file, enforced });
            }
        }
        Err(Error::Busy { name: name.into(), after: wait.began.elapsed() })
    }

    /// As [`acquire`](Self::acquire), for the short moments in which a shared file is rewritten.
    pub(super) fn brief(state_dir: &Path, file: &str) -> Result<Self, Error> {
        // A thousand writers of a thousand entries get their turn within this; longer means that one was stopped.
        const LIMIT: Duration = Duration::from_secs(10);
        Self::acquire(state_dir, file, file, LIMIT, &mut |_| ControlFlow::Continue(()))
    }

    /// Whether the file system has locks.
    pub(super) fn enforced(&self) -> bool {
        self.enforced
    }
}

struct Wait<'a> {
    name: &'a str,
    began: Instant,
    limit: Duration,
    waiting: &'a mut dyn FnMut(Duration) -> ControlFlow<()>,
}

impl Wait<'_> {
    /// Locks `file`; `false` where the file system has no locks.
    fn lock(&mut self, file: File, path: &Path) -> Result<(File, bool), Error> {
        match file.try_lock() {
            Ok(()) => return Ok((file, true)),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) if is_unsupported(&error) => return Ok((file, false)),
            Err(TryLockError::Error(source)) => return Err(system::Error::Write { path: path.into(), source }.into()),
        }
        self.ask(Duration::ZERO)?;
        self.left()?;
        // A blocked thread costs nothing and is woken at once, however many wait. Should it outlive this wait, it gives
        // the lock back as soon as it gets it.
        let (sender, receiver) = mpsc::sync_channel(0);
        let waiter = file.try_clone().map_err(|source| system::Error::Write { path: path.into(), source })?;
        let thread = thread::Builder::new().name("lock".into()).spawn(move || {
            let locked = lock_uninterrupted(&waiter);
            let _ = sender.send(locked.map(|()| waiter));
        });
        if thread.is_err() {
            return self.poll(file);
        }
        drop(file);
        loop {
            let left = self.left()?;
            match receiver.recv_timeout(left.min(QUESTION)) {
                Ok(Ok(file)) => return Ok((file, true)),
                Ok(Err(source)) => return Err(system::Error::Write { path: path.into(), source }.into()),
                Err(_) => self.ask(self.began.elapsed())?,
            }
        }
    }

    /// Asks the system again and again, where not even a thread is to be had.
    fn poll(&mut self, file: File) -> Result<(File, bool), Error> {
        let mut pause = Duration::from_millis(1);
        loop {
            thread::sleep(self.left()?.min(pause));
            if file.try_lock().is_ok() {
                return Ok((file, true));
            }
            self.ask(self.began.elapsed())?;
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    fn ask(&mut self, waited: Duration) -> Result<(), Error> {
        match (self.waiting)(waited) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Error::Cancelled { name: self.name.into() }),
        }
    }

    fn left(&self) -> Result<Duration, Error> {
        let waited = self.began.elapsed();
        self.limit
            .checked_sub(waited)
            .filter(|left| !left.is_zero())
            .ok_or_else(|| Error::Busy { name: self.name.into(), after: waited })
    }
}

fn lock_uninterrupted(file: &File) -> io::Result<()> {
    loop {
        match file.lock() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Whether the error says that this file system knows no locks.
fn is_unsupported(error: &io::Error) -> bool {
    #[cfg(unix)]
    // The last two are one number on Linux and two on macOS.
    if error
        .raw_os_error()
        .is_some_and(|code| [libc::ENOLCK, libc::ENOSYS, libc::EOPNOTSUPP, libc::ENOTSUP].contains(&code))
    {
        return true;
    }
    error.kind() == ErrorKind::Unsupported
}

/// Opens the lock file, which is made if need be, and removes what stands in its place.
fn open(directory: &Path, path: &Path) -> Result<File, Error> {
    let mut last = None;
    for _ in 0..ATTEMPTS {
        let error = match open_once(path) {
            Ok(file) => return Ok(file),
            Err(error) => error,
        };
        if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::ReadOnlyFilesystem) {
            return Err(system::Error::Write { path: path.into(), source: error }.into());
        }
        last = Some(error);
        clear(directory, path)?;
    }
    let source = last.unwrap_or_else(|| ErrorKind::Other.into());
    Err(system::Error::Write { path: path.into(), source }.into())
}

fn open_once(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    own_regular_file(&mut options);
    let file = match options.open(path) {
        // The right to read is enough for a lock, so that one who took the other away blocks nobody.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            let mut options = OpenOptions::new();
            own_regular_file(options.read(true));
            options.open(path).map_err(|_| error)?
        }
        opened => opened?,
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is no regular file"));
    }
    close_to_others(&file);
    Ok(file)
}

/// Never through a link, never waiting for a pipe, and for the user alone if it is made.
fn own_regular_file(options: &mut OpenOptions) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC);
    }
    #[cfg(windows)]
    {
        use std::os::windows::fs::OpenOptionsExt;
        // Values of the Windows API, "CreateFileW": others may read and write, but not delete or rename the file while it
        // is open; a link is opened itself.
        const FILE_SHARE_READ: u32 = 0x1;
        const FILE_SHARE_WRITE: u32 = 0x2;
        const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
        options.share_mode(FILE_SHARE_READ | FILE_SHARE_WRITE).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
    }
    #[cfg(not(any(unix, windows)))]
    let _ = options;
}

/// Whoever can open the file can lock it, and so make us wait.
fn close_to_others(file: &File) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if file.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0) {
            let _ = file.set_permissions(fs::Permissions::from_mode(0o600));
        }
    }
    #[cfg(not(unix))]
    let _ = file;
}

/// Puts right what cannot be opened as a lock file, or moves it out of the way. The lock on the directory keeps two
/// processes from each removing what the other has made.
fn clear(directory: &Path, path: &Path) -> Result<(), Error> {
    let failed = |source| system::Error::Write { path: path.into(), source };
    let _guard = File::open(directory).ok().filter(|directory| directory.lock().is_ok());
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(()) };
    if open_once(path).is_ok() {
        return Ok(());
    }
    if metadata.is_file() && make_usable(path, &metadata) {
        return Ok(());
    }
    if metadata.is_dir() {
        if fs::remove_dir(path).is_ok() {
            return Ok(());
        }
        return fs::rename(path, aside(path)?).map_err(|source| failed(source).into());
    }
    fs::remove_file(path).map_err(|source| failed(source).into())
}

/// Gives back the right to open a file that is ours under this name only; it may be locked by somebody who opened it
/// before, so it is not replaced.
#[cfg(unix)]
fn make_usable(path: &Path, metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    metadata.nlink() == 1 && fs::set_permissions(path, fs::Permissions::from_mode(0o600)).is_ok()
}

/// As on Unix. A virus scanner may have the file open for itself alone; that passes by waiting.
#[cfg(not(unix))]
fn make_usable(path: &Path, metadata: &fs::Metadata) -> bool {
    const SCAN: Duration = Duration::from_millis(20);
    let mut permissions = metadata.permissions();
    if permissions.readonly() {
        #[expect(
            clippy::permissions_set_readonly_false,
            reason = "on Windows it takes an attribute away, no protection"
        )]
        permissions.set_readonly(false);
        return fs::set_permissions(path, permissions).is_ok();
    }
    thread::sleep(SCAN);
    true
}

fn aside(path: &Path) -> Result<PathBuf, Error> {
    Ok(path.with_extension(format!("lock.{}", random::text::<9>()?)))
}

/// Whether the open `file` is still the one at `path`.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(open), Ok(there)) => (open.dev(), open.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// A file that was opened as ours is cannot be replaced here.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests;
