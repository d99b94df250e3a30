//! Waiting for a person who decides on another device.
//!
//! The first poll comes after one interval, and so does every other after the one before; all of it is measured on a
//! clock that nobody sets. What keeps the server from answering lengthens the pause and does not end the wait.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::{Error, Interaction};
use crate::client::{self, Client, Repetition};
use crate::protocol::http::{self, EndpointRequest};
use crate::protocol::polling::{Schedule, Verdict, verdict};
use crate::protocol::{self, token};
use crate::system;
use crate::system::http::Response;

/// What is waited for, and how.
pub(super) struct Wait<'a> {
    pub(super) client: &'a Client,
    pub(super) user: &'a dyn Interaction,
    pub(super) schedule: Schedule,
    /// How long a person is waited for at most, whatever the server allows.
    pub(super) limit: Duration,
    /// Where errors of this server's token endpoint are told, besides `error`.
    pub(super) error_paths: &'a [String],
}

impl Wait<'_> {
    /// Polls with the requests that `request` makes until the person has decided, and returns the answer, which is a
    /// success or an error that ends it.
    ///
    /// # Errors
    /// [`Error::Expired`] when nobody decided in time; [`Error::Abandoned`]; why nothing can be sent.
    ///
    /// # Specification
    /// RFC 8628 §3.4, §3.5; CIBA Core §10.1, §11.
    pub(super) async fn answer(
        self,
        request: impl AsyncFn() -> Result<EndpointRequest, Error>,
    ) -> Result<Response, Error> {
        let start = Instant::now();
        let life = Duration::from_secs(self.schedule.expires_in).min(self.limit);
        let mut schedule = self.schedule;
        let mut next = start + Duration::from_secs(schedule.interval);
        loop {
            if next.duration_since(start) >= life {
                self.until(start + life).await?;
                return Err(Error::Expired { after: life });
            }
            self.until(next).await?;
            let polled = self.client.send(request().await?, Repetition::Never).await;
            let mut pause = Duration::from_secs(schedule.interval);
            match polled {
                Ok(answer) => match self.told(&answer) {
                    Told::Answer => return Ok(answer),
                    Told::Expired => return Err(Error::Expired { after: start.elapsed() }),
                    Told::Pending => {}
                    Told::SlowDown(slower) => {
                        schedule = slower(schedule);
                        pause = Duration::from_secs(schedule.interval);
                    }
                    Told::Unavailable(wait) => {
                        schedule = backed_off(schedule);
                        pause = wait.max(Duration::from_secs(schedule.interval));
                    }
                },
                Err(error) if is_passing(&error) => {
                    schedule = backed_off(schedule);
                    pause = Duration::from_secs(schedule.interval);
                }
                Err(error) => return Err(error.into()),
            }
            // From now, and not from when it should have been: after a suspended machine wakes there is no burst.
            next = Instant::now() + pause;
        }
    }

    async fn until(&self, then: Instant) -> Result<(), Error> {
        tokio::select! {
            () = sleep_until(then) => Ok(()),
            () = self.user.abandoned() => Err(Error::Abandoned),
        }
    }

    fn told(&self, answer: &Response) -> Told {
        let now = self.client.system().clock.seconds();
        if let Err(protocol::Error::Unavailable { retry_after, .. }) = http::check_status(token::ENDPOINT, answer, now)
        {
            return Told::Unavailable(Duration::from_secs(retry_after.unwrap_or(0)));
        }
        let Ok(members) = http::members(token::ENDPOINT, answer) else { return Told::Answer };
        let Some(error) = token::error_in(&members, self.error_paths) else { return Told::Answer };
        match verdict(&error) {
            Verdict::Pending => Told::Pending,
            Verdict::SlowDown => Told::SlowDown(Box::new(move |schedule| schedule.slower(&members))),
            Verdict::Expired => Told::Expired,
            Verdict::Final => Told::Answer,
        }
    }
}

/// What one poll brought.
enum Told {
    Answer,
    Expired,
    Pending,
    SlowDown(Box<dyn FnOnce(Schedule) -> Schedule>),
    Unavailable(Duration),
}

/// Twice the pause, for a server that does not answer (RFC 8628 §3.5), up to a minute.
fn backed_off(schedule: Schedule) -> Schedule {
    Schedule { interval: (schedule.interval * 2).min(schedule.interval.max(60)), ..schedule }
}

/// Whether the next poll may be answered.
fn is_passing(error: &client::Error) -> bool {
    matches!(
        error,
        client::Error::System(
            system::Error::Unreachable { .. } | system::Error::TooSlow { .. } | system::Error::BadAnswer { .. }
        )
    )
}
