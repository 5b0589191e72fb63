use super::*;

const LABEL: &str = "platform.gitlab.com/runner-tier";

fn node(name: &str, tier: &str, taints: &[(&str, &str)]) -> Box<NodeReport> {
    let taint = |(key, effect): &(&str, &str)| Taint { key: (*key).into(), value: "".into(), effect: (*effect).into() };
    Box::new(NodeReport {
        name: name.into(),
        tier_labels: vec![(LABEL.into(), tier.into())],
        ready: true,
        unschedulable: false,
        taints: taints.iter().map(taint).collect(),
        allocatable: crate::observation::Requests::default(),
    })
}

fn own(key: Option<&str>, value: Option<&str>, effect: Option<&str>) -> Toleration {
    Toleration { key: key.map(Into::into), value: value.map(Into::into), effect: effect.map(Into::into) }
}

#[test]
fn a_toleration_matches_by_what_it_says() {
    let taint = Taint { key: "pool".into(), value: "gpu".into(), effect: "NoSchedule".into() };
    for (toleration, matches) in [
        (own(None, None, None), true),
        (own(Some("pool"), None, None), true),
        (own(Some("pool"), None, Some("NoSchedule")), true),
        (own(Some("pool"), None, Some("NoExecute")), false),
        (own(Some("pool"), Some("gpu"), None), true),
        (own(Some("pool"), Some(""), None), false),
        (own(Some("other"), None, None), false),
    ] {
        assert_eq!(tolerates(&toleration, &taint), matches, "{toleration:?}");
    }
}

#[test]
fn a_preference_refuses_nobody() {
    let mut nodes = Nodes::default();
    let soft = ("DeletionCandidateOfClusterAutoscaler", "PreferNoSchedule");
    assert!(nodes.change(Change::Upsert(node("a", "standard", &[soft]))));
    assert_eq!(nodes.refusal(None, &[]), None);
    assert!(nodes.change(Change::Upsert(node("a", "standard", &[soft, ("dedicated", "NoSchedule")]))));
    assert_eq!(nodes.refusal(None, &[]), Some(Scheduling::UntoleratedTaint));
}

#[test]
fn only_what_refuses_pods_is_a_change() {
    let broken = [("node.kubernetes.io/not-ready", "NoExecute")];
    let mut nodes = Nodes::default();
    assert!(nodes.change(Change::Replace(vec![node("a", "standard", &[]), node("b", "standard", &[])])));
    let mut heartbeat = node("a", "standard", &[]);
    heartbeat.ready = false;
    assert!(!nodes.change(Change::Upsert(heartbeat)));
    assert!(nodes.change(Change::Upsert(node("a", "standard", &broken))));
    assert_eq!(nodes.refusal(None, &[]), Some(Scheduling::NodeNotReady));
    assert!(nodes.change(Change::Gone("a".into())));
    assert_eq!((nodes.refusal(None, &[]), nodes.len()), (None, 1));
}
