//! What the judgements rest on, and how fresh it is.

use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::assessment::{Assessment, SourceStatus};
use crate::observation::{ApiTokenReport, SourceKind};
use crate::output::api::label::Label;

/// Every source.
#[derive(Serialize, JsonSchema)]
pub(in crate::output::api) struct Sources<'a> {
    /// When it was judged.
    at: Timestamp,
    /// Every source has answered once, or failed.
    complete: bool,
    /// What GitLab says of the token that tierwatch uses.
    api_token: Option<ApiToken<'a>>,
    /// Each source that was ever expected to speak.
    sources: Vec<Source<'a>>,
}

/// What GitLab says of the token that tierwatch uses.
#[derive(Serialize, JsonSchema)]
struct ApiToken<'a> {
    /// What it may do, e.g. `read_api`.
    scopes: &'a [Arc<str>],
    /// When it was made, or last rotated.
    created_at: Option<Timestamp>,
    /// The start of the day on which it ends, UTC; null: never.
    expires_at: Option<Timestamp>,
}

/// One poll or watch.
#[derive(Serialize, JsonSchema)]
struct Source<'a> {
    /// What it watches.
    source: Label<SourceKind>,
    /// The namespace, for a source that watches one.
    namespace: Option<&'a str>,
    /// The tiers that depend on it.
    tiers: Vec<&'a str>,
    /// Its last attempt succeeded and its data is fresh enough; null before the first attempt.
    up: Option<bool>,
    /// When it last succeeded.
    last_success: Option<Timestamp>,
    /// Age of its last good data.
    age_seconds: Option<f64>,
    /// Why it last failed, while it is failing.
    failure: Option<&'a str>,
    /// What it tells about itself.
    note: Option<&'a str>,
    /// Objects held.
    objects: Option<u64>,
}

impl<'a> From<&'a Assessment> for Sources<'a> {
    fn from(assessment: &'a Assessment) -> Self {
        let sources = assessment.sources.iter().map(source).collect();
        let api_token = assessment.own_token.as_ref().map(api_token);
        Self { at: assessment.at.wall, complete: assessment.complete, api_token, sources }
    }
}

fn api_token(token: &ApiTokenReport) -> ApiToken<'_> {
    ApiToken { scopes: &token.scopes, created_at: token.created_at, expires_at: token.expires_at }
}

fn source(status: &SourceStatus) -> Source<'_> {
    Source {
        source: status.source.kind.into(),
        namespace: status.source.namespace.as_deref(),
        tiers: status.tiers.iter().map(AsRef::as_ref).collect(),
        up: status.up,
        last_success: status.last_success,
        age_seconds: status.age.map(|age| age.as_secs_f64()),
        failure: status.failure.as_deref(),
        note: status.note.as_deref(),
        objects: status.objects,
    }
}
