//! Why a job waits in GitLab's queue. No text says so: the model reads it from jobs and runners.

use super::label::labels;

labels! {
    /// Why a job waits in GitLab's queue.
    Queue {
        /// No runner of the tier is online.
        NoOnlineRunner = "no_online_runner",
        /// Every online runner is paused.
        RunnersPaused = "runners_paused",
        /// The runners already run as many jobs as the tier can.
        RunnersSaturated = "runners_saturated",
        /// No runner fits the job.
        NoMatchingRunner = "no_matching_runner",
        /// Only runners for protected refs fit.
        ProtectedMismatch = "protected_mismatch",
        /// Not known.
        Unknown = "unknown",
    }
}
