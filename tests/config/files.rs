//! Each YAML file of this folder gives the text beside it.

use std::path::{Path, PathBuf};

use tierwatch::config::{Config, Resolved};

/// The package's folder.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Compares `text` with the file at `path`, or writes it when blessed.
pub(crate) fn expect_file(path: &Path, text: &str) -> Result<(), String> {
    if std::env::var_os("TIERWATCH_BLESS").is_some() {
        std::fs::write(path, text).expect("the expected text can be written");
    }
    match std::fs::read_to_string(path) {
        Ok(expected) if expected == text => Ok(()),
        Ok(expected) => Err(format!("{}:\nexpected:\n{expected}\nis:\n{text}", path.display())),
        Err(error) => Err(format!("{}: {error}; TIERWATCH_BLESS=1 writes it. It would be:\n{text}", path.display())),
    }
}

pub(crate) fn yaml_files(folder: &str) -> Vec<PathBuf> {
    let folder = root().join("tests/config").join(folder);
    let entries = std::fs::read_dir(&folder).expect("the folder can be read");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    assert!(!files.is_empty(), "{} has no files", folder.display());
    files
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).expect("the file can be read")
}

#[test]
fn every_invalid_file_gives_its_text() {
    let mut wrong = Vec::new();
    for file in yaml_files("invalid") {
        match Config::from_yaml(&read(&file)) {
            Ok(_) => wrong.push(format!("{} is accepted", file.display())),
            Err(problems) => wrong.extend(expect_file(&file.with_extension("txt"), &problems.to_string()).err()),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_valid_file_resolves_to_its_text_which_is_valid_again() {
    let mut wrong = Vec::new();
    for file in yaml_files("valid") {
        let resolved = match Resolved::from_yaml(&read(&file), std::iter::empty()) {
            Ok(resolved) => resolved,
            Err(problems) => {
                wrong.push(format!("{}:\n{problems}", file.display()));
                continue;
            }
        };
        let printed = resolved.to_yaml();
        wrong.extend(expect_file(&file.with_extension("txt"), &printed).err());
        let again = Config::from_yaml(&printed).unwrap_or_else(|problems| panic!("{printed}\n{problems}"));
        assert_eq!(format!("{again:?}"), format!("{:?}", resolved.config), "{}", file.display());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_text_belongs_to_a_file() {
    for folder in ["invalid", "valid"] {
        for entry in std::fs::read_dir(root().join("tests/config").join(folder)).expect("the folder can be read") {
            let path = entry.expect("an entry").path();
            assert!(path.with_extension("yaml").exists(), "{} has no YAML file beside it", path.display());
        }
    }
}
