//! Label selectors, as the API writes them.

use serde::Deserialize;

use super::lenient::{Dictionary, List, Shape, Text};
use crate::observation::{Operator, Requirement, Selector};
use crate::source::Texts;

/// Requirements of a selector that are told; a longer one is not readable.
const MOST_REQUIREMENTS: usize = 64;

/// A `LabelSelector`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct LabelSelector {
    match_labels: Dictionary,
    match_expressions: List<Shape<Expression>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Expression {
    pub(super) key: Text,
    pub(super) operator: Text,
    pub(super) values: List<Text>,
}

/// What the selector demands.
pub(super) fn selector(selector: &LabelSelector, texts: &mut Texts) -> Selector {
    let mut requirements: Vec<Requirement> = selector
        .match_labels
        .iter()
        .map(|(key, value)| Requirement {
            key: texts.name(key),
            operator: Operator::In,
            values: vec![texts.name(value)],
        })
        .collect();
    requirements.extend(selector.match_expressions.iter().map(|one| requirement(one, texts)));
    if requirements.len() > MOST_REQUIREMENTS {
        requirements = vec![Requirement { key: "".into(), operator: Operator::Unreadable, values: Vec::new() }];
    }
    Selector { requirements }
}

fn requirement(expression: &Expression, texts: &mut Texts) -> Requirement {
    let values: Vec<_> = expression.values.iter().map(|value| texts.name(value.or_empty())).collect();
    let operator = match expression.operator.or_empty() {
        "In" if !values.is_empty() => Operator::In,
        "NotIn" if !values.is_empty() => Operator::NotIn,
        "Exists" => Operator::Exists,
        "DoesNotExist" => Operator::DoesNotExist,
        _ => Operator::Unreadable,
    };
    let operator = if expression.key.get().is_none() { Operator::Unreadable } else { operator };
    Requirement { key: texts.name(expression.key.or_empty()), operator, values }
}
