//! How long and how often a token endpoint is polled while a person decides elsewhere.
//!
//! The numbers come from a server and may be anything. None of them makes a client that asks without a pause or waits for
//! ever.

use serde_json::{Map, Value};

use super::ErrorResponse;

/// Seconds between polls where the server says nothing or nonsense (RFC 8628 §3.2, CIBA Core §7.3).
const INTERVAL: u64 = 5;

/// The longest interval, in seconds: beyond it nobody would see a login succeed.
const LONGEST_INTERVAL: u64 = 300;

/// Seconds for which a person is waited for at most.
const LONGEST_LIFE: u64 = 30 * 60;

/// Seconds by which each `slow_down` lengthens the interval (RFC 8628 §3.5).
const SLOWER: u64 = 5;

/// Interval and lifetime, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Between polls, and before the first.
    pub interval: u64,
    /// Until what is waited for is over.
    pub expires_in: u64,
}

/// What an error of the token endpoint means to whoever polls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The person has not decided yet.
    Pending,
    /// So, and the polls come too fast.
    SlowDown,
    /// It is too late.
    Expired,
    /// The end, for the reason that the server gives.
    Final,
}

impl Schedule {
    /// Reads `interval` and `expires_in` of an answer.
    ///
    /// # Specification
    /// RFC 8628 §3.2; CIBA Core §7.3.
    pub fn read(members: &Map<String, Value>) -> Self {
        let read = |name: &str| members.get(name).and_then(seconds);
        Self {
            interval: read("interval").filter(|interval| *interval > 0).unwrap_or(INTERVAL).min(LONGEST_INTERVAL),
            expires_in: read("expires_in").unwrap_or(LONGEST_LIFE).min(LONGEST_LIFE),
        }
    }

    /// The schedule after `slow_down`; an interval in its answer can lengthen the pause, never shorten it.
    ///
    /// # Specification
    /// RFC 8628 §3.5.
    pub fn slower(self, members: &Map<String, Value>) -> Self {
        let told = members.get("interval").and_then(seconds).unwrap_or(0);
        Self { interval: (self.interval + SLOWER).max(told).min(LONGEST_INTERVAL), ..self }
    }
}

/// What `told` means.
///
/// # Specification
/// RFC 8628 §3.5; CIBA Core §11.
pub fn verdict(told: &ErrorResponse) -> Verdict {
    match told.error.as_str() {
        "authorization_pending" => Verdict::Pending,
        "slow_down" => Verdict::SlowDown,
        "expired_token" => Verdict::Expired,
        _ => Verdict::Final,
    }
}

/// A number of seconds, as a number or in a string; fractions count up, what is below zero counts as zero.
fn seconds(value: &Value) -> Option<u64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    // The cast saturates at both ends.
    number.is_finite().then(|| number.ceil() as u64)
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::Schedule;

    fn members(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn read(interval: Value, expires_in: Value) -> (u64, u64) {
        let schedule = Schedule::read(&members(json!({ "interval": interval, "expires_in": expires_in })));
        (schedule.interval, schedule.expires_in)
    }

    #[test]
    fn ordinary_numbers_are_taken_as_they_are() {
        assert_eq!(read(json!(1), json!(600)), (1, 600));
        assert_eq!(read(json!("7"), json!("900")), (7, 900));
        assert_eq!(Schedule::read(&Map::new()), Schedule { interval: 5, expires_in: 1800 });
    }

    #[test]
    fn odd_numbers_mean_neither_haste_nor_eternity() {
        for odd in [json!(0), json!(-3), json!("soon"), json!(null), json!([]), json!(-1e300)] {
            assert_eq!(read(odd.clone(), json!(60)).0, 5, "{odd}");
        }
        assert_eq!(read(json!(0.1), json!(0.5)), (1, 1));
        assert_eq!(read(json!(1e300), json!(1e300)), (300, 1800));
        assert_eq!(read(json!(5), json!(-7)).1, 0);
    }

    #[test]
    fn slow_down_adds_five_seconds_each_time_and_is_never_undone() {
        let first = Schedule { interval: 1, expires_in: 60 }.slower(&Map::new());
        let second = first.slower(&members(json!({ "interval": 1 })));
        let third = second.slower(&members(json!({ "interval": 60 })));

        assert_eq!([first.interval, second.interval, third.interval], [6, 11, 60]);
    }
}
