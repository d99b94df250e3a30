//! The user's `config.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::{Document, base, strings};
use super::duration;
use super::error::{Error, Invalid, Problem};
use super::nearest::nearest;
use super::schema::AUTHORIZE_RESERVED;
use super::value::Origin;
use crate::system::{self, Environment};

/// What the user has chosen once and for all; defaults where nothing is said.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// The session of commands without a target.
    pub default: Option<String>,
    /// Where sessions are kept.
    pub storage: Storage,
    /// The key of the encrypted file store.
    pub file_key: FileKey,
    /// The browser's command line, or `none`.
    pub browser: Option<String>,
    /// How long to wait for a person; unset: what the grant says.
    pub timeout: Option<Duration>,
    /// A token is refreshed when it is valid for less than this.
    pub min_validity: Duration,
    /// Whether access tokens are also kept in the kernel's key ring.
    pub token_cache: bool,
    /// Whether commands start a login at a terminal when one is needed.
    pub auto_login: bool,
    /// Whether logout revokes.
    pub revoke_on_logout: bool,
    /// The address of a client ID metadata document, for servers that take such.
    pub client_id_metadata_document: Option<String>,
    /// Programs to run on events.
    pub hooks: Hooks,
    /// How long to wait for what.
    pub limits: Limits,
    /// Choices for single sessions, by name.
    pub sessions: BTreeMap<String, SessionSettings>,
}

/// Where sessions are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Storage {
    /// The keyring, else an error that names the choices.
    Auto,
    /// The keyring of the system.
    Keyring,
    /// An encrypted file.
    File,
    /// Nowhere: gone with the process.
    Memory,
    /// A program with the protocol of docker-credential-helpers.
    Command(Vec<String>),
}

impl Storage {
    /// The words that name a store.
    pub const WORDS: &'static [&'static str] = &["auto", "keyring", "file", "memory"];

    /// The store of this name.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "auto" => Some(Self::Auto),
            "keyring" => Some(Self::Keyring),
            "file" => Some(Self::File),
            "memory" => Some(Self::Memory),
            _ => None,
        }
    }
}

/// The key of the encrypted file store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKey {
    /// Derived from a passphrase.
    Passphrase,
    /// Kept in the keyring.
    Keyring,
    /// In a private file.
    File(PathBuf),
}

/// Programs to run on events, without a shell; empty: none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hooks {
    /// A person must log in.
    pub login_required: Vec<String>,
    /// A refresh failed.
    pub refresh_failed: Vec<String>,
}

/// How long to wait for what.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// For a connection; 10 s.
    pub connect: Duration,
    /// For the next bytes of an answer; 15 s.
    pub idle: Duration,
    /// For a whole request; 30 s.
    pub request: Duration,
    /// For the store; unset: 5 s, or 60 s where a person may have to unlock it.
    pub store: Option<Duration>,
    /// For another process that holds a lock; 30 s.
    pub lock: Duration,
    /// How far clocks may be apart; 60 s.
    pub clock_tolerance: Duration,
}

/// Choices for one session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionSettings {
    /// The browser's command line, or `none`.
    pub browser: Option<String>,
    /// What is asked for.
    pub scopes: Option<Vec<String>>,
    /// Extra parameters of the authorization request.
    pub authorize_params: BTreeMap<String, String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            default: None,
            storage: Storage::Auto,
            file_key: FileKey::Passphrase,
            browser: None,
            timeout: None,
            min_validity: Duration::from_secs(60),
            token_cache: true,
            auto_login: false,
            revoke_on_logout: true,
            client_id_metadata_document: None,
            hooks: Hooks::default(),
            limits: Limits::default(),
            sessions: BTreeMap::new(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(15),
            request: Duration::from_secs(30),
            store: None,
            lock: Duration::from_secs(30),
            clock_tolerance: Duration::from_secs(60),
        }
    }
}

const KEYS: &[&str] = &[
    "default",
    "storage",
    "file_key",
    "browser",
    "timeout",
    "min_validity",
    "token_cache",
    "auto_login",
    "revoke_on_logout",
    "client_id_metadata_document",
    "hooks",
    "limits",
    "sessions",
];
const HOOKS: &[&str] = &["login_required", "refresh_failed"];
const LIMITS: &[&str] = &["connect", "idle", "request", "store", "lock", "clock_tolerance"];
const SESSION: &[&str] = &["browser", "scopes", "authorize_params"];

impl Settings {
    /// Reads `path` (`--config`), else `config.toml` of the configuration directory; defaults when there is none.
    ///
    /// # Errors
    /// [`Error::NoFile`] when `path` does not exist; [`Error::UnsafeFile`] when others may write to the file;
    /// [`Error::Syntax`] and [`Error::Invalid`] with line and key.
    pub fn load(path: Option<&Path>, environment: &Environment) -> Result<Self, Error> {
        let file = match (path, environment.config_dir()) {
            (Some(path), _) => path.to_owned(),
            (None, Ok(directory)) => directory.join("config.toml"),
            (None, Err(system::Error::NoDirectory { .. })) => return Ok(Self::default()),
            (None, Err(error)) => return Err(error.into()),
        };
        match Document::read(&file, Origin::User(file.clone()))? {
            Some(document) => Self::parse(&document),
            None if path.is_some() => Err(Error::NoFile(file)),
            None => Ok(Self::default()),
        }
    }

    fn parse(document: &Document) -> Result<Self, Error> {
        let root = document.parse()?;
        let mut settings = Self::default();
        for item in Item::of(document, "", root.get_ref(), KEYS)? {
            settings.read(&item)?;
        }
        Ok(settings)
    }

    fn read(&mut self, item: &Item<'_>) -> Result<(), Error> {
        match item.name {
            "default" => self.default = Some(item.text()?),
            "storage" => self.storage = item.storage()?,
            "file_key" => self.file_key = item.file_key()?,
            "browser" => self.browser = Some(item.text()?),
            "timeout" => self.timeout = Some(item.duration()?),
            "min_validity" => self.min_validity = item.duration()?,
            "token_cache" => self.token_cache = item.flag()?,
            "auto_login" => self.auto_login = item.flag()?,
            "revoke_on_logout" => self.revoke_on_logout = item.flag()?,
            "client_id_metadata_document" => self.client_id_metadata_document = Some(item.text()?),
            "hooks" => {
                for hook in item.items(HOOKS)? {
                    match hook.name {
                        "login_required" => self.hooks.login_required = hook.list()?,
                        _ => self.hooks.refresh_failed = hook.list()?,
                    }
                }
            }
            "limits" => {
                for limit in item.items(LIMITS)? {
                    self.limits.read(&limit)?;
                }
            }
            _ => {
                for (name, value) in item.table()? {
                    let key = format!("sessions.\"{}\"", name.get_ref());
                    let session = Item { document: item.document, key, name: name.get_ref(), value };
                    self.sessions.insert(name.get_ref().to_string(), SessionSettings::read(&session)?);
                }
            }
        }
        Ok(())
    }
}

impl Limits {
    fn read(&mut self, item: &Item<'_>) -> Result<(), Error> {
        let duration = item.duration()?;
        match item.name {
            "connect" => self.connect = duration,
            "idle" => self.idle = duration,
            "request" => self.request = duration,
            "store" => self.store = Some(duration),
            "lock" => self.lock = duration,
            _ => self.clock_tolerance = duration,
        }
        Ok(())
    }
}

impl SessionSettings {
    fn read(item: &Item<'_>) -> Result<Self, Error> {
        let mut session = Self::default();
        for item in item.items(SESSION)? {
            match item.name {
                "browser" => session.browser = Some(item.text()?),
                "scopes" => session.scopes = Some(item.list()?),
                _ => {
                    for (name, value) in item.table()? {
                        let key = format!("{}.{}", item.key, name.get_ref());
                        let param = Item { document: item.document, key, name: name.get_ref(), value };
                        if AUTHORIZE_RESERVED.iter().any(|word| word.eq_ignore_ascii_case(param.name)) {
                            return Err(param.wrong(Problem::Reserved));
                        }
                        session.authorize_params.insert(param.name.into(), param.text()?);
                    }
                }
            }
        }
        Ok(session)
    }
}

/// A key of the file with its value.
struct Item<'a> {
    document: &'a Document,
    key: String,
    name: &'a str,
    value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Item<'a> {
    /// The items of a table whose keys are known.
    fn of(document: &'a Document, parent: &str, table: &'a DeTable<'a>, known: &[&str]) -> Result<Vec<Self>, Error> {
        let mut items = Vec::new();
        for (name, value) in table {
            let dotted = |name: &str| if parent.is_empty() { name.into() } else { format!("{parent}.{name}") };
            let key = dotted(name.get_ref());
            if !known.contains(&name.get_ref().as_ref()) {
                let nearest = nearest(name.get_ref(), known.iter().copied()).map(dotted);
                let problem = Problem::UnknownKey { nearest };
                return Err(
                    Box::new(Invalid { provider: None, key, place: document.place(name.span()), problem }).into()
                );
            }
            items.push(Self { document, key, name: name.get_ref(), value });
        }
        Ok(items)
    }

    fn items(&self, known: &[&str]) -> Result<Vec<Item<'a>>, Error> {
        Item::of(self.document, &self.key, self.table()?, known)
    }

    fn wrong(&self, problem: Problem) -> Error {
        let place = self.document.place(self.value.span());
        Box::new(Invalid { provider: None, key: self.key.clone(), place, problem }).into()
    }

    fn expected(&self, what: &'static str) -> Error {
        self.wrong(Problem::Expected(what))
    }

    fn table(&self) -> Result<&'a DeTable<'a>, Error> {
        self.value.get_ref().as_table().ok_or_else(|| self.expected("a table"))
    }

    fn text(&self) -> Result<String, Error> {
        match self.value.get_ref().as_str() {
            Some(text) if !text.is_empty() && !text.contains(char::is_control) => Ok(text.into()),
            _ => Err(self.expected("a string that is not empty and holds no control character")),
        }
    }

    fn flag(&self) -> Result<bool, Error> {
        self.value.get_ref().as_bool().ok_or_else(|| self.expected("`true` or `false`"))
    }

    fn list(&self) -> Result<Vec<String>, Error> {
        strings(self.value.get_ref()).ok_or_else(|| self.expected("a list of strings"))
    }

    fn duration(&self) -> Result<Duration, Error> {
        let parsed = match self.value.get_ref() {
            DeValue::String(text) => duration::parse(text),
            DeValue::Integer(number) if number.radix() == 10 => duration::parse(number.as_str()),
            _ => None,
        };
        parsed.ok_or_else(|| self.expected(duration::FORM))
    }

    /// The value of the table's only key, if it is `name`.
    fn only(&self, name: &str) -> Option<&'a DeValue<'a>> {
        let table = self.value.get_ref().as_table().filter(|table| table.len() == 1)?;
        table.get(name).map(Spanned::get_ref)
    }

    fn storage(&self) -> Result<Storage, Error> {
        if let Some(command) = self.only("command").and_then(strings)
            && command.first().is_some_and(|program| !program.is_empty())
        {
            return Ok(Storage::Command(command));
        }
        self.value
            .get_ref()
            .as_str()
            .and_then(Storage::parse)
            .ok_or_else(|| self.expected("`auto`, `keyring`, `file`, `memory` or `{ command = [\"PROGRAM\"] }`"))
    }

    fn file_key(&self) -> Result<FileKey, Error> {
        if let Some(path) = self.only("file").and_then(DeValue::as_str)
            && !path.is_empty()
            && !path.starts_with('~')
        {
            // Never the working directory: relative to the file that says so.
            return Ok(FileKey::File(base(&self.document.origin).unwrap_or_default().join(path)));
        }
        match self.value.get_ref().as_str() {
            Some("passphrase") => Ok(FileKey::Passphrase),
            Some("keyring") => Ok(FileKey::Keyring),
            _ => Err(self.expected("`passphrase`, `keyring` or `{ file = \"PATH\" }` (without `~`)")),
        }
    }
}

#[cfg(test)]
mod tests;
