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
