//! The boundary of a tier on the real API server: each check moved and moved back, and each right taken away.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};
use tierwatch::clock::Clock;
use tierwatch::demo::{Demo, scenario};

use crate::support::boundaries;
use crate::support::cluster::User;
use crate::support::daemon::{Daemon, print};
use crate::support::job_pod::JobPod;
use crate::support::stage::{NodeSpec, Stage};
use crate::support::until;

const LABEL: &str = "platform.gitlab.com/runner-tier";
const SECURITY: &str = "pod-security.kubernetes.io";

/// A tier that is closed, and the daemon's config for it.
struct Tier {
    stage: Stage,
    namespace: String,
    other: String,
    config: String,
    _gitlab: Demo,
}

impl Tier {
    async fn closed() -> Self {
        let stage = Stage::take().await;
        let labels = &[(LABEL, "standard")];
        stage.node(&NodeSpec { labels, ..NodeSpec::new("own-node") }).await;
        stage.node(&NodeSpec { labels: &[(LABEL, "deployment")], ..NodeSpec::new("other-node") }).await;
        let namespace = stage.namespace("standard", Some("baseline")).await;
        let other = stage.namespace("deployment", Some("baseline")).await;
        let gitlab = Demo::start(scenario::show(), 7, Clock::system()).await.expect("loopback has free ports");
        let config = format!(
            "gitlab: {{ url: '{}', token_file: '{}' }}\n\
             kubernetes: {{ kubeconfig: '{}' }}\n\
             tiers:\n\
             \x20 standard:\n\
             \x20   tags: [tier-standard]\n\
             \x20   namespaces: [{namespace}]\n\
             \x20   token: {{ secret: runner-token }}\n\
             \x20   posture: {{ expected: {{ pod_security: baseline, pod_security_version: latest, pod_security_audit: baseline,\n\
             \x20     pod_security_warn: baseline, root: false, secrets: [], declared_runners: false, own_managers: false }} }}\n\
             \x20 deployment: {{ tags: [tier-deployment], namespaces: [{other}] }}\n",
            gitlab.gitlab_url,
            gitlab.token_file().display(),
            stage.cluster.kubeconfig_file(User::Tierwatch, stage.cluster.api_port()).display(),
        );
        let tier = Self { stage, namespace, other, config, _gitlab: gitlab };
        tier.enforce("baseline", "latest").await;
        tier.apply("networking.k8s.io", "networkpolicies", "deny", deny(&["Ingress", "Egress"])).await;
        tier.apply("networking.k8s.io", "networkpolicies", "web", web(json!([{ "protocol": "TCP", "port": 443 }])))
            .await;
        tier.apply("", "serviceaccounts", "job", json!({ "automountServiceAccountToken": false })).await;
        tier.apply("rbac.authorization.k8s.io", "roles", "runner", rules(json!(["pods"]))).await;
        let binding = json!({
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "runner" },
            "subjects": [{ "kind": "ServiceAccount", "name": "runner", "namespace": tier.namespace }],
        });
        tier.apply("rbac.authorization.k8s.io", "rolebindings", "runner", binding).await;
        tier.apply("", "resourcequotas", "jobs", quota()).await;
        tier.apply("", "limitranges", "jobs", limits()).await;
        tier.apply("", "secrets", "runner-token", json!({ "stringData": { "runner-token": "glrt-canary-7f3a" } }))
            .await;
        let namespace = tier.namespace.clone();
        tier.stage.job_pod_with(&namespace, &job(961), manager).await;
        tier.stage.job_pod_with(&namespace, &job(962), harmless).await;
        tier
    }

    fn path(&self, group: &str, resource: &str, name: &str) -> String {
        let root = if group.is_empty() { "/api/v1".to_owned() } else { format!("/apis/{group}/v1") };
        format!("{root}/namespaces/{}/{resource}/{name}", self.namespace)
    }

    async fn apply(&self, group: &str, resource: &str, name: &str, mut body: Value) {
        body["apiVersion"] = if group.is_empty() { "v1".into() } else { format!("{group}/v1").into() };
        body["kind"] = kind(resource).into();
        body["metadata"]["name"] = name.into();
        self.stage.apply(&self.path(group, resource, name), &body).await;
    }

    async fn remove(&self, group: &str, resource: &str, name: &str) {
        self.stage.remove(&self.path(group, resource, name)).await;
    }

    /// The namespace's labels say so in all modes.
    async fn enforce(&self, level: &str, version: &str) {
        let labels: BTreeMap<String, &str> = ["enforce", "audit", "warn"]
            .iter()
            .map(|mode| (format!("{SECURITY}/{mode}"), level))
            .chain([(format!("{SECURITY}/enforce-version"), version)])
            .collect();
        let body = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": self.namespace, "labels": labels } });
        self.stage.apply(&format!("/api/v1/namespaces/{}", self.namespace), &body).await;
    }

    /// Both tiers' job accounts take a cloud role, or the own one does not.
    async fn cloud_role(&self, shared: bool) {
        let role = |role: &str| json!({ "metadata": { "annotations": { "eks.amazonaws.com/role-arn": role } } });
        self.apply(
            "",
            "serviceaccounts",
            "job",
            role(if shared { "arn:aws:iam::1:role/deploy" } else { "arn:aws:iam::1:role/own" }),
        )
        .await;
        let mut body = role("arn:aws:iam::1:role/deploy");
        (body["apiVersion"], body["kind"], body["metadata"]["name"]) =
            ("v1".into(), "ServiceAccount".into(), "job".into());
        self.stage.apply(&format!("/api/v1/namespaces/{}/serviceaccounts/job", self.other), &body).await;
    }
}

fn kind(resource: &str) -> &'static str {
    match resource {
        "networkpolicies" => "NetworkPolicy",
        "serviceaccounts" => "ServiceAccount",
        "roles" => "Role",
        "rolebindings" => "RoleBinding",
        "resourcequotas" => "ResourceQuota",
        "limitranges" => "LimitRange",
        "secrets" => "Secret",
        other => panic!("{other} is not applied here"),
    }
}

fn deny(directions: &[&str]) -> Value {
    json!({ "spec": { "podSelector": {}, "policyTypes": directions } })
}

fn web(ports: Value) -> Value {
    json!({ "spec": { "podSelector": {}, "policyTypes": ["Egress"], "egress": [{
        "to": [{ "ipBlock": { "cidr": "0.0.0.0/0", "except": ["169.254.169.254/32"] } }], "ports": ports }] } })
}

fn rules(resources: Value) -> Value {
    json!({ "rules": [{ "apiGroups": [""], "resources": resources, "verbs": ["get", "create", "delete"] }] })
}

fn quota() -> Value {
    json!({ "spec": { "hard": { "pods": "50" } } })
}

fn limits() -> Value {
    json!({ "spec": { "limits": [{ "type": "Container", "max": { "cpu": "8" } }] } })
}

const fn job(number: u64) -> JobPod {
    JobPod { node_selector: &[(LABEL, "standard")], cpu: "50m", memory: "64Mi", ..JobPod::new(number) }
}

/// A pod as a closed tier's runner makes it.
fn harmless(pod: &mut Value) {
    pod["spec"]["serviceAccountName"] = "job".into();
    pod["spec"]["securityContext"] = json!({ "runAsNonRoot": true, "runAsUser": 1000 });
}

fn manager(pod: &mut Value) {
    pod["metadata"]["labels"] = json!({ "app": "standard-gitlab-runner" });
    pod["metadata"]["annotations"] = json!({});
    pod["metadata"]["name"] = "standard-gitlab-runner-1".into();
    pod["spec"]["serviceAccountName"] = "runner".into();
}

/// Everything that Pod Security refuses below `privileged`, on another tier's node.
fn harmful(pod: &mut Value) {
    harmless(pod);
    pod["spec"]["securityContext"] = json!({});
    pod["spec"]["hostNetwork"] = true.into();
    pod["spec"]["automountServiceAccountToken"] = true.into();
    pod["spec"]["nodeSelector"] = json!({});
    pod["spec"]["nodeName"] = "other-node".into();
    let volumes = pod["spec"]["volumes"].as_array_mut().expect("a pod has volumes");
    volumes.push(json!({ "name": "socket", "hostPath": { "path": "/var/run/docker.sock" } }));
    volumes.push(json!({ "name": "key", "secret": { "secretName": "signing-key" } }));
    let build = &mut pod["spec"]["containers"][0];
    build["securityContext"] = json!({ "privileged": true, "capabilities": { "add": ["SYS_ADMIN"] } });
}

async fn verdicts(daemon: &Daemon) -> BTreeMap<String, (String, String)> {
    boundaries::verdicts(daemon, "standard").await
}

/// Waits until just these checks have this verdict.
async fn settles(daemon: &Daemon, what: &str, verdict: &str, wanted: &[&str]) {
    boundaries::settles(daemon, "standard", what, verdict, wanted).await;
}

#[tokio::test]
async fn each_check_moves_and_moves_back() {
    let tier = Tier::closed().await;
    tier.cloud_role(false).await;
    tier.stage.job_pod_with(&tier.other, &JobPod::new(964), harmless).await;
    tier.stage.apply_rights(&print(&["print", "rbac"], &tier.config)).await;
    let daemon = Daemon::start(&tier.config).await;
    settles(&daemon, "a closed tier", "unknown", &[]).await;
    settles(&daemon, "a closed tier", "moved", &[]).await;

    let (net, rbac) = ("networking.k8s.io", "rbac.authorization.k8s.io");
    tier.apply(net, "networkpolicies", "deny", deny(&["Egress"])).await;
    settles(&daemon, "ingress left open", "moved", &["default_deny"]).await;
    tier.apply(net, "networkpolicies", "deny", deny(&["Ingress", "Egress"])).await;
    settles(&daemon, "ingress denied again", "moved", &[]).await;

    tier.apply(net, "networkpolicies", "web", web(json!([{ "protocol": "TCP", "port": 1, "endPort": 65535 }]))).await;
    settles(&daemon, "every port", "moved", &["internet_ports"]).await;
    tier.apply(net, "networkpolicies", "web", web(json!([{ "protocol": "TCP", "port": 443 }]))).await;
    settles(&daemon, "one port again", "moved", &[]).await;

    let metadata = json!({ "spec": { "podSelector": {}, "policyTypes": ["Egress"], "egress": [{
        "to": [{ "ipBlock": { "cidr": "169.254.169.254/32" } }] }] } });
    tier.apply(net, "networkpolicies", "metadata", metadata).await;
    settles(&daemon, "the metadata service", "moved", &["metadata_endpoint"]).await;
    tier.remove(net, "networkpolicies", "metadata").await;
    settles(&daemon, "no metadata service", "moved", &[]).await;

    tier.cloud_role(true).await;
    settles(&daemon, "a shared cloud role", "moved", &["own_cloud_role"]).await;
    tier.cloud_role(false).await;
    tier.apply(rbac, "roles", "runner", rules(json!(["*"]))).await;
    settles(&daemon, "the chart's default Role", "moved", &["manager_wildcards"]).await;
    tier.apply(rbac, "roles", "runner", rules(json!(["pods"]))).await;
    tier.remove("", "resourcequotas", "jobs").await;
    settles(&daemon, "no quota", "moved", &["resource_quota"]).await;
    tier.apply("", "resourcequotas", "jobs", quota()).await;
    tier.remove("", "limitranges", "jobs").await;
    settles(&daemon, "no limits", "moved", &["limit_range"]).await;
    tier.apply("", "limitranges", "jobs", limits()).await;
    settles(&daemon, "quota and limits again", "moved", &[]).await;

    // Pod Security itself keeps such a pod out, until the namespace's labels are changed.
    let refused = tier.stage.try_job_pod_with(&tier.namespace, &job(963), harmful).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("PodSecurity")), "baseline refuses it");
    tier.enforce("privileged", "v1.30").await;
    let labels = ["pod_security", "pod_security_version", "pod_security_audit", "pod_security_warn"];
    settles(&daemon, "labels of the namespace", "moved", &labels).await;
    let bad = tier.stage.job_pod_with(&tier.namespace, &job(963), harmful).await;
    let of_pods = [
        "privileged",
        "host_namespaces",
        "host_path",
        "docker_socket",
        "capabilities",
        "root",
        "service_account_token",
        "secrets",
        "node_selector",
        "own_nodes",
    ];
    settles(&daemon, "a pod that may do everything", "moved", &[&labels[..], &of_pods[..]].concat()).await;
    let page = daemon.api("boundaries").await.to_string();
    assert!(page.contains(&bad), "the pod is the evidence");
    tier.stage.delete_pod(&tier.namespace, &bad).await;
    tier.enforce("baseline", "latest").await;
    settles(&daemon, "the labels again", "moved", &of_pods).await;

    // A deleted pod is spoken of for five minutes more; who starts now has never seen it.
    assert!(daemon.stop().await.success());
    let daemon = Daemon::start(&tier.config).await;
    settles(&daemon, "a closed tier again", "unknown", &[]).await;
    settles(&daemon, "a closed tier again", "moved", &[]).await;
    let age = "tierwatch_runner_token_age_seconds{tier=\"standard\"}";
    let known = until("the age of the Secret", async || daemon.value(age).await.ok_or("no age".to_owned())).await;
    assert!((0.0..600.0).contains(&known), "the Secret was made just now: {known} s");
    assert!(!daemon.log().contains("glrt-canary") && !daemon.metrics().await.contains("glrt-canary"));
}

/// The rule for one resource, as it is printed.
fn rule(group: &str, resource: &str, verbs: &str) -> String {
    format!("  - apiGroups: [\"{group}\"]\n    resources: [{resource}]\n    verbs: [{verbs}]\n")
}

#[tokio::test]
async fn without_a_right_the_checks_that_need_it_cannot_tell_and_nothing_else_changes() {
    let tier = Tier::closed().await;
    let printed = print(&["print", "rbac"], &tier.config);
    tier.stage.apply_rights(&printed).await;
    let watch = "list, watch";
    let rbac = "rbac.authorization.k8s.io";
    let of_pods = [
        "secrets",
        "service_account_token",
        "own_service_account",
        "own_cloud_role",
        "privileged",
        "host_namespaces",
        "host_path",
        "docker_socket",
        "capabilities",
        "root",
        "manager_wildcards",
        "node_selector",
        "own_nodes",
    ];
    let rights: [(&str, &str, &str, &[&str]); 9] = [
        ("", "namespaces", "get", &["pod_security", "pod_security_version", "pod_security_audit", "pod_security_warn"]),
        ("networking.k8s.io", "networkpolicies", watch, &["default_deny", "internet_ports", "metadata_endpoint"]),
        ("", "serviceaccounts", watch, &["own_cloud_role"]),
        (rbac, "roles", watch, &["manager_wildcards"]),
        (rbac, "rolebindings", watch, &["manager_wildcards"]),
        ("", "resourcequotas", watch, &["resource_quota"]),
        ("", "limitranges", watch, &["limit_range"]),
        ("", "secrets", "get", &[]),
        ("", "pods", watch, &of_pods),
    ];
    let all = Daemon::start(&tier.config).await;
    settles(&all, "all rights", "unknown", &[]).await;
    settles(&all, "all rights", "moved", &[]).await;
    let whole = verdicts(&all).await;
    drop(all);

    let mut table = String::from("right taken away                                  checks that cannot tell\n");
    for (group, resource, verbs, wanted) in rights {
        // Of the tier's own namespace only.
        let names = if resource == "secrets" { "    resourceNames: [runner-token]\n" } else { "" };
        let cut = rule(group, resource, verbs) + names;
        let own = format!("namespace: {}\nrules:\n", tier.namespace);
        let documents = printed.split_inclusive("\n---\n");
        let without: String = documents
            .map(|document| if document.contains(&own) { document.replacen(&cut, "", 1) } else { document.to_owned() })
            .collect();
        assert_ne!(without, printed, "{resource} is granted");
        tier.stage.apply_rights(&without).await;
        let daemon = Daemon::start(&tier.config).await;
        settles(&daemon, &format!("no right on {resource}"), "unknown", wanted).await;
        for (check, (verdict, found)) in verdicts(&daemon).await {
            if wanted.contains(&&*check) {
                assert!(
                    found.contains("the right to") && found.contains(resource),
                    "{check} names what is missing: {found}"
                );
            } else {
                assert_eq!(Some(&verdict), whole.get(&check).map(|(verdict, _)| verdict), "{check} without {resource}");
            }
        }
        let right = format!("{verbs} {resource}{}{group}", if group.is_empty() { "" } else { "." });
        writeln!(table, "{right:<49} {}", wanted.join(", ")).expect("a string takes text");
    }
    tier.stage.apply_rights(&printed).await;
    println!("{table}");
}
