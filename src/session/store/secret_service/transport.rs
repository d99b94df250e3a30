//! The socket to the bus, every use of it under the deadline of the operation at hand.
//!
//! A blocking socket whose time limits are set anew from what remains before each step, so that neither a peer that says
//! nothing nor one that sends a byte now and then keeps an operation past its deadline. What the bytes mean is left to
//! the connection.

use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::{ffi::OsStrExt, net::UnixStream};
use std::time::{Duration, Instant};
use std::{mem, ptr};

use zeroize::Zeroizing;

use super::address::Address;
use super::error::{Error, Result};

/// Bytes read ahead: all replies that precede a secret fit, and wiping it takes no time that could be measured.
const READ_AHEAD: usize = 2048;

/// Longest line of the authentication exchange; a server's has some forty characters.
const LINE_LIMIT: usize = 512;

/// A connected socket.
pub(super) struct Transport {
    stream: UnixStream,
    /// When the operation at hand has to be over.
    pub deadline: Instant,
    buffer: Zeroizing<[u8; READ_AHEAD]>,
    start: usize,
    end: usize,
}

impl Transport {
    /// Connects to the first of `addresses` that answers.
    ///
    /// # Errors
    /// [`Error::NoBus`] when nobody listens at any of them, [`Error::TimedOut`] when a listener's queue stays full.
    pub(super) fn connect(addresses: &[Address], deadline: Instant) -> Result<Self> {
        for address in addresses {
            match connect(address, deadline) {
                Ok(stream) => return Ok(Self::new(stream, deadline)),
                Err(Error::Io(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(Error::NoBus)
    }

    /// Uses a socket that is connected already.
    pub(super) fn new(stream: UnixStream, deadline: Instant) -> Self {
        Self { stream, deadline, buffer: Zeroizing::new([0; READ_AHEAD]), start: 0, end: 0 }
    }

    /// Sends the zero byte that opens every connection, if on this system it has to bring our credentials along; answers
    /// whether it was sent.
    pub(super) fn send_credentials(&mut self) -> Result<bool> {
        #[cfg(any(target_os = "freebsd", target_os = "dragonfly"))]
        super::credentials::send(&self.stream)?;
        Ok(cfg!(any(target_os = "freebsd", target_os = "dragonfly")))
    }

    /// Sends all of `bytes`.
    pub(super) fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            self.stream.set_write_timeout(Some(remaining(self.deadline)?))?;
            match self.stream.write(bytes) {
                Ok(0) => return Err(Error::Io(io::ErrorKind::WriteZero.into())),
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The next line, without its end.
    pub(super) fn line(&mut self) -> Result<&[u8]> {
        loop {
            let unread = &self.buffer[self.start..self.end];
            if let Some(length) = unread.windows(2).position(|pair| pair == b"\r\n") {
                let start = self.start;
                self.start += length + 2;
                return Ok(&self.buffer[start..start + length]);
            }
            if unread.len() > LINE_LIMIT {
                return Err(Error::Protocol("the bus sends no end of line"));
            }
            self.fill()?;
        }
    }

    /// The next bytes, which remain to be read.
    pub(super) fn peek<const SIZE: usize>(&mut self) -> Result<[u8; SIZE]> {
        while self.end - self.start < SIZE {
            self.fill()?;
        }
        let mut bytes = [0; SIZE];
        bytes.copy_from_slice(&self.buffer[self.start..self.start + SIZE]);
        Ok(bytes)
    }

    /// Fills all of `bytes`. What was not read ahead goes there directly, so that no other copy of a secret exists.
    pub(super) fn read(&mut self, bytes: &mut [u8]) -> Result<()> {
        let ahead = bytes.len().min(self.end - self.start);
        let (known, mut rest) = bytes.split_at_mut(ahead);
        known.copy_from_slice(&self.buffer[self.start..self.start + ahead]);
        self.start += ahead;
        while !rest.is_empty() {
            let count = receive(&mut self.stream, self.deadline, rest)?;
            rest = &mut rest[count..];
        }
        Ok(())
    }

    /// Whether the peer has hung up. Does not wait.
    pub(super) fn is_closed(&mut self) -> bool {
        self.compact();
        let result = self
            .stream
            .set_nonblocking(true)
            .and_then(|()| self.stream.read(&mut self.buffer[self.end..]))
            .and_then(|count| self.stream.set_nonblocking(false).map(|()| count));
        match result {
            Ok(0) => self.end < READ_AHEAD,
            Ok(count) => {
                self.end += count;
                false
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                self.stream.set_nonblocking(false).is_err()
            }
            Err(_) => true,
        }
    }

    /// Reads ahead.
    fn fill(&mut self) -> Result<()> {
        self.compact();
        self.end += receive(&mut self.stream, self.deadline, &mut self.buffer[self.end..])?;
        Ok(())
    }

    fn compact(&mut self) {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
    }
}

/// Waits for some bytes; never for an empty buffer.
fn receive(stream: &mut UnixStream, deadline: Instant, buffer: &mut [u8]) -> Result<usize> {
    loop {
        stream.set_read_timeout(Some(remaining(deadline)?))?;
        match stream.read(buffer) {
            Ok(0) => return Err(Error::Io(io::ErrorKind::UnexpectedEof.into())),
            Ok(count) => return Ok(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// What is left until `deadline`; the system takes a limit of zero for none, so that is an error.
fn remaining(deadline: Instant) -> Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(Error::TimedOut) } else { Ok(left) }
}

/// Opens a socket and connects it.
///
/// The standard library connects with its own fresh socket, on which no time limit can be set before: where a listener's
/// queue is full, Linux then waits for room as long as it takes. (Other systems refuse at once.)
fn connect(address: &Address, deadline: Instant) -> Result<UnixStream> {
    let (name, length) = socket_name(address)?;
    // SAFETY: the call takes three numbers and touches no memory of ours.
    let socket = unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0) };
    if socket < 0 {
        return Err(Error::Io(io::Error::last_os_error()));
    }
    // SAFETY: the descriptor was opened by the line above and has no other owner.
    let stream = UnixStream::from(unsafe { OwnedFd::from_raw_fd(socket) });
    loop {
        stream.set_write_timeout(Some(remaining(deadline)?))?;
        // SAFETY: `name` lives through the call and is at least `length` bytes long.
        let result = unsafe { libc::connect(stream.as_raw_fd(), ptr::from_ref(&name).cast(), length) };
        if result == 0 {
            return Ok(stream);
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EINTR) => {}
            Some(libc::EISCONN) => return Ok(stream),
            _ => return Err(error.into()),
        }
    }
}

/// The system's form of `address`, and how many bytes of it count.
fn socket_name(address: &Address) -> Result<(libc::sockaddr_un, libc::socklen_t)> {
    // SAFETY: the structure consists of integers, for which zero is a value.
    let mut name: libc::sockaddr_un = unsafe { mem::zeroed() };
    name.sun_family = libc::AF_UNIX as libc::sa_family_t;
    // A path ends with a zero byte; an abstract name starts with one and has no end but its length.
    let (bytes, start, end) = match address {
        Address::Path(path) => (path.as_os_str().as_bytes(), 0, 1),
        Address::Abstract(name) => (name.as_slice(), 1, 0),
    };
    if start + bytes.len() + end > name.sun_path.len() {
        return Err(Error::Io(io::ErrorKind::InvalidInput.into()));
    }
    for (place, byte) in name.sun_path[start..].iter_mut().zip(bytes) {
        *place = *byte as libc::c_char;
    }
    let length = mem::offset_of!(libc::sockaddr_un, sun_path) + start + bytes.len() + end;
    Ok((name, libc::socklen_t::try_from(length).expect("the structure is some hundred bytes long")))
}
