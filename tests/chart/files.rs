//! Files of the chart, and those that tests write.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// The chart's folder.
pub(crate) fn chart() -> PathBuf {
    root().join("deploy/chart/tierwatch")
}

/// The package's folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

pub(crate) fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("reading {}: {e}", path.display()))
}

/// YAML as JSON.
pub(crate) fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|e| panic!("{e}\nin:\n{text}"))
}

/// Compares the file with `text`, or writes it when blessed.
#[track_caller]
pub(crate) fn generated(path: &Path, text: &str) {
    if std::env::var_os("TIERWATCH_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == text, "{} differs: TIERWATCH_BLESS=1 cargo test --test chart", path.display());
}

/// The files of a folder that end in `.extension`, sorted.
pub(crate) fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
    files.sort();
    files
}
