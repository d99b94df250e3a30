//! The two streams, written to without a copy that stays behind, and with every failure told.
//!
//! The standard library hides three things a token's reader must know: it opens `/dev/null` in place of a stream that was
//! closed when the program started, it takes a closed stream for a full success, and it keeps what could not be written
//! in a buffer that is never wiped.

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

/// A stream to write to, shared by whatever threads speak.
pub(super) type Stream = Box<dyn Write + Send>;

/// Standard output as it was when the program started.
pub(super) fn output() -> Stream {
    if closed::output() { Box::new(Closed) } else { unbuffered(&io::stdout(), || Box::new(io::stdout())) }
}

/// Standard error.
pub(super) fn error() -> Stream {
    if closed::error() { Box::new(Closed) } else { unbuffered(&io::stderr(), || Box::new(io::stderr())) }
}

/// How long to wait for the reader of a stream that somebody else made non-blocking.
const READER_PAUSE: Duration = Duration::from_millis(2);

/// Writes all of `bytes` and flushes; waits where the stream would rather not.
pub(super) fn write_all(stream: &mut dyn Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(READER_PAUSE),
            Err(error) => return Err(error),
        }
    }
    stream.flush()
}

/// A stream that was closed before the program started.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::Error::new(io::ErrorKind::BrokenPipe, "the stream is closed"))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(unix)]
fn unbuffered(stream: &impl std::os::fd::AsFd, buffered: impl FnOnce() -> Stream) -> Stream {
    match stream.as_fd().try_clone_to_owned() {
        Ok(descriptor) => Box::new(std::fs::File::from(descriptor)),
        // No descriptor is left; better through the buffer than not at all.
        Err(_) => buffered(),
    }
}

/// A console takes UTF-16, which the standard library's stream sees to.
#[cfg(not(unix))]
fn unbuffered<S>(_: &S, buffered: impl FnOnce() -> Stream) -> Stream {
    buffered()
}

/// Looks at the streams before Rust's start-up code replaces closed ones by `/dev/null`; afterwards it is too late, since
/// other programs hand us `/dev/null` opened in just the same way.
#[cfg(any(
    target_os = "linux",
    target_os = "macos",
    target_os = "freebsd",
    target_os = "dragonfly",
    target_os = "netbsd",
    target_os = "openbsd"
))]
mod closed {
    use std::sync::atomic::{AtomicBool, Ordering};

    static OUTPUT: AtomicBool = AtomicBool::new(false);
    static ERROR: AtomicBool = AtomicBool::new(false);

    pub(super) fn output() -> bool {
        OUTPUT.load(Ordering::Relaxed)
    }

    pub(super) fn error() -> bool {
        ERROR.load(Ordering::Relaxed)
    }

    // SAFETY: the section is the system's list of functions to call before `main`, each a plain C function; this one
    // calls fcntl and stores two flags, and needs nothing of the runtime that is not set up yet.
    #[used]
    #[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func,mod_init_funcs"))]
    #[cfg_attr(not(target_os = "macos"), unsafe(link_section = ".init_array"))]
    static LOOK: extern "C" fn() = look;

    extern "C" fn look() {
        // SAFETY: plain system call on a number.
        let is_closed = |descriptor| unsafe { libc::fcntl(descriptor, libc::F_GETFD) } == -1;
        OUTPUT.store(is_closed(libc::STDOUT_FILENO), Ordering::Relaxed);
        ERROR.store(is_closed(libc::STDERR_FILENO), Ordering::Relaxed);
    }
}

/// Nothing is put in place of a missing stream here, but the standard library takes writing to it for a success.
#[cfg(windows)]
mod closed {
    use std::io;
    use std::os::windows::io::AsRawHandle;

    pub(super) fn output() -> bool {
        io::stdout().as_raw_handle().is_null()
    }

    pub(super) fn error() -> bool {
        io::stderr().as_raw_handle().is_null()
    }
}

#[cfg(not(any(
    windows,
    target_os = "linux",
    target_os = "macos",
    target_os = "freebsd",
    target_os = "dragonfly",
    target_os = "netbsd",
    target_os = "openbsd"
)))]
mod closed {
    pub(super) fn output() -> bool {
        false
    }

    pub(super) fn error() -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::io::{self, Write};

    use super::{Closed, write_all};

    /// Answers each write as told, then takes everything.
    struct Scripted(VecDeque<io::Result<usize>>, Vec<u8>);

    impl Write for Scripted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = self.0.pop_front().unwrap_or(Ok(bytes.len()))?;
            self.1.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_stream_that_hesitates_still_gets_every_byte_once() {
        let hesitation = [Err(io::ErrorKind::Interrupted.into()), Ok(2), Err(io::ErrorKind::WouldBlock.into()), Ok(1)];
        let mut stream = Scripted(hesitation.into(), Vec::new());

        write_all(&mut stream, b"abcdef").unwrap();

        assert_eq!(stream.1, b"abcdef");
    }

    #[test]
    fn a_stream_that_takes_nothing_is_an_error() {
        let mut stream = Scripted([Ok(0)].into(), Vec::new());

        assert_eq!(write_all(&mut stream, b"a").unwrap_err().kind(), io::ErrorKind::WriteZero);
    }

    #[test]
    fn a_stream_that_was_closed_is_an_error() {
        assert_eq!(write_all(&mut Closed, b"a").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_device_is_an_error() {
        let mut full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();

        assert_eq!(write_all(&mut full, b"a").unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
