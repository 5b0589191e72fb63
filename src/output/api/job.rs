//! The shape of `/api/v1/jobs/{id}`: written by the daemon, read by `tierwatch why`.
//!
//! Durations are numbers of seconds, unknown is `null`.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::assessment::CauseLine;
use crate::model::job_assessment::{JobAssessment, JobPhase, JobPod, Place};

/// One job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) at: Timestamp,
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) project: Option<String>,
    #[serde(rename = "ref")]
    pub(crate) git_ref: Option<String>,
    pub(crate) tags: Option<Vec<String>>,
    pub(crate) state: String,
    pub(crate) headline: String,
    /// `tier`, `shared`, `uncertain`, `unserved` or `out_of_scope`.
    pub(crate) place: String,
    /// The tier, or those that come into question.
    pub(crate) tiers: Vec<String>,
    pub(crate) missing_tags: Vec<String>,
    pub(crate) runner_id: Option<u64>,
    pub(crate) runner_description: Option<String>,
    pub(crate) queued_at: Option<Timestamp>,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) running_at: Option<Timestamp>,
    pub(crate) finished_at: Option<Timestamp>,
    pub(crate) start_within_seconds: Option<f64>,
    pub(crate) took_seconds: Option<f64>,
    pub(crate) phases: Vec<Phase>,
    pub(crate) outcome: Option<String>,
    pub(crate) failure_reason: Option<String>,
    pub(crate) causes: Vec<Cause>,
    pub(crate) refused_by_nodes: Vec<Refused>,
    pub(crate) pods: Vec<Pod>,
}

/// Where a part of the time went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Phase {
    pub(crate) phase: String,
    pub(crate) seconds: f64,
    pub(crate) open: bool,
}

/// What holds it up, or held it up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cause {
    pub(crate) cause: String,
    pub(crate) sentence: String,
    pub(crate) blame: String,
    pub(crate) next_step: String,
    pub(crate) evidence: Option<String>,
}

/// On how many nodes a cause keeps the pod away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refused {
    pub(crate) cause: String,
    pub(crate) nodes: u32,
}

/// A pod that says it runs the job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pod {
    pub(crate) uid: String,
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) node: Option<String>,
    pub(crate) phase: Option<String>,
    pub(crate) gone: bool,
    /// GitLab contradicts it.
    pub(crate) rejected: bool,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) error: String,
}

impl From<&JobAssessment> for Job {
    fn from(job: &JobAssessment) -> Self {
        let (place, tiers, missing_tags) = place(&job.place);
        Self {
            at: job.at.wall,
            id: job.id.0,
            name: job.name.to_string(),
            project: text(&job.project),
            git_ref: text(&job.git_ref),
            tags: job.tags.as_deref().map(texts),
            state: job.state.to_string(),
            headline: job.headline.clone(),
            place: place.to_owned(),
            tiers,
            missing_tags,
            runner_id: job.runner.map(|runner| runner.0),
            runner_description: text(&job.runner_description),
            queued_at: job.queued_at,
            started_at: job.started_at,
            running_at: job.running_at,
            finished_at: job.finished_at,
            start_within_seconds: job.start_within.map(|within| within.as_secs_f64()),
            took_seconds: job.took.map(|took| took.as_secs_f64()),
            phases: job.phases.iter().map(phase).collect(),
            outcome: job.outcome.map(|outcome| outcome.to_string()),
            failure_reason: text(&job.failure_reason),
            causes: job.causes.iter().map(cause).collect(),
            refused_by_nodes: job
                .refusals
                .iter()
                .map(|(cause, nodes)| Refused { cause: cause.to_string(), nodes: *nodes })
                .collect(),
            pods: job.pods.iter().map(pod).collect(),
        }
    }
}

impl Job {
    /// How long its start took, or has taken so far.
    pub(crate) fn took(&self) -> Option<Duration> {
        self.took_seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }
}

impl Phase {
    /// How long it took, or has taken so far.
    pub(crate) fn took(&self) -> Duration {
        Duration::try_from_secs_f64(self.seconds).unwrap_or_default()
    }
}

fn text(text: &Option<Arc<str>>) -> Option<String> {
    text.as_deref().map(str::to_owned)
}

fn texts(texts: &[Arc<str>]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

fn place(place: &Place) -> (&'static str, Vec<String>, Vec<String>) {
    match place {
        Place::Tier { tier } => ("tier", vec![tier.to_string()], Vec::new()),
        Place::Shared { tiers } => ("shared", texts(tiers), Vec::new()),
        Place::Uncertain { tiers } => ("uncertain", texts(tiers), Vec::new()),
        Place::Unserved { nearest, missing_tags, .. } => ("unserved", vec![nearest.to_string()], texts(missing_tags)),
        Place::OutOfScope => ("out_of_scope", Vec::new(), Vec::new()),
    }
}

fn phase(phase: &JobPhase) -> Phase {
    Phase { phase: phase.phase.to_string(), seconds: phase.took.as_secs_f64(), open: phase.open }
}

fn cause(line: &CauseLine) -> Cause {
    Cause {
        cause: line.cause.to_string(),
        sentence: line.sentence.to_owned(),
        blame: line.blame.to_string(),
        next_step: line.next_step.to_owned(),
        evidence: text(&line.evidence),
    }
}

fn pod(pod: &JobPod) -> Pod {
    Pod {
        uid: pod.uid.to_string(),
        namespace: text(&pod.namespace),
        name: text(&pod.name),
        node: text(&pod.node),
        phase: pod.phase.map(|phase| phase.as_str().to_owned()),
        gone: pod.gone,
        rejected: pod.rejected,
    }
}
