//! The conditions: named judgements on a tier, or on tierwatch itself, each with its reason in words. One file each.
//!
//! A condition is a function of the assessment, the policy and whether it held before. It knows no alert: how long it
//! must hold before somebody is told, and how urgent that is, stands in [`Alert`]. On data that is too old it is
//! withheld, which is neither true nor false.

mod alert;
mod at_capacity;
mod boundary_moved;
mod down;
mod flooded;
mod image_pull_failing;
mod jobs_dropped;
mod jobs_overdue;
mod jobs_unserved;
mod judge;
mod ledger;
mod line;
mod no_traffic;
mod own;
mod platform_failures;
mod queue_stalled;
mod runner_tokens;
mod runners_offline;
mod scale_up_blocked;
mod source_down;
mod unobserved;
mod unschedulable;
mod words;

pub use alert::{ALERTS, Alert, DependsOn, GRAVE_CHECKS, Kind, SIGHT, Severity, SeverityRule};
pub use judge::{of_tier, of_tierwatch};
pub use ledger::{AlertSet, FiringAlert, Ledger};
pub use line::{Condition, ConditionLine};
pub(crate) use own::{COVERAGE, CRITICAL_BEFORE, WARN_BEFORE};
