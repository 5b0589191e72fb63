//! What developers run is what CI runs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("reading {}: {e}", path.display()))
}

/// Name to the one line of its body.
fn recipes() -> BTreeMap<String, String> {
    let text = read("justfile");
    let lines: Vec<_> = text.lines().collect();
    let named = lines.windows(2).filter_map(|pair| {
        let name = pair[0].strip_suffix(':')?;
        Some((name.to_owned(), pair[1].strip_prefix("    ")?.to_owned()))
    });
    named.collect()
}

#[test]
fn the_steps_of_ci_are_the_recipes_of_the_justfile() {
    let ci = read(".ci/run");
    let recipes = recipes();
    let mut compared = 0;
    for step in ci.lines().filter_map(|line| line.strip_prefix("step ")) {
        let (name, command) = step.split_once(' ').expect("a step has a name and a command");
        // The others are functions of the script: what it installs.
        if command.contains(' ') {
            assert_eq!(
                recipes.get(name).map(String::as_str),
                Some(command),
                "step {name} of .ci/run against the justfile"
            );
            compared += 1;
        }
    }
    assert!(compared >= 6, "only {compared} steps of .ci/run were recognised");
}

/// What GitLab runs for this project is what developers run, with the same version of each tool.
#[test]
fn the_pipeline_at_gitlab_has_the_same_lines() {
    let (pipeline, ci, recipes) = (read(".gitlab-ci.yml"), read(".ci/run"), recipes());
    for name in ["fmt", "test", "lint", "deny"] {
        let line = format!("    - {}\n", recipes[name]);
        assert!(pipeline.contains(&line), "{name} in .gitlab-ci.yml");
    }
    let deny = ci
        .lines()
        .skip_while(|line| !line.starts_with("cargo_deny()"))
        .find_map(|line| line.trim().strip_prefix("local version="));
    let deny = deny.expect(".ci/run pins cargo-deny");
    assert!(pipeline.contains(&format!("cargo-deny@{deny}\n")), "cargo-deny {deny}");
    let toolchain = read("rust-toolchain.toml");
    let version =
        toolchain.lines().find_map(|line| line.strip_prefix("channel = ")).expect("a channel").trim_matches('"');
    assert!(pipeline.contains(&format!("rust:{version}-bookworm\n")), "Rust {version}");
}

#[test]
fn the_pipeline_at_gitlab_pins_what_it_fetches() {
    let pipeline = read(".gitlab-ci.yml");
    let mut pinned = 0;
    for line in pipeline.lines().map(str::trim) {
        let image = line.strip_prefix("image: ").or_else(|| line.split_once("_IMAGE: ").map(|(_, image)| image));
        if let Some(image) = image.filter(|image| !image.starts_with('$')) {
            let tag = image.rsplit_once(':').map(|(_, tag)| tag).unwrap_or_default();
            assert!(tag.matches('.').count() >= 2, "{line} names a full version");
            pinned += 1;
        }
        if line.contains("cargo install") || line.contains("go install") {
            let words = line.split(' ').skip_while(|word| *word != "install").skip(1);
            let tools: Vec<_> = words
                .filter(|word| word.starts_with("cargo-") || word.contains(".com/") || word.contains(".sh/"))
                .collect();
            assert!(!tools.is_empty(), "{line}");
            for tool in tools {
                let version =
                    tool.split_once('@').map(|(_, version)| version.trim_start_matches('v')).unwrap_or_default();
                assert_eq!(version.matches('.').count(), 2, "{tool} is pinned");
                pinned += 1;
            }
        }
    }
    assert!(pinned >= 10, "only {pinned} were recognised");
}
