//! C13: two pods of which one stands by, and the check that runs before them.

use clap::Parser as _;
use serde_json::{Value, json};
use tierwatch::cli::{Check, Command, Flags, Invocation};

use super::objects::{items, pod};
use super::render::MINIMUM;
use crate::support::helm::{Helm, ci_values, config, one};

/// CI's values with a standby.
pub(super) const STANDBY: &str = "high-availability-values";

/// What the chart becomes with CI's values of a standby and these.
fn two(more: &str) -> Vec<Value> {
    let (_, values) = ci_values().into_iter().find(|(name, _)| name == STANDBY).expect("values of CI");
    Helm::V4.objects(&format!("{values}{more}"))
}

#[test]
fn two_pods_are_rolled_and_drained_one_after_the_other() {
    let objects = two("");
    let spec = &one(&objects, "Deployment")["spec"];
    assert_eq!(spec["replicas"], 2);
    // A new one is ready before an old one goes.
    let strategy = json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1, "maxUnavailable": 0 } });
    assert_eq!(spec["strategy"], strategy);
    let budget = &one(&objects, "PodDisruptionBudget")["spec"];
    assert_eq!((&budget["minAvailable"], &budget["maxUnavailable"]), (&json!(1), &Value::Null));
    assert_eq!(budget["selector"], spec["selector"], "it counts these pods");
    assert!(objects.iter().all(|object| object["kind"] != "HorizontalPodAutoscaler"));
}

#[test]
fn two_pods_share_no_node_unless_the_values_say_otherwise() {
    let objects = two("");
    let spread = &pod(&objects)["topologySpreadConstraints"];
    let [spread] = items(spread) else { panic!("{spread}") };
    assert_eq!((&spread["topologyKey"], &spread["maxSkew"]), (&json!("kubernetes.io/hostname"), &json!(1)));
    assert_eq!(spread["whenUnsatisfiable"], "DoNotSchedule");
    assert_eq!(spread["nodeTaintsPolicy"], "Honor", "else a node that is gone would keep its place free");
    assert_eq!(spread["labelSelector"], one(&objects, "Deployment")["spec"]["selector"]);

    let zones = json!([{
        "maxSkew": 1,
        "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": { "matchLabels": { "app.kubernetes.io/name": "tierwatch" } },
    }]);
    let objects = two(&format!("topologySpreadConstraints: {zones}\n"));
    assert_eq!(pod(&objects)["topologySpreadConstraints"], zones);
    assert!(
        pod(&Helm::V4.objects(MINIMUM))["topologySpreadConstraints"].is_null(),
        "one pod has nobody to be apart from"
    );
}

/// A claim is of one pod; each of the two has a place of its own, which is bounded and no memory.
#[test]
fn each_of_two_pods_has_a_state_file_of_its_own() {
    let objects = two("");
    assert!(objects.iter().all(|object| object["kind"] != "PersistentVolumeClaim"));
    let state =
        |objects: &[Value]| items(&pod(objects)["volumes"]).iter().find(|volume| volume["name"] == "state").cloned();
    assert_eq!(state(&objects), Some(json!({ "name": "state", "emptyDir": { "sizeLimit": "64Mi" } })));
    assert!(config(&objects).contains("state_file: /var/lib/tierwatch/state"));
    let without = two("state: { enabled: false }\n");
    assert_eq!(state(&without), None);
    assert!(!config(&without).contains("state_file"));
}

/// The Lease is where the pods are and called after the release, so that two releases do not count for each other.
#[test]
fn the_lease_is_the_releases_own() {
    let values =
        |lease: &str| format!("{MINIMUM}  high_availability: {{ enabled: true{lease} }}\nfullnameOverride: other\n");
    for (lease, name) in [("", "other"), (", lease_name: watchers", "watchers")] {
        let objects = Helm::V4.objects(&values(lease));
        let config =
            tierwatch::config::Config::from_yaml(&config(&objects)).unwrap_or_else(|problems| panic!("{problems}"));
        let standby = config.high_availability.expect("it is on");
        assert_eq!((standby.lease_name.as_str(), standby.namespace.as_str()), (name, "tierwatch"));
        let role =
            objects.iter().find(|object| object["kind"] == "Role" && object["metadata"]["name"] == "other-lease");
        assert_eq!(role.expect("a Role of its own")["rules"][1]["resourceNames"], json!([name]));
    }
    let none = Helm::V4.objects(&format!("{}rbac: {{ create: false }}\n", values("")));
    assert!(none.iter().all(|object| object["kind"] != "Role"), "rights are made elsewhere");
}

/// As the program reads the arguments of that container.
fn invocation(container: &Value) -> Invocation {
    let args = items(&container["args"]).iter().map(|arg| arg.as_str().expect("an argument is a text"));
    Invocation::try_parse_from(["tierwatch"].into_iter().chain(args)).unwrap_or_else(|e| panic!("{e}"))
}

/// Where two are rolled a wrong one stops before an old one goes; one pod would be gone by then, and its successor silent.
#[test]
fn a_check_runs_where_it_stops_a_roll_out() {
    let checks = |objects: &[Value]| items(&pod(objects)["initContainers"]).len();
    assert_eq!(checks(&Helm::V4.objects(MINIMUM)), 0);
    assert_eq!(checks(&Helm::V4.objects(&format!("{MINIMUM}check: {{ mode: always }}\n"))), 1);
    assert_eq!(checks(&two("")), 1);
    assert_eq!(checks(&two("check: { mode: never }\n")), 0);
}

#[test]
fn the_check_looks_at_what_the_daemon_will_have() {
    let more = "webConfig: { existingSecret: tierwatch-web, tls: true }\nextraEnv: [{ name: HTTPS_PROXY, value: \"http://proxy:3128\" }]\n";
    let objects = two(more);
    let pod = pod(&objects);
    let (check, daemon) = (&pod["initContainers"][0], &pod["containers"][0]);
    for key in ["image", "imagePullPolicy", "env", "securityContext", "volumeMounts"] {
        assert!(!check[key].is_null() && check[key] == daemon[key], "{key}: {} {}", check[key], daemon[key]);
    }
    assert_eq!(check["terminationMessagePolicy"], "FallbackToLogsOnError", "whoever describes the pod reads why");
    let (asked, runs) = (invocation(check), invocation(daemon));
    assert!(matches!(asked.command, Command::Check(Check { offline: true, .. })), "an outage of GitLab stops nothing");
    let reads = |flags: Flags| (flags.config_file, flags.listen, flags.web_config);
    let (asked, runs) = (reads(asked.flags), reads(runs.flags));
    assert!(asked == runs && asked.2.is_some(), "{asked:?} {runs:?}");
}
