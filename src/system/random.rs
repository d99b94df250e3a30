//! Unguessable values from the operating system's generator.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};

use super::Error;

/// Fresh random bytes.
///
/// # Errors
/// [`Error::Random`] when the operating system has none to give.
pub fn bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(bytes)
}

/// `N` random bytes in base64url without padding: 43 characters for 32 bytes.
///
/// # Errors
/// [`Error::Random`] when the operating system has none to give.
pub fn text<const N: usize>() -> Result<String, Error> {
    Ok(URL_SAFE_NO_PAD.encode(bytes::<N>()?))
}

/// A number below `bound`, for jitter; zero where there is no randomness to be had.
pub fn below(bound: u64) -> u64 {
    bytes::<8>().map_or(0, |bytes| u64::from_le_bytes(bytes) % bound.max(1))
}
