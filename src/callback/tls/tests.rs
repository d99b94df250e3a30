use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::Tls;
use crate::callback::{Error, Host, Loopback, Mode, Options, Outcome};

// Made for these tests with `openssl req -x509`, for localhost and login.example.test; it guards nothing.
const CERTIFICATE: &[u8] = include_bytes!("localhost.crt");
const KEY: &[u8] = include_bytes!("localhost.key");
const OTHER_KEY: &[u8] = include_bytes!("../../protocol/jose/signer/p256.pem");

fn options(name: Option<&str>) -> Options {
    let tls = Some(Tls::new(CERTIFICATE, KEY).unwrap());
    Options {
        host: Host::Ipv4Literal,
        port: None,
        path: "/callback".into(),
        mode: Mode::Query,
        tls,
        name: name.map(str::to_owned),
    }
}

/// What a browser that trusts the certificate gets.
async fn get(port: u16, name: &'static str, host: &str, target: &str) -> String {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(CERTIFICATE).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let mut stream = connector.connect(ServerName::try_from(name).unwrap(), stream).await.unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_redirect_comes_in_over_tls_and_the_page_follows() {
    let mut loopback = Loopback::bind(options(Some("login.example.test"))).await.unwrap();
    let port = loopback.port();
    let host = format!("login.example.test:{port}");
    assert_eq!(loopback.redirect_uri(), format!("https://{host}/callback"));

    let browser = get(port, "login.example.test", &host, "/callback?code=c&state=s");
    let accepted = async {
        let candidate = loopback.next().await;
        let parameters = candidate.parameters.clone();
        candidate.accept();
        parameters
    };
    let (answer, parameters) = tokio::join!(browser, accepted);

    assert!(answer.starts_with("HTTP/1.1 303 "), "{answer}");
    assert_eq!(parameters, [("code".to_owned(), "c".to_owned()), ("state".to_owned(), "s".to_owned())]);
    let finished = loopback.finish(Outcome::Success { heading: "Logged in".into(), detail: None });
    let (page, ()) = tokio::join!(get(port, "login.example.test", &host, "/callback/done"), finished);
    assert!(page.contains("Logged in"), "{page}");
}

#[tokio::test]
async fn another_host_name_is_refused_and_plain_http_gets_no_answer() {
    let loopback = Loopback::bind(options(None)).await.unwrap();
    let port = loopback.port();

    let foreign = get(port, "localhost", "evil.example", "/callback?code=c&state=s").await;
    assert!(foreign.starts_with("HTTP/1.1 421 "), "{foreign}");

    let mut plain = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    plain.write_all(b"GET /callback?code=c HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/"), "{answer:?}");
}

#[test]
fn a_certificate_and_a_key_that_do_not_belong_together_are_refused() {
    for (certificate, key) in [
        (CERTIFICATE, OTHER_KEY),
        (CERTIFICATE, CERTIFICATE),
        (KEY, KEY),
        (b"nonsense".as_slice(), KEY),
        (CERTIFICATE, b"".as_slice()),
    ] {
        assert!(matches!(Tls::new(certificate, key), Err(Error::Certificate { .. })));
    }
}
