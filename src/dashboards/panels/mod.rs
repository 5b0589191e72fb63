//! Every panel, by what it is about. The same panel on two dashboards is the same function.

pub(super) mod boundaries;
pub(super) mod daemon;
pub(super) mod images;
pub(super) mod queue;
pub(super) mod runners;
pub(super) mod scheduling;
pub(super) mod sight;
pub(super) mod starts;
pub(super) mod state;
