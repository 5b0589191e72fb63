//! B1: the dashboards are what Grafana's own types say, of the oldest and the newest version that the docs name.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::read::boards;
use crate::support::folder::Folder;
use crate::support::{node, say};

/// The package as it is installed, and what it is called for people.
const VERSIONS: [(&str, &str); 2] = [("grafana-schema-10", "10.4"), ("@grafana/schema", "13.2")];

#[test]
fn b1_the_dashboards_are_of_grafanas_types() {
    let modules = node::modules("dashboards").join("node_modules");
    for (package, version) in VERSIONS {
        let complaints = check(&modules, package, |text| text);
        assert!(complaints.is_empty(), "Grafana {version}:\n{complaints}");
        say(&format!("dashboards: {} of Grafana {version}'s types", boards().len()));
    }
}

/// The check can fail: an option that no panel has, a colour mode that is none, a variable hidden in a way that there is not.
#[test]
fn b1_a_mistake_is_found() {
    let modules = node::modules("dashboards").join("node_modules");
    let mistakes = [
        ("\"graphMode\":\"none\"", "\"graphMode\":\"nothing\""),
        ("\"spanNulls\":false", "\"spanNull\":false"),
        ("\"asDropdown\":true", "\"asDropdown\":\"yes\""),
        ("\"mode\":\"palette-classic\"", "\"mode\":\"palette-modern\""),
    ];
    for (right, wrong) in mistakes {
        let complaints = check(&modules, "@grafana/schema", |text| text.replacen(right, wrong, 1));
        assert!(complaints.contains("error TS"), "{wrong} was taken");
    }
}

/// What the compiler says of every dashboard.
fn check(modules: &Path, package: &str, changed: impl Fn(String) -> String) -> String {
    let folder = Folder::new("dashboards-types");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/dashboards/types.ts");
    fs::copy(source, folder.join("types.ts")).expect("the types can be copied");
    let mut text = String::from("import type { Board } from './types';\n");
    for (index, board) in boards().iter().enumerate() {
        // A literal, so that a key that no type knows is an error.
        writeln!(text, "export const board{index}: Board = {};", changed(board.json.to_string()))
            .expect("a string takes any text");
    }
    fs::write(folder.join("boards.ts"), text).expect("the folder takes a file");
    std::os::unix::fs::symlink(modules, folder.join("node_modules")).expect("the folder takes a link");
    let mut config = json!({
        "compilerOptions": {
            "strict": true, "noEmit": true, "skipLibCheck": true, "target": "es2022", "module": "preserve", "types": [],
        },
        "files": ["boards.ts"],
    });
    if package != "@grafana/schema" {
        // An older version under another name; its own files, too, ask for it by the usual one.
        let at = |rest: &str| modules.join(package).join(rest);
        config["compilerOptions"]["paths"] =
            json!({ "@grafana/schema": [at("dist/index.d.ts")], "@grafana/schema/dist/esm/*": [at("dist/esm/*")] });
    }
    fs::write(folder.join("tsconfig.json"), config.to_string()).expect("the folder takes a file");
    let output = Command::new("node")
        .arg(modules.join("typescript/bin/tsc"))
        .arg("-p")
        .arg(folder.path())
        .output()
        .unwrap_or_else(|e| panic!("running node: {e}: apt-get install --no-install-recommends nodejs npm"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() == said.trim().is_empty(), "tsc ended with {}: {said}", output.status);
    said
}
