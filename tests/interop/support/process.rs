//! Child processes that cannot hang a test: every wait has a limit.

use std::fs;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A started program whose output is collected.
pub struct Running {
    pid: u32,
    what: String,
    started: Instant,
    exit: Receiver<(ExitStatus, Instant)>,
    stdout: Collector,
    stderr: Collector,
    ended: bool,
}

/// What a program left when it ended.
#[derive(Debug)]
#[allow(dead_code, reason = "all of it is shown by Debug when a test fails")]
pub struct Finished {
    pub what: String,
    /// The exit code; 128 and the signal's number where a signal ended it, as a shell says it.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

impl Running {
    /// Starts `command` with closed standard input.
    pub fn start(command: &mut Command) -> Self {
        let what = format!("{command:?}");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot run {what}: {error}"));
        let stdout = Collector::new(child.stdout.take().expect("piped"));
        let stderr = Collector::new(child.stderr.take().expect("piped"));
        let (pid, started) = (child.id(), Instant::now());
        let (sender, exit) = channel();
        thread::spawn(move || sender.send((child.wait().expect("a child can be waited for"), Instant::now())));
        Self { pid, what, started, exit, stdout, stderr, ended: false }
    }

    /// Waits for the end, at most for `limit`.
    pub fn ended_within(&mut self, limit: Duration) -> Option<Finished> {
        match self.exit.recv_timeout(limit) {
            Ok((status, at)) => {
                self.ended = true;
                Some(Finished {
                    what: self.what.clone(),
                    code: status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
                    stdout: self.stdout.take(),
                    stderr: self.stderr.take(),
                    took: at - self.started,
                })
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("{} was waited for twice", self.what),
        }
    }

    /// Waits for the end.
    ///
    /// # Panics
    /// If it has not come after `limit`.
    pub fn finish(mut self, limit: Duration) -> Finished {
        if let Some(finished) = self.ended_within(limit) {
            return finished;
        }
        self.signal(libc::SIGKILL);
        let killed = self.ended_within(Duration::from_secs(10));
        panic!("did not end within {limit:?}: {killed:#?}");
    }

    pub fn stderr_so_far(&self) -> String {
        self.stderr.so_far()
    }

    pub fn signal(&self, signal: i32) {
        if !self.ended {
            let pid = i32::try_from(self.pid).expect("a process id fits");
            // SAFETY: plain system call; the thread that waits has not told of the end, so the id is still the child's.
            unsafe { libc::kill(pid, signal) };
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.exit.try_recv().is_err() {
            self.signal(libc::SIGKILL);
        }
    }
}

impl Finished {
    /// This, if the exit code is `code`; otherwise a panic that shows everything.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit code of {self:#?}");
        self
    }

    /// The standard output as one JSON document.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("stdout is no JSON ({error}): {self:#?}"))
    }

    /// The standard output as one JSON document per line.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}: {self:#?}"));
        self.stdout.lines().map(parse).collect()
    }

    /// The error object that `--json` puts on standard error.
    #[track_caller]
    pub fn error(&self) -> Value {
        let objects = self.stderr.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut errors = objects.filter(|object| object["schema"] == "keyfob.error/1");
        errors.next_back().unwrap_or_else(|| panic!("no error object on stderr: {self:#?}"))
    }
}

/// Reads a stream to its end in the background.
struct Collector {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Collector {
    fn new(mut stream: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&bytes);
        let reader = thread::spawn(move || {
            let mut chunk = [0; 8192];
            while let Ok(count @ 1..) = stream.read(&mut chunk) {
                sink.lock().expect("no reader panics").extend_from_slice(&chunk[..count]);
            }
        });
        Self { bytes, reader: Some(reader) }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().expect("no reader panics")).into_owned()
    }

    /// Everything, once the program has ended. A grandchild may hold the stream open; that is not waited for.
    fn take(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            let _ = within(Duration::from_secs(2), || reader.is_finished().then_some(()));
        }
        self.so_far()
    }
}

/// What `look` sees, as soon as it sees something.
///
/// # Panics
/// If that has not come after ten seconds.
#[track_caller]
pub fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(Duration::from_secs(10), look).unwrap_or_else(|| panic!("waited in vain for {what}"))
}

/// What `look` sees before `limit` is over. Real programs cannot be handed a clock, so this one place looks again and
/// again.
pub fn within<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        match look() {
            Some(seen) => return Some(seen),
            None if start.elapsed() > limit => return None,
            None => thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// The processes whose environment mentions `mark`: what is left of a program that got it in a variable.
pub fn processes_with(mark: &str) -> Vec<String> {
    let mentions = |bytes: &[u8]| bytes.windows(mark.len()).any(|window| window == mark.as_bytes());
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()))
        .filter(|entry| fs::read(entry.path().join("environ")).is_ok_and(|environment| mentions(&environment)))
        .map(|entry| {
            let arguments = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&arguments).replace('\0', " ")
        })
        .collect()
}
