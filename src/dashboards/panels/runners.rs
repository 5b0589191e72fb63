//! Runners, their managers and their tokens.

use crate::dashboards::colour::Colour;
use crate::dashboards::limits::Limits;
use crate::dashboards::link::Link;
use crate::dashboards::panel::{Column, Panel};
use crate::dashboards::query::{highest, level};
use crate::dashboards::unit::Unit;
use crate::metrics::catalogue as metrics;

pub(in crate::dashboards) fn managers_now() -> Panel {
    let about = "Runner manager pods of the chosen tiers that are ready now. 0: no job of the tier is started. Alerts: TierDown, TierRunnersOffline.";
    Panel::stat("Managers ready", about)
        .ask(level(metrics::RUNNER_MANAGER_PODS, &[], r#"ready="true""#), "pods")
        .below(Colour::Red)
        .from(1.0, Colour::Green)
}

pub(in crate::dashboards) fn managers() -> Panel {
    let about = "Runner manager pods by readiness: what pods tell comes hours before GitLab's word. Alerts: TierDown where none is ready, TierRunnersOffline \
                 where some are not.";
    Panel::lines("Runner manager pods", about)
        .ask(level(metrics::RUNNER_MANAGER_PODS, &["tier"], r#"ready="true""#), "{{tier}}, ready")
        .ask(level(metrics::RUNNER_MANAGER_PODS, &["tier"], r#"ready="false""#) + " > 0", "{{tier}}, not ready")
}

pub(in crate::dashboards) fn by_status() -> Panel {
    let about = "Runners by GitLab's word, which stays online for two hours after the last contact: an outage shows in the manager pods first.";
    Panel::stacked("Runners, by GitLab's word", about)
        .ask(level(metrics::RUNNERS, &["status"], "") + " > 0", "{{status}}")
}

pub(in crate::dashboards) fn paused() -> Panel {
    let about = "Runners that somebody paused in GitLab, whatever their status. A tier whose runners are all paused starts nothing.";
    Panel::lines("Paused runners", about)
        .ask(level(metrics::RUNNERS_PAUSED, &["tier"], ""), "{{tier}}")
        .from(1.0, Colour::Orange)
}

pub(in crate::dashboards) fn token_age(limits: &Limits) -> Panel {
    let about = "Age of each tier's oldest runner token by the best source. Whoever copied an old one can still take the tier's jobs. Alert: \
                 RunnerTokenTooOld.";
    Panel::lines("Oldest runner token", about)
        .ask(highest(metrics::RUNNER_TOKEN_AGE, &["tier"], ""), "{{tier}}")
        .unit(Unit::Seconds)
        .from(limits.token_age, Colour::Orange)
        .without("no source tells when a token was obtained")
}

pub(in crate::dashboards) fn token_left(limits: &Limits) -> Panel {
    let about = "Time until the first runner token of each tier ends; from then on its runner takes no job. Alert: RunnerTokenExpiring.";
    Panel::lines("Until the first runner token ends", about)
        .ask(format!("min by (tier) ({} - time())", super::runners::expiry()), "{{tier}}")
        .unit(Unit::Seconds)
        .below(Colour::Red)
        .from(limits.token_critical, Colour::Orange)
        .from(limits.token_warning, Colour::Green)
        .without("no token ends, or GitLab does not tell")
}

pub(super) fn expiry() -> String {
    highest(metrics::RUNNER_TOKEN_EXPIRY, &["tier", "runner_id"], "")
}

/// A row for each runner, with its page in GitLab.
pub(in crate::dashboards) fn each() -> Panel {
    let about = "Each runner with its token: when it was obtained by the best source, and when it ends. A click on the number opens the runner in GitLab. At \
                 most a hundred of a tier are listed.";
    Panel::table("Runners and their tokens", about)
        .ask(highest(metrics::RUNNER_INFO, &["tier", "runner_id", "short_sha"], ""), "{{tier}} {{runner_id}}")
        .ask(
            format!("1000 * {}", highest(metrics::RUNNER_TOKEN_OBTAINED, &["tier", "runner_id"], "")),
            "{{tier}} {{runner_id}}",
        )
        .ask(format!("1000 * {}", expiry()), "{{tier}} {{runner_id}}")
        .column(Column::label("tier", "Tier").link(Link::TierOfRow))
        .column(Column::label("runner_id", "Runner").link(Link::Runner))
        .column(Column::label("short_sha", "Token begins"))
        .column(Column::value(1, "Obtained", Unit::Moment))
        .column(Column::value(2, "Ends", Unit::Moment))
        .sorted("Tier", false)
        .without("no runner of these tiers is known")
}
