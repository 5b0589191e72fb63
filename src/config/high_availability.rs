//! Two tierwatch side by side.

use super::problem::shown;
use super::rules::{self, Checker, duration_text};
use super::{HighAvailability, raw};

/// What stands below `high_availability`; `None` where it is off, and where something of it is wrong.
pub(super) fn check(
    raw: Option<&raw::HighAvailability>,
    kubernetes: bool,
    checker: &mut Checker<'_>,
) -> Option<HighAvailability> {
    let raw::HighAvailability { enabled, lease_name, namespace, lease_duration, renew_deadline, retry_period } = raw?;
    let mut name = |key: &str, text: &Option<String>| {
        let text = text.clone().unwrap_or_default();
        if !rules::is_dns_label(&text) {
            let reason = format!("{} is no name of Kubernetes", shown(&text));
            let remedy = "use lower-case letters, digits and -, 63 at most, e.g. tierwatch";
            checker.wrong(&format!("high_availability.{key}"), reason, remedy);
        }
        text
    };
    let (lease_name, namespace) = (name("lease_name", lease_name), name("namespace", namespace));
    let mut span = |key: &str, raw: &Option<raw::DurationText>, range| {
        checker.duration(&format!("high_availability.{key}"), raw.as_ref(), range, "")
    };
    let lease_duration = span("lease_duration", lease_duration, 5..=300);
    let renew_deadline = span("renew_deadline", renew_deadline, 2..=300);
    let retry_period = span("retry_period", retry_period, 1..=60);
    if !lease_duration.is_zero() && renew_deadline >= lease_duration {
        let (deadline, lease) = (duration_text(renew_deadline), duration_text(lease_duration));
        let reason = format!("{deadline} is not shorter than high_availability.lease_duration, {lease}");
        let remedy = "give less: who cannot renew must stop before the other may begin, e.g. two thirds of it";
        checker.wrong("high_availability.renew_deadline", reason, remedy);
    }
    if !renew_deadline.is_zero() && retry_period * 2 > renew_deadline {
        let (period, deadline) = (duration_text(retry_period), duration_text(renew_deadline));
        let reason = format!("{period} is more than half of high_availability.renew_deadline, {deadline}");
        checker.wrong("high_availability.retry_period", reason, "give less: one lost renewal must not end a term");
    }
    let enabled = enabled.unwrap_or(false);
    if enabled && !kubernetes {
        let reason = "is on, but kubernetes.enabled is false: the Lease is an object of Kubernetes";
        checker.wrong("high_availability.enabled", reason, "switch one of the two");
    }
    enabled.then_some(HighAvailability { lease_name, namespace, lease_duration, renew_deadline, retry_period })
}
