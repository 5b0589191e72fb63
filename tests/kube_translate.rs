//! True API objects in, reports out.

#![expect(clippy::unwrap_used, reason = "a helper of tests may panic")]

use std::path::Path;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use tierwatch::observation::{ContainerState, PodRole};
use tierwatch::source::Texts;
use tierwatch::source::kube::pod_shape::Shapes;
use tierwatch::source::kube::{events, limits, nodes, pods, quotas};

fn fixture<T: DeserializeOwned>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kube").join(format!("{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn pod(name: &str) -> tierwatch::observation::PodReport {
    pods::translate(&fixture(name), &Arc::from("ci-standard"), &mut Texts::default(), &mut shapes()).unwrap()
}

fn shapes() -> Shapes {
    Shapes::new(vec![Arc::from("ci.example.com/tier")], vec![])
}

fn event(name: &str) -> tierwatch::observation::EventReport {
    events::translate(&fixture(name), &mut Texts::default()).unwrap()
}

#[test]
fn pods_say_what_judgement_needs() {
    for name in [
        "pod-unschedulable-1.24",
        "pod-unschedulable-1.35",
        "pod-gated",
        "pod-err-image-pull",
        "pod-image-pull-back-off",
        "pod-running",
        "pod-evicted",
        "pod-spot-interrupted",
        "pod-init-containers",
        "pod-hostile",
        "pod-manager",
        "pod-pause",
        "pod-runner-17.8",
    ] {
        insta::assert_yaml_snapshot!(name, pod(name));
    }
}

#[test]
fn events_say_who_what_and_when() {
    for name in ["event-kubelet-pulled", "event-kubelet-back-off", "event-scheduler", "event-combined", "event-bare"] {
        insta::assert_yaml_snapshot!(name, event(name));
    }
}

#[test]
fn nodes_say_whose_they_are_and_what_they_hold() {
    let keys = [Arc::from("ci.example.com/tier"), Arc::from("absent")];
    for name in ["node-standard", "node-not-ready"] {
        insta::assert_yaml_snapshot!(name, nodes::translate(&fixture(name), &keys, &mut Texts::default()).unwrap());
    }
}

#[test]
fn roles_come_from_labels_that_a_job_cannot_take_away() {
    for (name, role) in [
        ("pod-running", PodRole::Job),
        ("pod-runner-17.8", PodRole::Job),
        ("pod-manager", PodRole::Manager),
        ("pod-pause", PodRole::Other),
    ] {
        assert_eq!(pod(name).role, role, "{name}");
    }
}

#[test]
fn a_job_id_is_digits_or_nothing() {
    for (written, read) in [
        ("918273", Some(918_273)),
        ("", None),
        ("0", None),
        ("+5", None),
        ("-5", None),
        (" 5", None),
        ("5\n", None),
        ("0x10", None),
        ("٣", None),
        ("18446744073709551616", None),
    ] {
        let mut object: serde_json::Value = fixture("pod-running");
        object["metadata"]["annotations"]["job.runner.gitlab.com/id"] = written.into();
        let object = serde_json::from_value(object).unwrap();
        let report = pods::translate(&object, &Arc::from("ns"), &mut Texts::default(), &mut shapes()).unwrap();
        assert_eq!(report.job.map(|job| job.0), read, "{written:?}");
    }
}

#[test]
fn long_texts_are_cut() {
    let mut object: serde_json::Value = fixture("pod-err-image-pull");
    object["status"]["containerStatuses"][0]["state"]["waiting"]["message"] = "ü".repeat(100_000).into();
    object["metadata"]["name"] = "n".repeat(100_000).into();
    object["spec"]["containers"] = (0..1000)
        .map(|number| serde_json::json!({"name": if number == 0 { "build".into() } else { format!("s{number}") }}))
        .collect();
    let report = pods::translate(
        &serde_json::from_value(object).unwrap(),
        &Arc::from("ns"),
        &mut Texts::default(),
        &mut shapes(),
    )
    .unwrap();
    assert_eq!(report.name.len(), 253);
    assert_eq!(report.containers.len(), 64);
    assert!(
        report.containers.iter().any(
            |container| matches!(&container.state, ContainerState::Waiting { message, .. } if message.len() == 8192)
        )
    );
}

/// Names of Secrets are told, values in the environment never; neither are fields that nobody asked for.
#[test]
fn values_of_the_environment_are_not_kept() {
    let mut object: serde_json::Value = fixture("pod-running");
    object["spec"]["containers"][0]["env"] = serde_json::json!([{"name": "TOKEN", "value": "canary-5b1f"}]);
    object["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = "canary-5b1f".into();
    let object: pods::PodObject = serde_json::from_value(object).unwrap();
    let report = pods::translate(&object, &Arc::from("ns"), &mut Texts::default(), &mut shapes()).unwrap();
    assert!(!format!("{object:?} {report:?}").contains("canary"));
}

#[test]
fn without_an_identity_there_is_no_report() {
    for missing in ["uid", "name", "creationTimestamp"] {
        let mut object: serde_json::Value = fixture("pod-running");
        object["metadata"].as_object_mut().unwrap().remove(missing);
        let object = serde_json::from_value(object).unwrap();
        assert!(
            pods::translate(&object, &Arc::from("ns"), &mut Texts::default(), &mut shapes()).is_none(),
            "{missing}"
        );
    }
}

#[test]
fn limit_ranges_say_how_much_of_what() {
    for name in ["limits-jobs", "limits-hostile"] {
        insta::assert_yaml_snapshot!(name, limits::translate(&fixture(name), &mut Texts::default()).unwrap());
    }
}

#[test]
fn quotas_say_what_is_used_of_what() {
    for name in ["quota-jobs", "quota-scoped", "quota-new", "quota-hostile"] {
        insta::assert_yaml_snapshot!(name, quotas::translate(&fixture(name), &mut Texts::default()).unwrap());
    }
}
