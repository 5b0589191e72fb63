//! Every query of every dashboard, filled in as Grafana would, for a clock that may be faster.

use serde_json::Value;

use super::read::{boards, text};

/// A query and where it stands.
pub(super) struct Asked {
    pub(super) board: String,
    /// Panel and letter, or what else asks.
    pub(super) place: String,
    /// The panel's id and letter; absent where it is no panel that asks.
    pub(super) key: Option<String>,
    pub(super) expr: String,
    /// How the panel looks; empty where it is no panel that asks.
    pub(super) kind: String,
    pub(super) unit: String,
}

/// Of panels, annotations and variables.
pub(super) fn all() -> Vec<Asked> {
    boards().iter().flat_map(|board| of(&board.json, board)).collect()
}

fn of(json: &Value, board: &super::read::Board) -> Vec<Asked> {
    let uid = text(json, "uid").to_owned();
    let mut all = vec![];
    for panel in board.panels() {
        for (target, question) in super::read::list(&panel["targets"]).iter().zip(board.questions_of(panel)) {
            all.push(Asked {
                board: uid.clone(),
                place: format!("{} ({})", text(panel, "title"), text(target, "refId")),
                key: Some(format!("{} {}", panel["id"], text(target, "refId"))),
                expr: question.expr.to_owned(),
                kind: text(panel, "type").to_owned(),
                unit: question.unit.unwrap_or_default().to_owned(),
            });
        }
    }
    let beside = |place: String, expr: &str| Asked {
        board: uid.clone(),
        place,
        key: None,
        expr: expr.to_owned(),
        kind: String::new(),
        unit: String::new(),
    };
    for annotation in board.annotations() {
        all.push(beside(format!("annotation {}", text(annotation, "name")), text(&annotation["target"], "expr")));
    }
    for variable in board.variables().iter().filter(|variable| variable["type"] == "query") {
        all.push(beside(format!("variable {}", text(variable, "name")), text(&variable["query"], "query")));
    }
    all
}

/// A time of the dashboard's story on Prometheus' clock.
#[derive(Clone, Copy)]
pub(super) struct Clocks {
    /// How many times faster the story goes.
    pub(super) speed: f64,
    /// When both clocks showed the same, Unix time in seconds.
    pub(super) began: f64,
    /// Seconds of Prometheus' time that are looked at.
    pub(super) range: f64,
    /// Seconds between two scrapes.
    pub(super) scrape: f64,
}

/// The expression as Grafana would send it.
pub(super) fn filled(expr: &str, clocks: Clocks) -> String {
    let Clocks { speed, began, range, scrape } = clocks;
    let now = if (speed - 1.0).abs() < f64::EPSILON {
        "time()".to_owned()
    } else {
        format!("({speed} * (time() - {began}) + {began})")
    };
    let rate = (4.0 * scrape).max(240.0 / speed).ceil();
    let known = [
        ("$__rate_interval", format!("{rate}s")),
        ("$__range", format!("{}s", range.ceil())),
        ("offset 5m", format!("offset {}s", (300.0 / speed).ceil())),
        ("time()", now),
        ("$job", ".*tierwatch.*".to_owned()),
        ("$cluster", ".*".to_owned()),
        ("$tier", ".*".to_owned()),
    ];
    known.iter().fold(expr.to_owned(), |text, (variable, value)| text.replace(variable, value))
}
