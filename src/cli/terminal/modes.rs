//! The terminal's modes: those while a secret is typed, so that an interrupt can put them back, and how a console reads
//! what is written to it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use controlling::Modes;

static SAVED: Mutex<Option<Modes>> = Mutex::new(None);

/// Remembers the modes as they are; [`restore`] puts them back until [`forget`].
pub(super) fn remember() {
    if let Some(modes) = Modes::now() {
        *saved() = Some(modes);
    }
}

/// The modes need no putting back any more.
pub(super) fn forget() {
    *saved() = None;
}

/// Puts back what [`remember`] saw.
pub(super) fn restore() {
    if let Some(modes) = saved().take() {
        modes.apply();
    }
}

fn saved() -> MutexGuard<'static, Option<Modes>> {
    SAVED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the consoles behind the streams understand escape sequences; terminals do.
pub(super) fn understand_escapes() {
    #[cfg(windows)]
    controlling::understand_escapes();
}

#[cfg(unix)]
mod controlling {
    use std::fs::File;
    use std::os::fd::AsRawFd as _;

    /// The modes of the controlling terminal, which is where secrets are typed.
    pub(super) struct Modes {
        terminal: File,
        modes: libc::termios,
    }

    impl Modes {
        pub(super) fn now() -> Option<Self> {
            let terminal = File::open("/dev/tty").ok()?;
            let mut modes = std::mem::MaybeUninit::uninit();
            // SAFETY: the descriptor is open, and the structure is only taken for filled if the call says so.
            let modes = unsafe {
                match libc::tcgetattr(terminal.as_raw_fd(), modes.as_mut_ptr()) {
                    0 => modes.assume_init(),
                    _ => return None,
                }
            };
            Some(Self { terminal, modes })
        }

        pub(super) fn apply(&self) {
            // SAFETY: the descriptor is open and the structure came from the system. Failure leaves the modes as they are.
            unsafe { libc::tcsetattr(self.terminal.as_raw_fd(), libc::TCSANOW, &raw const self.modes) };
        }
    }
}

#[cfg(windows)]
mod controlling {
    use std::fs::File;
    use std::io;
    use std::os::windows::io::AsRawHandle;

    use windows_sys::Win32::System::Console::{
        CONSOLE_MODE, ENABLE_VIRTUAL_TERMINAL_PROCESSING, GetConsoleMode, SetConsoleMode,
    };

    /// The modes of the console's input, which is where secrets are typed. They outlive the program.
    pub(super) struct Modes {
        console: File,
        modes: CONSOLE_MODE,
    }

    impl Modes {
        pub(super) fn now() -> Option<Self> {
            let console = File::options().read(true).write(true).open("CONIN$").ok()?;
            let modes = modes_of(&console)?;
            Some(Self { console, modes })
        }

        pub(super) fn apply(&self) {
            set(&self.console, self.modes);
        }
    }

    pub(super) fn understand_escapes() {
        let (output, error) = (io::stdout(), io::stderr());
        for stream in [&output as &dyn AsRawHandle, &error] {
            if let Some(modes) = modes_of(stream) {
                set(stream, modes | ENABLE_VIRTUAL_TERMINAL_PROCESSING);
            }
        }
    }

    /// None where it is no console.
    fn modes_of(handle: &dyn AsRawHandle) -> Option<CONSOLE_MODE> {
        let mut modes = 0;
        // SAFETY: the handle is open or none at all, which the call notices.
        let known = unsafe { GetConsoleMode(handle.as_raw_handle(), &raw mut modes) } != 0;
        known.then_some(modes)
    }

    /// Failure leaves the modes as they are.
    fn set(handle: &dyn AsRawHandle, modes: CONSOLE_MODE) {
        // SAFETY: as above.
        unsafe { SetConsoleMode(handle.as_raw_handle(), modes) };
    }
}

#[cfg(not(any(unix, windows)))]
mod controlling {
    /// Nothing is known of this system's terminals.
    pub(super) enum Modes {}

    impl Modes {
        pub(super) fn now() -> Option<Self> {
            None
        }

        pub(super) fn apply(&self) {
            match *self {}
        }
    }
}
