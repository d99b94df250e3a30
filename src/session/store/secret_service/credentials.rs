//! Who we are, said by the system: the first byte to the bus on FreeBSD and DragonFly.
//!
//! Elsewhere the bus asks the system about its peer. There the bus reads the credentials that came along with the byte,
//! and the system fills them in, whatever we write.
//!
//! # Specification
//! D-Bus specification, "Authentication Protocol"; unix(4) of FreeBSD, `SCM_CREDS`.

use std::os::{fd::AsRawFd, unix::net::UnixStream};
use std::{io, mem, ptr};

/// Room for the control message: its header and some hundred bytes, aligned as the header has to be.
type Control = [u64; 32];

/// Sends a zero byte with the credentials.
pub(super) fn send(stream: &UnixStream) -> io::Result<()> {
    let mut byte = 0_u8;
    let mut part = libc::iovec { iov_base: ptr::from_mut(&mut byte).cast(), iov_len: 1 };
    let mut control: Control = [0; 32];
    // SAFETY: the structures consist of integers and pointers, for which zero is a value; `CMSG_FIRSTHDR` answers with
    // the start of `control`, which has room for a header and is aligned for it; everything lives through the call.
    let sent = unsafe {
        let size = mem::size_of::<libc::cmsgcred>() as libc::c_uint;
        let mut message: libc::msghdr = mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = libc::CMSG_SPACE(size) as libc::socklen_t;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_len = libc::CMSG_LEN(size) as libc::socklen_t;
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_CREDS;
        libc::sendmsg(stream.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL)
    };
    if sent == 1 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

const _: () = assert!(mem::size_of::<libc::cmsgcred>() + 64 <= mem::size_of::<Control>());
