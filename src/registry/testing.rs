//! A provider for tests of the layers above.

use std::fs;

use super::{Provider, Registry};
use crate::system::Environment;

/// The provider whose entry consists of these lines.
pub(crate) fn provider(entry: &str) -> Provider {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("keyfob/providers.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, format!("[providers.test]\n{entry}\n")).unwrap();
    let config = home.path().to_str().unwrap();
    let environment = Environment::given([("XDG_CONFIG_HOME", config), ("XDG_CONFIG_DIRS", "/nonexistent")]);
    Registry::open(&environment).unwrap().find("test").unwrap().provider().unwrap()
}
