//! Waiting for a person who decides on another device.
//!
//! The wait is counted on a monotonic clock, and each poll is timed from the answer to the one before: after a sleep of the
//! machine there is one poll, not all those that were missed. A server that is down for a moment only slows the polls down.

use std::time::Duration;

use tokio::time::Instant;

use super::{Error, identity};
use crate::client::{self, Client};
use crate::protocol::device::{Poll, SLOW_DOWN, Shape};
use crate::protocol::token::{Asked, TokenResponse};
use crate::protocol::{self, http};
use crate::secret::Secret;
use crate::system;
use crate::system::http::Response;

/// The longest that failures alone stretch the time between polls.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What a poll that is under way gets at least: its answer may be the tokens.
const LAST_ANSWER: Duration = Duration::from_secs(5);

/// What is waited for.
pub(super) struct Wait {
    /// The least time between polls, and before the first.
    pub(super) interval: Duration,
    /// When nobody waits any longer.
    pub(super) deadline: Instant,
}

impl Wait {
    /// Polls until there are tokens; `None` when it is too late for them.
    ///
    /// # Errors
    /// What ends the wait before.
    ///
    /// # Specification
    /// RFC 8628 §3.4, §3.5; CIBA Core §10.1, §11.
    pub(super) async fn issued(
        &self,
        poll: impl AsyncFn() -> Result<Answer, Error>,
    ) -> Result<Option<TokenResponse>, Error> {
        let (mut pace, mut pause) = (Pace::new(self.interval), self.interval);
        loop {
            // A server may ask for a pause beyond the end of time.
            let next = Instant::now().checked_add(pause).filter(|next| *next < self.deadline);
            tokio::time::sleep_until(next.unwrap_or(self.deadline)).await;
            if next.is_none() {
                return Ok(None);
            }
            let limit = self.deadline.saturating_duration_since(Instant::now()).max(LAST_ANSWER);
            let answer = tokio::time::timeout(limit, poll()).await;
            let Ok(answer) = answer else { return Ok(None) };
            pause = match answer? {
                Answer::Read(Poll::Issued(response), _) => return Ok(Some(*response)),
                Answer::Read(Poll::Expired, _) => return Ok(None),
                Answer::Read(Poll::Pending, wait) => pace.pending(wait),
                Answer::Read(Poll::SlowDown(interval), wait) => pace.slow_down(interval, wait),
                Answer::Failed(wait) => pace.failed(wait),
            };
        }
    }
}

/// What became of one poll that was `sent`, for `scopes`; nothing of `secrets` is in what the server says.
///
/// # Errors
/// What the server says, or what is wrong with how it says it.
pub(super) fn answer<'a>(
    client: &'a Client,
    sent: Result<Response, Error>,
    shape: &Shape,
    scopes: &[String],
    secrets: impl Iterator<Item = &'a Secret>,
) -> Result<Answer, Error> {
    let answer = match sent {
        Ok(answer) => answer,
        Err(Error::Client(client::Error::System(
            system::Error::Unreachable { .. } | system::Error::TooSlow { .. },
        ))) => return Ok(Answer::Failed(None)),
        Err(error) => return Err(error),
    };
    let now = client.system().clock.seconds();
    let wait = http::retry_after(&answer, now).map(Duration::from_secs);
    match Poll::read(&answer, shape, &identity::rules(client.provider()), Asked { at: now, scopes }) {
        Ok(read) => Ok(Answer::Read(read, wait)),
        Err(protocol::Error::Unavailable { .. }) => Ok(Answer::Failed(wait)),
        Err(error) => Err(error.without(secrets.chain(client.secret())).into()),
    }
}

/// What became of one poll, and how long the server asks to be left alone.
pub(super) enum Answer {
    /// It was answered.
    Read(Poll, Option<Duration>),
    /// It was not, and the next one may be.
    Failed(Option<Duration>),
}

/// When to poll.
struct Pace {
    /// The least time between polls; it only grows.
    interval: Duration,
    /// Failures in a row.
    failures: u32,
}

impl Pace {
    fn new(interval: Duration) -> Self {
        Self { interval, failures: 0 }
    }

    fn pending(&mut self, wait: Option<Duration>) -> Duration {
        self.failures = 0;
        self.interval.max(wait.unwrap_or_default())
    }

    /// RFC 8628 §3.5: for this and all later polls.
    fn slow_down(&mut self, interval: Option<Duration>, wait: Option<Duration>) -> Duration {
        self.interval = self.interval.saturating_add(SLOW_DOWN).max(interval.unwrap_or_default());
        self.pending(wait)
    }

    /// RFC 8628 §3.5: twice the time after each failure, here until the first answer; where the server says how long it
    /// wants to be left alone, that.
    fn failed(&mut self, wait: Option<Duration>) -> Duration {
        self.failures = self.failures.saturating_add(1).min(16);
        let growing = self.interval.saturating_mul(1 << self.failures).min(LONGEST_PAUSE);
        self.interval.max(wait.unwrap_or(growing))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Pace;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn slow_down_adds_five_seconds_for_good_and_an_interval_can_only_raise() {
        let mut pace = Pace::new(seconds(5));

        assert_eq!(pace.pending(None), seconds(5));
        assert_eq!(pace.slow_down(None, None), seconds(10));
        assert_eq!(pace.slow_down(Some(seconds(1)), None), seconds(15));
        assert_eq!(pace.pending(None), seconds(15));
        assert_eq!(pace.slow_down(Some(seconds(42)), None), seconds(42));
    }

    #[test]
    fn failures_stretch_the_time_until_the_first_answer() {
        let mut pace = Pace::new(seconds(5));

        assert_eq!([1, 2, 3, 4, 5].map(|_| pace.failed(None).as_secs()), [10, 20, 40, 60, 60]);
        assert_eq!(pace.pending(None), seconds(5));
        let mut slow = Pace::new(seconds(90));
        assert_eq!(slow.failed(None), seconds(90), "never faster than the interval");
    }

    #[test]
    fn what_the_server_asks_for_is_a_minimum_once() {
        let mut pace = Pace::new(seconds(5));

        assert_eq!(pace.failed(Some(seconds(100))), seconds(100));
        assert_eq!(pace.pending(Some(seconds(1))), seconds(5));
        assert_eq!(pace.pending(Some(seconds(9))), seconds(9));
        assert_eq!(pace.pending(None), seconds(5));
    }

    #[test]
    fn no_number_is_too_large() {
        let mut pace = Pace::new(Duration::MAX);

        assert_eq!(pace.slow_down(Some(Duration::MAX), None), Duration::MAX);
        assert_eq!(pace.failed(Some(Duration::MAX)), Duration::MAX);
    }
}
