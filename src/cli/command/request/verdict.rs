//! What an answer means for the person and for the exit code.

use http::StatusCode;
use keyfob::protocol::challenge::{Demand, challenges, demand};
use keyfob::session::index::Entry;

use crate::cli::context::Context;
use crate::cli::exit_code::ExitCode;
use crate::cli::report::Failure;
use crate::cli::shown;

use super::advice::{self, Advice};
use super::exchange::Answered;

/// What is told once the body is out.
pub struct Verdict {
    failure: Option<Failure>,
    advice: Option<Advice>,
}

impl Verdict {
    /// Judges an answer. A refused token is a failure in any case, another status of 400 or more where `fail` says so;
    /// `configured` are the scopes that a login asks for by itself.
    pub fn of(answered: &mut Answered, fail: bool, entry: &Entry, configured: impl FnOnce() -> Vec<String>) -> Self {
        let status = answered.answer.status();
        let place = keyfob::system::http::endpoint(&answered.place);
        let failed = || (fail && status.as_u16() >= 400).then(|| failed(status, &place));
        if status != StatusCode::UNAUTHORIZED && answered.trouble.is_some() {
            return Self { failure: answered.trouble.take(), advice: None };
        }
        if !answered.presented {
            // Whoever asks for a token here does not mean ours.
            return Self { failure: failed(), advice: None };
        }
        let demand = demand(&challenges(answered.answer.headers()));
        let host = answered.place.host_str().unwrap_or_default();
        let advice = demand.as_ref().and_then(|demand| advice::of(demand, host, entry, configured));
        let failure = match (status, &advice, answered.trouble.take()) {
            (StatusCode::UNAUTHORIZED, Some(advice), _) => {
                Some(Failure::new(ExitCode::LoginRequired, &advice.message).hint(&advice.command))
            }
            (StatusCode::UNAUTHORIZED, None, Some(trouble)) => Some(trouble),
            (StatusCode::UNAUTHORIZED, None, None) => {
                let message = format!("{place} does not accept the token of {}", entry.key);
                Some(Failure::new(ExitCode::LoginRequired, message).hint(shown::login_command(entry)))
            }
            (_, Some(advice), _) => failed().map(|failure| failure.because(&advice.message).instead(&advice.command)),
            (_, None, _) => failed(),
        };
        Self { failure: failure.map(|failure| failure.session(&entry.key)), advice }
    }

    /// Whether the answer is a failure.
    pub fn is_failure(&self) -> bool {
        self.failure.is_some()
    }

    /// Ends the command; advises where it succeeds.
    ///
    /// # Errors
    /// The failure that the answer is.
    pub fn tell(self, context: &Context) -> Result<ExitCode, Failure> {
        match (self.failure, self.advice) {
            (Some(failure), _) => return Err(failure),
            (None, Some(Advice { message, command })) if context.common.json => {
                // Without hints, which JSON has in its errors only.
                context.terminal.warning(&format!("{message};  {command}"));
            }
            (None, Some(Advice { message, command })) => {
                context.terminal.warning(&message);
                context.terminal.hint(&command);
            }
            (None, None) => {}
        }
        Ok(ExitCode::Done)
    }
}

/// Whether a login, and not only another token, is asked for.
pub fn needs_login(demand: Option<&Demand>) -> bool {
    matches!(demand, Some(Demand::Scope(_) | Demand::Authentication { .. }))
}

fn failed(status: StatusCode, place: &str) -> Failure {
    let reason = status.canonical_reason().map(|reason| format!(" ({reason})")).unwrap_or_default();
    Failure::new(ExitCode::HttpStatus, format!("{place} answered {}{reason}", status.as_u16()))
}
