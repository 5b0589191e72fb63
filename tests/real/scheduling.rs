//! What the real scheduler says of pods that it cannot place: word for word, since that is what tierwatch reads.

use crate::support::job_pod::JobPod;
use crate::support::stage::{NodeSpec, Stage};

/// What follows the reasons since dynamic resource allocation: the same text again would be counted twice by a careless reader.
const NO_VICTIMS: &str =
    "no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.";
const NO_HELP: &str =
    "no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";

#[tokio::test]
async fn the_scheduler_says_when_cpu_is_short() {
    let stage = Stage::take().await;
    let namespace = stage.namespace("standard", Some("baseline")).await;
    stage.node(&NodeSpec { cpu: "2", ..NodeSpec::new("small") }).await;
    let first = stage.job_pod(&namespace, &JobPod { cpu: "1", ..JobPod::new(501) }).await;
    assert_eq!(stage.scheduled(&namespace, &first).await, "small");
    let waiting = stage.job_pod(&namespace, &JobPod { cpu: "1", ..JobPod::new(502) }).await;
    let never = stage.job_pod(&namespace, &JobPod { cpu: "3", ..JobPod::new(503) }).await;

    // One waits for the other, the third for a larger node: only the tail tells them apart.
    let said = stage.refusal(&namespace, &waiting).await;
    assert_eq!(said, format!("0/1 nodes are available: 1 Insufficient cpu. {NO_VICTIMS}"));
    let said_never = stage.refusal(&namespace, &never).await;
    assert_eq!(said_never, format!("0/1 nodes are available: 1 Insufficient cpu. {NO_HELP}"));

    let events = stage.events(&namespace, &waiting, "FailedScheduling").await;
    let event = &events[0];
    assert_eq!(event.message.as_deref(), Some(&*said), "the event says what the condition says");
    // The new recorder: no source, no count, no old times.
    assert_eq!(event.reporting_component.as_deref(), Some("default-scheduler"));
    assert_eq!(event.source.as_ref().and_then(|source| source.component.as_deref()), None);
    assert_eq!((event.count, &event.last_timestamp), (None, &None));
    assert!(event.event_time.is_some(), "{event:?}");

    stage.delete_pod(&namespace, &first).await;
    assert_eq!(stage.scheduled(&namespace, &waiting).await, "small", "the end of the first makes room");
}

#[tokio::test]
async fn the_scheduler_says_when_a_taint_is_not_tolerated() {
    let stage = Stage::take().await;
    let namespace = stage.namespace("deployment", Some("baseline")).await;
    let taints = &[("platform.gitlab.com/runner-tier", "deployment", "NoSchedule")];
    stage.node(&NodeSpec { taints, ..NodeSpec::new("tainted") }).await;
    let stranger = stage.job_pod(&namespace, &JobPod::new(511)).await;
    let guest = stage.job_pod(&namespace, &JobPod { tolerations: taints, ..JobPod::new(512) }).await;

    // Key and value are gone since 1.35: only the Node object tells them.
    let said = stage.refusal(&namespace, &stranger).await;

    assert_eq!(said, format!("0/1 nodes are available: 1 node(s) had untolerated taint(s). {NO_HELP}"));
    assert_eq!(stage.scheduled(&namespace, &guest).await, "tainted");
    stage.taint("tainted", &[]).await;
    assert_eq!(stage.scheduled(&namespace, &stranger).await, "tainted", "without the taint it fits");
}

#[tokio::test]
async fn the_scheduler_says_when_no_node_has_the_label() {
    let stage = Stage::take().await;
    let namespace = stage.namespace("standard", Some("baseline")).await;
    stage
        .node(&NodeSpec { labels: &[("platform.gitlab.com/runner-tier", "deployment")], ..NodeSpec::new("other") })
        .await;
    let node_selector = &[("platform.gitlab.com/runner-tier", "standard")];
    let pod = stage.job_pod(&namespace, &JobPod { node_selector, ..JobPod::new(521) }).await;

    let said = stage.refusal(&namespace, &pod).await;

    assert_eq!(
        said,
        format!("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. {NO_HELP}")
    );
}

#[tokio::test]
async fn the_scheduler_says_when_there_is_no_node_at_all() {
    let stage = Stage::take().await;
    let namespace = stage.namespace("standard", None).await;
    let pod = stage.job_pod(&namespace, &JobPod::new(531)).await;

    let said = stage.refusal(&namespace, &pod).await;

    assert_eq!(said, "no nodes available to schedule pods");
}
