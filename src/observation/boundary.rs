//! What stands at a tier's boundary: namespaces, network policies, accounts and roles, trimmed to what judgement needs.

use std::sync::Arc;

use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The pod-security labels of a namespace (`pod-security.kubernetes.io/…`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamespaceReport {
    /// Refuses pods.
    pub enforce: SecurityMode,
    /// Writes into the audit log.
    pub audit: SecurityMode,
    /// Warns whoever makes the pod.
    pub warn: SecurityMode,
}

/// One mode of Pod Security admission; absent where there is no label.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityMode {
    /// `privileged`, `baseline`, `restricted`, or what somebody wrote.
    pub level: Option<Arc<str>>,
    /// `latest` or `v1.34`.
    pub version: Option<Arc<str>>,
}

/// The trimmed NetworkPolicy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetpolReport {
    /// Its name: the identity within its namespace.
    pub name: Arc<str>,
    /// The pods it holds for.
    pub selects: Selector,
    /// What may come in; absent: it says nothing about that direction.
    pub ingress: Option<Vec<Opening>>,
    /// What may go out; absent: it says nothing about that direction.
    pub egress: Option<Vec<Opening>>,
}

/// Which labels are meant: every requirement must hold, so none means everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selector {
    /// `matchLabels` and `matchExpressions`.
    pub requirements: Vec<Requirement>,
}

/// One requirement of a selector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirement {
    /// The label's key.
    pub key: Arc<str>,
    /// What must be true of it.
    pub operator: Operator,
    /// Among which values; empty for the operators without any.
    pub values: Vec<Arc<str>>,
}

/// What a requirement demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// The label is there with one of the values.
    In,
    /// The label is not there, or has another value.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is not there.
    DoesNotExist,
    /// An operator that this version does not know.
    Unreadable,
}

/// One rule of a policy: any of the peers on any of the ports.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// Who; empty: everybody.
    pub peers: Vec<Peer>,
    /// On which ports; empty: on all of every protocol.
    pub ports: Vec<PortRange>,
}

/// Who is at the other end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Peer {
    /// Addresses.
    Block {
        /// These,
        cidr: IpNet,
        /// without these.
        except: Vec<IpNet>,
    },
    /// Pods of the cluster.
    Pods {
        /// Of which namespaces; absent: of the policy's own.
        namespaces: Option<Selector>,
        /// Which of their pods; absent: all.
        pods: Option<Selector>,
    },
    /// Something that this version cannot read.
    Unreadable,
}

/// Ports of one protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortRange {
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: Arc<str>,
    /// Which of its ports.
    pub ports: Ports,
}

/// Which ports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ports {
    /// All of them.
    All,
    /// From the first to the last, both included.
    Range(u16, u16),
    /// The one that the pod calls so. Addresses outside of pods have no such names.
    Named(Arc<str>),
    /// Something that this version cannot read.
    Unreadable,
}

/// The trimmed ServiceAccount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountReport {
    /// Its name: the identity within its namespace.
    pub name: Arc<str>,
    /// Cloud roles that its annotations name, e.g. by `eks.amazonaws.com/role-arn`.
    pub roles: Vec<Arc<str>>,
    /// `automountServiceAccountToken`.
    pub automount: Option<bool>,
}

/// The metadata of the Secret that holds a runner's token. Its data is never asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretReport {
    /// When its data was last written, as far as its metadata tells; otherwise when it was made.
    pub written: Option<Timestamp>,
    /// When the token was obtained, by the configured annotation.
    pub rotated: Option<Timestamp>,
}

/// The trimmed Role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleReport {
    /// Its name: the identity within its namespace.
    pub name: Arc<str>,
    /// Its rules with a `*` in them, as `groups/resources: verbs`.
    pub wildcards: Vec<Arc<str>>,
}

/// The trimmed RoleBinding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BindingReport {
    /// Its name: the identity within its namespace.
    pub name: Arc<str>,
    /// The bound role is a ClusterRole.
    pub of_cluster: bool,
    /// The bound role's name.
    pub role: Arc<str>,
    /// Service accounts that get it, as namespace and name.
    pub accounts: Vec<(Arc<str>, Arc<str>)>,
}
