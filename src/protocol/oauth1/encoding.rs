//! Percent-encoding as the signature wants it, and its inverse.
//!
//! Bytes, not text: a server may use addresses whose escapes are no UTF-8, and what is signed must be what is sent.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};

/// All but the unreserved characters of RFC 3986 §2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A parameter, decoded.
pub(super) type Pair = (Vec<u8>, Vec<u8>);

/// Every byte but letters, digits, `-`, `.`, `_` and `~` as `%` and two capital hexadecimal digits.
///
/// # Specification
/// RFC 5849 §3.6.
pub fn encode(bytes: &[u8]) -> String {
    percent_encode(bytes, RESERVED).to_string()
}

/// The parameters of a query or form.
///
/// # Specification
/// RFC 5849 §3.4.1.3.1, which refers to HTML 4.01 §17.13.4.1: `+` is a blank.
pub(super) fn decode(text: &[u8]) -> Vec<Pair> {
    let decoded = |part: &[u8]| {
        let blanks: Vec<u8> = part.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        percent_decode(&blanks).collect()
    };
    let parts = text.split(|byte| *byte == b'&').filter(|part| !part.is_empty());
    parts
        .map(|part| match part.iter().position(|byte| *byte == b'=') {
            Some(at) => (decoded(&part[..at]), decoded(&part[at + 1..])),
            None => (decoded(part), Vec::new()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn only_unreserved_bytes_stay() {
        assert_eq!(encode(b"azAZ09-._~"), "azAZ09-._~");
        assert_eq!(encode(b" +%&=!*'()/:@"), "%20%2B%25%26%3D%21%2A%27%28%29%2F%3A%40");
        assert_eq!(encode("☃é\u{7f}\n".as_bytes()), "%E2%98%83%C3%A9%7F%0A");
    }

    #[test]
    fn forms_are_read_byte_for_byte() {
        let pair = |name: &[u8], value: &[u8]| (name.to_vec(), value.to_vec());

        assert_eq!(
            decode(b"a=1&a=1&&b&=c&d=%2B+%20=&e=%FF&f=%zz"),
            [
                pair(b"a", b"1"),
                pair(b"a", b"1"),
                pair(b"b", b""),
                pair(b"", b"c"),
                pair(b"d", b"+  ="),
                pair(b"e", b"\xff"),
                pair(b"f", b"%zz"),
            ]
        );
    }
}
