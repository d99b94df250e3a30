//! Looks for secrets where none may be.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A secret found in a file, or a file that others may read.
#[derive(Debug)]
#[allow(dead_code, reason = "shown by Debug when a test fails")]
pub struct Leak {
    pub file: PathBuf,
    pub secret: String,
}

/// Every place below `folder` where one of `secrets` stands in clear, in a file's content or name.
pub fn leaks(folder: &Path, secrets: &BTreeSet<String>) -> Vec<Leak> {
    let mut found = Vec::new();
    for file in files(folder) {
        let mut content = fs::read(&file).unwrap_or_default();
        content.extend_from_slice(file.as_os_str().as_encoded_bytes());
        for secret in secrets.iter().filter(|secret| contains(&content, secret.as_bytes())) {
            found.push(Leak { file: file.clone(), secret: secret.clone() });
        }
    }
    found
}

/// The files below `folder`, however deep; links are not followed.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(files(&entry.path())),
            _ => found.push(entry.path()),
        }
    }
    found
}

fn contains(content: &[u8], secret: &[u8]) -> bool {
    let Some(first) = secret.first() else { return false };
    let mut rest = content;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        if rest[at..].starts_with(secret) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}

#[test]
fn a_secret_is_found_in_content_and_in_a_name() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("deep")).expect("a folder in it");
    fs::write(folder.path().join("deep/one"), "xxsecsecretyy").expect("a file");
    fs::write(folder.path().join("secret.lock"), "").expect("a file");
    fs::write(folder.path().join("clean"), "sec ret").expect("a file");

    let found = leaks(folder.path(), &BTreeSet::from(["secret".to_owned()]));

    let mut names: Vec<_> = found.iter().map(|leak| leak.file.file_name().unwrap_or_default()).collect();
    names.sort();
    assert_eq!(names, ["one", "secret.lock"]);
}
