//! GitLab's API out of order.

use super::{Act, Scenario, minute, story};
use crate::demo::faults::{GitlabFault, Operation};

pub(super) fn scenarios() -> Vec<Scenario> {
    let gitlab = |fault, lasts| Act::Gitlab { fault, lasts };
    vec![story(
        "gitlab-429-storm",
        "GitLab answers 429 in both of its ways, then 502",
        "the GitLab sources are down and say so; what happened meanwhile is counted later, once",
        18,
        vec![
            (minute(4), gitlab(GitlabFault::throttled(None, Some(20)), minute(3))),
            (minute(9), gitlab(GitlabFault::limited(Some(Operation::Jobs), None), minute(2))),
            (minute(12), gitlab(GitlabFault::bad_gateway(), minute(1))),
        ],
    )]
}
