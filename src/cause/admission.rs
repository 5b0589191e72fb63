//! What kube-apiserver's admission says when it refuses a pod. Job pods are made by the runner itself, so the text
//! stands in the job's log; controllers put the same text into `FailedCreate` events.

use std::sync::LazyLock;

use super::label::labels;
use super::text::{Phrases, Sentence, bare};

labels! {
    /// Why the API server refuses a pod; the last one is no failure.
    Admission {
        /// Pod Security, PodSecurityPolicy or OpenShift's constraints.
        PodSecurity = "pod_security",
        /// A ResourceQuota is used up.
        Quota = "quota",
        /// A ResourceQuota demands requests or limits that the pod lacks.
        QuotaMissingRequest = "quota_missing_request",
        /// The quota was not judged in time.
        QuotaTimeout = "quota_timeout",
        /// A LimitRange.
        LimitRange = "limit_range",
        /// A webhook or an admission policy said no.
        WebhookDenied = "webhook_denied",
        /// A webhook cannot be reached.
        WebhookUnavailable = "webhook_unavailable",
        /// A webhook did not answer in time.
        WebhookTimeout = "webhook_timeout",
        /// Anything else.
        Other = "other",
        /// A warning only: the pod is admitted.
        PodSecurityWarn = "pod_security_warn",
    }
}

impl Admission {
    /// False for a mere warning.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        !matches!(self, Self::PodSecurityWarn)
    }
}

/// Names the cause of a refusal.
#[must_use]
pub fn classify(message: &str) -> Admission {
    told(&Sentence::new(bare(message))).unwrap_or(Admission::Other)
}

/// The cause for which the cluster refused a pod, out of the error with which a runner gives a job up; nothing where
/// the runner failed at something else.
///
/// GitLab Runner (15 and later) puts the steps in front: `prepare environment: setting up build pod: …`.
#[must_use]
pub fn refusal(given_up: &str) -> Option<Admission> {
    let text = bare(given_up);
    // From here on the pod exists: what a registry denies is no matter of admission.
    if text.contains("waiting for pod running") {
        return None;
    }
    // `is forbidden` is what every admission plugin says, but rights that are missing say it, too; `is invalid` is what
    // the validation after them says.
    let forbidden = || text.contains(" is forbidden: ") && !text.contains(" cannot create resource ");
    let refused = || forbidden() || text.contains("Pod \"") && text.contains("\" is invalid: ");
    let named = |cause: &Admission| cause.is_failure() && *cause != Admission::Other;
    told(&Sentence::new(text)).filter(named).or_else(|| refused().then_some(Admission::Other))
}

/// What the text says, if anything.
pub(super) fn told(sentence: &Sentence<'_>) -> Option<Admission> {
    static TABLE: LazyLock<Phrases<Admission>> = LazyLock::new(|| Phrases::new(ROWS));
    static LATE: LazyLock<Phrases<()>> = LazyLock::new(|| Phrases::new(TIMEOUTS));
    let cause = TABLE.first(sentence)?;
    let is_late = cause == Admission::WebhookUnavailable && LATE.first(sentence).is_some();
    Some(if is_late { Admission::WebhookTimeout } else { cause })
}

/// What a refusal of policy quotes may be any text: the policy's own words come first.
const ROWS: &[(Admission, &[&str])] = &[
    // generic/admission: webhooks 1.9+; ValidatingAdmissionPolicy 1.26+; ImagePolicyWebhook.
    (
        Admission::WebhookDenied,
        &["denied the request", "denied request", "image policy webhook backend denied", "validatingadmissionpolicy"],
    ),
    // webhook/dispatcher: `calling` up to 1.2x, `call` since; conversion webhooks of custom objects.
    (
        Admission::WebhookUnavailable,
        &[
            "failed calling webhook",
            "failed to call webhook",
            "failed calling admission webhook",
            "conversion webhook for",
        ],
    ),
    // pod-security-admission 1.22+.
    (Admission::PodSecurityWarn, &["would violate podsecurity", "would violate \"latest\" version of"]),
    // PodSecurityPolicy up to 1.24; OpenShift SCC; `violates PodSecurity` 1.22+.
    (
        Admission::PodSecurity,
        &[
            "violates podsecurity",
            "podsecuritypolicy",
            "unable to validate against any pod security policy",
            "unable to validate against any security context constraint",
            "securitycontextdeny",
        ],
    ),
    // resourcequota: a quota on a resource makes its request a duty.
    (Admission::QuotaMissingRequest, &["failed quota"]),
    (
        Admission::QuotaTimeout,
        &[
            "resource quota evaluates timeout",
            "resource quota evaluation timed out",
            "resource quota evaluation timeout",
        ],
    ),
    (
        Admission::Quota,
        &[
            "exceeded quota",
            "insufficient quota to match these scopes",
            "insufficient quota to consume",
            "status unknown for quota",
        ],
    ),
    // api/validation: a LimitRange's maximum is every container's limit unless it says another default, and the pod asks
    // for more: `Pod "x" is invalid: … must be less than or equal to cpu limit of 50m` (the amount since 1.28).
    (
        Admission::LimitRange,
        &[
            "must be less than or equal to cpu limit",
            "must be less than or equal to memory limit",
            "must be less than or equal to ephemeral-storage limit",
        ],
    ),
    // limitranger: `maximum cpu usage per Container is 16`, `cpu max limit to request ratio per Pod is 2`.
    (
        Admission::LimitRange,
        &[
            "usage per container",
            "usage per pod",
            "usage per persistentvolumeclaim",
            "ratio per container",
            "ratio per pod",
            "storage requests per",
        ],
    ),
    // endpoints/handlers: the whole request ran out of time, which only webhooks make it do.
    // OpenShift gives each plugin 13 s and tells which one took longer.
    (
        Admission::WebhookTimeout,
        &["request did not complete within", "failed to complete mutation in", "failed to complete validation in"],
    ),
    // Any other plugin: a priority class or a service account that is not there.
    (Admission::Other, &["is forbidden: "]),
];

const TIMEOUTS: &[((), &[&str])] = &[(
    (),
    &[
        "context deadline exceeded",
        "timed out",
        "i/o timeout",
        "tls handshake timeout",
        "timeout exceeded",
        "request canceled",
    ],
)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_all_admission_plugins() {
        let calling = "Internal error occurred: failed calling webhook \"w.example.com\": failed to call webhook: Post \
                       \"https://w.ns.svc:443/validate?timeout=10s\": ";
        let because = |text: &str| format!("{calling}{text}");
        for (message, cause) in [
            // pkg/apis/core/validation
            ("Pod \"x\" is invalid: spec.containers[0].resources.requests: Invalid value: \"500m\": must be less than or equal to cpu limit of 50m".into(), Admission::LimitRange),
            ("Pod \"x\" is invalid: spec.containers[0].resources.requests: Invalid value: \"1Gi\": must be less than or equal to memory limit".into(), Admission::LimitRange),
            // staging/src/k8s.io/pod-security-admission
            ("pods \"x\" is forbidden: violates PodSecurity \"baseline:v1.30\": hostPath volumes (volume \"v\")".into(), Admission::PodSecurity),
            ("would violate PodSecurity \"baseline:latest\": privileged (container \"c\" …)".into(), Admission::PodSecurityWarn),
            // OpenShift's securitycontextconstraints
            ("pods \"x\" is forbidden: unable to validate against any security context constraint: [provider \"anyuid\": Forbidden]".into(), Admission::PodSecurity),
            // plugin/pkg/admission/resourcequota
            ("pods \"x\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3".into(), Admission::Quota),
            ("pods \"x\" is forbidden: failed quota: q: must specify limits.cpu for: build,helper".into(), Admission::QuotaMissingRequest),
            ("Internal error occurred: resource quota evaluation timed out".into(), Admission::QuotaTimeout),
            ("pods \"x\" is forbidden: status unknown for quota: q, resources: pods".into(), Admission::Quota),
            // plugin/pkg/admission/limitranger
            ("pods \"x\" is forbidden: [minimum memory usage per Pod is 1Gi, but request is 1Mi, maximum cpu usage per Container is 2, but limit is 4]".into(), Admission::LimitRange),
            ("pods \"x\" is forbidden: cpu max limit to request ratio per Container is 2, but provided ratio is 4.000000".into(), Admission::LimitRange),
            // apiserver/pkg/admission/plugin/webhook
            ("admission webhook \"validate.kyverno.svc-fail\" denied the request: exceeded quota: is what we call it".into(), Admission::WebhookDenied),
            ("pods \"x\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: failed expression: false".into(), Admission::WebhookDenied),
            (because("context deadline exceeded"), Admission::WebhookTimeout),
            (because("net/http: request canceled (Client.Timeout exceeded while awaiting headers)"), Admission::WebhookTimeout),
            (because("dial tcp 10.0.0.1:443: i/o timeout"), Admission::WebhookTimeout),
            (because("dial tcp 10.0.0.1:443: connect: connection refused"), Admission::WebhookUnavailable),
            (because("x509: certificate signed by unknown authority"), Admission::WebhookUnavailable),
            (because("service \"w\" not found"), Admission::WebhookUnavailable),
            (because("EOF"), Admission::WebhookUnavailable),
            ("Timeout: request did not complete within requested timeout - context deadline exceeded".into(), Admission::WebhookTimeout),
            // not ours to name
            ("pods is forbidden: User \"system:serviceaccount:a:b\" cannot create resource \"pods\"".into(), Admission::Other),
            ("pods \"exceeded\" already exists".to_owned(), Admission::Other),
        ] {
            assert_eq!(classify(&message), cause, "{message}");
            let event = format!("(combined from similar events): Error creating: {message}");
            assert_eq!(classify(&event), cause, "{event}");
        }
    }

    #[test]
    fn a_runner_that_gave_a_job_up_names_a_refusal_or_something_else() {
        let preparing = |text: &str| {
            format!(
                "prepare environment: setting up build pod: {text}. Check https://docs.gitlab.com/runner/shells/#shell-profile-loading-fails for more information"
            )
        };
        for (given_up, cause) in [
            (preparing("pods \"runner-x\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3"), Some(Admission::Quota)),
            (preparing("pods \"runner-x\" is forbidden: violates PodSecurity \"restricted:latest\": privileged"), Some(Admission::PodSecurity)),
            (preparing("pods \"runner-x\" is forbidden: maximum cpu usage per Container is 2, but limit is 4"), Some(Admission::LimitRange)),
            (preparing("admission webhook \"validate.kyverno.svc-fail\" denied the request:"), Some(Admission::WebhookDenied)),
            (preparing("Internal error occurred: failed calling webhook \"w\": Post \"https://w.ns.svc:443/\": EOF"), Some(Admission::WebhookUnavailable)),
            ("prepare environment: setting up credentials: secrets \"runner-x\" is forbidden: exceeded quota: q, requested: secrets=1, used: secrets=9, limited: secrets=9".into(), Some(Admission::Quota)),
            // a plugin of admission that nobody has told us of
            (preparing("pods \"runner-x\" is forbidden: by order of the house"), Some(Admission::Other)),
            // validation, behind admission
            (preparing("Pod \"runner-x\" is invalid: spec.containers[0].image: Required value"), Some(Admission::Other)),
            // rights, not admission
            (preparing("pods is forbidden: User \"system:serviceaccount:a:b\" cannot create resource \"pods\" in API group \"\" in the namespace \"a\""), None),
            // executors/kubernetes: the pod was made
            ("prepare environment: waiting for pod running: timed out waiting for pod to start. Check …".into(), None),
            ("prepare environment: waiting for pod running: pulling image \"a\": image pull failed: admission webhook denied the request: no".into(), None),
            ("pod \"ns/runner-x\" is disrupted: reason \"EvictionByEvictionAPI\", message \"Eviction API: evicting\"".into(), None),
            ("prepare environment: setting up build pod: context deadline exceeded".into(), None),
            (String::new(), None),
        ] {
            assert_eq!(refusal(&given_up), cause, "{given_up}");
        }
    }
}
