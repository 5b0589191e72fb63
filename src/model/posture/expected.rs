//! What a tier's boundary is declared to be.

use std::sync::Arc;

use super::check::Check;
use crate::cause::labels;

labels! {
    /// A level of the Pod Security Standards, the most permissive first.
    SecurityLevel {
        /// Everything is allowed.
        Privileged = "privileged",
        /// Known privilege escalations are not.
        Baseline = "baseline",
        /// Hardened pods only.
        Restricted = "restricted",
    }
}

/// The declared boundary of a tier. What is `None` is not judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Enforced at least.
    pub pod_security: SecurityLevel,
    /// Of which version.
    pub pod_security_version: Option<Arc<str>>,
    /// Audited at least.
    pub pod_security_audit: Option<SecurityLevel>,
    /// Warned of at least.
    pub pod_security_warn: Option<SecurityLevel>,
    /// Every pod is isolated in both directions, and nothing opens everything again.
    pub default_deny: bool,
    /// On these ports jobs may reach the internet.
    pub internet_ports: Vec<u16>,
    /// Jobs may reach the cloud's metadata service.
    pub metadata_endpoint: bool,
    /// Job pods may be privileged.
    pub privileged: bool,
    /// They may share namespaces of the host.
    pub host_namespaces: bool,
    /// They may mount paths of the host.
    pub host_path: bool,
    /// They may mount the container runtime's socket.
    pub docker_socket: bool,
    /// They may add these capabilities.
    pub capabilities: Vec<Arc<str>>,
    /// They may run as root.
    pub root: bool,
    /// They may mount their service account's token.
    pub service_account_token: bool,
    /// They may mount or reference these Secrets.
    pub secrets: Option<Vec<Arc<str>>>,
    /// Their service account is theirs alone.
    pub own_service_account: bool,
    /// Its cloud role, too.
    pub own_cloud_role: bool,
    /// The manager's Role may have wildcards.
    pub manager_wildcards: bool,
    /// Job pods select the tier's nodes.
    pub node_selector: bool,
    /// They run on no other tier's nodes.
    pub own_nodes: bool,
    /// The namespaces have a ResourceQuota.
    pub resource_quota: bool,
    /// The namespaces have a LimitRange.
    pub limit_range: bool,
    /// The runners take protected refs only.
    pub protected: Option<bool>,
    /// They are locked.
    pub locked: Option<bool>,
    /// They carry the declared tags and no others.
    pub tags: bool,
    /// They serve no other tier.
    pub own_runners: bool,
    /// Nobody else takes the tier's tags.
    pub declared_runners: bool,
    /// Nobody else runs with its tokens.
    pub own_managers: bool,
    /// No runner rotates its own token where the new one would be lost.
    pub token_rotation: bool,
}

impl Default for Expected {
    /// A closed tier: what a declaration leaves out is expected to be so.
    fn default() -> Self {
        Self {
            pod_security: SecurityLevel::Restricted,
            pod_security_version: None,
            pod_security_audit: None,
            pod_security_warn: None,
            default_deny: true,
            internet_ports: vec![53, 443],
            metadata_endpoint: false,
            privileged: false,
            host_namespaces: false,
            host_path: false,
            docker_socket: false,
            capabilities: Vec::new(),
            root: false,
            service_account_token: false,
            secrets: None,
            own_service_account: true,
            own_cloud_role: true,
            manager_wildcards: false,
            node_selector: true,
            own_nodes: true,
            resource_quota: true,
            limit_range: true,
            protected: None,
            locked: None,
            tags: true,
            own_runners: true,
            declared_runners: true,
            own_managers: true,
            token_rotation: true,
        }
    }
}

impl Expected {
    /// Whether the check has something to be held against.
    #[must_use]
    pub fn judges(&self, check: Check) -> bool {
        match check {
            Check::PodSecurityVersion => self.pod_security_version.is_some(),
            Check::PodSecurityAudit => self.pod_security_audit.is_some(),
            Check::PodSecurityWarn => self.pod_security_warn.is_some(),
            Check::Secrets => self.secrets.is_some(),
            Check::Protected => self.protected.is_some(),
            Check::Locked => self.locked.is_some(),
            Check::DefaultDeny => self.default_deny,
            Check::OwnServiceAccount => self.own_service_account,
            Check::OwnCloudRole => self.own_cloud_role,
            Check::NodeSelector => self.node_selector,
            Check::OwnNodes => self.own_nodes,
            Check::ResourceQuota => self.resource_quota,
            Check::LimitRange => self.limit_range,
            Check::Tags => self.tags,
            Check::OwnRunners => self.own_runners,
            Check::DeclaredRunners => self.declared_runners,
            Check::OwnManagers => self.own_managers,
            Check::TokenRotation => self.token_rotation,
            Check::RunUntagged
            | Check::ServiceAccountToken
            | Check::InternetPorts
            | Check::MetadataEndpoint
            | Check::PodSecurity
            | Check::Privileged
            | Check::HostNamespaces
            | Check::HostPath
            | Check::DockerSocket
            | Check::Capabilities
            | Check::Root
            | Check::ManagerWildcards => true,
        }
    }
}
