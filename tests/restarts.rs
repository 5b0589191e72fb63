//! Every story once more, with a restart after each thing that was said: nothing counts twice, and little is missed.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use support::story::script;
use tierwatch::model::fleet::Fleet;
use tierwatch::model::key::Key;
use tierwatch::model::occurrence::Occurrence;
use tierwatch::observation::{
    Body, Change, Earlier, EventReport, JobId, LookUp, NodeReport, Now, Observation, PodReport, SourceKey, SourceKind,
};

/// What the APIs would show a daemon that begins now.
#[derive(Default)]
struct World {
    lists: BTreeMap<(SourceKey, &'static str), Body>,
    pods: BTreeMap<SourceKey, BTreeMap<Arc<str>, Box<PodReport>>>,
    events: BTreeMap<SourceKey, BTreeMap<Arc<str>, Box<EventReport>>>,
    nodes: BTreeMap<Arc<str>, Box<NodeReport>>,
    /// What runners took, by job.
    taken: BTreeMap<JobId, Body>,
}

impl World {
    fn hear(&mut self, said: &Observation) {
        let source = said.source.clone();
        match &said.body {
            Body::Queue { .. } | Body::RunnerQueues { .. } => self.list(source, "queue", &said.body),
            Body::Running { .. } => self.list(source, "running", &said.body),
            Body::Runners(_) => self.list(source, "runners", &said.body),
            Body::ProtectedRefs(_) => self.list(source, "refs", &said.body),
            Body::Pod(change) => keep(self.pods.entry(source).or_default(), change, |pod| &pod.uid),
            Body::Event(change) => keep(self.events.entry(source).or_default(), change, |event| &event.uid),
            Body::Node(change) => keep(&mut self.nodes, change, |node| &node.name),
            Body::Job(job) if source.kind == SourceKind::GitlabRunnerJobs => {
                self.taken.insert(job.id, said.body.clone());
            }
            Body::Tick
            | Body::Earlier(_)
            | Body::Job(_)
            | Body::JobNotFound(_)
            | Body::Projects(_)
            | Body::JobLog(_)
            | Body::Quota(_)
            | Body::Limit(_)
            | Body::Namespace(_)
            | Body::Netpol(_)
            | Body::Account(_)
            | Body::Role(_)
            | Body::Binding(_)
            | Body::TokenSecrets(_)
            | Body::ApiToken(_)
            | Body::Alive
            | Body::Period(_)
            | Body::Note(_)
            | Body::Failed(_) => {}
        }
    }

    fn list(&mut self, source: SourceKey, what: &'static str, body: &Body) {
        self.lists.insert((source, what), body.clone());
    }

    fn shown(&self) -> Vec<(SourceKey, Body)> {
        // GitLab lists what runs now; a list that is as old as the last poll would show what has ended since.
        let mut shown: Vec<_> = self
            .lists
            .iter()
            .filter(|((_, what), _)| ["runners", "refs"].contains(what))
            .map(|((source, _), body)| (source.clone(), body.clone()))
            .collect();
        if !self.nodes.is_empty() {
            let nodes = self.nodes.values().cloned().collect();
            shown.push((SourceKey::global(SourceKind::KubeNodes), Body::Node(Change::Replace(nodes))));
        }
        for (source, pods) in &self.pods {
            shown.push((source.clone(), Body::Pod(Change::Replace(pods.values().cloned().collect()))));
        }
        for (source, events) in &self.events {
            shown.push((source.clone(), Body::Event(Change::Replace(events.values().cloned().collect()))));
        }
        let runner_jobs = SourceKey::global(SourceKind::GitlabRunnerJobs);
        shown.extend(self.taken.values().map(|job| (runner_jobs.clone(), job.clone())));
        shown
    }
}

fn keep<T: Clone>(table: &mut BTreeMap<Arc<str>, T>, change: &Change<T>, key: impl Fn(&T) -> &Arc<str>) {
    match change {
        Change::Upsert(one) => {
            table.insert(key(one).clone(), one.clone());
        }
        Change::Gone(gone) => {
            table.remove(gone);
        }
        Change::Replace(all) => *table = all.iter().map(|one| (key(one).clone(), one.clone())).collect(),
    }
}

/// Keys that were counted, with what they stand for; and keys that are known.
#[derive(Default)]
struct Counted {
    counted: BTreeMap<Key, Vec<String>>,
    known: Vec<u64>,
}

impl Counted {
    fn fold(&mut self, fleet: &mut Fleet, said: Observation) {
        for occurrence in fleet.apply(said) {
            let Some(key) = occurrence.key() else { continue };
            self.known.push(key.0);
            if !matches!(occurrence, Occurrence::Silenced { .. }) {
                self.counted.entry(key).or_default().push(format!("{occurrence:?}"));
            }
        }
    }
}

/// A restart takes time: nothing happened at the very instant of the start.
fn a_moment_after(next: &Observation) -> Now {
    let moment = Duration::from_millis(1);
    Now { wall: next.at.wall + moment, mono: next.at.mono + moment }
}

/// What is not told by then is not waited for any more.
fn two_minutes_after(last: &Observation) -> Observation {
    let patience = Duration::from_secs(120);
    let at = Now { wall: last.at.wall + patience, mono: last.at.mono + patience };
    Observation { source: SourceKey::global(SourceKind::Clock), at, body: Body::Tick }
}

/// The story with a restart before the observation `at`.
fn restarted(fleet: &Fleet, said: &[Observation], at: usize) -> Counted {
    let (mut first, mut second) = (fleet.clone(), fleet.clone());
    let (mut counted, mut world) = (Counted::default(), World::default());
    for said in &said[..at] {
        world.hear(said);
        counted.fold(&mut first, said.clone());
    }
    let began = a_moment_after(&said[at]);
    let left = first.left(began);
    let earlier = Earlier {
        floor: said[0].at.wall,
        keys: counted.known.clone(),
        open: left.open.into_iter().map(|(job, project)| LookUp { job, project }).collect(),
        seen: left.seen.into_iter().collect(),
        alerts: left.alerts,
        last: None,
    };
    let clock = SourceKey::global(SourceKind::Clock);
    let first_words = std::iter::once((clock, Body::Earlier(Box::new(earlier)))).chain(world.shown());
    for (source, body) in first_words {
        counted.fold(&mut second, Observation { source, at: began, body });
    }
    for said in &said[at..] {
        counted.fold(&mut second, said.clone());
    }
    counted
}

/// The same without a state file: whoever begins knows nothing.
fn begun_anew(fleet: &Fleet, said: &[Observation], at: usize) -> Counted {
    let (mut first, mut second) = (fleet.clone(), fleet.clone());
    let (mut counted, mut world) = (Counted::default(), World::default());
    for said in &said[..at] {
        world.hear(said);
        counted.fold(&mut first, said.clone());
    }
    let began = a_moment_after(&said[at]);
    for (source, body) in world.shown() {
        counted.fold(&mut second, Observation { source, at: began, body });
    }
    said[at..].iter().for_each(|said| counted.fold(&mut second, said.clone()));
    counted
}

#[test]
fn a_restart_at_any_moment_of_any_story_counts_nothing_twice() {
    // What is missing was told by a pod or a look-up that the new run is not shown again.
    check(restarted, 0.05, |_| true);
}

#[test]
fn a_restart_without_the_file_counts_nothing_twice() {
    // That two sources differ befalls no job: whoever hears both again says so again.
    check(begun_anew, 0.25, |what| !what.starts_with("Disagreed"));
}

fn times(counted: &BTreeMap<Key, Vec<String>>, key: &Key) -> usize {
    counted.get(key).map_or(0, Vec::len)
}

fn check(play: fn(&Fleet, &[Observation], usize) -> Counted, may_miss: f64, concerned: fn(&str) -> bool) {
    let (mut wrong, mut restarts, mut all, mut missing) = (Vec::new(), 0, 0_u32, 0_u32);
    for file in fs::read_dir("tests/stories").expect("there are stories") {
        let path = file.expect("an entry can be read").path();
        let (fleet, mut said) = script(&fs::read_to_string(&path).expect("a story can be read"));
        said.push(two_minutes_after(&said[said.len() - 1]));
        let (mut truth, mut whole) = (Counted::default(), fleet.clone());
        said.iter().for_each(|said| truth.fold(&mut whole, said.clone()));
        for at in 1..said.len() {
            restarts += 1;
            let counted = play(&fleet, &said, at).counted;
            let too_many =
                |(key, what): &(&Key, &Vec<String>)| what.len() > times(&truth.counted, key) && concerned(&what[0]);
            for (key, what) in counted.iter().filter(too_many) {
                let truth = times(&truth.counted, key);
                wrong.push(format!("{}, restart before {at}: {what:?} instead of {truth}", path.display()));
            }
            for (key, what) in &truth.counted {
                all += 1;
                missing += u32::from(times(&counted, key) < what.len());
            }
        }
    }
    let missed = f64::from(missing) / f64::from(all);
    assert!(missed < may_miss, "{missing} of {all} occurrences are missing");
    assert!(restarts > 300 && wrong.is_empty(), "{} of {restarts}:\n{}", wrong.len(), wrong.join("\n"));
}
