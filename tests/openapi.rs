//! The OpenAPI document and the JSON: neither says what the other does not.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use support::{fake, served};
use tierwatch::demo::{Rehearsal, scenario};
use tierwatch::model::assessment::Assessment;
use tierwatch::output::{Server, openapi};
use tokio_util::sync::CancellationToken;

fn document() -> Value {
    serde_json::from_str(&openapi()).unwrap()
}

#[test]
fn the_committed_document_is_the_one_that_is_served() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    if std::env::var_os("TIERWATCH_BLESS").is_some() {
        std::fs::write(&path, openapi()).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == openapi(), "docs/openapi.json differs: TIERWATCH_BLESS=1 cargo test --test openapi");
}

#[test]
fn each_schema_is_one_has_a_name_of_its_own_and_says_what_it_means() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    assert!(schemas.len() > 40, "only {} schemas", schemas.len());
    for (name, schema) in schemas {
        assert!(jsonschema::meta::is_valid(schema), "{name} is no JSON schema");
        assert!(!name.ends_with(|last: char| last.is_ascii_digit()), "{name}: two types have the same name");
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            // The keys of a map by a closed list explain themselves.
            let explained = property["description"].is_string() || schema["additionalProperties"] == false;
            assert!(explained, "{name}.{key} says nothing");
        }
        if let Some(properties) = schema["properties"].as_object() {
            let required = schema["required"].as_array().map_or(0, Vec::len);
            assert_eq!(required, properties.len(), "{name}: what is not known is null, never absent");
        }
    }
}

/// The router is made of the document's own list; nothing is routed beside it.
#[test]
fn nothing_under_api_is_routed_beside_the_list() {
    let source = include_str!("../src/output/routes.rs");
    let beside: Vec<&str> = source.lines().filter(|line| line.contains(".route(\"/api")).collect();
    assert_eq!(beside, Vec::<&str>::new());
}

/// What an answer with this status has to look like; nothing beside what is described.
fn shape(document: &Value, path: &str, status: StatusCode) -> jsonschema::Validator {
    let answer = &document["paths"][path]["get"]["responses"][status.as_str()];
    let schema = &answer["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{path} answers {status}, which is not in the document");
    let mut components = document["components"].clone();
    closed(&mut components);
    let whole = json!({ "$schema": "https://json-schema.org/draft/2020-12/schema", "allOf": [schema], "components": components });
    jsonschema::options().should_validate_formats(true).build(&whole).unwrap()
}

fn closed(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if map.get("properties").is_some_and(Value::is_object)
                && map.get("type").is_some_and(|kind| kind == "object")
            {
                map.entry("additionalProperties").or_insert(false.into());
            }
            map.values_mut().for_each(closed);
        }
        Value::Array(list) => list.iter_mut().for_each(closed),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Asks, holds the answer to the document, and returns it.
async fn asked(base: &str, path: &str, parameter: Option<&str>) -> (StatusCode, Value) {
    let document = document();
    let url = match parameter {
        Some(value) => format!("{base}{}{value}", path.split('{').next().unwrap()),
        None => format!("{base}{path}"),
    };
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(&url).send().await.unwrap();
    let status = answer.status();
    assert_eq!(answer.headers()["content-type"], "application/json; charset=utf-8", "{url}");
    let body: Value = answer.json().await.unwrap();
    let wrong: Vec<String> = shape(&document, path, status)
        .iter_errors(&body)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{url} answers {status}, not as documented:\n{}\n{body:#}", wrong.join("\n"));
    (status, body)
}

/// Every question of the document, with what is known and what is not.
async fn all_asked(base: &str, tier: &str, job: Option<u64>) {
    let document = document();
    for (path, operation) in document["paths"].as_object().unwrap() {
        let parameter = operation["get"]["parameters"][0]["name"].as_str();
        match parameter {
            None => assert_eq!(asked(base, path, None).await.0, StatusCode::OK),
            Some("tier") => {
                assert_eq!(asked(base, path, Some(tier)).await.0, StatusCode::OK);
                assert_eq!(asked(base, path, Some("none%20such")).await.0, StatusCode::NOT_FOUND);
                assert_eq!(asked(base, path, Some("%FF")).await.0, StatusCode::BAD_REQUEST);
            }
            Some("id") => {
                if let Some(job) = job {
                    assert_eq!(asked(base, path, Some(&job.to_string())).await.0, StatusCode::OK);
                }
                assert_eq!(asked(base, path, Some("0")).await.0, StatusCode::NOT_FOUND);
                for wrong in ["x", "-1", "+1", "%FF", "18446744073709551616"] {
                    assert_eq!(asked(base, path, Some(wrong)).await.0, StatusCode::BAD_REQUEST, "{wrong}");
                }
            }
            Some(other) => panic!("{path}: nobody asks with {other}"),
        }
    }
}

/// A server that shows an assessment made by hand, and knows job 4711.
async fn showing(assessment: Assessment) -> (String, CancellationToken) {
    let (outputs, _judgements) = served::outputs(assessment);
    let server = Server::bind("127.0.0.1:0", outputs).await.unwrap();
    let base = format!("http://{}", server.local_addr());
    let stop = CancellationToken::new();
    tokio::spawn(server.run(stop.clone()));
    (base, stop)
}

#[tokio::test]
async fn answers_are_as_documented_whatever_is_known() {
    let nothing = Assessment {
        sources: vec![],
        out_of_scope: None,
        coverage: None,
        complete: false,
        ..fake::assessment(vec![fake::unknown_tier("standard")])
    };
    for assessment in [fake::full(), nothing] {
        let (base, stop) = showing(assessment).await;
        all_asked(&base, "standard", Some(4711)).await;
        stop.cancel();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_of_a_daemon_in_front_of_the_demo_are_as_documented() {
    let rehearsal = Rehearsal::start(scenario::show(), 3, 60.0, "127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", rehearsal.daemon.address());
    let ready = async {
        loop {
            let (_, tiers) = asked(&base, "/api/v1/tiers", None).await;
            let ids = tiers["tiers"].as_array().unwrap().iter().flat_map(|tier| tier["waiting"].as_array().unwrap());
            if let Some(job) = ids.filter_map(|job| job["id"].as_u64()).next() {
                return job;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let waiting = tokio::time::timeout(Duration::from_secs(60), ready).await.expect("jobs wait in the demo");
    all_asked(&base, "standard", Some(waiting)).await;
    rehearsal.daemon.stop().await;
}
