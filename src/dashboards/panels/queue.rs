//! What waits in GitLab.

use crate::dashboards::colour::Colour;
use crate::dashboards::limits::Limits;
use crate::dashboards::panel::Panel;
use crate::dashboards::query::{RATE, a_minute, buckets, highest, level, quantile};
use crate::dashboards::unit::Unit;
use crate::metrics::catalogue as metrics;

pub(in crate::dashboards) fn waiting_now() -> Panel {
    Panel::stat(
        "Waiting",
        "Jobs of the chosen tiers that wait in GitLab now. Many are no trouble while none waits long.",
    )
    .ask(level(metrics::QUEUE_PENDING_JOBS, &[], ""), "jobs")
}

pub(in crate::dashboards) fn oldest_now() -> Panel {
    let about = "The job that has waited longest in the chosen tiers. Compare with what is promised; TierJobsOverdue and TierQueueStalled rest on it.";
    Panel::stat("Longest wait", about)
        .ask(highest(metrics::QUEUE_OLDEST_PENDING_AGE, &[], ""), "wait")
        .unit(Unit::Seconds)
}

pub(in crate::dashboards) fn overdue_now() -> Panel {
    Panel::stat("Overdue", "Jobs that wait for longer than promised (start_within) now. Each spends start budget.")
        .ask(level(metrics::QUEUE_OVERDUE_JOBS, &[], ""), "jobs")
        .from(1.0, Colour::Red)
}

pub(in crate::dashboards) fn waiting() -> Panel {
    let about = "Jobs that wait in GitLab and that the tier's runners may take. A line that grows and never falls is a tier that starts too little; \
                 no line means that the queue cannot be seen.";
    Panel::lines("Jobs that wait", about).ask(level(metrics::QUEUE_PENDING_JOBS, &["tier"], ""), "{{tier}}")
}

pub(in crate::dashboards) fn oldest() -> Panel {
    let about = "The wait of each tier's oldest job, and what is promised (dashed). Above the dashed line the tier breaks its promise now: \
                 TierJobsOverdue and TierQueueStalled fire at a multiple of it.";
    Panel::lines("Longest wait, and what is promised", about)
        .ask(highest(metrics::QUEUE_OLDEST_PENDING_AGE, &["tier"], ""), "{{tier}}")
        .beside(highest(metrics::TIER_START_WITHIN, &["tier"], ""), "{{tier}}, promised")
        .unit(Unit::Seconds)
}

pub(in crate::dashboards) fn overdue() -> Panel {
    let about =
        "Jobs that wait for longer than promised. They count as late in the start budget whatever becomes of them.";
    Panel::lines("Overdue jobs", about).ask(level(metrics::QUEUE_OVERDUE_JOBS, &["tier"], ""), "{{tier}}")
}

pub(in crate::dashboards) fn unserved() -> Panel {
    let about = "Jobs that no runner may take, at the nearest tier, by what is missing. GitLab fails them after an hour or a day. Alert: JobsUnserved.";
    Panel::lines("Jobs that nobody may take", about)
        .ask(level(metrics::QUEUE_UNSERVED_JOBS, &["reason"], ""), "{{reason}}")
        .from(1.0, Colour::Orange)
}

pub(in crate::dashboards) fn unproven() -> Panel {
    let about = "Jobs that may be of another tier: uncertain ones cannot be proven to be the tier's and never page; shared ones fit several tiers and \
                 are counted as waiting in each. Out of scope: in GitLab's queue, and of no configured tier.";
    Panel::lines("Uncertain, shared and foreign jobs", about)
        .ask(level(metrics::QUEUE_UNCERTAIN_JOBS, &[], ""), "uncertain")
        .ask(level(metrics::QUEUE_SHARED_JOBS, &[], ""), "shared")
        .ask(level(metrics::QUEUE_OUT_OF_SCOPE_JOBS, &[], ""), "out of scope")
}

pub(in crate::dashboards) fn top_project(limits: &Limits) -> Panel {
    let about = "Part of each tier's queue that belongs to its largest project: high where one project's jobs make the others wait. Absent while \
                 nothing waits. Alert: TierFlooded, where enough jobs wait.";
    Panel::lines("Largest project's part of the queue", about)
        .ask(highest(metrics::QUEUE_TOP_PROJECT_SHARE, &["tier"], ""), "{{tier}}")
        .unit(Unit::Part)
        .from(limits.flooded, Colour::Orange)
        .at_most(1.0)
        .without("nothing waits, or it cannot be seen")
}

pub(in crate::dashboards) fn dropped() -> Panel {
    let about = "Jobs on which GitLab gave up while they waited, a minute. Their pipelines failed without having run: always bad. Alert: TierJobsDropped.";
    Panel::lines("Jobs that GitLab dropped", about)
        .ask(a_minute(metrics::JOBS_DROPPED, &["tier", "reason"], "") + " > 0", "{{tier}}: {{reason}}")
        .ask(a_minute(metrics::JOBS_DROPPED, &[], ""), "all")
        .unit(Unit::PerMinute)
}

pub(in crate::dashboards) fn coverage(limits: &Limits) -> Panel {
    let about = "Part of the watched projects whose queue was seen lately; always 100 % where GitLab tells the whole queue at once. Alert: \
                 TierwatchQueueCoverageLow.";
    Panel::lines("Part of the queue in sight", about)
        .ask(super::sight::coverage(), "seen")
        .unit(Unit::Part)
        .below(Colour::Orange)
        .from(limits.coverage, Colour::Green)
        .at_most(1.0)
}

pub(in crate::dashboards) fn wait_heat() -> Panel {
    let about = "How long jobs waited in GitLab's queue, as GitLab counts it: darker is more jobs. A second band high up is a part of the jobs that \
                 waits for something the others need not.";
    Panel::heat("Wait in GitLab's queue, all jobs", about).ask(buckets(metrics::QUEUE_WAIT), "{{le}}")
}

pub(in crate::dashboards) fn wait_quantile() -> Panel {
    let about = "19 of 20 jobs waited at most so long in GitLab's queue. It rises only when jobs start at last: a queue that stands still shows in the \
                 longest wait.";
    Panel::lines("Wait in GitLab's queue, 95th percentile", about)
        .ask(quantile(0.95, metrics::QUEUE_WAIT, &["tier"], RATE), "{{tier}}")
        .unit(Unit::Seconds)
        .without("no job started in this time")
}
