//! What GitLab says of itself and of the token that asks: for whoever looks at an installation, not for the daemon's rounds.

use std::sync::Arc;
use std::time::Duration;

use gitlab::api::Endpoint;
use gitlab::api::{groups, projects};
use jiff::Timestamp;
use serde_json::Value;

use super::answer::{self, RateLimit};
use super::client::Client;
use super::endpoints::{OwnToken, Version};
use super::error::ClientError;
use super::queue_projects::prepare;
use super::text::kept;
use super::translate::own_token_from_rest;
use crate::metrics::Operation;
use crate::observation::{ApiTokenReport, FailureClass, Now};

/// Hooks of one group or project that are looked at: one page.
const MOST_HOOKS: usize = 100;

/// The first words with a GitLab.
#[derive(Debug)]
pub(crate) struct Introduction {
    /// The token; nothing of one that is no personal, group or project access token.
    pub(crate) token: Result<Option<ApiTokenReport>, ClientError>,
    /// The version; some tokens are not told it.
    pub(crate) version: Result<Arc<str>, ClientError>,
    /// GitLab's clock when it answered, and ours right before and after.
    pub(crate) clocks: Option<(Timestamp, Now, Now)>,
    /// What GitLab told of its own limit, where it does so beside good answers.
    pub(crate) rate_limit: Option<RateLimit>,
}

/// A hook of a group or project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HookReport {
    /// Where it sends to.
    pub(crate) url: Arc<str>,
    /// It sends job events.
    pub(crate) jobs: bool,
    /// GitLab gave it up after failures.
    pub(crate) disabled: bool,
}

impl Introduction {
    /// Nobody answered within that time.
    pub(crate) fn silent(patience: Duration) -> Self {
        let error = || ClientError::NoAnswer {
            operation: Operation::OwnToken,
            class: FailureClass::Timeout,
            detail: format!("no complete answer within {} s", patience.as_secs()),
        };
        Self { token: Err(error()), version: Err(error()), clocks: None, rate_limit: None }
    }
}

impl Client {
    /// Asks for the token that is used and for the version.
    pub(crate) async fn introduce(&self) -> Introduction {
        let before = self.clock().now();
        let asked = self.call(Operation::OwnToken).get(&OwnToken).await;
        let after = self.clock().now();
        let date = asked.as_ref().ok().and_then(|answer| answer.date);
        let first = asked.as_ref().ok().and_then(|answer| answer::rate_limit(&answer.headers));
        let token = match asked {
            Ok(answer) => Ok(own_token_from_rest(&answer.json)),
            // OAuth and job tokens get 400, fine-grained ones without the permission 403: both are known to GitLab.
            Err(ClientError::Status { status: 400 | 403 | 404, .. }) => Ok(None),
            Err(error) => Err(error),
        };
        let again = self.clock().now();
        let call = self.call(Operation::OwnToken);
        let answer = call.get(&Version).await;
        let later = answer.as_ref().ok().and_then(|answer| answer.date);
        let second = answer.as_ref().ok().and_then(|answer| answer::rate_limit(&answer.headers));
        let version = answer.and_then(|answer| {
            let text = answer.json.get("version").and_then(Value::as_str).map(kept);
            text.ok_or_else(|| call.malformed("the answer is not GitLab's: it holds no version"))
        });
        let clocks =
            date.map(|date| (date, before, after)).or_else(|| later.map(|date| (date, again, self.clock().now())));
        Introduction { token, version, clocks, rate_limit: second.or(first) }
    }

    /// The hooks of a group, for its Owners: Premium and Ultimate.
    pub(crate) async fn group_hooks(&self, group: &str) -> Result<Vec<HookReport>, ClientError> {
        self.hooks(&groups::hooks::Hooks::builder().group(group).build().map_err(prepare)?).await
    }

    /// The hooks of a project, for its Maintainers.
    pub(crate) async fn project_hooks(&self, project: &str) -> Result<Vec<HookReport>, ClientError> {
        self.hooks(&projects::hooks::Hooks::builder().project(project).build().map_err(prepare)?).await
    }

    async fn hooks(&self, endpoint: &(impl Endpoint + Sync)) -> Result<Vec<HookReport>, ClientError> {
        let call = self.call(Operation::OwnToken);
        let answer = call.get(endpoint).await?;
        let rows = answer.json.as_array().ok_or_else(|| call.malformed("the answer is no list"))?;
        let report = |row: &Value| {
            Some(HookReport {
                url: kept(row.get("url")?.as_str()?),
                jobs: row.get("job_events").and_then(Value::as_bool) == Some(true),
                disabled: row.get("alert_status").and_then(Value::as_str).is_some_and(|status| status != "executable"),
            })
        };
        Ok(rows.iter().take(MOST_HOOKS).filter_map(report).collect())
    }
}
