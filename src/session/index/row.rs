//! What a list shows of a session, read without taking its whole line apart.
//!
//! Ten thousand lines are listed at once, and nearly all look exactly as [`Entry::to_line`] writes them: the members in
//! its order, and no text with anything in it that JSON escapes. Such a line is read here, from one end to the other, with
//! hardly a copy. Every other one is left to the parser of JSON, so that nothing here decides what is damaged.

use std::borrow::Cow;

use super::Entry;

/// Longest provider and account, in bytes, as `SessionKey` takes them.
const LONGEST: (usize, usize) = (100, 200);

/// Digits of the longest number that is read here: any such number fits.
const DIGITS: usize = 18;

/// Bytes that the texts of a list may need beside the first, so that their buffer seldom grows.
const TEXTS: usize = 64;

/// A session in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// Whether it was made its provider's default.
    pub default: bool,
    /// Until when it can be used.
    pub term: Term,
    /// The granted scope, separated by blanks.
    pub scope: Cow<'a, str>,
}

/// Until when a session can be used. Times are seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// When the access token ends; unknown when the server did not say.
    pub expires_at: Option<i64>,
    /// Whether it can be renewed without a person.
    pub refreshable: bool,
    /// When the refresh token ends, where the server said so.
    pub refresh_expires_at: Option<i64>,
    /// Since when a person must log in again, if so.
    pub trouble_since: Option<i64>,
}

impl From<&Entry> for Term {
    fn from(entry: &Entry) -> Self {
        Self {
            expires_at: entry.expires_at,
            refreshable: entry.refreshable,
            refresh_expires_at: entry.refresh_expires_at,
            trouble_since: entry.trouble.as_ref().map(|trouble| trouble.since),
        }
    }
}

impl From<&Entry> for Row<'static> {
    fn from(entry: &Entry) -> Self {
        Self {
            name: entry.key.to_string().into(),
            default: entry.default,
            term: entry.into(),
            scope: entry.scopes.join(" ").into(),
        }
    }
}

impl<'a> Row<'a> {
    /// Reads a line that looks exactly as we write it; `None` for any other, be it good or damaged.
    pub(super) fn as_written(line: &'a [u8]) -> Option<Self> {
        let line = std::str::from_utf8(line).ok()?;
        let (name, rest) = line.split_once('\t').filter(|(name, _)| is_plain(name))?;
        let mut rest = Rest(rest.as_bytes());
        rest.expect(b"{\"v\":1,\"session\":\"")?;
        rest.0 = rest.0.strip_prefix(name.as_bytes())?;
        rest.expect(b"\"")?;
        let default = rest.flag(b",\"default\":true");
        rest.expect(b",\"grant\":")?;
        rest.text()?;
        let scope = rest.after(b",\"scopes\":", Rest::joined)?.unwrap_or_default();
        rest.expect(b",\"token_type\":")?;
        rest.text()?;
        let expires_at = rest.after(b",\"expires_at\":", Rest::number)?;
        let refreshable = rest.flag(b",\"refreshable\":true");
        let refresh_expires_at = rest.after(b",\"refresh_expires_at\":", Rest::number)?;
        rest.flag(b",\"has_id_token\":true");
        rest.after(b",\"issuer\":", Rest::text)?;
        rest.after(b",\"resources\":", Rest::texts)?;
        rest.after(b",\"hosts\":", Rest::texts)?;
        rest.expect(b",\"client_id\":")?;
        rest.text()?;
        rest.after(b",\"certificate\":", Rest::text)?;
        rest.expect(b",\"store\":")?;
        rest.text()?;
        rest.expect(b",\"created_at\":")?;
        rest.number()?;
        rest.after(b",\"refreshed_at\":", Rest::number)?;
        let trouble_since = rest.after(b",\"trouble\":{\"since\":", Rest::trouble)?;
        rest.expect(b",\"profile\":{\"id\":")?;
        rest.text_or_null()?;
        rest.expect(b",\"name\":")?;
        rest.text_or_null()?;
        rest.expect(b",\"username\":")?;
        rest.text_or_null()?;
        rest.expect(b",\"email\":")?;
        rest.text_or_null()?;
        rest.expect(b",\"picture\":")?;
        rest.text_or_null()?;
        rest.expect(b"}")?;
        rest.after(b",\"waivers\":", Rest::texts)?;
        rest.after(b",\"request\":", Rest::text)?;
        rest.expect(b",\"generation\":")?;
        rest.text()?;
        rest.expect(b"}")?;
        let term = Term { expires_at, refreshable, refresh_expires_at, trouble_since };
        rest.0.is_empty().then_some(Self { name: name.into(), default, term, scope })
    }
}

/// Whether a name certainly is one, and the only way to write it.
fn is_plain(name: &str) -> bool {
    let Some((provider, account)) = name.split_once('/') else { return false };
    let of_provider = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    let of_account = |byte: u8| matches!(byte, b'!'..=b'~') && !matches!(byte, b'/' | b'%' | b'"' | b'\\');
    (1..=LONGEST.0).contains(&provider.len())
        && (1..=LONGEST.1).contains(&account.len())
        && provider.bytes().all(of_provider)
        && account.bytes().all(of_account)
}

/// Where the first byte is that ends a text or is none of a text without escapes: a quote, a backslash, a control
/// character. Eight bytes are looked at together, since this is where most of the time goes.
fn end_of_text(bytes: &[u8]) -> Option<usize> {
    const fn each(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    // The highest bit of each byte that is less than `bound`, exact up to the first.
    let below = |word: u64, bound: u8| word.wrapping_sub(each(bound)) & !word & each(0x80);
    let (words, rest) = bytes.as_chunks();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let ends = below(word, b' ') | below(word ^ each(b'"'), 1) | below(word ^ each(b'\\'), 1);
        if ends != 0 {
            return Some(at * 8 + ends.trailing_zeros() as usize / 8);
        }
    }
    let end = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..b' '))?;
    Some(words.len() * 8 + end)
}

/// What is not read yet of a line.
#[derive(Clone, Copy)]
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    /// Whether the rest begins so, which is then read.
    // Inlined and with a known length, so that a few words are compared instead of a function called.
    #[inline(always)]
    fn flag<const LENGTH: usize>(&mut self, literal: &[u8; LENGTH]) -> bool {
        match self.0.split_first_chunk() {
            Some((begin, rest)) if begin == literal => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    #[inline(always)]
    fn expect<const LENGTH: usize>(&mut self, literal: &[u8; LENGTH]) -> Option<()> {
        self.flag(literal).then_some(())
    }

    /// The value of a member that may be left out.
    #[inline(always)]
    fn after<T, const LENGTH: usize>(
        &mut self,
        member: &[u8; LENGTH],
        value: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<Option<T>> {
        if self.flag(member) { value(self).map(Some) } else { Some(None) }
    }

    /// A text in which nothing is escaped.
    fn text(&mut self) -> Option<&'a [u8]> {
        self.expect(b"\"")?;
        let (text, rest) = self.0.split_at_checked(end_of_text(self.0)?)?;
        self.0 = rest;
        self.expect(b"\"")?;
        Some(text)
    }

    fn text_or_null(&mut self) -> Option<()> {
        if self.flag(b"null") { Some(()) } else { self.text().map(drop) }
    }

    /// A list of texts, of which there is at least one.
    fn texts(&mut self) -> Option<()> {
        self.expect(b"[")?;
        self.text()?;
        while self.flag(b",") {
            self.text()?;
        }
        self.expect(b"]")
    }

    /// The texts of such a list with blanks between them.
    fn joined(&mut self) -> Option<Cow<'a, str>> {
        self.expect(b"[")?;
        let first = self.text()?;
        if self.flag(b"]") {
            return std::str::from_utf8(first).ok().map(Cow::Borrowed);
        }
        let mut joined = Vec::with_capacity(first.len() + TEXTS);
        joined.extend_from_slice(first);
        while self.flag(b",") {
            joined.push(b' ');
            joined.extend_from_slice(self.text()?);
        }
        self.expect(b"]")?;
        String::from_utf8(joined).ok().map(Cow::Owned)
    }

    /// A whole number.
    fn number(&mut self) -> Option<i64> {
        let is_negative = self.flag(b"-");
        let (mut number, mut digits) = (0, 0);
        while let Some(digit @ b'0'..=b'9') = self.0.get(digits).filter(|_| digits < DIGITS) {
            number = number * 10 + i64::from(digit - b'0');
            digits += 1;
        }
        if digits == 0 || self.0[0] == b'0' && (digits > 1 || is_negative) {
            return None;
        }
        self.0 = &self.0[digits..];
        Some(if is_negative { -number } else { number })
    }

    /// What is told of a session's trouble: since when.
    fn trouble(&mut self) -> Option<i64> {
        let since = self.number()?;
        self.expect(b",\"error\":")?;
        self.text()?;
        self.expect(b",\"description\":")?;
        self.text_or_null()?;
        self.expect(b"}")?;
        Some(since)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::session::testing::session;
    use crate::session::{Profile, SessionKey, Trouble};

    /// With a value in those members only that are never left out.
    fn bare() -> Entry {
        Entry {
            scopes: Vec::new(),
            expires_at: None,
            refreshable: false,
            refresh_expires_at: None,
            has_id_token: false,
            issuer: None,
            resources: Vec::new(),
            hosts: Vec::new(),
            refreshed_at: None,
            trouble: None,
            profile: Profile::default(),
            waivers: Vec::new(),
            ..Entry::of(&session("acme/ada"), "memory")
        }
    }

    /// With a value in each member.
    fn full() -> Entry {
        Entry {
            key: SessionKey::parse("acme-2/ada@acme.example").unwrap(),
            default: true,
            scopes: vec!["openid".into(), "zoë".into(), String::new()],
            expires_at: Some(1_795_649_860),
            refreshable: true,
            refresh_expires_at: Some(-1),
            has_id_token: true,
            issuer: Some("https://id.acme.example".into()),
            resources: vec!["https://api.acme.example/".into()],
            hosts: vec!["id.acme.example".into(), "localhost:8443".into()],
            certificate: Some("A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0".into()),
            refreshed_at: Some(0),
            trouble: Some(Trouble {
                since: 1_795_649_861,
                error: "invalid_grant".into(),
                description: Some("over".into()),
            }),
            profile: Profile {
                id: Some("1".into()),
                name: Some("Ada".into()),
                username: Some("ada".into()),
                email: Some("ada@acme.example".into()),
                picture: Some("https://acme.example/ada.png".into()),
            },
            waivers: vec!["allow-http".into()],
            request: Some("digest".into()),
            ..bare()
        }
    }

    #[test]
    fn lines_are_read_as_they_are_written_and_say_what_their_entries_say() {
        let nearly_full = Entry { trouble: Some(Trouble { description: None, ..full().trouble.unwrap() }), ..full() };
        for entry in [bare(), full(), nearly_full, Entry { scopes: vec!["one".into()], ..bare() }] {
            assert_eq!(Row::as_written(&entry.to_line()), Some(Row::from(&entry)));
        }
    }

    #[test]
    fn what_json_escapes_and_names_of_an_odd_form_are_left_to_the_parser() {
        let named = |name: &str| Entry { key: SessionKey::parse(name).unwrap(), ..bare() };
        let odd = [
            Entry { grant: "a\"b".into(), ..bare() },
            Entry { scopes: vec!["a\\b".into()], ..bare() },
            Entry { client_id: "a\u{1}b".into(), ..bare() },
            named("acme/a%2Fb"),
            named("acme/a\"b"),
            named("acme/zoë"),
        ];
        for entry in odd {
            assert_eq!(Row::as_written(&entry.to_line()), None, "{entry:?}");
        }
    }

    /// Each byte of a line left out, replaced, and put in; names and numbers that are none: what is read here must be read by
    /// the parser, and alike.
    #[test]
    fn no_line_is_understood_that_the_parser_does_not_understand_so() {
        let agree = |line: &[u8]| {
            if let Some(row) = Row::as_written(line) {
                let entry = Entry::from_line(line, Path::new("index"));
                assert_eq!(entry.map(|entry| Row::from(&entry)).ok(), Some(row), "{}", String::from_utf8_lossy(line));
            }
        };
        let (mut understood, line) = (0, full().to_line());
        for at in 0..line.len() {
            for with in b"\"\\,:{}[]-01.e \t\x1f\x7f\x80\xc3aA/%".iter().copied().chain([line[at]]) {
                let changed = |with: &[u8], from: usize| [&line[..at], with, &line[from..]].concat();
                for line in [changed(&[with], at + 1), changed(&[with], at), changed(&[], at + 1)] {
                    understood += usize::from(Row::as_written(&line).is_some());
                    agree(&line);
                }
            }
        }
        assert!(understood > 1000, "{understood}");
        for end in 0..line.len() {
            agree(&line[..end]);
        }
        let (long, longer) = ("a".repeat(101), "a".repeat(201));
        for (provider, account) in [
            ("acme", "a\"b"),
            ("acme", "a\\b"),
            ("acme", "a\\u0062"),
            ("acme", "a/b"),
            ("acme", "%41"),
            ("acme", "a b"),
            ("acme", "a\u{7f}"),
            ("acme", &longer),
            ("acme", ""),
            ("", "a"),
            ("Acme", "a"),
            ("ac.me", "a"),
            (&long, "a"),
        ] {
            let name = format!("{provider}/{account}");
            agree(&String::from_utf8(line.clone()).unwrap().replace("acme-2/ada@acme.example", &name).into_bytes());
        }
        for number in ["00", "-0", "01", "1.0", "1e3", "-", "", "9223372036854775808", "999999999999999999", "-12"] {
            agree(&String::from_utf8(line.clone()).unwrap().replace("1795649860", number).into_bytes());
        }
    }
}
