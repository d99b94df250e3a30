//! What can be wrong with a key set, a token's form or its signature.

use super::{Algorithm, Unfit};
use crate::protocol::json::JsonError;

/// Why a key set cannot be read or a token is refused.
///
/// Texts from the token are cut to 100 characters and hold no control characters; claims never occur, because none is
/// read before the signature is right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A key set or a token is larger than any honest one.
    #[error("{what} has {found} bytes, more than the {limit} that are read")]
    TooLarge {
        /// `the key set` or `the token`.
        what: &'static str,
        /// Its size in bytes.
        found: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The key set is not a strict JSON object.
    #[error("the key set is not usable JSON")]
    KeySetJson(#[source] JsonError),
    /// The key set has no array `keys`.
    #[error("the key set has no array `keys`")]
    NoKeys,
    /// The key set lists more keys than any honest one.
    #[error("the key set lists {found} keys, more than the {limit} that are read")]
    TooManyKeys {
        /// How many it lists.
        found: usize,
        /// How many are read.
        limit: usize,
    },
    /// Five segments: the token is encrypted (RFC 7516 §7.1).
    #[error("the token is encrypted (JWE), and the entry does not say that it would be")]
    Encrypted,
    /// The token is not encrypted, and the entry says that it would be (OpenID Connect Core §3.1.3.7, step 1).
    #[error("the token is not encrypted, and the entry demands `{0}`")]
    NotEncrypted(&'static str),
    /// The token is encrypted with another algorithm than the entry says.
    #[error("the token is encrypted with the `alg` `{found}`, expected `{expected}`")]
    KeyManagement {
        /// What the header says.
        found: String,
        /// What the entry says.
        expected: &'static str,
    },
    /// The token's content is encrypted in a way that is not accepted.
    #[error("the token's content is encrypted with `{found}`, which is not accepted")]
    ContentEncryption {
        /// What the header says.
        found: String,
    },
    /// The token cannot be opened: it is for another key, or damaged.
    #[error("the token cannot be decrypted with this client's key")]
    Undecryptable,
    /// Nothing could be encrypted for a server: its key is damaged, or there is no randomness.
    #[error("nothing can be encrypted with the server's key")]
    Unencryptable,
    /// Neither three segments nor five.
    #[error("the token has {0} segments separated by dots, a signed one has three")]
    Segments(usize),
    /// A segment is not canonical base64url.
    #[error("the token's {0} is not base64url without padding")]
    Encoding(&'static str),
    /// The header or the payload is not a strict JSON object.
    #[error("the token's {part} is not usable JSON")]
    Json {
        /// `header` or `payload`.
        part: &'static str,
        /// What is wrong with it.
        #[source]
        cause: JsonError,
    },
    /// A header parameter has no string where one is needed.
    #[error("the token's header parameter `{0}` is not a string")]
    HeaderType(&'static str),
    /// The header has no `alg`.
    #[error("the token's header names no `alg`")]
    NoAlgorithm,
    /// The header has an extension that must be understood (`crit`), changes what is signed (`b64`) or is compressed (`zip`).
    #[error("the token's header has `{0}`, which is not accepted")]
    Extension(&'static str),
    /// `alg` is `none` or no registered signature algorithm.
    #[error("the token's `alg` is `{found}`, which is not accepted as a signature")]
    UnknownAlgorithm {
        /// What the header says.
        found: String,
    },
    /// The algorithm is known, but not one this server is to use.
    #[error("the token's `alg` is `{found}`, expected {}", names(expected))]
    AlgorithmNotAllowed {
        /// What the header says.
        found: Algorithm,
        /// What was configured or announced.
        expected: Vec<Algorithm>,
    },
    /// A published key would verify an HMAC, or a client secret a public-key signature.
    #[error("the token's `alg` `{0}` does not go with the kind of key it is to be verified with")]
    WrongKindOfKey(Algorithm),
    /// The client secret is shorter than the hash of the HMAC (RFC 7518 §3.2).
    #[error("the client secret has {found} bytes, `{algorithm}` needs at least {needed}")]
    ShortSecret {
        /// The algorithm of the token.
        algorithm: Algorithm,
        /// The length of the client secret.
        found: usize,
        /// The length of the hash.
        needed: usize,
    },
    /// The token names a key that the set does not list; it may have been added since the set was fetched.
    #[error("the server's key set has no key `{kid}`")]
    UnknownKey {
        /// The `kid` of the token.
        kid: String,
    },
    /// The token names a key that must not be used.
    #[error("the server's key `{kid}` cannot be used: {reason}")]
    UnfitKey {
        /// The `kid` of the token.
        kid: String,
        /// What is wrong with the key.
        reason: Unfit,
    },
    /// The token names a key that is not for its algorithm.
    #[error("the server's key `{kid}` is not for `{algorithm}`")]
    KeyNotForAlgorithm {
        /// The `kid` of the token.
        kid: String,
        /// The algorithm of the token.
        algorithm: Algorithm,
    },
    /// The token names no key and the set has none for its algorithm.
    #[error("the server's key set has no usable key for `{0}`")]
    NoSuitableKey(Algorithm),
    /// The signature is not that of the key, or of any suitable key where the token names none.
    #[error("the token's signature is wrong{}", by_key(kid.as_deref()))]
    Signature {
        /// The `kid` of the token.
        kid: Option<String>,
    },
}

impl Error {
    /// Whether a newer copy of the key set could change the verdict: the caller fetches it once and verifies again.
    ///
    /// Without `kid` a wrong signature may be that of a key published since.
    pub fn key_set_may_be_stale(&self) -> bool {
        matches!(self, Self::UnknownKey { .. } | Self::NoSuitableKey(_) | Self::Signature { kid: None })
    }
}

/// A text from outside as an error may quote it: at most 100 characters, none of them a control character.
pub fn excerpt(text: &str) -> String {
    const LIMIT: usize = 100;

    let mut visible = text.chars().filter(|character| !is_hidden(*character));
    let mut excerpt: String = visible.by_ref().take(LIMIT).collect();
    if visible.next().is_some() {
        excerpt.pop();
        excerpt.push('…');
    }
    excerpt
}

/// Control characters, and those that reorder or hide the text around them.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

fn names(algorithms: &[Algorithm]) -> String {
    match algorithms {
        [] => "one that the server announces, of which none is supported".to_owned(),
        _ => algorithms.iter().map(|algorithm| format!("`{algorithm}`")).collect::<Vec<_>>().join(", "),
    }
}

fn by_key(kid: Option<&str>) -> String {
    kid.map_or_else(String::new, |kid| format!(" for the server's key `{kid}`"))
}

#[cfg(test)]
mod tests {
    use super::{Algorithm, Error, excerpt};

    #[test]
    fn an_excerpt_is_bounded_and_without_control_characters() {
        assert_eq!(excerpt("abc"), "abc");
        assert_eq!(excerpt("a\u{1b}]0;b\u{7}\r\nc\u{9b}d\u{202e}e\u{7f}\u{61c}f\u{e0041}"), "a]0;bcdef");
        assert_eq!(excerpt(&"é".repeat(100)), "é".repeat(100));
        assert_eq!(excerpt(&"é".repeat(101)), format!("{}…", "é".repeat(99)));
        assert_eq!(excerpt(&"x".repeat(1_000_000)).chars().count(), 100);
    }

    #[test]
    fn a_refused_algorithm_is_named_beside_the_expected_ones() {
        let error =
            Error::AlgorithmNotAllowed { found: Algorithm::HS256, expected: vec![Algorithm::RS256, Algorithm::ES256] };

        assert_eq!(error.to_string(), "the token's `alg` is `HS256`, expected `RS256`, `ES256`");
    }

    #[test]
    fn only_a_missing_key_calls_for_a_newer_key_set() {
        assert!(Error::UnknownKey { kid: "a".to_owned() }.key_set_may_be_stale());
        assert!(Error::NoSuitableKey(Algorithm::RS256).key_set_may_be_stale());
        assert!(Error::Signature { kid: None }.key_set_may_be_stale());
        assert!(!Error::Signature { kid: Some("a".to_owned()) }.key_set_may_be_stale());
        assert!(!Error::Encrypted.key_set_may_be_stale());
    }
}
