//! Times for people: how long from now, and the hour on their own clock.

use std::cell::OnceCell;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use jiff::{ZonedDateTime, civil};

pub use keyfob::output::rfc3339;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Puts times into words, as seen at one moment in one place.
///
/// The words do not depend on the locale. Where the time zone cannot be found out, hours are UTC and end in `Z`.
#[derive(Debug, Clone)]
pub struct Wording {
    now: i64,
    /// Found out when it is first needed: that reads files.
    zone: OnceCell<TimeZone>,
}

impl Wording {
    /// Words for `now`, seconds since 1970, on this machine.
    pub fn new(now: i64) -> Self {
        Self { now, zone: OnceCell::new() }
    }

    /// Words for `now` in `zone`.
    #[cfg(test)]
    pub fn in_zone(now: i64, zone: TimeZone) -> Self {
        Self { now, zone: zone.into() }
    }

    fn zone(&self) -> &TimeZone {
        self.zone.get_or_init(|| TimeZone::try_system().unwrap_or(TimeZone::UTC))
    }

    /// `in 52 min, 14:05`; `never` without a time; `since 2026-11-20 09:14` when it is over.
    pub fn expiry(&self, at: Option<i64>) -> String {
        match at {
            None => "never".into(),
            Some(at) if at > self.now => format!("{}, {}", self.relative(at), self.clock(at)),
            Some(at) => self.since(at),
        }
    }

    /// `in 2 h (16:05)`, for the middle of a sentence; else as [`expiry`](Self::expiry).
    pub fn expiry_inline(&self, at: Option<i64>) -> String {
        match at {
            Some(at) if at > self.now => format!("{} ({})", self.relative(at), self.clock(at)),
            at => self.expiry(at),
        }
    }

    /// `in 7 h 12 min`, `never` or `since 2026-11-20`: for a column.
    pub fn expiry_short(&self, at: Option<i64>) -> String {
        match at {
            None => "never".into(),
            Some(at) if at > self.now => self.relative(at),
            Some(at) => self.since_short(at),
        }
    }

    /// `in 52 min`, `12 min ago` or `now`.
    pub fn relative(&self, at: i64) -> String {
        let mut words = String::with_capacity(24);
        match at.cmp(&self.now) {
            std::cmp::Ordering::Greater => {
                words.push_str("in ");
                push_duration(&mut words, at.abs_diff(self.now));
            }
            std::cmp::Ordering::Equal => words.push_str("now"),
            std::cmp::Ordering::Less => {
                push_duration(&mut words, at.abs_diff(self.now));
                words.push_str(" ago");
            }
        }
        words
    }

    /// `since 2026-11-20 09:14`.
    pub fn since(&self, at: i64) -> String {
        format!("since {}", self.date_time(at))
    }

    /// `since 2026-11-20`, or `since 09:14` today.
    pub fn since_short(&self, at: i64) -> String {
        let day = self.zoned(at).date();
        if day == self.today() { format!("since {}", self.clock(at)) } else { format!("since {day}") }
    }

    /// `14:05`; with the date on another day than today.
    pub fn clock(&self, at: i64) -> String {
        let time = self.zoned(at);
        if time.date() == self.today() { self.hour(&time) } else { self.date_time(at) }
    }

    /// `2026-11-20 09:14`.
    pub fn date_time(&self, at: i64) -> String {
        let time = self.zoned(at);
        format!("{} {}", time.date(), self.hour(&time))
    }

    fn hour(&self, time: &ZonedDateTime) -> String {
        let mark = if self.is_utc() { "Z" } else { "" };
        format!("{:02}:{:02}{mark}", time.hour(), time.minute())
    }

    /// UTC is marked even where it is the machine's own zone: a reader elsewhere cannot know.
    fn is_utc(&self) -> bool {
        self.zone().is_unknown() || self.zone().to_offset_info(self.zoned(self.now).timestamp()).abbreviation() == "UTC"
    }

    fn today(&self) -> civil::Date {
        self.zoned(self.now).date()
    }

    /// A server may name any number; times beyond the calendar become its end.
    fn zoned(&self, at: i64) -> ZonedDateTime {
        let end = if at < 0 { Timestamp::MIN } else { Timestamp::MAX };
        Timestamp::from_second(at).unwrap_or(end).to_zoned_datetime(self.zone().clone())
    }
}

/// `45 s`, `52 min`, `7 h 12 min`, `3 d 4 h`: the two largest units, rounded down.
pub fn duration(seconds: u64) -> String {
    let mut words = String::with_capacity(24);
    push_duration(&mut words, seconds);
    words
}

// A list of ten thousand sessions says as many durations: without the machinery of formats, in a third of the time.
fn push_duration(words: &mut String, seconds: u64) {
    let mut push = |number, unit| {
        push_number(words, number);
        words.push_str(unit);
    };
    match seconds {
        0..MINUTE => push(seconds, " s"),
        MINUTE..HOUR => push(seconds / MINUTE, " min"),
        HOUR..DAY => {
            push(seconds / HOUR, " h");
            push_rest(words, seconds % HOUR / MINUTE, " min");
        }
        DAY.. => {
            push(seconds / DAY, " d");
            push_rest(words, seconds % DAY / HOUR, " h");
        }
    }
}

/// The smaller of two units, where there is any of it.
fn push_rest(words: &mut String, number: u64, unit: &str) {
    if number > 0 {
        words.push(' ');
        push_number(words, number);
        words.push_str(unit);
    }
}

fn push_number(words: &mut String, number: u64) {
    if number > 9 {
        push_number(words, number / 10);
    }
    words.push(char::from(b'0' + (number % 10) as u8));
}

#[cfg(test)]
mod tests {
    use jiff::tz::{Offset, TimeZone};

    use super::{Wording, duration};

    /// 2026-11-23 12:13 UTC, 13:13 in the zone of the tests.
    const NOW: i64 = 1_795_435_980;

    fn wording() -> Wording {
        Wording::in_zone(NOW, TimeZone::fixed(Offset::constant(1)))
    }

    #[test]
    fn an_expiry_is_relative_and_on_the_clock() {
        assert_eq!(wording().expiry(Some(NOW + 52 * 60)), "in 52 min, 14:05");
        assert_eq!(wording().expiry_inline(Some(NOW + 2 * 3600)), "in 2 h (15:13)");
        assert_eq!(wording().expiry_short(Some(NOW + 7 * 3600 + 12 * 60)), "in 7 h 12 min");
    }

    #[test]
    fn another_day_is_named() {
        assert_eq!(wording().expiry(Some(NOW + 86400)), "in 1 d, 2026-11-24 13:13");
    }

    #[test]
    fn the_day_changes_at_local_midnight() {
        assert_eq!(wording().clock(NOW + 10 * 3600 + 46 * 60), "23:59");
        assert_eq!(wording().clock(NOW + 10 * 3600 + 47 * 60), "2026-11-24 00:00");
    }

    #[test]
    fn what_is_over_says_since_when() {
        assert_eq!(wording().expiry(Some(NOW)), "since 2026-11-23 13:13");
        assert_eq!(wording().expiry_short(Some(NOW - 60)), "since 13:12");
        assert_eq!(wording().expiry_short(Some(NOW - 3 * 86400)), "since 2026-11-20");
        assert_eq!(wording().expiry_inline(Some(NOW - 3 * 86400)), "since 2026-11-20 13:13");
    }

    #[test]
    fn without_an_end_it_is_never() {
        assert_eq!(wording().expiry(None), "never");
        assert_eq!(wording().expiry_inline(None), "never");
        assert_eq!(wording().expiry_short(None), "never");
    }

    #[test]
    fn times_relative_to_now_have_a_direction() {
        assert_eq!(wording().relative(NOW + 45), "in 45 s");
        assert_eq!(wording().relative(NOW), "now");
        assert_eq!(wording().relative(NOW - 150), "2 min ago");
    }

    #[test]
    fn utc_is_marked() {
        assert_eq!(Wording::in_zone(NOW, TimeZone::UTC).expiry(Some(NOW + 60)), "in 1 min, 12:14Z");
        let etc = TimeZone::get("Etc/UTC").unwrap_or(TimeZone::UTC);
        assert_eq!(Wording::in_zone(NOW, etc).clock(NOW), "12:13Z");
        assert_eq!(Wording::in_zone(NOW, TimeZone::unknown()).date_time(NOW), "2026-11-23 12:13Z");
    }

    #[test]
    fn no_number_is_out_of_the_calendar() {
        for at in [i64::MIN, i64::MAX, -1, 0] {
            assert!(!wording().expiry(Some(at)).is_empty());
            assert!(!Wording::in_zone(at, TimeZone::UTC).expiry(Some(NOW)).is_empty());
        }
    }

    #[test]
    fn durations_have_at_most_two_units() {
        let words = [0, 59, 60, 3599, 3600, 3660, 86399, 86400, 90000, 31_536_000].map(duration);

        assert_eq!(
            words,
            ["0 s", "59 s", "1 min", "59 min", "1 h", "1 h 1 min", "23 h 59 min", "1 d", "1 d 1 h", "365 d"]
        );
    }
}
