//! `values.schema.json`: closed, described, and the daemon's own schema where the values are its configuration.

use serde_json::{Map, Value, json};
use tierwatch::condition::ALERTS;

use crate::files::{chart, generated, read};

/// What Kubernetes and its tools know better: the API server judges it.
const OPEN: [&str; 5] = [
    "/affinity/nodeAffinity",
    "/affinity/podAffinity",
    "/affinity/podAntiAffinity",
    "/global",
    "/topologySpreadConstraints/*",
];

/// What the chart sets itself: paths of what it mounts, its own namespace, and what only makes sense outside of a pod.
const OURS: [(&str, &str); 7] = [
    ("", "state_file"),
    ("", "webhook"),
    ("/properties/gitlab", "token_file"),
    ("/properties/gitlab", "ca_file"),
    ("/properties/kubernetes", "kubeconfig"),
    ("/properties/kubernetes", "context"),
    ("/properties/high_availability", "namespace"),
];

pub(crate) fn schema() -> Value {
    serde_json::from_str(&read(&chart().join("values.schema.json"))).unwrap()
}

/// The daemon's schema without what the chart sets.
fn config() -> Value {
    let mut schema: Value = serde_json::from_str(&tierwatch::config::schema_text()).unwrap();
    for (place, key) in OURS {
        let object = schema.pointer_mut(place).unwrap();
        object["properties"].as_object_mut().unwrap().remove(key).unwrap_or_else(|| panic!("{place}: no {key}"));
        if let Some(Value::Array(required)) = object.get_mut("required") {
            required.retain(|name| name != key);
        }
    }
    // What is missing is told by the templates: all of it at once, and with what would be right.
    for place in ["", "/properties/gitlab"] {
        schema.pointer_mut(place).unwrap().as_object_mut().unwrap().remove("required");
    }
    schema["properties"]["tiers"].as_object_mut().unwrap().remove("minProperties");
    let fields = schema.as_object_mut().unwrap();
    fields.remove("$schema");
    fields.remove("title");
    fields.insert(
        "description".to_owned(),
        json!(
            "The configuration of tierwatch, as in docs/configuration.md, without the paths that the chart sets itself. \
             Needed: `gitlab.url` and `tiers`."
        ),
    );
    schema
}

/// Every alert's name with what may be said of it.
fn alerts(one: &Value) -> Map<String, Value> {
    let beside = ["TierStartBudgetBurn", "TierwatchDown"];
    ALERTS.iter().map(|alert| alert.name).chain(beside).map(|name| (name.to_owned(), one.clone())).collect()
}

#[test]
fn the_schema_has_the_daemons_configuration_and_alerts() {
    let mut schema = schema();
    schema["properties"]["config"] = config();
    let alert = &schema["$defs"]["alert"];
    assert_eq!(alert["type"], "object");
    schema["properties"]["prometheusRule"]["properties"]["alerts"]["properties"] =
        alerts(&json!({ "$ref": "#/$defs/alert", "description": "See `alerts`." })).into();
    generated(&chart().join("values.schema.json"), &format!("{:#}\n", schema));
}

/// Calls `see` for the schema of each value below, with the path of the value.
pub(crate) fn walk<'a>(schema: &'a Value, path: &str, see: &mut dyn FnMut(&str, &'a Value)) {
    see(path, schema);
    for (name, one) in schema["properties"].as_object().into_iter().flatten() {
        walk(one, &format!("{path}/{name}"), see);
    }
    for (key, name) in [("additionalProperties", "*"), ("items", "*")] {
        if schema[key].is_object() {
            walk(&schema[key], &format!("{path}/{name}"), see);
        }
    }
}

#[test]
fn every_object_is_closed_and_every_value_described() {
    let schema = schema();
    let mut open = Vec::new();
    let mut undescribed = Vec::new();
    let mut seen = 0;
    let mut see = |path: &str, one: &Value| {
        seen += 1;
        let types = [&one["type"], &one["type"][0], &one["type"][1]];
        let closed = one["additionalProperties"] == json!(false) || one["additionalProperties"].is_object();
        if types.iter().any(|kind| **kind == "object") && !closed {
            open.push(path.to_owned());
        }
        // A list's items are described by the list.
        if !path.is_empty() && !path.ends_with('*') && one["description"].as_str().is_none_or(str::is_empty) {
            undescribed.push(path.to_owned());
        }
    };
    walk(&schema, "", &mut see);
    walk(&schema["$defs"]["alert"], "/$defs/alert", &mut see);
    assert!(seen > 200, "only {seen} values were looked at");
    assert_eq!(undescribed, Vec::<String>::new());
    assert_eq!(open, OPEN);
}
