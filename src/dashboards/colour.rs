//! Colours and the words for values.

use serde_json::{Map, Value, json};

/// What a colour means everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colour {
    /// Nothing is judged.
    Text,
    /// Well.
    Green,
    /// Worth a look in working hours.
    Orange,
    /// Users feel it.
    Red,
    /// Cannot be seen.
    Purple,
    /// Known, and no trouble.
    Blue,
}

impl Colour {
    /// Grafana's name of it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Green => "green",
            Self::Orange => "orange",
            Self::Red => "red",
            Self::Purple => "purple",
            Self::Blue => "blue",
        }
    }
}

/// Values that have a word.
pub(super) type Mapping = &'static [(i32, &'static str, Colour)];

/// Whether a judgement holds.
pub(super) const HOLDS: Mapping = &[(0, "no", Colour::Green), (1, "holds", Colour::Red)];

/// Whether a source can be read.
pub(super) const READ: Mapping = &[(0, "blind", Colour::Purple), (1, "read", Colour::Green)];

/// Whether a boundary is where it should be.
pub(super) const MOVED: Mapping = &[(0, "as declared", Colour::Green), (1, "moved", Colour::Red)];

/// As Grafana writes a mapping.
pub(super) fn mappings(mapping: Option<Mapping>) -> Value {
    let Some(mapping) = mapping else { return json!([]) };
    let options: Map<String, Value> = mapping
        .iter()
        .enumerate()
        .map(|(index, (value, text, colour))| {
            (value.to_string(), json!({ "color": colour.as_str(), "index": index, "text": text }))
        })
        .collect();
    json!([{ "type": "value", "options": options }])
}

/// As Grafana writes thresholds.
pub(super) fn thresholds(base: Colour, steps: &[(f64, Colour)]) -> Value {
    let first = json!({ "color": base.as_str(), "value": null });
    let rest = steps.iter().map(|(value, colour)| json!({ "color": colour.as_str(), "value": value }));
    json!({ "mode": "absolute", "steps": std::iter::once(first).chain(rest).collect::<Vec<_>>() })
}
