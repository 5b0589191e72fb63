//! Embedded defaults ← file ← environment, laid over one another by the `config` crate.

use ::config::{ConfigError, Map, Source, Value, ValueKind};

use super::problem::{Place, Problem, join, shown_key};
use super::shape::Places;
use super::yaml::{self, Text};

/// The embedded defaults.
pub(super) const DEFAULTS: &str = include_str!("default.yaml");
/// Every variable with this prefix must be a key.
pub(super) const PREFIX: &str = "TIERWATCH__";
/// The entry of the defaults that holds for every tier.
pub(super) const ANY_TIER: &str = "<name>";

/// The layers as one value, each part knowing its place, and the places of mappings, which merging forgets.
/// `None` when a layer cannot be read at all.
pub(super) fn merge(
    file: &str,
    env: impl Iterator<Item = (String, String)>,
    problems: &mut Vec<Problem>,
) -> Option<(Value, Places)> {
    let mut defaults = table(yaml::read(DEFAULTS, &Text::Default, problems), problems)?;
    let any_tier = take_any_tier(&mut defaults);
    let file = yaml::read(file, &Text::File, problems);
    let variables = variables(env, problems);
    if problems.iter().any(|problem| problem.key.is_empty()) {
        return None;
    }
    let mut file = table(file, problems)?;

    let mut places = Places::new();
    table_places(&variables, "", &mut places);
    table_places(&file, "", &mut places);

    let names = tier_names(&file).into_iter().chain(tier_names(&variables));
    let each_tier: Map<String, Value> = names.filter_map(|name| Some((name, any_tier.clone()?))).collect();
    let each_tier = Map::from([("tiers".to_owned(), Value::new(None, ValueKind::Table(each_tier)))]);

    // `key:` without a value means "not written": it must not wipe the defaults below it, yet an unknown one is told.
    let mut unset = Vec::new();
    take_unset(&mut file, &mut Vec::new(), &mut unset);
    // The `config` crate reads a top-level key as a path; one with a dot in it is a mistake to be told, not followed.
    let odd = take_odd(&mut file);

    let merged = ::config::Config::builder()
        .add_source(Layer(defaults))
        .add_source(Layer(each_tier))
        .add_source(Layer(file))
        .add_source(Layer(variables))
        .build();
    match merged {
        Ok(merged) => {
            let mut merged = merged.cache;
            for (path, value) in unset.into_iter().chain(odd.into_iter().map(|(key, value)| (vec![key], value))) {
                put(&mut merged, &path, value, false);
            }
            Some((merged, places))
        }
        Err(error) => {
            problems.push(Problem {
                key: String::new(),
                place: Place::Unknown,
                reason: format!("the layers do not fit together: {error}"),
                remedy: "this is a fault of tierwatch: please report it".into(),
            });
            None
        }
    }
}

#[derive(Debug, Clone)]
struct Layer(Map<String, Value>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}

fn table(value: Option<Value>, problems: &mut Vec<Problem>) -> Option<Map<String, Value>> {
    match value {
        None => Some(Map::new()),
        Some(Value { kind: ValueKind::Nil, .. }) => Some(Map::new()),
        Some(Value { kind: ValueKind::Table(map), .. }) => Some(map),
        Some(other) => {
            problems.push(Problem {
                key: String::new(),
                place: Place::from_origin(other.origin()),
                reason: "the configuration is not a mapping of keys".into(),
                remedy: "begin with `gitlab:` and `tiers:`; see docs/configuration.md".into(),
            });
            None
        }
    }
}

fn table_places(map: &Map<String, Value>, path: &str, places: &mut Places) {
    for (key, value) in map {
        if let ValueKind::Table(inner) = &value.kind {
            let path = join(path, key);
            table_places(inner, &path, places);
            places.insert(path, Place::from_origin(value.origin()));
        }
    }
}

fn take_any_tier(defaults: &mut Map<String, Value>) -> Option<Value> {
    let ValueKind::Table(mut tiers) = defaults.remove("tiers")?.kind else { return None };
    tiers.remove(ANY_TIER)
}

/// Tiers that are written as mappings or left empty; anything else is told by its type.
fn tier_names(layer: &Map<String, Value>) -> Vec<String> {
    match layer.get("tiers").map(|tiers| &tiers.kind) {
        Some(ValueKind::Table(tiers)) => tiers
            .iter()
            .filter(|(_, tier)| matches!(tier.kind, ValueKind::Table(_) | ValueKind::Nil))
            .map(|(name, _)| name.clone())
            .collect(),
        _ => Vec::new(),
    }
}

fn take_unset(map: &mut Map<String, Value>, path: &mut Vec<String>, unset: &mut Vec<(Vec<String>, Value)>) {
    let keys: Vec<String> = map.keys().cloned().collect();
    for key in keys {
        path.push(key.clone());
        match map.get_mut(&key).map(|value| &mut value.kind) {
            Some(ValueKind::Table(inner)) => take_unset(inner, path, unset),
            Some(ValueKind::Nil) => unset.extend(map.remove(&key).map(|value| (path.clone(), value))),
            _ => {}
        }
        path.pop();
    }
}

fn take_odd(file: &mut Map<String, Value>) -> Vec<(String, Value)> {
    let plain = |key: &str| key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let odd: Vec<String> = file.keys().filter(|key| !plain(key)).cloned().collect();
    odd.into_iter().filter_map(|key| file.remove_entry(&key)).collect()
}

/// The variables as a tree: `TIERWATCH__GITLAB__URL` is `gitlab.url`.
fn variables(env: impl Iterator<Item = (String, String)>, problems: &mut Vec<Problem>) -> Map<String, Value> {
    let mut found: Vec<(String, String)> = env.filter(|(name, _)| name.starts_with(PREFIX)).collect();
    found.sort();
    let mut root = Value::new(None, ValueKind::Table(Map::new()));
    for (name, text) in found {
        let path: Vec<String> =
            name.trim_start_matches(PREFIX).split("__").map(|part| part.to_ascii_lowercase()).collect();
        let odd = |part: &String| part.is_empty() || part.contains(['.', '[', ']']);
        if path.iter().any(odd) {
            problems.push(Problem {
                key: format!("{PREFIX}…"),
                place: Place::Variable(shown_key(&name)),
                reason: "is not the name of a key".into(),
                remedy: format!("join the parts of the key by two underscores, e.g. {PREFIX}GITLAB__URL"),
            });
            continue;
        }
        let shown = shown_key(&name);
        let from = Text::Variable(shown.clone());
        // A list or mapping is written as in YAML; anything else is taken as it is and typed by its key.
        let value = if text.trim_start().starts_with(['[', '{']) {
            yaml::read(&text, &from, problems)
        } else {
            Some(Value::new(Some(&Place::Variable(shown).to_origin()), ValueKind::String(text)))
        };
        if let Some(value) = value {
            put(&mut root, &path, value, true);
        }
    }
    if let ValueKind::Table(map) = root.kind { map } else { Map::new() }
}

/// Puts `value` at `path`, making mappings on the way; what is there stays unless `over`.
fn put(root: &mut Value, path: &[String], value: Value, over: bool) {
    let Some((last, way)) = path.split_last() else { return };
    let mut at = root;
    for part in way {
        if !matches!(at.kind, ValueKind::Table(_)) {
            if !over && !matches!(at.kind, ValueKind::Nil) {
                return;
            }
            at.kind = ValueKind::Table(Map::new());
        }
        let ValueKind::Table(map) = &mut at.kind else { return };
        at = map.entry(part.clone()).or_insert_with(|| Value::new(None, ValueKind::Nil));
    }
    if !matches!(at.kind, ValueKind::Table(_)) {
        if !over && !matches!(at.kind, ValueKind::Nil) {
            return;
        }
        at.kind = ValueKind::Table(Map::new());
    }
    if let ValueKind::Table(map) = &mut at.kind {
        if over {
            map.insert(last.clone(), value);
        } else {
            map.entry(last.clone()).or_insert(value);
        }
    }
}
