//! The rows, in the order of the documentation.

use super::label::*;
use super::{Kind, Row, Stability};

macro_rules! rows {
    ($($constant:ident $prefix:literal $name:literal $kind:ident $stability:ident [$($label:ident),*] $help:literal;)+) => {
        $(
            #[doc = $help]
            pub const $constant: &Row = &Row {
                name: concat!($prefix, $name),
                help: $help,
                kind: Kind::$kind,
                labels: &[$($label),*],
                stability: Stability::$stability,
            };
        )+

        /// Every family.
        pub const ALL: &[&Row] = &[$($constant),+];
    };
}

rows! {
    QUEUE_PENDING_JOBS "tierwatch_" "queue_pending_jobs" Gauge Stable [TIER]
        "Jobs waiting in GitLab now that are proven to be this tier's; absent when the queue cannot be seen.";
    QUEUE_OLDEST_PENDING_AGE "tierwatch_" "queue_oldest_pending_age_seconds" Gauge Stable [TIER]
        "Longest wait in the tier's queue: GitLab's queued_duration at its answer plus the time since; 0 when the known queue is empty.";
    QUEUE_OVERDUE_JOBS "tierwatch_" "queue_overdue_jobs" Gauge Stable [TIER]
        "Jobs waiting longer than the tier's start_within.";
    QUEUE_UNCERTAIN_JOBS "tierwatch_" "queue_uncertain_jobs" Gauge Stable [TIER]
        "Waiting jobs whose tags fit the tier while the rest (protected refs, scope) cannot be proven; not in the pending count.";
    QUEUE_SHARED_JOBS "tierwatch_" "queue_shared_jobs" Gauge Stable [TIER]
        "Waiting jobs that fit several tiers; they are in the pending count of each.";
    QUEUE_UNSERVED_JOBS "tierwatch_" "queue_unserved_jobs" Gauge Stable [TIER, UNSERVED_REASON]
        "Waiting jobs that no runner may take, counted at the nearest tier, by what is missing.";
    QUEUE_OUT_OF_SCOPE_JOBS "tierwatch_" "queue_out_of_scope_jobs" Gauge Stable []
        "Waiting jobs that belong to no configured tier.";
    QUEUE_TOP_PROJECT_SHARE "tierwatch_" "queue_top_project_share_ratio" Gauge Experimental [TIER]
        "Largest part of the tier's queue that belongs to one project, 0 to 1; absent when nothing waits.";
    QUEUE_WAIT "tierwatch_" "queue_wait_seconds" Histogram Stable [TIER]
        "Time a job waited in GitLab's queue, as GitLab counts it, once per job, by the tier whose runner took it.";
    JOB_START "tierwatch_" "job_start_seconds" Histogram Stable [TIER]
        "Time from queued to build container running, once per job of which both ends are known.";
    JOB_START_PHASE "tierwatch_" "job_start_phase_seconds" Histogram Stable [TIER, START_PHASE]
        "Where the time of a start went; the phases of a fully known job sum to its job_start_seconds.";
    JOB_START_OUTCOMES "tierwatch_" "job_start_outcomes_total" Counter Stable [TIER, OUTCOME]
        "Verdicts on the start of jobs, one per job, late as soon as it is late; service level = in_time / (in_time + late + platform_failure).";
    JOBS_RUNNING "tierwatch_" "jobs_running" Gauge Stable [TIER, RUNNING_STATE]
        "Jobs that GitLab calls running: starting until the build container runs, executing from then on (or when no pods can be seen).";
    JOBS_DROPPED "tierwatch_" "jobs_dropped_total" Counter Stable [TIER, DROP_REASON]
        "Jobs on which GitLab gave up while they waited, by its failure reason.";
    JOBS_FAILED "tierwatch_" "jobs_failed_total" Counter Stable [TIER, FAILURE_REASON, BLAME]
        "Failed jobs by GitLab's failure reason and by whose fault it was.";
    QUEUE_COVERAGE "tierwatch_" "queue_coverage_ratio" Gauge Stable []
        "Part of the watched projects whose queue was seen within the horizon, 0 to 1; always 1 when the whole instance is read at once.";
    JOB_PODS "tierwatch_" "job_pods" Gauge Stable [TIER, POD_PHASE]
        "Job pods in the tier's namespaces by phase; absent when the namespaces cannot be seen.";
    JOB_PODS_UNSCHEDULABLE "tierwatch_" "job_pods_unschedulable" Gauge Stable [TIER, SCHEDULING]
        "Job pods that the scheduler cannot place now, by dominant cause.";
    JOB_PODS_SCALE_UP_BLOCKED "tierwatch_" "job_pods_scale_up_blocked" Gauge Stable [TIER, SCALE_UP]
        "Job pods without a node for which cluster-autoscaler, Karpenter or EKS Auto Mode makes none, by its latest verdict on the pod; absent when pods or events cannot be seen. Autoscalers are silent about some pods.";
    SCHEDULING_FAILURES "tierwatch_" "scheduling_failures_total" Counter Stable [TIER, SCHEDULING]
        "Job pods that became unschedulable, once per pod, by the first dominant cause; normal in small numbers while nodes scale up.";
    JOB_PODS_IMAGE_PULL_FAILING "tierwatch_" "job_pods_image_pull_failing" Gauge Stable [TIER, REGISTRY, PULL]
        "Job pods that fail to pull an image now; a pair of registry and cause without such a pod has no series.";
    IMAGE_PULL_FAILURES "tierwatch_" "image_pull_failures_total" Counter Stable [TIER, PULL]
        "Image pulls of job pods that failed, once per pod, container and cause.";
    REGISTRY_PULL_FAILURES "tierwatch_" "registry_pull_failures_total" Counter Stable [TIER, REGISTRY]
        "Image pulls of job pods that failed, once per pod, container and cause, by registry.";
    ADMISSION_FAILURES "tierwatch_" "admission_failures_total" Counter Stable [TIER, ADMISSION]
        "Pods that the API server refused to make: a job's once per job, by the end of its log and only with gitlab.job_logs.enabled; a controller's, such as a runner manager's, once per controller and cause, by its events.";
    QUOTA_USED "tierwatch_" "quota_used_ratio" Gauge Stable [TIER, QUOTA_RESOURCE]
        "Used part of the fullest resource quota of the tier's namespaces, requests and limits alike; above 1 where a quota was lowered; absent without a quota or when quotas cannot be seen.";
    IMAGE_PULL "tierwatch_" "image_pull_seconds" Histogram Stable [TIER]
        "Time from the wish to pull an image of a job pod to its end, the wait in the kubelet's queue included. A lossy sample: told by events only, without images that were on the node already and without kubelets up to 1.18.";
    IMAGE_PULL_QUEUE "tierwatch_" "image_pull_queue_seconds" Histogram Stable [TIER]
        "Share of image_pull_seconds that the pull waited in the kubelet's own queue (serializeImagePulls). A lossy sample: told by events only, and by kubelets since 1.27.";
    POD_FAILURES "tierwatch_" "pod_failures_total" Counter Stable [TIER, POD_FAILURE]
        "Job pods with a node that were held up there (network, volumes, the program) or taken away (eviction, preemption, spot), once per pod and cause; an end is counted half a minute after it shows, by the best explanation heard.";
    NODE_ALLOCATABLE_CPU "tierwatch_" "node_allocatable_cpu_cores" Gauge Stable [TIER]
        "CPU that the ready nodes of the tier's label can give to pods, in cores.";
    NODE_ALLOCATABLE_MEMORY "tierwatch_" "node_allocatable_memory_bytes" Gauge Stable [TIER]
        "Memory that the ready nodes of the tier's label can give to pods, in bytes.";
    NODES "tierwatch_" "nodes" Gauge Stable [TIER, NODE_STATE]
        "Nodes of the tier's label by state; unschedulable means ready but cordoned; absent when nodes cannot be seen.";
    JOB_PODS_REQUESTED_CPU "tierwatch_" "job_pods_requested_cpu_cores" Gauge Stable [TIER]
        "CPU requested by the tier's unfinished job pods, in cores.";
    JOB_PODS_REQUESTED_MEMORY "tierwatch_" "job_pods_requested_memory_bytes" Gauge Stable [TIER]
        "Memory requested by the tier's unfinished job pods, in bytes.";
    TIER_CAPACITY "tierwatch_" "tier_capacity_jobs" Gauge Stable [TIER]
        "Jobs that the tier can run at once, from the configuration; absent without capacity.";
    TIER_ROOM "tierwatch_" "tier_room_jobs" Gauge Experimental [TIER]
        "Further job pods that fit now, at most, by what those of these minutes ask for: on the tier's nodes, within its quotas and its configured capacity; absent while no job pod tells what is typical. Pods of other namespaces take room that is not seen.";
    RUNNERS "tierwatch_" "runners" Gauge Stable [TIER, RUNNER_STATUS]
        "Runners of the tier by GitLab's word, which stays online for two hours after the last contact.";
    RUNNERS_PAUSED "tierwatch_" "runners_paused" Gauge Stable [TIER]
        "Runners of the tier that are paused, whatever their status.";
    RUNNER_MANAGER_PODS "tierwatch_" "runner_manager_pods" Gauge Stable [TIER, READY]
        "Pods of the tier's runner managers by readiness; absent when their namespaces cannot be seen.";
    RUNNER_INFO "tierwatch_" "runner_info" Gauge Stable [TIER, RUNNER_ID, SHORT_SHA]
        "1 for each runner of the tier, at most 100 a tier; joins with GitLab Runner's own metrics by the runner's short token.";
    RUNNER_TOKEN_OBTAINED "tierwatch_" "runner_token_obtained_timestamp_seconds" Gauge Stable [TIER, RUNNER_ID, TOKEN_SOURCE]
        "When the runner's token was obtained, Unix time: by an annotation, by its Secret's metadata (both only where the tier has one runner), or by the moment at which GitLab's expiry of it was seen to move. The runner's creation is only an upper bound of the age and not exported.";
    RUNNER_TOKEN_EXPIRY "tierwatch_" "runner_token_expiry_timestamp_seconds" Gauge Stable [TIER, RUNNER_ID, EXPIRY_SOURCE]
        "When the runner's token ends, Unix time; absent where it never ends or GitLab does not show it: an instance runner's only to administrators.";
    RUNNER_TOKEN_AGE "tierwatch_" "runner_token_age_seconds" Gauge Stable [TIER]
        "Age of the tier's oldest runner token by the best source of each; absent where no source tells the age of any.";
    API_TOKEN_EXPIRY "tierwatch_" "api_token_expiry_timestamp_seconds" Gauge Stable []
        "When the token that tierwatch itself uses ends, Unix time: the beginning of that day, UTC; absent where it never ends or GitLab does not tell.";
    POSTURE_VIOLATIONS "tierwatch_" "posture_violations" Gauge Stable [TIER, CHECK]
        "1 while a check of the tier's boundary finds something else than posture.expected declares, 0 while it finds that; absent while a check cannot be made or nothing is declared for it.";
    TIER_INFO "tierwatch_" "tier_info" Gauge Stable [TIER, URGENCY]
        "1 for each configured tier, always; urgency is who must react when it hurts.";
    TIER_OBJECTIVE "tierwatch_" "tier_objective_ratio" Gauge Stable [TIER]
        "Part of the tier's jobs that should start in time, from the configuration.";
    TIER_START_WITHIN "tierwatch_" "tier_start_within_seconds" Gauge Stable [TIER]
        "How fast a job of the tier should start, from the configuration.";
    TIER_CONDITION "tierwatch_" "tier_condition" Gauge Stable [TIER, TIER_CONDITION_NAME]
        "1 while a judgement on the tier holds, 0 while it does not, before any patience of a rule; absent while what it rests on cannot be seen. Its limits stand in tiers.*.conditions.";
    OWN_CONDITION "tierwatch_" "own_condition" Gauge Stable [OWN_CONDITION_NAME]
        "1 while a judgement on tierwatch itself holds, 0 while it does not; absent while what it rests on is not known.";
    SOURCE_UP "tierwatch_" "source_up" Gauge Stable [SOURCE, TIER]
        "1 when the source answers and its data is within the horizon, 0 when the tier is blind there; repeated for each tier that depends on it.";
    SOURCE_LAST_SUCCESS "tierwatch_" "source_last_success_timestamp_seconds" Gauge Stable [SOURCE, TIER]
        "When the source last answered, Unix time; of several namespaces the one that is furthest behind.";
    SOURCE_ATTEMPTS "tierwatch_" "source_attempts_total" Counter Stable [SOURCE, TIER]
        "Attempts of the source, repeated for each tier that depends on it.";
    SOURCE_FAILURES "tierwatch_" "source_failures_total" Counter Stable [SOURCE, TIER, CLASS]
        "Failed attempts of the source by class, repeated for each tier that depends on it.";
    GITLAB_REQUESTS "tierwatch_" "gitlab_requests_total" Counter Stable [OPERATION, STATUS_CLASS]
        "Requests to GitLab by what was asked and by the class of the answer.";
    GITLAB_RATE_LIMIT_REMAINING "tierwatch_" "gitlab_rate_limit_remaining" Gauge Stable []
        "Requests left in GitLab's rate-limit window by its last answer; absent when GitLab does not tell.";
    GITLAB_REQUEST_DURATION "tierwatch_" "gitlab_request_duration_seconds" Histogram Stable [OPERATION]
        "Time from request to the end of GitLab's answer.";
    SOURCE_RUN "tierwatch_" "source_run_seconds" Histogram Experimental [POLLED_SOURCE]
        "Time of one run of a polling source, all its requests together.";
    SOURCE_OBJECTS "tierwatch_" "source_objects" Gauge Experimental [SOURCE]
        "Objects held from the source.";
    WATCH_RESTARTS "tierwatch_" "watch_restarts_total" Counter Experimental [WATCHED_SOURCE]
        "Watches of the Kubernetes API that were started anew.";
    DESK_QUEUE_DEPTH "tierwatch_" "desk_queue_depth" Gauge Experimental []
        "Observations waiting to be folded; near its bound the sources wait.";
    WEBHOOKS "tierwatch_" "webhooks_total" Counter Stable [HOOK_RESULT]
        "Requests to the webhook listener by what became of them; no series while webhooks are off.";
    DISAGREEMENTS "tierwatch_" "disagreements_total" Counter Stable [DISAGREEMENT]
        "Jobs of which a hook and GitLab's API told different things, once per job and kind; the API is believed. No series while webhooks are off.";
    REJECTED_ANNOTATIONS "tierwatch_" "rejected_annotations_total" Counter Stable [TIER]
        "Job pods whose job id annotation contradicts GitLab (a user can forge it); the annotation is not believed.";
    OBSERVATIONS "tierwatch_" "observations_total" Counter Experimental [SOURCE]
        "Observations folded into the fleet.";
    UNCLASSIFIED "tierwatch_" "unclassified_total" Counter Stable [FAMILY]
        "Messages of the cluster or a registry that no rule of the family knows.";
    UNJOINED_NODE_EVENTS "tierwatch_" "unjoined_node_events_total" Counter Experimental []
        "Interrupted nodes and failed node claims that no tier's node or job pod could be joined to; they count for no tier.";
    OBSERVATION_GAP "tierwatch_" "observation_gap_seconds_total" Counter Stable [SOURCE]
        "Time during which the source was blind or nobody watched; what happened then may be missing in the counters.";
    DEDUP_EVICTIONS "tierwatch_" "dedup_evictions_total" Counter Experimental [TABLE]
        "Remembered keys dropped to keep memory bounded; afterwards a repeat could count twice.";
    CLOCK_CLAMPS "tierwatch_" "clock_clamps_total" Counter Experimental [START_PHASE]
        "Phases whose end lay before their start by the machines' clocks and were counted as 0.";
    BUILD_INFO "tierwatch_" "build_info" Gauge Stable [VERSION, REVISION]
        "1, with the version and revision that runs.";
    SECRET_LAST_RELOAD_SUCCESSFUL "tierwatch_" "secret_last_reload_successful" Gauge Stable []
        "1 when the secret files could be read and used at the last attempt, 0 when one could not.";
    WEBHOOK_SECRET_WRITTEN "tierwatch_" "webhook_secret_written_timestamp_seconds" Gauge Experimental []
        "When the older of the webhook's secret files was last written, Unix time in seconds: the secret is at least as old. A mounted Kubernetes Secret is written anew when the pod starts.";
    ALERTMANAGER_PUSHES "tierwatch_" "alertmanager_pushes_total" Counter Experimental [PUSH_RESULT]
        "Requests in which alerts were pushed to an Alertmanager, by what became of them; no series while none is configured.";
    LEADER "tierwatch_" "leader" Gauge Stable []
        "1 while this one holds the Lease, so counts and tells, 0 while it stands by; no series without high_availability.";
    LEASE_LEFT_OUT "tierwatch_" "lease_left_out_total" Counter Stable []
        "Occurrences that fell into the time of a former holder of the Lease that was gone when they were learned, or could not be told from it: it may have counted them, nobody else has; no series without high_availability.";
    PROCESS_CPU "process_" "cpu_seconds_total" Counter Stable []
        "User and system CPU time spent, in seconds.";
    PROCESS_RESIDENT_MEMORY "process_" "resident_memory_bytes" Gauge Stable []
        "Resident memory, in bytes.";
    PROCESS_OPEN_FDS "process_" "open_fds" Gauge Stable []
        "Open file descriptors.";
    PROCESS_START_TIME "process_" "start_time_seconds" Gauge Stable []
        "When the process started, Unix time in seconds.";
}
