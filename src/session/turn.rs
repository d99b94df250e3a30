//! One login at a time, however many processes want the same one.
//!
//! The first to come asks the person; the others wait for what comes of it. That is a session, which they find by
//! themselves, or a failure, which is noted beside the lock so that the person is not asked again for each of them. The
//! lock is the operating system's: when the first one dies without a word, the next one takes over.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::lock::FileLock;
use super::{Error, key};
use crate::system::{files, random};

/// Bytes of a note; what is said of a failure stays far below.
const LIMIT: usize = 64 * 1024;

/// The right to ask the person for one login, until dropped.
#[derive(Debug)]
pub struct Turn {
    note: PathBuf,
    attempt: String,
    _lock: FileLock,
}

/// What is noted of an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Note {
    /// Random, so that two attempts can be told apart.
    attempt: String,
    /// What became of it, in the caller's words; unset until it is over.
    failure: Option<String>,
}

/// What came of waiting.
#[derive(Debug)]
pub enum Waited {
    /// It is this process's turn.
    Turn(Turn),
    /// Somebody tried while this process waited, and failed: the words of [`Turn::fail`].
    Failed(String),
}

impl Turn {
    /// Waits up to `limit`, on a monotonic clock, until nobody else is at the login that `words` tell apart from others;
    /// they may be anything without secrets. `name` is what errors call it.
    ///
    /// When it is not free at once, `waiting` is called with the time waited so far: first with zero, then about every
    /// 50 ms; its `Break` ends the wait. Whoever gets the turn looks first whether the login is still needed.
    ///
    /// # Errors
    /// [`Error::Busy`] after `limit`, [`Error::Cancelled`], [`Error::System`] when there can be no lock file.
    pub fn take(
        state_dir: &Path,
        words: &[&str],
        name: &str,
        limit: Duration,
        waiting: &mut dyn FnMut(Duration) -> ControlFlow<()>,
    ) -> Result<Waited, Error> {
        // JSON keeps the words apart, whatever is in them.
        let words = serde_json::to_vec(words).unwrap_or_default();
        let file = format!("login-{}", key::hex(&digest(&SHA256, &words).as_ref()[..16]));
        let note = state_dir.join("locks").join(format!("{file}.note"));
        let mut before = None;
        let lock = FileLock::acquire(state_dir, &file, name, limit, &mut |waited| {
            if before.is_none() {
                before = Some(read(&note));
            }
            waiting(waited)
        })?;
        // A failure from before the wait is none of this process's.
        if let Some(before) = before
            && let Some(after) = read(&note)
            && before.as_ref() != Some(&after)
            && let Some(failure) = after.failure
        {
            return Ok(Waited::Failed(failure));
        }
        Ok(Waited::Turn(Self { note, attempt: random::text::<9>()?, _lock: lock }))
    }

    /// Notes that the attempt begins: what was noted before is over.
    pub fn begin(&self) {
        self.write(None);
    }

    /// Notes for those who wait that there will be no session, in words without secrets.
    pub fn fail(self, words: String) {
        self.write(Some(words));
    }

    /// Lets those who wait look for the session.
    pub fn succeed(self) {
        let _ = files::remove(&self.note);
    }

    /// Where it cannot be written, those who wait take their own turns.
    fn write(&self, failure: Option<String>) {
        let note = Note { attempt: self.attempt.clone(), failure };
        if let Ok(bytes) = serde_json::to_vec(&note) {
            let _ = files::replace(&self.note, &bytes);
        }
    }
}

fn read(path: &Path) -> Option<Note> {
    let bytes = files::read_private(path, LIMIT).ok()??;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;
    use std::path::{Path, PathBuf};
    use std::sync::mpsc;
    use std::thread::{self, JoinHandle};
    use std::time::Duration;

    use super::{Error, Turn, Waited};

    fn take(state: &Path, words: &[&str], limit: Duration) -> Result<Waited, Error> {
        Turn::take(state, words, "acme", limit, &mut |_| ControlFlow::Continue(()))
    }

    fn turn(state: &Path) -> Turn {
        match take(state, &["acme"], Duration::from_secs(20)) {
            Ok(Waited::Turn(turn)) => turn,
            other => panic!("{other:?}"),
        }
    }

    /// Waits on a thread; answers the failure that it was told, if any, when it is known to wait.
    fn waiter(state: PathBuf) -> JoinHandle<Option<String>> {
        let (sender, waits) = mpsc::channel();
        let thread = thread::spawn(move || {
            let waiting = &mut |_| {
                let _ = sender.send(());
                ControlFlow::Continue(())
            };
            match Turn::take(&state, &["acme"], "acme", Duration::from_secs(20), waiting) {
                Ok(Waited::Turn(_)) => None,
                Ok(Waited::Failed(words)) => Some(words),
                Err(error) => panic!("{error:?}"),
            }
        });
        waits.recv().expect("it waits");
        thread
    }

    #[test]
    fn a_failure_is_told_to_all_who_waited_and_to_nobody_else() {
        let state = tempfile::tempdir().unwrap();
        let first = turn(state.path());
        first.begin();
        let waiters: Vec<_> = (0..3).map(|_| waiter(state.path().into())).collect();

        first.fail("denied".into());

        for waiter in waiters {
            assert_eq!(waiter.join().unwrap().as_deref(), Some("denied"));
        }
        drop(turn(state.path()));
    }

    #[test]
    fn a_failure_from_before_the_wait_is_not_told() {
        let state = tempfile::tempdir().unwrap();
        let first = turn(state.path());
        first.begin();
        first.fail("denied".into());
        let second = turn(state.path());
        let waiter = waiter(state.path().into());

        drop(second);

        assert_eq!(waiter.join().unwrap(), None);
    }

    #[test]
    fn after_a_success_or_a_death_it_is_the_next_ones_turn() {
        let state = tempfile::tempdir().unwrap();
        for ends in [Turn::succeed, drop] {
            let first = turn(state.path());
            first.begin();
            let waiter = waiter(state.path().into());

            ends(first);

            assert_eq!(waiter.join().unwrap(), None);
        }
    }

    #[test]
    fn other_logins_are_not_waited_for_and_the_same_one_only_so_long() {
        let state = tempfile::tempdir().unwrap();
        let _first = turn(state.path());

        assert!(matches!(take(state.path(), &["ac", "me"], Duration::ZERO), Ok(Waited::Turn(_))));
        assert!(matches!(take(state.path(), &["acme"], Duration::from_millis(20)), Err(Error::Busy { .. })));
    }
}
