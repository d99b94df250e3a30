//! The `<link>` elements of a page.
//!
//! Tags are read as a browser's tokenizer does; no tree is built of them. So what is in comments, in scripts and in other
//! elements of plain text is no link, nor is what a template holds. Whether an element is where it is allowed does not
//! matter.
//!
//! # Specification
//! HTML §13.2.5 (tokens), §4.2.3 (`base`), §4.2.4 (`link`); IndieAuth §4.1.

use super::tags::{Tag, Tags};
use crate::protocol::link;

/// What a page declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page<const N: usize> {
    /// What its addresses are relative to, where that is not its own.
    pub(super) base: Option<String>,
    /// The first address of each relation that was asked for.
    pub(super) links: [Option<String>; N],
}

/// Reads a page for the first link of each of `relations`, which are in lower case.
pub(super) fn read<const N: usize>(html: &[u8], relations: [&str; N]) -> Page<N> {
    let mut page = Page { base: None, links: [const { None }; N] };
    let mut templates = 0_usize;
    for tag in Tags::of(html) {
        match (tag.is_end, tag.name.as_str()) {
            (true, "template") => templates = templates.saturating_sub(1),
            (false, "template") => templates += 1,
            (false, "base") if templates == 0 && page.base.is_none() => page.base = tag.attribute("href"),
            (false, "link") if templates == 0 => page.take(&tag, &relations),
            _ => {}
        }
    }
    page
}

impl<const N: usize> Page<N> {
    fn take(&mut self, tag: &Tag<'_>, relations: &[&str; N]) {
        let (Some(rel), Some(href)) = (tag.attribute("rel"), tag.attribute("href")) else { return };
        // HTML §4.2.4: such an element is no link.
        if href.is_empty() {
            return;
        }
        for (relation, found) in relations.iter().zip(&mut self.links) {
            if found.is_none() && link::is_among(relation, &rel) {
                *found = Some(href.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Page, read};

    fn first(html: &str) -> Option<String> {
        let [found] = read(html.as_bytes(), ["indieauth-metadata"]).links;
        found
    }

    #[test]
    fn the_first_link_of_each_relation_counts() {
        let html = "<!doctype html><html><head><link rel=stylesheet href=/s><link href='/m&amp;1' REL='me\nIndieAuth-Metadata'>
            <link rel=indieauth-metadata href=/2></head><body><p><link rel='micropub indieauth-metadata' href=/3 />";

        let page = read(html.as_bytes(), ["indieauth-metadata", "micropub", "token_endpoint"]);

        assert_eq!(page, Page { base: None, links: [Some("/m&1".into()), Some("/3".into()), None] });
    }

    #[test]
    fn what_a_browser_takes_for_text_is_no_link() {
        const LINK: &str = "<link rel=indieauth-metadata href=/evil>";
        for name in
            ["script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes", "noscript", "template"]
        {
            let html = format!("<{name}>{LINK}</{name}><link rel=indieauth-metadata href=/good>");
            assert_eq!(first(&html).as_deref(), Some("/good"), "{name}");
            assert_eq!(first(&format!("<{name}>{LINK}")), None, "{name}");
        }
        for html in [
            format!("<!-- {LINK} -->"),
            format!("<!-- {LINK}"),
            format!("<a title='{LINK}'>"),
            format!("<![CDATA[ {} ]]", LINK.replace('>', "")),
            format!("<plaintext></plaintext>{LINK}"),
            format!("<script><!--<script></script>{LINK}--></script>"),
            format!("<template><template></template>{LINK}</template>"),
            "&lt;link rel=indieauth-metadata href=/evil&gt;".to_owned(),
            "<links rel=indieauth-metadata href=/evil>".to_owned(),
            "</link rel=indieauth-metadata href=/evil>".to_owned(),
            "<a rel=indieauth-metadata href=/evil>".to_owned(),
            "<link rel=indieauth-metadata href=/evil".to_owned(),
        ] {
            assert_eq!(first(&html), None, "{html}");
        }
        for html in
            [format!("</template>{LINK}"), format!("<script><!--><script></script>{LINK}"), format!("<!-->{LINK}-->")]
        {
            assert_eq!(first(&html).as_deref(), Some("/evil"), "{html}");
        }
    }

    #[test]
    fn an_element_that_says_where_or_what_for_is_missing_is_no_link() {
        let html =
            "<link rel=indieauth-metadata><link rel=indieauth-metadata href><link rel=indieauth-metadata href=''>
            <link href=/x><link rel='' href=/x><link rel=indieauth-metadata href=/good>";

        assert_eq!(first(html).as_deref(), Some("/good"));
    }

    #[test]
    fn the_first_of_repeated_attributes_counts() {
        let html = "<link rel=x rel=indieauth-metadata href=/no><link rel=indieauth-metadata href=/a HREF=/b rel=x>";

        assert_eq!(first(html).as_deref(), Some("/a"));
    }

    #[test]
    fn the_first_base_with_an_address_counts_wherever_it_is() {
        let base = |html: &str| read(html.as_bytes(), ["x"]).base;

        assert_eq!(base("<link rel=x href=y><base target=_top><base href=/a><base href=/b>").as_deref(), Some("/a"));
        assert_eq!(base("<template><base href=/a></template><!--<base href=/b>-->"), None);
    }

    #[test]
    fn other_encodings_are_read_as_far_as_they_are_ascii() {
        let html = b"<title>Caf\xe9</title>\xff\x00<link rel=indieauth-metadata title='\xe9' href='/caf\xe9'>";

        assert_eq!(read(html, ["indieauth-metadata"]).links, [Some("/caf\u{fffd}".to_owned())]);
    }
}
