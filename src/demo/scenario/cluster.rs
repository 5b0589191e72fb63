//! Runners and nodes: what keeps a taken job from running.

use super::{Act, Kind, Scenario, minute, story};
use crate::demo::faults::KubeFault;
use crate::demo::hooks::Habit;

pub(super) fn scenarios() -> Vec<Scenario> {
    // A job that is taken and given up between two polls is told by hooks only.
    let limit_range = story(
        "limit-range",
        "somebody lets containers of the standard tier have two cores, and some jobs have four",
        "the jobs with four cores fail as runner_system_failure; the page names the LimitRange and its bound",
        15,
        vec![
            (minute(4), Act::LimitRange { tier: "standard", max_cores: Some(2) }),
            (minute(5), Act::Burst { tier: "standard", jobs: 8, over: minute(2), kind: Kind::Large }),
            (minute(9), Act::LimitRange { tier: "standard", max_cores: None }),
        ],
    );
    vec![
        story(
            "deployment-runners-offline",
            "the deployment tier's runner managers crash in a loop for eight minutes",
            "deployment jobs wait; no manager pod is ready although GitLab still says online",
            20,
            vec![
                (minute(4), Act::Managers { tier: "deployment", only: None, up: false }),
                (minute(5), Act::Burst { tier: "deployment", jobs: 6, over: minute(3), kind: Kind::Ordinary }),
                (minute(12), Act::Managers { tier: "deployment", only: None, up: true }),
            ],
        ),
        story(
            "insufficient-cpu",
            "large standard jobs fill the nodes, and the node pool is at its maximum",
            "standard pods unschedulable for insufficient_cpu; some end by the runner's poll_timeout",
            18,
            vec![
                (minute(4), Act::Burst { tier: "standard", jobs: 34, over: minute(2), kind: Kind::Large }),
                (minute(6), Act::Burst { tier: "standard", jobs: 60, over: minute(12), kind: Kind::Large }),
            ],
        ),
        story(
            "untolerated-taint",
            "the standard node pool is replaced by one with a new taint",
            "standard pods unschedulable for untolerated_taint until the pool is put right",
            20,
            vec![
                (minute(4), Act::ReplacePool { tier: "standard", taint: Some("pool-generation=2") }),
                (minute(11), Act::ReplacePool { tier: "standard", taint: None }),
            ],
        ),
        story(
            "quota-exhausted",
            "somebody gives the standard tier's namespace a quota of pods that is too small for its mornings",
            "standard is at its pod quota; the jobs that come then fail as runner_system_failure, refused for quota",
            18,
            vec![
                (minute(4), Act::Quota { tier: "standard", room: Some(3) }),
                (minute(5), Act::Burst { tier: "standard", jobs: 12, over: minute(2), kind: Kind::Ordinary }),
                (minute(10), Act::Quota { tier: "standard", room: None }),
            ],
        ),
        Scenario { hooks: Some(Habit::Reliable), ..limit_range },
        story(
            "spot-interruption",
            "the cloud takes back two standard nodes",
            "running standard jobs fail as runner_system_failure; their pods were disrupted",
            15,
            vec![
                (minute(5), Act::SpotInterruption { tier: "standard" }),
                (minute(8), Act::SpotInterruption { tier: "standard" }),
            ],
        ),
        story(
            "apiserver-relist",
            "the API server expires every watch three times and is away for a minute",
            "watches restart; no pod is counted twice",
            15,
            vec![
                (minute(3), Act::Kube { fault: KubeFault::Expire, lasts: minute(0) }),
                (minute(6), Act::Kube { fault: KubeFault::Down, lasts: minute(1) }),
                (minute(9), Act::Kube { fault: KubeFault::Expire, lasts: minute(0) }),
                (minute(11), Act::Kube { fault: KubeFault::Expire, lasts: minute(0) }),
            ],
        ),
    ]
}
