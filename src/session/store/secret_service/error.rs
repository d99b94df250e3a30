//! What can go wrong between this program and the Secret Service.

use std::io;

/// A failure of the session bus or of the service behind it.
///
/// No variant holds a secret. What the service said is kept as it came, for the reader to escape.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no session bus at the given address, or no address at all.
    #[error("there is no D-Bus session bus")]
    NoBus,
    /// The bus knows no program that provides the service, or could not start it.
    #[error("no Secret Service is available on D-Bus")]
    NoService,
    /// The service has no default collection to keep an item in.
    #[error("the Secret Service has no default collection")]
    NoCollection,
    /// The item or its collection is locked, and no one may be asked to unlock it.
    #[error("the Secret Service's collection is locked")]
    Locked,
    /// The service wants a confirmation before it writes, and no one may be asked for it.
    #[error("the Secret Service asks for a confirmation before it writes")]
    PromptNeeded,
    /// The person closed the service's dialog, or it could not be shown.
    #[error("the Secret Service's prompt was dismissed")]
    PromptDismissed,
    /// No answer came in time.
    #[error("the Secret Service did not answer in time")]
    TimedOut,
    /// The service or the bus answered with an error.
    #[error("the Secret Service answered `{name}`: {message}")]
    Refused {
        /// The D-Bus error's name.
        name: String,
        /// The text that came with it, not escaped.
        message: String,
    },
    /// What was sent or received is not what D-Bus or the Secret Service specify.
    #[error("the exchange with the Secret Service breaks the protocol: {0}")]
    Protocol(&'static str),
    /// The socket failed.
    #[error("the connection to the D-Bus session bus broke")]
    Io(#[source] io::Error),
}

/// What every step of an exchange returns.
pub(super) type Result<T> = std::result::Result<T, Error>;

/// The service's answer to a session path it does not know, as after it was restarted.
pub(super) const NO_SESSION: &str = "org.freedesktop.Secret.Error.NoSession";

/// Longest text kept of an error message, in bytes: several lines of a terminal.
const MESSAGE_LIMIT: usize = 512;

impl Error {
    /// What an error message of the bus or the service means.
    ///
    /// # Specification
    /// D-Bus specification, "Message Bus Starting Services"; Secret Service API 0.2, "Errors".
    pub(super) fn from_reply(name: &str, message: &str) -> Self {
        const SPAWN: &str = "org.freedesktop.DBus.Error.Spawn.";
        match name {
            "org.freedesktop.DBus.Error.ServiceUnknown" | "org.freedesktop.DBus.Error.NameHasNoOwner" => {
                Self::NoService
            }
            _ if name.starts_with(SPAWN) => Self::NoService,
            "org.freedesktop.Secret.Error.IsLocked" => Self::Locked,
            "org.freedesktop.DBus.Error.TimedOut" | "org.freedesktop.DBus.Error.Timeout" => Self::TimedOut,
            _ => Self::Refused { name: shortened(name), message: shortened(message) },
        }
    }

    /// Whether the object named in a call is not there any more.
    ///
    /// The API has a name of its own for that; services built on GDBus or Qt answer with those of the library.
    pub(super) fn is_no_such_object(&self) -> bool {
        const NAMES: [&str; 3] = [
            "org.freedesktop.Secret.Error.NoSuchObject",
            "org.freedesktop.DBus.Error.UnknownObject",
            "org.freedesktop.DBus.Error.UnknownMethod",
        ];
        matches!(self, Self::Refused { name, .. } if NAMES.contains(&name.as_str()))
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::TimedOut,
            _ => Self::Io(error),
        }
    }
}

fn shortened(text: &str) -> String {
    let end = (0..=MESSAGE_LIMIT.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_cannot_be_started_is_no_service() {
        for name in ["ServiceUnknown", "NameHasNoOwner", "Spawn.ExecFailed", "Spawn.ChildExited"] {
            let error = Error::from_reply(&format!("org.freedesktop.DBus.Error.{name}"), "");
            assert!(matches!(error, Error::NoService), "{name}");
        }
    }

    #[test]
    fn other_refusals_keep_name_and_message_within_bounds() {
        let long = "ü".repeat(10_000);

        let Error::Refused { name, message } = Error::from_reply("com.example.Odd", &long) else { panic!("refused") };

        assert_eq!((name.as_str(), message.len()), ("com.example.Odd", MESSAGE_LIMIT));
    }

    #[test]
    fn a_socket_time_limit_is_a_time_out() {
        assert!(matches!(Error::from(io::Error::from(io::ErrorKind::WouldBlock)), Error::TimedOut));
    }
}
