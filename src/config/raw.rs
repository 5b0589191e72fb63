//! The configuration as it is written. The JSON schema, the list of known keys and the reference are made from
//! these structs; the sentences on the fields are what users read there.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $title:literal, $pattern:literal, [$($example:literal),*]) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Deserialize)]
        #[serde(transparent)]
        pub(super) struct $name(pub(super) String);

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "title": $title, "pattern": $pattern, "examples": [$($example),*] })
            }
        }
    };
}

text!(
    /// A duration by humantime.
    DurationText, "duration", r"^\s*([0-9]+\s*[A-Za-z]+\s*)+$", ["90s", "1h 30m"]
);
text!(
    /// A number of bytes with a unit.
    SizeText, "size", r"^\s*[0-9.]+\s*[A-Za-z]*\s*$", ["8 MiB"]
);
text!(
    /// An `http` or `https` address without credentials.
    AddressText, "address", r"^https?://[^@?#]+$", ["https://gitlab.example.com"]
);
text!(
    /// A path; relative ones start at the configuration file's folder.
    PathText, "path of a file", r"^[^\n]+$", ["/etc/tierwatch/gitlab-token"]
);

/// The configuration of tierwatch.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "tierwatch configuration")]
pub(super) struct Root {
    /// How to reach GitLab and what to ask.
    #[schemars(required)]
    pub(super) gitlab: Option<Gitlab>,
    /// How to reach the cluster and what to watch.
    pub(super) kubernetes: Option<Kubernetes>,
    /// Registries that may be a label value of image pull metrics, as host or host:port; all others count as `other`.
    pub(super) registries: Option<Vec<String>>,
    /// How long finished jobs are remembered.
    pub(super) history: Option<History>,
    /// Job hooks that GitLab sends; without it none are taken.
    pub(super) webhook: Option<Webhook>,
    /// File in which tierwatch remembers over a restart what it counted: keys and times, no counter values and no names.
    /// Its folder must be writable and survive a restart; one tierwatch a file. Without it a restart begins anew.
    #[schemars(extend("examples" = ["/var/lib/tierwatch/state"]))]
    pub(super) state_file: Option<PathText>,
    /// What tierwatch tells about itself.
    pub(super) telemetry: Option<Telemetry>,
    /// Where alerts lead people to.
    pub(super) links: Option<Links>,
    /// Alertmanagers that are told by tierwatch itself, for teams without rules of their own; without it none is.
    pub(super) alertmanager: Option<Alertmanager>,
    /// Who may read what is served, beside what the file of `--web.config.file` says.
    pub(super) web: Option<Web>,
    /// Two tierwatch side by side, of which one counts and tells; off unless it is written.
    pub(super) high_availability: Option<HighAvailability>,
    /// The trust tiers, by name. A name is a value of the `tier` label: lower-case letters, digits and `-`.
    #[schemars(required, schema_with = "tiers")]
    pub(super) tiers: Option<BTreeMap<String, Tier>>,
}

fn tiers(generator: &mut SchemaGenerator) -> Schema {
    let tier = generator.subschema_for::<Tier>();
    json_schema!({ "type": "object", "minProperties": 1, "additionalProperties": tier })
}

/// Two tierwatch side by side: whoever holds a Lease of Kubernetes counts and tells, the other stands by.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HighAvailability {
    /// Whether this tierwatch asks for the Lease before it counts anything. Needs a right to write: see `print rbac`.
    pub(super) enabled: Option<bool>,
    /// Name of the Lease; the same for both.
    #[schemars(extend("examples" = ["tierwatch"]))]
    pub(super) lease_name: Option<String>,
    /// Namespace of the Lease; the one that tierwatch itself runs in.
    #[schemars(extend("examples" = ["tierwatch"]))]
    pub(super) namespace: Option<String>,
    /// The other one takes over when the Lease was not renewed for this long; 5s to 5m.
    pub(super) lease_duration: Option<DurationText>,
    /// Whoever holds the Lease gives it up when it could not renew it for this long; shorter than `lease_duration`.
    pub(super) renew_deadline: Option<DurationText>,
    /// Between two looks at the Lease, and two renewals of it; at most half of `renew_deadline`.
    pub(super) retry_period: Option<DurationText>,
}

/// How to reach GitLab and what to ask.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Gitlab {
    /// Base address of GitLab, with its relative root if it has one, without `/api/v4`.
    #[schemars(required)]
    pub(super) url: Option<AddressText>,
    /// File that holds the API token; read again when it changes.
    #[schemars(required)]
    pub(super) token_file: Option<PathText>,
    /// File with additional certificate authorities (PEM); read again when it changes.
    #[schemars(extend("examples" = ["/etc/tierwatch/ca.pem"]))]
    pub(super) ca_file: Option<PathText>,
    /// Time for one request, the body included; 1s to 5m.
    pub(super) timeout: Option<DurationText>,
    /// Request budget, shared by all sources; 10 to 100000.
    #[schemars(range(min = 10, max = 100_000))]
    pub(super) requests_per_minute: Option<i64>,
    /// A longer answer is refused; 64 KiB to 1 GiB.
    pub(super) max_answer_size: Option<SizeText>,
    /// How the queue of pending jobs is read.
    pub(super) queue: Option<Queue>,
    /// How the runners are read.
    pub(super) runners: Option<Runners>,
    /// Reading the logs of jobs whose pod the cluster refused to make.
    pub(super) job_logs: Option<JobLogs>,
}

/// How the queue of pending jobs is read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Queue {
    /// `auto`: the best way that the token allows. `instance`: all jobs at once, needs an administrator's token.
    /// `runner`: what each kind of the tiers' runners would take, by GitLab's own matching (18.1 or later); jobs that fit
    /// no runner are not in sight. `projects`: each project of `groups` in turn.
    #[schemars(extend("enum" = ["auto", "instance", "runner", "projects"]))]
    pub(super) source: Option<String>,
    /// Full paths of the groups whose projects are watched; needed by `source: projects`.
    pub(super) groups: Option<Vec<String>>,
    /// Time between two reads; 1s to 2m 30s. Data three reads old (5 minutes at most) is no longer judged.
    pub(super) interval: Option<DurationText>,
    /// Time within which every project is looked at (`source: projects`); not shorter than `interval`, 1d at most.
    pub(super) sweep: Option<DurationText>,
}

/// How the runners are read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Runners {
    /// Time between two reads; 1s to 2m 30s. Data three reads old (5 minutes at most) is no longer judged.
    pub(super) interval: Option<DurationText>,
}

/// Reading the logs of jobs whose pod the cluster refused to make.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct JobLogs {
    /// `true`: of a job that failed as `runner_system_failure` before it ran, the last 16 KiB of the log are read, once,
    /// for what the cluster's admission said. The text is judged and forgotten. The token needs `read_api`, its user
    /// Reporter in the projects (Developer where a job ran with debug logging).
    pub(super) enabled: Option<bool>,
}

/// How to reach the cluster and what to watch.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Kubernetes {
    /// `false`: nothing is asked of Kubernetes; waits are known, their reasons in the cluster are not.
    pub(super) enabled: Option<bool>,
    /// A kubeconfig file; without it `KUBECONFIG`, `~/.kube/config`, then the pod's service account.
    #[schemars(extend("examples" = ["/etc/tierwatch/kubeconfig"]))]
    pub(super) kubeconfig: Option<PathText>,
    /// A context of the kubeconfig; without it the current one.
    pub(super) context: Option<String>,
    /// Whether nodes and their events are watched, which needs a ClusterRole and a Role in `default`.
    pub(super) cluster_scoped: Option<bool>,
}

/// How long finished jobs are remembered.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct History {
    /// Older finished jobs are forgotten; 1m to 30d.
    pub(super) max_age: Option<DurationText>,
    /// At most this many finished jobs are remembered; 1 to 1000000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(super) max_jobs: Option<i64>,
}

/// Job hooks that GitLab sends. One of the two files is needed; a hook with a signature is held to it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Webhook {
    /// Where `/webhooks/gitlab` is served, apart from pages and metrics: `:port`, `host:port` or `[v6]:port`.
    #[schemars(required, extend("examples" = [":10472"]))]
    pub(super) listen_address: Option<String>,
    /// File that holds the hook's secret token; read again when it changes.
    #[schemars(extend("examples" = ["/etc/tierwatch/webhook-secret"]))]
    pub(super) secret_file: Option<PathText>,
    /// File that holds the hook's signing token (`whsec_…`, of newer GitLab versions); read again when it changes.
    #[schemars(extend("examples" = ["/etc/tierwatch/webhook-signing-token"]))]
    pub(super) signing_token_file: Option<PathText>,
}

/// What tierwatch tells about itself.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Telemetry {
    /// Traces over OTLP.
    pub(super) otlp: Option<Otlp>,
}

/// Who may read what is served. Users, passwords and certificates stand in the file of `--web.config.file`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Web {
    /// Answers `/metrics`, which names no project and no job, without password and client certificate.
    pub(super) open_metrics: Option<bool>,
    /// Users of that file who may read nothing but `/metrics`, such as Prometheus'.
    #[schemars(extend("examples" = [["prometheus"]]))]
    pub(super) metrics_only_users: Option<Vec<String>>,
}

/// Where alerts lead people to.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Links {
    /// Where people reach this daemon's pages.
    pub(super) tierwatch: Option<AddressText>,
    /// Where the runbooks are, one below it per alert name; without it the daemon's own copies.
    #[schemars(extend("examples" = ["https://wiki.example.com/tierwatch/runbooks"]))]
    pub(super) runbooks: Option<AddressText>,
    /// The Grafana that shows the dashboards; without it alerts lead to the daemon's own page of the tier.
    #[schemars(extend("examples" = ["https://grafana.example.com"]))]
    pub(super) grafana: Option<AddressText>,
}

/// Alertmanagers that are told by tierwatch itself. Then `print rules` prints none: nobody should be told twice.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Alertmanager {
    /// Base addresses, without `/api/v2/alerts`. Of a cluster of Alertmanagers name every member.
    #[schemars(required, extend("examples" = [["http://alertmanager.monitoring:9093"]]))]
    pub(super) urls: Option<Vec<AddressText>>,
    /// User of basic authentication; needs `password_file`.
    #[schemars(extend("examples" = ["tierwatch"]))]
    pub(super) username: Option<String>,
    /// File that holds the password; read again when it changes.
    #[schemars(extend("examples" = ["/etc/tierwatch/alertmanager-password"]))]
    pub(super) password_file: Option<PathText>,
    /// File that holds a bearer token, instead of user and password; read again when it changes.
    #[schemars(extend("examples" = ["/etc/tierwatch/alertmanager-token"]))]
    pub(super) token_file: Option<PathText>,
    /// File with additional certificate authorities (PEM); read again when it changes.
    #[schemars(extend("examples" = ["/etc/tierwatch/alertmanager-ca.pem"]))]
    pub(super) ca_file: Option<PathText>,
    /// File with a client certificate (PEM); needs `key_file`.
    #[schemars(extend("examples" = ["/etc/tierwatch/alertmanager.crt"]))]
    pub(super) cert_file: Option<PathText>,
    /// File with the key of the client certificate (PEM).
    #[schemars(extend("examples" = ["/etc/tierwatch/alertmanager.key"]))]
    pub(super) key_file: Option<PathText>,
    /// A proxy; without it those of the environment (`HTTPS_PROXY`, `NO_PROXY`).
    #[schemars(extend("examples" = ["http://proxy.example.com:3128"]))]
    pub(super) proxy_url: Option<AddressText>,
    /// Time for one request; 1s to 1m.
    pub(super) timeout: Option<DurationText>,
    /// What fires is told again this often; 5s to 5m. What is not told again for four times as long is over for Alertmanager.
    pub(super) resend_interval: Option<DurationText>,
}

/// Traces over OTLP.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Otlp {
    /// OTLP/HTTP endpoint without `/v1/traces`, e.g. `http://collector:4318`; without it no trace is sent.
    #[schemars(extend("examples" = ["http://collector:4318"]))]
    pub(super) endpoint: Option<AddressText>,
}

/// One trust tier.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Tier {
    /// Tags that the tier's runners carry and its jobs ask for.
    #[schemars(required)]
    pub(super) tags: Option<Vec<String>>,
    /// Whether its runners are meant to take jobs without tags.
    pub(super) run_untagged: Option<bool>,
    /// Ids of its runners; empty: found by their tags.
    #[schemars(inner(range(min = 1)))]
    pub(super) runners: Option<Vec<i64>>,
    /// Namespaces of its job pods; needed unless `kubernetes.enabled` is `false`.
    pub(super) namespaces: Option<Vec<String>>,
    /// Namespaces of its runner managers; without it those of its job pods.
    pub(super) manager_namespaces: Option<Vec<String>>,
    /// Node label whose value is the tier's name on the tier's nodes.
    pub(super) runner_tier_label: Option<String>,
    /// Jobs it can run at once; without it no saturation is judged.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(super) capacity: Option<i64>,
    /// `page`: its trouble wakes somebody. `ticket`: done in working hours. `none`: shown only.
    #[schemars(extend("enum" = ["page", "ticket", "none"]))]
    pub(super) urgency: Option<String>,
    /// What its users are promised.
    pub(super) objective: Option<Objective>,
    /// Where its own runbook is.
    #[schemars(extend("examples" = ["https://wiki.example.com/runbooks/standard"]))]
    pub(super) runbook_url: Option<AddressText>,
    /// The tokens of its runners.
    pub(super) token: Option<Token>,
    /// What its boundary is declared to be; without it `/boundaries` shows what is there and judges nothing.
    pub(super) posture: Option<Posture>,
    /// A tier in use starts a job at least this often (`TierNoTraffic`); without it a tier may rest. 1m to 7d.
    #[schemars(extend("examples" = ["1h"]))]
    pub(super) expects_traffic: Option<DurationText>,
    /// From where on its conditions hold, which its alerts are made of.
    pub(super) conditions: Option<Conditions>,
}

/// From where on a tier's conditions hold. How long they must hold before somebody is told stands in the rules.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Conditions {
    /// `TierJobsOverdue`: a job of a tier below `min_jobs` waits for so many times `start_within`; 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    pub(super) overdue_factor: Option<f64>,
    /// `TierQueueStalled`: the oldest job waits, and none starts, for so many times `start_within`; 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    pub(super) stalled_factor: Option<f64>,
    /// `TierJobsDropped`: how long a job that GitLab dropped is told; 1m to 1d.
    pub(super) dropped_for: Option<DurationText>,
    /// `TierPlatformFailures`: so many jobs that the platform broke; 1 to 1000000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(super) platform_failures_jobs: Option<i64>,
    /// `TierPlatformFailures`: and this part of the tier's starts; above 0, 1 at most.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 1))]
    pub(super) platform_failures_ratio: Option<f64>,
    /// `TierPlatformFailures`: within this time; 1m to 1h.
    pub(super) platform_failures_window: Option<DurationText>,
    /// `TierDown`: no manager is ready for this long; 0s to 1h.
    pub(super) down_after: Option<DurationText>,
    /// `TierUnschedulable`: a pod counts when no node took it for this long; 0s to 1h.
    pub(super) unschedulable_after: Option<DurationText>,
    /// `TierImagePullFailing`: so many pods that cannot pull; 1 to 1000000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(super) pull_failing_pods: Option<i64>,
    /// `TierImagePullFailing`: or this part of the pods that start; above 0, 1 at most.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 1))]
    pub(super) pull_failing_ratio: Option<f64>,
    /// `TierImagePullFailing`: of at least so many projects; 1 to 1000.
    #[schemars(range(min = 1, max = 1_000))]
    pub(super) pull_failing_projects: Option<i64>,
    /// `TierImagePullFailing`: within this time; 1m to 1h.
    pub(super) pull_failing_window: Option<DurationText>,
    /// `TierScaleUpBlocked`: no node is made for waiting pods for this long; 0s to 1h.
    pub(super) scale_up_blocked_after: Option<DurationText>,
    /// `TierAtCapacity`: part of `capacity` or of a quota that is used; above 0, 1 at most.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 1))]
    pub(super) at_capacity_ratio: Option<f64>,
    /// `TierFlooded`: part of the queue that belongs to one project; above 0, 1 at most.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 1))]
    pub(super) flooded_ratio: Option<f64>,
    /// `TierFlooded`: so many jobs wait at least; 1 to 1000000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(super) flooded_jobs: Option<i64>,
    /// `JobsUnserved`: a job counts when no runner may take it for this long; 0s to 1d.
    pub(super) unserved_after: Option<DurationText>,
    /// `RunnerTokenExpiring`: so long before its end it is no ticket any more but as urgent as the tier; 1h to 366d, and
    /// shorter than `token.warn_before_expiry`.
    pub(super) critical_before_expiry: Option<DurationText>,
}

/// The tokens of a tier's runners.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Token {
    /// Older is too old; 1d to 3660d.
    pub(super) max_age: Option<DurationText>,
    /// So long before its end a token should be replaced; 1h to 366d.
    pub(super) warn_before_expiry: Option<DurationText>,
    /// Name of the Secret that holds the token, in the managers' namespaces. Its metadata is read by `get`, which needs a right on that
    /// one Secret (see `print rbac`); its data is never asked for, though whoever holds that right could.
    #[schemars(extend("examples" = ["gitlab-runner-token"]))]
    pub(super) secret: Option<String>,
    /// Annotation of that Secret, or of the manager pods (no further right needed), that says when the token was obtained: a
    /// date, an RFC 3339 time or Unix seconds.
    #[schemars(extend("examples" = ["platform.example.com/token-rotated-at"]))]
    pub(super) rotation_annotation: Option<String>,
}

/// What a tier's boundary is declared to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Posture {
    /// What is expected; whatever is left out is expected of a closed tier. `{}` leaves out everything.
    pub(super) expected: Option<Expected>,
}

/// What is expected at a tier's boundary. A key is the name of a check, and of the `check` label.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Expected {
    /// Enforced at least by the namespaces' pod-security labels: `restricted` (without the key), `baseline`, `privileged`.
    #[schemars(extend("enum" = ["restricted", "baseline", "privileged"]))]
    pub(super) pod_security: Option<String>,
    /// The enforced version, e.g. `latest` or `v1.34`; without it any.
    pub(super) pod_security_version: Option<String>,
    /// Written into the audit log at least; without it not judged.
    #[schemars(extend("enum" = ["restricted", "baseline", "privileged"]))]
    pub(super) pod_security_audit: Option<String>,
    /// Warned of at least; without it not judged.
    #[schemars(extend("enum" = ["restricted", "baseline", "privileged"]))]
    pub(super) pod_security_warn: Option<String>,
    /// Every pod is isolated by network policies in both directions and nothing opens everything again (`true` without the
    /// key). `false`: not judged.
    pub(super) default_deny: Option<bool>,
    /// Ports on which jobs may reach the internet; without the key 53 and 443.
    #[schemars(inner(range(min = 1, max = 65_535)))]
    pub(super) internet_ports: Option<Vec<i64>>,
    /// `true`: jobs may reach the cloud's metadata service.
    pub(super) metadata_endpoint: Option<bool>,
    /// `true`: job pods may have privileged containers.
    pub(super) privileged: Option<bool>,
    /// `true`: job pods may use the host's network, process ids or IPC.
    pub(super) host_namespaces: Option<bool>,
    /// `true`: job pods may mount paths of the host.
    pub(super) host_path: Option<bool>,
    /// `true`: job pods may mount the container runtime's socket.
    pub(super) docker_socket: Option<bool>,
    /// Capabilities that job pods may add; without the key none.
    pub(super) capabilities: Option<Vec<String>>,
    /// `true`: job pods may run as root. Without the key as `pod_security` says: `restricted` forbids it.
    pub(super) root: Option<bool>,
    /// `true`: job pods may mount their service account's token.
    pub(super) service_account_token: Option<bool>,
    /// Names of Secrets that job pods may mount or reference; without the key not judged.
    pub(super) secrets: Option<Vec<String>>,
    /// No other tier's job pods use the service account (`true` without the key). `false`: not judged.
    pub(super) own_service_account: Option<bool>,
    /// No other tier's service account takes the same cloud role (`true` without the key). `false`: not judged.
    pub(super) own_cloud_role: Option<bool>,
    /// `true`: the runner manager's Role may have wildcards.
    pub(super) manager_wildcards: Option<bool>,
    /// Job pods ask for nodes with the tier's label (`true` without the key). `false`: not judged.
    pub(super) node_selector: Option<bool>,
    /// No job pod runs on another tier's node (`true` without the key). `false`: not judged.
    pub(super) own_nodes: Option<bool>,
    /// Each namespace has a ResourceQuota (`true` without the key). `false`: not judged.
    pub(super) resource_quota: Option<bool>,
    /// Each namespace has a LimitRange (`true` without the key). `false`: not judged.
    pub(super) limit_range: Option<bool>,
    /// Whether the runners take jobs of protected refs only; without the key not judged.
    pub(super) protected: Option<bool>,
    /// Whether the runners are locked to their projects; without the key not judged.
    pub(super) locked: Option<bool>,
    /// Whether the runners take jobs without tags; without the key as the tier's own `run_untagged`, which it must equal.
    pub(super) run_untagged: Option<bool>,
    /// The runners carry the tier's tags and no others (`true` without the key). `false`: not judged.
    pub(super) tags: Option<bool>,
    /// No runner carries another tier's tags (`true` without the key). `false`: not judged.
    pub(super) own_runners: Option<bool>,
    /// Nobody but the tier's `runners` takes its tags (`true` without the key). `false`: not judged.
    pub(super) declared_runners: Option<bool>,
    /// No more managers use the tier's tokens than it has manager pods (`true` without the key). `false`: not judged.
    pub(super) own_managers: Option<bool>,
    /// No runner manager replaces a token that expires by itself (`true` without the key). `false`: not judged.
    pub(super) token_rotation: Option<bool>,
}

/// What the users of a tier are promised.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Objective {
    /// Part of the jobs that start in time: above 0, below 1.
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))]
    pub(super) target: Option<f64>,
    /// Time over which it is counted; 1d to 366d.
    pub(super) window: Option<DurationText>,
    /// From "a runner could take it" to "its build container runs"; 1s to 1d.
    pub(super) start_within: Option<DurationText>,
    /// Jobs an hour below which a ratio says nothing; 0 to 1000000.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub(super) min_jobs: Option<i64>,
}
