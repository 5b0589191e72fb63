//! What a tier's namespace is closed with: policies, accounts, the manager's role.

use std::sync::Arc;

use serde_json::{Value, json};

use super::store::{Draft, Key, Resource};

/// What is there as long as nobody touches it.
pub(crate) fn closed(namespace: &Arc<str>) -> Vec<Draft> {
    let deny = json!({ "podSelector": {}, "policyTypes": ["Ingress", "Egress"] });
    let dns = json!({ "podSelector": {}, "policyTypes": ["Egress"], "egress": [{
        "to": [{ "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "kube-system" } },
                 "podSelector": { "matchLabels": { "k8s-app": "kube-dns" } } }],
        "ports": [{ "protocol": "UDP", "port": 53 }, { "protocol": "TCP", "port": 53 }],
    }] });
    let https = json!({ "podSelector": {}, "policyTypes": ["Egress"], "egress": [{
        "to": [{ "ipBlock": { "cidr": "0.0.0.0/0", "except": ["169.254.169.254/32"] } }],
        "ports": [{ "protocol": "TCP", "port": 443 }],
    }] });
    let role = json!({ "rules": [
        { "apiGroups": [""], "resources": ["pods", "configmaps", "secrets"], "verbs": ["get", "create", "delete"] },
        { "apiGroups": [""], "resources": ["pods/attach", "pods/exec"], "verbs": ["get", "create"] },
    ] });
    let binding = json!({
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "gitlab-runner" },
        "subjects": [{ "kind": "ServiceAccount", "name": "gitlab-runner", "namespace": namespace }],
    });
    let account = || json!({ "automountServiceAccountToken": false });
    vec![
        policy(namespace, "default-deny", deny),
        policy(namespace, "allow-dns", dns),
        policy(namespace, "allow-https", https),
        draft(Resource::Accounts, namespace, "job", account()),
        draft(Resource::Accounts, namespace, "gitlab-runner", account()),
        draft(Resource::Roles, namespace, "gitlab-runner", role),
        draft(Resource::Bindings, namespace, "gitlab-runner", binding),
    ]
}

/// Somebody needed to see why a build could not download something.
pub(crate) fn debug_policy(namespace: &Arc<str>) -> Draft {
    policy(namespace, "debug-egress", json!({ "podSelector": {}, "policyTypes": ["Egress"], "egress": [{}] }))
}

fn policy(namespace: &Arc<str>, name: &str, spec: Value) -> Draft {
    draft(Resource::Netpols, namespace, name, json!({ "spec": spec }))
}

fn draft(resource: Resource, namespace: &Arc<str>, name: &str, mut body: Value) -> Draft {
    let (version, kind) = match resource {
        Resource::Netpols => ("networking.k8s.io/v1", "NetworkPolicy"),
        Resource::Roles => ("rbac.authorization.k8s.io/v1", "Role"),
        Resource::Bindings => ("rbac.authorization.k8s.io/v1", "RoleBinding"),
        Resource::Accounts
        | Resource::Pods
        | Resource::Events
        | Resource::Nodes
        | Resource::Namespaces
        | Resource::Quotas
        | Resource::Limits => ("v1", "ServiceAccount"),
    };
    body["apiVersion"] = version.into();
    body["kind"] = kind.into();
    body["metadata"] = json!({ "name": name, "namespace": namespace, "uid": format!("{namespace}-{name}"),
        "creationTimestamp": "2026-06-01T08:00:00Z" });
    let key = Key { resource, namespace: Arc::clone(namespace), name: name.into() };
    Draft { key, body, labels: Vec::new(), fields: Vec::new() }
}
