//! The numbers a run ends with, and their names in JSON errors.

/// How a run ended. Numbers and names are part of the interface and never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ExitCode {
    /// Done.
    Done = 0,
    /// Unexpected failure.
    Internal = 1,
    /// Wrong arguments, or input missing while prompts are off.
    Usage = 2,
    /// No such provider; no such session, for commands that only look at or change one.
    NotFound = 3,
    /// A token is wanted and a person must log in.
    LoginRequired = 4,
    /// The authorization server or the person said no.
    Refused = 5,
    /// Unreachable, TLS failure, 5xx; trying again may help.
    Network = 6,
    /// Secret store locked, absent or full.
    Store = 7,
    /// Nobody finished the login, or a lock was not freed, in time.
    Timeout = 8,
    /// A configuration or registry file is wrong, or the provider has no client yet.
    Config = 9,
    /// `request --fail` and a status of 400 or more.
    HttpStatus = 10,
    /// A check failed: state, issuer, ID token, address, permission; nothing was accepted.
    Security = 11,
    /// The server's answer is malformed or breaks its specification.
    Protocol = 12,
    /// The program of `exec` could not be run.
    NotExecutable = 126,
    /// The program of `exec` was not found.
    NotInstalled = 127,
    /// Ctrl-C: 128 and SIGINT's number.
    Interrupted = 130,
    /// Terminated: 128 and SIGTERM's number.
    Terminated = 143,
}

impl ExitCode {
    /// All of them, in the order of their numbers.
    pub const ALL: &'static [Self] = &[
        Self::Done,
        Self::Internal,
        Self::Usage,
        Self::NotFound,
        Self::LoginRequired,
        Self::Refused,
        Self::Network,
        Self::Store,
        Self::Timeout,
        Self::Config,
        Self::HttpStatus,
        Self::Security,
        Self::Protocol,
        Self::NotExecutable,
        Self::NotInstalled,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// The number the process ends with.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The value of `error` in `keyfob.error/1`; empty for success.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "",
            Self::Internal => "internal",
            Self::Usage => "usage",
            Self::NotFound => "not_found",
            Self::LoginRequired => "login_required",
            Self::Refused => "refused",
            Self::Network => "network",
            Self::Store => "store",
            Self::Timeout => "timeout",
            Self::Config => "config",
            Self::HttpStatus => "http_status",
            Self::Security => "security",
            Self::Protocol => "protocol",
            Self::NotExecutable | Self::NotInstalled => "exec",
            Self::Interrupted | Self::Terminated => "interrupted",
        }
    }

    /// Whether the same call may succeed later without anything being changed: `retryable` in `keyfob.error/1`.
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Network | Self::Timeout)
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.number())
    }
}

#[cfg(test)]
mod tests {
    use super::ExitCode;

    #[test]
    fn numbers_and_names_are_those_of_the_manual() {
        let all: Vec<(u8, &str)> = ExitCode::ALL.iter().map(|code| (code.number(), code.name())).collect();

        let manual = [
            (0, ""),
            (1, "internal"),
            (2, "usage"),
            (3, "not_found"),
            (4, "login_required"),
            (5, "refused"),
            (6, "network"),
            (7, "store"),
            (8, "timeout"),
            (9, "config"),
            (10, "http_status"),
            (11, "security"),
            (12, "protocol"),
            (126, "exec"),
            (127, "exec"),
            (130, "interrupted"),
            (143, "interrupted"),
        ];
        assert_eq!(all, manual);
    }

    #[test]
    fn only_what_time_may_heal_is_retryable() {
        let retryable: Vec<_> = ExitCode::ALL.iter().filter(|code| code.is_retryable()).collect();

        assert_eq!(retryable, [&ExitCode::Network, &ExitCode::Timeout]);
    }
}
