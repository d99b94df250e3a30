//! What the client may be allowed.

use super::DemoServer;

/// Some of the server's scopes, each once, in the order they were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scope(Vec<&'static str>);

impl Scope {
    /// Reads a `scope` value; `None` when it is empty, not separated by single spaces, or names a scope there is not.
    ///
    /// # Specification
    /// RFC 6749 §3.3.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut scopes = Vec::new();
        for name in text.split(' ') {
            let known = DemoServer::SCOPES.iter().find(|known| **known == name)?;
            if !scopes.contains(known) {
                scopes.push(*known);
            }
        }
        Some(Self(scopes))
    }

    /// Whether `name` is among them.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains(&name)
    }

    /// Whether nothing is in here that `other` has not.
    pub(super) fn within(&self, other: &Self) -> bool {
        self.0.iter().all(|name| other.has(name))
    }

    /// The value as it is sent.
    pub(super) fn text(&self) -> String {
        self.0.join(" ")
    }

    /// Each scope in words, for the consent page.
    pub(super) fn described(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.0.iter().map(|name| {
            let words = match *name {
                "openid" => "know that it is you",
                "profile" => "see your name",
                "email" => "see your email address",
                _ => "stay logged in until you log out",
            };
            (*name, words)
        })
    }
}
