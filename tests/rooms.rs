//! The laws of the house, read from its `use` lines.

use std::path::{Path, PathBuf};

const PURE: [&str; 4] = ["src/model", "src/cause", "src/condition", "src/observation"];

/// What a pure room may name besides itself.
fn allowed(path: &Path, root: &str) -> bool {
    let parser = path.starts_with("src/cause") && root == "winnow";
    // Addresses of network policies and sets of them: docs/decisions/0019-what-a-boundary-is.md.
    let addresses = root == "ipnet" || path.starts_with("src/model/posture") && root == "range_set_blaze";
    parser || addresses || ["std", "jiff", "serde", "self", "super"].contains(&root)
}

/// Pure rooms may use each other, and nothing else of the crate.
fn allowed_room(room: &str) -> bool {
    ["model", "cause", "condition", "observation"].contains(&room)
}

fn rust_files(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).expect("a room can be listed");
        entries.for_each(|entry| rust_files(&entry.expect("an entry can be read").path(), found));
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        found.push(path.to_owned());
    }
}

/// Each `use` statement as one line of text, without `pub` and visibility.
fn uses(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        let bare = line.trim_start();
        let bare = bare
            .strip_prefix("pub ")
            .or_else(|| {
                bare.split_once(") ").filter(|(visibility, _)| visibility.starts_with("pub(")).map(|(_, rest)| rest)
            })
            .unwrap_or(bare);
        let Some(mut statement) = bare.strip_prefix("use ").map(str::to_owned) else { continue };
        while !statement.contains(';') {
            let Some(next) = lines.next() else { break };
            statement.push_str(next.trim());
        }
        found.push(statement);
    }
    found
}

fn is_test(path: &Path) -> bool {
    path.file_stem().and_then(|stem| stem.to_str()).is_some_and(|stem| stem == "tests" || stem.ends_with("_tests"))
}

#[test]
fn pure_rooms_use_std_jiff_serde_and_each_other() {
    let mut files = Vec::new();
    for room in PURE.iter().map(Path::new).filter(|room| room.exists()) {
        rust_files(room, &mut files);
    }
    assert!(files.len() > 10, "the pure rooms were not found: {files:?}");
    let mut broken = Vec::new();
    for path in files.iter().filter(|path| !is_test(path)) {
        let source = std::fs::read_to_string(path).expect("a source can be read");
        // Unit tests at the end of a file may use test libraries.
        let code = source.split("#[cfg(test)]").next().unwrap_or_default();
        let children: Vec<&str> = code
            .lines()
            .filter_map(|line| line.trim().trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'))
            .chain(code.lines().filter_map(|line| line.trim().strip_prefix("macro_rules! ")?.strip_suffix(" {")))
            .collect();
        // A capital letter is a type of this room, whose variants are being named.
        for statement in
            uses(code).into_iter().filter(|statement| statement.starts_with(|letter: char| letter.is_lowercase()))
        {
            let mut parts = statement.trim_end_matches(';').split("::");
            let root = parts.next().unwrap_or_default();
            let fine = if root == "crate" {
                parts.next().is_some_and(|room| allowed_room(room.trim_end_matches([';', '{'])))
            } else {
                allowed(path, root) || children.contains(&root)
            };
            if !fine {
                broken.push(format!("{}: use {statement}", path.display()));
            }
        }
        for forbidden in
            ["async fn", ".await", "tokio::", "reqwest::", "kube::client", "Instant::now", "Timestamp::now"]
        {
            if code.contains(forbidden) {
                broken.push(format!("{}: {forbidden}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "the pure rooms reach outside:\n{}", broken.join("\n"));
}

/// What happens at one instant is told in the order of the tables. The order of a hash table differs from run to run,
/// and a sum of floats with it: a replay would not say the same to the last bit.
#[test]
fn the_model_keeps_its_tables_in_order() {
    let mut files = Vec::new();
    rust_files(Path::new("src/model"), &mut files);
    let holds_hashes = |path: &&PathBuf| {
        let source = std::fs::read_to_string(path).expect("a source can be read");
        source.contains("HashMap") || source.contains("HashSet")
    };
    let hashed: Vec<_> = files.iter().filter(holds_hashes).collect();
    assert!(!files.is_empty() && hashed.is_empty(), "take BTreeMap and BTreeSet: {hashed:?}");
}

#[test]
fn no_file_has_grown_past_one_idea() {
    let mut files = Vec::new();
    rust_files(Path::new("src"), &mut files);
    let long: Vec<_> = files
        .iter()
        .filter(|path| !is_test(path))
        .filter_map(|path| {
            let source = std::fs::read_to_string(path).expect("a source can be read");
            let code = source.split("#[cfg(test)]").next().unwrap_or_default().lines().count();
            (code > 500).then(|| format!("{}: {code} lines", path.display()))
        })
        .collect();
    assert!(long.is_empty(), "files over 500 lines without their tests:\n{}", long.join("\n"));
}

#[test]
fn main_only_starts() {
    let main = std::fs::read_to_string("src/main.rs").expect("main can be read");
    assert!(main.lines().count() <= 30, "main.rs has {} lines", main.lines().count());
}
