//! Listening sockets that belong to nobody else.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

use super::{Error, Host};

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// Ports tried until one is free in both address families. A collision needs somebody who listens on ::1 alone, so that a
/// second one is rare already.
const PORT_ATTEMPTS: usize = 16;

/// Connections the system keeps until they are accepted.
const BACKLOG: u32 = 128;

/// Sockets on one port, and the host that a redirect URI names them by.
#[derive(Debug)]
pub(super) struct Bound {
    pub listeners: Vec<TcpListener>,
    pub host: &'static str,
    pub port: u16,
}

/// Binds as `host` asks, through `listen`, which tests replace.
pub(super) fn bind(
    host: Host,
    port: Option<u16>,
    listen: &dyn Fn(SocketAddr) -> io::Result<TcpListener>,
) -> Result<Bound, Error> {
    match host {
        Host::Ipv4Literal => either(port, "127.0.0.1", "[::1]", listen),
        Host::Ipv6Literal => one(V6, port, listen).map_err(Failure::last).and_then(|socket| bound(socket, "[::1]")),
        Host::Localhost => both(port, listen),
    }
}

/// 127.0.0.1, or ::1 where there is none.
fn either(
    port: Option<u16>,
    v4: &'static str,
    v6: &'static str,
    listen: &dyn Fn(SocketAddr) -> io::Result<TcpListener>,
) -> Result<Bound, Error> {
    match one(V4, port, listen) {
        Ok(listener) => bound(listener, v4),
        Err(Failure::Final(error)) => Err(error),
        Err(Failure::NoSuchAddress(_)) => {
            one(V6, port, listen).map_err(Failure::last).and_then(|listener| bound(listener, v6))
        }
    }
}

/// 127.0.0.1 and ::1 on the same port. Where only one family works, that one; but never one whose counterpart is held by
/// somebody else, because the browser might bring the code to him.
fn both(port: Option<u16>, listen: &dyn Fn(SocketAddr) -> io::Result<TcpListener>) -> Result<Bound, Error> {
    let mut attempt = 1;
    loop {
        let mut bound = either(port, "localhost", "localhost", listen)?;
        if !bound.listeners.iter().any(|listener| listener.local_addr().is_ok_and(|address| address.is_ipv4())) {
            return Ok(bound);
        }
        match one(V6, Some(bound.port), listen) {
            Ok(listener) => {
                bound.listeners.push(listener);
                return Ok(bound);
            }
            Err(Failure::NoSuchAddress(_)) => return Ok(bound),
            Err(Failure::Final(Error::PortBusy { .. })) if port.is_none() && attempt < PORT_ATTEMPTS => attempt += 1,
            Err(Failure::Final(error)) => return Err(error),
        }
    }
}

/// Why an address cannot be listened on.
enum Failure {
    /// This address family has no loopback here.
    NoSuchAddress(io::Error),
    /// Nothing else will help.
    Final(Error),
}

impl Failure {
    fn last(self) -> Error {
        match self {
            Failure::NoSuchAddress(source) => Error::NoLoopback { source },
            Failure::Final(error) => error,
        }
    }
}

fn one(
    ip: IpAddr,
    port: Option<u16>,
    listen: &dyn Fn(SocketAddr) -> io::Result<TcpListener>,
) -> Result<TcpListener, Failure> {
    let address = SocketAddr::new(ip, port.unwrap_or(0));
    listen(address).map_err(|source| match source.kind() {
        ErrorKind::AddrInUse => Failure::Final(Error::PortBusy { port: address.port() }),
        // What Windows says of a port that another program holds for itself alone.
        ErrorKind::PermissionDenied if cfg!(windows) => Failure::Final(Error::PortBusy { port: address.port() }),
        ErrorKind::PermissionDenied => Failure::Final(Error::Bind { address, source }),
        _ => Failure::NoSuchAddress(source),
    })
}

fn bound(listener: TcpListener, host: &'static str) -> Result<Bound, Error> {
    let address = listener.local_addr().map_err(|source| Error::NoLoopback { source })?;
    Ok(Bound { listeners: vec![listener], host, port: address.port() })
}

/// Listens on `address`, which no other program can share.
///
/// # Security
/// `SO_REUSEPORT` is never set. `SO_REUSEADDR` is, on Unix only, where it does not let two sockets listen on one address: it
/// allows a fixed port to be used again while connections of the previous login are in `TIME_WAIT`. On Windows the same
/// option would let another program take over the port, and `SO_EXCLUSIVEADDRUSE` forbids that.
pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    #[cfg(windows)]
    claim(&socket)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(windows)]
fn claim(socket: &TcpSocket) -> io::Result<()> {
    use std::os::windows::io::AsRawSocket;

    use windows_sys::Win32::Networking::WinSock::{SO_EXCLUSIVEADDRUSE, SOL_SOCKET, setsockopt};

    let on: i32 = 1;
    // SAFETY: the socket is open, and the pointer is to four readable bytes for the length of the call.
    let outcome = unsafe {
        setsockopt(
            socket.as_raw_socket() as _,
            SOL_SOCKET,
            SO_EXCLUSIVEADDRUSE,
            std::ptr::from_ref(&on).cast(),
            size_of::<i32>() as i32,
        )
    };
    if outcome == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
