//! What the parent gave this process and the program is to find as it was, although the language's start-up code has
//! changed it: how broken pipes are taken, and closed streams.

#[cfg(unix)]
mod unix {
    use std::os::unix::process::CommandExt;
    use std::process::Command;
    use std::sync::OnceLock;

    struct Inherited {
        /// The signals whose handling the standard library resets in children, or the supervisor needs, ignored or not.
        ignored: [(libc::c_int, bool); 2],
        /// Blocked signals, which the standard library unblocks in children.
        blocked: libc::sigset_t,
        /// Which of the standard streams were closed.
        closed: [bool; 3],
    }

    static INHERITED: OnceLock<Inherited> = OnceLock::new();

    /// Has `command` find what the parent gave.
    pub fn restore(command: &mut Command) {
        let Some(inherited) = INHERITED.get() else { return };
        // SAFETY: these calls are async-signal-safe and touch nothing of the parent's memory.
        unsafe {
            command.pre_exec(|| {
                for (signal, ignored) in inherited.ignored {
                    libc::signal(signal, if ignored { libc::SIG_IGN } else { libc::SIG_DFL });
                }
                libc::pthread_sigmask(libc::SIG_SETMASK, &raw const inherited.blocked, std::ptr::null_mut());
                for (descriptor, closed) in (0..).zip(inherited.closed) {
                    if closed {
                        libc::close(descriptor);
                    }
                }
                Ok(())
            });
        }
    }

    /// Looks before the start-up code does its work.
    extern "C" fn look() {
        // SAFETY: a zeroed set and a zeroed action are valid, and the pointers live for the calls.
        let inherited = unsafe {
            let is_ignored = |signal| {
                let mut action: libc::sigaction = std::mem::zeroed();
                libc::sigaction(signal, std::ptr::null(), &raw mut action) == 0 && action.sa_sigaction == libc::SIG_IGN
            };
            let mut blocked: libc::sigset_t = std::mem::zeroed();
            libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &raw mut blocked);
            Inherited {
                ignored: [libc::SIGPIPE, libc::SIGCHLD].map(|signal| (signal, is_ignored(signal))),
                blocked,
                closed: [0, 1, 2].map(|descriptor| libc::fcntl(descriptor, libc::F_GETFD) == -1),
            }
        };
        let _ = INHERITED.set(inherited);
    }

    // SAFETY: the section is the system's list of functions to call before `main`, each a plain C function; this one asks
    // the system and stores the answers, and needs nothing of the runtime that is not set up yet.
    #[cfg(any(
        target_os = "linux",
        target_os = "macos",
        target_os = "freebsd",
        target_os = "dragonfly",
        target_os = "netbsd",
        target_os = "openbsd"
    ))]
    #[used]
    #[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func,mod_init_funcs"))]
    #[cfg_attr(not(target_os = "macos"), unsafe(link_section = ".init_array"))]
    static LOOK: extern "C" fn() = look;
}

#[cfg(unix)]
pub use unix::restore;

/// Nothing of the kind is changed here.
#[cfg(not(unix))]
pub fn restore(_: &mut std::process::Command) {}
