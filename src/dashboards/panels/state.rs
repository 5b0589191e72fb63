//! Whether a tier hurts, since when, and which alerts say so.

use crate::condition::{ALERTS, Condition, Kind, SIGHT};
use crate::dashboards::colour::{Colour, HOLDS, Mapping};
use crate::dashboards::link::Link;
use crate::dashboards::panel::{Column, Panel};
use crate::dashboards::query::{highest, lowest, of, recorded};
use crate::dashboards::unit::Unit;
use crate::metrics::catalogue as metrics;

/// The worst of what is said of a tier.
pub(in crate::dashboards) const STATE: Mapping = &[
    (-1, "unknown", Colour::Purple),
    (0, "well", Colour::Green),
    (1, "strained", Colour::Orange),
    (2, "blind", Colour::Purple),
    (3, "hurts", Colour::Red),
];

const STATE_ABOUT: &str = "hurts: users feel it (a symptom holds, or the start budget burns). blind: a source without which \
    symptoms cannot be seen does not answer. strained: a cause holds that users do not feel yet, or a boundary has moved. unknown: \
    tierwatch says nothing of the tier.";

/// What is said of each chosen tier, as a number of [`STATE`].
pub(in crate::dashboards) fn state() -> String {
    let kind = |wanted: Kind| {
        let names = ALERTS
            .iter()
            .filter(|row| row.kind == wanted && row.condition.subject_label().is_none() && !row.condition.is_own());
        condition_matcher(&names.map(|row| row.condition).collect::<Vec<_>>())
    };
    let conditions = |kind: &str| highest(metrics::TIER_CONDITION, &["tier"], kind);
    let burn = recorded("ALERTS", r#"alertname="TierStartBudgetBurn",alertstate="firing""#);
    let sight = format!("source=~\"{}\"", SIGHT.join("|"));
    // The highest of all that can be said; what is withheld is absent and says nothing.
    let said = [
        format!("label_replace(3 * {}, \"said\", \"symptom\", \"\", \"\")", conditions(&kind(Kind::Symptom))),
        format!("label_replace(3 * max by (tier) ({burn}), \"said\", \"burn\", \"\", \"\")"),
        format!(
            "label_replace(2 * (1 - {}), \"said\", \"sight\", \"\", \"\")",
            lowest(metrics::SOURCE_UP, &["tier"], &sight)
        ),
        format!("label_replace({}, \"said\", \"cause\", \"\", \"\")", conditions(&kind(Kind::Cause))),
        format!(
            "label_replace({}, \"said\", \"boundary\", \"\", \"\")",
            highest(metrics::POSTURE_VIOLATIONS, &["tier"], "")
        ),
        format!(
            "label_replace(-1 * {}, \"said\", \"nothing\", \"\", \"\")",
            highest(metrics::TIER_INFO, &["tier"], "")
        ),
    ];
    format!("max by (tier) (\n  {}\n)", said.join("\n  or\n  "))
}

/// These conditions, as a matcher.
pub(in crate::dashboards) fn condition_matcher(conditions: &[Condition]) -> String {
    let names: Vec<&str> = conditions.iter().map(|condition| condition.as_str()).collect();
    match names[..] {
        [one] => format!("condition=\"{one}\""),
        _ => format!("condition=~\"{}\"", names.join("|")),
    }
}

/// A tile for each tier.
pub(in crate::dashboards) fn tiers() -> Panel {
    Panel::stat("Does any tier hurt?", &format!("The state of each tier now. {STATE_ABOUT} A click leads to the tier."))
        .ask(state(), "{{tier}}")
        .from(1.0, Colour::Orange)
        .from(2.0, Colour::Purple)
        .from(3.0, Colour::Red)
        .says(STATE)
        .without("tierwatch says nothing: is it scraped?")
        .link(Link::TierOfSeries)
}

/// The worst state of the chosen tiers, for the row that every incident begins with.
pub(in crate::dashboards) fn worst() -> Panel {
    let about = format!("The worst state of the chosen tiers now. {STATE_ABOUT}");
    Panel::stat("State", &about)
        .ask(format!("max({})", state()), "state")
        .from(1.0, Colour::Orange)
        .from(2.0, Colour::Purple)
        .from(3.0, Colour::Red)
        .says(STATE)
}

/// The state of each tier over time.
pub(in crate::dashboards) fn history() -> Panel {
    let about = format!("The state of each tier over time: where a colour begins it began. {STATE_ABOUT}");
    Panel::states("Since when", &about)
        .ask(state(), "{{tier}}")
        .from(1.0, Colour::Orange)
        .from(2.0, Colour::Purple)
        .from(3.0, Colour::Red)
        .says(STATE)
}

/// Alerts of tiers and of tierwatch that fire.
pub(in crate::dashboards) fn firing() -> Panel {
    let ours = r#"alertname=~"Tier.*|JobsUnserved|RunnerToken.*""#;
    let by = "tier, alertname, severity, check, source";
    // The series holds since when the expression is true, the patience of the rule included.
    let since = format!(
        "1000 * min by ({by}) (\n  {}\n  and ignoring (alertstate)\n  {}\n)",
        recorded("ALERTS_FOR_STATE", ours),
        recorded("ALERTS", &format!("{ours},alertstate=\"firing\"")),
    );
    let about = "What fires now by Prometheus' rules, and since when it is so. Where tierwatch tells Alertmanager itself there are no rules: \
                 see the conditions below. A click on an alert opens its runbook, on a tier its dashboard.";
    Panel::table("Firing alerts", about)
        .ask(since, "{{alertname}} {{tier}}")
        .column(Column::label("severity", "Severity").wide(90))
        .column(Column::label("alertname", "Alert").link(Link::Runbook))
        .column(Column::label("tier", "Tier").link(Link::TierOfRow))
        .column(Column::label("check", "Check"))
        .column(Column::label("source", "Source"))
        .column(Column::value(0, "Since", Unit::Moment))
        .sorted("Severity", false)
        .without("nothing fires")
}

/// Conditions of tiers that hold or held.
pub(in crate::dashboards) fn held() -> Panel {
    let about = "Each judgement that holds or held in this time, before any patience of a rule; its reason in words is on the status page. A gap \
                 is where it did not hold or could not be seen: the last row tells which.";
    Panel::states("What holds, and since when", about)
        .ask(
            format!("{} == 1", highest(metrics::TIER_CONDITION, &["tier", "condition"], "")),
            "{{tier}}: {{condition}}",
        )
        .from(1.0, Colour::Red)
        .says(HOLDS)
        .without("no condition held, or none could be seen")
}

/// Some conditions of the chosen tiers, as the rules of these alerts look at them: one tier by tier, several of the worst tier.
pub(in crate::dashboards) fn conditions(conditions: &[Condition], about: &str) -> Panel {
    let (by, legend) = if conditions.len() == 1 { ("tier", "{{tier}}") } else { ("condition", "{{condition}}") };
    Panel::states("The alerts' conditions", about)
        .ask(highest(metrics::TIER_CONDITION, &[by], &condition_matcher(conditions)), legend)
        .from(1.0, Colour::Red)
        .says(HOLDS)
        .size(24, 5)
}

/// The conditions of tierwatch itself.
pub(in crate::dashboards) fn own_conditions(conditions: &[Condition], about: &str) -> Panel {
    Panel::states("The alerts' conditions", about)
        .ask(highest(metrics::OWN_CONDITION, &["condition"], &condition_matcher(conditions)), "{{condition}}")
        .from(1.0, Colour::Red)
        .says(HOLDS)
        .size(24, 6)
}

/// Configured tiers and who must react.
pub(in crate::dashboards) fn declared() -> Panel {
    let about =
        "What is promised to the users of each tier, and who reacts when it is not kept: from the configuration.";
    Panel::table("What is promised", about)
        .ask(format!("max by (tier, urgency) ({})", of(metrics::TIER_INFO, "")), "{{tier}}")
        .ask(highest(metrics::TIER_START_WITHIN, &["tier"], ""), "{{tier}}")
        .ask(highest(metrics::TIER_OBJECTIVE, &["tier"], ""), "{{tier}}")
        .column(Column::label("tier", "Tier").link(Link::TierOfRow))
        .column(Column::label("urgency", "Urgency"))
        .column(Column::value(1, "Start within", Unit::Seconds))
        .column(Column::value(2, "Of all jobs", Unit::Part))
        .sorted("Tier", false)
}
