//! The user agent's way back: the redirect, as it should be or as somebody has changed it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use url::Url;

/// Where the server sends the user agent.
#[derive(Clone, Debug)]
pub struct Redirect(pub Url);

/// What the user agent is shown.
#[derive(Clone, Debug)]
pub struct Page {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// The address it ended on.
    pub url: String,
}

impl Redirect {
    /// This with another value for one parameter.
    pub fn with(&self, name: &str, value: &str) -> Self {
        self.without(name).adding(name, value)
    }

    /// This with one parameter more, which may be there already.
    pub fn adding(&self, name: &str, value: &str) -> Self {
        let mut url = self.0.clone();
        url.query_pairs_mut().append_pair(name, value);
        Self(url)
    }

    pub fn without(&self, name: &str) -> Self {
        let kept: Vec<(String, String)> =
            self.0.query_pairs().into_owned().filter(|(known, _)| known != name).collect();
        let mut url = self.0.clone();
        url.set_query(None);
        if !kept.is_empty() {
            url.query_pairs_mut().extend_pairs(kept);
        }
        Self(url)
    }

    pub fn with_path(&self, path: &str) -> Self {
        let mut url = self.0.clone();
        url.set_path(path);
        Self(url)
    }

    #[track_caller]
    pub fn parameter(&self, name: &str) -> String {
        let found = self.0.query_pairs().find(|(known, _)| known == name);
        found.unwrap_or_else(|| panic!("no `{name}` in {}", self.0)).1.into_owned()
    }

    /// `host:port` of the listener.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.0.host_str().expect("a host"), self.0.port().expect("a port"))
    }

    /// Goes there as a browser does, through the redirect to the page.
    pub fn get(&self) -> Page {
        let page = self.send("GET", &[]);
        match page.header("location") {
            Some(location) if page.status == 303 => {
                let next = self.0.join(location).expect("an address");
                assert_eq!(next.origin(), self.0.origin(), "the page is the listener's own");
                Self(next).send("GET", &[])
            }
            _ => page,
        }
    }

    /// The parameters as a form (OAuth 2.0 Form Post Response Mode §2), the answer as it came.
    pub fn post(&self) -> Page {
        let form = self.0.query().unwrap_or_default();
        let authority = self.authority();
        let head = format!("Host: {authority}\r\nContent-Type: application/x-www-form-urlencoded\r\nConnection: close");
        let request =
            format!("POST {} HTTP/1.1\r\n{head}\r\nContent-Length: {}\r\n\r\n{form}", self.0.path(), form.len());
        exchange(&authority, &request)
    }

    /// One request, its answer as it came.
    pub fn send(&self, method: &str, headers: &[&str]) -> Page {
        let target = &self.0[url::Position::BeforePath..url::Position::AfterQuery];
        let mut page = fetch(&self.authority(), method, target, headers);
        page.url = self.0.to_string();
        page
    }
}

impl Page {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// One request by hand. `Host` is `authority` unless `headers` has one.
#[track_caller]
pub fn fetch(authority: &str, method: &str, target: &str, headers: &[&str]) -> Page {
    let mut request = format!("{method} {target} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|header| header.to_ascii_lowercase().starts_with("host:")) {
        request.push_str(&format!("Host: {authority}\r\n"));
    }
    for header in headers {
        request.push_str(&format!("{header}\r\n"));
    }
    request.push_str("\r\n");
    exchange(authority, &request)
}

#[track_caller]
fn exchange(authority: &str, request: &str) -> Page {
    let mut stream = TcpStream::connect(authority).unwrap_or_else(|error| panic!("{authority}: {error}"));
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit can be set");
    // A refusal may come before everything was written.
    let _ = stream.write_all(request.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    page(&String::from_utf8_lossy(&answer))
}

#[track_caller]
fn page(answer: &str) -> Page {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    let headers = lines.filter_map(|line| line.split_once(':'));
    Page {
        status: status.unwrap_or_else(|| panic!("no HTTP answer: {answer:?}")),
        headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect(),
        body: body.to_owned(),
        url: String::new(),
    }
}

#[test]
fn a_redirect_can_be_changed_in_one_parameter() {
    let redirect = Redirect(Url::parse("http://127.0.0.1:1/callback?code=a&state=b").expect("an address"));

    assert_eq!(redirect.with("state", "c d").0.as_str(), "http://127.0.0.1:1/callback?code=a&state=c+d");
    assert_eq!(redirect.without("code").0.as_str(), "http://127.0.0.1:1/callback?state=b");
    assert_eq!(redirect.adding("state", "b").0.query(), Some("code=a&state=b&state=b"));
    assert_eq!(redirect.with_path("/favicon.ico").0.path(), "/favicon.ico");
}
