//! Why a job waits or a pod fails: closed families of causes, the texts that show them, and what each means.
//!
//! One file per family holds its recognisers in order of precedence, with who says such a text and since when.
//! [`explain`] is the one table of sentences, blame and next steps.

mod explain;
mod family;
mod image;
mod text;

pub mod admission;
pub mod autoscaling;
pub mod image_pull;
pub mod runtime;
pub mod scheduling;

use std::borrow::Cow;

use serde::{Serialize, Serializer};

pub use explain::{Explanation, explain};
pub(crate) use family::labels;
pub use family::{Admission, Autoscale, Blame, Family, Pull, Queue, Runtime, Scheduling};
pub use image::registry_of;
pub use text::parse_go_duration;

/// Any cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// No node takes the pod.
    Scheduling(Scheduling),
    /// The image.
    Pull(Pull),
    /// The autoscaler.
    Autoscale(Autoscale),
    /// The autoscaler gives a scheduling cause as its reason.
    AutoscaleReason(Scheduling),
    /// The API server.
    Admission(Admission),
    /// A placed pod.
    Runtime(Runtime),
    /// GitLab's queue.
    Queue(Queue),
}

impl Cause {
    /// Its family.
    #[must_use]
    pub const fn family(self) -> Family {
        match self {
            Self::Scheduling(_) => Family::Scheduling,
            Self::Pull(_) => Family::Pull,
            Self::Autoscale(_) | Self::AutoscaleReason(_) => Family::Autoscale,
            Self::Admission(_) => Family::Admission,
            Self::Runtime(_) => Family::Runtime,
            Self::Queue(_) => Family::Queue,
        }
    }

    /// The label value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduling(cause) | Self::AutoscaleReason(cause) => cause.as_str(),
            Self::Pull(cause) => cause.as_str(),
            Self::Autoscale(cause) => cause.as_str(),
            Self::Admission(cause) => cause.as_str(),
            Self::Runtime(cause) => cause.as_str(),
            Self::Queue(cause) => cause.as_str(),
        }
    }

    /// Whether it is a failure: `pulled` or `nominated` are good news.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        !matches!(
            self,
            Self::Pull(Pull::Pulled | Pull::PulledCached | Pull::Pulling)
                | Self::Autoscale(Autoscale::Nominated | Autoscale::ScaleupTriggered)
                | Self::Admission(Admission::PodSecurityWarn)
        )
    }

    /// Nothing more precise could be said.
    #[must_use]
    pub fn is_other(self) -> bool {
        self.as_str() == "other"
    }
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A message's verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classified {
    /// The dominant cause.
    pub cause: Cause,
    /// All causes, sorted by name; the dominant one among them.
    pub causes: Vec<Cause>,
    /// Host of the image reference, for the pull family.
    pub registry: Option<String>,
}

impl Classified {
    fn one(cause: Cause) -> Self {
        Self { cause, causes: vec![cause], registry: None }
    }
}

/// Longer messages are cut here: everything that matters stands earlier, and work stays bounded.
const MAX_MESSAGE: usize = 16 * 1024;

/// Names the cause of one message. Without a family all are tried and the most specific wins.
#[must_use]
pub fn classify(family: Option<Family>, reason: &str, source: &str, message: &str) -> Classified {
    let message = bounded(message);
    match family {
        Some(family) => in_family(family, reason, message),
        None => most_specific(reason, source, message),
    }
}

fn in_family(family: Family, reason: &str, message: &str) -> Classified {
    match family {
        Family::Scheduling => scheduling::classify(message).into(),
        Family::Pull => image_pull::classify(reason, message).into(),
        Family::Autoscale => autoscaling::classify(reason, message).into(),
        Family::Admission => Classified::one(Cause::Admission(admission::classify(message))),
        Family::Runtime => Classified::one(Cause::Runtime(runtime::classify(reason, message))),
        Family::Queue => Classified::one(Cause::Queue(Queue::Unknown)),
    }
}

/// Families from the most to the least recognisable; the first that knows the text wins. The author decides
/// where two say the same reason: `FailedScheduling` is written by the scheduler and by Karpenter, `Evicted` by
/// the kubelet and by Karpenter.
fn most_specific(reason: &str, source: &str, message: &str) -> Classified {
    let by_autoscaler = text::any(source, &["karpenter", "eks-auto-mode", "autoscaler"]);
    let by_scheduler = scheduling::looks_like(message) || reason == "FailedScheduling" || reason == "Unschedulable";
    let order = if by_autoscaler {
        [Family::Autoscale, Family::Scheduling, Family::Admission, Family::Runtime, Family::Pull]
    } else if by_scheduler {
        [Family::Scheduling, Family::Autoscale, Family::Admission, Family::Runtime, Family::Pull]
    } else {
        [Family::Autoscale, Family::Admission, Family::Runtime, Family::Pull, Family::Scheduling]
    };
    let about = |family: &Family| *family != Family::Pull || image_pull::looks_like(message);
    let verdict = |family| {
        let reason = if family == Family::Autoscale && !by_autoscaler { "" } else { reason };
        in_family(family, reason, message)
    };
    let unknown = if by_autoscaler || by_scheduler {
        Classified::one(Cause::Scheduling(Scheduling::Other))
    } else {
        Classified::one(Cause::Runtime(Runtime::Other))
    };
    order.into_iter().filter(about).map(verdict).find(|verdict| !verdict.cause.is_other()).unwrap_or(unknown)
}

fn bounded(message: &str) -> &str {
    let mut end = message.len().min(MAX_MESSAGE);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    &message[..end]
}

/// The text in lower case, without the recorder's prefix.
fn lowered(message: &str) -> Cow<'_, str> {
    let bare = text::without_prefix(message);
    if bare.bytes().any(|byte| byte.is_ascii_uppercase()) { bare.to_ascii_lowercase().into() } else { bare.into() }
}
