//! One screen: does any tier hurt, since when, how bad.

use crate::dashboards::board::{Board, Section, TAG};
use crate::dashboards::limits::Limits;
use crate::dashboards::panels::{daemon, images, queue, runners, scheduling, sight, starts, state};

pub(super) fn board(limits: &Limits) -> Board {
    Board {
        uid: "tierwatch-overview".to_owned(),
        title: "Overview".to_owned(),
        about: "Whether any tier hurts, since when, and how bad it is. Click a tier for why.".to_owned(),
        tag: TAG,
        sections: vec![
            Section::top()
                .with(state::tiers().size(24, 4))
                .with(state::history().size(12, 6))
                .with(state::firing().size(12, 6))
                .with(starts::by_tier(limits).size(24, 7))
                .with(sight::freshness(limits)),
            Section::of("How it went")
                .with(queue::oldest())
                .with(queue::waiting())
                .with(starts::bad_part())
                .with(starts::burning(limits).size(12, 8))
                .with(state::held().size(12, 8)),
            Section::of("What it may be")
                .with(scheduling::unschedulable())
                .with(images::failing())
                .with(runners::managers())
                .with(starts::failures())
                .with(starts::phases())
                .with(scheduling::room()),
            Section::folded("Promises, and tierwatch itself")
                .with(state::declared().size(16, 7))
                .with(daemon::tiers().size(8, 7))
                .with(sight::sources()),
        ],
    }
}
