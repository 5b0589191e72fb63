//! A message of any family: with the kind told, or by trying them all.

use super::text::{Sentence, bare};
use super::{
    Blame, Cause, Family, Queue, Runtime, Scheduling, admission, autoscaling, explain, image_pull, runtime, scheduling,
};

/// The verdict on a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classified {
    /// The family it belongs to.
    pub kind: Family,
    /// The dominant cause.
    pub cause: Cause,
    /// Every cause once, sorted by its label value.
    pub causes: Vec<Cause>,
    /// The host of the image reference, for the pull family.
    pub registry: Option<String>,
    /// Whose fault the dominant cause is.
    pub blame: Blame,
}

impl Classified {
    fn new(cause: Cause, causes: Vec<Cause>) -> Self {
        Self { kind: cause.family(), cause, causes, registry: None, blame: explain(cause).blame }
    }

    fn one(cause: impl Into<Cause>) -> Self {
        let cause = cause.into();
        Self::new(cause, vec![cause])
    }

    fn weighed<C: Copy + Into<Cause>>(verdict: &super::Verdict<C>) -> Self {
        Self::new(verdict.dominant.into(), verdict.causes.iter().map(|(cause, _)| (*cause).into()).collect())
    }
}

/// Names the cause of a message. Without a `kind` the author decides where two write the same reason, then the text:
/// the most specific family wins, and the answer names it.
#[must_use]
pub fn classify(kind: Option<Family>, reason: Option<&str>, source: Option<&str>, message: &str) -> Classified {
    let reason = reason.unwrap_or_default();
    match kind {
        Some(family) => in_family(family, reason, message),
        None => of_any_family(reason, source.unwrap_or_default(), message),
    }
}

fn in_family(family: Family, reason: &str, message: &str) -> Classified {
    match family {
        Family::Scheduling if reason == "SchedulingGated" => Classified::one(Scheduling::SchedulingGated),
        Family::Scheduling => Classified::weighed(&scheduling::classify(message)),
        Family::Pull => of_image(reason, message),
        Family::Autoscale => Classified::weighed(&autoscaling::classify(reason, message)),
        Family::Admission => Classified::one(admission::classify(message)),
        Family::Runtime => Classified::one(runtime::classify(reason, message)),
        Family::Queue => Classified::one(Queue::Unknown),
    }
}

fn of_image(reason: &str, message: &str) -> Classified {
    let verdict = image_pull::classify(reason, message);
    let causes = verdict.causes.into_iter().map(Cause::Pull).collect();
    Classified { registry: verdict.registry, ..Classified::new(Cause::Pull(verdict.cause), causes) }
}

/// Families with the most particular texts first: an admission error may quote any network error, an image error
/// consists of nothing else.
fn of_any_family(reason: &str, source: &str, message: &str) -> Classified {
    let guess = family_of(reason, source);
    if let Some(family @ (Family::Scheduling | Family::Autoscale)) = guess {
        let verdict = in_family(family, reason, message);
        if !verdict.cause.is_other() {
            return verdict;
        }
    }
    let sentence = Sentence::new(bare(message));
    let by_autoscaler = by_autoscaler(source) || autoscaling::refuses_pod(&sentence);
    if scheduling::is_verdict(&sentence) && !by_autoscaler {
        return in_family(Family::Scheduling, reason, message);
    }
    // What a policy forbids may be called as an autoscaler calls what a pod asks for: a host port.
    let refused = admission::told(&sentence).map(Classified::one);
    if let Some(verdict) = refused.clone().filter(|_| !by_autoscaler) {
        return verdict;
    }
    if let Some(verdict) = autoscaling::told(&sentence) {
        return Classified::weighed(&verdict);
    }
    if let Some(verdict) = refused.or_else(|| runtime::of_runner_or_node(&sentence).map(Classified::one)) {
        return verdict;
    }
    let is_of_image = image_pull::speaks_of_image(&sentence);
    if is_of_image && image_pull::told(&sentence).is_some() {
        return of_image(reason, message);
    }
    match guess {
        Some(family) => in_family(family, reason, message),
        None if by_autoscaler => in_family(Family::Autoscale, reason, message),
        None if is_of_image => of_image(reason, message),
        None => Classified::one(Runtime::Other),
    }
}

fn by_autoscaler(source: &str) -> bool {
    ["karpenter", "eks-auto-mode", "cluster-autoscaler"].iter().any(|name| source.contains(name))
}

/// The family that a reason or its author stands for. `FailedScheduling` is written by the scheduler, Karpenter and
/// EKS Auto Mode, `Evicted` by the kubelet and Karpenter: the author goes first.
fn family_of(reason: &str, source: &str) -> Option<Family> {
    if by_autoscaler(source) {
        return Some(Family::Autoscale);
    }
    match reason {
        "FailedScheduling" | "Unschedulable" | "SchedulingGated" | "SchedulerError" => Some(Family::Scheduling),
        "ErrImagePull"
        | "ImagePullBackOff"
        | "InvalidImageName"
        | "ErrImageNeverPull"
        | "RegistryUnavailable"
        | "SignatureValidationFailed"
        | "ImageInspectError"
        | "InspectFailed"
        | "Pulled"
        | "Pulling" => Some(Family::Pull),
        "FailedCreate" | "Forbidden" => Some(Family::Admission),
        "TriggeredScaleUp" | "NotTriggerScaleUp" | "ScaleDown" | "ScaleDownFailed" | "Nominated" => {
            Some(Family::Autoscale)
        }
        "Evicted" | "Preempted" | "FailedMount" | "FailedAttachVolume" | "FailedCreatePodSandBox" => {
            Some(Family::Runtime)
        }
        _ if reason.starts_with("OutOf") => Some(Family::Runtime),
        _ => None,
    }
}
