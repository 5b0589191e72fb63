//! The OpenAPI document of the JSON, made of the list of operations and of the very types that are written.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::operation::{OPERATIONS, Operation, Parameter};

const ABOUT: &str = "\
What tierwatch says, as JSON: the same judgement as on its page and in its metrics, at the same instant.

- What is `null` is not known. It is never written as 0.
- Durations are numbers of seconds, ratios go from 0 to 1, instants are RFC 3339 in UTC.
- Within `/api/v1` fields and values of enumerations may be added, never removed or given another meaning: ignore what \
you do not know.
- Names of jobs, projects and refs, and evidence, are other people's text: escape them.";

/// The document as JSON text (OpenAPI 3.1, whose schemas are JSON Schema 2020-12).
#[must_use]
pub fn openapi() -> String {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut paths = Map::new();
    for operation in OPERATIONS {
        paths.insert(operation.path.to_owned(), json!({ "get": asked(operation, &mut generator) }));
    }
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "tierwatch",
            "summary": env!("CARGO_PKG_DESCRIPTION"),
            "description": ABOUT,
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "http://localhost:10471", "description": "A daemon with the default --web.listen-address" }],
        "paths": paths,
        "components": { "schemas": generator.take_definitions(true) },
    });
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn asked(operation: &Operation, generator: &mut SchemaGenerator) -> Value {
    let mut answers = Map::new();
    for (status, about, shape) in operation.answers {
        let content = json!({ "application/json": { "schema": shape(generator) } });
        answers.insert(status.to_string(), json!({ "description": about, "content": content }));
    }
    let mut asked = json!({ "operationId": operation.id, "summary": operation.summary, "responses": answers });
    if let Some(Parameter { name, about, shape }) = &operation.parameter {
        let schema = shape(generator);
        asked["parameters"] =
            json!([{ "name": name, "in": "path", "required": true, "description": about, "schema": schema }]);
    }
    asked
}
