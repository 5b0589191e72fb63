//! The catalogue is the only place where a metric is named, and its names follow the conventions.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tierwatch::metrics::catalogue::{self, Kind};

#[test]
fn docs_are_printed_from_the_catalogue() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    if std::env::var_os("TIERWATCH_BLESS").is_some() {
        fs::write(&path, catalogue::print()).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == catalogue::print(), "docs/metrics.md differs: TIERWATCH_BLESS=1 cargo test --test catalogue");
}

#[test]
fn names_follow_the_conventions() {
    let mut names = BTreeSet::new();
    for row in catalogue::ALL {
        assert!(names.insert(row.name), "{} twice", row.name);
        assert!(row.name.starts_with("tierwatch_") || row.name.starts_with("process_"), "{}", row.name);
        assert_eq!(row.name.ends_with("_total"), row.kind == Kind::Counter, "{}", row.name);
        assert!(row.kind != Kind::Histogram || row.unit() == Some("seconds"), "{}", row.name);
        assert!(row.help.ends_with('.') && !row.help.contains('\n'), "{}: one sentence", row.name);
        let labels: BTreeSet<&str> = row.labels.iter().map(|label| label.name).collect();
        assert_eq!(labels.len(), row.labels.len(), "{}: a label twice", row.name);
        for scraping_adds in ["instance", "job", "endpoint", "namespace", "pod", "container", "service", "le"] {
            assert!(!labels.contains(scraping_adds), "{}: {scraping_adds}", row.name);
        }
    }
}

#[test]
fn no_metric_is_named_anywhere_else_in_the_sources() {
    let mut files = Vec::new();
    rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let of_tests = |file: &Path| file.to_string_lossy().ends_with("_tests.rs");
    for file in files.iter().filter(|file| !file.ends_with("metrics/catalogue/rows.rs") && !of_tests(file)) {
        let text = fs::read_to_string(file).unwrap();
        // Tests inside the sources may write what they expect.
        let code = text.split("#[cfg(test)]").next().unwrap();
        for (number, line) in code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            for row in catalogue::ALL {
                let bare = row.name.trim_start_matches("tierwatch_");
                // A single word such as "nodes" may well be something else, and this one is also a cause.
                let own = bare.contains('_') && bare != "runners_paused";
                let named = line.contains(row.name) || (own && line.contains(&format!("\"{bare}\"")));
                assert!(!named, "{}:{}: {} belongs to the catalogue", file.display(), number + 1, row.name);
            }
        }
    }
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !path.to_string_lossy().contains("/tests")
            // The demo's truth reads a scrape as any user does: it must notice a change of name, not follow it.
            && !path.to_string_lossy().contains("/src/demo/truth/")
        {
            found.push(path);
        }
    }
}
