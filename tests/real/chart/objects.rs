//! What each rendered object must and must not be.

use serde_json::{Value, json};

use super::render::MINIMUM;
use super::standby::STANDBY;
use crate::support::helm::{Helm, ci_values, one};

fn rendered() -> Vec<(String, Vec<Value>)> {
    ci_values().into_iter().map(|(name, values)| (name, Helm::V4.objects(&values))).collect()
}

pub(super) fn pod(objects: &[Value]) -> &Value {
    &one(objects, "Deployment")["spec"]["template"]["spec"]
}

pub(super) fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Those that start before, and those that stay.
fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    items(&pod["initContainers"]).iter().chain(items(&pod["containers"]))
}

/// C6: the profile `restricted`, written out, and what goes beyond it.
#[test]
fn the_pod_is_restricted() {
    for (name, objects) in rendered() {
        let pod = pod(&objects);
        for key in ["hostNetwork", "hostPID", "hostIPC", "hostUsers", "ephemeralContainers"] {
            assert!(pod[key].is_null(), "{name}: {key}");
        }
        let context = &pod["securityContext"];
        assert_eq!(context["runAsNonRoot"], true);
        assert_eq!(context["seccompProfile"]["type"], "RuntimeDefault");
        for id in ["runAsUser", "runAsGroup", "fsGroup"] {
            assert!(context[id].as_i64().is_some_and(|id| id >= 10_000), "{name}: {id}");
        }
        let allowed = ["configMap", "secret", "projected", "persistentVolumeClaim", "emptyDir"];
        for volume in items(&pod["volumes"]) {
            let kinds: Vec<&String> =
                volume.as_object().expect("a volume").keys().filter(|key| *key != "name").collect();
            assert!(kinds.iter().all(|kind| allowed.contains(&kind.as_str())) && kinds.len() == 1, "{name}: {volume}");
        }
        for container in containers(pod) {
            let context = &container["securityContext"];
            assert_eq!(context["allowPrivilegeEscalation"], false);
            assert_eq!(context["privileged"], false);
            assert_eq!(context["readOnlyRootFilesystem"], true);
            assert_eq!(context["capabilities"], json!({ "drop": ["ALL"] }));
            assert!(items(&container["ports"]).iter().all(|port| port["hostPort"].is_null()));
            assert!(container["resources"]["limits"]["memory"].is_string());
        }
    }
}

/// C9: no automounted token; the projected one, bound to the pod and short-lived, and only where the cluster is watched.
#[test]
fn the_token_is_projected() {
    for (name, objects) in rendered() {
        let pod = pod(&objects);
        assert_eq!(pod["automountServiceAccountToken"], false, "{name}");
        for account in objects.iter().filter(|object| object["kind"] == "ServiceAccount") {
            assert_eq!(account["automountServiceAccountToken"], false, "{name}");
        }
        let sources = items(&pod["volumes"]).iter().flat_map(|volume| items(&volume["projected"]["sources"]));
        let tokens: Vec<&Value> = sources.filter(|source| source["serviceAccountToken"].is_object()).collect();
        assert_eq!(tokens.len(), usize::from(name != "push-values"), "{name}");
        for token in tokens {
            assert!(token["serviceAccountToken"]["expirationSeconds"].as_i64().is_some_and(|seconds| seconds <= 3607));
        }
    }
}

/// C10: secrets are files that only the daemon reads, in folders of their own, so that they change under it.
#[test]
fn secrets_are_files() {
    for (name, objects) in rendered() {
        assert!(objects.iter().all(|object| object["kind"] != "Secret"), "{name}");
        let pod = pod(&objects);
        for volume in items(&pod["volumes"]).iter().filter(|volume| volume["secret"].is_object()) {
            assert_eq!(volume["secret"]["defaultMode"], 0o440, "{name}: {volume}");
        }
        for container in containers(pod) {
            assert!(items(&container["volumeMounts"]).iter().all(|mount| mount["subPath"].is_null()), "{name}");
            let env = items(&container["env"]).iter();
            assert!(env.clone().all(|variable| variable["valueFrom"].is_null()), "{name}: a secret in the environment");
        }
        let written = crate::support::helm::config(&objects);
        for line in written.lines().filter(|line| line.contains("_file: ")) {
            let path = line.split(": ").nth(1).unwrap_or_default();
            let mounts = items(&pod["containers"][0]["volumeMounts"]).iter();
            let mounted = mounts.filter_map(|mount| mount["mountPath"].as_str());
            assert!(mounted.into_iter().any(|mount| path.starts_with(mount)), "{name}: {path} is on no volume");
        }
    }
}

/// C12: probes, each by the port's name; being alive never asks for what GitLab says.
#[test]
fn probes_ask_for_what_they_mean() {
    for (name, objects) in rendered() {
        let container = &pod(&objects)["containers"][0];
        for (probe, path) in [("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")] {
            let get = &container[probe]["httpGet"];
            assert_eq!((&get["path"], &get["port"]), (&json!(path), &json!("http")), "{name}: {probe}");
            assert_eq!(get["scheme"], if name == "push-values" { "HTTPS" } else { "HTTP" });
        }
        let ports: Vec<_> = items(&container["ports"]).iter().map(|port| port["name"].as_str()).collect();
        assert!(ports.contains(&Some("http")) && ports.iter().all(Option::is_some), "{name}: {ports:?}");
    }
}

/// C13: one pod, replaced and never doubled, unless a standby is asked for.
#[test]
fn there_is_one_pod() {
    for (name, objects) in rendered().into_iter().filter(|(name, _)| name != STANDBY) {
        let spec = &one(&objects, "Deployment")["spec"];
        assert_eq!((&spec["replicas"], &spec["strategy"]), (&json!(1), &json!({ "type": "Recreate" })), "{name}");
        let forbidden = ["HorizontalPodAutoscaler", "PodDisruptionBudget"];
        assert!(objects.iter().all(|object| !forbidden.iter().any(|kind| object["kind"] == *kind)), "{name}");
    }
}

/// The ports of each rule of a policy.
fn ports(rules: &Value) -> Vec<Vec<Value>> {
    let of = |rule: &Value| items(&rule["ports"]).iter().map(|port| port["port"].clone()).collect();
    items(rules).iter().map(of).collect()
}

/// C15: whatever the policy does not name is denied.
#[test]
fn the_network_policy_names_what_is_needed() {
    let all = rendered();
    let of = |name: &str| {
        one(&all.iter().find(|(known, _)| known == name).expect("values of CI").1, "NetworkPolicy")["spec"].clone()
    };
    let minimum = of("minimum-values");
    assert_eq!(minimum["policyTypes"], json!(["Ingress", "Egress"]));
    assert_eq!(ports(&minimum["ingress"]), [[json!("http")]]);
    assert_eq!(json!(ports(&minimum["egress"])), json!([[53, 53], [443, 6443], [443]]));
    let everything = of("everything-values");
    assert_eq!(json!(ports(&everything["ingress"])), json!([["http"], ["webhook"]]));
    assert_eq!(json!(ports(&everything["egress"])), json!([[53, 53], [443], [8443], [4318], [3128]]));
    let push = of("push-values");
    assert_eq!(push["ingress"], json!([]), "nobody");
    assert_eq!(json!(ports(&push["egress"])), json!([[53, 53], [80], [9093, 443]]), "no API server");
    for spec in [minimum, everything, push] {
        for rule in items(&spec["ingress"]).iter().chain(items(&spec["egress"])) {
            let peers = items(&rule["from"]).len() + items(&rule["to"]).len();
            assert!(peers > 0 && !items(&rule["ports"]).is_empty(), "open to everybody: {rule}");
        }
    }
}

/// C15: an empty list is nobody. To Kubernetes a rule without peers is to everybody, one without ports to all of them.
#[test]
fn an_empty_list_opens_nothing() {
    for (values, left) in [
        ("{ dns: [] }", json!([[443, 6443], [443]])),
        ("{ apiServer: { cidrs: [] } }", json!([[53, 53], [443]])),
        ("{ apiServer: { ports: [] } }", json!([[53, 53], [443]])),
        ("{ gitlab: { cidrs: [] } }", json!([[53, 53], [443, 6443]])),
        ("{ dns: [], apiServer: { cidrs: [] }, gitlab: { cidrs: [] }, monitoring: [] }", json!([])),
    ] {
        let objects = Helm::V4.objects(&format!("{MINIMUM}networkPolicy: {values}\n"));
        let spec = &one(&objects, "NetworkPolicy")["spec"];
        assert_eq!(json!(ports(&spec["egress"])), left, "{values}");
        assert!(spec["egress"].is_array() && spec["ingress"].is_array(), "{values}: {spec}");
    }
}

/// C15: a GitLab in the cluster is pods, which not every network plug-in takes for addresses.
#[test]
fn a_gitlab_in_the_cluster_is_reached_as_pods() {
    for (host, inside) in [
        ("gitlab.gitlab.svc", true),
        ("gitlab.gitlab.svc.cluster.local:8181/git", true),
        ("gitlab.example.com", false),
        ("gitlab.svc.example.com", false),
    ] {
        let objects = Helm::V4.objects(&MINIMUM.replace("gitlab.example.com", host));
        let rules = items(&one(&objects, "NetworkPolicy")["spec"]["egress"]);
        let to = items(&rules.last().expect("GitLab's rule is the last")["to"]);
        assert_eq!(to.contains(&json!({ "namespaceSelector": {} })), inside, "{host}: {to:?}");
    }
}

/// C17: the recommended labels everywhere, selectors that no version changes, names that fit.
#[test]
fn labels_and_names() {
    for (name, objects) in rendered() {
        for object in &objects {
            let labels = &object["metadata"]["labels"];
            for label in ["name", "instance", "version", "managed-by"] {
                let value = labels[format!("app.kubernetes.io/{label}")].as_str().unwrap_or_default();
                assert!(!value.is_empty() && value.len() <= 63, "{name}: {} has no {label}", object["kind"]);
            }
            let own = object["metadata"]["name"].as_str().unwrap_or_default();
            assert!(own.len() <= 63, "{name}: {own}");
        }
        let deployment = one(&objects, "Deployment");
        let selector = &deployment["spec"]["selector"]["matchLabels"];
        let fixed = json!({ "app.kubernetes.io/name": "tierwatch", "app.kubernetes.io/instance": "tierwatch" });
        assert_eq!(selector, &fixed, "{name}: an upgrade could not change it");
        let labels = &deployment["spec"]["template"]["metadata"]["labels"];
        for service in objects.iter().filter(|object| object["kind"] == "Service") {
            assert_eq!(&service["spec"]["selector"], selector, "{name}");
        }
        assert!(selector.as_object().expect("labels").iter().all(|(key, value)| &labels[key] == value));
    }
    let refused = Helm::V4.template(&format!("fullnameOverride: {}", "a".repeat(60)));
    assert!(refused.is_err_and(|why| why.contains("fullnameOverride")), "a name that does not fit");
}

/// C20: a digest goes over the tag; without both the version of the program.
#[test]
fn the_image_can_be_named_by_its_digest() {
    for (name, objects) in rendered() {
        let image = pod(&objects)["containers"][0]["image"].as_str().expect("an image").to_owned();
        if name == "everything-values" {
            assert!(image.contains("@sha256:0123"), "{image}");
        } else {
            assert!(image.ends_with(concat!(":", env!("CARGO_PKG_VERSION"))), "{image}");
        }
    }
}

/// C21: where the pod runs is what the values say.
#[test]
fn placement_is_passed_on() {
    let (_, objects) = rendered().into_iter().find(|(name, _)| name == "everything-values").expect("values of CI");
    let pod = pod(&objects);
    assert_eq!(pod["nodeSelector"], json!({ "kubernetes.io/os": "linux" }));
    assert_eq!(pod["tolerations"], json!([{ "key": "system", "operator": "Exists", "effect": "NoSchedule" }]));
    assert_eq!(pod["priorityClassName"], "system-cluster-critical");
    assert!(pod["affinity"]["nodeAffinity"].is_object() && items(&pod["topologySpreadConstraints"]).len() == 1);
    assert_eq!(one(&objects, "Deployment")["metadata"]["namespace"], "tierwatch", "not that of a tier");
}

/// C5 and C23: monitors by value alone, with limits, and under the name that the rules ask for.
#[test]
fn monitors_follow_the_values() {
    for (name, objects) in rendered() {
        let monitors: Vec<_> = objects
            .iter()
            .filter(|object| object["kind"].as_str().is_some_and(|kind| kind.ends_with("Monitor")))
            .collect();
        let (kind, endpoints) = match name.as_str() {
            "everything-values" | STANDBY => ("ServiceMonitor", "endpoints"),
            "push-values" => ("PodMonitor", "podMetricsEndpoints"),
            _ => {
                assert!(monitors.is_empty(), "{name}");
                continue;
            }
        };
        let [monitor] = monitors.as_slice() else { panic!("{name}: {monitors:?}") };
        assert_eq!(monitor["kind"], kind);
        let spec = &monitor["spec"];
        for limit in ["sampleLimit", "targetLimit", "labelLimit", "labelNameLengthLimit", "labelValueLengthLimit"] {
            assert!(spec[limit].as_i64().is_some_and(|limit| limit > 0), "{name}: {limit}");
        }
        let endpoint = &spec[endpoints][0];
        assert_eq!(endpoint["port"], "http");
        let job = json!({ "action": "replace", "targetLabel": "job", "replacement": "tierwatch" });
        assert_eq!(endpoint["relabelings"][0], job, "the rules ask for up{{job=\"tierwatch\"}}");
        assert_eq!(endpoint["scheme"], if name == "push-values" { "https" } else { "http" });
        assert_eq!(spec["namespaceSelector"], json!({ "matchNames": ["tierwatch"] }));
    }
}

fn dashboards(objects: &[Value]) -> Vec<&Value> {
    objects.iter().filter(|object| object["metadata"]["labels"]["grafana_dashboard"] == "1").collect()
}

/// C19: each dashboard in a ConfigMap that the sidecar finds, small enough for one.
#[test]
fn dashboards_are_where_the_sidecar_looks() {
    let (_, objects) = rendered().into_iter().find(|(name, _)| name == "everything-values").expect("values of CI");
    let files = std::fs::read_dir(crate::support::helm::chart().join("files/dashboards")).into_iter().flatten().count();
    let maps = dashboards(&objects);
    assert_eq!(maps.len(), files);
    for map in maps {
        assert_eq!(map["metadata"]["annotations"]["grafana_folder"], "CI");
        assert_eq!(map["metadata"]["namespace"], "monitoring");
        for (file, text) in map["data"].as_object().expect("files") {
            let text = text.as_str().expect("a text");
            assert!(text.len() < 256 * 1024, "{file} has {} bytes", text.len());
            serde_json::from_str::<Value>(text).unwrap_or_else(|e| panic!("{file}: {e}"));
        }
    }
}

/// C19: they lead to where the values say, and not to the example's addresses.
#[test]
fn dashboards_lead_to_the_addresses_of_the_values() {
    let ours = MINIMUM.replace(
        "https://gitlab.example.com }",
        "'https://code.example.org/git/' }\n  links: { tierwatch: 'https://watch.example.org' }",
    );
    let wiki = ours.replace("links: {", "links: { runbooks: 'https://wiki.example.org/r/',");
    for (values, runbooks) in [(&ours, "https://watch.example.org/runbooks"), (&wiki, "https://wiki.example.org/r")] {
        let objects = Helm::V4.objects(&format!("{values}dashboards: {{ enabled: true }}\n"));
        let maps = dashboards(&objects);
        assert!(maps.len() > 10, "{} dashboards", maps.len());
        for text in maps.iter().flat_map(|map| map["data"].as_object().expect("files").values()) {
            let board: Value = serde_json::from_str(text.as_str().expect("a text")).expect("a dashboard");
            let constant = |name: &str| {
                let all = items(&board["templating"]["list"]).iter();
                let [one] = all.filter(|one| one["name"] == name).collect::<Vec<_>>()[..] else { panic!("{name}") };
                assert_eq!(one["query"], one["current"]["value"], "{name}");
                one["query"].as_str().expect("an address").to_owned()
            };
            let leads = ["gitlab", "tierwatch", "runbooks"].map(constant);
            assert_eq!(leads, ["https://code.example.org/git", "https://watch.example.org", runbooks]);
        }
    }
}
