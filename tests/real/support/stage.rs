//! The clusters that most tests share: each lent to one test at a time, swept before each.
//!
//! Nodes belong to no namespace and the scheduler counts them all, so two tests on one cluster would read each other's verdicts.
//! A second cluster is started when two tests want one at once.

use std::sync::atomic::{AtomicU32, Ordering};

use k8s_openapi::api::core::v1::{Event, Namespace, Node, Pod};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use super::cluster::{Cluster, Options, User};
use super::{now, until};

/// A kind of object, as a rule in a Role names it: API group and plural.
pub(crate) type Kind = (&'static str, &'static str);
pub(crate) const PODS: Kind = ("", "pods");
pub(crate) const EVENTS: Kind = ("", "events");

/// A node to be made by hand.
#[derive(Clone, Debug)]
pub(crate) struct NodeSpec {
    pub(crate) name: &'static str,
    pub(crate) cpu: &'static str,
    pub(crate) memory: &'static str,
    pub(crate) pods: &'static str,
    pub(crate) ephemeral_storage: &'static str,
    pub(crate) labels: &'static [(&'static str, &'static str)],
    /// Key, value, effect.
    pub(crate) taints: &'static [(&'static str, &'static str, &'static str)],
}

impl NodeSpec {
    /// A healthy node with room for a few jobs.
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name, cpu: "4", memory: "16Gi", pods: "110", ephemeral_storage: "100Gi", labels: &[], taints: &[] }
    }
}

/// A cluster and the hands to set it up.
pub(crate) struct Hands {
    pub(crate) admin: Client,
}

/// A cluster that tests take turns with.
struct Shared {
    turn: Mutex<()>,
    cluster: OnceCell<Cluster>,
}

impl Shared {
    const fn new() -> Self {
        Self { turn: Mutex::const_new(()), cluster: OnceCell::const_new() }
    }
}

static SHARED: [Shared; 2] = [Shared::new(), Shared::new()];

/// A shared cluster, lent until this is dropped.
pub(crate) struct Stage {
    pub(crate) cluster: &'static Cluster,
    pub(crate) hands: Hands,
    _turn: MutexGuard<'static, ()>,
}

impl std::ops::Deref for Stage {
    type Target = Hands;

    fn deref(&self) -> &Hands {
        &self.hands
    }
}

impl Stage {
    /// Waits for the test's turn; no pod and no node is left from earlier ones.
    pub(crate) async fn take() -> Self {
        let [first, second] = &SHARED;
        let (turn, shared) = tokio::select! {
            biased;
            turn = first.turn.lock() => (turn, first),
            turn = second.turn.lock() => (turn, second),
        };
        let cluster = shared.cluster.get_or_init(|| Cluster::start(Options::default())).await;
        let hands = Hands::of(cluster).await;
        hands.sweep().await;
        Self { cluster, hands, _turn: turn }
    }
}

impl Hands {
    pub(crate) async fn of(cluster: &Cluster) -> Self {
        Self { admin: cluster.client(User::Admin).await }
    }

    /// Removes every pod, every node and the rights over all namespaces. Namespaces stay: without their controller they
    /// never go.
    async fn sweep(&self) {
        let bindings = Api::<ClusterRoleBinding>::all(self.admin.clone());
        let roles = Api::<ClusterRole>::all(self.admin.clone());
        for deleted in [
            bindings.delete("tierwatch", &DeleteParams::default()).await.map(drop),
            roles.delete("tierwatch", &DeleteParams::default()).await.map(drop),
        ] {
            match deleted {
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                other => other.expect("a role can be deleted"),
            }
        }
        let nodes = Api::<Node>::all(self.admin.clone());
        let listed = nodes.list(&ListParams::default()).await.expect("nodes can be listed");
        for node in listed {
            nodes.delete(&node.name_any(), &DeleteParams::default()).await.expect("a node can be deleted");
        }
        let everywhere = Api::<Pod>::all(self.admin.clone());
        for pod in everywhere.list(&ListParams::default()).await.expect("pods can be listed") {
            self.delete_pod(&pod.namespace().expect("a pod has a namespace"), &pod.name_any()).await;
        }
        until("the sweep", async || {
            let left = everywhere.list(&ListParams::default()).await.map_err(|e| e.to_string())?;
            if left.items.is_empty() { Ok(()) } else { Err(format!("{} pods left", left.items.len())) }
        })
        .await;
    }

    /// A new namespace named after `purpose`, with that pod-security level enforced.
    pub(crate) async fn namespace(&self, purpose: &str, pod_security: Option<&str>) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("gitlab-runners-{purpose}-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut labels = serde_json::Map::new();
        if let Some(level) = pod_security {
            labels.insert("pod-security.kubernetes.io/enforce".to_owned(), level.into());
        }
        let namespace = object::<Namespace>(json!({ "metadata": { "name": name, "labels": labels } }));
        let namespaces = Api::all(self.admin.clone());
        namespaces.create(&PostParams::default(), &namespace).await.expect("a namespace can be made");
        name
    }

    /// A node that the scheduler takes for a healthy one.
    pub(crate) async fn node(&self, spec: &NodeSpec) {
        let nodes = Api::<Node>::all(self.admin.clone());
        let labels: serde_json::Map<_, _> = [("kubernetes.io/hostname", spec.name), ("kubernetes.io/os", "linux")]
            .iter()
            .chain(spec.labels)
            .map(|(key, value)| ((*key).to_owned(), Value::from(*value)))
            .collect();
        let node = object::<Node>(json!({ "metadata": { "name": spec.name, "labels": labels } }));
        nodes.create(&PostParams::default(), &node).await.expect("a node can be made");
        let resources = json!({
            "cpu": spec.cpu,
            "memory": spec.memory,
            "ephemeral-storage": spec.ephemeral_storage,
            "pods": spec.pods,
        });
        let fine = |kind: &str, status: &str, reason: &str| {
            json!({ "type": kind, "status": status, "reason": reason,
                    "lastHeartbeatTime": second(), "lastTransitionTime": second() })
        };
        let status = json!({ "status": {
            "capacity": resources,
            "allocatable": resources,
            "conditions": [
                fine("MemoryPressure", "False", "KubeletHasSufficientMemory"),
                fine("DiskPressure", "False", "KubeletHasNoDiskPressure"),
                fine("PIDPressure", "False", "KubeletHasSufficientPID"),
                fine("Ready", "True", "KubeletReady"),
            ],
        }});
        let here = PatchParams::default();
        nodes.patch_status(spec.name, &here, &Patch::Merge(status)).await.expect("a node's status can be written");
        // Admission gives each new node the taint not-ready, which the node controller would take away now.
        self.taint(spec.name, spec.taints).await;
    }

    /// Makes an object as one would write it in YAML.
    pub(crate) async fn make<K>(&self, api: Api<K>, value: Value) -> K
    where
        K: kube::Resource + serde::de::DeserializeOwned + serde::Serialize + Clone + std::fmt::Debug,
    {
        let made = api.create(&PostParams::default(), &object(value.clone())).await;
        made.unwrap_or_else(|e| panic!("making {value}: {e}"))
    }

    /// Marks the node as a drain does.
    pub(crate) async fn cordon(&self, node: &str) {
        let nodes = Api::<Node>::all(self.admin.clone());
        let patch = Patch::Merge(json!({ "spec": { "unschedulable": true } }));
        nodes.patch(node, &PatchParams::default(), &patch).await.expect("a node can be cordoned");
    }

    /// Sets the node's taints: key, value, effect.
    pub(crate) async fn taint(&self, node: &str, taints: &[(&str, &str, &str)]) {
        let taints: Vec<_> =
            taints.iter().map(|(key, value, effect)| json!({ "key": key, "value": value, "effect": effect })).collect();
        let nodes = Api::<Node>::all(self.admin.clone());
        let patch = Patch::Merge(json!({ "spec": { "taints": taints } }));
        nodes.patch(node, &PatchParams::default(), &patch).await.expect("a node's taints can be written");
    }

    /// Lets the daemon's user read these kinds in that namespace, as one Role and its binding.
    pub(crate) async fn grant(&self, namespace: &str, kinds: &[Kind], verbs: &[&str]) {
        let rules: Vec<_> = kinds
            .iter()
            .map(|(group, resource)| json!({ "apiGroups": [group], "resources": [resource], "verbs": verbs }))
            .collect();
        let role = object::<Role>(json!({ "metadata": { "name": "tierwatch" }, "rules": rules }));
        let binding = object::<RoleBinding>(json!({
            "metadata": { "name": "tierwatch" },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "tierwatch" },
            "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": User::Tierwatch.name() }],
        }));
        let here = PostParams::default();
        let roles = Api::namespaced(self.admin.clone(), namespace);
        roles.create(&here, &role).await.expect("a role can be made");
        let bindings = Api::namespaced(self.admin.clone(), namespace);
        bindings.create(&here, &binding).await.expect("a role binding can be made");
    }

    /// Takes back what [`Hands::grant`] gave.
    pub(crate) async fn revoke(&self, namespace: &str) {
        let bindings = Api::<RoleBinding>::namespaced(self.admin.clone(), namespace);
        bindings.delete("tierwatch", &DeleteParams::default()).await.expect("a role binding can be deleted");
        let roles = Api::<Role>::namespaced(self.admin.clone(), namespace);
        roles.delete("tierwatch", &DeleteParams::default()).await.expect("a role can be deleted");
    }

    /// Applies roles and bindings as they are printed: YAML documents.
    pub(crate) async fn apply_rights(&self, yaml: &str) {
        for document in yaml.split("\n---\n").skip(1) {
            let field = |name: &str| {
                let line = document.lines().map(str::trim).find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                line.map(str::to_owned)
            };
            let kind = field("kind").expect("an object has a kind").to_lowercase();
            let name = field("name").expect("an object has a name");
            // Of a cluster-wide binding the first `namespace` is its subject's.
            let place = if kind.starts_with("cluster") {
                String::new()
            } else {
                format!("namespaces/{}/", field("namespace").expect("a namespace"))
            };
            let path =
                format!("/apis/rbac.authorization.k8s.io/v1/{place}{kind}s/{name}?fieldManager=tests&force=true");
            let request = http::Request::patch(&path)
                .header(http::header::CONTENT_TYPE, "application/apply-patch+yaml")
                .body(document.as_bytes().to_vec())
                .expect("a path is a request");
            let applied = self.admin.request_text(request).await;
            applied.unwrap_or_else(|e| panic!("applying {path}: {e}"));
        }
    }

    /// Makes the object at this path what `body` says, as `kubectl apply --server-side` does.
    pub(crate) async fn apply(&self, path: &str, body: &Value) {
        let request = http::Request::patch(format!("{path}?fieldManager=tests&force=true"))
            .header(http::header::CONTENT_TYPE, "application/apply-patch+yaml")
            .body(body.to_string().into_bytes())
            .expect("a path is a request");
        let applied = self.admin.request_text(request).await;
        applied.unwrap_or_else(|e| panic!("applying {path}: {e}"));
    }

    /// Deletes the object at this path.
    pub(crate) async fn remove(&self, path: &str) {
        let request = http::Request::delete(path).body(Vec::new()).expect("a path is a request");
        let removed = self.admin.request_text(request).await;
        removed.unwrap_or_else(|e| panic!("deleting {path}: {e}"));
    }

    /// Deletes a pod at once: no kubelet would confirm a slow end.
    pub(crate) async fn delete_pod(&self, namespace: &str, name: &str) {
        let pods = Api::<Pod>::namespaced(self.admin.clone(), namespace);
        pods.delete(name, &DeleteParams::default().grace_period(0)).await.expect("a pod can be deleted");
    }

    /// The pod as it is now.
    pub(crate) async fn pod(&self, namespace: &str, name: &str) -> Pod {
        let pods = Api::<Pod>::namespaced(self.admin.clone(), namespace);
        pods.get(name).await.unwrap_or_else(|e| panic!("reading pod {namespace}/{name}: {e}"))
    }

    /// The message with which the scheduler refused the pod, from the pod's own condition (events are cut and merged).
    pub(crate) async fn refusal(&self, namespace: &str, pod: &str) -> String {
        until(&format!("the scheduler's refusal of {pod}"), async || {
            let seen = self.pod(namespace, pod).await;
            let condition = condition(&seen, "PodScheduled").ok_or("no condition PodScheduled yet")?;
            if condition.status == "False" && condition.reason.as_deref() == Some("Unschedulable") {
                condition.message.ok_or_else(|| "a refusal without a message".to_owned())
            } else {
                Err(format!("{condition:?}"))
            }
        })
        .await
    }

    /// The node that the scheduler put the pod on.
    pub(crate) async fn scheduled(&self, namespace: &str, pod: &str) -> String {
        until(&format!("the scheduling of {pod}"), async || {
            let seen = self.pod(namespace, pod).await;
            let why = format!("{:?}", condition(&seen, "PodScheduled"));
            seen.spec.and_then(|spec| spec.node_name).ok_or(why)
        })
        .await
    }

    /// The events about one object with that reason, once there is one.
    pub(crate) async fn events(&self, namespace: &str, about: &str, reason: &str) -> Vec<Event> {
        let events = Api::<Event>::namespaced(self.admin.clone(), namespace);
        let selected = ListParams::default().fields(&format!("involvedObject.name={about},reason={reason}"));
        until(&format!("an event {reason} about {about}"), async || {
            let found = events.list(&selected).await.map_err(|e| e.to_string())?.items;
            if found.is_empty() { Err("none".to_owned()) } else { Ok(found) }
        })
        .await
    }
}

/// The pod's condition of that type.
pub(crate) fn condition(pod: &Pod, kind: &str) -> Option<k8s_openapi::api::core::v1::PodCondition> {
    pod.status.as_ref()?.conditions.as_ref()?.iter().find(|condition| condition.type_ == kind).cloned()
}

/// A typed object from JSON as one would write it in YAML.
pub(crate) fn object<K: serde::de::DeserializeOwned>(value: Value) -> K {
    serde_json::from_value(value).unwrap_or_else(|e| panic!("an object of the tests is wrong: {e}"))
}

/// Now, to the second, as Kubernetes writes times.
pub(crate) fn second() -> String {
    now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
