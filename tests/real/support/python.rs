//! Programs in Python, each in a virtual environment of its own beside the built ones.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use super::parts::{cache, hash, tell};
use super::say;

/// The folder of the programs of `tests/real/PART/requirements.txt`, in which every version is pinned; installed first if
/// they are not there.
pub(crate) fn programs(part: &'static str) -> PathBuf {
    static ONE: Mutex<()> = Mutex::new(());
    let one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let wanted = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real").join(part).join("requirements.txt");
    let text = fs::read_to_string(&wanted).unwrap_or_else(|e| panic!("reading {}: {e}", wanted.display()));
    let folder = cache().join(part).join(hash(text.as_bytes()));
    let done = folder.join("done");
    if !done.exists() {
        say(&format!("installing {part} for Python"));
        run(Path::new("/usr/bin/python3"), &["-m".as_ref(), "venv".as_ref(), "--clear".as_ref(), folder.as_os_str()]);
        let pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--requirement"].map(OsStr::new);
        run(&folder.join("bin/python"), &[&pip[..], &[wanted.as_os_str()]].concat());
        fs::write(&done, "").unwrap_or_else(|e| panic!("writing into {}: {e}", folder.display()));
    }
    drop(one);
    let version = text.lines().find(|line| line.starts_with(&format!("{part}=="))).unwrap_or_default();
    tell(part, version, &folder);
    folder.join("bin")
}

// Debian's Python: the first one in the path may be an environment, which would make the next one of itself.
fn run(program: &Path, args: &[&OsStr]) {
    let output = Command::new(program).args(args).output();
    let output = output.unwrap_or_else(|e| panic!("running {}: {e}", program.display()));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} {args:?}: {said}; it needs Debian's python3-venv", program.display());
}
