//! The library of keyfob, a command-line OAuth client: everything but the command line.
//!
//! In the order of the data's journey: [`registry`] knows what one can log in to, [`client`] is a registered client at one
//! authorization server, [`grant`] obtains tokens (with [`callback`] where a browser comes back), [`session`] keeps and
//! renews them, [`output`] hands them out. [`protocol`] holds the specifications as pure functions, [`system`] the outside
//! world, [`secret`] the values that do not print themselves. The library knows no flag, prints nothing and never exits.
//!
//! ```
//! use keyfob::registry::Registry;
//! use keyfob::system::Environment;
//!
//! let registry = Registry::open(&Environment::given([("HOME", "/nowhere")]))?;
//! let github = registry.find("github")?.provider()?;
//! assert_eq!(github.name, "GitHub");
//! # Ok::<(), keyfob::registry::Error>(())
//! ```

#![warn(missing_docs)]

pub mod callback;
pub mod client;
pub mod grant;
pub mod output;
pub mod protocol;
pub mod registry;
pub mod secret;
pub mod session;
pub mod system;
