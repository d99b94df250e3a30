//! A setting's value, where it came from, and secrets that are named rather than written.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use super::words::Runner;
use crate::secret::Secret;

/// A setting's value.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A string.
    Text(Cow<'static, str>),
    /// A whole number.
    Int(i64),
    /// `true` or `false`.
    Bool(bool),
    /// A list of strings.
    List(Vec<Cow<'static, str>>),
    /// A secret, or where one is found.
    Secret(SecretSource),
}

impl Value {
    /// The string, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Cow::Owned(text.into()))
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<Vec<String>> for Value {
    fn from(items: Vec<String>) -> Self {
        Self::List(items.into_iter().map(Cow::Owned).collect())
    }
}

impl From<SecretSource> for Value {
    fn from(source: SecretSource) -> Self {
        Self::Secret(source)
    }
}

impl fmt::Display for Value {
    /// As a person reads it; a written-out secret is `[secret]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Int(number) => number.fmt(f),
            Self::Bool(flag) => flag.fmt(f),
            Self::List(items) => f.write_str(&items.join(" ")),
            Self::Secret(source) => source.fmt(f),
        }
    }
}

/// Where a secret is found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretSource {
    /// Written out.
    Literal(Secret),
    /// In an environment variable of this name.
    Env(String),
    /// In a file.
    File(PathBuf),
    /// What a program prints; program and arguments, run without a shell.
    Command(Vec<String>),
    /// In the store of the sessions.
    Store,
    /// What the machine's platform says of it; fetched anew at each use.
    Runner {
        /// The platform.
        platform: Runner,
        /// Whom the statement is for; the server, where nothing is said.
        audience: Option<String>,
    },
}

impl SecretSource {
    /// Variables of the environment in which the secret is, or by which it is had.
    pub fn variables(&self) -> Vec<String> {
        match self {
            Self::Env(name) => vec![name.clone()],
            Self::Runner { platform, .. } => {
                platform.secret_variables().iter().map(|name| (*name).to_owned()).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(_) => f.write_str("[secret]"),
            Self::Env(name) => write!(f, "env {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            // Its arguments may be telling.
            Self::Command(command) => write!(f, "command {}", command.first().map_or("", String::as_str)),
            Self::Store => f.write_str("store"),
            Self::Runner { platform, audience: None } => write!(f, "runner {}", platform.word()),
            Self::Runner { platform, audience: Some(audience) } => {
                write!(f, "runner {} for {audience}", platform.word())
            }
        }
    }
}

/// Which layer a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// The registry inside the program.
    Bundled,
    /// A system-wide file.
    System(PathBuf),
    /// The user's file.
    User(PathBuf),
    /// An environment variable.
    Environment(String),
    /// An option of the command line.
    Flag(String),
    /// The server's own metadata.
    Discovery,
    /// What holds when nothing is said.
    Default,
}

impl Origin {
    /// The file it was read from, if there is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::System(path) | Self::User(path) => Some(path),
            _ => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundled => f.write_str("bundled"),
            Self::System(path) | Self::User(path) => path.display().fmt(f),
            Self::Environment(name) | Self::Flag(name) => f.write_str(name),
            Self::Discovery => f.write_str("discovery"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// Where exactly something is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The layer.
    pub origin: Origin,
    /// Line and column in its file, both from 1.
    pub position: Option<(usize, usize)>,
}

impl From<Origin> for Place {
    fn from(origin: Origin) -> Self {
        Self { origin, position: None }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.origin, self.position) {
            (Origin::Bundled, _) => f.write_str("the built-in registry"),
            (origin, Some((line, column))) => write!(f, "{origin}, line {line}, column {column}"),
            (origin, None) => origin.fmt(f),
        }
    }
}
