//! Child processes that cannot hang a test: every wait has a limit.

use std::io::{Read, Write};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

/// No command of these tests works for long; this ends those that hang.
const LIMIT: Duration = Duration::from_secs(40);

/// A started program whose output is collected.
pub struct Running {
    pub pid: i32,
    what: String,
    started: Instant,
    exit: Receiver<Exit>,
    stdout: Collector,
    stderr: Collector,
    stdin: Option<ChildStdin>,
    exited: Option<Exit>,
}

#[derive(Clone, Copy)]
struct Exit {
    code: i32,
    memory: i64,
    at: Instant,
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
    /// The most memory it had at once, in KiB.
    pub memory: i64,
}

impl Running {
    /// Starts `command` with its output in pipes and nothing on standard input.
    pub fn start(command: &mut Command) -> Self {
        Self::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()))
    }

    /// Starts `command` with a pipe for standard input, which stays open until [`Running::type_in`] or the end.
    pub fn start_with_input(command: &mut Command) -> Self {
        Self::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()))
    }

    /// Starts `command` with its streams as they have been set.
    #[expect(clippy::zombie_processes, reason = "`wait` waits by number, to get at what the system counted")]
    pub fn spawn(command: &mut Command) -> Self {
        let what = format!("{:?} {:?}", command.get_program(), command.get_args().collect::<Vec<_>>());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot run {what}: {error}"));
        let stdout = Collector::new(child.stdout.take());
        let stderr = Collector::new(child.stderr.take());
        let stdin = child.stdin.take();
        let (pid, started) = (i32::try_from(child.id()).expect("a process id fits"), Instant::now());
        let (sender, exit) = channel();
        thread::spawn(move || sender.send(wait(pid)));
        Self { pid, what, started, exit, stdout, stderr, stdin, exited: None }
    }

    /// Writes to standard input and closes it.
    pub fn type_in(&mut self, text: &str) {
        let mut stdin = self.stdin.take().expect("started with input");
        // A program that has seen enough does not read the rest.
        let _ = stdin.write_all(text.as_bytes());
    }

    pub fn stderr_so_far(&self) -> String {
        self.stderr.so_far()
    }

    /// Whether it ends within `limit`.
    pub fn ends_within(&mut self, limit: Duration) -> bool {
        if self.exited.is_none() {
            match self.exit.recv_timeout(limit) {
                Ok(exit) => self.exited = Some(exit),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => panic!("{} was waited for by somebody else", self.what),
            }
        }
        self.exited.is_some()
    }

    /// Waits for the end.
    ///
    /// # Panics
    /// If it does not come in time, or the program has panicked.
    #[track_caller]
    pub fn finish(mut self) -> Finished {
        let in_time = self.ends_within(LIMIT);
        if !in_time {
            self.signal(libc::SIGKILL);
            self.ends_within(Duration::from_secs(10));
        }
        let exit = self.exited.expect("a killed program ends");
        let finished = Finished {
            what: self.what.clone(),
            code: exit.code,
            stdout: self.stdout.take(),
            stderr: self.stderr.take(),
            took: exit.at - self.started,
            memory: exit.memory,
        };
        assert!(in_time, "did not end within {LIMIT:?}: {finished:#?}");
        assert!(!finished.stderr.contains("panicked"), "{finished:#?}");
        finished
    }

    pub fn signal(&self, signal: i32) {
        if self.exited.is_none() {
            // SAFETY: plain system call; the end has not been seen, so at worst the id is that of a dead child.
            unsafe { libc::kill(self.pid, signal) };
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.exited.is_none() && self.exit.try_recv().is_err() {
            self.signal(libc::SIGKILL);
        }
    }
}

/// Waits for a child and takes what the system counted for it.
fn wait(pid: i32) -> Exit {
    let mut status = 0;
    // SAFETY: a plain structure of numbers, and two places that live during the call.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        while libc::wait4(pid, &raw mut status, 0, &raw mut usage) == -1 {}
        usage
    };
    let code = if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { 128 + libc::WTERMSIG(status) };
    Exit { code, memory: usage.ru_maxrss, at: Instant::now() }
}

impl Finished {
    /// This, if the exit code is `code`; otherwise a panic that shows everything.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit code of {self:#?}");
        self
    }

    /// This, if nothing was written to standard output and the failure is told as one for people.
    #[track_caller]
    pub fn fails(self, code: i32) -> Self {
        let finished = self.expect(code);
        assert_eq!(finished.stdout, "", "{finished:#?}");
        assert!(finished.stderr.contains("error:"), "{finished:#?}");
        finished
    }

    /// The error of a command with `--json`: code, name and nothing on standard output (`login` writes its events there).
    #[track_caller]
    pub fn error(&self, code: i32, name: &str) -> Value {
        assert_eq!(self.code, code, "exit code of {self:#?}");
        let objects = self.stderr.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let errors: Vec<_> = objects.filter(|object| object["schema"] == "keyfob.error/1").collect();
        assert_eq!(errors.len(), 1, "one error object: {self:#?}");
        assert_eq!((&errors[0]["error"], &errors[0]["exit_code"]), (&name.into(), &code.into()), "{self:#?}");
        assert!(errors[0]["message"].as_str().is_some_and(|message| !message.is_empty()), "{self:#?}");
        assert!(!self.stdout.contains("\"done\""), "{self:#?}");
        errors[0].clone()
    }

    /// The message of [`Finished::error`], which must name all of `words`.
    #[track_caller]
    pub fn error_naming(&self, code: i32, name: &str, words: &[&str]) -> Value {
        let error = self.error(code, name);
        let text = format!("{} {}", error["message"], error["hint"]);
        for word in words {
            assert!(text.contains(word), "`{word}` is not named: {self:#?}");
        }
        error
    }

    /// As [`Finished::error_naming`], where the requirements leave a choice of class.
    #[track_caller]
    pub fn error_of(&self, choices: &[(i32, &str)], words: &[&str]) -> Value {
        let chosen = choices.iter().find(|(code, _)| *code == self.code);
        let (code, name) = chosen.unwrap_or_else(|| panic!("exit code is none of {choices:?}: {self:#?}"));
        self.error_naming(*code, name, words)
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

    /// Both streams.
    pub fn output(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }
}

/// Reads a stream to its end in the background.
struct Collector {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Collector {
    fn new(stream: Option<impl Read + Send + 'static>) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&bytes);
        let reader = stream.map(|mut stream| {
            thread::spawn(move || {
                let mut chunk = [0; 8192];
                while let Ok(count @ 1..) = stream.read(&mut chunk) {
                    sink.lock().expect("no reader panics").extend_from_slice(&chunk[..count]);
                }
            })
        });
        Self { bytes, reader }
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

#[test]
fn exit_code_streams_and_memory_of_a_program_are_told() {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "read line; echo \"$line\"; echo aside >&2; exit 7"]);
    let mut running = Running::start_with_input(&mut command);
    running.type_in("hello\n");

    let finished = running.finish();

    assert_eq!((finished.code, &*finished.stdout, &*finished.stderr), (7, "hello\n", "aside\n"));
    assert!(finished.memory > 0);
}

#[test]
fn a_program_that_a_signal_ends_is_told_as_a_shell_tells_it() {
    let running = Running::start(Command::new("/bin/sleep").arg("30"));

    running.signal(libc::SIGTERM);

    assert_eq!(running.finish().code, 143);
}
