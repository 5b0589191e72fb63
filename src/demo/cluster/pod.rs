//! A pod's life as the kubelet and the scheduler write it.

use std::sync::Arc;

use jiff::Timestamp;

/// What a pod is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PodOf {
    /// Runs one job.
    Job(u64),
    /// A manager of the tier's runner.
    Manager(usize),
}

/// A container's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    /// The kubelet has said nothing yet.
    Unseen,
    Waiting {
        reason: &'static str,
        message: String,
    },
    Running {
        since: Timestamp,
    },
    Ended {
        started: Timestamp,
        finished: Timestamp,
        reason: &'static str,
        code: i32,
    },
}

/// One container.
#[derive(Debug, Clone)]
pub(crate) struct Container {
    pub(crate) name: &'static str,
    pub(crate) image: Arc<str>,
    pub(crate) init: bool,
    pub(crate) cpu_millis: u64,
    pub(crate) memory_mib: u64,
    pub(crate) state: Condition,
}

/// The scheduler's last word on a pod that fits nowhere.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    /// Its first word: the condition keeps that time.
    pub(crate) since: Timestamp,
    pub(crate) message: String,
}

/// One pod.
#[derive(Debug, Clone)]
pub(crate) struct Pod {
    pub(crate) uid: String,
    pub(crate) name: Arc<str>,
    pub(crate) tier: usize,
    pub(crate) of: PodOf,
    pub(crate) created: Timestamp,
    pub(crate) refused: Option<Refusal>,
    pub(crate) bound: Option<(Timestamp, Arc<str>)>,
    pub(crate) sandbox: Option<Timestamp>,
    pub(crate) initialized: Option<Timestamp>,
    pub(crate) containers: Vec<Container>,
    pub(crate) deleting: Option<Timestamp>,
    /// Reason and message of condition `DisruptionTarget`.
    pub(crate) disruption: Option<(Timestamp, &'static str, &'static str)>,
    /// Why the autoscaler makes no node for it, by its latest word.
    pub(crate) no_scale_up: Option<&'static str>,
    /// A failed pull is tried again with a new pod: this is the pod's number among those of its job.
    pub(crate) pull_attempt: u32,
}

impl Pod {
    pub(crate) fn container(&mut self, name: &str) -> Option<&mut Container> {
        self.containers.iter_mut().find(|container| container.name == name)
    }

    pub(crate) fn cpu_millis(&self) -> u64 {
        self.containers.iter().filter(|c| !c.init).map(|c| c.cpu_millis).sum()
    }

    pub(crate) fn memory_mib(&self) -> u64 {
        self.containers.iter().filter(|c| !c.init).map(|c| c.memory_mib).sum()
    }

    /// All containers run.
    pub(crate) fn ready(&self) -> bool {
        self.disruption.is_none()
            && self.containers.iter().filter(|c| !c.init).all(|c| matches!(c.state, Condition::Running { .. }))
    }

    /// `status.phase`: pending until no container waits to start for the first time.
    pub(crate) fn phase(&self) -> &'static str {
        if matches!(self.of, PodOf::Manager(_)) {
            return "Running";
        }
        let mut main = self.containers.iter().filter(|c| !c.init);
        let started = main.clone().all(|c| matches!(c.state, Condition::Running { .. } | Condition::Ended { .. }));
        if !started {
            return "Pending";
        }
        if main.clone().any(|c| matches!(c.state, Condition::Running { .. })) {
            return "Running";
        }
        if main.all(|c| matches!(c.state, Condition::Ended { code: 0, .. })) { "Succeeded" } else { "Failed" }
    }
}
