//! Whether the trust boundaries are where they were declared to be.

use crate::dashboards::colour::{Colour, MOVED};
use crate::dashboards::link::Link;
use crate::dashboards::panel::{Column, Panel};
use crate::dashboards::query::{highest, of};
use crate::dashboards::unit::Unit;
use crate::metrics::catalogue as metrics;

const UNJUDGED: &str = "no check can be made, or no tier declares posture.expected";

pub(in crate::dashboards) fn moved_now() -> Panel {
    let about = "Checks of the chosen tiers that find something else than was declared. Alert: TierBoundaryMoved.";
    Panel::stat("Boundaries moved", about)
        .ask(format!("sum({})", highest(metrics::POSTURE_VIOLATIONS, &["tier", "check"], "")), "checks")
        .from(1.0, Colour::Red)
        .without(UNJUDGED)
}

pub(in crate::dashboards) fn made_now() -> Panel {
    let about = "Checks that are declared and can be made. Fewer than yesterday: a right or a source is missing, and nobody would be told of what moves there.";
    Panel::stat("Checks made", about)
        .ask(format!("count({})", highest(metrics::POSTURE_VIOLATIONS, &["tier", "check"], "")), "checks")
        .without(UNJUDGED)
}

pub(in crate::dashboards) fn moved() -> Panel {
    let about = "What differs from the tier's posture.expected, now. A click on the check opens what is really there, object by object. Alert: \
                 TierBoundaryMoved; privileged, default_deny and protected are critical where the tier pages somebody.";
    Panel::table("What is not as declared", about)
        .ask(format!("{} == 1", highest(metrics::POSTURE_VIOLATIONS, &["tier", "check"], "")), "{{tier}}: {{check}}")
        .column(Column::label("tier", "Tier").link(Link::TierOfRow))
        .column(Column::label("check", "Check").link(Link::Boundary))
        .column(Column::value(0, "Found", Unit::Number).says(MOVED))
        .sorted("Tier", false)
        .without("everything that can be checked is as declared")
}

pub(in crate::dashboards) fn history() -> Panel {
    let about = "Each check that differs or differed from what was declared, tier by tier: when it moved, and when it was put back.";
    Panel::states("When boundaries moved", about)
        .ask(format!("max by (tier, check) ({}) == 1", of(metrics::POSTURE_VIOLATIONS, "")), "{{tier}}: {{check}}")
        .from(1.0, Colour::Red)
        .says(MOVED)
        .without("nothing moved in this time")
}

pub(in crate::dashboards) fn count() -> Panel {
    let about = "Checks that find something else than was declared, tier by tier. No line: nothing is declared, or it cannot be seen.";
    Panel::lines("Boundaries moved, tier by tier", about)
        .ask(format!("sum by (tier) ({})", highest(metrics::POSTURE_VIOLATIONS, &["tier", "check"], "")), "{{tier}}")
        .from(1.0, Colour::Red)
        .without(UNJUDGED)
}
