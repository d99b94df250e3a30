//! The tags of a page, as a browser's tokenizer finds them.
//!
//! Only tags come out. Text, comments and what else there is are skipped by the same rules by which a browser skips them,
//! so that a tag here is one there. Of the named character references those that markup itself needs are known; others
//! stay as they are written, which makes an address in which they occur another one, and nobody else's.
//!
//! # Specification
//! HTML §13.2.5.

/// A tag that is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    /// Whether it ends an element.
    pub(super) is_end: bool,
    /// In lower case.
    pub(super) name: String,
    /// As they are written, repeated ones too.
    attributes: Vec<(&'a [u8], &'a [u8])>,
}

impl Tag<'_> {
    /// The first attribute of that name, with its character references replaced; what is no UTF-8 too. Other encodings are not
    /// worth a table: what an address is made of looks the same in all that occur.
    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        let (_, value) = self.attributes.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()))?;
        Some(unescaped(&String::from_utf8_lossy(value)))
    }
}

/// Goes through a page once.
pub(super) struct Tags<'a> {
    rest: &'a [u8],
}

impl<'a> Tags<'a> {
    pub(super) fn of(page: &'a [u8]) -> Self {
        Self { rest: page }
    }

    /// The tag whose name begins here (§13.2.5.8, §13.2.5.32 to §13.2.5.40); `None` where the page ends within.
    fn tag(&mut self, is_end: bool) -> Option<Tag<'a>> {
        let name = lower(self.until(|byte| is_blank(byte) || matches!(byte, b'/' | b'>')));
        let mut attributes = Vec::new();
        loop {
            self.until(|byte| !is_blank(byte) && byte != b'/');
            if *self.rest.first()? == b'>' {
                self.rest = &self.rest[1..];
                return Some(Tag { is_end, name, attributes });
            }
            let start = self.rest;
            // A name may begin with the sign that ends it.
            self.rest = &start[1..];
            self.until(|byte| is_blank(byte) || matches!(byte, b'/' | b'>' | b'='));
            let attribute = &start[..start.len() - self.rest.len()];
            attributes.push((attribute, self.value()?));
        }
    }

    /// The value behind an attribute's name; empty without one.
    fn value(&mut self) -> Option<&'a [u8]> {
        let before = self.rest;
        self.until(|byte| !is_blank(byte));
        if *self.rest.first()? != b'=' {
            self.rest = before;
            return Some(&[]);
        }
        self.rest = &self.rest[1..];
        self.until(|byte| !is_blank(byte));
        match *self.rest.first()? {
            quote @ (b'"' | b'\'') => {
                self.rest = &self.rest[1..];
                let value = self.until(|byte| byte == quote);
                self.rest = self.rest.get(1..)?;
                Some(value)
            }
            _ => Some(self.until(|byte| is_blank(byte) || byte == b'>')),
        }
    }

    /// What comes before the first byte that `ends`, or all.
    fn until(&mut self, ends: impl Fn(u8) -> bool) -> &'a [u8] {
        let at = self.rest.iter().position(|byte| ends(*byte)).unwrap_or(self.rest.len());
        let (before, rest) = self.rest.split_at(at);
        self.rest = rest;
        before
    }

    /// Behind the first `end`; nothing is left where there is none.
    fn skip_behind(&mut self, end: &[u8]) {
        let at = self.rest.windows(end.len()).position(|window| window == end);
        self.rest = at.map_or(&[], |at| &self.rest[at + end.len()..]);
    }

    /// What begins with `<!--` (§13.2.5.43 to §13.2.5.52).
    fn skip_comment(&mut self) {
        for empty in [&b">"[..], b"->"] {
            if let Some(rest) = self.rest.strip_prefix(empty) {
                self.rest = rest;
                return;
            }
        }
        let ends = |at: &usize| self.rest[*at..].starts_with(b"-->") || self.rest[*at..].starts_with(b"--!>");
        let at = (0..self.rest.len()).find(ends).unwrap_or(self.rest.len());
        self.rest = &self.rest[at..];
        self.skip_behind(b">");
    }

    /// The content of an element that holds no elements (§13.2.5.2, §13.2.5.3).
    fn skip_text(&mut self, name: &str) {
        let at = (0..self.rest.len()).find(|at| ends(&self.rest[*at..], name));
        self.rest = &self.rest[at.unwrap_or(self.rest.len())..];
    }

    /// The content of a script, in which comments hide the ends of scripts in them (§13.2.5.15 to §13.2.5.31).
    fn skip_script(&mut self) {
        let (mut is_escaped, mut is_inner) = (false, false);
        while !self.rest.is_empty() {
            if !is_escaped && self.rest.starts_with(b"<!--") {
                is_escaped = true;
                // The two dashes can be those of the end.
                self.rest = &self.rest[1..];
            } else if is_escaped && self.rest.starts_with(b"-->") {
                (is_escaped, is_inner) = (false, false);
            } else if ends(self.rest, "script") {
                match is_inner {
                    true => is_inner = false,
                    false => return,
                }
            } else if is_escaped && begins(self.rest, "script") {
                is_inner = true;
            }
            self.rest = &self.rest[1..];
        }
    }
}

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        loop {
            self.until(|byte| byte == b'<');
            self.rest = self.rest.get(1..)?;
            match self.rest {
                [b'!', b'-', b'-', ..] => {
                    self.rest = &self.rest[3..];
                    self.skip_comment();
                }
                [b'/', letter, ..] if letter.is_ascii_alphabetic() => {
                    self.rest = &self.rest[1..];
                    return self.tag(true);
                }
                [b'!' | b'?' | b'/', ..] => self.skip_behind(b">"),
                [letter, ..] if letter.is_ascii_alphabetic() => {
                    let tag = self.tag(false)?;
                    match tag.name.as_str() {
                        "script" => self.skip_script(),
                        "plaintext" => self.rest = &[],
                        // The last of them where scripts run, as they do in a browser.
                        "title" | "textarea" | "style" | "xmp" | "iframe" | "noembed" | "noframes" | "noscript" => {
                            self.skip_text(&tag.name);
                        }
                        _ => {}
                    }
                    return Some(tag);
                }
                _ => {}
            }
        }
    }
}

/// HTML §13.2.3.5: a tokenizer sees `\r` as the line break that it stands for.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c')
}

fn lower(name: &[u8]) -> String {
    String::from_utf8_lossy(name).to_ascii_lowercase()
}

fn begins(rest: &[u8], name: &str) -> bool {
    rest.strip_prefix(b"<").is_some_and(|rest| is_named(rest, name))
}

fn ends(rest: &[u8], name: &str) -> bool {
    rest.strip_prefix(b"</").is_some_and(|rest| is_named(rest, name))
}

fn is_named(rest: &[u8], name: &str) -> bool {
    rest.split_at_checked(name.len()).is_some_and(|(found, behind)| {
        found.eq_ignore_ascii_case(name.as_bytes())
            && behind.first().is_some_and(|byte| is_blank(*byte) || matches!(byte, b'/' | b'>'))
    })
}

/// The value of an attribute, with its character references replaced (§13.2.5.72 to §13.2.5.80).
fn unescaped(value: &str) -> String {
    let mut text = String::new();
    let mut rest = value;
    while let Some((before, behind)) = rest.split_once('&') {
        text.push_str(before);
        rest = match numbered(behind).or_else(|| named(behind)) {
            Some((found, behind)) => {
                text.push(found);
                behind
            }
            None => {
                text.push('&');
                behind
            }
        };
    }
    text + rest
}

fn numbered(reference: &str) -> Option<(char, &str)> {
    // §13.2.5.80: from 0x80 on, what old pages meant by these numbers.
    const OLD: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";
    let digits = reference.strip_prefix('#')?;
    let (digits, radix) = match digits.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16),
        None => (digits, 10),
    };
    let end = digits.find(|digit: char| !digit.is_digit(radix)).unwrap_or(digits.len());
    let (digits, behind) = digits.split_at_checked(end).filter(|_| end > 0)?;
    let found = match u32::from_str_radix(digits, radix) {
        Ok(number @ 0x80..0xa0) => OLD.chars().nth(number as usize - 0x80),
        Ok(number @ 1..) => char::from_u32(number),
        _ => None,
    };
    Some((found.unwrap_or(char::REPLACEMENT_CHARACTER), behind.strip_prefix(';').unwrap_or(behind)))
}

fn named(reference: &str) -> Option<(char, &str)> {
    const NAMES: [(&str, char); 9] = [
        ("amp", '&'),
        ("AMP", '&'),
        ("lt", '<'),
        ("LT", '<'),
        ("gt", '>'),
        ("GT", '>'),
        ("quot", '"'),
        ("QUOT", '"'),
        ("apos", '\''),
    ];
    let (name, found) = NAMES.into_iter().find(|(name, _)| reference.starts_with(name))?;
    let behind = &reference[name.len()..];
    match behind.strip_prefix(';') {
        Some(behind) => Some((found, behind)),
        // §13.2.5.73: for historical reasons.
        None if name == "apos" || behind.starts_with(|next: char| next == '=' || next.is_ascii_alphanumeric()) => None,
        None => Some((found, behind)),
    }
}

#[cfg(test)]
mod tests {
    use html5gum::{DefaultEmitter, State, Token, Tokenizer};

    use super::{Tags, lower, unescaped};

    type Seen = (bool, String, Vec<(String, String)>);

    /// What a tokenizer sees that others have written.
    fn theirs(page: &str) -> Vec<Seen> {
        let mut emitter = DefaultEmitter::default();
        emitter.naively_switch_states(true);
        let mut tokenizer = Tokenizer::new_with_emitter(page.as_bytes(), emitter);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
        let mut seen = Vec::new();
        while let Some(Ok(token)) = tokenizer.next() {
            match token {
                Token::StartTag(tag) => {
                    if *tag.name == b"noframes" {
                        tokenizer.set_state(State::RawText);
                    }
                    let attributes = tag.attributes.iter().map(|(name, value)| (text(name), text(value))).collect();
                    seen.push((false, text(&tag.name), attributes));
                }
                Token::EndTag(tag) => seen.push((true, text(&tag.name), Vec::new())),
                _ => {}
            }
        }
        seen
    }

    fn ours(page: &str) -> Vec<Seen> {
        let seen = Tags::of(page.as_bytes()).map(|tag| {
            let mut names: Vec<_> = tag.attributes.iter().map(|(name, _)| lower(name)).collect();
            names.sort();
            names.dedup();
            let attributes = names.into_iter().map(|name| {
                let value = tag.attribute(&name).expect("an attribute");
                (name, value)
            });
            (tag.is_end, tag.name.clone(), if tag.is_end { Vec::new() } else { attributes.collect() })
        });
        seen.collect()
    }

    #[test]
    fn every_page_has_the_tags_that_another_tokenizer_finds() {
        const PIECES: [&str; 54] = [
            "<",
            ">",
            "/",
            "!",
            "-",
            "--",
            "\"",
            "'",
            "=",
            " ",
            "\n",
            "\t",
            "?",
            "a",
            "B",
            "link",
            "LINK",
            "rel",
            "href",
            "<a",
            "</a>",
            "<a ",
            "<!--",
            "-->",
            "--!>",
            "<!",
            "<script>",
            "</script>",
            "<script",
            "</SCRIPT",
            "script",
            "<title>",
            "</title>",
            "<style>",
            "</style ",
            "<textarea>",
            "</textarea/",
            "<noframes>",
            "</noframes>",
            "<noscript>",
            "</noscript>",
            "<xmp>",
            "</xmp>",
            "<![CDATA[",
            "]]>",
            "<!doctype ",
            "&amp;",
            "&#65",
            "&#x41;",
            "&#128;",
            "&#x9d",
            "&lt=",
            "é",
            "<link rel=x href='/y'>",
        ];
        // Xorshift: the same pages in every run.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let mut tags = 0;
        for _ in 0..100_000 {
            let page: String = (0..1 + next() % 24).map(|_| PIECES[(next() % PIECES.len() as u64) as usize]).collect();
            let found = ours(&page);
            tags += found.len();
            assert_eq!(found, theirs(&page), "{page}");
        }
        assert!(tags > 100_000, "{tags}");
    }

    #[test]
    fn references_are_replaced_as_markup_needs() {
        for (written, meant) in [
            ("/a?b=1&amp;c=2", "/a?b=1&c=2"),
            ("/a?b=1&c=2", "/a?b=1&c=2"),
            ("?a&amp=1&ampb&AMP", "?a&amp=1&ampb&"),
            ("&lt;&GT;&quot;&apos;&apos", "<>\"'&apos"),
            ("&#47;&#x2F;&#X2f&#47", "////"),
            ("&#0;&#xD800;&#x110000;&#99999999999;", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}"),
            ("&#128;&#X85;&#x9D;&#159;&#160;", "€…\u{9d}Ÿ\u{a0}"),
            ("&#;&#x;&#xg&;&", "&#;&#x;&#xg&;&"),
        ] {
            assert_eq!(unescaped(written), meant, "{written}");
        }
    }
}
