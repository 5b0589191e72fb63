//! The real scheduler is made to say each cause that it can say, and the daemon's metrics name it.
//!
//! What a taint means is told by the nodes: see `daemon.rs`.

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::api::scheduling::v1::PriorityClass;
use kube::ResourceExt as _;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};

use crate::daemon::{unschedulable, watching};
use crate::support::daemon::Daemon;
use crate::support::job_pod::JobPod;
use crate::support::stage::{NodeSpec, Stage};

/// A claim, bound to a volume as the volume controller would have done where `volume` is given.
async fn claim(stage: &Stage, namespace: &str, name: &str, volume: Option<Value>) {
    let access = json!(["ReadWriteOnce"]);
    let size = json!({ "storage": "1Gi" });
    let claims = Api::<PersistentVolumeClaim>::namespaced(stage.admin.clone(), namespace);
    let volume_name = format!("{namespace}-{name}");
    let mut wanted = json!({
        "metadata": { "name": name },
        "spec": { "storageClassName": "", "accessModes": access, "resources": { "requests": size } },
    });
    if volume.is_some() {
        wanted["metadata"]["annotations"] = json!({ "pv.kubernetes.io/bind-completed": "yes" });
        wanted["spec"]["volumeName"] = json!(volume_name);
    }
    let made = stage.make(claims, wanted).await;
    let Some(mut volume) = volume else { return };
    volume["metadata"]["name"] = json!(volume_name);
    volume["spec"]["capacity"] = size;
    volume["spec"]["accessModes"] = access;
    volume["spec"]["hostPath"] = json!({ "path": "/data" });
    volume["spec"]["claimRef"] = json!({
        "kind": "PersistentVolumeClaim", "apiVersion": "v1",
        "namespace": namespace, "name": name, "uid": made.uid().expect("a made object has a uid"),
    });
    stage.make(Api::<PersistentVolume>::all(stage.admin.clone()), volume).await;
}

/// The pod's cache is that claim.
fn mount(pod: &mut Value, claim: &str) {
    let volumes = pod["spec"]["volumes"].as_array_mut().expect("a job pod has volumes");
    volumes.push(json!({ "name": "cache", "persistentVolumeClaim": { "claimName": claim } }));
}

fn build(pod: &mut Value) -> &mut Value {
    &mut pod["spec"]["containers"][0]
}

async fn says(daemon: &Daemon, cause: &str, pods: f64) {
    daemon.shows(&unschedulable("standard", cause), pods).await;
}

#[tokio::test]
async fn the_metrics_name_what_a_pod_asks_in_vain_of_the_only_node() {
    let stage = Stage::take().await;
    let (standard, _, _platform, daemon) = watching(&stage).await;
    says(&daemon, "no_nodes", 0.0).await;

    stage.job_pod(&standard, &JobPod { cpu: "30", ..JobPod::new(801) }).await;
    says(&daemon, "no_nodes", 1.0).await;
    let labels = &[("topology.kubernetes.io/zone", "a")];
    stage.node(&NodeSpec { labels, ..NodeSpec::new("worker") }).await;
    says(&daemon, "insufficient_cpu", 1.0).await;
    says(&daemon, "no_nodes", 0.0).await;

    stage.job_pod(&standard, &JobPod { memory: "64Gi", ..JobPod::new(802) }).await;
    says(&daemon, "insufficient_memory", 1.0).await;
    let pod = JobPod::new(803);
    let disk = |pod: &mut Value| build(pod)["resources"]["requests"]["ephemeral-storage"] = json!("200Gi");
    stage.job_pod_with(&standard, &pod, disk).await;
    says(&daemon, "insufficient_ephemeral_storage", 1.0).await;
    let gpu = |pod: &mut Value| build(pod)["resources"]["limits"]["nvidia.com/gpu"] = json!("1");
    stage.job_pod_with(&standard, &JobPod::new(804), gpu).await;
    says(&daemon, "insufficient_extended_resource", 1.0).await;
    let gate = |pod: &mut Value| pod["spec"]["schedulingGates"] = json!([{ "name": "example.com/quota" }]);
    stage.job_pod_with(&standard, &JobPod::new(805), gate).await;
    says(&daemon, "scheduling_gated", 1.0).await;

    let port = |pod: &mut Value| build(pod)["ports"] = json!([{ "containerPort": 8080, "hostPort": 8080 }]);
    let first = stage.job_pod_with(&standard, &JobPod::new(806), port).await;
    assert_eq!(stage.scheduled(&standard, &first).await, "worker");
    stage.job_pod_with(&standard, &JobPod::new(807), port).await;
    says(&daemon, "host_port", 1.0).await;

    let racks = json!([{
        "maxSkew": 1, "topologyKey": "example.com/rack", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {},
    }]);
    stage.job_pod_with(&standard, &JobPod::new(808), |pod| pod["spec"]["topologySpreadConstraints"] = racks).await;
    says(&daemon, "topology_spread", 1.0).await;
    let near = |kind: &str, project: &str| {
        json!({ kind: { "requiredDuringSchedulingIgnoredDuringExecution": [{
            "topologyKey": "kubernetes.io/hostname",
            "labelSelector": { "matchLabels": { "project.runner.gitlab.com/id": project } },
        }]}})
    };
    let friend = near("podAffinity", "7");
    stage.job_pod_with(&standard, &JobPod::new(809), |pod| pod["spec"]["affinity"] = friend).await;
    says(&daemon, "pod_affinity", 1.0).await;
    // The pod with the port is of project 42 and runs there.
    let foe = near("podAntiAffinity", "42");
    stage.job_pod_with(&standard, &JobPod::new(810), |pod| pod["spec"]["affinity"] = foe).await;
    says(&daemon, "pod_affinity", 2.0).await;
    says(&daemon, "other", 0.0).await;
}

#[tokio::test]
async fn the_metrics_name_a_spread_that_would_become_too_uneven() {
    let stage = Stage::take().await;
    const A: &[(&str, &str)] = &[("example.com/rack", "a")];
    const B: &[(&str, &str)] = &[("example.com/rack", "b")];
    for (name, labels) in [("first", A), ("second", A), ("third", B)] {
        stage.node(&NodeSpec { labels, ..NodeSpec::new(name) }).await;
    }
    // The only node of the other rack takes nothing, and the rack counts all the same.
    stage.cordon("third").await;
    let (standard, _, _platform, daemon) = watching(&stage).await;
    says(&daemon, "topology_spread", 0.0).await;
    let evenly = |pod: &mut Value| {
        pod["spec"]["topologySpreadConstraints"] = json!([{
            "maxSkew": 1, "topologyKey": "example.com/rack", "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": { "matchLabels": { "project.runner.gitlab.com/id": "42" } },
        }]);
    };
    let first = stage.job_pod_with(&standard, &JobPod::new(843), evenly).await;
    assert!(["first", "second"].contains(&stage.scheduled(&standard, &first).await.as_str()));
    let second = stage.job_pod_with(&standard, &JobPod::new(844), evenly).await;
    says(&daemon, "topology_spread", 1.0).await;
    let refusal = stage.refusal(&standard, &second).await;
    assert!(refusal.contains("2 node(s) didn't match pod topology spread constraints"), "{refusal}");
    says(&daemon, "other", 0.0).await;
}

#[tokio::test]
async fn the_metrics_name_volumes_that_are_missing_unbound_or_elsewhere() {
    let stage = Stage::take().await;
    let labels = &[("topology.kubernetes.io/zone", "a")];
    stage.node(&NodeSpec { labels, ..NodeSpec::new("worker") }).await;
    let (standard, _, _platform, daemon) = watching(&stage).await;
    says(&daemon, "volume", 0.0).await;
    let elsewhere = json!({ "metadata": {}, "spec": { "nodeAffinity": { "required": { "nodeSelectorTerms": [{
        "matchExpressions": [{ "key": "kubernetes.io/hostname", "operator": "In", "values": ["gone"] }],
    }]}}}});
    let zone = json!({ "metadata": { "labels": { "topology.kubernetes.io/zone": "b" } }, "spec": {} });
    claim(&stage, &standard, "unbound", None).await;
    claim(&stage, &standard, "elsewhere", Some(elsewhere)).await;
    claim(&stage, &standard, "zone", Some(zone)).await;

    for (job, (name, said)) in (821..).zip([
        ("missing", "persistentvolumeclaim \"missing\" not found"),
        ("unbound", "pod has unbound immediate PersistentVolumeClaims"),
        ("elsewhere", "1 node(s) didn't match PersistentVolume's node affinity"),
        ("zone", "1 node(s) had no available volume zone"),
    ]) {
        let pod = stage.job_pod_with(&standard, &JobPod::new(job), |pod| mount(pod, name)).await;
        let refusal = stage.refusal(&standard, &pod).await;
        assert!(refusal.starts_with(&format!("0/1 nodes are available: {said}.")), "{refusal}");
        says(&daemon, "volume", f64::from(u32::try_from(job - 820).expect("a few pods"))).await;
    }
    says(&daemon, "other", 0.0).await;
}

#[tokio::test]
async fn the_metrics_name_a_full_node_and_a_cordoned_one() {
    let stage = Stage::take().await;
    stage.node(&NodeSpec { pods: "1", ..NodeSpec::new("worker") }).await;
    let (standard, _, _platform, daemon) = watching(&stage).await;
    says(&daemon, "insufficient_pods", 0.0).await;
    let first = stage.job_pod(&standard, &JobPod::new(831)).await;
    assert_eq!(stage.scheduled(&standard, &first).await, "worker");
    let second = stage.job_pod(&standard, &JobPod::new(832)).await;
    says(&daemon, "insufficient_pods", 1.0).await;

    stage.delete_pod(&standard, &second).await;
    stage.cordon("worker").await;
    stage.job_pod(&standard, &JobPod::new(833)).await;
    says(&daemon, "unschedulable_node", 1.0).await;
    says(&daemon, "insufficient_pods", 0.0).await;
    let entered = |cause: &str| format!("tierwatch_scheduling_failures_total{{tier=\"standard\",cause=\"{cause}\"}}");
    daemon.shows(&entered("insufficient_pods"), 1.0).await;
    daemon.shows(&entered("unschedulable_node"), 1.0).await;
}

#[tokio::test]
async fn the_metrics_tell_a_pod_that_waits_for_its_victims_from_one_without_room() {
    let stage = Stage::take().await;
    stage.node(&NodeSpec { cpu: "2", ..NodeSpec::new("worker") }).await;
    let (standard, _, _platform, daemon) = watching(&stage).await;
    says(&daemon, "nominated_waiting", 0.0).await;
    let classes = Api::<PriorityClass>::all(stage.admin.clone());
    let urgent = json!({
        "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": { "name": "urgent" }, "value": 1000,
    });
    let ours = PatchParams::apply("tests").force();
    classes.patch("urgent", &ours, &Patch::Apply(urgent)).await.expect("a priority class can be made");
    let victim = stage.job_pod(&standard, &JobPod { cpu: "1500m", ..JobPod::new(841) }).await;
    assert_eq!(stage.scheduled(&standard, &victim).await, "worker");

    // No kubelet confirms the victim's end, so it goes on going.
    let heir = JobPod { cpu: "1500m", ..JobPod::new(842) };
    let heir = stage.job_pod_with(&standard, &heir, |pod| pod["spec"]["priorityClassName"] = json!("urgent")).await;
    says(&daemon, "nominated_waiting", 1.0).await;
    let refusal = stage.refusal(&standard, &heir).await;
    assert!(refusal.starts_with("0/1 nodes are available: 1 Insufficient cpu."), "{refusal}");

    stage.delete_pod(&standard, &victim).await;
    assert_eq!(stage.scheduled(&standard, &heir).await, "worker");
    says(&daemon, "nominated_waiting", 0.0).await;
}
