//! Where the parts keep their data and their logs: under `target/tmp`, gone with the test that made it, kept when that test fails.
//!
//! The shared cluster lives in a static, which is never dropped: what an ended run has left is removed by the next one.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Once;

use tempfile::TempDir;

/// A folder of this run.
#[derive(Debug)]
pub(crate) struct Folder(Option<TempDir>);

impl Folder {
    pub(crate) fn new(purpose: &str) -> Self {
        let home = home();
        static SWEPT: Once = Once::new();
        SWEPT.call_once(|| sweep(&home));
        let prefix = format!("{}-{purpose}-", std::process::id());
        let folder = tempfile::Builder::new().prefix(&prefix).tempdir_in(&home);
        Self(Some(folder.unwrap_or_else(|e| panic!("making a folder in {}: {e}", home.display()))))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.as_ref().expect("taken only when dropped").path()
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Some(folder) = self.0.take()
            && std::thread::panicking()
        {
            super::say(&format!("logs are kept in {}", folder.keep().display()));
        }
    }
}

fn home() -> PathBuf {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("real");
    fs::create_dir_all(&home).unwrap_or_else(|e| panic!("making {}: {e}", home.display()));
    home
}

/// Removes the folders of processes that are gone.
fn sweep(home: &Path) {
    let Ok(folders) = fs::read_dir(home) else { return };
    for folder in folders.flatten() {
        let name = folder.file_name();
        let owner = name.to_str().and_then(|name| name.split('-').next()).unwrap_or_default();
        if !Path::new("/proc").join(owner).exists() {
            // Another run may be sweeping too.
            let _ = fs::remove_dir_all(folder.path());
        }
    }
}
