//! Where pods find a node, and what there is room for.

use crate::dashboards::colour::Colour;
use crate::dashboards::limits::Limits;
use crate::dashboards::panel::Panel;
use crate::dashboards::query::{a_minute, highest, level};
use crate::dashboards::unit::Unit;
use crate::metrics::catalogue as metrics;

/// What is said of a family of counters before anything happened.
const QUIET: &str = "nothing of the kind was seen";

pub(in crate::dashboards) fn pods() -> Panel {
    let about = "Job pods in the tiers' namespaces by phase. Many Pending for long: look at what keeps them from a node or an image.";
    Panel::stacked("Job pods", about).ask(level(metrics::JOB_PODS, &["phase"], ""), "{{phase}}")
}

pub(in crate::dashboards) fn unschedulable() -> Panel {
    let about = "Job pods that the scheduler cannot place now, by dominant cause. Some are normal while nodes scale up; TierUnschedulable tells of those that \
                 have waited too long.";
    Panel::lines("Pods without a node", about)
        .ask(level(metrics::JOB_PODS_UNSCHEDULABLE, &["cause"], "") + " > 0", "{{cause}}")
        .ask(level(metrics::JOB_PODS_UNSCHEDULABLE, &[], ""), "all")
}

pub(in crate::dashboards) fn scheduling_failures() -> Panel {
    let about = "Job pods that became unschedulable, a minute, once per pod, by the first dominant cause. Small numbers are normal while nodes scale up.";
    Panel::stacked("Pods that became unschedulable", about)
        .ask(a_minute(metrics::SCHEDULING_FAILURES, &["cause"], "") + " > 0", "{{cause}}")
        .ask(a_minute(metrics::SCHEDULING_FAILURES, &[], ""), "all")
        .unit(Unit::PerMinute)
        .without(QUIET)
}

pub(in crate::dashboards) fn scale_up() -> Panel {
    let about = "Job pods without a node for which the autoscaler makes none, by its latest verdict. Alert: TierScaleUpBlocked.";
    Panel::lines("Pods for which no node is made", about)
        .ask(level(metrics::JOB_PODS_SCALE_UP_BLOCKED, &["cause"], "") + " > 0", "{{cause}}")
        .ask(level(metrics::JOB_PODS_SCALE_UP_BLOCKED, &[], ""), "all")
}

pub(in crate::dashboards) fn nodes() -> Panel {
    let about = "Nodes of the tiers' label by state; unschedulable is ready but cordoned. Fewer ready nodes than before is less room.";
    Panel::stacked("Nodes", about).ask(level(metrics::NODES, &["state"], ""), "{{state}}")
}

pub(in crate::dashboards) fn cpu() -> Panel {
    let about = "CPU cores that job pods ask for, and what the ready nodes of the tiers can give (dashed). Pods of other namespaces take room that is not \
                 seen here.";
    Panel::lines("CPU cores asked for, and there", about)
        .ask(level(metrics::JOB_PODS_REQUESTED_CPU, &["tier"], ""), "{{tier}}")
        .beside(level(metrics::NODE_ALLOCATABLE_CPU, &["tier"], ""), "{{tier}}, allocatable")
}

pub(in crate::dashboards) fn memory() -> Panel {
    let about = "Memory that job pods ask for, and what the ready nodes of the tiers can give (dashed).";
    Panel::lines("Memory asked for, and there", about)
        .ask(level(metrics::JOB_PODS_REQUESTED_MEMORY, &["tier"], ""), "{{tier}}")
        .beside(level(metrics::NODE_ALLOCATABLE_MEMORY, &["tier"], ""), "{{tier}}, allocatable")
        .unit(Unit::Bytes)
}

pub(in crate::dashboards) fn quotas(limits: &Limits) -> Panel {
    let about = "Used part of the fullest resource quota of each tier. At 100 % the API server refuses pods. Alert: TierAtCapacity, while jobs wait.";
    Panel::lines("Fullest quota", about)
        .ask(highest(metrics::QUOTA_USED, &["tier", "resource"], ""), "{{tier}}: {{resource}}")
        .unit(Unit::Part)
        .from(limits.at_capacity, Colour::Orange)
        .without("no quota, or quotas cannot be seen")
}

pub(in crate::dashboards) fn capacity(limits: &Limits) -> Panel {
    let about = "Used part of each tier's declared capacity (jobs at once). Alert: TierAtCapacity, while jobs wait. Absent for a tier that declares none.";
    let share = format!(
        "{} / on (tier) {}",
        level(metrics::JOBS_RUNNING, &["tier"], ""),
        highest(metrics::TIER_CAPACITY, &["tier"], "")
    );
    Panel::lines("Declared capacity in use", about)
        .ask(share, "{{tier}}")
        .unit(Unit::Part)
        .from(limits.at_capacity, Colour::Orange)
        .without("no tier declares a capacity")
}

pub(in crate::dashboards) fn room() -> Panel {
    let about = "How many more job pods like those of these minutes fit now: on the tier's nodes, within its quotas and its capacity. 0 while jobs wait \
                 means that they wait for another job's end.";
    Panel::lines("Room for more jobs", about)
        .ask(level(metrics::TIER_ROOM, &["tier"], ""), "{{tier}}")
        .without("no job pod tells what is typical")
}

pub(in crate::dashboards) fn admission() -> Panel {
    let about = "Pods that the API server refused to make, a minute, by cause: quotas, limit ranges, pod security, webhooks. Jobs' own only with \
                 gitlab.job_logs.enabled.";
    Panel::stacked("Pods that the cluster refused", about)
        .ask(a_minute(metrics::ADMISSION_FAILURES, &["cause"], "") + " > 0", "{{cause}}")
        .ask(a_minute(metrics::ADMISSION_FAILURES, &[], ""), "all")
        .unit(Unit::PerMinute)
        .without(QUIET)
}

pub(in crate::dashboards) fn pod_failures() -> Panel {
    let about = "Job pods with a node that were held up there (network, volumes) or taken away (eviction, preemption, spot), a minute, by cause.";
    Panel::stacked("Pods held up or taken away on their node", about)
        .ask(a_minute(metrics::POD_FAILURES, &["cause"], "") + " > 0", "{{cause}}")
        .ask(a_minute(metrics::POD_FAILURES, &[], ""), "all")
        .unit(Unit::PerMinute)
        .without(QUIET)
}
