//! The form of an encrypted file.
//!
//! ```text
//! "KEYFOB"  version  key's identifier  length of name  name  nonce  ciphertext and tag
//!  6 bytes     2             8               2          …     24           …
//! ```
//!
//! Numbers are big-endian. Everything before the nonce is authenticated with the content, so that a file cannot be passed
//! off as another session's or version's. The name is no secret (the index has it); by it a directory is listed without
//! the key. The key's identifier tells a wrong key from damage.
//!
//! # Specification
//! RFC 8439 §2.8 (ChaCha20-Poly1305); draft-irtf-cfrg-xchacha (the 24-byte nonce, long enough to be drawn at random).

use std::path::Path;

use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::key::Key;
use crate::session::Error;
use crate::system::random;

const MAGIC: &[u8; 6] = b"KEYFOB";

/// The version that is written.
const VERSION: u16 = 1;

const NONCE: usize = 24;
const TAG: usize = 16;

/// What can be read of a file without its key.
pub(super) struct Head<'a> {
    /// Whose file it claims to be.
    pub name: &'a str,
    key: [u8; Key::ID],
    /// Where the nonce begins.
    end: usize,
}

/// The file's content for `plain` under `name`.
pub(super) fn seal(key: &Key, name: &str, plain: &[u8]) -> Result<Vec<u8>, Error> {
    let nonce = random::bytes::<NONCE>()?;
    let name_length = u16::try_from(name.len()).expect("names are short");
    let mut head = Vec::with_capacity(18 + name.len() + NONCE + plain.len() + TAG);
    head.extend_from_slice(MAGIC);
    head.extend_from_slice(&VERSION.to_be_bytes());
    head.extend_from_slice(&key.id());
    head.extend_from_slice(&name_length.to_be_bytes());
    head.extend_from_slice(name.as_bytes());
    // Room for the tag: a buffer that grows would leave the plain text behind.
    let mut body = Zeroizing::new(Vec::with_capacity(plain.len() + TAG));
    body.extend_from_slice(plain);
    cipher(key)
        .encrypt_in_place(&XNonce::from(nonce), &head, &mut *body)
        .expect("a session is not too large for the cipher");
    head.extend_from_slice(&nonce);
    head.extend_from_slice(&body);
    Ok(head)
}

/// The plain text of a file that was found at `path` and must be that of `name`.
///
/// # Errors
/// [`Error::NewerVersion`], [`Error::WrongKey`], [`Error::Corrupt`].
pub(super) fn open(key: &Key, name: &str, bytes: &[u8], path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let corrupt = |reason: &str| corrupt(name, path, reason);
    let head = head(name, bytes, path)?;
    if head.name != name {
        return Err(corrupt("it bears another name"));
    }
    if head.key != key.id() {
        return Err(Error::WrongKey { name: name.into(), path: path.into() });
    }
    let (associated, rest) = bytes.split_at(head.end);
    let (nonce, body) = rest.split_first_chunk::<NONCE>().ok_or_else(|| corrupt("it is cut off"))?;
    let mut plain = Zeroizing::new(body.to_vec());
    cipher(key)
        .decrypt_in_place(&XNonce::from(*nonce), associated, &mut *plain)
        .map_err(|_| corrupt("it was changed since it was written"))?;
    Ok(plain)
}

/// What can be read without a key; `name` is whose file it should be.
///
/// # Errors
/// [`Error::NewerVersion`], [`Error::Corrupt`].
pub(super) fn head<'a>(name: &str, bytes: &'a [u8], path: &Path) -> Result<Head<'a>, Error> {
    let corrupt = |reason: &str| corrupt(name, path, reason);
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| corrupt("it is no encrypted file of keyfob"))?;
    let (version, rest) = rest.split_first_chunk::<2>().ok_or_else(|| corrupt("it is cut off"))?;
    match u16::from_be_bytes(*version) {
        VERSION => {}
        0 => return Err(corrupt("its version is 0")),
        newer => {
            let place = path.display().to_string();
            return Err(Error::NewerVersion { name: name.into(), place, version: newer.into() });
        }
    }
    let (key, rest) = rest.split_first_chunk::<{ Key::ID }>().ok_or_else(|| corrupt("it is cut off"))?;
    let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(|| corrupt("it is cut off"))?;
    let length = usize::from(u16::from_be_bytes(*length));
    let own = rest.get(..length).ok_or_else(|| corrupt("it is cut off"))?;
    let own = std::str::from_utf8(own).map_err(|_| corrupt("its name is not UTF-8"))?;
    Ok(Head { name: own, key: *key, end: MAGIC.len() + 2 + Key::ID + 2 + length })
}

/// Whether the bytes claim to be an encrypted file.
pub(super) fn is_sealed(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.bytes().into())
}

fn corrupt(name: &str, path: &Path, reason: &str) -> Error {
    Error::Corrupt { name: name.into(), place: path.display().to_string(), reason: reason.into() }
}
