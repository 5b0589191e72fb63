//! B5, B13, B19, B20, B22 and B25: what a person sees.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::read::{boards, list, text};

/// Height of what fits on a laptop's screen, in units of Grafana's grid.
const SCREEN: u64 = 27;

fn place(panel: &Value) -> [u64; 4] {
    ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap_or_else(|| panic!("{key} of {panel}")))
}

/// B5.
#[test]
fn b5_every_panel_says_what_it_is_and_what_is_bad() {
    for board in boards() {
        assert!(text(&board.json, "description").ends_with(['.', '!']), "{}", board.file);
        let mut titles = BTreeSet::new();
        for panel in board.panels() {
            let (title, about) = (text(panel, "title"), text(panel, "description"));
            assert!(!title.is_empty() && title.len() <= 60, "{}: {title}", board.file);
            assert!(
                about.len() >= 40 && about.ends_with('.') && !about.contains("  "),
                "{}: {title}: {about}",
                board.file
            );
            assert!(titles.insert(title), "{}: {title} is there twice", board.file);
        }
    }
}

/// B13: on the first screen of the overview a tile for each tier, since when, how bad, and what fires.
#[test]
fn b13_the_overview_answers_on_one_screen() {
    let all = boards();
    let overview = all.iter().find(|board| board.uid() == "tierwatch-overview").unwrap();
    let on_screen = |panel: &&Value| {
        let [_, y, _, h] = place(panel);
        y + h <= SCREEN
    };
    let seen: Vec<&Value> = overview.panels().into_iter().filter(on_screen).collect();
    let first = seen.iter().find(|panel| place(panel)[1] == 0).unwrap();
    assert_eq!(text(first, "type"), "stat");
    assert_eq!(text(&first["targets"][0], "legendFormat"), "{{tier}}");
    let kinds: Vec<(&str, &str)> = seen.iter().map(|panel| (text(panel, "title"), text(panel, "type"))).collect();
    for wanted in [("Since when", "state-timeline"), ("Firing alerts", "table"), ("How bad is it?", "table")] {
        assert!(kinds.contains(&wanted), "{wanted:?} is not among {kinds:?}");
    }
    // Rate, errors, duration, and how fast the budget is spent.
    let table = seen.iter().find(|panel| text(panel, "title") == "How bad is it?").unwrap();
    let names = table["transformations"][1]["options"]["renameByName"].as_object().unwrap();
    let names: BTreeSet<&str> = names.values().filter_map(Value::as_str).collect();
    assert!(["Starts", "Bad starts", "Start, 95 %", "Burn, 1h"].iter().all(|name| names.contains(name)), "{names:?}");
}

/// B19: what is not known is said to be, and never 0; what is now is asked for now.
#[test]
fn b19_nothing_is_never_shown_as_zero() {
    for board in boards() {
        for panel in board.panels() {
            let (title, kind) = (text(panel, "title"), text(panel, "type"));
            let none = panel["fieldConfig"]["defaults"]["noValue"].as_str().unwrap_or_default();
            assert!(!none.is_empty() && none != "0", "{}: {title}", board.file);
            for target in list(&panel["targets"]) {
                let expr = text(target, "expr");
                assert!(!expr.contains("vector(") && !expr.contains("or on() 0"), "{}: {title}: {expr}", board.file);
                let now = ["stat", "table"].contains(&kind);
                assert!(target["instant"] == now && target["range"] == !now, "{}: {title}", board.file);
            }
            if kind == "timeseries" {
                assert_eq!(panel["fieldConfig"]["defaults"]["custom"]["spanNulls"], false, "{}: {title}", board.file);
            }
        }
    }
}

/// B20.
#[test]
fn b20_every_dashboard_tells_how_fresh_it_is() {
    for board in boards() {
        let fresh = |panel: &&Value| {
            list(&panel["targets"])
                .iter()
                .any(|one| text(one, "expr").contains("source_last_success_timestamp_seconds"))
        };
        let unfolded: Vec<&Value> = list(&board.json["panels"]).iter().filter(fresh).collect();
        assert_eq!(unfolded.len(), 1, "{}", board.file);
        assert!(text(&unfolded[0]["targets"][0], "expr").starts_with("time() - "), "{}", board.file);
    }
}

/// B22.
#[test]
fn b22_the_grid_is_full_and_nothing_overlaps() {
    for board in boards() {
        let mut ids = BTreeSet::new();
        assert!(
            board.everything().iter().all(|panel| ids.insert(panel["id"].as_u64().unwrap())),
            "{}: ids",
            board.file
        );
        let unfolded: Vec<&Value> = list(&board.json["panels"]).iter().collect();
        let visible = unfolded.iter().filter(|panel| text(panel, "type") != "row").count();
        assert!(visible <= 25, "{}: {visible} panels at once", board.file);
        let folded = unfolded
            .iter()
            .filter(|panel| panel["collapsed"] == true)
            .map(|row| list(&row["panels"]).iter().collect::<Vec<_>>());
        for panels in std::iter::once(unfolded.clone()).chain(folded) {
            let mut taken = BTreeSet::new();
            let mut lines = std::collections::BTreeMap::<u64, u64>::new();
            for panel in panels {
                let [x, y, w, h] = place(panel);
                assert!(x + w <= 24 && h > 0, "{}: {panel}", board.file);
                *lines.entry(y).or_default() += w;
                for cell in (x..x + w).flat_map(|column| (y..y + h).map(move |row| (column, row))) {
                    assert!(taken.insert(cell), "{}: two panels at {cell:?}: {}", board.file, text(panel, "title"));
                }
            }
            assert!(lines.values().all(|width| *width == 24), "{}: {lines:?}", board.file);
        }
    }
}

/// B25: text is Markdown without HTML, and no label is a name that a stranger wrote.
#[test]
fn b25_no_html_no_names_of_strangers() {
    for board in boards() {
        for panel in board.everything() {
            if text(panel, "type") == "text" {
                assert_eq!(panel["options"]["mode"], "markdown", "{}", board.file);
                let content = text(&panel["options"], "content");
                assert!(!content.contains('<'), "{}: {content}", board.file);
            }
        }
        let raw = board.json.to_string().to_lowercase();
        for word in ["password", "secret=", "private-token", "glpat-", "bearer ", "<script", "<a "] {
            assert!(!raw.contains(word), "{}: {word}", board.file);
        }
        let shown = board.questions().into_iter().map(|question| question.legend.to_owned());
        for legend in shown {
            for label in legend.split("{{").skip(1).map(|rest| rest.split("}}").next().unwrap()) {
                assert!(
                    !["project", "pod", "image", "ref", "user", "message", "node"].contains(&label),
                    "{}: {label}",
                    board.file
                );
            }
        }
    }
}
