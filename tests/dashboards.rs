//! The dashboards, read from their files: drift, and the points of the checklist that need Rust only.
//!
//! B1's types, B9, B11's number of series and B23 need npm or Prometheus, and are not here.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "dashboards/links.rs"]
mod links;
#[path = "dashboards/looks.rs"]
mod looks;
#[path = "dashboards/questions.rs"]
mod questions;
#[path = "dashboards/read.rs"]
mod read;
#[allow(dead_code, reason = "the rules use the other part")]
#[path = "rules/promql.rs"]
mod syntax;

use std::collections::BTreeSet;

use read::{boards, config, list, root, text};
use serde_json::{Value, json};
use tierwatch::dashboards::{self, Form, INCIDENT_TAG, SCHEMA_VERSION, TAG};
use tierwatch::metrics::catalogue;

/// What `print dashboards` prints for the example is what is committed, and nothing else is.
#[test]
fn the_committed_dashboards_are_those_of_the_example() {
    let folder = root().join("dashboards");
    let made = dashboards::all(&config("deploy/tierwatch.example.yaml"));
    let bless = std::env::var_os("TIERWATCH_BLESS").is_some();
    let names: BTreeSet<String> = made.iter().map(dashboards::Dashboard::file_name).collect();
    for entry in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap().to_string_lossy().into_owned();
        if bless && !names.contains(&name) {
            std::fs::remove_file(&entry).unwrap();
        } else {
            assert!(names.contains(&name), "nothing makes dashboards/{name}");
        }
    }
    for dashboard in &made {
        let path = folder.join(dashboard.file_name());
        if bless {
            std::fs::write(&path, dashboard.text()).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == dashboard.text(),
            "{} differs: TIERWATCH_BLESS=1 cargo test --test dashboards",
            path.display()
        );
    }
}

/// B24, with the chart's own test: one source, small enough for a ConfigMap.
#[test]
fn b24_config_maps_hold_the_files_and_are_small() {
    let example = config("deploy/tierwatch.example.yaml");
    let maps: Value = serde_json::from_str(&dashboards::print(&example, Form::ConfigMaps)).unwrap();
    let array: Value = serde_json::from_str(&dashboards::print(&example, Form::Json)).unwrap();
    let boards = boards();
    assert_eq!((list(&maps["items"]).len(), list(&array).len()), (boards.len(), boards.len()));
    for board in &boards {
        let file = std::fs::read_to_string(root().join("dashboards").join(&board.file)).unwrap();
        assert!(file.len() < 256 * 1024, "{} has {} bytes", board.file, file.len());
        let map = list(&maps["items"]).iter().find(|map| map["metadata"]["name"] == board.uid()).unwrap();
        assert_eq!(map["data"][&board.file], file.as_str(), "{}", board.file);
        assert!(list(&array).contains(&board.json), "{}", board.file);
    }
}

/// B1: classic JSON of one pinned version, without what older versions wrote.
#[test]
fn b1_classic_json_of_one_version() {
    let known = ["row", "text", "stat", "timeseries", "table", "heatmap", "state-timeline"];
    for board in boards() {
        assert_eq!(board.json["schemaVersion"], SCHEMA_VERSION, "{}", board.file);
        for key in [
            "rows",
            "style",
            "hideControls",
            "sharedCrosshair",
            "gnetId",
            "__inputs",
            "__requires",
            "version",
            "iteration",
        ] {
            assert!(board.json.get(key).is_none(), "{}: {key}", board.file);
        }
        for panel in board.everything() {
            assert!(known.contains(&text(panel, "type")), "{}: {}", board.file, text(panel, "type"));
            assert!(panel.get("pluginVersion").is_none() && panel.get("yaxes").is_none(), "{}", board.file);
        }
    }
}

/// B2.
#[test]
fn b2_uids_are_stable_and_are_the_names_of_the_files() {
    let mut seen = BTreeSet::new();
    for board in boards() {
        let uid = board.uid();
        assert_eq!(board.file, format!("{uid}.json"));
        assert!(uid.len() <= 40 && uid.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{uid}");
        assert!(seen.insert(uid.to_owned()), "{uid} is there twice");
        assert!(board.json["id"].is_null() && board.json.get("id").is_some(), "{uid}: an id is of one Grafana only");
        assert!(text(&board.json, "title").starts_with("tierwatch / "), "{uid}");
        let tag = if uid.starts_with("tierwatch-alert-") { INCIDENT_TAG } else { TAG };
        assert_eq!(board.json["tags"], json!([tag]), "{uid}");
    }
    let wanted = ["overview", "tier", "queue", "scheduling", "images", "runners", "boundaries", "self"];
    assert!(wanted.iter().all(|name| seen.contains(&format!("tierwatch-{name}"))), "{seen:?}");
}

/// B3.
#[test]
fn b3_everything_asks_the_data_source_that_was_chosen() {
    let chosen = json!({ "type": "prometheus", "uid": "${datasource}" });
    for board in boards() {
        let first = &board.variables()[0];
        assert_eq!((text(first, "name"), text(first, "type")), ("datasource", "datasource"), "{}", board.file);
        let askers =
            board.panels().into_iter().chain(board.panels().into_iter().flat_map(|panel| list(&panel["targets"])));
        let askers =
            askers.chain(board.annotations()).chain(board.variables().iter().filter(|one| one["type"] == "query"));
        for asker in askers {
            assert_eq!(asker["datasource"], chosen, "{}: {asker}", board.file);
        }
    }
}

/// B4.
#[test]
fn b4_variables_are_the_same_everywhere() {
    let all = boards();
    for board in &all {
        let names: Vec<&str> = board.variables().iter().map(|one| text(one, "name")).collect();
        assert_eq!(
            names,
            ["datasource", "job", "cluster", "tier", "gitlab", "tierwatch", "runbooks"],
            "{}",
            board.file
        );
        assert_eq!(board.variables(), all[0].variables(), "{}", board.file);
    }
    let of = |name: &str| all[0].variables().iter().find(|one| one["name"] == name).unwrap();
    let tier = of("tier");
    let is = ["multi", "includeAll", "allValue", "refresh", "sort"].map(|key| tier[key].clone());
    assert_eq!(json!(is), json!([true, true, ".*", 2, 1]));
    for name in ["cluster", "job"] {
        assert_eq!(of(name)["includeAll"], true, "{name}");
    }
    for name in ["gitlab", "tierwatch"] {
        assert_eq!(json!([of(name)["type"], of(name)["hide"]]), json!(["constant", 2]), "{name}");
    }
}

/// B21.
#[test]
fn b21_settings_are_sensible_and_the_same() {
    for board in boards() {
        let is = ["editable", "graphTooltip", "refresh", "timezone", "time"].map(|key| board.json[key].clone());
        let wanted = json!([false, 1, "30s", "browser", { "from": "now-6h", "to": "now" }]);
        assert_eq!(json!(is), wanted, "{}", board.file);
    }
}

/// Families without a panel, each with its reason.
const NOT_SHOWN: &[(&str, &str)] = &[
    ("tierwatch_leader", "there with high availability only"),
    ("tierwatch_lease_left_out_total", "there with high availability only"),
];

/// Habit: what is exported is shown somewhere, and what is shown is exported (B10).
#[test]
fn every_family_is_on_a_dashboard() {
    let all = boards();
    let asked: Vec<String> = all
        .iter()
        .flat_map(|board| board.questions().into_iter().map(|one| one.expr.to_owned()).collect::<Vec<_>>())
        .collect();
    let missing: Vec<&str> = catalogue::ALL
        .iter()
        .map(|row| row.name)
        .filter(|name| NOT_SHOWN.iter().all(|(known, _)| known != name))
        .filter(|name| {
            !asked.iter().any(|expr| expr.contains(&format!("{name}{{")) || expr.contains(&format!("{name}_bucket{{")))
        })
        .collect();
    assert!(missing.is_empty(), "no panel shows {missing:?}");
}
