//! GitLab's chart and GitLab Runner, as far as the API server sees them, made from the values that the platform gives them.

use serde_json::{Map, Value, json};

/// The `[[runners]]` of the configuration in the chart's values.
pub(super) fn runner_table(values: &Value) -> Value {
    table(values["runners"]["config"].as_str().expect("a configuration"))
}

/// The `[[runners]]` of a `config.toml`.
pub(super) fn table(config: &str) -> Value {
    let config: Value = toml::from_str(config).unwrap_or_else(|e| panic!("config.toml: {e}\n{config}"));
    let runners = config["runners"].as_array().expect("runners");
    assert_eq!(runners.len(), 1, "one runner a manager");
    runners[0].clone()
}

/// The Role and its binding that the chart makes in the namespace of the jobs.
pub(super) fn rights(values: &Value, managing: &str) -> [(&'static str, Value); 2] {
    // Of a rule without resources or verbs, and without any rule, the chart makes all of them.
    let mut rules = values["rbac"]["rules"].as_array().cloned().unwrap_or_default();
    if rules.is_empty() {
        rules.push(json!({ "apiGroups": [""], "resources": ["*"], "verbs": ["*"] }));
    }
    let group = "rbac.authorization.k8s.io";
    let version = format!("{group}/v1");
    let name = json!({ "name": "gitlab-runner" });
    let account = &values["serviceAccount"]["name"];
    [
        ("roles", json!({ "apiVersion": version, "kind": "Role", "metadata": name, "rules": rules })),
        (
            "rolebindings",
            json!({ "apiVersion": version, "kind": "RoleBinding", "metadata": name,
                "roleRef": { "apiGroup": group, "kind": "Role", "name": "gitlab-runner" },
                "subjects": [{ "kind": "ServiceAccount", "name": account, "namespace": managing }] }),
        ),
    ]
}

/// Makes of a job's pod a manager's, as the chart's Deployment does.
pub(super) fn manager(values: &Value, pod: &mut Value, number: u64) {
    let fullname = values["fullnameOverride"].as_str().expect("a name");
    let mut labels = values["podLabels"].clone();
    labels["app"] = fullname.into();
    let image = &values["image"];
    let image = ["registry", "image", "tag"].map(|part| image[part].as_str().expect("a part of an image"));
    let mut secured = values["securityContext"].clone();
    secured["readOnlyRootFilesystem"] = true.into();
    let container = |name: &str| {
        json!({ "name": name, "image": format!("{}/{}:{}", image[0], image[1], image[2]), "env": values["envVars"],
            "securityContext": secured, "resources": values["resources"] })
    };
    *pod = json!({
        "metadata": { "name": format!("{fullname}-6d5f8c9b7d-{number:05}"), "labels": labels, "annotations": values["podAnnotations"] },
        "spec": {
            "serviceAccountName": values["serviceAccount"]["name"], "securityContext": values["podSecurityContext"],
            "affinity": values["affinity"], "initContainers": [container("configure")], "containers": [container("gitlab-runner")],
            "volumes": [{ "name": "projected-secrets", "projected": { "sources": [{ "secret": { "name": values["runners"]["secret"] } }] } }],
        },
    });
}

/// Makes of a job's pod what a runner with this configuration would.
pub(super) fn job(runner: &Value, pod: &mut Value) {
    let kubernetes = &runner["kubernetes"];
    let annotations = kubernetes["pod_annotations"].as_object().cloned().unwrap_or_default();
    pod["metadata"]["annotations"].as_object_mut().expect("a pod has annotations").extend(annotations);
    let spec = &mut pod["spec"];
    spec["serviceAccountName"] = kubernetes["service_account"].clone();
    spec["automountServiceAccountToken"] = kubernetes["automount_service_account_token"].clone();
    spec["nodeSelector"] = kubernetes.get("node_selector").cloned().unwrap_or_else(|| json!({}));
    let tolerations = kubernetes["node_tolerations"].as_object().cloned().unwrap_or_default();
    spec["tolerations"] = tolerations.iter().map(|(taint, effect)| toleration(taint, effect)).collect();
    spec["securityContext"] = context(&kubernetes["pod_security_context"]);
    for kind in ["initContainers", "containers"] {
        for container in spec[kind].as_array_mut().expect("a pod has containers") {
            let role = match container["name"].as_str() {
                Some("init-permissions") => "init_permissions",
                Some("build") => "build",
                _ => "helper",
            };
            let image = if role == "build" { "image" } else { "helper_image" };
            container["image"] = kubernetes[image].clone();
            container["securityContext"] = context(&kubernetes[&format!("{role}_container_security_context")]);
            if role != "init_permissions" {
                container["securityContext"]["privileged"] = kubernetes["privileged"].clone();
            }
            let prefix = if role == "build" { "" } else { "helper_" };
            let amount = |key: &str| kubernetes[&format!("{prefix}{key}")].clone();
            container["resources"] = json!({
                "requests": { "cpu": amount("cpu_request"), "memory": amount("memory_request") },
                "limits": { "memory": amount("memory_limit") },
            });
        }
    }
}

fn toleration(taint: &str, effect: &Value) -> Value {
    let (key, value) = taint.split_once('=').expect("a taint with a value");
    json!({ "key": key, "operator": "Equal", "value": value, "effect": effect })
}

/// A security context as Kubernetes spells it.
fn context(toml: &Value) -> Value {
    let members = toml.as_object().cloned().unwrap_or_default();
    let spelled = |key: &str| {
        let mut words = key.split('_');
        let first = words.next().unwrap_or_default().to_owned();
        words.fold(first, |name, word| name + &word[..1].to_uppercase() + &word[1..])
    };
    Value::Object(members.iter().map(|(key, value)| (spelled(key), value.clone())).collect::<Map<_, _>>())
}
