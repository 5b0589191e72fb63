//! What can be asked under `/api`: one list, of which the router and the OpenAPI document are made.

use axum::routing::{MethodRouter, get};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{answer, boundaries, job, view};
use crate::output::State;

/// One question, asked with GET or HEAD.
pub(super) struct Operation {
    /// The path; at most one part of it is a parameter.
    pub(super) path: &'static str,
    /// What clients made of the document call it.
    pub(super) id: &'static str,
    /// What is asked.
    pub(super) summary: &'static str,
    /// The parameter in the path.
    pub(super) parameter: Option<Parameter>,
    /// Status, when, and the shape of the answer.
    pub(super) answers: &'static [(u16, &'static str, Shape)],
    handler: fn() -> MethodRouter<State>,
}

/// A part of the path.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) shape: Shape,
}

/// The schema of an answer, or a reference to it.
pub(super) type Shape = fn(&mut SchemaGenerator) -> Schema;

fn shape<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

fn name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "minLength": 1 })
}

/// As far as GitLab's own numbers go.
fn number(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "integer", "format": "int64", "minimum": 0, "maximum": i64::MAX })
}

/// The document of the document would not end.
fn of_openapi(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "required": ["openapi", "info", "paths", "components"] })
}

const LATE: (u16, &str, Shape) = (503, "The daemon is stopping, or the answer took too long.", shape::<job::Refusal>);

/// Every path under `/api`.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/api/v1/tiers",
        id: "getTiers",
        summary: "Every tier: which one hurts, since when, why, whose fault it is and what to do next",
        parameter: None,
        answers: &[(200, "As judged last.", shape::<view::Overview<'static>>), LATE],
        handler: || get(answer::tiers),
    },
    Operation {
        path: "/api/v1/tiers/{tier}",
        id: "getTier",
        summary: "One tier",
        parameter: Some(Parameter { name: "tier", about: "The tier's name as configured.", shape: name }),
        answers: &[
            (200, "As judged last.", shape::<view::Tier<'static>>),
            (400, "The path is not UTF-8.", shape::<job::Refusal>),
            (404, "There is no such tier.", shape::<view::NoSuchTier<'static>>),
            LATE,
        ],
        handler: || get(answer::tier),
    },
    Operation {
        path: "/api/v1/jobs/{id}",
        id: "getJob",
        summary: "One job: where it is, where its time went, what holds it up",
        parameter: Some(Parameter { name: "id", about: "The job's number in GitLab.", shape: number }),
        answers: &[
            (200, "What is known of it.", shape::<job::Job>),
            (400, "This is no number.", shape::<job::Refusal>),
            (404, "Nothing is known of the job.", shape::<job::Refusal>),
            LATE,
        ],
        handler: || get(answer::job),
    },
    Operation {
        path: "/api/v1/sources",
        id: "getSources",
        summary: "What the judgements rest on, and how fresh it is",
        parameter: None,
        answers: &[(200, "As they are now.", shape::<view::Sources<'static>>), LATE],
        handler: || get(answer::sources),
    },
    Operation {
        path: "/api/v1/alerts",
        id: "getAlerts",
        summary: "What fires, and what was over lately",
        parameter: None,
        answers: &[(200, "As judged last.", shape::<view::Alerts<'static>>), LATE],
        handler: || get(answer::alerts),
    },
    Operation {
        path: "/api/v1/boundaries",
        id: "getBoundaries",
        summary: "What is at the boundary of each tier, and whether that is as declared",
        parameter: None,
        answers: &[(200, "As judged last.", shape::<boundaries::Boundaries<'static>>), LATE],
        handler: || get(answer::boundaries),
    },
    Operation {
        path: "/api/v1/openapi.json",
        id: "getOpenApi",
        summary: "This document",
        parameter: None,
        answers: &[(200, "OpenAPI 3.1.", of_openapi), LATE],
        handler: || get(answer::document),
    },
];

/// Each path with what answers it.
pub(in crate::output) fn routes() -> impl Iterator<Item = (&'static str, MethodRouter<State>)> {
    OPERATIONS.iter().map(|operation| (operation.path, (operation.handler)()))
}
