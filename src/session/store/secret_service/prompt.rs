//! Dialogs of the service: whether one is allowed, and how it went.
//!
//! A service that needs a person answers with the path of a prompt, which does nothing before it is called. Where
//! prompting is off it is never called, and the operation ends with an error that says what would have helped.
//!
//! # Specification
//! Secret Service API 0.2, "Prompts and Prompting", "org.freedesktop.Secret.Prompt".

use super::Prompting;
use super::error::{Error, Result};
use super::message::{Kind, Message};
use super::service::{NO_OBJECT, Service};
use super::wire::Writer;

const INTERFACE: &str = "org.freedesktop.Secret.Prompt";

/// An answer that may come only after a prompt.
pub(super) enum Outcome {
    /// The service needed no one.
    Immediate,
    /// A person has agreed; the signal carries the result.
    Prompted(Message),
}

impl Service {
    /// Goes through the prompt at `path`, if it is one, which came with a message from `sender`.
    ///
    /// # Errors
    /// `refusal` when prompting is off; [`Error::PromptDismissed`]; [`Error::TimedOut`] when nobody answers it.
    pub(super) fn prompt(&mut self, path: &str, sender: Option<String>, refusal: Error) -> Result<Outcome> {
        if path == NO_OBJECT {
            return Ok(Outcome::Immediate);
        }
        match self.prompting {
            Prompting::Never => return Err(refusal),
            Prompting::Allowed => {}
        }
        let completed =
            Kind::Signal { path: path.to_owned(), interface: INTERFACE.to_owned(), member: "Completed".to_owned() };
        let watching = self.bus.watch(completed, sender)?;
        // No window of ours is known to the dialog's program: a terminal's belongs to another program.
        let mut window = Writer::with_capacity(8);
        window.string("");
        let shown = self.call(path, INTERFACE, "Prompt", "s", window)?;
        self.reply(watching)?;
        self.reply(shown)?;
        let signal = self.bus.signal()?;
        match signal.body("bv")?.boolean()? {
            false => Ok(Outcome::Prompted(signal)),
            true => Err(Error::PromptDismissed),
        }
    }
}
