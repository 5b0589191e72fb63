//! GitLab's API out of order.

use super::{Act, Kind, Scenario, minute, story};
use crate::demo::faults::{GitlabFault, Operation};
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
        20,
        vec![
            (minute(3), Act::Registry { host: "docker.io", trouble: Some(Trouble::RateLimited) }),
            (minute(5), Act::Burst { tier: "standard", jobs: 60, over: minute(2), kind: Kind::Ordinary }),
            (minute(9), Act::Registry { host: "docker.io", trouble: None }),
            (minute(12), gitlab(GitlabFault::bad_gateway(), minute(3))),
        ],
    );
    vec![storm, Scenario { hooks: Some(Habit::Unreliable), ..hooks }]
}
