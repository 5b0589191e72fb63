//! Rules and rights of the chart are those that the daemon prints for the same configuration: the one that the chart wrote.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use serde_json::{Value, json};
use tierwatch::config::Config;
use tierwatch::rules::{self, Form};
use tierwatch::source::kube::rbac;

use crate::support::helm::{Helm, NAMESPACE, ci_values, config, objects, one};
use crate::support::prometheus::promtool;
use crate::support::say;

fn parsed(text: &str) -> Config {
    Config::from_yaml(text).unwrap_or_else(|problems| panic!("{problems}\nin:\n{text}"))
}

/// CI's values with every rule as it is, and the values of configurations made by chance.
fn values() -> Vec<(String, Value)> {
    let of_ci = ci_values().into_iter().map(|(name, text)| {
        let mut values = objects(&text).remove(0);
        let pushes = values["config"]["alertmanager"].is_object();
        values["prometheusRule"] = json!({ "enabled": !pushes });
        (name, values)
    });
    let by_chance = (0..24).map(|seed| (format!("seed {seed}"), random(&mut Rng::with_seed(seed))));
    of_ci.chain(by_chance).collect()
}

/// Values of a configuration that nobody has written: odd durations, objectives at which pairs of windows fall away,
/// namespaces that tiers share.
fn random(random: &mut Rng) -> Value {
    let mut one_of = |texts: &[&str]| texts[random.usize(..texts.len())].to_owned();
    let namespaces = ["ci-a", "ci-b", "ci-c", "managers", "default"];
    let mut tiers = serde_json::Map::new();
    for name in ["a", "b-2", "deployment", "z"] {
        if one_of(&["there", "there", "not"]) == "not" && !tiers.is_empty() {
            continue;
        }
        let mut tier = json!({ "tags": [name], "namespaces": [one_of(&namespaces), "ci-x"], "objective": {} });
        for (key, choices) in [
            ("window", ["30d", "50h", "5days", "1week", "10d", "366d", "2months", "100h 30min"].as_slice()),
            ("start_within", &["1s", "90s", "1h 30m", "2min", "61m", "1day"]),
        ] {
            if one_of(&["there", "not"]) == "there" {
                tier["objective"][key] = json!(one_of(choices));
            }
        }
        let target = one_of(&["", "0.5", "0.95", "0.9999", "0.987654", "0.8", "0.93", "0.9"]);
        if !target.is_empty() {
            tier["objective"]["target"] = json!(target.parse::<f64>().expect("a number"));
        }
        let least = one_of(&["", "0", "1", "7", "1000000"]);
        if !least.is_empty() {
            tier["objective"]["min_jobs"] = json!(least.parse::<i64>().expect("a number"));
        }
        for (key, choices) in [
            ("urgency", ["", "page", "ticket", "none"].as_slice()),
            ("runbook_url", &["", "https://wiki.example.com/a%20b/"]),
        ] {
            let choice = one_of(choices);
            if !choice.is_empty() {
                tier[key] = json!(choice);
            }
        }
        if one_of(&["there", "not"]) == "there" {
            tier["manager_namespaces"] = json!([one_of(&namespaces), one_of(&["managers-2", "managers-3"])]);
        }
        let secret = one_of(&["", "runner-token", "other-token"]);
        if !secret.is_empty() {
            tier["token"] = json!({ "secret": secret });
        }
        tiers.insert(name.to_owned(), tier);
    }
    let mut config = json!({
        "gitlab": {
            "url": "https://gitlab.example.com",
            "queue": { "interval": one_of(&["15s", "61500ms", "2m 30s"]) },
            "runners": { "interval": one_of(&["1m", "73s", "2m"]) },
        },
        "kubernetes": {},
        "tiers": tiers,
    });
    for (key, choices) in [("cluster_scoped", ["", "true", "false"]), ("enabled", ["", "true", "true"])] {
        if let Ok(choice) = one_of(&choices).parse::<bool>() {
            config["kubernetes"][key] = json!(choice);
        }
    }
    if config["kubernetes"]["enabled"] != false && one_of(&["two", "one"]) == "two" {
        config["high_availability"] = json!({ "enabled": true });
        let lease = one_of(&["", "watchers", "of-ci-2"]);
        if !lease.is_empty() {
            config["high_availability"]["lease_name"] = json!(lease);
        }
    }
    for (key, choices) in [
        ("tierwatch", ["", "https://tierwatch.example.com", "http://localhost:1/base/"]),
        ("runbooks", ["", "https://wiki.example.com/runbooks/", "https://wiki.example.com"]),
        ("grafana", ["", "https://grafana.example.com", "https://grafana.example.com/sub/"]),
    ] {
        let choice = one_of(&choices);
        if !choice.is_empty() {
            config["links"][key] = json!(choice);
        }
    }
    json!({ "gitlab": { "existingSecret": "t" }, "config": config, "prometheusRule": { "enabled": true } })
}

/// C18, and A2 of the alerts: the rules are those of `print rules`, and promtool takes them.
#[test]
fn the_rules_are_those_that_are_printed() {
    let (mut compared, mut counted) = (0, 0);
    for (name, values) in values() {
        if values["prometheusRule"]["enabled"] != true {
            continue;
        }
        let rendered = Helm::BOTH.map(|helm| helm.objects(&values.to_string()));
        let config = parsed(&config_of(&rendered[1]));
        let printed = objects(&rules::print(&config, Form::Crd)).remove(0);
        for rendered in &rendered {
            let spec = &one(rendered, "PrometheusRule")["spec"];
            same(spec, &printed["spec"], &name);
        }
        let spec = one(&rendered[1], "PrometheusRule")["spec"].clone();
        if compared < 4 {
            let checked = promtool(&["check", "rules", "--lint=none"], &spec.to_string());
            // promtool counts the rules it found.
            checked.or_else(|said| if said.contains("SUCCESS") { Ok(()) } else { Err(said) }).expect(&name);
        }
        counted += spec["groups"].as_array().into_iter().flatten().map(|group| rules_of(group).len()).sum::<usize>();
        compared += 1;
    }
    say(&format!("chart: {counted} rules of {compared} configurations are those of `print rules`"));
}

fn config_of(objects: &[Value]) -> String {
    config(objects)
}

fn rules_of(group: &Value) -> &Vec<Value> {
    group["rules"].as_array().expect("a group has rules")
}

/// Rule by rule, so that a difference shows where it is.
fn same(rendered: &Value, printed: &Value, name: &str) {
    let groups = |spec: &Value| spec["groups"].as_array().expect("groups").clone();
    for (ours, theirs) in groups(rendered).iter().zip(groups(printed)) {
        for (ours, theirs) in rules_of(ours).iter().zip(rules_of(&theirs)) {
            assert_eq!(ours, theirs, "{name}");
        }
        assert_eq!(rules_of(ours).len(), rules_of(&theirs).len(), "{name}: {}", ours["name"]);
    }
    assert_eq!(rendered, printed, "{name}");
}

/// What is different for single alerts, and nothing else.
#[test]
fn single_alerts_are_changed_and_left_out() {
    let values = ci_values().into_iter().find(|(name, _)| name == "everything-values").expect("values of CI").1;
    let rendered = Helm::V4.objects(&values);
    let spec = &one(&rendered, "PrometheusRule")["spec"];
    let alerts: Vec<&Value> = spec["groups"].as_array().into_iter().flatten().flat_map(rules_of).collect();
    let alerts: Vec<&Value> = alerts.into_iter().filter(|rule| rule["alert"].is_string()).collect();
    assert!(alerts.len() > 30);
    for alert in &alerts {
        assert_ne!(alert["alert"], "TierNoTraffic");
        let down = alert["alert"] == "TierDown";
        assert_eq!(alert["labels"]["team"], if down { "runners" } else { "platform" }, "{alert}");
        if down {
            assert_eq!((&alert["for"], &alert["labels"]["severity"]), (&json!("5m"), &json!("critical")));
            assert_eq!(alert["annotations"]["summary"], "No manager");
            assert!(alert["annotations"]["description"].is_string());
        }
    }
}

/// Kind of the role, namespace, group, resource, verb, name of the one object.
pub(super) type Right = (String, String, String, String, String, String);

pub(super) fn rights(objects: &[Value]) -> BTreeSet<Right> {
    let mut rights = BTreeSet::new();
    let list = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap_or_default().to_owned()).collect()
    };
    for role in objects.iter().filter(|object| object["kind"] == "Role" || object["kind"] == "ClusterRole") {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (kind, namespace) = (text(&role["kind"]), text(&role["metadata"]["namespace"]));
        for rule in role["rules"].as_array().into_iter().flatten() {
            let names =
                if rule["resourceNames"].is_array() { list(&rule["resourceNames"]) } else { vec![String::new()] };
            for group in list(&rule["apiGroups"]) {
                for resource in list(&rule["resources"]) {
                    for verb in list(&rule["verbs"]) {
                        for name in &names {
                            let place = (kind.clone(), namespace.clone(), group.clone());
                            rights.insert((place.0, place.1, place.2, resource.clone(), verb.clone(), name.clone()));
                        }
                    }
                }
            }
        }
    }
    rights
}

/// The Roles with what each grants, and what binds them, by kind, namespace and name. Without those of the cluster, which
/// the chart calls after the release's namespace, too.
fn by_name(objects: &[Value]) -> BTreeMap<[String; 3], BTreeSet<Right>> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let of_namespaces = objects.iter().filter(|object| object["kind"] == "Role" || object["kind"] == "RoleBinding");
    let named = of_namespaces.map(|object| {
        let name = [&object["kind"], &object["metadata"]["namespace"], &object["metadata"]["name"]].map(text);
        (name, rights(std::slice::from_ref(object)))
    });
    named.collect()
}

/// C8: what is done to what, by the verb. Only a Lease is written, and only that of the configuration.
fn fits(right: &Right, lease: Option<&str>) -> bool {
    let (kind, namespace, group, resource, verb, one) = right;
    let on_leases = group == "coordination.k8s.io" && resource == "leases" && kind == "Role" && namespace == NAMESPACE;
    let on_ours = on_leases && lease == Some(one.as_str());
    match verb.as_str() {
        "get" if resource == "secrets" => !one.is_empty(),
        "list" | "watch" => resource != "secrets" && !on_leases,
        "get" => !on_leases || on_ours,
        // Who creates an object cannot be held to its name.
        "create" => on_leases && lease.is_some(),
        "update" => on_ours,
        _ => false,
    }
}

/// C7 and C8: the rights are those of `print rbac`, in both directions and object by object; nothing is written but the Lease of a
/// standby, no wildcard, no Secret but by name.
#[test]
fn the_rights_are_those_that_are_printed() {
    let (mut counted, mut standbys) = (0, 0);
    for (name, values) in values() {
        let rendered = Helm::V4.objects(&values.to_string());
        let config = parsed(&config_of(&rendered));
        let printed = objects(&rbac::print(&config.policy, &config.kubernetes, config.high_availability.as_ref()));
        let (ours, theirs) = (rights(&rendered), rights(&printed));
        assert_eq!(ours.difference(&theirs).collect::<Vec<_>>(), Vec::<&Right>::new(), "{name}: too much");
        assert_eq!(theirs.difference(&ours).collect::<Vec<_>>(), Vec::<&Right>::new(), "{name}: too little");
        assert_eq!(by_name(&rendered), by_name(&printed), "{name}: object by object");
        let lease = config.high_availability.as_ref().map(|it| it.lease_name.as_str());
        for right in &ours {
            assert!(fits(right, lease), "{name}: {right:?}");
            let (_, _, group, resource, ..) = right;
            assert!(![group, resource].iter().any(|text| text.contains('*')), "{name}: {group}/{resource}");
            assert!(!resource.contains('/'), "{name}: {resource}");
        }
        let writes = ours.iter().filter(|right| right.2 == "coordination.k8s.io").count();
        assert_eq!(writes, if lease.is_some() { 3 } else { 0 }, "{name}: create, get, update, and only of two");
        standbys += usize::from(lease.is_some());
        bindings_lead_to_the_account(&rendered, &name);
        counted += ours.len();
    }
    assert!(standbys > 1, "only {standbys} configurations have a standby");
    say(&format!("chart: {counted} rights are those of `print rbac`, no more and no less; {standbys} with a standby"));
}

/// Each role is bound, to the release's service account alone.
fn bindings_lead_to_the_account(objects: &[Value], name: &str) {
    let of_kind = |kind: &str| objects.iter().filter(|object| object["kind"] == kind).collect::<Vec<_>>();
    let account = &one(objects, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"];
    for prefix in ["", "Cluster"] {
        let (roles, bindings) = (of_kind(&format!("{prefix}Role")), of_kind(&format!("{prefix}RoleBinding")));
        assert_eq!(roles.len(), bindings.len(), "{name}");
        for (role, binding) in roles.iter().zip(bindings) {
            assert_eq!(role["metadata"]["namespace"], binding["metadata"]["namespace"], "{name}");
            assert_eq!(role["metadata"]["name"], binding["roleRef"]["name"], "{name}");
            assert_eq!(role["kind"], binding["roleRef"]["kind"], "{name}");
            let subject = json!([{ "kind": "ServiceAccount", "name": account, "namespace": "tierwatch" }]);
            assert_eq!(binding["subjects"], subject, "{name}");
        }
    }
}
