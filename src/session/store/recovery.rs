//! The last resort for a refresh token that the store did not take.
//!
//! When a server has exchanged a refresh token and the new one cannot be saved, losing it would end the session. It is
//! then put into a file of the state directory for the user alone: encrypted where the store's key is at hand, else as it
//! is, because a refusal to write would lose it as well. A later load finds it; the next successful save removes it.

use std::path::{Path, PathBuf};

use super::{Error, Session, SessionKey};
use crate::system::files;

/// Largest file that is read, in bytes.
const LIMIT: usize = 4 * 1024 * 1024;

/// Where a session's recovery file is, if there is one.
pub fn path(state_dir: &Path, key: &SessionKey) -> PathBuf {
    state_dir.join("recovery").join(key.file_name())
}

/// Writes a session's record, sealed or plain. The caller holds the session's lock.
pub(super) fn write(state_dir: &Path, key: &SessionKey, bytes: &[u8]) -> Result<PathBuf, Error> {
    let path = path(state_dir, key);
    files::private_dir(state_dir)?;
    files::private_dir(&state_dir.join("recovery"))?;
    files::replace(&path, bytes)?;
    Ok(path)
}

/// What was rescued of a session.
pub(super) fn read(state_dir: &Path, key: &SessionKey) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, Error> {
    Ok(files::read_private(&path(state_dir, key), LIMIT)?.map(zeroize::Zeroizing::new))
}

/// Removes a session's recovery file; `false` when there was none. What a killed writer left goes as well.
pub(super) fn discard(state_dir: &Path, key: &SessionKey) -> Result<bool, Error> {
    let path = path(state_dir, key);
    let torn = path.with_file_name(format!(".{}.new", key.file_name()));
    let _ = std::fs::remove_file(torn);
    Ok(files::remove(&path)?)
}

/// Of what the store answers and what was rescued, that which is to be used.
///
/// A rescued session is used when it is not older, and in place of a damaged one; an unreachable store stays an error,
/// and a rescued one that cannot be read does not hide the stored one.
pub(super) fn newer(
    stored: Result<Option<Session>, Error>,
    rescued: Result<Option<Session>, Error>,
) -> Result<Option<Session>, Error> {
    let Ok(Some(rescued)) = rescued else { return stored };
    let time = |session: &Session| session.refreshed_at.map_or(session.created_at, |at| at.max(session.created_at));
    match stored {
        Ok(Some(stored)) if time(&stored) > time(&rescued) => Ok(Some(stored)),
        Ok(_) => Ok(Some(rescued)),
        Err(error) if error.is_damage() => Ok(Some(rescued)),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::session;
    use super::{Error, newer};

    #[test]
    fn the_newer_of_two_is_used() {
        let (stored, mut rescued) = (session("acme/ada"), session("acme/ada"));
        rescued.generation = "rescued".into();
        assert_eq!(newer(Ok(Some(stored.clone())), Ok(Some(rescued.clone()))).unwrap(), Some(rescued.clone()));

        rescued.refreshed_at = stored.refreshed_at.map(|at| at - 1);
        assert_eq!(newer(Ok(Some(stored.clone())), Ok(Some(rescued))).unwrap(), Some(stored));
    }

    #[test]
    fn a_damaged_session_is_helped_and_an_unreachable_store_is_not_hidden() {
        let rescued = session("acme/ada");
        let damaged = Error::Corrupt { name: String::new(), place: String::new(), reason: String::new() };
        assert_eq!(newer(Err(damaged), Ok(Some(rescued.clone()))).unwrap(), Some(rescued.clone()));

        let gone = Error::NotAvailable { store: "keyring", source: "gone".into() };
        assert!(matches!(newer(Err(gone), Ok(Some(rescued))), Err(Error::NotAvailable { .. })));
    }

    #[test]
    fn an_unreadable_rescue_does_not_hide_what_is_stored() {
        let stored = session("acme/ada");

        assert_eq!(newer(Ok(Some(stored.clone())), Err(Error::WrongPassphrase)).unwrap(), Some(stored));
    }
}
