//! A tired, broken or hostile network.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::support::{Answer, Finished, Keyfob, Server};

/// Short limits, so that a test of them is short too.
const LIMITS: &str = "limits = { connect = \"1s\", idle = \"1s\", request = \"2s\" }\n";

const DISCOVERY: &str = "/.well-known/openid-configuration";

/// Logged in, with short limits and nothing remembered of the server's metadata.
fn session(server: &Server) -> Keyfob {
    let keyfob = Keyfob::logged_in(server);
    keyfob.settings(LIMITS);
    server.forget_requests();
    keyfob
}

/// `refresh` while the token endpoint does this; the session stays.
#[track_caller]
fn refresh(server: &Server, keyfob: &Keyfob, answer: Answer, choices: &[(i32, &str)], words: &[&str]) -> Finished {
    let stored = keyfob.stored();
    server.always("/token", answer);

    let finished = keyfob.run(&["refresh", "test", "--json"]);

    finished.error_of(choices, words);
    assert_eq!(keyfob.stored(), stored, "{finished:#?}");
    server.recover();
    finished
}

const NETWORK: &[(i32, &str)] = &[(6, "network")];
const PROTOCOL: &[(i32, &str)] = &[(12, "protocol")];
const EITHER: &[(i32, &str)] = &[(6, "network"), (12, "protocol")];

#[test]
fn a_server_that_stays_silent_is_left_after_the_limit() {
    let server = Server::start();
    let keyfob = session(&server);

    let finished = refresh(&server, &keyfob, Answer::silent(), NETWORK, &[&server.address().to_string()]);

    assert!((0.9..6.0).contains(&finished.took.as_secs_f64()), "{finished:#?}");
}

#[test]
fn a_server_that_trickles_meets_the_limit_of_the_whole() {
    let server = Server::start();
    let keyfob = session(&server);
    let answer = Answer::json(200, &json!({ "x": "y".repeat(500) })).trickled(1, Duration::from_millis(200));

    let finished = refresh(&server, &keyfob, answer, NETWORK, &[]);

    assert!((1.5..8.0).contains(&finished.took.as_secs_f64()), "{finished:#?}");
}

#[test]
fn the_timeout_option_bounds_one_request() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    server.always("/token", Answer::silent());

    let finished = keyfob.run(&["refresh", "test", "--json", "--timeout", "1"]);

    finished.error(6, "network");
    assert!(finished.took < Duration::from_secs(4), "{finished:#?}");
}

#[test]
fn huge_bodies_are_refused_without_growth() {
    let server = Server::start();
    let keyfob = session(&server);
    let usual = keyfob.run(&["refresh", "test"]).expect(0).memory;
    let endless = Answer::new(200, "application/json", "    ").endless();
    let zeros = gzip_of_zeros(64);
    for answer in [
        endless.clone(),
        Answer::json(400, &json!({})).endless(),
        Answer::new(200, "application/json", zeros.clone()).with("Content-Encoding", "gzip"),
        Answer::raw(format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            1_u64 << 40
        )),
    ] {
        let finished = refresh(&server, &keyfob, answer, EITHER, &[]);
        assert!(finished.memory < usual + 50 * 1024, "{} KiB beside {usual}", finished.memory);
        assert!(finished.took < Duration::from_secs(6), "{finished:#?}");
    }
    refresh(
        &server,
        &keyfob,
        Answer::new(200, "application/json", zeros).with("Content-Encoding", "gzip"),
        PROTOCOL,
        &[],
    );
}

/// A gzip file of `mebibytes` of zeros, made of stored and repeated deflate blocks by the system's own gzip.
fn gzip_of_zeros(mebibytes: usize) -> Vec<u8> {
    let script = format!("head -c {} /dev/zero | gzip -c", mebibytes << 20);
    let output = std::process::Command::new("/bin/sh").args(["-c", &script]).output().expect("gzip is everywhere");
    assert!(output.stdout.len() > 1000, "{output:?}");
    output.stdout
}

#[test]
fn odd_encodings_are_failures_of_their_own() {
    let server = Server::start();
    let keyfob = session(&server);
    let body = r#"{"access_token":"planted","token_type":"Bearer"}"#;
    let cut = &gzip_of_zeros(1)[..600];
    for answer in [
        Answer::new(200, "application/json", body).with("Content-Encoding", "gzip"),
        Answer::new(200, "application/json", cut).with("Content-Encoding", "gzip"),
        Answer::new(200, "application/json", body).with("Content-Encoding", "br"),
        Answer::new(200, "application/json", body).with("Content-Encoding", "zstd"),
        Answer::new(200, "application/json", body).with("Content-Encoding", "x-unknown"),
        Answer::new(200, "application/json", cut).with("Content-Encoding", "gzip, gzip"),
        Answer::new(400, "application/json", cut).with("Content-Encoding", "gzip"),
    ] {
        let finished = refresh(&server, &keyfob, answer, EITHER, &[]);
        assert!(!finished.output().contains("planted"), "{finished:#?}");
    }
    for request in server.requests() {
        let accepted = request.header("accept-encoding").unwrap_or_default().to_owned();
        assert!(!accepted.contains("br") && !accepted.contains("zstd"), "{accepted}");
    }
}

#[test]
fn a_body_that_ends_early_is_a_failure_even_if_it_parses() {
    let server = Server::start();
    let keyfob = session(&server);
    let body = json!({ "access_token": "planted", "token_type": "Bearer" });
    refresh(&server, &keyfob, Answer::json(200, &body).cut(1), NETWORK, &[]);
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n",
        body.to_string().len()
    );
    refresh(&server, &keyfob, Answer::raw(chunked), NETWORK, &[]);
}

#[test]
fn oddities_of_http_crash_nothing() {
    let server = Server::start();
    let keyfob = session(&server);
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    for (bytes, choices) in [
        ("HTTP/0.9\r\n\r\n".to_owned(), EITHER),
        ("garbage".to_owned(), EITHER),
        ("\0\0\0\0".to_owned(), EITHER),
        ("HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n".to_owned(), EITHER),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}".to_owned(), EITHER),
        (format!("{head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}"), EITHER),
        (format!("{head}Content-Length: -1\r\n\r\n{{}}"), EITHER),
        (format!("{head}X: {}\r\nContent-Length: 2\r\n\r\n{{}}", "a".repeat(1 << 20)), EITHER),
        (format!("{head}{}Content-Length: 2\r\n\r\n{{}}", "X: y\r\n".repeat(10_000)), EITHER),
        (format!("{}{head}Content-Length: 2\r\n\r\n{{}}", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(10_000)), EITHER),
        ("HTTP/1.1 503 \u{1b}[2Jbusy\r\nContent-Length: 0\r\n\r\n".to_owned(), EITHER),
        ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n".to_owned(), EITHER),
    ] {
        let finished = refresh(&server, &keyfob, Answer::raw(bytes), choices, &[]);
        assert!(!finished.output().contains('\u{1b}') && finished.took < Duration::from_secs(8), "{finished:#?}");
    }
}

#[test]
fn a_hint_and_a_cookie_before_a_good_answer_change_nothing() {
    let server = Server::start();
    let keyfob = session(&server);
    server.after("/token", 1, |_, answer| {
        let body = String::from_utf8(answer.body).expect("text");
        Answer::raw(format!(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: application/json\r\nSet-Cookie: tracked=1\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ))
    });

    keyfob.run(&["refresh", "test"]).expect(0);
    keyfob.run(&["refresh", "test"]).expect(0);

    assert!(server.requests().iter().all(|request| request.header("cookie").is_none()));
}

#[test]
fn redirects_of_requests_with_credentials_are_not_followed() {
    let (server, other) = (Server::start(), Server::start());
    let keyfob = session(&server);
    for status in [301, 302, 303, 307, 308] {
        for target in
            [format!("{}/token", other.url()), format!("{}/elsewhere", server.url()), "http://idp.example/".into()]
        {
            refresh(&server, &keyfob, Answer::redirect(status, &target), PROTOCOL, &[&status.to_string()]);
        }
    }
    assert_eq!((other.connections(), server.requests_to("/elsewhere").len()), (0, 0));
}

#[test]
fn a_redirect_of_discovery_leads_to_no_other_origin() {
    let (server, other) = (Server::start(), Server::start());
    let keyfob = Keyfob::with(&server);
    server.always(DISCOVERY, Answer::redirect(302, &format!("{}{DISCOVERY}", other.url())));

    let finished = keyfob.run(&["login", "test", "--json"]);

    finished.error_of(&[(12, "protocol"), (11, "security")], &[&other.address().to_string()]);
    assert_eq!((other.connections(), keyfob.opened().len()), (0, 0));
}

#[test]
fn documents_are_asked_for_again_when_the_connection_failed_and_credentials_are_not() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    server.once(DISCOVERY, Answer::dropped());
    server.once(DISCOVERY, Answer::dropped());
    keyfob.login(&server);
    assert_eq!(server.requests_to(DISCOVERY).len(), 3);

    let fresh = Keyfob::with(&server);
    server.forget_requests();
    server.always(DISCOVERY, Answer::dropped());
    fresh.run(&["login", "test", "--json"]).error(6, "network");
    let asked = server.requests_to(DISCOVERY).len();
    assert!((1..=3).contains(&asked), "{asked}");
}

#[test]
fn a_short_wait_that_the_server_asks_for_is_granted_and_a_long_one_told() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);
    server.once(DISCOVERY, Answer::error(503, "busy").with("Retry-After", "1"));
    let login = keyfob.log_in(&server, &["login", "test"]).expect(0);
    assert!(login.took >= Duration::from_secs(1), "{login:#?}");

    keyfob.settings(LIMITS);
    let finished =
        refresh(&server, &keyfob, Answer::error(503, "busy").with("Retry-After", "3600"), NETWORK, &["3600"]);
    assert!(finished.took < Duration::from_secs(2), "{finished:#?}");
    let fresh = Keyfob::with(&server);
    server.always(DISCOVERY, Answer::error(429, "busy").with("Retry-After", "3600"));
    let finished = fresh.run(&["login", "test", "--json"]);
    finished.error_naming(6, "network", &["3600"]);
    assert!(finished.took < Duration::from_secs(3), "{finished:#?}");
}

#[test]
fn waits_of_every_form_are_read() {
    let server = Server::start();
    let keyfob = session(&server);
    for value in ["Wed, 21 Oct 2015 07:28:00 GMT", "-5", "99999999999999999999999", "1.5", "soon", "", "\u{b5}", "1, 2"]
    {
        let finished = refresh(&server, &keyfob, Answer::error(503, "busy").with("Retry-After", value), NETWORK, &[]);
        assert!(finished.took < Duration::from_secs(3), "{value:?}: {finished:#?}");
    }
    let two = Answer::error(503, "busy").with("Retry-After", "3600").with("Retry-After", "1");
    refresh(&server, &keyfob, two, NETWORK, &[]);
}

#[test]
fn plain_http_leads_to_this_machine_only() {
    let server = Server::start();
    let port = server.address().port();
    for host in
        ["idp.example", "localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0", "[::]", "127.1.evil.example"]
    {
        let keyfob = Keyfob::new();
        keyfob.registry(&format!(
            "[providers.test]\nprotocol = \"oidc\"\nclient_id = \"public\"\nissuer = \"http://{host}:{port}\"\n"
        ));
        let finished = keyfob.run(&["login", "test", "--json", "--timeout", "2"]);
        finished.error_of(&[(11, "security"), (9, "config")], &["http"]);
        assert_eq!(keyfob.opened().len(), 0);
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn loopback_is_never_reached_through_a_proxy() {
    let server = Server::start();
    let proxy = Server::start();
    let mut keyfob = Keyfob::with(&server);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        keyfob.set(name, proxy.url());
    }

    keyfob.login(&server);
    keyfob.run(&["refresh", "test"]).expect(0);

    assert_eq!(proxy.connections(), 0);
}

#[test]
fn a_proxy_is_used_for_other_hosts_and_its_failures_and_password_are_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let proxy = thread::spawn(move || {
        let mut asked = Vec::new();
        // Ends with the connection that the test makes itself.
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 2048];
            let count = stream.read(&mut head).unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..count]).into_owned();
            if head.starts_with("END") {
                break;
            }
            asked.push(head);
            let _ = stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
        }
        asked
    });
    let mut keyfob = Keyfob::new();
    keyfob
        .registry("[providers.test]\nprotocol = \"oidc\"\nclient_id = \"public\"\nissuer = \"https://idp.example\"\n");
    keyfob.set("HTTPS_PROXY", format!("http://user:CANARY-pw@{address}"));
    keyfob.settings(LIMITS);

    let finished = keyfob.run(&["login", "test", "--json", "-vv"]);
    TcpStream::connect(address).and_then(|mut stream| stream.write_all(b"END")).expect("the proxy ends");

    finished.error_naming(6, "network", &["proxy"]);
    assert!(!finished.output().contains("CANARY"), "{finished:#?}");
    let asked = proxy.join().expect("no panic");
    assert!(!asked.is_empty() && asked.iter().all(|head| head.starts_with("CONNECT idp.example:443 ")), "{asked:#?}");
    keyfob.set("HTTPS_PROXY", "::not a proxy::");
    keyfob.run(&["login", "test", "--json"]).error_of(&[(9, "config")], &["HTTPS_PROXY"]);
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_not_talked_to() {
    // Speaks no TLS at all: whatever it gets must be a ClientHello and no HTTP.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let seen = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut bytes = [0; 1024];
        let count = stream.read(&mut bytes).unwrap_or(0);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
        bytes[..count].to_vec()
    });
    let keyfob = Keyfob::new();
    keyfob.registry(&format!(
        "[providers.test]\nprotocol = \"oidc\"\nclient_id = \"public\"\nissuer = \"https://127.0.0.1:{port}\"\n"
    ));
    keyfob.settings(LIMITS);

    keyfob.run(&["login", "test", "--json"]).error_of(&[(6, "network"), (11, "security")], &[]);

    assert_eq!(seen.join().expect("no panic").first(), Some(&0x16), "a TLS handshake record");
}

#[test]
fn without_a_network_what_needs_none_works() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    drop(server);
    for arguments in [
        &["list"][..],
        &["status", "test"],
        &["token", "test"],
        &["provider", "list"],
        &["provider", "show", "test"],
        &["--help"],
        &["--version"],
        &["logout", "test", "--no-revoke"],
    ] {
        let finished = keyfob.run(arguments).expect(0);
        assert!(finished.took < Duration::from_secs(2), "{finished:#?}");
    }
}

#[test]
fn the_user_agent_is_the_programs_name_and_nothing_more() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    keyfob.run(&["refresh", "test"]).expect(0);

    let expected = format!("keyfob/{}", env!("CARGO_PKG_VERSION"));
    for request in server.requests().iter().filter(|request| request.path != "/authorize") {
        assert_eq!(request.header("user-agent"), Some(expected.as_str()), "{}", request.path);
    }
}
