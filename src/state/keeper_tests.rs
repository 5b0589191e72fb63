use super::*;
use crate::model::occurrence::Outcome;
use crate::observation::{ProjectId, SourceKind};

fn at(seconds: u64) -> Now {
    let mono = Duration::from_secs(seconds);
    Now { wall: jiff::Timestamp::from_second(1_900_000_000).expect("this century") + mono, mono }
}

fn outcome(job: u64) -> Occurrence {
    Occurrence::JobOutcome { tier: 0, job: JobId(job), outcome: Outcome::InTime, at: None }
}

fn nothing() -> Earlier {
    Earlier { floor: at(0).wall, keys: Vec::new(), open: Vec::new(), seen: Vec::new(), alerts: Vec::new(), last: None }
}

fn scraped() -> Scraped {
    let scraped = Scraped::default();
    scraped.happened();
    scraped
}

fn own() -> Occurrence {
    Occurrence::Observed { source: SourceKind::Clock }
}

#[tokio::test]
async fn a_key_is_on_disk_before_its_occurrence_is_counted() {
    let (mut keeper, entries, written) = Keeper::channel(scraped(), &nothing());
    assert_eq!(keeper.take(vec![own(), outcome(1), outcome(2)]), [own()], "what needs no key does not wait");
    keeper.send(at(1));
    let (number, entry) = entries.try_recv().expect("it was sent");
    let keys: Vec<u64> = [outcome(1), outcome(2)].iter().map(|one| one.key().expect("it has one").0).collect();
    assert_eq!(entry.keys, keys);
    assert_eq!(keeper.tick(at(2), Left::default), []);
    written.send(number).expect("the keeper listens");
    assert_eq!(keeper.written().await, [outcome(1), outcome(2)]);
}

#[test]
fn before_the_first_scrape_nothing_is_counted_and_nothing_written() {
    let seen = Scraped::default();
    let (mut keeper, entries, _written) = Keeper::channel(seen.clone(), &nothing());
    assert_eq!(keeper.take(vec![outcome(1)]), []);
    keeper.send(at(1));
    assert_eq!(keeper.tick(at(1000), Left::default), [], "and no patience runs out");
    assert!(entries.try_recv().is_err());
    seen.happened();
    keeper.send(at(1001));
    assert_eq!(entries.try_recv().expect("it was sent").1.keys.len(), 1);
}

#[test]
fn a_disk_that_hangs_is_not_waited_for_and_its_keys_are_not_lost() {
    let (mut keeper, entries, _written) = Keeper::channel(scraped(), &nothing());
    let all = 3 * u64::try_from(ENTRIES).expect("a small number");
    for job in 0..all {
        keeper.take(vec![outcome(job)]);
        keeper.send(at(1));
    }
    assert_eq!(keeper.tick(at(6), Left::default), []);
    assert_eq!(keeper.tick(at(7), Left::default).len() as u64, all, "each once");
    assert_eq!(keeper.tick(at(20), Left::default), []);
    let mut keys: Vec<u64> = entries.try_iter().flat_map(|(_, entry)| entry.keys).collect();
    keeper.tick(at(21), Left::default);
    keys.extend(entries.try_iter().flat_map(|(_, entry)| entry.keys));
    keys.sort_unstable();
    let before = keys.len() as u64;
    keys.dedup();
    assert_eq!((keys.len() as u64, before), (all, all));
}

#[tokio::test]
async fn a_writer_that_died_stops_nothing() {
    let (mut keeper, entries, written) = Keeper::channel(scraped(), &nothing());
    keeper.take(vec![outcome(1)]);
    keeper.send(at(1));
    drop((entries, written));
    assert_eq!(keeper.written().await, [outcome(1)]);
    keeper.take(vec![outcome(2)]);
    keeper.send(at(2));
    assert_eq!(keeper.tick(at(20), Left::default), [outcome(2)]);
}

#[tokio::test(start_paused = true)]
async fn the_last_keys_are_waited_for_but_not_for_ever() {
    let (mut keeper, _entries, _written) = Keeper::channel(scraped(), &nothing());
    keeper.take(vec![outcome(1)]);
    assert_eq!(keeper.finish(at(1), Left::default()).await, [outcome(1)]);
}

#[test]
fn only_what_changed_beside_the_keys_is_written() {
    let (mut keeper, entries, _written) = Keeper::channel(scraped(), &nothing());
    let left =
        |jobs: &[u64]| Left { open: jobs.iter().map(|job| (JobId(*job), ProjectId(1))).collect(), ..Left::default() };
    keeper.tick(at(1), || left(&[1, 2]));
    keeper.tick(at(2), || panic!("it is not time yet"));
    keeper.tick(at(6), || left(&[2, 3]));
    keeper.tick(at(11), || left(&[2, 3]));
    let told: Vec<_> = entries
        .try_iter()
        .map(|(_, entry)| (entry.opened.iter().map(|open| open.job.0).collect::<Vec<_>>(), entry.closed))
        .collect();
    assert_eq!(told, [(vec![1, 2], vec![]), (vec![3], vec![1])]);
}

fn stalled() -> EarlierAlert {
    EarlierAlert {
        alert: "TierQueueStalled".into(),
        severity: crate::condition::Severity::Critical,
        tier: Some("standard".into()),
        condition: crate::condition::Condition::QueueStalled,
        subject: None,
        since: at(0).wall,
        fires_since: Some(at(1).wall),
    }
}

#[tokio::test(start_paused = true)]
async fn alerts_are_kept_without_any_scrape_and_nothing_else_goes_with_them() {
    let (mut keeper, entries, _written) = Keeper::channel(Scraped::default(), &nothing());
    let open = [(JobId(1), ProjectId(1))].into();
    let left = || Left { alerts: vec![stalled()], open, ..Left::default() };
    keeper.take(vec![outcome(1)]);
    assert_eq!(keeper.tick(at(10), left), []);
    let alone = |at: Now| Entry { alerts: Some(vec![stalled()]), ..Entry::new(at.wall) };
    assert_eq!(entries.try_recv().expect("it was sent").1, alone(at(10)));
    let same = || Left { alerts: vec![stalled()], ..Left::default() };
    for second in 11..70 {
        keeper.tick(at(second), same);
    }
    assert!(entries.try_recv().is_err(), "they are as they were");
    keeper.tick(at(70), same);
    assert_eq!(entries.try_recv().expect("or they would be too old to go on from").1, alone(at(70)));
    keeper.tick(at(75), Left::default);
    assert_eq!(entries.try_recv().expect("an end").1.alerts, Some(vec![]));
    keeper.tick(at(200), Left::default);
    assert!(entries.try_recv().is_err(), "none are nothing to be repeated");
    assert_eq!(keeper.finish(at(201), same()).await, [], "the next run counts what nobody scraped");
    assert_eq!(entries.try_recv().expect("the last word").1, alone(at(201)));
}
