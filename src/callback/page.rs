//! What the person sees, and the headers it travels with.

use http::StatusCode;

use super::Outcome;

/// Literal parts and names in turn, separated by `%%`.
const TEMPLATE: &str = include_str!("page.html");

/// Characters shown of a text that may come from a server.
const TEXT_LIMIT: usize = 500;

/// Fields of every answer. Nothing may be stored, framed, loaded from elsewhere or told to other sites, because the address
/// of the request may still hold a code.
const FIELDS: &str = "Cache-Control: no-store\r\n\
    Referrer-Policy: no-referrer\r\n\
    X-Content-Type-Options: nosniff\r\n\
    X-Frame-Options: DENY\r\n\
    Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n\
    Connection: close\r\n";

/// One page with its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    status: StatusCode,
    heading: String,
    text: Option<String>,
    /// The method that the address does take, for 405.
    allow: Option<&'static str>,
}

impl Page {
    /// The end of the login.
    pub fn outcome(outcome: Outcome) -> Self {
        let (status, heading, text) = match outcome {
            Outcome::Success { heading, detail } => (StatusCode::OK, heading, detail),
            Outcome::Failure { heading, text } => (StatusCode::BAD_REQUEST, heading, text),
        };
        Self { status, heading, text, allow: None }
    }

    /// A request that changed nothing.
    pub fn refusal(status: StatusCode, text: &str) -> Self {
        Self { status, heading: "The login was not completed".into(), text: Some(text.into()), allow: None }
    }

    /// A method that the address does not take.
    pub fn method(allow: &'static str) -> Self {
        let refusal = Self::refusal(StatusCode::METHOD_NOT_ALLOWED, "This address does not take such requests.");
        Self { allow: Some(allow), ..refusal }
    }

    /// The whole response.
    pub fn response(&self) -> Vec<u8> {
        let allow = self.allow.map(|method| format!("Allow: {method}\r\n")).unwrap_or_default();
        let kind = "Content-Type: text/html; charset=utf-8\r\n";
        response(self.status, &format!("{kind}{allow}"), &self.html())
    }

    fn html(&self) -> String {
        let heading = shown(&self.heading);
        let text = self.text.as_deref().filter(|text| !text.is_empty());
        let text = text.map(|text| format!("<p>{}</p>\n", shown(text))).unwrap_or_default();
        // One pass over the template, so that a text which looks like a placeholder stays a text.
        let parts = TEMPLATE.split("%%").map(|part| match part {
            "heading" => heading.as_str(),
            "text" => text.as_str(),
            literal => literal,
        });
        parts.collect()
    }
}

/// Sends the browser on to `path`, which carries no parameters, so that none stay in its address bar and history.
pub(super) fn see_other(path: &str) -> Vec<u8> {
    response(StatusCode::SEE_OTHER, &format!("Location: {path}\r\n"), "")
}

fn response(status: StatusCode, fields: &str, body: &str) -> Vec<u8> {
    let (code, reason) = (status.as_u16(), status.canonical_reason().unwrap_or_default());
    format!("HTTP/1.1 {code} {reason}\r\n{fields}Content-Length: {}\r\n{FIELDS}\r\n{body}", body.len()).into_bytes()
}

/// Text as HTML: cut, without control characters, with every character escaped that means something.
fn shown(text: &str) -> String {
    let mut html = String::new();
    for (at, character) in text.chars().enumerate() {
        if at == TEXT_LIMIT {
            html.push('…');
            break;
        }
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            control if control.is_control() => html.push(' '),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Page, StatusCode, TEXT_LIMIT, see_other, shown};

    #[test]
    fn a_page_is_sent_whole() {
        let page = Page::outcome(Outcome::Success { heading: "Logged in to GitLab".into(), detail: None });

        let response = String::from_utf8(page.response()).unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();

        assert_eq!(
            head,
            format!(
                "HTTP/1.1 200 OK\r\n\
                 Content-Type: text/html; charset=utf-8\r\n\
                 Content-Length: {}\r\n\
                 Cache-Control: no-store\r\n\
                 Referrer-Policy: no-referrer\r\n\
                 X-Content-Type-Options: nosniff\r\n\
                 X-Frame-Options: DENY\r\n\
                 Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n\
                 Connection: close",
                body.len()
            )
        );
        assert!(body.contains("<html lang=\"en\">\n"));
        assert!(body.contains("<title>Logged in to GitLab</title>\n"));
        assert!(body.ends_with(
            "<main role=\"status\">\n<h1>Logged in to GitLab</h1>\n<p>Return to the terminal.</p>\n</main>\n</body>\n</html>\n"
        ));
    }

    #[test]
    fn the_redirect_carries_the_same_fields() {
        assert_eq!(
            String::from_utf8(see_other("/callback/done")).unwrap(),
            "HTTP/1.1 303 See Other\r\n\
             Location: /callback/done\r\n\
             Content-Length: 0\r\n\
             Cache-Control: no-store\r\n\
             Referrer-Policy: no-referrer\r\n\
             X-Content-Type-Options: nosniff\r\n\
             X-Frame-Options: DENY\r\n\
             Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n\
             Connection: close\r\n\r\n"
        );
    }

    #[test]
    fn a_failure_is_a_client_error() {
        let page = Page::outcome(Outcome::Failure { heading: "Login failed".into(), text: None });

        assert_eq!(page.status, StatusCode::BAD_REQUEST);
    }

    #[test]
    fn text_from_a_server_is_escaped_in_heading_and_text() {
        let attack = "</title><script>alert('1')</script>&\u{1b}\"";
        let page =
            Page::outcome(Outcome::Failure { heading: format!("Login failed: {attack}"), text: Some(attack.into()) });

        let html = page.html();

        let safe = "&lt;/title&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp; &quot;";
        assert!(html.contains(&format!("<title>Login failed: {safe}</title>")));
        assert!(html.contains(&format!("<p>{safe}</p>")));
        assert!(!html.contains("<script"));
    }

    #[test]
    fn a_text_that_looks_like_a_placeholder_stays_a_text() {
        let page = Page::refusal(StatusCode::BAD_REQUEST, "%%heading%%");

        assert!(page.html().contains("<p>%%heading%%</p>"));
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(shown(&"é".repeat(TEXT_LIMIT)), "é".repeat(TEXT_LIMIT));
        assert_eq!(shown(&"<".repeat(TEXT_LIMIT + 1)), format!("{}…", "&lt;".repeat(TEXT_LIMIT)));
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere() {
        let html = Page::refusal(StatusCode::NOT_FOUND, "x").html();

        assert!(["http:", "https:", "//", "src=", "href=", "url(", "@import"].iter().all(|sign| !html.contains(sign)));
    }
}
