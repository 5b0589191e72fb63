//! Under which key each thing is counted once, also by a later run of the daemon.
//!
//! This is the one list: a new [`Occurrence`] does not compile before somebody has thought of its key here.

use std::fmt::{Display, Write as _};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::occurrence::Occurrence;
use crate::cause::{Admission, Pull};
use crate::observation::JobId;

/// Whom something befell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A job of GitLab.
    Job(JobId),
    /// An object of the cluster, by its uid.
    Object(Arc<str>),
}

impl Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Job(job) => write!(f, "job {job}"),
            Self::Object(uid) => write!(f, "object {uid}"),
        }
    }
}

/// What makes an occurrence the same one. Only the digest is kept: it is small, and tells no names.
///
/// Of 200,000 keys two are equal by chance once in a thousand million; one occurrence would then be missed after a
/// restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(pub u64);

impl Key {
    fn of(subject: &dyn Display, what: &[&dyn Display]) -> Self {
        let mut text = subject.to_string();
        for part in what {
            // A separator that no uid, name or label holds.
            write!(text, "\u{1f}{part}").expect("a string takes text");
        }
        Self(digest(text.as_bytes()))
    }

    fn job(job: JobId, what: &[&dyn Display]) -> Self {
        Self::of(&Subject::Job(job), what)
    }

    fn object(uid: &Arc<str>, what: &[&dyn Display]) -> Self {
        Self::of(&Subject::Object(uid.clone()), what)
    }

    /// Of an image that cannot be pulled.
    pub(in crate::model) fn pull(pod: &Arc<str>, container: &str, cause: Pull) -> Self {
        Self::object(pod, &[&"pull", &container, &cause])
    }

    /// Of a pod that the cluster refused to make.
    pub(in crate::model) fn refusal(of: &Subject, cause: Admission) -> Self {
        Self::of(of, &[&"refused", &cause])
    }
}

impl Occurrence {
    /// Its key; `None` for what this process alone did or missed, which no other run counts.
    #[must_use]
    pub fn key(&self) -> Option<Key> {
        Some(match self {
            Self::JobTaken { job, .. } => Key::job(*job, &[&"taken"]),
            Self::JobStarted { job, .. } => Key::job(*job, &[&"started"]),
            // The first true outcome is final, whichever it is.
            Self::JobOutcome { job, .. } => Key::job(*job, &[&"outcome"]),
            Self::JobDropped { job, .. } => Key::job(*job, &[&"dropped"]),
            Self::JobFailed { job, .. } => Key::job(*job, &[&"failed"]),
            Self::ClockClamped { job, phase } => Key::job(*job, &[&"clamped", phase]),
            Self::Disagreed { job, kind } => Key::job(*job, &[&"disagreed", kind]),
            Self::PodUnschedulable { pod, .. } => Key::object(pod, &[&"unschedulable"]),
            Self::PullFailed { pod, container, cause, .. } => Key::pull(pod, container, *cause),
            Self::PodFailed { pod, ended: true, .. } => Key::object(pod, &[&"ended"]),
            Self::PodFailed { pod, ended: false, cause, .. } => Key::object(pod, &[&"held", cause]),
            Self::AnnotationRejected { pod, .. } => Key::object(pod, &[&"rejected"]),
            Self::ImagePulled { event, .. } => Key::object(event, &[&"pulled"]),
            Self::AdmissionRefused { of, cause, .. } => Key::refusal(of, *cause),
            Self::Unclassified { family, of } => Key::of(of, &[&"unclassified", family]),
            Self::Silenced { key } => *key,
            // Counted when its notice is too old for any list to be taken over again.
            Self::NodeEventUnjoined => return None,
            Self::SourceAttempt { .. } | Self::Observed { .. } | Self::Gap { .. } | Self::Evicted { .. } => {
                return None;
            }
        })
    }
}

/// FNV-1a, 64 bits: the standard library's hash may change with its version, a file must not.
pub(crate) fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::occurrence::Outcome;

    #[test]
    fn the_digest_is_the_published_one() {
        assert_eq!(
            [&b""[..], b"a", b"foobar"].map(digest),
            [0xcbf2_9ce4_8422_2325, 0xaf63_dc4c_8601_ec8c, 0x8594_4171_f739_67e8]
        );
    }

    #[test]
    fn keys_tell_apart_what_counts_apart_and_nothing_else() {
        let outcome = |job, outcome| Occurrence::JobOutcome { tier: 0, job: JobId(job), outcome, at: None }.key();
        assert_eq!(outcome(1, Outcome::Late), outcome(1, Outcome::InTime));
        assert_ne!(outcome(1, Outcome::Late), outcome(2, Outcome::Late));
        assert_ne!(
            outcome(1, Outcome::Late),
            Occurrence::JobTaken { tier: 0, job: JobId(1), waited: Default::default(), at: None }.key()
        );
        let (pod, held) = (Arc::<str>::from("p"), |ended, cause| {
            Occurrence::PodFailed { tier: 0, pod: "p".into(), ended, cause: crate::cause::Cause::Runtime(cause) }.key()
        });
        use crate::cause::Runtime::{EvictedMemory, Preempted};
        assert_ne!(held(false, EvictedMemory), held(false, Preempted));
        assert_eq!(held(true, EvictedMemory), held(true, Preempted));
        assert_ne!(Key::pull(&pod, "build", Pull::Dns), Key::pull(&pod, "helper", Pull::Dns));
    }
}
