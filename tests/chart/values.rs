//! `values.yaml`, the values that CI renders, and values that are refused.

use serde_json::{Value, json};

use crate::files::{chart, files, read, yaml};
use crate::schema::{schema, walk};

/// As Helm lays one mapping over another: `null` takes a key away.
fn over(below: &mut Value, above: &Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (key, value) in above {
                if value.is_null() {
                    below.remove(key);
                } else {
                    over(below.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        (below, above) => *below = above.clone(),
    }
}

fn defaults() -> Value {
    yaml(&read(&chart().join("values.yaml")))
}

/// What the schema finds wrong with these values over the defaults.
fn problems(values: &Value) -> Vec<String> {
    let mut all = defaults();
    over(&mut all, values);
    let validator = jsonschema::draft202012::options().build(&schema()).unwrap();
    validator.iter_errors(&all).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Each value of the schema that has a default has it in values.yaml, and there is no other value.
#[test]
fn the_defaults_are_those_of_the_schema() {
    let schema = schema();
    let mut expected = json!({});
    walk(&schema, "", &mut |path: &str, one: &Value| {
        if path.contains('*') || path.starts_with("/config") {
            return;
        }
        let Some(default) = one.get("default") else { return };
        let mut place = &mut expected;
        for name in path.trim_start_matches('/').split('/') {
            let fields = place.as_object_mut().expect("above a value are mappings");
            place = fields.entry(name).or_insert_with(|| json!({}));
        }
        *place = default.clone();
    });
    expected["config"] = json!({ "gitlab": {}, "tiers": {}, "kubernetes": { "cluster_scoped": false } });
    assert_eq!(defaults(), expected);
}

#[test]
fn what_ci_renders_is_valid() {
    let ours = files(&chart().join("ci"), "yaml");
    assert!(ours.len() >= 3, "{ours:?}");
    for file in ours {
        assert_eq!(problems(&yaml(&read(&file))), Vec::<String>::new(), "{}", file.display());
    }
}

/// The least that a user must say.
#[test]
fn five_values_are_enough() {
    let minimum = yaml(&read(&chart().join("ci/minimum-values.yaml")));
    let mut leaves = 0;
    fn count(value: &Value, leaves: &mut usize) {
        match value {
            Value::Object(fields) => fields.values().for_each(|field| count(field, leaves)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => *leaves += 1,
        }
    }
    count(&minimum, &mut leaves);
    assert!(leaves <= 5, "{leaves} values in {minimum}");
}

#[test]
fn wrong_values_are_refused() {
    let wrong = [
        json!({ "gitlab": { "token": "glpat-1" } }),
        json!({ "gitlab": { "existingSecret": "Not A Name" } }),
        json!({ "gitlab": { "tokenKey": "a/b" } }),
        json!({ "config": { "gitlab": { "url": "gitlab.example.com" } } }),
        json!({ "config": { "gitlab": { "token_file": "/etc/token" } } }),
        json!({ "config": { "gitlab": { "ulr": "https://gitlab.example.com" } } }),
        json!({ "config": { "state_file": "/tmp/state" } }),
        json!({ "config": { "tiers": { "a": { "tags": ["a"], "namespaces": ["a"], "urgency": "high" } } } }),
        json!({ "config": { "tiers": { "a": { "tags": "a", "namespaces": ["a"] } } } }),
        json!({ "config": { "tiers": { "a": { "tags": ["a"], "objective": { "start_within": 120 } } } } }),
        json!({ "replicas": 2 }),
        json!({ "config": { "high_availability": { "enabled": "yes" } } }),
        json!({ "config": { "high_availability": { "enabled": true, "namespace": "elsewhere" } } }),
        json!({ "check": { "mode": "sometimes" } }),
        json!({ "check": { "resources": { "limits": { "memory": "little" } } } }),
        json!({ "image": { "digest": "sha256:abc" } }),
        json!({ "image": { "pullPolicy": "Sometimes" } }),
        json!({ "extraEnv": [{ "name": "TIERWATCH__GITLAB__URL", "value": "https://gitlab.example.com" }] }),
        json!({ "extraMounts": [{ "name": "ca", "secret": "ca", "mountPath": "relative" }] }),
        json!({ "monitoring": { "kind": "Both" } }),
        json!({ "monitoring": { "interval": "15" } }),
        json!({ "monitoring": { "sampleLimit": "many" } }),
        json!({ "prometheusRule": { "alerts": { "TierHurts": { "enabled": false } } } }),
        json!({ "prometheusRule": { "alerts": { "TierDown": { "severity": "page" } } } }),
        json!({ "prometheusRule": { "alerts": { "TierDown": { "expr": "1" } } } }),
        json!({ "networkPolicy": { "gitlab": { "cidrs": ["gitlab.example.com"] } } }),
        json!({ "fullnameOverride": "a-name-that-is-longer-than-what-kubernetes-has-room-for" }),
        json!({ "resources": { "limits": { "memory": "a lot" } } }),
        json!({ "tolerations": [{ "key": "a", "effect": "Never" }] }),
        json!({ "log": { "level": "loud" } }),
        json!({ "commonLabels": { "team": 7 } }),
        json!({ "state": { "size": "small" } }),
        json!({ "webhook": { "service": { "port": 0 } } }),
    ];
    let accepted: Vec<_> = wrong.iter().filter(|values| problems(values).is_empty()).collect();
    assert!(accepted.is_empty(), "{accepted:#?}");
}
