//! The alerts as the design wants them, written down a second time: rules, tests of rules and runbooks are held to this.

/// One alert on one kind of series.
#[derive(Debug, Clone, Copy)]
pub struct Expected {
    pub alert: &'static str,
    pub on: On,
    /// Minutes that it must last.
    pub pending: u64,
    /// Severity for tiers that page, that make a ticket, that are only shown; of tierwatch itself only the first.
    pub severity: [&'static str; 3],
    pub kind: &'static str,
    pub depends_on: &'static str,
}

/// What an alert looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// A condition of a tier.
    Tier(&'static str),
    /// A check that keeps jobs from the node, the network or protected secrets; where the tier pages somebody.
    GraveCheck,
    /// Any other check.
    Check,
    /// Any source.
    Source,
    /// One without which no symptom can be seen.
    Sight,
    /// A condition of tierwatch.
    Own(&'static str),
    /// The scrape.
    Up,
}

const NONE: &str = "";

const fn row(
    alert: &'static str,
    on: On,
    pending: u64,
    severity: [&'static str; 3],
    kind: &'static str,
    depends_on: &'static str,
) -> Expected {
    Expected { alert, on, pending, severity, kind, depends_on }
}

const BY_URGENCY: [&str; 3] = ["critical", "warning", "info"];
const WARNING: [&str; 3] = ["warning", "warning", "info"];
const INFO: [&str; 3] = ["info", "info", "info"];
const PAGE_ONLY: [&str; 3] = ["critical", NONE, NONE];

pub const EXPECTED: &[Expected] = &[
    row("TierJobsOverdue", On::Tier("jobs_overdue"), 1, BY_URGENCY, "symptom", "gitlab"),
    row("TierQueueStalled", On::Tier("queue_stalled"), 2, BY_URGENCY, "symptom", "gitlab"),
    row("TierJobsDropped", On::Tier("jobs_dropped"), 0, BY_URGENCY, "symptom", "gitlab"),
    row("TierPlatformFailures", On::Tier("platform_failures"), 2, BY_URGENCY, "symptom", "both"),
    row("TierDown", On::Tier("down"), 2, BY_URGENCY, "symptom", "kubernetes"),
    row("TierUnschedulable", On::Tier("unschedulable"), 3, WARNING, "cause", "kubernetes"),
    row("TierImagePullFailing", On::Tier("image_pull_failing"), 2, WARNING, "cause", "kubernetes"),
    row("TierScaleUpBlocked", On::Tier("scale_up_blocked"), 5, WARNING, "cause", "kubernetes"),
    row("TierAtCapacity", On::Tier("at_capacity"), 10, WARNING, "cause", "both"),
    row("TierRunnersOffline", On::Tier("runners_offline"), 10, WARNING, "cause", "both"),
    row("TierFlooded", On::Tier("flooded"), 10, INFO, "cause", "gitlab"),
    row("JobsUnserved", On::Tier("jobs_unserved"), 5, WARNING, "cause", "gitlab"),
    row("RunnerTokenExpiring", On::Tier("runner_token_expiring"), 30, WARNING, "cause", "gitlab"),
    row("RunnerTokenExpiring", On::Tier("runner_token_ending"), 30, PAGE_ONLY, "cause", "gitlab"),
    row("RunnerTokenTooOld", On::Tier("runner_token_too_old"), 60, WARNING, "cause", "gitlab"),
    row("TierBoundaryMoved", On::GraveCheck, 5, BY_URGENCY, "boundary", "kubernetes"),
    row("TierBoundaryMoved", On::Check, 5, WARNING, "boundary", "kubernetes"),
    row("TierwatchSourceDown", On::Source, 5, WARNING, "blind", "none"),
    row("TierwatchSourceDown", On::Sight, 30, PAGE_ONLY, "blind", "none"),
    row("TierUnobserved", On::Tier("unobserved"), 10, WARNING, "blind", "none"),
    row("TierNoTraffic", On::Tier("no_traffic"), 10, WARNING, "cause", "gitlab"),
    row("TierwatchTokenExpiring", On::Own("api_token_expiring"), 60, ["warning", NONE, NONE], "blind", "gitlab"),
    row("TierwatchTokenExpiring", On::Own("api_token_ending"), 60, ["critical", NONE, NONE], "blind", "gitlab"),
    row("TierwatchQueueCoverageLow", On::Own("queue_coverage_low"), 15, ["warning", NONE, NONE], "blind", "gitlab"),
    row("TierwatchUnclassified", On::Own("unclassified"), 15, ["info", NONE, NONE], "blind", "kubernetes"),
    row("TierwatchSecretReloadFailed", On::Own("secret_reload_failed"), 10, ["warning", NONE, NONE], "blind", "none"),
    row("TierwatchDown", On::Up, 5, ["critical", NONE, NONE], "blind", "none"),
];

/// The alert that rests on the start budget, which is tested by itself.
pub const BURN: &str = "TierStartBudgetBurn";

/// Every alert's name, once.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = EXPECTED.iter().map(|row| row.alert).chain([BURN]).collect();
    names.sort_unstable();
    names.dedup();
    names
}
