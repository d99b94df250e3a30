//! Environment variables, and the directories that follow from them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{Error, files};

/// Environment variables as they were when the program started, or as a test or an embedding program sets them.
#[derive(Debug, Clone)]
pub struct Environment(Source);

#[derive(Debug, Clone)]
enum Source {
    Process,
    Given(BTreeMap<String, OsString>),
}

impl Environment {
    /// The variables of this process.
    pub fn process() -> Self {
        Self(Source::Process)
    }

    /// Exactly these variables.
    pub fn given<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(Source::Given(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect()))
    }

    /// The value of `name`; an empty value counts as unset.
    pub fn raw(&self, name: &str) -> Option<OsString> {
        let value = match &self.0 {
            Source::Process => std::env::var_os(name),
            Source::Given(variables) => variables.get(name).cloned(),
        };
        value.filter(|value| !value.is_empty())
    }

    /// The value of `name` if it is text; an empty value counts as unset.
    pub fn text(&self, name: &str) -> Option<String> {
        self.raw(name)?.into_string().ok()
    }

    /// The value of the first of `names` that is set.
    pub fn first(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.text(name))
    }

    /// Whether `name` is set to something other than `0`, `false` or `no`.
    pub fn flag(&self, name: &str) -> bool {
        self.text(name).is_some_and(|value| !matches!(value.to_ascii_lowercase().as_str(), "0" | "false" | "no"))
    }

    /// The value of `name` as an absolute path. Relative paths are ignored, as the XDG base directory specification asks.
    fn absolute(&self, name: &str) -> Option<PathBuf> {
        self.raw(name).map(PathBuf::from).filter(|path| path.is_absolute())
    }

    /// The user's home directory: `HOME`, else what the system's user database says.
    fn home(&self) -> Option<PathBuf> {
        match &self.0 {
            Source::Process => dirs::home_dir().filter(|path| path.is_absolute()),
            Source::Given(_) => self.absolute("HOME"),
        }
    }

    fn under_home(&self, what: &'static str, below: &str) -> Result<PathBuf, Error> {
        self.home().map(|home| home.join(below)).ok_or(Error::NoDirectory {
            what,
            reason: "HOME is not set to an absolute path, and the user database knows no home".into(),
        })
    }

    /// Where `name` says, if it is set; a relative path is an error, because it would depend on the working directory.
    fn chosen(&self, name: &'static str) -> Result<Option<PathBuf>, Error> {
        match self.raw(name).map(PathBuf::from) {
            Some(path) if !path.is_absolute() => {
                Err(Error::Setting { name: name.into(), reason: "it must be an absolute path".into() })
            }
            path => Ok(path),
        }
    }

    /// The directory of `config.toml` and the user's `providers.toml`.
    ///
    /// # Errors
    /// [`Error::NoDirectory`] without a home; [`Error::Setting`] for a relative `KEYFOB_CONFIG_DIR`.
    pub fn config_dir(&self) -> Result<PathBuf, Error> {
        if let Some(path) = self.chosen("KEYFOB_CONFIG_DIR")? {
            return Ok(path);
        }
        if let Some(base) = self.absolute("XDG_CONFIG_HOME") {
            return Ok(base.join("keyfob"));
        }
        self.platform_config()
    }

    /// The directory of the session index, the file store and the locks.
    ///
    /// # Errors
    /// [`Error::NoDirectory`] without a home; [`Error::Setting`] for a relative `KEYFOB_STATE_DIR`.
    pub fn state_dir(&self) -> Result<PathBuf, Error> {
        if let Some(path) = self.chosen("KEYFOB_STATE_DIR")? {
            return Ok(path);
        }
        if let Some(base) = self.absolute("XDG_STATE_HOME") {
            return Ok(base.join("keyfob"));
        }
        self.platform_state()
    }

    /// The directory of cached metadata and keys.
    ///
    /// # Errors
    /// [`Error::NoDirectory`] without a home; [`Error::Setting`] for a relative `KEYFOB_STATE_DIR`.
    pub fn cache_dir(&self) -> Result<PathBuf, Error> {
        if let Some(path) = self.chosen("KEYFOB_STATE_DIR")? {
            return Ok(path.join("cache"));
        }
        if let Some(base) = self.absolute("XDG_CACHE_HOME") {
            return Ok(base.join("keyfob"));
        }
        self.platform_cache()
    }

    /// The directory of files that live no longer than the program that reads them; in memory where the system has such
    /// a place for the user.
    ///
    /// # Errors
    /// [`Error::NoDirectory`] without a home; [`Error::Setting`] for a relative `KEYFOB_STATE_DIR`.
    pub fn run_dir(&self) -> Result<PathBuf, Error> {
        if let Some(path) = self.chosen("KEYFOB_STATE_DIR")? {
            return Ok(path.join("run"));
        }
        // After `su` it may be another user's, and in a job of cron it may be gone.
        match self.absolute("XDG_RUNTIME_DIR").filter(|base| files::is_own_dir(base)) {
            Some(base) => Ok(base.join("keyfob")),
            None => self.platform_run(),
        }
    }

    /// The directories of system-wide registries, the most important first.
    pub fn system_config_dirs(&self) -> Vec<PathBuf> {
        match self.text("XDG_CONFIG_DIRS") {
            Some(list) => {
                std::env::split_paths(&list).filter(|path| path.is_absolute()).map(|path| path.join("keyfob")).collect()
            }
            None => self.platform_system(),
        }
    }
}

#[cfg(not(any(target_os = "macos", windows)))]
impl Environment {
    fn platform_config(&self) -> Result<PathBuf, Error> {
        self.under_home("configuration", ".config/keyfob")
    }

    fn platform_state(&self) -> Result<PathBuf, Error> {
        self.under_home("sessions", ".local/state/keyfob")
    }

    fn platform_cache(&self) -> Result<PathBuf, Error> {
        self.under_home("cached metadata", ".cache/keyfob")
    }

    fn platform_run(&self) -> Result<PathBuf, Error> {
        self.state_dir().map(|path| path.join("run"))
    }

    fn platform_system(&self) -> Vec<PathBuf> {
        vec![Path::new("/etc/xdg/keyfob").into()]
    }
}

#[cfg(target_os = "macos")]
impl Environment {
    fn platform_config(&self) -> Result<PathBuf, Error> {
        self.under_home("configuration", "Library/Application Support/keyfob")
    }

    fn platform_state(&self) -> Result<PathBuf, Error> {
        self.under_home("sessions", "Library/Application Support/keyfob")
    }

    fn platform_cache(&self) -> Result<PathBuf, Error> {
        self.under_home("cached metadata", "Library/Caches/keyfob")
    }

    /// The system gives each user a directory for temporary files of his own.
    fn platform_run(&self) -> Result<PathBuf, Error> {
        // SAFETY: geteuid has no preconditions and cannot fail.
        let user = unsafe { libc::geteuid() };
        match self.absolute("TMPDIR") {
            Some(base) => Ok(base.join(format!("keyfob-{user}"))),
            None => self.state_dir().map(|path| path.join("run")),
        }
    }

    fn platform_system(&self) -> Vec<PathBuf> {
        vec![Path::new("/Library/Application Support/keyfob").into()]
    }
}

#[cfg(windows)]
impl Environment {
    /// `variable` if it is set, else the folder that Windows itself names.
    fn folder(&self, variable: &str, below_home: &str, what: &'static str) -> Result<PathBuf, Error> {
        match self.absolute(variable) {
            Some(path) => Ok(path.join("keyfob")),
            None => self.under_home(what, below_home),
        }
    }

    fn platform_config(&self) -> Result<PathBuf, Error> {
        self.folder("APPDATA", "AppData\\Roaming\\keyfob", "configuration")
    }

    fn platform_state(&self) -> Result<PathBuf, Error> {
        self.folder("LOCALAPPDATA", "AppData\\Local\\keyfob", "sessions")
    }

    fn platform_cache(&self) -> Result<PathBuf, Error> {
        self.folder("LOCALAPPDATA", "AppData\\Local\\keyfob", "cached metadata").map(|path| path.join("cache"))
    }

    fn platform_run(&self) -> Result<PathBuf, Error> {
        self.platform_state().map(|path| path.join("run"))
    }

    fn platform_system(&self) -> Vec<PathBuf> {
        let base = self.absolute("PROGRAMDATA").unwrap_or_else(|| Path::new("C:\\ProgramData").into());
        vec![base.join("keyfob")]
    }
}

#[cfg(all(test, unix, not(target_os = "macos")))]
mod tests {
    use std::path::Path;

    use super::{Environment, Error};

    #[test]
    fn directories_follow_the_xdg_specification() {
        let environment =
            Environment::given([("HOME", "/h"), ("XDG_STATE_HOME", "/s"), ("XDG_CACHE_HOME", "relative")]);

        assert_eq!(environment.config_dir().unwrap(), Path::new("/h/.config/keyfob"));
        assert_eq!(environment.state_dir().unwrap(), Path::new("/s/keyfob"));
        assert_eq!(environment.cache_dir().unwrap(), Path::new("/h/.cache/keyfob"));
    }

    #[test]
    fn the_state_override_moves_the_cache_too() {
        let environment = Environment::given([("HOME", "/h"), ("KEYFOB_STATE_DIR", "/x")]);

        assert_eq!(environment.state_dir().unwrap(), Path::new("/x"));
        assert_eq!(environment.cache_dir().unwrap(), Path::new("/x/cache"));
    }

    #[test]
    fn files_of_running_programs_are_in_the_run_time_directory_or_beside_the_index() {
        let own = tempfile::tempdir().unwrap();
        let path = own.path().to_str().unwrap();
        let run_dir = |variables: &[(&str, &str)]| Environment::given(variables.iter().copied()).run_dir().unwrap();

        assert_eq!(run_dir(&[("HOME", "/h"), ("XDG_RUNTIME_DIR", path)]), own.path().join("keyfob"));
        assert_eq!(
            run_dir(&[("HOME", "/h"), ("XDG_RUNTIME_DIR", "/not/there")]),
            Path::new("/h/.local/state/keyfob/run")
        );
        assert_eq!(run_dir(&[("HOME", "/h")]), Path::new("/h/.local/state/keyfob/run"));
        assert_eq!(run_dir(&[("KEYFOB_STATE_DIR", "/x"), ("XDG_RUNTIME_DIR", path)]), Path::new("/x/run"));
    }

    #[test]
    fn a_relative_override_is_refused_because_it_would_follow_the_working_directory() {
        let environment = Environment::given([("KEYFOB_CONFIG_DIR", "here")]);

        assert!(matches!(environment.config_dir(), Err(Error::Setting { name, .. }) if name == "KEYFOB_CONFIG_DIR"));
    }

    #[test]
    fn a_missing_home_is_named() {
        assert!(matches!(Environment::given([]).state_dir(), Err(Error::NoDirectory { what: "sessions", .. })));
    }
}
