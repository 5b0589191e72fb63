//! Why the API server refuses a pod. Runner pods are made by the runner itself, so these texts stand in job
//! logs and events of controllers, never in events of the pod.

use super::Admission;
use super::text::any;

/// Reads a refusal.
#[must_use]
pub fn classify(message: &str) -> Admission {
    let words = super::lowered(message);
    let recognisers: &[(&[&str], Admission)] = &[
        // PodSecurity, in `warn` mode: a header, no refusal.
        (&["would violate podsecurity"], Admission::PodSecurityWarn),
        (
            &[
                "violates podsecurity",
                "podsecuritypolicy",
                "unable to validate against any security context constraint",
            ],
            Admission::PodSecurity,
        ),
        // ResourceQuota.
        (&["quota evaluates timeout", "quota evaluation timed out"], Admission::QuotaTimeout),
        (&["must specify"], Admission::QuotaMissingRequest),
        (&["exceeded quota", "insufficient quota"], Admission::Quota),
        // LimitRange.
        (&[" usage per container is", " usage per pod is", "limit to request ratio per"], Admission::LimitRange),
        // Webhooks and ValidatingAdmissionPolicy.
        (&["denied the request", "denied request", "validatingadmissionpolicy"], Admission::WebhookDenied),
    ];
    let found = recognisers.iter().find(|(texts, _)| any(&words, texts)).map(|(_, cause)| *cause);
    found.unwrap_or_else(|| webhook(&words))
}

/// `failed calling webhook "X": …`: unreachable unless the text says that time ran out.
fn webhook(words: &str) -> Admission {
    let out_of_time = any(words, &["deadline exceeded", "timeout exceeded", "within requested timeout", "i/o timeout"]);
    if words.contains("failed calling webhook") || words.contains("failed to call webhook") {
        if out_of_time { Admission::WebhookTimeout } else { Admission::WebhookUnavailable }
    } else if words.contains("request did not complete within requested timeout") {
        Admission::WebhookTimeout
    } else {
        Admission::Other
    }
}
