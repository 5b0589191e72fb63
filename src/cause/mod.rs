//! Why a job waits or a pod fails: closed families of causes and the texts that show them.
//!
//! Placeholder with the agreed names; the families' own files replace it.

use crate::model::occurrence::labels;

labels! {
    /// Why no node takes a pod.
    Scheduling {
        /// Taint.
        UntoleratedTaint = "untolerated_taint",
        /// Gated.
        SchedulingGated = "scheduling_gated",
        /// Cpu.
        InsufficientCpu = "insufficient_cpu",
        /// Rest.
        Other = "other",
    }
}
labels! {
    /// Why an image cannot be pulled.
    Pull {
        /// Not there.
        NotFound = "not_found",
        /// Not yet told.
        Backoff = "backoff",
        /// Rest.
        Other = "other",
    }
}
labels! {
    /// Why a job waits in the queue.
    Queue {
        /// No runner is online.
        NoOnlineRunner = "no_online_runner",
        /// P.
        RunnersPaused = "runners_paused",
        /// S.
        RunnersSaturated = "runners_saturated",
        /// Rest.
        Unknown = "unknown",
    }
}
labels! {
    /// Whose fault.
    Blame {
        /// Ours.
        Platform = "platform",
        /// The user's.
        User = "user",
        /// Cannot tell.
        Unclear = "unclear",
    }
}
labels! {
    /// Families.
    Family {
        /// Scheduling.
        Scheduling = "scheduling",
        /// Pull.
        Pull = "pull",
    }
}
/// Any cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(untagged)]
pub enum Cause {
    /// Scheduling.
    Scheduling(Scheduling),
    /// Pull.
    Pull(Pull),
    /// Queue.
    Queue(Queue),
}
/// What a cause means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// Sentence.
    pub sentence: &'static str,
    /// Blame.
    pub blame: Blame,
    /// Next step.
    pub next_step: &'static str,
}

/// Stub.
pub fn explain(_cause: Cause) -> &'static Explanation {
    &Explanation { sentence: "s", blame: Blame::Platform, next_step: "n" }
}
/// Stub.
pub fn registry_of(_image: &str) -> Option<String> {
    None
}
/// Stub.
pub mod scheduling {
    /// V.
    pub struct V {
        /// D.
        pub dominant: super::Scheduling,
    }
    /// C.
    pub fn classify(_m: &str) -> V {
        V { dominant: super::Scheduling::Other }
    }
}
/// Stub.
pub mod image_pull {
    /// V.
    pub struct V {
        /// D.
        pub cause: super::Pull,
    }
    /// C.
    pub fn classify(_r: &str, _m: &str) -> V {
        V { cause: super::Pull::Other }
    }
}
