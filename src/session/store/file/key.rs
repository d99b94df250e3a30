//! The key of the encrypted files, and where it comes from.

use std::fmt;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::passphrase::{PassphraseSource, Wanted};
use crate::secret::Secret;
use crate::session::Error;
use crate::session::lock::FileLock;
use crate::session::store::{KeyringStore, Store};
use crate::system::{self, files, random};

/// The name under which the key lies in the keyring.
const IN_KEYRING: &str = "file_key";

/// A key, and what it is recognised by.
pub(super) struct Key {
    bytes: Zeroizing<[u8; 32]>,
}

impl Key {
    /// Length of the identifier in bytes.
    pub(super) const ID: usize = 8;

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// Tells keys apart and nothing about them.
    pub(super) fn id(&self) -> [u8; Self::ID] {
        let mut id = [0; Self::ID];
        id.copy_from_slice(&derived(&self.bytes, b"keyfob file key identifier")[..Self::ID]);
        id
    }

    fn parse(text: &[u8], place: &str) -> Result<Self, Error> {
        let bad = |reason| Error::BadKey { place: place.into(), reason };
        let mut bytes = Zeroizing::new([0; 32]);
        let mut decoded = Zeroizing::new([0; 36]);
        match STANDARD.decode_slice(text.trim_ascii(), &mut *decoded) {
            Ok(32) => bytes.copy_from_slice(&decoded[..32]),
            _ => return Err(bad("it is not 32 bytes in base64")),
        }
        Ok(Self { bytes })
    }

    fn random_text() -> Result<Zeroizing<String>, Error> {
        let bytes = Zeroizing::new(random::bytes::<32>()?);
        Ok(Zeroizing::new(STANDARD.encode(*bytes)))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// HMAC-SHA-256 as a function of purpose: the passphrase's derivative is not used as a key and a check at once.
fn derived(secret: &[u8; 32], purpose: &[u8]) -> Zeroizing<[u8; 32]> {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), purpose);
    let mut bytes = Zeroizing::new([0; 32]);
    bytes.copy_from_slice(tag.as_ref());
    bytes
}

/// How expensive a guess at the passphrase is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    pub memory_kib: u32,
    pub passes: u32,
}

impl Cost {
    /// The second recommended option of RFC 9106 §4, with one lane: 64 MiB, 3 passes; a third of a second.
    pub(super) const RECOMMENDED: Self = Self { memory_kib: 64 * 1024, passes: 3 };
}

/// How the key follows from the passphrase, and by what a wrong one is told from damage.
#[derive(Serialize, Deserialize)]
struct Derivation {
    version: u64,
    kdf: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: String,
    check: String,
}

/// Where the key comes from.
#[derive(Debug)]
pub(super) enum Source {
    Passphrase { from: PassphraseSource, cost: Cost },
    Keyring(KeyringStore),
    File(PathBuf),
}

impl Source {
    /// The key; `None` when there is none yet.
    pub(super) fn key(&self, state_dir: &Path) -> Result<Option<Key>, Error> {
        match self {
            Self::Passphrase { from, .. } => match derivation(state_dir)? {
                Some(derivation) => derivation.key(&from.read(Wanted::Existing)?, state_dir).map(Some),
                None => Ok(None),
            },
            Self::Keyring(keyring) => {
                let text = keyring.load_secret(IN_KEYRING)?;
                text.map(|text| Key::parse(text.expose().as_bytes(), "the keyring")).transpose()
            }
            Self::File(path) => {
                let text = files::read_private(path, 4096)?.map(Zeroizing::new);
                text.map(|text| Key::parse(&text, &path.display().to_string())).transpose()
            }
        }
    }

    /// The key, which is made if there is none; of several processes that do so at once, all get the same.
    pub(super) fn key_or_new(&self, state_dir: &Path) -> Result<Key, Error> {
        if let Some(key) = self.key(state_dir)? {
            return Ok(key);
        }
        let label = "keyfob: key of the file store";
        match self {
            Self::Passphrase { from, cost } => {
                // A person may take his time, so that no lock is held meanwhile.
                let passphrase = from.read(Wanted::New)?;
                let _lock = FileLock::brief(state_dir, "file-key")?;
                let derivation = match derivation(state_dir)? {
                    Some(derivation) => derivation,
                    None => Derivation::new(&passphrase, *cost, state_dir)?,
                };
                derivation.key(&passphrase, state_dir)
            }
            Self::Keyring(keyring) => {
                self.made(state_dir, |text| keyring.save_secret(IN_KEYRING, label, &Secret::new(text)))
            }
            Self::File(path) => self.made(state_dir, |text| write_new(path, text.as_bytes())),
        }
    }

    /// A random key, kept by `keep` unless another process was faster.
    fn made(&self, state_dir: &Path, keep: impl FnOnce(&str) -> Result<(), Error>) -> Result<Key, Error> {
        let _lock = FileLock::brief(state_dir, "file-key")?;
        if let Some(key) = self.key(state_dir)? {
            return Ok(key);
        }
        keep(&Key::random_text()?)?;
        // Two state directories may share a key file, and with it not the lock: what is there counts.
        self.key(state_dir)?.ok_or_else(|| Error::BadKey { place: self.place(state_dir), reason: "it vanished" })
    }

    /// Where the key lies, for messages.
    pub(super) fn place(&self, state_dir: &Path) -> String {
        match self {
            Self::Passphrase { .. } => derivation_path(state_dir).display().to_string(),
            Self::Keyring(_) => "the keyring".into(),
            Self::File(path) => path.display().to_string(),
        }
    }
}

/// Writes a file that must not exist yet, all at once; one that came into being meanwhile is left.
fn write_new(path: &Path, text: &[u8]) -> Result<(), Error> {
    let failed = |source| system::Error::Write { path: path.into(), source };
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !directory.exists() {
        files::private_dir(directory)?;
    }
    let mut file = tempfile::Builder::new().prefix(".keyfob-").tempfile_in(directory).map_err(failed)?;
    file.write_all(text)
        .and_then(|()| file.write_all(b"\n"))
        .and_then(|()| file.as_file().sync_all())
        .map_err(failed)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(error.error).into()),
    }
}

fn derivation_path(state_dir: &Path) -> PathBuf {
    state_dir.join("sessions").join("key.params")
}

fn derivation(state_dir: &Path) -> Result<Option<Derivation>, Error> {
    let path = derivation_path(state_dir);
    let place = path.display().to_string();
    let bad = |reason| Error::BadKey { place: place.clone(), reason };
    let Some(bytes) = files::read_private(&path, 4096)? else { return Ok(None) };
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(|_| bad("it is damaged"))?;
    match value.get("version").and_then(serde_json::Value::as_u64) {
        Some(1) => {}
        Some(version) if version > 1 => return Err(Error::NewerVersion { name: "file_key".into(), place, version }),
        _ => return Err(bad("it is damaged")),
    }
    let derivation: Derivation = serde_json::from_value(value).map_err(|_| bad("it is damaged"))?;
    // Limits against a file made to exhaust the machine: sixteen times the recommended memory, ten times its passes.
    let sound = derivation.kdf == "argon2id"
        && derivation.memory_kib <= 1024 * 1024
        && derivation.passes <= 30
        && derivation.lanes <= 16;
    if sound { Ok(Some(derivation)) } else { Err(bad("it asks for a derivation that is not ours")) }
}

impl Derivation {
    fn new(passphrase: &Secret, cost: Cost, state_dir: &Path) -> Result<Self, Error> {
        let salt = random::bytes::<16>()?;
        let mut derivation = Self {
            version: 1,
            kdf: "argon2id".into(),
            memory_kib: cost.memory_kib,
            passes: cost.passes,
            lanes: 1,
            salt: STANDARD.encode(salt),
            check: String::new(),
        };
        let root = derivation.root(passphrase, state_dir)?;
        derivation.check = STANDARD.encode(*derived(&root, b"keyfob passphrase check"));
        let bytes = serde_json::to_vec(&derivation).expect("strings and numbers can be written");
        files::private_dir(&state_dir.join("sessions"))?;
        files::replace(&derivation_path(state_dir), &bytes)?;
        Ok(derivation)
    }

    fn key(&self, passphrase: &Secret, state_dir: &Path) -> Result<Key, Error> {
        let root = self.root(passphrase, state_dir)?;
        let check = Secret::new(STANDARD.encode(*derived(&root, b"keyfob passphrase check")));
        if check != Secret::new(self.check.as_str()) {
            return Err(Error::WrongPassphrase);
        }
        Ok(Key { bytes: derived(&root, b"keyfob file key") })
    }

    /// # Specification
    /// RFC 9106 §3 (Argon2id, version 0x13).
    fn root(&self, passphrase: &Secret, state_dir: &Path) -> Result<Zeroizing<[u8; 32]>, Error> {
        let bad = |reason| Error::BadKey { place: derivation_path(state_dir).display().to_string(), reason };
        let salt = STANDARD.decode(&self.salt).map_err(|_| bad("it is damaged"))?;
        let params =
            Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).map_err(|_| bad("it is damaged"))?;
        let mut root = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.expose().as_bytes(), &salt, &mut *root)
            .map_err(|_| bad("the derivation cannot be done, perhaps for lack of memory"))?;
        Ok(root)
    }
}
