//! The names of sessions.
//!
//! A name is shown, typed, used as the name of a keyring item and, hashed, as the name of a file. The account is what
//! a server said, so that it may hold anything: here it becomes one word without slashes that looks like what it is.

use std::fmt::Write;
use std::str::FromStr;

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Error, SessionKey};

/// Longest account in bytes; with the provider it fits into every keyring's name (Windows: 513) and a terminal's line or two.
const MAX_ACCOUNT: usize = 200;

/// Longest provider in bytes; far above those of the registry.
const MAX_PROVIDER: usize = 100;

/// Between the beginning of a name that is too long and the digest of the whole. No account holds it otherwise, because a
/// `%` is always followed by two hexadecimal digits.
const CUT: &str = "%~";

/// Hexadecimal digits of the digest in a name that is too long: 64 bits, against accidents and not against forgery by the
/// one server that names all accounts of a provider anyway.
const CUT_DIGITS: usize = 16;

impl SessionKey {
    /// The name for `account` as a server or a person spells it; an empty one is [`DEFAULT_ACCOUNT`](Self::DEFAULT_ACCOUNT).
    ///
    /// Slashes, blanks, `%`, control and invisible characters are percent-encoded; more than 200 bytes are cut and told
    /// apart by a digest. Different accounts have different names.
    ///
    /// # Errors
    /// [`Error::InvalidName`] unless `provider` consists of `a`-`z`, `0`-`9` and `-`.
    pub fn new(provider: &str, account: &str) -> Result<Self, Error> {
        checked_provider(provider, provider)?;
        let account = match encoded(account) {
            empty if empty.is_empty() => Self::DEFAULT_ACCOUNT.to_owned(),
            long if long.len() > MAX_ACCOUNT => cut(&long),
            account => account,
        };
        Ok(Self { provider: provider.into(), account })
    }

    /// The name written as `PROVIDER/ACCOUNT`: what [`to_string`](ToString::to_string) gives, or what a person typed for it.
    ///
    /// # Errors
    /// [`Error::InvalidName`] without a slash, with nothing behind it, or for percent-encoded bytes that are not UTF-8.
    pub fn parse(name: &str) -> Result<Self, Error> {
        let invalid = |reason| Error::InvalidName { name: name.into(), reason };
        let (provider, account) = name.split_once('/').ok_or_else(|| invalid("it has the form PROVIDER/ACCOUNT"))?;
        checked_provider(provider, name)?;
        if account.is_empty() {
            return Err(invalid("the account behind the slash is missing"));
        }
        if account.contains(CUT) {
            let ours = is_cut(account);
            return if ours {
                Ok(Self { provider: provider.into(), account: account.into() })
            } else {
                Err(invalid("the account is cut"))
            };
        }
        let decoded = percent_encoding::percent_decode_str(account)
            .decode_utf8()
            .map_err(|_| invalid("the percent-encoded bytes are not UTF-8"))?;
        Self::new(provider, &decoded)
    }

    /// A file name for the session: 32 hexadecimal digits. Neither the case of letters nor names that a file system
    /// reserves can make two sessions meet or one escape.
    pub fn file_name(&self) -> String {
        hex(&digest(&SHA256, self.to_string().as_bytes()).as_ref()[..16])
    }
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn checked_provider(provider: &str, name: &str) -> Result<(), Error> {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let reason = match provider.len() {
        0 => "the provider is missing",
        1..=MAX_PROVIDER if provider.bytes().all(known) => return Ok(()),
        1..=MAX_PROVIDER => "a provider consists of a-z, 0-9 and -",
        _ => "the provider is too long",
    };
    Err(Error::InvalidName { name: name.into(), reason })
}

fn encoded(account: &str) -> String {
    if account.chars().all(is_plain) {
        return account.to_owned();
    }
    let mut text = String::with_capacity(account.len());
    for character in account.chars() {
        if is_plain(character) {
            text.push(character);
        } else {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    text
}

/// Whether a character looks like itself wherever the name is shown. The list is ours and not a Unicode table of some
/// version, because a name must not change with an update.
fn is_plain(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_graphic() && !matches!(character, '/' | '%');
    }
    let hidden = matches!(character,
        // soft hyphen, grapheme joiner, Arabic and Syriac marks, Hangul fillers, Khmer inherent vowels, Mongolian selectors
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        // zero-width and directional characters, separators, invisible operators
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        // private use, variation selectors, byte order mark, half-width filler, interlinear marks, non-characters
        | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{ffff}'
        // shorthand and musical controls, tags and everything above
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..);
    !hidden && !character.is_control() && !character.is_whitespace()
}

/// The beginning of an encoded account with a digest of all of it; neither a character nor an escape is torn.
fn cut(account: &str) -> String {
    let mut end = MAX_ACCOUNT - CUT.len() - CUT_DIGITS;
    while !account.is_char_boundary(end) {
        end -= 1;
    }
    if let Some(escape) = account[..end].rfind('%').filter(|escape| escape + 3 > end) {
        end = escape;
    }
    let whole = digest(&SHA256, account.as_bytes());
    format!("{}{CUT}{}", &account[..end], &hex(whole.as_ref())[..CUT_DIGITS])
}

/// Whether `account` has the form that [`cut`] gives. One that was never given names no session.
fn is_cut(account: &str) -> bool {
    let Some((beginning, digits)) = account.split_once(CUT) else { return false };
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let safe = beginning.chars().all(|character| character == '%' || is_plain(character));
    account.len() <= MAX_ACCOUNT && digits.len() == CUT_DIGITS && digits.bytes().all(digit) && safe
}

impl FromStr for SessionKey {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::parse(name)
    }
}

impl Serialize for SessionKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SessionKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The message carries no content: it may end in a report about a damaged file.
        Self::parse(&String::deserialize(deserializer)?).map_err(|_| de::Error::custom("not a session name"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Error, MAX_ACCOUNT, SessionKey};

    /// Accounts that a careless program would confuse, lose or obey.
    const ODD: &[&str] = &[
        "../../x",
        "a/b",
        "a%2Fb",
        "a%252Fb",
        "A",
        "a",
        "a.",
        "a ",
        "a\t",
        "a\n",
        "CON",
        "nul",
        "--help",
        "-",
        ".",
        "..",
        "\u{1f98a}",
        "%",
        "%4",
        "%~",
        "%~0123456789abcdef",
        "a\0",
        "a\u{202e}b",
        "a\u{200b}b",
        "ab",
        "é",
        "e\u{301}",
        "#",
        "\\",
        "C:\\x",
        "~",
        "*",
        "'",
        "\"",
    ];

    fn account(of: &str) -> String {
        SessionKey::new("acme", of).unwrap().account().to_owned()
    }

    #[test]
    fn an_ordinary_account_is_its_own_name() {
        assert_eq!(account("octocat"), "octocat");
        assert_eq!(account("ada@example.com"), "ada@example.com");
        assert_eq!(account("Zoë-Ж-名"), "Zoë-Ж-名");
    }

    #[test]
    fn an_empty_account_is_the_default_one() {
        assert_eq!(account(""), SessionKey::DEFAULT_ACCOUNT);
    }

    #[test]
    fn what_cannot_be_seen_or_would_separate_is_encoded() {
        assert_eq!(account("../../x"), "..%2F..%2Fx");
        assert_eq!(account("a b\t\n\0"), "a%20b%09%0A%00");
        assert_eq!(account("100%"), "100%25");
        assert_eq!(account("a\u{202e}b\u{a0}"), "a%E2%80%AEb%C2%A0");
    }

    #[test]
    fn different_accounts_have_different_names_and_files() {
        let long: Vec<String> = (0..4).map(|last| format!("{}{last}", "x".repeat(300))).collect();
        let accounts: Vec<&str> = ODD.iter().copied().chain(long.iter().map(String::as_str)).collect();

        let names: HashSet<String> = accounts.iter().map(|of| account(of)).collect();
        let files: HashSet<String> =
            accounts.iter().map(|of| SessionKey::new("acme", of).unwrap().file_name()).collect();

        assert_eq!(names.len(), accounts.len());
        assert_eq!(files.len(), accounts.len());
        assert!(files.iter().all(|name| name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit())));
    }

    #[test]
    fn a_name_is_read_back_as_itself() {
        let long = [
            "x".repeat(300),
            "é".repeat(150),
            "\u{202e}".repeat(100),
            "/".repeat(67),
            "é ".repeat(80),
            "🦊".repeat(60),
        ];
        for of in ODD.iter().copied().chain(long.iter().map(String::as_str)) {
            let key = SessionKey::new("acme", of).unwrap();

            assert_eq!(SessionKey::parse(&key.to_string()).unwrap(), key);
            assert!(key.account().len() <= MAX_ACCOUNT);
        }
    }

    #[test]
    fn a_typed_name_means_what_the_server_says() {
        assert_eq!(SessionKey::parse("acme/a/b").unwrap(), SessionKey::new("acme", "a/b").unwrap());
        assert_eq!(SessionKey::parse("acme/a%2fb").unwrap(), SessionKey::new("acme", "a/b").unwrap());
        assert_eq!(SessionKey::parse("acme/%41").unwrap(), SessionKey::new("acme", "A").unwrap());
        assert_eq!(SessionKey::parse("acme/a b").unwrap(), SessionKey::new("acme", "a b").unwrap());
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for name in [
            "",
            "/",
            "acme",
            "acme/",
            "/a",
            "Acme/a",
            "../a",
            "a b/c",
            "acme/%FF",
            "acme/%~1",
            "acme/x%~0123456789abcdeF",
        ] {
            assert!(matches!(SessionKey::parse(name), Err(Error::InvalidName { .. })), "{name}");
        }
        assert!(matches!(SessionKey::new(&"a".repeat(101), "x"), Err(Error::InvalidName { .. })));
    }
}
