//! What holds for all families: their names, whose fault a cause is, and a cause of any family.

use serde::{Serialize, Serializer};

use super::label::{Closed, labels};
use super::{Admission, Autoscale, Pull, Queue, Runtime, Scheduling};

labels! {
    /// Who says such things.
    Family {
        /// The scheduler: no node takes the pod.
        Scheduling = "scheduling",
        /// The kubelet and the container runtime: the image.
        Pull = "pull",
        /// cluster-autoscaler, Karpenter, EKS Auto Mode.
        Autoscale = "autoscale",
        /// The API server: quota, limits, pod security, webhooks.
        Admission = "admission",
        /// What breaks a pod that has a node: network, volumes, eviction, the runner's patience.
        Runtime = "runtime",
        /// GitLab's queue: no runner takes the job. Read from the queue itself, never from a text.
        Queue = "queue",
    }
}

labels! {
    /// Whose fault a cause is.
    Blame {
        /// The platform team's.
        Platform = "platform",
        /// The author's of the pipeline.
        User = "user",
        /// Cannot be told from the text.
        Unclear = "unclear",
    }
}

/// A cause of any family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// No node takes the pod.
    Scheduling(Scheduling),
    /// The image.
    Pull(Pull),
    /// What an autoscaler says.
    Autoscale(Autoscale),
    /// The API server refuses.
    Admission(Admission),
    /// A placed pod breaks.
    Runtime(Runtime),
    /// The job waits for a runner.
    Queue(Queue),
}

impl Cause {
    /// Every cause of every family.
    pub fn all() -> impl Iterator<Item = Self> {
        let scheduling = Scheduling::ALL.iter().copied().map(Self::Scheduling);
        let pull = Pull::ALL.iter().copied().map(Self::Pull);
        let autoscale = Autoscale::ALL.iter().copied().map(Self::Autoscale);
        let admission = Admission::ALL.iter().copied().map(Self::Admission);
        let runtime = Runtime::ALL.iter().copied().map(Self::Runtime);
        let queue = Queue::ALL.iter().copied().map(Self::Queue);
        scheduling.chain(pull).chain(autoscale).chain(admission).chain(runtime).chain(queue)
    }

    /// Its family.
    #[must_use]
    pub const fn family(self) -> Family {
        match self {
            Self::Scheduling(_) => Family::Scheduling,
            Self::Pull(_) => Family::Pull,
            Self::Autoscale(_) => Family::Autoscale,
            Self::Admission(_) => Family::Admission,
            Self::Runtime(_) => Family::Runtime,
            Self::Queue(_) => Family::Queue,
        }
    }

    /// The label value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduling(cause) => cause.as_str(),
            Self::Pull(cause) => cause.as_str(),
            Self::Autoscale(cause) => cause.as_str(),
            Self::Admission(cause) => cause.as_str(),
            Self::Runtime(cause) => cause.as_str(),
            Self::Queue(cause) => cause.as_str(),
        }
    }

    /// False for good news and for mere warnings, which no failure metric may count.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        match self {
            Self::Pull(cause) => cause.is_failure(),
            Self::Autoscale(cause) => cause.is_failure(),
            Self::Admission(cause) => cause.is_failure(),
            Self::Scheduling(_) | Self::Runtime(_) | Self::Queue(_) => true,
        }
    }

    /// What breaks or ends a pod that has a node, each spelling once.
    pub fn of_broken_pods() -> impl Iterator<Item = Self> {
        let runtime = Runtime::ALL.iter().copied().map(Self::Runtime);
        let disruptions = Autoscale::ALL.iter().copied().filter(|cause| cause.ends_pods()).map(Self::Autoscale);
        runtime.chain(disruptions)
    }

    /// Nothing more precise could be said.
    #[must_use]
    pub const fn is_other(self) -> bool {
        matches!(
            self,
            Self::Scheduling(Scheduling::Other)
                | Self::Pull(Pull::Other)
                | Self::Autoscale(Autoscale::Other)
                | Self::Admission(Admission::Other)
                | Self::Runtime(Runtime::Other)
                | Self::Queue(Queue::Unknown)
        )
    }
}

impl Closed for Cause {
    const NAME: &'static str = "Cause";

    /// Families share some spellings; each stands once.
    fn labels() -> Vec<&'static str> {
        let spellings: std::collections::BTreeSet<_> = Self::all().map(Self::as_str).collect();
        spellings.into_iter().collect()
    }

    fn label(self) -> &'static str {
        self.as_str()
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

macro_rules! from_family {
    ($($name:ident),+) => {
        $(impl From<$name> for Cause {
            fn from(cause: $name) -> Self {
                Self::$name(cause)
            }
        })+
    };
}
from_family!(Scheduling, Pull, Autoscale, Admission, Runtime, Queue);

/// What a message says: the dominant cause, and each cause with the number of nodes (or pools) it concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict<C> {
    /// The cause that concerns most nodes; on a tie the first one told, and never `other` if another ties.
    pub dominant: C,
    /// Every cause once, sorted by its label value.
    pub causes: Vec<(C, u32)>,
}

impl<C: Copy + PartialEq + Into<Cause>> Verdict<C> {
    /// One cause that concerns one thing.
    pub(super) fn one(cause: C) -> Self {
        Self { dominant: cause, causes: vec![(cause, 1)] }
    }

    /// Sums counts per cause and finds the dominant one; `fallback` where nothing was told.
    pub(super) fn weigh(told: impl IntoIterator<Item = (C, u32)>, fallback: C) -> Self {
        let mut causes: Vec<(C, u32)> = Vec::new();
        for (cause, count) in told {
            match causes.iter_mut().find(|(known, _)| *known == cause) {
                Some((_, sum)) => *sum = sum.saturating_add(count),
                None => causes.push((cause, count)),
            }
        }
        let weight = |(cause, count): &(C, u32)| (*count, !(*cause).into().is_other());
        // `max_by_key` keeps the last of equals: from the back, that is the first one told.
        let Some(dominant) = causes.iter().rev().max_by_key(|told| weight(told)).map(|told| told.0) else {
            return Self::one(fallback);
        };
        causes.sort_by_key(|(cause, _)| (*cause).into().as_str());
        Self { dominant, causes }
    }
}
