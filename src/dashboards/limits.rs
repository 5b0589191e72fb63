//! From where on something is bad: the numbers of the configuration, once more.
//!
//! A panel has one set of colours for all tiers, so the strictest tier's number is drawn; what is told stands on the
//! tier's own number, which the daemon judges.

use std::time::Duration;

use crate::condition::{COVERAGE, CRITICAL_BEFORE, WARN_BEFORE};
use crate::config::Config;
use crate::model::policy::{Staleness, TierPolicy};
use crate::rules;

/// The strictest numbers of all tiers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Limits {
    /// Part of a capacity or quota.
    pub(super) at_capacity: f64,
    /// Part of the queue that is one project's.
    pub(super) flooded: f64,
    /// Job pods that cannot pull.
    pub(super) pull_failing_pods: f64,
    /// A token is too old, in seconds.
    pub(super) token_age: f64,
    /// A token ends soon, in seconds.
    pub(super) token_warning: f64,
    /// A token ends within days, in seconds.
    pub(super) token_critical: f64,
    /// Data is old, in seconds: the longest horizon of any source, since each is asked in a time of its own.
    pub(super) data_old: f64,
    /// No data is judged that is older, in seconds.
    pub(super) data_useless: f64,
    /// How many times the allowed part of bad starts fires at once.
    pub(super) burn_fast: f64,
    /// How many times it fires over hours.
    pub(super) burn_slow: f64,
    /// How many times it fires over a day, as a ticket.
    pub(super) burn_day: f64,
    /// How many times it fires over days, as a ticket.
    pub(super) burn_days: f64,
    /// The end of tierwatch's own token is near, in seconds.
    pub(super) own_token_warning: f64,
    /// It is very near, in seconds.
    pub(super) own_token_critical: f64,
    /// Starts below which a part of them says nothing.
    pub(super) min_jobs: f64,
    /// Part of the watched projects that must be in sight.
    pub(super) coverage: f64,
}

impl Limits {
    pub(super) fn of(config: &Config) -> Self {
        let tiers = &config.policy.tiers;
        let least = |of: fn(&TierPolicy) -> f64| tiers.iter().map(of).fold(f64::INFINITY, f64::min);
        let most = |of: fn(&TierPolicy) -> Duration| tiers.iter().map(of).max().unwrap_or_default().as_secs_f64();
        let Staleness { queue, runners, watch } = config.policy.staleness;
        Self {
            at_capacity: least(|tier| tier.conditions.at_capacity_ratio),
            flooded: least(|tier| tier.conditions.flooded_ratio),
            pull_failing_pods: least(|tier| f64::from(tier.conditions.pull_failing_pods)),
            token_age: least(|tier| tier.token.max_age.as_secs_f64()),
            token_warning: most(|tier| tier.token.warn_before_expiry),
            token_critical: most(|tier| tier.conditions.critical_before_expiry),
            data_old: queue.max(runners).max(watch).as_secs_f64(),
            data_useless: Staleness::LONGEST.as_secs_f64(),
            burn_fast: least(|tier| burn(tier, HOUR)),
            burn_slow: least(|tier| burn(tier, 6 * HOUR)),
            burn_day: least(|tier| burn(tier, 24 * HOUR)),
            burn_days: least(|tier| burn(tier, 72 * HOUR)),
            min_jobs: least(|tier| f64::from(tier.objective.min_jobs)),
            own_token_warning: WARN_BEFORE.as_secs_f64(),
            own_token_critical: CRITICAL_BEFORE.as_secs_f64(),
            coverage: COVERAGE,
        }
    }
}

const HOUR: Duration = Duration::from_secs(60 * 60);

/// How many times the allowed part of bad starts fires over this long window; infinite for a tier that cannot burn so fast.
fn burn(tier: &TierPolicy, window: Duration) -> f64 {
    rules::burns(tier)
        .find(|(long, _)| *long == window)
        .map_or(f64::INFINITY, |(_, factor)| (factor * 10.0).round() / 10.0)
}
