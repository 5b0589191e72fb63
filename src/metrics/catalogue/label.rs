//! Labels and the sets their values come from: closed, or named by the configuration.

use crate::cause::{Admission, Autoscale, Blame, Cause, Family, Pull, Scheduling};
use crate::condition::Condition;
use crate::metrics::own::{HookResult, Operation, PushResult, StatusClass};
use crate::model::assessment::{QuotaResource, TokenSource, UnservedReason};
use crate::model::occurrence::{Disagreement, DropReason, FailureReason, Outcome, Phase, Table};
use crate::model::policy::Urgency;
use crate::model::posture::Check;
use crate::observation::{FailureClass, PodPhase, RunnerStatus, SourceKind};

/// One label of a family.
#[derive(Debug, Clone, Copy)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// What its value may be.
    pub values: Values,
}

/// What a label's value may be.
#[derive(Debug, Clone, Copy)]
pub enum Values {
    /// One of these, and nothing else ever.
    Closed(fn() -> Vec<&'static str>),
    /// As many as the operator has declared.
    Tiers,
    /// The allow-list of registries, and `other`.
    Registries,
    /// As many runners as the tiers have, at most [`RUNNERS_PER_TIER`] each.
    Runners(&'static str),
    /// One value per build.
    Build(&'static str),
}

/// Runners of one tier that are listed one by one; counts include the rest.
pub const RUNNERS_PER_TIER: usize = 100;

macro_rules! closed {
    ($name:literal, [$($value:literal),+]) => {
        Label { name: $name, values: Values::Closed(|| vec![$($value),+]) }
    };
    ($name:literal, $type:ty) => {
        Label { name: $name, values: Values::Closed(|| <$type>::ALL.iter().map(|value| value.as_str()).collect()) }
    };
}

pub(super) const TIER: Label = Label { name: "tier", values: Values::Tiers };
pub(super) const REGISTRY: Label = Label { name: "registry", values: Values::Registries };
pub(super) const RUNNER_ID: Label = Label { name: "runner_id", values: Values::Runners("GitLab's id of the runner") };
pub(super) const SHORT_SHA: Label = Label {
    name: "short_sha",
    values: Values::Runners("first characters of the runner's token, as GitLab shows them"),
};
pub(super) const VERSION: Label = Label { name: "version", values: Values::Build("the release") };
pub(super) const REVISION: Label =
    Label { name: "revision", values: Values::Build("the commit it was built from, or `unknown`") };

pub(super) const UNSERVED_REASON: Label = closed!("reason", UnservedReason);
pub(super) const START_PHASE: Label = closed!("phase", Phase);
pub(super) const OUTCOME: Label = closed!("outcome", Outcome);
pub(super) const RUNNING_STATE: Label = closed!("state", ["starting", "executing"]);
pub(super) const DROP_REASON: Label = closed!("reason", DropReason);
pub(super) const FAILURE_REASON: Label = closed!("reason", FailureReason);
pub(super) const BLAME: Label = closed!("blame", Blame);
pub(super) const POD_PHASE: Label = closed!("phase", PodPhase);
pub(super) const SCHEDULING: Label = closed!("cause", Scheduling);
pub(super) const PULL: Label =
    Label { name: "cause", values: Values::Closed(|| pull_failures().map(Pull::as_str).collect()) };
pub(super) const ADMISSION: Label =
    Label { name: "cause", values: Values::Closed(|| admission_failures().map(Admission::as_str).collect()) };
pub(super) const QUOTA_RESOURCE: Label = closed!("resource", QuotaResource);
pub(super) const POD_FAILURE: Label =
    Label { name: "cause", values: Values::Closed(|| Cause::of_broken_pods().map(Cause::as_str).collect()) };
pub(super) const SCALE_UP: Label =
    Label { name: "cause", values: Values::Closed(|| scale_up_refusals().map(Autoscale::as_str).collect()) };
pub(super) const NODE_STATE: Label = closed!("state", ["ready", "not_ready", "unschedulable"]);
pub(super) const RUNNER_STATUS: Label = closed!("status", RunnerStatus);
pub(super) const READY: Label = closed!("ready", ["true", "false"]);
pub(super) const TOKEN_SOURCE: Label = closed!("source", TokenSource);
pub(super) const EXPIRY_SOURCE: Label = closed!("source", ["expiry"]);
pub(super) const CHECK: Label = closed!("check", Check);
pub(super) const URGENCY: Label = Label {
    name: "urgency",
    values: Values::Closed(|| [Urgency::Page, Urgency::Ticket, Urgency::None].map(Urgency::as_str).to_vec()),
};
pub(super) const TIER_CONDITION_NAME: Label = Label {
    name: "condition",
    values: Values::Closed(|| conditions(|condition| !condition.is_own() && condition.subject_label().is_none())),
};
pub(super) const OWN_CONDITION_NAME: Label =
    Label { name: "condition", values: Values::Closed(|| conditions(Condition::is_own)) };
pub(super) const SOURCE: Label = Label { name: "source", values: Values::Closed(sources) };
pub(super) const POLLED_SOURCE: Label =
    Label { name: "source", values: Values::Closed(|| labels_of(SourceKind::is_polled)) };
pub(super) const WATCHED_SOURCE: Label = Label {
    name: "source",
    values: Values::Closed(|| labels_of(|kind| kind.is_of_the_cluster() && !kind.is_polled())),
};
pub(super) const CLASS: Label = closed!("class", FailureClass);
pub(super) const OPERATION: Label = closed!("operation", Operation);
pub(super) const STATUS_CLASS: Label = closed!("status", StatusClass);
pub(super) const FAMILY: Label = closed!("family", Family);
pub(super) const PUSH_RESULT: Label = closed!("result", PushResult);
pub(super) const HOOK_RESULT: Label = closed!("result", HookResult);
pub(super) const DISAGREEMENT: Label = closed!("kind", Disagreement);
pub(super) const TABLE: Label = closed!("table", Table);

fn conditions(those: fn(Condition) -> bool) -> Vec<&'static str> {
    Condition::ALL.iter().copied().filter(|condition| those(*condition)).map(Condition::as_str).collect()
}

/// Each once: some sources share a label.
fn sources() -> Vec<&'static str> {
    labels_of(|_| true)
}

fn labels_of(those: fn(SourceKind) -> bool) -> Vec<&'static str> {
    let mut labels: Vec<_> = SourceKind::ALL.into_iter().filter(|kind| those(*kind)).map(SourceKind::label).collect();
    labels.dedup();
    labels
}

/// The causes of a pull that are failures: what is none is never a label of a failure metric.
pub(in crate::metrics) fn pull_failures() -> impl Iterator<Item = Pull> {
    Pull::ALL.iter().copied().filter(|cause| Cause::Pull(*cause).is_failure())
}

/// The causes of a refusal; a warning is none.
pub(in crate::metrics) fn admission_failures() -> impl Iterator<Item = Admission> {
    Admission::ALL.iter().copied().filter(|cause| cause.is_failure())
}

/// What an autoscaler can say against a pod that waits for a node.
pub(in crate::metrics) fn scale_up_refusals() -> impl Iterator<Item = Autoscale> {
    Autoscale::ALL.iter().copied().filter(|cause| cause.refuses_scale_up())
}

impl Values {
    /// For people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Closed(values) => values().iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", "),
            Self::Tiers => "a configured tier".to_owned(),
            Self::Registries => "a registry of the configured allow-list, or `other`".to_owned(),
            Self::Runners(what) | Self::Build(what) => (*what).to_owned(),
        }
    }
}
