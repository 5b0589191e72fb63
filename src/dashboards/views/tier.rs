//! One tier: every question in the order in which it is asked at night.

use crate::condition::Condition;
use crate::dashboards::board::{Board, Section, TAG};
use crate::dashboards::limits::Limits;
use crate::dashboards::panel::Panel;
use crate::dashboards::panels::{boundaries, images, queue, runners, scheduling, sight, starts, state};

/// What every view of a tier begins with: the same eight numbers in the same place.
pub(super) fn common_row(limits: &Limits) -> Section {
    let row: [Panel; 8] = [
        state::worst(),
        queue::waiting_now(),
        queue::oldest_now(),
        queue::overdue_now(),
        starts::running_now(),
        starts::burn_now(limits),
        runners::managers_now(),
        sight::blind_now(),
    ];
    row.into_iter().fold(Section::top(), Section::with)
}

pub(super) fn board(limits: &Limits) -> Board {
    let symptoms = [
        Condition::JobsOverdue,
        Condition::QueueStalled,
        Condition::JobsDropped,
        Condition::PlatformFailures,
        Condition::Down,
    ];
    let about = "The symptoms on which TierJobsOverdue, TierQueueStalled, TierJobsDropped, TierPlatformFailures and TierDown rest, before any patience. \
                 Absent: what it rests on cannot be seen.";
    Board {
        uid: "tierwatch-tier".to_owned(),
        title: "Tier".to_owned(),
        about:
            "One tier, chosen above: what its users feel, where the time of their jobs goes, and what may be the cause."
                .to_owned(),
        tag: TAG,
        sections: vec![
            common_row(limits)
                .with(state::history().size(12, 5))
                .with(state::firing().size(12, 5))
                .with(Panel { title: "Symptoms".to_owned(), ..state::conditions(&symptoms, about) }.size(12, 7))
                .with(state::held().size(12, 7)),
            Section::of("What users feel")
                .with(queue::oldest())
                .with(queue::waiting())
                .with(starts::outcomes())
                .with(starts::start_quantiles())
                .with(starts::phases())
                .with(starts::burning(limits)),
            Section::of("What it may be")
                .with(scheduling::unschedulable())
                .with(images::failing())
                .with(runners::managers())
                .with(starts::failures())
                .with(scheduling::quotas(limits))
                .with(queue::top_project(limits)),
            Section::of("How fresh is it?").with(sight::freshness(limits)),
            Section::folded("Can it be trusted?")
                .with(boundaries::moved().size(12, 6))
                .with(boundaries::history().size(12, 6)),
            Section::folded("What could be seen").with(sight::sources()),
        ],
    }
}
