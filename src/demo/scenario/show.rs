//! The endless story of the bare `demo` command: one incident after the other, with some air between.

use jiff::SignedDuration;

use super::{Act, Kind, Scenario, minute, story};
use crate::demo::faults::{GitlabFault, KubeFault};
use crate::demo::hooks::Habit;
use crate::demo::world::images::Trouble;

/// The show opens this far into its first incident, so that a newcomer sees it at once.
pub(crate) const WARM: SignedDuration = SignedDuration::from_mins(12);

pub(super) fn scenario() -> Scenario {
    let script = vec![
        // Before the curtain rises: the deployment managers are gone and the standard queue is growing.
        (minute(7), Act::Managers { tier: "deployment", only: None, up: false }),
        (minute(7), Act::Burst { tier: "deployment", jobs: 5, over: minute(4), kind: Kind::Ordinary }),
        (minute(9), Act::Burst { tier: "standard", jobs: 150, over: minute(3), kind: Kind::Ordinary }),
        (minute(10), Act::Registry { host: "docker.io", trouble: Some(Trouble::RateLimited) }),
        (minute(11), Act::Burst { tier: "protected", jobs: 2, over: minute(1), kind: Kind::UnprotectedRef }),
        // On stage.
        (minute(17), Act::Managers { tier: "deployment", only: None, up: true }),
        (minute(18), Act::Registry { host: "docker.io", trouble: None }),
        (minute(26), Act::ReplacePool { tier: "standard", taint: Some("pool-generation=2") }),
        (minute(33), Act::ReplacePool { tier: "standard", taint: None }),
        (minute(40), Act::Burst { tier: "standard", jobs: 34, over: minute(2), kind: Kind::Large }),
        (minute(50), Act::Registry { host: "registry.harbour.example", trouble: Some(Trouble::Auth) }),
        (minute(55), Act::Registry { host: "registry.harbour.example", trouble: None }),
        (minute(60), Act::Paused { tier: "sandbox", paused: true }),
        (minute(62), Act::Burst { tier: "standard", jobs: 6, over: minute(2), kind: Kind::MissingImage }),
        (minute(68), Act::Paused { tier: "sandbox", paused: false }),
        (minute(70), Act::SpotInterruption { tier: "standard" }),
        (minute(74), Act::Gitlab { fault: GitlabFault::throttled(None, Some(20)), lasts: minute(3) }),
        (minute(80), Act::Kube { fault: KubeFault::Expire, lasts: minute(0) }),
        (minute(84), Act::Burst { tier: "standard", jobs: 130, over: minute(1), kind: Kind::OneProject }),
    ];
    let about = "one incident after the other, for ever: what `demo` plays without --scenario";
    Scenario {
        endless: true,
        hooks: Some(Habit::Reliable),
        ..story("show", about, "a platform in trouble, and why", 95, script)
    }
}
