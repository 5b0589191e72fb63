//! Nothing broken: quiet days, and queues that are long because there is much to do.

use super::{Act, Breach, Kind, Scenario, minute, story};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        story(
            "quiet-day",
            "the usual traffic on a healthy platform",
            "every tier in time; a few failed scripts, all the users' own",
            20,
            vec![],
        ),
        story(
            "saturated-standard",
            "more standard jobs than its runners can run at once",
            "standard is late, its runners are all busy; the other tiers are not touched",
            25,
            vec![(minute(4), Act::Burst { tier: "standard", jobs: 160, over: minute(3), kind: Kind::Ordinary })],
        ),
        story(
            "noisy-project",
            "one project floods the standard tier",
            "one project has more than four fifths of the waiting jobs",
            20,
            vec![(minute(4), Act::Burst { tier: "standard", jobs: 130, over: minute(1), kind: Kind::OneProject })],
        ),
        story(
            "boundary-moved",
            "somebody opens the standard tier's network to find a fault, relaxes two tiers and closes one again too late",
            "boundaries of standard, deployment and sandbox moved: network, protected refs, privileged pods, Pod Security",
            20,
            vec![
                (minute(3), moves("standard", Breach::OpenEgress)),
                (minute(4), moves("deployment", Breach::Unprotected)),
                (minute(5), moves("sandbox", Breach::PodSecurity)),
                (minute(6), moves("sandbox", Breach::PrivilegedPods)),
                (minute(9), Act::Boundary { tier: "standard", breach: Breach::OpenEgress, moved: false }),
                (minute(10), Act::Boundary { tier: "sandbox", breach: Breach::PrivilegedPods, moved: false }),
            ],
        ),
        story(
            "dropped-jobs",
            "jobs ask for a tag that no runner has, and GitLab gives up on them after an hour",
            "unserved jobs near standard, then jobs dropped as stuck_pending_no_matching_runners",
            70,
            vec![(minute(2), Act::Burst { tier: "standard", jobs: 5, over: minute(2), kind: Kind::UnknownTag })],
        ),
        story(
            "protected-mismatch",
            "feature branches ask for the protected tier",
            "unserved jobs near protected because their ref is not protected; dropped after an hour",
            70,
            vec![(minute(2), Act::Burst { tier: "protected", jobs: 4, over: minute(2), kind: Kind::UnprotectedRef })],
        ),
    ]
}

const fn moves(tier: &'static str, breach: Breach) -> Act {
    Act::Boundary { tier, breach, moved: true }
}
