//! The JSON schema of the configuration, with the embedded defaults in it.

use std::sync::OnceLock;

use ::config::{Value as Layered, ValueKind};
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::layers::{ANY_TIER, DEFAULTS};
use super::raw::Root;
use super::yaml::{self, Text};

/// The schema as JSON text, for editors and for `print schema`.
#[must_use]
pub fn schema_text() -> String {
    let mut text = serde_json::to_string_pretty(schema()).unwrap_or_default();
    text.push('\n');
    text
}

/// The schema, without references.
pub(super) fn schema() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
        let mut schema = settings.into_generator().into_root_schema_for::<Root>().to_value();
        if let Some(defaults) = yaml::read(DEFAULTS, &Text::Default, &mut Vec::new()) {
            add_defaults(&mut schema, &defaults);
        }
        schema
    })
}

fn add_defaults(schema: &mut Value, defaults: &Layered) {
    let ValueKind::Table(table) = &defaults.kind else {
        schema["default"] = json_of(defaults);
        return;
    };
    for (key, value) in table {
        let pointer = if key == ANY_TIER { "/additionalProperties".into() } else { format!("/properties/{key}") };
        if let Some(below) = schema.pointer_mut(&pointer) {
            add_defaults(below, value);
        }
    }
}

/// A value as JSON, without its places.
pub(super) fn json_of(value: &Layered) -> Value {
    match &value.kind {
        ValueKind::Nil => Value::Null,
        ValueKind::Boolean(value) => json!(value),
        ValueKind::I64(value) => json!(value),
        ValueKind::U64(value) => json!(value),
        ValueKind::I128(value) => json!(value),
        ValueKind::U128(value) => json!(value),
        ValueKind::Float(value) => json!(value),
        ValueKind::String(value) => json!(value),
        ValueKind::Array(list) => list.iter().map(json_of).collect(),
        ValueKind::Table(table) => table.iter().map(|(key, value)| (key.clone(), json_of(value))).collect(),
    }
}

/// One key of the configuration, for the reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Dotted path; a tier's name stands as `<name>`.
    pub path: String,
    /// What it holds, in words.
    pub holds: String,
    /// Its default as YAML, or whether it is required.
    pub default: String,
    /// What it means.
    pub meaning: String,
}

/// Every key that holds a value, in alphabetical order.
#[must_use]
pub fn keys() -> Vec<Key> {
    keys_of(schema())
}

/// Every key of a file with this schema.
pub(super) fn keys_of(schema: &Value) -> Vec<Key> {
    let mut keys = Vec::new();
    collect("", schema, false, &mut keys);
    keys
}

fn collect(path: &str, schema: &Value, required: bool, keys: &mut Vec<Key>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    if let Some(properties) = schema["properties"].as_object() {
        let needs = |key: &str| schema["required"].as_array().is_some_and(|list| list.iter().any(|k| k == key));
        for (key, value) in properties {
            collect(&below(key), value, needs(key), keys);
        }
    } else if schema["additionalProperties"].is_object() {
        collect(&below(ANY_TIER), &schema["additionalProperties"], false, keys);
    } else {
        let default = match schema.get("default") {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None if required => "required".into(),
            None => String::new(),
        };
        let meaning = schema["description"].as_str().unwrap_or_default().replace('\n', " ");
        keys.push(Key { path: path.to_owned(), holds: holds(schema), default, meaning });
    }
}

/// What a schema asks for, in words: `a duration such as 90s`.
pub(super) fn holds(schema: &Value) -> String {
    if let Some(values) = schema["enum"].as_array() {
        return one_of(values.iter().filter_map(Value::as_str));
    }
    let example = match schema["examples"][0].as_str() {
        Some(example) => format!(" such as {example}"),
        None => String::new(),
    };
    match schema_type(schema) {
        "array" => format!("a list of {}", plural(&schema["items"])),
        "object" => "a mapping (keys below it)".into(),
        "string" => {
            let title = schema["title"].as_str().unwrap_or("string");
            let article = if title.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
            format!("{article} {title}{example}")
        }
        "integer" => "a whole number".into(),
        "number" => "a number".into(),
        "boolean" => "true or false".into(),
        other => other.to_owned(),
    }
}

/// `"page", "ticket" or "none"`.
pub(super) fn one_of<'a>(values: impl Iterator<Item = &'a str>) -> String {
    let values: Vec<&str> = values.collect();
    match values.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, first)) => format!("{} or {last}", first.join(", ")),
        None => String::new(),
    }
}

fn plural(items: &Value) -> &'static str {
    match schema_type(items) {
        "integer" => "whole numbers",
        "number" => "numbers",
        _ => "strings",
    }
}

/// The type that is not `null`.
pub(super) fn schema_type(schema: &Value) -> &str {
    let kind = &schema["type"];
    let first = kind.as_array().into_iter().flatten().filter_map(Value::as_str).find(|name| *name != "null");
    kind.as_str().or(first).unwrap_or_default()
}
