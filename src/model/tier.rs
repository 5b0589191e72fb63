//! Which tier a pending job belongs to: the one a runner of which would take it.
//!
//! The rules are GitLab's queue filter (`Ci::Queue::BuildQueueService`): the runner's scope, protected refs,
//! job tags ⊆ runner tags, untagged jobs only with `run_untagged`. Paused and offline runners still count:
//! they never move a job out of its tier, they are causes of its waiting.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::assessment::UnservedReason;
use crate::model::policy::{Policy, TierId};
use crate::observation::{RunnerId, RunnerReport, RunnerScope};

/// What matching needs to know of a job.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Its tags.
    pub tags: &'a [Arc<str>],
    /// Full path of its project.
    pub project_path: Option<&'a str>,
    /// Whether its ref is protected, where known.
    pub protected: Option<bool>,
    /// GitLab's verdict that no runner could take it.
    pub stuck: Option<bool>,
}

/// Where a job belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    /// Runners of exactly this tier would take it.
    Tier(TierId),
    /// Runners of several tiers would take it.
    Shared(Vec<TierId>),
    /// Tags fit these tiers, the rest cannot be proven.
    Uncertain(Vec<TierId>),
    /// It asks for a tier, and no runner fits.
    Unserved(TierId, UnservedReason),
    /// No business of any tier.
    OutOfScope,
}

impl Fit {
    /// Tiers whose eligible queue shows it.
    #[must_use]
    pub fn eligible(&self) -> &[TierId] {
        match self {
            Self::Tier(tier) => std::slice::from_ref(tier),
            Self::Shared(tiers) => tiers,
            Self::Uncertain(_) | Self::Unserved(..) | Self::OutOfScope => &[],
        }
    }
}

/// The runners of each tier, as far as GitLab showed them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rosters {
    tier_of: BTreeMap<RunnerId, TierId>,
    by_tier: Vec<Vec<RunnerReport>>,
    /// Runners that take the tags of a tier which declares others.
    strangers: Vec<Vec<RunnerReport>>,
}

impl Rosters {
    /// Assigns every runner to at most one tier: by declared id, else to the tier with the most tags that the
    /// runner carries.
    #[must_use]
    pub fn new(policy: &Policy, runners: &[RunnerReport]) -> Self {
        let none = vec![Vec::new(); policy.tiers.len()];
        let mut rosters = Self { tier_of: BTreeMap::new(), by_tier: none.clone(), strangers: none };
        for runner in runners {
            if let Some(tier) = tier_of(policy, runner) {
                rosters.tier_of.insert(runner.id, tier);
                rosters.by_tier[tier].push(runner.clone());
            }
            for (id, tier) in policy.tiers.iter().enumerate() {
                let takes = !tier.tags.is_empty() && subset(&tier.tags, &runner.tags);
                if takes && !tier.runners.is_empty() && !tier.runners.contains(&runner.id) {
                    rosters.strangers[id].push(runner.clone());
                }
            }
        }
        rosters
    }

    /// The tier that a runner serves.
    #[must_use]
    pub fn tier_of(&self, runner: RunnerId) -> Option<TierId> {
        self.tier_of.get(&runner).copied()
    }

    /// Every runner that serves a tier.
    #[must_use]
    pub fn ids(&self) -> Vec<RunnerId> {
        self.tier_of.keys().copied().collect()
    }

    /// One runner for each queue: those of a tier that take the same jobs have the same one.
    #[must_use]
    pub fn queues(&self) -> Vec<RunnerId> {
        let same = |a: &RunnerReport, b: &RunnerReport| {
            a.run_untagged == b.run_untagged
                && a.protected == b.protected
                && a.scope == b.scope
                && a.scope != RunnerScope::Unknown
                && subset(&a.tags, &b.tags)
                && subset(&b.tags, &a.tags)
        };
        let first = |roster: &[RunnerReport], at: usize| !roster[..at].iter().any(|before| same(before, &roster[at]));
        let of_tier = |roster: &Vec<RunnerReport>| {
            (0..roster.len()).filter(|at| first(roster, *at)).map(|at| roster[at].id).collect()
        };
        self.by_tier.iter().flat_map(|roster| -> Vec<RunnerId> { of_tier(roster) }).collect()
    }

    /// Where a job belongs that GitLab itself would give to these runners; `None` when none of them serves a tier.
    #[must_use]
    pub fn fit_by_takers(&self, takers: &[RunnerId]) -> Option<Fit> {
        let tiers: BTreeSet<TierId> = takers.iter().filter_map(|runner| self.tier_of(*runner)).collect();
        match tiers.len() {
            0 => None,
            1 => tiers.first().copied().map(Fit::Tier),
            _ => Some(Fit::Shared(tiers.into_iter().collect())),
        }
    }

    /// The first characters of a runner's token, as GitLab shows them.
    #[must_use]
    pub fn short_sha(&self, runner: RunnerId) -> Option<&str> {
        self.runner(runner)?.short_sha.as_deref()
    }

    /// A runner that serves a tier.
    #[must_use]
    pub fn runner(&self, runner: RunnerId) -> Option<&RunnerReport> {
        self.of(self.tier_of(runner)?).iter().find(|known| known.id == runner)
    }

    /// Whether a runner for protected refs only would otherwise take a job with these tags.
    #[must_use]
    pub fn protection_matters(&self, tags: &[Arc<str>]) -> bool {
        self.by_tier.iter().flatten().any(|runner| runner.protected && subset(tags, &runner.tags))
    }

    /// Runners that serve a tier.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tier_of.len()
    }

    /// Whether no runner serves any tier.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tier_of.is_empty()
    }

    /// The runners of a tier.
    #[must_use]
    pub fn of(&self, tier: TierId) -> &[RunnerReport] {
        self.by_tier.get(tier).map_or(&[], Vec::as_slice)
    }

    /// Runners that nobody declared and that carry all tags of a tier which declares its runners.
    #[must_use]
    pub fn strangers(&self, tier: TierId) -> &[RunnerReport] {
        self.strangers.get(tier).map_or(&[], Vec::as_slice)
    }

    /// The tier whose runner's token begins with the same characters: GitLab shows eight, the pod label nine.
    #[must_use]
    pub fn tier_of_short(&self, short: &str) -> Option<TierId> {
        let mut matching = self.by_tier.iter().enumerate().filter(|(_, roster)| {
            roster.iter().any(|runner| runner.short_sha.as_deref().is_some_and(|sha| same_token(sha, short)))
        });
        let (tier, _) = matching.next()?;
        matching.next().is_none().then_some(tier)
    }
}

/// Whether two abbreviations may be of one token.
#[must_use]
pub fn same_token(a: &str, b: &str) -> bool {
    !a.is_empty() && !b.is_empty() && (a.starts_with(b) || b.starts_with(a))
}

fn tier_of(policy: &Policy, runner: &RunnerReport) -> Option<TierId> {
    if let Some(declared) = policy.tiers.iter().position(|tier| tier.runners.contains(&runner.id)) {
        return Some(declared);
    }
    let found_by_tags = |tier: &crate::model::policy::TierPolicy| {
        tier.runners.is_empty()
            && if tier.tags.is_empty() {
                tier.run_untagged && runner.run_untagged
            } else {
                subset(&tier.tags, &runner.tags)
            }
    };
    let (tier, _) = policy
        .tiers
        .iter()
        .enumerate()
        .filter(|(_, tier)| found_by_tags(tier))
        .max_by_key(|(index, tier)| (tier.tags.len(), usize::MAX - index))?;
    Some(tier)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Match {
    No(UnservedReason),
    Maybe,
    Yes,
}

/// Decides where a job belongs.
#[must_use]
pub fn place(policy: &Policy, rosters: Option<&Rosters>, job: &Wanted<'_>) -> Fit {
    let Some(rosters) = rosters else { return by_declared_tags(policy, job) };
    let verdicts: Vec<Option<Match>> =
        (0..policy.tiers.len()).map(|tier| best_of(rosters.of(tier).iter().map(|runner| judge(runner, job)))).collect();
    let tiers_with = |wanted: Match| -> Vec<TierId> {
        verdicts.iter().enumerate().filter(|(_, verdict)| **verdict == Some(wanted)).map(|(tier, _)| tier).collect()
    };
    let proven = tiers_with(Match::Yes);
    match proven.as_slice() {
        [tier] => return Fit::Tier(*tier),
        [] => {}
        _ => return Fit::Shared(proven),
    }
    let possible = tiers_with(Match::Maybe);
    if possible.is_empty() { unserved(policy, &verdicts, job) } else { Fit::Uncertain(possible) }
}

/// The best verdict; among refusals the one that came nearest to a match.
fn best_of(verdicts: impl Iterator<Item = Match>) -> Option<Match> {
    let rank = |verdict: &Match| match verdict {
        Match::Yes => 4,
        Match::Maybe => 3,
        Match::No(UnservedReason::Protected) => 2,
        Match::No(UnservedReason::Untagged | UnservedReason::Unknown) => 1,
        Match::No(UnservedReason::TagMissing) => 0,
    };
    verdicts.max_by_key(rank)
}

fn judge(runner: &RunnerReport, job: &Wanted<'_>) -> Match {
    if job.tags.is_empty() && !runner.run_untagged {
        return Match::No(UnservedReason::Untagged);
    }
    if !subset(job.tags, &runner.tags) {
        return Match::No(UnservedReason::TagMissing);
    }
    if runner.protected && job.protected == Some(false) {
        return Match::No(UnservedReason::Protected);
    }
    match in_scope(&runner.scope, job.project_path) {
        Some(false) => Match::No(UnservedReason::Unknown),
        Some(true) if !runner.protected || job.protected == Some(true) => Match::Yes,
        Some(true) | None => Match::Maybe,
    }
}

fn in_scope(scope: &RunnerScope, project: Option<&str>) -> Option<bool> {
    let below =
        |group: &Arc<str>, path: &str| path.strip_prefix(group.as_ref()).is_some_and(|rest| rest.starts_with('/'));
    match (scope, project) {
        (RunnerScope::Instance, _) => Some(true),
        (RunnerScope::Groups(groups), Some(path)) => Some(groups.iter().any(|group| below(group, path))),
        (RunnerScope::Projects(projects), Some(path)) => Some(projects.iter().any(|own| own.as_ref() == path)),
        (RunnerScope::Unknown, _) | (RunnerScope::Groups(_) | RunnerScope::Projects(_), None) => None,
    }
}

/// No runner is known at all: the declared tags make a tier possible, never proven.
fn by_declared_tags(policy: &Policy, job: &Wanted<'_>) -> Fit {
    let fits = |tier: &crate::model::policy::TierPolicy| {
        if job.tags.is_empty() { tier.run_untagged } else { subset(job.tags, &tier.tags) }
    };
    let possible: Vec<TierId> =
        policy.tiers.iter().enumerate().filter(|(_, tier)| fits(tier)).map(|(index, _)| index).collect();
    if possible.is_empty() { Fit::OutOfScope } else { Fit::Uncertain(possible) }
}

/// A job that no runner takes is a tier's business when it carries one of the tier's tags, or when GitLab
/// itself calls it stuck and it asks for something near a tier.
fn unserved(policy: &Policy, verdicts: &[Option<Match>], job: &Wanted<'_>) -> Fit {
    let shared_tags = |tier: TierId| {
        let declared = &policy.tiers[tier].tags;
        job.tags.iter().filter(|tag| declared.contains(tag)).count()
    };
    let nearest = (0..policy.tiers.len()).max_by_key(|tier| (shared_tags(*tier), usize::MAX - tier));
    let Some(nearest) = nearest else { return Fit::OutOfScope };
    let untagged_home = || policy.tiers.iter().position(|tier| tier.run_untagged);
    if shared_tags(nearest) > 0 {
        // GitLab sees an online runner that fits and that we do not see.
        if job.stuck == Some(false) {
            return Fit::Uncertain(vec![nearest]);
        }
        let reason = match verdicts[nearest] {
            Some(Match::No(reason)) => reason,
            // The tier has no runner at all.
            None | Some(Match::Maybe | Match::Yes) => UnservedReason::Unknown,
        };
        return Fit::Unserved(nearest, reason);
    }
    if job.stuck == Some(true) {
        return if job.tags.is_empty() {
            Fit::Unserved(untagged_home().unwrap_or(nearest), UnservedReason::Untagged)
        } else {
            Fit::Unserved(nearest, UnservedReason::TagMissing)
        };
    }
    match untagged_home() {
        Some(tier) if job.tags.is_empty() && job.stuck.is_none() => Fit::Unserved(tier, UnservedReason::Untagged),
        Some(_) | None => Fit::OutOfScope,
    }
}

fn subset(needles: &[Arc<str>], haystack: &[Arc<str>]) -> bool {
    needles.iter().all(|needle| haystack.contains(needle))
}

/// Whether a ref name matches a protected pattern; `*` stands for any text, also for `/`. Linear, since
/// patterns are the users' text.
#[must_use]
pub fn matches_protected(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let head = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(head) else { return false };
    let Some(tail) = parts.next_back() else { return rest.is_empty() };
    for middle in parts {
        let Some(at) = rest.find(middle) else { return false };
        rest = &rest[at + middle.len()..];
    }
    rest.ends_with(tail)
}

#[cfg(test)]
#[path = "tier_tests.rs"]
mod tests;
