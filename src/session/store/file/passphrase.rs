//! The passphrase of the file store: from a file, a descriptor or a person, never from an argument.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::session::Error;
use crate::system::files;

/// Longest passphrase in bytes; a file given by mistake is not read as a whole.
const MAX_PASSPHRASE: usize = 64 * 1024;

/// Which passphrase is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The one that the store was made with.
    Existing,
    /// One for a new store; it should be asked for twice.
    New,
}

/// Asks a person for a passphrase; `None` when none is given.
pub type Ask = Box<dyn Fn(Wanted) -> Option<Secret> + Send + Sync>;

/// Where a passphrase comes from. One line end after it is not part of it.
pub enum PassphraseSource {
    /// A file. One of the user's own is closed to others before it is read.
    File(PathBuf),
    /// An open descriptor, read to its end.
    Descriptor(i32),
    /// A person.
    Ask(Ask),
    /// Nowhere: nobody is there, and no file was named.
    None,
}

impl PassphraseSource {
    /// What `KEYFOB_PASSPHRASE_FILE` says: a path, or `fd:N`.
    ///
    /// # Errors
    /// [`Error::NoPassphrase`] when N is no number.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let Some(number) = text.strip_prefix("fd:").or_else(|| text.strip_prefix("/dev/fd/")) else {
            return Ok(Self::File(text.into()));
        };
        let number = number.parse().ok().filter(|number| *number >= 0);
        number
            .map(Self::Descriptor)
            .ok_or_else(|| Error::NoPassphrase { reason: "`fd:` wants the number of a descriptor".into() })
    }

    pub(super) fn read(&self, wanted: Wanted) -> Result<Secret, Error> {
        let missing = |reason: &str| Error::NoPassphrase { reason: reason.into() };
        let bytes = match self {
            Self::File(path) => {
                let bytes = if is_own(path) {
                    files::read_private(path, MAX_PASSPHRASE)
                } else {
                    files::read_open(path, MAX_PASSPHRASE)
                };
                bytes?.map(Zeroizing::new).ok_or_else(|| missing(&format!("{} does not exist", path.display())))?
            }
            Self::Descriptor(number) => read_descriptor(*number)?,
            Self::Ask(ask) => {
                return ask(wanted).filter(|given| !given.is_empty()).ok_or_else(|| missing("none was given"));
            }
            Self::None => return Err(missing("nobody can be asked, and no file with it is named")),
        };
        let text = std::str::from_utf8(&bytes).map_err(|_| missing("it is not UTF-8"))?;
        let text = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
        if text.is_empty() { Err(missing("it is empty")) } else { Ok(Secret::new(text)) }
    }
}

impl fmt::Debug for PassphraseSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Descriptor(number) => f.debug_tuple("Descriptor").field(number).finish(),
            Self::Ask(_) => f.write_str("Ask(…)"),
            Self::None => f.write_str("None"),
        }
    }
}

/// Whether a regular file, and no link to one, belongs to the user. Those of containers often belong to root.
fn is_own(path: &Path) -> bool {
    let Ok(metadata) = fs::symlink_metadata(path) else { return false };
    #[cfg(unix)]
    // SAFETY: geteuid has no preconditions and cannot fail.
    let owned = std::os::unix::fs::MetadataExt::uid(&metadata) == unsafe { libc::geteuid() };
    #[cfg(windows)]
    let owned = crate::system::access::Access::of(path).is_ok_and(|access| access.own);
    #[cfg(not(any(unix, windows)))]
    let owned = true;
    metadata.is_file() && owned
}

#[cfg(unix)]
fn read_descriptor(number: i32) -> Result<Zeroizing<Vec<u8>>, Error> {
    use std::io::Read;
    use std::os::fd::BorrowedFd;
    let missing = |source: std::io::Error| Error::NoPassphrase {
        reason: format!("descriptor {number} cannot be read: {source}"),
    };
    // SAFETY: the descriptor was named by the caller for this purpose; it is duplicated at once, which fails for one that
    // is not open, and is neither closed nor kept.
    let own = unsafe { BorrowedFd::borrow_raw(number) }.try_clone_to_owned().map_err(missing)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_PASSPHRASE + 1));
    fs::File::from(own).take(MAX_PASSPHRASE as u64 + 1).read_to_end(&mut bytes).map_err(missing)?;
    if bytes.len() > MAX_PASSPHRASE {
        return Err(Error::NoPassphrase { reason: format!("descriptor {number} gives too much") });
    }
    Ok(bytes)
}

#[cfg(not(unix))]
fn read_descriptor(_: i32) -> Result<Zeroizing<Vec<u8>>, Error> {
    Err(Error::NoPassphrase { reason: "descriptors cannot be passed on this system".into() })
}
