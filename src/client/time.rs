//! The server's time: what is signed for it must be fresh by its clock, not by ours.

use std::sync::atomic::{AtomicI64, Ordering};

use super::Client;
use crate::protocol::http::date;
use crate::system::http::Response;

/// Seconds by which two clocks may differ unnoticed: less than the tolerance of any server, more than a slow answer takes.
pub(super) const NOTICEABLE: i64 = 20;

/// What is known of the server's clock.
#[derive(Debug, Default)]
pub(super) struct ServerTime {
    /// Seconds by which it is ahead of this machine's.
    ahead: AtomicI64,
}

impl Client {
    /// Seconds since 1970 as the server has it, as far as it has said so.
    ///
    /// # Specification
    /// RFC 9110 §6.6.1 (`Date`).
    pub fn time_there(&self) -> i64 {
        self.system.clock.seconds().saturating_add(self.clock_difference())
    }

    /// Seconds by which the server's clock is ahead of this machine's; 0 where that is little or unknown.
    pub fn clock_difference(&self) -> i64 {
        self.server_time.ahead.load(Ordering::Relaxed)
    }

    /// Takes note of the time that an answer tells.
    pub(super) fn note_time(&self, response: &Response) {
        if let Some(there) = date(response) {
            let ahead = there.saturating_sub(self.system.clock.seconds());
            let ahead = if ahead.abs() < NOTICEABLE { 0 } else { ahead };
            self.server_time.ahead.store(ahead, Ordering::Relaxed);
        }
    }
}
