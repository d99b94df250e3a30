//! What is going on now, for as long as it goes on.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long work may take before anybody is told of it.
const PATIENCE: Duration = Duration::from_millis(300);

/// Time between two pictures of the spinner: ten a second look smooth and cost nothing.
const TICK: Duration = Duration::from_millis(100);

/// The words on the screen, which go when this is dropped.
#[must_use = "the words are gone as soon as this is dropped"]
#[derive(Default)]
pub struct Progress(Option<Spinner>);

impl Progress {
    /// Says nothing, or has said it already.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// A spinner with `words`, already harmless, beside it.
    pub(super) fn spinner(words: String) -> Self {
        Self(Spinner::start(words))
    }

    /// Says something else from now on, in the same place.
    pub fn change(&self, words: &str) {
        if let Some(spinner) = &self.0 {
            spinner.bar.set_message(super::shorten(words, super::width::of_terminal().saturating_sub(4)));
        }
    }

    /// What must be suspended while something else is written.
    pub(super) fn bar(&self) -> Option<ProgressBar> {
        self.0.as_ref().map(|spinner| spinner.bar.clone())
    }
}

struct Spinner {
    bar: ProgressBar,
    ticker: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Spinner {
    /// Nothing without a thread to turn it: work goes on without words rather than not at all.
    fn start(words: String) -> Option<Self> {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        bar.set_style(ProgressStyle::default_spinner());
        bar.set_message(words);
        let (stop, stopped) = mpsc::channel::<()>();
        let turning = bar.clone();
        let turn = move || {
            if stopped.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            turning.set_draw_target(ProgressDrawTarget::stderr());
            while !turning.is_finished() {
                turning.tick();
                if stopped.recv_timeout(TICK) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("spinner".into()).spawn(turn).ok()?;
        Some(Self { bar, ticker: Some((stop, thread)) })
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.ticker.take() {
            drop(stop);
            // A spinner that panicked has nothing more to say.
            let _ = thread.join();
        }
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::Progress;

    #[test]
    fn short_work_never_draws_and_dropping_does_not_wait() {
        let progress = Progress::spinner("Asking".into());
        let bar = progress.bar().expect("a thread");

        drop(progress);

        assert!(bar.is_finished());
        assert!(bar.is_hidden());
    }
}
