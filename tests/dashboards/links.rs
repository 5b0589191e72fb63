//! B14, B16, B17, and A12 of the alerts: where things lead.

use std::collections::BTreeSet;

use serde_json::Value;
use tierwatch::rules::{Rule, groups};

use crate::read::{boards, config, list, text};

fn uids() -> BTreeSet<String> {
    boards().iter().map(|board| board.uid().to_owned()).collect()
}

/// A12: the dashboard of an alert is there, and so is the variable that the link fills in.
#[test]
fn a12_the_links_of_the_rules_resolve() {
    let all = boards();
    for rule in groups(&config("tests/rules/three.yaml")).into_iter().flat_map(|group| group.rules) {
        let Rule::Alert { alert, annotations, .. } = rule else { continue };
        let (_, url) = annotations.iter().find(|(name, _)| *name == "dashboard_url").unwrap();
        let path = url.strip_prefix("https://grafana.example.com/d/").unwrap_or_else(|| panic!("{alert}: {url}"));
        let (uid, query) = path.split_once('?').unwrap();
        let board = all.iter().find(|board| board.uid() == uid).unwrap_or_else(|| panic!("{alert}: there is no {uid}"));
        let known: BTreeSet<&str> = board.variables().iter().map(|one| text(one, "name")).collect();
        for (name, _) in query.split('&').map(|pair| pair.split_once('=').unwrap()) {
            let variable = name.strip_prefix("var-");
            assert!(
                variable.map_or(["from", "to"].contains(&name), |name| known.contains(name)),
                "{alert}: {name} of {url}"
            );
        }
        assert_eq!(
            query.contains("var-tier={{ $labels.tier }}"),
            !alert.starts_with("Tierwatch") || alert == "TierwatchSourceDown",
            "{alert}: {url}"
        );
        let (wakes, own) = (tierwatch::rules::wakes(alert), uid.starts_with("tierwatch-alert-"));
        assert_eq!(wakes, own, "{alert}: {uid}");
    }
    // The other way round: each view of an incident is that of an alert.
    let alerts = groups(&config("tests/rules/three.yaml")).into_iter().flat_map(|group| group.rules);
    let led_to: BTreeSet<String> = alerts
        .filter_map(
            |rule| if let Rule::Alert { alert, .. } = rule { Some(tierwatch::rules::board(alert)) } else { None },
        )
        .collect();
    let incidents: Vec<String> = uids().into_iter().filter(|uid| uid.starts_with("tierwatch-alert-")).collect();
    assert_eq!(incidents.len(), 11, "{incidents:?}");
    assert!(incidents.iter().all(|uid| led_to.contains(uid)), "{incidents:?} of {led_to:?}");
}

/// B14: from anywhere to anywhere with the same tier and time.
#[test]
fn b14_links_keep_tier_and_time() {
    let uids = uids();
    let tags: BTreeSet<String> =
        boards().iter().map(|board| board.json["tags"][0].as_str().unwrap().to_owned()).collect();
    let mut to_a_tier = 0;
    for board in boards() {
        let links = list(&board.json["links"]);
        let dropdowns: Vec<&Value> = links.iter().filter(|link| link["type"] == "dashboards").collect();
        assert_eq!(dropdowns.len(), 2, "{}", board.file);
        for link in dropdowns {
            assert!(
                link["keepTime"] == true && link["includeVars"] == true && link["asDropdown"] == true,
                "{}",
                board.file
            );
            assert!(tags.contains(link["tags"][0].as_str().unwrap()), "{}: {link}", board.file);
        }
        for link in board.data_links() {
            let url = text(link, "url");
            let Some(path) = url.strip_prefix("/d/") else { continue };
            let (uid, query) = path.split_once('?').unwrap();
            assert!(uids.contains(uid), "{}: {url}", board.file);
            for kept in [
                "${__url_time_range}",
                "${datasource:queryparam}",
                "${job:queryparam}",
                "${cluster:queryparam}",
                "var-tier=${__",
            ] {
                assert!(query.contains(kept), "{}: {url} loses {kept}", board.file);
            }
            to_a_tier += usize::from(uid == "tierwatch-tier");
        }
    }
    assert!(to_a_tier >= 3, "overview to tier: {to_a_tier}");
}

/// B16: addresses outside begin with a constant and hold bounded labels only, which Grafana encodes.
#[test]
fn b16_links_to_gitlab_hold_bounded_labels_only() {
    let bounded = ["Tier", "Runner", "Alert", "Check"];
    let mut to_gitlab = BTreeSet::new();
    for board in boards() {
        for link in board.data_links() {
            let url = text(link, "url");
            let begins =
                ["/d/", "${gitlab}/", "${tierwatch}/", "${runbooks}/"].iter().any(|base| url.starts_with(base));
            assert!(begins && !url.contains("://"), "{}: {url}", board.file);
            for field in url.split("${__data.fields.").skip(1).map(|rest| rest.split('}').next().unwrap()) {
                assert!(bounded.contains(&field), "{}: {field} of {url}", board.file);
            }
            for field in url.split("${__field.labels.").skip(1).map(|rest| rest.split('}').next().unwrap()) {
                assert_eq!(field, "tier", "{}: {url}", board.file);
            }
            if url.starts_with("${gitlab}/") {
                to_gitlab.insert(board.uid().to_owned());
            }
        }
    }
    assert!(to_gitlab.contains("tierwatch-runners"), "{to_gitlab:?}");
}

/// B17.
#[test]
fn b17_what_happened_is_drawn_over_every_graph() {
    let wanted = [
        ("Alerts that fire", "ALERTS{"),
        ("tierwatch started", "process_start_time_seconds{"),
        ("New tierwatch release", "tierwatch_build_info{"),
        ("New runner or token", "tierwatch_runner_info{"),
        ("New GitLab Runner version", "gitlab_runner_version_info{"),
    ];
    for board in boards() {
        let annotations = board.annotations();
        assert_eq!(annotations.len(), wanted.len(), "{}", board.file);
        for ((name, series), annotation) in wanted.iter().zip(annotations) {
            assert_eq!(text(annotation, "name"), *name, "{}", board.file);
            assert!(
                annotation["enable"] == true && text(&annotation["target"], "expr").contains(series),
                "{}: {name}",
                board.file
            );
        }
    }
}
