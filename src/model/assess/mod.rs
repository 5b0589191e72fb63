//! The judgement: a pure function of what was seen, what was declared and the time.
//!
//! One pass over the pods and one over the jobs fill a tally per tier; words come last. What rests on data
//! past its horizon is withheld: absent, never zero.

mod capacity;
mod job;
mod lately;
mod limits;
mod quotas;
mod runners;
mod tally;
mod troubled;
mod words;

use std::borrow::Cow;
use std::sync::Arc;

use crate::condition::{self, AlertSet, ConditionLine};
use crate::model::assessment::{Assessment, SourceStatus, TierAssessment};
use crate::model::fleet::Fleet;
use crate::model::policy::{TierId, TierPolicy};
use crate::model::posture::{self, Ground, JobPods};
use crate::observation::{Earlier, Now, SourceKey, SourceKind};
pub use job::explain;
use tally::{Held, Tally};
pub use words::{human_duration, many};

/// Judges the whole fleet. `previous` tells since when a verdict holds.
#[must_use]
pub fn assess(fleet: &Fleet, now: Now, previous: Option<&Assessment>) -> Assessment {
    let sight = Sight::new(fleet, &now);
    let mut tally = Tally::new(fleet, &now, &sight);
    let asked = tally::asked(fleet);
    let kinds: Vec<JobPods> = tally.tiers.iter_mut().map(|levels| std::mem::take(&mut levels.kinds)).collect();
    let kinds: Vec<&JobPods> = kinds.iter().collect();
    let out_of_scope = (sight.queue && fleet.reach.shows_strangers()).then_some(tally.out_of_scope);
    let sources = source_statuses(fleet, &tally.held, &now);
    let tiers = tally
        .tiers
        .into_iter()
        .enumerate()
        .map(|(id, levels)| {
            let before = previous.and_then(|before| before.tiers.get(id));
            tier_assessment(
                fleet,
                id,
                levels,
                &Beside { kinds: &kinds, asked: &asked, nodes: sight.nodes, sources: &sources },
                before,
                &now,
            )
        })
        .collect();
    let mut assessment = Assessment {
        at: now,
        tiers,
        sources,
        out_of_scope,
        coverage: coverage(fleet, &sight, &now),
        complete: fleet.sources.all_attempted(),
        own_token: fleet.tokens.own.clone(),
        secret_failure: fleet.sources.secret_failure(),
        failures: fleet.lately.failures.within(lately::HOUR, &now),
        unclassified: fleet.lately.unclassified.within(lately::HOUR, &now),
        conditions: Vec::new(),
        alerts: AlertSet::new(),
    };
    let before = previous.map_or(&[][..], |before| &before.conditions);
    assessment.conditions = condition::of_tierwatch(&assessment, &with_earlier(before, fleet, None, &now));
    assessment
}

/// Which data is recent enough to be judged.
#[derive(Debug)]
struct Sight {
    queue: bool,
    running: bool,
    runners: bool,
    nodes: bool,
    pods: Vec<bool>,
    /// Events of pods.
    events: Vec<bool>,
    managers: Vec<bool>,
    quotas: Vec<bool>,
    limits: Vec<bool>,
}

impl Sight {
    fn new(fleet: &Fleet, now: &Now) -> Self {
        let policy = fleet.policy();
        let fresh =
            |key: &SourceKey| fleet.sources.get(key).is_some_and(|row| row.fresh(key.kind, &policy.staleness, now));
        let tiers = 0..policy.tiers.len();
        // Every namespace of the tier that the source watches is in sight.
        let watched = |kind, namespaces: fn(&TierPolicy) -> &Vec<Arc<str>>| {
            let in_sight = |namespace: &Arc<str>| fresh(&SourceKey::namespaced(kind, namespace));
            let tiers = policy.tiers.iter().map(namespaces);
            tiers.map(|namespaces| !namespaces.is_empty() && namespaces.iter().all(in_sight)).collect()
        };
        Self {
            queue: fresh(&SourceKey::global(SourceKind::GitlabQueue)),
            running: fleet.running_fresh(now),
            runners: fresh(&SourceKey::global(SourceKind::GitlabRunners)),
            nodes: fresh(&SourceKey::global(SourceKind::KubeNodes)),
            pods: tiers.map(|tier| fleet.pods_fresh(tier, now)).collect(),
            events: watched(SourceKind::KubeEvents, |tier| &tier.namespaces),
            managers: watched(SourceKind::KubePods, |tier| &tier.manager_namespaces),
            quotas: watched(SourceKind::KubeQuotas, |tier| &tier.namespaces),
            limits: watched(SourceKind::KubeLimits, |tier| &tier.namespaces),
        }
    }
}

/// What was counted of all tiers together.
struct Beside<'a> {
    kinds: &'a [&'a JobPods],
    asked: &'a capacity::Asked<'a>,
    /// Nodes are in sight.
    nodes: bool,
    sources: &'a [SourceStatus],
}

fn tier_assessment(
    fleet: &Fleet,
    id: TierId,
    levels: tally::TierLevels,
    beside: &Beside<'_>,
    before: Option<&TierAssessment>,
    now: &Now,
) -> TierAssessment {
    let policy = &fleet.policy().tiers[id];
    let causes = words::causes(policy, &levels);
    let (state, headline) = words::verdict(policy, &levels, &causes, fleet.pods_expected(id));
    let since = before.filter(|before| before.state == state).map_or(now.wall, |before| before.since);
    let ground = Ground::new(fleet, id, beside.kinds, &headline, *now);
    let running = levels.running.map(|running| running.starting + running.executing);
    let capacity = capacity::levels(fleet, id, beside.asked, beside.nodes, levels.quotas.as_deref(), running);
    let boundary = posture::judge(&ground, before.map(|before| &before.boundary));
    let mut tier = TierAssessment {
        name: policy.name.clone(),
        urgency: policy.urgency,
        target: policy.objective.target,
        start_within: policy.objective.start_within,
        state,
        since,
        headline,
        queue: levels.queue,
        running: levels.running,
        pods: levels.pods,
        scale_up: levels.scale_up,
        runners: levels.runners,
        managers: levels.managers,
        nodes: levels.nodes,
        quotas: levels.quotas,
        limits: levels.limits,
        capacity,
        boundary,
        causes,
        waiting: levels.waiting,
        phases: tally::mean_phases(&fleet.recent[id]),
        lately: lately::levels(fleet, id, now),
        conditions: Vec::new(),
    };
    let known = before.map_or(&[][..], |before| &before.conditions);
    let known = with_earlier(known, fleet, Some(&policy.name), now);
    tier.conditions = condition::of_tier(policy, &tier, beside.sources, &known, now);
    tier
}

/// The lines of the last judgement; where this run has not judged yet, those of an earlier run.
fn with_earlier<'a>(
    lines: &'a [ConditionLine],
    fleet: &Fleet,
    tier: Option<&Arc<str>>,
    now: &Now,
) -> Cow<'a, [ConditionLine]> {
    let recent = fleet.lately.watched(now) <= Earlier::ALERTS_LAST;
    let of_tier = || fleet.alerts_before.iter().filter(|alert| alert.tier.as_ref() == tier);
    if !recent || of_tier().next().is_none() {
        return Cow::Borrowed(lines);
    }
    let mut lines = lines.to_vec();
    for alert in of_tier() {
        let known = lines.iter_mut().find(|line| line.condition == alert.condition && line.subject == alert.subject);
        match known {
            Some(line) if line.holds.is_none() => *line = ConditionLine::earlier(alert),
            Some(_) => {}
            None => lines.push(ConditionLine::earlier(alert)),
        }
    }
    Cow::Owned(lines)
}

/// By the instance every job is in sight; otherwise the part of the projects, or of the tiers' queues, that is.
fn coverage(fleet: &Fleet, sight: &Sight, now: &Now) -> Option<f64> {
    sight.queue.then(|| fleet.coverage(now).unwrap_or(1.0))
}

fn source_statuses(fleet: &Fleet, held: &Held, now: &Now) -> Vec<SourceStatus> {
    let policy = fleet.policy();
    let status = |(key, row): (&SourceKey, &crate::model::fleet::SourceRow)| SourceStatus {
        source: key.clone(),
        tiers: policy.tiers_of(key).map(|tier| Arc::clone(&policy.tiers[tier].name)).collect(),
        up: row.up(key.kind, &policy.staleness, now),
        last_success: row.last_success.map(|at| at.wall),
        age: row.last_success.map(|at| now.since(&at)),
        failure: row.failure.as_ref().map(|failure| failure.detail.clone()),
        note: words::note(row),
        objects: objects(fleet, held, key),
    };
    fleet.sources.iter().map(status).collect()
}

/// Objects held from a source, where they can be told apart.
fn objects(fleet: &Fleet, held: &Held, key: &SourceKey) -> Option<u64> {
    match key.kind {
        SourceKind::GitlabQueue => Some(held.waiting),
        SourceKind::GitlabStarted => Some(held.running),
        SourceKind::GitlabRefs => Some(fleet.refs.len() as u64),
        SourceKind::GitlabRunners => fleet.rosters.as_ref().map(|rosters| rosters.len() as u64),
        SourceKind::KubeNodes => Some(fleet.nodes.len() as u64),
        SourceKind::KubeQuotas => key.namespace.as_deref().map(|namespace| fleet.quotas.of(namespace).count() as u64),
        SourceKind::KubeLimits => key.namespace.as_deref().map(|namespace| fleet.limits.of(namespace).count() as u64),
        SourceKind::KubePods => key.namespace.as_deref().map(|namespace| held.pods(namespace)),
        SourceKind::GitlabRunnerJobs
        | SourceKind::GitlabJobLogs
        | SourceKind::GitlabHooks
        | SourceKind::WebConfig
        | SourceKind::KubeNamespace
        | SourceKind::KubeNetpols
        | SourceKind::KubeAccounts
        | SourceKind::KubeRoles
        | SourceKind::KubeBindings
        | SourceKind::KubeTokenSecrets
        | SourceKind::KubeEvents
        | SourceKind::KubeNodeEvents
        | SourceKind::Clock => None,
    }
}
