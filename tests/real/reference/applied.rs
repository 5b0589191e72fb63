//! tierwatch looks at the platform: no violation in any tier, and with each piece taken away from every tier at once, in
//! every tier exactly that piece's own.

use std::fmt::Write as _;

use serde_json::{Value, json};
use tierwatch::clock::Clock;
use tierwatch::demo::{Demo, scenario};

use super::platform::{Platform, TIERS};
use super::runner::{job, manager, rights, runner_table, table};
use crate::support::boundaries::settles;
use crate::support::cluster::User;
use crate::support::daemon::{Daemon, print};
use crate::support::job_pod::JobPod;
use crate::support::stage::{NodeSpec, Stage};

const LABEL: &str = "platform.gitlab.com/runner-tier";

/// The platform on the cluster, GitLab beside it, and tierwatch's configuration for both.
struct Applied {
    stage: Stage,
    platform: Platform,
    config: String,
    _gitlab: Demo,
}

impl Applied {
    async fn new() -> Self {
        let stage = Stage::take().await;
        let gitlab = Demo::start(scenario::show(), 7, Clock::system()).await.expect("loopback has free ports");
        // The simulated GitLab's privileged runner takes jobs of any ref.
        let platform = Platform::of(&gitlab.gitlab_url, |tiers| tiers["privileged"]["protected"] = false.into());
        let kubeconfig = stage.cluster.kubeconfig_file(User::Tierwatch, stage.cluster.api_port());
        let config = platform.config(&gitlab.token_file().display().to_string(), kubeconfig.to_str());
        let applied = Self { stage, platform, config, _gitlab: gitlab };
        let manifests = applied.platform.manifests();
        let (namespaces, contents): (Vec<_>, Vec<_>) =
            manifests.values().partition(|object| object["kind"] == "Namespace");
        for object in namespaces.into_iter().chain(contents) {
            applied.apply(object).await;
        }
        applied.stage.node(&NodeSpec::new("system-node")).await;
        for tier in TIERS {
            applied.node(tier).await;
            applied.rights(tier, applied.platform.values(tier)).await;
            applied.managers(tier, applied.platform.values(tier)).await;
        }
        applied.stage.apply_rights(&print(&["print", "rbac"], &applied.config)).await;
        applied
    }

    async fn apply(&self, object: &Value) {
        self.stage.apply(&path(object), object).await;
    }

    /// A node as Karpenter makes one of the tier's pool.
    async fn node(&self, tier: &'static str) {
        let template = &self.platform.node_pool(tier)["spec"]["template"];
        assert_eq!(template["metadata"]["labels"][LABEL], tier);
        let taint = &template["spec"]["taints"][0];
        let part = |key: &str| leaked(taint[key].as_str().expect("a part of a taint"));
        let taints = Box::leak(Box::new([(part("key"), part("value"), part("effect"))]));
        let labels = Box::leak(Box::new([(LABEL, tier)]));
        let spec =
            NodeSpec { labels, taints, cpu: "16", memory: "64Gi", ..NodeSpec::new(leaked(&format!("{tier}-node"))) };
        self.stage.node(&spec).await;
    }

    async fn rights(&self, tier: &str, values: &Value) {
        for (resource, object) in rights(values, &managing(tier)) {
            let path = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{}/{resource}/gitlab-runner", jobs(tier));
            self.stage.apply(&path, &object).await;
        }
    }

    /// The tier's managers, in place of those that were there.
    async fn managers(&self, tier: &str, values: &Value) {
        self.empty(&managing(tier)).await;
        for number in 1..=values["replicas"].as_u64().expect("a number of managers") {
            let change = |pod: &mut Value| manager(values, pod, number);
            let made = self.stage.try_job_pod_with(&managing(tier), &JobPod::new(number), change).await;
            made.unwrap_or_else(|e| panic!("a manager of {tier}: {e}"));
        }
    }

    /// The pod of one job of the tier, made by a runner with this configuration; or why the cluster refuses it.
    async fn job(&self, tier: &str, runner: &Value) -> Result<String, String> {
        let plan = JobPod::new(970);
        let made = self.stage.try_job_pod_with(&jobs(tier), &plan, |pod| job(runner, pod)).await;
        made.map(|_| plan.name()).map_err(|e| e.to_string())
    }

    /// The tier's runner with its configuration changed by text.
    fn runner(&self, tier: &str, (from, to): (&str, &str)) -> Value {
        let config = self.platform.values(tier)["runners"]["config"].as_str().expect("a configuration");
        let (from, to) = (from.replace("TIER", tier), to.replace("TIER", other(tier)));
        assert!(config.contains(&from), "{tier} has {from:?}:\n{config}");
        table(&config.replace(&from, &to))
    }

    async fn empty(&self, namespace: &str) {
        let pods = kube::Api::<k8s_openapi::api::core::v1::Pod>::namespaced(self.stage.admin.clone(), namespace);
        for pod in pods.list(&kube::api::ListParams::default()).await.expect("pods can be listed") {
            self.stage.delete_pod(namespace, &pod.metadata.name.expect("a pod has a name")).await;
        }
    }

    /// A daemon that has seen nothing yet; what it is told of pods that are gone would last five minutes more.
    async fn looks(&self, what: &str, moved: impl Fn(&str) -> &'static [&'static str]) {
        let daemon = Daemon::start(&self.config).await;
        in_each(&daemon, what, moved).await;
        assert!(daemon.stop().await.success());
    }
}

async fn in_each(daemon: &Daemon, what: &str, moved: impl Fn(&str) -> &'static [&'static str]) {
    for tier in TIERS {
        settles(daemon, tier, what, "moved", moved(tier)).await;
        settles(daemon, tier, what, "unknown", &[]).await;
    }
    // Still so once the last tier has settled, too.
    for tier in TIERS {
        settles(daemon, tier, what, "moved", moved(tier)).await;
    }
}

fn jobs(tier: &str) -> String {
    format!("gitlab-runners-{tier}")
}

fn managing(tier: &str) -> String {
    format!("gitlab-runners-{tier}-manager")
}

fn other(tier: &str) -> &'static str {
    if tier == "standard" { "sandbox" } else { "standard" }
}

fn leaked(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

/// Where the API server keeps the object.
fn path(object: &Value) -> String {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let kind = text(&object["kind"]).expect("an object has a kind");
    let name = text(&object["metadata"]["name"]).expect("an object has a name");
    let place = text(&object["metadata"]["namespace"]).map_or_else(String::new, |place| format!("namespaces/{place}/"));
    let version = text(&object["apiVersion"]).expect("an object has a version");
    let root = if version == "v1" { "/api".to_owned() } else { "/apis".to_owned() };
    let plural = if kind == "NetworkPolicy" { "networkpolicies".to_owned() } else { kind.to_lowercase() + "s" };
    format!("{root}/{version}/{place}{plural}/{name}")
}

/// What is changed of an object; nothing stands for the whole of it.
type Change = Option<fn(&mut Value)>;

fn without_label(object: &mut Value, label: &str) {
    let labels = object["metadata"]["labels"].as_object_mut().expect("a namespace has labels");
    labels.remove(label).expect("the label is there");
}

/// Piece, its object with `TIER` for the tier, what is taken away of it, and the checks that tell.
const OBJECTS: [(&str, &str, Change, &[&str]); 9] = [
    ("NetworkPolicy default-deny", "NetworkPolicy/gitlab-runners-TIER/default-deny", None, &["default_deny"]),
    (
        "the ports of allow-https",
        "NetworkPolicy/gitlab-runners-TIER/allow-https",
        Some(|policy| {
            policy["spec"]["egress"][0]["ports"] = json!([{ "protocol": "TCP", "port": 1, "endPort": 65535 }])
        }),
        &["internet_ports"],
    ),
    (
        "the ports and exceptions of allow-https",
        "NetworkPolicy/gitlab-runners-TIER/allow-https",
        Some(|policy| policy["spec"]["egress"] = json!([{}])),
        &["default_deny", "internet_ports", "metadata_endpoint"],
    ),
    ("ResourceQuota jobs", "ResourceQuota/gitlab-runners-TIER/jobs", None, &["resource_quota"]),
    ("LimitRange jobs", "LimitRange/gitlab-runners-TIER/jobs", None, &["limit_range"]),
    (
        "the label pod-security enforce",
        "Namespace/gitlab-runners-TIER",
        Some(|namespace| without_label(namespace, "pod-security.kubernetes.io/enforce")),
        &["pod_security"],
    ),
    (
        "the label enforce-version",
        "Namespace/gitlab-runners-TIER",
        Some(|namespace| without_label(namespace, "pod-security.kubernetes.io/enforce-version")),
        &["pod_security_version"],
    ),
    (
        "the label audit",
        "Namespace/gitlab-runners-TIER",
        Some(|namespace| without_label(namespace, "pod-security.kubernetes.io/audit")),
        &["pod_security_audit"],
    ),
    (
        "the label warn",
        "Namespace/gitlab-runners-TIER",
        Some(|namespace| without_label(namespace, "pod-security.kubernetes.io/warn")),
        &["pod_security_warn"],
    ),
];

/// A line of a runner's configuration, what stands there instead, and the checks that tell.
const CONFIGURED: [(&str, (&str, &str), &[&str]); 3] = [
    (
        "automount_service_account_token = false",
        ("automount_service_account_token = false", "automount_service_account_token = true"),
        &["service_account_token"],
    ),
    ("node_selector", ("[runners.kubernetes.node_selector]", "[runners.kubernetes.pod_labels]"), &["node_selector"]),
    (
        "node_selector, tolerations: another tier's",
        (
            "runner-tier\" = \"TIER\"\n    [runners.kubernetes.node_tolerations]\n      \"platform.gitlab.com/runner-tier=TIER\"",
            "runner-tier\" = \"TIER\"\n    [runners.kubernetes.node_tolerations]\n      \"platform.gitlab.com/runner-tier=TIER\"",
        ),
        &["node_selector", "own_nodes"],
    ),
];

/// Lines that Pod Security itself stands behind: without them a restricted tier has no pod at all.
const REFUSED: [(&str, (&str, &str), &str); 3] = [
    ("run_as_non_root", ("run_as_non_root = true", "run_as_non_root = false"), "runAsNonRoot"),
    (
        "allow_privilege_escalation = false",
        ("allow_privilege_escalation = false", "allow_privilege_escalation = true"),
        "allowPrivilegeEscalation",
    ),
    ("capabilities: drop ALL", ("drop = [\"ALL\"]", "drop = []"), "unrestricted capabilities"),
];

#[tokio::test]
async fn the_platform_has_no_violation_and_each_piece_taken_away_shows_its_own() {
    let applied = Applied::new().await;
    let mut report = format!("{:<46} {}\n", "taken away, from each of five tiers at once", "moved, in each of them");
    let mut row = |piece: &str, shown: &str| writeln!(report, "{piece:<46} {shown}").expect("a string takes text");
    for tier in TIERS {
        let pod = applied.job(tier, &runner_table(applied.platform.values(tier))).await;
        let pod = pod.unwrap_or_else(|refusal| panic!("a job of {tier}: {refusal}"));
        let node = applied.stage.scheduled(&jobs(tier), &pod).await;
        assert_eq!(node, format!("{tier}-node"), "labels, taints, selectors and tolerations agree");
    }

    let daemon = Daemon::start(&applied.config).await;
    in_each(&daemon, "the platform as applied", |_| &[]).await;
    row("nothing", "-");
    let manifests = applied.platform.manifests();
    for (piece, name, change, checks) in OBJECTS {
        for tier in TIERS {
            let mut object = manifests[&name.replace("TIER", tier)].clone();
            match change {
                None => applied.stage.remove(&path(&object)).await,
                Some(change) => {
                    change(&mut object);
                    applied.apply(&object).await;
                }
            }
        }
        in_each(&daemon, piece, |_| checks).await;
        row(piece, &checks.join(", "));
        for tier in TIERS {
            applied.apply(&manifests[&name.replace("TIER", tier)]).await;
        }
    }
    for tier in TIERS {
        let mut values = applied.platform.values(tier).clone();
        values["rbac"]["rules"] = json!([]);
        applied.rights(tier, &values).await;
    }
    in_each(&daemon, "rbac.rules", |_| &["manager_wildcards"]).await;
    row("rbac.rules of the chart", "manager_wildcards");
    for tier in TIERS {
        applied.rights(tier, applied.platform.values(tier)).await;
    }
    in_each(&daemon, "everything put back", |_| &[]).await;
    assert!(daemon.stop().await.success());

    for tier in TIERS {
        let mut values = applied.platform.values(tier).clone();
        values["envVars"] = json!([]);
        applied.managers(tier, &values).await;
    }
    // Of the simulated GitLab's tokens only the second one ends.
    applied
        .looks("the managers' feature flag", |tier| if tier == "protected" { &["token_rotation"] } else { &[] })
        .await;
    row("FF_DISABLE_AUTOMATIC_TOKEN_ROTATION", "token_rotation (protected: the one token that ends)");
    for tier in TIERS {
        applied.managers(tier, applied.platform.values(tier)).await;
    }

    for (piece, change, checks) in CONFIGURED {
        for tier in TIERS {
            applied.empty(&jobs(tier)).await;
            let pod = applied
                .job(tier, &applied.runner(tier, change))
                .await
                .unwrap_or_else(|e| panic!("{piece} of {tier}: {e}"));
            applied.stage.scheduled(&jobs(tier), &pod).await;
        }
        applied.looks(piece, |_| checks).await;
        row(piece, &checks.join(", "));
    }

    for (piece, change, said) in REFUSED {
        for tier in TIERS.into_iter().filter(|tier| *tier != "privileged") {
            applied.empty(&jobs(tier)).await;
            let refusal = applied.job(tier, &applied.runner(tier, change)).await;
            let refusal = refusal.expect_err(piece);
            assert!(refusal.contains("violates PodSecurity") && refusal.contains(said), "{piece} of {tier}: {refusal}");
        }
        row(piece, "no pod: refused by Pod Security (privileged: does not hold there)");
    }
    println!("{report}");
}
