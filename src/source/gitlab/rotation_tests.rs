use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const EVERY: Duration = Duration::from_secs(15);
const SWEEP: Duration = Duration::from_secs(1800);
const JOBS: Found = Found { jobs: true, requests: 1 };
const NONE: Found = Found { jobs: false, requests: 1 };

fn listed(id: u64) -> Listed {
    Listed { project: ProjectReport { id: ProjectId(id), path: format!("g/{id}").into() }, silence: None }
}

fn rotation(count: u64) -> Rotation {
    let mut rotation = Rotation::default();
    rotation.replace(&(1..=count).map(listed).collect::<Vec<_>>(), Duration::ZERO);
    rotation
}

fn round(allowance: usize) -> Round {
    Round { every: EVERY, sweep: SWEEP, allowance }
}

fn ids(plan: &[ProjectReport]) -> Vec<u64> {
    plan.iter().map(|project| project.id.0).collect()
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn at_first_all_are_looked_at_within_the_allowance_and_the_lively_ones_before_the_others() {
    let mut rotation = Rotation::default();
    let lively = |id| Listed { silence: Some(secs(60 * id)), ..listed(id) };
    rotation.replace(&(1..=50).map(listed).chain((51..=100).map(lively)).collect::<Vec<_>>(), Duration::ZERO);
    let mut seen = BTreeSet::new();
    for turn in 0..3 {
        let plan = rotation.plan(round(40), secs(turn));
        assert!(plan.len() <= 40);
        if turn == 0 {
            assert_eq!(ids(&plan), (51..=90).collect::<Vec<_>>());
        }
        for project in &plan {
            rotation.answered(project.id, secs(turn), NONE);
            seen.insert(project.id);
        }
    }
    assert_eq!(seen.len(), 100);
}

#[test]
fn busy_projects_come_every_round_and_quiet_ones_are_not_forgotten() {
    let mut rotation = rotation(20);
    for id in 1..=20 {
        rotation.answered(ProjectId(id), secs(id), Found { jobs: id <= 15, requests: 1 });
    }
    let now = secs(30);
    assert_eq!(rotation.plan(round(16), now).len(), 16);
    assert_eq!(ids(&rotation.plan(round(16), now))[15], 16, "the quiet one looked at longest ago");
    // More busy ones than the allowance: the longest unseen first, and a place for the quiet.
    assert_eq!(ids(&rotation.plan(round(10), now)), [1, 2, 3, 4, 5, 6, 7, 8, 9, 16]);
    // What is left is not left unused.
    assert_eq!(rotation.plan(round(40), now).len(), 20);
}

#[test]
fn where_jobs_were_of_late_is_looked_at_more_often() {
    let mut rotation = Rotation::default();
    let since_yesterday = |id| Listed { silence: Some(secs(86_400)), ..listed(id) };
    rotation.replace(&(1..=100).map(since_yesterday).collect::<Vec<_>>(), Duration::ZERO);
    for id in 1..=100 {
        rotation.answered(ProjectId(id), Duration::ZERO, Found { jobs: id == 7, requests: 1 });
    }
    let mut looks = BTreeMap::<u64, Vec<u64>>::new();
    for turn in 1..=120 {
        for project in rotation.plan(round(10), secs(turn * 15)) {
            rotation.answered(project.id, secs(turn * 15), NONE);
            looks.entry(project.id.0).or_default().push(turn);
        }
    }
    let lively = &looks[&7];
    assert!(lively[..4].windows(2).all(|pair| pair[1] - pair[0] <= 3), "{lively:?}");
    assert!(lively.len() > 2 * looks[&8].len(), "{lively:?} against {:?}", looks[&8]);
    // The longer ago, the seldomer.
    let gaps: Vec<u64> = lively.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.last() > gaps.first(), "{gaps:?}");
}

#[test]
fn a_project_of_which_a_hook_told_is_looked_at_before_the_next_round_once_a_period() {
    let mut rotation = rotation(2000);
    for id in 1..=2000 {
        rotation.answered(ProjectId(id), secs(id), Found { jobs: id <= 15, requests: 1 });
    }
    let now = secs(2020);
    assert!(!ids(&rotation.plan(round(50), now)).contains(&1999));
    assert!(rotation.between(round(50), now).is_empty(), "nobody told anything");
    rotation.hint(&[ProjectId(1999), ProjectId(1000), ProjectId(5000), ProjectId(2000)]);
    assert_eq!(ids(&rotation.between(round(50), secs(2014))), [1000, 1999], "2000 was just looked at");
    assert_eq!(ids(&rotation.between(round(50), now)), [1000, 1999, 2000]);
    assert_eq!(rotation.between(round(2), now).len(), 1, "the other is kept for the quiet ones");
    rotation.answered(ProjectId(1999), now, NONE);
    assert_eq!(ids(&rotation.between(round(50), now)), [1000, 2000]);
    rotation.spend(1);
    let plan = rotation.plan(round(50), now);
    assert_eq!(plan.len(), 49, "one was spent");
    assert!(ids(&plan).contains(&1000) && ids(&plan).contains(&2000));
    assert_eq!(rotation.plan(round(50), now).len(), 50);
}

#[test]
fn long_lists_take_more_of_the_allowance() {
    let mut rotation = rotation(10);
    for id in 1..=10 {
        rotation.answered(ProjectId(id), secs(id), Found { jobs: true, requests: 3 });
    }
    assert_eq!(ids(&rotation.plan(round(9), secs(20))), [1, 2, 3]);
    assert_eq!(ids(&rotation.plan(round(2), secs(20))), [1], "one too long for the whole round has its turn, too");
}

#[test]
fn a_sweep_that_the_budget_cannot_hold_is_told() {
    let mut rotation = rotation(5000);
    assert_eq!(rotation.longer_than_sweep(round(42)), None);
    for id in 1..=20 {
        rotation.answered(ProjectId(id), secs(1), JOBS);
    }
    assert_eq!(rotation.longer_than_sweep(round(62)), None);
    assert_eq!(rotation.longer_than_sweep(round(40)), Some(EVERY * 166));
    assert_eq!(rotation.longer_than_sweep(round(10)), Some(EVERY * 712), "three quarters are kept for the quiet");
}

#[test]
fn a_failing_project_goes_to_the_end_and_a_gone_one_leaves() {
    let mut rotation = rotation(3);
    rotation.failed(ProjectId(3), secs(1), true);
    assert_eq!(rotation.hidden(), ["g/3"]);
    assert_eq!(ids(&rotation.plan(round(2), secs(2))), [2, 1]);
    rotation.answered(ProjectId(3), secs(1), JOBS);
    rotation.answered(ProjectId(2), secs(2), NONE);
    rotation.answered(ProjectId(1), secs(3), JOBS);
    assert_eq!(ids(&rotation.plan(round(1), secs(4))), [3], "with one request a round all take turns");
    rotation.replace(&[listed(1)], secs(5));
    assert_eq!((rotation.len(), rotation.hidden().len()), (1, 0));
    assert!(Rotation::default().plan(round(10), secs(5)).is_empty());
}

proptest! {
    /// Whatever becomes busy, is hinted at or fails: no round is above its allowance, no project comes twice, what is
    /// busy comes in every round that has room for it, and everything is seen within the sweep where that is possible.
    #[test]
    fn nobody_starves(
        count in 1_u64..120,
        spare in 0_usize..20,
        fates in prop::collection::vec((0_u64..120, 0_u8..4), 0..300),
    ) {
        // A sweep of 30 rounds, and an allowance that holds it with up to ten busy projects.
        let sweep = EVERY * 30;
        let needed = Round { every: EVERY, sweep, allowance: usize::MAX }.kept_for(usize::try_from(count).unwrap());
        let round = Round { every: EVERY, sweep, allowance: 12 + needed + spare };
        let mut rotation = rotation(count);
        let mut fates = fates.into_iter();
        let mut looked: BTreeMap<u64, u32> = BTreeMap::new();
        let mut busy: BTreeSet<u64> = BTreeSet::new();
        for turn in 0..150_u32 {
            let now = EVERY * turn;
            let plan = ids(&rotation.plan(round, now));
            prop_assert!(plan.len() <= round.allowance);
            prop_assert_eq!(plan.iter().collect::<BTreeSet<_>>().len(), plan.len());
            for id in &busy {
                prop_assert!(plan.contains(id), "{id} is busy and was not looked at");
            }
            for id in plan {
                looked.insert(id, turn);
                let found = if busy.contains(&id) { JOBS } else { NONE };
                rotation.answered(ProjectId(id), now, found);
            }
            if let Some((id, fate)) = fates.next().map(|(id, fate)| (id % count + 1, fate)) {
                if fate != 2 {
                    looked.insert(id, turn);
                }
                match fate {
                    0 if busy.len() < 10 => {
                        busy.insert(id);
                        rotation.answered(ProjectId(id), now, JOBS);
                    }
                    1 => {
                        busy.remove(&id);
                        rotation.answered(ProjectId(id), now, NONE);
                    }
                    2 => rotation.hint(&[ProjectId(id)]),
                    // Also when ten are busy already: it was looked at, and is not one of them.
                    _ => rotation.failed(ProjectId(id), now, false),
                }
            }
            if turn >= 30 {
                for id in 1..=count {
                    let last = looked.get(&id).copied().unwrap_or(0);
                    prop_assert!(turn - last <= 30, "{id} was seen {} rounds ago", turn - last);
                }
            }
        }
    }
}
