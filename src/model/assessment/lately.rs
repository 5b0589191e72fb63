//! What happened to a tier lately.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::cause::Pull;

/// What happened to a tier lately, as far as this run has watched; each window is that of the condition that reads it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LatelyLevels {
    /// For how long this run has watched.
    pub watched: Duration,
    /// No job started for so long; at most as long as this run has watched.
    pub quiet: Duration,
    /// Jobs taken by its runners within the last hour.
    pub taken_last_hour: u64,
    /// The same within the time after which a queue is stalled.
    pub taken_within_stall: u64,
    /// Jobs whose start was judged.
    pub starts: u64,
    /// Jobs that the platform broke.
    pub platform_failures: u64,
    /// How long ago GitLab gave up on a waiting job.
    pub dropped: Option<Duration>,
    /// Images that could not be pulled.
    pub pulls: PullsLately,
    /// A manager pod was seen in its manager namespaces.
    pub managers_seen: bool,
}

/// Job pods that could not pull an image, not by their users' own fault.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PullsLately {
    /// So many.
    pub pods: u64,
    /// Of so many projects.
    pub projects: u64,
    /// Job pods that started meanwhile.
    pub started: u64,
    /// The registry and the cause that were met most often.
    pub most: Option<(Arc<str>, Pull)>,
}
