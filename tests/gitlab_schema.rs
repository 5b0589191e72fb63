//! Our GraphQL documents and the REST bodies of our tests, held against GitLab's own shapes.

#![expect(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test that cannot go on fails here")]

use std::collections::BTreeMap;

use graphql_parser::query::{
    Definition, Document, FragmentDefinition, OperationDefinition, Selection, SelectionSet, TypeCondition, Value,
};
use graphql_parser::schema::{self, Field, Type, TypeDefinition};
use tierwatch::source::gitlab::queries;

const SCHEMA: &str = include_str!("fixtures/gitlab/schema.graphql");
const REST: &str = include_str!("fixtures/gitlab/rest.schema.json");

/// What a document may not ask.
struct Checker<'s> {
    types: BTreeMap<&'s str, &'s TypeDefinition<'static, String>>,
    fragments: BTreeMap<String, FragmentDefinition<'static, String>>,
    variables: BTreeMap<String, String>,
    used: Vec<String>,
    problems: Vec<String>,
}

fn named<'t>(of: &'t Type<'static, String>) -> &'t str {
    match of {
        Type::NamedType(name) => name,
        Type::ListType(inner) | Type::NonNullType(inner) => named(inner),
    }
}

fn fields<'s>(of: &'s TypeDefinition<'static, String>) -> Option<&'s [Field<'static, String>]> {
    match of {
        TypeDefinition::Object(object) => Some(&object.fields),
        TypeDefinition::Interface(interface) => Some(&interface.fields),
        TypeDefinition::Scalar(_)
        | TypeDefinition::Union(_)
        | TypeDefinition::Enum(_)
        | TypeDefinition::InputObject(_) => None,
    }
}

impl<'s> Checker<'s> {
    fn new(schema: &'s schema::Document<'static, String>) -> Self {
        let types = schema.definitions.iter().filter_map(|definition| match definition {
            schema::Definition::TypeDefinition(of) => Some((type_name(of), of)),
            schema::Definition::SchemaDefinition(_)
            | schema::Definition::TypeExtension(_)
            | schema::Definition::DirectiveDefinition(_) => None,
        });
        Self {
            types: types.collect(),
            fragments: BTreeMap::new(),
            variables: BTreeMap::new(),
            used: Vec::new(),
            problems: Vec::new(),
        }
    }

    fn check(mut self, document: &Document<'static, String>) -> Vec<String> {
        for definition in &document.definitions {
            if let Definition::Fragment(fragment) = definition {
                self.fragments.insert(fragment.name.clone(), fragment.clone());
            }
        }
        for definition in &document.definitions {
            if matches!(definition, Definition::Fragment(_)) {
                continue;
            }
            let Definition::Operation(OperationDefinition::Query(query)) = definition else {
                self.problems.push("only named queries are expected".into());
                continue;
            };
            for variable in &query.variable_definitions {
                self.variables.insert(variable.name.clone(), variable.var_type.to_string());
            }
            self.selection("Query", &query.selection_set);
        }
        for name in self.variables.keys() {
            if !self.used.contains(name) {
                self.problems.push(format!("${name} is not used"));
            }
        }
        self.problems
    }

    fn selection(&mut self, on: &str, set: &SelectionSet<'static, String>) {
        let Some(known) = self.types.get(on).and_then(|of| fields(of)) else {
            return self.problems.push(format!("{on} has no fields"));
        };
        for item in &set.items {
            let asked = match item {
                Selection::Field(asked) => asked,
                Selection::FragmentSpread(spread) => {
                    let TypeCondition::On(of) = &self.fragments[&spread.fragment_name].type_condition;
                    if of != on {
                        self.problems.push(format!("{on}: the fragment {} is of {of}", spread.fragment_name));
                    }
                    let fragment = self.fragments[&spread.fragment_name].selection_set.clone();
                    self.selection(on, &fragment);
                    continue;
                }
                Selection::InlineFragment(_) => {
                    self.problems.push(format!("{on}: inline fragments are not expected"));
                    continue;
                }
            };
            let Some(field) = known.iter().find(|field| field.name == asked.name) else {
                self.problems.push(format!("{on} has no field {}", asked.name));
                continue;
            };
            for (name, value) in &asked.arguments {
                match field.arguments.iter().find(|argument| argument.name == *name) {
                    None => self.problems.push(format!("{on}.{} has no argument {name}", asked.name)),
                    Some(argument) => self.argument(&argument.value_type, value),
                }
            }
            for argument in &field.arguments {
                let required = matches!(argument.value_type, Type::NonNullType(_)) && argument.default_value.is_none();
                if required && !asked.arguments.iter().any(|(name, _)| *name == argument.name) {
                    self.problems.push(format!("{on}.{} needs the argument {}", asked.name, argument.name));
                }
            }
            let of = named(&field.field_type);
            let composite = self.types.get(of).is_some_and(|of| fields(of).is_some());
            match (composite, asked.selection_set.items.is_empty()) {
                (true, false) => self.selection(of, &asked.selection_set),
                (true, true) => self.problems.push(format!("{on}.{} needs a selection", asked.name)),
                (false, false) => self.problems.push(format!("{on}.{} has no fields", asked.name)),
                (false, true) => {}
            }
        }
    }

    fn argument(&mut self, wanted: &Type<'static, String>, value: &Value<'static, String>) {
        match value {
            Value::Variable(name) => {
                self.used.push(name.clone());
                let given = self.variables.get(name).cloned().unwrap_or_default();
                let wanted = wanted.to_string();
                if given.trim_end_matches('!') != wanted.trim_end_matches('!')
                    || (wanted.ends_with('!') && !given.ends_with('!'))
                {
                    self.problems.push(format!("${name} is {given}, not {wanted}"));
                }
            }
            Value::Enum(name) => {
                let known = match self.types.get(named(wanted)) {
                    Some(TypeDefinition::Enum(of)) => of.values.iter().any(|value| value.name == *name),
                    _ => false,
                };
                if !known {
                    self.problems.push(format!("{name} is no {wanted}"));
                }
            }
            Value::List(items) => match wanted {
                Type::ListType(of) => items.iter().for_each(|item| self.argument(of, item)),
                Type::NonNullType(_) | Type::NamedType(_) => self.problems.push(format!("{value} is no {wanted}")),
            },
            Value::Int(_) if named(wanted) == "Int" => {}
            other => self.problems.push(format!("{other} is not expected")),
        }
    }
}

fn type_name<'t>(of: &'t TypeDefinition<'static, String>) -> &'t str {
    match of {
        TypeDefinition::Scalar(of) => &of.name,
        TypeDefinition::Object(of) => &of.name,
        TypeDefinition::Interface(of) => &of.name,
        TypeDefinition::Union(of) => &of.name,
        TypeDefinition::Enum(of) => &of.name,
        TypeDefinition::InputObject(of) => &of.name,
    }
}

fn problems(text: &str) -> Vec<String> {
    let schema = graphql_parser::parse_schema::<String>(SCHEMA).unwrap().into_static();
    Checker::new(&schema).check(&graphql_parser::parse_query::<String>(text).unwrap().into_static())
}

#[test]
fn every_document_fits_the_schema() {
    for document in queries::ALL {
        assert_eq!(problems(document.text), Vec::<String>::new(), "{}", document.name);
        assert!(document.text.starts_with(&format!("query {}(", document.name)));
        assert!(document.text.len() < 10_000, "GitLab refuses longer texts");
    }
}

#[test]
fn the_checker_finds_what_does_not_fit() {
    let table = [
        ("query Q { jobs { nodes { protected } } }", "CiJobInterface has no field protected"),
        ("query Q { jobs(tags: 1) { count } }", "Query.jobs has no argument tags"),
        ("query Q { group { id } }", "Query.group needs the argument fullPath"),
        ("query Q { jobs }", "Query.jobs needs a selection"),
        ("query Q { currentUser { admin { x } } }", "CurrentUser.admin has no fields"),
        ("query Q { runners(status: ASLEEP) { count } }", "ASLEEP is no CiRunnerStatus"),
        ("query Q($a: Int) { jobs(after: $a) { count } }", "$a is Int, not String"),
        ("query Q($a: Int) { currentUser { admin } }", "$a is not used"),
    ];
    for (text, problem) in table {
        assert_eq!(problems(text), [problem], "{text}");
    }
}

fn assert_rest(definition: &str, body: &serde_json::Value) {
    let mut schema: serde_json::Value = serde_json::from_str(REST).unwrap();
    schema["$ref"] = format!("#/$defs/{definition}").into();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let problems: Vec<String> =
        validator.iter_errors(body).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(problems.is_empty(), "{definition}: {problems:#?}");
}

#[test]
fn the_rest_fixtures_are_what_gitlab_sends() {
    for (definition, text) in [
        ("JobList", include_str!("fixtures/gitlab/JobList.json")),
        ("RunnerList", include_str!("fixtures/gitlab/RunnerList.json")),
        ("RunnerDetails", include_str!("fixtures/gitlab/RunnerDetails.json")),
        ("RunnerManagerList", include_str!("fixtures/gitlab/RunnerManagerList.json")),
        ("BasicProjectList", include_str!("fixtures/gitlab/BasicProjectList.json")),
    ] {
        assert_rest(definition, &serde_json::from_str(text).unwrap());
    }
}

#[test]
fn the_rest_fixtures_translate() {
    use tierwatch::source::gitlab::translate;
    let rows: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("fixtures/gitlab/BasicProjectList.json")).unwrap();
    let project = translate::project_from_rest(&rows[0]).unwrap();
    assert_eq!((project.id.0, &*project.path), (812, "kelp/reef"));
}
