//! The shape of `/api/v1/jobs/{id}`: written by the daemon, read by `tierwatch why`.
//!
//! Durations are numbers of seconds, unknown is `null`.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::label::Label;
use crate::cause::{Blame, Cause as AnyCause, Scheduling};
use crate::model::assessment::CauseLine;
use crate::model::job_assessment::{JobAssessment, JobPhase, JobPod, JobState, Place};
use crate::model::occurrence::{Outcome, Phase as StartPhase};
use crate::observation::PodPhase;

/// One job. What is null is not known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Job {
    /// When it was judged.
    pub(crate) at: Timestamp,
    /// Its number in GitLab.
    pub(crate) id: u64,
    /// Its name; the user's text.
    pub(crate) name: String,
    /// The path of its project.
    pub(crate) project: Option<String>,
    /// Its branch or tag; the user's text.
    #[serde(rename = "ref")]
    pub(crate) git_ref: Option<String>,
    /// The tags that it asks for.
    pub(crate) tags: Option<Vec<String>>,
    /// Where it is.
    #[schemars(with = "Label<JobState>")]
    pub(crate) state: String,
    /// The verdict in a sentence.
    pub(crate) headline: String,
    /// What it has to do with the tiers: one took it or would, several would, which one cannot be proven, none can,
    /// or it is no tier's business.
    #[schemars(extend("enum" = PLACES))]
    pub(crate) place: String,
    /// The tier, or those that come into question.
    pub(crate) tiers: Vec<String>,
    /// Tags that the nearest tier's runners lack.
    pub(crate) missing_tags: Vec<String>,
    /// The runner that took it.
    pub(crate) runner_id: Option<u64>,
    /// That runner's description.
    pub(crate) runner_description: Option<String>,
    /// GitLab: became pending.
    pub(crate) queued_at: Option<Timestamp>,
    /// GitLab: a runner took it.
    pub(crate) started_at: Option<Timestamp>,
    /// Kubelet: its build container started.
    pub(crate) running_at: Option<Timestamp>,
    /// GitLab: over.
    pub(crate) finished_at: Option<Timestamp>,
    /// How fast a job of its tier should start.
    pub(crate) start_within_seconds: Option<f64>,
    /// From queued to running, or so far.
    pub(crate) took_seconds: Option<f64>,
    /// Where that time went, in order.
    pub(crate) phases: Vec<Phase>,
    /// The verdict on its start.
    #[schemars(with = "Option<Label<Outcome>>")]
    pub(crate) outcome: Option<String>,
    /// GitLab's word for its failure.
    pub(crate) failure_reason: Option<String>,
    /// What holds it up, or held it up.
    pub(crate) causes: Vec<Cause>,
    /// While no node takes its pod: each cause, and on how many nodes.
    pub(crate) refused_by_nodes: Vec<Refused>,
    /// Its pods, oldest first.
    pub(crate) pods: Vec<Pod>,
}

/// Where a part of the time went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "JobPhase")]
pub(crate) struct Phase {
    /// The phase.
    #[schemars(with = "Label<StartPhase>")]
    pub(crate) phase: String,
    /// How long it took, or has taken so far.
    pub(crate) seconds: f64,
    /// It is not over.
    pub(crate) open: bool,
}

/// What holds it up, or held it up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "JobCause")]
pub(crate) struct Cause {
    /// The cause.
    #[schemars(with = "Label<AnyCause>")]
    pub(crate) cause: String,
    /// What it means.
    pub(crate) sentence: String,
    /// Whose fault.
    #[schemars(with = "Label<Blame>")]
    pub(crate) blame: String,
    /// What to do next.
    pub(crate) next_step: String,
    /// The message that shows it, cut; other people's text.
    pub(crate) evidence: Option<String>,
}

/// On how many nodes a cause keeps the pod away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "RefusedByNodes")]
pub(crate) struct Refused {
    /// The cause.
    #[schemars(with = "Label<Scheduling>")]
    pub(crate) cause: String,
    /// So many nodes.
    pub(crate) nodes: u32,
}

/// A pod that says it runs the job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "JobPod")]
pub(crate) struct Pod {
    /// Its uid.
    pub(crate) uid: String,
    /// Its namespace, while it is remembered.
    pub(crate) namespace: Option<String>,
    /// Its name, while it is remembered.
    pub(crate) name: Option<String>,
    /// Its node.
    pub(crate) node: Option<String>,
    /// Its phase, while it is remembered.
    #[schemars(with = "Option<Label<PodPhase>>")]
    pub(crate) phase: Option<String>,
    /// It is deleted.
    pub(crate) gone: bool,
    /// GitLab contradicts it.
    pub(crate) rejected: bool,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Refusal {
    /// What is wrong.
    pub(crate) error: String,
}

/// Every word that `place` may be.
const PLACES: [&str; 5] = ["tier", "shared", "uncertain", "unserved", "out_of_scope"];

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
