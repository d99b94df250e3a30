//! Lengths of time as people write them.

use std::time::Duration;

/// The longest that is accepted, so that no addition to a clock can overflow: about 100 years.
const LONGEST_SECS: u64 = 100 * 366 * 24 * 3600;

/// What a length of time must look like; for error texts.
pub const FORM: &str = "a number with `s`, `m` or `h` (seconds without), such as `90`, `30s`, `5m` or `1h`";

/// The length of time written as `30`, `30s`, `5m` or `1h`; `None` for anything else.
pub fn parse(text: &str) -> Option<Duration> {
    let (number, unit) = match text.as_bytes().last()? {
        b's' => (&text[..text.len() - 1], 1),
        b'm' => (&text[..text.len() - 1], 60),
        b'h' => (&text[..text.len() - 1], 3600),
        _ => (text, 1),
    };
    // `u64::from_str` would accept a sign.
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds = number.parse::<u64>().ok()?.checked_mul(unit)?;
    (seconds <= LONGEST_SECS).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::parse;

    #[test]
    fn numbers_with_and_without_a_unit_are_read() {
        for (text, seconds) in [("0", 0), ("30", 30), ("30s", 30), ("5m", 300), ("1h", 3600)] {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in
            ["", "s", "-1", "+1", "1.5h", "1d", "5 m", "5M", "1h30m", "99999999999999999999", "9999999999h", "é"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
