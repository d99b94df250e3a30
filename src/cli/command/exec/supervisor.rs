//! Beside a running program: signals are passed on to it, and its end is awaited.
//!
//! The program stays in keyfob's process group, so that a pipeline, a shell's job control and the terminal see them as
//! one. What the terminal sends (Ctrl-C, Ctrl-\, Ctrl-Z, a new size) reaches the program by itself, and is not passed on
//! a second time; what somebody sends to keyfob alone is. When the program stops, keyfob stops too, and the shell takes
//! over as it would without keyfob.

#[cfg(unix)]
mod unix {
    use std::io;
    use std::os::fd::{AsRawFd, OwnedFd};
    use std::process::Command;
    use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
    use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
    use std::sync::{Arc, Mutex, PoisonError};
    use std::thread;
    use std::time::Duration;

    use super::GRACE;

    /// As [`GRACE`] after a signal that asks for an end: as little as keyfob takes for its own end.
    const SHORT_GRACE: Duration = Duration::from_millis(300);

    /// What is passed on. Others either cannot be caught, or are about keyfob itself.
    const SIGNALS: [libc::c_int; 9] = [
        libc::SIGINT,
        libc::SIGTERM,
        libc::SIGHUP,
        libc::SIGQUIT,
        libc::SIGUSR1,
        libc::SIGUSR2,
        libc::SIGWINCH,
        libc::SIGTSTP,
        libc::SIGCONT,
    ];

    /// Where the handler writes what came; never closed.
    static PIPE: AtomicI32 = AtomicI32::new(-1);

    /// keyfob's own process. Between fork and exec the program is a copy of it, which has its handlers.
    static KEYFOB: AtomicI32 = AtomicI32::new(0);

    /// Whether there is a program that the terminal reaches: from just before it is made. Were it from just after, what the
    /// terminal sends in between would come to the program twice, and much later, should keyfob itself be stopped by then.
    static RUNNING: AtomicBool = AtomicBool::new(false);

    /// Whether somebody has asked for an end.
    static ENDING: AtomicBool = AtomicBool::new(false);

    /// The program's number while it may be used: a dead one may become another's.
    type Program = Arc<Mutex<Option<libc::pid_t>>>;

    /// Who watches over the program.
    pub struct Supervisor {
        program: Program,
        begin: [Sender<libc::pid_t>; 2],
        ended: Receiver<i32>,
    }

    impl Supervisor {
        /// Catches signals from now on, to pass them on as soon as there is a program. `at_end` is called on another
        /// thread when it has ended.
        ///
        /// # Errors
        /// When there is no thread or descriptor left.
        pub fn prepare(at_end: impl FnOnce() + Send + 'static) -> io::Result<Self> {
            let (reader, writer) = io::pipe()?;
            let (reader, writer): (OwnedFd, OwnedFd) = (reader.into(), writer.into());
            // SAFETY: plain system calls on an open descriptor. A handler must not wait, however many signals come; and a
            // parent that ignores the death of children would have the system forget the exit code.
            unsafe {
                let flags = libc::fcntl(writer.as_raw_fd(), libc::F_GETFL);
                libc::fcntl(writer.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK);
                libc::signal(libc::SIGCHLD, libc::SIG_DFL);
            }
            let program = Program::default();
            let (to_relay, relayed) = mpsc::channel();
            let (to_waiter, awaited) = mpsc::channel();
            let (sender, ended) = mpsc::channel();
            let of_relay = Arc::clone(&program);
            thread::Builder::new().name("signals".into()).spawn(move || {
                if relayed.recv().is_ok() {
                    relay(&reader, &of_relay);
                }
            })?;
            let of_waiter = Arc::clone(&program);
            thread::Builder::new().name("program".into()).spawn(move || {
                let Ok(pid) = awaited.recv() else { return };
                let code = wait(pid, &of_waiter);
                at_end();
                let _ = sender.send(code);
                thread::sleep(if ENDING.load(Ordering::Relaxed) { SHORT_GRACE } else { GRACE });
                // SAFETY: _exit has no preconditions.
                unsafe { libc::_exit(code) }
            })?;
            // SAFETY: getpid has no preconditions.
            KEYFOB.store(unsafe { libc::getpid() }, Ordering::Relaxed);
            PIPE.store(writer.as_raw_fd(), Ordering::Relaxed);
            std::mem::forget(writer);
            SIGNALS.into_iter().for_each(install);
            Ok(Self { program, begin: [to_relay, to_waiter], ended })
        }

        /// Starts the program.
        ///
        /// # Errors
        /// Why it cannot be run.
        pub fn start(&self, command: &mut Command) -> io::Result<()> {
            RUNNING.store(true, Ordering::Relaxed);
            let child = command.spawn()?;
            let pid = libc::pid_t::try_from(child.id()).map_err(io::Error::other)?;
            *self.program.lock().unwrap_or_else(PoisonError::into_inner) = Some(pid);
            for begin in &self.begin {
                let _ = begin.send(pid);
            }
            Ok(())
        }

        /// The program's exit code, if it ends within `limit`; 128 and the signal's number if a signal ended it.
        pub fn ended_within(&self, limit: Duration) -> Option<i32> {
            match self.ended.recv_timeout(limit) {
                Ok(code) => Some(code),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => Some(1),
            }
        }
    }

    /// Notes which signal came, and whether it reached the program too: two bytes, written at once.
    ///
    /// The copy of keyfob that is about to become the program notes what the terminal sent, because it is lost with it: it
    /// is passed on to the program. What processes sent, keyfob has noted itself.
    extern "C" fn note(signal: libc::c_int, information: *mut libc::siginfo_t, _: *mut libc::c_void) {
        let number = u8::try_from(signal).unwrap_or(0);
        if [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT].contains(&signal) {
            ENDING.store(true, Ordering::Relaxed);
        }
        // SAFETY: the system hands a valid structure to a handler that asked for it; write is async-signal-safe, and the
        // descriptor is never closed.
        unsafe {
            let is_of_the_system = is_of_the_system(&*information);
            let is_keyfob = libc::getpid() == KEYFOB.load(Ordering::Relaxed);
            if !is_keyfob && !is_of_the_system {
                return;
            }
            let reached = is_keyfob && is_of_the_system && RUNNING.load(Ordering::Relaxed);
            let bytes = [number, u8::from(reached)];
            libc::write(PIPE.load(Ordering::Relaxed), bytes.as_ptr().cast(), bytes.len());
        }
    }

    /// Whether no process sent it: it comes from the terminal.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn is_of_the_system(information: &libc::siginfo_t) -> bool {
        // `sigaction(2)`: what processes send has a code of zero or less.
        information.si_code > 0
    }

    #[cfg(any(target_os = "macos", target_os = "freebsd", target_os = "dragonfly"))]
    fn is_of_the_system(information: &libc::siginfo_t) -> bool {
        information.si_pid == 0
    }

    /// It cannot be told: better twice than never.
    #[cfg(not(any(
        target_os = "linux",
        target_os = "android",
        target_os = "macos",
        target_os = "freebsd",
        target_os = "dragonfly"
    )))]
    fn is_of_the_system(_: &libc::siginfo_t) -> bool {
        false
    }

    /// Catches a signal, unless it was ignored when keyfob started, as `nohup` has it: then the program ignores it too.
    fn install(signal: libc::c_int) {
        // SAFETY: a zeroed sigaction is valid, the pointers live for the calls, and the handler is async-signal-safe.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            if libc::sigaction(signal, std::ptr::null(), &raw mut action) == 0 && action.sa_sigaction == libc::SIG_IGN {
                return;
            }
            let mut action: libc::sigaction = std::mem::zeroed();
            let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = note;
            action.sa_sigaction = handler as libc::sighandler_t;
            action.sa_flags = libc::SA_RESTART | libc::SA_SIGINFO;
            libc::sigaction(signal, &raw const action, std::ptr::null_mut());
        }
    }

    /// Passes on what the program has not got already.
    fn relay(reader: &OwnedFd, program: &Program) {
        // SAFETY: these calls have no preconditions.
        let leads = unsafe { libc::getsid(0) == libc::getpid() };
        while let Some((signal, reached)) = next(reader) {
            // A terminal that goes away is told to the leader of its session only.
            let for_the_leader = leads && [libc::SIGHUP, libc::SIGCONT].contains(&signal);
            if reached && !for_the_leader {
                continue;
            }
            let program = program.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(pid) = *program {
                // SAFETY: a plain system call; the number is the program's as long as the lock is held.
                unsafe { libc::kill(pid, signal) };
            }
        }
    }

    fn next(reader: &OwnedFd) -> Option<(libc::c_int, bool)> {
        let mut bytes = [0u8; 2];
        loop {
            // SAFETY: the buffer is two bytes long and lives for the call.
            match unsafe { libc::read(reader.as_raw_fd(), bytes.as_mut_ptr().cast(), bytes.len()) } {
                2 => return Some((bytes[0].into(), bytes[1] != 0)),
                -1 if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
                _ => return None,
            }
        }
    }

    /// Waits for the program's end; stops when it stops.
    fn wait(pid: libc::pid_t, program: &Program) -> i32 {
        loop {
            let id = libc::id_t::try_from(pid).unwrap_or_default();
            // SAFETY: a zeroed structure is valid, and the pointer lives for the call. The state is only looked at: until
            // it is taken, the number stays the program's.
            unsafe {
                let mut seen: libc::siginfo_t = std::mem::zeroed();
                libc::waitid(libc::P_PID, id, &raw mut seen, libc::WEXITED | libc::WSTOPPED | libc::WNOWAIT);
            }
            let mut running = program.lock().unwrap_or_else(PoisonError::into_inner);
            let mut status = 0;
            // SAFETY: the pointer lives for the call.
            match unsafe { libc::waitpid(pid, &raw mut status, libc::WUNTRACED | libc::WNOHANG) } {
                // It goes on already, or the wait was interrupted.
                0 => {}
                taken if taken == pid && libc::WIFSTOPPED(status) => {
                    drop(running);
                    stop_with(libc::WSTOPSIG(status));
                }
                taken => {
                    *running = None;
                    return if taken == pid { code(status) } else { 1 };
                }
            }
        }
    }

    /// Stops as the program did, so that the shell notices. Whoever stopped the program alone by SIGSTOP would not know
    /// that keyfob has to be woken too.
    fn stop_with(signal: libc::c_int) {
        if [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU].contains(&signal) {
            // SAFETY: these calls have no preconditions.
            unsafe { libc::kill(libc::getpid(), libc::SIGSTOP) };
        }
    }

    fn code(status: libc::c_int) -> i32 {
        if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { 128 + libc::WTERMSIG(status) }
    }
}

#[cfg(unix)]
pub use unix::Supervisor;

#[cfg(not(unix))]
mod elsewhere {
    use std::io;
    use std::process::{Child, Command};
    use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
    use std::thread;
    use std::time::Duration;

    use super::GRACE;

    /// Who watches over the program. A console sends its events to all its programs.
    pub struct Supervisor {
        begin: Sender<Child>,
        ended: Receiver<i32>,
    }

    impl Supervisor {
        /// `at_end` is called on another thread when the program has ended.
        ///
        /// # Errors
        /// When there is no thread left.
        pub fn prepare(at_end: impl FnOnce() + Send + 'static) -> io::Result<Self> {
            let (begin, awaited) = mpsc::channel::<Child>();
            let (sender, ended) = mpsc::channel();
            thread::Builder::new().name("program".into()).spawn(move || {
                let Ok(mut child) = awaited.recv() else { return };
                let code = child.wait().ok().and_then(|status| status.code()).unwrap_or(1);
                at_end();
                let _ = sender.send(code);
                thread::sleep(GRACE);
                std::process::exit(code)
            })?;
            Ok(Self { begin, ended })
        }

        /// Starts the program.
        ///
        /// # Errors
        /// Why it cannot be run.
        pub fn start(&self, command: &mut Command) -> io::Result<()> {
            let child = command.spawn()?;
            let _ = self.begin.send(child);
            Ok(())
        }

        /// The program's exit code, if it ends within `limit`.
        pub fn ended_within(&self, limit: Duration) -> Option<i32> {
            match self.ended.recv_timeout(limit) {
                Ok(code) => Some(code),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => Some(1),
            }
        }
    }
}

#[cfg(not(unix))]
pub use elsewhere::Supervisor;

/// How long a renewal that is under way when the program ends may take before it is given up: its answer may hold a
/// refresh token that exists nowhere else.
const GRACE: std::time::Duration = std::time::Duration::from_secs(5);
