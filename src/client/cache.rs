//! Documents of servers, kept between commands.
//!
//! One private file a document, keyed by what it was asked for and carrying that key, so that a copy can serve nothing
//! else. A file that is damaged, foreign or of another version is as good as none.

use std::path::PathBuf;

use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};

use crate::system::files;

/// Seconds for which a copy is used without asking: a day.
const FRESH: i64 = 24 * 60 * 60;

/// Seconds for which a copy serves while the server cannot be reached: two weeks.
const USABLE: i64 = 14 * 24 * 60 * 60;

/// Bytes of one file; an answer is at most 1 MiB.
const LIMIT: usize = 2 << 20;

/// Version of the file's form.
const VERSION: u64 = 1;

/// The kept documents of one kind.
#[derive(Debug, Clone)]
pub(super) struct Cache {
    directory: Option<PathBuf>,
    kind: &'static str,
}

/// A kept document.
#[derive(Debug)]
pub(super) struct Kept {
    /// As it came, merged if it came in two.
    pub(super) document: Map<String, Value>,
    /// Whether it is used without asking.
    pub(super) is_fresh: bool,
}

impl Cache {
    /// Documents of `kind` below `directory`, or none where there is no directory.
    pub(super) fn new(directory: Option<PathBuf>, kind: &'static str) -> Self {
        Self { directory, kind }
    }

    /// The document kept for `key`, if it still serves.
    pub(super) fn read(&self, key: &str, now: i64) -> Option<Kept> {
        let bytes = files::read_private(&self.path(key)?, LIMIT).ok()??;
        let mut kept: Map<String, Value> = serde_json::from_slice(&bytes).ok()?;
        let fetched_at = kept.get("fetched_at")?.as_i64()?;
        let age = now - fetched_at;
        let serves = kept.get("version")?.as_u64()? == VERSION
            && kept.get("key")?.as_str()? == key
            // A minute in the future is a clock that was set back; more is a copy that would never end.
            && (-60..=USABLE).contains(&age);
        let Some(Value::Object(document)) = kept.remove("document").filter(|_| serves) else { return None };
        Some(Kept { document, is_fresh: age <= FRESH })
    }

    /// Keeps `document`; what cannot be kept is fetched again.
    pub(super) fn write(&self, key: &str, document: &Map<String, Value>, now: i64) {
        let Some(path) = self.path(key) else { return };
        let kept = json!({ "version": VERSION, "key": key, "fetched_at": now, "document": document });
        let directory = path.parent().map(files::private_dir);
        if matches!(directory, Some(Ok(()))) {
            let _ = files::replace_unlocked(&path, kept.to_string().as_bytes());
        }
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        let name: String =
            digest(&SHA256, key.as_bytes()).as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        Some(self.directory.as_ref()?.join(self.kind).join(format!("{name}.json")))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::{Map, Value, json};

    use super::Cache;

    fn document() -> Map<String, Value> {
        json!({"issuer": "https://a.example"}).as_object().unwrap().clone()
    }

    #[test]
    fn a_document_is_kept_for_its_key_and_for_a_time() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(home.path().into()), "metadata");
        cache.write("https://a.example", &document(), 1_000);

        let kept = cache.read("https://a.example", 2_000).unwrap();

        assert_eq!((kept.document, kept.is_fresh), (document(), true));
        assert!(!cache.read("https://a.example", 1_000 + 2 * 86_400).unwrap().is_fresh);
        assert!(cache.read("https://a.example", 1_000 + 30 * 86_400).is_none());
        assert!(cache.read("https://a.example", 0).is_none());
        assert!(cache.read("https://b.example", 2_000).is_none());
    }

    #[test]
    fn a_damaged_copy_and_one_of_another_key_are_none() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(home.path().into()), "metadata");
        cache.write("https://a.example", &document(), 1_000);
        let path = cache.path("https://a.example").unwrap();
        fs::copy(&path, cache.path("https://b.example").unwrap()).unwrap();

        assert!(cache.read("https://b.example", 1_000).is_none());
        fs::write(&path, "{").unwrap();
        assert!(cache.read("https://a.example", 1_000).is_none());
    }

    #[test]
    fn without_a_directory_nothing_is_kept() {
        let cache = Cache::new(None, "metadata");
        cache.write("k", &document(), 0);

        assert!(cache.read("k", 0).is_none());
    }
}
