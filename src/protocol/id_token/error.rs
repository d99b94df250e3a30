//! What can be wrong with the claims of an ID token.

/// Why an ID token is refused although its signature is right.
///
/// Texts from the token are cut to 100 characters and hold no control characters; nonces and hashes are not shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// `typ` says that it is another kind of token (RFC 8725 §3.11).
    #[error("the token's `typ` is `{found}`, which is no ID token")]
    Kind {
        /// What the header says.
        found: String,
    },
    /// A claim that is needed is not there.
    #[error("the ID token has no `{0}`")]
    Missing(&'static str),
    /// A claim is of the wrong type or out of range.
    #[error("the ID token's `{claim}` is not {expected}")]
    Malformed {
        /// The claim.
        claim: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// Another issuer than the provider's.
    #[error("the ID token's `iss` is `{found}`, expected `{expected}`")]
    Issuer {
        /// The provider's issuer.
        expected: String,
        /// What the token says.
        found: String,
    },
    /// The `tid` that the issuer's template needs is no tenant's name.
    #[error("the ID token's `tid` is `{found}`, which cannot be part of an issuer")]
    Tenant {
        /// What the token says.
        found: String,
    },
    /// The token is for another client.
    #[error("the ID token's `aud` is `{found}`, expected `{expected}`")]
    Audience {
        /// Our client identifier.
        expected: String,
        /// What the token says.
        found: String,
    },
    /// The token is for others as well and does not say that it was issued to us.
    #[error("the ID token's `aud` is `{found}`, and without `azp` other audiences are not trusted")]
    OtherAudiences {
        /// What the token says.
        found: String,
    },
    /// The token was issued to another client.
    #[error("the ID token's `azp` is `{found}`, expected `{expected}`")]
    AuthorizedParty {
        /// Our client identifier.
        expected: String,
        /// What the token says.
        found: String,
    },
    /// The token has ended, or this clock is fast.
    #[error("the ID token's `exp` passed {} s ago by this computer's clock", now.saturating_sub(*at))]
    Expired {
        /// When it ended, in seconds since 1970.
        at: i64,
        /// The time here.
        now: i64,
    },
    /// Something has not happened yet, or this clock is slow.
    #[error("the ID token's `{claim}` lies {} s in the future by this computer's clock", at.saturating_sub(*now))]
    FromTheFuture {
        /// `iat`, `nbf` or `auth_time`.
        claim: &'static str,
        /// What it says, in seconds since 1970.
        at: i64,
        /// The time here.
        now: i64,
    },
    /// The token belongs to another login.
    #[error("the ID token's `nonce` is not the one that was sent")]
    Nonce,
    /// `sub` identifies nobody.
    #[error("the ID token's `sub` has {length} characters, expected 1 to 255 ASCII characters")]
    Subject {
        /// How many characters it has, ASCII or not.
        length: usize,
    },
    /// The token came with another access token, code or state than it was issued with.
    #[error("the ID token's `{claim}` is not the hash of {}", hashed(claim))]
    Hash {
        /// `at_hash`, `c_hash` or `s_hash`.
        claim: &'static str,
    },
    /// The login lies back longer than was asked for, or this clock is fast.
    #[error(
        "the ID token's `auth_time` lies back {} s by this computer's clock, more than the {max_age} s asked for",
        now.saturating_sub(*at)
    )]
    OldLogin {
        /// When the person logged in, in seconds since 1970.
        at: i64,
        /// The `max_age` that was sent, in seconds.
        max_age: u64,
        /// The time here.
        now: i64,
    },
    /// The person logged in by other means than were asked for.
    #[error("the ID token's `acr` is `{found}`, expected {}", alternatives(expected))]
    Context {
        /// The values that were asked for.
        expected: Vec<String>,
        /// What the token says.
        found: String,
    },
    /// A refresh brought a token about another login.
    #[error("the ID token's `{claim}` is `{after}` since the refresh, and was `{before}`")]
    Changed {
        /// The claim.
        claim: &'static str,
        /// What the first token said.
        before: String,
        /// What the new one says.
        after: String,
    },
    /// A refresh brought a token with another nonce.
    #[error("the ID token's `nonce` is another since the refresh")]
    ChangedNonce,
}

impl Error {
    /// Whether a wrong clock, here or at the server, would explain it.
    pub fn may_be_the_clock(&self) -> bool {
        matches!(self, Self::Expired { .. } | Self::FromTheFuture { .. } | Self::OldLogin { .. })
    }
}

fn hashed(claim: &str) -> &'static str {
    match claim {
        "at_hash" => "the access token that came with it",
        "c_hash" => "the authorization code it was obtained with",
        _ => "the state that was sent",
    }
}

fn alternatives(values: &[String]) -> String {
    values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(" or ")
}
