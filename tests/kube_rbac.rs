//! The printed rights are what the sources declare, and only reading.

use std::sync::Arc;
use std::time::Duration;

use tierwatch::config::{HighAvailability, Kubernetes};
use tierwatch::model::policy::{History, Objective, Policy, Staleness, TierPolicy, Urgency};
use tierwatch::source::kube::plan;
use tierwatch::source::kube::rbac::{Need, print};

fn policy() -> Policy {
    let day = Duration::from_secs(86_400);
    let tier = |name: &str, namespaces: &[&str], managers: &[&str]| TierPolicy {
        name: name.into(),
        tags: Vec::new(),
        run_untagged: false,
        runners: Vec::new(),
        namespaces: namespaces.iter().map(|namespace| Arc::from(*namespace)).collect(),
        manager_namespaces: managers.iter().map(|namespace| Arc::from(*namespace)).collect(),
        node_label: "ci.example.com/tier".into(),
        capacity: None,
        urgency: Urgency::Ticket,
        objective: Objective { target: 0.99, window: day, start_within: day, min_jobs: 1 },
        runbook_url: None,
        token: Default::default(),
        posture: None,
        expects_traffic: None,
        conditions: tierwatch::model::policy::Thresholds::default(),
    };
    Policy {
        tiers: vec![
            tier("deploy", &["ci-deploy"], &["gitlab-runner"]),
            tier("standard", &["ci-standard", "ci-deploy"], &["gitlab-runner", "ci-standard"]),
        ],
        staleness: Staleness { queue: day, runners: day, watch: day },
        sweep: day,
        registries: Vec::new(),
        history: History { max_age: day, max_jobs: 1 },
        keep_firing_for: std::time::Duration::from_secs(120),
    }
}

fn kubernetes(enabled: bool, cluster_scoped: bool) -> Kubernetes {
    Kubernetes { enabled, kubeconfig: None, context: None, cluster_scoped }
}

#[test]
fn printed() {
    insta::assert_snapshot!(print(&policy(), &kubernetes(true, true), None));
}

#[test]
fn nothing_for_what_is_not_watched() {
    assert!(!print(&policy(), &kubernetes(true, false), None).contains("ClusterRole"));
    let off = print(&policy(), &kubernetes(false, true), None);
    assert!(off.lines().all(|line| line.starts_with('#')), "{off}");
}

/// (namespace, group, resource, verbs) of every rule.
type Right = (Option<String>, String, String, Vec<String>);

/// Reads the manifests back, as flat as they are written.
fn rights(printed: &str) -> Vec<Right> {
    let mut rights = Vec::new();
    for document in printed.split("---\n") {
        let value = |line: &str, key: &str| line.trim_start_matches([' ', '-']).strip_prefix(key).map(str::to_owned);
        let Some(head) = document.split("rules:\n").next().filter(|head| head.len() < document.len()) else { continue };
        let namespace = head.lines().find_map(|line| value(line, "namespace: "));
        let (mut group, mut resource) = (String::new(), String::new());
        for line in document.lines() {
            if let Some(found) = value(line, "apiGroups: ") {
                group = found.trim_matches(['[', ']', '"']).to_owned();
            } else if let Some(found) = value(line, "resources: ") {
                resource = found.trim_matches(['[', ']']).to_owned();
            } else if let Some(found) = value(line, "verbs: ") {
                let verbs = found.trim_matches(['[', ']']).split(", ").map(str::to_owned).collect();
                rights.push((namespace.clone(), group.clone(), resource.clone(), verbs));
            }
        }
    }
    rights.sort();
    rights
}

#[test]
fn what_is_declared_is_what_is_printed() {
    let kubernetes = kubernetes(true, true);
    let mut declared: Vec<Right> = plan(&policy(), &kubernetes)
        .into_iter()
        .map(|key| {
            let need = Need::of(key.kind);
            assert_eq!(need.namespaced, key.namespace.is_some());
            let verbs = need.verbs.iter().map(|verb| (*verb).to_owned()).collect();
            (key.namespace.map(|namespace| namespace.to_string()), need.group.into(), need.resource.into(), verbs)
        })
        .collect();
    declared.sort();
    let printed = rights(&print(&policy(), &kubernetes, None));
    assert_eq!(printed, declared);
    assert_eq!(printed.len(), 23);
    for (_, _, resource, verbs) in printed {
        assert!(verbs.iter().all(|verb| ["get", "list", "watch"].contains(&verb.as_str())), "{resource}: {verbs:?}");
        assert!(!["secrets", "pods/log", "pods/exec"].contains(&resource.as_str()));
    }
}

#[test]
fn a_standby_may_write_its_lease_and_nothing_else() {
    let lease = HighAvailability {
        lease_name: "watchers".into(),
        namespace: "observability".into(),
        lease_duration: Duration::from_secs(15),
        renew_deadline: Duration::from_secs(10),
        retry_period: Duration::from_secs(2),
    };
    let alone = print(&policy(), &kubernetes(true, true), None);
    let with = print(&policy(), &kubernetes(true, true), Some(&lease));
    let rest = alone.split_once("namespace by namespace.").expect("the first line says so").1;
    let (_, lease) = with.split_once(rest).expect("everything else is as it was");
    insta::assert_snapshot!(lease);
}
