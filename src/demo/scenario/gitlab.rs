//! GitLab's API out of order.

use jiff::SignedDuration;

use super::{Act, Kind, Scenario, minute, story};
use crate::demo::faults::{GitlabFault, KubeFault, Operation};
use crate::demo::hooks::Habit;
use crate::demo::world::images::Trouble;

pub(super) fn scenarios() -> Vec<Scenario> {
    let gitlab = |fault, lasts| Act::Gitlab { fault, lasts };
    let storm = story(
        "gitlab-429-storm",
        "GitLab answers 429 in both of its ways, then 502",
        "the GitLab sources are down and say so; what happened meanwhile is counted later, once",
        18,
        vec![
            (minute(4), gitlab(GitlabFault::throttled(None, Some(20)), minute(3))),
            (minute(9), gitlab(GitlabFault::limited(Some(Operation::Jobs), None), minute(2))),
            (minute(12), gitlab(GitlabFault::bad_gateway(), minute(1))),
        ],
    );
    let hooks = story(
        "unreliable-webhooks",
        "job hooks get lost, come late, twice and out of order, while the API is down for three minutes",
        "what hooks and polls say of one job counts once; what was missed is counted when the API is back",
        17,
        vec![
            (minute(3), Act::Registry { host: "docker.io", trouble: Some(Trouble::RateLimited) }),
            (minute(5), Act::Burst { tier: "standard", jobs: 60, over: minute(2), kind: Kind::Ordinary }),
            (minute(9), Act::Registry { host: "docker.io", trouble: None }),
            (minute(12), gitlab(GitlabFault::bad_gateway(), minute(3))),
        ],
    );
    let restart = story(
        "gitlab-restart",
        "one poll fails, and a few minutes later GitLab is restarted",
        "sources are down for a minute; nothing is late and nothing is told",
        11,
        vec![
            (minute(3), gitlab(GitlabFault::bad_gateway(), SignedDuration::from_secs(10))),
            (minute(6), gitlab(GitlabFault::bad_gateway(), minute(1))),
        ],
    );
    // Without GitLab nobody pushes, and nobody would know what became of a job.
    let unreachable = story(
        "unreachable",
        "GitLab is away for 35 minutes, and the cluster's API for a quarter of an hour of them",
        "every tier is blind, and the page says of what and since when",
        44,
        vec![
            (minute(3), gitlab(GitlabFault::bad_gateway(), minute(35))),
            (minute(5), Act::Kube { fault: KubeFault::Down, lasts: minute(16) }),
        ],
    );
    let unreachable = Scenario { traffic: vec![], ..unreachable };
    vec![restart, unreachable, storm, Scenario { hooks: Some(Habit::Unreliable), ..hooks }]
}
