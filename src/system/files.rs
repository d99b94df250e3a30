//! Private files: created closed, read with suspicion, replaced as a whole.
//!
//! Directories are 0700 and files 0600 from the first instant, whatever the umask. Links, devices and pipes where a file
//! is expected are never followed or waited for, and what belongs to somebody else is never read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
#[cfg(windows)]
use std::time::Duration;

#[cfg(windows)]
use super::access;
use super::{Error, random};

/// Creates `path` and its missing parents for the user alone, and refuses one that others may write to.
///
/// # Errors
/// [`Error::Write`] when it cannot be made; [`Error::UnsafeFile`] when it is another user's or no directory.
pub fn private_dir(path: &Path) -> Result<(), Error> {
    let failed = |source| Error::Write { path: path.into(), source };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    #[cfg(windows)]
    let is_new = !path.exists();
    builder.create(path).map_err(failed)?;
    // What others could use for this instant only is nothing to tell anybody about.
    #[cfg(windows)]
    if is_new && is_open_to_others(path).map_err(failed)? {
        access::close(path, true).map_err(failed)?;
    }
    let metadata = fs::metadata(path).map_err(failed)?;
    if !metadata.is_dir() {
        return Err(Error::UnsafeFile { path: path.into(), reason: "it is no directory".into() });
    }
    owned(path, &metadata)?;
    close_to_others(path, &metadata, 0o700)
}

/// Makes sure of a directory that is read from, if it exists: the user's own, and closed to others.
///
/// # Errors
/// [`Error::UnsafeFile`] when it is another user's or no directory.
pub fn check_dir(path: &Path) -> Result<(), Error> {
    let Ok(metadata) = fs::metadata(path) else { return Ok(()) };
    if !metadata.is_dir() {
        return Err(Error::UnsafeFile { path: path.into(), reason: "it is no directory".into() });
    }
    owned(path, &metadata)?;
    close_to_others(path, &metadata, 0o700)
}

/// Whether `path` is a directory of the user's own.
pub fn is_own_dir(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_dir() && owned(path, &metadata).is_ok())
}

/// Reads a private file of at most `limit` bytes; `None` when there is none.
///
/// # Errors
/// [`Error::UnsafeFile`] for links, devices, pipes and files of other users; [`Error::Read`] otherwise.
pub fn read_private(path: &Path, limit: usize) -> Result<Option<Vec<u8>>, Error> {
    let Some((file, metadata)) = open_existing(path, false)? else { return Ok(None) };
    owned(path, &metadata)?;
    close_to_others(path, &metadata, 0o600)?;
    read_bounded(file, &metadata, path, limit).map(Some)
}

/// Reads a file that need not be private, following links, of at most `limit` bytes; `None` when there is none.
///
/// # Errors
/// [`Error::UnsafeFile`] for anything but a regular file; [`Error::Read`] otherwise.
pub fn read_open(path: &Path, limit: usize) -> Result<Option<Vec<u8>>, Error> {
    let Some((file, metadata)) = open_existing(path, true)? else { return Ok(None) };
    read_bounded(file, &metadata, path, limit).map(Some)
}

fn read_bounded(file: File, metadata: &fs::Metadata, path: &Path, limit: usize) -> Result<Vec<u8>, Error> {
    // Room for all and for the end to be noticed: a buffer that grows would leave what it held behind, a key perhaps.
    let expected = usize::try_from(metadata.len()).unwrap_or(usize::MAX).min(limit);
    let mut bytes = Vec::with_capacity(expected + 1);
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(|source| Error::Read { path: path.into(), source })?;
    if bytes.len() > limit {
        return Err(Error::UnsafeFile { path: path.into(), reason: format!("it is larger than {limit} bytes") });
    }
    Ok(bytes)
}

/// Replaces `path` with `bytes` as a whole: a reader sees the old content or the new one, and after a return without
/// error the new one survives a power cut. The caller holds a lock that keeps other writers of this file away.
///
/// # Errors
/// [`Error::Write`]; the old content is then untouched.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    // One name per file: what a killed process left behind is overwritten by the next writer and cannot pile up.
    let temporary = beside(path, "new");
    match fs::symlink_metadata(&temporary) {
        Ok(left_over) if left_over.is_dir() => {
            let reason = "a directory stands where a file is to be written".into();
            return Err(Error::UnsafeFile { path: temporary, reason });
        }
        Ok(_) => fs::remove_file(&temporary).map_err(|source| Error::Write { path: path.into(), source })?,
        Err(_) => {}
    }
    write_and_rename(&temporary, path, bytes)
}

/// As [`replace`], for files without a lock: the last of several writers wins.
///
/// # Errors
/// [`Error::Write`]; the old content is then untouched.
pub fn replace_unlocked(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let temporary = beside(path, &random::text::<9>()?);
    write_and_rename(&temporary, path, bytes)
}

/// A file that comes into its place as a whole once it is complete: what is there now stays until then, and nothing is
/// left of one that is dropped before.
#[derive(Debug)]
pub struct Replacement {
    path: PathBuf,
    /// Unset where there is nothing to replace: a device or a pipe is written to as it is.
    temporary: Option<PathBuf>,
    file: File,
}

impl Replacement {
    /// Begins a file for the user alone.
    ///
    /// # Errors
    /// [`Error::Write`] when nothing can be written there.
    pub fn begin(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Write { path: path.into(), source };
        let existing = fs::metadata(path).ok();
        if existing.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(failed(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory")));
        }
        if existing.is_some_and(|existing| !existing.is_file()) {
            let file = OpenOptions::new().write(true).open(path).map_err(failed)?;
            return Ok(Self { path: path.into(), temporary: None, file });
        }
        let temporary = beside(path, &random::text::<9>()?);
        let file = new_private_file(&temporary).map_err(failed)?;
        Ok(Self { path: path.into(), temporary: Some(temporary), file })
    }

    /// Where it is until it is complete; whoever ends the process removes it.
    pub fn temporary(&self) -> Option<&Path> {
        self.temporary.as_deref()
    }

    /// Adds `bytes`.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(|source| Error::Write { path: self.path.clone(), source })
    }

    /// Puts the complete file in its place.
    ///
    /// # Errors
    /// [`Error::Write`]; the old content is then untouched.
    pub fn commit(self) -> Result<(), Error> {
        let failed = |source| Error::Write { path: self.path.clone(), source };
        let Some(temporary) = &self.temporary else { return Ok(()) };
        self.file.sync_all().map_err(failed)?;
        rename(temporary, &self.path).map_err(failed)?;
        sync_dir(&self.path);
        Ok(())
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // Gone already once it is in its place.
            let _ = fs::remove_file(temporary);
        }
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".");
    name.push(suffix);
    path.with_file_name(name)
}

fn write_and_rename(temporary: &Path, path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let written = write_new(temporary, bytes).and_then(|()| match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory")),
        _ => rename(temporary, path),
    });
    if let Err(source) = written {
        let _ = fs::remove_file(temporary);
        return Err(Error::Write { path: path.into(), source });
    }
    sync_dir(path);
    Ok(())
}

#[cfg(not(windows))]
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// Virus scanners and indexers hold new files open for some milliseconds, in which they cannot be renamed.
#[cfg(windows)]
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    /// Doubled each time: about half a second together.
    const FIRST_PAUSE: Duration = Duration::from_millis(1);
    const ATTEMPTS: u32 = 9;
    for attempt in 0..ATTEMPTS {
        match fs::rename(from, to) {
            Err(error) if is_held(&error) => std::thread::sleep(FIRST_PAUSE * 2_u32.pow(attempt)),
            result => return result,
        }
    }
    fs::rename(from, to)
}

/// Whether the error may say that another program has the file open: denied, or a sharing violation.
#[cfg(windows)]
fn is_held(error: &io::Error) -> bool {
    const ERROR_SHARING_VIOLATION: i32 = 32;
    error.kind() == io::ErrorKind::PermissionDenied || error.raw_os_error() == Some(ERROR_SHARING_VIOLATION)
}

/// Writes a file that must not exist yet, for the user alone.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = new_private_file(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Creates a file that must not exist yet, for the user alone.
///
/// # Errors
/// What the operating system says; `AlreadyExists` when something is there.
pub fn new_private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Removes a file and makes the removal durable; `false` when there was none.
///
/// # Errors
/// [`Error::Write`].
pub fn remove(path: &Path) -> Result<bool, Error> {
    match fs::remove_file(path) {
        Ok(()) => {
            sync_dir(path);
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(Error::Write { path: path.into(), source }),
    }
}

/// Makes a rename or removal in the directory of `path` survive a power cut. Where directories cannot be flushed, the
/// file system orders its own journal.
fn sync_dir(path: &Path) {
    #[cfg(unix)]
    if let Some(directory) = path.parent().and_then(|parent| File::open(parent).ok()) {
        let _ = directory.sync_all();
    }
    #[cfg(not(unix))]
    let _ = path;
}

/// Opens a regular file for reading, without waiting for a pipe; `None` when there is none.
fn open_existing(path: &Path, follow: bool) -> Result<Option<(File, fs::Metadata)>, Error> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let no_follow = if follow { 0 } else { libc::O_NOFOLLOW };
        options.custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC | no_follow);
    }
    let link = || Err(Error::UnsafeFile { path: path.into(), reason: "it is a symbolic link".into() });
    // Elsewhere opening follows links, so that one has to look first.
    if cfg!(not(unix)) && !follow && path.is_symlink() {
        return link();
    }
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(_) if !follow && path.is_symlink() => return link(),
        Err(source) => return Err(Error::Read { path: path.into(), source }),
    };
    let metadata = file.metadata().map_err(|source| Error::Read { path: path.into(), source })?;
    if !metadata.is_file() {
        return Err(Error::UnsafeFile { path: path.into(), reason: "it is no regular file".into() });
    }
    Ok(Some((file, metadata)))
}

#[cfg(unix)]
fn owned(path: &Path, metadata: &fs::Metadata) -> Result<(), Error> {
    use std::os::unix::fs::MetadataExt;
    // SAFETY: geteuid has no preconditions and cannot fail.
    let user = unsafe { libc::geteuid() };
    if metadata.uid() == user {
        return Ok(());
    }
    let reason = format!("it belongs to user {}, not to user {user} who runs keyfob", metadata.uid());
    Err(Error::UnsafeFile { path: path.into(), reason })
}

/// Takes the rights of group and others away from something that is ours; the content was readable until now, but it is
/// the user's own file and locking him out would help nobody.
#[cfg(unix)]
fn close_to_others(path: &Path, metadata: &fs::Metadata, mode: u32) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    if metadata.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(|source| Error::Write { path: path.into(), source })?;
    REPAIRED.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(path.into());
    Ok(())
}

/// What an elevated process makes belongs to the administrators.
#[cfg(windows)]
fn owned(path: &Path, _: &fs::Metadata) -> Result<(), Error> {
    let access = access::Access::of(path).map_err(|source| Error::Read { path: path.into(), source })?;
    if access.owned {
        return Ok(());
    }
    let reason = "it belongs neither to the user who runs keyfob nor to the administrators".into();
    Err(Error::UnsafeFile { path: path.into(), reason })
}

/// Takes the rights of others away from something that is ours, as on Unix. Some file systems keep no rights and let
/// everybody do everything; there the call changes nothing, which is not told at every run.
#[cfg(windows)]
fn close_to_others(path: &Path, metadata: &fs::Metadata, _: u32) -> Result<(), Error> {
    if !is_open_to_others(path).map_err(|source| Error::Read { path: path.into(), source })? {
        return Ok(());
    }
    access::close(path, metadata.is_dir()).map_err(|source| Error::Write { path: path.into(), source })?;
    if is_open_to_others(path).is_ok_and(|open| !open) {
        REPAIRED.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(path.into());
    }
    Ok(())
}

#[cfg(windows)]
fn is_open_to_others(path: &Path) -> io::Result<bool> {
    access::Access::of(path).map(|access| access.others_may_read() || access.others_may_write())
}

#[cfg(not(any(unix, windows)))]
fn owned(_: &Path, _: &fs::Metadata) -> Result<(), Error> {
    Ok(())
}

#[cfg(not(any(unix, windows)))]
fn close_to_others(_: &Path, _: &fs::Metadata, _: u32) -> Result<(), Error> {
    Ok(())
}

static REPAIRED: std::sync::Mutex<Vec<PathBuf>> = std::sync::Mutex::new(Vec::new());

/// Files and directories that others could read until now, since the last call; the caller tells the user.
pub fn take_repaired() -> Vec<PathBuf> {
    std::mem::take(&mut *REPAIRED.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::{Error, private_dir, read_private, replace, replace_unlocked};

    fn mode(path: &std::path::Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn directories_and_files_are_closed_to_others() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("a/b");

        private_dir(&directory).unwrap();
        replace(&directory.join("f"), b"x").unwrap();

        assert_eq!(mode(&directory), 0o700);
        assert_eq!(mode(&directory.join("f")), 0o600);
    }

    #[test]
    fn a_file_that_others_could_read_is_closed_before_it_is_read() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("f");
        fs::write(&path, b"x").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();

        assert_eq!(read_private(&path, 10).unwrap().unwrap(), b"x");

        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn links_and_pipes_are_refused_without_waiting() {
        let home = tempfile::tempdir().unwrap();
        let (target, link, pipe) = (home.path().join("t"), home.path().join("l"), home.path().join("p"));
        fs::write(&target, b"x").unwrap();
        symlink(&target, &link).unwrap();
        let name = std::ffi::CString::new(pipe.to_str().unwrap()).unwrap();
        // SAFETY: the name is a valid C string for the length of the call.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);

        assert!(matches!(read_private(&link, 10), Err(Error::UnsafeFile { .. })));
        assert!(matches!(read_private(&pipe, 10), Err(Error::UnsafeFile { .. })));
        assert!(matches!(read_private(home.path(), 10), Err(Error::UnsafeFile { .. })));
    }

    #[test]
    fn replacing_a_link_does_not_write_through_it() {
        let home = tempfile::tempdir().unwrap();
        let (target, link) = (home.path().join("t"), home.path().join("l"));
        fs::write(&target, b"old").unwrap();
        symlink(&target, &link).unwrap();

        replace(&link, b"new").unwrap();

        assert_eq!(fs::read(&target).unwrap(), b"old");
        assert_eq!(fs::read(&link).unwrap(), b"new");
    }

    #[test]
    fn what_a_killed_writer_left_is_overwritten_and_nothing_else_remains() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("f");
        fs::write(home.path().join(".f.new"), b"torn").unwrap();

        replace(&path, b"whole").unwrap();
        replace_unlocked(&path, b"again").unwrap();

        assert_eq!(fs::read(&path).unwrap(), b"again");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_over_the_limit_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("f");
        fs::write(&path, b"12345").unwrap();

        assert!(matches!(read_private(&path, 4), Err(Error::UnsafeFile { .. })));
    }
}
