//! The time of day.
//!
//! Stored expiry is wall-clock time in UTC; waits are measured by the runtime's monotonic clock and never by this one.

use jiff::Timestamp;

/// Tells the time, to the second.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock;

impl Clock {
    /// The time now.
    pub fn now(self) -> Timestamp {
        Timestamp::now()
    }

    /// Whole seconds since 1970-01-01T00:00:00Z.
    pub fn seconds(self) -> i64 {
        self.now().as_second()
    }
}
