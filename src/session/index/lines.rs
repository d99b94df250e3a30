//! Finding lines in a file that is ordered by their first field.

use std::cmp::Ordering;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Seek as _};
use std::path::{Path, PathBuf};

use memchr::memchr;

use crate::session::{Error, SessionKey};
use crate::system;

/// A stretch this small, in bytes, is read as a whole instead of being bisected further: some ten lines.
const STRETCH: u64 = 4 * 1024;

/// Bytes read at a time: room for a line, and what surrounds it.
const BLOCK: usize = 2 * 1024;

/// Bytes of the file in memory at a time where all of it is read.
const PIECE: usize = 64 * 1024;

/// Largest index in bytes: a hundred thousand sessions. What is larger was not written by us.
const MAX_SIZE: u64 = 128 * 1024 * 1024;

/// An opened index. It shows one state, whatever is written meanwhile.
pub(super) struct Lines {
    file: File,
    path: PathBuf,
    size: u64,
}

impl Lines {
    /// Opens the index; `None` when there is none.
    pub(super) fn open(path: &Path) -> Result<Option<Self>, Error> {
        let failed = |source| system::Error::Read { path: path.into(), source };
        let refused = |reason: &str| system::Error::UnsafeFile { path: path.into(), reason: reason.into() };
        let mut options = OpenOptions::new();
        options.read(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::custom_flags(
            &mut options,
            libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC,
        );
        #[cfg(not(unix))]
        if path.is_symlink() {
            return Err(refused("it is a symbolic link").into());
        }
        let file = match options.open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(_) if path.is_symlink() => return Err(refused("it is a symbolic link").into()),
            Err(source) => return Err(failed(source).into()),
        };
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(refused("it is no regular file").into());
        }
        #[cfg(unix)]
        // SAFETY: geteuid has no preconditions and cannot fail.
        if std::os::unix::fs::MetadataExt::uid(&metadata) != unsafe { libc::geteuid() } {
            return Err(refused("it belongs to another user").into());
        }
        // It holds no secret, so that there is nothing to tell anybody about.
        #[cfg(unix)]
        if std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0 {
            let _ = file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600));
        }
        if metadata.len() > MAX_SIZE {
            return Err(refused("it is too large for an index").into());
        }
        Ok(Some(Self { file, path: path.into(), size: metadata.len() }))
    }

    /// All lines without their ends; empty ones are left out.
    pub(super) fn all(&mut self) -> Result<Vec<Vec<u8>>, Error> {
        Ok(split(&self.read(0, self.size)?).map(<[u8]>::to_vec).collect())
    }

    /// Reads one line after the other, without its end and with its number, counted from 1; empty ones are left out.
    ///
    /// Only a piece of the file is in memory at a time: to get that much takes longer than to read it.
    pub(super) fn each(&mut self, mut read: impl FnMut(usize, &[u8])) -> Result<(), Error> {
        let failed = |source| system::Error::Read { path: self.path.clone(), source };
        (&self.file).rewind().map_err(failed)?;
        let mut file = BufReader::with_capacity(PIECE, (&self.file).take(self.size));
        let (mut begun, mut number) = (Vec::new(), 0);
        let mut tell = |line: &[u8]| {
            if !line.is_empty() {
                number += 1;
                read(number, line);
            }
        };
        loop {
            let piece = match file.fill_buf() {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                piece => piece.map_err(failed)?,
            };
            let used = match memchr(b'\n', piece) {
                Some(end) if begun.is_empty() => {
                    tell(&piece[..end]);
                    end + 1
                }
                end => {
                    begun.extend_from_slice(&piece[..end.unwrap_or(piece.len())]);
                    if end.is_some() || piece.is_empty() {
                        tell(&begun);
                        begun.clear();
                    }
                    end.map_or(piece.len(), |end| end + 1)
                }
            };
            if used == 0 {
                return Ok(());
            }
            file.consume(used);
        }
    }

    /// The lines from the first whose name is not less than `target`, as long as `wanted` says so; `None` when the order
    /// of the file turned out to be broken.
    pub(super) fn from(
        &mut self,
        target: &[u8],
        wanted: impl Fn(&[u8]) -> bool,
    ) -> Result<Option<Vec<Vec<u8>>>, Error> {
        let Some((mut at, end)) = self.narrow(target)? else { return Ok(None) };
        let mut found = Vec::new();
        let stretch = self.read(at, end)?;
        let mut previous: Option<&[u8]> = None;
        for line in split(&stretch) {
            if previous.is_some_and(|previous| previous > name_of(line)) {
                return Ok(None);
            }
            previous = Some(name_of(line));
            if name_of(line) >= target && wanted(line) {
                found.push(line.to_vec());
            }
        }
        // The wanted ones may go on behind the stretch.
        at = end;
        while at < self.size {
            let line_end = self.line_end(at)?;
            let line = self.read(at, line_end)?;
            let line = line.strip_suffix(b"\n").unwrap_or(&line);
            if !wanted(line) {
                break;
            }
            found.push(line.to_vec());
            at = line_end;
        }
        Ok(Some(found))
    }

    /// Where in the file the first line is that is not less than `target`: begin and end of a stretch of whole lines.
    fn narrow(&mut self, target: &[u8]) -> Result<Option<(u64, u64)>, Error> {
        let (mut low, mut high) = (0, self.size);
        let (mut below, mut above): (Option<Vec<u8>>, Option<Vec<u8>>) = (None, None);
        while high - low > STRETCH {
            let (end, line) = self.line_at(low + (high - low) / 2, low)?;
            let name = name_of(line.strip_suffix(b"\n").unwrap_or(&line)).to_vec();
            let ordered =
                below.as_ref().is_none_or(|below| *below <= name) && above.as_ref().is_none_or(|above| name <= *above);
            if !ordered {
                return Ok(None);
            }
            match name.as_slice().cmp(target) {
                Ordering::Less => (low, below) = (end, Some(name)),
                // A line longer than half of the stretch: nothing is won by going on.
                _ if end >= high => break,
                // The line itself stays inside: it may be the first that is not less.
                _ => (high, above) = (end, Some(name)),
            }
        }
        Ok(Some((low, high)))
    }

    /// The line that holds the byte at `at` and begins not before `low`, and where it ends: with one read, unless the line
    /// is a long one.
    fn line_at(&mut self, at: u64, low: u64) -> Result<(u64, Vec<u8>), Error> {
        let begin = at.saturating_sub(BLOCK as u64 / 2).max(low);
        let around = self.read(begin, (at + BLOCK as u64 / 2).min(self.size))?;
        let middle = usize::try_from(at - begin).unwrap_or(usize::MAX).min(around.len());
        let (before, behind) = around.split_at(middle);
        let first = before.iter().rposition(|byte| *byte == b'\n').map(|newline| newline + 1);
        let last = behind.iter().position(|byte| *byte == b'\n').map(|newline| middle + newline + 1);
        if let (Some(first), Some(last)) = (first.or((begin == low).then_some(0)), last) {
            return Ok((begin + last as u64, around[first..last].to_vec()));
        }
        let start = self.line_start(at, low)?;
        let end = self.line_end(start)?;
        Ok((end, self.read(start, end)?))
    }

    /// Where the line that holds the byte at `at` begins, not before `low`.
    fn line_start(&mut self, at: u64, low: u64) -> Result<u64, Error> {
        let mut end = at;
        while end > low {
            let begin = end.saturating_sub(BLOCK as u64).max(low);
            let block = self.read(begin, end)?;
            if let Some(newline) = block.iter().rposition(|byte| *byte == b'\n') {
                return Ok(begin + newline as u64 + 1);
            }
            end = begin;
        }
        Ok(low)
    }

    /// Where the line that begins at `start` ends, its newline included.
    fn line_end(&mut self, start: u64) -> Result<u64, Error> {
        let mut begin = start;
        while begin < self.size {
            let end = (begin + BLOCK as u64).min(self.size);
            let block = self.read(begin, end)?;
            if let Some(newline) = block.iter().position(|byte| *byte == b'\n') {
                return Ok(begin + newline as u64 + 1);
            }
            begin = end;
        }
        Ok(self.size)
    }

    fn read(&mut self, begin: u64, end: u64) -> Result<Vec<u8>, Error> {
        let length = usize::try_from(end - begin).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length];
        #[cfg(unix)]
        let read = std::os::unix::fs::FileExt::read_exact_at(&self.file, &mut bytes, begin);
        #[cfg(not(unix))]
        let read = {
            use std::io::SeekFrom;
            self.file.seek(SeekFrom::Start(begin)).and_then(|_| self.file.read_exact(&mut bytes))
        };
        read.map_err(|source| system::Error::Read { path: self.path.clone(), source })?;
        Ok(bytes)
    }
}

/// The lines in `bytes` without their ends; empty ones are left out.
fn split(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = std::iter::from_fn(move || {
        let rest = bytes;
        // The system's search for a byte, many times faster than a look at each; reading memory does not fail.
        let line = &rest[..bytes.skip_until(b'\n').unwrap_or_default()];
        (!line.is_empty()).then(|| line.strip_suffix(b"\n").unwrap_or(line))
    });
    lines.filter(|line| !line.is_empty())
}

/// The lines as a file's content.
pub(super) fn joined(lines: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(lines.iter().map(|line| line.len() + 1).sum());
    for line in lines {
        bytes.extend_from_slice(line);
        bytes.push(b'\n');
    }
    bytes
}

/// What a line is ordered by: all before its first tab.
pub(super) fn name_of(line: &[u8]) -> &[u8] {
    let end = line.iter().position(|byte| *byte == b'\t').unwrap_or(line.len());
    &line[..end]
}

/// The provider of the session that a line is about, if it bears a name.
pub(super) fn provider_of(line: &[u8]) -> Option<&str> {
    std::str::from_utf8(name_of(line)).ok()?.split_once('/').map(|(provider, _)| provider)
}

/// The session that a line is about, if it bears a name as we write them.
pub(super) fn key_of(line: &[u8]) -> Option<SessionKey> {
    let name = std::str::from_utf8(name_of(line)).ok()?;
    SessionKey::parse(name).ok().filter(|key| key.to_string() == name)
}
