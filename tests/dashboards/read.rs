//! The committed dashboards, taken apart.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tierwatch::config::Config;

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

pub fn config(file: &str) -> Config {
    let text = std::fs::read_to_string(root().join(file)).unwrap();
    Config::from_yaml(&text).unwrap_or_else(|problems| panic!("{problems}"))
}

/// A dashboard as it is committed.
pub struct Board {
    pub file: String,
    pub json: Value,
}

/// One question: of a panel, or of an annotation.
pub struct Question<'a> {
    /// Dashboard, panel and letter, for messages.
    pub place: String,
    pub expr: &'a str,
    pub legend: &'a str,
    pub instant: bool,
    /// Its unit; absent for an annotation and for a query that gives no column of its own.
    pub unit: Option<&'a str>,
    /// From where on it has another colour.
    pub steps: Vec<f64>,
}

pub fn boards() -> Vec<Board> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(root().join("dashboards")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 8, "{files:?}");
    let read = |path: &PathBuf| Board {
        file: path.file_name().unwrap().to_string_lossy().into_owned(),
        json: serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap(),
    };
    files.iter().map(read).collect()
}

pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} of {value} is no text"))
}

pub fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

impl Board {
    pub fn uid(&self) -> &str {
        text(&self.json, "uid")
    }

    /// Every panel with its rows unfolded, rows included.
    pub fn everything(&self) -> Vec<&Value> {
        list(&self.json["panels"])
            .iter()
            .flat_map(|panel| std::iter::once(panel).chain(list(&panel["panels"])))
            .collect()
    }

    /// Panels that ask something.
    pub fn panels(&self) -> Vec<&Value> {
        self.everything().into_iter().filter(|panel| !["row", "text"].contains(&text(panel, "type"))).collect()
    }

    pub fn variables(&self) -> &[Value] {
        list(&self.json["templating"]["list"])
    }

    /// Annotations of our own.
    pub fn annotations(&self) -> Vec<&Value> {
        list(&self.json["annotations"]["list"]).iter().filter(|annotation| annotation["builtIn"].is_null()).collect()
    }

    /// The questions of its panels.
    pub fn questions(&self) -> Vec<Question<'_>> {
        self.panels().into_iter().flat_map(|panel| self.questions_of(panel)).collect()
    }

    pub fn questions_of<'a>(&'a self, panel: &'a Value) -> Vec<Question<'a>> {
        let targets = list(&panel["targets"]);
        let question = |target: &'a Value| {
            let letter = text(target, "refId");
            let column = column_of(panel, targets.len(), letter);
            let of = |id: &str| {
                list(&column?["properties"]).iter().find(|property| property["id"] == id).map(|found| &found["value"])
            };
            let defaults = &panel["fieldConfig"]["defaults"];
            let is_table = panel["type"] == "table";
            let steps = if is_table { of("thresholds") } else { Some(&defaults["thresholds"]) };
            Question {
                place: format!("{}: {} ({letter})", self.uid(), text(panel, "title")),
                expr: text(target, "expr"),
                legend: text(target, "legendFormat"),
                instant: target["instant"] == true,
                unit: if is_table { of("unit").and_then(Value::as_str) } else { defaults["unit"].as_str() },
                steps: steps.map_or_else(Vec::new, |steps| {
                    list(&steps["steps"]).iter().filter_map(|step| step["value"].as_f64()).collect()
                }),
            }
        };
        targets.iter().map(question).collect()
    }

    /// Everything that is asked, with the questions of annotations.
    pub fn all_questions(&self) -> Vec<Question<'_>> {
        let of_annotation = |annotation| Question {
            place: format!("{}: annotation {}", self.uid(), text(annotation, "name")),
            expr: text(&annotation["target"], "expr"),
            legend: text(annotation, "titleFormat"),
            instant: false,
            unit: None,
            steps: vec![],
        };
        self.questions().into_iter().chain(self.annotations().into_iter().map(of_annotation)).collect()
    }

    /// Links on values and cells.
    pub fn data_links(&self) -> Vec<&Value> {
        let mut found = vec![];
        for panel in self.panels() {
            let config = &panel["fieldConfig"];
            found.extend(list(&config["defaults"]["links"]));
            for property in list(&config["overrides"]).iter().flat_map(|column| list(&column["properties"])) {
                if property["id"] == "links" {
                    found.extend(list(&property["value"]));
                }
            }
        }
        found
    }
}

/// The column that holds the values of a query.
fn column_of<'a>(panel: &'a Value, queries: usize, letter: &str) -> Option<&'a Value> {
    let organize = list(&panel["transformations"]).iter().find(|step| step["id"] == "organize")?;
    let field = if queries == 1 { "Value".to_owned() } else { format!("Value #{letter}") };
    let name = &organize["options"]["renameByName"][field];
    list(&panel["fieldConfig"]["overrides"]).iter().find(|column| column["matcher"]["options"] == *name)
}

/// As Grafana would fill it in, for a parser.
pub fn filled(expr: &str) -> String {
    let known =
        [("$__rate_interval", "5m"), ("$__range", "6h"), ("$job", "tierwatch"), ("$cluster", ".*"), ("$tier", ".*")];
    let filled = known.iter().fold(expr.to_owned(), |text, (variable, value)| text.replace(variable, value));
    assert!(!filled.contains('$'), "an unknown variable in {expr}");
    filled
}
