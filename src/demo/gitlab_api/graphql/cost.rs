//! What a query costs by GitLab's rules: each field 1, a list its children plus one, doubled at a page of 100.

use std::collections::BTreeMap;

use graphql_parser::query::{self as ast, Selection, SelectionSet};
use serde_json::{Map, Value};

const LISTS: [&str; 5] = ["jobs", "runners", "projects", "managers", "groups"];

/// Deeper than this GitLab refuses; it also ends a fragment that spreads itself.
const DEEPEST: u32 = 20;

/// The score of a selection; more than any limit when it is too deep.
pub(super) fn of<'a>(
    set: &SelectionSet<'a, String>,
    fragments: &BTreeMap<&str, &ast::FragmentDefinition<'a, String>>,
    variables: &Map<String, Value>,
    depth: u32,
) -> u64 {
    if depth > DEEPEST {
        return 100_000;
    }
    let cost = |set| of(set, fragments, variables, depth + 1);
    set.items
        .iter()
        .map(|selection| match selection {
            Selection::Field(field) => {
                let children = cost(&field.selection_set) + 1;
                if !LISTS.contains(&field.name.as_str()) {
                    return children;
                }
                let given = |name| {
                    let found = field.arguments.iter().find(|(key, _)| key == name);
                    found.and_then(|(_, value)| plain(value, variables).as_u64())
                };
                let page = given("first").or_else(|| given("last")).unwrap_or(100).min(100);
                let extra = u64::from(field.arguments.iter().any(|(key, _)| key == "sort"));
                (children + extra) + (children + extra) * page / 100
            }
            Selection::InlineFragment(fragment) => cost(&fragment.selection_set),
            Selection::FragmentSpread(spread) => {
                fragments.get(spread.fragment_name.as_str()).map_or(0, |fragment| cost(&fragment.selection_set))
            }
        })
        .sum()
}

/// A value of the query as JSON, variables filled in.
pub(super) fn plain(value: &ast::Value<'_, String>, variables: &Map<String, Value>) -> Value {
    match value {
        ast::Value::Variable(name) => variables.get(name).cloned().unwrap_or(Value::Null),
        ast::Value::Int(number) => number.as_i64().into(),
        ast::Value::Float(number) => (*number).into(),
        ast::Value::String(text) | ast::Value::Enum(text) => text.as_str().into(),
        ast::Value::Boolean(flag) => (*flag).into(),
        ast::Value::Null => Value::Null,
        ast::Value::List(items) => items.iter().map(|item| plain(item, variables)).collect(),
        ast::Value::Object(fields) => {
            Value::Object(fields.iter().map(|(key, value)| (key.clone(), plain(value, variables))).collect())
        }
    }
}
