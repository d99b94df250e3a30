//! The two pages a person can see: the question, and that something is wrong.
//!
//! Nothing a request brings reaches a page, except an authority that was found to be a loopback address and a port.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};

use super::http::Response;
use super::state::Question;

const PAGE: &str = include_str!("page.html");

/// Asks whether the client may have what it wants; `redirect_authority` is where the answer goes.
pub(super) fn consent(transaction: &str, question: &Question, redirect_authority: &str) -> Response {
    let mut main = String::from(
        "<p>You are <strong>Ada Demo</strong> (ada). <strong>keyfob</strong>, on this computer, would like to:</p>\n<ul>\n",
    );
    for (scope, words) in question.scope.described() {
        let _ = writeln!(main, "<li>{words} <code>{scope}</code></li>");
    }
    let _ = write!(
        main,
        r#"</ul>
<p>The answer goes to <code>{redirect_authority}</code>.</p>
<form method="post" action="/consent">
<input type="hidden" name="transaction" value="{transaction}">
<button type="submit" name="decision" value="allow" class="primary">Allow</button>
<button type="submit" name="decision" value="deny">Deny</button>
</form>
<p class="small">This is the demonstration server of <code>keyfob demo</code>. Ada is made up, nothing leaves this computer,
and everything is forgotten when the demonstration ends.</p>"#
    );
    // A browser holds the redirect after a form to `form-action` too, so the client's listener has to be in it. IPv6
    // addresses cannot be written there (CSP Level 3 §2.3.1).
    let target = match redirect_authority.starts_with('[') {
        true => "http:".to_owned(),
        false => format!("http://{redirect_authority}"),
    };
    page(200, "Allow keyfob to log in?", &main, &format!("'self' {target}"))
}

/// Says that the request cannot be answered, and sends nobody anywhere.
pub(super) fn refused(status: u16, reason: &'static str) -> Response {
    let main = format!(
        "<p role=\"alert\">{reason}</p>\n<p>Nothing was allowed. Close this page and go back to the terminal.</p>"
    );
    page(status, "This request was refused", &main, "'none'")
}

fn page(status: u16, title: &str, main: &str, form_action: &str) -> Response {
    let body = PAGE.replace("{{title}}", title).replace("{{main}}", main);
    let style = PAGE.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>"));
    let (style, _) = style.expect("the page has a style");
    let hash = STANDARD.encode(digest(&SHA256, style.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action {form_action}; base-uri 'none'; frame-ancestors 'none'"
    );
    Response { body, ..Response::empty(status) }
        .with("Content-Type", "text/html; charset=utf-8")
        .with("Content-Security-Policy", policy)
        .with("X-Frame-Options", "DENY")
}
