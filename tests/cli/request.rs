//! Requests to a resource server: where the token goes and where it does not, what comes back, and what it means.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::support::{
    Answer, Gate, Keyfob, Request, Running, Server, Terminal, base64url, eventually, files, mode, sha256,
};

/// A token that is over, as RFC 6750 §3.1 says it.
fn invalid_token() -> Answer {
    Answer::json(401, &json!({"refused": true})).with("WWW-Authenticate", "Bearer error=\"invalid_token\"")
}

fn refreshes(server: &Server) -> usize {
    server.grants("refresh_token").len()
}

fn api(server: &Server) -> String {
    format!("{}/api", server.url())
}

/// `host:port`, which `--allow-host` takes.
fn host(server: &Server) -> String {
    server.address().to_string()
}

/// Everything secret, wherever it is in a request.
fn carries_a_secret(request: &Request, servers: &[&Server]) -> bool {
    let text = format!("{request:?}");
    servers.iter().flat_map(|server| server.secrets()).any(|secret| text.contains(&secret))
}

/// Bytes that repeat nowhere near, so that a piece lost or doubled is noticed.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn a_request_finds_its_session_by_the_address_and_carries_the_token_in_its_header_alone() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let token = keyfob.token("test");

    for arguments in [vec![api(&server)], vec!["test".into(), format!("{}?a=b#c", api(&server))]] {
        let mut words = vec!["request"];
        words.extend(arguments.iter().map(String::as_str));
        let finished = keyfob.run(&words).expect(0);

        assert_eq!(finished.json()["method"], "GET");
        assert_eq!(finished.stderr, "");
    }

    let requests = server.requests_to("/api");
    assert_eq!(requests.len(), 2);
    for request in requests {
        assert_eq!(request.header("authorization"), Some(&*format!("Bearer {token}")));
        assert_eq!(request.header("accept-encoding"), Some("identity"));
        assert!(!request.query.contains(&token), "{request:?}");
        assert!(request.header("user-agent").is_some_and(|agent| agent.starts_with("keyfob/")), "{request:?}");
    }
    assert_eq!(refreshes(&server), 0);
}

#[test]
fn method_headers_and_body_are_sent_as_given() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let file = keyfob.aside().join("body");
    fs::write(&file, noise(3_000)).expect("a file");
    let named = format!("@{}", file.display());
    let form = "application/x-www-form-urlencoded";

    for (options, method, kind, body) in [
        (vec!["-d", "a=b&c"], "POST", form, b"a=b&c".to_vec()),
        (vec!["-d", ""], "POST", form, Vec::new()),
        (vec!["-X", "PUT", "-d", &named], "PUT", "application/octet-stream", noise(3_000)),
        (vec!["-d", "{}", "-H", "content-type: application/json"], "POST", "application/json", b"{}".to_vec()),
        (vec!["-X", "PROPFIND", "-H", "X-A: 1", "-H", "X-A: 2", "-d", "x"], "PROPFIND", form, b"x".to_vec()),
    ] {
        let url = api(&server);
        let told = keyfob.run(&[&["request", "test", &url], &options[..]].concat()).expect(0).json();

        let hash = base64url(&sha256(&body));
        assert_eq!((&told["method"], &told["type"]), (&method.into(), &kind.into()), "{options:?}");
        assert_eq!((&told["length"], &told["sha256"]), (&body.len().into(), &hash.into()), "{options:?}");
    }
    let sent = server.requests_to("/api").pop().expect("a request");
    let twice: Vec<_> =
        sent.headers.iter().filter(|(name, _)| name == "x-a").map(|(_, value)| value.as_str()).collect();
    assert_eq!(twice, ["1", "2"]);
}

#[test]
fn a_body_from_standard_input_is_sent_whole_however_long() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);

    for length in [0, 10, 1 << 20, (1 << 20) + 1, 5 << 20] {
        let body = "0123456789".repeat(length / 10 + 1);
        let told = keyfob.run_with_input(&["request", &api(&server), "-d", "@-"], &body[..length]).expect(0).json();

        assert_eq!((told["length"].as_u64(), &told["method"]), (Some(length as u64), &"POST".into()));
        assert_eq!(told["sha256"], base64url(&sha256(&body.as_bytes()[..length])));
    }
}

#[test]
fn the_body_comes_out_byte_for_byte_with_any_status() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let body = noise(300_000);

    for (status, fail) in [(200, false), (404, false), (500, false), (404, true), (503, true), (200, true)] {
        server.once("/api", Answer::new(status, "application/octet-stream", body.clone()));
        let file = keyfob.aside().join("out");
        let url = api(&server);
        let mut arguments = vec!["request", "test", &url];
        arguments.extend(fail.then_some("--fail"));
        let mut command = keyfob.command(&arguments);
        let out = File::create(&file).expect("a file");
        let finished = Running::spawn(command.stdin(Stdio::null()).stdout(out).stderr(Stdio::piped())).finish();

        let failed = fail && status >= 400;
        let finished = finished.expect(if failed { 10 } else { 0 });
        assert!(fs::read(&file).expect("a file") == body, "{status}");
        assert_eq!(finished.stderr.contains(&format!("error: {url} answered {status}")), failed, "{finished:#?}");
    }
    server.once("/api", Answer::new(418, "text/plain", "tea"));
    let finished = keyfob.run(&["request", "test", &api(&server), "--fail", "--json"]);
    finished.error_naming(10, "http_status", &["418"]);
    assert_eq!(finished.stdout, "tea");
}

#[test]
fn a_failure_leaves_the_file_as_it_was() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let (file, url) = (keyfob.aside().join("out"), api(&server));
    let out = file.display().to_string();
    fs::write(&file, "good").expect("a file");

    for (options, code, left) in [(&["--fail"][..], 10, "good"), (&[], 0, "bad")] {
        server.once("/api", Answer::new(404, "text/plain", "bad"));
        keyfob.run(&[&["request", "test", &url, "-o", &out], options].concat()).expect(code);
        assert_eq!(fs::read_to_string(&file).expect("a file"), left);
    }
    let beside: Vec<_> = fs::read_dir(keyfob.aside()).expect("a folder").flatten().map(|one| one.file_name()).collect();
    assert_eq!(beside.iter().filter(|name| name.to_string_lossy().contains("out")).count(), 1, "{beside:?}");
}

#[test]
fn the_absence_of_a_body_is_told_where_one_would_have_a_meaning() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);

    for (method, length) in
        [("POST", Some("0")), ("PUT", Some("0")), ("PATCH", Some("0")), ("GET", None), ("DELETE", None)]
    {
        keyfob.run(&["request", "test", &api(&server), "-X", method]).expect(0);
        assert_eq!(server.requests_to("/api").last().expect("a request").header("content-length"), length, "{method}");
    }
}

#[test]
fn the_head_comes_first_where_it_is_asked_for() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    server.always("/api", Answer::new(404, "text/plain", "body").with("X-A", "1"));

    let finished = keyfob.run(&["request", "test", &api(&server), "-i"]).expect(0);

    let (head, body) = finished.stdout.split_once("\r\n\r\n").expect("a head");
    let mut lines = head.split("\r\n");
    assert_eq!(lines.next(), Some("HTTP/1.1 404 Not Found"));
    assert!(lines.any(|line| line == "x-a: 1"), "{head}");
    assert_eq!(body, "body");
}

#[test]
fn a_token_goes_to_hosts_of_its_session_only() {
    let (server, other) = (Server::start(), Server::start());
    let keyfob = Keyfob::logged_in(&server);
    other.always("/api", Answer::new(200, "text/plain", "other"));
    let run = |url: &str, more: &[&str]| keyfob.run(&[&["request", "test", url, "--json"], more].concat());

    for more in [&[][..], &["--allow-host", "api.example"], &["--allow-host", "127.0.0.1:1"]] {
        let finished = run(&api(&other), more);
        finished.error_naming(11, "security", &["test/alice", &host(&other), "--allow-host"]);
        assert_eq!(finished.stdout, "");
    }
    for url in ["http://api.example/", "http://127.0.0.1.example/", "https://u:p@api.example/", "ftp://127.0.0.1/"] {
        run(url, &["--allow-host", "api.example"]).error(11, "security");
    }
    assert_eq!(other.connections(), 0);

    let named = host(&other);
    assert_eq!(run(&api(&other), &["--allow-host", &named]).expect(0).stdout, "other");
    assert_eq!(run(&api(&other), &["--allow-host", "127.0.0.1"]).expect(0).stdout, "other");
    keyfob.registry(&format!("hosts = [\"{named}\"]"));
    assert_eq!(run(&api(&other), &[]).expect(0).stdout, "other");
    assert_eq!(keyfob.run(&["request", &api(&other)]).expect(0).stdout, "other");
}

#[test]
fn a_token_goes_to_the_resource_it_is_for() {
    let (server, other) = (Server::start(), Server::start());
    let keyfob = Keyfob::with(&server);
    keyfob.log_in(&server, &["login", "test", "--resource", &format!("{}/v1", other.url())]).expect(0);
    other.always("/v1/x", Answer::new(200, "text/plain", "other"));

    let finished = keyfob.run(&["request", &format!("{}/v1/x", other.url())]).expect(0);

    assert_eq!(finished.stdout, "other");
}

#[test]
fn without_a_session_nothing_is_sent() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);

    for arguments in [vec!["request", "test", "https://api.example/"], vec!["request", "https://api.example/"]] {
        for more in [&["--json"][..], &["--json", "--login"]] {
            keyfob.run(&[&arguments[..], more].concat()).error(4, "login_required");
        }
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn what_is_not_the_users_to_set_is_refused_with_a_word() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    server.forget_requests();
    let before = server.connections();

    for (options, word) in [
        (["-H", "Authorization: Bearer mine"], "authorization"),
        (["-H", "proxy-authorization: Basic x"], "proxy-authorization"),
        (["-H", "Host: evil.example"], "host"),
        (["-H", "Content-Length: 3"], "content-length"),
        (["-H", "no colon"], "takes"),
        (["-H", "X: a\r\nY: b"], "x"),
        (["-X", "TRACE"], "trace"),
        (["-X", "GET /x"], "method"),
        (["-d", "@/nowhere/at/all"], "nowhere"),
        (["--allow-host", "https://x/"], "host"),
    ] {
        let finished = keyfob.run(&[&["request", "test", &api(&server), "--json"], &options[..]].concat());

        let error = finished.error(2, "usage");
        assert!(error["message"].as_str().is_some_and(|text| text.to_lowercase().contains(word)), "{finished:#?}");
        assert!(!finished.output().contains("mine"), "{finished:#?}");
    }
    assert_eq!(server.connections(), before);
}

#[test]
fn a_redirect_within_the_origin_keeps_the_token() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    server.once("/api", Answer::redirect(302, "/api/two?x#y"));
    server.once("/api/two", Answer::redirect(307, "three"));

    let told = keyfob.run(&["request", "test", &api(&server), "-H", "Cookie: a"]).expect(0).json();

    assert_eq!(told["method"], "GET");
    let last = server.requests_to("/api/three").pop().expect("a request");
    assert_eq!(last.header("cookie"), Some("a"));
}

#[test]
fn a_redirect_to_another_origin_loses_every_credential_for_good() {
    let (server, other) = (Server::start(), Server::start());
    let keyfob = Keyfob::logged_in(&server);
    server.once("/api", Answer::redirect(307, &format!("{}/away", other.url())).with("Set-Cookie", "c=d"));
    other.once("/away", Answer::redirect(302, &format!("{}/back", server.url())));
    server.always("/back", Answer::new(200, "text/plain", "landed"));
    let credentials = ["-H", "Cookie: a=b", "-H", "X-Api-Key: k", "-H", "Accept: text/plain"];

    let allowed = host(&other);
    let url = api(&server);
    let finished = keyfob.run(&[&["request", "test", &url, "--allow-host", &allowed], &credentials[..]].concat());

    assert_eq!(finished.expect(0).stdout, "landed");
    let (away, back) = (other.requests_to("/away").remove(0), server.requests_to("/back").remove(0));
    for request in [away, back] {
        for name in ["authorization", "cookie", "x-api-key", "referer"] {
            assert_eq!(request.header(name), None, "{request:?}");
        }
        assert_eq!(request.header("accept"), Some("text/plain"));
        assert!(!carries_a_secret(&request, &[&server]), "{request:?}");
    }
}

#[test]
fn a_redirect_that_must_not_be_followed_ends_the_request() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    for location in ["http://api.example/x", "ftp://127.0.0.1/", "http://u:p@127.0.0.1/", "http://["] {
        server.once("/api", Answer::redirect(302, location));

        let finished = keyfob.run(&["request", "test", &api(&server), "--json"]);

        finished.error_naming(11, "security", &["redirects"]);
        assert_eq!(finished.stdout, "");
    }
    server.always("/api", Answer::redirect(302, "/api"));
    keyfob.run(&["request", "test", &api(&server), "--json"]).error_naming(12, "protocol", &["redirect"]);
    assert_eq!(server.requests_to("/api").len(), 4 + 11);
}

#[test]
fn a_401_of_somewhere_else_is_not_about_the_token() {
    let (server, other) = (Server::start(), Server::start());
    let keyfob = Keyfob::logged_in(&server);
    server.always("/api", Answer::redirect(302, &format!("{}/api", other.url())));

    let finished = keyfob.run(&["request", "test", &api(&server)]).expect(0);

    assert_eq!((finished.json(), refreshes(&server)), (json!({}), 0));
    assert_eq!(other.requests_to("/api").len(), 1);
}

#[test]
fn a_redirected_body_goes_along_as_the_specification_says() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    for (status, method, length) in [(307, "POST", 3), (308, "POST", 3), (303, "GET", 0), (302, "GET", 0)] {
        server.once("/api", Answer::redirect(status, "/api/two"));

        let told = keyfob.run(&["request", "test", &api(&server), "-d", "a=b"]).expect(0).json();

        assert_eq!((&told["method"], &told["length"]), (&method.into(), &length.into()), "{status}");
        assert_eq!(told["type"].is_null(), length == 0, "{status}");
    }
}

#[test]
fn a_body_that_is_gone_is_not_sent_after_a_redirect() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    server.once("/api", Answer::redirect(307, "/api/two"));

    let finished = keyfob.run_with_input(&["request", "test", &api(&server), "-d", "@-"], &"x".repeat(3 << 20));

    assert!(finished.expect(2).stderr.contains("read only once"));
    assert_eq!(server.requests_to("/api/two").len(), 0);
}

#[test]
fn a_refused_token_is_renewed_once_and_the_request_repeated() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let file = keyfob.aside().join("body");
    fs::write(&file, noise(200_000)).expect("a file");
    let file = format!("@{}", file.display());

    for (count, body) in ["a=b", &file, "@-"].into_iter().enumerate() {
        let before = keyfob.token("test");
        server.once("/api", invalid_token());

        let told = keyfob.run_with_input(&["request", "test", &api(&server), "-d", body], &"x".repeat(1 << 20));

        let requests = server.requests_to("/api");
        let [.., first, second] = &requests[..] else { panic!("{requests:?}") };
        assert_eq!(told.expect(0).json()["length"].as_u64(), Some(second.body.len() as u64));
        assert!(first.body == second.body, "{body}");
        assert_eq!(first.header("authorization"), Some(&*format!("Bearer {before}")));
        assert_ne!(first.header("authorization"), second.header("authorization"));
        assert_eq!((requests.len(), refreshes(&server)), (2 * (count + 1), count + 1));
    }
}

#[test]
fn a_token_that_stays_refused_needs_a_login_and_its_answer_comes_out() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    // Without any word about why, too.
    for answer in [invalid_token(), Answer::json(401, &json!({"refused": true}))] {
        server.recover();
        server.forget_requests();
        server.always("/api", answer);

        let finished = keyfob.run(&["request", "test", &api(&server), "--json"]);

        let error = finished.error_naming(4, "login_required", &["keyfob login test"]);
        assert_eq!((finished.json(), &error["session"]), (json!({"refused": true}), &"test/alice".into()));
        assert_eq!((server.requests_to("/api").len(), refreshes(&server)), (2, 1));
    }
}

#[test]
fn a_token_renewed_before_the_request_is_not_renewed_again() {
    let server = Server::start();
    server.change(|settings| settings.expires_in = json!(5));
    let keyfob = Keyfob::logged_in(&server);
    server.change(|settings| settings.expires_in = json!(3600));
    server.always("/api", invalid_token());

    keyfob.run(&["request", "test", &api(&server), "--json"]).error(4, "login_required");

    assert_eq!((server.requests_to("/api").len(), refreshes(&server)), (1, 1));
}

#[test]
fn a_refused_token_that_cannot_be_renewed_leaves_the_answer_and_the_session() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    server.always("/api", invalid_token());
    let before = keyfob.stored();
    for (answer, code, name) in [
        (Answer::error(503, "temporarily_unavailable"), 6, "network"),
        (Answer::error(400, "invalid_grant"), 4, "login_required"),
    ] {
        server.once("/token", answer);

        let finished = keyfob.run(&["request", "test", &api(&server), "--json"]);

        finished.error(code, name);
        assert_eq!(finished.json(), json!({"refused": true}));
        assert_eq!(keyfob.stored() == before, code == 6);
    }
}

#[test]
fn a_body_that_is_gone_is_not_sent_again_after_a_401() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    server.always("/api", invalid_token());

    let arguments = ["request", "test", &api(&server), "-d", "@-", "--json"];
    let finished = keyfob.run_with_input(&arguments, &"x".repeat(3 << 20));

    finished.error_naming(4, "login_required", &["only once", "again"]);
    assert_eq!(finished.json(), json!({"refused": true}));
    assert_eq!((server.requests_to("/api").len(), refreshes(&server)), (1, 1));
}

#[test]
fn missing_scope_leads_to_the_login_that_adds_it() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let run = |challenge: &str, more: &[&str]| {
        server.once("/api", Answer::json(403, &json!({"no": 1})).with("WWW-Authenticate", challenge));
        keyfob.run(&[&["request", "test", &api(&server)], more].concat())
    };
    let challenge = "Basic realm=\"x\", Bearer error=\"insufficient_scope\", scope=\"email repo:$(id) it's\"";
    let command = r#"keyfob login test --scope '+repo:$(id) +it'\''s'"#;

    let finished = run(challenge, &[]).expect(0);
    assert_eq!(finished.json(), json!({"no": 1}));
    assert!(finished.stderr.ends_with(&format!("hint: {command}\n")), "{finished:#?}");
    assert!(!finished.stderr.contains("error:"), "{finished:#?}");

    let error = run(challenge, &["--fail", "--json"]).error_naming(10, "http_status", &["403"]);
    assert_eq!(error["hint"], command);
    assert!(run("Bearer error=insufficient_scope", &[]).expect(0).stderr.contains("does not say which"));
    assert_eq!(run("Bearer realm=\"insufficient_scope\"", &[]).expect(0).stderr, "");
    assert_eq!(refreshes(&server), 0);
}

#[test]
fn another_authentication_leads_to_the_login_that_brings_it() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let challenge = "Bearer error=\"insufficient_user_authentication\", acr_values=\"phr mfa\", max_age=\"60\"";
    server.always("/api", Answer::json(401, &json!({"no": 1})).with("WWW-Authenticate", challenge));

    let finished = keyfob.run(&["request", "test", &api(&server), "--json"]);

    let error = finished.error_naming(4, "login_required", &["acr_values=phr mfa", "max_age=60"]);
    assert_eq!(error["hint"], "keyfob login test --param 'acr_values=phr mfa' --param 'max_age=60'");
    assert_eq!(finished.json(), json!({"no": 1}));
    assert_eq!((server.requests_to("/api").len(), refreshes(&server)), (1, 0));
}

#[test]
fn a_huge_challenge_is_read_in_bounds_and_shown_in_one_line() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let scopes = "s\u{9b}31m ".repeat(2_000) + &"long ".repeat(15_000) + &"w".repeat(5_000);
    let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scopes}\"");
    server.always("/api", Answer::json(403, &json!({})).with("WWW-Authenticate", &challenge));

    let finished = keyfob.run(&["request", "test", &api(&server)]).expect(0);

    assert!(finished.stderr.contains("long") && finished.stderr.lines().count() <= 2, "{finished:#?}");
    assert!(!finished.stderr.contains('\u{9b}'), "{finished:#?}");
}

#[test]
fn a_file_is_written_as_a_whole_and_for_the_user_alone() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let folder = keyfob.aside().join("downloads");
    fs::create_dir(&folder).expect("a folder");
    let file = folder.join("file");
    fs::write(&file, "old").expect("a file");
    let name = file.display().to_string();
    let run = |more: &[&str]| keyfob.run(&[&["request", "test", &api(&server), "-o", &name], more].concat());

    server.once("/api", Answer::new(200, "text/plain", noise(100_000)).cut(10));
    let finished = run(&["--json"]);
    finished.error(6, "network");
    assert_eq!((fs::read(&file).expect("a file"), files(&folder).len()), (b"old".to_vec(), 1));

    server.once("/api", Answer::new(200, "text/plain", noise(100_000)));
    let finished = run(&[]).expect(0);
    assert_eq!((&*finished.stdout, &*finished.stderr), ("", ""));
    assert!(fs::read(&file).expect("a file") == noise(100_000));
    assert_eq!((mode(&file), files(&folder).len()), (0o600, 1));

    let nowhere = folder.join("no/file").display().to_string();
    let before = server.requests_to("/api").len();
    for name in [&nowhere, &folder.display().to_string()] {
        let finished = keyfob.run(&["request", "test", &api(&server), "-o", name]);
        assert_ne!(finished.code, 0, "{finished:#?}");
    }
    assert_eq!(server.requests_to("/api").len(), before);
    keyfob.run(&["request", "test", &api(&server), "-o", "/dev/null"]).expect(0);
}

#[test]
fn nothing_is_left_of_a_file_when_a_signal_ends_the_download() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let folder = keyfob.aside().join("downloads");
    fs::create_dir(&folder).expect("a folder");
    let name = folder.join("file").display().to_string();
    server.once("/api", Answer::new(200, "text/plain", noise(1_000)).trickled(100, Duration::from_millis(500)));

    let running = keyfob.start(&["request", "test", &api(&server), "-o", &name]);
    eventually("a piece of the file", || {
        let begun = files(&folder).into_iter().find(|file| fs::metadata(file).is_ok_and(|file| file.len() > 0));
        begun.map(|_| ())
    });
    running.signal(libc::SIGINT);
    running.finish().expect(130);

    assert_eq!(files(&folder).len(), 0);
}

#[test]
fn an_answer_that_cannot_be_written_is_a_failure() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    server.always("/api", Answer::new(200, "text/plain", "x").endless());

    let full = File::options().write(true).open("/dev/full").expect("a full device");
    let (reader, closed) = std::io::pipe().expect("a pipe");
    drop(reader);
    for stdout in [Stdio::from(full), Stdio::from(closed)] {
        let url = api(&server);
        let mut command = keyfob.command(&["request", "test", &url]);
        let finished = Running::spawn(command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::piped())).finish();

        assert_eq!((finished.code, finished.stderr.contains("error:")), (1, true), "{finished:#?}");
    }
}

#[test]
fn bodies_of_any_size_flow_in_little_memory() {
    /// Bytes of memory that the program may write to: several times what it needs, and a fraction of the bodies.
    const ROOM: libc::rlim_t = 48 << 20;
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let url = api(&server);
    let run = |arguments: &[&str]| {
        let mut command = keyfob.command(arguments);
        // SAFETY: setrlimit is async-signal-safe.
        unsafe {
            command.pre_exec(|| {
                let limit = libc::rlimit { rlim_cur: ROOM, rlim_max: ROOM };
                libc::setrlimit(libc::RLIMIT_DATA, &raw const limit);
                Ok(())
            });
        }
        Running::spawn(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped())).finish()
    };

    // 256 MiB, whose end is that of the connection.
    server.once("/api", Answer::new(200, "text/plain", noise(4096)).endless());
    run(&["request", "test", &url]).expect(0);

    let file = keyfob.aside().join("large");
    File::create(&file).and_then(|file| file.set_len(96 << 20)).expect("a sparse file");
    run(&["request", "test", &url, "-X", "PUT", "-d", &format!("@{}", file.display())]).expect(0);
    assert_eq!(server.requests_to("/api").last().expect("a request").body.len(), 96 << 20);
}

#[test]
fn twenty_megabytes_go_up_and_come_down_unchanged() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let (up, down) = (keyfob.aside().join("up"), keyfob.aside().join("down"));
    let body = noise(20 << 20);
    fs::write(&up, &body).expect("a file");
    server.instead("/api", 1, |request| Answer::new(200, "application/octet-stream", request.body.clone()));

    let (source, name) = (format!("@{}", up.display()), down.display().to_string());
    keyfob.run(&["request", "test", &api(&server), "-X", "PUT", "-d", &source, "-o", &name]).expect(0);

    assert!(fs::read(&down).expect("a file") == body);
}

#[test]
fn an_answer_that_comes_before_the_body_was_taken_is_heard() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let other = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let read = stream.read(&mut [0; 100]).expect("the beginning of a request");
        stream
            .write_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
            .expect("it is read");
        // The rest is not taken while the connection stays.
        thread::park_timeout(Duration::from_secs(20));
        read > 0
    });
    let file = keyfob.aside().join("large");
    File::create(&file).and_then(|file| file.set_len(64 << 20)).expect("a sparse file");

    let file = format!("@{}", file.display());
    let finished = keyfob.run(&["request", "test", &url, "-d", &file, "--allow-host", "127.0.0.1", "--fail"]);

    assert_eq!(finished.expect(10).stdout, "big");
    other.thread().unpark();
    assert!(other.join().expect("it ends"));
}

#[test]
fn the_head_alone_can_be_asked_for() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    server.always("/api", Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n"));

    let finished = keyfob.run(&["request", "test", &api(&server), "-X", "HEAD", "-i"]).expect(0);

    assert_eq!(finished.stdout, "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\nconnection: close\r\n\r\n");
    keyfob.run(&["request", "test", &api(&server), "--json"]).error(6, "network");
}

#[test]
fn a_body_that_keeps_moving_has_no_time_limit_and_one_that_stops_has() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let run = || keyfob.run(&["request", "test", &api(&server), "--timeout", "1", "--json"]);

    server.once("/api", Answer::new(200, "text/plain", "0123456789").trickled(1, Duration::from_millis(200)));
    let finished = run().expect(0);
    assert!(finished.stdout == "0123456789" && finished.took > Duration::from_millis(1_500), "{finished:#?}");

    server.once("/api", Answer::new(200, "text/plain", "0123").trickled(2, Duration::from_secs(4)));
    let finished = run();
    finished.error_naming(6, "network", &["idle"]);
    assert_eq!(finished.stdout, "01");

    server.once("/api", Answer::silent());
    run().error_naming(6, "network", &["request limit"]);
}

#[test]
fn a_slow_source_of_the_body_is_waited_for() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let url = api(&server);
    let pipe = keyfob.aside().join("pipe");
    let name = std::ffi::CString::new(pipe.display().to_string()).expect("a name");
    // SAFETY: the name is a C string for the length of the call.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);

    let body = format!("@{}", pipe.display());
    let mut running = keyfob.start(&["request", "test", &url, "-d", &body, "--timeout", "1"]);
    let mut source = File::options().write(true).open(&pipe).expect("a reader");
    source.write_all(&noise(2 << 20)).expect("it is read");
    assert!(!running.ends_within(Duration::from_millis(2_500)), "{}", running.stderr_so_far());
    source.write_all(&noise(1 << 20)).expect("it is read");
    drop(source);

    assert_eq!(running.finish().expect(0).json()["length"].as_u64(), Some(3 << 20));
}

#[test]
fn an_encoding_that_was_not_asked_for_is_undone_or_told() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    // "hello\n", by Python's gzip module.
    let packed = [31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 203, 72, 205, 201, 201, 231, 2, 0, 32, 48, 58, 54, 6, 0, 0, 0];
    let run = |coding: &str, body: &[u8]| {
        server.once("/api", Answer::new(200, "text/plain", body).with("Content-Encoding", coding));
        keyfob.run(&["request", "test", &api(&server)])
    };

    assert_eq!(run("gzip", &packed).expect(0).stdout, "hello\n");
    assert_ne!(run("gzip", &packed[..20]).code, 0);
    assert_ne!(run("gzip", b"hello\n").code, 0);
    let finished = run("br", b"hello\n").expect(0);
    assert!(finished.stdout == "hello\n" && finished.stderr.contains("warning:"), "{finished:#?}");
}

#[test]
fn no_secret_is_told_with_the_request() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let url = format!("{}?key=hunter2", api(&server));
    server.once("/api", Answer::error(500, "x"));

    let options = ["-vvv", "--explain", "--fail", "-H", "X-Key: hunter3", "-d", "password=hunter4"];
    let finished = keyfob.run(&[&["request", "test", &url], &options[..]].concat()).expect(10);

    for secret in server.secrets().into_iter().chain(["hunter2", "hunter3", "hunter4"].map(str::to_owned)) {
        assert!(!finished.output().contains(&secret), "{secret}: {finished:#?}");
    }
    assert!(finished.stderr.contains("500"), "{finished:#?}");
}

#[test]
fn a_screen_is_shown_a_body_that_it_cannot_be_harmed_by() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    server.always("/api", Answer::new(200, "text/plain", "a\u{1b}[2J\tb\nc").with("X-A", "\u{9b}31m"));

    let url = api(&server);
    let mut command = keyfob.command(&["request", "test", &url, "-i"]);
    let terminal = Terminal::start(&mut command);
    let finished = terminal.finish(command).expect(0);

    assert!(finished.stdout.contains("a\\u{1b}[2J\tb\r\nc"), "{finished:#?}");
    assert!(!finished.stdout.contains('\u{9b}') && !finished.stdout.contains("\u{1b}[2J\t"), "{finished:#?}");
}

#[test]
fn a_screen_shows_how_much_of_a_file_has_come() {
    let server = Server::start();
    let mut keyfob = Keyfob::logged_in(&server);
    keyfob.set("TERM", "xterm");
    let name = keyfob.aside().join("file").display().to_string();
    server.once("/api", Answer::new(200, "text/plain", noise(8 << 10)).trickled(1 << 10, Duration::from_millis(250)));

    let url = api(&server);
    let mut command = keyfob.command(&["request", "test", &url, "-o", &name]);
    let terminal = Terminal::start(&mut command);
    terminal.wait_for("KiB of 8 KiB");
    terminal.finish(command).expect(0);

    assert!(fs::read(&name).expect("a file") == noise(8 << 10));
}

#[test]
fn a_login_is_started_where_it_is_allowed_and_somebody_is_there() {
    let server = Server::start();
    let keyfob = Keyfob::with(&server);

    let url = api(&server);
    let mut command = keyfob.command(&["request", "test", &url, "--login"]);
    let terminal = Terminal::start(&mut command);
    let opened = eventually("the browser", || keyfob.opened().pop());
    server.allow(&opened).get();

    let finished = terminal.finish(command).expect(0);
    assert!(finished.stdout.contains("\"method\":\"GET\""), "{finished:#?}");
}

#[test]
fn a_token_that_another_process_has_renewed_meanwhile_is_not_renewed_again() {
    let server = Server::start();
    let keyfob = Keyfob::logged_in(&server);
    let gate = Gate::default();
    server.once("/api", invalid_token().behind(&gate));

    let running = keyfob.start(&["request", "test", &api(&server)]);
    eventually("the request", || server.requests_to("/api").pop());
    keyfob.run(&["refresh", "test"]).expect(0);
    gate.open();

    assert_eq!(running.finish().expect(0).json()["method"], "GET");
    assert_eq!(refreshes(&server), 1);
}
