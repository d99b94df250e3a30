use serde_json::{Value, json};
use url::Url;

use super::{Error, Links, Response, account, client_id, is_html, issuer, links, me, profile_url, redirect, request};

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn page(headers: &[(&str, &str)], html: &str) -> Response {
    let mut response = http::Response::builder().header("content-type", "Text/HTML; charset=utf-8");
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(html.as_bytes().to_vec()).unwrap()
}

fn read(headers: &[(&str, &str)], html: &str) -> Result<Links, Error> {
    links(&page(headers, html), &url("https://alice.example/about/me?x=1"))
}

fn moved(status: u16, location: &str) -> Response {
    http::Response::builder().status(status).header("location", location).body(Vec::new()).unwrap()
}

/// The examples of IndieAuth §3.2 and §3.4.
#[test]
fn a_profile_url_is_brought_into_its_canonical_form() {
    for (entered, canonical) in [
        ("https://example.com/", "https://example.com/"),
        ("https://example.com/username", "https://example.com/username"),
        ("https://example.com/users?id=100", "https://example.com/users?id=100"),
        ("https://example.com", "https://example.com/"),
        ("example.com", "https://example.com/"),
        ("HTTPS://Example.com/User/", "https://example.com/User/"),
        ("example.com?next=http://a/../b", "https://example.com/?next=http://a/../b"),
        ("bücher.example/...", "https://xn--bcher-kva.example/..."),
        ("http://localhost:8080", "http://localhost:8080/"),
        ("http://127.0.0.1:8080/a", "http://127.0.0.1:8080/a"),
        ("https://[::1]:8443/", "https://[::1]:8443/"),
    ] {
        assert_eq!(profile_url(entered).unwrap().as_str(), canonical, "{entered}");
    }
}

/// The examples of IndieAuth §3.2, and more of each kind.
#[test]
fn what_no_profile_url_may_have_is_refused() {
    for bad in [
        "mailto:user@example.com",
        "ftp://example.com/",
        "http://example.com/",
        "https://example.com/foo/../bar",
        "https://example.com/./bar",
        "https://example.com/..",
        "https://example.com/%2e%2E/bar",
        "http://localhost/a/.%2e",
        "https://example.com/#me",
        "https://example.com/#",
        "https://user:pass@example.com/",
        "https://@example.com/",
        "user@example.com",
        "https://example.com:8443/",
        "https://example.com:443/",
        "example.com:8443",
        "https://172.28.92.51/",
        "https://2887539763/",
        "https://[2001:db8::1]/",
        "http://10.0.0.1/",
        "https:///example.com/",
        "https://example.com\\@evil.example/",
        "https://example.com/a b",
        "https://example.com/\t",
        "https://?a",
        "",
    ] {
        assert!(matches!(profile_url(bad), Err(Error::ProfileUrl { .. })), "{bad}");
    }
}

#[test]
fn an_error_quotes_neither_password_nor_query() {
    let error = profile_url("https://user:hunter2@example.com/?token=hunter2").unwrap_err();

    assert_eq!(error.to_string(), "`example.com/` cannot be a profile URL: it carries a user name or password");
}

#[test]
fn what_a_server_calls_a_person_is_a_whole_address() {
    assert_eq!(me("https://Example.com").unwrap(), url("https://example.com/"));
    for bad in ["example.com", "localhost:1/x", "http://example.com/", "https://example.com:8443/", ""] {
        assert!(matches!(me(bad), Err(Error::Unconfirmed { .. })), "{bad}");
    }
}

#[test]
fn a_session_is_named_as_a_person_writes_the_address() {
    for (profile, name) in [
        ("https://alice.example/", "alice.example"),
        ("https://example.com/users/alice", "example.com/users/alice"),
        ("https://example.com/users/alice/", "example.com/users/alice/"),
        ("https://example.com/users?id=100/", "example.com/users?id=100/"),
        ("http://127.0.0.1:8080/", "127.0.0.1:8080"),
    ] {
        assert_eq!(account(&url(profile)), name);
    }
}

#[test]
fn a_client_without_a_document_is_the_root_of_its_redirects() {
    assert_eq!(client_id(&url("http://127.0.0.1:4711/callback?a#b")).as_str(), "http://127.0.0.1:4711/");
}

#[test]
fn each_relation_is_read_from_the_header_first_and_then_from_the_page() {
    let headers = [
        ("link", "<https://as.example/m>; rel=\"Me INDIEAUTH-metadata\", </later>; rel=indieauth-metadata"),
        ("link", "</mp>; rel=other"),
    ];
    let html = "<link rel=indieauth-metadata href=/not><link rel=micropub href=' mp?a=1&amp;b '>";

    let found = read(&headers, html).unwrap();

    let (metadata, micropub) = (url("https://as.example/m"), url("https://alice.example/about/mp?a=1&b"));
    assert_eq!(found, Links { metadata: Some(metadata), micropub: Some(micropub), ..Links::default() });
}

#[test]
fn the_endpoints_of_older_pages_are_read_where_there_is_no_metadata() {
    let html = "<link rel='token_endpoint authorization_endpoint' href=//as.example/both>";

    let found = read(&[("link", "<../auth>; rel=authorization_endpoint")], html).unwrap();

    let (authorization, token) = (url("https://alice.example/auth"), url("https://as.example/both"));
    let expected =
        Links { authorization_endpoint: Some(authorization), token_endpoint: Some(token), ..Links::default() };
    assert_eq!(found, expected);
}

#[test]
fn endpoints_beside_the_metadata_are_not_looked_at() {
    let html = "<link rel=indieauth-metadata href=/m><link rel=authorization_endpoint href=http://old.example/a>";

    let found = read(&[], html).unwrap();

    assert_eq!(found, Links { metadata: Some(url("https://alice.example/m")), ..Links::default() });
}

#[test]
fn a_base_counts_for_the_page_and_not_for_the_header() {
    let header = [("link", "<m>; rel=indieauth-metadata")];
    let html = |base: &str| format!("<link rel=micropub href=mp><base href='{base}'>");
    let micropub = |base: &str| read(&header, &html(base)).unwrap().micropub.unwrap().to_string();

    let found = read(&header, &html("//cdn.example/x/")).unwrap();

    assert_eq!(found.metadata, Some(url("https://alice.example/about/m")));
    assert_eq!(found.micropub, Some(url("https://cdn.example/x/mp")));
    for useless in ["data:text/html,x", "javascript:x", "https://", ""] {
        assert_eq!(micropub(useless), "https://alice.example/about/mp", "{useless}");
    }
}

#[test]
fn a_link_of_something_else_than_the_page_is_not_the_page_s() {
    let of = |anchor: &str| {
        let header = format!("<https://as.example/m>; rel=indieauth-metadata; anchor=\"{anchor}\"");
        read(&[("link", &header)], "").unwrap().metadata.is_some()
    };

    assert!(!of("#comment"));
    assert!(!of("https://bob.example/"));
    assert!(of(""));
    assert!(of("https://alice.example/about/me?x=1"));
}

#[test]
fn nothing_but_html_is_read_for_elements() {
    const LINK: &str = "<link rel=indieauth-metadata href=/m>";
    for other in ["text/plain", "application/json", "application/xhtml+xml", "image/svg+xml", ""] {
        let mut response = page(&[], LINK);
        response.headers_mut().insert("content-type", other.parse().unwrap());

        assert!(!is_html(&response), "{other}");
        assert_eq!(links(&response, &url("https://alice.example/")).unwrap(), Links::default(), "{other}");
    }
}

#[test]
fn addresses_that_must_not_be_asked_are_refused() {
    for bad in [
        "http://as.example/m",
        "ftp://as.example/m",
        "javascript:alert(1)",
        "https://127.0.0.1/m",
        "https://10.0.0.1/m",
        "https://localhost/m",
        "https://[fd00::1]/m",
        "https://u@as.example/m",
        "https://as.example/m#x",
        "#x",
        "https://as.example\\@evil.example/m",
        "\\\\evil.example/m",
        "https://as.example/a b",
        "https://",
    ] {
        for rel in ["indieauth-metadata", "authorization_endpoint", "token_endpoint", "micropub"] {
            let in_header = read(&[("link", &format!("<{bad}>; rel={rel}"))], "");
            let in_page = read(&[], &format!("<link rel={rel} href='{bad}'>"));

            assert!(matches!(in_header, Err(Error::ProfileLink { rel: named, .. }) if named == rel), "{bad}");
            assert!(matches!(in_page, Err(Error::ProfileLink { rel: named, .. }) if named == rel), "{bad}");
        }
    }
    let local = page(&[("link", "<http://127.0.0.1:1/m>; rel=indieauth-metadata")], "");
    assert!(links(&local, &url("http://127.0.0.1:2/")).unwrap().metadata.is_some(), "development");
}

#[test]
fn a_redirect_is_followed_where_a_link_could_lead() {
    let asked = url("https://www.example.com/a?b");

    for (status, location, target) in [
        (301, "https://example.com/", Some("https://example.com/")),
        (302, "/c#d", Some("https://www.example.com/c")),
        (303, "//other.example", Some("https://other.example/")),
        (307, "?c", Some("https://www.example.com/a?c")),
        (308, "c", Some("https://www.example.com/c")),
        (300, "/c", None),
        (304, "/c", None),
        (201, "/c", None),
        (200, "/c", None),
    ] {
        let found = redirect(&moved(status, location), &asked).unwrap();
        assert_eq!(found, target.map(url), "{status} {location}");
    }
    assert_eq!(redirect(&http::Response::builder().status(302).body(Vec::new()).unwrap(), &asked).unwrap(), None);
}

#[test]
fn no_redirect_leads_out_of_tls_or_into_this_network() {
    for bad in ["http://example.com/", "https://192.168.1.1/", "http://localhost/", "https://u:p@example.com/", "a b"] {
        let refused = redirect(&moved(301, bad), &url("https://example.com/"));
        assert!(matches!(refused, Err(Error::ProfileLink { rel: "Location", .. })), "{bad}");
    }
    let down = redirect(&moved(301, "http://127.0.0.1:1/"), &url("https://127.0.0.1:2/"));
    assert!(matches!(down, Err(Error::ProfileLink { .. })), "from TLS");
    let along = redirect(&moved(301, "http://127.0.0.1:1/"), &url("http://127.0.0.1:2/"));
    assert_eq!(along.unwrap(), Some(url("http://127.0.0.1:1/")));
}

/// The examples of IndieAuth §3.1.
#[test]
fn an_issuer_is_what_the_address_of_its_metadata_begins_with() {
    let well_known = "https://example.com/.well-known/oauth-authorization-server";
    let deep = "https://example.com/wp-json/indieauth/1.0/metadata";
    let read = |value: Value, place: &str| issuer(json!({ "issuer": value }).as_object().unwrap(), &url(place));

    for (good, place) in [
        ("https://example.com/", well_known),
        ("https://example.com", well_known),
        ("https://example.com/wp-json/indieauth/1.0", deep),
        ("https://example.com/wp-json/indieauth/1.0/", deep),
        (deep, deep),
        (deep, &format!("{deep}?x=1")),
        ("http://127.0.0.1:4711/", "http://127.0.0.1:4711/metadata"),
    ] {
        assert_eq!(read(good.into(), place).unwrap(), good);
    }
    for (bad, place) in [
        ("https://example.com/wp-json/indieauth/1", deep),
        ("https://example.com/other", deep),
        ("https://example.co", deep),
        ("https://evil.example/", deep),
        ("http://example.com/", deep),
        ("https:", deep),
        ("https:/", deep),
        ("https://", deep),
        ("", deep),
        ("https://example.com/m?x=1", "https://example.com/m?x=1"),
        ("https://example.com/?", "https://example.com/?/m"),
        ("https://example.com/#", "https://example.com/#/m"),
    ] {
        assert!(matches!(read(bad.into(), place), Err(Error::IssuerPlace { .. })), "{bad} {place}");
    }
    for wrong in [Value::Null, json!(["https://example.com/"])] {
        assert!(matches!(read(wrong, deep), Err(Error::Field { .. })));
    }
}

#[test]
fn a_page_is_asked_for_as_a_page() {
    let request = request(&url("https://alice.example/a?b")).unwrap();

    assert_eq!((request.method().as_str(), request.uri().to_string().as_str()), ("GET", "https://alice.example/a?b"));
    assert_eq!(request.headers()["accept"], "text/html, */*;q=0.1");
    assert_eq!(request.headers().len(), 1);
}

#[test]
fn a_hostile_page_is_read_in_bounds() {
    let many = "<link rel=indieauth-metadata href=/m><template>".repeat(20_000);
    let wide = format!("<link {} rel=indieauth-metadata href=/m>", "a=b c ".repeat(100_000));
    let words = format!("<link rel='{} indieauth-metadata' href=/m>", "x ".repeat(400_000));

    for html in [many, wide, words] {
        assert_eq!(read(&[], &html).unwrap().metadata, Some(url("https://alice.example/m")));
    }
}
