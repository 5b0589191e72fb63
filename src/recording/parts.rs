//! The files of one recording: `FILE` is being written, `FILE.0001`, `FILE.0002`, … are full.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// Where a full part is kept.
pub(super) fn kept(file: &Path, part: u64) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(format!(".{part:04}"));
    name.into()
}

/// The full parts that are there, oldest first.
pub(super) fn full(file: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let Some(name) = file.file_name() else { return Ok(Vec::new()) };
    let prefix = format!("{}.", name.to_string_lossy());
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let number = entry.file_name().to_string_lossy().strip_prefix(&prefix).and_then(number);
        found.extend(number.map(|number| (number, entry.path())));
    }
    found.sort_unstable();
    Ok(found)
}

/// Exactly what [`kept`] writes: another file whose name begins alike is left alone.
fn number(text: &str) -> Option<u64> {
    let digits = text.len() >= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_in_order_and_others_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("day.gz");
        for name in ["day.gz", "day.gz.0002", "day.gz.0010", "day.gz.0001", "day.gz.sha256", "day.gz.1", "day2.gz.0003"]
        {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let numbers: Vec<u64> = full(&file).unwrap().into_iter().map(|(number, _)| number).collect();
        assert_eq!(numbers, [1, 2, 10]);
        assert_eq!(kept(&file, 12_345), folder.path().join("day.gz.12345"));
    }
}
