//! What nobody looks after: runners, tokens, and tierwatch itself.

use jiff::SignedDuration;

use super::{Act, Kind, Reads, Scenario, minute, story};
use crate::demo::hooks::Habit;

/// So it was before anybody looked: the daemon has a minute before the story begins.
const BEFORE: SignedDuration = minute(-1);

pub(super) fn scenarios() -> Vec<Scenario> {
    let hours = SignedDuration::from_hours;
    let quiet = vec![("protected", 60.0), ("privileged", 24.0), ("deployment", 30.0)];
    let tokens = story(
        "tokens-running-out",
        "one runner token has not been renewed for months, another and tierwatch's own end tomorrow; a registry speaks in riddles",
        "the tokens' ages and ends on the page; pull failures that no rule knows",
        70,
        vec![
            (BEFORE, Act::TokenRotated { tier: "privileged", ago: hours(24 * 120) }),
            (BEFORE, Act::TokenEnds { tier: "deployment", within: hours(30) }),
            (BEFORE, Act::ApiTokenEnds { within: hours(30) }),
            (minute(20), Act::Burst { tier: "standard", jobs: 5, over: minute(5), kind: Kind::RiddleImage }),
        ],
    );
    let half_blind = story(
        "half-blind",
        "tierwatch's token does not see three projects, and the secret of its job hooks is lost for a while",
        "part of the queue is out of sight, and hooks are refused until the secret is there again",
        25,
        vec![
            (BEFORE, Act::Hidden { projects: &["docs", "search", "data-pipeline"] }),
            (minute(3), Act::HookSecret { lost: true }),
            (minute(18), Act::HookSecret { lost: false }),
        ],
    );
    vec![
        story(
            "neglected-tiers",
            "a runner was paused yesterday and forgotten, one of two managers crashes, and standard jobs go elsewhere",
            "privileged jobs wait and one is dropped after a day; protected lives on one manager; standard starts nothing",
            36,
            vec![
                (BEFORE, Act::Paused { tier: "privileged", paused: true }),
                (BEFORE, Act::Waiting { tier: "privileged", since: hours(24) - minute(12) }),
                (minute(2), Act::Managers { tier: "protected", only: Some(0), up: false }),
                (minute(3), Act::Traffic { tier: "standard", per_hour: 0.0 }),
                (minute(14), Act::Paused { tier: "privileged", paused: false }),
                (minute(18), Act::Managers { tier: "protected", only: Some(0), up: true }),
            ],
        ),
        Scenario { traffic: [vec![("standard", 120.0)], quiet.clone()].concat(), ..tokens },
        Scenario { traffic: quiet, reads: Reads::Group, hooks: Some(Habit::Reliable), ..half_blind },
    ]
}
