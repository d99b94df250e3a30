//! The server and the played person over real sockets.

use std::future::Future;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::super::error::PlayError;
use super::super::{DemoServer, Seen, metadata, play};
use super::{ASK, CHALLENGE, NOW, REDEEM, document, encode, request, server, verified, with};

/// Runs on a runtime like the program's: one thread.
fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

/// Sends `bytes` to the server and reads all it says.
async fn exchange(issuer: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(issuer.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn get(issuer: &str, path: &str, fields: &str) -> String {
    let host = issuer.strip_prefix("http://").unwrap();
    exchange(issuer, format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n").as_bytes()).await
}

/// The body of an answer, as JSON.
fn body(answer: &str) -> serde_json::Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// A client's listener that takes one redirect and answers it with a second one to a page, as `callback` does.
async fn callback(listener: TcpListener) -> String {
    let mut target = String::new();
    for answer in ["HTTP/1.1 303 See Other\r\nLocation: /done\r\nContent-Length: 0", "HTTP/1.1 200 OK"] {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0);
        }
        stream.write_all(format!("{answer}\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
        let text = String::from_utf8(bytes).unwrap();
        if target.is_empty() {
            target = text.split(' ').nth(1).unwrap().to_owned();
        } else {
            assert!(text.starts_with("GET /done HTTP/1.1\r\n"), "{text}");
        }
    }
    target
}

#[test]
fn a_whole_login_of_a_client_written_by_hand() {
    run(async {
        let server = DemoServer::start().await.unwrap();
        let issuer = server.issuer().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let redirect_uri = format!("http://{}/callback", listener.local_addr().unwrap());
        let pairs = with(ASK, "redirect_uri", &redirect_uri);
        let address = Url::parse(&format!("{issuer}/authorize?{}", encode(&pairs))).unwrap();

        let (played, target) = tokio::join!(play(&address), callback(listener));

        played.unwrap();
        let query = target.strip_prefix("/callback?").unwrap();
        let answer: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let [(_, code), state, iss] = &answer[..] else { panic!("{answer:?}") };
        assert_eq!(*state, ("state".to_owned(), "af0ifjsldkj".to_owned()));
        assert_eq!(*iss, ("iss".to_owned(), issuer.clone()));
        let form = encode(&with(&with(REDEEM, "redirect_uri", &redirect_uri), "code", code));
        let host = issuer.strip_prefix("http://").unwrap();
        let head = format!(
            "POST /token HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n",
            form.len()
        );
        let answer = exchange(&issuer, format!("{head}{form}").as_bytes()).await;
        assert!(answer.contains("\r\nCache-Control: no-store\r\n"), "{answer}");
        let tokens = body(&answer);
        let (_, claims) = verified(tokens["id_token"].as_str().unwrap(), &body(&get(&issuer, "/jwks", "").await));
        assert_eq!((&claims["iss"], &claims["nonce"]), (&issuer.into(), &"n-0S6_WzA2Mj".into()));
        let bearer = format!("Authorization: Bearer {}\r\n", tokens["access_token"].as_str().unwrap());
        assert_eq!(body(&get(server.issuer(), "/api/hello", &bearer).await)["user"], DemoServer::USER);
        let log: Vec<_> =
            server.log().into_iter().map(|seen| format!("{} {} {}", seen.method, seen.path, seen.status)).collect();
        let expected =
            ["GET /authorize 200", "POST /consent 303", "POST /token 200", "GET /jwks 200", "GET /api/hello 200"];
        assert_eq!(log, expected);
    });
}

#[test]
fn an_authorization_error_is_carried_to_the_client_as_a_browser_would() {
    run(async {
        let server = DemoServer::start().await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let redirect_uri = format!("http://{}/callback", listener.local_addr().unwrap());
        let pairs = with(&with(ASK, "redirect_uri", &redirect_uri), "scope", "admin");
        let address = Url::parse(&format!("{}/authorize?{}", server.issuer(), encode(&pairs))).unwrap();

        let (played, target) = tokio::join!(play(&address), callback(listener));

        played.unwrap();
        assert!(target.starts_with("/callback?error=invalid_scope&"), "{target}");
    });
}

#[test]
fn a_page_that_does_not_ask_is_reported() {
    run(async {
        let server = DemoServer::start().await.unwrap();
        let address = Url::parse(&format!("{}/authorize?client_id=other", server.issuer())).unwrap();

        let played = play(&address).await;

        assert!(matches!(played, Err(PlayError::NotAsked { status: 400, .. })), "{played:?}");
    });
}

#[test]
fn the_person_visits_nothing_that_is_not_a_loopback_address() {
    run(async {
        for address in [
            "https://127.0.0.1:1/authorize",
            "http://localhost:1/authorize",
            "http://192.0.2.1/authorize?secret",
            "http://127.0.0.1.example/",
            "http://[::2]:1/",
            "file:///etc/passwd",
        ] {
            let played = play(&Url::parse(address).unwrap()).await;
            assert!(matches!(played, Err(PlayError::NotLoopback { .. })), "{address}: {played:?}");
        }
    });
}

#[test]
fn the_person_is_not_led_away_by_a_redirect() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Url::parse(&format!("http://{}/authorize", listener.local_addr().unwrap())).unwrap();
        let away = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = Vec::new();
            stream.read_buf(&mut bytes).await.unwrap();
            stream.write_all(b"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/?code=x\r\n\r\n").await.unwrap();
        };

        let (played, ()) = tokio::join!(play(&address), away);

        let error = played.unwrap_err();
        assert_eq!(error.to_string(), "`http://192.0.2.1` is not a loopback address");
    });
}

#[test]
fn what_is_not_a_bounded_request_is_refused() {
    run(async {
        let server = DemoServer::start().await.unwrap();
        let host = server.issuer().strip_prefix("http://").unwrap();
        let large = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(66_000));
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(65));
        let body = |field: &str| format!("POST /token HTTP/1.1\r\nHost: {host}\r\n{field}\r\n\r\n");
        let cases = [
            ("\u{16}\u{3}\u{1}\0".to_owned(), 400),
            ("GET\r\n\r\n".to_owned(), 400),
            (large, 431),
            (many, 431),
            (body("Content-Length: 65537"), 413),
            (body("Content-Length: 99999999999999999999999"), 413),
            (body("Content-Length: -1"), 400),
            (body("Content-Length: 1\r\nContent-Length: 1"), 400),
            (body("Transfer-Encoding: chunked"), 501),
            ("GET /jwks HTTP/1.1\r\n\r\n".to_owned(), 421),
            ("GET /jwks HTTP/1.1\r\nHost: rebound.example\r\n\r\n".to_owned(), 421),
            (format!("GET /jwks HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n\r\n"), 421),
            (format!("GET /favicon.ico HTTP/1.1\r\nHost: {host}\r\n\r\n"), 404),
            (format!("OPTIONS /token HTTP/1.1\r\nHost: {host}\r\n\r\n"), 405),
        ];
        for (bytes, status) in cases {
            let answer = exchange(server.issuer(), bytes.as_bytes()).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {answer}");
        }
    });
}

#[test]
fn every_answer_forbids_storing_sniffing_and_referring() {
    run(async {
        let server = DemoServer::start().await.unwrap();

        for path in ["/jwks", "/authorize", "/nowhere", "/userinfo", "/token"] {
            let answer = get(server.issuer(), path, "").await;
            for field in ["Cache-Control: no-store", "X-Content-Type-Options: nosniff", "Referrer-Policy: no-referrer"]
            {
                assert!(answer.contains(&format!("\r\n{field}\r\n")), "{path}: {answer}");
            }
        }
    });
}

#[test]
fn a_slow_connection_delays_no_other() {
    run(async {
        let server = DemoServer::start().await.unwrap();
        let mut slow = Vec::new();
        for _ in 0..8 {
            let mut stream = TcpStream::connect(server.issuer().strip_prefix("http://").unwrap()).await.unwrap();
            stream.write_all(b"GET /jw").await.unwrap();
            slow.push(stream);
        }

        assert!(get(server.issuer(), "/jwks", "").await.starts_with("HTTP/1.1 200 OK\r\n"));
    });
}

#[test]
fn dropping_the_server_ends_its_connections_and_frees_the_port() {
    run(async {
        let server = DemoServer::start().await.unwrap();
        let address = server.issuer().strip_prefix("http://").unwrap().to_owned();
        let mut open = TcpStream::connect(&address).await.unwrap();
        open.write_all(b"GET /").await.unwrap();
        get(server.issuer(), "/jwks", "").await;

        drop(server);

        let mut rest = Vec::new();
        assert!(!matches!(open.read_to_end(&mut rest).await, Ok(1..)), "{rest:?}");
        assert!(TcpStream::connect(&address).await.is_err());
    });
}

#[test]
fn the_log_holds_no_query() {
    let server = server();

    server.answer(&request("GET", &format!("/authorize?code_challenge={CHALLENGE}"), &[], ""), NOW);

    assert_eq!(server.seen(), [Seen { method: "GET".into(), path: "/authorize".into(), status: 400 }]);
}

#[test]
fn the_metadata_is_the_same_at_both_addresses_and_its_endpoints_exist() {
    let server = server();
    let read = |path| document(&server.answer(&request("GET", path, &[], ""), NOW));

    let metadata = read(metadata::OPENID);

    assert_eq!(metadata, read(metadata::OAUTH));
    assert_eq!(metadata["issuer"], "http://127.0.0.1:8080");
    for name in ["authorization", "token", "userinfo", "revocation"] {
        let path =
            metadata[format!("{name}_endpoint")].as_str().unwrap().strip_prefix("http://127.0.0.1:8080").unwrap();
        assert_ne!(server.answer(&request("GET", path, &[], ""), NOW).status, 404, "{name}");
    }
    assert_eq!(metadata["jwks_uri"], "http://127.0.0.1:8080/jwks");
}
