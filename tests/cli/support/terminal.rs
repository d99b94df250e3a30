//! A pseudo-terminal, for what keyfob does only where a person sits.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::{Finished, Running, eventually};

/// A program at a terminal of 120 columns and 40 lines.
pub struct Terminal {
    running: Running,
    keyboard: File,
    screen: Arc<Mutex<Vec<u8>>>,
    /// Says nothing and ends when everything that was written has been read.
    read: Receiver<()>,
}

/// A program that leads a session at a terminal and writes its messages elsewhere.
pub struct Beside {
    running: Running,
    keyboard: File,
}

impl Beside {
    pub fn stderr_so_far(&self) -> String {
        self.running.stderr_so_far()
    }

    /// Takes the terminal away; the system tells the leader of its session.
    pub fn hang_up(self) -> Running {
        drop(self.keyboard);
        self.running
    }
}

impl Terminal {
    /// A program whose terminal nobody reads from.
    pub fn start_beside(command: &mut Command) -> Beside {
        let (keyboard, line) = pair();
        command.stdin(line).stdout(Stdio::piped()).stderr(Stdio::piped());
        lead(command);
        let running = Running::spawn(command);
        // The command's own handle of the terminal.
        command.stdin(Stdio::null());
        Beside { running, keyboard }
    }

    pub fn start(command: &mut Command) -> Self {
        let (keyboard, line) = pair();
        let other = |line: &OwnedFd| line.try_clone().expect("a second handle");
        command.stdin(other(&line)).stdout(other(&line)).stderr(line);
        lead(command);
        let running = Running::spawn(command);
        let screen = Arc::new(Mutex::new(Vec::new()));
        let (sink, mut source) = (Arc::clone(&screen), keyboard.try_clone().expect("a second handle"));
        let (reading, read) = channel::<()>();
        thread::spawn(move || {
            let _reading = reading;
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = source.read(&mut chunk) {
                sink.lock().expect("no reader panics").extend_from_slice(&chunk[..count]);
            }
        });
        Self { running, keyboard, screen, read }
    }

    /// Types this, which must end with what the person would press.
    pub fn type_in(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("the terminal takes what is typed");
    }

    /// Sends a signal to the program alone.
    pub fn signal(&self, signal: i32) {
        self.running.signal(signal);
    }

    /// Everything written so far.
    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().expect("no reader panics")).into_owned()
    }

    /// Whether the program has ended.
    pub fn has_ended(&mut self) -> bool {
        self.running.ends_within(Duration::ZERO)
    }

    #[track_caller]
    pub fn wait_for(&self, text: &str) {
        eventually(&format!("`{text}` on the terminal"), || self.screen().contains(text).then_some(()));
    }

    /// Waits for the end; what was on the screen is the result's `stdout`. The command lets go of the terminal first.
    #[track_caller]
    pub fn finish(self, command: Command) -> Finished {
        drop(command);
        let mut finished = self.running.finish();
        // The reader is a moment behind. A child that outlives the program may hold the terminal; then this is enough.
        let _ = self.read.recv_timeout(Duration::from_secs(2));
        finished.stdout = String::from_utf8_lossy(&self.screen.lock().expect("no reader panics")).into_owned();
        finished
    }

    /// Takes the terminal away, as a closed window does.
    pub fn close(self) -> Running {
        let Self { running, keyboard, .. } = self;
        // The reader holds a handle of its own; hang up for certain.
        running.signal(libc::SIGHUP);
        drop(keyboard);
        running
    }
}

/// Has the program lead a session whose terminal is its standard input.
fn lead(command: &mut Command) {
    // SAFETY: setsid and ioctl are async-signal-safe and touch nothing of the parent's memory.
    unsafe {
        command.pre_exec(|| {
            libc::setsid();
            libc::ioctl(0, libc::TIOCSCTTY as _, 0);
            Ok(())
        });
    }
}

fn pair() -> (File, OwnedFd) {
    let (mut master, mut slave) = (0, 0);
    let mut size = libc::winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: two places for numbers and a size that live during the call; the new descriptors are owned from here on.
    unsafe {
        // Some systems want what they only read to be writable.
        let modes = std::ptr::null_mut();
        let made = libc::openpty(&raw mut master, &raw mut slave, std::ptr::null_mut(), modes, &raw mut size);
        assert_eq!(made, 0, "a pseudo-terminal can be made");
        for handle in [master, slave] {
            libc::fcntl(handle, libc::F_SETFD, libc::FD_CLOEXEC);
        }
        (File::from_raw_fd(master), OwnedFd::from_raw_fd(slave))
    }
}

#[test]
fn a_program_at_the_terminal_sees_one_and_reads_what_is_typed() {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "test -t 0 && test -t 1 && test -t 2 && printf 'name> ' && read name && echo \"hello $name\""]);
    let mut terminal = Terminal::start(&mut command);

    terminal.wait_for("name> ");
    terminal.type_in("ada\n");

    let finished = terminal.finish(command).expect(0);
    assert!(finished.stdout.ends_with("hello ada\r\n"), "{finished:#?}");
}
