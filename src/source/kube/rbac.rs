//! The rights that the watches need: declared once, asked for by every request, and printed as manifests.
//!
//! Requests are built from the same declaration, so what is printed is what is used: no write, no `get` but of the
//! namespace itself and of Secrets that the configuration names, no `pods/log`.

use std::fmt::Write as _;
use std::sync::Arc;

use super::plan::plan;
use crate::config::{HighAvailability, Kubernetes};
use crate::model::policy::Policy;
use crate::observation::{SourceKey, SourceKind};

/// Name of the service account, of the roles and of their bindings.
const NAME: &str = "tierwatch";
/// API group of Leases.
const LEASES: &str = "coordination.k8s.io";
/// A watch lists first.
const VERBS: [&str; 2] = ["list", "watch"];

/// What one kind of source must be allowed to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// API group; empty for the core group.
    pub group: &'static str,
    /// Plural name of the resource.
    pub resource: &'static str,
    /// What is done with it.
    pub verbs: &'static [&'static str],
    /// Lives in a namespace.
    pub namespaced: bool,
}

impl Need {
    /// The need of a source of the Kubernetes API; a source of another API needs nothing here.
    #[must_use]
    pub const fn of(kind: SourceKind) -> Self {
        const RBAC: &str = "rbac.authorization.k8s.io";
        let (group, resource) = match kind {
            SourceKind::KubePods => ("", "pods"),
            SourceKind::KubeEvents | SourceKind::KubeNodeEvents => ("", "events"),
            SourceKind::KubeNodes => ("", "nodes"),
            SourceKind::KubeQuotas => ("", "resourcequotas"),
            SourceKind::KubeLimits => ("", "limitranges"),
            SourceKind::KubeNamespace => {
                return Self { group: "", resource: "namespaces", verbs: &["get"], namespaced: true };
            }
            SourceKind::KubeNetpols => ("networking.k8s.io", "networkpolicies"),
            SourceKind::KubeAccounts => ("", "serviceaccounts"),
            SourceKind::KubeRoles => (RBAC, "roles"),
            SourceKind::KubeBindings => (RBAC, "rolebindings"),
            SourceKind::KubeTokenSecrets => {
                return Self { group: "", resource: "secrets", verbs: &["get"], namespaced: true };
            }
            SourceKind::Clock
            | SourceKind::GitlabQueue
            | SourceKind::GitlabStarted
            | SourceKind::GitlabRefs
            | SourceKind::GitlabRunners
            | SourceKind::GitlabRunnerJobs
            | SourceKind::GitlabJobLogs
            | SourceKind::GitlabHooks
            | SourceKind::WebConfig => return Self { group: "", resource: "", verbs: &[], namespaced: false },
        };
        Self { group, resource, verbs: &VERBS, namespaced: !matches!(kind, SourceKind::KubeNodes) }
    }

    /// The path on the API server: of the collection, or of the namespace itself. Every need is of a group's version 1.
    #[must_use]
    pub fn path(&self, namespace: Option<&str>) -> String {
        let root = if self.group.is_empty() { "/api/v1".to_owned() } else { format!("/apis/{}/v1", self.group) };
        match namespace {
            // A namespace lies in itself: that is what lets a Role in it grant `get` on it.
            Some(namespace) if self.resource == "namespaces" => format!("{root}/namespaces/{namespace}"),
            Some(namespace) => format!("{root}/namespaces/{namespace}/{}", self.resource),
            None => format!("{root}/{}", self.resource),
        }
    }
}

/// One thing that the configured watches must be allowed to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    /// Where; absent: in the cluster.
    pub namespace: Option<Arc<str>>,
    /// What.
    pub need: Need,
    /// Names of the objects that it is for; empty: all of them.
    pub names: Vec<Arc<str>>,
}

/// Every right that the configured watches need: what is printed, and what is asked for.
#[must_use]
pub fn rights(policy: &Policy, kubernetes: &Kubernetes) -> Vec<Right> {
    let mut rights: Vec<Right> = Vec::new();
    for SourceKey { kind, namespace } in plan(policy, kubernetes) {
        let need = Need::of(kind);
        let names = match (&namespace, kind) {
            (Some(namespace), SourceKind::KubeTokenSecrets) => secrets(policy, namespace),
            _ => Vec::new(),
        };
        // Two watches of one namespace may read the same resource.
        if !rights.iter().any(|right| right.namespace == namespace && right.need == need) {
            rights.push(Right { namespace, need, names });
        }
    }
    rights
}

/// What a standby takes, on the Lease alone: who creates an object cannot be held to its name.
#[must_use]
pub fn lease_rights(high_availability: &HighAvailability) -> [Right; 2] {
    let right = |verbs: &'static [&'static str], names: Vec<Arc<str>>| Right {
        namespace: Some(high_availability.namespace.as_str().into()),
        need: Need { group: LEASES, resource: "leases", verbs, namespaced: true },
        names,
    };
    [right(&["create"], vec![]), right(&["get", "update"], vec![high_availability.lease_name.as_str().into()])]
}

/// The manifests that give the service account `tierwatch` what the configured watches need: a Role and its
/// binding for each namespace, where cluster-scoped objects are watched a small ClusterRole, and where two stand side by
/// side a Role on their Lease.
#[must_use]
pub fn print(policy: &Policy, kubernetes: &Kubernetes, high_availability: Option<&HighAvailability>) -> String {
    let rights = rights(policy, kubernetes);
    let writes = if high_availability.is_some() { ", but for the Lease of a standby" } else { "" };
    let mut out = format!(
        "# Rights of tierwatch for this configuration: reading only{writes}, namespace by namespace.\n\
         # The service account `{NAME}` is taken to be in the namespace `{NAME}`; adapt the subjects if it is not.\n"
    );
    if rights.is_empty() {
        out.push_str("# Kubernetes is switched off: no rights are needed.\n");
        return out;
    }
    let of = |namespace: Option<&str>| -> Vec<&Right> {
        rights.iter().filter(|right| right.namespace.as_deref() == namespace).collect()
    };
    let mut namespaces: Vec<&str> = rights.iter().filter_map(|right| right.namespace.as_deref()).collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    for namespace in namespaces {
        write_role(&mut out, Some(namespace), &of(Some(namespace)));
    }
    let cluster = of(None);
    if !cluster.is_empty() {
        out.push_str(
            "---\n\
             # Optional, like the Role in `default` for the nodes' events: without them the tiers' nodes, their\n\
             # capacity, their taints and why one is taken away stay unknown\n\
             # (`kubernetes.cluster_scoped: false` switches these watches off).\n",
        );
        write_role(&mut out, None, &cluster);
    }
    if let Some(high_availability) = high_availability {
        write_lease_role(&mut out, high_availability);
    }
    out
}

/// A Role of its own: its namespace may be one of a tier's.
fn write_lease_role(out: &mut String, high_availability: &HighAvailability) {
    out.push_str(
        "---\n\
         # The one right to write, for `high_availability` only: two tierwatch agree by this Lease which of them counts.\n\
         # Who creates an object cannot be held to its name.\n",
    );
    let rules = rules(&lease_rights(high_availability).iter().collect::<Vec<_>>());
    let place = format!("  namespace: {}\n", high_availability.namespace);
    write_manifests(out, "", &format!("{NAME}-lease"), &place, &rules);
}

/// Names of the Secrets that may be read, nobody else's.
fn secrets(policy: &Policy, namespace: &str) -> Vec<Arc<str>> {
    super::plan::token_secrets(policy, namespace).into_iter().map(|(name, _)| name).collect()
}

fn write_role(out: &mut String, namespace: Option<&str>, rights: &[&Right]) {
    let prefix = if namespace.is_some() { "" } else { "Cluster" };
    let place = namespace.map(|namespace| format!("  namespace: {namespace}\n")).unwrap_or_default();
    out.push_str(if namespace.is_some() { "---\n" } else { "" });
    write_manifests(out, prefix, NAME, &place, &rules(rights));
}

fn rules(rights: &[&Right]) -> String {
    let mut rules = String::new();
    for Right { need, names, .. } in rights {
        // Writing into a String cannot fail.
        let _ = writeln!(
            rules,
            "  - apiGroups: [\"{}\"]\n    resources: [{}]\n    verbs: [{}]",
            need.group,
            need.resource,
            need.verbs.join(", ")
        );
        if !names.is_empty() {
            let _ = writeln!(rules, "    resourceNames: [{}]", names.join(", "));
        }
    }
    rules
}

fn write_manifests(out: &mut String, prefix: &str, name: &str, place: &str, rules: &str) {
    let _ = write!(
        out,
        "apiVersion: rbac.authorization.k8s.io/v1\n\
         kind: {prefix}Role\n\
         metadata:\n  name: {name}\n{place}\
         rules:\n{rules}\
         ---\n\
         apiVersion: rbac.authorization.k8s.io/v1\n\
         kind: {prefix}RoleBinding\n\
         metadata:\n  name: {name}\n{place}\
         roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: {prefix}Role\n  name: {name}\n\
         subjects:\n  - kind: ServiceAccount\n    name: {NAME}\n    namespace: {NAME}\n"
    );
}
