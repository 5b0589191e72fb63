//! Nothing broken: quiet days, and queues that are long because there is much to do.

use super::{Act, Breach, Kind, Scenario, minute, story};

pub(super) fn scenarios() -> Vec<Scenario> {
    let busy_day = story(
        "busy-day",
        "twice the usual traffic, a wave of deployments, and one team's wrong image",
        "much runs and nothing is late; what fails is its users' own",
        16,
        vec![
            (minute(4), Act::Burst { tier: "deployment", jobs: 14, over: minute(3), kind: Kind::Ordinary }),
            (minute(8), Act::Burst { tier: "standard", jobs: 5, over: minute(3), kind: Kind::MissingImage }),
        ],
    );
    let busy =
        vec![("standard", 840.0), ("protected", 120.0), ("privileged", 40.0), ("deployment", 60.0), ("sandbox", 100.0)];
    let flood = |jobs, over| Act::Burst { tier: "standard", jobs, over, kind: Kind::OneProject };
    let noisy = story(
        "noisy-project",
        "one project floods the standard tier in a quiet hour",
        "one project has more than four fifths of the waiting jobs, and few of them are late",
        22,
        vec![(minute(3), flood(70, minute(1))), (minute(4), flood(312, minute(13)))],
    );
    let evening = vec![("standard", 90.0), ("protected", 20.0), ("deployment", 10.0), ("sandbox", 20.0)];
    vec![
        story(
            "quiet-day",
            "the usual traffic on a healthy platform",
            "every tier in time; a few failed scripts, all the users' own",
            20,
            vec![],
        ),
        Scenario { traffic: busy, ..busy_day },
        story(
            "saturated-standard",
            "more standard jobs than its runners can run at once",
            "standard is late, its runners are all busy; the other tiers are not touched",
            22,
            vec![(minute(2), Act::Burst { tier: "standard", jobs: 420, over: minute(6), kind: Kind::Ordinary })],
        ),
        Scenario { traffic: evening, ..noisy },
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
            "jobs ask for a tag that no runner has, feature branches for the protected tier; GitLab drops them after an hour",
            "unserved jobs near standard and protected, then jobs dropped as stuck_pending_no_matching_runners",
            65,
            vec![
                (minute(2), Act::Burst { tier: "standard", jobs: 5, over: minute(2), kind: Kind::UnknownTag }),
                (minute(2), Act::Burst { tier: "protected", jobs: 4, over: minute(2), kind: Kind::UnprotectedRef }),
            ],
        ),
    ]
}

const fn moves(tier: &'static str, breach: Breach) -> Act {
    Act::Boundary { tier, breach, moved: true }
}
