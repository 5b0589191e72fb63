//! What tierwatch can see, and how fresh it is: the last row of every dashboard.

use crate::dashboards::colour::{Colour, READ};
use crate::dashboards::limits::Limits;
use crate::dashboards::panel::Panel;
use crate::dashboards::query::{DAEMON, RATE, highest, lowest, of};
use crate::dashboards::unit::Unit;
use crate::metrics::catalogue as metrics;
use crate::observation::SourceKind;

pub(super) fn coverage() -> String {
    format!("min({})", of(metrics::QUEUE_COVERAGE, ""))
}

/// Age of what each source said last.
pub(in crate::dashboards) fn freshness(limits: &Limits) -> Panel {
    let about = "How long ago each source last answered, for the tier that is furthest behind. Old data is not judged: conditions that rest on it are \
                 absent, and their alerts are mute. Sources that are asked on demand, or told, are left out: their silence says nothing. Alert: \
                 TierwatchSourceDown.";
    let silent: Vec<&str> =
        SourceKind::ALL.into_iter().filter(|kind| kind.may_be_silent()).map(SourceKind::as_str).collect();
    let others = format!("source!~\"{}\"", silent.join("|"));
    Panel::stat("Age of what is known, by source", about)
        .ask(format!("time() - {}", lowest(metrics::SOURCE_LAST_SUCCESS, &["source"], &others)), "{{source}}")
        .unit(Unit::Seconds)
        .from(limits.data_old, Colour::Orange)
        .from(limits.data_useless, Colour::Purple)
        .without("no source has answered yet")
        .size(24, 4)
}

/// The sources of tiers over time.
pub(in crate::dashboards) fn sources() -> Panel {
    let about = "Which source could be read when, for the worst tier. Blind: it fails or what it said is too old, so what rests on it is not judged. Alert: \
                 TierwatchSourceDown.";
    Panel::states("What could be seen", about)
        .ask(lowest(metrics::SOURCE_UP, &["source"], ""), "{{source}}")
        .below(Colour::Purple)
        .from(1.0, Colour::Green)
        .says(READ)
        .size(24, 9)
}

pub(in crate::dashboards) fn blind_now() -> Panel {
    let about = "Sources that cannot be read for at least one of the chosen tiers. What rests on them is not judged. Alert: TierwatchSourceDown.";
    Panel::stat("Blind sources", about)
        .ask(format!("sum(1 - {})", lowest(metrics::SOURCE_UP, &["source"], "")), "sources")
        .from(1.0, Colour::Purple)
}

/// The tiers of each blind source, as the rule of TierwatchSourceDown has it.
pub(in crate::dashboards) fn blind_tiers() -> Panel {
    let about =
        "Each source of each tier that could not be read, from when to when: the expression of TierwatchSourceDown.";
    Panel::states("Blind, tier by tier", about)
        .ask(format!("{} == 0", highest(metrics::SOURCE_UP, &["tier", "source"], "")), "{{tier}}: {{source}}")
        .below(Colour::Purple)
        .from(1.0, Colour::Green)
        .says(READ)
        .without("no source was blind")
        .size(12, 8)
}

pub(in crate::dashboards) fn failures() -> Panel {
    let about = "Failed attempts of sources, a minute, by class of the error. Some are normal: a source is blind only when its data gets too old.";
    // A source that tiers share is repeated for each: the highest is all there is.
    let each = format!("60 * max by (source, class) (rate({}[{RATE}]))", of(metrics::SOURCE_FAILURES, ""));
    Panel::stacked("Failed attempts", about)
        .ask(format!("{each} > 0"), "{{source}}: {{class}}")
        .ask(format!("sum({each})"), "all")
        .unit(Unit::PerMinute)
}

pub(in crate::dashboards) fn attempts() -> Panel {
    let about = "Attempts of sources, a minute. A line that falls to zero is a source that no longer even tries.";
    Panel::lines("Attempts", about)
        .ask(format!("60 * max by (source) (rate({}[{RATE}]))", of(metrics::SOURCE_ATTEMPTS, "")), "{{source}}")
        .unit(Unit::PerMinute)
}

/// Whether Prometheus gets an answer at all.
pub(in crate::dashboards) fn scraped() -> Panel {
    let about = "Whether Prometheus gets an answer from tierwatch. While it does not, no other alert of a tier can fire. Alert: TierwatchDown.";
    Panel::states("Answers to Prometheus", about)
        .ask(format!("max(up{{{DAEMON}}})"), "tierwatch")
        .below(Colour::Purple)
        .from(1.0, Colour::Green)
        .says(&[(0, "no answer", Colour::Purple), (1, "answers", Colour::Green)])
        .without("no scrape job of this name")
        .size(12, 4)
}
