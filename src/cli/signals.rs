//! Ctrl-C and termination, at any moment.
//!
//! At first the handler itself ends the process, with the exit code of the manual: nothing needs putting back. Once
//! something begins that may take time, a thread of its own waits for the signal, so that a blocking keyring call, a lock
//! or a prompt does not delay the end and the terminal's modes are put back. Everything that is kept is written
//! atomically, so that an end between two instructions harms nothing.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// A directory or file that goes with the process.
static DIRECTORY: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Has a directory or file removed when a signal ends the process.
pub fn remove_at_end(path: PathBuf) {
    *DIRECTORY.lock().unwrap_or_else(PoisonError::into_inner) = Some(path);
}

fn remove_directory() {
    if let Some(path) = DIRECTORY.lock().unwrap_or_else(PoisonError::into_inner).take() {
        let _ = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    }
}

#[cfg(unix)]
mod unix {
    use std::os::fd::{AsRawFd, OwnedFd, RawFd};
    use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
    use std::sync::{Mutex, Once, PoisonError};

    use tokio::sync::oneshot;

    use crate::cli::exit_code::ExitCode;
    use crate::cli::report::Failure;
    use crate::cli::terminal::Terminal;

    /// Where the handler writes the signal's number; -1 before there is a thread that reads it.
    static PIPE: AtomicI32 = AtomicI32::new(-1);

    /// Whether the first handler tells in JSON.
    static JSON: AtomicBool = AtomicBool::new(false);

    /// Who wants to be told instead of the process being ended.
    static TAKER: Mutex<Option<oneshot::Sender<()>>> = Mutex::new(None);

    const SIGNALS: [libc::c_int; 3] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP];

    extern "C" fn note(signal: libc::c_int) {
        let pipe = PIPE.load(Ordering::Relaxed);
        if pipe < 0 {
            end_at_once(signal);
        }
        let number = u8::try_from(signal).unwrap_or(0);
        // SAFETY: write is async-signal-safe, and the descriptor is never closed.
        unsafe { libc::write(pipe, (&raw const number).cast(), 1) };
    }

    /// What a handler may do by itself: say one fixed line and end.
    fn end_at_once(signal: libc::c_int) -> ! {
        let code = match signal {
            libc::SIGTERM => 143,
            libc::SIGHUP => end(129),
            _ => 130,
        };
        let text: &[u8] = match (JSON.load(Ordering::Relaxed), code) {
            (false, 143) => b"error: terminated\n",
            (false, _) => b"error: interrupted\n",
            (true, 143) => {
                b"{\"schema\":\"keyfob.error/1\",\"error\":\"interrupted\",\"exit_code\":143,\"message\":\"terminated\",\"retryable\":false}\n"
            }
            (true, _) => {
                b"{\"schema\":\"keyfob.error/1\",\"error\":\"interrupted\",\"exit_code\":130,\"message\":\"interrupted\",\"retryable\":false}\n"
            }
        };
        // SAFETY: write is async-signal-safe, and the bytes live for ever.
        unsafe { libc::write(2, text.as_ptr().cast(), text.len()) };
        end(code)
    }

    /// From now on a signal ends the process with the exit code of the manual.
    pub fn prepare(json: bool) {
        JSON.store(json, Ordering::Relaxed);
        SIGNALS.into_iter().for_each(install);
    }

    /// Watches for signals from a thread of its own from now on.
    pub fn watch(terminal: &Terminal) {
        static ONCE: Once = Once::new();
        let terminal = terminal.clone();
        ONCE.call_once(move || {
            let Ok((reader, writer)) = std::io::pipe() else { return };
            let (reader, writer): (OwnedFd, OwnedFd) = (reader.into(), writer.into());
            let descriptor = writer.as_raw_fd();
            let watcher = std::thread::Builder::new().name("signals".into());
            // Without a thread the first handler stays in charge.
            if watcher.spawn(move || wait(&reader, &terminal)).is_ok() {
                // The handler uses it until the process ends.
                std::mem::forget(writer);
                PIPE.store(descriptor, Ordering::Relaxed);
            }
        });
    }

    /// The next signal ends this instead of the process; the one after that ends the process.
    pub fn take_next() -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        *TAKER.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        receiver
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
        while let Some(signal) = byte(reader.as_raw_fd()) {
            let taker = TAKER.lock().unwrap_or_else(PoisonError::into_inner).take();
            if taker.is_some_and(|taker| taker.send(()).is_ok()) {
                continue;
            }
            terminal.restore();
            super::remove_directory();
            let code = match i32::from(signal) {
                libc::SIGTERM => ExitCode::Terminated,
                libc::SIGHUP => end(129),
                _ => ExitCode::Interrupted,
            };
            Failure::new(code, if code == ExitCode::Terminated { "terminated" } else { "interrupted" })
                .report(terminal);
            end(i32::from(code.number()))
        }
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
pub use unix::{prepare, take_next, watch};

/// The system's own handling serves until something begins that may take time.
#[cfg(not(unix))]
pub fn prepare(_: bool) {}

#[cfg(windows)]
mod windows {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, Ordering};

    use windows_sys::Win32::System::Console::{CTRL_BREAK_EVENT, CTRL_C_EVENT, SetConsoleCtrlHandler};
    use windows_sys::Win32::System::Threading::{GetCurrentProcess, TerminateProcess};

    use crate::cli::exit_code::ExitCode;
    use crate::cli::report::Failure;
    use crate::cli::terminal::Terminal;

    static TERMINAL: OnceLock<Terminal> = OnceLock::new();

    /// Whether a program decides what Ctrl-C means.
    static LEFT: AtomicBool = AtomicBool::new(false);

    /// Leaves Ctrl-C and Ctrl-Break, which the console sends to all its programs, to one that is about to be started.
    pub fn leave_to_program(terminal: &Terminal) {
        watch(terminal);
        LEFT.store(true, Ordering::Relaxed);
    }

    /// Watches for the console's events from now on.
    pub fn watch(terminal: &Terminal) {
        if TERMINAL.set(terminal.clone()).is_ok() {
            // SAFETY: the handler is a function that lives as long as the process.
            unsafe { SetConsoleCtrlHandler(Some(end), 1) };
        }
    }

    /// Called on a thread that the system starts for it. What is not Ctrl-C or Ctrl-Break is the end of the console, of
    /// the user's session or of the system.
    unsafe extern "system" fn end(event: u32) -> i32 {
        let (code, words) = match event {
            CTRL_C_EVENT | CTRL_BREAK_EVENT if LEFT.load(Ordering::Relaxed) => return 1,
            CTRL_C_EVENT | CTRL_BREAK_EVENT => (ExitCode::Interrupted, "interrupted"),
            _ => (ExitCode::Terminated, "terminated"),
        };
        if let Some(terminal) = TERMINAL.get() {
            terminal.restore();
            super::remove_directory();
            Failure::new(code, words).report(terminal);
        }
        // At once: other threads may hold locks that exit handlers would wait for.
        // SAFETY: the handle of the process itself is always valid.
        unsafe { TerminateProcess(GetCurrentProcess(), code.number().into()) };
        1
    }
}

#[cfg(windows)]
pub use windows::{leave_to_program, watch};

/// The system's own handling ends the process; what is kept is written atomically.
#[cfg(not(any(unix, windows)))]
pub fn watch(_: &super::terminal::Terminal) {}

/// The system's own handling serves.
#[cfg(not(any(unix, windows)))]
pub fn leave_to_program(_: &super::terminal::Terminal) {}
