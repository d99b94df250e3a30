//! JSON that any terminal survives, and times; what several forms share.

use std::io;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CompactFormatter, Formatter};
use zeroize::Zeroizing;

/// `seconds` since 1970 as `2026-11-23T14:05:00Z`; times beyond the calendar become its end.
///
/// # Specification
/// RFC 3339 §5.6.
pub fn rfc3339(seconds: i64) -> String {
    let end = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    let whole = Timestamp::from_second(seconds).or_else(|_| Timestamp::from_second(end.as_second()));
    whole.unwrap_or(end).to_string()
}

/// A document on one line, without a line end, in ASCII: whatever its texts hold, a terminal sees no control character,
/// an eye no letter that deceives, and a program in any encoding the same text.
///
/// # Specification
/// RFC 8259 §7.
pub fn json_text(document: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(document, &mut bytes);
    bytes
}

/// As [`json_text`] with a newline, wiped when dropped; `secrets` is the length of what must leave no copy behind.
pub(super) fn secret_line(document: &impl Serialize, secrets: usize) -> Zeroizing<Vec<u8>> {
    /// Room for the members' names and the values that are no secret. Growing beyond it would leave a copy in memory,
    /// which is untidy and no more.
    const REST: usize = 4096;
    // Each character of a secret may need a backslash.
    let mut bytes = Zeroizing::new(Vec::with_capacity(secrets * 2 + REST));
    write(document, &mut bytes);
    bytes.push(b'\n');
    bytes
}

fn write(document: &impl Serialize, bytes: &mut Vec<u8>) {
    let mut serializer = Serializer::with_formatter(bytes, Ascii(CompactFormatter));
    document.serialize(&mut serializer).expect("documents have text for keys, and memory takes every byte");
}

/// Compact JSON in which DEL and everything beyond ASCII is written by its number.
struct Ascii(CompactFormatter);

impl Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let is_plain = |byte: u8| matches!(byte, b' '..=b'~');
        let mut rest = fragment;
        while let Some(at) = rest.bytes().position(|byte| !is_plain(byte)) {
            self.0.write_string_fragment(writer, &rest[..at])?;
            let mut characters = rest[at..].chars();
            if let Some(character) = characters.next() {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
            rest = characters.as_str();
        }
        self.0.write_string_fragment(writer, rest)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{json_text, rfc3339};

    #[test]
    fn any_text_becomes_ascii_and_comes_back_the_same() {
        let all: String = (0..=0x1_ffff).filter_map(char::from_u32).collect();
        let text = String::from_utf8(json_text(&json!({ &all[..500]: all }))).unwrap();

        assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json!({ &all[..500]: all }));
    }

    #[test]
    fn control_characters_are_written_by_their_number() {
        assert_eq!(
            json_text(&"\u{1b}\u{7f}\u{9b}\u{202e}🙂\n\"\\"),
            br#""\u001b\u007f\u009b\u202e\ud83d\ude42\n\"\\""#
        );
    }

    #[test]
    fn times_are_rfc_3339_in_utc() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_795_435_980), "2026-11-23T12:13:00Z");
        assert_eq!(rfc3339(i64::MAX), "9999-12-30T22:00:00Z");
        assert_eq!(rfc3339(i64::MIN), "-009999-01-02T01:59:59Z");
    }
}
