//! The table of pods: what each is for, whose it is, and what keeps it from starting.
//!
//! The pod's status is the truth. A refusal or a failed pull is counted when it first shows, never again for
//! repeats, relists or restarts of the watch.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::cause::{self, Pull, Scheduling, taint};
use crate::model::fleet::job::Claim;
use crate::model::fleet::nodes::Nodes;
use crate::model::fleet::notices::Notices;
use crate::model::fleet::start::Instants;
use crate::model::fleet::trouble::{SETTLE, Trouble};
use crate::model::key::{Key, Subject};
use crate::model::occurrence::Occurrence;
use crate::model::policy::{Policy, TierId};
use crate::model::tier::Rosters;
use crate::observation::{
    ContainerReport, ContainerRole, ContainerState, Now, PodPhase, PodReport, PodRole, Scheduled, between,
};

/// A deleted pod stays this long, so that a late event or GitLab's answer still finds it.
const TOMBSTONE: Duration = Duration::from_secs(300);

/// One pod.
#[derive(Debug, Clone)]
pub(in crate::model) struct PodRow {
    pub(in crate::model) report: Box<PodReport>,
    pub(in crate::model) tier: Option<TierId>,
    refused: Option<Refusal>,
    refusal_counted: bool,
    pub(in crate::model) pulls: Vec<PullRow>,
    pub(super) trouble: Option<Box<Trouble>>,
    pub(in crate::model) gone: Option<Now>,
    /// It went while nobody watched: how its containers ended is not known.
    lost: bool,
}

/// Why no node takes a pod.
#[derive(Debug, Clone, Copy)]
struct Refusal {
    /// By the scheduler's sentence.
    told: Scheduling,
    /// The same, with what the nodes say of their taints.
    cause: Scheduling,
}

/// One container whose image could not be pulled at least once.
#[derive(Debug, Clone)]
pub(in crate::model) struct PullRow {
    pod: Arc<str>,
    container: Arc<str>,
    pub(in crate::model) registry: Arc<str>,
    /// The last cause that was told; back-off alone tells none.
    pub(in crate::model) cause: Pull,
    pub(in crate::model) failing: bool,
    /// It failed already when we began to watch: this failure is not counted.
    silent: bool,
    counted: Vec<Pull>,
    /// The cause is an event's word, the status has not named one.
    by_event: bool,
    /// It ended without a cause told: an event may still tell it.
    untold: Option<Now>,
}

impl PodRow {
    /// In the cluster and not over.
    pub(in crate::model) fn lives(&self) -> bool {
        self.gone.is_none() && !matches!(self.report.phase, PodPhase::Succeeded | PodPhase::Failed)
    }

    /// Why no node takes it, while none does.
    pub(in crate::model) fn refused(&self) -> Option<Scheduling> {
        self.refused.map(|refused| refused.cause)
    }

    /// How long the scheduler has found no node for it; zero while that is not so.
    pub(in crate::model) fn refused_for(&self, now: &Now) -> Duration {
        match &self.report.scheduled {
            Scheduled::Refused { since, .. } if self.lives() && !self.report.deleting => {
                between(since.unwrap_or(self.report.created), now.wall)
            }
            Scheduled::Refused { .. } | Scheduled::No | Scheduled::At(_) => Duration::ZERO,
        }
    }

    /// The scheduler's sentence, while no node takes it.
    pub(in crate::model) fn refusal(&self) -> Option<&Arc<str>> {
        match &self.report.scheduled {
            Scheduled::Refused { message, .. } => Some(message),
            Scheduled::No | Scheduled::At(_) => None,
        }
    }

    /// What it says of the job it claims to run.
    pub(super) fn claim(&self) -> Option<(crate::observation::JobId, Claim)> {
        let report = &self.report;
        let job = report.job.filter(|_| report.role == PodRole::Job)?;
        let claim = Claim {
            pod: report.uid.clone(),
            project: report.project,
            runner_short: report.runner_short.clone(),
            tier: self.tier,
            instants: instants(report),
            pull: self.pull(),
            refused: self.refused(),
            failure: self.failure(),
            gone: self.gone.map(|gone| gone.wall),
            lost: self.lost,
            rejected: false,
        };
        Some((job, claim))
    }

    /// Each pull that fails now, with what the container's status says.
    pub(in crate::model) fn failing_pulls(&self) -> impl Iterator<Item = (Pull, Option<&Arc<str>>)> {
        self.pulls.iter().filter(|pull| pull.failing).map(|pull| {
            let container = self.report.containers.iter().find(|container| container.name == pull.container);
            let message = container.and_then(|container| match &container.state {
                ContainerState::Waiting { message, .. } => Some(message),
                ContainerState::Absent | ContainerState::Running { .. } | ContainerState::Terminated { .. } => None,
            });
            (pull.cause, message)
        })
    }

    /// The pull that fails now, else the last one that failed.
    fn pull(&self) -> Option<Pull> {
        self.pulls.iter().find(|pull| pull.failing).or_else(|| self.pulls.last()).map(|pull| pull.cause)
    }
}

/// All pods of the watched namespaces.
#[derive(Debug, Clone, Default)]
pub(in crate::model) struct Pods {
    rows: BTreeMap<Arc<str>, PodRow>,
    managers: ManagerChanges,
}

/// When a runner manager of a namespace was last seen to come, to go or to start anew.
#[derive(Debug, Clone, Default)]
struct ManagerChanges(BTreeMap<Arc<str>, Timestamp>);

impl ManagerChanges {
    fn see(&mut self, pod: &PodReport, at: Now) {
        if pod.role == PodRole::Manager {
            self.0.insert(Arc::clone(&pod.namespace), at.wall);
        }
    }
}

/// What the table needs to know beside the pod.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ground<'a> {
    pub(super) policy: &'a Policy,
    pub(super) rosters: Option<&'a Rosters>,
    pub(super) nodes: &'a Nodes,
    pub(super) began: jiff::Timestamp,
    /// The first list of this namespace ever: what stands in it was there before us.
    pub(super) baseline: bool,
    pub(super) now: Now,
}

impl Pods {
    pub(in crate::model) fn iter(&self) -> impl Iterator<Item = &PodRow> {
        self.rows.values()
    }

    pub(in crate::model) fn get(&self, uid: &str) -> Option<&PodRow> {
        self.rows.get(uid)
    }

    pub(super) fn get_mut(&mut self, uid: &str) -> Option<&mut PodRow> {
        self.rows.get_mut(uid)
    }

    /// Counts what had time to be explained.
    pub(super) fn settle(&mut self, notices: &mut Notices, now: Now, out: &mut Vec<Occurrence>) {
        for row in self.rows.values_mut() {
            row.settle(notices, now, out);
        }
    }

    /// Folds the pod as it is now.
    pub(super) fn upsert(&mut self, report: Box<PodReport>, ground: &Ground<'_>, out: &mut Vec<Occurrence>) {
        let uid = report.uid.clone();
        let tier = tier_of(&report, ground.policy, ground.rosters);
        let (row, before) = match self.rows.entry(uid) {
            Entry::Occupied(known) => {
                let row = known.into_mut();
                let before = std::mem::replace(&mut row.report, report);
                (row, Some(before))
            }
            Entry::Vacant(free) => (free.insert(PodRow::new(report)), None),
        };
        row.tier = tier;
        row.gone = None;
        row.lost = false;
        if before.as_ref().is_none_or(|before| starts(before) != starts(&row.report)) {
            self.managers.see(&row.report, ground.now);
        }
        if row.report.role == PodRole::Job {
            row.judge_scheduling(before.as_deref(), ground, out);
            row.judge_pulls(before.as_deref(), ground, out);
            row.judge_end(ground);
        }
    }

    /// The pod is deleted; it stays a while as a tombstone.
    pub(super) fn gone(&mut self, uid: &str, now: Now, out: &mut Vec<Occurrence>) {
        if let Some(row) = self.rows.get_mut(uid) {
            row.bury(now, out);
            self.managers.see(&row.report, now);
        }
    }

    /// Buries the pods of a namespace that a complete list does not show; returns their uids.
    pub(super) fn missing(
        &mut self,
        namespace: &str,
        listed: &dyn Fn(&str) -> bool,
        now: Now,
        out: &mut Vec<Occurrence>,
    ) -> Vec<Arc<str>> {
        let lost = self
            .rows
            .iter_mut()
            .filter(|(uid, row)| row.gone.is_none() && row.report.namespace.as_ref() == namespace && !listed(uid));
        lost.map(|(uid, row)| {
            row.bury(now, out);
            self.managers.see(&row.report, now);
            row.lost = true;
            uid.clone()
        })
        .collect()
    }

    /// Finds each pod's tier again, after the runners changed.
    pub(super) fn replace_tiers(&mut self, policy: &Policy, rosters: Option<&Rosters>) {
        for row in self.rows.values_mut() {
            row.tier = tier_of(&row.report, policy, rosters);
        }
    }

    /// Judges again who waits for a taint to go, after the nodes changed.
    pub(super) fn ask_nodes_again(&mut self, policy: &Policy, nodes: &Nodes) {
        for row in self.rows.values_mut() {
            row.ask_nodes(policy, nodes);
        }
    }

    /// When a runner manager of this namespace was last seen to come, to go or to start anew.
    pub(in crate::model) fn managers_changed(&self, namespace: &str) -> Option<Timestamp> {
        self.managers.0.get(namespace).copied()
    }

    pub(super) fn forget(&mut self, now: &Now) {
        self.rows.retain(|_, row| row.gone.is_none_or(|at| now.since(&at) <= TOMBSTONE));
    }
}

impl PodRow {
    fn new(report: Box<PodReport>) -> Self {
        let (tier, refused, trouble, gone) = (None, None, None, None);
        Self { report, tier, refused, refusal_counted: false, pulls: Vec::new(), trouble, gone, lost: false }
    }

    fn judge_scheduling(&mut self, before: Option<&PodReport>, ground: &Ground<'_>, out: &mut Vec<Occurrence>) {
        let Scheduled::Refused { reason, message, since, nominated, .. } = &self.report.scheduled else {
            self.refused = None;
            return;
        };
        let since = *since;
        if self.refused.is_none() || before.is_none_or(|before| before.scheduled != self.report.scheduled) {
            let told = scheduling_cause(reason, message, *nominated);
            let known = self.refused.filter(|known| known.told == told);
            self.refused = Some(known.unwrap_or(Refusal { told, cause: told }));
            self.ask_nodes(ground.policy, ground.nodes);
        }
        if self.refusal_counted {
            return;
        }
        self.refusal_counted = true;
        let (Some(cause), Some(tier)) = (self.refused(), self.tier) else { return };
        if ground.baseline && since.is_none_or(|since| since < ground.began) {
            return;
        }
        out.push(Occurrence::PodUnschedulable { tier, pod: self.report.uid.clone(), cause });
        if cause == Scheduling::Other {
            let of = Subject::Object(self.report.uid.clone());
            out.push(Occurrence::Unclassified { family: cause::Family::Scheduling, of });
        }
    }

    /// A taint's meaning is the node's to tell, and where no node is known the sentence's. While no node has such a
    /// taint any more and the scheduler has not spoken again, the last meaning stays.
    fn ask_nodes(&mut self, policy: &Policy, nodes: &Nodes) {
        let Some(refused) = self.refused.as_mut().filter(|refused| refused.told == Scheduling::UntoleratedTaint) else {
            return;
        };
        let Scheduled::Refused { message, tolerations, .. } = &self.report.scheduled else { return };
        let meaning = if nodes.is_empty() {
            Some(taint::refine(taint::named(message)))
        } else {
            nodes.refusal(self.tier.map(|tier| &policy.tiers[tier]), tolerations)
        };
        refused.cause = meaning.unwrap_or(refused.cause);
    }

    fn judge_pulls(&mut self, before: Option<&PodReport>, ground: &Ground<'_>, out: &mut Vec<Occurrence>) {
        if before.is_some_and(|before| before.containers == self.report.containers) && !self.pulls.is_empty() {
            return;
        }
        for container in &self.report.containers {
            let known = self.pulls.iter().position(|pull| pull.container == container.name);
            let Some(told) = pull_cause(container) else {
                if let Some(index) = known {
                    self.pulls[index].ended(ground.now, self.tier, out);
                }
                continue;
            };
            let index = known.unwrap_or_else(|| {
                self.pulls.push(PullRow::new(&self.report, container, ground));
                self.pulls.len() - 1
            });
            self.pulls[index].failed(told, self.tier, out);
        }
        self.refine_pulls(out);
    }

    fn bury(&mut self, now: Now, out: &mut Vec<Occurrence>) {
        self.gone = Some(now);
        for pull in &mut self.pulls {
            pull.ended(now, self.tier, out);
        }
    }
}

impl PullRow {
    fn new(pod: &PodReport, container: &ContainerReport, ground: &Ground<'_>) -> Self {
        let registry = cause::registry_of(&container.image);
        Self {
            pod: pod.uid.clone(),
            container: container.name.clone(),
            registry: ground.policy.registry_label(registry.as_deref()),
            silent: ground.baseline && pod.created < ground.began,
            cause: Pull::Backoff,
            failing: true,
            counted: Vec::new(),
            by_event: false,
            untold: None,
        }
    }

    pub(super) fn is_of(&self, container: &str) -> bool {
        *self.container == *container
    }

    /// Back-off keeps the last cause; a cause counts once per pod and container.
    fn failed(&mut self, told: Pull, tier: Option<TierId>, out: &mut Vec<Occurrence>) {
        self.failing = true;
        self.untold = None;
        if told == Pull::Backoff {
            return;
        }
        self.cause = told;
        if std::mem::replace(&mut self.by_event, false) && !self.counted.contains(&told) {
            // The status names the same failure in its own words.
            self.counted.push(told);
            out.push(Occurrence::Silenced { key: Key::pull(&self.pod, &self.container, told) });
        }
        self.count(tier, out);
    }

    /// An event names the cause that the status does not.
    pub(super) fn explained(&mut self, cause: Pull, tier: Option<TierId>, out: &mut Vec<Occurrence>) {
        if self.cause != Pull::Backoff {
            return;
        }
        self.cause = cause;
        self.by_event = true;
        self.untold = None;
        match self.counted.iter_mut().find(|counted| **counted == Pull::Backoff) {
            Some(counted) => *counted = cause,
            None => self.count(tier, out),
        }
    }

    /// It pulls no longer. Was the cause never told, an event gets a moment to tell it.
    fn ended(&mut self, now: Now, tier: Option<TierId>, out: &mut Vec<Occurrence>) {
        if std::mem::replace(&mut self.failing, false) && self.counted.is_empty() {
            if self.silent {
                self.count(tier, out);
            } else {
                self.untold = Some(now);
            }
        }
        self.silent = false;
    }

    /// A failure whose cause was never told counts as back-off.
    pub(super) fn settle(&mut self, tier: Option<TierId>, now: Now, out: &mut Vec<Occurrence>) {
        if self.untold.is_some_and(|at| now.since(&at) >= SETTLE) {
            self.untold = None;
            self.count(tier, out);
        }
    }

    fn count(&mut self, tier: Option<TierId>, out: &mut Vec<Occurrence>) {
        if self.counted.contains(&self.cause) {
            return;
        }
        self.counted.push(self.cause);
        let Some(tier) = tier.filter(|_| !self.silent) else { return };
        let (pod, container, registry) = (self.pod.clone(), self.container.clone(), self.registry.clone());
        out.push(Occurrence::PullFailed { tier, pod, container, registry, cause: self.cause });
        if self.cause == Pull::Other {
            let of = Subject::Object(self.pod.clone());
            out.push(Occurrence::Unclassified { family: cause::Family::Pull, of });
        }
    }
}

/// While victims leave a node for the pod the sentence goes on telling what it lacked before them: up to 1.32 with a
/// remark behind, since then without.
/// Since when each container runs: a runner that starts anew is a new manager to GitLab.
fn starts(report: &PodReport) -> Vec<Option<Timestamp>> {
    let since = |container: &ContainerReport| match container.state {
        ContainerState::Running { since } => since,
        ContainerState::Absent | ContainerState::Waiting { .. } | ContainerState::Terminated { .. } => None,
    };
    report.containers.iter().map(since).collect()
}

fn scheduling_cause(reason: &str, message: &str, nominated: bool) -> Scheduling {
    if reason == "SchedulingGated" {
        Scheduling::SchedulingGated
    } else if nominated {
        Scheduling::NominatedWaiting
    } else {
        cause::scheduling::classify(message).dominant
    }
}

/// The cause a waiting container tells, if it waits because of its image.
fn pull_cause(container: &ContainerReport) -> Option<Pull> {
    let ContainerState::Waiting { reason, message } = &container.state else { return None };
    let about_image = matches!(
        reason.as_ref(),
        "ErrImagePull"
            | "ImagePullBackOff"
            | "InvalidImageName"
            | "ErrImageNeverPull"
            | "RegistryUnavailable"
            | "SignatureValidationFailed"
            | "ImageInspectError"
    );
    about_image.then(|| cause::image_pull::classify(reason, message).cause)
}

fn instants(report: &PodReport) -> Instants {
    let build = report.containers.iter().find(|container| container.role == ContainerRole::Build);
    Instants {
        created: Some(report.created),
        scheduled: match report.scheduled {
            Scheduled::At(at) => at,
            Scheduled::No | Scheduled::Refused { .. } => None,
        },
        sandbox: report.sandbox_ready,
        running: build.and_then(|build| match build.state {
            ContainerState::Running { since } => since,
            ContainerState::Terminated { started, .. } => started,
            ContainerState::Absent | ContainerState::Waiting { .. } => None,
        }),
        ..Instants::default()
    }
}

/// A namespace of one tier decides; where tiers share one, the runner named by the manager label does.
fn tier_of(report: &PodReport, policy: &Policy, rosters: Option<&Rosters>) -> Option<TierId> {
    let here = |tier: &TierId| {
        let tier = &policy.tiers[*tier];
        let namespaces = if report.role == PodRole::Manager { &tier.manager_namespaces } else { &tier.namespaces };
        namespaces.contains(&report.namespace)
    };
    let mut candidates = (0..policy.tiers.len()).filter(here);
    let first = candidates.next()?;
    if candidates.next().is_none() {
        return Some(first);
    }
    rosters?.tier_of_short(report.runner_short.as_deref()?).filter(here)
}
