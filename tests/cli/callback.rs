//! The listener, seen from a browser, a hostile page and another program.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::support::{Answer, Finished, Gate, Keyfob, Login, Page, Redirect, Server, Terminal, eventually, fetch};

/// A login whose answer is changed, which must be refused at once without a token request.
#[track_caller]
fn refused(server: &Server, keyfob: &Keyfob, change: impl FnOnce(Redirect) -> Redirect) -> (Page, Finished) {
    let stored = keyfob.stored();
    let login = keyfob.begin(&["login", "test", "--json", "--timeout", "2"]);
    let page = change(login.redirect(server)).get();
    let finished = login.finish();

    assert_eq!(server.requests_to("/token").len(), 0, "no token request: {finished:#?}");
    assert_eq!(keyfob.stored(), stored, "nothing is stored: {finished:#?}");
    assert!(!page.body.contains("Logged in"), "{page:#?}");
    (page, finished)
}

/// The login's true answer ends it well, with one token request in all.
#[track_caller]
fn still_succeeds(server: &Server, login: Login, genuine: &Redirect) -> Finished {
    assert_eq!(genuine.get().status, 200);
    let finished = login.finish().expect(0);
    assert_eq!(server.requests_to("/token").len(), 1);
    finished
}

#[test]
fn a_wrong_state_is_answered_with_400_told_at_once_and_does_not_end_the_wait() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);

    let login = keyfob.begin(&["login", "test"]);
    let genuine = login.redirect(&server);
    let forged = [
        genuine.with("state", "WRONG"),
        genuine.without("state"),
        genuine.with("state", ""),
        genuine.with("state", &genuine.parameter("state").to_ascii_uppercase()),
        genuine.with("state", &format!("{} ", genuine.parameter("state"))),
        genuine.without("code").with("state", "x").adding("error", "access_denied"),
    ];
    for redirect in forged {
        let page = redirect.send("GET", &[]);
        assert_eq!(page.status, 400, "{redirect:?}: {page:#?}");
    }
    eventually("a word on stderr", || login.running.stderr_so_far().contains("state").then_some(()));
    assert_eq!(server.requests_to("/token").len(), 0);

    still_succeeds(&server, login, &genuine);
}

#[test]
fn only_wrong_states_until_the_wait_is_over_are_a_matter_of_security() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    server.forget_requests();

    let (page, finished) = refused(&server, &keyfob, |redirect| redirect.with("state", "WRONG"));

    assert_eq!(page.status, 400);
    finished.error_naming(11, "security", &["state"]);
}

#[test]
fn an_issuer_that_is_not_the_servers_ends_the_login() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let issuer = server.url();
    for other in ["https://other.example".to_owned(), format!("{issuer}/"), issuer.to_ascii_uppercase(), String::new()]
    {
        let (_, finished) = refused(&server, &keyfob, |redirect| redirect.adding("iss", &other));
        finished.error_naming(11, "security", &["iss"]);
    }
}

#[test]
fn an_issuer_is_demanded_where_it_is_announced() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    server.change(|settings| settings.metadata["authorization_response_iss_parameter_supported"] = json!(true));

    let (_, finished) = refused(&server, &keyfob, |redirect| redirect);
    finished.error_naming(11, "security", &["iss"]);

    server.change(|settings| settings.iss = true);
    keyfob.login(&server);
}

#[test]
fn a_right_issuer_is_accepted_where_it_is_not_announced() {
    let server = Server::start();
    server.change(|settings| settings.iss = true);

    Keyfob::logged_in(&server);
}

#[test]
fn an_error_of_another_issuer_is_not_believed_and_not_shown() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);

    let (page, finished) = refused(&server, &keyfob, |redirect| {
        let error = redirect.without("code").adding("error", "access_denied");
        error.adding("error_description", "planted-text").adding("iss", "https://other.example")
    });

    finished.error_naming(11, "security", &["iss"]);
    assert!(!finished.output().contains("planted-text") && !page.body.contains("planted-text"), "{finished:#?}");
}

#[test]
fn a_repeated_parameter_a_code_beside_an_error_and_an_empty_code_are_refused() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    for change in [
        (|redirect| redirect.adding("code", "other")) as fn(Redirect) -> Redirect,
        |redirect| redirect.adding("state", &redirect.parameter("state")),
        |redirect| redirect.adding("error", "access_denied"),
        |redirect| redirect.with("code", ""),
        |redirect| redirect.without("code"),
        |redirect| redirect.adding("iss", "x").adding("iss", "x"),
    ] {
        let (_, finished) = refused(&server, &keyfob, change);
        finished.error_of(&[(11, "security"), (12, "protocol")], &[]);
    }
}

#[test]
fn an_error_of_the_server_ends_the_login_with_its_own_class() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    for (error, code, name) in [
        ("access_denied", 5, "refused"),
        ("temporarily_unavailable", 6, "network"),
        ("server_error", 5, "refused"),
        ("invalid_scope", 5, "refused"),
        ("unheard_of", 5, "refused"),
    ] {
        let login = keyfob.begin(&["login", "test", "--json"]);
        let page = server.deny(&login.url, error).adding("error_description", "why <b>so</b>").get();
        let told = login.finish().error(code, name);

        assert_eq!(told["oauth"], json!({ "error": error, "error_description": "why <b>so</b>" }));
        assert!(page.status >= 400 || !page.body.contains("Logged in"), "{page:#?}");
        assert!(page.body.contains(error) && !page.body.contains("<b>so"), "{page:#?}");
    }
    assert_eq!(server.requests_to("/token").len(), 0);
}

#[test]
fn other_methods_and_paths_consume_nothing() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);

    let login = keyfob.begin(&["login", "test"]);
    let genuine = login.redirect(&server);
    for method in ["OPTIONS", "HEAD", "PUT", "POST", "DELETE", "get", "TRACE"] {
        assert!((400..500).contains(&genuine.send(method, &[]).status), "{method}");
    }
    for path in ["/", "/favicon.ico", "/robots.txt", "/Callback", "/callback/", "/callback2", "//callback"] {
        assert!((400..500).contains(&genuine.with_path(path).send("GET", &[]).status), "{path}");
    }
    let (authority, query) = (genuine.authority(), genuine.0.query().unwrap_or_default().to_owned());
    let target = format!("/callback/../callback2?{query}");
    assert!((400..500).contains(&fetch(&authority, "GET", &target, &[]).status));
    assert_eq!(server.requests_to("/token").len(), 0);

    still_succeeds(&server, login, &genuine);
}

#[test]
fn a_request_for_another_host_is_refused_whatever_it_says() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);

    let login = keyfob.begin(&["login", "test"]);
    let genuine = login.redirect(&server);
    let port = genuine.0.port().expect("a port");
    for host in [
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        format!("localhost.evil.example:{port}"),
        format!("127.0.0.1.evil.example:{port}"),
        "127.0.0.1:1".to_owned(),
        String::new(),
    ] {
        let page = genuine.send("GET", &[&format!("Host: {host}")]);
        assert!((400..500).contains(&page.status), "{host}: {page:#?}");
    }
    let two = [format!("Host: {}", genuine.authority()), "Host: evil.example".to_owned()];
    assert!((400..500).contains(&genuine.send("GET", &[&two[0], &two[1]]).status));
    assert_eq!(server.requests_to("/token").len(), 0);

    still_succeeds(&server, login, &genuine);
}

#[test]
fn connections_that_say_nothing_or_garbage_delay_nothing() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);

    let login = keyfob.begin(&["login", "test"]);
    let genuine = login.redirect(&server);
    let connect = || TcpStream::connect(genuine.authority()).expect("it is listened on");
    let silent: Vec<_> = (0..40).map(|_| connect()).collect();
    let begun: Vec<_> = [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"\0\0\0\0",
        b"\r\n\r\n",
        b"GET",
        b"GET /callback?code=",
        b"GET /callback HTTP/1.1\r\nHost: ",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        &[0xff; 3000],
        b"GET /callback HTTP/1.1\nHost 127.0.0.1\n\n",
        b"GET http://evil.example/callback HTTP/1.1\r\n\r\n",
    ]
    .map(|bytes| {
        let mut stream = connect();
        stream.write_all(bytes).expect("it reads");
        stream
    })
    .into_iter()
    .collect();

    let finished = still_succeeds(&server, login, &genuine);

    assert!(finished.took < Duration::from_secs(5), "{finished:#?}");
    drop((silent, begun));
}

#[test]
fn oversize_requests_are_refused_without_growth() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);

    let login = keyfob.begin(&["login", "test"]);
    let genuine = login.redirect(&server);
    let long = "a".repeat(4 << 20);
    let header = format!("X: {long}");
    let many: Vec<String> = (0..20_000).map(|number| format!("X-{number}: y")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (target, headers) in
        [(format!("/callback?code={long}"), &[][..]), ("/callback".into(), &[&*header]), ("/callback".into(), &many)]
    {
        // The refusal may get lost behind what was not read; then there is no answer.
        let answer = std::panic::catch_unwind(|| fetch(&genuine.authority(), "GET", &target, headers));
        if let Ok(page) = answer {
            assert!((400..500).contains(&page.status), "{page:#?}");
        }
    }

    let finished = still_succeeds(&server, login, &genuine);

    assert!(finished.memory < 120 * 1024, "{} KiB", finished.memory);
}

#[test]
fn a_repeated_callback_redeems_the_code_once() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let gate = Gate::default();
    let held = gate.clone();
    server.after("/token", 9, move |_, answer| answer.behind(&held));

    let login = keyfob.begin(&["login", "test"]);
    let genuine = login.redirect(&server);
    let visits: Vec<_> = (0..20)
        .map(|_| {
            let genuine = genuine.clone();
            thread::spawn(move || genuine.send("GET", &[]))
        })
        .collect();
    let answers: BTreeSet<_> = visits.into_iter().map(|visit| visit.join().expect("an answer").status).collect();
    let last = thread::spawn(move || genuine.get());
    gate.open();
    let page = last.join().expect("a page");
    login.finish().expect(0);

    assert_eq!(answers, BTreeSet::from([303]));
    assert!(page.body.contains("Logged in"), "{page:#?}");
    assert_eq!(server.requests_to("/token").len(), 1);
}

#[test]
fn the_page_claims_no_success_before_there_is_one() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    server.once("/token", Answer::error(400, "invalid_grant"));

    let login = keyfob.begin(&["login", "test"]);
    let page = login.allow(&server);
    login.finish().expect(5);

    assert!(page.body.contains("Login failed"), "{page:#?}");
    assert!(!page.body.contains("Logged in"), "{page:#?}");
}

#[test]
fn pages_are_static_private_and_escaped() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let evil = "<script>alert(1)</script>\"'><img src=https://evil.example/x>";

    let login = keyfob.begin(&["login", "test"]);
    let denied = server
        .deny(&login.url, "access_denied")
        .adding("error_description", evil)
        .adding("error_uri", "https://evil.example/");
    let wrong = denied.with("state", "x").send("GET", &[]);
    let page = denied.get();
    login.finish().expect(5);

    for page in [wrong, page] {
        assert!(!page.body.contains("<script") && !page.body.contains("<img"), "{page:#?}");
        assert!(!page.body.contains("src=\"http") && !page.body.contains("href=\"http"), "{page:#?}");
        assert_eq!(page.header("cache-control"), Some("no-store"), "{page:#?}");
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"), "{page:#?}");
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"), "{page:#?}");
        let policy = page.header("content-security-policy").unwrap_or_default();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{page:#?}");
    }
}

/// The local addresses, as the kernel writes them, of the sockets that listen on `port`.
#[cfg(target_os = "linux")]
fn listening(port: u16) -> Vec<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| std::fs::read_to_string(table).unwrap_or_default());
    let lines = tables.iter().flat_map(|table| table.lines().skip(1));
    let sockets = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
    // State 0A is LISTEN.
    let open = sockets.filter(|fields| fields[3] == "0A" && fields[1].ends_with(&format!(":{port:04X}")));
    open.map(|fields| fields[1].split(':').next().unwrap_or_default().to_owned()).collect()
}

#[test]
#[cfg(target_os = "linux")]
fn only_loopback_addresses_are_listened_on() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    keyfob.provider("named", &server, "redirect = { host = \"localhost\" }");
    for name in ["test", "named"] {
        let login = keyfob.begin(&["login", name]);
        let genuine = login.redirect(&server);
        let addresses = listening(genuine.0.port().expect("a port"));

        let loopback = ["0100007F", "00000000000000000000000001000000"];
        assert!(!addresses.is_empty() && addresses.iter().all(|it| loopback.contains(&&**it)), "{addresses:?}");
        if name == "named" {
            assert_eq!(genuine.0.host_str(), Some("localhost"));
            // Where IPv6 is off there is only the one.
            if TcpListener::bind("[::1]:0").is_ok() {
                assert_eq!(addresses.len(), 2, "{addresses:?}");
            }
        }
        genuine.get();
        login.finish().expect(0);
    }
}

#[test]
fn localhost_is_served_on_the_other_address_family_too() {
    if TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    let server = Server::start();
    let keyfob = Keyfob::new();
    keyfob.provider("test", &server, "redirect = { host = \"localhost\" }");

    let login = keyfob.begin(&["login", "test"]);
    let genuine = login.redirect(&server);
    let port = genuine.0.port().expect("a port");
    let target = format!("/callback?{}", genuine.0.query().unwrap_or_default());
    let page = fetch(&format!("[::1]:{port}"), "GET", &target, &[&format!("Host: localhost:{port}")]);
    assert_eq!(page.status, 303);

    login.finish().expect(0);
}

#[test]
fn a_fixed_port_is_used_as_it_is_or_named_when_taken() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();

    let finished = keyfob.run(&["login", "test", "--json", "--port", &port]);
    finished.error_of(&[(9, "config"), (2, "usage"), (1, "internal")], &[&port]);
    assert_eq!(keyfob.opened(), [] as [&str; 0]);
    drop(taken);
    let login = keyfob.begin(&["login", "test", "--port", &port]);
    assert_eq!(login.parameter("redirect_uri"), Some(format!("http://127.0.0.1:{port}/callback")));

    let second = keyfob.run(&["login", "test", "--json", "--port", &port]);
    second.error_of(&[(9, "config"), (2, "usage"), (1, "internal")], &[&port]);
    login.allow(&server);
    login.finish().expect(0);
}

#[test]
fn a_code_is_passed_on_exactly_whatever_it_is_made_of() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    let code = "a+b/c=%20é~&?".repeat(400);
    server.once("/token", Answer::error(400, "invalid_grant"));

    let login = keyfob.begin(&["login", "test", "--json"]);
    login.redirect(&server).with("code", &code).get();
    login.finish().error(5, "refused");

    assert_eq!(server.requests_to("/token")[0].expect("code"), code);
}

#[test]
fn a_page_in_the_background_can_neither_end_nor_flood_a_login() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);

    let login = keyfob.begin(&["login", "test"]);
    let genuine = login.redirect(&server);
    for number in 0..300 {
        let headers = ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Origin: https://evil.example"];
        genuine.with("state", &format!("guess-{number}")).send("GET", &headers);
    }

    let finished = still_succeeds(&server, login, &genuine);
    assert!(finished.stderr.lines().count() < 30, "{finished:#?}");
    assert!(!finished.stderr.contains("guess-"), "{finished:#?}");
}

#[test]
fn form_post_is_accepted_where_it_was_asked_for_and_then_only_it() {
    let server = Server::start();
    let keyfob = Keyfob::new();
    keyfob.provider("test", &server, "response_mode = \"form_post\"");

    let login = keyfob.begin(&["login", "test"]);
    assert_eq!(login.parameter("response_mode").as_deref(), Some("form_post"));
    let genuine = login.redirect(&server);
    assert!(genuine.send("GET", &[]).status >= 400, "a plain query is refused");
    assert_eq!(server.requests_to("/token").len(), 0);
    assert_eq!(genuine.post().status, 303);

    login.finish().expect(0);
}

#[test]
fn a_pasted_address_is_accepted_at_a_terminal() {
    let server = Server::start();
    let mut keyfob = Keyfob::with(&server);
    keyfob.set("TERM", "xterm");

    let mut command = keyfob.command(&["login", "test"]);
    let mut terminal = Terminal::start(&mut command);
    let url = eventually("the browser", || keyfob.opened().first().cloned());
    terminal.type_in(&format!("{}\n", server.allow(&url).0));
    let finished = terminal.finish(command).expect(0);

    assert!(finished.stdout.contains("test/alice"), "{finished:#?}");
}

#[test]
fn a_pasted_address_goes_through_the_same_checks() {
    let server = Server::start();
    let mut keyfob = Keyfob::with(&server);
    keyfob.set("TERM", "xterm");
    for change in [
        (|redirect| redirect.with("state", "WRONG")) as fn(Redirect) -> Redirect,
        |redirect| redirect.adding("iss", "https://other.example"),
        |redirect| redirect.adding("code", "other"),
    ] {
        let before = keyfob.opened().len();
        let mut command = keyfob.command(&["login", "test", "--timeout", "2"]);
        let mut terminal = Terminal::start(&mut command);
        let url = eventually("the browser", || keyfob.opened().get(before).cloned());
        terminal.type_in(&format!("{}\n", change(server.allow(&url)).0));
        let finished = terminal.finish(command);

        assert!([11, 12].contains(&finished.code), "{finished:#?}");
    }
    assert_eq!(server.requests_to("/token").len(), 0);
}

#[test]
fn a_slip_of_the_hand_does_not_end_a_login_and_anothers_answer_does() {
    let server = Server::start();
    let mut keyfob = Keyfob::with(&server);
    keyfob.set("TERM", "xterm");
    let mut command = keyfob.command(&["login", "test"]);
    let mut terminal = Terminal::start(&mut command);
    let url = eventually("the browser", || keyfob.opened().first().cloned());
    for (number, rubbish) in ["rubbish", "https://other.example/?code=a&state=b", "{}"].into_iter().enumerate() {
        terminal.type_in(&format!("{rubbish}\n"));
        eventually("a word about it", || (terminal.screen().matches("still waiting").count() > number).then_some(()));
    }

    let right = server.allow(&url);
    terminal.type_in(&format!("{}\n", right.with("state", "another-logins-state").0));
    let finished = terminal.finish(command).expect(11);

    assert!(finished.stdout.contains("state"), "{finished:#?}");
    assert_eq!(server.requests_to("/token").len(), 0);
}
