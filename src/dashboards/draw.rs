//! A panel as Grafana's classic JSON.

use serde_json::{Map, Value, json};

use super::colour::{mappings, thresholds};
use super::panel::{Column, Look, Of, Panel, Query};

/// Where a panel stands: columns and rows of Grafana's grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) w: u32,
    pub(super) h: u32,
}

impl Place {
    pub(super) fn json(self) -> Value {
        json!({ "x": self.x, "y": self.y, "w": self.w, "h": self.h })
    }
}

/// The data source that the dashboard's first variable names.
pub(super) fn datasource() -> Value {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}

pub(super) fn panel(panel: &Panel, id: u32, place: Place) -> Value {
    let targets: Vec<Value> =
        panel.queries.iter().enumerate().map(|(index, query)| target(panel.look, index, query)).collect();
    let mut defaults = json!({
        "color": { "mode": colours(panel) },
        "custom": custom(panel),
        "mappings": mappings(panel.mapping),
        "noValue": panel.none,
        "thresholds": thresholds(panel.base, &panel.steps),
        "unit": panel.unit.as_str(),
    });
    if let Some(link) = panel.link {
        defaults["links"] = json!([link.json()]);
    }
    if panel.look != Look::Table && panel.look != Look::States {
        defaults["min"] = json!(0);
    }
    if let Some(most) = panel.most {
        defaults["max"] = json!(most);
    }
    let mut drawn = json!({
        "id": id,
        "type": kind(panel.look),
        "title": panel.title,
        "description": panel.about,
        "datasource": datasource(),
        "gridPos": place.json(),
        "targets": targets,
        "fieldConfig": { "defaults": defaults, "overrides": overrides(panel) },
        "options": options(panel),
    });
    if panel.look == Look::Table {
        drawn["transformations"] = transformations(panel);
    }
    drawn
}

const fn kind(look: Look) -> &'static str {
    match look {
        Look::Stat => "stat",
        Look::Lines | Look::Stacked => "timeseries",
        Look::Table => "table",
        Look::Heat => "heatmap",
        Look::States => "state-timeline",
    }
}

/// The letter of a query.
fn letter(index: usize) -> String {
    u8::try_from(index).map_or_else(|_| index.to_string(), |index| char::from(b'A' + index).to_string())
}

fn target(look: Look, index: usize, query: &Query) -> Value {
    let instant = matches!(look, Look::Stat | Look::Table);
    let format = match look {
        Look::Table => "table",
        Look::Heat => "heatmap",
        Look::Stat | Look::Lines | Look::Stacked | Look::States => "time_series",
    };
    json!({
        "datasource": datasource(),
        "editorMode": "code",
        "expr": query.expr,
        "format": format,
        // A value of the past is not what is now: only an instant query knows that something is gone.
        "instant": instant,
        "range": !instant,
        "legendFormat": query.legend,
        "refId": letter(index),
    })
}

fn colours(panel: &Panel) -> &'static str {
    match panel.look {
        Look::Stat | Look::Table | Look::States => "thresholds",
        Look::Lines | Look::Stacked | Look::Heat => "palette-classic",
    }
}

fn custom(panel: &Panel) -> Value {
    match panel.look {
        Look::Lines | Look::Stacked => {
            let stacked = panel.look == Look::Stacked;
            json!({
                "axisSoftMin": 0,
                "drawStyle": "line",
                "fillOpacity": if stacked { 40 } else { 8 },
                "lineInterpolation": "linear",
                "lineWidth": 1,
                // A single point between gaps would be no line.
                "showPoints": "auto",
                "spanNulls": false,
                "stacking": { "group": "A", "mode": if stacked { "normal" } else { "none" } },
                "thresholdsStyle": { "mode": if panel.steps.is_empty() { "off" } else { "dashed" } },
            })
        }
        Look::Table => json!({ "align": "auto", "cellOptions": { "type": "auto" }, "filterable": false }),
        Look::States => json!({ "fillOpacity": 80, "lineWidth": 0 }),
        Look::Heat => json!({ "scaleDistribution": { "type": "linear" } }),
        Look::Stat => json!({}),
    }
}

fn overrides(panel: &Panel) -> Vec<Value> {
    let limits = panel.queries.iter().enumerate().filter(|(_, query)| query.is_limit).map(|(index, _)| {
        json!({
            "matcher": { "id": "byFrameRefID", "options": letter(index) },
            "properties": [
                { "id": "custom.lineStyle", "value": { "dash": [8, 8], "fill": "dash" } },
                { "id": "custom.fillOpacity", "value": 0 },
                { "id": "custom.stacking", "value": { "group": "limit", "mode": "none" } },
            ],
        })
    });
    limits.chain(panel.columns.iter().map(column)).collect()
}

fn column(column: &Column) -> Value {
    let mut properties = vec![json!({ "id": "unit", "value": column.unit.as_str() })];
    let coloured = !column.steps.is_empty() || column.mapping.is_some();
    if !column.steps.is_empty() {
        let steps = thresholds(super::colour::Colour::Green, &column.steps);
        properties.push(json!({ "id": "thresholds", "value": steps }));
    }
    if column.mapping.is_some() {
        properties.push(json!({ "id": "mappings", "value": mappings(column.mapping) }));
    }
    if coloured {
        let value = json!({ "mode": "basic", "type": "color-background" });
        properties.push(json!({ "id": "custom.cellOptions", "value": value }));
    }
    if let Some(link) = column.link {
        properties.push(json!({ "id": "links", "value": [link.json()] }));
    }
    if let Some(width) = column.width {
        properties.push(json!({ "id": "custom.width", "value": width }));
    }
    json!({ "matcher": { "id": "byName", "options": column.name }, "properties": properties })
}

/// One row for each subject, columns in their order with names for people.
fn transformations(panel: &Panel) -> Value {
    let field = |column: &Column| match column.from {
        Of::Label(label) => label.to_owned(),
        // Grafana numbers the value only where there are several.
        Of::Value(_) if panel.queries.len() == 1 => "Value".to_owned(),
        Of::Value(query) => format!("Value #{}", letter(query)),
    };
    let (mut order, mut names) = (Map::new(), Map::new());
    for (index, column) in panel.columns.iter().enumerate() {
        order.insert(field(column), json!(index));
        names.insert(field(column), json!(column.name));
    }
    let organize = json!({
        "id": "organize",
        "options": { "excludeByName": { "Time": true }, "indexByName": order, "renameByName": names },
    });
    json!([{ "id": "merge", "options": {} }, organize])
}

fn options(panel: &Panel) -> Value {
    match panel.look {
        Look::Stat => json!({
            "colorMode": if panel.steps.is_empty() && panel.mapping.is_none() { "none" } else { "background" },
            "graphMode": "none",
            "justifyMode": "auto",
            "orientation": "auto",
            "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
            "textMode": if panel.queries.iter().any(|query| query.legend.contains("{{")) { "value_and_name" } else { "value" },
        }),
        Look::Lines | Look::Stacked => json!({
            "legend": { "calcs": ["lastNotNull", "max"], "displayMode": "table", "placement": "bottom", "showLegend": true },
            "tooltip": { "mode": "multi", "sort": "desc" },
        }),
        Look::Table => {
            let sorted = panel.sorted_by.map(|(name, descending)| json!({ "desc": descending, "displayName": name }));
            json!({ "cellHeight": "sm", "showHeader": true, "sortBy": sorted.into_iter().collect::<Vec<_>>() })
        }
        Look::Heat => json!({
            "calculate": false,
            "cellGap": 1,
            "color": {
                "exponent": 0.5, "fill": "dark-orange", "mode": "scheme", "reverse": false,
                "scale": "exponential", "scheme": "Oranges", "steps": 64,
            },
            "exemplars": { "color": "rgba(255,0,255,0.7)" },
            "filterValues": { "le": 1e-9 },
            "legend": { "show": true },
            "rowsFrame": { "layout": "auto" },
            "showValue": "never",
            "tooltip": { "mode": "single", "yHistogram": true },
            "yAxis": { "axisPlacement": "left", "unit": panel.unit.as_str() },
        }),
        Look::States => json!({
            "alignValue": "left",
            "legend": { "displayMode": "list", "placement": "bottom", "showLegend": false },
            "mergeValues": true,
            "rowHeight": 0.85,
            "showValue": "auto",
            "tooltip": { "mode": "single", "sort": "none" },
        }),
    }
}
