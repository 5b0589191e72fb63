//! What happened, as lines of text and as the names that a story's truth has for it.

use std::time::Duration;

use tierwatch::model::occurrence::Occurrence;
use tierwatch::model::policy::Policy;

/// What a story's truth calls it; absent for what befalls no job and no pod.
pub(super) fn kind(occurrence: &Occurrence) -> Option<&'static str> {
    Some(match occurrence {
        Occurrence::JobTaken { .. } => "taken",
        Occurrence::JobStarted { .. } => "started",
        Occurrence::JobOutcome { outcome, .. } => outcome.as_str(),
        Occurrence::JobDropped { .. } => "dropped",
        Occurrence::JobFailed { .. } => "failed",
        Occurrence::PodUnschedulable { .. } => "unschedulable",
        Occurrence::PullFailed { .. } => "pull_failed",
        Occurrence::AdmissionRefused { .. } => "refused",
        Occurrence::ImagePulled { .. } => "pulled",
        Occurrence::PodFailed { .. } => "pod_failed",
        Occurrence::AnnotationRejected { .. } => "rejected",
        Occurrence::NodeEventUnjoined
        | Occurrence::ClockClamped { .. }
        | Occurrence::Unclassified { .. }
        | Occurrence::SourceAttempt { .. }
        | Occurrence::Observed { .. }
        | Occurrence::Gap { .. }
        | Occurrence::Disagreed { .. }
        | Occurrence::Silenced { .. }
        | Occurrence::Evicted { .. } => return None,
    })
}

pub(super) fn line(occurrence: &Occurrence, policy: &Policy) -> Option<String> {
    let name = |tier: &usize| policy.tiers[*tier].name.clone();
    let seconds = |took: &Duration| format!("{:.1} s", took.as_secs_f64());
    let text = match occurrence {
        Occurrence::JobTaken { tier, job, waited, at: _ } => {
            format!("{}: job {job} taken after {}", name(tier), seconds(waited))
        }
        Occurrence::JobStarted { tier, job, took, phases, at: _ } => {
            let phases: Vec<_> =
                phases.iter().map(|(phase, took)| format!("{} {}", phase.as_str(), seconds(took))).collect();
            let took = took.as_ref().map_or_else(|| "an unknown time".to_owned(), seconds);
            format!("{}: job {job} started after {took} ({})", name(tier), phases.join(", "))
        }
        Occurrence::JobOutcome { tier, job, outcome, at: _ } => {
            format!("{}: job {job} is {}", name(tier), outcome.as_str())
        }
        Occurrence::JobDropped { tier, reason, job: _, at: _ } => {
            format!("{}: dropped, {}", name(tier), reason.as_str())
        }
        Occurrence::JobFailed { tier, reason, blame, job: _, at: _ } => {
            format!("{}: failed, {}, blame {}", name(tier), reason.as_str(), blame.as_str())
        }
        Occurrence::PodUnschedulable { tier, cause, pod: _ } => {
            format!("{}: unschedulable, {}", name(tier), cause.as_str())
        }
        Occurrence::PullFailed { tier, registry, cause, .. } => {
            format!("{}: pull failed, {registry}, {}", name(tier), cause.as_str())
        }
        Occurrence::AdmissionRefused { tier, cause, of: _ } => format!("{}: refused, {}", name(tier), cause.as_str()),
        Occurrence::ImagePulled { tier, total, queued, event: _ } => {
            let told = |took: &Option<Duration>| took.as_ref().map_or_else(|| "an untold time".to_owned(), seconds);
            format!("{}: image pulled in {}, {} of it queued", name(tier), told(total), told(queued))
        }
        Occurrence::PodFailed { tier, cause, .. } => format!("{}: pod failed, {cause}", name(tier)),
        Occurrence::NodeEventUnjoined => "a node's event concerns no tier".to_owned(),
        Occurrence::ClockClamped { phase, job: _ } => format!("clamped {}", phase.as_str()),
        Occurrence::AnnotationRejected { tier, pod: _ } => format!("{}: annotation rejected", name(tier)),
        Occurrence::Unclassified { family, of: _ } => format!("unclassified {}", family.as_str()),
        Occurrence::Gap { source, lasted } => format!("gap of {} in {}", seconds(lasted), source.as_str()),
        Occurrence::Disagreed { kind, job: _ } => format!("hook and API disagree, {}", kind.as_str()),
        Occurrence::Evicted { table } => format!("evicted from {}", table.as_str()),
        Occurrence::SourceAttempt { .. } | Occurrence::Observed { .. } | Occurrence::Silenced { .. } => return None,
    };
    Some(text)
}
