//! Text from outside, made harmless for a terminal.
//!
//! A server, a registry or a file may say anything: commands to the terminal (ESC, CSI as one or as two bytes), letters
//! that show backwards or not at all, line breaks that fake a message of ours. Such characters are shown as what they
//! are, e.g. `\u{1b}`, so that a reader sees that something is wrong; line breaks and tabs become blanks.

use std::borrow::Cow;
use std::fmt::Write as _;

/// `text` without anything that a terminal obeys or an eye misses. Applying it twice changes nothing.
///
/// # Specification
/// ECMA-48 §5 (C0, C1); Unicode UAX #9 (bidirectional formatting), UTS #39 §2 (invisible characters).
pub fn escape(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    match text.find(is_unsafe) {
        None => Cow::Borrowed(text),
        Some(first) => {
            let mut safe = String::with_capacity(text.len() + 16);
            safe.push_str(&text[..first]);
            text[first..].chars().for_each(|character| push(&mut safe, character));
            Cow::Owned(safe)
        }
    }
}

/// [`escape`]d, and at most `max_chars` characters long, the last being `…` if any are left out.
pub fn shorten(text: &str, max_chars: usize) -> String {
    let mut safe = String::new();
    push_shortened(&mut safe, text, max_chars);
    safe
}

/// Adds `text` to `safe`, as [`shorten`] gives it.
pub fn push_shortened(safe: &mut String, text: &str, max_chars: usize) {
    if text.len() <= max_chars && is_plain(text) {
        return safe.push_str(text);
    }
    let begin = safe.len();
    let mut length = 0;
    for character in text.chars() {
        let before = safe.len();
        push(safe, character);
        length += safe[before..].chars().count();
        if length > max_chars {
            let keep = safe[begin..].char_indices().nth(max_chars.saturating_sub(1)).map_or(0, |(at, _)| at);
            safe.truncate(begin + keep);
            if max_chars > 0 {
                safe.push('…');
            }
            break;
        }
    }
}

/// Whether `text` is certainly harmless. Nearly all is; a list of ten thousand sessions need not look at each character
/// for what it might hide, and looks at eight bytes together.
fn is_plain(text: &str) -> bool {
    const fn each(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    let (words, rest) = text.as_bytes().as_chunks();
    let plain = |word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word);
        // Below the blank there is a borrow; DEL and above have their highest bit set, or get it by one more.
        let odd = (word.wrapping_sub(each(b' ')) & !word) | word | word.wrapping_add(each(1));
        odd & each(0x80) == 0
    };
    words.iter().all(plain) && rest.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

fn push(safe: &mut String, character: char) {
    if is_break(character) {
        safe.push(' ');
    } else if is_unsafe(character) {
        // Writing to a string cannot fail.
        let _ = write!(safe, "\\u{{{:x}}}", u32::from(character));
    } else {
        safe.push(character);
    }
}

fn is_break(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

fn is_unsafe(character: char) -> bool {
    character.is_control() || is_break(character) || is_direction(character) || is_invisible(character)
}

/// Marks, embeddings, overrides and isolates that change the order in which text is shown.
fn is_direction(character: char) -> bool {
    matches!(character, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Characters without a shape. The two presentation selectors U+FE0E and U+FE0F stay: emoji need them.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{00ad}' | '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0d}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{escape, shorten};

    #[test]
    fn no_control_character_survives() {
        let control = (0..0x20).chain(0x7f..0xa0).filter_map(char::from_u32);
        for character in control {
            let shown = match character {
                '\t' | '\n' | '\r' => "a b".to_owned(),
                other => format!("a\\u{{{:x}}}b", u32::from(other)),
            };
            assert_eq!(escape(&format!("a{character}b")), shown);
        }
    }

    #[test]
    fn what_is_unsafe_is_found_anywhere_in_a_text() {
        let control = (0..0x20).chain(0x7f..0xa0).filter_map(char::from_u32);
        for character in control.filter(|character| !matches!(character, '\t' | '\n' | '\r')) {
            for at in 0..20 {
                let (before, after) = (" ".repeat(at), "~".repeat(20 - at));
                let shown = format!("{before}\\u{{{:x}}}{after}", u32::from(character));
                assert_eq!(escape(&format!("{before}{character}{after}")), shown);
                assert_eq!(shorten(&format!("{before}{character}{after}"), 100), shown);
            }
        }
    }

    #[test]
    fn no_character_that_deceives_the_eye_survives() {
        let deceptive = "\u{061c}\u{200b}\u{200c}\u{200d}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2060}\
                         \u{2066}\u{2067}\u{2068}\u{2069}\u{feff}\u{00ad}\u{3164}\u{e0041}\u{e0100}\u{fff9}";
        for character in deceptive.chars() {
            assert_eq!(escape(&character.to_string()), format!("\\u{{{:x}}}", u32::from(character)));
        }
    }

    #[test]
    fn a_message_cannot_fake_a_second_line() {
        assert_eq!(escape("no\r\n✓ Logged in\u{2028}x\u{2029}y\u{85}z"), "no  ✓ Logged in x y\\u{85}z");
    }

    #[test]
    fn a_clipboard_command_is_shown_and_not_obeyed() {
        assert_eq!(escape("AB\u{1b}]52;c;ZXZpbA==\u{7}"), "AB\\u{1b}]52;c;ZXZpbA==\\u{7}");
    }

    #[test]
    fn other_text_is_kept_without_a_copy() {
        let text = r#"Zoë 東京 שלום ❤️ 🙂 C:\u{1b} "quoted" ñ"#;

        assert!(matches!(escape(text), Cow::Borrowed(same) if same == text));
    }

    #[test]
    fn escaping_twice_changes_nothing() {
        let all: String = (0..=0x2_ffff).filter_map(char::from_u32).collect();
        let once = escape(&all).into_owned();

        assert_eq!(escape(&once), once);
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        assert_eq!(shorten("abcdef", 6), "abcdef");
        assert_eq!(shorten("abcdefg", 6), "abcde…");
        assert_eq!(shorten("ab\u{1b}", 6), "ab\\u{…");
        assert_eq!(shorten("äöü", 2), "ä…");
        assert_eq!(shorten("ab", 1), "…");
        assert_eq!(shorten("ab", 0), "");
        assert_eq!(shorten("", 0), "");
    }

    #[test]
    fn cutting_twice_changes_nothing() {
        let once = shorten("one two three \u{202e} four", 12);

        assert_eq!(shorten(&once, 12), once);
    }
}
