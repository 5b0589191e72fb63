//! `files/rights.yaml`: what the daemon must be allowed to do in which namespace, taken from what it prints.

use serde_json::{Value, json};
use tierwatch::config::Config;
use tierwatch::source::kube::rbac;

use crate::files::{chart, generated};

const HEAD: &str = "\
# What the daemon may do, by what a namespace is to a tier: it reads, and writes the Lease of a standby. Written from
# src/source/kube by tests/chart/rights.rs: TIERWATCH_BLESS=1 cargo test --test chart
";

const CONFIG: &str = "
gitlab: { url: https://gitlab.invalid, token_file: t }
high_availability: { enabled: true, lease_name: lease, namespace: own }
tiers: { a: { tags: [a], namespaces: [jobs], manager_namespaces: [managers], token: { secret: token } } }
";

/// The rules of the Role in that namespace, or of the ClusterRole.
fn rules(printed: &[Value], namespace: Option<&str>) -> Vec<Value> {
    let kind = if namespace.is_some() { "Role" } else { "ClusterRole" };
    let fits = |object: &&Value| object["kind"] == kind && object["metadata"]["namespace"].as_str() == namespace;
    let object = printed.iter().find(fits).unwrap_or_else(|| panic!("no {kind} in {namespace:?}"));
    object["rules"].as_array().unwrap().clone()
}

#[test]
fn the_charts_rights_are_the_daemons() {
    let config = Config::from_yaml(CONFIG).unwrap();
    let text = rbac::print(&config.policy, &config.kubernetes, config.high_availability.as_ref());
    let printed: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    let (mut secret, manager): (Vec<_>, Vec<_>) =
        rules(&printed, Some("managers")).into_iter().partition(|rule| rule["resources"] == json!(["secrets"]));
    for rule in &mut secret {
        assert_eq!(rule.as_object_mut().unwrap().remove("resourceNames"), Some(json!(["token"])));
        assert_eq!(rule["verbs"], json!(["get"]), "a Secret is read by its name alone");
    }
    let mut lease = rules(&printed, Some("own"));
    for rule in &mut lease {
        if rule["verbs"] == json!(["create"]) {
            assert!(rule["resourceNames"].is_null(), "nobody could make it");
        } else {
            assert_eq!(rule["resourceNames"], json!(["lease"]), "it writes its own Lease alone");
            rule["resourceNames"] = json!(["%LEASE%"]);
        }
    }
    let value = json!({
        "job_namespace": rules(&printed, Some("jobs")),
        "lease": lease,
        "manager_namespace": manager,
        "token_secret": secret,
        "node_events": { "default": rules(&printed, Some("default")) },
        "cluster": rules(&printed, None),
    });
    assert_eq!(printed.iter().filter(|object| object["kind"] == "Role").count(), 4);
    generated(&chart().join("files/rights.yaml"), &format!("{HEAD}{}", serde_saphyr::to_string(&value).unwrap()));
}
