//! The listener over real sockets.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::{Candidate, Error, Host, Loopback, Mode, Options, Outcome, socket};

fn options() -> Options {
    Options { host: Host::Ipv4Literal, port: None, path: "/callback".into(), mode: Mode::Query, tls: None, name: None }
}

async fn listening() -> Loopback {
    Loopback::bind(options()).await.unwrap()
}

fn success() -> Outcome {
    Outcome::Success { heading: "Logged in to GitLab".into(), detail: Some("As ada.".into()) }
}

fn pairs(given: &[(&str, &str)]) -> Vec<(String, String)> {
    given.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

/// A whole response; empty when the connection was closed without one.
#[derive(Debug)]
struct Response(String);

impl Response {
    fn status(&self) -> u16 {
        self.0.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    fn field(&self, name: &str) -> Option<&str> {
        let head = self.0.split("\r\n\r\n").next()?;
        head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }
}

async fn receive(stream: &mut TcpStream) -> Response {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    Response(String::from_utf8(bytes).unwrap())
}

async fn send_to(address: SocketAddr, request: &[u8]) -> Response {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // What is refused early need not be taken whole.
    let _ = stream.write_all(request).await;
    receive(&mut stream).await
}

fn v4(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

async fn send(port: u16, request: String) -> Response {
    send_to(v4(port), request.as_bytes()).await
}

async fn get(port: u16, target: &str) -> Response {
    send(port, format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n")).await
}

async fn post(port: u16, fields: &str, body: &str) -> Response {
    send(port, format!("POST /callback HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{fields}\r\n{body}")).await
}

fn form(length: usize) -> String {
    format!("Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\nContent-Length: {length}\r\n")
}

/// Sends a request and gives its candidate to `judge`.
async fn judged(loopback: &mut Loopback, target: &str, judge: impl FnOnce(Candidate)) -> Response {
    let (port, target) = (loopback.port(), target.to_owned());
    let request = tokio::spawn(async move { get(port, &target).await });
    judge(loopback.next().await);
    request.await.unwrap()
}

/// Whether nothing is handed out although every request so far was answered.
async fn hands_out_nothing(loopback: &mut Loopback) -> bool {
    timeout(Duration::ZERO, loopback.next()).await.is_err()
}

#[tokio::test]
async fn the_redirect_uri_names_the_port_that_is_listened_on() {
    let loopback = listening().await;

    assert_eq!(loopback.redirect_uri(), format!("http://127.0.0.1:{}/callback", loopback.port()));
    assert!(TcpStream::connect(v4(loopback.port())).await.is_ok());
}

#[tokio::test]
async fn a_login_ends_on_a_page_without_parameters_that_waits_for_the_outcome() {
    let mut loopback = listening().await;
    let port = loopback.port();

    let answer = judged(&mut loopback, "/callback?code=a&state=s", |candidate| {
        assert_eq!(candidate.parameters, pairs(&[("code", "a"), ("state", "s")]));
        candidate.accept();
    })
    .await;
    assert_eq!((answer.status(), answer.field("Location")), (303, Some("/callback/done")));
    let page = tokio::spawn(async move { get(port, "/callback/done").await });
    let before = std::time::Instant::now();
    loopback.finish(success()).await;

    assert!(before.elapsed() < Duration::from_millis(300), "no longer than the page takes to leave");
    let page = page.await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.body().contains("<h1>Logged in to GitLab</h1>\n<p>As ada.</p>\n<p>Return to the terminal.</p>"));
}

#[tokio::test]
async fn the_outcome_reaches_a_browser_that_had_not_been_answered_when_it_became_known() {
    let mut loopback = listening().await;
    let port = loopback.port();
    let browser = tokio::spawn(async move {
        let first = get(port, "/callback?error=access_denied").await;
        get(port, first.field("Location").unwrap()).await
    });

    loopback.next().await.accept();
    let failure = Outcome::Failure { heading: "Login failed: <access_denied>".into(), text: None };
    loopback.finish(failure).await;

    let page = browser.await.unwrap();
    assert_eq!(page.status(), 400);
    assert!(page.body().contains("<title>Login failed: &lt;access_denied&gt;</title>"));
    assert!(!page.body().contains("Logged in"));
}

#[tokio::test]
async fn the_code_is_decoded_once_whatever_it_holds() {
    let mut loopback = listening().await;
    let long = "x".repeat(8 * 1024);

    let target = format!("/callback?code=a%2Bb%2Fc%3D%2520+%C3%A9~&long={long}&&flag&code=%zz");
    judged(&mut loopback, &target, |candidate| {
        let expected = [("code", "a+b/c=%20 é~"), ("long", &long), ("flag", ""), ("code", "%zz")];
        assert_eq!(candidate.parameters, pairs(&expected));
    })
    .await;
}

#[tokio::test]
async fn a_query_that_is_no_text_is_refused_and_not_repaired() {
    let mut loopback = listening().await;

    assert_eq!(get(loopback.port(), "/callback?code=%FF").await.status(), 400);
    assert!(hands_out_nothing(&mut loopback).await);
}

#[tokio::test]
async fn a_refused_or_forgotten_candidate_gets_an_error_page_and_the_wait_goes_on() {
    let mut loopback = listening().await;

    let refused =
        judged(&mut loopback, "/callback?state=w", |candidate| candidate.refuse("The <state> is wrong.")).await;
    let forgotten = judged(&mut loopback, "/callback?state=w", drop).await;
    let genuine = judged(&mut loopback, "/callback?state=s", Candidate::accept).await;

    assert_eq!((refused.status(), forgotten.status(), genuine.status()), (400, 400, 303));
    assert!(refused.body().contains("<h1>The login was not completed</h1>\n<p>The &lt;state&gt; is wrong.</p>"));
}

#[tokio::test]
async fn other_paths_and_methods_are_refused_and_consume_nothing() {
    let mut loopback = listening().await;
    let port = loopback.port();

    for path in ["/", "/favicon.ico", "/robots.txt", "/callback/", "/callback2", "/Callback", "/%63allback"] {
        assert_eq!(get(port, &format!("{path}?code=a&state=s")).await.status(), 404, "{path}");
    }
    assert_eq!(get(port, "/callback/../callback?code=a").await.status(), 404);
    assert_eq!(get(port, "/callback/done").await.status(), 404, "the page before its time");
    for method in ["HEAD", "OPTIONS", "PUT", "POST", "DELETE", "get"] {
        let answer =
            send(port, format!("{method} /callback?code=a&state=s HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n")).await;
        assert!(matches!(answer.status(), 405 | 400), "{method}");
        assert!(!answer.0.contains("Access-Control"), "{method}");
    }
    assert!(hands_out_nothing(&mut loopback).await);
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_one_and_head_gets_no_body() {
    let loopback = listening().await;
    let port = loopback.port();

    let answer = send(port, format!("HEAD /callback HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n")).await;

    assert_eq!((answer.status(), answer.field("Allow"), answer.body()), (405, Some("GET"), ""));
}

#[tokio::test]
async fn only_the_own_authority_is_answered() {
    let mut loopback = listening().await;
    let port = loopback.port();
    let with = |fields: String| send(port, format!("GET /callback?code=a HTTP/1.1\r\n{fields}\r\n"));

    for host in ["evil.example", "127.0.0.1", "localhost:PORT", "127.0.0.1:PORT.evil.example", "[::1]:PORT", ""] {
        let host = host.replace("PORT", &port.to_string());
        assert_eq!(with(format!("Host: {host}\r\n")).await.status(), 421, "{host}");
    }
    assert_eq!(with(String::new()).await.status(), 400, "no Host");
    assert_eq!(with(format!("Host: 127.0.0.1:{port}\r\nHost: 127.0.0.1:{port}\r\n")).await.status(), 400, "two");
    let absolute = |authority: &str| format!("http://{authority}/callback?code=a");
    assert_eq!(get(port, &absolute("evil.example")).await.status(), 421);
    assert!(hands_out_nothing(&mut loopback).await);
    let own = judged(&mut loopback, &absolute(&format!("127.0.0.1:{port}")), Candidate::accept).await;
    assert_eq!(own.status(), 303);
}

#[tokio::test]
async fn what_a_page_fires_in_the_background_is_no_candidate() {
    let mut loopback = listening().await;
    let port = loopback.port();
    let with =
        |fields: &str| send(port, format!("GET /callback?code=a HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{fields}\r\n"));

    assert_eq!(with("Sec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: document\r\n").await.status(), 400);
    assert_eq!(with("Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n").await.status(), 400);
    assert!(hands_out_nothing(&mut loopback).await);
    let (answer, ()) = tokio::join!(with("Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n"), async {
        loopback.next().await.accept();
    });
    assert_eq!(answer.status(), 303);
}

#[tokio::test]
async fn silent_slow_and_garbled_connections_do_not_delay_the_genuine_one() {
    let mut loopback = listening().await;
    let port = loopback.port();
    let mut others = Vec::new();
    // More than are served at once, so that the oldest have to make room.
    for other in 0..super::server::CONNECTION_LIMIT * 2 {
        let mut stream = TcpStream::connect(v4(port)).await.unwrap();
        let bytes: &[u8] = [b"".as_slice(), b"GET /callb", b"\x16\x03\x01\x02\0\x01", b"\0\xff\r\n\r\n"][other % 4];
        stream.write_all(bytes).await.unwrap();
        others.push(stream);
    }

    let answer = judged(&mut loopback, "/callback?code=a", Candidate::accept);

    assert_eq!(timeout(Duration::from_secs(5), answer).await.unwrap().status(), 303);
}

#[tokio::test]
async fn a_request_may_come_byte_by_byte() {
    let mut loopback = listening().await;
    let port = loopback.port();
    let request = format!("\r\nGET /callback?code=a HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
    let sender = tokio::spawn(async move {
        let mut stream = TcpStream::connect(v4(port)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        for byte in request.bytes() {
            stream.write_all(&[byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        receive(&mut stream).await
    });

    loopback.next().await.accept();

    assert_eq!(sender.await.unwrap().status(), 303);
}

#[tokio::test]
async fn oversize_and_malformed_requests_are_refused_with_their_status() {
    let mut loopback = listening().await;
    let port = loopback.port();
    let host = format!("Host: 127.0.0.1:{port}\r\n");
    let long = "x".repeat(70 * 1024);

    let line = send(port, format!("GET /callback?code={long} HTTP/1.1\r\n{host}\r\n")).await;
    let fields = send(port, format!("GET /callback?code=a HTTP/1.1\r\n{host}Cookie: {long}\r\n\r\n")).await;
    let many = send(port, format!("GET /callback?code=a HTTP/1.1\r\n{host}{}\r\n", "A: b\r\n".repeat(100))).await;
    let endless = send(port, format!("GET /{}", "x".repeat(1024 * 1024))).await;
    let no_http = send(port, "GET / SMTP\r\n\r\n".into()).await;
    let tls = send_to(v4(port), b"\x16\x03\x01\x02\x00\x01\x00\x01").await;
    let fragment = get(port, "/callback#?code=a").await;

    let statuses = [line, fields, many, endless, no_http, tls, fragment].map(|answer| answer.status());
    assert_eq!(statuses, [414, 431, 431, 414, 400, 400, 400]);
    assert!(hands_out_nothing(&mut loopback).await);
}

#[tokio::test]
async fn a_form_is_taken_only_when_it_was_asked_for_and_then_nothing_else() {
    let mut loopback = Loopback::bind(Options { mode: Mode::FormPost, ..options() }).await.unwrap();
    let port = loopback.port();
    let body = "code=a%2Bb&state=s+t";

    let fields = form(body.len());
    let (answer, candidate) = tokio::join!(post(port, &fields, body), async {
        let candidate = loopback.next().await;
        let parameters = candidate.parameters.clone();
        candidate.refuse("no");
        parameters
    });
    assert_eq!((answer.status(), candidate), (400, pairs(&[("code", "a+b"), ("state", "s t")])));

    let query = get(port, "/callback?code=a&state=s").await;
    assert_eq!((query.status(), query.field("Allow")), (405, Some("POST")));
    let both = format!("POST /callback?code=b HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{}\r\n{body}", form(body.len()));
    assert_eq!(send(port, both).await.status(), 400);
    assert!(hands_out_nothing(&mut loopback).await);

    let mut plain = listening().await;
    assert_eq!(post(plain.port(), &form(body.len()), body).await.status(), 405);
    assert!(hands_out_nothing(&mut plain).await);
}

#[tokio::test]
async fn a_form_without_length_or_type_or_beyond_the_limit_is_refused() {
    let mut loopback = Loopback::bind(Options { mode: Mode::FormPost, ..options() }).await.unwrap();
    let port = loopback.port();
    let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
    let post = |fields: String| async move { post(port, &fields, "code=a").await.status() };

    assert_eq!(post("Content-Length: 6\r\n".into()).await, 415);
    assert_eq!(post("Content-Type: text/plain\r\nContent-Length: 6\r\n".into()).await, 415);
    assert_eq!(post(kind.into()).await, 411);
    assert_eq!(post(format!("{kind}Transfer-Encoding: chunked\r\nContent-Length: 6\r\n")).await, 411);
    assert_eq!(post(format!("{kind}Content-Length: 6\r\nContent-Length: 6\r\n")).await, 400);
    assert_eq!(post(format!("{kind}Content-Length: +6\r\n")).await, 400);
    assert_eq!(post(form(64 * 1024 + 1)).await, 413);
    assert_eq!(post(form(usize::MAX)).await, 413);
    assert!(hands_out_nothing(&mut loopback).await);
}

#[tokio::test]
async fn twenty_identical_callbacks_at_once_are_one_and_all_see_the_page() {
    let mut loopback = listening().await;
    let port = loopback.port();
    let browsers: Vec<_> = (0..20)
        .map(|_| {
            tokio::spawn(async move {
                let first = get(port, "/callback?code=a&state=s").await;
                get(port, first.field("Location").unwrap()).await
            })
        })
        .collect();

    loopback.next().await.accept();
    assert!(hands_out_nothing(&mut loopback).await);
    loopback.finish(success()).await;

    for browser in browsers {
        assert_eq!(browser.await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn after_acceptance_a_repetition_gets_the_page_and_anything_else_an_error() {
    let mut loopback = listening().await;
    let port = loopback.port();
    judged(&mut loopback, "/callback?code=a&state=s", Candidate::accept).await;

    assert_eq!(get(port, "/callback?code=a&state=s").await.status(), 303);
    assert_eq!(get(port, "/callback?code=b&state=s").await.status(), 400);
    assert!(hands_out_nothing(&mut loopback).await);
}

#[tokio::test]
async fn the_end_waits_for_every_browser_that_was_sent_to_the_page() {
    let mut loopback = listening().await;
    let port = loopback.port();
    judged(&mut loopback, "/callback?code=a", Candidate::accept).await;
    assert_eq!(get(port, "/callback?code=a").await.status(), 303);

    let end = tokio::spawn(loopback.finish(success()));

    assert_eq!(get(port, "/callback/done").await.status(), 200);
    assert_eq!(get(port, "/callback/done").await.status(), 200);
    end.await.unwrap();
}

#[tokio::test]
async fn a_browser_that_waits_for_the_page_does_not_make_room_for_others() {
    let mut loopback = listening().await;
    let port = loopback.port();
    judged(&mut loopback, "/callback?code=a", Candidate::accept).await;
    let mut waiting = TcpStream::connect(v4(port)).await.unwrap();
    let request = format!("GET /callback/done HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
    waiting.write_all(request.as_bytes()).await.unwrap();
    // Answered behind it, so that the request has arrived.
    assert_eq!(get(port, "/").await.status(), 404);

    let mut silent = Vec::new();
    for _ in 0..super::server::CONNECTION_LIMIT + 1 {
        silent.push(TcpStream::connect(v4(port)).await.unwrap());
    }
    assert_eq!(get(port, "/").await.status(), 404);
    loopback.finish(success()).await;

    assert_eq!(receive(&mut waiting).await.status(), 200);
}

#[tokio::test]
async fn connections_that_have_ended_take_no_room() {
    let loopback = listening().await;
    let port = loopback.port();
    let mut slow = TcpStream::connect(v4(port)).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();

    for _ in 0..super::server::CONNECTION_LIMIT * 2 {
        assert_eq!(get(port, "/").await.status(), 404);
    }
    slow.write_all(format!("Host: 127.0.0.1:{port}\r\n\r\n").as_bytes()).await.unwrap();

    assert_eq!(receive(&mut slow).await.status(), 404);
}

#[tokio::test]
async fn nothing_listens_after_the_end() {
    let mut loopback = listening().await;
    let port = loopback.port();
    judged(&mut loopback, "/callback?code=a", Candidate::accept).await;

    loopback.finish(success()).await;

    assert_eq!(TcpStream::connect(v4(port)).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert!(Loopback::bind(Options { port: Some(port), ..options() }).await.is_ok(), "the port can be used again");
}

#[tokio::test]
async fn without_a_candidate_the_end_waits_for_nobody() {
    let loopback = listening().await;
    let port = loopback.port();
    let mut silent = TcpStream::connect(v4(port)).await.unwrap();
    let before = std::time::Instant::now();

    loopback.finish(success()).await;

    assert!(before.elapsed() < Duration::from_millis(300), "less than the grace of a browser under way");
    assert_eq!(receive(&mut silent).await.0, "");
    assert_eq!(TcpStream::connect(v4(port)).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_refusal_still_reaches_the_browser_when_the_login_ends_with_it() {
    let mut loopback = listening().await;
    let port = loopback.port();
    let request = tokio::spawn(async move { get(port, "/callback?iss=other").await });

    loopback.next().await.refuse("It comes from another server.");
    loopback.finish(Outcome::Failure { heading: "Login failed".into(), text: None }).await;

    assert!(request.await.unwrap().body().contains("It comes from another server."));
}

#[tokio::test]
async fn dropping_the_listener_closes_it() {
    let loopback = listening().await;
    let port = loopback.port();
    let mut silent = TcpStream::connect(v4(port)).await.unwrap();

    drop(loopback);

    assert_eq!(receive(&mut silent).await.0, "");
    assert_eq!(TcpStream::connect(v4(port)).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn localhost_is_served_in_both_address_families() {
    let localhost = Options { host: Host::Localhost, ..options() };
    let mut loopback = Loopback::bind(localhost).await.unwrap();
    let port = loopback.port();
    assert_eq!(loopback.redirect_uri(), format!("http://localhost:{port}/callback"));
    let request = format!("GET /callback?code=a HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n");

    assert_eq!(send(port, request.replace("localhost", "127.0.0.1")).await.status(), 421);
    let (first, ()) = tokio::join!(send(port, request.clone()), async { loopback.next().await.refuse("no") });
    assert_eq!(first.status(), 400);
    let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await.is_err() {
        return; // No IPv6 loopback on this machine.
    }
    let (second, ()) = tokio::join!(send_to(v6, request.as_bytes()), async { loopback.next().await.accept() });
    assert_eq!(second.status(), 303);
}

#[tokio::test]
async fn a_fixed_port_that_is_taken_is_an_error_and_never_shared() {
    let first = listening().await;
    let fixed = |host| Options { host, port: Some(first.port()), ..options() };

    for host in [Host::Ipv4Literal, Host::Localhost] {
        let second = Loopback::bind(fixed(host)).await;
        assert!(matches!(second, Err(Error::PortBusy { port }) if port == first.port()));
    }
}

/// Pretends that listening on ::1 fails with `kind` the first `times`.
fn without_v6(kind: ErrorKind, times: usize) -> impl Fn(SocketAddr) -> io::Result<TcpListener> {
    let left = std::cell::Cell::new(times);
    move |address| {
        if address.is_ipv6() && left.get() > 0 {
            left.set(left.get() - 1);
            return Err(kind.into());
        }
        // The other family is stood in for, so that the test needs no IPv6.
        socket::listen(if address.is_ipv6() { v4(0) } else { address })
    }
}

fn without_v4(address: SocketAddr) -> io::Result<TcpListener> {
    if address.is_ipv4() { Err(ErrorKind::AddrNotAvailable.into()) } else { socket::listen(v4(address.port())) }
}

#[tokio::test]
async fn where_only_ipv6_has_a_loopback_the_redirect_uri_follows() {
    let literal = Loopback::bind_through(options(), &without_v4).unwrap();

    assert_eq!(literal.redirect_uri(), format!("http://[::1]:{}/callback", literal.port()));
}

#[tokio::test]
async fn without_any_loopback_the_error_says_so() {
    let nowhere = |_| Err(ErrorKind::AddrNotAvailable.into());

    for host in [Host::Ipv4Literal, Host::Ipv6Literal, Host::Localhost] {
        let outcome = Loopback::bind_through(Options { host, ..options() }, &nowhere);
        assert!(matches!(outcome, Err(Error::NoLoopback { .. })));
    }
}

#[tokio::test]
async fn localhost_needs_both_families_unless_one_does_not_exist() {
    let localhost = |port| Options { host: Host::Localhost, port, ..options() };

    assert!(Loopback::bind_through(localhost(None), &without_v6(ErrorKind::AddrNotAvailable, 1)).is_ok());
    assert!(Loopback::bind_through(localhost(None), &without_v6(ErrorKind::AddrInUse, 3)).is_ok(), "another port");
    let always = Loopback::bind_through(localhost(None), &without_v6(ErrorKind::AddrInUse, usize::MAX));
    assert!(matches!(always, Err(Error::PortBusy { .. })));
    let free = socket::listen(v4(0)).unwrap().local_addr().unwrap().port();
    let fixed = Loopback::bind_through(localhost(Some(free)), &without_v6(ErrorKind::AddrInUse, 1));
    assert!(matches!(fixed, Err(Error::PortBusy { port }) if port == free));
}

#[tokio::test]
async fn a_port_that_the_system_forbids_is_no_busy_port() {
    let forbidden = |_| Err(ErrorKind::PermissionDenied.into());

    let outcome = Loopback::bind_through(Options { port: Some(80), ..options() }, &forbidden);

    if cfg!(not(windows)) {
        assert!(matches!(outcome, Err(Error::Bind { address, .. }) if address == v4(80)));
    }
}

#[tokio::test]
async fn a_path_that_a_browser_would_change_is_refused() {
    for path in ["", "callback", "/a b", "/a?b=c", "/a#b", "/a/../b", "/\r\nX: y", "/é"] {
        let outcome = Loopback::bind(Options { path: path.into(), ..options() }).await;
        assert!(matches!(outcome, Err(Error::Path { path: named }) if named == path));
    }
}

#[tokio::test]
async fn debug_tells_no_parameters() {
    let mut loopback = listening().await;

    judged(&mut loopback, "/callback?code=hunter2", |candidate| {
        assert_eq!(format!("{candidate:?}"), "Candidate(…)");
        candidate.accept();
    })
    .await;

    assert!(!format!("{loopback:?}").contains("hunter2"));
}
