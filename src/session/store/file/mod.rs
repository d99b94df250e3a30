//! Sessions in encrypted files: one file each, replaced as a whole.
//!
//! For machines without a keyring and for people with thousands of sessions; never used unless chosen. What is encrypted
//! how is in `sealed`, where the key comes from in `key`, where its passphrase in `passphrase`. The key is fetched, or its passphrase asked for, when the first
//! file is opened or written, and then kept for the life of the store.

mod key;
mod passphrase;
mod sealed;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use key::{Cost, Key, Source};
pub use passphrase::{Ask, PassphraseSource, Wanted};

use super::{Error, FileKey, KeyringStore, Session, SessionKey, SessionLock, Store, StoreOptions, recovery};
use crate::secret::Secret;
use crate::session::{key::hex, record};
use crate::system::{self, files};

/// Largest file in bytes; a session with the largest tokens known needs a fortieth.
const LIMIT: usize = 4 * 1024 * 1024;

/// Bytes written to see whether the disk takes them: more than an ordinary session.
const PROBE: usize = 16 * 1024;

/// The encrypted files of one state directory.
pub struct FileStore {
    state_dir: PathBuf,
    source: Source,
    key: Mutex<Option<Arc<Key>>>,
}

impl FileStore {
    /// The store in the options' state directory; nothing is read or asked yet.
    ///
    /// # Errors
    /// [`Error::NotAvailable`] when the key should be in a keyring and the system has none.
    pub fn new(options: StoreOptions) -> Result<Self, Error> {
        let keyring = KeyringStore::system(&options);
        let source = match options.file_key {
            FileKey::Passphrase(from) => Source::Passphrase { from, cost: Cost::RECOMMENDED },
            FileKey::Keyring => Source::Keyring(keyring?),
            FileKey::File(path) => Source::File(path),
        };
        Ok(Self::with(options.state_dir, source))
    }

    fn with(state_dir: PathBuf, source: Source) -> Self {
        Self { state_dir, source, key: Mutex::new(None) }
    }

    fn sessions(&self) -> PathBuf {
        self.state_dir.join("sessions")
    }

    fn path(&self, key: &SessionKey) -> PathBuf {
        self.sessions().join(format!("{}.session", key.file_name()))
    }

    fn secret_path(&self, name: &str) -> PathBuf {
        let digest = ring::digest::digest(&ring::digest::SHA256, name.as_bytes());
        self.state_dir.join("secrets").join(format!("{}.secret", hex(&digest.as_ref()[..16])))
    }

    /// The key for a file that exists.
    fn key(&self) -> Result<Arc<Key>, Error> {
        self.cached(|| {
            let missing = || Error::BadKey { place: self.source.place(&self.state_dir), reason: "it does not exist" };
            self.source.key(&self.state_dir)?.ok_or_else(missing)
        })
    }

    /// The key for a file to be written.
    fn key_or_new(&self) -> Result<Arc<Key>, Error> {
        self.cached(|| {
            files::private_dir(&self.state_dir)?;
            self.source.key_or_new(&self.state_dir)
        })
    }

    /// The key of before, else what `fetch` gives; whoever comes meanwhile waits, so that a person is asked once.
    fn cached(&self, fetch: impl FnOnce() -> Result<Key, Error>) -> Result<Arc<Key>, Error> {
        let mut cached = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = &*cached {
            return Ok(key.clone());
        }
        Ok(cached.insert(Arc::new(fetch()?)).clone())
    }

    /// The plain text of the file at `path`; `None` when there is none, and then no key is needed.
    fn opened(&self, name: &str, path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let Some(bytes) = files::read_private(path, LIMIT)? else { return Ok(None) };
        // A file that no key can open is told before a person is asked for one.
        sealed::head(name, &bytes, path)?;
        sealed::open(&*self.key()?, name, &bytes, path).map(Some)
    }

    /// Makes room for a new file, given what reading the old one came to: a newer version is refused, what cannot be read
    /// is moved aside, without following it.
    fn make_room<T>(path: &Path, old: Result<T, Error>) -> Result<(), Error> {
        match old {
            Ok(_) => Ok(()),
            Err(error) if error.is_damage() => set_aside(path),
            Err(Error::System(system::Error::UnsafeFile { .. })) => set_aside(path),
            Err(error) => Err(error),
        }
    }

    fn rescued(&self, key: &SessionKey) -> Result<Option<Session>, Error> {
        let Some(bytes) = recovery::read(&self.state_dir, key)? else { return Ok(None) };
        let path = recovery::path(&self.state_dir, key);
        let plain = if sealed::is_sealed(&bytes) {
            sealed::open(&*self.key()?, &key.to_string(), &bytes, &path)?
        } else {
            bytes
        };
        record::from_bytes(&plain, key, &path.display().to_string()).map(Some)
    }

    fn stored(&self, key: &SessionKey) -> Result<Option<Session>, Error> {
        let path = self.path(key);
        let plain = self.opened(&key.to_string(), &path)?;
        plain.map(|plain| record::from_bytes(&plain, key, &path.display().to_string())).transpose()
    }
}

/// Moves what is at `path` to `path.corrupt`, in place of an older one.
fn set_aside(path: &Path) -> Result<(), Error> {
    fs::rename(path, aside(path)).map_err(|source| system::Error::Write { path: path.into(), source }.into())
}

fn aside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".corrupt");
    name.into()
}

/// Names of secrets in their files; no session has such a name.
fn secret_name(name: &str) -> String {
    format!("secret:{name}")
}

impl Store for FileStore {
    fn name(&self) -> &'static str {
        "file"
    }

    /// A passphrase is asked for and checked, and a key is made if there is none: a login must not fail at that.
    fn probe(&self) -> Result<(), Error> {
        let directory = self.sessions();
        files::private_dir(&self.state_dir)?;
        files::private_dir(&directory)?;
        // A file without a name: a killed probe leaves nothing.
        let written = tempfile::tempfile_in(&directory).and_then(|mut file| {
            file.write_all(&[0; PROBE])?;
            file.sync_all()
        });
        written.map_err(|source| system::Error::Write { path: directory, source })?;
        self.key_or_new().map(drop)
    }

    fn load(&self, key: &SessionKey) -> Result<Option<Session>, Error> {
        recovery::newer(self.stored(key), self.rescued(key))
    }

    fn save(&self, session: &Session, held: &SessionLock) -> Result<(), Error> {
        held.allows(&session.key)?;
        let (name, path) = (session.key.to_string(), self.path(&session.key));
        let key = self.key_or_new()?;
        files::private_dir(&self.sessions())?;
        let bytes = sealed::seal(&key, &name, &record::to_bytes(session))?;
        Self::make_room(&path, self.stored(&session.key))?;
        if held.is_enforced() {
            files::replace(&path, &bytes)?
        } else {
            files::replace_unlocked(&path, &bytes)?
        }
        recovery::discard(&self.state_dir, &session.key)?;
        Ok(())
    }

    fn remove(&self, key: &SessionKey, held: &SessionLock) -> Result<bool, Error> {
        held.allows(key)?;
        let path = self.path(key);
        if let Some(bytes) = files::read_private(&path, LIMIT)?
            && let Err(newer @ Error::NewerVersion { .. }) = sealed::head(&key.to_string(), &bytes, &path)
        {
            return Err(newer);
        }
        // The rescued one first: if it stayed, it would bring the session back.
        let rescued = recovery::discard(&self.state_dir, key)?;
        let removed = files::remove(&path)?;
        files::remove(&aside(&path))?;
        Ok(removed || rescued)
    }

    fn list(&self) -> Result<Vec<SessionKey>, Error> {
        let directory = self.sessions();
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(system::Error::Read { path: directory, source }.into()),
        };
        let mut keys: Vec<SessionKey> = entries
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "session"))
            .filter_map(|path| {
                let bytes = files::read_private(&path, LIMIT).ok()??;
                let key = SessionKey::parse(sealed::head("", &bytes, &path).ok()?.name).ok()?;
                (self.path(&key) == path).then_some(key)
            })
            .collect();
        keys.sort();
        Ok(keys)
    }

    fn rescue(&self, session: &Session, held: &SessionLock) -> Result<PathBuf, Error> {
        held.allows(&session.key)?;
        let plain = record::to_bytes(session);
        match self.key() {
            Ok(key) => {
                let bytes = sealed::seal(&key, &session.key.to_string(), &plain)?;
                recovery::write(&self.state_dir, &session.key, &bytes)
            }
            Err(_) => recovery::write(&self.state_dir, &session.key, &plain),
        }
    }

    fn load_secret(&self, name: &str) -> Result<Option<Secret>, Error> {
        let path = self.secret_path(name);
        let Some(plain) = self.opened(&secret_name(name), &path)? else { return Ok(None) };
        let text = std::str::from_utf8(&plain).map_err(|_| Error::Corrupt {
            name: name.into(),
            place: path.display().to_string(),
            reason: "it is not UTF-8".into(),
        })?;
        Ok(Some(Secret::new(text)))
    }

    fn save_secret(&self, name: &str, _label: &str, value: &Secret) -> Result<(), Error> {
        let (own_name, path) = (secret_name(name), self.secret_path(name));
        let key = self.key_or_new()?;
        files::private_dir(&self.state_dir.join("secrets"))?;
        let bytes = sealed::seal(&key, &own_name, value.expose().as_bytes())?;
        Self::make_room(&path, self.opened(&own_name, &path))?;
        Ok(files::replace_unlocked(&path, &bytes)?)
    }

    fn remove_secret(&self, name: &str) -> Result<bool, Error> {
        let path = self.secret_path(name);
        files::remove(&aside(&path))?;
        Ok(files::remove(&path)?)
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore")
            .field("state_dir", &self.state_dir)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
