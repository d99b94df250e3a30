//! The domain name system, as far as TXT records: a stub that asks the machine's own name servers.
//!
//! Names are absolute. There is no search list, no cache and no hosts file, and name servers for single domains are not known.
//! An answer is as trustworthy as the way to the name server, DNSSEC or not: whoever acts on a record checks what it claims at
//! the place that it names.
//!
//! # Specification
//! RFC 1035 (messages, §4.2 for UDP and TCP), RFC 6891 (EDNS0), RFC 5452 §9 (which answers count), RFC 7766 (TCP).

mod message;
mod servers;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use self::message::{Answer, Query};
use super::{Error, random};

/// How many name servers are asked at most: `MAXNS` of resolv.conf(5).
const SERVERS: usize = 3;

/// The longest wait for one server. resolv.conf(5) has 5 s, which somebody who logs in should not spend on each of three.
const TIMEOUT: Duration = Duration::from_secs(3);

/// How often a silent server is asked, as in resolv.conf(5).
const ATTEMPTS: u32 = 2;

/// Bytes of the longest message: what the two bytes of length before one on TCP can say (RFC 1035 §4.2.2).
const MESSAGE: usize = u16::MAX as usize;

/// Name servers and how they are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolver {
    servers: Vec<SocketAddr>,
    /// For each server and attempt, TCP included.
    timeout: Duration,
    attempts: u32,
    /// Whether UDP is left out (`use-vc` of resolv.conf(5)).
    tcp_only: bool,
}

/// Why a server told nothing.
#[derive(Debug)]
enum Failure {
    /// The server does not know EDNS0, and may know the rest.
    NoExtensions,
    /// What it did instead, after its address.
    Reason(String),
}

impl Resolver {
    /// The name servers that this machine asks, in its order, at most three.
    ///
    /// On Unix they are those of `/etc/resolv.conf` with its `timeout` and `attempts`, up to 3 s and 2; where it names none or is
    /// missing, 127.0.0.1 (resolv.conf(5)). On Windows, those of the network adapters that are up; there may be none.
    ///
    /// # Errors
    /// [`Error::Read`] when `/etc/resolv.conf` is there and unreadable; [`Error::NameServers`] when Windows does not tell.
    pub fn of_system() -> Result<Self, Error> {
        servers::of_system()
    }

    /// These name servers, each asked up to twice for 3 s.
    pub fn of(servers: Vec<SocketAddr>) -> Self {
        Self { servers, timeout: TIMEOUT, attempts: ATTEMPTS, tcp_only: false }
    }

    /// The texts of the TXT records of `name`, in the server's order: of each record its character strings joined.
    ///
    /// Empty when there are none or the name does not exist. Aliases (CNAME) are followed as far as the answer has them. A record
    /// that is not UTF-8 is left out.
    ///
    /// # Errors
    /// [`Error::DomainName`] for what is no name; [`Error::Resolution`] when no server can tell, with what each did.
    ///
    /// # Specification
    /// RFC 1035 §3.3.14; RFC 7208 §3.3 (joining); RFC 2308 §2 (what says that there are none).
    pub async fn texts(&self, name: &str) -> Result<Vec<String>, Error> {
        let asked = message::name(name)?;
        let mut failures = Vec::new();
        let mut left = self.servers.clone();
        for _ in 0..self.attempts {
            let mut silent = Vec::new();
            for server in left {
                // Another number each time, so that who guesses wrong for one question has learnt nothing for the next.
                let query = Query { id: u16::from_be_bytes(random::bytes()?), name: &asked };
                match tokio::time::timeout(self.timeout, self.ask(server, &query)).await {
                    Ok(Ok(texts)) => return Ok(texts),
                    Ok(Err(reason)) => failures.push(format!("{server} {reason}")),
                    Err(_) => silent.push(server),
                }
            }
            // Only silence may be a lost datagram. What a server has said it would say again.
            left = silent;
        }
        let waited = self.timeout.as_secs_f32();
        failures.extend(left.iter().map(|server| format!("{server} gives no answer within {waited} s")));
        if self.servers.is_empty() {
            failures.push("no name server is known".to_owned());
        }
        Err(Error::Resolution { name: name.to_owned(), failures })
    }

    /// Asks one server, without EDNS0 where it does not know that (RFC 6891 §6.2.2).
    async fn ask(&self, server: SocketAddr, query: &Query<'_>) -> Result<Vec<String>, String> {
        let mut answer = self.exchange(server, query, true).await;
        if matches!(answer, Err(Failure::NoExtensions)) {
            answer = self.exchange(server, query, false).await;
        }
        answer.map_err(|failure| match failure {
            Failure::NoExtensions => "answers FORMERR".to_owned(),
            Failure::Reason(reason) => reason,
        })
    }

    /// One question, and once more by TCP when the answer is too long for UDP (RFC 7766 §5).
    async fn exchange(&self, server: SocketAddr, query: &Query<'_>, extended: bool) -> Result<Vec<String>, Failure> {
        let question = query.bytes(extended);
        let mut answer = if self.tcp_only { Answer::Truncated } else { by_udp(server, query, &question).await? };
        if matches!(answer, Answer::Truncated) {
            answer = by_tcp(server, query, &question).await?;
        }
        match answer {
            Answer::Texts(texts) => Ok(texts),
            Answer::Truncated => Err(Failure::Reason("cuts its answer off".to_owned())),
            Answer::NoExtensions => Err(Failure::NoExtensions),
            Answer::Useless(reason) => Err(Failure::Reason(reason)),
        }
    }
}

/// Sends a datagram from a port of the system's choice, and waits for the one that answers it. What does not is no reason to
/// stop: whoever cannot read the question can only guess, and must not end the wait by it (RFC 5452 §9.1).
async fn by_udp(server: SocketAddr, query: &Query<'_>, question: &[u8]) -> io::Result<Answer> {
    let any = match server {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(any).await?;
    // From here on the system drops what comes from elsewhere.
    socket.connect(server).await?;
    socket.send(question).await?;
    let mut datagram = vec![0; MESSAGE];
    loop {
        let length = socket.recv(&mut datagram).await?;
        if let Some(answer) = query.answer(&datagram[..length]) {
            return Ok(answer);
        }
    }
}

/// The same on a connection, where each message follows its length in two bytes.
async fn by_tcp(server: SocketAddr, query: &Query<'_>, question: &[u8]) -> io::Result<Answer> {
    let mut connection = TcpStream::connect(server).await?;
    let length = u16::try_from(question.len()).expect("a question is shorter than 300 bytes");
    connection.write_all(&[&length.to_be_bytes(), question].concat()).await?;
    loop {
        let length = connection.read_u16().await?;
        let mut message = vec![0; usize::from(length)];
        connection.read_exact(&mut message).await?;
        if let Some(answer) = query.answer(&message) {
            return Ok(answer);
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Reason(format!("gives no answer: {error}"))
    }
}
