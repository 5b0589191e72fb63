//! `POST /api/graphql`: parses the query, weighs it, and resolves exactly the fields asked for.

mod cost;
mod fields;
mod list;
mod node;

use std::collections::BTreeMap;

use graphql_parser::query::{
    self as ast, Definition, Document, OperationDefinition, Selection, SelectionSet, TypeCondition,
};
use serde_json::{Map, Value, json};

use self::node::{Node, Resolved};
use super::access::Caller;
use crate::demo::world::World;

/// GitLab refuses longer texts.
const LONGEST_QUERY: usize = 10_000;

/// Arguments of a field, variables filled in.
pub(super) type Arguments = Map<String, Value>;

/// One operation being answered.
struct Run<'a> {
    world: &'a World,
    caller: Option<&'a Caller>,
    variables: &'a Map<String, Value>,
    fragments: BTreeMap<&'a str, &'a ast::FragmentDefinition<'a, String>>,
    score: u64,
    limit: u64,
    /// `Project.jobs` and `CiRunner.jobs` work for one parent in an operation.
    jobs_of: BTreeMap<&'static str, u32>,
    errors: Vec<Value>,
    path: Vec<Value>,
}

/// The body of the answer to a body.
pub(super) fn answer(world: &World, caller: Option<&Caller>, body: &Value) -> Value {
    let text = body["query"].as_str().unwrap_or_default();
    if text.len() > LONGEST_QUERY {
        return refused("Query too large");
    }
    let document: Document<'_, String> = match ast::parse_query(text) {
        Ok(document) => document,
        Err(error) => return refused(&format!("Parse error: {error}")),
    };
    let empty = Map::new();
    let variables = body["variables"].as_object().unwrap_or(&empty);
    let fragments = document
        .definitions
        .iter()
        .filter_map(|definition| match definition {
            Definition::Fragment(fragment) => Some((fragment.name.as_str(), fragment)),
            Definition::Operation(_) => None,
        })
        .collect();
    let wanted = body["operationName"].as_str();
    let Some(selection) = document.definitions.iter().find_map(|definition| operation(definition, wanted)) else {
        return refused("An operation name is required");
    };
    let limit = caller.map_or(200, |caller| if caller.admin { 300 } else { 250 });
    let score = cost::of(selection, &fragments, variables, 0);
    if score > limit {
        return refused(&format!("Query has complexity of {score}, which exceeds max complexity of {limit}"));
    }
    let mut run = Run {
        world,
        caller,
        variables,
        fragments,
        score,
        limit,
        jobs_of: BTreeMap::new(),
        errors: Vec::new(),
        path: Vec::new(),
    };
    let data = run.object(&Node::Query, selection);
    match data {
        Ok(data) if run.errors.is_empty() => json!({ "data": data }),
        Ok(data) => json!({ "data": data, "errors": run.errors }),
        // The query asks for something the schema does not have: nothing is executed.
        Err(Invalid(message)) => refused(&message),
    }
}

fn operation<'d>(definition: &'d Definition<'d, String>, wanted: Option<&str>) -> Option<&'d SelectionSet<'d, String>> {
    match definition {
        Definition::Operation(OperationDefinition::SelectionSet(set)) => Some(set),
        Definition::Operation(OperationDefinition::Query(query)) => {
            (wanted.is_none() || wanted == query.name.as_deref()).then_some(&query.selection_set)
        }
        Definition::Operation(OperationDefinition::Mutation(_) | OperationDefinition::Subscription(_))
        | Definition::Fragment(_) => None,
    }
}

fn refused(message: &str) -> Value {
    json!({ "errors": [{ "message": message, "locations": [{ "line": 1, "column": 1 }] }] })
}

/// A field or type condition that the schema does not have.
struct Invalid(String);

impl<'a> Run<'a> {
    fn object(&mut self, node: &Node, set: &'a SelectionSet<'a, String>) -> Result<Value, Invalid> {
        let mut object = Map::new();
        self.select(node, set, &mut object)?;
        Ok(Value::Object(object))
    }

    fn select(
        &mut self,
        node: &Node,
        set: &'a SelectionSet<'a, String>,
        into: &mut Map<String, Value>,
    ) -> Result<(), Invalid> {
        for selection in &set.items {
            match selection {
                Selection::Field(field) => {
                    if self.wanted(&field.directives) {
                        let key = field.alias.as_ref().unwrap_or(&field.name);
                        self.path.push(key.as_str().into());
                        let value = self.field(node, field)?;
                        self.path.pop();
                        into.insert(key.clone(), value);
                    }
                }
                Selection::InlineFragment(fragment) => {
                    if self.wanted(&fragment.directives) && applies(node, fragment.type_condition.as_ref()) {
                        self.select(node, &fragment.selection_set, into)?;
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let Some(fragment) = self.fragments.get(spread.fragment_name.as_str()).copied() else {
                        return Err(Invalid(format!("Fragment {} was used, but not defined", spread.fragment_name)));
                    };
                    if self.wanted(&spread.directives) && applies(node, Some(&fragment.type_condition)) {
                        self.select(node, &fragment.selection_set, into)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn field(&mut self, node: &Node, field: &'a ast::Field<'a, String>) -> Result<Value, Invalid> {
        if field.name == "__typename" {
            return Ok(node.type_name().into());
        }
        let arguments: Arguments =
            field.arguments.iter().map(|(name, value)| (name.clone(), cost::plain(value, self.variables))).collect();
        let found = self.resolve(node, &field.name, &arguments);
        let leaf = field.selection_set.items.is_empty();
        match found {
            Resolved::Unknown => {
                Err(Invalid(format!("Field '{}' doesn't exist on type '{}'", field.name, node.type_name())))
            }
            Resolved::Value(value) if leaf => Ok(value),
            Resolved::One(None) | Resolved::Value(Value::Null) => Ok(Value::Null),
            Resolved::Value(_) => Err(Invalid(format!("Selections can't be made on scalars (field '{}')", field.name))),
            Resolved::One(Some(_)) | Resolved::Many(_) if leaf => {
                Err(Invalid(format!("Field must have selections (field '{}')", field.name)))
            }
            Resolved::One(Some(node)) => self.object(&node, &field.selection_set),
            Resolved::Many(nodes) => {
                let mut rows = Vec::with_capacity(nodes.len());
                for (position, node) in nodes.iter().enumerate() {
                    self.path.push(position.into());
                    rows.push(self.object(node, &field.selection_set)?);
                    self.path.pop();
                }
                Ok(Value::Array(rows))
            }
            Resolved::Error(message) => {
                self.errors
                    .push(json!({ "message": message, "locations": [{ "line": 1, "column": 1 }], "path": self.path }));
                Ok(Value::Null)
            }
        }
    }

    /// `@skip` and `@include`.
    fn wanted(&self, directives: &[ast::Directive<'a, String>]) -> bool {
        directives.iter().all(|directive| {
            let condition = directive.arguments.iter().find(|(name, _)| name == "if");
            let holds = condition.is_none_or(|(_, value)| cost::plain(value, self.variables) == true);
            match directive.name.as_str() {
                "skip" => !holds,
                "include" => holds,
                _ => true,
            }
        })
    }
}

fn applies(node: &Node, condition: Option<&TypeCondition<'_, String>>) -> bool {
    condition.is_none_or(|TypeCondition::On(name)| node.is_a(name))
}
