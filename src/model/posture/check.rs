//! What is checked at a tier's boundary: every check with its question, and how a moved one is put right.

use crate::cause::labels;

labels! {
    /// One check; also the `check` label and the key below `posture.expected`.
    Check {
        /// The runners carry exactly the declared tags.
        Tags = "tags",
        /// The runners take jobs without tags.
        RunUntagged = "run_untagged",
        /// The runners take jobs of protected refs only.
        Protected = "protected",
        /// The runners are locked to their projects.
        Locked = "locked",
        /// No runner serves another tier, too.
        OwnRunners = "own_runners",
        /// Nobody else takes the tier's tags.
        DeclaredRunners = "declared_runners",
        /// Nobody else runs with the tier's tokens.
        OwnManagers = "own_managers",
        /// The Secrets that job pods mount or reference.
        Secrets = "secrets",
        /// Job pods mount the token of their service account.
        ServiceAccountToken = "service_account_token",
        /// No other tier's job pods use the service account.
        OwnServiceAccount = "own_service_account",
        /// No policy lets traffic through unless it says so.
        DefaultDeny = "default_deny",
        /// Ports on which job pods reach the internet.
        InternetPorts = "internet_ports",
        /// Job pods reach the cloud's metadata service.
        MetadataEndpoint = "metadata_endpoint",
        /// No other tier's service account takes the same cloud role.
        OwnCloudRole = "own_cloud_role",
        /// The level that Pod Security admission enforces.
        PodSecurity = "pod_security",
        /// The version of that level.
        PodSecurityVersion = "pod_security_version",
        /// The level written into the audit log.
        PodSecurityAudit = "pod_security_audit",
        /// The level that is warned of.
        PodSecurityWarn = "pod_security_warn",
        /// Job pods have privileged containers.
        Privileged = "privileged",
        /// Job pods share the host's network, process ids or IPC.
        HostNamespaces = "host_namespaces",
        /// Job pods mount paths of the host.
        HostPath = "host_path",
        /// Job pods mount the socket of the container runtime.
        DockerSocket = "docker_socket",
        /// Capabilities that job pods add.
        Capabilities = "capabilities",
        /// Job pods may run as root.
        Root = "root",
        /// The runner manager's Role has wildcards.
        ManagerWildcards = "manager_wildcards",
        /// Job pods ask for the tier's nodes.
        NodeSelector = "node_selector",
        /// Job pods run on no other tier's nodes.
        OwnNodes = "own_nodes",
        /// The namespaces have a ResourceQuota.
        ResourceQuota = "resource_quota",
        /// The namespaces have a LimitRange.
        LimitRange = "limit_range",
        /// The runner's token is rotated by whoever keeps it.
        TokenRotation = "token_rotation",
    }
}

labels! {
    /// One of the six questions of a trust tier.
    Question {
        /// Which jobs can run here?
        Jobs = "jobs",
        /// Which secrets can they reach?
        Secrets = "secrets",
        /// Which networks?
        Networks = "networks",
        /// Can they deploy?
        Deploy = "deploy",
        /// Can they run privileged?
        Privileged = "privileged",
        /// How are health and wait?
        Health = "health",
    }
}

impl Question {
    /// As it is asked.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Jobs => "Which jobs can run here?",
            Self::Secrets => "Which secrets can they reach?",
            Self::Networks => "Which networks can they reach?",
            Self::Deploy => "Can they deploy?",
            Self::Privileged => "Can they run privileged?",
            Self::Health => "How are health and wait?",
        }
    }
}

impl Check {
    /// The question that it helps to answer.
    #[must_use]
    pub const fn question(self) -> Question {
        match self {
            Self::Tags
            | Self::RunUntagged
            | Self::Locked
            | Self::OwnRunners
            | Self::DeclaredRunners
            | Self::OwnManagers => Question::Jobs,
            Self::Secrets | Self::ServiceAccountToken | Self::OwnServiceAccount | Self::TokenRotation => {
                Question::Secrets
            }
            Self::DefaultDeny | Self::InternetPorts | Self::MetadataEndpoint => Question::Networks,
            Self::Protected | Self::OwnCloudRole => Question::Deploy,
            Self::PodSecurity
            | Self::PodSecurityVersion
            | Self::PodSecurityAudit
            | Self::PodSecurityWarn
            | Self::Privileged
            | Self::HostNamespaces
            | Self::HostPath
            | Self::DockerSocket
            | Self::Capabilities
            | Self::Root
            | Self::ManagerWildcards => Question::Privileged,
            Self::NodeSelector | Self::OwnNodes | Self::ResourceQuota | Self::LimitRange => Question::Health,
        }
    }

    /// Who may come in, what may go out, and who may do everything: a breach of these is worth waking somebody.
    #[must_use]
    pub const fn is_grave(self) -> bool {
        matches!(self, Self::Privileged | Self::DefaultDeny | Self::Protected)
    }

    /// How to put it right.
    #[must_use]
    pub const fn fix(self) -> &'static str {
        match self {
            Self::Tags => "set the runner's tags in GitLab to those of the tier, or declare the tags as they are",
            Self::RunUntagged => "switch \"Run untagged jobs\" of the runner in GitLab, or declare it as it is",
            Self::Protected => "switch \"Protected\" of the runner in GitLab, or declare it as it is",
            Self::Locked => "switch \"Lock to current projects\" of the runner in GitLab, or declare it as it is",
            Self::OwnRunners => "give each tier runners of its own: take the other tier's tags from this runner",
            Self::DeclaredRunners => {
                "find out whose runner it is; pause it in GitLab, or declare its id under the tier's `runners`"
            }
            Self::OwnManagers => {
                "find the process that is none of the tier's pods by its system id in GitLab, then give the runner a new \
                 token: who has the old one takes the tier's jobs with all that they hold"
            }
            Self::Secrets => "remove the Secret from the runner's configuration, or declare its name",
            Self::ServiceAccountToken => {
                "set `automountServiceAccountToken: false` on the job pods' service account, or in the runner's pod_spec"
            }
            Self::OwnServiceAccount => "give each tier's job pods a service account of their own",
            Self::DefaultDeny => {
                "apply a NetworkPolicy with an empty podSelector, policyTypes Ingress and Egress and no rules, and narrow \
                 the policies named here"
            }
            Self::InternetPorts => "narrow the policy named here to the ports that jobs need, or declare them",
            Self::MetadataEndpoint => {
                "add 169.254.169.254/32 and fd00:ec2::254/128 to `except` of the policy's ipBlock, and require IMDSv2 with \
                 a hop limit of 1"
            }
            Self::OwnCloudRole => "give each tier a cloud role of its own",
            Self::PodSecurity => "label the namespace `pod-security.kubernetes.io/enforce` with the declared level",
            Self::PodSecurityVersion => {
                "label the namespace `pod-security.kubernetes.io/enforce-version` with the declared version"
            }
            Self::PodSecurityAudit => "label the namespace `pod-security.kubernetes.io/audit` with the declared level",
            Self::PodSecurityWarn => "label the namespace `pod-security.kubernetes.io/warn` with the declared level",
            Self::Privileged => {
                "set `privileged = false` in the runner's configuration and let Pod Security enforce it"
            }
            Self::HostNamespaces => "take hostNetwork, hostPID and hostIPC out of the runner's pod_spec",
            Self::HostPath => "take the host_path volumes out of the runner's configuration",
            Self::DockerSocket => {
                "take the socket out of the runner's volumes: who holds it is root on the node; build images without it"
            }
            Self::Capabilities => {
                "take the capabilities out of `cap_add` of the runner's configuration, or declare them"
            }
            Self::Root => "set runAsNonRoot in the runner's pod security context, with a helper image that allows it",
            Self::ManagerWildcards => {
                "give the chart's `rbac.rules` the verbs and resources of the executor's permissions table; empty rules are \
                 everything"
            }
            Self::NodeSelector => "set node_selector to the tier's label in the runner's configuration",
            Self::OwnNodes => "taint each tier's nodes, tolerate only the own taint and select the own label",
            Self::ResourceQuota => "apply a ResourceQuota to the namespace",
            Self::LimitRange => "apply a LimitRange to the namespace",
            Self::TokenRotation => {
                "set FF_DISABLE_AUTOMATIC_TOKEN_ROTATION in the runner's environment and rotate from outside: new token, \
                 Secret, rollout restart"
            }
        }
    }
}
