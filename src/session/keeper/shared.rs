//! Secrets beside the sessions that several processes add to: read, changed and written by one at a time.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

use ring::digest::{SHA256, digest};

use super::Keeper;
use crate::secret::Secret;
use crate::session::lock::FileLock;
use crate::session::{Catalog, Error, key};

impl Keeper {
    /// Replaces the secret `name` by what `change` makes of it; nothing is kept where that is nothing. Keyring managers show
    /// `label`.
    ///
    /// No other process changes it in between. The lock is the operating system's, so that `change` must not wait for a
    /// person or a server.
    ///
    /// # Errors
    /// [`Error::Busy`] when another process holds it too long; why it cannot be read or written. It is then as it was.
    pub fn change_secret(
        &self,
        name: &str,
        label: &str,
        change: impl FnOnce(Option<Secret>) -> Option<Secret>,
    ) -> Result<(), Error> {
        let _held = self.lock_secret(name)?;
        match change(self.store.load_secret(name)?) {
            Some(secret) => self.store.save_secret(name, label, &secret),
            None => self.store.remove_secret(name).map(|_| ()),
        }
    }

    /// `None` where no other process can know the secret.
    fn lock_secret(&self, name: &str) -> Result<Option<FileLock>, Error> {
        if matches!(self.catalog, Catalog::Private(_)) {
            return Ok(None);
        }
        // Names hold addresses; a file's name takes neither their characters nor their length.
        let file = format!("secret-{}", key::hex(&digest(&SHA256, name.as_bytes()).as_ref()[..16]));
        let mut waiting = |_| ControlFlow::Continue(());
        let held = FileLock::acquire(&self.state_dir, &file, name, self.lock_limit, &mut waiting)?;
        if !held.enforced() {
            self.unprotected.store(true, Ordering::Relaxed);
        }
        Ok(Some(held))
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;
    use std::path::Path;
    use std::sync::Arc;
    use std::thread;
    use std::time::Duration;

    use super::Keeper;
    use crate::secret::Secret;
    use crate::session::store::{FileKey, Kind, StoreOptions, open};

    const NAME: &str = "clients/acme https://id.acme.example";

    /// As another process would have it: nothing is shared but the directory.
    fn keeper(state: &Path) -> Keeper {
        let store = open(StoreOptions {
            state_dir: state.into(),
            kind: Kind::File,
            file_key: FileKey::File(state.join("key")),
            deadline: Duration::from_secs(20),
            interactive: false,
            bus_address: None,
            runtime_dir: None,
        });
        let waiting = Arc::new(|_: &_, _| ControlFlow::Continue(()));
        Keeper::new(state.into(), store.unwrap().into(), false, Duration::from_secs(20), waiting)
    }

    fn add(keeper: &Keeper, word: &str) {
        let change = |secret: Option<Secret>| {
            let before = secret.map(|secret| secret.expose().to_owned()).unwrap_or_default();
            Some(Secret::new(format!("{before}{word}\n")))
        };
        keeper.change_secret(NAME, "a list", change).unwrap();
    }

    #[test]
    fn what_many_add_at_once_is_all_there() {
        let state = tempfile::tempdir().unwrap();
        add(&keeper(state.path()), "first");

        thread::scope(|scope| {
            for at in 0..8 {
                let keeper = keeper(state.path());
                scope.spawn(move || (0..5).for_each(|turn| add(&keeper, &format!("{at}.{turn}"))));
            }
        });

        let kept = keeper(state.path()).store().load_secret(NAME).unwrap().unwrap();
        assert_eq!(kept.expose().lines().count(), 41);
    }

    #[test]
    fn a_secret_of_which_nothing_is_left_is_removed() {
        let state = tempfile::tempdir().unwrap();
        let keeper = keeper(state.path());
        add(&keeper, "word");

        keeper.change_secret(NAME, "a list", |_| None).unwrap();

        assert_eq!(keeper.store().load_secret(NAME).unwrap(), None);
    }
}
