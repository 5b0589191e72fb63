//! A dashboard: its sections laid out on Grafana's grid, its variables, annotations and links.

use serde_json::{Value, json};

use super::annotations::annotations;
use super::draw::{self, Place, datasource};
use super::panel::Panel;
use super::variables::{Addresses, variables};

/// Understood by Grafana 10.4 and everything later; those migrate it on loading.
pub const SCHEMA_VERSION: u32 = 39;

/// Columns of Grafana's grid.
const COLUMNS: u32 = 24;

/// Carried by the dashboards between which people go to and fro.
pub const TAG: &str = "tierwatch";

/// Carried by the view of one alert.
pub const INCIDENT_TAG: &str = "tierwatch-incident";

/// Panels below one heading.
#[derive(Debug)]
pub(super) struct Section {
    heading: Option<&'static str>,
    folded: bool,
    content: Vec<Content>,
}

/// What stands on a dashboard.
#[derive(Debug)]
enum Content {
    Panel(Box<Panel>),
    /// Markdown, and its height.
    Words(String, u32),
}

impl Section {
    /// The first thing that is seen needs no heading.
    pub(super) const fn top() -> Self {
        Self { heading: None, folded: false, content: vec![] }
    }

    pub(super) const fn of(heading: &'static str) -> Self {
        Self { heading: Some(heading), folded: false, content: vec![] }
    }

    /// Asked for only when somebody opens it.
    pub(super) const fn folded(heading: &'static str) -> Self {
        Self { heading: Some(heading), folded: true, content: vec![] }
    }

    pub(super) fn with(mut self, panel: Panel) -> Self {
        self.content.push(Content::Panel(Box::new(panel)));
        self
    }

    pub(super) fn words(mut self, markdown: String, height: u32) -> Self {
        self.content.push(Content::Words(markdown, height));
        self
    }
}

/// A dashboard before it is drawn.
#[derive(Debug)]
pub(super) struct Board {
    pub(super) uid: String,
    pub(super) title: String,
    pub(super) about: String,
    pub(super) tag: &'static str,
    pub(super) sections: Vec<Section>,
}

impl Board {
    pub(super) fn json(&self, addresses: &Addresses) -> Value {
        json!({
            "annotations": annotations(),
            "description": self.about,
            "editable": false,
            "fiscalYearStartMonth": 0,
            // Shared crosshair: what happened at the same time is seen at once.
            "graphTooltip": 1,
            "id": null,
            "links": links(),
            "panels": panels(&self.sections),
            "refresh": "30s",
            "schemaVersion": SCHEMA_VERSION,
            "tags": [self.tag],
            "templating": { "list": variables(addresses) },
            "time": { "from": "now-6h", "to": "now" },
            "timepicker": {},
            "timezone": "browser",
            "title": format!("tierwatch / {}", self.title),
            "uid": self.uid,
            "weekStart": "",
        })
    }
}

/// To every other dashboard with the same tier and time, and to the daemon's own page.
fn links() -> Value {
    let dropdown = |title: &str, tag: &str| {
        json!({
            "asDropdown": true, "icon": "external link", "includeVars": true, "keepTime": true, "tags": [tag],
            "targetBlank": false, "title": title, "tooltip": "", "type": "dashboards", "url": "",
        })
    };
    json!([
        dropdown("Dashboards", TAG),
        dropdown("Incidents", INCIDENT_TAG),
        {
            "asDropdown": false, "icon": "doc", "includeVars": false, "keepTime": false, "tags": [],
            "targetBlank": true, "title": "Status page", "tooltip": "In words: which tier hurts, why, and what to do next",
            "type": "link", "url": "${tierwatch}/",
        },
    ])
}

/// Places what comes from left to right, and begins a new line where one is full.
struct Layout {
    id: u32,
    x: u32,
    y: u32,
    line: u32,
}

impl Layout {
    fn place(&mut self, w: u32, h: u32) -> (u32, Place) {
        if self.x + w > COLUMNS {
            self.new_line();
        }
        let place = Place { x: self.x, y: self.y, w, h };
        self.x += w;
        self.line = self.line.max(h);
        self.id += 1;
        (self.id, place)
    }

    fn new_line(&mut self) {
        self.y += self.line;
        (self.x, self.line) = (0, 0);
    }

    fn draw(&mut self, content: &Content) -> Value {
        match content {
            Content::Panel(panel) => {
                let (id, place) = self.place(panel.width, panel.height);
                draw::panel(panel, id, place)
            }
            Content::Words(markdown, height) => {
                let (id, place) = self.place(COLUMNS, *height);
                json!({
                    "id": id, "type": "text", "title": "", "transparent": true, "gridPos": place.json(), "datasource": datasource(),
                    "description": "", "options": { "content": markdown, "mode": "markdown" },
                })
            }
        }
    }
}

fn panels(sections: &[Section]) -> Vec<Value> {
    let mut layout = Layout { id: 0, x: 0, y: 0, line: 0 };
    let mut drawn = vec![];
    for section in sections {
        layout.new_line();
        let heading = section.heading.map(|title| {
            let (id, place) = layout.place(COLUMNS, 1);
            layout.new_line();
            json!({ "id": id, "type": "row", "title": title, "gridPos": place.json(), "collapsed": section.folded, "panels": [] })
        });
        // What is folded takes no room until it is opened; Grafana moves the rest then.
        let below = layout.y;
        let content: Vec<Value> = section.content.iter().map(|content| layout.draw(content)).collect();
        match heading {
            Some(mut row) if section.folded => {
                row["panels"] = json!(content);
                drawn.push(row);
                (layout.x, layout.y, layout.line) = (0, below, 0);
            }
            heading => drawn.extend(heading.into_iter().chain(content)),
        }
    }
    drawn
}
