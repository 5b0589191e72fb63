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
- Names of jobs, projects and refs, and evidence, are other people's text: escape them.
- Who is let in is for the file of `--web.config.file` to say; without one nobody is asked for anything.";

/// How the door before every question says no, where `--web.config.file` is given: in plain text.
const REFUSED: [Refused; 3] = [
    Refused {
        status: "401",
        name: "NoPassword",
        about: "Without a user and password, or with wrong ones, where the file names `basic_auth_users`.",
        header: Some(("WWW-Authenticate", "Asks for basic authentication.")),
    },
    Refused {
        status: "403",
        name: "NotLetIn",
        about: "Without a client certificate, where the file asks for one; with one of somebody who is not let in; or as one of \
                `web.metrics_only_users`.",
        header: None,
    },
    Refused {
        status: "429",
        name: "TooManyRequests",
        about: "More requests than the file's `rate_limit` lets through.",
        header: Some(("Retry-After", "Seconds.")),
    },
];

struct Refused {
    status: &'static str,
    /// Under which it is described once, for all questions.
    name: &'static str,
    about: &'static str,
    /// A header that it has, and what that says.
    header: Option<(&'static str, &'static str)>,
}

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
        // By default nobody has to prove anything.
        "security": [{}, { "basic": [] }, { "mutualTls": [] }, { "basic": [], "mutualTls": [] }],
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "responses": refused(),
            "securitySchemes": proofs(),
        },
    });
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

/// What the file of `--web.config.file` may ask for.
fn proofs() -> Value {
    json!({
        "basic": {
            "type": "http",
            "scheme": "basic",
            "description": "One of `basic_auth_users` in the file of `--web.config.file`.",
        },
        "mutualTls": {
            "type": "mutualTLS",
            "description": "A client certificate for which `client_ca_file` in that file vouches.",
        },
    })
}

fn refused() -> Value {
    let text = json!({ "text/plain": { "schema": { "type": "string" } } });
    let mut refusals = Map::new();
    for Refused { name, about, header, .. } in REFUSED {
        let mut refusal = json!({ "description": about, "content": text });
        if let Some((header, says)) = header {
            refusal["headers"] = json!({ header: { "description": says, "schema": { "type": "string" } } });
        }
        refusals.insert(name.to_owned(), refusal);
    }
    refusals.into()
}

fn asked(operation: &Operation, generator: &mut SchemaGenerator) -> Value {
    let mut answers = Map::new();
    for (status, about, shape) in operation.answers {
        let content = json!({ "application/json": { "schema": shape(generator) } });
        answers.insert(status.to_string(), json!({ "description": about, "content": content }));
    }
    for Refused { status, name, .. } in REFUSED {
        answers.insert(status.to_owned(), json!({ "$ref": format!("#/components/responses/{name}") }));
    }
    let mut asked = json!({ "operationId": operation.id, "summary": operation.summary, "responses": answers });
    if let Some(Parameter { name, about, shape }) = &operation.parameter {
        let schema = shape(generator);
        asked["parameters"] =
            json!([{ "name": name, "in": "path", "required": true, "description": about, "schema": schema }]);
    }
    asked
}
