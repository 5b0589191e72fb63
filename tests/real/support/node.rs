//! Node's modules, each set beside the built programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use super::parts::{cache, hash};
use super::say;

/// The folder with what `tests/real/PART/package-lock.json` names; installed first if it is not there.
pub(crate) fn modules(part: &'static str) -> PathBuf {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real").join(part);
    let files = ["package.json", "package-lock.json"];
    let text: Vec<u8> =
        files.iter().flat_map(|file| fs::read(source.join(file)).expect("a file of ours can be read")).collect();
    let folder = cache().join(part).join(hash(&text));
    if folder.join("node_modules/.package-lock.json").exists() {
        return folder;
    }
    fs::create_dir_all(&folder).unwrap_or_else(|e| panic!("making {}: {e}", folder.display()));
    for file in files {
        fs::copy(source.join(file), folder.join(file)).unwrap_or_else(|e| panic!("copying {file}: {e}"));
    }
    say(&format!("installing the modules of {part} into {}", folder.display()));
    // Nothing of them is to be run while they are installed; the browser is Debian's.
    let args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    let done = Command::new("npm").args(args).current_dir(&folder).status();
    let done = done.unwrap_or_else(|e| panic!("running npm: {e}: apt-get install --no-install-recommends nodejs npm"));
    assert!(done.success(), "npm ci in {}: {done}", folder.display());
    folder
}
