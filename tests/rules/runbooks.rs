//! A11: a runbook for each alert and none beside, all of the same build, and nothing in them that does not work.

use std::collections::BTreeSet;
use std::path::Path;

use clap::Parser as _;
use tierwatch::cli::{Flags, Invocation};
use tierwatch::output::RUNBOOKS;

use super::{alerts, promql, root};

const SECTIONS: [&str; 5] = ["## Meaning", "## Impact", "## Diagnosis", "## Mitigation", "## Is it false?"];

fn files() -> Vec<(String, String)> {
    let folder = root().join("docs/runbooks");
    let names = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = names
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn each_alert_has_its_runbook_and_each_runbook_its_alert() {
    let written: Vec<String> = files().into_iter().map(|(name, _)| name).collect();
    assert_eq!(written, alerts::names());
    let served: Vec<&str> = RUNBOOKS.iter().map(|(name, _)| *name).collect();
    assert_eq!(served, alerts::names());
}

#[test]
fn each_runbook_has_its_sections_in_order() {
    for (name, text) in files() {
        let headings: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).collect();
        let wanted: Vec<String> =
            [format!("# {name}")].into_iter().chain(SECTIONS.iter().map(|section| (*section).to_owned())).collect();
        assert_eq!(headings, wanted, "{name}");
        let empty = text.split("\n## ").skip(1).find(|section| section.lines().count() < 3);
        assert_eq!(empty, None, "{name}");
    }
}

/// The blocks of one language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let open = format!("```{language}\n");
    text.split(&open).skip(1).filter_map(|rest| rest.split_once("\n```")).map(|(block, _)| block.to_owned()).collect()
}

#[test]
fn the_first_command_is_ours() {
    for (name, text) in files() {
        let (_, diagnosis) = text.split_once("## Diagnosis\n").unwrap();
        let first = diagnosis.split("```").nth(1).unwrap_or_else(|| panic!("{name}: no command"));
        let ours = ["sh\ntierwatch ", "sh\ncurl -s http://localhost:10471/", "promql\n"];
        assert!(ours.iter().any(|begin| first.starts_with(begin)), "{name}: {first}");
    }
}

#[test]
fn every_expression_is_of_metrics_that_there_are() {
    let mut seen = 0;
    for (name, text) in files() {
        for expr in blocks(&text, "promql") {
            promql::judge(&name, &expr, false, &BTreeSet::new());
            seen += 1;
        }
    }
    assert!(seen > 20, "only {seen} expressions were found");
}

/// What kubectl can do with what; a typing error in either is found.
const KUBECTL: &[(&str, &[&str])] = &[
    (
        "get",
        &[
            "pods",
            "nodes",
            "events",
            "namespace",
            "deployments,pods",
            "nodepools,nodeclaims",
            "networkpolicies,serviceaccounts,rolebindings",
        ],
    ),
    ("describe", &["pods", "resourcequotas"]),
    ("logs", &["deployment/gitlab-runner", "deployment/tierwatch"]),
    ("port-forward", &["deployment/tierwatch"]),
    ("exec", &["deployment/tierwatch"]),
];

#[test]
fn every_command_is_one_that_there_is() {
    for (name, text) in files() {
        for line in blocks(&text, "sh").iter().flat_map(|block| block.lines()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[0] {
                "tierwatch" => {
                    let words = words.iter().map(|word| if *word == "$JOB" { "4711" } else { word });
                    assert!(Invocation::try_parse_from(words).is_ok(), "{name}: {line}");
                }
                "curl" => {
                    let path =
                        line.strip_prefix("curl -s http://localhost:10471").unwrap_or_else(|| panic!("{name}: {line}"));
                    let known = ["/readyz", "/api/v1/sources", "/api/v1/boundaries", "/api/v1/tiers/$TIER"];
                    assert!(known.contains(&path), "{name}: {line}");
                }
                "kubectl" => {
                    let mut rest = words[1..].iter().copied();
                    let mut verb = rest.next().unwrap();
                    if verb == "-n" {
                        let known = ["$NAMESPACE", "$MANAGER_NAMESPACE", "tierwatch"];
                        assert!(known.contains(&rest.next().unwrap()), "{name}: {line}");
                        verb = rest.next().unwrap();
                    }
                    let what = rest.next().unwrap();
                    let fits = KUBECTL.iter().any(|(known, of)| *known == verb && of.contains(&what));
                    assert!(fits, "{name}: kubectl {verb} {what}");
                    let inside = line.split_once(" -- ").map(|(_, inside)| inside.split_whitespace());
                    // In a pod there is no file where the program looks by itself.
                    let finds_its_file =
                        |flags: Flags| flags.config_file == Path::new("/etc/tierwatch/config/tierwatch.yaml");
                    let is_ours = inside.is_none_or(|words| {
                        Invocation::try_parse_from(words).is_ok_and(|parsed| finds_its_file(parsed.flags))
                    });
                    assert!(is_ours, "{name}: {line}");
                }
                other => panic!("{name}: {other}"),
            }
        }
    }
}

#[test]
fn links_lead_to_runbooks_that_there_are() {
    for (name, text) in files() {
        for target in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target) {
            let alert = target.strip_suffix(".md").unwrap_or_else(|| panic!("{name}: {target}"));
            assert!(alerts::names().contains(&alert), "{name}: {target}");
        }
    }
}
