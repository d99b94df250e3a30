//! What can be wrong with the registry and the settings.

use std::fmt;
use std::path::PathBuf;

use super::value::Place;
use crate::system;

/// Why a provider or the settings cannot be used.
///
/// No text holds what stands in a file, because the line may be the one with the secret: files are named with line,
/// column and key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No layer knows the provider.
    #[error("there is no provider `{name}`")]
    UnknownProvider {
        /// As it was asked for.
        name: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// A provider's name has other characters than a-z, 0-9 and the hyphen.
    #[error("a provider's name consists of a-z, 0-9 and `-` ({place})")]
    ProviderName {
        /// Where it stands.
        place: Place,
    },
    /// The file is no TOML.
    #[error("{place}: {reason}")]
    Syntax {
        /// Where reading stopped.
        place: Place,
        /// What was expected.
        reason: String,
    },
    /// The file is written for another version of the program.
    #[error("{place}: `schema` must be 1, the only version this program knows")]
    Schema {
        /// Where it stands.
        place: Place,
    },
    /// A key or its value is wrong.
    #[error(transparent)]
    Invalid(#[from] Box<Invalid>),
    /// Providers extend each other in a circle.
    #[error("providers extend each other in a circle: {}", .chain.join(" → "))]
    Cycle {
        /// The names, the first one again at the end.
        chain: Vec<String>,
    },
    /// A provider extends one that does not exist.
    #[error("provider `{provider}` extends `{parent}`, which does not exist ({place})")]
    UnknownParent {
        /// The child.
        provider: String,
        /// Whom it names.
        parent: String,
        /// Where it does.
        place: Place,
    },
    /// A value that only the user can give is missing.
    #[error("provider `{provider}` needs a value for `{variable}`")]
    MissingVariable {
        /// The provider.
        provider: String,
        /// The key to set.
        variable: String,
        /// What to ask a person.
        prompt: String,
        /// A value that would do.
        example: Option<String>,
    },
    /// Others could have written the file.
    #[error("{} is not used: {reason}", .path.display())]
    UnsafeFile {
        /// The file.
        path: PathBuf,
        /// Who could, or whose it is.
        reason: String,
    },
    /// A file that was asked for by name does not exist.
    #[error("there is no file {}", .0.display())]
    NoFile(PathBuf),
    /// The file cannot be read or written, or its directory cannot be found.
    #[error(transparent)]
    File(#[from] system::Error),
    /// The user's file has an entry of this name already.
    #[error("provider `{name}` is in {} already", .path.display())]
    Exists {
        /// The name.
        name: String,
        /// The user's file.
        path: PathBuf,
    },
    /// A text from somebody else names a program to run.
    #[error("provider `{provider}`: `{key}` names a program to run; only your own file may do that")]
    ForeignCommand {
        /// The provider.
        provider: String,
        /// The key.
        key: String,
    },
    /// A secret was to be written into the file.
    #[error("provider `{provider}`: `{key}` is a secret and is not written into the registry")]
    LiteralSecret {
        /// The provider.
        provider: String,
        /// The key.
        key: String,
    },
}

/// A key that is wrong, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The provider; none in `config.toml`.
    pub provider: Option<String>,
    /// The dotted key.
    pub key: String,
    /// Where it stands.
    pub place: Place,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// There is no such key.
    UnknownKey {
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// The value is of another kind.
    Expected(&'static str),
    /// The value is none of the allowed ones.
    NotOneOf(Vec<String>),
    /// The value is not acceptable.
    Refused(String),
    /// The parameter belongs to the protocol and cannot be given as an extra one.
    Reserved,
    /// `response_type` is no setting.
    ResponseType,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(provider) = &self.provider {
            write!(f, "provider `{provider}`: ")?;
        }
        let key = &self.key;
        match &self.problem {
            Problem::UnknownKey { nearest: None } => write!(f, "there is no key `{key}`")?,
            Problem::UnknownKey { nearest: Some(nearest) } => {
                write!(f, "there is no key `{key}`; the nearest is `{nearest}`")?;
            }
            Problem::Expected(what) => write!(f, "`{key}` must be {what}")?,
            Problem::NotOneOf(allowed) => write!(f, "`{key}` must be one of `{}`", allowed.join("`, `"))?,
            Problem::Refused(reason) => write!(f, "`{key}` is refused: {reason}")?,
            Problem::Reserved => write!(f, "`{key}` is refused: the protocol itself sets this parameter")?,
            Problem::ResponseType => write!(
                f,
                "`{key}` cannot be set: only `code` is used, because other response types put tokens into the address \
                 of the redirect (RFC 9700 §2.1.2)"
            )?,
        }
        write!(f, " ({})", self.place)
    }
}

impl std::error::Error for Invalid {}

/// Something the user should know although everything works.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// A file changes what a built-in provider is.
    Shadowed {
        /// The provider.
        provider: String,
        /// The file.
        path: PathBuf,
        /// The keys it changes.
        keys: Vec<String>,
    },
    /// A secret stands in a file that others may read.
    ReadableSecret {
        /// The provider.
        provider: String,
        /// The key.
        key: String,
        /// The file.
        path: PathBuf,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shadowed { provider, path, keys } => {
                write!(f, "{} changes the bundled provider `{provider}`: `{}`", path.display(), keys.join("`, `"))
            }
            Self::ReadableSecret { provider, key, path } => write!(
                f,
                "{} can be read by others and holds a secret: `{key}` of provider `{provider}`",
                path.display()
            ),
        }
    }
}
