//! Where the user agent comes back to.
//!
//! A [`Loopback`] stands for a redirect URI on this machine (RFC 8252 §7.3): it knows the exact URI from the moment it is
//! bound, hands out one [`Candidate`] after another, and shows the person a page that tells the truth. [`pasted`] reads the
//! same parameters from a redirect that was typed in by hand. Neither judges what it received: `state`, `iss` and the rest
//! are checked by whoever sent the person away, and until he accepts a candidate the wait goes on.

mod connection;
mod error;
mod loopback;
mod page;
pub mod pasted;
mod request;
mod server;
mod site;
mod socket;
#[cfg(test)]
mod tests;
mod tls;

pub use error::Error;
pub use loopback::Loopback;
pub use site::Candidate;
pub use tls::Tls;

/// Parameters of a redirect, decoded once, in the order they came in, duplicates kept.
pub type Parameters = Vec<(String, String)>;

/// The host that the redirect URI names. All of them are loopback; nothing else is ever listened on (RFC 8252 §8.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// `127.0.0.1`, or `[::1]` where IPv4 has no loopback.
    Ipv4Literal,
    /// `[::1]`.
    Ipv6Literal,
    /// `localhost`, served on 127.0.0.1 and ::1, because either may be what the browser tries first.
    Localhost,
}

/// How the response comes in (OAuth 2.0 Multiple Response Type Encoding Practices §2.1, OAuth 2.0 Form Post Response Mode).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `response_mode=query`: GET, parameters in the query.
    Query,
    /// `response_mode=form_post`: POST, parameters in the body; a plain query is refused.
    FormPost,
}

/// What to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What the redirect URI says.
    pub host: Host,
    /// A fixed port, never replaced by another one; `None` lets the system pick.
    pub port: Option<u16>,
    /// The path of the redirect URI, such as `/callback`, as it stands there: it is compared byte by byte.
    pub path: String,
    /// How the response comes in.
    pub mode: Mode,
    /// With a certificate the redirect URI is `https`.
    pub tls: Option<Tls>,
    /// What the redirect URI says instead of `host`: a name of the user's own that leads to this machine. Only the browser
    /// looks it up.
    pub name: Option<String>,
}

/// How the login ended, for the person at the browser. Texts may come from a server: they are escaped and cut here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything is done, storing included.
    Success {
        /// Title and heading, such as `Logged in to GitLab`.
        heading: String,
        /// A sentence below it.
        detail: Option<String>,
    },
    /// The login failed.
    Failure {
        /// Title and heading, such as `Login failed: access_denied`.
        heading: String,
        /// A sentence below it.
        text: Option<String>,
    },
}
