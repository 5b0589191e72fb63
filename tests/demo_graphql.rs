//! The simulated GitLab is held to GitLab's GraphQL schema: what it answers exists there and is null only where
//! it may be; who may see what.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test stops at the first surprise")]

mod demo_support;

use std::collections::BTreeMap;

use demo_support::{Asker, troubled};
use graphql_parser::schema::{self, Definition, EnumType, Field, Type, TypeDefinition};
use serde_json::{Value, json};
use tierwatch::demo::gitlab_api::access::{MAINTAINER_TOKEN, REPORTER_TOKEN};

const SCHEMA: &str = include_str!("fixtures/gitlab/schema.graphql");

/// Checks answers whose every object names its `__typename` and whose keys are field names without aliases.
struct Schema {
    objects: BTreeMap<String, Vec<Field<'static, String>>>,
    enums: BTreeMap<String, EnumType<'static, String>>,
}

impl Schema {
    fn load() -> Self {
        let document = schema::parse_schema::<String>(SCHEMA).unwrap().into_static();
        let (mut objects, mut enums) = (BTreeMap::new(), BTreeMap::new());
        for definition in document.definitions {
            match definition {
                Definition::TypeDefinition(TypeDefinition::Object(object)) => {
                    objects.insert(object.name, object.fields);
                }
                Definition::TypeDefinition(TypeDefinition::Enum(of)) => {
                    enums.insert(of.name.clone(), of);
                }
                _ => {}
            }
        }
        Self { objects, enums }
    }

    fn object(&self, of: &str, value: &Value, at: &str) {
        let fields = self.objects.get(of).unwrap_or_else(|| panic!("{at}: no object type {of}"));
        for (key, value) in value.as_object().unwrap() {
            if key != "__typename" {
                let field = fields.iter().find(|field| field.name == *key);
                let field = field.unwrap_or_else(|| panic!("{at}: {of} has no field {key}"));
                self.value(&field.field_type, value, &format!("{at}.{key}"));
            }
        }
    }

    fn value(&self, of: &Type<'static, String>, value: &Value, at: &str) {
        match of {
            Type::NonNullType(inner) => {
                assert!(!value.is_null(), "{at} must not be null");
                self.value(inner, value, at);
            }
            _ if value.is_null() => {}
            Type::ListType(inner) => {
                for (position, item) in value.as_array().unwrap_or_else(|| panic!("{at} is no list")).iter().enumerate()
                {
                    self.value(inner, item, &format!("{at}[{position}]"));
                }
            }
            Type::NamedType(name) => match value {
                Value::Object(object) => self.object(object["__typename"].as_str().unwrap(), value, at),
                _ => self.scalar(name, value, at),
            },
        }
    }

    fn scalar(&self, name: &str, value: &Value, at: &str) {
        let fits = match name {
            "Int" => value.is_i64(),
            "Boolean" => value.is_boolean(),
            "Duration" => value.is_number(),
            "Time" => value.as_str().is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok()),
            _ => match self.enums.get(name) {
                Some(of) => of.values.iter().any(|known| value == known.name.as_str()),
                None => value.is_string(),
            },
        };
        assert!(fits, "{at} is no {name}: {value}");
    }

    /// A query for every plain field of a type.
    fn leaves(&self, of: &str) -> String {
        let plain = self.objects[of].iter().filter(|field| {
            let name = named(&field.field_type);
            !self.objects.contains_key(name) && !name.ends_with("Interface") && field.name != "count"
        });
        plain.map(|field| field.name.as_str()).collect::<Vec<_>>().join(" ")
    }
}

fn named<'t>(of: &'t Type<'static, String>) -> &'t str {
    match of {
        Type::NamedType(name) => name,
        Type::ListType(inner) | Type::NonNullType(inner) => named(inner),
    }
}

fn assert_valid(schema: &Schema, answer: &Value) {
    assert!(answer.get("errors").is_none(), "{answer:#}");
    schema.object("Query", &answer["data"], "data");
}

#[tokio::test]
async fn every_field_of_every_object_is_as_the_schema_says() {
    let demo = troubled().await;
    let schema = Schema::load();
    let admin = Asker::admin(&demo);
    let leaves = |of| schema.leaves(of);
    let page = format!("pageInfo {{ __typename {} }}", leaves("PageInfo"));
    let queries = [
        format!(
            "{{ currentUser {{ __typename {} }} metadata {{ __typename {} }} queryComplexity {{ __typename {} }} }}",
            leaves("CurrentUser"), leaves("Metadata"), leaves("QueryComplexity")
        ),
        format!("{{ jobs(first: 100) {{ __typename count {page} nodes {{ __typename {} }} }} }}", leaves("CiJob")),
        format!(
            "{{ jobs(statuses: [RUNNING], first: 5) {{ __typename edges {{ __typename cursor node {{ __typename id \
             pipeline {{ __typename ... on Pipeline {{ {} }} }} project {{ __typename ... on Project {{ {} }} }} \
             runner {{ __typename id }} ... on CiJob {{ runnerManager {{ __typename {} }} }} }} }} }} }}",
            leaves("Pipeline"), leaves("Project"), leaves("CiRunnerManager")
        ),
        format!(
            "{{ runners(first: 2) {{ __typename count {page} nodes {{ __typename {} }} }} }}",
            leaves("CiRunner")
        ),
        format!(
            "{{ runners {{ __typename nodes {{ __typename id managers(first: 10) {{ __typename count {page} nodes {{ __typename {} }} }} \
             groups(first: 2) {{ __typename nodes {{ __typename fullPath id name webUrl }} }} ownerProject {{ __typename id }} createdBy {{ __typename id }} }} }} }}",
            leaves("CiRunnerManager")
        ),
        format!(
            "{{ group(fullPath: \"harbour\") {{ __typename {} projects(first: 3) {{ __typename count {page} nodes {{ __typename {} }} }} }} }}",
            leaves("Group"), leaves("Project")
        ),
        "{ project(fullPath: \"harbour/ledger\") { __typename id group { __typename id } jobs(first: 10) { __typename count nodes { __typename id name } } } }".to_owned(),
        "{ runner(id: \"gid://gitlab/Ci::Runner/31\") { __typename id jobs(first: 10, statuses: RUNNING) { __typename nodes { __typename id status } } } }".to_owned(),
    ];
    for query in &queries {
        let answer = admin.graphql(query, json!({})).await;
        assert_valid(&schema, &answer);
    }
}

#[tokio::test]
async fn the_daemons_own_queries_are_answered() {
    use tierwatch::source::gitlab::queries;
    let demo = troubled().await;
    let admin = Asker::admin(&demo);
    let mut ids = Vec::new();
    let mut after = Value::Null;
    loop {
        let answer = admin.graphql(queries::JOBS.text, json!({ "statuses": ["PENDING"], "after": after })).await;
        assert!(answer.get("errors").is_none(), "{answer}");
        let jobs = &answer["data"]["jobs"];
        ids.extend(jobs["nodes"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()));
        after = jobs["pageInfo"]["endCursor"].clone();
        if jobs["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    let waiting: u64 = demo.truth().tiers.values().map(|tier| tier.levels.pending + tier.levels.unserved).sum();
    assert!(ids.len() > 50 && ids.len().abs_diff(usize::try_from(waiting).unwrap()) <= 6, "{} of {waiting}", ids.len());
    let runners = admin.graphql(queries::RUNNERS.text, json!({})).await;
    assert_eq!(runners["data"]["runners"]["nodes"].as_array().unwrap().len(), 5);
    let group = Asker { demo: &demo, token: Some(MAINTAINER_TOKEN) };
    let runners = group.graphql(queries::GROUP_RUNNERS.text, json!({ "group": "harbour" })).await;
    assert_eq!(runners["data"]["group"]["runners"]["nodes"].as_array().unwrap().len(), 5, "{runners}");
}

#[tokio::test]
async fn who_may_not_list_jobs_sees_none_and_runners_are_an_error() {
    let demo = troubled().await;
    let group = Asker { demo: &demo, token: Some(MAINTAINER_TOKEN) };
    let answer = group.graphql("{ jobs(statuses: [PENDING]) { nodes { id } } }", json!({})).await;
    assert_eq!(answer, json!({ "data": { "jobs": { "nodes": [] } } }));
    let answer = group.graphql("{ metadata { version } runners { nodes { id } } }", json!({})).await;
    assert_eq!(answer["data"]["runners"], Value::Null);
    assert_eq!(answer["data"]["metadata"]["version"], "19.3.0-ee");
    assert_eq!(answer["errors"][0]["path"], json!(["runners"]));

    let for_runner =
        "query($id: CiRunnerID!) { jobs(statuses: [PENDING], compatibleRunnerId: $id) { nodes { tags } } }";
    let answer = group.graphql(for_runner, json!({ "id": "gid://gitlab/Ci::Runner/34" })).await;
    let jobs = answer["data"]["jobs"]["nodes"].as_array().unwrap();
    assert!(!jobs.is_empty() && jobs.iter().all(|job| job["tags"] == json!(["tier-deployment"])), "{answer}");
    let reporter = Asker { demo: &demo, token: Some(REPORTER_TOKEN) };
    let answer = reporter.graphql(for_runner, json!({ "id": "gid://gitlab/Ci::Runner/34" })).await;
    assert_eq!(answer["data"]["jobs"]["nodes"], json!([]));
    let nobody = Asker { demo: &demo, token: None };
    assert_eq!(nobody.graphql("{ currentUser { id } }", json!({})).await, json!({ "data": { "currentUser": null } }));
}

#[tokio::test]
async fn what_gitlab_refuses_is_refused() {
    let demo = troubled().await;
    let admin = Asker::admin(&demo);
    let refused = async |query: &str, words: &str| {
        let answer = admin.graphql(query, json!({})).await;
        let message = answer["errors"][0]["message"].as_str().unwrap_or_default();
        assert!(message.contains(words), "{query}: {answer}");
    };
    refused("{ jobs { nodes { failureReason } } }", "Field 'failureReason' doesn't exist on type 'CiJob'").await;
    refused("{ runners { nodes { version } } }", "doesn't exist on type 'CiRunner'").await;
    refused("{ jobs( }", "Parse error").await;
    refused(&format!("{{ metadata {{ {} }} }}", "version ".repeat(1300)), "Query too large").await;
    refused("{ jobs(compatibleRunnerId: \"gid://gitlab/Ci::Runner/31\") { nodes { id } } }", "compatibleRunnerId")
        .await;
    refused("{ jobs { count(limit: 1001) } }", "limit").await;
    let two = "{ a: project(fullPath: \"harbour/ledger\") { jobs { nodes { id } } } b: project(fullPath: \"harbour/docs\") { jobs { nodes { id } } } }";
    refused(two, "can be requested only for 1 Project(s) at a time").await;
    let heavy = (0..4).fold("id".to_owned(), |inner, _| {
        format!("id managers(first: 100) {{ nodes {{ id status version runner {{ {inner} }} }} }}")
    });
    let heavy = format!("{{ runners(first: 100) {{ nodes {{ {heavy} }} }} }}");
    refused(&heavy, "exceeds max complexity of 300").await;
    refused("{ ...a } fragment a on Query { ...a }", "exceeds max complexity").await;
}

#[tokio::test]
async fn pages_run_both_ways() {
    let demo = troubled().await;
    let admin = Asker::admin(&demo);
    let ask = async |arguments: &str| {
        let query = format!(
            "{{ jobs(statuses: [SUCCESS], {arguments}) {{ nodes {{ id }} pageInfo {{ endCursor startCursor hasNextPage hasPreviousPage }} }} }}"
        );
        admin.graphql(&query, json!({})).await["data"]["jobs"].clone()
    };
    let all = ask("first: 100").await["nodes"].as_array().unwrap().clone();
    let first = ask("first: 4").await;
    let end = first["pageInfo"]["endCursor"].as_str().unwrap();
    let second = ask(&format!("first: 4, after: \"{end}\"")).await;
    assert_eq!(second["nodes"].as_array().unwrap()[..], all[4..8]);
    let start = second["pageInfo"]["startCursor"].as_str().unwrap();
    let back = ask(&format!("last: 2, before: \"{start}\"")).await;
    assert_eq!(back["nodes"].as_array().unwrap()[..], all[2..4]);
    assert_eq!(back["pageInfo"]["hasNextPage"], true);
}
