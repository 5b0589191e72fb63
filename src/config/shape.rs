//! Layered values against the schema: unknown keys, missing keys, wrong types, all at once. What fits is handed on,
//! so that later rules still judge the rest.

use std::collections::BTreeMap;

use ::config::{Map, Value as Layered, ValueKind};
use serde_json::{Value, json};

use super::problem::{Place, Problem, join, looks_secret, shown};
use super::schema::{Key, holds, json_of, keys_of, schema_type};

/// Where each value was written, by key.
pub(super) type Places = BTreeMap<String, Place>;

/// What fits `schema`, as JSON, and the place of each value. `docs` is the page that explains the keys.
pub(super) fn fit(
    value: &Layered,
    places: Places,
    schema: &Value,
    docs: &'static str,
    problems: &mut Vec<Problem>,
) -> (Value, Places) {
    let mut fitting = Fitting { problems, places, docs, root: schema };
    let fit = fitting.value("", value, schema).unwrap_or(json!({}));
    (fit, fitting.places)
}

struct Fitting<'a> {
    problems: &'a mut Vec<Problem>,
    places: Places,
    docs: &'static str,
    /// The schema of the whole file.
    root: &'a Value,
}

impl Fitting<'_> {
    fn wrong(&mut self, key: &str, place: &Place, reason: String, remedy: String) {
        self.problems.push(Problem { key: key.to_owned(), place: place.clone(), reason, remedy });
    }

    fn value(&mut self, path: &str, value: &Layered, schema: &Value) -> Option<Value> {
        let place = Place::from_origin(value.origin());
        let wanted = schema_type(schema);
        let written = matches!(place, Place::Variable(_));
        let fit = match (&value.kind, wanted) {
            (ValueKind::Nil, _) => return None,
            (ValueKind::Table(table), "object") => return Some(self.table(path, table, schema)),
            (ValueKind::Array(list), "array") => Some(self.list(path, list, schema)),
            (ValueKind::String(text), "array") if written => {
                // A list in a variable: parts between commas.
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                let origin = place.to_origin();
                let parts: Vec<Layered> =
                    parts.map(|part| Layered::new(Some(&origin), ValueKind::String(part.into()))).collect();
                Some(self.list(path, &parts, schema))
            }
            (ValueKind::String(text), "integer") if written => text.trim().parse::<i64>().ok().map(Value::from),
            (ValueKind::String(text), "number") if written => text.trim().parse::<f64>().ok().map(Value::from),
            (ValueKind::String(text), "boolean") if written => text.trim().parse::<bool>().ok().map(Value::from),
            (ValueKind::String(_), "string")
            | (ValueKind::Boolean(_), "boolean")
            | (ValueKind::I64(_), "integer" | "number") => Some(json_of(value)),
            (ValueKind::Float(number), "number") if number.is_finite() => Some(json!(number)),
            _ => None,
        };
        self.places.insert(path.to_owned(), place.clone());
        if fit.is_none() {
            let secret = names_a_secret(super::problem::last(path)) || schema["writeOnly"] == true;
            let (found, remedy) = match secret {
                true => ("something else (not shown)".into(), format!("see `{path}` in {}", self.docs)),
                false => (found(value), type_remedy(path, value, schema, self.docs)),
            };
            self.wrong(path, &place, format!("expected {}, found {found}", holds(schema)), remedy);
        }
        fit
    }

    fn list(&mut self, path: &str, list: &[Layered], schema: &Value) -> Value {
        let each = list.iter().enumerate();
        each.filter_map(|(index, item)| self.value(&format!("{path}[{index}]"), item, &schema["items"])).collect()
    }

    fn table(&mut self, path: &str, table: &Map<String, Layered>, schema: &Value) -> Value {
        let below = |key: &str| join(path, key);
        let mut fit = serde_json::Map::new();
        for (key, value) in table {
            let known = schema["properties"].get(key).or(Some(&schema["additionalProperties"]));
            match known.filter(|schema| schema.is_object()) {
                Some(known) => fit.extend(self.value(&below(key), value, known).map(|value| (key.clone(), value))),
                None => {
                    let mut place = Place::from_origin(value.origin());
                    if place == Place::Unknown {
                        place = self.places.get(&below(key)).cloned().unwrap_or_default();
                    }
                    let (reason, remedy) = unknown(path, key, schema, &keys_of(self.root));
                    self.wrong(&below(key), &place, reason, remedy);
                }
            }
        }
        for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let written = table.get(key).is_some_and(|value| !matches!(value.kind, ValueKind::Nil));
            if !written {
                let known = &schema["properties"][key];
                let meaning = known["description"].as_str().unwrap_or_default().replace('\n', " ");
                let remedy = format!("write {}\n{meaning}", example(key, known));
                let place = self.places.get(path).cloned().unwrap_or_default();
                self.wrong(&below(key), &place, "is missing".into(), remedy);
            }
        }
        Value::Object(fit)
    }
}

fn example(key: &str, schema: &Value) -> String {
    match (schema["examples"][0].as_str(), schema_type(schema)) {
        (_, "array") => format!("`{key}: [{}]`", if key == "tags" { "tier-standard" } else { "…" }),
        (_, "object") => format!("`{key}:` with its keys below"),
        (Some(example), _) => format!("`{key}: {example}`"),
        (None, _) => format!("`{key}: …`"),
    }
}

/// A value of the wrong type, in words.
fn found(value: &Layered) -> String {
    match &value.kind {
        ValueKind::Nil => "nothing".into(),
        ValueKind::Boolean(value) => format!("{value}"),
        ValueKind::I64(number) => format!("the number {number}"),
        ValueKind::I128(number) => format!("the number {number}"),
        ValueKind::U64(number) => format!("the number {number}"),
        ValueKind::U128(number) => format!("the number {number}"),
        ValueKind::Float(number) => format!("the number {number}"),
        ValueKind::String(text) => shown(text),
        ValueKind::Table(_) => "a mapping (keys below it)".into(),
        ValueKind::Array(_) => "a list".into(),
    }
}

fn type_remedy(path: &str, value: &Layered, schema: &Value, docs: &str) -> String {
    let key = super::problem::last(path);
    let number = json_of(value).as_number().map(ToString::to_string);
    match (&value.kind, schema_type(schema), schema["title"].as_str(), number) {
        (ValueKind::String(text), "array", ..) if !looks_secret(text) && text.len() < 40 => {
            format!("write `{key}: [{}]`", text.trim())
        }
        (ValueKind::I64(number), "array", ..) => match schema_type(&schema["items"]) {
            "integer" => format!("write `{key}: [{number}]`"),
            _ => format!("write `{key}: [\"{number}\"]`"),
        },
        (_, "string", Some("duration"), Some(number)) if !number.starts_with('-') => {
            format!("add the unit, e.g. `{key}: {number}s`")
        }
        (_, "string", Some("size"), Some(number)) if !number.starts_with('-') => {
            format!("add the unit, e.g. `{key}: {number} MiB`")
        }
        (_, "string", None, _) if !matches!(value.kind, ValueKind::Table(_) | ValueKind::Array(_)) => {
            "put it into quotes, if it is meant to be a text".into()
        }
        (ValueKind::String(text), "integer" | "number" | "boolean", ..) if is_scalar(text) => {
            format!("write it without quotes: `{key}: {}`", text.trim())
        }
        (_, "object", ..) => format!("see `{path}` in {docs} for its keys"),
        _ => format!("give {}", holds(schema)),
    }
}

fn is_scalar(text: &str) -> bool {
    let text = text.trim();
    text.parse::<f64>().is_ok() || text.parse::<bool>().is_ok()
}

/// What to say of a key nobody knows, and what to do: most often a slip of the pen, sometimes a secret.
fn unknown(path: &str, key: &str, schema: &Value, keys: &[Key]) -> (String, String) {
    if let Some((above, last)) = key.rsplit_once('.')
        && is_among(keys, key)
    {
        return ("the key is written with a dot".into(), format!("write `{last}:` below `{above}:`"));
    }
    ("there is no such key".into(), unknown_remedy(path, key, schema, keys))
}

fn is_among(keys: &[Key], path: &str) -> bool {
    keys.iter().any(|known| known.path == path)
}

/// People write secrets under such keys, whatever the keys are for.
fn names_a_secret(key: &str) -> bool {
    let lower = key.to_ascii_lowercase();
    let words = ["token", "password", "secret", "api_key", "apikey", "private_key"];
    words.iter().any(|word| lower.contains(word)) && !lower.ends_with("file")
}

fn unknown_remedy(path: &str, key: &str, schema: &Value, keys: &[Key]) -> String {
    let lower = key.to_ascii_lowercase();
    let file = match (path, lower.contains("sign")) {
        ("webhook", false) => "webhook.secret_file",
        ("webhook", true) => "webhook.signing_token_file",
        _ => "gitlab.token_file",
    };
    // The web configuration names no such file.
    if names_a_secret(key) && is_among(keys, file) {
        let no = "secrets are not written into the configuration or the environment";
        return format!("{no}: put it into a file and name that file in {file}");
    }
    if key == "<<" {
        return "YAML merge keys are not supported: write the keys out".into();
    }
    let properties: Vec<&str> = schema["properties"].as_object().into_iter().flatten().map(|(key, _)| &**key).collect();
    let near = |known: &&str| strsim::jaro_winkler(&lower.replace('-', "_"), known);
    let best = properties.iter().copied().max_by(|a, b| near(a).total_cmp(&near(b)));
    if let Some(best) = best.filter(|best| near(best) > 0.8) {
        return format!("did you mean `{best}`?");
    }
    let elsewhere = keys.iter().map(|known| known.path.as_str());
    let elsewhere = elsewhere.filter(|known| known.rsplit('.').next() == Some(&lower)).min_by_key(|known| {
        // The nearest of several: the one that shares most with where the key was written.
        std::cmp::Reverse(known.bytes().zip(path.bytes()).take_while(|(a, b)| a == b).count())
    });
    match elsewhere {
        Some(known) => format!("did you mean `{known}`? It is not a key of this place"),
        None => format!("known here: {}", properties.join(", ")),
    }
}
