//! What befell one pod beside scheduling and pulls: what holds it up on its node, what ended it, and what the
//! autoscalers say of it. Status first, events second.
//!
//! Everything is latched per pod, so that neither repeats nor the order in which events and statuses arrive change
//! what is counted.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::notices::Notices;
use super::pods::{Ground, PodRow};
use super::told::{Heard, Rank, Told, end_of};
use crate::cause::{Autoscale, Cause, Family, Pull, Runtime};
use crate::model::key::Subject;
use crate::model::occurrence::Occurrence;
use crate::observation::{Now, PodPhase, PodReport, PodRole, Scheduled};

/// A pod's end is counted this long after it showed, so that whoever caused it can say so: an eviction reaches us
/// through the pod, its event and the node's event in any order.
pub(super) const SETTLE: Duration = Duration::from_secs(30);

/// Pulls remembered per pod; a job pod has a handful of containers, one that pulls more often is not measured further.
const MOST_PULLS: usize = 64;

/// What befell one pod. Most pods have none.
#[derive(Debug, Clone, Default)]
pub(super) struct Trouble {
    ending: Option<Ending>,
    /// Causes that kept it from starting on its node; each counts once.
    held: Vec<Runtime>,
    newest_hold: Option<(Timestamp, Runtime)>,
    scale: Option<Scale>,
    /// Events whose pull has been measured.
    measured: Vec<Arc<str>>,
    pull_words: Vec<PullWord>,
}

/// How the pod ended.
#[derive(Debug, Clone, Copy)]
struct Ending {
    cause: Cause,
    rank: Rank,
    /// When we first heard of it.
    since: Now,
    counted: bool,
    /// It ended before we began to watch.
    silent: bool,
}

/// What an autoscaler last said of a waiting pod.
#[derive(Debug, Clone)]
struct Scale {
    last: Timestamp,
    cause: Autoscale,
    target: Option<Arc<str>>,
    message: Arc<str>,
}

/// Why an image could not be pulled, by an event's text.
#[derive(Debug, Clone)]
struct PullWord {
    container: Arc<str>,
    last: Timestamp,
    cause: Pull,
}

/// An autoscaler's verdict on a pod that waits for a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::model) enum ScaleWord<'a> {
    /// A node is on its way.
    Triggered,
    /// None is, and the sentence that says why.
    Refused(Autoscale, &'a Arc<str>),
}

impl PodRow {
    /// Reads from the status whether somebody took the pod away.
    pub(super) fn judge_end(&mut self, ground: &Ground<'_>) {
        let report = &self.report;
        let Some((cause, rank)) = end_in_status(report) else { return };
        let at = report.disruption.as_ref().and_then(|disruption| disruption.at);
        let silent = ground.baseline && at.unwrap_or(report.created) < ground.began;
        self.ended(cause, rank, silent, ground.now);
    }

    /// Takes over what an event adds.
    pub(super) fn hear(&mut self, heard: &Heard, now: Now, out: &mut Vec<Occurrence>) {
        if self.report.role != PodRole::Job {
            return;
        }
        let silent = heard.silent || heard.first_list.is_some_and(|began| self.report.created < began);
        match &heard.told {
            Told::Fetched { total, queued } => self.fetched(heard, silent, (*total, *queued), out),
            Told::PullFailed { container, image, cause } => {
                self.pull_failed(container.as_ref(), image.as_deref(), (heard.last, *cause));
                self.refine_pulls(out);
            }
            Told::Held(cause) => self.held_up(heard, silent, *cause, out),
            Told::Ended { cause, rank } => self.ended(*cause, *rank, silent, now),
            Told::Scale { cause, target, message } => {
                let news = Scale { last: heard.last, cause: *cause, target: target.clone(), message: message.clone() };
                let scale = &mut self.trouble().scale;
                // Of two verdicts of the same second the good news stays.
                let key = |scale: &Scale| (scale.last, !scale.cause.is_failure(), scale.cause);
                if scale.as_ref().is_none_or(|known| key(known) < key(&news)) {
                    *scale = Some(news);
                }
            }
        }
    }

    /// Counts what had time to be explained, and looks at the node for an explanation first.
    pub(super) fn settle(&mut self, notices: &mut Notices, now: Now, out: &mut Vec<Occurrence>) {
        for pull in &mut self.pulls {
            pull.settle(self.tier, now, out);
        }
        let Some(ending) = self.trouble.as_mut().and_then(|trouble| trouble.ending.as_mut()) else { return };
        if ending.counted || now.since(&ending.since) < SETTLE {
            return;
        }
        if let Some((cause, rank)) = self.report.node.as_deref().and_then(|node| notices.of_pods_on(node))
            && rank > ending.rank
        {
            (ending.cause, ending.rank) = (cause, rank);
        }
        ending.counted = true;
        if let Some(tier) = self.tier.filter(|_| !ending.silent) {
            let pod = self.report.uid.clone();
            out.push(Occurrence::PodFailed { tier, pod, ended: true, cause: ending.cause });
        }
    }

    /// What took it away, or held it up on its node to the last.
    pub(super) fn failure(&self) -> Option<Cause> {
        let ending = self.trouble.as_ref()?.ending.map(|ending| ending.cause);
        ending.or_else(|| self.unfinished_hold().map(Cause::Runtime))
    }

    /// What keeps it from starting on its node now.
    pub(in crate::model) fn hold(&self) -> Option<Runtime> {
        self.unfinished_hold().filter(|_| self.lives() && !self.report.deleting)
    }

    /// No event says that a volume is mounted or an address found at last: a sandbox that is ready does.
    fn unfinished_hold(&self) -> Option<Runtime> {
        let (_, cause) = self.trouble.as_ref()?.newest_hold?;
        let over = self.report.ready || self.report.sandbox_ready.is_some() && cause != Runtime::ExecFormatError;
        (!over).then_some(cause)
    }

    /// How it was ended, if that was within `lately`.
    pub(in crate::model) fn ended_lately(&self, now: &Now, lately: Duration) -> Option<Cause> {
        let ending = self.trouble.as_ref()?.ending?;
        (!ending.silent && now.since(&ending.since) <= lately).then_some(ending.cause)
    }

    /// It has no node yet, and may get one.
    pub(in crate::model) fn waits_for_a_node(&self) -> bool {
        self.lives() && !self.report.deleting && !matches!(self.report.scheduled, Scheduled::At(_))
    }

    /// The latest verdict of an autoscaler on it.
    pub(in crate::model) fn scale_word<'a>(&'a self, notices: &'a Notices) -> Option<ScaleWord<'a>> {
        let scale = self.trouble.as_ref()?.scale.as_ref()?;
        if scale.cause.is_failure() {
            return Some(ScaleWord::Refused(scale.cause, &scale.message));
        }
        // The claim that was to become its node failed afterwards.
        let failed = scale.target.as_deref().and_then(|claim| notices.failed_claim(claim, scale.last));
        Some(
            failed.map_or(ScaleWord::Triggered, |message| ScaleWord::Refused(Autoscale::InsufficientCapacity, message)),
        )
    }

    /// What an autoscaler last said of it, and when.
    pub(super) fn scale_said(&self) -> Option<(Timestamp, Autoscale)> {
        let scale = self.trouble.as_ref()?.scale.as_ref()?;
        Some((scale.last, scale.cause))
    }

    /// The claim or node that an autoscaler means to use for it.
    pub(super) fn scale_target(&self) -> Option<&str> {
        self.trouble.as_ref()?.scale.as_ref()?.target.as_deref()
    }

    /// Lets what events said of pulls explain those whose status does not.
    pub(super) fn refine_pulls(&mut self, out: &mut Vec<Occurrence>) {
        let Some(trouble) = &self.trouble else { return };
        for word in &trouble.pull_words {
            if let Some(pull) = self.pulls.iter_mut().find(|pull| pull.is_of(&word.container)) {
                pull.explained(word.cause, self.tier, out);
            }
        }
    }

    fn trouble(&mut self) -> &mut Trouble {
        self.trouble.get_or_insert_default().as_mut()
    }

    fn fetched(
        &mut self,
        heard: &Heard,
        silent: bool,
        took: (Option<Duration>, Option<Duration>),
        out: &mut Vec<Occurrence>,
    ) {
        let measured = &mut self.trouble().measured;
        if measured.contains(&heard.event) || measured.len() >= MOST_PULLS {
            return;
        }
        measured.push(heard.event.clone());
        if let (Some(tier), false, (total, queued)) = (self.tier, silent, took) {
            out.push(Occurrence::ImagePulled { tier, event: heard.event.clone(), total, queued });
        }
    }

    /// The container that the event names must have the image it speaks of: a combined event names any container.
    fn pull_failed(&mut self, named: Option<&Arc<str>>, image: Option<&str>, (last, cause): (Timestamp, Pull)) {
        let containers = &self.report.containers;
        let fits = |of: Option<&str>| image.is_none_or(|image| of == Some(image));
        let by_name =
            containers.iter().find(|container| Some(&container.name) == named && fits(Some(&container.image)));
        let by_image = || containers.iter().find(|container| image.is_some_and(|image| *image == *container.image));
        let Some(container) = by_name.or_else(by_image).map(|container| container.name.clone()) else { return };
        let words = &mut self.trouble().pull_words;
        let news = PullWord { container, last, cause };
        match words.iter_mut().find(|word| word.container == news.container) {
            Some(known) if (known.last, known.cause) < (last, cause) => *known = news,
            Some(_) => {}
            None => words.push(news),
        }
    }

    fn held_up(&mut self, heard: &Heard, silent: bool, cause: Runtime, out: &mut Vec<Occurrence>) {
        let tier = self.tier;
        let trouble = self.trouble();
        if trouble.newest_hold.is_none_or(|newest| newest < (heard.last, cause)) {
            trouble.newest_hold = Some((heard.last, cause));
        }
        if trouble.held.contains(&cause) {
            return;
        }
        trouble.held.push(cause);
        let Some(tier) = tier.filter(|_| !silent) else { return };
        let pod = self.report.uid.clone();
        let of = Subject::Object(pod.clone());
        out.push(Occurrence::PodFailed { tier, pod, ended: false, cause: Cause::Runtime(cause) });
        if cause == Runtime::Other {
            out.push(Occurrence::Unclassified { family: Family::Runtime, of });
        }
    }

    /// A pod ends once; until that is counted, a better word for it replaces a worse one.
    fn ended(&mut self, cause: Cause, rank: Rank, silent: bool, now: Now) {
        let news = Ending { cause, rank, since: now, counted: false, silent };
        match &mut self.trouble().ending {
            Some(known) => {
                known.silent |= silent;
                if !known.counted && (known.rank, known.cause) < (rank, cause) {
                    (known.cause, known.rank) = (cause, rank);
                }
            }
            free @ None => *free = Some(news),
        }
    }
}

/// Why the status says that the pod was taken away. The better explained of its two places wins.
fn end_in_status(report: &PodReport) -> Option<(Cause, Rank)> {
    // A job that runs into its own time limit is no failure of the platform, and what ended well was not disrupted.
    let is_end = |reason: &str| reason != "DeadlineExceeded";
    if report.phase == PodPhase::Succeeded {
        return None;
    }
    [&report.failure, &report.disruption]
        .into_iter()
        .flatten()
        .filter(|end| is_end(&end.reason))
        .map(|end| end_of(&end.reason, &end.message))
        .max_by_key(|(_, rank)| *rank)
}
