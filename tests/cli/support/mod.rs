//! What the tests stand on: keyfob with a home of its own, and a server that is strict, or hostile when told.

mod answer;
mod callback;
mod direct;
mod dpop;
mod files;
mod jwt;
mod keyfob;
mod oauth1;
mod process;
mod program;
mod provider;
mod pushed;
mod request;
mod server;
mod terminal;

pub use answer::{Answer, Gate};
pub use callback::{Page, Redirect, fetch};
pub use dpop::{Guard, Wants};
pub use files::{contains, files, mode};
pub use jwt::{Key, base64url, now, sha256};
pub use keyfob::{Keyfob, Login};
pub use oauth1::{CONSUMER_SECRET, OAuth1Server};
pub use process::{Finished, Running, eventually, within};
pub use program::write_program;
pub use request::Request;
pub use server::Server;
pub use terminal::Terminal;
