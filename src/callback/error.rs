//! Why there is no redirect URI, or why a pasted text is not a redirect.

use std::io;
use std::net::SocketAddr;

/// A failure to listen, or to read what was pasted. Pasted text is never repeated: it may hold a code.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another program holds the port.
    #[error("port {port} is in use")]
    PortBusy {
        /// The port that was asked for, or the last of several that the system picked.
        port: u16,
    },
    /// The system does not allow listening there.
    #[error("cannot listen on {address}")]
    Bind {
        /// The loopback address and port.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Neither 127.0.0.1 nor ::1 can be listened on.
    #[error("neither 127.0.0.1 nor ::1 can be listened on")]
    NoLoopback {
        /// Why, of the address tried last.
        #[source]
        source: io::Error,
    },
    /// The certificate of a listener that speaks TLS, or its key, is unusable.
    #[error("the certificate for the redirect cannot be used: {reason}")]
    Certificate {
        /// Why; never a part of the key.
        reason: String,
    },
    /// The redirect URI's path cannot stand in a request.
    #[error("`{path}` cannot be the path of a redirect URI")]
    Path {
        /// The path as it was given.
        path: String,
    },
    /// The pasted text is another address than the redirect URI, or none at all.
    #[error("the pasted text is not the address of the page at `{redirect_uri}`")]
    NotTheRedirect {
        /// What it should have begun with.
        redirect_uri: String,
    },
    /// The pasted address answers in its fragment, which an authorization code response never does.
    #[error("the pasted address has its parameters behind `#`, where only other flows put them")]
    Fragment,
    /// The pasted address carries no parameters.
    #[error("the pasted address carries no parameters")]
    NoParameters,
    /// The pasted parameters are not UTF-8 after decoding.
    #[error("the pasted address has parameters that are no text")]
    NotText,
    /// The pasted text is longer than any redirect.
    #[error("the pasted text has {found} bytes, more than the {limit} that are read")]
    TooLong {
        /// Its size in bytes.
        found: usize,
        /// The limit in bytes.
        limit: usize,
    },
}
