//! The rules under promtool, that of Prometheus 3 and that of 2.42: clean, firing when they should, and each change of one found.

#[path = "../../support/alerts.rs"]
mod alerts;
mod budget;
mod mutants;
mod stories;

use std::path::{Path, PathBuf};
use std::process::Command;

use tierwatch::config::Config;
use tierwatch::rules::{self, Form, Group, Rule};

use crate::support::folder::Folder;
use crate::support::{parts, say};
use stories::Story;

const CONFIGS: [&str; 4] = [
    "tests/rules/three.yaml",
    "deploy/tierwatch.example.yaml",
    "tests/config/valid/full.yaml",
    "tests/config/valid/minimum.yaml",
];

fn config(file: &str) -> Config {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = std::fs::read_to_string(path).expect("a configuration can be read");
    Config::from_yaml(&text).unwrap_or_else(|problems| panic!("{problems}"))
}

/// What is tested: the rules of a tier of each urgency. Texts are left out: they are tested where they are read.
fn without_texts() -> Vec<Group> {
    let mut groups = rules::groups(&config(CONFIGS[0]));
    for rule in groups.iter_mut().flat_map(|group| &mut group.rules) {
        if let Rule::Alert { annotations, .. } = rule {
            annotations.clear();
        }
    }
    groups
}

/// What promtool complains of, if it does.
fn promtool(program: &Path, folder: &Folder, args: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(args).current_dir(folder.path()).output().expect("promtool runs");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if output.status.success() { Ok(()) } else { Err(said) }
}

/// Runs stories against rules.
fn play(program: &Path, groups: &[Group], stories: &[Story]) -> Result<(), String> {
    let folder = Folder::new("rules");
    let write = |name: &str, text: String| std::fs::write(folder.join(name), text).expect("the folder takes a file");
    write("rules.yaml", rules::text(groups, Form::File));
    write("test.yaml", stories::text(stories));
    promtool(program, &folder, &["test", "rules", "test.yaml"])
}

/// The rules of one alert, with everything that is recorded.
fn of_alert(groups: &[Group], name: &str) -> Vec<Group> {
    let keeps = |rule: &Rule| match rule {
        Rule::Record { .. } => name == alerts::BURN,
        Rule::Alert { alert, .. } => *alert == name,
    };
    let mut groups = groups.to_vec();
    groups.iter_mut().for_each(|group| group.rules.retain(keeps));
    groups.retain(|group| !group.rules.is_empty());
    groups
}

fn stories_of(name: &'static str) -> Vec<Story> {
    if name == alerts::BURN { budget::stories() } else { stories::of(name) }
}

/// A1 and A24.
#[test]
fn promtool_finds_nothing_in_the_rules_of_any_configuration() {
    for program in [parts::promtool(), PathBuf::from("/usr/bin/promtool")] {
        for file in CONFIGS {
            let folder = Folder::new("lint");
            std::fs::write(folder.join("rules.yaml"), rules::print(&config(file), Form::File)).expect("a file");
            let checked = promtool(&program, &folder, &["check", "rules", "--lint=all", "--lint-fatal", "rules.yaml"]);
            assert_eq!(checked, Ok(()), "{file} by {}", program.display());
        }
    }
}

/// A3 and A5 to A8 and A17, for every alert.
#[test]
fn every_alert_fires_when_it_should_and_only_then() {
    let groups = without_texts();
    for program in [parts::promtool(), PathBuf::from("/usr/bin/promtool")] {
        let mut played = 0;
        for name in alerts::names() {
            let stories = stories_of(name);
            assert!(stories.iter().any(Story::fires) && stories.iter().any(|story| !story.fires()), "{name}");
            play(&program, &of_alert(&groups, name), &stories).unwrap_or_else(|said| panic!("{name}: {said}"));
            played += stories.len();
        }
        say(&format!("{played} stories of {} alerts by {}", alerts::names().len(), program.display()));
    }
}

/// A4.
#[test]
fn every_mutant_is_found() {
    mutants::hunt(&without_texts());
}
