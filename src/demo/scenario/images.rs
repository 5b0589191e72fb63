//! Registries and images.

use super::{Act, Kind, Scenario, minute, story};
use crate::demo::world::images::Trouble;

pub(super) fn scenarios() -> Vec<Scenario> {
    let registry = |host, trouble| Act::Registry { host, trouble };
    vec![
        story(
            "registry-rate-limit",
            "docker.io answers 429 to the cluster's shared address for seven minutes",
            "pull failures rate_limited from docker.io; jobs fail before their script runs, blame platform",
            18,
            vec![
                (minute(4), registry("docker.io", Some(Trouble::RateLimited))),
                (minute(11), registry("docker.io", None)),
            ],
        ),
        story(
            "registry-auth",
            "the pull secret of the company registry was rotated and not rolled out",
            "pull failures auth from registry.harbour.example until the secret is there",
            18,
            vec![
                (minute(4), registry("registry.harbour.example", Some(Trouble::Auth))),
                (minute(10), registry("registry.harbour.example", None)),
            ],
        ),
        story(
            "image-not-found",
            "one team asks for an image tag that nobody pushed",
            "pull failures not_found; the jobs fail by their users' own fault",
            15,
            vec![(minute(3), Act::Burst { tier: "standard", jobs: 8, over: minute(3), kind: Kind::MissingImage })],
        ),
    ]
}
