//! What the real API server says when it refuses a job's pod, as the runner puts it into the job's log.

use std::net::SocketAddr;
use std::time::Duration;

use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::core::v1::{Event, LimitRange, ResourceQuota};
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};
use tierwatch::cause::{Cause, Family, classify};
use tierwatch::clock::Clock;
use tierwatch::demo::{Demo, scenario};

use crate::support::cluster::User;
use crate::support::daemon::{Daemon, print};
use crate::support::job_pod::JobPod;
use crate::support::stage::Stage;
use crate::support::webhook::Webhook;
use crate::support::{free_ports, until};

/// The verdict on a refused pod's error, from the last line of the job's log, by the text alone and by its family.
fn verdict(refusal: &str) -> &'static str {
    let line = format!(
        "ERROR: Job failed (system failure): prepare environment: setting up build pod: {refusal}. Check \
         https://docs.gitlab.com/runner/shells/#shell-profile-loading for more information"
    );
    let told = classify(None, None, None, &line);
    assert_eq!(told.cause, classify(Some(Family::Admission), None, None, &line).cause, "{line}");
    assert!(matches!(told.cause, Cause::Admission(_)), "{told:?}: {line}");
    told.cause.as_str()
}

/// The API server's word against the pod. Its admission reads rules from a cache: a pod that came through goes again.
async fn refusal(stage: &Stage, namespace: &str, job: &JobPod, change: impl Fn(&mut Value) + Copy) -> String {
    until("the refusal of a pod", async || match stage.try_job_pod_with(namespace, job, change).await {
        Err(kube::Error::Api(status)) => Ok(status.message.clone()),
        Err(other) => Err(format!("{other:?}")),
        Ok(_) => {
            stage.delete_pod(namespace, &job.name()).await;
            Err("it was let in".to_owned())
        }
    })
    .await
}

/// As [`refusal`], once it says that.
async fn refusal_with(stage: &Stage, namespace: &str, job: &JobPod, words: &str) -> String {
    until(words, async || {
        let said = refusal(stage, namespace, job, |_| ()).await;
        if said.contains(words) { Ok(said) } else { Err(said) }
    })
    .await
}

/// The daemon before a GitLab whose jobs of the tier `standard` are given up with what the API server said.
struct Watch {
    gitlab: Demo,
    daemon: Daemon,
}

impl Watch {
    async fn start(stage: &Stage, namespace: &str) -> Self {
        let mut gitlab = Demo::start(scenario::show(), 7, Clock::system()).await.expect("loopback has free ports");
        let [port] = free_ports();
        let hooks = SocketAddr::from(([127, 0, 0, 1], port));
        let config = format!(
            "gitlab: {{ url: '{}', token_file: '{}', queue: {{ interval: 5s }}, job_logs: {{ enabled: true }} }}\n\
             kubernetes: {{ kubeconfig: '{}' }}\n\
             tiers: {{ standard: {{ tags: [tier-standard], namespaces: [{namespace}] }} }}\n{}",
            gitlab.gitlab_url,
            gitlab.token_file().display(),
            stage.cluster.kubeconfig_file(User::Tierwatch, stage.cluster.api_port()).display(),
            gitlab.webhook_yaml(&hooks.to_string()),
        );
        stage.apply_rights(&print(&["print", "rbac"], &config)).await;
        let daemon = Daemon::start(&config).await;
        // What happens before the runners are known belongs to no tier.
        daemon.shows("tierwatch_source_up{source=\"gitlab_runners\",tier=\"standard\"}", 1.0).await;
        gitlab.send_hooks(hooks);
        // Hooks tell whole seconds, so what fails in the second of the start counts as before it.
        tokio::time::sleep(Duration::from_secs(1)).await;
        Self { gitlab, daemon }
    }

    /// A job is given up with that word of the API server.
    fn give_up(&self, refusal: &str) {
        self.gitlab.give_up("standard", format!("prepare environment: setting up build pod: {refusal}"));
    }

    async fn counts(&self, cause: &str, refusals: f64) {
        let series = format!("tierwatch_admission_failures_total{{tier=\"standard\",cause=\"{cause}\"}}");
        self.daemon.shows(&series, refusals).await;
    }
}

/// Asks this webhook about each pod of the namespace.
async fn ask_webhook(stage: &Stage, namespace: &str, client_config: Value) {
    let hooks = Api::<ValidatingWebhookConfiguration>::all(stage.admin.clone());
    let hook = json!({ "metadata": { "name": namespace }, "webhooks": [{
        "name": "jobs.example.com",
        "clientConfig": client_config,
        "rules": [{ "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"] }],
        "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": namespace } },
        "admissionReviewVersions": ["v1"], "sideEffects": "None", "timeoutSeconds": 1,
    }]});
    stage.make(hooks, hook).await;
}

/// Each namespace refuses in its own way; the tier's jobs fail of it one after the other.
#[tokio::test]
async fn the_metrics_name_each_refusal() {
    let stage = Stage::take().await;
    let namespace = stage.namespace("standard", None).await;
    let watch = Watch::start(&stage, &namespace).await;
    let job = JobPod::new(856);

    let restricted = stage.namespace("restricted", Some("restricted")).await;
    watch.give_up(&refusal(&stage, &restricted, &job, |_| ()).await);

    let bounded = stage.namespace("bounded", None).await;
    let limits = json!([{ "type": "Container", "max": { "cpu": "50m" } }]);
    let range = json!({ "metadata": { "name": "runner-limits" }, "spec": { "limits": limits } });
    stage.make(Api::<LimitRange>::namespaced(stage.admin.clone(), &bounded), range).await;
    // The maximum is also the limit of whoever sets none.
    let said = refusal(&stage, &bounded, &job, |_| ()).await;
    assert!(said.contains("must be less than or equal to cpu limit"), "{said}");
    watch.give_up(&said);
    let more = |pod: &mut Value| pod["spec"]["containers"][0]["resources"]["limits"]["cpu"] = json!("1");
    let said = refusal(&stage, &bounded, &job, more).await;
    assert!(said.contains("maximum cpu usage per Container is 50m, but limit is 1"), "{said}");
    watch.give_up(&said);

    let full = stage.namespace("full", None).await;
    let quotas = Api::<ResourceQuota>::namespaced(stage.admin.clone(), &full);
    stage.make(quotas.clone(), json!({ "metadata": { "name": "jobs" }, "spec": { "hard": { "pods": "0" } } })).await;
    // No controller counts, so the test does.
    let counted = Patch::Merge(json!({ "status": { "hard": { "pods": "0" }, "used": { "pods": "0" } } }));
    quotas.patch_status("jobs", &PatchParams::default(), &counted).await.expect("a status can be written");
    watch.give_up(&refusal_with(&stage, &full, &job, "exceeded quota").await);

    let denying = Webhook::that_denies("images of this registry are quarantined: exceeded quota of patience").await;
    let denied = stage.namespace("denied", None).await;
    ask_webhook(&stage, &denied, denying.client_config()).await;
    let said = refusal_with(&stage, &denied, &job, "denied the request").await;
    assert!(said.starts_with("admission webhook \"jobs.example.com\" denied the request: images"), "{said}");
    watch.give_up(&said);

    // Bound and never served: a handshake waits for ever. The other port is free again, so nobody listens.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let silent_port = silent.local_addr().expect("a bound listener has an address").port();
    let [away_port] = free_ports();
    for (purpose, port) in [("away", away_port), ("silent", silent_port)] {
        let namespace = stage.namespace(purpose, None).await;
        ask_webhook(&stage, &namespace, json!({ "url": format!("https://127.0.0.1:{port}/validate") })).await;
        watch.give_up(&refusal(&stage, &namespace, &job, |_| ()).await);
    }

    watch.counts("limit_range", 2.0).await;
    for cause in ["pod_security", "quota", "webhook_denied", "webhook_unavailable", "webhook_timeout"] {
        watch.counts(cause, 1.0).await;
    }
    watch.counts("other", 0.0).await;
}

/// A controller's pods are refused, too: its events tell.
#[tokio::test]
async fn the_metrics_name_what_is_refused_to_a_controller() {
    let stage = Stage::take().await;
    let namespace = stage.namespace("standard", Some("restricted")).await;
    let watch = Watch::start(&stage, &namespace).await;
    watch.counts("pod_security", 0.0).await;
    watch.daemon.shows("tierwatch_source_up{source=\"kube_events\",tier=\"standard\"}", 1.0).await;

    let said = refusal(&stage, &namespace, &JobPod::new(857), |_| ()).await;
    let now = crate::support::now();
    for (number, count) in [(1, 1), (2, 7)] {
        let event = json!({
            "metadata": { "name": format!("manager-{number}.17d0") },
            "involvedObject": { "apiVersion": "apps/v1", "kind": "ReplicaSet", "namespace": namespace, "name": "manager", "uid": "r1" },
            "reason": "FailedCreate", "type": "Warning", "message": format!("Error creating: {said}"),
            "source": { "component": "replicaset-controller" },
            "count": count, "firstTimestamp": now, "lastTimestamp": now,
        });
        stage.make(Api::<Event>::namespaced(stage.admin.clone(), &namespace), event).await;
    }
    watch.counts("pod_security", 1.0).await;
}

/// Before a pod is refused the page says that it will be, by the limit object itself.
#[tokio::test]
async fn a_limit_below_what_job_pods_have_is_told_before_it_refuses_one() {
    let stage = Stage::take().await;
    let namespace = stage.namespace("standard", None).await;
    let watch = Watch::start(&stage, &namespace).await;
    stage.job_pod(&namespace, &JobPod { cpu: "3", ..JobPod::new(858) }).await;
    let ranges = Api::<LimitRange>::namespaced(stage.admin.clone(), &namespace);
    let limits = json!([{ "type": "Container", "max": { "cpu": "2" } }]);
    let range = json!({ "metadata": { "name": "runner-limits" }, "spec": { "limits": limits } });
    stage.make(ranges, range).await;

    until("the limit of the tier", async || {
        let tier = watch.daemon.api("tiers/standard").await;
        let limit = tier["limits"][0].clone();
        if limit["asked"].as_f64() == Some(3.0) { Ok(limit) } else { Err(format!("{limit}")) }
    })
    .await;
    let tier = watch.daemon.api("tiers/standard").await;
    let limit = json!({
        "limit": "runner-limits", "namespace": namespace, "part": "container", "resource": "cpu", "max": 2.0, "asked": 3.0,
    });
    assert_eq!(tier["limits"], json!([limit]));
}

#[tokio::test]
async fn pod_security_refuses_an_ordinary_job_in_a_restricted_namespace() {
    let stage = Stage::take().await;
    let namespace = stage.namespace("standard", Some("restricted")).await;

    let said = refusal(&stage, &namespace, &JobPod::new(851), |_| ()).await;

    assert!(said.contains("violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false"), "{said}");
    assert_eq!(verdict(&said), "pod_security");
}

#[tokio::test]
async fn a_quota_refuses_when_it_is_used_up_and_when_a_job_asks_for_nothing() {
    let stage = Stage::take().await;
    let namespace = stage.namespace("standard", None).await;
    let job = JobPod::new(852);
    let quotas = Api::<ResourceQuota>::namespaced(stage.admin.clone(), &namespace);
    let hard = json!({ "pods": "3" });
    stage.make(quotas.clone(), json!({ "metadata": { "name": "jobs" }, "spec": { "hard": hard } })).await;
    // No controller counts, so the test does.
    let counted = |hard: &Value, used: Value| Patch::Merge(json!({ "status": { "hard": hard, "used": used } }));
    let here = PatchParams::default();
    quotas.patch_status("jobs", &here, &counted(&hard, hard.clone())).await.expect("a status can be written");
    let said = refusal_with(&stage, &namespace, &job, "exceeded quota").await;
    assert!(said.contains("exceeded quota: jobs, requested: pods=1, used: pods=3, limited: pods=3"), "{said}");
    assert_eq!(verdict(&said), "quota");

    let hard = json!({ "limits.cpu": "8" });
    let patch = Patch::Json::<()>(
        serde_json::from_value(json!([{ "op": "replace", "path": "/spec/hard", "value": hard }])).expect("a patch"),
    );
    quotas.patch("jobs", &here, &patch).await.expect("a quota can be changed");
    let patch = Patch::Json::<()>(
        serde_json::from_value(
            json!([{ "op": "replace", "path": "/status", "value": { "hard": hard, "used": { "limits.cpu": "0" } } }]),
        )
        .expect("a patch"),
    );
    quotas.patch_status("jobs", &here, &patch).await.expect("a status can be written");
    let said = refusal_with(&stage, &namespace, &job, "failed quota").await;
    assert!(said.contains("failed quota: jobs: must specify limits.cpu for: build,helper"), "{said}");
    assert_eq!(verdict(&said), "quota_missing_request");
}

#[tokio::test]
async fn a_limit_range_refuses_too_much_and_too_little_in_one_sentence() {
    let stage = Stage::take().await;
    let namespace = stage.namespace("standard", None).await;
    let ranges = Api::<LimitRange>::namespaced(stage.admin.clone(), &namespace);
    let limits = json!([{ "type": "Container", "max": { "cpu": "2" }, "min": { "memory": "1Gi" } }]);
    stage.make(ranges, json!({ "metadata": { "name": "jobs" }, "spec": { "limits": limits } })).await;
    let job = JobPod { cpu: "4", ..JobPod::new(853) };

    let more = |pod: &mut Value| pod["spec"]["containers"][0]["resources"]["limits"]["cpu"] = json!("4");
    let said = refusal(&stage, &namespace, &job, more).await;

    assert!(said.contains("maximum cpu usage per Container is 2, but limit is 4"), "{said}");
    assert!(said.contains("minimum memory usage per Container is 1Gi, but request is 512Mi"), "{said}");
    assert_eq!(verdict(&said), "limit_range");
}

#[tokio::test]
async fn an_admission_policy_refuses_with_words_of_its_own() {
    let stage = Stage::take().await;
    let namespace = stage.namespace("standard", None).await;
    let name = format!("tags-{namespace}");
    let policies = Api::<ValidatingAdmissionPolicy>::all(stage.admin.clone());
    let policy = json!({ "metadata": { "name": name }, "spec": {
        "failurePolicy": "Fail",
        "matchConstraints": { "resourceRules": [
            { "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"] },
        ]},
        "validations": [{
            "expression": "!object.spec.containers.exists(c, c.image.endsWith(':latest'))",
            "message": "tag latest is not allowed: exceeded quota of patience",
        }],
    }});
    stage.make(policies, policy).await;
    let bindings = Api::<ValidatingAdmissionPolicyBinding>::all(stage.admin.clone());
    let binding = json!({ "metadata": { "name": name }, "spec": {
        "policyName": name,
        "validationActions": ["Deny"],
        "matchResources": { "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": namespace } } },
    }});
    stage.make(bindings, binding).await;

    let job = JobPod { image: "docker.io/library/alpine:latest", ..JobPod::new(854) };
    let said = refusal(&stage, &namespace, &job, |_| ()).await;

    assert!(
        said.contains(&format!("ValidatingAdmissionPolicy '{name}' with binding '{name}' denied request")),
        "{said}"
    );
    assert_eq!(verdict(&said), "webhook_denied");
}

#[tokio::test]
async fn a_webhook_that_is_away_or_silent_refuses_every_job() {
    let stage = Stage::take().await;
    // Bound and never served: a handshake waits for ever. The other port is free again, so nobody listens.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let silent = (silent.local_addr().expect("a bound listener has an address").port(), Some(silent));
    let [away] = free_ports();
    for (purpose, (port, _held), cause) in
        [("away", (away, None), "webhook_unavailable"), ("silent", silent, "webhook_timeout")]
    {
        let namespace = stage.namespace(purpose, None).await;
        ask_webhook(&stage, &namespace, json!({ "url": format!("https://127.0.0.1:{port}/validate") })).await;

        let said = refusal(&stage, &namespace, &JobPod::new(855), |_| ()).await;

        assert!(said.contains("failed calling webhook \"jobs.example.com\""), "{said}");
        assert_eq!(verdict(&said), cause, "{said}");
    }
}
