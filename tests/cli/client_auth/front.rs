//! TLS before the strict server: which certificate came with which request.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, ServerConfig, ServerConnection, SignatureScheme, StreamOwned,
};

use crate::support::{Server, base64url, sha256};

/// The authority of the fronts; it signed `server.crt` and nothing else.
pub const AUTHORITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/client_auth/ca.crt");

/// `x5t#S256` of the certificate in `src/system/http/tls`, computed by OpenSSL.
pub const THUMBPRINT: &str = "ocGeRaJJG8ZY87yNM2vWecmCC0Py1l7Qs0m5KQ8ug6c";

/// A request's path, and the thumbprint of the certificate that its connection showed.
pub type Shown = (String, Option<String>);

/// A port that asks for a certificate, takes any or none, and passes the request on.
pub struct Front {
    port: u16,
    shown: Arc<Mutex<Vec<Shown>>>,
    closing: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl Front {
    pub fn of(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (shown, closing) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let acceptor = thread::spawn({
            let (shown, closing, behind, config) =
                (Arc::clone(&shown), Arc::clone(&closing), server.address(), config());
            move || {
                for stream in listener.incoming().flatten() {
                    if closing.load(Ordering::SeqCst) {
                        break;
                    }
                    let (shown, config) = (Arc::clone(&shown), Arc::clone(&config));
                    // One that does not trust us leaves within the handshake.
                    thread::spawn(move || pass_on(stream, config, behind, &shown));
                }
            }
        });
        Self { port, shown, closing, acceptor: Some(acceptor) }
    }

    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// Every request so far.
    pub fn shown(&self) -> Vec<Shown> {
        self.shown.lock().expect("no holder panics").clone()
    }

    pub fn forget(&self) {
        self.shown.lock().expect("no holder panics").clear();
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn config() -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = vec![CertificateDer::from_pem_slice(include_bytes!("server.crt")).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("server.key")).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_client_cert_verifier(Arc::new(Anybody(provider)))
        .with_single_cert(chain, key);
    Arc::new(config.expect("a certificate with its key"))
}

fn pass_on(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    behind: std::net::SocketAddr,
    shown: &Mutex<Vec<Shown>>,
) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    let mut stream = StreamOwned::new(ServerConnection::new(config).ok()?, stream);
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    while !is_whole(&request) {
        match stream.read(&mut piece).ok()? {
            0 => return None,
            length => request.extend_from_slice(&piece[..length]),
        }
    }
    let certificate = stream.conn.peer_certificates().and_then(|chain| chain.first());
    let thumbprint = certificate.map(|certificate| base64url(&sha256(certificate)));
    let path = String::from_utf8_lossy(&request).split(' ').nth(1)?.split('?').next()?.to_owned();
    shown.lock().expect("no holder panics").push((path, thumbprint));
    let mut server = TcpStream::connect(behind).ok()?;
    server.write_all(&request).ok()?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).ok()?;
    stream.write_all(&answer).ok()?;
    stream.conn.send_close_notify();
    stream.flush().ok()
}

/// Whether the head is there, and as much of a body as it says.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).into_owned();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    body.len() >= length.unwrap_or(0)
}

/// Takes every certificate, as a server does that compares it with what is registered, and its absence.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ClientCertVerifier for Anybody {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
