//! A view of each alert that can wake somebody: the common row, the alert's own expression, what it may be, what to do.

use super::{daemon as itself, tier};
use crate::condition::{ALERTS, Condition};
use crate::dashboards::board::{Board, INCIDENT_TAG, Section};
use crate::dashboards::limits::Limits;
use crate::dashboards::panels::{boundaries, daemon, images, queue, runners, scheduling, sight, starts, state};
use crate::rules;

/// One alert and what is shown of it.
struct Incident {
    alert: &'static str,
    /// The panels of its expression, and what is looked at next.
    shown: Section,
    /// What a person does first.
    first: &'static str,
    /// It is about tierwatch, not about a tier.
    own: bool,
}

pub(super) fn boards(limits: &Limits) -> Vec<Board> {
    of_tiers(limits).into_iter().chain(others()).map(|incident| board(incident, limits)).collect()
}

fn board(incident: Incident, limits: &Limits) -> Board {
    let Incident { alert, shown, first, own } = incident;
    let row = ALERTS.iter().find(|row| row.name == alert);
    let meaning =
        row.map_or(BESIDE.iter().find(|(name, _)| *name == alert).map_or("", |(_, text)| text), |row| row.description);
    let words = format!(
        "**{alert}**: {meaning}\n\n**First**: {first} — [runbook](${{runbooks}}/{alert}) · [status page, with the reason in \
         words](${{tierwatch}}/) · one job: `tierwatch why JOB --server ${{tierwatch}}`"
    );
    let start = if own { itself::common_row(limits) } else { tier::common_row(limits) };
    let history = if own {
        Section::of("Which tiers does it concern?").with(state::history().size(12, 6)).with(state::firing().size(12, 6))
    } else {
        Section::of("Since when, and what else?").with(state::history().size(12, 6)).with(state::firing().size(12, 6))
    };
    Board {
        uid: rules::board(alert),
        title: format!("Incident: {alert}"),
        about: meaning.to_owned(),
        tag: INCIDENT_TAG,
        sections: vec![
            start.words(words, 3),
            shown,
            history,
            Section::of("How fresh is it?").with(sight::freshness(limits)),
            Section::folded("What could be seen").with(sight::sources()),
        ],
    }
}

/// Alerts that rest on no condition.
const BESIDE: [(&str, &str); 2] = [
    (
        "TierStartBudgetBurn",
        "So many of the tier's jobs start late, or are broken by the platform, that its start budget will not last. Developers wait, or see failures that are not theirs.",
    ),
    ("TierwatchDown", "Prometheus has had no answer from tierwatch for minutes. No other alert of a tier can fire."),
];

/// The expression of an alert, before any patience.
const EXPRESSION: &str = "The alert's own expression, before its patience: the rule fires where it holds for long enough. Absent: what it rests on cannot be seen.";

fn on(condition: Condition) -> Section {
    Section::of("The alert").with(state::conditions(&[condition], EXPRESSION))
}

fn of_tiers(limits: &Limits) -> [Incident; 7] {
    let tier = |alert, shown, first| Incident { alert, shown, first, own: false };
    [
        tier(
            "TierStartBudgetBurn",
            Section::of("The alert")
                .with(starts::burn_of_alert(limits))
                .with(starts::starts_of_alert(limits))
                .with(starts::outcomes())
                .with(starts::phases())
                .with(starts::start_quantiles())
                .with(scheduling::unschedulable())
                .with(images::failing())
                .with(runners::managers()),
            "look at the thickest band of \"Where the time of a start goes\": queue is runners, schedule is nodes, containers is images",
        ),
        tier(
            "TierJobsOverdue",
            on(Condition::JobsOverdue)
                .with(queue::oldest())
                .with(queue::overdue())
                .with(runners::managers())
                .with(starts::running())
                .with(scheduling::room())
                .with(queue::top_project(limits)),
            "see whether the managers are ready, and whether there is room; then ask why the oldest job waits",
        ),
        tier(
            "TierQueueStalled",
            on(Condition::QueueStalled)
                .with(queue::waiting())
                .with(queue::oldest())
                .with(starts::outcomes())
                .with(runners::managers())
                .with(runners::paused())
                .with(runners::by_status()),
            "see whether the managers are ready and no runner is paused: nothing at all starts",
        ),
        tier(
            "TierJobsDropped",
            on(Condition::JobsDropped)
                .with(queue::dropped())
                .with(queue::oldest())
                .with(queue::unserved())
                .with(runners::managers())
                .with(runners::paused())
                .with(runners::by_status()),
            "find the jobs in GitLab by their failure reason and retry them once the tier takes jobs again",
        ),
        tier(
            "TierPlatformFailures",
            on(Condition::PlatformFailures)
                .with(starts::failures())
                .with(starts::failure_reasons())
                .with(scheduling::pod_failures())
                .with(images::failures())
                .with(scheduling::admission())
                .with(scheduling::scheduling_failures()),
            "find the cause that rose with the failures: images, pods taken away, pods refused, or no node",
        ),
        tier(
            "TierDown",
            on(Condition::Down)
                .with(runners::managers())
                .with(runners::by_status())
                .with(runners::paused())
                .with(queue::waiting())
                .with(starts::running())
                .with(scheduling::admission()),
            "look at the manager pods: `kubectl get pods` and `describe` in the tier's manager namespace",
        ),
        tier(
            "RunnerTokenExpiring",
            Section::of("The alert")
                .with(
                    state::conditions(&[Condition::RunnerTokenExpiring, Condition::RunnerTokenEnding], EXPRESSION)
                        .size(24, 6),
                )
                .with(runners::token_left(limits).size(12, 8))
                .with(runners::by_status().size(12, 8))
                .with(runners::each().size(24, 9)),
            "rotate the token of the runner that ends first, and see here that its end moves",
        ),
    ]
}

fn others() -> [Incident; 4] {
    [
        Incident {
            alert: "TierBoundaryMoved",
            shown: Section::of("The alert")
                .with(boundaries::moved().size(12, 9))
                .with(boundaries::history().size(12, 9))
                .with(boundaries::moved_now().size(6, 7))
                .with(boundaries::made_now().size(6, 7))
                .with(boundaries::count().size(12, 7)),
            first: "open the check's row: the page shows the objects that differ, and since when",
            own: false,
        },
        Incident {
            alert: "TierwatchSourceDown",
            shown: Section::of("The alert")
                .with(sight::blind_tiers().size(12, 8))
                .with(sight::failures().size(12, 8))
                .with(sight::attempts())
                .with(daemon::requests())
                .with(daemon::request_time()),
            first: "see which class of error the source fails with: unauthorized and secret are the token, forbidden, blind and not_found a right, rate_limited GitLab's limit, the rest network or server",
            own: false,
        },
        Incident {
            alert: "TierwatchTokenExpiring",
            shown: Section::of("The alert")
                .with(state::own_conditions(&[Condition::ApiTokenExpiring, Condition::ApiTokenEnding], EXPRESSION))
                .with(daemon::requests().size(12, 8))
                .with(sight::failures().size(12, 8)),
            first: "make a new token with the same scope and replace the file: it is read again without a restart",
            own: true,
        },
        Incident {
            alert: "TierwatchDown",
            shown: Section::of("The alert")
                .with(sight::scraped().size(24, 4))
                .with(daemon::memory())
                .with(daemon::cpu())
                .with(daemon::files())
                .with(daemon::sees().size(12, 7))
                .with(daemon::gaps().size(12, 7)),
            first: "`kubectl get pods` and `logs --previous` of tierwatch; a wrong configuration ends it with code 2 and names the key",
            own: true,
        },
    ]
}
