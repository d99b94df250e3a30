//! A terminal whose two streams are kept.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use super::{Appearance, Terminal};

/// What was written to one stream.
#[derive(Clone, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    /// All of it so far.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A terminal of this appearance with its output and error stream.
pub(crate) fn terminal(appearance: Appearance) -> (Terminal, Written, Written) {
    let (output, error) = (Written::default(), Written::default());
    (Terminal::with_streams(appearance, Box::new(output.clone()), Box::new(error.clone())), output, error)
}
