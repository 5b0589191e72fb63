//! Every story once more, with a restart after each thing that was said: nothing counts twice, and little is missed.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use support::story::script;
use tierwatch::model::fleet::Fleet;
use tierwatch::model::key::Key;
use tierwatch::model::occurrence::Occurrence;
use tierwatch::observation::{
    Body, Change, Earlier, EventReport, LookUp, NodeReport, Observation, PodReport, SourceKey, SourceKind,
};

/// What the APIs would show a daemon that begins now.
#[derive(Default)]
struct World {
    lists: BTreeMap<(SourceKey, &'static str), Body>,
    pods: BTreeMap<SourceKey, BTreeMap<Arc<str>, Box<PodReport>>>,
    events: BTreeMap<SourceKey, BTreeMap<Arc<str>, Box<EventReport>>>,
    nodes: BTreeMap<Arc<str>, Box<NodeReport>>,
}

impl World {
    fn hear(&mut self, said: &Observation) {
        let source = said.source.clone();
        match &said.body {
            Body::Queue { .. } => self.list(source, "queue", &said.body),
            Body::Running { .. } => self.list(source, "running", &said.body),
            Body::Runners(_) => self.list(source, "runners", &said.body),
            Body::ProtectedRefs(_) => self.list(source, "refs", &said.body),
            Body::Pod(change) => keep(self.pods.entry(source).or_default(), change, |pod| &pod.uid),
            Body::Event(change) => keep(self.events.entry(source).or_default(), change, |event| &event.uid),
            Body::Node(change) => keep(&mut self.nodes, change, |node| &node.name),
            Body::Tick
            | Body::Earlier(_)
            | Body::Job(_)
            | Body::JobNotFound(_)
            | Body::Projects(_)
            | Body::JobLog(_)
            | Body::Quota(_)
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

/// The story with a restart before the observation `at`.
fn restarted(fleet: &Fleet, said: &[Observation], at: usize) -> Counted {
    let (mut first, mut second) = (fleet.clone(), fleet.clone());
    let (mut counted, mut world) = (Counted::default(), World::default());
    for said in &said[..at] {
        world.hear(said);
        counted.fold(&mut first, said.clone());
    }
    let began = said[at].at;
    let left = first.left(began);
    let earlier = Earlier {
        floor: said[0].at.wall,
        keys: counted.known.clone(),
        open: left.open.into_iter().map(|(job, project)| LookUp { job, project }).collect(),
        seen: left.seen.into_iter().collect(),
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
    let began = said[at].at;
    for (source, body) in world.shown() {
        counted.fold(&mut second, Observation { source, at: began, body });
    }
    said[at..].iter().for_each(|said| counted.fold(&mut second, said.clone()));
    counted
}

#[test]
fn a_restart_at_any_moment_of_any_story_counts_nothing_twice() {
    let mut wrong = Vec::new();
    let mut missing = BTreeMap::<String, usize>::new();
    let (mut stories, mut restarts) = (0, 0);
    for file in fs::read_dir("tests/stories").expect("there are stories") {
        let path = file.expect("an entry can be read").path();
        let yaml = fs::read_to_string(&path).expect("a story can be read");
        let (fleet, said) = script(&yaml);
        let name = path.file_stem().expect("it has a name").to_string_lossy().into_owned();
        let mut truth = Counted::default();
        let mut whole = fleet.clone();
        said.iter().for_each(|said| truth.fold(&mut whole, said.clone()));
        stories += 1;
        for at in 1..said.len() {
            restarts += 1;
            let counted = restarted(&fleet, &said, at).counted;
            for (key, times) in &counted {
                let allowed = truth.counted.get(key).map_or(0, Vec::len);
                if times.len() > allowed {
                    wrong.push(format!(
                        "{name}, restart at {at} ({:?}): {times:?} instead of {allowed}",
                        said[at].at.mono
                    ));
                }
            }
            for (key, what) in &truth.counted {
                if counted.get(key).map_or(0, Vec::len) < what.len() {
                    *missing.entry(format!("{name}: {}", what[0])).or_default() += 1;
                }
            }
        }
    }
    println!("{stories} stories, {restarts} restarts; missing, and after how many of them:");
    missing.iter().for_each(|(what, times)| println!("{times:>5}  {what}"));
    assert!(restarts > 300 && wrong.is_empty(), "{} of {restarts}:\n{}", wrong.len(), wrong.join("\n"));
}
