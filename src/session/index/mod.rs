//! What is known of the sessions without opening a store.
//!
//! One file, a line for each session: its name, a tab, and JSON without any secret. Lines are ordered by their names, so
//! that one is found by bisecting and all are read at once; a list and the choice of a session need nothing else. Readers take no lock: the file is replaced as a whole, and an open one stays as it was.
//! A line that cannot be understood concerns its own session only. The index may lag behind the store; whoever finds a
//! mismatch puts it right.

mod entry;
mod lines;
mod row;
mod sought;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use entry::Entry;
use lines::Lines;
pub use row::{Row, Term};
use sought::Sought;

use super::lock::FileLock;
use super::{Error, SessionKey};
use crate::system::{self, files};

/// Version of the lines that are written.
const VERSION: u64 = 1;

/// A line that cannot be understood. It stays where it is until its session is put anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    /// Its session, if that much can be read.
    pub key: Option<SessionKey>,
    /// Its number, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

impl std::fmt::Display for Damaged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.key {
            Some(key) => write!(f, "what the index knows of `{key}` is damaged: {}", self.reason),
            None => write!(f, "line {} of the index is damaged: {}", self.line, self.reason),
        }
    }
}

/// The index of a state directory.
#[derive(Debug, Clone)]
pub struct Index {
    state_dir: PathBuf,
}

impl Index {
    /// The index in `state_dir`; nothing is read or made yet.
    pub fn open(state_dir: &Path) -> Self {
        Self { state_dir: state_dir.into() }
    }

    /// Where it lies.
    pub fn path(&self) -> PathBuf {
        self.state_dir.join("index")
    }

    /// The entry of one session.
    ///
    /// # Errors
    /// [`Error::Corrupt`] and [`Error::NewerVersion`] for its own line; [`Error::System`] when the file cannot be read.
    pub fn find(&self, key: &SessionKey) -> Result<Option<Entry>, Error> {
        let name = key.to_string();
        let Some(mut lines) = Lines::open(&self.path())? else { return Ok(None) };
        let found = match lines.from(name.as_bytes(), |line| lines::name_of(line) == name.as_bytes())? {
            Some(found) => found,
            None => lines.all()?.into_iter().filter(|line| lines::name_of(line) == name.as_bytes()).collect(),
        };
        // A readable line beside a damaged one of the same name is the later one.
        let mut answer = Ok(None);
        for line in &found {
            match self.understood(line) {
                Ok(entry) => return Ok(Some(entry)),
                Err(error) => answer = Err(error),
            }
        }
        answer
    }

    /// The readable entries of one provider, in the order of their names.
    ///
    /// # Errors
    /// [`Error::System`] when the file cannot be read.
    pub fn of_provider(&self, provider: &str) -> Result<Vec<Entry>, Error> {
        let prefix = format!("{provider}/");
        let Some(mut lines) = Lines::open(&self.path())? else { return Ok(Vec::new()) };
        let of_provider = |line: &[u8]| line.starts_with(prefix.as_bytes());
        let found = match lines.from(prefix.as_bytes(), of_provider)? {
            Some(found) => found,
            None => lines.all()?.into_iter().filter(|line| of_provider(line)).collect(),
        };
        let mut entries: Vec<Entry> = found.iter().filter_map(|line| self.understood(line).ok()).collect();
        entries.sort_by_cached_key(|entry| entry.key.to_string());
        Ok(entries)
    }

    /// All entries, in the order of their names, and the lines that are none.
    ///
    /// # Errors
    /// [`Error::System`] when the file cannot be read.
    pub fn all(&self) -> Result<(Vec<Entry>, Vec<Damaged>), Error> {
        self.fold(Vec::new, |entries, line| self.understood(line).map(|entry| entries.push(entry)))
    }

    /// Those entries, in the order of their names, that may hold an address on `host`, a domain, or whose provider is
    /// `wanted`: all others surely do not.
    ///
    /// # Errors
    /// [`Error::System`] when the file cannot be read.
    pub fn around(&self, host: &str, mut wanted: impl FnMut(&str) -> bool) -> Result<Vec<Entry>, Error> {
        let sought = Sought::new(host);
        let (entries, _) = self.fold(Vec::new, |entries, line| {
            if sought.may_be_in(line) || lines::provider_of(line).is_some_and(&mut wanted) {
                entries.push(self.understood(line)?);
            }
            Ok(())
        })?;
        Ok(entries)
    }

    /// Gathers what a list shows of each entry, in the order of their names, and the lines that are none; begins anew when
    /// the file turns out to be in another order.
    ///
    /// # Errors
    /// [`Error::System`] when the file cannot be read.
    pub fn rows<T>(
        &self,
        begin: impl Fn() -> T,
        mut add: impl FnMut(&mut T, Row<'_>),
    ) -> Result<(T, Vec<Damaged>), Error> {
        self.fold(begin, |all, line| {
            match Row::as_written(line) {
                Some(row) => add(all, row),
                None => add(all, Row::from(&self.understood(line)?)),
            }
            Ok(())
        })
    }

    /// Makes sure that the index could be rewritten now, and that sessions can be locked.
    ///
    /// # Errors
    /// [`Error::System`] when the directory takes no file; [`Error::Busy`].
    pub fn probe(&self) -> Result<(), Error> {
        let _lock = FileLock::brief(&self.state_dir, "index")?;
        if self.path().is_dir() {
            let reason = "it is a directory, where the index of sessions is to be written".into();
            return Err(system::Error::UnsafeFile { path: self.path(), reason }.into());
        }
        let trial = self.state_dir.join("probe");
        files::replace(&trial, &[b'.'; 4096])?;
        files::remove(&trial)?;
        Ok(())
    }

    /// Adds the entry or replaces that of the same session. An entry that was made its provider's default stays it.
    ///
    /// # Errors
    /// [`Error::NewerVersion`] when the session's line was written by a newer program; [`Error::Busy`];
    /// [`Error::System`], with the file unchanged.
    pub fn put(&self, mut entry: Entry) -> Result<(), Error> {
        let name = entry.key.to_string();
        self.rewrite(|lines| {
            let is_same = |line: &Vec<u8>| lines::name_of(line) == name.as_bytes();
            for line in lines.iter().filter(|line| is_same(line)) {
                match self.understood(line) {
                    Ok(old) => entry.default |= old.default,
                    Err(newer @ Error::NewerVersion { .. }) => return Err(newer),
                    Err(_) => {}
                }
            }
            lines.retain(|line| !is_same(line));
            lines.push(entry.to_line());
            Ok(())
        })
    }

    /// Removes a session's entry, readable or not; `false` when there was none.
    ///
    /// # Errors
    /// [`Error::Busy`]; [`Error::System`], with the file unchanged.
    pub fn remove(&self, key: &SessionKey) -> Result<bool, Error> {
        let name = key.to_string();
        let mut removed = false;
        self.rewrite(|lines| {
            let before = lines.len();
            lines.retain(|line| lines::name_of(line) != name.as_bytes());
            removed = lines.len() < before;
            Ok(())
        })?;
        Ok(removed)
    }

    /// Makes a session its provider's default in place of any other; `false` when it has no readable entry.
    ///
    /// # Errors
    /// [`Error::Busy`]; [`Error::System`], with the file unchanged.
    pub fn set_default(&self, key: &SessionKey) -> Result<bool, Error> {
        let prefix = format!("{}/", key.provider());
        let mut found = false;
        self.rewrite(|lines| {
            let entries: Vec<Option<Entry>> = lines
                .iter()
                .map(|line| line.starts_with(prefix.as_bytes()).then(|| self.understood(line).ok()).flatten())
                .collect();
            found = entries.iter().flatten().any(|entry| entry.key == *key);
            if !found {
                return Ok(());
            }
            for (line, entry) in lines.iter_mut().zip(entries) {
                if let Some(mut entry) = entry.filter(|entry| entry.default != (entry.key == *key)) {
                    entry.default = !entry.default;
                    *line = entry.to_line();
                }
            }
            Ok(())
        })?;
        Ok(found)
    }

    fn lines(&self) -> Result<Vec<Vec<u8>>, Error> {
        match Lines::open(&self.path())? {
            Some(mut lines) => lines.all(),
            None => Ok(Vec::new()),
        }
    }

    /// Gathers from all lines in the order of their names, and those that `add` does not understand in that of the file.
    fn fold<T>(
        &self,
        begin: impl Fn() -> T,
        mut add: impl FnMut(&mut T, &[u8]) -> Result<(), Error>,
    ) -> Result<(T, Vec<Damaged>), Error> {
        let mut add = |(all, damaged): &mut (T, Vec<Damaged>), number: usize, line: &[u8]| {
            if let Err(error) = add(all, line) {
                let reason = match error {
                    Error::Corrupt { reason, .. } => reason,
                    other => other.to_string(),
                };
                damaged.push(Damaged { key: lines::key_of(line), line: number, reason });
            }
        };
        let mut gathered = (begin(), Vec::new());
        let Some(mut lines) = Lines::open(&self.path())? else { return Ok(gathered) };
        let (mut ordered, mut previous) = (true, Vec::new());
        lines.each(|number, line| {
            let name = lines::name_of(line);
            ordered &= previous.as_slice() <= name;
            previous.clear();
            previous.extend_from_slice(name);
            add(&mut gathered, number, line);
        })?;
        if !ordered {
            gathered = (begin(), Vec::new());
            let mut sorted: Vec<(usize, Vec<u8>)> = (1..).zip(lines.all()?).collect();
            sorted.sort_by(|(_, one), (_, other)| lines::name_of(one).cmp(lines::name_of(other)));
            sorted.iter().for_each(|(number, line)| add(&mut gathered, *number, line));
            gathered.1.sort_by_key(|damage| damage.line);
        }
        Ok(gathered)
    }

    fn understood(&self, line: &[u8]) -> Result<Entry, Error> {
        Entry::from_line(line, &self.path())
    }

    /// Changes the lines under the index's own lock, which is held for this moment only.
    fn rewrite(&self, change: impl FnOnce(&mut Vec<Vec<u8>>) -> Result<(), Error>) -> Result<(), Error> {
        let lock = FileLock::brief(&self.state_dir, "index")?;
        let old = self.lines()?;
        let mut new = old.clone();
        change(&mut new)?;
        if new == old {
            return Ok(());
        }
        // What has no name can be neither found nor repaired: it is moved aside, where a person can still look at it.
        let (mut named, nameless): (Vec<_>, Vec<_>) = new.into_iter().partition(|line| lines::key_of(line).is_some());
        named.sort_by(|a, b| lines::name_of(a).cmp(lines::name_of(b)));
        let write = |path: &Path, lines: &[Vec<u8>]| {
            let bytes = lines::joined(lines);
            if lock.enforced() { files::replace(path, &bytes) } else { files::replace_unlocked(path, &bytes) }
        };
        if !nameless.is_empty() {
            write(&self.state_dir.join("index.damaged"), &nameless)?;
        }
        write(&self.path(), &named)?;
        Ok(())
    }
}
