//! How jobs start: in time, late, broken; where their time goes.

use std::time::Duration;

use crate::dashboards::colour::Colour;
use crate::dashboards::limits::Limits;
use crate::dashboards::link::Link;
use crate::dashboards::panel::{Column, Panel};
use crate::dashboards::query::{RANGE, RATE, a_minute, buckets, during, highest, level, mean, quantile, recorded};
use crate::dashboards::unit::Unit;
use crate::metrics::catalogue as metrics;
use crate::rules;

use super::state;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// What is said where the recording rules are missing.
const NO_RULES: &str = "no job started, or the rules of `print rules` are not there";

/// A verdict that counts for or against the service level.
const JUDGED: &str = r#"outcome=~"in_time|late|platform_failure""#;

/// How many times the allowed part of starts is bad.
pub(in crate::dashboards) fn burn(window: Duration, by: &[&str]) -> String {
    let allowed = format!("(1 - {})", highest(metrics::TIER_OBJECTIVE, &["tier"], ""));
    let each = format!("max by (tier) ({}) / on (tier) {allowed}", recorded(&rules::bad_part(window), ""));
    if by.is_empty() { format!("max({each})") } else { each }
}

pub(in crate::dashboards) fn burn_now(limits: &Limits) -> Panel {
    let about = "How many times faster than allowed the start budget was spent within the last hour, worst tier. 1 spends exactly the budget. \
                 Alert: TierStartBudgetBurn.";
    Panel::stat("Budget burn, 1h", about)
        .ask(burn(HOUR, &[]), "times the allowed")
        .from(1.0, Colour::Orange)
        .from(limits.burn_fast, Colour::Red)
        .without("no starts or no rules")
}

pub(in crate::dashboards) fn running_now() -> Panel {
    Panel::stat("Running", "Jobs of the chosen tiers that GitLab calls running now, those that still start included.")
        .ask(level(metrics::JOBS_RUNNING, &[], ""), "jobs")
}

/// How bad it is, tier by tier: rate, errors, duration, and what waits.
pub(in crate::dashboards) fn by_tier(limits: &Limits) -> Panel {
    let about = "Rate, errors and duration of job starts for each tier, and what waits now. Starts and bad starts: in the time that is looked at. Start, \
                 95 %: from queued to build container running. Burn: times the allowed part of bad starts within an hour; 1 spends the budget exactly.";
    let starts = during(metrics::JOB_START_OUTCOMES, &["tier"], JUDGED);
    let bad = during(metrics::JOB_START_OUTCOMES, &["tier"], r#"outcome=~"late|platform_failure""#);
    Panel::table("How bad is it?", about)
        .ask(state::state(), "{{tier}}")
        .ask(level(metrics::QUEUE_PENDING_JOBS, &["tier"], ""), "{{tier}}")
        .ask(highest(metrics::QUEUE_OLDEST_PENDING_AGE, &["tier"], ""), "{{tier}}")
        .ask(level(metrics::QUEUE_OVERDUE_JOBS, &["tier"], ""), "{{tier}}")
        .ask(level(metrics::JOBS_RUNNING, &["tier"], ""), "{{tier}}")
        .ask(starts.clone(), "{{tier}}")
        .ask(format!("{bad} / {starts}"), "{{tier}}")
        .ask(quantile(0.95, metrics::JOB_START, &["tier"], RANGE), "{{tier}}")
        .ask(highest(metrics::TIER_START_WITHIN, &["tier"], ""), "{{tier}}")
        .ask(burn(HOUR, &["tier"]), "{{tier}}")
        .column(Column::label("tier", "Tier").link(Link::TierOfRow))
        .column(Column::value(0, "State", Unit::Number).says(state::STATE))
        .column(Column::value(1, "Waiting", Unit::Number))
        .column(Column::value(2, "Longest wait", Unit::Seconds))
        .column(Column::value(3, "Overdue", Unit::Number).from(1.0, Colour::Red))
        .column(Column::value(4, "Running", Unit::Number))
        .column(Column::value(5, "Starts", Unit::Number))
        .column(Column::value(6, "Bad starts", Unit::Part))
        .column(Column::value(7, "Start, 95 %", Unit::Seconds))
        .column(Column::value(8, "Promised", Unit::Seconds))
        .column(
            Column::value(9, "Burn, 1h", Unit::Number).from(1.0, Colour::Orange).from(limits.burn_fast, Colour::Red),
        )
        .sorted("State", true)
        .without("–")
}

pub(in crate::dashboards) fn outcomes() -> Panel {
    let about = "Verdicts on job starts, a minute, once per job. late: counted the moment it is late. platform_failure: broken before it ran, and not by \
                 its user. user_failure and canceled count neither for nor against the tier.";
    Panel::stacked("How jobs start", about)
        .ask(a_minute(metrics::JOB_START_OUTCOMES, &["outcome"], ""), "{{outcome}}")
        .unit(Unit::PerMinute)
        .without("no job has started yet")
}

pub(in crate::dashboards) fn bad_part() -> Panel {
    let about = "Part of the starts within an hour that were late or broken by the platform, and the part that the objective allows (dashed).";
    let allowed = format!("1 - {}", highest(metrics::TIER_OBJECTIVE, &["tier"], ""));
    Panel::lines("Bad starts, 1h", about)
        .ask(format!("max by (tier) ({})", recorded(&rules::bad_part(HOUR), "")), "{{tier}}")
        .beside(allowed, "{{tier}}, allowed")
        .unit(Unit::Part)
        .at_most(1.0)
        .without(NO_RULES)
}

pub(in crate::dashboards) fn burning(limits: &Limits) -> Panel {
    let about = format!(
        "How many times faster than allowed the start budget is spent. TierStartBudgetBurn fires where both 1h and 5m are above {} (fast), or 6h and \
         30m above {} (slow), of the strictest tier.",
        limits.burn_fast, limits.burn_slow
    );
    let windows = [("5m", 5 * MINUTE), ("1h", HOUR), ("6h", 6 * HOUR)];
    let panel = Panel::lines("Start budget: times faster than allowed", &about)
        .from(limits.burn_slow, Colour::Orange)
        .from(limits.burn_fast, Colour::Red)
        .without(NO_RULES);
    windows
        .into_iter()
        .fold(panel, |panel, (name, window)| panel.ask(burn(window, &["tier"]), &format!("{{{{tier}}}}, {name}")))
}

/// The rule's own series and limits, window by window.
pub(in crate::dashboards) fn burn_of_alert(limits: &Limits) -> Panel {
    let about = "The part of bad starts in each window over which TierStartBudgetBurn looks, as a multiple of what is allowed. A pair fires where both of \
                 its windows are above its line: 1h with 5m, 6h with 30m, 1d with 2h, 3d with 6h.";
    let windows = [
        ("5m", 5 * MINUTE),
        ("30m", 30 * MINUTE),
        ("1h", HOUR),
        ("2h", 2 * HOUR),
        ("6h", 6 * HOUR),
        ("1d", 24 * HOUR),
        ("3d", 72 * HOUR),
    ];
    let steps = [
        (limits.burn_days, Colour::Green),
        (limits.burn_day, Colour::Orange),
        (limits.burn_slow, Colour::Orange),
        (limits.burn_fast, Colour::Red),
    ];
    let panel = Panel::lines("TierStartBudgetBurn: times faster than allowed", about).without(NO_RULES).size(16, 9);
    let panel = windows.into_iter().fold(panel, |panel, (name, window)| {
        panel.ask(
            format!(
                "max(max by (tier) ({}) / on (tier) (1 - {}))",
                recorded(&rules::bad_part(window), ""),
                highest(metrics::TIER_OBJECTIVE, &["tier"], "")
            ),
            name,
        )
    });
    steps.into_iter().fold(panel, |panel, (value, colour)| panel.from(value, colour))
}

/// Whether enough jobs started for the part to say something.
pub(in crate::dashboards) fn starts_of_alert(limits: &Limits) -> Panel {
    let about = "Starts that were judged in each long window. TierStartBudgetBurn is silent below the tier's min_jobs (dashed), and below three bad starts.";
    let windows = [("1h", HOUR), ("6h", 6 * HOUR), ("1d", 24 * HOUR), ("3d", 72 * HOUR)];
    let panel = Panel::lines("Starts that were judged", about)
        .below(Colour::Blue)
        .from(limits.min_jobs, Colour::Green)
        .without(NO_RULES)
        .size(8, 9);
    windows.into_iter().fold(panel, |panel, (name, window)| {
        panel.ask(format!("sum(max by (tier) ({}))", recorded(&rules::starts(window), "")), name)
    })
}

pub(in crate::dashboards) fn phases() -> Panel {
    let about = "Where the time of a start goes, on average: queue (no runner took it), dispatch (the runner made a pod), schedule (a node), sandbox \
                 (network, volumes), containers (images, the build container). The thickest band is where to look first.";
    Panel::stacked("Where the time of a start goes", about)
        .ask(mean(metrics::JOB_START_PHASE, &["phase"]), "{{phase}}")
        .unit(Unit::Seconds)
        .without("no job started in this time")
}

pub(in crate::dashboards) fn start_quantiles() -> Panel {
    let about = "From queued to build container running, and what is promised (dashed). The gap between the two lines of a tier is how unequal its jobs are.";
    Panel::lines("Time to start, median and 95th percentile", about)
        .ask(quantile(0.5, metrics::JOB_START, &["tier"], RATE), "{{tier}}, median")
        .ask(quantile(0.95, metrics::JOB_START, &["tier"], RATE), "{{tier}}, 95 %")
        .beside(highest(metrics::TIER_START_WITHIN, &["tier"], ""), "{{tier}}, promised")
        .unit(Unit::Seconds)
        .without("no job started in this time")
}

pub(in crate::dashboards) fn start_heat() -> Panel {
    let about =
        "From queued to build container running: darker is more jobs. What lies above the promised time is late.";
    Panel::heat("Time to start, all jobs", about).ask(buckets(metrics::JOB_START), "{{le}}")
}

pub(in crate::dashboards) fn running() -> Panel {
    let about = "Jobs that GitLab calls running: starting until the build container runs, executing from then on. Many that stay in starting are pods \
                 without a node or without an image.";
    Panel::stacked("Running jobs", about).ask(level(metrics::JOBS_RUNNING, &["state"], ""), "{{state}}")
}

pub(in crate::dashboards) fn failures() -> Panel {
    let about = "Jobs that failed, a minute, by whose fault it was. platform: runner, cluster or registry. Alert: TierPlatformFailures.";
    Panel::stacked("Failed jobs, by whose fault", about)
        .ask(a_minute(metrics::JOBS_FAILED, &["blame"], ""), "{{blame}}")
        .unit(Unit::PerMinute)
        .without("no job has failed yet")
}

pub(in crate::dashboards) fn failure_reasons() -> Panel {
    let about = "Jobs that failed and not by their users' fault, a minute, by GitLab's failure reason.";
    Panel::stacked("Failures that are not the user's, by GitLab's reason", about)
        .ask(
            a_minute(metrics::JOBS_FAILED, &["reason", "blame"], r#"blame!="user""#) + " > 0",
            "{{reason}} ({{blame}})",
        )
        .ask(a_minute(metrics::JOBS_FAILED, &[], r#"blame!="user""#), "all")
        .unit(Unit::PerMinute)
        .without("no job has failed yet")
}
