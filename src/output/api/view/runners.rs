//! A tier's runners, their managers, their tokens.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::assessment::{ManagerLevels, ManagerLine, RunnerLevels, RunnerLine, TokenSource};
use crate::observation::RunnerStatus;
use crate::output::api::label::{Counts, Label, all_counts};

/// A tier's runners.
#[derive(Serialize, JsonSchema)]
pub(super) struct Runners<'a> {
    /// By GitLab's word on them; every status has a number.
    by_status: Counts<RunnerStatus>,
    /// Paused, whatever their status.
    paused: u64,
    /// Age of the oldest token by its best source; null where no source tells the age of any.
    token_age_seconds: Option<f64>,
    /// Each runner.
    runners: Vec<Runner<'a>>,
}

/// One runner: one authentication token, any number of managers.
#[derive(Serialize, JsonSchema)]
struct Runner<'a> {
    /// GitLab's number of it.
    id: u64,
    /// The first characters of its token, as GitLab shows them.
    short_sha: Option<&'a str>,
    /// Its description in GitLab.
    description: &'a str,
    /// GitLab's word on it, which says `online` for two hours after the last contact.
    status: Label<RunnerStatus>,
    /// It takes no jobs for now.
    paused: bool,
    /// So many of its managers are online; null where they cannot be read.
    managers_online: Option<u64>,
    /// Its managers; null where they cannot be read.
    managers: Option<Vec<Manager<'a>>>,
    /// When it last spoke with GitLab, which notes that every 40 to 55 minutes only.
    contacted_at: Option<Timestamp>,
    /// When it was made: its token is not older.
    created_at: Option<Timestamp>,
    /// When its token ends; null: never, or GitLab does not show it.
    token_expires_at: Option<Timestamp>,
    /// When its token was obtained, by who tells it.
    token_obtained: BTreeMap<Label<TokenSource>, Timestamp>,
}

/// One process that runs with a runner's token.
#[derive(Serialize, JsonSchema)]
struct Manager<'a> {
    /// How GitLab tells it apart.
    system_id: &'a str,
    /// GitLab's word on it.
    status: Label<RunnerStatus>,
    /// When it last spoke with GitLab, which notes that every 40 to 55 minutes only.
    contacted_at: Option<Timestamp>,
    /// GitLab Runner's version.
    version: Option<&'a str>,
}

/// Runner manager pods.
#[derive(Serialize, JsonSchema)]
pub(super) struct Managers {
    /// Ready.
    ready: u64,
    /// Not ready.
    not_ready: u64,
}

impl<'a> From<&'a RunnerLevels> for Runners<'a> {
    fn from(levels: &'a RunnerLevels) -> Self {
        Self {
            by_status: all_counts(&RunnerStatus::ALL, &levels.by_status),
            paused: levels.paused,
            token_age_seconds: levels.token_age.map(|age| age.as_secs_f64()),
            runners: levels.runners.iter().map(runner).collect(),
        }
    }
}

impl From<ManagerLevels> for Managers {
    fn from(levels: ManagerLevels) -> Self {
        let ManagerLevels { ready, not_ready } = levels;
        Self { ready, not_ready }
    }
}

fn runner(line: &RunnerLine) -> Runner<'_> {
    let online = |managers: &Vec<ManagerLine>| {
        managers.iter().filter(|manager| manager.status == RunnerStatus::Online).count() as u64
    };
    Runner {
        id: line.id.0,
        short_sha: line.short_sha.as_deref(),
        description: &line.description,
        status: line.status.into(),
        paused: line.paused,
        managers_online: line.managers.as_ref().map(online),
        managers: line.managers.as_ref().map(|managers| managers.iter().map(manager).collect()),
        contacted_at: line.contacted_at,
        created_at: line.created_at,
        token_expires_at: line.token.expires_at,
        token_obtained: line.token.obtained.iter().map(|(source, at)| ((*source).into(), *at)).collect(),
    }
}

fn manager(line: &ManagerLine) -> Manager<'_> {
    Manager {
        system_id: &line.system_id,
        status: line.status.into(),
        contacted_at: line.contacted_at,
        version: line.version.as_deref(),
    }
}
