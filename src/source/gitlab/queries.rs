//! The GraphQL documents, as files; a test holds them to GitLab's schema.
//!
//! Cost by GitLab's model (children + 1, × 1.5 at 50 and × 2 at 100 a page): `Jobs` and `RunnerQueue` about 50, `Runners` and
//! `GroupRunners` about 55, of the 250 that a user may spend.

use serde_json::{Value, json};

/// A GraphQL document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Document {
    /// The operation's name.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
    /// Root fields that are asked to learn whether the token may: an error there is an answer.
    pub probes: &'static [&'static str],
}

impl Document {
    pub(crate) fn body(&self, variables: &Value) -> Vec<u8> {
        json!({ "query": self.text, "operationName": self.name, "variables": variables }).to_string().into_bytes()
    }
}

/// Jobs of the whole instance in one status. `jobs` is empty, not an error, for a token that may not list them;
/// `runners` needs the same right and does fail: together they tell an empty queue from a blind token.
pub const JOBS: Document = Document {
    name: "Jobs",
    text: concat!(include_str!("queries/jobs.graphql"), include_str!("queries/job.graphql")),
    probes: &["runners"],
};

/// The pending jobs that one runner would take. GitLab answers with nothing where the token may not, and for a runner
/// that is deleted perhaps with the whole queue: the runner's own jobs need the same right and tell both.
pub const RUNNER_QUEUE: Document = Document {
    name: "RunnerQueue",
    text: concat!(include_str!("queries/runner_queue.graphql"), include_str!("queries/job.graphql")),
    probes: &["runner"],
};

/// Every runner of the instance; an error for who may not list them.
pub const RUNNERS: Document = Document {
    name: "Runners",
    text: concat!(include_str!("queries/runners.graphql"), include_str!("queries/runner.graphql")),
    probes: &["runners"],
};

/// The runners that can serve a group: its own, those below it, its ancestors' and the instance's.
pub const GROUP_RUNNERS: Document = Document {
    name: "GroupRunners",
    text: concat!(include_str!("queries/group_runners.graphql"), include_str!("queries/runner.graphql")),
    probes: &["group"],
};

/// Every document.
pub const ALL: [Document; 4] = [JOBS, RUNNER_QUEUE, RUNNERS, GROUP_RUNNERS];
