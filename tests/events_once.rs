//! However events arrive (before or after the pod's own news, repeated, with raised counts, listed again, combined,
//! after the pod is gone), the same things are counted.

#![expect(clippy::wildcard_enum_match_arm, reason = "only what events may change is counted here")]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use tierwatch::model::fleet::Fleet;
use tierwatch::model::occurrence::Occurrence;
use tierwatch::observation::*;

const NAMESPACE: &str = "runners-standard";
const PODS: usize = 4;

fn time(seconds: u64) -> Timestamp {
    support::fake::now().wall + SignedDuration::from_secs(i64::try_from(seconds).expect("a few minutes"))
}

fn now(seconds: u64) -> Now {
    Now { wall: time(seconds), mono: Duration::from_secs(1000 + seconds) }
}

fn uid(pod: usize) -> Arc<str> {
    format!("p{pod}").as_str().into()
}

/// What happens to each pod, in this order: its images back off, and it is evicted.
fn statuses(pod: usize) -> Vec<PodReport> {
    let container = |state| ContainerReport {
        name: "build".into(),
        role: ContainerRole::Build,
        image: "docker.io/library/rust:1".into(),
        state,
    };
    let waiting = |reason: &str| ContainerState::Waiting { reason: reason.into(), message: "Back-off".into() };
    let report = |state, disrupted: bool| PodReport {
        uid: uid(pod),
        namespace: NAMESPACE.into(),
        name: uid(pod),
        role: PodRole::Job,
        job: None,
        project: None,
        runner_short: None,
        created: time(1),
        deleting: disrupted,
        phase: PodPhase::Pending,
        ready: false,
        node: Some(format!("n{pod}").as_str().into()),
        scheduled: Scheduled::At(Some(time(1))),
        sandbox_ready: None,
        disruption: disrupted.then(|| Disruption {
            reason: "EvictionByEvictionAPI".into(),
            message: "Eviction API: evicting".into(),
            at: Some(time(3)),
        }),
        failure: None,
        containers: vec![container(state)],
        requests: Requests::default(),
        limits: Limits::default(),
        shape: std::sync::Arc::default(),
    };
    vec![
        report(ContainerState::Absent, false),
        report(waiting("ImagePullBackOff"), false),
        report(waiting("ImagePullBackOff"), true),
    ]
}

/// What is written about each pod and its node, first to last.
fn events(pod: usize) -> Vec<EventReport> {
    let event = |number: usize, reason: &str, author: &str, message: &str| EventReport {
        uid: format!("e{pod}-{number}").as_str().into(),
        about_kind: "Pod".into(),
        about_namespace: Some(NAMESPACE.into()),
        about_name: uid(pod),
        about_uid: Some(uid(pod)),
        container: Some("build".into()),
        reason: reason.into(),
        author: author.into(),
        warning: true,
        message: message.into(),
        count: 1,
        last: time(2),
    };
    let pulled = "Successfully pulled image \"docker.io/library/redis:7\" in 2s (5s including waiting)";
    let refused = "Failed to pull image \"docker.io/library/rust:1\": 429 Too Many Requests";
    let mut all = vec![
        event(0, "Pulled", "kubelet", pulled),
        event(1, "Pulled", "kubelet", "Container image \"docker.io/library/redis:7\" already present on machine"),
        event(2, "Failed", "kubelet", refused),
        event(3, "Failed", "kubelet", "Error: ImagePullBackOff"),
        event(4, "FailedMount", "kubelet", "MountVolume.SetUp failed for volume \"x\" : secret \"y\" not found"),
        event(5, "Evicted", "karpenter", "Evicted pod: Interrupted"),
    ];
    for (number, of) in [(6, 0), (7, 2), (8, 4)] {
        let message = format!("(combined from similar events): {}", all[of].message);
        all.push(event(number, &all[of].reason.clone(), "kubelet", &message));
    }
    all.push(EventReport {
        about_kind: "Node".into(),
        about_name: format!("n{pod}").as_str().into(),
        about_uid: None,
        ..event(9, "SpotInterrupted", "karpenter", "Spot interruption warning was triggered")
    });
    all
}

/// Each pod: one pull measured, one failed, one volume not mounted, one end.
fn expected() -> BTreeMap<String, usize> {
    let per_pod = [
        "pulled Some(5s) Some(3s)".to_owned(),
        "pull failed rate_limited".to_owned(),
        "pod failed volume_mount_other".to_owned(),
        "pod failed spot_interruption".to_owned(),
    ];
    per_pod.into_iter().map(|line| (line, PODS)).collect()
}

fn note(counts: &mut BTreeMap<String, usize>, occurrence: &Occurrence) {
    let line = match occurrence {
        Occurrence::ImagePulled { total, queued, .. } => format!("pulled {total:?} {queued:?}"),
        Occurrence::PullFailed { cause, .. } => format!("pull failed {cause}"),
        Occurrence::PodFailed { cause, .. } => format!("pod failed {cause}"),
        Occurrence::Unclassified { family, .. } => format!("unclassified {family}"),
        Occurrence::NodeEventUnjoined => "unjoined".to_owned(),
        Occurrence::Evicted { table } => format!("evicted {table}"),
        _ => return,
    };
    *counts.entry(line).or_default() += 1;
}

/// What one step of a watch shows.
#[derive(Debug, Clone)]
enum Shown {
    /// The next status of this pod; after the last one it is gone.
    Status(usize),
    /// This event of this pod, with this count.
    Event(usize, usize, u32),
    /// All events so far are listed again.
    Relist,
    /// All pods so far are listed again.
    PodsRelist,
}

/// Every status in its order and every event at least once, shuffled and with repeats.
fn shows() -> impl Strategy<Value = Vec<Shown>> {
    let mut must = Vec::new();
    for pod in 0..PODS {
        must.extend((0..=statuses(pod).len()).map(|_| Shown::Status(pod)));
        must.extend((0..events(pod).len()).map(|event| Shown::Event(pod, event, 1)));
    }
    let more = prop_oneof![
        3 => (0..PODS, 0..events(0).len(), 2_u32..40).prop_map(|(pod, event, count)| Shown::Event(pod, event, count)),
        1 => Just(Shown::Relist),
        1 => Just(Shown::PodsRelist),
    ];
    prop::collection::vec(more, 0..30)
        .prop_map(move |more| must.iter().cloned().chain(more).collect::<Vec<_>>())
        .prop_shuffle()
}

fn play(shows: &[Shown]) -> BTreeMap<String, usize> {
    let policy = Arc::new(support::fake::policy(&["standard"]));
    let pods = SourceKey::namespaced(SourceKind::KubePods, NAMESPACE);
    let heard = SourceKey::namespaced(SourceKind::KubeEvents, NAMESPACE);
    let of_nodes = SourceKey::namespaced(SourceKind::KubeNodeEvents, "default");
    let mut fleet = Fleet::new(policy, vec![pods.clone(), heard.clone(), of_nodes.clone()]);
    let mut counts = BTreeMap::new();
    let mut tell = |source: &SourceKey, at: Now, body| {
        for occurrence in fleet.apply(Observation { source: source.clone(), at, body }) {
            note(&mut counts, &occurrence);
        }
    };
    tell(&pods, now(0), Body::Pod(Change::Replace(vec![])));
    tell(&heard, now(0), Body::Event(Change::Replace(vec![])));
    let mut next = [0; PODS];
    let mut written: Vec<EventReport> = Vec::new();
    for shown in shows {
        // All within a few seconds: what settles does so afterwards.
        let at = now(5);
        match shown {
            Shown::Status(pod) => {
                let change = match statuses(*pod).into_iter().nth(next[*pod]) {
                    Some(report) => Change::Upsert(Box::new(report)),
                    None => Change::Gone(uid(*pod)),
                };
                next[*pod] += 1;
                tell(&pods, at, Body::Pod(change));
            }
            Shown::Event(pod, number, count) => {
                let event = EventReport { count: *count, ..events(*pod).swap_remove(*number) };
                let source = if event.about_uid.is_some() { &heard } else { &of_nodes };
                written.retain(|known| known.uid != event.uid);
                written.push(event.clone());
                tell(source, at, Body::Event(Change::Upsert(Box::new(event))));
            }
            Shown::Relist => {
                let (of_pods, of_node): (Vec<_>, Vec<_>) =
                    written.iter().cloned().map(Box::new).partition(|event| event.about_uid.is_some());
                tell(&heard, at, Body::Event(Change::Replace(of_pods)));
                tell(&of_nodes, at, Body::Event(Change::Replace(of_node)));
            }
            Shown::PodsRelist => {
                let living = (0..PODS)
                    .filter(|pod| next[*pod] > 0)
                    .filter_map(|pod| statuses(pod).into_iter().nth(next[pod] - 1));
                tell(&pods, at, Body::Pod(Change::Replace(living.map(Box::new).collect())));
            }
        }
    }
    for seconds in (6..1200).step_by(10) {
        tell(&SourceKey::global(SourceKind::Clock), now(seconds), Body::Tick);
    }
    counts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn the_same_is_counted_in_whichever_way_it_is_told(shows in shows()) {
        prop_assert_eq!(play(&shows), expected());
    }
}
