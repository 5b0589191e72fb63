//! The start budget of each tier: how fast it burns, by the multi-window method of the SRE workbook, chapter 5.
//!
//! A factor f alerts when f times the allowed part of bad starts is met over a long and a short window. What it
//! alerts on would be spent in `budget`: f = budget × window of the objective / long window.

use std::time::Duration;

use super::conditions::labels;
use super::link::{About, Links, label};
use super::texts::SEE_THE_PAGE;
use super::yaml::promql;
use super::{Group, Rule};
use crate::condition::{DependsOn, Kind, Severity, SeverityRule};
use crate::metrics::catalogue as metrics;
use crate::model::policy::{Policy, TierPolicy};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The alert's name.
pub(super) const BURN: &str = "TierStartBudgetBurn";

/// So many bad starts before somebody is told: of a handful of jobs one would be a large part.
const BAD_STARTS: f64 = 3.0;

/// One pair of windows.
#[derive(Debug, Clone, Copy)]
pub struct Burn {
    /// The `speed` label.
    pub speed: &'static str,
    /// Part of the whole budget that is gone when the long window is full of it.
    pub budget: f64,
    /// The long window, that of the `window` label.
    pub long: Duration,
    /// The short window, which ends the alert soon after what it tells of.
    pub short: Duration,
    /// How long both must say so.
    pub pending: Duration,
    /// How urgent it is.
    pub severity: SeverityRule,
}

/// Every pair of windows, the fastest first.
pub const BURNS: [Burn; 4] = [
    Burn {
        speed: "fast",
        budget: 0.02,
        long: HOUR,
        short: Duration::from_secs(5 * 60),
        pending: Duration::from_secs(2 * 60),
        severity: SeverityRule::Urgency,
    },
    Burn {
        speed: "slow",
        budget: 0.05,
        long: Duration::from_secs(6 * 60 * 60),
        short: Duration::from_secs(30 * 60),
        pending: Duration::from_secs(15 * 60),
        severity: SeverityRule::Urgency,
    },
    Burn {
        speed: "ticket",
        budget: 0.1,
        long: DAY,
        short: Duration::from_secs(2 * 60 * 60),
        pending: HOUR,
        severity: SeverityRule::Warning,
    },
    Burn {
        speed: "ticket",
        budget: 0.1,
        long: Duration::from_secs(3 * 24 * 60 * 60),
        short: Duration::from_secs(6 * 60 * 60),
        pending: HOUR,
        severity: SeverityRule::Warning,
    },
];

impl Burn {
    /// How many times the allowed part of bad starts it alerts on.
    fn factor(&self, tier: &TierPolicy) -> f64 {
        self.budget * tier.objective.window.as_secs_f64() / self.long.as_secs_f64()
    }

    /// The part of bad starts it alerts on; `None` where it could never be met, or says less than the objective itself.
    fn limit(&self, tier: &TierPolicy) -> Option<f64> {
        let factor = self.factor(tier);
        let limit = factor * (1.0 - tier.objective.target);
        // Six figures are enough for anybody, and hide how a computer counts.
        (factor >= 1.0 && limit < 1.0).then(|| (limit * 1e6).round() / 1e6)
    }

    /// Starts within the long window below which a part of them says nothing.
    fn least(&self, tier: &TierPolicy, limit: f64) -> f64 {
        (BAD_STARTS / limit).floor().max(f64::from(tier.objective.min_jobs).max(1.0) - 1.0) + 1.0
    }
}

/// Starts are numbered in steps of this length, the shortest window of all.
const STEP: Duration = Duration::from_secs(5 * 60);

/// Each pair of windows that can fire for a tier: the long one, and how many times the allowed part of bad starts it fires on.
pub(crate) fn burns(tier: &TierPolicy) -> impl Iterator<Item = (Duration, f64)> {
    BURNS.iter().filter(|burn| burn.limit(tier).is_some()).map(|burn| (burn.long, burn.factor(tier)))
}

pub(super) fn groups(policy: &Policy, links: &Links) -> Vec<Group> {
    let alerts: Vec<Rule> =
        policy.tiers.iter().flat_map(|tier| BURNS.iter().filter_map(|burn| alert(tier, burn, links))).collect();
    let mut windows: Vec<Duration> = BURNS.iter().flat_map(|burn| [burn.short, burn.long]).collect();
    windows.sort_unstable();
    windows.dedup();
    let parts = windows.into_iter().map(|window| Rule::Record { record: bad_part(window), expr: part_of_bad(window) });
    let mut long: Vec<Duration> = BURNS.iter().map(|burn| burn.long).collect();
    long.sort_unstable();
    let starts = long.into_iter().map(|window| Rule::Record { record: starts(window), expr: number_of_starts(window) });
    vec![Group { name: "tierwatch-start-budget", rules: parts.chain(starts).chain(alerts).collect() }]
}

/// The name under which the part of bad starts within a window is recorded.
pub(crate) fn bad_part(window: Duration) -> String {
    format!("tier:tierwatch_job_start_errors:ratio_rate{}", promql(window))
}

/// The name under which the number of starts within a window is recorded.
pub(crate) fn starts(window: Duration) -> String {
    format!("tier:tierwatch_job_starts:increase{}", promql(window))
}

/// Two replicas that count the same jobs give the same part.
fn part_of_bad(window: Duration) -> String {
    let (metric, window) = (metrics::JOB_START_OUTCOMES.name, promql(window));
    format!(
        "sum by (tier) (rate({metric}{{outcome=~\"late|platform_failure\"}}[{window}]))\n/\n\
         sum by (tier) (rate({metric}{{outcome=~\"in_time|late|platform_failure\"}}[{window}]))"
    )
}

/// And each counts them all, so that the number is that of one: of the highest in each step, since a pod that follows another, or takes
/// over from it, counts on from zero.
fn number_of_starts(window: Duration) -> String {
    let (metric, window, step) = (metrics::JOB_START_OUTCOMES.name, promql(window), promql(STEP));
    format!(
        "sum_over_time(\n  max by (tier) (sum without (outcome) (increase({metric}{{outcome=~\"in_time|late|platform_failure\"}}[{step}])))[{window}:{step}]\n)"
    )
}

fn alert(tier: &TierPolicy, burn: &Burn, links: &Links) -> Option<Rule> {
    let limit = burn.limit(tier)?;
    let severity = burn.severity.of(tier.urgency)?;
    let name = &tier.name;
    let (long, short) = (promql(burn.long), promql(burn.short));
    let expr = format!(
        "{}{{tier=\"{name}\"}} > {limit}\nand\n{}{{tier=\"{name}\"}} > {limit}\nand\n{}{{tier=\"{name}\"}} >= {}",
        bad_part(burn.long),
        bad_part(burn.short),
        starts(burn.long),
        burn.least(tier, limit),
    );
    let summary = match severity {
        Severity::Critical => "its jobs start too late or not at all",
        Severity::Warning | Severity::Info => "its jobs start late more often than promised",
    };
    let factor = (burn.factor(tier) * 10.0).round() / 10.0;
    let (target, within) = ((tier.objective.target * 1e8).round() / 1e6, promql(tier.objective.start_within));
    let budget = burn.budget * 100.0;
    let description = format!(
        "{{{{ $value | humanizePercentage }}}} of the jobs that started within {long} were late or broken by the platform, and so were \
         those of the last {short}: {factor} times what the objective allows ({target} % start within {within}). Going on \
         like this for {long} spends {budget} % of the budget of {}. {SEE_THE_PAGE}",
        promql(tier.objective.window),
    );
    let mut labels = labels(severity, Kind::Symptom, DependsOn::Both);
    labels.push(("tier", name.to_string()));
    labels.push(("speed", burn.speed.to_owned()));
    labels.push(("window", long));
    Some(Rule::Alert {
        alert: BURN,
        expr,
        pending: burn.pending,
        keep_firing_for: Some(2 * MINUTE),
        labels,
        annotations: [
            vec![("summary", format!("Tier {}: {summary}", label!("tier"))), ("description", description)],
            links.annotations(BURN, About::Tier),
        ]
        .concat(),
    })
}
