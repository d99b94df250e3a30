//! What the journeys stand on: keyfob with a home of its own, and the real parts around it.

mod atproto;
mod browser;
mod keyfob;
mod keyring;
mod mcp;
mod parts;
mod process;
#[path = "../../cli/support/program.rs"]
mod program;
mod random;
mod ready;
mod secrets;
mod server;

pub use atproto::AtprotoServer;
pub use browser::{Answer, Browser};
pub use keyfob::{Keyfob, Storage};
pub use keyring::Keyring;
pub use mcp::McpServer;
pub use parts::{Part, all_present, nameserver, oauth1server, oauth1server_cache, python, softhsm};
pub use process::{Finished, Running, eventually, processes_with};
pub use program::write_program;
pub use random::Random;
pub use secrets::{Leak, leaks};
pub use server::{Request, TestServer};

/// Leaves the test, with a word on stderr, where one of these parts is missing.
macro_rules! needs {
    ($($part:ident),+) => {
        if !$crate::support::all_present(&[$($crate::support::Part::$part),+]) {
            return;
        }
    };
}
pub(crate) use needs;
