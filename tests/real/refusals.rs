//! What the real API server says when it refuses a job's pod, as the runner puts it into the job's log.

use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::core::v1::{LimitRange, ResourceQuota};
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};
use tierwatch::cause::{Cause, Family, classify};

use crate::support::job_pod::JobPod;
use crate::support::stage::Stage;
use crate::support::until;

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
    let [away] = crate::support::free_ports();
    for (purpose, (port, _held), cause) in
        [("away", (away, None), "webhook_unavailable"), ("silent", silent, "webhook_timeout")]
    {
        let namespace = stage.namespace(purpose, None).await;
        let hooks = Api::<ValidatingWebhookConfiguration>::all(stage.admin.clone());
        let hook = json!({ "metadata": { "name": namespace }, "webhooks": [{
            "name": "jobs.example.com",
            "clientConfig": { "url": format!("https://127.0.0.1:{port}/validate") },
            "rules": [{ "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"] }],
            "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": namespace } },
            "admissionReviewVersions": ["v1"], "sideEffects": "None", "timeoutSeconds": 1,
        }]});
        stage.make(hooks, hook).await;

        let said = refusal(&stage, &namespace, &JobPod::new(855), |_| ()).await;

        assert!(said.contains("failed calling webhook \"jobs.example.com\""), "{said}");
        assert_eq!(verdict(&said), cause, "{said}");
    }
}
