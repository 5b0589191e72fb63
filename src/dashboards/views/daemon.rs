//! tierwatch itself.

use crate::condition::Condition;
use crate::dashboards::board::{Board, Section, TAG};
use crate::dashboards::limits::Limits;
use crate::dashboards::panel::Panel;
use crate::dashboards::panels::{daemon, queue, sight, state};

/// What every view of tierwatch itself begins with.
pub(super) fn common_row(limits: &Limits) -> Section {
    let row: [Panel; 8] = [
        daemon::up_now(),
        sight::blind_now(),
        daemon::secrets_now(),
        daemon::token_left_now(limits),
        daemon::webhook_secret_now(),
        daemon::budget_now(),
        daemon::desk_now(),
        state::worst(),
    ];
    row.into_iter().fold(Section::top(), Section::with)
}

pub(super) fn board(limits: &Limits) -> Board {
    let own = [
        Condition::ApiTokenExpiring,
        Condition::ApiTokenEnding,
        Condition::QueueCoverageLow,
        Condition::Unclassified,
        Condition::SecretReloadFailed,
    ];
    let about = "On these rest TierwatchTokenExpiring (expiring and ending), TierwatchQueueCoverageLow, TierwatchUnclassified and TierwatchSecretReloadFailed, \
                 before any patience.";
    let unobserved = "On this rests TierUnobserved: neither queue nor pods of the tier are seen.";
    Board {
        uid: "tierwatch-self".to_owned(),
        title: "tierwatch itself".to_owned(),
        about: "What tierwatch can see, what it did not understand, what it lost, and what it costs.".to_owned(),
        tag: TAG,
        sections: vec![
            common_row(limits)
                .with(sight::freshness(limits))
                .with(state::own_conditions(&own, about).size(12, 8))
                .with(
                    Panel {
                        title: "Tiers of which nothing is known".to_owned(),
                        ..state::conditions(&[Condition::Unobserved], unobserved)
                    }
                    .size(12, 8),
                )
                .with(sight::sources().size(12, 9))
                .with(sight::blind_tiers().size(12, 9)),
            Section::of("How it reads")
                .with(sight::failures())
                .with(sight::attempts())
                .with(daemon::runs())
                .with(daemon::requests())
                .with(daemon::request_time())
                .with(daemon::watches()),
            Section::of("What it did not understand, bent or lost")
                .with(daemon::not_understood())
                .with(daemon::bent())
                .with(daemon::gaps())
                .with(queue::coverage(limits))
                .with(daemon::hooks())
                .with(daemon::pushes()),
            Section::folded("What it costs")
                .with(daemon::memory())
                .with(daemon::cpu())
                .with(daemon::files())
                .with(daemon::observations())
                .with(daemon::objects())
                .with(daemon::sees())
                .with(daemon::release().size(24, 5)),
        ],
    }
}
