//! Links lead somewhere, pictures are there and small, and every page can be found from the index.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::pages::{pages, root};

/// A picture that takes longer to load than the page to read helps nobody.
const LARGEST_PICTURE: u64 = 350_000;

/// Without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path {
        match part.to_str().unwrap() {
            "." => {}
            ".." => assert!(plain.pop(), "{} leaves the repository", path.display()),
            name => plain.push(name),
        }
    }
    plain
}

#[test]
fn every_link_leads_somewhere() {
    let anchors: BTreeMap<String, _> = pages().iter().map(|page| (page.name.clone(), page.anchors())).collect();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in pages() {
        for (target, line) in page.targets() {
            if target.starts_with("https://") || target.starts_with("http://localhost") {
                continue;
            }
            seen += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((target.as_str(), ""));
            let folder = Path::new(&page.name).parent().unwrap();
            let file = if file.is_empty() { PathBuf::from(&page.name) } else { plain(&folder.join(file)) };
            let there = root().join(&file).exists();
            let known = |page: &Path| anchors.get(&page.display().to_string()).is_some_and(|all| all.contains(anchor));
            if !there || !anchor.is_empty() && !known(&file) {
                wrong.push(format!("{}:{line}: {target}", page.name));
            }
        }
    }
    assert!(seen > 200, "only {seen} links were found");
    assert!(wrong.is_empty(), "links lead nowhere:\n{}", wrong.join("\n"));
}

#[test]
fn pictures_are_small_and_shown() {
    let shown: Vec<String> = pages().iter().flat_map(|page| page.targets()).map(|(target, _)| target).collect();
    for entry in std::fs::read_dir(root().join("docs/images")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        assert!(shown.iter().any(|target| target.ends_with(&name)), "{name} is on no page");
        let size = entry.metadata().unwrap().len();
        assert!(size <= LARGEST_PICTURE, "{name} has {size} bytes");
    }
}

#[test]
fn the_index_names_every_page() {
    let index = pages().into_iter().find(|page| page.name == "docs/README.md").unwrap();
    let named: Vec<String> = index.targets().into_iter().map(|(target, _)| target).collect();
    for page in pages() {
        let Some(name) = page.name.strip_prefix("docs/").filter(|name| !name.contains('/') && *name != "README.md")
        else {
            continue;
        };
        assert!(named.iter().any(|target| target == name), "docs/README.md does not name {name}");
    }
}
