//! The terminal's modes while a secret is typed, so that an interrupt can put them back.

/// Remembers the modes as they are; [`restore`] puts them back until [`forget`].
#[cfg(unix)]
pub(super) fn remember() {
    if let Some(modes) = controlling::Modes::now() {
        *controlling::saved() = Some(modes);
    }
}

/// The modes need no putting back any more.
#[cfg(unix)]
pub(super) fn forget() {
    *controlling::saved() = None;
}

/// Puts back what [`remember`] saw.
#[cfg(unix)]
pub(super) fn restore() {
    if let Some(modes) = controlling::saved().take() {
        modes.apply();
    }
}

#[cfg(unix)]
mod controlling {
    use std::fs::File;
    use std::os::fd::AsRawFd as _;
    use std::sync::{Mutex, MutexGuard, PoisonError};

    static SAVED: Mutex<Option<Modes>> = Mutex::new(None);

    pub(super) fn saved() -> MutexGuard<'static, Option<Modes>> {
        SAVED.lock().unwrap_or_else(PoisonError::into_inner)
    }

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

/// Windows keeps modes with the console's handle; rpassword puts them back itself.
#[cfg(not(unix))]
pub(super) fn remember() {}

#[cfg(not(unix))]
pub(super) fn forget() {}

#[cfg(not(unix))]
pub(super) fn restore() {}
