//! Links from an answer to elsewhere, in its header.
//!
//! Read strictly, because what is linked decides where a person is sent: a line counts up to the first thing in it that is
//! not the grammar. Titles, languages and media types are skipped.
//!
//! # Specification
//! RFC 8288 §3 (form), Appendix B.2 (how it is read).

use http::HeaderMap;
use http::header::LINK;

/// One link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    /// An address, which may be relative to that of the answer.
    pub(super) target: String,
    /// The relations, between blanks.
    pub(super) rel: String,
    /// What it is a link of, where that is not the answer itself.
    pub(super) anchor: Option<String>,
}

/// The links of an answer in their order; those of several lines follow each other.
pub(super) fn links(headers: &HeaderMap) -> Vec<Link> {
    let mut found = Vec::new();
    for value in headers.get_all(LINK) {
        let mut reader = Reader { rest: value.as_bytes() };
        while let Some(link) = reader.link() {
            found.push(link);
        }
    }
    found
}

/// Whether `relation`, in lower case, is among the relations of `rel`.
///
/// # Specification
/// RFC 8288 §2.1 (compared without case), §3.3 (separated by blanks).
pub(super) fn is_among(relation: &str, rel: &str) -> bool {
    rel.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case(relation))
}

/// Goes through a line once.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// The next link; `None` at the end, and before what is no link.
    fn link(&mut self) -> Option<Link> {
        // RFC 9110 §5.6.1.2: a list may have empty elements.
        self.take_while(|byte| is_blank(byte) || byte == b',');
        self.skip(b'<').then_some(())?;
        let target = text(self.take_while(|byte| byte != b'>'));
        self.skip(b'>').then_some(())?;
        let (mut rel, mut anchor) = (None, None);
        loop {
            self.skip_blanks();
            if matches!(self.rest.first(), None | Some(b',')) {
                return Some(Link { target, rel: rel.unwrap_or_default(), anchor });
            }
            self.skip(b';').then_some(())?;
            self.skip_blanks();
            let name = self.take_while(is_token);
            self.skip_blanks();
            let value = if self.skip(b'=') { self.value()? } else { String::new() };
            // RFC 8288 §3.3: the first counts.
            if name.eq_ignore_ascii_case(b"rel") {
                rel.get_or_insert(value);
            } else if name.eq_ignore_ascii_case(b"anchor") {
                anchor.get_or_insert(value);
            }
        }
    }

    /// A word or a quoted text; `None` for a text that does not end.
    fn value(&mut self) -> Option<String> {
        self.skip_blanks();
        if !self.skip(b'"') {
            // More than a token, since addresses were once written without quotes (RFC 5988 §5).
            return Some(text(self.take_while(|byte| !is_blank(byte) && !b",;\"".contains(&byte))));
        }
        let mut value = Vec::new();
        loop {
            value.extend_from_slice(self.take_while(|byte| byte != b'"' && byte != b'\\'));
            if self.skip(b'"') {
                return Some(text(&value));
            }
            let (escaped, rest) = self.rest.get(1..)?.split_first()?;
            value.push(*escaped);
            self.rest = rest;
        }
    }

    fn take_while(&mut self, is_meant: impl Fn(u8) -> bool) -> &'a [u8] {
        let length = self.rest.iter().take_while(|byte| is_meant(**byte)).count();
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    fn skip_blanks(&mut self) {
        self.take_while(is_blank);
    }

    /// Whether `byte` follows, which is then behind us.
    fn skip(&mut self, byte: u8) -> bool {
        let rest = self.rest.strip_prefix(&[byte]);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// RFC 9110 §5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::{Link, is_among, links};

    fn read(lines: &[&str]) -> Vec<Link> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("link", HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        links(&headers)
    }

    fn link(target: &str, rel: &str) -> Link {
        Link { target: target.to_owned(), rel: rel.to_owned(), anchor: None }
    }

    /// RFC 8288 §3.5.
    #[test]
    fn the_examples_of_the_specification_are_understood() {
        let previous = "<http://example.com/TheBook/chapter2>; rel=\"previous\"; title=\"previous chapter\"";
        let two = "</TheBook/chapter2>; rel=\"previous\"; title*=UTF-8'de'letztes%20Kapitel, \
                   </TheBook/chapter4>; rel=\"next\"; title*=UTF-8'de'n%c3%a4chstes%20Kapitel";
        let start = "<http://example.org/>; rel=\"start http://example.net/relation/other\"";

        assert_eq!(read(&[previous]), [link("http://example.com/TheBook/chapter2", "previous")]);
        assert_eq!(read(&["</>; rel=\"http://example.net/foo\""]), [link("/", "http://example.net/foo")]);
        assert_eq!(
            read(&["</terms>; rel=\"copyright\"; anchor=\"#foo\""]),
            [Link { anchor: Some("#foo".into()), ..link("/terms", "copyright") }]
        );
        assert_eq!(read(&[two]), [link("/TheBook/chapter2", "previous"), link("/TheBook/chapter4", "next")]);
        assert_eq!(read(&[start]), [link("http://example.org/", "start http://example.net/relation/other")]);
    }

    #[test]
    fn links_of_several_lines_follow_each_other() {
        assert_eq!(read(&[",<a>;rel=x, ,", "<b>; rel=y"]), [link("a", "x"), link("b", "y")]);
    }

    #[test]
    fn what_separates_does_not_within_an_address_or_quotes() {
        let line = "<a,b;c>;\ttitle=\"x, <y>; rel=\\\"no\\\"\" ;; REL = \"x\\y\" ; crossorigin";

        assert_eq!(read(&[line]), [link("a,b;c", "xy")]);
    }

    #[test]
    fn the_first_of_repeated_parameters_counts() {
        let line = "<a>; rel=x; rel=y; anchor=\"/p\"; anchor=\"/q\"";

        assert_eq!(read(&[line]), [Link { anchor: Some("/p".into()), ..link("a", "x") }]);
    }

    #[test]
    fn a_line_counts_up_to_what_is_not_the_grammar() {
        for bad in ["<b>; rel=\"y", "<b>; rel=\"y\\", "<b> rel=y", "<b>; rel=x y", "b; rel=y", "<b; rel=y", "<b>; =y@"]
        {
            assert_eq!(read(&[&format!("<a>; rel=x, {bad}, <c>; rel=z")])[0], link("a", "x"), "{bad}");
            assert!(read(&[bad]).iter().all(|link| link.rel.is_empty()), "{bad}");
        }
        assert_eq!(read(&["<a>; rel=x, <b> rel=y, <c>; rel=z"]), [link("a", "x")]);
    }

    #[test]
    fn relations_are_words_compared_without_case() {
        assert!(is_among("token_endpoint", "me\tTOKEN_endpoint x"));
        assert!(!is_among("token_endpoint", "token_endpoint2 x-token_endpoint"));
    }
}
