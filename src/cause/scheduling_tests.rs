//! Texts of kube-scheduler 1.8–1.37 and of schedulers built on it.

use super::*;
use proptest::prelude::*;

fn dominant(message: &str) -> Scheduling {
    classify(message).dominant
}

/// Each reason a plugin can give, by the source that holds it.
const REASONS: &[(&str, Scheduling)] = &[
    // pkg/scheduler/framework/plugins/noderesources/fit.go
    ("Insufficient cpu", Scheduling::InsufficientCpu),
    ("Insufficient memory", Scheduling::InsufficientMemory),
    ("Insufficient ephemeral-storage", Scheduling::InsufficientEphemeralStorage),
    ("Insufficient hugepages-2Mi", Scheduling::InsufficientExtendedResource),
    ("Insufficient nvidia.com/mig-1g.5gb", Scheduling::InsufficientExtendedResource),
    ("Insufficient example.com/volume", Scheduling::InsufficientExtendedResource),
    ("Too many pods", Scheduling::InsufficientPods),
    // pkg/scheduler/framework/plugins/tainttoleration
    ("node(s) had taints that the pod didn't tolerate", Scheduling::UntoleratedTaint),
    ("node(s) had taint {a.b/c: d}, that the pod didn't tolerate", Scheduling::UntoleratedTaint),
    ("node(s) had untolerated taint {volume: pvc}", Scheduling::UntoleratedTaint),
    ("node(s) had untolerated taint(s)", Scheduling::UntoleratedTaint),
    // pkg/scheduler/framework/plugins/nodeaffinity, nodename, nodelabel
    ("node(s) didn't match node selector", Scheduling::NodeAffinity),
    ("node(s) didn't match Pod's node affinity", Scheduling::NodeAffinity),
    ("node(s) didn't match Pod's node affinity/selector", Scheduling::NodeAffinity),
    ("node(s) didn't match scheduler-enforced node affinity", Scheduling::NodeAffinity),
    ("node(s) didn't match the requested node name", Scheduling::NodeAffinity),
    ("node(s) didn't have the requested labels", Scheduling::NodeAffinity),
    // pkg/scheduler/framework/plugins/nodeunschedulable, nodeports
    ("node(s) were unschedulable", Scheduling::UnschedulableNode),
    ("node(s) didn't have free ports for the requested pod ports", Scheduling::HostPort),
    // pkg/scheduler/framework/plugins/podtopologyspread, interpodaffinity
    ("node(s) didn't match pod topology spread constraints", Scheduling::TopologySpread),
    ("node(s) didn't match pod topology spread constraints (missing required label)", Scheduling::TopologySpread),
    ("node(s) didn't match pod affinity rules", Scheduling::PodAffinity),
    ("node(s) didn't match pod anti-affinity rules", Scheduling::PodAffinity),
    ("node(s) didn't satisfy existing pods anti-affinity rules", Scheduling::PodAffinity),
    ("node(s) didn't match pod affinity/anti-affinity rules", Scheduling::PodAffinity),
    // pkg/scheduler/framework/plugins/volumebinding, volumezone, volumerestrictions, nodevolumelimits
    ("node(s) had volume node affinity conflict", Scheduling::Volume),
    ("node(s) didn't match PersistentVolume's node affinity", Scheduling::Volume),
    ("node(s) didn't find available persistent volumes to bind", Scheduling::Volume),
    ("node(s) did not have enough free storage", Scheduling::Volume),
    ("node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)", Scheduling::Volume),
    ("node(s) had no available volume zone", Scheduling::Volume),
    ("node(s) had no available disk", Scheduling::Volume),
    ("node(s) exceed max volume count", Scheduling::Volume),
    (
        "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode",
        Scheduling::Volume,
    ),
    (
        "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod",
        Scheduling::Volume,
    ),
    ("pod has unbound immediate PersistentVolumeClaims", Scheduling::Volume),
    // pkg/scheduler/framework/plugins/dynamicresources
    ("cannot allocate all claims", Scheduling::InsufficientExtendedResource),
    ("resourceclaim not available on the node", Scheduling::InsufficientExtendedResource),
    // not ours to name
    ("node(s) were not ready", Scheduling::Other),
    ("Node(s) failed Filter plugin MyFilter", Scheduling::Other),
    ("node(s) had unavailable network", Scheduling::Other),
];

#[test]
fn each_reason_is_known_alone_and_before_any_tail() {
    let tails = [
        "",
        ".",
        ". preemption: 0/7 nodes are available: 7 Insufficient pods.",
        ". preemption: 0/7 nodes are available: 7 No preemption victims found for incoming pod..",
        ". no new claims to deallocate, preemption: 0/7 nodes are available: 7 Preemption is not helpful for scheduling.",
    ];
    for (text, cause) in REASONS {
        for tail in tails {
            let message = format!("0/7 nodes are available: 7 {text}{tail}");
            assert_eq!(classify(&message), Verdict { dominant: *cause, causes: vec![(*cause, 7)] }, "{message}");
        }
    }
}

#[test]
fn texts_without_a_count_are_known() {
    for (message, cause) in [
        // scheduler.go, ErrNoNodesAvailable; FitError of an empty cluster
        ("no nodes available to schedule pods", Scheduling::NoNodes),
        ("0/0 nodes are available", Scheduling::NoNodes),
        // volumebinding pre-filter
        ("0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found", Scheduling::Volume),
        ("0/3 nodes are available: persistentvolumeclaim \"x\" is being deleted.", Scheduling::Volume),
        ("persistentvolumeclaim \"cpu\" not found", Scheduling::Volume),
        (
            "running PreBind plugin \"VolumeBinding\": binding volumes: timed out waiting for the condition",
            Scheduling::Volume,
        ),
        ("running PreBind plugin \"VolumeBinding\": binding volumes: context deadline exceeded", Scheduling::Volume),
        // dynamicresources pre-enqueue
        (
            "waiting for dynamic resource controller to create the resourceclaim \"gpu-x\"",
            Scheduling::InsufficientExtendedResource,
        ),
        // defaultpreemption
        ("preemption: not eligible due to a terminating pod on the nominated node.", Scheduling::NominatedWaiting),
        ("waiting for the preemption for this pod to be finished", Scheduling::NominatedWaiting),
        ("Scheduling is blocked due to non-empty scheduling gates", Scheduling::SchedulingGated),
        ("(combined from similar events): 0/2 nodes are available: 2 Insufficient cpu.", Scheduling::InsufficientCpu),
        ("skip schedule deleting pod: ci/runner-x", Scheduling::Other),
        ("0/3 nodes are unavailable: 3 Insufficient cpu.", Scheduling::InsufficientCpu),
        ("", Scheduling::Other),
    ] {
        assert_eq!(dominant(message), cause, "{message}");
    }
}

#[test]
fn weight_decides_then_order_and_other_never_wins_a_tie() {
    let verdict = classify(
        "0/9 nodes are available: 1 Too many pods, 2 node(s) had taint {a: b}, that the pod didn't tolerate, \
         2 node(s) had taint {c: d}, that the pod didn't tolerate, 3 Insufficient cpu.",
    );
    assert_eq!(verdict.dominant, Scheduling::UntoleratedTaint);
    assert_eq!(
        verdict.causes,
        [(Scheduling::InsufficientCpu, 3), (Scheduling::InsufficientPods, 1), (Scheduling::UntoleratedTaint, 4)]
    );
    assert_eq!(dominant("0/2 nodes are available: 1 Too many pods, 1 Insufficient cpu."), Scheduling::InsufficientPods);
    assert_eq!(dominant("0/2 nodes are available: 1 Unheard of, 1 Insufficient cpu."), Scheduling::InsufficientCpu);
    assert_eq!(dominant("0/3 nodes are available: 2 Unheard of, 1 Insufficient cpu."), Scheduling::Other);
}

#[test]
fn commas_inside_a_reason_do_not_split_it_and_half_a_reason_is_dropped() {
    let verdict = classify(
        "0/4 nodes are available: 1 node(s) declared features check failed - unsatisfied requirements: A, B, \
         3 Insufficient cpu.",
    );
    assert_eq!(verdict.causes, [(Scheduling::InsufficientCpu, 3), (Scheduling::Other, 1)]);
    let cut = classify("0/40 nodes are available: 1 Insufficient cpu, 39 node(s) had untol ...");
    assert_eq!(cut.causes, [(Scheduling::InsufficientCpu, 1)]);
    let note = classify(
        "No nodes are available that match all of the predicates: Insufficient cpu (2), PodToleratesNodeTaints (1).",
    );
    assert_eq!(note.causes, [(Scheduling::InsufficientCpu, 2), (Scheduling::UntoleratedTaint, 1)]);
}

proptest! {
    /// The scheduler sorts its list as strings, cluster-autoscaler does not sort at all.
    #[test]
    fn order_counts_and_tail_do_not_change_the_causes(
        picks in proptest::collection::vec((0..REASONS.len(), 1_u32..500), 1..8),
        turn in 0_usize..8,
        tail in 0_usize..REASONS.len(),
    ) {
        let list = |picks: &[(usize, u32)]| {
            let items: Vec<_> = picks.iter().map(|(at, count)| format!("{count} {}", REASONS[*at].0)).collect();
            format!("0/999 nodes are available: {}.", items.join(", "))
        };
        let straight = classify(&list(&picks));
        let mut turned = picks.clone();
        turned.rotate_left(turn % picks.len());
        prop_assert_eq!(&classify(&list(&turned)).causes, &straight.causes);
        let tailed = format!("{} preemption: 0/999 nodes are available: 999 {}.", list(&picks), REASONS[tail].0);
        prop_assert_eq!(&classify(&tailed), &straight);
        let sum: u32 = picks.iter().map(|pick| pick.1).sum();
        prop_assert_eq!(straight.causes.iter().map(|cause| cause.1).sum::<u32>(), sum);
    }

    #[test]
    fn any_taint_is_a_taint(key in "[a-zA-Z./-]{1,30}", value in "[a-zA-Z0-9.-]{0,10}", count in 1_u32..9999) {
        let told = vec![(Scheduling::UntoleratedTaint, count)];
        for text in ["had untolerated taint {K: V}", "had taint {K: V}, that the pod didn't tolerate"] {
            let text = text.replace("{K: V}", &format!("{{{key}: {value}}}"));
            let message = format!("0/{count} nodes are available: {count} node(s) {text}.");
            prop_assert_eq!(&classify(&message).causes, &told);
        }
    }

    #[test]
    fn any_resource_is_a_resource(domain in "[a-z]{1,8}\\.[a-z]{2,5}", name in "[a-z0-9-]{1,12}", count in 1_u32..9) {
        let message = format!("0/9 nodes are available: {count} Insufficient {domain}/{name}.");
        prop_assert_eq!(classify(&message).causes, vec![(Scheduling::InsufficientExtendedResource, count)]);
    }

    #[test]
    fn never_panics(message in "\\PC{0,200}", start in "(0/3 nodes are available: )?") {
        let _ = classify(&format!("{start}{message}"));
    }
}
