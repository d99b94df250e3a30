//! Ctrl-C and termination, at any moment.
//!
//! A blocking keyring call, a lock or a passphrase prompt must not delay the end, so a thread of its own waits for the
//! signal and ends the process: the terminal's modes are put back, the exit code is the one of the manual. Everything
//! that is kept is written atomically, so that an end between two instructions harms nothing. The thread is started only
//! when something begins that may take time; before, the system's own handling does.

#[cfg(unix)]
mod unix {
    use std::os::fd::{AsRawFd, OwnedFd, RawFd};
    use std::sync::Once;
    use std::sync::atomic::{AtomicI32, Ordering};

    use crate::cli::exit_code::ExitCode;
    use crate::cli::report::Failure;
    use crate::cli::terminal::Terminal;

    /// Where the handler writes the signal's number; -1 before there is a pipe.
    static PIPE: AtomicI32 = AtomicI32::new(-1);

    extern "C" fn note(signal: libc::c_int) {
        let number = u8::try_from(signal).unwrap_or(0);
        // SAFETY: write is async-signal-safe, and the descriptor is never closed.
        unsafe { libc::write(PIPE.load(Ordering::Relaxed), (&raw const number).cast(), 1) };
    }

    /// Watches for signals from now on.
    pub fn watch(terminal: &Terminal) {
        static ONCE: Once = Once::new();
        let terminal = terminal.clone();
        ONCE.call_once(move || {
            let Ok((reader, writer)) = std::io::pipe() else { return };
            let writer: OwnedFd = writer.into();
            PIPE.store(writer.as_raw_fd(), Ordering::Relaxed);
            // The handler uses it until the process ends.
            std::mem::forget(writer);
            let reader: OwnedFd = reader.into();
            std::thread::spawn(move || wait(&reader, &terminal));
            for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
                install(signal);
            }
        });
    }

    /// Installs the handler, unless the signal was ignored when the process started (`nohup`).
    fn install(signal: libc::c_int) {
        // SAFETY: a zeroed sigaction is valid, the pointers live for the calls, and the handler is async-signal-safe.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            if libc::sigaction(signal, std::ptr::null(), &raw mut action) == 0 && action.sa_sigaction == libc::SIG_IGN {
                return;
            }
            let mut action: libc::sigaction = std::mem::zeroed();
            let handler: extern "C" fn(libc::c_int) = note;
            action.sa_sigaction = handler as libc::sighandler_t;
            action.sa_flags = libc::SA_RESTART;
            libc::sigaction(signal, &raw const action, std::ptr::null_mut());
        }
    }

    fn wait(reader: &OwnedFd, terminal: &Terminal) {
        let Some(signal) = byte(reader.as_raw_fd()) else { return };
        terminal.restore();
        let code = match i32::from(signal) {
            libc::SIGTERM => ExitCode::Terminated,
            libc::SIGHUP => end(129),
            _ => ExitCode::Interrupted,
        };
        Failure::new(code, if code == ExitCode::Terminated { "terminated" } else { "interrupted" }).report(terminal);
        end(i32::from(code.number()))
    }

    fn byte(descriptor: RawFd) -> Option<u8> {
        let mut byte = 0u8;
        loop {
            // SAFETY: the buffer is one byte long and lives for the call.
            match unsafe { libc::read(descriptor, (&raw mut byte).cast(), 1) } {
                1 => return Some(byte),
                -1 if std::io::Error::last_os_error().kind() == std::io::ErrorKind::Interrupted => {}
                _ => return None,
            }
        }
    }

    /// Ends at once: other threads may hold locks that exit handlers would wait for.
    fn end(code: i32) -> ! {
        // SAFETY: _exit has no preconditions.
        unsafe { libc::_exit(code) }
    }
}

#[cfg(unix)]
pub use unix::watch;

/// Windows ends the process itself at Ctrl-C; what is kept is written atomically there too.
#[cfg(not(unix))]
pub fn watch(_: &super::terminal::Terminal) {}
