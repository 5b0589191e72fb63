//! Schema, reference and examples say the same as the program.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;
use tierwatch::config::{Config, Key, keys, schema_text};

use crate::files::{expect_file, root, yaml_files};

fn schema() -> Value {
    serde_json::from_str(&schema_text()).expect("the schema is JSON")
}

/// YAML as JSON, by the parser under the `config` crate.
fn json_of(yaml: &str) -> Value {
    let file = ::config::File::from_str(yaml, ::config::FileFormat::Yaml);
    let built = ::config::Config::builder().add_source(file).build().expect("the example is YAML");
    built.try_deserialize().expect("the example is JSON-like")
}

#[test]
fn the_shipped_schema_is_the_printed_one() {
    expect_file(&root().join("docs/tierwatch.schema.json"), &schema_text()).unwrap_or_else(|drift| panic!("{drift}"));
}

#[test]
fn valid_files_fit_the_schema_and_mistyped_ones_do_not() {
    let validator = jsonschema::validator_for(&schema()).expect("the schema is a schema");
    for file in yaml_files("valid") {
        let text = std::fs::read_to_string(&file).expect("the file can be read");
        let found: Vec<String> = validator.iter_errors(&json_of(&text)).map(|error| error.to_string()).collect();
        assert!(found.is_empty(), "{}: {found:?}", file.display());
    }
    let unfit = ["unknown_key", "wrong_type_list", "missing_token_file", "urgency", "target_percent", "url_no_scheme"];
    for name in unfit {
        let file = root().join("tests/config/invalid").join(name).with_extension("yaml");
        let text = std::fs::read_to_string(&file).expect("the file can be read");
        assert!(!validator.is_valid(&json_of(&text)), "{}", file.display());
    }
}

#[test]
fn the_example_is_valid_and_names_every_key() {
    let text = std::fs::read_to_string(root().join("deploy/tierwatch.example.yaml")).expect("the example can be read");
    let validator = jsonschema::validator_for(&schema()).expect("the schema is a schema");
    Config::from_yaml(&text).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(validator.is_valid(&json_of(&text)));
    // With its commented lines switched on, it is valid as well and uses each key there is.
    let all: String = text.lines().map(|line| format!("{}\n", line.replacen("#:", "", 1))).collect();
    Config::from_yaml(&all).unwrap_or_else(|problems| panic!("{all}\n{problems}"));
    let mut used = BTreeSet::new();
    paths(&json_of(&all), String::new(), &mut used);
    let known: BTreeSet<String> = keys().into_iter().map(|key| key.path).collect();
    // One proof instead of another: a valid file has one of them, the other stands in a comment.
    used.insert("alertmanager.token_file".to_owned());
    assert!(text.contains("or token_file alone"));
    let unused: Vec<&String> = known.difference(&used).collect();
    assert!(unused.is_empty(), "not in the example: {unused:?}");
}

fn paths(value: &Value, at: String, found: &mut BTreeSet<String>) {
    let Some(map) = value.as_object() else {
        found.insert(at);
        return;
    };
    for (key, value) in map {
        let key = if at == "tiers" { "<name>" } else { key };
        paths(value, if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") }, found);
    }
}

#[test]
fn the_reference_lists_every_key() {
    let path = root().join("docs/configuration.md");
    let text = std::fs::read_to_string(&path).expect("the reference can be read");
    let (begin, end) = ("<!-- keys: written by the tests, from the schema -->\n", "<!-- end of keys -->\n");
    let (before, rest) = text.split_once(begin).expect("the reference has a place for the keys");
    let (_, after) = rest.split_once(end).expect("the place for the keys ends");
    let mut table = String::from("\n| key | holds | default | meaning |\n|---|---|---|---|\n");
    for Key { path, holds, default, meaning } in keys() {
        let default = if default.is_empty() || default == "required" { default } else { format!("`{default}`") };
        let _ = writeln!(table, "| `{path}` | {holds} | {default} | {} |", meaning.replace('|', "\\|"));
    }
    table.push('\n');
    expect_file(&path, &format!("{before}{begin}{table}{end}{after}")).unwrap_or_else(|drift| panic!("{drift}"));
}
