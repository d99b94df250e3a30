//! A configuration file: read with suspicion, and places in it.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::Error;
use super::value::{Origin, Place};
use crate::system::files;

/// Bytes of a configuration file at most. 500 providers take about 200 kB.
const LIMIT: usize = 1 << 20;

/// A configuration file's text.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) origin: Origin,
    pub(super) text: String,
    /// Whether group or others may read it.
    pub(super) readable: bool,
}

impl Document {
    /// Reads the file; `None` when there is none.
    pub(super) fn read(path: &Path, origin: Origin) -> Result<Option<Self>, Error> {
        let Some(readable) = check_writers(path)? else { return Ok(None) };
        let Some(bytes) = files::read_open(path, LIMIT)? else { return Ok(None) };
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let before = String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned();
            let place = place(&origin, &before, before.len());
            Error::Syntax { place, reason: "the text is not UTF-8".into() }
        })?;
        Ok(Some(Self::new(text, origin, readable)))
    }

    /// A document from text that is already here. A byte order mark, which Windows editors write, is no part of it.
    pub(super) fn new(text: String, origin: Origin, readable: bool) -> Self {
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.into(),
            None => text,
        };
        Self { origin, text, readable }
    }

    /// The parsed text.
    pub(super) fn parse(&self) -> Result<Spanned<DeTable<'_>>, Error> {
        DeTable::parse(&self.text).map_err(|error| self.syntax(&error))
    }

    /// The parser's complaint without its excerpt, which may show a secret.
    pub(super) fn syntax(&self, error: &toml::de::Error) -> Error {
        let offset = error.span().map_or(0, |span| span.start);
        Error::Syntax { place: place(&self.origin, &self.text, offset), reason: error.message().into() }
    }

    pub(super) fn place(&self, span: Range<usize>) -> Place {
        place(&self.origin, &self.text, span.start)
    }
}

fn place(origin: &Origin, text: &str, offset: usize) -> Place {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before[before.rfind('\n').map_or(0, |at| at + 1)..].chars().count() + 1;
    Place { origin: origin.clone(), position: Some((line, column)) }
}

/// A list whose items are all strings.
pub(super) fn strings(value: &DeValue<'_>) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| item.get_ref().as_str().map(String::from)).collect()
}

/// Refuses a file that others could have written: who changes an endpoint gets the tokens, who changes a command runs it.
/// Says whether others may read it; `None` when there is no file.
#[cfg(unix)]
fn check_writers(path: &Path) -> Result<Option<bool>, Error> {
    use std::os::unix::fs::MetadataExt;
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(crate::system::Error::Read { path: path.into(), source }.into()),
    };
    let unsafe_file = |path: &Path, reason: String| Error::UnsafeFile { path: path.into(), reason };
    // SAFETY: geteuid has no preconditions and cannot fail.
    let user = unsafe { libc::geteuid() };
    if metadata.uid() != 0 && metadata.uid() != user {
        let reason =
            format!("it belongs to user {}, neither to user {user} who runs keyfob nor to root", metadata.uid());
        return Err(unsafe_file(path, reason));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(unsafe_file(path, format!("others may write to it (mode {:04o})", metadata.mode() & 0o7777)));
    }
    // Who may rename files in the directory needs no right to the file itself. The sticky bit takes that right away.
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some((directory, metadata)) = directory.and_then(|path| Some((path, std::fs::metadata(path).ok()?)))
        && metadata.mode() & 0o1002 == 0o002
    {
        return Err(unsafe_file(path, format!("everybody may replace files in {}", directory.display())));
    }
    Ok(Some(metadata.mode() & 0o044 != 0))
}

/// As on Unix: every user may make `C:\ProgramData\keyfob`, if no administrator has done so before.
#[cfg(windows)]
fn check_writers(path: &Path) -> Result<Option<bool>, Error> {
    use crate::system::access::Access;
    let unreadable = |source| crate::system::Error::Read { path: path.into(), source };
    let access = match Access::of(path) {
        Ok(access) => access,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(unreadable(source).into()),
    };
    let unsafe_file = |reason: String| Error::UnsafeFile { path: path.into(), reason };
    if !access.owned {
        return Err(unsafe_file("it belongs neither to the user who runs keyfob nor to the administrators".into()));
    }
    if access.others_may_write() {
        return Err(unsafe_file("others may write to it".into()));
    }
    // Who may replace files in the directory needs no right to the file itself.
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(directory) = directory
        && Access::of(directory).map_err(unreadable)?.others_may_replace()
    {
        return Err(unsafe_file(format!("others may replace files in {}", directory.display())));
    }
    Ok(Some(access.others_may_read()))
}

#[cfg(not(any(unix, windows)))]
fn check_writers(_: &Path) -> Result<Option<bool>, Error> {
    Ok(Some(false))
}

/// Where relative paths in the file start.
pub(super) fn base(origin: &Origin) -> Option<PathBuf> {
    origin.path().and_then(Path::parent).map(PathBuf::from)
}
